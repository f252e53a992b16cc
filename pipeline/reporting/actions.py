"""The ranked list of whom to act on, as the first page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.reporting import queries, words
from pipeline.reporting.facts import Facts, Report, audience_file


@dataclass(frozen=True)
class Action:
    """Somebody to write to: who, how many, what is at stake, what it may cost, and their file."""

    name: str
    label: str
    who: str
    advice: str
    customers: int
    counted: str
    value: str
    spend: str
    file: str
    """Address of their CSV, relative to the page."""


@dataclass(frozen=True)
class ActionList:
    """Actions with customers, those with most at stake first; `others` says of the rest why they are not there."""

    actions: tuple[Action, ...]
    others: str
    since: str = ""
    """What those who are new to an action are compared with; empty on the first snapshot."""

    @property
    def answer(self) -> str:
        if not self.actions:
            return "Nobody is in an action on this day."
        first = self.actions[0]
        stake = f", {first.value} at stake" if first.value != words.UNKNOWN else ""
        return f"{first.label}: {first.counted}{stake}. {first.advice}"


def action_list(report: Report, most: int) -> ActionList:
    rows = report.ask(queries.ACTIONS).to_dicts()
    found = [_action(report.facts, row) for row in rows if row["customers"]][:most]
    before = next((row["previous_snapshot_date"] for row in rows if row["previous_snapshot_date"]), None)
    return ActionList(tuple(found), _others(rows), f"New: not in it on {words.day(before)}." if before else "")


def _action(facts: Facts, row: Mapping[str, Any]) -> Action:
    return Action(
        name=row["action"],
        label=row["label"],
        who=row["who"],
        advice=row["advice"],
        customers=row["customers"],
        counted=_counted(row),
        value=words.UNKNOWN if row["value_at_stake"] is None else facts.money(row["value_at_stake"]),
        spend=_spend(facts, row),
        file=audience_file(facts, "actions", row["action"]),
    )


def _counted(row: Mapping[str, Any]) -> str:
    """'52 customers, 7 new'."""
    people = words.counted(row["customers"], "customer")
    return people if row["new_customers"] is None else f"{people}, {words.count(row['new_customers'])} new"


def _spend(facts: Facts, row: Mapping[str, Any]) -> str:
    """'at most €2.23 each (measured in part)'; without a margin, what is predicted is revenue, not all to be spent."""
    if row["most_to_spend"] is None:
        return "what may be spent on each is not known"
    if row["most_to_spend"] <= 0:
        return "no contact pays"
    each = facts.money(row["most_to_spend"])
    if str(row["cost_basis"]).startswith("measured"):
        return f"at most {each} each ({row['cost_basis']})"
    return f"{each} each" if facts.clv.margin is None else f"at most {each} each"


def _others(rows: Sequence[Mapping[str, Any]]) -> str:
    nobody = [row["label"] for row in rows if row["customers"] == 0]
    said = [f"Nobody today: {', '.join(nobody)}."] if nobody else []
    said += [f"Insufficient data for “{row['label']}”: it needs {row['needs']}." for row in rows if row["needs"]]
    return " ".join(said)
