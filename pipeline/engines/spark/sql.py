"""Spark's words for the portable subset: rewrites on a typed tree, the text, and a check of what came out.

Both engines agree on most of the subset as it stands. Where they do not, a function here says so in Spark's terms: one
per construct, with the reason. What cannot be said exactly is not rewritten but refused (`subset.py`, `sql_types.py`).
The text counts on the options of `session.open_session`: ANSI, UTC, TIMESTAMP without a zone.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipeline.engines.portable.subset import ALLOWED, bare
from pipeline.engines.portable.types import WHOLE, DType, kind_of
from pipeline.tables.sql_text import Refused, excerpt, first_error, table_name

SPARK = "spark"


def view_name(table: str) -> str:
    """The temporary view that stands for `schema.table`."""
    return table.lower().replace(".", "__")


def translated(tree: exp.Query, file: str, parameters: Mapping[str, Any]) -> exp.Query:
    """A typed tree of the subset, which is changed, in Spark's words. Raises Refused for what would not survive it."""
    _check_names(tree, file)
    _degenerate_correlations(tree)
    rewrites: Mapping[type[exp.Expr], Callable[[Any], exp.Expr | None]] = {
        **_REWRITES,
        exp.Placeholder: partial(_literal, {name.lower(): value for name, value in parameters.items()}, file),
    }
    # From the leaves to the root: a rewrite sees operands that are already Spark's, and still typed.
    for node in reversed(list(tree.walk(bfs=True))):
        if (rewrite := rewrites.get(type(node))) is not None:
            kind, replacement = node.type, rewrite(node)
            if replacement is not None and replacement is not node:
                replacement.type = kind
                node.replace(replacement)
    return tree


def written(tree: exp.Query, file: str) -> str:
    """The text of a translated tree, which may be changed. Raises Refused."""
    text = tree.sql(dialect=SPARK, identify=True, comments=False, pretty=True, copy=False)
    _check_output(text, file)
    return text


# ---------------------------------------------------------------------------------------------------------------------
# Parameters
# ---------------------------------------------------------------------------------------------------------------------

_PARAMETER_TYPES: Mapping[type, str] = {
    bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR", dt.date: "DATE", dt.datetime: "TIMESTAMP",
    type(None): "NULL",
}  # fmt: skip


def type_of(value: Any, name: str, file: str) -> str:
    """DuckDB's type of the value of `$name`. Raises Refused for a value that has no one meaning in SQL."""
    if isinstance(value, Decimal) and value.is_finite():
        return _decimal_type(value)
    kind = _PARAMETER_TYPES.get(type(value))
    if kind is None or (isinstance(value, dt.datetime) and value.tzinfo is not None):
        known = "a date, a datetime without a zone, a text, a number, a truth value or None"
        raise Refused(file, f"${name}", known, f"is {value!r}")
    return kind


def _literal(parameters: Mapping[str, Any], file: str, node: exp.Placeholder) -> exp.Expr:
    """The value as a cast, not as a bare number: `GROUP BY 1` would be the first column."""
    name = str(node.this).lower()
    if name not in parameters:
        raise Refused(file, f"${name}", f"one of {', '.join(f'${known}' for known in parameters)}", "is given no value")
    value = parameters[name]
    if value is None:
        return exp.Null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, str):
        return exp.Literal.string(value)
    text = value.isoformat(sep=" ") if isinstance(value, dt.datetime) else str(value)
    return _cast(exp.Literal.string(text), type_of(value, name, file))


def _decimal_type(value: Decimal) -> str:
    _, digits, exponent = value.as_tuple()
    scale = max(-int(exponent), 0)
    return f"DECIMAL({max(len(digits) + max(int(exponent), 0), scale + 1)}, {scale})"


# ---------------------------------------------------------------------------------------------------------------------
# Names
# ---------------------------------------------------------------------------------------------------------------------


def _check_names(tree: exp.Query, file: str) -> None:
    """A CTE of the name of a view would be read in its place."""
    views = {view_name(table_name(table)) for table in tree.find_all(exp.Table) if table.db}
    for cte in tree.find_all(exp.CTE):
        if cte.alias.lower() in views:
            raise Refused(file, cte.alias, "another name", "is the name under which Spark sees a table")


def _table(node: exp.Table) -> None:
    if node.db:
        node.set("this", exp.to_identifier(view_name(table_name(node))))
        node.set("db", None)


def _cte(node: exp.CTE) -> None:
    """[NOT] MATERIALIZED is DuckDB's hint; it changes no result."""
    node.set("materialized", None)


# ---------------------------------------------------------------------------------------------------------------------
# Numbers
# ---------------------------------------------------------------------------------------------------------------------

_EXACT_WHOLE = 2**53
"""From here on a DOUBLE has no fraction."""


def _cast(node: exp.Expr, kind: str) -> exp.Cast:
    return exp.Cast(this=node, to=exp.DataType.build(kind, dialect="duckdb"))


def _call(name: str, *operands: exp.Expr) -> exp.Anonymous:
    """A function by Spark's name, which sqlglot leaves as it is."""
    return exp.Anonymous(this=name, expressions=list(operands))


def _whole_part(node: exp.Floor | exp.Ceil) -> exp.Expr | None:
    """Of a DOUBLE Spark makes a BIGINT, and one that does not fit overflows; DuckDB keeps the DOUBLE."""
    x = node.this
    if kind_of(x) is DType.DECIMAL:
        return None
    if kind_of(x) in WHOLE:
        return _cast(x.copy(), "DOUBLE")
    fits = exp.LT(this=exp.Abs(this=x.copy()), expression=exp.Literal.number(_EXACT_WHOLE))
    part = type(node)(this=x.copy())
    return exp.Case(ifs=[exp.If(this=fits, true=_cast(part, "DOUBLE"))], default=_cast(x.copy(), "DOUBLE"))


def _ln(node: exp.Ln) -> exp.Expr:
    """Spark's logarithm of zero and below is NULL; DuckDB's is -infinity and NaN."""
    x, zero = node.this, exp.Literal.number(0)
    ifs = [
        exp.If(this=exp.EQ(this=x.copy(), expression=zero.copy()), true=_double("-Infinity")),
        exp.If(this=exp.LT(this=x.copy(), expression=zero.copy()), true=_double("NaN")),
    ]
    return exp.Case(ifs=ifs, default=node.copy())


def _pow(node: exp.Pow) -> exp.Expr:
    """C's pow is 1 for a base of 1, and for -1 to the infinite, whatever Java says: NaN."""
    base, exponent, one = node.this, node.expression, exp.Literal.number(1)
    told = exp.Not(this=exp.Is(this=exponent.copy(), expression=exp.Null()))
    endless = exp.EQ(this=exp.Abs(this=exponent.copy()), expression=_double("Infinity"))
    ones = [
        exp.And(this=exp.EQ(this=base.copy(), expression=one.copy()), expression=told),
        exp.And(this=exp.EQ(this=base.copy(), expression=exp.Neg(this=one.copy())), expression=endless),
    ]
    return exp.Case(ifs=[exp.If(this=case, true=_double("1")) for case in ones], default=node.copy())


def _double(text: str) -> exp.Cast:
    return _cast(exp.Literal.string(text), "DOUBLE")


def _as_bigint(node: exp.Expr) -> exp.Expr:
    """Spark gives an INT, which overflows in later arithmetic where DuckDB's BIGINT does not."""
    return _cast(node.copy(), "BIGINT")


# ---------------------------------------------------------------------------------------------------------------------
# Text
# ---------------------------------------------------------------------------------------------------------------------

SPACES = "".join(map(chr, (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)))
"""What DuckDB's trim(x) takes off: Unicode's spaces. Spark's takes off U+0020 only."""


def _trim(node: exp.Trim) -> None:
    if node.args.get("expression") is None:
        node.set("expression", exp.Literal.string(SPACES))


def _lower(node: exp.Lower) -> exp.Expr:
    """DuckDB lowers letter by letter. Java knows an ς at the end of a word, and a dot that stays with the i of İ."""
    return exp.Lower(this=_call("TRANSLATE", node.this.copy(), exp.Literal.string("İΣ"), exp.Literal.string("iσ")))


def java_pattern(pattern: str) -> str:
    """A portable pattern of RE2 in Java's words: `.` is all but a newline, `$` the very end, `\\s` has no \\x0B."""
    out, inside = "", False
    for sign in re.findall(r"\\?.", pattern, re.DOTALL):
        inside = sign == "[" or (inside and sign != "]")
        out += (_IN_CLASS if inside else _OUTSIDE).get(sign, sign)
    return out


_IN_CLASS = {r"\s": r" \t\n\f\r"}
_OUTSIDE = {r"\s": r"[ \t\n\f\r]", r"\S": r"[^ \t\n\f\r]", ".": r"[^\n]", "$": r"\z"}


def _regexp(node: exp.RegexpLike | exp.RegexpReplace) -> None:
    node.set("expression", exp.Literal.string(java_pattern(node.expression.name)))


# ---------------------------------------------------------------------------------------------------------------------
# Dates
# ---------------------------------------------------------------------------------------------------------------------


def _date_diff(node: exp.DateDiff) -> exp.Expr:
    return _cast(_call("DATEDIFF", node.this.copy(), node.expression.copy()), "BIGINT")


def _trunc(node: exp.DateTrunc | exp.TimestampTrunc) -> exp.Expr:
    """Spark's result has the session's time zone, UTC; it is taken off again."""
    unit = exp.Literal.string(node.args["unit"].name.upper())
    return _cast(_call("DATE_TRUNC", unit, node.this.copy()), "TIMESTAMP")


def _plus(node: exp.Add | exp.Sub) -> exp.Expr | None:
    """A day plus days or months. A TIMESTAMP plus an INTERVAL, and numbers, mean the same as they stand."""
    left, right = bare(node.left), bare(node.right)
    assert left is not None and right is not None
    day, other = (left, right) if kind_of(left) is DType.DATE else (right, left)
    if kind_of(day) is not DType.DATE:
        return None
    if isinstance(other, exp.Interval):
        return _plus_interval(day, other, negative=isinstance(node, exp.Sub))
    return _call("DATE_ADD" if isinstance(node, exp.Add) else "DATE_SUB", day.copy(), _cast(other.copy(), "INTEGER"))


_MONTHS = {"MONTH": 1, "YEAR": 12}
_DAYS = {"DAY": 1, "WEEK": 7}


def _plus_interval(day: exp.Expr, interval: exp.Interval, negative: bool) -> exp.Expr:
    """A DATE here, a TIMESTAMP in DuckDB: the rules of types make sure that it is cast to DATE at once."""
    unit = interval.args["unit"].name.upper()
    count = int(interval.this.name) * (_MONTHS.get(unit) or _DAYS[unit]) * (-1 if negative else 1)
    return _call("ADD_MONTHS" if unit in _MONTHS else "DATE_ADD", day.copy(), exp.Literal.number(count))


# ---------------------------------------------------------------------------------------------------------------------
# Aggregates and windows
# ---------------------------------------------------------------------------------------------------------------------


def _percentile(node: exp.WithinGroup) -> exp.Expr:
    """The exact percentile, interpolated; sqlglot would write an approximate one."""
    value = node.expression.expressions[0].this
    return _call("PERCENTILE", value.copy(), _cast(node.this.this.copy(), "DOUBLE"))


def _degenerate_correlations(tree: exp.Query) -> None:
    """Without a spread, or of one pair, the correlation is NaN in DuckDB; in Spark it is NULL, as of no pair."""
    for corr in list(tree.find_all(exp.Corr)):
        whole = corr.parent if isinstance(corr.parent, exp.Filter | exp.Window) else corr
        one, other = _cast(corr.this.copy(), "DOUBLE"), _cast(corr.expression.copy(), "DOUBLE")
        pairs = exp.Count(this=exp.Add(this=one, expression=other))
        if whole is corr:
            counted: exp.Expr = pairs
        else:
            counted = whole.copy()
            counted.this.replace(pairs)
        some = exp.GT(this=counted, expression=exp.Literal.number(0))
        nan = exp.Case(ifs=[exp.If(this=some, true=_double("NaN"))])
        defined = exp.Coalesce(this=whole.copy(), expressions=[nan])
        defined.type = whole.type
        whole.replace(defined)


def _window(node: exp.Window) -> exp.Expr | None:
    rankings = exp.RowNumber | exp.Rank | exp.DenseRank | exp.Ntile
    return _as_bigint(node) if isinstance(node.this, rankings) else None


_REWRITES: Mapping[type[exp.Expr], Callable[[Any], exp.Expr | None]] = {
    exp.Table: _table,
    exp.CTE: _cte,
    exp.Floor: _whole_part,
    exp.Ceil: _whole_part,
    exp.Ln: _ln,
    exp.Pow: _pow,
    **dict.fromkeys((exp.Length, exp.Extract, exp.Year, exp.Quarter, exp.Month, exp.Day), _as_bigint),
    exp.Trim: _trim,
    exp.Lower: _lower,
    exp.RegexpLike: _regexp,
    exp.RegexpReplace: _regexp,
    exp.DateDiff: _date_diff,
    exp.DateTrunc: _trunc,
    exp.TimestampTrunc: _trunc,
    exp.Add: _plus,
    exp.Sub: _plus,
    exp.WithinGroup: _percentile,
    exp.Window: _window,
}


# ---------------------------------------------------------------------------------------------------------------------
# What came out
# ---------------------------------------------------------------------------------------------------------------------

_GONE = (exp.Placeholder, exp.WithinGroup, exp.PercentileCont)
"""Of the subset, what Spark does not see."""
_SPARKS_OWN = (exp.TryCast, exp.AddMonths, exp.Quantile, exp.Translate, exp.TsOrDsAdd, exp.TsOrDsToDate)
"""Beyond the subset, what sqlglot sees in the words of the rewrites: CAST, ADD_MONTHS, PERCENTILE, DATE_ADD …"""
_OUTPUT = (ALLOWED.keys() - set(_GONE)) | set(_SPARKS_OWN)


def _check_output(text: str, file: str) -> None:
    """The text is read again: nothing may stand in it that no rewrite and no case of the tests knows."""
    try:
        again = sqlglot.parse_one(text, read=SPARK)
    except SqlglotError as error:
        raise Refused(file, first_error(error), "", "comes out as no SQL for Spark") from error
    for node in again.walk():
        if type(node) not in _OUTPUT:
            raise Refused(file, excerpt(node), "", "comes out as Spark SQL that is not known to mean the same")
