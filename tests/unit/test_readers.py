"""How files are written: encodings, delimiters, numbers, dates, zones, workbooks, exchange rates.

Everything goes through find_exports and load_exports, as in a run: what counts is what stands in staging afterwards.
"""

from __future__ import annotations

import datetime as dt
import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from shop import Rows, open_engine

from pipeline.dialect import Dialect
from pipeline.errors import ExportError
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.ingest.recognise import SAMPLE_ROWS
from pipeline.settings import Settings, SettingsError, load

HEADER = "order_id,customer_id,ordered_at,amount,product_name"


class Home:
    """A home whose files are loaded one call at a time."""

    def __init__(self, path: Path, engine: Any) -> None:
        self.path, self.engine = path, engine
        self.settings: dict[str, Any] = {"quarantine_limit": 1.0, "timezone": "Europe/Warsaw"}

    def drop(self, content: str | bytes, name: str = "orders.csv", source: str = "perennial") -> None:
        file = self.path / "data" / "exports" / source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def load(self) -> list[str]:
        """Messages of the files, in order. An ExportError is raised."""
        settings = Settings(home=self.path, **self.settings)
        messages = []
        for outcome in load_exports(self.engine, settings, find_exports(settings, {})):
            if isinstance(outcome, ExportError):
                raise outcome
            messages.append(outcome.message)
        return messages

    def lines(self, *columns: str) -> list[tuple[Any, ...]]:
        return Rows(self.engine.read("SELECT * FROM staging.order_lines")).rows(*columns)

    def column(self, name: str) -> list[Any]:
        return [row[0] for row in self.engine.execute(f"SELECT {name} FROM staging.order_lines ORDER BY row_number")]

    def reasons(self) -> dict[int, str]:
        return dict(self.engine.execute("SELECT row_number, reasons FROM ingest.quarantine"))


@pytest.fixture
def home(tmp_path):
    with open_engine(Settings(home=tmp_path, timezone="Europe/Warsaw")) as engine:
        yield Home(tmp_path, engine)


def rows(*cells: str, header: str = HEADER, delimiter: str = ",") -> str:
    return "\n".join((header.replace(",", delimiter), *cells)) + "\n"


# ── encodings ─────────────────────────────────────────────────────────────────────────────────────────────────────────

POLISH, GERMAN, FRENCH = "Żółta łódź", "Größe für Mütter", "Théière à fleurs"


@pytest.mark.parametrize(
    ("encoding", "name", "said"),
    [
        ("utf-8", POLISH, ""),
        ("utf-8-sig", POLISH, "UTF-8 with a byte order mark"),
        ("utf-16", POLISH, "utf-16"),
        ("utf-16-le", POLISH, "utf-16-le"),
        ("utf-16-be", POLISH, "utf-16-be"),
        ("cp1250", POLISH, "Windows-1250"),
        ("cp1252", GERMAN, "Windows-1252"),
        ("cp1252", FRENCH, "Windows-1252"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_text_is_read_in_its_encoding_and_said_to_be(home, encoding, name, said, pack):
    content = rows(f"o1,anna,2026-01-02,10,{name}", f"o2,bert,2026-01-03,11,{name}")
    home.drop(pack(content.encode(encoding)), "orders.csv.gz" if pack is gzip.compress else "orders.csv")
    (message,) = home.load()
    assert home.column("product_name") == [name, name]
    assert home.column("order_id") == ["o1", "o2"]
    assert (f" ({said})" if said else ".csv: ") in message or (said == "" and ".csv.gz: " in message)
    assert not list((home.path / "data" / "warehouse").rglob("*.csv")), "the rewritten text is not left behind"


def test_an_encoding_that_shows_only_far_into_the_file_is_recognised_all_the_same(home):
    plain = [f"o{n},anna,2026-01-02,10,{'x' * 40}" for n in range(8_000)]  # more than the sample of the beginning
    home.drop(rows(*plain, f"last,bert,2026-01-03,11,{POLISH}").encode("cp1250"))
    (message,) = home.load()
    assert "Windows-1250" in message
    assert home.column("product_name")[-1] == POLISH and len(home.column("order_id")) == 8_001


def test_one_broken_byte_in_utf_8_costs_its_row_only(home):
    content = rows(f"o1,anna,2026-01-02,10,{POLISH}", f"o2,bert,2026-01-03,11,{POLISH}", "o3,cleo,2026-01-04,12,x")
    home.drop(content.encode().replace(b"o3,cleo", b"o3,cl\xe9o"))
    home.load()
    assert home.column("product_name") == [POLISH, POLISH]
    assert home.reasons() == {3: "the row holds bytes that are no UTF-8 text"}


def test_json_lines_with_broken_bytes_name_the_line(home):
    good = '{"order_id": "o1", "customer_id": "żółw", "ordered_at": "2026-01-02", "amount": 1}\n'.encode()
    home.drop(good * 2 + good.replace(b"o1", b"\xff1"), "orders.jsonl")
    with pytest.raises(
        ExportError, match=r"orders.jsonl cannot be read as jsonl: line 3 holds bytes that are no UTF-8"
    ):
        home.load()


def test_a_set_encoding_is_not_questioned(home):
    home.drop(rows("o1,anna,2026-01-02,10,Größe").encode("cp1250"))
    home.settings["dialects"] = {"perennial": {"encoding": "iso-8859-2"}}
    (message,) = home.load()
    assert home.column("product_name") == ["Größe"] and "iso8859-2" in message
    home.settings["dialects"] = {"perennial": {"encoding": "utf-8"}}
    home.load()
    assert home.reasons() == {1: "the row holds bytes that are no UTF-8 text"}
    home.settings["dialects"] = {"perennial": {"encoding": "utf-16"}}
    with pytest.raises(ExportError, match=r"orders.csv is not utf-16 text.*\[dialects.<source>\] in perennial.toml"):
        home.load()


# ── delimiters and quotes ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_recognised_also_where_others_stand_in_quoted_names(home, delimiter):
    header = ["order_id", "customer_id", "ordered_at", "amount", '"product_name"', '"a;b|c,d"']
    cells = ["o1", "anna", "2026-01-02", "10", '"Tea; green, 100|g\tx"', "1"]
    home.drop("\n".join(delimiter.join(line) for line in (header, cells)))
    home.load()
    assert home.column("product_name") == ["Tea; green, 100|g\tx"]


def test_single_quotes_around_fields_are_recognised(home):
    home.drop(
        "'order_id','customer_id','ordered_at','amount','product_name'\n'o1','anna','2026-01-02','10','a, \"b\"'\n"
    )
    (message,) = home.load()
    assert home.column("product_name") == ['a, "b"'] and "single quotes" in message


def test_a_name_of_a_column_may_hold_what_no_library_likes(home):
    home.drop(rows("o1,anna,2026-01-02,10,x,7,8", "o2,anna,2026-01-02,10,x", header=HEADER + ',n\0ul,"a\nb"'))
    home.load()
    assert home.reasons() == {2: "the row has 5 fields, the header 7"} and home.column("order_id") == ["o1"]


def test_a_column_without_a_name_does_not_disturb(home):
    home.drop(rows("o1,anna,2026-01-02,10,x,", header=HEADER + ","))
    home.load()
    assert home.column("amount") == [Decimal("10.00")]


def test_a_stray_quote_costs_its_own_row_and_not_the_rest_of_the_file(home):
    lines = [f"o{n},anna,2026-01-02,10,x" for n in range(1, 501)]
    lines[9] = 'o10,anna,2026-01-02,10,"x'
    home.drop(rows(*lines, 'o501,anna,2026-01-02,10,"two\nlines"'))
    home.load()
    assert home.reasons() == {10: "a quote in the row is not closed"}
    assert len(home.column("order_id")) == 500
    assert home.column("product_name")[-1] == "two\nlines"


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (("12,50", "7", "-3,5"), ("12.50", "7", "-3.50")),
        (("1.234,56", "99,90"), ("1234.56", "99.90")),
        (("1,234.56", "99.90"), ("1234.56", "99.90")),
        (("1 234,56", "99,90"), ("1234.56", "99.90")),
        (("1\u00a0234,56", "99,90"), ("1234.56", "99.90")),
        (("1'234.50", "99.90"), ("1234.50", "99.90")),
        (("€ 12,50", "1.200,00 €"), ("12.50", "1200.00")),
        (("12,50 €", "1 200,00 EUR"), ("12.50", "1200.00")),
        (("1.234", "2.5"), ("1.23", "2.50")),  # the point is a decimal point unless something tells otherwise
        (("1e-5", "3"), ("0.00", "3")),
    ],
)
def test_numbers_are_read_as_they_are_written(home, written, read):
    home.drop(rows(*(f"o{n};anna;2026-01-02;{text};x" for n, text in enumerate(written)), delimiter=";"))
    home.load()
    assert home.column("amount") == [Decimal(text) for text in read]
    assert home.reasons() == {}


def test_a_number_of_another_format_is_set_aside_and_not_bent(home):
    # With a decimal comma and points between thousands, 12.50 is no number; read as 1250 it would be wrong in silence.
    home.drop(
        rows("o1;anna;2026-01-02;1.234,56;x", "o2;anna;2026-01-02;12.50;x", "o3;anna;2026-01-02;8,00;x", delimiter=";")
    )
    home.load()
    assert home.column("amount") == [Decimal("1234.56"), Decimal("8.00")]
    assert home.reasons() == {2: 'column "amount": "99.99" is not a number'}


def test_numbers_that_can_be_read_in_two_ways_need_a_word(home):
    home.drop(rows("o1;anna;2026-01-02;1,234;x", "o2;anna;2026-01-02;5,678;x", delimiter=";"))
    with pytest.raises(ExportError) as refused:
        home.load()
    assert 'orders.csv, column "amount": "9,999" can be read in two ways' in str(refused.value)
    assert 'decimal = "," or decimal = "." below [dialects.perennial] in perennial.toml' in str(refused.value)
    home.settings["dialects"] = {"perennial": {"decimal": "."}}
    home.load()
    assert home.column("amount") == [1234, 5678]
    home.settings["dialects"] = {"perennial": {"decimal": ","}}  # another dialect reads the file again
    home.load()
    assert home.column("amount") == [Decimal("1.23"), Decimal("5.68")]


# ── dates ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (("31/12/2025 14:05", "01/02/2026"), ("2025-12-31T14:05:00", "2026-02-01T00:00:00")),
        (("31.12.2025", "1.2.2026 9:05:07"), ("2025-12-31T00:00:00", "2026-02-01T09:05:07")),
        (("31-12-25", "01-02-26"), ("2025-12-31T00:00:00", "2026-02-01T00:00:00")),
        (("12/31/2025 2:05 PM", "02/01/2026 12:00 AM"), ("2025-12-31T14:05:00", "2026-02-01T00:00:00")),
        (("Dec 31, 2025 02:05:00 PM", "5 January 2026"), ("2025-12-31T14:05:00", "2026-01-05T00:00:00")),
        (("2025-12-31 14:05", "31/12/2025 14:06"), ("2025-12-31T14:05:00", "2025-12-31T14:06:00")),
        (("31/12/2025 14:05 +0000", "31/12/2025 14:05Z"), ("2025-12-31T15:05:00", "2025-12-31T15:05:00")),
        (("2025-12-31 14:05:00 +0000", "2025-12-31 14:05:00 UTC"), ("2025-12-31T15:05:00", "2025-12-31T15:05:00")),
        (("03/03/2026", "04/04/2026"), ("2026-03-03T00:00:00", "2026-04-04T00:00:00")),  # either way the same day
    ],
)
def test_dates_are_read_as_they_are_written(home, written, read):
    home.drop(rows(*(f'o{n},anna,"{text}",10,x' for n, text in enumerate(written))))
    home.load()
    assert [moment.isoformat() for moment in home.column("ordered_at")] == list(read)
    assert home.reasons() == {}


def test_dates_with_day_and_month_in_doubt_need_a_word(home):
    home.drop(rows("o1,anna,03/04/2026,10,x", "o2,anna,05/06/2026,10,x"))
    with pytest.raises(ExportError) as refused:
        home.load()
    assert 'orders.csv, column "ordered_at": in "99/99/9999" the day or the month may come first' in str(refused.value)
    assert 'dates = "day_first" or dates = "month_first" below [dialects.perennial]' in str(refused.value)
    for order, month in (("day_first", 4), ("month_first", 3), ("%d/%m/%Y", 4)):
        home.settings["dialects"] = {"perennial": {"dates": order}}
        home.load()
        assert home.column("ordered_at")[0].month == month


def test_the_one_date_that_decides_may_stand_anywhere_in_the_file(home):
    # The evenly spread sample misses it: only when the sample does not decide, the whole column is read.
    many = [f"o{n},anna,0{n % 9 + 1}/0{(n + 4) % 9 + 1}/2026,10,x" for n in range(3 * SAMPLE_ROWS)]
    many[4] = "o4,anna,31/01/2026,10,x"
    home.drop(rows(*many))
    (message,) = home.load()
    assert "day before month" in message and "quarantined" not in message


def test_a_source_may_fix_its_dialect_and_the_settings_have_the_last_word(home):
    source = home.path / "sources" / "till" / "order_lines.sql"
    source.parent.mkdir(parents=True)
    source.write_text(
        "/*\ndescription: Receipts of the till.\ndialect: {dates: month_first, decimal: ',', timezone: UTC}\n"
        "raw: {nr: {required: true}, day: {}, money: {}}\n*/\n"
        "SELECT row_number, nr AS order_id, 'anna' AS customer_id, day AS ordered_at, money AS amount FROM export\n"
    )
    home.settings["sources_folder"] = home.path / "sources"
    home.drop("nr;day;money\n1;03/04/2026 23:30;1,234\n", source="till")
    home.load()
    # 4 March 23:30 UTC is half past midnight on the 5th in Warsaw.
    assert home.lines("ordered_at", "amount") == [("2026-03-05T00:30:00", Decimal("1.23"))]
    home.settings["dialects"] = {"till": {"dates": "day_first"}}
    home.load()
    assert home.lines("ordered_at", "amount") == [("2026-04-04T01:30:00", Decimal("1.23"))]


def test_columns_that_a_select_works_with_are_declared_and_normalised_too(home):
    source = home.path / "sources" / "own" / "order_lines.sql"
    source.parent.mkdir(parents=True)
    source.write_text(
        "/*\ndescription: Amounts in cents.\n"
        "raw: {nr: {}, day: {type: timestamp}, cents: {type: number}, mail: {type: email}}\n*/\n"
        "SELECT row_number, nr AS order_id, mail AS customer_id, TRY_CAST(day AS TIMESTAMP) AS ordered_at, "
        "TRY_CAST(cents AS DOUBLE) / 100 AS amount FROM export\n"
    )
    home.settings["sources_folder"] = home.path / "sources"
    home.drop("nr;day;cents;mail\n1;31.12.2025;1.234,5;A@b.org \n2;31.12.2025;x;a@B.org\n", source="own")
    home.load()
    assert home.lines("ordered_at", "amount") == [("2025-12-31T00:00:00", Decimal("12.35"))]
    assert home.reasons() == {2: 'column "cents": "x" is not a number'}
    assert home.column("length(customer_id)") == [64]


# ── settings ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            'dates = "dayfirst"',
            "is none of iso, year_first, month_names, .*excel_1904, and no format",
        ),
        ('encoding = "windows-9"', "is no encoding"),
        ('timezone = "Warsaw"', "is not a time zone"),
        ('decimal = ";"', "dialects.shop.decimal"),
        ("day_first = true", "dialects.shop.day_first"),
    ],
)
def test_a_dialect_that_does_not_exist_is_refused_with_its_place(tmp_path, line, said):
    (tmp_path / "perennial.toml").write_text(f"[dialects.shop]\n{line}\n")
    with pytest.raises(SettingsError, match=said):
        load(tmp_path)


def test_a_dialect_is_read_from_the_settings_file_and_is_part_of_the_fingerprint(tmp_path):
    plain = load(tmp_path).fingerprint()
    (tmp_path / "perennial.toml").write_text('[dialects.shop]\ndates = "day_first"\ndelimiter = ";"\n')
    settings = load(tmp_path)
    assert settings.dialects["shop"] == Dialect(dates="day_first", delimiter=";")
    assert settings.fingerprint() != plain


# ── workbooks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def workbook(path: Path, **sheets: list[list[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "dd.mm.yyyy hh:mm"})
    for name, table in sheets.items():
        sheet = book.add_worksheet(name)
        for number, row in enumerate(table):
            sheet.write_row(number, 0, row)
    book.close()


NAMES = ["order_id", "customer_id", "ordered_at", "amount"]


def test_a_workbook_keeps_the_types_of_its_cells_and_skips_blank_rows(home):
    path = home.path / "data" / "exports" / "perennial" / "orders.xlsx"
    workbook(
        path,
        Orders=[
            NAMES,
            [1001, "anna", dt.datetime(2026, 1, 2, 14, 5), 12.1],
            [],
            [1002, "bert", dt.datetime(2026, 1, 3), 7],
            [1003, "cleo", None, 5],
        ],
        Other=[["x"], [1]],
    )
    home.load()
    assert home.lines("row_number", "order_id", "ordered_at", "amount") == [
        (1, "1001", "2026-01-02T14:05:00", Decimal("12.10")),
        (3, "1002", "2026-01-03T00:00:00", Decimal("7.00")),
    ]
    assert home.reasons() == {4: 'column "ordered_at" is missing'}


def test_another_sheet_is_read_when_it_is_named(home):
    path = home.path / "data" / "exports" / "perennial" / "orders.xlsx"
    workbook(path, Notes=[["x"], [1]], Lines=[NAMES, ["o1", "anna", "31.12.2025", "12,50"]])
    home.settings["dialects"] = {"perennial": {"sheet": "Lines"}}
    (message,) = home.load()
    assert home.lines("order_id", "ordered_at", "amount") == [("o1", "2025-12-31T00:00:00", Decimal("12.50"))]
    assert 'sheet "Lines"' in message and "decimal comma" in message
    home.settings["dialects"] = {"perennial": {"sheet": "Missing"}}
    with pytest.raises(ExportError, match=r'orders.xlsx.*Missing.*Available sheets: "Notes", "Lines"'):
        home.load()


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        ([], "has no header line"),
        ([["a", "A"], [1, 2]], r'names columns twice: columns 1 and 2 \("x"\)'),
        ([["x"], [1]], "it lacks"),
    ],
)
def test_a_workbook_without_usable_columns_is_refused(home, sheet, said):
    workbook(home.path / "data" / "exports" / "perennial" / "orders.xlsx", Orders=sheet)
    with pytest.raises(ExportError, match=said):
        home.load()


# ── exchange rates ────────────────────────────────────────────────────────────────────────────────────────────────────

IN_CURRENCIES = "order_id,customer_id,ordered_at,quantity,unit_price,discount,currency"


def test_lines_are_converted_with_the_latest_rate_of_at_most_seven_days(home):
    # 2 × 10.00 − 1.00 = 19.00 USD. 5 January: the rate of the 2nd, .9: 17.10. The 9th: still the 2nd, 7 days old.
    # The 10th: 8 days old, none. GBP has no rate on or before the 5th. EUR stays, PLN in small letters is converted.
    home.drop("date,currency,rate\n2026-01-02,USD,0.9\n2026-01-12,USD,0.5\n2026-01-06,GBP,1.2\n2026-01-01,PLN,0.25\n",
              "2026.csv", "rates")  # fmt: skip
    days = ("2026-01-05,2,10.00,1.00,USD", "2026-01-09,2,10.00,1.00,USD", "2026-01-10,2,10.00,1.00,USD",
            "2026-01-05,1,1,0,GBP", "2026-01-05,1,1,0,EUR", "2026-01-05,1,10.00,0,pln")  # fmt: skip
    home.drop(rows(*(f"o{n},anna,{day}" for n, day in enumerate(days, 1)), header=IN_CURRENCIES))
    home.load()
    columns = ("order_id", "amount", "currency", "unit_price", "discount", "original_amount", "original_currency")
    assert home.lines(*columns) == [
        ("o1", Decimal("17.10"), "EUR", Decimal("9.0000"), Decimal("0.90"), Decimal("19.00"), "USD"),
        ("o2", Decimal("17.10"), "EUR", Decimal("9.0000"), Decimal("0.90"), Decimal("19.00"), "USD"),
        ("o5", Decimal("1.00"), "EUR", Decimal("1.0000"), Decimal("0.00"), None, None),
        ("o6", Decimal("2.50"), "EUR", Decimal("2.5000"), Decimal("0.00"), Decimal("10.00"), "PLN"),
    ]
    no_rate = "is not the reporting currency EUR, and no exchange rate of its day or up to 7 days before is given"
    assert home.reasons() == {3: f'column "currency": "USD" {no_rate}', 4: f'column "currency": "GBP" {no_rate}'}


def test_new_rates_have_the_files_with_foreign_lines_read_again_and_no_others(home):
    home.drop(rows("o1,anna,2026-01-05,1,10,0,USD", header=IN_CURRENCIES), "usd.csv")
    home.drop(rows("o2,anna,2026-01-05,1,10,0,EUR", header=IN_CURRENCIES), "eur.csv")
    home.load()
    assert home.reasons() == {1: 'column "currency": "USD" is not the reporting currency EUR'}
    home.drop("date;currency;rate\n05.01.2026;USD;0,9\n13.01.2026;USD;0,8\n", "rates.csv", "rates")
    eur, usd = home.load()
    assert "nothing new" in eur and "1 accepted" in usd
    assert home.lines("order_id", "amount") == [("o1", Decimal("9.00")), ("o2", Decimal("10.00"))]
    assert all("nothing new" in message for message in home.load())


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ("date,currency\n2026-01-02,USD\n", "holds no exchange rates: it lacks rate"),
        ("date,currency,rate\n2026-01-02,USD,0\n", r"rates.csv, row 1: \"9999-99-99, XXX, 9\" is no exchange rate"),
        (
            "date,currency,rate\n2026-01-02,USD,0.9\n2026-01-03,USD\n",
            r"rates.csv, row 2: \"9999-99-99,XXX\" is no exchange",
        ),
        ("date,currency,rate\n2026-01-02,USD,0.9\n2026-01-02,USD,0.8\n", "USD has two rates on 2026-01-02"),
    ],
)
def test_rates_that_are_none_stop_the_load_with_their_place(home, rates, said):
    home.drop(rates, "rates.csv", "rates")
    home.drop(rows("o1,anna,2026-01-05,1,10,0,USD", header=IN_CURRENCIES))
    with pytest.raises(ExportError, match=said):
        home.load()


def test_a_rates_file_may_lie_elsewhere_and_must_be_there(home):
    home.settings["rates_file"] = Path("fx.csv")
    home.drop(rows("o1,anna,2026-01-05,1,10,0,USD", header=IN_CURRENCIES))
    with pytest.raises(ExportError, match=r"There is no file .*fx.csv; setting rates_file"):
        home.load()
    (home.path / "fx.csv").write_text("date,currency,rate\n2026-01-05,USD,0.5\n")
    home.load()
    assert home.lines("amount", "original_amount") == [(Decimal("5.00"), Decimal("10.00"))]


# ── lines of text ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("first", ["", "customer  date      cds  dollars\n"])
def test_a_first_line_without_a_letter_is_a_purchase_and_no_header(home, first):
    # Both files of CDNOW go round: one begins with names, the other with the first purchase.
    home.drop(f"{first} 00001 19970101  1   11.77\n 00002 19970112  1   12.00\n", "cdnow.txt", "cdnow")
    home.load()
    assert home.lines("order_id", "amount") == [
        ("00001-19970101", Decimal("11.77")),
        ("00002-19970112", Decimal("12.00")),
    ]
