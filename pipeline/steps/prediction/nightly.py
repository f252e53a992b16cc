"""One night of the models: what is fitted, what their tests have come to, which model is published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models import conformal, validation
from pipeline.models.clock import Clock
from pipeline.models.fitting import Fit
from pipeline.models.gamma_gamma import GammaGamma, Spenders, SpendFit
from pipeline.models.histories import Array
from pipeline.models.timing import TimingModel
from pipeline.settings import Settings
from pipeline.steps.prediction.churn_horizon import month_end
from pipeline.steps.prediction.holdouts import (
    BLEND,
    BOOSTED,
    CLASSIFIER,
    PROBABILITIES,
    TRAINED,
    Target,
    is_learnable,
)
from pipeline.steps.prediction.inputs import Cohort, calendar, spenders
from pipeline.steps.prediction.kept_fits import KeptFits
from pipeline.steps.prediction.kept_verdicts import KeptVerdicts, key_of
from pipeline.steps.prediction.known import ALL_KINDS, LEAST_DAYS, Known
from pipeline.steps.prediction.season import RECENT_DAYS, YEAR_DAYS, Season, purchases_a_day
from pipeline.steps.prediction.trial import LONGEST_HOLDOUT_DAYS, Trial
from pipeline.steps.prediction.verdicts import Verdict, Verdicts

LEAST_BUYERS, LEAST_FREQUENT, LONGEST_SILENCE_DAYS = 500, 50, 30
LEAST_CLOSED_DAYS = 365
"""The least history up to a month's end for models to be tested as of it: in a first year each day lets more be
tested."""
STRONG_CORRELATION = 0.3

_LEAST_BIAS = "Least bias among the models that rank customers as well, on the holdout."
_LEAST_LOSS = "Least log loss on the holdouts of the last origins, more than 1 % below the blend where there is one."
_BOOSTED = (
    "As many as the timing model expects of all, spread by boosted trees: a Poisson deviance more than 1 % lower on "
    "the holdouts of the last origins."
)
_UNBEATEN_BLEND = "No other model has a log loss more than 1 % below its own on the holdouts of the last origins."
_UNTESTED_BLEND = (
    "The history is long enough to train a classifier, not to test it: the blend stands in, as it does unless beaten."
)


@dataclass(frozen=True)
class Champion:
    """Which model is published for a target, and why; `timing_model`: itself, or the one that is behind it."""

    target: Target
    horizon_days: int
    model: str
    timing_model: str
    status: str
    score: float | None
    reason: str


class Night(Known):
    """The models of one snapshot date. Everything is computed once, when first asked for."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        day: dt.date,
        last: Mapping[str, TimingModel | GammaGamma] | None = None,
        kept: KeptFits | None = None,
        kept_verdicts: KeptVerdicts | None = None,
    ) -> None:
        """`kept_verdicts`: of earlier nights, and of this one afterwards."""
        super().__init__(engine, settings, day, last, kept)
        self._kept_verdicts = kept_verdicts or KeptVerdicts(None)

    # ── what there is to work with ────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def spenders(self) -> Spenders:
        return spenders(self.engine, self.day)

    @cached_property
    def calendar(self) -> pl.DataFrame:
        return calendar(self.engine, self.day)

    @cached_property
    def why_not(self) -> str | None:
        """Why nothing is predicted, in a sentence; None when there is enough data."""
        today = self.today
        if today.customers < LEAST_BUYERS:
            return f"{today.customers:,} customers have bought; predictions need {LEAST_BUYERS}."
        if today.history_days < LEAST_DAYS:
            return f"The history is {today.history_days} days long; predictions need {LEAST_DAYS}."
        frequent = today.frame.filter(pl.col("frequency") >= 2)["customers"].sum()
        if frequent < LEAST_FREQUENT:
            return f"{frequent} customers have bought on three days or more; predictions need {LEAST_FREQUENT}."
        silent = today.silent_days
        if silent >= LONGEST_SILENCE_DAYS:
            return f"The last order is {silent} days old; predictions need one of the last {LONGEST_SILENCE_DAYS} days."
        return None

    @cached_property
    def spend(self) -> SpendFit | None:
        """The spend model on all data, if there are enough repeat buyers and it can be fitted."""
        return self.spend_at(self.day, self.spenders)

    @cached_property
    def spend_correlation(self) -> float:
        """Spearman's ρ of frequency and mean spend of repeat buyers; NaN without a spread. Gamma-Gamma assumes 0."""
        known = self.spenders
        if not len(known.x) or np.ptp(known.x) == 0 or np.ptp(known.m) == 0:
            return float("nan")
        x, m = (_mean_ranks(values, known.customers) for values in (known.x, known.m))
        return validation.correlation(x, m, known.customers)

    @property
    def tested_on(self) -> dt.date:
        """As of which day models are tested: the last month's end, or this day where the history up to that one is
        shorter than a year."""
        closed = month_end(self.day)
        is_long = self.today.history_days - (self.day - closed).days >= LEAST_CLOSED_DAYS
        return closed if is_long else self.day

    @cached_property
    def verdicts(self) -> Verdicts:
        """What the tests came to, on an earlier night where nothing has changed since that they follow from."""
        known = self._known_on(self.tested_on)
        key = key_of(known)
        found = self._kept_verdicts.find(key)
        if found is None:
            found = self._kept_verdicts.keep(key, Trial(known).verdicts)
            if known is not self:
                self.fitting_seconds += known.fitting_seconds
                self._is_numbered = False  # the customers have been numbered as of that day
        return found

    def _known_on(self, day: dt.date) -> Known:
        if day == self.day:
            return self
        known = Known(self.engine, self.settings, day, kept=self._kept)
        known.churn_horizon = self.churn_horizon  # decided as of a month's end, too
        return known

    @property
    def counts_windows(self) -> list[Cohort]:
        """What boosted counts learn from at the end of the day."""
        return self.windows(self.verdicts.learner, self.day)

    @cached_property
    def season(self) -> Season:
        """What the days from the snapshot date on are worth, by the model of counts."""
        counts = self.verdicts.of.get("counts")
        name = self.fitted(counts.standings.champion() if counts else "").model.name
        factors, pace = self.factors_at(self.day, name), purchases_a_day(self.calendar, self.day)
        is_tested = "purchase_30d" in self.verdicts.of
        recent = self.factor_since(self.before(RECENT_DAYS), name) if is_tested else None
        return Season(self.before(YEAR_DAYS), factors, name, *pace, recent)

    @property
    def clock(self) -> Clock:
        return self.season.clock

    @cached_property
    def interval_corrections(self) -> Array:
        """Of the interval of value, by class of x; none where there was nothing to test it on."""
        value = self.verdicts.of.get("value")
        found = value.corrections.get(self.tested_interval) if value else None
        return np.zeros(len(conformal.CLASSES)) if found is None else np.array(found)

    @property
    def tested_interval(self) -> str:
        """The model whose interval of value is published: the champion of counts, or where that could not be tested so
        far back, the timing model behind it."""
        value, counts = self.verdicts.of.get("value"), self.champions["counts"]
        return counts.model if value and counts.model in value.corrections else counts.timing_model

    @cached_property
    def champions(self) -> dict[Target, Champion]:
        targets: dict[Target, int] = {"counts": LONGEST_HOLDOUT_DAYS, **self.horizons}
        return {target: self._champion(target, horizon) for target, horizon in targets.items()}

    @property
    def sentence(self) -> str:
        """Which models are published, for the log."""
        published = ", ".join(f"{champion.target} by {champion.model}" for champion in self.champions.values()) + "."
        churn = self.churn_horizon
        if churn.has_changed:
            published += f" The churn horizon is {churn.days} days; before {churn.decided_on} it was {churn.before}."
        if not abs(self.spend_correlation) > STRONG_CORRELATION:
            return published
        return (
            f"{published} Careful: spend and frequency go together (Spearman {self.spend_correlation:.2f}), which the "
            f"spend model assumes they do not; look at the bias of value in model_validation."
        )

    # ── helpers ───────────────────────────────────────────────────────────────────────────────────────────────────

    def fitted(self, name: str) -> Fit:
        """The fit on all data whose model has this name; where it is not among them, the one of least AIC."""
        fits = [found for found in self.fits(self.day).values() if found.status != "refused"]
        return min(fits, key=lambda found: (found.model.name != name, found.aic))

    def best_timing(self, target: Target) -> TimingModel:
        """The timing model of a target: its champion, or where that is trained, the best timing model behind it."""
        verdict = self.verdicts.of.get(target)
        return self.fitted(verdict.standings.best_timing if verdict else "").model

    def _champion(self, target: Target, horizon: int) -> Champion:
        verdict = self.verdicts.of.get(target)
        if target in PROBABILITIES and self._is_untested(target, verdict):
            status = self._status(target, horizon, "not_validated")
            return Champion(target, horizon, BLEND, self.best_timing(target).name, status, None, _UNTESTED_BLEND)
        if verdict is None:
            name = self.fitted("").model.name
            reason = "The history is too short for a holdout; this timing model has the least AIC."
            return Champion(target, horizon, name, name, self._status(target, horizon, "not_validated"), None, reason)
        standings = verdict.standings
        name = standings.champion(self._barred(target))
        score = standings.losses[name] if standings.is_probability else standings.scores[name]["bias_percent"]
        timing = self.fitted(standings.best_timing if name in TRAINED else name).model.name
        status, days = self._status(target, horizon, "ok"), verdict.days
        if target == "counts":
            is_boosted = standings.is_boosted and is_learnable(self.counts_windows)
            model, reason = (BOOSTED, _BOOSTED) if is_boosted else (timing, _LEAST_BIAS)
        else:
            model, reason = (
                (name, _UNBEATEN_BLEND) if name == BLEND else (name if name in TRAINED else timing, _LEAST_LOSS)
            )
        return Champion(target, days, model, timing, status, score, reason)

    def _is_untested(self, target: Target, verdict: Verdict | None) -> bool:
        """Whether a classifier can be trained, but the history is too short to test one."""
        is_tested = verdict is not None and BLEND in verdict.standings.losses
        return not is_tested and is_learnable(self.windows(target, self.day))

    def _barred(self, target: Target) -> frozenset[str]:
        """Alone, a classifier of 90 days is not to be trusted where the year is not known: it takes the days to come
        for those it learnt from. Nor is one of fewer than 90 and more than 30."""
        is_known = not 30 < self.horizons.get(target, 0) <= 90 or self.season.factors[90].is_known
        return frozenset() if is_known else frozenset({CLASSIFIER})

    def _status(self, target: Target, horizon: int, otherwise: str) -> str:
        """Counts and value look a year ahead. An unknown season comes first: it concerns the days of now."""
        status = self.season.status(365 if target == "counts" else horizon)
        return otherwise if status == "ok" else status


def _mean_ranks(values: Array, customers: Array) -> Array:
    """Rank of each of n groups of customers with equal values, the mean of those who share it; (n,)."""
    levels, place = np.unique(values, return_inverse=True)
    number = np.bincount(place, customers, len(levels))
    return np.asarray((np.cumsum(number) - (number - 1) / 2)[place])


def last_models(parameters: Sequence[tuple[str, str, float]]) -> dict[str, TimingModel | GammaGamma]:
    """Models from rows (model, parameter, estimate) of an earlier snapshot: where tonight's search may start."""
    found: dict[str, TimingModel | GammaGamma] = {}
    kinds: list[type[TimingModel | GammaGamma]] = [*ALL_KINDS, GammaGamma]
    for kind in kinds:
        values = {parameter: estimate for model, parameter, estimate in parameters if model == kind.name}
        if set(values) == {field.name for field in fields(kind)}:
            found[kind.name] = kind(**values)
    return found
