"""RFM: the three scores crossed, and the values each score and tier stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.reporting import charts, queries, words
from pipeline.reporting.components import Chart, Field, Grid, View, grid
from pipeline.reporting.facts import Facts, Report

_PAIRS = ("RF", "FM", "RM")
_MEASURES = {
    "recency": ("Recency", "Days since the last day with an order"),
    "frequency": ("Frequency", "Days with an order"),
    "monetary": ("Spend", "Net revenue"),
}
_MEASURE_OF_LETTER = {"R": "recency", "F": "frequency", "M": "monetary"}


def context(report: Report) -> dict[str, Any]:
    facts, crosstab, thresholds = report.facts, report.ask(queries.CROSSTAB), report.ask(queries.THRESHOLDS)
    ranges = _ranges(thresholds, facts.currency)
    return {
        "grids": [] if facts.is_empty else [_score_chart(facts, crosstab, pair, ranges) for pair in _PAIRS],
        "measures": charts.MEASURES,
        "thresholds": [_threshold_tables(facts, thresholds, measure) for measure in _MEASURES],
        "empty_scores": words.empty_scores_sentence(_empty_scores(thresholds)),
    }


def _score_chart(facts: Facts, crosstab: pl.DataFrame, pair: str, ranges: Mapping[tuple[str, int], str]) -> Chart:
    frame = crosstab.filter(pl.col("pair") == pair)
    first, second = (charts.VARIABLES[letter] for letter in pair)
    spearman = frame["spearman"][0]
    cells = [
        words.Cell(r["first_score"], r["second_score"], r["customers"], r["revenue"], r["mean_order_value"])
        for r in frame.to_dicts()
    ]
    related = words.correlation_sentence(first, second, spearman)
    rank = f" · Spearman’s rank correlation {words.number(spearman)}" if spearman is not None else ""
    return Chart(
        id=f"{pair.lower()}-grid",
        title=f"{first.capitalize()} and {second}",
        basis=f"{facts.basis}{rank}",
        views=tuple(
            View(
                measure,
                label,
                f"{related} {words.cells_sentence(cells, first, second, measure, facts.currency)}",
                charts.score_grid(frame, measure, facts.currency, ranges),
            )
            for measure, label in charts.MEASURES.items()
        ),
        grid=_cells_grid(cells, first, second),
        switch="measure",
    )


def _cells_grid(cells: list[words.Cell], first: str, second: str) -> Grid:
    everyone = sum(cell.customers for cell in cells)
    return grid(
        f"{first.capitalize()} score by {second} score",
        [Field(f"{first}_score", f"{first.capitalize()} score", "count"),
         Field(f"{second}_score", f"{second.capitalize()} score", "count"),
         Field("customers", "Customers", "count"), Field("share_of_customers", "Share", "percent"),
         Field("revenue", "Revenue", "money"), Field("mean_order_value", "Mean order value", "money")],
        [
            (c.first, c.second, c.customers, words.share_of(c.customers, everyone), c.revenue, c.mean_order_value)
            for c in cells
        ],
    )  # fmt: skip


def _threshold_tables(facts: Facts, thresholds: pl.DataFrame, measure: str) -> dict[str, Any]:
    """Scores and tiers of one measure, best first; a step nobody falls in is shown as empty."""
    rows = thresholds.filter(pl.col("measure") == measure).to_dicts()
    by_settings = any(row["scale"] == "tier" and row["set_by"] == "settings" for row in rows)
    title, description = _MEASURES[measure]
    return {
        "measure": measure,
        "title": title,
        "description": description,
        "scores": _steps(rows, "score", facts.currency),
        "tiers": _steps(rows, "tier", facts.currency),
        "tiers_set_by": "set in perennial.toml" if by_settings else "learnt from the customers of the day",
    }


def _steps(rows: list[dict[str, Any]], scale: str, currency: str) -> list[dict[str, Any]]:
    chosen = sorted((row for row in rows if row["scale"] == scale), key=lambda row: -row["step"])
    everyone = sum(row["customers"] for row in chosen)
    return [
        {
            "label": row["label"],
            "range": _range(row, currency),
            "customers": row["customers"],
            "share": words.share_of(row["customers"], everyone),
        }
        for row in chosen
    ]


def _ranges(thresholds: pl.DataFrame, currency: str) -> dict[tuple[str, int], str]:
    """(R, F or M; score) -> the values behind the score."""
    scores = thresholds.filter(pl.col("scale") == "score").to_dicts()
    return {
        (letter, row["step"]): _range(row, currency)
        for letter, measure in _MEASURE_OF_LETTER.items()
        for row in scores
        if row["measure"] == measure
    }


def _range(step: Mapping[str, Any], currency: str) -> str:
    return words.value_range(step["measure"], step["lowest"], step["highest"], currency)


def _empty_scores(thresholds: pl.DataFrame) -> list[str]:
    """'frequency 2'."""
    empty = thresholds.filter((pl.col("scale") == "score") & (pl.col("customers") == 0))
    return [f"{_MEASURES[row['measure']][0].lower()} {row['label']}" for row in empty.to_dicts()]
