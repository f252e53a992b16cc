"""One night of the models: what is fitted, what it is tested on, which model is published."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models import conformal, validation
from pipeline.models.beta_geometric import BGNBD, MBGNBD
from pipeline.models.clock import LEAST_DAYS as LEAST_SEASON_DAYS
from pipeline.models.clock import Clock, Factor, ratio
from pipeline.models.fitting import Fit, Prepared, fit
from pipeline.models.gamma_gamma import LEAST_REPEAT_BUYERS, GammaGamma, Spenders, SpendFit, fit_spend
from pipeline.models.histories import Array, Histories
from pipeline.models.nbd import NBD
from pipeline.models.pareto_nbd import ParetoNBD
from pipeline.models.timing import TimingModel
from pipeline.settings import Settings
from pipeline.steps.prediction.churn_horizon import ChurnHorizon, churn_horizon
from pipeline.steps.prediction.holdouts import (
    BLEND,
    BOOSTED,
    CLASSIFIER,
    PROBABILITIES,
    TRAINED,
    Judged,
    Target,
    boosted_factors,
    is_enough,
    is_learnable,
    judge_boosted,
    judge_counts,
    judge_probability,
    judge_value,
    usable,
    with_boosted,
)
from pipeline.steps.prediction.inputs import (
    FEATURES,
    LARGEST_SAMPLE,
    LEAST_WINDOW_DAYS,
    RHYTHM,
    TRAINED_ON,
    WINDOW_DAYS,
    WINDOWS,
    Cohort,
    Everybody,
    Part,
    calendar,
    cohort,
    everybody,
    histories_of,
    number_customers,
    spenders,
    window,
    year_ago,
)
from pipeline.steps.prediction.kept_fits import KeptFits, key_of
from pipeline.steps.prediction.season import YEAR_DAYS, Season, clock_of, factors_of, purchases_a_day, unknown
from pipeline.steps.prediction.threads import side_by_side

KINDS: tuple[type[TimingModel], ...] = (BGNBD, MBGNBD, ParetoNBD)
_ALL_KINDS: tuple[type[TimingModel], ...] = (*KINDS, NBD)
LEAST_BUYERS, LEAST_DAYS, LEAST_FREQUENT, LONGEST_SILENCE_DAYS = 500, 180, 50, 30
LONGEST_HOLDOUT_DAYS = 182
CHOICES = 3
"""Origins, WINDOW_DAYS apart, whose holdouts choose the model of a probability."""
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

Model = TypeVar("Model", TimingModel, GammaGamma)


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


class Night:
    """The models of one snapshot date. Everything is computed once, when first asked for."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        day: dt.date,
        last: Mapping[str, TimingModel | GammaGamma] | None = None,
        kept: KeptFits | None = None,
    ) -> None:
        """`last`: models of an earlier night, where the search on all data may start. `kept`: fits of earlier nights,
        and of this one afterwards."""
        self.engine = engine
        self.settings = settings
        self.day = day
        self._last = last or {}
        self._kept = kept or KeptFits(None)
        self._holdouts: dict[tuple[dt.date, dt.date], Cohort] = {}
        self._windows: dict[dt.date, dict[dt.date, Cohort]] = {}
        self._found: dict[dt.date, dict[str, Fit]] = {}
        self._spent: dict[dt.date, SpendFit] = {}
        self._years: dict[dt.date, pl.DataFrame] = {}
        self._is_numbered = False
        self.fitting_seconds = 0.0

    # ── what there is to work with ────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def today(self) -> Everybody:
        return everybody(self.engine, self.day)

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
        return self._spend_at(self.day, self.spenders)

    @cached_property
    def spend_correlation(self) -> float:
        """Spearman's ρ of frequency and mean spend of repeat buyers; NaN without a spread. Gamma-Gamma assumes 0."""
        known = self.spenders
        if not len(known.x) or np.ptp(known.x) == 0 or np.ptp(known.m) == 0:
            return float("nan")
        x, m = (_mean_ranks(values, known.customers) for values in (known.x, known.m))
        return validation.correlation(x, m, known.customers)

    @cached_property
    def judged(self) -> dict[Target, Judged]:
        """The holdouts that the history is long enough for."""
        third = (self.today.history_days + 1) // 3
        tests = self._tests
        of_boosted = [(after, learnt) for after, learnt in tests[self._learner] if is_learnable(learnt)]
        held_back = min(LONGEST_HOLDOUT_DAYS, third)
        counts = self.holdout(self.before(held_back), self.day, detailed=bool(of_boosted))
        origins = {cohort.origin for of_target in tests.values() for cohort, _ in of_target}
        self.fit_at({self.day, *origins, *({counts.origin} if is_enough(counts) else ())})

        # Counts come first: by the clock of their champion all probabilities run.
        found: dict[Target, Judged] = {}
        if is_enough(counts):
            models, spend = self.models(counts.origin), self._spend_at(counts.origin, counts.spenders)
            self._learn_years({counts.origin}, models)
            clocks = {name: clock_of(self.factors_at(counts.origin, name)) for name in models}
            found["counts"] = judge_counts(counts, models, clocks)
        name = self._model_of_counts(found.get("counts"))
        self._learn_years({self.day, *origins}, {name})
        judges: list[tuple[Target, Callable[[], Judged]]] = []
        if is_enough(counts):
            known = self.windows(self._learner, self.before(-(-held_back // WINDOW_DAYS) * WINDOW_DAYS))
            if of_boosted and is_learnable(known):
                best = found["counts"].champion()
                spread = boosted_factors(counts, known, models[best], clocks[best], TRAINED_ON // CHOICES)
                found["counts"] = with_boosted(found["counts"], spread)
            for after, learnt in of_boosted:
                model, clock = self._model_at(after.origin, name), clock_of(self.factors_at(after.origin, name))
                judges.append(("counts", partial(judge_boosted, after, learnt, model, clock, TRAINED_ON // CHOICES)))
        if is_enough(counts) and spend is not None:
            judges.append(("value", partial(judge_value, found["counts"], models, spend, clocks)))
        for target, of_target in tests.items():
            for after, learnt in of_target:
                models, clock = self.models(after.origin), clock_of(self.factors_at(after.origin, name))
                # That of the earlier ones only helps to choose, so a part of the customers will do.
                most = TRAINED_ON if after is of_target[0][0] else TRAINED_ON // CHOICES
                judges.append((target, partial(judge_probability, target, after, learnt, models, clock, most)))
        results = zip(judges, side_by_side(lambda judge: judge[1](), judges), strict=True)
        for (target, _), judged in results:
            last = found.get(target)
            found[target] = judged if last is None else replace(last, earlier=(*last.earlier, judged))
        return found | self._of_same_horizon(found)

    def _of_same_horizon(self, judged: Mapping[Target, Judged]) -> dict[Target, Judged]:
        """What is judged of a probability is true of another with the same horizon."""
        same = {target: self.by_horizon[self.horizons[target]] for target in PROBABILITIES}
        return {t: replace(judged[one], target=t) for t, one in same.items() if t != one and one in judged}

    @cached_property
    def _tests(self) -> dict[Target, list[tuple[Cohort, list[Cohort]]]]:
        return {target: self._tests_of(target) for target in self.by_horizon.values()}

    @cached_property
    def _learner(self) -> Target:
        """By whose windows boosted counts are learnt: of 90 days, or of 30 where these cannot be tested yet."""
        can_test = any(is_learnable(learnt) for _, learnt in self._tests["purchase_90d"])
        return "purchase_90d" if can_test else "purchase_30d"

    @property
    def counts_windows(self) -> list[Cohort]:
        """What boosted counts learn from at the end of the day."""
        return self.windows(self._learner, self.day)

    def _tests_of(self, target: Target) -> list[tuple[Cohort, list[Cohort]]]:
        """The holdouts of a probability, the last first, each with what a classifier learns before it."""
        horizon, found = self.horizons[target], []
        for place in range(CHOICES):
            origin = self.before(horizon + WINDOW_DAYS * place)
            after = self.holdout(origin, self.day, detailed=True) if place == 0 else self._window(origin, target)
            if after is None or not is_enough(after):
                break
            found.append((after, self.windows(target, origin)))
        return found

    def windows(self, target: Target, until: dt.date) -> list[Cohort]:
        """What a classifier of a probability may learn at the end of a day: customers of up to WINDOWS origins and
        whether they bought, the last origin first."""
        origins = (until - dt.timedelta(self.horizons[target] + WINDOW_DAYS * place) for place in range(WINDOWS))
        return [found for found in (self._window(origin, target) for origin in origins) if found is not None]

    def _window(self, origin: dt.date, target: Target) -> Cohort | None:
        """A sample of the customers of an origin with what they bought within the horizon; None with too short a
        history. One query tells of all horizons that are over."""
        if self.today.history_days - (self.day - origin).days < LEAST_WINDOW_DAYS:
            return None
        ends = [min(origin + dt.timedelta(days), self.day) for days in self.horizons.values()]
        if origin not in self._windows:
            self._windows[origin] = window(self.engine, origin, ends, self._sample(TRAINED_ON))
        return self._windows[origin][min(origin + dt.timedelta(self.horizons[target]), self.day)]

    @cached_property
    def season(self) -> Season:
        """What the days from the snapshot date on are worth, by the model of counts."""
        name, recent = self._model_of_counts(self.judged.get("counts")), None
        if "purchase_30d" in self.judged:
            last = self.judged["purchase_30d"].cohort
            h, model = last.histories, self._model_at(last.origin, name)
            recent = ratio(float(model.expected_purchases(last.weeks, h.x, h.t_x, h.T).sum()), float(last.later.sum()))
        factors, pace = self.factors_at(self.day, name), purchases_a_day(self.calendar, self.day)
        return Season(self.before(YEAR_DAYS), factors, name, *pace, recent)

    @property
    def clock(self) -> Clock:
        return self.season.clock

    def factors_at(self, origin: dt.date, name: str) -> dict[int, Factor]:
        """By horizon, of the days from an origin on: what a model of this kind expected of them a year before it."""
        self._learn_years({origin}, {name})
        year_before = origin - dt.timedelta(days=YEAR_DAYS)
        if year_before not in self._years:
            return unknown()
        return factors_of(self._model_at(year_before, name), self._years[year_before])

    def _learn_years(self, origins: Collection[dt.date], names: Collection[str]) -> None:
        """Fit what the seasons from these origins on are told by, where the history goes back far enough."""
        before = {origin - dt.timedelta(days=YEAR_DAYS): origin for origin in sorted(origins)}
        known = {day for day in before if self.today.history_days - (self.day - day).days >= LEAST_SEASON_DAYS}
        for day in sorted(known - self._years.keys()):
            self._years[day] = year_ago(self.engine, day, before[day], self._sample(LARGEST_SAMPLE))
        self.fit_at(known, [kind for kind in _ALL_KINDS if kind.name in names])

    def _model_at(self, origin: dt.date, name: str) -> TimingModel:
        """The model of a kind as of an origin; where it does not hold there, the one of least AIC."""
        own = self._found.get(origin, {}).get(name)
        if own is not None and own.status != "refused":
            return own.model
        return min((f for f in self.fits(origin).values() if f.status != "refused"), key=lambda f: f.aic).model

    @cached_property
    def churn_horizon(self) -> ChurnHorizon:
        first = self.before(self.today.history_days - LEAST_DAYS)
        return churn_horizon(self.engine, self.day, first, self.settings.churn_horizon_days)

    @property
    def horizons(self) -> dict[Target, int]:
        """Days of the probabilities that are published."""
        return dict(zip(PROBABILITIES, (30, 90, self.churn_horizon.days), strict=True))

    @property
    def by_horizon(self) -> dict[int, Target]:
        """Probabilities by their days, the shortest first; of two with the same days only the first."""
        targets = {days: target for target, days in reversed(self.horizons.items())}
        return dict(sorted(targets.items()))

    @cached_property
    def interval_corrections(self) -> Array:
        """Of the interval of value, by class of x; none where there was nothing to test it on."""
        value = self.judged.get("value")
        found = value.intervals.get(self.tested_interval) if value else None
        return np.zeros(len(conformal.CLASSES)) if found is None else found.corrections

    @property
    def tested_interval(self) -> str:
        """The model whose interval of value is published: the champion of counts, or where that could not be tested so
        far back, the timing model behind it."""
        value, counts = self.judged.get("value"), self.champions["counts"]
        return counts.model if value and counts.model in value.intervals else counts.timing_model

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

    def before(self, days: int) -> dt.date:
        return self.day - dt.timedelta(days=days)

    def cohort(self, origin: dt.date, until: dt.date) -> Cohort:
        return cohort(self.engine, origin, until)

    def holdout(self, origin: dt.date, until: dt.date, detailed: bool = False) -> Cohort:
        """A sample is enough to judge by and to learn from; only what is published is made for everybody.

        `detailed`: with all that a classifier may know.
        """
        known = self._holdouts.get((origin, until))
        if known is None or (detailed and not known.is_detailed):
            columns = FEATURES if detailed else RHYTHM
            known = cohort(self.engine, origin, until, self._sample(LARGEST_SAMPLE), columns)
            self._holdouts[origin, until] = known
        return known

    def fits(self, origin: dt.date) -> dict[str, Fit]:
        """Fits at an origin, each kind once, and the NBD where no other holds."""
        self.fit_at({origin})
        return self._found[origin]

    def fit_at(self, origins: Collection[dt.date], kinds: Sequence[type[TimingModel]] = KINDS) -> None:
        """Fit these kinds at the origins where that has not been done."""
        days = sorted(origins, reverse=True)
        # What takes longest comes first.
        wanted = [(kind, day) for kind in reversed(kinds) for day in days if kind.name not in self._found.get(day, {})]
        if not wanted:
            return
        histories = {day: self._histories_at(day) for day in {day for _, day in wanted}}
        begun = time.perf_counter()
        keys = {one: key_of(one[0], histories[one[1]], self._start(*one), self.settings.clv.fitter) for one in wanted}
        found = {one: known for one, key in keys.items() if (known := self._kept.find(key))}
        found |= self._fitted([one for one in wanted if one not in found], histories)
        for (kind, day), key in keys.items():
            self._found.setdefault(day, {})[kind.name] = found[kind, day]
            self._kept.keep(key, found[kind, day])
        for day in histories:
            fits = self._found[day]
            if not usable(fits) and all(kind.name in fits for kind in KINDS):
                fits[NBD.name] = fit(NBD, histories[day])
            self._found[day] = {kind.name: fits[kind.name] for kind in _ALL_KINDS if kind.name in fits}
        self.fitting_seconds += time.perf_counter() - begun

    def _fitted(
        self, wanted: Sequence[tuple[type[TimingModel], dt.date]], histories: Mapping[dt.date, Histories]
    ) -> dict[tuple[type[TimingModel], dt.date], Fit]:
        """Side by side; what the kinds share of a day is computed once."""
        fitter, given = self._fitter(), dict[dt.date, Histories | Prepared](histories)
        if fitter is fit:
            days = list(dict.fromkeys(day for _, day in wanted))
            given |= zip(days, side_by_side(lambda day: Prepared.of(histories[day]), days), strict=True)
        alone = fitter is not fit  # derivatives of lifetimes are no business of two threads
        fits = side_by_side(lambda one: fitter(one[0], given[one[1]], self._start(*one)), wanted, alone)
        return dict(zip(wanted, fits, strict=True))

    def _histories_at(self, origin: dt.date) -> Histories:
        if origin == self.day:
            return self.today.histories
        if origin in self._years:
            return histories_of(self._years[origin])
        if (origin, self.day) not in self._holdouts and origin in self._windows:
            return next(iter(self._windows[origin].values())).grouped
        return self.holdout(origin, self.day).grouped

    def _sample(self, most: int) -> Part:
        """About so many customers at most, the same whenever it is asked for."""
        parts = -(-self.today.customers // most)
        if parts > 1 and not self._is_numbered:
            number_customers(self.engine, self.day)
            self._is_numbered = True
        return Part(0, parts)

    @property
    def all_fits(self) -> list[tuple[dt.date, str, Fit | SpendFit]]:
        """Every fit made so far: origin, model that was asked for, what came out."""
        timing = [(origin, name, found) for origin, fits in self._found.items() for name, found in fits.items()]
        return [*timing, *((origin, found.name, found) for origin, found in self._spent.items())]

    def models(self, origin: dt.date) -> dict[str, TimingModel]:
        return usable(self.fits(origin))

    def fitted(self, name: str) -> Fit:
        """The fit on all data whose model has this name; where it is not among them, the one of least AIC."""
        fits = [found for found in self.fits(self.day).values() if found.status != "refused"]
        return min(fits, key=lambda found: (found.model.name != name, found.aic))

    def best_timing(self, target: Target) -> TimingModel:
        """The timing model of a target: its champion, or where that is trained, the best timing model behind it."""
        judged = self.judged.get(target)
        if judged is None:
            return self.fitted("").model
        return self.fitted(judged.best_timing).model

    def _fitter(self) -> Callable[[type[TimingModel], Any, TimingModel | None], Fit]:
        """What fits histories, or where it is ours what is prepared of them. Asked before threads begin, which must
        import nothing: two that import a package can find it half made."""
        if self.settings.clv.fitter == "perennial":
            return fit
        from pipeline.models import lifetimes_fitter

        return lambda kind, histories, _: (fit if kind is NBD else lifetimes_fitter.fit)(kind, histories)

    def _champion(self, target: Target, horizon: int) -> Champion:
        judged = self.judged.get(target)
        if target in PROBABILITIES and self._is_untested(target, judged):
            status = self._status(target, horizon, "not_validated")
            return Champion(target, horizon, BLEND, self.best_timing(target).name, status, None, _UNTESTED_BLEND)
        if judged is None:
            name = self.fitted("").model.name
            reason = "The history is too short for a holdout; this timing model has the least AIC."
            return Champion(target, horizon, name, name, self._status(target, horizon, "not_validated"), None, reason)
        name = judged.champion(self._barred(target))
        score = judged.losses[name] if judged.is_probability else judged.scores[name]["bias_percent"]
        timing = self.fitted(judged.best_timing if name in TRAINED else name).model.name
        status, days = self._status(target, horizon, "ok"), judged.cohort.days
        if target == "counts":
            is_boosted = judged.is_boosted and is_learnable(self.counts_windows)
            model, reason = (BOOSTED, _BOOSTED) if is_boosted else (timing, _LEAST_BIAS)
        else:
            model, reason = (
                (name, _UNBEATEN_BLEND) if name == BLEND else (name if name in TRAINED else timing, _LEAST_LOSS)
            )
        return Champion(target, days, model, timing, status, score, reason)

    def _is_untested(self, target: Target, judged: Judged | None) -> bool:
        """Whether a classifier can be trained, but the history is too short to test one."""
        is_tested = judged is not None and BLEND in judged.losses
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

    def _model_of_counts(self, judged: Judged | None) -> str:
        return self.fitted(judged.champion() if judged else "").model.name

    def _spend_at(self, origin: dt.date, spenders: Spenders) -> SpendFit | None:
        if spenders.total < LEAST_REPEAT_BUYERS:
            return None
        if origin not in self._spent:
            begun = time.perf_counter()
            self._spent[origin] = fit_spend(spenders, self._start(GammaGamma, origin))
            self.fitting_seconds += time.perf_counter() - begun
        spend = self._spent[origin]
        return None if spend.status == "refused" else spend

    def _start(self, kind: type[Model], origin: dt.date) -> Model | None:
        """Last night's model. Holdouts never start from it: it has seen what they are tested on."""
        last = self._last.get(kind.name) if origin == self.day else None
        return last if isinstance(last, kind) else None


def _mean_ranks(values: Array, customers: Array) -> Array:
    """Rank of each of n groups of customers with equal values, the mean of those who share it; (n,)."""
    levels, place = np.unique(values, return_inverse=True)
    number = np.bincount(place, customers, len(levels))
    return np.asarray((np.cumsum(number) - (number - 1) / 2)[place])


def last_models(parameters: Sequence[tuple[str, str, float]]) -> dict[str, TimingModel | GammaGamma]:
    """Models from rows (model, parameter, estimate) of an earlier snapshot: where tonight's search may start."""
    found: dict[str, TimingModel | GammaGamma] = {}
    kinds: list[type[TimingModel | GammaGamma]] = [*KINDS, NBD, GammaGamma]
    for kind in kinds:
        values = {parameter: estimate for model, parameter, estimate in parameters if model == kind.name}
        if set(values) == {field.name for field in fields(kind)}:
            found[kind.name] = kind(**values)
    return found
