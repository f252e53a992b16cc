"""When a SELECT has no rows, as far as its text tells: which of the tables it reads must have none.

A shop without exports of products, messages or campaigns has dozens of tables that follow from these alone. To plan
their SELECTs takes an engine longer than all else that it does in the night of a small shop.

Only what is certain counts: of what is not looked into here, it is taken that there may be rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

from sqlglot import exp

from pipeline.tables.sql_text import table_name

Without = frozenset[frozenset[str]]
"""Sets of tables, schema.table: where all tables of one of these sets have no rows, there is none."""

MAY_HAVE_ROWS: Without = frozenset()
_AROUND_AGGREGATES = (exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.WithinGroup)
_MOST_SETS = 32  # of the smallest; to leave one out is to know less


def rows_without(query: exp.Expr, known: Mapping[str, Without] | None = None) -> Without:
    """Without the rows of which tables the query has none. `known`: the same of the CTEs that it may read."""
    known = {**(known or {})}
    with_ = query.args.get("with_")
    if with_ is not None:
        for cte in with_.expressions:
            known[cte.alias.lower()] = MAY_HAVE_ROWS if with_.args.get("recursive") else rows_without(cte.this, known)
    if isinstance(query, exp.SetOperation):
        left, right = rows_without(query.left, known), rows_without(query.right, known)
        if isinstance(query, exp.Union):
            return _all_of(left, right)
        return _any_of(left, right) if isinstance(query, exp.Intersect) else left
    if isinstance(query, exp.Subquery):
        return MAY_HAVE_ROWS if query.args.get("joins") else rows_without(query.this, known)
    if not isinstance(query, exp.Select) or _has_a_row_of_nothing(query):
        return MAY_HAVE_ROWS
    return _joined(query, known)


def has_rows(without: Without, is_empty: Callable[[str], bool]) -> bool:
    """Whether there may be rows, by the tables that have none."""
    return not any(all(map(is_empty, sorted(tables))) for tables in without)


def with_known(without: Without, known: Mapping[str, Without]) -> Without:
    """The same where some of the tables, by their names, are queries of which the same is known."""
    found = MAY_HAVE_ROWS
    for tables in without:
        of_set: Without = frozenset({tables.difference(known)})
        for name in sorted(tables.intersection(known)):
            of_set = _all_of(of_set, known[name])
        found = _any_of(found, of_set)
    return found


def _joined(select: exp.Select, known: Mapping[str, Without]) -> Without:
    source = select.args.get("from_")
    if source is None:
        return MAY_HAVE_ROWS
    found = _of_source(source.this, known)
    for join in select.args.get("joins") or ():
        other = _of_source(join.this, known)
        if join.kind == "ANTI" or (join.side == "LEFT" and join.kind != "SEMI"):
            continue
        if join.method == "POSITIONAL":  # row beside row, as many as the longer one has
            return MAY_HAVE_ROWS
        if join.side == "FULL":
            found = _all_of(found, other)
        elif join.side == "RIGHT":
            found = other
        else:
            found = _any_of(found, other)
    return found


def _of_source(source: exp.Expr, known: Mapping[str, Without]) -> Without:
    if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier) and not source.args.get("joins"):
        name = table_name(source)
        return known[name] if name in known else frozenset({frozenset({name})})
    return rows_without(source, known) if isinstance(source, exp.Subquery) else MAY_HAVE_ROWS


def _has_a_row_of_nothing(select: exp.Select) -> bool:
    """Whether it aggregates all rows to one, which is there without any; or may do so."""
    group = select.args.get("group")
    if group is not None:
        in_sets = group.find(exp.GroupingSets, exp.Cube, exp.Rollup) or group.args.get("all")
        return bool(in_sets) or not any(key.find(exp.Column, exp.Literal) for key in group.expressions)
    if select.args.get("having") is not None:
        return True
    asked = [*select.expressions, *filter(None, (select.args.get(part) for part in ("qualify", "order")))]
    return any(_aggregates(node, select) for part in asked for node in part.find_all(exp.AggFunc, exp.Anonymous))


def _aggregates(function: exp.Expr, select: exp.Select) -> bool:
    """Whether a function may aggregate rows of the SELECT: neither those of a SELECT inside of it nor of a window.

    One inside of it that reads nothing has no rows to aggregate but these.
    """
    inner = function.parent_select
    if inner is not select:
        return not (isinstance(inner, exp.Select) and inner.args.get("from_"))
    outermost = function
    while isinstance(outermost.parent, _AROUND_AGGREGATES) and outermost.parent.this is outermost:
        outermost = outermost.parent
    return not (isinstance(outermost.parent, exp.Window) and outermost.parent.this is outermost)


def _any_of(left: Without, right: Without) -> Without:
    """Of two of which there is nothing where one has nothing."""
    return _least(left | right)


def _all_of(left: Without, right: Without) -> Without:
    """Of two of which there is something as long as one has something."""
    return _least({one | other for one, other in product(left, right)})


def _least(sets: set[frozenset[str]] | Without) -> Without:
    kept: list[frozenset[str]] = []
    for one in sorted(sets, key=lambda names: (len(names), sorted(names))):
        if len(kept) < _MOST_SETS and not any(other <= one for other in kept):
            kept.append(one)
    return frozenset(kept)
