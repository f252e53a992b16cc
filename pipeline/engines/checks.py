"""The checks of a table as SQL: its key, the rules of its columns, and the tests of its header.

An engine hands in how it runs a statement. What belongs here: which statements, and what is said of rows that fail:
counts, columns and queries, never what stands in a row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pipeline.engines.engine import CheckOutcome, Parameters
from pipeline.tables.header import Table
from pipeline.tables.rules import RowRule, row_rules, schema_of

Execute = Callable[[str], list[tuple[Any, ...]]]

_NOTHING = "nothing is declared"


def doubled_keys(table: Table, written: str) -> str:
    """SELECT of the keys that stand in several rows of `written`, a table expression with a name."""
    keys = ", ".join(f'"{key}"' for key in table.header.grain)
    return f"SELECT {keys} FROM {written} GROUP BY {keys} HAVING count(*) > 1"


@lru_cache(maxsize=256)
def _column_rules(table: Table) -> list[RowRule]:
    """What the header declares of the columns, as SQL of a row."""
    return row_rules(schema_of(table))


def check_columns(table: Table, written: str, execute: Execute) -> CheckOutcome:
    """All row rules of the header in one pass over the rows; a row of each broken one is looked for."""
    rules = _column_rules(table)
    if not rules:
        return CheckOutcome("columns_fit", 0, _NOTHING)
    counts = ", ".join(f"count(*) FILTER (WHERE {rule.fails}) AS rule_{n}" for n, rule in enumerate(rules))
    failing = execute(f"SELECT {counts} FROM {written}")[0]
    broken = [(rule, count) for rule, count in zip(rules, failing, strict=True) if count]
    reasons = [
        str(execute(f"SELECT min({rule.reason}) AS reason FROM {written} WHERE {rule.fails}")[0][0])
        + f" in {count:,} rows."
        for rule, count in broken
    ]
    return CheckOutcome("columns_fit", sum(count for _, count in broken), " ".join(reasons))


def fitting(table: Table) -> list[CheckOutcome]:
    """What is said of keys and columns where there are no rows."""
    said = "" if _column_rules(table) else _NOTHING
    return [CheckOutcome("keys_unique", 0, ""), CheckOutcome("columns_fit", 0, said)]


def outcome(name: str, failing: int, sql: str, parameters: Parameters) -> CheckOutcome:
    """What is said of a test: how many rows fail it, and the query that lists them; the rows are not shown."""
    if not failing:
        return CheckOutcome(name, 0, "")
    query = " ".join(sql.split())
    for parameter, value in parameters.items():
        query = query.replace(f"${parameter}", f"DATE '{value}'" if isinstance(value, dt.date) else str(value))
    rows = "row fails" if failing == 1 else "rows fail"
    return CheckOutcome(name, failing, f"{failing:,} {rows}; the test is: {query}")
