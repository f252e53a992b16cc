"""Homes of an earlier version: what is stored and what is published becomes what this version writes."""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from homes import sha256
from shop import Shop, all_tables, build, open_engine

from pipeline.activation.outputs import write_audiences, write_tables
from pipeline.doctor import examine
from pipeline.engines.duckdb import DuckDBEngine, WarehouseOutdated, connect
from pipeline.engines.partitions import Partitions
from pipeline.home import publishing
from pipeline.home.migrations import STEPS, VERSION, Step, WarehouseTooNew, migrate, rename_folders, require_known
from pipeline.home.publishing import recover
from pipeline.home.retention import prune_home
from pipeline.places import table_file
from pipeline.settings import Settings
from pipeline.tables.catalog import ours
from pipeline.tables.header import Table

DAY, NEXT = dt.date(2026, 1, 30), dt.date(2026, 1, 31)
CURVES, EVENTS = "marts.survival_curves", "marts.segment_events"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, threads=1)


@pytest.fixture
def engine(settings: Settings) -> Iterator[DuckDBEngine]:
    with closing(connect(settings.warehouse_file, settings)) as connection:
        yield DuckDBEngine(connection)


def table(name: str) -> Table:
    return all_tables()[name]


def make_old(engine: DuckDBEngine, name: str, **changes: str | None) -> list[str]:
    """The table as an earlier version made it: the columns backwards, of other types, None: not there yet."""
    columns = dict(reversed(table(name).column_types().items())) | changes
    schema = name.partition(".")[0]
    engine.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    engine.execute(f"CREATE TABLE {name} ({', '.join(f'{name} {kind}' for name, kind in columns.items() if kind)})")
    return list(columns)


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_steps_are_numbered_one_after_the_other():
    assert [step.version for step in STEPS] == list(range(1, VERSION + 1))


def test_a_new_warehouse_has_all_steps_behind_it(engine, settings):
    assert migrate(engine, settings) == []
    assert require_known(engine) == VERSION
    assert engine.scalar("SELECT count(*) FROM migrations.taken") == len(STEPS)


def test_an_old_warehouse_takes_each_step_once(engine, settings):
    make_old(engine, "ingest.files")
    make_old(engine, CURVES, silent_days=None, day="BIGINT")
    engine.execute(f"INSERT INTO {CURVES} (snapshot_date, order_number, day) VALUES ('2026-01-30', 1, 7)")
    make_old(engine, EVENTS, revenue_12_months=None, value_at_stake="DECIMAL(18,2)")
    engine.execute(
        f"INSERT INTO {EVENTS} (snapshot_date, customer_id, value_at_stake) VALUES ('2026-01-30', 'anna', 9)"
    )
    first, second, third = migrate(engine, settings)
    assert first.endswith("column day of survival_curves is called silent_days.")
    assert second.endswith("one catalog lists the partitions of all tables.")
    assert third.endswith("revenue of 12 months is no longer called value_at_stake.")
    assert engine.execute(f"SELECT silent_days FROM {CURVES}") == [(7,)]
    assert engine.execute(f"SELECT revenue_12_months FROM {EVENTS}") == [(9,)]
    assert migrate(engine, settings) == []


def rows_by_table(engine: DuckDBEngine) -> list[tuple[object, ...]]:
    return engine.execute("SELECT table_name, day, row_count, folder FROM catalog.partitions ORDER BY ALL")


def test_partitions_of_an_old_warehouse_are_listed(engine, settings):
    """Also those of a table that this version no longer has: retention takes them away all the same."""
    make_old(engine, "ingest.files")
    for name in ("marts.rfm_scores", "marts.rfm_segments"):
        make_old(engine, name)
    engine.execute("CREATE TABLE marts.of_before (snapshot_date DATE)")
    engine.execute("INSERT INTO marts.of_before VALUES ('2026-01-31')")
    engine.execute(
        "INSERT INTO marts.rfm_scores (snapshot_date, customer_id) VALUES "
        "('2026-01-30', 'anna'), ('2026-01-30', 'bert'), ('2026-01-31', 'anna')"
    )
    before = engine.rows_by_day()  # as `perennial prune --dry-run` sees it, which takes no step
    migrate(engine, settings)
    assert before == engine.rows_by_day() == {DAY: 2, NEXT: 2}
    assert rows_by_table(engine) == [
        ("marts.of_before", NEXT, 1, None), ("marts.rfm_scores", DAY, 2, None), ("marts.rfm_scores", NEXT, 1, None),
    ]  # fmt: skip
    assert engine.partitions(table("marts.rfm_scores")) == [DAY, NEXT]
    engine.drop_days([NEXT])
    assert engine.execute("SELECT * FROM marts.of_before") == []
    assert rows_by_table(engine) == [("marts.rfm_scores", DAY, 2, None)]


def test_the_catalog_of_an_old_lake_becomes_the_one(engine, settings):
    make_old(engine, "ingest.files")
    engine.execute("CREATE SCHEMA lake")
    engine.execute(
        "CREATE TABLE lake.partitions (table_name VARCHAR, day DATE, folder VARCHAR, row_count BIGINT)",
    )
    engine.execute(
        "INSERT INTO lake.partitions VALUES ('marts.rfm_scores', '2026-01-30', 'runs/one/scores', 3), "
        "('staging.orders', NULL, 'runs/one/orders', 7)"
    )
    before = Partitions(engine.execute).folders()
    migrate(engine, settings)
    assert before == Partitions(engine.execute).folders() == ["runs/one/scores", "runs/one/orders"]
    assert engine.rows_by_day() == {DAY: 3}
    assert not engine.has("lake.partitions")


def test_a_step_that_fails_is_not_taken(engine, settings):
    def half(engine: DuckDBEngine, settings: Settings) -> None:
        engine.execute("CREATE TABLE ingest.half (a INTEGER)")
        raise ValueError("no further")

    make_old(engine, "ingest.files")
    steps = (*STEPS, Step(VERSION + 1, "half of it", half))
    with pytest.raises(ValueError, match="no further"):
        migrate(engine, settings, steps)
    assert require_known(engine) == VERSION
    assert not engine.has("ingest.half")


def test_the_warehouse_of_a_newer_version_is_refused(settings):
    with closing(connect(settings.warehouse_file, settings)) as connection:
        engine = DuckDBEngine(connection)
        migrate(engine, settings, (*STEPS, replace(STEPS[-1], version=VERSION + 1)))
        with pytest.raises(WarehouseTooNew, match=f"its tables are at {VERSION + 1}, this version knows them up to"):
            migrate(engine, settings)
    with pytest.raises(WarehouseTooNew):
        prune_home(settings)
    (finding,) = [finding for finding in examine(settings.home) if finding.subject == "warehouse"]
    assert finding.status == "fail" and "a newer version" in finding.message


# ── columns ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_columns_are_added_left_out_and_given_their_type(engine, settings):
    name = "marts.rfm_segments"
    make_old(engine, name, segment=None, catalogue="INTEGER", gone="DATE")
    engine.execute(f"INSERT INTO {name} (snapshot_date, customer_id, catalogue) VALUES ('2026-01-30', 'anna', 7)")
    assert engine.prepare(settings, [table(name)]) == [f"{name}: column catalogue was INTEGER and is VARCHAR now."]
    assert engine.column_types(name) == table(name).column_types()
    assert engine.execute(f"SELECT customer_id, catalogue, segment FROM {name}") == [("anna", "7", None)]
    assert engine.prepare(settings, [table(name)]) == []


def test_a_snapshot_whose_values_do_not_fit_is_removed_and_named(engine, settings):
    name = "marts.rfm_scores"
    make_old(engine, name, recency_days="VARCHAR")
    engine.execute(
        f"INSERT INTO {name} (snapshot_date, customer_id, recency_days) VALUES "
        f"('2026-01-30', 'anna', '5'), ('2026-01-31', 'anna', '6'), ('2026-01-31', 'bert', 'six')"
    )
    make_old(engine, "ingest.files")
    migrate(engine, settings)
    (sentence,) = engine.prepare(settings, [table(name)])
    assert rows_by_table(engine) == [(name, DAY, 1, None)]
    assert "column recency_days was VARCHAR and is" in sentence
    assert "perennial run --from 2026-01-31 --to 2026-01-31 --every day" in sentence
    assert engine.execute(f"SELECT snapshot_date, recency_days FROM {name}") == [(DAY, 5)]


def test_loaded_rows_that_do_not_fit_stop_the_upgrade_and_stay(engine, settings):
    name = "staging.order_lines"
    make_old(engine, name, amount="VARCHAR")
    engine.execute(f"INSERT INTO {name} (order_id, amount) VALUES ('o1', '1.005')")
    with pytest.raises(WarehouseOutdated, match=r"column amount was VARCHAR .*, and 1 rows"):
        engine.prepare(settings, [table(name)])
    assert engine.execute(f"SELECT amount FROM {name}") == [("1.005",)]


def test_a_table_that_every_run_rebuilds_is_emptied_and_rebuilt_whole(engine, settings):
    name = "staging.orders"
    read = [table(name) for name in sorted(table(name).reads) if not name.startswith("params.")]
    engine.prepare(settings, [*read, table(name)])
    engine.write(table(name))
    assert engine._pending.keys(table(name)) is not None
    engine.execute(f"ALTER TABLE {name} ALTER COLUMN customer_id TYPE BLOB USING CAST(customer_id AS BLOB)")
    assert engine.prepare(settings, [*read, table(name)]) == []
    assert engine.column_types(name) == {n: kind.replace(" ", "") for n, kind in table(name).column_types().items()}
    assert engine._pending.keys(table(name)) is None


def test_an_upgraded_table_and_a_new_one_are_published_as_the_same_bytes(engine, settings, tmp_path):
    name, files = "marts.rfm_scores", {}
    for made in ("new", "old"):
        engine.execute(f"DROP TABLE IF EXISTS {name}")
        if made == "old":
            make_old(engine, name, gone="VARCHAR", recency_days="VARCHAR", revenue="DECIMAL(18,4)")
        engine.execute("CREATE SCHEMA IF NOT EXISTS marts")
        engine.prepare(settings, [table(name)])
        engine.execute(
            f"INSERT INTO {name} (snapshot_date, customer_id, recency_days, revenue) VALUES "
            f"('2026-01-30', 'anna', 5, 1.5), ('2026-01-30', 'bert', 6, 2)"
        )
        (output,) = write_tables(engine, [table(name)], DAY, lambda target, made=made: tmp_path / f"{made}.parquet")
        files[made] = output.sha256
        assert pl.read_parquet_schema(tmp_path / f"{made}.parquet").names() == list(table(name).header.columns)
    assert files["old"] == files["new"]


TABLES_OF_BEFORE = Path(__file__).with_name("warehouse_of_dff5bc1.sql")
"""As commit dff5bc1 made them, the last one before there was a catalog of partitions."""

CHANGES = (
    "ALTER TABLE marts.kpis ADD COLUMN gone VARCHAR",
    "ALTER TABLE marts.rfm_scores ALTER COLUMN recency_days TYPE VARCHAR",
    "ALTER TABLE marts.rfm_segments DROP COLUMN segment",
    "ALTER TABLE staging.order_lines ADD COLUMN gone INTEGER",
    "ALTER TABLE staging.orders DROP COLUMN customer_id",
    "ALTER TABLE ingest.files DROP COLUMN dates",
)
"""What versions to come may change: columns that are gone, that have another type, that are not there yet."""


@pytest.mark.parametrize("changes", [(), CHANGES], ids=["as it was", "with other columns"])
def test_a_warehouse_of_before_and_a_new_one_publish_the_same_bytes(engine, settings, tmp_path, changes):
    """The first day comes from the old tables, the second is computed in both."""
    with open_engine(settings) as new:
        shop = Shop(tmp_path, new).orders("anna", "2025-12-01", "2026-01-05", "2026-01-31", amount=12.5)
        shop.orders("bert", "2025-12-24", "2026-01-30").orders(None, "2026-01-02").refund(
            "bert-1", on=str(DAY), amount=4
        )
        shop.snapshot(str(DAY))
        for statement in TABLES_OF_BEFORE.read_text().splitlines():
            engine.execute(statement)
        since = [name for name in all_tables() if not engine.has(name)]
        for name in all_tables().keys() - since:
            rows = new.read(f"SELECT * FROM {name}")
            if held := [column for column in engine.column_types(name) if column in rows.columns]:  # tables of before
                engine.insert(name, rows.select(held))
        for statement in changes:
            engine.execute(statement)
        migrate(engine, settings)
        engine.prepare(settings, list(all_tables().values()))
        of_new_tables = {name: new.scalar(f"SELECT count(*) FROM {name}") for name in since}
        assert rows_by_day(engine) == [(day, rows - sum(of_new_tables.values())) for day, rows in rows_by_day(new)]
        for one in (engine, new):
            build(one, NEXT)
        assert {day for day, _ in rows_by_day(engine)} == {DAY, NEXT}
        old_files, new_files = (published_by(one, tmp_path / f"files-{n}") for n, one in enumerate((engine, new)))
    # Tables and columns that have come since are not known of the old days, nor is a column that was gone.
    names = [
        "lifecycle_stages",
        "key_moments",
        "period_comparison_customers",
        "rfm_class_history",
        "rfm_thresholds",
        *(name for name, rows in of_new_tables.items() if rows),
    ]
    names += ["rfm_segments"] if changes else []
    lacking = {table_file(name.removeprefix("marts."), DAY) for name in names}
    assert {path for path in new_files if old_files[path] != new_files[path]} == lacking
    assert old_files.keys() == new_files.keys()


def rows_by_day(engine: DuckDBEngine) -> list[tuple[object, ...]]:
    return sorted((day, rows) for day, rows in engine.rows_by_day().items())


def published_by(engine: DuckDBEngine, folder: Path) -> dict[str, str]:
    """Path and SHA-256 of what is published of both days, but for audiences of the first."""

    def file(target: str) -> Path:
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    outputs = [output for day in (DAY, NEXT) for output in write_tables(engine, ours().published, day, file)]
    return {
        output.path: output.sha256 for output in (*outputs, *write_audiences(engine, ours().audiences, NEXT, file)[0])
    }


# ── published folders ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A home in which an earlier version published two days of two tables."""
    for day in (DAY, NEXT):
        files = []
        for name in ("rfm_scores", "survival_curves"):
            path = f"data/marts/{name}/snapshot_date={day}/{name}.parquet"
            (tmp_path / path).parent.mkdir(parents=True)
            pl.DataFrame({"snapshot_date": [day], "customer_id": ["anna"], "day": [3]}).write_parquet(tmp_path / path)
            files.append({"path": path, "rows": 1, "sha256": sha256(tmp_path / path)})
        audiences, pages = tmp_path / f"data/audiences/{day}", tmp_path / f"reports/out/{day}"
        audiences.mkdir(parents=True)
        pages.mkdir(parents=True)
        (audiences / "manifest.json").write_text(json.dumps({"snapshot_date": str(day), "files": files}))
        link = f'<a href="../../../data/marts/rfm_scores/snapshot_date={day}/rfm_scores.parquet">'
        (pages / "index.html").write_text(f"{link} snapshot_date={day}/ in a text")
    return tmp_path


def assert_renamed(home: Path) -> None:
    for day in (DAY, NEXT):
        manifest = json.loads((home / f"data/audiences/{day}/manifest.json").read_text())
        assert [entry["path"] for entry in manifest["files"]] == [
            table_file(name, day) for name in ("rfm_scores", "survival_curves")
        ]
        for entry in manifest["files"]:
            assert sha256(home / entry["path"]) == entry["sha256"]
        page = home / f"reports/out/{day}/index.html"
        assert (page.parent / page.read_text().split('"')[1]).resolve() == home / table_file("rfm_scores", day)
        assert f"snapshot_date={day}/ in a text" in page.read_text()
        assert pl.read_parquet(home / table_file("survival_curves", day), hive_partitioning=False).columns == [
            "snapshot_date", "customer_id", "silent_days",
        ]  # fmt: skip
    assert list(home.glob("data/marts/*/snapshot_date=*")) == []
    assert not (home / "data/.staging").exists()


def test_folders_of_an_earlier_version_are_renamed_with_all_that_names_them(published):
    (sentence,) = rename_folders(published)
    assert "snapshot_date=<day> is now day=<day> (2 days)" in sentence
    assert_renamed(published)
    assert rename_folders(published) == []


@pytest.mark.parametrize("at", ["_write_marker", "_delete", "_put", "_remove_staging"])
def test_a_rename_that_is_killed_is_all_or_nothing_and_done_by_the_next_run(published, monkeypatch, at):
    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(publishing, at, killed)
        with pytest.raises(Killed):
            rename_folders(published)
    for path in published.glob("data/audiences/*/manifest.json"):
        for entry in json.loads(path.read_text())["files"]:
            assert sha256(published / entry["path"]) == entry["sha256"]  # a manifest in place is true
    recover(published)
    rename_folders(published)
    assert_renamed(published)


def test_where_the_disk_knows_no_links_files_are_copied(published, monkeypatch):
    def refused(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refused)
    rename_folders(published)
    assert_renamed(published)
