"""JSON: an object per line, or arrays of objects, spread over lines or not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import ExportError
from pipeline.ingest.json_text import is_spread, unpacked, values
from pipeline.ingest.readers.files import Format
from pipeline.ingest.readers.raw import Read, number_beside
from pipeline.ingest.readers.separated import read_lines
from pipeline.ingest.readers.text import LONGEST_ROW, SAMPLE, Text, bounded, chunks, copied
from pipeline.ingest.sizes import LONGEST_LINE, MOST_COLUMNS, require_columns
from pipeline.quoting import quoted, text_literal

SAMPLE_OBJECTS = 1000


def first_values(text: Text) -> Iterator[str]:
    """JSON values, each on one line, as far as somebody asks for them."""
    with text.open(errors="replace") as lines:
        is_cut = not _is_spread(text) and lines.read(SAMPLE).lstrip()[:1] != "["
    with text.open(errors="replace") as lines:
        yield from bounded(lines) if is_cut else values(chunks(lines), LONGEST_ROW)


def _is_spread(text: Text) -> bool:
    with text.open(errors="replace") as lines:
        return is_spread(bounded(lines))


def keys_of(line: str) -> Iterable[str]:
    try:
        read = json.loads(line)
    except (ValueError, RecursionError):
        return ()
    return read.keys() if isinstance(read, dict) else ()


@contextmanager
def a_value_a_line(text: Text, format: Format, long_line: bool, scratch: Path | None) -> Iterator[Text]:
    """The text as it lies; of JSON that goes on over lines a copy that has each value on its own, while it is read."""
    if format != "jsonl" or not (long_line or _is_spread(text)):
        yield text
        return
    with text.open() as given, copied(text, values(chunks(given), LONGEST_LINE), scratch) as copy:
        yield copy


def read_values(engine: DuckDBEngine, text: Text, scratch: Path | None) -> None:
    """The lines of JSON lines; in place of those that are arrays of objects, the objects."""
    read_lines(engine, text, header=False)
    if engine.scalar("SELECT coalesce(bool_or(prefix(ltrim(line), '[')), FALSE) FROM raw"):
        # Not by DuckDB: it would hold 2,048 batches at a time, however long they are.
        with text.open() as given, copied(text, unpacked(given, LONGEST_LINE), scratch) as copy:
            read_lines(engine, copy, header=False)


_IS_BLANK = "coalesce(trim(line), '') = ''"
"""A line of JSON lines without a word; like a blank row of CSV, it is a row without cells, and left out later."""


def read_json_lines(engine: DuckDBEngine, text: Text) -> Read:
    """The JSON lines in `raw` as text per key. A line that is no JSON object is malformed, the others still load.

    The elements of a line that is an array of objects are rows, numbered through the file. Keys that case and blanks
    alone tell apart are one column, called as most lines call it; a line that has two of them, or one key twice, does
    not say which counts.
    """
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE objects AS SELECT row_number, line, "
        "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE FALSE END AS is_object "
        f"FROM (SELECT rowid + 1 AS row_number, CASE WHEN {_IS_BLANK} THEN '{{}}' ELSE line END AS line FROM raw)"
    )
    engine.execute(
        "INSERT INTO malformed SELECT row_number, line, CASE WHEN prefix(ltrim(line), '{') AND NOT suffix(rtrim(line), "
        "'}') THEN 'the JSON object breaks off; fetch the file again' ELSE 'the line is no JSON object' END "
        "FROM objects WHERE NOT is_object"
    )
    _require_objects(engine, text.path.name)
    same = "lower(trim(key))"
    twice = f"len(list_distinct([{same} FOR key IN json_keys(line)])) < len(json_keys(line))"
    engine.execute(
        f"INSERT INTO malformed SELECT row_number, line, 'the line names a key twice' FROM objects "
        f"WHERE CASE WHEN is_object THEN {twice} ELSE FALSE END"
    )
    engine.execute("DELETE FROM objects WHERE row_number IN (SELECT row_number FROM malformed)")
    rows = engine.execute(
        f"SELECT list(key ORDER BY lines DESC, key) FROM (SELECT key, count(*) AS lines "
        f"FROM (SELECT unnest(json_keys(line)) AS key FROM objects) AS named GROUP BY key) AS keys "
        f"GROUP BY {same} ORDER BY 1 LIMIT {MOST_COLUMNS + 1}"
    )
    keys = {spellings[0]: spellings for (spellings,) in rows}
    require_columns(text.path.name, len(keys))
    number = number_beside(keys)
    values = "".join(f", {_json_value('json_extract_string', keys[key])} AS {quoted(key)}" for key in keys)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE raw AS SELECT row_number AS {number}{values} FROM objects")
    numbers = _json_numbers(engine, keys)
    return list(keys), f"raw.{number}", numbers


def _require_objects(engine: DuckDBEngine, file: str) -> None:
    """Raises ExportError for a file in which there is no object with a key."""
    if not engine.scalar("SELECT count(*) FROM objects WHERE is_object AND line <> '{}'"):
        raise ExportError(
            f"{file} holds no JSON object with a key: .jsonl holds one object per line, or arrays of objects. Export "
            f"it so, or as CSV."
        )


def _json_numbers(engine: DuckDBEngine, keys: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The keys whose values are never strings: their numbers have a decimal point, as JSON wants it."""
    texts = [f"bool_or({_json_value('json_type', spellings)} = 'VARCHAR')" for spellings in keys.values()]
    found = engine.execute(f"SELECT {', '.join(texts)} FROM objects")[0] if keys else ()
    engine.execute("DROP TABLE objects")
    return frozenset(key for key, has_text in zip(keys, found, strict=True) if not has_text)


def _json_value(function: str, spellings: Sequence[str]) -> str:
    """SQL: what a line has under one of the spellings of a key."""
    values = ", ".join(f"{function}(line, {text_literal(_json_path(spelling))})" for spelling in spellings)
    return f"coalesce({values})" if len(spellings) > 1 else values


def _json_path(key: str) -> str:
    return '$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
