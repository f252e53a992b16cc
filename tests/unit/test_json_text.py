"""JSON that is no JSON lines: batches, arrays and objects over several lines, files that break off."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from drop_folder import Home, counts

from pipeline.ingest.json_text import TooLong, values

BREAKS_OFF = "the JSON object breaks off; fetch the file again"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


def orders(*ids: str) -> list[dict[str, object]]:
    """Rows whose texts hold all signs that JSON is made of."""
    text = 'a "b", [c] {d} \\ e'
    return [{"order_id": id, "customer_id": "anna", "ordered_at": "2026-01-02", "amount": 1, "n": text} for id in ids]


AB = orders("a", "b")
SPREAD = json.dumps(AB, indent=2)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("batch.jsonl", json.dumps(AB)),
        ("batch.json", "\ufeff" + json.dumps(AB)),
        ("spread.json", SPREAD),
        ("spread.jsonl", "\ufeff" + SPREAD),
        ("crlf.json", SPREAD.replace("\n", "\r\n")),
        ("utf16.json", SPREAD.encode("utf-16")),
        ("packed.json.gz", gzip.compress(SPREAD.encode(), mtime=0)),
        ("line_each.json", "[\n" + ",\n".join(map(json.dumps, AB)) + "\n]\n"),
        ("bracket_before.json", "[" + ",\n".join(map(json.dumps, AB)) + "]"),
        ("objects.json", "\n".join(json.dumps(row, indent=1) for row in AB)),
        ("batches.jsonl", "\n[]\n".join(json.dumps([row]) for row in AB)),
        ("arrays.json", "\n".join(json.dumps([row], indent=1) for row in AB)),
    ],
)
def test_json_may_be_written_in_any_way(home, name, content):
    home.drop(name, content)
    assert counts(home.load()[name]) == (2, 2, 0, 0, 0)
    assert home.order_lines().rows("row_number", "order_id") == [(1, "a"), (2, "b")]


def test_objects_of_batches_are_numbered_through_the_file(home):
    lines = [json.dumps(AB), "", json.dumps(orders("c")[0]), json.dumps(orders("d")), "[1, 2]"]
    home.drop("events.jsonl", "\n".join(lines))
    assert counts(home.load()["events.jsonl"]) == (5, 4, 1, 0, 0)
    assert home.order_lines().rows("row_number", "order_id") == [(1, "a"), (2, "b"), (4, "c"), (5, "d")]
    assert home.reasons() == {6: "the line is no JSON object"}


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (json.dumps(AB)[:-30], {1: "a"}),
        (SPREAD[:-60], {1: "a"}),
        (json.dumps(orders("x")) + "\n" + json.dumps(AB)[:-30], {1: "x", 2: "a"}),
        (json.dumps(orders("x")[0]) + "\n" + json.dumps(AB[0])[:30], {1: "x"}),
    ],
    ids=["batch", "spread", "second batch", "line"],
)
def test_where_a_file_breaks_off_the_last_object_alone_is_quarantined(home, content, kept):
    home.drop("events.json", content)
    home.load()
    assert home.order_lines().by("row_number", "order_id") == kept
    assert home.reasons() == {len(kept) + 1: BREAKS_OFF}


def test_a_batch_that_breaks_off_leaves_the_lines_behind_it(home):
    home.drop("events.jsonl", json.dumps(orders("x", "y"))[:-30] + "\n" + json.dumps(AB) + "\n")
    home.load()
    assert home.order_lines().by("row_number", "order_id") == {1: "x", 3: "a", 4: "b"}
    assert home.reasons() == {2: BREAKS_OFF}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_values_are_cut_alike_wherever_the_text_is_cut_into_chunks(size):
    text = '[{"a": "\\"]}"}, [1, {"b": []}], 2]\n{"c": "x\ny"} {"d": 1}'
    chunks = [text[start : start + size] for start in range(0, len(text), size)]
    joined = list[str]()
    for chunk in chunks:  # none ends in a backslash, as the reader sees to it
        if joined and joined[-1].endswith("\\"):
            joined[-1] += chunk
        else:
            joined.append(chunk)
    assert list(values(joined, 1000)) == ['{"a": "\\"]}"}', '[1, {"b": []}]', "2", '{"c": "x', 'y"} {"d": 1}']


def test_a_value_may_not_be_longer_than_is_said():
    with pytest.raises(TooLong):
        list(values(['[{"a": "', "x" * 50, '"}]'], 40))
