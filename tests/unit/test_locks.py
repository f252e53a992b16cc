"""Locks: one run at a time in a home; a dead run holds nothing."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from pipeline.home import locks
from pipeline.home.locks import (
    Holder,
    HomeBusy,
    HomeNotWritable,
    holder,
    home_lock,
    home_lock_for_several,
    run_is_alive,
    sweep,
)

ROOT = Path(__file__).parents[2]

CHILD = """
import sys, time
from contextlib import nullcontext
from pathlib import Path
from pipeline.home.locks import home_lock, home_lock_for_several

home, of_range = Path(sys.argv[1]), len(sys.argv) > 4
with home_lock_for_several(home, "range", 0) if of_range else nullcontext():
    with home_lock(home, sys.argv[2], float(sys.argv[3])):
        print("taken", flush=True)
        sys.stdin.read()
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a process that takes the lock of the home and holds it until its standard input is closed."""
    with ExitStack() as stack:

        def run(run_id: str, wait: float = 0.0, taken: bool = True, of_range: bool = False) -> subprocess.Popen[str]:
            command = [sys.executable, "-S", "-c", CHILD, str(tmp_path), run_id, str(wait), *["range"] * of_range]
            process = subprocess.Popen(
                command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            if taken:
                assert process.stdout is not None
                assert process.stdout.readline() == "taken\n"
            return process

        yield run


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def run_file(home: Path, run_id: str) -> Path:
    return home / ".perennial" / "runs" / f"{run_id}.lock"


# ── Taking it ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_holds_the_home_is_known_while_it_holds_it(tmp_path: Path) -> None:
    before = datetime.now().astimezone().replace(microsecond=0)
    assert holder(tmp_path) is None
    with home_lock(tmp_path, "1a2b3c4d-5e6f", 0):
        by = holder(tmp_path)
        assert by is not None
        assert (by.run_id, by.pid) == ("1a2b3c4d-5e6f", os.getpid())
        assert by.since is not None
        assert before <= by.since <= datetime.now().astimezone()
        assert run_is_alive(tmp_path, "1a2b3c4d-5e6f")
    assert holder(tmp_path) is None
    assert not run_is_alive(tmp_path, "1a2b3c4d-5e6f")
    assert (tmp_path / ".perennial/run.lock").read_text() == ""
    assert list((tmp_path / ".perennial/runs").iterdir()) == []


def test_an_error_lets_the_home_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), home_lock(tmp_path, "run-1", 0):
        raise ZeroDivisionError
    with home_lock(tmp_path, "run-1", 0):
        pass


def test_a_busy_home_says_who_since_when_and_what_to_do(tmp_path: Path, start: Start) -> None:
    other = start("1a2b3c4d-5e6f")
    with pytest.raises(HomeBusy) as raised, home_lock(tmp_path, "run-2", 0):
        pass
    by = holder(tmp_path)
    assert by is not None and by.since is not None
    assert str(raised.value) == (
        f"Run 1a2b3c4d (process {other.pid}) has been using {tmp_path} since {by.since:%H:%M:%S}; waited 0 s. "
        f"Wait for it, or stop process {other.pid}."
    )
    assert not run_file(tmp_path, "run-2").exists()


def test_a_run_of_yesterday_is_given_with_its_day(tmp_path: Path) -> None:
    by = Holder("1a2b3c4d", 4242, datetime(2026, 11, 1, 12, 4, 31).astimezone())
    assert by.is_using(tmp_path) == (
        f"Run 1a2b3c4d (process 4242) has been using {tmp_path} since 12:04:31 on 2026-11-01"
    )


def test_two_runs_in_one_process_conflict(tmp_path: Path) -> None:
    with home_lock(tmp_path, "run-1", 0):
        with pytest.raises(HomeBusy, match=f"Run run-1 .process {os.getpid()}."), home_lock(tmp_path, "run-2", 0):
            pass
        assert holder(tmp_path) is not None  # the refused attempt took nothing away


def test_the_same_run_twice_conflicts(tmp_path: Path) -> None:
    with home_lock(tmp_path, "run-1", 0):
        with pytest.raises(HomeBusy), home_lock(tmp_path, "run-1", 0):
            pass
        assert run_is_alive(tmp_path, "run-1")


def test_homes_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with home_lock(tmp_path / "one", "run-1", 0), home_lock(tmp_path / "two", "run-1", 0):
        pass


def test_waiting_says_so_once_and_ends_when_the_home_is_free(tmp_path: Path, start: Start) -> None:
    other = start("1a2b3c4d")
    said: list[str] = []

    def let_go(message: str) -> None:
        said.append(message)
        assert run_is_alive(tmp_path, "run-2")  # a run that waits is not dead
        assert other.stdin is not None
        threading.Timer(0.3, other.stdin.close).start()

    with home_lock(tmp_path, "run-2", 20, let_go):
        by = holder(tmp_path)
        assert by is not None and by.run_id == "run-2"
    assert len(said) == 1
    assert said[0].startswith(f"Run 1a2b3c4d (process {other.pid}) has been using {tmp_path} since ")
    assert said[0].endswith("; waiting up to 20 s for it.")


def test_many_runs_take_turns(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def use(number: int) -> None:
        with home_lock(tmp_path, f"run-{number}", 20):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.01)
            inside.remove(number)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


# ── Several runs in turn ──────────────────────────────────────────────────────────────────────────────────────────────


def held_by(home: Path) -> str | None:
    by = holder(home)
    return by and by.run_id


def test_a_lock_for_several_runs_is_lent_to_each_in_its_name(tmp_path: Path) -> None:
    with home_lock_for_several(tmp_path, "range", 0):
        for run in ("run-1", "run-2"):
            assert held_by(tmp_path) == "range"
            with home_lock(tmp_path, run, 0):
                assert held_by(tmp_path) == run
                assert run_is_alive(tmp_path, run)
                assert run_is_alive(tmp_path, "range")
        assert held_by(tmp_path) == "range"
    assert holder(tmp_path) is None
    with home_lock(tmp_path, "run-3", 0):
        assert held_by(tmp_path) == "run-3"
    assert list((tmp_path / ".perennial/runs").iterdir()) == []


def test_a_run_that_fails_gives_the_loan_back(tmp_path: Path) -> None:
    with home_lock_for_several(tmp_path, "range", 0):
        with pytest.raises(ZeroDivisionError), home_lock(tmp_path, "run-1", 0):
            raise ZeroDivisionError
        with home_lock(tmp_path, "run-2", 0):
            assert held_by(tmp_path) == "run-2"


def test_it_is_lent_to_one_run_at_a_time(tmp_path: Path) -> None:
    with home_lock_for_several(tmp_path, "range", 0), home_lock(tmp_path, "run-1", 0):
        with pytest.raises(HomeBusy, match="Run run-1"), home_lock(tmp_path, "run-2", 0):
            pass
        assert held_by(tmp_path) == "run-1"


def test_it_is_lent_to_runs_of_its_own_thread_and_home_only(tmp_path: Path, start: Start) -> None:
    refused: list[str] = []

    def try_it() -> None:
        with pytest.raises(HomeBusy) as busy, home_lock(tmp_path, "run-of-another-thread", 0):
            pass
        refused.append(str(busy.value))

    with home_lock_for_several(tmp_path, "range", 0):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
        assert "Run range" in refused[0]
        assert start("run-of-another-process", taken=False).wait() != 0
        with home_lock(tmp_path / "another", "run-1", 0):
            assert held_by(tmp_path) == "range"
            assert held_by(tmp_path / "another") == "run-1"


def test_a_busy_home_is_not_taken_for_several_runs(tmp_path: Path, start: Start) -> None:
    start("1a2b3c4d")
    with pytest.raises(HomeBusy, match="Run 1a2b3c4d"), home_lock_for_several(tmp_path, "range", 0):
        pass
    assert held_by(tmp_path) == "1a2b3c4d"
    with pytest.raises(HomeBusy), home_lock(tmp_path, "run-1", 0):  # the refused attempt lends nothing
        pass


# ── Dying with it ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("of_range", [False, True])
def test_kill_9_frees_the_home_at_once(tmp_path: Path, start: Start, of_range: bool) -> None:
    other = start("run-1", of_range=of_range)
    assert run_is_alive(tmp_path, "run-1")
    other.send_signal(signal.SIGKILL)
    other.wait()

    assert json.loads((tmp_path / ".perennial/run.lock").read_text())["run_id"] == "run-1"  # the dead man's note
    assert holder(tmp_path) is None
    assert not run_is_alive(tmp_path, "run-1")
    said: list[str] = []
    with home_lock(tmp_path, "run-2", 0, said.append):
        by = holder(tmp_path)
        assert by is not None and by.run_id == "run-2"
    assert said == []


def test_programs_started_by_a_run_do_not_keep_its_locks(tmp_path: Path) -> None:
    with home_lock(tmp_path, "run-1", 0):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        assert holder(tmp_path) is None
        with home_lock(tmp_path, "run-2", 0):
            pass
    finally:
        child.kill()
        child.wait()


FORKING_CHILD = """
import os, sys, time
from pathlib import Path
from pipeline.home.locks import home_lock, home_lock_for_several

with home_lock_for_several(Path(sys.argv[1]), "range", 0), home_lock(Path(sys.argv[1]), "run-1", 0):
    if os.fork() == 0:
        if sys.argv[2] == "leaves":
            sys.exit(0)      # runs through the end of the with block: must not touch what is the parent's
        time.sleep(60)
    print("taken", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("child", ["stays", "leaves"])
def test_a_forked_child_neither_keeps_nor_drops_the_locks(tmp_path: Path, child: str) -> None:
    command = [sys.executable, "-S", "-c", FORKING_CHILD, str(tmp_path), child]
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as parent:
        try:
            assert parent.stdout is not None
            assert parent.stdout.readline() == "taken\n"
            time.sleep(0.2)
            by = holder(tmp_path)
            assert by is not None and by.pid == parent.pid
            assert run_is_alive(tmp_path, "run-1")
            parent.kill()
            assert eventually(lambda: holder(tmp_path) is None)
        finally:
            os.killpg(parent.pid, signal.SIGKILL)  # the session started above, the sleeping child included


# ── Looking, sweeping ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_looking_does_not_disturb(tmp_path: Path) -> None:
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            holder(tmp_path)
            run_is_alive(tmp_path, "run-1")

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    try:
        for _ in range(20):
            with home_lock(tmp_path, "run-1", 2):
                assert holder(tmp_path) is not None
    finally:
        stop.set()
        for watcher in watchers:
            watcher.join()


def test_looking_creates_nothing(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    assert not run_is_alive(tmp_path, "run-1")
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_holder_that_has_not_yet_written_its_name_holds_all_the_same(tmp_path: Path) -> None:
    with home_lock(tmp_path, "run-1", 0):
        (tmp_path / ".perennial/run.lock").write_text("")
        assert holder(tmp_path) == Holder()
        message = r"^Another run is using .*; waited 0 s\. Wait for it\.$"
        with pytest.raises(HomeBusy, match=message), home_lock(tmp_path, "run-2", 0):
            pass


def test_sweep_removes_the_dead_and_leaves_the_living(tmp_path: Path, start: Start) -> None:
    dead = start("dead")
    dead.kill()
    dead.wait()
    with home_lock(tmp_path, "alive", 0):
        assert run_file(tmp_path, "dead").exists()
        sweep(tmp_path)
        assert [path.name for path in run_file(tmp_path, "alive").parent.iterdir()] == ["alive.lock"]
        assert run_is_alive(tmp_path, "alive")


def test_a_run_whose_file_is_swept_just_before_it_locks_it_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_open = locks._open
    swept: list[Path] = []

    def open_then_lose(path: Path) -> int:
        descriptor = really_open(path)
        if path == run_file(tmp_path, "run-1") and not swept:
            swept.append(path)
            sweep(tmp_path)
            assert not path.exists()
        return descriptor

    monkeypatch.setattr(locks, "_open", open_then_lose)
    with home_lock(tmp_path, "run-1", 0):
        assert run_is_alive(tmp_path, "run-1")
    assert swept


# ── Homes that cannot be locked ───────────────────────────────────────────────────────────────────────────────────────


def test_a_home_that_is_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    message = r"home/\.perennial/runs .Not a directory.: a run keeps its locks there"
    with pytest.raises(HomeNotWritable, match=message), home_lock(tmp_path / "home", "run-1", 0):
        pass


@pytest.mark.parametrize("call", ["mkdir", "open"])
def test_a_read_only_home_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    if call == "open":
        (tmp_path / ".perennial/runs").mkdir(parents=True)
    monkeypatch.setattr(os, call, refuse)
    message = r"\.perennial.*Read-only file system.*write access.*another home"
    with pytest.raises(HomeNotWritable, match=message), home_lock(tmp_path, "run-1", 0):
        pass


@pytest.mark.parametrize("run_id", ["", "..", "a/b", ".hidden"])
def test_run_ids_that_are_not_one_file_name_are_refused(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(ValueError, match="cannot name a lock file"):
        run_is_alive(tmp_path, run_id)
