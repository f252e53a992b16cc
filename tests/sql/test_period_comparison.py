"""marts.period_comparison and its two companions: what changed from period A to period B, for whom, and why.

In most stories the history is 1 to 20 January 2026: A is 1 to 10 January, B 11 to 20 January.
"""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

COMPARISON = "marts.period_comparison"
CUSTOMERS = "marts.period_comparison_customers"
SEGMENTS = "marts.period_comparison_segments"
END = "2026-01-20"
DATES = ("a_from", "a_to", "b_from", "b_to")
EFFECTS = ("customers_effect", "frequency_effect", "order_value_effect")
A, B = "2026-01-03:2026-01-08", "2026-01-11:2026-01-19"

ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["anna", "bert", "cleo", "dora", None]),
        st.sampled_from([0, 365]),
        st.integers(0, 18),
        st.decimals(1, 40, places=2),
        st.one_of(st.none(), st.tuples(st.integers(0, 10), st.sampled_from([Fraction(1), Fraction(1, 2)]))),
    ),
    max_size=14,
)
BASE = [
    (customer, back, day, Decimal(amount), None)
    for back in (0, 365)
    for customer, day, amount in [("anna", 0, 5), ("anna", 3, 7), ("bert", 5, 9), ("anna", 12, 11), ("anna", 14, 29)]
]
"""Both years have orders in both periods, so that every example has a change to split, and the history covers all."""


def asked(shop, snapshot_date=END):
    return shop.table(COMPARISON, snapshot_date).where(pair="asked")


def year_earlier(shop, snapshot_date=END):
    return shop.table(COMPARISON, snapshot_date).where(pair="year_earlier")


# ── which periods ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_halves_of_the_history_unless_set(shop):
    shop.orders("anna", "2026-01-01")
    assert asked(shop).rows(*DATES, "a_days", "b_days", "set_by", "status") == [
        ("2026-01-01", "2026-01-10", "2026-01-11", "2026-01-20", 10, 10, "history", "compared")
    ]


def test_the_odd_day_left_out_is_the_first(shop):
    shop.orders("anna", "2026-01-01")
    assert asked(shop, "2026-01-21").rows(*DATES) == [("2026-01-02", "2026-01-11", "2026-01-12", "2026-01-21")]


def test_a_history_of_one_day_or_none_cannot_be_compared(shop):
    shop.orders("anna", "2026-01-02")
    for day in ("2026-01-01", "2026-01-02"):
        comparison = shop.table(COMPARISON, day)
        assert comparison.rows("pair", *DATES, "status", "revenue_change") == [
            ("asked", None, None, None, None, "insufficient_data", None),
            ("year_earlier", None, None, None, None, "insufficient_data", None),
        ]


def test_periods_of_the_settings(shop):
    shop.with_settings(compare=f"{A},{B}").orders("anna", "2026-01-01")
    assert asked(shop).rows(*DATES, "a_days", "b_days", "set_by") == [
        ("2026-01-03", "2026-01-08", "2026-01-11", "2026-01-19", 6, 9, "settings")
    ]


@pytest.mark.parametrize(
    ("compare", "status"),
    [
        ("2026-01-01:2026-01-05,2026-01-06:2026-01-20", "compared"),
        ("2025-12-31:2026-01-05,2026-01-06:2026-01-20", "partly_covered"),
        ("2025-12-01:2025-12-31,2026-01-06:2026-01-20", "insufficient_data"),
        ("2026-01-01:2026-01-05,2026-01-06:2026-01-21", "insufficient_data"),
    ],
)
def test_periods_the_history_does_not_cover(shop, compare, status):
    # The history is 1 to 20 January.
    shop.with_settings(compare=compare).orders("anna", "2026-01-01", "2026-01-20")
    comparison = asked(shop)
    assert comparison.one("status") == status
    unknown = status == "insufficient_data"
    assert (comparison.one("a_customers") is None, comparison.one("customers_effect") is None) == (unknown, unknown)
    assert len(shop.table(CUSTOMERS, END)) == (0 if unknown else 1)
    assert len(shop.table(SEGMENTS, END)) == (0 if unknown else 12)


def test_the_same_dates_a_year_earlier(shop):
    # 2025: 5 in A, 15 in B. 2026: 10 in A, 40 in B: three quarters of the change were there last year, too.
    shop.with_settings(compare=f"{A},{B}").orders("anna", "2025-01-03", amount=5).orders(
        "anna", "2025-01-19", amount=15
    )
    shop.orders("anna", "2026-01-03", amount=10).orders("anna", "2026-01-19", amount=40)
    assert year_earlier(shop).rows(*DATES, "status", "a_revenue", "b_revenue") == [
        ("2025-01-03", "2025-01-08", "2025-01-11", "2025-01-19", "compared", 5, 15)
    ]
    assert asked(shop).rows("a_revenue", "b_revenue") == [(10, 40)]


def test_a_year_earlier_that_is_not_covered_whole_is_unknown(shop):
    shop.with_settings(compare=f"{A},{B}").orders("anna", "2025-01-04", "2025-01-19", "2026-01-03")
    assert year_earlier(shop).rows("status", "a_revenue") == [("insufficient_data", None)]


# ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_figures_of_both_periods(shop):
    # A: Anna 10 + 10, Bert 20: 2 customers, 3 orders. B: Anna 40 less 4, Cleo 5: 2 customers, 2 orders, 41.
    shop.orders("anna", "2026-01-01", "2026-01-05").orders("bert", "2026-01-10", amount=20)
    shop.orders("anna", "2026-01-11", amount=40).refund("anna-3", on="2026-01-20", amount=4)
    shop.orders("cleo", "2026-01-20", amount=5)
    comparison = asked(shop)
    names = ("a_customers", "b_customers", "kept_customers", "lost_customers", "new_customers", "a_orders", "b_orders")
    assert comparison.rows(*names) == [(2, 2, 1, 1, 1, 3, 2)]
    assert comparison.rows("a_revenue", "b_revenue", "revenue_change") == [(40, 41, 1)]
    assert comparison.rows("a_orders_per_customer", "b_orders_per_customer", "b_order_value") == [(1.5, 1.0, 20.5)]


def test_the_change_is_split_by_shapley(shop):
    # A: 2 customers, 1 order each, of 10: 20. B: 4 customers, 2 orders each, of 20: 160.
    # ΔC = 2: 2 · [(1·10 + 2·20)/3 + (1·20 + 2·10)/6] = 46.666…; Δf = 1: [(2·10 + 4·20)/3 + (2·20 + 4·10)/6] = 46.666…;
    # the order value has what is left of 140.
    for customer in "ab":
        shop.orders(customer, "2026-01-01")
    for customer in "abcd":
        shop.orders(customer, "2026-01-11", "2026-01-20", amount=20)
    assert asked(shop).rows(*EFFECTS) == [(Decimal("46.67"), Decimal("46.67"), Decimal("46.66"))]


def test_one_factor_alone_has_all_of_the_change(shop):
    # The same two customers, one order each; only the value rises from 10 to 25.
    for customer in "ab":
        shop.orders(customer, "2026-01-01").orders(customer, "2026-01-11", amount=25)
    assert asked(shop).rows(*EFFECTS) == [(0, 0, 30)]


def test_a_period_without_orders_puts_all_into_customers(shop):
    shop.orders("anna", "2026-01-01", amount=30).orders("bert", "2026-01-02")
    assert asked(shop).rows("b_customers", "b_order_value", *EFFECTS) == [(0, None, -40, 0, 0)]


def test_negative_revenue_is_split_like_any_other(shop):
    # A: 10. B: an order of 10, and 25 back for that of A and it: −15. C and f are 1: all is order value.
    shop.orders("anna", "2026-01-01", "2026-01-11").line(
        "C1", on="2026-01-12", customer="anna", amount=-25, kind="refund"
    )
    assert asked(shop).rows("b_revenue", *EFFECTS) == [(-15, 0, 0, -25)]


def test_guests_and_customers_without_an_occasion_stand_apart(shop):
    # A: Anna 10, a guest 7, Bert 20. B: Bert has 5 of his order back, Anna buys for 10, a guest for 8.
    shop.orders("anna", "2026-01-01", "2026-01-11").orders(None, "2026-01-02", amount=7).orders(
        None, "2026-01-12", amount=8
    )
    shop.orders("bert", "2026-01-03", amount=20).refund("bert-1", on="2026-01-13", amount=5)
    comparison = asked(shop)
    assert comparison.rows("a_revenue", "a_guest_revenue", "a_other_revenue", "a_total_revenue") == [(30, 7, 0, 37)]
    assert comparison.rows("b_revenue", "b_guest_revenue", "b_other_revenue", "b_total_revenue") == [(10, 8, -5, 13)]


def test_an_order_cancelled_later_is_none_once_that_is_known(shop):
    shop.with_settings(compare="2026-01-01:2026-01-05,2026-01-06:2026-01-10")
    shop.orders("anna", "2026-01-02", "2026-01-07").refund("anna-1", on="2026-01-15", amount=10)
    names = ("a_customers", "a_orders", "a_revenue", "a_other_revenue")
    assert asked(shop, "2026-01-14").rows(*names) == [(1, 1, 10, 0)]
    assert asked(shop, "2026-01-15").rows(*names) == [(0, 0, 0, 10)]


# ── customers and segments ────────────────────────────────────────────────────────────────────────────────────────────


def test_better_worse(shop):
    # Two customers in each period: the one who is later and more often has 33 (need attention, 6th), the other 11
    # (hibernating, 10th). A: Anna on the 2nd and 5th, Bert on the 3rd. B: Bert on the 13th and 14th, Anna on the 12th.
    shop.orders("anna", "2026-01-02", "2026-01-05", "2026-01-12").orders(
        "bert", "2026-01-03", "2026-01-13", "2026-01-14"
    )
    customers = shop.orders("guest-of-day-one", "2026-01-01").with_settings(
        compare="2026-01-02:2026-01-10,2026-01-11:2026-01-20"
    ).table(CUSTOMERS, END)  # fmt: skip
    names = ("customer_id", "a_segment", "b_segment", "evolution", "a_segment_rank", "b_segment_rank")
    assert customers.rows(*names) == [
        ("anna", "need_attention", "hibernating", "worse", 6, 10),
        ("bert", "hibernating", "need_attention", "better", 10, 6),
    ]


@pytest.fixture
def moves(shop):
    """A: Anna 10 and 10 (33), Bert 30 (11). B: Anna 15 and 15 (33), Cleo 5 (11); Bert is lost, and has 2 back."""
    shop.orders("anna", "2026-01-01", "2026-01-05").orders("bert", "2026-01-03", amount=30)
    shop.orders("anna", "2026-01-12", "2026-01-15", amount=15).orders("cleo", "2026-01-13", amount=5)
    return shop.refund("bert-1", on="2026-01-14", amount=2)


def test_same_lost_new(moves):
    customers = moves.table(CUSTOMERS, END)
    assert customers.rows("customer_id", "a_segment", "b_segment", "evolution") == [
        ("anna", "need_attention", "need_attention", "same"),
        ("bert", "hibernating", "lost", "lost"),
        ("cleo", None, "hibernating", "new"),
    ]
    assert customers.rows("customer_id", "a_orders", "b_orders", "orders_change", "a_occasions", "b_occasions") == [
        ("anna", 2, 2, 0, 2, 2), ("bert", 1, 0, -1, 1, 0), ("cleo", 0, 1, 1, 0, 1),
    ]  # fmt: skip
    assert customers.rows("customer_id", "a_revenue", "b_revenue", "revenue_change") == [
        ("anna", 20, 30, 10), ("bert", 30, -2, -32), ("cleo", 0, 5, 5),
    ]  # fmt: skip


def test_who_did_not_buy_in_a_need_not_be_new(shop):
    # A: 3 to 8 January, B: 11 to 15 January, and then to the 20th nothing but what has happened since. Not in A: Cleo,
    # first in B; Dora, first on the day after A and again in B; Emil, first before A. Lost: Bert, who has bought since,
    # and Finn, who has not; what Gina bought in between is neither in A nor in B.
    shop.with_settings(compare="2026-01-03:2026-01-08,2026-01-11:2026-01-15")
    shop.orders("anna", "2026-01-03", "2026-01-11").orders("bert", "2026-01-08", "2026-01-16")
    shop.orders("cleo", "2026-01-11", "2026-01-17").orders("dora", "2026-01-09", "2026-01-15")
    shop.orders("emil", "2026-01-02", "2026-01-09", "2026-01-12").orders("finn", "2026-01-05", "2026-01-10")
    shop.orders("gina", "2026-01-09")
    assert shop.table(CUSTOMERS, END).rows("customer_id", "evolution", "arrival", "bought_since") == [
        ("anna", "same", None, False),
        ("bert", "lost", None, True),
        ("cleo", "new", "first purchase in B", True),
        ("dora", "new", "first purchase between A and B", False),
        ("emil", "new", "back after a pause", False),
        ("finn", "lost", None, False),
    ]


def test_a_first_order_that_was_cancelled_is_no_first_purchase(shop):
    # Anna's order before A is cancelled on the 14th; her first that stands is in B.
    shop.with_settings(compare=f"{A},{B}").orders("bert", "2026-01-01").orders("anna", "2026-01-02", "2026-01-12")
    shop.refund("anna-1", on="2026-01-14", amount=10)
    arrivals = [shop.table(CUSTOMERS, day).by_customer("arrival") for day in ("2026-01-19", "2026-01-20")]
    assert arrivals == [{"anna": "first purchase in B"}] * 2
    shop.emptied().orders("bert", "2026-01-01").orders("anna", "2026-01-02", "2026-01-12")
    assert shop.table(CUSTOMERS, END).by_customer("arrival") == {"anna": "back after a pause"}


def test_segments_in_both_periods(moves):
    segments = moves.table(SEGMENTS, END)
    names = ("segment", "a_customers", "b_customers", "customers_change", "a_revenue", "b_revenue", "revenue_change")
    inhabited = [row for row in segments.rows(*names) if row[1] or row[2]]
    assert inhabited == [
        ("hibernating", 1, 1, 0, 30, 5, -25),
        ("lost", 0, 1, 1, 0, -2, -2),
        ("need_attention", 1, 1, 0, 20, 30, 10),
        ("not_in_a", 1, 0, -1, 0, 0, 0),
    ]
    became = ("segment", "became_better", "stayed", "became_worse", "became_lost", "arrived", "lost_revenue")
    assert [row for row in segments.rows(*became) if any(row[1:])] == [
        ("hibernating", 0, 0, 0, 1, 1, 30),
        ("need_attention", 0, 1, 0, 0, 0, 0),
    ]


def test_every_segment_is_listed_best_first_then_lost_and_not_in_a(moves):
    segments = moves.table(SEGMENTS, END)
    ranks = segments.by("segment_rank", "segment")
    assert [ranks[rank] for rank in sorted(ranks)] == [
        "champions", "loyal", "potential_loyalist", "new", "promising", "need_attention", "about_to_sleep", "cant_lose",
        "at_risk", "hibernating", "lost", "not_in_a",
    ]  # fmt: skip


def test_the_settings_choose_whose_groups_are_compared(moves):
    segments = moves.with_settings(catalogue="axonaut").table(SEGMENTS, END)
    ranks = segments.by("segment_rank", "segment")
    assert [ranks[rank] for rank in sorted(ranks)] == [
        "champions", "regulars", "new", "need_attention", "cant_lose", "at_risk", "hibernating", "lost", "not_in_a",
    ]  # fmt: skip
    assert moves.table(CUSTOMERS, END).by_customer("a_segment_rank") == {"anna": 4, "bert": 7, "cleo": None}


# ── recomputed ────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=12)
@given(told=ORDERS)
def test_everything_recomputed(shop, told):
    """Both pairs by hand from the orders told, the split with fractions, and the groups by period_segments."""
    told = BASE + told
    lines = tell(shop.emptied().with_settings(compare=f"{A},{B}"), told)
    comparison = shop.table(COMPARISON, END)
    for pair, years in (("asked", 0), ("year_earlier", 1)):
        row = comparison.where(pair=pair).frame.row(0, named=True)
        assert row["status"] == "compared"
        assert_figures(row, told, lines, years)
    customers = shop.table(CUSTOMERS, END)
    for side, period in (("a", A), ("b", B)):
        scored = shop.with_settings(compare=f"{A},{B}", period=period).table("marts.period_segments", END)
        found = {
            customer: segment for customer, segment in customers.rows("customer_id", f"{side}_segment")
            if segment not in (None, "lost")
        }  # fmt: skip
        assert found == scored.by_customer("grid_segment")


def assert_figures(row, told, lines, years):
    sides = []
    for period in (A, B):
        first, last = (dt.date.fromisoformat(day) - years * dt.timedelta(365) for day in period.split(":"))
        booked = [(customer, amount) for customer, day, amount in lines if first <= day <= last]
        orders = [customer for customer, day in standing(told) if first <= day <= last and customer]
        revenue = sum(amount for customer, amount in booked if customer in orders)
        sides.append((len(set(orders)), len(orders), revenue, sum(amount for _, amount in booked)))
    (c0, n0, r0, total0), (c1, n1, r1, total1) = sides
    names = ("a_customers", "a_orders", "a_revenue", "a_total_revenue")
    assert tuple(row[name] for name in names) == (c0, n0, r0, total0)
    assert tuple(row[name.replace("a_", "b_", 1)] for name in names) == (c1, n1, r1, total1)
    assert row["lost_customers"] == row["a_customers"] - row["kept_customers"]
    assert sum(row[name] for name in EFFECTS) == r1 - r0
    exact = shapley((c0, Fraction(n0, c0), r0 / n0), (c1, Fraction(n1, c1), r1 / n1)) if n0 and n1 else (r1 - r0, 0, 0)
    for name, part in zip(EFFECTS, exact, strict=True):
        assert abs(Fraction(row[name]) - part) <= Fraction("0.010000001")


def shapley(before, after):
    """Shapley's value of a product of three, from its definition: the mean over the six orders of changing them."""
    parts = [Fraction(0)] * 3
    for order in permutations(range(3)):
        now = list(before)
        for factor in order:
            was = now[0] * now[1] * now[2]
            now[factor] = after[factor]
            parts[factor] += Fraction(now[0] * now[1] * now[2] - was) / 6
    return parts


def tell(shop, told):
    """Book the orders; returns every line as (customer, day, amount)."""
    lines = []
    for number, (customer, back, day, amount, refund) in enumerate(told):
        on = dt.date(2026, 1, 1) + dt.timedelta(day - back)
        shop.line(f"o{number}", on=on.isoformat(), customer=customer, amount=amount)
        lines.append((customer, on, Fraction(amount)))
        if refund:
            later, much = on + dt.timedelta(refund[0]), refunded(amount, refund)
            shop.refund(f"o{number}", on=later.isoformat(), amount=much)
            lines.append((customer, later, -Fraction(much)))
    return [line for line in lines if line[1] <= dt.date.fromisoformat(END)]


def refunded(amount, refund):
    return (amount * refund[1].numerator / refund[1].denominator).quantize(Decimal("0.01"))


def standing(told):
    """(customer, day) of the orders that stand on the last day."""
    for customer, back, day, amount, refund in told:
        on = dt.date(2026, 1, 1) + dt.timedelta(day - back)
        known = refund and on + dt.timedelta(refund[0]) <= dt.date.fromisoformat(END)
        if not (known and amount > 0 and refunded(amount, refund) >= amount):
            yield customer, on


# ── checks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("table", "change", "failing"),
    [
        (COMPARISON, "SET a_total_revenue = a_total_revenue + 1", {"revenue_is_that_of_the_lines", "revenue_adds_up"}),
        (COMPARISON, "SET frequency_effect = frequency_effect + 0.01", {"effects_add_up"}),
        (COMPARISON, "SET b_guest_revenue = b_guest_revenue + 0.01", {"revenue_adds_up"}),
        (COMPARISON, "SET status = 'insufficient_data'", {"figures_or_insufficient_data"}),
        (CUSTOMERS, "SET a_revenue = a_revenue + 1 WHERE customer_id = 'anna'", {"adds_up_to_the_comparison"}),
        (CUSTOMERS, "SET evolution = 'same' WHERE evolution = 'lost'", {"adds_up_to_the_comparison"}),
        (CUSTOMERS, "SET arrival = NULL WHERE customer_id = 'cleo'", {"arrivals_are_those_not_in_a"}),
        (SEGMENTS, "SET b_customers = b_customers + 1 WHERE segment = 'new'", {"both_sides_hold_everyone"}),
        (SEGMENTS, "SET stayed = stayed + 1", {"everyone_of_a_became_something"}),
    ],
)
def test_what_does_not_add_up_is_refused(moves, table, change, failing):
    moves.snapshot(END, table, COMPARISON)
    assert moves.failing_checks(table, END) == set()
    moves.engine.execute(f"UPDATE {table} {change}")
    assert moves.failing_checks(table, END) == failing


def test_a_missing_pair_is_refused(moves):
    moves.snapshot(END, COMPARISON)
    moves.engine.execute(f"DELETE FROM {COMPARISON} WHERE pair = 'asked'")
    assert moves.failing_checks(COMPARISON, END) == {"both_pairs"}


# ── CDNOW ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_cdnow_halves(cdnow_master):
    # 546 days, halves of 273. All 23,570 came in the first quarter of 1997: nobody is new, and most do not come back.
    row = cdnow_master.table(COMPARISON).where(pair="asked")
    assert row.rows(*DATES) == [("1997-01-01", "1997-09-30", "1997-10-01", "1998-06-30")]
    assert row.one("a_customers") == 23_570
    assert row.one("new_customers") == 0
    assert row.one("a_total_revenue") + row.one("b_total_revenue") == Decimal("2500315.63")
    assert row.one("customers_effect") < 0
    assert cdnow_master.table(COMPARISON).where(pair="year_earlier").one("status") == "insufficient_data"
    customers = cdnow_master.table(CUSTOMERS)
    assert len(customers.where(evolution="lost")) == row.one("lost_customers") > 10_000


def test_online_retail_reconciles(online_retail):
    # 374 days, halves of 187. Guests, and customers of whom a half holds cancellations only, stand apart in the totals.
    row = online_retail.table(COMPARISON).where(pair="asked")
    assert row.rows(*DATES) == [("2010-12-01", "2011-06-05", "2011-06-06", "2011-12-09")]
    assert row.one("a_total_revenue") + row.one("b_total_revenue") == Decimal("9747747.93")
    assert row.one("a_guest_revenue") + row.one("b_guest_revenue") == Decimal("1447682.12")
    assert row.one("a_other_revenue") < 0
