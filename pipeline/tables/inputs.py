"""Inputs: the canonical inputs of the house, one description each; what a row must be, its contract says.

What differs from input to input stands here, as words and SQL expressions: which rows belong together, whether a row
tells when it was changed, what follows from the columns that are given. Loading knows no input by its name.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field

import pandera.polars as pa

from pipeline.settings import ChargeProducts, Settings
from pipeline.tables.header import Column, Header, Table
from pipeline.tables.rules import BENCHMARKS, CUSTOMERS, ORDER_LINES, REFUND_RULES, TARGETS, RowRule, documented


@dataclass(frozen=True)
class Derived:
    """A column of the staging table that no export gives: its SQL over the completed row."""

    sql: str
    column: Column


@dataclass(frozen=True)
class Input:
    """A canonical input: its contract, and how rows of several exports come together in `staging.<name>`.

    SQL expressions speak of the canonical columns. What `filling` gives may stand in those of `filled`.
    """

    schema: pa.DataFrameSchema
    description: str
    key: tuple[str, ...]
    """Rows that agree in it are one thing, taken whole from one export: the newest by row or by file."""
    moment: str
    """The column with the time of what a row tells."""
    changed_at: str | None = None
    """The column with the time at which a row was last changed: then, of the rows of a key, the latest by it counts,
    wherever it stands. None: a key counts as the newest file that holds it tells it."""
    grain: tuple[str, ...] = ()
    """What is unique in the table, where a key has several rows; else the key."""
    filled: tuple[Mapping[str, str], ...] = ()
    """Columns made from others where they are not given, one layer upon the other."""
    derived: Mapping[str, Derived] = field(default_factory=dict)
    money: Mapping[str, str] = field(default_factory=dict)
    """Columns in the currency of the row, and their types; such rows are converted. Needs a column `currency`."""
    borrows_moment: str | None = None
    """Rows that take the earliest moment of their key in the file if they have none of their own."""
    rules: tuple[RowRule, ...] = ()
    """Checks of a completed row beyond those of its columns."""
    gives: str | None = None
    """What there is only with an export of it, as a phrase; None for orders, without which there is nothing."""
    is_personal: bool = False
    """Whether exports hold personal columns: then only columns that the source reads are kept, also in quarantine."""

    @property
    def name(self) -> str:
        return str(self.schema.name)

    @property
    def has_one_row_per_key(self) -> bool:
        return not self.grain

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
            description=self.description,
            grain=self.grain or self.key,
            owner="team:data",
            columns=origin | derived | canonical,
        )
        return Table("staging", self.name, header, None, "pipeline/tables/inputs.py", topic="staging")


def _day(moment: str, nullable: bool = False) -> Derived:
    column = Column(type="DATE", nullable=nullable, meaning=f"Local day of {moment}")
    return Derived(f"CAST({moment} AS DATE)", column)


_ORDER_LINES = Input(
    schema=ORDER_LINES,
    description="Lines of all orders, each order whole from the newest export that holds it. "
    "A row of an export is one line, or one of each kind where it also holds postage or what was paid back.",
    key=("order_id",),
    moment="ordered_at",
    grain=("file_id", "row_number", "kind"),
    filled=(
        {
            "amount": "coalesce(amount, TRY_CAST(quantity * unit_price - CASE WHEN quantity * unit_price < 0 "
            "THEN -abs(coalesce(discount, 0)) ELSE coalesce(discount, 0) END AS DECIMAL(18,2)))"
        },
        {
            "kind": "coalesce(lower(kind), CASE WHEN amount < 0 OR quantity < 0 THEN 'refund' ELSE 'sale' END)",
            "currency": "coalesce(upper(currency), '{currency}')",
        },
        {
            "kind": "CASE WHEN kind = 'sale' AND {is_charge} THEN 'charge' "
            "WHEN kind = 'charge' AND {is_product} THEN 'sale' ELSE kind END"
        },
    ),
    money={"amount": "DECIMAL(18,2)", "unit_price": "DECIMAL(18,4)", "discount": "DECIMAL(18,2)"},
    borrows_moment="kind = 'refund'",
    rules=REFUND_RULES,
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
    description="Customers the shop knows, whether they have ordered or not, each as the latest row tells it. Empty if "
    "no such export was given.",
    key=("customer_id",),
    moment="registered_at",
    changed_at="updated_at",
    gives="leads",
    is_personal=True,
    derived={"registered_on": _day("registered_at", nullable=True)},
)

_WRITTEN_ALIKE = {"kpi": "lower(kpi)", "period": "upper(period)"}

_TARGETS = Input(
    schema=TARGETS,
    description="What the shop wants its key figures to be, each as the latest row tells it. Empty if no such export "
    "was given.",
    key=("kpi", "period"),
    moment="updated_at",
    changed_at="updated_at",
    filled=(_WRITTEN_ALIKE,),
    gives="key figures against targets",
)

_BENCHMARKS = Input(
    schema=BENCHMARKS,
    description="Key figures of whole sectors to compare the shop with, each as the latest row tells it. Empty if no "
    "such export was given.",
    key=("sector", "kpi", "period"),
    moment="updated_at",
    changed_at="updated_at",
    filled=(_WRITTEN_ALIKE,),
    gives="the comparison with the sector",
)

ORDERS = _ORDER_LINES.name
INPUTS: dict[str, Input] = {one.name: one for one in (_ORDER_LINES, _CUSTOMERS, _TARGETS, _BENCHMARKS)}


def filling(settings: Settings, charges: ChargeProducts) -> dict[str, str]:
    """What stands for the names in braces in `Input.filled`: the reporting currency, and which products are charges."""
    return {
        "currency": settings.currency, "is_charge": charges.matches("add"), "is_product": charges.matches("exempt"),
    }  # fmt: skip


def input_tables() -> list[Table]:
    """The staging tables that ingest fills."""
    return [one.table for one in INPUTS.values()]


def optional_inputs() -> dict[str, str]:
    """Inputs that a shop may leave out -> what it then goes without."""
    return {name: one.gives for name, one in INPUTS.items() if one.gives is not None}


def switched_off(given: Container[str]) -> list[str]:
    """What there is not, and for want of which input, when exports of these were loaded."""
    return [f"{gives} (no export of {name})" for name, gives in optional_inputs().items() if name not in given]
