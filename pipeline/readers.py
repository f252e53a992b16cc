"""Readers: a file of an export into the temporary table `raw`, as it is, each row traceable by its number.

CSV, JSON lines and lines of text arrive as text, Parquet with its types. A row that breaks the format itself (too few
fields, no JSON) goes to `malformed` with its text and the reason. What the columns mean is not known here.
"""

from __future__ import annotations

import csv
import io
from itertools import islice
from pathlib import Path
from typing import Literal

import duckdb
import polars as pl
import pyarrow as pa

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.sources import ROW_NUMBER, ExportError, quoted, text_literal

Format = Literal["csv", "parquet", "jsonl", "lines"]
_FORMATS: dict[str, Format] = {
    ".csv": "csv", ".txt": "csv", ".tsv": "csv",
    ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
_DELIMITERS = ",;\t|"
_NO_SUCH_CHARACTER = "\x01"
_BATCH = 50_000
_LONGEST_LINE = 2**24


def format_of(path: Path) -> tuple[Format, str]:
    """(format, compression) by the file's ending. Raises ExportError for one that is not read."""
    compression = _COMPRESSIONS.get(path.suffix.lower(), "none")
    ending = (Path(path.stem) if compression != "none" else path).suffix.lower()
    if ending not in _FORMATS:
        raise ExportError(
            f"{path.name}: files ending in {ending or 'nothing'} are not read; "
            f"export {', '.join(_FORMATS)} (text also as .gz or .zst)."
        )
    return _FORMATS[ending], compression


def read_raw(engine: DuckDBEngine, path: Path, as_lines: bool = False) -> list[str]:
    """Fill `raw` (the columns of the file and row_number, from 1) and `malformed`; returns the columns of the file.

    Raises ExportError when the file as a whole cannot be read.
    """
    engine.execute("CREATE OR REPLACE TEMP TABLE malformed (row_number BIGINT, text VARCHAR, reason VARCHAR)")
    format, compression = format_of(path)
    if as_lines:
        format = "lines"
    try:
        if path.stat().st_size == 0:
            raise ExportError(f"{path.name} is empty (0 bytes): the export did not finish. Export it again.")
        return _READERS[format](engine, path, compression)
    except (duckdb.Error, EOFError, OSError) as error:
        first = str(error).strip().splitlines()[0]
        raise ExportError(f"{path.name} cannot be read as {format}: {first} Export it again.") from error
    except UnicodeDecodeError as error:
        raise ExportError(f"{path.name} is not UTF-8 text (byte {error.start:,}). Export it as UTF-8.") from error


def _read_parquet(engine: DuckDBEngine, path: Path, compression: str) -> list[str]:
    return _create_raw(engine, f"read_parquet({text_literal(path)})")


def _read_lines(engine: DuckDBEngine, path: Path, compression: str, header: bool = True) -> list[str]:
    """Each line of text as one column `line`; the first is a header."""
    return _create_raw(engine, _csv_call(path, compression, ["line"], _NO_SUCH_CHARACTER, quote="", header=header))


def _read_json_lines(engine: DuckDBEngine, path: Path, compression: str) -> list[str]:
    """JSON lines as text per key. A line that is no JSON object is malformed, the others still load."""
    _read_lines(engine, path, compression, header=False)
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE objects AS SELECT rowid + 1 AS row_number, line, "
        "coalesce(json_valid(line) AND json_type(line) = 'OBJECT', FALSE) AS is_object FROM raw"
    )
    engine.execute(
        "INSERT INTO malformed SELECT row_number, line, 'the line is no JSON object' FROM objects WHERE NOT is_object"
    )
    rows = engine.execute("SELECT DISTINCT unnest(json_keys(line)) AS key FROM objects WHERE is_object ORDER BY key")
    keys = [row[0] for row in rows]
    values = "".join(f", json_extract_string(line, {text_literal(_json_path(key))}) AS {quoted(key)}" for key in keys)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE raw AS SELECT row_number{values} FROM objects WHERE is_object")
    engine.execute("DROP TABLE objects")
    return keys


def _read_csv(engine: DuckDBEngine, path: Path, compression: str) -> list[str]:
    """CSV as text. DuckDB reads what follows the standard; for the rest there is a slower reader that loses nothing."""
    columns, delimiter = _csv_header(path, compression)
    try:
        return _create_raw(engine, _csv_call(path, compression, columns, delimiter))
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return _read_malformed_csv(engine, path, compression, columns, delimiter)


_READERS = {"csv": _read_csv, "parquet": _read_parquet, "jsonl": _read_json_lines, "lines": _read_lines}


def _csv_call(
    path: Path, compression: str, columns: list[str], delimiter: str, quote: str = '"', header: bool = True
) -> str:
    """read_csv with nothing left to guess."""
    names = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in columns)
    return (
        f"read_csv({text_literal(path)}, auto_detect=false, header={str(header).lower()}, compression='{compression}', "
        f"delim={text_literal(delimiter)}, quote='{quote}', escape='{quote}', "
        f"max_line_size={_LONGEST_LINE}, columns={{{names}}})"
    )


def _create_raw(engine: DuckDBEngine, call: str) -> list[str]:
    engine.execute(f"CREATE OR REPLACE TEMP TABLE raw AS SELECT * FROM {call}")
    return [row[0] for row in engine.execute("SELECT column_name FROM (DESCRIBE raw)")]


def _csv_header(path: Path, compression: str) -> tuple[list[str], str]:
    """Column names and delimiter, from the header line. Raises ExportError when names repeat."""
    with _text(path, compression) as text:
        line = text.readline(1 << 20)
    delimiter = max(_DELIMITERS, key=line.count)
    columns = [name.strip() for name in next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])]
    if not any(columns):
        raise ExportError(f"{path.name} has no header line. The first line must name the columns.")
    lowered = [name.lower() for name in columns]
    repeated = sorted({name for name in columns if lowered.count(name.lower()) > 1})
    if repeated:
        raise ExportError(f"{path.name} names columns twice: {', '.join(repeated)}. Rename them in the export.")
    return columns, delimiter


def _read_malformed_csv(
    engine: DuckDBEngine, path: Path, compression: str, columns: list[str], delimiter: str
) -> list[str]:
    """Row by row with Python's forgiving reader: rows with too few or too many fields become `malformed`."""
    names = ", ".join(f"{quoted(name)} VARCHAR" for name in columns)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE raw (row_number BIGINT, {names})")
    csv.field_size_limit(1 << 30)
    with _text(path, compression) as text:
        rows = csv.reader(text, delimiter=delimiter)
        next(rows)
        numbered = enumerate((row for row in rows if row), start=1)
        while batch := list(islice(numbered, _BATCH)):
            _insert_rows(engine, batch, columns, delimiter)
    return columns


def _insert_rows(engine: DuckDBEngine, batch: list[tuple[int, list[str]]], columns: list[str], delimiter: str) -> None:
    good = [(number, *row) for number, row in batch if len(row) == len(columns)]
    bad = [
        (number, delimiter.join(row), f"the row has {len(row)} fields, the header {len(columns)}")
        for number, row in batch
        if len(row) != len(columns)
    ]
    as_text = {ROW_NUMBER: pl.Int64, **dict.fromkeys(columns, pl.String)}
    engine.insert("raw", pl.DataFrame(good, schema=as_text, orient="row"))
    as_malformed = {ROW_NUMBER: pl.Int64, "text": pl.String, "reason": pl.String}
    engine.insert("malformed", pl.DataFrame(bad, schema=as_malformed, orient="row"))


def _text(path: Path, compression: str) -> io.TextIOWrapper:
    stream = pa.input_stream(str(path), compression=None if compression == "none" else compression)
    return io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")


def _json_path(key: str) -> str:
    return '$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
