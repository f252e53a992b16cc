"""Products of the two public shops: what their studies found, told again by the tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest
from shop import ONLINE_RETAIL, RealShop, Rows, build, open_engine

from pipeline.ingest.exports import find_exports, load_exports
from pipeline.settings import Settings
from pipeline.tables.catalog import with_features

JOURNEY = ONLINE_RETAIL.parent / "complete_journey"
GOODS = """
    SELECT count(*) AS lines, count(DISTINCT lines.customer_id) AS customers, count(DISTINCT order_id) AS baskets,
      count(DISTINCT lines.product_id) AS products, count(DISTINCT (lines.customer_id, ordered_on)) AS occasions,
      sum(amount) AS amount, count(DISTINCT products.category) AS categories,
      count(DISTINCT products.product_name) AS types
    FROM staging.order_lines AS lines JOIN staging.products AS products USING (product_id)
    WHERE kind = 'sale' AND recommendable AND products.category IS NOT NULL
"""


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealShop]:
    """Complete Journey up to 2017-12-31, as its source reads the files."""
    files = [JOURNEY / "transactions.parquet", JOURNEY / "products.parquet"]
    if not all(file.exists() for file in files):
        pytest.skip(f"{JOURNEY} is not there: the shared data sets are no part of the repository")
    settings = Settings(home=tmp_path_factory.mktemp("journey"), currency="USD")
    day = dt.date(2017, 12, 31)
    with open_engine(settings, [file.resolve() for file in files]) as engine:
        found = find_exports(settings, {"complete_journey": [str(file) for file in files]})
        assert [one.accepted for one in load_exports(engine, settings, found)] == [1_469_307, 92_331]
        build(engine, day, "marts.attribute_segments")
        yield RealShop(engine, day)


def test_the_journey_in_numbers(journey):
    assert journey.select(GOODS).rows() == [
        (1_441_085, 2_467, 141_053, 67_826, 119_444, Decimal("4182472.00"), 300, 2_221)
    ]


def test_price_bands_of_the_journey(journey):
    bands = """
        SELECT attribute, count(*) FILTER (is_main) AS mains FROM marts.attribute_segments
        WHERE snapshot_date = $snapshot_date AND dimension = 'price_band' GROUP BY attribute
    """
    assert journey.select(bands).by("attribute", "mains") == {"1": 167, "2": 74, "3": 240}
    most = """
        SELECT count(*) AS customers FROM (
          SELECT customer_id FROM marts.attribute_segments
          WHERE snapshot_date = $snapshot_date AND dimension = 'price_band' GROUP BY customer_id HAVING sum(lines) >= 5
        ) AS enough
    """
    assert journey.select(most).one("customers") == 2_452


def test_products_of_each_price_band_of_the_journey(journey):
    """A third of the products of each category, whoever bought them. The study has 24,798, 21,979 and 20,926; here
    prices are compared in millionths, so that no last bit of a division makes one of two equals the dearer."""
    bands = journey.select(with_features("SELECT band, count(*) AS products FROM features.price_bands GROUP BY band"))
    assert bands.by("band", "products") == {1: 24_800, 2: 21_979, 3: 20_924}


def test_stores_of_the_journey(journey):
    """2,076 households make half of their visits, each day and store one, to one store. A main store needs half of
    the days, whatever else was visited on them, and three of them."""
    half = """
        SELECT count(DISTINCT customer_id) AS customers FROM (
          SELECT customer_id, place, count(*) AS days, sum(count(*)) OVER (PARTITION BY customer_id) AS visits
          FROM (
            SELECT DISTINCT lines.customer_id, lines.store_id AS place, lines.ordered_on
            FROM staging.order_lines AS lines JOIN staging.products AS products USING (product_id)
            WHERE kind = 'sale' AND recommendable AND products.category IS NOT NULL
          ) AS visits
          GROUP BY customer_id, place
        ) AS stores
        WHERE 2 * days >= visits
    """
    assert journey.select(half).one("customers") == 2_076
    assert len(journey.table("marts.attribute_segments").where(dimension="place", is_main=True)) == 2_032


def test_online_retail_by_net_and_why_not_by_gross(online_retail):
    year = online_retail.table("marts.product_performance").where(level="product", period_days=365)
    best = Rows(year.frame.filter(year.frame["net_rank"] <= 3)).rows("net_rank", "item", "net")
    assert best == [
        (1, "22423", Decimal("151462.01")), (2, "47566", Decimal("97511.91")), (3, "85123A", Decimal("94257.40")),
    ]  # fmt: skip
    assert year.where(item="22423").rows("gross", "orders") == [(Decimal("161005.76"), 1_900)]
    # One order of 80,995 pieces, sent back on the same day, would be the best product by gross.
    assert Rows(year.frame.sort("gross").tail(1)).rows("item", "gross", "net", "buyers", "top_buyer_share") == [
        ("23843", Decimal("168469.60"), Decimal("0.00"), 1, 1.0)
    ]


@pytest.mark.parametrize(
    ("item", "again", "watched"), [("22423", 224, 533), ("85123A", 285, 558), ("85099B", 204, 348)]
)
def test_online_retail_repeat_rates(online_retail, item, again, watched):
    row = online_retail.table("marts.product_performance").where(level="product", period_days=365, item=item)
    assert row.one("repeat_watched") == watched
    assert row.one("repeat_rate_180") == pytest.approx(again / watched, abs=1e-9)
