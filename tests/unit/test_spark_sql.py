"""The translation to Spark as text: that the battery is complete, what is refused, and how it is told. No Java here.

That the text means the same is shown by `tests/spark/test_dialect_cases.py`, on the same cases.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest
from listing import failing
from portable_cases import PARAMETERS, all_queries, schemas
from sqlglot import exp

from pipeline.engines.portable.lint import Refused, parse, refusals, to_spark
from pipeline.engines.portable.subset import ALLOWED, is_portable_pattern, syntax_findings
from pipeline.engines.spark import sql as spark_sql
from pipeline.engines.spark.sql import java_pattern

FILE = "sql/marts/example.sql"


def spark(sql: str, **parameters: object) -> str:
    """The translation on one line."""
    return " ".join(to_spark(sql, FILE, schemas(), parameters).split())


def expression(text: str, table: str = "nasty.numbers") -> str:
    translated = spark(f"SELECT {text} AS result FROM {table} AS t")
    found = re.fullmatch(r"SELECT (.*) AS `result` FROM .*", translated)
    assert found is not None, translated
    return found[1].replace("`", "").replace("t.", "")


# ── the battery ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def written() -> dict[type[exp.Expr], set[str]]:
    """Every class of node that the cases contain, with the arguments that are set somewhere."""
    found: dict[type[exp.Expr], set[str]] = {}
    for sql in all_queries():
        for node in parse(sql, FILE).walk():
            set_here = {name for name, value in node.args.items() if value not in (None, False, [])}
            found.setdefault(type(node), set()).update(set_here)
    return found


def test_every_construct_has_a_case_with_every_argument(written):
    def has_a_case(construct):
        assert set(ALLOWED[construct]) - written.get(construct, set()) == set()

    assert failing(ALLOWED, has_a_case) == []


def test_every_case_is_of_the_subset():
    types = {name: spark_sql.type_of(value, name, FILE) for name, value in PARAMETERS.items()}
    assert [str(r) for sql in all_queries() for r in refusals(sql, FILE, schemas(), parameters=types)] == []


def test_every_case_is_translated():
    for sql in all_queries():
        assert to_spark(sql, FILE, schemas(), PARAMETERS)


def _all_nodes(base: type[exp.Expr] = exp.Expression) -> set[type[exp.Expr]]:
    return {base} | {node for child in base.__subclasses__() for node in _all_nodes(child)}


def test_every_other_construct_is_refused():
    def refused(construct):
        node = construct(this="unheard_of") if construct is exp.Anonymous else construct()
        assert list(syntax_findings(exp.Select(expressions=[node]))), "would pass"

    assert failing(sorted(_all_nodes() - set(ALLOWED), key=lambda c: c.__name__), refused) == []


# ── rewrites that must be there ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("duckdb", "expected"),
    [
        ("percentile_cont(0.5) WITHIN GROUP (ORDER BY x)", "PERCENTILE(x, CAST(0.5 AS DOUBLE))"),
        ("row_number() OVER (ORDER BY id)", "CAST(ROW_NUMBER() OVER (ORDER BY id NULLS LAST) AS BIGINT)"),
        ("i // 2", "i DIV 2"),
        ("'2024-02-29'::TIMESTAMP", "CAST('2024-02-29' AS TIMESTAMP_NTZ)"),
        ("lower(side)", "LOWER(TRANSLATE(side, 'İΣ', 'iσ'))"),
        ("concat(side, 'x')", "CONCAT(COALESCE(side, ''), 'x')"),
        (r"regexp_matches(side, '\s.$')", r"side RLIKE '[ \\t\\n\\f\\r][^\\n]\\z'"),
    ],
)
def test_rewrites(duckdb, expected):
    assert expression(duckdb) == expected


@pytest.mark.parametrize(
    ("duckdb", "expected"),
    [
        ("d + n", "DATE_ADD(d, CAST(n AS INT))"),
        ("(d - INTERVAL 2 YEAR)::DATE", "CAST(( ADD_MONTHS(d, -24) ) AS DATE)"),
        ("date_diff('day', d, e)", "CAST(DATEDIFF(e, d) AS BIGINT)"),
        ("date_trunc('month', d)", "CAST(DATE_TRUNC('MONTH', d) AS TIMESTAMP_NTZ)"),
        ("extract(year FROM d)", "CAST(EXTRACT(YEAR FROM d) AS BIGINT)"),
    ],
)
def test_rewrites_of_days(duckdb, expected):
    assert expression(duckdb, "nasty.days") == expected


def test_a_table_is_a_view_and_names_are_quoted():
    assert spark('SELECT "order".order_id FROM nasty.Orders AS "order"') == (
        "SELECT `order`.`order_id` AS `order_id` FROM `nasty__orders` AS `order`"
    )


def test_a_cte_of_the_name_of_a_view_is_refused():
    with pytest.raises(Refused, match=r"nasty__orders.*the name under which Spark sees a table"):
        spark("WITH nasty__orders AS (SELECT order_id FROM nasty.orders) SELECT order_id FROM nasty__orders")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (dt.date(2024, 2, 29), "CAST('2024-02-29' AS DATE)"),
        (dt.datetime(2024, 2, 29, 1, 2, 3), "CAST('2024-02-29 01:02:03' AS TIMESTAMP_NTZ)"),
        ("it's \\", r"'it\'s \\'"),
        (3, "CAST('3' AS BIGINT)"),
        (True, "TRUE"),
        (None, "NULL"),
        (1e-20, "CAST('1e-20' AS DOUBLE)"),
        (Decimal("-0.05"), "CAST('-0.05' AS DECIMAL(3, 2))"),
        (Decimal("1E+3"), "CAST('1E+3' AS DECIMAL(4, 0))"),
    ],
)
def test_parameters_are_typed_literals(value, expected):
    assert spark("SELECT $x AS x", x=value) == f"SELECT {expected} AS `x`"


@pytest.mark.parametrize("value", [[1], dt.datetime(2024, 1, 1, tzinfo=dt.UTC), Decimal("NaN"), b"x"], ids=repr)
def test_a_parameter_of_no_one_meaning_is_refused(value):
    with pytest.raises(Refused, match=r"`\$x` is "):
        spark("SELECT $x AS x", x=value)


def test_a_parameter_without_a_value_is_refused():
    with pytest.raises(Refused, match=r"`\$y` is given no value; write one of \$x"):
        spark("SELECT $y AS y", x=1)


def test_a_fraction_is_not_cut_where_duckdb_rounds():
    with pytest.raises(Refused, match="one engine rounds, one cuts"):
        spark("SELECT $x::INTEGER AS x", x=2.5)


# ── patterns ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("pattern", "java"),
    [
        ("a.c", r"a[^\n]c"),
        (r"a\.c", r"a\.c"),
        ("[.$]", "[.$]"),
        (r"[\s]x\s", r"[ \t\n\f\r]x[ \t\n\f\r]"),
        (r"[a\]]$", r"[a\]]\z"),
    ],
)
def test_patterns_for_java(pattern, java):
    assert is_portable_pattern(pattern)
    assert java_pattern(pattern) == java


@pytest.mark.parametrize(
    "pattern",
    ["(?i)a", "[[:alpha:]]", r"\bword", "(?=a)", "a++", "a**", "a{2}{3}", r"(a)\1", "[a&&b]", r"\h", "(?P<x>a)", "{", "(",
     r"[^\S]", r"\Qa\E", r"\x41", "[]a]", "a{1001}"],
)  # fmt: skip
def test_patterns_that_are_refused(pattern):
    assert not is_portable_pattern(pattern)


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("sql", "advice"),
    [
        ("SELECT i = side AS x FROM nasty.numbers", "the same type on both sides"),
        ("SELECT i IN ('1') AS x FROM nasty.numbers", "the same type on both sides"),
        ("SELECT i BETWEEN 'a' AND 'b' AS x FROM nasty.numbers", "the same type on both sides"),
        ("SELECT x BETWEEN y AND m AS b FROM nasty.numbers", "::DOUBLE on every side"),
        ("SELECT ok = 1 AS x FROM nasty.numbers", "the same type on both sides"),
        ("SELECT d = '2024-2-9' AS x FROM nasty.days", "the same type on both sides"),
        ("SELECT d > '2024-02-09 10:00:00' AS x FROM nasty.days", "the same type on both sides"),
        ("SELECT CASE WHEN ok THEN i ELSE side END AS x FROM nasty.numbers", "values of one type"),
        ("SELECT coalesce(i, 'none') AS x FROM nasty.numbers", "values of one type"),
        ("SELECT lag(i, 1, 'none') OVER (ORDER BY id) AS x FROM nasty.numbers", "values of one type"),
        ("SELECT i AS x FROM nasty.numbers UNION ALL SELECT side FROM nasty.numbers", "each SELECT of a UNION"),
        ("SELECT v.x FROM (VALUES (1), ('a')) AS v(x)", "each row of VALUES"),
        ("SELECT id FROM nasty.numbers WHERE i", "a condition, such as"),
        ("SELECT NOT i AS x FROM nasty.numbers", "a condition, such as"),
        ("SELECT CASE WHEN i THEN 1 END AS x FROM nasty.numbers", "a condition, such as"),
        ("SELECT i::BOOLEAN AS x FROM nasty.numbers", "a condition, such as"),
        ("SELECT sum(ok) AS x FROM nasty.numbers", "a number as its operand"),
        ("SELECT d::INTEGER AS x FROM nasty.days", "date_diff"),
        ("SELECT i::DATE AS x FROM nasty.numbers", "date_diff"),
        ("SELECT 2.675e0::DECIMAL(18, 2) AS x", "DECIMAL from the start"),
        ("SELECT substr(side, 1, id) AS x FROM nasty.numbers", "with constants"),
        ("SELECT regexp_matches(side, '(?i)a') AS x FROM nasty.numbers", "a pattern of literals"),
        ("SELECT regexp_replace(side, 'a*', '', 'g') AS x FROM nasty.numbers", "does not match the empty text"),
        ("SELECT sum(i) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 2 PRECEDING) AS x FROM nasty.numbers", "starts before it ends"),
        ("WITH t AS (SELECT 1 AS x), u AS (WITH t AS (SELECT 2 AS x) SELECT t.x FROM t) SELECT u.x FROM u", "a name of its own"),
        ("SELECT a.id FROM nasty.numbers AS a JOIN nasty.days AS b ON a.id = (SELECT max(id) FROM nasty.texts)", "in a CTE"),
        ("SELECT (SELECT o.amount FROM nasty.orders AS o WHERE o.order_id = n.id) AS x FROM nasty.numbers AS n", "one aggregate"),
        ("SELECT (SELECT max(o.amount) FROM nasty.orders AS o WHERE o.order_id = n.id GROUP BY o.channel) AS x"
         " FROM nasty.numbers AS n", "one aggregate"),
        ("SELECT n.id, count(*) AS x, (SELECT max(o.amount) FROM nasty.orders AS o WHERE o.order_id = n.id) AS y"
         " FROM nasty.numbers AS n GROUP BY n.id", "after the grouping"),
        ("SELECT k.id FROM nasty.numbers AS k WHERE EXISTS (SELECT 1 FROM nasty.orders AS o WHERE EXISTS"
         " (SELECT 1 FROM nasty.days AS d WHERE d.id = k.id))", "right around it"),
        # nasty.days has a column n, too.
        ("SELECT n.id FROM nasty.numbers AS n WHERE EXISTS (SELECT 1 FROM nasty.orders AS o WHERE EXISTS"
         " (SELECT 1 FROM nasty.days AS d WHERE d.id = n.id))", "no column's name"),
        ("SELECT coalesce(sum(m), 0.12345) AS x FROM nasty.numbers", "of one scale"),
        ("SELECT sum(m) > 0.005 AS x FROM nasty.numbers", "of one scale"),
        ("WITH t AS (SELECT sum(m * 2) AS s FROM nasty.numbers) SELECT CASE WHEN s > 0 THEN s ELSE 0.125 END AS x FROM t", "of one scale"),
        ("SELECT sum(m) AS x FROM nasty.numbers UNION ALL SELECT r FROM nasty.numbers", "of one scale"),
        ("SELECT floor(i) // 2 AS x FROM nasty.numbers", "whole numbers on both sides"),
    ],
)  # fmt: skip
def test_refused_with_advice(sql, advice):
    found = [str(refused) for refused in refusals(sql, FILE, schemas())]
    assert len(found) == 1 and advice in found[0], found
    with pytest.raises(Refused):
        to_spark(sql, FILE, schemas(), {})


def test_a_refusal_tells_the_line_of_the_file():
    sql = "SELECT\n  order_id,\n  amount / quantity AS price\nFROM nasty.orders"
    refused = refusals(sql, FILE, schemas(), first_line=20)
    assert str(refused[0]).startswith(f"{FILE}, line 22: `amount / quantity`")
    assert refusals(sql, FILE, schemas())[0].line is None


def test_what_comes_out_is_read_again():
    with pytest.raises(Refused, match=r"`APPROX_QUANTILE.*not known to mean the same"):
        spark_sql._check_output("SELECT PERCENTILE_APPROX(x, 0.5) FROM t", FILE)
    with pytest.raises(Refused, match="comes out as no SQL"):
        spark_sql._check_output("SELECT FROM WHERE", FILE)
