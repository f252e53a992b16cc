"""Step `taste`: groups of customers who buy similar things, where there are such groups, and what sets them apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from pipeline.engines.engine import Engine
from pipeline.models.affinity import false_discovery_rates, more_than_expected, shrunk_ratio
from pipeline.models.histories import Array
from pipeline.models.taste import NUMBERS, Groups, Labels, Tried, chosen, matched, tried, weighted
from pipeline.settings import Settings
from pipeline.tables.catalog import with_features

LEAST_CUSTOMERS = 300
FITTED = 10_000
"""Customers that groups are learnt from: those with the lowest digests; the others are told by what was learnt."""
BEST, MOST_FALSE = 30, 0.05

_ENTRIES = "SELECT level, customer_id, digest, item, occasions FROM features.taste_entries"
_BEFORE = """
WITH earlier AS (
  SELECT level, max(snapshot_date) AS snapshot_date
  FROM marts.taste_groups
  WHERE snapshot_date < $snapshot_date
  GROUP BY level
)
SELECT groups.level, groups.customer_id, groups.group_no, groups.snapshot_date
FROM marts.taste_groups AS groups
JOIN earlier ON earlier.level = groups.level AND earlier.snapshot_date = groups.snapshot_date
"""


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    return {"entries": with_features(_ENTRIES), "before": _BEFORE}


@dataclass(frozen=True)
class Purchases:
    """Who bought what on how many occasions; customers by digest, items by name."""

    level: str | None
    customers: pl.Series
    items: pl.Series
    occasions: csr_matrix
    halves: NDArray[np.bool_]

    @staticmethod
    def of(entries: pl.DataFrame) -> Purchases:
        """`entries`: of features.taste_entries."""
        customers = entries.select("digest", "customer_id").unique().sort("digest", "customer_id").with_row_index("row")
        items = entries.select("item").unique().sort("item").with_row_index("column")
        placed = entries.join(customers, on="customer_id").join(items, on="item").sort("row", "column")
        where = placed["row"].to_numpy(), placed["column"].to_numpy()
        return Purchases(
            entries["level"][0] if entries.height else None,
            customers["customer_id"],
            items["item"],
            csr_matrix((placed["occasions"].to_numpy(), where), shape=(customers.height, items.height)),
            customers["digest"].str.slice(0, 1).is_in(list("02468ace")).to_numpy(),
        )


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """All three tables; the fit has a row for each number of groups on every day."""
    bought = Purchases.of(engine.read(queries()["entries"], {"snapshot_date": day}))
    with threadpool_limits(1):  # threads of BLAS wait for each other longer than they compute
        trials, shares = _groups(bought)
    best = chosen(trials)
    log(f"{day}: {_sentence(bought, trials, best)}")
    tables = {"taste_group_fit": _fit(bought, trials, best)}
    if best is None:
        return tables
    before = engine.read(_BEFORE, {"snapshot_date": day}).filter(level=bought.level)
    order = np.argsort(-shares, axis=1, kind="stable")[:, :2]
    numbers = 1 + followed(bought.customers, order[:, 0], best.number, before)
    first, second = (np.take_along_axis(shares, order, axis=1)[:, place] for place in (0, 1))
    groups = pl.DataFrame(
        {
            "customer_id": bought.customers,
            "group_no": numbers[order[:, 0]],
            "share": first,
            "second_group": numbers[order[:, 1]],
            "second_share": second,
        }
    ).with_columns(
        level=pl.lit(bought.level),
        previous_snapshot_date=pl.lit(before["snapshot_date"][0] if before.height else None, pl.Date),
    )
    return {**tables, "taste_groups": groups, "taste_group_items": apart(bought, order[:, 0], numbers)}


def _groups(bought: Purchases) -> tuple[list[Tried], Array]:
    """Every number of groups, and the shares of those that are chosen in each customer; none where none are."""
    enough = len(bought.customers) >= LEAST_CUSTOMERS
    trials = tried(bought.occasions[:FITTED], bought.halves[:FITTED]) if enough else []
    best = chosen(trials)
    if best is None:
        return trials, np.zeros((0, 0))
    weights = weighted(bought.occasions)
    return trials, Groups.of(weights[:FITTED], best.number).shares(weights)


def followed(customers: pl.Series, labels: Labels, groups: int, before: pl.DataFrame) -> Labels:
    """The number of each group, from 0 on: what it was before, as far as it has customers from then."""
    numbers = before["group_no"].to_numpy()
    common = np.zeros((groups, int(numbers.max(initial=0))))
    both = pl.DataFrame({"customer_id": customers, "label": labels}).join(before, on="customer_id")
    np.add.at(common, (both["label"].to_numpy(), both["group_no"].to_numpy() - 1), 1)
    return matched(common)


def apart(bought: Purchases, labels: Labels, numbers: Labels) -> pl.DataFrame:
    """Of every group the items that more of its customers bought than as many purchases of all make expected."""
    has = (bought.occasions > 0).astype(np.float64)
    seen = np.vstack([np.asarray(has[labels == group].sum(axis=0)).ravel() for group in range(len(numbers))])
    expected = np.outer(seen.sum(axis=1) / seen.sum(), seen.sum(axis=0))
    ratio, low, _ = shrunk_ratio(seen, expected)
    q = false_discovery_rates(more_than_expected(seen, expected).ravel())
    rows = pl.DataFrame(
        {
            "group_no": np.repeat(numbers, len(bought.items)),
            "item": np.tile(bought.items.to_numpy(), len(numbers)),
            "customers": seen.ravel().astype(np.int64),
            "expected": expected.ravel(),
            "ratio": ratio.ravel(),
            "low": low.ravel(),
            "q_value": q,
        }
    )
    rows = rows.filter((pl.col("q_value") <= MOST_FALSE) & (pl.col("customers") > pl.col("expected")))
    place = [pl.col("low").round(10), pl.col("customers"), pl.col("item")]
    rows = rows.sort(place, descending=[True, True, False])
    return rows.with_columns(rank=pl.int_range(1, pl.len() + 1).over("group_no")).filter(pl.col("rank") <= BEST)


def _fit(bought: Purchases, trials: list[Tried], best: Tried | None) -> pl.DataFrame:
    by_number = {trial.number: trial for trial in trials}
    rows = [
        {
            "groups": number,
            "stability": trial and trial.stability,
            "null_stability": trial and trial.null_stability,
            "smallest": trial and trial.smallest,
            "is_chosen": trial is not None and trial is best,
        }
        for number in NUMBERS
        for trial in [by_number.get(number)]
    ]
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(
        status=pl.lit("ok" if best else "insufficient_data"),
        level=pl.lit(bought.level, pl.String),
        customers=pl.lit(len(bought.customers)),
        items=pl.lit(len(bought.items)),
    )


def _sentence(bought: Purchases, trials: list[Tried], best: Tried | None) -> str:
    if not trials:
        return (
            f"no taste groups: {len(bought.customers):,} customers bought 10 different items in the last 365 days, "
            f"fewer than {LEAST_CUSTOMERS}."
        )
    if best is None:
        most = max(trial.stability for trial in trials)
        return (
            f"no taste groups: halves of the customers do not agree on any (at best {most:.2f}, without any taste "
            f"{trials[0].null_stability:.2f})."
        )
    return (
        f"{best.number} taste groups of {len(bought.customers):,} customers; stability {best.stability:.2f}, without "
        f"any taste {best.null_stability:.2f}."
    )
