"""The page on the activity trend: its sentences, figures, and pages of tiny shops."""

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from made_predictions import predict
from shop import Shop, all_tables, open_engine

from pipeline.reporting import charts
from pipeline.reporting.charts import Series
from pipeline.reporting.facts import Query, read_report
from pipeline.reporting.page import read_pages
from pipeline.reporting.sentences.trend import (
    chance_sentence,
    movers_missing,
    season_sentence,
    trend_by_segment,
    trend_missing,
)
from pipeline.reporting.site import OUT, RunCard, build_site
from pipeline.settings import PAGES_FOLDER, Settings
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
    assert told in plain(trend_missing(given, first_on, tested))


def test_nothing_is_missing_where_somebody_has_a_trend() -> None:
    assert trend_missing(base(), dt.date(2026, 1, 5), 1) == ""


@pytest.mark.parametrize(
    ("source", "today", "told"),
    [
        ("a year ago", "2027-07-04", "in the same two windows a year ago, 60.0% fell into the recent one"),
        # 5 January 2026, 180 days and a year: 4 July 2027.
        ("today", "2027-07-03", "they can hold enough from 4 July 2027 on"),
        ("today", "2027-07-04", "they hold fewer than 200 purchases"),
    ],
)
def test_where_the_expected_share_comes_from(source: str, today: str, told: str) -> None:
    day = dt.date.fromisoformat(today)
    assert told in plain(season_sentence(base(share_from=source), dt.date(2026, 1, 5), day))


@pytest.mark.parametrize(
    ("growing", "declining", "told"),
    [
        (215, 218, "Both are more than chance makes"),  # 96 + 2 · 9.8 = 115.6
        (215, 130, "Only growing ones are more than chance makes."),  # 114 + 2 · 10.7 = 135.4
        (100, 130, "Neither is more than chance makes"),
    ],
)
def test_what_chance_explains_is_not_called_a_change(growing: int, declining: int, told: str) -> None:
    ways = [("Growing", growing, 96.0, True), ("Stable", 900, 800.0, False), ("Declining", declining, 114.0, True)]
    names = ("activity_trend", "found", "by_chance", "is_change")
    assert told in chance_sentence([dict(zip(names, way, strict=True)) for way in ways])


@pytest.mark.parametrize(
    ("previous", "before", "told"),
    [
        (None, None, "This is the first snapshot with a trend."),
        (JANUARY, 90, "On 31 January 2026 windows of 90 days were compared, now of 180 days"),
        (JANUARY, 180, "Nobody has moved to another trend since 31 January 2026."),
    ],
)
def test_why_there_are_no_movers(previous: dt.date | None, before: int | None, told: str) -> None:
    assert told in movers_missing(180, {"day": previous, "window_days": before})


def test_a_segment_with_few_customers_is_not_compared() -> None:
    few = {"segment": "Loyal", "growing": 19, "stable": 0, "declining": 0}
    many = {"segment": "Champions", "growing": 3, "stable": 12, "declining": 5}
    assert plain(trend_by_segment([few, many])) == (
        "Of customers with a trend, growing ones are most frequent among Champions (15.0%) and declining ones are "
        "most frequent among Champions (25.0%)."
    )
    assert trend_by_segment([few]).startswith("No segment has 20 customers")


# ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_areas_lie_on_each_other_and_show_where_the_measure_changes() -> None:
    days = [dt.date(2026, 1, 31), dt.date(2026, 2, 28)]
    series = [Series("Stable", "var(--a)", [3, 4], ["x", "y"]), Series("Growing", "var(--b)", [1, 2], ["x", "y"])]
    figure = charts.areas(days, series, None, [days[1]])
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


@pytest.fixture
def altered(moved: Shop) -> Iterator[Shop]:
    """The same shop to be changed; what is changed is taken back."""
    moved.engine.execute("BEGIN TRANSACTION")
    yield moved
    moved.engine.execute("ROLLBACK")


def context_of(query: Query, day: dt.date = FEBRUARY) -> dict[str, Any]:
    (page,) = [page for page in read_pages([PAGES_FOLDER], tables()) if page.name == "trend"]
    return page.context(read_report(query, day, tables(), RUN))


def written(query: Query, folder: Path, day: dt.date = FEBRUARY) -> str:
    def file(target: str) -> Path:
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    build_site(query, day, tables(), RUN, (), file, wanted=lambda page: page.name == "trend")
    return (folder / OUT / str(day) / "trend.html").read_text()


def test_the_first_snapshot_is_a_table_and_says_so(moved: Shop) -> None:
    found = context_of(moved.engine.read, JANUARY)["charts"]
    course = found["course"]
    assert course.form == "table"
    assert course.sentence.endswith("the course over time is drawn from the fourth one on.")
    assert not found["moves"] and found["moves"].text.startswith("This is the first snapshot with a trend.")


def test_the_course_over_two_snapshots(moved: Shop) -> None:
    course = context_of(moved.engine.read)["charts"]["course"]
    assert course.form == "table"
    assert plain(course.sentence) == (
        "Of 4 customers with a trend, 1 was growing and 1 declining on 10 February 2026; of 4 customers on 31 January "
        "2026, 1 and 1."
    )
    counts = {(row[0], row[1]): row[2] for row in course.grid.rows if row[2]}
    assert [counts[day, "Growing"] for day in (JANUARY, FEBRUARY)] == [1, 1]
    assert [counts[day, "Stable"] for day in (JANUARY, FEBRUARY)] == [2, 2]


def test_the_movers_are_listed_by_id_with_what_is_at_stake(moved: Shop, tmp_path: Path) -> None:
    found = context_of(moved.engine.read)["charts"]
    # Anna spent 5 · 20, Bert 9 · 10 in the last 365 days.
    assert [row[1:7] for row in found["movers"].grid.rows] == [
        ("Growing", "Declining", "down", 4, 0, Decimal("100.00")),
        ("Declining", "Growing", "up", 0, 4, Decimal("90.00")),
    ]  # fmt: skip
    assert [row[3:] for row in found["moves"].grid.rows] == [
        (1, Decimal("100.00"), "growing_to_declining.csv"), (1, Decimal("90.00"), "declining_to_growing.csv"),
    ]  # fmt: skip
    assert plain(found["moves"].sentence) == (
        "Since 31 January 2026, 1 customer began to rise and 1 to decline; 0 no longer do either; 0 became measurable "
        "and 0 no longer are. Those who began to decline spent €100.00 in the last 12 months."
    )
    text = written(moved.engine.read, tmp_path)
    assert ADDRESS not in text and "<script>alert" not in text
    assert "Of an e-mail address only the start of its SHA-256 is shown." in text
    assert "segment_events/day=2026-02-10/segment_events.parquet" in text
    (folder,) = {part.rpartition("/")[0] for part in hrefs(text) if part.endswith("declining_to_growing.csv")}
    assert folder.endswith("audiences/2026-02-10/trend_moves")


def hrefs(text: str) -> list[str]:
    return re.findall(r'href="([^"]+)"', text)


def test_trends_of_today_lead_to_their_files(moved: Shop) -> None:
    charts_found = context_of(moved.engine.read)["charts"]
    for name, column in (("chance", 0), ("course", 1)):
        links = [(row[0], str(row[column]), getattr(row[column], "href", "")) for row in charts_found[name].grid.rows]
        told = {(day if name == "course" else FEBRUARY, text): href for day, text, href in links if href}
        assert {key: href.rpartition("audiences/")[2] for key, href in told.items()} == {
            (FEBRUARY, "Growing"): "2026-02-10/signals/growing.csv",
            (FEBRUARY, "Declining"): "2026-02-10/signals/declining.csv",
        }


def test_a_snapshot_before_does_not_know_the_one_after(moved: Shop) -> None:
    grid = context_of(moved.engine.read, JANUARY)["charts"]["course"].grid
    assert {row[0] for row in grid.rows} == {JANUARY}


def test_every_customer_with_a_trend_is_in_one_bar(moved: Shop) -> None:
    found = context_of(moved.engine.read)["charts"]
    chance, ratios, segments = (found[name] for name in ("chance", "ratios", "segments"))
    assert [row[:2] for row in chance.grid.rows] == [("Growing", 1), ("Stable", 2), ("Declining", 1)]
    assert {row[0]: row[1:] for row in ratios.grid.rows if any(row[1:])} == {
        "Only before": (0, 0, 1), "0.8 to 1.25": (0, 2, 0), "Only lately": (1, 0, 0),
    }  # fmt: skip
    assert segments.text.startswith("No group has 20 customers with a trend")


@pytest.mark.parametrize(("copies", "bars"), [(18, []), (19, ["Need attention · 20"])])
def test_a_group_has_a_bar_from_twenty_customers_with_a_trend_on(altered: Shop, copies: int, bars: list[str]) -> None:
    # Anna alone, and as often again under other names, all put into one group; the other three are in another.
    altered.engine.execute(f"""
        UPDATE marts.rfm_segments SET segment = CASE WHEN customer_id = '{ADDRESS}' THEN 'need_attention' ELSE 'new' END
        WHERE catalogue = 'grid'
    """)
    for table in ("marts.rfm_segments", "marts.activity_trend"):
        altered.engine.execute(f"""
            INSERT INTO {table} SELECT one.* REPLACE ('copy ' || copy AS customer_id)
            FROM {table} AS one, range({copies}) AS copies (copy)
            WHERE customer_id = '{ADDRESS}' AND snapshot_date = DATE '{FEBRUARY}'
        """)
    segments = context_of(altered.engine.read)["charts"]["segments"]
    assert bool(segments) == bool(bars)
    if bars:
        assert {plain(label) for trace in segments.views[0].figure["data"] for label in trace["y"]} == set(bars)
        assert [row[1] for row in segments.grid.rows] == [20]


def test_who_no_longer_rises_stands_apart_behind_real_declines(altered: Shop) -> None:
    # Now Bert, who was declining, has become stable, and Anna with more at stake as well, from growing.
    altered.engine.execute(f"""
        UPDATE marts.segment_events SET to_segment = 'stable'
        WHERE catalogue = 'activity_trend' AND snapshot_date = DATE '{FEBRUARY}'
    """)
    found = context_of(altered.engine.read)["charts"]
    assert [row[3] for row in found["movers"].grid.rows] == ["no longer rising", "no longer falling"]
    assert plain(found["moves"].sentence) == (
        "Since 31 January 2026, 0 customers began to rise and 0 to decline; 2 no longer do either; 0 became measurable "
        "and 0 no longer are."
    )
    # A real decline comes first, though less is at stake.
    altered.engine.execute("UPDATE marts.segment_events SET direction = 'worse', to_segment = 'declining' "
                         "WHERE catalogue = 'activity_trend' AND direction = 'better'")  # fmt: skip
    found = context_of(altered.engine.read)["charts"]
    assert [row[3] for row in found["movers"].grid.rows] == ["down", "no longer rising"]


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
    assert "No customer has bought yet, so nobody has a trend." in written(shop.engine.read, tmp_path)
