"""marts.channel_attribution: orders ascribed to channels of visits, together never more than there are."""

from decimal import Decimal

import pytest
from shop import Shop, open_engine

from pipeline.settings import Settings

TABLE = "marts.channel_attribution"
SEARCH, MAIL, AD = ({"source": "google", "medium": "organic"}, {"source": "News", "medium": "EMAIL "},
                    {"source": "google", "medium": "cpc"})  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    home = tmp_path_factory.mktemp("attribution")
    with open_engine(Settings(home=home)) as engine:
        yield Shop(home, engine)


@pytest.fixture(scope="module")
def attribution(shop):
    """anna comes by search (10 days before), mail (7) and mail (the same day), orders for 100, and 10 come back.

    bert comes by an ad 30 days before he orders for 50; another ad was 31 days before, one in the second of the order.
    cleo's visit by search leads to nothing; a guest orders for 7 by mail, and cleo's order is cancelled.
    """
    shop.event("a1", "other", at="2026-03-01T10:00", customer="anna", **SEARCH)
    shop.event("a2", "other", at="2026-03-04T10:00", customer="anna", **MAIL)
    shop.event("a3", "other", at="2026-03-11T10:00", customer="anna", **MAIL)
    shop.event("a3", "purchase", at="2026-03-11T12:00", customer="anna", **MAIL)
    shop.orders("anna", "2026-03-11T12:00", amount=100, **AD).refund("anna-1", on="2026-03-20", amount=10)
    for number, at in enumerate(("2026-02-28T23:00", "2026-03-01T01:00", "2026-03-31T00:00")):
        shop.event(f"b{number}", "other", at=at, customer="bert", **AD)
    shop.orders("bert", "2026-03-31", amount=50)
    shop.event("c1", "other", at="2026-03-01T10:00", customer="cleo", **SEARCH)
    shop.orders("cleo", "2026-03-02", amount=20, status="void")
    shop.event("g1", "other", at="2026-03-01T10:00", **MAIL).orders(None, "2026-03-02", amount=7, **MAIL)
    return shop.table(TABLE, "2026-03-31")


def test_by_hand(attribution):
    """Time decay: anna's visits weigh 2^(−10/7), 2^(−7/7) and 1."""
    columns = ("channel", "conversions", "revenue_exact")

    def rows(model):
        return attribution.where(model=model).rows(*columns)

    none = ("(none)", 1, 7)
    nothing = ("unknown", 0, 0)  # what bert's order is recorded as
    assert rows("last_touch") == [none, ("email", 1, 90), ("organic_search", 0, 0), ("paid_search", 1, 50), nothing]
    assert rows("first_touch") == [none, ("email", 0, 0), ("organic_search", 1, 90), ("paid_search", 1, 50), nothing]
    assert rows("after_action") == [none, ("email", 1, 90), ("organic_search", 1, 90), ("paid_search", 1, 50), nothing]
    assert rows("as_recorded") == [
        ("(none)", 0, 0), ("email", 1, 7), ("organic_search", 0, 0), ("paid_search", 1, 90), ("unknown", 1, 50),
    ]  # fmt: skip
    weight = 2 ** (-10 / 7)
    for model, share in (("linear", 1 / 3), ("position_based", 0.4), ("time_decay", weight / (weight + 1.5))):
        found = attribution.where(model=model)
        expected = {"(none)": 1, "email": 1 - share, "organic_search": share, "paid_search": 1, "unknown": 0}
        assert found.by("channel", "conversions") == pytest.approx(expected)
        brought = {
            "(none)": 7,
            "email": 90 * (1 - share),
            "organic_search": 90 * share,
            "paid_search": 50,
            "unknown": 0,
        }
        assert found.by("channel", "revenue") == pytest.approx(brought)
        assert set(found.frame["revenue_exact"]) == {None}


def test_paths_with_and_without_an_order(attribution):
    """bert's visits of February 28 and of the second of his order are a path of their own: 31 days lie between them."""
    assert attribution.where(model="linear").rows("channel", "paths", "paths_without_order") == [
        ("(none)", 1, None), ("email", 1, 0), ("organic_search", 1, 1), ("paid_search", 1, 2), ("unknown", 0, 0),
    ]  # fmt: skip


def test_everything_is_marked_as_ascribed_and_what_must_not_be_added_up(attribution, shop):
    assert set(attribution.frame["causal_status"]) == {"attributed, not causal"}
    assert set(attribution.where(is_additive=False).frame["model"]) == {"after_action"}
    assert not {"markov1", "shapley"} & set(attribution.frame["model"]), "two paths with an order are too few"
    assert shop.failing_checks(TABLE, "2026-03-31") == set()


def test_what_comes_after_the_day_does_not_count(shop, attribution):
    rows = shop.table(TABLE, "2026-03-19")
    assert rows.where(model="last_touch", channel="email").rows("conversions", "revenue_exact") == [(1, 100)]
    assert rows.where(model="last_touch", channel="paid_search").rows("conversions", "paths_without_order") == [(0, 1)]


def test_the_checks_find_an_order_that_was_given_away_twice(shop, attribution):
    shop.table(TABLE, "2026-03-31")
    shop.engine.execute(
        f"UPDATE {TABLE} SET conversions = conversions + 1 WHERE channel = 'email' AND model = 'last_touch'"
    )
    assert shop.failing_checks(TABLE, "2026-03-31") == {
        "no_order_is_given_away_twice", "no_channel_has_more_than_its_paths",
    }  # fmt: skip
    shop.engine.execute(f"UPDATE {TABLE} SET revenue = revenue + 1 WHERE channel = '(none)' AND model = 'linear'")
    shop.engine.execute(f"UPDATE {TABLE} SET conversions = 1 WHERE channel = 'email' AND model = 'last_touch'")
    assert shop.failing_checks(TABLE, "2026-03-31") == {"no_order_is_given_away_twice"}


def test_without_visits_of_customers_there_are_no_rows(tmp_path):
    with open_engine(Settings(home=tmp_path)) as engine:
        shop = Shop(tmp_path, engine).orders("anna", "2026-03-02").event("g1", "other", at="2026-03-01", **MAIL)
        assert len(shop.table(TABLE, "2026-03-31")) == 0


@pytest.mark.parametrize(("each", "lost", "told"), [(500, 500, True), (499, 500, False), (500, 0, False)])
def test_chains_and_games_are_told_from_a_thousand_paths_on(tmp_path, each, lost, told):
    """Paths ad; ad, mail with an order of 10 each, and mail without: removals 3/4 and 1/2, as worked for the chain."""
    with open_engine(Settings(home=tmp_path)) as engine:
        shop = Shop(tmp_path, engine)
        for number in range(each):
            shop.event(f"a{number}", "other", at="2026-03-01", customer=f"a{number}", **AD)
            shop.event(f"b{number}", "other", at="2026-03-01", customer=f"b{number}", **AD)
            shop.event(f"m{number}", "other", at="2026-03-02", customer=f"b{number}", **MAIL)
            shop.orders(f"a{number}", "2026-03-03").orders(f"b{number}", "2026-03-03")
        for number in range(lost):
            shop.event(f"c{number}", "other", at="2026-03-01", customer=f"c{number}", **MAIL)
        shop.orders("without a visit", "2026-03-03", amount=1)
        rows = shop.table(TABLE, "2026-03-31")
        assert shop.failing_checks(TABLE, "2026-03-31") == set()
    shown = ("channel", "conversions", "revenue", "removal")
    unknown = ("unknown", 0, 0, None)
    assert rows.where(model="markov1").rows(*shown) == (
        [("(none)", 1, 1, None), ("email", 400, 4000, 0.5), ("paid_search", 600, 6000, 0.75), unknown] if told else []
    )
    assert rows.where(model="shapley").rows(*shown) == (
        [("(none)", 1, 1, None), ("email", 250, 2500, None), ("paid_search", 750, 7500, None), unknown] if told else []
    )
    assert rows.where(model="last_touch", channel="(none)").one("revenue_exact") == Decimal(1)
