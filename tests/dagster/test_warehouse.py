"""The warehouse resource: one run at a time in a home, dead runs named as such, nothing left open."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from homes import DAYS, INGEST, WARSAW, Home, failure_message

from pipeline.engines.spark.session import SparkUnavailable
from pipeline.home.warehouse import Warehouse, run_is_dead, warehouse_of
from pipeline.naming import JOB
from pipeline.runs import RunFailed, run_snapshot

HOLD = """
import sys, time
from pathlib import Path
from pipeline.home.locks import home_lock
home, run_id = Path(sys.argv[1]), sys.argv[2]
with home_lock(home, run_id, 30, lambda said: print("waiting", flush=True)):
    print("holding", flush=True)
    while len(list((home / ".perennial" / "runs").glob("*.lock"))) < 2:  # until somebody else has come
        time.sleep(0.02)
    time.sleep(float(sys.argv[3]))
"""
OPEN = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1])
print("holding", flush=True)
time.sleep(float(sys.argv[2]))
"""


@contextmanager
def other_process(code: str, *arguments: object, until: str = "holding") -> Iterator[subprocess.Popen[str]]:
    """Another program that says `until` before we go on, and is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == until
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def opened(home: Home, instance: dg.DagsterInstance) -> Iterator[Warehouse]:
    """The resource as a step gets it."""
    resource = warehouse_of(home.settings)
    with resource.yield_for_execution(dg.build_init_resource_context(instance=instance)) as warehouse:
        yield warehouse


def started_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED) -> str:
    """A run that Dagster believes to be under way."""
    run = dg.DagsterRun(JOB, status=status)
    instance.add_run(run)
    instance.report_engine_event("It says something.", run)
    return run.run_id


def leave_lock_file(home: Home, run_id: str) -> None:
    """What kill -9 leaves of a run's own lock."""
    path = home.folder / ".perennial" / "runs" / f"{run_id}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"run_id": run_id, "pid": 1, "since": "2026-01-01T00:00:00+00:00"}))


def status_of(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


# ── dead runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_next_run_reports_a_killed_one_as_failed(home: Home) -> None:
    with home.instance() as instance:
        killed = started_run(instance)
        leave_lock_file(home, killed)
    assert home.run(DAYS[0], only=INGEST).success
    with home.instance() as instance:
        assert status_of(instance, killed) is dg.DagsterRunStatus.FAILURE
        assert any("ended without a word" in entry.to_json() for entry in instance.all_logs(killed))
    assert list((home.folder / ".perennial" / "runs").iterdir()) == []


def test_a_run_that_never_came_to_its_lock_is_dead_after_a_minute_of_silence(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with home.instance() as instance:
        runs = [started_run(instance, s) for s in (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED)]
        with opened(home, instance):
            assert all(status_of(instance, run) is not dg.DagsterRunStatus.FAILURE for run in runs)
        later = time.time() + 61
        monkeypatch.setattr("pipeline.home.warehouse.time", lambda: later)
        with opened(home, instance):
            assert all(status_of(instance, run) is dg.DagsterRunStatus.FAILURE for run in runs)


def test_a_long_run_that_is_just_ending_is_not_dead(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has let the home go, whoever waited has it now, and only then will it say that it succeeded."""
    monkeypatch.setattr("pipeline.home.warehouse._QUIET_SECONDS", 1.0)
    with home.instance() as instance:
        run = instance.get_run_by_id(started_run(instance))
        assert run is not None
        time.sleep(1.1)
        assert run_is_dead(instance, home.folder, run)
        instance.report_engine_event("Finished steps in process", run)
        assert not run_is_dead(instance, home.folder, run)


def test_a_run_that_waits_for_the_home_is_alive(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.home.warehouse._QUIET_SECONDS", 0.0)
    with home.instance() as instance, opened(home, instance):
        run = instance.get_run_by_id(started_run(instance))
        assert run is not None
        with other_process(HOLD, home.folder, run.run_id, 0, until="waiting"):
            assert not run_is_dead(instance, home.folder, run)
        assert run_is_dead(instance, home.folder, run)  # killed while it waited


def test_finished_runs_are_left_alone(one_night: Home, tmp_path: Path) -> None:
    home = one_night.copied(tmp_path / "home")
    with home.instance() as instance, opened(home, instance):
        assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.SUCCESS]


# ── the connection ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_connection_is_closed_after_an_error(home: Home) -> None:
    with home.instance() as instance:
        with pytest.raises(ZeroDivisionError), opened(home, instance) as warehouse:
            assert warehouse.local.scalar("SELECT 1") == 1
            1 / 0  # noqa: B018
        with pytest.raises(RuntimeError, match="only while a run holds its home"):
            _ = warehouse.local
        # DuckDB refuses another way of opening a file that this process still has open.
        duckdb.connect(str(home.settings.warehouse_file), read_only=True).close()
        with opened(home, instance) as again:
            assert again.engine.scalar("SELECT 1") == 1


def test_what_an_error_interrupts_is_rolled_back(home: Home) -> None:
    with home.instance() as instance:
        with pytest.raises(ZeroDivisionError), opened(home, instance) as warehouse, warehouse.local.transaction():
            warehouse.local.execute("CREATE TABLE staging.half (n INTEGER)")
            1 / 0  # noqa: B018
        with opened(home, instance) as again, pytest.raises(duckdb.CatalogException):
            again.engine.execute("SELECT * FROM staging.half")


def test_after_a_failed_run_others_can_open_the_warehouse(home: Home) -> None:
    home.drop("orders.csv", unreadable=50)
    assert not home.run(DAYS[0]).success
    duckdb.connect(str(home.settings.warehouse_file), read_only=True).close()


def test_a_warehouse_that_cannot_be_opened_fails_at_once(home: Home) -> None:
    """The base class would try for 102 seconds."""
    home.settings.warehouse_file.mkdir(parents=True)
    start = time.monotonic()
    with home.instance() as instance, pytest.raises(duckdb.Error), opened(home, instance):
        pass
    assert time.monotonic() - start < 5


def test_a_program_that_has_the_warehouse_open_is_waited_for(home: Home) -> None:
    with home.instance() as instance:
        with opened(home, instance):
            pass
        with other_process(OPEN, home.settings.warehouse_file, 1.0), opened(home, instance) as warehouse:
            assert warehouse.local.scalar("SELECT 1") == 1


# ── the lock ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_waits_for_the_one_that_has_the_home(home: Home) -> None:
    with other_process(HOLD, home.folder, "elder-run", 1) as elder:
        result = home.run(DAYS[0], only=INGEST)
        assert elder.wait(10) == 0
    assert result.success
    (sentence,) = [said for said in home.said(result) if "waiting" in said]
    assert f"Run elder-ru (process {elder.pid})" in sentence


def test_a_run_that_waited_too_long_says_who_has_the_home(tmp_path: Path, enter: Callable[[Home], None]) -> None:
    home = Home.made(tmp_path / "home", f"{WARSAW}lock_wait_seconds = 0.5\n")
    home.drop("orders.csv")
    enter(home)
    with other_process(HOLD, home.folder, "elder-run", 60) as elder, pytest.raises(RunFailed) as busy:
        run_snapshot(home.settings, {"perennial": [str(home.folder / "data/exports/perennial/orders.csv")]}, None)
    message = str(busy.value)
    assert message.startswith(f"Run elder-ru (process {elder.pid}) has been using {home.folder} since ")
    assert message.endswith(f"Wait for it, or stop process {elder.pid}.")
    assert home.everything_published() == {}
    assert [run.status for run in home.runs()] == [dg.DagsterRunStatus.FAILURE]


def test_a_failed_run_lets_the_home_go(home: Home) -> None:
    home.drop("orders.csv", unreadable=50)
    assert not home.run(DAYS[0], only=INGEST).success
    home.drop("orders.csv")
    result = home.run(DAYS[0], only=INGEST)
    assert result.success, failure_message(result)
    assert not any("waiting" in said for said in home.said(result))


def test_a_run_on_a_spark_out_of_reach_leaves_no_file(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIAL_ENGINE", "spark")
    monkeypatch.setenv("PERENNIAL_SPARK__REMOTE", "sc://127.0.0.1:1")
    with home.instance() as instance, pytest.raises(SparkUnavailable), opened(home, instance):
        pass
    assert not home.settings.warehouse_file.exists()


def test_a_run_may_ask_for_another_engine(home: Home) -> None:
    """As Dagster's launchpad sets it; either engine has a file of its own."""
    asked = Warehouse(database="", given=home.settings, runs_on="spark")._asked()
    assert (asked.engine, asked.warehouse_file.name) == ("spark", "spark.duckdb")
    assert home.settings.warehouse_file.name == "perennial.duckdb"
