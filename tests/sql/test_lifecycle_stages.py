"""marts.lifecycle_stages: where every customer stands, now and before, under the limits of the day."""

import pytest
from shop import days_before

STAGES = "marts.lifecycle_stages"
DAY = "2026-12-31"


@pytest.fixture
def limited(shop):
    # Defecting from 60 days of silence on, inactive from 200 on.
    return shop.with_settings(lifecycle={"defecting_days": 60, "inactive_days": 200})


def test_a_stage_is_silence_first_and_occasions_then(limited):
    limited.orders("new", days_before(59)).orders("once", days_before(60)).orders("gone", days_before(200))
    limited.orders("often", days_before(90), days_before(59)).orders("late", days_before(90), days_before(60))
    limited.orders("lost", days_before(201), days_before(200)).registered("asked", on=days_before(5))
    assert limited.table(STAGES).by_customer("stage") == {
        "new": "first-time", "once": "defecting", "gone": "inactive", "often": "active", "late": "defecting",
        "lost": "inactive", "asked": "lead",
    }  # fmt: skip


def test_each_kind_has_its_own_limits(shop):
    # One-time customers are defecting from day 10 on (half of 240 come back then), repeat ones from day 180 on.
    for number in range(240):
        shop.orders(f"c{number}", days_before(300), *([days_before(290)] if number % 2 else []))
    shop.orders("once", days_before(11)).orders("twice", days_before(50), days_before(11))
    stages = shop.table(STAGES).by_customer("stage")
    assert (stages["once"], stages["twice"], stages["c1"]) == ("inactive", "active", "defecting")


def test_earlier_stages_are_under_the_limits_of_today(limited):
    # Anna bought 130 and 70 days ago: 90 days ago first-time (silent 40), 30 days ago active (40), now defecting (70).
    # Bert bought 250 and 10 days ago: 160 days of silence 90 days ago, 220 30 days ago; now active again.
    limited.orders("anna", days_before(130), days_before(70)).orders("bert", days_before(250), days_before(10))
    columns = ("customer_id", "stage_90_days_ago", "stage_30_days_ago", "stage")
    assert limited.table(STAGES).rows(*columns) == [
        ("anna", "first-time", "active", "defecting"), ("bert", "defecting", "inactive", "active"),
    ]  # fmt: skip


def test_who_was_not_there_had_no_stage(limited):
    limited.orders("anna", days_before(29)).orders("bert", days_before(30)).orders("cleo", days_before(90))
    columns = ("customer_id", "stage_90_days_ago", "stage_30_days_ago", "stage")
    assert limited.table(STAGES).rows(*columns) == [
        ("anna", None, None, "first-time"), ("bert", None, "first-time", "first-time"),
        ("cleo", "first-time", "defecting", "defecting"),
    ]  # fmt: skip


def test_leads_have_registered_and_not_bought(limited):
    # Anna registered 40 days ago and bought 20 days ago; Bert never bought; of Cleo nobody knows when she registered,
    # so no day can know of her; Dora registers tomorrow.
    limited.registered("anna", on=days_before(40)).orders("anna", days_before(20)).registered(
        "bert", on=days_before(40)
    )
    limited.registered("cleo").registered("dora", on="2027-01-01")
    columns = ("customer_id", "stage_90_days_ago", "stage_30_days_ago", "stage", "occasions", "recency_days")
    assert limited.table(STAGES).rows(*columns) == [
        ("anna", None, "lead", "first-time", 1, 20), ("bert", None, "lead", "lead", 0, None),
    ]  # fmt: skip


def test_without_an_export_of_customers_there_are_no_leads(limited):
    assert limited.orders("anna", days_before(5)).table(STAGES).by_customer("registered_on") == {"anna": None}


def test_the_funnel_counts_occasions_and_forgets_none(limited):
    limited.registered("asked", on=days_before(5)).orders("one", days_before(700))
    limited.orders("two", days_before(700), days_before(600)).orders("three", *map(days_before, (700, 600, 500)))
    assert limited.table(STAGES).by_customer("funnel_stage") == {
        "asked": "lead", "one": "first purchase", "two": "second purchase", "three": "regular",
    }  # fmt: skip


def test_returned_is_active_after_a_long_gap(limited):
    # Gaps before the last purchase: 60 (the limit), 59, and 60 again, but silent for 60 since: defecting, not back.
    limited.orders("back", days_before(65), days_before(5)).orders("steady", days_before(64), days_before(5))
    limited.orders("away", days_before(120), days_before(60)).orders("new", days_before(5))
    limited.orders("long-ago", days_before(300), days_before(20), days_before(5))
    stages = limited.table(STAGES)
    assert stages.by_customer("returned") == {
        "back": True, "steady": False, "away": False, "new": False, "long-ago": False,
    }  # fmt: skip
    assert stages.by_customer("last_gap_days") == {
        "back": 60, "steady": 59, "away": 60, "new": None, "long-ago": 15,
    }  # fmt: skip


def test_the_gap_of_a_second_purchase_is_that_of_a_one_time_customer(shop):
    # Limits: 10 days for one-time customers; 30 for repeat ones, the last day on which one of them bought again. After
    # a gap of 12 days Anna's second purchase is a return; Bert's third is none.
    for number in range(240):
        shop.orders(f"c{number}", days_before(300), *([days_before(290)] if number % 2 else []))
    for number in range(3):
        shop.orders(f"slow{number}", *map(days_before, (150, 149, 119)))
    shop.orders("anna", days_before(17), days_before(5)).orders("bert", *map(days_before, (18, 17, 5)))
    returned = shop.table(STAGES).by_customer("returned")
    assert (returned["anna"], returned["bert"]) == (True, False)


def test_what_is_cancelled_later_counted_until_then(limited):
    # The second order was cancelled ten days ago: 30 days ago Anna was active, now she is a one-time customer who has
    # been silent for 80 days. Bert's only order was cancelled: he is no customer any more.
    limited.orders("anna", days_before(80), days_before(40)).refund("anna-2", on=days_before(10), amount=10)
    limited.orders("bert", days_before(40)).refund("bert-1", on=days_before(10), amount=10)
    columns = ("customer_id", "stage_30_days_ago", "stage", "occasions", "last_gap_days")
    assert limited.table(STAGES).rows(*columns) == [("anna", "active", "defecting", 1, None)]


def test_the_future_does_not_change_a_day(limited):
    limited.orders("anna", days_before(70), days_before(10))
    before = limited.table(STAGES).rows()
    limited.orders("anna", "2027-01-20").orders("bert", "2027-01-20").registered("cleo", on="2027-01-20")
    assert limited.table(STAGES).rows() == before


def test_a_customer_without_a_stage_is_refused(limited):
    limited.orders("anna", days_before(5)).registered("bert", on=days_before(5)).snapshot(DAY, STAGES)
    limited.engine.execute(f"UPDATE {STAGES} SET stage = 'lead' WHERE customer_id = 'anna'")
    assert limited.failing_checks(STAGES, DAY) == {"every_customer_has_a_stage", "stage_follows_the_limits"}
    limited.engine.execute(f"UPDATE {STAGES} SET stage = 'active'")
    assert limited.failing_checks(STAGES, DAY) == {"only_leads_have_not_bought", "stage_follows_the_limits"}


# ── limits of own gaps ────────────────────────────────────────────────────────────────────────────────────────────────

OWN = ("defecting_days", "defecting_rule", "inactive_days", "inactive_rule", "stage")


def rhythm(*gaps, silent):
    """Days of purchases with these gaps, the last `silent` days ago."""
    return [days_before(silent + sum(gaps[place:])) for place in range(len(gaps) + 1)]


@pytest.mark.parametrize(
    ("gaps", "silent", "found"),
    [
        # Median 7: 3 · 7 = 21 and 6 · 7 = 42.
        ((7, 7, 7, 7, 7), 20, (21, "own gaps", 42, "own gaps", "active")),
        ((7, 7, 7, 7, 7), 21, (21, "own gaps", 42, "own gaps", "defecting")),
        ((7, 7, 7, 7, 7), 42, (21, "own gaps", 42, "own gaps", "inactive")),
        # One long gap moves no median; five purchases are too few for one.
        ((7, 7, 70, 7, 7), 20, (21, "own gaps", 42, "own gaps", "active")),
        ((7, 7, 7, 7), 42, (180, "stand-in", 365, "stand-in", "active")),
        # Never under 14 and 30 days.
        ((2, 2, 2, 2, 2), 14, (14, "own gaps", 30, "own gaps", "defecting")),
        # Six gaps: the median is (7 + 10) / 2, three times it 25.5, reached on day 26; six times 51.
        ((7, 7, 7, 10, 10, 10), 25, (26, "own gaps", 51, "own gaps", "active")),
    ],
)
def test_where_no_limit_is_reached_frequent_shoppers_have_their_own(shop, gaps, silent, found):
    shop.orders("anna", *rhythm(*gaps, silent=silent))
    assert shop.table(STAGES).rows(*OWN) == [found]


def test_own_limits_give_way_to_those_set(shop):
    shop.orders("anna", *rhythm(7, 7, 7, 7, 7, silent=20)).registered("lea", on=days_before(5))
    for given, found in (
        ({"inactive_days": 15}, (15, "own gaps", 15, "set", "inactive")),
        ({"defecting_days": 60}, (60, "set", 60, "own gaps", "active")),
        ({"defecting_days": 60, "inactive_days": 200}, (60, "set", 200, "set", "active")),
    ):
        shop.with_settings(lifecycle=given)
        assert shop.table(STAGES).where(customer_id="anna").rows(*OWN) == [found]
    assert shop.table(STAGES).where(customer_id="lea").rows(*OWN) == [(None, None, None, None, "lead")]


def test_a_learnt_limit_is_for_all(shop):
    # As above: repeat customers are defecting from day 30 on, the last day on which one of them bought again.
    for number in range(240):
        shop.orders(f"c{number}", days_before(300), *([days_before(290)] if number % 2 else []))
    for number in range(3):
        shop.orders(f"slow{number}", *map(days_before, (150, 149, 119)))
    shop.orders("anna", *rhythm(3, 3, 3, 3, 3, silent=20))
    assert shop.table(STAGES).where(customer_id="anna").one("defecting_rule") == "learnt"


def test_own_limits_hold_for_both_ends_of_a_move_and_for_who_returned(shop):
    # Every 7 days up to 130 days ago, then a gap of 100 days, then again and once more. Limits: 21 and 42. 90 days ago
    # she had been silent for 40 days, 30 days ago for none; her last gap was 22.
    shop.orders("anna", *rhythm(7, 7, 7, 7, 7, 100, 22, silent=8))
    columns = ("stage_90_days_ago", "stage_30_days_ago", "stage", "returned")
    assert shop.table(STAGES).rows(*columns) == [("defecting", "active", "active", True)]


def test_a_cancelled_order_makes_no_gap(shop):
    # Six days of purchases, of which one is cancelled: five are too few.
    shop.orders("anna", *rhythm(7, 7, 7, 7, 7, silent=5)).refund("anna-3", on=days_before(1), amount=10)
    assert shop.table(STAGES).rows("occasions", "defecting_rule") == [(5, "stand-in")]


def test_a_stage_beside_its_limits_is_refused(limited):
    limited.orders("anna", days_before(5)).snapshot(DAY, STAGES)
    limited.engine.execute(f"UPDATE {STAGES} SET stage = 'defecting'")
    assert limited.failing_checks(STAGES, DAY) == {"stage_follows_the_limits"}
