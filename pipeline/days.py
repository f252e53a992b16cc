"""Which days can be published, and which one is when nobody asks for one: one rule for the command line, the schedule
and the sensor. Nothing here writes; what cannot be read now (no warehouse yet, a run has it) counts as not known.
"""

from __future__ import annotations

import datetime as dt

import duckdb

from pipeline.engines.duckdb import DuckDBEngine, connect
from pipeline.errors import ExportError
from pipeline.home.locks import holder
from pipeline.ingest.exports import find_exports
from pipeline.places import is_published, published_days
from pipeline.settings import Settings
from pipeline.steps.order_days import OrderDays, last_closed_day, order_days
from pipeline.tables.header import HeaderError
from pipeline.tables.rules import EARLIEST

DAY_TAG, LATEST = "perennial/day", "latest"
"""What a run is tagged with whose day nobody asked for."""


def known_order_days(settings: Settings, closed: dt.date) -> OrderDays | None:
    """The same, read without taking the home from anybody; None also where it cannot be read now."""
    if not settings.warehouse_file.exists() or holder(settings.home) is not None:
        return None
    try:
        connection = connect(settings.warehouse_file, settings, read_only=True)
    except duckdb.Error:
        return None
    try:
        return order_days(DuckDBEngine(connection), closed)
    except duckdb.Error:  # a warehouse that no run has filled yet
        return None
    finally:
        connection.close()


def first_day(settings: Settings) -> dt.date:
    """The first day that can be asked for: the setting, else the first order's, else any day an order may have."""
    if settings.first_snapshot is not None:
        return settings.first_snapshot
    known = known_order_days(settings, last_closed_day(settings))
    return EARLIEST.date() if known is None else known.first


def next_to_publish(settings: Settings, now: dt.datetime | None = None) -> dt.date | str:
    """The day that a run of now should publish; or a sentence that says why there is none.

    By the same rule as the command line (`OrderDays.to_publish`). Exports that no run has read may go on with the data
    that have ended: then it is the last closed day.
    """
    closed = last_closed_day(settings, now)
    known = known_order_days(settings, closed)
    day = closed
    if known is not None and not (known.have_ended and _has_unread_exports(settings)):
        day = known.to_publish(published_days(settings.home))
    if settings.first_snapshot is not None and day < settings.first_snapshot:
        return (
            f"{day} is before the first snapshot, {settings.first_snapshot}. To publish it, set "
            f'first_snapshot = "{day}" in perennial.toml.'
        )
    if known is not None and day != closed and is_published(settings, day):
        return f"{day} is published, and there is nothing newer. {known.why(day)}"
    return day


def _has_unread_exports(settings: Settings) -> bool:
    """Whether the drop folder holds a file that the ledger does not name, or that changed after the last run."""
    try:
        exports = find_exports(settings, {})
        connection = connect(settings.warehouse_file, settings, read_only=True)
    except (ExportError, HeaderError, duckdb.Error):
        return True  # a run will say what is wrong
    try:
        names = {row[0] for row in connection.execute("SELECT path FROM ingest.files").fetchall()}
    finally:
        connection.close()
    written = settings.warehouse_file.stat().st_mtime
    for export in exports:
        state = export.path.stat()
        name = export.path.relative_to(settings.home).as_posix()
        if name not in names or max(state.st_mtime, state.st_ctime) > written:
            return True
    return False
