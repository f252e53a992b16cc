"""`perennial inspect`: what is shown of a file, the first source for an unknown layout, and that nothing is changed."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console
from shop import CDNOW
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.ingest.guessing import guess_columns
from pipeline.ingest.inspection import inspect
from pipeline.ingest.sources import looks_like_data, read_source
from pipeline.settings import Settings
from pipeline.showing import _sample

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


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        ("currency\no1,anna,2026-01-02,10,USD\n", 'as currency in perennial.toml, such as currency = "USD"'),
        ("city\no1,anna,2026-01-02,10,Z\x81rich\n", 'encoding = "cp850", or another name, below [dialects.perennial]'),
    ],
)  # fmt: skip
def test_what_can_be_set_is_advised_where_it_is_why_the_rows_do_not_fit(content, remedy, tmp_path, home):
    file = write(tmp_path, f"{HEADER},{content}", encoding="latin-1")
    assert remedy in inspect(file, Settings(home=home)).problem


def test_of_many_reasons_the_most_frequent_are_shown_and_the_others_counted(tmp_path, home):
    header = "order_id,customer_id,ordered_at,amount,quantity,discount,kind,currency"
    row = "o{0},anna,2026-01-02,10,1,0,sale,EUR"
    bad = ["o1,anna,x,10,1,0,sale,EUR", "o2,anna,2026-01-02,x,1,0,sale,EUR", "o3,anna,2026-01-02,10,x,0,sale,EUR",
           "o4,anna,2026-01-02,10,1,x,sale,EUR", "o5,anna,2026-01-02,10,1,0,x,EUR", ",anna,2026-01-02,10,1,0,sale,EUR",
           ]  # fmt: skip
    file = write(tmp_path, "\n".join([header, *bad, *(row.format(n) for n in range(10, 200))]))
    found = inspect(file, Settings(home=home))
    assert (len(found.reasons), found.other_reasons) == (5, 1)


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("1767571200", "Unix seconds?"),
        ("1767571200000", "Unix milliseconds?"),
        ("20260105", 'a format such as dates = "%Y%m%d" below'),
        ("20260105 1030", 'a format such as dates = "%Y%m%d%H%M%S" below'),
        ("05.01.2026 10.30", 'a format such as dates = "%d.%m.%Y %H.%M" below'),
        ("05/01/2026 10h30", 'a format such as dates = "%d/%m/%Y %Hh%M" below'),
        ("2026-01-05 10:30 EST", "behind a time nothing is read but an offset such as Z or +01:00, and a zone is set"),
    ],
)
def test_a_reason_keeps_what_may_help_and_loses_the_cell_alone(cell, hint, tmp_path, home):
    file = write(tmp_path, f"{HEADER}\no1,anna,{cell},10\n")
    (reason,) = inspect(file, Settings(home=home), "perennial").reasons
    assert reason.text.startswith(f'column "ordered_at" is not a date ({hint}') and reason.text.endswith(")")


@pytest.mark.parametrize("cell", ['5" x', 'about "ten"  euros'])
def test_quotes_in_a_cell_leave_nothing_of_it_in_the_reason(cell, tmp_path, home):
    quoted = cell.replace('"', '""')
    file = write(tmp_path, f'{HEADER}\no1,anna,2026-01-02,"{quoted}"\n')
    assert [reason.text for reason in inspect(file, Settings(home=home)).reasons] == ['column "amount" is not a number']


@pytest.mark.parametrize(("cell", "divided"), [("1767571200", ""), ("1767571200000", " / 1000")])
def test_unix_times_are_read_as_the_hint_says(cell, divided, tmp_path, home):
    file = write(tmp_path, f"{HEADER}\no1,anna,{cell},10\n", "ticks.csv")
    folder = home / "sql" / "sources" / "ticks"
    folder.mkdir(parents=True)
    raw = "{order_id: {}, customer_id: {}, ordered_at: {}, amount: {}}"
    (folder / "order_lines.sql").write_text(
        f"/*\ndescription: Orders with times as ticks.\nowner: team:data\nraw: {raw}\n*/\n"
        f"SELECT row_number, order_id, customer_id, "
        f"to_timestamp(TRY_CAST(ordered_at AS DOUBLE){divided}) AS ordered_at, "
        f"TRY_CAST(amount AS DECIMAL(18,2)) AS amount FROM export\n"
    )
    found = inspect(file, Settings(home=home), "ticks")
    assert found.is_usable and str(found.span[0]) == "2026-01-05 00:00:00"


HEADLESS = "1001;anna;2026-01-02;10,50\n1002;bert;2026-01-03;7,00\n"


@pytest.mark.parametrize("source", [None, "perennial"])
def test_a_file_without_a_header_line_is_told_so(source, tmp_path, home):
    found = inspect(write(tmp_path, HEADLESS), Settings(home=home), source, tmp_path / "own")
    assert "has no header line, it seems: its first line looks like data. Add one" in found.problem
    assert found.written is None and "anna" not in found.problem


@pytest.mark.parametrize(
    ("columns", "is_data"),
    [
        (["o1", "anna@x.example", "12"], True),
        (["05.01.2026", "€ 10,00"], True),
        (["2024", "2025", "2026"], False),
        (["order", "2026-01-02"], False),
        (["order_id", "customer_id", "amount"], False),
    ],
)
def test_a_first_line_of_cells_is_told_from_one_of_names(columns, is_data):
    assert looks_like_data(columns) is is_data


@pytest.mark.parametrize("name", ["E-mail klienta", "E-Mail des Kunden", "Adresse e-mail du client", "Kunden-E-Mail"])
def test_the_only_address_of_customers_is_who(name):
    profile = {name: {"email"}, "Sprzedawca e-mail": {"text"}, "Datum": {"date"}, "Kwota": {"number", "money"}}
    assert guess_columns(profile)["customer_id"] == name
    assert "customer_id" not in guess_columns({"E-mail sprzedawcy": {"email"}})
    assert "customer_id" not in guess_columns({name: {"email", "constant"}})


def test_objects_are_not_guessed_and_said_to_be_nested(tmp_path, home):
    row = {"order": {"id": 1}, "customer": {"id": 2}, "created": "2026-01-02 10:00:00", "total": "10.50"}
    found = inspect(write(tmp_path, f"{json.dumps(row)}\n", "orders.jsonl"), Settings(home=home))
    assert set(found.guessed) == {"ordered_at", "amount"}
    assert found.note.startswith('Nested and not guessed: "customer", "order".')


def test_a_file_of_another_input_is_not_taken_for_one_that_needs_less(tmp_path, home):
    """With customer_id it is no export of campaigns, in inspect as in a run."""
    file = write(tmp_path, "campaign_id,customer_id,channel,event,sent_at\nmay,anna,email,sent,2026-05-01\n", "m.csv")
    found = inspect(file, Settings(home=home))
    assert found.candidates[0].source.label == "perennial.messages"
    assert found.candidates[0].lacks == 'lacks "happened_at" (the closest is "sent_at").'
    assert not found.is_usable


def test_what_to_do_next_with_a_source_that_was_written(tmp_path, home):
    file = write(tmp_path, POLISH + "1;7;2026-01-02;10,50;x\n2;8;2026-01-03;7,25;y\n", "sklep.csv")
    code, shown = run(file, "--home", home, "--write", home / "sql" / "sources")
    assert code == 0 and "sources_folder" not in shown
    assert f"then: perennial run --source sklep={file} --home {home}" in plain(shown)
    code, shown = run(file, "--home", home)  # the home's own sources are known
    assert code == 0 and "sklep: 5 columns known, has all it needs" in plain(shown)
    (home / "sql" / "sources" / "sklep" / "order_lines.sql").unlink()
    assert 'sources_folder = "own"' in run(file, "--home", home, "--write", home / "own")[1]
    assert f'sources_folder = "{tmp_path / "else"}"' in run(file, "--home", home, "--write", tmp_path / "else")[1]
    code, shown = run(file, "--write", tmp_path / "other" / "sql" / "sources")  # as in the README: its home is told
    assert code == 0 and "sources_folder" not in shown
    assert f"then: perennial run --source sklep={file} --home {tmp_path / 'other'}" in plain(shown)


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
        "1 read, 1 accepted, 0 quarantined (0.0%)", "2026-04-03", "1234.50", "usable",
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


def test_what_cannot_be_guessed_is_null_in_the_source_with_the_candidates(tmp_path, home):
    own, text = tmp_path / "sources", "order,client,total,Some\nwhere\n1,anna,5,x\n".replace("\nwhere", " where")
    code, shown = run(write(tmp_path, text), "--home", home, "--write", own)
    assert code == 1 and "None of its columns is surely ordered_at" in shown and "not to be used yet" in shown
    (written,) = own.rglob("*.sql")
    assert "NULL AS ordered_at  -- map it; no column holds what it needs" in written.read_text()
    source = read_source(written)
    assert list(source.header.raw) == ["order", "client", "total", "Some where"]


def test_candidates_are_the_columns_that_are_left_and_hold_what_is_needed(tmp_path, home):
    rows = [f"{n};{n % 7};2026-01-{n % 28 + 1:02d};2026-02-{n % 28 + 1:02d};{n},50" for n in range(40)]
    file = write(tmp_path, "Bon;Kunde;Angelegt;Gedruckt;Umsatz\n" + "\n".join(rows) + "\n", "kasse.csv")
    found = inspect(file, Settings(home=home), write_to=tmp_path / "sources")
    assert "surely ordered_at." in found.problem
    assert 'map it; candidates: "Angelegt", "Gedruckt"' in found.written.read_text()


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"Date": {"date"}, "Total": {"number"}}, {"ordered_at": "Date", "amount": "Total"}),
        ({"Bestellnummer": set(), "Kundennummer": set()}, {"order_id": "Bestellnummer", "customer_id": "Kundennummer"}),
        ({"Amount": set()}, {}),  # a column of words is no amount whatever its name
        ({"weather": {"number"}, "mood": {"money"}, "mode": {"money", "number"}}, {}),
    ],
)  # fmt: skip
def test_columns_are_guessed_by_name_and_by_what_they_hold(columns, expected):
    assert guess_columns(columns) == expected


def layout(header: str, row: str, count: int = 60) -> str:
    """A synthetic export: {n} is the row, {o} its order, {c} its customer, {d} its day, {m} an amount."""
    rows = [
        row.format(n=n, o=1000 + n // 2, c=100 + n % 9, d=f"{n % 28 + 1:02d}", m=f"{n % 40 + 5}.{n % 10}5").strip()
        for n in range(count)
    ]
    return "\n".join((header, *rows)) + "\n"


LAYOUTS = {
    "german": (
        """Bestell Nr.;Kunden-Nr.;Bestelldatum;Artikel'name;"Waren""gruppe";Menge;Einzelpreis;E-Mail""",
        "{o};K{c};{d}.01.2026 10:00;Hut {n};Mode;1;{m};shop@example.org",
        {
            "order_id": "Bestell Nr.", "customer_id": "Kunden-Nr.", "ordered_at": "Bestelldatum",
            "product_name": "Artikel'name", "category": 'Waren"gruppe', "quantity": "Menge",
            "unit_price": "Einzelpreis",
        },
        (9, 30),
    ),
    "german_till": (
        "Beleg-Nr;Kundennummer;Zeit (lokal);Preis € brutto;Mail",
        "{o};{c};2026-01-{d}T10:00:00;{m};a{c}@example.org",
        {
            "order_id": "Beleg-Nr", "customer_id": "Kundennummer", "ordered_at": "Zeit (lokal)",
            "amount": "Preis € brutto",
        },
        (9, 30),
    ),
    "polish": (
        "Numer zamówienia;Adres e-mail;Nr klienta;Data zamówienia;Wartość brutto;Miasto",
        "Z/{o};a{c}@example.org;{c};2026-01-{d} 10:00;{m};Łódź",
        {
            "order_id": "Numer zamówienia", "customer_id": "Nr klienta", "ordered_at": "Data zamówienia",
            "amount": "Wartość brutto", "city": "Miasto",
        },
        (9, 30),
    ),
    "french": (
        "N° commande;N° client;Date commande;Désignation;Qté;Prix unitaire;TVA",
        "{o};C{c};{d}/01/2026;Thé;2;{m};1.05",
        {
            "order_id": "N° commande", "customer_id": "N° client", "ordered_at": "Date commande",
            "product_name": "Désignation", "quantity": "Qté", "unit_price": "Prix unitaire",
        },
        (9, 30),
    ),
    "spanish": (
        "Nº;Cliente;Fecha;Importe;Correo",
        "{o};{c};{d}/01/2026;{m};a{c}@example.org",
        {"order_id": "Nº", "customer_id": "Cliente", "ordered_at": "Fecha", "amount": "Importe"},
        (9, 30),
    ),
    "pos": (
        "Receipt #,Client ID,Email,Sold,Tax,Amount Due,Store",
        "R{o},{c},a{c}@example.org,2026-01-{d} 10:00,1.05,{m},3",
        {
            "order_id": "Receipt #", "customer_id": "Client ID", "ordered_at": "Sold", "amount": "Amount Due",
            "store_id": "Store",
        },
        (9, 30),
    ),
    "messy": (
        "#,customerNo,when it was,what they paid,note",
        "{o},{c},2026-01-{d},{m},n{n}",
        {"order_id": "#", "customer_id": "customerNo", "ordered_at": "when it was", "amount": "what they paid"},
        (9, 30),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_are_mapped_and_the_source_that_is_written_loads_as_it_stands(name, tmp_path, home):
    header, row, expected, (customers, orders) = LAYOUTS[name]
    file = write(tmp_path, layout(header, row), f"{name}.csv")
    settings = Settings(home=home, dialects={name: {"dates": "day_first"}})
    found = inspect(file, settings, write_to=tmp_path / "sources")
    assert found.guessed == expected
    assert found.is_usable, found.problem
    assert (found.figures.customers, found.figures.orders) == (customers, orders)
    again = inspect(file, Settings(home=home, sources_folder=tmp_path / "sources"))
    assert again.source.name == found.source.name and again.loaded.accepted == 60


def test_a_column_with_one_address_is_no_customer(tmp_path, home):
    file = write(tmp_path, layout("Bon,Datum,Summe,E-Mail", "{o},2026-01-{d},{m},shop@example.org"), "kasse.csv")
    code, shown = run(file, "--home", home, "--write", tmp_path / "sources")
    assert code == 1 and "surely customer_id" in shown


def test_the_figures_are_shown(tmp_path, home):
    file = write(tmp_path, f"{HEADER}\no1,anna,2026-01-02,10\no2,anna,2026-01-03,5.5\no3,bert,2026-01-03,1000\n")
    code, shown = run(file, "--home", home)
    assert code == 0 and "2 customers, 3 orders, revenue 1,015.50" in shown
    assert "from 2026-01-02 00:00:00 to 2026-01-03 00:00:00" in shown


def test_a_guess_that_makes_no_shop_is_not_usable(tmp_path, home):
    rows = layout("Order,Customer,Date,Total", "{n},anna,2026-01-{d},-{m}", 6)
    found = inspect(write(tmp_path, rows, "back.csv"), Settings(home=home), write_to=tmp_path / "sources")
    assert "a revenue of -" in found.problem and "cannot be right" in found.problem


def test_a_name_and_columns_that_would_act_on_the_terminal_are_shown_harmlessly(tmp_path, home):
    file = write(tmp_path, "a\x1b[31m,root:x:0:0:root,anna@example.org\n1,2,3\n", "till\nforged\x1b[2J.csv")
    code, shown = run(file, "--home", home)
    assert code == 1 and "till·forged·[2J.csv (csv)" in shown and "\x1b" not in shown
    assert "x·[99x, xxxx:x:9:9:xxxx, xxxx@xxxxxxx.xxx" in shown and "anna@" not in shown


def test_a_source_that_reads_a_file_is_refused_by_inspect_too(tmp_path, home):
    own = tmp_path / "own" / "thief" / "order_lines.sql"
    own.parent.mkdir(parents=True)
    own.write_text(
        "/*\ndescription: Takes what it can get.\nraw: {a: {required: true}}\n*/\n"
        "SELECT row_number, (SELECT max(content) FROM read_text('/etc/passwd')) AS order_id FROM export\n"
    )
    found = inspect(write(tmp_path, "a\n1\n"), Settings(home=home, sources_folder=tmp_path / "own"))
    assert found.problem.startswith("own/thief/order_lines.sql, line 5: the source reads read_text().")


# ── files that are something else, and what was asked for and not done ────────────────────────────────────────────────


def workbook(path: Path, **sheets: list[list[object]]) -> Path:
    import xlsxwriter

    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return path


KNOWN = [HEADER.split(","), ["o1", "anna", "2026-01-02", 10], ["o2", "bert", "2026-01-03", 7.5]]
COVER = [["Sales report"], ["made by", "the till"]]


def test_a_workbook_that_begins_with_a_cover_names_its_sheets_and_the_setting(tmp_path, home):
    file = workbook(tmp_path / "book.xlsx", Cover=COVER, Lines=KNOWN)
    for source in (None, "perennial"):
        problem = inspect(file, Settings(home=home), source).problem
        assert 'the sheets "Cover", "Lines"' in problem and 'sheet = "…"' in problem
    only = workbook(tmp_path / "only.xlsx", Cover=COVER)
    assert "sheets" not in inspect(only, Settings(home=home)).problem


@pytest.mark.parametrize("source", [None, "perennial"])
def test_the_sheet_that_the_settings_name_is_the_one_that_is_shown(source, tmp_path, home):
    file = workbook(tmp_path / "book.xlsx", Cover=COVER, Lines=KNOWN)
    found = inspect(file, Settings(home=home, dialects={"perennial": {"sheet": "Lines"}}), source)
    assert found.is_usable and found.source.name == "perennial"
    assert (found.columns, found.loaded.accepted) == (HEADER.split(","), 2)


def test_a_source_written_for_a_sheet_reads_that_sheet(tmp_path, home):
    lines = [["Bon", "Kunde", "Datum", "Summe"], [1, "anna", "2026-01-02", 3.5], [2, "bert", "2026-01-03", 4.5]]
    file = workbook(tmp_path / "kasse.xlsx", Cover=COVER, Zeilen=lines)
    settings = Settings(home=home, dialects={"till": {"sheet": "Zeilen"}})
    found = inspect(file, settings, write_to=tmp_path / "sources")
    assert found.is_usable and found.columns == lines[0]
    again = inspect(file, Settings(home=home, sources_folder=tmp_path / "sources"))
    assert (again.source.name, again.columns, again.loaded.accepted) == ("kasse", lines[0], 2)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b"[1, 2]\n", "no JSON object with a key: .jsonl holds one object per line, or arrays of objects"),
        ("b.jsonl", b'[\n"order_id",\n"1"\n]\n', "no JSON object with a key"),
        ("c.jsonl", b"[]\n", "no JSON object with a key"),
        ("d.json", b'{\n  "order_id":\n', "no JSON object with a key"),
        ("e.jsonl", b"{}\n{}\n", "one object per line"),
        ("f.csv", b'[{"order_id": 1}]\n', "is no CSV but JSON"),
        ("g.csv", b"\n<!DOCTYPE html>\n<html><body>Sign in</body></html>\n", "is no text but a web page (HTML)"),
        ("h.csv", "<html><body>Sign in</body></html>".encode("utf-16"), "is no text but a web page (HTML)"),
        ("i.csv", b"<?xml version='1.0'?><orders/>\n", "is no text but XML; export CSV"),
        ("j.csv", b'"order_id,customer_id,ordered_at"\n"o1,anna,2026-01-02"\n', "stands in quotes as a whole"),
        ("k.csv", b'"order_id;customer_id;""ordered at"""\n"o1;anna;""2026-01-02"""\n', "stands in quotes as a whole"),
        ("l.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "it is no workbook of today (.xlsx) but an old"),
        ("m.xlsx", b"<table><tr><td>order_id</td></tr></table>", "it is no workbook of today (.xlsx) but a web page"),
        ("n.xlsx", HEADER.encode(), "but text; name it .csv"),
        ("o.xlsx", b"PK\x03\x04" + bytes(100), "its archive cannot be unpacked"),
        ("p.parquet", HEADER.encode(), "it is no Parquet but text; name it .csv"),
        ("q.csv.gz", gzip.compress(HEADER.encode() * 99, mtime=0)[:30], "it is cut short or damaged, or no gzip at"),
        ("r.csv.zst", b"order_id", "it is cut short or damaged, or no zstd at all. Export it"),
    ],
)  # fmt: skip
def test_what_is_no_export_is_told_for_what_it_looks_like(name, content, says, tmp_path, home):
    file = tmp_path / name
    file.write_bytes(content)
    for source in ((), ("--source", "perennial")):
        code, shown = run(file, "--home", home, *source)
        assert code == 1 and says in shown
        for words in (" . ", "calamine", "EOCD", "stream Export"):
            assert words not in shown


def test_a_line_of_json_that_is_an_array_spoils_itself_alone(tmp_path, home):
    lines = [json.dumps({"order_id": n, "customer_id": "anna", "ordered_at": "2026-01-02", "amount": 1}) for n in "abc"]
    found = inspect(write(tmp_path, "\n".join(["[1, 2]", *lines]), "orders.jsonl"), Settings(home=home))
    assert (found.loaded.accepted, found.loaded.quarantined) == (3, 1)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a.csv", "UTF-8, fields divided by commas, decimal points, ISO dates"),
        ("a.jsonl", "JSON, one object per line"),
        ("a.xlsx", "cells of a workbook"),
        ("a.parquet", "typed columns"),
    ],
)
def test_how_a_file_is_written_is_said_of_its_format(name, written, tmp_path, home):
    file, frame = tmp_path / name, pl.DataFrame(KNOWN[1:], schema=HEADER.split(","), orient="row")
    if name.endswith("xlsx"):
        workbook(file, Lines=KNOWN)
    else:
        {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}[name[2:]](file)
    code, shown = run(file, "--home", home)
    assert code == 0 and re.search(rf"^written +{re.escape(written)}$", plain(shown), re.MULTILINE), shown


def test_aligned_text_is_not_said_to_have_commas(home):
    shown = run(CDNOW, "--home", home)[1]
    assert re.search(r"^written +lines of aligned text", shown, re.MULTILINE)


def plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines())


def test_a_layout_that_is_known_says_that_nothing_is_written(tmp_path, home):
    file = write(tmp_path, f"{HEADER}\no1,anna,2026-01-02,10\n")
    for source, why in (((), "knows this layout"), (("--source", "perennial"), "was named")):
        code, shown = run(file, "--home", home, "--write", tmp_path / "sources", *source)
        assert code == 0 and f"No source is written: perennial {why}." in shown
    assert not (tmp_path / "sources").exists()


@pytest.mark.parametrize(
    "name",
    ["total_cents", "totalCents", "amountcents", "Kwota (grosze)", "Summa öre", "amount_minor", "Umsatz TEUR"],
)  # fmt: skip
def test_a_sum_that_is_not_in_whole_units_is_not_taken_for_the_amount(name, tmp_path, home):
    rows = layout(f"Order,Customer,Date,{name}", "{o},{c},2026-01-{d},{n}50.00", 12)
    file = write(tmp_path, rows, "minor.csv")
    found = inspect(file, Settings(home=home), write_to=tmp_path / "sources")
    assert not found.is_usable and "amount" not in found.guessed and "surely amount" in found.problem
    assert f'NULL AS amount  -- map it; candidates: "{name}"' in found.written.read_text()
    assert "divide it, cents by 100" in found.written.read_text()


def test_a_sum_in_whole_units_beside_the_one_in_cents_is_taken():
    assert guess_columns({"total_cents": {"number"}, "Total": {"number"}}) == {"amount": "Total"}
    assert guess_columns({"discount_percent": {"number"}, "Discount %": {"number"}}) == {}
    assert guess_columns({"Center total": {"number"}}) == {"amount": "Center total"}


@pytest.mark.parametrize(
    ("others", "guess"),
    [
        (lambda n: f"{n % 4},x{n % 4}", "sample_customer_id"),  # the same people under another id
        (lambda n: f"{n % 4},{n % 3}", None),  # who orders and who gets it: nobody can tell which is meant
    ],
)
def test_two_ids_of_customers_are_one_if_they_say_the_same(others, guess, tmp_path, home):
    rows = [f"{others(n)},2026-01-{n % 28 + 1:02},{n}.50" for n in range(40)]
    file = write(tmp_path, "\n".join(["master_customer_id,sample_customer_id,date,dollar_value", *rows]), "cdnow.csv")
    found = inspect(file, Settings(home=home))
    assert found.guessed.get("customer_id") == guess
    assert found.guessed["amount"] == "dollar_value"
    assert ("surely customer_id" in found.problem) == (guess is None)


def test_a_folder_that_cannot_be_made_for_a_source_is_told(tmp_path, home):
    (tmp_path / "taken").write_text("")
    file = write(tmp_path, "order;client;date;total\n1;anna;2026-01-02;5\n2;bert;2026-01-03;6\n", "till.csv")
    code, shown = run(file, "--home", home, "--write", tmp_path / "taken" / "x")
    assert code == 1 and "order_lines.sql cannot be written (Not a directory). Name another folder" in shown


def test_whatever_goes_wrong_is_one_message(tmp_path, home, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("pipeline.ingest.inspection.inspect", broken)
    code, shown = run(write(tmp_path, HEADER), "--home", home)
    assert code == 1 and shown.startswith("Not inspected. Unexpected error: ZeroDivisionError")
    assert "Traceback" not in shown and "Traceback" in run(tmp_path / "orders.csv", "--home", home, "--debug")[1]


def test_the_terminal_writes_numbers_as_the_locale_does(tmp_path, home, monkeypatch):
    monkeypatch.setenv("PERENNIAL_LOCALE", "de")
    _, shown = run(write(tmp_path, f"{HEADER}\no1,anna,2026-01-02,1234.5\n"), "--home", home)
    assert "revenue 1.234,50" in shown and "quarantined (0,0\N{NO-BREAK SPACE}%)" in shown


# ── what is over by its status, and sums of whole orders ──────────────────────────────────────────────────────────────


def test_what_a_status_ends_brings_nothing_in_the_source_that_is_written(tmp_path, home):
    # Two orders stand (10 and 5), one of them by a word that no list knows; the others are over.
    rows = [
        "1,anna,2026-01-02,10.00,Payment accepted",
        "2,anna,2026-01-03,20.00,Canceled",
        "3,bert,2026-01-04,40.00,Refunded",
        "4,bert,2026-01-05,80.00,wc-failed",
        "5,cleo,2026-01-06,5.00,at the depot",
    ]
    file = write(tmp_path, "\n".join(["Order,Client,Date,Total,Payment state", *rows]) + "\n")
    found = inspect(file, Settings(home=home), write_to=tmp_path / "sources")
    assert found.guessed["status"] == "Payment state" and found.is_usable
    assert (found.figures.customers, found.figures.revenue) == (3, 15)
    assert [remark.subject for remark in found.loaded.remarks] == ["unknown_status"]
    statuses = {row["order_id"]: row.get("status") for row in found.sample}
    assert [statuses[order] for order in "2345"] == ["cancelled"] * 3 + ["at the depot"]


def test_of_prices_of_pieces_too(tmp_path, home):
    rows = ["1,anna,2026-01-02,2,10.00,paid", "2,anna,2026-01-03,3,20.00,cancelled", "3,bert,2026-01-04,1,7.00,paid"]
    file = write(tmp_path, "\n".join(["Order,Client,Date,Quantity,Unit price,Status", *rows]) + "\n")
    found = inspect(file, Settings(home=home), write_to=tmp_path / "sources")
    assert "amount" not in found.guessed and found.figures.revenue == 27


def test_the_column_of_words_that_end_orders_is_the_status_whatever_its_name(tmp_path, home):
    rows = [f"{n},anna,2026-01-0{n},10.00,shipped,{state}" for n, state in enumerate(("paid", "refunded", "paid"), 1)]
    file = write(tmp_path, "\n".join(["Order,Client,Date,Total,Status,Money", *rows]) + "\n")
    assert inspect(file, Settings(home=home)).guessed["status"] == "Money"


@pytest.mark.parametrize(
    ("header", "revenue"),
    [("Order,Client,Date,Product,Quantity,Price,Order total", 60), ("Order,Client,Date,Product,Order total", None)],
)
def test_a_sum_of_the_whole_order_on_each_of_its_rows_is_not_its_lines_amount(header, revenue, tmp_path, home):
    # Three orders of two lines, each worth 20 in all: taken for the lines' they would come to 120.
    rows = [
        f"{order},anna,2026-01-0{order},tea {line}{',1,' + price if revenue else ''},{total}"
        for order, total in ((1, "20.00"), (2, "20.10"), (3, "19.90"))
        for line, price in ((1, "15.00"), (2, f"{float(total) - 15:.2f}"))
    ]
    file = write(tmp_path, "\n".join([header, *rows]) + "\n")
    found = inspect(file, Settings(home=home), write_to=tmp_path / "sources")
    assert "amount" not in found.guessed
    if revenue:
        assert found.is_usable and found.figures.revenue == revenue
    else:
        assert "map amount" in found.problem


def test_a_price_that_is_the_order_s_on_each_row_is_no_amount_either(tmp_path, home):
    # Without pieces a price would be what was paid; this one is told once for each line of its order.
    rows = [f"{order},anna,2026-01-0{order},tea {line},{order}9.00" for order in (1, 2, 3) for line in (1, 2)]
    file = write(tmp_path, "\n".join(["Order,Client,Date,Product,Price", *rows]) + "\n")
    found = inspect(file, Settings(home=home))
    assert "amount" not in found.guessed and "None of its columns is surely amount" in found.problem


def test_an_amount_that_is_not_known_is_null_once_whatever_the_status_says(tmp_path, home):
    rows = ["1,anna,2026-01-02,tea,paid", "2,bert,2026-01-03,hat,cancelled"]
    file = write(tmp_path, "\n".join(["Order,Client,Date,Product,Status", *rows]) + "\n")
    written = inspect(file, Settings(home=home), write_to=tmp_path / "sources").written.read_text()
    assert written.count(" AS amount") == 1 and "NULL AS amount" in written


def test_lines_of_like_amounts_are_amounts(tmp_path, home):
    # Two of three orders have lines of one price, as orders may.
    prices = {1: ("15.00", "15.00"), 2: ("7.00", "7.00"), 3: ("5.00", "6.00")}
    rows = [f"{order},anna,2026-01-0{order},tea {n},{prices[order][n]}" for order in prices for n in (0, 1)]
    file = write(tmp_path, "\n".join(["Order,Client,Date,Product,Amount", *rows]) + "\n")
    assert inspect(file, Settings(home=home)).guessed["amount"] == "Amount"


def test_a_number_of_a_customer_goes_before_an_address_whatever_stands_before_it(tmp_path, home):
    profile = {"orderCustomer.customerNumber": set(), "orderCustomer.email": {"email"}}
    assert guess_columns(profile) == {"customer_id": "orderCustomer.customerNumber"}


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ({"Date Shipped": {"date"}, "Sale Date": {"date"}}, {"ordered_at": "Sale Date"}),
        ({"amazon-order-id": set(), "buyer-email": {"email"}},
         {"order_id": "amazon-order-id", "customer_id": "buyer-email"}),
        ({"Number of Items": {"number"}, "Shipping": {"money", "number"}}, {"quantity": "Number of Items"}),
    ],
)  # fmt: skip
def test_columns_of_marketplaces_are_what_they_are(profile, expected):
    assert guess_columns(profile) == expected


def test_names_of_people_as_customers_are_warned_of(tmp_path, home):
    file = write(tmp_path, "Order,Customer,Date,Total\n1,Anna Nowak,2026-01-02,10\n2,Jean-Luc D'Arc,2026-01-03,5\n")
    found = inspect(file, Settings(home=home), write_to=tmp_path / "sources")
    assert "which looks like people's names: two of one name would be one customer" in found.note
    assert "-- looks like people's names" in found.written.read_text()
    ids = write(tmp_path, "Order,Customer,Date,Total\n1,K-17,2026-01-02,10\n2,anna,2026-01-03,5\n", "ids.csv")
    assert inspect(ids, Settings(home=home)).note is None


def test_rows_that_are_wider_than_the_terminal_stand_beside_each_other():
    rows = [{"order_id": f"o{n}", "customer_id": "anna", "product_name": f"A hat of wool {n}"} for n in range(3)]

    def shown(width: int) -> str:
        console = Console(width=width, file=io.StringIO())
        console.print(_sample(rows, width))
        return plain(console.file.getvalue())

    assert shown(200).splitlines()[:2] == [
        "order_id  customer_id  product_name", "o0        anna         A hat of wool 0",
    ]  # fmt: skip
    assert shown(39).splitlines() == [
        "order_id      o0", "customer_id   anna", "product_name  A hat of wool 0",
    ]  # fmt: skip
    rows = [row | {"category": "Hats and scarves"} for row in rows]
    assert shown(52).splitlines()[2] == "product_name  A hat of wool 0   A hat of wool 1"
