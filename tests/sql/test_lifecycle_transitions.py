"""marts.lifecycle_transitions: who moved where, as shares with Wilson intervals."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import days_before
from statsmodels.stats.proportion import proportion_confint

TRANSITIONS = "marts.lifecycle_transitions"
DAY = "2026-12-31"


@pytest.fixture
def limited(shop):
    return shop.with_settings(lifecycle={"defecting_days": 60, "inactive_days": 200})


@pytest.fixture
def moved(limited):
    # 30 days ago Anna, Bert and Cleo were active (silent 10, 35, 5 days); now Anna, who bought again, is active, Bert
    # (65) is defecting, Cleo (35) is active. Dora was inactive and came back. Emil is new, Fritz registered lately.
    limited.orders("anna", days_before(100), days_before(40), days_before(3)).orders(
        "bert", *map(days_before, (90, 65))
    )
    limited.orders("cleo", days_before(100), days_before(35)).orders("dora", days_before(300), days_before(2))
    return limited.orders("emil", days_before(8)).registered("fritz", on=days_before(8))


def test_moves_of_30_days_by_hand(moved):
    found = moved.table(TRANSITIONS).where(horizon_days=30)
    seen = found.frame.filter(found.frame["customers"] > 0)
    assert sorted(seen.select("from_stage", "to_stage", "customers", "from_customers").rows()) == [
        ("active", "active", 2, 3), ("active", "defecting", 1, 3), ("inactive", "active", 1, 1),
        ("none", "first-time", 1, 2), ("none", "lead", 1, 2),
    ]  # fmt: skip
    assert found.where(from_stage="active", to_stage="active").one("share") == pytest.approx(2 / 3)


def test_moves_of_90_days_by_hand(moved):
    # 90 days ago Anna and Cleo (silent 10 days) and Bert (0) were first-time, Dora (210) inactive.
    found = moved.table(TRANSITIONS).where(horizon_days=90)
    seen = found.frame.filter(found.frame["customers"] > 0)
    assert sorted(seen.select("from_stage", "to_stage", "customers", "from_customers").rows()) == [
        ("first-time", "active", 2, 3), ("first-time", "defecting", 1, 3), ("inactive", "active", 1, 1),
        ("none", "first-time", 1, 2), ("none", "lead", 1, 2),
    ]  # fmt: skip


def test_every_cell_is_there_and_a_row_of_nobody_has_no_shares(moved):
    found = moved.table(TRANSITIONS)
    assert len(found) == 2 * 6 * 5
    nobody = found.where(horizon_days=30, from_stage="defecting")
    assert (
        nobody.rows("customers", "from_customers", "share", "share_low", "share_high") == [(0, 0, None, None, None)] * 5
    )
    never = found.where(horizon_days=30, from_stage="active", to_stage="inactive")
    assert never.rows("customers", "share", "share_low") == [(0, 0, 0)]


def test_the_interval_is_wilsons(moved):
    for row in moved.table(TRANSITIONS).frame.iter_rows(named=True):
        if row["from_customers"]:
            low, high = proportion_confint(row["customers"], row["from_customers"], method="wilson")
            assert (row["share_low"], row["share_high"]) == (
                pytest.approx(low, abs=1e-9),
                pytest.approx(high, abs=1e-9),
            )


def test_cells_that_do_not_add_up_are_refused(moved):
    moved.snapshot(DAY, TRANSITIONS)
    moved.engine.execute(f"UPDATE {TRANSITIONS} SET customers = customers + 1 WHERE from_stage = 'active'")
    assert moved.failing_checks(TRANSITIONS, DAY) == {"everybody_moves_once", "rows_sum_to_n"}


TOLD = st.dictionaries(
    st.sampled_from("abcdefgh"), st.lists(st.integers(-5, 400), min_size=0, max_size=4), min_size=1, max_size=8
)


@settings(max_examples=15)
@given(TOLD)
def test_rows_sum_to_their_n_and_all_to_everybody(shop, told):
    shop.emptied().with_settings(lifecycle={"defecting_days": 60, "inactive_days": 200})
    for customer, days in told.items():
        shop.orders(customer, *map(days_before, days)).registered(customer, on=days_before(45))
    rows = shop.table(TRANSITIONS).frame.to_dicts()
    for horizon in (30, 90):
        ours = [row for row in rows if row["horizon_days"] == horizon]
        assert sum(row["customers"] for row in ours) == len(told)
        for stage in {row["from_stage"] for row in ours}:
            cells = [row for row in ours if row["from_stage"] == stage]
            assert {sum(row["customers"] for row in cells)} == {row["from_customers"] for row in cells}
            if cells[0]["from_customers"]:
                assert sum(row["share"] for row in cells) == pytest.approx(1)
                assert all(0 <= row["share_low"] <= row["share"] <= row["share_high"] <= 1 for row in cells)
