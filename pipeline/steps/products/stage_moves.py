"""Step `stage_moves`: what is bought more or less often where customers move from one stage to another.

Occasions of customers who moved are held against those of the same month and size of customers who did not: with no
effect of any product, months and sizes alone would find some nearly always.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models.affinity import false_discovery_rates, standard_score, two_sided
from pipeline.settings import Settings
from pipeline.tables.catalog import with_features

MOVES = ("first to active", "to defecting", "returned")
LEVELS = ("product", "category")
LEAST_OCCASIONS, LEAST_MOVERS, MOST_FALSE = 300, 50, 0.05

# Of the items that were on at least 30 of the occasions: what was seen, and what lots drawn inside the strata, and
# among all occasions alike, would give.
_ITEMS = """
    WITH bought AS MATERIALIZED (
      SELECT moves.move, items.level, items.item, moves.customer_id, moves.occasion_on, moves.moved
      FROM features.stage_moves AS moves
      JOIN features.item_occasions AS items
        ON items.customer_id = moves.customer_id AND items.occasion_on = moves.occasion_on
    ),
    occasions AS MATERIALIZED (
      SELECT
        move,
        level,
        customer_id,
        min(moved) AS moved,
        date_trunc('month', min(occasion_on))::DATE AS month,
        count(*) AS size
      FROM bought
      GROUP BY move, level, customer_id
    ),
    thirds AS (
      SELECT
        move,
        level,
        percentile_cont(0.3333333333) WITHIN GROUP (ORDER BY size::DOUBLE) AS low,
        percentile_cont(0.6666666667) WITHIN GROUP (ORDER BY size::DOUBLE) AS high
      FROM occasions
      GROUP BY move, level
    ),
    placed AS MATERIALIZED (
      SELECT
        occasions.move,
        occasions.level,
        occasions.customer_id,
        occasions.moved,
        occasions.month,
        CASE WHEN occasions.size <= thirds.low THEN 1 WHEN occasions.size <= thirds.high THEN 2 ELSE 3 END AS third
      FROM occasions
      JOIN thirds ON thirds.move = occasions.move AND thirds.level = occasions.level
    ),
    strata AS (
      SELECT
        move,
        level,
        month,
        third,
        count(*)::DOUBLE AS occasions,
        sum(moved)::DOUBLE AS movers,
        sum(count(*)) OVER (PARTITION BY move, level) AS all_occasions,
        sum(sum(moved)) OVER (PARTITION BY move, level) AS all_movers
      FROM placed
      GROUP BY move, level, month, third
    ),
    cells AS (
      SELECT
        bought.move,
        bought.level,
        bought.item,
        placed.month,
        placed.third,
        count(*) AS occasions,
        sum(placed.moved) AS movers
      FROM bought
      JOIN placed
        ON placed.move = bought.move AND placed.level = bought.level AND placed.customer_id = bought.customer_id
      GROUP BY bought.move, bought.level, bought.item, placed.month, placed.third
    ),
    counted AS (
      SELECT
        cells.move,
        cells.level,
        cells.item,
        sum(cells.occasions) AS occasions,
        sum(cells.movers) AS movers,
        sum(cells.occasions * strata.movers / nullif(strata.occasions, 0)) AS expected,
        sum(
          cells.occasions * (strata.occasions - cells.occasions) * strata.movers * (strata.occasions - strata.movers)
          / nullif(strata.occasions * strata.occasions * (strata.occasions - 1), 0)
        ) AS variance
      FROM cells
      JOIN strata
        ON strata.move = cells.move
        AND strata.level = cells.level
        AND strata.month = cells.month
        AND strata.third = cells.third
      GROUP BY cells.move, cells.level, cells.item
      HAVING sum(cells.occasions) >= 30
    ),
    totals AS (
      SELECT DISTINCT move, level, all_occasions, all_movers
      FROM strata
    )
    SELECT
      totals.move,
      totals.level,
      totals.all_occasions::BIGINT AS all_occasions,
      totals.all_movers::BIGINT AS all_movers,
      counted.item,
      counted.occasions::BIGINT AS occasions,
      counted.movers::BIGINT AS movers,
      counted.expected,
      coalesce(counted.variance, 0.0::DOUBLE) AS variance
    FROM totals
    LEFT JOIN counted ON counted.move = totals.move AND counted.level = totals.level
    ORDER BY totals.move, totals.level, counted.item
"""


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    return {"items": with_features(_ITEMS)}


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """Both tables: a row of the fit for each move and level, and the items of those that have data."""
    counted = engine.read(queries()["items"], {"snapshot_date": day})
    fits, tables = list[dict[str, Any]](), list[pl.DataFrame]()
    for move in MOVES:
        for level in LEVELS:
            fit, items = judged(move, level, counted.filter(move=move, level=level))
            fits.append(fit)
            tables.append(items)
    log(f"{day}: stage moves: {'; '.join(map(_sentence, fits))}.")
    return {"stage_move_products": pl.concat(tables), "stage_move_fit": pl.DataFrame(fits, infer_schema_length=None)}


def judged(move: str, level: str, counted: pl.DataFrame) -> tuple[dict[str, Any], pl.DataFrame]:
    """What the fit says of a move at a level, and its items if enough customers have made it."""
    occasions, movers = (counted[name][0] if counted.height else 0 for name in ("all_occasions", "all_movers"))
    enough = occasions >= LEAST_OCCASIONS and movers >= LEAST_MOVERS
    found = tested(counted.filter(pl.col("item").is_not_null()) if enough else counted.clear())
    passing = found.filter(pl.col("q_value") <= MOST_FALSE)
    fit = {
        "move": move,
        "level": level,
        "status": "ok" if enough else "insufficient_data" if occasions else "not_exported",
        "occasions": occasions,
        "movers": movers,
        "items": found.height,
        "more": passing.filter(direction="more").height,
        "less": passing.filter(direction="less").height,
        "naive": _without_strata(found, movers / occasions if occasions else 0.0),
    }
    columns = ("occasions", "movers", "expected", "ratio", "z", "q_value", "direction")
    return fit, found.select(pl.lit(move).alias("move"), pl.lit(level).alias("level"), "item", *columns)


def tested(items: pl.DataFrame) -> pl.DataFrame:
    """With the ratio of movers to those expected, z and q over all of them, and which way it differs, if it does."""
    seen, expected, variance = (items[name].cast(pl.Float64).to_numpy() for name in ("movers", "expected", "variance"))
    z = standard_score(seen, expected, variance)
    return items.with_columns(
        ratio=pl.when(pl.col("expected") > 0).then(pl.col("movers") / pl.col("expected")),
        z=pl.Series(z, dtype=pl.Float64).fill_nan(None),
        q_value=false_discovery_rates(two_sided(z)),
    ).with_columns(
        direction=pl.when(pl.col("q_value") > MOST_FALSE)
        .then(pl.lit("no difference"))
        .when(pl.col("z") > 0)
        .then(pl.lit("more"))
        .otherwise(pl.lit("less"))
    )


def _without_strata(items: pl.DataFrame, share: float) -> int:
    """How many items would seem to differ, were months and sizes of the occasions left out."""
    n, seen, total = (items[name].cast(pl.Float64).to_numpy() for name in ("occasions", "movers", "all_occasions"))
    variance = n * (total - n) * share * (1 - share) / np.maximum(total - 1, 1)
    q = false_discovery_rates(two_sided(standard_score(seen, n * share, variance)))
    return int((q <= MOST_FALSE).sum())


def _sentence(fit: dict[str, Any]) -> str:
    name = f"{fit['move']} by {fit['level']}"
    if fit["status"] != "ok":
        return f"{name}: {fit['movers']:,} of {fit['occasions']:,} customers moved, {fit['status'].replace('_', ' ')}"
    return f"{name}: {fit['more'] + fit['less']} of {fit['items']:,} items differ ({fit['naive']} without strata)"
