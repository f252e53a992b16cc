"""Audiences of signals: who is in which, worked out by hand from tables that say what they are to say."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from shop import Shop

from pipeline.activation.outputs import write_audiences
from pipeline.settings import SQL_FOLDER
from pipeline.tables.audiences import read_audience

DAY = dt.date(2026, 12, 31)
SIGNALS = {
    "declining", "growing", "likely_lost", "lost", "overdue", "premium_alert", "rising", "second_order",
}  # fmt: skip


def say(shop: Shop, table: str, **row: Any) -> None:
    """A row of a table of the day; what is not said is null."""
    shop.engine.insert(f"marts.{table}", pl.DataFrame([{"snapshot_date": DAY, **row}], infer_schema_length=None))


def customer(
    shop: Shop, name: str, stage: str = "active", occasions: int = 3, silent: int = 10, gap: float | None = 20.0,
    trend: str = "stable", churn: str = "0-25", purchase: str = "51-75",
) -> None:  # fmt: skip
    say(shop, "customer_summary", customer_id=name, median_gap_days=gap, orders=occasions, revenue_12_months=0)
    say(shop, "lifecycle_stages", customer_id=name, stage=stage, occasions=occasions, recency_days=silent)
    say(shop, "activity_trend", customer_id=name, activity_trend=trend)
    say(shop, "churn_predictions", customer_id=name, churn_band=churn, purchase_band=purchase, churn_probability=0.5)
    say(shop, "clv_predictions", customer_id=name, predicted_clv=12.5)


@pytest.fixture
def signalled(shop: Shop) -> Shop:
    customer(shop, "as usual")
    customer(shop, "growing", trend="growing")
    customer(shop, "declining", trend="declining")
    customer(shop, "gone", stage="inactive", silent=400, trend="silent", churn="76-100", purchase="0-25")
    customer(shop, "leaving", stage="defecting", silent=30, churn="76-100", purchase="0-25")  # 1.5 × 20 days: not over
    customer(shop, "overdue", silent=31)
    customer(shop, "twice", occasions=2, silent=31)  # too few orders to know a usual gap
    customer(shop, "half back", occasions=1, silent=40, gap=None)
    customer(shop, "too early", occasions=1, silent=39, gap=None)
    customer(shop, "too late", occasions=1, silent=91, gap=None)
    moment = {"order_number": 1, "cohort": "all", "is_main": True, "status": "known"}
    say(shop, "key_moments", horizon_days=180, back_p50_days=40, back_p75_days=90, **moment)
    say(shop, "key_moments", horizon_days=365, back_p50_days=1, back_p75_days=999, **moment | {"is_main": False})
    say(shop, "premium_alerts", customer_id="declining")
    say(shop, "rising_customers", customer_id="growing")
    return shop


def written(shop: Shop, folder: Path) -> dict[str, list[dict[str, str]]]:
    """Signal -> the rows of its CSV."""
    audience = read_audience(SQL_FOLDER / "audiences" / "signals.sql")
    write_audiences(shop.engine, [audience], DAY, lambda target: folder / Path(target).name)
    return {path.stem: list(csv.DictReader(path.open(encoding="utf-8", newline=""))) for path in folder.glob("*.csv")}


def test_customers_are_in_the_files_of_what_is_said_of_them(signalled, tmp_path):
    found = written(signalled, tmp_path)
    assert {signal: [row["customer_id"] for row in rows] for signal, rows in found.items()} == {
        "declining": ["declining"], "growing": ["growing"], "lost": ["gone"], "likely_lost": ["leaving"],
        "overdue": ["overdue"], "second_order": ["half back"], "premium_alert": ["declining"], "rising": ["growing"],
    }  # fmt: skip
    (row,) = found["premium_alert"]
    assert (row["stage"], row["recency_days"], row["predicted_clv"], row["churn_probability"]) == (
        "active", "10", "12.5", "0.5",
    )  # fmt: skip


def test_where_nothing_is_said_every_signal_has_a_file_without_rows(shop, tmp_path):
    customer(shop, "as usual")
    found = written(shop, tmp_path)
    assert set(found) == SIGNALS and not any(found.values())
