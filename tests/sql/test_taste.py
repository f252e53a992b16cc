"""marts.taste_groups, their items and fit: three tastes by hand, customers without one, and the published figures."""

import datetime as dt

import complete_journey
import numpy as np
import pytest
from shop import build, days_before, open_engine

from pipeline.models.taste import Tried, chosen, matched
from pipeline.settings import Settings

GROUPS, ITEMS, FIT = "marts.taste_groups", "marts.taste_group_items", "marts.taste_group_fit"
END = "2026-12-31"
TASTES = ("fish", "garden", "music")


def three_tastes(shop, customers=360, items=10):
    """A third of the customers each buys ten things for fish, for the garden, or of music, and nothing else."""
    for number in range(customers):
        taste = TASTES[number % 3]
        for item in range(items):
            shop.line(f"o{number}", on="2026-12-01", customer=f"c{number}", product_id=f"{taste}-{item}")
    return shop


def tastes_of(shop, day=END):
    """Which taste each number of a group is of, if it is of one."""
    rows = shop.show(GROUPS, day).rows("group_no", "customer_id")
    return {number: TASTES[int(customer[1:]) % 3] for number, customer in rows}, {
        (number, TASTES[int(customer[1:]) % 3]) for number, customer in rows
    }


def test_three_tastes_by_hand(shop):
    """
    120 customers of each taste, 10 items each: a third of all pairs of a customer and an item, so of an item that 120
    bought 40 are expected in a group: (120 + 10) / (40 + 10).
    """
    rows = three_tastes(shop).table(GROUPS, END)
    taste_by_number, pairs = tastes_of(shop)
    assert len(rows) == 360 and len(taste_by_number) == len(pairs) == 3
    assert set(rows.rows("level", "share", "second_share", "previous_snapshot_date")) == {("product", 1.0, 0.0, None)}
    items = shop.show(ITEMS, END)
    for number, taste in taste_by_number.items():
        found = items.where(group_no=number)
        assert found.by("rank", "item") == {rank: f"{taste}-{rank - 1}" for rank in range(1, 11)}
        assert set(found.rows("customers", "expected", "ratio")) == {(120, 40.0, 2.6)}
    low = 130 * (1 - 1 / 1170 - 1.645 / (3 * 130**0.5)) ** 3 / 50
    assert items.frame["low"].to_list() == pytest.approx([low] * 30)
    fit = shop.show(FIT, END)
    assert fit.where(is_chosen=True).rows("groups", "status", "customers", "items", "stability", "smallest") == [
        (3, "ok", 360, 30, 1.0, 120)
    ]
    assert fit.frame["null_stability"].max() < 0.3


def test_numbers_follow_the_earlier_snapshot(shop):
    three_tastes(shop).table(GROUPS, "2026-12-30")
    before, _ = tastes_of(shop, "2026-12-30")
    swapped = {1: 3, 2: 1, 3: 2}
    shop.engine.execute("UPDATE marts.taste_groups SET group_no = 1 + (group_no + 1) % 3")
    rows = shop.table(GROUPS, END)
    now, _ = tastes_of(shop)
    assert {taste: swapped[number] for number, taste in before.items()} == {taste: n for n, taste in now.items()}
    assert set(rows.rows("previous_snapshot_date")) == {("2026-12-30",)}
    assert set(shop.show(ITEMS, END).frame["group_no"]) == {1, 2, 3}


@pytest.mark.parametrize(("customers", "items"), [(299, 10), (360, 9)], ids=["customers", "items"])
def test_too_few_to_speak_of_tastes(shop, customers, items):
    fit = three_tastes(shop, customers, items).table(FIT, END)
    assert set(fit.rows("status", "is_chosen", "stability", "null_stability", "smallest")) == {
        ("insufficient_data", False, None, None, None)
    }
    assert fit.frame["groups"].to_list() == [3, 4, 5, 6, 7, 8]
    assert len(shop.show(GROUPS, END)) == len(shop.show(ITEMS, END)) == 0


def test_customers_without_a_taste_are_in_no_group(shop):
    dice, popularity = np.random.default_rng(2), 1 / np.arange(5.0, 45.0)
    for number in range(400):
        for item in dice.choice(40, size=14, replace=False, p=popularity / popularity.sum()):
            shop.line(f"o{number}", on="2026-12-01", customer=f"c{number}", product_id=f"p{item:02d}")
    fit = shop.table(FIT, END)
    assert set(fit.rows("status", "customers", "is_chosen")) == {("insufficient_data", 400, False)}
    assert fit.frame["stability"].max() < 0.5
    assert len(shop.show(GROUPS, END)) == 0


def test_items_of_few_customers_and_of_before_the_last_year_tell_nothing(shop):
    three_tastes(shop)
    for number in range(19):
        shop.line(f"r{number}", on="2026-12-01", customer=f"c{number}", product_id="rare")
    for number in range(100):
        shop.line(f"y{number}", on=days_before(365), customer=f"c{number}", product_id="last year")
    assert set(shop.table(FIT, END).frame["items"]) == {30}


# ── numbers, and the choice ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("common", "numbers"),
    [
        ([[0, 9], [8, 0]], [1, 0]),
        ([[5, 6], [0, 6]], [0, 1]),  # 5 + 6 keep their number, not 6
        ([[7, 0], [0, 0], [0, 3]], [0, 2, 1]),  # a new one gets a number of its own
        ([[0, 0, 4], [0, 0, 0]], [2, 0]),
        ([[4, 0]], [0]),
    ],
)
def test_numbers_are_matched_by_most_common_customers(common, numbers):
    assert matched(np.array(common, dtype=float)).tolist() == numbers


def test_without_an_earlier_snapshot_groups_are_numbered():
    assert matched(np.zeros((3, 0))).tolist() == [0, 1, 2]


def trial(number, stability, smallest=100, null=0.3):
    return Tried(number, stability, null, smallest, 2_000)


@pytest.mark.parametrize(
    ("trials", "number"),
    [
        ([trial(3, 0.75), trial(6, 0.74), trial(8, 0.71)], 8),  # within 0.05 of the best: the largest
        ([trial(3, 0.75), trial(8, 0.69)], 3),
        ([trial(3, 0.6), trial(8, 0.75, smallest=39)], 3),  # 2 % of 2,000
        ([trial(3, 0.49)], None),
        ([trial(3, 0.6, null=0.41)], None),
    ],
)
def test_the_largest_number_that_is_nearly_as_stable_as_the_best(trials, number):
    best = chosen(trials)
    assert (best and best.number) == number


# ── the published figures ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.long
def test_categories_of_complete_journey(tmp_path):
    """Categories alone, as of 2017-10-31; by products more customers would qualify."""
    day = dt.date(2017, 10, 31)
    with open_engine(Settings(home=tmp_path), complete_journey.files()) as engine:
        complete_journey.load(engine)
        engine.execute("UPDATE staging.order_lines SET product_id = NULL")
        build(engine, day, GROUPS)
        fit = engine.read("SELECT * FROM marts.taste_group_fit ORDER BY groups")
        sizes = engine.read("SELECT count(*) AS n FROM marts.taste_groups GROUP BY group_no ORDER BY n DESC")["n"]
        half = "contains('02468ace', md5(customer_id)[1])"
        halves = engine.read(f"SELECT count(*) AS n FROM marts.taste_groups GROUP BY {half} ORDER BY {half} DESC")["n"]
        items = engine.read("SELECT * FROM marts.taste_group_items WHERE item IN ('INFANT FORMULA', 'BABY FOODS')")
    assert set(zip(fit["customers"], fit["items"], strict=True)) == {(2_351, 277)}
    assert halves.to_list() == [1_212, 1_139]
    assert fit["stability"].to_list() == pytest.approx([0.749, 0.659, 0.614, 0.737, 0.595, 0.710], abs=0.05)
    assert fit["null_stability"][0] == pytest.approx(0.316, abs=0.05)
    assert fit.filter("is_chosen")["groups"].to_list() == [8]
    assert sizes.to_list() == pytest.approx([705, 458, 410, 203, 172, 149, 133, 121], abs=5)
    babies = {item: (ratio, low) for item, ratio, low in items.select("item", "ratio", "low").iter_rows()}
    assert babies["INFANT FORMULA"] == (pytest.approx(4.82, abs=0.05), pytest.approx(4.17, abs=0.05))
    assert babies["BABY FOODS"] == (pytest.approx(4.46, abs=0.05), pytest.approx(3.90, abs=0.05))
