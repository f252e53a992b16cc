"""Homes for tests: a small shop's exports in a folder, the real job run on them, what was published.

What belongs here: making a home, running it, reading what it shows. What does not: expectations, they stand in tests.
"""

import csv
import datetime as dt
import hashlib
import os
import random
import re
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl

from pipeline.definitions import build_defs
from pipeline.naming import JOB
from pipeline.progress import progress
from pipeline.settings import DAGSTER_YAML, Settings, load
from pipeline.tables.catalog import tables
from pipeline.tables.inputs import input_tables

WARSAW = 'timezone = "Europe/Warsaw"\nfirst_snapshot = "2026-01-01"\nthreads = 1\n'
FIRST_ORDER, LAST_ORDER = dt.date(2026, 1, 1), dt.date(2026, 3, 31)
DAYS = ("2026-02-26", "2026-02-27", "2026-02-28")
RUN = re.compile(r"<dt>(Run|Finished)</dt><dd>[^<]*</dd>")
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def order_rows(first: dt.date, last: dt.date, seed: int, customers: int = 40) -> list[tuple[str, str, str, str]]:
    """Up to three orders a day; few customers buy often, many once; one in 20 names nobody. Same seed, same rows."""
    dice = random.Random(seed)
    rows = []
    for day in (first + dt.timedelta(days=n) for n in range((last - first).days + 1)):
        for n in range(dice.randrange(4)):
            customer = "" if dice.random() < 0.05 else f"c{int(customers * dice.random() ** 2):03d}"
            amount = f"{dice.randrange(500, 9000) / 100:.2f}"
            rows.append((f"{seed}-{day}-{n}", customer, f"{day}T{9 + n:02d}:00:00", amount))
    return rows


def write_orders(
    path: Path, first: dt.date = FIRST_ORDER, last: dt.date = LAST_ORDER, seed: int = 1, customers: int = 40,
    unreadable: int = 0,
) -> Path:  # fmt: skip
    """An export in canonical names; in the first `unreadable` rows the amount is no number."""
    rows = order_rows(first, last, seed, customers)
    rows[:unreadable] = [(*row[:3], "12,5O") for row in rows[:unreadable]]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("order_id", "customer_id", "ordered_at", "amount"), *rows])
    return path


@dataclass(frozen=True)
class Home:
    """A home and what can be seen in it from outside."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, toml: str = WARSAW) -> "Home":
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".dagster").mkdir()
        (folder / ".dagster" / "dagster.yaml").write_text(DAGSTER_YAML)
        (folder / "perennial.toml").write_text(toml)
        return cls(folder)

    def copied(self, folder: Path) -> "Home":
        """The same home elsewhere, to do harm to."""
        shutil.copytree(self.folder, folder)
        return Home(folder)

    def drop(self, name: str, **orders: Any) -> Path:
        """Put an export into the drop folder."""
        return write_orders(self.folder / "data" / "exports" / "perennial" / name, **orders)

    @property
    def settings(self) -> Settings:
        return load(self.folder)

    def instance(self) -> dg.DagsterInstance:
        os.environ["DAGSTER_HOME"] = str(self.folder / ".dagster")
        return dg.DagsterInstance.from_config(str(self.folder / ".dagster"))

    def run(
        self, first: str, last: str | None = None, only: Sequence[str] | None = None,
        job: str = JOB, full: bool = False,
    ) -> dg.ExecuteInProcessResult:  # fmt: skip
        """The nightly job, for one day or a range of days, or only some of its assets ("marts.rfm_scores"); `full`:
        with nothing of earlier nights."""
        resolved = build_defs(self.settings).resolve_job_def(job)
        keys = None if only is None else [dg.AssetKey(name.split(".")) for name in only]
        span = dict(zip(RANGE_TAGS, (first, last), strict=True)) if last else None
        with self.instance() as instance:
            return resolved.execute_in_process(
                run_config={**progress(), "ops": {"ingest": {"config": {"full": True}}}} if full else progress(),
                instance=instance,
                partition_key=None if last else first,
                tags=span,
                asset_selection=keys,
                raise_on_error=False,
            )

    def said(self, result: dg.ExecuteInProcessResult) -> list[str]:
        """What a run told its log in words of its own."""
        with self.instance() as instance:
            return [entry.user_message for entry in instance.all_logs(result.run_id) if not entry.is_dagster_event]

    def runs(self) -> list[dg.DagsterRun]:
        """The runs in the home's history, oldest first."""
        with self.instance() as instance:
            return list(reversed(instance.get_runs()))

    def warehouse(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement on the warehouse from outside, while no run has it."""
        with closing(duckdb.connect(str(self.settings.warehouse_file))) as connection:
            return connection.execute(sql).fetchall()

    def published(self) -> dict[str, str]:
        """Path in the home -> SHA-256 of each file under data/ that readers see."""
        roots = [self.folder / "data" / name for name in ("marts", "audiences", "quarantine")]
        files = sorted(path for root in roots for path in root.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): sha256(path) for path in files}

    def everything_published(self) -> dict[str, str]:
        """The same with the pages of the report."""
        pages = sorted(path for path in (self.folder / "reports").rglob("*") if path.is_file())
        return self.published() | {path.relative_to(self.folder).as_posix(): sha256(path) for path in pages}

    def pages(self, day: str) -> dict[str, str]:
        """The report of a day, page by page, without what its run card says of the run itself."""
        folder = self.folder / "reports" / "out" / day
        return {path.name: RUN.sub("", path.read_text()) for path in sorted(folder.glob("*.html"))}

    def table(self, name: str, day: str) -> pl.DataFrame:
        """A published partition."""
        return pl.read_parquet(self.folder / "data" / "marts" / name / f"day={day}" / f"{name}.parquet")


ASSET_JOB = "__ASSET_JOB"  # what the web UI runs when somebody materialises assets or starts a backfill of them
INGEST = (
    *(name for name, table in tables().items() if table.schema == "ingest"),
    *(table.full_name for table in input_tables()),
)
BUILT = tuple(name for name, table in tables().items() if table.select or table.header.computed_by)


def needed_for(*names: str) -> tuple[str, ...]:
    """Assets: these tables and all that they are made of, exports included."""
    needed = set(names)
    for name, table in reversed(tables().items()):
        if name in needed:
            needed |= table.reads
    steps = {tables()[name].header.computed_by for name in needed & {*BUILT}} - {None}
    built = (name for name in BUILT if name in needed or tables()[name].header.computed_by in steps)
    return (*INGEST, *built)


PUBLISHED = ("published.tables", "published.audiences", "published.report")


def run_alone(folder: str, day: str) -> None:
    """A run as the command line makes it, for a process that does nothing else; raises RunFailed."""
    from pipeline.runs import run_snapshot
    from pipeline.settings import export_home

    settings = load(Path(folder))
    export_home(settings)
    run_snapshot(settings, {}, dt.date.fromisoformat(day))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def failed_step(result: dg.ExecuteInProcessResult) -> str:
    """The step that failed; there must be one."""
    (step,) = [event.step_key for event in result.all_events if event.is_step_failure]
    return str(step)


def failure_message(result: dg.ExecuteInProcessResult) -> str:
    """What the failed step says to people."""
    (data,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert data.user_failure_data is not None, f"not our own words: {data.error}"
    return str(data.user_failure_data.description)


def failed_checks(result: dg.ExecuteInProcessResult) -> set[str]:
    """asset.check of every check that failed."""
    return {
        f"{evaluation.asset_key.to_user_string().replace('/', '.')}.{evaluation.check_name}"
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed
    }


def steps_succeeded(result: dg.ExecuteInProcessResult) -> set[str]:
    return {str(event.step_key) for event in result.all_events if event.is_step_success}
