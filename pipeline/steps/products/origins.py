"""The earlier day on which what is said of products is tried: the latest after which enough customers have bought."""

from __future__ import annotations

import datetime as dt

from pipeline.engines.engine import Engine

LAGS = (30, 60, 90, 120)
LEAST_CUSTOMERS = 200


def select_origins(customers: str) -> str:
    """SELECT, by days before the snapshot date, of how many customers had bought by then and bought again since.

    `customers`: SELECT of customer_id, first_on and last_on.
    """
    return f"""
    WITH customers AS ({customers})
    SELECT
      lags.days,
      count(customers.customer_id) FILTER (
        WHERE first_on <= $snapshot_date - lags.days AND last_on > $snapshot_date - lags.days
      ) AS customers
    FROM (VALUES {", ".join(f"({days})" for days in LAGS)}) AS lags (days)
    LEFT JOIN customers ON 1 = 1
    GROUP BY lags.days
    ORDER BY lags.days
    """


def latest_origin(engine: Engine, asked: str, day: dt.date) -> tuple[dt.date, int]:
    """The origin and how many customers have bought since; where they are too few everywhere, the earliest."""
    since = dict(engine.read(asked, {"snapshot_date": day}).iter_rows())
    lag = next((days for days in LAGS if since[days] >= LEAST_CUSTOMERS), LAGS[-1])
    return day - dt.timedelta(days=lag), since[lag]
