"""The lake's catalog: what is entered is the table, what is not is nothing, and no Spark is needed for it."""

import datetime as dt
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from pipeline.engines.duckdb import DuckDBEngine, connect
from pipeline.engines.engine import TableRefused
from pipeline.engines.spark.engine import SparkEngine, SparkFailed
from pipeline.engines.spark.lake import Lake, LakeNotWritable
from pipeline.settings import Settings, SettingsError
from pipeline.tables.catalog import tables
from pipeline.tables.header import Header, Table

JAN, FEB = dt.date(2026, 1, 31), dt.date(2026, 2, 28)
HEADER = {
    "description": "A table for tests.",
    "grain": ["snapshot_date", "customer_id"],
    "owner": "team:data",
    "columns": {
        "snapshot_date": {"type": "DATE", "meaning": "Day"},
        "customer_id": {"type": "VARCHAR", "meaning": "Customer"},
        "spend": {"type": "DECIMAL(18,2)", "meaning": "Money", "nullable": True},
    },
}
TABLE = Table("marts", "things", Header.model_validate(HEADER), "SELECT 1", "sql/marts/things.sql")
ROWS = "SELECT customer_id, spend FROM marts.things WHERE snapshot_date = $day ORDER BY customer_id"


@pytest.fixture
def local(tmp_path: Path) -> Iterator[DuckDBEngine]:
    with closing(connect(tmp_path / "spark.duckdb", Settings(home=tmp_path))) as connection:
        yield DuckDBEngine(connection)


@pytest.fixture
def lake(local: DuckDBEngine, tmp_path: Path) -> Lake:
    return _lake(local, tmp_path)


def _lake(local: DuckDBEngine, home: Path) -> Lake:
    lake = Lake(local, Settings(home=home, engine="spark"), [TABLE])
    lake.prepare()
    return lake


def _write(lake: Lake, day: dt.date, run: str, *customers: str) -> Path:
    folder = lake.new_folder(TABLE, day, run)
    folder.mkdir(parents=True)
    pl.DataFrame({"snapshot_date": [day] * len(customers), "customer_id": customers}).write_parquet(
        folder / "p.parquet"
    )
    return folder


def _commit(lake: Lake, day: dt.date, run: str, *customers: str) -> Path:
    folder = _write(lake, day, run, *customers)
    lake.commit(TABLE, day, folder, len(customers))
    return folder


def test_a_table_without_folders_is_empty(lake: Lake, local: DuckDBEngine) -> None:
    assert local.execute("SELECT * FROM marts.things") == []
    assert lake.partitions(TABLE) == []


def test_what_is_entered_is_read_and_a_column_that_files_lack_is_null(lake: Lake, local: DuckDBEngine) -> None:
    _commit(lake, JAN, "one", "anna", "ben")
    assert local.execute(ROWS, {"day": JAN}) == [("anna", None), ("ben", None)]


def test_a_partition_is_replaced_whole_and_its_old_folder_goes(lake: Lake, local: DuckDBEngine) -> None:
    old = _commit(lake, JAN, "one", "anna")
    _commit(lake, FEB, "one", "anna", "ben")
    _commit(lake, JAN, "two", "carl")
    assert local.execute(ROWS, {"day": JAN}) == [("carl", None)]
    assert not old.exists()
    assert lake.rows_by_day() == {JAN: 1, FEB: 2}


def test_a_run_may_write_a_partition_twice(lake: Lake, local: DuckDBEngine) -> None:
    for customer in ("anna", "ben", "carl"):
        _commit(lake, JAN, "one", customer)
    assert local.execute(ROWS, {"day": JAN}) == [("carl", None)]


def test_what_a_dead_run_left_is_unseen_and_removed(lake: Lake, local: DuckDBEngine, tmp_path: Path) -> None:
    kept, left = _commit(lake, JAN, "one", "anna"), _write(lake, JAN, "dead", "ghost")
    assert local.execute(ROWS, {"day": JAN}) == [("anna", None)]
    _lake(local, tmp_path)
    assert kept.exists() and not left.exists()


def test_days_are_dropped_from_catalog_and_disk(lake: Lake, local: DuckDBEngine) -> None:
    gone = _commit(lake, JAN, "one", "anna")
    _commit(lake, FEB, "one", "ben")
    lake.drop_days([JAN])
    assert lake.partitions(TABLE) == [FEB]
    assert not gone.exists()
    assert local.execute("SELECT customer_id FROM marts.things") == [("ben",)]


def test_a_partition_is_on_disk_before_it_is_entered(
    lake: Lake, local: DuckDBEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _commit(lake, JAN, "one", "anna")
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").readlink()))
    folder, entered = _write(lake, JAN, "two", "ben"), local.transaction
    monkeypatch.setattr(local, "transaction", lambda: (synced.append(Path("entered")), entered())[1])
    lake.commit(TABLE, JAN, folder, 1)
    before = synced[: synced.index(Path("entered"))]
    assert [folder / "p.parquet", folder, *folder.parents[:4]] == before
    assert folder.parents[3] == lake.root


def test_an_empty_partition_is_no_snapshot(lake: Lake) -> None:
    _commit(lake, JAN, "one")
    assert lake.partitions(TABLE) == []


def _night(home: Path, root: Path | None) -> Path:
    """A run of the home that writes a partition into its lake; returns the folder."""
    settings = Settings(home=home, engine="spark", spark={"warehouse": root})
    with closing(connect(settings.warehouse_file, settings)) as connection:
        lake = Lake(DuckDBEngine(connection), settings, [TABLE])
        lake.prepare()
        return _commit(lake, JAN, f"run-{home.name}", "anna")


def _refused(home: Path, root: Path) -> str:
    with pytest.raises(LakeNotWritable) as refused:
        _night(home, root)
    return str(refused.value)


def test_a_lake_belongs_to_one_home(tmp_path: Path) -> None:
    folder = _night(tmp_path / "shop", tmp_path / "lake")
    said = _refused(tmp_path / "other", tmp_path / "lake")
    assert "another home" in said and str(tmp_path / "shop") in said and "spark.warehouse" in said
    assert folder.exists()
    assert _night(tmp_path / "shop", tmp_path / "lake").exists()


def test_homes_of_two_machines_may_have_the_same_path(tmp_path: Path) -> None:
    folder = _night(tmp_path / "shop", tmp_path / "lake")
    (tmp_path / "shop").rename(tmp_path / "of-another-machine")
    assert "another home" in _refused(tmp_path / "shop", tmp_path / "lake")
    assert folder.exists()


def test_a_copied_home_does_not_share_the_lake_and_a_moved_one_says_so(tmp_path: Path) -> None:
    folder = _night(tmp_path / "shop", tmp_path / "lake")
    shutil.copytree(tmp_path / "shop", tmp_path / "copy")
    assert "after a move, delete" in _refused(tmp_path / "copy", tmp_path / "lake")
    assert folder.exists()
    (tmp_path / "lake" / "perennial-home").unlink()
    _night(tmp_path / "copy", tmp_path / "lake")
    assert str(tmp_path / "copy") in _refused(tmp_path / "shop", tmp_path / "lake")


def test_a_lake_inside_its_home_goes_with_it(tmp_path: Path) -> None:
    _night(tmp_path / "shop", None)
    (tmp_path / "shop").rename(tmp_path / "moved")
    folder = _night(tmp_path / "moved", None)
    (tmp_path / "moved" / "data" / "warehouse" / "spark.duckdb").unlink()
    _night(tmp_path / "moved", None)
    assert folder.exists()
    assert "another home" in _refused(tmp_path / "other", tmp_path / "moved" / "data" / "warehouse" / "spark")


def test_a_folder_that_others_filled_is_not_swept(tmp_path: Path) -> None:
    theirs = tmp_path / "shared" / "runs" / "theirs"
    theirs.mkdir(parents=True)
    assert "holds runs, which this home has not written" in _refused(tmp_path / "shop", tmp_path / "shared")
    assert theirs.exists()


def test_a_folder_that_cannot_be_looked_at_is_a_clear_message(tmp_path: Path) -> None:
    assert "File name too long. Make the folder writable, or name" in _refused(
        tmp_path / "shop", tmp_path / ("x" * 300)
    )


def test_folders_that_are_gone_are_named_and_nothing_is_made(tmp_path: Path) -> None:
    folder = _night(tmp_path / "shop", tmp_path / "lake")
    (tmp_path / "lake").rename(tmp_path / "unmounted")
    said = _refused(tmp_path / "shop", tmp_path / "lake")
    assert f"there is no {folder}" in said and "mount it" in said and "delete data/warehouse/spark.duckdb" in said
    assert not (tmp_path / "lake").exists()
    (tmp_path / "unmounted").rename(tmp_path / "lake")
    assert "set it back" in _refused(tmp_path / "shop", tmp_path / "elsewhere")
    assert folder.exists()


def _prepared(home: Path, local: DuckDBEngine, *order_lines: str) -> None:
    settings = Settings(home=home, engine="spark", spark={"order_lines": order_lines})
    SparkEngine(local, settings, "run").prepare(list(tables().values()))


def test_the_way_of_order_lines_may_change_while_none_is_loaded(local: DuckDBEngine, tmp_path: Path) -> None:
    for way in ((), ("/given/*.parquet",), ()):
        _prepared(tmp_path, local, *way)
    local.execute("INSERT INTO ingest.files BY NAME SELECT 'a' AS file_id, 'order_lines' AS input, 'loaded' AS status")
    with pytest.raises(SettingsError, match=r"came from the drop folder, and now they are to come from spark\.order"):
        _prepared(tmp_path, local, "/given/*.parquet")


ONE_ROW = "SELECT snapshot_date FROM marts.things GROUP BY snapshot_date HAVING count(*) > 1"
COUNTED = Header.model_validate({**HEADER, "tests": {"one_row_of_each_day": ONE_ROW}})


class NoSession:
    """Spark is asked for nothing."""


def _things(local: DuckDBEngine, home: Path, **changed: object) -> tuple[SparkEngine, Table]:
    """An engine that writes the table, and has been given no session."""
    table = replace(TABLE, header=COUNTED, **changed)
    engine = SparkEngine(local, Settings(home=home, engine="spark"), "run")
    engine.prepare([table])
    engine._session = NoSession()  # type: ignore[assignment]
    return engine, table


def _day(*customers: str) -> pl.DataFrame:
    return pl.DataFrame({"customer_id": customers, "spend": [Decimal(1)] * len(customers)})


@pytest.mark.parametrize(
    ("customers", "says"),
    [
        (("anna", "anna"), "keys_unique: 1 row fails"),
        (("anna", "ben"), "one_row_of_each_day: 1 row fails; the test is: SELECT snapshot_date FROM marts.things"),
    ],
)
def test_what_lies_in_the_folder_is_checked_before_it_is_the_partition(
    local: DuckDBEngine, tmp_path: Path, customers: tuple[str, ...], says: str
) -> None:
    engine, table = _things(local, tmp_path)
    written = engine.write_frame(table, JAN, _day("carl"))
    assert [check.name for check in written.checks] == ["keys_unique", "columns_fit", "one_row_of_each_day"]
    (before,) = engine.lake.folders(table)
    with pytest.raises(TableRefused, match=rf"^marts\.things was not changed\. {re.escape(says)}"):
        engine.write_frame(table, JAN, _day(*customers))
    assert local.execute(ROWS, {"day": JAN}) == [("carl", Decimal(1))]
    assert engine.lake.rows_by_day() == {JAN: 1}
    assert [file.parent for file in engine.lake.root.rglob("*.parquet")] == [before]


def test_what_else_is_recorded_goes_with_the_partition_that_is_refused(local: DuckDBEngine, tmp_path: Path) -> None:
    engine, table = _things(local, tmp_path)
    local.execute("CREATE TABLE noted (text VARCHAR)")

    def write(folder: Path) -> None:
        folder.mkdir(parents=True)
        _day("anna").with_columns(pl.lit(JAN).alias("snapshot_date")).write_parquet(folder / "p.parquet")

    def note_and_fail() -> None:
        local.execute("INSERT INTO noted VALUES ('loaded')")
        raise ValueError

    with pytest.raises(ValueError):
        engine.write_rows(table, JAN, write, note_and_fail)
    assert local.execute("SELECT * FROM noted") == local.execute(ROWS, {"day": JAN}) == []
    engine.write_rows(table, JAN, write, lambda: local.execute("INSERT INTO noted VALUES ('loaded')"))
    assert local.execute("SELECT * FROM noted") == [("loaded",)]


def test_a_table_of_which_others_have_no_rows_needs_no_spark(local: DuckDBEngine, tmp_path: Path) -> None:
    settings, made = Settings(home=tmp_path, engine="spark"), tables()["marts.engagement"]
    engine = SparkEngine(local, settings, "run")
    engine.prepare(list(tables().values()))
    engine._session = NoSession()  # type: ignore[assignment]
    assert engine.write(made, JAN).rows == 0
    assert engine.lake.folders(made)[0].is_dir()


class WorkersElsewhere:
    """A session whose workers write to a disk of their own: the folder is made here, the rows are not."""

    def __getattr__(self, _: str) -> "WorkersElsewhere":
        return self

    def __call__(self, *arguments: object) -> "WorkersElsewhere":
        if arguments and "probe" in str(arguments[0]):
            Path(str(arguments[0]).removeprefix("file://")).mkdir(parents=True)
        return self


def test_workers_that_write_elsewhere_are_noticed(local: DuckDBEngine, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, engine="spark", spark={"master": "spark://127.0.0.1:7077"})
    engine = SparkEngine(local, settings, "run")
    engine.lake = Lake(local, settings, [TABLE])
    engine.lake.prepare()
    engine._session = WorkersElsewhere()  # type: ignore[assignment]
    with pytest.raises(LakeNotWritable, match=r"of 64 rows of a probe in .*, 0 are here\. Set spark\.warehouse"):
        engine._start()


class Unreachable(Exception):
    """As pyspark raises it."""

    __module__ = "pyspark.errors"


class LostSession:
    """A session whose server has gone."""

    def sql(self, _: str) -> None:
        raise Unreachable("the server has gone\n  at java.lang.Thread")


def test_what_fails_while_a_view_is_made_is_told_with_the_table(local: DuckDBEngine, tmp_path: Path) -> None:
    engine = SparkEngine(local, Settings(home=tmp_path, engine="spark"), "run")
    engine._session = LostSession()  # type: ignore[assignment]
    with pytest.raises(SparkFailed, match=r"^marts\.things: Spark says: the server has gone$"):
        engine._show([], TABLE)
