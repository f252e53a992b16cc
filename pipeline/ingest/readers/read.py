"""Readers: a file of an export into the temporary table `raw`, as it is, each row traceable by its number.

CSV, JSON lines and lines of text arrive as text, Parquet and workbooks with their types. A row that breaks the format
itself (too few fields, no JSON) goes to `malformed` with its text and the reason. What the columns mean is not known
here. Clean UTF-8 is read by DuckDB where it lies; other text is first rewritten as UTF-8 in a scratch folder, and CSV
that does not follow the standard is read by a slower reader that loses nothing.
"""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

import duckdb
import polars as pl

from pipeline.dialect import Dialect
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import ExportError
from pipeline.ingest.json_text import TooLong
from pipeline.ingest.readers.encodings import code_page_of_all, encoding_of_sample, in_utf8
from pipeline.ingest.readers.files import EVIDENCE, Format, errors_of, format_of, of_another_kind, require_magic
from pipeline.ingest.readers.headers import Test, require_different
from pipeline.ingest.readers.json_lines import (
    SAMPLE_OBJECTS,
    a_value_a_line,
    first_values,
    keys_of,
    read_json_lines,
    read_values,
)
from pipeline.ingest.readers.raw import RawFile, create_raw
from pipeline.ingest.readers.separated import csv_columns, read_csv, read_lines, read_malformed_csv, with_header
from pipeline.ingest.readers.text import UTF_8, Text
from pipeline.ingest.readers.workbooks import read_workbook, sheet_of
from pipeline.ingest.sizes import LONGEST_LINE, Limits, require_columns, require_size, require_unpacked
from pipeline.quoting import file_literal, quoted

_TEXT_READERS = {"csv": read_csv, "jsonl": read_json_lines, "lines": read_lines}


def read_raw(
    engine: DuckDBEngine,
    path: Path,
    as_lines: bool = False,
    dialect: Dialect | None = None,
    scratch: Path | None = None,
    limits: Limits | None = None,
    is_header: Test | None = None,
) -> RawFile:
    """Fill `raw` (the columns of the file, its rows in order) and `malformed`.

    `dialect` fixes what is not to be recognised; `scratch` is a folder for rewritten text (default: the system's);
    `limits` is how large the file may be.
    `is_header` tells names of columns from a title above them, where their form does not.
    Raises ExportError when the file as a whole cannot be read.
    """
    engine.execute("CREATE OR REPLACE TEMP TABLE malformed (row_number BIGINT, text VARCHAR, reason VARCHAR)")
    format, compression = format_of(path)
    format = "lines" if as_lines else format
    fixed = dialect or Dialect()
    with errors_of(path, format, fixed):
        require_magic(path, format)
        long_line = limits is not None and require_size(path, format, compression, limits)
        if format == "parquet":
            require_different(path.name, list(pl.read_parquet_schema(path)))
            return _read_parquet(engine, path, limits)
        if format == "xlsx":
            return read_workbook(engine, path, fixed, scratch, is_header)
        return _read_text(engine, _text(path, compression, fixed), format, fixed, scratch, is_header, long_line)


def columns_of(path: Path, dialect: Dialect, limits: Limits, is_header: Test | None = None) -> list[str]:
    """The columns of a file, without reading the rows; of JSON lines, those that the first thousand name.

    Raises ExportError when the file cannot be read.
    """
    format, compression = format_of(path)
    with errors_of(path, format, dialect):
        require_magic(path, format)
        if format == "parquet":
            return list(pl.read_parquet_schema(path))
        if format == "xlsx":
            require_size(path, format, compression, limits)  # a workbook is held in memory whole
            return sheet_of(path, dialect, is_header)[1]
        text = _text(path, compression, dialect)
        if format == "csv":
            return csv_columns(with_header(text, is_header))
        return sorted({key for value in islice(first_values(text), SAMPLE_OBJECTS) for key in keys_of(value)})


def _read_parquet(engine: DuckDBEngine, path: Path, limits: Limits | None) -> RawFile:
    call = f"read_parquet({file_literal(path)}, hive_partitioning = false)"
    types = engine.execute(f"SELECT column_name, column_type FROM (DESCRIBE FROM {call})")
    require_columns(path.name, len(types))
    lengths = [length for name, kind in types if (length := _length(quoted(name), kind))]
    if limits is not None and lengths:
        # A dictionary holds a text once, and its rows name it as often as they like: only decoding tells how long all
        # are together. It is done as a stream, of which DuckDB keeps no row.
        total = " + ".join(f"coalesce(sum(CAST({length} AS HUGEINT)), 0)" for length in lengths)
        require_unpacked(path, int(engine.scalar(f"SELECT {total} FROM {call}")), limits)
    columns, number = create_raw(engine, call)
    return RawFile(columns, number, Dialect())


def _length(column: str, kind: str) -> str | None:
    """SQL: how many bytes a cell takes; None for types whose cells all take as many."""
    if kind == "BLOB":
        return f"octet_length({column})"
    if kind in ("VARCHAR", "JSON"):
        return f"strlen({column})"
    is_nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))
    return f"strlen(CAST({column} AS VARCHAR))" if is_nested else None


def _text(path: Path, compression: str, fixed: Dialect) -> Text:
    """A text file in the encoding that is fixed, else the one its first bytes speak for."""
    text = Text(path, compression, fixed)
    with text.bytes() as stream:
        head = stream.read(EVIDENCE)
    if what := of_another_kind(head):
        raise ExportError(f"{path.name} is no text but {what}.")
    return text.read_as(encoding=fixed.encoding or encoding_of_sample(text))


def _read_text(
    engine: DuckDBEngine, text: Text, format: Format, fixed: Dialect, scratch: Path | None, is_header: Test | None,
    long_line: bool = False,
) -> RawFile:  # fmt: skip
    """Read text in its encoding. Where it was taken for UTF-8 and is not, the whole file is looked at."""
    if format == "csv":
        text = with_header(text, is_header)
    elif long_line and format != "jsonl":
        raise _too_long(text, format)
    try:
        with a_value_a_line(text, format, long_line, scratch) as by_lines, in_utf8(by_lines, scratch) as readable:
            if format == "jsonl":
                read_values(engine, readable, scratch)
            read = read_malformed_csv if long_line and format == "csv" else _TEXT_READERS[format]
            columns, number, typed = read(engine, readable)
    except TooLong:
        raise _too_long(text, format) from None
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.NotImplementedException) as error:
        if text.dialect.encoding in UTF_8 and not fixed.encoding and (encoding := code_page_of_all(text)):
            text = text._replace(dialect=fixed, above=0).read_as(encoding=encoding)
            return _read_text(engine, text, format, fixed, scratch, is_header)
        if format != "csv":
            line = re.search(r"on Line: (\d+)", str(error))
            where = f"line {int(line[1]):,}" if line else "a line"
            raise ExportError(
                f"{text.path.name} cannot be read as {format}: {where} holds bytes that are no UTF-8 text, or more "
                f"than {LONGEST_LINE:,} of them. Export it again."
            ) from None
        with in_utf8(text, scratch) as readable:
            columns, number, typed = read_malformed_csv(engine, readable)
    return RawFile(columns, number, text.dialect, text.above + 1, text.title_lines, typed)


def _too_long(text: Text, format: Format) -> ExportError:
    return ExportError(
        f"{text.path.name} cannot be read as {format}: one of its lines is longer than {LONGEST_LINE:,} characters. "
        f"Export it again."
    )
