"""`make bench-activation CUSTOMERS=…`: twenty audiences of a made-up shop, written for three platforms.

Everybody is in one of the audiences, eight of ten agreed to everything, a tenth of each audience is left alone. People
and consents are put into the warehouse beforehand and do not count. Goal for a million customers: a minute on two
processors, 2 GB.
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import shutil
import sys
import time
from pathlib import Path

from pipeline.activation.outputs import write_audiences
from pipeline.engines.duckdb import DuckDBEngine, open_file
from pipeline.home.people import people_attached
from pipeline.settings import Settings
from pipeline.tables.audiences import read_audience
from pipeline.tables.catalog import ours

PROJECT = Path(__file__).resolve().parent.parent
PLATFORMS = ("klaviyo", "meta", "google")
CONSENTS = (
    ("marketing", "email"), ("marketing", "sms"), ("ads", "ads"), ("ad_user_data", "ads"),
    ("ad_personalization", "ads"),
)  # fmt: skip
MOST_SECONDS, MOST_GB = 60, 2
_AUDIENCE = f"""/*
title: Everybody
description: Everybody in twenty parts.
owner: team:crm
catalogue: all
each: part
values: SELECT DISTINCT 'p' || (row_number % 20) AS part FROM staging.customers
platforms: [{", ".join(PLATFORMS)}]
consent: {{purpose: marketing, channel: email}}
control_share: 0.1
columns:
  customer_id: {{type: VARCHAR, meaning: Customer of the shop}}
*/
SELECT customer_id, 'p' || (row_number % 20) AS part FROM staging.customers
"""
_CUSTOMERS = """
INSERT INTO staging.customers BY NAME
SELECT 'made' AS file_id, n AS row_number, 'c' || n AS customer_id, TIMESTAMP '2026-01-01' AS registered_at,
  DATE '2026-01-01' AS registered_on
FROM range($customers) AS numbers (n)
"""
_CONSENTS = """
INSERT INTO staging.consents BY NAME
SELECT 'made' AS file_id, n AS row_number, 'c' || n AS customer_id, $purpose AS purpose, $channel AS channel,
  'granted' AS status, TIMESTAMP '2026-01-01' AS changed_at, DATE '2026-01-01' AS changed_on
FROM range($customers) AS numbers (n)
WHERE n % 10 < 8
"""
_PEOPLE = """
INSERT INTO people.customers BY NAME
SELECT 'made' AS file_id, n AS row_number, 'customer' || n || '@example.com' AS email,
  '+48' || (600000000 + n) AS phone, 'Jan' AS first_name, 'Kowalski ' || n AS last_name,
  'Warszawa' AS city, '00950' AS zip, 'PL' AS country
FROM range($customers) AS numbers (n)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    customers = parser.parse_args().customers
    home = PROJECT / "data" / "bench" / "activation"
    shutil.rmtree(home, ignore_errors=True)
    settings = Settings(home=home, memory_limit="1500MB", threads=2)
    engine = DuckDBEngine(open_file(settings.warehouse_file, settings))
    engine.prepare(settings, list(ours().tables.values()))
    with people_attached(engine, settings):
        for sql in (_CUSTOMERS, _PEOPLE):
            engine.execute(sql, {"customers": customers})
        for purpose, channel in CONSENTS:
            engine.execute(_CONSENTS, {"customers": customers, "purpose": purpose, "channel": channel})
        _measure(engine, home)
    shutil.rmtree(home)


def _measure(engine: DuckDBEngine, home: Path) -> None:
    file = home / "sql" / "audiences" / "everybody.sql"
    file.parent.mkdir(parents=True)
    file.write_text(_AUDIENCE, encoding="utf-8")

    def place(target: str) -> Path:
        path = home / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    began, processor = time.perf_counter(), _processor_seconds()
    outputs, waterfalls = write_audiences(engine, [read_audience(file, home / "sql")], dt.date(2026, 3, 31), place)
    seconds, processor = time.perf_counter() - began, _processor_seconds() - processor
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    rows = sum(one.delivered for one in waterfalls if one.platform)
    sys.stdout.write(
        f"{rows:,} rows for {', '.join(PLATFORMS)} in {len(outputs)} files: {seconds:.1f} s (goal {MOST_SECONDS} at a "
        f"million customers), {processor:.1f} s of processors, {gigabytes:.2f} GB (goal {MOST_GB})\n"
    )


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
