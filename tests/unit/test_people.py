"""Who customers are: kept in data/people alone, in one way of writing, for the rows that count in staging."""

from __future__ import annotations

import datetime as dt
import hashlib
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import duckdb
import polars as pl
import pytest
from drop_folder import Home
from hypothesis import given
from hypothesis import strategies as st

from pipeline.activation.terms import Gate
from pipeline.errors import ExportError
from pipeline.home.modes import set_right
from pipeline.home.people import PeopleLost, PeopleUnusable, people_at_hand, people_attached, people_file
from pipeline.ingest.contacts import email, emails, named, phone

HEADER = "customer_id,registered_at,updated_at,email,phone,first_name,country,birth_date"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


def known(home: Home) -> dict[str, tuple[str | None, ...]]:
    """Customer -> e-mail, phone and first name, as the rows of staging have them in `people`."""
    with people_attached(home.engine, home.now()):
        rows = home.engine.execute(
            "SELECT customer_id, known.email, known.phone, known.first_name "
            "FROM staging.customers JOIN people.customers AS known USING (file_id, row_number)"
        )
        assert home.engine.scalar("SELECT count(*) FROM people.customers") == len(rows), "rows of nobody"
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (" Jan.Kowalski+Promo@Gmail.com ", "jan.kowalski+promo@gmail.com"),
        ("ZOE\u0308@EXAMPLE.com", "zo\u00eb@example.com"),
        ("anna@m\u00fcnchen.example", "anna@m\u00fcnchen.example"),
        ("anna@xn--mnchen-3ya.example", "anna@m\u00fcnchen.example"),
        ("\ufeffan\u200bna@x.example\t", "anna@x.example"),
        ("Anna Kowal <Anna@X.example>", "anna@x.example"),
        ('"Kowal, Anna" <anna@x.example>;', "anna@x.example"),
        ("MailTo:anna@x.example", "anna@x.example"),
        ("'anna@x.example'", "anna@x.example"),
        ("ａｎｎａ＠x.example", "anna@x.example"),
        ("anna kowal@example.com", None),
        ("anna@example", None),
        ("anna@", None),
        ("", None),
        (f"{'a' * 400}@example.com", None),
    ],
)  # fmt: skip
def test_an_address_is_kept_in_one_way(told, kept):
    assert email(told) == kept
    assert emails(pl.Series(["z@ok.org", told])).to_list() == ["z@ok.org", kept]


_WORD = st.text("aZ09._+-@", min_size=1, max_size=12)
_DOMAIN = st.text("aX0-.", min_size=1, max_size=12)
_LAST = st.sampled_from(["com", "example", "TEST", "local", "c", "x1", "onion"])


@given(st.lists(st.builds("{}@{}.{}".format, _WORD, _DOMAIN, _LAST), max_size=20))
def test_many_addresses_are_kept_like_each_alone(told):
    assert emails(pl.Series(told, dtype=pl.String)).to_list() == [email(one) for one in told]


@pytest.mark.parametrize(
    ("told", "country", "kept"),
    [
        ("0048 600-123-456", None, "+48600123456"),
        ("600 123 456", "PL", "+48600123456"),
        ("+44 (0)20 7183 8750", "PL", "+442071838750"),
        ("+374-93-828222", None, "+37493828222"),
        ("0044 (0)20 7183 8750", "PL", "+442071838750"),
        ("(0048) 600 123 456", None, "+48600123456"),
        ("\u202a+48\t600\u200b123 456\u202c", None, "+48600123456"),
        ("tel:+48600123456", None, "+48600123456"),
        ("\uff0b48 600 123 456", None, "+48600123456"),
        ("600 123 456", None, None),
        ("600 123 456", "XX", None),
        ("020 7183 8750", "UK", "+442071838750"),
        ("12", "PL", None),
        ("call me", "PL", None),
    ],
)  # fmt: skip
def test_a_number_is_kept_in_one_way_and_only_a_valid_one(told, country, kept):
    assert phone(told, country) == kept


@pytest.mark.parametrize(
    ("kind", "told", "found"),
    [
        ("email", "Anna@X.example", ("email", ["anna@x.example"])),
        ("phone", "Anna@X.example", ("email", ["anna@x.example"])),
        ("email", "600 123 456", ("phone", ["+48600123456"])),
        ("email", "b@x.example; Anna <a@x.example>", ("email", ["a@x.example", "b@x.example"])),
        ("email", "a@x.example b@x.example", ("email", ["a@x.example", "b@x.example"])),
        ("phone", "600 123 456 / 601 123 456", ("phone", ["+48600123456", "+48601123456"])),
        ("phone", "+48600123456 +48601123456", ("phone", ["+48600123456", "+48601123456"])),
        ("email", "a@x.example, 600-123-456", ("email", ["+48600123456", "a@x.example"])),
        ("email", "a@x.example, gone", ("email", ["a@x.example"])),
        ("email", "anna-0017", ("customer_id", ["anna-0017"])),
        ("phone", "10001", ("customer_id", ["10001"])),
        ("email", "no address", ("email", [])),
        ("phone", "+999 12 34 56 78", ("phone", [])),
        ("phone", "1234567", ("phone", [])),
        ("customer_id", " Anna 17 ", ("customer_id", ["Anna 17"])),
        ("customer_id", "Anna@X.example", ("customer_id", ["Anna@X.example", "anna@x.example"])),
        ("customer_id", "+48 600 123 456", ("customer_id", ["+48 600 123 456", "+48600123456"])),
        ("customer_id", "600123456", ("customer_id", ["600123456"])),
        ("customer_id", "anna＠x.example", ("customer_id", ["anna＠x.example", "anna@x.example"])),
        ("email", "anna＠x.example", ("email", ["anna@x.example"])),
        ("strange", "17", ("strange", ["17"])),
    ],
)  # fmt: skip
def test_a_cell_of_a_list_names_all_that_it_may_name(kind, told, found):
    assert named(kind, told, "PL") == found


def test_who_somebody_is_stands_in_people_alone(home):
    home.settings["country"] = "PL"
    home.lines("people.csv",
        "anna,2026-01-01,,Anna@X.example,600 123 456,Anna,,1960-02-28",
        "bert,2026-01-01,,bert@x.example,020 7183 8750,Bert,gb,",
        "cleo,2026-01-01,,cleo(at)x.example,12,Cleo,,", header=HEADER)  # fmt: skip
    home.load()
    assert known(home) == {
        "anna": ("anna@x.example", "+48600123456", "Anna"),
        "bert": ("bert@x.example", "+442071838750", "Bert"),
        "cleo": (None, None, "Cleo"),
    }
    assert "x.example" not in str(home.everything()).lower() and "600" not in str(home.everything())
    assert home.remarks()["unusable_email"] == (
        "email cannot be an e-mail address in 1 of its rows; these customers are kept without it."
    )
    assert home.remarks()["unusable_phone"].startswith("phone cannot be a telephone number in 1 of its rows")


def test_hashes_that_no_source_reads_are_told(home):
    digest = hashlib.sha256(b"anna@x.example").hexdigest()
    home.lines("a.csv", f"anna,2026-01-01,,{digest.upper()},,,,", "bert,2026-01-01,,bert,,,,", header=HEADER)
    home.lines("b.csv", f"cleo,2026-01-01,{digest}", header="customer_id,registered_at,Email_SHA256")
    home.load()
    assert set(known(home).values()) == {(None, None, None)}
    how = "Map them to email_sha256 or phone_sha256 in a source of your own whose header says hashed_for"
    assert home.remarks()["unusable_email"].startswith(
        f"email cannot be an e-mail address in 2 of its rows; these customers are kept without it. "
        f"Hashes (SHA-256): 1. {how}"
    )
    assert home.remarks()["unread_hashes"].startswith(
        f'column "email_sha256": left out, as perennial.customers reads no hashes. {how}'
    )
    assert digest not in str(home.everything()).lower()


def test_a_header_line_is_no_customer(home):
    home.lines("a.csv", "anna,2026-01-01,,anna@x.example,,Anna,,", HEADER, header=HEADER)
    home.lines("b.csv", "No.,Since,Changed,Mail,,,,", "bert,2026-01-01,,bert@x.example,,,,", header=HEADER)
    home.load()
    assert set(known(home)) == {"anna", "bert"}


def test_quarantine_keeps_no_personal_column(home):
    home.lines("people.csv", ",2026-01-01,,anna@x.example,600,Anna,PL,", header=HEADER)
    home.load()
    assert "registered_at" in home.set_aside().rows("raw")[0][0]
    assert not any(text in str(home.set_aside().rows()) for text in ("x.example", "Anna", "600"))


def test_a_person_who_was_too_old_for_orders_is_kept(home):
    home.lines(
        "people.csv", "anna,2026-01-01,,,,Anna,,1901-05-01", "bert,2026-01-01,,,,Bert,,1812-01-01", header=HEADER
    )
    home.load()
    assert set(known(home)) == {"anna", "bert"} and home.reasons() == {}
    assert home.remarks()["unusable_birth_date"].startswith(
        "birth_date cannot be right in 1 of its rows; these customers are kept without it. The first is row 2, column"
    )
    assert "1812" not in str(home.everything())


def test_the_latest_row_of_a_person_counts_and_the_others_are_not_kept(home):
    home.lines("1.csv", "anna,2026-01-01,2026-01-01,old@x.example,,Anna,,", header=HEADER)
    home.load()
    home.lines("2.csv", "anna,2026-01-01,2026-02-01,new@x.example,,Anna,,", header=HEADER)
    home.load()
    assert known(home) == {"anna": ("new@x.example", None, "Anna")}


def test_numbers_are_read_again_when_the_country_of_the_shop_changes(home):
    home.lines("people.csv", "anna,2026-01-01,,,600 123 456,Anna,,", header=HEADER)
    home.load()
    assert known(home) == {"anna": (None, None, "Anna")}
    home.settings["country"] = "PL"
    home.load()
    assert known(home) == {"anna": (None, "+48600123456", "Anna")}


def test_a_file_that_was_not_committed_leaves_nothing_behind(home, monkeypatch):
    home.lines("people.csv", "anna,2026-01-01,,anna@x.example,,Anna,,", header=HEADER)
    with monkeypatch.context() as broken, pytest.raises(RuntimeError, match="killed"):
        broken.setattr("pipeline.ingest.load.record.record_file", _killed)
        home.load()
    assert not home.staged("customers").rows()
    with people_attached(home.engine, home.now()):
        assert home.engine.scalar("SELECT count(*) FROM people.customers") == 1, "written before the rest"
    (home.path / "data" / "exports" / "perennial" / "people.csv").unlink()
    home.lines("orders.csv", "o1,anna,2026-01-02,10")
    home.load()
    assert known(home) == {}


def _killed(*_: object) -> None:
    raise RuntimeError("killed")


def test_nobody_else_may_open_the_file(home):
    home.lines("people.csv", "anna,2026-01-01,,anna@x.example,,Anna,,", header=HEADER)
    home.load()
    people_file(home.now()).chmod(0o644)
    set_right(home.now())
    assert stat.S_IMODE(people_file(home.now()).stat().st_mode) == 0o600
    assert stat.S_IMODE(people_file(home.now()).parent.stat().st_mode) == 0o700


def test_a_home_without_persons_has_no_such_file(home):
    home.lines("orders.csv", "o1,anna,2026-01-02,10")
    home.load()
    assert not people_file(home.now()).exists()


def two_exports(home: Home) -> tuple[Path, Path]:
    """Two files of customers, loaded; the first is what an older backup of people knows."""
    old = home.lines("old.csv", "anna,2026-01-01,,anna@x.example,,Anna,,", header=HEADER)
    home.load()
    backup = people_file(home.now()).read_bytes()
    new = home.lines("new.csv", "bert,2026-01-02,,bert@x.example,,Bert,,", header=HEADER)
    home.load()
    people_file(home.now()).with_name("backup").write_bytes(backup)
    return old, new


def lose(home: Home, by: str) -> None:
    file = people_file(home.now())
    file.unlink()
    if by == "older":
        file.with_name("backup").replace(file)


@pytest.mark.parametrize("by", ["removed", "older"])
def test_persons_that_are_lost_are_read_again_and_nothing_leaves_before(home, by):
    two_exports(home)
    before = known(home)
    lose(home, by)
    with pytest.raises(PeopleLost, match=r"new\.csv.*no audience is written.*run, which reads them again"):
        hand_over(home)
    assert people_file(home.now()).exists() == (by == "older"), "looking makes no file"
    home.load()
    assert known(home) == before
    hand_over(home)


@pytest.mark.parametrize("by", ["removed", "older"])
def test_persons_whose_export_is_gone_stop_the_run(home, by):
    _, new = two_exports(home)
    kept = new.read_bytes()
    new.unlink()
    lose(home, by)
    with pytest.raises(ExportError, match=r"lacks 1 row that the warehouse knows of, read from .*new\.csv"):
        home.load()
    with pytest.raises(PeopleLost):
        hand_over(home)
    home.drop("new.csv", kept)
    home.load()
    hand_over(home)


def hand_over(home: Home) -> None:
    with people_at_hand(home.engine, home.now()):
        pass


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    ("there", "said"),
    [
        (lambda file: file.write_text("no database at all " * 500), "is damaged, or no file of DuckDB"),
        (lambda file: file.write_bytes(b""), "is empty"),
        (lambda file: file.mkdir(), "is a folder"),
        (lambda file: file.symlink_to(file.with_name("elsewhere")), "is a link"),
    ],
    ids=["text", "empty", "folder", "link"],
)
def test_what_is_no_file_of_people_is_told_with_what_to_do(home, there, said, read_only):
    file = people_file(home.now())
    file.parent.mkdir(parents=True)
    there(file)
    with (
        pytest.raises(PeopleUnusable, match=f"{said}.*(?s:.)*move it away"),
        people_attached(home.engine, home.now(), read_only),
    ):
        pass


def test_a_file_of_another_program_is_of_an_earlier_version_to_who_only_reads(home):
    people_file(home.now()).parent.mkdir(parents=True)
    duckdb.connect(str(people_file(home.now()))).close()
    with pytest.raises(PeopleUnusable, match="Run first"), people_attached(home.engine, home.now(), read_only=True):
        pass
    home.lines("people.csv", "anna,2026-01-01,,,,Anna,,", header=HEADER)
    home.load()
    assert set(known(home)) == {"anna"}


def test_nobody_is_in_a_file_that_is_not_there(home):
    with people_at_hand(home.engine, home.now()):
        assert home.engine.scalar("SELECT count(*) FROM people.suppressions") == 0
    assert not people_file(home.now()).exists()


def remembered(home: Home) -> list[str]:
    with people_attached(home.engine, home.now()):
        Gate(home.engine, dt.date(2026, 1, 31))
        return [row[0] for row in home.engine.execute("SELECT DISTINCT customer_id FROM temp.suppressed ORDER BY 1")]


@pytest.mark.parametrize("by", ["removed", "older"])
def test_who_is_remembered_as_suppressed_outlives_the_file_of_people(home, by):
    """Anna has another address by now, and the export with the old one is gone: only the memory knows her."""
    old = home.lines("old.csv", "anna,2026-01-01,2026-01-01,anna@x.example,,,,", header=HEADER)
    home.load()
    backup = people_file(home.now()).read_bytes()
    people_file(home.now()).with_name("backup").write_bytes(backup)
    home.lines("list.csv", "email,anna@x.example,2026-01-01", header="kind,value,since")
    home.load()
    home.lines("new.csv", "anna,2026-01-01,2026-02-01,new@x.example,,,,", header=HEADER)
    home.load()
    old.unlink()
    assert remembered(home) == ["anna", "anna@x.example"]
    lose(home, by)
    with pytest.raises(PeopleLost):
        hand_over(home)
    home.load()
    hand_over(home)
    assert remembered(home) == ["anna", "anna@x.example"]
    with people_attached(home.engine, home.now()):
        assert home.engine.execute("SELECT customer_id FROM people.suppressed_customers") == [("anna",)]


@pytest.mark.parametrize("names", [("1.csv", "2.csv"), ("2.csv", "1.csv")])
def test_an_address_of_an_older_row_is_whose_it_was_when_all_is_loaded_at_once(home, names):
    old, new = names
    home.lines(old, "anna,2026-01-01,2026-01-01,anna@x.example,,,,", header=HEADER)
    home.lines(new, "anna,2026-01-01,2026-02-01,new@x.example,,,,", header=HEADER)
    home.lines("list.csv", "email,anna@x.example,2026-01-01", header="kind,value,since")
    home.load()
    assert remembered(home) == ["anna", "anna@x.example"]


def test_whom_a_list_names_x_with_the_person(home):
    home.lines("people.csv", *[f"{id},2026-01-01,,{id}@x.example,,,," for id in ("anna", "bert")], header=HEADER)
    home.lines("list.csv", *[f"email,{id}@x.example,2026-01-01" for id in ("anna", "bert")], header="kind,value,since")
    home.load()
    home.lines("again.csv", "anna,2026-01-01,,new@x.example,,,,", header=HEADER)
    home.load()
    with people_attached(home.engine, home.now()):
        named = "SELECT customer_id, kind FROM people.suppressed_customers ORDER BY ALL"
        assert home.engine.execute(named) == [("anna", "email"), ("bert", "email")]
