"""When a SELECT has no rows: what is said of its text holds when DuckDB runs it."""

import datetime as dt
from itertools import product

import duckdb
import pytest
from shop import Shop, all_tables

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.tables.catalog import features
from pipeline.tables.emptiness import has_rows, rows_without
from pipeline.tables.sql_text import parse

DAY = "2026-12-31"
TABLES = ("s.t", "s.u", "s.v")
CASES = {
    "SELECT x FROM s.t": ["t"],
    "SELECT x, sum(x) OVER (), row_number() OVER (ORDER BY x) FROM s.t": ["t"],
    "SELECT sum(x) FILTER (WHERE x > 1) OVER () FROM s.t": ["t"],
    "SELECT DISTINCT x FROM s.t ORDER BY x LIMIT 3": ["t"],
    "SELECT x, count(*) FROM s.t GROUP BY x": ["t"],
    "SELECT x, (SELECT count(*) FROM s.u) FROM s.t": ["t"],
    "SELECT t.x FROM s.t JOIN s.u USING (x) LEFT JOIN s.v USING (x)": ["t", "u"],
    "SELECT t.x FROM s.t, s.u": ["t", "u"],
    "SELECT t.x FROM s.t CROSS JOIN s.u": ["t", "u"],
    "SELECT t.x FROM s.t SEMI JOIN s.u USING (x)": ["t", "u"],
    "SELECT t.x FROM s.t ANTI JOIN s.u USING (x)": ["t"],
    "SELECT t.x FROM s.t RIGHT JOIN s.u USING (x)": ["u"],
    "SELECT t.x FROM s.t FULL JOIN s.u USING (x)": ["tu"],
    "SELECT t.x FROM (s.t FULL JOIN s.u USING (x)) JOIN s.v USING (x)": ["v"],
    "SELECT t.x FROM s.t FULL JOIN s.u USING (x) JOIN s.v USING (x)": ["tu", "v"],
    "SELECT x FROM s.t UNION ALL SELECT x FROM s.u": ["tu"],
    "SELECT x FROM s.t EXCEPT SELECT x FROM s.u": ["t"],
    "SELECT x FROM s.t INTERSECT SELECT x FROM s.u": ["t", "u"],
    "SELECT x FROM (SELECT x FROM s.t UNION SELECT x FROM s.u) AS both_ JOIN s.v USING (x)": ["tu", "v"],
    "WITH c AS (SELECT x FROM s.t), d AS (SELECT c.x FROM c JOIN s.u USING (x)) SELECT x FROM d": ["t", "u"],
    "WITH t AS (SELECT x FROM s.u) SELECT x FROM t": ["u"],
    "WITH one AS (SELECT max(x) AS x FROM s.t) SELECT u.x FROM s.u CROSS JOIN one": ["u"],
    "WITH RECURSIVE c AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM c WHERE x < 3) SELECT x FROM c": [],
    "SELECT count(*) FROM s.t": [],
    "SELECT max(x) + 1 FROM s.t": [],
    "SELECT sum(count(*)) OVER () FROM s.t": [],
    "SELECT row_number() OVER (ORDER BY max(x)) FROM s.t": [],
    "SELECT 1 FROM s.t HAVING count(*) = 0": [],
    "SELECT 1 FROM s.t HAVING TRUE": [],
    "SELECT (SELECT max(t.x)) FROM s.t": [],
    "SELECT x, (SELECT max(u.x + t.x) FROM s.u) FROM s.t": ["t"],
    "SELECT t.x FROM s.t POSITIONAL JOIN s.u": [],
    "SELECT t.x FROM s.t ASOF LEFT JOIN s.u ON t.x >= u.x": ["t"],
    "SELECT count(*) FROM s.t GROUP BY ()": [],
    "SELECT x, count(*) FROM s.t GROUP BY ROLLUP (x)": [],
    "SELECT x, count(*) FROM s.t GROUP BY GROUPING SETS ((x), ())": [],
    "SELECT count(*) FROM s.t GROUP BY ALL": [],
    "SELECT 1": [],
    "SELECT x FROM s.t UNION ALL SELECT 1": [],
}


@pytest.mark.parametrize(("sql", "expected"), CASES.items(), ids=CASES)
def test_what_is_said_is_what_duckdb_finds(sql: str, expected: list[str]) -> None:
    """For every choice of tables with and without rows: nothing where nothing was promised, with no more left out."""
    without = rows_without(parse(sql, "a case"))
    assert without == {frozenset(f"s.{name}" for name in names) for names in expected}
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA s")
        for filled in product((False, True), repeat=len(TABLES)):
            for name, has_row in zip(TABLES, filled, strict=True):
                connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT 1 AS x WHERE {has_row}")
            empty = {name for name, has_row in zip(TABLES, filled, strict=True) if not has_row}
            if not has_rows(without, empty.__contains__):
                assert connection.execute(sql).fetchall() == []


def test_our_tables_and_features_have_no_rows_where_that_is_said(shop: Shop) -> None:
    """Of a warehouse without any."""
    engine, day = shop.engine, {"snapshot_date": dt.date.fromisoformat(DAY)}
    said = [one for one in (*all_tables().values(), *features().values()) if one.select and one.without]
    assert len(said) > 60
    for one in said:
        if not has_rows(one.without, engine.is_empty):
            assert engine.scalar(f"SELECT count(*) FROM ({one.select}) AS selected", day) == 0, one.full_name


def test_a_table_of_which_nothing_can_come_is_written_without_its_select(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows of before go, its checks are told, and it is planned again as soon as there is something."""
    funnel, day = all_tables()["marts.campaign_funnel"], dt.date.fromisoformat(DAY)
    asked: list[str] = []
    replaced = DuckDBEngine._replace
    monkeypatch.setattr(DuckDBEngine, "_replace", lambda *given: asked.append("asked") or replaced(*given))
    shop.orders("anna", "2026-12-01").snapshot(DAY, "staging.orders")
    asked.clear()
    first = shop.engine.write(funnel, day)
    assert (first.rows, asked) == (0, [])
    assert [check.name for check in first.checks] == ["keys_unique", "columns_fit", *funnel.header.tests]
    assert all(check.passed for check in first.checks)
    shop.engine.execute(
        "INSERT INTO staging.messages (file_id, row_number, event_id, message_id, campaign_id, customer_id, event) "
        "VALUES ('f', 1, 'e', 'm', 'c', 'anna', 'sent')"
    )
    shop.engine.write(funnel, day)
    assert asked == ["asked"]
    shop.engine.execute("DELETE FROM staging.messages")
    assert shop.engine.write(funnel, day).rows == 0
    assert asked == ["asked"]
    assert len(shop.show("marts.campaign_funnel", DAY)) == 0
