"""Scaffold: a commented start for what a home adds of its own, one file that lints and runs as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pipeline.errors import PerennialError
from pipeline.settings import SQL_FOLDER, Settings
from pipeline.tables.catalog import MARTS, SOURCES
from pipeline.tables.header import AUDIENCES, is_name
from pipeline.tables.inputs import ORDERS

Kind = Literal["table", "audience", "source"]
_WITH_ARTICLE = {"table": "a table", "audience": "an audience", "source": "a source", "topic": "a topic"}

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
# An audience of this home: data/audiences/<date>/own/NAME.csv and .parquet, every night.
# Every line: docs/own-sql.md. Look at the file again with: perennial lint
title: Regular customers who pause
description: Customers with several orders whose last one is three to six months ago.
owner: team:crm
advice: Write to them before they are gone.
# The folder of its files.
catalogue: own
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


class ScaffoldRefused(PerennialError):
    """A file that cannot be begun; the message says what to do."""


def begin(settings: Settings, kind: Kind, name: str, topic: str = "own") -> Path:
    """Write a first file of this name into the home. Raises ScaffoldRefused."""
    for what, given in ((kind, name), ("topic", topic)):
        if not is_name(given) or given != given.lower():
            raise ScaffoldRefused(
                f"{given!r} is no name for {_WITH_ARTICLE[what]}; it is made of lower-case letters, digits and _."
            )
    place, text = {
        "table": (f"{MARTS}/{topic}/{name}.sql", _TABLE),
        "audience": (f"{AUDIENCES}/{name}.sql", _AUDIENCE),
        "source": (f"{SOURCES}/{name}/{ORDERS}.sql", _SOURCE),
    }[kind]
    folder = settings.home / "sql"
    if taken := _of_this_name(folder, kind, name):
        raise ScaffoldRefused(f"There is {taken[0]} already; choose another name, or change that file.")
    target = folder / place
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text.replace("NAME", name), encoding="utf-8")
    return target


def _of_this_name(folder: Path, kind: Kind, name: str) -> list[Path]:
    """Files of a home, or of ours, that have the name."""
    patterns = {"table": f"{MARTS}/*/{name}.sql", "audience": f"{AUDIENCES}/{name}.sql", "source": f"{SOURCES}/{name}"}
    return [path for place in (folder, SQL_FOLDER) for path in place.glob(patterns[kind])]
