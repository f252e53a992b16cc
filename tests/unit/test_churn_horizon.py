"""The churn horizon: the longest in which enough of those who were buying stay silent, decided once a month."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.settings import Settings
from pipeline.steps.prediction import churn_horizon as horizon
from pipeline.steps.prediction.chances import POINTS, Chances
from pipeline.steps.prediction.churn_horizon import ChurnHorizon, Silence, choose, churn_horizon
from pipeline.steps.prediction.holdouts import PROBABILITIES
from pipeline.steps.prediction.nightly import Night

DAY = dt.date(2026, 12, 31)
LONG_AGO = dt.date(2020, 1, 1)


def silences(*shares: float, buyers: int = 1000) -> list[Silence]:
    """In 30, 60, 90 and 180 days this share of the buyers stayed silent."""
    return [Silence(days, buyers, round(share * buyers)) for days, share in zip((30, 60, 90, 180), shares, strict=True)]


# ── the choice ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("shares", "days", "chosen_by"),
    [
        ((0.90, 0.80, 0.70, 0.55), 180, "enough silent"),
        ((0.60, 0.40, 0.20, 0.10), 180, "enough silent"),  # a tenth is enough
        ((0.60, 0.40, 0.20, 0.099), 90, "enough silent"),
        ((0.50, 0.11, 0.09, 0.05), 60, "enough silent"),
        ((0.17, 0.09, 0.06, 0.02), 30, "enough silent"),
        ((0.09, 0.04, 0.02, 0.01), 30, "none has enough"),
        # Where a longer one has more silent than a shorter, as in a shop of last season's buyers, it is the longest.
        ((0.30, 0.05, 0.04, 0.12), 180, "enough silent"),
    ],
)
def test_the_longest_in_which_a_tenth_stayed_silent_is_chosen(shares, days, chosen_by):
    found = choose(DAY, silences(*shares))
    assert (found.days, found.chosen_by) == (days, chosen_by)
    assert {row["churn_horizon_days"] for row in found.rows} == {days}
    assert [row["silent_share"] for row in found.rows] == list(shares)


def test_a_share_of_fewer_than_100_buyers_is_none():
    evidence = [*silences(0.6, 0.4, 0.2, 0.5)[:3], Silence(180, 99, 90)]
    assert [of.verdict for of in evidence[2:]] == ["enough silent", "too few buyers"]
    assert choose(DAY, evidence).days == 90
    nobody = choose(DAY, silences(0, 0, 0, 0, buyers=0))
    assert (nobody.days, nobody.chosen_by, nobody.rows[0]["silent_share"]) == (30, "none has enough", None)


# ── who was buying, and who stayed silent ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def buyers(shop):
    """Days before 31 December 2026. Of 30 days: 0 to 29; the 365 before them: 30 to 394."""
    shop.orders("anna", "2026-12-02", "2026-12-01")  # 29 and 30 days ago
    shop.orders("bert", "2026-12-01")  # 30
    shop.orders("cleo", "2026-10-03", "2026-10-02")  # 89 and 90
    shop.orders("dora", "2025-12-02")  # 394
    shop.orders("emil", "2025-12-01")  # 395: within none of the 365 days before 30, in those before 60
    shop.orders("fred", "2026-12-31")  # new: was not buying before
    # Greta's order of day 200 came back whole, and so she has bought nothing in these days that stands.
    shop.orders("greta", "2026-06-14").refund("greta-1", on="2026-12-31", amount=10)
    # Hans buys again, and his refund of it is of the day after: on the day it stands.
    shop.orders("hans", "2026-06-14", "2026-12-30").refund("hans-2", on="2027-01-01", amount=10)
    shop.table("marts.customer_summary", snapshot_date="2027-12-31")
    return shop


def test_who_was_buying_and_stayed_silent_by_hand(buyers):
    found = churn_horizon(buyers.engine, DAY, LONG_AGO, None)
    assert found.decided_on == DAY
    assert [(of.days, of.buyers, of.silent) for of in found.evidence] == [
        (30, 5, 3),  # anna bought again and hans, not bert, cleo and dora
        (60, 4, 3),  # hans again, not cleo, dora and emil; anna and bert had not bought before
        (90, 4, 2),  # cleo and hans again, not dora and emil
        (180, 3, 2),  # hans again, not dora and emil
    ]


@pytest.mark.parametrize("given", [14, 45, 180, 730])
def test_what_is_set_is_taken_and_the_evidence_stands_beside_it(buyers, given):
    found = churn_horizon(buyers.engine, DAY, LONG_AGO, given)
    assert (found.days, found.chosen_by, found.before) == (given, "set", None)
    assert [of.buyers for of in found.evidence] == [5, 4, 4, 3]
    night = Night(buyers.engine, Settings(churn_horizon_days=given), DAY)
    assert night.horizons == {"purchase_30d": 30, "purchase_90d": 90, "churn": given}


# ── from night to night ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def shares(monkeypatch):
    """The shares that stood at the ends of two months, and of no other day."""
    known = {dt.date(2026, 11, 30): silences(0.5, 0.3, 0.2, 0.15), DAY: silences(0.5, 0.3, 0.2, 0.09)}
    monkeypatch.setattr(horizon, "_silences", lambda _, day: known[day])
    known[dt.date(2026, 10, 31)] = known[dt.date(2026, 11, 30)]


@pytest.mark.parametrize(
    ("day", "days", "before"),
    [
        ("2026-11-30", 180, 180), ("2026-12-01", 180, 180), ("2026-12-30", 180, 180),
        ("2026-12-31", 90, 180), ("2027-01-30", 90, 180),
    ],
)  # fmt: skip
def test_it_changes_with_the_month_and_says_what_it_was(shares, day, days, before):
    found = churn_horizon(None, dt.date.fromisoformat(day), LONG_AGO, None)
    assert (found.days, found.before, found.has_changed) == (days, before, days != before)
    assert {row["previous_churn_horizon_days"] for row in found.rows} == {before}


def test_a_first_horizon_has_none_before_it(shares):
    for first, before in ((dt.date(2026, 11, 30), 180), (dt.date(2026, 12, 1), None)):
        assert churn_horizon(None, DAY, first, None).before == before


# ── the order of horizons ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("days", "order"),
    [
        (14, {14: "churn", 30: "purchase_30d", 90: "purchase_90d"}),
        (30, {30: "purchase_30d", 90: "purchase_90d"}),
        (45, {30: "purchase_30d", 45: "churn", 90: "purchase_90d"}),
        (90, {30: "purchase_30d", 90: "purchase_90d"}),
        (180, {30: "purchase_30d", 90: "purchase_90d", 180: "churn"}),
    ],
)
def test_probabilities_stand_in_the_order_of_their_days(days, order):
    night = Night(None, Settings(), DAY)
    night.churn_horizon = ChurnHorizon(days, "set", DAY, [])
    assert list(night.by_horizon.items()) == list(order.items())


@pytest.mark.parametrize(
    ("days", "said", "published"),
    [
        # Said of 14, 30 and 90 days: within 30 no less than within 14.
        (14, (0.2, 0.1, 0.4), {"p_purchase_churn": 0.2, "p_purchase_30d": 0.2, "p_purchase_90d": 0.4}),
        # Of 30 and 90: churn is told by the first.
        (30, (0.1, 0.4), {"p_purchase_churn": 0.1, "p_purchase_30d": 0.1, "p_purchase_90d": 0.4}),
        (45, (0.1, 0.3, 0.2), {"p_purchase_churn": 0.3, "p_purchase_30d": 0.1, "p_purchase_90d": 0.3}),
        (90, (0.1, 0.4), {"p_purchase_churn": 0.4, "p_purchase_30d": 0.1, "p_purchase_90d": 0.4}),
        (180, (0.1, 0.4, 0.6), {"p_purchase_churn": 0.6, "p_purchase_180d": 0.6}),
        (730, (0.1, 0.4, 0.9), {"p_purchase_churn": 0.9, "p_purchase_90d": 0.4}),
    ],
)
def test_what_is_published_rises_with_the_days_whatever_the_churn_horizon(days, said, published):
    night = Night(None, Settings(), DAY)
    night.churn_horizon = ChurnHorizon(days, "set", DAY, [])
    night.season = SimpleNamespace(clock=SimpleNamespace(week=lambda weeks: weeks))
    night.best_timing = lambda target: SimpleNamespace(
        probability_of_purchase=lambda weeks, x, t_x, T: 1 - np.exp(-0.01 * weeks * np.ones_like(x))
    )
    one = np.ones(1)
    found = Chances.of(night, SimpleNamespace(x=one, t_x=one, T=one), tells_days=True).published(np.array([said]))
    assert {name: found[name][0] for name in published} == pytest.approx(published)
    by_days = {30: found[POINTS[0]], 90: found[POINTS[1]], 180: found["p_purchase_180d"], 365: found["p_purchase_365d"]}
    by_days[days + 0.5] = found[POINTS[PROBABILITIES.index("churn")]]
    rising = [by_days[day][0] for day in sorted(by_days)]
    assert rising == sorted(rising) and rising[0] > 0 and rising[-1] < 1
    assert found["next_purchase_early_days"][0] < found["next_purchase_late_days"][0] <= 365
