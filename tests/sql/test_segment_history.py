"""marts.segment_changes and marts.segment_events: who moved since the latest earlier snapshot, and what is at stake.

Two customers in all stories, Anna and Bert. With n = 2 a score is 1 (nobody worse, or equal) or 3 (the other is worse),
so the cells are 11 hibernating, 13 at risk, 31 about to sleep and 33 need attention (grid), best first: need attention
(rank 6), about to sleep (7), at risk (9), hibernating (10).
"""

import pytest

CHANGES, EVENTS = "marts.segment_changes", "marts.segment_events"
JANUARY, FEBRUARY, MARCH = "2026-01-31", "2026-02-28", "2026-03-31"


@pytest.fixture
def anna_overtakes(shop):
    """January: Bert bought last, once each: Anna 11, Bert 31. February: Anna bought again: Anna 33, Bert 11."""
    return shop.orders("anna", "2026-01-01", "2026-02-10", amount=10).orders("bert", "2026-01-02", amount=25)


def changes(shop, snapshot_date):
    rows = shop.show(CHANGES, snapshot_date).where(catalogue="grid")
    return rows.rows("customer_id", "segment", "previous_segment", "previous_snapshot_date", "changed_on")


def events(shop, snapshot_date):
    rows = shop.show(EVENTS, snapshot_date).where(catalogue="grid")
    return rows.rows("customer_id", "from_segment", "to_segment", "direction", "previous_snapshot_date")


def test_the_first_snapshot_has_no_past(anna_overtakes):
    shop = anna_overtakes.snapshot(JANUARY, CHANGES, EVENTS)
    assert changes(shop, JANUARY) == [
        ("anna", "hibernating", None, None, JANUARY),
        ("bert", "about_to_sleep", None, None, JANUARY),
    ]
    assert events(shop, JANUARY) == []


def test_moves_name_the_snapshot_they_are_compared_with(anna_overtakes):
    shop = anna_overtakes.snapshot(JANUARY, CHANGES, EVENTS).snapshot(FEBRUARY, CHANGES, EVENTS)
    assert changes(shop, FEBRUARY) == [
        ("anna", "need_attention", "hibernating", JANUARY, FEBRUARY),
        ("bert", "hibernating", "about_to_sleep", JANUARY, FEBRUARY),
    ]
    assert events(shop, FEBRUARY) == [
        ("anna", "hibernating", "need_attention", "better", JANUARY),
        ("bert", "about_to_sleep", "hibernating", "worse", JANUARY),
    ]


def test_who_stays_keeps_the_day_of_the_change(anna_overtakes):
    shop = (
        anna_overtakes.snapshot(JANUARY, CHANGES, EVENTS)
        .snapshot(FEBRUARY, CHANGES, EVENTS)
        .snapshot(MARCH, CHANGES, EVENTS)
    )
    assert changes(shop, MARCH) == [
        ("anna", "need_attention", "need_attention", FEBRUARY, FEBRUARY),
        ("bert", "hibernating", "hibernating", FEBRUARY, FEBRUARY),
    ]
    assert events(shop, MARCH) == []


def reasons(shop, snapshot_date):
    return shop.show(EVENTS, snapshot_date).where(catalogue="grid").by_customer("reason")


def test_an_order_or_time_without_one_is_the_reason_of_a_move(anna_overtakes):
    # Anna, who ordered, goes up; Bert, who did not, has the lower recency score, and his number of days is the lower.
    shop = anna_overtakes.snapshot(JANUARY, CHANGES, EVENTS).snapshot(FEBRUARY, CHANGES, EVENTS)
    assert reasons(shop, FEBRUARY) == {"anna": "order", "bert": "time"}


def test_who_moves_because_others_did_is_told_so(shop):
    # Cleo, the longest silent, has one of five behind her in days with an order: 1 + 5/5 = 2, cell 12. In February
    # Gus comes with two days, and it is one of six: 1 + 5/6 = 1, cell 11. Nobody ordered longer ago, then
    # as before: 1. In Axonaut's seven these are at risk and hibernating.
    shop.orders("cleo", "2026-01-01", "2026-01-02").orders("anna", "2026-01-03")
    for day, name in enumerate(("dora", "eva", "finn"), start=4):
        shop.orders(name, f"2026-01-0{day}", f"2026-01-1{day}")
    shop.orders("gus", "2026-02-01", "2026-02-02")
    shop.snapshot(JANUARY, CHANGES, EVENTS).snapshot(FEBRUARY, CHANGES, EVENTS)
    moved = shop.show(EVENTS, FEBRUARY).where(catalogue="axonaut")
    assert moved.by_customer("to_segment")["cleo"] == "hibernating"
    assert moved.by_customer("reason") == {
        "cleo": "limits", "dora": "time", "eva": "time", "finn": "time", "gus": "order",
    }  # fmt: skip


def test_what_came_back_is_a_correction_and_moves_others_by_the_limits(shop):
    # January: Anna 33, Bert 11. Her second order comes back whole in February: Anna 11, and Bert, who did nothing, 31.
    shop.orders("anna", "2026-01-01", "2026-01-10").orders("bert", "2026-01-05")
    shop.refund("anna-2", on="2026-02-05", amount=10)
    shop.snapshot(JANUARY, CHANGES, EVENTS).snapshot(FEBRUARY, CHANGES, EVENTS)
    assert {row[0]: row[3] for row in events(shop, FEBRUARY)} == {"anna": "worse", "bert": "better"}
    assert reasons(shop, FEBRUARY) == {"anna": "correction", "bert": "limits"}


def test_of_the_trend_no_reason_is_told(shop):
    shop.orders("anna", "2026-01-01", "2026-01-02", "2026-02-05")
    shop.orders("bert", "2026-01-03", "2026-02-01", "2026-02-02", "2026-02-03").snapshot(JANUARY, CHANGES, EVENTS)
    shop.snapshot(FEBRUARY, CHANGES, EVENTS)
    by_catalogue = shop.show(EVENTS, FEBRUARY).rows("catalogue", "reason")
    assert all((reason is None) == (catalogue == "activity_trend") for catalogue, reason in by_catalogue)


def test_a_new_customer_enters(shop):
    # February: Bert appears, later than Anna. Anna (11) stays, Bert (31) enters.
    shop.orders("anna", "2026-01-01").orders("bert", "2026-02-02").snapshot(JANUARY, CHANGES, EVENTS).snapshot(
        FEBRUARY, CHANGES, EVENTS
    )
    assert changes(shop, FEBRUARY) == [
        ("anna", "hibernating", "hibernating", JANUARY, JANUARY),
        ("bert", "about_to_sleep", None, JANUARY, FEBRUARY),
    ]
    assert events(shop, FEBRUARY) == [("bert", None, "about_to_sleep", "entered", JANUARY)]


def test_a_customer_whose_purchase_was_cancelled_leaves_and_enters_again(shop):
    # Bert's only order is refunded on 5 February; he buys again in March.
    shop.orders("anna", "2026-01-01").orders("bert", "2026-01-02").refund("bert-1", on="2026-02-05", amount=10)
    shop.orders("bert", "2026-03-03").snapshot(JANUARY, CHANGES, EVENTS).snapshot(FEBRUARY, CHANGES, EVENTS).snapshot(
        MARCH, CHANGES, EVENTS
    )
    assert [row[0] for row in changes(shop, FEBRUARY)] == ["anna"]
    assert events(shop, MARCH) == [("bert", None, "about_to_sleep", "entered", FEBRUARY)]


def test_a_return_to_an_earlier_group_is_a_change(shop):
    # Bert leads in January, Anna in February, Bert again in March (occasions Anna 2, Bert 2; Bert later: Anna 11).
    shop.orders("anna", "2026-01-01", "2026-02-10").orders("bert", "2026-01-02", "2026-03-03")
    shop.snapshot(JANUARY, CHANGES, EVENTS).snapshot(FEBRUARY, CHANGES, EVENTS).snapshot(MARCH, CHANGES, EVENTS)
    assert changes(shop, MARCH) == [
        ("anna", "hibernating", "need_attention", FEBRUARY, MARCH),
        ("bert", "about_to_sleep", "hibernating", FEBRUARY, MARCH),
    ]


def test_the_group_before_stays_with_who_stays(shop):
    # As above until March; in April nobody buys.
    shop.orders("anna", "2026-01-01", "2026-02-10").orders("bert", "2026-01-02", "2026-03-03")
    shop.snapshot(JANUARY, CHANGES, EVENTS).snapshot(FEBRUARY, CHANGES, EVENTS)
    names = ("customer_id", "segment_before", "changed_on")
    assert shop.show(CHANGES, JANUARY).where(catalogue="grid").rows(*names) == [
        ("anna", None, JANUARY), ("bert", None, JANUARY),
    ]  # fmt: skip
    shop.snapshot(MARCH, CHANGES, EVENTS).snapshot("2026-04-30", CHANGES, EVENTS)
    moved = [("anna", "need_attention", MARCH), ("bert", "hibernating", MARCH)]
    assert shop.show(CHANGES, MARCH).where(catalogue="grid").rows(*names) == moved
    assert shop.show(CHANGES, "2026-04-30").where(catalogue="grid").rows(*names) == moved


def test_catalogues_have_histories_of_their_own(shop):
    # January: Anna twice and earlier (13), Bert once and later (31). February: Anna three times and last (31), Bert
    # four times (13). They change places: a move in the grid, none in Axonaut's seven, where both cells are at risk.
    shop.orders("anna", "2026-01-01", "2026-01-02", "2026-02-05")
    shop.orders("bert", "2026-01-03", "2026-02-01", "2026-02-02", "2026-02-03").snapshot(
        JANUARY, CHANGES, EVENTS
    ).snapshot(FEBRUARY, CHANGES, EVENTS)
    moved = shop.show(EVENTS, FEBRUARY).rows("catalogue", "customer_id", "direction")
    assert moved == [("grid", "anna", "better"), ("grid", "bert", "worse")]
    assert shop.show(CHANGES, FEBRUARY).where(customer_id="anna").by("catalogue", "changed_on") == {
        "grid": FEBRUARY, "axonaut": JANUARY, "activity_trend": JANUARY,
    }  # fmt: skip


def test_at_stake_is_the_revenue_of_the_last_365_days(shop):
    # Bert: 100 on 1 January 2025 (out of the window on 28 February 2026), 25 on 2 January 2026, of which 5 came back.
    shop.orders("anna", "2026-01-01", "2026-02-10").orders("bert", "2025-01-01", amount=100)
    shop.orders("bert", "2026-01-02", amount=25).refund("bert-2", on="2026-01-20", amount=5)
    shop.snapshot(JANUARY, CHANGES, EVENTS).snapshot(FEBRUARY, CHANGES, EVENTS)
    assert shop.show(EVENTS, FEBRUARY).where(catalogue="grid").by_customer("revenue_12_months") == {
        "anna": 20,
        "bert": 20,
    }


def test_a_snapshot_written_in_between_counts_once_the_later_one_is_rewritten(anna_overtakes):
    # First January and March, then February in between, then March again.
    shop = anna_overtakes.snapshot(JANUARY, CHANGES, EVENTS).snapshot(MARCH, CHANGES, EVENTS)
    assert changes(shop, MARCH)[0] == ("anna", "need_attention", "hibernating", JANUARY, MARCH)
    shop.snapshot(FEBRUARY, CHANGES, EVENTS)
    assert changes(shop, FEBRUARY)[0] == ("anna", "need_attention", "hibernating", JANUARY, FEBRUARY)
    shop.snapshot(MARCH, CHANGES, EVENTS)
    assert changes(shop, MARCH)[0] == ("anna", "need_attention", "need_attention", FEBRUARY, FEBRUARY)
    assert events(shop, MARCH) == []


def test_writing_a_snapshot_again_changes_nothing(anna_overtakes):
    shop = anna_overtakes.snapshot(JANUARY, CHANGES, EVENTS).snapshot(FEBRUARY, CHANGES, EVENTS)
    before = changes(shop, FEBRUARY), events(shop, FEBRUARY)
    shop.snapshot(FEBRUARY, CHANGES, EVENTS)
    assert (changes(shop, FEBRUARY), events(shop, FEBRUARY)) == before


def test_an_event_that_is_no_move_is_refused(anna_overtakes):
    shop = anna_overtakes.snapshot(JANUARY, CHANGES, EVENTS).snapshot(FEBRUARY, CHANGES, EVENTS)
    shop.engine.execute(f"UPDATE {EVENTS} SET from_segment = to_segment")
    assert shop.failing_checks(EVENTS, FEBRUARY) == {"only_moves"}


def test_a_doubled_change_is_refused(anna_overtakes):
    shop = anna_overtakes.snapshot(JANUARY, CHANGES, EVENTS)
    shop.engine.execute(f"INSERT INTO {CHANGES} SELECT * FROM {CHANGES} LIMIT 1")
    assert shop.failing_checks(CHANGES, JANUARY) == {"keys_unique"}
