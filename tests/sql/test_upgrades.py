"""The list up_sell of marts.recommendations: what is one price band higher than what a customer has bought."""

import datetime as dt

import polars as pl
import pytest
from shop import Rows, all_tables, days_before

from pipeline.steps.products import recommendations as step
from pipeline.tables.catalog import features, with_features

DAY = dt.date(2026, 12, 31)
LISTS, VALIDATION = "marts.recommendations", "marts.recommendation_validation"
TEA = {"category": "tea"}
METHODS = ("upgrades", "popular_90d", "popular_30d")


def ask(shop, name, methods=step.ALL_METHODS):
    """A feature as of the day, with all methods by which products are listed, or some."""
    shop.table("staging.orders")
    columns = ", ".join(features()[f"features.{name}"].header.columns)
    asked = with_features(f"SELECT {columns} FROM features.{name}", {"features.listed_methods": methods})
    return Rows(shop.engine.read(asked, {"snapshot_date": DAY}))


@pytest.fixture
def teas(shop):
    """
    Six teas, two of each band: plain 5, leaf 6; green 8, black 9; white 20, rare 24. A customer x bought five of them
    200 days ago. 25 bought plain 100 days ago, 20 of them green 20 days ago, 10 white: too few to be named.
    """
    prices = {"leaf": 6, "green": 8, "black": 9, "white": 20, "rare": 24}
    for tea, price in prices.items():
        shop.line("x-1", on=days_before(200), customer="x", product_id=tea, amount=price, **TEA)
    for number in range(25):
        shop.orders(f"k{number:02d}", days_before(100), product_id="plain", amount=5, **TEA)
    for number in range(20):
        shop.orders(f"k{number:02d}", days_before(20), product_id="green", amount=8, **TEA)
    for number in range(10):
        shop.orders(f"k{number:02d}", days_before(20), product_id="white", amount=20, **TEA)
    return shop


def plain(shop, customer, days=60, amount=5):
    """A customer who has bought plain, so many days before."""
    return shop.orders(customer, days_before(days), product_id="plain", amount=amount, **TEA)


def test_thirds_of_a_category_by_price(teas):
    for number in range(5):
        teas.orders("x", days_before(9), product_id=f"cup{number}", amount=1 + number, category="cups")  # five: too few
    rows = ask(teas, "price_bands")
    assert rows.by("product_id", "band") == {"plain": 1, "leaf": 1, "green": 2, "black": 2, "white": 3, "rare": 3}
    assert rows.by("product_id", "price")["white"] == 20


def test_products_of_the_same_price_are_in_the_same_band(shop):
    for number, price in enumerate((5, 5, 5, 5, 5, 9)):
        shop.orders("x", days_before(9), product_id=f"p{number}", amount=price, **TEA)
    assert ask(shop, "price_bands").by("product_id", "band") == {
        "p0": 1, "p1": 1, "p2": 1, "p3": 1, "p4": 1, "p5": 3,
    }  # fmt: skip


def test_what_was_paid_is_of_the_last_180_days(teas):
    plain(teas, "anna", 179, amount=4).line("anna-2", on=days_before(2), customer="anna", product_id="plain",
                                            amount=12, quantity=2, **TEA)  # fmt: skip
    plain(teas, "bert", 180)
    rows = ask(teas, "priced_purchases")
    assert rows.where(customer_id="anna").rows("product_id", "band", "paid") == [("plain", 1, 16 / 3)]
    assert not len(rows.where(customer_id="bert")) and not len(rows.where(customer_id="x"))


def test_what_may_be_named(teas):
    # 26 have a tea of the lowest band; 20 of them went on to green. Occasions of 30 days: 20, with white on the same
    # ones; of 365 days 25 + 20 + 1, of green 20 + 1.
    rows = ask(teas, "upgrade_products")
    assert rows.rows("category", "product_id", "band", "price", "occasions_30", "occasions_90") == [
        ("tea", "green", 2, 8, 20, 20)
    ]
    assert rows.one("share") == pytest.approx(20 / 26)
    assert rows.one("trend") == pytest.approx((21 / 20) / (31 / 46))


def test_twenty_customers_have_to_have_bought_the_lower_band_before(teas):
    """On the same day is not before, nor are nineteen twenty."""
    teas.orders("k20", days_before(20), product_id="white", amount=20, **TEA)  # of band 1 before, of band 2 never
    for number in range(18):
        teas.orders(f"k{number:02d}", days_before(10), product_id="black", amount=9, **TEA)
    for day in (30, 30):
        teas.orders("same", days_before(day), product_id="leaf", amount=6, **TEA)
    teas.orders("same", days_before(30), product_id="black", amount=9, **TEA)
    teas.orders("k24", days_before(100), product_id="black", amount=9, **TEA)
    teas.orders("k18", days_before(10), product_id="black", amount=9, **TEA)
    assert ask(teas, "upgrade_products").rows("product_id") == [("green",)]
    teas.orders("k19", days_before(10), product_id="black", amount=9, **TEA)
    assert ask(teas, "upgrade_products").rows("product_id") == [("black",), ("green",)]


def test_what_nobody_bought_for_60_days_is_not_named(shop):
    for number, price in enumerate((5, 6, 8, 9, 20, 24)):
        shop.orders("x", days_before(200), product_id=f"t{number}", amount=price, **TEA)
    for number in range(20):
        shop.orders(f"k{number:02d}", days_before(100), product_id="t0", amount=5, **TEA)
        shop.orders(f"k{number:02d}", days_before(60), product_id="t2", amount=8, **TEA)
        shop.orders(f"k{number:02d}", days_before(59), product_id="t3", amount=9, **TEA)
    shop.orders("x", days_before(1), product_id="bread")  # without an occasion in 30 days nothing has a trend
    assert ask(shop, "upgrade_products").rows("product_id") == [("t3",)]


def test_the_share_of_buyers_who_went_on(teas):
    # Plain has 25 buyers, of whom 20 went on to green; leaf 3, all of whom did, and more of whom two did is nothing.
    for number in range(2):
        teas.orders(f"l{number}", days_before(100), product_id="leaf", amount=6, **TEA)
        teas.orders(f"l{number}", days_before(50), product_id="green", amount=8, **TEA)
    assert ask(teas, "upgrades").rows("product_id", "other_id", "buyers", "customers", "price", "place") == [
        ("plain", "green", 25, 20, 8, 1)
    ]
    teas.orders("l2", days_before(100), product_id="leaf", amount=6, **TEA)
    teas.orders("l2", days_before(50), product_id="green", amount=8, **TEA)
    rows = ask(teas, "upgrades")
    # Four have leaf, x of them bought green on the same day. Of 29 with the lower band 23 went on. 30 days as above; of
    # 365 days 6 occasions more, 3 of them with green.
    share, trend = 23 / 29, (21 / 20) / (34 / 52)
    assert rows.where(product_id="leaf").rows("buyers", "customers") == [(4, 3)]
    assert rows.by("product_id", "score") == pytest.approx(
        {"plain": (20 + 20 * share) / 45 * trend**0.5, "leaf": (3 + 20 * share) / 24 * trend**0.5}
    )


def test_a_customer_of_very_many_products_tells_nothing_of_pairs(teas):
    for number in range(3):
        teas.orders(f"l{number}", days_before(100), product_id="leaf", amount=6, **TEA)
        teas.orders(f"l{number}", days_before(50), product_id="green", amount=8, **TEA)
    assert len(ask(teas, "upgrades").where(product_id="leaf")) == 1
    for number in range(150):  # 156 teas: 52 of each band, of which l0 now has all of the lowest
        teas.orders("l0", days_before(300), product_id=f"t{number}", amount=round(0.01 * (number + 1), 2), **TEA)
    rows = ask(teas, "upgrades")
    assert not len(rows.where(product_id="leaf"))


def test_who_is_shown_what(teas):
    plain(teas, "anna").orders("bert", days_before(60), product_id="leaf", amount=6, **TEA)
    plain(teas, "exact", amount=4)
    plain(teas, "bargain", amount=3.9)  # green costs more than twice as much
    plain(teas, "late", 180)
    plain(teas, "has it").orders("has it", days_before(3), product_id="green", amount=8, **TEA)
    teas.orders("other", days_before(60), product_id="plain", amount=5, category="coffee")
    rows = ask(teas, "upgrade_candidates").where(method="upgrades")
    # k20 to k24 have plain and no green; bert's leaf had nobody who went on.
    expected = ["anna", "exact", "k20", "k21", "k22", "k23", "k24"]
    assert rows.rows("customer_id", "product_id", "reason", "because_of") == [
        (name, "green", "upgrade", "plain") for name in expected
    ]


def test_the_product_that_speaks_most_for_it(teas):
    for number in range(3):
        teas.orders(f"l{number}", days_before(100), product_id="leaf", amount=6, **TEA)
        teas.orders(f"l{number}", days_before(50), product_id="green", amount=8, **TEA)
    plain(teas, "both").orders("both", days_before(5), product_id="leaf", amount=6, **TEA)
    scores = ask(teas, "upgrades").by("product_id", "score")
    assert scores["plain"] > scores["leaf"]
    row = ask(teas, "upgrade_candidates").where(method="upgrades", customer_id="both")
    assert row.rows("product_id", "because_of", "score") == [("green", "plain", scores["plain"])]


def test_naive_lists_name_nothing_that_ours_may_not(teas):
    """White is bought, and is too dear or by too few; bert, whose leaf nobody went on from, is shown green as well."""
    plain(teas, "anna").orders("bert", days_before(60), product_id="leaf", amount=6, **TEA)
    plain(teas, "bargain", amount=3.9)
    rows = ask(teas, "upgrade_candidates")
    for method in METHODS[1:]:
        named = rows.where(method=method)
        assert {row[0] for row in named.rows("customer_id")} == {"anna", "bert", *(f"k{n}" for n in range(20, 25))}
        assert set(named.rows("product_id", "score", "reason", "because_of")) == {("green", 20, "popular", None)}


def test_the_first_ten_of_several_shelves(shop):
    """
    Teas sell better than cups, but for every third cup. Anna has five of the teas: 10 of 12 are not left, so that cups
    follow. Bert has none. Carl buys cups alone and Dora teas, of which she has three that sell well.
    """
    sold = {f"tea{n:02d}": ("tea", 100 - n) for n in range(12)}
    sold |= {f"cup{n:02d}": ("cup", 99 - 3 * n if n % 3 == 0 else 50 - n) for n in range(14)}
    buys = {"anna": {"tea", "cup"}, "bert": {"tea", "cup"}, "carl": {"cup"}, "dora": {"tea"}}
    has = {"anna": [f"tea{n:02d}" for n in range(5)], "bert": [], "carl": [], "dora": ["tea00", "tea01", "tea04"]}
    products = ", ".join(f"('{name}', '{shelf}', {days})" for name, (shelf, days) in sold.items())
    paid = ", ".join(f"('{who}', '{shelf}')" for who, shelves in buys.items() for shelf in shelves)
    owned = ", ".join(f"('{who}', '{name}')" for who, names in has.items() for name in names)
    of_products = f"FROM (VALUES {products}) AS listed (product_id, category, days)"
    given = {
        "features.listed_methods": "SELECT 'up_sell' AS list, 'popular_90d' AS method, 'ok' AS status",
        "features.upgrade_products": "SELECT category, product_id, 2::BIGINT AS band, 8.0::DOUBLE AS price, "
        f"0.5::DOUBLE AS share, 1.0::DOUBLE AS trend, days AS occasions_30, days AS occasions_90 {of_products}",
        "features.product_trends": "SELECT product_id, days AS occasions_30, days AS occasions_90, "
        "days AS occasions_365, $snapshot_date AS last_on, 1.0::DOUBLE AS trend "
        f"FROM (SELECT product_id, days {of_products} UNION ALL SELECT 'plain' AS product_id, 1 AS days) AS every",
        "features.priced_purchases": "SELECT customer_id, category, 'plain' AS product_id, 1::BIGINT AS band, "
        f"5.0::DOUBLE AS paid FROM (VALUES {paid}) AS listed (customer_id, category)",
        "features.customer_products": "SELECT customer_id, product_id, 1::BIGINT AS occasions, 1.0::DOUBLE AS weight, "
        "$snapshot_date AS first_on, $snapshot_date AS last_on "
        f"FROM (VALUES {owned}) AS listed (customer_id, product_id)",
    }
    shop.table("staging.orders")
    asked = with_features("SELECT customer_id, product_id, place FROM features.upgrade_candidates", given)
    rows = Rows(shop.engine.read(asked, {"snapshot_date": DAY}))
    best = sorted(sold, key=lambda name: (-sold[name][1], name))
    for who, shelves in buys.items():
        left = [name for name in best if sold[name][0] in shelves and name not in has[who]]
        assert rows.where(customer_id=who).by("place", "product_id") == dict(enumerate(left[:10], 1))


def test_nothing_is_looked_for_that_is_not_listed(teas):
    popular = "SELECT 'up_sell' AS list, 'popular_30d' AS method, 'ok' AS status"
    others = "SELECT 'cross_sell' AS list, 'popular_30d' AS method, 'ok' AS status"
    assert not len(ask(teas, "upgrades", popular))
    assert set(ask(teas, "upgrade_candidates", popular).rows("method")) == {("popular_30d",)}
    assert not len(ask(teas, "upgrade_products", others)) and not len(ask(teas, "upgrade_candidates", others))


# ── held against the past, and shown ──────────────────────────────────────────────────────────────────────────────────


def test_an_upgrade_is_what_was_bought_one_band_higher(teas):
    """As of the day: anna's green is one, bread is none, nor is white, two bands higher. Bert's black is, unnamed."""
    plain(teas, "anna").orders("bert", days_before(60), product_id="leaf", amount=6, **TEA)
    for tea, price in {"green": 8, "white": 20, "bread": 2}.items():
        teas.line("anna-later", on="2027-01-10", customer="anna", product_id=tea, amount=price, **TEA)
    teas.orders("bert", "2027-01-10", product_id="black", amount=9, **TEA)
    teas.table("staging.orders")
    judged = Rows(step.judged_at(teas.engine, dt.date(2027, 1, 30), DAY, 2)).where(list="up_sell")
    by_method = judged.frame.group_by("method").agg(pl.col("customers", "recall_10", "hit_rate_10").sum())
    assert {row[0]: row[1:] for row in by_method.rows()} == dict.fromkeys(METHODS, (2, 1, 1))
    new = Rows(step.judged_at(teas.engine, dt.date(2027, 1, 30), DAY, 2)).where(list="cross_sell", method="popular_30d")
    assert sum(new.frame["recall_10"]) == pytest.approx(2 / 3)  # green and white of three; no black in 30 days


@pytest.mark.parametrize(("ours", "published"), [(0.3, "popular_90d"), (0.5, "upgrades")])
def test_a_list_that_is_surely_worse_gives_way(ours, published):
    recalls = {"upgrades": ours, "popular_90d": 0.4, "popular_30d": 0.2}
    judged = pl.DataFrame(
        {"list": "up_sell", "method": method, "bucket": f"{bucket:02x}", "customers": 10, "recall_10": 10 * recall,
         "ndcg_10": 1.0, "hit_rate_10": 5.0}
        for method, recall in recalls.items() for bucket in range(256)
    )  # fmt: skip
    values, chosen = step.judge(step.LISTS["up_sell"], judged)
    assert chosen == published
    assert values["upgrades", "recall_10_difference"][0] == pytest.approx(ours - 0.4)


def test_too_few_to_judge_by_are_shown_what_is_popular(teas):
    rows = plain(teas, "anna").table(LISTS).where(list="up_sell")
    columns = ("slot", "product_id", "reason", "because_of", "score", "is_new", "method", "status")
    assert rows.where(customer_id="anna").rows(*columns) == [
        (1, "green", "popular", None, 20, True, "popular_30d", "insufficient_data")
    ]
    validation = teas.show(VALIDATION, str(DAY)).where(list="up_sell")
    assert set(validation.rows("status", "value")) == {("insufficient_data", None)}


def published(shop):
    """The lists, as they are where the validation has published what buyers of the lower band went on to buy."""
    shop.table(LISTS)
    shop.engine.execute(f"UPDATE {VALIDATION} SET is_published = method IN ('upgrades', 'personal_frequency')")
    shop.engine.write(all_tables()[LISTS], DAY)
    return shop.show(LISTS, str(DAY)).where(list="up_sell")


def test_an_upgrade_says_what_it_is_because_of(teas):
    plain(teas, "anna"), plain(teas, "bert")
    teas.event("v1", "product_view", at=f"{days_before(29)}T10:00", customer="bert", product_id="green")
    rows = published(teas)
    assert rows.where(customer_id="anna").rows("slot", "product_id", "reason", "because_of", "is_new", "method") == [
        (1, "green", "upgrade", "plain", True, "upgrades")
    ]
    assert rows.where(customer_id="bert").rows("reason", "because_of") == [("viewed_not_bought", "plain")]


@pytest.mark.parametrize("told", [{"in_stock": False}, {"recommendable": False}])
def test_what_cannot_be_had_is_not_offered(teas, told):
    plain(teas, "anna").product("green", category="tea", **told)
    assert not len(published(teas))


def test_ten_at_most(shop):
    """36 teas, 12 of each band at 1, 2 and 3; twenty customers went on from one to all of the band above."""
    for band in range(3):
        for number in range(12):
            for customer in range(20):
                shop.line(f"o{customer} {band}", on=days_before(50 - 20 * band), customer=f"k{customer:02d}",
                          product_id=f"t{band}{number:02d}", amount=1 + band, **TEA)  # fmt: skip
    shop.orders("anna", days_before(9), product_id="t000", amount=1, **TEA)
    rows = published(shop).where(customer_id="anna")
    assert rows.by("slot", "product_id") == {slot: f"t1{slot - 1:02d}" for slot in range(1, 11)}


def test_new_products_that_are_not_new_are_refused(teas):
    plain(teas, "anna").table(LISTS)
    teas.engine.execute(f"UPDATE {LISTS} SET is_new = false, reason = 'bought_before' WHERE list = 'up_sell'")
    assert teas.failing_checks(LISTS, str(DAY)) == {"lists_are_not_mixed"}
