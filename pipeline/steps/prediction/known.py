"""What is known at the end of a day, and the models that are fitted to it and to the days before."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models.beta_geometric import BGNBD, MBGNBD
from pipeline.models.clock import LEAST_DAYS as LEAST_SEASON_DAYS
from pipeline.models.clock import Factor, ratio
from pipeline.models.fitting import Fit, Prepared, fit
from pipeline.models.gamma_gamma import LEAST_REPEAT_BUYERS, GammaGamma, Spenders, SpendFit, fit_spend
from pipeline.models.histories import Histories
from pipeline.models.nbd import NBD
from pipeline.models.pareto_nbd import ParetoNBD
from pipeline.models.timing import TimingModel
from pipeline.settings import Settings
from pipeline.steps.prediction import inputs
from pipeline.steps.prediction.churn_horizon import ChurnHorizon, churn_horizon
from pipeline.steps.prediction.holdouts import PROBABILITIES, Target, usable
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
    cohort,
    everybody,
    histories_of,
    number_customers,
    year_ago,
)
from pipeline.steps.prediction.kept_fits import KeptFits, key_of
from pipeline.steps.prediction.season import YEAR_DAYS, factors_of, unknown
from pipeline.steps.prediction.threads import side_by_side

KINDS: tuple[type[TimingModel], ...] = (BGNBD, MBGNBD, ParetoNBD)
ALL_KINDS: tuple[type[TimingModel], ...] = (*KINDS, NBD)
LEAST_DAYS = 180

Model = TypeVar("Model", TimingModel, GammaGamma)


class Known:
    """What the data of today tell up to the end of a day. Everything is computed once, when first asked for."""

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

    @cached_property
    def today(self) -> Everybody:
        return everybody(self.engine, self.day)

    def windows(self, target: Target, until: dt.date) -> list[Cohort]:
        """What a classifier of a probability may learn at the end of a day: customers of up to WINDOWS origins and
        whether they bought, the last origin first."""
        origins = (until - dt.timedelta(self.horizons[target] + WINDOW_DAYS * place) for place in range(WINDOWS))
        return [found for found in (self.window(origin, target) for origin in origins) if found is not None]

    def window(self, origin: dt.date, target: Target) -> Cohort | None:
        """A sample of the customers of an origin with what they bought within the horizon; None with too short a
        history. One query tells of all horizons that are over."""
        if self.today.history_days - (self.day - origin).days < LEAST_WINDOW_DAYS:
            return None
        ends = [min(origin + dt.timedelta(days), self.day) for days in self.horizons.values()]
        if origin not in self._windows:
            self._windows[origin] = inputs.window(self.engine, origin, ends, self._sample(TRAINED_ON))
        return self._windows[origin][min(origin + dt.timedelta(self.horizons[target]), self.day)]

    def factors_at(self, origin: dt.date, name: str) -> dict[int, Factor]:
        """By horizon, of the days from an origin on: what a model of this kind expected of them a year before it."""
        self.learn_years({origin}, {name})
        year_before = origin - dt.timedelta(days=YEAR_DAYS)
        if year_before not in self._years:
            return unknown()
        return factors_of(self.model_at(year_before, name), self._years[year_before])

    def learn_years(self, origins: Collection[dt.date], names: Collection[str]) -> None:
        """Fit what the seasons from these origins on are told by, where the history goes back far enough."""
        before = {origin - dt.timedelta(days=YEAR_DAYS): origin for origin in sorted(origins)}
        known = {day for day in before if self.today.history_days - (self.day - day).days >= LEAST_SEASON_DAYS}
        for day in sorted(known - self._years.keys()):
            self._years[day] = year_ago(self.engine, day, before[day], self._sample(LARGEST_SAMPLE))
        self.fit_at(known, [kind for kind in ALL_KINDS if kind.name in names])

    def factor_since(self, origin: dt.date, name: str) -> float:
        """Usual days that a day from an origin up to the day was worth, by a model of this kind that had not seen
        them."""
        if origin not in self._years:
            self._years[origin] = year_ago(self.engine, origin, self.day, self._sample(LARGEST_SAMPLE))
        self.fit_at({origin}, [kind for kind in ALL_KINDS if kind.name == name])
        h, days = histories_of(self._years[origin]), (self.day - origin).days
        expected = h.customers @ self.model_at(origin, name).expected_purchases(days / 7, h.x, h.t_x, h.T)
        return ratio(float(expected), float(self._years[origin][f"later_{days}"].sum()))

    def model_at(self, origin: dt.date, name: str) -> TimingModel:
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
            self._found[day] = {kind.name: fits[kind.name] for kind in ALL_KINDS if kind.name in fits}
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

    def _fitter(self) -> Callable[[type[TimingModel], Any, TimingModel | None], Fit]:
        """What fits histories, or where it is ours what is prepared of them. Asked before threads begin, which must
        import nothing: two that import a package can find it half made."""
        if self.settings.clv.fitter == "perennial":
            return fit
        from pipeline.models import lifetimes_fitter

        return lambda kind, histories, _: (fit if kind is NBD else lifetimes_fitter.fit)(kind, histories)

    def spend_at(self, origin: dt.date, spenders: Spenders) -> SpendFit | None:
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
