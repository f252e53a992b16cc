"""What a person should look at though it stops nothing: remarks about files, and what the warning checks found.

One place for the checks of Dagster, the summary at the end of a run, doctor and the report. Sentences hold counts and
where to look, never a cell of an export and never the id of an order or a customer.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import polars as pl

from pipeline.places import quarantine_file
from pipeline.reporting.words import percent
from pipeline.shapes import without_shape_sql
from pipeline.steps.order_days import ORDER_DAYS, OrderDays
from pipeline.tables.formulas import changed_by_a_spreadsheet, like_a_formula

Ask = Callable[[str], pl.DataFrame]
"""Runs a SELECT as of one snapshot date, its `$snapshot_date`."""

MOVED_POINTS = 10.0
MOST_NAMED = 3
HISTORY_DAYS = 366
"""Orders that ended longer ago are a history that somebody looks at, not a shop whose export is late."""
FEWEST_CUSTOMERS = 50
"""In a snapshot of fewer customers, one of them moves a segment's share by points."""
_INFORMATION = ("preamble", "blank_rows", "totals")
"""Subjects of remarks that only say how a file was read."""
_FILES_NAMED = 3

_NEWEST_FILES_FIRST = """
    LEFT JOIN ingest.arrivals AS arrivals ON arrivals.file_id = files.file_id
    ORDER BY
      coalesce(files.exported_at, arrivals.arrived_at, files.last_ordered_at) DESC NULLS LAST,
      files.latest_at DESC NULLS LAST,
      files.path DESC
"""
_REMARKS = f"""
    SELECT files.path, remarks.subject, remarks.message
    FROM ingest.remarks AS remarks
    JOIN ingest.files AS files ON files.file_id = remarks.file_id
    {_NEWEST_FILES_FIRST}, remarks.subject
"""
# The same reason for cells of different shapes is one reason.
_QUARANTINED = f"""
    WITH single AS (
      SELECT
        file_id,
        {without_shape_sql("unnest(string_split(reasons, '; '))")} AS reason
      FROM ingest.quarantine
    ),
    counted AS (
      SELECT
        file_id,
        reason,
        row_number() OVER (PARTITION BY file_id ORDER BY count(*) DESC, reason) AS place
      FROM single
      GROUP BY file_id, reason
    )
    SELECT files.path, files.file_id, files.status, files.quarantined, coalesce(counted.reason, '') AS reason
    FROM ingest.files AS files
    LEFT JOIN counted ON counted.file_id = files.file_id AND counted.place = 1
    {_NEWEST_FILES_FIRST.replace("ORDER BY", "WHERE files.quarantined > 0 ORDER BY")}
"""
_TORN_ORDERS = """
    WITH torn AS (
      SELECT order_id
      FROM staging.order_lines
      WHERE ordered_on <= $snapshot_date
      GROUP BY order_id
      HAVING min(customer_id) <> max(customer_id)
    ),
    places AS (
      SELECT DISTINCT lines.file_id
      FROM staging.order_lines AS lines
      JOIN torn ON torn.order_id = lines.order_id
      WHERE lines.ordered_on <= $snapshot_date
    )
    SELECT DISTINCT (SELECT count(*) FROM torn) AS orders, files.path
    FROM torn
    LEFT JOIN places ON TRUE
    LEFT JOIN ingest.files AS files ON files.file_id = places.file_id
    ORDER BY files.path DESC NULLS LAST
"""
_CAMPAIGNS = """
    SELECT
      count(*) FILTER (WHERE NOT is_told_of AND messages > 0) AS untold,
      coalesce(sum(out_of_order), 0) AS out_of_order,
      coalesce(sum(contaminated), 0) AS contaminated
    FROM marts.campaign_performance
    WHERE snapshot_date = $snapshot_date AND model = 'last_touch' AND eligibility = 'click' AND campaign_id <> '(none)'
"""
_IDS = f"""
    SELECT
      count(*) FILTER (WHERE {like_a_formula("customer_id")}) AS like_formulas,
      count(*) FILTER (WHERE {changed_by_a_spreadsheet("customer_id")}) AS changed
    FROM marts.rfm_segments
    WHERE snapshot_date = $snapshot_date AND catalogue = 'grid'
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
    is_warning: bool = True
    """Whether something may be wrong; else it says only how a file was read or is to be opened."""


def worth_a_look(ask: Ask, day: dt.date) -> list[WorthALook]:
    """All of it as of a day: what concerns the whole shop first, then the files, the newest first."""
    return [
        *(WorthALook("days", sentence) for sentence in long_quiet(ask, day)),
        *(WorthALook("orders", sentence) for sentence in torn_orders(ask)),
        *(WorthALook("segments", sentence) for sentence in moved_sizes(ask, day)),
        *(WorthALook("messages", sentence) for sentence in odd_messages(ask)),
        *_ids(ask),
        *quarantined_rows(ask),
        *of_files(ask),
    ]


def of_files(ask: Ask) -> list[WorthALook]:
    """The remarks about files, those that say the same together."""
    files: dict[tuple[str, str], list[str]] = {}
    for path, subject, message in ask(_REMARKS).iter_rows():
        files.setdefault((subject, message), []).append(path)
    looks = [WorthALook(_named(paths), told[1], told[0] not in _INFORMATION) for told, paths in files.items()]
    return sorted(looks, key=lambda look: not look.is_warning)


def long_quiet(ask: Ask, day: dt.date) -> list[str]:
    """Whether the orders have ended before `day`, by the rule of `days`."""
    known = _order_days(ask, day)
    return [_no_order_since(known)] if known is not None and known.have_ended else []


def data_ended(ask: Ask, day: dt.date) -> dt.date | None:
    """The last day with an order, if the data end there by the same rule."""
    known = _order_days(ask, day)
    return known.last if known is not None and known.have_ended else None


def _order_days(ask: Ask, day: dt.date) -> OrderDays | None:
    first, last, quiet = ask(ORDER_DAYS).row(0)
    return None if last is None else OrderDays(day, first, last, quiet or 0)


def late_orders(known: OrderDays) -> list[str]:
    """Whether an export is missing now, in a shop that is run every night."""
    return [_no_order_since(known)] if known.have_ended and known.quiet <= HISTORY_DAYS else []


def _no_order_since(known: OrderDays) -> str:
    return f"No order since {known.last} ({known.quiet:,} days): an export is missing, or the shop has paused."


def torn_orders(ask: Ask) -> list[str]:
    """Whether orders name several customers, and in which files."""
    found = ask(_TORN_ORDERS).rows()
    if not found:
        return []
    orders, paths = found[0][0], [path for _, path in found if path is not None]
    names, counts = ("order names", "it counts") if orders == 1 else ("orders name", "each counts")
    more = f" and {len(paths) - _FILES_NAMED:,} more files" if len(paths) > _FILES_NAMED else ""
    where = ", ".join(PurePosixPath(path).name for path in paths[:_FILES_NAMED]) or "the export"
    return [
        f"{orders:,} {names} several customers, and {counts} for one of them. Look in {where}{more}: sorted by order "
        f"number, lines of one order stand together and name different customers. Correct that in the shop and export "
        f"again."
    ]


def odd_messages(ask: Ask) -> Iterator[str]:
    """Messages that do not fit their campaigns; which ones, `campaign_performance` tells."""
    untold, out_of_order, contaminated = ask(_CAMPAIGNS).row(0)
    if untold:
        yield (
            f"{_counted(untold, 'campaign has', 'campaigns have')} messages, but no row in the export campaigns: "
            f"orders of 5 days are looked at, and what control groups were meant to be is not known. Export them there."
        )
    if out_of_order:
        yield (
            f"{_counted(out_of_order, 'message has', 'messages have')} events out of order: an open or click more than "
            f"30 minutes before the message went out, or one before the campaign was sent. Either it was a test, or an "
            f"export writes times of another zone without saying so: set timezone for its source (docs/exports.md)."
        )
    if contaminated:
        yield (
            f"{_counted(contaminated, 'control member was', 'control members were')} sent a message after all. Who was "
            f"assigned stays in the control group, which makes effects look smaller: correct the list that is written "
            f"to."
        )


def _ids(ask: Ask) -> Iterator[WorthALook]:
    """Ids in today's audiences that a spreadsheet would run or change."""
    formulas, changed = ask(_IDS).row(0)
    if formulas:
        yield WorthALook(
            "audiences",
            f"{_counted(formulas, 'customer id begins', 'customer ids begin')} like a formula, which a spreadsheet may "
            f"run. Import customer_id as text.",
        )
    if changed:
        yield WorthALook(
            "audiences",
            f"{_counted(changed, 'customer id would be', 'customer ids would be')} changed by a spreadsheet (leading "
            f"zeros, more than 15 digits, like a date or 1e5). Import customer_id as text.",
            is_warning=False,
        )


def quarantined_rows(ask: Ask) -> Iterator[WorthALook]:
    """Which rows do not fit and why; files of one fate and most frequent reason together."""
    files: dict[tuple[str, str], list[tuple[str, str, int]]] = {}
    for path, file_id, status, rows, reason in ask(_QUARANTINED).iter_rows():
        files.setdefault((status, reason), []).append((path, file_id, rows))
    for (status, reason), told in files.items():
        path, file_id, _ = told[0]  # the newest
        rows = sum(counted for _, _, counted in told)
        fate = "rejected and not used: " if status == "rejected" else ""
        why = f", mostly because: {reason}" if reason else ""
        others = "" if len(told) == 1 else " and files beside it"
        yield WorthALook(
            _named([path for path, _, _ in told]),
            f"{fate}{_counted(rows, 'row', 'rows')} quarantined{why}. Look into {quarantine_file(path, file_id)}"
            f"{others}, correct the cells in the shop or the export, and export again.",
        )


def _named(paths: Sequence[str]) -> str:
    """'orders.csv'; '15 files, such as orders-15.csv' where several say the same."""
    name = PurePosixPath(paths[0]).name
    files = len(Counter(paths))
    return name if files == 1 else f"{files:,} files, such as {name}"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


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
            f"{row['segment']} ({row['catalogue']}) from {percent(row['share_before'] / 100)} "
            f"to {percent(row['share'] / 100)}"
            for row in moved[:MOST_NAMED]
        ]
        more = f", and {len(moved) - MOST_NAMED} more segments" if len(moved) > MOST_NAMED else ""
        problems.append(f"Shares of the customers moved: {', '.join(named)}{more}.")
    if customers < customers_before:
        problems.append(
            f"{customers:,} customers, {customers_before - customers:,} fewer than last time; "
            f"customers do not vanish by themselves: were orders cancelled, or is an export missing?"
        )
    return problems
