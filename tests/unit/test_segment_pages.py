"""Segments: what their pages say, from rows made up by hand."""

import datetime as dt
from typing import Any

import pytest

from pipeline.reporting.sentences.segments import (
    claim_sentence,
    days_ago,
    from_to,
    segment_flow_sentence,
    segment_rule,
    stage_mix,
)

THEN = dt.date(2026, 5, 31)


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{WORD JOINER}", "")


def people(claim: str | None, first_time: int, active: int, defecting: int, inactive: int) -> dict[str, Any]:
    stages = {"first_time": first_time, "active": active, "defecting": defecting, "inactive": inactive}
    return {"claim": claim, "customers": sum(stages.values()), **stages}


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (people("recent", 0, 1, 0, 1), "The description does not fit 50"),
        (people("recent", 1, 1, 0, 1), ""),
        (people("long ago", 0, 1, 1, 0), "The description does not fit 50"),
        (people("long ago", 0, 1, 1, 1), ""),
        (people(None, 0, 0, 0, 4), ""),
        (people("recent", 0, 0, 0, 0), ""),
    ],
)
def test_a_text_that_does_not_hold_for_half_of_a_segment_is_warned_of(row: dict[str, Any], sentence: str) -> None:
    assert claim_sentence(row).startswith(sentence) and bool(claim_sentence(row)) == bool(sentence)


def test_stages_that_nobody_is_in_are_not_told() -> None:
    assert stage_mix(people(None, 0, 3, 1, 0)).replace("\N{NO-BREAK SPACE}", "") == "Active 75.0%, lapsing 25.0%."


def test_ranges_in_words() -> None:
    assert [days_ago(0, 0), days_ago(1, 1), days_ago(36, 1258)] == ["today", "1 day ago", "36–1,258 days ago"]
    assert [from_to(1, 1, "day"), from_to(4, 60, "day")] == ["1 day", "4–60 days"]


def test_the_rule_of_a_segment_in_words() -> None:
    # A score of 5 has four fifths or more behind it, a score of 1 less than one fifth.
    loyal = [{"r_from": 3, "r_to": 4, "f_from": 4, "f_to": 5}]
    assert segment_rule(loyal) == (
        "The rule: of all customers, 40–80% ordered longer ago than they and 60% or more on fewer days."
    )
    lost = [{"r_from": 1, "r_to": 2, "f_from": 1, "f_to": 5}, {"r_from": 3, "r_to": 3, "f_from": 1, "f_to": 1}]
    assert segment_rule(lost) == (
        "The rule: of all customers, fewer than 40% ordered longer ago than they and any share on fewer days; or "
        "40–60% ordered longer ago than they and fewer than 20% on fewer days."
    )


def test_who_moved_without_doing_anything_is_told() -> None:
    def flow(way: str, customers: int, aged: int = 0, by_limits: int = 0) -> dict[str, Any]:
        return {"way": way, "customers": customers, "aged": aged, "by_limits": by_limits}

    assert segment_flow_sentence([flow("better", 2), flow("worse", 3, aged=3), flow("same", 9)], THEN) == (
        "Since 31 May 2026, 2 customers moved up and 3 down (all because they have not ordered since)."
    )
    assert segment_flow_sentence([flow("worse", 3, aged=1), flow("entered", 1)], THEN) == (
        "Since 31 May 2026, 0 customers moved up and 3 down (1 because they have not ordered since). 1 is new."
    )
    both = [flow("better", 2, by_limits=2), flow("worse", 3, aged=1), flow("worse", 4, by_limits=2)]
    assert segment_flow_sentence(both, THEN) == (
        "Since 31 May 2026, 2 customers moved up (all only because the limits between scores moved) and 7 down "
        "(1 because they have not ordered since, 2 only because the limits between scores moved)."
    )
    assert segment_flow_sentence([flow("same", 4)], THEN) == "Nobody moved since 31 May 2026."
