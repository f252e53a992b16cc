"""The portable subset of SQL, as an allow-list, and the tables that a SELECT reads.

Every file in `sql/` is written in DuckDB's dialect, and must mean the same on Spark. A translator alone cannot promise
that: it changes many constructs in silence. So this module names what may be written (`ALLOWED`: a class of sqlglot's
syntax tree and the arguments it may carry) and refuses the rest, with what to write instead. Some constructs are
portable for some operands only: the rules for these are functions, one per construct, in two tables (syntax and types).

What belongs here: reading SQL text. What does not: running it, and the generation of Spark's dialect.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import OptimizeError, SqlglotError
from sqlglot.optimizer.annotate_types import TypeAnnotator
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

DIALECT = "duckdb"
PARAMETERS: Mapping[str, str] = {"snapshot_date": "DATE"}
"""DuckDB types of the named parameters that every SELECT may use; any other parameter is cast where it is used."""


class Refused(Exception):
    """A construct that does not mean the same on both engines, or a text that is not one readable SELECT."""

    def __init__(self, file: str, construct: str, instead: str = "", why: str = "is not portable") -> None:
        super().__init__(file, construct, instead, why)
        self.file = file
        self.construct = construct
        self.instead = instead
        self.why = why

    def __str__(self) -> str:
        advice = f"; write {self.instead} instead" if self.instead else ""
        return f"{self.file}: `{self.construct}` {self.why}{advice}"


class Finding(NamedTuple):
    """What a rule found: the node to show, what to write instead, and why if it is not merely unportable."""

    node: exp.Expr
    instead: str
    why: str = "is not portable"


Rule = Callable[[Any], Iterable[Finding]]


# ---------------------------------------------------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------------------------------------------------


def parse(sql: str, file: str) -> exp.Query:
    """The syntax tree of the one SELECT in `sql`. Raises Refused for anything else, and for what cannot be read."""
    try:
        statements = [s for s in sqlglot.parse(sql, read=DIALECT) if s and not isinstance(s, exp.Semicolon)]
    except SqlglotError as error:
        raise Refused(file, _first_error(error), "", "cannot be read as SQL") from error
    if len(statements) != 1:
        raise Refused(file, f"{len(statements)} statements", "exactly one SELECT", "is not one table")
    root = statements[0]
    if not isinstance(root, exp.Select | exp.SetOperation) or root.find(exp.Into):
        raise Refused(file, _excerpt(root), "a single SELECT", "is not a SELECT")
    return root


def tables_read(sql: str, file: str, *, unqualified: frozenset[str] = frozenset()) -> frozenset[str]:
    """Names `schema.table`, in lower case, of the tables that the SELECT really reads.

    CTEs are not tables, even where they carry a table's name. Bare names in `unqualified` may be read and are not
    returned: they are no tables of the warehouse (a source file's `export`). Raises Refused for every other source.
    """
    return frozenset(_table_name(table) for table in _real_tables(parse(sql, file), file, unqualified) if table.db)


def _real_tables(query: exp.Query, file: str, unqualified: frozenset[str]) -> list[exp.Table]:
    """The table nodes that are no CTEs, each checked. Found scope by scope: only there a name says what it means."""
    real: list[exp.Table] = []
    seen: set[int] = set()
    for scope in _scopes(query, file):
        for table in scope.tables:
            if id(table) in seen:
                continue
            seen.add(id(table))
            if table.db or table.name not in scope.cte_sources:
                _check_table(table, file, unqualified)
                real.append(table)
    # PIVOT, SUMMARIZE and the like hide their tables from the scopes. Better refuse than miss a dependency.
    for table in query.find_all(exp.Table):
        if id(table) not in seen:
            raise Refused(file, _excerpt(table.parent or table), "the table in a plain FROM or JOIN", "hides its table")
    return real


def _scopes(query: exp.Query, file: str) -> list[Scope]:
    try:
        return traverse_scope(query)
    except SqlglotError as error:
        raise Refused(file, _first_error(error), "", "cannot be read as SQL") from error


def _check_table(table: exp.Table, file: str, unqualified: frozenset[str]) -> None:
    if not isinstance(table.this, exp.Identifier):
        raise Refused(file, _excerpt(table), "the name of a table, schema.table", "is not a table")
    if table.catalog:
        raise Refused(file, _excerpt(table), f"{table.db}.{table.name}", "names a catalog")
    if not table.db and table.name.lower() not in unqualified:
        if re.search(r"[./\\*:]", table.name):
            raise Refused(file, _excerpt(table), "the name of a table, schema.table", "reads a file")
        raise Refused(file, table.name, f"schema.{table.name}", "does not say which schema it is in")


def _table_name(table: exp.Table) -> str:
    return f"{table.db}.{table.name}".lower() if table.db else table.name.lower()


def _first_error(error: SqlglotError) -> str:
    details = getattr(error, "errors", None) or [{}]
    place = f"{details[0].get('highlight') or ''}".strip()
    where = f" (line {details[0]['line']})" if details[0].get("line") else ""
    return f"{place}{where}" if place else str(error).splitlines()[0]


def _excerpt(node: exp.Expr, length: int = 80) -> str:
    """The node as DuckDB SQL on one line; as it was written, where `qualify` has since rewritten it."""
    text: str = node.meta.get("written") or node.sql(DIALECT, comments=False)
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[: length - 1]}…"


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
    exp.DataType: ("this", "expressions", "nested"),
    exp.DataTypeParam: _UNARY,
    # operators
    **dict.fromkeys((exp.And, exp.Or, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is), _BINARY),
    **dict.fromkeys((exp.NullSafeEQ, exp.NullSafeNEQ, exp.Add, exp.Sub, exp.Mul, exp.IntDiv, exp.Mod), _BINARY),
    **dict.fromkeys((exp.Paren, exp.Not, exp.Neg, exp.Exists), _UNARY),
    exp.Div: (*_BINARY, "typed", "safe"),
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

ALLOWED_IN_SOURCES: Mapping[type[exp.Expr], tuple[str, ...]] = {
    exp.TryCast: ("this", "to", "safe"),
    exp.Upper: _UNARY,
    exp.StrToTime: ("this", "format"),
    exp.RegexpExtract: ("this", "expression", "group", "null_if_pos_overflow"),
    exp.SplitPart: ("this", "delimiter", "part_index"),
    exp.StartsWith: _BINARY,
    exp.Left: _BINARY,
    exp.Right: _BINARY,
    exp.AtTimeZone: ("this", "zone"),
    exp.Anonymous: ("this", "expressions"),
}
"""In addition, what a file in `sql/sources/` may use: it maps raw text, and only DuckDB ever runs it."""

FUNCTIONS_IN_SOURCES = frozenset({"try_strptime", "timezone"})
"""Functions that sqlglot has no class for."""

_DType = exp.DType
CAST_TYPES = {
    _DType.TEXT, _DType.VARCHAR, _DType.BOOLEAN, _DType.SMALLINT, _DType.INT, _DType.BIGINT, _DType.DOUBLE,
    _DType.DECIMAL, _DType.DATE, _DType.TIMESTAMP, _DType.TIMESTAMPNTZ,
}  # fmt: skip
CAST_TYPES_IN_SOURCES = CAST_TYPES | {_DType.TIMESTAMPTZ}

# ---------------------------------------------------------------------------------------------------------------------
# What to write instead
# ---------------------------------------------------------------------------------------------------------------------

_GENERIC = "something of the portable subset (ALLOWED in pipeline/engines/dialect.py)"
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
# The lint
# ---------------------------------------------------------------------------------------------------------------------


def refusals(
    sql: str,
    file: str,
    schemas: Mapping[str, Mapping[str, str]],
    *,
    source: bool = False,
    parameters: Mapping[str, str] = PARAMETERS,
) -> list[Refused]:
    """Everything in the SELECT that keeps it from meaning the same on both engines; an empty list: it is portable.

    `schemas` maps "schema.table" (or a bare name, for sources) to {column: DuckDB type}; `parameters` does so for
    `$names`. Types and columns are looked at only when the syntax is in the subset: outside it they say little.
    """
    allowed = {**ALLOWED, **ALLOWED_IN_SOURCES} if source else ALLOWED
    bare = frozenset(name.lower() for name in schemas if "." not in name)
    try:
        query = parse(sql, file)
        found = list(_syntax_findings(query, allowed, source))
        if not found:
            tables = _real_tables(query, file, bare)
            if unknown := _unknown_tables(tables, file, schemas):
                return unknown
            found = list(_type_findings(query, tables, file, schemas, source, parameters))
    except Refused as refused:
        return [refused]
    unique = {(_excerpt(f.node), f.instead, f.why): None for f in found}
    return [Refused(file, construct, instead, why) for construct, instead, why in unique]


def _syntax_findings(
    query: exp.Query, allowed: Mapping[type[exp.Expr], tuple[str, ...]], source: bool
) -> Iterator[Finding]:
    """Walk down from the root; below a refused node nothing is reported, it would only repeat."""
    rules = _syntax_rules(source)
    stack: list[exp.Expr] = [query]
    while stack:
        node = stack.pop()
        found = [*_not_allowed(node, allowed)] or [*rules.get(type(node), _no_rule)(node)]
        yield from found
        if not found:
            stack.extend(reversed(list(node.iter_expressions())))


def _not_allowed(node: exp.Expr, allowed: Mapping[type[exp.Expr], tuple[str, ...]]) -> Iterator[Finding]:
    arguments = allowed.get(type(node))
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
_DATE_PARTS = ("YEAR", "QUARTER", "MONTH", "DAY")
_INTERVALS = ("DAY", "WEEK", "MONTH", "YEAR", "HOUR", "MINUTE", "SECOND")


def _bare(node: exp.Expr | None) -> exp.Expr | None:
    """The node without its parentheses."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def _is_text(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Literal) and node.is_string


def _is_whole(node: exp.Expr | None, at_least: int = 0) -> bool:
    return isinstance(node, exp.Literal) and str(node.this).isdigit() and int(node.this) >= at_least


def _outside_parens(node: exp.Expr) -> exp.Expr | None:
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
    elif kind != "CROSS" and not (node.args.get("on") or node.args.get("using")):
        yield Finding(node, "CROSS JOIN, or JOIN … ON")


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
    if not _is_whole(node.expression):
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
    if not _is_text(node.expression) or "\\" in node.expression.name:
        yield Finding(node, "LIKE with a constant pattern without a backslash (it escapes on one engine only)")


def _interval(node: exp.Interval) -> Iterator[Finding]:
    count, unit = node.args.get("this"), node.args.get("unit")
    if not isinstance(_outside_parens(node), exp.Add | exp.Sub):
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
    if not _is_whole(node.args.get("start"), at_least=1):
        yield Finding(node, "substr(x, start, n) with a constant start of 1 or more: others count differently")


def _trim(node: exp.Trim) -> Iterator[Finding]:
    if node.args.get("expression") and not _is_text(node.expression):
        yield Finding(node, "trim(x), or trim(x, '…') with constant characters")


def _regexp_like(node: exp.RegexpLike) -> Iterator[Finding]:
    # Only a function call notes its place in the text. The operator ~ gives the same node, but matches the whole text.
    if "start" not in node.meta or not _is_text(node.expression):
        yield Finding(node, "regexp_matches(x, '…') with a constant pattern (`~` must match the whole text)")


def _regexp_replace(node: exp.RegexpReplace) -> Iterator[Finding]:
    modifiers = node.args.get("modifiers")
    if not (_is_text(modifiers) and modifiers is not None and modifiers.name == "g"):
        yield Finding(node, "regexp_replace(x, '…', '…', 'g'): without 'g' one engine replaces the first match only")
    replacement = node.args.get("replacement")
    if not (_is_text(node.expression) and _is_text(replacement)):
        yield Finding(node, "regexp_replace with a constant pattern and a constant replacement")
    elif replacement is not None and re.search(r"[\\$]", replacement.name):
        yield Finding(node, "a replacement without \\1 and $1: groups are written differently on each engine")


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
    if count is not None and not _is_whole(count):
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
    for bound in (node.args.get("start"), node.args.get("end")):
        if isinstance(bound, exp.Expr) and not _is_whole(bound):
            yield Finding(node.parent or node, "a frame with whole numbers")


def _data_type(types: set[exp.DType], node: exp.DataType) -> Iterator[Finding]:
    if node.this not in types:
        yield Finding(
            node.parent or node,
            "VARCHAR, BOOLEAN, SMALLINT, INTEGER, BIGINT, DOUBLE, DECIMAL(p, s), DATE or TIMESTAMP as the type",
        )


def _constant_format(node: exp.StrToTime | exp.Anonymous) -> Iterator[Finding]:
    layout = node.args["format"] if isinstance(node, exp.StrToTime) else node.expressions[-1]
    if not _is_text(layout):
        yield Finding(node, "the format as a constant, such as '%Y-%m-%d'")


def _source_function(node: exp.Anonymous) -> Iterator[Finding]:
    name = node.name.lower()
    if name not in FUNCTIONS_IN_SOURCES or len(node.expressions) != 2:
        yield Finding(node, FUNCTION_INSTEAD.get(name, _GENERIC))
    elif name == "try_strptime":
        yield from _constant_format(node)


_SYNTAX_RULES: Mapping[type[exp.Expr], Rule] = {
    exp.Star: _star,
    exp.Var: _var,
    exp.Placeholder: _placeholder,
    exp.Join: _join,
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
    exp.StrToTime: _constant_format,
    exp.Anonymous: _source_function,
    **dict.fromkeys(_RANKINGS, _ranking),
}


def _syntax_rules(source: bool) -> Mapping[type[exp.Expr], Rule]:
    return {**_SYNTAX_RULES, exp.DataType: partial(_data_type, CAST_TYPES_IN_SOURCES if source else CAST_TYPES)}


# ---------------------------------------------------------------------------------------------------------------------
# Types: sqlglot's inference over bare types, corrected where it does not say what DuckDB does
# ---------------------------------------------------------------------------------------------------------------------

_WHOLE = {_DType.TINYINT, _DType.SMALLINT, _DType.INT, _DType.BIGINT, _DType.INT128, _DType.UTINYINT, _DType.USMALLINT,
          _DType.UINT, _DType.UBIGINT, _DType.UINT128}  # fmt: skip
_FLOATING = {_DType.FLOAT, _DType.DOUBLE}
_FRACTION = _FLOATING | {_DType.DECIMAL}
_NUMBER = _WHOLE | _FRACTION
_TEXT = {_DType.TEXT, _DType.VARCHAR, _DType.CHAR}
_STAMP = {_DType.TIMESTAMP, _DType.TIMESTAMPNTZ, _DType.TIMESTAMP_S, _DType.TIMESTAMP_MS, _DType.TIMESTAMP_NS}
_UNION_TYPES = {
    _DType.BIGINT: {_DType.DECIMAL, _DType.DOUBLE},
    _DType.DECIMAL: {_DType.DOUBLE},
    _DType.DATE: set(_STAMP),
}
"""What the columns of a UNION come to when its sides differ."""
_UNTYPED = {_DType.UNKNOWN, _DType.NULL}


def _kind(node: exp.Expr | None) -> exp.DType:
    kind = node.type.this if node is not None and node.type is not None else _DType.UNKNOWN
    return kind if isinstance(kind, exp.DType) else _DType.UNKNOWN


def _bare_type(text: str) -> exp.DType:
    """A type without its size: told DECIMAL(18, 2), sqlglot takes its product with a DOUBLE for a DECIMAL."""
    kind = exp.DataType.build(text, dialect=DIALECT).this
    if not isinstance(kind, exp.DType):
        return _DType.UNKNOWN
    return _DType.BIGINT if kind in _WHOLE else _DType.DOUBLE if kind in _FLOATING else kind


def _infer(rule: Callable[[Any], exp.DType]) -> dict[str, Any]:
    """An entry of sqlglot's table of inference: the type of a node, given that its operands are already typed."""

    def annotate(annotator: TypeAnnotator, node: exp.Expr) -> exp.Expr:
        return annotator._set_type(node, rule(node))

    return {"annotator": annotate}


def _widest(*nodes: exp.Expr | None) -> exp.DType:
    """The type that values of several types come to: a number over a whole number, a moment over a day."""
    kinds = [kind for kind in map(_kind, nodes) if kind is not _DType.NULL]
    for family in (_FLOATING, {_DType.DECIMAL}, _WHOLE):
        if all(kind in _NUMBER for kind in kinds) and any(kind in family for kind in kinds):
            return _DType.DOUBLE if family is _FLOATING else _DType.DECIMAL if family is not _WHOLE else _DType.BIGINT
    # A quoted constant takes the type of what stands beside it.
    typed = {kind for kind, node in zip(map(_kind, nodes), nodes, strict=True) if not _is_text(node)} - {_DType.NULL}
    if len(typed) == 1:
        return typed.pop()
    if typed and typed <= _STAMP | {_DType.DATE}:
        return _DType.TIMESTAMP
    return kinds[0] if kinds and len(set(kinds)) == 1 else _DType.UNKNOWN


def _arithmetic(node: exp.Binary) -> exp.DType:
    left, right = _kind(node.left), _kind(node.right)
    if _DType.INTERVAL in (left, right):
        return _DType.TIMESTAMP
    if isinstance(node, exp.Sub) and left is right is _DType.DATE:
        return _DType.BIGINT
    if isinstance(node, exp.Add | exp.Sub) and _DType.DATE in (left, right):
        return _DType.DATE
    return _widest(node.left, node.right)


def _whole_part(node: exp.Round | exp.Floor | exp.Ceil) -> exp.DType:
    return _kind(node.this) if _kind(node.this) in _NUMBER else _DType.UNKNOWN


def _cast_type(node: exp.Cast) -> exp.DType:
    return _bare_type(node.to.sql(DIALECT))


def _case_type(node: exp.Case) -> exp.DType:
    default = [node.args["default"]] if node.args.get("default") else []
    return _widest(*(branch.args["true"] for branch in node.args["ifs"]), *default)


def _literal_type(node: exp.Literal) -> exp.DType:
    if node.is_string:
        return _DType.VARCHAR
    text = str(node.this).lower()
    return _DType.DOUBLE if "e" in text else _DType.DECIMAL if "." in text else _DType.BIGINT


def _zoned(node: exp.Expr) -> exp.DType:
    """timezone(tz, x) and x AT TIME ZONE tz turn a local time into a moment, and a moment into a local time."""
    moment = node.expressions[1] if isinstance(node, exp.Anonymous) else node.this
    return _DType.TIMESTAMP if _kind(moment) is _DType.TIMESTAMPTZ else _DType.TIMESTAMPTZ


def _source_function_type(node: exp.Anonymous) -> exp.DType:
    return _zoned(node) if node.name.lower() == "timezone" else _DType.TIMESTAMP


def _inference(parameters: Mapping[str, str]) -> dict[Any, Any]:
    known = {name.lower(): _bare_type(kind) for name, kind in parameters.items()}
    same = _infer(lambda node: _kind(node.this))
    text = {"returns": _DType.VARCHAR}
    return {
        **Dialect.get_or_raise(DIALECT).EXPRESSION_METADATA,
        exp.Literal: _infer(_literal_type),
        exp.Placeholder: _infer(lambda node: known.get(str(node.this).lower(), _DType.UNKNOWN)),
        **dict.fromkeys((exp.Cast, exp.TryCast), _infer(_cast_type)),
        **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.IntDiv), _infer(_arithmetic)),
        **dict.fromkeys((exp.Round, exp.Floor, exp.Ceil), _infer(_whole_part)),
        **dict.fromkeys((exp.Coalesce, exp.Greatest, exp.Least), _infer(lambda n: _widest(n.this, *n.expressions))),
        exp.Case: _infer(_case_type),
        **dict.fromkeys((exp.Nullif, exp.Neg, exp.Abs, exp.Sum), same),
        **dict.fromkeys((exp.Replace, exp.RegexpReplace, exp.RegexpExtract, exp.SplitPart, exp.Left, exp.Right), text),
        exp.AtTimeZone: _infer(_zoned),
        exp.Anonymous: _infer(_source_function_type),
    }


def _unknown_tables(tables: list[exp.Table], file: str, schemas: Mapping[str, Mapping[str, str]]) -> list[Refused]:
    known = {name.lower() for name in schemas}
    missing = sorted({_table_name(table) for table in tables} - known)
    return [Refused(file, name, _closest(name, known), "is not a table") for name in missing]


def _closest(name: str, known: Iterable[str]) -> str:
    return " or ".join(difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6))


_BARE_DB = "bare_names"  # sqlglot wants every table of a schema at the same depth


def _type_findings(
    query: exp.Query,
    tables: list[exp.Table],
    file: str,
    schemas: Mapping[str, Mapping[str, str]],
    source: bool,
    parameters: Mapping[str, str],
) -> Iterator[Finding]:
    """Qualify every column, infer every type, apply the rules of types. Raises Refused for an unknown column.

    Changes the tree: each node that a rule may show first notes how it was written.
    """
    rules = _type_rules(source)
    for node in query.walk():
        if type(node) in rules:
            node.meta["written"] = _excerpt(node)
    columns: dict[str, Any] = {}
    read = {_table_name(table) for table in tables}
    for name, types in schemas.items():
        if name.lower() in read:
            db, _, table_name = name.lower().rpartition(".")
            typed_columns = {column: exp.DataType(this=_bare_type(kind)) for column, kind in types.items()}
            columns.setdefault(db or _BARE_DB, {})[table_name] = typed_columns
    for table in tables:
        if not table.db:
            table.set("db", exp.to_identifier(_BARE_DB))
    schema = MappingSchema(columns, dialect=DIALECT)
    try:
        typed = qualify(query, dialect=DIALECT, schema=schema, quote_identifiers=False)
    except OptimizeError as error:
        in_reach = {name: types for name, types in schemas.items() if name.lower() in read}
        raise _unknown_column(error, query, file, in_reach) from error
    TypeAnnotator(schema, expression_metadata=_inference(parameters), coerces_to=_UNION_TYPES).annotate(typed)
    for node in typed.walk():
        if (rule := rules.get(type(node))) is not None:
            yield from rule(node)


def _unknown_column(
    error: OptimizeError, query: exp.Query, file: str, schemas: Mapping[str, Mapping[str, str]]
) -> Refused:
    match = re.search(r"Unknown column: (.+?)(?:$|\.? Line)|Column '(.+?)'", str(error))
    if match is None:
        return Refused(file, str(error).splitlines()[0], "", "cannot be understood")
    name = (match[1] or match[2]).replace('"', "").rpartition(".")[2]
    owners = sorted(t for t, columns in schemas.items() if name.lower() in {c.lower() for c in columns})
    if len(owners) > 1:
        return Refused(file, name, f"alias.{name}", f"is in more than one table ({', '.join(owners)})")
    known = {column.lower() for columns in schemas.values() for column in columns}
    known |= {alias.alias.lower() for alias in query.find_all(exp.Alias)}
    closest = _closest(name.lower(), known - {name.lower()})
    return Refused(file, name, closest, "is not a column of what it is read from")


# ---------------------------------------------------------------------------------------------------------------------
# Rules of types
# ---------------------------------------------------------------------------------------------------------------------


def _never_zero(node: exp.Expr | None) -> bool:
    """nullif(x, 0), a constant other than zero, and either of them cast or negated."""
    node = _bare(node)
    while isinstance(node, exp.Cast | exp.Neg):
        node = _bare(node.this)
    if isinstance(node, exp.Nullif):
        return isinstance(node.expression, exp.Literal) and _is_zero(node.expression)
    return isinstance(node, exp.Literal) and not node.is_string and not _is_zero(node)


def _is_zero(node: exp.Literal) -> bool:
    return not node.is_string and float(node.this) == 0


def _guarded(node: exp.Div | exp.IntDiv | exp.Mod) -> Iterator[Finding]:
    if not _never_zero(node.expression):
        yield Finding(node, "nullif(…, 0) as the divisor", "may divide by zero")


def _div(node: exp.Div) -> Iterator[Finding]:
    if _DType.DOUBLE not in (_kind(node.left), _kind(node.right)):
        yield Finding(node, "a ::DOUBLE on one side of the division")
    yield from _guarded(node)


def _whole_division(node: exp.IntDiv | exp.Mod) -> Iterator[Finding]:
    if not {_kind(node.left), _kind(node.right)} <= _WHOLE:
        yield Finding(node, "whole numbers on both sides, or floor(a::DOUBLE / nullif(b, 0))")
    yield from _guarded(node)


def _sum_or_difference(node: exp.Add | exp.Sub) -> Iterator[Finding]:
    left, right = _kind(node.left), _kind(node.right)
    if _DType.INTERVAL in (left, right):
        yield from _plus_interval(node, right if left is _DType.INTERVAL else left)
    elif _DType.DATE in (left, right):
        yield from _plus_days(node, left, right)
    else:
        yield from _numbers(node)


def _plus_interval(node: exp.Add | exp.Sub, moment: exp.DType) -> Iterator[Finding]:
    cast = _outside_parens(node)
    interval = _bare(node.right) if _kind(node.right) is _DType.INTERVAL else _bare(node.left)
    unit = interval.args["unit"].name.upper() if isinstance(interval, exp.Interval) else ""
    if moment is _DType.DATE and unit in ("HOUR", "MINUTE", "SECOND"):
        yield Finding(node, "a TIMESTAMP before adding hours")
    elif moment is _DType.DATE and not (isinstance(cast, exp.Cast) and cast.to.this is _DType.DATE):
        yield Finding(node, "(d + INTERVAL …)::DATE, or d + n for days: a TIMESTAMP on one engine, a DATE on the other")
    elif moment is not _DType.DATE and moment not in _STAMP:
        yield Finding(node, "a DATE or TIMESTAMP beside the INTERVAL (cast a parameter: $x::DATE)")


def _plus_days(node: exp.Add | exp.Sub, left: exp.DType, right: exp.DType) -> Iterator[Finding]:
    other = right if left is _DType.DATE else left
    if isinstance(node, exp.Sub) and right is _DType.DATE:
        yield Finding(node, "date_diff('day', earlier, later)")
    elif other not in _WHOLE:
        yield Finding(node, "a DATE and a whole number of days")


def _numbers(node: exp.Binary | exp.Unary) -> Iterator[Finding]:
    for operand in (node.this, node.args.get("expression")):
        kind = _kind(operand)
        if operand is not None and kind in _STAMP and isinstance(node, exp.Sub):
            yield Finding(node, "date_diff('day', a::DATE, b::DATE)")
        elif operand is not None and kind not in _NUMBER and kind is not _DType.NULL:
            yield Finding(node, "numbers on both sides (cast text and parameters first)")
        else:
            continue
        return


def _comparison(node: exp.Binary) -> Iterator[Finding]:
    kinds = {_kind(side) for side in (node.left, node.right)}
    if kinds & _TEXT and kinds & _NUMBER:
        yield Finding(node, "the same type on both sides: text compares with numbers differently on each engine")


def _date_diff(node: exp.DateDiff) -> Iterator[Finding]:
    unit = node.args.get("unit")
    if unit is None or unit.name.upper() != "DAY":
        yield Finding(node, "date_diff('day', a, b), or extract(year …) and extract(month …)")
    elif not _kind(node.this) is _kind(node.expression) is _DType.DATE:
        yield Finding(node, "date_diff('day', a::DATE, b::DATE): timestamps are counted differently")


def _of_a_date(node: exp.Expr) -> Iterator[Finding]:
    operand = node.expression if isinstance(node, exp.Extract) else node.this
    if _kind(operand) is not _DType.DATE and _kind(operand) not in _STAMP:
        yield Finding(node, "a DATE or TIMESTAMP as its operand (cast it: x::DATE)")


def _texts(node: exp.Expr) -> Iterator[Finding]:
    for operand in (node.args.get("this"), node.args.get("expression"), *node.expressions):
        if operand is not None and _kind(operand) not in _TEXT | _UNTYPED:
            yield Finding(node, "text as its operand (cast it: x::VARCHAR)")
            return


def _round(node: exp.Round) -> Iterator[Finding]:
    if node.args.get("decimals") is None:
        return
    if not _is_whole(node.args["decimals"]):
        yield Finding(node, "round(x, n) with a constant n")
    elif _kind(node.this) not in _WHOLE | {_DType.DECIMAL}:
        yield Finding(node, "the DOUBLE as it is, the report rounds it: ties fall to different sides on each engine")


def _avg(node: exp.Avg) -> Iterator[Finding]:
    if _kind(node.this) not in _WHOLE | _FLOATING:
        yield Finding(node, "avg(x::DOUBLE): the mean of a DECIMAL is a DECIMAL on Spark, a DOUBLE on DuckDB")


def _median(node: exp.WithinGroup) -> Iterator[Finding]:
    if _kind(node.expression.expressions[0].this) not in _WHOLE | _FLOATING:
        yield Finding(node, "WITHIN GROUP (ORDER BY x::DOUBLE): a DECIMAL is interpolated differently")


def _cast(source: bool, node: exp.Cast) -> Iterator[Finding]:
    operand = _bare(node.this)
    kind, target = _kind(operand), node.to.this
    if isinstance(operand, exp.Placeholder | exp.Null) or _is_constant_for(operand, target) or kind is target:
        return
    if kind in _TEXT and target not in _TEXT:
        elsewhere = "a typed column: text is read in sql/sources/"
        yield Finding(node, "TRY_CAST(x AS …): an export holds anything" if source else elsewhere)
    elif kind in _UNTYPED:
        yield Finding(node, "an operand whose type is known", "casts something of unknown type")
    elif kind is _DType.TIMESTAMPTZ:
        yield Finding(node, "timezone('Europe/Berlin', ts) in sql/sources/: a cast takes the session's time zone")
    elif kind in _FRACTION and target in _WHOLE and not _is_integral(operand):
        yield Finding(node, "`//` of whole numbers, or floor(x)::INTEGER, ceil or round: one engine rounds, one cuts")
    elif kind in _FLOATING and target in _TEXT:
        yield Finding(node, "the number itself, the report formats it: 1e10 is written differently on each engine")
    elif kind in _FLOATING and target is _DType.DECIMAL:
        yield Finding(node, "DECIMAL from the start, or leave it DOUBLE: ties fall to different sides on each engine")


def _is_constant_for(operand: exp.Expr | None, target: exp.DType) -> bool:
    """DATE '2026-01-01' and 0::DECIMAL(18, 2) are read alike; a quoted number in a cast is a mistake."""
    if isinstance(operand, exp.Neg):
        operand = operand.this
    if _is_text(operand):
        return target in _STAMP | {_DType.DATE} | _TEXT
    return isinstance(operand, exp.Literal) and target in _FRACTION


def _is_integral(operand: exp.Expr | None) -> bool:
    if isinstance(operand, exp.Round):
        return not operand.args.get("decimals")
    return isinstance(operand, exp.Floor | exp.Ceil)


_TYPE_RULES: Mapping[type[exp.Expr], Rule] = {
    exp.Div: _div,
    **dict.fromkeys((exp.IntDiv, exp.Mod), _whole_division),
    **dict.fromkeys((exp.Add, exp.Sub), _sum_or_difference),
    **dict.fromkeys((exp.Mul, exp.Neg), _numbers),
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ), _comparison),
    exp.DateDiff: _date_diff,
    **dict.fromkeys((exp.DateTrunc, exp.TimestampTrunc, exp.Extract), _of_a_date),
    **dict.fromkeys((exp.Year, exp.Quarter, exp.Month, exp.Day), _of_a_date),
    **dict.fromkeys((exp.Concat, exp.DPipe, exp.Lower, exp.Upper, exp.Length, exp.Trim, exp.MD5), _texts),
    **dict.fromkeys((exp.Substring, exp.Replace, exp.RegexpReplace, exp.RegexpLike, exp.Like), _texts),
    exp.Round: _round,
    exp.Avg: _avg,
    exp.WithinGroup: _median,
}


def _type_rules(source: bool) -> Mapping[type[exp.Expr], Rule]:
    return {**_TYPE_RULES, exp.Cast: partial(_cast, source)}
