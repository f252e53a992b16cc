"""The mathematics of uplift, against figures that others published or computed."""

from __future__ import annotations

from math import sqrt

import numpy as np
import polars as pl
import pytest
from hillstrom import FILE, needs_hillstrom
from scipy.optimize import brentq
from scipy.stats import binom, ttest_ind

from pipeline.models import uplift
from pipeline.models.uplift import Arm
from pipeline.models.validation import Z


def test_shares_as_newcombe_published_them():
    effect = uplift.shares(Arm(70, 56, 0, 0), Arm(80, 48, 0, 0))
    assert (effect.low, effect.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def scored(treated: Arm, control: Arm) -> tuple[float, float]:
    """Miettinen and Nurminen's interval (1985): differences that the score test does not reject at 5 %."""
    x1, n1, x0, n0 = treated.buyers, treated.n, control.buyers, control.n

    def z(difference: float) -> float:
        def slope(p: float) -> float:
            """Of the likelihood by the control's share p, where the treated's is p + difference."""
            q = p + difference
            return x1 / q - (n1 - x1) / (1 - q) + x0 / p - (n0 - x0) / (1 - p)

        p = brentq(slope, max(0.0, -difference) + 1e-12, min(1.0, 1 - difference) - 1e-12, xtol=1e-15)
        q = p + difference
        variance = (q * (1 - q) / n1 + p * (1 - p) / n0) * (n1 + n0) / (n1 + n0 - 1)
        return (x1 / n1 - x0 / n0 - difference) / sqrt(variance)

    found = x1 / n1 - x0 / n0
    low, high = (brentq(lambda d, at=at: z(d) - at, *span) for at, span in ((Z, (-0.5, found)), (-Z, (found, 0.9))))
    return low, high


@pytest.mark.parametrize(
    ("arms", "published", "digits"),
    [
        ((Arm(70, 56, 0, 0), Arm(80, 48, 0, 0)), (0.0528, 0.3382), 5e-5),
        ((Arm(21_307, 3_894, 0, 0), Arm(21_306, 2_262, 0, 0)), (0.0699599, 0.0832339), 1e-6),
        ((Arm(21_307, 267, 0, 0), Arm(21_306, 122, 0, 0)), (0.0050243, 0.0086494), 1e-6),
    ],
)
def test_the_score_interval_says_nearly_the_same(arms, published, digits):
    """Solved here, since the one of statsmodels leaves the 5 % in the fourth digit."""
    effect = uplift.shares(*arms)
    assert scored(*arms) == pytest.approx(published, abs=digits)
    assert (effect.low, effect.high) == pytest.approx(published, abs=0.005)


def coverage(n1: int, n0: int, p: float) -> tuple[float, float]:
    """How often the true difference 0 lies in Newcombe's interval, and in that of the plain standard error, exactly."""
    spans = [np.arange(*binom.interval(1 - 1e-8, n, p)).astype(int) for n in (n1, n0)]
    inside = np.zeros(2)
    for x1, chance in zip(spans[0], binom.pmf(spans[0], n1, p), strict=True):
        for x0, other in zip(spans[1], binom.pmf(spans[1], n0, p), strict=True):
            effect = uplift.shares(Arm(n1, int(x1), 0, 0), Arm(n0, int(x0), 0, 0))
            half = Z * sqrt(x1 / n1 * (1 - x1 / n1) / n1 + x0 / n0 * (1 - x0 / n0) / n0)
            inside += chance * other * np.array([effect.low <= 0 <= effect.high, abs(effect.difference) <= half])
    return float(inside[0]), float(inside[1])


@pytest.mark.parametrize(("n1", "n0", "p"), [(100, 100, 0.02), (400, 100, 0.002), (1_000, 250, 0.02), (400, 100, 0.1)])
def test_newcombe_holds_what_it_promises(n1, n0, p):
    newcombe, _ = coverage(n1, n0, p)
    assert newcombe >= 0.95


def test_the_plain_interval_does_not():
    newcombe, plain = coverage(100, 20, 0.02)
    assert plain < 0.91 < 0.95 <= newcombe


def test_shares_of_hillstrom_and_what_could_have_been_found():
    treated, control = Arm(21_307, 267, 0, 0), Arm(21_306, 122, 0, 0)
    effect = uplift.shares(treated, control)
    assert (effect.difference, effect.low, effect.high) == pytest.approx((0.0068050, 0.0050143, 0.0086407), abs=1e-6)
    assert uplift.ratio_of_shares(treated, control) == pytest.approx((2.188422, 1.767630, 2.707014), abs=1e-6)
    assert uplift.detectable_share(treated, control) == pytest.approx(0.0022378, abs=1e-6)
    assert uplift.sample_ratio_p((21_307, 21_306), (0.5, 0.5)) == pytest.approx(0.996135, abs=1e-6)
    assert uplift.sample_ratio_p((21_387, 21_306), (0.5, 0.5)) == pytest.approx(0.695044, abs=1e-6)
    assert uplift.sample_ratio_p((21_307, 21_387, 21_306), [1 / 3] * 3) == pytest.approx(0.903693, abs=1e-6)
    assert uplift.sample_ratio_p((100, 0), (1, 0)) == 1
    assert uplift.sample_ratio_p((100, 1), (1, 0)) == 0, "nobody was to be control"


def arm(members: pl.DataFrame, events: str, outcome: str = "spend") -> Arm:
    x, y = members["history"], members[outcome]
    return Arm(members.height, members[events].sum(), y.sum(), (y * y).sum(), x.sum(), (x * x).sum(), (x * y).sum())


@pytest.fixture(scope="module")
def hillstrom() -> dict[str, pl.DataFrame]:
    """Members by the mailing they got."""
    frame = pl.read_parquet(FILE)
    return {name: frame.filter(segment=f"{name} E-Mail") for name in ("Mens", "Womens", "No")}


@needs_hillstrom
def test_spend_of_hillstrom(hillstrom):
    groups = hillstrom
    mens, womens, control = (arm(group, "conversion") for group in groups.values())
    effect, other = uplift.means(mens, control), uplift.means(womens, control)
    assert effect is not None and other is not None
    assert (effect.difference, effect.low, effect.high) == pytest.approx((0.7698272, 0.4851397, 1.0545146), abs=1e-6)
    assert effect.p == pytest.approx(1.1638e-7, rel=1e-4)
    welch = ttest_ind(groups["Mens"]["spend"], groups["No"]["spend"], equal_var=False)
    assert (welch.pvalue, welch.df) == pytest.approx((effect.p, 36_671.16))
    assert (other.difference, other.low, other.high) == pytest.approx((0.4244122, 0.1689568, 0.6798676), abs=1e-6)
    assert uplift.ratio_of_means(mens, control) == pytest.approx((2.17929, 1.62845, 2.91646), abs=1e-5)
    theta = uplift.cuped_theta(mens, control)
    adjusted = uplift.means(mens, control, theta)
    assert adjusted is not None
    assert theta == pytest.approx(0.0012172036, abs=1e-6)
    assert (adjusted.difference, adjusted.low, adjusted.high) == pytest.approx(
        (0.7674496, 0.4828240, 1.0520753), abs=1e-6
    )
    assert uplift.variance_left(mens, control, theta) == pytest.approx(0.99957, abs=1e-5)
    assert uplift.detectable_mean(mens, control) == pytest.approx(0.314542, abs=1e-6)
    visits = [arm(groups[name], "visit", "visit") for name in ("Mens", "No")]
    assert uplift.variance_left(*visits, uplift.cuped_theta(*visits)) == pytest.approx(0.99556, abs=1e-5)


@needs_hillstrom
def test_shares_of_hillstrom_by_the_file(hillstrom):
    def held_against_none(name: str, events: str) -> tuple[float, ...]:
        effect = uplift.shares(arm(hillstrom[name], events), arm(hillstrom["No"], events))
        return effect.difference, effect.low, effect.high

    assert held_against_none("Mens", "visit") == pytest.approx((0.0765896, 0.0699533, 0.0832267), abs=1e-6)
    assert held_against_none("Mens", "conversion") == pytest.approx((0.0068050, 0.0050143, 0.0086407), abs=1e-6)
    assert held_against_none("Womens", "visit") == pytest.approx((0.0452331, 0.0388941, 0.0515743), abs=1e-6)
    assert held_against_none("Womens", "conversion") == pytest.approx((0.0031111, 0.0015017, 0.0047455), abs=1e-6)
    visits = [arm(hillstrom[name], "visit") for name in ("Mens", "No")]
    assert uplift.ratio_of_shares(*visits) == pytest.approx((1.721405, 1.640392, 1.806417), abs=1e-6)


def test_what_cannot_be_computed_is_not():
    nobody = Arm(100, 0, 0, 0)
    assert uplift.means(nobody, nobody) is None
    assert uplift.ratio_of_means(nobody, nobody) is None
    assert uplift.ratio_of_shares(Arm(100, 5, 0, 0), nobody) is None
    assert uplift.shares(nobody, nobody).p == 1
    assert uplift.cuped_theta(nobody, nobody) == 0
    assert uplift.variance_left(nobody, nobody, 0) is None


def test_the_slope_on_the_past_is_that_within_the_groups():
    """Each spends as before, the treated 5 more and by chance less before: a slope over all would take that in."""
    before = {"treated": [0, 0, 10, 10], "control": [10, 10, 20, 20]}
    now = {"treated": [4, 6, 14, 16], "control": [9, 11, 19, 21]}
    treated, control = (
        Arm(
            4,
            4,
            sum(y),
            sum(b * b for b in y),
            sum(x),
            sum(a * a for a in x),
            sum(a * b for a, b in zip(x, y, strict=True)),
        )
        for x, y in ((before[group], now[group]) for group in before)
    )
    adjusted = uplift.means(treated, control, uplift.cuped_theta(treated, control))
    assert adjusted is not None
    assert (uplift.cuped_theta(treated, control), adjusted.difference) == pytest.approx((1, 5))
    assert np.polyfit(np.ravel(list(before.values())), np.ravel(list(now.values())), 1)[0] == pytest.approx(0.75)


def test_holm_by_hand():
    assert uplift.holm([0.04, 0.01]) == pytest.approx([0.04, 0.02])
    assert uplift.holm([0.03, 0.03, 0.9]) == pytest.approx([0.09, 0.09, 0.9])
    assert uplift.holm([]) == []
