"""Sentences on what predictions were worth."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from itertools import pairwise

from pipeline.reporting.prediction_words import bias_in_words, model_name
from pipeline.reporting.sentences.registry import Row, Rows, sentence
from pipeline.reporting.words import Number, count, counted, day, listed, money, number, percent, points

_EQUAL = 1e-9


@sentence
def tracking_sentence(actual: Number, expected: float, weeks: int, model: str) -> str:
    if not weeks:
        return f"No week was kept back to test on: {model_name(model)} has seen all of these purchases."
    text = (
        f"In the {counted(weeks, 'week')} that {model_name(model)} had not seen, {number(expected, 0)} repeat "
        f"purchases were expected from the days of first purchases alone and {count(actual)} came"
    )
    return _expected_and_came(text, actual, expected)


@sentence
def cumulative_sentence(actual: Number, expected: float, last: dt.date) -> str:
    text = f"Up to {day(last)}, {number(expected, 0)} repeat purchases were expected and {count(actual)} came"
    return _expected_and_came(text, actual, expected)


def _expected_and_came(text: str, actual: Number, expected: float) -> str:
    return f"{text}: {bias_in_words(100 * (expected / float(actual) - 1))}." if actual else f"{text}."


@sentence
def expectation_sentence(rows: Rows) -> str:
    """Mean purchases after, expected and observed, of groups by repeat purchases before."""
    widest, first = max(rows, key=lambda row: (abs(row["expected"] - row["observed"]), row["before"])), rows[0]
    return (
        f"The {counted(first['customers'], 'customer')} with {first['before']} repeat purchases before were expected "
        f"to buy {number(first['expected'])} times and bought {number(first['observed'])} times; the widest gap is at "
        f"{widest['before']} ({counted(widest['customers'], 'customer')}): {number(widest['expected'])} expected, "
        f"{number(widest['observed'])} seen."
    )


@sentence
def coverage_sentence(rows: Rows) -> str:
    """Shares of customers inside the published interval and that of the model, by repeat purchases before."""
    known = [row for row in rows if row["is_judged"]]
    inside = sum(row["judged"] * row["coverage"] for row in known) / sum(row["judged"] for row in known)
    far = max(known, key=lambda row: (abs(row["coverage"] - 0.8), row["frequency_class"]))
    model, share = far["coverage_of_model"], percent(far["coverage"])
    before = f", {percent(model)} before the ranges were corrected" if model and percent(model) != share else ""
    return (
        f"The published ranges held the spend of {percent(inside)} of the customers; the goal is {percent(0.8)}. "
        f"Furthest from that are the {counted(far['judged'], 'customer')} with {far['frequency_class']} repeat "
        f"purchases before: {share}{before}."
    )


@sentence
def calibration_sentence(inside: int, groups: int, gap: float | None) -> str:
    """In how many groups the probability held, beside how many would if it were right in all: 95 of 100."""
    text = f"In {inside} of {counted(groups, 'group')} the probability lies within the 95% interval of what happened"
    least, most = math.floor(0.95 * groups), math.ceil(0.95 * groups)
    if groups > 1:
        text += f"; if all were right, {least if least == most else f'{least} or {most}'} would be expected"
    return f"{text}. On average it is {points(gap)} off." if gap is not None else f"{text}."


@sentence
def deciles_sentence(rows: Rows, currency: str) -> str:
    """What was expected and seen of the tenth ranked highest, beside that of the best naive one, and of the lowest."""
    kinds: dict[str, tuple[str, Callable[[Number], str]]] = {
        "number": ("the mean number of purchases was", number),
        "money": ("the mean spend was", lambda amount: money(amount, currency)),
        "percent": ("the share that bought was", percent),
    }
    what, show = kinds[rows[0]["kind"]]
    (expected, seen), (lowest_expected, lowest_seen) = (
        (show(row["predicted"]), show(row["observed"])) for row in (rows[0], rows[-1])
    )
    seen_by_tenth = [row["observed"] for row in rows]
    steps = sum(after <= before + _EQUAL for before, after in pairwise(seen_by_tenth))  # who ties is shared out evenly
    more = f", {number(rows[0]['lift'], 1)} times the mean of all" if rows[0]["lift"] is not None else ""
    return (
        f"In the tenth of the customers ranked highest, {what} {seen}{more}; {expected} was expected. In the tenth "
        f"ranked lowest it was {lowest_seen}; {lowest_expected} was expected. From one tenth to the next it fell "
        f"or stayed level in {steps} of {len(rows) - 1} steps.{_beside_naive(rows[0])}"
    )


def _beside_naive(best: Row) -> str:
    """What a naive baseline finds; empty where it ranks nobody, or where nobody bought."""
    if best["captured"] is None or best["rival_captured"] is None:
        return ""
    return (
        f" The best tenth brought {percent(best['captured'])} of all; that of “{model_name(best['rival'])}” brought "
        f"{percent(best['rival_captured'])}."
    )


@sentence
def parameters_sentence(rows: Rows, previous: dt.date | None) -> str:
    """By how many of their standard errors the parameters that decide predicted values moved since `previous`."""
    if previous is None:
        return "This is the first snapshot with parameters; from the next one on it is seen whether they hold still."
    moves = [
        (f"{row['parameter']} of {model_name(row['model'])}", row["moved"])
        for row in rows if row["is_published"] and row["moved"] is not None
    ]  # fmt: skip
    if not moves:
        return f"No parameter of {day(previous)} can be compared with today’s."
    name, size = max(moves, key=lambda move: (abs(move[1]), move[0]))
    if abs(size) < 2:
        return (
            f"Since {day(previous)} the parameters have held still: the largest move, of {name}, is "
            f"{number(abs(size), 1)} standard errors."
        )
    return f"Since {day(previous)} {name} has moved by {number(abs(size), 1)} of its standard errors."


_FITS = {
    "converged": "sound", "penalised": "held by a penalty", "no_dropout": "without dropout",
    "equal_dropout": "with one dropout for all", "refused": "refused",
}  # fmt: skip


@sentence
def fits_sentence(rows: Rows) -> str:
    statuses = [row["status"] for row in rows]
    if set(statuses) == {"converged"}:
        return f"All {counted(len(statuses), 'fit')} are sound." if len(statuses) > 1 else "The one fit is sound."
    found = {word: statuses.count(status) for status, word in _FITS.items() if status in statuses}
    told = [f"{count(many)} {'is' if many == 1 else 'are'} {word}" for word, many in found.items()]
    return f"Of {counted(len(statuses), 'fit')}, {listed(told)}."
