"""The churn horizon: after how many days without a purchase a customer counts as churned, where nobody has set it.

In too short a horizon every shop churns, in too long a one nobody does, and there is nothing to tell customers apart
by. So it is the longest in which enough of those who were buying stayed silent. It is decided on the last day of a
month, so that numbers of two nights can be compared but where the month between them has changed it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.engines.engine import Engine
from pipeline.steps.prediction.holdouts import LEAST_BUYERS
from pipeline.steps.prediction.inputs import SILENCES, queries

LEAST_SILENT = 0.1


@dataclass(frozen=True)
class Silence:
    """Of `buyers`, customers who bought in the 365 days before the last so many `days`, those who did not in these."""

    days: int
    buyers: int
    silent: int

    @property
    def share(self) -> float | None:
        return self.silent / self.buyers if self.buyers else None

    @property
    def verdict(self) -> str:
        if self.buyers < LEAST_BUYERS:
            return "too few buyers"
        return "enough silent" if self.silent >= LEAST_SILENT * self.buyers else "too few silent"


@dataclass(frozen=True)
class ChurnHorizon:
    """days: the horizon. decided_on: the day at whose end `evidence` stands. before: what was decided a month before
    it; None where that was too early, or nothing is decided."""

    days: int
    chosen_by: str
    decided_on: dt.date
    evidence: Sequence[Silence]
    before: int | None = None

    @property
    def has_changed(self) -> bool:
        return self.before not in (None, self.days)

    @property
    def rows(self) -> list[dict[str, object]]:
        """Of the table churn_horizons."""
        return [
            {
                "horizon_days": of.days, "decided_on": self.decided_on, "buyers": of.buyers, "silent": of.silent,
                "silent_share": of.share, "verdict": of.verdict, "churn_horizon_days": self.days,
                "chosen_by": self.chosen_by, "previous_churn_horizon_days": self.before,
            }
            for of in self.evidence
        ]  # fmt: skip


def churn_horizon(engine: Engine, day: dt.date, first: dt.date, given: int | None) -> ChurnHorizon:
    """Of a snapshot date; `first`: the day from whose end on nights predict. `given`: what is set, if anything."""
    decided_on = month_end(day)
    evidence = _silences(engine, decided_on)
    if given is not None:
        return ChurnHorizon(given, "set", decided_on, evidence)
    earlier = month_end(decided_on - dt.timedelta(1))
    chosen = choose(decided_on, evidence)
    return chosen if earlier < first else replace(chosen, before=choose(earlier, _silences(engine, earlier)).days)


def choose(decided_on: dt.date, evidence: Sequence[Silence]) -> ChurnHorizon:
    """The longest in which enough stayed silent, or the shortest where none has enough."""
    enough = [of.days for of in evidence if of.verdict == "enough silent"]
    if enough:
        return ChurnHorizon(max(enough), "enough silent", decided_on, evidence)
    return ChurnHorizon(min(of.days for of in evidence), "none has enough", decided_on, evidence)


def month_end(day: dt.date) -> dt.date:
    """The last one up to a day."""
    tomorrow = day + dt.timedelta(1)
    return tomorrow.replace(day=1) - dt.timedelta(1)


def _silences(engine: Engine, day: dt.date) -> list[Silence]:
    (row,) = engine.read(queries()["silences"], {"snapshot_date": day}).rows(named=True)
    return [Silence(days, int(row[f"buyers_{days}"]), int(row[f"silent_{days}"])) for days in SILENCES]
