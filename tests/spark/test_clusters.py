"""Spark as a cluster and as a remote server, on loopback: the same rows as DuckDB, also when an executor is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from cluster import Standalone, connect_server, listening_elsewhere, standalone
from nasty import DAYS, on_duckdb, on_spark, order_lines, write_exports
from polars.testing import assert_frame_equal

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.engines.spark.engine import SparkEngine
from pipeline.tables.catalog import tables

pytestmark = pytest.mark.timeout(1500)  # Java machines start slowly where much else runs

NAMES = ("staging.orders", "staging.occasions", "marts.customer_summary", "marts.rfm_scores", "marts.rfm_thresholds")
LONG = """
    WITH bought AS (
      SELECT customer_id, known_on, sum(orders) AS orders, max(amount) AS amount
      FROM staging.occasions
      GROUP BY customer_id, known_on
    )
    SELECT one.customer_id, count(*) AS pairs, sum(other.orders)::BIGINT AS orders, max(other.amount) AS most
    FROM bought AS one
    JOIN bought AS other ON other.customer_id <> one.customer_id AND other.known_on >= one.known_on
    GROUP BY one.customer_id
    ORDER BY one.customer_id
"""
IN_MANY_TASKS = {"spark.sql.shuffle.partitions": "24", "spark.sql.adaptive.coalescePartitions.enabled": "false"}
DAY = DAYS[-1]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of which the tests take copies: only its exports matter."""
    home = tmp_path_factory.mktemp("shop")
    write_exports(home / "data" / "exports" / "perennial", order_lines())
    return home


@pytest.fixture(scope="module")
def duckdb(exports: Path) -> Iterator[DuckDBEngine]:
    with on_duckdb(exports) as engine:
        _build(engine)
        yield engine


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, needs_spark: None) -> Iterator[Standalone]:
    with standalone(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def test_a_standalone_cluster_gives_the_same_rows(exports: Path, duckdb: DuckDBEngine, cluster: Standalone) -> None:
    with _spark(exports, cluster.master) as spark:
        _build(spark)
        assert len(cluster.executors()) == 2
        assert listening_elsewhere(os.getpid()) == []
        _assert_same(duckdb, spark)


def test_a_killed_executor_costs_time_and_no_row(exports: Path, duckdb: DuckDBEngine, cluster: Standalone) -> None:
    expected = duckdb.read(LONG)
    with _spark(exports, cluster.master, IN_MANY_TASKS) as spark:
        for name in NAMES[:2]:
            spark.write(tables()[name])
        found: list[pl.DataFrame] = []
        asking, before = _asked_until_both_work(spark, cluster, found)
        os.kill(before[0], signal.SIGKILL)
        asking.join(240)
        after = cluster.executors()
    assert found, "the query did not survive"
    assert before[0] not in after and len(after) == 2, "the killed executor was not replaced, or was never used"
    assert_frame_equal(found[0].cast(dict(expected.schema)), expected)


def test_a_connect_server_gives_the_same_rows(
    exports: Path, duckdb: DuckDBEngine, tmp_path: Path, needs_spark: None
) -> None:
    with connect_server(tmp_path) as remote, _spark(exports, "local[*]", remote=remote) as spark:
        _build(spark)
        assert listening_elsewhere(os.getpid()) == []
        _assert_same(duckdb, spark)


def _asked_until_both_work(
    spark: SparkEngine, cluster: Standalone, found: list[pl.DataFrame]
) -> tuple[threading.Thread, list[int]]:
    """A query under way on both executors, and these. On a busy machine it may be over before they are seen at work, or
    one of them comes late: then it is asked again."""
    for _ in range(10):
        found.clear()
        asking = threading.Thread(target=lambda: found.append(spark.read(LONG)))
        asking.start()
        if executors := _at_work(spark, cluster, asking):
            return asking, executors
    raise AssertionError("the query was always over before both executors were seen at work")


def _at_work(spark: SparkEngine, cluster: Standalone, asking: threading.Thread) -> list[int]:
    """The executors, at a moment when both work on a stage of which something is done and something is still to do."""
    tracker = spark.session.sparkContext.statusTracker()
    while asking.is_alive():
        for stage in map(tracker.getStageInfo, tracker.getActiveStageIds()):
            if stage and stage.numActiveTasks == 2 and 1 <= stage.numCompletedTasks < stage.numTasks - 4:
                return cluster.executors()
        time.sleep(0.01)
    return []


@contextmanager
def _spark(exports: Path, master: str, config: dict[str, str] | None = None, **spark: str) -> Iterator[SparkEngine]:
    with on_spark(exports, master, spark={**spark, "config": config or {}}) as engine:
        yield engine


def _build(engine: DuckDBEngine | SparkEngine) -> None:
    for name in NAMES:
        engine.write(tables()[name], DAY if tables()[name].is_partitioned else None)


def _assert_same(duckdb: DuckDBEngine, spark: SparkEngine) -> None:
    for name in NAMES:
        sql = f"SELECT * FROM {name} ORDER BY {', '.join(tables()[name].header.grain)}"
        ours = duckdb.read(sql)
        assert ours.height
        assert_frame_equal(ours, spark.local.read(sql), check_exact=False, rel_tol=1e-9, abs_tol=1e-9)
