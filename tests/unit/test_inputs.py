"""Customers, targets and benchmarks: loaded, quarantined and superseded like orders, told apart by their columns."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import polars as pl
import pytest
from drop_folder import HEADER, Home, counts

from pipeline.errors import ExportError
from pipeline.ingest.exports import find_exports
from pipeline.ingest.inspection import inspect
from pipeline.settings import Settings

CUSTOMERS = "customer_id,registered_at"
TARGETS = "kpi,period,value"
BENCHMARKS = "sector,kpi,period,value"
CONTRADICTS = '" stands in other rows with other values'


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


# ── loading ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_customers_are_loaded_with_the_day_they_registered_on(home):
    home.lines("people.csv", "anna,2026-01-02 23:30:00,a@x.org", "bert,,b@x.org", header=f"{CUSTOMERS},email")
    assert counts(home.load()["people.csv"]) == (2, 2, 0, 0, 0)
    assert home.staged("customers").rows("customer_id", "registered_at", "registered_on", "row_number") == [
        ("anna", "2026-01-02T23:30:00", "2026-01-02", 1), ("bert", None, None, 2),
    ]  # fmt: skip
    assert home.ledger().rows("source", "input", "accepted", "last_ordered_at") == [("perennial", "customers", 2, None)]


def test_a_moment_with_an_offset_becomes_the_shops_day(home):
    home.settings["timezone"] = "Europe/Warsaw"
    home.lines("people.csv", "anna,2026-03-20T23:30:00Z", header=CUSTOMERS)
    home.load()
    assert home.staged("customers").one("registered_on") == "2026-03-21"


def test_targets_and_benchmarks_are_loaded_with_names_and_periods_written_alike(home):
    home.lines("plan.csv", "Revenue,2026-q4,120000.5", "revenue,2026,400000", header=TARGETS)
    home.lines("sector.csv", "Fashion,Repeat_Share_Of_Buyers,2026-11,0.31", header=BENCHMARKS)
    home.load()
    assert home.staged("targets").rows("kpi", "period", "value") == [
        ("revenue", "2026", 400000.0), ("revenue", "2026-Q4", 120000.5),
    ]  # fmt: skip
    assert home.staged("benchmarks").rows("sector", "kpi", "period", "value") == [
        ("Fashion", "repeat_share_of_buyers", "2026-11", 0.31)
    ]


def test_values_with_a_decimal_comma_are_read(home):
    home.drop("plan.csv", "kpi;period;value\nrevenue;2026-11;1.234,5\nrevenue;2026-12;99,25\n")
    home.load()
    assert home.staged("targets").by("period", "value") == {"2026-11": 1234.5, "2026-12": 99.25}


def test_how_files_are_written_may_be_set_for_one_input(home):
    """1,234 is a thousand and more for orders, and one and a bit for targets, because that is what the shop says."""
    home.settings["dialects"] = {"perennial": {"thousands": ","}, "perennial.targets": {"decimal": ","}}
    home.drop("plan.csv", 'kpi,period,value\nrevenue,2026-11,"1,234"\n')
    home.drop("orders.csv", f'{HEADER}\no1,anna,2026-01-02,"1,234"\n')
    home.load()
    assert home.staged("targets").one("value") == 1.234
    assert home.order_lines().one("amount") == 1234


def test_values_that_can_be_read_in_two_ways_are_asked_about_by_the_name_of_the_input(home):
    home.drop("plan.csv", 'kpi,period,value\nrevenue,2026-11,"1,234"\n')
    with pytest.raises(ExportError, match=r'below \[dialects\."perennial\.targets"\] in perennial\.toml'):
        home.load()


def test_rows_that_do_not_fit_are_set_aside_with_all_reasons(home):
    home.lines("people.csv", ",2026-01-01", "cleo,2026-01-02", header=CUSTOMERS)
    home.load()
    assert home.reasons() == {1: 'column "customer_id" is missing'}
    home.lines("plan.csv", "revenue,Nov-26,1O0", ",2026-11,", "revenue,2026-11,5", header=TARGETS)
    home.load()
    (plan,) = [row["file_id"] for row in home.ledger().where(input="targets").frame.iter_rows(named=True)]
    reasons = home.select(f"SELECT * FROM ingest.quarantine WHERE file_id = '{plan}'").by("row_number", "reasons")
    assert reasons == {
        1: 'column "period": "XXX-99" is no month (2026-11), quarter (2026-Q4) or year (2026); '
        'column "value": "9X9" is not a number (letter O?)',
        2: 'column "kpi" is missing; column "value" is missing',
    }


def test_a_customer_whose_dates_cannot_be_read_is_kept_without_them(home):
    """Without the row nobody would know whose the address is; the date alone is unknown, and told."""
    header = f"{CUSTOMERS},updated_at,email"
    home.lines("people.csv", "anna,yesterday,2026-01-05,anna@x.org", "bert,1969-12-31,,bert@x.org",
        "cleo,2026-01-02,soon,cleo@x.org", "dora,2026-01-02,soon,dora@x.org", "dora,2026-01-02,2026-01-03,new@x.org",
        header=header)  # fmt: skip
    home.load()
    assert home.reasons() == {4: 'column "updated_at": "xxxx" is not a date'}, "another row of hers can be read"
    days = home.select("SELECT customer_id, CAST(registered_on AS VARCHAR) AS day FROM staging.customers").by(
        "customer_id", "day"
    )
    assert days == {"anna": None, "bert": None, "cleo": "2026-01-02", "dora": "2026-01-02"}
    assert home.remarks()["unusable_registered_at"].startswith(
        "registered_at cannot be right in 2 of its rows; these customers are kept without it. The first is row 1"
    )
    assert home.remarks()["unusable_updated_at"].startswith("updated_at cannot be right in 1 of its rows")


def test_personal_columns_reach_neither_table_nor_quarantine(home):
    """Rows that fit, that do not, and that break the format: of none is more kept than what the source reads."""
    header = f"{CUSTOMERS},email"
    home.lines("people.csv", "anna,2026-01-01,anna@x.org", ",2026-01-01,bert@x.org", "cleo,cleo@x.org", header=header)
    home.load()
    raw = home.set_aside().by("row_number", "raw")
    assert json.loads(raw[2]) == {
        "row_number": 2, "customer_id": "", "registered_at": "2026-01-01", "updated_at": None, "exported_at": None,
    }  # fmt: skip
    assert raw[3] == ""
    assert "@" not in str(home.everything())


def test_an_input_over_the_limit_is_rejected_and_the_others_are_loaded(home):
    home.settings["quarantine_limit"] = 0.05
    home.lines("plan.csv", "revenue,soon,5", header=TARGETS)
    home.lines("orders.csv", "o1,anna,2026-01-02,10")
    outcomes = home.load()
    assert outcomes["plan.csv"].status == "rejected" and outcomes["orders.csv"].status == "loaded"
    assert len(home.staged("targets")) == 0 and len(home.order_lines()) == 1


# ── one row per key ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_told_twice_counts_once(home):
    home.lines("people.csv", "anna,2026-01-01", "anna,2026-01-01 00:00", "bert,2026-01-02", header=CUSTOMERS)
    assert counts(home.load()["people.csv"]) == (3, 2, 0, 0, 1)
    assert home.staged("customers").by_customer("row_number") == {"anna": 1, "bert": 3}


def test_rows_of_one_file_that_contradict_each_other_are_all_set_aside(home):
    """Which of anna's two days is right cannot be told; of bert's rows one breaks a rule, so that the other stands."""
    lines = ("anna,2026-01-01", "anna,2026-01-02", "bert,2026-01-02", "bert,1950-01-02", "cleo,2026-01-03")
    home.lines("people.csv", *lines, header=CUSTOMERS)
    assert counts(home.load()["people.csv"]) == (5, 2, 3, 0, 0)
    assert home.staged("customers").by_customer("registered_on") == {"bert": "2026-01-02", "cleo": "2026-01-03"}
    assert {row: home.reasons()[row] for row in (1, 2)} == dict.fromkeys(
        (1, 2), f'column "customer_id": "xxxx{CONTRADICTS}'
    )


def test_contradictions_are_told_with_the_whole_key(home):
    home.lines(
        "sector.csv",
        "Toys,orders,2026,1",
        "Toys,Orders,2026,2",
        "Food,orders,2026,1",
        header=BENCHMARKS,
    )
    assert counts(home.load()["sector.csv"]) == (3, 1, 2, 0, 0)
    assert home.reasons()[2] == f'column "sector, kpi, period": "Xxxx, xxxxxx, 9999{CONTRADICTS}'


# ── exports that overlap ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_is_the_whole_key(home):
    """Another sector, another figure, another period: nothing of it gives way."""
    home.lines(
        "a.csv",
        "Toys,orders,2026,1",
        "Toys,revenue,2026,2",
        "Food,orders,2026,3",
        header=BENCHMARKS,
    )
    home.lines("b.csv", "Toys,orders,2027,4", header=BENCHMARKS)
    assert all(outcome.superseded == 0 for outcome in home.load().values())
    assert len(home.staged("benchmarks")) == 4


def test_a_file_is_loaded_once_and_again_when_its_mapping_changed(home):
    """Two exports of which one gave way: both are read again, and nothing of the orders."""
    home.lines("orders.csv", "o1,anna,2026-01-02,10")
    home.lines("a.csv", "anna,2026-01-01", header=CUSTOMERS)
    home.lines("b.csv", "anna,2026-01-02", "bert,2026-01-03", header=CUSTOMERS)
    home.load()
    assert not any(outcome.read_now for outcome in home.load().values())
    folder = home.path / "sources" / "perennial"
    folder.mkdir(parents=True)
    raw = "raw:\n  customer_id: {required: true}\n  registered_at: {required: true}"
    (folder / "customers.sql").write_text(
        f"/*\ndescription: Only what the first export knew.\n{raw}\n*/\n"
        "SELECT row_number, 'x-' || customer_id AS customer_id, registered_at FROM export"
    )
    home.settings["sources_folder"] = Path("sources")
    outcomes = home.load()
    assert {name for name, outcome in outcomes.items() if outcome.read_now} == {"a.csv", "b.csv"}
    assert home.staged("customers").by_customer("registered_on") == {"x-anna": "2026-01-02", "x-bert": "2026-01-03"}
    assert home.order_lines().one("order_id") == "o1"


# ── which input a file is ─────────────────────────────────────────────────────────────────────────────────────────────


def recognised(home: Home) -> dict[str, str]:
    return {export.name: export.source.input for export in home.find()}


def test_files_of_one_folder_are_told_apart_by_their_columns(home):
    home.lines("targets.csv", "o1,anna,2026-01-02,10")  # the name of a file proves nothing
    home.lines("a.csv", "o1,anna,2026-01-02,2,5", header="order_id,customer_id,ordered_at,quantity,unit_price")
    home.lines("b.csv", "anna,2026-01-02", header="Customer_ID , Registered_At")
    home.lines("c.csv", "revenue,2026,5", header=TARGETS)
    home.lines("d.csv", "Toys,revenue,2026,5", header=BENCHMARKS)
    assert recognised(home) == {
        "targets.csv": "order_lines", "a.csv": "order_lines", "b.csv": "customers", "c.csv": "targets",
        "d.csv": "benchmarks",
    }  # fmt: skip


def test_files_of_every_format_are_recognised(home):
    rows = pl.DataFrame({"kpi": ["revenue"], "period": ["2026"], "value": [5.0]})
    folder = home.drop("x.csv", f"{TARGETS}\nrevenue,2026,5\n").parent
    rows.write_parquet(folder / "x.parquet")
    rows.write_excel(folder / "x.xlsx")
    (folder / "x.csv.gz").write_bytes(gzip.compress(b"kpi;period;value\nrevenue;2026;5\n"))
    (folder / "x.jsonl").write_text('no object\n{"kpi": "revenue"}\n{"period": "2026", "value": 5}\n')
    (folder / "utf-16.csv").write_bytes(f"{TARGETS}\nrevenue,2026,5\n".encode("utf-16"))
    assert set(recognised(home).values()) == {"targets"} and len(recognised(home)) == 6
    home.load()
    assert home.staged("targets").rows("kpi", "period", "value") == [("revenue", "2026", 5.0)]


def test_an_export_of_orders_with_more_columns_stays_one(home):
    """It could be read as customers, too: what needs more of its columns wins."""
    home.lines("orders.csv", "o1,anna,2026-01-02,10,2026-01-01", header=f"{HEADER},registered_at")
    assert recognised(home) == {"orders.csv": "order_lines"}


def test_a_file_that_could_be_two_inputs_is_refused_until_the_folder_says_which(home):
    both = f"{HEADER},sector,kpi,period,value"
    file = home.lines("both.csv", "o1,anna,2026-01-02,10,Toys,revenue,2026,5", header=both)
    with pytest.raises(
        ExportError,
        match=r"both\.csv has the columns of several inputs of source perennial: order_lines, benchmarks\. Put it into "
        r"data/exports/perennial\.order_lines/ or data/exports/perennial\.benchmarks/, or name the input",
    ):
        home.find()
    file.unlink()
    home.drop("both.csv", file_text := f"{both}\no1,anna,2026-01-02,10,Toys,revenue,2026,5\n", "perennial.benchmarks")
    home.load()
    assert (len(home.order_lines()), len(home.staged("benchmarks"))) == (0, 1)
    # The same file as the other input is another file: nothing of the first is lost.
    home.drop("both.csv", file_text, "perennial.order_lines")
    home.load()
    assert (len(home.order_lines()), len(home.staged("benchmarks"))) == (1, 1)


def test_a_file_that_fits_nothing_is_told_what_the_closest_input_needs(home):
    home.lines("plan.csv", "revenue,2026,5", header="kpi,month,value")
    with pytest.raises(ExportError, match=r'no export of source perennial\.targets: it lacks "period"'):
        home.load()


@pytest.mark.parametrize(
    "content", ["", "\n\n", "kpi,kpi\n1,2\n", b"PK\x03\x04"], ids=["empty", "blank", "twice", "zip"]
)
def test_a_file_without_columns_says_so_when_it_is_loaded(home, content):
    home.drop("plan.csv", content)
    home.lines("orders.csv", "o1,anna,2026-01-02,10")
    with pytest.raises(ExportError, match=r"plan\.csv"):
        home.load()
    assert home.order_lines().one("order_id") == "o1"


def test_the_input_can_be_named(home):
    file = home.lines("people.csv", "anna,2026-01-02", header=CUSTOMERS)
    for name in ("perennial", "perennial.customers"):
        (export,) = find_exports(home.now(), {name: [str(file)]})
        assert export.source.label == "perennial.customers"
    with pytest.raises(ExportError, match=r"people\.csv is no export of source perennial: it lacks"):
        home.load(find_exports(home.now(), {"perennial.order_lines": [str(file)]}))


# ── inspection ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "input"),
    [
        (f"{CUSTOMERS}\nanna,2026-01-02\n", "customers"),
        (f"{TARGETS}\nrevenue,2026,5\n", "targets"),
        (f"{BENCHMARKS}\nToys,revenue,2026,5\n", "benchmarks"),
        ("campaign_id,customer_id,event,happened_at\nc1,anna,sent,2026-01-02\n", "messages"),
        ("campaign_id,channel\nc1,email\n", "campaigns"),
        ("customer_id,channel,status,changed_at\nanna,email,granted,2026-01-02\n", "consents"),
        ("customer_id,since\nanna,2026-01-02\n", "objections"),
        ("kind,value,since\nemail,anna@example.com,2026-01-02\n", "suppressions"),
        ("kind,value,requested_at\nemail,anna@example.com,2026-01-02\n", "erasures"),
    ],
    ids=[
        "customers",
        "targets",
        "benchmarks",
        "messages",
        "campaigns",
        "consents",
        "objections",
        "suppressions",
        "erasures",
    ],
)
@pytest.mark.parametrize("source", [None, "perennial"])
def test_inspection_recognises_every_input(tmp_path, text, input, source):
    file = tmp_path / "export.csv"
    file.write_text(text)
    found = inspect(file, Settings(home=tmp_path), source=source)
    assert found.is_usable and found.source.label == f"perennial.{input}"
    assert found.loaded.accepted == len(found.sample) == 1


def test_inspection_tells_the_dates_of_customers_and_warns_of_the_future(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(f"{CUSTOMERS}\nanna,2026-01-02\nbert,2099-01-02\n")
    found = inspect(file, Settings(home=tmp_path))
    assert [moment.year for moment in found.span] == [2026, 2099]
    assert found.warning.startswith("The latest registered_at is 2099-01-02, after today.")
