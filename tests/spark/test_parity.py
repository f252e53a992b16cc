"""Every SQL file on DuckDB and on Spark over one nasty shop: the same rows.

Here Spark's two workers are threads; as Java machines of their own they give the same rows of some tables in
`test_clusters.py`, and of all in `make test-long`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from nasty import DAYS, collectors, on_duckdb, on_spark, order_lines, write_exports
from polars.testing import assert_frame_equal

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.engines.spark.engine import SparkEngine
from pipeline.steps.computed import compute_of, tables_of
from pipeline.steps.prediction.inputs import Part, number_customers, window
from pipeline.tables.catalog import features, tables
from pipeline.tables.header import Table

pytestmark = pytest.mark.timeout(3000)  # all tables are made twice, and Java is slow where much else runs

MASTERS = ["local[2]", pytest.param("local-cluster[2,1,1024]", marks=pytest.mark.long)]
TABLES = [table for table in tables().values() if table.select or table.header.computed_by]


class Both:
    """Both engines over one shop. What fails on Spark is kept, so that each table has its own verdict."""

    def __init__(self, duckdb: DuckDBEngine, spark: SparkEngine) -> None:
        self.duckdb = duckdb
        self.spark = spark
        self.failed: dict[str, Exception] = {}

    def build(self) -> None:
        """The day before only of what the last day looks back at."""
        before, last = DAYS
        looked_back_at = _with_upstream({"marts.segment_events", "marts.rfm_class_history"})
        self._build([table for table in TABLES if table.full_name in looked_back_at], before)
        self._build(TABLES, last)

    def _build(self, built: Sequence[Table], day: dt.date) -> None:
        """A step makes all of its tables at once, with the first of them."""
        done: set[str] = set()
        for table in built:
            step = table.header.computed_by
            if step is None or step not in done:
                self._make(table, day)
            done.add(step or "")

    def _make(self, table: Table, day: dt.date) -> None:
        _make(self.duckdb, table, day)
        try:
            _make(self.spark, table, day)
        except Exception as error:
            self.failed.setdefault(table.full_name, error)

    def rows(self, table: Table) -> tuple[pl.DataFrame, pl.DataFrame]:
        sql = f"SELECT * FROM {table.full_name} ORDER BY {', '.join(table.header.grain)}"
        return self.duckdb.read(sql), self.spark.local.read(sql)


def _with_upstream(names: set[str]) -> set[str]:
    for name, table in reversed(tables().items()):
        if name in names:
            names = names | table.reads
    return names


def _make(engine: DuckDBEngine | SparkEngine, table: Table, day: dt.date) -> None:
    if table.select is not None:
        engine.write(table, day if table.is_partitioned else None)
        return
    assert table.header.computed_by is not None
    frames = compute_of(table.header.computed_by)(engine, engine.settings, day, lambda _: None)
    for written in tables_of(table.header.computed_by):
        engine.write_frame(written, day, frames.get(written.name, pl.DataFrame()))


@pytest.fixture(scope="module", params=MASTERS)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, needs_spark: None) -> Iterator[Both]:
    homes = [tmp_path_factory.mktemp(name) for name in ("duckdb", "spark")]
    for home in homes:
        write_exports(home / "data" / "exports" / "perennial", pl.concat([order_lines(), collectors()], how="diagonal"))
    with on_duckdb(homes[0]) as duckdb, on_spark(homes[1], request.param, memory_limit="3GB") as spark:
        both = Both(duckdb, spark)
        both.build()
        yield both


def same(ours: pl.DataFrame, theirs: pl.DataFrame) -> None:
    assert_frame_equal(ours, theirs, check_exact=False, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("name", [table.full_name for table in TABLES])
def test_a_table_has_the_same_rows(both: Both, name: str) -> None:
    if name in both.failed:
        raise both.failed[name]
    ours, theirs = both.rows(tables()[name])
    assert ours.height, f"{name} is empty here, and compares nothing"
    same(ours, theirs)


@pytest.mark.parametrize("name", list(features()))
def test_a_query_for_the_models_gives_the_same_rows(both: Both, name: str) -> None:
    query: Any = features()[name]
    columns = ", ".join(query.header.columns)
    sql = f"SELECT {columns} FROM ({query.select}) AS asked ORDER BY {', '.join(query.header.grain)}"
    ours, theirs = (engine.read(sql, {"snapshot_date": DAYS[-1]}) for engine in (both.duckdb, both.spark))
    assert ours.height
    same(ours, theirs.cast(dict(ours.schema)))


def test_a_part_of_the_customers_has_the_same_rows(both: Both) -> None:
    origin, ends = DAYS[-1] - dt.timedelta(120), [DAYS[-1] - dt.timedelta(days) for days in (90, 60, 0)]
    for engine in (both.duckdb, both.spark):
        number_customers(engine, DAYS[-1])
    ours, theirs = (window(engine, origin, ends, Part(1, 3))[ends[0]].frame for engine in (both.duckdb, both.spark))
    assert 250 < ours.height < 400
    same(ours, theirs.cast(dict(ours.schema)))


def test_the_shop_is_as_nasty_as_it_says(both: Both) -> None:
    lines = both.duckdb.read("SELECT * FROM staging.order_lines")
    orders = lines.select("order_id", "customer_id").unique()
    assert 18_000 <= lines.height <= 25_000
    assert 0.08 <= (orders["customer_id"] == "c0000").sum() / orders.height <= 0.12
    assert {"sale", "refund", "charge"} == set(lines["kind"].unique())
    assert lines["customer_id"].null_count() and lines["category"].null_count()
    assert Path(both.spark.lake.root).is_dir()
