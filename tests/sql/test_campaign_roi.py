"""marts.campaign_roi: what campaigns earned by their cost; and what it tells of the worth of a contact by stage."""

import pytest
from shop import Shop, open_engine

from pipeline.settings import Settings

TABLE = "marts.campaign_roi"
SENT = "2026-03-01T09:00"
KNOWN = "2026-03-20"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Half is earned. Of 100 each, 40 treated and 20 control members buy for 30; of these 10 and 5 had never bought.

    works costs 100; free does not tell its cost, and nobody bought; alone has no control group and costs 5.
    """
    home = tmp_path_factory.mktemp("roi")
    with open_engine(Settings(home=home, clv={"margin": 0.5})) as engine:
        shop = Shop(home, engine)
        shop.campaign("works", sent=SENT, control_share=0.5, cost=100).campaign("free", sent=SENT, control_share=0.5)
        shop.campaign("alone", sent=SENT, cost=5)
        for group, bought in (("treated", 40), ("control", 20)):
            for number in range(100):
                name = f"{group}-{number}"
                shop.message("works", name, "assigned", at=SENT, group_name=group)
                shop.message("free", f"free-{name}", "assigned", at=SENT, group_name=group)
                if number >= bought // 4:
                    shop.orders(name, "2025-06-01")
                if number < bought:
                    shop.orders(name, "2026-03-04T10:00", amount=30)
        shop.orders("treated-0", "2026-03-05", amount=30)  # a second order is no other buyer
        shop.message("works", "treated-0", "clicked", at="2026-03-04T09:00")
        shop.message("alone", "someone", "sent", at=SENT)
        yield shop


@pytest.fixture(scope="module")
def roi(shop):
    found = shop.table(TABLE, KNOWN)
    assert shop.failing_checks(TABLE, KNOWN) == set()
    return found


def test_what_it_caused_by_its_cost(shop, roi):
    """Spend: (41 − 20) · 30 = 630 more, half of it earned: 315, of which 100 were spent."""
    row = roi.where(campaign_id="works", basis="incremental")
    assert row.rows("status", "contacts", "is_gross", "cost", "orders", "new_buyers") == [
        ("known", 100, False, 100, 21, 5)
    ]
    assert row.rows("revenue", "gain", "profit", "roi", "cost_per_contact", "allowable_basis", "allowable") == [
        (pytest.approx(630), pytest.approx(315), pytest.approx(215), pytest.approx(2.15), 1, "measured",
         pytest.approx(3.15))
    ]  # fmt: skip
    assert (row.one("cost_per_order"), row.one("cost_per_new_buyer")) == pytest.approx((100 / 21, 20))
    low = shop.show("marts.campaign_uplift", KNOWN).where(campaign_id="works", metric="spend").one("extra_low")
    assert (row.one("profit_low"), row.one("allowable_low")) == pytest.approx((low / 2 - 100, low / 200))
    assert row.one("worth_it") is (low / 200 > 1)


def test_what_the_last_click_ascribes_to_it_stands_apart(roi):
    row = roi.where(campaign_id="works", basis="attributed")
    assert row.rows("status", "revenue", "orders", "new_buyers", "profit", "cost_per_order", "worth_it") == [
        ("attributed", 60, 2, 1, -70, 50, None)
    ]


def test_no_cost_is_empty_and_no_control_is_at_most(roi):
    free = roi.where(campaign_id="free", basis="incremental")
    assert free.rows("status", "revenue", "cost", "profit", "roi", "worth_it") == [("known", *[None] * 5)], "no buyers"
    alone = roi.where(campaign_id="alone", basis="incremental")
    assert alone.rows("status", "revenue", "profit", "cost", "allowable_basis", "allowable") == [
        ("no_control", None, None, 5, None, None)  # without predictions no move is worth anything
    ]


def test_the_worth_of_a_contact_by_stage_is_what_was_measured(shop, roi):
    """Of 100 each who had bought once lately, 60 and 30 buy, for 20 or 21."""
    moves = shop.table("marts.lifecycle_moves", KNOWN)
    assert set(moves.rows("cost_basis")) == {(None,)}
    for number in range(100, 200):
        for group, bought in (("treated", 160), ("control", 130)):
            name = f"more-{group}-{number}"
            shop.message("more", name, "assigned", at=SENT, group_name=group).orders(name, "2026-02-10")
            if number < bought:
                shop.orders(name, "2026-03-04T10:00", amount=20 + number % 2)
    shop.campaign("more", sent=SENT, control_share=0.5)
    moves = shop.table("marts.lifecycle_moves", KNOWN).where(move="convert", horizon_days=30)
    worth = shop.show("marts.lifecycle_value", KNOWN).where(stage="first-time")
    assert worth.one("contact_worth") == pytest.approx(0.5 * (0.6 - 0.3) * 20.5)
    assert moves.rows("cost_basis", "most_to_spend", "most_to_spend_low") == [
        ("measured", worth.one("contact_worth"), worth.one("contact_worth_low"))
    ]
    assert 0 < worth.one("contact_worth_low") < worth.one("contact_worth") < worth.one("contact_worth_high")
