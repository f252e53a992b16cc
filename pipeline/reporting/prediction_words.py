"""How the pages on predictions say things. As in `words`: pure functions of aggregates, unknown is said, never 0.

Predictions are expectations and probabilities: nothing here says why something happens, nor that it will.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.reporting.words import (
    count,
    counted,
    day,
    listed,
    number,
    percent,
    points,
    short_day,
    were,
)

MODELS = {
    "bgnbd": "BG/NBD", "mbgnbd": "MBG/NBD", "pareto_nbd": "Pareto/NBD", "nbd": "NBD",
    "classifier": "Classifier", "blend": "Classifier and timing model",
    "boosted": "Boosted trees and timing model",
    "gamma_gamma": "Gamma-Gamma", "mean": "the mean of all orders", "shop": "The shop",
    "base_rate": "Everyone alike (base rate)", "recency_logistic": "Recency alone",
    "rate": "Everyone goes on as before", "zero": "Nobody buys again",
    "historic_spend": "Everyone spends on as before", "mean_spend": "Everyone spends the mean",
    "projection": "Projection of the lifecycle", "mean_month": "The mean month",
}  # fmt: skip
TARGETS = {
    "purchase_30d": "Buys within 30 days", "purchase_90d": "Buys within 90 days", "churn": "Buys within {days} days",
    "counts": "Number of purchases", "value": "Spend",
}  # fmt: skip
CALIBRATED = 0.055
"""Mean distance of predicted from observed probability up to which a model is called calibrated."""


def model_name(model: str) -> str:
    return MODELS.get(model, model)


def target_name(target: str, days: int) -> str:
    return TARGETS.get(target, target).format(days=days)


# ── what is missing ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Need:
    """A condition of the gate: how it stands now, what it takes, and when it will be met."""

    name: str
    now: int | None
    needed: str
    met: bool
    when: str


_LONGEST_PACE_DAYS = 3652
"""Beyond ten years, the pace of one month says nothing."""


def more_buyers(buyers: int, new: int, least: int) -> str:
    """'with 380 more; 42 were new in the last 30 days, at that pace in about 272 days'."""
    lacking = max(0, least - buyers)
    if not new:
        return f"with {count(lacking)} more; nobody was new in the last 30 days"
    days = -(-lacking * 30 // new)
    when = f"in {counted(days, 'day')}" if days <= _LONGEST_PACE_DAYS else "not within ten years"
    return f"with {count(lacking)} more; {count(new)} {were(new)} new in the last 30 days, at that pace {when}"


def missing_sentence(needs: Sequence[Need], snapshot_date: dt.date) -> str:
    unmet = [need for need in needs if not need.met]
    if not unmet:
        return (
            f"The models have not been run as of {day(snapshot_date)}, though there is enough data. "
            "They come with the next run of that day."
        )
    told = listed([f"{need.name[0].lower()}{need.name[1:]} ({_now(need)}; needed: {need.needed})" for need in unmet])
    return f"Nothing is predicted as of {day(snapshot_date)}, because there is too little data: {told}."


def _now(need: Need) -> str:
    return "none yet" if need.now is None else f"now {count(need.now)}"


# ── season ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Ahead:
    """A horizon: how many usual days one of its days is worth; whether a year ago tells it, and what was then expected
    and came."""

    days: int
    factor: float
    is_known: bool
    is_held: bool
    expected: float | None
    actual: int | None


def clock_sentence(horizons: Sequence[Ahead], recent: float) -> str:
    """`recent`: purchases a day of the last 30 days by those of the last year."""
    known = [ahead for ahead in horizons if ahead.is_known]
    if not known:
        return (
            "The season is not included: what the same days did a year ago is not known yet. The last 30 days had "
            f"{number(recent)} times as many purchases a day as the year."
        )
    first = known[0]
    usual = [count(round(ahead.days * ahead.factor)) for ahead in known]
    others = [f"{one.days} as many as {days}" for one, days in zip(known[1:], usual[1:], strict=True)]
    told = listed([f"{first.days} days should bring as many purchases as {usual[0]} average days", *others])
    held = ", the most that is accepted" if first.is_held else ""
    rest = "" if len(known) == len(horizons) else " For the other horizons there were too few purchases then."
    return (
        f"The season is included: the next {told}{held}. In the same {first.days} days a year ago there were "
        f"{count(first.actual or 0)} purchases; without the season, {count(round(first.expected or 0))} were "
        f"expected.{rest}"
    )


def churn_horizon_sentences(rows: Sequence[Mapping[str, Any]]) -> str:
    """What churn means on the day, and since when; `rows`: of `churn_horizons` by days."""
    first = rows[0]
    days, before, since = first["churn_horizon_days"], first["previous_churn_horizon_days"], first["decided_on"]
    told = [f"Churn means no purchase within {days} days{_why_so_long(rows)}."]
    if before not in (None, days):
        told.append(
            f"Before {day(since)} it was {before} days: what was said of churn then is not to be compared with this."
        )
    return " ".join(told)


def _why_so_long(rows: Sequence[Mapping[str, Any]]) -> str:
    days, candidates = rows[0]["churn_horizon_days"], listed([str(row["horizon_days"]) for row in rows])
    if rows[0]["chosen_by"] == "set":
        return ", as it is set"
    if rows[0]["chosen_by"] == "none has enough":
        return f": in none of {candidates} days did a tenth of those who were buying stay silent"
    row = next(row for row in rows if row["horizon_days"] == days)
    return (
        f", the longest of {candidates} in which at least a tenth of those who were buying stayed silent: "
        f"{percent(row['silent_share'])} of {counted(row['buyers'], 'customer')}, as of {day(row['decided_on'])}"
    )


def unknown_season_sentence(days: Sequence[int], recent: float) -> str:
    far = "high" if recent > 1 else "low"
    return (
        f"Season unknown: the last 30 days had {number(recent)} times as many purchases a day as the year, and what "
        f"the same days did a year ago is not known. What is predicted for {listed([str(one) for one in days])} days, "
        f"and the value, may be far too {far}. The ranking of customers is affected less."
    )


def untested_sentence(names: Sequence[str]) -> str:
    """`names`: what is predicted by models that could not be tested."""
    quoted = listed([f"“{name}”" for name in names])
    return (
        f"Not tested: the history is too short to try the published models of {quoted} on days that they had not seen, "
        "so nobody knows yet how good they are. Use them to rank customers, not to count on their size."
    )


# ── trust ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Verdict:
    state: str
    good: bool
    sentences: tuple[str, ...]
    sizes: str = ""
    """How far probabilities and totals were off: what is said beside single numbers."""


@dataclass(frozen=True)
class Result:
    """One test. `gain`: share by which the published model is better than the best baseline; `gap`: calibration gap of
    a probability; `bias`: predicted total against the actual one in %, of counts and value."""

    name: str
    gain: float | None
    gap: float | None = None
    bias: float | None = None


_YES = "Yes: better than guessing, and calibrated"
_RANKS = "In part: it ranks well, its sizes are off"


def verdict(
    results: Sequence[Result], first: dt.date | None, last: dt.date | None, untested: Sequence[str] = ()
) -> Verdict:
    """Does the published model beat every naive baseline, by how much, and is it calibrated. `untested`: names of what
    the history is too short to test."""
    if not results or first is None or last is None:
        return Verdict("Not tested yet", False, (
            "The history is too short to keep some of it back and test the models on it, so nobody knows yet how good "
            "these predictions are. Use them to rank customers, not to count on their size.",
        ))  # fmt: skip
    compared = [result for result in results if result.gain is not None]
    beaten = [result for result in compared if result.gain is not None and result.gain > 0]
    off = [result for result in results if result.gap is not None and result.gap > CALIBRATED]
    sizes = _calibration(results, off), _totals(results)
    tested = f"{' '.join(sizes)} Tested on the days up to {day(last)}."
    told = [_against_baselines(compared, beaten), *sizes]
    if untested:
        names = listed([f"“{name}”" for name in untested])
        told.append(f"The history is too short to test {names}.")
    told.append(_limits(first, last))
    if len(beaten) < len(compared) or not compared:
        return Verdict("With care: not always better than guessing", False, tuple(told), tested)
    return Verdict(_RANKS if off else _YES, not off, tuple(told), tested)


def _against_baselines(compared: Sequence[Result], beaten: Sequence[Result]) -> str:
    if not compared:
        return "There was no naive baseline to compare with."
    gains = sorted(result.gain for result in beaten if result.gain is not None)
    size = ""
    if gains:
        low, high = percent(gains[0]), percent(gains[-1])
        size = f", with {low if low == high else f'{low} to {high}'} less error than the best of them"
    if len(beaten) == len(compared):
        many = "in the one test" if len(compared) == 1 else f"in all {len(compared)} tests"
        return f"On days they had not seen, the published models beat every naive baseline {many}{size}."
    lost = listed([f"“{result.name}”" for result in compared if result not in beaten])
    if not beaten:
        return f"On days they had not seen, the published models were no better than the best naive baseline: {lost}."
    return (
        f"On days they had not seen, the published models beat the best naive baseline in {len(beaten)} of "
        f"{len(compared)} tests{size}, but not for {lost}."
    )


def _calibration(results: Sequence[Result], off: Sequence[Result]) -> str:
    gaps = [(result.name, result.gap) for result in results if result.gap is not None]
    if not gaps:
        return "Probabilities could not be tested."
    worst = max(gaps, key=lambda pair: (pair[1], pair[0]))
    limit = f"up to {points(CALIBRATED)} count as calibrated"
    if not off:
        which = "the probability was" if len(gaps) == 1 else f"the worst of the {len(gaps)} probabilities was"
        return f"Calibration: {which} {points(worst[1])} off on average; {limit}."
    names = listed([f"“{result.name}” by {points(result.gap or 0)}" for result in off])
    return f"Calibration: not all probabilities can be taken at their word; on average {names} off, where {limit}."


def _totals(results: Sequence[Result]) -> str:
    told = [f"{bias_in_words(result.bias)} for “{result.name}”" for result in results if result.bias is not None]
    return f"The totals expected were {listed(told)}." if told else "Totals could not be tested."


def bias_in_words(bias: float) -> str:
    size = percent(abs(bias) / 100)
    return "right" if round(bias, 1) == 0 else f"{size} too {'high' if bias > 0 else 'low'}"


def _limits(first: dt.date, last: dt.date) -> str:
    """`first`: the earliest day that a test began after."""
    return (
        f"This is how they did between {short_day(first + dt.timedelta(days=1))} and {short_day(last)}; a sale, a new "
        "price or a new season can make the next months different."
    )


def backtest_sentence(rows: Sequence[tuple[float, float, float, bool]]) -> str:
    """`rows`: of each month what was projected, what came, the mean of the months before, and whether it was inside."""
    came = sum(actual for _, actual, _, _ in rows)
    inside = sum(held for _, _, _, held in rows)
    text = f"In {inside} of {counted(len(rows), 'month')} the 95% interval held what came"
    if not came > 0:
        return f"{text}."
    missed, naive = (percent(sum(abs(row[place] - row[1]) for row in rows) / came) for place in (0, 2))
    return f"{text}; the projection was {missed} off on average, the mean of the 12 months before {naive}."
