"""Step `attribution`: orders ascribed to the channels of visits, by models that are told apart and are no effect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models.attribution import Chain
from pipeline.settings import Settings
from pipeline.tables.catalog import with_features

LEAST_PATHS = 1000
"""Paths with an order from which on markov1 and shapley are told."""
NONE = "(none)"
WHOLE = ("last_touch", "first_touch", "after_action")
"""Models that give a channel whole orders only, so that what they brought is known to the cent."""
SPLIT = ("linear", "position_based", "time_decay")
GATED = ("shapley", "markov1")
START, ORDER, NO_ORDER = "(start)", "(order)", "(no order)"

_STEPS = "SELECT origin, target, paths FROM features.channel_steps ORDER BY origin, target"
_CREDITS = f"""
SELECT channel, paths_without_order, {", ".join(f"{model}, {model}_revenue" for model in (*WHOLE, *SPLIT, "shapley"))}
FROM features.channel_credits
ORDER BY channel
"""
_RECORDED = """
SELECT channel, count(*) AS as_recorded, sum(revenue)::DECIMAL(18,2) AS as_recorded_revenue
FROM marts.order_channels
WHERE snapshot_date = $snapshot_date
GROUP BY channel
ORDER BY channel
"""


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    asked = {"steps": _STEPS, "credits": _CREDITS, "recorded": _RECORDED}
    return {name: with_features(sql) for name, sql in asked.items()}


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """A row per model and channel, and one per model of what it leaves to none."""
    steps, credits, recorded = (engine.read(sql, {"snapshot_date": day}) for sql in queries().values())
    if credits.is_empty():
        log(f"{day}: no visits of customers, so nothing is ascribed to channels.")
        return {}
    channels = credits.join(recorded, on="channel", how="full", coalesce=True).fill_null(0).sort("channel")
    channels = channels.with_columns(pl.col("after_action").alias("paths"), pl.lit(None, pl.Float64).alias("removal"))
    touched, models = int(channels["last_touch"].sum()), [*WHOLE, *SPLIT, "as_recorded"]
    if touched >= LEAST_PATHS and channels["paths_without_order"].sum():
        channels, models = _with_chain(channels, steps), [*models, *GATED]
    channels = pl.concat([channels, _without_path(channels, models)], how="diagonal_relaxed")
    log(f"{day}: {touched:,} of {recorded['as_recorded'].sum():,} orders have a path of visits.")
    return {"channel_attribution": pl.concat([_ascribed(channels, model) for model in models])}


def chain_of(steps: pl.DataFrame, channels: list[str]) -> Chain:
    """The chain of visits by these channels from counted steps."""
    place = {name: number for number, name in enumerate((*channels, START, ORDER, NO_ORDER))}
    counts = np.zeros((len(place), len(place)))
    for origin, target, paths in steps.iter_rows():
        counts[place[origin], place[target]] = paths
    k = len(channels)
    return Chain(counts[k, :k], counts[:k, :k], counts[:k, k + 1], counts[:k, k + 2])


def _with_chain(channels: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """With what markov1 gives to each channel: all orders with a path, by what the chain would lose."""
    names = [name for name in channels["channel"] if name in set(steps["origin"])]
    removals = chain_of(steps, names).removals()
    found = pl.DataFrame({"channel": names, "removal": removals, "share": removals / removals.sum()})
    return (
        channels.drop("removal")
        .join(found, on="channel", how="left")
        .with_columns(
            markov1=pl.col("share").fill_null(0.0) * pl.col("last_touch").sum(),
            markov1_revenue=pl.col("share").fill_null(0.0) * pl.col("last_touch_revenue").sum().cast(pl.Float64),
        )
    )


def _without_path(channels: pl.DataFrame, models: list[str]) -> pl.DataFrame:
    """The row of none: orders without a path and what they brought, but as recorded every order has its channel."""
    rest = (pl.col(f"as_recorded{of}").sum() - pl.col(f"last_touch{of}").sum() for of in ("", "_revenue"))
    orders, revenue = channels.select(*rest).row(0)
    left = {model: 0 if model == "as_recorded" else 1 for model in models}
    return pl.DataFrame(
        {
            "channel": ["(none)"],
            "paths": [orders],
            **{model: [orders * kept] for model, kept in left.items()},
            **{f"{model}_revenue": [revenue * kept] for model, kept in left.items()},
        }
    )


def _ascribed(channels: pl.DataFrame, model: str) -> pl.DataFrame:
    """The rows of a model."""
    amount, is_exact = pl.col(f"{model}_revenue"), model in (*WHOLE, "as_recorded")
    return channels.select(
        "channel",
        pl.lit(model).alias("model"),
        pl.lit(model != "after_action").alias("is_additive"),
        pl.lit("attributed, not causal").alias("causal_status"),
        "paths",
        "paths_without_order",
        pl.col(model).cast(pl.Float64).alias("conversions"),
        amount.cast(pl.Float64).alias("revenue"),
        (amount if is_exact else pl.lit(None)).cast(pl.Decimal(18, 2)).alias("revenue_exact"),
        (pl.col("removal") if model == "markov1" else pl.lit(None)).cast(pl.Float64).alias("removal"),
    )
