"""Which days a range of snapshots has: calendar arithmetic, nothing of the shop or its settings."""

import datetime as dt
from calendar import SUNDAY, monthrange
from collections.abc import Collection
from enum import StrEnum

from pipeline.errors import PerennialError


class Every(StrEnum):
    """How far apart the snapshots of a range are."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def snapshot_days(first: dt.date, last: dt.date, every: Every) -> list[dt.date]:
    """The days from `first` to `last` that end a day, a week (Sundays) or a month, and `last` itself; ascending.

    A range that goes on from any of its days has the same days from there on.
    """
    days = (first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if _ends(day, every) or day == last]


def _ends(day: dt.date, every: Every) -> bool:
    if every is Every.WEEK:
        return day.weekday() == SUNDAY
    if every is Every.MONTH:
        return day.day == monthrange(day.year, day.month)[1]
    return True


def chosen(days: Collection[dt.date], asked: dt.date | None, refused: type[PerennialError], thing: str) -> dt.date:
    """The day that is asked for, or the latest; `refused` is raised where there is no such `thing`."""
    if days and (asked is None or asked in days):
        return asked or max(days)
    there = f"there are {min(days)} … {max(days)}" if days else "there is none; perennial run makes one"
    raise refused(f"There is no {thing}{'' if asked is None else f' of {asked}'}: {there}.")
