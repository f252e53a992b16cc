"""Frames that Python computes: validated before they are written; what is refused is told without showing it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from shop import open_engine

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.engines.engine import TableRefused
from pipeline.settings import Settings
from pipeline.tables.header import Column, Header, Table

DAY = dt.date(2026, 1, 31)
TABLE = Table(
    "marts",
    "toy",
    Header(
        description="A table for this test.",
        grain=("snapshot_date", "customer_id"),
        owner="team:data",
        columns={
            "snapshot_date": Column(type="DATE", meaning="Day"),
            "customer_id": Column(type="VARCHAR", meaning="Customer"),
            "rank": Column(type="INTEGER", meaning="Rank", min=1),
            "share": Column(type="DOUBLE", meaning="Share", min=0, max=1, nullable=True),
            "spent": Column(type="DECIMAL(18,2)", meaning="Spent"),
            "tier": Column(type="VARCHAR", meaning="Tier", values=("low", "high")),
        },
    ),
    None,
    "toy.sql",
)
GOOD = {"customer_id": "anna", "rank": 1, "share": 0.25, "spent": Decimal("12.50"), "tier": "low"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    with open_engine(Settings(home=tmp_path)) as engine:
        engine.prepare(Settings(home=tmp_path), [TABLE])
        engine.write_frame(TABLE, DAY, pl.DataFrame([GOOD | {"customer_id": "before"}]))
        yield engine


def rows(engine: DuckDBEngine) -> list[tuple[Any, ...]]:
    return engine.execute("SELECT customer_id, rank, share, spent, tier FROM marts.toy ORDER BY ALL")


def refused(engine: DuckDBEngine, frame: pl.DataFrame) -> str:
    """The message; nothing has changed."""
    with pytest.raises(TableRefused) as found:
        engine.write_frame(TABLE, DAY, frame)
    assert rows(engine) == [("before", 1, 0.25, Decimal("12.50"), "low")]
    assert [(check.name, check.passed) for check in found.value.checks] == [("columns_fit", False)]
    assert found.value.__cause__ is None
    return str(found.value)


def test_a_frame_that_fits_is_written_with_the_declared_types(engine):
    written = engine.write_frame(TABLE, DAY, pl.DataFrame([GOOD | {"spent": 12.5, "share": 1 + 2e-16}]))
    assert written.rows == 1
    assert [check.name for check in written.checks] == ["keys_unique", "columns_fit"]
    assert rows(engine) == [("anna", 1, 1.0, Decimal("12.50"), "low")]


def test_a_frame_without_rows_needs_no_columns_and_empties_the_partition(engine):
    assert engine.write_frame(TABLE, DAY, pl.DataFrame()).rows == 0
    assert rows(engine) == []


def test_all_that_breaks_a_rule_is_told_by_column_rule_and_count(engine):
    bad = [
        GOOD, GOOD | {"rank": 0, "tier": "secret"}, GOOD | {"rank": -77, "share": 1.5}, GOOD | {"customer_id": None},
    ]  # fmt: skip
    message = refused(engine, pl.DataFrame(bad))
    assert message.startswith("marts.toy was not changed. columns_fit: ")
    for said in (
        'column "customer_id" breaks not_nullable in 1 row.',
        'column "rank" breaks greater_than_or_equal_to(1) in 2 rows.',
        'column "share" breaks less_than_or_equal_to(1) in 1 row.',
        'column "tier" breaks isin(',
    ):
        assert said in message
    for cell in ("secret", "77", "1.5", "anna"):
        assert cell not in message


def test_columns_that_lack_or_that_nobody_declared_are_refused(engine):
    frame = pl.DataFrame([GOOD]).drop("share").with_columns(shares=1.0)
    message = refused(engine, frame)
    assert 'column "share" was not computed.' in message
    assert 'column "shares" is not declared.' in message


def test_what_cannot_be_of_the_declared_type_is_counted_and_not_shown(engine):
    bad = [GOOD | {"rank": text} for text in ("1", "first", "second")]
    message = refused(engine, pl.DataFrame(bad))
    assert message.endswith('columns_fit: column "rank" is no INTEGER in 2 rows.')


def test_doubled_keys_are_refused_in_the_transaction(engine):
    with pytest.raises(TableRefused, match="keys_unique: 1 row fails"):
        engine.write_frame(TABLE, DAY, pl.DataFrame([GOOD, GOOD]))
    assert rows(engine) == [("before", 1, 0.25, Decimal("12.50"), "low")]
