"""Bad input: whatever a file holds, its rows are accounted for, or it is refused in words that say what to do."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import random
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import all_tables, open_engine

from pipeline.engines.duckdb import DuckDBEngine, confine, open_file
from pipeline.errors import ExportError
from pipeline.home.locks import HomeNotWritable
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.settings import Settings
from pipeline.tables.inputs import INPUTS, ORDERS, input_tables
from pipeline.tables.rules import row_rules

HEADER = "order_id,customer_id,ordered_at,amount,product_name,quantity"
INGEST = (
    *(name for name, table in all_tables().items() if table.schema == "ingest"),
    *(table.full_name for table in input_tables()),
)


class Home:
    """A home with a warehouse, into which single files are loaded."""

    def __init__(self, path: Path, engine: DuckDBEngine, **settings: Any) -> None:
        self.path, self.engine = path, engine
        self.settings = Settings(home=path, **{"quarantine_limit": 1.0, **settings})

    def load(self, content: bytes | str, name: str = "orders.csv", source: str = "perennial") -> str:
        """Load a file; returns its message. Whatever happened to it, the books balance afterwards."""
        file = self.path / "data" / "exports" / source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        (outcome,) = load_exports(self.engine, self.settings, find_exports(self.settings, {source: [str(file)]}))
        self.assert_sound()
        if isinstance(outcome, ExportError):
            raise outcome
        return outcome.message

    def assert_sound(self) -> None:
        """rows read = accepted + quarantined + superseded + duplicates, and no line that the contract refuses."""
        for table in INGEST[:2]:
            failed = [check for check in self.engine.check(all_tables()[table]) if not check.passed]
            assert not failed, failed
        rules = row_rules(INPUTS[ORDERS].schema)
        counts = ", ".join(f"count(*) FILTER (WHERE {rule.fails})" for rule in rules)
        broken = self.engine.execute(f"SELECT {counts} FROM staging.order_lines")[0]
        assert not any(broken), [rule for rule, count in zip(rules, broken, strict=True) if count]

    def refused(self, content: bytes | str, name: str = "orders.csv") -> str:
        with pytest.raises(ExportError) as refused:
            self.load(content, name)
        assert not self.engine.execute("SELECT * FROM ingest.files")
        assert not self.engine.execute("SELECT * FROM staging.order_lines")
        return str(refused.value)

    def column(self, name: str) -> list[Any]:
        return [row[0] for row in self.engine.execute(f"SELECT {name} FROM staging.order_lines ORDER BY row_number")]

    def reasons(self) -> dict[int, str]:
        return dict(self.engine.execute("SELECT row_number, reasons FROM ingest.quarantine"))

    def emptied(self) -> Home:
        for table in INGEST:
            self.engine.execute(f"DELETE FROM {table}")
        return self


@pytest.fixture
def home(tmp_path):
    with open_engine(Settings(home=tmp_path)) as engine:
        yield Home(tmp_path, engine)


@pytest.fixture(scope="module")
def one_home(tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzzed")
    with open_engine(Settings(home=path)) as engine:
        yield Home(path, engine)


def rows(*cells: str, header: str = HEADER) -> str:
    return "\n".join((header, *cells)) + "\n"


# ── files that are none ───────────────────────────────────────────────────────────────────────────────────────────────


def parquet(name: str = "order_id") -> bytes:
    sink = io.BytesIO()
    moment = dt.datetime(2026, 1, 2)
    pl.DataFrame({name: ["o1"], "customer_id": ["a"], "ordered_at": [moment], "amount": [1.0]}).write_parquet(sink)
    return sink.getvalue()


def workbook() -> bytes:
    sink = io.BytesIO()
    book = xlsxwriter.Workbook(sink)
    book.add_worksheet().write_row(0, 0, HEADER.split(","))
    book.close()
    return sink.getvalue()


GOOD = rows(*(f"o{n},anna,2026-01-02,10,tea,1" for n in range(2_000)))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("orders.csv", b"", "orders.csv is empty (0 bytes)"),
        ("orders.xlsx", b"", "orders.xlsx is empty (0 bytes)"),
        ("orders.csv", b"\n\n", "orders.csv has no header line"),
        ("orders.csv", bytes(random.Random(7).randbytes(5_000)), "orders.csv is no text: it holds binary data"),
        ("orders.csv", b"\x89PNG\r\n\x1a\n" + bytes(1_000), "orders.csv"),
        ("orders.csv", workbook(), "orders.csv is no text but an archive or a workbook; save it as .xlsx"),
        ("orders.csv", parquet(), "orders.csv is no text but Parquet; name it .parquet"),
        ("orders.csv", gzip.compress(GOOD.encode(), mtime=0), "orders.csv is no text but gzip; name it .csv.gz"),
        ("orders.csv.gz", gzip.compress(GOOD.encode(), mtime=0)[:2_000], "orders.csv.gz cannot be read as csv"),
        ("orders.csv.gz", gzip.compress(GOOD.encode(), mtime=0)[:-4], "orders.csv.gz cannot be read as csv"),
        ("orders.csv.zst", b"\x28\xb5\x2f\xfd" + bytes(40), "orders.csv.zst cannot be read as csv"),
        ("orders.parquet", parquet()[:-9], "orders.parquet cannot be read as parquet"),
        ("orders.parquet", parquet()[:100], "orders.parquet cannot be read as parquet"),
        ("orders.xlsx", workbook()[:-40], "orders.xlsx cannot be read as xlsx"),
        ("orders.xlsx", b"PK\x03\x04" + bytes(100), "orders.xlsx cannot be read as xlsx"),
        (
            "orders.csv",
            "order_id,Order_Id,amount\n1,2,3\n",
            'orders.csv names columns twice: columns 1 and 2 ("xxxxx_xx")',
        ),
        ("orders.csv", rows("a,b", header="order,client,when,total"), 'lacks "order_id" (the closest is "order")'),
        ("orders.parquet", parquet("oder_id"), 'lacks "order_id" (the closest is "oder_id")'),
    ],
)
def test_a_file_that_is_no_export_is_refused_whole_and_says_why(home, name, content, message):
    assert message in home.refused(content, name)


def test_a_header_without_rows_is_an_export_of_a_day_without_orders(home):
    assert home.load(HEADER) == "orders.csv: 0 rows read, 0 accepted."
    assert home.load(HEADER + "\n", "more.csv") == "more.csv: 0 rows read, 0 accepted."


# ── rows that are none ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("o1,anna,2026-01-02,NaN,x,1", '"amount": "XxX" is not a number'),
        ("o1,anna,2026-01-02,inf,x,1", '"amount": "xxx" is not a number'),
        ("o1,anna,2026-01-02,-Infinity,x,1", '"amount": "-Xxxxxxxx" is not a number'),
        ("o1,anna,2026-01-02,1e400,x,1", '"amount": "9x999" is not a number'),
        ("o1,anna,2026-01-02,10,x,1000000000000", '"quantity": "9999999999999.999" is not between'),
        ("o1,anna,0001-01-01,10,x,1", '"ordered_at": "9999-99-99 99:99:99" is not between 1970-01-01 and 2100-01-01'),
        ("o1,anna,9999-12-31,10,x,1", '"ordered_at": "9999-99-99 99:99:99" is not between 1970-01-01 and 2100-01-01'),
        ("o1,anna,2026-02-29,10,x,1", '"ordered_at": "9999-99-99" is not a date'),
        ("o1,anna,2026-01-02T25:00:00,10,x,1", '"ordered_at": "9999-99-99X99:99:99" is not a date'),
        ("o1,anna,=NOW(),10,x,1", '"ordered_at": "=XXX()" is not a date'),
        ("o1,anna,2026-01-02,=1+1,x,1", '"amount": "=9+9" is not a number'),
        (f"o1,{'n' * 201},2026-01-02,10,x,1", "must have 1 to 200 characters"),
        ("o1,anna,2026-01-02", "the row has 3 fields, the header 6"),
        ("o1,anna,2026-01-02,10,x,1,2", "the row has 7 fields, the header 6"),
    ],
)
def test_a_row_that_cannot_be_is_set_aside_alone(home, row, reason):
    home.load(rows("o0,anna,2026-01-01,1,x,1", row, "o9,anna,2026-01-09,9,x,1"))
    assert home.column("order_id") == ["o0", "o9"]
    assert reason in home.reasons()[2]


def test_floating_point_numbers_that_are_none_are_set_aside_in_typed_files_too(home):
    sink = io.BytesIO()
    values = [1.0, float("nan"), float("inf"), 1e300]
    pl.DataFrame(
        {
            "order_id": ["o0", "o1", "o2", "o3"], "customer_id": ["a"] * 4, "amount": values,
            "ordered_at": [dt.datetime(2026, 1, 2)] * 4,
        }
    ).write_parquet(sink)  # fmt: skip
    home.load(sink.getvalue(), "orders.parquet")
    assert home.column("order_id") == ["o0"]
    assert set(home.reasons()) == {2, 3, 4}


def test_a_cell_of_ten_megabytes_is_read_and_shown_shortened(home):
    long = "x" * 10_000_000
    home.load(rows(f"o1,anna,2026-01-02,10,{long},1", f"o2,{long},2026-01-02,10,tea,1"))
    assert home.column("length(product_name)") == [10_000_000]
    assert len(home.reasons()[2]) < 200 and "must have 1 to 200 characters" in home.reasons()[2]


def test_a_cell_longer_than_the_fast_reader_takes_is_read_by_the_other(home):
    home.load(rows(f"o1,anna,2026-01-02,10,{'x' * (2**24 + 1)},1", "o2,anna,2026-01-02,10,tea,1"))
    assert home.column("length(product_name)") == [2**24 + 1, 3]


@pytest.mark.parametrize("ends", [("\n", "\r\n"), ("\r\n", "\n"), ("\r", "\n"), ("\r", "\r")])
def test_line_ends_may_be_mixed(home, ends):
    lines = [HEADER, *(f"o{n},anna,2026-01-02,10,tea,1" for n in range(6))]
    home.load("".join(line + ends[n % 2] for n, line in enumerate(lines)))
    assert home.column("order_id") == [f"o{n}" for n in range(6)]


NASTY = [
    "'; DROP TABLE staging.order_lines; --", "<script>alert(1)</script>", "=HYPERLINK(\"http://x\")", "@SUM(A1)",
    "مرحبا بالعالم", "שלום", "👩‍👩‍👧‍👦 tea", "\u202eevil\u202c", "\\", "${x}", "{{ x }}", "%s", "\u0000nul",
    "a\ttab", '"', "NULL",
]  # fmt: skip


def test_texts_are_data_whatever_they_look_like(home):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER.split(","))
    writer.writerows((f"{name}{n}", name, "2026-01-02", "10", name, "1") for n, name in enumerate(NASTY))
    home.load(text.getvalue())
    assert home.column("product_name") == NASTY
    # Signs that nobody sees are no part of an id, a tab is a blank, and NULL is nobody.
    seen = {NASTY[7]: "evil", "\x00nul": "nul", "a\ttab": "a tab", "NULL": None}
    assert home.column("customer_id") == [seen.get(name, name) for name in NASTY]
    unseen = str.maketrans({"\u202e": "", "\u202c": "", "\x00": "", "\t": " "})
    assert home.column("order_id") == [f"{name}{n}".translate(unseen) for n, name in enumerate(NASTY)]


def test_customers_are_told_apart_by_case_and_inner_blanks_not_by_blanks_around(home):
    # 50 spellings: 25 words in two cases. Blanks around an id are no part of it; those inside are.
    names = [spelling for n in range(25) for spelling in (f"kim {n}", f"Kim {n}")]
    padded = [f"  {name} " if n % 3 else f"{name}\t" for n, name in enumerate(names)]
    home.load(
        rows(*(f"o{n},{name},2026-01-02,10,x,1" for n, name in enumerate(padded)), "o99,kim  1,2026-01-02,10,x,1")
    )
    known = home.column("customer_id")
    assert known[:-1] == names
    assert len(set(known)) == 51 and known[-1] == "kim  1"


# ── times ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_time_that_the_clock_skipped_keeps_its_day_and_one_with_an_offset_is_exact(tmp_path):
    # In Warsaw 02:30 did not exist on 29 March 2026. A local time without an offset is taken as written; 01:30 UTC is
    # half past three there. On 25 October 02:30 came twice; 00:30 UTC is the first, 01:30 UTC the second of them.
    with open_engine(Settings(home=tmp_path, timezone="Europe/Warsaw")) as engine:
        home = Home(tmp_path, engine, timezone="Europe/Warsaw")
        moments = ["2026-03-29 02:30", "2026-03-29T01:30:00Z", "2026-10-25 02:30", "2026-10-25T00:30:00Z",
                   "2026-10-25T01:30:00Z"]  # fmt: skip
        home.load(rows(*(f"o{n},anna,{moment},10,x,1" for n, moment in enumerate(moments))))
        assert [str(moment) for moment in home.column("ordered_at")] == [
            "2026-03-29 02:30:00", "2026-03-29 03:30:00", "2026-10-25 02:30:00", "2026-10-25 02:30:00",
            "2026-10-25 02:30:00",
        ]  # fmt: skip


def test_an_order_of_the_future_is_loaded_and_counts_for_no_day_before_its_own(shop):
    # Whether a date lies in the future depends on when one looks, so it is not for the loading to decide: the same
    # files must give the same tables on every day. The snapshots keep it out until its day has come.
    shop.orders("anna", "2026-01-05", amount=10).orders("anna", "2099-06-01", amount=500)
    summary = shop.table("marts.customer_summary", "2026-02-01")
    assert summary.by_customer("revenue") == {"anna": 10}


# ── places ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def open_home(path: Path, named: Iterable[Path] = (), **settings: Any) -> Iterator[Home]:
    """A home with its warehouse on disk, confined to it and the files named."""
    found = Settings(home=path, **settings)
    connection = open_file(found.warehouse_file, found)
    try:
        confine(connection, found, named)
        engine = DuckDBEngine(connection)
        engine.prepare(found, [all_tables()[name] for name in INGEST])
        yield Home(path, engine, **settings)
    finally:
        connection.close()


@pytest.mark.parametrize("name", ["mój sklep", "it's a shop; really", "店 😀", "100%_[x]{a}"])
def test_paths_may_hold_blanks_quotes_and_any_script(tmp_path, name):
    path = tmp_path / name / "dom"
    with open_home(path) as home:
        for file in ("zamówienia – marzec.csv", "o'brien.csv.gz"):
            content = rows(f"{file},anna,2026-01-02,10,łódź,1").encode("cp1250" if file.endswith(".csv") else "utf-8")
            home.load(gzip.compress(content) if file.endswith(".gz") else content, file)
        assert home.column("product_name") == ["łódź", "łódź"]


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own that is soon full; skips where no disk may be mounted."""
    path.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run([mount, "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(path)], check=False)
    if not made or made.returncode:
        pytest.skip("mounting a small disk needs rights that this user does not have")
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def test_a_disk_that_fills_leaves_the_warehouse_as_it_was(tmp_path):
    noise = random.Random(1)
    many = rows(
        *(f"o{n},{noise.randbytes(12).hex()},2026-01-02,{n},{noise.randbytes(40).hex()},1" for n in range(60_000))
    )
    export = tmp_path / "big.csv"
    export.write_text(many)
    with small_disk(tmp_path / "disk", 16) as disk:
        with open_home(disk, [export]) as home:
            home.load(rows("o1,anna,2026-01-02,10,tea,1"))
            filler = disk / "filler"
            filler.write_bytes(bytes(shutil.disk_usage(disk).free - 2**21))
            with pytest.raises(HomeNotWritable, match=r"big\.csv was not loaded: the disk of .* is full"):
                list(
                    load_exports(home.engine, home.settings, find_exports(home.settings, {"perennial": [str(export)]}))
                )
        filler.unlink()
        with open_home(disk) as home:
            assert home.column("order_id") == ["o1"]
            home.assert_sound()
            home.load(rows("o2,anna,2026-01-03,10,tea,1"), "next.csv")
            assert sorted(home.column("order_id")) == ["o1", "o2"]


def test_a_home_that_cannot_be_written_says_so(tmp_path):
    with small_disk(tmp_path / "disk", 8) as disk:
        with open_home(disk) as home:
            home.load(rows("o1,anna,2026-01-02,10,tea,1"))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        command = [sys.executable, "-m", "pipeline.cli", "run", "--home", str(disk)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "cannot be written" in done.stderr and "Traceback" not in done.stderr


# ── anything at all ───────────────────────────────────────────────────────────────────────────────────────────────────

VALID = rows(
    *(f"o{n // 2},kim{n % 7},2026-01-{n % 28 + 1:02d} 10:00,{n * 3 - 9}.50,{NASTY[n % 2 + 4]},{n % 4}"
      for n in range(24)),
    'o90,zoë,2026-02-01,"1000.00","two\nlines, one ""quoted""",1',
    header=HEADER,
)  # fmt: skip
SHOPIFY = (
    "Name,Email,Financial Status,Currency,Subtotal,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
    "Refunded Amount,Cancelled at\n"
    + "".join(
        f"#{n},k{n}@x.org,paid,EUR,{n}0.00,{n}5.00,2026-01-{n:02d} 10:00:00 +0100,1,Tea,{n}0.00,{n % 3}.00,\n"
        f"#{n},,,,,,,2,Cup,1.50,,\n"
        for n in range(1, 10)
    )
)
Mutation = tuple[str, int, int]
MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "drop", "double", "swap", "quote", "nul", "truncate", "insert"]),
        st.integers(0, 1 << 20),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=6,
)


def mutated(content: bytes, mutations: list[Mutation]) -> bytes:
    for how, where, value in mutations:
        at = where % max(1, len(content))
        lines = content.splitlines(keepends=True) or [b""]
        line = where % len(lines)
        if how == "flip":
            content = content[:at] + bytes([value]) + content[at + 1 :]
        elif how == "cut":
            content = content[:at] + content[at + value % 40 :]
        elif how == "drop":
            content = b"".join(lines[:line] + lines[line + 1 :])
        elif how == "double":
            content = b"".join([*lines[: line + 1], lines[line], *lines[line + 1 :]])
        elif how == "swap":
            cells = lines[line].split(b",")
            one, other = value % len(cells), where % len(cells)
            cells[one], cells[other] = cells[other], cells[one]
            content = b"".join([*lines[:line], b",".join(cells), *lines[line + 1 :]])
        elif how == "truncate":
            content = content[: max(1, at)]
        else:
            content = content[:at] + {"quote": b'"', "nul": b"\0", "insert": b"\xe9;1,"}[how] + content[at:]
    return content


@pytest.mark.parametrize(
    ("source", "valid", "name"),
    [
        ("perennial", VALID, "orders.csv"),
        ("shopify_orders", SHOPIFY, "orders.csv"),
        ("perennial", VALID, "orders.csv.gz"),
    ],
)
@settings(max_examples=25)
@given(mutations=MUTATIONS)
def test_any_mutation_of_a_valid_export_reconciles_or_is_refused(
    one_home, source, valid, name, mutations: list[Mutation]
):
    content = valid.encode()
    content = mutated(gzip.compress(content), mutations) if name.endswith(".gz") else mutated(content, mutations)
    try:
        one_home.emptied().load(content or b"x", name, source)  # asserts that the books balance, and the contract
    except ExportError as error:
        assert name in str(error)


@settings(max_examples=25)
@given(st.text(max_size=400), st.sampled_from(["orders.csv", "orders.jsonl"]))
def test_any_text_below_a_header_reconciles_or_is_refused(one_home, text, name):
    header = HEADER + "\n" if name.endswith("csv") else ""
    try:
        one_home.emptied().load((header + text).encode("utf-8", "surrogatepass") or b"x", name)
    except ExportError as error:
        assert name in str(error)


def test_the_valid_exports_of_the_property_tests_are_valid(one_home):
    one_home.emptied().load(VALID)
    assert (len(one_home.column("order_id")), one_home.reasons()) == (25, {})
    one_home.emptied().load(SHOPIFY, "orders.csv", "shopify_orders")
    # Each order n: Total n·10 + 5 less n mod 3 paid back; 450 + 45 − (1 + 2 + 0) · 3 = 486.
    assert sum(one_home.column("amount")) == Decimal(486)
    assert one_home.reasons() == {}
