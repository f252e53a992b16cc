"""`perennial inspect`: what is shown of a file, the first source for an unknown layout, and that nothing is changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from shop import CDNOW
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.inspection import guess_columns, inspect
from pipeline.settings import Settings
from pipeline.sources import read_source

HEADER = "order_id,customer_id,ordered_at,amount"
POLISH = "Nr zamówienia;Klient;Data;Kwota;Towar\n"


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def write(folder: Path, content: str, name: str = "orders.csv", encoding: str = "utf-8") -> Path:
    file = folder / name
    file.write_bytes(content.encode(encoding))
    return file


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["inspect", *map(str, arguments)], env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_a_known_layout_is_recognised_and_its_sample_shown(tmp_path, home):
    file = write(tmp_path, f"{HEADER}\no1,anna,2026-01-02,10\no2,bert,2026-01-03,7.5\n")
    found = inspect(file, Settings(home=home))
    assert found.is_usable and found.source.name == "perennial"
    assert (found.format, found.columns, found.dialect) == ("csv", HEADER.split(","), "")
    assert [row["order_id"] for row in found.sample] == ["o1", "o2"]
    assert (found.loaded.rows_read, found.loaded.accepted, found.loaded.quarantined) == (2, 2, 0)
    best, *others = found.candidates
    assert best.source.name == "perennial" and best.matched == 4 and not best.lacks
    assert all(other.lacks for other in others)


def test_reasons_are_counted_over_the_whole_file_and_the_share_is_judged_by_the_limit(tmp_path, home):
    # Rows 3, 4 and 5 of ten do not fit: two amounts with different texts are one reason, a date another.
    cells = [f"o{n},anna,2026-01-02,10" for n in range(10)]
    cells[2], cells[3], cells[4] = "o2,anna,2026-01-02,x", "o3,anna,2026-01-02,y", "o4,anna,someday,10"
    file = write(tmp_path, "\n".join([HEADER, *cells]))
    found = inspect(file, Settings(home=home))
    assert [(reason.text, reason.rows, reason.first_row) for reason in found.reasons] == [
        ('column "amount" is not a number', 2, 3),
        ('column "ordered_at" is not a date', 1, 5),
    ]
    assert found.problem.startswith("30.0% of the rows do not fit, more than 5.0% (setting quarantine_limit)")
    assert inspect(file, Settings(home=home, quarantine_limit=0.3)).is_usable


def test_the_command_tells_all_of_it_and_changes_nothing_in_the_home(tmp_path, home):
    write(home, '[dialects.perennial]\ndates = "day_first"\n', "perennial.toml")
    file = write(
        home, "order_id;customer_id;ordered_at;amount\n1;anna;03.04.2026;1.234,50\n", "zamówienia.csv", "cp1250"
    )
    before = contents(home)
    code, shown = run(file, "--home", home)
    assert code == 0
    for words in (
        "zamówienia.csv (csv)", "fields divided by semicolons", "decimal comma", "day before month", "perennial",
        "1 read, 1 accepted, 0 set aside (0.0%)", "2026-04-03", "1234.50", "usable",
    ):  # fmt: skip
        assert words in shown, words
    assert contents(home) == before and [path.name for path in home.iterdir() if path.is_dir()] == []


def test_what_cannot_be_used_is_said_and_the_exit_code_tells(tmp_path, home):
    assert run(tmp_path / "missing.csv", "--home", home)[0] == 1
    code, shown = run(write(tmp_path, "", "empty.csv"), "--home", home)
    assert code == 1 and "empty.csv is empty (0 bytes)" in shown
    code, shown = run(write(tmp_path, HEADER + "\n", "header.csv"), "--home", home)
    assert code == 1 and "there is nothing to load" in shown
    code, shown = run(write(tmp_path, f"{HEADER}\n1,a,03/04/2026,5\n", "dates.csv"), "--home", home)
    assert code == 1 and 'dates = "day_first" or dates = "month_first"' in shown
    code, shown = run(write(tmp_path, "a,b\n1,2\n", "ab.csv"), "--home", home, "--source", "perenial")
    assert code == 1 and "Did you mean perennial?" in shown


def test_a_source_can_be_named_and_then_says_what_it_misses(tmp_path, home):
    found = inspect(write(tmp_path, "order,client\n1,2\n"), Settings(home=home), source="perennial")
    assert 'it lacks "order_id" (the closest is "order")' in found.problem


def test_aligned_text_without_columns_is_known_by_its_lines(home):
    found = inspect(CDNOW, Settings(home=home))
    assert found.is_usable and found.source.name == "cdnow" and found.loaded.accepted == 69_659


def test_shop_systems_are_told_apart_by_their_columns(tmp_path, home):
    shopify = (
        "Name,Email,Financial Status,Currency,Subtotal,Total,Created at,"
        "Lineitem quantity,Lineitem name,Lineitem price\n"
        "#1,a@x.org,paid,EUR,10,10,2026-01-02 10:00:00 +0100,1,Tea,10\n"
    )
    found = inspect(write(tmp_path, shopify), Settings(home=home))
    assert found.is_usable and found.source.name == "shopify_orders"
    assert "a@x.org" not in str(found.sample)


def test_a_date_after_today_is_warned_of(tmp_path, home):
    found = inspect(write(tmp_path, f"{HEADER}\no1,anna,2099-01-02,10\n"), Settings(home=home))
    assert found.is_usable and "The latest ordered_at is 2099-01-02, after today" in found.warning


# ── an unknown layout ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_layout_gets_a_first_source_that_loads(tmp_path, home):
    lines = [f"{n};kowalski{n % 3}@x.pl;{n % 28 + 1:02d}.01.2026 10:00;1 234,5{n % 10};łódź" for n in range(40)]
    file = write(tmp_path, POLISH + "\n".join(lines), "Zamówienia 2026.csv", "cp1250")
    found = inspect(file, Settings(home=home))
    assert not found.is_usable and "Add --write FOLDER" in found.problem
    assert found.guessed == {
        "order_id": "Nr zamówienia", "customer_id": "Klient", "ordered_at": "Data", "product_id": "Towar",
        "amount": "Kwota",
    }  # fmt: skip

    own = tmp_path / "sources"
    code, shown = run(file, "--home", home, "--write", own)
    assert code == 0 and "usable" in shown and str(own) in shown
    assert "kowalski" not in shown, "addresses are shown as hashes only"
    (written,) = own.rglob("*.sql")
    assert written.relative_to(own).as_posix() == "zamowienia2026/order_lines.sql"
    assert read_source(written).kinds["Klient"] == "email"

    again = inspect(file, Settings(home=home, sources_folder=own))  # from now on the layout is known
    assert again.is_usable and again.source.name == "zamowienia2026"
    assert (again.loaded.accepted, str(again.sample[0]["amount"])) == (40, "1234.50")
    assert contents(home) == {}


def test_a_written_source_is_never_overwritten(tmp_path, home):
    file = write(tmp_path, "order;client;date;total\n1;anna;2026-01-02;5\n2;bert;2026-01-03;6\n", "till.csv")
    assert inspect(file, Settings(home=home), write_to=tmp_path / "sources").is_usable
    written = tmp_path / "sources" / "till" / "order_lines.sql"
    written.write_text("mine")
    refused = inspect(file, Settings(home=home), write_to=tmp_path / "sources")
    assert "is there already" in refused.problem and written.read_text() == "mine"


def test_names_that_would_break_the_header_or_the_sql_are_quoted(tmp_path, home):
    header = '"order */ id";"cli""ent";"date";"total: {a}"'
    file = write(tmp_path, f"{header}\n1;anna;2026-01-02;5\n", "odd.csv")
    guessed = {"order_id": "order */ id", "customer_id": 'cli"ent', "ordered_at": "date", "amount": "total: {a}"}
    assert (
        guess_columns({"order */ id": set(), 'cli"ent': set(), "date": {"date"}, "total: {a}": {"number"}}) == guessed
    )
    found = inspect(file, Settings(home=home), write_to=tmp_path / "sources")
    assert found.is_usable and found.sample[0]["customer_id"] == "anna"


def test_without_an_order_number_customer_and_day_are_the_order(tmp_path, home):
    file = write(tmp_path, "kunde;datum;betrag\nanna;02.01.2026;5,00\nanna;31.01.2026;6,00\n", "kasse.csv")
    found = inspect(file, Settings(home=home), write_to=tmp_path / "sources")
    assert found.is_usable
    assert [row["order_id"] for row in found.sample] == ["anna-2026-01-02", "anna-2026-01-31"]


def test_a_layout_without_a_date_cannot_be_guessed(tmp_path, home):
    found = inspect(
        write(tmp_path, "order,client,total\n1,anna,5\n"), Settings(home=home), write_to=tmp_path / "sources"
    )
    assert "None of its columns looks like ordered_at" in found.problem and not (tmp_path / "sources").exists()


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"Date": {"date"}, "Total": {"number"}}, {"ordered_at": "Date", "amount": "Total"}),
        ({"Bestellnummer": set(), "Kundennummer": set()}, {"order_id": "Bestellnummer", "customer_id": "Kundennummer"}),
        ({"Amount": set()}, {}),  # a column of words is no amount whatever its name
        ({"weather": {"number"}, "mood": {"date"}}, {}),
    ],
)  # fmt: skip
def test_columns_are_guessed_by_name_and_by_what_they_hold(columns, expected):
    assert guess_columns(columns) == expected
