"""Every tool that people read published tables with, and every way: the folder of a table, a glob, one file.

Each gives `snapshot_date` of all rows as dates. What belongs here: how they are asked; tests say of which home.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from glob import glob
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset as ds

Dates = Iterable[object]


def _polars(path: str) -> Dates:
    return pl.scan_parquet(path).select("snapshot_date").collect()["snapshot_date"].to_list()


def _duckdb(path: str) -> Dates:
    rows = duckdb.connect().execute(f"SELECT snapshot_date FROM read_parquet('{path}')").fetchall()
    return [row[0] for row in rows]


def _files(path: str) -> str | list[str]:
    """pandas and pyarrow leave it to Python to find the files of a pattern."""
    return sorted(glob(path)) if "*" in path else path  # noqa: PTH207 - absolute patterns


def _pandas(path: str) -> Dates:
    return list(pd.read_parquet(_files(path))["snapshot_date"])


def _pyarrow(path: str, partitioning: str | None = None) -> Dates:
    return (
        ds.dataset(_files(path), partitioning=partitioning)
        .to_table(columns=["snapshot_date"])["snapshot_date"]
        .to_pylist()
    )


def _pyarrow_hive(path: str) -> Dates:
    return _pyarrow(path, "hive")


FOLDER, GLOB, FILE = "{table}", "{table}/*/*.parquet", "{table}/day={day}/{name}.parquet"
WAYS: dict[str, tuple[Callable[[str], Dates], tuple[str, ...]]] = {
    "DuckDB": (_duckdb, ("{table}/**", GLOB, FILE)),
    "Polars": (_polars, (FOLDER, GLOB, FILE)),
    "pandas": (_pandas, (FOLDER, GLOB, FILE)),
    "pyarrow": (_pyarrow, (FOLDER, GLOB, FILE)),
    "pyarrow, hive": (_pyarrow_hive, (FOLDER, GLOB, FILE)),
}


def wrong(home: Path, name: str, days: Iterable[str], tool: str, read: Callable[[str], Dates], way: str) -> str | None:
    """What is wrong with the dates that a tool sees in a published table; None if nothing is."""
    folder = home / "data" / "marts" / name
    files = {dt.date.fromisoformat(day): folder / f"day={day}" / f"{name}.parquet" for day in days}
    rows = {day: pl.scan_parquet(file).select(pl.len()).collect().item() for day, file in files.items()}
    shown = max(rows) if way == FILE else None
    expected = {day: count for day, count in rows.items() if count and shown in (None, day)}
    try:
        found = list(read(way.format(table=folder, name=name, day=shown)))
    except Exception as error:
        return f"{tool} cannot read {name} as {way}: {error}"
    seen = {day: found.count(day) for day in set(found)}
    return None if seen == expected and all(type(day) is dt.date for day in seen) else f"{tool}, {name}, {way}: {seen}"
