"""Can we trust it: what the models predicted for days they had not seen, beside what happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pipeline.reporting import charts, prediction_charts, words
from pipeline.reporting import prediction_queries as queries
from pipeline.reporting.components import Chart, Field, Grid, Kind, View, grid, show
from pipeline.reporting.facts import Facts, Report
from pipeline.reporting.prediction_words import (
    METRICS,
    STATUSES,
    calibration_sentence,
    capture_sentence,
    coverage_sentence,
    cumulative_sentence,
    deciles_sentence,
    drift_sentence,
    expectation_sentence,
    fits_sentence,
    model_name,
    scores_sentence,
    target_name,
    tracking_sentence,
)
from pipeline.reporting.predictions import (
    PROBABILITIES,
    Tested,
    backtest,
    champions_of,
    churn_horizon_of,
    holdouts_of,
    metric_of,
)
from pipeline.reporting.quality import quality_of, run_settings

_LAST_X = 7
_SCORES = {
    "probability": ("log_loss", "brier", "ece", "auc"),
    "counts": (
        "rmse",
        "mae",
        "bias_percent",
        "poisson_deviance",
        "correlation",
        "normalised_gini",
        "top_10_percent_capture",
    ),
    "value": ("rmse", "mae", "bias_percent", "normalised_gini", "top_10_percent_capture", "coverage_80"),
}
_SHARES = {"ece", "top_10_percent_capture", "coverage_80"}
_HIGHER_IS_BETTER = {"auc", "correlation", "normalised_gini", "top_10_percent_capture"}
_TENTHS: dict[str, tuple[Kind, str, str, str]] = {
    "counts": ("number", "Purchases", "the mean number of purchases was", "Mean purchases"),
    "value": ("money", "Spend", "the mean spend was", "Mean spend"),
    "probability": ("percent", "", "the share that bought was", "Share that bought"),
}
"""By target: how its numbers are shown, its name on the switch, what is told of a tenth, title of the axis."""
_SYMBOLS = {"alpha": "α", "beta": "β"}


def context(report: Report) -> dict[str, Any]:
    if report.facts.predictions.missing:
        nothing: dict[str, Any] = {
            "verdict": None,
            "clock": None,
            "horizon": None,
            "results": None,
            "charts": [chart for chart in (_projection(report),) if chart],
            "scores": [],
            "parameters": None,
            "fits": None,
        }
        return {"missing": report.facts.predictions.missing, **nothing, **_data(report)}
    champions, validation = champions_of(report.ask), report.ask(queries.VALIDATION)
    tested = holdouts_of(champions, validation)
    days = int(champions["churn"]["horizon_days"])
    return {
        "missing": None,
        "verdict": report.facts.predictions.verdict,
        "clock": report.facts.unknown_season or report.facts.season,
        "horizon": churn_horizon_of(report.ask),
        "results": _results(tested, days) if tested else None,
        "charts": [
            chart
            for chart in (
                _tracking(report), _calibration(report, tested, days), _expectation(report, tested),
                _intervals(report), _capture(report, validation, tested), _deciles(report, tested, days),
                _projection(report),
            )
            if chart
        ],
        "scores": [_scores(validation, found, days) for found in tested.values()],
        "parameters": _parameters(report, champions),
        "fits": _fits(report),
        **_data(report),
    }  # fmt: skip


def _data(report: Report) -> dict[str, Any]:
    """What came in, and the run that made the pages."""
    return {"quality": quality_of(report), "run": report.run, "run_settings": run_settings(report)}


def _results(tested: Mapping[str, Tested], days: int) -> Grid:
    fields = [
        Field("what", "Prediction"), Field("model", "Published model"), Field("from", "Tested after", "date"),
        Field("to", "Up to", "date"), Field("customers", "Customers", "count"), Field("measure", "Error"),
        Field("published", "Published", "score"), Field("best_baseline", "Best naive", "score"),
        Field("baseline", "Which"), Field("better_by", "Better by", "percent"),
    ]  # fmt: skip
    return grid("The published models beside the best naive baseline, on days they had not seen", fields, [
        (target_name(t.target, days), model_name(t.model), t.origin, t.until, t.customers,
         METRICS[t.metric], t.score, t.rivals[t.rival] if t.rival else None,
         model_name(t.rival) if t.rival else None, t.gain)
        for t in tested.values()
    ])  # fmt: skip


# ── charts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _tracking(report: Report) -> Chart | None:
    rows = report.ask(queries.TRACKING).to_dicts()
    if not rows:
        return None
    facts, held, last = report.facts, [row for row in rows if row["is_holdout"]], rows[-1]
    seen, expected = sum(row["actual"] for row in held), sum(row["expected"] for row in held)
    weekly = prediction_charts.tracking(rows, "")
    fields = [
        Field("week_ends_on", "Week to", "date"), Field("model_had_seen_it", "Seen by the model"),
        Field("actual", "Came", "count"), Field("expected", "Expected", "number"),
        Field("actual_cumulative", "Came so far", "count"), Field("expected_cumulative", "Expected so far", "number"),
    ]  # fmt: skip
    legend = prediction_charts.legend(weekly)
    if held:
        legend = (*legend, ("Weeks the model had not seen", "var(--soft)"))
    return Chart(
        id="tracking",
        title="Repeat purchases, week by week",
        term="holdouts",
        basis=f"n = {words.counted(last['actual_cumulative'], 'repeat purchase')} · orders {facts.range} · "
        f"{model_name(last['model'])}, from the days of first purchases alone",
        views=(
            View("week", "By week", tracking_sentence(seen, expected, len(held), last["model"]), weekly),
            View(
                "sum",
                "Added up",
                cumulative_sentence(last["actual_cumulative"], last["expected_cumulative"], last["week_ends_on"]),
                prediction_charts.tracking(rows, "_cumulative"),
            ),
        ),
        grid=grid("Repeat purchases by week", fields, [
            (r["week_ends_on"], "no" if r["is_holdout"] else "yes", r["actual"], r["expected"],
             r["actual_cumulative"], r["expected_cumulative"])
            for r in rows
        ]),
        legend=legend,
    )  # fmt: skip


def _calibration(report: Report, tested: Mapping[str, Tested], days: int) -> Chart | None:
    frame = report.ask(queries.CALIBRATION)
    views = []
    for target, found in tested.items():
        if target not in PROBABILITIES:
            continue
        rows = frame.filter((pl.col("target") == target) & (pl.col("model") == found.model)).to_dicts()
        if not rows:
            continue
        inside = sum(row["low"] <= row["predicted"] <= row["high"] for row in rows)
        name = target_name(target, days)
        views.append(
            View(
                target,
                f"{found.days} days",
                calibration_sentence(inside, len(rows), found.scores.get("ece")),
                prediction_charts.calibration(rows),
                basis=f"{_basis(found)} · {model_name(found.model)}, “{name[0].lower()}{name[1:]}”",
                grid=_calibration_grid(rows, name),
            )
        )
    if not views:
        return None
    legend = prediction_charts.legend(views[0].figure)
    return Chart("calibration", "Do probabilities come true", views[0].basis or "", tuple(views), legend=legend[::-1],
                 term="how-good-they-are")  # fmt: skip


def _calibration_grid(rows: Sequence[Mapping[str, Any]], name: str) -> Grid:
    fields = [
        Field("group", "Group", "count"), Field("customers", "Customers", "count"),
        Field("predicted", "Probability", "percent"), Field("observed", "Bought", "percent"),
        Field("low", "95% interval: from", "percent"), Field("high", "to", "percent"),
    ]  # fmt: skip
    columns = ("bin", "customers", "predicted", "observed", "low", "high")
    return grid(f"{name}: probability and what happened, from least to most likely", fields,
                [tuple(row[column] for column in columns) for row in rows])  # fmt: skip


def _expectation(report: Report, tested: Mapping[str, Tested]) -> Chart | None:
    counts, frame = tested.get("counts"), report.ask(queries.EXPECTATION)
    if counts is None:
        return None
    rows = frame.filter(pl.col("model") == counts.model).to_dicts()
    if not rows:
        return None
    labels = [_repeats(row["frequency"]) for row in rows]
    told = [(_repeats(r["frequency"]), r["customers"], r["expected"], r["observed"]) for r in rows]
    texts = [
        f"{label} before: {words.counted(r['customers'], 'customer')}" for label, r in zip(labels, rows, strict=True)
    ]
    seen, expected = ([row[column] for row in rows] for column in ("observed", "expected"))
    short = [label.replace(" or more", " +") for label in labels]
    titles = ("Repeat purchases before", "Mean purchases after")
    picture = prediction_charts.seen_and_expected(short, seen, expected, texts, titles)
    return Chart(
        id="conditional-expectation",
        title="By how often they had bought",
        term="holdouts",
        basis=f"{_basis(counts)} · {model_name(counts.model)}",
        views=(View("all", "All", expectation_sentence(told), picture),),
        grid=_expectation_grid(frame),
        legend=prediction_charts.legend(picture),
    )


def _expectation_grid(frame: pl.DataFrame) -> Grid:
    """All models side by side, the naive ones too."""
    models = sorted(frame["model"].unique().to_list())
    known = {(row["frequency"], row["model"]): row for row in frame.to_dicts()}
    places = sorted({frequency for frequency, _ in known})
    fields = [
        Field("repeat_purchases_before", "Before"), Field("customers", "Customers", "count"),
        Field("seen", "Seen", "number"), *(Field(model, model_name(model), "number") for model in models),
    ]  # fmt: skip
    rows = []
    for place in places:
        any_model = next(known[place, model] for model in models if (place, model) in known)
        expected = [known[place, model]["expected"] if (place, model) in known else None for model in models]
        rows.append((_repeats(place), any_model["customers"], any_model["observed"], *expected))
    return grid("Mean purchases after, by repeat purchases before: seen, and expected by each model", fields, rows)


def _intervals(report: Report) -> Chart | None:
    """The 80% intervals of value, by how often customers had bought."""
    known = report.ask(queries.INTERVALS).to_dicts()
    rows = [row for row in known if row["coverage"] is not None]
    if not rows:
        return None
    judged = [row["customers"] - row["customers_of_nothing"] for row in rows]
    texts = [
        f"{row['frequency_class']} before: {words.counted(n, 'customer')}" for n, row in zip(judged, rows, strict=True)
    ]
    picture = prediction_charts.seen_and_expected(
        [row["frequency_class"] for row in rows], [row["coverage"] for row in rows], [row["promised"] for row in rows],
        texts, ("Repeat purchases before", "Share inside the interval"), ".0%",
    )  # fmt: skip
    fields = [
        Field("repeat_purchases_before", "Before"), Field("customers", "Customers", "count"),
        Field("likely_nothing", "Of them likely to spend nothing", "count"),
        Field("model", "Inside that of the model", "percent"), Field("published", "Inside the published", "percent"),
        Field("widened_by", "Widened by", "number"), Field("correction", "Correction"),
    ]  # fmt: skip
    told = [(r["frequency_class"], n, r["coverage_of_model"], r["coverage"]) for n, r in zip(judged, rows, strict=True)]
    last = rows[-1]
    until = last["origin"] + dt.timedelta(days=last["horizon_days"])
    span = f"{words.short_day(last['origin'])} – {words.short_day(until)}"
    return Chart(
        id="intervals",
        title="Do the ranges of value hold",
        basis=f"n = {words.counted(sum(judged), 'customer')} · tested on {span}, unseen · "
        f"{model_name(last['model'])}; each fifth of the customers by the corrections of the others",
        views=(View("all", "All", coverage_sentence(told), picture),),
        grid=grid("Share of the customers whose spend lay inside their 80% interval", fields, [
            (r["frequency_class"], r["customers"], r["customers_of_nothing"], r["coverage_of_model"], r["coverage"],
             r["widened_by"], "own" if r["is_own"] else "of all: fewer than 200")
            for r in known
        ]),
        legend=prediction_charts.legend(picture),
    )  # fmt: skip


def _projection(report: Report) -> Chart | None:
    """Revenue of months that are over, as it would have been projected when each began."""
    (rows, sentence), facts = backtest(report.ask), report.facts
    if not rows:
        return None
    texts = [
        f"Month to {words.short_day(r['ends_on'])}: projected {facts.money(r['low'])} to {facts.money(r['high'])}"
        for r in rows
    ]
    picture = prediction_charts.seen_and_expected(
        [words.short_day(row["ends_on"]) for row in rows], [row["actual"] for row in rows],
        [row["projected"] for row in rows], texts, ("Month of 30 days to", f"Revenue, {facts.currency}"),
    )  # fmt: skip
    fields = [
        Field("ends_on", "Month to", "date"), Field("projected", "Projected", "money"),
        Field("low", "95% interval: from", "money"), Field("high", "to", "money"), Field("actual", "Came", "money"),
        Field("mean_before", "Mean of the 12 months before", "money"), Field("inside", "Inside"),
    ]  # fmt: skip
    return Chart(
        id="projection-backtest",
        title="Was the projection of the lifecycle right",
        term="projection",
        basis=f"n = {words.counted(len(rows), 'month')} · each projected from the 12 before it · "
        f"{words.span(rows[0]['begins_after'], rows[-1]['ends_on'])}",
        views=(View("all", "All", sentence, picture),),
        grid=grid("Revenue of single months: projected, and what came", fields, [
            (r["ends_on"], r["projected"], r["low"], r["high"], r["actual"], r["mean_before"],
             "yes" if r["is_inside"] else "no")
            for r in rows
        ]),
        legend=prediction_charts.legend(picture),
    )  # fmt: skip


def _repeats(frequency: int) -> str:
    return f"{frequency} or more" if frequency == _LAST_X else str(frequency)


def _capture(report: Report, validation: pl.DataFrame, tested: Mapping[str, Tested]) -> Chart | None:
    views = []
    for target, label, what in (("counts", "Purchases", "the purchases that followed"),
                                ("value", "Spend", "the spend that followed")):  # fmt: skip
        found = tested.get(target)
        rows = validation.filter((pl.col("target") == target) & (pl.col("metric") == "top_10_percent_capture"))
        known = rows.drop_nulls("value").sort("value", "model", descending=[True, False]).to_dicts()
        known = [row for row in known if row["model"] != "zero"]  # ranks nobody
        if found is None or not known:
            continue
        rivals = [(row["model"], row["value"]) for row in known if row["is_baseline"]]
        bars = [(_marked(row["model"], found), row["value"], row["is_baseline"]) for row in known]
        fields = [Field("model", "Model"), Field("naive", "Naive"), Field("captured", "Top 10% capture", "percent")]
        views.append(
            View(
                target,
                label,
                capture_sentence(
                    found.model, found.scores.get("top_10_percent_capture"), rivals[0] if rivals else None, what
                ),
                prediction_charts.captures(bars),
                basis=_basis(found),
                grid=grid(f"Share of {what} that the best-ranked tenth brought", fields, [
                    (model_name(row["model"]), "yes" if row["is_baseline"] else "no", row["value"])
                    for row in known
                ]),
            )
        )  # fmt: skip
    if not views:
        return None
    legend = (*prediction_charts.legend(views[0].figure), ("Drawn by lot", charts.MUTED))
    return Chart("capture", "Does it find the best customers", views[0].basis or "", tuple(views), legend=legend)


def _deciles(report: Report, tested: Mapping[str, Tested], days: int) -> Chart | None:
    frame, views = report.ask(queries.DECILES), []
    for target, found in tested.items():
        of_target = frame.filter(pl.col("target") == target)
        rows = of_target.filter(pl.col("model") == found.model).to_dicts()
        if rows:
            views.append(_tenths(report.facts, found, rows, of_target, days))
    if not views:
        return None
    legend = prediction_charts.legend(views[0].figure)
    return Chart("deciles", "From the best tenth to the last", views[0].basis or "", tuple(views), legend=legend,
                 term="tenths")  # fmt: skip


def _tenths(facts: Facts, found: Tested, rows: Sequence[Mapping[str, Any]], of_target: pl.DataFrame, days: int) -> View:
    """One prediction: what the published model expected of each tenth, and what came."""
    kind, label, what, axis = _TENTHS[found.target] if found.target in _TENTHS else _TENTHS["probability"]
    name = target_name(found.target, days)
    told = [
        (
            show(r["predicted"], kind, facts.currency),
            show(r["observed"], kind, facts.currency),
            r["observed"],
            r["lift"],
        )
        for r in rows
    ]
    labels = [str(row["decile"]) for row in rows]
    texts = [f"Tenth {row['decile']}: {words.number(row['customers'], 0)} customers" for row in rows]
    seen, expected = ([row[column] for row in rows] for column in ("observed", "predicted"))
    titles = ("Tenth of the customers, 1 was ranked highest", axis)
    ticks = ".0%" if kind == "percent" else ""
    return View(
        found.target,
        label or f"{found.days} days",
        deciles_sentence(told, what),
        prediction_charts.seen_and_expected(labels, seen, expected, texts, titles, ticks),
        basis=f"{_basis(found)} · {model_name(found.model)}, “{name[0].lower()}{name[1:]}”",
        grid=_tenths_grid(name, found, rows, of_target, kind),
    )


def _tenths_grid(
    name: str, found: Tested, rows: Sequence[Mapping[str, Any]], of_target: pl.DataFrame, kind: Kind
) -> Grid:
    """The published model; and how much of all that happened the tenths of the others had brought by then."""
    others = sorted(set(of_target["model"]) - {found.model})
    captured = {(row["model"], row["decile"]): row["captured"] for row in of_target.to_dicts()}
    fields = [
        Field("tenth", "Tenth"), Field("customers", "Customers", "number"), Field("expected", "Expected", kind),
        Field("seen", "Seen", kind), Field("lift", "Times the mean", "number"),
        Field("brought_so_far", "Brought so far", "percent"),
        *(Field(f"{model}_so_far", f"{model_name(model)}, so far", "percent") for model in others),
    ]  # fmt: skip
    return grid(f"{name}: tenths of the customers, the one ranked highest first", fields, [
        (str(r["decile"]), r["customers"], r["predicted"], r["observed"], r["lift"], r["captured"],
         *(captured[model, r["decile"]] for model in others))
        for r in rows
    ])  # fmt: skip


def _marked(model: str, found: Tested) -> str:
    return f"{model_name(model)}, published" if model == found.model else model_name(model)


def _basis(found: Tested) -> str:
    span = f"{words.short_day(found.origin)} – {words.short_day(found.until)}"
    return f"n = {words.counted(found.customers, 'customer')} · tested on {span}, unseen"


# ── tables ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _scores(validation: pl.DataFrame, found: Tested, days: int) -> dict[str, Any]:
    """Every model and baseline in every measure; the best in each is named."""
    metrics = _SCORES["probability" if found.target in PROBABILITIES else found.target]
    frame = validation.filter(pl.col("target") == found.target)
    values = {(row["model"], row["metric"]): row["value"] for row in frame.to_dicts()}
    naive = dict(zip(frame["model"], frame["is_baseline"], strict=True))
    best = {metric: _best(metric, [(m, values.get((m, metric))) for m in naive]) for metric in metrics}
    order = sorted(
        naive, key=lambda m: (naive[m], _cost(metric_of(found.target), values.get((m, metric_of(found.target)))), m)
    )

    def role(model: str) -> str:
        return "published" if model == found.model else "naive baseline" if naive[model] else "candidate"

    def best_in(model: str) -> str:
        return ", ".join(METRICS[metric] for metric in metrics if model in best[metric])

    fields = [
        Field("model", "Model"), Field("role", "Role"),
        *(Field(metric, METRICS[metric], "percent" if metric in _SHARES else "score") for metric in metrics),
        Field("best_in", "Best in"),
    ]  # fmt: skip
    name = target_name(found.target, days)
    own = [METRICS[metric] for metric in metrics if found.model in best[metric]]
    rivals = [METRICS[metric] for metric in metrics if any(naive[model] for model in best[metric])]
    return {
        "id": f"scores-{found.target.replace('_', '-')}",
        "title": name,
        "sentence": scores_sentence(found.model, own, rivals),
        "basis": _basis(found),
        "table": grid(f"{name}: scores of all models and baselines", fields, [
            (model_name(m), role(m), *(values.get((m, metric)) for metric in metrics), best_in(m) or "–")
            for m in order
        ]),
    }  # fmt: skip


def _cost(metric: str, value: float | None) -> float:
    """The less the better; unknown is worst. Rounded: the last digits of sums differ from run to run."""
    if value is None:
        return float("inf")
    if metric == "coverage_80":
        return abs(round(value, 6) - 0.8)
    size = abs(round(value, 6)) if metric == "bias_percent" else round(value, 6)
    return -size if metric in _HIGHER_IS_BETTER else size


def _best(metric: str, values: Sequence[tuple[str, float | None]]) -> set[str]:
    known = [(model, _cost(metric, value)) for model, value in values if value is not None]
    least = min((cost for _, cost in known), default=None)
    return {model for model, cost in known if cost == least}


def _parameters(report: Report, champions: Mapping[str, Any]) -> dict[str, Any]:
    facts, frame = report.facts, report.ask(queries.PARAMETERS)
    now = frame.filter(pl.col("snapshot_date") == facts.snapshot_date)
    earlier = frame.filter(pl.col("snapshot_date") < facts.snapshot_date).sort("snapshot_date")
    previous: dt.date | None = earlier["snapshot_date"].to_list()[-1] if earlier.height else None
    before = {
        (row["model"], row["parameter"]): row["estimate"]
        for row in (earlier.filter(pl.col("snapshot_date") == previous).to_dicts() if previous else [])
    }
    rows, moves, published = [], [], _published(champions, now)
    for row in now.to_dicts():
        then, error = before.get((row["model"], row["parameter"])), row["standard_error"]
        moved = (row["estimate"] - then) / error if then is not None and error else None
        name = f"{_symbol(row['parameter'])} of {model_name(row['model'])}"
        if moved is not None and row["model"] in published:
            moves.append((name, moved))
        low, high = ((row["estimate"] + side * 1.96 * error) if error else None for side in (-1, 1))
        rows.append(
            (
                model_name(row["model"]),
                _symbol(row["parameter"]),
                row["estimate"],
                error,
                low,
                high,
                then,
                moved,
            )
        )
    fields = [
        Field("model", "Model"), Field("parameter", "Parameter"), Field("estimate", "Estimate", "score"),
        Field("standard_error", "Standard error", "score"), Field("low", "95% interval: from", "score"),
        Field("high", "to", "score"),
        Field("before", f"On {words.short_day(previous)}" if previous else "Before", "score"),
        Field("moved", "Moved, standard errors", "number"),
    ]  # fmt: skip
    sentence = drift_sentence(moves, previous)
    return {
        "sentence": sentence,
        "chart": _drift(facts, frame, published),
        "table": grid("Parameters of all models; time in weeks", fields, rows),
    }


def _published(champions: Mapping[str, Any], now: pl.DataFrame) -> list[str]:
    """The timing model of counts and that of spend, whose parameters decide every predicted value."""
    models = now["model"].unique().to_list()
    return [model for model in (champions["counts"]["timing_model"], "gamma_gamma") if model in models]


def _drift(facts: Facts, frame: pl.DataFrame, published: Sequence[str]) -> Chart | None:
    views = []
    for model in published:
        of_model = frame.filter(pl.col("model") == model)
        for parameter in of_model["parameter"].unique().sort().to_list():
            rows = of_model.filter(pl.col("parameter") == parameter).sort("snapshot_date").to_dicts()
            fields = [Field("snapshot_date", "As of", "date"), Field("estimate", "Estimate", "score"),
                      Field("standard_error", "Standard error", "score")]  # fmt: skip
            name = f"{_symbol(parameter)} of {model_name(model)}"
            span = words.span(rows[0]["snapshot_date"], rows[-1]["snapshot_date"])
            views.append(
                View(
                    f"{model}-{parameter}".replace("_", "-"),
                    _symbol(parameter),
                    _now_sentence(name, rows),
                    prediction_charts.drift(rows),
                    basis=f"n = {words.counted(facts.customers['customers'], 'customer')} · snapshots {span} · {name}",
                    grid=grid(f"{name}, snapshot by snapshot", fields, [
                        (row["snapshot_date"], row["estimate"], row["standard_error"]) for row in rows
                    ]),
                )
            )  # fmt: skip
    if not views:
        return None
    return Chart("parameters", "Parameters over the snapshots", views[0].basis or "", tuple(views))


def _now_sentence(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    last = rows[-1]
    text = f"{name} is {words.number(last['estimate'], 3)}"
    if last["standard_error"]:
        text += f" ± {words.number(last['standard_error'], 3)} (standard error)"
    if len(rows) == 1:
        return f"{text}; there is no earlier snapshot to compare with."
    first = rows[0]
    return f"{text}; on {words.day(first['snapshot_date'])} it was {words.number(first['estimate'], 3)}."


def _symbol(parameter: str) -> str:
    return _SYMBOLS.get(parameter, parameter.replace("_", " "))


def _fits(report: Report) -> dict[str, Any]:
    rows = report.ask(queries.FITS).to_dicts()
    fields = [
        Field("data_up_to", "Data up to", "date"), Field("asked_for", "Asked for"), Field("model", "Came out"),
        Field("status", "In plain words"), Field("customers", "Customers", "count"),
        Field("groups", "Different histories", "count"), Field("log_likelihood", "Log-likelihood", "number"),
        Field("aic", "AIC", "number"), Field("iterations", "Iterations", "count"),
        Field("binning_error", "Error of binning, standard errors", "score"),
    ]  # fmt: skip

    def status(row: Mapping[str, Any]) -> str:
        told = STATUSES.get(row["status"], row["status"])
        return f"{told}: {row['reason']}" if row["reason"] else str(told)

    return {
        "sentence": fits_sentence([row["status"] for row in rows]),
        "table": grid("Every fit of this snapshot", fields, [
            (r["origin"], model_name(r["asked_for"]), model_name(r["model"]), status(r), r["customers"],
             r["groups"], r["log_likelihood"], r["aic"], r["iterations"], r["binning_error"])
            for r in rows
        ]),
    }  # fmt: skip
