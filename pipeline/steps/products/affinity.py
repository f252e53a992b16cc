"""Step `affinity`: what goes together, tested against what chance alone brings together.

Of baskets, chance is their sizes; of sequences, what all customers buy after occasions of the same month and size.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models.affinity import expected_together, false_discovery_rates, more_than_expected, shrunk_ratio
from pipeline.settings import Settings
from pipeline.steps.products import bought_first, sequences
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
    return {"baskets": with_features(_BASKETS), **sequences.queries(), **bought_first.queries()}


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """Both tables: a row of the fit for each level and scope, and the pairs of those that have data."""
    fits = list[dict[str, Any]]()
    baskets = engine.read(queries()["baskets"], {"snapshot_date": day})
    in_sequence = sequences.sequences(engine, day, LEVELS)
    found = [of_baskets(level, baskets.filter(level=level)) for level in LEVELS]
    tables = [bought_first.bought_first(engine, day, pl.concat(pairs for _, pairs in found))]
    found += [of_sequences(level, in_sequence.get(level)) for level in LEVELS]
    tables += [pairs for _, pairs in found[len(LEVELS) :]]
    for fit, _ in found:
        fits.append(fit)
        log(f"{day}: {_sentence(fit)}")
    return {
        "product_affinity": pl.concat(tables, how="diagonal"),
        "product_affinity_fit": pl.DataFrame(fits, infer_schema_length=None),
    }


def of_baskets(level: str, counted: pl.DataFrame) -> tuple[dict[str, Any], pl.DataFrame]:
    """What the fit says of a level, and its best pairs; `counted`: of features.basket_pairs."""
    shop = counted.row(0, named=True) if counted.height else dict.fromkeys(counted.columns, 0)
    seen = counted.filter(pl.col("together").is_not_null())
    one, other = (seen[name].cast(pl.Float64).to_numpy() for name in ("one_baskets", "other_baskets"))
    seen = seen.with_columns(expected=expected_together(one, other, shop["size_sum"] or 1, shop["size_pairs"]))
    tests = shop["items"] * (shop["items"] - 1) // 2
    pairs = _tested(seen, "together", tests)
    fit = {
        **_fit(level, "basket", shop["items"], tests, pairs),
        "status": "ok" if tests else "insufficient_data" if counted.height else "not_exported",
        "size_limit": shop["size_limit"] or None,
        "counted": shop["kept"],
        "left_out": shop["baskets"] - shop["kept"],
        "share_drawn": None,
        "size_sum": shop["size_sum"],
        "size_pairs": shop["size_pairs"],
        "size_factor": shop["kept"] * shop["size_pairs"] / shop["size_sum"] ** 2 if shop["size_sum"] else None,
    }
    support = pl.col("together") / pl.col("kept")
    sides = [
        pairs.select(
            *_MEASURED, "customers",
            item=item, other=other, baskets="together", support=support, lately=f"{other}_lately",
            confidence=pl.col("together") / pl.col(f"{item}_baskets"),
            lift_raw=support / (pl.col("one_baskets") / pl.col("kept")) / (pl.col("other_baskets") / pl.col("kept")),
        )
        for item, other in (("one", "other"), ("other", "one"))
    ]  # fmt: skip
    return fit, _best(pl.concat(sides))


def of_sequences(level: str, counted: sequences.Sequences | None) -> tuple[dict[str, Any], pl.DataFrame]:
    """The same of purchases in a row; none are counted of a level that no line names."""
    items = counted.items if counted else 0
    tests = items * (items - 1)
    pairs = _tested(counted.pairs if counted else _NO_PAIRS, "followed", tests).with_columns(level=pl.lit(level))
    fit = {
        **_fit(level, "sequence", items, tests, pairs),
        "status": "ok" if tests else "insufficient_data" if counted else "not_exported",
        "size_limit": counted and counted.size_limit,
        "counted": counted.occasions if counted else 0,
        "left_out": counted.left_out if counted else 0,
        "share_drawn": 1 / counted.part if counted else None,
        **dict.fromkeys(("size_sum", "size_pairs", "size_factor")),
    }
    found = pairs.select(
        *_MEASURED, item="one", other="other", customers="followed", lately="other_lately",
        confidence=pl.col("followed") / pl.col("watched"),
    )  # fmt: skip
    return fit, _best(found)


_NO_PAIRS = pl.DataFrame(
    schema={
        "one": pl.String, "other": pl.String, "followed": pl.Int64, "watched": pl.Int64, "expected": pl.Float64,
        "other_lately": pl.Int64,
    }
)  # fmt: skip
_MEASURED = ("level", "scope", "expected", "lift", "lift_low", "lift_high", "q_value", "is_complementary")


def _tested(pairs: pl.DataFrame, observed: str, tests: int) -> pl.DataFrame:
    """With the ratio to what is expected, the rate of false discoveries, and the verdict; each pair once."""
    count, expected = (pairs[name].cast(pl.Float64).to_numpy() for name in (observed, "expected"))
    lift, low, high = shrunk_ratio(count, expected)
    q = false_discovery_rates(more_than_expected(count, expected), tests)
    customers = pl.col("customers" if "customers" in pairs.columns else observed)
    return pairs.with_columns(
        scope=pl.lit("basket" if observed == "together" else "sequence"),
        lift=lift,
        lift_low=low,
        lift_high=high,
        q_value=q,
    ).with_columns(
        is_complementary=(pl.col("q_value") <= MOST_FALSE)
        & (pl.col("lift_low") > LEAST_LIFT)
        & (customers >= LEAST_CUSTOMERS)
    )


def _fit(level: str, scope: str, items: int, tests: int, pairs: pl.DataFrame) -> dict[str, Any]:
    return {
        "level": level,
        "scope": scope,
        "items": items,
        "tests": tests,
        "pairs": pairs.height,
        "significant": pairs.filter(pl.col("q_value") <= MOST_FALSE).height,
        "complementary": pairs.filter("is_complementary").height,
    }


def _best(pairs: pl.DataFrame) -> pl.DataFrame:
    """The best others of every item."""
    place = [pl.col("lift_low").round(10), pl.col("lately"), pl.col("other")]
    ranked = pairs.sort(place, descending=[True, True, False])
    ranked = ranked.with_columns(rank=pl.int_range(1, pl.len() + 1).over("item"))
    return ranked.filter(pl.col("rank") <= BEST).drop("lately")


def _sentence(fit: dict[str, Any]) -> str:
    what = {"basket": ("go together", "baskets"), "sequence": ("follow one another", "occasions")}
    verb, unit = what[fit["scope"]]
    if fit["status"] == "not_exported":
        return f"no line names a {fit['level']}, so nothing is known of which ones {verb}."
    return (
        f"{fit['level']} pairs: {fit['complementary']:,} {verb}, of {fit['pairs']:,} that were seen 5 times in "
        f"{fit['counted']:,} {unit}; {fit['tests']:,} could have been."
    )
