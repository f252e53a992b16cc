"""Types of a SELECT: sqlglot's inference, corrected to what DuckDB does, and the rules that need types.

Types are kept as exactly as portability asks for: whole numbers are BIGINT, fractions DOUBLE, or DECIMAL with the size
that DuckDB gives them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.annotate_types import TypeAnnotator
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.schema import MappingSchema

from pipeline.engines.portable.subset import Rule, bare, is_text, is_whole, outside_parens
from pipeline.tables.sql_text import DIALECT, Finding, Refused, excerpt, table_name

DType = exp.DType
Type = exp.DType | exp.DataType
WHOLE = {DType.TINYINT, DType.SMALLINT, DType.INT, DType.BIGINT, DType.INT128, DType.UTINYINT, DType.USMALLINT,
         DType.UINT, DType.UBIGINT, DType.UINT128}  # fmt: skip
FLOATING = {DType.FLOAT, DType.DOUBLE}
FRACTION = FLOATING | {DType.DECIMAL}
NUMBER = WHOLE | FRACTION
TEXT = {DType.TEXT, DType.VARCHAR, DType.CHAR}
STAMP = {DType.TIMESTAMP, DType.TIMESTAMPNTZ, DType.TIMESTAMP_S, DType.TIMESTAMP_MS, DType.TIMESTAMP_NS}
_UNTYPED = {DType.UNKNOWN, DType.NULL}
_FAMILIES = (NUMBER, TEXT, STAMP | {DType.DATE}, {DType.BOOLEAN}, {DType.TIMESTAMPTZ})
"""Values of one family compare, and come together in one column, in the same way on both engines."""
_TIME = STAMP | {DType.DATE}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d{1,6})?)?")
_SAME_TYPES = "the same type on both sides: text, numbers, days and truth values compare differently on each engine"
_ONE_TYPE = "values of one type: text, numbers, days and truth values come together differently on each engine"

PARAMETERS: Mapping[str, str] = {"snapshot_date": "DATE"}
"""DuckDB types of the named parameters that every SELECT may use; any other parameter is cast where it is used."""


def kind_of(node: exp.Expr | None) -> exp.DType:
    kind = node.type.this if node is not None and node.type is not None else DType.UNKNOWN
    return kind if isinstance(kind, exp.DType) else DType.UNKNOWN


def _simple_type(text: str) -> Type:
    """A type of DuckDB as one of the few that are told apart here."""
    built = exp.DataType.build(text, dialect=DIALECT)
    kind = built.this
    if not isinstance(kind, exp.DType):
        return DType.UNKNOWN
    if kind is DType.DECIMAL and built.expressions:
        return built
    return DType.BIGINT if kind in WHOLE else DType.DOUBLE if kind in FLOATING else kind


def _as_type(kind: Type) -> exp.DataType:
    return kind if isinstance(kind, exp.DataType) else exp.DataType(this=kind)


class Size(NamedTuple):
    """Of a DECIMAL: digits before and behind the point."""

    whole: int
    scale: int

    @property
    def fits(self) -> bool:
        return self.whole + self.scale <= _DIGITS


_DIGITS = 38
"""A DECIMAL has no more, on both engines."""


def _size(node: exp.Expr | None) -> Size | None:
    """None for what is no DECIMAL, or of unknown size."""
    return None if node is None or node.type is None else _size_of(node.type)


def _size_of(kind: exp.DataType) -> Size | None:
    if kind.this is not DType.DECIMAL or len(kind.expressions) != 2:
        return None
    digits, scale = (int(parameter.name) for parameter in kind.expressions)
    return Size(digits - scale, scale)


def _decimal(whole: int, scale: int) -> exp.DataType:
    return exp.DataType.build(f"DECIMAL({min(whole + scale, _DIGITS)}, {min(scale, _DIGITS)})", dialect=DIALECT)


_BIGINT_SIZE = Size(19, 0)


def _common_size(types: Iterable[exp.DataType]) -> Size:
    """What DECIMALs and whole numbers come to together, be it more digits than there are."""
    sizes = [_size_of(kind) or _BIGINT_SIZE for kind in types if kind.this in NUMBER]
    return Size(max(size.whole for size in sizes), max(size.scale for size in sizes))


def _common_type(types: Iterable[exp.DataType]) -> Type:
    """The type that values of several types come to: a number over a whole number, a moment over a day."""
    given = [kind for kind in types if kind.this is not DType.NULL]
    kinds = {kind.this for kind in given}
    if kinds and kinds <= NUMBER:
        if kinds & FLOATING:
            return DType.DOUBLE
        return _decimal(*_common_size(given)) if DType.DECIMAL in kinds else DType.BIGINT
    if kinds and kinds <= TEXT:  # sqlglot has several names for it
        return DType.VARCHAR
    if len(kinds) <= 1:
        return given[0] if given else DType.NULL
    return DType.TIMESTAMP if kinds <= _TIME else DType.UNKNOWN


class _Annotator(TypeAnnotator):
    """sqlglot's inference, with DuckDB's idea of what the columns of a UNION or of VALUES come to."""

    def _maybe_coerce(self, type1: Type, type2: Type) -> Type:
        return _common_type((_as_type(type1), _as_type(type2)))


def _infer(rule: Callable[[Any], Type]) -> dict[str, Any]:
    """An entry of sqlglot's table of inference: the type of a node, given that its operands are already typed."""

    def annotate(annotator: TypeAnnotator, node: exp.Expr) -> exp.Expr:
        return annotator._set_type(node, rule(node))

    return {"annotator": annotate}


def _widest(*nodes: exp.Expr | None) -> Type:
    """A quoted constant takes the type of what stands beside it."""
    typed = [node for node in nodes if node is not None]
    others = [node for node in typed if not is_text(node) and kind_of(node) is not DType.NULL]
    return _common_type(_as_type(node.type or DType.UNKNOWN) for node in others or typed)


def _product(node: exp.Mul) -> Type:
    sizes = [_size(node.left), _size(node.right)]
    if not {kind_of(node.left), kind_of(node.right)} <= WHOLE | {DType.DECIMAL} or not any(sizes):
        return _widest(node.left, node.right)
    left, right = (size or _BIGINT_SIZE for size in sizes)
    return _decimal(left.whole + right.whole, left.scale + right.scale)


def _sum_type(node: exp.Sum) -> Type:
    size = _size(node.this)
    return kind_of(node.this) if size is None else _decimal(_DIGITS - size.scale, size.scale)


def _arithmetic(node: exp.Binary) -> Type:
    left, right = kind_of(node.left), kind_of(node.right)
    if DType.INTERVAL in (left, right):
        return DType.TIMESTAMP
    if isinstance(node, exp.Sub) and left is right is DType.DATE:
        return DType.BIGINT
    if isinstance(node, exp.Add | exp.Sub) and DType.DATE in (left, right):
        return DType.DATE
    return _widest(node.left, node.right)


def _rounded(node: exp.Round) -> Type:
    decimals, size = node.args.get("decimals"), _size(node.this)
    if size is not None and (decimals is None or is_whole(decimals)):
        return _decimal(size.whole, min(int(decimals.name) if decimals else 0, size.scale))
    return kind_of(node.this) if kind_of(node.this) in NUMBER else DType.UNKNOWN


def _whole_part(node: exp.Floor | exp.Ceil) -> Type:
    size = _size(node.this)
    return DType.DOUBLE if size is None else _decimal(size.whole, 0)


def _cast_type(node: exp.Cast) -> Type:
    return _simple_type(node.to.sql(DIALECT))


def _case_type(node: exp.Case) -> Type:
    default = [node.args["default"]] if node.args.get("default") else []
    return _widest(*(branch.args["true"] for branch in node.args["ifs"]), *default)


def _literal_type(node: exp.Literal) -> Type:
    if node.is_string:
        return DType.VARCHAR
    text = str(node.this).lower()
    whole, point, fraction = text.partition(".")
    return DType.DOUBLE if "e" in text else _decimal(len(whole), len(fraction)) if point else DType.BIGINT


def _inference(parameters: Mapping[str, str]) -> dict[Any, Any]:
    known = {name.lower(): _simple_type(kind) for name, kind in parameters.items()}
    same = _infer(lambda node: node.this.type or DType.UNKNOWN)
    text = {"returns": DType.VARCHAR}
    return {
        **Dialect.get_or_raise(DIALECT).EXPRESSION_METADATA,
        exp.Literal: _infer(_literal_type),
        exp.Placeholder: _infer(lambda node: known.get(str(node.this).lower(), DType.UNKNOWN)),
        **dict.fromkeys((exp.Cast, exp.TryCast), _infer(_cast_type)),
        **dict.fromkeys((exp.Add, exp.Sub, exp.Mod, exp.IntDiv), _infer(_arithmetic)),
        exp.Mul: _infer(_product),
        exp.Div: _infer(lambda _: DType.DOUBLE),
        exp.Sum: _infer(_sum_type),
        exp.Round: _infer(_rounded),
        **dict.fromkeys((exp.Floor, exp.Ceil), _infer(_whole_part)),
        # Of a DATE, too, this is a TIMESTAMP.
        **dict.fromkeys((exp.DateTrunc, exp.TimestampTrunc), _infer(lambda _: DType.TIMESTAMP)),
        **dict.fromkeys((exp.Coalesce, exp.Greatest, exp.Least), _infer(lambda n: _widest(n.this, *n.expressions))),
        exp.Case: _infer(_case_type),
        **dict.fromkeys((exp.Nullif, exp.Neg, exp.Abs), same),
        **dict.fromkeys((exp.Replace, exp.RegexpReplace), text),
    }


# ---------------------------------------------------------------------------------------------------------------------
# The typed tree
# ---------------------------------------------------------------------------------------------------------------------

_BARE_DB = "bare_names"  # sqlglot wants every table of a schema at the same depth


def typed(
    query: exp.Query,
    tables: list[exp.Table],
    file: str,
    schemas: Mapping[str, Mapping[str, str]],
    parameters: Mapping[str, str],
) -> exp.Query:
    """The tree with every column qualified and every node typed. Raises Refused for an unknown column.

    Changes the tree it is given: each node that a rule may show first notes how it was written.
    """
    for node in query.walk():
        if type(node) in _SHOWN:
            node.meta["written"] = excerpt(node)
    columns: dict[str, Any] = {}
    read = {table_name(table) for table in tables}
    for name, types in schemas.items():
        if name.lower() in read:
            db, _, bare_name = name.lower().rpartition(".")
            typed_columns = {column: _as_type(_simple_type(kind)) for column, kind in types.items()}
            columns.setdefault(db or _BARE_DB, {})[bare_name] = typed_columns
    for table in tables:
        if not table.db:
            table.set("db", exp.to_identifier(_BARE_DB))
    schema = MappingSchema(columns, dialect=DIALECT)
    try:
        qualified = qualify(query, dialect=DIALECT, schema=schema, quote_identifiers=False)
    except OptimizeError as error:
        in_reach = {name: types for name, types in schemas.items() if name.lower() in read}
        raise _unknown_column(error, query, file, in_reach) from error
    _Annotator(schema, expression_metadata=_inference(parameters)).annotate(qualified)
    return qualified


def type_findings(tree: exp.Query) -> Iterator[Finding]:
    """What the rules of types find in a typed tree."""
    for node in tree.walk():
        if (rule := _TYPE_RULES.get(type(node))) is not None:
            yield from rule(node)
        elif isinstance(node, exp.Dot) or (isinstance(node, exp.Column) and node.args.get("db")):
            yield Finding(
                node, "an alias of the table that is no column's name", "may be a table's column or a column's field"
            )
    yield from _correlated(tree)


def unknown_tables(tables: list[exp.Table], file: str, schemas: Mapping[str, Mapping[str, str]]) -> list[Refused]:
    known = {name.lower() for name in schemas}
    missing = sorted({table_name(table) for table in tables} - known)
    return [Refused(file, name, _closest(name, known), "is not a table") for name in missing]


def _closest(name: str, known: Iterable[str]) -> str:
    return " or ".join(difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6))


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
    node = bare(node)
    while isinstance(node, exp.Cast | exp.Neg):
        node = bare(node.this)
    if isinstance(node, exp.Nullif):
        return isinstance(node.expression, exp.Literal) and _is_zero(node.expression)
    return isinstance(node, exp.Literal) and not node.is_string and not _is_zero(node)


def _is_zero(node: exp.Literal) -> bool:
    return not node.is_string and float(node.this) == 0


def _guarded(node: exp.Div | exp.IntDiv | exp.Mod) -> Iterator[Finding]:
    if not _never_zero(node.expression):
        yield Finding(node, "nullif(…, 0) as the divisor", "may divide by zero")


def _div(node: exp.Div) -> Iterator[Finding]:
    if DType.DOUBLE not in (kind_of(node.left), kind_of(node.right)):
        yield Finding(node, "a ::DOUBLE on one side of the division")
    yield from _guarded(node)


def _whole_division(node: exp.IntDiv | exp.Mod) -> Iterator[Finding]:
    if not {kind_of(node.left), kind_of(node.right)} <= WHOLE:
        yield Finding(node, "whole numbers on both sides, or floor(a::DOUBLE / nullif(b, 0))")
    yield from _guarded(node)


def _sum_or_difference(node: exp.Add | exp.Sub) -> Iterator[Finding]:
    left, right = kind_of(node.left), kind_of(node.right)
    if DType.INTERVAL in (left, right):
        yield from _plus_interval(node, right if left is DType.INTERVAL else left)
    elif DType.DATE in (left, right):
        yield from _plus_days(node, left, right)
    else:
        yield from _numbers(node)


def _plus_interval(node: exp.Add | exp.Sub, moment: exp.DType) -> Iterator[Finding]:
    cast = outside_parens(node)
    interval = bare(node.right) if kind_of(node.right) is DType.INTERVAL else bare(node.left)
    unit = interval.args["unit"].name.upper() if isinstance(interval, exp.Interval) else ""
    if moment is DType.DATE and unit in ("HOUR", "MINUTE", "SECOND"):
        yield Finding(node, "a TIMESTAMP before adding hours")
    elif moment is DType.DATE and not (isinstance(cast, exp.Cast) and cast.to.this is DType.DATE):
        yield Finding(node, "(d + INTERVAL …)::DATE, or d + n for days: a TIMESTAMP on one engine, a DATE on the other")
    elif moment is not DType.DATE and moment not in STAMP:
        yield Finding(node, "a DATE or TIMESTAMP beside the INTERVAL (cast a parameter: $x::DATE)")


def _plus_days(node: exp.Add | exp.Sub, left: exp.DType, right: exp.DType) -> Iterator[Finding]:
    other = right if left is DType.DATE else left
    if isinstance(node, exp.Sub) and right is DType.DATE:
        yield Finding(node, "date_diff('day', earlier, later)")
    elif other not in WHOLE:
        yield Finding(node, "a DATE and a whole number of days")


def _family(kind: exp.DType) -> int | None:
    """Number of the family; None for NULL and what is not known, which go with any."""
    return next((number for number, family in enumerate(_FAMILIES) if kind in family), None)


def _alike(node: exp.Expr, operands: Iterable[exp.Expr | None], advice: str) -> Iterator[Finding]:
    """The operands are of one family. A constant '2026-01-31' counts as the day, or moment, it stands beside."""
    given = [operand for operand in operands if operand is not None]
    times = {kind_of(operand) for operand in given} & _TIME
    if times:
        given = [operand for operand in given if not _is_day(bare(operand), or_moment=DType.DATE not in times)]
    if len({_family(kind_of(operand)) for operand in given} - {None}) > 1:
        yield Finding(node, advice)
    yield from _together(node, given)


def _together(node: exp.Expr, operands: list[exp.Expr]) -> Iterator[Finding]:
    """DECIMALs that together need more digits than there are: DuckDB cuts some behind the point, Spark keeps them."""
    scales = {size.scale for operand in operands if (size := _size(operand)) is not None}
    if len(scales) < 2 or DType.DOUBLE in map(kind_of, operands):
        return
    if not _common_size(operand.type for operand in operands if operand.type is not None).fits:
        yield Finding(node, "DECIMALs of one scale (cast a sum back: sum(x)::DECIMAL(18, 2)), or DOUBLEs")


def _is_day(node: exp.Expr | None, or_moment: bool) -> bool:
    return is_text(node) and bool((_MOMENT if or_moment else _DAY).fullmatch(node.name if node else ""))


def _comparison(node: exp.Binary) -> Iterator[Finding]:
    yield from _alike(node, (node.left, node.right), _SAME_TYPES)


def _between(node: exp.Between) -> Iterator[Finding]:
    """DuckDB compares all three as one type, Spark two by two: of large numbers it matters what is made a DOUBLE."""
    operands = (node.this, node.args["low"], node.args["high"])
    yield from _alike(node, operands, _SAME_TYPES)
    numbers = [operand for operand in operands if kind_of(operand) in NUMBER and not _is_constant(operand)]
    if DType.DOUBLE in map(kind_of, operands) and any(kind_of(number) not in FLOATING for number in numbers):
        yield Finding(node, "a ::DOUBLE on every side of BETWEEN")


def _is_constant(node: exp.Expr) -> bool:
    inner = bare(node)
    return isinstance(bare(inner.this) if isinstance(inner, exp.Neg) else inner, exp.Literal)


def _in_list(node: exp.In) -> Iterator[Finding]:
    query = node.args.get("query")
    members = query.this.selects if isinstance(query, exp.Subquery) else node.expressions
    yield from _alike(node, (node.this, *members), _SAME_TYPES)


def _case(node: exp.Case) -> Iterator[Finding]:
    branches = node.args["ifs"]
    if node.this:
        yield from _alike(node, (node.this, *(branch.this for branch in branches)), _SAME_TYPES)
    yield from _alike(node, (*(branch.args["true"] for branch in branches), node.args.get("default")), _ONE_TYPE)


def _choice(node: exp.Expr) -> Iterator[Finding]:
    others = (node.args.get("expression"), node.args.get("default"), *node.expressions)
    yield from _alike(node, (node.this, *others), _ONE_TYPE)


def _union(node: exp.Union) -> Iterator[Finding]:
    for left, right in zip(node.left.selects, node.right.selects, strict=False):
        yield from _alike(right, (left, right), "the same type in each SELECT of a UNION")


def _values(node: exp.Values) -> Iterator[Finding]:
    for column in zip(*(row.expressions for row in node.expressions), strict=False):
        yield from _alike(column[-1], column, "the same type in each row of VALUES")


def _condition(node: exp.Expr) -> Iterator[Finding]:
    """Where a truth value is asked for, one engine takes a number too."""
    conditions = [node.args.get("on") if isinstance(node, exp.Join) else node.this, node.args.get("expression")]
    if isinstance(node, exp.If) and node.parent and node.parent.this:
        return  # CASE x WHEN y: compared, not asked
    for condition in conditions:
        if condition is not None and kind_of(condition) not in _UNTYPED | {DType.BOOLEAN}:
            yield Finding(condition, "a condition, such as x <> 0")


def _number(node: exp.Expr) -> Iterator[Finding]:
    for operand in (node.this, node.args.get("expression")):
        if operand is not None and kind_of(operand) not in NUMBER | _UNTYPED:
            yield Finding(node, "a number as its operand (CASE WHEN x THEN 1 ELSE 0 END for a truth value)")
            return


def _numbers(node: exp.Binary | exp.Unary) -> Iterator[Finding]:
    for operand in (node.this, node.args.get("expression")):
        kind = kind_of(operand)
        if operand is not None and kind in STAMP and isinstance(node, exp.Sub):
            yield Finding(node, "date_diff('day', a::DATE, b::DATE)")
        elif operand is not None and kind not in NUMBER and kind is not DType.NULL:
            yield Finding(node, "numbers on both sides (cast text and parameters first)")
        else:
            continue
        return


def _date_diff(node: exp.DateDiff) -> Iterator[Finding]:
    unit = node.args.get("unit")
    if unit is None or unit.name.upper() != "DAY":
        yield Finding(node, "date_diff('day', a, b), or extract(year …) and extract(month …)")
    elif not kind_of(node.this) is kind_of(node.expression) is DType.DATE:
        yield Finding(node, "date_diff('day', a::DATE, b::DATE): timestamps are counted differently")


def _of_a_date(node: exp.Expr) -> Iterator[Finding]:
    operand = node.expression if isinstance(node, exp.Extract) else node.this
    if kind_of(operand) is not DType.DATE and kind_of(operand) not in STAMP:
        yield Finding(node, "a DATE or TIMESTAMP as its operand (cast it: x::DATE)")


def _texts(node: exp.Expr) -> Iterator[Finding]:
    for operand in (node.args.get("this"), node.args.get("expression"), *node.expressions):
        if operand is not None and kind_of(operand) not in TEXT | _UNTYPED:
            yield Finding(node, "text as its operand (cast it: x::VARCHAR)")
            return


def _round(node: exp.Round) -> Iterator[Finding]:
    yield from _number(node)
    if node.args.get("decimals") is None:
        return
    if not is_whole(node.args["decimals"]):
        yield Finding(node, "round(x, n) with a constant n")
    elif kind_of(node.this) not in WHOLE | {DType.DECIMAL}:
        yield Finding(node, "the DOUBLE as it is, the report rounds it: ties fall to different sides on each engine")


def _avg(node: exp.Avg) -> Iterator[Finding]:
    if kind_of(node.this) not in WHOLE | FLOATING:
        yield Finding(node, "avg(x::DOUBLE): the mean of a DECIMAL is a DECIMAL on Spark, a DOUBLE on DuckDB")


def _median(node: exp.WithinGroup) -> Iterator[Finding]:
    if kind_of(node.expression.expressions[0].this) not in WHOLE | FLOATING:
        yield Finding(node, "WITHIN GROUP (ORDER BY x::DOUBLE): a DECIMAL is interpolated differently")


def _cast(node: exp.Cast) -> Iterator[Finding]:
    operand = bare(node.this)
    kind, target = kind_of(operand), node.to.this
    free = isinstance(operand, exp.Placeholder) and kind in TEXT | _UNTYPED
    if free or isinstance(operand, exp.Null) or _is_constant_for(operand, target) or kind is target:
        return
    if kind in TEXT and target not in TEXT:
        yield Finding(node, "a typed column: text is read in sql/sources/")
    elif kind in _UNTYPED:
        yield Finding(node, "an operand whose type is known", "casts something of unknown type")
    elif kind is DType.TIMESTAMPTZ:
        yield Finding(node, "timezone('Europe/Berlin', ts) in sql/sources/: a cast takes the session's time zone")
    elif kind in FRACTION and target in WHOLE and not _is_integral(operand):
        yield Finding(node, "`//` of whole numbers, or floor(x)::INTEGER, ceil or round: one engine rounds, one cuts")
    elif kind in FLOATING and target in TEXT:
        yield Finding(node, "the number itself, the report formats it: 1e10 is written differently on each engine")
    elif kind in FLOATING and target is DType.DECIMAL:
        yield Finding(node, "DECIMAL from the start, or leave it DOUBLE: ties fall to different sides on each engine")
    elif target not in TEXT and (kind in _TIME) != (target in _TIME):
        yield Finding(node, "date_diff('day', a, b), extract(year FROM d) or d + n", "casts a number to a day, or back")
    elif target is DType.BOOLEAN and kind is not DType.BOOLEAN:
        yield Finding(node, "a condition, such as x <> 0")


def _is_constant_for(operand: exp.Expr | None, target: exp.DType) -> bool:
    """DATE '2026-01-01' and 0::DECIMAL(18, 2) are read alike; a quoted number in a cast is a mistake."""
    if isinstance(operand, exp.Neg):
        operand = operand.this
    if is_text(operand):
        return target in TEXT or (target in _TIME and _is_day(operand, target in STAMP))
    return isinstance(operand, exp.Literal) and (
        target in FLOATING or (target is DType.DECIMAL and kind_of(operand) not in FLOATING)
    )


def _is_integral(operand: exp.Expr | None) -> bool:
    if isinstance(operand, exp.Round):
        return not operand.args.get("decimals")
    return isinstance(operand, exp.Floor | exp.Ceil)


def _correlated(tree: exp.Query) -> Iterator[Finding]:
    """Subqueries that name columns of the query around them: Spark takes few forms."""
    for scope in traverse_scope(tree):
        around = scope.parent
        if not (scope.is_correlated_subquery and around):
            continue
        select, place = scope.expression, scope.expression.parent
        assert isinstance(select, exp.Query)
        if any(column.table not in around.selected_sources for column in scope.external_columns):
            yield Finding(select, "a subquery that names columns of the query right around it only")
        elif isinstance(place, exp.Subquery) and not isinstance(place.parent, exp.In):
            alone = isinstance(select, exp.Select) and not (select.args.get("group") or select.args.get("limit"))
            if not (alone and all(column.find(exp.AggFunc) for column in select.selects)):
                yield Finding(select, "one aggregate without GROUP BY in the subquery, or a LEFT JOIN")
            elif around.expression.args.get("group") or any(_aggregates(around.expression)):
                yield Finding(select, "the subquery in a CTE after the grouping, or a LEFT JOIN")


def _aggregates(select: exp.Expr) -> Iterator[exp.Expr]:
    """The aggregates of this very SELECT, not those of its subqueries and windows."""
    for node in select.walk(prune=lambda n: n is not select and isinstance(n, exp.Query | exp.Window)):
        if isinstance(node, exp.AggFunc):
            yield node


_TYPE_RULES: Mapping[type[exp.Expr], Rule] = {
    exp.Div: _div,
    **dict.fromkeys((exp.IntDiv, exp.Mod), _whole_division),
    **dict.fromkeys((exp.Add, exp.Sub), _sum_or_difference),
    **dict.fromkeys((exp.Mul, exp.Neg), _numbers),
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ), _comparison),
    exp.Between: _between,
    exp.Cast: _cast,
    exp.In: _in_list,
    exp.Case: _case,
    **dict.fromkeys((exp.Coalesce, exp.Greatest, exp.Least, exp.Nullif, exp.Lag, exp.Lead), _choice),
    exp.Union: _union,
    exp.Values: _values,
    **dict.fromkeys((exp.And, exp.Or, exp.Not, exp.Where, exp.Having, exp.If, exp.Join), _condition),
    exp.DateDiff: _date_diff,
    **dict.fromkeys((exp.DateTrunc, exp.TimestampTrunc, exp.Extract), _of_a_date),
    **dict.fromkeys((exp.Year, exp.Quarter, exp.Month, exp.Day), _of_a_date),
    **dict.fromkeys((exp.Concat, exp.DPipe, exp.Lower, exp.Upper, exp.Length, exp.Trim, exp.MD5), _texts),
    **dict.fromkeys((exp.Substring, exp.Replace, exp.RegexpReplace, exp.RegexpLike, exp.Like), _texts),
    **dict.fromkeys((exp.Floor, exp.Ceil, exp.Abs, exp.Sqrt, exp.Exp, exp.Ln, exp.Pow), _number),
    **dict.fromkeys((exp.Sum, exp.StddevSamp, exp.Corr), _number),
    exp.Round: _round,
    exp.Avg: _avg,
    exp.WithinGroup: _median,
}


_PASSING_ON = {exp.And, exp.Or, exp.Not, exp.Where, exp.Having, exp.If, exp.Join, exp.Union, exp.Values}
"""Their rules show what stands inside them."""
_SHOWN = _TYPE_RULES.keys() - _PASSING_ON
