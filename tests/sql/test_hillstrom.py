"""Hillstrom's e-mail test of 64,000 customers, loaded as exports are: the published figures of what mailings caused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hillstrom import DAY, PUBLISHED, RATIO, SOURCES, needs_hillstrom, write_exports
from shop import RealShop, build, open_engine

from pipeline.ingest.exports import find_exports, load_exports
from pipeline.settings import Settings

pytestmark = needs_hillstrom
TABLE = "marts.campaign_uplift"


@pytest.fixture(scope="module")
def hillstrom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealShop]:
    home = tmp_path_factory.mktemp("hillstrom")
    write_exports(home / "data" / "exports")
    settings = Settings(home=home, sources_folder=SOURCES, currency="USD")
    with open_engine(settings) as engine:
        for outcome in load_exports(engine, settings, find_exports(settings, {})):
            assert not isinstance(outcome, Exception), outcome
            assert (outcome.status, outcome.quarantined) == ("loaded", 0), outcome.message
        build(engine, DAY, TABLE)
        yield RealShop(engine, DAY)


def figures(shop: RealShop, campaign: str, metric: str, *columns: str) -> list[float]:
    row = shop.table(TABLE).where(campaign_id=campaign, metric=metric)
    assert row.one("status") == "known"
    return [row.one(column) for column in columns]


@pytest.mark.parametrize(("campaign", "metric", "columns", "published"), PUBLISHED)
def test_effects_of_both_mailings(hillstrom, campaign, metric, columns, published):
    assert figures(hillstrom, campaign, metric, *columns) == pytest.approx(published, abs=1e-6)


def test_what_the_mens_mailing_did_to_spend(hillstrom):
    """The past explains nothing of it: the raw figure counts."""
    assert figures(hillstrom, "mens", "spend", *RATIO) == pytest.approx([2.17929, 1.62845, 2.91646], abs=1e-5)
    assert figures(hillstrom, "mens", "spend", "p_value") == pytest.approx([1.1638e-7], rel=1e-4)
    assert figures(hillstrom, "mens", "spend", "variance_left") == pytest.approx([0.99957], abs=1e-5)
    assert figures(hillstrom, "mens", "spend", "is_adjusted", "says", "quality") == [False, "more", "reliable"]


def test_who_was_drawn_for_what(hillstrom):
    rows = hillstrom.table(TABLE).where(metric="spend")
    assert rows.rows("campaign_id", "treated", "control", "contaminated", "sample_ratio") == [
        ("mens", 21307, 21306, 0, "passed"), ("womens", 21387, 21306, 0, "passed"),
    ]  # fmt: skip
    sizes = hillstrom.engine.read(
        "SELECT count(*) AS members, count(DISTINCT customer_id) AS people FROM staging.messages"
    )
    assert sizes.row(0) == (2 * 21306 + 21307 + 21387, 64_000)
