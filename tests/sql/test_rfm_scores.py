"""marts.rfm_scores: score = 1 + floor(5 · w / n), w = customers strictly worse, n = customers; tiers with 3 for 5."""

import datetime as dt
from fractions import Fraction
from math import floor

from hypothesis import given, settings
from hypothesis import strategies as st

CUSTOMERS = st.lists(
    st.lists(
        st.tuples(
            st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 12)),
            st.decimals(0, 40, places=1),
        ),
        min_size=1,
        max_size=4,
    ),
    min_size=1,
    max_size=14,
)


def test_equal_customers_get_equal_scores(shop):
    # Anna and Bert each ordered twice; Cleo once. F: worse than Anna is only Cleo: 1 + floor(5 · 1/3) = 2.
    shop.orders("anna", "2026-01-01", "2026-02-01").orders("bert", "2026-01-05", "2026-02-05").orders(
        "cleo", "2026-01-09"
    )
    scores = shop.table("marts.rfm_scores", snapshot_date="2026-03-01")
    assert scores.by_customer("f_score") == {"anna": 2, "bert": 2, "cleo": 1}


def test_recency_scores_the_last_buyer_highest(shop):
    # Worse = longer since: nobody is worse than a (1), one of five than b (2), … four of five than e (5).
    for day, customer in enumerate("abcde", start=1):
        shop.orders(customer, f"2026-01-0{day}")
    scores = shop.table("marts.rfm_scores", snapshot_date="2026-01-10")
    assert scores.by_customer("recency_days") == {"a": 9, "b": 8, "c": 7, "d": 6, "e": 5}
    assert scores.by_customer("r_score") == {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}


def test_spend_is_net_of_refunds(shop):
    # Bert spent 30, and 25 came back: 5, less than Anna's 20. Two customers: 1 + floor(5 · 1/2) = 3 at best.
    shop.orders("anna", "2026-01-01", amount=20).orders("bert", "2026-01-01", amount=30)
    shop.refund("bert-1", on="2026-01-05", amount=25)
    scores = shop.table("marts.rfm_scores", snapshot_date="2026-01-31")
    assert scores.by_customer("revenue") == {"anna": 20, "bert": 5}
    assert scores.by_customer("m_score") == {"anna": 3, "bert": 1}


def test_frequency_counts_days_not_orders(shop):
    # Anna ordered three times on one day, Bert on two days: Bert is more frequent.
    shop.orders("anna", "2026-01-01", "2026-01-01", "2026-01-01").orders("bert", "2026-01-01", "2026-01-02")
    scores = shop.table("marts.rfm_scores", snapshot_date="2026-01-31")
    assert scores.by_customer("f_score") == {"anna": 1, "bert": 3}


def test_one_customer_scores_one(shop):
    shop.orders("anna", "2026-01-01")
    scores = shop.table("marts.rfm_scores", snapshot_date="2026-01-31")
    assert scores.rows("r_score", "f_score", "m_score") == [(1, 1, 1)]


def test_the_best_miss_five_when_more_than_a_fifth_tie_there(shop):
    # 5 customers. Two tie at two occasions: 3 are worse, 1 + floor(5 · 3/5) = 4. One alone would have had 5.
    shop.orders("a", "2026-01-01").orders("b", "2026-01-01").orders("c", "2026-01-01")
    shop.orders("d", "2026-01-01", "2026-01-02").orders("e", "2026-01-01", "2026-01-02")
    scores = shop.table("marts.rfm_scores", snapshot_date="2026-01-31")
    assert scores.by_customer("f_score") == {"a": 1, "b": 1, "c": 1, "d": 4, "e": 4}


def test_tiers_are_learnt_by_the_same_rule_with_three(shop):
    # Recency: w = 0, 1, 2 of 3 → long, medium, short. Occasions 1, 2, 3 and revenue 10, 20, 30 alike.
    shop.orders("a", "2026-01-01").orders("b", "2026-01-01", "2026-01-02")
    shop.orders("c", "2026-01-01", "2026-01-02", "2026-01-03")
    scores = shop.table("marts.rfm_scores", snapshot_date="2026-01-31")
    assert scores.by_customer("recency_tier") == {"a": "long", "b": "medium", "c": "short"}
    assert scores.by_customer("frequency_tier") == {"a": "casual", "b": "regular", "c": "often"}
    assert scores.by_customer("monetary_tier") == {"a": "saver", "b": "average", "c": "spender"}


def test_recency_tiers_set_by_settings_include_their_limits(shop):
    # (10, 20): up to 10 days is short, up to 20 medium. On 31 January the 21st is 10 days ago, the 11th 20.
    shop.with_settings(tiers={"recency_days": (10, 20)})
    shop.orders("a", "2026-01-21").orders("b", "2026-01-20").orders("c", "2026-01-11").orders("d", "2026-01-10")
    scores = shop.table("marts.rfm_scores", snapshot_date="2026-01-31")
    assert scores.by_customer("recency_tier") == {"a": "short", "b": "medium", "c": "medium", "d": "long"}


def test_frequency_tiers_set_by_settings_begin_at_their_limits(shop):
    # (2, 3): from 2 on regular, from 3 on often.
    shop.with_settings(tiers={"occasions": (2, 3)})
    shop.orders("a", "2026-01-01").orders("b", "2026-01-01", "2026-01-02")
    shop.orders("c", "2026-01-01", "2026-01-02", "2026-01-03")
    scores = shop.table("marts.rfm_scores", snapshot_date="2026-01-31")
    assert scores.by_customer("frequency_tier") == {"a": "casual", "b": "regular", "c": "often"}


def test_monetary_tiers_set_by_settings_begin_at_their_limits(shop):
    shop.with_settings(tiers={"revenue": (19.99, 50.5)})
    for customer, amount in {"a": "19.98", "b": "19.99", "c": "50.49", "d": "50.50"}.items():
        shop.orders(customer, "2026-01-01", amount=amount)
    scores = shop.table("marts.rfm_scores", snapshot_date="2026-01-31")
    assert scores.by_customer("monetary_tier") == {"a": "saver", "b": "average", "c": "average", "d": "spender"}


def test_a_tier_that_is_set_leaves_the_others_learnt(shop):
    shop.with_settings(tiers={"occasions": (2, 3)})
    shop.orders("a", "2026-01-01").orders("b", "2026-01-02").orders("c", "2026-01-03")
    scores = shop.table("marts.rfm_scores", snapshot_date="2026-01-31")
    assert scores.by_customer("frequency_tier") == {"a": "casual", "b": "casual", "c": "casual"}
    assert scores.by_customer("recency_tier") == {"a": "long", "b": "medium", "c": "short"}


def test_a_customer_who_is_not_scored_is_refused(shop):
    shop.orders("anna", "2026-01-01").orders("bert", "2026-01-02").snapshot("2026-01-31", "marts.rfm_scores")
    shop.engine.execute("DELETE FROM marts.rfm_scores WHERE customer_id = 'anna'")
    assert shop.failing_checks("marts.rfm_scores", "2026-01-31") == {"every_customer_is_scored"}


@settings(max_examples=20)
@given(customers=CUSTOMERS)
def test_scores_are_the_formula(shop, customers):
    tell(shop.emptied(), customers)
    scores = shop.table("marts.rfm_scores", snapshot_date="2026-01-31")
    worse_is = {
        "recency_days": ("r_score", int.__gt__),
        "occasions": ("f_score", int.__lt__),
        "revenue": ("m_score", None),
    }
    for measure, (score, worse) in worse_is.items():
        worse = worse or (lambda other, own: other < own)
        values = scores.by_customer(measure)
        expected = {
            customer: 1 + floor(5 * Fraction(sum(worse(other, own) for other in values.values()), len(values)))
            for customer, own in values.items()
        }
        assert scores.by_customer(score) == expected


@settings(max_examples=20)
@given(customers=CUSTOMERS)
def test_scores_follow_the_values(shop, customers):
    """Better values never score less, equal values always the same; the worst score 1."""
    tell(shop.emptied(), customers)
    frame = shop.table("marts.rfm_scores", snapshot_date="2026-01-31").frame
    for measure, score, sign in (
        ("recency_days", "r_score", -1),
        ("occasions", "f_score", 1),
        ("revenue", "m_score", 1),
    ):
        pairs = sorted((sign * value, points) for value, points in frame.select(measure, score).iter_rows())
        assert [points for _, points in pairs] == sorted(points for _, points in pairs)
        assert len({value for value, _ in pairs}) == len(set(pairs))
        assert pairs[0][1] == 1


def tell(shop, customers):
    for number, orders in enumerate(customers):
        for day, amount in orders:
            shop.orders(f"c{number}", day.isoformat(), amount=amount)
