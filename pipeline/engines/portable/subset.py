"""The portable subset of SQL as an allow-list, the advice for the rest, and the rules of syntax.

Every file in `sql/` is written in DuckDB's dialect, and must mean the same on Spark. This module names what may be
written (`ALLOWED`: a class of sqlglot's syntax tree and the arguments it may carry) and refuses everything else, with
what to write instead. Some constructs are portable in some forms only: `_SYNTAX_RULES` judges those that need no types,
`sql_types.py` the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sqlglot import exp

from pipeline.tables.sql_text import Finding

Rule = Callable[[Any], Iterable[Finding]]

# ---------------------------------------------------------------------------------------------------------------------
# What may be written: syntax and functions, each with the arguments it may carry
# ---------------------------------------------------------------------------------------------------------------------

_UNARY = ("this",)
_BINARY = ("this", "expression")
_QUERY_TAIL = ("with_", "order", "limit")

ALLOWED: Mapping[type[exp.Expr], tuple[str, ...]] = {
    # queries
    exp.Select: (*_QUERY_TAIL, "expressions", "distinct", "from_", "joins", "where", "group", "having"),
    exp.Union: (*_QUERY_TAIL, "this", "expression", "distinct"),
    exp.With: ("expressions",),
    exp.CTE: ("this", "alias", "materialized"),
    exp.Subquery: ("this", "alias"),
    exp.Values: ("expressions", "alias"),
    exp.Tuple: ("expressions",),
    exp.From: _UNARY,
    exp.Join: ("this", "side", "kind", "on", "using"),
    exp.Table: ("this", "db", "alias"),
    exp.TableAlias: ("this", "columns"),
    exp.Where: _UNARY,
    exp.Group: ("expressions",),
    exp.Having: _UNARY,
    exp.Order: ("expressions",),
    exp.Ordered: ("this", "desc", "nulls_first"),
    exp.Limit: ("expression",),
    exp.Distinct: ("expressions",),
    # names and values
    exp.Alias: ("this", "alias"),
    exp.Column: ("this", "table"),
    exp.Identifier: ("this", "quoted"),
    exp.Star: (),
    exp.Literal: ("this", "is_string"),
    exp.Boolean: _UNARY,
    exp.Null: (),
    exp.Placeholder: _UNARY,
    exp.Interval: ("this", "unit"),
    exp.Var: _UNARY,
    exp.DataType: ("this", "expressions"),
    exp.DataTypeParam: _UNARY,
    # operators
    **dict.fromkeys((exp.And, exp.Or, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is), _BINARY),
    **dict.fromkeys((exp.NullSafeEQ, exp.NullSafeNEQ, exp.Add, exp.Sub, exp.Mul, exp.IntDiv, exp.Mod), _BINARY),
    **dict.fromkeys((exp.Paren, exp.Not, exp.Neg, exp.Exists), _UNARY),
    exp.Div: _BINARY,
    exp.DPipe: (*_BINARY, "safe"),
    exp.Like: (*_BINARY, "negate"),
    exp.In: ("this", "expressions", "query"),
    exp.Between: ("this", "low", "high"),
    exp.Case: ("this", "ifs", "default"),
    exp.If: ("this", "true"),
    exp.Cast: ("this", "to"),
    # functions of one row
    **dict.fromkeys((exp.Floor, exp.Ceil, exp.Abs, exp.Sqrt, exp.Exp, exp.Ln, exp.Lower, exp.MD5), _UNARY),
    **dict.fromkeys((exp.Length, exp.Year, exp.Quarter, exp.Month, exp.Day), _UNARY),
    exp.Pow: _BINARY,
    exp.Nullif: _BINARY,
    exp.Coalesce: ("this", "expressions"),
    exp.Greatest: ("this", "expressions", "ignore_nulls"),
    exp.Least: ("this", "expressions", "ignore_nulls"),
    exp.Round: ("this", "decimals"),
    exp.Trim: _BINARY,
    exp.Concat: ("expressions", "safe", "coalesce"),
    exp.Substring: ("this", "start", "length"),
    exp.Replace: ("this", "expression", "replacement"),
    exp.RegexpReplace: ("this", "expression", "replacement", "modifiers", "single_replace"),
    exp.RegexpLike: _BINARY,
    exp.DateDiff: ("this", "expression", "unit", "date_part_boundary"),
    exp.DateTrunc: ("this", "unit"),
    exp.TimestampTrunc: ("this", "unit"),
    exp.Extract: _BINARY,
    # functions of many rows
    **dict.fromkeys((exp.Sum, exp.Min, exp.Max, exp.Avg, exp.StddevSamp), _UNARY),
    exp.Count: ("this", "big_int"),
    exp.Corr: _BINARY,
    exp.Filter: _BINARY,
    exp.PercentileCont: _UNARY,
    exp.WithinGroup: _BINARY,
    exp.Window: ("this", "partition_by", "order", "spec", "over"),
    exp.WindowSpec: ("kind", "start", "start_side", "end", "end_side"),
    exp.RowNumber: (),
    exp.Rank: (),
    exp.DenseRank: (),
    exp.Ntile: _UNARY,
    exp.Lag: ("this", "offset", "default"),
    exp.Lead: ("this", "offset", "default"),
    exp.FirstValue: _UNARY,
    exp.LastValue: _UNARY,
}
"""The portable subset. A node's arguments that are set and not named here are refused as well."""

_DType = exp.DType
CAST_TYPES = {
    _DType.TEXT, _DType.VARCHAR, _DType.BOOLEAN, _DType.SMALLINT, _DType.INT, _DType.BIGINT, _DType.DOUBLE,
    _DType.DECIMAL, _DType.DATE, _DType.TIMESTAMP, _DType.TIMESTAMPNTZ,
}  # fmt: skip

# ---------------------------------------------------------------------------------------------------------------------
# What to write instead
# ---------------------------------------------------------------------------------------------------------------------

_GENERIC = "something of the portable subset (ALLOWED in pipeline/engines/portable/subset.py)"
_NO_CLOCK = "$snapshot_date: analysis reads no clock"
_NO_CHANCE = "an ordering by a key: analysis throws no dice"
_NO_STAR = "every column by its name"
_NO_LISTS = "one row per element; lists and structs do not exist here"
_NO_DAY_NAMES = "date_diff('day', DATE '2024-01-01', d) % 7 (0 = Monday), or a small VALUES list"
_ONE_ROW = "min(), max(), or a CTE with row_number() OVER (… ORDER BY key) = 1: which row it takes is not determined"
_PERCENTILE = "percentile_cont(0.5) WITHIN GROUP (ORDER BY x::DOUBLE)"
_EXACT_DISTINCT = "count(DISTINCT x)"
_NO_STRINGS_OF_ROWS = "one row per element: the order within the string is not the same on both engines"
_DATE_OF_PARTS = "a DATE column or DATE '…'"
_TYPES = "VARCHAR, BOOLEAN, SMALLINT, INTEGER, BIGINT, DOUBLE, DECIMAL(p, s), DATE or TIMESTAMP as the type"
_DATE_MATH = "d + n for days, or (d + INTERVAL 1 MONTH)::DATE"

INSTEAD: Mapping[type[exp.Expr], str] = {
    **dict.fromkeys((exp.CurrentDate, exp.CurrentTimestamp, exp.Localtimestamp, exp.CurrentTime), _NO_CLOCK),
    **dict.fromkeys((exp.Rand, exp.Uuid, exp.TableSample), _NO_CHANCE),
    **dict.fromkeys((exp.Array, exp.Struct, exp.Bracket, exp.Lambda, exp.Transform, exp.Explode), _NO_LISTS),
    exp.Unnest: _NO_LISTS,
    **dict.fromkeys((exp.Dayname, exp.DayOfWeek, exp.DayOfWeekIso), _NO_DAY_NAMES),
    **dict.fromkeys((exp.AnyValue, exp.First, exp.Last, exp.ArgMax, exp.ArgMin, exp.NthValue), _ONE_ROW),
    **dict.fromkeys((exp.ApproxDistinct,), _EXACT_DISTINCT),
    **dict.fromkeys((exp.ApproxQuantile, exp.Quantile, exp.Median, exp.PercentileDisc), _PERCENTILE),
    **dict.fromkeys((exp.GroupConcat, exp.ArrayAgg), _NO_STRINGS_OF_ROWS),
    **dict.fromkeys((exp.DateAdd, exp.DateSub, exp.ToDays), _DATE_MATH),
    **dict.fromkeys((exp.Intersect, exp.Except), "WHERE [NOT] EXISTS (SELECT …)"),
    exp.GenerateSeries: "a join with a table of parameters or a VALUES list",
    exp.Pivot: "one sum(…) FILTER (WHERE …) per column",
    exp.Mode: "count(*) per value and row_number() OVER (ORDER BY n DESC, value) = 1",
    exp.Columns: _NO_STAR,
    exp.Lateral: "a JOIN, or a scalar subquery in the SELECT",
    exp.Log: "ln(x), or ln(x) / ln(10) with a guard: log(x) has another base on the other engine",
    exp.Stddev: "stddev_samp(x)",
    exp.ILike: "lower(x) LIKE '…'",
    exp.Escape: "LIKE with % and _ only",
    exp.SimilarTo: "regexp_matches(x, '…')",
    exp.Glob: "LIKE",
    exp.LogicalAnd: "min(CASE WHEN condition THEN 1 ELSE 0 END) = 1",
    exp.LogicalOr: "max(CASE WHEN condition THEN 1 ELSE 0 END) = 1",
    exp.CountIf: "count(*) FILTER (WHERE condition)",
    exp.IgnoreNulls: _ONE_ROW,
    exp.TryCast: "a cast of a column that sql/sources/ has already read: text is read there",
    exp.StrToTime: "a DATE or TIMESTAMP column: text is read in sql/sources/",
    exp.TimeToStr: "extract(year FROM d) and extract(month FROM d), or a DATE: the report formats it",
    exp.AtTimeZone: "a TIMESTAMP in the shop's time zone: zones are resolved in sql/sources/",
    exp.DateFromParts: _DATE_OF_PARTS,
    exp.LastDay: "(date_trunc('month', d)::DATE + INTERVAL 1 MONTH)::DATE - 1",
    exp.Upper: "lower(x): upper('ß') is ẞ on one engine and SS on the other",
    exp.Week: "date_trunc('week', d)",
    exp.Left: "substr(x, 1, n)",
    exp.SplitPart: "a column of its own: text is taken apart in sql/sources/",
    exp.RegexpExtract: "a column of its own: text is taken apart in sql/sources/",
    exp.StartsWith: "x LIKE 'prefix%'",
    exp.Contains: "x LIKE '%part%'",
    exp.Any: "IN or EXISTS",
    exp.Rollup: "one SELECT per level, with UNION ALL",
    exp.Cube: "one SELECT per level, with UNION ALL",
    exp.GroupingSets: "one SELECT per level, with UNION ALL",
    exp.Trunc: "floor(x) or ceil(x)",
    exp.LimitOptions: "LIMIT with a whole number",
}

FUNCTION_INSTEAD: Mapping[str, str] = {
    **dict.fromkeys(("now", "today", "get_current_timestamp", "transaction_timestamp"), _NO_CLOCK),
    **dict.fromkeys(("setseed", "gen_random_uuid"), _NO_CHANCE),
    **dict.fromkeys(("arbitrary", "any_value"), _ONE_ROW),
    **dict.fromkeys(("quantile", "reservoir_quantile", "approx_top_k"), _PERCENTILE),
    **dict.fromkeys(("listagg", "histogram", "list_aggregate"), _NO_STRINGS_OF_ROWS),
    **dict.fromkeys(("date_part", "datepart"), "extract(year FROM d), extract(month FROM d) or extract(day FROM d)"),
    **dict.fromkeys(("date_sub", "datesub", "age"), "date_diff('day', a, b)"),
    "mean": "avg(x)",
    "row": _NO_LISTS,
    "timezone": INSTEAD[exp.AtTimeZone],
    "try_strptime": INSTEAD[exp.StrToTime],
}
"""The same for functions that sqlglot has no class for."""

ARGUMENT_INSTEAD: Mapping[tuple[type[exp.Expr], str], str] = {
    (exp.Select, "qualify"): "the window in a CTE and its condition in WHERE",
    (exp.Select, "windows"): "the window in full after OVER",
    (exp.Window, "alias"): "the window in full after OVER",
    (exp.Window, "first"): "the window in full after OVER",
    (exp.Select, "sample"): _NO_CHANCE,
    (exp.Table, "sample"): _NO_CHANCE,
    (exp.Select, "laterals"): INSTEAD[exp.Lateral],
    (exp.Select, "offset"): "row_number() OVER (ORDER BY key) and a condition on it",
    (exp.Union, "by_name"): "UNION ALL with the columns in the same order",
    (exp.Table, "pivots"): INSTEAD[exp.Pivot],
    (exp.Table, "catalog"): "schema.table",
    (exp.Column, "db"): "an alias of the table before the column",
    (exp.With, "recursive"): "a join with a table of parameters",
    **{(exp.Star, name): _NO_STAR for name in ("except_", "replace", "rename")},
    (exp.Order, "this"): "the aggregate without ORDER BY, or a window",
    (exp.Group, "all"): "GROUP BY with every column",
    (exp.Distinct, "on"): "row_number() OVER (PARTITION BY … ORDER BY key) = 1",
    (exp.WindowSpec, "exclude"): "a frame without EXCLUDE, and take the current row off by hand",
    (exp.Trim, "position"): "trim(x)",
    (exp.Extract, "this"): _NO_DAY_NAMES,
    (exp.In, "unnest"): _NO_LISTS,
    (exp.In, "field"): "IN (SELECT …)",
    (exp.DataType, "nested"): _TYPES,
    (exp.Between, "symmetric"): "BETWEEN least(a, b) AND greatest(a, b)",
    (exp.If, "false"): "CASE WHEN … THEN … ELSE … END",
    (exp.PercentileCont, "expression"): _PERCENTILE,
}
_METHOD_INSTEAD = {
    "ASOF": "a bounded JOIN and row_number() OVER (PARTITION BY … ORDER BY date DESC) = 1",
    "POSITIONAL": "a JOIN on a key",
    "NATURAL": "JOIN … ON with the keys",
}


# ---------------------------------------------------------------------------------------------------------------------
# What the syntax tells
# ---------------------------------------------------------------------------------------------------------------------


def syntax_findings(query: exp.Query) -> Iterator[Finding]:
    """Walk down from the root; below a refused node nothing is reported, it would only repeat."""
    stack: list[exp.Expr] = [query]
    while stack:
        node = stack.pop()
        found = [*_not_allowed(node)] or [*_SYNTAX_RULES.get(type(node), _no_rule)(node)]
        yield from found
        if not found:
            stack.extend(reversed(list(node.iter_expressions())))


def _not_allowed(node: exp.Expr) -> Iterator[Finding]:
    arguments = ALLOWED.get(type(node))
    if arguments is None:
        yield Finding(node, _instead(node))
        return
    for name, value in node.args.items():
        if name not in arguments and value is not None and value is not False and value != []:
            yield Finding(_part(node, value), _argument_instead(node, name, value))


def _instead(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return FUNCTION_INSTEAD.get(node.name.lower(), _GENERIC)
    return INSTEAD.get(type(node), _GENERIC)


def _argument_instead(node: exp.Expr, name: str, value: object) -> str:
    if name == "method":
        return _METHOD_INSTEAD.get(str(value).upper(), _GENERIC)
    return ARGUMENT_INSTEAD.get((type(node), name)) or (_instead(value) if isinstance(value, exp.Expr) else _GENERIC)


def _part(node: exp.Expr, value: object) -> exp.Expr:
    """What to show for a refused argument: the argument where it is a clause of its own, or the whole node."""
    if isinstance(value, list) and value and isinstance(value[0], exp.Expr):
        value = value[0]
    return value if isinstance(value, exp.Expr) and isinstance(node, exp.Query | exp.Table) else node


def _no_rule(_: exp.Expr) -> Iterable[Finding]:
    return ()


# ---------------------------------------------------------------------------------------------------------------------
# Rules of syntax: what can be judged without types
# ---------------------------------------------------------------------------------------------------------------------

_RANKINGS = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue)
_AGGREGATES = (exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.Corr, exp.StddevSamp)
_TRUNCATIONS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
_DATE_PARTS = ("YEAR", "QUARTER", "MONTH", "DAY", "HOUR")
_INTERVALS = ("DAY", "WEEK", "MONTH", "YEAR", "HOUR", "MINUTE", "SECOND")


def bare(node: exp.Expr | None) -> exp.Expr | None:
    """The node without its parentheses."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def is_text(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Literal) and node.is_string


def is_whole(node: exp.Expr | None, at_least: int = 0) -> bool:
    return isinstance(node, exp.Literal) and str(node.this).isdigit() and int(node.this) >= at_least


def outside_parens(node: exp.Expr) -> exp.Expr | None:
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    return parent


def _star(node: exp.Star) -> Iterator[Finding]:
    if not isinstance(node.parent, exp.Count):
        yield Finding(node.parent if isinstance(node.parent, exp.Column) else node, _NO_STAR)


def _var(node: exp.Var) -> Iterator[Finding]:
    if not isinstance(node.parent, exp.Interval | exp.DateDiff | exp.TimestampTrunc | exp.DateTrunc | exp.Extract):
        yield Finding(node.parent or node, _NO_STAR)


def _placeholder(node: exp.Placeholder) -> Iterator[Finding]:
    if not node.args.get("this") or str(node.this).isdigit():
        yield Finding(node, "a named parameter such as $snapshot_date")


def _join(node: exp.Join) -> Iterator[Finding]:
    side, kind = node.side.upper(), node.kind.upper()
    if isinstance(node.this, exp.Lateral):
        return  # refused one step further down
    if kind in ("SEMI", "ANTI"):
        yield Finding(node, "WHERE [NOT] EXISTS (SELECT …)")
    elif side == "RIGHT":
        yield Finding(node, "LEFT JOIN, with the tables the other way round")
    elif kind not in ("", "INNER", "OUTER", "CROSS") or side not in ("", "LEFT", "FULL"):
        yield Finding(node, "JOIN, LEFT JOIN, FULL JOIN or CROSS JOIN")
    elif (on := node.args.get("on")) and on.find(exp.Query):
        yield Finding(node, "the subquery of the condition in a CTE that is joined")
    elif kind != "CROSS" and not (node.args.get("on") or node.args.get("using")):
        yield Finding(node, "CROSS JOIN, or JOIN … ON")


def _with(node: exp.With) -> Iterator[Finding]:
    """The translation lays all CTEs side by side. The first WITH of a text speaks for all of them."""
    if node.root().find(exp.With) is not node:
        return
    seen = set[str]()
    for cte in node.root().find_all(exp.CTE):
        if cte.alias.lower() in seen:
            yield Finding(cte.args["alias"], "a name of its own for each CTE", "names more than one CTE")
        seen.add(cte.alias.lower())


def _values(node: exp.Values) -> Iterator[Finding]:
    named = node.args.get("alias") or (node.parent.args.get("alias") if isinstance(node.parent, exp.CTE) else None)
    if not (isinstance(named, exp.TableAlias) and named.args.get("columns")):
        yield Finding(node, "(VALUES …) AS name(column, …)")


def _tuple(node: exp.Tuple) -> Iterator[Finding]:
    if not isinstance(node.parent, exp.Values):
        yield Finding(node, "one comparison per column, with AND or EXISTS")


def _group(node: exp.Group) -> Iterator[Finding]:
    for key in node.expressions:
        if isinstance(key, exp.Literal):
            yield Finding(node, "the column itself, not its position")


def _order(node: exp.Order) -> Iterator[Finding]:
    if not isinstance(node.parent, exp.Query | exp.Window | exp.WithinGroup):
        yield Finding(node.parent or node, "the aggregate without ORDER BY, or a window")
    for key in node.expressions:
        if isinstance(key.this, exp.Literal):
            yield Finding(node, "the column itself, not its position")


def _limit(node: exp.Limit) -> Iterator[Finding]:
    if not (node.parent and node.parent.args.get("order")):
        yield Finding(node, "ORDER BY with a key before the LIMIT", "takes arbitrary rows")
    if not is_whole(node.expression):
        yield Finding(node, "LIMIT with a whole number")


def _distinct(node: exp.Distinct) -> Iterator[Finding]:
    if isinstance(node.parent, exp.Count):
        if len(node.expressions) != 1:
            yield Finding(node.parent, "count(*) over a SELECT DISTINCT")
        elif isinstance(node.parent.parent, exp.Window):
            yield Finding(node.parent.parent, "a count(DISTINCT …) in a CTE of its own, joined back")
    elif not isinstance(node.parent, exp.Query):
        yield Finding(node.parent or node, "the aggregate over a SELECT DISTINCT")


def _if(node: exp.If) -> Iterator[Finding]:
    if not isinstance(node.parent, exp.Case):
        yield Finding(node, "CASE WHEN … THEN … ELSE … END")


def _count(node: exp.Count) -> Iterator[Finding]:
    if not node.args.get("this"):
        yield Finding(node, "count(*)")


def _in(node: exp.In) -> Iterator[Finding]:
    """Where NULL IN (SELECT …) is no condition of a WHERE, Spark says false and DuckDB NULL (seen on Spark 4.0.1)."""
    around = node.parent
    while isinstance(around, exp.And | exp.Or | exp.Paren):
        around = around.parent
    if node.args.get("query") and not isinstance(around, exp.Where):
        yield Finding(node, "[NOT] EXISTS (SELECT …): NULL in a subquery's IN means something else on each engine")


def _is(node: exp.Is) -> Iterator[Finding]:
    if not isinstance(node.expression, exp.Null | exp.Boolean):
        yield Finding(node, "IS NOT DISTINCT FROM")


def _like(node: exp.Like) -> Iterator[Finding]:
    if not is_text(node.expression) or "\\" in node.expression.name:
        yield Finding(node, "LIKE with a constant pattern without a backslash (it escapes on one engine only)")


def _interval(node: exp.Interval) -> Iterator[Finding]:
    count, unit = node.args.get("this"), node.args.get("unit")
    if not isinstance(outside_parens(node), exp.Add | exp.Sub):
        yield Finding(node, "date ± INTERVAL n DAY, in place")
    elif not (isinstance(count, exp.Literal) and str(count.this).isdigit() and isinstance(unit, exp.Var)):
        yield Finding(node, "d + n for days; INTERVAL takes a whole number and one unit")
    elif unit.name.upper() not in _INTERVALS:
        yield Finding(node, "INTERVAL 3 MONTH for a quarter; DAY, WEEK, MONTH and YEAR are there")


def _trunc(node: exp.DateTrunc | exp.TimestampTrunc) -> Iterator[Finding]:
    if node.args["unit"].name.upper() not in _TRUNCATIONS:
        yield Finding(node, "date_trunc to 'day', 'week', 'month', 'quarter' or 'year'")


def _extract(node: exp.Extract) -> Iterator[Finding]:
    if node.name.upper() not in _DATE_PARTS:
        yield Finding(node, _NO_DAY_NAMES)


def _substring(node: exp.Substring) -> Iterator[Finding]:
    length = node.args.get("length")
    if not is_whole(node.args.get("start"), at_least=1) or not (length is None or is_whole(length)):
        yield Finding(node, "substr(x, start, n) with constants and a start of 1 or more: others count differently")


def _trim(node: exp.Trim) -> Iterator[Finding]:
    if node.args.get("expression") and not is_text(node.expression):
        yield Finding(node, "trim(x), or trim(x, '…') with constant characters")


_ESCAPE = r"\\[tnrf] | \\p\{[A-Z][a-z]?\} | \\[!-/:-@\[-^`{-~]"
_ATOM = rf"\\[dDwWsS] | {_ESCAPE} | \) | \. | [^\\()\[\]{{}}.*+?|^$]"
_CLASS = rf"\[ \^? (?: \\[dws] | {_ESCAPE} | [^\\\[\]&~] )+ \]"
_TIMES = r"(?: [*+?] | \{\d{1,3}(?:,\d{0,3})?\} ) \??"
_PATTERN = re.compile(rf"(?: (?: {_CLASS} | {_ATOM} ) (?: {_TIMES} )? | \(\?: | \((?!\?) | [\^$|] )*", re.VERBOSE)


_PATTERN_ADVICE = "a pattern of literals, [a-z], \\d \\w \\s, groups, |, * + ? {n}, ^ and $, without flags"


def is_portable_pattern(pattern: str) -> bool:
    """Whether RE2 (DuckDB) and Java's engine (Spark) read the pattern alike, save for what `java_pattern` rewrites.

    Literals, `.`, classes without [:names:], \\d \\w \\s, general categories such as \\p{Lu}, groups, alternatives,
    repetition, ^ and $; no flags.
    """
    try:
        _compiled(pattern)
    except re.error:
        return False
    return _PATTERN.fullmatch(pattern) is not None


def _compiled(pattern: str) -> re.Pattern[str]:
    """The pattern for Python, which knows no categories; any class of one character stands for them."""
    return re.compile(re.sub(r"\\p\{[A-Z][a-z]?\}", r"\\w", pattern))


def _regexp_like(node: exp.RegexpLike) -> Iterator[Finding]:
    # Only a function call notes its place in the text. The operator ~ gives the same node, but matches the whole text.
    if "start" not in node.meta or not is_text(node.expression):
        yield Finding(node, "regexp_matches(x, '…') with a constant pattern (`~` must match the whole text)")
    elif not is_portable_pattern(node.expression.name):
        yield Finding(node, _PATTERN_ADVICE)


def _regexp_replace(node: exp.RegexpReplace) -> Iterator[Finding]:
    modifiers = node.args.get("modifiers")
    if not (is_text(modifiers) and modifiers is not None and modifiers.name == "g"):
        yield Finding(node, "regexp_replace(x, '…', '…', 'g'): without 'g' one engine replaces the first match only")
    replacement = node.args.get("replacement")
    if not (is_text(node.expression) and is_text(replacement)):
        yield Finding(node, "regexp_replace with a constant pattern and a constant replacement")
    elif replacement is not None and re.search(r"[\\$]", replacement.name):
        yield Finding(node, "a replacement without \\1 and $1: groups are written differently on each engine")
    elif not is_portable_pattern(node.expression.name) or _compiled(node.expression.name).search("") is not None:
        yield Finding(node, f"{_PATTERN_ADVICE}, that does not match the empty text")


def _filter(node: exp.Filter) -> Iterator[Finding]:
    if isinstance(node.parent, exp.Window):
        yield Finding(node.parent, "sum(CASE WHEN … THEN … END) OVER (…): a window takes no FILTER on Spark")
    elif not isinstance(node.this, (*_AGGREGATES, exp.WithinGroup)):
        yield Finding(node, "FILTER on count, sum, min, max, avg, corr, stddev_samp or percentile_cont")


def _percentile(node: exp.PercentileCont) -> Iterator[Finding]:
    quantile = node.this
    constant = isinstance(quantile, exp.Literal) and not quantile.is_string and 0 <= float(quantile.this) <= 1
    if not constant or not isinstance(node.parent, exp.WithinGroup):
        yield Finding(node, "percentile_cont(0.5) WITHIN GROUP (ORDER BY x) with a constant between 0 and 1")


def _within_group(node: exp.WithinGroup) -> Iterator[Finding]:
    keys = node.expression.expressions if isinstance(node.expression, exp.Order) else []
    if not isinstance(node.this, exp.PercentileCont):
        yield Finding(node, _PERCENTILE)
    elif len(keys) != 1 or keys[0].args.get("desc") or isinstance(node.parent, exp.Window):
        yield Finding(node, "percentile_cont(q) WITHIN GROUP (ORDER BY x), ascending, as an aggregate of a GROUP BY")


def _ranking(node: exp.Expr) -> Iterator[Finding]:
    if not isinstance(node.parent, exp.Window):
        yield Finding(node, "the function with OVER (… ORDER BY key)")
    count = node.this if isinstance(node, exp.Ntile) else node.args.get("offset")
    if count is not None and not is_whole(count):
        yield Finding(node, "a whole number: Spark takes no other")


def _window(node: exp.Window) -> Iterator[Finding]:
    function, order, spec = node.this, node.args.get("order"), node.args.get("spec")
    if isinstance(function, exp.Filter):
        return  # the FILTER has its own, better advice
    if isinstance(function, exp.IgnoreNulls):
        yield Finding(node, "the window over a CTE from which NULLs are already gone")
    elif not isinstance(function, (*_RANKINGS, *_AGGREGATES, exp.WithinGroup)):
        yield Finding(node, _instead(function))
    elif isinstance(function, _RANKINGS) and not order:
        yield Finding(node, "OVER (… ORDER BY key)", "has no order")
    elif isinstance(function, exp.LastValue) and not spec:
        yield Finding(node, "first_value(x) OVER (… ORDER BY key DESC): without a frame it sees the current row last")
    elif isinstance(function, _RANKINGS) and spec and not isinstance(function, exp.FirstValue | exp.LastValue):
        yield Finding(node, "the window without a frame")


def _window_spec(node: exp.WindowSpec) -> Iterator[Finding]:
    if str(node.args.get("kind")).upper() != "ROWS":
        yield Finding(node.parent or node, "ROWS BETWEEN … with a tie-breaking key in the ORDER BY")
    elif not node.parent or not node.parent.args.get("order"):
        yield Finding(node.parent or node, "OVER (… ORDER BY key ROWS BETWEEN …)", "has no order")
    if not _starts_before_it_ends(node):
        yield Finding(node.parent or node, "a frame that starts before it ends", "has an empty frame")
    for bound in (node.args.get("start"), node.args.get("end")):
        if isinstance(bound, exp.Expr) and not is_whole(bound):
            yield Finding(node.parent or node, "a frame with whole numbers")


def _starts_before_it_ends(node: exp.WindowSpec) -> bool:
    """Spark refuses a frame that is empty by its bounds; DuckDB sees no rows in it."""
    start, end = (_bound(node.args.get(bound), node.args.get(f"{bound}_side")) for bound in ("start", "end"))
    return start <= end


def _bound(bound: exp.Expr | str | None, side: str | None) -> float:
    """How many rows after the current one."""
    sign = -1 if str(side).upper() == "PRECEDING" else 1
    if isinstance(bound, exp.Expr):
        return sign * float(bound.name) if is_whole(bound) else 0.0
    return sign * float("inf") if str(bound).upper() == "UNBOUNDED" else 0.0


def _data_type(node: exp.DataType) -> Iterator[Finding]:
    if node.this not in CAST_TYPES:
        yield Finding(node.parent or node, _TYPES)


_SYNTAX_RULES: Mapping[type[exp.Expr], Rule] = {
    exp.Star: _star,
    exp.Var: _var,
    exp.Placeholder: _placeholder,
    exp.Join: _join,
    exp.With: _with,
    exp.Values: _values,
    exp.Tuple: _tuple,
    exp.Group: _group,
    exp.Order: _order,
    exp.Limit: _limit,
    exp.Distinct: _distinct,
    exp.If: _if,
    exp.Count: _count,
    exp.In: _in,
    exp.Is: _is,
    exp.Like: _like,
    exp.Interval: _interval,
    exp.DateTrunc: _trunc,
    exp.TimestampTrunc: _trunc,
    exp.Extract: _extract,
    exp.Substring: _substring,
    exp.Trim: _trim,
    exp.RegexpLike: _regexp_like,
    exp.RegexpReplace: _regexp_replace,
    exp.Filter: _filter,
    exp.PercentileCont: _percentile,
    exp.WithinGroup: _within_group,
    exp.Window: _window,
    exp.WindowSpec: _window_spec,
    exp.DataType: _data_type,
    **dict.fromkeys(_RANKINGS, _ranking),
}
