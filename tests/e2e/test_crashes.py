"""kill -9 in the middle of a run, and two runs at once: the next run heals everything by itself, and nobody mixes.

Everything here runs as processes of their own, since that is what dies and what holds locks. The quick tests kill right
before and right after each kind of commit, since nothing else lasts; `make test-long` kills at any moment, too:
`perennial run` where the moment is chosen by what it says, else a fork that has all imports behind it.
"""

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from homes import WARSAW, Home, run_alone, sha256
from kills import DAY, DAY_BEFORE, KINDS, Kind, When, killed_itself, run_until_killed

from pipeline.tables.catalog import ours, tables

pytestmark = pytest.mark.timeout(1500)  # sixteen nights and more in one test, on machines that do other things, too

KILLS, CHOSEN_KILLS = 50, 6
SEED = 20260228
RETENTION = KINDS[-1]
PATIENCE = 120.0  # seconds for a moment of a run to come, on a machine that does other things, too


@dataclass
class Night:
    """A `perennial run` under way in a process group of its own."""

    home: Home
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text()

    def until(self, moment: Callable[["Night"], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not moment(self):
            assert self.process.poll() is None, f"The run ended before the moment came:\n{self.said}"
            assert time.monotonic() < deadline, f"The moment did not come:\n{self.said}"
            time.sleep(0.001)

    def send(self, what: signal.Signals) -> None:
        os.killpg(self.process.pid, what)

    def end(self) -> int:
        return self.process.wait(timeout=PATIENCE)


@contextmanager
def night(home: Home, log: Path, **environment: str) -> Iterator[Night]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PERENNIAL_", "DAGSTER_"))}
    command = [sys.executable, "-m", "pipeline.cli", "run", "-v", "--home", str(home.folder), "--snapshot", DAY]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**own, **environment}, start_new_session=True
        )
    try:
        yield Night(home, process, log)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


# ── moments ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def after(step: str) -> Callable[[Night], bool]:
    """When the step has said that it is done: the next one is at work."""
    return lambda night: f"✓ {step} " in night.said


def when_there_is(pattern: str) -> Callable[[Night], bool]:
    return lambda night: any(night.home.folder.glob(pattern))


MOMENTS = {
    "before anything is locked": lambda night: "as of" in night.said,
    "while files are loaded": when_there_is(".perennial/runs/*.lock"),
    "after the files are loaded": after("ingest"),
    "while a table is written": after("staging.orders"),
    "while a mart is written": after("staging.occasions"),
    "while the history is written": after("marts.rfm_segments"),
    "while tables are staged": when_there_is("data/.staging/*/files/data/marts"),
    "while pages are staged": when_there_is("data/.staging/*/files/reports"),
    "while files are put in place": when_there_is("data/.staging/*/COMMIT.json"),
}


def kills() -> list[tuple[str, float]]:
    """(moment, seconds after it): the dangerous ones first, then by chance, the same in every run of the tests."""
    dice = random.Random(SEED)
    first = [
        ("while files are put in place", 0.0),
        ("while files are put in place", 0.01),
        ("while a mart is written", 0.0),
        ("while files are loaded", 0.1),
    ]
    others = [(dice.choice(sorted(MOMENTS)), round(dice.uniform(0, 0.1), 3)) for _ in range(CHOSEN_KILLS)]
    return (first + others)[:CHOSEN_KILLS]


def moments_by_chance() -> list[float]:
    """Parts of the length of a run, the same in every run of the tests."""
    dice = random.Random(SEED)
    return sorted(round(dice.uniform(0.01, 0.99), 3) for _ in range(KILLS - CHOSEN_KILLS))


# ── homes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Yesterday is published, and a new export has come; the night will take yesterday's snapshot away. Read only."""
    home = Home.made(tmp_path_factory.mktemp("evening") / "home", WARSAW + "keep_daily = 1\n")
    home.drop("orders.csv")
    assert home.run(DAY_BEFORE).success
    home.drop("more.csv", seed=2, unreadable=3)
    return home


@pytest.fixture(scope="module")
def undisturbed(evening: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The same after a night in which nothing happened. Read only."""
    home = evening.copied(tmp_path_factory.mktemp("undisturbed") / "home")
    assert home.run(DAY).success
    return home


@pytest.fixture(scope="module")
def repeated(undisturbed: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The same after that night was run again: it finds no snapshot before its own any more. Read only."""
    home = undisturbed.copied(tmp_path_factory.mktemp("repeated") / "home")
    assert home.run(DAY).success
    return home


def contents(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, but for the moments at which files came: those are of the clock."""
    what = dict.fromkeys(tables(), "*") | {"ingest.arrivals": "* EXCLUDE (arrived_at, seen_at)"}
    with closing(duckdb.connect(str(home.settings.warehouse_file), read_only=True)) as connection:
        return {name: connection.execute(f"SELECT {w} FROM {name} ORDER BY ALL").fetchall() for name, w in what.items()}


def state(home: Home) -> tuple[Any, ...]:
    return home.published(), home.pages(DAY), contents(home)


of_read_only = cache(state)  # `undisturbed` is asked for 50 times


def assert_same(home: Home, undisturbed: Home) -> None:
    for found, expected in zip(state(home), of_read_only(undisturbed), strict=True):
        assert found == expected
    assert not (home.folder / "data" / ".staging").exists()


def assert_readers_are_not_misled(home: Home, evening: Home) -> None:
    """What was published before is whole, until retention takes it; today's manifest, if there is one, is true."""
    before, now = evening.published(), home.published()
    kept = {name for name in before if DAY_BEFORE not in name}
    assert {name: now.get(name) for name in kept} == {name: before[name] for name in kept}
    of_day_before = {name: digest for name, digest in now.items() if DAY_BEFORE in name}
    assert not of_day_before or of_day_before == {name: before[name] for name in before if name not in kept}
    manifest = home.folder / "data" / "audiences" / DAY / "manifest.json"
    if manifest.exists():
        for file in json.loads(manifest.read_text())["files"]:
            assert sha256(home.folder / file["path"]) == file["sha256"], file["path"]


# ── kill -9 around each kind of commit ────────────────────────────────────────────────────────────────────────────────


def kill_at(forks: Any, home: Home, kind: Kind, when: When) -> None:
    """A night that dies there, and no earlier or later: the commit has not happened yet, or it has."""
    night = forks.Process(target=run_until_killed, args=(str(home.folder), kind.name, when))
    night.start()
    night.join(PATIENCE)
    assert night.exitcode == -signal.SIGKILL, f"{kind.name}: the moment did not come, the run ended ({night.exitcode})"
    assert killed_itself(home) == f"{when} {kind.name}"
    assert kind.has_happened(home) == (when == "after"), f"killed {when} {kind.name}, but elsewhere"
    assert_catalog_is_true(home)


def assert_catalog_is_true(home: Home) -> None:
    """The catalog lists the partitions that the tables hold, and no others."""
    names = [table.full_name for table in ours().published]
    in_tables = " UNION ALL ".join(
        f"SELECT '{name}', snapshot_date, count(*) FROM {name} GROUP BY ALL" for name in names
    )
    listed = "SELECT table_name, day, row_count FROM catalog.partitions WHERE row_count > 0"
    assert sorted(home.warehouse(listed)) == sorted(home.warehouse(in_tables))


def heal(forks: Any, home: Home) -> None:
    following = forks.Process(target=run_alone, args=(str(home.folder), DAY))
    following.start()
    following.join(PATIENCE)
    assert following.exitcode == 0
    with home.instance() as instance:
        last, *killed = [run.status for run in instance.get_runs() if run.tags.get("dagster/partition") == DAY]
    assert last is dg.DagsterRunStatus.SUCCESS
    assert killed and set(killed) == {dg.DagsterRunStatus.FAILURE}


def test_killed_around_every_commit_one_night_after_the_other(
    forks: Any, evening: Home, repeated: Home, tmp_path: Path
) -> None:
    """Each night dies a commit later than the one before; the last one heals what sixteen have left.

    Those killed at the manifest die while they complete the publication of the one that had only written its marker.
    """
    home = evening.copied(tmp_path / "home")
    for kind in KINDS:
        for when in ("before", "after"):
            kill_at(forks, home, kind, when)
            assert_readers_are_not_misled(home, evening)
    heal(forks, home)
    assert_same(home, repeated)


@pytest.mark.parametrize(
    ("name", "when"), [("ingest", "after"), ("computed", "before"), ("manifest", "before"), ("manifest", "after")]
)
def test_killed_once(forks: Any, evening: Home, undisturbed: Home, tmp_path: Path, name: str, when: When) -> None:
    home = evening.copied(tmp_path / "home")
    (kind,) = [kind for kind in KINDS if kind.name == name]
    kill_at(forks, home, kind, when)
    assert_readers_are_not_misled(home, evening)
    heal(forks, home)
    assert_same(home, undisturbed)


# ── kill -9 at any moment ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.long
@pytest.mark.parametrize(("moment", "delay"), kills())
def test_the_night_after_kill_9_equals_an_undisturbed_one(
    evening: Home, undisturbed: Home, repeated: Home, tmp_path: Path, moment: str, delay: float
) -> None:
    home = evening.copied(tmp_path / "home")
    with night(home, tmp_path / "killed.log") as killed:
        killed.until(MOMENTS[moment])
        time.sleep(delay)
        killed.send(signal.SIGKILL)
        assert killed.end() == -signal.SIGKILL, f"It had already ended:\n{killed.said}"
    assert_readers_are_not_misled(home, evening)
    expected = repeated if RETENTION.has_happened(home) else undisturbed
    unfinished = any((home.folder / "data" / ".staging").glob("*"))  # a few hundredths of a second may have sufficed

    with night(home, tmp_path / "next.log") as following:
        assert following.end() == 0, following.said
    assert_same(home, expected)
    with home.instance() as instance:
        runs = [run.status for run in instance.get_runs() if run.tags.get("dagster/partition") == DAY]
    assert runs[0] is dg.DagsterRunStatus.SUCCESS
    assert set(runs[1:]) <= {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.NOT_STARTED}
    if unfinished and ("staged" in moment or "in place" in moment):
        assert re.search(r"Run \w{8} stopped (before|while) publishing", following.said), following.said


@pytest.fixture(scope="module")
def length_of_a_run(forks: Any, evening: Home, undisturbed: Home, tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds, of the second run: the first one still starts the server of the forks."""
    for name in ("warming", "measured"):
        home = evening.copied(tmp_path_factory.mktemp(name) / "home")
        process = forks.Process(target=run_alone, args=(str(home.folder), DAY))
        begun = time.monotonic()
        process.start()
        process.join(PATIENCE)
        seconds = time.monotonic() - begun
        assert process.exitcode == 0
    assert_same(home, undisturbed)
    return seconds


@pytest.mark.long
@pytest.mark.parametrize("part", moments_by_chance())
def test_the_night_after_a_kill_at_any_moment_equals_an_undisturbed_one(
    forks: Any,
    length_of_a_run: float,
    evening: Home,
    undisturbed: Home,
    repeated: Home,
    tmp_path: Path,
    part: float,
) -> None:
    for attempt in range(10):
        home = evening.copied(tmp_path / f"home-{attempt}")
        killed = forks.Process(target=run_alone, args=(str(home.folder), DAY))
        killed.start()
        killed.join(part * length_of_a_run * 0.7**attempt)
        killed.kill()
        killed.join()
        if killed.exitcode != 0:  # 0: it was quicker this time, and nothing was killed
            break
    assert killed.exitcode == -signal.SIGKILL
    assert_readers_are_not_misled(home, evening)
    expected = repeated if RETENTION.has_happened(home) else undisturbed
    following = forks.Process(target=run_alone, args=(str(home.folder), DAY))
    following.start()
    following.join(PATIENCE)
    assert following.exitcode == 0
    assert_same(home, expected)


# ── two at once ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_second_of_two_runs_waits_and_then_succeeds(evening: Home, repeated: Home, tmp_path: Path) -> None:
    home = evening.copied(tmp_path / "home")
    with night(home, tmp_path / "first.log") as first, night(home, tmp_path / "second.log") as second:
        deadline = time.monotonic() + PATIENCE
        while not (waiting := [it for it in (first, second) if "waiting up to 600 s" in it.said]):
            assert time.monotonic() < deadline, first.said + second.said
            time.sleep(0.01)
        (working,) = [it for it in (first, second) if it not in waiting]
        assert f"(process {working.process.pid}) has been using {home.folder} since" in waiting[0].said
        assert (first.end(), second.end()) == (0, 0), first.said + second.said
    assert_same(home, repeated)
    with home.instance() as instance:
        statuses = [run.status for run in instance.get_runs() if run.tags.get("dagster/partition") == DAY]
    assert statuses == [dg.DagsterRunStatus.SUCCESS] * 2


def stop_between_writes(run: Night, home: Home) -> None:
    """Not while it writes into Dagster's history, which would be locked for as long as the run stands still."""
    run.send(signal.SIGSTOP)
    while not all(map(is_free, (home.folder / ".dagster").rglob("*.db"))):
        run.send(signal.SIGCONT)
        time.sleep(0.01)
        run.send(signal.SIGSTOP)


def is_free(database: Path) -> bool:
    """Whether nobody is writing into it."""
    with closing(sqlite3.connect(database, timeout=0)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True


def test_a_run_that_will_not_wait_says_who_has_the_home(evening: Home, undisturbed: Home, tmp_path: Path) -> None:
    home = evening.copied(tmp_path / "home")
    with night(home, tmp_path / "first.log") as first:
        first.until(after("ingest"))
        stop_between_writes(first, home)  # so that it cannot be done before the other one has come
        with night(home, tmp_path / "second.log", PERENNIAL_LOCK_WAIT_SECONDS="0.5") as second:
            assert second.end() == 1
        (message,) = re.findall(r"^Not published\. (.*)$", second.said, re.MULTILINE)
        assert f"(process {first.process.pid}) has been using {home.folder} since" in message
        assert message.endswith(f"Wait for it, or stop process {first.process.pid}.")
        assert "Traceback" not in second.said
        first.send(signal.SIGCONT)
        assert first.end() == 0, first.said
    assert_same(home, undisturbed)
