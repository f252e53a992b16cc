"""`make bench ROWS=…`: how long a night takes beside the least that reading its export can take.

Three processes, one after the other, on the export of `exports.py`: DuckDB alone reading the file into a table; a whole
run on an empty home; the run of the next day on that home. Their times are compared with each other and never with a
number of another machine or hour: what else the machine does slows all three.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from exports import LAST_DAY, NEXT_DAY, make_exports

PROJECT = Path(__file__).resolve().parent.parent
PERENNIAL = Path(sys.executable).with_name("perennial")
MOST_TIMES_BARE, MOST_GIB, LEAST_SAVED = 5.0, 4.0, 0.8
_UNTIMED = "start and end"
_BARE = """
import sys, duckdb
duckdb.connect(sys.argv[1]).execute("CREATE TABLE lines AS SELECT * FROM read_csv(?)", [sys.argv[2]])
"""


@dataclass(frozen=True)
class Timed:
    """A process that has ended well."""

    seconds: float
    cpu_seconds: float  # says more than `seconds` when something else uses the machine
    peak_gib: float

    def __str__(self) -> str:
        return f"{self.seconds:>8.2f} s {self.cpu_seconds:>8.2f} s of processors   {self.peak_gib:.2f} GiB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="order lines of the history, about")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=PROJECT / "data" / "bench", help="where exports and homes go")
    arguments = parser.parse_args()
    folder: Path = arguments.folder.resolve()

    history, following = make_exports(folder / "exports", arguments.rows, arguments.seed)
    megabytes = history.path.stat().st_size / 1e6
    _say(f"{history.rows:,} lines, {history.orders:,} orders, {history.customers:,} customers, {megabytes:,.0f} MB")
    _say(f"next day: {following.rows:,} lines, {following.orders:,} orders · {os.cpu_count()} cores")

    bare = _read_only(folder / "bare.duckdb", history.path)
    home = _new_home(folder / "home")
    full, full_steps = _night(home, history.path, str(LAST_DAY))
    next_day, next_steps = _night(home, following.path, str(NEXT_DAY))

    _show_steps(full_steps, next_steps)
    _show_goals(bare, full, next_day, full_steps)


def _read_only(database: Path, export: Path) -> Timed:
    database.unlink(missing_ok=True)
    timed = _run([sys.executable, "-c", _BARE, str(database), str(export)])
    database.unlink()
    return timed


def _new_home(home: Path) -> Path:
    shutil.rmtree(home, ignore_errors=True)
    (home / "data" / "exports" / "perennial").mkdir(parents=True)
    (home / "perennial.toml").write_text('first_snapshot = "2022-01-01"\n')
    return home


def _night(home: Path, export: Path, day: str) -> tuple[Timed, dict[str, float]]:
    """One more export in the drop folder, and the run of its day; with the seconds of each step."""
    (home / "data" / "exports" / "perennial" / export.name).hardlink_to(export)
    timed = _run([str(PERENNIAL), "run", "--home", str(home), "--snapshot", day])
    steps = _steps_of_last_run(home)
    return timed, {**steps, _UNTIMED: timed.seconds - sum(steps.values())}


def _run(command: list[str]) -> Timed:
    """The process alone, its peak memory as the kernel counted it. What it prints is shown only when it fails."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{printed}")
    return Timed(time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20)


def _steps_of_last_run(home: Path) -> dict[str, float]:
    """Seconds per step, in the order in which they ran, from Dagster's history of the home."""
    import dagster as dg

    os.environ["DAGSTER_HOME"] = str(home / ".dagster")
    with dg.DagsterInstance.get() as instance:
        (run,) = instance.get_run_records(limit=1)
        stats = instance.get_run_step_stats(run.dagster_run.run_id)
    timed = sorted((step.start_time, step.end_time, step.step_key) for step in stats if step.end_time)
    return {key.replace("__", "."): end - start for start, end, key in timed}


def _show_steps(full: dict[str, float], next_day: dict[str, float]) -> None:
    _say(f"\n{'seconds':<48}{'full':>8}{'next day':>10}")
    for step in full.keys() | next_day.keys() if full.keys() != next_day.keys() else full:
        _say(f"{step:<48}{full.get(step, 0):>8.2f}{next_day.get(step, 0):>10.2f}")


def _show_goals(bare: Timed, full: Timed, next_day: Timed, steps: dict[str, float]) -> None:
    entry = sum(seconds for step, seconds in steps.items() if step == "ingest" or step.startswith("staging."))
    at_most = full.seconds - LEAST_SAVED * entry
    ratio, peak = full.seconds / bare.seconds, max(full.peak_gib, next_day.peak_gib)
    _say(f"\n{'bare read_csv':<48}{bare}\n{'whole run':<48}{full}\n{'next day':<48}{next_day}\n")
    for name, value, goal, unit in (
        ("ratio, whole run to bare", ratio, MOST_TIMES_BARE, ""),
        ("peak memory", peak, MOST_GIB, " GiB"),
        (f"next day (goal: full − {LEAST_SAVED} × ingest and staging)", next_day.seconds, at_most, " s"),
    ):
        mark = "✓" if value <= goal else "✗"
        _say(f"{mark} {name:<56}{value:>8.2f}{unit}, at most {goal:.2f}{unit}")
    _say(f"  {'ratio by processor time, which other work slows less':<56}{full.cpu_seconds / bare.cpu_seconds:>8.2f}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
