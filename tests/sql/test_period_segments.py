"""marts.period_segments: the customers of one period, scored as if nothing were known outside it."""

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st

PERIOD = "marts.period_segments"
ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["anna", "bert", "cleo", "dora", "eli", "finn"]),
        st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 28)),
        st.decimals(0, 40, places=1),
        st.one_of(st.none(), st.integers(1, 20)),
    ),
    min_size=1,
    max_size=12,
)


def test_only_what_happened_in_the_period_counts(shop):
    # Period 10 to 20 January. Anna: 12th (10), 18th (10, of which 4 back on the 20th; 3 more on the 21st do not count).
    # Bert: 10th, 5. Cleo bought before and after. With n = 2: R, F and M of Anna 1 + 5 · 1/2 = 3, of Bert 1.
    shop.with_settings(period="2026-01-10:2026-01-20")
    shop.orders("anna", "2026-01-01", "2026-01-12", "2026-01-18", "2026-01-21")
    shop.refund("anna-3", on="2026-01-20", amount=4).refund("anna-3", on="2026-01-21", amount=3)
    shop.orders("bert", "2026-01-10", amount=5).orders("cleo", "2026-01-09", "2026-01-21", amount=99)
    period = shop.table(PERIOD, snapshot_date="2026-01-31")
    assert period.rows("customer_id", "recency_days", "occasions", "orders", "revenue") == [
        ("anna", 2, 2, 2, 16), ("bert", 10, 1, 1, 5),
    ]  # fmt: skip
    assert period.rows("customer_id", "r_score", "f_score", "m_score", "grid_segment", "axonaut_segment") == [
        ("anna", 3, 3, 3, "need_attention", "need_attention"),
        ("bert", 1, 1, 1, "hibernating", "hibernating"),
    ]
    assert set(period.rows("period_from", "period_to")) == {("2026-01-10", "2026-01-20")}


def test_the_last_365_days_unless_set(shop):
    # On 31 December 2026 they begin on 1 January.
    shop.orders("anna", "2025-12-31").orders("bert", "2026-01-01")
    period = shop.table(PERIOD, snapshot_date="2026-12-31")
    assert period.rows("customer_id", "period_from", "period_to", "recency_days") == [
        ("bert", "2026-01-01", "2026-12-31", 364)
    ]


def test_both_catalogues_with_their_ranks(shop):
    # Five customers with 1 … 5 occasions, the more the later: scores 11 to 55 in both measures.
    for number, customer in enumerate("abcde", start=1):
        shop.orders(customer, *(f"2026-01-{number * 5 - n:02d}" for n in range(number)))
    period = shop.table(PERIOD, snapshot_date="2026-01-31")
    assert period.rows("customer_id", "grid_segment", "grid_rank", "axonaut_segment", "axonaut_rank") == [
        ("a", "hibernating", 10, "hibernating", 7),
        ("b", "hibernating", 10, "at_risk", 6),
        ("c", "need_attention", 6, "need_attention", 4),
        ("d", "loyal", 2, "champions", 1),
        ("e", "champions", 1, "champions", 1),
    ]


def test_an_order_cancelled_after_the_period_is_none_once_that_is_known(shop):
    shop.with_settings(period="2026-01-01:2026-01-10")
    shop.orders("anna", "2026-01-02").orders("bert", "2026-01-03").refund("bert-1", on="2026-01-20", amount=10)
    assert set(shop.table(PERIOD, snapshot_date="2026-01-19").by_customer("revenue")) == {"anna", "bert"}
    assert set(shop.table(PERIOD, snapshot_date="2026-01-20").by_customer("revenue")) == {"anna"}


def test_a_period_that_is_not_over_has_nobody(shop):
    shop.with_settings(period="2026-01-01:2026-02-10").orders("anna", "2026-01-02")
    assert len(shop.table(PERIOD, snapshot_date="2026-02-09")) == 0
    assert len(shop.table(PERIOD, snapshot_date="2026-02-10")) == 1


def test_guests_are_nobody(shop):
    shop.orders(None, "2026-01-02").orders("anna", "2026-01-02")
    assert set(shop.table(PERIOD, snapshot_date="2026-01-31").by_customer("orders")) == {"anna"}


@settings(max_examples=20)
@given(told=ORDERS)
def test_over_the_whole_history_the_scores_are_those_of_rfm_scores(shop, told):
    shop.emptied().with_settings(period="2026-01-01:2026-01-31")
    for number, (customer, day, amount, returned_after) in enumerate(told):
        shop.line(f"o{number}", on=day.isoformat(), customer=customer, amount=amount)
        if returned_after:
            back = day + dt.timedelta(returned_after)
            shop.refund(f"o{number}", on=back.isoformat(), amount=amount)
    names = ("customer_id", "recency_days", "occasions", "revenue", "r_score", "f_score", "m_score")
    scores = shop.table("marts.rfm_scores", snapshot_date="2026-01-31").rows(*names)
    assert shop.table(PERIOD, snapshot_date="2026-01-31").rows(*names) == scores
    segments = shop.table("marts.rfm_segments", snapshot_date="2026-01-31")
    for catalogue in ("grid", "axonaut"):
        expected = segments.where(catalogue=catalogue).by_customer("segment")
        assert shop.show(PERIOD, "2026-01-31").by_customer(f"{catalogue}_segment") == expected


def test_a_customer_of_the_period_who_is_missing_is_refused(shop):
    shop.orders("anna", "2026-01-02").orders("bert", "2026-01-03").snapshot("2026-01-31", PERIOD)
    shop.engine.execute(f"DELETE FROM {PERIOD} WHERE customer_id = 'anna'")
    assert shop.failing_checks(PERIOD, "2026-01-31") == {"every_customer_of_the_period"}


def test_cdnow_last_365_days(cdnow_master):
    # 1 July 1997 to 30 June 1998: those of the 23,570 who bought again after the cohort had been gathered.
    period = cdnow_master.table(PERIOD)
    buyers = cdnow_master.select(
        "SELECT DISTINCT customer_id FROM staging.order_lines WHERE ordered_on BETWEEN '1997-07-01' AND '1998-06-30'"
    )
    assert set(period.frame["customer_id"]) == set(buyers.frame["customer_id"])
    assert 5_000 < len(period) < 23_570
