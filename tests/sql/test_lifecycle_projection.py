"""marts.lifecycle_projection and marts.lifecycle_scenarios: a year ahead by hand, and what a scenario adds."""

import numpy as np
import pytest
from shop import days_before

PROJECTION, SCENARIOS = "marts.lifecycle_projection", "marts.lifecycle_scenarios"
DAY = "2026-12-31"
LIMITS = {"defecting_days": 60, "inactive_days": 200}


def told(shop, **lifecycle):
    """30 days ago ten were active: 8 still are, of whom four have bought for 50 each since; 2 are defecting now.

    Ten were defecting: one came back and paid 30, 9 still are. Six are new, of 30 days, and paid 20 each; three had
    come in the 60 days before that, and are first-time customers as they were.
    """
    shop.with_settings(lifecycle={**LIMITS, "scenarios": [], **lifecycle})
    for number in range(10):
        bought = {8: (90, 65), 9: (90, 65)}.get(number, (90, 45))
        shop.orders(f"a{number}", *map(days_before, bought))
        shop.orders(f"d{number}", days_before(160), days_before(110))
    for number in range(4):
        shop.orders(f"a{number}", days_before(3), amount=50)
    shop.orders("d0", days_before(4), amount=30)
    for number in range(6):
        shop.orders(f"n{number}", days_before(5), amount=20)
    for number in range(3):
        shop.orders(f"f{number}", days_before(40))
    return shop


def test_the_first_months_by_hand(shop):
    # Moves: active .8 stay, .2 defect; defecting .1 come back, .9 stay; first-time all stay. Newcomers (6 + 3 + 0) / 3
    # = 3 a month, all first-time. Now 9 active, 11 defecting, 9 first-time.
    # Month 1: 9 · .8 + 11 · .1 = 8.3 active, 1.8 + 9.9 = 11.7 defecting, 12 first-time.
    found = told(shop).table(PROJECTION).where(scenario="do nothing")
    assert found.where(month=0).by("stage", "customers") == {
        "active": 9, "defecting": 11, "first-time": 9, "inactive": 0, "lead": 0,
    }  # fmt: skip
    month = found.where(month=1)
    assert month.by("stage", "customers") == pytest.approx(
        {"active": 8.3, "defecting": 11.7, "first-time": 12, "inactive": 0, "lead": 0}
    )
    # Revenue of 30 days per customer then: active 200 / 10 = 20, defecting 30 / 10 = 3, first-time 0; a newcomer 20.
    assert month.by("stage", "revenue_per_customer") == {
        "active": 20, "defecting": 3, "first-time": 0, "inactive": 0, "lead": 0,
    }  # fmt: skip
    assert month.where(stage="first-time").rows("new_customers", "revenue_per_new_customer", "revenue") == [(3, 20, 60)]
    assert month.by("stage", "revenue")["active"] == 180  # 9 at its beginning
    assert found.where(month=0).by("stage", "revenue")["active"] is None
    assert month.by("stage", "from_customers") == {
        "active": 10, "defecting": 10, "first-time": 3, "inactive": 0, "lead": 0,
    }  # fmt: skip


def test_a_year_is_the_twelfth_power(shop):
    found = told(shop, new_customers="none").table(PROJECTION).where(month=12)
    active, defecting = np.array([9, 11]) @ np.linalg.matrix_power(np.array([[0.8, 0.2], [0.1, 0.9]]), 12)
    stages = found.by("stage", "customers")
    assert (stages["active"], stages["defecting"]) == (pytest.approx(active), pytest.approx(defecting))
    assert (stages["first-time"], set(found.frame["new_customers"])) == (9, {0.0})


def test_intervals_hold_the_expectation_and_widen(shop):
    found = told(shop).table(PROJECTION)
    active = {row["month"]: row for row in found.where(stage="active").frame.iter_rows(named=True)}
    assert active[0]["customers_low"] == active[0]["customers_high"] == 9
    widths = [active[month]["customers_high"] - active[month]["customers_low"] for month in (1, 3, 6)]
    assert 0 < widths[0] < widths[1] < widths[2]
    assert all(row["customers_low"] <= row["customers"] <= row["customers_high"] for row in active.values())


def test_a_scenario_beside_doing_nothing(shop):
    # Ten points more of the defecting come back: .2. Month 1: 9 · .8 + 11 · .2 = 9.4 active instead of 8.3, who bring
    # 1.1 · (20 − 3) more in month 2; in month 1 nothing yet.
    scenario = {"name": "win back", "from": "defecting", "to": "active", "points": 10}
    shop = told(shop, scenarios=[scenario])
    found = shop.table(SCENARIOS)
    assert found.where(month=1).by("scenario", "revenue") == {"do nothing": 273, "win back": 273}  # 180 + 33 + 60
    assert found.where(month=2).by("scenario", "gain") == {"do nothing": 0, "win back": pytest.approx(18.7)}
    back = found.where(scenario="win back", month=2)
    assert back.rows("from_stage", "to_stage", "points", "new_customers") == [("defecting", "active", 10, 3)]
    assert back.one("gain_low") <= 18.7 <= back.one("gain_high")
    assert found.where(scenario="do nothing", month=12).rows("from_stage", "points", "gain_high") == [(None, None, 0)]
    totals = shop.show(PROJECTION, DAY).where(scenario="win back", month=12).frame["customers"].sum()
    assert found.where(scenario="win back", month=12).one("customers") == pytest.approx(totals) == 29 + 36


def test_leads_are_projected_too(shop):
    # Of 4 leads of 30 days ago one has bought since: a quarter a month.
    told(shop, new_customers="none")
    for number in range(4):
        shop.registered(f"l{number}", on=days_before(50))
    shop.orders("l0", days_before(5))
    month = shop.table(PROJECTION).where(month=1).by("stage", "customers")
    assert (month["lead"], month["first-time"]) == (pytest.approx(2.25), pytest.approx(10.75))


@pytest.mark.parametrize(("age", "rows"), [(59, 0), (60, 65)])
def test_60_days_of_history_are_needed(shop, age, rows):
    shop.with_settings(lifecycle={"scenarios": []}).orders("anna", days_before(age), days_before(10))
    assert len(shop.table(PROJECTION)) == rows
    assert len(shop.show(SCENARIOS, DAY)) == rows // 5 - rows // 65


def test_it_is_the_same_each_time(shop):
    assert told(shop).table(PROJECTION).rows() == shop.table(PROJECTION).rows()


def test_lost_customers_are_refused(shop):
    told(shop).table(PROJECTION)
    shop.engine.execute(f"UPDATE {PROJECTION} SET customers = customers + 1 WHERE stage = 'active' AND month = 5")
    assert shop.failing_checks(PROJECTION, DAY) == {"nobody_is_lost"}
