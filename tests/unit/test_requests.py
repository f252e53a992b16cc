"""Requests of erasure that exports tell of: each opens a case with its day, and none is lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from drop_folder import Home
from pydantic import Secret

from pipeline.activation.terms import Gate
from pipeline.doctor import _erasures
from pipeline.erasure.cases import deadlines
from pipeline.home.people import people_attached
from pipeline.ingest.tombstones import cases, find_tombstones, key_id, tombstone, write_case

KEY = "example-key-do-not-use"
HEADER = "kind,value,requested_at"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        made = Home(tmp_path, opened)
        made.settings["erasure_keys"] = Secret(KEY)
        yield made


def name_of(kind: str, known_as: str) -> str:
    return tombstone(KEY.encode(), kind, known_as)[:16]


def waiting(home: Home) -> dict[str, tuple[str, str, str]]:
    return {one.case: (one.state, str(one.requested_on), str(one.due_on)) for one in deadlines(home.now())}


def test_each_request_opens_a_case_that_says_when_it_is_due_and_not_whom_it_names(home):
    home.lines("tickets.csv", "E-Mail, ANNA@x.example,2026-10-31 09:00", "customer_id,bert-0018,2026-11-05",
        "phone,0048 600 123 456,2999-01-01", "email,no address,2026-11-05", header=HEADER)  # fmt: skip
    home.load()
    assert waiting(home) == {
        name_of("email", "anna@x.example"): ("requested", "2026-10-31", "2026-11-30"),
        name_of("customer_id", "bert-0018"): ("requested", "2026-11-05", "2026-12-05"),
        name_of("phone", "+48600123456"): ("requested", "2026-12-01", "2027-01-01"),
    }
    assert set(home.reasons()) == {4}, "who is not named is told of"
    told = str(cases(home.now())) + str(home.everything())
    assert not any(word in told.lower() for word in ("anna", "600123456"))
    home.load()
    assert len(cases(home.now())) == 3


def test_without_a_key_requests_wait_and_are_told(home):
    home.settings["erasure_keys"] = None
    home.lines("tickets.csv", "email,anna@x.example,2026-11-05", header=HEADER)
    home.load()
    assert home.remarks()["no_erasure_key"].startswith("1 request of erasure and no key to open a case with")
    home.settings["erasure_keys"] = Secret(KEY)
    home.load()
    assert set(waiting(home)) == {name_of("email", "anna@x.example")} and "no_erasure_key" not in home.remarks()


def test_a_request_that_was_worked_through_is_not_told_again_and_one_of_later_is(home):
    case, stone = name_of("customer_id", "anna"), tombstone(KEY.encode(), "customer_id", "anna")
    gone = tombstone(KEY.encode(), "email", "anna@x.example")
    told = {"case": case, "state": "closed", "requested_on": "2026-06-01", "due_on": "2026-07-01",
            "erased_on": "2026-06-30", "key_id": key_id(KEY.encode()),
            "tombstones": [{"kind": "customer_id", "value": stone}, {"kind": "email", "value": gone}]}  # fmt: skip
    file = home.path / "data" / "erasures" / f"{case}.case.json"
    write_case(file, told)
    home.lines("tickets.csv", "customer_id,anna,2026-06-01", header=HEADER)
    home.load()
    assert waiting(home) == {} and home.staged("erasures").rows() == []
    home.lines("later.csv", "customer_id,anna,2026-09-01", header=HEADER)
    home.load()
    assert waiting(home) == {case: ("requested", "2026-09-01", "2026-10-01")}
    assert find_tombstones(home.now()).erased_on == {
        ("customer_id", stone): dt.date(2026, 6, 30), ("email", gone): dt.date(2026, 6, 30),
    }  # fmt: skip


def test_a_request_in_the_future_does_not_come_back_for_ever(home):
    stone = {"kind": "customer_id", "value": tombstone(KEY.encode(), "customer_id", "anna")}
    told = {"case": "one", "state": "closed", "erased_on": "2026-12-31", "key_id": key_id(KEY.encode())}
    write_case(home.path / "data" / "erasures" / "one.case.json", told | {"tombstones": [stone]})
    home.lines("tickets.csv", "customer_id,anna,2099-01-01", header=HEADER)
    home.load()
    assert home.staged("erasures").rows() == []


def test_nothing_is_sent_to_who_asks_to_be_forgotten(home):
    home.lines("people.csv", "anna,2026-01-01,anna@x.example", "bert,2026-01-01,bert@x.example",
        "cleo,2026-01-01,cleo@x.example", header="customer_id,registered_at,email")  # fmt: skip
    home.lines("tickets.csv", "email,anna@x.example,2026-11-05", "customer_id,bert,2026-11-05", header=HEADER)
    home.load()
    with people_attached(home.engine, home.now()):
        Gate(home.engine, dt.date(2026, 1, 31))
        barred = "SELECT customer_id FROM staging.customers WHERE customer_id IN (FROM temp.suppressed) ORDER BY ALL"
        assert home.engine.execute(barred) == [("anna",), ("bert",)]


def test_doctor_warns_of_what_is_overdue(home):
    home.lines("tickets.csv", "customer_id,anna,2026-01-31", header=HEADER)
    home.load()
    (finding,) = _erasures(home.now())
    assert finding.status == "warn" and finding.message.startswith("1 case overdue, such as")
    assert "(due on 2026-02-28)" in finding.message and "perennial forget --open" in finding.message
