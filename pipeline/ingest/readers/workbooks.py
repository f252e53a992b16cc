"""Workbooks (.xlsx): the sheet that is read, and its cells with their types."""

from __future__ import annotations

import logging
from pathlib import Path

import polars as pl

from pipeline.dialect import Dialect
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import ExportError
from pipeline.ingest.readers.files import sentence
from pipeline.ingest.readers.headers import HEAD, Test, column_names, header_place
from pipeline.ingest.readers.raw import RawFile, number_beside
from pipeline.ingest.readers.text import scratch_folder
from pipeline.quoting import file_literal


def read_workbook(
    engine: DuckDBEngine, path: Path, dialect: Dialect, scratch: Path | None, is_header: Test | None
) -> RawFile:
    """A sheet of a workbook, the first or the one named; the row below a title names the columns. Cells keep types."""
    import fastexcel

    sheet, columns, above = sheet_of(path, dialect, is_header)
    try:
        frame = (
            fastexcel.read_excel(path)
            .load_sheet(sheet, header_row=None, column_names=columns, skip_rows=above + 1, schema_sample_rows=None)
            .to_polars()
        )
    except fastexcel.FastExcelError as error:
        raise _no_workbook(path, error) from None
    number = number_beside(columns)
    frame = frame.select(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(number), *map(_whole_numbers, frame))
    with scratch_folder(scratch) as folder:
        frame.filter(~pl.all_horizontal(pl.exclude(number).is_null())).write_parquet(folder / "sheet.parquet")
        sheet_file = file_literal(folder / "sheet.parquet")
        engine.execute(f"CREATE OR REPLACE TEMP TABLE raw AS FROM read_parquet({sheet_file}, hive_partitioning=false)")
    return RawFile(columns, f"raw.{number}", Dialect(sheet=dialect.sheet), above + 1, above)


def sheet_of(path: Path, dialect: Dialect, is_header: Test | None) -> tuple[str, list[str], int]:
    """(name of the sheet to read, its columns, rows above the one that names them)."""
    import fastexcel

    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it tells of every empty column
    try:
        book = fastexcel.read_excel(path)
        sheet = dialect.sheet or book.sheet_names[0]
        head = book.load_sheet(sheet, header_row=None, skip_rows=0, n_rows=HEAD, dtypes="string").to_polars()
    except fastexcel.FastExcelError as error:
        raise _no_workbook(path, error) from None
    rows = [[cell or "" for cell in row] for row in head.rows()]
    filled = [place for place, row in enumerate(rows) if any(cell.strip() for cell in row)]
    place = header_place([rows[number] for number in filled], is_header) or 0
    above = filled[place] if filled else 0
    return sheet, column_names(f'{path.name}, sheet "{sheet}"', rows[above] if rows else ()), above


def sheets_of(path: Path) -> list[str]:
    """The names of a workbook's sheets; none of one that cannot be read."""
    import fastexcel

    try:
        return list(fastexcel.read_excel(path).sheet_names)
    except (fastexcel.FastExcelError, OSError):
        return []


def _no_workbook(path: Path, error: Exception) -> ExportError:
    lines = [line.strip().removeprefix("0: ") for line in str(error).splitlines()]
    told = next((line for line in lines if "Available sheets" in line), None)
    if told is not None:
        remedy = "Fix the setting sheet below [dialects.<source>] in perennial.toml."
        return ExportError(f"{path.name} cannot be read as xlsx: {sentence(told)} {remedy}")
    return ExportError(
        f"{path.name} cannot be read as xlsx: it is cut short, damaged, or no workbook (.xlsx). Export it again."
    )


def _whole_numbers(cells: pl.Series) -> pl.Series:
    """A workbook knows only floating-point numbers; a column of whole ones (order 1001) is no column of fractions."""
    if not cells.dtype.is_float() or not ((cells.floor() == cells) & (cells.abs() < 2**53)).all():
        return cells
    return cells.cast(pl.Int64)
