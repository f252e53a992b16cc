"""What is handed over: who was left out of each audience with terms, and why; and who agrees to what, day by day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.reporting import charts, words
from pipeline.reporting.components import Chart, Field, Figure, Linked, Missing, Nothing, Of, TableCard, View, grid
from pipeline.reporting.facts import CONSENT_STATES, Coverage, HandedOver, Report

_CHANGES = (
    " Came and taken off: addresses that are on the list for a tool and were not the day before, and those that it is "
    "told to remove."
)
_NOBODY_ASKED = (
    "No audience has terms yet: its file holds the ids of all its members, whether they agreed or not. With terms, who "
    "did not agree is left out, and a file is written as each tool wants it."
)


_CHANNELS = {"email": "e-mail", "sms": "SMS"}


@dataclass(frozen=True)
class _Said:
    """A column that is there where anything is known for it; before or behind the counts."""

    field: Field
    of: Callable[[HandedOver], Any]
    is_before: bool = False

    def shown(self, one: HandedOver) -> Any:
        told = self.of(one)
        return Missing("–") if told is None else told


def _value(one: HandedOver) -> Of | None:
    return None if one.value is None else Of(one.value, "money" if one.is_money else "number")


_SAID = (
    _Said(
        Field("channel", "Channel"),
        lambda one: ", ".join(_CHANNELS.get(channel, channel) for channel in one.channels) or None,
        is_before=True,
    ),
    _Said(Field("value", "Value", "mixed"), _value),
    _Said(Field("added", "Came", "count"), lambda one: one.changes and one.changes[0]),
    _Said(Field("removed", "Taken off", "count"), lambda one: one.changes and one.changes[1]),
    _Said(Field("sent_on", "Last sent elsewhere", "date"), lambda one: one.sent_on),
)


def handed_over(report: Report) -> TableCard | Nothing:
    """A row for each audience and platform; the steps that took anybody are columns, so that the counts add up."""
    told = report.handed_over
    if not told:
        return Nothing(_NOBODY_ASKED)
    steps = [step for step in told[0].steps if step != "delivered"]
    taken = [step for step in steps if any(one.steps.get(step) for one in told)]
    said = [field for field in _SAID if any(field.of(one) is not None for one in told)]
    fields = [
        Field("audience", "Audience"), Field("for", "For"), *(one.field for one in said if one.is_before),
        Field("members", "Members", "count"),
        *(Field(step, step.replace("_", " ").capitalize(), "count") for step in taken),
        Field("delivered", "In the file", "count"), *(one.field for one in said if not one.is_before),
        Field("file", "File"),
    ]  # fmt: skip
    rows = [
        (
            one.audience, (one.platform or "ids only").replace("_", " "),
            *(field.shown(one) for field in said if field.is_before), sum(one.steps.values()),
            *(one.steps.get(step, 0) for step in taken), one.steps["delivered"],
            *(field.shown(one) for field in said if not field.is_before), _file(one),
        )
        for one in told
    ]  # fmt: skip
    audiences = words.counted(len({one.audience for one in told}), "audience")
    return TableCard(
        id="handed-over",
        title="Audiences with terms",
        sentence=_sentence(told),
        grid=grid("Who was left out of each audience, step by step", fields, rows),
        basis=f"n = {audiences} · consent up to {words.day(report.facts.snapshot_date)}",
        note="Each step takes of those whom the steps to its left have left; the counts add up to the members."
        + (_CHANGES if any(one.changes for one in told) else ""),
    )


def _sentence(told: Sequence[HandedOver]) -> str:
    for_tools = [one for one in told if one.platform]
    rows = sum(one.steps["delivered"] for one in for_tools)
    if not for_tools:
        return "No tool is given a file; the files of ids leave out who must not be written to."
    empty = sum(not one.steps["delivered"] for one in for_tools)
    none = (
        f" {words.counted(empty, 'file')} would have been empty, and {'is' if empty == 1 else 'are'} not there."
        if empty
        else ""
    )
    return f"{words.counted(len(for_tools) - empty, 'file')} for tools with {words.counted(rows, 'row')} in all.{none}"


def _file(one: HandedOver) -> str:
    """Its file, or the first of them."""
    if not one.files:
        return "none"
    name = one.files[0].rsplit("/", 1)[-1]
    more = len(one.files) - 1
    return Linked.to_file(f"../../../{one.files[0]}", f"{name} and {words.count(more)} more" if more else name)


_COLOURS = (charts.ACCENT, *charts.PART_COLOURS[1:])


def consent_coverage(report: Report) -> Chart | Nothing:
    """The share of customers who agree, a line for each purpose and channel; and all states as numbers."""
    day = report.facts.snapshot_date
    told = [one for one in report.consents if one.day <= day]
    today = [one for one in told if one.day == day]
    if not today:
        return Nothing("No consents are known, so nobody is known to agree to anything.")
    lines = []
    for place, one in enumerate(today):
        over_time = [other for other in told if (other.purpose, other.channel) == (one.purpose, one.channel)]
        lines.append(charts.Line(
            _name(one), [f"{other.day}" for other in over_time], [_agreed(other) for other in over_time],
            [f"{_name(one)}, {words.short_day(other.day)}: {words.percent(_agreed(other))}" for other in over_time],
            _COLOURS[place % len(_COLOURS)], True,
        ))  # fmt: skip
    figure = _agreeing(lines)
    fields = [
        Field("snapshot_date", "Snapshot"), Field("purpose", "Purpose"), Field("channel", "Channel"),
        Field("customers", "Customers and leads", "count"),
        *(Field(state, state.replace("_", " ").capitalize(), "count") for state in CONSENT_STATES),
        Field("share", "Agreed, share", "percent"),
    ]  # fmt: skip
    rows = [
        (f"{one.day}", one.purpose, one.channel, one.customers, *one.states.values(), _agreed(one))
        for one in sorted(told, key=lambda one: (-one.day.toordinal(), one.purpose, one.channel))
    ]
    return Chart(
        id="consent-coverage",
        title="Who agrees to what",
        basis=f"n = {words.count(today[0].customers)} customers and leads · consent up to {words.day(day)}",
        views=(View("all", "All", _covered(today, told), figure),),
        grid=grid("Customers and leads by what they said, on each snapshot as its files were written", fields, rows),
        legend=charts.legend(figure),
    )


def _agreeing(lines: Sequence[charts.Line]) -> Figure:
    """Lines over the snapshots; bars of the last one where there are too few for a course."""
    if len(lines[0].at) > charts.FEW_DAYS:
        return charts.lines(lines, ("Snapshot", "Share who agree"), None, shares=True, are_days=True)
    bars = charts.Series(
        "Agreed", charts.ACCENT, [line.values[-1] for line in lines], [line.texts[-1] for line in lines], digits=4
    )
    figure = charts.horizontal_bars([line.name for line in lines], [bars], None)
    figure["layout"]["xaxis"] |= {"tickformat": ".0%"}
    return figure


def _covered(today: Sequence[Coverage], told: Sequence[Coverage]) -> str:
    """'Marketing by e-mail: 412 of 1,000 customers agree, 41.2 %; 39.0 % on 1 June 2026.'"""
    most = max(today, key=lambda one: one.states["agreed"])
    of_it = [one for one in told if (one.purpose, one.channel) == (most.purpose, most.channel)]
    first = min(of_it, key=lambda one: one.day)
    before = f"; {words.percent(_agreed(first))} on {words.day(first.day)}" if first.day < most.day else ""
    return (
        f"{_name(most)}: {words.count(most.states['agreed'])} of {words.count(most.customers)} customers and leads "
        f"agree, {words.percent(_agreed(most))}{before}."
    )


def _agreed(one: Coverage) -> float | None:
    return words.share_of(one.states["agreed"], one.customers)


def _name(one: Coverage) -> str:
    return f"{one.purpose.replace('_', ' ').capitalize()} by {_CHANNELS.get(one.channel, one.channel)}"
