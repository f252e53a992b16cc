"""Every case of the battery on DuckDB and on Spark: the same rows, the same types; DOUBLEs to 1e-9."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest
from listing import failing
from portable_cases import EXPRESSIONS, PARAMETERS, QUERIES, TABLES, expression_query, schemas

from pipeline.engines.portable.lint import to_spark
from pipeline.engines.spark.sql import view_name

pytestmark = pytest.mark.timeout(1500)  # Java machines start slowly where much else runs

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Result:
    """Rows, and each column with its type in words that both engines share."""

    types: list[str]
    rows: list[Row]


@pytest.fixture(scope="module")
def duck(tmp_path_factory) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA nasty")
    for name, (columns, rows) in TABLES.items():
        typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        connection.execute(f"CREATE TABLE {name} ({typed})")
        connection.execute(f"INSERT INTO {name} VALUES {rows}")
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def views(spark, duck, tmp_path_factory):
    """The same tables for Spark, through Parquet."""
    folder = tmp_path_factory.mktemp("tables")
    for name in TABLES:
        file = folder / f"{view_name(name)}.parquet"
        duck.execute(f"COPY {name} TO '{file}' (FORMAT parquet)")
        spark.read.parquet(str(file)).createOrReplaceTempView(view_name(name))
    return spark


def on_duckdb(duck: duckdb.DuckDBPyConnection, sql: str) -> Result:
    named = set(re.findall(r"\$(\w+)", sql))
    relation = duck.sql(sql, params={name: value for name, value in PARAMETERS.items() if name in named})
    types = [_typed(name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True)]
    return Result(types, relation.fetchall())


def on_spark(spark: Any, sql: str) -> Result:
    frame = spark.sql(to_spark(sql, "case", schemas(), PARAMETERS))
    return Result([_typed(name, kind) for name, kind in frame.dtypes], [tuple(row) for row in frame.collect()])


def _typed(name: str, kind: str) -> str:
    return f"{name.lower()}: {_common_type(kind)}"


def _common_type(kind: str) -> str:
    kind = kind.upper().replace(" ", "")
    if kind in ("TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT", "HUGEINT"):
        return "whole number"
    if kind.startswith("DECIMAL"):
        return f"decimal with {kind.rstrip(')').partition(',')[2]} digits"
    return {"STRING": "VARCHAR", "TIMESTAMP_NTZ": "TIMESTAMP", '"NULL"': "NULL", "VOID": "NULL"}.get(kind, kind)


def check(expected: Result, actual: Result, in_order: bool) -> None:
    assert actual.types == expected.types
    left, right = expected.rows, actual.rows
    if not in_order:
        left, right = sorted(left, key=_key), sorted(right, key=_key)
    assert len(right) == len(left)
    for row, other in zip(left, right, strict=True):
        assert all(map(same, row, other)), f"DuckDB {row}\nSpark  {other}"


def _key(row: Row) -> list[tuple[bool, str]]:
    return [(value is None, f"{value:.6e}" if isinstance(value, float) else str(value)) for value in row]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    # DECIMALs are compared as numbers: their scale is told by the type.
    return one == other and (type(one) is type(other))


@pytest.fixture(scope="module")
def computed(views) -> dict[tuple[str, str], Result | Exception]:
    """Many expressions of a table at once; where that fails, each is asked for alone, to name it."""
    return {
        (table, case): result
        for table, cases in EXPRESSIONS.items()
        for start in range(0, len(cases), _AT_ONCE)
        for case, result in _columns(views, table, cases[start : start + _AT_ONCE]).items()
    }


_AT_ONCE = 40
"""More make Java compile a very large method, and slowly."""


def _columns(spark: Any, table: str, cases: list[str]) -> dict[str, Result | Exception]:
    try:
        whole = on_spark(spark, expression_query(table, cases))
    except Exception:
        return {case: _alone(spark, table, case) for case in cases}
    return {
        case: Result(
            [whole.types[0], whole.types[place].replace(f"c{place - 1}:", "c0:")],
            [(row[0], row[place]) for row in whole.rows],
        )
        for place, case in enumerate(cases, start=1)
    }


def _alone(spark: Any, table: str, case: str) -> Result | Exception:
    try:
        return on_spark(spark, expression_query(table, [case]))
    except Exception as error:
        return error


def test_expressions(duck, computed):
    def same(case):
        actual = computed[case]
        if isinstance(actual, Exception):
            raise actual
        table, text = case
        check(on_duckdb(duck, expression_query(table, [text])), actual, in_order=False)

    assert failing([(table, case) for table, cases in EXPRESSIONS.items() for case in cases], same) == []


def test_queries(duck, views):
    def same(sql):
        ordered = re.search(r"ORDER BY [^()]*(\([^()]*\)[^()]*)*$", sql) is not None
        check(on_duckdb(duck, sql), on_spark(views, sql), in_order=ordered)

    assert failing(QUERIES, same) == []


def test_every_letter_is_lowered_alike(duck, views):
    """Letter by letter and at the end of words; there are some 1,400 capitals."""
    letters = [
        chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000 and chr(code).lower() != chr(code)
    ]
    assert len(letters) > 1300
    duck.execute("CREATE OR REPLACE TABLE nasty.letters (s VARCHAR)")
    duck.execute(
        "INSERT INTO nasty.letters SELECT unnest($letters)", {"letters": [f"{x} a{x} {x}{x}. {x}b" for x in letters]}
    )
    sql = "SELECT lower(s) AS low FROM nasty.letters"
    views.createDataFrame(duck.sql("FROM nasty.letters").fetchall(), "s string").createOrReplaceTempView(
        "nasty__letters"
    )
    translated = to_spark(sql, "case", {"nasty.letters": {"s": "VARCHAR"}}, {})
    assert sorted(tuple(row) for row in views.sql(translated).collect()) == sorted(duck.sql(sql).fetchall())


def test_the_comparison_can_fail(duck, views):
    """Of two engines that agree one learns nothing if the comparison agrees with everything."""
    plain = Result(["DOUBLE", "VARCHAR"], [(1.0, "a"), (2.0, None)])
    for other in (
        Result(["DOUBLE", "VARCHAR"], [(1.0, "a")]),
        Result(["DOUBLE", "VARCHAR"], [(1.0, "a"), (2.00001, None)]),
        Result(["DOUBLE", "VARCHAR"], [(1.0, "A"), (2.0, None)]),
        Result(["whole number", "VARCHAR"], [(1, "a"), (2, None)]),
        Result(["DATE", "VARCHAR"], [(dt.date(2024, 1, 1), "a"), (2.0, None)]),
    ):
        with pytest.raises(AssertionError):
            check(plain, other, in_order=False)
    check(plain, Result(plain.types, plain.rows[::-1]), in_order=False)
    with pytest.raises(AssertionError):
        check(plain, Result(plain.types, plain.rows[::-1]), in_order=True)
