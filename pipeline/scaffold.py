"""Scaffold: a commented start for what a home adds of its own, one file that lints and runs as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from pipeline.errors import PerennialError
from pipeline.settings import PAGES_FOLDER, PROJECT, Settings
from pipeline.tables.catalog import MARTS, SOURCES
from pipeline.tables.header import AUDIENCES, is_name
from pipeline.tables.inputs import ORDERS
from pipeline.tables.sql_text import Refused, parse

PAGES = PAGES_FOLDER.relative_to(PROJECT)
Kind = Literal["table", "audience", "source", "chart"]
_FOLDERS = {"table": "topic", "chart": "page"}
_WITH_ARTICLE = {kind: f"{'an' if kind[0] == 'a' else 'a'} {kind}" for kind in (*get_args(Kind), *_FOLDERS.values())}

_TABLE = """\
/*
# A table of this home. It is computed every night like those of Perennial, tested, documented in the glossary and
# published in data/marts/NAME/. Every line: docs/own-sql.md. Look at the file again with: perennial lint
description: Customers of the day with their orders and revenue.
# What identifies a row: together unique, never null. snapshot_date comes first.
grain: [snapshot_date, customer_id]
owner: team:data
# The columns of the SELECT with type and meaning; unit, min, max, values and nullable where they apply.
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  customer_id:   {type: VARCHAR, meaning: Customer of the shop}
  orders:        {type: BIGINT, unit: orders, min: 1, meaning: Orders that stand}
  revenue:       {type: "DECIMAL(18,2)", unit: currency, meaning: Revenue up to the day}
# SELECTs of rows that are wrong: where one finds any, the run stops and nothing is published.
tests:
  everybody_is_there: |
    SELECT summary.customer_id
    FROM marts.customer_summary AS summary
    LEFT JOIN marts.NAME AS own
      ON own.customer_id = summary.customer_id AND own.snapshot_date = $snapshot_date
    WHERE summary.snapshot_date = $snapshot_date AND own.customer_id IS NULL
*/
SELECT
  $snapshot_date AS snapshot_date,
  customer_id,
  orders,
  revenue
FROM marts.customer_summary
WHERE snapshot_date = $snapshot_date
"""

_AUDIENCE = """\
/*
# An audience of this home: data/audiences/<date>/own/NAME.parquet and .csv, every night. Without SQL: audiences.toml.
# Every line: docs/own-sql.md. Look at the file again with: perennial lint
title: Regular customers who pause
description: Customers with several orders whose last one is three to six months ago.
owner: team:crm
advice: Write to them before they are gone.
# The folder of its files, and a CSV beside the Parquet file, for people to open.
catalogue: own
csv: true
# On which terms it is to be used. Whoever delivers the files goes by them; the files hold every member.
# consent: {purpose: marketing, channel: email}
# platforms: [klaviyo]
# minimum_size: 100
# control_share: 0.1
# What is handed over: customer_id, and what else the SELECT gives.
columns:
  customer_id:      {type: VARCHAR, meaning: Customer of the shop}
  last_purchase_on: {type: DATE, meaning: Local day of the last occasion}
  orders:           {type: BIGINT, unit: orders, min: 1, meaning: Orders that stand}
  revenue:          {type: "DECIMAL(18,2)", unit: currency, meaning: Revenue up to the day}
*/
SELECT
  customer_id,
  last_purchase_on,
  orders,
  revenue
FROM marts.customer_summary
WHERE snapshot_date = $snapshot_date
  AND orders >= 2
  AND recency_days BETWEEN 90 AND 180
"""

_SOURCE = """\
/*
# How files in data/exports/NAME/ are read. `perennial inspect FILE --source NAME` shows what becomes of one.
# Every line: docs/exports.md, "A source of your own".
description: Order export of our shop, one row per order line.
owner: team:data
# An order line that stands twice in one file: keep, or drop.
duplicate_lines: keep
# The columns of the export; aliases are other names they go by.
raw:
  Order:    {required: true, aliases: ["Order number"], meaning: Number of the order}
  Customer: {meaning: Number of the customer; empty for a guest}
  Date:     {required: true, meaning: When the order was made}
  Product:  {meaning: What was bought}
  Amount:   {required: true, meaning: What was paid for the line}
*/
SELECT
  row_number,
  "Order" AS order_id,
  Customer AS customer_id,
  "Date" AS ordered_at,
  Product AS product_id,
  TRY_CAST(Amount AS DECIMAL(18,2)) AS amount
FROM export
"""

_CHART = """\
/*
# A chart of the report. Every line: docs/reports.md. Look at the file again with: perennial lint
title: Revenue by month
# How it is drawn: bars, columns, lines, areas, heat map, figures; or not at all, then it is a table.
draw: {columns: month, series: {revenue: accent}}
# The columns of the SELECT in order: they are the table and the CSV. What a table's header says of one goes without
# saying.
columns:
  month: {label: Month, kind: month}
  revenue:
  orders:
# Aggregates of the rows, for the sentence.
let:
  best: max_by(rows, revenue)
  revenue: sum(revenue)
sentence: The best month was {{ best.month|month }} with {{ best.revenue|money }} of {{ revenue|money }}.
empty: No order has been booked yet.
# What it rests on.
basis: orders up to {{ snapshot_date|short_day }}
*/
SELECT starts_on AS month, revenue, orders
FROM marts.revenue_calendar
WHERE snapshot_date = $snapshot_date AND period_kind = 'month'
ORDER BY starts_on
"""

_PAGE = """\
{#
# A page of the report. Every line: docs/reports.md.
title: TITLE
lead: What this page is about.
# The page it follows in the navigation; without this line it comes last.
# after: products
#}
"""

_SECTION = """\
<section>
{{ ui.show(charts.NAME) }}
</section>
"""


class ScaffoldRefused(PerennialError):
    """A file that cannot be begun; the message says what to do."""


def begin(settings: Settings, kind: Kind, name: str, folder: str = "own") -> Path:
    """Write a first file of this name into the home. Raises ScaffoldRefused.

    `folder` is the topic of a table, or the page of a chart.
    """
    for what, given in ((kind, name), (_FOLDERS.get(kind, kind), folder)):
        if not is_name(given) or given != given.lower():
            raise ScaffoldRefused(
                f"{given!r} is no name for {_WITH_ARTICLE[what]}; it begins with a letter and is made of lower-case "
                f"letters, digits and _."
            )
    _require_no_word_of_sql(name)
    place, text = {
        "table": (f"sql/{MARTS}/{folder}/{name}.sql", _TABLE),
        "audience": (f"sql/{AUDIENCES}/{name}.sql", _AUDIENCE),
        "source": (f"sql/{SOURCES}/{name}/{ORDERS}.sql", _SOURCE),
        "chart": (f"{PAGES}/{folder}/{name}.sql", _CHART),
    }[kind]
    if taken := _of_this_name(settings.home, kind, name, folder):
        own = taken[0].is_relative_to(settings.home) and settings.home.resolve() != PROJECT
        remedy = "choose another name, or change that file" if own else "it is Perennial's own; choose another name"
        raise ScaffoldRefused(f"There is {taken[0]} already: {remedy}.")
    if kind == "chart" and (PAGES_FOLDER / folder).exists():
        raise ScaffoldRefused(f"The page {folder!r} is one of Perennial; name a page of your own with --page.")
    target = settings.home / place
    target.parent.mkdir(parents=True, exist_ok=True)
    if kind == "chart":
        _show(target.with_name("page.html.j2"), name, folder)
    target.write_text(text.replace("NAME", name), encoding="utf-8")
    return target


def _show(page: Path, chart: str, title: str) -> None:
    """The chart at the end of its page, which is begun if there is none."""
    before = page.read_text(encoding="utf-8") if page.exists() else _PAGE.replace("TITLE", title.capitalize())
    page.write_text(f"{before.rstrip()}\n{_SECTION.replace('NAME', chart)}", encoding="utf-8")


def _of_this_name(home: Path, kind: Kind, name: str, folder: str) -> list[Path]:
    """Files of a home, or of ours, that have the name."""
    patterns = {
        "table": f"sql/{MARTS}/*/{name}.sql",
        "audience": f"sql/{AUDIENCES}/{name}.sql",
        "source": f"sql/{SOURCES}/{name}",
        "chart": f"{PAGES}/{folder}/{name}.sql",
    }
    return [path for place in (home, PROJECT) for path in place.glob(patterns[kind])]


def _require_no_word_of_sql(name: str) -> None:
    try:
        parse(f"SELECT 1 AS {name} FROM {MARTS}.{name}", name)
    except Refused:
        raise ScaffoldRefused(f"{name!r} is a word of SQL, where it would need quotes; choose another name.") from None
