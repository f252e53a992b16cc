"""Previews: what an audience would be, before anything leaves the home."""

from __future__ import annotations

import datetime as dt
import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import polars as pl

from pipeline.activation.outputs import write_audiences
from pipeline.activation.terms import Waterfall
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import PerennialError
from pipeline.home.locks import home_lock
from pipeline.home.opening import opened
from pipeline.home.people import people_at_hand
from pipeline.home.quarantine import scratch_folder
from pipeline.places import audience_folder
from pipeline.settings import Settings
from pipeline.snapshots import chosen
from pipeline.tables.audiences import ID, Audience, on_terms
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

    Their files of ids are written to a folder of their own and removed again, those for platforms, which hold
    addresses, are not written at all. Raises NoSuchAudience, and what publishing them would raise.
    """
    if settings.engine != "duckdb":
        raise NoSuchAudience("A preview reads the warehouse of DuckDB; on Spark, run, and look at the files.")
    catalog = catalog_of(settings.home)
    listed = on_terms(catalog.audiences, settings.deliver)
    of_file = [one for one in listed if one.name == name]
    only = None if of_file else name
    with (
        home_lock(settings.home, f"audience-{os.getpid()}", settings.lock_wait_seconds),
        opened(settings, read_only=True) as connection,
    ):
        engine = DuckDBEngine(connection)
        snapshot = chosen(engine.rows_by_day(), day, NoSuchAudience, "snapshot")
        if engine.is_behind(catalog.tables.values()):
            raise NoSuchAudience("An earlier version wrote this home, or its tables have changed since; run first.")
        scratch = scratch_folder(settings)
        rmtree(scratch, ignore_errors=True)  # what a preview that was killed has left
        scratch.mkdir(parents=True, mode=0o700, exist_ok=True)
        with TemporaryDirectory(dir=scratch) as folder, people_at_hand(engine, settings, read_only=True):
            found = [
                shown
                for one in of_file or listed
                for shown in _previewed(engine, one, snapshot, Path(folder), settings.holdout_share, only)
            ]
    if not found and not of_file:
        raise NoSuchAudience(
            f"There is no audience {name!r}{_meant(settings, snapshot, name, listed)}; files: "
            f"{', '.join(one.name for one in listed)}; or name one of their audiences of {snapshot} as its file is "
            f"called, such as grid/loyal."
        )
    return Preview(snapshot, found)


def _meant(settings: Settings, day: dt.date, name: str, listed: Sequence[Audience]) -> str:
    """What is close to a name that there is not: a file, or an audience of those published."""
    folder = settings.home / audience_folder(day)
    published = [path.relative_to(folder).with_suffix("").as_posix() for path in folder.glob("*/*.parquet")]
    close = difflib.get_close_matches(name, [*(one.name for one in listed), *published], n=1)
    return f"; did you mean {close[0]}" if close else ""


def text_of_audience(settings: Settings, name: str) -> str:
    """An audience as SQL: header and SELECT of its file, or what it says in `audiences.toml` was compiled to.

    Raises NoSuchAudience, HeaderError, Refused.
    """
    audiences = catalog_of(settings.home).audiences
    for one in audiences:
        if name == one.name or (not one.header.each and name == f"{one.header.catalogue}/{one.name}"):
            return one.text.strip()
    raise NoSuchAudience(
        f"There is no audience {name!r} with SQL of its own; there are {', '.join(one.name for one in audiences)}."
    )


def _previewed(
    engine: DuckDBEngine, audience: Audience, day: dt.date, folder: Path, holdout_share: float, only: str | None
) -> list[Previewed]:
    """Each audience of the file, or `only` one of them."""

    def file(target: str) -> Path:
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    outputs, waterfalls = write_audiences(engine, [audience], day, file, holdout_share, only, is_preview=True)
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
