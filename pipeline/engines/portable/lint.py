"""Portable SQL: what of a SELECT is refused, and its translation to Spark, which is exact or refused.

Every file in `sql/` is written in DuckDB's dialect, and must mean the same on Spark. A translator alone cannot promise
that: it changes many constructs in silence. So what may be written is an allow-list (`subset.py`, with the rules of
types in `sql_types.py`), and what is on it is rewritten where Spark has other words for it (`spark_sql.py`). Each entry
of the list has a case in `tests/portable_cases.py`, whose result is compared on both engines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from pipeline.engines.portable.subset import syntax_findings
from pipeline.engines.portable.types import PARAMETERS, type_findings, typed, unknown_tables
from pipeline.engines.spark import sql as spark_sql
from pipeline.engines.spark.apart import InSteps, in_steps
from pipeline.tables.sql_text import DIALECT, Finding, Refused, excerpt, line_of, parse, real_tables, tables_read

__all__ = [
    "DIALECT",
    "PARAMETERS",
    "Refused",
    "Schemas",
    "parse",
    "refusals",
    "tables_read",
    "to_spark",
    "to_spark_in_steps",
]

Schemas = Mapping[str, Mapping[str, str]]


def refusals(
    sql: str,
    file: str,
    schemas: Schemas,
    *,
    parameters: Mapping[str, str] = PARAMETERS,
    first_line: int | None = None,
) -> list[Refused]:
    """Everything in the SELECT that keeps it from meaning the same on both engines; an empty list: it is portable.

    `schemas` maps "schema.table" to {column: DuckDB type}; `parameters` does so for `$names`; `first_line` is the line
    of the file in which the text begins, if its lines are to be told. Types and columns are looked at only when the
    syntax is in the subset: outside it they say little.
    """
    try:
        return _judged(sql, file, schemas, parameters, first_line)[1]
    except Refused as refused:
        return [refused]


def to_spark(
    sql: str, file: str, schemas: Schemas, parameters: Mapping[str, Any], *, first_line: int | None = None
) -> str:
    """The SELECT as Spark SQL that means the same in a session of `session.open_session`.

    A table `schema.table` is read from the temporary view `schema__table`; `parameters` are the values of `$names`
    (dates, texts, numbers, truth values, None), put in as literals of their type. Raises Refused for the first thing
    that cannot be translated.
    """
    return spark_sql.written(_translated(sql, file, schemas, parameters, first_line), file)


def to_spark_in_steps(sql: str, file: str, schemas: Schemas, parameters: Mapping[str, Any]) -> InSteps:
    """The same as SELECTs of which the later ones read what the earlier ones came to."""
    tree = _translated(sql, file, schemas, parameters)
    return in_steps(tree, lambda select: spark_sql.written(select, file))


def _translated(
    sql: str, file: str, schemas: Schemas, parameters: Mapping[str, Any], first_line: int | None = None
) -> exp.Query:
    types = {name: spark_sql.type_of(value, name, file) for name, value in parameters.items()}
    tree, found = _judged(sql, file, schemas, types, first_line)
    if found:
        raise found[0]
    return spark_sql.translated(tree, file, parameters)


def _judged(
    sql: str, file: str, schemas: Schemas, parameters: Mapping[str, str], first_line: int | None
) -> tuple[exp.Query, list[Refused]]:
    """The tree, typed if its syntax is in the subset, and what was found in it."""
    tree = parse(sql, file)
    found = list(syntax_findings(tree))
    if not found:
        tables = real_tables(tree, file)
        if unknown := unknown_tables(tables, file, schemas):
            return tree, unknown
        tree = typed(tree, tables, file, schemas, parameters)
        found = list(type_findings(tree))
    return tree, _once(found, sql, file, first_line)


def _once(found: list[Finding], sql: str, file: str, first_line: int | None) -> list[Refused]:
    """Each construct once, at the first line where it stands."""
    unique: dict[tuple[str, str, str], int | None] = {}
    for finding in found:
        line = line_of(finding.node, sql) if first_line is not None else None
        unique.setdefault((excerpt(finding.node), *finding[1:]), line)
    return [
        Refused(file, construct, instead, why, line and first_line and line + first_line - 1)
        for (construct, instead, why), line in unique.items()
    ]
