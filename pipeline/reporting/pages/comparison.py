"""Comparison: two periods side by side, who was lost and who came, what the change is due to, and one period's groups.

Customers appear as numbers; who they are stands in the Parquet files that the page links to.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from pipeline.reporting import charts, queries, words
from pipeline.reporting.charts import Series
from pipeline.reporting.components import Chart, Field, Grid, KeyFigure, View, grid
from pipeline.reporting.facts import Facts, Report, segments_in, table_file

_CATALOGUE = "axonaut"
_CATALOGUES = {"grid": "The ten groups", "axonaut": "The seven groups"}
_OUTCOMES = {
    "better": ("In a better group", "became_better"),
    "same": ("In the same", "stayed"),
    "worse": ("In a worse one", "became_worse"),
    "lost": ("Lost", "became_lost"),
}
_LOST, _NOT_IN_A = "lost", "not_in_a"

Row = Mapping[str, Any]


def context(report: Report) -> dict[str, Any]:
    facts = report.facts
    pairs = {row["pair"]: row for row in report.ask(queries.COMPARISON).to_dicts()}
    segments = report.ask(queries.COMPARISON_SEGMENTS).to_dicts()
    asked, earlier = pairs.get("asked"), pairs.get("year_earlier")
    compared = asked if asked and asked["status"] != "insufficient_data" else None
    arrivals = report.ask(queries.COMPARISON_ARRIVALS).row(0, named=True)
    return {
        "lead": _lead(asked),
        "missing": "" if compared else _missing(facts, asked),
        "caution": _caution(facts, compared),
        "figures": _key_figures(facts, compared, arrivals) if compared else [],
        "split": _split_chart(facts, compared) if compared else None,
        "segments": _segments_chart(compared, segments) if compared and _buyers(compared) else None,
        "evolution": _evolution_chart(facts, compared, segments) if compared and compared["a_customers"] else None,
        "season": _season_chart(facts, compared, earlier) if compared else None,
        "season_missing": _season_missing(facts, earlier),
        "period": _period_chart(facts, report.ask(queries.PERIOD_SEGMENTS)),
        "customers_file": table_file(report, "period_comparison_customers"),
        "period_file": table_file(report, "period_segments"),
    }


def _span(row: Row, side: str) -> str:
    return words.span(row[f"{side}_from"], row[f"{side}_to"])


def _basis(row: Row, n: str) -> str:
    return f"n = {n} · A {_span(row, 'a')}, B {_span(row, 'b')}"


# ── what is compared ──────────────────────────────────────────────────────────────────────────────────────────────────


def _lead(asked: Row | None) -> str:
    if asked is None or asked["a_from"] is None:
        return "The last half of the history with the first, or any two periods that the settings name."
    a, b = (f"{_span(asked, s)}, {words.counted(asked[f'{s}_days'], 'day')}" for s in ("a", "b"))
    how = "the halves of the history" if asked["set_by"] == "history" else "the periods that the settings name"
    return f"Period B ({b}) beside period A ({a}): {how}."


def _missing(facts: Facts, asked: Row | None) -> str:
    """Why there is no comparison."""
    if facts.lines["first_on"] is None:
        return f"There was no order line by the end of {words.day(facts.snapshot_date)}."
    if asked is None or asked["a_from"] is None:
        return "Insufficient data: two periods need a history of two days."
    return (
        f"Insufficient data: the history goes from {words.day(facts.lines['first_on'])} to "
        f"{words.day(facts.snapshot_date)}, and the periods asked for are not within it."
    )


def _caution(facts: Facts, compared: Row | None) -> str:
    if compared is None:
        return ""
    if compared["status"] == "partly_covered":
        first = words.day(facts.lines["first_on"])
        return f"Period A begins before the history does, on {first}, so that A looks smaller than it was."
    if compared["a_days"] != compared["b_days"]:
        return "The periods are of different length: part of any change is only that."
    return ""


def _key_figures(facts: Facts, row: Row, arrivals: Row) -> list[KeyFigure]:
    def from_to(label: str, before: words.Number | None, after: words.Number | None, show: Any) -> KeyFigure:
        change = None if before is None or after is None else after - before  # type: ignore[operator]
        return KeyFigure(label, show(after), f"in B; {show(before)} in A", words.change(change, show))

    # A snapshot that an earlier version wrote does not know who came when, until it is computed again.
    since_known = arrivals["is_known"] and row["b_to"] < facts.snapshot_date
    lost = words.percent(words.share_of(row["lost_customers"], row["a_customers"]))
    return [
        from_to("Customers", row["a_customers"], row["b_customers"], words.count),
        KeyFigure(
            "Lost: did not buy in B",
            words.count(row["lost_customers"]),
            words.lost_context(lost, arrivals["lost_bought_since"], since_known),
        ),
        KeyFigure(
            "In B, but not in A",
            words.count(row["new_customers"]),
            words.arrival_context(arrivals["first_in_b"], arrivals["first_between"], arrivals["back"])
            if arrivals["is_known"]
            else "",
        ),
        from_to("Orders per customer", row["a_orders_per_customer"], row["b_orders_per_customer"], words.number),
        from_to("Order value, net of refunds", row["a_order_value"], row["b_order_value"], facts.money),
        from_to("Revenue, guests included", row["a_total_revenue"], row["b_total_revenue"], facts.money),
    ]


# ── revenue ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _split_chart(facts: Facts, row: Row) -> Chart:
    """Shapley's three parts, then guests and the rest, which sum up to the whole change to the cent."""
    parts = [
        ("Customers", "the number of customers", row["customers_effect"]),
        ("Orders per customer", "orders per customer", row["frequency_effect"]),
        ("Order value", "order value", row["order_value_effect"]),
        ("Guests", "guests", row["b_guest_revenue"] - row["a_guest_revenue"]),
        ("The rest", "the rest", row["b_other_revenue"] - row["a_other_revenue"]),
    ]
    shown = [part for n, part in enumerate(parts) if n < 3 or part[2]]
    before, after = row["a_total_revenue"], row["b_total_revenue"]
    sentence = words.revenue_split_sentence(before, after, [(told, value) for _, told, value in shown], facts.currency)
    ends = (("Revenue in A", before), ("Revenue in B", after))
    picture = charts.waterfall(ends, [(label, value) for label, _, value in shown], facts.currency)
    rows = [ends[0], *((label, value) for label, _, value in parts), ends[1]]
    return Chart(
        id="comparison-revenue",
        title="Where the change of revenue comes from",
        term="bennet-shapley",
        basis=_basis(row, words.counted(row["a_orders"] + row["b_orders"], "order")),
        views=(View("split", "Revenue", sentence, picture),),
        grid=grid("Parts of the change of revenue", [Field("part", "Part"), Field("amount", "Amount", "money")], rows),
        legend=(("Revenue", charts.ACCENT), ("Adds", charts.EVOLUTION_COLOURS["better"]),
                ("Takes away", charts.EVOLUTION_COLOURS["worse"])),
    )  # fmt: skip


# ── groups ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _buyers(row: Row) -> int:
    """Customers of A or B or both."""
    return int(row["kept_customers"] + row["lost_customers"] + row["new_customers"])


def _segments_chart(row: Row, segments: Sequence[Row]) -> Chart:
    labels = [segment["label"] for segment in segments]
    series = [
        Series(
            name,
            colour,
            [segment[f"{side}_customers"] for segment in segments],
            [
                f"{charts.plain(s['label'])}<br>{name}: {words.counted(s[f'{side}_customers'], 'customer')}"
                for s in segments
            ],
        )
        for side, name, colour in (("a", "Period A", charts.ACCENT_PALE), ("b", "Period B", charts.ACCENT))
    ]
    changes = [
        (s["label"], s["a_customers"], s["b_customers"]) for s in segments if s["segment"] not in (_LOST, _NOT_IN_A)
    ]
    sentence = words.segment_change_sentence(changes, row["lost_customers"], row["new_customers"])
    picture = charts.horizontal_bars(labels, series, None)
    return Chart(
        id="comparison-segments",
        title="Groups in A and in B",
        term="period-comparison",
        basis=_basis(row, words.counted(_buyers(row), "customer")),
        views=(View("segments", "Customers", sentence, picture),),
        grid=_segments_grid(segments),
        legend=charts.legend(picture),
    )


def _segments_grid(segments: Sequence[Row]) -> Grid:
    return grid(
        "Customers and revenue of each group in A and in B",
        [Field("segment", "Group"), Field("a_customers", "Customers, A", "count"),
         Field("b_customers", "Customers, B", "count"), Field("customers_change", "Change", "count"),
         Field("a_revenue", "Revenue, A", "money"), Field("b_revenue", "Revenue, B", "money"),
         Field("arrived", "Of B, not in A", "count")],
        [
            (s["label"], s["a_customers"], s["b_customers"], s["b_customers"] - s["a_customers"], s["a_revenue"],
             s["b_revenue"], s["arrived"])
            for s in segments
        ],
    )  # fmt: skip


def _evolution_chart(facts: Facts, row: Row, segments: Sequence[Row]) -> Chart:
    """What became of the customers of each group of A."""
    groups = [segment for segment in segments if segment["segment"] not in (_LOST, _NOT_IN_A)]

    def texts(label: str, column: str) -> list[str]:
        return [
            f"{charts.plain(g['label'])} in A<br>{label}: {words.counted(g[column], 'customer')}, "
            f"{words.percent(words.share_of(g[column], g['a_customers']))}"
            for g in groups
        ]

    series = [
        Series(label, charts.EVOLUTION_COLOURS[way], [g[column] for g in groups], texts(label, column))
        for way, (label, column) in _OUTCOMES.items()
    ]
    totals = {way: sum(g[column] for g in groups) for way, (_, column) in _OUTCOMES.items()}
    sentence = words.evolution_sentence(row["a_customers"], *(totals[way] for way in _OUTCOMES))
    if totals["lost"]:
        spent = sum((g["lost_revenue"] for g in groups), Decimal(0))
        sentence += f" The lost had brought {facts.money(spent)} in A."
    picture = charts.horizontal_bars([g["label"] for g in groups], series, None, mode="stack")
    return Chart(
        id="comparison-evolution",
        title="What became of A’s customers",
        term="evolution",
        basis=_basis(row, words.counted(row["a_customers"], "customer")),
        views=(View("evolution", "Customers", sentence, picture),),
        grid=grid(
            "What became of the customers of each group of A",
            [Field("segment", "Group in A"), Field("a_customers", "Customers", "count"),
             *(Field(column, label, "count") for label, column in _OUTCOMES.values()),
             Field("share_lost", "Share lost", "percent"), Field("lost_revenue", "Revenue of the lost, A", "money")],
            [
                (g["label"], g["a_customers"], *(g[column] for _, column in _OUTCOMES.values()),
                 words.share_of(g["became_lost"], g["a_customers"]), g["lost_revenue"])
                for g in groups
            ],
        ),
        legend=charts.legend(picture),
    )  # fmt: skip


# ── season ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_FACTORS = {
    "customers": "Customers", "orders_per_customer": "Orders per customer", "order_value": "Order value",
    "total_revenue": "Revenue",
}  # fmt: skip


def _season_missing(facts: Facts, earlier: Row | None) -> str:
    if earlier is None or earlier["a_from"] is None or facts.lines["first_on"] is None:
        return "Insufficient data: a season needs the same dates a year earlier."
    if earlier["status"] != "insufficient_data":
        return ""
    return (
        f"Insufficient data: the same dates a year earlier begin on {words.day(earlier['a_from'])}, "
        f"the history on {words.day(facts.lines['first_on'])}. What is season and what is not cannot be told yet."
    )


def _season_chart(facts: Facts, row: Row, earlier: Row | None) -> Chart | None:
    """Change of each factor in percent, beside that over the same dates a year earlier."""
    if earlier is None or _season_missing(facts, earlier):
        return None
    pairs = (("A year earlier", earlier, charts.ACCENT_PALE), ("From A to B", row, charts.ACCENT))

    def rise(pair: Row, factor: str) -> float | None:
        before, after = pair[f"a_{factor}"], pair[f"b_{factor}"]
        if before is None or after is None or before <= 0:
            return None
        return float(after) / float(before) - 1

    series = [
        Series(
            name,
            colour,
            [rise(pair, factor) for factor in _FACTORS],
            [f"{label}, {name[0].lower()}{name[1:]}<br>{words.change(rise(pair, f), words.percent) or words.UNKNOWN}"
             for f, label in _FACTORS.items()],
            digits=4,
        )
        for name, pair, colour in pairs
    ]  # fmt: skip
    picture = charts.horizontal_bars(list(_FACTORS.values()), series, None)
    picture["layout"]["xaxis"] |= {"tickformat": ".0%", "zeroline": True}
    picture["layout"]["xaxis"].pop("rangemode")
    sentence = words.season_sentence(*((pair["a_total_revenue"], pair["b_total_revenue"]) for pair in (row, earlier)))
    n = words.counted(sum(pair["a_orders"] + pair["b_orders"] for pair in (row, earlier)), "order")
    return Chart(
        id="comparison-season",
        title="The same dates a year earlier",
        basis=f"n = {n} · {_span(earlier, 'a')} and {_span(earlier, 'b')}, beside {_span(row, 'a')} and "
        f"{_span(row, 'b')}",
        views=(View("season", "Change", sentence, picture),),
        grid=grid(
            "Change from A to B, and over the same dates a year earlier",
            [Field("factor", "Factor"), Field("change_year_earlier", "A year earlier", "percent"),
             Field("change", "From A to B", "percent")],
            [(label, rise(earlier, factor), rise(row, factor)) for factor, label in _FACTORS.items()],
        ),
        legend=charts.legend(picture),
    )  # fmt: skip


# ── one period ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _period_chart(facts: Facts, placed: pl.DataFrame) -> Chart | None:
    """Groups of the customers of one period, scored as if nothing were known outside it."""
    if placed.is_empty():
        return None
    first: dt.date = placed["period_from"][0]
    last: dt.date = placed["period_to"][0]
    customers = int(placed.filter(pl.col("catalogue") == _CATALOGUE)["customers"].sum())
    views = tuple(_period_view(facts, placed, name) for name in _CATALOGUES)
    return Chart(
        id="period-segments",
        title="Groups of one period",
        term="period-segments",
        basis=f"n = {words.counted(customers, 'customer')} · {words.span(first, last)}",
        views=views,
        legend=charts.legend(views[0].figure),
    )


def _period_view(facts: Facts, placed: pl.DataFrame, catalogue: str) -> View:
    found = {row["segment"]: row for row in placed.filter(pl.col("catalogue") == catalogue).to_dicts()}
    nobody: Row = {"customers": 0, "orders": 0, "revenue": Decimal(0)}
    groups = [(row["label"], found.get(row["segment"], nobody)) for row in segments_in(facts, catalogue).to_dicts()]
    people = sum(row["customers"] for _, row in groups)
    revenue = sum((row["revenue"] for _, row in groups), Decimal(0))
    shares = {"customers": people, "revenue": revenue if revenue > 0 else None}

    def told(row: Row, column: str) -> str:
        amount = facts.money(row[column]) if column == "revenue" else words.count(row[column])
        return f"{words.percent(words.share_of(row[column], shares[column]))} ({amount})"

    def texts(column: str, name: str) -> list[str]:
        return [f"{charts.plain(label)}<br>{name}: {told(row, column)}" for label, row in groups]

    series = [
        Series(
            name,
            colour,
            [words.share_of(row[column], shares[column]) for _, row in groups],
            texts(column, name),
            digits=4,
        )
        for name, column, colour in (
            ("Share of customers", "customers", charts.ACCENT_PALE),
            ("Share of revenue", "revenue", charts.ACCENT),
        )
        if shares[column]
    ]
    picture = charts.horizontal_bars([label for label, _ in groups], series, None)
    picture["layout"]["xaxis"] |= {"tickformat": ".0%"}
    sentence = words.period_sentence([words.Group(label, row["customers"], row["revenue"]) for label, row in groups])
    return View(
        catalogue,
        _CATALOGUES[catalogue],
        sentence,
        picture,
        grid=grid(
            f"{_CATALOGUES[catalogue]} of one period",
            [Field("segment", "Group"), Field("customers", "Customers", "count"),
             Field("share_of_customers", "Share", "percent"), Field("orders", "Orders", "count"),
             Field("revenue", "Revenue", "money"), Field("share_of_revenue", "Share of revenue", "percent")],
            [
                (label, row["customers"], words.share_of(row["customers"], people), row["orders"], row["revenue"],
                 words.share_of(row["revenue"], shares["revenue"]))
                for label, row in groups
            ],
        ),
    )  # fmt: skip
