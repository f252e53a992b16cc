"""marts.campaign_uplift_segments: whom a campaign did more for, drawn towards the mean as far as it is noise."""

import pytest
from shop import Shop, open_engine

from pipeline.models.random_effects import random_effects
from pipeline.settings import Settings

TABLE = "marts.campaign_uplift_segments"
CELLS = {"first-time": (40, 24, 6), "inactive": (50, 8, 8), "lead": (20, 6, 5)}
"""Stage on the evening before -> members of either group, and those of the treated and of the control who buy."""


def told(shop, campaign, cells, sent="2026-03-01T09:00"):
    shop.campaign(campaign, sent=sent, control_share=0.5)
    for stage, (n, *buyers) in cells.items():
        for group, bought in zip(("treated", "control"), buyers, strict=True):
            for number in range(n):
                name = f"{campaign}-{stage}-{group}-{number}"
                shop.message(campaign, name, "assigned", at=sent, group_name=group)
                if stage != "lead":
                    shop.orders(name, "2026-02-20" if stage == "first-time" else "2024-12-01")
                if number < bought:
                    shop.orders(name, "2026-03-04", amount=20)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    home = tmp_path_factory.mktemp("segments")
    with open_engine(Settings(home=home)) as engine:
        shop = Shop(home, engine)
        told(shop, "works", CELLS)
        told(shop, "small", {"first-time": (40, 10, 10), "inactive": (60, 10, 10), "lead": (4, 1, 1)})
        shop.orders(
            "works-inactive-treated-49", "2026-03-01T08:00"
        )  # on the day itself: the evening before, still silent
        yield shop


@pytest.fixture(scope="module")
def rows(shop):
    found = shop.table(TABLE, "2026-03-20")
    assert shop.failing_checks(TABLE, "2026-03-20") == set()
    return found


def variance(n, bought):
    return bought / n * (1 - bought / n) / (n - 1)


def test_effects_by_stage_are_shrunk(rows):
    by_stage = rows.where(campaign_id="works", metric="conversion", dimension="lifecycle")
    effects = {stage: (one - other) / n for stage, (n, one, other) in CELLS.items()}
    expected = random_effects(
        list(effects.values()), [variance(n, one) + variance(n, other) for n, one, other in CELLS.values()]
    )
    assert by_stage.by("segment", "effect") == pytest.approx(effects)
    assert by_stage.by("segment", "shrunk") == pytest.approx(dict(zip(CELLS, expected.shrunk, strict=True)), rel=1e-6)
    assert by_stage.by("segment", "treated") == {"first-time": 40, "inactive": 50, "lead": 20}
    assert (
        by_stage.rows("tau", "p_value", "says")
        == [(pytest.approx(expected.tau, rel=1e-6), pytest.approx(expected.p, rel=1e-6), "segments_differ")] * 3
    )
    by_stage = by_stage.where(segment="first-time")
    assert 0.1 < by_stage.one("shrunk") < by_stage.one("effect") == pytest.approx(0.45)
    assert by_stage.one("shrunk_low") < by_stage.one("shrunk") < by_stage.one("shrunk_high")


def test_dimensions_are_judged_together(rows):
    works = rows.where(campaign_id="works", metric="conversion")
    assert set(works.frame["dimension"]) == {"lifecycle", "grid", "axonaut"}
    assert min(works.frame["p_holm"] / works.frame["p_value"]) >= 1
    assert max(works.frame["p_holm"] / works.frame["p_value"]) == pytest.approx(3)


def test_small_cells_are_other_with_the_next_larger(rows):
    """The four leads of either group are too few, so those who bought once are with them: at least ten in each row."""
    small = rows.where(campaign_id="small", metric="conversion", dimension="lifecycle")
    assert small.rows("segment", "treated", "control", "says") == [
        ("inactive", 60, 60, "no_difference_shown"), ("other", 44, 44, "no_difference_shown"),
    ]  # fmt: skip


def test_spend_needs_twenty_buyers_and_what_is_not_known_has_no_segments(rows):
    assert rows.where(metric="visit").rows() == []
    spend = rows.where(campaign_id="works", metric="spend", dimension="lifecycle")
    assert spend.rows("segment", "effect") == [], "19 of the control members buy: nothing is known of spend"


def test_all_campaigns_together(rows):
    together = rows.where(campaign_id="(all)", metric="conversion", dimension="lifecycle").by("segment", "effect")
    of_inactive = [variance(50, 8) * 2, variance(60, 10) * 2]
    assert together["inactive"] == pytest.approx(random_effects([0, 0], of_inactive).mean, abs=1e-12)
    assert together["first-time"] == pytest.approx(0.45)
    assert "other" not in together


def test_nothing_before_it_is_over(shop, rows):
    assert len(shop.table(TABLE, "2026-03-19")) == 0
