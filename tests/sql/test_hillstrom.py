"""Hillstrom's e-mail test of 64,000 customers, loaded as exports are: the published figures of what mailings caused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hillstrom import FILE, needs_hillstrom
from shop import RealShop, build, open_engine

from pipeline.ingest.exports import find_exports, load_exports
from pipeline.settings import Settings

pytestmark = needs_hillstrom
SOURCES = Path(__file__).resolve().parents[1] / "sources"
TABLE = "marts.campaign_uplift"
MAILINGS = {"mens": "Mens E-Mail", "womens": "Womens E-Mail"}
CAMPAIGNS = "campaign_id,channel,sent_at,window_days,control_share\n" + "".join(
    f"{name},email,2008-03-20 12:00:00,14,0.5\n" for name in MAILINGS
)


@pytest.fixture(scope="module")
def hillstrom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealShop]:
    """Its rows, numbered, as exports of a shop: who was drawn for each mailing, what they spent before and after."""
    home = tmp_path_factory.mktemp("hillstrom")
    rows = pl.read_parquet(FILE).with_row_index("customer").cast({"customer": pl.String})
    exports = home / "data" / "exports"
    for source in ("hillstrom", "perennial"):
        (exports / source).mkdir(parents=True)
    (exports / "perennial" / "campaigns.csv").write_text(CAMPAIGNS)
    for name, segment in MAILINGS.items():
        drawn = rows.filter(pl.col("segment").is_in([segment, "No E-Mail"])).with_columns(campaign=pl.lit(name))
        drawn.drop("history", "spend", "visit").write_parquet(exports / "hillstrom" / f"{name}.parquet")
    rows.select("customer", "history").write_parquet(exports / "hillstrom" / "before.parquet")
    rows.filter(pl.col("spend") > 0).select("customer", "spend").write_parquet(exports / "hillstrom" / "after.parquet")
    rows.filter(pl.col("visit") == 1).select("customer", "visit").write_parquet(
        exports / "hillstrom" / "visits.parquet"
    )
    settings, day = Settings(home=home, sources_folder=SOURCES, currency="USD"), dt.date(2008, 4, 30)
    with open_engine(settings) as engine:
        for outcome in load_exports(engine, settings, find_exports(settings, {})):
            assert not isinstance(outcome, Exception), outcome
            assert (outcome.status, outcome.quarantined) == ("loaded", 0), outcome.message
        build(engine, day, TABLE)
        yield RealShop(engine, day)


def figures(shop: RealShop, campaign: str, metric: str, *columns: str) -> list[float]:
    row = shop.table(TABLE).where(campaign_id=campaign, metric=metric)
    assert row.one("status") == "known"
    return [row.one(column) for column in columns]


EFFECT = ("effect", "effect_low", "effect_high")
RATIO = ("ratio", "ratio_low", "ratio_high")


@pytest.mark.parametrize(
    ("campaign", "metric", "columns", "published"),
    [
        ("mens", "visit", EFFECT, [0.0765896, 0.0699533, 0.0832267]),
        ("mens", "visit", RATIO, [1.721405, 1.640392, 1.806417]),
        ("womens", "visit", EFFECT, [0.0452331, 0.0388941, 0.0515743]),
        ("mens", "conversion", EFFECT, [0.0068050, 0.0050143, 0.0086407]),
        ("mens", "conversion", RATIO, [2.188422, 1.767630, 2.707014]),
        ("mens", "spend", EFFECT, [0.7698272, 0.4851397, 1.0545146]),
        ("mens", "spend", ("adjusted", "adjusted_low", "adjusted_high"), [0.7674496, 0.4828240, 1.0520753]),
        ("mens", "conversion", ("sample_ratio_p",), [0.996135]),
        ("mens", "conversion", ("detectable",), [0.0022378]),
        ("mens", "spend", ("detectable",), [0.314542]),
        ("womens", "conversion", EFFECT, [0.0031111, 0.0015017, 0.0047455]),
        ("womens", "spend", EFFECT, [0.4244122, 0.1689568, 0.6798676]),
        ("womens", "spend", ("sample_ratio_p",), [0.695044]),
    ],
)
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
