"""What the models are given: how many customers have which history at the end of a day, some of them one by one, and
what these bought after it. No ids but for scoring.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlglot import exp

from pipeline.engines.engine import Engine
from pipeline.engines.portable import lint
from pipeline.models.clock import HORIZONS
from pipeline.models.gamma_gamma import Spenders
from pipeline.models.histories import Array, Histories
from pipeline.models.purchase_classifier import FOLDS
from pipeline.tables.catalog import tables, with_features
from pipeline.tables.sql_text import written

LARGEST_SAMPLE, TRAINED_ON, BATCH = 100_000, 25_000, 1_000_000
WINDOWS, WINDOW_DAYS, LEAST_WINDOW_DAYS = 6, 30, 60
"""How many origins a classifier learns from at most, how many days they are apart, and the least history before one."""
HORIZONS_OF_WINDOW = 3
SILENCES = (30, 60, 90, 180)
"""Days that may be the churn horizon where none is set."""
HISTORY = ("frequency", "active_span_days", "age_days")
FEATURES = (
    *HISTORY, "recency_days", "monetary_value", "orders", "mean_gap_days", "longest_gap_days", "last_gap_days",
    "median_gap_days", "recent_gaps_days", "gap_spread_days", "gap_irregularity", "silence_by_mean_gap",
    "silence_by_median_gap", "occasions_7_days", "occasions_14_days", "occasions_30_days", "occasions_60_days",
    "occasions_90_days", "occasions_180_days", "occasions_365_days", "occasions_season",
    "first_amount", "last_amount", "mean_amount", "refunded_amount", "refunded_share",
    "categories", "main_category_share", "channels", "last_channel_share",
)  # fmt: skip

AMOUNTS = tuple(
    FEATURES.index(name) for name in ("monetary_value", "first_amount", "last_amount", "mean_amount", "refunded_amount")
)
"""Columns of FEATURES that are money."""

RHYTHM = (*HISTORY, "recency_days", "monetary_value", "mean_amount")
"""What the timing and spend models, and the baselines, look at of FEATURES."""

_GROUPS = """
    SELECT frequency, active_span_days, age_days, count(*) AS customers, sum(amount)::DOUBLE AS amount
    FROM features.customer_histories
    GROUP BY frequency, active_span_days, age_days
    ORDER BY frequency, active_span_days, age_days
"""
_SPENDERS = """
    SELECT frequency, monetary_value, count(*) AS customers
    FROM features.customer_histories
    WHERE monetary_value > 0
    GROUP BY frequency, monetary_value
    ORDER BY frequency, monetary_value
"""
# What came after the origin, as it is known on the last day. Money is added up as DECIMAL: a sum of floats depends on
# the order its threads happen to come in, and every figure of the night would with it.
_COHORT = """
    WITH later AS (
      SELECT customer_id, count(*) AS occasions, sum(amount)::DOUBLE AS amount
      FROM (
        SELECT customer_id, occasion_on, sum(amount) AS amount
        FROM staging.occasions
        WHERE known_on <= $until::DATE AND occasion_on > $snapshot_date
        GROUP BY customer_id, occasion_on
        HAVING sum(orders) > 0
      ) AS standing
      GROUP BY customer_id
    )
    SELECT known.customer_id, {columns},
      coalesce(later.occasions, 0) AS later, coalesce(later.amount, 0.0::DOUBLE) AS later_amount
    FROM features.{feature} AS known
    LEFT JOIN later ON later.customer_id = known.customer_id
    ORDER BY known.customer_id
"""
# What came after an origin within several horizons, each as it was known on its last day.
_WINDOW = """
    WITH standing AS (
      SELECT customer_id, occasion_on, {standing}
      FROM staging.occasions
      WHERE occasion_on > $snapshot_date AND occasion_on <= $until::DATE
      GROUP BY customer_id, occasion_on
    ),
    later AS (
      SELECT customer_id, {counts}
      FROM standing
      GROUP BY customer_id
    )
    SELECT known.customer_id, {columns}, {later}
    FROM features.customer_features AS known
    LEFT JOIN later ON later.customer_id = known.customer_id
    ORDER BY known.customer_id
"""
# A year ago: who shared which history, and what they bought in the days after it.
_YEAR_AGO = """
    WITH bought AS (
      SELECT customer_id, occasion_on
      FROM staging.occasions
      WHERE known_on <= $until::DATE AND occasion_on > $snapshot_date
      GROUP BY customer_id, occasion_on
      HAVING sum(orders) > 0
    ),
    later AS (
      SELECT customer_id, {counts}
      FROM bought
      GROUP BY customer_id
    )
    SELECT histories.frequency, histories.active_span_days, histories.age_days, count(*) AS customers, {sums}
    FROM features.customer_histories AS histories
    LEFT JOIN later ON later.customer_id = histories.customer_id
    GROUP BY histories.frequency, histories.active_span_days, histories.age_days
    ORDER BY histories.frequency, histories.active_span_days, histories.age_days
"""
# In an order of all that may be told of them: those told apart by nothing but the id have the same rows, so that it
# does not matter what anybody is called. The customers of a first day are numbered apart, from another number than
# those of the day before: few of a day have their share, too, and days are sorted side by side.
_NUMBERED = """
    WITH known AS (
      SELECT customer_id, min(occasion_on) AS first_on, max(occasion_on) AS last_on, count(*) AS days,
        sum(day) AS day_sum, sum(day * day) AS day_squares, sum(orders) AS orders, sum(amount) AS amount,
        sum(amount * day) AS dated_amount
      FROM (
        SELECT customer_id, occasion_on, orders, amount, date_diff('day', DATE '1970-01-01', occasion_on) AS day
        FROM staging.occasions
        WHERE known_on <= $snapshot_date
      ) AS dated
      GROUP BY customer_id
    ),
    lines AS (
      SELECT customer_id, count(*) AS lines, sum(amount) AS amount, min(amount) AS least, max(amount) AS most,
        coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunded,
        coalesce(min(category), '') AS first_category, coalesce(max(category), '') AS last_category,
        coalesce(min(sales_channel), '') AS first_channel, coalesce(max(sales_channel), '') AS last_channel
      FROM staging.order_lines
      WHERE customer_id IS NOT NULL AND ordered_on <= $snapshot_date
      GROUP BY customer_id
    )
    SELECT known.customer_id, date_diff('day', DATE '1970-01-01', known.first_on) + row_number() OVER (
      PARTITION BY known.first_on
      ORDER BY known.days, known.last_on, known.day_sum, known.day_squares, known.orders, known.amount,
        known.dated_amount, lines.lines, lines.amount, lines.refunded, lines.least, lines.most, lines.first_category,
        lines.last_category, lines.first_channel, lines.last_channel, known.customer_id
    ) AS number
    FROM known
    LEFT JOIN lines ON lines.customer_id = known.customer_id
"""
_OF_PART = (
    "customer_id IN (SELECT customer_id FROM temp.{drawn} WHERE number % nullif($parts::BIGINT, 0) = $place::BIGINT)"
)
_CALENDAR = """
    SELECT day, count(*) FILTER (WHERE place = 1) AS first, count(*) FILTER (WHERE place > 1) AS repeat
    FROM (
      SELECT occasion_on AS day, row_number() OVER (PARTITION BY customer_id ORDER BY occasion_on) AS place
      FROM features.standing_occasions
    ) AS standing
    GROUP BY day
    ORDER BY day
"""
# Who bought in the 365 days before the last so many days, and who of them did not in these.
_SILENCES = """
    WITH ages AS (
      SELECT customer_id, date_diff('day', occasion_on, $snapshot_date) AS days_ago
      FROM features.standing_occasions
    ),
    customers AS (
      SELECT customer_id, min(days_ago) AS silent_days, {before}
      FROM ages
      GROUP BY customer_id
    )
    SELECT {counts}
    FROM customers
"""
# Void orders are out of the expected occasions already: their refunds would be taken off a second time.
_KEPT_SHARE = """
    SELECT
      coalesce(-sum(lines.amount) FILTER (WHERE lines.kind = 'refund'), 0)::DOUBLE AS refunds,
      coalesce(sum(lines.amount) FILTER (WHERE lines.kind <> 'refund'), 0)::DOUBLE AS sales
    FROM staging.order_lines AS lines
    LEFT JOIN features.void_orders AS void ON void.order_id = lines.order_id
    WHERE void.order_id IS NULL AND lines.customer_id IS NOT NULL
      AND lines.ordered_on <= $snapshot_date AND date_diff('day', lines.ordered_on, $snapshot_date) < 365
"""
# All that the tests as of a day follow from: what those columns say that are read of it up to the day.
_LINES_THAT_COUNT = """
    SELECT order_id, customer_id, ordered_on, kind, amount, category, sales_channel
    FROM staging.order_lines
    WHERE customer_id IS NOT NULL AND ordered_on <= $snapshot_date
"""
_ORDERS_THAT_COUNT = """
    SELECT order_id, known_on, voided FROM staging.orders WHERE voided <> 0 AND known_on <= $snapshot_date
"""
_OCCASIONS_THAT_COUNT = """
    SELECT customer_id, occasion_on, known_on, orders, amount FROM staging.occasions WHERE known_on <= $snapshot_date
"""


class Kept(NamedTuple):
    """What an engine keeps at hand."""

    name: str
    columns: Mapping[str, str]


DRAWN = Kept("numbered_customers", {"customer_id": "VARCHAR", "number": "BIGINT"})


@dataclass(frozen=True)
class Part:
    """Of so many about equal parts of the customers the one in that place, 0 for the first. A part has its share of the
    customers of every kind, and does not depend on what they are called. `number_customers` comes before."""

    place: int
    parts: int


@dataclass(frozen=True)
class Cohort:
    """The customers of `origin`, one row each, and what they bought in (origin, until]; nothing where they are equal.

    Columns of `frame`: customer_id, FEATURES or RHYTHM, later (occasions), later_amount (currency).
    """

    origin: dt.date
    until: dt.date
    frame: pl.DataFrame

    @property
    def days(self) -> int:
        return (self.until - self.origin).days

    @property
    def weeks(self) -> float:
        return self.days / 7

    @property
    def is_detailed(self) -> bool:
        """Whether it has all FEATURES."""
        return set(FEATURES) <= set(self.frame.columns)

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

    def sampled(self, most: int = TRAINED_ON) -> Cohort:
        """At most so many of the customers, every k-th in an order of their histories: enough to train on, and the
        same every time, whatever the customers are called."""
        step = -(-self.frame.height // most)
        return Cohort(self.origin, self.until, self.frame[self._order.gather_every(step)])

    @cached_property
    def _order(self) -> pl.Series:
        """Rows in an order of their histories, (n,): a window is sampled for every day that learns from it."""
        rows = self.frame.select(*FEATURES, "later").with_columns(self._keys.alias("_key")).with_row_index("_row")
        return rows.sort("_key", *FEATURES, "later")["_row"]

    @property
    def folds(self) -> NDArray[np.intp]:
        """A part of FOLDS for each customer, the same for all who bought on as many days between the same two."""
        parts = self._keys.str.head(8).str.to_integer(base=16, dtype=pl.Int64) % FOLDS
        return parts.to_numpy().astype(np.intp)

    @cached_property
    def _keys(self) -> pl.Series:
        """MD5 of the first occasion, x and t_x; computed once of each history."""
        firsts = (pl.lit(self.origin) - pl.duration(days="age_days")).cast(pl.String)
        told = self.frame.select(told=pl.concat_str(firsts, "frequency", "active_span_days", separator=" "))
        histories = told.unique()
        keys = [hashlib.md5(key.encode(), usedforsecurity=False).hexdigest() for key in histories["told"]]
        known = histories.with_columns(key=pl.Series(keys, dtype=pl.String))
        return told.join(known, on="told", how="left", maintain_order="left")["key"]

    @property
    def spenders(self) -> Spenders:
        repeat = self.frame.filter(pl.col("monetary_value") > 0)
        return spenders_of(repeat.group_by("frequency", "monetary_value").agg(customers=pl.len()).sort(pl.all()))


@dataclass(frozen=True)
class Everybody:
    """All customers of `day` in groups of equal histories.

    Columns of `frame`: HISTORY, customers, amount (currency, of all their occasions).
    """

    day: dt.date
    frame: pl.DataFrame

    @cached_property
    def customers(self) -> int:
        return int(self.frame["customers"].sum())

    @cached_property
    def history_days(self) -> int:
        """Days from the first occasion of all to the day."""
        return int(self.frame["age_days"].to_numpy().max())

    @cached_property
    def silent_days(self) -> int:
        """Days from the last occasion of all to the day."""
        return int((self.frame["age_days"] - self.frame["active_span_days"]).to_numpy().min())

    @cached_property
    def mean_amount(self) -> float:
        """Of all their occasions."""
        occasions = (self.frame["frequency"] + 1) * self.frame["customers"]
        return float(self.frame["amount"].to_numpy().sum() / occasions.to_numpy().sum())

    @cached_property
    def histories(self) -> Histories:
        return histories_of(self.frame)


@cache
def queries() -> Mapping[str, str]:
    """Everything that is asked of the engine here, by name: all of it must be portable."""
    rhythm, everything = _cohort_sql("customer_histories", RHYTHM), _cohort_sql("customer_features", FEATURES)
    counts = ", ".join(f"count(*) FILTER (WHERE occasion_on <= $snapshot_date + {d}) AS later_{d}" for d in HORIZONS)
    sums = ", ".join(f"coalesce(sum(later.later_{d}), 0) AS later_{d}" for d in HORIZONS)
    window = with_features(_window_sql())
    year_ago = with_features(_YEAR_AGO.format(counts=counts, sums=sums))
    return {
        "groups": with_features(_GROUPS),
        "spenders": with_features(_SPENDERS),
        "rhythm": rhythm,
        "rhythm of a part": _in_part(rhythm),
        "a year ago": year_ago,
        "a year ago of a part": _in_part(year_ago),
        "features": everything,
        "features of a part": _in_part(everything),
        "window": window,
        "window of a part": _in_part(window),
        "numbers": _NUMBERED,
        "calendar": with_features(_CALENDAR),
        "silences": with_features(_silences_sql()),
        "kept share": with_features(_KEPT_SHARE),
        "lines that count": _LINES_THAT_COUNT,
        "orders that count": _ORDERS_THAT_COUNT,
        "occasions that count": _OCCASIONS_THAT_COUNT,
    }


def _cohort_sql(feature: str, columns: Sequence[str]) -> str:
    return with_features(_COHORT.format(columns=", ".join(f"known.{name}" for name in columns), feature=feature))


def _window_sql() -> str:
    ends = {place: f"$until_{place}::DATE" for place in range(HORIZONS_OF_WINDOW)}
    standing = (f"sum(orders) FILTER (WHERE known_on <= {end}) AS orders_{place}" for place, end in ends.items())
    counts = (
        f"count(*) FILTER (WHERE occasion_on <= {end} AND orders_{place} > 0) AS later_{place}"
        for place, end in ends.items()
    )
    return _WINDOW.format(
        standing=", ".join(standing),
        counts=", ".join(counts),
        columns=", ".join(f"known.{name}" for name in FEATURES),
        later=", ".join(f"coalesce(later.later_{place}, 0) AS later_{place}" for place in ends),
    )


def _silences_sql() -> str:
    before = (f"count(*) FILTER (WHERE days_ago >= {d} AND days_ago < {d} + 365) AS before_{d}" for d in SILENCES)
    counts = (
        f"count(*) FILTER (WHERE before_{d} > 0) AS buyers_{d}, "
        f"count(*) FILTER (WHERE before_{d} > 0 AND silent_days >= {d}) AS silent_{d}"
        for d in SILENCES
    )
    return _SILENCES.format(before=", ".join(before), counts=", ".join(counts))


def _in_part(sql: str) -> str:
    """The same of the customers of a part, whose rows are taken out of each table once, before all else."""
    read = [tables()[name] for name in sorted(lint.tables_read(sql, sql))]

    def of_part(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Table) or not node.db:
            return node
        return exp.to_table(f"part_{node.name}", alias=node.alias_or_name)

    parts = ", ".join(
        f"part_{table.name} AS (SELECT {', '.join(table.header.columns)} FROM {table.full_name} "
        f"WHERE {_OF_PART.format(drawn=DRAWN.name)})"
        for table in read
    )
    rest = written(lint.parse(sql, sql).transform(of_part))
    return f"WITH {parts}, {rest.removeprefix('WITH ')}"


def number_customers(engine: Engine, day: dt.date) -> None:
    """Number the customers of a day by what they bought up to it, so that there are parts of them."""
    engine.keep(*DRAWN, queries()["numbers"], {"snapshot_date": day})


def cohort(
    engine: Engine, origin: dt.date, until: dt.date, part: Part | None = None, columns: Sequence[str] = FEATURES
) -> Cohort:
    """The customers of `origin`, all or a part of them. `columns`: FEATURES or RHYTHM."""
    name = "features" if columns is FEATURES else "rhythm"
    return Cohort(origin, until, _of_part(engine, name, origin, until, part))


def window(
    engine: Engine, origin: dt.date, untils: Sequence[dt.date], part: Part | None = None
) -> dict[dt.date, Cohort]:
    """The customers of `origin` with all FEATURES, or a part of them, by the days up to which it is told what they
    bought, HORIZONS_OF_WINDOW of them, but not for how much."""
    ends = {f"until_{place}": until for place, until in enumerate(untils)}
    frame = _of_part(engine, "window", origin, max(untils), part, ends)
    told = frame.select("customer_id", *FEATURES)
    return {
        until: Cohort(origin, until, told.with_columns(frame[f"later_{place}"].alias("later")))
        for place, until in enumerate(untils)
    }


def year_ago(engine: Engine, origin: dt.date, until: dt.date, part: Part | None = None) -> pl.DataFrame:
    """Groups of equal histories at the end of `origin`: HISTORY, customers, and later_30, later_90, …: what they bought
    in the so many days after it, as known at `until`. All customers, or a part."""
    return _of_part(engine, "a year ago", origin, until, part)


def _of_part(
    engine: Engine,
    name: str,
    origin: dt.date,
    until: dt.date,
    part: Part | None,
    ends: Mapping[str, dt.date] | None = None,
) -> pl.DataFrame:
    days = {"snapshot_date": origin, "until": until, **(ends or {})}
    if part is None or part.parts == 1:
        return engine.read(queries()[name], days)
    return engine.read(queries()[f"{name} of a part"], {**days, **vars(part)})


def parts_of(engine: Engine, day: dt.date, customers: int) -> Iterator[Cohort]:
    """All customers of a day with all that is known of them, at most about BATCH at a time."""
    parts = -(-customers // BATCH)
    return (cohort(engine, day, day, Part(place, parts)) for place in range(parts))


def everybody(engine: Engine, day: dt.date) -> Everybody:
    return Everybody(day, engine.read(queries()["groups"], {"snapshot_date": day}))


def spenders(engine: Engine, day: dt.date) -> Spenders:
    """All repeat buyers of a day whose repeat occasions were worth something, in groups."""
    return spenders_of(engine.read(queries()["spenders"], {"snapshot_date": day}))


def spenders_of(groups: pl.DataFrame) -> Spenders:
    """From columns frequency, monetary_value, customers."""
    return Spenders(*(groups[name].to_numpy().astype(np.float64) for name in groups.columns))


def calendar(engine: Engine, day: dt.date) -> pl.DataFrame:
    """Occasions per day up to `day`: day, first (of new customers), repeat."""
    return engine.read(queries()["calendar"], {"snapshot_date": day})


def kept_share(engine: Engine, day: dt.date, margin: float | None) -> float:
    """What is left of one unit of spend after refunds (share of the last 12 months) and, if given, the margin."""
    refunds, sales = engine.read(queries()["kept share"], {"snapshot_date": day}).row(0)
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
