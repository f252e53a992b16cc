"""marts.purchase_gaps, key_moments and survival_curves: the rhythm of a shop by hand, and the published figures."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from pipeline.steps.computed import compute_of

GAPS, MOMENTS, CURVES = "marts.purchase_gaps", "marts.key_moments", "marts.survival_curves"
END = "2026-12-31"
QUANTILES = ("p10_days", "p25_days", "p30_days", "median_days", "p60_days", "p90_days")


@pytest.fixture
def four_hundred(shop):
    """All came on 1 June, 213 days ago: 100 are back after 10 days, 100 after 50, and 200 never."""
    for number in range(400):
        back = {0: ["2026-06-11"], 1: ["2026-07-21"]}.get(number % 4, [])
        shop.orders(f"c{number}", "2026-06-01", *back)
    return shop


# ── key moments ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_key_moments_by_hand(four_hundred):
    """
    Half are back by day 90, and as many by day 180. The chance at the start is 1/2; silent for 10 days it is 1/3, for
    50 days 0, the first below 1/4. So the limit of defecting is day 50, too; 200 of 400 reach it silent, of those
    silent for 10 days 200 of 300: the majority.
    """
    rows = four_hundred.table(MOMENTS, END).where(order_number=1, cohort="all")
    names = ("horizon_days", "is_main", "status", "silences", "at_risk", "share_back", "key_moment_days", "send_days")
    assert rows.rows(*names) == [
        (180, True, "known", 400, 200, pytest.approx(0.5), 50, 45),
        (270, False, "not_reached", 400, 0, None, None, None),
        (365, False, "not_reached", 400, 0, None, None, None),
        (90, False, "known", 400, 200, pytest.approx(0.5), 50, 45),
    ]  # fmt: skip
    assert set(rows.rows("limit_days", "majority_days")) == {(50, 10)}


def test_the_days_by_which_those_who_come_back_are_back(shop):
    """
    400 came 213 days ago; 40 were back on day 10, 40 on day 20, 80 on day 60 and 40 on day 150. Of these 200, a quarter
    are back by day 20 (80), half by day 60 (160), and three quarters, too. Of the 160 back by day 90, a quarter are so
    by day 10 (40), half by day 20 (80) and three quarters by day 60.
    """
    days_back = [10] * 40 + [20] * 40 + [60] * 80 + [150] * 40 + [None] * 200
    for number, back in enumerate(days_back):
        first = dt.date(2026, 6, 1)
        shop.orders(f"c{number}", str(first), *([str(first + dt.timedelta(days=back))] if back else []))
    names = ("returned", "unwatched", "at_risk", "back_p25_days", "back_p50_days", "back_p75_days")

    def at(horizon):
        return shop.table(MOMENTS, END).where(order_number=1, cohort="all", horizon_days=horizon).rows(*names)

    assert at(180) == [(200, 0, 200, 20, 60, 60)]
    assert at(90) == [(160, 0, 240, 10, 20, 60)]
    # 100 more have been watched for 30 days. The risk of day 10 is 40/500, of day 20 40/460 and of day 60 80/320: .08
    # back by day 10, .16 by day 20 and .37 by day 60. Half of .37 is more than .16.
    for number in range(100):
        shop.orders(f"d{number}", "2026-12-01")
    assert at(90) == [(160, 100, 240, 20, 60, 60)]


def test_the_days_have_intervals(four_hundred):
    # A half of the 200 is back on day 10: in half of the draws it is fewer, and then day 50 is the first.
    row = four_hundred.table(MOMENTS, END).where(order_number=1, cohort="all", is_main=True)
    assert row.rows("back_p25_days", "back_p50_days", "back_p50_low", "back_p50_high") == [(10, 10, 10, 50)]
    assert row.rows("back_p75_days", "back_p75_low", "back_p75_high") == [(50, 50, 50)]


def test_of_few_who_came_back_no_day_is_told(shop):
    for number in range(300):
        shop.orders(f"c{number}", "2026-06-01", *(["2026-06-11"] if number < 19 else []))
    names = ("status", "returned", "back_p50_days", "key_moment_days")
    rows = shop.table(MOMENTS, END).where(order_number=1, cohort="all", horizon_days=90)
    assert rows.rows(*names) == [("known", 19, None, 10)]
    shop.orders("c19", "2026-06-11")
    rows = shop.table(MOMENTS, END).where(order_number=1, cohort="all", horizon_days=90)
    assert rows.rows(*names) == [("known", 20, 10, 10)]


def test_a_quarter_needs_fifty_who_are_watched(shop):
    # 69 of June and 70 of September, 20 of each back after ten days: 49 and 50 are still waited for on day 90.
    for number in range(70):
        back = number < 20
        shop.orders(f"june{number}", "2026-06-01", *(["2026-06-11"] if back else [])) if number < 69 else None
        shop.orders(f"september{number}", "2026-09-01", *(["2026-09-11"] if back else []))
    rows = shop.table(MOMENTS, END).where(horizon_days=90, order_number=1).frame.sort("cohort")
    assert rows.select("cohort", "status", "at_risk", "is_main", "back_p50_days").rows() == [
        ("2026-Q2", "not_reached", 49, True, None), ("2026-Q3", "known", 50, True, 10),
        ("all", "not_reached", 99, False, None),
    ]  # fmt: skip


def test_without_a_next_purchase_there_is_no_moment(four_hundred):
    # 200 second purchases, 203 and 163 days ago: 90 days were watched for all, 180 for half; nobody came a third time.
    rows = four_hundred.table(MOMENTS, END).where(order_number=2)
    assert rows.where(status="known").rows("horizon_days", "is_main", "share_back", "key_moment_days") == [
        (90, True, 0.0, None)
    ]


@pytest.mark.parametrize(
    ("back", "sentence"),
    [
        (0, "nobody bought a second time within 180 days, so there is no key moment."),
        (
            200,
            "50.0% buy a second time within 180 days, half of them by day 10, three quarters by day 10; the key "
            "moment is day 10.",
        ),
    ],
)
def test_what_the_log_says_of_the_key_moment(shop, back, sentence):
    for number in range(400):
        shop.orders(f"c{number}", "2026-06-01", *(["2026-06-11"] if number < back else []))
    shop.table("staging.occasions")
    shop.table("marts.lifecycle_stages", END)
    said = []
    compute_of("rhythm")(shop.engine, shop.engine.settings, dt.date.fromisoformat(END), said.append)
    assert said == [f"{END}: {sentence}"]


def test_one_customer_too_few_and_the_horizon_is_not_reached(shop):
    for number in range(199):
        shop.orders(f"c{number}", "2026-06-01")
    rows = shop.table(MOMENTS, END)
    everybody = rows.where(cohort="all")
    assert set(everybody.rows("order_number", "is_main", "status")) == {(1, False, "not_reached")}
    assert len(everybody) == len(rows.where(cohort="2026-Q2")) == 4
    shop.orders("c199", "2026-06-01")
    assert set(shop.table(MOMENTS, END).where(cohort="all", status="known").frame["horizon_days"]) == {90, 180}


def test_the_lead_can_be_set(four_hundred):
    four_hundred.with_settings(rhythm={"send_lead_days": 60})
    rows = four_hundred.table(MOMENTS, END).where(order_number=1, cohort="all", is_main=True)
    assert rows.one("send_days") == 0  # never before the purchase


def test_quarters_are_compared_at_one_horizon(shop):
    # The first quarter has been watched for 270 days and more, the third for 90 at most: at 90 both are known.
    for number in range(250):
        shop.orders(f"a{number}", "2026-01-10", *(["2026-02-10"] if number < 50 else []))
        shop.orders(f"b{number}", "2026-09-20", *(["2026-10-10"] if number < 20 else []))
    rows = shop.table(MOMENTS, END)
    quarters = rows.where(is_main=True).frame.filter(pl.col("cohort") != "all")
    assert quarters.select("cohort", "horizon_days", "share_back", "key_moment_days").sort("cohort").rows() == [
        ("2026-Q1", 90, pytest.approx(0.2), 31), ("2026-Q3", 90, pytest.approx(0.08), 20),
    ]  # fmt: skip
    older = rows.where(cohort="2026-Q1", horizon_days=270).one("status")
    younger = rows.where(cohort="2026-Q3", horizon_days=270).one("status")
    assert (older, younger) == ("known", "not_reached")


def test_intervals_hold_what_they_are_of(four_hundred):
    row = four_hundred.table(MOMENTS, END).where(order_number=1, cohort="all", is_main=True)
    # Days 10 and 50 are the only ones to choose from. Greenwood: variance of 1/2 is 1/4 / 400, log-log about ± .05.
    assert row.rows("key_moment_low", "key_moment_high") == [(50, 50)]
    assert (row.one("share_back_low"), row.one("share_back_high")) == pytest.approx((0.453, 0.550), abs=0.002)


def test_writing_it_again_gives_the_same(four_hundred):
    before = {name: four_hundred.table(name, END).rows() for name in (GAPS, MOMENTS, CURVES)}
    assert {name: four_hundred.table(name, END).rows() for name in (GAPS, MOMENTS, CURVES)} == before


def test_nothing_later_is_known(four_hundred):
    before = {name: four_hundred.table(name, "2026-11-30").rows() for name in (GAPS, MOMENTS, CURVES)}
    four_hundred.orders("c3", "2026-12-01")
    assert {name: four_hundred.table(name, "2026-11-30").rows() for name in (GAPS, MOMENTS, CURVES)} == before


def test_a_shop_without_customers_has_no_rhythm(shop):
    shop.orders(None, "2026-06-01")
    assert [len(shop.table(name, END)) for name in (GAPS, MOMENTS, CURVES)] == [0, 0, 0]


# ── gaps ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_gaps_by_order_number(four_hundred):
    gaps = four_hundred.table(GAPS, END).where(grouping="order_number")
    assert gaps.rows("group_name", "silences", "ended", "censored", "is_selected") == [
        ("1", 400, 200, 200, False), ("2", 200, 0, 200, False),
    ]  # fmt: skip
    # A quarter is back on day 10, a half on day 50, and never more.
    assert gaps.where(group_name="1").rows(*QUANTILES) == [(10, 10, 50, 50, None, None)]
    assert gaps.where(group_name="2").rows(*QUANTILES) == [(None,) * 6]


def test_gaps_as_a_purchase_found_its_customer(four_hundred):
    # Limits of one-time customers: 50 days for both; so who came after 10 days was active, after 50 inactive.
    gaps = four_hundred.table(GAPS, END).where(grouping="found")
    assert gaps.rows("group_name", "silences", "censored", "is_selected") == [
        ("active", 100, 100, False), ("first-time", 400, 200, False), ("inactive", 100, 100, False),
    ]  # fmt: skip


def test_gaps_of_stages_are_selected(four_hundred):
    # Nobody came a third time, so the limits of repeat customers are 180 and 365: 163 days are active, 203 defecting.
    gaps = four_hundred.table(GAPS, END).where(grouping="stage")
    assert gaps.rows("group_name", "silences", "ended", "median_days", "is_selected") == [
        ("active", 200, 100, 50, True), ("defecting", 200, 100, 10, True), ("inactive", 200, 0, None, True),
    ]  # fmt: skip


def test_the_tenth_order_and_later_ones_are_one_group(shop):
    days = [(dt.date(2026, 1, 1) + dt.timedelta(days=10 * step)).isoformat() for step in range(12)]
    gaps = shop.orders("anna", *days).table(GAPS, END).where(grouping="order_number")
    assert gaps.by("group_name", "silences") == {**{str(number): 1 for number in range(1, 10)}, "10+": 3}


def test_a_quantile_needs_ten_who_are_still_watched(shop):
    # 12 customers, one back each day: the fourth (day 4) had 9 watched with it, the third 10.
    for number in range(1, 13):
        shop.orders(f"c{number}", "2026-12-01", f"2026-12-{1 + number:02d}")
    row = shop.table(GAPS, END).where(grouping="order_number", group_name="1")
    # 10 % of 12 are two (day 2), 20 % and 25 % three (day 3), 30 % four.
    assert row.rows("p10_days", "p20_days", "p25_days", "p30_days") == [(2, 3, 3, None)]


@pytest.mark.parametrize(
    ("table", "change", "check"),
    [
        (GAPS, "ended = ended + 1 WHERE grouping = 'stage'", "ended_or_not"),
        (GAPS, "silences = silences + 1, ended = ended + 1 WHERE group_name = '1'",
         "every_silence_by_order_number_and_as_found"),
        (MOMENTS, "is_main = TRUE WHERE cohort = 'all'", "one_main_horizon"),
        (MOMENTS, "is_main = TRUE WHERE cohort <> 'all'", "quarters_share_their_horizon"),
        (MOMENTS, "status = 'known'", "nothing_is_said_before_the_horizon"),
        (MOMENTS, "send_days = 51 WHERE key_moment_days = 50", "in_time"),
        (MOMENTS, "back_p50_days = 51 WHERE back_p75_days = 50", "in_time"),
        (MOMENTS, "back_p50_days = NULL WHERE cohort = 'all'", "nothing_is_said_before_the_horizon"),
        (MOMENTS, "returned = returned - 101", "no_silence_is_counted_twice"),
        (MOMENTS, "unwatched = unwatched + 1", "no_silence_is_counted_twice"),
        (CURVES, "share_back = 0.9 WHERE silent_days = 3", "shares_never_fall"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(four_hundred, table, change, check):
    four_hundred.table(table, END)
    assert four_hundred.failing_checks(table, END) == set()
    four_hundred.engine.execute(f"UPDATE {table} SET {change}")
    assert check in four_hundred.failing_checks(table, END)


# ── curves ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_curve_ends_where_too_few_are_watched(four_hundred):
    curve = four_hundred.table(CURVES, END).where(order_number=1)
    assert (len(curve), curve.frame["silent_days"].max()) == (214, 213)
    told = {day: round(share, 9) for day, share in curve.by("silent_days", "share_back").items()}
    assert (told[9], told[10], told[49], told[50], told[213]) == (0, 0.25, 0.25, 0.5, 0.5)
    # The second purchases of 11 June are watched for 203 days, all 200 of them for 163.
    second = four_hundred.show(CURVES, END).where(order_number=2)
    assert (second.frame["silent_days"].max(), second.frame["at_risk"].min()) == (203, 100)


# ── the public data sets ──────────────────────────────────────────────────────────────────────────────────────────────


def main_moment(shop, order_number, **others):
    return shop.table(MOMENTS).where(order_number=order_number, cohort="all", **(others or {"is_main": True}))


def test_cdnow_second_purchase(cdnow_master):
    """45.86 % come back within a year; half of the hope is gone on day 95; the majority is there from day 0 on."""
    row = main_moment(cdnow_master, 1)
    assert row.rows("horizon_days", "key_moment_days", "send_days", "limit_days", "majority_days") == [
        (365, 95, 90, 49, 0)
    ]
    assert row.one("share_back") == pytest.approx(0.4586, abs=0.00005)
    assert row.one("key_moment_low") <= 95 <= row.one("key_moment_high")
    assert row.one("share_back_low") < 0.4586 < row.one("share_back_high")
    half_year = main_moment(cdnow_master, 1, horizon_days=180)
    assert half_year.one("key_moment_days") == 50
    names = ("returned", "back_p25_days", "back_p50_days", "back_p75_days")
    assert row.rows(*names) == [(10810, 16, 50, 143)] and half_year.rows(*names) == [(8827, 13, 34, 81)]
    # Of the curve: of .4586, half are .2293 and three quarters .3440.
    back = cdnow_master.table(CURVES).where(order_number=1).by("silent_days", "share_back")
    assert back[49] < 0.2293 <= back[50] and back[142] < 0.3440 <= back[143]


def test_cdnow_has_one_quarter(cdnow_master):
    rows = cdnow_master.table(MOMENTS).where(is_main=True).frame.filter(pl.col("cohort") != "all")
    assert rows.select("cohort", "horizon_days", "key_moment_days").rows() == [("1997-Q1", 365, 95)]


def test_statsmodels_draws_the_same_curves_of_cdnow(cdnow_master):
    gaps = cdnow_master.select(
        """
        WITH days AS (SELECT DISTINCT customer_id, ordered_on FROM staging.order_lines)
        SELECT row_number() OVER (PARTITION BY customer_id ORDER BY ordered_on) AS place,
          coalesce(lead(ordered_on) OVER (PARTITION BY customer_id ORDER BY ordered_on), DATE '1998-06-30') - ordered_on
            AS length,
          lead(ordered_on) OVER (PARTITION BY customer_id ORDER BY ordered_on) IS NOT NULL AS ended
        FROM days
        """
    ).frame
    for order_number in (1, 2, 4):
        silences = gaps.filter(place=order_number)
        theirs = SurvfuncRight(silences["length"].to_numpy(), silences["ended"].to_numpy().astype(int))
        ours = cdnow_master.table(CURVES).where(order_number=order_number).frame.sort("silent_days")
        days = theirs.surv_times.astype(int)
        shown = days <= ours["silent_days"].max()
        np.testing.assert_allclose(ours["share_back"].to_numpy()[days[shown]], 1 - theirs.surv_prob[shown], rtol=1e-8)
        median = (
            cdnow_master.table(GAPS).where(grouping="order_number", group_name=str(order_number)).one("median_days")
        )
        assert median == (int(theirs.quantile(0.5)) if np.isfinite(theirs.quantile(0.5)) else None)


def test_online_retail_second_purchase(online_retail):
    # 143 where an order of charges only is no occasion; test_reference_figures has the 144 of who counts them.
    assert main_moment(online_retail, 1).rows("horizon_days", "key_moment_days") == [(270, 143)]
    assert main_moment(online_retail, 4).rows() == []


def test_online_retail_drift(online_retail):
    """Quarters at one horizon; the youngest is not watched long enough and says nothing."""
    rows = online_retail.table(MOMENTS).where(is_main=True).frame.filter(pl.col("cohort") != "all").sort("cohort")
    assert rows["cohort"].to_list() == ["2010-Q4", "2011-Q1", "2011-Q2", "2011-Q3", "2011-Q4"]
    assert rows["horizon_days"].n_unique() == 1
    assert rows["status"].to_list()[-1] == "not_reached" and rows["key_moment_days"].to_list()[-1] is None
