"""marts.rfm_segments: the group of every customer in each catalogue, from the scores of the day."""

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st

SEGMENTS = "marts.rfm_segments"
LAST_BUYS = st.lists(
    st.tuples(st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 20)), st.integers(1, 6)), min_size=1, max_size=15
)


def test_a_customer_has_the_group_of_their_cell_in_each_catalogue(shop):
    # Five customers, later and more often from a to e: cells 11, 22, 33, 44, 55.
    for number, customer in enumerate("abcde", start=1):
        shop.orders(customer, *(f"2026-{month:02}-0{number}" for month in range(1, number + 1)))
    segments = shop.table(SEGMENTS, snapshot_date="2026-06-30")
    assert segments.where(catalogue="grid").by_customer("segment") == {
        "a": "hibernating", "b": "hibernating", "c": "need_attention", "d": "loyal", "e": "champions",
    }  # fmt: skip
    assert segments.where(catalogue="axonaut").by_customer("segment") == {
        "a": "hibernating", "b": "at_risk", "c": "need_attention", "d": "champions", "e": "champions",
    }  # fmt: skip


def test_the_rank_is_that_of_the_catalogue(shop):
    # One customer, cell 11: hibernating is the last of ten and of seven.
    shop.orders("anna", "2026-01-01")
    assert shop.table(SEGMENTS, "2026-01-31").rows("catalogue", "segment_rank") == [("axonaut", 7), ("grid", 10)]


def test_a_customer_who_is_missing_is_refused(shop):
    shop.orders("anna", "2026-01-01").orders("bert", "2026-01-02").snapshot("2026-01-31", SEGMENTS)
    shop.engine.execute(f"DELETE FROM {SEGMENTS} WHERE customer_id = 'anna' AND catalogue = 'grid'")
    assert shop.failing_checks(SEGMENTS, "2026-01-31") == {"every_customer_in_every_catalogue"}


@settings(max_examples=15)
@given(customers=LAST_BUYS)
def test_every_customer_has_one_group_per_catalogue(shop, customers):
    shop.emptied()
    for number, (last, occasions) in enumerate(customers):
        shop.orders(f"c{number}", *((last - dt.timedelta(days=30 * k)).isoformat() for k in range(occasions)))
    segments = shop.table(SEGMENTS, snapshot_date="2026-01-31")
    everyone = {f"c{number}" for number in range(len(customers))}
    assert set(segments.where(catalogue="grid").by_customer("segment")) == everyone
    assert set(segments.where(catalogue="axonaut").by_customer("segment")) == everyone
    assert len(segments) == 2 * len(everyone)
