"""A program that has the warehouse open is waited for, and named, wherever it is opened."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.activation.preview import preview
from pipeline.doctor import examine, read_summary
from pipeline.engines.duckdb import connect
from pipeline.home.customer_page import write_customer_page
from pipeline.home.opening import NothingLoaded, WarehouseBusy, _holder, opened
from pipeline.home.retention import prune_home
from pipeline.settings import Settings

ANALYST = """
import sys, time
import duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reads")
print("open", flush=True)
time.sleep(float(sys.argv[3]))
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path, lock_wait_seconds=0.3)
    connect(made.warehouse_file, made).close()
    return made


@contextmanager
def analyst(settings: Settings, how: str = "reads", seconds: float = 30) -> Iterator[int]:
    """A process that has the warehouse open; gives its id."""
    asked = [sys.executable, "-c", ANALYST, str(settings.warehouse_file), how, str(seconds)]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "open\n"
        try:
            yield process.pid
        finally:
            process.kill()


def test_a_run_waits_for_a_reader_and_says_once_for_whom(settings):
    said = []
    with analyst(settings, seconds=1.5) as pid:
        started = time.monotonic()
        with opened(settings, wait_seconds=30, on_wait=said.append) as connection:
            assert connection.execute("SELECT 1").fetchall() == [(1,)]
        assert time.monotonic() - started > 0.5
    (sentence,) = said
    assert f"(process {pid}) has the warehouse open; waiting up to 30 s" in sentence


@pytest.mark.parametrize(("how", "read_only"), [("reads", False), ("writes", False), ("writes", True)])
def test_when_the_time_is_over_program_process_and_what_to_read_are_named(settings, how, read_only):
    with (
        analyst(settings, how) as pid,
        pytest.raises(WarehouseBusy) as busy,
        opened(settings, read_only),
    ):
        pass
    assert str(busy.value).startswith(f"{Path(sys.executable).resolve().name} (process {pid}) has the warehouse open")
    assert f"{settings.home}/data/marts/<table>/*/*.parquet" in str(busy.value)


def test_who_reads_before_the_first_run_is_told_to_run(tmp_path):
    settings = Settings(home=tmp_path)
    for reads in (lambda: preview(settings, "grid/loyal"), lambda: write_customer_page(settings, "anna")):
        with pytest.raises(NothingLoaded, match=r"Nothing has been loaded in .* yet: perennial run does it"):
            reads()


def test_readers_do_not_keep_each_other_out(settings):
    with analyst(settings), opened(settings, read_only=True) as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_summary_prune_and_doctor_say_the_same(settings):
    with analyst(settings, "writes") as pid:
        for asked in (lambda: read_summary(settings, None), lambda: prune_home(settings)):
            with pytest.raises(WarehouseBusy, match=f"process {pid}"):
                asked()
        (finding,) = [finding for finding in examine(settings.home) if finding.subject == "warehouse"]
    assert finding.status == "fail" and f"(process {pid}) has the warehouse open" in finding.message


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="the kernel lists locks on Linux only")
def test_where_duckdb_names_nobody_the_kernel_does(settings):
    with analyst(settings) as pid:
        assert f"(process {pid})" in _holder(settings.warehouse_file, "Could not set lock on file")
    assert _holder(settings.warehouse_file, "Could not set lock on file") == "Another program"
