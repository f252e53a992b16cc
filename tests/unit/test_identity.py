"""Identity: ids of e-mail addresses are HMAC-SHA-256 with the home's key, and none is made with another by accident."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pytest
from drop_folder import Home
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.ingest.identity import IdKeyError, find_key, key_file, key_id, make_key, set_key
from pipeline.ingest.recognise import id_sql
from pipeline.settings import Settings, SettingsError, load

OWN = (
    "SELECT row_number, order_id, mail AS customer_id, day AS ordered_at, TRY_CAST(money AS DECIMAL(18,2)) AS amount "
    "FROM export"
)
RAW = "{order_id: {}, mail: {type: email}, day: {}, money: {}}"
KEY = bytes(range(32))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        home = Home(tmp_path, opened)
        home.own_source(OWN, RAW)
        yield home


def drop(home: Home, *mails: str) -> None:
    rows = [f"o{n},{mail},2026-01-02,10" for n, mail in enumerate(mails, start=1)]
    home.drop("mails.csv", "\n".join(["order_id,mail,day,money", *rows]) + "\n", "own")


def ids_of(home: Home) -> list[str]:
    return home.select("SELECT customer_id FROM staging.order_lines ORDER BY row_number").frame["customer_id"].to_list()


@given(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=200), min_size=1, max_size=20),
    st.binary(min_size=32, max_size=32),
)
def test_the_engine_computes_what_python_does(texts: list[str], key: bytes) -> None:
    engine = DuckDBEngine(duckdb.connect())
    set_key(engine, key)
    sql = f"SELECT text, {id_sql('text')} FROM (SELECT unnest($texts) AS text)"
    for text, made in engine.execute(sql, {"texts": texts}):
        assert made == hmac.new(key, text.encode(), "sha256").hexdigest()


def test_without_a_key_there_is_no_id_and_nobody_becomes_a_guest() -> None:
    with pytest.raises(duckdb.InvalidInputException):
        DuckDBEngine(duckdb.connect()).execute(f"SELECT {id_sql('text')} FROM (VALUES ('a')) AS texts(text)")


def test_one_person_is_one_id_made_with_the_key_of_the_home(home: Home) -> None:
    drop(home, "Jan.Łoś@Example.org", " jan.łoś@example.ORG ", "eva@x.org", "")
    home.load()
    key = find_key(home.now())
    assert key is not None
    jan, eva = (hmac.new(key, mail.encode(), "sha256").hexdigest() for mail in ("jan.łoś@example.org", "eva@x.org"))
    assert ids_of(home) == [jan, jan, eva, None]
    assert home.ledger().one("id_key") == key_id(key)
    file = key_file(home.path)
    assert (file.stat().st_mode & 0o777, len(file.read_text().strip())) == (0o600, 64)


def test_the_key_is_made_once_and_only_where_addresses_come(home: Home) -> None:
    home.lines("plain.csv", "p1,anna,2026-01-02,10")
    home.load()
    assert not key_file(home.path).exists() and home.ledger().one("id_key") is None
    drop(home, "a@x.org")
    home.load()
    made = key_file(home.path).read_bytes()
    home.drop("more.csv", "order_id,mail,day,money\no9,a@x.org,2026-01-03,5\n", "own")
    home.load()
    assert key_file(home.path).read_bytes() == made
    assert len({*ids_of(home)} - {"anna"}) == 1


def test_a_lost_or_changed_key_stops_the_load_before_anything_changes(home: Home) -> None:
    drop(home, "a@x.org")
    home.load()
    before, key = home.everything(), key_file(home.path).read_text()
    key_file(home.path).unlink()
    with pytest.raises(IdKeyError, match=r"key of the customer ids is missing.*perennial rekey"):
        home.load()
    make_key(home.path)
    with pytest.raises(IdKeyError, match="made with another key") as refused:
        home.load()
    assert key_file(home.path).read_text().strip() not in str(refused.value)
    key_file(home.path).write_text("not a key")
    with pytest.raises(IdKeyError, match="holds no key"):
        home.load()
    key_file(home.path).write_text(key)
    home.load()
    assert home.everything() == before


def test_ids_that_are_the_bare_hash_are_refused(home: Home) -> None:
    drop(home, "a@x.org")
    home.load()
    bare = hashlib.sha256(b"a@x.org").hexdigest()
    assert bare not in ids_of(home)
    home.engine.execute("UPDATE staging.order_lines SET customer_id = $bare", {"bare": bare})  # as before
    home.engine.execute("UPDATE ingest.files SET id_key = NULL")
    with pytest.raises(IdKeyError, match="bare SHA-256"):
        home.load()


def test_a_key_from_outside_is_used_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIAL_ID_KEY", KEY.hex())
    settings = load(tmp_path)
    assert find_key(settings) == KEY
    for shown in (repr(settings), str(settings.analytic()), settings.model_dump_json()):
        assert KEY.hex() not in shown
    monkeypatch.setenv("PERENNIAL_ID_KEY", "secret-and-too-short")
    with pytest.raises(SettingsError, match="64 hexadecimal digits") as refused:
        load(tmp_path)
    assert "secret-and" not in str(refused.value) and refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    ("customers", "told"),
    [
        (("a@x.org", "b@x.org", "c1"), "2 rows with an e-mail address"),
        (("600123456", "c1", "c2", "a@x.org"), "1 row with an e-mail address"),
        (("+48 600 123 456", "0048600123456"), "2 rows with a phone number"),
        (("+48 600 123 456", "c1", "c2", "c3"), "1 row with a phone number"),
        (("0000123456", "c1", "c2", "c3"), None),
    ],
)
def test_ids_that_are_addresses_or_numbers_of_people_are_told(home: Home, customers, told) -> None:
    home.lines("plain.csv", *(f"o{n},{customer},2026-01-02,10" for n, customer in enumerate(customers)))
    home.load()
    messages = [message for subject, message in home.remarks().items() if subject.startswith("personal_")]
    assert [message.partition(" for the customer")[0] for message in messages] == ([told] if told else [])
    assert set(ids_of(home)) == set(customers), "they are told and not changed"


def test_a_new_settings_object_without_a_key_has_none(tmp_path: Path) -> None:
    assert find_key(Settings(home=tmp_path)) is None
