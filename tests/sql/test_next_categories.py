"""marts.next_categories and the fit behind it, by hand."""

import datetime as dt
from math import log

import polars as pl
import pytest
from shop import all_tables, days_before

from pipeline.steps.products import next_categories as step

DAY = "2026-12-31"
FIT, NEXT = "marts.next_category_fit", "marts.next_categories"
CATEGORIES = ("bread", "milk", "tea", "cups", "jam")


@pytest.fixture
def regulars(shop):
    """Two hundred customers, who bought one of five categories on each of three days, 90, 60 and 10 days ago."""
    for number in range(200):
        for place, ago in enumerate((90, 60, 10)):
            category = CATEGORIES[(number // (1 + place)) % 5]
            shop.orders(f"c{number:03d}", days_before(ago), category=category, product_id=category)
    return shop


# ── the fit ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_fit_on_the_customers_who_bought_since(regulars):
    fit = regulars.table(FIT)
    assert len(fit) == 9
    assert set(fit.rows("origin", "customers", "categories", "share_without_category")) == {("2026-12-01", 200, 5, 0)}
    losses = fit.by("prior_weight", "log_loss")
    assert fit.where(is_chosen=True).one("prior_weight") == min(losses, key=lambda weight: (losses[weight], -weight))


def test_the_log_loss_by_hand(shop):
    # Known on 1 December: anna 0 days ago bread and milk, 90 days ago bread: W = 1.5, w = 1.5 and 1; bert tea 90 days
    # ago: W = .5. In the 90 days up to 1 December one occasion: q = 1, 1, 0. Then anna buys bread and bert bread.
    shop.orders("anna", days_before(30), category="bread")
    shop.line("anna-1", on=days_before(30), customer="anna", category="milk")
    shop.orders("anna", days_before(120), category="bread").orders("bert", days_before(120), category="tea")
    shop.orders("anna", days_before(20), days_before(5), category="bread")
    shop.orders("bert", days_before(1), category="bread")
    shop.orders("bert", days_before(0), category="milk")  # the second occasion is no matter
    shop.table("staging.orders")
    losses = step.losses_at(shop.engine, dt.date(2026, 12, 31), dt.date(2026, 12, 1))
    # m = 1. anna: bread (1.5 + 1) / 2.5 = 1 → .9999, milk (1 + 1) / 2.5 = .8, tea 0 → .0001. bert: bread 1 / 1.5,
    # milk 1 / 1.5, tea .5 / 1.5.
    anna = -log(0.9999) - log(0.2) - log(0.9999)
    bert = -log(2 / 3) - log(1 / 3) - log(2 / 3)
    assert losses.by_weight[1] == pytest.approx((anna + bert) / 2, abs=1e-5)
    # The rate alone: bread .9999 comes for both, milk .9999 comes for nobody, tea .0001 neither.
    assert losses.naive == pytest.approx(-log(0.9999) - log(0.0001) - log(0.9999), abs=1e-5)


def test_a_category_that_nobody_knew_is_left_out(shop):
    shop.orders("anna", days_before(40), category="bread").orders("anna", days_before(3), category="kites")
    shop.table("staging.orders")
    losses = step.losses_at(shop.engine, dt.date(2026, 12, 31), dt.date(2026, 12, 1))
    assert losses.naive == pytest.approx(-log(0.0001))  # bread alone, which was certain and did not come


def test_the_origin_goes_back_until_enough_have_bought_since(shop):
    # Everybody bought last 40 days ago: in the last 60 days, not in the last 30.
    for number in range(200):
        shop.orders(f"c{number:03d}", days_before(90), days_before(40), category=CATEGORIES[number % 5])
    assert set(shop.table(FIT).rows("origin", "customers")) == {("2026-11-01", 200)}


@pytest.mark.parametrize(
    ("customers", "categories", "without"), [(199, 5, 0), (200, 4, 0), (200, 5, 1)], ids=["few", "alike", "unknown"]
)
def test_too_little_to_try_weights_on(shop, customers, categories, without):
    for number in range(customers):
        shop.orders(f"c{number:03d}", days_before(90), days_before(5), category=CATEGORIES[number % categories])
        if without:  # one line in three has no category
            shop.line(f"c{number:03d}-1", on=days_before(90), customer=f"c{number:03d}")
    rows = shop.table(FIT)
    assert set(rows.rows("status", "is_chosen", "log_loss")) == {("insufficient_data", False, None)}
    assert len(shop.table(NEXT)) == 0


def test_a_shop_without_categories(shop):
    rows = shop.orders("anna", days_before(3)).table(FIT)
    assert set(rows.rows("customers", "categories", "share_without_category")) == {(0, 0, 1)}


def test_a_shop_without_orders(shop):
    assert set(shop.table(FIT).rows("status", "share_without_category")) == {("insufficient_data", None)}


# ── the categories ────────────────────────────────────────────────────────────────────────────────────────────────────


def next_categories(shop, status="ok", weight=3):
    """The table, where the fit has chosen this weight."""
    shop.table("staging.orders")
    day = dt.date.fromisoformat(DAY)
    rows = [
        {
            "prior_weight": one, "is_chosen": one == weight, "log_loss": 1.0, "log_loss_naive": 1.0, "origin": day,
            "customers": 200, "categories": 5, "share_without_category": 0.0, "status": status,
        }
        for one in step.WEIGHTS
    ]  # fmt: skip
    shop.engine.write_frame(all_tables()[FIT], day, pl.DataFrame(rows))
    shop.engine.write(all_tables()[NEXT], day)
    return shop.show(NEXT, DAY)


@pytest.fixture
def two(shop):
    # Occasions: anna 0 and 90 days ago, bert 10 days ago. In the last 90 days two occasions: bread 2, milk 1, tea 1.
    shop.orders("anna", days_before(90), category="jam").orders("anna", days_before(0), category="bread")
    shop.line("anna-2", on=days_before(0), customer="anna", category="milk")
    shop.orders("bert", days_before(10), category="bread").line(
        "bert-1", on=days_before(10), customer="bert", category="tea"
    )
    return shop


def test_probabilities_by_hand(two):
    rows = next_categories(two).where(customer_id="anna")
    # W = 1.5, m = 3: bread (1 + 3 · 1) / 4.5, milk (1 + 3 · .5) / 4.5, tea (0 + 3 · .5) / 4.5; jam .5 / 4.5 is fourth.
    assert rows.rows("rank", "category", "occasions_with", "occasions", "last_on", "base_rate") == [
        (1, "bread", 1, 2, DAY, 1.0), (2, "milk", 1, 2, DAY, 0.5), (3, "tea", 0, 2, None, 0.5),
    ]  # fmt: skip
    assert rows.by("rank", "probability") == pytest.approx({1: 4 / 4.5, 2: 2.5 / 4.5, 3: 1.5 / 4.5})


def test_a_category_counts_once_an_occasion(two):
    two.line("bert-1", on=days_before(10), customer="bert", category="tea").orders(
        "bert", days_before(10), category="tea"
    )
    tea = next_categories(two).where(customer_id="bert", category="tea")
    assert tea.rows("occasions_with", "occasions") == [(1, 1)]


def test_equal_chances_go_to_the_commoner_then_by_name(two):
    # Cleo's only occasion names no category: nothing is said of her. Milk and tea are equal for a stranger to both.
    two.orders("cleo", days_before(5)).orders("dora", days_before(200), category="jam")
    rows = next_categories(two)
    assert rows.where(customer_id="dora", rank=1).one("category") == "bread"
    assert rows.where(customer_id="dora", rank=2).one("category") in {"milk", "jam"}
    assert len(rows.where(customer_id="cleo")) == 0


def test_the_rate_of_the_shop_where_it_is_no_worse(two):
    rows = next_categories(two, status="not_better_than_naive")
    for customer in ("anna", "bert"):
        own = rows.where(customer_id=customer)
        assert own.rows("rank", "category", "probability") == [(1, "bread", 1.0), (2, "milk", 0.5), (3, "tea", 0.5)]
        assert set(own.rows("status")) == {("not_better_than_naive",)}


def test_a_shop_that_sold_nothing_lately(shop):
    shop.orders("anna", days_before(200), category="jam")
    assert len(next_categories(shop)) == 0


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ("probability = 0.99 WHERE rank = 2", "ranks_follow_the_probabilities"),
        ("last_on = NULL WHERE rank = 1", "only_what_was_bought_has_a_last_day"),
    ],
)
def test_what_its_header_refuses(two, change, refused):
    next_categories(two)
    two.engine.execute(f"UPDATE {NEXT} SET {change}")
    assert two.failing_checks(NEXT, DAY) == {refused}


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ("is_chosen = true", {"one_weight_is_chosen_or_none"}),
        ("log_loss = 0.5 WHERE prior_weight = 30", {"no_other_weight_is_better"}),
    ],
)
def test_what_the_header_of_the_fit_refuses(two, change, refused):
    next_categories(two)
    two.engine.execute(f"UPDATE {FIT} SET {change}")
    assert two.failing_checks(FIT, DAY) == refused
