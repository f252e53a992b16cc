"""The mathematics of uplift, against figures that others published or computed."""

from __future__ import annotations

import polars as pl
import pytest
from hillstrom import FILE, needs_hillstrom
from scipy.stats import ttest_ind

from pipeline.models import uplift
from pipeline.models.uplift import Arm


def test_shares_as_newcombe_published_them():
    effect = uplift.shares(Arm(70, 56, 0, 0), Arm(80, 48, 0, 0))
    assert (effect.low, effect.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


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


def arm(members: pl.DataFrame, events: str) -> Arm:
    x, y = members["history"], members["spend"]
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
    assert effect.p == pytest.approx(ttest_ind(groups["Mens"]["spend"], groups["No"]["spend"], equal_var=False).pvalue)
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


def test_holm_by_hand():
    assert uplift.holm([0.04, 0.01]) == pytest.approx([0.04, 0.02])
    assert uplift.holm([0.03, 0.03, 0.9]) == pytest.approx([0.09, 0.09, 0.9])
    assert uplift.holm([]) == []
