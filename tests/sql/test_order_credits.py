"""marts.order_credits: who is credited with an order, by six models that each give away an order once."""

import pytest
from shop import Shop, open_engine

from pipeline.settings import Settings

TABLE = "marts.order_credits"
MODELS = ("last_touch", "first_touch", "linear", "position_based", "time_decay", "as_recorded")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    home = tmp_path_factory.mktemp("credits")
    with open_engine(Settings(home=home)) as engine:
        yield Shop(home, engine)


@pytest.fixture(scope="module")
def credits(shop):
    """Nine touches and six orders, as in the definition; delivered, clicked and opened are what strength 1 to 3 are."""
    for campaign in "ABCD":
        shop.campaign(campaign, sent="2026-03-01T08:00")

    def touch(message, campaign, customer, at, event="opened", machine=False):
        shop.message(
            campaign, customer, event, at=at, message_id=message, is_machine=machine if event == "opened" else None
        )

    touch("m1", "A", "k1", "2026-03-01T09:00", "delivered")
    touch("m1", "A", "k1", "2026-03-01T12:00")
    touch("m2", "B", "k1", "2026-03-02T09:00")
    touch("m3", "C", "k1", "2026-03-04T09:00")
    touch("m3", "C", "k1", "2026-03-04T09:00:01", machine=True)
    touch("m4", "A", "k2", "2026-03-04T10:00")
    touch("m5", "B", "k2", "2026-03-04T10:00")
    touch("m6", "D", "k3", "2026-03-01T10:00")
    touch("m7", "D", "k4", "2026-03-05T10:00")
    at = {"o1": ("k1", "05T10:00", 100), "o2": ("k1", "07T10:00", 50), "o3": ("k2", "04T11:00", 10),
          "o4": ("k3", "06T10:00", 80), "o5": ("k3", "06T10:00:01", 70), "o6": ("k4", "05T10:00", 60)}  # fmt: skip
    for order, (customer, moment, amount) in at.items():
        recorded = {"campaign_id": "B"} if order in {"o1", "o6"} else {}
        shop.line(order, on=f"2026-03-{moment}", customer=customer, amount=amount, **recorded)
    return shop.table(TABLE)


def revenue(rows, model):
    found = dict.fromkeys("ABCD", 0.0)
    for campaign, weight, amount in rows.rows("campaign_id", model, "revenue"):
        found[campaign] += weight * float(amount)
    return [found[campaign] for campaign in "ABCD"]


def test_the_fixture_of_the_definition(credits):
    opens = credits.where(eligibility="open")
    assert revenue(opens, "last_touch") == [0, 10, 150, 150]
    assert revenue(opens, "first_touch") == [110, 50, 0, 150]
    assert revenue(opens, "linear") == pytest.approx([38.33, 63.33, 58.33, 150], abs=0.005)
    assert revenue(opens, "position_based") == pytest.approx([45, 50, 65, 150], abs=0.005)
    assert revenue(opens, "time_decay") == pytest.approx([33.9856, 59.5352, 66.4792, 150], abs=0.00005)
    assert revenue(opens, "as_recorded") == [0, 160, 0, 0]
    assert opens.where(order_id="o6").rows("campaign_id", "touches") == [("B", 0)], "a touch of the same second is none"


def test_a_delivered_message_is_a_touch_only_where_that_is_asked_for(credits, shop):
    assert set(credits.where(eligibility="click").frame["touches"]) == {0}
    shop.message("A", "k5", "delivered", at="2026-03-01T09:00").line("o7", on="2026-03-02", customer="k5", amount=5)
    # Nothing is said of C's deliveries: what was sent and did not bounce was delivered.
    for name in ("k6", "k7"):
        shop.message("C", name, "sent", at="2026-03-01T09:00").orders(name, "2026-03-02", amount=5)
    shop.message("C", "k7", "bounced", at="2026-03-01T09:01")
    found = shop.table(TABLE).where(touches=1)
    assert {"o7", "k6-1"} <= set(found.where(eligibility="delivered").frame["order_id"])
    assert not {"o7", "k6-1"} & set(found.where(eligibility="open").frame["order_id"])
    assert "k7-1" not in set(found.frame["order_id"])


def test_each_order_has_the_last_touch_of_a_message_before_it(credits, shop):
    """Clicked on the 1st and the 4th: the order of the 3rd goes by the first click, that of the 5th by the second."""
    shop.campaign("E", sent="2026-05-01", window_days=2)
    shop.message("E", "k8", "clicked", at="2026-05-01T09:00").message("E", "k8", "clicked", at="2026-05-04T09:00")
    shop.orders("k8", "2026-05-03", "2026-05-05", "2026-05-08")
    assert shop.table(TABLE).where(eligibility="click", campaign_id="E").rows("order_id", "touches", "time_decay") == [
        ("k8-1", 1, 1), ("k8-2", 1, 1),
    ]  # fmt: skip


def test_control_members_and_void_orders_have_no_credit_and_refunds_count_up_to_the_day(credits, shop):
    shop.campaign("F", sent="2026-06-01")
    for name in ("k9", "kA", "kB"):
        shop.message("F", name, "clicked", at="2026-06-01T09:00")
    shop.message("F", "k9", "assigned", at="2026-06-01T08:00", group_name="control")
    shop.orders("k9", "2026-06-02").orders("kA", "2026-06-02", status="void").orders("kB", "2026-06-02", amount=30)
    shop.refund("kB-1", on="2026-06-10", amount=12)
    found = {
        day: shop.table(TABLE, day)
        .where(eligibility="click", campaign_id="F")
        .rows("order_id", "order_value", "revenue")
        for day in ("2026-06-09", "2026-06-10")
    }
    assert found == {"2026-06-09": [("kB-1", 30, 30)], "2026-06-10": [("kB-1", 30, 18)]}
    assert shop.failing_checks(TABLE, "2026-06-10") == set()
