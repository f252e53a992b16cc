"""marts.kpis: key figures of months, quarters and years beside targets and the periods before."""

import math

import pytest
from statsmodels.stats.proportion import proportion_confint

from pipeline.tables.catalog import tables
from pipeline.tables.inputs import INPUTS

TABLE = "marts.kpis"
RATES = ("repeat_share_of_buyers", "one_time_share_of_buyers", "repeat_share_of_revenue", "one_time_share_of_revenue")


@pytest.fixture
def year(shop):
    """January: Anna twice, Bert, a guest. February: Anna and Cleo. March: Bert, and half of his January comes back."""
    shop.orders("anna", "2026-01-01", "2026-01-20", amount=10).orders("bert", "2026-01-05", amount=40)
    shop.orders(None, "2026-01-31", amount=100)
    shop.orders("anna", "2026-02-10", amount=30).orders("cleo", "2026-02-28", amount=10)
    return shop.orders("bert", "2026-03-15", amount=60).refund("bert-1", on="2026-03-20", amount=20)


def values(rows, period):
    return rows.where(period=period).by("kpi", "value")


def test_a_month_by_hand(year):
    # Anna has two occasions by the end of January and is a repeat buyer with 20 of the buyers' 60; 160 with the guest.
    january = values(year.table(TABLE, "2026-06-30"), "2026-01")
    assert january == pytest.approx({
        "revenue": 160, "orders": 4, "buyers": 2, "new_buyers": 2, "repeat_buyers": 1, "repeat_share_of_buyers": 1 / 2,
        "one_time_share_of_buyers": 1 / 2, "repeat_share_of_revenue": 1 / 3, "one_time_share_of_revenue": 2 / 3,
        "mean_order_value": 40, "orders_per_buyer": 3 / 2, "revenue_per_buyer": 30, "refund_share": 0,
        "retention_90d": 1,  # Anna after 19 days, Bert after 69
    })  # fmt: skip


def test_refunds_count_in_their_own_month(year):
    # March: 60 − 20 booked, by Bert alone, who has bought before; the order itself was of 60.
    march = values(year.table(TABLE, "2026-06-30"), "2026-03")
    assert (march["revenue"], march["mean_order_value"], march["revenue_per_buyer"]) == (40, 60, 40)
    assert march["refund_share"] == pytest.approx(20 / 60)
    assert (march["new_buyers"], march["repeat_share_of_buyers"], march["retention_90d"]) == (0, 1, None)


def test_orders_that_never_stood_are_neither_sold_nor_refunded(year):
    # March still is 60 sold and 20 given back, whatever failed, was cancelled or came back whole beside it; a credit
    # note of its own gives back 10 more.
    year.line("failed", on="2026-03-02", customer="cleo", amount=500, status="cancelled")
    year.refund("failed", on="2026-03-02", amount=500)
    year.orders("cleo", "2026-03-03", amount=70).refund("cleo-2", on="2026-03-10", amount=70)
    assert values(year.table(TABLE, "2026-06-30"), "2026-03")["refund_share"] == pytest.approx(20 / 60)
    year.line("note", on="2026-03-25", customer="anna", amount=-10, kind="refund")
    assert values(year.table(TABLE, "2026-06-30"), "2026-03")["refund_share"] == pytest.approx(30 / 60)
    assert values(year.table(TABLE, "2026-06-30"), "2026-03")["revenue"] == 30


def test_an_order_counts_as_sold_until_it_is_given_back_whole(shop):
    # 10 of 40 back on the 5th, the rest on the 20th.
    shop.orders("anna", "2026-01-01", amount=40).orders("bert", "2026-01-01", amount=60)
    shop.refund("anna-1", on="2026-01-05", amount=10).refund("anna-1", on="2026-01-20", amount=30)
    for day, share in (("2026-01-04", 0), ("2026-01-19", 0.1), ("2026-01-31", 0)):
        assert values(shop.table(TABLE, day), "2026-01")["refund_share"] == pytest.approx(share), day


def test_no_refund_is_zero_and_not_minus_zero(year):
    share = values(year.table(TABLE, "2026-06-30"), "2026-01")["refund_share"]
    assert math.copysign(1, share) == 1


def test_a_quarter_counts_a_customer_once(year):
    # Anna and Bert have more than one occasion by the end of March, Cleo one: 10 of 130 − 20 are hers.
    quarter = values(year.table(TABLE, "2026-06-30"), "2026-Q1")
    assert (quarter["buyers"], quarter["repeat_buyers"], quarter["orders_per_buyer"]) == (3, 2, 2)
    assert quarter["one_time_share_of_revenue"] == pytest.approx(10 / 140)
    assert values(year.show(TABLE, "2026-06-30"), "2026")["revenue"] == 240


def test_periods_have_their_days(year):
    rows = year.table(TABLE, "2026-03-31").where(kpi="revenue")
    assert rows.rows("period", "period_kind", "starts_on", "ends_on", "is_open", "is_complete") == [
        ("2026", "year", "2026-01-01", "2026-12-31", True, False),
        ("2026-01", "month", "2026-01-01", "2026-01-31", False, True),
        ("2026-02", "month", "2026-02-01", "2026-02-28", False, True),
        ("2026-03", "month", "2026-03-01", "2026-03-31", False, True),
        ("2026-Q1", "quarter", "2026-01-01", "2026-03-31", False, True),
    ]  # fmt: skip


def test_retention_waits_for_the_last_new_buyer(year):
    # 31 January + 90 days is 1 May.
    assert values(year.table(TABLE, "2026-04-30"), "2026-01")["retention_90d"] is None
    assert values(year.table(TABLE, "2026-05-01"), "2026-01")["retention_90d"] == 1


def test_the_91st_day_is_too_late(shop):
    shop.orders("anna", "2026-01-01", "2026-04-01").orders("bert", "2026-01-01", "2026-04-02")
    january = shop.table(TABLE, "2026-06-30").where(period="2026-01", kpi="retention_90d")
    assert january.rows("value", "rests_on") == [(0.5, 2)]


def test_nothing_to_divide_by_is_unknown(shop):
    shop.orders("anna", "2026-01-01", "2026-03-01")
    february = values(shop.table(TABLE, "2026-06-30"), "2026-02")
    assert {kpi for kpi, value in february.items() if value is None} == {
        *RATES, "mean_order_value", "orders_per_buyer", "revenue_per_buyer", "refund_share", "retention_90d",
    }  # fmt: skip
    assert (february["revenue"], february["buyers"]) == (0, 0)


def test_targets_met_and_missed(year):
    year.target("revenue", "2026-01", 160).target("orders", "2026-01", 5).target("buyers", "2026-Q1", 4)
    year.target("refund_share", "2026-03", 0.3).target("one_time_share_of_buyers", "2026-01", 0.5)
    rows = year.table(TABLE, "2026-06-30")
    told = [row for row in rows.rows("kpi", "period", "target", "status") if row[2] is not None]
    assert told == [
        ("buyers", "2026-Q1", 4, "missed"), ("one_time_share_of_buyers", "2026-01", 0.5, "met"),
        ("orders", "2026-01", 5, "missed"), ("refund_share", "2026-03", 0.3, "missed"),
        ("revenue", "2026-01", 160, "met"),
    ]  # fmt: skip
    assert set(rows.where(kpi="revenue", period="2026-02").frame["status"]) == {"no_target"}


@pytest.mark.parametrize(
    ("kpi", "target", "status"),
    [
        ("revenue", 80, "on_track"),  # 40 in 14 of 28 days
        ("revenue", 81, "behind"),
        ("mean_order_value", 40, "on_track"),
        ("mean_order_value", 41, "behind"),
        ("retention_90d", 0.1, "unknown"),
    ],
)
def test_an_open_month_is_on_track_or_behind(shop, kpi, target, status):
    shop.orders("anna", "2026-01-01", "2026-02-03", amount=40).target(kpi, "2026-02", target)
    row = shop.table(TABLE, "2026-02-14").where(kpi=kpi, period="2026-02")
    assert (row.one("is_open"), row.one("status")) == (True, status)


def test_a_month_that_begins_before_the_history_is_not_judged(shop):
    shop.orders("anna", "2026-01-02").target("revenue", "2026-01", 5).target("revenue", "2026-02", 0)
    rows = shop.table(TABLE, "2026-02-28").where(kpi="revenue", period_kind="month")
    assert rows.rows("period", "is_complete", "status", "previous_value") == [
        ("2026-01", False, "unknown", None), ("2026-02", True, "met", None),
    ]  # fmt: skip


def test_trend_against_the_month_before_and_the_year_before(shop):
    shop.orders("anna", "2025-01-01", "2025-12-05", "2026-01-05", amount=10).orders("bert", "2026-01-07", amount=20)
    rows = shop.table(TABLE, "2026-01-31").where(period="2026-01")
    assert rows.where(kpi="revenue").rows(
        "previous_value", "change_to_previous", "trend", "year_earlier_value", "change_to_year_earlier",
        "trend_to_year_earlier",
    ) == [(10, 20, "better", 10, 20, "better")]  # fmt: skip
    # More of those who bought once is worse: none in December, one of two now; a year ago all.
    assert rows.where(kpi="one_time_share_of_buyers").rows("trend", "trend_to_year_earlier") == [("worse", "better")]
    assert rows.where(kpi="orders_per_buyer").rows("trend", "change_to_previous") == [("same", 0)]


def test_an_open_month_is_compared_with_nothing(shop):
    shop.orders("anna", "2026-01-01", "2026-02-05")
    february = shop.table(TABLE, "2026-02-27").where(kpi="revenue", period="2026-02")
    assert february.rows("value", "previous_value", "trend") == [(10, None, None)]


def test_intervals_are_those_of_wilson(shop):
    for number in range(7):
        shop.orders(f"c{number}", "2026-01-01", *(["2026-01-09"] if number < 3 else []))
    rows = shop.table(TABLE, "2026-06-30").where(period="2026-01")
    low, high = proportion_confint(3, 7, method="wilson")
    for kpi in ("repeat_share_of_buyers", "retention_90d"):
        assert rows.where(kpi=kpi).rows("value_low", "value_high") == [(pytest.approx(low), pytest.approx(high))]
    assert rows.where(kpi="mean_order_value").rows("value_low", "value_high") == [(None, None)]


def test_a_month_as_of_a_day_knows_nothing_later(year):
    before = year.table(TABLE, "2026-02-28").rows()
    year.orders("dora", "2026-03-01")
    assert year.table(TABLE, "2026-02-28").rows() == before
    # Bert's refund of March takes nothing from January, and his second purchase does not make him repeat there.
    assert values(year.table(TABLE, "2026-03-31"), "2026-01")["repeat_buyers"] == 1


def test_a_shop_without_lines_has_no_figures(shop):
    assert len(shop.table(TABLE, "2026-02-28")) == 0


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ("value = value + 1 WHERE kpi = 'revenue' AND period = '2026-01'", "revenue_is_that_of_the_lines"),
        ("value = value + 1 WHERE kpi = 'new_buyers' AND period = '2026-01'",
         "orders_and_new_buyers_are_those_that_stand"),
        ("period = '2026-13' WHERE kpi = 'buyers' AND period = '2026-01'", "every_figure_of_every_period"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(year, change, check):
    year.snapshot("2026-03-31", TABLE)
    assert year.failing_checks(TABLE, "2026-03-31") == set()
    year.engine.execute(f"UPDATE {TABLE} SET {change}")
    assert check in year.failing_checks(TABLE, "2026-03-31")


@pytest.mark.parametrize("name", ["targets", "benchmarks"])
def test_targets_and_benchmarks_may_be_of_these_figures_only(name):
    """One of any other would be compared with nothing."""
    of_messages = ("click_rate", "conversion_rate", "unsubscribe_rate", "revenue_per_message")
    known = tables()[TABLE].header.columns["kpi"].values
    assert (*known, *(of_messages if name == "benchmarks" else ())) == INPUTS[name].header.columns["kpi"].values


def test_cdnow_months_are_those_of_the_calendar(cdnow_master):
    calendar = cdnow_master.table("marts.revenue_calendar").where(period_kind="month")
    figures = cdnow_master.table(TABLE).where(period_kind="month")
    for kpi in ("revenue", "orders", "buyers", "mean_order_value"):
        ours = figures.where(kpi=kpi).by("starts_on", "value")
        assert ours == {
            day: pytest.approx(float(value), rel=1e-9) for day, value in calendar.by("starts_on", kpi).items()
        }


def test_cdnow_second_purchase_within_90_days(cdnow_master):
    # All cohorts are over 90 days old, so the share is a plain count.
    rows = cdnow_master.table(TABLE).where(kpi="retention_90d", period="1997-Q1")
    back = cdnow_master.select(
        """
        WITH days AS (SELECT DISTINCT customer_id, ordered_on FROM staging.order_lines),
        gaps AS (
          SELECT customer_id, ordered_on, row_number() OVER (PARTITION BY customer_id ORDER BY ordered_on) AS place,
            lead(ordered_on) OVER (PARTITION BY customer_id ORDER BY ordered_on) - ordered_on AS gap
          FROM days
        )
        SELECT avg(CASE WHEN gap <= 90 THEN 1 ELSE 0 END) AS share FROM gaps WHERE place = 1
        """
    ).one("share")
    assert rows.one("value") == pytest.approx(back, rel=1e-9)
