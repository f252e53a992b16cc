"""The catalog of partitions says what stands in the tables, whatever became of a write."""

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from pipeline.engines.duckdb import DuckDBEngine, connect
from pipeline.engines.engine import TableRefused
from pipeline.engines.incremental import Pending
from pipeline.engines.partitions import Partitions
from pipeline.settings import Settings
from pipeline.tables.header import Header, Table

JAN, FEB = dt.date(2026, 1, 31), dt.date(2026, 2, 28)
HEADER = {
    "description": "A table for tests.",
    "grain": ["snapshot_date", "customer_id"],
    "owner": "team:data",
    "columns": {
        "snapshot_date": {"type": "DATE", "meaning": "Day"},
        "customer_id": {"type": "VARCHAR", "meaning": "Customer"},
    },
}
SELECT = "SELECT $snapshot_date AS snapshot_date, customer_id FROM staging.customers"
TABLE = Table("marts", "things", Header.model_validate(HEADER), SELECT, "sql/marts/things.sql")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    settings = Settings(home=tmp_path, threads=1)
    with closing(connect(settings.warehouse_file, settings)) as connection:
        made = DuckDBEngine(connection)
        made.prepare(settings, [TABLE])
        made.execute("CREATE SCHEMA IF NOT EXISTS staging")
        made.execute("CREATE TABLE staging.customers (customer_id VARCHAR)")
        made.execute("INSERT INTO staging.customers VALUES ('anna'), ('bert')")
        yield made


def entered(engine: DuckDBEngine) -> dict[dt.date, int]:
    """What the catalog says, which must be what the table holds."""
    rows = dict(engine.execute("SELECT snapshot_date, count(*) FROM marts.things GROUP BY ALL"))
    assert {day: rows.get(day, 0) for day in engine.rows_by_day()} == engine.rows_by_day()
    assert engine.partitions(TABLE) == sorted(rows)
    return engine.rows_by_day()


def test_a_partition_is_entered_as_it_is_written_by_sql_or_by_python(engine: DuckDBEngine) -> None:
    engine.write(TABLE, JAN)
    engine.write_frame(TABLE, FEB, pl.DataFrame({"customer_id": ["carl"]}))
    assert entered(engine) == {JAN: 2, FEB: 1}
    engine.write_frame(TABLE, JAN, pl.DataFrame())
    assert entered(engine) == {JAN: 0, FEB: 1}
    engine.drop_days([FEB])
    assert entered(engine) == {JAN: 0}
    assert engine.partitions(TABLE) == []  # an empty partition is no snapshot


def test_what_is_refused_or_dies_before_its_commit_changes_neither(
    engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.write(TABLE, JAN)
    with pytest.raises(TableRefused):
        engine.write_frame(TABLE, JAN, pl.DataFrame({"customer_id": ["carl", "carl"]}))
    assert entered(engine) == {JAN: 2}
    engine.execute("DELETE FROM staging.customers WHERE customer_id = 'bert'")
    for owner, name in ((Pending, "done"), (Partitions, "enter")):
        with monkeypatch.context() as dying:
            dying.setattr(owner, name, _dies)
            with pytest.raises(KeyboardInterrupt):
                engine.write(TABLE, JAN)
        assert entered(engine) == {JAN: 2}
    with monkeypatch.context() as dying:
        dying.setattr(Partitions, "forget", _dies)
        with pytest.raises(KeyboardInterrupt):
            engine.drop_days([JAN])
    assert entered(engine) == {JAN: 2}


def test_a_table_that_somebody_dropped_does_not_stop_retention(engine: DuckDBEngine) -> None:
    engine.write(TABLE, JAN)
    engine.execute("DROP TABLE marts.things")
    engine.drop_days([JAN])
    assert engine.rows_by_day() == {}


def _dies(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
