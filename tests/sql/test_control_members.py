"""marts.control_members: who is left alone, written once; and the control groups of campaigns that come from it."""

import datetime as dt

import polars as pl
import pytest

from pipeline.models.control_groups import HOLDOUT, falls_on
from pipeline.tables.catalog import with_features

CONTROLS, UPLIFT = "marts.control_members", "marts.campaign_uplift"
MEMBERS = with_features("SELECT customer_id, group_name, messages, drawn_share FROM features.campaign_members")

SHARES = with_features("SELECT DISTINCT control_share FROM features.campaign_arms")


@pytest.fixture
def three(shop):
    # Of the lot for everybody K2 has 5379, K3 6194 and K1 9049.
    for customer in ("K1", "K2", "K3"):
        shop.orders(customer, "2026-10-01")
    return shop


def left_alone(shop, share, day):
    rows = shop.with_settings(holdout_share=share).table(CONTROLS, day).where(audience=HOLDOUT)
    return rows.rows("customer_id", "member_from", "member_until")


def members(shop, day="2026-12-31"):
    """Of the one campaign: customer, group, messages."""
    rows = shop.engine.read(MEMBERS, {"snapshot_date": dt.date.fromisoformat(day)})
    return sorted(rows.drop("drawn_share").iter_rows())


@pytest.mark.parametrize(
    ("salt", "buckets"), [("winback-2026", {"K1": 6087, "K2": 9052, "K3": 6560}),
                          (HOLDOUT, {"K1": 9049, "K2": 5379, "K3": 6194})],
)  # fmt: skip
def test_the_lots_are_those_of_the_definition(salt, buckets):
    lots = pl.DataFrame({"salt": salt, "customer_id": list(buckets)})
    for more, expected in ((0, False), (1, True)):
        shares = pl.Series("share", [(bucket + more) / 10_000 for bucket in buckets.values()])
        assert falls_on(lots.with_columns(shares), "share").to_list() == [expected] * 3


def test_a_larger_share_keeps_the_old_and_a_smaller_one_frees_nobody(three):
    first, second, third = "2026-12-01", "2026-12-02", "2026-12-03"
    assert left_alone(three, 0.538, first) == [("K2", first, None)]  # 5379 < 5380
    assert left_alone(three, 0.91, second) == [("K1", second, None), ("K2", first, None), ("K3", second, None)]
    assert left_alone(three, 0.1, third) == [("K1", second, None), ("K2", first, None), ("K3", second, None)]
    assert set(three.show(CONTROLS, third).rows("arm")) == {("holdout",)}


def test_without_a_share_all_are_free_and_later_the_same_are_drawn_again(three):
    assert left_alone(three, 0.54, "2026-12-01") == [("K2", "2026-12-01", None)]
    assert left_alone(three, 0, "2026-12-02") == [("K2", "2026-12-01", "2026-12-02")]
    assert left_alone(three, 0.1, "2026-12-03") == [
        ("K2", "2026-12-01", "2026-12-02"), ("K2", "2026-12-03", None)
    ]  # fmt: skip
    assert set(three.show(CONTROLS, "2026-12-03").where(audience=HOLDOUT).rows("first_on")) == {("2026-12-01",)}


def test_nobody_is_left_alone_unless_asked_for(three):
    assert len(three.table(CONTROLS)) == 0


def test_members_of_a_segment_come_and_go(shop):
    # All are drawn: a share of .9999 takes buckets below 9999.
    shop.orders("anna", "2025-01-01").with_settings(deliver={"segments": {"control_share": 0.9999}})
    first = shop.table(CONTROLS, "2025-01-31")
    assert {arm for (arm,) in first.rows("arm")} == {"control"}
    assert set(first.rows("share")) == {(0.9999,)}
    before = in_grid(shop, "2025-01-31")
    shop.orders("anna", "2025-02-20", "2025-02-21")  # more often and later than nine others: she rises
    for number in range(9):
        shop.orders(f"c{number}", "2025-02-01")
    after = shop.table(CONTROLS, "2025-02-28").where(customer_id="anna")
    now = in_grid(shop, "2025-02-28")
    assert before != now
    grid = [row for row in after.rows("audience", "member_from", "member_until") if row[0].startswith("grid/")]
    assert grid == sorted([(before, "2025-01-31", "2025-02-28"), (now, "2025-02-28", None)])
    assert shop.failing_checks(CONTROLS, "2025-02-28") == set()


def in_grid(shop, day):
    """Anna's audience."""
    segment = shop.show("marts.rfm_segments", day).where(customer_id="anna", catalogue="grid").one("segment")
    return f"grid/{segment}"


# ── campaigns ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def mailed(shop, sent="2026-12-02", audience=HOLDOUT, channel="email", **about):
    shop.campaign("spring", sent=f"{sent}T09:00", audience=audience, channel=channel, **about)
    for customer in ("K1", "K3"):
        shop.message("spring", customer, "sent", at=f"{sent}T09:00")
    return shop


@pytest.fixture
def drawn(three):
    """K2 is left alone since 1 December."""
    left_alone(three, 0.54, "2026-12-01")
    return three


def test_who_was_left_alone_is_the_control_group_of_a_mailing(drawn):
    uplift = mailed(drawn).table(UPLIFT).where(metric="conversion")
    assert (uplift.one("treated"), uplift.one("control"), uplift.one("status")) == (2, 1, "known")
    assert uplift.one("sample_ratio") == "passed"  # as the campaign does not tell, by the share of the lot
    assert members(drawn) == [("K1", "treated", 1), ("K2", "control", 0), ("K3", "treated", 1)]


def test_sizes_are_tested_against_the_lot_whatever_the_campaign_says(drawn):
    """Who writes to the best alone, and tells the share that came of it, has no control group."""
    mailed(drawn, control_share=0.33).table(CONTROLS)
    assert drawn.engine.read(SHARES, {"snapshot_date": dt.date(2026, 12, 31)}).rows() == [(0.54,)]


def test_who_was_written_to_by_mistake_stays_in_the_control_group(drawn):
    mailed(drawn).message("spring", "K2", "sent", at="2026-12-02T09:00").table(CONTROLS)
    assert members(drawn) == [("K1", "treated", 1), ("K2", "control", 1), ("K3", "treated", 1)]


def test_a_control_group_that_messages_tell_of_is_the_one(drawn):
    mailed(drawn).message("spring", "K9", "assigned", at="2026-12-02T09:00", group_name="control").table(CONTROLS)
    assert members(drawn) == [("K1", "treated", 1), ("K3", "treated", 1), ("K9", "control", 0)]


@pytest.mark.parametrize(
    ("sent", "audience"), [("2026-12-01", HOLDOUT), ("2026-12-02", "signals/lost"), ("2026-12-02", None)]
)
def test_nobody_is_left_alone_by_a_mailing_of_before_or_of_another_audience(drawn, sent, audience):
    mailed(drawn, sent, audience).table(CONTROLS)
    assert members(drawn) == [("K1", "treated", 1), ("K3", "treated", 1)]


def test_who_would_not_have_got_it_anyway_is_no_control(drawn):
    """Consent counts by the channel and on the evening before; the others would have been written to."""
    mailed(drawn).consent("K2", "granted", on="2026-11-01", channel="sms")
    drawn.table(CONTROLS)
    assert [row[0] for row in members(drawn)] == ["K1", "K3"]
    drawn.consent("K2", "granted", on="2026-11-02").consent("K2", "withdrawn", on="2026-12-02", channel="*")
    drawn.table(CONTROLS)
    assert [row[0] for row in members(drawn)] == ["K1", "K2", "K3"]
    drawn.objection("K2", on="2026-12-01").table(CONTROLS)
    assert [row[0] for row in members(drawn)] == ["K1", "K3"]
