"""What the models are given: customers at the end of a day, and what they bought after it. No ids but for scoring."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from pipeline.catalog import features
from pipeline.engines.engine import Engine
from pipeline.engines.incremental import limited
from pipeline.models.gamma_gamma import Spenders
from pipeline.models.histories import Array, Histories

LARGEST_SAMPLE = 100_000
HISTORY = ("frequency", "active_span_days", "age_days")
FEATURES = (
    *HISTORY, "recency_days", "monetary_value", "orders", "mean_gap_days", "longest_gap_days", "last_gap_days",
    "occasions_30_days", "occasions_90_days", "occasions_180_days", "occasions_365_days", "occasions_season",
    "first_amount", "last_amount", "mean_amount", "refunded_amount", "refunded_share",
    "categories", "main_category_share", "channels", "last_channel_share",
)  # fmt: skip

# What came after the origin, as it is known on the last day. Money is added up as DECIMAL: a sum of floats depends on
# the order its threads happen to come in, and every figure of the night would with it.
_COHORT = """
    WITH later AS (
      SELECT customer_id, count(*) AS occasions, sum(amount)::DOUBLE AS amount
      FROM (
        SELECT customer_id, occasion_on, sum(amount) AS amount
        FROM staging.occasions
        WHERE known_on <= $until AND occasion_on > $snapshot_date
        GROUP BY customer_id, occasion_on
        HAVING sum(orders) > 0
      ) AS standing
      GROUP BY customer_id
    )
    SELECT features.customer_id, {columns},
      coalesce(later.occasions, 0) AS later, coalesce(later.amount, 0.0) AS later_amount
    FROM ({features}) AS features
    LEFT JOIN later ON later.customer_id = features.customer_id
    ORDER BY features.customer_id
"""
_CALENDAR = """
    SELECT day, count(*) FILTER (WHERE place = 1) AS first, count(*) FILTER (WHERE place > 1) AS repeat
    FROM (
      SELECT occasion_on AS day, row_number() OVER (PARTITION BY customer_id ORDER BY occasion_on) AS place
      FROM staging.occasions
      WHERE known_on <= $snapshot_date
      GROUP BY customer_id, occasion_on
      HAVING sum(orders) > 0
    ) AS standing
    GROUP BY day
    ORDER BY day
"""
_KEPT_SHARE = """
    SELECT
      coalesce(-sum(amount) FILTER (WHERE kind = 'refund'), 0)::DOUBLE AS refunds,
      coalesce(sum(amount) FILTER (WHERE kind <> 'refund'), 0)::DOUBLE AS sales
    FROM staging.order_lines
    WHERE customer_id IS NOT NULL
      AND ordered_on <= $snapshot_date AND date_diff('day', ordered_on, $snapshot_date) < 365
"""


@dataclass(frozen=True)
class Cohort:
    """The customers of `origin`, one row each, and what they bought in (origin, until]; nothing where they are equal.

    Columns of `frame`: customer_id, FEATURES, later (occasions), later_amount (currency).
    """

    origin: dt.date
    until: dt.date
    frame: pl.DataFrame

    @property
    def days(self) -> int:
        return (self.until - self.origin).days

    @cached_property
    def history_days(self) -> int:
        """Days from the first occasion of all to the origin."""
        return int(self.frame["age_days"].to_numpy().max())

    @property
    def weeks(self) -> float:
        return self.days / 7

    @cached_property
    def histories(self) -> Histories:
        """One entry per customer."""
        return histories_of(self.frame)

    @cached_property
    def grouped(self) -> Histories:
        """One entry per group of equal customers."""
        return histories_of(groups_of(self.frame))

    @cached_property
    def later(self) -> Array:
        return self.frame["later"].to_numpy().astype(np.float64)

    @cached_property
    def later_amount(self) -> Array:
        return self.frame["later_amount"].to_numpy().astype(np.float64)

    @cached_property
    def bought(self) -> Array:
        return (self.later > 0).astype(np.float64)

    @cached_property
    def silent_weeks(self) -> Array:
        return self.frame["recency_days"].to_numpy() / 7

    @cached_property
    def features(self) -> Array:
        """(n, features), NaN where unknown."""
        return self.frame.select(pl.col(FEATURES).cast(pl.Float64).fill_null(float("nan"))).to_numpy()

    def sampled(self) -> Cohort:
        """At most LARGEST_SAMPLE of the customers, every k-th by id: enough to train on, and the same every time."""
        step = -(-self.frame.height // LARGEST_SAMPLE)
        return self if step <= 1 else Cohort(self.origin, self.until, self.frame.gather_every(step))

    @property
    def spenders(self) -> Spenders:
        repeat = self.frame.filter(pl.col("monetary_value") > 0)
        groups = repeat.group_by("frequency", "monetary_value").agg(customers=pl.len()).sort(pl.all())
        x, m, customers = (groups[name].to_numpy().astype(np.float64) for name in groups.columns)
        return Spenders(x, m, customers)


def cohort(engine: Engine, origin: dt.date, until: dt.date, one_in: int = 1) -> Cohort:
    """The customers of `origin`, or about one in so many of them: always the same, by a hash of the id."""
    query = features()["features.customer_features"]
    columns = ", ".join(f"features.{name}" for name in FEATURES)
    sql = _COHORT.format(columns=columns, features=query.select)
    if one_in > 1:  # left out where the tables are read, before anything is made of the rows
        read = [name for name in query.reads if not name.startswith("params.")]
        sql = limited(sql, dict.fromkeys(read, f"hash(customer_id) % {one_in} = 0"))
    return Cohort(origin, until, engine.read(sql, {"snapshot_date": origin, "until": until}))


def calendar(engine: Engine, day: dt.date) -> pl.DataFrame:
    """Occasions per day up to `day`: day, first (of new customers), repeat."""
    return engine.read(_CALENDAR, {"snapshot_date": day})


def kept_share(engine: Engine, day: dt.date, margin: float | None) -> float:
    """What is left of one unit of spend after refunds (share of the last 12 months) and, if given, the margin."""
    refunds, sales = engine.read(_KEPT_SHARE, {"snapshot_date": day}).row(0)
    refunded = min(1.0, max(0.0, refunds / sales)) if sales > 0 else 0.0
    return float((1 - refunded) * (1.0 if margin is None else margin))


def groups_of(frame: pl.DataFrame) -> pl.DataFrame:
    """HISTORY and the number of customers who share it."""
    return frame.group_by(HISTORY).agg(customers=pl.len()).sort(HISTORY)


def histories_of(frame: pl.DataFrame) -> Histories:
    """Histories of a frame with HISTORY and, if grouped, customers; days become weeks."""
    customers = frame["customers"].to_numpy() if "customers" in frame.columns else 1.0
    x, span, age = (frame[name].to_numpy() for name in HISTORY)
    return Histories.of(x, span / 7, age / 7, customers)
