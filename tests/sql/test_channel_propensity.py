"""marts.channel_propensity and marts.preference_fit: by which channel a customer is likely to order, if they differ."""

import pytest
from shop import Shop, open_engine

from pipeline.settings import Settings

TABLE, FIT = "marts.channel_propensity", "marts.preference_fit"
SEARCH, MAIL = {"source": "google", "medium": "cpc"}, {"source": "newsletter", "medium": "email"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    home = tmp_path_factory.mktemp("propensity")
    with open_engine(Settings(home=home)) as engine:
        yield Shop(home, engine)


def halves(shop: Shop, own: int, mixed: int) -> Shop:
    """Customers with two orders each: `own` both by search, as many both by mail, `mixed` one by each."""
    shop.emptied()
    for number in range(own):
        shop.orders(f"s{number}", "2026-01-10", "2026-02-10", **SEARCH)
        shop.orders(f"m{number}", "2026-01-10", "2026-02-10", **MAIL)
    for number in range(mixed):
        shop.orders(f"x{number}", "2026-01-10", **SEARCH).orders(f"x{number}", "2026-02-10", **MAIL)
    return shop


def test_who_differs_keeps_a_part_of_their_own(shop):
    """60, 60 and 40 customers: of 320 ordered pairs 240 are alike, by chance half: rho = (3/4 - 1/2) / (1 - 1/2) = 1/2,
    one order at the base counts beside a customer's own: (2 + 1/2) / 3."""
    halves(shop, own=60, mixed=40)
    shop.orders("x0", "2024-12-31", **SEARCH)  # 730 days ago
    shop.orders("x1", "2026-12-30", sales_channel="web")  # nobody recorded where it came from
    shop.orders("x2", "2027-01-01", **SEARCH).orders(None, "2026-03-01", **SEARCH)
    shop.consent("m0", "granted", on="2026-12-31").consent("m1", "granted", on="2027-01-01")
    rows = shop.table(TABLE)
    columns = ("channel", "n", "orders", "share", "base_share", "rank", "is_consented")
    assert rows.where(customer_id="(all)").rows(*columns) == [
        ("email", 320, 160, 0.5, 0.5, 1, None), ("paid_search", 320, 160, 0.5, 0.5, 2, None),
    ]  # fmt: skip
    assert rows.where(customer_id="m0").rows(*columns) == [("email", 2, 2, 0.8333333333, 0.5, 1, True)]
    assert rows.where(customer_id="m1").rows("is_consented") == [(False,)]
    assert rows.where(customer_id="s0").rows(*columns) == [("paid_search", 2, 2, 0.8333333333, 0.5, 1, None)]
    assert rows.where(customer_id="x0").rows(*columns) == [
        ("email", 2, 1, 0.5, 0.5, 1, False), ("paid_search", 2, 1, 0.5, 0.5, 2, None),
    ]  # fmt: skip
    assert set(rows.frame["prior_weight"]) == {1.0} and set(rows.frame["rho"]) == {0.5}
    fit = shop.show(FIT, "2026-12-31").where(preference="order_channel")
    assert fit.rows("level", "customers", "events", "differs") == [("customer", 160, 320, True)]
    assert 5 < fit.one("z") < 10
    assert shop.failing_checks(TABLE, "2026-12-31") == shop.failing_checks(FIT, "2026-12-31") == set()


def test_customers_who_do_not_differ_have_the_base_and_the_likeliest_channel_need_not_be_theirs(shop):
    """Half of the pairs are alike, as by chance; then a third order of everybody by search makes two thirds search."""
    halves(shop, own=40, mixed=80)
    for name in (
        *(f"{kind}{number}" for kind in "sm" for number in range(40)),
        *(f"x{number}" for number in range(80)),
    ):
        shop.orders(name, "2026-03-10", **SEARCH)
    rows = shop.table(TABLE)
    assert set(rows.frame["prior_weight"]) == {None}
    assert shop.show(FIT, "2026-12-31").where(preference="order_channel").one("differs") is False
    assert rows.where(customer_id="m0").rows("channel", "orders", "share", "rank") == [
        ("email", 2, 0.3333333333, 2), ("paid_search", 1, 0.6666666667, 1),
    ]  # fmt: skip


def test_one_order_does_not_outweigh_what_holds_for_all(shop):
    """With one order at the base beside it (rho = 1/2), a single order by a rare channel decides; with nearly three
    (rho = 2 · 120/190 - 1), the likeliest channel is none of the customer's own."""
    halves(shop, own=60, mixed=40)
    shop.orders("once", "2026-05-05", source="awin", medium="affiliate")
    rows = shop.table(TABLE).where(customer_id="once")
    assert rows.where(rank=1).one("channel") == "affiliate"
    halves(shop, own=60, mixed=70)
    shop.orders("once", "2026-05-05", source="awin", medium="affiliate")
    rows = shop.table(TABLE).where(customer_id="once")
    assert rows.rows("channel", "orders", "rank") == [("affiliate", 1, 3), ("email", 0, 1)]
