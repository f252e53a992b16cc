"""The event log of a home: what Dagster's own would hold, with few files open however many runs there are."""

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import StepMaterializationData
from dagster._core.execution.plan.objects import StepFailureData, StepSuccessData
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster_shared.record import copy
from homes import DAYS, Home

from pipeline.history import EventLog, forget_runs


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    found = EventLog(str(tmp_path))
    yield found
    found.dispose()


def open_files(folder: Path) -> int:
    return sum(link.is_symlink() and str(folder) in str(link.readlink()) for link in Path("/proc/self/fd").iterdir())


def test_dagsters_own_log_reads_what_was_written(first_night: Home):
    """A home can be opened without this class: the files are Dagster's."""
    assert first_night.run(DAYS[1]).success
    with first_night.instance() as ours:
        (run,) = ours.get_runs(limit=1)
        events = [record.event_log_entry for record in ours.get_records_for_run(run.run_id).records]
    (first_night.folder / ".dagster" / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    with first_night.instance() as theirs:
        assert not isinstance(theirs.event_log_storage, EventLog)
        assert [record.event_log_entry for record in theirs.get_records_for_run(run.run_id).records] == events
    assert events[-1].dagster_event_type is dg.DagsterEventType.RUN_SUCCESS


def test_runs_of_before_the_oldest_daily_snapshot_are_forgotten_with_all_they_logged(tmp_path: Path):
    home = Home.made(tmp_path / "home")
    runs = home.folder / ".dagster" / "history" / "runs"
    today = dt.datetime.now(dt.UTC).date()
    with home.instance() as instance:
        for name, status in (("ended", dg.DagsterRunStatus.FAILURE), ("under-way", dg.DagsterRunStatus.STARTED)):
            run = instance.add_run(dg.DagsterRun(job_name="nightly", run_id=name, status=status))
            instance.report_engine_event(f"{name} said something", run)
        assert forget_runs(instance, home.settings, []) == 0
        assert forget_runs(instance, home.settings, [today - dt.timedelta(days=n) for n in (1, 40)]) == 0
        # Of the snapshots kept, only the newest keep_daily count: one of long ago keeps no history.
        recent = [today + dt.timedelta(days=n) for n in range(2, 2 + home.settings.keep_daily)]
        assert forget_runs(instance, home.settings, [dt.date(2020, 1, 31), *recent]) == 1
        assert [run.run_id for run in instance.get_runs()] == ["under-way"]
        assert list(instance.all_logs("ended")) == []
        (runs / "ended.db").unlink(missing_ok=True)  # asking for it makes it again
    left = b"".join(path.read_bytes() for path in runs.iterdir())
    assert b"under-way said" in left and b"ended said" not in left


def test_few_files_are_open_for_many_runs(log: EventLog, tmp_path: Path):
    for number in range(12):
        with log.run_connection(f"run-{number}"):
            pass
    assert len(log.get_all_run_ids()) == 12
    assert 0 < open_files(tmp_path) <= 3 * 9
    log.dispose()
    assert open_files(tmp_path) == 0


def test_it_works_again_after_it_was_disposed_of(log: EventLog):
    log.dispose()
    with log.run_connection("run") as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_what_a_run_intends_is_written_in_one_go_and_as_dagster_writes_it(
    first_night: Home, log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    batches: list[int] = []
    planned_events: list[dg.EventLogEntry] = []
    stored = EventLog.store_event_batch

    def counted(log: EventLog, events: list[dg.EventLogEntry]) -> None:
        batches.append(len(events))
        planned_events.extend(events)
        stored(log, events)

    monkeypatch.setattr(EventLog, "store_event_batch", counted)
    result = first_night.run(DAYS[1], only=["marts.rfm_scores"])
    assert result.success
    planned = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
    with first_night.instance() as instance:
        events = [entry.dagster_event_type for entry in instance.all_logs(result.run_id)]
    assert batches == [sum(event in planned for event in events)]
    assert batches[0] > 3
    monkeypatch.undo()
    of_another = [event._replace(run_id="another") for event in planned_events]
    theirs = SqliteEventLogStorage(str(tmp_path / "theirs"))
    for one in (log, theirs):
        for events in (planned_events, of_another):
            one.store_event_batch(events)
    for shard in (result.run_id, "another", "index"):
        assert rows_of(Path(log.path_for_shard(shard))) == rows_of(Path(theirs.path_for_shard(shard)))


def rows_of(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """What stands in the tables of a database, but for the time at which a row was made."""
    with closing(sqlite3.connect(file)) as connection:
        tables = ("event_logs", "asset_keys", "asset_event_tags", "asset_check_executions")
        found = {}
        for table in tables:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            kept = ", ".join(name for name in columns if name not in ("create_timestamp", "cached_status_data"))
            found[table] = connection.execute(f"SELECT {kept} FROM {table} ORDER BY id").fetchall()
        return found


def test_of_a_batch_that_fails_nothing_stays(log: EventLog):
    whole = dg.EventLogEntry(
        error_info=None, level=10, user_message="whole", run_id="run", timestamp=0.0, dagster_event=None
    )
    with pytest.raises(AttributeError):
        log.store_event_batch([whole, None])
    assert list(log.get_logs_for_run("run")) == []
    log.store_event_batch([whole])
    assert [entry.user_message for entry in log.get_logs_for_run("run")] == ["whole"]


def test_the_events_of_a_night_are_written_as_dagster_writes_them(first_night: Home, log: EventLog, tmp_path: Path):
    result = first_night.run(DAYS[1], only=["marts.rfm_scores", "staging.orders"])
    assert result.success
    with first_night.instance() as instance:
        events = [record.event_log_entry for record in instance.get_records_for_run(result.run_id).records]
    check = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    (passed, *_) = (event for event in events if event.dagster_event_type is check)
    failed = copy(passed.dagster_event.event_specific_data, passed=False, check_name="not_planned")
    events.append(passed._replace(dagster_event=passed.dagster_event._replace(event_specific_data=failed)))
    theirs = SqliteEventLogStorage(str(tmp_path / "theirs"))
    for event in events:
        log.store_event(event)
        theirs.store_event(event)
    for shard in (result.run_id, "index"):
        assert rows_of(Path(log.path_for_shard(shard))) == rows_of(Path(theirs.path_for_shard(shard)))


def test_what_a_step_has_made_is_written_with_what_comes_next_or_when_somebody_asks(log: EventLog):
    data = {"STEP_SUCCESS": StepSuccessData(1.0), "STEP_FAILURE": StepFailureData(None, None)}

    def say(*kinds: str) -> None:
        for kind in kinds:
            event = dg.DagsterEvent(kind, "nightly", event_specific_data=data.get(kind))
            log.store_event(dg.EventLogEntry(None, 10, kind, "run", 0.0, dagster_event=event))

    def written() -> list[str]:
        with closing(sqlite3.connect(log.path_for_shard("run"))) as connection:
            return [row[0] for row in connection.execute("SELECT dagster_event_type FROM event_logs ORDER BY id")]

    say("PIPELINE_START", "STEP_START", "STEP_SUCCESS")
    assert written() == ["PIPELINE_START", "STEP_START"]
    assert [entry.user_message for entry in log.get_logs_for_run("run")][2:] == ["STEP_SUCCESS"]
    assert written()[2:] == ["STEP_SUCCESS"]
    say("STEP_SUCCESS", "STEP_FAILURE")
    assert written()[3:] == ["STEP_SUCCESS", "STEP_FAILURE"]
    say("STEP_SUCCESS")
    log.dispose()
    assert written()[5:] == ["STEP_SUCCESS"]
    say("STEP_SUCCESS")  # no job runs here any more
    assert written()[5:] == ["STEP_SUCCESS", "STEP_SUCCESS"]


def test_a_running_job_looks_up_once_what_dagster_asks_again(first_night: Home, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    ask = SqliteEventLogStorage.fetch_materializations

    def counted(log: EventLog, records_filter: dg.AssetRecordsFilter, *what: object, **others: object) -> object:
        asked.append(records_filter.asset_key.to_user_string())
        return ask(log, records_filter, *what, **others)

    monkeypatch.setattr(SqliteEventLogStorage, "fetch_materializations", counted)
    assert first_night.run(DAYS[1], only=["marts.rfm_scores"]).success
    assert len(asked) == len(set(asked)), "Dagster 1.12 asks in another way, and then this is empty"
    monkeypatch.undo()
    with first_night.instance() as instance:
        key = dg.AssetKey(["marts", "rfm_scores"])
        (newest,) = instance.fetch_materializations(key, limit=1).records
        assert newest.partition_key == DAYS[1]


def test_what_a_running_job_writes_is_what_it_then_finds(log: EventLog, tmp_path: Path):
    """And what others write is found as soon as it has ended."""
    job = dg.DagsterRun(job_name="nightly", run_id="run")
    key = dg.AssetKey("table")

    def entry(kind: dg.DagsterEventType, data: object = None, run: str = "run") -> dg.EventLogEntry:
        event = dg.DagsterEvent(kind.value, job.job_name, event_specific_data=data)
        return dg.EventLogEntry(None, 10, "", run, 0.0, dagster_event=event)

    def materialized(day: str, version: str, run: str = "run") -> dg.EventLogEntry:
        tags = {"dagster/data_version": version}
        of_day = dg.AssetMaterialization(key, partition=day, tags=tags)
        return entry(dg.DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(of_day), run)

    def found() -> tuple[object, ...]:
        (record,) = log.get_asset_records([key]) or [None]
        newest = log.fetch_materializations(dg.AssetRecordsFilter(key, ["2026-01-02"]), limit=1).records
        tags = log.get_latest_tags_by_partition(
            key, dg.DagsterEventType.ASSET_MATERIALIZATION, ["dagster/data_version"], ["2026-01-02"]
        )
        last = record and record.asset_entry.last_materialization_storage_id
        return last, [record.storage_id for record in newest], tags

    def of_version(version: str) -> dict[str, dict[str, str]]:
        return {"2026-01-02": {"dagster/data_version": version}}

    log.store_event(entry(dg.DagsterEventType.RUN_START))
    assert found() == (None, [], {})
    log.store_event(materialized("2026-01-02", "a"))
    first, *rest = found()
    assert rest == [[first], of_version("a")]
    log.store_event(materialized("2026-01-02", "b"))
    second, *rest = found()
    assert second > first and rest == [[second], of_version("b")]
    other = EventLog(str(tmp_path))
    other.store_event(materialized("2026-01-02", "c", run="another"))
    other.dispose()
    log.store_event(entry(dg.DagsterEventType.RUN_SUCCESS))
    assert found()[2] == of_version("c")
