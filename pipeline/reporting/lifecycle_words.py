"""How the page on the lifecycle says things. Pure functions of aggregates, as those of `words`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.reporting.words import (
    Number,
    count,
    counted,
    listed,
    money,
    number,
    percent,
    share_of,
    short_day,
    were,
)

STAGES = {
    "active": "Active", "first-time": "First-time", "defecting": "Defecting", "inactive": "Inactive", "lead": "Leads",
}  # fmt: skip
"""Label of every stage, the best first."""
NEW = "New"
MOVES = {"acquire": "Acquire", "convert": "Convert", "retain": "Retain", "win back": "Win back"}
STATUSES = {
    "learnt": "learnt", "not_reached": "stands in: the chance falls less", "set": "set",
    "ok": "", "too few": "too few customers", "insufficient data": "no prediction",
}  # fmt: skip


def stages_sentence(stages: Mapping[str, int], returned: int) -> str:
    """Of `stages` customers each; leads are no customers."""
    customers = sum(amount for stage, amount in stages.items() if stage != "lead")
    parts = [
        f"{count(stages.get(stage, 0))} ({percent(share_of(stages.get(stage, 0), customers))}) "
        f"{names[stages.get(stage, 0) != 1]}"
        for stage, names in (
            ("active", ("is active", "are active")),
            ("first-time", ("has bought once and lately", "have bought once and lately")),
            ("defecting", ("is defecting", "are defecting")), ("inactive", ("is inactive", "are inactive")),
        )
        if stages.get(stage, 0)
    ]  # fmt: skip
    back = f" {count(returned)} of the active {were(returned)} away before and came back." if returned else ""
    return f"Of {counted(customers, 'customer')} {listed(parts)}.{back}"


def limit(days: int, status: str, low: int | None, high: int | None) -> str:
    """'49 days (learnt; 46 to 52)'."""
    inside = f"; {low} to {high}" if low is not None and high is not None else f"; from {low}" if low else ""
    return f"{counted(days, 'day')} ({STATUSES[status]}{inside if status == 'learnt' else ''})"


def limits_sentence(rows: Sequence[Mapping[str, Any]], own: Mapping[str, Any]) -> str:
    """Rows of both kinds of customers; `own`: how many have limits of their own gaps, and between which days."""
    whose = {"learnt": "as learnt here", "not_reached": "the usual limit, as none could be learnt here",
             "set": "as it is set"}  # fmt: skip
    parts = [
        f"{'customers who have bought once' if row['customer_kind'] == 'one-time' else 'those who have bought again'} "
        f"after {counted(row['defecting_days'], 'day')} ({whose[row['defecting_status']]})"
        for row in rows
    ]
    text = f"Silence means defecting for {listed(parts)}."
    if not own["customers"]:
        return text
    days = f"{count(own['shortest'])} to {count(own['longest'])} days"
    if own["shortest"] == own["longest"]:
        days = counted(own["shortest"], "day")
    have = "has" if own["customers"] == 1 else "have"
    return (
        f"{text} {counted(own['customers'], 'customer')} with six purchases or more {have} a limit of their own gaps, "
        f"{days}."
    )


def transitions_sentence(cells: Mapping[tuple[str, str], Mapping[str, Any]], horizon: int, since: dt.date) -> str:
    """The two moves that matter most: away from active, and back."""
    parts = [
        f"{percent(cell['share'])} of the {told} {became} ({percent(cell['share_low'])} to "
        f"{percent(cell['share_high'])}, n = {count(cell['from_customers'])})"
        for move, told, became in (
            (("active", "defecting"), "active", "became defecting"),
            (("defecting", "active"), "defecting", "became active again"),
            (("inactive", "active"), "inactive", "came back"),
        )
        if (cell := cells.get(move)) is not None and cell["share"] is not None
    ]
    if not parts:
        return f"Nobody was active, defecting or inactive on {short_day(since)}, {horizon} days ago."
    return f"In {horizon} days, {listed(parts)}."


def flow_sentence(up: int, down: int, same: int, new: int, since: dt.date) -> str:
    parts = [
        f"{count(amount)} {told}"
        for amount, told in (
            (up, "moved up"),
            (down, "moved down"),
            (same, "stayed where they were"),
            (new, "is new" if new == 1 else "are new"),
        )
        if amount
    ]
    return f"Since {short_day(since)}, {listed(parts)}."


def value_sentence(means: Sequence[tuple[str, Number]], currency: str) -> str:
    """Stages with a mean, the best first."""
    if not means:
        return "No stage has 30 customers with a predicted value."
    parts = [f"{STAGES[stage].lower()} {money(mean, currency)}" for stage, mean in means]
    return f"Mean predicted value of a customer: {listed(parts)}."


def spend_sentence(rows: Sequence[Mapping[str, Any]], horizon: int, currency: str) -> str:
    """Rows of one horizon for which something can be said."""
    at_most = [
        f"{MOVES[row['move']].lower()} {row['from_stage']} customers at most {money(row['most_to_spend'], currency)}"
        for row in rows
        if row["cost_basis"] == "at most"
    ]
    measured = [
        f"{money(row['most_to_spend'], currency)} with {row['from_stage']} customers"
        for row in rows
        if row["cost_basis"] == "measured"
    ]
    said = []
    if measured:
        said.append(f"As campaigns with a control group measured it, a contact is worth {listed(measured)}.")
    if at_most:
        said.append(
            f"If every move within {horizon} days were due to what is spent, and every loss could be prevented, it "
            f"would pay to {listed(at_most)} each."
        )
    return " ".join(said) or f"For no move were enough customers seen in {horizon} days."


def difference_sentence(rows: Sequence[Mapping[str, Any]], currency: str) -> str:
    known = [row for row in rows if row["value_difference"] is not None]
    if not known:
        return "No move can be valued: too few customers in its stages."
    best = max(known, key=lambda row: (row["value_difference"], row["from_stage"]))
    return (
        f"{_told(best)} differ most: {money(best['value_difference'], currency)} of predicted value, standard error "
        f"{money(best['difference_error'], currency)}."
    )


def _told(row: Mapping[str, Any]) -> str:
    return f"{STAGES[row['to_stage']]} and {row['from_stage']} customers"


def revenue_sentence(last: Sequence[Mapping[str, Any]], currency: str) -> str:
    """The last month of every scenario, doing nothing first."""
    base, *others = last

    def shown(amount: Number) -> str:
        return money(amount, currency)

    said = f"If nothing changes, month {base['month']} brings {shown(base['revenue'])} "
    said += f"({interval(base['revenue_low'], base['revenue_high'], shown)}), and all {base['month']} together bring "
    said += f"{shown(base['total'])} ({interval(base['total_low'], base['total_high'], shown)}) after "
    said += f"{shown(base['last_12_months'])} in the last 12."
    for row in others:
        said += (
            f" Scenario “{row['scenario']}” ({_points(row['points'])} of {row['from_stage']} to {row['to_stage']} a "
        )
        if not row["gain"] and row["gain_low"] == row["gain_high"]:
            said += "month): there is not enough data to say what it would change."
            continue
        way = "add" if row["gain"] >= 0 else "cost"
        said += (
            f"month) would {way} {shown(abs(row['gain']))} of revenue in {row['month']} months "
            f"({'' if way == 'add' else 'a change of '}{interval(row['gain_low'], row['gain_high'], shown)}), "
            f"before its cost."
        )
    return said


def guess_sentence(scenario: Mapping[str, Any], worth: Mapping[str, Any] | None, currency: str) -> str:
    """What a scenario rests on. `worth`: what a contact with its stage is worth, where campaigns measured it."""
    if worth is None or worth["contact_worth"] is None:
        return (
            f"“{scenario['scenario']}” is a guess: no campaign with a control group has measured what moves its stage."
        )
    low, high = worth["contact_worth_low"], worth["contact_worth_high"]
    said = f" ({money(low, currency)} to {money(high, currency)})" if low is not None and high is not None else ""
    return (
        f"“{scenario['scenario']}” is a guess: what campaigns with a control group measured is "
        f"{money(worth['contact_worth'], currency)}{said} for a contact with a customer of its stage."
    )


def interval(low: Number, high: Number, show: Callable[[Number], str]) -> str:
    """'12 to 15'; an interval without width comes of too few moves, not of certainty."""
    return "not enough data for an interval" if low == high else f"{show(low)} to {show(high)}"


def stage_sentence(stage: str, then: Sequence[tuple[str, Mapping[str, Any]]], now: Number) -> str:
    """Customers of a stage now, and in the last month under every scenario."""
    parts = [
        f"{count(row['customers'])} ({interval(row['customers_low'], row['customers_high'], count)}) "
        f"{'if nothing changes' if name == 'do nothing' else f'under “{name}”'}"
        for name, row in then
    ]
    months = then[0][1]["month"]
    return f"{counted(now, 'customer')} {'is' if now == 1 else 'are'} {stage} now; in {months} months {listed(parts)}."


def _points(points: float) -> str:
    return f"{'+' if points >= 0 else '−'}{number(abs(points))} points"


def later(what: str, day: dt.date) -> str:
    return f"{what} Shown from {short_day(day)} on."
