"""Every SQL file on DuckDB and on Spark over one nasty shop: the same rows.

Here Spark's two workers are threads; as Java machines of their own they give the same rows of some tables in
`test_clusters.py`, and of all in `make test-long`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple, cast

import polars as pl
import pytest
from nasty import DAYS, climbers, collectors, on_duckdb, on_spark, order_lines, write_exports
from polars.testing import assert_frame_equal
from sqlglot import parse_one

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.engines.engine import Engine, Parameters
from pipeline.engines.spark.engine import SparkEngine
from pipeline.steps.computed import STEPS, asked_of, compute_of
from pipeline.steps.prediction.inputs import Part, number_customers, window
from pipeline.tables.catalog import features, tables, with_features
from pipeline.tables.header import Table
from pipeline.tables.sql_text import tables_read

pytestmark = pytest.mark.timeout(3000)  # all tables are made twice, and Java is slow where much else runs

MASTERS = ["local[2]", pytest.param("local-cluster[2,1,1024]", marks=pytest.mark.long)]
# Spark would plan a query again after each of its stages: a third of the time, where a stage has a dozen rows.
PLANNED_ONCE = {"config": {"spark.sql.adaptive.enabled": "false"}}
TABLES = [table for table in tables().values() if table.select or table.header.computed_by]

Frames = Mapping[str, pl.DataFrame]


class Kept(NamedTuple):
    """What an engine was asked to keep."""

    name: str
    columns: Mapping[str, str]
    sql: str
    parameters: Parameters


class Question(NamedTuple):
    """Of a query that is asked of several days the one with most rows, and what was kept when it was asked."""

    parameters: Parameters
    kept: Kept | None
    answer: pl.DataFrame


class Asked:
    """DuckDB for a step that Python computes. It keeps what it was asked and what it answered."""

    def __init__(self, duckdb: DuckDBEngine) -> None:
        self.duckdb = duckdb
        self.answers: dict[tuple[str, str, str], pl.DataFrame] = {}
        self.longest: dict[str, Question] = {}
        self._kept: Kept | None = None

    def read(self, sql: str, parameters: Parameters | None = None) -> pl.DataFrame:
        answer = self.answers[_asking(sql, parameters, self._kept)] = self.duckdb.read(sql, parameters)
        if sql not in self.longest or answer.height > self.longest[sql].answer.height:
            self.longest[sql] = Question(parameters or {}, self._kept, answer)
        return answer

    def digest(self, sql: str, parameters: Parameters | None = None) -> str:
        return self.duckdb.digest(sql, parameters)

    def keep(self, name: str, columns: Mapping[str, str], sql: str, parameters: Parameters) -> None:
        self._kept = Kept(name, columns, sql, parameters)
        self.duckdb.keep(*self._kept)


class AsSparkAnswers:
    """What a step asked before, now as Spark gives it: in Spark's types, and in any order where none is asked for."""

    def __init__(self, asked: Asked, of_spark: Frames) -> None:
        self.asked = asked
        self.of_spark = of_spark
        self._kept: Kept | None = None

    def read(self, sql: str, parameters: Parameters | None = None) -> pl.DataFrame:
        asking = _asking(sql, parameters, self._kept)
        answer = self.asked.answers[asking].cast(dict(self.of_spark[sql].schema))
        return answer if _is_ordered(sql) else answer.sample(fraction=1, shuffle=True, seed=answer.height)

    def digest(self, sql: str, parameters: Parameters | None = None) -> str:
        """Another one, so that nothing is taken that was kept of DuckDB's answers."""
        return "of Spark"

    def keep(self, name: str, columns: Mapping[str, str], sql: str, parameters: Parameters) -> None:
        self._kept = Kept(name, columns, sql, parameters)


def _asking(sql: str, parameters: Parameters | None, kept: Kept | None) -> tuple[str, str, str]:
    return sql, repr(sorted((parameters or {}).items())), repr(kept)


def _is_ordered(sql: str) -> bool:
    return parse_one(sql, dialect="duckdb").args.get("order") is not None


class Both:
    """Both engines over one shop. What fails on Spark is kept, so that each table has its own verdict.

    A step that Python computes asks the same dozens of times, of other days: Spark is asked each query once, where
    DuckDB has most rows, and then the step computes from what Spark would give. The day before is DuckDB's alone.
    """

    def __init__(self, duckdb: DuckDBEngine, spark: SparkEngine) -> None:
        self.duckdb = duckdb
        self.spark = spark
        self.failed: dict[str, Exception] = {}
        self.kept: Kept | None = None  # by Spark
        self.asked: dict[str, Asked] = {}
        self.of_spark: dict[str, dict[str, pl.DataFrame]] = {}
        self.features = set[str]()
        self.frames: dict[tuple[str, dt.date | None], Frames] = {}  # of a step and its day; without a day, for Spark

    def build(self) -> None:
        """The day before only of what the last day looks back at."""
        before, last = DAYS
        looked_back_at = _with_upstream({table.full_name for table in TABLES if table.is_history})
        for table in (table for table in TABLES if table.full_name in looked_back_at):
            self._on_duckdb(table, before)
            if table.is_partitioned:
                self._hand_over(table, before)
        for engine in (self.duckdb, self.spark):  # what is kept, and for how long, is as in a run
            engine.expect(partial(asked_of, TABLES))
        for table in TABLES:
            self._on_duckdb(table, last)
            try:
                self._on_spark(table, last)
            except Exception as error:
                self.failed[table.full_name] = error
            for engine in (self.duckdb, self.spark):
                engine.finished(table.header.computed_by or table.full_name)

    def _on_duckdb(self, table: Table, day: dt.date) -> None:
        step = table.header.computed_by
        if step is None:
            self.duckdb.write(table, day if table.is_partitioned else None)
            return
        if (step, day) not in self.frames:
            self.asked[step] = Asked(self.duckdb)
            self.frames[step, day] = self._computed(step, self.asked[step], day)
        self.duckdb.write_frame(table, day, self.frames[step, day].get(table.name, pl.DataFrame()))

    def _computed(self, step: str, engine: Asked | AsSparkAnswers, day: dt.date) -> Frames:
        return compute_of(step)(cast(Engine, engine), self.duckdb.settings, day, lambda _: None)

    def _hand_over(self, table: Table, day: dt.date) -> None:
        """DuckDB's rows become a partition of Spark's table."""
        rows = self.duckdb.read(f"SELECT * FROM {table.full_name} WHERE snapshot_date = $day", {"day": day})
        folder = self.spark.lake.new_folder(table, day, "handed-over")
        folder.mkdir(parents=True)
        self.spark.local.frame_to_parquet(rows, folder / "part-0.parquet")
        self.spark.lake.commit(table, day, folder, rows.height)

    def _on_spark(self, table: Table, day: dt.date) -> None:
        step = table.header.computed_by
        if step is None:
            self.spark.write(table, day if table.is_partitioned else None)
            return
        if step not in self.of_spark:
            longest = self.asked[step].longest
            self.of_spark[step] = {sql: self._spark_on(sql, question) for sql, question in longest.items()}
            self.frames[step, None] = self._computed(step, AsSparkAnswers(self.asked[step], self.of_spark[step]), day)
        self.spark.write_frame(table, day, self.frames[step, None].get(table.name, pl.DataFrame()))

    def _spark_on(self, sql: str, question: Question) -> pl.DataFrame:
        if question.kept not in (None, self.kept):
            self.kept = question.kept
            self.spark.keep(*question.kept)
        return self.spark.read(sql, question.parameters)

    def kept_feature(self, name: str) -> str:
        """The table in which each engine keeps the rows of a feature, made of what it keeps of others."""
        kept = name.replace(".", "_")
        if kept not in self.features:
            text = features()[name].declared_text
            others = sorted(other for other in tables_read(text, name) if other in features())
            instead = {
                other: f"SELECT {', '.join(features()[other].header.columns)} FROM temp.{self.kept_feature(other)}"
                for other in others
            }
            for engine in (self.spark, self.duckdb):  # what fails on Spark leaves nothing that is in the way
                engine.keep_feature(kept, name, with_features(text, instead), {"snapshot_date": DAYS[-1]})
            self.features.add(kept)
        return kept

    def rows(self, table: Table) -> tuple[pl.DataFrame, pl.DataFrame]:
        sql = f"SELECT * FROM {table.full_name} ORDER BY {', '.join(table.header.grain)}"
        return self.duckdb.read(sql), self.spark.local.read(sql)


def _with_upstream(names: set[str]) -> set[str]:
    """With what they are made from and what their tests look at."""
    for name, table in reversed(tables().items()):
        if name in names:
            names = names | table.reads.union(*(tables_read(test, table.file) for test in table.header.tests.values()))
    return names


@pytest.fixture(scope="module", params=MASTERS)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, needs_spark: None) -> Iterator[Both]:
    homes = [tmp_path_factory.mktemp(name) for name in ("duckdb", "spark")]
    lines = pl.concat([order_lines(), collectors(), climbers()], how="diagonal")
    for home in homes:
        write_exports(home / "data" / "exports" / "perennial", lines)
    with (
        on_duckdb(homes[0]) as duckdb,
        on_spark(homes[1], request.param, memory_limit="3GB", spark=PLANNED_ONCE) as spark,
    ):
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


@pytest.mark.parametrize("step", STEPS)
def test_what_a_step_asks_has_the_same_rows(both: Both, step: str) -> None:
    assert both.asked[step].longest
    for sql, question in both.asked[step].longest.items():
        ours, theirs = question.answer, both.of_spark[step][sql]
        assert ours.columns == theirs.columns, sql
        theirs, by_row = theirs.cast(dict(ours.schema)), _is_ordered(sql)
        assert_frame_equal(ours, theirs, check_row_order=by_row, check_exact=False, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("name", list(features()))
def test_a_query_for_the_models_gives_the_same_rows(both: Both, name: str) -> None:
    header = features()[name].header
    sql = f"SELECT {', '.join(header.columns)} FROM temp.{both.kept_feature(name)} ORDER BY {', '.join(header.grain)}"
    ours, theirs = both.duckdb.read(sql), both.spark.read(sql)
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
