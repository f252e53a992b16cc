"""The event log of a home: what Dagster's own would hold, with few files open however many runs there are."""

from pathlib import Path

import dagster as dg
import pytest
from homes import DAYS, Home

from pipeline.history import EventLog


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


def test_few_files_are_open_for_many_runs(log: EventLog, tmp_path: Path):
    for number in range(40):
        with log.run_connection(f"run-{number}"):
            pass
    assert len(log.get_all_run_ids()) == 40
    assert 0 < open_files(tmp_path) <= 3 * 9
    log.dispose()
    assert open_files(tmp_path) == 0


def test_it_works_again_after_it_was_disposed_of(log: EventLog):
    log.dispose()
    with log.run_connection("run") as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
