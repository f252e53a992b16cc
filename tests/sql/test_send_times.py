"""marts.send_times: when customers come by themselves, and whose times are their own."""

import pytest
from shop import Shop, open_engine

from pipeline.settings import Settings

TABLE, FIT = "marts.send_times", "marts.preference_fit"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    home = tmp_path_factory.mktemp("times")
    with open_engine(Settings(home=home)) as engine:
        yield Shop(home, engine)


def visits(shop: Shop, customer: str, *hours: int, day: int = 1) -> None:
    for number, hour in enumerate(hours):
        shop.event(
            f"{customer} {day} {number}", "other", at=f"2026-06-{day + number:02d}T{hour:02d}:00", customer=customer
        )


def shares(rows, scope, dimension="daypart"):
    return sorted(
        rows.where(scope=scope, dimension=dimension).frame.select("id", "part", "n", "actions", "share", "rank").rows()
    )


def test_what_a_message_prompted_is_no_time_of_ones_own(shop):
    """Of anna's visits that of the 24 hours after her mail does not count, of bert's opens those of machines; cleo got
    mails at two hours only, and dora's third bounced. 2026-06-01 is a Monday."""
    shop.emptied()
    for at in ("2026-06-09T08:59", "2026-06-09T09:00", "2026-06-10T09:00", "2026-06-10T09:01", "2024-12-31T03:00"):
        shop.event(f"a {at}", "other", at=at, customer="anna")
    shop.event("guest", "other", at="2026-06-09T03:00").event("later", "other", at="2027-01-01T03:00", customer="anna")
    shop.message("c0", "anna", "sent", at="2026-06-09T09:00").message("c0", "anna", "delivered", at="2026-06-09T09:01")
    for name, hours in (("bert", (9, 12, 18)), ("cleo", (9, 9, 18)), ("dora", (9, 12, 18))):
        for number, hour in enumerate(hours):
            campaign = f"c{number}"
            shop.message(campaign, name, "sent", at=f"2026-06-0{number + 1}T{hour:02d}:00")
            is_back = name == "dora" and number == 2
            shop.message(
                campaign, name, "bounced" if is_back else "delivered", at=f"2026-06-0{number + 1}T{hour:02d}:01"
            )
            if not is_back:
                shop.message(campaign, name, "opened", at=f"2026-06-0{number + 1}T23:30", is_machine=number == 1)
                shop.message(campaign, name, "opened", at=f"2026-06-0{number + 1}T23:59", is_machine=number == 1)
    rows = shop.table(TABLE)
    assert shares(rows, "base") == [
        ("(all)", 2, 4, 1, 0.25, 2),
        ("(all)", 3, 4, 1, 0.25, 3),
        ("(all)", 7, 4, 2, 0.5, 1),
    ]
    assert [row[:4] for row in shares(rows, "contact")] == [
        ("anna", 2, 2, 1), ("anna", 3, 2, 1), ("anna", 7, 2, 0), ("bert", 7, 2, 2),
    ], "nobody differs: the likeliest part is that of all, and the parts one acted in stand beside it"  # fmt: skip
    assert [row[1:4] for row in shares(rows, "base", "weekday")] == [(0, 4, 1), (1, 4, 1), (2, 4, 2)]
    assert shares(rows, "segment") == [], "fewer than ten"
    assert shop.failing_checks(TABLE, "2026-12-31") == shop.failing_checks(FIT, "2026-12-31") == set()


def test_who_comes_at_a_time_of_their_own_has_most_of_it(shop):
    """A third each comes four times in part 3, in part 6, or twice in each: of 12 ordered pairs 12, 12 and 4 are alike.
    n0 comes 24 times: of 1,620 pairs 1,380 are alike, and of 380 actions 200 lie in part 3."""
    by_chance = (20**2 + 18**2) / 38**2
    weight = (1 - by_chance) / (1380 / 1620 - by_chance) - 1
    shop.emptied()
    for number in range(30):
        visits(shop, f"n{number}", 9, 10, 11, 9)
        visits(shop, f"e{number}", 18, 19, 20, 18)
        visits(shop, f"x{number}", 9, 18, 9, 18)
    visits(shop, "n0", *[10] * 20, day=9)
    rows = shop.table(TABLE)
    assert shares(rows.where(id="e1"), "contact") == [
        ("e1", 6, 4, 4, pytest.approx((4 + weight * 18 / 38) / (4 + weight)), 1)
    ]
    assert rows.where(id="n0", dimension="daypart").rows("n", "differs") == [(24, True)]
    assert rows.where(id="e1", dimension="daypart").rows("differs") == [(None,)], "four actions tell nothing"
    assert shop.show(FIT, "2026-12-31").where(preference="daypart").rows("level", "differs") == [
        ("customer", True), ("segment", False),
    ]  # fmt: skip
    assert shares(rows, "segment")[0][:4] == ("(none)", 3, 380, 200)


def test_segments_that_differ_have_times_of_their_own_and_their_customers_with_them(shop):
    """Those who bought lately come in part 3, the others in part 6: within a segment nobody differs."""
    shop.emptied()
    for number in range(20):
        shop.orders(f"n{number}", "2026-12-20", "2026-12-28").orders(f"o{number}", "2024-03-03")
        visits(shop, f"n{number}", 9, 10)
        visits(shop, f"o{number}", 18, 19)
    rows = shop.table(TABLE)
    assert shop.show(FIT, "2026-12-31").where(preference="daypart").rows("level", "rho", "prior_weight") == [
        ("customer", None, None), ("segment", 1.0, 0.0),
    ]  # fmt: skip
    of_segments = shares(rows, "segment")
    assert sorted(row[1:5] for row in of_segments if row[3]) == [(3, 40, 40, 1.0), (6, 40, 40, 1.0)]
    assert shares(rows.where(id="o3"), "contact") == [("o3", 6, 2, 2, 1.0, 1)]
    assert rows.where(scope="segment").frame["differs"].null_count() == rows.where(scope="segment").frame.height
