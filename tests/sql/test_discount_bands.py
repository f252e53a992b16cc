"""marts.discount_bands: rules over the chance to buy and to leave, and what bounds them; by hand."""

import datetime as dt

import pytest
from made_products import put
from shop import all_tables

BANDS = "marts.discount_bands"
DAY = dt.date(2026, 12, 31)
# Chance to buy within 30 days and to leave within 90, predicted value (median 45) and what was spent lately.
CUSTOMERS = {
    "anna": (0.6, 0.1, 60, 100),
    "bert": (0.2, 0.2, 60, 90),
    "cleo": (0.1, 0.4, 40, 30),
    "dora": (0.1, 0.6, 40, 20),
    "emil": (0.1, 0.9, 50, 15),
    "fred": (0.1, 0.9, 5, 12),
}


def banded(shop, **settings):
    """The bands of the six, and of Gina, of whom nothing is predicted; an occasion comes to 100."""
    for customer, (*_, spent) in CUSTOMERS.items():
        shop.orders(customer, "2026-12-01", amount=spent)
    shop.orders("gina", "2026-12-01", amount=1).with_settings(**settings).table(BANDS)
    churn, value = [], []
    for customer, (p30, leaves, clv, _) in CUSTOMERS.items():
        stays = 1 - leaves
        churn.append(
            {"customer_id": customer, "p_purchase_30d": p30, "churn_probability": leaves,
             **{f"p_purchase_{days}d": stays for days in (90, 180, 365)},
             "purchase_band": _band(p30), "churn_band": _band(leaves)}
        )  # fmt: skip
        value.append({"customer_id": customer, "predicted_clv": float(clv), "historic_clv": 1})
    put(shop.engine, DAY, "churn_predictions", *churn, status="ok", churn_horizon_days=90)
    put(shop.engine, DAY, "clv_predictions", *value, status="ok", expected_spend=100.0)
    shop.engine.write(all_tables()[BANDS], DAY)
    return shop.show(BANDS, "2026-12-31")


def _band(chance):
    return "0-25" if chance <= 0.25 else "26-50" if chance <= 0.5 else "51-75" if chance <= 0.75 else "76-100"


def test_the_rules(shop):
    bands = banded(shop)
    assert bands.rows("customer_id", "band", "reason", "discount") == [
        ("anna", "none", "buys_anyway", 0),
        ("bert", "none", "stays_anyway", 0),
        ("cleo", "low", "may_leave", 0.05),
        ("dora", "mid", "likely_to_leave", 0.1),
        ("emil", "high", "leaving_valuable", 0.15),
        ("fred", "low", "leaving", 0.05),
        ("gina", "none", "not_predicted", 0),
    ]
    # .05 · 100 · .6, .1 · 100 · .4, .15 · 100 · .1, .05 · 100 · .1; no margin is set.
    costs = bands.by_customer("expected_cost")
    assert [costs[name] for name in ("cleo", "dora", "emil", "fred")] == pytest.approx([3, 4, 1.5, 0.5])
    assert set(bands.rows("basis", "margin_after", "is_control")) == {("rule", None, False)}


def test_the_budget_goes_to_who_has_most_at_stake(shop):
    # Cleo 3, Dora 7, Emil would make it 8.5; nobody after him is let in, though Fred alone would fit.
    bands = banded(shop, discounts={"budget": 7.2})
    assert bands.where(reason="over_budget").rows("customer_id", "band", "rule_band", "expected_cost") == [
        ("emil", "none", "high", 0), ("fred", "none", "low", 0)
    ]  # fmt: skip
    assert bands.by_customer("band")["dora"] == "mid"


def test_the_margin_is_kept(shop):
    bands = banded(shop, clv={"margin": 0.3}, discounts={"margin_floor": 0.2})
    emil = bands.where(customer_id="emil")
    assert (emil.one("band"), emil.one("rule_band"), emil.one("reason")) == ("mid", "high", "margin_floor")
    assert emil.one("margin_after") == pytest.approx(0.2)
    assert bands.by_customer("band")["dora"] == "mid"


def test_a_floor_above_the_margin_leaves_no_discount(shop):
    bands = banded(shop, clv={"margin": 0.3}, discounts={"margin_floor": 0.26})
    assert set(bands.rows("band")) == {("none",)}
    assert set(bands.where(reason="margin_floor").rows("customer_id")) == {("cleo",), ("dora",), ("emil",), ("fred",)}


@pytest.mark.parametrize("settings", [{"discounts": {"control_share": 0.9999}}, {"holdout_share": 0.9999}])
def test_who_is_drawn_gets_none(shop, settings):
    bands = banded(shop, **settings)
    assert set(bands.rows("band", "is_control")) == {("none", True)}
    assert bands.by_customer("reason") == {
        "anna": "buys_anyway", "bert": "stays_anyway", "gina": "not_predicted",
        **dict.fromkeys(("cleo", "dora", "emil", "fred"), "control"),
    }  # fmt: skip
