"""Contracts: a pandera schema and the SQL compiled from it say the same about every row; every table has one."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from math import inf, nan
from typing import Any

import duckdb
import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import Phase, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pandera.errors import SchemaErrors
from predictions import NAMES as PREDICTION_TABLES
from shop import all_tables

from pipeline.ingest.exports import find_exports, load_exports
from pipeline.settings import Settings
from pipeline.tables.header import Column, Header, Table
from pipeline.tables.inputs import INPUTS
from pipeline.tables.rules import (
    EARLIEST,
    LATEST,
    UncompiledCheck,
    polars_type,
    row_rules,
    schema_of,
    sql_type,
)

ORDER_LINES, CUSTOMERS, TARGETS, BENCHMARKS = (
    INPUTS[name].schema for name in ("order_lines", "customers", "targets", "benchmarks")
)
Frame = dict[str, list[Any]]
Failure = tuple[str, str, int, str]  # column, check, row, value
# A difference names column, check and value: nothing to shrink, which takes minutes with frames this wide.
UNSHRUNK = [Phase.explicit, Phase.generate]


def failures_in_pandera(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> set[Failure]:
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases.select("column", "check", "index").rows()
        names = {"not_nullable": "not_null"}
        return {
            (column, names.get(name := check.split("(")[0], name), index, repr(frame[column][index]))
            for column, check, index in cases
        }
    return set()


def failures_in_sql(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> set[Failure]:
    rules = row_rules(schema)
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        rows = connection.execute(f"SELECT {', '.join(rule.fails for rule in rules)} FROM frame").fetchall()
    return {
        (rule.column, rule.check, number, repr(frame[rule.column][number]))
        for number, row in enumerate(rows)
        for rule, fails in zip(rules, row, strict=True)
        if fails
    }


def frames(values: dict[str, st.SearchStrategy[Any]], rows: int = 20) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries(values), min_size=1, max_size=rows)


def framed(schema: pa.DataFrameSchema, rows: list[dict[str, Any]]) -> pl.DataFrame:
    types = {name: getattr(column.dtype, "type", column.dtype) for name, column in schema.columns.items()}
    return pl.DataFrame(rows, schema=types)


# ── the same rows fail ────────────────────────────────────────────────────────────────────────────────────────────────

TEXTS = (
    st.none()
    | st.sampled_from(["", " ", "EUR", "EURO", "eur", "EUR\n", "sale", "Sale", "x" * 200, "x" * 201, "é" * 200])
    | st.text(max_size=5)
)
MOMENTS = st.none() | st.sampled_from(
    [EARLIEST, LATEST, EARLIEST - dt.timedelta(microseconds=1), LATEST + dt.timedelta(microseconds=1)]
)


def _decimals(places: int, limit: int) -> st.SearchStrategy[Any]:
    step = Decimal(1).scaleb(-places)
    edges = [Decimal(sign * limit) + offset for sign in (-1, 1) for offset in (-step, Decimal(0), step)]
    return st.none() | st.sampled_from(edges) | st.decimals(-10, 10, places=places)


def _any_value(name: str) -> st.SearchStrategy[Any]:
    """Values of a column of ORDER_LINES around the edges of its checks."""
    kind = sql_type(ORDER_LINES.columns[name].dtype)
    if kind == "TIMESTAMP":
        return MOMENTS
    if kind == "VARCHAR":
        return TEXTS
    return _decimals(int(kind.rstrip(")").split(",")[1]), 10_000_000 if name == "quantity" else 1_000_000_000)


PERIODS = st.none() | st.sampled_from(
    ["2026", "2026-01", "2026-12", "2026-Q1", "2026-Q4", "2026-00", "2026-13", "2026-Q5", "2026-Q0", "2026-1", "26-01",
     "2026-01-01", "2026-q1", " 2026", "2026\n", ""]
)  # fmt: skip
BIRTHS = st.none() | st.sampled_from(
    [dt.date(1900, 1, 1), dt.date(1899, 12, 31), dt.date(2100, 1, 1), dt.date(2100, 1, 2)]
)
FIGURES = st.none() | st.sampled_from([0.0, -1e15, 1e15, 1.001e15, -1.001e15, inf, -inf]) | st.floats(-10, 10)


def _any_value_of(name: str) -> st.SearchStrategy[Any]:
    """Values of a column of the optional inputs around the edges of its checks."""
    if name.endswith("_at"):
        return MOMENTS
    return {"period": PERIODS, "value": FIGURES, "birth_date": BIRTHS}.get(name, TEXTS)


@pytest.mark.parametrize("schema", [CUSTOMERS, TARGETS, BENCHMARKS], ids=lambda schema: schema.name)
def test_optional_inputs_fail_in_sql_where_they_fail_in_pandera(schema):
    @examples(max_examples=20, phases=UNSHRUNK)
    @given(frames({name: _any_value_of(name) for name in schema.columns}))
    def fail_alike(rows):
        frame = framed(schema, rows)
        assert failures_in_sql(schema, frame) == failures_in_pandera(schema, frame)

    fail_alike()


def test_a_period_that_is_none_is_told_what_one_is():
    assert _reasons(TARGETS, {"period": "Nov 2026"}) == [
        'column "period": "Xxx 9999" is no month (2026-11), quarter (2026-Q4) or year (2026)'
    ]


@examples(max_examples=20, phases=UNSHRUNK)
@given(frames({name: _any_value(name) for name in ORDER_LINES.columns}))
def test_order_lines_fail_in_sql_where_they_fail_in_pandera(rows):
    frame = framed(ORDER_LINES, rows)
    assert failures_in_sql(ORDER_LINES, frame) == failures_in_pandera(ORDER_LINES, frame)


TEXT, MOMENT = pl.String(), pl.Datetime("us")
EVERY_CHECK = pa.DataFrameSchema(
    {
        "whole": pa.Column(
            pl.Int64(), [pa.Check.ge(-2), pa.Check.gt(-2), pa.Check.le(3), pa.Check.lt(3), pa.Check.isin([0, 1, 3])]
        ),
        "bound": pa.Column(pl.Int64(), [pa.Check.in_range(0, 3, include_min=False, include_max=False)], nullable=True),
        "real": pa.Column(
            pl.Float64(), [pa.Check.ge(-0.5), pa.Check.lt(0.1), pa.Check.in_range(-1.5, 0.5)], nullable=True
        ),
        "money": pa.Column(pl.Decimal(18, 2), [pa.Check.gt(0), pa.Check.le(9.5)], nullable=True),
        "day": pa.Column(
            pl.Date(), [pa.Check.ge(dt.date(2026, 1, 1)), pa.Check.lt(dt.date(2026, 3, 1))], nullable=True
        ),
        "moment": pa.Column(MOMENT, [pa.Check.in_range(dt.datetime(2026, 1, 1, 12), dt.datetime(2026, 1, 2))]),
        "name": pa.Column(
            TEXT,
            [pa.Check.str_length(1, 3), pa.Check.str_matches("[a-c]+|it's"), pa.Check.isin(["a", "it's", "日本"])],
        ),
        "long": pa.Column(TEXT, [pa.Check.str_length(min_value=2), pa.Check.str_length(max_value=4)], nullable=True),
        "code": pa.Column(TEXT, [pa.Check.str_length(exact_value=2)], nullable=True),
        "yes": pa.Column(pl.Boolean(), [], nullable=False),
    }
)  # fmt: skip
NAMES = st.none() | st.sampled_from(
    ["", "a", "it's", "日本", "日本語の", "xa", "abc\n", "\na", "👩‍👩‍👧", "e\u0301", "aaaaa"]
)
VALUES = {
    "whole": st.none() | st.integers(-3, 4),
    "bound": st.none() | st.integers(-1, 4),
    "real": st.none() | st.sampled_from([-1.5, -0.5, 0.1, 0.1 + 2**-55, 0.5, inf, -inf, nan]) | st.floats(-2, 2),
    "money": st.none() | st.sampled_from([Decimal(cents) / 100 for cents in (950, 951, 0, 1, -1)]),
    "day": st.none() | st.dates(dt.date(2025, 12, 30), dt.date(2026, 3, 3)),
    "moment": st.none() | st.datetimes(dt.datetime(2026, 1, 1, 11), dt.datetime(2026, 1, 2, 1)),
    "name": NAMES,
    "long": NAMES,
    "code": NAMES,
    "yes": st.none() | st.booleans(),
}  # fmt: skip


@examples(max_examples=40, phases=UNSHRUNK)
@given(frames(VALUES))
@example([dict.fromkeys(VALUES)])
def test_every_supported_check_fails_in_sql_where_it_fails_in_pandera(rows):
    frame = framed(EVERY_CHECK, rows)
    assert failures_in_sql(EVERY_CHECK, frame) == failures_in_pandera(EVERY_CHECK, frame)


def test_the_property_sees_every_check():
    """Each rule can fail, so that the comparison above is not one of empty sets."""
    bad = dict.fromkeys(VALUES) | {
        "whole": -3, "bound": 0, "real": -2.0, "money": Decimal(0), "day": dt.date(2025, 1, 1),
        "moment": dt.datetime(2025, 1, 1), "name": "wxyz", "long": "x", "code": "x",
    }  # fmt: skip
    worse = dict(bad, whole=9, real=1.0, money=Decimal(10), day=dt.date(2027, 1, 1), long="xxxxx")
    failing = failures_in_sql(EVERY_CHECK, framed(EVERY_CHECK, [bad, worse, dict.fromkeys(VALUES)]))
    assert {(column, check) for column, check, _, _ in failing} == {
        (rule.column, rule.check) for rule in row_rules(EVERY_CHECK)
    }


# ── what cannot be compiled is refused ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "check",
    [
        pa.Check.eq(3), pa.Check.ne(3), pa.Check.notin([3]), pa.Check.str_contains("x"), pa.Check.str_startswith("x"),
        pa.Check(lambda data: data.lazyframe.select(pl.col(data.key).is_not_null())),
    ],
    ids=str,
)  # fmt: skip
def test_a_check_without_a_sql_form_is_refused(check):
    schema = pa.DataFrameSchema({"amount": pa.Column(pl.String(), [check])})
    with pytest.raises(UncompiledCheck, match=r'column "amount": check .* has no SQL form'):
        row_rules(schema)


def test_a_unique_column_and_a_check_of_the_whole_frame_are_refused_too():
    # Neither is a rule about one row; left out in silence they would never run.
    with pytest.raises(UncompiledCheck, match="unique"):
        row_rules(pa.DataFrameSchema({"order_id": pa.Column(pl.String(), unique=True)}))
    with pytest.raises(UncompiledCheck, match="whole frame"):
        row_rules(pa.DataFrameSchema({"a": pa.Column(pl.Int64())}, checks=[pa.Check.ge(0)]))


# ── messages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _reasons(schema: pa.DataFrameSchema, row: dict[str, Any], shown_as: dict[str, str] | None = None) -> list[str]:
    frame = framed(schema, [dict.fromkeys(schema.columns) | row])
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        given = [rule for rule in row_rules(schema, shown_as) if rule.column in row]
        found = [connection.execute(f"SELECT {r.reason} FROM frame WHERE {r.fails}").fetchall() for r in given]
    return [reason for rows in found for (reason,) in rows]


def test_reasons_name_column_value_and_limit_in_words():
    assert _reasons(ORDER_LINES, {"kind": "gift"}) == ['column "kind": "xxxx" is not one of charge, refund, sale']
    assert _reasons(ORDER_LINES, {"order_id": None}) == ['column "order_id" is missing']
    assert _reasons(ORDER_LINES, {"quantity": Decimal("12000000")}) == [
        'column "quantity": "99999999.999" is not between -10,000,000 and 10,000,000'
    ]
    assert _reasons(EVERY_CHECK, {"whole": 5}) == [
        'column "whole": "9" is more than 3',
        'column "whole": "9" is not less than 3',
        'column "whole": "9" is not one of 0, 1, 3',
    ]


def test_reasons_use_the_name_the_export_has_for_the_column():
    assert _reasons(ORDER_LINES, {"order_id": None}, {"order_id": 'Invoice "No"'}) == [
        'column "Invoice "No"" is missing'
    ]


def test_long_values_are_cut_in_reasons():
    (reason,) = _reasons(ORDER_LINES, {"order_id": "x" * 300})
    assert reason == f'column "order_id": "{"x" * 30}…" must have 1 to 200 characters'


# ── canonical lines ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_table_of_order_lines_documents_its_contract():
    table = INPUTS["order_lines"].table
    assert table.full_name == "staging.order_lines"
    columns = table.header.columns
    assert list(columns)[:3] == ["file_id", "row_number", "ordered_on"]
    assert [name for name in columns if name in ORDER_LINES.columns] == list(ORDER_LINES.columns)
    assert {name for name, column in ORDER_LINES.columns.items() if not column.nullable} == {
        "order_id", "ordered_at", "amount", "kind",
    }  # fmt: skip
    assert all(columns[name].nullable == column.nullable for name, column in ORDER_LINES.columns.items())
    assert columns["kind"].values == ("sale", "refund", "charge")
    assert (columns["amount"].type, columns["amount"].unit) == ("DECIMAL(18,2)", "currency")
    assert all(column.meaning for column in columns.values())


@pytest.mark.parametrize(
    "name", ["VARCHAR", "BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "DECIMAL(18,2)", "DECIMAL(9,4)"]
)
def test_types_go_to_polars_and_back(name):
    assert sql_type(polars_type(name)) == name
    assert sql_type(pa.Column(polars_type(name)).dtype) == name


# ── every table ───────────────────────────────────────────────────────────────────────────────────────────────────────

TABLES = list(all_tables())


@pytest.fixture
def told_shop(shop):
    """A shop in which every table has rows: seven customers, a guest, a refund, a charge; two snapshots, so that
    there are changes between them."""
    shop.orders("anna", "2026-01-02", "2026-02-03", "2026-03-01", amount=40, product_id="lamp")
    shop.orders("bert", "2026-01-05", amount="12.50").orders("cleo", "2026-01-09", "2026-02-11")
    shop.orders("gina", "2025-06-01", product_id="lamp")  # long enough ago to know what came of it
    shop.orders("dora", "2026-02-20", amount=7).orders("emil", "2026-03-05", source="google", medium="cpc").orders(
        None, "2026-01-20"
    )
    shop.refund("bert-1", on="2026-02-15", amount=5).charge("anna-1", on="2026-01-02", customer="anna", amount=3)
    shop.orders(
        "fred", "2026-02-01", "2026-03-19", "2026-03-22", "2026-03-26", "2026-03-30"
    )  # often enough for a trend
    stages = [
        {"stage": stage, "from_day": since, "to_day": until, "items": ["bulb*"]}
        for stage, since, until in (("bulbs", 0, 100), ("spares", 100, 400))
    ]
    needs = [{"rule": "light", "anchor": ["lamp"], "stages": stages}]
    shop.with_settings(trend={"window_days": 7}, need_stages=needs, holdout_share=0.7)
    shop.registered("anna", on="2026-01-01").registered("lea")
    shop.target("revenue", "2026-03", 100).benchmark("fashion", "revenue", "2026-Q1", 90)
    shop.product("lamp", category="Home > Lamps", list_price=40, in_stock=True)
    shop.event("v1", "product_view", at="2026-01-02T10:00", customer="anna", product_id="lamp")
    shop.campaign("spring", sent="2026-03-01").message("spring", "anna", "sent", at="2026-03-01T10:00")
    shop.message("spring", "emil", "clicked", at="2026-03-04T10:00")  # he orders on the next day
    shop.consent("anna", "granted", on="2026-01-01").objection("emil", on="2026-01-01")
    shop.suppression("lea", on="2026-01-01").erasure("lea", on="2026-01-02")
    shop.snapshot("2026-02-28").snapshot("2026-03-31")
    shop.engine.execute("INSERT INTO ingest.identities VALUES ('by-hand', 1, 'guest', 'anna')")
    shop.engine.execute("INSERT INTO ingest.aliases VALUES ('by-address', 'anna', 1)")
    file = shop.home / "export.csv"
    told = ["order_id,customer_id,ordered_at,amount,exported_at", "o1,anna,2026-01-02,10,2099-01-01", "o2,anna,,10,"]
    file.write_text("\n".join(told) + "\n")
    settings = Settings(home=shop.home, quarantine_limit=1)
    assert len(list(load_exports(shop.engine, settings, find_exports(settings, {"perennial": [str(file)]})))) == 1
    shop.engine.execute("INSERT INTO ingest.aliases VALUES ('key of an address', 'anna', 1)")
    return shop


# A tiny, young shop has too little for models, curves and projections; what they write is validated in their own tests.
PREDICTED = {
    f"marts.{name}"
    for name in (
        *PREDICTION_TABLES, "premium_alerts", "rising_customers", "clv_before", "survival_curves", "next_categories",
        "replenishment_products", "replenishment_due", "product_affinity", "taste_groups", "taste_group_items",
        "stage_move_products", "campaign_uplift_segments", "campaign_segments", "programme_comparison",
        "lifecycle_projection", "lifecycle_scenarios", "projection_backtest",
    )
}  # fmt: skip


def test_what_stands_in_the_tables_fits_their_contracts(told_shop):
    for name, table in all_tables().items():
        frame = told_shop.engine.read(f"SELECT * FROM {name}")
        assert (frame.height == 0) == (name in PREDICTED), f"{name}: nothing was checked, or more than is said here"
        schema_of(table).validate(frame, lazy=True)


@pytest.mark.parametrize("name", TABLES)
def test_the_contract_of_a_table_compiles_and_accepts_no_rows_at_all(name, shop):
    table = all_tables()[name]
    rules = row_rules(schema_of(table))
    assert {rule.column for rule in rules if rule.check == "not_null"} == {
        column for column, about in table.header.columns.items() if not about.nullable
    }
    frame = shop.engine.read(f"SELECT * FROM {name}")
    schema_of(table).validate(frame, lazy=True)
    for rule in rules:
        assert shop.engine.execute(f"SELECT {rule.reason} FROM {name} WHERE {rule.fails}") == []


TOY = Table(
    "marts",
    "toy",
    Header(
        description="A table for this test.",
        grain=("day", "customer_id"),
        owner="team:data",
        columns={
            "day": Column(type="DATE", meaning="Day"),
            "customer_id": Column(type="VARCHAR", meaning="Customer"),
            "score": Column(type="INTEGER", meaning="Score", min=1, max=5),
            "share": Column(type="DOUBLE", meaning="Share", min=0, max=0.5, nullable=True),
            "tier": Column(type="VARCHAR", meaning="Tier", values=("low", "high")),
        },
    ),
    None,
    "toy.sql",
)
GOOD = {"day": dt.date(2026, 1, 1), "customer_id": "anna", "score": 1, "share": 0.5, "tier": "low"}


def test_a_header_becomes_a_contract():
    frame = framed(schema_of(TOY), [GOOD, GOOD | {"customer_id": "bert", "score": 5, "share": None, "tier": "high"}])
    assert schema_of(TOY).validate(frame, lazy=True).equals(frame)


@pytest.mark.parametrize(
    "wrong",
    [{"score": 0}, {"score": 6}, {"score": None}, {"share": -0.1}, {"share": 0.6}, {"tier": "middle"}, {"day": None}],
    ids=str,
)
def test_a_row_that_breaks_the_header_fails_in_pandera_and_in_sql(wrong):
    frame = framed(schema_of(TOY), [GOOD, GOOD | {"customer_id": "bert"} | wrong])
    failing = failures_in_sql(schema_of(TOY), frame)
    assert {(column, row) for column, _, row, _ in failing} == {(*wrong, 1)}
    assert failing == failures_in_pandera(schema_of(TOY), frame)


def test_a_contract_refuses_doubled_keys_missing_columns_and_other_types():
    schema = schema_of(TOY)
    good = framed(schema, [GOOD])
    for frame in (
        pl.concat([good, good]),
        good.drop("tier"),
        good.with_columns(extra=1),
        good.with_columns(pl.col("score").cast(pl.Int64)),
    ):
        with pytest.raises(SchemaErrors):
            schema.validate(frame, lazy=True)
