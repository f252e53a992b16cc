"""The tests of one day: every model of every target on its holdouts, and what came of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain

from pipeline.models.clock import Clock
from pipeline.steps.prediction.holdouts import (
    PROBABILITIES,
    Judged,
    Target,
    boosted_factors,
    is_enough,
    is_learnable,
    judge_boosted,
    judge_counts,
    judge_probability,
    judge_value,
    with_boosted,
)
from pipeline.steps.prediction.inputs import TRAINED_ON, WINDOW_DAYS, Cohort
from pipeline.steps.prediction.known import Known
from pipeline.steps.prediction.season import clock_of
from pipeline.steps.prediction.threads import side_by_side
from pipeline.steps.prediction.verdicts import Verdict, Verdicts, fit_row

Judge = Callable[[], Judged]

LONGEST_HOLDOUT_DAYS = 182
CHOICES = 3
"""Origins, WINDOW_DAYS apart, whose holdouts choose the model of a probability."""


class Trial:
    """Models and baselines on days that they have not seen, as far as the history up to the day of `known` is long
    enough. Nothing of it depends on models of that day, nor on what an earlier night found."""

    def __init__(self, known: Known) -> None:
        self.known = known

    @cached_property
    def verdicts(self) -> Verdicts:
        known, judged = self.known, self.judged
        counts = judged.get("counts")
        return Verdicts(
            known.day,
            {target: Verdict.of(one) for target, one in judged.items()},
            self.learner,
            known.models(counts.cohort.origin)[self._name] if counts else None,
            [fit_row(*found) for found in known.all_fits if found[0] != known.day],
        )

    @cached_property
    def judged(self) -> dict[Target, Judged]:
        """The holdouts that the history is long enough for; earlier origins behind the last."""
        counts, origins = self._customers_of_counts, {after.origin for after, _ in chain(*self._tests.values())}
        self.known.fit_at(origins if counts is None else {counts.origin, *origins})
        found: dict[Target, Judged] = {} if self._counts is None else {"counts": self._counts}
        self.known.learn_years(origins, {self._name})
        judges = [*self._judges_of_counts(), *chain(*map(self._judges_of, self._tests))]
        results = zip(judges, side_by_side(lambda judge: judge[1](), judges), strict=True)
        for (target, _), judged in results:
            last = found.get(target)
            found[target] = judged if last is None else replace(last, earlier=(*last.earlier, judged))
        return found | self._of_same_horizon(found)

    def _of_same_horizon(self, judged: Mapping[Target, Judged]) -> dict[Target, Judged]:
        """What is judged of a probability is true of another with the same horizon."""
        by_horizon, horizons = self.known.by_horizon, self.known.horizons
        same = {target: by_horizon[horizons[target]] for target in PROBABILITIES}
        return {t: replace(judged[one], target=t) for t, one in same.items() if t != one and one in judged}

    # ── probabilities ─────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _tests(self) -> dict[Target, list[tuple[Cohort, list[Cohort]]]]:
        """By target its holdouts, the last first, each with what a classifier learns before it."""
        return {target: list(self._tests_of(target)) for target in self.known.by_horizon.values()}

    def _tests_of(self, target: Target) -> Iterator[tuple[Cohort, list[Cohort]]]:
        known = self.known
        for place in range(CHOICES):
            origin = known.before(known.horizons[target] + WINDOW_DAYS * place)
            after = known.holdout(origin, known.day, True) if place == 0 else known.window(origin, target)
            if after is None or not is_enough(after):
                return
            yield after, known.windows(target, origin)

    def _judges_of(self, target: Target) -> Iterator[tuple[Target, Judge]]:
        for place, (after, learnt) in enumerate(self._tests[target]):
            models, clock = self.known.models(after.origin), self._clock(after.origin, self._name)
            # That of the earlier ones only helps to choose, so a part of the customers will do.
            most = TRAINED_ON // CHOICES if place else TRAINED_ON
            yield target, partial(judge_probability, target, after, learnt, models, clock, most)

    # ── counts and value ──────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def learner(self) -> Target:
        """By whose windows boosted counts are learnt: of 90 days, or of 30 where these cannot be tested yet."""
        can_test = any(is_learnable(learnt) for _, learnt in self._tests["purchase_90d"])
        return "purchase_90d" if can_test else "purchase_30d"

    @cached_property
    def _tests_of_boosted(self) -> list[tuple[Cohort, list[Cohort]]]:
        return [(after, learnt) for after, learnt in self._tests[self.learner] if is_learnable(learnt)]

    @cached_property
    def _held_back(self) -> int:
        return min(LONGEST_HOLDOUT_DAYS, (self.known.today.history_days + 1) // 3)

    @cached_property
    def _customers_of_counts(self) -> Cohort | None:
        known = self.known
        found = known.holdout(known.before(self._held_back), known.day, detailed=bool(self._tests_of_boosted))
        return found if is_enough(found) else None

    @cached_property
    def _clocks(self) -> dict[str, Clock]:
        """Of the models of counts, each by what it had expected a year before."""
        assert self._customers_of_counts is not None
        origin = self._customers_of_counts.origin
        models = self.known.models(origin)
        self.known.learn_years({origin}, models)
        return {name: self._clock(origin, name) for name in models}

    @cached_property
    def _counts(self) -> Judged | None:
        """Of the timing models, and of boosted counts beside them where these can be tried."""
        after = self._customers_of_counts
        if after is None:
            return None
        models = self.known.models(after.origin)
        judged = judge_counts(after, models, self._clocks)
        learnt = self.known.windows(self.learner, self.known.before(-(-self._held_back // WINDOW_DAYS) * WINDOW_DAYS))
        if not self._tests_of_boosted or not is_learnable(learnt):
            return judged
        best = judged.standings.champion()
        spread = boosted_factors(after, learnt, models[best], self._clocks[best], TRAINED_ON // CHOICES)
        return with_boosted(judged, spread)

    @cached_property
    def _name(self) -> str:
        """Kind of the best timing model of counts, by whose clock all probabilities run. Where these have no holdout no
        kind has that name, and the one of least AIC stands in."""
        return self._counts.standings.champion() if self._counts else ""

    def _judges_of_counts(self) -> Iterator[tuple[Target, Judge]]:
        counts = self._counts
        if counts is None:
            return
        for after, learnt in self._tests_of_boosted:
            model, clock = self.known.model_at(after.origin, self._name), self._clock(after.origin, self._name)
            yield "counts", partial(judge_boosted, after, learnt, model, clock, TRAINED_ON // CHOICES)
        origin = counts.cohort.origin
        spend = self.known.spend_at(origin, counts.cohort.spenders)
        if spend is not None:
            yield "value", partial(judge_value, counts, self.known.models(origin), spend, self._clocks)

    def _clock(self, origin: dt.date, name: str) -> Clock:
        return clock_of(self.known.factors_at(origin, name))
