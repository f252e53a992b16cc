"""marts.action_members and marts.action_list: who stands in which action, worked out from tables that say what they are
to say."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from shop import Rows, Shop, all_tables

FIRST, DAY = dt.date(2026, 11, 30), dt.date(2026, 12, 31)
ACTIONS = (
    "premium_alert", "overdue", "cant_lose", "at_risk", "repeat_due", "second_order", "rising", "new_this_week",
)  # fmt: skip


def say(shop: Shop, table: str, day: dt.date = DAY, **row: Any) -> None:
    """A row of a table; what is not said is null."""
    shop.engine.insert(f"marts.{table}", pl.DataFrame([{"snapshot_date": day, **row}], infer_schema_length=None))


def customer(
    shop: Shop, name: str, *, stage: str = "active", occasions: int = 3, silent: int = 10, gap: float | None = 20.0,
    clv: float | None = 100.0, before: float | None = 0.5, now: float | None = 0.5, segment: str = "loyal",
    published: float = 0.5, first_on: dt.date = dt.date(2025, 1, 1), day: dt.date = DAY,
) -> None:  # fmt: skip
    """`before`, `now`: chance of an order within 90 days by the timing model, of 30 days ago and of the day."""
    age = sum(map(ord, name))  # a history of their own, so that the model says something of them alone
    history = {"frequency": occasions - 1, "active_span_days": age - silent, "age_days": age}
    say(
        shop, "customer_summary", day, customer_id=name, occasions=occasions, recency_days=silent, median_gap_days=gap,
        first_purchase_on=first_on, **history,
    )  # fmt: skip
    say(shop, "lifecycle_stages", day, customer_id=name, stage=stage)
    say(shop, "rfm_segments", day, customer_id=name, catalogue="grid", segment=segment)
    say(shop, "rfm_segments", day, customer_id=name, catalogue="axonaut", segment="at_risk")  # counts for nothing
    say(shop, "clv_predictions", day, customer_id=name, predicted_clv=clv)
    say(shop, "churn_predictions", day, customer_id=name, p_purchase_90d=published)
    if before is not None:
        say(shop, "clv_before", day, customer_id=name, p_purchase_90d=before)
        say(shop, "timing_predictions", day, as_of=day, p_purchase_90d=now, **history)


def moves(shop: Shop, day: dt.date = DAY, **measured: float) -> None:
    """What moves are worth: to keep an active customer 40 × 0.25, to win a defecting one back 60 × 0.1."""
    for stage, difference, share in (("active", 40.0, 0.25), ("defecting", 60.0, 0.1)):
        worth = measured.get(stage)
        for horizon, factor in ((30, 0.0), (90, 1.0)):
            say(
                shop, "lifecycle_moves", day, from_stage=stage, horizon_days=horizon, status="ok",
                value_difference=difference * factor, success_share=share,
                cost_basis="at most" if worth is None else "measured",
                most_to_spend=difference * share if worth is None else worth,
            )  # fmt: skip
    say(shop, "lifecycle_moves", day, from_stage="first-time", horizon_days=90, status="too few")


def moment(shop: Shop, half: int, three_quarters: int, **others: Any) -> None:
    of_all = {"order_number": 1, "cohort": "all", "is_main": True, "status": "known", **others}
    say(shop, "key_moments", back_p50_days=half, back_p75_days=three_quarters, **of_all)


def made(shop: Shop, table: str, day: dt.date = DAY) -> Rows:
    shop.engine.write(all_tables()["marts.action_members"], day)
    shop.engine.write(all_tables()["marts.action_list"], day)
    return Rows(shop.engine.read(f"SELECT * FROM marts.{table} WHERE snapshot_date = '{day}'"))


def overdue(shop: Shop, name: str, **others: Any) -> None:
    """Silent for 31 days at a gap of 20, with a chance down from 0.5 to 0.35: both just so far that it counts."""
    customer(shop, name, **{"silent": 31, "before": 0.5, "now": 0.35, **others})


def test_each_customer_stands_in_the_first_action_that_applies(shop):
    customer(shop, "as usual")
    overdue(shop, "alerted")
    say(shop, "premium_alerts", customer_id="alerted")
    overdue(shop, "overdue", segment="cant_lose")
    customer(shop, "cannot lose", segment="cant_lose")
    customer(shop, "at risk", segment="at_risk")
    customer(shop, "due", first_on=DAY)
    for level in ("product", "category"):
        say(shop, "replenishment_due", level=level, customer_id="due", item="x", status="ok", probability_30d=0.2)
        say(shop, "replenishment_due", level=level, customer_id="as usual", item="x", status="ok", probability_30d=0.19)
    customer(shop, "half back", occasions=1, silent=40, gap=None)
    customer(shop, "three quarters", occasions=1, silent=90, gap=None)
    customer(shop, "too early", occasions=1, silent=39, gap=None)
    customer(shop, "too late", occasions=1, silent=91, gap=None)
    moment(shop, 40, 90)
    moment(shop, 1, 999, is_main=False)
    moment(shop, 1, 999, cohort="2026-Q1")
    customer(shop, "rising", first_on=DAY)
    say(shop, "rising_customers", customer_id="rising")
    customer(shop, "new", occasions=1, silent=6, gap=None, first_on=dt.date(2026, 12, 25))
    customer(shop, "a week ago", occasions=1, silent=7, gap=None, first_on=dt.date(2026, 12, 24))
    assert made(shop, "action_members").by_customer("action") == {
        "alerted": "premium_alert", "overdue": "overdue", "cannot lose": "cant_lose", "at risk": "at_risk",
        "due": "repeat_due", "half back": "second_order", "three quarters": "second_order", "rising": "rising",
        "new": "new_this_week",
    }  # fmt: skip


@pytest.mark.parametrize(
    "told",
    [{"silent": 30}, {"now": 0.36}, {"occasions": 2}, {"gap": 0.5}, {"stage": "inactive"}, {"before": None}],
    ids=lambda told: next(iter(told)),
)
def test_overdue_is_who_is_silent_too_long_and_less_likely_to_come(shop, told):
    overdue(shop, "anna")
    overdue(shop, "bert", **told)
    assert made(shop, "action_members").by_customer("action") == {"anna": "overdue"}


def stages(shop: Shop) -> None:
    """Active: Anna 300 · (1 − .6) = 120 and another 200 · (1 − .8) = 40, in the mean 80. Defecting: Bert 25 and another
    75, in the mean 50. Of the stage of Cleo there are too few, of Dora, who is active, nothing is predicted."""
    overdue(shop, "anna", clv=300.0, published=0.6)
    customer(shop, "as usual", clv=200.0, published=0.8)
    overdue(shop, "bert", clv=25.0, stage="defecting")
    customer(shop, "gone quiet", clv=75.0, stage="defecting")
    overdue(shop, "cleo", stage="first-time")
    overdue(shop, "dora", clv=None)


def test_what_is_at_stake_is_the_move_shared_out_by_predicted_value_and_risk(shop):
    # Anna: 40 · .25 · 120 / 80 = 15. Bert: 60 · .1 · 25 / 50 = 3.
    moves(shop)
    stages(shop)
    members = made(shop, "action_members")
    assert members.by_customer("value_at_stake") == {
        "anna": pytest.approx(15), "bert": pytest.approx(3), "cleo": None, "dora": None,
    }  # fmt: skip
    assert members.by_customer("most_to_spend") == members.by_customer("value_at_stake")
    listed = made(shop, "action_list").where(action="overdue")
    assert [listed.one(name) for name in ("customers", "valued", "place", "cost_basis")] == [4, 2, 1, "at most"]
    assert (listed.one("value_at_stake"), listed.one("most_to_spend")) == (pytest.approx(18), pytest.approx(9))


def test_where_campaigns_measured_it_that_is_the_most_to_spend(shop):
    # A contact with an active customer brought 2: with Anna and with Dora. At stake stays 15 + 3; (2 + 3 + 2) / 3 each.
    moves(shop, active=2.0)
    stages(shop)
    members = made(shop, "action_members")
    assert members.by_customer("most_to_spend") == {"anna": 2.0, "bert": pytest.approx(3), "cleo": None, "dora": 2.0}
    assert set(members.rows("customer_id", "cost_basis")) == {
        ("anna", "measured"), ("bert", "at most"), ("cleo", None), ("dora", "measured"),
    }  # fmt: skip
    listed = made(shop, "action_list").where(action="overdue")
    assert (listed.one("value_at_stake"), listed.one("most_to_spend")) == (pytest.approx(18), pytest.approx(7 / 3))
    assert listed.one("cost_basis") == "measured in part"


def test_the_list_is_ranked_by_what_is_at_stake(shop):
    moves(shop)
    customer(shop, "bert", segment="at_risk", clv=80.0)  # 40 · .25 · 40 / 25 = 16
    customer(shop, "anna", segment="cant_lose", clv=20.0)  # 40 · .25 · 10 / 25 = 4
    for name in ("cleo", "dora"):
        customer(shop, name, first_on=DAY, clv=None)
    listed = made(shop, "action_list")
    assert listed.by("action", "place") == {
        "at_risk": 1, "cant_lose": 2, "new_this_week": 3, "premium_alert": 4, "overdue": 5, "rising": 6,
        "repeat_due": 7, "second_order": 8,
    }  # fmt: skip
    assert listed.where(action="new_this_week").rows("customers", "valued", "value_at_stake") == [(2, 0, None)]
    assert listed.where(action="overdue").rows("customers", "valued", "value_at_stake") == [(0, 0, 0.0)]


def test_what_a_table_is_lacking_for_counts_nobody(shop):
    customer(shop, "anna", segment="at_risk", clv=None, before=None)
    listed = made(shop, "action_list")
    assert listed.by("action", "status") == {
        name: "ok" if name in {"cant_lose", "at_risk", "new_this_week"} else "insufficient data" for name in ACTIONS
    }
    known = {"cant_lose": 0, "at_risk": 1, "new_this_week": 0}
    assert listed.by("action", "customers") == dict.fromkeys(ACTIONS) | known
    at_risk = listed.where(action="at_risk")
    assert at_risk.rows("value_at_stake", "most_to_spend", "cost_basis") == [(None, None, None)]
    assert listed.where(action="overdue").rows("needs", "value_at_stake") == [("predictions for 30 days ago", None)]


def test_a_shop_without_customers_lacks_them(shop):
    listed = made(shop, "action_list")
    assert set(listed.rows("status", "needs", "customers")) == {("insufficient data", "customers", None)}
    assert len(listed) == len(ACTIONS)


def test_since_when_somebody_stands_in_an_action(shop):
    # On the first snapshot nobody is called new. Anna stays, Bert changes the action, Cleo comes.
    customer(shop, "anna", segment="at_risk", day=FIRST)
    customer(shop, "bert", segment="at_risk", day=FIRST)
    assert made(shop, "action_list", FIRST).where(action="at_risk").rows("customers", "new_customers") == [(2, None)]
    customer(shop, "anna", segment="at_risk")
    customer(shop, "bert", segment="cant_lose")
    customer(shop, "cleo", segment="at_risk")
    assert set(made(shop, "action_members").rows("customer_id", "since", "previous_action")) == {
        ("anna", "2026-11-30", "at_risk"), ("bert", "2026-12-31", "at_risk"), ("cleo", "2026-12-31", None),
    }  # fmt: skip
    listed = made(shop, "action_list")
    assert listed.by("action", "new_customers") == {
        name: None if name in {"repeat_due", "second_order"} else 0 for name in ACTIONS
    } | {"cant_lose": 1, "at_risk": 1}  # fmt: skip
    assert set(listed.rows("previous_snapshot_date")) == {("2026-11-30",)}
