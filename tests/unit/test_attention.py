"""What a person should look at: what is listed, in which order, and in which words; and what makes the report amber."""

import datetime as dt
from pathlib import Path

import duckdb
import pytest
from shop import Shop
from test_reporting import written

from pipeline.reporting.attention import (
    Ask,
    WorthALook,
    late_orders,
    long_quiet,
    of_files,
    quarantined_rows,
    torn_orders,
    worth_a_look,
)
from pipeline.steps.order_days import OrderDays
from pipeline.tables.formulas import changed_by_a_spreadsheet

JUNE = dt.date(2026, 6, 30)


def asker(shop: Shop) -> Ask:
    return lambda sql: shop.engine.read(sql, {"snapshot_date": JUNE})


def looks(shop: Shop) -> list[WorthALook]:
    return worth_a_look(asker(shop.snapshot(str(JUNE))), JUNE)


def file(shop: Shop, name: str, last: str, quarantined: int = 0, status: str = "loaded") -> None:
    shop.engine.execute(
        "INSERT INTO ingest.files (file_id, path, source, input, status, rows_read, accepted, quarantined, superseded, "
        "duplicates, last_ordered_at) VALUES ($id, $path, 'perennial', 'order_lines', $status, 9, 9, $quarantined, 0, "
        "0, $last)",
        {"id": name, "path": f"data/exports/perennial/{name}", "status": status, "quarantined": quarantined,
         "last": last},
    )  # fmt: skip


def remark(shop: Shop, name: str, subject: str, message: str) -> None:
    sql = "INSERT INTO ingest.remarks (file_id, subject, message) VALUES ($id, $subject, $message)"
    shop.engine.execute(sql, {"id": name, "subject": subject, "message": message})


def quarantine(shop: Shop, name: str, *reasons: str) -> None:
    for number, reason in enumerate(reasons, 1):
        shop.engine.execute(
            "INSERT INTO ingest.quarantine (file_id, row_number, reasons) VALUES ($id, $number, $reason)",
            {"id": name, "number": number, "reason": reason},
        )


def state(shop: Shop, folder: Path) -> str:
    page = written(shop.engine.read, folder, only="trust")["2026-06-30/trust.html"]
    return "good" if '<p class="state good">Data complete</p>' in page else "look"


# ── days without orders ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("days", "quiet"),
    [
        (("2026-06-26",), 4),  # quiet for 27 to 30 June, one more than the 3 that any shop may be
        (("2026-06-27",), None),
        (("2026-05-31", "2026-06-10", "2026-06-20"), 10),  # the longest spell before was of 9 days
        (("2026-05-31", "2026-06-11", "2026-06-20"), None),  # of 10 days
        (("2025-07-01", "2026-04-16", "2026-04-17"), None),  # so long a spell is the shop's own
        (("2024-03-17", "2026-04-16", "2026-04-17"), 74),  # what was longer ago than 365 days says nothing of it
        (("2024-03-17", "2024-03-18", "2024-03-19"), 833),
        (("2026-07-03",), None),  # nothing has been ordered yet
    ],
)
def test_orders_that_end_long_before_the_report_are_told(shop: Shop, days: tuple[str, ...], quiet: int | None) -> None:
    shop.orders("anna", *days)
    last = max((day for day in days if day <= str(JUNE)), default="")
    sentence = f"No order since {last} ({quiet} days): an export is missing, or the shop has paused."
    assert long_quiet(asker(shop.booked()), JUNE) == ([sentence] if quiet else [])


@pytest.mark.parametrize(("quiet", "is_late"), [(3, False), (4, True), (366, True), (367, False), (9_000, False)])
def test_an_export_is_late_where_a_shop_is_run_and_not_where_a_history_is_looked_at(quiet: int, is_late: bool) -> None:
    last = JUNE - dt.timedelta(days=quiet)
    told = late_orders(OrderDays(JUNE, last, last, longest_quiet=0))
    assert told == (
        [f"No order since {last} ({quiet:,} days): an export is missing, or the shop has paused."] * is_late
    )


def test_a_report_of_a_shop_without_orders_lately_is_not_green(shop: Shop, tmp_path: Path) -> None:
    file(shop, "orders.csv", "2026-04-17")
    shop.orders("anna", "2026-04-16", "2026-04-17").snapshot(str(JUNE))
    assert state(shop, tmp_path) == "look"


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_shop_comes_first_then_the_newest_files_and_equal_remarks_are_one(shop: Shop) -> None:
    shop.line("o1", on="2026-06-29", customer="anna").line("o1", on="2026-06-29", customer="bert")
    for day in range(1, 16):
        file(shop, f"orders-{day:02}.csv", f"2026-06-{day:02}")
        remark(shop, f"orders-{day:02}.csv", "time_zone", "no time zone is set.")
    remark(shop, "orders-09.csv", "unknown_status", "3 unknown statuses.")
    assert [look.about for look in looks(shop)] == ["orders", "15 files, such as orders-15.csv", "orders-09.csv"]


def test_where_an_order_of_several_customers_stands(shop: Shop) -> None:
    shop.line("o1", on="2026-06-29", customer="anna").line("o1", on="2026-06-29", customer="bert")
    file(shop, "by-hand", "2026-06-29")
    (sentence,) = torn_orders(asker(shop.booked()))
    assert sentence.startswith("1 order names several customers, and it counts for one of them. Look in by-hand: ")
    assert "o1" not in sentence and "anna" not in sentence


def test_how_a_file_was_read_is_no_warning(shop: Shop, tmp_path: Path) -> None:
    file(shop, "orders.csv", "2026-06-29")
    remark(shop, "orders.csv", "preamble", "line 3 was taken for the header; lines left out above it: 2.")
    shop.orders("anna", "2026-06-29").snapshot(str(JUNE))
    assert [look.is_warning for look in of_files(asker(shop))] == [False]
    assert state(shop, tmp_path) == "good"


def test_quarantined_rows_are_told_with_their_reason_and_where_they_are(shop: Shop, tmp_path: Path) -> None:
    file(shop, "orders.csv", "2026-06-29", quarantined=3)
    quarantine(
        shop, "orders.csv", '"day" is missing', '"amount": "99,9X" is not a number',
        '"amount": "X" is not a number; "day" is missing', '"amount": "9X" is not a number',
    )  # fmt: skip
    shop.orders("anna", "2026-06-29").snapshot(str(JUNE))
    assert [look.sentence for look in quarantined_rows(asker(shop))] == [
        '3 rows quarantined, mostly because: "amount" is not a number. Look into data/quarantine/orders-orders.c'
        ".parquet, correct the cells in the shop or the export, and export again."
    ]
    assert state(shop, tmp_path) == "look"


def test_files_with_the_same_reason_are_one(shop: Shop) -> None:
    for day in (1, 2):
        file(shop, f"0{day}.csv", f"2026-06-0{day}", quarantined=1)
        quarantine(shop, f"0{day}.csv", '"day" is missing')
    (look,) = quarantined_rows(asker(shop))
    assert look.about == "2 files, such as 02.csv"
    assert look.sentence.startswith(
        '2 rows quarantined, mostly because: "day" is missing. Look into data/quarantine/02'
    )


def test_a_rejected_file_says_why(shop: Shop) -> None:
    file(shop, "orders.csv", "2026-06-29", quarantined=1, status="rejected")
    quarantine(shop, "orders.csv", '"day" is missing')
    (look,) = quarantined_rows(asker(shop))
    assert look.sentence.startswith('rejected and not used: 1 row quarantined, mostly because: "day" is missing.')


# ── ids and spreadsheets ──────────────────────────────────────────────────────────────────────────────────────────────


def test_ids_that_a_spreadsheet_runs_are_a_warning_and_those_it_changes_are_not(shop: Shop) -> None:
    shop.orders("=1+1", "2026-06-29").orders("007", "2026-06-29").orders("1e5", "2026-06-29").orders("a", "2026-06-29")
    formulas, changed = looks(shop)
    assert (formulas.about, formulas.is_warning) == (changed.about, not changed.is_warning) == ("audiences", True)
    assert formulas.sentence.startswith("1 customer id begins like a formula")
    assert changed.sentence.startswith("2 customer ids would be changed by a spreadsheet")
    assert "=1+1" not in formulas.sentence and "007" not in changed.sentence


@pytest.mark.parametrize(
    ("name", "is_changed"),
    [
        ("007", True), ("0", False), ("1234567890123456", True), ("123456789012345", False), ("1e5", True),
        ("12E3", True), ("3-4", True), ("1.2", True), ("2026-06-29", True), ("true", True), ("c-12", False),
        ("007a", False), ("42", False), ("e5", False),
    ],
)  # fmt: skip
def test_what_a_spreadsheet_changes(name: str, is_changed: bool) -> None:
    sql = f"SELECT {changed_by_a_spreadsheet('id')} FROM (SELECT $name AS id)"
    assert duckdb.execute(sql, {"name": name}).fetchall() == [(is_changed,)]
