"""What a person should look at though it stops nothing: remarks about files, and what the warning checks found.

One place for the checks of Dagster, the summary at the end of a run and the report. Sentences hold counts and where to
look, never a cell of an export and never the id of an order or a customer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

import polars as pl

Ask = Callable[[str], pl.DataFrame]
"""Runs a SELECT as of one snapshot date, its `$snapshot_date`."""

MOVED_POINTS = 10.0
MOST_NAMED = 3
FEWEST_CUSTOMERS = 50
"""In a snapshot of fewer customers, one of them moves a segment's share by points."""

_REMARKS = """
    SELECT files.path, remarks.message
    FROM ingest.remarks AS remarks
    JOIN ingest.files AS files ON files.file_id = remarks.file_id
    ORDER BY files.path, remarks.subject
"""
_TORN_ORDERS = """
    SELECT count(*) AS orders
    FROM (
      SELECT order_id
      FROM staging.order_lines
      WHERE ordered_on <= $snapshot_date
      GROUP BY order_id
      HAVING min(customer_id) <> max(customer_id)
    ) AS torn
"""
_SIZES = """
    WITH days AS (
      SELECT max(snapshot_date) AS previous FROM marts.rfm_segments WHERE snapshot_date < $snapshot_date
    ),
    sizes AS (
      SELECT
        segments.snapshot_date,
        segments.catalogue,
        segments.segment,
        count(*) AS customers,
        100.0 * count(*) / sum(count(*)) OVER (PARTITION BY segments.snapshot_date, segments.catalogue) AS share
      FROM marts.rfm_segments AS segments
      CROSS JOIN days
      WHERE segments.snapshot_date = $snapshot_date OR segments.snapshot_date = days.previous
      GROUP BY segments.snapshot_date, segments.catalogue, segments.segment
    ),
    now AS (SELECT * FROM sizes WHERE snapshot_date = $snapshot_date),
    before AS (SELECT * FROM sizes WHERE snapshot_date < $snapshot_date)
    SELECT
      catalogue,
      segment,
      coalesce(before.customers, 0) AS customers_before,
      coalesce(now.customers, 0) AS customers,
      coalesce(before.share, 0)::DOUBLE AS share_before,
      coalesce(now.share, 0)::DOUBLE AS share
    FROM before FULL JOIN now USING (catalogue, segment)
    WHERE EXISTS (SELECT 1 FROM before)
    ORDER BY catalogue, segment
"""


@dataclass(frozen=True)
class WorthALook:
    """One thing a person should look at: `about` is a file's name, or what of the shop it concerns."""

    about: str
    sentence: str


def worth_a_look(ask: Ask, day: dt.date) -> list[WorthALook]:
    """All of it as of a day: remarks of the files first."""
    return [
        *(WorthALook(PurePosixPath(path).name, message) for path, message in ask(_REMARKS).iter_rows()),
        *(WorthALook("orders", sentence) for sentence in torn_orders(ask)),
        *(WorthALook("segments", sentence) for sentence in moved_sizes(ask, day)),
    ]


def torn_orders(ask: Ask) -> list[str]:
    """Whether orders name several customers."""
    orders = ask(_TORN_ORDERS).item()
    if not orders:
        return []
    names, counts = ("order names", "it counts") if orders == 1 else ("orders name", "each counts")
    return [
        f"{orders:,} {names} several customers, and {counts} for one of them. Look in staging.order_lines for an "
        f"order_id with more than one customer_id, then in the export."
    ]


def moved_sizes(ask: Ask, day: dt.date) -> list[str]:
    """What is odd about the segment sizes of `day` beside those of the latest earlier snapshot."""
    rows = ask(_SIZES).rows(named=True)
    grid = [row for row in rows if row["catalogue"] == "grid"]
    customers_before, customers = (sum(row[name] for row in grid) for name in ("customers_before", "customers"))
    problems = []
    moved = [row for row in rows if abs(row["share"] - row["share_before"]) > MOVED_POINTS]
    if moved and customers_before >= FEWEST_CUSTOMERS:
        moved.sort(key=lambda row: -abs(row["share"] - row["share_before"]))
        named = [
            f"{row['segment']} ({row['catalogue']}) from {row['share_before']:.1f} % to {row['share']:.1f} %"
            for row in moved[:MOST_NAMED]
        ]
        more = f", and {len(moved) - MOST_NAMED} more segments" if len(moved) > MOST_NAMED else ""
        problems.append(f"{day}: shares of the customers moved: {', '.join(named)}{more}.")
    if customers < customers_before:
        problems.append(
            f"{day}: {customers:,} customers, {customers_before - customers:,} fewer than last time; "
            f"customers do not vanish by themselves: were orders cancelled, or is an export missing?"
        )
    return problems
