"""The script one would write instead: pandas and lifetimes, from the export to RFM scores and lifetime values.

Written as the documents of these libraries show, and no worse than that: only the columns that are needed are read,
fits that do not converge are tried again with a penalty, nothing loops over customers. (Customers as categories, and
lines added up to days before lifetimes sees them, were tried and made it no faster.) Prints one line of JSON: the
seconds of each stage, the fits, and whether they converged. `bench.py` runs it in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from lifetimes import BetaGeoFitter, GammaGammaFitter
from lifetimes.utils import ConvergenceError, summary_data_from_transaction_data

PENALTIES = (0.0, 0.001, 0.01, 0.1)  # tried in turn, as lifetimes' documents advise
MONTHS, YEARLY_DISCOUNT = 12, 0.1
HORIZONS = (30, 90, 180, 365)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("export", type=Path)
    parser.add_argument("until", help="the snapshot date")
    parser.add_argument("target", type=Path, help="Parquet file to write")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    until = pd.Timestamp(arguments.until)
    sys.stdout.write(json.dumps(run(arguments.export, until, arguments.target)) + "\n")


def run(export: Path, until: pd.Timestamp, target: Path) -> dict[str, Any]:
    seconds: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        seconds[name] = time.perf_counter() - started

    with stage("read"):
        lines = pd.read_csv(
            export,
            usecols=["customer_id", "ordered_at", "amount", "kind"],
            parse_dates=["ordered_at"],
        )
    with stage("clean"):
        sales = lines[(lines["kind"] == "sale") & lines["customer_id"].notna()]
        del lines
    with stage("summary"):
        summary = summary_data_from_transaction_data(
            sales, "customer_id", "ordered_at", monetary_value_col="amount", observation_period_end=until
        )
    with stage("BG/NBD fit"):
        timing, timing_penalty = _fit(lambda penalty: BetaGeoFitter(penalizer_coef=penalty).fit(
            summary["frequency"], summary["recency"], summary["T"]
        ))  # fmt: skip
    with stage("BG/NBD predictions"):
        history = summary["frequency"], summary["recency"], summary["T"]
        summary["p_alive"] = timing.conditional_probability_alive(*history)
        for horizon in HORIZONS:
            summary[f"purchases_{horizon}d"] = timing.conditional_expected_number_of_purchases_up_to_time(
                horizon, *history
            )
    again = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    with stage("Gamma-Gamma fit"):
        spend, spend_penalty = _fit(lambda penalty: GammaGammaFitter(penalizer_coef=penalty).fit(
            again["frequency"], again["monetary_value"]
        ))  # fmt: skip
    with stage("lifetime value"):
        if spend is not None:
            summary["expected_value"] = spend.conditional_expected_average_profit(
                summary["frequency"], summary["monetary_value"]
            )
            summary["clv"] = spend.customer_lifetime_value(
                timing, *history, summary["monetary_value"], time=MONTHS, freq="D",
                discount_rate=(1 + YEARLY_DISCOUNT) ** (1 / 12) - 1,
            )  # fmt: skip
    with stage("RFM"):
        summary["revenue"] = sales.groupby("customer_id")["amount"].sum()
        since = summary["T"] - summary["recency"]
        for name, values in {"r": -since, "f": summary["frequency"], "m": summary["revenue"]}.items():
            summary[name] = pd.qcut(values.rank(method="first"), 5, labels=False) + 1
    with stage("write"):
        summary.reset_index().to_parquet(target, compression="zstd")
    return {
        "seconds": seconds,
        "customers": len(summary),
        "bgnbd": _parameters(timing),
        "bgnbd_penalty": timing_penalty,
        "gamma_gamma": _parameters(spend),
        "gamma_gamma_penalty": spend_penalty,
    }


def _fit(attempt: Any) -> tuple[Any, float | None]:
    """The first fit that converges and its penalty; (None, None) if none does."""
    for penalty in PENALTIES:
        try:
            return attempt(penalty), penalty
        except ConvergenceError:
            continue
    return None, None


def _parameters(fitter: Any) -> dict[str, float] | None:
    return None if fitter is None else {name: float(value) for name, value in fitter.params_.items()}


if __name__ == "__main__":
    main()
