"""marts.rfm_crosstab: two RFM variables crossed, every cell listed, and how the two go together."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

CROSSTAB = "marts.rfm_crosstab"
CELL = ("first_score", "second_score", "customers", "orders", "revenue", "mean_order_value")
CUSTOMERS = st.lists(
    st.tuples(st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 20)), st.integers(1, 4), st.integers(-3, 30)),
    min_size=2,
    max_size=15,
)


def test_a_cell_adds_up_its_customers(shop):
    # Anna and Bert bought on the same days: (R, F) = (1, 1) for both, 4 orders of 30 together, 6 given back.
    shop.orders("anna", "2026-01-01", "2026-01-02", amount=5).orders("bert", "2026-01-01", "2026-01-02", amount=10)
    shop.refund("bert-1", on="2026-01-20", amount=6)
    cells = shop.table(CROSSTAB, snapshot_date="2026-01-31").where(pair="RF", first_score=1, second_score=1)
    assert cells.rows(*CELL) == [(1, 1, 2, 4, 24, 7.5)]


def test_empty_cells_are_listed(shop):
    shop.orders("anna", "2026-01-01")
    cells = shop.table(CROSSTAB, snapshot_date="2026-01-31")
    assert len(cells) == 75
    assert cells.where(pair="FM", first_score=5, second_score=5).rows(*CELL) == [(5, 5, 0, 0, 0, None)]


def test_a_day_without_customers_has_75_empty_cells(shop):
    cells = shop.table(CROSSTAB, snapshot_date="2026-01-31")
    assert (len(cells), set(cells.frame["customers"]), set(cells.frame["spearman"])) == (75, {0}, {None})


def test_each_pair_crosses_its_own_variables(shop):
    # Anna: last, once, cheap: R 3, F 1, M 1. Bert: earlier, twice, dear: R 1, F 3, M 3.
    shop.orders("anna", "2026-01-10", amount=1).orders("bert", "2026-01-01", "2026-01-02", amount=50)
    cells = shop.table(CROSSTAB, snapshot_date="2026-01-31").where(customers=1)
    assert cells.rows("pair", "first_score", "second_score") == [
        ("FM", 1, 1), ("FM", 3, 3), ("RF", 1, 3), ("RF", 3, 1), ("RM", 1, 3), ("RM", 3, 1),
    ]  # fmt: skip


def test_the_correlation_is_positive_when_the_later_buy_more_often(shop):
    shop.orders("anna", "2026-01-01").orders("bert", "2026-01-05", "2026-01-06")
    cells = shop.table(CROSSTAB, snapshot_date="2026-01-31").where(pair="RF")
    assert set(cells.frame["spearman"]) == {1.0}


def test_a_constant_variable_has_no_correlation(shop):
    # Both ordered once (F is constant), on different days for different amounts.
    shop.orders("anna", "2026-01-01", amount=10).orders("bert", "2026-01-05", amount=5)
    cells = shop.table(CROSSTAB, snapshot_date="2026-01-31")
    assert dict(set(cells.rows("pair", "spearman"))) == {"RF": None, "FM": None, "RM": -1.0}


def test_a_customer_in_no_cell_is_refused(shop):
    shop.orders("anna", "2026-01-01").snapshot("2026-01-31", CROSSTAB)
    shop.engine.execute(f"UPDATE {CROSSTAB} SET customers = 0 WHERE pair = 'RM'")
    assert shop.failing_checks(CROSSTAB, "2026-01-31") == {"every_customer_in_one_cell_per_pair"}


@settings(max_examples=25)
@given(customers=CUSTOMERS)
def test_the_correlation_is_spearman(shop, customers):
    tell(shop.emptied(), customers)
    found = dict(set(shop.table(CROSSTAB, snapshot_date="2026-01-31").rows("pair", "spearman")))
    frame = shop.show("marts.rfm_scores", "2026-01-31").frame
    r, f, m = (-frame["recency_days"], frame["occasions"], frame["revenue"].cast(float))
    for pair, first, second in (("RF", r, f), ("FM", f, m), ("RM", r, m)):
        if min(first.n_unique(), second.n_unique()) == 1:
            assert found[pair] is None
        else:
            assert found[pair] == pytest.approx(spearmanr(first, second).statistic, abs=1e-9)


@settings(max_examples=10)
@given(customers=CUSTOMERS)
def test_every_pair_holds_all_revenue(shop, customers):
    tell(shop.emptied(), customers)
    cells = shop.table(CROSSTAB, snapshot_date="2026-01-31").frame
    summary = shop.show("marts.customer_summary", "2026-01-31").frame
    for pair in ("RF", "FM", "RM"):
        of_pair = cells.filter(cells["pair"] == pair)
        assert of_pair["revenue"].sum() == summary["revenue"].sum()
        assert of_pair["orders"].sum() == summary["orders"].sum()
        assert of_pair["customers"].sum() == summary.height


def tell(shop, customers):
    for number, (last, occasions, amount) in enumerate(customers):
        days = [(last - dt.timedelta(days=30 * k)).isoformat() for k in range(occasions)]
        shop.orders(f"c{number}", *days, amount=amount)
