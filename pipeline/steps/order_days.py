"""The days with an order: the last closed day, and whether the orders go on up to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.settings import Settings

QUIET_DAYS = 3


QUIET_WITHIN_DAYS = 365


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

    def to_publish(self, published: Iterable[dt.date]) -> dt.date:
        """The day when nobody asks for one: where the data have ended, no later one than is published already.

        The report opens with the newest day, which must not go on showing what older files made of it.
        """
        if not self.have_ended:
            return self.closed
        return max((day for day in published if self.last < day <= self.closed), default=self.last)

    def why(self, day: dt.date) -> str:
        """Why that day is published, and not the last closed one."""
        days = f"{self.longest_quiet:,} day{'' if self.longest_quiet == 1 else 's'}"
        spell = f"was of {days}" if self.longest_quiet else "was shorter than a day"
        again = f" {day} was published before, so that day is published again." if day > self.last else ""
        return (
            f"The orders end on {self.last}, {self.quiet:,} days before the last closed day ({self.closed}), and the "
            f"longest spell without an order in their last year {spell}.{again} So nobody ages "
            f"beyond {day}. If the shop is open, an export is missing; to publish a later day all the same, ask "
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
