"""Contracts: what a row must be, as pandera schemas that are checked in the engine as SQL.

Schemas are made from headers, and never the other way round: those of inputs by `pipeline.tables.inputs`, those of
tables by `schema_of`. `row_rules` compiles either kind to predicates and messages, so that millions of rows are checked
where they are; a property test compares the rows that fail in pandera with the rows that fail in SQL.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pandera.polars as pa
import polars as pl

from pipeline.quoting import quoted, text_literal
from pipeline.shapes import shape_sql
from pipeline.tables.header import Table

EARLIEST, LATEST = dt.datetime(1970, 1, 1), dt.datetime(2100, 1, 1)  # noqa: DTZ001 - the shop's local time


class UncompiledCheck(Exception):
    """A pandera check that has no SQL form; it would be declared and never run."""


@dataclass(frozen=True)
class RowRule:
    """One check of one column in SQL: `fails` is true for a row that does not fit, `reason` says so in words."""

    column: str
    check: str
    fails: str
    reason: str


def row_rules(schema: pa.DataFrameSchema, shown_as: Mapping[str, str] | None = None) -> list[RowRule]:
    """The schema's row checks as SQL; `shown_as` gives columns the name their owner knows them by in messages.

    Keys (`unique` of the schema) are no rules about one row; the engine checks them with the grain.
    Raises UncompiledCheck for a check that has no SQL form.
    """
    if schema.checks:
        raise UncompiledCheck("a check of the whole frame has no SQL form")
    shown = shown_as or {}
    return [
        rule for name, column in schema.columns.items() for rule in _column_rules(name, column, shown.get(name, name))
    ]


@lru_cache(maxsize=256)  # every night asks it of every table, and all of them are read once
def schema_of(table: Table) -> pa.DataFrameSchema:
    """The contract of a table as its header declares it."""
    columns = {}
    for name, column in table.header.columns.items():
        checks = []
        if column.min is not None:
            checks.append(pa.Check.ge(_number(column.min)))
        if column.max is not None:
            checks.append(pa.Check.le(_number(column.max)))
        if column.values is not None:
            checks.append(pa.Check.isin(column.values))
        columns[name] = pa.Column(polars_type(column.type), checks, nullable=column.nullable)
    return pa.DataFrameSchema(columns, name=table.full_name, strict=True, unique=list(table.header.grain))


_POLARS_TYPES: dict[str, Any] = {
    "VARCHAR": pl.String(), "BOOLEAN": pl.Boolean(), "INTEGER": pl.Int32(), "BIGINT": pl.Int64(),
    "DOUBLE": pl.Float64(), "DATE": pl.Date(), "TIMESTAMP": pl.Datetime("us"),
}  # fmt: skip


def polars_type(sql_type: str) -> Any:
    decimal = re.fullmatch(r"DECIMAL\((\d+),\s?(\d+)\)", sql_type)
    return pl.Decimal(int(decimal[1]), int(decimal[2])) if decimal else _POLARS_TYPES[sql_type]


def sql_type(dtype: Any) -> str:
    """The SQL type of a pandera or polars type of the canonical inputs."""
    polars = getattr(dtype, "type", dtype)
    if isinstance(polars, pl.Decimal):
        return f"DECIMAL({polars.precision},{polars.scale})"
    return next(name for name, known in _POLARS_TYPES.items() if known == polars)


def _column_rules(name: str, column: Any, shown: str) -> Iterator[RowRule]:
    if column.unique:
        raise UncompiledCheck(f'column "{name}": unique has no SQL form for one row; declare it as the grain')
    if not column.nullable:
        yield RowRule(name, "not_null", f"{quoted(name)} IS NULL", text_literal(f'column "{shown}" is missing'))
    for check in column.checks:
        try:
            fits, must = _COMPILERS[check.name](quoted(name), check.statistics)
        except KeyError as error:
            raise UncompiledCheck(f'column "{name}": check {check.name} has no SQL form') from error
        must = check.description or must
        reason = f"""{text_literal(f'column "{shown}": "')} || {_shown(name)} || {text_literal(f'" {must}')}"""
        yield RowRule(name, check.name, f"NOT coalesce({fits}, TRUE)", reason)


def _compare(operator: str, words: str, statistic: str) -> Any:
    def compile_check(column: str, statistics: dict[str, Any]) -> tuple[str, str]:
        limit = statistics[statistic]
        return f"{column} {operator} {_literal(limit)}", f"{words} {_plain(limit)}"

    return compile_check


def _in_range(column: str, statistics: dict[str, Any]) -> tuple[str, str]:
    low, high = statistics["min_value"], statistics["max_value"]
    above = ">=" if statistics.get("include_min", True) else ">"
    below = "<=" if statistics.get("include_max", True) else "<"
    fits = f"({column} {above} {_literal(low)} AND {column} {below} {_literal(high)})"
    return fits, f"is not between {_plain(low)} and {_plain(high)}"


def _isin(column: str, statistics: dict[str, Any]) -> tuple[str, str]:
    allowed = sorted(statistics["allowed_values"], key=str)
    fits = f"{column} IN ({', '.join(_literal(value) for value in allowed)})"
    return fits, f"is not one of {', '.join(map(str, allowed))}"


def _str_length(column: str, statistics: dict[str, Any]) -> tuple[str, str]:
    if (exact := statistics.get("exact_value")) is not None:
        return f"length({column}) = {exact}", f"must have {exact} characters"
    low, high = statistics["min_value"], statistics["max_value"]
    bounds = [f"length({column}) >= {low}"] if low is not None else []
    bounds += [f"length({column}) <= {high}"] if high is not None else []
    return f"({' AND '.join(bounds)})", f"must have {low or 0} to {high or 'any number of'} characters"


def _str_matches(column: str, statistics: dict[str, Any]) -> tuple[str, str]:
    pattern = str(statistics["pattern"])
    anchored = f"^(?:{pattern})"  # pandera matches from the start of the text
    return f"regexp_matches({column}, {text_literal(anchored)})", f"does not have the form {pattern}"


_COMPILERS: dict[str, Any] = {
    "greater_than_or_equal_to": _compare(">=", "is less than", "min_value"),
    "greater_than": _compare(">", "is not more than", "min_value"),
    "less_than_or_equal_to": _compare("<=", "is more than", "max_value"),
    "less_than": _compare("<", "is not less than", "max_value"),
    "in_range": _in_range,
    "isin": _isin,
    "str_length": _str_length,
    "str_matches": _str_matches,
}


def _number(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value


def _shown(name: str) -> str:
    """The value in a message: its shape, since a cell may hold anything."""
    return shape_sql(f"CAST({quoted(name)} AS VARCHAR)")


def _literal(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S}'"
    if isinstance(value, dt.date):
        return f"DATE '{value:%Y-%m-%d}'"
    if isinstance(value, str):
        return text_literal(value)
    return repr(_number(value))


def _plain(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d}"
    return f"{_number(value):,}" if isinstance(value, int | float) else str(value)
