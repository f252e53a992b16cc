"""Names of files and columns that mean something to DuckDB: a file is read as it is named, a column is a column."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, closing
from pathlib import Path

import polars as pl
import pytest
from drop_folder import HEADER, Home

from pipeline.engines.duckdb import confine, open_file
from pipeline.errors import ExportError
from pipeline.ingest import recognise
from pipeline.ingest.exports import load_exports
from pipeline.ingest.inspection import inspect
from pipeline.settings import Settings


@pytest.fixture
def home(tmp_path):
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


def orders(*ids: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"order_id": ids, "customer_id": ids, "ordered_at": ["2026-01-02"] * len(ids), "amount": ["10"] * len(ids)}
    )


def drop(home: Home, name: str, frame: pl.DataFrame) -> Path:
    path = home.drop(name, b"")
    frame.write_parquet(path) if name.endswith("parquet") else frame.write_csv(path)
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize(("name", "other"), [("orders[1]", "orders1"), ("z*", "zz"), ("[a-b]/q?", "a/qq")])
def test_a_name_with_signs_of_patterns_means_one_file(home, name, other, ending):
    drop(home, f"{name}.{ending}", orders("o1", "o2"))
    drop(home, f"{other}.{ending}", orders("o3"))
    home.load()
    assert sorted(home.ledger().frame["accepted"]) == [1, 2]
    assert sorted(home.order_lines().frame["order_id"]) == ["o1", "o2", "o3"]


def test_a_copy_in_utf_8_is_read_by_its_own_name(home):
    home.drop("a[1].csv", f"{HEADER}\no1,ań,2026-01-02,10\n".encode("utf-16"))
    home.load()
    assert home.order_lines().rows("order_id", "customer_id") == [("o1", "ań")]


def test_a_file_that_is_named_outside_the_home_may_have_such_a_name(home, tmp_path_factory):
    path = tmp_path_factory.mktemp("elsewhere") / "a[1].csv"
    path.write_text(f"{HEADER}\no1,anna,2026-01-02,10\n")
    with ExitStack() as opened:
        outside = Home(home.path / "other", opened, [path])
        assert outside.load(perennial=str(path))["a[1].csv"].accepted == 1


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_folder_called_like_a_column_says_nothing_of_it(home, ending):
    drop(home, f"customer_id=HIVE/y.{ending}", orders("o1"))
    home.load()
    assert home.order_lines().rows("order_id", "customer_id") == [("o1", "o1")]


NAMES = ("raw", "given", "export", "mapped", "row_number", "problems", "line", "source", "malformed", "reasons")
NUMBERS = (("ROWID",), ("rowid", "__row__", "raw.rowid"))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("names", [NAMES, *NUMBERS])
def test_a_column_of_any_name_is_kept_with_its_quarantined_row(home, names, ending):
    frame = orders("o1", "o2", "o3").with_columns(pl.lit(77).alias(name) for name in names)
    frame = frame.with_columns(amount=pl.Series(["10", "ten", "10"]))
    drop(home, f"a.{ending}", frame)
    home.load()
    (row,) = home.set_aside().rows("row_number", "raw")
    kept = json.loads(row[1])
    assert (row[0], kept["order_id"], kept["amount"]) == (2, "o2", "ten")
    assert [str(kept[name]) for name in names] == ["77"] * len(names)
    assert home.order_lines().rows("row_number", "order_id") == [(1, "o1"), (3, "o3")]


@pytest.mark.parametrize("name", ["rowid", "__ROW__"])
def test_rows_keep_their_numbers_in_every_reader(home, name):
    cells = {"customer_id": "anna", "ordered_at": "2026-01-02", name: "a"}
    good, bad = ({"order_id": id, "amount": amount} | cells for id, amount in (("o1", 10), ("o2", "ten")))
    home.drop("a.jsonl", f"no object\n{json.dumps(good)}\n{json.dumps(bad)}\n")
    home.drop("b.csv", f"{HEADER},{name}\no3,anna,2026-01-02,10,a\no4,anna\no5,anna,2026-01-02,10,b\n")
    home.load()
    assert sorted(home.order_lines().rows("row_number", "order_id")) == [(1, "o3"), (2, "o1"), (3, "o5")]
    assert sorted(home.set_aside().frame["row_number"]) == [1, 2, 3]


def test_a_sample_is_taken_of_a_file_with_such_a_column(home, monkeypatch):
    monkeypatch.setattr(recognise, "SAMPLE_ROWS", 2)
    rows = [f"o{n},anna,0{n}.01.2026,10,x" for n in range(1, 9)]
    home.lines("a.csv", *rows, "o9,anna,31.01.2026,10,x", header=f"{HEADER},rowid")
    assert home.load()["a.csv"].accepted == 9


def test_a_name_that_is_no_text_refuses_its_file_only(home):
    folder = home.drop("a.csv", f"{HEADER}\no1,anna,2026-01-02,10\n").parent
    strange = os.fsencode(folder) + b"/ord\xff\xe9.csv"
    Path(os.fsdecode(strange)).write_bytes((folder / "a.csv").read_bytes())
    outcomes = list(load_exports(home.engine, home.now(), home.find()))
    (error,) = [outcome for outcome in outcomes if isinstance(outcome, ExportError)]
    assert str(error) == "ord··.csv: its name holds bytes that are no UTF-8 text. Rename it."
    assert len(home.order_lines()) == 1


def test_a_name_that_is_no_text_stops_no_run_before_it_is_refused(tmp_path):
    """The run names the files that DuckDB may read before it looks at any, and so does inspect."""
    settings, file = Settings(home=tmp_path), tmp_path / os.fsdecode(b"ord\xff.csv")
    file.write_text(f"{HEADER}\no1,anna,2026-01-02,10\n")
    with closing(open_file(settings.warehouse_file, settings)) as connection:
        confine(connection, settings, [file, tmp_path / "a.csv"])
    assert inspect(file, settings).problem == "ord·.csv: its name holds bytes that are no UTF-8 text. Rename it."


def test_json_of_any_depth_refuses_nothing_but_its_line(home):
    deep = "[" * 200_000 + "]" * 200_000
    good = '{"order_id": "o1", "customer_id": "a", "ordered_at": "2026-01-02", "amount": "10"}'
    home.drop("a.jsonl", f"{deep}\n{good}\n")
    home.lines("b.csv", "o2,anna,2026-01-02,10")
    home.load()
    assert sorted(home.order_lines().frame["order_id"]) == ["o1", "o2"]
