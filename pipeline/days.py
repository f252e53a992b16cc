"""Which days can be published, and which one is when nobody asks for one: one rule for the command line, the schedule
and the sensor. Nothing here writes; what cannot be read now (no warehouse yet, a run has it) counts as not known.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import duckdb

from pipeline.contracts import EARLIEST
from pipeline.engines.duckdb import DuckDBEngine, connect
from pipeline.exports import find_exports
from pipeline.locks import holder
from pipeline.settings import Settings
from pipeline.sources import ExportError
from pipeline.sql import HeaderError

QUIET_DAYS, QUIET_WITHIN_DAYS = 3, 365

# Days after the snapshot date are typing errors or orders in advance: nothing of them is known to be complete.
ORDER_DAYS = f"""
    WITH days AS (
      SELECT DISTINCT ordered_on AS day FROM staging.order_lines WHERE ordered_on <= $snapshot_date
    ),
    last AS (SELECT max(day) AS day FROM days),
    gaps AS (
      SELECT date_diff('day', lag(days.day) OVER (ORDER BY days.day), days.day) - 1 AS quiet
      FROM days CROSS JOIN last
      WHERE days.day > last.day - {QUIET_WITHIN_DAYS}
    )
    SELECT
      (SELECT min(day) FROM days) AS first,
      (SELECT day FROM last) AS last,
      (SELECT max(quiet) FROM gaps) AS longest_quiet
"""
"""The days of an `OrderDays` whose last closed day is `$snapshot_date`."""


@dataclass(frozen=True)
class OrderDays:
    """The days with an order up to `closed`, the last closed day: the first, the last, and the quiet spells between."""

    closed: dt.date
    first: dt.date
    last: dt.date
    longest_quiet: int
    """The most days in a row without an order in the last 365 days of orders."""

    @property
    def quiet(self) -> int:
        """Days without an order since the last."""
        return (self.closed - self.last).days

    @property
    def have_ended(self) -> bool:
        """Whether the quiet since the last order is longer than the shop's own quiet spells: then data are missing."""
        return self.quiet > max(QUIET_DAYS, self.longest_quiet)

    @property
    def latest(self) -> dt.date:
        """The day that is published when nobody asks for one."""
        return self.last if self.have_ended else self.closed

    def __str__(self) -> str:
        """Why `latest` is not the last closed day."""
        days = f"{self.longest_quiet:,} day{'' if self.longest_quiet == 1 else 's'}"
        spell = f"was of {days}" if self.longest_quiet else "was shorter than a day"
        return (
            f"The orders end on {self.last}, {self.quiet:,} days before the last closed day ({self.closed}), and the "
            f"longest spell without an order in their last year {spell}. So nobody ages "
            f"beyond {self.last}. If the shop is open, an export is missing; to publish a later day all the same, ask "
            f"for it with --snapshot."
        )


def last_closed_day(settings: Settings, now: dt.datetime | None = None) -> dt.date:
    """Yesterday in the shop's time zone: the last day of which nothing more can come."""
    zone = ZoneInfo(settings.timezone)
    local = now.astimezone(zone) if now else dt.datetime.now(zone)
    return local.date() - dt.timedelta(days=1)


def order_days(engine: DuckDBEngine, closed: dt.date) -> OrderDays | None:
    """What the warehouse knows of days with an order; None without one up to `closed`."""
    first, last, quiet = engine.execute(ORDER_DAYS, {"snapshot_date": closed})[0]
    return None if last is None else OrderDays(closed, first, last, quiet or 0)


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

    By the same rule as the command line: the last closed day, or where the data have ended, the last day with an order.
    Exports that no run has read may go on with them: then it is the last closed day.
    """
    closed = last_closed_day(settings, now)
    known = known_order_days(settings, closed)
    day = closed if known is None or not known.have_ended or _has_unread_exports(settings) else known.latest
    if settings.first_snapshot is not None and day < settings.first_snapshot:
        return (
            f"{day} is before the first snapshot, {settings.first_snapshot}. To publish it, set "
            f'first_snapshot = "{day}" in perennial.toml.'
        )
    if known is not None and day != closed and is_published(settings, day):
        return f"{day} is published, and there is nothing newer. {known}"
    return day


def is_published(settings: Settings, day: dt.date) -> bool:
    return (settings.home / "data" / "audiences" / str(day) / "manifest.json").exists()


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
