"""The first page in short: what changed, how the shop does, who to act on. Page, terminal and digest say the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from pipeline.reporting import words
from pipeline.reporting.actions import ActionList, action_list
from pipeline.reporting.attention import data_ended
from pipeline.reporting.facts import Facts, Report
from pipeline.reporting.quality import Quality, quality_of

MOST_ACTIONS = 10

BRIDGE = """
SELECT term, status, amount, opening_on
FROM marts.value_bridge
WHERE snapshot_date = $snapshot_date
ORDER BY place
"""
LAST_MONTH = """
WITH months AS (
  SELECT *, max(starts_on) FILTER (WHERE is_complete) OVER () AS last_whole
  FROM marts.kpis
  WHERE snapshot_date = $snapshot_date AND period_kind = 'month' AND kpi = 'revenue'
)
SELECT starts_on, value, previous_value, year_earlier_value
FROM months
WHERE starts_on = last_whole
"""


@dataclass(frozen=True)
class Answer:
    """A question of the first screen, answered in a sentence or two."""

    question: str
    text: str


class Week:
    """What the first page says; each part is asked for when it is needed."""

    def __init__(self, report: Report) -> None:
        self._report = report

    @cached_property
    def answers(self) -> list[Answer]:
        return [
            Answer("What changed?", f"{self.changed} {parts_sentence(self._report.facts, self._bridge)}".strip()),
            Answer("How does the shop do?", self.shop),
            Answer("Who to act on first?", self.todo.answer),
        ]

    @cached_property
    def changed(self) -> str:
        """What became of the predicted value of all customers in 30 days."""
        return changed_sentence(self._report.facts, self._bridge)

    @cached_property
    def _bridge(self) -> list[dict[str, Any]]:
        return self._report.ask(BRIDGE).to_dicts()

    @cached_property
    def shop(self) -> str:
        """The last whole month beside the one before and that of the year before."""
        rows = self._report.ask(LAST_MONTH).to_dicts()
        ended = data_ended(self._report.ask, self._report.facts.snapshot_date)
        return shop_sentence(self._report.facts, rows[0] if rows else None, ended)

    @cached_property
    def todo(self) -> ActionList:
        return action_list(self._report, MOST_ACTIONS)

    @cached_property
    def quality(self) -> Quality:
        return quality_of(self._report)


def changed_sentence(facts: Facts, bridge: list[dict[str, Any]]) -> str:
    if facts.is_empty:
        return f"Nobody had bought by the end of {words.day(facts.snapshot_date)}."
    if not bridge or bridge[0]["status"] != "ok":
        return "What customers will be worth cannot be predicted yet: too little is known of them."
    amounts, since = _amounts(bridge), words.day(bridge[0]["opening_on"])
    opening, closing = amounts["opening"], amounts["closing"]
    if closing == opening:
        return f"Customers are predicted to spend {facts.money(closing)}, as on {since}."
    by = f"{facts.money(abs(closing - opening))} {'more' if closing > opening else 'less'}"
    return f"Customers are predicted to spend {facts.money(closing)}, {by} than on {since}."


_OTHER_CHANGES = {
    "ageing": "time passing", "re-estimation": "new estimates", "erased": "customers who are gone"
}  # fmt: skip
"""What changes predicted value besides what customers do: terms of `marts.value_bridge` in words."""


def parts_sentence(facts: Facts, bridge: list[dict[str, Any]]) -> str:
    """What that change is made of; empty where it is not known."""
    if not bridge or bridge[0]["status"] != "ok":
        return ""
    amounts = _amounts(bridge)
    gained, lost = amounts["new"] + amounts["upward"], amounts["downward"] + amounts["to inactive"]
    others = {cause: amounts.get(term, Decimal(0)) for term, cause in _OTHER_CHANGES.items()}
    rest, causes = sum(others.values(), Decimal(0)), words.listed([cause for cause, amount in others.items() if amount])
    way = "added" if rest > 0 else "took"
    return (
        f"{facts.money(gained)} came with new customers and those who came back or bought again, "
        f"{facts.money(abs(lost))} went with those who slowed down or lapsed"
        f"{f'; {causes} {way} {facts.money(abs(rest))}' if rest else ''}."
    )


def _amounts(bridge: list[dict[str, Any]]) -> Mapping[str, Decimal]:
    return {row["term"]: row["amount"] or Decimal(0) for row in bridge}


def shop_sentence(facts: Facts, month: Mapping[str, Any] | None, ended: dt.date | None = None) -> str:
    """`ended`: the last day with an order, if the data end there; a month beyond that is compared with none."""
    if month is None:
        return "There is no whole month yet."
    if ended is not None and ended < month["starts_on"]:
        return f"Nothing is known of {month['starts_on']:%B %Y}: the orders end on {words.day(ended)}."
    if ended is not None and ended < _last_day(month["starts_on"]):
        brought = f"{month['starts_on']:%B %Y} brought {facts.money(month['value'])}"
        return f"The orders end on {words.day(ended)}; until then {brought}, which is not the whole month."
    told = f"{month['starts_on']:%B %Y} brought {facts.money(month['value'])}"
    others = [
        f"{_against(month['value'], before)} {first:%B %Y}"
        for first, before in _earlier(month)
        if before is not None and before > 0
    ]
    return f"{told}, {' and '.join(others)}." if others else f"{told}; there is no whole month to compare it with."


def _last_day(first: dt.date) -> dt.date:
    return (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)


def _earlier(month: Mapping[str, Any]) -> list[tuple[dt.date, Any]]:
    first: dt.date = month["starts_on"]
    before = (first - dt.timedelta(days=1)).replace(day=1)
    return [(before, month["previous_value"]), (first.replace(year=first.year - 1), month["year_earlier_value"])]


def _against(now: Any, before: Any) -> str:
    change = float(now) / float(before) - 1
    if abs(change) < 0.0005:
        return "as much as"
    return f"{words.percent(abs(change))} {'more' if change > 0 else 'less'} than"
