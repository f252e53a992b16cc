"""Plain files go from reading to writing in two looks, and leave the same to the bit as by the careful way."""

import csv
import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import all_tables, open_engine

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.ingest.load import plain
from pipeline.settings import Settings
from pipeline.tables.inputs import input_tables

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
INGEST = (
    *(name for name, table in all_tables().items() if table.schema == "ingest"),
    *(table.full_name for table in input_tables()),
)
HEADER = "order_id,customer_id,ordered_at,product_id,quantity,unit_price,amount,discount,currency,kind,city"
ROWS = [
    f"o{n},c{n % 4},2026-01-{n + 1:02} 10:00:00,p{n % 3}-1,{n % 3 + 1},10.00,{10 * (n % 3 + 1)}.00,0.00,EUR,sale,Łódź"
    for n in range(12)
]
PLAIN = "\n".join((HEADER, *ROWS)) + "\n"
DUBIOUS = (
    "", " ", "NULL", "n/a", "-", "'1", '="1"', "1.0", " o1", "o1 ", "TOTAL", "Total-7", "o1\u200b", "{a:1}", "1.23E+12",
    "00123", "0", "guest", "anna@shop.example", "+48 600 100 200", "1,5", "1.234", "1e5", "$5", "(5.00)", "-3", "1.005",
    "10.0000", "9" * 20, "nan", "2026-01-02", "2026-01-02 10:00", "2026-01-02T10:00:00Z", "2026-01-02 10:0Z",
    "05/06/2026", "2026/01/02", "20260102", "45678", "2199-01-01 00:00:00", "USD", "eur", "refund", "Charge", "gift",
    "amount", "order_id",
    "o1\t", "\x1f7",
)  # fmt: skip
"""What a cell may hold that one of the steps of the careful way is about, or nearly."""


class Both:
    """A home into which files are loaded twice: as they are, and by the careful way."""

    def __init__(self, path: Path, engine: DuckDBEngine) -> None:
        self.path, self.engine = path, engine
        self.stood: list[bool] = []
        """Of each file of the last loading that was not made to take the careful way, whether it stood as it was."""

    def load(self, files: dict[str, str | bytes], careful: bool, **given: Any) -> dict[str, Any]:
        """What the files leave behind, in an empty warehouse: all tables of ingest, and what is said of each."""
        for table in INGEST:
            self.engine.execute(f"DELETE FROM {table}")
        told, now, stands = [], dt.datetime(2026, 12, 1), plain.stands

        def looked_at(load: Any, file: Any) -> bool:
            self.stood.append(stands(load, file))
            return self.stood[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plain, "stands", (lambda load, file: False) if careful else looked_at)
            for name, content in files.items():
                file = self.path / "data" / "exports" / "perennial" / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content if isinstance(content, bytes) else content.encode())
                now += dt.timedelta(minutes=1)
                shop = Settings(home=self.path, **{"quarantine_limit": 1.0, **given})
                told += map(str, load_exports(self.engine, shop, find_exports(shop, {"perennial": [str(file)]}), now))
        return {"told": told} | {name: self.engine.execute(f"SELECT * FROM {name}") for name in INGEST}

    def assert_same(self, files: dict[str, str | bytes], **given: Any) -> dict[str, Any]:
        self.stood.clear()
        by_two_looks, carefully = self.load(files, careful=False, **given), self.load(files, careful=True, **given)
        for name, rows in carefully.items():
            assert by_two_looks[name] == rows, name
        return by_two_looks


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    home = tmp_path_factory.mktemp("home")
    with open_engine(Settings(home=home)) as engine:
        yield Both(home, engine)


def with_cell(row: int, column: str, cell: str) -> str:
    """The plain file with another text in one cell."""
    return with_cells((row, column, cell))


def with_cells(*changes: tuple[int, str, str]) -> str:
    """The plain file with other texts in some cells: row, column, text."""
    lines = [HEADER.split(","), *(line.split(",") for line in ROWS)]
    for row, column, cell in changes:
        lines[row + 1][lines[0].index(column)] = cell
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(" 10:00:00", ""),
        PLAIN.replace(" 10:00:00", "T10:00"),
        PLAIN.replace("order_id", "Order_ID "),
        PLAIN + ROWS[3] + "\n",  # a copy, which is told and counts
        with_cell(4, "customer_id", ""),
        with_cell(4, "kind", "Charge"),
        with_cell(4, "amount", ""),  # made of quantity and price
        with_cell(4, "quantity", "-1").replace("20.00,0.00", "-20.00,0.00"),
        with_cell(4, "city", "  Gdańsk "),
    ],
)  # fmt: skip
def test_a_plain_file_stands_as_it_is(both, content):
    left = both.assert_same({"orders.csv": content})
    assert both.stood == [True]
    assert len(left["staging.order_lines"]) == content.count("\n") - 1


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("amount", "ten", 'column "amount": "xxx" is not a number'),
        ("ordered_at", "soon", 'column "ordered_at": "xxxx" is not a date'),
        ("currency", "USD", 'column "currency": "USD" is not the reporting currency EUR'),
        ("kind", "gift", 'column "kind": "xxxx" is not one of charge, refund, sale'),
        ("order_id", "", 'column "order_id" is missing'),
    ],
)
def test_one_bad_row_sends_the_file_the_careful_way_and_is_quarantined(both, column, cell, reason):
    left = both.assert_same({"orders.csv": with_cell(5, column, cell)})
    assert both.stood == [False]
    assert [(row, reasons) for _, row, reasons in left["ingest.quarantine"]] == [(6, reason)]
    assert len(left["staging.order_lines"]) == len(ROWS) - 1


@pytest.mark.parametrize(
    "given",
    [
        {"dialects": {"perennial": {"decimal": "."}}},
        {"dialects": {"perennial": {"timezone": "America/New_York"}}},
    ],
)
def test_what_is_set_of_how_files_are_written_is_left_to_the_careful_way(both, given):
    both.assert_same({"orders.csv": PLAIN}, **given)
    assert both.stood == [False]


def test_a_newer_plain_file_takes_over_what_an_older_one_holds(both):
    left = both.assert_same({"old.csv": PLAIN, "new.csv": with_cell(2, "amount", "31.00")})
    assert both.stood == [True, True]
    assert len(left["staging.order_lines"]) == len(ROWS)


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.integers(0, len(ROWS) - 1), st.sampled_from(HEADER.split(",")), st.sampled_from(DUBIOUS)),
        min_size=1, max_size=2,
    )
)  # fmt: skip
def test_whatever_a_cell_holds_both_ways_leave_the_same(both, changes):
    both.assert_same({"orders.csv": with_cells(*changes)})


@settings(max_examples=10)
@given(st.sampled_from(HEADER.split(",")), st.sampled_from(DUBIOUS))
def test_whatever_all_cells_of_a_column_hold_both_ways_leave_the_same(both, column, cell):
    both.assert_same({"orders.csv": with_cells(*((row, column, cell) for row in range(len(ROWS))))})


def files_of_cases() -> dict[str, dict[str, bytes]]:
    """The files of each case that real shops gave, as far as they are at hand."""
    names = sorted(case.name for case in CASES.iterdir() if case.is_dir()) if CASES.is_dir() else []
    return {
        name: {file.name: file.read_bytes() for file in sorted((CASES / name).glob("*.csv"))}
        for name in names
        if not name.startswith(("shopify", "woo", "magento"))
    }


def test_the_cases_leave_the_same_both_ways(both):
    for files in files_of_cases().values():
        both.assert_same(files)
