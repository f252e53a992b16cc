"""Who was forgotten does not come back with an export; the totals of their orders stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from drop_folder import Home
from pydantic import Secret

from pipeline.home.people import people_attached
from pipeline.ingest.tombstones import (
    ErasureKeyError,
    Tombstones,
    case_file,
    hand_over,
    key_id,
    tombstone,
    tombstone_sql,
)
from pipeline.settings import SettingsError, load

KEY = "example-key-do-not-use"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


def forgotten(home: Home, *stones: tuple[str, str], on: str = "2026-06-30", key: str = KEY, case: str = "one") -> None:
    """A case of before, as its file tells it."""
    home.settings["erasure_keys"] = Secret(key)
    file = case_file(home.now(), case)
    file.parent.mkdir(parents=True, exist_ok=True)
    values = [{"kind": kind, "value": tombstone(key.encode(), kind, known_as)} for kind, known_as in stones]
    told = {"case": case, "state": "closed", "erased_on": on, "key_id": key_id(key.encode()), "tombstones": values}
    file.write_text(json.dumps(told))


def test_a_tombstone_is_the_hmac_of_kind_and_identifier():
    assert tombstone(KEY.encode(), "email", "jan.kowalski@example.com") == (
        "626aad8d8b1e7e10c204c4b75155f86b87d6c61e40be00263d2c2c9ba02ae025"
    )


@pytest.mark.parametrize(
    "key", [KEY, "k" * 64, "a key that is longer than a block of SHA-256, which is hashed first, ł"]
)
def test_sql_makes_the_same_tombstones(home, key):
    hand_over(home.engine, Tombstones([b"another-key-of-before", key.encode()], {}))
    for kind, text in (
        ("email", "jan.kowalski@example.com"),
        ("customer_id", "zoë 🙂"),
        ("order_id", ""),
        ("phone", "+1"),
    ):
        made = home.engine.scalar(f"SELECT {tombstone_sql(1, kind, '$text')}", {"text": text})
        assert made == tombstone(key.encode(), kind, text)


def test_ids_with_blanks_around_them_are_known_again(home):
    """In the quarantine of a table as in a table: blanks of any kind are no part of an id."""
    forgotten(home, ("customer_id", "anna"), ("customer_id", "bert"))
    home.lines("1.csv", "o1,anna\t,2026-01-02,10", "o2,\u00a0bert\u2009,2026-01-02,10", "o3,cleo,2026-01-02,10")
    home.load()
    assert sorted(row[0] or "" for row in home.order_lines().rows("customer_id")) == ["", "", "cleo"]


def test_orders_of_who_was_forgotten_stay_without_them_and_a_later_one_is_somebody_new(home):
    forgotten(home, ("customer_id", "anna"))
    header = "order_id,customer_id,ordered_at,amount,city"
    home.lines("1.csv", "o1,anna,2026-01-02,10,Kraków", "o1,,2026-01-02,5,Kraków", "o2,bert,2026-01-03,20,Kraków",
        "o3,anna,2026-07-01,40,Gdynia", header=header)  # fmt: skip
    home.load()
    rows = sorted(home.order_lines().rows("customer_id", "order_id", "amount", "city"), key=lambda row: row[2])
    alias = rows[0][1]
    assert alias.startswith("erased-") and "o1" not in alias
    assert [(customer, order, int(amount), city) for customer, order, amount, city in rows] == [
        (None, alias, 5, None), (None, alias, 10, None), ("bert", "o2", 20, "Kraków"), ("anna", "o3", 40, "Gdynia"),
    ]  # fmt: skip
    home.lines("2.csv", "o1,anna,2026-01-02,12,Kraków", header=header)
    home.load()
    of_order = [int(row[1]) for row in home.order_lines().rows("order_id", "amount") if row[0] == alias]
    assert of_order == [12], "the same order of a newer export takes its place"


def test_rows_about_who_was_forgotten_are_left_out_of_every_input(home):
    forgotten(home, ("customer_id", "anna"), ("email", "anna@x.example"), ("phone", "+48600123456"))
    home.settings["country"] = "PL"
    home.lines("people.csv", "anna,2026-01-01,,,Anna", "other,2026-01-01, ANNA@X.example,,Anna",
        "third,,,600 123 456,Anna", "bert,2026-01-01,bert@x.example,,Bert", "anna,2026-07-01,,,Anna",
        header="customer_id,registered_at,email,phone,first_name")  # fmt: skip
    home.lines("words.csv", "anna,marketing,email,granted,2026-01-01", "bert,marketing,email,granted,2026-01-01",
        header="customer_id,purpose,channel,status,changed_at")  # fmt: skip
    home.lines("not.csv", "email,Anna@x.example,bounced,2026-01-01", "phone,0048 600 123 456,asked,2026-01-01",
        "customer_id,anna,asked,2026-01-01", "email,bert@x.example,bounced,2026-01-01",
        header="kind,value,reason,since")  # fmt: skip
    home.load()
    assert sorted(row[0] for row in home.staged("customers").rows("customer_id")) == ["anna", "bert"]
    assert home.staged("consents").rows("customer_id") == [("bert",)]
    with people_attached(home.engine, home.now()):
        assert home.engine.execute("SELECT value FROM people.suppressions") == [("bert@x.example",)]
        assert home.engine.execute("SELECT DISTINCT first_name, email FROM people.customers ORDER BY ALL") == [
            ("Anna", None), ("Bert", "bert@x.example"),
        ]  # fmt: skip
    assert [row[0] for row in home.ledger().rows("rows_read")].count(4) == 0, "what is left out is no row"
    told = home.select("SELECT message FROM ingest.remarks WHERE subject = 'erased' ORDER BY rows").rows("message")
    assert [message.partition(" left")[0] for (message,) in told] == ["1 row", "3 rows", "3 rows"]


def test_a_cell_that_names_several_loses_who_was_forgotten_and_keeps_the_no_of_the_others(home):
    forgotten(home, ("email", "anna@x.example"), ("customer_id", "cleo"))
    home.lines("not.csv", "email,anna@x.example; bert@x.example,2026-01-01", "email,ANNA@x.example,2026-01-01",
        "email,cleo,2026-01-01", "email,anna@x.example; dora@x.example,2026-07-01",
        header="kind,value,since")  # fmt: skip
    home.load()
    with people_attached(home.engine, home.now()):
        assert home.engine.execute("SELECT row_number, value FROM people.suppressions ORDER BY ALL") == [
            (1, "bert@x.example"), (4, "anna@x.example"), (4, "dora@x.example"),
        ]  # fmt: skip


def test_a_row_that_does_not_fit_is_quarantined_without_its_text(home):
    forgotten(home, ("customer_id", "anna"))
    home.lines("1.csv", "o1,anna,2026-01-02,much", "o2,bert,2026-01-02,much")
    home.load()
    texts = home.set_aside().rows("raw")
    assert len(texts) == 2 and "anna" not in str(texts) and "bert" in str(texts)


def test_without_the_key_nothing_is_loaded_and_an_old_one_knows_old_cases(home):
    forgotten(home, ("customer_id", "anna"), key="the-key-of-last-year")
    home.lines("1.csv", "o1,anna,2026-01-02,10", "o2,bert,2026-01-02,20")
    for keys in (None, Secret(KEY)):
        home.settings["erasure_keys"] = keys
        with pytest.raises(ErasureKeyError, match=r"PERENNIAL_ERASURE_KEYS.*come back"):
            home.load()
        assert not home.order_lines().rows()
    home.settings["erasure_keys"] = Secret(f"{KEY}, the-key-of-last-year")
    home.load()
    assert sorted(row[0] or "" for row in home.order_lines().rows("customer_id")) == ["", "bert"]


def test_a_case_that_cannot_be_read_stops_the_load(home):
    forgotten(home, ("customer_id", "anna"))
    case_file(home.now(), "one").write_text("{")
    home.lines("1.csv", "o1,anna,2026-01-02,10")
    with pytest.raises(ErasureKeyError, match="restore it from the backup"):
        home.load()


def test_a_key_is_long_and_never_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("PERENNIAL_ERASURE_KEYS", f"{KEY},too-short")
    with pytest.raises(SettingsError, match="16 characters") as refused:
        load(tmp_path)
    assert "too-short" not in str(refused.value)
    monkeypatch.setenv("PERENNIAL_ERASURE_KEYS", KEY)
    settings = load(tmp_path)
    for shown in (repr(settings), str(settings.analytic()), settings.model_dump_json()):
        assert KEY not in shown
