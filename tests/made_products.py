"""What a shop of thousands of customers has and a tiny one has not, for pages to show: affinities, tastes, due dates.

What belongs here: rows of the product tables, made up. What does not: expectations, and anything that claims to be a
result.
"""

import datetime as dt
from itertools import product
from typing import Any

import polars as pl
from shop import all_tables

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.tables.rules import polars_type

METHODS = {
    "repeat": ("personal_frequency", "popular_30d", "popular_90d", "last_occasion_again"),
    "cross_sell": ("similar_customers", "popular_30d", "popular_90d"),
    "up_sell": ("upgrades", "popular_30d", "popular_90d"),
}


def fill(engine: DuckDBEngine, day: dt.date, table: str, *rows: dict[str, Any], **common: Any) -> None:
    """Rows of a table for the day, as if computed; what they do not say is null."""
    columns = all_tables()[f"marts.{table}"].column_types()
    told = [dict.fromkeys(columns) | common | row for row in rows]
    frame = pl.DataFrame(told, infer_schema_length=None).drop("snapshot_date")
    engine.write_frame(all_tables()[f"marts.{table}"], day, frame)


def put(engine: DuckDBEngine, day: dt.date, table: str, *rows: dict[str, Any], **common: Any) -> None:
    """The same, whether or not they agree with other tables."""
    kinds = {name: polars_type(kind) for name, kind in all_tables()[f"marts.{table}"].column_types().items()}
    told = [dict.fromkeys(kinds) | {"snapshot_date": day} | common | row for row in rows]
    engine.execute(f"DELETE FROM marts.{table} WHERE snapshot_date = $day", {"day": day})
    engine.insert(f"marts.{table}", pl.DataFrame(told, schema=kinds))


def make_up_products(engine: DuckDBEngine, day: dt.date) -> None:
    """Of a day whose tables are there."""
    _together(engine, day)
    _first_purchases(engine, day)
    _replenishment(engine, day)
    _lists(engine, day)
    _taste(engine, day)
    _next(engine, day)
    need = {"rule": "baby", "anchor_on": day - dt.timedelta(50), "items": "MILK*", "observed_customers": 40,
            "observed_share": 0.25}  # fmt: skip
    stages = [("first", 30, 60, "second", 60), ("second", 60, 90, None, None)]
    rows = [
        {"customer_id": f"c{number}", "stage": stage, "stage_from": need["anchor_on"] + dt.timedelta(start),
         "stage_to": need["anchor_on"] + dt.timedelta(end), "next_stage": after,
         "next_from": None if begins is None else need["anchor_on"] + dt.timedelta(begins)}
        for number, (stage, start, end, after, begins) in enumerate([stages[0], stages[0], stages[1]])
    ]  # fmt: skip
    fill(engine, day, "need_stages", *rows, **need)


def _together(engine: DuckDBEngine, day: dt.date) -> None:
    """Hats and scarves, in 40 baskets where 8 were expected, and the other way round; of 3 pairs one stands out."""
    pair = {"level": "product", "scope": "basket", "rank": 1, "baskets": 40, "customers": 30, "support": 0.04,
            "lift_raw": 9.0, "expected": 8.0, "lift": 2.8, "lift_low": 2.1, "lift_high": 3.6, "q_value": 0.0,
            "is_complementary": True, "first_item": "hat"}  # fmt: skip
    fill(
        engine, day, "product_affinity", {"item": "hat", "other": "scarf", "confidence": 0.5},
        {"item": "scarf", "other": "hat", "confidence": 0.8}, **pair,
    )  # fmt: skip
    nothing = {"scope": "sequence", "status": "insufficient_data", "counted": 0, "items": 0, "tests": 0, "pairs": 0,
               "significant": 0, "complementary": 0,
               **dict.fromkeys(("size_sum", "size_pairs", "size_factor"))}  # fmt: skip
    fit = {"scope": "basket", "status": "ok", "counted": 1000, "left_out": 0, "size_sum": 2000, "size_pairs": 2000,
           "size_factor": 1.5, "size_limit": 100}  # fmt: skip
    fill(
        engine, day, "product_affinity_fit",
        {"level": "product", "items": 3, "tests": 3, "pairs": 3, "significant": 1, "complementary": 1},
        {"level": "category", "items": 0, "tests": 0, "pairs": 0, "significant": 0, "complementary": 0},
        *({"level": level, **nothing} for level in ("product", "category")), **fit,
    )  # fmt: skip


def _first_purchases(engine: DuckDBEngine, day: dt.date) -> None:
    """Who began with a hat comes back more often, and spends less."""
    hat = {"dimension": "product", "item": "hat", "status": "different", "customers": 50, "q_value": 0.01}
    fill(
        engine, day, "first_purchase_value",
        {"outcome": "repeat", "mean": 0.6, "expected": 0.4, "effect": 0.1, "z": 3.5},
        {"outcome": "value", "mean": 20.0, "expected": 30.0, "effect": -5.0, "z": -3.0}, **hat,
    )  # fmt: skip


def _replenishment(engine: DuckDBEngine, day: dt.date) -> None:
    """100 pairs in each class of one cell; the longer ago, the fewer bought. Three customers have hats."""
    cells = [
        {"level": level, "ratio_class": ratio, "count_class": count, "gap_class": gap, "silence_class": silence,
         "pairs": 0 if count + gap + silence else 100, "bought": 0 if count + gap + silence else 40 - 5 * ratio}
        for level in ("product", "category")
        for ratio, count, gap, silence in product(range(8), range(4), range(4), range(4))
    ]  # fmt: skip
    fill(engine, day, "replenishment_cells", *cells, probability=0.2, status="ok")
    due = {"level": "product", "item": "hat", "purchases": 3, "last_on": day - dt.timedelta(20), "mean_gap_days": 20.0,
           "probability_30d": 0.5, "status": "ok"}  # fmt: skip
    days = {"overdue": day - dt.timedelta(1), "due": day + dt.timedelta(8), "not_yet": day + dt.timedelta(50)}
    rows = [{"customer_id": f"c_{status}", "due_status": status, "due_on": on} for status, on in days.items()]
    fill(engine, day, "replenishment_due", *rows, **due)


def _lists(engine: DuckDBEngine, day: dt.date) -> None:
    """Our repeat list is surely better than the best naive one; our new one is as good as it may be by chance."""
    rows = []
    for name, methods in METHODS.items():
        for place, method in enumerate(methods):
            told = {"list": name, "method": method, "is_naive": place > 0, "is_published": place == 0}
            for metric in ("recall_10", "ndcg_10", "hit_rate_10"):
                value = 0.5 - 0.1 * place
                rows.append({**told, "metric": metric, "value": value, "low": value - 0.05, "high": value + 0.05})
        surely = 0.02 if name == "repeat" else -0.02
        difference = {"metric": "recall_10_difference", "value": 0.1, "low": surely, "high": 0.2}
        rows.append({"list": name, "method": methods[0], "is_naive": False, "is_published": True, **difference})
    origin = day - dt.timedelta(30)
    fill(engine, day, "recommendation_validation", *rows, origin=origin, customers=300, status="ok")


def _taste(engine: DuckDBEngine, day: dt.date) -> None:
    """Three groups, of which the second is set apart by hats; four to eight are not stable."""
    fits = [
        {"groups": groups, "stability": 0.8 - 0.1 * (groups - 3), "is_chosen": groups == 3} for groups in range(3, 9)
    ]
    fit = {"status": "ok", "level": "product", "customers": 400, "items": 50, "null_stability": 0.1, "smallest": 90}
    fill(engine, day, "taste_group_fit", *fits, **fit)
    groups = [{"customer_id": f"c{n}", "group_no": 1 + n // 2, "second_group": 1 if n > 1 else 2} for n in range(5)]
    fill(engine, day, "taste_groups", *groups, level="product", share=0.7, second_share=0.2)
    apart = {"group_no": 2, "item": "hat", "rank": 1, "customers": 40, "expected": 15.0, "ratio": 2.0, "low": 1.6}
    fill(engine, day, "taste_group_items", apart, q_value=0.001)


def _next(engine: DuckDBEngine, day: dt.date) -> None:
    """Wear is the likeliest of two customers, Cook of a third."""
    told = {"rank": 1, "probability": 0.5, "occasions_with": 1, "occasions": 2, "last_on": day, "base_rate": 0.3}
    rows = [{"customer_id": f"c{n}", "category": "Cook" if n == 2 else "Wear"} for n in range(3)]
    fill(engine, day, "next_categories", *rows, **told, status="ok")
    weights = (1, 2, 3, 5, 7, 10, 15, 20, 30)
    losses = [
        {"prior_weight": weight, "is_chosen": weight == 5, "log_loss": 9.0 + 0.1 * abs(place - 3)}
        for place, weight in enumerate(weights)
    ]
    fill(
        engine, day, "next_category_fit", *losses, log_loss_naive=10.0, origin=day - dt.timedelta(30), customers=250,
        categories=6, share_without_category=0.1, status="ok",
    )  # fmt: skip
