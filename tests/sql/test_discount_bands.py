"""marts.discount_bands: rules over chances to buy and to leave, what campaigns measured, what bounds both; by hand."""

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


def banded(shop, measured=(), stages=(), **settings):
    """The bands of the six, and of Gina, of whom nothing is predicted; an occasion comes to 100.

    `measured`: rows of what campaigns caused, and by stage; `stages`: of who is not new.
    """
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
    if measured:
        told = dict.fromkeys((*CUSTOMERS, "gina"), "first-time") | dict(stages)
        put(shop.engine, DAY, "lifecycle_stages", *({"customer_id": id, "stage": stage} for id, stage in told.items()))
        uplift, by_stage = measured
        put(shop.engine, DAY, "campaign_uplift", *uplift)
        put(shop.engine, DAY, "campaign_uplift_segments", *by_stage, metric="spend", dimension="lifecycle")
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


STAGES = {"anna": "active", "bert": "active", "cleo": "defecting", "dora": "defecting", "emil": "inactive"}
EFFECTS = [
    ("five", "active", 20, 1, 0.5), ("ten", "active", 30, 10, 4), ("five", "defecting", 19, 6, 5),
    ("ten", "defecting", 27, 12, 8), ("five", "other", 9.5, 4, 3), ("ten", "other", 9, 3, 2),
    ("old", "defecting", 1, 99, 98), ("else", "defecting", 1, 99, 98), ("odd", "defecting", 1, 99, 98),
]  # fmt: skip
"""Campaign, stage, what treated members spent, the effect on it and the lower end of its interval."""
MARGIN = {"clv": {"margin": 0.4}}


def measured(shop, effects=EFFECTS, uplift=None, **settings):
    """The same after campaigns at 5 and 10 %; no other one counts: before the last of a depth, of another audience, of
    no band's depth."""
    for name, sent, share, audience in (
        ("five", "2026-10-01", 0.05, "discounts-v1"), ("ten", "2026-11-01", 0.1, "discounts-v1"),
        ("old", "2026-09-01", 0.1, "discounts-v1"), ("else", "2026-11-02", 0.15, "grid/loyal"),
        ("odd", "2026-11-02", 0.12, "discounts-v1"),
    ):  # fmt: skip
        shop.campaign(name, sent=sent, discount_share=share, audience=audience)
    known = {"status": "known", "sample_ratio": "passed", "quality": "reliable", "metric": "spend", "effect": 1.0}
    told = [{"campaign_id": name, **known, **(uplift or {})} for name in ("five", "ten", "old", "else", "odd")]
    names = ("campaign_id", "segment", "treated_mean", "shrunk", "shrunk_low")
    rows = [dict(zip(names, (one[0], one[1], *map(float, one[2:])), strict=True)) for one in effects]
    return banded(shop, (told, rows), STAGES, **settings)


COLUMNS = ("customer_id", "band", "reason", "basis", "measured_by", "rule_band")
RULES = [
    ("anna", "none", "buys_anyway", "rule", None, "none"), ("bert", "none", "stays_anyway", "rule", None, "none"),
    ("cleo", "low", "may_leave", "rule", None, "low"), ("dora", "mid", "likely_to_leave", "rule", None, "mid"),
    ("emil", "high", "leaving_valuable", "rule", None, "high"), ("fred", "low", "leaving", "rule", None, "low"),
    ("gina", "none", "not_predicted", "rule", None, "none"),
]  # fmt: skip


def test_what_campaigns_measured_takes_the_place_of_rules(shop):
    bands = measured(shop, **MARGIN)
    # Nobody has measured 15 %, which the rules want for Emil.
    assert bands.rows(*COLUMNS) == [
        ("anna", "none", "no_gain_shown", "measured", None, "none"),
        ("bert", "none", "no_gain_shown", "measured", None, "none"),
        ("cleo", "mid", "measured_gain", "measured", "ten", "low"),
        ("dora", "mid", "measured_gain", "measured", "ten", "mid"),
        *RULES[4:],
    ]  # fmt: skip
    # Defecting, 10 %: .4 · 12 − .6 · 27 · .1 / .9; at 5 % it is .4 · 6 − .6 · 19 · .05 / .95 = 1.8.
    # Active, 10 %: .4 · 10 − .6 · 30 · .1 / .9 = 2, but .4 · 4 − 2 is below 0; 5 % costs more than it brings.
    # Fred is first-time: too few of these were in the campaigns, and `other` may be of other stages.
    gains = bands.by_customer("measured_gain")
    assert [gains[name] for name in ("cleo", "dora")] == pytest.approx([3, 3])
    lows = bands.by_customer("measured_gain_low")
    assert [lows[name] for name in ("cleo", "dora")] == pytest.approx([1.4, 1.4])
    assert gains["anna"] is None and gains["emil"] is None
    assert shop.failing_checks(BANDS, "2026-12-31") == set()


@pytest.mark.parametrize(
    "uplift", [{"status": "running"}, {"sample_ratio": "unknown"}, {"quality": "rough"}, {"metric": "conversion"}]
)
def test_a_campaign_of_which_it_is_not_known_what_it_caused_measures_nothing(shop, uplift):
    assert measured(shop, uplift=uplift, **MARGIN).rows(*COLUMNS) == RULES


def test_without_a_margin_nobody_knows_what_an_effect_gains(shop):
    assert measured(shop).rows(*COLUMNS) == RULES


def test_a_stage_of_which_nobody_was_in_the_campaign_is_not_measured(shop):
    bands = measured(shop, [one for one in EFFECTS if one[1] in ("active", "other")], **MARGIN)
    assert bands.where(basis="measured").rows("customer_id") == [("anna",), ("bert",)]


def test_lot_floor_and_budget_bound_what_was_measured(shop):
    bands = measured(shop, **MARGIN, discounts={"control_share": 0.9999})
    assert bands.where(customer_id="dora").rows("band", "reason", "measured_gain") == [("none", "control", None)]

    def again(**discounts):
        put(shop.engine, DAY, "control_members")
        shop.with_settings(**MARGIN, discounts=discounts).engine.write(all_tables()[BANDS], DAY)
        return shop.show(BANDS, "2026-12-31")

    floor = again(margin_floor=0.32)
    assert floor.where(customer_id="dora").rows("band", "reason", "basis") == [("low", "margin_floor", "measured")]
    assert floor.by_customer("measured_gain")["dora"] == pytest.approx(1.8)
    # Cleo's costs .1 · 100 · .6 and Dora's .1 · 100 · .4.
    over = again(budget=7).where(basis="measured", reason="over_budget")
    assert over.rows("customer_id", "measured_gain") == [("dora", None)]
