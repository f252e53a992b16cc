"""marts.customer_360: one row of what all other tables say of a customer, and nothing where they say nothing."""

import datetime as dt

from made_products import fill
from shop import all_tables

WHOLE = "marts.customer_360"
DAY = dt.date(2026, 12, 31)


def test_everybody_once_customers_and_leads(shop):
    shop.orders("anna", "2026-11-01", "2026-12-01", amount=40, product_id="lamp").orders("bert", "2025-01-05", amount=7)
    shop.registered("lea", on="2026-06-01")
    shop.consent("anna", "granted", on="2026-01-01").consent("lea", "granted", on="2026-06-01", channel="sms")
    whole = shop.table(WHOLE)
    names = ("customer_id", "stage", "orders", "revenue_12_months", "recency_days", "email_consent", "sms_consent")
    assert whole.rows(*names) == [
        ("anna", "active", 2, 80, 30, True, False),
        ("bert", "inactive", 1, 0, 725, False, False),  # nothing in the last 365 days; consents are told, none of his
        ("lea", "lead", None, 0, None, False, True),
    ]
    segments = shop.show("marts.rfm_segments", "2026-12-31")
    for customer in ("anna", "bert"):
        (row,) = whole.where(customer_id=customer).rows("grid_segment", "axonaut_segment")
        assert row == tuple(
            segments.where(customer_id=customer, catalogue=name).one("segment") for name in ("grid", "axonaut")
        )
    lead = whole.where(customer_id="lea")
    assert lead.one("registered_on") == "2026-06-01"
    assert [lead.one(name) for name in ("grid_segment", "r_score", "predicted_clv", "defecting_on")] == [None] * 4


def test_of_several_rows_of_a_customer_the_first_by_its_own_order(shop):
    shop.orders("anna", "2026-11-01", "2026-12-01").table(WHOLE)
    due = {"customer_id": "anna", "purchases": 2, "last_on": DAY, "mean_gap_days": 3.0, "status": "ok",
           "due_on": dt.date(2027, 1, 3), "due_status": "due"}  # fmt: skip
    fill(
        shop.engine, DAY, "replenishment_due",
        {"level": "category", "item": "bulbs", "probability_30d": 0.9},
        {"level": "product", "item": "b", "probability_30d": 0.2},
        {"level": "product", "item": "a", "probability_30d": 0.1}, **due,
    )  # fmt: skip
    need = {"customer_id": "anna", "anchor_on": DAY, "stage_from": DAY, "items": "x", "observed_customers": 0}
    fill(
        shop.engine, DAY, "need_stages",
        {"rule": "late", "stage": "two", "stage_to": dt.date(2027, 3, 1)},
        {"rule": "soon", "stage": "one", "stage_to": dt.date(2027, 2, 1), "next_stage": "two",
         "next_from": dt.date(2027, 2, 1)}, **need,
    )  # fmt: skip
    shop.engine.write(all_tables()[WHOLE], DAY)
    whole = shop.show(WHOLE, "2026-12-31")
    names = ("repeat_level", "repeat_item", "repeat_probability_30d", "repeat_due_on")
    assert whole.rows(*names) == [("product", "b", 0.2, "2027-01-03")]  # products come before categories
    assert whole.rows("need_rule", "need_stage", "next_need_from") == [("soon", "one", "2027-02-01")]
