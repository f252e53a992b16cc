"""marts.propensity_grid: bands of purchase × bands of churn."""

import pytest
from predictions import history, say_champions, say_histories, say_parameters

GRID = "marts.propensity_grid"
BANDS = ("0-25", "26-50", "51-75", "76-100")


@pytest.fixture
def grid(shop):
    # Anna and Bert, one purchase 30 days ago, buy in 30 days with .3 and churn with .4; Cleo, 60 days ago, with .1 and
    # .9. v = 10, factor .5, two purchases: worth 10 each. At risk: .4 · (100 + 50) and .9 · 20.
    shop.orders("anna", "2026-12-01", amount=100).orders("bert", "2026-12-01", amount=50)
    shop.orders("cleo", "2026-11-01", amount=20)
    say_champions(shop)
    say_parameters(shop, p=6.0, q=3.0, v=10.0, mean_spend=30.0, kept_share=1.0)
    say_histories(
        shop,
        history(0, 0, 30, p_purchase_30d=0.3, p_purchase_90d=0.5, p_purchase_churn=0.6),
        history(0, 0, 60, p_purchase_30d=0.1, p_purchase_90d=0.1, p_purchase_churn=0.1),
    )
    return shop


def test_a_cell_adds_up_its_customers(grid):
    cells = grid.table(GRID)
    assert [row[:3] for row in cells.where(customers=2).rows("purchase_band", "churn_band", "predicted_clv")] == [
        ("26-50", "26-50", pytest.approx(20))
    ]
    at_risk = cells.frame.filter(cells.frame["customers"] > 0)
    assert dict(zip(at_risk["churn_band"], at_risk["revenue_at_risk"], strict=True)) == {
        "26-50": pytest.approx(60), "76-100": pytest.approx(18),
    }  # fmt: skip


def test_all_16_cells_are_listed(grid):
    cells = grid.table(GRID)
    assert set(cells.rows("purchase_band", "churn_band")) == {(p, c) for p in BANDS for c in BANDS}
    assert cells.where(purchase_band="51-75", churn_band="0-25").rows("customers", "predicted_clv") == [(0, None)]


def test_cells_that_cannot_fill_are_told_apart(grid):
    # Churn is at most 1 − p: with p above .25 it is below .75, above .5 below .5, above .75 below .25.
    cells = grid.table(GRID)
    impossible = {row[:2] for row in cells.where(is_possible=False).rows("purchase_band", "churn_band")}
    assert impossible == {
        ("26-50", "76-100"), ("51-75", "51-75"), ("51-75", "76-100"),
        ("76-100", "26-50"), ("76-100", "51-75"), ("76-100", "76-100"),
    }  # fmt: skip


def test_without_predictions_the_cells_are_empty(shop):
    cells = shop.orders("anna", "2026-12-01").table(GRID)
    assert (len(cells), cells.frame["customers"].sum()) == (16, 0)


def test_a_customer_in_no_cell_is_refused(grid):
    grid.table(GRID)
    grid.engine.execute(f"UPDATE {GRID} SET customers = 0 WHERE customers = 2")
    assert grid.failing_checks(GRID, "2026-12-31") == {"every_scored_customer_is_in_one_cell"}


@pytest.mark.parametrize(
    ("days", "impossible"),
    [
        # Churn is 1 − p: with p up to .25 it is .75 or more, and 1 − .25 is in the band that ends at .75.
        (30, {("0-25", "0-25"), ("0-25", "26-50"), ("26-50", "0-25"),
              ("26-50", "76-100"), ("51-75", "51-75"), ("51-75", "76-100"),
              ("76-100", "26-50"), ("76-100", "51-75"), ("76-100", "76-100")}),
        # Churn is at least 1 − p: with p up to .25 it is .75 or more, with p up to .5 it is .5 or more.
        (29, {("0-25", "0-25"), ("0-25", "26-50"), ("26-50", "0-25")}),
    ],
)  # fmt: skip
def test_other_cells_cannot_fill_where_the_churn_horizon_is_no_longer_than_30_days(shop, days, impossible):
    say_champions(shop, churn_days=days)
    cells = shop.table(GRID)
    assert set(cells.where(is_possible=False).rows("purchase_band", "churn_band")) == impossible
    assert set(cells.frame["churn_horizon_days"]) == {days}
