"""Inputs are files: a header is the contract, mistakes in it are told by line, a new file is a new input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from drop_folder import Home, counts
from shop import all_tables

from pipeline.tables.catalog import tables
from pipeline.tables.header import HeaderError
from pipeline.tables.inputs import INPUTS, Input, read_input, read_inputs
from pipeline.tables.rules import row_rules

VISITS = """/*
description: Visits of the web shop, each as the newest export tells it.
thing: visit
key: [visit_id]
newest_by: file
moment: visited_at
gives: conversion
columns:
  visit_id:   {type: VARCHAR, required: true, length: [2, 8], meaning: Visit as the web server numbers it}
  visited_at: {type: TIMESTAMP, required: true, meaning: When it began}
  pages:      {type: BIGINT, unit: pages, min: 1, max: 500, meaning: Pages that were seen}
  device:     {type: VARCHAR, values: [phone, computer], meaning: Kind of device}
  landed_on:  {type: VARCHAR, pattern: "/.*", otherwise: is no page, meaning: Page on which the visit began}
filled:
  - device: coalesce(lower(device), 'computer')
derived:
  visited_on: {sql: CAST(visited_at AS DATE), type: DATE, meaning: Local day of visited_at}
rules:
  landing_is_a_page:
    column: pages
    fails: landed_on IS NOT NULL AND pages IS NULL OR pages < 2 AND landed_on = '/tour'
    reason: does not go with the page on which the visit began
*/
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


def written(folder: Path, text: str = VISITS, name: str = "visits") -> Path:
    file = folder / "inputs" / f"{name}.sql"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


@pytest.fixture
def visits(home, tmp_path, monkeypatch) -> Input:
    """The input, in a home that has the table and a source for it."""
    (input,) = read_inputs(written(tmp_path).parent).values()
    monkeypatch.setitem(INPUTS, input.name, input)
    home.engine.prepare(home.now(), [*all_tables().values(), input.table])
    home.own_source(
        "SELECT row_number, visit AS visit_id, began AS visited_at, pages, device, landing AS landed_on FROM export",
        "{visit: {required: true}, began: {required: true}, pages: {}, device: {}, landing: {}}",
        name="web", input="visits",
    )  # fmt: skip
    return input


# ── a new file is a new input ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_input_is_loaded_by_its_file_and_a_source(home, visits):
    home.drop(
        "visits.csv",
        "visit,began,pages,device,landing\nv1,2026-03-01 23:59:00,3,Phone,/sale\nv2,2026-03-02,,,\n"
        "v3,2026-03-02,0,phone,/\nv4,2026-03-02,5,fridge,/\nv5,2026-03-02,2,phone,home\nv6,2026-03-02,,phone,/\n"
        "v7,yesterday,2,phone,/\nx,2026-03-02,2,phone,/\nv8,1969-12-31,2,phone,/\n"
        "v9,2026-03-02,many,phone,/\n",
        source="web",
    )
    assert counts(home.load()["visits.csv"]) == (10, 2, 8, 0, 0)
    columns = ("visit_id", "visited_on", "pages", "device", "landed_on", "row_number")
    assert home.staged("visits").rows(*columns) == [
        ("v1", "2026-03-01", 3, "phone", "/sale", 1), ("v2", "2026-03-02", None, "computer", None, 2),
    ]  # fmt: skip
    assert home.reasons() == {
        3: 'column "pages": "9" is not between 1 and 500',
        4: 'column "device": "xxxxxx" is not one of computer, phone',
        5: 'column "landing": "xxxx" is no page',
        6: 'column "pages": does not go with the page on which the visit began',
        7: 'column "began": "xxxxxxxxx" is not a date',
        8: 'column "visit": "x" must have 2 to 8 characters',
        9: 'column "began": "9999-99-99 99:99:99" is not between 1970-01-01 and 2100-01-01',
        10: 'column "pages": "xxxx" is not a whole number',
    }


def test_of_a_new_input_the_newest_file_counts(home, visits):
    home.drop("old.csv", "visit,began,pages\nv1,2026-03-01,3\nv2,2026-03-01,4\n", source="web")
    home.load()
    home.drop("new.csv", "visit,began,pages\nv2,2026-03-01,9\nv2,2026-03-01,9\n", source="web")
    assert counts(home.load()["new.csv"]) == (2, 1, 0, 0, 1)
    assert home.staged("visits").by("visit_id", "pages") == {"v1": 3, "v2": 9}
    assert home.ledger().by("path", "superseded")["data/exports/web/old.csv"] == 1


def test_the_table_is_documented_by_the_header(visits):
    table = visits.table
    assert (table.full_name, table.file, table.topic) == ("staging.visits", "sql/inputs/visits.sql", "staging")
    assert (table.header.description, table.header.grain) == (visits.description, ("visit_id",))
    assert list(table.header.columns) == [
        "file_id", "row_number", "visited_on", "visit_id", "visited_at", "pages", "device", "landed_on",
    ]  # fmt: skip
    pages = table.header.columns["pages"]
    assert (pages.type, pages.unit, pages.nullable) == ("BIGINT", "pages", True)
    assert table.header.columns["device"].values == ("phone", "computer")


def test_each_declaration_is_a_rule(visits):
    assert {(rule.column, rule.check) for rule in row_rules(visits.schema)} == {
        ("visit_id", "not_null"), ("visit_id", "str_length"), ("visited_at", "not_null"), ("visited_at", "in_range"),
        ("pages", "in_range"), ("device", "isin"), ("landed_on", "str_matches"),
    }  # fmt: skip


def test_inputs_are_listed_by_place_then_by_name(tmp_path):
    for name, place in (("b", ""), ("a", ""), ("z", "place: 1\n")):
        written(tmp_path, VISITS.replace("key:", f"{place}key:"), name)
    assert list(read_inputs(tmp_path / "inputs")) == ["z", "a", "b"]


# ── what orders have, another input may have under other names ────────────────────────────────────────────────────────

RENTALS = """/*
description: Rentals of skis, each whole from the newest export that holds it.
thing: rental
key: [contract]
newest_by: file
moment: started_at
borrows_moment: part = 'fine'
person: tenant
grain: [file_id, row_number, part]
money: [fee, deposit]
currency: paid_in
columns:
  contract:   {type: VARCHAR, required: true, meaning: Contract of the rental}
  tenant:     {type: VARCHAR, meaning: Who rents; null for a guest}
  started_at: {type: TIMESTAMP, required: true, meaning: When it began}
  part:       {type: VARCHAR, required: true, values: [rent, fine], meaning: What is paid}
  fee:        {type: "DECIMAL(18,2)", unit: currency, required: true, meaning: "What is paid, negative for fines"}
  deposit:    {type: "DECIMAL(18,2)", unit: currency, meaning: What is given back}
  rebate:     {type: "DECIMAL(18,2)", unit: currency, meaning: Taken off the fee}
  paid_in:    {type: VARCHAR, pattern: "^[A-Z]{3}$", meaning: Currency}
filled:
  - {part: "coalesce(part, 'rent')", paid_in: "coalesce(upper(paid_in), '{currency}')"}
signs:
  rebate:
    where: fee > 0
    negative: "all rebates are written negative ({rows}); they were taken off."
    mixed: "rebates are positive in {positive} and negative in {negative}."
derived:
  original_fee: {before_conversion: fee, type: "DECIMAL(18,2)", nullable: true, meaning: The fee as it was paid}
  kept:         {sql: "fee - coalesce(rebate, 0)", type: "DECIMAL(18,2)", meaning: What is left of the fee}
rules:
  fine_adds:
    column: fee
    fails: part = 'fine' AND fee > 0
    reason: a fine with a positive fee, which must be negative
    turned:
      where: part = 'fine'
      subject: positive_fines
      says: "all fines are written with positive fees ({rows}); they were turned negative."
*/
"""
NAMES = ("contract", "tenant", "started_at", "part", "fee", "deposit", "rebate", "paid_in")
HEADER = ",".join(NAMES)


@pytest.fixture
def rentals(home, tmp_path, monkeypatch) -> Input:
    input = read_input(written(tmp_path, RENTALS, "rentals"))
    monkeypatch.setitem(INPUTS, input.name, input)
    home.engine.prepare(home.now(), [*all_tables().values(), input.table])
    raw = ", ".join(f"{name}: {{}}" for name in NAMES if name != "contract")
    select = f"SELECT row_number, {HEADER} FROM export"
    home.own_source(select, f"{{contract: {{required: true}}, {raw}}}", name="skis", input="rentals")
    return input


def test_money_persons_and_signs_are_known_by_what_the_header_says(home, rentals):
    home.settings["currency"] = "EUR"
    home.drop("rates.csv", "date,currency,rate\n2026-01-02,CHF,2\n", source="rates")
    home.drop(
        "skis.csv",
        f"{HEADER}\nr1,anna,2026-01-02 10:00:00,,10,50,-1,\nr1,anna,,fine,3,,,\nr2,,2026-01-02,rent,20,30,-2,chf\n"
        "r3,bert,2026-01-02,rent,20,30,,GBP\n",
        source="skis",
    )
    assert counts(home.load()["skis.csv"]) == (4, 3, 1, 0, 0)
    columns = ("contract", "started_at", "part", "fee", "deposit", "kept", "original_fee", "paid_in")
    assert [tuple(map(str, row)) for row in home.staged("rentals").rows(*columns)] == [
        ("r1", "2026-01-02T10:00:00", "fine", "-3.00", "None", "-3.00", "None", "EUR"),
        ("r1", "2026-01-02T10:00:00", "rent", "10.00", "50.00", "9.00", "None", "EUR"),
        ("r2", "2026-01-02T00:00:00", "rent", "40.00", "60.00", "38.00", "20.00", "EUR"),
    ]
    assert home.reasons()[4].startswith('column "paid_in": "GBP" is not the reporting currency EUR, and no exchange')
    assert home.remarks()["positive_fines"].startswith("all fines are written with positive fees (1 row)")
    assert home.remarks()["negative_rebates"].startswith("all rebates are written negative (2 rows)")
    assert home.ledger().rows("without_customer", "first_ordered_at") == [(1, "2026-01-02T00:00:00")]


def test_a_key_that_a_newer_file_holds_is_told_by_its_own_name(home, rentals):
    home.drop("one.csv", f"{HEADER}\nr1,anna,2026-01-02,rent,10,,,\nr2,,2026-01-09,rent,11,,,\n", source="skis")
    home.load()
    home.drop("two.csv", f"{HEADER}\nr1,bert,2026-01-05,rent,7,,,\nr2,,2026-01-08,rent,12,,,\n", source="skis")
    home.load()
    assert home.staged("rentals").by("contract", "fee") == {"r1": 7, "r2": 12}
    assert home.remarks()["reused_order_ids"].startswith("1 rental stands under the same id in another file")
    assert "it may be another rental" in home.remarks()["reused_order_ids"]
    assert "tells 2 rentals otherwise" in home.remarks()["older_backup"]
    assert home.ledger().by("path", "without_customer") == {
        "data/exports/skis/one.csv": 0, "data/exports/skis/two.csv": 1,
    }  # fmt: skip


def test_files_are_read_again_when_the_header_changes_and_not_when_its_words_do(home, rentals, tmp_path, monkeypatch):
    home.drop("one.csv", f"{HEADER}\nr1,anna,2026-01-02,,10,,,\n", source="skis")
    assert home.load()["one.csv"].read_now
    for text, is_read in (
        (RENTALS.replace("Who rents", "Who has rented"), False),
        (RENTALS.replace("'rent')", "'fine')").replace("fee > 0\n    reason", "fee > 99\n    reason"), True),
    ):
        monkeypatch.setitem(INPUTS, "rentals", read_input(written(tmp_path, text, "rentals")))
        assert home.load()["one.csv"].read_now is is_read
    assert home.staged("rentals").one("part") == "fine"


PARCELS = """/*
description: Parcels that were sent, each as the newest export tells it.
thing: parcel
key: [parcel_id]
newest_by: file
moment: sent_at
columns:
  parcel_id:  {type: VARCHAR, required: true, meaning: Parcel}
  sent_at:    {type: TIMESTAMP, meaning: When it was sent}
  pieces:     {type: INTEGER, meaning: Pieces in it}
  grams:      {type: BIGINT, meaning: Weight}
  due_on:     {type: DATE, meaning: Day it should arrive}
  is_insured: {type: BOOLEAN, meaning: Whether it is insured}
*/
"""


@pytest.mark.parametrize("declared", ["", "type: number"], ids=["seen from the SELECT", "declared"])
def test_columns_of_every_type_are_read_and_never_rounded(home, tmp_path, monkeypatch, declared):
    input = read_input(written(tmp_path, PARCELS, "parcels"))
    monkeypatch.setitem(INPUTS, input.name, input)
    home.engine.prepare(home.now(), [*all_tables().values(), input.table])
    names = ("parcel_id", "sent_at", "pieces", "grams", "due_on", "is_insured")
    raw = ", ".join(f"{name}: {{{declared if name in ('pieces', 'grams') else ''}}}" for name in names[1:])
    raw = f"{{parcel_id: {{required: true}}, {raw}}}"
    home.own_source(f"SELECT row_number, {', '.join(names)} FROM export", raw, name="post", input="parcels")
    home.drop(
        "parcels.csv",
        f"{';'.join(names)}\np1;31.12.2026;2,0;1.234.000;02.01.2027;true\np2;;2,5;1;;\np3;;1;12,25;;\n"
        "p4;;;;soon;\np5;;;;;perhaps\np6;;many;;;\np7;;;;;\n",
        source="post",
    )
    home.load()
    assert home.staged("parcels").rows(*names) == [
        ("p1", "2026-12-31T00:00:00", 2, 1234000, "2027-01-02", True), ("p7", None, None, None, None, None),
    ]  # fmt: skip
    number = "number" if declared else "whole number"
    assert home.reasons() == {
        2: 'column "pieces": "9,9" is not a whole number',
        3: 'column "grams": "99,99" is not a whole number',
        4: 'column "due_on": "xxxx" is not a date',
        5: 'column "is_insured": "xxxxxxx" is not true or false',
        6: f'column "pieces": "xxxx" is not a {number}',
    }


# ── mistakes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("newest_by: file", "newest_by: luck", r"sql/inputs/visits.sql, line 5: newest_by: must be 'file' or"),
        ("newest_by: file", "newest_by: row", "newest_by: row needs changed_at"),
        ("newest_by: file", "newest_by: file\nchanged_at: visited_at", "newest_by: file has none"),
        ("newest_by: file\n", "", "newest_by: is missing"),
        ("type: BIGINT", "type: NUMBER", r"line 11: columns.pages.type: must be written like VARCHAR"),
        ("unit: pages", "unti: pages", r"line 11: columns.pages.unti: .*did you mean columns.pages.unit"),
        ("min: 1", "length: [1, 3]", r"line 11: columns.pages: length and pattern are for VARCHAR"),
        ("values: [phone, computer]", "min: 1", r"line 12: columns.device: min and max are for numbers"),
        ('"/.*"', '"(/"', r"line 13: columns.landed_on.pattern: is no regular expression"),
        ('pattern: "/.*", ', "", "otherwise is what is said of a text that does not match pattern"),
        ("key: [visit_id]", "key: [visit]", "key names 'visit', which is not among the columns"),
        ("key: [visit_id]", "key: [pages]", "key column 'pages' must be required"),
        ("moment: visited_at", "moment: pages", "'pages' tells a time, so its type is TIMESTAMP"),
        ("- device:", "- gadget:", "filled names 'gadget'"),
        ("'computer')", "'{computer}')", r"line 14: filled: in braces there may be currency, is_charge"),
        ("    column: pages", "    column: page", "rules names 'page'"),
        ("  visited_on:", "  pages:", "'pages' is a column that the table has already"),
        ("  pages: ", "  Pages: ", "'Pages' is no name of a column"),
        ("filled:", "money: [pages]\nfilled:", "money needs currency, the column that says"),
        ("{sql: CAST(visited_at AS DATE), ", "{", "derived.visited_on: give either sql or"),
        ("{sql: CAST(visited_at AS DATE)", "{nullable: true, before_conversion: pages", "neither money nor currency"),
        ("rules:", "signs: {pages: {where: pages > 0, negative: '{row}', mixed: x}}\nrules:", "there may be rows only"),
        ("lower(device)", "lower(gadget)", "there is no column 'gadget'"),
        ("lower(device)", "lower(device", "cannot be read as SQL"),
        ("landed_on IS NOT NULL", "landing IS NOT NULL", "there is no column 'landing'"),
        ("CAST(visited_at AS DATE)", "CAST(visited AS DATE)", "there is no column 'visited'"),
        ("moment:", "person: visitor\nmoment:", "person names 'visitor'"),
        ("*/\n", "*/\nSELECT 1", "an input is a header only"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_line_and_field(tmp_path, right, wrong, message):
    assert right in VISITS
    with pytest.raises(HeaderError, match=message):
        read_input(written(tmp_path, VISITS.replace(right, wrong, 1)))


def test_a_name_that_sql_would_have_to_quote_is_refused(tmp_path):
    with pytest.raises(HeaderError, match="an input is named by small letters"):
        read_input(written(tmp_path, name="Web visits"))


def test_the_ledger_knows_every_input():
    ledger = tables()["ingest.files"].header
    assert set(ledger.columns["input"].values) == set(INPUTS)
    assert all(f"FROM staging.{name}" in ledger.tests["lines_are_there"] for name in INPUTS)
    named = {name for name in INPUTS if f"SELECT '{name}' AS input" in ledger.tests["a_key_has_one_row"]}
    assert set(INPUTS) - named == {"order_lines"}
