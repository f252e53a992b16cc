"""Exports into staging, quarantine and ledger: loaded once, newest export wins, what does not fit is quarantined.

Everything goes through find_exports and load_exports, as in a run; how it is done inside is not known here.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import io
import itertools
import json
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from drop_folder import COUNTS, HEADER, Home, counts
from shop import all_tables

from pipeline.errors import ExportError
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.settings import Settings

LEDGER = all_tables()["ingest.files"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


# ── a file is loaded once ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_becomes_order_lines_that_remember_their_file_and_row(home):
    home.lines("january.csv", "o1,anna,2026-01-02 10:30,10.50", "o2,bert,2026-01-03,7")
    outcome = home.load()["january.csv"]
    assert (outcome.status, outcome.read_now, counts(outcome)) == ("loaded", True, (2, 2, 0, 0, 0))
    columns = ("row_number", "order_id", "customer_id", "ordered_at", "ordered_on", "amount", "kind", "currency")
    assert home.order_lines().rows(*columns) == [
        (1, "o1", "anna", "2026-01-02T10:30:00", "2026-01-02", Decimal("10.50"), "sale", "EUR"),
        (2, "o2", "bert", "2026-01-03T00:00:00", "2026-01-03", Decimal("7.00"), "sale", "EUR"),
    ]
    ledger = home.ledger()
    assert ledger.one("path") == "data/exports/perennial/january.csv"
    assert ledger.one("sha256") == hashlib.sha256((home.path / ledger.one("path")).read_bytes()).hexdigest()
    assert ledger.one("file_id") == home.order_lines().frame["file_id"][0]
    assert (ledger.one("first_ordered_at"), ledger.one("last_ordered_at")) == (
        "2026-01-02T10:30:00",
        "2026-01-03T00:00:00",
    )


def test_texts_lose_the_blanks_around_them_and_blank_ones_are_null(home):
    blanks = {"c1": "c1", " c1": "c1", "c1  ": "c1", "\u00a0c1": "c1", "c1\u2003": "c1", " é ": "é", "c 1": "c 1"}
    blanks |= {"": None, "  ": None, "\u00a0": None}
    home.lines("blanks.csv", *(f'o{n},"{given}",2026-01-02,1' for n, given in enumerate(blanks)))
    home.load()
    expected = {f"o{n}": text for n, text in enumerate(blanks.values())}
    assert home.order_lines().by("order_id", "customer_id") == expected


def test_loading_again_changes_nothing(home):
    home.lines("january.csv", "o1,anna,2026-01-02,10", "o2,,2026-01-03,7", "o3,cleo,,7")
    home.load()
    before = home.everything()
    again = home.load()["january.csv"]
    assert home.everything() == before
    assert (again.read_now, counts(again)) == (False, (3, 2, 1, 0, 0))
    assert again.message == "january.csv: loaded before, nothing new in it."


def test_the_same_content_under_another_name_is_loaded_once(home):
    home.lines("january.csv", "o1,anna,2026-01-02,10")
    home.load()
    before = home.everything()
    home.lines("january (copy).csv", "o1,anna,2026-01-02,10")
    outcomes = home.load()
    assert home.everything() == before
    assert {name: outcome.read_now for name, outcome in outcomes.items()} == {
        "january.csv": False,
        "january (copy).csv": False,
    }


def test_two_copies_dropped_at_once_are_loaded_once(home):
    home.lines("a.csv", "o1,anna,2026-01-02,10")
    home.lines("b.csv", "o1,anna,2026-01-02,10")
    assert {name: outcome.read_now for name, outcome in home.load().items()} == {"a.csv": True, "b.csv": False}
    assert len(home.order_lines()) == len(home.ledger()) == 1


def test_a_file_outside_the_home_is_recorded_by_its_name_alone(tmp_path, tmp_path_factory):
    file = tmp_path_factory.mktemp("elsewhere") / "january.csv"
    file.write_text(f"{HEADER}\no1,anna,2026-01-02,10\n")
    with ExitStack() as opened:
        home = Home(tmp_path, opened, named=[file])
        home.load(perennial=str(file))
        assert home.ledger().one("path") == "january.csv"


def test_a_link_that_leads_out_of_the_drop_folder_is_refused(home, tmp_path_factory):
    outside = tmp_path_factory.mktemp("elsewhere") / "january.csv"
    outside.write_text(f"{HEADER}\no1,anna,2026-01-02,10\n")
    link = home.lines("inside.csv", "o1,anna,2026-01-02,10").with_name("link.csv")
    link.symlink_to(outside)
    with pytest.raises(ExportError, match=r"link\.csv is a link that leads out of data/exports"):
        home.load()
    link.unlink()
    link.symlink_to(outside.parent)  # a folder: what lies behind it would not be read, and nobody told
    with pytest.raises(ExportError, match=r"link\.csv is a link that leads out of data/exports"):
        home.load()
    link.unlink()
    link.symlink_to(link.name)  # in a circle
    with pytest.raises(ExportError, match=r"link\.csv is a link that leads out of data/exports, or nowhere"):
        home.load()
    link.unlink()
    link.symlink_to(link.with_name("inside.csv"))
    assert home.load().keys() >= {"inside.csv"}


def test_a_changed_mapping_reloads_the_file(home):
    export = 'SELECT row_number, "order" AS order_id, customer AS customer_id, day AS ordered_at, money AS amount'
    home.own_source(f"{export} FROM export")
    home.drop("january.csv", "order,customer,day,money\no1,Anna,2026-01-02,10\n", source="own")
    assert home.load()["january.csv"].read_now
    assert not home.load()["january.csv"].read_now
    home.own_source(f"{export.replace('customer AS', 'lower(customer) AS')} FROM export")
    assert home.load()["january.csv"].read_now
    assert home.order_lines().rows("order_id", "customer_id") == [("o1", "anna")]
    assert len(home.ledger()) == 1


def test_a_changed_time_zone_reloads_the_file(home):
    # 23:30 UTC on the 2nd is 00:30 in Warsaw on the 3rd.
    home.lines("january.csv", "o1,anna,2026-01-02T23:30:00Z,10")
    home.load()
    assert home.order_lines().one("ordered_on") == "2026-01-02"
    home.settings["timezone"] = "Europe/Warsaw"
    assert home.load()["january.csv"].read_now
    assert home.order_lines().one("ordered_on") == "2026-01-03"


def test_a_setting_that_ingest_does_not_read_reloads_nothing(home):
    home.lines("january.csv", "o1,anna,2026-01-02,10")
    home.load()
    home.settings |= {"cancelled_orders_count": True, "quarantine_limit": 0.2}
    assert not home.load()["january.csv"].read_now


# ── overlapping exports ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_is_taken_whole_from_the_newest_export(home):
    # o2 stands in both. February is newer and knows a corrected first line and no second one: 8, not 7 + 3 nor 8 + 3.
    home.lines("january.csv", "o1,anna,2026-01-02,10", "o2,bert,2026-01-31,7", "o2,bert,2026-01-31,3")
    home.lines("february.csv", "o2,bert,2026-01-31,8", "o3,cleo,2026-02-03,5")
    outcomes = home.load()
    assert home.order_lines().rows("order_id", "amount") == [("o1", 10), ("o2", 8), ("o3", 5)]
    accepted = home.ledger().by("path", "accepted")
    superseded = home.ledger().by("path", "superseded")
    folder = "data/exports/perennial"
    assert accepted == {f"{folder}/january.csv": 1, f"{folder}/february.csv": 2}
    assert superseded == {f"{folder}/january.csv": 2, f"{folder}/february.csv": 0}
    assert outcomes["january.csv"].message == ("january.csv: 3 rows read, 1 accepted, 2 superseded by newer ones.")


def test_an_older_export_that_is_loaded_late_takes_nothing(home):
    home.lines("february.csv", "o2,bert,2026-01-31,8", "o3,cleo,2026-02-03,5")
    home.load()
    home.lines("january.csv", "o1,anna,2026-01-02,10", "o2,bert,2026-01-31,7", "o2,bert,2026-01-31,3")
    home.arrive("january.csv", at="2026-02-01")
    assert counts(home.load()["january.csv"]) == (3, 1, 0, 2, 0)
    assert home.order_lines().rows("order_id", "amount") == [("o1", 10), ("o2", 8), ("o3", 5)]


def test_a_newer_mended_export_brings_the_rows_that_were_set_aside(home):
    home.lines("january.csv", "o1,anna,2026-01-02,10", 'o2,bert,2026-01-03,"12,5O"')
    assert counts(home.load()["january.csv"]) == (2, 1, 1, 0, 0)
    home.lines("mended.csv", "o1,anna,2026-01-02,10", "o2,bert,2026-01-03,12.50", "o3,cleo,2026-01-04,5")
    assert counts(home.load()["mended.csv"]) == (3, 3, 0, 0, 0)
    assert home.order_lines().rows("order_id", "amount") == [("o1", 10), ("o2", Decimal("12.50")), ("o3", 5)]
    # The first file keeps its one bad row; its good one gave way.
    first = home.ledger().where(path="data/exports/perennial/january.csv")
    assert [first.one(name) for name in COUNTS] == [2, 0, 1, 1, 0]


def test_a_guest_order_that_gives_way_is_no_longer_counted_in_the_older_file(home):
    home.lines("january.csv", "o1,,2026-01-02,10", "o2,,2026-01-02,10")
    home.lines("february.csv", "o2,bert,2026-01-02,10", "o3,,2026-02-01,10")
    home.load()
    guests = home.ledger().by("path", "without_customer")
    assert guests == {"data/exports/perennial/january.csv": 1, "data/exports/perennial/february.csv": 1}


def test_when_a_mapping_gives_an_order_up_the_older_export_gets_it_back(home):
    # The second mapping leaves the order o2 of every export after January without an id: it belongs to January again.
    mapping = "SELECT row_number, {order} AS order_id, customer AS customer_id, day AS ordered_at, money AS amount"
    home.own_source(mapping.format(order='"order"') + " FROM export")
    header = "order,customer,day,money\n"
    home.drop("a-january.csv", f"{header}o1,anna,2026-01-02,10\no2,bert,2026-01-31,7\n", source="own")
    home.drop("b-february.csv", f"{header}o2,bert,2026-02-01,8\no3,cleo,2026-02-03,5\n", source="own")
    home.load()
    assert home.order_lines().rows("order_id", "amount") == [("o1", 10), ("o2", 8), ("o3", 5)]
    given_up = "CASE WHEN \"order\" = 'o2' AND day > '2026-02' THEN NULL ELSE \"order\" END"
    home.own_source(mapping.format(order=given_up) + " FROM export")
    home.load()
    assert home.order_lines().rows("order_id", "amount") == [("o1", 10), ("o2", 7), ("o3", 5)]


def test_three_exports_give_the_same_in_all_six_orders(home):
    # o1 is in all three, newest in march (3); o2 newest in february (5): its 6 gives way; o3 only in january.
    home.lines("january.csv", "o1,anna,2026-01-02,1", "o2,bert,2026-01-03,6", "o3,cleo,2026-01-04,7")
    home.lines("february.csv", "o1,anna,2026-01-02,2", "o2,bert,2026-01-03,5", "o4,dora,2026-02-04,8")
    home.lines("march.csv", "o1,anna,2026-01-02,3", "o1,anna,2026-03-01,4")
    home.arrive("january.csv", "february.csv", "march.csv", at="2026-04-01")
    exports, results = home.find(), []
    for permutation in itertools.permutations(exports):
        for table in ("staging.order_lines", "ingest.files"):
            home.engine.execute(f"DELETE FROM {table}")
        for export in permutation:
            home.load([export])
        results.append(home.everything())
    assert home.order_lines().rows("order_id", "amount") == [("o1", 3), ("o1", 4), ("o2", 5), ("o3", 7), ("o4", 8)]
    assert [row[-1] for row in home.ledger().rows("path", "superseded")] == [1, 2, 0]  # february, january, march
    assert all(result == results[0] for result in results)


TINY = 'SELECT row_number, "order" AS order_id, day AS ordered_at, money AS amount FROM export'


# ── exact copies of a line ────────────────────────────────────────────────────────────────────────────────────────────

COPIES = ("o1,anna,2026-01-02,10", "o1,anna,2026-01-02,10", "o1,anna,2026-01-02,10", "o1,anna,2026-01-02,11")


def test_exact_copies_are_kept_unless_the_settings_say_otherwise(home):
    home.lines("january.csv", *COPIES)
    assert counts(home.load()["january.csv"]) == (4, 4, 0, 0, 0)
    assert home.remarks()["duplicate_lines"] == (
        "2 rows are equal to another in all columns, and count as bought once more. If the export repeats lines by "
        'mistake, write perennial = "drop" below [duplicate_lines] in perennial.toml, else "keep".'
    )


def test_copies_that_the_settings_keep_or_drop_are_no_remark(home):
    home.lines("january.csv", *COPIES)
    for rule in ("keep", "drop"):
        home.settings["duplicate_lines"] = {"perennial": rule}
        home.load()
        assert home.remarks() == {}


def test_exact_copies_are_dropped_when_asked_and_the_file_is_read_again_for_it(home):
    home.lines("january.csv", *COPIES)
    home.load()
    home.settings["duplicate_lines"] = {"perennial": "drop"}
    outcome = home.load()["january.csv"]
    assert (outcome.read_now, counts(outcome)) == (True, (4, 2, 0, 0, 2))
    assert home.order_lines().rows("row_number", "amount") == [(1, 10), (4, 11)]
    assert outcome.message == "january.csv: 4 rows read, 2 accepted, 2 exact copies dropped."


def test_a_source_may_say_itself_that_copies_are_dropped(home):
    home.own_source(TINY, raw="{order: {}, day: {}, money: {}}\nduplicate_lines: drop")
    home.drop("january.csv", "order,day,money\no1,2026-01-02,10\no1,2026-01-02,10\n", source="own")
    assert counts(home.load()["january.csv"]) == (2, 1, 0, 0, 1)
    home.settings["duplicate_lines"] = {"own": "keep"}
    assert counts(home.load()["january.csv"]) == (2, 2, 0, 0, 0)


# ── what does not fit ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",anna,2026-01-02,10", 'column "order_id" is missing'),
        ("  ,anna,2026-01-02,10", 'column "order_id" is missing'),
        ("o1,anna,,10", 'column "ordered_at" is missing'),
        ("o1,anna,2026-01-02,", 'column "amount" is missing'),
        ('o1,anna,2026-01-02,"12,5O"', 'column "amount": "99,9X" is not a number (letter O?)'),
        ("o1,anna,2026-01-02,1o", 'column "amount": "9x" is not a number (letter O?)'),
        ("o1,anna,2026-01-02,ten", 'column "amount": "xxx" is not a number'),
        ("o1,anna,2026-02-30,10", 'column "ordered_at": "9999-99-99" is not a date'),
        ("o1,anna,yesterday,10", 'column "ordered_at": "xxxxxxxxx" is not a date'),
        (
            "o1,anna,1926-01-02,10",
            'column "ordered_at": "9999-99-99 99:99:99" is not between 1970-01-01 and 2100-01-01',
        ),
        (
            "o1,anna,2026-01-02,2000000000",
            'column "amount": "9999999999.99" is not between -1,000,000,000 and 1,000,000,000',
        ),
    ],
)
def test_a_row_that_does_not_fit_is_set_aside_with_its_reason(home, line, reason):
    home.lines("january.csv", "o0,anna,2026-01-01,10", line)
    assert counts(home.load()["january.csv"]) == (2, 1, 1, 0, 0)
    assert home.reasons() == {2: reason}
    assert home.order_lines().one("order_id") == "o0"


def test_all_reasons_of_a_row_are_listed_and_its_text_is_kept(home):
    home.lines("january.csv", ' ,anna,someday,"12,5O"', "o1,anna,2026-01-02,10")
    outcome = home.load()["january.csv"]
    assert home.reasons() == {
        1: 'column "amount": "99,9X" is not a number (letter O?); '
        'column "order_id" is missing; '
        'column "ordered_at": "xxxxxxx" is not a date'
    }
    raw = json.loads(home.set_aside().one("raw"))
    assert {name: raw[name] for name in ("customer_id", "ordered_at", "amount")} == {
        "customer_id": "anna", "ordered_at": "someday", "amount": "12,5O",
    }  # fmt: skip
    file_id = home.ledger().one("file_id")
    assert outcome.message == (
        f"january.csv: 2 rows read, 1 accepted, 1 quarantined. january.csv, row 1, {home.reasons()[1]}. "
        f"1 of 2 rows quarantined in data/quarantine/january-{file_id[:8]}.parquet; "
        "correct them in the shop and export them again: what the new file holds counts then."
    )


def test_messages_use_the_name_that_the_column_has_in_the_export(home):
    header = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"
    home.drop(
        "retail.csv", f"{header}\n536365,85123A,LANTERN,six,2010-12-01 08:26,2.55,17850,France\n", "uci_online_retail"
    )
    home.load()
    assert 'column "Quantity": "xxx" is not a number' in home.reasons()[1]
    home.drop("retail.csv", f"{header}\n,85123A,LANTERN,6,2010-12-01 08:26,2.55,17850,France\n", "uci_online_retail")
    home.load()
    assert 'column "Invoice" is missing' in set(home.select("SELECT * FROM ingest.quarantine").frame["reasons"])


def test_a_file_over_the_limit_is_not_loaded_and_tried_again_when_the_limit_changes(home):
    # 2 of 10 rows do not fit: 20 %.
    good = [f"o{n},anna,2026-01-02,10" for n in range(8)]
    home.lines("january.csv", *good, "o8,anna,,10", "o9,anna,,10")
    home.settings["quarantine_limit"] = 0.1
    outcome = home.load()["january.csv"]
    assert (outcome.status, outcome.read_now, counts(outcome)) == ("rejected", True, (10, 0, 2, 0, 0))
    assert len(home.order_lines()) == 0
    assert set(home.reasons()) == {9, 10}
    assert outcome.example == (
        'january.csv, row 9, column "ordered_at" is missing. 2 of 10 rows quarantined in '
        f"data/quarantine/january-{home.ledger().one('file_id')[:8]}.parquet: more than 10.0 % "
        "(setting quarantine_limit), so nothing of the file was loaded. "
        "Fix the export, its source, or the limit, and run again."
    )
    before = home.everything()
    again = home.load()["january.csv"]
    assert (again.status, again.read_now) == ("rejected", False)
    assert home.everything() == before
    home.settings["quarantine_limit"] = 0.2  # exactly 20 % is allowed
    outcome = home.load()["january.csv"]
    assert (outcome.status, outcome.read_now, counts(outcome)) == ("loaded", True, (10, 8, 2, 0, 0))


def test_a_rejected_export_takes_no_order_from_an_older_one(home):
    home.settings["quarantine_limit"] = 0.1
    home.lines("january.csv", "o1,anna,2026-01-02,10")
    home.lines("newer.csv", "o1,anna,2026-02-02,11", "o2,anna,,10")
    assert home.load()["newer.csv"].status == "rejected"
    assert home.order_lines().rows("order_id", "amount") == [("o1", 10)]


def test_lines_without_a_customer_are_accepted_and_counted(home):
    home.lines("january.csv", "o1,,2026-01-02,10", "o2,  ,2026-01-02,10", "o3,anna,2026-01-02,10")
    home.load()
    assert home.ledger().one("without_customer") == 2
    assert home.order_lines().rows("order_id", "customer_id") == [("o1", None), ("o2", None), ("o3", "anna")]


def test_ragged_rows_are_set_aside_and_the_others_are_loaded(home):
    home.lines(
        "january.csv", "o1,anna,2026-01-02,10", "o2,bert,2026-01-02", "o3,cleo,2026-01-02,7,9", "o4,dora,2026-01-03,5"
    )
    assert counts(home.load()["january.csv"]) == (4, 2, 2, 0, 0)
    assert home.reasons() == {2: "the row has 3 fields, the header 4", 3: "the row has 5 fields, the header 4"}
    assert home.set_aside().by("row_number", "raw") == {
        2: "o2,bert,2026-01-02",
        3: "o3,cleo,2026-01-02,7,9",
    }
    assert home.order_lines().rows("row_number", "order_id") == [(1, "o1"), (4, "o4")]


def test_a_quoted_field_may_hold_line_breaks_and_delimiters(home):
    home.lines(
        "january.csv", 'o1,anna,2026-01-02,10,"Lamp, ""big""\nand red"', "o2,bert,2026-01-02,5,Cup",
        header=f"{HEADER},product_name",
    )  # fmt: skip
    home.load()
    assert home.order_lines().rows("row_number", "product_name") == [(1, 'Lamp, "big"\nand red'), (2, "Cup")]


# ── what follows from other columns ───────────────────────────────────────────────────────────────────────────────────


def test_a_missing_amount_is_quantity_times_price_less_discount(home):
    home.lines(
        "january.csv",
        "o1,anna,2026-01-02,,3,9.99,5",  # 3 × 9.99 − 5 = 24.97
        "o2,anna,2026-01-02,,2,0.335,",  # 0.67
        "o3,anna,2026-01-02,20,3,9.99,5",  # given: the discount is already inside
        "o4,anna,2026-01-02,,3,,",  # nothing to compute it from
        header=f"{HEADER},quantity,unit_price,discount",
    )
    home.load()
    amounts = home.order_lines().by("order_id", "amount")
    assert amounts == {"o1": Decimal("24.97"), "o2": Decimal("0.67"), "o3": Decimal(20)}
    assert home.reasons() == {4: 'column "amount" is missing'}


def test_an_unreadable_amount_is_not_replaced_by_quantity_times_price(home):
    home.lines("january.csv", "o1,anna,2026-01-02,1O,3,9.99", header=f"{HEADER},quantity,unit_price")
    home.load()
    assert home.reasons() == {1: 'column "amount": "9X" is not a number (letter O?)'}


def test_the_kind_follows_from_the_sign_unless_it_is_given(home):
    home.lines(
        "january.csv",
        "o1,anna,2026-01-02,10,1,10,",
        "o2,anna,2026-01-02,-10,,,",
        "o3,anna,2026-01-02,,-1,10,",
        "o4,anna,2026-01-02,4,1,4,CHARGE",
        "o5,anna,2026-01-02,4,1,4,gift",
        "o6,anna,2026-01-02,0,-1,0,",  # a gift came back
        header=f"{HEADER},quantity,unit_price,kind",
    )
    home.load()
    assert home.order_lines().by("order_id", "kind") == {
        "o1": "sale",
        "o2": "refund",
        "o3": "refund",
        "o4": "charge",
        "o6": "refund",
    }
    assert home.reasons() == {5: 'column "kind": "xxxx" is not one of charge, refund, sale'}


def test_a_computed_amount_below_zero_is_a_refund_like_a_given_one(home):
    home.lines("january.csv", "o1,anna,2026-01-02,,1,-10", header=f"{HEADER},quantity,unit_price")
    home.load()
    assert home.order_lines().rows("amount", "kind") == [(-10, "refund")]


def test_a_refund_without_a_date_falls_on_the_day_of_its_order(home):
    home.lines(
        "january.csv",
        "o1,anna,2026-01-05,10",
        "o1,anna,2026-01-02,10",
        "o1,anna,,-4",
        "o2,bert,,-4",  # its order is not in the export
        "o1,anna,,4",  # no refund
    )
    home.load()
    assert home.order_lines().by("row_number", "ordered_on") == {1: "2026-01-05", 2: "2026-01-02", 3: "2026-01-02"}
    assert home.reasons() == {4: 'column "ordered_at" is missing', 5: 'column "ordered_at" is missing'}


def test_a_refund_with_an_unreadable_date_is_set_aside(home):
    home.lines("january.csv", "o1,anna,2026-01-05,10", "o1,anna,someday,-4")
    home.load()
    assert home.reasons() == {2: 'column "ordered_at": "xxxxxxx" is not a date'}


def test_lines_in_another_currency_are_set_aside(home):
    home.settings["currency"] = "PLN"
    home.lines(
        "january.csv",
        "o1,anna,2026-01-02,10,pln", "o2,anna,2026-01-02,10,", "o3,anna,2026-01-02,10,EUR",
        "o4,anna,2026-01-02,10,euro",
        header=f"{HEADER},currency",
    )  # fmt: skip
    home.load()
    assert home.order_lines().by("order_id", "currency") == {"o1": "PLN", "o2": "PLN"}
    assert home.reasons()[3] == 'column "currency": "EUR" is not the reporting currency PLN'
    assert 'column "currency": "XXXX" does not have the form ^[A-Z]{3}$' in home.reasons()[4]


@pytest.mark.parametrize(
    ("written", "local"),
    [
        ("2026-01-02T23:30:00Z", "2026-01-03T00:30:00"),  # winter: one hour ahead of UTC
        ("2026-07-02T23:30:00Z", "2026-07-03T01:30:00"),  # summer: two
        ("2026-07-02 23:30:00+02:00", "2026-07-02T23:30:00"),
        ("2026-07-02 18:30:00.250-05", "2026-07-03T01:30:00.250000"),
        ("2026-7-2 9:30+01:00", "2026-07-02T10:30:00"),  # as long as a plain time to the second
        ("2026-07-02 23:30:00", "2026-07-02T23:30:00"),  # without an offset: shop time already
        ("2026-07-02", "2026-07-02T00:00:00"),
    ],
)
def test_a_time_with_an_offset_is_converted_to_the_time_of_the_shop(home, written, local):
    home.settings["timezone"] = "Europe/Warsaw"
    home.lines("export.csv", f"o1,anna,{written},10")
    home.load()
    assert home.order_lines().one("ordered_at") == local


# ── formats ───────────────────────────────────────────────────────────────────────────────────────────────────────────

THREE = [
    {"order_id": "1", "customer_id": "7", "ordered_at": "2026-01-02", "amount": "10.5"},
    {"order_id": "2", "customer_id": None, "ordered_at": "2026-01-03 10:00:00", "amount": "-3"},
    {"order_id": "3", "customer_id": "9", "ordered_at": "bad", "amount": "5"},
]
THREE_LINES = [
    (1, "1", "7", "2026-01-02T00:00:00", Decimal("10.50"), "sale"),
    (2, "2", None, "2026-01-03T10:00:00", Decimal("-3.00"), "refund"),
]


def as_csv(delimiter: str = ",") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(THREE[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(THREE)
    return text.getvalue().encode()


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("export.csv", as_csv()),
        ("export.CSV", as_csv()),
        ("export.csv", as_csv(";")),
        ("export.tsv", as_csv("\t")),
        ("export.txt", as_csv("|")),
        ("export.csv", b"\xef\xbb\xbf" + as_csv()),
        ("export.csv", as_csv().replace(b"\r\n", b"\n").rstrip()),
        ("export.csv.gz", gzip.compress(as_csv(), mtime=0)),
        ("export.csv.zst", zstd(as_csv())),
        ("export.jsonl", "\n".join(map(json.dumps, THREE)).encode()),
        ("export.ndjson.gz", gzip.compress("\n".join(map(json.dumps, THREE)).encode(), mtime=0)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_text_formats_are_read_alike(home, name, content):
    home.drop(name, content)
    assert counts(home.load()[name]) == (3, 2, 1, 0, 0)
    assert home.reasons() == {3: 'column "ordered_at": "xxx" is not a date'}
    columns = ("row_number", "order_id", "customer_id", "ordered_at", "amount", "kind")
    assert home.order_lines().rows(*columns) == THREE_LINES


def test_parquet_keeps_its_types(home):
    # The moment with a zone, 23:30 UTC, is 00:30 on the next day in Warsaw; the floating-point amount is 10.10 exactly.
    home.settings["timezone"] = "Europe/Warsaw"
    frame = pl.DataFrame(
        {
            "order_id": [101, 102, None],
            "customer_id": [7, None, 9],
            "ordered_at": [dt.datetime(2026, 1, 2, 23, 30)] * 3,
            "amount": [10.1, -0.3, 5.0],
            "quantity": [1, -1, 1],
        },
        schema_overrides={"ordered_at": pl.Datetime("us", "UTC"), "customer_id": pl.Int64},
    )
    file = home.drop("export.parquet", b"")
    frame.write_parquet(file)
    assert counts(home.load()["export.parquet"]) == (3, 2, 1, 0, 0)
    assert home.order_lines().rows("row_number", "order_id", "customer_id", "ordered_at", "amount", "quantity") == [
        (1, "101", "7", "2026-01-03T00:30:00", Decimal("10.10"), 1),
        (2, "102", None, "2026-01-03T00:30:00", Decimal("-0.30"), -1),
    ]
    assert home.reasons() == {3: 'column "order_id" is missing'}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (pa.date32(), dt.date(2026, 1, 2), "2026-01-02T00:00:00"),
        (pa.timestamp("ns"), dt.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),
        (pa.timestamp("s"), dt.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),
        (pa.string(), "2026-01-02T03:04:05", "2026-01-02T03:04:05"),
        (pa.dictionary(pa.int32(), pa.string()), "2026-01-02", "2026-01-02T00:00:00"),
    ],
    ids=str,
)
def test_parquet_may_write_its_days_in_several_types(home, kind, value, expected):
    columns = {"order_id": pa.array(["o1"]), "customer_id": pa.array(["anna"]), "amount": pa.array([1.0])}
    file = home.drop("export.parquet", b"")
    pq.write_table(pa.table(columns | {"ordered_at": pa.array([value], kind)}), file)
    home.load()
    assert home.order_lines().one("ordered_at") == expected


def test_json_lines_may_leave_keys_out_and_one_that_is_no_object_is_set_aside(home):
    lines = [
        '{"order_id": "o1", "customer_id": "anna", "ordered_at": "2026-01-02", "amount": 10}',
        '{"order_id": "o2", "ordered_at": "2026-01-02", "amount": 5.25, "coupon": "WELCOME"}',
        '{"order_id": "o3", "ordered_at": "2026-01-02", "amount":',
        "[1, 2]",
    ]
    home.drop("export.jsonl", "\n".join(lines))
    assert counts(home.load()["export.jsonl"]) == (4, 2, 2, 0, 0)
    assert home.order_lines().rows("order_id", "customer_id", "amount", "coupon") == [
        ("o1", "anna", 10, None),
        ("o2", None, Decimal("5.25"), "WELCOME"),
    ]
    assert set(home.reasons()) == {3, 4}
    assert home.set_aside().by("row_number", "raw")[3] == lines[2]


def test_lines_of_text_are_numbered_and_kept_as_they_are(home):
    # CDNOW: a header line, then customer, day, discs, dollars; one day does not exist.
    home.drop(
        "cdnow.txt",
        "Customer Date Discs Dollars\r\n  00004 19970101  2   29.33\r\n  00004 19970231  1   12.00\r\n",
        "cdnow",
    )
    home.load()
    assert home.order_lines().rows("row_number", "order_id", "ordered_on", "quantity", "amount") == [
        (1, "00004-19970101", "1997-01-01", 2, Decimal("29.33"))
    ]
    assert home.set_aside().rows("row_number", "raw") == [(2, "  00004 19970231  1   12.00")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("export.csv", b"", "export.csv is empty (0 bytes)"),
        ("export.pdf", b"x", "files ending in .pdf are not read"),
        ("export", b"x", "files ending in nothing are not read"),
        ("export.parquet", b"not parquet at all", "export.parquet cannot be read as parquet"),
        ("export.csv.gz", b"not gzip at all", "export.csv.gz cannot be read as csv"),
        ("export.csv", b"\norder_id\n", "Line 2 was taken for the header"),
        ("export.csv", b"order_id,Order_ID,x\n", 'export.csv names columns twice: columns 1 and 2 ("xxxxx_xx")'),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_that_names_it_and_changes_nothing(home, name, content, message):
    home.lines("good.csv", "o1,anna,2026-01-02,10")
    home.drop(name, content)
    outcomes = list(load_exports(home.engine, home.now(), home.find()))
    errors = [str(outcome) for outcome in outcomes if isinstance(outcome, ExportError)]
    assert len(errors) == 1 and message in errors[0]
    assert home.ledger().one("path").endswith("good.csv")  # the others are loaded all the same
    assert home.order_lines().one("order_id") == "o1"


# ── columns and files found ───────────────────────────────────────────────────────────────────────────────────────────


def test_case_blanks_and_aliases_of_column_names_are_forgiven(home):
    home.drop(
        "retail.csv",
        " INVOICE ,stockcode,Quantity,InvoiceDate,Price,customer id\n489434,85048,12,2009-12-01 07:45,6.95,13085.0\n",
        "uci_online_retail",
    )
    home.load()
    # 12 × 6.95 = 83.40; the customer number was written as a float.
    assert home.order_lines().rows("order_id", "customer_id", "amount") == [("489434", "13085", Decimal("83.40"))]


def as_named(tmp_path: Path, ending: str, rows: list[dict[str, object]]) -> bytes:
    """The rows as a file of a format, under the names of their columns as they stand there."""
    file = tmp_path / f"given{ending}"
    frame = pl.DataFrame(rows)
    if ending == ".parquet":
        frame.write_parquet(file)
    elif ending == ".xlsx":
        frame.write_excel(file)
    elif ending == ".jsonl":
        frame.write_ndjson(file)
    else:
        frame.write_csv(file)
    return file.read_bytes()


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet", ".jsonl"])
@pytest.mark.parametrize("spell", [str.capitalize, str.upper, str.title])
def test_capital_letters_in_the_names_of_columns_do_not_matter_in_any_format(home, tmp_path, ending, spell):
    order = {"order_id": "o1", "customer_id": "anna", "ordered_at": "2026-01-05", "amount": 10.5, "status": "Paid"}
    person = {"customer_id": "anna", "registered_at": "2026-01-01", "updated_at": "2026-01-02"}
    for name, row in (("orders", order), ("people", person)):
        home.drop(f"{name}{ending}", as_named(tmp_path, ending, [{spell(key): value for key, value in row.items()}]))
    home.load()
    assert home.order_lines().rows("order_id", "customer_id", "amount", "status") == [
        ("o1", "anna", Decimal("10.50"), "Paid")
    ]
    assert home.staged("customers").rows("customer_id") == [("anna",)]


def test_keys_of_json_lines_that_case_alone_tells_apart_are_one_column(home):
    lines = [
        '{"order_id": "o1", "customer_id": "anna", "ordered_at": "2026-01-05", "amount": 10.5}',
        '{"order_id": "o2", "customer_id": "anna", "ordered_at": "2026-01-06", "Amount": 20.5}',
        '{"order_id": "o3", "customer_id": "anna", "ordered_at": "2026-01-07", "amount": 1, "Amount": 2}',
        '{"order_id": "o4", "customer_id": "anna", "ordered_at": "2026-01-08", "amount": 1, "amount": 2}',
        '{"order_id": "o5", "customer_id": "anna", "ordered_at": "2026-01-09", "amount ": 30.5}',
    ]
    home.drop("in.jsonl", "\n".join(lines))
    home.load()
    assert home.order_lines().by("order_id", "amount") == {
        "o1": Decimal("10.50"), "o2": Decimal("20.50"), "o5": Decimal("30.50"),
    }  # fmt: skip
    assert home.reasons() == {3: "the line names a key twice", 4: "the line names a key twice"}


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet"])
def test_a_table_with_columns_that_case_alone_tells_apart_is_refused(home, tmp_path, ending):
    row = {"order_id": "o1", "customer_id": "anna", "ordered_at": "2026-01-05", "amount": "1", "Amount ": "2"}
    if ending == ".xlsx":  # the writer of tables refuses such names itself
        book = xlsxwriter.Workbook(str(tmp_path / "given.xlsx"))
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list(row))
        sheet.write_row(1, 0, list(row.values()))
        book.close()
        content = (tmp_path / "given.xlsx").read_bytes()
    else:
        content = as_named(tmp_path, ending, [row])
    home.drop(f"in{ending}", content)
    with pytest.raises(ExportError, match="names columns twice: columns 4 and 5"):
        home.load()


def test_columns_of_a_source_may_come_in_any_order_and_unknown_ones_are_passed_over(home):
    home.lines("january.csv", "10,x,2026-01-02,anna,o1", header="amount,our_own_note,ordered_at,customer_id,order_id")
    home.load()
    assert home.order_lines().rows("order_id", "customer_id", "amount") == [("o1", "anna", 10)]


def test_a_file_that_lacks_something_for_each_input_is_judged_as_the_one_most_of_its_columns_are_of(home):
    home.lines("people.csv", "anna,a@x.example,DE", header="customer_id,email,country")
    with pytest.raises(ExportError, match=r'source perennial\.customers: it lacks "registered_at"\. It has '):
        home.load()


def test_a_missing_column_is_named_with_the_closest_one(home):
    home.lines("january.csv", "o1,anna,2026-01-02,10", header="order_number,customer_id,orderd_at,total")
    with pytest.raises(ExportError) as caught:
        home.load()
    message = str(caught.value)
    assert message.startswith("january.csv is no export of source perennial: it lacks ")
    assert '"ordered_at" (the closest is "orderd_at")' in message
    assert '"amount or quantity and unit_price"' in message
    assert 'It has "customer_id" and 3 that this source does not know (`perennial inspect` lists them).' in message
    assert len(home.ledger()) == 0


def test_each_file_of_the_drop_folder_belongs_to_the_source_of_its_folder(home):
    home.drop("a.txt", "x", "cdnow")
    home.drop("2026/b.csv", "x", "perennial")
    found = [(export.source.name, export.path.name) for export in home.find()]
    assert found == [("cdnow", "a.txt"), ("perennial", "b.csv")]


def test_hidden_files_are_passed_over(home):
    for name in (".DS_Store", "_part.csv", ".tmp/x.csv", "_staging/x.csv", "~$orders.xlsx", "Thumbs.db", "desktop.ini"):
        home.drop(name, "x")
    home.lines("january.csv", "o1,anna,2026-01-02,10")
    assert [export.name for export in home.find()] == ["january.csv"]


def test_a_file_directly_in_the_drop_folder_is_told_where_to_go(home):
    home.drop("../january.csv", "x")
    with pytest.raises(
        ExportError, match=r"january\.csv lies directly in data/exports; put it in data/exports/<source>/"
    ):
        home.find()


def test_a_file_that_ends_within_a_row_is_told(home):
    home.drop("a.csv", "order_id,customer_id,ordered_at,amount\n1,anna,2026-01-02,10\n2,bert,2026-0")
    home.load()
    assert home.reasons() == {2: "the row has 3 fields, the header 4; the file ends within it: export it again"}


def test_rows_without_the_customer_of_their_order_are_told(home):
    header = "order_id,customer_id,ordered_at,amount"
    home.drop("a.csv", f"{header}\n1,anna,2026-01-02,10\n1,,2026-01-05,-4\n2,,2026-01-03,20\n3,bert,2026-01-04,5\n")
    home.load()
    assert home.remarks()["rows_without_customer"].startswith("1 row names no customer, though other rows of the same")


def test_a_status_that_ends_an_order_whose_money_stays_is_told(home):
    header = "order_id,customer_id,ordered_at,amount,status"
    rows = ["1,anna,2026-01-02,10,Refunded", "2,anna,2026-01-03,20,failed", "3,bert,2026-01-04,5,cancelled",
            "4,bert,2026-01-05,7,paid", "5,cleo,2026-01-06,9,refunded", "5,cleo,2026-01-07,-9,refunded"]  # fmt: skip
    home.drop("a.csv", "\n".join([header, *rows]) + "\n")
    home.load()
    assert home.remarks()["status_without_refund"].startswith('2 orders with status "failed", "refunded" count in full')


def test_a_folder_that_is_no_source_is_named_with_the_closest_source(home):
    home.drop("january.csv", "x", "perenial")
    with pytest.raises(ExportError, match=r"There is no source 'perenial'. Did you mean perennial\?"):
        home.find()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("statuses", {"woocommerce": {"packing": "stands"}}), ("duplicate_lines", {"perenial": "drop"}),
        ("exported_at", {"shopify": "%Y-%m-%d"}), ("id_guard", {"perenial": False}),
        ("link_guests", {"shopify": False}), ("dialects", {"perennial.order": {"dates": "day_first"}}),
    ],
)  # fmt: skip
def test_a_setting_for_a_source_that_there_is_not_stops_a_run(tmp_path, setting, value):
    settings = Settings(home=tmp_path, **{setting: value})
    (name,) = value
    with pytest.raises(
        ExportError, match=rf"There is no source '{name}' which {setting} in perennial.toml names. Did "
    ):
        find_exports(settings, {})


def test_settings_for_sources_inputs_and_rates_are_known(tmp_path):
    dialects = {name: {"decimal": ","} for name in ("perennial", "perennial.order_lines", "rates")}
    assert find_exports(Settings(home=tmp_path, dialects=dialects), {}) == []


def test_a_home_without_a_drop_folder_has_nothing_to_load(home):
    assert home.find() == []
    assert home.load() == {}


def test_given_files_are_found_by_path_and_by_glob_each_once(home, tmp_path):
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / name).write_text("x")
    found = find_exports(home.now(), {"perennial": [f"{tmp_path}/*.csv", f"{tmp_path}/a.csv"]})
    assert [export.path for export in found] == [tmp_path / "a.csv", tmp_path / "b.csv"]
    with pytest.raises(ExportError, match=r"No file matches .*\*\.json.* \(source perennial\)"):
        find_exports(home.now(), {"perennial": [f"{tmp_path}/*.json"]})


def test_a_name_with_brackets_is_no_pattern(home, tmp_path):
    (tmp_path / "orders [1].csv").write_text("x")
    assert [export.name for export in home.find(perennial=f"{tmp_path}/orders [1].csv")] == ["orders [1].csv"]


# ── sources that do wrong ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("select", "message"),
    [
        (f"{TINY} WHERE day > '2026-01-02'", "must return each row once; 2 became 1"),
        (TINY.replace('"order" AS order_id', '"order" AS order_id, 1 AS bonus'), "bonus is no column of order_lines"),
    ],
)
def test_a_source_that_loses_rows_or_makes_up_columns_is_refused(home, select, message):
    home.own_source(select, raw="{order: {}, day: {}, money: {}}")
    home.drop("january.csv", "order,day,money\no1,2026-01-02,10\no2,2026-01-03,10\n", source="own")
    with pytest.raises(ExportError, match="own/order_lines.sql.*" + message):
        home.load()
    assert len(home.ledger()) == len(home.order_lines()) == 0


# ── products that are no goods ────────────────────────────────────────────────────────────────────────────────────────

RETAIL = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


def retail(home, *codes: str, invoice: str = "536365", quantity: int = 1) -> None:
    """One invoice with a line of every code."""
    rows = (f"{invoice},{code},X,{quantity},2010-12-01 08:26,2.00,17850,France" for code in codes)
    home.drop("retail.csv", "\n".join((RETAIL, *rows)) + "\n", "uci_online_retail")


def kinds(home) -> dict[str, str]:
    home.load()
    return home.order_lines().by("product_id", "kind")


GOODS = ("22423", "85123A", "15056bl", "DCGS0003", "DCGS0066N", "DCGSSGIRL", "DCGSLBOY", "SP1002", "47503J")
NO_GOODS = (
    "POST", "DOT", "M", "m", "C2", "C3", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK", "ADJUST", "ADJUST2",
    "TEST001", "TEST002", "GIFT_0001_20", "gift_0001_90", "PADS", "23444", "23574", "SAMPLES 7",
)  # fmt: skip


def test_online_retail_tells_goods_from_charges_by_their_codes_listed_or_not(home):
    codes = [*GOODS, *dict.fromkeys(code.upper() for code in NO_GOODS)]
    retail(home, *codes)
    found = kinds(home)
    assert {code for code, kind in found.items() if kind == "sale"} == {code.upper() for code in GOODS}
    assert {code for code, kind in found.items() if kind == "charge"} == {code.upper() for code in NO_GOODS}


def test_what_comes_back_of_a_charge_is_a_refund(home):
    retail(home, "POST", invoice="C536366", quantity=-1)
    assert kinds(home) == {"POST": "refund"}


def test_a_setting_says_which_products_are_charges_and_the_files_are_read_again(home):
    retail(home, "PADS", "22423", "POST", "85123A")
    assert kinds(home) == {"PADS": "charge", "22423": "sale", "POST": "charge", "85123A": "sale"}
    home.settings["charge_products"] = {"uci_online_retail": {"add": ["8512??", "x"], "exempt": ["pads*"]}}
    assert kinds(home) == {"PADS": "sale", "22423": "sale", "POST": "charge", "85123A": "charge"}


def test_charges_of_the_setting_are_of_their_source_only_and_its_signs_are_meant(home):
    home.settings["charge_products"] = {"perennial": {"add": ["GIFT_1%", "WRAP"]}, "uci_online_retail": {"add": ["*"]}}
    rows = (
        "1,anna,2026-01-02,10,GIFT_1%",
        "2,anna,2026-01-02,10,GIFT-1X",
        "3,anna,2026-01-02,10,wrap",
        "4,anna,2026-01-02,10,",
    )
    home.lines("orders.csv", *rows, header=f"{HEADER},product_id")
    home.load()
    assert home.order_lines().by("order_id", "kind") == {"1": "charge", "2": "sale", "3": "charge", "4": "sale"}


TWO_LINES = """
WITH lines AS (
  SELECT row_number, number, customer, day, product, money, 'sale' AS kind FROM export
  UNION ALL
  SELECT row_number, number, customer, day, NULL, postage, 'charge' FROM export WHERE postage <> ''
)
SELECT row_number, number AS order_id, customer AS customer_id, day AS ordered_at, product AS product_id,
  TRY_CAST(money AS DECIMAL(18,2)) AS amount, kind
FROM lines
"""


def test_a_product_that_is_a_charge_and_its_orders_postage_are_one_charge(home):
    # A row of 30 with 5 for postage, one of 20 without.
    home.own_source(TWO_LINES, raw="{number: {}, customer: {}, day: {}, product: {}, money: {}, postage: {}}")
    rows = ("1,anna,2026-01-02,CARD,30,5", "1,anna,2026-01-02,MUG,20,")
    home.drop("own.csv", "\n".join(("number,customer,day,product,money,postage", *rows)) + "\n", "own")
    home.load()
    assert home.order_lines().rows("kind", "amount") == [("charge", 5), ("sale", 20), ("sale", 30)]
    home.settings["charge_products"] = {"own": {"add": ["CARD"]}}
    home.load()
    assert home.order_lines().rows("kind", "amount", "product_id") == [("charge", 35, "CARD"), ("sale", 20, "MUG")]


# ── signs, placeholders and ids that only look alike ──────────────────────────────────────────────────────────────────

LINES = "order_id,customer_id,ordered_at,quantity,unit_price,discount,amount,kind"


def test_discounts_that_are_all_negative_are_taken_off(home):
    home.lines("in.csv", "1,a,2026-01-02,1,20,-5,,", "2,b,2026-01-02,-1,20,5,,", "3,c,2026-01-02,1,20,,,", header=LINES)
    home.load()
    assert home.order_lines().by("order_id", "amount") == {"1": 15, "2": -15, "3": 20}
    assert "1 row" in home.remarks()["negative_discounts"]


def test_refunds_that_are_all_positive_are_turned_and_mixed_ones_quarantined(home):
    rows = [
        "1,a,2026-01-02,1,20,,,",
        "2,b,2026-01-02,-1,-20,,,",
        "3,c,2026-01-02,-1,,,20,",
        "4,d,2026-01-02,,,,20,refund",
    ]
    home.lines("in.csv", *rows, header=LINES)
    home.load()
    assert home.order_lines().by("order_id", "amount") == {"1": 20, "2": -20, "3": -20, "4": -20}
    assert "3 rows" in home.remarks()["positive_refunds"]
    home.emptied()
    home.lines("in.csv", *rows, "5,e,2026-01-02,-1,20,,,", header=LINES)
    home.load()
    assert home.order_lines().by("order_id", "amount") == {"1": 20, "5": -20}
    assert all("a refund with a positive amount" in reason for reason in home.reasons().values())


def test_placeholders_in_ids_are_no_ids(home):
    nothing = ["NULL", "N/A", "n/a", "None", "nan", "NaN", "null", "-", "--", "#N/A", "########", "#REF!", "NA"]
    home.lines("in.csv", *(f'{n},"{word}",2026-01-02,1' for n, word in enumerate(nothing)), "NULL,k,2026-01-02,1")
    home.load()
    assert set(home.order_lines().by("order_id", "customer_id").values()) == {None}
    assert list(home.reasons()) == [14]
    assert '13 in column "customer_id"' in home.remarks()["placeholders"]


def test_a_customer_called_0_with_many_orders_is_told(home):
    home.lines("in.csv", *(f"{n},{0 if n < 6 else n},2026-01-02,1" for n in range(40)))
    home.load()
    assert '"0" (6 orders)' in home.remarks()["stand_ins"]


def test_customers_whose_ids_look_alike_are_one(home):
    ids = [
        "K1",
        "K1\u200b",
        "\ufeffK1",
        "Jos\u00e9",
        "Jose\u0301",
        "K1\t",
        '"\nK1"',
        "K\0001",
        "\x7fK1",
        "K1\x85",
        "K1\u2028",
    ]
    home.lines("in.csv", *(f"{n},{id},2026-01-02,1" for n, id in enumerate([*ids, "a\tb", "a b", "\t"])))
    home.load()
    found = home.order_lines().by("order_id", "customer_id")
    assert [found[str(n)] for n in range(len(ids), len(ids) + 3)] == ["a b", "a b", None]
    assert {found[str(n)] for n in range(len(ids))} == {"K1", "Jos\u00e9"}


def test_json_lines_may_be_blank_and_an_object_is_no_id(home):
    ids = ['"K1"', '{"id": "K1"}', '["K1"]']
    lines = [
        f'{{"order_id": "{n}", "customer_id": {id}, "ordered_at": "2026-01-02", "amount": 1}}'
        for n, id in enumerate(ids)
    ]
    home.drop("in.jsonl", "\n\n".join(lines) + "\n  \n")
    assert counts(home.load()["in.jsonl"])[:3] == (3, 1, 2)
    assert "blank rows left out" in home.remarks()["blank_rows"]
    assert all("no id" in reason for reason in home.reasons().values())
