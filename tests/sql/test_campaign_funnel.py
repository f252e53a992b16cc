"""marts.campaign_funnel: how far messages came, in people; what machines did stands apart."""

import pytest
from shop import Shop, open_engine
from statsmodels.stats.proportion import proportion_confint

from pipeline.settings import Settings

TABLE = "marts.campaign_funnel"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    home = tmp_path_factory.mktemp("funnel")
    with open_engine(Settings(home=home)) as engine:
        yield Shop(home, engine)


@pytest.fixture(scope="module")
def spring(shop):
    """A mailing of 2026-03-01 09:00, window 5 days, to ten people (m0 … m9) and two of a control group (k0, k1).

    m9 bounced. m1 … m4 opened, and so did m5's mail program. m2, m3, m4 clicked. m6's security software clicked at
    once, m7's three times within 5 seconds; m8 clicked three times within 6. m2 came 30 minutes after the click, m3 a
    second later than that, m4 on the next day by a link of the campaign; m5 came without a click. m2 buys at once, m0
    and k0 on the fifth day, m1 on the sixth, k1 before.
    """
    at = "2026-03-01T09:00"
    shop.campaign("spring", sent=at)
    for number in range(10):
        told = "bounced" if number == 9 else "delivered"
        shop.message("spring", f"m{number}", "sent", at=at).message("spring", f"m{number}", told, at=f"{at}:01")
    for number in range(2):
        shop.message("spring", f"k{number}", "assigned", at=at, group_name="control")
    for number in range(1, 5):
        shop.message("spring", f"m{number}", "opened", at="2026-03-01T10:00", is_machine=False)
    shop.message("spring", "m5", "opened", at="2026-03-01T09:05", is_machine=True)
    for number in range(2, 5):
        shop.message("spring", f"m{number}", "clicked", at="2026-03-01T23:45")
    shop.message("spring", "m6", "clicked", at=f"{at}:11")
    for second in (20, 22, 25):
        shop.message("spring", "m7", "clicked", at=f"{at}:{second}")
    for second in (20, 22, 26):
        shop.message("spring", "m8", "clicked", at=f"{at}:{second}")
    shop.event("v2", "product_view", at="2026-03-02T00:15", customer="m2")
    shop.event("v3", "product_view", at="2026-03-02T00:15:01", customer="m3")
    shop.event("v4", "product_view", at="2026-03-02T12:00", customer="m4", campaign_id="spring")
    shop.event("v5", "product_view", at="2026-03-01T23:50", customer="m5", campaign_id="spring")
    shop.orders("m2", "2026-03-02T00:20").orders("m0", "2026-03-06").orders("k0", "2026-03-06")
    shop.orders("m1", "2026-03-07").orders("k1", "2026-03-01T08:59")
    return shop.table(TABLE).where(campaign_id="spring")


def test_every_stage_by_hand(spring):
    assert spring.rows("place", "stage", "contacts", "base", "machine_contacts", "unmarked_contacts") == [
        (1, "sent", 10, 10, None, None), (2, "delivered", 9, 10, None, None), (3, "opened", 5, 10, 1, 0),
        (4, "clicked", 4, 10, 2, None), (5, "visited", 2, 10, None, None), (6, "bought", 1, 10, None, None),
        (7, "bought_any", 2, 10, None, None), (8, "bought_control", 1, 2, None, None),
    ]  # fmt: skip
    assert not any(spring.frame["is_inferred"])


def test_both_shares_have_wilsons_interval(spring):
    clicked = spring.where(stage="clicked")
    for kind, of in (("sent", 10), ("previous", 5)):
        ends = (clicked.one(f"share_of_{kind}_low"), clicked.one(f"share_of_{kind}_high"))
        assert clicked.one(f"share_of_{kind}") == 4 / of
        assert ends == pytest.approx(proportion_confint(4, of, method="wilson"), rel=1e-9)
    beside = spring.where(stage="bought_control")
    assert beside.rows("share_of_sent", "share_of_previous") == [(0.5, None)]


def test_what_comes_after_the_day_does_not_count(shop, spring):
    """On the evening of March 1 nobody has visited or bought but before."""
    funnel = shop.table(TABLE, "2026-03-01").where(campaign_id="spring")
    assert funnel.by("stage", "contacts") == {
        "sent": 10, "delivered": 9, "opened": 5, "clicked": 4, "visited": 0, "bought": 0, "bought_any": 0,
        "bought_control": 0,
    }  # fmt: skip


def test_a_service_that_tells_little_is_not_taken_at_its_word(shop, spring):
    """No deliveries: what did not bounce. Of opens without a mark, 1 of 20 is a person's, 2 of 21 are not."""
    for campaign, unmarked, marked in (("few", 1, 19), ("many", 2, 19)):
        for number in range(unmarked + marked):
            name = f"{campaign}{number}"
            shop.message(campaign, name, "sent", at="2026-04-01T09:00")
            mark = {} if number < unmarked else {"is_machine": False}
            shop.message(campaign, name, "opened", at="2026-04-01T11:00", **mark)
        shop.message(campaign, "gone", "sent", at="2026-04-01T09:00")
        shop.message(campaign, "gone", "bounced", at="2026-04-01T09:01")
    funnel = shop.table(TABLE)
    few, many = (funnel.where(campaign_id=campaign) for campaign in ("few", "many"))
    assert few.where(stage="delivered").rows("contacts", "is_inferred") == [(20, True)]
    assert few.where(stage="opened").rows("contacts", "unmarked_contacts") == [(20, 0)]
    assert many.where(stage="opened").rows("contacts", "share_of_sent", "unmarked_contacts") == [(None, None, 2)]
    assert many.where(stage="clicked").rows("contacts", "share_of_sent", "share_of_previous") == [(0, 0, None)]


def test_members_of_a_rule_have_windows_of_their_own_and_a_click_without_a_send_is_one(shop, spring):
    shop.campaign("birthday", campaign_type="rule", window_days=2)
    shop.message("birthday", "early", "sent", at="2026-05-01T09:00")
    shop.message("birthday", "late", "assigned", at="2026-05-10T09:00").message(
        "birthday", "late", "sent", at="2026-05-11T09:00"
    )
    shop.message("birthday", "clicker", "clicked", at="2026-05-20T09:00")
    shop.message("birthday", "wrong", "assigned", at="2026-05-10T09:00", group_name="control")
    shop.message("birthday", "wrong", "sent", at="2026-05-10T09:00")  # a control member who got it stays one
    for name, day in (("early", "04"), ("late", "12"), ("wrong", "12"), ("clicker", "20")):
        shop.orders(name, f"2026-05-{day}T12:00")
    rows = shop.table(TABLE).where(campaign_id="birthday")
    found = rows.by("stage", "contacts")
    assert [found[stage] for stage in ("sent", "opened", "clicked", "bought_any", "bought_control")] == [3, 1, 1, 2, 1]
    assert rows.where(stage="bought_any").one("base") == 3


def test_what_stands_is_what_counts(shop, spring):
    """A cancelled order is no purchase, nor is one that is paid back whole, from the day on."""
    shop.campaign("void", sent="2026-06-01T09:00")
    for name in ("cancels", "returns", "buys"):
        shop.message("void", name, "sent", at="2026-06-01T09:00")
    shop.orders("cancels", "2026-06-02", status="cancelled")
    shop.orders("returns", "2026-06-02").orders("buys", "2026-06-02")
    shop.refund("returns-1", on="2026-06-20", amount=10)
    bought = {
        day: shop.table(TABLE, day).where(campaign_id="void", stage="bought_any").one("contacts")
        for day in ("2026-06-19", "2026-06-20")
    }
    assert bought == {"2026-06-19": 2, "2026-06-20": 1}
    assert shop.failing_checks(TABLE, "2026-06-20") == set()


def test_without_events_of_the_web_shop_visits_are_not_known(shop, spring):
    shop.message("old", "m1", "sent", at="2026-01-01T09:00").message("old", "m1", "clicked", at="2026-01-01T10:00")
    funnel = shop.table(TABLE, "2026-01-31").where(campaign_id="old")  # the first visits are of March
    assert [funnel.where(stage=stage).one("contacts") for stage in ("clicked", "visited", "bought")] == [1, None, None]
