"""This week: what changed and how the shop does, in a sentence each."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from shop import Shop
from test_reporting import RUN, plain

from pipeline.reporting.facts import Facts, read_report
from pipeline.reporting.week import Week, changed_sentence, parts_sentence, shop_sentence
from pipeline.tables.catalog import tables

DAY = dt.date(2026, 6, 30)


@pytest.fixture
def facts(shop: Shop) -> Facts:
    shop.orders("anna", "2026-06-01").snapshot(str(DAY))
    return read_report(shop.engine.read, DAY, tables(), RUN).facts


def bridge(status: str = "ok", **amounts: int | None) -> list[dict[str, Any]]:
    terms = {"opening": 0, "new": 0, "upward": 0, "downward": 0, "to inactive": 0, "closing": 0, **amounts}
    since = dt.date(2026, 5, 31)
    return [
        {"term": term, "status": status, "amount": amount and Decimal(amount), "opening_on": since}
        for term, amount in terms.items()
    ]


@pytest.mark.parametrize(
    ("opening", "closing", "told"),
    [
        (10_000, 12_500, "€12,500, €2,500 more than on 31 May 2026."),
        (12_500, 10_000, "€10,000, €2,500 less than on 31 May 2026."),
        (10_000, 10_000, "€10,000, as on 31 May 2026."),
    ],
)
def test_what_changed_is_the_predicted_value(facts: Facts, opening: int, closing: int, told: str) -> None:
    said = plain(changed_sentence(facts, bridge(opening=opening, closing=closing)))
    assert said == f"Customers are predicted to spend {told}"


def test_gains_and_losses_are_told_apart(facts: Facts) -> None:
    terms = {"new": 3000, "upward": 500, "downward": -400, "to inactive": -1600}
    told = (
        "€3,500 came with new customers and those who came back or bought again, €2,000 went with those who slowed "
        "down or lapsed"
    )
    assert plain(parts_sentence(facts, bridge(**terms))) == f"{told}."


def test_the_parts_add_up_to_what_changed(facts: Facts) -> None:
    parts = bridge(new=3000, ageing=-1500, **{"re-estimation": 200})
    said = plain(parts_sentence(facts, parts))
    assert said.endswith("; time passing and new estimates took €1,300.")
    assert plain(parts_sentence(facts, bridge(erased=7))).endswith("; customers who are gone added €7.00.")


@pytest.mark.parametrize("rows", [[], bridge("insufficient data", opening=None, closing=None)])
def test_what_is_not_predicted_is_not_told(facts: Facts, rows: list[dict[str, Any]]) -> None:
    assert changed_sentence(facts, rows).startswith("What customers will be worth cannot be predicted yet")
    assert parts_sentence(facts, rows) == ""


def month(value: int, before: int | None, year_before: int | None) -> dict[str, Any]:
    return {
        "starts_on": dt.date(2026, 3, 1), "value": value, "previous_value": before, "year_earlier_value": year_before,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            month(1200, 1000, 1500),
            "March 2026 brought €1,200, 20.0% more than February 2026 and 20.0% less than March 2025.",
        ),
        (month(1000, 1000, None), "March 2026 brought €1,000, as much as February 2026."),
        (month(1000, 0, None), "March 2026 brought €1,000; there is no whole month to compare it with."),
        (month(1000, None, 500), "March 2026 brought €1,000, 100.0% more than March 2025."),
        (None, "There is no whole month yet."),
    ],
)  # fmt: skip
def test_the_last_month_stands_beside_the_one_before_and_the_year_before(
    facts: Facts, row: dict[str, Any] | None, said: str
) -> None:
    assert plain(shop_sentence(facts, row)) == said


def test_a_month_that_the_data_do_not_reach_is_compared_with_none(facts: Facts) -> None:
    march = month(5, 10, 10)
    assert plain(shop_sentence(facts, march, dt.date(2026, 3, 31))) == plain(shop_sentence(facts, march))
    said = [plain(shop_sentence(facts, march, ended)) for ended in (dt.date(2026, 3, 22), dt.date(2026, 2, 28))]
    assert said == [
        "The orders end on 22 March 2026; until then March 2026 brought €5.00, which is not the whole month.",
        "Nothing is known of March 2026: the orders end on 28 February 2026.",
    ]


def test_the_year_before_january_is_the_year_before(facts: Facts) -> None:
    said = shop_sentence(facts, month(5, 5, 5) | {"starts_on": dt.date(2026, 1, 1)})
    assert "December 2025" in said and "January 2025" in said


def test_a_shop_without_orders_has_a_first_page(shop: Shop) -> None:
    shop.snapshot(str(DAY))
    week = Week(read_report(shop.engine.read, DAY, tables(), RUN))
    assert [one.text for one in week.answers] == [
        "Nobody had bought by the end of 30 June 2026.",
        "There is no whole month yet.",
        "Nobody is in an action on this day.",
    ]
    assert week.quality.short == "No data yet"
