"""features.customer_features: what the models may know of a customer at the end of a day, and nothing later."""

import datetime as dt

import pytest
from shop import Rows

from pipeline.tables.catalog import features

DAY = "2026-12-31"
QUERY = features()["features.customer_features"]


def ask(shop, day=DAY):
    """The features of a day, when all that happened since has long been booked."""
    shop.table("marts.customer_summary", snapshot_date="2027-12-31")
    return Rows(shop.engine.read(QUERY.select, {"snapshot_date": dt.date.fromisoformat(day)}).sort("customer_id"))


@pytest.fixture
def anna(shop):
    # 10 January, 20 January (two orders), 1 December, 31 December: gaps 10, 315, 30 days.
    shop.orders("anna", "2026-01-10", amount=4).orders("anna", "2026-01-20", "2026-01-20", amount=10)
    return shop.orders("anna", "2026-12-01", amount=30).orders("anna", DAY, amount=70)


def test_rhythm(anna):
    row = ask(anna)
    assert row.rows("frequency", "active_span_days", "age_days", "recency_days", "orders") == [(3, 355, 355, 0, 5)]
    assert row.rows("longest_gap_days", "last_gap_days") == [(315, 30)]
    assert row.one("mean_gap_days") == pytest.approx(355 / 3)
    assert row.rows("median_gap_days", "silence_by_mean_gap", "silence_by_median_gap") == [(30, 0, 0)]


def test_how_regular_the_gaps_are(shop):
    # Anna: 2, 4 and 6 days, then 20: their mean is 8, their median 5, the last three are 10 in the mean. Around 8 the
    # squares are 36, 16, 4 and 144, together 200: the spread is the root of 200 / 3. She has been silent for 24 days.
    # Bert comes every ten days; Cleo has but one gap, which has no spread.
    shop.orders("anna", "2026-11-05", "2026-11-07", "2026-11-11", "2026-11-17", "2026-12-07")
    shop.orders("bert", "2026-12-11", "2026-12-21", DAY).orders("cleo", "2026-12-10", "2026-12-20")
    row = ask(shop)
    named = ["mean_gap_days", "median_gap_days", "recent_gaps_days", "gap_spread_days", "gap_irregularity",
             "silence_by_mean_gap", "silence_by_median_gap"]  # fmt: skip
    spread = (200 / 3) ** 0.5
    assert row.where(customer_id="anna").rows(*named)[0] == pytest.approx((8, 5, 10, spread, spread / 8, 3, 4.8))
    assert row.where(customer_id="bert").rows(*named) == [(10, 10, 10, 0, 0, 0, 0)]
    assert row.where(customer_id="cleo").rows(*named) == [(10, 10, 10, None, None, 1.1, 1.1)]


@pytest.mark.parametrize("days", [7, 14, 60])
def test_short_windows(shop, days):
    last, outside = (dt.date.fromisoformat(DAY) - dt.timedelta(n) for n in (days - 1, days))
    shop.orders("anna", str(last)).orders("bert", str(outside))
    assert ask(shop).by_customer(f"occasions_{days}_days") == {"anna": 1, "bert": 0}


def test_money(anna):
    # Occasions of 4, 20, 30, 70.
    row = ask(anna)
    assert row.rows("first_amount", "last_amount", "monetary_value", "mean_amount") == [(4, 70, 40, 31)]


def test_money_is_added_up_to_the_cent(shop):
    # Eleven purchases of 0.10. Ten floats of 0.1 make 0.9999999999999999, or something else in another order.
    row = ask(shop.orders("anna", *(f"2026-03-{day:02d}" for day in range(1, 12)), amount="0.10"))
    assert row.one("monetary_value") == 1.0 / 10
    assert row.one("mean_amount") == 1.1 / 11


def test_windows_count_back_from_the_day(anna):
    # 1 December is 30 days ago: just outside of the last 30; 20 January is 345 days ago and 10 January 355: both in the
    # season, the 30 days from 335 to 364 days ago, in which fell a year ago what follows the day now.
    row = ask(anna)
    windows = [f"occasions_{name}" for name in ("30_days", "90_days", "180_days", "365_days", "season")]
    assert row.rows(*windows) == [(1, 2, 2, 4, 2)]


@pytest.mark.parametrize(
    ("day", "counted"), [("2025-12-31", 0), ("2026-01-01", 1), ("2026-01-30", 1), ("2026-01-31", 0)]
)
def test_the_borders_of_the_season(shop, day, counted):
    assert ask(shop.orders("anna", day)).one("occasions_season") == counted


def test_one_purchase_has_no_gaps_and_no_repeat_spend(shop):
    row = ask(shop.orders("bert", "2026-12-01", amount=8))
    unknown = [
        "mean_gap_days", "longest_gap_days", "last_gap_days", "median_gap_days", "recent_gaps_days", "gap_spread_days",
        "gap_irregularity", "silence_by_mean_gap", "silence_by_median_gap", "monetary_value",
    ]  # fmt: skip
    assert row.rows("frequency", "age_days") == [(0, 30)]
    assert row.rows(*unknown) == [(None,) * 10]


def test_refunds(shop):
    # Of 40 sold and 10 for postage, 5 and 20 came back: half. Bert gave back nothing. What 3 came back for was sold to
    # Cleo for nothing.
    shop.orders("anna", "2026-12-01", amount=40).charge("anna-1", on="2026-12-01", customer="anna", amount=10)
    shop.refund("anna-1", on="2026-12-10", amount=5).refund("anna-1", on=DAY, amount=20)
    shop.orders("bert", "2026-12-01").orders("cleo", "2026-12-01", amount=0).refund("cleo-1", on="2026-12-02", amount=3)
    row = ask(shop)
    assert row.rows("customer_id", "refunded_amount", "refunded_share") == [
        ("anna", 25, 0.5), ("bert", 0, 0), ("cleo", 3, None),
    ]  # fmt: skip


def test_what_is_void_is_neither_sold_nor_refunded(shop):
    # Anna: a quarter of 40 came back. Her failed attempt, in a shop and of a kind she never bought, is nothing at all.
    shop.orders("anna", "2026-12-01", amount=40, category="toys", sales_channel="web")
    shop.refund("anna-1", on="2026-12-10", amount=10)
    failed = {"status": "cancelled", "category": "books", "sales_channel": "app"}
    shop.line("failed", on="2026-12-02", customer="anna", amount=60, **failed)
    shop.refund("failed", on="2026-12-02", amount=60)
    row = ask(shop)
    assert row.rows("refunded_amount", "refunded_share", "categories", "channels") == [(10, 0.25, 1, 1)]
    # As of a day between, an order that comes back whole later still is one.
    shop.orders("anna", "2026-12-20", amount=60).refund("anna-2", on="2026-12-28", amount=60)
    assert ask(shop, "2026-12-27").one("refunded_share") == pytest.approx(0.1)
    assert ask(shop).one("refunded_share") == 0.25


def test_categories(shop):
    # Anna spent 30 of 40 on toys; the gift wrap has no category, the free sample no price. Of Bert nothing is known.
    shop.orders("anna", "2026-12-01", amount=10, category="toys").orders("anna", DAY, amount=20, category="toys")
    shop.orders("anna", DAY, amount=10, category="books").orders("anna", DAY, amount=5)
    shop.orders("anna", DAY, amount=0, category="games").orders("bert", DAY, amount=10)
    row = ask(shop)
    assert row.rows("customer_id", "categories", "main_category_share") == [("anna", 2, 0.75), ("bert", None, None)]


def test_channels(shop):
    # Of five sale lines of a known channel one is app, three are web, one is store. Anna was in the app last; Bert was
    # in web and store on his last day, and has more lines in web; of Cleo nothing is known.
    shop.orders("anna", "2026-12-01", sales_channel="web").orders("anna", "2026-12-02", sales_channel="app")
    shop.orders("bert", DAY, DAY, sales_channel="web").orders("bert", DAY, sales_channel="store").orders("cleo", DAY)
    row = ask(shop)
    assert row.rows("customer_id", "channels", "last_channel_share") == [
        ("anna", 2, 0.2), ("bert", 2, 0.6), ("cleo", None, None),
    ]  # fmt: skip


def test_nothing_after_the_day_matters(anna):
    anna.orders("bert", "2026-12-01", amount=8, sales_channel="web", category="toys").refund(
        "bert-1", on="2026-12-02", amount=1
    )
    before = ask(anna).frame
    anna.orders("anna", "2027-01-01", amount=999, sales_channel="app", category="books").orders("cleo", "2027-01-02")
    anna.refund("anna-5", on="2027-01-05", amount=70).refund("bert-1", on="2027-01-05", amount=2)
    anna.orders("bert", "2027-01-03", sales_channel="app", category="books")
    assert ask(anna).frame.equals(before)


def test_a_cancellation_counts_from_the_day_it_is_known(anna):
    # The order of 31 December is given back on 5 January.
    anna.refund("anna-5", on="2027-01-05", amount=70)
    assert ask(anna, DAY).one("frequency") == 3
    assert ask(anna, "2027-01-05").rows("frequency", "last_amount") == [(2, 30)]


def test_they_are_those_of_the_summary(anna):
    anna.orders("bert", "2026-12-01", amount=8).orders("bert", "2026-12-05", amount=0).refund(
        "bert-1", on=DAY, amount=1
    )
    shared = ("customer_id", "frequency", "active_span_days", "age_days", "recency_days", "monetary_value", "orders")
    found = ask(anna)
    assert found.rows(*shared) == anna.table("marts.customer_summary", snapshot_date=DAY).rows(*shared)


def test_columns_are_those_of_the_header(anna):
    assert ask(anna).frame.columns == list(QUERY.header.columns)
