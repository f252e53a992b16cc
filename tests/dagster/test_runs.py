"""Whole runs of the real job in a home: what they publish, what they leave alone, and what stops them."""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import pytest
from homes import (
    ASSET_JOB,
    BUILT,
    DAYS,
    INGEST,
    PUBLISHED,
    Home,
    failed_checks,
    failed_step,
    failure_message,
    needed_for,
    sha256,
    steps_succeeded,
)

from pipeline.doctor import read_summary
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.engines.engine import Written
from pipeline.engines.spark.engine import SparkFailed
from pipeline.ingest.exports import find_exports
from pipeline.ingest.load import Export
from pipeline.places import table_file
from pipeline.runs import RunFailed, run_snapshot
from pipeline.settings import Settings
from pipeline.steps.order_days import last_closed_day
from pipeline.tables.catalog import ours
from pipeline.tables.header import Table

EVE, FIRST, SECOND, THIRD = "2026-02-25", *DAYS


# ── what is published ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_night_publishes_tables_audiences_and_pages(one_night: Home) -> None:
    files = one_night.everything_published()
    assert f"data/marts/rfm_segments/day={FIRST}/rfm_segments.parquet" in files
    assert f"data/audiences/{FIRST}/manifest.json" in files
    assert f"reports/out/{FIRST}/index.html" in files
    assert one_night.table("customer_summary", FIRST).height > 20
    assert one_night.table("segment_changes", FIRST)["previous_snapshot_date"].null_count() > 0


def test_nothing_is_left_in_staging_or_of_the_locks(one_night: Home) -> None:
    assert not (one_night.folder / "data" / ".staging").exists()
    assert list((one_night.folder / ".perennial" / "runs").iterdir()) == []
    assert (one_night.folder / ".perennial" / "run.lock").read_text() == ""


def test_a_second_run_changes_nothing_but_the_run_card(three_nights: Home, tmp_path: Path) -> None:
    home = three_nights.copied(tmp_path / "home")
    data, pages = home.published(), home.pages(THIRD)
    before = home.everything_published()
    result = home.run(THIRD)
    assert result.success
    assert home.published() == data
    assert home.pages(THIRD) == pages
    changed = {name for name, content in home.everything_published().items() if before.get(name) != content}
    assert changed == {f"reports/out/{THIRD}/trust.html"}
    assert result.run_id in (home.folder / "reports" / "out" / THIRD / "trust.html").read_text()
    assert "orders.csv: loaded before, nothing new in it." in home.said(result)
    assert failed_checks(result) == set()  # a steady shop warns of nothing


def test_a_range_of_days_equals_night_after_night(home: Home, three_nights: Home) -> None:
    result = home.run(FIRST, THIRD)
    assert result.success
    assert home.published() == three_nights.published()
    assert home.pages(THIRD) == three_nights.pages(THIRD)
    assert len(home.runs()) == 1


def test_the_same_range_again_changes_nothing(three_nights: Home, tmp_path: Path) -> None:
    home = three_nights.copied(tmp_path / "home")
    assert home.run(FIRST, THIRD).success
    assert home.published() == three_nights.published()


def test_a_day_in_between_makes_the_later_ones_compare_with_it(first_night: Home, three_nights: Home) -> None:
    assert first_night.run(THIRD).success
    assert previous_snapshots(first_night, THIRD) == {dt.date.fromisoformat(FIRST)}
    before = files_of(first_night, THIRD)
    result = first_night.run(SECOND)
    assert result.success
    assert previous_snapshots(first_night, THIRD) == {dt.date.fromisoformat(SECOND)}
    assert first_night.published() == three_nights.published()
    assert [first_night.pages(day) for day in DAYS] == [three_nights.pages(day) for day in DAYS]
    assert written_again(before, files_of(first_night, THIRD)) == comparing(first_night, THIRD)
    for table in ("segment_changes", "segment_events"):
        (sentence,) = [said for said in first_night.said(result) if said.startswith(f"marts.{table}: ")]
        assert "1 later snapshot" in sentence
        assert THIRD in sentence


def test_an_old_day_that_is_corrected_leaves_alone_what_does_not_compare_with_it(
    three_nights: Home, tmp_path: Path
) -> None:
    """What stays was made without the late export, and so says the manifest."""
    home = three_nights.copied(tmp_path / "home")
    home.drop("late.csv", first=dt.date(2026, 2, 1), last=dt.date(2026, 2, 20), seed=7)
    lost = table_file("rfm_crosstab", dt.date.fromisoformat(SECOND))
    (home.folder / lost).unlink()
    before = {day: files_of(home, day) for day in (SECOND, THIRD)}
    assert home.run(FIRST).success
    again = {day: written_again(before[day], files_of(home, day)) for day in before}
    assert again == {SECOND: {*comparing(home, SECOND), lost}, THIRD: comparing(home, THIRD)}
    inputs = {FIRST: {"orders.csv", "late.csv"}, SECOND: {"orders.csv"}, THIRD: {"orders.csv"}}
    for day, names in inputs.items():
        manifest = json.loads((home.folder / "data" / "audiences" / day / "manifest.json").read_text())
        assert {Path(file["path"]).name for file in manifest["inputs"]} == names
        assert len(manifest["files"]) == len(ours().published) + len(audiences_of(home, day))
        for entry in manifest["files"]:
            assert sha256(home.folder / entry["path"]) == entry["sha256"]


def test_a_later_day_of_another_version_is_published_whole(three_nights: Home, tmp_path: Path) -> None:
    """Or one whose manifest nobody can read, which is known as little (test_outputs)."""
    home = three_nights.copied(tmp_path / "home")
    place = home.folder / "data" / "audiences" / THIRD / "manifest.json"
    content = json.loads(place.read_text())
    place.write_text(json.dumps(content | {"versions": content["versions"] | {"perennial": "0.0.1"}}))
    before = files_of(home, THIRD)
    assert home.run(SECOND).success
    assert written_again(before, files_of(home, THIRD)) == set(before)
    assert home.published() == three_nights.published()


def files_of(home: Home, day: str) -> dict[str, int]:
    """The published files of a day, with what changes when one is written again, be it with the same content."""
    folders = [*home.folder.glob(f"data/marts/*/day={day}"), *home.folder.glob(f"data/audiences/{day}")]
    files = [path for folder in (*folders, home.folder / "reports" / "out" / day) for path in folder.rglob("*.*")]
    return {path.relative_to(home.folder).as_posix(): path.stat().st_ino for path in files if path.is_file()}


def written_again(before: dict[str, int], after: dict[str, int]) -> set[str]:
    return {name for name, number in after.items() if before.get(name) != number}


def audiences_of(home: Home, day: str) -> set[str]:
    folder = home.folder / "data" / "audiences" / day
    return {path.relative_to(home.folder).as_posix() for path in folder.glob("*/*.*")}


def comparing(home: Home, day: str) -> set[str]:
    """What is published of a day and compares with earlier days."""
    names = {
        "segment_changes",
        "segment_events",
        "value_bridge",
        "taste_groups",
        "taste_group_items",
        "audience_values",
        "action_members",
        "action_list",
        "control_members",
        "campaign_funnel",
        "campaign_performance",
        "campaign_roi",
        "campaign_segments",
        "campaign_uplift",
        "campaign_uplift_segments",
        "programme_comparison",
        "lifecycle_value",
        "lifecycle_moves",
        "lifecycle_projection",
        "lifecycle_scenarios",
        "projection_backtest",
        "customer_360",
        "contact_calendar",
        "discount_bands",
    }
    pages = {
        "index",
        "segments",
        "taste",
        "probability",
        "engagement",
        "campaigns",
        "trend",
        "lifecycle",
        "trust",
        "actions",
        *(path.stem for path in (home.folder / "reports" / "out" / day).glob("segment-*.html")),
        *(path.stem for path in (home.folder / "reports" / "out" / day).glob("customer-*.html")),
        "value",
    }
    files = {table_file(name, dt.date.fromisoformat(day)) for name in names} | audiences_of(home, day)
    return files | {f"reports/out/{day}/{page}.html" for page in pages} | {f"data/audiences/{day}/manifest.json"}


def previous_snapshots(home: Home, day: str) -> set[dt.date]:
    return set(home.table("segment_changes", day)["previous_snapshot_date"].drop_nulls())


def test_a_day_before_all_others_becomes_their_past(three_nights: Home, tmp_path: Path) -> None:
    home = three_nights.copied(tmp_path / "home")
    assert previous_snapshots(home, FIRST) == set()
    assert home.run(EVE).success
    assert previous_snapshots(home, FIRST) == {dt.date.fromisoformat(EVE)}
    pure = "rfm_segments"
    assert home.table(pure, FIRST).equals(three_nights.table(pure, FIRST))


def test_a_late_export_counts_for_the_days_computed_after_it_came(first_night: Home) -> None:
    before = first_night.published()
    revenue = first_night.table("customer_summary", FIRST)["revenue"].sum()
    first_night.drop("late.csv", first=dt.date(2026, 2, 1), last=dt.date(2026, 2, 20), seed=7)
    assert first_night.run(SECOND).success
    assert {name: first_night.published()[name] for name in before} == before
    assert first_night.run(FIRST).success
    assert first_night.table("customer_summary", FIRST)["revenue"].sum() > revenue


def test_a_day_without_customers_is_an_empty_snapshot(tmp_path: Path) -> None:
    home = Home.made(tmp_path / "home")
    home.drop("orders.csv", first=dt.date(2026, 3, 1))
    assert home.run(FIRST).success
    assert home.table("rfm_segments", FIRST).height == 0
    assert (home.folder / "reports" / "out" / FIRST / "index.html").exists()


# ── which days can be asked for ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def as_from_a_terminal(home: Home, enter: Callable[[Home], None]) -> Home:
    """The home that this process works in, as after `perennial run --home`."""
    enter(home)
    return home


@pytest.mark.parametrize("days_ahead", [1, 2, 400])
def test_a_day_that_is_not_over_is_refused(as_from_a_terminal: Home, days_ahead: int) -> None:
    settings = as_from_a_terminal.settings
    closed = last_closed_day(settings)
    asked = closed + dt.timedelta(days=days_ahead)
    with pytest.raises(RunFailed) as refused:
        run_snapshot(settings, {}, asked)
    message = str(refused.value)
    assert f"{asked} is not over in the shop's time zone (Europe/Warsaw)" in message
    assert f"the last closed day is {closed}" in message
    assert as_from_a_terminal.runs() == []


def test_a_day_before_the_first_snapshot_is_refused(as_from_a_terminal: Home) -> None:
    with pytest.raises(RunFailed) as refused:
        run_snapshot(as_from_a_terminal.settings, {}, dt.date(2025, 12, 31))
    message = str(refused.value)
    assert "2025-12-31 is before the first snapshot, 2026-01-01" in message
    assert 'set first_snapshot = "2025-12-31" in perennial.toml' in message
    assert as_from_a_terminal.runs() == []


def test_latest_is_the_last_day_with_an_order(as_from_a_terminal: Home) -> None:
    finished = run_snapshot(as_from_a_terminal.settings, {}, None)
    last = dt.date(2026, 3, 30)  # nobody bought anything on the 31st
    assert finished.snapshot_date == last
    assert as_from_a_terminal.table("customer_summary", str(last))["last_purchase_on"].max() == last


def test_a_quiet_last_day_is_published_and_data_that_ended_are_told(
    as_from_a_terminal: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody bought anything on the 31st, and nothing is known since. On 2 April that is no more than a quiet spell.
    said: list[str] = []
    monkeypatch.setattr("pipeline.runs.last_closed_day", lambda settings: dt.date(2026, 4, 2))
    monkeypatch.setattr("assets.checks.last_closed_day", lambda settings: dt.date(2026, 4, 2))
    finished = run_snapshot(as_from_a_terminal.settings, {}, None, said.append)
    assert (finished.snapshot_date, finished.remark) == (dt.date(2026, 4, 2), None)
    assert said == ["As of 2026-04-02, the last closed day."]
    assert recent_orders(as_from_a_terminal, finished.run_id).passed
    monkeypatch.setattr("pipeline.runs.last_closed_day", lambda settings: dt.date(2026, 5, 2))
    monkeypatch.setattr("assets.checks.last_closed_day", lambda settings: dt.date(2026, 5, 2))
    finished = run_snapshot(as_from_a_terminal.settings, {}, None, said.append)
    assert finished.snapshot_date == dt.date(2026, 4, 2), "the report opens with it"
    assert "The orders end on 2026-03-30, 33 days before the last closed day" in str(finished.remark)
    assert "2026-04-02 was published before, so that day is published again." in str(finished.remark)
    assert said[1:] == [finished.remark]
    told = recent_orders(as_from_a_terminal, finished.run_id)
    assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert told.description == "No order since 2026-03-30 (33 days): an export is missing, or the shop has paused."


def recent_orders(home: Home, run_id: str) -> dg.AssetCheckEvaluation:
    """What the run said of how recent the orders are."""
    with home.instance() as instance:
        events = [
            entry.dagster_event
            for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        ]
    found = [event.asset_check_evaluation_data for event in events if event]
    (one,) = [check for check in found if check.check_name == "orders_reach_last_closed_day"]
    return one


def test_a_day_that_was_asked_for_is_not_late(one_night: Home) -> None:
    (run,) = one_night.runs()
    told = recent_orders(one_night, run.run_id)
    assert told.passed
    assert told.metadata["last_order_day"].value == "2026-03-30"
    closed = last_closed_day(one_night.settings)
    assert told.metadata["age_days"].value in {
        (day - dt.date(2026, 3, 30)).days for day in (closed, closed - dt.timedelta(days=1))
    }


def test_without_a_setting_the_first_order_is_the_first_day(tmp_path: Path, enter: Callable[[Home], None]) -> None:
    home = Home.made(tmp_path / "home", "threads = 1\n")
    home.drop("orders.csv", first=dt.date(2011, 1, 3), last=dt.date(2011, 1, 20))
    enter(home)
    with pytest.raises(RunFailed) as refused:
        run_snapshot(home.settings, {}, dt.date(2011, 1, 1))
    (first,) = home.warehouse("SELECT min(ordered_on) FROM staging.order_lines")[0]
    assert f"2011-01-01 is before the first order, of {first}" in str(refused.value)
    assert run_snapshot(home.settings, {}, dt.date(2011, 1, 10)).snapshot_date == dt.date(2011, 1, 10)
    # Orders of earlier days come later: their days can be asked for in the run that brings them.
    home.drop("before.csv", first=dt.date(2010, 1, 1), last=dt.date(2010, 1, 20), seed=2)
    assert run_snapshot(home.settings, {}, dt.date(2010, 1, 20)).snapshot_date == dt.date(2010, 1, 20)


def test_orders_of_today_do_not_make_today_a_snapshot(
    as_from_a_terminal: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.runs.last_closed_day", lambda settings: dt.date(2026, 3, 20))
    assert run_snapshot(as_from_a_terminal.settings, {}, None).snapshot_date == dt.date(2026, 3, 20)


def test_a_home_without_exports_says_where_to_put_them(tmp_path: Path) -> None:
    home = Home.made(tmp_path / "home")
    result = home.run(FIRST)
    assert not result.success
    assert str(home.settings.exports_folder) in failure_message(result)
    assert "--source" in failure_message(result)
    assert home.everything_published() == {}


# ── what stops a run ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_ledger_that_does_not_add_up_stops_everything(first_night: Home) -> None:
    before = first_night.everything_published()
    first_night.warehouse(
        "UPDATE ingest.files SET accepted = accepted - 1, lines = lines - 1, rows_read = rows_read + 1"
    )
    result = first_night.run(SECOND)
    assert not result.success
    assert failed_checks(result) == {"ingest.files.reconciliation", "ingest.files.lines_are_there"}
    assert failed_step(result) == "ingest"
    assert steps_succeeded(result) <= {"marts__segment_catalogue"}
    assert first_night.everything_published() == before


def test_a_check_that_fails_leaves_partition_and_publication_as_they_were(
    first_night: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the day that is published and in one that is not: the failing table, all after it, and every file."""
    before = first_night.everything_published()
    rows = first_night.warehouse("SELECT * FROM marts.rfm_segments ORDER BY ALL")
    monkeypatch.setattr(DuckDBEngine, "write", double_a_score)
    for day in (FIRST, SECOND):
        result = first_night.run(day, only=[*needed_for("marts.segment_changes"), *PUBLISHED])
        assert not result.success
        assert "marts.rfm_segments.keys_unique" in failed_checks(result)
        assert steps_succeeded(result).isdisjoint({"marts__rfm_segments", "marts__segment_changes", "publication"})
        assert first_night.everything_published() == before
        assert first_night.warehouse("SELECT * FROM marts.rfm_segments ORDER BY ALL") == rows


write = DuckDBEngine.write


def double_a_score(engine: DuckDBEngine, table: Table, snapshot_date: dt.date | None = None) -> Written:
    """A row of rfm_scores twice, behind the back of its own checks."""
    written = write(engine, table, snapshot_date)
    if table.name == "rfm_scores":
        engine.execute(
            "INSERT INTO marts.rfm_scores SELECT * FROM marts.rfm_scores WHERE snapshot_date = $snapshot_date LIMIT 1",
            {"snapshot_date": snapshot_date},
        )
    return written


def test_the_run_after_a_failed_one_heals(
    first_night: Home, three_nights: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as spoilt:
        spoilt.setattr(DuckDBEngine, "write", double_a_score)
        assert not first_night.run(SECOND).success
    assert first_night.run(SECOND).success
    assert first_night.run(THIRD).success
    assert first_night.published() == three_nights.published()


def test_in_a_range_one_bad_day_stops_all_and_is_named(first_night: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def only_the_third(engine: DuckDBEngine, table: Table, snapshot_date: dt.date | None = None) -> Written:
        of_third = str(snapshot_date) == THIRD
        return (double_a_score if of_third else write)(engine, table, snapshot_date)

    before = first_night.everything_published()
    monkeypatch.setattr(DuckDBEngine, "write", only_the_third)
    result = first_night.run(SECOND, THIRD)
    assert not result.success
    (failed,) = [e for e in result.get_asset_check_evaluations() if not e.passed and e.check_name == "keys_unique"]
    assert THIRD in (failed.description or "")
    assert SECOND not in (failed.description or "")
    assert first_night.everything_published() == before


def test_a_mart_run_alone_refuses_bad_input(first_night: Home) -> None:
    """As from the web UI: nothing before it runs, so nobody else could stop it."""
    rows = first_night.warehouse("SELECT * FROM marts.rfm_segments ORDER BY ALL")
    first_night.warehouse("INSERT INTO marts.rfm_scores SELECT * FROM marts.rfm_scores LIMIT 1")
    result = first_night.run(FIRST, only=["marts.rfm_segments"], job=ASSET_JOB)
    assert not result.success
    assert "marts.rfm_segments.keys_unique" in failed_checks(result)
    assert "marts.rfm_segments was not changed" in failure_message(result)
    assert first_night.warehouse("SELECT * FROM marts.rfm_segments ORDER BY ALL") == rows


# ── exports that cannot be used ───────────────────────────────────────────────────────────────────────────────────────


def not_an_export(home: Home) -> None:
    (home.settings.exports_folder / "perennial" / "bad.csv").write_text("order;customer\n1;c001\n")


def too_much_unreadable(home: Home) -> None:
    home.drop("bad.csv", seed=2, unreadable=30)


BAD_FILES = pytest.mark.parametrize("spoil", [too_much_unreadable, not_an_export])


@BAD_FILES
def test_a_bad_file_stops_the_night(first_night: Home, spoil: Callable[[Home], None]) -> None:
    before = first_night.everything_published()
    spoil(first_night)
    result = first_night.run(SECOND)
    assert not result.success
    assert failed_step(result) == "ingest"
    assert failed_checks(result) == {"ingest.files.every_file_fits"}
    assert "bad.csv" in failure_message(result)
    new = first_night.everything_published().keys() - before.keys()
    assert {name.split("/")[1] for name in new} <= {"quarantine"}
    assert {name: first_night.everything_published()[name] for name in before} == before


@BAD_FILES
def test_a_bad_file_stops_a_backfill_that_runs_ingest_apart(
    first_night: Home, three_nights: Home, spoil: Callable[[Home], None]
) -> None:
    """The web UI makes one run of ingest and others of the days; the second kind must notice how the first one went."""
    data = first_night.everything_published()
    spoil(first_night)
    assert not first_night.run(SECOND, only=INGEST, job=ASSET_JOB).success

    days = first_night.run(SECOND, THIRD, only=[*BUILT, *PUBLISHED], job=ASSET_JOB)
    assert not days.success
    assert steps_succeeded(days) <= {"marts__segment_catalogue"}
    only_pages = first_night.run(FIRST, only=PUBLISHED, job=ASSET_JOB)
    assert "bad.csv" in failure_message(only_pages)
    assert {name: first_night.everything_published()[name] for name in data} == data
    assert not any(SECOND in name or THIRD in name for name in first_night.everything_published())

    (first_night.settings.exports_folder / "perennial" / "bad.csv").unlink()
    assert first_night.run(SECOND, only=INGEST, job=ASSET_JOB).success
    assert first_night.run(SECOND, THIRD, only=[*BUILT, *PUBLISHED], job=ASSET_JOB).success
    for table in ("segment_changes", "customer_summary"):
        assert first_night.table(table, THIRD).equals(three_nights.table(table, THIRD))


def full_disk(*_: object) -> None:
    raise duckdb.IOException("Could not write file: No space left on device")


def error_of_the_engine(*_: object) -> None:
    raise duckdb.ConversionException("Could not convert string 'anna@x.org' to DECIMAL(18,2)")


def error_of_spark(*_: object) -> None:
    raise SparkFailed("orders", "the cluster is gone")


@pytest.mark.parametrize(
    ("where", "happens", "said"),
    [
        ("pipeline.ingest.exports.load_file", full_disk, "the disk of "),
        ("pipeline.ingest.exports.load_file", error_of_the_engine, "loading ended unexpectedly (ConversionException)"),
        ("pipeline.ingest.exports.load_rates", error_of_the_engine, "loading ended unexpectedly (ConversionException)"),
        ("assets.ingest._read_by_spark", error_of_spark, "the cluster is gone"),
        ("pipeline.home.warehouse.DuckDBEngine.prepare", full_disk, "it ended before the exports were loaded"),
    ],
    ids=["full disk", "engine", "rates", "spark", "before ingest"],
)
def test_whatever_ends_a_load_stops_a_run_of_the_tables_alone(
    first_night: Home, monkeypatch: pytest.MonkeyPatch, where: str, happens: Callable[..., None], said: str
) -> None:
    """As the web UI splits a backfill: the second run must notice. A cell in the error does not reach its words."""
    before = first_night.everything_published()
    with monkeypatch.context() as broken:
        broken.setattr(where, happens)
        assert not first_night.run(SECOND, only=INGEST, job=ASSET_JOB).success
    alone = first_night.run(SECOND, only=["marts.rfm_scores"], job=ASSET_JOB)
    assert said in failure_message(alone) and "anna@x.org" not in failure_message(alone)
    assert first_night.everything_published() == before


def test_a_file_that_vanishes_is_one_problem_and_the_others_are_loaded(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.drop("a.csv", seed=2)
    home.drop("b.csv", seed=3)

    def found(*given: Any) -> list[Export]:
        exports = find_exports(*given)
        exports[0].path.unlink()
        return exports

    with monkeypatch.context() as changed:
        changed.setattr("assets.ingest.find_exports", found)
        assert "a.csv cannot be read: No such file" in failure_message(home.run(FIRST, only=INGEST, job=ASSET_JOB))
    loaded = home.warehouse("SELECT path FROM ingest.files WHERE status = 'loaded' ORDER BY path")
    assert loaded == [("data/exports/perennial/b.csv",), ("data/exports/perennial/orders.csv",)]
    alone = home.run(FIRST, only=["staging.orders"], job=ASSET_JOB)
    assert "a.csv cannot be read" in failure_message(alone)


def test_optional_exports_lie_beside_the_orders(home: Home) -> None:
    """One folder, told apart by columns; a target that does not fit is quarantined and published like a line."""
    home.drop("orders.csv")
    folder = home.settings.exports_folder / "perennial"
    (folder / "people.csv").write_text("customer_id,registered_at\nlea,2026-01-05\n")
    targets = [f"revenue,2026-{month:02d},100" for month in range(1, 13)] * 2  # a year, told twice
    (folder / "plan.csv").write_text("\n".join(["kpi,period,value", *targets, "revenue,soon,100"]) + "\n")
    result = home.run(FIRST)
    assert result.success, failure_message(result)
    ledger = "SELECT input, accepted, quarantined, duplicates FROM ingest.files WHERE input <> 'order_lines' ORDER BY 1"
    assert home.warehouse(ledger) == [("customers", 1, 0, 0), ("targets", 12, 1, 12)]
    (file,) = (home.folder / "data" / "quarantine").iterdir()
    assert file.name.startswith("plan-") and pl.read_parquet(file)["row_number"].to_list() == [25]


def test_what_was_set_aside_is_published_though_the_run_fails(home: Home) -> None:
    home.drop("orders.csv", unreadable=30)
    result = home.run(FIRST)
    assert not result.success
    (file,) = (home.folder / "data" / "quarantine").iterdir()
    rows = pl.read_parquet(file)
    assert file.name in failure_message(result)
    assert rows.height == 30
    assert rows["reasons"].str.contains("99,9X").all()
    assert rows["raw"].str.contains("12,5O").all()
    assert list(home.everything_published()) == [f"data/quarantine/{file.name}"]


def test_a_few_bad_rows_are_set_aside_and_the_night_goes_on(home: Home) -> None:
    home.drop("orders.csv", unreadable=3)
    result = home.run(FIRST)
    assert result.success
    (file,) = (home.folder / "data" / "quarantine").iterdir()
    assert pl.read_parquet(file).height == 3
    assert any("3 quarantined" in said for said in home.said(result))


# ── what warns ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_of_two_customers_warns(home: Home) -> None:
    path = home.drop("orders.csv")
    text = path.read_text()
    path.write_text(text + "1-torn,c001,2026-02-01T10:00:00,10.00\n1-torn,c002,2026-02-01T10:00:00,5.00\n")
    result = home.run(FIRST)
    assert result.success
    (failed,) = [e for e in result.get_asset_check_evaluations() if not e.passed]
    assert (failed.check_name, failed.severity) == ("one_customer_per_order", dg.AssetCheckSeverity.WARN)
    assert (failed.description or "").startswith("1 order names several customers, and it counts for one of them. Look")
    assert "1-torn" not in (failed.description or "")
    page = home.pages(FIRST)["trust.html"]
    assert "<li><b>orders</b>: 1 order names several customers" in page


def test_segments_that_jump_warn(first_night: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.reporting.attention.FEWEST_CUSTOMERS", 20)
    new = {"first": dt.date(2026, 2, 27), "last": dt.date(2026, 2, 27)}
    rows = [f"9-{n},new{n:03d},2026-02-27T12:00:00,20.00" for n in range(60)]
    path = first_night.drop("new.csv", **new)
    path.write_text("\n".join(["order_id,customer_id,ordered_at,amount", *rows]) + "\n")
    result = first_night.run(SECOND)
    assert result.success
    (failed,) = [e for e in result.get_asset_check_evaluations() if not e.passed]
    assert (failed.check_name, failed.severity) == ("sizes_like_last_snapshot", dg.AssetCheckSeverity.WARN)
    assert "Shares of the customers moved: " in (failed.description or "")


def test_dagster_has_figures_to_plot_and_the_way_to_the_page(one_night: Home) -> None:
    with one_night.instance() as instance:

        def told(*key: str) -> Mapping[str, Any]:
            event = instance.get_latest_materialization_event(dg.AssetKey(key))
            assert event is not None and event.asset_materialization is not None
            return {name: one.value for name, one in event.asset_materialization.metadata.items()}

        segments, report = told("marts", "rfm_segments"), told("published", "report")
    sizes = one_night.table("rfm_segments", DAYS[0]).filter(catalogue="grid")["segment"].value_counts()
    assert {name: segments[f"customers: {name}"] for name in sizes["segment"]} == dict(sizes.iter_rows())
    spent = one_night.table("customer_summary", DAYS[0])["revenue_12_months"].sum()
    of_segments = [value for name, value in segments.items() if name.startswith("revenue of 12 months: ")]
    assert sum(of_segments) == pytest.approx(float(spent))
    assert Path(report["page"]).is_file()


def test_the_summary_speaks_of_the_segments_that_the_report_does(first_night: Home) -> None:
    sizes = []
    for catalogue, number in (("grid", 10), ("axonaut", 7)):
        settings = Settings(home=first_night.folder, catalogue=catalogue)
        segments = read_summary(settings, dt.date.fromisoformat(FIRST)).segments
        assert len(segments) == number
        sizes.append(sum(size for _, size in segments))
    assert sizes[0] == sizes[1] > 0
