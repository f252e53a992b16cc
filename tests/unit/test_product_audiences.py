"""Audiences by what customers buy: which values have files, what these are called, and who is in them."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import made_products
import pytest
from shop import Shop, all_tables

from pipeline.activation.outputs import write_audiences
from pipeline.places import audience_folder
from pipeline.sections.activation import Terms
from pipeline.settings import Settings
from pipeline.tables.catalog import ours

DAY = "2026-03-31"
VALUES = "marts.audience_values"
BY_PRODUCTS = ("after_purchase", "attributes", "needs", "offers", "repeat_due", "taste", "win_back")
Files = dict[str, list[dict[str, str]]]


@pytest.fixture
def stall(shop: Shop) -> Shop:
    """Hats: Anna on two days and Bert. Pans: Cleo and Dora. A pot: Dora alone. Files from two customers on."""
    shop.with_settings(audiences={"minimum_size": 2, "most_values": 1})
    shop.orders("anna", "2026-01-05", "2026-02-05", product_id="hat", category="Wear", amount=20)
    shop.orders("bert", "2026-01-06", product_id="hat", product_name="=Hat", category="Wear")
    shop.orders("cleo", "2026-01-07", product_id="pan", category="Cook").orders("dora", "2026-01-08", product_id="pan")
    return shop.orders("dora", "2026-01-09", product_id="pot", category="Cook")


def fill(shop: Shop, table: str, *rows: dict[str, Any], **common: Any) -> None:
    made_products.fill(shop.engine, dt.date.fromisoformat(DAY), table, *rows, **common)


def values_of(shop: Shop) -> Any:
    """The values, of what stands in the tables now."""
    shop.engine.write(all_tables()[VALUES], dt.date.fromisoformat(DAY))
    return shop.show(VALUES, DAY)


def files_of(shop: Shop, folder: Path, day: str = DAY, of: Collection[str] = BY_PRODUCTS) -> Files:
    """Rows of the day's files of some audiences, by catalogue and name; of a home that wants them all as CSV."""

    def file(target: str) -> Path:
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    audiences = [audience.with_terms(Terms(csv=True)) for audience in ours().audiences if audience.name in of]
    write_audiences(shop.engine, audiences, dt.date.fromisoformat(day), file)
    root = folder / audience_folder(dt.date.fromisoformat(day))
    return {
        path.relative_to(root).with_suffix("").as_posix(): list(csv.DictReader(path.open(encoding="utf-8", newline="")))
        for path in sorted(root.rglob("*.csv"))
    }


def customers(rows: list[dict[str, str]]) -> list[str]:
    return [row["customer_id"] for row in rows]


# ── which values have files ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_values_that_are_large_enough_have_files_and_the_chosen_ones(stall: Shop) -> None:
    stall.with_settings(audiences={"minimum_size": 2, "most_values": 1, "products": ["pot", "o'dd", "nobody's"]})
    rows = stall.table(VALUES, DAY).where(dimension="product")
    assert rows.by("attribute", "customers") == {"hat": 2, "pan": 2, "pot": 1}
    assert rows.by("attribute", "place") == {"hat": 1, "pan": 2, "pot": 3}
    assert rows.by("attribute", "is_chosen") == {"hat": False, "pan": False, "pot": True}
    assert rows.by("attribute", "is_published") == {"hat": True, "pan": False, "pot": True}


def test_a_shop_of_20_000_products_makes_no_20_000_files(shop: Shop) -> None:
    product = {"lines": 1, "occasions": 1, "spend": 1, "share_of_occasions": 0.1, "last_on": dt.date(2026, 3, 1)}
    rows = [{"customer_id": "anna", "attribute": f"p{number}"} for number in range(20_000)]
    others = [{"customer_id": name, "attribute": f"p{number}"} for name in ("b", "c") for number in range(150)]
    fill(shop, "attribute_segments", *rows, *others, dimension="product", is_main=False, **product)
    shop.with_settings(audiences={"minimum_size": 3})
    found = values_of(shop)
    assert len(found) == 20_000 and len(found.where(is_published=True)) == 20, "of 150 that are large enough"


def test_files_have_names_of_their_own_in_every_alphabet(shop: Shop) -> None:
    long = "Home > Kitchen > " + "Teapots of iron " * 5
    for place, category in enumerate(("Tea & Co", "tea_co", "Чай", "Tea-Pots", long)):
        shop.orders(f"c{place}", "2026-03-01", category=category)
    names = shop.table(VALUES, DAY).where(dimension="category").by("attribute", "file_name")

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8]

    assert names == {
        "Tea & Co": f"tea_co_{md5('Tea & Co')}", "tea_co": f"tea_co_{md5('tea_co')}", "Чай": f"value_{md5('Чай')}",
        "Tea-Pots": "tea_pots", long: f"home_kitchen_teapots_of_iron_teapots_of_iron_teapo_{md5(long)}",
    }  # fmt: skip


def test_ids_that_cannot_be_told_apart_in_the_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a product is chosen by its id"):
        Settings(home=tmp_path, audiences={"products": ["a|b"]})
    settings = Settings(home=tmp_path, audiences={"products": ["a", "b'c"]})
    assert settings.in_sql()["audience_products"] == ("VARCHAR", "|a|b'c|")
    assert Settings(home=tmp_path).analytic().keys().isdisjoint({"audiences"}), "as before where it is not set"
    assert settings.fingerprint() != Settings(home=tmp_path).fingerprint()


# ── who is in them ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_customers_stand_in_the_files_of_what_they_bought(stall: Shop, tmp_path: Path) -> None:
    stall.table(VALUES, DAY), stall.table("marts.product_names", DAY)
    files = files_of(stall, tmp_path)
    # Cook has Cleo and Dora (the pot), Wear has Anna and Bert; equals by name.
    assert {name: customers(rows) for name, rows in files.items()} == {
        "product/hat": ["anna", "bert"], "category/cook": ["cleo", "dora"],
    }  # fmt: skip
    anna, bert = files["product/hat"]
    assert (anna["occasions"], anna["spend"], anna["share_of_occasions"], anna["last_on"]) == (
        "2", "40.00", "1.0", "2026-02-05",
    )  # fmt: skip
    assert anna["label"] == bert["label"] == "'=Hat", "safe from formulas"


def test_a_price_band_is_of_those_whose_main_one_it_is(shop: Shop, tmp_path: Path) -> None:
    shop.with_settings(audiences={"minimum_size": 1})
    band = {"dimension": "price_band", "lines": 5, "occasions": 3, "spend": 9, "share_of_occasions": 0.5,
            "last_on": dt.date(2026, 3, 1)}  # fmt: skip
    fill(
        shop, "attribute_segments", {"customer_id": "anna", "attribute": "1", "is_main": True},
        {"customer_id": "anna", "attribute": "3", "is_main": False},
        {"customer_id": "bert", "attribute": "3", "is_main": False}, **band,
    )  # fmt: skip
    values_of(shop)
    found = files_of(shop, tmp_path)
    assert {name: customers(rows) for name, rows in found.items()} == {"price_band/band_1": ["anna"]}
    assert [row["label"] for row in found["price_band/band_1"]] == [
        "cheapest third of each category, 1.80 a line on average"
    ]


def test_taste_groups_and_stages_of_needs_have_files(shop: Shop, tmp_path: Path) -> None:
    # Groups from two customers on; a stage from one on. Cleo was moved to her stage early, by a purchase.
    shop.with_settings(audiences={"minimum_size": 2})
    group = {"level": "product", "share": 0.7, "second_share": 0.2}
    fill(
        shop, "taste_groups", {"customer_id": "anna", "group_no": 1, "second_group": 2},
        {"customer_id": "bert", "group_no": 1, "second_group": 2},
        {"customer_id": "cleo", "group_no": 2, "second_group": 1}, **group,
    )  # fmt: skip
    stage = {"rule": "baby", "anchor_on": dt.date(2026, 1, 1), "stage": "first milk", "items": "MILK 1*",
             "observed_customers": 0, "stage_to": dt.date(2026, 6, 1)}  # fmt: skip
    fill(
        shop, "need_stages", {"customer_id": "anna", "stage_from": dt.date(2026, 3, 28)},
        {"customer_id": "cleo", "stage_from": dt.date(2026, 4, 5)}, **stage,
    )  # fmt: skip
    values_of(shop)
    files = files_of(shop, tmp_path)
    assert {name: customers(rows) for name, rows in files.items()} == {
        "taste/group_1": ["anna", "bert"], "need/baby_first_milk": ["anna", "cleo"],
    }  # fmt: skip
    assert [row["days_in_stage"] for row in files["need/baby_first_milk"]] == ["3", ""]


def test_a_product_is_offered_to_those_in_whose_lists_of_new_ones_it_stands(shop: Shop, tmp_path: Path) -> None:
    shop.with_settings(audiences={"minimum_size": 2, "products": ["rare"]})
    new = {"list": "cross_sell", "reason": "popular", "score": 1, "is_new": True, "method": "x", "status": "ok"}
    old = {"list": "repeat", "reason": "bought_before", "is_new": False}
    dearer = {"list": "up_sell", "reason": "upgrade"}
    fill(
        shop, "recommendations", {"customer_id": "anna", "slot": 1, "product_id": "hat", "because_of": "scarf"},
        {"customer_id": "bert", "slot": 2, "product_id": "hat"},
        {"customer_id": "bert", "slot": 1, "product_id": "rare"},
        {"customer_id": "bert", "slot": 3, "product_id": "other"},
        {"customer_id": "cleo", "slot": 1, "product_id": "hat", **old},
        *({"customer_id": name, "slot": 1, "product_id": "silk hat", "because_of": "hat", **dearer} for name in "ab"),
        **new,
    )  # fmt: skip
    values_of(shop)
    files = files_of(shop, tmp_path)
    assert {name: customers(rows) for name, rows in files.items()} == {
        "cross_sell/hat": ["anna", "bert"], "cross_sell/rare": ["bert"], "up_sell/silk_hat": ["a", "b"],
    }  # fmt: skip
    assert (files["cross_sell/hat"][0]["because_of"], files["cross_sell/hat"][1]["because_of"]) == ("scarf", "")


def test_who_will_buy_again_is_chosen_by_the_chance_and_not_by_the_date(shop: Shop, tmp_path: Path) -> None:
    # At 0.2: Anna's three of four, the likeliest first, though the fourth is due; Bert is below, Cleo's is unknown.
    shop.with_settings(audiences={"due_probability": 0.2})
    pair = {"level": "product", "purchases": 2, "last_on": dt.date(2026, 2, 1), "mean_gap_days": 9.0, "status": "ok",
            "due_status": "overdue", "due_on": dt.date(2026, 2, 10)}  # fmt: skip
    chances = {"a": 0.2, "b": 0.6, "c": 0.3, "d": 0.25, "e": 0.1}
    fill(
        shop, "replenishment_due",
        *({"customer_id": "anna", "item": item, "probability_30d": p} for item, p in chances.items()),
        {"customer_id": "bert", "item": "a", "probability_30d": 0.19},
        {"customer_id": "cleo", "item": "a", "status": "insufficient_data"}, **pair,
    )  # fmt: skip
    values_of(shop)
    ((name, (anna,)),) = files_of(shop, tmp_path).items()
    assert (name, anna["customer_id"], anna["items"]) == ("repeat_due/product", "anna", "4")
    assert [(anna[f"item_{n}"], anna[f"probability_{n}"]) for n in (1, 2, 3)] == [
        ("b", "0.6"),
        ("c", "0.3"),
        ("d", "0.25"),
    ]


def test_those_who_are_going_or_gone_have_the_items_to_win_them_back_with(shop: Shop, tmp_path: Path) -> None:
    shop.orders("anna", "2025-12-01", amount=30).orders("bert", "2025-06-01").orders("cleo", "2025-06-01")
    shop.with_settings(lifecycle={"defecting_days": 60, "inactive_days": 200})
    shop.table("marts.lifecycle_stages", DAY), shop.table("marts.customer_summary", DAY)
    row = {"list": "win_back", "reason": "bought_before", "score": 1, "method": "x", "status": "ok", "is_new": False}
    fill(
        shop, "recommendations", *({"customer_id": "anna", "slot": n, "product_id": f"p{n}"} for n in range(1, 8)),
        {"customer_id": "bert", "slot": 1, "product_id": "p9", "is_new": True, "reason": "popular"}, **row,
    )  # fmt: skip
    values_of(shop)
    files = files_of(shop, tmp_path)
    assert {name: customers(rows) for name, rows in files.items()} == {
        "win_back/defecting": ["anna"], "win_back/inactive": ["bert"],
    }, "nothing is known to win Cleo back with"  # fmt: skip
    (anna,), (bert,) = files.values()
    assert [anna[f"product_{n}"] for n in range(1, 6)] == ["p1", "p2", "p3", "p4", "p5"]
    assert (bert["product_1"], bert["is_new_1"], bert["product_2"], anna["revenue"]) == ("p9", "true", "", "30.00")


def test_a_shop_without_products_has_none_of_them(shop: Shop, tmp_path: Path) -> None:
    for orders in ((), ("2026-03-01",)):
        assert len(shop.orders("anna", *orders).table(VALUES, DAY)) == 0
        assert files_of(shop, tmp_path) == {}
