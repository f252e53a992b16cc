"""The page on the activity trend: its sentences, figures, and pages of tiny shops."""

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from made_predictions import predict
from shop import Shop, all_tables, open_engine

from pipeline.engines.portable.lint import refusals
from pipeline.reporting import trend_charts, trend_queries
from pipeline.reporting import trend_words as says
from pipeline.reporting.charts import Series
from pipeline.reporting.components import Chart
from pipeline.reporting.facts import Query, read_report
from pipeline.reporting.pages import trend
from pipeline.reporting.site import OUT, RunCard, build_site
from pipeline.settings import Settings
from pipeline.tables.catalog import tables

JANUARY, FEBRUARY = dt.date(2026, 1, 31), dt.date(2026, 2, 10)
RUN = RunCard("run-1", "2026-07-01 03:00 UTC", {"perennial": "1.0"}, {"timezone": "UTC"}, "EUR")
ADDRESS, HOSTILE = "anna@example.com", "<script>alert('x')</script>"
WINDOW = {"window_days": 10}


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{WORD JOINER}", "")


# ── sentences ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def base(**values: Any) -> dict[str, Any]:
    return {
        "window_days": 90, "base_customers": 7, "share_from": "today", "share_prior": 40, "share_recent": 60,
        "expected_share": 0.6, "n_min": 5, **values,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "first_on", "tested", "told"),
    [
        (None, None, 0, "No customer has bought yet"),
        # 5 January and 180 days: 4 July.
        (base(base_customers=0), dt.date(2026, 1, 5), 0, "from 4 July 2026 on the first customers can have a trend"),
        (base(share_from=None), dt.date(2026, 1, 5), 0, "none of them bought in either"),
        (base(n_min=None), dt.date(2026, 1, 5), 0, "falls into one of the two windows"),
        (base(), dt.date(2026, 1, 5), 0, "none of them bought on 5 days or more in both windows together"),
    ],
)
def test_what_is_missing_is_said_with_its_day(
    given: dict[str, Any] | None, first_on: dt.date | None, tested: int, told: str
) -> None:
    assert told in plain(says.missing_sentence(given, first_on, tested))


def test_nothing_is_missing_where_somebody_has_a_trend() -> None:
    assert says.missing_sentence(base(), dt.date(2026, 1, 5), 1) == ""


@pytest.mark.parametrize(
    ("source", "today", "told"),
    [
        ("a year ago", "2027-07-04", "in the same two windows a year ago, 60.0 % fell into the recent one"),
        # 5 January 2026, 180 days and a year: 4 July 2027.
        ("today", "2027-07-03", "they can hold enough from 4 July 2027 on"),
        ("today", "2027-07-04", "they hold fewer than 200 purchases"),
    ],
)
def test_where_the_expected_share_comes_from(source: str, today: str, told: str) -> None:
    day = dt.date.fromisoformat(today)
    assert told in plain(says.season_sentence(base(share_from=source), dt.date(2026, 1, 5), day, 200))


@pytest.mark.parametrize(
    ("growing", "declining", "told"),
    [
        (215, 218, "Both are more than chance makes"),  # 96 + 2 · 9.8 = 115.6
        (215, 130, "Only growing ones are more than chance makes."),  # 114 + 2 · 10.7 = 135.4
        (100, 130, "Neither is more than chance makes"),
    ],
)
def test_what_chance_explains_is_not_called_a_change(growing: int, declining: int, told: str) -> None:
    found = says.chance_sentence({"growing": growing, "declining": declining}, {"growing": 96.0, "declining": 114.0})
    assert told in found


@pytest.mark.parametrize(
    ("previous", "before", "moved", "told"),
    [
        (None, None, 0, "This is the first snapshot with a trend."),
        (JANUARY, 90, 0, "On 31 January 2026 windows of 90 days were compared, now of 180 days"),
        (JANUARY, 180, 0, "Nobody has moved to another trend since 31 January 2026."),
        (JANUARY, 180, 3, ""),
    ],
)
def test_why_there_are_no_movers(previous: dt.date | None, before: int | None, moved: int, told: str) -> None:
    found = says.movers_missing(180, previous, before, moved)
    assert told in found and bool(found) == bool(told)


def test_the_movers_in_a_sentence() -> None:
    moves = {"better": (1, Decimal(10)), "worse": (2, Decimal("57.5")), "left": (4, Decimal(1))}
    assert plain(says.movers_sentence(moves, JANUARY, "EUR")) == (
        "Since 31 January 2026, 1 customer moved up and 2 down; 0 got a trend and 4 lost theirs. Those who moved down "
        "spent 57.50 € in the last 12 months."
    )


def test_what_the_classes_bring() -> None:
    revenue = {"growing": Decimal(30), "stable": Decimal(50), "declining": Decimal(15), "none": Decimal(5)}
    assert plain(says.worth_sentence(revenue, "of the last 12 months’ revenue", "CHF")) == (
        "Growing customers make 30.00 CHF (30.0 %) and declining customers make 15.00 CHF (15.0 %) of the last 12 "
        "months’ revenue."
    )
    nothing = dict.fromkeys(revenue, Decimal(0))
    assert says.worth_sentence(nothing, "of the predicted value", "CHF").startswith("There is nothing to share out")


def test_a_segment_with_few_customers_is_not_compared() -> None:
    few, many = says.Members("Loyal", 19, 19, 0), says.Members("Champions", 20, 3, 5)
    assert plain(says.segments_sentence([few, many])) == (
        "Of customers with a trend, growing ones are most frequent among Champions (15.0 %) and declining ones are "
        "most frequent among Champions (25.0 %)."
    )
    assert says.segments_sentence([few]).startswith("No segment has 20 customers")


# ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_areas_lie_on_each_other_and_show_where_the_measure_changes() -> None:
    days = [dt.date(2026, 1, 31), dt.date(2026, 2, 28)]
    series = [Series("Stable", "var(--a)", [3, 4], ["x", "y"]), Series("Growing", "var(--b)", [1, 2], ["x", "y"])]
    figure = trend_charts.areas(days, series, None, [days[1]])
    assert [list(trace["y"]) for trace in figure["data"]] == [[3, 4], [1, 2]]
    assert {trace["stackgroup"] for trace in figure["data"]} == {"all"}
    assert [shape["x0"] for shape in figure["layout"]["shapes"]] == ["2026-02-28"]


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def tell(shop: Shop) -> Shop:
    """Windows of 10 days. January: Anna 0 → 4, Bert 4 → 0, Fred 2 → 2, and one with a hostile name 2 → 2: s = ½.

    February (22 January to 10 February): Anna 4 → 0, Bert 0 → 4, Fred and the other 2 → 2. Both of the first move.
    """
    shop.with_settings(trend=WINDOW)
    shop.orders(ADDRESS, *(f"2026-01-{n:02d}" for n in (1, 22, 23, 24, 31)), amount=20)
    shop.orders("bert", *(f"2026-01-{n:02d}" for n in (1, 12, 13, 14, 21)))
    shop.orders("bert", *(f"2026-02-{n:02d}" for n in (1, 2, 3, 4)))
    for name in ("fred", HOSTILE):
        shop.orders(name, *(f"2026-01-{n:02d}" for n in (1, 13, 14, 23, 24)), "2026-02-05", "2026-02-06")
    return shop


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop of `tell` on both days, with predictions on the second. Read only."""
    home = tmp_path_factory.mktemp("moved")
    with open_engine(Settings(home=home)) as engine:
        shop = tell(Shop(home, engine)).snapshot(str(JANUARY)).snapshot(str(FEBRUARY))
        predict(engine, FEBRUARY)
        for name in ("marts.activity_trend_summary", "marts.segment_events"):
            engine.write(all_tables()[name], FEBRUARY)
        yield shop


def context_of(query: Query, day: dt.date = FEBRUARY) -> dict[str, Any]:
    return trend.context(read_report(query, day, tables(), RUN))


def charts_in(context: Mapping[str, Any]) -> list[Chart]:
    return [context["course"], *context["multiples"]] if context["multiples"] else []


def written(query: Query, folder: Path, day: dt.date = FEBRUARY) -> str:
    def file(target: str) -> Path:
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    build_site(query, day, tables(), RUN, (), file)
    return (folder / OUT / str(day) / "trend.html").read_text()


@pytest.mark.parametrize("name", trend_queries.ALL)
def test_what_is_asked_of_the_warehouse_runs_on_every_engine(name: str) -> None:
    schemas = {table.full_name: table.column_types() for table in tables().values()}
    assert [str(refused) for refused in refusals(trend_queries.ALL[name], name, schemas)] == []


@pytest.mark.parametrize("day", [JANUARY, FEBRUARY])
def test_every_chart_says_what_it_means_and_what_it_rests_on(moved: Shop, day: dt.date) -> None:
    found = charts_in(context_of(moved.engine.read, day))
    assert [chart.id for chart in found] == ["trend-course", "trend-chance", "trend-ratios", "trend-segments"]
    for chart in found:
        assert chart.grid is not None and chart.grid.rows, chart.id
        assert all(len(row) == len(chart.grid.fields) for row in chart.grid.rows), chart.id
        assert re.match(r"n = [\d,]+ [a-z ]+ · .*20\d\d – .*20\d\d", chart.basis), chart.basis
        for view in chart.views:
            assert view.sentence.endswith("."), view.sentence
            assert not re.search(r"\b(None|nan|inf)\b", view.sentence), view.sentence
            assert not re.search(r"NaN|Infinity", json.dumps(view.figure)), chart.id


def test_the_first_snapshot_is_drawn_as_bars_and_says_so(moved: Shop) -> None:
    context = context_of(moved.engine.read, JANUARY)
    course = context["course"]
    assert course.views[0].sentence.endswith("the course over time is drawn from the second one on.")
    assert [list(trace["x"]) for trace in course.views[0].figure["data"]] == [
        [1, None, None], [None, 2, None], [None, None, 1],
    ]  # fmt: skip
    assert context["movers"]["missing"].startswith("This is the first snapshot with a trend.")


def test_the_course_over_two_snapshots(moved: Shop) -> None:
    course = context_of(moved.engine.read)["course"]
    assert [view.label for view in course.views] == ["With a trend", "Everybody", "Revenue", "Predicted value"]
    assert plain(course.views[0].sentence) == (
        "Of 4 customers with a trend, 1 was growing and 1 declining on 10 February 2026; of 4 customers on 31 January "
        "2026, 1 and 1."
    )
    # From the foot: declining, stable, growing.
    assert [list(trace["y"]) for trace in course.views[0].figure["data"]] == [[1, 1], [2, 2], [1, 1]]
    # January knows no predicted value: it is left out, and no zero is drawn.
    classes = ["Growing", "Stable", "Declining", "No trend"]
    bars = [
        (bar["name"], list(bar["y"]), [value is not None for value in bar["x"]])
        for bar in course.views[3].figure["data"]
    ]
    assert bars == [(name, classes, [name == other for other in classes]) for name in classes]


def test_the_movers_are_listed_by_id_with_what_is_at_stake(moved: Shop, tmp_path: Path) -> None:
    movers = context_of(moved.engine.read)["movers"]
    # Anna spent 5 · 20, Bert 9 · 10 in the last 365 days.
    assert [row[1:7] for row in movers["table"].rows] == [
        ("Growing", "Declining", "down", 4, 0, Decimal("100.00")),
        ("Declining", "Growing", "up", 0, 4, Decimal("90.00")),
    ]  # fmt: skip
    assert [row[3:] for row in movers["moves"].rows] == [(1, Decimal("100.00")), (1, Decimal("90.00"))]
    text = written(moved.engine.read, tmp_path)
    assert ADDRESS not in text and "<script>alert" not in text
    assert "Of an e-mail address only the start of its SHA-256 is shown." in text
    assert "segment_events/day=2026-02-10/segment_events.parquet" in text


def test_a_snapshot_before_does_not_know_the_one_after(moved: Shop) -> None:
    grid = context_of(moved.engine.read, JANUARY)["course"].grid
    assert {row[0] for row in grid.rows} == {JANUARY}


def test_every_customer_with_a_trend_is_in_one_bar(moved: Shop) -> None:
    _, chance, ratios, segments = charts_in(context_of(moved.engine.read))
    assert chance.grid is not None and ratios.grid is not None and segments.grid is not None
    assert [row[:2] for row in chance.grid.rows] == [("Growing", 1), ("Stable", 2), ("Declining", 1)]
    assert {row[0]: row[1:] for row in ratios.grid.rows if any(row[1:])} == {
        "Only before": (0, 0, 1), "0.8 to 1.25": (0, 2, 0), "Only lately": (1, 0, 0),
    }  # fmt: skip
    assert [sum(row[n] for row in segments.grid.rows) for n in (1, 2, 3)] == [1, 2, 1]  # type: ignore[misc]


def test_the_same_partition_gives_the_same_bytes(moved: Shop, tmp_path: Path) -> None:
    assert written(moved.engine.read, tmp_path / "one") == written(moved.engine.read, tmp_path / "other")


def test_too_short_a_history_says_from_when_on_there_is_a_trend(shop: Shop, tmp_path: Path) -> None:
    shop.orders("anna", "2026-01-05", "2026-02-01").snapshot(str(FEBRUARY))
    text = plain(written(shop.engine.read, tmp_path))
    assert "No trend yet" in text
    assert "from 4 July 2026 on the first customers can have a trend." in text
    assert "data-chart=" not in text


def test_an_empty_shop_says_so(shop: Shop, tmp_path: Path) -> None:
    shop.snapshot(str(FEBRUARY))
    text = written(shop.engine.read, tmp_path)
    assert "No customer has bought yet, so nobody has a trend." in text
    assert not re.search(r"\bNone\b|\bnan\b|NaN|Infinity", text)
