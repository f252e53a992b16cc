"""marts.base_averages: what a marketer compares one customer with."""

import pytest
from predictions import history, say_champions, say_histories, say_parameters

AVERAGES = "marts.base_averages"


def average(rows, measure):
    row = rows.where(measure=measure)
    return tuple(row.one(name) for name in ("customers", "mean", "median", "mean_low", "mean_high"))


@pytest.fixture
def three(shop):
    # Orders 1, 2, 6; gaps of Bert 10 days, of Cleo 50/5 + … = (12 + 12 + 12 + 12 + 12)/5 = 12 days.
    shop.orders("anna", "2026-12-01", amount=30)
    shop.orders("bert", "2026-12-01", "2026-12-11", amount=10)
    shop.orders("cleo", "2026-10-01", "2026-10-13", "2026-10-25", "2026-11-06", "2026-11-18", "2026-11-30", amount=5)
    return shop


def test_means_medians_and_intervals(three):
    # Orders 1, 2, 6: mean 3, sample variance (4 + 1 + 9)/2 = 7, standard error √(7/3), 1.96 of them either side.
    half = 1.96 * (7 / 3) ** 0.5
    assert average(three.table(AVERAGES), "orders") == pytest.approx((3, 3, 2, 3 - half, 3 + half))


def test_only_customers_with_a_value_count(three):
    # Anna has no gap; 10 and 12: mean 11, standard error √(2/2) = 1.
    assert average(three.table(AVERAGES), "gap_days") == pytest.approx((2, 11, 11, 11 - 1.96, 11 + 1.96))


def test_every_measure_has_its_unit(three):
    assert dict(three.table(AVERAGES).rows("measure", "unit")) == {
        "orders": "orders", "occasions": "occasions", "order_value": "currency", "gap_days": "days",
        "revenue_12_months": "currency", "historic_clv": "currency", "predicted_clv": "currency",
    }  # fmt: skip


def test_money(three):
    # Per order 30, 10, 5; revenue 30, 20, 30.
    rows = three.table(AVERAGES)
    assert average(rows, "order_value")[:3] == pytest.approx((3, 15, 10))
    assert average(rows, "revenue_12_months")[:3] == pytest.approx((3, 80 / 3, 30))
    assert average(rows, "historic_clv")[:3] == pytest.approx((3, 80 / 3, 30))


def test_revenue_of_12_months_ends_there(three):
    three.orders("bert", "2025-12-31", amount=70)
    rows = three.table(AVERAGES)
    assert average(rows, "revenue_12_months")[1] == pytest.approx(80 / 3)
    assert average(rows, "historic_clv")[1] == pytest.approx(150 / 3)


def test_predicted_value_counts_where_there_is_one(three):
    # Only Anna's and Bert's histories are known to the models: 10 · .5 · 2 = 10 and (10 + 10) · .5 · 2 = 20.
    say_champions(three)
    say_parameters(three, p=6.0, q=3.0, v=10.0, mean_spend=30.0, kept_share=1.0)
    say_histories(three, history(0, 0, 30), history(1, 10, 30))
    assert average(three.table(AVERAGES), "predicted_clv")[:3] == pytest.approx((2, 15, 15))


def test_one_customer_is_no_average(shop):
    rows = shop.orders("anna", "2026-12-01", amount=30).table(AVERAGES)
    assert average(rows, "orders") == (1, None, 1, None, None)


def test_without_predictions_there_is_nobody_to_average(three):
    assert average(three.table(AVERAGES), "predicted_clv") == (0, None, None, None, None)


def test_a_shop_without_customers_has_no_averages(shop):
    assert len(shop.table(AVERAGES)) == 0
