"""Previews: what an audience would be, before anything leaves the home."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from pipeline.activation.outputs import write_audiences
from pipeline.activation.terms import Waterfall
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import PerennialError
from pipeline.home.locks import home_lock
from pipeline.home.opening import opened
from pipeline.home.people import people_attached
from pipeline.home.quarantine import scratch_folder
from pipeline.settings import Settings
from pipeline.tables.audiences import ID, Audience
from pipeline.tables.catalog import catalog_of

SAMPLE = 5


class NoSuchAudience(PerennialError):
    """An audience that there is not, or no snapshot of it."""


@dataclass(frozen=True)
class Previewed:
    """An audience: its members, how many its files of ids hold, what these are worth, the first of them, and whom its
    terms leave out.
    """

    name: str
    members: int
    delivered: int
    value: float | None
    sample: list[str]
    waterfalls: list[Waterfall]


@dataclass(frozen=True)
class Preview:
    """The audiences that were asked for, as of a day."""

    day: dt.date
    audiences: list[Previewed]


def preview(settings: Settings, name: str, day: dt.date | None = None) -> Preview:
    """The audiences of a file, or the one of a catalogue and value, on the terms of the home.

    Their files are written to a folder of their own and removed again. Raises NoSuchAudience, and what publishing them
    would raise.
    """
    if settings.engine != "duckdb":
        raise NoSuchAudience("A preview reads the warehouse of DuckDB; on Spark, run, and look at the files.")
    listed = [one.with_terms(settings.deliver.get(one.name)) for one in catalog_of(settings.home).audiences]
    asked = [one for one in listed if one.name == name] or listed
    with (
        home_lock(settings.home, f"audience-{os.getpid()}", settings.lock_wait_seconds),
        opened(settings, read_only=True) as connection,
    ):
        engine = DuckDBEngine(connection)
        snapshot = _snapshot(engine, day)
        scratch = scratch_folder(settings)
        scratch.mkdir(parents=True, mode=0o700, exist_ok=True)
        with TemporaryDirectory(dir=scratch) as folder, people_attached(engine, settings, read_only=True):
            found = [shown for one in asked for shown in _previewed(engine, one, snapshot, Path(folder), settings)]
    of_one = [one for one in found if one.name == name]
    if not of_one and asked is listed:
        raise NoSuchAudience(
            f"There is no audience {name!r}; files: {', '.join(one.name for one in listed)}; or name one of their "
            f"audiences, such as {found[0].name if found else 'grid/loyal'}."
        )
    return Preview(snapshot, of_one or found)


def _snapshot(engine: DuckDBEngine, day: dt.date | None) -> dt.date:
    days = sorted(engine.rows_by_day())
    if not days or (day is not None and day not in days):
        there = f"there are {days[0]} … {days[-1]}" if days else "there is none; perennial run makes one"
        raise NoSuchAudience(f"There is no snapshot{'' if day is None else f' of {day}'}: {there}.")
    return day or days[-1]


def _previewed(
    engine: DuckDBEngine, audience: Audience, day: dt.date, folder: Path, settings: Settings
) -> list[Previewed]:
    """Each audience of the file; the others of the same names in `folder` are written over."""

    def file(target: str) -> Path:
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    outputs, waterfalls = write_audiences(engine, [audience], day, file, settings.holdout_share)
    shown = []
    for output in outputs:
        if not output.path.endswith(".parquet"):
            continue
        rows = pl.read_parquet(folder / output.path)
        name = "/".join(Path(output.path).with_suffix("").parts[3:])
        own = [one for one in waterfalls if one.audience == name]
        shown.append(Previewed(
            name, own[0].members if own else rows.height, rows.height,
            float(rows[audience.header.value].sum()) if audience.header.value else None,
            rows[ID].head(SAMPLE).to_list(), own,
        ))  # fmt: skip
    return shown
