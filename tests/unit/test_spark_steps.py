"""SELECTs for Spark in steps: what is computed apart, and that the steps come to what the whole does. No Java here."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from pipeline.engines.duckdb import parameter_columns
from pipeline.engines.portable.lint import to_spark, to_spark_in_steps
from pipeline.engines.spark.apart import MUCH, InSteps
from pipeline.settings import Settings
from pipeline.tables.catalog import features, tables

SCHEMAS = {"shop.sales": {"customer_id": "VARCHAR", "day": "DATE", "amount": "BIGINT"}}
SALES = (
    "SELECT * FROM (VALUES ('a', DATE '2026-01-01', 10), ('a', DATE '2026-01-02', 20), ('b', DATE '2026-01-02', 5)) "
    "AS sales(customer_id, day, amount)"
)

CHAIN = """
WITH doubled AS (SELECT s.customer_id, s.amount FROM shop.sales AS s UNION ALL
                 SELECT s.customer_id, -s.amount AS amount FROM shop.sales AS s WHERE s.day < $day),
fourfold AS (SELECT d.customer_id, d.amount FROM doubled AS d UNION ALL
             SELECT d.customer_id, 2 * d.amount AS amount FROM doubled AS d),
eightfold AS (SELECT f.customer_id, f.amount FROM fourfold AS f UNION ALL
              SELECT f.customer_id, 3 * f.amount AS amount FROM fourfold AS f),
unread AS (SELECT e.customer_id FROM eightfold AS e)
SELECT e.customer_id, sum(e.amount)::BIGINT AS amount, (SELECT count(*) FROM eightfold AS all_of) AS rows_in_all
FROM eightfold AS e GROUP BY e.customer_id
"""
INSIDE = """
WITH members AS (
    WITH doubled AS (SELECT s.customer_id FROM shop.sales AS s JOIN shop.sales AS t ON t.customer_id = s.customer_id),
    fourfold AS (SELECT d.customer_id FROM doubled AS d JOIN doubled AS e ON e.customer_id = d.customer_id)
    SELECT f.customer_id FROM fourfold AS f UNION ALL SELECT f.customer_id FROM fourfold AS f
)
SELECT m.customer_id, count(*) AS rows_of_member FROM members AS m GROUP BY m.customer_id
"""
ONCE = "WITH all_of AS (SELECT s.amount FROM shop.sales AS s) SELECT max(a.amount) AS most FROM all_of AS a"


def steps(sql: str, day: dt.date = dt.date(2026, 1, 2)) -> InSteps:
    return to_spark_in_steps(sql, "example.sql", SCHEMAS, {"day": day})


def on_duckdb(spark_sql: str) -> str:
    (sql,) = sqlglot.transpile(spark_sql, read="spark", write="duckdb")
    return sql


@pytest.mark.parametrize("sql", [CHAIN, INSIDE, ONCE])
def test_the_steps_come_to_what_the_whole_does(sql: str) -> None:
    connection = duckdb.connect()
    connection.execute(f"CREATE SCHEMA shop; CREATE VIEW shop.sales AS {SALES}; CREATE VIEW shop__sales AS {SALES}")
    in_steps = steps(sql)
    for step in in_steps.apart:
        connection.execute(f'CREATE TABLE "{step.name}" AS {on_duckdb(step.text)}')
    whole = connection.execute(sql, {"day": "2026-01-02"} if "$day" in sql else {}).fetchall()
    assert sorted(connection.execute(on_duckdb(in_steps.text)).fetchall()) == sorted(whole) != []


def test_what_is_read_twice_and_reads_much_is_computed_apart() -> None:
    assert [step.name.partition("__")[0] for step in steps(CHAIN).apart] == ["fourfold"]
    assert [step.name.partition("__")[0] for step in steps(INSIDE).apart] == ["fourfold"]
    assert "unread" not in steps(CHAIN).text


def test_what_is_read_once_or_reads_little_stays() -> None:
    assert steps(ONCE) == InSteps([], to_spark(ONCE, "example.sql", SCHEMAS, {}))


def test_another_text_has_another_name() -> None:
    once, again, other = steps(CHAIN), steps(CHAIN), steps(CHAIN, dt.date(2026, 1, 3))
    assert once == again
    assert {step.name for step in once.apart}.isdisjoint(step.name for step in other.apart)


@pytest.mark.parametrize("name", ["marts.campaign_segments", "marts.recommendations", "features.upgrade_candidates"])
def test_no_step_of_ours_reads_thousands_of_tables(name: str) -> None:
    """As one text they would read 73,700, 3,600 and 2,200."""
    columns = {table.full_name: table.column_types() for table in tables().values()}
    known = {**columns, **parameter_columns(Settings(home=Path("nowhere")))}
    select = str({**tables(), **features()}[name].select)
    found = to_spark_in_steps(select, name, known, {"snapshot_date": dt.date(2026, 3, 31)})
    assert max(reads(text) for text in (*(step.text for step in found.apart), found.text)) <= 15 * MUCH


def reads(text: str) -> int:
    """Tables that Spark reads for a text, each CTE written in wherever it is read."""
    tree = sqlglot.parse_one(text, read="spark")
    of_ctes: dict[str, int] = {}
    with_ = tree.args.get("with_")
    for cte in with_.pop().expressions if with_ else ():
        of_ctes[cte.alias] = sum(of_ctes.get(table.name, 1) for table in cte.find_all(exp.Table))
    return sum(of_ctes.get(table.name, 1) for table in tree.find_all(exp.Table))
