"""marts.rfm_class_history: the classes of RFM over time, each day by what was known then."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

HISTORY = "marts.rfm_class_history"
KEYS = ("measure", "scale", "step")
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
    """as_of and computed_on of the days the history holds."""
    return sorted(set(history.rows("as_of", "computed_on")))


def test_the_first_snapshot_computes_the_month_ends_since_the_first_occasion(shop):
    shop.orders("anna", "2025-12-05", "2026-02-10")
    assert days(shop.table(HISTORY, "2026-03-15")) == [
        ("2025-12-31", "2026-03-15"), ("2026-01-31", "2026-03-15"), ("2026-02-28", "2026-03-15"),
        ("2026-03-15", "2026-03-15"),
    ]  # fmt: skip


def test_twelve_month_ends_at_most(shop):
    shop.orders("anna", "2020-01-01")
    month_ends = [day for day, _ in days(shop.table(HISTORY, "2026-03-31"))]
    assert len(month_ends) == 13
    assert (month_ends[0], month_ends[-2:]) == ("2025-03-31", ["2026-02-28", "2026-03-31"])


def test_a_month_end_is_seen_with_what_was_known_then(shop):
    # Anna: 10 on 10 January, 30 on 20 January. The second comes back whole on 5 February, and is none from then on.
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


def test_classes_of_every_measure(shop):
    # January: Anna twice (10 + 10), Bert once (5), later. With n = 2 the better has score 3 and tier 2, the other 1.
    shop.orders("anna", "2026-01-01", "2026-01-05").orders("bert", "2026-01-09", amount=5)
    january = shop.table(HISTORY, "2026-02-15").where(as_of=dt.date(2026, 1, 31))
    assert len(january) == 24
    names = ("measure", "scale", "step", "label", "customers", "orders", "revenue")
    assert [row for row in january.rows(*names) if row[4]] == [
        ("frequency", "score", 1, "1", 1, 1, 5), ("frequency", "score", 3, "3", 1, 2, 20),
        ("frequency", "tier", 1, "casual", 1, 1, 5), ("frequency", "tier", 2, "regular", 1, 2, 20),
        ("monetary", "score", 1, "1", 1, 1, 5), ("monetary", "score", 3, "3", 1, 2, 20),
        ("monetary", "tier", 1, "saver", 1, 1, 5), ("monetary", "tier", 2, "average", 1, 2, 20),
        ("recency", "score", 1, "1", 1, 2, 20), ("recency", "score", 3, "3", 1, 1, 5),
        ("recency", "tier", 1, "long", 1, 2, 20), ("recency", "tier", 2, "medium", 1, 1, 5),
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


def test_later_snapshots_carry_the_rows_on(shop):
    shop.orders("anna", "2026-01-10").snapshot("2026-01-31").snapshot("2026-02-10")
    january = shop.show(HISTORY, "2026-02-10").where(as_of=dt.date(2026, 1, 31)).rows(*KEYS, "customers", "revenue")
    assert days(shop.show(HISTORY, "2026-02-10")) == [("2026-01-31", "2026-01-31"), ("2026-02-10", "2026-02-10")]
    assert january == shop.show(HISTORY, "2026-01-31").rows(*KEYS, "customers", "revenue")


def test_a_carried_day_is_as_it_was_computed(shop):
    # A line of January that an export brings after the snapshot of January changes February, not January's row.
    shop.orders("anna", "2026-01-10").snapshot("2026-01-31").orders("bert", "2026-01-11").snapshot("2026-02-10")
    history = shop.show(HISTORY, "2026-02-10").where(measure="recency", scale="score")
    assert {day: history.where(as_of=day).frame["customers"].sum() for day in set(history.frame["as_of"])} == {
        dt.date(2026, 1, 31): 1, dt.date(2026, 2, 10): 2,
    }  # fmt: skip


def test_month_ends_without_a_snapshot_are_filled_in(shop):
    shop.orders("anna", "2026-01-10").snapshot("2026-01-15").snapshot("2026-03-15")
    assert days(shop.show(HISTORY, "2026-03-15")) == [
        ("2026-01-15", "2026-01-15"), ("2026-01-31", "2026-03-15"), ("2026-02-28", "2026-03-15"),
        ("2026-03-15", "2026-03-15"),
    ]  # fmt: skip


def test_days_that_are_no_month_ends_are_kept_for_92_days(shop):
    # 2 January is 91 days before 3 April, 1 January 92.
    shop.orders("anna", "2026-01-01").snapshot("2026-01-01").snapshot("2026-01-02").snapshot("2026-04-03")
    assert [day for day, _ in days(shop.show(HISTORY, "2026-04-03"))] == [
        "2026-01-02", "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-03",
    ]  # fmt: skip


def test_writing_a_snapshot_again_changes_nothing(shop):
    shop.orders("anna", "2026-01-10").snapshot("2026-01-31").snapshot("2026-02-10")
    before = shop.show(HISTORY, "2026-02-10").rows()
    assert shop.snapshot("2026-02-10").show(HISTORY, "2026-02-10").rows() == before


def test_a_day_without_customers_lists_every_class(shop):
    history = shop.orders("anna", "2026-02-01").table(HISTORY, "2026-01-31")
    assert (len(history), history.frame["customers"].sum()) == (24, 0)


@settings(max_examples=8)
@given(told=ORDERS)
def test_a_month_end_is_what_a_snapshot_on_it_would_have_said(shop, told):
    """The thresholds and scores of each month end, as tables of their own, against the history computed in March."""
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
    for month_end in sorted(set(history["as_of"])):
        day = month_end.isoformat()
        found = {row[:3]: row[3:] for row in history.filter(history["as_of"] == month_end).select(
            *KEYS, "label", "lowest", "highest", "customers", "orders", "revenue").iter_rows()}  # fmt: skip
        thresholds = shop.table("marts.rfm_thresholds", day)
        for *key, label, lowest, highest, customers in thresholds.rows(
            *KEYS, "label", "lowest", "highest", "customers"
        ):
            assert found[tuple(key)][:4] == (label, lowest, highest, customers)
        assert {key: values[4:] for key, values in found.items()} == totals(shop, day)


def totals(shop, day):
    """Orders and revenue of every class, added up customer by customer."""
    sums = defaultdict(lambda: (0, 0))
    sums.update(dict.fromkeys(shop.show("marts.rfm_thresholds", day).rows(*KEYS), (0, 0)))
    summary = {
        row[0]: row[1:] for row in shop.show("marts.customer_summary", day).rows("customer_id", "orders", "revenue")
    }
    steps = {
        "long": 1,
        "medium": 2,
        "short": 3,
        "casual": 1,
        "regular": 2,
        "often": 3,
        "saver": 1,
        "average": 2,
        "spender": 3,
    }
    for row in shop.show("marts.rfm_scores", day).frame.iter_rows(named=True):
        orders, revenue = summary[row["customer_id"]]
        for measure, letter in (("recency", "r"), ("frequency", "f"), ("monetary", "m")):
            for key in ((measure, "score", row[f"{letter}_score"]), (measure, "tier", steps[row[f"{measure}_tier"]])):
                sums[key] = (sums[key][0] + orders, sums[key][1] + revenue)
    return dict(sums)


def broken(shop, sql):
    shop.orders("anna", "2026-01-10").snapshot("2026-02-28")
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
