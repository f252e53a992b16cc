"""`make validate`: the models beside their papers, beside what came after, and beside worlds whose truth is known.

Writes docs/validation.md. Takes minutes, draws every random number from a written seed and tells no times, so that it
writes the same document every time. What belongs here: figures beside the figures they are compared with. What does
not: how they are computed; that is what the library does every night.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.engines.duckdb import DuckDBEngine, confine, open_file
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.models import conformal, validation
from pipeline.models.beta_geometric import BGNBD, MBGNBD
from pipeline.models.clock import HORIZONS
from pipeline.models.clv import Horizon, value_interval
from pipeline.models.fitting import fit
from pipeline.models.gamma_gamma import BIN, MOST_EXACT, GammaGamma, Spenders, fit_spend
from pipeline.models.histories import Array, Histories
from pipeline.models.pareto_nbd import ParetoNBD
from pipeline.models.simulation import simulate, simulate_spend
from pipeline.models.timing import TimingModel
from pipeline.models.trend import by_chance, classify, least_count, power
from pipeline.settings import Settings
from pipeline.simulator.customers import draw
from pipeline.simulator.shop import Shop
from pipeline.steps.computed import compute_of, tables_of
from pipeline.steps.movement.projection import backtest, read_months
from pipeline.steps.prediction.backtest import PUBLISHED, outcomes, publish
from pipeline.steps.prediction.holdouts import (
    BLEND,
    TRAINED,
    Judged,
    Target,
    judge_counts,
    judge_probability,
)
from pipeline.steps.prediction.nightly import Night
from pipeline.tables.catalog import tables

PROJECT = Path(__file__).resolve().parent.parent
DOCUMENT = PROJECT / "docs" / "validation.md"
ONLINE_RETAIL = PROJECT.parent / "shared" / "data" / "online_retail.parquet"
# By path, because the package's own reader needs pkg_resources.
CDNOW = Path(str(importlib.util.find_spec("lifetimes").origin)).parent / "datasets"  # type: ignore[union-attr]
ORIGIN, HOLDOUT_DAYS, CDNOW_END = dt.date(1997, 9, 30), 273, dt.date(1998, 6, 30)
RETAIL_END = dt.date(2011, 12, 9)
JOURNEY = ONLINE_RETAIL.with_name("complete_journey") / "transactions.parquet"
CDNOW_ORIGINS = (ORIGIN, dt.date(1997, 12, 31), dt.date(1998, 3, 31))
RETAIL_ORIGINS = (dt.date(2011, 8, 10), dt.date(2011, 9, 10), dt.date(2011, 11, 9))
JOURNEY_ORIGINS, JOURNEY_END = (dt.date(2017, 7, 4), dt.date(2017, 10, 2)), dt.date(2017, 12, 31)
JOURNEY_BEST = {(7, "purchase_30d"): 0.2941, (7, "purchase_90d"): 0.1553, (10, "purchase_30d"): 0.2933,
                (10, "purchase_90d"): 0.1533}  # fmt: skip
"""Log loss of the best of 17 candidates in hindsight, by month of the origin, measured apart from this project."""
DECEMBER_ORIGINS = tuple(dt.date(2025, *day) for day in ((6, 30), (9, 30), (11, 30), (12, 11)))
DECEMBER_END = dt.date(2026, 11, 30)
DECEMBER, PROJECTED_SHOPS = "December doubles", 8

TITLES = {"bgnbd": "BG/NBD", "mbgnbd": "MBG/NBD", "pareto_nbd": "Pareto/NBD", "nbd": "NBD", "rate": "rate x/T",
          "zero": "nobody buys", "classifier": "classifier", "blend": "blend of classifier and timing model",
          "base_rate": "base rate", "recency_logistic": "recency logistic", "historic_spend": "spend goes on as before",
          "mean_spend": "everyone spends the mean",
          PUBLISHED: "**published**", "boosted": "boosted counts", "gamma_gamma": "Gamma-Gamma"}  # fmt: skip
PAPERS: dict[str, tuple[dict[str, float], float, float]] = {
    "bgnbd": ({"r": 0.2425945, "alpha": 4.4136019, "a": 0.7929199, "b": 2.4258881}, -9582.429, 5e-4),
    "pareto_nbd": ({"r": 0.55315, "alpha": 10.57633, "s": 0.60625, "beta": 11.67150}, -9594.976, 5e-4),
    "mbgnbd": ({"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}, -9582.14, 1e-3),
    "gamma_gamma": ({"p": 6.25, "q": 3.74, "v": 15.44}, -4055.92, 2e-3),
}
"""Parameters, log-likelihood, relative tolerance: the figures are rounded as published."""
PUBLISHED_HOLDOUT = {
    "bgnbd": (1653.4, 0.786, 1.608, 0.626), "mbgnbd": (1576.7, 0.765, 1.607, 0.627),
    "pareto_nbd": (1665.5, 0.755, 1.603, 0.630), "rate": (2930.1, 1.024, 2.212, 0.584),
}  # fmt: skip
MASTER_PREDICTED, MASTER_ACTUAL = 16_873.7, 19_684
WORLDS, CUSTOMERS = 200, 4_000
IDENTIFIED = (BGNBD(0.6, 5.0, 0.9, 2.5), MBGNBD(0.8, 6.0, 0.8, 1.8), ParetoNBD(0.8, 8.0, 0.7, 9.0))
SPEND = GammaGamma(6.25, 3.74, 15.44)
TREND_CUSTOMERS, TREND_ALPHA = 200_000, 0.1
LEAST_POWERS = {5: 0.33, 8: 0.47, 15: 0.70}
POWERS = {5: 0.355, 8: 0.496, 15: 0.730}
_HORIZONS = {"purchase_30d": "a purchase within 30 days", "purchase_90d": "a purchase within 90 days",
             "churn": "a purchase within {days} days (1 − churn)"}  # fmt: skip
_NONE: Mapping[dt.date, Night] = MappingProxyType({})


@dataclass
class Document:
    """The document as it grows, and the goals that were set, met or not."""

    lines: list[str] = field(default_factory=list)
    goals: list[tuple[str, bool]] = field(default_factory=list)

    def say(self, *paragraphs: str) -> None:
        for paragraph in paragraphs:
            self.lines += [paragraph, ""]

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        self.lines += [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
        self.lines += [f"| {' | '.join(row)} |" for row in rows]
        self.lines.append("")

    def goal(self, text: str, met: bool) -> None:
        self.goals.append((text, met))

    def text(self) -> str:
        met = sum(is_met for _, is_met in self.goals)
        goals = "\n".join(f"| {text} | {'yes' if is_met else '**no**'} |" for text, is_met in self.goals)
        return (
            f"{_INTRODUCTION}\n{met} of {len(self.goals)} goals are met.\n\n| goal | met |\n|---|---|\n{goals}\n\n"
            + ("\n".join(self.lines).rstrip() + "\n")
        )


_INTRODUCTION = """# Can the predictions be trusted?

Written by `make validate`; do not edit. Three questions are asked: do the models give the figures that their papers
give? Were probabilities right about what happened afterwards? And where the truth is known because we made it up, is it
found? Everything below was fitted on data up to the day named, and judged on the days after it. Times are in weeks. The
words are explained in [definitions.md](definitions.md).
"""


def main() -> None:
    document = Document()
    _shops(document)
    _made_up(document)
    DOCUMENT.write_text(document.text())
    met = sum(is_met for _, is_met in document.goals)
    _tell(f"{met} of {len(document.goals)} goals are met; see {DOCUMENT.relative_to(PROJECT)}")


def _shops(document: Document) -> None:
    """Whole nights, on real shops and on made-up ones."""
    with tempfile.TemporaryDirectory() as folder:
        homes = Path(folder)
        origins = [origin for shop in (_cdnow, _retail, _journey, _december_shop) for origin in shop(document, homes)]
        _by_origin(document, origins)
        _projections(document, homes)


def _cdnow(document: Document, homes: Path) -> list[Origin]:
    _tell("CDNOW, the sample of the papers")
    with _shop(homes / "sample", "cdnow", _sample_file(homes)) as engine:
        night = _night(engine, ORIGIN)
        _parameters(document, night)
        _holdout(document, night)
        _probabilities(document, night, "sample of 2,357 customers")
    _tell("CDNOW, all customers")
    with _shop(homes / "master", "cdnow", CDNOW / "CDNOW_master.txt") as engine:
        night = _night(engine, ORIGIN)
        _master_holdout(document, night)
        _probabilities(document, night, "all 23,570 customers")
        _last_night(document, _night(engine, CDNOW_END), "CDNOW, all customers")
        return [*_origins("CDNOW", engine, CDNOW_ORIGINS, CDNOW_END, {ORIGIN: night})]


def _retail(document: Document, homes: Path) -> list[Origin]:
    if not ONLINE_RETAIL.exists():
        _tell(f"Online Retail is skipped: {ONLINE_RETAIL.name} does not lie in ../shared/data")
        return []
    _tell("Online Retail")
    with _shop(homes / "retail", "uci_online_retail", ONLINE_RETAIL) as engine:
        night = _night(engine, RETAIL_END)
        _edge(document, night)
        _last_night(document, night, "Online Retail")
        return [*_origins("Online Retail", engine, RETAIL_ORIGINS, RETAIL_END)]


def _journey(document: Document, homes: Path) -> list[Origin]:
    if not JOURNEY.exists():
        _tell(f"Complete Journey is skipped: {JOURNEY.parent.name} does not lie in ../shared/data")
        return []
    _tell("Complete Journey")
    with _shop(homes / "journey", "perennial", _baskets_file(homes)) as engine:
        return [*_origins("Complete Journey", engine, JOURNEY_ORIGINS, JOURNEY_END)]


def _december_shop(document: Document, homes: Path) -> list[Origin]:
    _tell("A December that doubles")
    with _shop(homes / "december", "perennial", _december_file(homes)) as engine:
        return [*_origins(DECEMBER, engine, DECEMBER_ORIGINS, DECEMBER_END)]


def _made_up(document: Document) -> None:
    """The models alone, where the truth is known."""
    _worlds(document)
    _intervals(document)
    _binning(document)
    _trend(document)
    _trend_base(document)


# ── shops ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _sample_file(folder: Path) -> Path:
    """The sample in the format of the master file, which has a header, and no second number of the customer."""
    lines = (CDNOW / "CDNOW_sample.txt").read_text().splitlines()
    file = folder / "CDNOW_sample.txt"
    rows = [" ".join(line.split()[1:]) for line in lines if line.strip()]
    file.write_text("\n".join(["customer_id date number_of_cds dollar_value", *rows]) + "\n")
    return file


def _baskets_file(folder: Path) -> Path:
    """The baskets of the households of Complete Journey as orders."""
    baskets = (
        pl.scan_parquet(JOURNEY)
        .group_by("basket_id")
        .agg(
            pl.col("household_id").first(),
            pl.col("transaction_timestamp").min().dt.date(),
            pl.col("sales_value").sum().round(2),
        )
    )
    return _orders_file(folder / "baskets.csv", baskets.sort("transaction_timestamp", "basket_id").collect())


def _december_file(folder: Path) -> Path:
    """Four years of a made-up shop that sells twice as much in December."""
    return _drawn_file(folder, Shop(customers=16_000, years=4, months=(1.0,) * 11 + (2.0,), last_day=DECEMBER_END))


def _drawn_file(folder: Path, drawn: Shop) -> Path:
    """The orders of a made-up shop."""
    orders = pl.concat([chunk.orders for chunk in draw(drawn)]).with_columns(pl.col("ordered_at").dt.date())
    orders = orders.filter((pl.col("customer") >= 0) & (pl.col("ordered_at") <= drawn.last_day)).sort("ordered_at")
    orders = orders.with_row_index("order").select("order", "customer", "ordered_at", pl.col("value").round(2))
    return _orders_file(folder / "drawn.csv", orders)


def _orders_file(file: Path, orders: pl.DataFrame) -> Path:
    """Four columns, order, customer, day and amount, in the project's own format."""
    orders = orders.rename(dict(zip(orders.columns, ("order_id", "customer_id", "ordered_at", "amount"), strict=True)))
    orders.with_columns(pl.format("o{}", "order_id"), pl.format("c{}", "customer_id")).write_csv(file)
    return file


@contextmanager
def _shop(home: Path, source: str, file: Path) -> Iterator[DuckDBEngine]:
    """A warehouse in memory with one export in it."""
    settings = Settings(home=home)
    connection = open_file(Path(":memory:"), settings)
    try:
        confine(connection, settings, [file.resolve()])
        engine = DuckDBEngine(connection)
        engine.prepare(settings, list(tables().values()))
        for outcome in load_exports(engine, settings, find_exports(settings, {source: [str(file)]})):
            if isinstance(outcome, Exception):
                raise outcome
        yield engine
    finally:
        connection.close()


def _night(engine: DuckDBEngine, day: dt.date) -> Night:
    """A night with its tables written; the engine knows what came after, the night does not."""
    for table in tables().values():
        if table.select and (table.schema == "staging" or table.full_name == "marts.customer_summary"):
            engine.write(table, day if table.is_partitioned else None)
    night = Night(engine, Settings(), day)
    publish(night)
    return night


# ── the papers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _parameters(document: Document, night: Night) -> None:
    document.say(
        "## The published parameters",
        "CDNOW, the sample of 2,357 customers, up to 1997-09-30 (39 weeks). Ours / published.",
    )
    spend = night.spend
    assert spend is not None
    found = {name: (dict(f.model.parameters), f.log_likelihood, f.status) for name, f in night.fits(night.day).items()}
    found["gamma_gamma"] = (
        {"p": spend.model.p, "q": spend.model.q, "v": spend.model.v}, spend.log_likelihood, spend.status
    )  # fmt: skip
    rows = []
    for name, (published, log_likelihood, tolerance) in PAPERS.items():
        ours, our_likelihood, status = found[name]
        values = " · ".join(
            f"{parameter} {ours[parameter]:.5g} / {value:.6g}" for parameter, value in published.items()
        )
        rows.append([TITLES[name], values, f"{our_likelihood:.3f} / {log_likelihood:.6g}", status])
        near = all(abs(ours[parameter] / value - 1) <= tolerance for parameter, value in published.items())
        document.goal(
            f"{TITLES[name]}: parameters and log-likelihood of the paper",
            near and abs(our_likelihood - log_likelihood) <= 0.01,
        )
    document.table(["model", "parameters", "log-likelihood", "status"], rows)


def _holdout(document: Document, night: Night) -> None:
    after = night.cohort(night.day, night.before(-HOLDOUT_DAYS))
    judged = judge_counts(after, night.models(night.day))
    document.say(
        "## Purchases in the 39 weeks after",
        f"The same customers, who made {after.later.sum():,.0f} purchases from 1997-10-01 to 1998-06-30. Ours "
        "/ published.",
    )
    metrics = ("predicted", "mae", "rmse", "correlation")
    rows, near = [], True
    for name, published in PUBLISHED_HOLDOUT.items():
        ours = [judged.scores[name][metric] for metric in metrics]
        near &= all(abs(a / b - 1) < 0.01 for a, b in zip(ours, published, strict=True))
        figures = [f"{ours[0]:,.1f} / {published[0]:,.1f}"]
        figures += [f"{a:.3f} / {b:.3f}" for a, b in zip(ours[1:], published[1:], strict=True)]
        by_count = validation.auc(after.bought, np.asarray(judged.predictions[name]), np.ones_like(after.bought))
        rows.append([TITLES[name], *figures, f"{by_count:.3f}"])
    document.table(["model", "predicted", "MAE", "RMSE", "correlation", "AUC by count"], rows)
    document.goal("The published holdout within 1 %", near)


def _master_holdout(document: Document, night: Night) -> None:
    after = night.cohort(night.day, night.before(-HOLDOUT_DAYS))
    judged = judge_counts(after, night.models(night.day))
    document.say(
        f"All {after.frame.height:,} customers of CDNOW made {after.later.sum():,.0f} purchases in those weeks:"
    )
    rows = [
        [TITLES[name], *(f"{s[m]:,.{d}f}" for m, d in (("predicted", 1), ("bias_percent", 1), ("mae", 3), ("rmse", 3)))]
        for name, s in judged.scores.items()
    ]
    document.table(["model", "predicted", "bias in %", "MAE", "RMSE"], rows)
    ours = judged.scores["bgnbd"]["predicted"]
    document.goal(
        f"BG/NBD predicts {MASTER_PREDICTED:,.1f} of {MASTER_ACTUAL:,} on all customers, as published",
        abs(ours / MASTER_PREDICTED - 1) < 0.001 and after.later.sum() == MASTER_ACTUAL,
    )


# ── what came after ───────────────────────────────────────────────────────────────────────────────────────────────────


def _probabilities(document: Document, night: Night, customers: str) -> None:
    document.say(
        f"## What was published on {night.day}, and what happened: CDNOW, {customers}",
        "The night chose each model by a holdout that had ended by then, published probabilities, and made "
        "them coherent "
        "(a longer horizon is never less likely). Single models and naive baselines are shown beside it; the blend "
        "shown here took "
        "the timing model that proved best afterwards, which nobody knew.",
    )
    for target, judged in outcomes(night).items():
        standings = night.verdicts.of[target].standings
        validated = set(standings.scores) - standings.baselines - {BLEND}
        document.say(
            f"**{_horizon(target, judged).capitalize()}**: {judged.actual.mean():.1%} bought. Chosen on the holdout: "
            f"{TITLES[night.champions[target].model]}."
        )
        late = set(judged.scores) - judged.baselines - validated - {PUBLISHED, BLEND}
        document.table(["model", "log loss", "AUC", "ECE"], _probability_rows(judged, late))
        if late:
            document.say(
                "The history was too short to test a classifier before that day, so none could be chosen: the row "
                "shows "
                "what it would have been worth."
            )
        _probability_goals(document, judged, target, validated, customers)


def _probability_rows(judged: Judged, late: set[str]) -> list[list[str]]:
    return [
        [TITLES[name] + (" (not tested before)" if name in late else ""),
         *(f"{scores[metric]:.4f}" for metric in ("log_loss", "auc", "ece"))]
        for name, scores in sorted(judged.scores.items(), key=lambda item: item[1]["log_loss"])
    ]  # fmt: skip


def _horizon(target: Target, judged: Judged) -> str:
    return _HORIZONS[target].format(days=judged.cohort.days)


def _probability_goals(document: Document, judged: Judged, target: Target, validated: set[str], customers: str) -> None:
    scores, published = judged.scores, judged.scores[PUBLISHED]
    best = min(scores[name]["log_loss"] for name in validated)
    where = f"CDNOW, {customers}, {_horizon(target, judged)}"
    document.goal(
        f"{where}: log loss at most .003 above the best single model that was tested",
        published["log_loss"] <= best + 0.003,
    )
    naive = min(scores[name]["log_loss"] for name in judged.baselines)
    document.goal(f"{where}: log loss below base rate and recency logistic", published["log_loss"] < naive)
    document.goal(
        f"{where}: AUC at least .75, ECE at most .055", published["auc"] >= 0.75 and published["ece"] <= 0.055
    )


@dataclass(frozen=True)
class Origin:
    """What was published in a shop on a day for the days after it, and what came."""

    shop: str
    day: dt.date
    judged: Mapping[Target, Judged]
    without_clock: Mapping[Target, Judged]
    models: Mapping[Target | Literal["counts"], str]
    counts: Mapping[int, Counts]
    classes: Sequence[Mapping[str, Any]]
    """What the interval of value that is published held on its holdout, by class of x: rows of interval_coverage."""


@dataclass(frozen=True)
class Counts:
    """Purchases of all customers in so many days: those that came, published, of the timing model with and without the
    clock, and at the rate of before; and the mean Poisson deviance of published and timing model."""

    actual: float
    published: float
    timing: float
    without_clock: float
    rate: float
    deviance: float
    timing_deviance: float


def _origins(
    shop: str, engine: DuckDBEngine, days: Sequence[dt.date], end: dt.date, known: Mapping[dt.date, Night] = _NONE
) -> Iterator[Origin]:
    """Nights of the days, judged on all horizons that are over by `end`; `known`: nights that are written already."""
    for day in days:
        night = known[day] if day in known else _night(engine, day)
        over = {target for target, horizon in night.horizons.items() if night.before(-horizon) <= end}
        judged = {target: found for target, found in outcomes(night).items() if target in over}
        plain = {
            target: judge_probability(target, found.cohort, [], night.models(day)) for target, found in judged.items()
        }
        models = {target: night.champions[target].model for target in (*judged, "counts")}
        value = night.verdicts.of.get("value")
        intervals = value.rows["interval_coverage"] if value else []
        classes = [row for row in intervals if row["model"] == night.tested_interval]
        yield Origin(shop, day, judged, plain, models, _counts(night, end), classes)


def _counts(night: Night, end: dt.date) -> dict[int, Counts]:
    columns = ", ".join(f"expected_purchases_{days}d" for days in HORIZONS)
    query = f"SELECT {columns} FROM marts.clv_predictions WHERE snapshot_date = $snapshot_date ORDER BY customer_id"
    published = night.engine.read(query, {"snapshot_date": night.day})
    model, found = night.fitted(night.champions["counts"].timing_model).model, {}
    for days in HORIZONS:
        if night.before(-days) <= end:
            after = night.cohort(night.day, night.before(-days))
            h, told = after.histories, published[f"expected_purchases_{days}d"].to_numpy()
            timing, plain = (
                model.expected_purchases(weeks, h.x, h.t_x, h.T) for weeks in (night.clock.week(days / 7), days / 7)
            )
            naive = validation.rate_baseline(days / 7, h.x, h.T)
            sums = (float(counts.sum()) for counts in (after.later, told, timing, plain, naive))
            deviances = (validation.poisson_deviance(after.later, counts) for counts in (told, timing))
            found[days] = Counts(*sums, *deviances)
    return found


def _by_origin(document: Document, origins: Sequence[Origin]) -> None:
    document.say(
        "## Published against candidates, shop by shop",
        "Log loss of what was published on a day, of the best candidate in hindsight (a timing model, classifier or "
        "their blend, which nobody knew then), of the better of the naive baselines, and of the best timing model with "
        "and without the clock. Excess: of published over the best candidate.",
    )
    rows = []
    for origin in origins:
        for target, judged in origin.judged.items():
            losses = {name: scores["log_loss"] for name, scores in judged.scores.items()}
            published = losses.pop(PUBLISHED)
            naive = min((losses.pop(name) for name in judged.baselines), default=float("nan"))
            best = min(losses, key=losses.__getitem__)
            clocked = min(loss for name, loss in losses.items() if name not in TRAINED)
            plain = min(scores["log_loss"] for scores in origin.without_clock[target].scores.values())
            figures = (published, losses[best], naive, clocked, plain)
            rows.append(
                [origin.shop, str(origin.day), str(judged.cohort.days), TITLES[origin.models[target]],
                 f"{figures[0]:.4f}", f"{TITLES[best]} {figures[1]:.4f}", f"{published / losses[best] - 1:+.1%}",
                 *("–" if np.isnan(figure) else f"{figure:.4f}" for figure in figures[2:])]
            )  # fmt: skip
            if origin.shop == "Complete Journey" and (origin.day.month, target) in JOURNEY_BEST:
                what = _horizon(target, judged)
                document.goal(
                    f"Complete Journey, {origin.day}, {what}: log loss at most 1 % above the best of 17",
                    published <= 1.01 * JOURNEY_BEST[origin.day.month, target],
                )
    heads = ["shop", "day", "days", "chosen", "published", "best candidate", "excess", "naive", "timing, clock",
             "timing, no clock"]  # fmt: skip
    document.table(heads, rows)
    _counts_by_origin(document, origins)
    _coverage_by_origin(document, origins)


def _counts_by_origin(document: Document, origins: Sequence[Origin]) -> None:
    document.say(
        "How many % too many purchases were expected of all customers together. Deviance: the mean Poisson deviance of "
        "what was published of each customer (never fewer than one purchase is likely), of the timing model alone, and "
        "the difference of their logarithms. Boosted counts are the timing model's, spread by trees:"
    )
    rows = [
        [origin.shop, str(origin.day), str(days), TITLES[origin.models["counts"]], f"{told.actual:,.0f}",
         *(f"{100 * (sum_ / told.actual - 1):+.1f}" for sum_ in (told.published, told.without_clock, told.rate)),
         f"{told.deviance:.4f}", f"{told.timing_deviance:.4f}",
         f"{100 * np.log(told.deviance / told.timing_deviance):+.1f}%"]
        for origin in origins
        for days, told in origin.counts.items()
    ]  # fmt: skip
    heads = ["shop", "day", "days", "chosen", "purchases", "published", "without the clock", "rate x/T",
             "deviance, published", "timing model", "difference"]  # fmt: skip
    document.table(heads, rows)
    december = [origin for origin in origins if origin.shop == DECEMBER]
    worst = max(abs(told.published / told.actual - 1) for origin in december for told in origin.counts.values())
    document.goal(
        f"{DECEMBER}: purchases of all horizons at {len(december)} origins at most 10 % off (worst: {worst:.1%})",
        worst <= 0.1,
    )


def _coverage_by_origin(document: Document, origins: Sequence[Origin]) -> None:
    """Classes whose customers are mostly left out, because their interval is nothing, are small ones."""
    document.say(
        "What the 80 % interval of value held on the holdout of each of these nights, by repeat purchases of the "
        f"customers, each judged by the corrections of others. Classes of fewer than {conformal.LEAST_CUSTOMERS} "
        "customers whose interval is more than nothing are not shown:"
    )
    classes = [
        (origin, row, row["customers"] - row["customers_of_nothing"]) for origin in origins for row in origin.classes
    ]
    told = [found for found in classes if found[2] >= conformal.LEAST_CUSTOMERS]
    rows = [
        [origin.shop, str(origin.day), row["frequency_class"], f"{customers:,}", f"{row['coverage_of_model']:.1%}",
         f"{row['coverage']:.1%}"]
        for origin, row, customers in told
    ]  # fmt: skip
    document.table(["shop", "day", "repeat purchases", "customers", "of the model", "published"], rows)
    shares = [row["coverage"] for _, row, _ in told]
    document.goal(
        f"The 80 % interval of value holds 76 to 84 % in each class of 200 customers ({min(shares):.1%} to "
        f"{max(shares):.1%})",
        min(shares) >= 0.76 and max(shares) <= 0.84,
    )


def _projections(document: Document, homes: Path) -> None:
    """Months that had twelve before them, each projected from where it began by those alone."""
    inside: list[bool] = []
    for seed in range(1, PROJECTED_SHOPS + 1):
        _tell(f"projections of shop {seed} of {PROJECTED_SHOPS}")
        folder = homes / f"steady {seed}"
        folder.mkdir()
        drawn = Shop(customers=3_000, years=3, seed=seed, months=(1.0,) * 12, last_day=DECEMBER_END)
        with _shop(folder / "home", "perennial", _drawn_file(folder, drawn)) as engine:
            _build(engine, DECEMBER_END, "marts.lifecycle_months")
            inside += backtest(read_months(engine, DECEMBER_END), DECEMBER_END)["is_inside"].to_list()
    share = float(np.mean(inside))
    document.say(
        "## Projections of a month",
        f"The revenue of {len(inside)} months of {PROJECTED_SHOPS} made-up shops that grow and have no season, each "
        f"projected by the twelve months before it: the 95 % interval held {share:.1%}.",
    )
    document.goal(f"95 % intervals of projected revenue hold 90 to 98 % of months ({share:.1%})", 0.9 <= share <= 0.98)


def _build(engine: DuckDBEngine, day: dt.date, name: str) -> None:
    """A table and all that it is made of."""
    needed = {name}
    for known, table in reversed(tables().items()):
        needed |= table.reads if known in needed else set()
    done: set[str] = set()
    for known, table in tables().items():
        step = table.header.computed_by
        if known not in needed or step in done:
            continue
        if table.select is not None:
            engine.write(table, day if table.is_partitioned else None)
        elif step is not None:
            done.add(step)
            frames = compute_of(step)(engine, Settings(), day, lambda _: None)
            for written in tables_of(step):
                engine.write_frame(written, day, frames.get(written.name, pl.DataFrame()))


def _last_night(document: Document, night: Night, shop: str) -> None:
    document.say(
        f"## The holdouts of {night.day}: {shop}",
        "What every night writes to `model_validation`. Chosen: "
        + ", ".join(f"{TITLES[c.model]} for {target.replace('_', ' ')}" for target, c in night.champions.items())
        + ".",
    )
    for targets, metrics in (
        (("counts",), ("bias_percent", "mae", "rmse", "normalised_gini", "top_10_percent_capture", "poisson_deviance")),
        (("value",), ("bias_percent", "mae", "rmse", "normalised_gini", "top_10_percent_capture")),
        (("purchase_30d", "purchase_90d", "churn"), ("log_loss", "auc", "brier", "ece")),
    ):
        rows = [
            [target.replace("_", " "), str(verdict.origin), TITLES[name], *(f"{scores[m]:.3f}" for m in metrics)]
            for target, verdict in night.verdicts.of.items() if target in targets
            for name, scores in verdict.standings.scores.items()
        ]  # fmt: skip
        heads = ["target", "origin", "model", *(metric.replace("_", " ").replace("percent", "%") for metric in metrics)]
        document.table(heads, rows)
    scores_of_value = night.verdicts.of["value"].standings.scores.items()
    coverage = {name: scores["coverage_80"] for name, scores in scores_of_value if "coverage_80" in scores}
    document.say(
        "The 80 % predictive interval of a customer's spend held "
        + ", ".join(f"{share:.1%} ({TITLES[name]})" for name, share in coverage.items())
        + " of the customers. More than 80 % is no fault where many buy nothing: who does so with more than 80 "
        "% has the "
        "interval of nothing, which holds them all. Less means that customers spent other than their past told."
    )


def _edge(document: Document, night: Night) -> None:
    document.say(
        "## A shop whose customers do not drop out: Online Retail",
        "Dropout explains nothing here that the NBD, which knows none, does not. Each model says so, and the "
        "NBD is given.",
    )
    fits = night.fits(night.day)
    rows = [
        [TITLES[name], found.status, TITLES[found.model.name], f"{found.log_likelihood:.3f}"]
        for name, found in fits.items()
    ]
    document.table(["asked for", "status", "given", "log-likelihood"], rows)
    document.goal(
        "Online Retail: the edge fit is recognised", all(found.status == "no_dropout" for found in fits.values())
    )
    scores = night.verdicts.of["purchase_30d"].standings.scores
    timing = [
        scores[name]["ece"] for name in scores if name in TITLES and name in {"bgnbd", "mbgnbd", "pareto_nbd", "nbd"}
    ]
    document.goal(
        "Online Retail: the 30-day classifier is better calibrated (ECE) than the timing models",
        scores["classifier"]["ece"] < min(timing),
    )


# ── worlds in which the truth is known ────────────────────────────────────────────────────────────────────────────────


def _worlds(document: Document) -> None:
    _tell(f"{WORLDS} synthetic worlds for each model")
    document.say(
        "## Synthetic worlds",
        f"{WORLDS} worlds of {CUSTOMERS:,} customers for each model, who behave exactly as it says, in "
        "continuous time, "
        "seen for 40 to 100 weeks. Share of the worlds in which the 95 % interval of a parameter (Wald, on "
        "its logarithm) "
        "holds the truth; 95 % are wanted, and chance alone leaves 91 to 98 %.",
    )
    rows = []
    # A fresh process each: a fork of one with DuckDB's threads might hang.
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for model in IDENTIFIED:
            found = list(pool.map(partial(_covered, model), range(WORLDS), chunksize=5))
            fitted = [inside for inside in found if inside is not None]
            shares = np.mean(fitted, axis=0)
            figures = " · ".join(f"{name} {share:.1%}" for name, share in zip(model.names(), shares, strict=True))
            truth = " · ".join(f"{name} {value:g}" for name, value in model.parameters.items())
            rows.append([TITLES[model.name], truth, figures, f"{len(fitted)} of {WORLDS}"])
            document.goal(
                f"{TITLES[model.name]}: each parameter held in 91 to 98 % of the worlds, every world fitted",
                bool(((shares >= 0.91) & (shares <= 0.98)).all()) and len(fitted) == WORLDS,
            )
            _tell(f"  {TITLES[model.name]}: {figures}")
    document.table(["model", "truth", "held", "fitted"], rows)


def _covered(truth: TimingModel, seed: int) -> list[bool] | None:
    """Whether the interval of each parameter holds the truth in the world of a seed; None without a proper fit."""
    rng = np.random.default_rng([seed, len(truth.name)])
    world = simulate(truth, rng.uniform(40, 100, CUSTOMERS), 0, rng)
    found = fit(type(truth), Histories.of(world.x, world.t_x, world.T))
    if found.status != "converged" or found.covariance is None:
        return None
    errors = np.abs(np.log(found.model.values / truth.values)) / np.sqrt(np.diag(found.covariance))
    return [bool(error < 1.959964) for error in errors]


def _intervals(document: Document) -> None:
    _tell("predictive intervals")
    document.say(
        "## Predictive intervals",
        "Share of synthetic customers whose spend of the following year lies in their 80 % predictive "
        "interval, with models "
        "fitted to 5,000 of them and applied to 50,000. Customers who buy nothing with more than 80 % are "
        "left out: their "
        "interval is nothing.",
    )
    rows = []
    for model in IDENTIFIED:
        share, customers = _interval_coverage(model)
        rows.append([TITLES[model.name], f"{share:.1%}", f"{customers:,}"])
        document.goal(f"{TITLES[model.name]}: 78 to 82 % of spend inside the 80 % interval", 0.78 <= share <= 0.82)
    document.table(["model", "inside", "customers"], rows)


def _interval_coverage(truth: TimingModel) -> tuple[float, int]:
    rng = np.random.default_rng([17, len(truth.name)])
    horizon = Horizon(12, 0.0)
    world = simulate(truth, rng.integers(40, 100, 50_000).astype(np.float64), horizon.weeks, rng)
    orders = world.x + world.later
    buys = orders > 0
    totals, before = np.zeros(len(orders)), np.where(world.later > 0, 0.0, 1.0)
    totals[buys] = simulate_spend(SPEND, orders[buys], rng) * orders[buys]
    # Of a gamma distributed total, the part of the first x purchases is beta distributed and independent of it.
    both = (world.x > 0) & (world.later > 0)
    before[both] = rng.beta(SPEND.p * world.x[both], SPEND.p * world.later[both])
    past, future = totals * before, totals * (1 - before)
    few = np.arange(len(orders)) < 5_000
    timing = fit(type(truth), Histories.of(world.x[few], world.t_x[few], world.T[few])).model
    repeat = few & (world.x > 0)
    spend = fit_spend(Spenders(world.x[repeat], past[repeat] / world.x[repeat], np.ones(int(repeat.sum())))).model
    low, high = value_interval(timing, spend, horizon, world.x, world.t_x, world.T)
    total = spend.v + past
    nothing = timing.purchases_pmf(horizon.weeks, 0, world.x, world.t_x, world.T)[:, 0]
    judged = nothing <= 0.8
    holds = (future >= low * total) & (future <= high * total)
    return float(holds[judged].mean()), int(judged.sum())


def _binning(document: Document) -> None:
    _tell("spend in bins")
    document.say(
        "## Spend in bins",
        f"Mean spends hardly repeat, so that above {MOST_EXACT:,} different ones Gamma-Gamma is fitted to groups of "
        f"equal frequency and nearly equal spend, {BIN:.1%} apart. Synthetic customers (p 6.25, q 3.74, v 15.44), "
        "fitted both ways: the largest difference of the three parameters, and what the fit to bins says of it without "
        "knowing the other. `model_fits` says it of every such fit.",
    )
    rows = []
    for customers in (200_000, 1_000_000):
        rng = np.random.default_rng([23, customers])
        x = np.minimum(rng.geometric(0.4, customers), 60).astype(np.float64)
        m = np.maximum(np.round(simulate_spend(SPEND, x, rng), 2), 0.01)
        spenders = Spenders(x, m, np.ones_like(x))
        exact, binned = fit_spend(spenders, most_exact=customers), fit_spend(spenders, most_exact=0)
        assert exact.standard_errors is not None and binned.binning_error is not None
        ours, theirs = ((f.model.p, f.model.q, f.model.v) for f in (binned, exact))
        apart = np.abs(np.array(ours) - theirs)
        error = float((apart / exact.standard_errors).max())
        rows.append(
            [f"{customers:,}", f"{binned.groups:,}", f"{(apart / theirs).max():.1e}", f"{error:.1e} standard errors",
             f"{binned.binning_error:.1e}"]
        )  # fmt: skip
        document.goal(
            f"Spend of {customers:,} customers in bins: within .01 standard errors of the exact fit, and said so",
            error < 0.01 and abs(binned.binning_error / error - 1) < 0.01,
        )
    document.table(["customers", "groups", "relative difference", "difference", "said by the fit"], rows)


def _trend(document: Document) -> None:
    document.say(
        "## The trend of a customer",
        "How often a customer whose rate doubles is seen to grow, by purchases before the change (exact; α = "
        ".1, no season).",
    )
    found = {prior: power(prior, 2.0) for prior in POWERS}
    rows = [[str(prior), f"{found[prior]:.3f}", f"{expected:.3f}"] for prior, expected in POWERS.items()]
    document.table(["purchases before", "power", "expected"], rows)
    document.goal("Power of the trend test as computed by hand", _as_expected(found))


def _as_expected(found: Mapping[int, float]) -> bool:
    return all(abs(found[prior] - expected) < 0.0006 for prior, expected in POWERS.items())


def _trend_base(document: Document) -> None:
    _tell("the trend on a synthetic base")
    rng = np.random.default_rng(29)
    changes = np.array([1.0, 2.0, 0.5])[rng.choice(3, TREND_CUSTOMERS, p=[0.85, 0.05, 0.1])]
    before = rng.gamma(2.0, 3.0, TREND_CUSTOMERS)
    k1, k2 = rng.poisson(before).astype(float), rng.poisson(before * changes).astype(float)
    share = float(k2.sum() / (k1.sum() + k2.sum()))
    unchanged = changes == 1
    alarms, tested = _alarms(k1[unchanged], k2[unchanged], share)
    document.say(
        "## The trend in a synthetic base",
        f"{TREND_CUSTOMERS:,} customers who buy by chance at rates of their own (gamma, 6 purchases per window in the "
        "mean). 85 % buy as before, 5 % twice as often and 10 % half as often, so that the base as a whole, with which "
        "everybody is compared, buys as before. The expected share of the recent window is learnt from all of them: "
        f"{share:.4f}. Of {tested:,} unchanged customers with enough purchases, {alarms:.1%} are called growing or "
        f"declining (α = {TREND_ALPHA:.0%}).",
    )
    document.goal("Trend: false alarms among unchanged customers at most α + 2 points", alarms <= TREND_ALPHA + 0.02)
    rows, seen = [], {}
    for prior in LEAST_POWERS:
        doubled = (rng.poisson(rate, 50_000).astype(float) for rate in (prior, 2 * prior))
        seen[prior] = float((_classes(*doubled, share) == "growing").mean())
        rows.append([str(prior), f"{seen[prior]:.3f}", f"{LEAST_POWERS[prior]:.2f}"])
    document.say("Customers whose rate doubles, seen to grow, by purchases expected before the change:")
    document.table(["purchases before", "seen", "wanted at least"], rows)
    document.goal(
        "Trend: a doubled rate is seen as often as wanted in a synthetic base",
        all(seen[prior] >= least for prior, least in LEAST_POWERS.items()),
    )
    _december(document, rng)


def _december(document: Document, rng: np.random.Generator) -> None:
    """Windows of 90 days that end on 31 December: 90 usual days, then 59 and a December that counts twice."""
    rates = rng.gamma(2.0, 4.0, TREND_CUSTOMERS) / 90
    k1, k2, k1_year_ago, k2_year_ago = (
        rng.poisson(rates * days).astype(float) for days in (90, 59 + 2 * 31, 90, 59 + 2 * 31)
    )
    shares = {
        "a year ago": k2_year_ago.sum() / (k1_year_ago.sum() + k2_year_ago.sum()),
        "today's base": k2.sum() / (k1.sum() + k2.sum()),
        "none: one half": 0.5,
    }
    rows, growers, chance = [], {}, {}
    for source, share in shares.items():
        found, tested = _classes(k1, k2, share), k1 + k2 >= (least_count(share, TREND_ALPHA) or np.inf)
        growers[source] = float((found[tested] == "growing").mean())
        chance[source] = float(by_chance((k1 + k2)[tested], share, TREND_ALPHA)["growing"].mean())
        rows.append([source, f"{share:.4f}", f"{growers[source]:.1%}", f"{chance[source]:.1%}"])
    document.say("A base that buys twice as often every December, on 31 December; nobody changes:")
    document.table(["season taken from", "expected share", "called growing", "by chance alone"], rows)
    document.goal(
        "Trend: a December that doubles makes no more growers than chance",
        all(abs(growers[source] - chance[source]) < 0.005 for source in ("a year ago", "today's base")),
    )


def _classes(k1: Array, k2: Array, share: float) -> NDArray[np.str_]:
    """Trend of each customer, `stable` where too few occasions were seen."""
    enough = k1 + k2 >= (least_count(share, TREND_ALPHA) or np.inf)
    return np.where(enough, classify(k1, k2, share, TREND_ALPHA), "stable")


def _alarms(k1: Array, k2: Array, share: float) -> tuple[float, int]:
    """Share of the customers with enough occasions who are not called stable, and how many these customers are."""
    enough = k1 + k2 >= (least_count(share, TREND_ALPHA) or np.inf)
    return float((_classes(k1, k2, share)[enough] != "stable").mean()), int(enough.sum())


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
