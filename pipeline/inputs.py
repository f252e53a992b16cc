"""Inputs: the canonical inputs of the house, one description each; what a row must be, its contract says.

What differs from input to input stands here, as words and SQL expressions: which rows belong together, what makes one
export newer than another, what follows from the columns that are given. Loading knows no input by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandera.polars as pa

from pipeline.contracts import BENCHMARKS, CUSTOMERS, ORDER_LINES, TARGETS, documented
from pipeline.sql import Column, Header, Table


@dataclass(frozen=True)
class Derived:
    """A column of the staging table that no export gives: its SQL over the completed row."""

    sql: str
    column: Column


@dataclass(frozen=True)
class Input:
    """A canonical input: its contract, and how rows of several exports come together in `staging.<name>`.

    `key`: rows that agree in it are one thing, taken whole from the newest export that holds it.
    `grain`: what is unique in the table: the key itself, or more where one key has several rows.
    """

    schema: pa.DataFrameSchema
    description: str
    key: tuple[str, ...]
    grain: tuple[str, ...]
    derived: Mapping[str, Derived] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.schema.name)

    @property
    def table(self) -> Table:
        """staging.<name>, written by ingest, documented by its contract."""
        origin = {
            "file_id": Column(type="VARCHAR", meaning="File the row came in (ingest.files)"),
            "row_number": Column(type="BIGINT", unit="data rows", min=1, meaning="Position of the row in that file"),
        }
        derived = {name: made.column for name, made in self.derived.items()}
        canonical = {name: documented(column) for name, column in self.schema.columns.items()}
        header = Header(
            description=self.description, grain=self.grain, owner="team:data", columns=origin | derived | canonical
        )
        return Table("staging", self.name, header, None, "pipeline/inputs.py")


def _day(moment: str, nullable: bool = False) -> Derived:
    column = Column(type="DATE", nullable=nullable, meaning=f"Local day of {moment}")
    return Derived(f"CAST({moment} AS DATE)", column)


_ORDER_LINES = Input(
    schema=ORDER_LINES,
    description="Lines of all orders, each order whole from the newest export that holds it. "
    "A row of an export is one line, or one of each kind where it also holds postage or what was paid back.",
    key=("order_id",),
    grain=("file_id", "row_number", "kind"),
    derived={
        "ordered_on": _day("ordered_at"),
        "original_amount": Derived(
            "original_amount",
            Column(
                type="DECIMAL(18,2)", nullable=True, meaning="The amount before it was converted; null if it was not"
            ),
        ),
        "original_currency": Derived(
            "original_currency",
            Column(type="VARCHAR", nullable=True, meaning="Currency of original_amount; null if nothing was converted"),
        ),
    },
)

_CUSTOMERS = Input(
    schema=CUSTOMERS,
    description="Customers the shop knows, whether they have ordered or not, each from the newest export that holds "
    "it. Empty if no such export was given.",
    key=("customer_id",),
    grain=("customer_id",),
    derived={"registered_on": _day("registered_at", nullable=True)},
)

_TARGETS = Input(
    schema=TARGETS,
    description="What the shop wants its key figures to be, each from the newest export that holds it. Empty if no "
    "such export was given.",
    key=("kpi", "period"),
    grain=("kpi", "period"),
)

_BENCHMARKS = Input(
    schema=BENCHMARKS,
    description="Key figures of whole sectors to compare the shop with, each from the newest export that holds it. "
    "Empty if no such export was given.",
    key=("sector", "kpi", "period"),
    grain=("sector", "kpi", "period"),
)

INPUTS: dict[str, Input] = {one.name: one for one in (_ORDER_LINES, _CUSTOMERS, _TARGETS, _BENCHMARKS)}


def input_tables() -> list[Table]:
    """The staging tables that ingest fills."""
    return [one.table for one in INPUTS.values()]
