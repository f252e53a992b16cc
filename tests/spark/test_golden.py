"""A shop small enough to be worked out by hand, on both engines: two that agree could both be wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nasty import local_settings, on_duckdb, on_spark

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.engines.engine import TableRefused
from pipeline.tables.catalog import tables

pytestmark = pytest.mark.timeout(1500)  # Java machines start slowly where much else runs

DAY = dt.date(2026, 3, 31)
NAMES = ("staging.orders", "staging.occasions", "marts.customer_summary", "marts.revenue_calendar")
# anna buys twice on one day and gives some of it back; all of carl's order comes back; one order names nobody.
LINES = """\
order_id,customer_id,ordered_at,amount,quantity,kind
a1,anna,2026-01-10,100,1,sale
a2,anna,2026-03-10,50,2,sale
a2,anna,2026-03-15,-20,-1,refund
a3,anna,2026-03-10,25,1,sale
b1,ben,2026-02-01,10,1,sale
b1,ben,2026-02-01,20,1,sale
c1,carl,2026-03-01,40,1,sale
c1,carl,2026-03-05,-40,-1,refund
g1,,2026-03-20,15,1,sale
"""


@pytest.fixture(scope="module", params=["duckdb", "spark"])
def writer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Either engine, with the tables built."""
    home = tmp_path_factory.mktemp(request.param)
    folder = home / "data" / "exports" / "perennial"
    folder.mkdir(parents=True)
    (folder / "orders.csv").write_text(LINES)
    if request.param == "duckdb":
        with on_duckdb(home, timezone="UTC") as duckdb:
            _build(duckdb)
            yield duckdb
    else:
        request.getfixturevalue("needs_spark")
        with on_spark(home, "local[2]", timezone="UTC") as spark:
            _build(spark)
            yield spark


@pytest.fixture(scope="module")
def engine(writer: Any) -> DuckDBEngine:
    """The local side of either engine: both are read alike."""
    return writer if isinstance(writer, DuckDBEngine) else writer.local


def _build(engine: Any) -> None:
    for name in NAMES:
        engine.write(tables()[name], DAY if tables()[name].is_partitioned else None)


def _rows(engine: DuckDBEngine, columns: str, table: str, where: str = "TRUE") -> list[tuple[Any, ...]]:
    rows = engine.execute(f"SELECT {columns} FROM {table} WHERE {where} ORDER BY ALL")
    return [tuple(str(value) if isinstance(value, dt.date) else value for value in row) for row in rows]


def test_an_order_that_comes_back_whole_is_no_occasion_from_that_day_on(engine: DuckDBEngine) -> None:
    columns = "customer_id, occasion_on, known_on, orders, amount::DOUBLE"
    assert _rows(engine, columns, "staging.occasions") == [
        ("anna", "2026-01-10", "2026-01-10", 1, 100.0),
        ("anna", "2026-03-10", "2026-03-10", 2, 75.0),
        ("ben", "2026-02-01", "2026-02-01", 1, 30.0),
        ("carl", "2026-03-01", "2026-03-01", 1, 40.0),
        ("carl", "2026-03-01", "2026-03-05", -1, -40.0),
    ]


def test_what_is_known_of_each_customer(engine: DuckDBEngine) -> None:
    times = "customer_id, first_purchase_on, last_purchase_on, orders, occasions, frequency"
    assert _rows(engine, f"{times}, active_span_days, recency_days, age_days", "marts.customer_summary") == [
        ("anna", "2026-01-10", "2026-03-10", 3, 2, 1, 59, 21, 80),
        ("ben", "2026-02-01", "2026-02-01", 1, 1, 0, 0, 58, 58),
    ]
    money = "customer_id, monetary_value, revenue::DOUBLE, refunds::DOUBLE, items::DOUBLE, median_gap_days"
    assert _rows(engine, money, "marts.customer_summary") == [
        ("anna", 75.0, 155.0, -20.0, 4.0, 59.0),
        ("ben", None, 30.0, 0.0, 2.0, None),
    ]


def test_the_months(engine: DuckDBEngine) -> None:
    columns = "starts_on, is_complete, revenue::DOUBLE, orders, order_revenue::DOUBLE"
    columns += ", mean_order_value, buyers, peak_rank"
    assert _rows(engine, columns, "marts.revenue_calendar", "period_kind = 'month'") == [
        ("2026-01-01", False, 100.0, 1, 100.0, 100.0, 1, 1),
        ("2026-02-01", True, 30.0, 1, 30.0, 30.0, 1, 3),
        ("2026-03-01", True, 70.0, 3, 90.0, 30.0, 1, 2),
    ]


def test_two_more_orders_of_the_same_value_and_what_came_back(engine: DuckDBEngine) -> None:
    """From February to March: 2 orders more at 30 each; their value did not change; 20 were paid back."""
    columns = "order_number_effect::DOUBLE, order_value_effect::DOUBLE, other_effect::DOUBLE"
    where = "period_kind = 'month' AND starts_on = DATE '2026-03-01'"
    assert _rows(engine, columns, "marts.revenue_calendar", where) == [(60.0, 0.0, -20.0)]


def test_a_table_that_breaks_its_rules_is_refused_with_the_same_words(writer: Any, engine: DuckDBEngine) -> None:
    """One job counts all checks on Spark; ben has one order, anna three."""
    table = tables()["marts.customer_summary"]
    columns = table.header.columns
    tightened = {**columns, "orders": columns["orders"].model_copy(update={"max": 2})}
    test = {"nobody_is_ben": f"SELECT customer_id FROM {table.full_name} WHERE customer_id = 'ben'"}
    header = table.header.model_copy(update={"columns": tightened, "tests": {**table.header.tests, **test}})
    before = engine.execute(f"SELECT * FROM {table.full_name} ORDER BY ALL")
    with pytest.raises(TableRefused) as refused:
        writer.write(replace(table, header=header), DAY)
    failing = {check.name: (check.failing, check.message) for check in refused.value.checks if not check.passed}
    assert {name: count for name, (count, _) in failing.items()} == {"columns_fit": 1, "nobody_is_ben": 1}
    assert "orders" in failing["columns_fit"][1] and failing["columns_fit"][1].endswith(" in 1 rows.")
    assert failing["nobody_is_ben"][1] == f"1 row fails; the test is: {test['nobody_is_ben']}"
    assert engine.execute(f"SELECT * FROM {table.full_name} ORDER BY ALL") == before


def test_the_home_is_told_by_its_settings(tmp_path: Path) -> None:
    assert local_settings(tmp_path, engine="spark").warehouse_file != local_settings(tmp_path).warehouse_file


def test_what_is_computed_apart_is_of_the_rows_as_they_are(writer: Any) -> None:
    """`fours` is read twice and reads four tables, so that Spark computes it first and may use it again."""
    sums = """
        WITH twos AS (SELECT a.n + b.n AS n FROM temp.numbers AS a CROSS JOIN temp.numbers AS b),
        fours AS (SELECT a.n + b.n AS n FROM twos AS a CROSS JOIN twos AS b)
        SELECT max(f.n) AS most, (SELECT count(*) FROM fours AS g) AS rows FROM fours AS f
    """
    for most in (1, 10):
        one_to = f"SELECT 0::BIGINT AS n UNION ALL SELECT {most}::BIGINT AS n"
        writer.keep("numbers", {"n": "BIGINT"}, one_to, {})
        assert [writer.read(sums).row(0) for _ in range(2)] == [(4 * most, 16)] * 2
    if not isinstance(writer, DuckDBEngine):
        assert writer._apart
        writer.write(tables()["staging.orders"])
        assert not writer._apart and not list(writer._folder_of_kept("").glob("fours*"))
