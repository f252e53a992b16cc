"""marts.order_channels: where orders came from, by rules that everybody knows."""

import datetime as dt

import pytest
from shop import Shop, open_engine

from pipeline.settings import Settings

TABLE = "marts.order_channels"
CASES = [
    # source, medium, sales channel, marketing channel
    ("google", "cpc", "web", "paid_search"), ("google", "organic", "web", "organic_search"),
    ("google", "cpm", "web", "paid_search"), ("facebook", "cpm", "web", "paid_social"),
    ("news.example", "cpm", "web", "display"), ("news.example", "display", "web", "display"),
    ("taboola", "cpc", "web", "paid_other"), ("instagram", "social", "web", "organic_social"),
    ("blog", "sm", "web", "organic_social"), ("youtube", "(none)", "web", "organic_video"),
    ("newsletter", "email", "web", "email"), ("mailchimp", "Newsletter", "web", "email"),
    ("facebook", "email", "web", "email"), ("klaviyo", "SMS", "web", "sms"), ("onesignal", "web push", "web", "push"),
    ("onesignal", "mobile-web", "web", "push"), ("(direct)", "(none)", "web", "direct"), (None, None, "web", "unknown"),
    (None, None, "store", "store"), ("awin", "affiliate", "web", "affiliate"),
    ("partner.example", "referral", "web", "referral"), ("ebay", "organic", "web", "organic_shopping"),
    ("google shopping", "ppc", "web", "paid_shopping"), ("spotify", "audio", "web", "audio"),
    ("strange", "thing", "web", "other"), (" Google ", "CPC", "web", "paid_search"), ("flyer", "qr", "web", "other"),
    ("app.example", "paid_social", "web", "paid_other"),
    # Not in the definition, and decided by the same rules.
    (None, None, "Marketplace", "marketplace"), (None, None, None, "unknown"), ("", " ", "POS", "store"),
    ("google", None, "store", "organic_search"), ("firebase", "x", None, "push"), ("sms", "blast", None, "sms"),
    ("e-mail", "x", None, "email"), ("twitch", "retargeting", None, "paid_video"), ("direct", None, None, "direct"),
]  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    home = tmp_path_factory.mktemp("channels")
    with open_engine(Settings(home=home)) as engine:
        yield Shop(home, engine)


def test_every_case_of_the_rules(shop):
    for number, (source, medium, sales_channel, _) in enumerate(CASES):
        shop.line(
            f"o{number}", on="2026-12-01", customer="anna", source=source, medium=medium, sales_channel=sales_channel
        )
    found = shop.table(TABLE).by("order_id", "channel")
    assert found == {f"o{number}": channel for number, (*_, channel) in enumerate(CASES)}


def test_the_largest_line_decides_and_of_equal_ones_the_least_id(shop):
    at = {"on": "2026-12-02", "customer": "bert"}
    shop.line("split", amount=10, source="google", medium="cpc", campaign_id="c1", line_id="1", **at)
    shop.line("split", amount=30, source="newsletter", medium="email", campaign_id="c2", line_id="2", **at)
    shop.line("even", amount=10, source="google", medium="cpc", line_id="2", **at)
    shop.line("even", amount=10, source="awin", medium="affiliate", line_id="1", **at)
    shop.line("odd", amount=10, source="google", medium="cpc", line_id="1", **at)
    shop.charge("odd", amount=50, **at).refund("odd", on="2026-12-30", amount=4)
    rows = shop.table(TABLE).frame.filter(ordered_on=dt.date(2026, 12, 2))
    shown = rows.select("order_id", "channel", "campaign_id", "has_several", "order_value", "revenue").rows()
    assert sorted(shown) == [
        ("even", "affiliate", None, True, 20, 20), ("odd", "paid_search", None, False, 60, 56),
        ("split", "email", "c2", True, 40, 40),
    ]  # fmt: skip


def test_only_orders_that_stand_on_the_day_have_a_channel(shop):
    shop.line("void", on="2026-12-03", customer="cleo", source="google", medium="cpc", status="cancelled")
    shop.line("later", on="2026-12-20", customer=None, source="google", medium="cpc")
    rows = shop.table(TABLE, "2026-12-19")
    assert not {"void", "later"} & set(rows.frame["order_id"])
    assert shop.failing_checks(TABLE, "2026-12-19") == set()
