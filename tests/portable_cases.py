"""The battery: the portable subset, as cases over small nasty tables. Each must give the same on both engines.

`EXPRESSIONS` are columns of a SELECT from one table, `QUERIES` are whole SELECTs. `tests/unit/test_spark_sql.py` sees to
it that every construct of the subset, with every argument it may carry, is in some case;
`tests/spark/test_dialect_cases.py` runs them. A case belongs here when a construct is added to the subset, or when the engines are caught differing.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

# fmt: off
TABLES: dict[str, tuple[dict[str, str], str]] = {
    "nasty.numbers": (
        {"id": "INTEGER", "i": "INTEGER", "n": "BIGINT", "m": "DECIMAL(18,2)", "r": "DECIMAL(18,4)", "x": "DOUBLE",
         "y": "DOUBLE", "ok": "BOOLEAN", "side": "VARCHAR"},
        """
        (1, 7, 3, 12.50, 0.1250, 2.5, 0.1, true, 'a'), (2, -7, 3, -12.50, -0.1250, -2.5, -0.1, false, 'a'),
        (3, 7, -3, 0.05, 0.0050, 0.5, 1e-20, true, 'a'), (4, -7, -3, -0.05, -0.0050, -0.5, -1e-20, false, 'b'),
        (5, 0, 0, 0.00, 0.0000, 0.0, 0.0, true, 'b'), (6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'b'),
        (7, 2147483647, 9007199254740993, 9999999999999999.99, 99999999999999.9999, 1e300, 1e18, true, 'b'),
        (8, -2147483648, -9007199254740993, -9999999999999999.99, -99999999999999.9999, -1e300, -1e18, false, 'c'),
        (9, 1, 1, 2.35, 2.3450, 1.4999999999999998, 0.49999999999999994, NULL, 'c'),
        (10, 3, 10, 2.35, 2.3450, 1.5, 4503599627370497.5, true, NULL),
        (11, 3, 10, -2.35, -2.3450, 100.0, 3.0, false, NULL)
        """,
    ),
    "nasty.texts": (
        {"id": "INTEGER", "s": "VARCHAR", "p": "VARCHAR"},
        """
        (1, '', 'x'), (2, ' ', ''), (3, '  a b  ', 'a'), (4, 'Straße', 'ß'), (5, 'İstanbul ΟΔΟΣ', 'Σ'),
        (6, 'ς Σ ΑΣΑ ΑΣ. ẞ', 's'), (7, '🤦🏼‍♂️ ok 👍', '👍'), (8, NULL, 'y'), (9, 'it''s', ''''), (10, 'a\\b', '\\'),
        (11, 'a%b_c', '%'), (12, 'a' || chr(10) || 'b' || chr(10), NULL), (13, chr(9) || 'tab' || chr(13), 't'),
        (14, chr(160) || chr(8195) || 'wide' || chr(12288), 'w'), (15, 'É é e' || chr(769), 'é'), (16, 'aaa', 'aa'),
        (17, 'A-12/x7 $1', '$1'), (18, 'line' || chr(8232) || 'sep' || chr(133) || chr(11), 'e'), (19, 'true', 'NULL'),
        (20, 'Ａ１', '１'), (21, 'x.y+z?(w)[v]{u}^t|', '.'), (22, 'null', 'Null')
        """,
    ),
    "nasty.days": (
        {"id": "INTEGER", "d": "DATE", "e": "DATE", "t": "TIMESTAMP", "n": "INTEGER"},
        """
        (1, '2024-02-29', '2023-03-01', '2024-02-29 23:59:59.999999', 1),
        (2, '2024-03-31', '2024-03-30', '2024-03-31 02:30:00', -1), (3, '2024-10-27', '2024-10-28', '2024-10-27 02:30:00', 0),
        (4, '2024-12-30', '2025-01-01', '2024-12-30 00:00:00', 366), (5, '1969-12-31', '1970-01-01', '1969-12-31 23:59:59.5', 1),
        (6, '1900-02-28', '1900-03-01', '1900-01-01 12:00:00', 36525), (7, NULL, '2024-01-01', NULL, NULL),
        (8, '2024-01-31', NULL, '2024-01-31 00:00:00.001', 30), (9, '2100-12-31', '2000-02-29', '2100-12-31 23:00:00', -365)
        """,
    ),
    "nasty.orders": (
        {"order_id": "INTEGER", "customer_id": "VARCHAR", "ordered_on": "DATE", "amount": "DECIMAL(18,2)",
         "quantity": "INTEGER", "channel": "VARCHAR", "score": "DOUBLE"},
        """
        (1, 'anna', '2024-01-01', 10.00, 1, 'web', 1.5), (2, 'anna', '2024-01-01', 10.00, 2, 'shop', 2.5),
        (3, 'anna', '2024-02-29', -3.33, -1, 'web', NULL), (4, 'Bert', '2024-01-01', 0.01, 1, NULL, 0.1),
        (5, 'Bert', '2024-03-31', 20.00, 3, 'web', 0.2), (6, 'ß', '2024-02-29', 7.77, 7, '', 0.3),
        (7, 'İ', '2024-02-29', 7.77, 7, 'web', 0.3), (8, '🤦🏼‍♂️', '2023-12-31', 99999999.99, 1, 'shop', 1e10),
        (9, NULL, '2024-01-15', 5.00, 1, 'web', 4.0), (10, 'cleo', NULL, NULL, NULL, 'shop', NULL),
        (11, 'cleo', '2024-01-15', 5.00, 1, 'web', 4.0), (12, 'anna', '2024-03-31', 10.00, 1, 'web', 3.5)
        """,
    ),
    "nasty.customers": (
        {"customer_id": "VARCHAR", "country": "VARCHAR", "since": "DATE", "orders": "BIGINT"},
        """
        ('anna', 'DE', '2023-01-01', 4), ('Bert', 'TR', '2024-02-29', 2), ('ß', NULL, '2024-01-01', 1), ('İ', 'TR', NULL, NULL),
        ('dora', 'DE', '2022-12-31', 0), (NULL, 'GR', '2020-02-29', 9), ('cleo', 'GR', '2024-01-15', 2)
        """,
    ),
}
"""Name: (columns and their types, rows)."""
# fmt: on

PARAMETERS: dict[str, Any] = {
    "snapshot_date": dt.date(2024, 2, 29),
    "at": dt.datetime(2024, 2, 29, 12, 30, 0, 250000),
    "word": "it's a \\ 'ß'\nİ",
    "count": 3,
    "share": 0.1,
    "money": Decimal("-12.50"),
    "yes": True,
    "nothing": None,
}

EXPRESSIONS: dict[str, list[str]] = {
    "nasty.numbers": [
        # values
        "NULL::INTEGER", "NULL::DATE", "TRUE", "'text'", "'it''s \\ back'", "1e3", "1.50", "3000000000", "-n",
        "DATE '2024-02-29'", "TIMESTAMP '2024-02-29 12:00:00'", '"i"', "numbers.i", "(i)", "-(-m)", "-x", "-(r)",
        "0::DECIMAL(18, 2)", "-1.005::DECIMAL(18, 2)", "0.1::DOUBLE", "3::DOUBLE", "2.675::DECIMAL(18, 2)",
        # parameters
        "$snapshot_date", "$at", "$word", "$count", "$share", "$money", "$yes", "$nothing::INTEGER", "$count + n",
        "$share * x / 3", "$money + m", "$count::DOUBLE", "$money::DOUBLE", "$snapshot_date + 1",
        # comparison and logic, with nulls
        "i = n", "i <> n", "i < n", "i <= n", "i > n", "i >= n", "m = r", "x = m", "x = 0.1", "y < 0.1", "m > 2.349999",
        "i IS NULL", "i IS NOT NULL", "ok IS TRUE", "ok IS FALSE", "ok IS NOT TRUE", "NOT ok", "ok AND i > 0",
        "ok OR i > 0", "ok AND NULL", "ok OR NULL", "NOT (ok AND i > 0) OR x < 0", "i IS DISTINCT FROM n",
        "i IS NOT DISTINCT FROM n", "NOT i IS NOT DISTINCT FROM n", "ok = (i > 0)", "ok IS NOT DISTINCT FROM NULL",
        "i BETWEEN -7 AND 3", "i NOT BETWEEN -7 AND 3", "x BETWEEN y AND m::DOUBLE", "x BETWEEN -0.5 AND 3", "n BETWEEN i AND m", "i IN (7, -7, 0)", "i NOT IN (7, 0)",
        "i IN (7, NULL)", "i NOT IN (7, NULL)", "m IN (12.5, -12.50, 0)", "side IN ('a', 'c')", "x IN (2.5, 1)",
        # choices
        "CASE WHEN i > 0 THEN 'plus' WHEN i < 0 THEN 'minus' ELSE 'none' END", "CASE WHEN i > 0 THEN m END",
        "CASE i WHEN 7 THEN 1 WHEN -7 THEN -1.5 END", "CASE WHEN ok THEN m ELSE x END", "CASE WHEN ok THEN i ELSE r END",
        "CASE side WHEN 'a' THEN i WHEN NULL THEN 0 ELSE n END", "CASE WHEN ok THEN NULL ELSE m END", "CASE WHEN ok THEN m::DECIMAL(30, 2) ELSE 0.12345 END",
        "coalesce(m::DECIMAL(30, 2), 1.234567890)", "n = 9007199254740992e0", "m::DECIMAL(34, 2) < r::DECIMAL(36, 4)", "m = r",
        "coalesce(i, 0)", "coalesce(m, 0)", "coalesce(m, r, 0.12345)", "coalesce(i, x)", "coalesce(m, x, 1)",
        "coalesce(side, '')", "coalesce(NULL, i, n)", "nullif(i, 0)", "nullif(m, 0)", "nullif(x, 0.5)", "nullif(side, 'a')",
        "greatest(i, n)", "greatest(i, n, 0)", "least(i, n)", "least(i, n, NULL)", "greatest(m, r)", "least(x, 1)",
        "greatest(0.0, x)", "greatest(m, x)", "least(1, m)", "greatest(side, 'b')", "greatest(ok, false)",
        # arithmetic
        "i + n", "i - n", "i::BIGINT * 3", "n * 2", "i // 2", "i // -2", "i // nullif(n, 0)", "n // nullif(i, 0)",
        "i % 3", "i % -3", "n % nullif(i, 0)", "m + r", "m - r", "(m - 0.01) * 0.5", "m + i", "n - m", "i * 0.5", "m + 0.001",
        "0.25 * i", "(m - 2.35) * 0.01", "m + x", "x * m", "x - i", "r * y",
        "m::DOUBLE / nullif(i, 0)", "i / 2e0", "x / nullif(y, 0)", "i::DOUBLE / 3", "x / -2.5", "1e0 / nullif(m, 0)",
        "x + y * 2 - 1", "(x + y) * 2", "x - (y - x)",
        # functions of numbers
        "abs(i::BIGINT)", "abs(m)", "abs(x)", "abs(-0.5)", "floor(x)", "ceil(x)", "floor(y)", "ceil(y)", "floor(m)",
        "ceil(m)", "floor(r)", "ceil(r)", "floor(i)", "ceil(n)", "floor(x * 2) / 2", "ceil(x - y)", "floor(m::DOUBLE * 3)",
        "round(x)", "round(y)", "round(m)", "round(r)", "round(m, 1)", "round(r, 2)", "round(r, 3)", "round(r, 0)",
        "round(m, 5)", "round(i)", "round(i, 1)", "sqrt(abs(x))", "sqrt(i)", "sqrt(x)", "exp(y / 1e20)", "exp(x)", "ln(x)",
        "ln(i)", "ln(abs(y))", "ln(m)", "power(x, 2)", "power(i, 0.5)", "power(0, -1)", "power(x, y)", "x ^ 3", "x ** 2",
        "power(m, 2)", "power(1, ln(x))", "power(-1, ln(x))", "power(i, ln(abs(x)))", "power(x, 0)", "power(ln(x), 0)",
        # casts
        "i::BIGINT", "i::DOUBLE", "n::DOUBLE", "m::DOUBLE", "r::DOUBLE", "i::DECIMAL(18, 2)", "n::DECIMAL(19, 3)",
        "r::DECIMAL(18, 2)", "r::DECIMAL(18, 1)", "m::DECIMAL(20, 4)", "(i % 100)::SMALLINT", "ok::INTEGER", "ok::BIGINT",
        "ok::DECIMAL(18, 2)", "ok::VARCHAR", "i::VARCHAR", "n::VARCHAR", "m::VARCHAR", "r::VARCHAR", "(r * 0.00001)::VARCHAR",
        "(m - m)::VARCHAR", "floor(m)::BIGINT", "ceil(r)::BIGINT", "round(m)::BIGINT", "round(r)::BIGINT",
        "floor(least(greatest(x, -1e6), 1e6))::INTEGER", "ceil(least(greatest(x, -1e6), 1e6))::BIGINT",
        "round(least(greatest(x, -1e6), 1e6))::INTEGER", "(round(y / 1e3))::BIGINT", "i::TEXT", "(i > 0)::VARCHAR",
        "CAST(floor(m) AS DECIMAL(18, 0))", "true::BOOLEAN", "r::DECIMAL",
        # scalar subqueries
        "(SELECT max(o.amount) FROM nasty.orders AS o)", "(SELECT max(o.amount) FROM nasty.orders AS o WHERE false)",
        "(SELECT count(*) FROM nasty.texts AS t WHERE t.id = numbers.i)",
        "(SELECT sum(o.quantity) FROM nasty.orders AS o WHERE o.quantity = numbers.i)",
        "(SELECT count(*) FROM nasty.orders AS o WHERE o.quantity < numbers.i)",
        "EXISTS (SELECT 1 FROM nasty.orders AS o WHERE o.quantity = numbers.i)",
        "NOT EXISTS (SELECT 1 FROM nasty.orders AS o WHERE o.quantity > numbers.i)",
    ],
    "nasty.texts": [
        "s || p", "s || '-' || id::VARCHAR", "concat(s, p)", "concat(s, '|', p, NULL)", "concat(s)", "length(s)",
        "length(p) * 3000000000", "lower(s)", "lower(p) = p", "trim(s)", "'[' || trim(s) || ']'", "trim(s, 'ab ')",
        "trim(s, '👍İ')", "trim(s, '')", "substring(s, 1, 2)", "substr(s, 2)", "substr(s, 3, 100)", "substr(s, 100, 1)",
        "substr(s, 1, 0)", "replace(s, p, '<>')", "replace(s, '', 'x')", "replace(s, 'a', '')", "md5(s)",
        "substring(md5(s), 1, 2)", "s LIKE 'a%'", "s LIKE '%b_'", "s LIKE '_'", "s LIKE '%'", "s LIKE ''", "s NOT LIKE '%a%'",
        "s LIKE '%a_b%'", "s LIKE '%.%'", "s LIKE '👍%'", "s LIKE '🤦🏼‍♂️ ok _'", "s < p", "s = p", "s >= 'a'", "s <> ''",
        "greatest(s, p)", "least(s, p, 'm')", "coalesce(nullif(s, ''), p)", "CASE WHEN s > 'Z' THEN s ELSE lower(p) END",
        "s::VARCHAR", "s::VARCHAR(3)", "s IS DISTINCT FROM p", "s BETWEEN 'a' AND 'z'", "s = $word", "s || $word",
        # patterns: what RE2 and Java could read differently
        *(f"regexp_matches(s, '{pattern}')" for pattern in (
            "a", "^a", "a$", "^a$", "a.b", "^.$", r"\s", r"^\s*$", r"\S", r"[\s]", r"[^\s]", r"\d", r"\D", r"^\w+$", r"\W",
            r"[\w-]+", r"^[^a-z]+$", "(a|b)+", "(?:a|É)", "a{2}", "a{2,}", "a{1,2}?b", "x?", "a*?b", r"\.", r"\$1",
            r"\(w\)\[v\]\{u\}\^t\|", "^$", r"b\n$", "[👍ß]", "é", "e.$", "🤦.", r"[.$^]", r"[a\]]", r"\\", "line.sep", "x|$",
            r"p.", r"[0-9]{2}/", "Ａ", r"\t", "[a-]", "''",
        )),
        *(f"regexp_replace(s, '{pattern}', '{by}', 'g')" for pattern, by in (
            ("a", "x"), ("[aeiou]+", ""), (r"\s+", " "), (r"\d", "#"), (".", "."), ("a$", "!"), ("^a", "^"), ("(a)(a)", "<>"),
            ("[^a-z]", "ß"), (r"\W+", "-"), ("aa|a", "1"), ("a+?", "2"), (r"\\", "/"), ("''", '"'), ("👍", "ok"),
        )),
    ],
    "nasty.days": [
        "d = e", "d < t", "t >= d", "d >= '2024-03-31'", "t < '2024-03-31 02:30:00'", "t >= '2024-03-31'", "d IN ('2024-02-29')",
        "d BETWEEN '2024-01-01' AND $snapshot_date", "coalesce(d, '1999-12-31')", "coalesce(d, t)", "greatest(d, e)",
        "least(d, e, $snapshot_date)", "greatest(d, t)", "nullif(d, '2024-02-29')", "CASE WHEN n > 0 THEN d ELSE e END",
        "CASE d WHEN '2024-02-29' THEN 'leap' END", "CASE WHEN n > 0 THEN d ELSE t END", "d IS DISTINCT FROM e",
        # arithmetic
        "d + 1", "d - 1", "1 + d", "d + n", "d - n", "d + (n * 2 - 1)", "(d + INTERVAL 1 MONTH)::DATE", "d + -1",
        "(d - INTERVAL 1 MONTH)::DATE", "(d + INTERVAL 1 YEAR)::DATE", "(d - INTERVAL '4' YEAR)::DATE",
        "(d + INTERVAL 2 WEEK)::DATE", "((d - INTERVAL '30 day'))::DATE", "(INTERVAL 1 MONTH + d)::DATE",
        "t + INTERVAL 1 MONTH", "t - INTERVAL 1 MONTH", "t - INTERVAL 1 YEAR", "t + INTERVAL 1 DAY", "t + INTERVAL 2 WEEK",
        "t + INTERVAL 3 HOUR", "t - INTERVAL 90 MINUTE", "t + INTERVAL 1 SECOND", "(t + INTERVAL 1 DAY)::DATE",
        "(date_trunc('month', d)::DATE + INTERVAL 1 MONTH)::DATE - 1", "($snapshot_date - INTERVAL 1 YEAR)::DATE",
        "date_diff('day', d, e)", "date_diff('day', e, d) * 100000", "date_diff('day', t::DATE, $snapshot_date)",
        "date_diff('day', DATE '2024-01-01', d) % 7", "date_diff('day', d, e)::DOUBLE / 365.25",
        # parts
        *(f"date_trunc('{unit}', {moment})" for unit in ("day", "week", "month", "quarter", "year") for moment in ("d", "t")),
        "date_trunc('month', d)::DATE", "date_trunc('week', t)::DATE", "date_trunc('day', d)::DATE", "date_trunc('month', t::DATE)", "date_trunc('month', d) = d",
        *(f"extract({part} FROM {moment})" for part in ("year", "quarter", "month", "day", "hour") for moment in ("d", "t")),
        "year(d) * 100 + month(t)", "quarter(d)", "day(t)", "extract(year FROM d) * 10000000",
        # casts
        "d::TIMESTAMP", "t::DATE", "d::VARCHAR", "t::VARCHAR", "'2024-02-29'::DATE", "'2024-02-29 01:02:03'::TIMESTAMP",
        "d::TIMESTAMP + INTERVAL 25 HOUR", "d::DATE", "extract(year FROM d)::VARCHAR || '-Q' || extract(quarter FROM d)::VARCHAR",
        "t = $at", "t > $at", "d <= $snapshot_date",
    ],
}  # fmt: skip

AGGREGATES: list[str] = [
    "count(*)", "count(x)", "count(ok)", "count(DISTINCT i)", "count(DISTINCT x)", "count(DISTINCT side)", "sum(i)", "sum(n)",
    "sum(m)", "sum(r)", "sum(x)", "min(i)", "max(i)", "min(m)", "max(m)", "min(x)", "max(x)", "min(side)", "max(side)",
    "min(ok)", "max(ok)", "avg(i)", "avg(x)", "avg(m::DOUBLE)", "stddev_samp(y)", "stddev_samp(i)", "stddev_samp(m)",
    "corr(i, n)", "corr(x, m)", "corr(m::DOUBLE, r::DOUBLE)", "corr(x, x - x)", "coalesce(corr(i, n), 0)",
    "percentile_cont(0.5) WITHIN GROUP (ORDER BY x)", "percentile_cont(0.25) WITHIN GROUP (ORDER BY i)",
    "percentile_cont(0) WITHIN GROUP (ORDER BY n)", "percentile_cont(1) WITHIN GROUP (ORDER BY m::DOUBLE)", "sum(m) * 0.01",
    "count(*) FILTER (WHERE ok)", "count(*) FILTER (WHERE NOT ok)", "sum(m) FILTER (WHERE i > 0)", "min(x) FILTER (WHERE x > 0)",
    "max(side) FILTER (WHERE side <> 'b')", "avg(i) FILTER (WHERE ok)", "stddev_samp(x) FILTER (WHERE ok)",
    "corr(i, n) FILTER (WHERE ok)", "corr(i, n) FILTER (WHERE i = 7 AND n = 3)", "sum(CASE WHEN ok THEN 1 ELSE 0 END)",
    "percentile_cont(0.9) WITHIN GROUP (ORDER BY i) FILTER (WHERE ok)", "count(DISTINCT i) FILTER (WHERE ok)",
    "coalesce(sum(m), 0)", "sum(m)::DECIMAL(18, 2)", "sum(i)::DOUBLE / nullif(count(i), 0)", "max(i) - min(i)", "sum(x * 2 + i)",
    "min(m + r)", "sum(-i)", "max(ok::INTEGER)", "sum(m * r)", "round(sum(m * r), 2)", "sum(m * 0.5)::VARCHAR", "sum(i) // 2",
    "sum(m) - sum(r)", "corr(n, i * 1000)", "greatest(sum(m), 0)", "nullif(count(*), 0) % 3", "sum(m * m * r)", "sum(sqrt(abs(y)))",
    "(sum(m) * sum(m)) * 0.0001",
]  # fmt: skip

_ORDINARY = "FROM nasty.numbers WHERE id NOT IN (7, 8)"  # without the numbers in which the others drown

WINDOWS: list[str] = [
    "row_number() OVER (ORDER BY ordered_on, order_id)", "row_number() OVER (ORDER BY ordered_on DESC, order_id DESC)",
    "row_number() OVER (PARTITION BY customer_id ORDER BY amount DESC NULLS FIRST, order_id)",
    "row_number() OVER (ORDER BY score NULLS FIRST, order_id)", "row_number() OVER (ORDER BY channel, order_id)",
    "row_number() OVER (ORDER BY score DESC NULLS LAST, order_id) * 3000000000",
    "rank() OVER (ORDER BY ordered_on)", "rank() OVER (PARTITION BY channel ORDER BY amount DESC)",
    "dense_rank() OVER (ORDER BY customer_id)", "dense_rank() OVER (ORDER BY score DESC)",
    "ntile(5) OVER (ORDER BY amount, order_id)", "ntile(20) OVER (PARTITION BY channel ORDER BY order_id)",
    "lag(amount) OVER (PARTITION BY customer_id ORDER BY ordered_on, order_id)", "lead(amount, 2) OVER (ORDER BY order_id)",
    "lag(quantity, 1, 0) OVER (PARTITION BY customer_id ORDER BY order_id)", "lead(channel, 1, 'none') OVER (ORDER BY order_id)",
    "lag(ordered_on, 1, '2000-01-01') OVER (ORDER BY order_id)", "lag(amount, 3, 0.125) OVER (ORDER BY order_id)",
    "first_value(channel) OVER (PARTITION BY customer_id ORDER BY ordered_on, order_id)",
    "first_value(amount) OVER (ORDER BY order_id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING)",
    "last_value(amount) OVER (ORDER BY order_id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)",
    "last_value(score) OVER (PARTITION BY customer_id ORDER BY order_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)",
    # Without a frame: up to the current row and those that tie with it.
    "sum(amount) OVER (ORDER BY ordered_on)", "count(*) OVER (PARTITION BY channel ORDER BY ordered_on DESC)",
    "max(amount) OVER (PARTITION BY customer_id)", "sum(quantity) OVER ()", "count(score) OVER (PARTITION BY customer_id)",
    "avg(score) OVER (PARTITION BY channel ORDER BY order_id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
    "sum(amount) OVER (ORDER BY order_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)",
    "sum(amount) OVER (ORDER BY order_id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
    "min(score) OVER (ORDER BY order_id ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING)",
    "count(*) OVER (ORDER BY order_id ROWS 3 PRECEDING)", "sum(score) OVER (ORDER BY order_id ROWS UNBOUNDED PRECEDING)",
    "stddev_samp(score) OVER (PARTITION BY customer_id)", "corr(score, quantity) OVER (PARTITION BY channel)",
    "corr(score, quantity) OVER (ORDER BY order_id)", "min(channel) OVER (PARTITION BY ordered_on ORDER BY order_id)",
    "sum(CASE WHEN channel = 'web' THEN amount END) OVER (PARTITION BY customer_id ORDER BY order_id)",
    "coalesce(sum(amount) OVER (PARTITION BY customer_id), 0) - coalesce(amount, 0)",
    "amount::DOUBLE / nullif(sum(amount) OVER (PARTITION BY customer_id), 0)",
    "date_diff('day', lag(ordered_on) OVER (PARTITION BY customer_id ORDER BY ordered_on, order_id), ordered_on)",
]  # fmt: skip


def numbered(expressions: list[str]) -> str:
    return ", ".join(f"{expression} AS c{number}" for number, expression in enumerate(expressions))


QUERIES: list[str] = [
    # aggregates: over all rows, by group, over no row, over single rows
    f"SELECT {numbered(AGGREGATES)} {_ORDINARY}",
    f"SELECT side, {numbered(AGGREGATES)} {_ORDINARY} GROUP BY side",
    f"SELECT {numbered(AGGREGATES)} {_ORDINARY} AND false",
    f"SELECT side, {numbered(AGGREGATES)} {_ORDINARY} AND false GROUP BY side",
    f"SELECT id, {numbered(AGGREGATES)} {_ORDINARY} GROUP BY id",
    # selection and names
    "SELECT 1 AS one, 'x' AS \"Some Name\"",
    'SELECT o.order_id AS "select", o.amount AS "from" FROM nasty.orders AS o',
    "SELECT ORDER_ID, Orders.AMOUNT FROM NASTY.Orders WHERE Channel = 'web'",
    "SELECT order_id, amount * 2 AS amount, amount + 1 AS more FROM nasty.orders",
    "SELECT order_id, quantity + 1 AS next, next * 2 AS twice FROM nasty.orders WHERE next > 1",
    "SELECT -order_id AS order_id, quantity FROM nasty.orders ORDER BY order_id",
    "SELECT channel AS customer_id, count(*) AS n FROM nasty.orders GROUP BY channel",
    "SELECT coalesce(channel, 'none') AS channel, count(*) AS n FROM nasty.orders GROUP BY coalesce(channel, 'none')",
    "SELECT extract(year FROM ordered_on) AS y, sum(amount) AS s FROM nasty.orders GROUP BY y",
    "SELECT $count AS c, $snapshot_date AS d, $word AS w, count(*) AS n FROM nasty.orders",
    # an alias that is a column, too
    "SELECT lower(customer_id) AS customer_id, count(*) AS n FROM nasty.orders GROUP BY customer_id",
    "SELECT order_id, quantity + 1 AS quantity FROM nasty.orders WHERE quantity > 1",
    "SELECT customer_id, count(*) AS quantity FROM nasty.orders GROUP BY customer_id HAVING sum(quantity) > 2",
    "SELECT customer_id, count(*) AS n FROM nasty.orders GROUP BY customer_id HAVING n > 1",
    "SELECT order_id, -quantity AS quantity FROM nasty.orders ORDER BY quantity, order_id",
    "SELECT o.order_id, -o.quantity AS quantity FROM nasty.orders AS o ORDER BY o.quantity, o.order_id",
    "SELECT order_id, -quantity AS quantity, row_number() OVER (ORDER BY quantity, order_id) AS place FROM nasty.orders",
    "SELECT channel, sum(amount) AS amount FROM nasty.orders GROUP BY channel ORDER BY amount DESC, channel",
    "SELECT sub.quantity FROM (SELECT -quantity AS quantity FROM nasty.orders) AS sub WHERE sub.quantity < -1",
    "SELECT DISTINCT channel FROM nasty.orders",
    "SELECT DISTINCT customer_id, ordered_on FROM nasty.orders",
    "SELECT DISTINCT x * 0 AS zero, y - y AS other FROM nasty.numbers WHERE abs(x) < 1e10",
    "SELECT count(*) AS n FROM (SELECT DISTINCT customer_id, channel FROM nasty.orders) AS pairs",
    # order and limit: NULLs last, text by its bytes
    "SELECT order_id, score FROM nasty.orders ORDER BY score, order_id",
    "SELECT order_id, score FROM nasty.orders ORDER BY score DESC, order_id DESC LIMIT 5",
    "SELECT order_id, score FROM nasty.orders ORDER BY score NULLS FIRST, order_id LIMIT 3",
    "SELECT order_id, score FROM nasty.orders ORDER BY score DESC NULLS FIRST, order_id LIMIT 3",
    "SELECT id, s FROM nasty.texts ORDER BY s, id",
    "SELECT id, s FROM nasty.texts ORDER BY lower(trim(s)) DESC, id LIMIT 7",
    "SELECT customer_id, sum(amount) AS total FROM nasty.orders GROUP BY customer_id ORDER BY total DESC, customer_id",
    "SELECT customer_id FROM nasty.orders GROUP BY customer_id ORDER BY count(*) DESC, sum(quantity), customer_id LIMIT 4",
    "SELECT order_id FROM nasty.orders ORDER BY amount - quantity, order_id LIMIT 0",
    "SELECT id, ok FROM nasty.numbers ORDER BY ok, id DESC",
    "SELECT id, d FROM nasty.days ORDER BY d DESC, id",
    "SELECT sum(n) AS n FROM (SELECT quantity AS n FROM nasty.orders ORDER BY amount DESC, order_id LIMIT 3) AS top",
    # grouping
    "SELECT channel, ordered_on, count(*) AS n FROM nasty.orders GROUP BY channel, ordered_on",
    "SELECT customer_id, count(*) AS n FROM nasty.orders GROUP BY customer_id HAVING count(*) > 1 AND sum(amount) > 0",
    "SELECT sum(amount) AS s FROM nasty.orders HAVING sum(amount) <> (SELECT sum(orders) FROM nasty.customers)",
    "SELECT 1 AS bad FROM nasty.orders HAVING count(*) > 100",
    "SELECT count(*) AS n FROM nasty.orders WHERE false GROUP BY channel",
    "SELECT date_trunc('month', ordered_on)::DATE AS month, sum(amount) AS s FROM nasty.orders"
    " GROUP BY date_trunc('month', ordered_on)::DATE",
    "SELECT floor(score) AS f, length(channel) AS l, count(*) AS n FROM nasty.orders GROUP BY floor(score), length(channel)",
    "SELECT lower(customer_id) AS k, count(*) AS n FROM nasty.orders GROUP BY lower(customer_id)",
    "SELECT channel, sum(count(*)) OVER () AS everyone, rank() OVER (ORDER BY sum(amount) DESC) AS place"
    " FROM nasty.orders GROUP BY channel",
    "SELECT quantity, coalesce(sum(count(*)) OVER (ORDER BY quantity ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::BIGINT"
    " AS fewer FROM nasty.orders GROUP BY quantity",
    "SELECT x, count(*) AS n FROM (SELECT nullif(x, x) AS x FROM nasty.numbers) AS t GROUP BY x",
    # windows
    f"SELECT order_id, {numbered(WINDOWS)} FROM nasty.orders",
    "WITH ranked AS (SELECT order_id, customer_id, row_number() OVER (PARTITION BY customer_id ORDER BY ordered_on DESC, order_id)"
    " AS place FROM nasty.orders) SELECT customer_id, order_id FROM ranked WHERE place = 1",
    # joins
    "SELECT o.order_id, c.country FROM nasty.orders AS o JOIN nasty.customers AS c ON c.customer_id = o.customer_id",
    "SELECT o.order_id, c.country FROM nasty.orders AS o INNER JOIN nasty.customers AS c ON c.customer_id = o.customer_id",
    "SELECT c.customer_id, o.order_id FROM nasty.customers AS c LEFT JOIN nasty.orders AS o"
    " ON o.customer_id = c.customer_id AND o.ordered_on >= c.since",
    "SELECT c.customer_id, o.order_id FROM nasty.customers AS c LEFT OUTER JOIN nasty.orders AS o ON o.quantity > c.orders",
    "SELECT c.customer_id, o.customer_id AS other, count(*) AS n FROM nasty.customers AS c FULL JOIN nasty.orders AS o"
    " ON o.customer_id = c.customer_id GROUP BY c.customer_id, o.customer_id",
    "SELECT c.country, o.order_id FROM nasty.customers AS c FULL OUTER JOIN nasty.orders AS o"
    " ON o.customer_id IS NOT DISTINCT FROM c.customer_id",
    "SELECT c.country, o.order_id FROM nasty.customers AS c JOIN nasty.orders AS o ON o.customer_id IS NOT DISTINCT FROM c.customer_id",
    "SELECT c.country, k.n FROM nasty.customers AS c CROSS JOIN (VALUES (1), (2)) AS k(n)",
    "SELECT customer_id, country, order_id FROM nasty.customers JOIN nasty.orders USING (customer_id)",
    "SELECT customer_id, country, order_id FROM nasty.customers LEFT JOIN nasty.orders USING (customer_id)",
    "SELECT customer_id, country, order_id FROM nasty.customers FULL JOIN nasty.orders USING (customer_id)",
    "SELECT customer_id, c.country, o.order_id, p.since FROM nasty.customers AS c JOIN nasty.orders AS o USING (customer_id)"
    " LEFT JOIN nasty.customers AS p USING (customer_id)",
    "SELECT customer_id, c.country, o.order_id, p.id FROM nasty.customers AS c FULL JOIN nasty.orders AS o USING (customer_id)"
    " FULL JOIN (SELECT s AS customer_id, id FROM nasty.texts) AS p USING (customer_id)",
    "SELECT customer_id, a.order_id, b.order_id AS next_id FROM nasty.orders AS a JOIN nasty.orders AS b USING (customer_id, ordered_on)"
    " WHERE a.order_id < b.order_id",
    "SELECT a.order_id, b.order_id AS other FROM nasty.orders AS a JOIN nasty.orders AS b"
    " ON a.ordered_on = b.ordered_on AND a.order_id < b.order_id",
    "SELECT o.order_id, c.country FROM nasty.orders AS o LEFT JOIN nasty.customers AS c ON c.customer_id = o.customer_id"
    " WHERE c.country IS DISTINCT FROM 'DE'",
    "SELECT o.order_id, n.id FROM nasty.orders AS o JOIN nasty.numbers AS n ON n.m = o.amount OR n.x = o.score",
    "SELECT a.n FROM (VALUES (1), (2)) AS a(n) LEFT JOIN (SELECT 1 AS one) AS b ON true",
    # subqueries
    "SELECT customer_id FROM nasty.customers AS c WHERE EXISTS"
    " (SELECT 1 FROM nasty.orders AS o WHERE o.customer_id = c.customer_id AND o.amount > c.orders)",
    "SELECT customer_id FROM nasty.customers AS c WHERE NOT EXISTS (SELECT 1 FROM nasty.orders AS o WHERE o.customer_id = c.customer_id)",
    "SELECT customer_id FROM nasty.customers AS c WHERE c.since IS NULL OR EXISTS"
    " (SELECT 1 FROM nasty.orders AS o WHERE o.ordered_on < c.since)",
    "SELECT order_id FROM nasty.orders WHERE customer_id IN (SELECT customer_id FROM nasty.customers)",
    "SELECT order_id FROM nasty.orders AS o WHERE quantity IN (SELECT c.orders FROM nasty.customers AS c WHERE c.customer_id = o.customer_id)",
    "SELECT order_id FROM nasty.orders WHERE amount > 10 OR (customer_id IN (SELECT customer_id FROM nasty.customers) AND quantity = 1)",
    "SELECT o.order_id FROM nasty.orders AS o WHERE EXISTS (SELECT 1 FROM nasty.orders AS o WHERE o.quantity > 3)",
    "SELECT order_id FROM nasty.orders WHERE amount = (SELECT max(amount) FROM nasty.orders)",
    "SELECT c.customer_id, (SELECT count(*) FROM nasty.orders AS o WHERE o.customer_id = c.customer_id) AS n,"
    " (SELECT coalesce(sum(o.amount), 0) FROM nasty.orders AS o WHERE o.customer_id = c.customer_id) AS s,"
    " (SELECT max(o.ordered_on) FROM nasty.orders AS o WHERE o.ordered_on < c.since) AS before FROM nasty.customers AS c",
    "SELECT order_id FROM nasty.orders AS o WHERE amount > (SELECT avg(p.amount::DOUBLE) FROM nasty.orders AS p WHERE p.channel = o.channel)",
    # CTEs
    "WITH t AS (SELECT 1 AS x) SELECT a.x, b.x AS y FROM t AS a CROSS JOIN t AS b",
    "WITH orders AS (SELECT order_id FROM nasty.orders WHERE amount > 5) SELECT orders.order_id FROM orders",
    "WITH t AS (SELECT 1 AS x), u AS (WITH v AS (SELECT t.x + 1 AS x FROM t) SELECT v.x FROM v) SELECT t.x, u.x AS y FROM t CROSS JOIN u",
    "WITH customers AS (WITH orders AS (SELECT customer_id FROM nasty.orders WHERE amount > 5) SELECT orders.customer_id FROM orders)"
    " SELECT customers.customer_id, o.amount FROM customers JOIN nasty.orders AS o ON o.customer_id = customers.customer_id",
    "WITH t AS MATERIALIZED (SELECT order_id FROM nasty.orders), u AS NOT MATERIALIZED (SELECT t.order_id FROM t)"
    " SELECT u.order_id FROM u JOIN t ON t.order_id = u.order_id + 1",
    "WITH named(a, b) AS (SELECT order_id, amount FROM nasty.orders) SELECT named.b, named.a FROM named",
    "WITH a AS (SELECT 1 AS x UNION ALL SELECT 2) SELECT s.x FROM (WITH b AS (SELECT a.x + 1 AS x FROM a) SELECT b.x FROM b) AS s",
    # VALUES
    "SELECT v.a, v.b FROM (VALUES (1, 'x'), (2, 'y'), (NULL, '')) AS v(a, b)",
    "SELECT v.d, v.n FROM (VALUES (DATE '2024-02-29', 1.5), (NULL::DATE, 2)) AS v(d, n)",
    "SELECT v.n, v.t FROM (VALUES (1e0, true), (-2, NULL), (0.5, false)) AS v(n, t)",
    "SELECT v.p, v.q FROM (VALUES ($snapshot_date, -1), (DATE '2024-01-01', 2)) AS v(p, q)",
    # unions
    "SELECT 1 AS x UNION ALL SELECT 1 UNION ALL SELECT 2",
    "SELECT 1 AS x UNION SELECT 1 UNION SELECT 2",
    "SELECT CAST(s AS VARCHAR) AS s FROM (SELECT concat('a', 'b') AS s UNION SELECT 1::VARCHAR AS s) AS texts",
    "SELECT CAST(s AS VARCHAR) AS s FROM (SELECT CASE WHEN id = 1 THEN NULL ELSE 'x' END AS s FROM nasty.numbers) AS texts",
    "SELECT 1 AS x UNION ALL SELECT 1 UNION SELECT 1",
    "SELECT 1 AS x UNION SELECT 1 UNION ALL SELECT 1",
    "SELECT quantity AS q, channel AS c FROM nasty.orders UNION SELECT orders, country FROM nasty.customers",
    "SELECT i AS n FROM nasty.numbers UNION ALL SELECT m FROM nasty.numbers UNION ALL SELECT r FROM nasty.numbers",
    "SELECT m::DECIMAL(34, 2) AS n FROM nasty.numbers WHERE id < 5 UNION SELECT r::DECIMAL(38, 4) FROM nasty.numbers WHERE id < 5",
    "SELECT sum(s) AS s, sum(s) * 0.12345 AS t, coalesce(sum(s), 0.12) AS u FROM (SELECT sum(s) AS s FROM"
    " (SELECT side, sum(m) AS s FROM nasty.numbers WHERE id < 5 GROUP BY side) AS a GROUP BY side) AS b",
    "SELECT i AS n FROM nasty.numbers UNION SELECT x FROM nasty.numbers WHERE abs(x) < 1e10",
    "SELECT d AS moment FROM nasty.days UNION SELECT t FROM nasty.days",
    "SELECT NULL AS x, 'a' AS y UNION ALL SELECT 1, NULL",
    "(SELECT order_id AS x FROM nasty.orders ORDER BY order_id LIMIT 2) UNION ALL"
    " (SELECT order_id FROM nasty.orders ORDER BY order_id DESC LIMIT 2)",
    "SELECT order_id AS x FROM nasty.orders UNION ALL SELECT id FROM nasty.texts ORDER BY x DESC LIMIT 5",
    "WITH n AS (SELECT 1 AS x) SELECT n.x FROM n UNION ALL SELECT n.x + 1 FROM n",
]
"""Whole SELECTs. Where one ends in ORDER BY, the order of its rows is compared, too."""


def expression_query(table: str, expressions: list[str]) -> str:
    return f"SELECT id, {numbered(expressions)} FROM {table}"


def all_queries() -> list[str]:
    return [*(expression_query(table, [case]) for table, cases in EXPRESSIONS.items() for case in cases), *QUERIES]


def schemas() -> dict[str, dict[str, str]]:
    return {name: columns for name, (columns, _) in TABLES.items()}
