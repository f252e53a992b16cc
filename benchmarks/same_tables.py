"""The tables of `by_hand.py`, made with Perennial's own steps and nothing else: what a user would compare.

Customer summary, RFM scores and lifetime values of one export, with all checks a run makes of them. No holdouts, no
other models, no report: `bench.py` measures these with the whole run. Prints one line of JSON like `by_hand.py`, and is
run in a process of its own, too.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from pipeline.engines.duckdb import DuckDBEngine, confine, open_file
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.ingest.load import Loaded
from pipeline.models.beta_geometric import BGNBD
from pipeline.models.clv import Horizon, discounted_purchases, spend_factor
from pipeline.models.fitting import fit
from pipeline.models.gamma_gamma import Spenders, fit_spend
from pipeline.settings import Settings, load
from pipeline.steps.prediction.inputs import histories_of
from pipeline.tables.catalog import tables

HORIZONS = (30, 90, 180, 365)
WRITTEN = ("staging.orders", "staging.occasions", "marts.customer_summary", "marts.rfm_scores")
_GROUPS = """
    SELECT frequency, active_span_days, age_days, count(*) AS customers
    FROM marts.customer_summary WHERE snapshot_date = $day GROUP BY ALL ORDER BY ALL
"""
_SPENDERS = """
    SELECT frequency::DOUBLE AS x, monetary_value AS m, count(*)::DOUBLE AS customers
    FROM marts.customer_summary WHERE snapshot_date = $day AND monetary_value > 0 GROUP BY ALL ORDER BY ALL
"""
_JOINED = """
    SELECT summary.*, scores.* EXCLUDE (snapshot_date, customer_id),
      predicted.* EXCLUDE (frequency, active_span_days, age_days, customers, spend_factor, discounted_purchases),
      ($v + summary.frequency * coalesce(summary.monetary_value, 0)) * predicted.spend_factor AS expected_value,
      ($v + summary.frequency * coalesce(summary.monetary_value, 0)) * predicted.spend_factor
        * predicted.discounted_purchases AS clv
    FROM marts.customer_summary AS summary
    JOIN marts.rfm_scores AS scores USING (snapshot_date, customer_id)
    JOIN predicted USING (frequency, active_span_days, age_days)
    WHERE summary.snapshot_date = $day
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("export", type=Path)
    parser.add_argument("until", type=dt.date.fromisoformat, help="the snapshot date")
    parser.add_argument("home", type=Path, help="an empty home with its settings")
    arguments = parser.parse_args()
    settings = load(arguments.home)
    connection = open_file(settings.warehouse_file, settings)
    try:
        confine(connection, settings, [arguments.export.resolve()])
        made = run(DuckDBEngine(connection), settings, arguments.export, arguments.until)
    finally:
        connection.close()
    sys.stdout.write(json.dumps(made) + "\n")


def run(engine: DuckDBEngine, settings: Settings, export: Path, day: dt.date) -> dict[str, Any]:
    seconds: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        seconds[name] = time.perf_counter() - started

    engine.prepare(settings, list(tables().values()))
    with stage("load"):
        for result in load_exports(engine, settings, find_exports(settings, {"perennial": [str(export)]})):
            assert isinstance(result, Loaded), result
    for name in WRITTEN:
        with stage(name):
            table = tables()[name]
            engine.write(table, day if table.is_partitioned else None)
    with stage("groups"):
        groups = engine.read(_GROUPS, {"day": day})
        histories = histories_of(groups)
        spenders = Spenders(*(column.to_numpy() for column in engine.read(_SPENDERS, {"day": day})))
    with threadpool_limits(1):
        with stage("BG/NBD fit"):
            timing = fit(BGNBD, histories)
        with stage("Gamma-Gamma fit"):
            spend = fit_spend(spenders)
        with stage("predictions of groups"):
            h, horizon = (
                (histories.x, histories.t_x, histories.T),
                Horizon(settings.clv.months, settings.clv.yearly_discount),
            )
            predicted = groups.with_columns(
                p_alive=timing.model.p_alive(*h),
                spend_factor=spend_factor(spend.model, histories.x),
                discounted_purchases=discounted_purchases(timing.model, horizon, *h),
                **{f"purchases_{days}d": timing.model.expected_purchases(days / 7, *h) for days in HORIZONS},
            )
    with stage("join and write"):
        columns = ", ".join(
            f"{name} {'DOUBLE' if dtype.is_float() else 'BIGINT'}" for name, dtype in predicted.schema.items()
        )
        engine.execute(f"CREATE TEMP TABLE predicted ({columns})")
        engine.insert("predicted", predicted)
        rows = engine.export(_JOINED, {"day": day, "v": spend.model.v}, settings.home / "same-tables.parquet")
    return {
        "seconds": seconds,
        "customers": rows,
        "groups": predicted.height,
        "bgnbd": asdict(timing.model),
        "gamma_gamma": asdict(spend.model),
    }


if __name__ == "__main__":
    main()
