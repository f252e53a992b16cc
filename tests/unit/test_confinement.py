"""The second wall: SQL on the warehouse reaches the home's files and those that are named, and cannot widen that."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipeline.engines.duckdb import DuckDBEngine, confine, connect, open_file
from pipeline.settings import Settings


@pytest.fixture
def outside(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("outside")
    for name in ("named.csv", "other.csv", "it's [1].csv"):
        (folder / name).write_text("a\n1\n")
    return folder


@pytest.fixture
def engine(tmp_path, outside):
    settings = Settings(home=tmp_path)
    (tmp_path / "inside.csv").write_text("a\n1\n")
    with closing(open_file(settings.warehouse_file, settings)) as connection:
        confine(connection, settings, [outside / "named.csv", outside / "it's [1].csv"])
        yield DuckDBEngine(connection)


def reads(engine: DuckDBEngine, path: object) -> list[tuple]:
    return engine.execute("SELECT a FROM read_csv('{}')".format(str(path).replace("'", "''")))


def test_the_home_and_what_is_named_can_be_read(engine, tmp_path, outside):
    for path in (tmp_path / "inside.csv", outside / "named.csv", outside / "it's [1].csv"):
        assert reads(engine, path) == [(1,)]


def test_nothing_else_can(engine, tmp_path, outside):
    beside = tmp_path / ".." / outside.name / "other.csv"
    for path in (outside / "other.csv", "/etc/passwd", beside, "https://example.org/x.csv"):
        with pytest.raises(duckdb.Error, match=r"Cannot access|disabled"):
            reads(engine, path)


@pytest.mark.parametrize(
    "statement",
    [
        "SET enable_external_access = true",
        "SET allowed_paths = ['/etc/passwd']",
        "SET allowed_directories = ['/']",
        "SET allowed_configs = ['enable_external_access']",
        "RESET lock_configuration",
        "SET lock_configuration = false",
        "ATTACH '/tmp/elsewhere.duckdb' AS elsewhere",
        "COPY (SELECT 1 AS a) TO '/tmp/elsewhere.parquet'",
        "LOAD httpfs",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM duckdb_secrets()",
    ],
)
def test_the_wall_cannot_be_taken_down(engine, statement):
    with pytest.raises(duckdb.Error):
        engine.execute(statement)


def test_what_a_run_does_goes_on_working(engine, tmp_path):
    optimizers = engine.scalar("SELECT current_setting('disabled_optimizers')")
    assert engine.export("SELECT 1 AS a", {}, tmp_path / "a.parquet") == 1
    assert pl.read_parquet(tmp_path / "a.parquet").rows() == [(1,)]
    assert engine.scalar("SELECT current_setting('disabled_optimizers')") == optimizers
    engine.execute("CREATE TABLE kept (a BIGINT)")
    engine.insert("kept", pl.DataFrame({"a": [1, 2]}))
    assert engine.scalar("SELECT sum(a) FROM kept") == 3


def test_every_connection_is_confined(tmp_path):
    settings = Settings(home=tmp_path)
    connect(settings.warehouse_file, settings).close()
    with closing(connect(settings.warehouse_file, settings, read_only=True)) as connection, pytest.raises(duckdb.Error):
        connection.execute("SELECT * FROM read_text('/etc/passwd')").fetchall()


def test_the_folders_that_the_settings_name_belong_to_the_home(tmp_path, outside):
    for settings in (
        Settings(home=tmp_path, rates_file=outside),
        Settings(home=tmp_path, rates_file=outside / "other.csv"),
        Settings(home=tmp_path, spark={"warehouse": outside}),
    ):
        with closing(connect(Path(":memory:"), settings)) as connection:
            assert reads(DuckDBEngine(connection), outside / "other.csv") == [(1,)]
