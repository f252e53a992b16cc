"""Reading SQL text: its syntax tree, the tables it reads, and how a refusal is told.

What belongs here: what is asked of a SELECT before anybody judges it. What may be written is in `subset.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope

from pipeline.errors import PerennialError
from pipeline.tables.remembered import remembered

DIALECT = "duckdb"


def written(tree: exp.Expr, pretty: bool = False) -> str:
    """A tree that was changed, as SQL that is in the portable subset where the tree is."""
    sql: str = tree.transform(_percentile).sql(DIALECT, comments=False, pretty=pretty, copy=False)
    return sql


def _percentile(node: exp.Expr) -> exp.Expr:
    """The percentile of the portable subset, for which sqlglot would write a function of DuckDB alone, as its text."""
    if isinstance(node, exp.WithinGroup) and isinstance(node.this, exp.PercentileCont):
        part, order = (inner.sql(DIALECT, comments=False).strip() for inner in (node.this.this, node.expression))
        return exp.Var(this=f"percentile_cont({part}) WITHIN GROUP ({order})")
    return node


class Refused(PerennialError):
    """A construct that does not mean the same on both engines, or a text that is not one readable SELECT."""

    def __init__(
        self, file: str, construct: str, instead: str = "", why: str = "is not portable", line: int | None = None
    ) -> None:
        super().__init__(file, construct, instead, why, line)
        self.file = file
        self.construct = construct
        self.instead = instead
        self.why = why
        self.line = line

    def __str__(self) -> str:
        advice = f"; write {self.instead} instead" if self.instead else ""
        place = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{place}: `{self.construct}` {self.why}{advice}"


class Finding(NamedTuple):
    """What a rule found: the node to show, what to write instead, and why if it is not merely unportable."""

    node: exp.Expr
    instead: str
    why: str = "is not portable"


def parse(sql: str, file: str) -> exp.Query:
    """The syntax tree of the one SELECT in `sql`. Raises Refused for anything else, and for what cannot be read."""
    try:
        # Without the blank, an empty text ('') at the end behind a $parameter is no SQL to sqlglot.
        statements = [s for s in sqlglot.parse(f"{sql} ", read=DIALECT) if s and not isinstance(s, exp.Semicolon)]
    except SqlglotError as error:
        raise _unreadable(error, sql, file) from error
    if len(statements) != 1:
        raise Refused(file, f"{len(statements)} statements", "exactly one SELECT", "is not one table")
    root = statements[0]
    if not isinstance(root, exp.Select | exp.SetOperation) or root.find(exp.Into):
        raise Refused(file, excerpt(root), "a single SELECT", "is not a SELECT")
    return root


def tables_read(sql: str, file: str) -> frozenset[str]:
    """Names `schema.table`, in lower case, of the tables that the SELECT really reads.

    CTEs are not tables, even where they carry a table's name. Raises Refused for everything else that is read.
    """
    read = remembered(
        "tables", sql, lambda: sorted({table_name(table) for table in real_tables(parse(sql, file), file)})
    )
    return frozenset(read)


def real_tables(query: exp.Query, file: str) -> list[exp.Table]:
    """The table nodes that are no CTEs, each checked. Found scope by scope: only there a name says what it means."""
    real: list[exp.Table] = []
    seen: set[int] = set()
    for scope in _scopes(query, file):
        for table in scope.tables:
            if id(table) in seen:
                continue
            seen.add(id(table))
            if table.db or table.name not in scope.cte_sources:
                _check_table(table, file)
                real.append(table)
    # PIVOT, SUMMARIZE and the like hide their tables from the scopes. Better refuse than miss a dependency.
    for table in query.find_all(exp.Table):
        if id(table) not in seen:
            raise Refused(file, excerpt(table.parent or table), "the table in a plain FROM or JOIN", "hides its table")
    return real


def _scopes(query: exp.Query, file: str) -> list[Scope]:
    try:
        return traverse_scope(query)
    except SqlglotError as error:
        raise Refused(file, first_error(error), "", "cannot be read as SQL") from error


@contextmanager
def within(first_line: int) -> Iterator[None]:
    """Lines of a refusal become those of the file in which the SELECT begins at `first_line`."""
    try:
        yield
    except Refused as refused:
        if refused.line is not None:
            refused.line += first_line - 1
        raise


def _check_table(table: exp.Table, file: str) -> None:
    if not isinstance(table.this, exp.Identifier):
        raise Refused(file, excerpt(table), "the name of a table, schema.table", "is not a table")
    if table.catalog:
        raise Refused(file, excerpt(table), f"{table.db}.{table.name}", "names a catalog")
    if not table.db:
        if re.search(r"[./\\*:]", table.name):
            raise Refused(file, excerpt(table), "the name of a table, schema.table", "reads a file")
        raise Refused(file, table.name, f"schema.{table.name}", "does not say which schema it is in")


def table_name(table: exp.Table) -> str:
    return f"{table.db}.{table.name}".lower() if table.db else table.name.lower()


def _unreadable(error: SqlglotError, sql: str, file: str) -> Refused:
    """The line is counted here: those that sqlglot notes are too high behind a `$name`."""
    details = getattr(error, "errors", None) or [{}]
    before, place = details[0].get("start_context") or "", details[0].get("highlight") or ""
    start = sql.find(f"{before}{place}") if place else -1
    line = sql.count("\n", 0, start + len(before)) + 1 if start >= 0 else None
    return Refused(file, first_error(error), "", "cannot be read as SQL", line)


def first_error(error: SqlglotError) -> str:
    details = getattr(error, "errors", None) or [{}]
    place = f"{details[0].get('highlight') or ''}".strip()
    return place or str(error).splitlines()[0]


def excerpt(node: exp.Expr, length: int = 80) -> str:
    """The node as DuckDB SQL on one line; as it was written, where `qualify` has since rewritten it."""
    text: str = node.meta.get("written") or node.sql(DIALECT, comments=False)
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[: length - 1]}…"


def line_of(node: exp.Expr, text: str) -> int | None:
    """The line of the text in which the node begins, as far as sqlglot noted its place: names and functions have one.

    Counted from there: the lines that sqlglot notes are too high behind a `$name`.
    """
    places = [inner.meta["start"] for inner in node.walk() if "start" in inner.meta]
    return text.count("\n", 0, min(places)) + 1 if places else None
