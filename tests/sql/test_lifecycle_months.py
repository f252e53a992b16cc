"""marts.lifecycle_months: who moved in which month, by hand."""

import random
from collections import Counter

from shop import days_before

MONTHS, DAY = "marts.lifecycle_months", "2026-12-31"


def test_moves_and_revenue_of_three_months(shop):
    # Limits 60 and 200. Anna bought 95 and 40 days ago, for 10 each: 90 days ago 5 days silent, a first-time customer;
    # 60 days ago 35 days silent; 30 days ago a repeat customer, 10 days silent, so active; now 40 days silent, still
    # active. Bert bought 50 days ago, and got 4 back 20 days ago. Cleo registered 70 days ago and bought 5 days ago.
    shop.with_settings(lifecycle={"defecting_days": 60, "inactive_days": 200})
    shop.orders("anna", days_before(95), days_before(40), amount=10).orders("bert", days_before(50), amount=10)
    shop.refund("bert-1", on=days_before(20), amount=4)
    shop.registered("cleo", on=days_before(70)).orders("cleo", days_before(5), amount=30)
    found = shop.table(MONTHS)
    assert sorted(found.rows("months_ago", "from_stage", "to_stage", "customers", "revenue")) == [
        (1, "active", "active", 1, 0),
        (1, "first-time", "first-time", 1, -4),
        (1, "lead", "first-time", 1, 30),
        (2, "first-time", "active", 1, 10),
        (2, "lead", "lead", 1, 0),
        (2, "none", "first-time", 1, 10),
        (3, "first-time", "first-time", 1, 0),
        (3, "none", "lead", 1, 0),
    ]
    assert [str(day) for day in found.where(months_ago=3).rows("begins_after", "ends_on")[0]] == [
        days_before(90), days_before(60),
    ]  # fmt: skip


def test_the_last_month_is_that_of_the_transitions(shop):
    shop.with_settings(lifecycle={"defecting_days": 20, "inactive_days": 50})
    for number in range(40):
        shop.orders(f"c{number}", days_before(100), days_before(99 - 2 * number), days_before(3 + number))
    shop.registered("l0", on=days_before(40))
    moves = shop.table("marts.lifecycle_transitions").where(horizon_days=30)
    by_move = {
        (origin, target): n for origin, target, n in moves.rows("from_stage", "to_stage", "customers") if n
    }  # fmt: skip
    months = shop.table(MONTHS).where(months_ago=1)
    assert {(a, b): n for a, b, n in months.rows("from_stage", "to_stage", "customers")} == by_move
    assert len(by_move) > 3


def test_every_month_is_as_the_days_of_each_customer_tell(shop):
    """Sixty customers of 1,000 days: many occasions in a month, none for years, registered before, after or never."""
    draw, defecting, inactive = random.Random(7), 45, 120
    shop.with_settings(lifecycle={"defecting_days": defecting, "inactive_days": inactive})
    bought = {f"c{n}": {draw.randrange(1000) for _ in range(draw.choice((0, 1, 1, 2, 5, 30)))} for n in range(60)}
    registered = {name: draw.randrange(1000) for name in bought if not bought[name] or draw.random() < 0.5}
    for name, days in bought.items():
        if days:
            shop.orders(name, *(days_before(ago) for ago in sorted(days, reverse=True)))
        if name in registered:
            shop.registered(name, on=days_before(registered[name]))

    def stage(name, ago):
        """Where the customer stood so many days ago."""
        until = [day for day in bought[name] if day >= ago]
        if not until:
            return "lead" if registered.get(name, -1) >= ago else "none"
        silent = min(until) - ago
        fresh = "first-time" if len(until) == 1 else "active"
        return "inactive" if silent >= inactive else "defecting" if silent >= defecting else fresh

    expected = Counter(
        (month, stage(name, 30 * month), stage(name, 30 * (month - 1))) for month in range(1, 25) for name in bought
    )
    found = shop.table(MONTHS).rows("months_ago", "from_stage", "to_stage", "customers")
    assert {row[:3]: row[3] for row in found} == {key: n for key, n in expected.items() if key[2] != "none"}
