"""Which snapshots go and which stay, and that what goes leaves no trace and nothing else goes."""

import datetime as dt
import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop import all_tables
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.doctor import examine
from pipeline.engines.duckdb import DuckDBEngine, connect
from pipeline.engines.partitions import Partitions
from pipeline.home.locks import HomeBusy, home_lock
from pipeline.home.migrations import migrate
from pipeline.home.retention import Plan, expired, plan, prune, prune_home
from pipeline.settings import Settings, SettingsError, load

JAN_30, JAN_31, FEB_27, FEB_28, MAR_1 = (
    dt.date(2026, 1, 30), dt.date(2026, 1, 31), dt.date(2026, 2, 27), dt.date(2026, 2, 28), dt.date(2026, 3, 1)
)  # fmt: skip
DAYS = (JAN_30, JAN_31, FEB_27, FEB_28, MAR_1)
TABLES = ("marts.rfm_scores", "marts.segment_events")


def days(text: str) -> list[dt.date]:
    return [dt.date.fromisoformat(f"2026-{day}") for day in text.split()]


@pytest.mark.parametrize(
    ("present", "keep_daily", "keep_monthly", "gone"),
    [
        ("01-29 01-30 01-31 02-01", 2, "all", "01-29 01-30"),  # January's last and the newest two, which share one
        ("01-29 01-30 02-01 02-02", 1, "all", "01-29 02-01"),  # the 31st was never run: the 30th stands for January
        ("01-31 02-28 03-31 04-01", 1, 2, "01-31 02-28"),  # April is a month as well: its last so far is the 1st
        ("01-31 02-28 03-31", 1, 0, "01-31 02-28"),
        ("01-31 03-31", 35, "all", ""),
        ("01-31", 1, 0, ""),
        ("", 1, 0, ""),
    ],
)  # fmt: skip
def test_expired(present: str, keep_daily: int, keep_monthly: int | str, gone: str) -> None:
    assert expired(days(present), keep_daily, keep_monthly) == days(gone)


some_days = st.sets(st.dates(dt.date(2024, 1, 1), dt.date(2025, 12, 31)), max_size=60)


@given(some_days, st.integers(1, 40), st.one_of(st.just("all"), st.integers(0, 12)))
def test_the_newest_and_the_months_stay_and_what_stays_once_stays_until_something_newer_comes(
    present: set[dt.date], keep_daily: int, keep_monthly: int | str
) -> None:
    gone = set(expired(present, keep_daily, keep_monthly))
    kept = present - gone
    assert not gone & set(sorted(present)[-keep_daily:])
    if keep_monthly == "all":
        assert {(day.year, day.month) for day in kept} == {(day.year, day.month) for day in present}
    assert expired(kept, keep_daily, keep_monthly) == []


class Kept:
    """A home with a snapshot on each of DAYS: one row in each of TABLES, and files of every kind."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "perennial.toml").write_text('keep_daily = 1\nfirst_snapshot = "2026-01-01"\n')
        for day in DAYS:
            for place in (f"data/marts/rfm_scores/day={day}", f"data/audiences/{day}", f"reports/out/{day}"):
                (home / place).mkdir(parents=True)
                (home / place / "content").write_text("12345")
            (home / f"data/audiences/{day}/manifest.json").write_text("{}")
        (home / "reports/out/assets").mkdir()
        (home / "reports/out/index.html").write_text("all five")
        (home / "data/exports/perennial").mkdir(parents=True)
        (home / "data/exports/perennial/2026-01-30").write_text("an export")
        with self.engine() as engine:
            migrate(engine, self.settings)
            engine.prepare(self.settings, list(all_tables().values()))
            engine.execute(
                "INSERT INTO staging.order_lines BY NAME SELECT 'o' AS order_id, DATE '2026-01-30' AS ordered_on"
            )
            for table in TABLES:
                for day in DAYS:
                    engine.execute(f"INSERT INTO {table} (snapshot_date, customer_id) VALUES ('{day}', 'anna')")
                    Partitions(engine.execute).enter(table, day, 1)

    @property
    def settings(self) -> Settings:
        return load(self.home)

    def engine(self) -> "Opened":
        return Opened(self.settings)

    def in_warehouse(self) -> set[dt.date]:
        with self.engine() as engine:
            found = {tuple(engine.partitions(all_tables()[name])) for name in TABLES}
        assert len(found) == 1
        return set(found.pop())

    def in_files(self) -> set[dt.date]:
        folders = [
            *self.home.glob("data/marts/*/*"),
            *self.home.glob("data/audiences/*"),
            *self.home.glob("reports/out/2*"),
        ]
        return {dt.date.fromisoformat(folder.name.rpartition("=")[2]) for folder in folders}


class Opened:
    def __init__(self, settings: Settings) -> None:
        self._connection = closing(connect(settings.warehouse_file, settings))

    def __enter__(self) -> DuckDBEngine:
        return DuckDBEngine(self._connection.__enter__())

    def __exit__(self, *error: object) -> None:
        self._connection.__exit__(*error)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    home = tmp_path / "a home"
    home.mkdir()
    yield Kept(home)


def test_prune_removes_what_is_past_its_time_everywhere_and_nothing_else(kept: Kept) -> None:
    what = prune_home(kept.settings)
    # keep_daily = 1 keeps 1 March, which is also March's last; January's and February's last are the 31st and 28th.
    assert what.expired == (JAN_30, FEB_27)
    assert kept.in_files() == kept.in_warehouse() == {JAN_31, FEB_28, MAR_1}
    assert (kept.home / "data/exports/perennial/2026-01-30").read_text() == "an export"
    with kept.engine() as engine:
        assert engine.scalar("SELECT count(*) FROM staging.order_lines") == 1
    listed = (kept.home / "reports/out/assets/snapshots.js").read_text()
    assert listed == 'window.perennialSnapshots = ["2026-01-31", "2026-02-28", "2026-03-01"];\n'
    entrance = (kept.home / "reports/out/index.html").read_text()
    assert "2026-02-28/index.html" in entrance
    assert "2026-02-27" not in entrance
    assert not (kept.home / "data/.staging").exists()
    assert prune_home(kept.settings) == Plan((), (JAN_31, FEB_28, MAR_1), (), 0, 0)


def test_the_plan_says_what_it_frees(kept: Kept) -> None:
    with kept.engine() as engine:
        what = plan(kept.settings, engine)
    assert (what.bytes, what.rows) == (2 * (3 * 5 + 2), 2 * 2)  # two days: three files of 5 bytes and a manifest of 2
    assert str(what) == "2 snapshots, 2026-01-30 … 2026-02-27: 0.0 MiB of files and 4 rows of the warehouse"


@pytest.mark.parametrize("has_manifest", [False, True])
def test_a_folder_with_a_date_is_no_snapshot_for_whose_sake_the_latest_goes(kept: Kept, has_manifest: bool) -> None:
    for place in ("reports/out/2999-01-01", "data/audiences/2999-01-01", "data/marts/rfm_scores/day=2999-01-01"):
        (kept.home / place).mkdir()
    (kept.home / f"data/audiences/{MAR_1}/loyal.klaviyo.csv").write_text("Email")
    if has_manifest:
        (kept.home / "data/audiences/2999-01-01/manifest.json").write_text("{}")
    settings = kept.settings.model_copy(update={"keep_monthly": 0})
    what = prune_home(settings)
    assert what.expired == (JAN_30, JAN_31, FEB_27, FEB_28) and not what.with_addresses
    assert MAR_1 in kept.in_files() & kept.in_warehouse()


def test_what_the_run_was_asked_for_is_spared(kept: Kept) -> None:
    with kept.engine() as engine:
        what = plan(kept.settings, engine, spare=[JAN_30])
        prune(kept.settings, engine, "test", what)
    assert what.expired == (FEB_27,)
    assert JAN_30 in kept.in_files() & kept.in_warehouse()


def test_a_dry_run_removes_nothing(kept: Kept) -> None:
    assert prune_home(kept.settings, dry_run=True).expired == (JAN_30, FEB_27)
    assert kept.in_files() == kept.in_warehouse() == set(DAYS)
    assert (kept.home / "reports/out/index.html").read_text() == "all five"


def test_files_with_addresses_go_sooner_and_the_manifest_says_so(kept: Kept) -> None:
    # The newest is 1 March: 30 January is 30 days before it, and the 29th, which nothing else removes here, 31.
    old = dt.date(2026, 1, 29)
    names = ("grid/loyal.csv", "grid/loyal.parquet", "grid/loyal.klaviyo.csv", "grid/loyal.klaviyo-removed.csv")
    for day in (old, JAN_30):
        folder = kept.home / f"data/audiences/{day}"
        (folder / "grid").mkdir(parents=True)
        for name in names:
            (folder / name).write_text("Email")
        files = [{"path": f"data/audiences/{day}/{name}", "rows": 1, "sha256": "f"} for name in names]
        (folder / "manifest.json").write_text(json.dumps({"files": files, "terms": []}))
    settings = kept.settings.model_copy(update={"keep_daily": 9})
    what = prune_home(settings, dry_run=True)
    assert str(what) == "2 files with addresses, of platforms"
    assert prune_home(settings) == what
    for day, left in ((old, names[:2]), (JAN_30, names)):
        folder = kept.home / f"data/audiences/{day}"
        assert {path.relative_to(folder).as_posix() for path in folder.glob("*/*")} == set(left)
        told = json.loads((folder / "manifest.json").read_text())
        assert [one["path"].removeprefix(f"data/audiences/{day}/") for one in told["files"]] == list(left)
        assert [one["path"].rpartition("/")[2] for one in told.get("removed", [])] == (
            [] if day == JAN_30 else ["loyal.klaviyo-removed.csv", "loyal.klaviyo.csv"]
        )
    assert not prune_home(settings) and kept.in_warehouse() == set(DAYS)
    with kept.engine() as engine:
        short = settings.model_copy(update={"keep_platform_days": 1})
        assert len(plan(short, engine).with_addresses) == 2 and not plan(short, engine, spare=[JAN_30])


def test_the_text_of_quarantined_rows_goes_and_numbers_and_reasons_stay(kept: Kept) -> None:
    folder, settings = kept.home / "data/quarantine", kept.settings.model_copy(update={"keep_daily": 9})
    folder.mkdir()
    rows = pl.DataFrame({"row_number": [2, 7], "reasons": ["missing", "no number"], "raw": ["anna@x.example", "Bert"]})
    for name, age in (("old-0.parquet", 92), ("new-1.parquet", 88), (".hidden.parquet", 400)):
        rows.write_parquet(folder / name)
        at = dt.datetime.combine(settings.today() - dt.timedelta(age), dt.time(12)).timestamp()
        os.utime(folder / name, (at, at))
    (folder / "cut-2.parquet").write_text("no Parquet")
    os.utime(folder / "cut-2.parquet", (0, 0))
    assert not prune_home(settings.model_copy(update={"keep_quarantine_days": 10**9}), dry_run=True)
    what = prune_home(settings, dry_run=True)
    assert str(what) == "the text of quarantined rows in 1 file" and what.quarantined == (
        "data/quarantine/old-0.parquet",
    )
    assert prune_home(settings) == what and not prune_home(settings)
    left = pl.read_parquet(folder / "old-0.parquet")
    assert left.rows() == [(2, "missing", ""), (7, "no number", "")]
    assert b"anna" not in (folder / "old-0.parquet").read_bytes()
    assert pl.read_parquet(folder / "new-1.parquet").equals(rows) and kept.in_warehouse() == set(DAYS)


def test_what_goes_by_age_alone_is_no_snapshot(kept: Kept) -> None:
    """On a run of an older day, who finds that day again, and no address or text past its time."""
    with kept.engine() as engine:
        what = replace(plan(kept.settings, engine), with_addresses=("a.meta.csv",), quarantined=("q.parquet",))
    assert what.expired and what.of_age_alone.kept == tuple(DAYS)
    assert str(what.of_age_alone) == "1 file with addresses, of platforms; the text of quarantined rows in 1 file"


def test_what_dies_between_files_and_warehouse_is_finished_by_the_next(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = DuckDBEngine.execute

    def die(engine: DuckDBEngine, sql: str, *rest: object) -> object:
        if sql.startswith("DELETE FROM marts"):
            raise KeyboardInterrupt
        return execute(engine, sql, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(DuckDBEngine, "execute", die)
        with pytest.raises(KeyboardInterrupt):
            prune_home(kept.settings)
    assert kept.in_files() == {JAN_31, FEB_28, MAR_1}
    assert kept.in_warehouse() == set(DAYS)
    assert prune_home(kept.settings).rows == 4
    assert kept.in_warehouse() == {JAN_31, FEB_28, MAR_1}


def test_a_home_in_use_is_left_alone(kept: Kept) -> None:
    with home_lock(kept.home, "another", 0), pytest.raises(HomeBusy):
        prune_home(kept.settings.model_copy(update={"lock_wait_seconds": 0.0}))
    assert kept.in_files() == set(DAYS)


def test_a_warehouse_from_before_a_table_was_added(kept: Kept) -> None:
    with kept.engine() as engine:
        engine.execute("DROP TABLE marts.rfm_crosstab")
        assert plan(kept.settings, engine).expired == (JAN_30, FEB_27)


def test_doctor_says_what_would_go_and_removes_nothing(kept: Kept) -> None:
    (said,) = [finding.message for finding in examine(kept.home) if finding.subject == "retention"]
    assert said.startswith("3 snapshots are kept (keep_daily 1, keep_monthly all); `perennial prune` would remove 2 ")
    assert kept.in_files() == set(DAYS)


def test_the_command_says_what_it_did(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PERENNIAL_HOME", "DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")  # put back afterwards; the command sets them for its process
    arguments = ["prune", "--home", str(kept.home)]
    size = "2 snapshots, 2026-01-30 … 2026-02-27: 0.0 MiB of files and 4 rows of the warehouse."
    for extra, said in (["--dry-run"], f"Would remove {size}"), ([], f"Removed {size}"), ([], "Nothing to remove"):
        result = CliRunner().invoke(app, [*arguments, *extra])
        assert result.exit_code == 0, result.output
        assert result.output.startswith(said)


def test_a_home_without_a_warehouse_has_nothing_to_prune(tmp_path: Path) -> None:
    assert prune_home(Settings(home=tmp_path)).expired == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["keep_daily = 0", "keep_monthly = -1", 'keep_monthly = "some"'])
def test_settings_that_would_keep_nothing_are_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "perennial.toml").write_text(line)
    with pytest.raises(SettingsError, match="keep_"):
        load(tmp_path)
