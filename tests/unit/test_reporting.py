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

import plotly.graph_objects as go
import polars as pl
import pytest
from shop import Shop, open_engine

from pipeline.engines.duckdb import parameter_columns
from pipeline.engines.portable.lint import refusals
from pipeline.errors import ExportError
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.reporting import charts, queries, words
from pipeline.reporting.components import Chart, raw
from pipeline.reporting.facts import Query, read_report
from pipeline.reporting.page import read_pages
from pipeline.reporting.sentences.calendar import (
    EFFECTS,
    effects_sentence,
    last_sentence,
    order_value_sentence,
    orders_sentence,
    peak_sentence,
)
from pipeline.reporting.sentences.periods import (
    arrival_context,
    evolution_sentence,
    lost_context,
    revenue_split_sentence,
    rise,
    segment_change_sentence,
)
from pipeline.reporting.site import OUT, RunCard, all_pages, build_site
from pipeline.settings import PAGES_FOLDER, TEMPLATES_FOLDER, Settings
from pipeline.tables.catalog import tables
from pipeline.tables.inputs import switched_off

MAY, JUNE = dt.date(2026, 5, 31), dt.date(2026, 6, 30)
RUN = RunCard("run-1", "2026-07-01 03:00 UTC", {"perennial": "1.0"}, {"timezone": "UTC"}, "EUR")
PAGES = all_pages(read_pages([PAGES_FOLDER], tables()))
MEGABYTE = 1_000_000
HOSTILE = "<script>alert('x')</script>"


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def plain(text: str) -> str:
    """With ordinary spaces, to compare with what one types."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{WORD JOINER}", "")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (words.count(23570), "23,570"),
        (words.count(-3), "−3"),
        (words.count(None), "unknown"),
        (words.number(0.8), "0.8"),
        (words.number(1226.5), "1,226.5"),
        (words.number(100), "100"),
        (words.percent(0.031), "3.1%"),
        (words.percent(0.00001), "<0.1%"),
        (words.percent(0), "0.0%"),
        (words.percent(-0.0), "0.0%"),
        (words.number(-0.0, 1), "0"),
        (words.count(-0.0), "0"),
        (words.money(Decimal("-0.00"), "EUR"), "€0"),
        (words.money(-0.0, "EUR"), "€0"),
        (words.short_money(-0.0, "EUR"), "€0"),
        (words.points(-0.0), "0.0 points"),
        (words.percent(-0.12), "−12.0%"),
        (words.percent(None), "unknown"),
        (words.share_of(1, 0), None),
        (words.share_of(None, 5), None),
        (words.money(Decimal("38900.4"), "EUR"), "€38,900"),
        (words.money(Decimal("-1165.30"), "GBP"), "−£1,165"),
        (words.money(Decimal("9.5"), "USD"), "$9.50"),
        (words.money(0, "USD"), "$0"),
        (words.money(5, "CHF"), "CHF 5.00"),
        (words.short_money(12345, "EUR"), "€12.3k"),
        (words.short_count(9999), "9,999"),
        (words.short_count(1_250_000), "1.2M"),
        (words.counted(1, "customer"), "1 customer"),
        (words.counted(0, "customer"), "0 customers"),
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
    [
        (None, ""),
        (0.0000421, "0.000042"),
        (-0.0, "0"),
        (-0.0000001, "0"),
        (0.5, "0.5"),
        (12.0, "12"),
        (Decimal("9.50"), "9.50"),
        (JUNE, "2026-06-30"),
    ],
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
            "200 rows read from 2 files: 150 accepted, 2 quarantined (1.0%), 40 superseded by a newer export "
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


def test_a_table_says_which_of_its_rows_it_shows() -> None:
    assert words.first_of(20, 103, "customer") == "The first 20 of 103 customers"
    assert [words.first_of(n, n, "customer") for n in (1, 12)] == ["The one customer", "All 12 customers"]
    assert [words.decimals(value, 4) for value in (0.1, 1234.5, None)] == ["0.1000", "1,234.5000", "unknown"]


def test_optional_exports_are_named_with_what_is_missing_without_them(shop: Shop, tmp_path: Path) -> None:
    off = ["leads (no export of customers)", "key figures against targets (no export of targets)"]
    off.append("the comparison with the sector (no export of benchmarks)")
    off.append("prices, stock and the catalogue of products (no export of products)")
    off.append("what customers viewed before they bought, or instead (no export of web_events)")
    assert switched_off({"order_lines"}) == off
    assert switched_off({"customers", "targets"}) == off[2:]
    assert words.optional_inputs_sentence({}, off[:2]) == f"Switched off: {off[0]} and {off[1]}."
    shop.orders("anna", "2026-01-10")
    file = tmp_path / "targets.csv"
    file.write_text("kpi,period,value\nrevenue,2026-05,100\nrevenue,2026-06,110\n")
    settings = Settings(home=shop.home)
    campaigns = tmp_path / "campaigns.csv"
    campaigns.write_text("campaign_id,channel,sent_at\nspring,email,2026-05-01 09:00:00\n")
    found = find_exports(settings, {"perennial": [str(file), str(campaigns)]})
    assert not any(isinstance(loaded, ExportError) for loaded in load_exports(shop.engine, settings, found))
    text = written(shop.snapshot(str(JUNE)).engine.read, tmp_path, only="trust")["2026-06-30/trust.html"]
    assert (
        f"Also loaded: campaigns (1 row) and targets (2 rows). Switched off: {off[0]}, {off[2]}, {off[3]} and {off[4]}."
        in text
    )
    assert "perennial.targets" in text


def period(
    first: str, revenue: str = "0", orders: int = 1, kind: str = "month", complete: bool = True,
    margin: str | None = None, effects: tuple[str, str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A row of the calendar; its orders brought its revenue."""
    return {
        "period_kind": kind, "starts_on": dt.date.fromisoformat(first), "is_complete": complete,
        "revenue": Decimal(revenue), "orders": orders, "order_revenue": Decimal(revenue),
        "mean_order_value": float(revenue) / orders if orders else None,
        "margin": None if margin is None else Decimal(margin),
        **dict(zip(EFFECTS, map(Decimal, effects) if effects else (None, None, None), strict=True)),
    }  # fmt: skip


def peaked(rows: list[dict[str, Any]], at: int, known: int = 0, periods: int = 2) -> list[dict[str, Any]]:
    """With the peak in every row, as the page has it: the row `at`, and of how many periods the margin is known."""
    peak = rows[at] | {"with_margin": known, "periods": periods}
    return [row | {"peak": peak} for row in rows]


APRIL_JUNE = [
    period("2026-04-01", "50", 1),
    period("2026-05-01", "40", 4),
    period("2026-06-01", "30", 5, effects=("8", "-18", "0")),
]


def test_the_calendar_names_the_peak_and_the_last_whole_period() -> None:
    def told(rows: list[dict[str, Any]], peak: int = 0) -> tuple[str, str]:
        shown = peaked(rows, peak)
        return plain(peak_sentence(shown, "EUR")), plain(last_sentence(shown, "EUR"))

    assert told(APRIL_JUNE) == (
        "The month of highest revenue was April 2026, with €50.00 of orders not cancelled; profit is unknown "
        "without the cost of every line.",
        "The last whole month, June 2026, brought €30.00, 25.0% less than May 2026.",
    )
    assert told(APRIL_JUNE[:1])[1] == "The last whole month, April 2026, brought €50.00."
    best_is_last = [period("2026-05-01", "40"), period("2026-06-01", "50")]
    assert told(best_is_last, 1)[1] == "That is the last whole month, 25.0% more than May 2026."
    # Nothing before, or less than nothing: a share of it would mean nothing.
    rising = [period("2026-05-01", "0"), period("2026-06-01", "5")]
    assert told(rising)[1] == "The last whole month, June 2026, brought €5.00, more than May 2026."
    # June is not over, so May is told; no whole period, no sentence.
    open_june = [*APRIL_JUNE[:2], APRIL_JUNE[2] | {"is_complete": False}]
    assert told(open_june)[1] == "The last whole month, May 2026, brought €40.00, 20.0% less than April 2026."
    assert told([open_june[-1]])[1] == ""
    april = [APRIL_JUNE[0] | {"is_complete": False}]
    assert "with €50.00 of orders not cancelled, though it is not whole;" in told(april)[0]
    assert told([period("2026-05-01", "0")])[0] == "Nothing has been earned yet."


def test_the_moment_of_highest_profit_is_that_of_the_margin() -> None:
    told = [period("2026-05-01", "30", margin="20"), period("2026-06-01", "40", margin="5")]
    assert plain(peak_sentence(peaked(told, 0, known=2), "EUR")) == (
        "The most profitable month was May 2026: a margin of €20.00 on €30.00 of revenue."
    )
    june_july = [told[1], told[0] | {"starts_on": dt.date(2026, 7, 1)}]
    assert plain(last_sentence(peaked(june_july, 1, known=2), "EUR")) == (
        "The last whole month, July 2026, brought €30.00, 25.0% less than June 2026."
    )
    assert plain(peak_sentence(peaked(told, 0, known=1), "EUR")) == (
        "The most profitable month, of the 1 month whose costs are known, was May 2026: a margin of €20.00 "
        "on €30.00 of revenue."
    )


def test_orders_and_their_value_are_told_beside_the_period_before() -> None:
    assert plain(orders_sentence(APRIL_JUNE)) == "June 2026 had 5 orders, 25.0% more than May 2026: the most."
    assert plain(order_value_sentence(APRIL_JUNE, "EUR")) == (
        "An order of June 2026 was worth €6.00 on average, 40.0% less than in May 2026; orders were worth most "
        "in April 2026, €50.00 over 1 order."
    )
    days = [period("2026-06-01", "9", 3, kind="day"), period("2026-06-02", "0", 0, kind="day")]
    assert plain(orders_sentence(days)) == (
        "2 Jun 2026 had 0 orders, 100.0% fewer than 1 Jun 2026; most were on 1 Jun 2026, 3."
    )
    assert plain(order_value_sentence(days, "EUR")) == (
        "2 Jun 2026 had no orders; they were worth most on 1 Jun 2026, €3.00 over 3 orders."
    )
    weeks = [period("2026-06-01", "9", 3, kind="week"), period("2026-06-08", "9", 3, kind="week")]
    assert plain(orders_sentence(weeks)) == (
        "The week of 8 Jun 2026 had 3 orders, as many as the week of 1 Jun 2026; most were in the week of "
        "1 Jun 2026, 3."
    )
    nothing = [period("2026-06-01", "0", 0), period("2026-07-01", "0", 0)]
    assert order_value_sentence(nothing, "EUR") == "There were no orders, so their value is not known."


def test_what_a_change_is_due_to_adds_up_and_leaves_out_what_is_nothing() -> None:
    assert plain(effects_sentence(APRIL_JUNE, "EUR")) == (
        "June 2026 brought €10.00 less than May 2026: +€8.00 from the number of orders and −€18.00 from order value."
    )
    assert effects_sentence(APRIL_JUNE[:2], "EUR") == "There are no two whole periods to compare yet."
    same = [period("2026-05-01", "5"), period("2026-06-01", "5", effects=("0", "0", "0"))]
    assert effects_sentence(same, "EUR") == "June 2026 brought as much as May 2026."


def split(before: int, after: int, **parts: int) -> str:
    ends = ({"amount": Decimal(before)}, {"amount": Decimal(after)})
    between = [{"told": name.replace("_", " "), "amount": Decimal(amount)} for name, amount in parts.items()]
    return plain(revenue_split_sentence([ends[0], *between, ends[1]], "EUR"))


def became(*numbers: int, lost_revenue: int = 0) -> list[dict[str, Any]]:
    columns = ("a_customers", "became_better", "stayed", "became_worse", "became_lost")
    group = dict(zip(columns, numbers, strict=True)) | {"lost_revenue": Decimal(lost_revenue)}
    return [group]


def changed(**groups: tuple[int, int]) -> list[dict[str, Any]]:
    return [{"label": name, "a_customers": a, "b_customers": b} for name, (a, b) in groups.items()]


def test_two_periods_in_words() -> None:
    assert split(100, 80, the_number_of_customers=-30, guests=0, order_value=10) == (
        "Revenue fell by €20.00 (20.0%), from €100.00 in A to €80.00 in B: −€30.00 from the number of "
        "customers and +€10.00 from order value."
    )
    assert split(-1, 5) == "Revenue rose by €6.00, from −€1.00 in A to €5.00 in B."
    assert split(5, 5) == "Revenue was the same in A and in B, €5.00."
    assert plain(evolution_sentence(became(10, 1, 2, 3, 4, lost_revenue=40), "EUR")) == (
        "Of 10 customers of A, 1 (10.0%) was in a better group in B, 2 (20.0%) in the same, 3 (30.0%) in a worse "
        "one; 4 (40.0%) did not buy in B. The lost had brought €40.00 in A."
    )
    assert evolution_sentence(became(0, 0, 0, 0, 0), "EUR") == "Nobody bought in A."
    assert segment_change_sentence(changed(New=(3, 1), Loyal=(4, 5)), 4, 0) == (
        "New changed most, from 3 to 1 customer. 4 of A did not buy in B; all of B bought in A."
    )
    assert segment_change_sentence(changed(New=(3, 3)), 0, 2) == (
        "Every group has as many customers in B as in A. All of A bought in B; 2 of B did not buy in A."
    )
    ends = [(100, "rose by 50.0%", 150), (80, "fell by 25.0%", 60), (0, "rose from nothing or less", 5)]
    for before, told, after in (*ends, (3, "stayed the same", 3)):
        assert plain(rise({"a_revenue": Decimal(before), "b_revenue": Decimal(after)}, "revenue")) == told


# ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


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


def test_a_group_has_its_colour_in_every_catalogue() -> None:
    ten, seven = ((("champions", 1), ("at_risk", 9)), (("champions", 1), ("at_risk", 6)))
    colours = {
        (name, charts.group_colour(name, rank, ranks))
        for ranks, groups in ((10, ten), (7, seven))
        for name, rank in groups
    }
    assert colours == {("champions", "var(--rank-1)"), ("at_risk", "var(--rank-9)")}
    assert charts.group_colour("Cannot lose", 5, 7) == charts.group_colour("cant_lose", 8, 10) == "var(--rank-8)"
    assert charts.group_colour("first-time", 2, 5) == "var(--rank-3)"  # a stage, by what it means
    assert charts.group_colour("Regional", 2, 2) == "var(--rank-10)"  # not ours: by its rank


def test_a_migration_links_groups() -> None:
    flows = [("Loyal", "Loyal", 5), ("Loyal", "At risk", 2), (None, "Loyal", 1)]
    (drawn,) = charts.migration(flows, {"Loyal": 1, "At risk": 2})["data"]
    assert list(drawn["node"]["label"]) == ["Loyal 7", "New customers 1", "Loyal 6", "At risk 2"]
    assert list(drawn["link"]["value"]) == [5, 2, 1]
    assert list(drawn["link"]["color"]) == ["var(--flow-same)", "var(--flow-worse)", "var(--flow-entered)"]


def by_month(amounts: list[float | None], opacity: float | list[float] = 1, currency: str = "EUR") -> Any:
    months = [f"2026-{n:02d}-01" for n in range(5, 5 + len(amounts))]
    series = [charts.Series("Value", charts.ACCENT, amounts, [""] * len(amounts), opacity)]
    return charts.upright_bars(months, series, [], [], "relative", currency, False, False, are_days=True)


def test_periods_that_are_not_whole_are_paler_and_what_is_not_known_has_no_bar() -> None:
    (bars,) = by_month([40.0, None], opacity=[1, 0.5])["data"]
    assert (list(bars["x"]), list(bars["y"])) == (["2026-05-01", "2026-06-01"], [40.0, None])
    assert bars["marker"]["opacity"] == [1, 0.5]


def test_a_waterfall_ends_where_its_parts_lead() -> None:
    ends = (("Revenue in A", Decimal("100.00")), ("Revenue in B", Decimal("86.50")))
    parts = [("Customers", Decimal("38.46")), ("Order value", Decimal("-51.96"))]
    figure = charts.waterfall(ends, parts, "EUR")
    (steps,) = figure["data"]
    assert list(steps["measure"]) == ["absolute", "relative", "relative", "total"]
    assert sum(steps["x"][:-1]) == pytest.approx(steps["x"][-1])
    assert [plain(label) for label in steps["y"]] == [
        "Revenue in A<br><b>€100</b>", "Customers<br><b>+€38</b>", "Order value<br><b>−€52</b>",
        "Revenue in B<br><b>€86</b>",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("opening", "parts", "begins"),
    [
        ("1000.00", ["40.00", "-20.00"], 980.0),  # parts of 2 to 4 % would be slivers
        ("1000.00", ["900.00"], None),
        ("10.00", ["-12.00", "30.00"], None),  # below nothing there is no cutting
    ],
)
def test_a_waterfall_shows_its_parts(opening: str, parts: list[str], begins: float | None) -> None:
    first, changes = Decimal(opening), [Decimal(part) for part in parts]
    ends = (("A", first), ("B", first + sum(changes)))
    axis = charts.waterfall(ends, [("part", change) for change in changes], "EUR")["layout"]["xaxis"]
    assert axis.get("range", [None])[0] == begins
    assert axis["title"].get("text") == (None if begins is None else "Axis begins at €980")


@pytest.mark.parametrize(
    ("amounts", "ticks"),
    [
        ([-350_000.0, 420_000.0], {-200_000.0: "−£200k", 0: "£0", 200_000.0: "£200k", 400_000.0: "£400k"}),
        ([-0.02, 0.01], {-0.02: "−£0.02", -0.01: "−£0.01", 0: "£0", 0.01: "£0.01"}),
        ([-3.0, -1.0], {-3.0: "−£3", -2.0: "−£2", -1.0: "−£1", 0: "£0"}),
    ],
)
def test_the_minus_stands_before_the_currency(amounts: list[float], ticks: dict[float, str]) -> None:
    axis = by_month([*amounts], currency="GBP")["layout"]["yaxis"]
    assert dict(zip(axis["tickvals"], map(plain, axis["ticktext"]), strict=True)) == ticks
    assert "tickprefix" not in axis


# ── colours ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def palettes() -> dict[str, dict[str, str]]:
    """The variables of style.css that are colours, per theme."""
    style = (TEMPLATES_FOLDER / "assets" / "style.css").read_text()
    pairs = re.findall(r"(--[\w-]+): (?:light-dark\()?(#[0-9a-f]{6})(?:, (#[0-9a-f]{6}))?", style)
    return {
        "light": {name: light for name, light, _ in pairs},
        "dark": {name: dark or light for name, light, dark in pairs},
    }


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
    for value in range(101):  # a cell's text changes its ink at half of the scale, see charts.heatmap
        if value < 50:
            cell, ink = mixed(colours["--heat-low"], colours["--heat-middle"], value / 50), colours["--on-heat-low"]
        else:
            cell = mixed(colours["--heat-middle"], colours["--heat-high"], value / 50 - 1)
            ink = colours["--on-heat-high"]
        assert contrast(cell, ink) >= 4.5, f"heat at {value} %"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_bars_stand_out_from_their_card(theme: str) -> None:
    colours = palettes()[theme]
    names = ("accent", "accent-pale", "unknown", "better", "worse", "entered", "lost", "part-1", "part-2", "part-3")
    for name in (f"--{name}" for name in names):
        assert contrast(colours[name], colours["--surface"]) >= 3, name


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def written(
    query: Query, folder: Path, snapshot_date: dt.date = JUNE, run: RunCard = RUN, others: tuple[dt.date, ...] = (),
    only: str | None = None,
) -> dict[str, str]:  # fmt: skip
    """Build the report, or `only` a page of it; path below reports/out -> text, without Plotly's script."""

    def file(target: str) -> Path:
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    targets = build_site(
        query, snapshot_date, tables(), run, others, file, wanted=lambda page: only in (None, page.name)
    )
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
    schemas = {table.full_name: table.column_types() for table in tables().values()} | parameter_columns(Settings())
    assert [str(refused) for refused in refusals(queries.ALL[name], name, schemas)] == []


def test_every_chart_says_what_it_means_and_what_it_rests_on(two_snapshots: Shop) -> None:
    found = charts_of(two_snapshots.engine.read)
    assert {page: [chart.id for chart in all_charts] for page, all_charts in found.items()} == {
        "index": ["index-months"],
        "rfm": ["rfm-classes", "rfm-grid"],
        "segments": ["segments-moves", "segments-profiles"],
        "calendar": ["calendar-effects", "calendar-orders", "calendar-revenue"],
        "channels": [],  # the shop names neither
        "products": [],  # nor these
        "taste": [],
        "campaigns": [],
        "engagement": [],
        "actions": [],
        "comparison": ["comparison-groups", "comparison-revenue"],
        "trend": [],  # the shop is too young
        "lifecycle": ["lifecycle-stages", "lifecycle-transitions"],
        "rhythm": [],  # nobody waited long enough to know a half
        "cohorts": ["cohorts-kpis", "cohorts-repeat", "cohorts-retention", "cohorts-value"],
        "value": [],  # the shop is too small for a model
        "probability": [],
        "trust": [],
        "definitions": [],
        "glossary": [],
    }
    for chart in (chart for all_charts in found.values() for chart in all_charts):
        assert chart.grids, chart.id
        for _, table in chart.grids:
            assert table.rows, chart.id
            assert all(len(row) == len(table.fields) for row in table.rows), chart.id
        assert len({view.key for view in chart.views}) == len(chart.views)
        assert chart.grid or all(view.grid for view in chart.views), chart.id
        for view in chart.views:
            basis = view.basis or chart.basis
            assert re.match(r"n = [\d,]+ [a-z ]+ · .*20\d\d (–|to) .*20\d\d", basis), basis
            assert view.sentence.endswith("."), view.sentence
            assert not re.search(r"\b(None|nan|inf)\b", view.sentence), view.sentence
            assert not re.search(r"NaN|Infinity", json.dumps(view.figure)), chart.id


def test_every_figure_is_one_that_plotly_knows(two_snapshots: Shop) -> None:
    """Plotly's own classes take every field of it, and change nothing."""
    figures = [
        view.figure for charts in charts_of(two_snapshots.engine.read).values() for c in charts for view in c.views
    ]
    figures += [
        charts.waterfall((("A", Decimal(100)), ("B", Decimal(140))), [("part", Decimal(40))], "EUR"),
        charts.calibration([0.1], [0.2], [0.1], [0.3], ["a tenth"]),
    ]
    drawn = set()
    for figure in figures:
        for trace in figure["data"]:
            assert go.Figure(data=[trace]).data[0].to_plotly_json() == trace
            drawn.add(trace["type"])
        assert go.Layout(figure["layout"]).to_plotly_json() == figure["layout"]
    assert drawn == {"bar", "scatter", "heatmap", "sankey", "waterfall"}


def test_what_the_overview_tells_of_a_tiny_shop(two_snapshots: Shop, tmp_path: Path) -> None:
    text = plain(written(two_snapshots.engine.read, tmp_path, only="index")["2026-06-30/index.html"])
    # Lines: 4 × 30 + 2 × 20 − 5 + 2 × 11 + 12.5 + 8 of a guest = 197.50.
    assert "€197.50" in text
    # Four customers; Anna, Bert and Dora bought on two days.
    assert '<span class="value">4</span>' in text
    assert '<span class="value">75.0%</span>' in text
    segments = written(two_snapshots.engine.read, tmp_path, only="segments")["2026-06-30/segments.html"]
    moves = re.findall(r'href="[^"]*/audiences/2026-06-30/moves/(\w+)\.csv"', segments)
    keys = "coalesce(from_segment, 'newcomers') || '_to_' || to_segment"
    made = f"SELECT DISTINCT {keys} FROM marts.segment_events WHERE snapshot_date = '{JUNE}' AND catalogue = 'grid'"
    assert set(moves) == {name for (name,) in two_snapshots.engine.execute(made)}
    assert "newcomers_to_about_to_sleep" in moves


def test_an_empty_shop_has_pages_that_say_so(shop: Shop, tmp_path: Path) -> None:
    shop.snapshot(str(JUNE))
    texts = written(shop.engine.read, tmp_path)
    assert {f"2026-06-30/{page.name}.html" for page in PAGES} == set(pages_of(texts))
    assert "Nobody had bought by the end of 30 June 2026." in texts["2026-06-30/index.html"]
    assert "No export has been loaded yet." in texts["2026-06-30/trust.html"]
    assert "No data yet" in texts["2026-06-30/index.html"]
    assert "there is nothing to score" in texts["2026-06-30/rfm.html"]
    assert "the groups below are waiting for them" in texts["2026-06-30/segments.html"]
    assert "There was no order line by the end of 30 June 2026." in texts["2026-06-30/calendar.html"]
    assert "There was no order line by the end of 30 June 2026." in texts["2026-06-30/comparison.html"]
    assert "so nobody is in a stage" in texts["2026-06-30/lifecycle.html"]
    assert not any("data-chart=" in text for text in pages_of(texts).values())


def test_a_first_snapshot_says_that_there_is_nothing_to_compare_with(shop: Shop, tmp_path: Path) -> None:
    tell(shop).snapshot(str(JUNE))
    texts = written(shop.engine.read, tmp_path)
    assert "This is the first snapshot. Moves between segments" in texts["2026-06-30/segments.html"]


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
        if not name.endswith("/definitions.html"):  # prose
            assert not re.search(r"\bNone\b|\bnan\b|NaN|Infinity", text), name


def test_a_shop_with_more_refunds_than_sales_has_pages(shop: Shop, tmp_path: Path) -> None:
    shop.orders("anna", "2026-01-10", "2026-06-01", amount=10).refund("anna-1", on="2026-06-02", amount=10)
    shop.line("anna-9", on="2026-06-03", customer="anna", amount=-50, kind="refund", quantity=None)
    shop.snapshot(str(JUNE))
    texts = written(shop.engine.read, tmp_path)
    assert "−\N{WORD JOINER}€40.00" in texts["2026-06-30/index.html"]
    assert "There was no revenue in the last year to share out." in texts["2026-06-30/segments.html"]


def test_what_is_worth_a_look_is_listed_with_its_file(shop: Shop, tmp_path: Path) -> None:
    shop.line("o1", on="2026-01-10", customer="anna").line("o1", on="2026-01-10", customer="bert")
    shop.snapshot(str(JUNE))
    file = (
        "INSERT INTO ingest.files (file_id, path, source, input, status, rows_read, accepted, quarantined, superseded, "
        "duplicates) VALUES ('1', $path, 'perennial', 'order_lines', 'loaded', 2, 2, 0, 0, 0)"
    )
    shop.engine.execute(file, {"path": f"data/exports/perennial/{HOSTILE.replace('/', '')}.csv"})
    remark = "INSERT INTO ingest.remarks (file_id, subject, message) VALUES ('1', 'unknown_status', $message)"
    shop.engine.execute(remark, {"message": f"3 rows have a status nobody knows: {HOSTILE}"})
    pages = pages_of(written(shop.engine.read, tmp_path))
    assert "remarks to look at" in pages["2026-06-30/index.html"]
    page = pages["2026-06-30/trust.html"]
    assert '<p class="state look">Look here first</p>' in page
    made = page[page.index("Worth a look") : page.index("</ul>", page.index("Worth a look"))]
    assert "<script" not in made
    assert "o1" not in made
    assert "alert(&#39;x&#39;)&lt;script&gt;.csv</b>: 3 rows have a status nobody knows: &lt;script&gt;" in made
    assert "<b>orders</b>: 1 order names several customers, and it counts for one of them." in made


def test_nothing_worth_a_look_is_no_list(shop: Shop, tmp_path: Path) -> None:
    shop.orders("anna", "2026-06-28").snapshot(str(JUNE))
    assert "Worth a look" not in written(shop.engine.read, tmp_path, only="trust")["2026-06-30/trust.html"]


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
        of_people = re.match(r"2026-06-30/(customer|segment)-", name)  # they name ids, and of an address its hash alone
        for customer in ("anna@example.com", "<script>alert(", *(() if of_people else ("bert", "cleo", "alert("))):
            assert customer not in text, f"{name} names {customer}"
        assert not re.search("anna|bert|cleo|alert", name)


def test_the_same_partition_gives_the_same_bytes_but_for_the_run_card(two_snapshots: Shop, tmp_path: Path) -> None:
    read = two_snapshots.engine.read
    later = replace(RUN, run_id="run-2", finished_at="2026-07-02 03:00 UTC")
    one, other = written(read, tmp_path / "one"), written(read, tmp_path / "other", run=later)
    assert one == {
        name: text.replace("run-2", "run-1").replace("2026-07-02", "2026-07-01") for name, text in other.items()
    }
    assert [name for name in one if one[name] != other[name]] == ["2026-06-30/trust.html"]


def test_the_order_of_the_lines_does_not_show(make_shop: Callable[[], Shop], tmp_path: Path) -> None:
    reversed_shop = tell(make_shop())
    reversed_shop._exported["order_lines"].reverse()
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
    # More moves and longer numbers, but no row per customer, and a hundred of them with a page at most.
    # A page may also draw a chart that the few could not fill.
    assert all(many[name] < 1.5 * few[name] + 15_000 for name in few.keys() & many.keys()), (few, many)
    assert len(many) <= len(few) + 120


def test_thousands_of_exports_stay_below_the_limit(two_snapshots: Shop, tmp_path: Path) -> None:
    def ask(sql: str, parameters: Mapping[str, object]) -> pl.DataFrame:
        return files_ledger(5000) if sql == queries.FILES else two_snapshots.engine.read(sql, parameters)

    text = written(ask, tmp_path, only="trust")["2026-06-30/trust.html"]
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
    text = written(two_snapshots.engine.read, tmp_path, only="glossary")["2026-06-30/glossary.html"]
    assert text.count("data-column") == sum(len(table.header.columns) for table in tables().values())
    assert all(f'id="{table.schema}-{table.name}"' in text for table in tables().values())


# ── calendar, classes, comparison ─────────────────────────────────────────────────────────────────────────────────────


def chart_of(query: Query, name: str) -> Chart:
    (found,) = [chart for charts_there in charts_of(query).values() for chart in charts_there if chart.id == name]
    return found


def sentence_of(query: Query, name: str, view: str) -> str:
    return plain(next(v.sentence for v in chart_of(query, name).views if v.key == view))


def test_what_the_calendar_tells_of_a_tiny_shop(two_snapshots: Shop) -> None:
    # May: Anna 30, Dora 11: 2 orders of 20.50. June: Anna 30, Cleo 12.50, a guest 8: 3 orders of 16.83; refund −5.
    # Number of orders: 1 · (20.50 + 16.83) / 2 = 18.67. Order value: 50.50 − 41 − 18.67. The rest: the refund.
    read = two_snapshots.engine.read
    assert sentence_of(read, "calendar-revenue", "month") == (
        "The month of highest revenue was June 2026, with €50.50"
        " of orders not cancelled; profit is unknown without the cost of every line. "
        "That is the last whole month, 11.0% more than May 2026."
    )
    assert sentence_of(read, "calendar-effects", "month") == (
        "June 2026 brought €4.50 more than May 2026: +€18.67 from the number of orders, −€9.17 from order "
        "value and −€5.00 from refunds and the rest."
    )
    assert sentence_of(read, "calendar-orders", "month") == (
        "June 2026 had 3 orders, 50.0% more than May 2026: the most. An order of June 2026 was worth €16.83 on "
        "average, 17.9% less than in May 2026; orders were worth most in March 2026, €30.00 over 1 order."
    )
    orders = chart_of(read, "calendar-orders").views[0]
    (drawn,) = orders.figure["data"]
    # January is paler, because the history begins on the 5th; in April nobody ordered: their value is unknown.
    assert list(drawn["y"]) == [2, 2, 1, 0, 2, 3]
    assert drawn["marker"]["opacity"] == [0.45, 1, 1, 1, 1, 1]
    assert orders.grid is not None
    assert [row[-1] for row in orders.grid.rows][:4] == [20.5, 20.0, 30.0, None]


def test_the_days_of_a_page_are_bounded_and_the_best_day_is_found_beyond_them(shop: Shop) -> None:
    first = dt.date(2025, 1, 1)
    shop.orders("anna", "2025-01-01", amount=99)
    shop.orders("bert", *(f"{first + dt.timedelta(days=n)}" for n in range(1, 546)), amount=1)
    shop.snapshot(str(JUNE))
    revenue = chart_of(shop.engine.read, "calendar-revenue")
    for view in revenue.views:
        assert view.grid is not None
        assert (
            len(view.grid.rows) == len(view.figure["data"][0]["x"]) <= {"month": 60, "week": 104, "day": 365}[view.key]
        )
    assert len(revenue.views[2].figure["data"][0]["x"]) == 365
    assert revenue.views[2].basis == "n = 365 orders · 1 Jul 2025 – 30 Jun 2026"
    assert "The day of highest revenue was 1 Jan 2025, with €99.00" in plain(revenue.views[2].sentence)


def test_profit_is_shown_where_it_is_known_and_grey_where_it_is_not(shop: Shop) -> None:
    shop.line("a", on="2026-04-01", customer="anna", amount=30, unit_cost=Decimal(10))
    shop.line("b", on="2026-05-10", customer="anna", amount=40, unit_cost=Decimal(35))
    shop.line("c", on="2026-06-10", customer="anna", amount=50)
    shop.snapshot(str(JUNE))
    view = chart_of(shop.engine.read, "calendar-revenue").views[0]
    assert plain(view.sentence).startswith(
        "The most profitable month, of the 2 months whose costs are known, was April 2026: a margin of €20.00 on "
        "€30.00 of revenue."
    )
    assert {(t["name"], t["marker"]["color"]): list(t["y"]) for t in view.figure["data"]} == {
        ("Revenue", charts.ACCENT_PALE): [30.0, 40.0, None],
        ("Revenue, margin unknown", charts.UNKNOWN): [None, None, 50.0],
        ("Margin", charts.ACCENT): [20.0, 5.0, None],
    }
    assert view.grid is not None
    assert [row[2:5] for row in view.grid.rows] == [(30, 10, 20), (40, 35, 5), (50, None, None)]


def test_weekdays_are_shown_only_if_they_differ(make_shop: Callable[[], Shop]) -> None:
    first = dt.date(2026, 4, 6)  # a Monday; 12 whole weeks follow until 28 June

    def opened(monday: int) -> Shop:
        shop = make_shop()
        for n in range(84):
            shop.orders("anna", f"{first + dt.timedelta(days=n)}", amount=monday if n % 7 == 0 else 10)
        return shop.snapshot(str(JUNE))

    charts_there = {chart.id for chart in charts_of(opened(monday=10).engine.read)["calendar"]}
    assert "calendar-weekdays" not in charts_there
    weekdays = chart_of(opened(monday=100).engine.read, "calendar-weekdays")
    # 100 of 160 in a week.
    assert plain(weekdays.views[0].sentence) == (
        "Mondays bring most, €100.00 on average, 62.5% of a week; Tuesdays least, €10.00."
    )
    assert weekdays.basis == "n = 84 orders · 6 Apr 2026 – 28 Jun 2026"


def test_what_the_comparison_tells_of_a_tiny_shop(two_snapshots: Shop, tmp_path: Path) -> None:
    # 177 days, so A is 6 January – 3 April and B 4 April – 30 June. A: Anna 60, Bert 40 in 4 orders. B: Anna 60, Dora
    # 11, Cleo 12.50 in 4 orders, a guest 8, Bert's refund −5. C 2 → 3, f 2 → 4/3, v 25 → 20.875.
    # Customers: 1 · [(50 + 27.833)/3 + (41.75 + 33.333)/6] = 38.46; orders per customer: −2/3 · 57 = −38.00.
    read = two_snapshots.engine.read
    assert sentence_of(read, "comparison-revenue", "all") == (
        "Revenue fell by €13.50 (13.5%), from €100.00 in A to €86.50 in B: +€38.46 from the number of "
        "customers, −€38.00 from orders per customer, −€16.96 from order value, +€8.00 from guests and "
        "−€5.00 from the rest."
    )
    split = chart_of(read, "comparison-revenue")
    assert split.grid is not None
    amounts = [Decimal(str(amount)) for _, amount in split.grid.rows]
    assert sum(amounts[:-1]) == amounts[-1] == Decimal("86.50")
    assert sentence_of(read, "comparison-groups", "evolution").endswith(
        "1 (50.0%) did not buy in B. The lost had brought €40.00 in A."
    )
    assert sentence_of(read, "comparison-groups", "groups").endswith(
        "1 of A did not buy in B; 2 of B did not buy in A."
    )
    text = plain(written(read, tmp_path, only="comparison")["2026-06-30/comparison.html"])
    assert (
        "Insufficient data: the same dates a year earlier begin on 6 January 2025, the history on 5 January 2026"
        in text
    )
    file = "period_comparison_customers/day=2026-06-30/period_comparison_customers.parquet"
    assert f'href="../../../data/marts/{file}"' in text


def test_the_comparison_tells_who_is_new_from_who_is_back(shop: Shop, tmp_path: Path) -> None:
    # A is 1 to 10 May, B 11 to 20 May. Lost: Anna, who has bought since, and Bert. Of B, not in A: Cleo, first in B,
    # and Dora, first in April.
    shop.orders("anna", "2026-05-01", "2026-06-01").orders("bert", "2026-05-10")
    shop.orders("cleo", "2026-05-11").orders("dora", "2026-04-01", "2026-05-12")
    shop.with_settings(compare="2026-05-01:2026-05-10,2026-05-11:2026-05-20").snapshot(str(JUNE))
    text = plain(written(shop.engine.read, tmp_path, only="comparison")["2026-06-30/comparison.html"])
    assert "100.0% of A’s customers; 1 of them has bought since" in text
    assert "1 first bought in B and 1 came back after a pause" in text
    assert "Did not buy in A" not in text
    shop.engine.execute("UPDATE marts.period_comparison_customers SET arrival = NULL, bought_since = NULL")
    text = plain(written(shop.engine.read, tmp_path, only="comparison")["2026-06-30/comparison.html"])
    assert "bought since" not in text and "bought in A" not in text.replace("not buy in A", "")


def test_who_came_and_who_was_lost_in_words() -> None:
    assert arrival_context({"first_in_b": 780, "first_between": 411, "back": 128}) == (
        "780 first bought in B, 411 first bought between A and B and 128 came back after a pause"
    )
    nobody = dict.fromkeys(("first_in_b", "first_between", "back"), 0)
    assert arrival_context(nobody) == "all of B’s customers bought in A"
    assert lost_context("17.8%", 0, True) == "17.8% of A’s customers; none of them has bought since"
    assert lost_context("17.8%", 0, False) == "17.8% of A’s customers"


def test_the_season_is_the_same_dates_a_year_earlier(shop: Shop) -> None:
    shop.orders("anna", "2025-03-31", "2025-04-10", "2025-06-10", amount=20)
    shop.orders("bert", "2026-04-15", amount=50).orders("bert", "2026-06-15", amount=60)
    shop.with_settings(
        compare=f"{dt.date(2026, 4, 1)}:{dt.date(2026, 5, 31)},{dt.date(2026, 6, 1)}:{dt.date(2026, 6, 30)}"
    ).snapshot(str(JUNE))
    assert sentence_of(shop.engine.read, "comparison-season", "all") == (
        "From A to B revenue rose by 20.0%; over the same dates a year earlier it stayed the same."
    )
    season = chart_of(shop.engine.read, "comparison-season")
    assert season.grid is not None
    assert [(r[0], r[1], round(r[2], 3)) for r in season.grid.rows if isinstance(r[2], float)] == [
        ("Customers", 0.0, 0.0), ("Orders per customer", 0.0, 0.0), ("Order value", 0.0, 0.2), ("Revenue", 0.0, 0.2),
    ]  # fmt: skip


def test_one_day_of_history_has_notes_in_place_of_charts(shop: Shop, tmp_path: Path) -> None:
    shop.orders("anna", str(JUNE)).snapshot(str(JUNE))
    texts = written(shop.engine.read, tmp_path)
    found = {page: [chart.id for chart in there] for page, there in charts_of(shop.engine.read).items()}
    assert found["calendar"] == []
    assert found["comparison"] == []
    assert (
        "A calendar compares one whole day with the next; the history has 1 day." in texts["2026-06-30/calendar.html"]
    )
    assert "two periods need a history of two days" in texts["2026-06-30/comparison.html"]


def test_guests_alone_make_a_calendar_but_no_classes(shop: Shop) -> None:
    shop.orders(None, "2026-05-01", "2026-06-01", "2026-06-02").snapshot(str(JUNE))
    found = {page: [chart.id for chart in there] for page, there in charts_of(shop.engine.read).items()}
    assert "calendar-revenue" in found["calendar"]
    assert (found["rfm"], found["comparison"]) == ([], ["comparison-revenue"])


def test_periods_outside_the_history_are_not_compared(shop: Shop, tmp_path: Path) -> None:
    tell(shop).with_settings(compare="2024-01-01:2024-06-30,2025-01-01:2025-06-30").snapshot(str(JUNE))
    text = written(shop.engine.read, tmp_path, only="comparison")["2026-06-30/comparison.html"]
    assert "Insufficient data: the history goes from 5 January 2026 to 30 June 2026" in text
    assert 'data-chart="comparison-revenue"' not in text
