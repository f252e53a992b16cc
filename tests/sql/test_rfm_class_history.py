"""marts.rfm_class_history: the classes of today over time, each day by what was known then."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

HISTORY = "marts.rfm_class_history"
KEYS = ("measure", "scale", "step")
MEASURES = (
    ("recency", "recency_days", "r_score", "recency_tier"),
    ("frequency", "occasions", "f_score", "frequency_tier"),
    ("monetary", "revenue", "m_score", "monetary_tier"),
)
TIERS = {
    "long": 1, "medium": 2, "short": 3, "casual": 1, "regular": 2, "often": 3, "saver": 1, "average": 2, "spender": 3,
}  # fmt: skip
ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["anna", "bert", "cleo", "dora", None]),
        st.dates(dt.date(2025, 12, 10), dt.date(2026, 3, 10)),
        st.decimals(0, 40, places=2),
        st.one_of(st.none(), st.tuples(st.integers(0, 70), st.sampled_from(["all back", "some back", "parcel"]))),
    ),
    max_size=10,
)
BASE = [
    ("anna", dt.date(2025, 12, 12), Decimal(30), (40, "parcel")),
    ("anna", dt.date(2026, 1, 5), Decimal(20), (30, "all back")),
    ("bert", dt.date(2026, 2, 3), Decimal(10), (10, "some back")),
]
"""In every example: an order that grows, one that is cancelled a month later, one that loses value."""


def days(history):
    """The days the history holds."""
    return sorted({day for (day,) in history.rows("as_of")})


def test_a_snapshot_holds_the_month_ends_since_the_first_occasion(shop):
    shop.orders("anna", "2025-12-05", "2026-02-10")
    history = shop.table(HISTORY, "2026-03-15")
    assert days(history) == ["2025-12-31", "2026-01-31", "2026-02-28", "2026-03-15"]
    assert set(history.rows("cuts_of")) == {("2026-03-15",)}


def test_twelve_month_ends_at_most(shop):
    shop.orders("anna", "2020-01-01")
    month_ends = days(shop.table(HISTORY, "2026-03-31"))
    assert len(month_ends) == 13
    assert (month_ends[0], month_ends[-2:]) == ("2025-03-31", ["2026-02-28", "2026-03-31"])


def test_a_month_end_is_seen_with_what_was_known_then(shop):
    # Anna: 10 on 10 January, 30 on 20 January. The second comes back whole on 5 February, and is none from then on.
    # She is alone, so that every class but the worst is empty, and it holds whatever she had.
    shop.orders("anna", "2026-01-10").orders("anna", "2026-01-20", amount=30).refund(
        "anna-2", on="2026-02-05", amount=30
    )
    history = shop.table(HISTORY, "2026-02-28").where(scale="score", step=1)
    names = ("as_of", "measure", "lowest", "highest", "customers", "orders", "revenue")
    assert history.rows(*names) == [
        ("2026-01-31", "frequency", 2, 2, 1, 2, 40),
        ("2026-01-31", "monetary", 40, 40, 1, 2, 40),
        ("2026-01-31", "recency", 11, 11, 1, 2, 40),
        ("2026-02-28", "frequency", 1, 1, 1, 1, 10),
        ("2026-02-28", "monetary", 10, 10, 1, 1, 10),
        ("2026-02-28", "recency", 49, 49, 1, 1, 10),
    ]


def test_an_occasion_that_changes_and_stands_is_counted_once(shop):
    # Two orders on 10 January, one of which comes back on 5 February; a parcel of the other goes out on 9 February.
    shop.orders("anna", "2026-01-10", "2026-01-10").refund("anna-1", on="2026-02-05", amount=10)
    shop.line("anna-2", on="2026-02-09", customer="anna", amount=7)
    history = shop.table(HISTORY, "2026-03-15").where(measure="frequency", scale="score", step=1)
    assert history.rows("as_of", "lowest", "customers", "orders", "revenue") == [
        ("2026-01-31", 1, 1, 2, 20), ("2026-02-28", 1, 1, 1, 17), ("2026-03-15", 1, 1, 1, 17),
    ]  # fmt: skip


def test_the_past_is_in_the_classes_of_today(shop):
    # 15 February: Anna three times (3, 30 €, 4 days ago), Bert once (1, 5 €, 37 days ago). With n = 2 the worse has
    # score 1 and tier 1, the better score 3 and tier 2; what is better than the worse belongs to the better.
    # 31 January: Anna twice (20 €, 26 days ago), Bert as today but 22 days ago: all are better than today's worst.
    shop.orders("anna", "2026-01-01", "2026-01-05", "2026-02-11").orders("bert", "2026-01-09", amount=5)
    history = shop.table(HISTORY, "2026-02-15")
    names = ("measure", "scale", "step", "label", "customers", "orders", "revenue")

    def held(day):
        rows = history.where(as_of=dt.date.fromisoformat(day)).rows(*names)
        assert len(rows) == 24
        return [row for row in rows if row[4]]

    spent = [
        ("frequency", "score", 1, "1", 1, 1, 5), ("frequency", "score", 3, "3", 1, 3, 30),
        ("frequency", "tier", 1, "casual", 1, 1, 5), ("frequency", "tier", 2, "regular", 1, 3, 30),
        ("monetary", "score", 1, "1", 1, 1, 5), ("monetary", "score", 3, "3", 1, 3, 30),
        ("monetary", "tier", 1, "saver", 1, 1, 5), ("monetary", "tier", 2, "average", 1, 3, 30),
    ]  # fmt: skip
    assert held("2026-02-15") == [
        *spent,
        ("recency", "score", 1, "1", 1, 1, 5), ("recency", "score", 3, "3", 1, 3, 30),
        ("recency", "tier", 1, "long", 1, 1, 5), ("recency", "tier", 2, "medium", 1, 3, 30),
    ]  # fmt: skip
    assert held("2026-01-31") == [
        *((*row[:5], 2, 20) if row[5] == 3 else row for row in spent),
        ("recency", "score", 3, "3", 2, 3, 25), ("recency", "tier", 2, "medium", 2, 3, 25),
    ]  # fmt: skip


def test_worse_than_anybody_today_is_the_worst_class(shop):
    # 28 February: Anna twice, Bert once. 31 January: Anna once, and Bert's order of 50 stood, of which 45 came back.
    shop.orders("anna", "2026-01-05", "2026-02-10").orders("bert", "2026-01-20", amount=50)
    shop.refund("bert-1", on="2026-02-01", amount=45)
    spend = shop.table(HISTORY, "2026-02-28").where(measure="monetary", scale="score")
    # Today Bert 5 (score 1), Anna 20 (3). In January Anna 10 and Bert 50 were both above 5, and so in class 3.
    assert [row for row in spend.rows("as_of", "step", "customers", "lowest", "highest") if row[2]] == [
        ("2026-01-31", 3, 2, 10, 50), ("2026-02-28", 1, 1, 5, 5), ("2026-02-28", 3, 1, 20, 20),
    ]  # fmt: skip
    times = shop.show(HISTORY, "2026-02-28").where(measure="frequency", scale="score")
    assert [row for row in times.rows("as_of", "step", "customers") if row[2]] == [
        ("2026-01-31", 1, 2), ("2026-02-28", 1, 1), ("2026-02-28", 3, 1),
    ]  # fmt: skip


def test_tiers_of_the_settings_hold_on_every_day(shop):
    # On 31 January Anna's last occasion is 10 days ago (short), on 28 February 38 (medium).
    shop.with_settings(tiers={"recency_days": (10, 40), "occasions": (1, 2), "revenue": (10, 20)})
    shop.orders("anna", "2026-01-21", amount=20)
    tiers = shop.table(HISTORY, "2026-02-28").where(scale="tier", customers=1)
    assert tiers.rows("as_of", "label") == [
        ("2026-01-31", "regular"), ("2026-01-31", "short"), ("2026-01-31", "spender"),
        ("2026-02-28", "medium"), ("2026-02-28", "regular"), ("2026-02-28", "spender"),
    ]  # fmt: skip


def test_days_of_recency_hold_on_every_day(shop):
    # Anna's last occasion: 10 days before 31 January (score 5), 38 before 28 February (3), 54 before 16 March (1).
    shop.with_settings(rfm={"recency": (10, 30, 40, 50)}).orders("anna", "2026-01-21")
    scores = shop.table(HISTORY, "2026-03-16").where(measure="recency", scale="score", customers=1)
    assert scores.rows("as_of", "step") == [("2026-01-31", 5), ("2026-02-28", 3), ("2026-03-16", 1)]


def test_a_snapshot_does_not_depend_on_those_before_it(shop):
    # Nor on when a line of January came: Bert's is loaded after the snapshot of January.
    shop.orders("anna", "2026-01-10").snapshot("2026-01-31", HISTORY).orders("bert", "2026-01-11").snapshot(
        "2026-02-10", HISTORY
    )
    told = shop.show(HISTORY, "2026-02-10").rows()
    recency = shop.show(HISTORY, "2026-02-10").where(measure="recency", scale="score", as_of=dt.date(2026, 1, 31))
    assert recency.frame["customers"].sum() == 2
    shop.engine.execute(f"DELETE FROM {HISTORY} WHERE snapshot_date < '2026-02-10'")
    assert shop.table(HISTORY, "2026-02-10").rows() == told


def test_writing_a_snapshot_again_changes_nothing(shop):
    shop.orders("anna", "2026-01-10").snapshot("2026-01-31", HISTORY).snapshot("2026-02-10", HISTORY)
    before = shop.show(HISTORY, "2026-02-10").rows()
    assert shop.snapshot("2026-02-10", HISTORY).show(HISTORY, "2026-02-10").rows() == before


def test_a_day_without_customers_lists_every_class(shop):
    history = shop.orders("anna", "2026-02-01").table(HISTORY, "2026-01-31")
    assert (len(history), history.frame["customers"].sum()) == (24, 0)


@settings(max_examples=8)
@given(told=ORDERS)
def test_a_month_end_holds_the_customers_a_snapshot_on_it_has(shop, told):
    """Customer by customer from the tables of each month end, placed by the cut points of the day in March."""
    shop.emptied()
    for number, (customer, day, amount, news) in enumerate(BASE + told):
        shop.line(f"o{number}", on=day.isoformat(), customer=customer, amount=amount)
        if news:
            later, what = (day + dt.timedelta(news[0])).isoformat(), news[1]
            if what == "parcel":
                shop.line(f"o{number}", on=later, customer=customer, amount=amount)
            else:
                shop.refund(f"o{number}", on=later, amount=amount if what == "all back" else amount / 4)
    history = shop.table(HISTORY, "2026-03-20").frame
    today = shop.show("marts.rfm_scores", "2026-03-20").frame.to_dicts()
    for month_end in sorted(set(history["as_of"])):
        rows = history.filter(history["as_of"] == month_end).select(*KEYS, "customers", "orders", "revenue").iter_rows()
        found = {row[:3]: row[3:] for row in rows if row[3]}
        assert found == placed(shop.table("marts.rfm_scores", month_end.isoformat()).frame.to_dicts(), shop, today)


def placed(then, shop, today):
    """Customers, orders and revenue of every class, added up customer by customer.

    The class of a value is that of the worst customer of today who is as good or better; if nobody is, of the best.
    """
    sums = defaultdict(lambda: (0, 0, 0))
    day = then[0]["snapshot_date"].isoformat() if then else None
    orders = shop.show("marts.customer_summary", day).by_customer("orders") if then else {}
    for row in then:
        for measure, value, score, tier in MEASURES:
            sign = -1 if measure == "recency" else 1
            others = sorted((sign * other[value], other[score], TIERS[other[tier]]) for other in today)
            if not others:
                return {}
            step = next((other for other in others if other[0] >= sign * row[value]), others[-1])
            for key in ((measure, "score", step[1]), (measure, "tier", step[2])):
                customers, of_orders, revenue = sums[key]
                sums[key] = (customers + 1, of_orders + orders[row["customer_id"]], revenue + row["revenue"])
    return dict(sums)


def broken(shop, sql):
    shop.orders("anna", "2026-01-10").snapshot("2026-02-28", HISTORY)
    assert shop.failing_checks(HISTORY, "2026-02-28") == set()
    shop.engine.execute(sql)
    return shop.failing_checks(HISTORY, "2026-02-28")


def test_a_class_too_large_is_refused(shop):
    update = f"UPDATE {HISTORY} SET customers = customers + 1 WHERE measure = 'recency' AND as_of = '2026-01-31'"
    assert broken(shop, update) == {"classes_of_a_scale_hold_the_same_customers"}


def test_a_missing_class_is_refused(shop):
    delete = f"DELETE FROM {HISTORY} WHERE step = 5 AND measure = 'recency' AND as_of = '2026-01-31'"
    assert broken(shop, delete) == {"every_class_of_every_day"}


def test_a_day_that_contradicts_its_thresholds_is_refused(shop):
    update = f"UPDATE {HISTORY} SET lowest = lowest - 1 WHERE as_of = '2026-02-28'"
    assert broken(shop, update) == {"the_day_itself_is_that_of_the_thresholds"}


def test_cdnow_month_ends(cdnow_master):
    # The cohort of 23,570 had all come by the end of March 1997; the history of 1998-06-30 begins with June 1997.
    history = cdnow_master.table(HISTORY).where(measure="frequency", scale="score")
    sizes = {day: history.where(as_of=day).frame["customers"].sum() for day in set(history.frame["as_of"])}
    assert len(sizes) == 13
    assert min(sizes) == dt.date(1997, 6, 30)
    assert set(sizes.values()) == {23_570}
