"""marts.activity_trend and what it is made of: who buys more often than before, and who only seems to.

Windows of 10 days in the tiny stories: on 31 January the recent one is 22 to 31 January, the prior one 12 to 21
January, and whoever first bought by 11 January is in the base.
"""

import datetime as dt
from collections import Counter

import numpy as np
import polars as pl
import pytest
from made_predictions import predict
from scipy.stats import binom, binomtest
from shop import all_tables

from pipeline.models.trend import by_chance, classify

COUNTS, BASE, PAIRS = "marts.trend_counts", "marts.trend_base", "marts.trend_pairs"
TREND, SUMMARY, CHANGES, EVENTS = (
    "marts.activity_trend", "marts.activity_trend_summary", "marts.segment_changes", "marts.segment_events",
)  # fmt: skip
END = "2026-01-31"
CLASSIFIED = pl.col("activity_trend").is_in(("growing", "declining", "stable"))


def days(*numbers, month="2026-01"):
    return [f"{month}-{number:02d}" for number in numbers]


@pytest.fixture
def six(shop):
    """Prior and recent occasions: Anna 0, 4; Bert 4, 0; Cleo none; Dora 1, 1; Fred 2, 2; Emil 1, 1, but new.

    Base without Emil: 0 + 4 + 0 + 1 + 2 = 7 before, 4 + 0 + 0 + 1 + 2 = 7 lately: s = 7 / 14. n_min = 4, as ½⁴ ≤ 0.1.
    """
    shop.with_settings(trend={"window_days": 10})
    shop.orders("anna", *days(1, 22, 23, 24, 31)).orders("bert", *days(1, 12, 13, 14, 21)).orders("cleo", *days(1))
    shop.orders("dora", *days(1, 12, 22)).orders("fred", *days(11, 13, 14)).orders("fred", *days(23, 24), amount=20)
    return shop.orders("emil", *days(12, 22))


# ── counts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_occasions_of_both_windows(six):
    counts = six.table(COUNTS, END)
    assert set(counts.rows("window_days", "prior_from", "recent_from")) == {(10, "2026-01-12", "2026-01-22")}
    assert counts.rows("customer_id", "in_base", "prior_occasions", "recent_occasions") == [
        ("anna", True, 0, 4), ("bert", True, 4, 0), ("cleo", True, 0, 0), ("dora", True, 1, 1), ("emil", False, 1, 1),
        ("fred", True, 2, 2),
    ]  # fmt: skip
    assert counts.by_customer("recent_spend") == {"anna": 40, "bert": 0, "cleo": 0, "dora": 10, "emil": 10, "fred": 40}
    assert counts.by_customer("prior_spend") == {"anna": 0, "bert": 40, "cleo": 0, "dora": 10, "emil": 10, "fred": 20}


def test_two_orders_of_a_day_are_one_occasion_and_a_cancelled_one_is_none(shop):
    # The order of the 25th comes back whole on the 30th; on 29 January it stood.
    shop.with_settings(trend={"window_days": 10}).orders("anna", *days(1, 23, 23, 25)).refund(
        "anna-4", on="2026-01-30", amount=10
    )
    assert shop.table(COUNTS, "2026-01-29").one("recent_occasions") == 2
    assert shop.table(COUNTS, END).one("recent_occasions") == 1


def test_a_year_ago_is_the_same_days_of_the_calendar(shop):
    # Prior window 12 to 21, recent 22 to 31 January 2025; the 11th and 1 February are in neither.
    shop.with_settings(trend={"window_days": 10})
    shop.orders("anna", *days(11, 12, 21, 22, 31, month="2025-01"), "2025-02-01", amount=5)
    shop.orders("bert", *days(12, 22, month="2025-01"))
    counts = shop.table(COUNTS, END)
    names = ("in_base_year_ago", "prior_occasions_year_ago", "recent_occasions_year_ago", "recent_spend_year_ago")
    assert counts.rows("customer_id", *names) == [("anna", True, 2, 2, 10), ("bert", False, 1, 1, 10)]
    assert set(counts.rows("prior_occasions", "recent_occasions")) == {(0, 0)}


@pytest.mark.parametrize(("second", "window"), [("2025-02-05", 180), ("2025-02-06", 90)])
def test_windows_are_long_where_half_of_the_customers_are_old(shop, second, window):
    # On 31 January 2026, 5 February 2025 is 360 days ago. Two of four customers are that old, or one.
    shop.orders("anna", "2025-02-05").orders("bert", second).orders("cleo", "2025-12-01").orders("dora", "2025-12-01")
    assert set(shop.table(COUNTS, END).rows("window_days")) == {(window,)}


# ── the base ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_share_of_todays_base(six):
    # Spend before: Bert 40, Dora 10, Fred 20 = 70; lately: Anna 40, Dora 10, Fred 40 = 90.
    base = six.table(BASE, END)
    names = (
        "base_customers",
        "share_from",
        "share_customers",
        "share_prior",
        "share_recent",
        "expected_share",
        "n_min",
    )
    assert base.rows(*names) == [(5, "today", 5, 7, 7, 0.5, 4)]
    assert base.one("expected_spend_share") == 90 / 160
    assert base.one("seasonally_adjusted") is False


@pytest.mark.parametrize(("fewer", "source", "share"), [(0, "a year ago", 0.65), (1, "today", 0.5)])
def test_a_year_ago_counts_from_200_occasions_on(six, fewer, source, share):
    # A year ago ten customers bought on 7 days before and 10 lately, three more on 10 lately: 70 + 130 = 200. One
    # fewer, and today's windows are used, in which none of them bought.
    for n in range(10):
        six.orders(
            f"old{n}", "2025-01-01", *days(*range(12, 19), month="2025-01"), *days(*range(22, 32), month="2025-01")
        )
    for n in range(3):
        six.orders(f"more{n}", "2025-01-01", *days(*range(22, 32), month="2025-01")[fewer if n == 0 else 0 :])
    base = six.table(BASE, END)
    assert base.rows("share_from", "expected_share", "seasonally_adjusted") == [(source, share, source != "today")]


def test_the_season_is_taken_out(shop):
    # A year ago 100 occasions before and 200 lately: s = ⅔. Gwen buys twice as often now, as all did: no trend.
    # Hugo bought as often as before: his rate has halved, yet 3 and 3 are within chance (P(K ≤ 3) of Bin(6, ⅔) = .32).
    # Ines 5 and 1: P(K < 1) = 1/729, P(K = 1) = 12/729: mid-p = 14/729.
    shop.with_settings(trend={"window_days": 10})
    for n in range(20):
        january = days(*range(12, 17), *range(22, 32), month="2025-01")
        shop.orders(f"old{n:02d}", "2025-01-01", *january)
    shop.orders("gwen", *days(1, 12, 13, 22, 23, 24, 25)).orders("hugo", *days(1, 12, 13, 14, 22, 23, 24))
    trend = (
        shop.orders("ines", *days(1, 12, 13, 14, 15, 16, 22))
        .table(TREND, END)
        .frame.filter(~pl.col("customer_id").str.starts_with("old"))
    )
    found = {row["customer_id"]: row for row in trend.iter_rows(named=True)}
    assert {name: row["activity_trend"] for name, row in found.items()} == {
        "gwen": "stable", "hugo": "stable", "ines": "declining",
    }  # fmt: skip
    assert {name: row["rate_ratio"] for name, row in found.items()} == {
        "gwen": pytest.approx(1), "hugo": pytest.approx(0.5), "ines": pytest.approx(0.1),
    }  # fmt: skip
    assert found["ines"]["mid_p"] == pytest.approx(14 / 729)
    assert {(row["n_min"], row["share_from"], row["seasonally_adjusted"]) for row in found.values()} == {
        (6, "a year ago", True)
    }


def test_where_nobody_bought_there_is_no_share(shop):
    shop.with_settings(trend={"window_days": 10}).orders("anna", "2025-12-01")
    assert shop.table(BASE, END).rows("share_from", "expected_share", "n_min", "prior_shape") == [(None,) * 4]
    assert shop.table(TREND, END).rows("activity_trend", "expected_share") == [("silent", None)]


def test_where_all_bought_lately_only_nobody_can_be_told_apart(shop):
    shop.with_settings(trend={"window_days": 10}).orders("anna", *days(1, 22, 23, 24, 25, 26))
    assert shop.table(BASE, END).rows("expected_share", "n_min") == [(1.0, None)]
    assert shop.table(TREND, END).rows("activity_trend", "mid_p", "rate_ratio") == [("too_few", None, None)]


def test_an_empty_shop(shop):
    assert len(shop.table(TREND, END)) == len(shop.show(BASE, END)) == 0
    assert set(shop.table(SUMMARY, END).rows("customers", "by_chance", "predicted_clv")) == {(0, None, None)}


# ── classes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_class(six):
    trend = six.table(TREND, END)
    assert trend.by_customer("activity_trend") == {
        "anna": "growing", "bert": "declining", "fred": "stable", "cleo": "silent", "dora": "too_few", "emil": "too_new"
    }  # fmt: skip
    # K = 4 of 4: ½⁴; in the middle 1. The ratio of Anna is infinite: not known.
    assert trend.rows("customer_id", "mid_p", "rate_ratio") == [
        ("anna", 1 / 16, None), ("bert", 1 / 16, 0.0), ("cleo", None, None), ("dora", None, None),
        ("emil", None, None), ("fred", 1.0, 1.0),
    ]  # fmt: skip


def test_who_has_no_class_has_no_numbers(six):
    names = ("rate_ratio", "shrunken_ratio", "p_growth", "mid_p", "spend_direction")
    unclassified = six.table(TREND, END).frame.filter(~CLASSIFIED)
    assert unclassified.height == 3
    assert unclassified.select(names).null_count().row(0) == (3,) * 5


def test_shrunken_ratios_rank_and_are_finite(six):
    # Anna and Bert mirror each other at s = ½: their ratios are inverse, their probabilities add up to 1.
    trend = six.table(TREND, END)
    ratio, growth = trend.by_customer("shrunken_ratio"), trend.by_customer("p_growth")
    assert ratio["fred"] == pytest.approx(1) and growth["fred"] == pytest.approx(0.5)
    assert ratio["anna"] > 1 and ratio["anna"] * ratio["bert"] == pytest.approx(1)
    assert 0.5 < growth["anna"] < 1 and growth["anna"] + growth["bert"] == pytest.approx(1)


def test_spend_is_compared_with_that_of_all(six):
    # Expected share of spend 9/16. Fred 40 lately, 20 before: 40 · 7/16 = 17.5 > 1.25 · 20 · 9/16 = 14.06: up.
    found = six.table(TREND, END).by_customer("spend_direction")
    assert {name: found[name] for name in ("anna", "bert", "fred")} == {"anna": "up", "bert": "down", "fred": "up"}


def test_spend_in_step_with_all_is_level(shop):
    # All spent twice as much lately: nobody's direction is up.
    shop.with_settings(trend={"window_days": 10})
    for name in ("anna", "bert"):
        shop.orders(name, *days(1, 12, 13)).orders(name, *days(22, 23), amount=20)
    assert shop.table(TREND, END).by_customer("spend_direction") == {"anna": "level", "bert": "level"}


def test_alpha_is_a_setting(six):
    # ½⁴ = 0.0625 is above 0.05: five occasions are needed, and nobody has them.
    six.with_settings(trend={"window_days": 10, "alpha": 0.05})
    assert six.table(BASE, END).rows("alpha", "n_min") == [(0.05, 5)]
    assert six.table(TREND, END).by_customer("activity_trend")["anna"] == "too_few"


def test_pairs_are_tested_once(six):
    six.orders("gina", *days(1, 22, 23, 24, 25)).orders("hans", *days(1, 12, 13, 14, 15))  # s stays ½
    pairs = six.table(PAIRS, END)
    assert pairs.rows("prior_occasions", "recent_occasions", "customers", "chance_growing", "chance_declining") == [
        (0, 4, 2, 1 / 16, 1 / 16), (2, 2, 1, 1 / 16, 1 / 16), (4, 0, 2, 1 / 16, 1 / 16),
    ]  # fmt: skip


def test_a_class_without_enough_occasions_is_refused(six):
    six.table(TREND, END)
    six.engine.execute(f"UPDATE {TREND} SET activity_trend = 'stable' WHERE customer_id = 'dora'")
    assert six.failing_checks(TREND, END) == {"classified_as_by_the_counts", "no_numbers_without_a_class"}


# ── summary ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_summary_sets_found_beside_chance(six):
    # Anna, Bert and Fred have 4 occasions each: 3/16 would be growing and 3/16 declining without any change.
    summary = six.refund("fred-1", on="2026-01-30", amount=4).table(SUMMARY, END)
    assert summary.rows("activity_trend", "customers", "by_chance", "revenue_12_months", "predicted_clv") == [
        ("declining", 1, 3 / 16, 50, None), ("growing", 1, 3 / 16, 50, None), ("silent", 1, None, 10, None),
        ("stable", 1, 42 / 16, 66, None), ("too_few", 1, None, 30, None), ("too_new", 1, None, 20, None),
    ]  # fmt: skip
    assert set(summary.rows("window_days", "expected_share", "seasonally_adjusted")) == {(10, 0.5, False)}


def test_values_are_summed_where_there_are_any(six):
    six.snapshot(END)
    predict(six.engine, dt.date.fromisoformat(END))
    worth = six.show("marts.clv_predictions", END).by_customer("predicted_clv")
    six.engine.write(all_tables()[SUMMARY], dt.date.fromisoformat(END))
    found = six.show(SUMMARY, END).by("activity_trend", "predicted_clv")
    assert found["growing"] == pytest.approx(worth["anna"])
    assert sum(found.values()) == pytest.approx(sum(worth.values()))


def test_a_summary_that_loses_a_customer_is_refused(six):
    six.table(SUMMARY, END)
    six.engine.execute(f"UPDATE {SUMMARY} SET customers = customers - 1 WHERE activity_trend = 'too_new'")
    assert six.failing_checks(SUMMARY, END) == {"every_customer_in_one_class"}


# ── movers ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def moves(shop, day):
    rows = shop.show(EVENTS, day).where(catalogue="activity_trend")
    return rows.rows("customer_id", "from_segment", "to_segment", "direction", "previous_snapshot_date")


LATER = "2026-02-10"
"""Ten days later: prior window 22 to 31 January, recent one 1 to 10 February."""


def test_movers_are_events(six):
    # Anna 4 → 0, Bert 0 → 4, Fred 2 → 2 again. Emil is old enough now: 1 → 0, as is Dora. Base 4 + 1 + 2 + 1 = 8 before
    # and 4 + 2 lately, and Cleo 2: s = ½.
    six.snapshot(END, BASE, EVENTS, CHANGES, SUMMARY, TREND).orders(
        "bert", *days(1, 2, 3, 4, month="2026-02"), amount=7
    )
    six.orders("fred", *days(5, 6, month="2026-02")).orders("cleo", *days(1, 9, month="2026-02")).snapshot(
        LATER, BASE, EVENTS, CHANGES, SUMMARY, TREND
    )
    assert six.show(BASE, LATER).rows("share_prior", "share_recent") == [(8, 8)]
    assert moves(six, END) == []
    assert moves(six, LATER) == [
        ("anna", "growing", "declining", "worse", END), ("bert", "declining", "growing", "better", END),
        ("cleo", "silent", "too_few", "same", END), ("emil", "too_new", "too_few", "same", END),
    ]  # fmt: skip
    at_stake = six.show(EVENTS, LATER).where(catalogue="activity_trend").by_customer("revenue_12_months")
    assert (at_stake["anna"], at_stake["bert"]) == (50, 50 + 28)


def test_who_gets_a_trend_enters_and_who_loses_it_leaves(six):
    # Dora 1 → 3 enters as stable (s = ½: mid-p of 3 in 4 = 2/16 + 4/16); Anna is told to have stopped altogether when
    # her orders of January are taken back: none in either window. Gina is new and has no trend: nothing to tell.
    six.snapshot(END, BASE, EVENTS, CHANGES, SUMMARY, TREND).orders("dora", *days(1, 2, 3, month="2026-02")).orders(
        "gina", "2026-02-03"
    )
    for n in (2, 3, 4, 5):
        six.refund(f"anna-{n}", on="2026-02-02", amount=10)
    six.orders("cleo", "2026-02-01").snapshot(LATER, BASE, EVENTS, CHANGES, SUMMARY, TREND)
    assert six.show(BASE, LATER).rows("share_prior", "share_recent") == [(4, 4)]
    assert moves(six, LATER) == [
        ("anna", "growing", "silent", "left", END), ("bert", "declining", "silent", "left", END),
        ("cleo", "silent", "too_few", "same", END), ("dora", "too_few", "stable", "entered", END),
        ("emil", "too_new", "too_few", "same", END), ("fred", "stable", "too_few", "left", END),
    ]  # fmt: skip


def test_windows_of_another_length_are_not_compared(six):
    # Recent are now 25 January to 1 February: Anna has 3 occasions before and 1 lately, which is no move.
    six.snapshot(END, BASE, EVENTS, CHANGES, SUMMARY, TREND).with_settings(trend={"window_days": 8}).snapshot(
        "2026-02-01", BASE, EVENTS, CHANGES, SUMMARY, TREND
    )
    assert moves(six, "2026-02-01") == []
    assert six.show(CHANGES, "2026-02-01").where(catalogue="activity_trend", customer_id="anna").rows(
        "previous_segment", "previous_snapshot_date"
    ) == [("growing", END)]
    assert six.show(TREND, "2026-02-01").by_customer("activity_trend")["anna"] != "growing"


def test_snapshots_from_before_the_trend_was_told_are_not_compared(six):
    # A warehouse made by an older version has segments of January and no trend: the first trend has no past.
    six.snapshot(END, BASE, EVENTS, CHANGES, SUMMARY, TREND)
    six.engine.execute(f"DELETE FROM {CHANGES} WHERE catalogue = 'activity_trend'")
    six.orders("bert", *days(1, 2, 3, 4, month="2026-02")).snapshot(LATER, BASE, EVENTS, CHANGES, SUMMARY, TREND)
    assert moves(six, LATER) == []
    assert set(six.show(CHANGES, LATER).where(catalogue="activity_trend").rows("previous_snapshot_date")) == {(None,)}
    assert set(six.show(CHANGES, LATER).where(catalogue="grid").rows("previous_snapshot_date")) >= {(END,)}


# ── a base whose truth is known ───────────────────────────────────────────────────────────────────────────────────────


def december_shop(shop, first, last, customers=400, seed=11):
    """Customers with rates of their own who all buy twice as often every December; nobody ever changes."""
    rng = np.random.default_rng(seed)
    calendar = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    season = np.array([2.0 if day.month == 12 else 1.0 for day in calendar])
    for n, rate in enumerate(rng.gamma(2.0, 1 / 40, customers)):
        buys = rng.random(len(calendar)) < 1 - np.exp(-rate * season)
        shop.orders(
            f"c{n:03d}", str(first), *(str(day) for day, yes in zip(calendar[1:], buys[1:], strict=True) if yes)
        )


@pytest.mark.parametrize(
    ("first", "source"), [(dt.date(2024, 6, 1), "a year ago"), (dt.date(2025, 4, 1), "today")]
)  # fmt: skip
def test_a_december_that_doubles_makes_no_growers(shop, first, source):
    end = dt.date(2025, 12, 31)
    december_shop(shop.with_settings(trend={"window_days": 90}), first, end)
    trend = shop.table(TREND, str(end))
    assert set(trend.rows("share_from", "seasonally_adjusted")) == {(source, source == "a year ago")}
    classified = trend.frame.filter(CLASSIFIED)
    growers = int((classified["activity_trend"] == "growing").sum())
    k1, k2 = (classified[f"{name}_occasions"].to_numpy().astype(float) for name in ("prior", "recent"))
    chance = by_chance(k1 + k2, classified["expected_share"][0])["growing"].sum()
    assert classified.height > 200
    # Share expected: 28 + 30 + 2 · 31 of these and the 90 days before.
    assert classified["expected_share"][0] == pytest.approx(120 / 210, abs=0.02)
    assert growers <= chance + 2.5 * np.sqrt(chance)
    assert growers / classified.height <= 0.05 + 0.02
    # Who does not look at the season sees growth everywhere.
    assert (classify(k1, k2, 0.5) == "growing").sum() > 2 * chance


# ── real shops ────────────────────────────────────────────────────────────────────────────────────────────────────────


def counted_by_hand(real, window):
    """Trend of every customer by scipy's own test, from the lines: {trend: customers}, without any table of ours."""
    end = real.snapshot_date
    bought = real.engine.read(
        "SELECT DISTINCT customer_id, ordered_on FROM staging.order_lines WHERE customer_id IS NOT NULL "
        "AND kind = 'sale' "
        "AND order_id IN (SELECT order_id FROM staging.orders GROUP BY order_id HAVING sum(orders) > 0)"
    )
    tenure, ago = end - pl.col("ordered_on").min(), end - pl.col("ordered_on")
    frame = bought.group_by("customer_id").agg(
        (tenure.dt.total_days() >= 2 * window).alias("old"),
        (ago.dt.total_days() < window).sum().alias("k2"),
        ((ago.dt.total_days() >= window) & (ago.dt.total_days() < 2 * window)).sum().alias("k1"),
    )
    base = frame.filter("old")
    share = base["k2"].sum() / (base["k1"].sum() + base["k2"].sum())
    least = next(n for n in range(1, 100) if max(share, 1 - share) ** n <= 0.1)
    found = Counter({"too_new": frame.height - base.height})
    for k1, k2, customers in base.group_by("k1", "k2").len().iter_rows():
        found[_class(k1, k2, share, least)] += customers
    return found


def _class(k1, k2, share, least):
    if k1 + k2 < least:
        return "too_few" if k1 + k2 else "silent"
    one_sided = min(binomtest(k2, k1 + k2, share, alternative=side).pvalue for side in ("less", "greater"))
    if 2 * one_sided - binom.pmf(k2, k1 + k2, share) > 0.1:
        return "stable"
    odds = share / (1 - share)
    return "growing" if k2 > 1.25 * k1 * odds else "declining" if k2 < 0.8 * k1 * odds else "stable"


def test_cdnow(cdnow_master):
    # All came in the first quarter of 1997: on 30 June 1998 all have a tenure of 360 days, a year before nobody had.
    base = cdnow_master.table(BASE)
    assert base.rows("window_days", "share_from", "base_customers", "n_min") == [(180, "today", 23_570, 4)]
    sizes = cdnow_master.table(SUMMARY).by("activity_trend", "customers")
    assert sizes == {
        "growing": 215, "declining": 218, "stable": 1_814, "too_new": 0, "silent": 15_286, "too_few": 6_037,
    }  # fmt: skip
    assert sizes == counted_by_hand(cdnow_master, 180)


def test_online_retail(online_retail):
    # Before Christmas all buy more (s = .58): no more customers have a trend of their own than chance makes.
    base = online_retail.table(BASE)
    assert base.rows("window_days", "share_from", "base_customers", "n_min") == [(90, "today", 2_819, 5)]
    summary = online_retail.table(SUMMARY)
    sizes = summary.by("activity_trend", "customers")
    assert sizes == counted_by_hand(online_retail, 90)
    chance = summary.by("activity_trend", "by_chance")
    assert (sizes["growing"], sizes["declining"]) == (14, 10)
    assert (chance["growing"], chance["declining"]) == (pytest.approx(17.06, abs=0.01), pytest.approx(15.08, abs=0.01))
