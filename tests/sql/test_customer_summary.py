"""marts.customer_summary: what is known of a customer at the end of a day, and nothing that came later."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import all_tables

from pipeline.engines.engine import TableRefused

SUMMARY = "marts.customer_summary"
DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 20))
ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["anna", "bert", None]),
        DAYS,
        st.integers(0, 30),
        st.lists(st.tuples(DAYS, st.sampled_from(["refund", "charge"]), st.integers(1, 30)), max_size=3),
    ),
    min_size=1,
    max_size=8,
)


def test_every_column_of_one_customer(shop):
    # Anna: 1 January 50 (two pieces) + postage 5; 11 January 20 + 10 (two orders); 31 January 60; of which 15 came back
    # on 3 February. Seen from 28 February: occasions 3, gaps 10 and 20 days.
    shop.line("o1", on="2026-01-01", customer="anna", amount=50, quantity=2)
    shop.charge("o1", on="2026-01-01", customer="anna", amount=5)
    shop.line("o2", on="2026-01-11", customer="anna", amount=20).line("o3", on="2026-01-11", customer="anna", amount=10)
    shop.line("o4", on="2026-01-31", customer="anna", amount=60).refund("o4", on="2026-02-03", amount=15)
    summary = shop.table(SUMMARY, snapshot_date="2026-02-28")
    assert summary.frame.rows(named=True) == [
        {
            "snapshot_date": dt.date(2026, 2, 28),
            "customer_id": "anna",
            "first_purchase_on": dt.date(2026, 1, 1),
            "last_purchase_on": dt.date(2026, 1, 31),
            "orders": 4,
            "occasions": 3,
            "frequency": 2,
            "active_span_days": 30,
            "recency_days": 28,
            "age_days": 58,
            "monetary_value": 45.0,  # (20 + 10 and 60) / 2: without the first occasion, before refunds
            "revenue": 130,  # 50 + 5 + 20 + 10 + 60 − 15
            "revenue_12_months": 130,
            "refunds": -15,
            "items": 5,
            "mean_order_value": 36.25,  # (55 + 20 + 10 + 60) / 4
            "median_gap_days": 15.0,  # between 10 and 20
        }
    ]


def test_one_occasion_has_no_repeat_value_and_no_gap(shop):
    shop.orders("anna", "2026-01-01", amount=10)
    summary = shop.table(SUMMARY, snapshot_date="2026-01-01")
    names = ("frequency", "active_span_days", "recency_days", "age_days", "monetary_value", "median_gap_days")
    assert summary.rows(*names) == [(0, 0, 0, 0, None, None)]


def test_nothing_after_the_snapshot_date_counts(shop):
    # On the 10th: one order of 10. The order of the 11th, the refund of the 12th and Bert are still to come.
    shop.orders("anna", "2026-01-10", "2026-01-11", amount=10).refund("anna-1", on="2026-01-12", amount=4)
    shop.orders("bert", "2026-01-11")
    summary = shop.table(SUMMARY, snapshot_date="2026-01-10")
    assert summary.rows("customer_id", "orders", "revenue", "refunds", "items") == [("anna", 1, 10, 0, 1)]


def test_an_order_refunded_whole_later_counts_until_then(shop):
    # Two orders; the second comes back on the 20th. On the 19th there are two occasions, on the 20th one.
    shop.orders("anna", "2026-01-01", "2026-01-10").refund("anna-2", on="2026-01-20", amount=10)
    before, after = (shop.table(SUMMARY, snapshot_date=day) for day in ("2026-01-19", "2026-01-20"))
    names = ("occasions", "orders", "last_purchase_on", "recency_days", "revenue")
    assert before.rows(*names) == [(2, 2, "2026-01-10", 9, 20)]
    assert after.rows(*names) == [(1, 1, "2026-01-01", 19, 10)]


def test_what_never_stood_is_neither_sold_nor_refunded(shop):
    # A failed attempt with its refund, an order given back whole, 4 given back of one that stands, a credit note of 3.
    shop.line("failed", on="2026-01-01", customer="anna", amount=30, quantity=7, status="cancelled")
    shop.refund("failed", on="2026-01-01", amount=30)
    shop.orders("anna", "2026-01-02", "2026-01-03", amount=20).refund("anna-1", on="2026-01-08", amount=20)
    shop.refund("anna-2", on="2026-01-08", amount=4)
    shop.line("note", on="2026-01-09", customer="anna", amount=-3, kind="refund", quantity=None)
    names = ("orders", "refunds", "items", "revenue")
    assert shop.table(SUMMARY, snapshot_date="2026-01-07").rows(*names) == [(2, 0, 2, 40)]
    assert shop.table(SUMMARY, snapshot_date="2026-01-09").rows(*names) == [(1, -7, 1, 13)]


def test_a_partial_refund_changes_money_not_timing(shop):
    shop.orders("anna", "2026-01-01", "2026-01-10").refund("anna-2", on="2026-01-20", amount=9)
    summary = shop.table(SUMMARY, snapshot_date="2026-01-31")
    assert summary.rows("occasions", "last_purchase_on", "revenue") == [(2, "2026-01-10", 11)]


def test_an_order_cancelled_by_its_status_never_counted(shop):
    shop.orders("anna", "2026-01-01").orders("anna", "2026-01-10", status="cancelled")
    summary = shop.table(SUMMARY, snapshot_date="2026-01-31")
    assert summary.rows("orders", "occasions", "last_purchase_on") == [(1, 1, "2026-01-01")]


def test_a_customer_whose_only_order_was_cancelled_is_none(shop):
    shop.orders("anna", "2026-01-01").refund("anna-1", on="2026-01-05", amount=10).orders("bert", "2026-01-01")
    assert set(shop.table(SUMMARY, snapshot_date="2026-01-04").by_customer("orders")) == {"anna", "bert"}
    assert set(shop.table(SUMMARY, snapshot_date="2026-01-05").by_customer("orders")) == {"bert"}


def test_a_customer_with_cancellations_only_is_none(shop):
    # As in Online Retail: the cancellation has a number of its own, the order was before the export began.
    shop.line("C1", on="2026-01-05", customer="anna", amount=-20, kind="refund").orders("bert", "2026-01-01")
    assert shop.table(SUMMARY, snapshot_date="2026-01-31").by_customer("revenue") == {"bert": 10}


def test_guests_are_no_customers(shop):
    shop.orders(None, "2026-01-01", amount=99).orders("anna", "2026-01-01")
    assert shop.table(SUMMARY, snapshot_date="2026-01-31").by_customer("revenue") == {"anna": 10}


def test_a_setting_makes_cancelled_orders_occasions(shop):
    shop.with_settings(cancelled_orders_count=True)
    shop.orders("anna", "2026-01-01", "2026-01-10").refund("anna-2", on="2026-01-20", amount=10)
    summary = shop.table(SUMMARY, snapshot_date="2026-01-31")
    assert summary.rows("occasions", "last_purchase_on", "revenue") == [(2, "2026-01-10", 10)]


def test_zero_value_orders_keep_their_timing(shop):
    # Occasions on the 1st (10), 11th (0) and 21st (30): gaps 10 and 10, mean repeat value (0 + 30) / 2.
    shop.orders("anna", "2026-01-01", amount=10).orders("anna", "2026-01-11", amount=0)
    shop.orders("anna", "2026-01-21", amount=30)
    summary = shop.table(SUMMARY, snapshot_date="2026-01-31")
    assert summary.rows("frequency", "median_gap_days", "monetary_value") == [(2, 10, 15)]


def test_free_repeat_orders_have_no_monetary_value(shop):
    shop.orders("anna", "2026-01-01", amount=10).orders("anna", "2026-01-11", amount=0)
    summary = shop.table(SUMMARY, snapshot_date="2026-01-31")
    assert summary.rows("frequency", "monetary_value", "mean_order_value") == [(1, None, 5)]


def test_monetary_value_is_before_refunds(shop):
    shop.orders("anna", "2026-01-01", "2026-01-11", amount=40).refund("anna-2", on="2026-01-12", amount=30)
    assert shop.table(SUMMARY, snapshot_date="2026-01-31").one("monetary_value") == 40


def test_the_first_occasion_is_left_out_whole(shop):
    # Both orders of the first day are its first occasion: only the 7 of the second day are repeat.
    shop.orders("anna", "2026-01-01", "2026-01-01", amount=100).orders("anna", "2026-01-02", amount=7)
    assert shop.table(SUMMARY, snapshot_date="2026-01-31").one("monetary_value") == 7


@pytest.mark.parametrize(
    ("day", "counted"), [("2025-12-31", 0), ("2026-01-01", 10), ("2026-12-31", 10)], ids=["366th", "365th", "today"]
)
def test_the_last_twelve_months_are_365_days_with_the_snapshot_date(shop, day, counted):
    # 2026-12-31 is day 1 of the window, 2026-01-01 its 365th.
    shop.orders("anna", day, amount=10)
    summary = shop.table(SUMMARY, snapshot_date="2026-12-31")
    assert summary.rows("revenue", "revenue_12_months") == [(10, counted)]


def test_the_median_of_an_odd_number_of_gaps_is_the_middle_one(shop):
    # Gaps 1, 2 and 30 days.
    shop.orders("anna", "2026-01-01", "2026-01-02", "2026-01-04", "2026-02-03")
    assert shop.table(SUMMARY, snapshot_date="2026-02-28").one("median_gap_days") == 2


def test_charges_count_in_revenue_only(shop):
    shop.orders("anna", "2026-01-01", amount=10).charge("fee", on="2026-01-20", customer="anna", amount=3)
    summary = shop.table(SUMMARY, snapshot_date="2026-01-31")
    assert summary.rows("occasions", "orders", "revenue", "mean_order_value") == [(1, 1, 13, 10)]


def test_a_later_parcel_of_an_order_is_not_known_before(shop):
    # The second order: 20 on the 11th, a second parcel of 80 on the 15th. On the 12th only 20 are known.
    shop.orders("anna", "2026-01-01", amount=10)
    shop.line("o2", on="2026-01-11", customer="anna", amount=20).line("o2", on="2026-01-15", customer="anna", amount=80)
    summary = shop.table(SUMMARY, snapshot_date="2026-01-12")
    assert summary.rows("revenue", "monetary_value", "mean_order_value") == [(30, 20, 15)]


def test_an_order_filled_again_later_is_cancelled_in_between(shop):
    # 10 sold on the 1st, given back on the 5th, 20 sold under the same number on the 9th: on the 6th there is nothing.
    shop.orders("anna", "2026-01-01", amount=10).refund("anna-1", on="2026-01-05", amount=10)
    shop.line("anna-1", on="2026-01-09", customer="anna", amount=20)
    assert len(shop.table(SUMMARY, snapshot_date="2026-01-06")) == 0


@settings(max_examples=25)
@given(orders=ORDERS, snapshot_date=DAYS)
def test_the_future_changes_nothing(shop, orders, snapshot_date):
    """The partition of D is the same whether or not the lines after D have been loaded already."""

    def told(until):
        shop.emptied()
        for number, (customer, day, amount, bookings) in enumerate(orders):
            lines = [(day, "sale", amount)]
            lines += [(max(day, on), kind, value if kind == "charge" else -value) for on, kind, value in bookings]
            for on, kind, value in lines:
                if on <= until:
                    shop.line(f"o{number}", on=on.isoformat(), customer=customer, amount=value, kind=kind)
        return shop.table(SUMMARY, snapshot_date.isoformat()).rows()

    assert told(until=snapshot_date) == told(until=dt.date.max)


@settings(max_examples=25)
@given(orders=ORDERS)
def test_timing_adds_up(shop, orders):
    shop.emptied()
    for customer, day, amount, _ in orders:
        shop.orders(customer, day.isoformat(), amount=amount)
    summary = shop.table(SUMMARY, snapshot_date="2026-01-31")
    days = {
        customer: sorted({day for who, day, *_ in orders if who == customer}) for customer, *_ in orders if customer
    }
    assert summary.by_customer("frequency") == {customer: len(on) - 1 for customer, on in days.items()}
    assert summary.by_customer("active_span_days") == {customer: (on[-1] - on[0]).days for customer, on in days.items()}
    assert summary.by_customer("age_days") == {c: (dt.date(2026, 1, 31) - on[0]).days for c, on in days.items()}


def broken(shop, sql):
    shop.orders("anna", "2026-01-01", "2026-01-05").orders(None, "2026-01-02").snapshot("2026-01-31", SUMMARY)
    assert shop.failing_checks(SUMMARY, "2026-01-31") == set()
    shop.engine.execute(sql)
    return shop.failing_checks(SUMMARY, "2026-01-31")


def test_a_doubled_customer_is_refused(shop):
    doubled = f"INSERT INTO {SUMMARY} SELECT * FROM {SUMMARY}"
    assert "keys_unique" in broken(shop, doubled)


def test_revenue_that_does_not_reconcile_is_refused(shop):
    assert broken(shop, f"UPDATE {SUMMARY} SET revenue = revenue + 0.01") == {"revenue_reconciles"}


def test_spans_that_do_not_add_up_are_refused(shop):
    assert broken(shop, f"UPDATE {SUMMARY} SET recency_days = recency_days + 1") == {"spans_add_up"}


def test_a_value_out_of_its_range_is_refused(shop):
    assert broken(shop, f"UPDATE {SUMMARY} SET frequency = -1") == {"columns_fit"}


def test_a_missing_value_is_refused(shop):
    assert broken(shop, f"UPDATE {SUMMARY} SET first_purchase_on = NULL") == {"columns_fit"}


def test_what_is_refused_changes_nothing(shop):
    # The same SELECT with every customer twice: what was written stands rolled back.
    shop.orders("anna", "2026-01-01").snapshot("2026-01-31", SUMMARY)
    table = all_tables()[SUMMARY]
    doubled = table.select.replace(
        "FROM rhythm\n", "FROM (SELECT * FROM rhythm UNION ALL SELECT * FROM rhythm) AS rhythm\n"
    )
    assert doubled != table.select
    with pytest.raises(TableRefused, match=r"marts\.customer_summary was not changed.*keys_unique"):
        shop.engine.write(replace(table, select=doubled), dt.date(2026, 1, 31))
    assert shop.show(SUMMARY, "2026-01-31").by_customer("orders") == {"anna": 1}
