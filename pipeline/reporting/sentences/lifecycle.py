"""Sentences on the stages of the lifecycle."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.reporting.sentences.registry import Row, Rows, sentence
from pipeline.reporting.words import (
    Number,
    capital,
    change,
    count,
    counted,
    interval,
    listed,
    money,
    number,
    percent,
    share_of,
)

STAGES = {
    "active": ("is active", "are active"), "first-time": ("has bought once, lately", "have bought once, lately"),
    "defecting": ("is lapsing", "are lapsing"), "inactive": ("is lapsed", "are lapsed"),
}  # fmt: skip


@sentence
def stages_sentence(rows: Rows) -> str:
    """Of the `customers` of each stage (`name`); leads are no customers."""
    people = {row["name"]: row["customers"] for row in rows if row["name"] in STAGES}
    whole = sum(people.values())
    parts = [
        f"{count(amount)} ({percent(share_of(amount, whole))}) {STAGES[name][amount != 1]}"
        for name, amount in people.items()
        if amount
    ]
    return f"Of {counted(whole, 'customer')} {listed(parts)}."


@sentence
def limits_sentence(rows: Rows, own: Row) -> str:
    """Rows of both kinds of customers; `own`: how many have limits of their own gaps, and between which days."""
    whose = {"learnt": "as learnt here", "not_reached": "the usual limit, as none could be learnt here",
             "set": "as it is set"}  # fmt: skip
    parts = [
        f"{'customers who ordered once' if row['customer_kind'] == 'one-time' else 'those who ordered again'} "
        f"after {counted(row['defecting_days'], 'day')} ({whose[row['defecting_status']]})"
        for row in rows
    ]
    said = f"Without an order, {listed(parts)} count as lapsing."
    if not own["customers"]:
        return said
    days = f"{count(own['shortest'])} to {count(own['longest'])} days"
    if own["shortest"] == own["longest"]:
        days = counted(own["shortest"], "day")
    who = f"{counted(own['customers'], 'customer')} with six orders or more"
    return f"{said} {who} {'has' if own['customers'] == 1 else 'have'} a limit of their own, {days}."


@sentence
def transitions_sentence(rows: Rows) -> str:
    """The moves that matter most: away from active, and back. Rows of one horizon."""
    cells = {(row["from"], row["to"]): row for row in rows}
    days = rows[0]["horizon_days"]
    parts = [
        f"{percent(cell['share'])} of the {told} ({percent(cell['share_low'])} to {percent(cell['share_high'])}, "
        f"n\u00a0=\u00a0{count(cell['from_customers'])})"
        for move, told in (
            (("Active", "Lapsing"), "active began to lapse"),
            (("Lapsing", "Active"), "lapsing became active again"),
            (("Lapsed", "Active"), "lapsed came back"),
        )
        if (cell := cells.get(move)) is not None and cell["share"] is not None
    ]
    return f"In {days} days, {listed(parts)}." if parts else f"Nobody was active, lapsing or lapsed {days} days ago."


@sentence
def spend_sentence(rows: Rows, currency: str) -> str:
    """What may be spent on the moves of one horizon (`told`), as campaigns measured it or at most."""
    known = {
        basis: [f"{row['told']} {money(row['most_to_spend'], currency)}" for row in rows if row["cost_basis"] == basis]
        for basis in ("measured", "at most")
    }
    said = []
    if known["measured"]:
        said.append(f"As campaigns with a control group measured it, a contact is worth: {listed(known['measured'])}.")
    if known["at most"]:
        said.append(
            f"If every move within {rows[0]['horizon_days']} days were due to what is spent, it would pay at most, for "
            f"each: {listed(known['at most'])}."
        )
    return " ".join(said) or f"For no move were enough customers seen in {rows[0]['horizon_days']} days."


@sentence
def projection_sentence(rows: Rows, currency: str) -> str:
    """The last month and the sum of all under every scenario, doing nothing first, and what each guess rests on."""
    months = max(row["month"] for row in rows)
    base, *others = (row for row in rows if row["month"] == months)

    def shown(amount: Number) -> str:
        return money(amount, currency)

    def between(row: Row, of: str) -> str:
        return interval(row[f"{of}_low"], row[f"{of}_high"], shown)

    said = [
        f"If nothing changes, the next {months} months of 30 days bring {shown(base['total'])} "
        f"({between(base, 'total')}), new customers included; the last 12 brought {shown(base['last_12_months'])}."
    ]
    for row in others:
        move = f"{change(row['points'], number)} points of {row['move']}"
        told = f"{capital(row['name'])} ({move} a month, a guess{_measured(row, shown)})"
        if not row["gain"] and row["gain_low"] == row["gain_high"]:
            said.append(f"{told}: there is not enough data to say what it would change.")
        else:
            way = "add" if row["gain"] >= 0 else "cost"
            said.append(f"{told} would {way} {shown(abs(row['gain']))} before its cost ({between(row, 'gain')}).")
    return " ".join(said)


def _measured(row: Row, shown: Callable[[Number], str]) -> str:
    """What campaigns measured of a contact with the stage of a scenario."""
    if row["contact_worth"] is None:
        return " that no campaign with a control group has measured"
    low, high = row["contact_worth_low"], row["contact_worth_high"]
    ends = f" ({shown(low)} to {shown(high)})" if low is not None and high is not None else ""
    return f"; a contact was measured to be worth {shown(row['contact_worth'])}{ends}"
