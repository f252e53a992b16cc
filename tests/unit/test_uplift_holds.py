"""What the step `uplift` says of campaigns whose effect is known because it was made up: how often that is right."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from shop import build, open_engine

from pipeline.ingest.exports import find_exports, load_exports
from pipeline.settings import Settings
from pipeline.simulator import shop as simulated
from pipeline.simulator.writing import simulate
from pipeline.steps.campaigns.uplift import compute

DAY = dt.date(2026, 3, 31)
STAGES = ("first-time", "active", "inactive")
EQUAL = {"treated": 3_000, "control": 3_000}
A_FIFTH = {"treated": 8_000, "control": 2_000}


class Told:
    """An engine that knows nothing but sums of campaigns."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def read(self, sql: str, parameters: dict[str, Any]) -> pl.DataFrame:
        return pl.DataFrame(self.rows)


def sums(bought: np.ndarray, y: np.ndarray, x: np.ndarray) -> dict[str, float]:
    buyers = int(bought.sum())
    return {
        "members": len(y), "with_message": 0, "visitors": 0, "buyers": buyers, "orders": buyers, "spend": y.sum(),
        "spend_squared": (y * y).sum(), "before": x.sum(), "before_squared": (x * x).sum(), "products": (x * y).sum(),
        "equally_before": x.sum() / 10,
    }  # fmt: skip


def campaigns(
    number: int, more: float, seed: int, sizes: dict[str, int] = EQUAL, stages: tuple[str, ...] = STAGES
) -> list[dict[str, Any]]:
    """Members have a rate of their own (gamma); a share `more` of the treated buys besides. An order is worth 50."""
    dice = np.random.default_rng(seed)
    rows = []
    for name in range(number):
        for group, n in sizes.items():
            rate = dice.gamma(0.8, 0.1, n)
            x = 50.0 * dice.poisson(10 * rate)
            own = dice.poisson(rate)
            caused = (dice.random(n) < more) & (group == "treated")
            bought, y = (own > 0) | caused, dice.gamma(4, 12.5, n) * (own + caused)
            stage = dice.integers(0, len(STAGES), n)
            share = sizes["control"] / sum(sizes.values())
            about = {"campaign_id": f"c{name:04d}", "group_name": group, "programme": "news", "control_share": share,
                     "window_days": 5, "last_on": DAY - dt.timedelta(days=60)}  # fmt: skip
            rows.append({**about, "dimension": "all", "segment": "all", **sums(bought, y, x)})
            for place, segment in enumerate(stages):
                of = stage == place
                rows.append({**about, "dimension": "lifecycle", "segment": segment, **sums(bought[of], y[of], x[of])})
    return rows


def found(rows: list[dict[str, Any]]) -> dict[str, pl.DataFrame]:
    return compute(Told(rows), Settings(), DAY, lambda _: None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def without_effect() -> dict[str, pl.DataFrame]:
    return found(campaigns(200, 0.0, seed=1))


@pytest.mark.parametrize("metric", ["conversion", "spend"])
def test_nothing_works_where_nothing_was_caused(without_effect, metric):
    """2.5 % of the campaigns on average."""
    said = without_effect["campaign_uplift"].filter(metric=metric)["says"]
    assert len(said) == 200
    assert (said == "more").sum() <= 10
    assert (said != "no_difference_shown").sum() <= 20


@pytest.fixture(scope="module")
def with_a_control_of_a_fifth() -> pl.DataFrame:
    return found(campaigns(1_200, 0.0, seed=1, sizes=A_FIFTH, stages=()))["campaign_uplift"]


@pytest.mark.parametrize("metric", ["conversion", "spend"])
def test_nothing_works_where_the_control_group_is_small(with_a_control_of_a_fifth, metric):
    """Spend is skewed, and with unequal groups the interval leans: of 1,200 and not of 200, which chance decides."""
    said = with_a_control_of_a_fifth.filter(metric=metric)["says"]
    assert len(said) == 1_200
    assert (said == "more").mean() <= 0.05
    assert (said != "no_difference_shown").mean() <= 0.07


def test_segments_do_not_differ_where_they_do_not(without_effect):
    rows = without_effect["campaign_uplift_segments"].filter(pl.col("campaign_id") != "(all)", metric="conversion")
    said = rows.group_by("campaign_id").agg(pl.col("says").first())["says"]
    assert len(said) == 200
    assert (said == "segments_differ").sum() <= 20


def test_the_truth_lies_in_the_interval():
    """Of 60 campaigns 57 on average; fewer than 53 by chance in one of 100 runs.

    A share of .03 of the treated buys besides: 1.5 of spend, and .03 of those who would not have bought, E exp(−rate).
    """
    rows = found(campaigns(60, 0.03, seed=2))["campaign_uplift"]
    truth = {"conversion": 0.03 * 1.1**-0.8, "spend": 1.5}
    for metric, ends in [("conversion", "effect"), ("spend", "effect"), ("spend", "adjusted")]:
        inside = pl.lit(truth[metric]).is_between(pl.col(f"{ends}_low"), pl.col(f"{ends}_high"))
        assert rows.filter(inside, metric=metric).height >= 53, (metric, ends)
    assert (rows["says"] == "more").mean() > 0.5


@pytest.mark.long
def test_the_truth_of_simulated_shops_lies_in_the_interval(tmp_path):
    """Five shops through loading, features and step: as often inside as 53 of 60 would be, over some 230 campaigns."""
    judged = pl.concat(_simulated_campaigns(tmp_path / str(seed), seed) for seed in range(2, 7))
    for metric, truth, ends in [
        ("conversion", "extra_buyers", "effect"),
        ("spend", "extra_net_revenue", "effect"),
        ("spend", "extra_net_revenue", "adjusted"),
    ]:
        rows = judged.filter(pl.col(f"{ends}_low").is_not_null(), metric=metric)
        told = pl.col(truth) / pl.col("treated")
        assert rows.height > 50
        inside = rows.filter(told.is_between(pl.col(f"{ends}_low"), pl.col(f"{ends}_high"))).height
        assert inside / rows.height >= 53 / 60, (metric, ends, inside, rows.height)


def _simulated_campaigns(home: Path, seed: int) -> pl.DataFrame:
    """The campaigns of a shop that can be judged, with what they truly caused."""
    simulate(simulated.Shop(customers=6_000, years=3, seed=seed), home / "data")
    settings = Settings(home=home)
    with open_engine(settings) as engine:
        for outcome in load_exports(engine, settings, find_exports(settings, {})):
            assert not isinstance(outcome, Exception), outcome
        build(engine, dt.date(2026, 10, 31), "marts.campaign_uplift")
        said = engine.read("SELECT * FROM marts.campaign_uplift WHERE status = 'known'")
    truth = pl.read_csv(home / "data" / "truth" / "campaigns.csv").select(
        "campaign_id", "extra_buyers", "extra_net_revenue"
    )
    return said.join(truth, on="campaign_id")
