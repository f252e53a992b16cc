"""marts.campaign_uplift: what a campaign caused, where that can be known, and nothing where it cannot."""

import numpy as np
import pytest
from scipy.stats import ttest_ind
from shop import Shop, open_engine
from statsmodels.stats.proportion import confint_proportions_2indep

from pipeline.settings import Settings

TABLE = "marts.campaign_uplift"
SENT = "2026-03-01T09:00"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    home = tmp_path_factory.mktemp("uplift")
    with open_engine(Settings(home=home)) as engine:
        yield Shop(home, engine)


def members(shop, campaign, treated, control, buyers, control_buyers, share=0.5):
    """So many members, of whom the first ones of each group buy in the window, for 10, 11, 12 … each."""
    shop.campaign(campaign, sent=SENT, control_share=share)
    for group, n, bought in (("treated", treated, buyers), ("control", control, control_buyers)):
        for number in range(n):
            name = f"{campaign}-{group}-{number}"
            shop.message(campaign, name, "assigned", at=SENT, group_name=group)
            if number < bought:
                shop.orders(name, "2026-03-06", amount=10 + number)


@pytest.fixture(scope="module")
def uplift(shop):
    """Final on March 20 (5 days of window, 14 for refunds).

    works: 60 of 120 against 30 of 120 buy. few: 12 of 30 against 3 of 30. skewed: 120 against 40 where half was meant.
    alone: nobody is control; its members spent 10 each before and buy for 10, 11 and 12.
    """
    members(shop, "works", 120, 120, 60, 30)
    members(shop, "few", 30, 30, 12, 3, share=None)
    members(shop, "skewed", 120, 40, 60, 10)
    members(shop, "alone", 5, 0, 3, 0, share=None)
    for number in range(5):
        shop.orders(f"alone-treated-{number}", "2026-02-26", amount=10)
    shop.message("works", "works-control-0", "sent", at=SENT)  # by mistake
    shop.orders("works-control-119", "2026-03-07").orders("works-control-118", "2026-03-01T08:59")  # out of the window
    return shop.table(TABLE, "2026-03-20")


def test_conversion_by_newcombe(uplift):
    row = uplift.where(campaign_id="works", metric="conversion")
    low, high = confint_proportions_2indep(60, 120, 30, 120, method="newcomb")
    assert row.rows("status", "says", "treated", "control", "contaminated", "sample_ratio", "quality") == [
        ("known", "more", 120, 120, 1, "passed", "reliable")
    ]
    assert (row.one("effect"), row.one("effect_low"), row.one("effect_high")) == pytest.approx(
        (0.25, low, high), rel=1e-6
    )
    assert (row.one("extra"), row.one("extra_low")) == pytest.approx((30, 120 * low), rel=1e-6)
    assert row.one("ratio") == 2


def test_spend_by_welch_net_of_what_came_back(uplift):
    treated, control = (np.array([*range(10, 10 + bought), *[0] * (120 - bought)], float) for bought in (60, 30))
    test = ttest_ind(treated, control, equal_var=False)
    interval = test.confidence_interval()
    row = uplift.where(campaign_id="works", metric="spend")
    assert row.rows("says", "quality", "is_adjusted") == [("more", "reliable", False)], "30 buyers do in equal groups"
    found = (row.one("effect"), row.one("effect_low"), row.one("effect_high"), row.one("p_value"))
    expected = (treated.mean() - control.mean(), interval.low, interval.high, test.pvalue)
    assert found == pytest.approx(expected, rel=1e-6)
    assert row.one("p_holm") >= row.one("p_value")
    assert row.one("q_bh") >= row.one("p_value")


def test_visits_count_once_per_member_and_in_the_window(tmp_path):
    """40 treated of whom 20 visit, 40 control of whom 5 do: one comes twice, one too early, one too late."""
    with open_engine(Settings(home=tmp_path)) as engine:
        shop = Shop(tmp_path, engine)
        members(shop, "works", 40, 40, 4, 2)
        members(shop, "quiet", 40, 40, 4, 2)  # nobody of whom is told to have visited
        for group, visitors in (("treated", 20), ("control", 5)):
            for number in range(visitors):
                shop.event(
                    f"{group} {number}", "product_view", at="2026-03-06T23:59", customer=f"works-{group}-{number}"
                )
        shop.event("again", "checkout", at="2026-03-02T10:00", customer="works-control-0")
        shop.event("early", "other", at="2026-03-01T08:59", customer="works-control-38")
        shop.event("late", "other", at="2026-03-07T00:00", customer="works-control-39")
        rows = shop.table(TABLE, "2026-03-20")
        assert shop.failing_checks(TABLE, "2026-03-20") == set()
    assert len(rows.where(campaign_id="quiet")) == 2
    visit = rows.where(campaign_id="works", metric="visit")
    low, high = confint_proportions_2indep(20, 40, 5, 40, method="newcomb")
    assert visit.rows("says", "quality", "effect", "p_holm", "q_bh") == [("more", "reliable", 0.375, None, None)]
    found = (visit.one("effect_low"), visit.one("effect_high"), visit.one("extra"))
    assert found == pytest.approx((low, high, 15), rel=1e-6)


def test_nothing_is_said_where_nothing_can_be_known(uplift):
    few = uplift.where(campaign_id="few")
    assert few.rows("metric", "sample_ratio", "says", "quality") == [
        ("conversion", "unknown", "more", "reliable"), ("spend", "unknown", "not_known", None),
    ]  # fmt: skip
    skewed = uplift.where(campaign_id="skewed")
    assert skewed.rows("status", "says", "effect", "p_value") == [("srm_failed", "not_known", None, None)] * 2
    alone = uplift.where(campaign_id="alone")
    assert alone.rows("status", "says", "before_after", "effect", "effect_low", "p_value") == [
        ("no_control", "not_known", pytest.approx(33 / 50 - 1), None, None, None),  # of spend
        ("no_control", "not_known", None, None, None, None),
    ]  # fmt: skip


def test_until_it_is_over_there_are_counts_and_no_effect(shop, uplift):
    rows = shop.table(TABLE, "2026-03-19")
    running = rows.where(campaign_id="works", metric="conversion")
    assert running.rows("status", "says", "treated_mean", "control_mean", "effect", "p_value") == [
        ("running", "not_known", 0.5, 0.25, None, None)
    ]
    assert set(rows.where(campaign_id="alone").frame["before_after"]) == {None}
    assert shop.failing_checks(TABLE, "2026-03-19") == set()


def test_refunds_count_and_what_members_spent_before_is_taken_out_where_it_explains_enough(shop, uplift):
    """Everybody buys as before, for 10 to 59, the treated for 3 more: without the past that is lost in the noise."""
    shop.campaign("steady", sent=SENT, control_share=0.5)
    for number in range(100):
        for group, more in (("treated", 4), ("control", 1)):
            name, spend = f"steady-{group}-{number}", 10 + number // 2
            shop.message("steady", name, "assigned", at=SENT, group_name=group).orders(name, "2026-01-10", amount=spend)
            shop.orders(name, "2026-03-02", amount=spend + more + number % 2)
            shop.refund(f"{name}-2", on="2026-03-10", amount=1)
    row = shop.table(TABLE, "2026-03-20").where(campaign_id="steady", metric="spend")
    assert row.rows("effect", "is_adjusted", "says") == [(3, True, "more")]
    assert row.one("adjusted") == pytest.approx(3)
    assert row.one("effect_low") < 0 < 2.8 < row.one("adjusted_low") < 3
    assert row.one("variance_left") < 0.01
    assert shop.failing_checks(TABLE, "2026-03-20") == set()


def test_the_checks_find_a_causal_word_where_there_may_be_none(shop, uplift):
    shop.table(TABLE, "2026-03-20")
    shop.engine.execute(f"UPDATE {TABLE} SET says = 'more' WHERE campaign_id = 'alone' AND metric = 'spend'")
    assert shop.failing_checks(TABLE, "2026-03-20") == {
        "causal_words_only_where_members_were_drawn_by_lot_and_it_is_over", "what_is_said_follows_the_interval",
    }  # fmt: skip
