"""Step `affinity`: what goes together, tested against what the sizes of baskets alone bring together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models.affinity import expected_together, false_discovery_rates, more_than_expected, shrunk_ratio
from pipeline.settings import Settings
from pipeline.tables.catalog import with_features

LEVELS = ("product", "category")
BEST = 20
LEAST_LIFT, LEAST_CUSTOMERS, MOST_FALSE = 1.2, 5, 0.05

_BASKETS = """
SELECT
  level, baskets, kept, size_limit, size_sum, size_pairs, items, one, other, together, customers, one_baskets,
  other_baskets, one_lately, other_lately
FROM features.basket_pairs
"""


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    return {"baskets": with_features(_BASKETS)}


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """Both tables: a row of the fit for each level, and the pairs of those that have data."""
    counted = engine.read(queries()["baskets"], {"snapshot_date": day})
    fits, tables = list[dict[str, Any]](), list[pl.DataFrame]()
    for level in LEVELS:
        found = counted.filter(level=level)
        pairs = tested(found.filter(pl.col("together").is_not_null()))
        fits.append(_fit(level, found, pairs))
        tables.append(_published(pairs))
        log(f"{day}: {_sentence(fits[-1])}")
    return {
        "product_affinity": pl.concat(tables),
        "product_affinity_fit": pl.DataFrame(fits, infer_schema_length=None),
    }


def tested(pairs: pl.DataFrame) -> pl.DataFrame:
    """Pairs of one level, each once, with what is expected of chance, the ratio, the q-value and the verdict."""
    if pairs.is_empty():
        return pairs.with_columns(
            *(
                pl.lit(None, pl.Float64).alias(name)
                for name in ("expected", "lift", "lift_low", "lift_high", "q_value")
            ),
            is_complementary=pl.lit(None, pl.Boolean),
        )
    shop = pairs.row(0, named=True)
    together, one, other = (pairs[name].cast(pl.Float64).to_numpy() for name in _COUNTS)
    expected = expected_together(one, other, shop["size_sum"], shop["size_pairs"])
    lift, low, high = shrunk_ratio(together, expected)
    q = false_discovery_rates(more_than_expected(together, expected), tests(shop["items"]))
    return pairs.with_columns(expected=expected, lift=lift, lift_low=low, lift_high=high, q_value=q).with_columns(
        is_complementary=(pl.col("q_value") <= MOST_FALSE)
        & (pl.col("lift_low") > LEAST_LIFT)
        & (pl.col("customers") >= LEAST_CUSTOMERS)
    )


_COUNTS = ("together", "one_baskets", "other_baskets")


def tests(items: int) -> int:
    """Pairs that so many items could form."""
    return items * (items - 1) // 2


def _fit(level: str, found: pl.DataFrame, pairs: pl.DataFrame) -> dict[str, Any]:
    shop = found.row(0, named=True) if found.height else dict.fromkeys(found.columns, 0)
    factor = shop["kept"] * shop["size_pairs"] / shop["size_sum"] ** 2 if shop["size_sum"] else None
    return {
        "level": level,
        "scope": "basket",
        "status": "ok" if shop["items"] > 1 else "insufficient_data" if found.height else "not_exported",
        "counted": shop["kept"],
        "left_out": shop["baskets"] - shop["kept"],
        "size_limit": shop["size_limit"] or None,
        "size_sum": shop["size_sum"],
        "size_pairs": shop["size_pairs"],
        "size_factor": factor,
        "items": shop["items"],
        "tests": tests(shop["items"]),
        "pairs": pairs.height,
        "significant": pairs.filter(pl.col("q_value") <= MOST_FALSE).height,
        "complementary": pairs.filter("is_complementary").height,
    }


def _published(pairs: pl.DataFrame) -> pl.DataFrame:
    """Each pair from either side, the best of every item."""
    measured = ("lift", "lift_low", "lift_high", "expected", "q_value", "is_complementary")
    support = pl.col("together") / pl.col("kept")
    sides = [
        pairs.select(
            "level", *measured, "customers",
            scope=pl.lit("basket"), item=item, other=other, baskets="together", support=support,
            confidence=pl.col("together") / pl.col(f"{item}_baskets"),
            lift_raw=support / (pl.col("one_baskets") / pl.col("kept")) / (pl.col("other_baskets") / pl.col("kept")),
            lately=f"{other}_lately",
        )
        for item, other in (("one", "other"), ("other", "one"))
    ]  # fmt: skip
    place = [pl.col("lift_low").round(10), pl.col("lately"), pl.col("other")]
    ranked = pl.concat(sides).sort(place, descending=[True, True, False])
    ranked = ranked.with_columns(rank=pl.int_range(1, pl.len() + 1).over("item"))
    return ranked.filter(pl.col("rank") <= BEST).drop("lately")


def _sentence(fit: dict[str, Any]) -> str:
    if fit["status"] == "not_exported":
        return f"no line of the last 365 days names a {fit['level']}, so nothing is known of what goes together."
    return (
        f"{fit['level']} pairs: {fit['complementary']:,} go together, of {fit['pairs']:,} in at least 5 of "
        f"{fit['counted']:,} baskets; {fit['tests']:,} could have been."
    )
