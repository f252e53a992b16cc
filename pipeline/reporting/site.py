"""The pages of one snapshot: asks the warehouse for aggregates, lays out what each page shows, renders the templates.

Everything but the run card is a function of the partition, so that the same partition gives the same bytes. Customers
appear as numbers only. Looks belong to reports/templates, phrases to `words`, figures to `charts`, SQL to `queries`.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import polars as pl

from pipeline.reporting import charts, queries, words
from pipeline.reporting.charts import Chart, Field, Grid, View
from pipeline.settings import TEMPLATES_FOLDER
from pipeline.sql import Table

Query = Callable[[str, Mapping[str, object]], pl.DataFrame]
"""Runs a SELECT on the warehouse with `$name` parameters."""

OUT = "reports/out"
PAGES = {"index": "Overview", "rfm": "RFM", "segments": "Segments", "glossary": "Glossary"}
CATALOGUES = {
    "grid": ("The ten groups", "A fine grid: every pair of recency and frequency scores belongs to one of ten groups."),
    "axonaut": ("The seven groups", "Axonaut's coarser seven, for a small team or a small shop."),
}
MAIN_CATALOGUE = "grid"
_MONTHS_SHOWN = 24
_FILES_SHOWN = 12
_MOVES_SHOWN = 10
_SEGMENTS_ON_MONDAY = 5
_SCHEMA_ORDER = {"marts": 0, "staging": 2, "ingest": 3}
_RANKED_BY_SCORE = {"R": "recency", "F": "frequency", "M": "monetary"}
_MEASURES = {
    "recency": ("Recency", "Days since the last day with an order"),
    "frequency": ("Frequency", "Days with an order"),
    "monetary": ("Spend", "Net revenue"),
}


@dataclass(frozen=True)
class RunCard:
    """The run that made the pages: the only part of them that differs when the same partition is made again."""

    run_id: str
    finished_at: str
    versions: Mapping[str, str]
    settings: Mapping[str, object]
    currency: str


@dataclass(frozen=True)
class Facts:
    """Everything the pages of one snapshot are made of."""

    snapshot_date: dt.date
    currency: str
    files: pl.DataFrame
    lines: Mapping[str, Any]
    without_occasion: Mapping[str, Any]
    customers: Mapping[str, Any]
    previous: dt.date | None
    customers_before: Mapping[str, Any] | None
    lines_before: Mapping[str, Any] | None
    months: pl.DataFrame
    segments: pl.DataFrame
    flows: pl.DataFrame
    moves: pl.DataFrame
    crosstab: pl.DataFrame
    thresholds: pl.DataFrame

    @property
    def basis(self) -> str:
        """What a statement about all customers rests on."""
        return f"n = {words.things(self.customers['customers'], 'customer')} · orders {self.range}"

    @property
    def range(self) -> str:
        return words.span(self.lines["first_on"], self.snapshot_date)

    @property
    def last_year(self) -> str:
        return words.span(self.snapshot_date - dt.timedelta(days=364), self.snapshot_date)


@dataclass(frozen=True)
class Figure:
    """One number that matters, with what it is to be read against."""

    label: str
    value: str
    context: str = ""
    change: str = ""


@dataclass(frozen=True)
class Answer:
    question: str
    text: str
    href: str


@dataclass(frozen=True)
class Segment:
    """A segment as a card: who they are, what they are worth, what to do, where their file is."""

    catalogue: str
    name: str
    label: str
    rank: int
    colour: str
    rule: str
    meaning: str
    advice: str
    owner: str
    customers: int
    share: float | None
    revenue_12_months: Decimal
    revenue_share: float | None
    mean_order_value: float | None
    arrived: str
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Catalogue:
    name: str
    title: str
    description: str
    charts: tuple[Chart, ...]
    migration: Chart | None
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class GlossaryTable:
    name: str
    anchor: str
    description: str
    grain: str
    owner: str
    columns: tuple[tuple[str, str, str, str, str], ...] = field(default=())


def build_site(
    query: Query,
    snapshot_date: dt.date,
    tables: Mapping[str, Table],
    run: RunCard,
    snapshots: Sequence[dt.date],
    file: Callable[[str], Path],
) -> list[str]:
    """Write the pages of `snapshot_date`, the assets all snapshots share, and the entrance; return their targets.

    `snapshots` are all published snapshot dates, this one included or not. `file` gives the path to write for a target,
    which is a posix path relative to the home.
    """
    facts = read_facts(query, snapshot_date, run.currency)
    environment = make_environment(run.currency)
    dates = sorted({*snapshots, snapshot_date})
    content: dict[str, dict[str, Any]] = {
        "index": overview(facts, run),
        "rfm": rfm(facts),
        "segments": {"catalogues": catalogues(facts)},
        "glossary": {"tables": glossary(tables, run.currency)},
    }
    texts = {
        f"{OUT}/{snapshot_date}/{page}.html": environment.get_template(f"{page}.html.j2").render(
            page=page, pages=PAGES, facts=facts, snapshot_date=snapshot_date, is_empty=_is_empty(facts), **content[page]
        )
        for page in PAGES
    }
    texts[f"{OUT}/index.html"] = environment.get_template("latest.html.j2").render(dates=dates[::-1])
    texts[f"{OUT}/assets/snapshots.js"] = f"window.perennialSnapshots = {json.dumps([f'{d}' for d in dates])};\n"
    for target, text in texts.items():
        file(target).write_text(text, encoding="utf-8")
    assets = _assets()
    for target, source in assets.items():
        shutil.copyfile(source, file(target))
    return [*texts, *assets]


def read_facts(query: Query, snapshot_date: dt.date, currency: str) -> Facts:
    day: Mapping[str, object] = {"snapshot_date": snapshot_date}
    previous = query(queries.PREVIOUS_SNAPSHOT, day).item()
    before = {"snapshot_date": previous}
    return Facts(
        snapshot_date=snapshot_date,
        currency=currency,
        files=query(queries.FILES, {}),
        lines=query(queries.LINES, day).row(0, named=True),
        without_occasion=query(queries.WITHOUT_OCCASION, day).row(0, named=True),
        customers=query(queries.CUSTOMERS, day).row(0, named=True),
        previous=previous,
        customers_before=query(queries.CUSTOMERS, before).row(0, named=True) if previous else None,
        lines_before=query(queries.LINES, before).row(0, named=True) if previous else None,
        months=query(queries.MONTHS, day),
        segments=query(queries.SEGMENTS, day),
        flows=query(queries.FLOWS, day),
        moves=query(queries.MOVES, day),
        crosstab=query(queries.CROSSTAB, day),
        thresholds=query(queries.THRESHOLDS, day),
    )


def make_environment(currency: str) -> jinja2.Environment:
    """Autoescaping, strict templates with the filters that show values."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": words.count,
        "percent": words.percent,
        "money": lambda amount: words.money(amount, currency),
        "day": words.day,
        "things": words.things,
        "show": lambda value, kind: show(value, kind, currency),
        "raw": raw,
        "chart_data": lambda chart: [
            {"key": view.key, "sentence": view.sentence, "figure": view.figure} for view in chart.views
        ],
    }
    return environment


def show(value: Any, kind: charts.Kind, currency: str) -> str:
    """A value of a table as the page shows it."""
    if value is None:
        return words.UNKNOWN
    ways: dict[charts.Kind, Callable[[Any], str]] = {
        "count": words.count,
        "number": words.number,
        "percent": words.percent,
        "date": words.short_day,
        "money": lambda amount: words.money(amount, currency),
        "text": str,
    }
    return ways[kind](value)


def raw(value: Any) -> str:
    """A value of a table as the CSV holds it: empty if not known."""
    if value is None:
        return ""
    return f"{round(value, 6)}" if isinstance(value, float) else str(value)


# ── overview ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def overview(facts: Facts, run: RunCard) -> dict[str, Any]:
    segments = segments_of(facts, MAIN_CATALOGUE)
    moves = moves_of(facts, MAIN_CATALOGUE)
    monday = sorted((s for s in segments if s.revenue_12_months > 0), key=lambda s: (-s.revenue_12_months, s.rank))
    return {
        "run": run,
        "run_settings": {name: _setting(value) for name, value in sorted(run.settings.items())},
        "quality": quality(facts),
        "answers": answers(facts, segments, moves),
        "figures": figures(facts),
        "months": months_chart(facts),
        "directions": directions(facts),
        "arrivals": arrivals_chart(facts),
        "moves": moves_grid(facts),
        "monday": monday[:_SEGMENTS_ON_MONDAY],
        "first_words": comparison_missing(facts),
    }


def quality(facts: Facts) -> dict[str, Any]:
    """What came in, what did not fit, and which lines cannot be told to a customer."""
    loaded = facts.files.filter(pl.col("status") == "loaded")
    totals = words.FileTotals(
        facts.files.height,
        facts.files.height - loaded.height,
        *(int(loaded[name].sum()) for name in ("rows_read", "accepted", "quarantined", "superseded", "duplicates")),
    )
    fields = [
        Field("file", "File"), Field("source", "Source"), Field("status", "Status"),
        Field("rows_read", "Read", "count"), Field("accepted", "Accepted", "count"),
        Field("quarantined", "Set aside", "count"), Field("superseded", "Superseded", "count"),
        Field("duplicates", "Duplicates", "count"), Field("first_order", "First order", "date"),
        Field("last_order", "Last order", "date"),
    ]  # fmt: skip
    rows = [
        (Path(r["path"]).name, r["source"], r["status"], r["rows_read"], r["accepted"], r["quarantined"],
         r["superseded"], r["duplicates"], _date(r["first_ordered_at"]), _date(r["last_ordered_at"]))
        for r in facts.files.to_dicts()
    ]  # fmt: skip

    def of_all(number: int) -> str:
        return words.percent(words.share_of(number, totals.rows_read))

    lines, others = facts.lines, facts.without_occasion
    clean = not (totals.quarantined or totals.rejected) and totals.files > 0
    return {
        "totals": totals,
        "clean": clean,
        "sentence": words.quality_sentence(totals),
        "tiles": [
            Figure("Rows read", words.count(totals.rows_read)),
            Figure("Accepted", words.count(totals.accepted), of_all(totals.accepted)),
            Figure("Set aside", words.count(totals.quarantined), of_all(totals.quarantined)),
            Figure("Superseded", words.count(totals.superseded), "by a newer export"),
            Figure("Duplicates", words.count(totals.duplicates), "exact copies dropped"),
            Figure(
                "Without customer",
                words.count(lines["guest_lines"]),
                f"{words.percent(words.share_of(lines['guest_revenue'], lines['revenue']))} of revenue",
            ),
            Figure(
                "No occasion",
                words.things(others["customers"], "customer"),
                f"{words.money(others['revenue'], facts.currency)} net" if others["customers"] else "nobody left out",
            ),
        ] if totals.files else [],
        "files": charts.grid("Rows of every export file", fields, rows[:_FILES_SHOWN]),
        "more_files": charts.grid("Rows of the remaining export files", fields, rows[_FILES_SHOWN:]),
    }  # fmt: skip


def figures(facts: Facts) -> list[Figure]:
    now, before = facts.customers, facts.customers_before
    lines, lines_before = facts.lines, facts.lines_before
    customers = now["customers"]
    repeat = words.share_of(now["repeat_customers"], customers)
    repeat_before = words.share_of(before["repeat_customers"], before["customers"]) if before else None
    guests = words.share_of(lines["guest_revenue_12_months"], lines["revenue_12_months"])

    def since(name: str) -> str:
        return words.change(now[name] - before[name]) if before else ""

    def money(amount: words.Number | None) -> str:
        return words.money(amount, facts.currency)

    year, year_before = lines["revenue_12_months"], lines_before["revenue_12_months"] if lines_before else None
    active = words.percent(words.share_of(now["active"], customers))
    return [
        Figure("Customers", words.count(customers), "with at least one order", since("customers")),
        Figure("Active in the last 90 days", words.count(now["active"]), f"{active} of customers", since("active")),
        Figure(
            "Revenue, last 12 months",
            money(year),
            "net of refunds, guests included",
            "" if year_before is None else words.change(year - year_before, money),
        ),
        Figure(
            "Repeat customers",
            words.percent(repeat),
            f"{words.count(now['repeat_customers'])} bought on two days or more",
            "" if repeat is None or repeat_before is None else words.change(repeat - repeat_before, words.points),
        ),
        Figure(
            "Mean order value",
            money(now["mean_order_value"]),
            f"over {words.things(now['orders'], 'order')}" if customers else "no orders yet",
        ),
        Figure("Guests’ share of revenue", words.percent(guests), "last 12 months, orders without a customer"),
    ]


def answers(facts: Facts, segments: Sequence[Segment], moves: Sequence[words.Move]) -> list[Answer]:
    """The first screen: who changed, what is it worth, what to do on Monday."""
    missing = comparison_missing(facts)
    worth = sum((s.revenue_12_months for s in segments), Decimal(0))
    customers = facts.customers["customers"]
    if facts.previous is None:
        slipped = None
        changed = missing
        value = (
            f"{words.things(customers, 'customer')} spent {words.money(worth, facts.currency)} in the last 12 months."
            if customers
            else "Unknown until there are customers."
        )
    else:
        worse = [move for move in moves if move.direction == "worse"]
        by_direction = {d: sum(m.customers for m in moves if m.direction == d) for d in charts.DIRECTION_COLOURS}
        slipped = max(worse, key=lambda move: (move.value, move.customers, move.target), default=None)
        changed = (
            f"Since {words.day(facts.previous)} {words.things(by_direction['better'], 'customer')} moved up, "
            f"{words.count(by_direction['worse'])} moved down and {words.somebody(by_direction['entered'])} new."
        )
        at_stake = sum((move.value for move in worse), Decimal(0))
        share = words.percent(words.share_of(at_stake, worth))
        value = (
            f"Those who moved down spent {words.money(at_stake, facts.currency)} in the last 12 months, "
            f"{share} of what customers spent."
            if worse
            else "Nothing is at stake: nobody moved down."
        )
    return [
        Answer("Who changed?", changed, "#changes"),
        Answer("What is it worth?", value, "#changes"),
        Answer("What to do on Monday?", monday_answer(facts, segments, slipped), "#monday"),
    ]


def monday_answer(facts: Facts, segments: Sequence[Segment], slipped: words.Move | None) -> str:
    filled = [s for s in segments if s.customers]
    if not filled:
        return "Load an export with orders; the advice follows from the groups."
    if slipped is not None:
        who = f"the {words.count(slipped.customers)} who slipped from {slipped.origin} to {slipped.target}"
        advice = next((s.advice for s in segments if s.label == slipped.target), "")
        return f"Begin with {who}. {advice}"
    top = max(filled, key=lambda s: (s.revenue_12_months, -s.rank))
    return f"Begin with {top.label}, {words.percent(top.revenue_share)} of the last year's revenue. {top.advice}"


def comparison_missing(facts: Facts) -> str:
    """Why nothing can be said about changes; empty if it can."""
    if _is_empty(facts):
        return f"Nobody had bought by the end of {words.day(facts.snapshot_date)}."
    if facts.previous is None:
        return "This is the first snapshot. Who moved between groups is known from the second one on."
    return ""


def directions(facts: Facts) -> list[dict[str, str]]:
    if facts.previous is None:
        return []
    moves = moves_of(facts, MAIN_CATALOGUE)
    result = []
    for name, label in charts.DIRECTION_LABELS.items():
        chosen = [move for move in moves if move.direction == name]
        top = max(chosen, key=lambda move: (move.value, move.customers, move.target), default=None)
        people, value = sum(m.customers for m in chosen), sum((m.value for m in chosen), Decimal(0))
        result.append(
            {
                "name": name,
                "label": label,
                "value": words.count(people),
                "worth": words.money(value, facts.currency),
                "top": words.move_sentence(top, facts.customers["customers"], facts.previous, facts.currency)
                if top
                else words.direction_sentence(name, 0, Decimal(0), facts.currency),
            }
        )
    return result


def months_chart(facts: Facts) -> Chart | None:
    months = facts.months.tail(_MONTHS_SHOWN)
    if months.is_empty():
        return None
    rows = months.with_columns((pl.col("customer_revenue") + pl.col("guest_revenue")).alias("revenue")).to_dicts()
    last_is_whole = (facts.snapshot_date + dt.timedelta(days=1)).day == 1
    fields = [
        Field("month", "Month"), Field("customer_revenue", "Customers", "money"),
        Field("guest_revenue", "Guests", "money"), Field("orders", "Orders", "count"),
    ]  # fmt: skip
    first = max(rows[0]["month"], facts.lines["first_on"])
    lines = words.things(sum(r["lines"] for r in rows), "order line")
    return Chart(
        id="revenue-by-month",
        title="Revenue by month",
        basis=f"n = {lines} · {words.span(first, facts.snapshot_date)}",
        views=(
            View(
                "revenue",
                "Revenue",
                words.months_sentence(rows, last_is_whole, facts.currency),
                charts.revenue_by_month(months, facts.currency, facts.snapshot_date),
            ),
        ),
        grid=charts.grid(
            "Revenue by month",
            fields,
            [(f"{r['month']:%Y-%m}", r["customer_revenue"], r["guest_revenue"], r["orders"]) for r in rows],
        ),
    )  # fmt: skip


def arrivals_chart(facts: Facts) -> Chart | None:
    moves = facts.moves.filter(pl.col("catalogue") == MAIN_CATALOGUE)
    if facts.previous is None or moves.is_empty():
        return None
    labels = labels_of(facts, MAIN_CATALOGUE)
    told = moves_of(facts, MAIN_CATALOGUE)
    people = charts.arrivals(moves, labels, "customers", lambda value: words.things(value, "customer"))
    worth = charts.arrivals(moves, labels, "value_at_stake", lambda value: words.money(value, facts.currency))
    totals: dict[str, list[Any]] = {}
    for r in moves.to_dicts():
        row = totals.setdefault(r["to_segment"], [0, 0, 0, Decimal(0)])
        row[("better", "worse", "entered").index(r["direction"])] += r["customers"]
        row[3] += r["value_at_stake"]
    dearest = max(totals, key=lambda name: (totals[name][3], name))
    return Chart(
        id="arrivals",
        title="Where customers arrived",
        basis=f"n = {words.things(int(moves['customers'].sum()), 'move')} · "
        f"{words.span(facts.previous + dt.timedelta(days=1), facts.snapshot_date)}",
        views=(
            View("customers", "Customers", words.arrivals_sentence(told, facts.previous), people),
            View(
                "value",
                "Value at stake",
                f"Most value moved into {labels.get(dearest, dearest)}: "
                f"{words.money(totals[dearest][3], facts.currency)} of the last year's revenue.",
                worth,
            ),
        ),
        grid=charts.grid(
            "Customers who arrived in each group since the previous snapshot",
            [Field("segment", "Group"), Field("moved_up", "Moved up", "count"),
             Field("moved_down", "Moved down", "count"), Field("new", "New", "count"), Field("value_at_stake", "Value at stake", "money")],
            [(label, *totals.get(name, [0, 0, 0, Decimal(0)])) for name, label in labels.items()],
        ),
    )  # fmt: skip


def moves_grid(facts: Facts) -> Grid | None:
    """The moves with the most value at stake."""
    moves = moves_of(facts, MAIN_CATALOGUE)[:_MOVES_SHOWN]
    if not moves:
        return None
    return charts.grid(
        "Moves with the most value at stake",
        [Field("from", "From"), Field("to", "To"), Field("direction", "Direction"),
         Field("customers", "Customers", "count"), Field("value_at_stake", "Value at stake", "money")],
        [
            (m.origin or charts.NEWCOMERS, m.target, charts.DIRECTION_LABELS[m.direction], m.customers, m.value)
            for m in moves
        ],
    )  # fmt: skip


# ── RFM ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def rfm(facts: Facts) -> dict[str, Any]:
    return {
        "grids": [] if _is_empty(facts) else [score_chart(facts, pair) for pair in ("RF", "FM", "RM")],
        "measures": charts.MEASURES,
        "thresholds": [threshold_tables(facts, measure) for measure in _MEASURES],
        "empty_scores": words.empty_scores_sentence(
            [
                f"{_MEASURES[r['measure']][0].lower()} {r['label']}"
                for r in facts.thresholds.filter((pl.col("scale") == "score") & (pl.col("customers") == 0)).to_dicts()
            ]
        ),
    }


def score_chart(facts: Facts, pair: str) -> Chart:
    cells = facts.crosstab.filter(pl.col("pair") == pair)
    first, second = (charts.VARIABLES[letter] for letter in pair)
    spearman = cells["spearman"][0]
    told = [
        words.Cell(r["first_score"], r["second_score"], r["customers"], r["revenue"], r["mean_order_value"])
        for r in cells.to_dicts()
    ]
    ranges = {
        (letter, r["step"]): range_of(r, facts.currency)
        for letter, measure in _RANKED_BY_SCORE.items()
        for r in facts.thresholds.filter((pl.col("measure") == measure) & (pl.col("scale") == "score")).to_dicts()
    }
    related = words.correlation_sentence(first, second, spearman)
    rank = f" · Spearman’s rank correlation {words.number(spearman)}" if spearman is not None else ""
    everyone = sum(cell.customers for cell in told)
    return Chart(
        id=f"{pair.lower()}-grid",
        title=f"{first.capitalize()} and {second}",
        basis=f"{facts.basis}{rank}",
        views=tuple(
            View(
                measure,
                label,
                f"{related} {words.cells_sentence(told, first, second, measure, facts.currency)}",
                charts.score_grid(cells, measure, facts.currency, ranges),
            )
            for measure, label in charts.MEASURES.items()
        ),
        grid=charts.grid(
            f"{first.capitalize()} score by {second} score",
            [Field(f"{first}_score", f"{first.capitalize()} score", "count"),
             Field(f"{second}_score", f"{second.capitalize()} score", "count"),
             Field("customers", "Customers", "count"), Field("share_of_customers", "Share", "percent"),
             Field("revenue", "Revenue", "money"), Field("mean_order_value", "Mean order value", "money")],
            [
                (c.first, c.second, c.customers, words.share_of(c.customers, everyone), c.revenue, c.mean_order_value)
                for c in told
            ],
        ),
        switch="measure",
    )  # fmt: skip


def threshold_tables(facts: Facts, measure: str) -> dict[str, Any]:
    """Scores and tiers of one measure, best first; a step nobody falls in is shown as empty."""
    rows = facts.thresholds.filter(pl.col("measure") == measure).to_dicts()

    def steps(scale: str) -> list[dict[str, Any]]:
        chosen = sorted((r for r in rows if r["scale"] == scale), key=lambda r: -r["step"])
        everyone = sum(r["customers"] for r in chosen)
        return [
            {
                "label": r["label"],
                "range": range_of(r, facts.currency),
                "customers": r["customers"],
                "share": words.share_of(r["customers"], everyone),
            }
            for r in chosen
        ]

    by_settings = any(r["scale"] == "tier" and r["set_by"] == "settings" for r in rows)
    title, description = _MEASURES[measure]
    return {
        "measure": measure,
        "title": title,
        "description": description,
        "scores": steps("score"),
        "tiers": steps("tier"),
        "tiers_set_by": "set in perennial.toml" if by_settings else "learnt from the customers of the day",
    }


def range_of(step: Mapping[str, Any], currency: str) -> str:
    """'3–4 occasions'; 'empty' where nobody is."""
    low, high, measure = step["lowest"], step["highest"], step["measure"]
    if low is None or high is None:
        return "empty"
    if measure == "monetary":
        ends = [words.money(amount, currency) for amount in (low, high)]
        return ends[0] if low == high else " – ".join(ends)
    unit = "day" if measure == "recency" else "occasion"
    return words.things(low, unit) if low == high else f"{words.count(low)}–{words.things(high, unit)}"


# ── segments ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def catalogues(facts: Facts) -> list[Catalogue]:
    names = facts.segments["catalogue"].unique().to_list()
    order = [*(name for name in CATALOGUES if name in names), *sorted(set(names) - CATALOGUES.keys())]
    result = []
    for name in order:
        title, description = CATALOGUES.get(name, (name.replace("_", " ").capitalize(), ""))
        pictures = () if _is_empty(facts) else (map_chart(facts, name), shares_chart(facts, name))
        result.append(
            Catalogue(name, title, description, pictures, migration_chart(facts, name), tuple(segments_of(facts, name)))
        )
    return result


def map_chart(facts: Facts, catalogue: str) -> Chart:
    frame = facts.segments.filter(pl.col("catalogue") == catalogue)
    views = [
        View(
            "customers",
            "Customers",
            words.size_sentence(groups_of(frame)),
            charts.segment_map(frame, "customers", words.count),
        )
    ]
    if frame["revenue_12_months"].max() > 0:  # type: ignore[operator]
        views.append(
            View(
                "revenue",
                "Revenue, 12 months",
                words.concentration_sentence(groups_of(frame), "the last year's revenue"),
                charts.segment_map(frame, "revenue_12_months", lambda value: words.money(value, facts.currency)),
            )
        )
    return Chart(f"{catalogue}-map", "Who they are", facts.basis, tuple(views), segments_grid(frame, "Groups by size"))


def shares_chart(facts: Facts, catalogue: str) -> Chart:
    frame = facts.segments.filter(pl.col("catalogue") == catalogue)
    return Chart(
        id=f"{catalogue}-shares",
        title="What they bring",
        basis=f"n = {words.things(facts.customers['customers'], 'customer')} · revenue {facts.last_year}",
        views=(
            View(
                "shares",
                "Shares",
                words.concentration_sentence(groups_of(frame), "the last year's revenue"),
                charts.segment_shares(frame),
            ),
        ),
        grid=segments_grid(frame, "Share of customers and of revenue"),
    )


def migration_chart(facts: Facts, catalogue: str) -> Chart | None:
    flows = facts.flows.filter(pl.col("catalogue") == catalogue)
    if facts.previous is None or flows.is_empty():
        return None
    labels, ranks = labels_of(facts, catalogue), ranks_of(facts, catalogue)
    rows = [(charts.direction(r["previous_segment"], r["segment"], ranks), r) for r in flows.to_dicts()]
    totals = {d: sum(r["customers"] for way, r in rows if way == d) for d in ("same", "better", "worse", "entered")}
    sentence = words.flow_sentence(totals["same"], totals["better"], totals["worse"], totals["entered"], facts.previous)
    views = [View("all", "Everybody", sentence, charts.migration(flows, ranks, labels, moves_only=False))]
    if totals["same"] < sum(totals.values()):
        views.insert(0, View("moves", "Moves only", sentence, charts.migration(flows, ranks, labels, moves_only=True)))

    def name(segment: str | None) -> str:
        return charts.NEWCOMERS if segment is None else labels.get(segment, segment)

    way_labels = {**charts.DIRECTION_LABELS, "same": "Stayed"}
    ordered = sorted(rows, key=lambda row: (-row[1]["customers"], name(row[1]["previous_segment"]), row[1]["segment"]))
    return Chart(
        id=f"{catalogue}-migration",
        title="Where they went",
        basis=f"n = {words.things(sum(totals.values()), 'customer')} · "
        f"from {words.short_day(facts.previous)} to {words.short_day(facts.snapshot_date)}",
        views=tuple(views),
        grid=charts.grid(
            "Customers by previous and present group",
            [Field("from", "From"), Field("to", "To"), Field("direction", "Direction"),
             Field("customers", "Customers", "count"), Field("revenue_12_months", "Revenue, 12 months", "money")],
            [(name(r["previous_segment"]), name(r["segment"]), way_labels[way], r["customers"], r["revenue_12_months"])
             for way, r in ordered],
        ),
    )  # fmt: skip


def segments_grid(frame: pl.DataFrame, caption: str) -> Grid:
    customers, revenue = frame["customers"].sum(), frame["revenue_12_months"].sum()
    fields = [
        Field("segment", "Group"), Field("customers", "Customers", "count"),
        Field("share_of_customers", "Share", "percent"), Field("revenue_12_months", "Revenue, 12 months", "money"),
        Field("share_of_revenue", "Share of revenue", "percent"),
        Field("orders", "Orders", "count"), Field("revenue", "Revenue, all time", "money"),
        Field("mean_order_value", "Mean order value", "money"),
    ]  # fmt: skip
    return charts.grid(
        caption,
        fields,
        [
            (r["label"], r["customers"], words.share_of(r["customers"], customers), r["revenue_12_months"],
             words.share_of(r["revenue_12_months"], revenue), r["orders"], r["revenue"], r["mean_order_value"])
            for r in frame.sort("segment_rank").to_dicts()
        ],
    )  # fmt: skip


def segments_of(facts: Facts, catalogue: str) -> list[Segment]:
    """The segments of a catalogue, best first."""
    frame = facts.segments.filter(pl.col("catalogue") == catalogue).sort("segment_rank")
    customers, revenue = frame["customers"].sum(), frame["revenue_12_months"].sum()
    return [
        Segment(
            catalogue=catalogue,
            name=r["segment"],
            label=r["label"],
            rank=r["segment_rank"],
            colour=charts.rank_colour(r["segment_rank"], frame.height),
            rule=r["rule"],
            meaning=r["meaning"],
            advice=r["advice"],
            owner=r["owner"],
            customers=r["customers"],
            share=words.share_of(r["customers"], customers),
            revenue_12_months=r["revenue_12_months"],
            revenue_share=words.share_of(r["revenue_12_months"], revenue),
            mean_order_value=r["mean_order_value"],
            arrived=arrived(facts, catalogue, r["segment"]),
            files=audience_files(facts.snapshot_date, catalogue, r["segment"]) if r["customers"] else (),
        )
        for r in frame.to_dicts()
    ]


def arrived(facts: Facts, catalogue: str, segment: str) -> str:
    """'41 new here since 31 May 1998, 12 from better groups'; empty without a comparison or a move."""
    moves = facts.moves.filter((pl.col("catalogue") == catalogue) & (pl.col("to_segment") == segment))
    if facts.previous is None or moves.is_empty():
        return ""
    people = int(moves["customers"].sum())
    down = int(moves.filter(pl.col("direction") == "worse")["customers"].sum())
    text = f"{words.count(people)} arrived since {words.day(facts.previous)}"
    return f"{text}, {words.count(down)} of them from a better group." if down else f"{text}."


def audience_files(snapshot_date: dt.date, catalogue: str, segment: str) -> tuple[tuple[str, str], ...]:
    """(format, address relative to the page) of the segment's audience files."""
    stem = f"../../../data/audiences/{snapshot_date}/{quote(catalogue, safe='')}/{quote(segment, safe='')}"
    return ("CSV", f"{stem}.csv"), ("Parquet", f"{stem}.parquet")


def labels_of(facts: Facts, catalogue: str) -> dict[str, str]:
    frame = facts.segments.filter(pl.col("catalogue") == catalogue).sort("segment_rank")
    return dict(zip(frame["segment"], frame["label"], strict=True))


def ranks_of(facts: Facts, catalogue: str) -> dict[str, int]:
    frame = facts.segments.filter(pl.col("catalogue") == catalogue).sort("segment_rank")
    return dict(zip(frame["segment"], frame["segment_rank"], strict=True))


def groups_of(frame: pl.DataFrame) -> list[words.Group]:
    rows = frame.sort("segment_rank").to_dicts()
    return [words.Group(r["label"], r["customers"], r["revenue_12_months"]) for r in rows]


def moves_of(facts: Facts, catalogue: str) -> list[words.Move]:
    """Moves with labels, the greatest value first."""
    labels = labels_of(facts, catalogue)
    return [
        words.Move(
            None if r["from_segment"] is None else labels.get(r["from_segment"], r["from_segment"]),
            labels.get(r["to_segment"], r["to_segment"]),
            r["direction"],
            r["customers"],
            r["value_at_stake"],
        )
        for r in facts.moves.filter(pl.col("catalogue") == catalogue).to_dicts()
    ]


# ── glossary ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def glossary(tables: Mapping[str, Table], currency: str) -> list[GlossaryTable]:
    """Every column of every table, as the headers of the SQL files document it."""
    ordered = sorted(tables.values(), key=lambda table: (_SCHEMA_ORDER.get(table.schema, 1), table.full_name))
    return [
        GlossaryTable(
            name=table.full_name,
            anchor=table.full_name.replace(".", "-"),
            description=table.header.description,
            grain=", ".join(table.header.grain),
            owner=table.header.owner,
            columns=tuple(
                (
                    name,
                    column.type,
                    (column.unit or "").replace("currency", currency),
                    column.meaning,
                    ", ".join(str(value) for value in column.values or ()),
                )
                for name, column in table.header.columns.items()
            ),
        )
        for table in ordered
    ]


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _assets() -> dict[str, Path]:
    """Target and source of what all pages share. Plotly's script is found without importing Plotly."""
    plotly = find_spec("plotly")
    if plotly is None or plotly.origin is None:
        raise FileNotFoundError("plotly is not installed: python -m pip install -r requirements.lock")
    own = TEMPLATES_FOLDER / "assets"
    return {
        f"{OUT}/assets/plotly.min.js": Path(plotly.origin).parent / "package_data" / "plotly.min.js",
        f"{OUT}/assets/app.js": own / "app.js",
        f"{OUT}/assets/style.css": own / "style.css",
    }


def _is_empty(facts: Facts) -> bool:
    return not facts.customers["customers"]


def _date(moment: dt.datetime | None) -> dt.date | None:
    return moment.date() if moment is not None else None


def _setting(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
