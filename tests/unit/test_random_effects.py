"""Random effects, against statsmodels and against figures computed elsewhere."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hillstrom import FILE, needs_hillstrom
from statsmodels.stats.meta_analysis import combine_effects

from pipeline.models.random_effects import RandomEffects, random_effects


def of_womens(by: pl.Expr, outcome: str) -> tuple[list[float], RandomEffects]:
    """Members of the mailing for women against those of none, by a segment: differences, and what is made of them."""
    cells = (
        pl.read_parquet(FILE)
        .filter(pl.col("segment").is_in(["Womens E-Mail", "No E-Mail"]))
        .group_by(by.alias("cell"), "segment")
        .agg(mean=pl.col(outcome).mean(), variance=pl.col(outcome).cast(pl.Float64).var() / pl.len())
        .pivot("segment", index="cell", values=["mean", "variance"])
        .sort("cell")
    )
    effects = cells["mean_Womens E-Mail"] - cells["mean_No E-Mail"]
    variances = cells["variance_Womens E-Mail"] + cells["variance_No E-Mail"]
    return effects.to_list(), random_effects(effects.to_list(), variances.to_list())


@needs_hillstrom
def test_visits_of_hillstrom_by_the_goods_bought():
    raw, found = of_womens(pl.concat_str(pl.col("mens", "womens"), separator=" "), "visit")
    assert raw == pytest.approx([0.073985, 0.011078, 0.071103], abs=1e-6)
    assert found.shrunk == pytest.approx([0.073555, 0.011714, 0.068847], abs=1e-6), "women's, men's, both"
    assert (found.q, found.tau) == pytest.approx((97.34, 0.03496), abs=5e-3)
    assert found.tau == pytest.approx(0.03496, abs=1e-5)


@needs_hillstrom
def test_spend_of_hillstrom_by_what_was_spent_before():
    raw, found = of_womens(pl.col("history_segment"), "spend")
    assert (min(raw), max(raw)) == pytest.approx((-0.32314, 2.50678), abs=1e-5)
    assert (found.q, found.p, found.tau) == pytest.approx((13.09, 0.0416, 0.40498), abs=5e-3)
    assert found.tau == pytest.approx(0.40498, abs=1e-5)
    assert (found.shrunk.min(), found.shrunk.max()) == pytest.approx((-0.07946, 0.74085), abs=1e-5)


def test_as_statsmodels_has_it():
    effects, variances = [0.02, 0.05, -0.01, 0.2], [0.0004, 0.0009, 0.0001, 0.0025]
    found, theirs = (
        random_effects(effects, variances),
        combine_effects(np.array(effects), np.array(variances), "iterated"),
    )
    assert found.q == pytest.approx(theirs.q)
    assert found.tau**2 == pytest.approx(theirs.tau2, rel=1e-4)
    assert (found.mean, found.mean_error) == pytest.approx((theirs.mean_effect_re, theirs.sd_eff_w_re), rel=1e-4)


def test_groups_that_differ_no_more_than_noise_are_all_the_mean():
    found = random_effects([1.0, 1.1], [0.5, 0.5])
    assert (found.tau, found.mean, list(found.shrunk)) == (0, pytest.approx(1.05), pytest.approx([1.05, 1.05]))
    assert found.p == pytest.approx(0.92, abs=0.01)


def test_one_group_is_itself():
    found = random_effects([0.3], [0.04])
    assert (found.mean, found.mean_error, found.tau, found.p) == pytest.approx((0.3, 0.2, 0, 1))
    assert (found.shrunk[0], found.shrunk_errors[0]) == pytest.approx((0.3, 0.2))
