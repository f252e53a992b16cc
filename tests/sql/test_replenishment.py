"""marts.replenishment_products, replenishment_cells, replenishment_due: how long items last, who buys them next."""

import pytest
from shop import days_before

DAY = "2026-12-31"
PRODUCTS, CELLS, DUE = (f"marts.replenishment_{name}" for name in ("products", "cells", "due"))


@pytest.fixture
def thirty(shop):
    """Thirty customers buy tea 100 days ago; twenty of them again after 10 days, ten after 40."""
    for number in range(30):
        again = 90 if number < 20 else 60
        shop.orders(f"c{number:02d}", days_before(100), days_before(again), product_id="tea")
    return shop


@pytest.fixture
def learnt(shop):
    """Two hundred customers have bought tea twice; of those with a gap of 10 days 40 of 100 come back for it within the
    last 30 days, of those with a gap of 15 days 10 of 100."""
    for number in range(100):
        early = [days_before(130), days_before(120)] + [days_before(20)] * (number < 40)
        late = [days_before(50), days_before(35)] + [days_before(20)] * (number < 10)
        shop.orders(f"early{number:02d}", *early, product_id="tea").orders(f"late{number:02d}", *late, product_id="tea")
    return shop


# ── how long items last ───────────────────────────────────────────────────────────────────────────────────────────────


def test_days_until_it_is_bought_again(thirty):
    # 60 purchases: 20 end after 10 days: 40 of 60 are left; 10 of 40 end after 40 days: half is left. The last
    # purchases are watched for 90 or 60 days, so nothing is known of 180.
    row = thirty.table(PRODUCTS)
    assert row.rows("level", "item", "buyers", "repeat_buyers", "gaps") == [("product", "tea", 30, 30, 30)]
    assert row.rows("gap_p25_days", "gap_p50_days", "gap_p75_days", "repeat_share_180") == [(10, 40, None, None)]


def test_who_does_not_come_back_counts_as_long_as_watched(thirty):
    # 40 more who bought once, 200 days ago. At 10 days 20 of 100 end: .8; at 40 days 10 of 80: .7; later nobody.
    for number in range(40):
        thirty.orders(f"once{number:02d}", days_before(200), product_id="tea")
    row = thirty.table(PRODUCTS)
    assert row.rows("buyers", "repeat_buyers", "gaps") == [(70, 30, 30)]
    assert row.rows("gap_p25_days", "gap_p50_days") == [(40, None)]
    assert row.one("repeat_share_180") == pytest.approx(0.3)


def test_categories_are_items_too(thirty):
    for number in range(30):
        thirty.orders(f"c{number:02d}", days_before(80), days_before(50), product_id=f"tea {number}", category="tea")
    rows = thirty.table(PRODUCTS)
    assert rows.where(level="category").rows("item", "buyers", "gaps") == [("tea", 30, 30)]
    assert rows.where(level="product").rows("item") == [("tea",)]


@pytest.mark.parametrize(("buyers", "gaps", "rows"), [(30, 30, 1), (30, 29, 0), (29, 30, 0)])
def test_items_with_too_few_buyers_or_gaps(shop, buyers, gaps, rows):
    for number in range(buyers):
        days = [days_before(90)] + [days_before(50)] * (number < gaps) + [days_before(40)] * (number < gaps - buyers)
        shop.orders(f"c{number:02d}", *days, product_id="tea")
    assert len(shop.table(PRODUCTS)) == rows


def test_a_shop_that_names_no_products(shop):
    shop.orders("anna", days_before(3))
    assert len(shop.table(DUE)) == 0
    assert set(shop.show(CELLS, DAY).rows("status", "pairs", "probability")) == {("insufficient_data", 0, None)}


# ── who buys them next ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_learnt_of_pairs_30_days_ago(learnt):
    # Of all 50 of 200 came. Gap 10, 90 days ago: ratio 9, above all seven; p₁ = (40 + 50 · .25) / 150 = .35. Gap 15,
    # five days ago: a third, above one; p₁ = (10 + 12.5) / 150 = .15. A cell that nobody was in has p₁, or .25.
    rows = learnt.table(CELLS).where(level="product")
    seen = rows.where(pairs=100)
    classes = ("ratio_class", "count_class", "gap_class", "silence_class")
    assert seen.rows(*classes, "bought") == [(1, 0, 1, 0, 10), (7, 0, 0, 3, 40)]
    assert seen.by("ratio_class", "probability") == pytest.approx({7: (40 + 17.5) / 150, 1: (10 + 7.5) / 150})
    unseen = rows.where(count_class=3, gap_class=3, silence_class=3)
    expected = dict.fromkeys(range(8), 0.25) | {1: 0.15, 7: 0.35}
    assert unseen.by("ratio_class", "probability") == pytest.approx(expected)


def test_a_pair_has_the_chance_of_its_cell(learnt):
    rows = learnt.table(DUE)
    # 35 days after the second purchase, 15 after the first: ratio 2.33 is class 4, where nobody was.
    late = rows.where(customer_id="late99")
    assert late.rows("purchases", "last_on", "mean_gap_days", "due_on", "due_status") == [
        (2, days_before(35), 15, days_before(20), "overdue")
    ]
    assert late.one("probability_30d") == pytest.approx(0.25)
    # Three purchases, 110 days from first to last, 20 days ago: in 35 days.
    early = rows.where(customer_id="early00")
    assert early.rows("purchases", "mean_gap_days", "due_on", "due_status") == [(3, 55, days_before(-35), "not_yet")]


@pytest.mark.parametrize(
    ("gap", "ago", "due_status"), [(40, 40, "overdue"), (41, 40, "due"), (70, 40, "due"), (71, 40, "not_yet")]
)
def test_the_borders_of_due(learnt, gap, ago, due_status):
    row = learnt.orders("anna", days_before(ago + gap), days_before(ago), product_id="tea").table(DUE)
    assert row.where(customer_id="anna").one("due_status") == due_status


def test_half_a_day_is_rounded_up(learnt):
    row = learnt.orders("anna", days_before(25), days_before(20), days_before(10), product_id="tea").table(DUE)
    assert row.where(customer_id="anna").rows("mean_gap_days", "due_on") == [(7.5, days_before(2))]


def test_bought_once(learnt):
    # Of 451 purchases of tea anna's was three days ago. At 10 days 100 of 450 end, at 15 days 110 of 350: 240 of 450
    # are left at 33 days, 190 of which are watched longer.
    rows = learnt.orders("anna", days_before(3), product_id="tea").table(DUE)
    anna = rows.where(customer_id="anna")
    assert anna.rows("purchases", "mean_gap_days", "due_on", "due_status") == [(1, None, None, None)]
    assert anna.one("probability_30d") == pytest.approx(1 - 240 / 450)


def test_bought_once_longer_ago_than_others_were_watched(learnt):
    # Until 80 + 30 days only the last purchases of the sixty who never came back were watched.
    rows = learnt.orders("anna", days_before(80), product_id="tea").table(DUE)
    assert len(rows.where(customer_id="anna")) == 0


def test_too_few_pairs_to_learn_from(thirty):
    rows = thirty.table(DUE)
    assert len(rows) == 30
    assert set(rows.rows("status", "probability_30d", "due_status")) == {("insufficient_data", None, "overdue")}


@pytest.mark.parametrize(
    ("table", "change", "refused"),
    [
        (DUE, "due_on = NULL WHERE purchases > 1", "every_pair_has_what_it_should"),
        (DUE, "probability_30d = NULL", "every_pair_has_what_it_should"),
        (CELLS, "bought = pairs + 1", "no_more_than_there_are"),
        (PRODUCTS, "gap_p50_days = gap_p25_days - 1", "quarters_follow_each_other"),
    ],
)
def test_what_headers_refuse(learnt, table, change, refused):
    learnt.table(DUE)
    learnt.engine.execute(f"UPDATE {table} SET {change}")
    assert learnt.failing_checks(table, DAY) == {refused}


def test_a_cell_too_few_is_refused(learnt):
    learnt.table(CELLS)
    learnt.engine.execute(f"DELETE FROM {CELLS} WHERE ratio_class = 7 AND count_class = 3")
    assert learnt.failing_checks(CELLS, DAY) == {"every_cell_is_there"}
