"""Campaigns of the Complete Journey, held against figures that were counted from its files."""

from decimal import Decimal

import pytest
from complete_journey import FOLDER, files
from shop import open_engine

from pipeline.ingest.exports import find_exports, load_exports
from pipeline.quoting import text_literal
from pipeline.settings import Settings

NAMES = ("campaign_descriptions", "campaigns", "coupon_redemptions", "transactions")
ASKED = """
    WITH members AS (
      SELECT campaigns.programme, campaigns.campaign_id, messages.customer_id
      FROM staging.messages JOIN staging.campaigns USING (campaign_id)
    ),
    redeemed AS (
      SELECT campaign_id::VARCHAR AS campaign_id, household_id::VARCHAR AS customer_id FROM {redemptions}
    ),
    baskets AS (
      SELECT basket_id, household_id::VARCHAR AS customer_id, min(transaction_timestamp)::DATE AS ordered_on,
        sum(sales_value::DECIMAL(18,2)) AS revenue
      FROM {transactions} GROUP BY ALL
    ),
    bought AS (
      SELECT members.campaign_id, basket_id, revenue
      FROM members JOIN staging.campaigns USING (campaign_id) JOIN baskets USING (customer_id)
      WHERE ordered_on BETWEEN sent_on AND sent_on + window_days
    )
"""


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Asks a query of what was loaded; coupons (`redeemed`) and baskets are of files that are not loaded."""
    files()
    paths = [(FOLDER / f"{name}.parquet").resolve() for name in NAMES]
    settings = Settings(home=tmp_path_factory.mktemp("campaigns"), currency="USD")
    with open_engine(settings, paths) as engine:
        exports = find_exports(settings, {"complete_journey": list(map(str, paths[:2]))})
        assert [loaded.status for loaded in load_exports(engine, settings, exports)] == ["loaded", "loaded"]
        asked = ASKED.format(redemptions=text_literal(paths[2]), transactions=text_literal(paths[3]))
        yield lambda sql: engine.execute(f"{asked} {sql}")


def test_members_and_redemptions(ask):
    assert ask("SELECT count(*), count(DISTINCT campaign_id) FROM members") == [(6_589, 27)]
    assert ask("SELECT count(*) FROM redeemed") == [(2_102,)]
    assert ask("SELECT count(*) FROM (FROM members SEMI JOIN redeemed USING (campaign_id, customer_id))") == [(792,)]


def test_by_programme(ask):
    shares = """
        SELECT programme, count(*) FILTER ((campaign_id, customer_id) IN (FROM redeemed)), count(*)
        FROM members GROUP BY programme ORDER BY programme
    """
    assert ask(shares) == [("Type A", 604, 3_647), ("Type B", 154, 2_368), ("Type C", 34, 574)]


def test_the_largest_campaign(ask):
    members = "FROM members WHERE campaign_id = '18'"
    assert ask(f"SELECT count(*) FILTER ((campaign_id, customer_id) IN (FROM redeemed)), count(*) {members}") == [
        (214, 1_133)
    ]
    assert ask("SELECT sent_on::VARCHAR, window_days FROM staging.campaigns WHERE campaign_id = '18'") == [
        ("2017-10-30", 55)
    ]


def test_counting_an_order_for_every_campaign_sells_it_twice(ask):
    """What pages of senders call revenue is 29 % more than there is."""
    assert ask("SELECT sum(revenue) FROM bought") == [(Decimal("2651988.63"),)]
    assert ask("SELECT sum(revenue) FROM (SELECT DISTINCT basket_id, revenue FROM bought)") == [
        (Decimal("2054334.42"),)
    ]
