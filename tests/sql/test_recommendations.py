"""marts.recommendations and recommendation_validation: what customers are shown, held against the past."""

import datetime as dt
import hashlib

import numpy as np
import polars as pl
import pytest
from shop import Rows, all_tables, days_before

from pipeline.steps.products import recommendations as step
from pipeline.tables.catalog import features, with_features

DAY = "2026-12-31"
LISTS, VALIDATION, STAGES = "marts.recommendations", "marts.recommendation_validation", "marts.lifecycle_stages"


def ask(shop, name, day=DAY, methods=step.ALL_METHODS):
    """A feature as of a day, with all methods by which products are listed, or some."""
    shop.table("staging.orders")
    columns = ", ".join(features()[f"features.{name}"].header.columns)
    asked = with_features(f"SELECT {columns} FROM features.{name}", {"features.listed_methods": methods})
    return Rows(shop.engine.read(asked, {"snapshot_date": dt.date.fromisoformat(day)}))


# ── what is counted ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_customer_has_bought(shop):
    shop.orders("anna", days_before(90), days_before(0), product_id="tea").orders(
        "anna", days_before(0), product_id="tea"
    )
    row = ask(shop, "customer_products")
    assert row.rows("customer_id", "product_id", "occasions", "first_on", "last_on") == [
        ("anna", "tea", 2, days_before(90), DAY)
    ]
    assert row.one("weight") == pytest.approx(1.5)


def test_what_is_bought_more_than_it_was(shop):
    # Of 3 occasions in 30 days tea is on 2, of 5 in 365 days on 2; cups on 1 and 3.
    shop.orders("anna", days_before(29), days_before(3), product_id="tea").orders(
        "bert", days_before(5), product_id="cup"
    )
    shop.orders("bert", days_before(30), days_before(364), days_before(365), product_id="cup")
    rows = ask(shop, "product_trends")
    assert rows.rows("product_id", "occasions_30", "occasions_90", "occasions_365", "last_on") == [
        ("cup", 1, 2, 3, days_before(5)), ("tea", 2, 2, 2, days_before(3)),
    ]  # fmt: skip
    assert rows.by("product_id", "trend") == pytest.approx({"tea": (3 / 3) / (12 / 5), "cup": (2 / 3) / (13 / 5)})


def test_what_trends_in_online_retail(online_retail):
    sql = features()["features.product_trends"].select
    rows = online_retail.select(f"SELECT product_id, occasions_30, occasions_365, trend FROM ({sql}) AS trends")
    rising = rows.frame.filter(pl.col("occasions_30") >= 20).sort("trend", descending=True).head(3)
    assert rising["product_id"].to_list() == ["23552", "23498", "23681"]
    assert rising.row(0)[1:3] == (103, 103)
    assert rising["trend"].to_list() == pytest.approx([6.1050, 6.0114, 5.7005], abs=1e-4)
    # (104 / 113) · n365 / n30 of the first: 2,416 occasions of 30 days, 16,026 of 365.
    assert rising["trend"][0] == pytest.approx(104 / 2_416 / (113 / 16_026), abs=1e-4)


@pytest.fixture
def households(shop):
    """Bread is bought by six, butter by five of them, jam by three of those with both and two others; oil by four."""
    for customer in ("a", "b", "c", "d", "e", "f"):
        shop.orders(customer, days_before(100), product_id="bread")
    for customer in ("a", "b", "c", "d", "e"):
        shop.orders(customer, days_before(50), product_id="butter")
    for customer in ("a", "b", "c", "x", "y"):
        shop.orders(customer, days_before(20), product_id="jam")
    for customer in ("a", "b", "c", "d"):
        shop.orders(customer, days_before(20), product_id="oil")
    return shop


def test_products_of_the_same_customers(households):
    # Oil has four buyers: too few. Bread and butter 5 / √30, bread and jam 3 / √30, butter and jam 3 / 5.
    rows = ask(households, "product_neighbours")
    cosines = {(one, other): cosine for one, other, cosine in rows.rows("product_id", "other_id", "cosine")}
    expected = {("bread", "butter"): 5 / 30**0.5, ("bread", "jam"): 3 / 30**0.5, ("butter", "jam"): 3 / 5}
    assert cosines == pytest.approx(expected | {(other, one): value for (one, other), value in expected.items()})
    assert rows.where(product_id="jam").rows("place", "other_id", "customers") == [(1, "butter", 3), (2, "bread", 3)]


def test_two_customers_in_common_are_no_neighbourhood(households):
    for customer in ("a", "b", "x", "y", "z"):
        households.orders(customer, days_before(9), product_id="salt")
    rows = ask(households, "product_neighbours")
    assert rows.where(product_id="salt").rows("other_id", "customers") == [("jam", 4)]


def test_a_customer_with_half_of_all_lines_is_one_customer(households):
    """Bread and oil on as many days as all others together: no more alike than one more customer makes them."""
    days = [days_before(number) for number in range(20, 40)]
    households.orders("caterer", *days, product_id="bread").orders("caterer", *days, product_id="oil")
    rows = ask(households, "product_neighbours")
    assert rows.where(product_id="oil").by("other_id", "customers") == {"bread": 5, "butter": 4, "jam": 3}
    assert rows.where(product_id="oil", other_id="bread").one("cosine") == pytest.approx(5 / (5 * 7) ** 0.5)


def test_of_too_many_customers_a_part_is_compared(households):
    """Of products that five have bought, sixty have two each, three have three and two have two: 142 pairs."""
    asked = with_features(
        "SELECT product_id, other_id, customers FROM features.product_neighbours ORDER BY ALL",
        {"features.listed_methods": step.ALL_METHODS},
    )
    for number in range(60):
        households.orders(f"buyer {number}", days_before(30), product_id="bread")
        households.orders(f"buyer {number}", days_before(20), product_id="jam")
    households.table("staging.orders")
    everybody = [f"buyer {number}" for number in range(60)] + ["a", "b", "c"]
    for most, drawn_to in ((142, "g"), (141, "8"), (71, "8"), (70, "4")):
        limited = str(asked).replace("40000000", str(most))
        rows = households.engine.read(limited, {"snapshot_date": dt.date.fromisoformat(DAY)})
        drawn = [customer for customer in everybody if hashlib.md5(customer.encode()).hexdigest() < drawn_to]
        assert ("bread", "jam", len(drawn)) in rows.rows()


def test_what_may_be_bought_again(shop):
    # Anna: tea twice, cups once on her last occasion, milk 6 days ago, a kite that nobody has bought for 60 days.
    shop.orders("anna", days_before(80), days_before(70), product_id="tea").orders(
        "anna", days_before(80), product_id="cup"
    )
    shop.orders("anna", days_before(300), product_id="kite").orders("anna", days_before(6), product_id="milk")
    shop.orders("bert", days_before(59), product_id="tea").orders("bert", days_before(7), product_id="cup")
    shop.orders("cleo", days_before(730), product_id="tea").orders("dora", days_before(729), product_id="tea")
    rows = ask(shop, "repeat_candidates")
    own = rows.where(method="personal_frequency")
    assert own.rows("customer_id", "product_id", "score", "popularity") == [
        ("anna", "cup", 1, 2), ("anna", "tea", 2, 3), ("bert", "cup", 1, 2), ("bert", "tea", 1, 3),
        ("dora", "tea", 1, 3),
    ]  # fmt: skip
    # Tea is product number 1, of 3 occasions, and cups are number 2.
    assert own.where(product_id="cup").rows("customer_id", "weight") == [
        ("anna", 16777216 - 2), ("bert", 16777216 - 2),
    ]  # fmt: skip
    assert own.where(customer_id="anna", product_id="tea").one("weight") == 2 * 16777216 - 1
    anna = rows.where(customer_id="anna")
    assert anna.where(method="popular_30d").rows("product_id", "score") == [("cup", 1)]
    assert anna.where(method="popular_90d").rows("product_id", "score") == [("cup", 2), ("tea", 3)]
    assert anna.where(method="last_occasion_again").rows("product_id") == []  # that was the milk
    assert rows.where(customer_id="bert", method="last_occasion_again").rows("product_id") == [("cup",)]


def test_what_may_be_bought_for_the_first_time(households):
    # f has bread only, 100 days ago: w = .5^(100/90). Occasions of 30 days: a, b, c, d with jam and oil (one day
    # each), x, y: 6; of 365 days: 6 with bread, 5 with butter and these: 17. Trend of jam (6 / 6) / (15 / 17), of
    # butter (1 / 6) / (15 / 17). Score of jam w · 3 / √30 · √trend, of butter w · 5 / √30 · √trend.
    rows = ask(households, "new_candidates").where(method="similar_customers", customer_id="f")
    assert rows.rows("product_id", "reason", "because_of") == [
        ("butter", "similar_customers", "bread"), ("jam", "similar_customers", "bread"),
    ]  # fmt: skip
    weight, scale = 0.5 ** (100 / 90), (17 / 15) ** 0.5 / 30**0.5
    assert rows.by("product_id", "score") == pytest.approx(
        {"jam": weight * 3 * scale, "butter": weight * 5 * scale / 6**0.5}
    )


def test_the_product_that_speaks_most_for_it(households):
    # Both speak for jam: bread with 3 / √30 after 100 days, butter with 3 / 5 after 50.
    jam = ask(households, "new_candidates").where(method="similar_customers", customer_id="e", product_id="jam")
    assert jam.one("because_of") == "butter"


def test_who_has_nothing_in_common_sees_what_is_trending(households):
    for number in range(20):
        households.orders(f"n{number:02d}", days_before(10), product_id="kite")
    households.orders("stranger", days_before(90), product_id="odd")
    rows = ask(households, "new_candidates").where(method="similar_customers", customer_id="stranger")
    assert rows.rows("product_id", "reason", "because_of") == [("kite", "trending", None)]


def test_popular_products_leave_out_what_the_customer_has(households):
    rows = ask(households, "new_candidates").where(method="popular_30d", customer_id="x")
    assert rows.rows("product_id", "score") == [("oil", 4)]
    assert ask(households, "new_candidates").where(method="popular_90d", customer_id="d").rows(
        "product_id", "score"
    ) == [("jam", 5)]


def test_new_products_are_for_customers_of_a_year(households):
    households.orders("late", days_before(364), product_id="bread").orders("gone", days_before(365), product_id="bread")
    rows = ask(households, "new_candidates")
    assert len(rows.where(customer_id="late")) and not len(rows.where(customer_id="gone"))


def test_candidates_are_looked_for_by_the_methods_that_are_listed_alone(households):
    popular = "SELECT 'cross_sell' AS list, 'popular_30d' AS method, 'ok' AS status"
    by_all = ask(households, "new_candidates")
    assert len(by_all.where(method="similar_customers")) and len(by_all.where(method="popular_90d"))
    assert ask(households, "new_candidates", methods=popular).rows() == by_all.where(method="popular_30d").rows()
    assert not len(ask(households, "product_neighbours", methods=popular))  # nobody is compared in vain
    assert not len(ask(households, "repeat_candidates", methods=popular))


# ── how they would have done ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_list_is_held_against_the_first_occasion_after_it(shop):
    # As of 1 December anna has tea (2 occasions) and cups (1). She then buys cups and a kite, and later tea. Whether a
    # kite was in stock then is not known, so that it is not today does not matter.
    shop.product("kite", in_stock=False)
    shop.orders("anna", days_before(80), days_before(70), product_id="tea").orders(
        "anna", days_before(70), product_id="cup"
    )
    shop.orders("bert", days_before(45), product_id="kite")
    shop.orders("anna", days_before(20), product_id="cup").line(
        "anna-4", on=days_before(20), customer="anna", product_id="kite"
    )
    shop.orders("anna", days_before(10), product_id="tea")
    shop.table("staging.orders")
    judged = Rows(step.judged_at(shop.engine, dt.date(2026, 12, 31), dt.date(2026, 12, 1), 1))
    repeat = judged.where(list="repeat", method="personal_frequency")
    assert repeat.rows("customers", "recall_10", "hit_rate_10") == [(1, 1, 1)]
    assert repeat.one("ndcg_10") == pytest.approx(np.log(2) / np.log(3))  # second place; ideal would be the first
    new = judged.where(list="cross_sell", method="popular_90d")
    assert new.rows("customers", "recall_10", "ndcg_10", "hit_rate_10") == [(1, 1, 1, 1)]
    assert judged.where(list="cross_sell", method="similar_customers").one("recall_10") == 0


def test_a_part_of_the_customers_is_drawn(shop):
    for number in range(300):
        shop.orders(f"c{number:03d}", days_before(80), days_before(10), product_id="tea")
    shop.table("staging.orders")
    days = dt.date(2026, 12, 31), dt.date(2026, 12, 1)
    of_all = step.judged_at(shop.engine, *days, 300)
    of_some = step.judged_at(shop.engine, *days, 300, sample=30)
    customers = [
        frame.filter(pl.col("method") == "personal_frequency")["customers"].sum() for frame in (of_all, of_some)
    ]
    assert customers[0] == 300
    assert 10 <= customers[1] <= 60


def frame(recalls):
    """Sums of 256 groups of 10 customers, the recall of each method in each group given."""
    rows = [
        {"method": method, "bucket": f"{bucket:02x}", "customers": 10, "recall_10": 10 * recall(bucket), "ndcg_10": 1.0,
         "hit_rate_10": 5.0}
        for method, recall in recalls.items() for bucket in range(256)
    ]  # fmt: skip
    return pl.DataFrame(rows)


@pytest.mark.parametrize(
    ("ours", "published"),
    [
        (lambda bucket: 0.5, "similar_customers"),
        (lambda bucket: 0.3, "popular_30d"),
        (lambda bucket: bucket % 2 * 0.79, "similar_customers"),  # worse, but by less than chance allows
    ],
)
def test_a_list_that_is_surely_worse_gives_way(ours, published):
    recalls = {"similar_customers": ours, "popular_90d": lambda _: 0.2, "popular_30d": lambda _: 0.4}
    values, chosen = step.judge(step.LISTS["cross_sell"], frame(recalls))
    assert chosen == published
    value, low, high = values["similar_customers", "recall_10_difference"]
    assert value == pytest.approx(np.mean([ours(bucket) for bucket in range(256)]) - 0.4)
    assert low <= value <= high
    assert values["popular_90d", "recall_10"] == pytest.approx((0.2, 0.2, 0.2))


def test_too_few_customers_to_judge_by(households):
    rows = households.table(VALIDATION)
    assert set(rows.rows("status", "value")) == {("insufficient_data", None)}
    published = rows.where(is_published=True, metric="recall_10")
    assert published.by("list", "method") == {
        "cross_sell": "popular_30d", "repeat": "personal_frequency", "up_sell": "popular_30d",
    }  # fmt: skip
    assert len(rows) == 4 * 3 + 2 * 3 * 3 + 3


# ── what is shown ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def defecting(households):
    """Nobody is judged, so new products are the popular ones; whoever has been silent for 40 days is defecting."""
    return households.with_settings(lifecycle={"defecting_days": 40, "inactive_days": 200})


def test_lists_of_a_customer(defecting):
    # e has bread and butter, and was here 50 days ago; the last bread was sold 100 days ago.
    rows = defecting.table(LISTS).where(customer_id="e")
    columns = ("slot", "product_id", "reason", "score", "is_new", "method", "status")
    assert rows.where(list="repeat").rows(*columns) == [
        (1, "butter", "bought_before", 1, False, "personal_frequency", "insufficient_data")
    ]
    assert rows.where(list="cross_sell").rows(*columns) == [
        (1, "jam", "popular", 5, True, "popular_30d", "insufficient_data"),
        (2, "oil", "popular", 4, True, "popular_30d", "insufficient_data"),
    ]
    assert rows.where(list="win_back").rows("slot", "product_id") == [(1, "butter"), (2, "jam"), (3, "oil")]


def test_who_is_active_is_not_to_be_won_back(defecting):
    rows = defecting.table(LISTS)
    assert {row[0] for row in rows.where(list="win_back").rows("customer_id")} == {"e", "f"}


def test_ten_in_a_list_seven_and_three_to_win_back(defecting):
    for number in range(12):
        times = [days_before(50 + day) for day in range(1 + number // 4)]
        defecting.orders("e", *times, product_id=f"own{number:02d}")
        defecting.orders("x", days_before(20), product_id=f"new{number:02d}")
        defecting.orders("y", days_before(20), product_id=f"own{number:02d}")
    rows = defecting.table(LISTS).where(customer_id="e")
    assert [len(rows.where(list=name)) for name in ("repeat", "cross_sell", "win_back")] == [10, 10, 10]
    assert rows.where(list="repeat", slot=1).rows("product_id", "score") == [("own08", 3)]
    new = rows.where(list="win_back", is_new=True)
    assert new.by("slot", "product_id") == {8: "jam", 9: "oil", 10: "new00"}


def test_what_was_bought_just_now_is_left_out(shop):
    """Tea is bought again by a quarter within 40 days: not named before 20, cups not before 7."""
    for number in range(30):
        shop.orders(f"c{number:02d}", days_before(100), days_before(60), product_id="tea")
    shop.orders("anna", days_before(19), product_id="tea").orders("bert", days_before(20), product_id="tea")
    shop.orders("anna", days_before(7), product_id="cup").orders("bert", days_before(6), product_id="cup")
    rows = shop.table(LISTS).where(list="repeat")
    assert [rows.where(customer_id=name).rows("product_id") for name in ("anna", "bert")] == [[("cup",)], [("tea",)]]


def test_a_shop_that_names_no_products(shop):
    assert len(shop.orders("anna", days_before(20)).table(LISTS)) == 0
    assert set(shop.show(VALIDATION, DAY).rows("status", "customers")) == {("insufficient_data", 0)}


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ("slot = 9 WHERE list = 'win_back' AND slot = 1", "slots_are_without_gaps"),
        ("product_id = 'oil' WHERE list = 'cross_sell' AND slot = 1", "products_stand_once"),
        ("is_new = true WHERE list = 'repeat'", "lists_are_not_mixed"),
    ],
)
def test_what_the_header_refuses(defecting, change, refused):
    defecting.table(LISTS)
    defecting.engine.execute(f"UPDATE {LISTS} SET {change}")
    assert defecting.failing_checks(LISTS, DAY) == {refused}


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ("is_published = true", "one_method_of_a_list_is_published"),
        ("value = 0.5", "only_what_was_judged_has_values"),
    ],
)
def test_what_the_header_of_the_validation_refuses(households, change, refused):
    households.table(VALIDATION)
    households.engine.execute(f"UPDATE {VALIDATION} SET {change}")
    assert households.failing_checks(VALIDATION, DAY) == {refused}


# ── why, and what can be had ──────────────────────────────────────────────────────────────────────────────────────────


def by_similar_customers(shop):
    """The lists, as they are where the validation has published what similar customers buy."""
    shop.table(LISTS)
    shop.engine.execute(f"UPDATE {VALIDATION} SET is_published = method IN ('similar_customers', 'personal_frequency')")
    shop.engine.write(all_tables()[LISTS], dt.date.fromisoformat(DAY))
    return shop.show(LISTS, DAY)


@pytest.fixture
def tea_drinkers(shop):
    """Forty baskets of forty customers: tea with a cup, or bread alone. Anna and bert have bought tea only."""
    for number in range(20):
        for product in ("tea", "cup"):
            shop.line(f"t{number}", on=days_before(20), customer=f"t{number}", product_id=product)
        shop.orders(f"b{number}", days_before(20), product_id="bread")
    return shop.orders("anna", days_before(20), product_id="tea").orders("bert", days_before(20), product_id="tea")


def test_a_product_that_goes_with_one_of_the_customer_says_so(tea_drinkers):
    rows = by_similar_customers(tea_drinkers).where(list="cross_sell", customer_id="anna")
    assert rows.rows("product_id", "reason", "because_of") == [("cup", "complement", "tea")]


def test_a_product_that_was_viewed_in_30_days_and_not_bought_says_so(tea_drinkers):
    tea_drinkers.event("v1", "product_view", at=f"{days_before(29)}T10:00", customer="anna", product_id="cup")
    tea_drinkers.event("v2", "product_view", at=f"{days_before(30)}T10:00", customer="bert", product_id="cup")
    tea_drinkers.event("v3", "add_to_cart", at=f"{days_before(3)}T10:00", customer="bert", product_id="cup")
    rows = by_similar_customers(tea_drinkers).where(list="cross_sell", product_id="cup")
    assert rows.where(customer_id="anna").rows("reason", "because_of") == [("viewed_not_bought", "tea")]
    assert rows.where(customer_id="bert").one("reason") == "complement"


def test_what_is_not_in_stock_is_in_no_list(tea_drinkers):
    """The next one stands in its place."""
    tea_drinkers.product("cup", in_stock=False).product("tea", in_stock=False).product("bread", in_stock=True)
    rows = by_similar_customers(tea_drinkers)
    assert set(rows.rows("product_id")) == {("bread",)}
    assert rows.where(list="cross_sell", customer_id="anna").rows("slot", "product_id") == [(1, "bread")]
