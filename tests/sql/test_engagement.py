"""marts.engagement: when customers last did something of their own, and whether they may be written to."""

import hashlib

import pytest
from shop import Shop, open_engine

from pipeline.settings import Settings

TABLE = "marts.engagement"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    home = tmp_path_factory.mktemp("engagement")
    with open_engine(Settings(home=home)) as engine:
        yield Shop(home, engine)


@pytest.fixture(scope="module")
def levels(shop):
    """Snapshot 2026-12-31; 2026-10-02 is 90 days before it, 2026-07-04 180.

    Everybody got three messages on 2026-01-01, new only two. Clicks of engaged and lapsing lie on the last days that
    count; dormant's open is a day too old. machine's open is a machine's, control was never written to. visitor only
    visited, buyer only bought.
    """
    contacts = ("engaged", "lapsing", "dormant", "never", "new", "machine", "gone")
    for name in contacts:
        for number in range(2 if name == "new" else 3):
            shop.message(f"c{number}", name, "delivered", at="2026-01-01T09:00")
    shop.message("c0", "engaged", "clicked", at="2026-10-02T23:59")
    shop.message("c0", "engaged", "opened", at="2026-05-02", is_machine=False)
    shop.message("c0", "lapsing", "clicked", at="2026-07-04").message("c0", "lapsing", "clicked", at="2026-07-03")
    shop.message("c0", "dormant", "opened", at="2026-07-03", is_machine=False)
    shop.message("c0", "machine", "opened", at="2026-12-03", is_machine=True)
    shop.message("c0", "gone", "clicked", at="2026-12-30")
    shop.message("c0", "control", "assigned", at="2026-01-01", group_name="control")
    shop.event("v1", "product_view", at="2026-12-30T10:00", customer="visitor")
    shop.event("v1", "purchase", at="2026-12-31T10:00", customer="visitor").event("v2", "other", at="2026-12-31")
    shop.orders("buyer", "2026-12-24", "2026-12-25")
    # Granted and withdrawn in one second is withdrawn; * takes back every channel; another purpose is another matter.
    for name in (*contacts, "visitor", "buyer", "control"):
        shop.consent(name, "granted", on="2025-01-01")
    shop.consent("gone", "withdrawn", on="2025-01-01")
    shop.consent("engaged", "granted", on="2025-01-01", channel="sms").consent("engaged", "withdrawn", on="2026-02-01")
    shop.consent("starred", "granted", on="2025-01-01").consent("starred", "withdrawn", on="2025-02-01", channel="*")
    shop.consent("ads", "granted", on="2025-01-01", purpose="ads")
    return shop.table(TABLE)


def test_levels_by_hand(levels):
    assert levels.by_customer("level") == {
        "engaged": "engaged", "lapsing": "lapsing", "dormant": "dormant", "never": "never", "machine": "never",
        "new": "too_new", "control": "too_new", "buyer": "too_new", "visitor": "engaged", "gone": "unreachable",
        "starred": "unreachable",
    }  # fmt: skip


def test_actions_and_scores_by_hand(levels):
    """Five acted. None is worse than dormant by recency, one than lapsing, …: 1 + 5 · w // 5."""
    rows = levels.frame.filter(levels.frame["recency_days"].is_not_null())
    assert sorted(
        rows.select("customer_id", "recency_days", "actions_365d", "recency_score", "frequency_score").rows()
    ) == [
        ("dormant", 181, 1, 1, 1), ("engaged", 90, 2, 3, 5), ("gone", 1, 1, 4, 1), ("lapsing", 180, 1, 2, 1),
        ("visitor", 1, 1, 4, 1),
    ]  # fmt: skip


def test_consents_are_those_of_the_day(shop, levels):
    engaged = levels.where(customer_id="engaged")
    assert engaged.rows("email_consent", "sms_consent", "push_consent") == [(False, True, False)]
    before = shop.table(TABLE, "2026-01-31").where(customer_id="engaged")
    assert before.rows("email_consent", "level") == [(True, "never")]
    assert shop.failing_checks(TABLE, "2026-12-31") == set()


def test_few_clickers_are_not_told_apart(levels):
    """Three clicked messages of 20 that were delivered; all are expected to click as often."""
    assert levels.where(customer_id="engaged").rows("delivered", "opened", "clicked") == [(3, 1, 1)]
    assert set(levels.frame["click_rate"]) == {0.15}
    assert set(levels.frame["prior_weight"]) == {None}
    assert levels.by_customer("last_purchase_on")["buyer"] == "2026-12-25"


def test_customers_who_differ_have_rates_of_their_own_and_those_who_do_not_have_the_shops(tmp_path):
    """A third of 600 click all of four messages, the others none; or everybody two, as if by a rota."""
    with open_engine(Settings(home=tmp_path)) as engine:
        shop = Shop(tmp_path, engine)
        for number in range(600):
            for message in range(4):
                name, campaign = f"p{number}", f"c{message}"
                shop.message(campaign, name, "delivered", at="2026-12-01T09:00")
                if number % 3 == 0:
                    shop.message(campaign, name, "clicked", at="2026-12-01T10:00")
        rows = shop.table(TABLE)
        assert set(rows.frame["prior_weight"]) == {0}, "of two messages of one customer both or neither are clicked"
        assert set(rows.frame["click_rate"]) == {0, 1}
        assert set(rows.frame["email_consent"]) == {None}, "nobody told of consents"
        assert set(rows.frame["level"]) == {"engaged", "never"}
        shop.emptied()
        for number in range(600):
            for message in range(4):
                name, campaign = f"p{number}", f"c{message}"
                shop.message(campaign, name, "delivered", at="2026-12-01T09:00")
                if message % 2:
                    shop.message(campaign, name, "clicked", at="2026-12-01T10:00")
        assert set(shop.table(TABLE).frame["click_rate"]) == {0.5}


def test_the_best_contact_channel_has_consent_and_most_clicks(tmp_path):
    """Half of the e-mails and three of four SMS are clicked; nobody was ever written to by push."""
    with open_engine(Settings(home=tmp_path)) as engine:
        shop = Shop(tmp_path, engine)
        shop.campaign("mail", sent="2026-12-01").campaign("text", sent="2026-12-02", channel="sms")
        for campaign, contacts, clicks in (("mail", 4, 2), ("text", 4, 3)):
            for number in range(contacts):
                shop.message(campaign, f"p{number}", "delivered", at="2026-12-02T09:00")
                if number < clicks:
                    shop.message(campaign, f"p{number}", "clicked", at="2026-12-02T10:00")
        consented = {"two": ("email", "sms"), "mail": ("email", "push"), "app": ("push",), "late": ("sms",)}
        for name, channels in consented.items():
            for channel in channels:
                shop.consent(
                    name, "granted", on="2027-01-01" if name == "late" else "2026-12-31T23:59", channel=channel
                )
        lots = [f"lot {number}" for number in range(64)]
        for name in lots:
            shop.consent(name, "granted", on="2026-01-01").consent(name, "granted", on="2026-01-01", channel="sms")
        rows = shop.table(TABLE)
        known = rows.frame.filter(rows.frame["customer_id"].is_in([*consented, "p0"]))
        assert sorted(known.select("customer_id", "best_contact_channel", "best_click_rate").rows()) == [
            ("app", "push", None), ("mail", "email", 0.5), ("p0", None, None), ("two", "sms", 0.75),
        ]  # fmt: skip
        explored = {name for name in lots if hashlib.md5(f"{name}2026-12-31".encode()).hexdigest()[0] == "0"}
        rows = rows.frame.filter(rows.frame["customer_id"].is_in(lots))
        assert set(rows.filter("explore")["customer_id"]) == explored and explored
        assert set(rows.filter("explore")["explore_channel"]) <= {"email", "sms"}
        assert set(rows.filter(~rows["explore"])["explore_channel"]) == {None}
