"""Segments: each catalogue with its sizes, its worth, where its customers went, and what to do about each group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.reporting import charts, queries, words
from pipeline.reporting.components import Chart, Field, Grid, View, grid
from pipeline.reporting.facts import Facts, Report
from pipeline.reporting.segments import Segment, frame_of, groups_of, labels_of, ranks_of, segments_of

_CATALOGUES = {
    "grid": ("The ten groups", "A fine grid: every pair of recency and frequency scores belongs to one of ten groups."),
    "axonaut": ("The seven groups", "Axonaut's coarser seven, for a small team or a small shop."),
}
_WAY_LABELS = {**charts.DIRECTION_LABELS, "same": "Stayed"}


@dataclass(frozen=True)
class Catalogue:
    name: str
    title: str
    description: str
    charts: tuple[Chart, ...]
    migration: Chart | None
    segments: tuple[Segment, ...]


def context(report: Report) -> dict[str, Any]:
    facts, flows = report.facts, report.ask(queries.FLOWS)
    names = facts.segments["catalogue"].unique().to_list()
    known = [name for name in _CATALOGUES if name in names]
    return {"catalogues": [_catalogue(facts, flows, name) for name in [*known, *sorted(set(names) - set(known))]]}


def _catalogue(facts: Facts, flows: pl.DataFrame, name: str) -> Catalogue:
    title, description = _CATALOGUES.get(name, (name.replace("_", " ").capitalize(), ""))
    return Catalogue(
        name=name,
        title=title,
        description=description,
        charts=() if facts.is_empty else (_map_chart(facts, name), _shares_chart(facts, name)),
        migration=_migration_chart(facts, flows, name),
        segments=tuple(segments_of(facts, name)),
    )


def _map_chart(facts: Facts, catalogue: str) -> Chart:
    frame, groups = frame_of(facts, catalogue), groups_of(facts, catalogue)
    people = charts.segment_map(frame, "customers", words.count)
    views = [View("customers", "Customers", words.size_sentence(groups), people)]
    if any(group.revenue > 0 for group in groups):
        worth = charts.segment_map(frame, "revenue_12_months", facts.money)
        sentence = words.concentration_sentence(groups)
        views.append(View("revenue", "Revenue, 12 months", sentence, worth))
    return Chart(f"{catalogue}-map", "Who they are", facts.basis, tuple(views), _groups_grid(frame, "Groups by size"))


def _shares_chart(facts: Facts, catalogue: str) -> Chart:
    frame = frame_of(facts, catalogue)
    sentence = words.concentration_sentence(groups_of(facts, catalogue))
    picture = charts.segment_shares(frame)
    return Chart(
        id=f"{catalogue}-shares",
        title="What they bring",
        basis=f"n = {words.counted(facts.customers['customers'], 'customer')} · revenue {facts.last_year}",
        views=(View("shares", "Shares", sentence, picture),),
        grid=_groups_grid(frame, "Share of customers and of revenue"),
        legend=charts.legend(picture),
    )


def _migration_chart(facts: Facts, all_flows: pl.DataFrame, catalogue: str) -> Chart | None:
    flows = all_flows.filter(pl.col("catalogue") == catalogue)
    if facts.previous is None or flows.is_empty():
        return None
    labels, ranks = labels_of(facts, catalogue), ranks_of(facts, catalogue)
    totals = dict.fromkeys(("better", "worse", "entered", "same"), 0)
    for row in flows.to_dicts():
        totals[charts.direction(row["previous_segment"], row["segment"], ranks)] += row["customers"]
    sentence = words.flow_sentence(totals["same"], totals["better"], totals["worse"], totals["entered"], facts.previous)
    views = [View("all", "Everybody", sentence, charts.migration(flows, ranks, labels, moves_only=False))]
    if totals["same"] < sum(totals.values()):
        views.insert(0, View("moves", "Moves only", sentence, charts.migration(flows, ranks, labels, moves_only=True)))
    return Chart(
        id=f"{catalogue}-migration",
        title="Where they went",
        basis=f"n = {words.counted(sum(totals.values()), 'customer')} · "
        f"from {words.short_day(facts.previous)} to {words.short_day(facts.snapshot_date)}",
        views=tuple(views),
        grid=_flows_grid(flows, labels, ranks),
        legend=tuple((_WAY_LABELS[way], charts.FLOW_COLOURS[way]) for way, people in totals.items() if people),
    )


def _flows_grid(flows: pl.DataFrame, labels: dict[str, str], ranks: dict[str, int]) -> Grid:
    def name(segment: str | None) -> str:
        return charts.NEWCOMERS if segment is None else labels.get(segment, segment)

    def way(row: dict[str, Any]) -> str:
        return _WAY_LABELS[charts.direction(row["previous_segment"], row["segment"], ranks)]

    rows = sorted(flows.to_dicts(), key=lambda r: (-r["customers"], name(r["previous_segment"]), r["segment"]))
    return grid(
        "Customers by previous and present group",
        [Field("from", "From"), Field("to", "To"), Field("direction", "Direction"),
         Field("customers", "Customers", "count"), Field("revenue_12_months", "Revenue, 12 months", "money")],
        [
            (name(r["previous_segment"]), name(r["segment"]), way(r), r["customers"], r["revenue_12_months"])
            for r in rows
        ],
    )  # fmt: skip


def _groups_grid(frame: pl.DataFrame, caption: str) -> Grid:
    customers, revenue = frame["customers"].sum(), frame["revenue_12_months"].sum()
    fields = [
        Field("segment", "Group"), Field("customers", "Customers", "count"),
        Field("share_of_customers", "Share", "percent"), Field("revenue_12_months", "Revenue, 12 months", "money"),
        Field("share_of_revenue", "Share of revenue", "percent"),
        Field("orders", "Orders", "count"), Field("revenue", "Revenue, all time", "money"),
        Field("mean_order_value", "Mean order value", "money"),
    ]  # fmt: skip
    return grid(
        caption,
        fields,
        [
            (r["label"], r["customers"], words.share_of(r["customers"], customers), r["revenue_12_months"],
             words.share_of(r["revenue_12_months"], revenue), r["orders"], r["revenue"], r["mean_order_value"])
            for r in frame.to_dicts()
        ],
    )  # fmt: skip
