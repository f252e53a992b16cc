"""SQL files: what a header must say, how mistakes are told, in which order tables are made; ours keep to all of it."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import sqlglot

from pipeline import lint
from pipeline.engines.portable.lint import Refused
from pipeline.ingest.sources import find_sources
from pipeline.settings import SQL_FOLDER
from pipeline.steps.computed import STEPS, queries_of, tables_of
from pipeline.steps.movement import trend
from pipeline.tables.audiences import read_audiences
from pipeline.tables.catalog import Catalog, ours, tables
from pipeline.tables.header import HeaderError, Table, in_order, read_features, read_table, read_tables
from pipeline.tables.inlining import WithFeatures
from pipeline.tables.inputs import INPUTS
from pipeline.tables.platforms import platforms
from pipeline.tables.sql_text import tables_read

HEADER = """/*
description: Orders of every customer.
grain: [customer_id]
owner: team:crm
columns:
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  orders:      {type: BIGINT, unit: orders, min: 0, meaning: Number of orders}
tests:
  none_without: SELECT customer_id FROM marts.example WHERE orders = 0
*/
"""
SELECT = "SELECT customer_id, count(*) AS orders FROM staging.orders GROUP BY customer_id\n"


def write(root: Path, text: str = HEADER + SELECT, name: str = "marts/example") -> Path:
    file = root / f"{name}.sql"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def table(root: Path, name: str, *reads: str) -> Table:
    """A table that reads others."""
    sources = ", ".join(f"{other} AS t{number}" for number, other in enumerate(reads))
    select = (
        f"SELECT 1 AS customer_id, 2 AS orders FROM {sources}\n" if reads else "SELECT 1 AS customer_id, 2 AS orders"
    )
    return read_table(write(root, HEADER + select, name.replace(".", "/")), root)


# ── reading a file ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_a_table_named_by_its_folder_and_its_name(tmp_path):
    found = read_table(write(tmp_path), tmp_path)
    assert (found.full_name, found.file) == ("marts.example", "sql/marts/example.sql")
    assert found.column_types() == {"customer_id": "VARCHAR", "orders": "BIGINT"}
    assert (found.header.grain, found.header.owner) == (("customer_id",), "team:crm")
    assert found.header.tests == {"none_without": "SELECT customer_id FROM marts.example WHERE orders = 0"}
    assert found.select == SELECT.strip()
    assert found.reads == {"staging.orders"}
    assert not found.is_partitioned and not found.is_history


@pytest.mark.parametrize("after", [";", "\n;\n-- done", " -- all of them", "\n-- one\n-- two\n", ";;  \n"])
def test_what_follows_a_select_is_none_of_it(tmp_path, after):
    assert read_table(write(tmp_path, HEADER + SELECT.strip() + after), tmp_path).select == SELECT.strip()


def test_the_end_of_a_select_is_not_taken_for_a_comment(tmp_path):
    for end in ("WHERE customer_id <> '--'", "WHERE customer_id <> ' -- a; '", 'AS "a -- b"', "WHERE customer_id = ''"):
        select = f"SELECT $until AS customer_id, 1 AS orders FROM staging.orders {end}"
        assert read_table(write(tmp_path, HEADER + select), tmp_path).select == select


def test_a_mark_of_windows_in_front_is_no_text(tmp_path):
    assert read_table(write(tmp_path, "\ufeff" + HEADER + SELECT), tmp_path).name == "example"


def test_a_folder_below_the_schema_is_a_topic(tmp_path):
    found = read_table(write(tmp_path, name="marts/rfm/example"), tmp_path)
    assert (found.full_name, found.topic, found.file) == ("marts.example", "rfm", "sql/marts/rfm/example.sql")
    assert read_table(write(tmp_path), tmp_path).topic == "marts"


def test_a_table_is_in_one_file_only(tmp_path):
    write(tmp_path, name="marts/rfm/example")
    write(tmp_path, name="marts/trend/example")
    with pytest.raises(HeaderError, match=r"trend/example.sql: marts.example is in sql/marts/rfm/example.sql already"):
        read_tables(tmp_path)


def test_a_table_with_a_snapshot_date_is_partitioned(tmp_path):
    text = HEADER.replace("columns:\n", "columns:\n  snapshot_date: {type: DATE, meaning: Day of the snapshot}\n")
    assert read_table(write(tmp_path, text + SELECT), tmp_path).is_partitioned


def test_a_table_that_reads_itself_is_a_history_and_does_not_wait_for_itself(tmp_path):
    found = table(tmp_path, "marts.example", "marts.example", "staging.orders")
    assert found.is_history
    assert found.reads == {"staging.orders"}


def test_a_table_that_python_writes_has_a_header_and_no_select(tmp_path):
    found = read_table(write(tmp_path, HEADER), tmp_path)
    assert found.select is None
    assert found.reads == set()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("/*", "--", ": must begin with a header comment"),
        ("description: Orders", "description: [Orders", ", line 3: the header is not readable YAML: "),
        ("description: Orders of every customer.", "description: Orders", ", line 2: description: "),
        ("description: Orders of every customer.\n", "", ": description: is missing"),
        ("owner: team:crm", "owner: crm", ", line 4: owner: .*an owner is 'team:name' or an e-mail address"),
        ("owner: team:crm", "owner: team:crm\nkeeper: me", ", line 5: keeper: there is no such field"),
        ("BIGINT", "INT8", r", line 7: columns\.orders\.type: "),
        ("BIGINT", "VARCHAR(20)", r", line 7: columns\.orders\.type: "),
        ("min: 0", "minimum: 0", r".*minimum: there is no such field; did you mean columns\.orders\.min"),
        (", meaning: Customer of the shop", "", r", line 6: columns\.customer_id\.meaning: is missing"),
        ("grain: [customer_id]", "grain: []", ", line 3: grain: .*at least 1 item"),
        ("grain: [customer_id]", "grain: [order_id]", "grain names 'order_id', which is not among the columns"),
        ("{type: VARCHAR,", "{type: VARCHAR, nullable: true,", "grain column 'customer_id' must not be nullable"),
    ],
)  # fmt: skip
def test_a_wrong_header_is_told_with_its_file_and_line(tmp_path, old, new, message):
    assert old in HEADER
    with pytest.raises(HeaderError, match=r"^sql/marts/example\.sql.*" + message):
        read_table(write(tmp_path, HEADER.replace(old, new, 1) + SELECT), tmp_path)


def test_all_mistakes_of_a_header_are_told_at_once(tmp_path):
    text = HEADER.replace("BIGINT", "INT8").replace("team:crm", "crm")
    with pytest.raises(HeaderError) as caught:
        read_table(write(tmp_path, text + SELECT), tmp_path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert all(line.startswith("sql/marts/example.sql, line ") for line in lines)


def test_a_header_that_is_no_mapping_is_refused(tmp_path):
    with pytest.raises(HeaderError, match="the header must be a list of `name: value` lines"):
        read_table(write(tmp_path, "/* Orders of every customer. */\n" + SELECT), tmp_path)


@pytest.mark.parametrize(
    "select", ["SELECT 1; SELECT 2", "DELETE FROM staging.orders", "CREATE TABLE a AS SELECT 1", "SELECT FROM WHERE"]
)
def test_what_is_no_single_select_is_refused_with_its_file(tmp_path, select):
    with pytest.raises(Refused, match=r"sql/marts/example\.sql"):
        read_table(write(tmp_path, HEADER + select), tmp_path)


# ── order and circles ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_tables_come_after_those_they_read(tmp_path):
    a = table(tmp_path, "marts.a", "marts.b", "staging.c")
    b = table(tmp_path, "marts.b", "staging.c")
    c = table(tmp_path, "staging.c")
    assert list(in_order([a, b, c])) == ["staging.c", "marts.b", "marts.a"]
    assert list(read_tables(tmp_path)) == ["staging.c", "marts.b", "marts.a"]


def test_sources_are_no_tables(tmp_path):
    table(tmp_path, "marts.a")
    write(tmp_path, name="sources/perennial")
    assert list(read_tables(tmp_path)) == ["marts.a"]


def test_tables_that_read_each_other_are_refused_with_the_circle(tmp_path):
    circle = [table(tmp_path, f"marts.{one}", f"marts.{other}") for one, other in ("ab", "bc", "ca")]
    with pytest.raises(HeaderError, match="tables read each other in a circle: ") as caught:
        in_order(circle)
    steps = str(caught.value).rstrip(".").split(": ")[1].split(" → ")
    assert steps[0] == steps[-1] and set(steps) == {"marts.a", "marts.b", "marts.c"}


def test_a_table_that_reads_itself_is_no_circle(tmp_path):
    assert list(in_order([table(tmp_path, "marts.a", "marts.a")])) == ["marts.a"]


# ── features ──────────────────────────────────────────────────────────────────────────────────────────────────────────

DAILY = HEADER.replace("columns:\n", "columns:\n  snapshot_date: {type: DATE, meaning: Day of the snapshot}\n")
BOUGHT = """WITH known AS (SELECT customer_id, amount FROM staging.orders WHERE day <= $snapshot_date)
SELECT customer_id, count(*) AS orders FROM known GROUP BY customer_id
"""
OFTEN = """WITH known AS (SELECT customer_id, orders FROM features.bought WHERE orders > 1)
SELECT known.customer_id, known.orders FROM known JOIN features.bought ON bought.customer_id = known.customer_id
"""
READER = """WITH known AS (SELECT customer_id FROM features.bought WHERE orders > 0)
SELECT $snapshot_date AS snapshot_date, often.customer_id, often.orders
FROM features.often AS often
JOIN known ON known.customer_id = often.customer_id
"""


def written(root: Path) -> dict[str, Table]:
    write(root, HEADER + BOUGHT, "features/bought")
    write(root, HEADER + OFTEN, "features/often")
    write(root, DAILY + READER)
    return read_tables(root)


def test_a_feature_is_written_into_the_tables_that_read_it_once_and_with_what_it_reads_itself(tmp_path):
    found = written(tmp_path)["marts.example"]
    assert (found.reads, found.text, found.first_line) == ({"staging.orders"}, READER.strip(), 12)
    assert found.select.count("staging.orders") == 1
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA staging")
        connection.execute(
            "CREATE TABLE staging.orders AS SELECT * FROM (VALUES ('anna', 5, DATE '2026-01-01'), "
            "('anna', 5, '2026-01-02'), ('anna', 5, '2026-01-09'), ('bert', 5, '2026-01-01')) "
            "AS orders(customer_id, amount, day)"
        )
        day = {"snapshot_date": dt.date(2026, 1, 3)}
        assert connection.execute(found.declared_select, day).fetchall() == [(dt.date(2026, 1, 3), "anna", 2)]


def test_a_text_tells_its_features_one_by_one(tmp_path):
    """Each with those that it reads, so that it can be computed apart from who reads it."""
    select = written(tmp_path)["marts.example"].select
    assert isinstance(select, WithFeatures)
    assert list(select.features) == ["features.bought", "features.often"]
    assert select.tables == {"staging.orders"}
    bought, often = select.alone("features.bought"), select.alone("features.often")
    assert (list(bought.features), list(often.features)) == ([], ["features.bought"])
    assert [tables_read(text, "alone") for text in (bought, often)] == [{"staging.orders"}] * 2


def test_only_features_are_kept(tmp_path):
    with pytest.raises(HeaderError, match=r"marts/example\.sql: keep is for features"):
        read_table(write(tmp_path, HEADER.replace("owner:", "keep: true\nowner:") + SELECT), tmp_path)


def test_a_table_comes_after_what_its_features_read(tmp_path):
    table(tmp_path, "staging.orders")
    assert list(written(tmp_path)) == ["staging.orders", "marts.example"]
    assert list(read_features(tmp_path)) == ["features.bought", "features.often"]


def test_a_table_that_reads_itself_by_a_feature_is_a_history(tmp_path):
    write(tmp_path, HEADER + "SELECT customer_id, orders FROM marts.example", "features/before")
    write(tmp_path, HEADER + "SELECT customer_id, orders FROM features.before")
    assert read_tables(tmp_path)["marts.example"].is_history


def test_tables_that_read_each_other_by_a_feature_are_refused(tmp_path):
    table(tmp_path, "marts.a", "features.b")
    table(tmp_path, "features.b", "marts.c")
    table(tmp_path, "marts.c", "marts.a")
    with pytest.raises(HeaderError, match=r"tables read each other in a circle: marts\.. → marts\.. → marts\.."):
        read_tables(tmp_path)


@pytest.mark.parametrize(
    ("reads", "message"),
    [
        ({"a": "features.b", "b": "features.a"}, r"in a circle: features\.. → features\.. → features\."),
        ({"a": "features.a"}, r"sql/features/a\.sql: reads itself"),
        ({"a": "features.b"}, r"sql/features/a\.sql: `features\.b` is no file of sql/features/"),
    ],
)
def test_features_that_cannot_be_written_in_are_refused(tmp_path, reads, message):
    for name, read in reads.items():
        table(tmp_path, f"features.{name}", read)
    with pytest.raises((HeaderError, Refused), match=message):
        read_features(tmp_path)


def test_a_table_of_all_days_cannot_read_what_is_asked_for_a_day(tmp_path):
    write(tmp_path, HEADER + BOUGHT, "features/bought")
    write(tmp_path, HEADER + "SELECT customer_id, orders FROM features.bought")
    with pytest.raises(HeaderError, match=r"sql/marts/example\.sql: .* need the column snapshot_date"):
        read_tables(tmp_path)


@pytest.mark.parametrize(
    ("feature", "select", "said"),
    [
        (BOUGHT, READER, []),
        (
            BOUGHT,
            READER.replace("often.orders", "hash(often.orders) AS orders"),
            ["sql/marts/example.sql, line 13: `HASH(often.orders)`"],
        ),
        (
            BOUGHT.replace("amount", "hash(amount) AS amount"),
            READER,
            ["sql/features/bought.sql, line 11: `HASH(amount)`"],
        ),
    ],
)
def test_the_lint_names_the_file_and_the_line_where_it_is_written(tmp_path, monkeypatch, feature, select, said):
    write(tmp_path, HEADER + feature, "features/bought")
    write(tmp_path, HEADER + OFTEN, "features/often")
    write(tmp_path, (DAILY + select).replace("marts.example WHERE", "staging.orders WHERE"))
    orders = {"staging.orders": {"customer_id": "VARCHAR", "amount": "INTEGER", "day": "DATE", "orders": "INTEGER"}}
    monkeypatch.setattr(lint, "parameter_columns", lambda _: orders)
    monkeypatch.setattr(lint, "features", lambda: read_features(tmp_path))
    monkeypatch.setattr(lint, "ours", lambda: Catalog(read_tables(tmp_path), ()))
    monkeypatch.setattr(lint, "read_pages", lambda *_, **__: ())
    monkeypatch.setattr(lint, "STEPS", {})
    monkeypatch.setattr(lint.backtest, "queries", dict)
    assert [str(problem).split(" ", 4)[:4] for problem in lint.problems()] == [line.split(" ") for line in said]


# ── our own files ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_sql_file_is_a_table_a_query_an_input_an_audience_a_platform_or_a_source():
    files = {path.relative_to(SQL_FOLDER).as_posix() for path in SQL_FOLDER.rglob("*.sql")}
    known = {table.file.removeprefix("sql/") for table in read_tables().values()}
    known |= {query.file.removeprefix("sql/") for query in read_features().values()}
    known |= {input.file.removeprefix("sql/") for input in INPUTS.values()}
    known |= {audience.file.removeprefix("sql/") for audience in read_audiences()}
    known |= {platform.file.removeprefix("sql/") for platform in platforms().values()}
    known |= {f"sources/{source.name}/{source.input}.sql" for source in find_sources([SQL_FOLDER / "sources"]).values()}
    assert files == known


def test_our_files_keep_to_the_portable_subset():
    assert [str(problem) for problem in lint.problems()] == []


def test_what_python_asks_keeps_to_the_portable_subset_too(monkeypatch):
    assert {step: len(queries_of(step)) > 0 for step in STEPS} == dict.fromkeys(STEPS, True)
    monkeypatch.setattr(trend, "_PAIRS", "SELECT hash(customer_id) AS h FROM marts.trend_counts")
    monkeypatch.setattr(lint, "STEPS", {"trend": STEPS["trend"]})  # the files have a test of their own
    monkeypatch.setattr(lint, "features", dict)
    for part in ("_problems_of", "_of_pages"):
        monkeypatch.setattr(lint, part, lambda *_: [])
    assert "pipeline.steps.movement.trend (pairs)" in {problem.file for problem in lint.problems()}


@pytest.mark.parametrize("step", list(STEPS))
def test_what_a_step_asks_is_what_its_tables_say_they_read(step):
    own = {table.full_name for table in tables_of(step)}
    asked = {name for sql in queries_of(step).values() for name in tables_read(sql, step)}
    asked = {name for name in asked if not name.startswith(("params.", "temp."))}
    for table in tables_of(step):
        assert set(table.header.reads) - own == asked - own, table.full_name


def test_the_lint_is_a_command_that_fails_where_there_is_something_to_say(monkeypatch, capsys):
    monkeypatch.setattr(lint, "problems", list)
    assert lint.main() == 0
    monkeypatch.setattr(lint, "problems", lambda: [Refused("sql/marts/a.sql", "PIVOT", "write CASE")])
    assert lint.main() == 1
    assert "sql/marts/a.sql" in capsys.readouterr().err


@pytest.mark.parametrize("name", list(tables()))
def test_every_column_is_documented_and_every_documented_column_is_selected(name):
    found = tables()[name]
    for column, about in found.header.columns.items():
        assert about.meaning.strip(), column
        assert not about.meaning.endswith("."), f"{column}: meanings are no sentences"
    if found.select is not None:
        selected = sqlglot.parse_one(found.select, read="duckdb").named_selects
        assert selected == list(found.header.columns)


@pytest.mark.parametrize("found", ours().published, ids=lambda found: found.full_name)
def test_published_tables_have_the_snapshot_date_in_their_key(found):
    assert found.header.grain[0] == "snapshot_date"
    assert found.header.columns["snapshot_date"].type == "DATE"


def test_histories_are_known_with_all_that_is_built_on_them():
    names = {found.full_name for found in ours().histories}
    assert {"marts.segment_changes", "marts.segment_events"} <= names
    for found in tables().values():
        assert (found.full_name in names) == (found.is_history or bool(found.reads & names)), found.full_name


def test_reading_the_files_imports_neither_dagster_nor_an_engine():
    """`pipeline.tables.header` is read by everything; what it imports everything waits for."""
    heavy = {"dagster", "duckdb", "pandas", "pandera"}
    code = f"import sys, pipeline.tables.header; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
