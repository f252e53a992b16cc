"""Contracts: what a row must be, declared once as pandera schemas, checked in the engine as SQL.

Canonical inputs are declared here; what else an input is, `pipeline.tables.inputs` says. Published tables are
declared by their SQL header, from which `schema_of` makes the schema. `row_rules` compiles either kind to predicates
and messages, so that millions of rows are checked where they are; a property test compares the rows that fail in
pandera with the rows that fail in SQL.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandera.polars as pa
import polars as pl

from pipeline.quoting import quoted, text_literal
from pipeline.shapes import shape_sql
from pipeline.tables.header import Column, Table

ORDER_KINDS = ("sale", "refund", "charge")
EARLIEST, LATEST = dt.datetime(1970, 1, 1), dt.datetime(2100, 1, 1)  # noqa: DTZ001 - the shop's local time

TEXT, MOMENT, DAY = pl.String(), pl.Datetime("us"), pl.Date()
MONEY, PRICE, QUANTITY, FIGURE = pl.Decimal(18, 2), pl.Decimal(18, 4), pl.Decimal(18, 3), pl.Float64()


class UncompiledCheck(Exception):
    """A pandera check that has no SQL form; it would be declared and never run."""


def _column(dtype: Any, meaning: str, *checks: pa.Check, required: bool = False, unit: str | None = None) -> pa.Column:
    return pa.Column(dtype, list(checks), nullable=not required, description=meaning, metadata={"unit": unit})


def _identifier(meaning: str, required: bool = False) -> pa.Column:
    return _column(TEXT, meaning, pa.Check.str_length(1, 200), required=required)


def _note(meaning: str) -> pa.Column:
    return _column(TEXT, meaning)


def _money(meaning: str, required: bool = False) -> pa.Column:
    return _column(MONEY, meaning, pa.Check.in_range(-1e9, 1e9), required=required, unit="currency")


def _moment(meaning: str, required: bool = False) -> pa.Column:
    return _column(MOMENT, meaning, pa.Check.in_range(EARLIEST, LATEST), required=required)


ORDER_LINES = pa.DataFrameSchema(
    name="order_lines",
    columns={
        "order_id": _identifier("Order of the shop; unique in the shop, whatever export it comes from", required=True),
        "line_id": _identifier("Line inside the order, as the shop numbers it"),
        "customer_id": _identifier("Customer of the shop; null for a guest"),
        "ordered_at": _moment("When the line was booked, in the shop's time zone", required=True),
        "product_id": _identifier("Product (SKU)"),
        "product_name": _note("Name of the product"),
        "category": _note("Category of the product"),
        "quantity": _column(QUANTITY, "Pieces, negative when returned", pa.Check.in_range(-1e7, 1e7), unit="pieces"),
        "unit_price": _column(
            PRICE, "Price of one piece before discount", pa.Check.in_range(-1e9, 1e9), unit="currency"
        ),
        "unit_cost": _column(
            PRICE, "What one piece cost the shop, in the reporting currency", pa.Check.in_range(0, 1e9), unit="currency"
        ),
        "amount": _money(
            "What the line adds to revenue, negative for refunds: given, else quantity × unit price − discount",
            required=True,
        ),
        "discount": _money("Taken off the line; already inside an amount that is given"),
        "currency": _column(TEXT, "Currency of the amounts, ISO 4217", pa.Check.str_matches("^[A-Z]{3}$")),
        "sales_channel": _note("Where it was sold: web, app, store, marketplace …"),
        "source": _note("Conversion source (utm_source)"),
        "medium": _note("Conversion medium (utm_medium)"),
        "campaign_id": _note("Campaign the order is ascribed to by the shop"),
        "coupon": _note("Coupon code used"),
        "country": _note("Country of delivery"),
        "region": _note("Region of delivery"),
        "city": _note("City of delivery"),
        "store_id": _identifier("Store it was sold in"),
        "status": _note("Status of the order; cancelled and voided orders are no purchase occasion"),
        "kind": _column(
            TEXT,
            "sale, refund (money back) or charge (postage, fees: no product)",
            pa.Check.isin(ORDER_KINDS),
            required=True,
        ),
    },
)

KPIS = (
    "revenue", "orders", "buyers", "new_buyers", "repeat_buyers", "repeat_share_of_buyers", "one_time_share_of_buyers",
    "repeat_share_of_revenue", "one_time_share_of_revenue", "mean_order_value", "orders_per_buyer",
    "revenue_per_buyer", "refund_share", "retention_90d",
)  # fmt: skip
"""The key figures there are (marts.kpis); a target or benchmark of any other would be compared with nothing."""
PERIOD = r"^[0-9]{4}(-(0[1-9]|1[0-2])|-Q[1-4])?$"


def _period() -> pa.Column:
    fits = pa.Check.str_matches(PERIOD, description="is no month (2026-11), quarter (2026-Q4) or year (2026)")
    return _column(TEXT, "Month (2026-11), quarter (2026-Q4) or year (2026) that the value is of", fits, required=True)


def _kpi(meaning: str) -> pa.Column:
    return _column(TEXT, meaning, pa.Check.isin(KPIS), required=True)


def _figure(meaning: str) -> pa.Column:
    return _column(FIGURE, meaning, pa.Check.in_range(-1e15, 1e15), required=True)


_UPDATED_AT = "When the row was last changed, in the shop's time zone; of two rows, the later counts"

CUSTOMERS = pa.DataFrameSchema(
    name="customers",
    columns={
        "customer_id": _identifier("Customer of the shop, as orders name it", required=True),
        "registered_at": _moment("When the customer registered, in the shop's time zone; null if nobody knows"),
        "updated_at": _moment(_UPDATED_AT),
    },
)

TARGETS = pa.DataFrameSchema(
    name="targets",
    columns={
        "kpi": _kpi("Key figure the shop wants to reach, in lower case"),
        "period": _period(),
        "value": _figure("Value it is to have then, in the unit of the key figure"),
        "updated_at": _moment(_UPDATED_AT),
    },
)

BENCHMARKS = pa.DataFrameSchema(
    name="benchmarks",
    columns={
        "sector": _identifier("Sector of shops the value is of", required=True),
        "kpi": _kpi("Key figure, in lower case"),
        "period": _period(),
        "value": _figure("Value in the sector, in the unit of the key figure"),
        "updated_at": _moment(_UPDATED_AT),
    },
)


@dataclass(frozen=True)
class RowRule:
    """One check of one column in SQL: `fails` is true for a row that does not fit, `reason` says so in words."""

    column: str
    check: str
    fails: str
    reason: str


REFUND_ADDS = "refund_adds"
REFUND_RULES = (
    RowRule(
        "amount",
        REFUND_ADDS,
        "kind = 'refund' AND amount > 0",
        '\'column "amount": a refund with a positive amount; it must be negative (or quantity and unit price must not '
        "both be negative)'",
    ),
)
"""What goes beyond one column: a refund takes from revenue."""


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
    "VARCHAR": TEXT, "BOOLEAN": pl.Boolean(), "INTEGER": pl.Int32(), "BIGINT": pl.Int64(),
    "DOUBLE": pl.Float64(), "DATE": DAY, "TIMESTAMP": MOMENT,
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


def documented(column: Any) -> Column:
    """A column of a canonical input as a header would document it."""
    limits = {check.name: check.statistics for check in column.checks}
    return Column(
        type=sql_type(column.dtype),
        meaning=column.description,
        unit=(column.metadata or {}).get("unit"),
        nullable=column.nullable,
        values=tuple(limits["isin"]["allowed_values"]) if "isin" in limits else None,
    )


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
