"""What the pages on predictions share: which models are published, how they did when tested, and what is missing.

A snapshot without champions has no predictions; `missing` then says which condition of the gate is not met.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.reporting import prediction_queries as queries
from pipeline.reporting import prediction_words as words
from pipeline.reporting.components import Field, Grid, grid
from pipeline.reporting.words import count, short_day

Ask = Callable[..., pl.DataFrame]
"""Runs a SELECT as of one snapshot date: other parameters by name."""

PROBABILITIES = ("purchase_30d", "purchase_90d", "churn")


@dataclass(frozen=True)
class Missing:
    """Why there is no prediction, and what is needed for one."""

    sentence: str
    needs: Grid


@dataclass(frozen=True)
class Predictions:
    """What is said beside predictions: `missing` is None where there are any, `verdict` where there are none."""

    missing: Missing | None
    verdict: words.Verdict | None
    churn_horizon: str
    """Which horizon churn has, and why; empty of a snapshot that did not say."""
    backtest: str
    """How projections of the lifecycle did; empty where no month is over."""
    published: tuple[str, ...] = ()
    """'target/model' of the published models under the names they were tested by, in the order they are told."""


@dataclass(frozen=True)
class Tested:
    """The published model of a target on its holdout, beside the naive baselines."""

    target: str
    model: str
    origin: dt.date
    days: int
    customers: int
    scores: Mapping[str, float | None]
    rivals: Mapping[str, float]
    """Score of every naive baseline in the metric that decides."""

    @property
    def metric(self) -> str:
        """What decides: log loss for probabilities; RMSE, whose best answer is the mean, for counts and value."""
        return metric_of(self.target)

    @property
    def score(self) -> float | None:
        return self.scores.get(self.metric)

    @property
    def rival(self) -> str | None:
        """The naive baseline that did best."""
        return min(self.rivals, key=lambda name: (self.rivals[name], name), default=None)

    @property
    def gain(self) -> float | None:
        """By which share the published model is better than the best baseline; None where they cannot be compared."""
        if self.score is None or self.rival is None or not self.rivals[self.rival]:
            return None
        return 1 - self.score / self.rivals[self.rival]

    @property
    def until(self) -> dt.date:
        return self.origin + dt.timedelta(days=self.days)


def metric_of(target: str) -> str:
    return "log_loss" if target in PROBABILITIES else "rmse"


def read_predictions(ask: Ask, day: dt.date) -> Predictions:
    champions = champions_of(ask)
    if not champions:
        return Predictions(missing(ask, day), None, "", backtest(ask))
    tested = holdouts_of(champions, ask(queries.VALIDATION))
    days = int(champions["churn"]["horizon_days"])
    published = tuple(f"{target}/{found.model}" for target, found in tested.items())
    verdict = verdict_of(champions, tested, days)
    return Predictions(None, verdict, churn_horizon_of(ask) or "", backtest(ask), published)


def champions_of(ask: Ask) -> dict[str, dict[str, Any]]:
    """Row of `champions` by target; empty where nothing is predicted."""
    return {row["target"]: row for row in ask(queries.CHAMPIONS).to_dicts()}


def probabilities_of(champions: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Of PROBABILITIES that have a champion those with days of their own, the shortest first: churn is told by another
    where it asks for the same days."""
    targets = {champions[target]["horizon_days"]: target for target in reversed(PROBABILITIES) if target in champions}
    return tuple(targets[days] for days in sorted(targets))


def verdict_of(champions: Mapping[str, Any], tested: Mapping[str, Tested], days: int) -> words.Verdict:
    """Whether the published models can be trusted, as their holdouts say; `days` are those of churn."""
    results = [
        words.Result(
            words.target_name(found.target, days),
            found.gain,
            found.scores.get("ece") if found.target in PROBABILITIES else None,
            None if found.target in PROBABILITIES else found.scores.get("bias_percent"),
        )
        for found in tested.values()
    ]
    first = min((found.origin for found in tested.values()), default=None)
    last = max((found.until for found in tested.values()), default=None)
    untested = [
        words.target_name(target, days)
        for target in champions
        if target not in tested and target in ("counts", *probabilities_of(champions))
    ]
    return words.verdict(results, first, last, untested)


def churn_horizon_of(ask: Ask) -> str | None:
    """Which horizon churn has, and why; None of a snapshot that did not say."""
    rows = ask(queries.CHURN_HORIZONS).to_dicts()
    return words.churn_horizon_sentences(rows) if rows else None


def backtest(ask: Ask) -> str:
    """What is said of the months that are over, as they would have been projected when each began."""
    told = list(ask(queries.BACKTEST).iter_rows())
    return words.backtest_sentence(told) if told else ""


def missing(ask: Ask, day: dt.date) -> Missing:
    """For a snapshot without predictions."""
    from pipeline.steps.prediction.known import LEAST_DAYS
    from pipeline.steps.prediction.nightly import LEAST_BUYERS, LEAST_FREQUENT, LONGEST_SILENCE_DAYS

    now = ask(queries.GATE).row(0, named=True)
    history, silent = now["history_days"], now["silent_days"]
    needs = [
        words.Need(
            "Customers who have bought", now["buyers"], f"at least {count(LEAST_BUYERS)}",
            now["buyers"] >= LEAST_BUYERS, words.more_buyers(now["buyers"], now["new_buyers"], LEAST_BUYERS),
        ),
        words.Need(
            "Days since the first order", history, f"at least {count(LEAST_DAYS)}",
            history is not None and history >= LEAST_DAYS,
            "180 days after the first order" if history is None
            else f"from {short_day(day + dt.timedelta(days=LEAST_DAYS - history))} on",
        ),
        words.Need(
            "Customers who have bought on three days or more", now["frequent"], f"at least {count(LEAST_FREQUENT)}",
            now["frequent"] >= LEAST_FREQUENT, f"with {count(max(0, LEAST_FREQUENT - now['frequent']))} more of them",
        ),
        words.Need(
            "Days since the last order", silent, f"fewer than {count(LONGEST_SILENCE_DAYS)}",
            silent is not None and silent < LONGEST_SILENCE_DAYS, "with the next export that has a recent order",
        ),
    ]  # fmt: skip
    fields = [Field("condition", "Predictions need"), Field("now", "Now", "count"), Field("needed", "Needed"),
              Field("when", "Met")]  # fmt: skip
    rows = [(need.name, need.now, need.needed, "yes" if need.met else need.when) for need in needs]
    return Missing(words.missing_sentence(needs, day), grid("What predictions need", fields, rows))


def holdouts_of(champions: Mapping[str, Mapping[str, Any]], validation: pl.DataFrame) -> dict[str, Tested]:
    """By target, for those that were tested."""
    found: dict[str, Tested] = {}
    for target in (*probabilities_of(champions), "counts", "value"):
        rows = validation.filter(pl.col("target") == target)
        champion = champions.get("counts" if target == "value" else target)
        if rows.is_empty() or champion is None or _is_untested(champion, target, rows):
            continue
        model = _tested_model(champion, rows, found.get("counts"))
        first = rows.row(0, named=True)
        rivals = rows.filter(pl.col("is_baseline") & (pl.col("metric") == metric_of(target)))
        rivals = rivals.drop_nulls("value")
        scores = rows.filter(pl.col("model") == model)
        found[target] = Tested(
            target, model, first["origin"], first["horizon_days"], first["customers"],
            dict(zip(scores["metric"], scores["value"], strict=True)),
            dict(zip(rivals["model"], rivals["value"], strict=True)),
        )  # fmt: skip
    return found


def _is_untested(champion: Mapping[str, Any], target: str, rows: pl.DataFrame) -> bool:
    """Whether the champion is a blend that could not be tested: the scores of others are not its own."""
    return target in PROBABILITIES and champion["score"] is None and champion["model"] not in rows["model"].to_list()


def _tested_model(champion: Mapping[str, Any], rows: pl.DataFrame, counts: Tested | None) -> str:
    """The champion's name on the holdout. A model of all data may have ended as another one than at the origin; then
    it is the one whose score the champion carries."""
    own = rows.filter(~pl.col("is_baseline"))
    target = rows["target"][0]
    wanted = counts.model if target == "value" and counts else champion["model"]
    if wanted in own["model"].to_list() or target == "value" or champion["score"] is None:
        return str(wanted if wanted in own["model"].to_list() else own["model"][0])
    metric = "mean_log_loss" if target in PROBABILITIES else "bias_percent"
    scored = own.filter(pl.col("metric") == metric).drop_nulls("value")
    nearest = scored.sort((pl.col("value") - champion["score"]).abs(), "model")
    return str(nearest["model"][0] if nearest.height else own["model"][0])
