"""Step `need_stages`: where customers stand in sequences of needs that the shop knows, such as the ages of a child.

Nothing is learnt: the rules of `need_stages.toml` are applied to what was bought, and beside them stands what was seen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

import polars as pl

from pipeline.engines.engine import Engine
from pipeline.quoting import text_literal
from pipeline.sections.analysis import NeedRule, NeedStage
from pipeline.settings import Settings
from pipeline.tables.catalog import with_features

FEWEST_OBSERVED = 30
_ITEMS = "SELECT product_id, category FROM features.product_lines GROUP BY product_id, category"
_PURCHASES = """
    WITH roles AS (
      SELECT level, item, role FROM (VALUES {roles}) AS listed (level, item, role)
    ),
    wanted AS (
      SELECT lines.customer_id, lines.occasion_on, lines.order_id, lines.product_id, roles.role
      FROM features.product_lines AS lines
      JOIN roles ON roles.item = lines.product_id
      WHERE roles.level = 'product'
      UNION ALL
      SELECT lines.customer_id, lines.occasion_on, lines.order_id, lines.product_id, roles.role
      FROM features.product_lines AS lines
      JOIN roles ON roles.item = lines.category
      WHERE roles.level = 'category'
    ),
    sent_back AS (
      SELECT order_id, product_id
      FROM staging.order_lines
      WHERE kind = 'refund' AND product_id IS NOT NULL AND ordered_on <= $snapshot_date
      GROUP BY order_id, product_id
    )
    SELECT wanted.customer_id, wanted.occasion_on, wanted.role
    FROM wanted
    LEFT JOIN sent_back ON sent_back.order_id = wanted.order_id AND sent_back.product_id = wanted.product_id
    WHERE sent_back.order_id IS NULL
    GROUP BY wanted.customer_id, wanted.occasion_on, wanted.role
    ORDER BY wanted.customer_id, wanted.occasion_on, wanted.role
"""


class Role(NamedTuple):
    """What an item is to a rule: its anchor, its end, one of the items of a stage, or what moves there."""

    rule: int
    part: str
    stage: int = -1


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name; the roles are those of the rules."""
    return {"items": with_features(_ITEMS), "purchases": _purchases("('product', 'p1', 0)")}


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """The stage of every customer in every rule, on the day."""
    rules = settings.need_stages
    if not rules:
        return {}
    items = engine.read(queries()["items"], {"snapshot_date": day})
    roles = list(dict.fromkeys(role for number, rule in enumerate(rules) for role, _ in _roles(number, rule)))
    listed = _listed(items, rules, roles)
    if not listed:
        log(f"{day}: no product or category was bought that a rule of need_stages.toml names.")
        return {}
    bought = engine.read(_purchases(", ".join(listed)), {"snapshot_date": day})
    found = [_of_rule(rule, number, bought, roles, day) for number, rule in enumerate(rules)]
    return {"need_stages": pl.concat(found)}


def _purchases(roles: str) -> str:
    return with_features(_PURCHASES.format(roles=roles))


def _roles(number: int, rule: NeedRule) -> Iterator[tuple[Role, tuple[str, ...]]]:
    yield Role(number, "anchor"), rule.anchor
    yield Role(number, "exit"), rule.exit
    for place, stage in enumerate(rule.stages):
        yield Role(number, "item", place), stage.items
        yield Role(number, "move", place), stage.items


def _listed(items: pl.DataFrame, rules: tuple[NeedRule, ...], roles: list[Role]) -> list[str]:
    """SQL rows (level, item, role) of what was bought. An item of several stages moves to the first of them only."""
    names = [(level, name) for level in ("product", "category") for name in _names(items, level)]
    rows = []
    for level, name in names:
        for number, rule in enumerate(rules):
            moved = False
            for role, patterns in _roles(number, rule):
                if not _matches(name, patterns) or (role.part == "move" and moved):
                    continue
                moved = moved or role.part == "move"
                rows.append(f"({text_literal(level)}, {text_literal(name)}, {roles.index(role)})")
    return rows


def _names(items: pl.DataFrame, level: str) -> list[str]:
    column = items["product_id" if level == "product" else "category"]
    return sorted(name for name in column.unique() if name is not None)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]")) for pattern in patterns)


def _of_rule(rule: NeedRule, number: int, bought: pl.DataFrame, roles: list[Role], day: dt.date) -> pl.DataFrame:
    parts = {place: bought.filter(pl.col("role") == role) for role, place in enumerate(roles) if place.rule == number}
    anchors = _anchors(parts[Role(number, "anchor")], rule.reset_days)
    since = {
        role: purchases.join(anchors, on="customer_id").filter(pl.col("occasion_on") > pl.col("anchor_on"))
        for role, purchases in parts.items()
    }
    gone = set(since[Role(number, "exit")]["customer_id"])
    moved: dict[str, int] = {}
    for place in range(len(rule.stages)):
        moved |= dict.fromkeys(since[Role(number, "move", place)]["customer_id"], place)
    observed = [_observed(rule, stage, anchors, since[Role(number, "item", place)], day)
                for place, stage in enumerate(rule.stages)]  # fmt: skip
    rows = []
    for customer, anchor_on in anchors.iter_rows():
        reached = _place(rule, (day - anchor_on).days + rule.anchor_age_days, moved.get(customer, -1))
        if reached is not None and customer not in gone:
            rows.append((customer, rule.rule, anchor_on, *_told(rule, reached, anchor_on), *observed[reached]))
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


_SCHEMA = {
    "customer_id": pl.String, "rule": pl.String, "anchor_on": pl.Date, "stage": pl.String, "stage_from": pl.Date,
    "stage_to": pl.Date, "next_stage": pl.String, "next_from": pl.Date, "items": pl.String,
    "observed_customers": pl.Int64, "observed_share": pl.Float64,
}  # fmt: skip


def _anchors(purchases: pl.DataFrame, reset_days: int) -> pl.DataFrame:
    """customer_id, anchor_on: of each customer the latest purchase that is long enough after the one before it."""
    before = pl.col("occasion_on").shift(1).over("customer_id", order_by="occasion_on")
    begins = before.is_null() | ((pl.col("occasion_on") - before).dt.total_days() > reset_days)
    days = purchases.select("customer_id", "occasion_on").unique().filter(begins)
    return days.group_by("customer_id").agg(anchor_on=pl.col("occasion_on").max()).sort("customer_id")


def _place(rule: NeedRule, age: int, moved: int) -> int | None:
    """The stage by age, or the later one that a purchase has shown; None before the first and after the last."""
    if age >= rule.stages[-1].to_day:
        return None
    by_age = next((place for place, stage in enumerate(rule.stages) if stage.from_day <= age < stage.to_day), -1)
    place = max(by_age, moved)
    return place if place >= 0 else None


def _told(rule: NeedRule, place: int, anchor_on: dt.date) -> tuple[str | dt.date | None, ...]:
    """The columns of a row from `stage` to `items`."""
    stage, *following = rule.stages[place : place + 2]
    next_stage = (following[0].stage, _on(rule, anchor_on, following[0].from_day)) if following else (None, None)
    days = (_on(rule, anchor_on, stage.from_day), _on(rule, anchor_on, stage.to_day))
    return stage.stage, *days, *next_stage, "; ".join(stage.items)


def _on(rule: NeedRule, anchor_on: dt.date, age: int) -> dt.date:
    return anchor_on + dt.timedelta(days=age - rule.anchor_age_days)


def _observed(
    rule: NeedRule, stage: NeedStage, anchors: pl.DataFrame, bought: pl.DataFrame, day: dt.date
) -> tuple[int, float | None]:
    """(customers for whom the stage is over, share of them who bought one of its items in it)."""
    begin, end = stage.from_day - rule.anchor_age_days, stage.to_day - rule.anchor_age_days
    over = anchors.filter((pl.lit(day) - pl.col("anchor_on")).dt.total_days() >= end)
    passed = (pl.col("occasion_on") - pl.col("anchor_on")).dt.total_days()
    inside = bought.filter(passed.is_between(begin, end, closed="left")).select("customer_id").unique()
    share = over.join(inside, on="customer_id").height / over.height if over.height >= FEWEST_OBSERVED else None
    return over.height, share
