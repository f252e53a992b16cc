"""marts.stage_move_products and its fit: what is bought where customers move, against the same months and sizes."""

import datetime as dt

import pytest
from scipy.stats import norm
from shop import Rows, days_before

from pipeline.steps.products import stage_moves as step
from pipeline.tables.catalog import features

ITEMS, FIT = "marts.stage_move_products", "marts.stage_move_fit"
FIRST = "first to active"
SET = {"defecting_days": 50, "inactive_days": 100}


def moves(shop, day="2026-12-31"):
    """The occasions that are compared, as rows (move, customer, day, moved)."""
    shop.table("marts.lifecycle_stages", day)
    asked = features()["features.stage_moves"].select
    rows = Rows(shop.engine.read(asked, {"snapshot_date": dt.date.fromisoformat(day)}))
    return lambda move: rows.where(move=move).rows("customer_id", "occasion_on", "moved")


def test_first_occasions_that_a_second_follows_within_90_days(shop):
    shop.orders("anna", days_before(180), days_before(90)).orders("bert", days_before(181), days_before(90))
    shop.orders("cleo", days_before(90)).orders("dora", days_before(89), days_before(1))
    assert moves(shop)(FIRST) == [
        ("anna", days_before(180), 1), ("bert", days_before(181), 0), ("cleo", days_before(90), 0),
    ]  # fmt: skip


def test_later_occasions_before_a_silence(shop):
    """A limit of 50 days, set. Anna's third occasion and bert's last are followed by as long a silence; cleo's are
    not, and of them the last is too young; dora's only occasion is no later one. Anna's silence counts once."""
    shop.with_settings(lifecycle=SET)
    shop.orders("anna", *map(days_before, (300, 280, 270, 220, 150)))
    shop.orders("bert", days_before(80), days_before(50))
    shop.orders("cleo", days_before(129), days_before(80), days_before(31)).orders("dora", days_before(200))
    assert moves(shop)("to defecting") == [
        ("anna", days_before(270), 1), ("bert", days_before(50), 1), ("cleo", days_before(80), 0),
    ]  # fmt: skip


def test_occasions_after_a_silence(shop):
    shop.with_settings(lifecycle=SET)
    shop.orders("anna", days_before(120), days_before(100), days_before(50), days_before(0))
    shop.orders("bert", days_before(60), days_before(11)).orders("cleo", days_before(80))
    assert moves(shop)("returned") == [("anna", days_before(50), 1), ("bert", days_before(11), 0)]


def test_who_did_not_move_counts_with_a_day_drawn_by_md5(shop):
    shop.with_settings(lifecycle=SET)
    days = [days_before(number) for number in (140, 120, 90, 60, 30)]
    shop.orders("anna", *days)
    drawn = shop.engine.read(f"SELECT min_by(day, md5('anna|' || day)) AS day FROM unnest({days[1:]}) AS days(day)")
    assert moves(shop)("returned") == [("anna", drawn["day"][0], 0)]


def begin(shop, product, numbers, again, on="2026-03-02", **others):
    """Customers who begin with the product and an own one; the first so many buy again within 90 days."""
    for number in numbers:
        shop.orders(f"{product} {number}", on, product_id=product, **others)
        if number < again:
            shop.orders(f"{product} {number}", days_before(-30, on), product_id="later")
    return shop


def test_two_products_by_hand(shop):
    """150 begin with a, 100 of whom buy again; 150 with b, 50 of whom do. In the one stratum half of 300 moved: 75 of
    each are expected, V = 150 · 150 · 150 · 150 / (300² · 299)."""
    begin(shop, "a", range(150), again=100, category="A")
    begin(shop, "b", range(150), again=50, category="B")
    rows = shop.table(ITEMS).where(move=FIRST, level="product")
    assert rows.rows("item", "occasions", "movers", "expected", "direction") == [
        ("a", 150, 100, 75, "more"), ("b", 150, 50, 75, "less"),
    ]  # fmt: skip
    z = 25 / (150**4 / (300**2 * 299)) ** 0.5
    assert rows.by("item", "z") == pytest.approx({"a": z, "b": -z})
    assert rows.by("item", "ratio") == pytest.approx({"a": 100 / 75, "b": 50 / 75})
    assert rows.by("item", "q_value") == pytest.approx(dict.fromkeys("ab", 2 * norm.sf(z)), rel=1e-6)
    names = ("status", "occasions", "movers", "items", "more", "less", "naive")
    fit = shop.show(FIT, "2026-12-31")
    assert fit.where(move=FIRST).rows("level", *names) == [
        ("category", "ok", 300, 150, 2, 1, 1, 2), ("product", "ok", 300, 150, 2, 1, 1, 2),
    ]  # fmt: skip
    assert fit.where(move="returned", level="product").rows(*names) == [("insufficient_data", 150, 0, 0, 0, 0, 0)]


def test_months_are_compared_with_themselves(shop):
    """Nobody who begins with b in April buys again, and all who begin with a in March: two months, no products."""
    begin(shop, "a", range(150), again=150)
    begin(shop, "b", range(150), again=0, on="2026-04-02")
    rows = shop.table(ITEMS).where(move=FIRST)
    assert rows.rows("item", "expected", "z", "q_value", "direction") == [
        ("a", 150, None, 1, "no difference"), ("b", 0, None, 1, "no difference"),
    ]  # fmt: skip
    assert rows.by("item", "ratio") == {"a": 1, "b": None}
    assert shop.show(FIT, "2026-12-31").where(move=FIRST, level="product").rows("more", "less", "naive") == [(0, 0, 2)]


def test_sizes_of_the_occasions_are_compared_with_themselves(shop):
    """Baskets of three come back, baskets of one do not: every item of the big ones would seem to lead to more."""
    for number in range(300):
        items = ("x", "y", "z") if number % 2 else ("w",)
        for item in items:
            shop.line(f"first {number}", on="2026-03-02", customer=f"c{number}", product_id=item)
        if number % 2:
            shop.orders(f"c{number}", "2026-04-02", product_id="later")
    shop.table(ITEMS)
    fit = shop.show(FIT, "2026-12-31").where(move=FIRST, level="product")
    assert fit.rows("items", "more", "less", "naive") == [(4, 0, 0, 4)]


@pytest.mark.parametrize(
    ("customers", "again", "status"),
    [(299, 100, "insufficient_data"), (300, 49, "insufficient_data"), (300, 50, "ok")],
)
def test_fewer_than_300_occasions_or_50_movers_say_nothing(shop, customers, again, status):
    begin(shop, "a", range(customers), again=again)
    rows = shop.table(ITEMS).where(move=FIRST)
    assert len(rows) == (status == "ok")
    fit = shop.show(FIT, "2026-12-31").where(move=FIRST)
    assert fit.where(level="product").rows("status", "occasions", "movers") == [(status, customers, again)]
    assert fit.where(level="category").rows("status", "occasions") == [("not_exported", 0)]


def test_items_of_fewer_than_30_occasions_are_no_tests(shop):
    begin(shop, "a", range(271), again=100)
    begin(shop, "b", range(29), again=29)
    assert shop.table(ITEMS).where(move=FIRST).rows("item") == [("a",)]


def test_first_to_active_in_online_retail(online_retail):
    """Five items seem to lead to a second purchase, or not to; of the same month and size, one."""
    fit = online_retail.table(FIT).where(move=FIRST, level="product")
    assert fit.rows("occasions", "movers", "items", "naive", "more", "less") == [(3_368, 1_524, 781, 5, 0, 1)]


def test_silences_of_120_days_in_online_retail(online_retail):
    asked = step.queries()["items"].replace("stages.defecting_days", "120 AS defecting_days")
    counted = online_retail.select(asked).frame.filter(move="to defecting", level="product")
    fit, _ = step.judged("to defecting", "product", counted)
    assert [fit[name] for name in ("occasions", "naive", "more", "less")] == [1_796, 47, 0, 0]
    # The study has 776 and 341; with silences of more than 120 days ours would be 775 and 339.
    assert (fit["movers"], fit["items"]) == (782, 338)
