"""marts.cohorts: customers by the month of their first purchase, month by month."""

import datetime as dt
from decimal import Decimal

import pytest
from statsmodels.stats.proportion import proportion_confint

COHORTS = "marts.cohorts"
NAMES = ("cohort", "age_months", "is_complete", "customers", "active_customers", "orders", "revenue")


@pytest.fixture
def three(shop):
    """January: Anna, back in March, and Bert, who is never. February: Cleo, twice on one day and back in March."""
    shop.orders("anna", "2026-01-05", "2026-03-20", amount=10).orders("bert", "2026-01-31", amount=30)
    return shop.orders("cleo", "2026-02-01", "2026-02-01", "2026-03-31", amount=5)


def test_cohorts_by_hand(three):
    # On 31 March the month is over: everything is known.
    assert three.table(COHORTS, "2026-03-31").rows(*NAMES) == [
        ("2026-01-01", 0, True, 2, 2, 2, 40), ("2026-01-01", 1, True, 2, 0, 0, 0),
        ("2026-01-01", 2, True, 2, 1, 1, 10),
        ("2026-02-01", 0, True, 1, 1, 2, 10), ("2026-02-01", 1, True, 1, 1, 1, 5),
    ]  # fmt: skip


def test_a_month_that_is_not_over_is_unknown(three):
    # On 30 March Anna has come back and Cleo has not yet: neither is told before the month is over.
    march = three.table(COHORTS, "2026-03-30").where(month=dt.date(2026, 3, 1))
    assert march.rows(*NAMES) == [
        ("2026-01-01", 2, False, 2, None, None, None), ("2026-02-01", 1, False, 1, None, None, None),
    ]  # fmt: skip
    unknown = ("retention", "retention_low", "retention_high", "cumulative_revenue", "cumulative_revenue_per_customer")
    assert march.rows(*unknown) == [(None,) * 5, (None,) * 5]


def test_a_month_without_news_that_is_over_is_zero(three):
    february = three.table(COHORTS, "2026-03-01").where(cohort=dt.date(2026, 1, 1), age_months=1)
    assert february.rows("active_customers", "retention", "orders", "revenue") == [(0, 0.0, 0, 0)]


def test_revenue_adds_up_over_the_ages(three):
    # (10 + 30) / 2, nothing, + 10: 25; Cleo 10, then 15.
    rows = three.table(COHORTS, "2026-03-31").rows("cohort", "cumulative_revenue", "cumulative_revenue_per_customer")
    assert rows == [
        ("2026-01-01", 40, 20.0), ("2026-01-01", 40, 20.0), ("2026-01-01", 50, 25.0),
        ("2026-02-01", 10, 10.0), ("2026-02-01", 15, 15.0),
    ]  # fmt: skip


def test_a_year_later_the_age_goes_on(shop):
    shop.orders("anna", "2025-11-30", "2027-01-01")
    last = shop.table(COHORTS, "2027-01-31").where(month=dt.date(2027, 1, 1))
    assert last.rows("age_months", "active_customers") == [(14, 1)]


def test_a_refund_is_booked_in_its_own_month_and_takes_no_purchase_away(shop):
    shop.orders("anna", "2026-01-05", amount=30).refund("anna-1", on="2026-02-10", amount=12)
    assert shop.table(COHORTS, "2026-02-28").rows("age_months", "active_customers", "revenue") == [
        (0, 1, 30), (1, 0, -12),
    ]  # fmt: skip


def test_a_cancelled_first_purchase_moves_the_cohort_when_it_is_known(shop):
    # Up to February Anna is of January. Then her first order comes back whole, and she is of February; the 20 − 20 of
    # January are counted with it, so that no money is lost.
    shop.orders("anna", "2026-01-05", amount=20).orders("anna", "2026-02-03", amount=7)
    shop.refund("anna-1", on="2026-03-02", amount=20)
    assert shop.table(COHORTS, "2026-02-28").rows("cohort", "age_months", "revenue") == [
        ("2026-01-01", 0, 20), ("2026-01-01", 1, 7),
    ]  # fmt: skip
    assert shop.table(COHORTS, "2026-03-31").rows("cohort", "age_months", "revenue") == [
        ("2026-02-01", 0, 27), ("2026-02-01", 1, -20),
    ]  # fmt: skip


def test_nothing_after_the_day_is_known(three):
    before = three.table(COHORTS, "2026-02-28").rows()
    three.orders("dora", "2026-03-01").orders("bert", "2026-03-02")
    assert three.table(COHORTS, "2026-02-28").rows() == before


def test_a_shop_without_customers_has_no_cohorts(shop):
    assert len(shop.orders(None, "2026-01-01").table(COHORTS, "2026-03-31")) == 0


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ("customers = customers + 1 WHERE age_months = 0", "every_customer_in_one_cohort"),
        ("active_customers = 0 WHERE age_months = 0", "everybody_is_active_in_the_first_month"),
        ("revenue = revenue + 1 WHERE age_months = 1", "revenue_is_that_of_months_that_are_over"),
        ("retention = 2 WHERE age_months = 1", "columns_fit"),
    ],
)
def test_what_cannot_be_is_refused(three, change, check):
    three.snapshot("2026-03-31", COHORTS)
    three.engine.execute(f"UPDATE {COHORTS} SET {change}")
    assert check in three.failing_checks(COHORTS, "2026-03-31")


def test_zero_where_nothing_is_known_is_refused(three):
    three.snapshot("2026-03-31", COHORTS)
    three.engine.execute(f"UPDATE {COHORTS} SET is_complete = FALSE WHERE age_months = 2")
    assert three.failing_checks(COHORTS, "2026-03-31") == {"unknown_exactly_where_not_over"}


def test_cdnow_cohorts(cdnow_master):
    """Three cohorts, 18 months; retention against a count of our own, its interval against statsmodels."""
    cohorts = cdnow_master.table(COHORTS)
    sizes = cohorts.where(age_months=0)
    assert len(sizes) == 3 and sum(sizes.frame["customers"]) == 23_570
    assert cohorts.frame["is_complete"].all()
    january = cohorts.where(cohort=dt.date(1997, 1, 1), age_months=12)
    active = cdnow_master.select(
        """
        SELECT count(DISTINCT customer_id) AS customers FROM staging.order_lines
        WHERE ordered_on BETWEEN '1998-01-01' AND '1998-01-31' AND customer_id IN (
          SELECT customer_id FROM staging.order_lines GROUP BY customer_id HAVING min(ordered_on) < '1997-02-01'
        )
        """
    ).one("customers")
    assert january.one("active_customers") == active
    low, high = proportion_confint(active, january.one("customers"), method="wilson")
    assert (january.one("retention_low"), january.one("retention_high")) == pytest.approx((low, high), rel=1e-9)
    assert sum(cohorts.frame["revenue"]) == Decimal("2500315.63")
