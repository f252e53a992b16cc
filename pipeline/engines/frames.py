"""Frames that Python computes: validated by pandera, by the contract of the table's header, before they are written.

An engine hands in the frame with the declared types. What belongs here: which columns it must have, and what is said of
rows that break a rule: column, rule and count, never what stands in a row. Keys are left to the engine, which asks for
doubled ones in the transaction: pandera takes two minutes to list those of a million rows.
"""

from __future__ import annotations

import polars as pl
from pandera.errors import SchemaErrors

from pipeline.engines.engine import CheckOutcome, TableRefused
from pipeline.shapes import shown_name
from pipeline.tables.header import Table
from pipeline.tables.rules import schema_of

_CHECK = "columns_fit"


def require_columns(table: Table, frame: pl.DataFrame) -> None:
    """Raises TableRefused where a computed frame lacks a declared column, or has one that is not declared."""
    declared = table.header.columns.keys()
    said = [f'column "{name}" was not computed.' for name in declared if name not in frame.columns]
    said += [f'column "{shown_name(name)}" is not declared.' for name in frame.columns if name not in declared]
    if said:
        raise TableRefused(table.full_name, [CheckOutcome(_CHECK, frame.height, " ".join(said))])


def require_types(table: Table, uncast: dict[str, int]) -> None:
    """Raises TableRefused for columns (and their rows) that could not be cast to the declared types."""
    types = table.column_types()
    said = [f'column "{name}" is no {types[name]} in {_rows(rows)}.' for name, rows in uncast.items() if rows]
    if said:
        raise TableRefused(table.full_name, [CheckOutcome(_CHECK, sum(uncast.values()), " ".join(said))])


def validate(table: Table, frame: pl.DataFrame) -> None:
    """Raises TableRefused where rows of a collected frame break the table's contract. A LazyFrame would be checked for
    its columns only, not for what stands in them.
    """
    contract = schema_of(table)
    contract.unique = None
    try:
        contract.validate(frame, lazy=True)
    except SchemaErrors as errors:  # whose own message shows cells
        outcome = _outcome(errors.failure_cases)
    else:
        return
    raise TableRefused(table.full_name, [outcome])


def _outcome(cases: pl.DataFrame) -> CheckOutcome:
    """What is said of pandera's failure cases, one line per value that fails."""
    counted = cases.group_by("column", "check", maintain_order=True).len().rows()
    said = [f'column "{column}" breaks {rule} in {_rows(rows)}.' for column, rule, rows in counted]
    return CheckOutcome(_CHECK, cases.height, " ".join(said))


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
