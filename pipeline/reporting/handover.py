"""Audiences with terms: who was left out of each, and why, and where its file is."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.reporting import words
from pipeline.reporting.components import Field, Linked, Nothing, TableCard, grid
from pipeline.reporting.facts import HandedOver, Report

_NOBODY_ASKED = (
    "No audience has terms yet: its file holds the ids of all its members, whether they agreed or not. With terms, who "
    "did not agree is left out, and a file is written as each tool wants it."
)


def handed_over(report: Report) -> TableCard | Nothing:
    """A row for each audience and platform; the steps that took anybody are columns, so that the counts add up."""
    told = report.handed_over
    if not told:
        return Nothing(_NOBODY_ASKED)
    steps = [step for step in told[0].steps if step != "delivered"]
    taken = [step for step in steps if any(one.steps.get(step) for one in told)]
    fields = [
        Field("audience", "Audience"), Field("for", "For"), Field("members", "Members", "count"),
        *(Field(step, step.replace("_", " ").capitalize(), "count") for step in taken),
        Field("delivered", "In the file", "count"), Field("file", "File"),
    ]  # fmt: skip
    rows = [
        (
            one.audience, (one.platform or "ids only").replace("_", " "), sum(one.steps.values()),
            *(one.steps.get(step, 0) for step in taken), one.steps["delivered"], _file(one),
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
        note="Each step takes of those whom the steps to its left have left; the counts add up to the members.",
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
