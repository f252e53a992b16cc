"""A range of days in one command: as if each had been run on its own, in one hand from the first to the last."""

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from homes import DAYS, WARSAW, Home

from pipeline.activation import outputs
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.engines.engine import Written
from pipeline.home.locks import HomeBusy, holder, home_lock
from pipeline.runs import RunFailed, run_range, run_snapshot
from pipeline.settings import load
from pipeline.snapshots import Every
from pipeline.tables.header import Table

FIRST, SECOND, THIRD = DAYS
MONTH_END = "2026-01-31"
Say = Callable[[str], None]


def nothing(_: str) -> None:
    pass


def publish(home: Home, first: str, last: str, every: Every = Every.DAY, say: Say = nothing) -> list[str]:
    """The days that `perennial run --from … --to … --every …` publishes."""
    finished = run_range(home.settings, {}, dt.date.fromisoformat(first), dt.date.fromisoformat(last), every, say)
    return [str(one.snapshot_date) for one in finished]


@pytest.fixture
def manifests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The days that were published, each time that one was."""
    written: list[str] = []
    write = outputs.write_manifest

    def noted(engine: DuckDBEngine, settings: object, day: dt.date, *others: object) -> str:
        written.append(str(day))
        return write(engine, settings, day, *others)

    monkeypatch.setattr(outputs, "write_manifest", noted)
    return written


def test_a_range_is_what_its_days_are_one_by_one(
    home: Home, three_nights: Home, enter: Callable[[Home], None], manifests: list[str]
) -> None:
    """Also when the settings would let go of all but the last: what was asked for is there when the range is done."""
    (home.folder / "perennial.toml").write_text(WARSAW + "keep_daily = 1\nkeep_monthly = 0\n")
    enter(home)
    refused = []

    def intrude(_: str) -> None:
        """Between the runs the home is as much in use as in them."""

        def another_run() -> None:
            with pytest.raises(HomeBusy) as busy, home_lock(home.folder, "another", 0):
                pass
            refused.append(str(busy.value))

        thread = threading.Thread(target=another_run)
        thread.start()
        thread.join()

    assert publish(home, FIRST, THIRD, say=intrude) == list(DAYS)
    assert home.published() == three_nights.published()
    assert [home.pages(day) for day in DAYS] == [three_nights.pages(day) for day in DAYS]
    assert manifests == list(DAYS)
    assert len(refused) == 3
    assert all("Run range-" in message for message in refused)
    assert holder(home.folder) is None

    runs = home.runs()
    assert [(run.job_name, run.tags["dagster/partition"], run.is_success) for run in runs] == [
        ("nightly", day, True) for day in DAYS
    ]
    with home.instance() as instance:
        ingests = [stats.run_id for run in runs for stats in instance.get_run_step_stats(run.run_id, ["ingest"])]
    assert ingests == [runs[0].run_id]


def test_a_day_that_fails_stops_the_range_and_says_how_to_go_on(
    first_night: Home, three_nights: Home, enter: Callable[[Home], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = DuckDBEngine.write

    def not_the_third(engine: DuckDBEngine, table: Table, snapshot_date: dt.date | None = None) -> Written:
        if table.name == "segment_changes" and str(snapshot_date) == THIRD:
            raise RuntimeError("The disk is full.")
        return write(engine, table, snapshot_date)

    enter(first_night)
    with monkeypatch.context() as spoilt, pytest.raises(RunFailed) as stopped:
        spoilt.setattr(DuckDBEngine, "write", not_the_third)
        publish(first_night, SECOND, THIRD)
    message = str(stopped.value)
    assert "The disk is full." in message
    assert message.endswith(
        f"The range stopped at {THIRD}; published of it: {SECOND} (1 of 2 days). "
        f"When that is fixed, give the same command again with --from {THIRD}."
    )
    assert "Stack Trace" in stopped.value.trace
    assert holder(first_night.folder) is None
    assert {path.name for path in (first_night.folder / "data" / "audiences").iterdir()} == {FIRST, SECOND}
    assert [run.is_success for run in first_night.runs()] == [True, True, False]

    assert publish(first_night, THIRD, THIRD) == [THIRD]
    assert first_night.published() == three_nights.published()


def test_exports_that_cannot_be_loaded_stop_it_before_the_first_day(home: Home, enter: Callable[[Home], None]) -> None:
    home.drop("bad.csv", seed=2, unreadable=30)
    enter(home)
    with pytest.raises(RunFailed) as stopped:
        publish(home, FIRST, THIRD)
    assert str(stopped.value).startswith("bad.csv, row 1")
    assert f"The range stopped at {FIRST}; published of it: nothing." in str(stopped.value)
    assert len(home.runs()) == 1


def test_a_range_among_other_snapshots_rewrites_each_of_them_once(
    three_nights: Home, tmp_path: Path, enter: Callable[[Home], None], manifests: list[str]
) -> None:
    """31 January and 27 February are asked for; 26, 27 and 28 February are there and compare with what was before."""
    one_run, home = three_nights.copied(tmp_path / "one run"), three_nights.copied(tmp_path / "home")
    assert one_run.run(MONTH_END).success  # which rewrites all that is later
    manifests.clear()
    enter(home)
    assert publish(home, MONTH_END, SECOND, Every.MONTH) == [MONTH_END, SECOND]
    assert Counter(manifests) == Counter([MONTH_END, *DAYS])
    assert set(home.table("segment_changes", FIRST)["previous_snapshot_date"].cast(str)) >= {MONTH_END}
    assert home.published() == one_run.published()


def test_a_busy_home_is_waited_for_and_then_said_to_be_busy(home: Home, enter: Callable[[Home], None]) -> None:
    (home.folder / "perennial.toml").write_text(WARSAW + "lock_wait_seconds = 0.3\n")
    enter(home)
    said: list[str] = []
    with home_lock(home.folder, "1a2b3c4d", 0), pytest.raises(RunFailed, match=r"Run 1a2b3c4d .process"):
        publish(home, FIRST, THIRD, say=said.append)
    assert [sentence for sentence in said if "waiting up to 0 s" in sentence]
    assert home.runs() == []


@pytest.mark.long
@pytest.mark.timeout(900)
def test_month_ends_of_online_retail(tmp_path: Path, online_retail_file: Path, enter: Callable[[Home], None]) -> None:
    """Real data, on which models are fitted: the same rows in a range and day by day. Costs four runs."""
    toml = 'timezone = "Europe/London"\ncurrency = "GBP"\nfirst_snapshot = "2010-12-01"\n'
    sources = {"uci_online_retail": [str(online_retail_file)]}
    first, last = dt.date(2011, 5, 31), dt.date(2011, 6, 30)  # half a year after the first order
    at_once, one_by_one = (Home.made(tmp_path / name, toml) for name in ("at once", "one by one"))
    enter(at_once)
    run_range(load(at_once.folder), sources, first, last, Every.MONTH, nothing)
    enter(one_by_one)
    for day in (first, last):
        run_snapshot(load(one_by_one.folder), sources, day)
    assert at_once.published() == one_by_one.published()
    assert at_once.table("clv_predictions", str(last))["predicted_clv"].drop_nulls().len() > 500
