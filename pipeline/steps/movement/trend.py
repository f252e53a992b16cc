"""Step `trend`: what the base of a day did, and the exact test of every pair of counts that occurs in it.

What belongs here: from which windows the expected share is learnt, and rows for `trend_base` and `trend_pairs`. What
does not: the test (`pipeline.models.trend`), who bought how often (`sql/marts/trend/trend_counts.sql`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models import trend
from pipeline.models.histories import Array
from pipeline.settings import Settings

LEAST_SEASON = 200
"""Occasions of a year ago from which on their share of the recent window is taken for today's."""

_TOTALS = """
    SELECT
      window_days,
      prior_from,
      recent_from,
      count(*) FILTER (WHERE in_base) AS customers,
      coalesce(sum(prior_occasions) FILTER (WHERE in_base), 0)::BIGINT AS prior,
      coalesce(sum(recent_occasions) FILTER (WHERE in_base), 0)::BIGINT AS recent,
      coalesce(sum(prior_spend) FILTER (WHERE in_base), 0)::DOUBLE AS prior_spend,
      coalesce(sum(recent_spend) FILTER (WHERE in_base), 0)::DOUBLE AS recent_spend,
      count(*) FILTER (WHERE in_base_year_ago) AS customers_year_ago,
      coalesce(sum(prior_occasions_year_ago) FILTER (WHERE in_base_year_ago), 0)::BIGINT AS prior_year_ago,
      coalesce(sum(recent_occasions_year_ago) FILTER (WHERE in_base_year_ago), 0)::BIGINT AS recent_year_ago,
      coalesce(sum(prior_spend_year_ago) FILTER (WHERE in_base_year_ago), 0)::DOUBLE AS prior_spend_year_ago,
      coalesce(sum(recent_spend_year_ago) FILTER (WHERE in_base_year_ago), 0)::DOUBLE AS recent_spend_year_ago
    FROM marts.trend_counts
    WHERE snapshot_date = $snapshot_date
    GROUP BY window_days, prior_from, recent_from
"""
_PAIRS = """
    SELECT prior_occasions, recent_occasions, count(*) AS customers
    FROM marts.trend_counts
    WHERE snapshot_date = $snapshot_date AND in_base
    GROUP BY prior_occasions, recent_occasions
    ORDER BY prior_occasions, recent_occasions
"""


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    return {"totals": _TOTALS, "pairs": _PAIRS}


@dataclass(frozen=True)
class Base:
    """Customers with a tenure of both windows, and what they bought in each; `share_from` says when."""

    share_from: str
    customers: int
    prior: int
    recent: int
    prior_spend: float
    recent_spend: float

    @property
    def occasions(self) -> int:
        return self.prior + self.recent

    @property
    def share(self) -> float:
        """Share of the occasions that falls into the recent window."""
        return self.recent / self.occasions

    @property
    def spend_share(self) -> float | None:
        """The same of spend; None where more was taken back than sold."""
        if min(self.prior_spend, self.recent_spend) < 0 or self.prior_spend + self.recent_spend == 0:
            return None
        return self.recent_spend / (self.prior_spend + self.recent_spend)


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """The base's share and every pair's test; pairs only where there are customers with enough occasions."""
    totals = engine.read(_TOTALS, {"snapshot_date": day}).to_dicts()
    if not totals:
        log(f"{day}: no customers, so no trend")
        return {}
    pairs = engine.read(_PAIRS, {"snapshot_date": day})
    alpha, base = settings.trend.alpha, base_of(totals[0])
    n_min = trend.least_count(base.share, alpha) if base else None
    prior = _prior(pairs, base.share) if base and n_min else None
    tested = _tested(pairs, base.share, n_min, alpha, prior) if base and n_min else pl.DataFrame()
    log(_sentence(day, totals[0], base, int(tested["customers"].sum()) if tested.height else 0))
    row = {
        **{name: totals[0][name] for name in ("window_days", "prior_from", "recent_from")},
        "base_customers": totals[0]["customers"],
        "alpha": alpha,
        "share_from": base and base.share_from,
        "share_customers": base and base.customers,
        "share_prior": base and base.prior,
        "share_recent": base and base.recent,
        "expected_share": base and base.share,
        "expected_spend_share": base and base.spend_share,
        "seasonally_adjusted": base and base.share_from == "a year ago",
        "n_min": n_min,
        "prior_shape": prior and prior.shape,
        "prior_rate": prior and prior.rate,
    }
    return {"trend_base": pl.DataFrame([row]), "trend_pairs": tested}


def base_of(totals: Mapping[str, Any]) -> Base | None:
    """The customers of a year ago where they bought often enough, else today's; None where these bought nothing."""
    columns = ("customers", "prior", "recent", "prior_spend", "recent_spend")
    year_ago = Base("a year ago", *(totals[f"{name}_year_ago"] for name in columns))
    today = Base("today", *(totals[name] for name in columns))
    if year_ago.occasions >= LEAST_SEASON:
        return year_ago
    return today if today.occasions else None


def _prior(pairs: pl.DataFrame, share: float) -> trend.RatePrior | None:
    return trend.fit_prior(*_arrays(pairs), share)


def _tested(pairs: pl.DataFrame, share: float, n_min: int, alpha: float, prior: trend.RatePrior | None) -> pl.DataFrame:
    enough = pairs.filter(pl.col("prior_occasions") + pl.col("recent_occasions") >= n_min)
    k1, k2, _ = _arrays(enough)
    ratio, chance = trend.rate_ratio(k1, k2, share), trend.by_chance(k1 + k2, share, alpha)
    return enough.with_columns(
        pl.Series("activity_trend", trend.classify(k1, k2, share, alpha).tolist(), dtype=pl.String),
        pl.Series("mid_p", trend.mid_p(k1, k2, share)),
        pl.Series("rate_ratio", ratio).replace(float("inf"), None),
        pl.Series("shrunken_ratio", trend.shrunken_ratio(k1, k2, share, prior) if prior else None, dtype=pl.Float64),
        pl.Series("p_growth", trend.probability_of_growth(k1, k2, share, prior) if prior else None, dtype=pl.Float64),
        pl.Series("chance_growing", chance["growing"]),
        pl.Series("chance_declining", chance["declining"]),
    )


def _arrays(pairs: pl.DataFrame) -> tuple[Array, Array, Array]:
    k1, k2, customers = (pairs[name].cast(pl.Float64).to_numpy() for name in pairs.columns[:3])
    return k1, k2, customers


def _sentence(day: dt.date, totals: Mapping[str, Any], base: Base | None, classified: int) -> str:
    who = f"{classified:,} of {totals['customers']:,} customers with two windows of {totals['window_days']} days"
    if base is None:
        return f"{day}: {who} have a trend; none of them bought in these windows"
    return (
        f"{day}: {who} have a trend; {base.share:.1%} of occasions are expected in the recent one, as {base.share_from}"
    )
