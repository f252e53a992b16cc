"""What the SELECT of a source may say, and what is refused: files, tables, settings, clocks, unknown functions."""

from __future__ import annotations

import duckdb
import pytest

from pipeline.tables.safe_sql import FUNCTIONS, unsafe

SAFE = [
    "SELECT row_number FROM export",
    "SELECT row_number FROM Export AS e",
    'SELECT row_number FROM "export"',
    "WITH a AS (SELECT * FROM export), b AS (SELECT * FROM a) SELECT * FROM b JOIN a USING (row_number)",
    # a CTE that hides the export reads the export itself
    "WITH export AS (SELECT row_number, lower(x) AS x FROM export) SELECT * FROM export",
    "SELECT e.row_number FROM export AS e JOIN (VALUES ('a', 1)) AS codes(code, n) ON e.x = codes.code",
    "SELECT row_number FROM export AS e, LATERAL (SELECT max(x) AS m FROM export WHERE x = e.x) AS l",
    "SELECT row_number FROM export WHERE x IN (SELECT max(x) FROM export) OR EXISTS (SELECT 1 FROM export)",
    "SELECT row_number, 'read_text(''/etc/passwd'')' AS a FROM export -- FROM secrets\n",
    "SELECT /* FROM secrets /* nested */ */ row_number FROM export",
    "SELECT CASE WHEN x LIKE 'a%' THEN x || '!' ELSE coalesce(nullif(trim(x), ''), y) END, TRY_CAST(x AS DECIMAL(18,2))"
    ", extract(year FROM try_strptime(d, '%Y')), d + INTERVAL 3 DAY, x[1], timezone('UTC', d) FROM export",
    "SELECT sum(x) FILTER (WHERE y > 0) OVER (PARTITION BY z) FROM export QUALIFY rank() OVER (ORDER BY d) = 1",
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT row_number, i FROM export, n",
    "SELECT string_split(x, ',')[1], list_transform(string_split(x, ','), lambda p: trim(p)) FROM export",
    "SELECT x FROM export UNION ALL SELECT y FROM export ORDER BY 1",
]  # fmt: skip

READS = [
    ("SELECT * FROM read_text('/etc/passwd')", "read_text()"),
    ("SELECT * FROM READ_CSV('/etc/passwd')", "read_csv()"),
    ("SELECT * FROM glob('/*')", "glob()"),
    ("SELECT * FROM duckdb_secrets()", "duckdb_secrets()"),
    ("SELECT * FROM sniff_csv('x')", "sniff_csv()"),
    ("SELECT * FROM query('SELECT 1')", "query()"),
    ("SELECT * FROM query_table('ingest.quarantine')", "query_table()"),
    ("SELECT * FROM range(3)", "range()"),
    ("SELECT * FROM '/etc/passwd.csv'", "/etc/passwd.csv"),
    ('SELECT * FROM "/etc/passwd"', "/etc/passwd"),
    ("SELECT * FROM raw", "raw"),
    ("SELECT * FROM staging.order_lines", "staging.order_lines"),
    ("SELECT * FROM information_schema.tables", "information_schema.tables"),
    ("SELECT * FROM main.export", "main.export"),
    ("SELECT * FROM temp.export", "temp.export"),
    ("SELECT * FROM memory.main.export", "memory.main.export"),
    # below the surface
    ("SELECT (SELECT max(t.c) FROM read_text('/etc/passwd') AS t(a, c, s, m)) FROM export", "read_text()"),
    ("SELECT x FROM export WHERE EXISTS (SELECT 1 FROM raw)", "raw"),
    ("SELECT x FROM export JOIN export AS b ON b.x = (SELECT max(raw) FROM ingest.quarantine)", "ingest.quarantine"),
    ("SELECT x FROM export AS e, LATERAL (SELECT raw FROM ingest.quarantine) AS l", "ingest.quarantine"),
    ("SELECT x FROM export ORDER BY (SELECT max(x) FROM raw)", "raw"),
    ("SELECT x FROM export LIMIT (SELECT count(*) FROM raw)", "raw"),
    ("SELECT sum(x) OVER (ORDER BY (SELECT max(x) FROM raw)) FROM export", "raw"),
    ("SELECT sum(x) FILTER (WHERE x = (SELECT max(x) FROM raw)) FROM export", "raw"),
    ("SELECT x FROM export UNION ALL (SELECT x FROM export EXCEPT SELECT x FROM raw)", "raw"),
    ("SELECT * EXCLUDE (x) REPLACE ((SELECT 1 FROM raw) AS y) FROM export", "raw"),
    ("WITH a AS MATERIALIZED (SELECT * FROM raw) SELECT * FROM a", "raw"),
    # the name of a CTE is one where it can be seen, not before it and not beside it
    ("WITH raw AS (SELECT * FROM raw) SELECT * FROM raw", "raw"),
    ("WITH a AS (SELECT * FROM b), b AS (SELECT * FROM export) SELECT * FROM a", "b"),
    ("SELECT * FROM (WITH raw AS (SELECT * FROM export) SELECT * FROM raw) AS t, raw", "raw"),
]

CALLS = [
    ("SELECT getenv('HOME') FROM export", "getenv()"),
    ("SELECT current_setting('secret_directory') FROM export", "current_setting()"),
    ("SELECT getvariable('x') FROM export", "getvariable()"),
    ("SELECT nextval('s') FROM export", "nextval()"),
    ("SELECT random() FROM export", "random()"),
    ("SELECT now() FROM export", "now()"),
    ("SELECT lower(getenv('HOME')) FROM export", "getenv()"),
    ("SELECT list_transform([x], lambda p: getenv(p)) FROM export", "getenv()"),
    ("SELECT [getenv(p) for p in y] FROM export", "getenv()"),
    ("SELECT COLUMNS(c -> getenv(c) = 'x') FROM export", "getenv()"),
    ("SELECT json_execute_serialized_sql(x) FROM export", "json_execute_serialized_sql()"),
    ("SELECT unnest([1, 2]) FROM export", "unnest()"),
    ("SELECT x FROM export GROUP BY x HAVING my_macro(x)", "my_macro()"),
    ("SELECT main.getenv('x') FROM export", "main.getenv()"),
    ("SELECT x.lower() FROM export", "x.lower()"),
]


@pytest.mark.parametrize("sql", SAFE)
def test_a_select_over_the_export_and_its_own_ctes_is_safe(sql):
    assert unsafe(sql) is None


@pytest.mark.parametrize(("sql", "name"), READS)
def test_nothing_but_the_export_is_read(sql, name):
    found = unsafe(sql)
    assert found is not None and found.what.startswith(f"reads {name}")


@pytest.mark.parametrize(("sql", "name"), CALLS)
def test_only_functions_of_the_list_are_called(sql, name):
    found = unsafe(sql)
    assert found is not None and found.what.startswith(f"calls {name}")


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("ATTACH '/tmp/x.duckdb'", "is not a SELECT"),
        ("COPY (SELECT 1) TO '/tmp/x'", "is not a SELECT"),
        ("PRAGMA database_list", "is not a SELECT"),
        ("SET threads = 1", "is not a SELECT"),
        ("INSTALL httpfs", "is not a SELECT"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("SELECT 1; ATTACH 'x'", "is not a SELECT"),
        ("SELECT 1) AS a, (SELECT 2", "cannot be read"),
        ("SELECT * FROM (DESCRIBE export)", "holds a show"),
        ("SELECT * FROM (SUMMARIZE export)", "holds a show"),
        ("SELECT $file_id FROM export", "parameter"),
        ("SELECT ? FROM export", "parameter"),
        ("SELECT x::other.kind FROM export", "type of another schema"),
        ("SELECT current_date FROM export", "reads the clock"),
        ("SELECT current_user FROM export", "reads the session (current_user)"),
        ("SELECT CURRENT_SCHEMA AS a FROM export", "reads the session (current_schema)"),
        ("SELECT upper(current_catalog) FROM export", "reads the session (current_catalog)"),
        ("SELECT session_user, current_role FROM export", "reads the session (session_user)"),
        ("SELECT * FROM export TABLESAMPLE 5", "takes a sample"),
        ("SELECT * FROM export USING SAMPLE 5", "takes a sample"),
    ],
)
def test_anything_but_one_plain_select_is_refused(sql, words):
    found = unsafe(sql)
    assert found is not None and words in found.what


def test_a_raw_column_may_be_called_like_the_clock():
    assert unsafe('SELECT "current_date" FROM export', ["Current_Date"]) is None


def test_the_line_is_that_of_the_construct_also_behind_letters_of_two_bytes():
    assert unsafe("SELECT 'łłłłłłłłłłłłłłłłłłłłłł',\n  x\nFROM raw").line == 3
    assert unsafe("SELECT\n  lower(\n    getenv('x'))\nFROM export").line == 3


def test_a_close_name_is_offered():
    assert "the closest is regexp_replace" in unsafe("SELECT regex_replace(x, 'a', 'b') FROM export").what


def test_every_function_of_the_list_depends_on_its_arguments_alone():
    """Or, of times with an offset, on the zone as well, which is the home's."""
    rows = duckdb.sql(
        """
        SELECT
          function_name, function_type,
          CASE
            WHEN regexp_matches(concat_ws(' ', parameter_types, return_type), 'TIME ZONE|TIMESTAMPTZ')
            THEN replace(stability, 'CONSISTENT_WITHIN_QUERY', 'CONSISTENT') ELSE stability END
        FROM duckdb_functions()
        """
    ).fetchall()
    named = [row for row in rows if row[0] in FUNCTIONS]
    assert [row for row in named if row[1] not in ("scalar", "aggregate", "window", "macro")] == []
    assert [row for row in named if row[1] == "scalar" and row[2] != "CONSISTENT"] == []
    resolved_by_the_parser = {"->", "coalesce", "ifnull"}
    assert FUNCTIONS - {row[0] for row in named} == resolved_by_the_parser


@pytest.mark.parametrize(
    ("sql", "refused"),
    [
        ("SELECT kpi FROM Marts.KPIs WHERE snapshot_date = $snapshot_date", None),
        ("WITH a AS (SELECT kpi FROM marts.kpis) SELECT kpi FROM a", None),
        ('SELECT kpi FROM "marts.kpis"', "reads marts.kpis"),  # one name, which a file could have
        ("SELECT kpi FROM kpis", "reads kpis"),
        ("SELECT kpi FROM memory.marts.kpis", "reads memory.marts.kpis"),
        ("SELECT * FROM people.contacts", "reads people.contacts"),
        ("SELECT * FROM export", "reads export"),
        ("SELECT $other", "holds a parameter"),
        ("SELECT kpi FROM marts.kpis WHERE kpi IN (SELECT unnest($snapshot_date))", None),
        (
            "SELECT unnest([kpi, $snapshot_date]) FROM marts.kpis",
            "calls unnest(), which is not among the functions that may be called",
        ),
        ("SELECT kpi FROM marts.kpis WHERE kpi = ?", "holds a parameter"),
        (
            "SELECT getenv('HOME') FROM marts.kpis",
            "calls getenv(), which is not among the functions that may be called",
        ),
        ("COPY marts.kpis TO 'x.csv'", "is not a SELECT"),
        ("ATTACH 'x.duckdb'", "is not a SELECT"),
    ],
)
def test_tables_and_parameters_are_those_named(sql: str, refused: str | None) -> None:
    found = unsafe(sql, tables=["marts.kpis"], parameters=["snapshot_date"])
    assert (found and found.what) == refused
