"""marts.revenue_calendar: revenue by day, week and month, what its change is due to, and where its peaks are.

1 January 2026 is a Thursday: the first week of these stories is 29 December to 4 January.
"""

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

CALENDAR = "marts.revenue_calendar"
DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2026, 2, 20))
LINES = st.lists(
    st.tuples(
        DAYS,
        st.sampled_from(["anna", "bert", None]),
        st.decimals(0, 40, places=2),
        st.lists(st.tuples(DAYS, st.sampled_from(["refund", "charge"]), st.decimals(0, 30, places=2)), max_size=2),
    ),
    min_size=1,
    max_size=10,
)
EFFECTS = ("order_number_effect", "order_value_effect", "other_effect")


def kind(shop, period_kind, snapshot_date="2026-01-04"):
    return shop.table(CALENDAR, snapshot_date=snapshot_date).where(period_kind=period_kind)


def test_every_day_from_the_first_line_to_the_snapshot(shop):
    # 1st: Anna 50 (two pieces) + postage 5, Bert 20: 75, 37.50 an order. 2nd: nothing. 3rd: a guest 15, 10 back: 5.
    shop.line("o1", on="2026-01-01", customer="anna", amount=50, quantity=2)
    shop.charge("o1", on="2026-01-01", customer="anna", amount=5).orders("bert", "2026-01-01", amount=20)
    shop.orders(None, "2026-01-03", amount=15).refund("o1", on="2026-01-03", amount=10)
    days = kind(shop, "day")
    names = ("starts_on", "ends_on", "revenue", "orders", "order_revenue", "mean_order_value", "buyers", "items")
    assert days.rows(*names) == [
        ("2026-01-01", "2026-01-01", 75, 2, 75, 37.5, 2, 3),
        ("2026-01-02", "2026-01-02", 0, 0, 0, None, 0, 0),
        ("2026-01-03", "2026-01-03", 5, 1, 15, 15.0, 0, 1),
        ("2026-01-04", "2026-01-04", 0, 0, 0, None, 0, 0),
    ]
    assert set(days.frame["is_complete"]) == {True}


def test_weeks_begin_on_monday_and_months_on_the_first(shop):
    shop.orders("anna", "2026-01-01", "2026-01-11", "2026-01-12", "2026-02-03")
    names = ("starts_on", "ends_on", "orders", "is_complete")
    assert kind(shop, "week", "2026-02-03").rows(*names) == [
        ("2025-12-29", "2026-01-04", 1, False),  # begins before the first line
        ("2026-01-05", "2026-01-11", 1, True),
        ("2026-01-12", "2026-01-18", 1, True),
        ("2026-01-19", "2026-01-25", 0, True),
        ("2026-01-26", "2026-02-01", 0, True),
        ("2026-02-02", "2026-02-08", 1, False),  # is not over
    ]
    assert kind(shop, "month", "2026-02-03").rows(*names) == [
        ("2026-01-01", "2026-01-31", 3, True),
        ("2026-02-01", "2026-02-28", 1, False),
    ]


def test_a_buyer_counts_once_a_period(shop):
    # Anna on three days of January, two of them in one week; Bert once; a guest is nobody.
    shop.orders("anna", "2026-01-05", "2026-01-07", "2026-01-20").orders("bert", "2026-01-07").orders(
        None, "2026-01-08"
    )
    assert kind(shop, "week", "2026-01-31").rows("starts_on", "buyers") == [
        ("2026-01-05", 2), ("2026-01-12", 0), ("2026-01-19", 1), ("2026-01-26", 0),
    ]  # fmt: skip
    assert kind(shop, "month", "2026-01-31").one("buyers") == 2


def test_orders_are_those_that_stand_as_of_the_snapshot(shop):
    # Bought on the 1st, given back whole on the 5th. Revenue stays on its days; from the 5th on the order is none.
    shop.orders("anna", "2026-01-01").refund("anna-1", on="2026-01-05", amount=10)
    names = ("starts_on", "revenue", "orders", "order_revenue", "buyers")
    assert kind(shop, "day", "2026-01-04").rows(*names)[0] == ("2026-01-01", 10, 1, 10, 1)
    after = kind(shop, "day", "2026-01-05").rows(*names)
    assert (after[0], after[-1]) == (("2026-01-01", 10, 0, 0, 0), ("2026-01-05", -10, 0, 0, 0))


def test_the_change_is_split_into_number_and_value_of_orders(shop):
    # 2 orders of 10, then 3 of 20: ΔN · mean(v) = 1 · 15, Δv · mean(N) = 10 · 2.5: together the 40 more.
    shop.orders("anna", "2026-01-01", "2026-01-01").orders("bert", *["2026-01-02"] * 3, amount=20)
    assert kind(shop, "day", "2026-01-02").rows(*EFFECTS)[0] == (15, 25, 0)


def test_the_value_effect_takes_the_rounding(shop):
    # 3 orders of 10 in all, then 2 of 10 in all: −1 · (3.333… + 5) / 2 = −4.1666…, and no change to explain.
    shop.orders("anna", "2026-01-01", "2026-01-01", amount=3).orders("anna", "2026-01-01", amount=4)
    shop.orders("anna", "2026-01-02", "2026-01-02", amount=5)
    assert kind(shop, "day", "2026-01-02").rows(*EFFECTS)[0] == (Decimal("-4.17"), Decimal("4.17"), 0)


def test_a_day_without_orders_puts_all_into_their_number(shop):
    # 75, nothing, then 15 of which 10 are taken off by a refund of the first order.
    shop.orders("anna", "2026-01-01", amount=75).orders("bert", "2026-01-03", amount=15)
    shop.refund("anna-1", on="2026-01-03", amount=10)
    effects = kind(shop, "day", "2026-01-03").rows("starts_on", *EFFECTS)
    assert effects == [
        ("2026-01-01", None, None, None), ("2026-01-02", -75, 0, 0), ("2026-01-03", 15, 0, -10),
    ]  # fmt: skip


def test_a_period_that_is_not_complete_is_not_compared(shop):
    shop.orders("anna", "2026-01-02", "2026-02-02", "2026-03-02", "2026-04-02")
    months = kind(shop, "month", "2026-04-15").rows("starts_on", "is_complete", "order_number_effect")
    assert months == [
        ("2026-01-01", False, None), ("2026-02-01", True, None), ("2026-03-01", True, 0), ("2026-04-01", False, None),
    ]  # fmt: skip


def test_the_peak_is_the_period_with_the_highest_revenue(shop):
    shop.orders("anna", "2026-01-01", amount=20).orders("anna", "2026-01-02", amount=50)
    shop.orders("bert", "2026-01-03", amount=20)
    assert kind(shop, "day", "2026-01-03").rows("starts_on", "peak_rank") == [
        ("2026-01-01", 2), ("2026-01-02", 1), ("2026-01-03", 2),
    ]  # fmt: skip


def test_an_order_that_is_cancelled_later_makes_no_peak(shop):
    # 5,000 on 31 March with goods for 1,000, cancelled on 2 April; 80 on 1 February and 20 on 1 April for 10 each.
    # Until the cancellation, March is the best; then February is, though revenue and margin of March stay as booked.
    shop.line("big", on="2026-03-31", customer="anna", amount=5000, unit_cost=Decimal(1000))
    shop.line("o2", on="2026-02-01", customer="bert", amount=80, unit_cost=Decimal(10))
    shop.line("o3", on="2026-04-01", customer="bert", amount=20, unit_cost=Decimal(10))
    shop.refund("big", on="2026-04-02", amount=5000)
    names = ("starts_on", "revenue", "order_revenue", "margin", "peak_rank", "margin_rank")
    assert kind(shop, "month", "2026-04-01").rows(*names) == [
        ("2026-02-01", 80, 80, 70, 2, 2), ("2026-03-01", 5000, 5000, 4000, 1, 1), ("2026-04-01", 20, 20, 10, 3, 3),
    ]  # fmt: skip
    assert kind(shop, "month", "2026-04-30").rows(*names) == [
        ("2026-02-01", 80, 80, 70, 1, 1), ("2026-03-01", 5000, 0, 4000, 3, 3), ("2026-04-01", -4980, 20, -3990, 2, 2),
    ]  # fmt: skip
    assert kind(shop, "day", "2026-04-30").where(peak_rank=1).one("starts_on") == "2026-02-01"


def test_margin_when_every_cost_is_known(shop):
    # 1st: two pieces for 20 that cost 4 each, one of which comes back for 10: 10 − (8 − 4) = 6. 2nd: 50 − 49 = 1.
    cost = {"unit_cost": Decimal(4)}
    shop.line("o1", on="2026-01-01", customer="anna", amount=20, quantity=2, **cost)
    shop.line("o1", on="2026-01-01", customer="anna", amount=-10, kind="refund", quantity=-1, **cost)
    shop.line("o2", on="2026-01-02", customer="anna", amount=50, unit_cost=Decimal(49))
    names = ("starts_on", "costed_share", "cost", "margin", "margin_rank", "peak_rank")
    assert kind(shop, "day", "2026-01-03").rows(*names) == [
        ("2026-01-01", 1.0, 4, 6, 1, 2),  # the moment of highest profit is not the peak of revenue
        ("2026-01-02", 1.0, 49, 1, 2, 1),
        ("2026-01-03", None, 0, 0, 3, 3),
    ]
    assert kind(shop, "month", "2026-01-03").one("margin") == 7


def test_what_is_void_costs_nothing_from_the_day_it_is(shop):
    # 1st: two orders of 50 that cost 30 each, and a failed one of unknown cost. One comes back whole on the 3rd, of
    # which the export tells money only: its goods are back, too.
    for order in ("kept", "back"):
        shop.line(order, on="2026-01-01", customer="anna", amount=50, unit_cost=Decimal(30))
    shop.line("failed", on="2026-01-01", customer="anna", amount=80, status="cancelled")
    shop.refund("failed", on="2026-01-01", amount=80).refund("back", on="2026-01-03", amount=50)
    names = ("starts_on", "revenue", "items", "costed_share", "cost", "margin")
    assert shop.table(CALENDAR, "2026-01-02").where(period_kind="day", orders=2).rows(*names) == [
        ("2026-01-01", 100, 2, 1, 60, 40),
    ]  # fmt: skip
    assert shop.table(CALENDAR, "2026-01-03").where(period_kind="day").rows(*names) == [
        ("2026-01-01", 100, 1, 1, 60, 40), ("2026-01-02", 0, 0, None, 0, 0), ("2026-01-03", -50, 0, None, -30, -20),
    ]  # fmt: skip


def test_a_sale_without_a_cost_makes_the_margin_unknown(shop):
    shop.orders("anna", "2026-01-01", unit_cost=Decimal(4)).orders("bert", "2026-01-01")
    shop.orders("cleo", "2026-01-02", unit_cost=Decimal(4))
    names = ("starts_on", "costed_share", "cost", "margin", "margin_rank")
    assert kind(shop, "day", "2026-01-02").rows(*names) == [
        ("2026-01-01", 0.5, None, None, None),
        ("2026-01-02", 1.0, 4, 6, 1),
    ]
    assert kind(shop, "month", "2026-01-02").one("margin") is None


def test_a_shop_without_costs_has_no_margin_on_empty_days_either(shop):
    shop.orders("anna", "2026-01-01", "2026-01-03")
    assert set(kind(shop, "day", "2026-01-03").frame["margin"]) == {None}


def test_no_lines_no_calendar(shop):
    shop.orders("anna", "2026-02-01")
    assert len(shop.table(CALENDAR, snapshot_date="2026-01-31")) == 0


@settings(max_examples=15)
@given(told=LINES)
def test_the_calendar_is_what_was_told(shop, told):
    """Revenue recomputed line by line; the effects recomputed with fractions, and adding up to the cent."""
    booked = tell(shop.emptied(), told)
    snapshot = dt.date(2026, 2, 10)
    calendar = shop.table(CALENDAR, snapshot_date=snapshot.isoformat())
    expected: dict[tuple[str, dt.date], Decimal] = defaultdict(Decimal)
    for day, amount in booked:
        if day <= snapshot:
            starts = {"day": day, "week": day - dt.timedelta(day.weekday()), "month": day.replace(day=1)}
            for name, start in starts.items():
                expected[name, start] += amount
    for row in calendar.frame.iter_rows(named=True):
        assert row["revenue"] == expected.pop((row["period_kind"], row["starts_on"]), 0)
    assert not any(expected.values())
    for name in ("day", "week", "month"):
        rows = calendar.frame.filter(calendar.frame["period_kind"] == name).sort("starts_on").rows(named=True)
        for before, row in pairwise(rows):
            assert_split(before, row)


def assert_split(before, row):
    number, value, other = (row[name] for name in EFFECTS)
    if number is None:
        assert not (before["is_complete"] and row["is_complete"])
        return
    assert number + value == row["order_revenue"] - before["order_revenue"]
    assert number + value + other == row["revenue"] - before["revenue"]
    n0, n1 = before["orders"], row["orders"]
    if n0 and n1:
        v0, v1 = Fraction(before["order_revenue"]) / n0, Fraction(row["order_revenue"]) / n1
        assert abs(Fraction(number) - (n1 - n0) * (v0 + v1) / 2) <= Fraction("0.005000001")
        assert abs(Fraction(value) - (v1 - v0) * Fraction(n0 + n1, 2)) <= Fraction("0.005000001")
    else:
        assert value == 0


def tell(shop, told):
    """Book the orders; returns every line as (day, amount)."""
    booked = []
    for number, (day, customer, amount, later) in enumerate(told):
        shop.line(f"o{number}", on=day.isoformat(), customer=customer, amount=amount)
        booked.append((day, amount))
        for when, what, much in later:
            signed = -much if what == "refund" else much
            shop.line(f"o{number}", on=when.isoformat(), customer=customer, amount=signed, kind=what, quantity=None)
            booked.append((when, signed))
    return booked


def broken(shop, sql):
    shop.orders("anna", "2026-01-01", "2026-01-02", "2026-01-03").snapshot("2026-01-03", CALENDAR)
    shop.engine.execute(sql)
    return shop.failing_checks(CALENDAR, "2026-01-03")


def test_revenue_that_is_not_booked_is_refused(shop):
    update = f"UPDATE {CALENDAR} SET revenue = revenue + 1 WHERE period_kind = 'month'"
    assert broken(shop, update) == {"revenue_is_that_of_the_lines"}


def test_a_kind_that_is_missing_is_refused(shop):
    assert broken(shop, f"DELETE FROM {CALENDAR} WHERE period_kind = 'week'") == {"revenue_is_that_of_the_lines"}


def test_an_order_too_many_is_refused(shop):
    update = f"UPDATE {CALENDAR} SET orders = orders + 1 WHERE period_kind = 'month'"
    assert broken(shop, update) == {"orders_are_those_that_stand"}


def test_a_hole_is_refused(shop):
    update = f"UPDATE {CALENDAR} SET starts_on = starts_on + 1, ends_on = ends_on + 1 WHERE starts_on = '2026-01-03'"
    assert "periods_follow_each_other" in broken(shop, update)


def test_effects_that_do_not_add_up_are_refused(shop):
    update = f"UPDATE {CALENDAR} SET order_value_effect = order_value_effect + 0.01"
    assert broken(shop, update) == {"effects_add_up"}


# ── CDNOW ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_cdnow_months(cdnow_master):
    months = cdnow_master.table(CALENDAR).where(period_kind="month")
    assert len(months) == 18
    assert sum(months.frame["revenue"]) == Decimal("2500315.63")
    assert set(months.frame["is_complete"]) == {True}
    assert set(months.frame["margin"]) == {None}
    # The cohort was gathered in the first quarter of 1997: its best month is one of these, and all orders are bought.
    best = months.where(peak_rank=1).one("starts_on")
    assert "1997-01-01" <= best <= "1997-03-01"


def test_cdnow_buyers_of_the_days_are_the_occasions(cdnow_master):
    days = cdnow_master.table(CALENDAR).where(period_kind="day")
    assert len(days) == (dt.date(1998, 6, 30) - dt.date(1997, 1, 1)).days + 1
    assert days.frame["buyers"].sum() == 67_591


def test_online_retail_months(online_retail):
    # The busiest month is November, before Christmas; the last one ends on 9 December and is not over.
    months = online_retail.table(CALENDAR).where(period_kind="month")
    assert len(months) == 13
    assert sum(months.frame["revenue"]) == Decimal("9747747.93")
    assert months.where(peak_rank=1).one("starts_on") == "2011-11-01"
    assert months.where(is_complete=False).rows("starts_on", "order_number_effect") == [("2011-12-01", None)]
