"""Sources: which there are, how one is chosen, which columns of an export it takes, and what is wrong with a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from shop import open_engine

from pipeline.errors import ExportError
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.ingest.sources import Source, SourceRefused, choose, closest, find_sources, read_source
from pipeline.settings import SQL_FOLDER, Settings
from pipeline.tables.header import HeaderError
from pipeline.tables.inputs import INPUTS

HEADER = """/*
description: Export of our shop system.
raw:
  Order No: {required: true, aliases: [OrderNumber, Number]}
  Buyer:    {}
  Day:      {required: true}
  Total:    {}
  Pieces:   {}
  Price:    {}
one_of:
  - [Total]
  - [Pieces, Price]
*/
"""
SELECT = """
WITH typed AS (
  SELECT row_number, "Order No" AS number, Buyer, "Day", TRY_CAST(Total AS DOUBLE) - TRY_CAST(Price AS DOUBLE) AS total
  FROM export
)
SELECT
  row_number, number AS order_id, lower(Buyer) AS customer_id, "Day" AS ordered_at, total AS amount, 'web' AS medium
FROM typed
"""


def write(folder: Path, text: str = HEADER + SELECT, name: str = "ours/order_lines.sql") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@pytest.fixture
def ours(tmp_path: Path) -> Source:
    return read_source(write(tmp_path))


# ── reading a source ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_source_is_named_by_its_folder_and_its_input_by_the_file(ours):
    assert (ours.name, ours.input) == ("ours", "order_lines")
    assert ours.file.endswith("ours/order_lines.sql")
    assert ours.header.raw["Order No"].required and not ours.header.raw["Buyer"].required
    assert (ours.header.reads, ours.header.duplicate_lines, ours.header.owner) == ("table", "keep", "team:data")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (SELECT, HeaderError, r"must begin with a header comment"),
        (HEADER, HeaderError, r"a source needs a SELECT below its header"),
        ("/*\nraw: {a: {}}\n*/" + SELECT, HeaderError, r"description: is missing"),
        ("/*\ndescription: Our exports.\nraw: {}\n*/" + SELECT, HeaderError, r", line 3: raw: .*at least 1 item"),
        (HEADER.replace("Day:      {required", "Day: {need") + SELECT, HeaderError, r", line 6: raw\.Day\.need: "),
        (HEADER.replace("raw:", "reads: pdf\nraw:") + SELECT, HeaderError, r", line 3: reads: .*'table' or 'lines'"),
        (HEADER + "SELECT Buyer AS customer_id FROM export", HeaderError, r"must pass on row_number"),
        (HEADER + "SELECT row_number FROM export; SELECT 1", SourceRefused, r"2 statements"),
        (HEADER + "DELETE FROM export", SourceRefused, r"is not a SELECT"),
        (HEADER + "SELECT row_number\nFRMO export", SourceRefused, r", line 15: .*cannot be read as SQL"),
        (HEADER + "SELECT\n row_number\nFROM read_csv('x')", SourceRefused, r", line 16: .* reads read_csv\(\)"),
    ],
)  # fmt: skip
def test_a_source_that_cannot_be_used_is_refused_by_file_and_line(tmp_path, text, error, message):
    with pytest.raises(error, match=r"ours/order_lines\.sql.*" + message):
        read_source(write(tmp_path, text))


def test_the_mapping_changes_with_the_select_and_with_the_header_but_not_with_the_place(tmp_path, ours):
    def mapping(text: str, name: str = "ours/order_lines.sql") -> str:
        return read_source(write(tmp_path / "other", text, name)).mapping

    assert mapping(HEADER + SELECT) == ours.mapping
    assert mapping(HEADER + SELECT, "theirs/order_lines.sql") == ours.mapping
    assert mapping(HEADER + SELECT.replace("'web'", "'app'")) != ours.mapping
    assert mapping(HEADER.replace("[OrderNumber, Number]", "[OrderNumber]") + SELECT) != ours.mapping


# ── finding and choosing ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_built_in_sources_are_found():
    built_in = find_sources([SQL_FOLDER / "sources"])
    assert {"perennial.order_lines", "cdnow.order_lines", "uci_online_retail.order_lines"} <= built_in.keys()


def test_a_source_of_the_users_own_hides_the_built_in_one_of_the_same_name(tmp_path):
    write(tmp_path, name="cdnow/order_lines.sql")
    write(tmp_path, name="ours/order_lines.sql")
    found = find_sources([tmp_path, SQL_FOLDER / "sources"])
    assert "Order No" in found["cdnow.order_lines"].header.raw
    assert "line" not in found["cdnow.order_lines"].header.raw
    assert {"ours.order_lines", "perennial.order_lines"} <= found.keys()


def test_a_folder_of_sources_that_is_not_there_is_named_with_its_setting(tmp_path):
    with pytest.raises(ExportError, match=r"nowhere is no folder; setting sources_folder must name one"):
        find_sources([tmp_path / "nowhere"])


def test_a_source_is_chosen_by_its_name_or_by_name_and_input(tmp_path):
    write(tmp_path, name="ours/order_lines.sql")
    sources = find_sources([tmp_path])
    assert choose(sources, "ours") == choose(sources, "ours.order_lines") == [sources["ours.order_lines"]]


def test_a_source_with_several_inputs_is_all_of_them_until_one_is_named(tmp_path):
    write(tmp_path, name="ours/order_lines.sql")
    write(tmp_path, name="ours/customers.sql")
    sources = find_sources([tmp_path])
    assert [source.input for source in choose(sources, "ours")] == ["order_lines", "customers"]
    assert choose(sources, "ours.customers") == [sources["ours.customers"]]


def test_a_source_is_named_after_an_input(tmp_path):
    write(tmp_path, name="ours/visits.sql")
    with pytest.raises(HeaderError, match=r"visits is no input. A source's files are named order_lines, customers, ta"):
        find_sources([tmp_path])


def test_an_unknown_source_is_answered_with_the_closest_and_all_there_are(tmp_path):
    for name in ("shopify", "stripe"):
        write(tmp_path, name=f"{name}/order_lines.sql")
    sources = find_sources([tmp_path])
    with pytest.raises(ExportError) as caught:
        choose(sources, "Shopfy")
    assert str(caught.value).startswith("There is no source 'Shopfy'. Did you mean shopify? Known are shopify, stripe")
    with pytest.raises(ExportError) as caught:
        choose(sources, "zzz")
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "closest_name"),
    [
        ("customer_id", "Customer ID"),
        ("ordered_at", "orderd at"),
        ("total", "Grand total"),
        ("xyz", None),
        ("", None),
    ],
)
def test_the_closest_name_passes_over_case_and_punctuation(name, closest_name):
    assert closest(name, ["Customer ID", "orderd at", "Grand total", "Note"]) == closest_name


# ── the columns of an export ──────────────────────────────────────────────────────────────────────────────────────────


def test_columns_are_found_under_their_name_or_an_alias_whatever_case_and_blanks(ours):
    present = ["\ufeffORDERNUMBER", " buyer ", "day", "TOTAL", "Note"]
    assert ours.resolve(present, "x.csv") == {
        "Order No": "\ufeffORDERNUMBER", "Buyer": " buyer ", "Day": "day", "Total": "TOTAL",
    }  # fmt: skip


def test_the_name_itself_goes_before_its_aliases_and_these_in_their_order(ours):
    assert ours.resolve(["Number", "Order No", "Day", "Total"], "x.csv")["Order No"] == "Order No"
    assert ours.resolve(["Number", "OrderNumber", "Day", "Total"], "x.csv")["Order No"] == "OrderNumber"


@pytest.mark.parametrize("present", [["Total"], ["Pieces", "Price"], ["Total", "Price"]])
def test_one_complete_group_of_columns_is_enough(ours, present):
    assert set(present) <= ours.resolve(["Order No", "Day", *present], "x.csv").keys()


@pytest.mark.parametrize("present", [[], ["Pieces"], ["Price"]])
def test_no_complete_group_of_columns_is_said_so(ours, present):
    with pytest.raises(ExportError, match='it lacks "Total or Pieces and Price"'):
        ours.resolve(["Order No", "Day", *present], "x.csv")


def test_a_column_that_the_source_has_is_not_the_closest_to_another():
    consents = find_sources([SQL_FOLDER / "sources"])["perennial.consents"]
    with pytest.raises(ExportError, match=r'lacks "changed_at" \(the closest is "recorded_at"\)\. It has '):
        consents.resolve(["customer_id", "channel", "status", "recorded_at"], "consents.csv")


def test_missing_columns_are_all_named_with_the_closest_present_ones(ours):
    with pytest.raises(ExportError) as caught:
        ours.resolve(["order_n", "When", "Total"], "may.csv")
    assert str(caught.value).startswith(
        'may.csv is no export of source ours: it lacks "Order No" (the closest is "order_n"), "Day". '
        'It has "Total" and 2 that'
    )


def test_outputs_are_traced_to_the_raw_columns_they_are_made_from(ours):
    traced = {name: ours.raw_columns_of(name) for name in ("order_id", "customer_id", "ordered_at", "amount", "medium")}
    assert traced == {
        "order_id": ["Order No"],
        "customer_id": ["Buyer"],
        "ordered_at": ["Day"],
        "amount": ["Price", "Total"],
        "medium": [],
    }


def test_every_output_of_the_built_in_sources_can_be_traced():
    for source in find_sources([SQL_FOLDER / "sources"]).values():
        given = INPUTS[source.input].schema.columns.keys() & source.outputs
        traced = {raw for name in given for raw in source.raw_columns_of(name)}
        assert traced and traced <= source.header.raw.keys(), source.file


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("SELECT row_number, number AS order_id, TRY_CAST(total AS DECIMAL(18,2)) AS amount FROM export", True),
        ("SELECT row_number, lower(trim(buyer)) AS customer_id, 'web' AS medium FROM export", True),
        ("SELECT DISTINCT row_number, number AS order_id FROM export", False),
        ("SELECT row_number, number AS order_id FROM export WHERE number <> ''", False),
        ("SELECT row_number, number AS order_id FROM export LIMIT 3", False),
        ("SELECT row_number, number AS order_id FROM export QUALIFY TRUE", False),
        ("SELECT row_number, number AS order_id FROM export USING SAMPLE 3", False),
        ("SELECT export.row_number, export.number AS order_id FROM export, export AS again", False),
        ("SELECT row_number, unnest(['a', 'b']) AS order_id FROM export", False),
        ("SELECT max(row_number) AS row_number FROM export", False),
        ("SELECT row_number + 1 AS row_number, number AS order_id FROM export", False),
        ("SELECT number AS row_number, row_number FROM export", False),
        ("WITH export AS (SELECT 1 AS row_number) SELECT row_number FROM export", False),
        ("SELECT row_number FROM export UNION ALL SELECT row_number FROM export", False),
    ],
)
def test_a_select_is_known_to_keep_the_rows_when_nothing_in_it_could_do_otherwise(ours, select, expected):
    assert replace(ours, select=select).keeps_rows is expected


# ── errors in a SELECT ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("column", "says", "line"),
    [
        ("nobody AS product_name", "nobody", ", line 10"),
        ("CAST(sku AS DATE) AS product_name", "Conversion Error", ""),
    ],
)
def test_an_error_in_a_source_is_told_with_its_file_and_without_the_cell(tmp_path, column, says, line):
    file = tmp_path / "sources" / "mine" / "order_lines.sql"
    file.parent.mkdir(parents=True)
    file.write_text(
        "/*\ndescription: A source with a fault.\nraw:\n  id: {required: true}\n  who: {}\n  day: {}\n  sku: {}\n*/\n"
        f"SELECT row_number, id AS order_id, who AS customer_id, day AS ordered_at,\n"
        f"  1 AS amount, {column} FROM export\n"
    )
    (tmp_path / "export.csv").write_text("id,who,day,sku\no1,anna,2026-01-02,Kowalski 600123\n")
    settings = Settings(home=tmp_path, sources_folder=tmp_path / "sources")
    with open_engine(settings) as engine:
        (told,) = load_exports(engine, settings, find_exports(settings, {"mine": [str(tmp_path / "export.csv")]}))
    assert isinstance(told, ExportError)
    assert str(told).startswith(f"sources/mine/order_lines.sql{line}: this SELECT cannot be used.")
    assert says in str(told) and "Kowalski" not in str(told) and "600123" not in str(told)
