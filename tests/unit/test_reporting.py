"""The report without a browser: sentences, figures, and pages of tiny shops."""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from shop import Shop, open_engine

from pipeline.catalog import tables
from pipeline.engines.dialect import refusals
from pipeline.reporting import charts, queries, words
from pipeline.reporting.components import Chart, raw
from pipeline.reporting.facts import Query, read_report
from pipeline.reporting.pages import PAGES
from pipeline.reporting.site import OUT, RunCard, build_site
from pipeline.settings import TEMPLATES_FOLDER, Settings

MAY, JUNE = dt.date(2026, 5, 31), dt.date(2026, 6, 30)
RUN = RunCard("run-1", "2026-07-01 03:00 UTC", {"perennial": "1.0"}, {"timezone": "UTC"}, "EUR")
MEGABYTE = 1_000_000
HOSTILE = "<script>alert('x')</script>"


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def plain(text: str) -> str:
    """With ordinary spaces, to compare with what one types."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (words.count(23570), "23,570"),
        (words.count(-3), "−3"),
        (words.count(None), "unknown"),
        (words.number(0.8), "0.8"),
        (words.number(1226.5), "1,226.5"),
        (words.number(100), "100"),
        (words.percent(0.031), "3.1 %"),
        (words.percent(0.00001), "<0.1 %"),
        (words.percent(0), "0.0 %"),
        (words.percent(-0.12), "−12.0 %"),
        (words.percent(None), "unknown"),
        (words.share_of(1, 0), None),
        (words.share_of(None, 5), None),
        (words.money(Decimal("38900.4"), "EUR"), "38,900 €"),
        (words.money(Decimal("-1165.30"), "GBP"), "−£1,165"),
        (words.money(Decimal("9.5"), "USD"), "$9.50"),
        (words.money(0, "USD"), "$0"),
        (words.money(5, "CHF"), "5.00 CHF"),
        (words.short_money(12345, "EUR"), "12.3k €"),
        (words.short_count(9999), "9,999"),
        (words.short_count(1_250_000), "1.2M"),
        (words.things(1, "customer"), "1 customer"),
        (words.things(0, "customer"), "0 customers"),
        (words.change(0), "±0"),
        (words.change(112), "+112"),
        (words.change(-0.004, words.points), "−0.4 points"),
        (words.change(None), ""),
        (words.listed(["a", "b", "c"]), "a, b and c"),
        (words.span(dt.date(1997, 1, 1), dt.date(1998, 6, 30)), "1 Jan 1997 – 30 Jun 1998"),
        (words.span(None, JUNE), "unknown"),
    ],
)
def test_numbers_are_said_as_people_write_them(shown: str | None, expected: str | None) -> None:
    assert (plain(shown) if shown is not None else None) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.0000421, "0.000042"), (0.5, "0.5"), (12.0, "12"), (Decimal("9.50"), "9.50"), (JUNE, "2026-06-30")],
)
def test_a_value_in_a_csv_is_plain(value: object, text: str) -> None:
    assert raw(value) == text


# ── sentences ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def files(**numbers: int) -> words.FileTotals:
    return words.FileTotals(**{name.name: numbers.get(name.name, 0) for name in fields(words.FileTotals)})


@pytest.mark.parametrize(
    ("totals", "sentence"),
    [
        (files(), "No export has been loaded yet. Put one in data/exports/<source>/ and run again."),
        (files(files=1, rows_read=1, accepted=1), "1 row read from 1 file: all of them accepted."),
        (
            files(files=2, rows_read=200, accepted=150, quarantined=2, superseded=40, duplicates=8),
            "200 rows read from 2 files: 150 accepted, 2 set aside (1.0 %), 40 superseded by a newer export "
            "and 8 dropped as exact duplicates.",
        ),
        (
            files(files=3, rejected=1, rows_read=10, accepted=10),
            "10 rows read from 2 files: all of them accepted. 1 file was rejected and not used at all.",
        ),
        (files(files=2, rejected=2), "No file could be used: 2 files were rejected."),
    ],
)
def test_the_data_sentence_counts_every_fate_of_a_row(totals: words.FileTotals, sentence: str) -> None:
    assert plain(words.quality_sentence(totals)) == sentence


def months(*revenue: str, first: dt.date = dt.date(2026, 1, 1)) -> list[words.Month]:
    return [words.Month(first.replace(month=first.month + n), Decimal(amount)) for n, amount in enumerate(revenue)]


@pytest.mark.parametrize(
    ("given", "until", "sentence"),
    [
        # Of two equal months the earlier is called the best.
        (months("20", "20", "5"), "2026-03-31",
         "The best month was January 2026 with $20.00; March 2026 brought $5.00, 25.0 % of that."),
        (months("5", "20"), "2026-02-28", "The best month was February 2026 with $20.00: the last whole month."),
        # March has begun: it can be neither the best nor the last whole one.
        (months("5", "20", "90"), "2026-03-30",
         "The best month was February 2026 with $20.00: the last whole month. March 2026 is not over."),
        # Nobody bought in April so far; March is whole all the same.
        (months("5", "20", "90"), "2026-04-10", "The best month was March 2026 with $90.00: the last whole month."),
        (months("5"), "2026-01-30", "There is no whole month of orders yet."),
        ([], "2026-01-31", "There is no whole month of orders yet."),
        # More came back than was sold: no share of the best is told.
        (months("8", "-3"), "2026-02-28", "The best month was January 2026 with $8.00; February 2026 brought −$3.00."),
        (months("-8", "-9"), "2026-02-28",
         "The best month was January 2026 with −$8.00; February 2026 brought −$9.00."),
    ],
)  # fmt: skip
def test_the_best_month_stands_beside_the_last_whole_one(given: list[words.Month], until: str, sentence: str) -> None:
    assert plain(words.months_sentence(given, dt.date.fromisoformat(until), "USD")) == sentence


def move(origin: str | None, target: str, direction: str, customers: int, value: str = "0") -> words.Move:
    return words.Move(origin, target, direction, customers, Decimal(value))


@pytest.mark.parametrize(
    ("told", "of", "sentence"),
    [
        (move("Loyal", "At risk", "worse", 412, "38900"), 13290,
         "412 customers (3.1 %) slipped from Loyal to At risk since 31 May 2026; "
         "together they spent 38,900 € in the last year."),
        (move("At risk", "Loyal", "better", 1, "12.50"), 4,
         "1 customer (25.0 %) rose from At risk to Loyal since 31 May 2026; they spent 12.50 € in the last year."),
        (move(None, "New", "entered", 2, "-7"), 8,
         "2 customers (25.0 %) entered as New since 31 May 2026; together they spent −7.00 € in the last year."),
    ],
)  # fmt: skip
def test_a_move_is_one_sentence(told: words.Move, of: int, sentence: str) -> None:
    assert plain(words.move_sentence(told, of, MAY, "EUR")) == sentence


def test_who_changed_and_what_it_is_worth() -> None:
    moves = [move("A", "B", "worse", 3, "30"), move("B", "A", "better", 1, "5"), move(None, "A", "entered", 1, "9")]
    assert (
        words.changed_sentence(moves, MAY)
        == "Since 31 May 2026, 1 customer moved up, 3 moved down and 1 was new."
    )  # fmt: skip
    assert words.changed_sentence([], MAY) == "Nobody has changed groups or come new since 31 May 2026."
    assert plain(words.at_stake_sentence(moves, Decimal(120), "EUR")) == (
        "Those who moved down spent 30.00 € in the last 12 months, 25.0 % of what customers spent."
    )
    assert words.at_stake_sentence(moves[1:], Decimal(120), "EUR") == "Nothing is at stake: nobody moved down."
    # They came back with refunds, and nobody bought: there is no whole to have a share of.
    returned = [move("A", "B", "worse", 1, "-4")]
    assert plain(words.at_stake_sentence(returned, Decimal(0), "EUR")) == (
        "Those who moved down spent −4.00 € in the last 12 months, unknown of what customers spent."
    )
    assert words.worth_sentence(0, Decimal(0), "EUR") == "Unknown until there are customers."
    assert plain(words.worth_sentence(1, Decimal(9), "EUR")) == "1 customer spent 9.00 € in the last 12 months."


def test_arrivals_name_the_groups_that_grew_and_shrank_most() -> None:
    # B gains 3 from A and loses 1 to C: +2. C: +1. A: −3.
    moves = [move("A", "B", "worse", 3, "1"), move("B", "C", "worse", 1, "8")]
    assert words.arrivals_sentence(moves, MAY) == "Since 31 May 2026, B grew most, by 2 customers; A lost most, 3."
    assert plain(words.value_moved_sentence(moves, "EUR")) == (
        "Most value moved into C: 8.00 € of the last year's revenue."
    )
    swapped = [move("A", "B", "worse", 2), move("B", "A", "better", 2)]
    assert words.arrivals_sentence(swapped, MAY) == "No segment has grown or shrunk since 31 May 2026."
    assert words.arrivals_sentence([], MAY) == "No segment has grown or shrunk since 31 May 2026."
    entered = [move(None, "A", "entered", 1)]
    assert words.arrivals_sentence(entered, MAY) == "Since 31 May 2026, A grew most, by 1 customer."
    assert words.value_moved_sentence([], "EUR") == "Nobody moved."


@pytest.mark.parametrize(
    ("customers", "from_better", "sentence"),
    [
        (41, 12, "41 arrived since 31 May 2026, 12 of them from a better group."),
        (41, 41, "41 arrived since 31 May 2026, all of them from a better group."),
        (41, 0, "41 arrived since 31 May 2026."),
        (1, 1, "1 arrived since 31 May 2026, from a better group."),
    ],
)
def test_arrivals_of_one_group(customers: int, from_better: int, sentence: str) -> None:
    assert words.arrived_sentence(customers, from_better, MAY) == sentence


def group(label: str, customers: int, revenue: str = "0") -> words.Group:
    return words.Group(label, customers, Decimal(revenue))


def test_groups_are_compared_by_size_and_by_what_they_bring() -> None:
    groups = [group("Champions", 1, "75"), group("Loyal", 3, "25"), group("New", 0)]
    assert plain(words.size_sentence(groups)) == (
        "The largest group is Loyal with 3 customers (75.0 %); nobody is in New."
    )
    assert plain(words.concentration_sentence(groups)) == (
        "Champions: 25.0 % of customers, 75.0 % of the last year's revenue."
    )
    assert plain(words.size_sentence([group("Loyal", 1)])) == "The largest group is Loyal with 1 customer (100.0 %)."
    assert words.size_sentence([group("Loyal", 0)]) == "There are no customers yet."
    assert words.concentration_sentence([group("Loyal", 0)]) == "There are no customers yet."
    refunded = [group("Loyal", 2, "-5")]
    assert words.concentration_sentence(refunded) == "There was no revenue in the last year to share out."
    tied = [group("B", 2, "5"), group("A", 2, "5")]
    assert words.size_sentence(tied) == words.size_sentence(tied[::-1])
    assert words.concentration_sentence(tied) == words.concentration_sentence(tied[::-1])


def test_a_flow_says_who_stayed() -> None:
    assert plain(words.flow_sentence(stayed=6, better=1, worse=1, entered=1, previous=MAY)) == (
        "75.0 % of the customers of 31 May 2026 stayed in their group; 1 moved up, 1 down, 1 was new."
    )
    assert words.flow_sentence(0, 0, 0, 5, MAY) == "Everybody is new since 31 May 2026."


@pytest.mark.parametrize(
    ("spearman", "sentence"),
    [
        (None, "All customers are equal in recency or in spend, so the two cannot be compared."),
        (0.05, "Recency and spend have little to do with each other."),
        (0.2, "Recency and spend go weakly together."),
        (-0.65, "Recency and spend go clearly against each other."),
        (1.0, "Recency and spend go strongly together."),
    ],
)
def test_correlation_in_words(spearman: float | None, sentence: str) -> None:
    assert words.correlation_sentence("recency", "spend", spearman) == sentence


def test_a_score_grid_names_its_top_cell() -> None:
    cells = [
        words.Cell(5, 5, 1, Decimal(90), 45.0),
        words.Cell(1, 1, 3, Decimal(10), 3.0),
        words.Cell(2, 2, 0, Decimal(0), None),
    ]

    def sentence(measure: str) -> str:
        return plain(words.cells_sentence(cells, "recency", "spend", measure, "EUR"))

    assert sentence("customers") == "The fullest cell is recency 1, spend 1: 3 customers (75.0 %)."
    assert sentence("revenue") == "The richest cell is recency 5, spend 5: 90.00 € (90.0 % of revenue)."
    assert sentence("mean_order_value") == "Orders are dearest at recency 5, spend 5: 45.00 € on average (1 customer)."
    assert words.cells_sentence(cells[2:], "recency", "spend", "revenue", "EUR") == "There are no customers yet."


def test_empty_scores_are_explained() -> None:
    reason = "customers with equal values always get the same score."
    assert words.empty_scores_sentence([]) == "Every score has customers."
    assert words.empty_scores_sentence(["frequency 2"]) == f"Frequency 2 is empty: {reason}"
    assert words.empty_scores_sentence(["spend 1", "spend 2"]) == f"Spend 1 and spend 2 are empty: {reason}"


# ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_months_show_the_amounts_given_and_the_open_month_paler() -> None:
    frame = pl.DataFrame(
        {
            "month": [dt.date(2026, 5, 1), dt.date(2026, 6, 1)],
            "customer_revenue": [Decimal("10.50"), Decimal("-2.00")],
            "guest_revenue": [Decimal("0.00"), Decimal("3.25")],
        }
    )
    customers, guests = charts.revenue_by_month(frame, "EUR", dt.date(2026, 6, 12))["data"]
    assert (customers["y"], guests["y"]) == ([10.5, -2.0], [0.0, 3.25])
    assert customers["marker"]["opacity"] == [1, 0.5]
    assert guests["marker"]["color"] == charts.UNKNOWN
    assert [plain(text) for text in guests["hovertext"]] == [
        "May 2026<br>Guests (customer unknown): 0 €",
        "June 2026 (to 12 Jun 2026)<br>Guests (customer unknown): 3.25 €",
    ]
    alone = charts.revenue_by_month(frame.with_columns(pl.lit(Decimal(0)).alias("guest_revenue")), "EUR", JUNE)
    assert [trace["name"] for trace in alone["data"]] == ["Customers"]


def crosstab(**cells: tuple[int, float | None]) -> pl.DataFrame:
    """All 25 cells of RF; r5f1=(customers, mean order value) fills one."""
    rows = []
    for first in range(1, 6):
        for second in range(1, 6):
            customers, value = cells.get(f"r{first}f{second}", (0, None))
            rows.append(
                {"pair": "RF", "first_score": first, "second_score": second, "customers": customers,
                 "revenue": Decimal(customers * 10), "mean_order_value": value}
            )  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"mean_order_value": pl.Float64})


def test_a_score_grid_shows_unknown_in_grey_and_zero_as_zero() -> None:
    frame = crosstab(r5f1=(3, 8.0), r1f2=(1, 4.0))
    value = charts.score_grid(frame, "mean_order_value", "EUR", {})
    (heat,) = value["data"]
    assert heat["z"][4] == [8.0, None, None, None, None]
    assert heat["z"][0][1] == 4.0
    assert {(note["y"], note["x"]) for note in value["layout"]["annotations"]} == {(5, 1), (1, 2)}
    grey = [shape for shape in value["layout"]["shapes"] if shape["fillcolor"] == charts.UNKNOWN]
    assert len(grey) == 23

    people = charts.score_grid(frame, "customers", "EUR", {("R", 5): "0–3 days"})
    assert people["data"][0]["z"][4] == [3, 0, 0, 0, 0]
    assert not people["layout"].get("shapes")
    texts = {(note["y"], note["x"]): note for note in people["layout"]["annotations"]}
    assert texts[5, 1]["text"] == "3"
    assert texts[5, 2]["text"] == "0"
    assert texts[5, 1]["font"]["color"] == "var(--on-heat-high)"
    assert texts[1, 2]["font"]["color"] == "var(--on-heat-low)"
    assert "0–3 days" in people["data"][0]["hovertext"][4][0]


def segments(*groups: tuple[str, int, str]) -> pl.DataFrame:
    rows = [
        {"label": label, "segment_rank": rank, "customers": customers, "revenue_12_months": Decimal(revenue)}
        for rank, (label, customers, revenue) in enumerate(groups, start=1)
    ]
    return pl.DataFrame(rows)


def test_a_segment_map_leaves_out_what_has_no_area() -> None:
    frame = segments(("Best", 3, "9"), ("Empty", 0, "0"), ("Refunded", 1, "-4"))
    (tree,) = charts.segment_map(frame, "customers", words.count)["data"]
    assert (list(tree["labels"]), list(tree["values"])) == (["", "Best", "Refunded"], [0, 3, 1])
    assert [plain(text) for text in tree["text"]] == ["", "3 · 75.0 %", "1 · 25.0 %"]
    (tree,) = charts.segment_map(frame, "revenue_12_months", words.count)["data"]
    assert list(tree["labels"]) == ["", "Best"]


def test_shares_are_of_the_whole_and_unknown_without_one() -> None:
    people, worth = charts.segment_shares(segments(("Best", 3, "0"), ("Rest", 1, "0")))["data"]
    assert people["x"] == [0.75, 0.25]
    assert worth["x"] == [None, None]
    assert worth["text"] == ["unknown", "unknown"]


def test_arrivals_are_stacked_by_direction() -> None:
    moves = pl.DataFrame(
        {
            "to_segment": ["loyal", "loyal", "new"],
            "direction": ["better", "better", "entered"],
            "customers": [2, 3, 4],
        }
    )
    figure = charts.arrivals(moves, {"loyal": "Loyal", "new": "New"}, "customers", words.count)
    assert {trace["name"]: trace["x"] for trace in figure["data"]} == {"Moved up": [5, 0], "New": [0, 4]}
    assert charts.legend(figure) == (("Moved up", "var(--better)"), ("New", "var(--entered)"))


@pytest.mark.parametrize(
    ("customers", "ticks"),
    [([1, 2], {"tickformat": "d", "dtick": 1}), ([3, 4], {"tickformat": "~s"})],  # stacked they reach 3 and 7
)
def test_the_ticks_of_few_customers_are_whole(customers: list[int], ticks: dict[str, object]) -> None:
    moves = pl.DataFrame({"to_segment": ["a", "a"], "direction": ["better", "worse"], "customers": customers})
    axis = charts.arrivals(moves, {"a": "A"}, "customers", words.count)["layout"]["xaxis"]
    assert {name: axis[name] for name in ("tickformat", "dtick") if name in axis} == ticks


def test_a_migration_links_groups_and_can_leave_out_who_stayed() -> None:
    flows = pl.DataFrame(
        {
            "previous_segment": ["loyal", "loyal", None],
            "segment": ["loyal", "at_risk", "loyal"],
            "customers": [5, 2, 1],
        }
    )
    ranks, labels = {"loyal": 1, "at_risk": 2}, {"loyal": "Loyal", "at_risk": "At risk"}
    (everybody,) = charts.migration(flows, ranks, labels, moves_only=False)["data"]
    assert list(everybody["node"]["label"]) == ["Loyal 7", "New customers 1", "Loyal 6", "At risk 2"]
    assert list(everybody["link"]["value"]) == [5, 2, 1]
    assert list(everybody["link"]["color"]) == ["var(--flow-same)", "var(--flow-worse)", "var(--flow-entered)"]
    (moves,) = charts.migration(flows, ranks, labels, moves_only=True)["data"]
    assert list(moves["link"]["value"]) == [2, 1]


# ── colours ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def palettes() -> dict[str, dict[str, str]]:
    """The variables of style.css that are colours, per theme; the two dark blocks must say the same."""
    style = (TEMPLATES_FOLDER / "assets" / "style.css").read_text()
    blocks = [
        dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root[^{}]*\{([^{}]*color-scheme[^{}]*)\}", style)
    ]
    light, system_dark, chosen_dark = blocks
    assert system_dark == chosen_dark
    return {"light": light, "dark": system_dark}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    pairs = [(int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in pairs)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_written_on_a_colour_can_be_read(theme: str) -> None:
    colours = palettes()[theme]
    for step in range(1, 11):
        assert contrast(colours[f"--rank-{step}"], colours[f"--on-rank-{step}"]) >= 4.5, f"rank {step}"
    for value in range(101):  # a cell's text changes its ink at half of the scale, see charts.score_grid
        if value < 50:
            cell, ink = mixed(colours["--heat-low"], colours["--heat-middle"], value / 50), colours["--on-heat-low"]
        else:
            cell = mixed(colours["--heat-middle"], colours["--heat-high"], value / 50 - 1)
            ink = colours["--on-heat-high"]
        assert contrast(cell, ink) >= 4.5, f"heat at {value} %"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_bars_stand_out_from_their_card(theme: str) -> None:
    colours = palettes()[theme]
    for name in ("--accent", "--accent-pale", "--unknown", "--better", "--worse", "--entered"):
        assert contrast(colours[name], colours["--surface"]) >= 3, name


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def written(
    query: Query, folder: Path, snapshot_date: dt.date = JUNE, run: RunCard = RUN, others: tuple[dt.date, ...] = ()
) -> dict[str, str]:
    """Build the report into a folder; path below reports/out -> text, without Plotly's script."""

    def file(target: str) -> Path:
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    targets = build_site(query, snapshot_date, tables(), run, others, file)
    assert len(targets) == len(set(targets))
    return {
        target.removeprefix(f"{OUT}/"): (folder / target).read_text()
        for target in targets
        if not target.endswith("plotly.min.js")
    }


def pages_of(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if name.startswith("20")}


def everything_in(value: Any) -> Iterator[Any]:
    """A value and all that is inside it."""
    yield value
    if isinstance(value, Mapping):
        inside = list(value.values())
    elif is_dataclass(value):
        inside = [getattr(value, name.name) for name in fields(value)]
    else:
        inside = list(value) if isinstance(value, (list, tuple)) else []
    for item in inside:
        yield from everything_in(item)


def charts_of(query: Query, snapshot_date: dt.date = JUNE) -> dict[str, list[Chart]]:
    report = read_report(query, snapshot_date, tables(), RUN)
    return {
        page.name: [item for item in everything_in(page.context(report)) if isinstance(item, Chart)] for page in PAGES
    }


def tell(shop: Shop) -> Shop:
    """Anna buys often, Bert slips, Cleo is new in June, one order names nobody, one refund."""
    shop.orders("anna@example.com", "2026-01-10", "2026-03-10", "2026-05-20", "2026-06-15", amount=30)
    shop.orders("bert", "2026-02-01", "2026-02-20", amount=20).refund("bert-2", on="2026-06-02", amount=5)
    shop.orders("dora", "2026-01-05", "2026-05-30", amount=11).orders("cleo", "2026-06-01", amount=12.5)
    return shop.orders(None, "2026-06-10", amount=8)


@pytest.fixture
def make_shop(tmp_path: Path) -> Iterator[Callable[[], Shop]]:
    """Makes empty shops, each in a warehouse of its own."""
    with ExitStack() as engines:
        yield lambda: Shop(tmp_path, engines.enter_context(open_engine(Settings(home=tmp_path))))


@pytest.fixture(scope="module")
def two_snapshots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop of `tell` at the end of May and of June. Read only."""
    home = tmp_path_factory.mktemp("two_snapshots")
    with open_engine(Settings(home=home)) as engine:
        yield tell(Shop(home, engine)).snapshot(str(MAY)).snapshot(str(JUNE))


class Elements(HTMLParser):
    """Tags with their attributes, and the text inside scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts.append(data)


@pytest.mark.parametrize("name", queries.ALL)
def test_what_is_asked_of_the_warehouse_runs_on_every_engine(name: str) -> None:
    schemas = {table.full_name: table.column_types() for table in tables().values()}
    assert [str(refused) for refused in refusals(queries.ALL[name], name, schemas)] == []


def test_every_query_is_listed() -> None:
    written_there = {text for name, text in vars(queries).items() if name.isupper() and isinstance(text, str)}
    assert written_there == set(queries.ALL.values())


def test_every_chart_says_what_it_means_and_what_it_rests_on(two_snapshots: Shop) -> None:
    found = charts_of(two_snapshots.engine.read)
    assert {page: [chart.id for chart in all_charts] for page, all_charts in found.items()} == {
        "index": ["revenue-by-month", "arrivals"],
        "rfm": ["rf-grid", "fm-grid", "rm-grid"],
        "segments": [f"{c}-{chart}" for c in ("grid", "axonaut") for chart in ("map", "shares", "migration")],
        "glossary": [],
    }
    for chart in (chart for all_charts in found.values() for chart in all_charts):
        assert re.match(r"n = [\d,]+ [a-z ]+ · .*20\d\d (–|to) .*20\d\d", chart.basis), chart.basis
        assert chart.grid.rows, chart.id
        assert all(len(row) == len(chart.grid.fields) for row in chart.grid.rows), chart.id
        assert len({view.key for view in chart.views}) == len(chart.views)
        for view in chart.views:
            assert view.sentence.endswith("."), view.sentence
            assert not re.search(r"\b(None|nan|inf)\b", view.sentence), view.sentence
            assert not re.search(r"NaN|Infinity", json.dumps(view.figure)), chart.id


def test_what_the_overview_tells_of_a_tiny_shop(two_snapshots: Shop, tmp_path: Path) -> None:
    text = plain(written(two_snapshots.engine.read, tmp_path)["2026-06-30/index.html"])
    # Lines: 4 × 30 + 2 × 20 − 5 + 2 × 11 + 12.5 + 8 of a guest = 197.50.
    assert "197.50 €" in text
    # Four customers; Anna, Bert and Dora bought on two days; before June there were three, all of them repeat.
    assert '<span class="value">4</span> <span class="change">+1</span>' in text
    assert '<span class="value">75.0 %</span> <span class="change">−25.0 points</span>' in text
    assert "1 was new." in text


def test_an_empty_shop_has_pages_that_say_so(shop: Shop, tmp_path: Path) -> None:
    shop.snapshot(str(JUNE))
    texts = written(shop.engine.read, tmp_path)
    assert {f"2026-06-30/{page.name}.html" for page in PAGES} == set(pages_of(texts))
    assert "Nobody had bought by the end of 30 June 2026." in texts["2026-06-30/index.html"]
    assert "No export has been loaded yet." in texts["2026-06-30/index.html"]
    assert "there is nothing to score" in texts["2026-06-30/rfm.html"]
    assert "the groups below are waiting for them" in texts["2026-06-30/segments.html"]
    assert not any("data-chart=" in text for text in pages_of(texts).values())


def test_a_first_snapshot_says_that_there_is_nothing_to_compare_with(shop: Shop, tmp_path: Path) -> None:
    tell(shop).snapshot(str(JUNE))
    texts = written(shop.engine.read, tmp_path)
    assert "This is the first snapshot." in texts["2026-06-30/index.html"]
    assert "This is the first snapshot." in texts["2026-06-30/segments.html"]
    assert 'data-chart="arrivals"' not in texts["2026-06-30/index.html"]


@pytest.mark.parametrize(
    "orders",
    [
        [("anna", "2026-06-01", 10.0)],  # one customer: all shares are whole, no correlation
        [("anna", "2026-06-01", 10.0), ("bert", "2026-06-01", 10.0)],  # all equal
        [("anna", "2026-06-01", 0.0)],  # nothing earned: no share of revenue
        [("anna", "2024-06-01", 10.0)],  # nobody in the last 12 months
    ],
)
def test_odd_shops_have_pages_without_invented_numbers(
    shop: Shop, tmp_path: Path, orders: list[tuple[str, str, float]]
) -> None:
    for customer, day, amount in orders:
        shop.orders(customer, day, amount=amount)
    shop.snapshot(str(MAY)).snapshot(str(JUNE))
    for name, text in pages_of(written(shop.engine.read, tmp_path)).items():
        assert not re.search(r"\bNone\b|\bnan\b|NaN|Infinity", text), name


def test_a_shop_with_more_refunds_than_sales_has_pages(shop: Shop, tmp_path: Path) -> None:
    shop.orders("anna", "2026-01-10", "2026-06-01", amount=10).refund("anna-1", on="2026-06-02", amount=10)
    shop.line("anna-9", on="2026-06-03", customer="anna", amount=-50, kind="refund", quantity=None)
    shop.snapshot(str(JUNE))
    texts = written(shop.engine.read, tmp_path)
    assert "−40.00" in texts["2026-06-30/index.html"]
    assert "There was no revenue in the last year to share out." in texts["2026-06-30/segments.html"]


def with_hostile_names(query: Query) -> Query:
    """The same warehouse, but every text of the frames could be a script, and so could be a file's name."""

    def ask(sql: str, parameters: Mapping[str, object]) -> pl.DataFrame:
        if sql == queries.FILES:
            return files_ledger(3, path=f"data/exports/{HOSTILE.replace('/', '')}.csv")
        frame = query(sql, parameters)
        names = [name for name in ("label", "meaning", "advice", "rule", "owner") if name in frame.columns]
        return frame.with_columns(pl.concat_str(pl.lit(HOSTILE), pl.col(name)).alias(name) for name in names)

    return ask


def files_ledger(files: int, path: str = "data/exports/perennial/orders.csv") -> pl.DataFrame:
    moment = dt.datetime(2026, 6, 1)
    return pl.DataFrame(
        [
            {"path": path, "source": "perennial", "status": "loaded", "rows_read": 10, "accepted": 9, "quarantined": 1,
             "superseded": 0, "duplicates": 0, "first_ordered_at": moment, "last_ordered_at": moment}
            for _ in range(files)
        ]
    )  # fmt: skip


def test_names_are_text_and_never_code(two_snapshots: Shop, tmp_path: Path) -> None:
    texts = pages_of(written(with_hostile_names(two_snapshots.engine.read), tmp_path))
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;Champions" in texts["2026-06-30/segments.html"]
    for name, text in texts.items():
        page = Elements(text)
        scripts = [attributes for tag, attributes in page.tags if tag == "script"]
        assert all("src" in s or s.get("type") == "application/json" for s in scripts), name
        assert not [tag for tag, attributes in page.tags if any(key.startswith("on") for key in attributes)], name
        for script in page.scripts:  # Plotly reads some HTML in its texts, so there the name is escaped once more
            for view in json.loads(script):
                assert "<script" not in json.dumps(view["figure"]), name


def test_the_security_policy_forbids_inline_code(two_snapshots: Shop, tmp_path: Path) -> None:
    texts = written(two_snapshots.engine.read, tmp_path)
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data: blob: 'self'"
    )  # fmt: skip
    for name in [*pages_of(texts), "index.html"]:
        policies = [attributes.get("content") for tag, attributes in Elements(texts[name]).tags if tag == "meta"]
        assert policy in policies, name


def test_customers_are_numbers_and_never_names(shop: Shop, tmp_path: Path) -> None:
    shop.orders(HOSTILE, "2026-01-01", "2026-06-29", amount=1000)
    tell(shop).snapshot(str(MAY)).snapshot(str(JUNE))
    for name, text in written(shop.engine.read, tmp_path).items():
        for customer in ("anna@example.com", "bert", "cleo", "alert("):
            assert customer not in text, f"{name} names {customer}"


def test_the_same_partition_gives_the_same_bytes_but_for_the_run_card(two_snapshots: Shop, tmp_path: Path) -> None:
    read = two_snapshots.engine.read
    later = replace(RUN, run_id="run-2", finished_at="2026-07-02 03:00 UTC")
    one, other = written(read, tmp_path / "one"), written(read, tmp_path / "other", run=later)
    assert one == {
        name: text.replace("run-2", "run-1").replace("2026-07-02", "2026-07-01") for name, text in other.items()
    }
    assert [name for name in one if one[name] != other[name]] == ["2026-06-30/index.html"]


def test_the_order_of_the_lines_does_not_show(make_shop: Callable[[], Shop], tmp_path: Path) -> None:
    reversed_shop = tell(make_shop())
    reversed_shop._lines.reverse()
    reversed_shop.snapshot(str(MAY)).snapshot(str(JUNE))
    straight = tell(make_shop()).snapshot(str(MAY)).snapshot(str(JUNE))
    assert written(reversed_shop.engine.read, tmp_path / "a") == written(straight.engine.read, tmp_path / "b")


def test_more_customers_make_no_page_heavier(shop: Shop, tmp_path: Path) -> None:
    def sizes(folder: str) -> dict[str, int]:
        return {name: len(text) for name, text in pages_of(written(shop.engine.read, tmp_path / folder)).items()}

    tell(shop).snapshot(str(MAY)).snapshot(str(JUNE))
    few = sizes("few")
    for n in range(400):
        shop.orders(f"c{n}", f"2026-0{1 + n % 6}-{1 + n % 27:02d}", f"2026-0{1 + n % 5}-15", amount=n)
    shop.snapshot(str(MAY)).snapshot(str(JUNE))
    many = sizes("many")
    # More moves and longer numbers, but no row per customer.
    assert all(many[name] < 1.5 * few[name] + 10_000 for name in few), (few, many)


def test_thousands_of_exports_stay_below_the_limit(two_snapshots: Shop, tmp_path: Path) -> None:
    def ask(sql: str, parameters: Mapping[str, object]) -> pl.DataFrame:
        return files_ledger(5000) if sql == queries.FILES else two_snapshots.engine.read(sql, parameters)

    text = written(ask, tmp_path)["2026-06-30/index.html"]
    assert len(text.encode()) < 3 * MEGABYTE / 10
    assert "50,000 rows read from 5,000 files" in text
    assert "4,688 files more" in text  # 12 and 300 are shown


def test_the_entrance_and_the_navigation_know_every_snapshot(two_snapshots: Shop, tmp_path: Path) -> None:
    texts = written(two_snapshots.engine.read, tmp_path, snapshot_date=MAY, others=(MAY, JUNE))
    assert 'data-entrance="2026-06-30/index.html"' in texts["index.html"]
    assert texts["assets/snapshots.js"] == 'window.perennialSnapshots = ["2026-05-31", "2026-06-30"];\n'
    for page in PAGES:
        assert (
            f'<a href="{page.name}.html" aria-current="page">{page.label}</a>' in texts[f"2026-05-31/{page.name}.html"]
        )


def test_the_glossary_explains_every_column(two_snapshots: Shop, tmp_path: Path) -> None:
    text = written(two_snapshots.engine.read, tmp_path)["2026-06-30/glossary.html"]
    assert text.count("data-column") == sum(len(table.header.columns) for table in tables().values())
    assert all(f'id="{table.schema}-{table.name}"' in text for table in tables().values())
