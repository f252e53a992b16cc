"""marts.benchmarks: one-time against repeat buyers, beside the sector where a benchmark is given."""

import pytest

TABLE = "marts.benchmarks"


@pytest.fixture
def two(shop):
    """January: Anna twice (20) and Bert once (60). In February nobody."""
    shop.orders("anna", "2026-01-01", "2026-01-20", amount=10).orders("bert", "2026-01-05", amount=60)
    return shop


def test_shares_without_a_benchmark(two):
    rows = two.table(TABLE, "2026-02-28").where(period="2026-01")
    assert rows.rows("kpi", "sector", "value", "rests_on", "benchmark", "difference") == [
        ("one_time_share_of_buyers", "none", 0.5, 2, None, None),
        ("one_time_share_of_revenue", "none", 0.75, 2, None, None),
        ("repeat_share_of_buyers", "none", 0.5, 2, None, None),
        ("repeat_share_of_revenue", "none", 0.25, 2, None, None),
    ]


def test_a_month_without_buyers_has_no_shares(two):
    february = two.table(TABLE, "2026-02-28").where(period="2026-02")
    assert february.rows("value", "rests_on", "is_complete") == [(None, 0, True)] * 4


def test_beside_each_sector(two):
    two.benchmark("fashion", "repeat_share_of_buyers", "2026-01", 0.4)
    two.benchmark("toys", "repeat_share_of_buyers", "2026-01", 0.7)
    rows = two.table(TABLE, "2026-02-28").where(period="2026-01", kpi="repeat_share_of_buyers")
    assert rows.rows("sector", "value", "benchmark", "difference") == [
        ("fashion", 0.5, 0.4, pytest.approx(0.1)), ("toys", 0.5, 0.7, pytest.approx(-0.2)),
    ]  # fmt: skip


def test_other_figures_and_periods_where_a_benchmark_is_given(two):
    two.benchmark("toys", "mean_order_value", "2026-Q1", 30).benchmark("toys", "orders", "2027-01", 9)
    rows = two.table(TABLE, "2026-03-31")
    quarter = rows.where(period="2026-Q1")
    # 80 of three orders; January of 2027 is not there yet.
    assert quarter.rows("kpi", "sector", "value", "difference") == [
        ("mean_order_value", "toys", pytest.approx(80 / 3), pytest.approx(80 / 3 - 30)),
    ]  # fmt: skip
    assert len(rows.where(period="2027-01")) == 0


def test_an_open_month_differs_by_nothing_yet(two):
    two.benchmark("toys", "repeat_share_of_buyers", "2026-01", 0.4)
    row = two.table(TABLE, "2026-01-25").where(kpi="repeat_share_of_buyers")
    assert row.rows("is_open", "value", "benchmark", "difference") == [(True, 0.5, 0.4, None)]


def test_shares_that_do_not_add_up_are_refused(two):
    two.snapshot("2026-02-28", TABLE)
    assert two.failing_checks(TABLE, "2026-02-28") == set()
    two.engine.execute(f"UPDATE {TABLE} SET value = 0.9 WHERE kpi = 'repeat_share_of_revenue' AND period = '2026-01'")
    assert two.failing_checks(TABLE, "2026-02-28") == {"shares_of_a_month_add_up"}


def test_figures_of_messages_beside_a_sector(shop):
    """
    January: four messages arrive and one bounces; Anna clicks and orders for 40, of which 10 come back, Bert
    unsubscribes, and a machine clicks. In February one arrives. Messages are told of from the 10th of January on.
    """
    shop.orders("anna", "2026-01-12", amount=40).refund("anna-1", on="2026-01-20", amount=10).orders(
        "bert", "2025-12-30"
    )
    shop.campaign("spring", sent="2026-01-10T09:00").campaign("later", sent="2026-02-10T09:00")
    for name in ("anna", "bert", "cleo", "dora"):
        shop.message("spring", name, "delivered", at="2026-01-10T09:00")
    shop.message("spring", "emil", "bounced", at="2026-01-10T09:00").message(
        "later", "anna", "delivered", at="2026-02-10T09:00"
    )
    shop.message("spring", "anna", "clicked", at="2026-01-11T09:00", is_machine=False)
    shop.message("spring", "cleo", "clicked", at="2026-01-11T09:00", is_machine=True)
    shop.message("spring", "bert", "unsubscribed", at="2026-01-11T09:00")
    for kpi in ("click_rate", "conversion_rate", "unsubscribe_rate", "revenue_per_message"):
        for period in ("2026-01", "2026-02", "2026-Q1", "2026-03"):
            shop.benchmark("toys", kpi, period, 0.2)
    rows = shop.table(TABLE, "2026-03-31").where(sector="toys")
    january = rows.where(period="2026-01")
    assert january.by("kpi", "value") == {
        "click_rate": 0.25, "conversion_rate": 0.25, "unsubscribe_rate": 0.25, "revenue_per_message": 7.5,
    }  # fmt: skip
    assert set(january.rows("rests_on", "is_complete", "difference")) == {(4, False, None)}
    assert set(rows.where(period="2026-02").rows("value", "rests_on", "is_complete")) == {(0, 1, True)}
    assert rows.where(period="2026-Q1").by("kpi", "value")["click_rate"] == 0.2
    assert len(rows.where(period="2026-03")) == 0
