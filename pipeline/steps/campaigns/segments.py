"""Whether campaigns did more for some members than for others: effects by where members stood before, shrunk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.models.random_effects import random_effects
from pipeline.models.uplift import Arm, holm
from pipeline.models.validation import Z

ALL = "(all)"
"""The campaigns of the last 365 days together."""
OTHER = "other"
LEAST_MEMBERS, LEAST_COUNTED = 10, {"visit": 5, "conversion": 5, "spend": 20}
"""What a cell needs in both groups: members, and of them visitors or buyers, else its variance is none to weigh by."""
MOST_P = 0.05

Row = dict[str, Any]
Cell = tuple[Arm, Arm]
"""Treated and control members of one segment."""


@dataclass(frozen=True)
class Estimate:
    """What a campaign, or all, caused in a segment, with its squared standard error."""

    segment: str
    treated: int
    control: int
    effect: float
    variance: float
    treated_mean: float | None = None
    """Of one campaign; of several there is none."""


def segment_rows(arms: Iterable[Row], known: Mapping[str, Collection[str]], lately: Collection[str]) -> list[Row]:
    """Rows of each campaign, and of those that are in `lately` together.

    `arms`: of features.campaign_arms; `known`: campaign -> metrics for which it is known what it caused.
    """
    of: dict[tuple[str, str], dict[str, list[Estimate]]] = defaultdict(dict)
    for (campaign, metric, dimension), cells in _cells(arms, known).items():
        of[campaign, metric][dimension] = _estimates(cells, LEAST_COUNTED[metric])
    together = {(ALL, metric): _together(of, metric, lately) for metric in LEAST_COUNTED}
    return [row for (name, metric), by in {**of, **together}.items() for row in _compared(name, metric, by)]


def whole_estimates(arms: Iterable[Row], known: Mapping[str, Collection[str]]) -> dict[tuple[str, str], Estimate]:
    """(campaign, metric) -> what it caused among all members, where these are enough; arguments as above."""
    return {
        (campaign, metric): estimate
        for (campaign, metric, _), cells in _cells(arms, known).items()
        for estimate in _estimates(cells, LEAST_COUNTED[metric])
    }


_NOBODY = Arm(0, 0, 0.0, 0.0)


def _cells(arms: Iterable[Row], known: Mapping[str, Collection[str]]) -> dict[tuple[str, str, str], dict[str, Cell]]:
    """(campaign, metric, dimension) -> segment -> its members."""
    found: dict[tuple[str, str, str], dict[str, Cell]] = defaultdict(dict)
    for row in arms:
        for metric in known.get(row["campaign_id"], ()):
            cells = found[row["campaign_id"], metric, row["dimension"]]
            treated, control = cells.get(row["segment"], (_NOBODY, _NOBODY))
            arm = _arm(row, metric)
            cells[row["segment"]] = (arm, control) if row["group_name"] == "treated" else (treated, arm)
    return found


def _arm(row: Row, metric: str) -> Arm:
    if metric == "spend":
        return Arm(row["members"], row["buyers"], row["spend"], row["spend_squared"])
    counted = row["visitors" if metric == "visit" else "buyers"]
    return Arm(row["members"], counted, counted, counted)


def _added(one: Cell, other: Cell) -> Cell:
    treated, control = (
        Arm(a.n + b.n, a.buyers + b.buyers, a.y + b.y, a.yy + b.yy) for a, b in zip(one, other, strict=True)
    )
    return treated, control


def _estimates(cells: Mapping[str, Cell], least: int) -> list[Estimate]:
    """An estimate per cell. Cells that are too small are one, `other`, with the next larger ones until it is enough."""
    ordered = sorted(
        cells.items(), key=lambda cell: (_is_enough(cell[1], least), sum(arm.n for arm in cell[1]), cell[0])
    )
    rest: Cell = (_NOBODY, _NOBODY)
    taken = 0
    for _, cell in ordered:
        if _is_enough(cell, least) and (taken == 0 or _is_enough(rest, least)):
            break
        rest, taken = _added(rest, cell), taken + 1
    kept = sorted(ordered[taken:])
    return [_estimate(*cell) for cell in [*kept, *([(OTHER, rest)] if taken and kept else [])]]


def _is_enough(cell: Cell, least: int) -> bool:
    return all(arm.n >= LEAST_MEMBERS and arm.buyers >= least for arm in cell) and _variance(cell) > 0


def _variance(cell: Cell) -> float:
    return sum(arm.variance_of_mean() for arm in cell)


def _estimate(segment: str, cell: Cell) -> Estimate:
    treated, control = cell
    return Estimate(
        segment, treated.n, control.n, treated.mean() - control.mean(), _variance(cell), treated.mean()
    )  # fmt: skip


def _together(
    of: Mapping[tuple[str, str], Mapping[str, list[Estimate]]], metric: str, lately: Collection[str]
) -> dict[str, list[Estimate]]:
    """What the campaigns caused in each segment in the mean; `other` is another one in each campaign."""
    parts: dict[str, dict[str, list[Estimate]]] = defaultdict(lambda: defaultdict(list))
    for (campaign, of_metric), by in of.items():
        if of_metric == metric and campaign in lately:
            for dimension, estimates in by.items():
                for estimate in estimates:
                    if estimate.segment != OTHER:
                        parts[dimension][estimate.segment].append(estimate)
    return {by: [_mean(name, of_segment) for name, of_segment in sorted(found.items())] for by, found in parts.items()}


def _mean(segment: str, parts: list[Estimate]) -> Estimate:
    whole = random_effects([part.effect for part in parts], [part.variance for part in parts])
    treated, control = sum(part.treated for part in parts), sum(part.control for part in parts)
    return Estimate(segment, treated, control, whole.mean, whole.mean_error**2)


def _compared(campaign: str, metric: str, by: Mapping[str, list[Estimate]]) -> list[Row]:
    """Segments of each dimension held against each other; p-values are for all dimensions at once."""
    pooled = {
        dimension: random_effects([one.effect for one in parts], [one.variance for one in parts])
        for dimension, parts in by.items()
        if parts
    }
    together = holm([whole.p for whole in pooled.values()])
    return [
        {
            "campaign_id": campaign,
            "arm": "treated",
            "metric": metric,
            "dimension": dimension,
            "segment": part.segment,
            "treated": part.treated,
            "control": part.control,
            "treated_mean": part.treated_mean,
            **_with_ends("effect", part.effect, part.variance**0.5),
            **_with_ends("shrunk", float(whole.shrunk[place]), float(whole.shrunk_errors[place])),
            **_with_ends("mean", whole.mean, whole.mean_error),
            "tau": whole.tau,
            "q": whole.q,
            "p_value": whole.p,
            "p_holm": p,
            "says": "segments_differ" if p < MOST_P else "no_difference_shown",
        }
        for (dimension, whole), p in zip(pooled.items(), together, strict=True)
        for place, part in enumerate(by[dimension])
    ]


def _with_ends(name: str, value: float, error: float) -> Row:
    return {name: value, f"{name}_low": value - Z * error, f"{name}_high": value + Z * error}
