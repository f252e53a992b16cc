"""Destinations: what is sent where, what is tried again, and what is held; against servers of this machine."""

from __future__ import annotations

import datetime as dt
import hashlib
import http.client
import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import fsspec
import polars as pl
import pytest
from dagster import AssetKey
from typer.testing import CliRunner

from pipeline.activation.delivering import Delivered, deliver_from, sender_of
from pipeline.activation.destinations import files, klaviyo, meta
from pipeline.activation.destinations.destination import Answer, DeliveryFailed
from pipeline.activation.destinations.files import Files
from pipeline.activation.destinations.http import Calls
from pipeline.activation.destinations.klaviyo import Klaviyo
from pipeline.activation.destinations.meta import Meta
from pipeline.activation.ledger import (
    FILE,
    LISTS,
    ROWS,
    LedgerUnusable,
    Listed,
    Outbox,
    OutboxUnusable,
    Row,
    compact,
    forget_customers,
    opened_ledger,
    sent_identifiers,
)
from pipeline.cli import app
from pipeline.definitions import build_defs
from pipeline.doctor import _deliveries
from pipeline.sections.delivery import Destination
from pipeline.settings import Settings, SettingsError, load
from pipeline.tables.platforms import platforms

D1, D2 = dt.date(2026, 3, 30), dt.date(2026, 3, 31)
CRM = Destination(platform="klaviyo", url="https://crm.example", lists={"all/loyal": "L1"})
COLUMNS = ("Email", "Phone Number", "First Name", "City", "orders")


def settings_of(home: Path, **destinations: Destination) -> Settings:
    return Settings(home=home, destinations=destinations)


def publish(
    home: Path, *people: str, day: dt.date = D1, mode: str | None = None, stopped: bool = False,
    platform: str = "klaviyo", columns: Sequence[str] = COLUMNS, identifiers: Sequence[str] = ("Email", "Phone Number"),
    files: Sequence[str] = (), least: int = 0, **barred: str,
) -> None:  # fmt: skip
    """An outbox of people as `customer cell cell …`, - for none; and of customers who must not be on the list, why."""
    rows = []
    for one in people:
        customer, *cells = one.split()
        told = dict(zip(columns, (None if cell == "-" else cell for cell in cells), strict=False))
        rows.append(
            (customer, json.dumps({name: told[name] for name in identifiers if told.get(name)}), json.dumps(told), None)
        )
    rows += [(customer, None, None, why) for customer, why in barred.items()]
    frame = pl.DataFrame(
        rows, schema=dict.fromkeys(("customer_id", "identifiers", "cells", "why"), pl.String), orient="row"
    )
    if not (home / LISTS).exists():
        with opened_ledger(Settings(home=home)):  # as a run does before it publishes
            pass
    frame.with_columns(
        platform=pl.lit(platform), audience=pl.lit("all/loyal"),
        content=pl.Series([None if cells is None else _sha256(cells) for _, _, cells, _ in rows], dtype=pl.String),
    ).write_parquet(home / ROWS)  # fmt: skip
    version = _sha256("".join(str(row) for row in rows))
    listed = Listed(
        platform,
        "all/loyal",
        mode,
        stopped,
        tuple(columns),
        ("First Name",),
        tuple(identifiers),
        version,
        tuple(files),
        least,
    )  # type: ignore[arg-type]
    Outbox(day, (listed,)).write(home / LISTS)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Told:
    """A destination that notes what it gets; it refuses some, and fails when it has answered so often."""

    def __init__(self, refuses: Sequence[str] = (), fails_after: int | None = None, takes: str = "all/loyal") -> None:
        self.got: list[tuple[str, list[str]]] = []
        self.refuses, self.left, self.takes = refuses, fails_after, takes

    def place(self, audience: str) -> str | None:
        return "https://crm.example/lists/L1" if audience == self.takes else None

    def send(
        self, audience: str, listed: Any, kind: str, rows: Sequence[Row], day: dt.date, key: str
    ) -> Iterator[Answer]:
        for row in rows:
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    raise DeliveryFailed("crm is out of order.")
            self.got.append((kind, [*row.identifiers.values()][:1]))
            yield Answer([row], {row.key: "no such domain"} if row.identifiers.get("Email") in self.refuses else {})

    def addresses(self, kind: str) -> list[str]:
        return [address.split("@")[0] for told, (address, *_) in self.got if told == kind]


def send(home: Path, told: Told | None = None, force: bool = False) -> tuple[Told, Delivered]:
    told = told or Told()
    (said,) = deliver_from(settings_of(home, crm=CRM), force, lambda *_: told)
    return told, said


def states(home: Path) -> dict[str, tuple[str, str | None]]:
    with opened_ledger(Settings(home=home)) as ledger:
        found = ledger.execute("SELECT customer_id, state, reason FROM deliveries WHERE place <> 'folder'")
    return {customer: (state, reason) for customer, state, reason in found}


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize(
    ("name", "harm", "error", "said"),
    [
        (FILE, Path.unlink, LedgerUnusable, "is lost.*2026-03-30"),
        (FILE, _cut, LedgerUnusable, "is damaged"),
        (FILE, lambda file: file.write_text("no database" * 900), LedgerUnusable, "is damaged"),
        (FILE, lambda file: file.write_bytes(b""), LedgerUnusable, "is empty"),
        (LISTS, _cut, OutboxUnusable, "is damaged"),
        (LISTS, lambda file: file.write_text("[]"), OutboxUnusable, "is damaged"),
        (LISTS, Path.unlink, OutboxUnusable, "is missing"),
        (ROWS, _cut, OutboxUnusable, "is damaged"),
        (ROWS, Path.unlink, OutboxUnusable, "is missing"),
    ],
)
def test_nothing_is_sent_by_a_ledger_or_an_outbox_that_is_lost_or_damaged(tmp_path, name, harm, error, said):
    publish(tmp_path, "a a@x.com", "b b@x.com")
    send(tmp_path)
    harm(tmp_path / name)
    told = Told()
    with pytest.raises(error, match=rf"{name} {said}.* the backup of the same night.* and run, which"):
        send(tmp_path, told)
    assert told.got == []


def test_doctor_says_that_the_ledger_is_lost(tmp_path):
    assert list(_deliveries(settings_of(tmp_path))) == []
    publish(tmp_path, "a a@x.com")
    assert [one.status for one in _deliveries(settings_of(tmp_path))] == ["ok"]
    (tmp_path / FILE).unlink()
    (found,) = _deliveries(settings_of(tmp_path))
    assert found.status == "fail" and f"{FILE} is lost" in found.message


def test_after_the_remedy_of_a_lost_ledger_lists_are_sent_anew(tmp_path):
    publish(tmp_path, "a a@x.com")
    send(tmp_path)
    for name in (FILE, LISTS, ROWS):
        (tmp_path / name).unlink()
    publish(tmp_path, "b b@x.com", day=D2)
    assert send(tmp_path)[0].addresses("added") == ["b"]


# ── what is sent ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_came_who_left_and_who_changed_removals_first(tmp_path):
    publish(tmp_path, "a a@x.com", "b b@x.com", "c c@x.com - C")
    assert send(tmp_path)[0].addresses("added") == ["a", "b", "c"]
    publish(tmp_path, "a a@x.com", "b new@x.com", "c c@x.com - Cleo", day=D2)
    told, said = send(tmp_path)
    assert told.got == [("removed", ["b@x.com"]), ("added", ["new@x.com"]), ("added", ["c@x.com"])]
    assert (said.counts["removed"], said.counts["added"], said.counts["updated"]) == (1, 1, 1)
    assert send(tmp_path)[0].got == [], "a repeat is a no-op"


def test_who_is_rejected_is_tried_again_as_long_as_they_are_on_the_list(tmp_path):
    publish(tmp_path, "a a@x.com", "b b@x.com")
    _, said = send(tmp_path, Told(refuses=["b@x.com"]))
    assert said.counts["rejected"] == 1 and "x.com" not in str(said)
    assert states(tmp_path) == {"a": ("delivered", None), "b": ("rejected", "no such domain")}
    assert send(tmp_path, Told(refuses=["b@x.com"]))[0].addresses("added") == ["b"]
    publish(tmp_path, "a a@x.com", day=D2)
    assert send(tmp_path)[0].got == [], "it never was there"
    publish(tmp_path, "a a@x.com", "b b@x.com", day=D2)
    assert send(tmp_path)[0].addresses("added") == ["b"] and states(tmp_path)["b"] == ("delivered", None)


def test_whoever_is_stopped_sends_the_rest_the_next_time(tmp_path):
    publish(tmp_path, "a a@x.com", "b b@x.com", "c c@x.com")
    _, said = send(tmp_path, Told(fails_after=1))
    assert said.failed == "crm is out of order."
    assert states(tmp_path) == {"a": ("delivered", None), "b": ("queued", None), "c": ("queued", None)}
    assert send(tmp_path)[0].addresses("added") == ["b", "c"]
    publish(tmp_path, "a a@x.com", "b b@x.com", "c c@x.com", "d d@x.com", day=D2)
    send(tmp_path, Told(fails_after=0))
    publish(tmp_path, "a a@x.com", "b b@x.com", "c c@x.com", day=D2)
    assert send(tmp_path)[0].addresses("removed") == ["d"], "it may have arrived"


def test_a_list_that_shrinks_by_over_half_is_held_but_for_those_who_must_leave(tmp_path):
    everybody = [f"c{n} c{n}@x.com" for n in range(10)]
    publish(tmp_path, *everybody)
    send(tmp_path)
    publish(tmp_path, *everybody[:3], day=D2, c9="objected", c8="withdrawn")
    told, said = send(tmp_path)
    assert told.got == [("removed", ["c8@x.com"]), ("removed", ["c9@x.com"])]
    assert said.held is not None and said.held.startswith("Held: 5 customers of 10 would be removed")
    assert "x.com" not in str(said)
    assert send(tmp_path)[0].got == [], "still held"
    told, said = send(tmp_path, force=True)
    assert told.addresses("removed") == ["c3", "c4", "c5", "c6", "c7"] and said.held is None


def test_a_list_that_is_sent_in_full_is_held_too_beside_what_it_was_the_last_time(tmp_path):
    """Not beside all who were ever on it: of those nobody is removed."""
    there, ten = tmp_path / "there", [f"c{n} c{n}@x.com" for n in range(10)]
    crm = settings_of(tmp_path / "home", crm=Destination(platform="klaviyo", url=f"file://{there}"))

    def delivered(*people: str, day: int, force: bool = False, **barred: str) -> tuple[str | None, list[str]]:
        target = f"data/audiences/2026-04-{day:02}/all/loyal.klaviyo.csv"
        file = crm.home / target
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(["Email", *(one.split()[1] for one in people), ""]))
        publish(crm.home, *people, day=dt.date(2026, 4, day), files=[target], **barred)
        (said,) = deliver_from(crm, force)
        assert said.failed is None
        newest = max(there.glob("*/all/loyal.klaviyo.csv"))
        return said.held and said.held.partition(",")[0], newest.read_text().split()[1:]

    def addresses(*numbers: int) -> list[str]:
        return [f"c{n}@x.com" for n in numbers]

    assert delivered(*ten, day=1) == (None, addresses(*range(10)))
    held, listed = delivered(*ten[:4], day=2, c9="objected")
    assert held == "Held: 5 customers of 10 would be removed" and listed == addresses(*range(9))
    assert delivered(day=3)[0] is not None, "nor is it emptied"
    assert delivered(*ten[:4], day=4, force=True) == (None, addresses(*range(4)))
    assert delivered(*ten[:2], day=5) == (None, addresses(0, 1)), "half of the four that were sent"


def test_exactly_half_is_not_held(tmp_path):
    publish(tmp_path, *(f"c{n} c{n}@x.com" for n in range(4)))
    send(tmp_path)
    publish(tmp_path, "c0 c0@x.com", "c1 c1@x.com", day=D2)
    assert send(tmp_path)[0].addresses("removed") == ["c2", "c3"]


def test_too_few_for_the_platform_are_not_added_and_yet_removed(tmp_path):
    publish(tmp_path, "a a@x.com", "b b@x.com", "c c@x.com")
    send(tmp_path)
    publish(tmp_path, "a a@x.com", "b b@x.com", "d d@x.com", day=D2, stopped=True)
    assert send(tmp_path)[0].got == [("removed", ["c@x.com"])]


def test_a_list_of_which_too_many_object_before_it_is_sent_is_held(tmp_path):
    """As one that was too small when it was published: removals go through, and nobody is added."""
    publish(tmp_path, "a a@x.com", "b b@x.com", "c c@x.com", least=3)
    forget_customers(settings_of(tmp_path), ["c"], "objected")
    told, said = send(tmp_path)
    assert told.got == [] and said.held == (
        "Held: since it was published so many have left that the list has 2 customers and needs 3. Nobody is added "
        "until the next run."
    )
    publish(tmp_path, "a a@x.com", "b b@x.com", "d d@x.com", day=D2, least=3, c="objected")
    assert send(tmp_path)[0].addresses("added") == ["a", "b", "d"]
    forget_customers(settings_of(tmp_path), ["d"], "objected")
    told, said = send(tmp_path)
    assert told.got == [("removed", ["d@x.com"])] and said.held


def test_a_part_of_whom_all_have_left_is_not_sent_and_one_that_was_is_emptied(tmp_path):
    home, there = tmp_path / "home", tmp_path / "there"
    target = "data/audiences/2026-03-30/all/loyal.klaviyo"
    parts = [f"{target}-part01.csv", f"{target}-part02.csv", f"{target}-part03.csv"]
    (home / target).parent.mkdir(parents=True)
    for part, address in zip(parts, "abc", strict=True):
        (home / part).write_text(f"Email\n{address}@x.com\n")
    crm = settings_of(home, crm=Destination(platform="klaviyo", url=f"file://{there}"))
    publish(home, "a a@x.com", "b b@x.com", "c c@x.com", files=parts)
    forget_customers(crm, ["b"], "objected")
    assert deliver_from(crm)[0].failed is None

    def listed() -> list[str]:
        found = listing(there)
        manifest = json.loads(found.pop("2026-03-30/manifest.json"))
        assert [entry["path"] for entry in manifest["files"]] == sorted(found)
        return [text for name, text in sorted(found.items()) if "-part" in name]

    assert listed() == ["Email\na@x.com\n", "Email\nc@x.com\n"]
    forget_customers(crm, ["c"], "objected")
    assert deliver_from(crm)[0].failed is None
    assert listed() == ["Email\na@x.com\n", "Email\n"]


def test_a_list_in_full_is_sent_once_a_day_and_removes_nobody_but_who_must_leave(tmp_path):
    publish(tmp_path, "a a@x.com", "b b@x.com", "c c@x.com", mode="full")
    assert send(tmp_path)[0].addresses("added") == ["a", "b", "c"]
    assert send(tmp_path)[0].got == []
    publish(tmp_path, "a a@x.com", day=D2, mode="full", c="withdrawn")
    assert send(tmp_path)[0].got == [("removed", ["c@x.com"]), ("added", ["a@x.com"])]
    assert set(states(tmp_path)) == {"a", "b"}


def test_a_list_that_replaces_is_sent_whole_and_removes_who_left(tmp_path):
    publish(tmp_path, "a a@x.com", "b b@x.com", "c c@x.com", mode="replace")
    send(tmp_path)
    publish(tmp_path, "a a@x.com", "c c@x.com", day=D2, mode="replace")
    assert send(tmp_path)[0].got == [("removed", ["b@x.com"]), ("added", ["a@x.com"]), ("added", ["c@x.com"])]


def test_of_a_list_in_force_no_more_only_those_leave_who_must(tmp_path):
    publish(tmp_path, "a a@x.com", "b b@x.com")
    send(tmp_path)
    publish(tmp_path, b="objected", day=D2)
    Outbox(D2, ()).write(tmp_path / LISTS)
    assert send(tmp_path)[0].got == [("removed", ["b@x.com"])]


def test_who_is_forgotten_leaves_everywhere_and_then_the_ledger(tmp_path):
    publish(tmp_path, "a gone@x.com", "b b@x.com", "c c@x.com")
    send(tmp_path)
    (left,) = forget_customers(Settings(home=tmp_path), ["a"])
    assert (left.place, left.identifiers) == ("https://crm.example/lists/L1", {"Email": "gone@x.com"})
    assert b"gone@x.com" not in (tmp_path / ROWS).read_bytes()
    told, _ = send(tmp_path, Told(fails_after=0))
    assert told.got == [] and len(sent_identifiers(Settings(home=tmp_path), ["a"])) == 1
    assert send(tmp_path)[0].got == [("removed", ["gone@x.com"])]
    assert sent_identifiers(Settings(home=tmp_path), ["a"]) == []
    assert b"gone@x.com" not in (tmp_path / FILE).read_bytes()


def test_who_must_leave_a_place_that_is_set_no_more_is_told_of(tmp_path):
    publish(tmp_path, "a gone@x.com", "b b@x.com")
    send(tmp_path)
    assert deliver_from(settings_of(tmp_path)) == []
    forget_customers(Settings(home=tmp_path), ["a"])
    other = CRM.model_copy(update={"lists": {"all/other": "L1"}})
    for destinations in ({}, {"crm": other}):
        (said,) = deliver_from(settings_of(tmp_path, **destinations), open=lambda *_: Told(takes="all/other"))
        assert str(said).startswith("https://crm.example/lists/L1, all/loyal: 1 customer must leave this list")


def test_what_nobody_foresaw_at_one_destination_keeps_nothing_from_the_others(tmp_path):
    """A destination that breaks when it is opened, one when it is asked for its lists, one while it is sent to."""

    class Broken(Told):
        def place(self, audience: str) -> str | None:
            raise KeyError("a@x.com")

    class BreaksOff(Told):
        def send(self, *_: Any) -> Iterator[Answer]:
            raise http.client.IncompleteRead(b"a@x.com")
            yield

    senders = {"broken": Broken(), "breaks": BreaksOff(), "well": Told()}
    publish(tmp_path, "a a@x.com")
    settings = settings_of(tmp_path, shut=CRM, **dict.fromkeys(senders, CRM))
    said = {one.destination: one for one in deliver_from(settings, open=lambda name, _: senders[name])}
    assert list(said) == ["shut", "broken", "breaks", "well"]
    for name, kind in (("shut", "KeyError"), ("broken", "KeyError"), ("breaks", "IncompleteRead")):
        assert f"It failed unexpectedly ({kind}, test_destinations.py" in str(said[name])
        assert "a@x.com" not in str(said[name])
    assert said["well"].failed is None and senders["well"].got == [("added", ["a@x.com"])]


def test_who_has_another_id_is_found_by_it(tmp_path):
    publish(tmp_path, "old a@x.com")
    send(tmp_path)
    publish(tmp_path, "new a@x.com", day=D2)
    assert send(tmp_path)[0].got == []
    assert sent_identifiers(Settings(home=tmp_path), ["old"]) == []
    assert {one.place for one in sent_identifiers(Settings(home=tmp_path), ["new"])} == {
        "folder", "https://crm.example/lists/L1",
    }  # fmt: skip


def test_a_ledger_written_again_holds_the_same(tmp_path):
    publish(tmp_path, "a a@x.com")
    send(tmp_path)
    before = states(tmp_path)
    compact(Settings(home=tmp_path))
    assert states(tmp_path) == before and (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / FILE).parent.glob(".*")] == []


# ── interfaces ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Html(str):
    """What is no JSON."""


class Server:
    """A server of this machine: `answers` says what it does with a method and a path; all calls are noted."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []
        self.answers: list[tuple[int, dict[str, str], Any]] = []
        self.standing: dict[tuple[str, str], Any] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                server.calls.append((self.command, unquote_plus(self.path), body))
                path = self.path.partition("?")[0]
                status, headers, told = (
                    server.answers.pop(0)
                    if server.answers
                    else (200, {}, server.standing.get((self.command, path), {}))
                )
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                text = told if isinstance(told, Html) else "" if told is None else json.dumps(told)
                self.wfile.write(text.encode())

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("KLAVIYO_API_KEY", "pk_secret")
    monkeypatch.setenv("META_ACCESS_TOKEN", "secret_token")
    made = Server()
    yield made
    made.server.shutdown()
    made.server.server_close()


def row(customer: str, key: dict[str, str], **cells: Any) -> Row:
    return Row(customer, json.dumps(key), json.dumps(key | cells) if cells else None)


def answers(sender: Any, kind: str, *rows: Row) -> tuple[list[Answer], list[str]]:
    found = list(sender.send("all/loyal", None, kind, rows, D1, "ab" * 32))
    return found, [reason for one in found for reason in one.refused.values()]


def klaviyo_of(server: Server, waits: list[float] | None = None) -> Klaviyo:
    destination = Destination(platform="klaviyo", url=server.url, lists={"all/loyal": "L1"})
    return Klaviyo(destination, (waits if waits is not None else []).append)


JOB, ERRORS = "/api/profile-bulk-import-jobs/j1", "/api/profile-bulk-import-jobs/j1/import-errors"


def importing(server: Server, failed: int = 0) -> None:
    server.standing[("POST", "/api/profile-bulk-import-jobs")] = {"data": {"id": "j1"}}
    server.standing[("GET", JOB)] = {"data": {"attributes": {"status": "complete", "failed_count": failed}}}


def test_klaviyo_imports_profiles_onto_a_list_and_subscribes_nobody(server):
    importing(server)
    found, refused = answers(klaviyo_of(server), "added", row(
        "a", {"Email": "a@x.com"}, **{"First Name": "Ann", "City": "Łódź", "orders": 3, "Last Name": None}
    ))  # fmt: skip
    assert len(found) == 1 and refused == []
    assert json.loads(server.calls[0][2])["data"] == {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": [{"type": "profile", "attributes": {
            "email": "a@x.com", "first_name": "Ann", "location": {"city": "Łódź"}, "properties": {"orders": 3},
        }}]}},
        "relationships": {"lists": {"data": [{"type": "list", "id": "L1"}]}},
    }  # fmt: skip
    assert not any("subscri" in path for _, path, _ in server.calls)


def test_klaviyo_says_who_was_not_taken(server):
    importing(server, failed=2)
    server.standing[("GET", ERRORS)] = {
        "data": [
            {"attributes": {"title": "Invalid email", "original_payload": {"email": "B@x.com"}}},
            {"attributes": {"code": "invalid", "original_payload": {"attributes": {"phone_number": "+48600"}}}},
        ],
        "links": {"next": None},
    }
    rows = [
        row("a", {"Email": "a@x.com"}, n=1),
        row("b", {"Email": "b@x.com"}, n=1),
        row("c", {"Phone Number": "+48600"}, n=1),
    ]
    (answer,), _ = answers(klaviyo_of(server), "added", *rows)
    assert answer.refused == {rows[1].key: "Invalid email", rows[2].key: "invalid"} and answer.unnamed == 0
    assert "page[size]=100" in server.calls[-1][1]


def test_klaviyo_may_say_only_where_in_the_import_somebody_stood_or_nothing(server):
    """`original_payload` may be null, and `source.pointer` no more than /data."""
    importing(server, failed=3)
    pointers = ("/data/attributes/profiles/data/1/attributes/email", "/data")
    server.standing[("GET", ERRORS)] = {
        "data": [
            {"attributes": {"title": "Invalid", "source": {"pointer": one}, "original_payload": None}}
            for one in pointers
        ]
    }  # fmt: skip
    rows = [row(id, {"Email": f"{id}@x.com"}, n=1) for id in "abc"]
    (answer,), _ = answers(klaviyo_of(server), "added", *rows)
    assert answer.refused == {rows[1].key: "Invalid"} and answer.unnamed == 2


def test_klaviyo_without_the_list_is_told_as_that(server):
    server.answers = [(404, {}, {"errors": [{"title": "Not found.", "source": {"pointer": "/data/relationships"}}]})]
    with pytest.raises(DeliveryFailed, match=r"answers 404 to POST .*; check the list"):
        answers(klaviyo_of(server), "added", row("a", {"Email": "a@x.com"}, n=1))


def test_klaviyo_is_sent_the_others_again_where_it_names_who_is_wrong(server):
    importing(server)
    pointer = {"pointer": "/data/attributes/profiles/data/1/attributes/email"}
    server.answers = [(400, {}, {"errors": [{"title": "Invalid input.", "source": pointer}]})]
    rows = [row(id, {"Email": f"{id}@x.com"}, n=1) for id in "abc"]
    (answer,), _ = answers(klaviyo_of(server), "added", *rows)
    assert answer.refused == {rows[1].key: "Invalid input."}
    again = json.loads(server.calls[1][2])["data"]["attributes"]["profiles"]["data"]
    assert [one["attributes"]["email"] for one in again] == ["a@x.com", "c@x.com"]


def test_klaviyo_takes_off_the_list_who_has_a_profile(server):
    server.answers = [
        (200, {}, {"data": [{"id": "P1"}], "links": {"next": f"{server.url}/api/profiles?page=2"}}),
        (200, {}, {"data": [{"id": "P2"}], "links": {}}), (204, {}, None),
    ]  # fmt: skip
    found, _ = answers(
        klaviyo_of(server),
        "removed",
        row("a", {"Email": "a@x.com", "Phone Number": "+1"}),
        row("b", {"Email": "b@x.com"}),
    )
    assert [len(one.rows) for one in found] == [2]
    assert 'any(email,["a@x.com","b@x.com"])' in server.calls[0][1]
    method, path, body = server.calls[2]
    assert (method, path) == ("DELETE", "/api/lists/L1/relationships/profiles")
    assert json.loads(body) == {"data": [{"type": "profile", "id": "P1"}, {"type": "profile", "id": "P2"}]}


def test_batches_are_as_large_as_klaviyo_takes_them(monkeypatch):
    rows = [row(f"c{n}", {"Email": f"c{n}@x.com"}, note="x" * 100) for n in range(7)]
    monkeypatch.setattr(klaviyo, "MOST_PROFILES", 3)
    assert [len(batch) for batch in klaviyo._small_enough(rows)] == [3, 3, 1]
    monkeypatch.setattr(klaviyo, "MOST_BYTES", 500)
    assert [len(batch) for batch in klaviyo._small_enough(rows)] == [2, 2, 2, 1]


def meta_of(server: Server, waits: list[float] | None = None) -> Meta:
    for method in ("POST", "DELETE"):
        server.standing.setdefault((method, "/77/users"), {}).setdefault("num_received", 1)
    destination = Destination(platform="meta", url=server.url, lists={"all/loyal": "77"})
    return Meta(destination, (waits if waits is not None else []).append)


def test_meta_gets_hashes_in_calls_as_large_as_it_takes_them(server, monkeypatch):
    monkeypatch.setattr(meta, "MOST_ROWS", 2)
    server.standing[("POST", "/77/users")] = {"num_received": 2, "num_invalid_entries": 0}
    rows = [row(f"c{n}", {"email": f"{n}" * 64}, fn="f" * 64, value=1.5) for n in range(3)]
    found, refused = answers(meta_of(server), "added", *rows)
    assert [len(one.rows) for one in found] == [2, 1] and refused == []
    told = [parse_qs(body) for _, _, body in server.calls]
    assert json.loads(told[0]["payload"][0]) == {
        "schema": ["EMAIL", "FN", "LOOKALIKE_VALUE"],
        "data": [["0" * 64, "f" * 64, 1.5], ["1" * 64, "f" * 64, 1.5]],
    }
    sessions = [json.loads(one["session"][0]) for one in told]
    assert [(one["batch_seq"], one["last_batch_flag"]) for one in sessions] == [(1, False), (2, True)]
    assert len({one["session_id"] for one in sessions}) == 1
    assert not any("token" in path for _, path, _ in server.calls)


def test_meta_removes_by_the_identifiers_that_were_sent(server):
    answers(meta_of(server), "removed", row("a", {"email": "a" * 64, "phone": "b" * 64}), row("c", {"phone": "c" * 64}))
    ((method, path, body),) = server.calls
    assert (method, path) == ("DELETE", "/77/users")
    assert json.loads(parse_qs(body)["payload"][0]) == {
        "schema": ["EMAIL", "PHONE"], "data": [["a" * 64, "b" * 64], ["", "c" * 64]],
    }  # fmt: skip


def test_meta_names_some_of_those_it_does_not_take(server):
    server.standing[("POST", "/77/users")] = {
        "num_invalid_entries": 3,
        "invalid_entry_samples": {"b" * 64: "not a hash"},
    }
    rows = [row("a", {"email": "a" * 64}, n=1), row("b", {"email": "b" * 64}, n=1)]
    (answer,), _ = answers(meta_of(server), "added", *rows)
    assert answer.refused == {rows[1].key: "not a hash"} and answer.unnamed == 2


def test_what_passes_is_waited_for_as_long_as_it_asks(server):
    waits: list[float] = []
    server.answers = [(429, {"Retry-After": "7"}, {}), (503, {}, None), (400, {}, {"error": {"code": 80003}})]
    found, _ = answers(meta_of(server, waits), "added", row("a", {"email": "a" * 64}, n=1))
    assert len(found) == 1 and len(server.calls) == 4
    assert waits[0] == 7 and 1 <= waits[1] <= 2 and 2 <= waits[2] <= 4


def test_meta_is_waited_for_as_many_minutes_as_it_shuts_out(server):
    waits: list[float] = []
    usage = {"77": [{"type": "custom_audience", "call_count": 100, "estimated_time_to_regain_access": 4}]}
    shut = {"X-Business-Use-Case-Usage": json.dumps(usage)}
    server.answers = [
        (400, shut, {"error": {"code": 80003}}),
        (400, {"X-Business-Use-Case-Usage": "x"}, {"error": {"code": 4}}),
    ]
    found, _ = answers(meta_of(server, waits), "added", row("a", {"email": "a" * 64}, n=1))
    assert len(found) == 1 and waits[0] == 240 and waits[1] <= 2
    usage["77"][0]["estimated_time_to_regain_access"] = 30
    server.answers = [(400, {"X-Business-Use-Case-Usage": json.dumps(usage)}, {"error": {"code": 80003}})]
    with pytest.raises(DeliveryFailed, match="asks to wait for 1,800 s; the rest is sent the next time"):
        answers(meta_of(server, waits), "added", row("a", {"email": "a" * 64}, n=1))


@pytest.mark.parametrize(
    ("answer", "said", "calls"),
    [
        ((503, {}, None), "it answers 503, 6 times; the rest is sent the next time", 6),
        ((429, {"Retry-After": "4000"}, None), "asks to wait for 4,000 s", 1),
        ((401, {}, {"error": {"message": "a@x.com"}}), r"does not let us in \(401\)", 1),
        ((302, {"Location": "https://elsewhere.example"}, None), r"sends us elsewhere \(302\)", 1),
        ((400, {}, {"error": {"code": 100}}), r"refuses the audience \(error 100\)", 1),
        ((400, {}, {"error": {"code": 368}}), r"refuses the audience \(error 368\)", 1),
    ],
)
def test_what_does_not_pass_ends_the_delivery_and_says_why(server, answer, said, calls):
    server.answers = [answer] * 6
    with pytest.raises(DeliveryFailed, match=said) as failure:
        answers(meta_of(server), "added", row("a", {"email": "a@x.com"}, n=1))
    assert len(server.calls) == calls
    assert "a@x.com" not in str(failure.value) and "secret" not in str(failure.value)


@pytest.mark.parametrize("told", [Html("<html>maintenance</html>"), None, {}, [], {"errors": [{}]}, {"data": None}])
@pytest.mark.parametrize("kind", ["added", "removed"])
@pytest.mark.parametrize("of", [klaviyo_of, meta_of])
def test_an_answer_that_the_interface_would_not_give_is_none(server, of, kind, told):
    """A page that tells of maintenance, or that asks to log in, comes with status 200."""
    sender = of(server)
    server.answers = [(200, {}, told)] * 6
    with pytest.raises(DeliveryFailed, match="answers, but nothing that its interface would"):
        answers(sender, kind, row("a", {"Email": "a@x.com"} if of is klaviyo_of else {"email": "a" * 64}, n=1))


@pytest.mark.parametrize("told", [Html("<html>maintenance</html>"), {"data": []}, {}])
def test_a_removal_that_klaviyo_answers_with_a_page_is_not_done(server, told):
    server.answers = [(200, {}, {"data": [{"id": "P1"}]}), *[(200, {}, told)] * 6]
    with pytest.raises(DeliveryFailed, match="nothing that its interface would"):
        answers(klaviyo_of(server), "removed", row("a", {"Email": "a@x.com"}))


@pytest.mark.parametrize("told", [{"data": {}}, {"data": {"id": 7}}])
def test_an_import_without_a_job_is_none(server, told):
    server.answers = [(202, {}, told)]
    with pytest.raises(DeliveryFailed, match="nothing that its interface would"):
        answers(klaviyo_of(server), "added", row("a", {"Email": "a@x.com"}, n=1))


def test_who_cannot_be_reached_is_tried_again(monkeypatch):
    waits: list[float] = []
    with pytest.raises(DeliveryFailed, match=r"cannot be reached \(ConnectionRefusedError\)"):
        Calls("http://127.0.0.1:1", {}, sleep=waits.append).call("GET", "/")
    assert len(waits) == 5


def test_a_wait_until_a_time_is_as_long_as_until_then(server):
    waits: list[float] = []
    soon = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    server.answers = [(429, {"Retry-After": soon}, {})]
    answers(meta_of(server, waits), "added", row("a", {"email": "a" * 64}, n=1))
    assert 25 < waits[0] <= 30


@pytest.mark.parametrize(("kind", "name"), [(Klaviyo, "KLAVIYO_API_KEY"), (Meta, "META_ACCESS_TOKEN")])
def test_a_key_is_asked_for_by_the_name_of_its_variable(kind, name, monkeypatch):
    monkeypatch.delenv(name, raising=False)
    with pytest.raises(DeliveryFailed, match=f"set {name} in the environment"):
        kind(CRM)
    monkeypatch.setenv("OTHER", "x")
    kind(CRM.model_copy(update={"credential": "OTHER"}))


def test_a_night_at_an_interface_waits_holds_and_replaces(server, tmp_path):
    """Too many calls are waited for; a list that stands for the one before and shrank is held, and forced."""
    crm = settings_of(tmp_path, crm=Destination(platform="klaviyo", url=server.url, lists={"all/loyal": "L1"}))
    importing(server)
    server.answers = [(429, {"Retry-After": "0"}, {})]
    publish(tmp_path, *(f"{id} {id}@x.com" for id in "abcd"), mode="replace")
    (said,) = deliver_from(crm)
    assert said.counts["added"] == 4 and [method for method, *_ in server.calls] == ["POST", "POST", "GET"]
    publish(tmp_path, "a a@x.com", day=D2, mode="replace")
    server.calls.clear()
    (said,) = deliver_from(crm)
    assert said.held is not None and said.held.startswith("Held: 3 customers of 4") and server.calls == []
    server.standing[("GET", "/api/profiles")] = {"data": [{"id": id} for id in ("P1", "P2", "P3")], "links": {}}
    server.standing[("DELETE", "/api/lists/L1/relationships/profiles")] = None
    (said,) = deliver_from(crm, force=True)
    assert (said.failed, said.counts["removed"]) == (None, 3)
    assert 'any(email,["b@x.com","c@x.com","d@x.com"])' in server.calls[0][1]
    assert [method for method, *_ in server.calls] == ["GET", "DELETE", "POST", "GET"]
    (left,) = json.loads(server.calls[2][2])["data"]["attributes"]["profiles"]["data"]
    assert left["attributes"]["email"] == "a@x.com" and set(states(tmp_path)) == {"a"}


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def files_of(home: Path, url: str, platform: str = "klaviyo", waits: list[float] | None = None) -> Files:
    (home / "data" / "people").mkdir(parents=True, exist_ok=True)
    return Files(Destination(platform=platform, url=url), platforms()[platform], home, (waits or []).append)


def listing(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_files_of_a_list_are_those_of_the_folder_and_the_manifest_names_them(tmp_path):
    home, there = tmp_path / "home", tmp_path / "there"
    target = "data/audiences/2026-03-30/all/loyal.klaviyo"
    parts = [f"{target}-part01.csv", f"{target}-part02.csv"]
    (home / target).parent.mkdir(parents=True)
    for part in parts:
        (home / part).write_text("Email\na@x.com\n")
    crm = settings_of(home, crm=Destination(platform="klaviyo", url=f"file://{there}"))
    publish(home, "a a@x.com", files=parts)
    (said,) = deliver_from(crm)
    assert said.failed is None and said.counts["added"] == 1
    found = listing(there)
    manifest = json.loads(found.pop("2026-03-30/manifest.json"))
    assert [entry["path"] for entry in manifest["files"]] == sorted(found) == [
        "2026-03-30/all/loyal.klaviyo-part01.csv", "2026-03-30/all/loyal.klaviyo-part02.csv",
    ]  # fmt: skip
    (home / f"{target}.csv").write_text("Email\nb@x.com\n")
    publish(home, "b b@x.com", files=[f"{target}.csv"])
    assert deliver_from(crm)[0].failed is None
    assert sorted(listing(there)) == ["2026-03-30/all/loyal.klaviyo.csv", "2026-03-30/manifest.json"]


def test_who_must_leave_a_list_of_files_leaves_those_in_force_and_who_is_forgotten_all(tmp_path):
    """The manifests say so, also where somebody was stopped between a list and its manifest."""
    home, there = tmp_path / "home", tmp_path / "there"
    crm = settings_of(home, crm=Destination(platform="klaviyo", url=f"file://{there}"))
    for day in (D1, D2):
        target = f"data/audiences/{day}/all/loyal.klaviyo"
        (home / target).parent.mkdir(parents=True)
        (home / f"{target}-part01.csv").write_text("Email,Phone Number,First Name\na@x.com,,'=A\nb@x.com,,\n")
        (home / f"{target}-part02.csv").write_text("Email,Phone Number,First Name\nc@x.com,,C\n,+48600000001,D\n")
        people = ("a a@x.com", "b b@x.com", "c c@x.com", "d - +48600000001")
        publish(home, *people, day=day, files=[f"{target}-part01.csv", f"{target}-part02.csv"])
        assert deliver_from(crm)[0].failed is None
    forget_customers(crm, ["b"])
    forget_customers(crm, ["d"], "objected")
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(Files, "_tell", lambda *told: (_ for _ in ()).throw(DeliveryFailed("stopped")))
        assert deliver_from(crm)[0].failed == "stopped"
    assert forget_customers(crm, ["b"]), "not acknowledged"
    (said,) = deliver_from(crm)
    assert said.failed is None and said.counts["removed"] == 2
    found = listing(there)
    lists = {name: text.splitlines()[1:] for name, text in found.items() if "-part" in name}
    assert lists == {
        "2026-03-30/all/loyal.klaviyo-part01.csv": ["a@x.com,,'=A"],
        "2026-03-30/all/loyal.klaviyo-part02.csv": ["c@x.com,,C", ",+48600000001,D"],
        "2026-03-31/all/loyal.klaviyo-part01.csv": ["a@x.com,,'=A"],
        "2026-03-31/all/loyal.klaviyo-part02.csv": ["c@x.com,,C"],
    }
    for day in (D1, D2):
        for entry in json.loads(found[f"{day}/manifest.json"])["files"]:
            assert entry["sha256"] == _sha256(found[entry["path"]]) and entry["bytes"] == len(found[entry["path"]])
    assert not forget_customers(crm, ["b", "d"])


OF_GOOGLE = ("Email", "Phone", "First Name", "Last Name", "Country", "Zip", "Ad User Data", "Ad Personalization")


def member(email: str | None = None, phone: str | None = None) -> dict[str, Any]:
    told = {"emailAddress": email, "phoneNumber": phone}
    return {"userData": {"userIdentifiers": [{name: value} for name, value in told.items() if value]}}


def request(*members: dict[str, Any], are_removed: bool = False) -> str:
    terms = {} if are_removed else {"termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"}}
    told = {"audienceMembers": members, "encoding": "HEX", **terms}
    return json.dumps(told, separators=(",", ":")) + "\n"


@pytest.mark.parametrize("mode", [None, "replace"])
@pytest.mark.parametrize("why", ["objected", "erased"])
@pytest.mark.parametrize("platform", ["klaviyo", "google_data_manager"])
def test_whoever_must_not_be_on_a_list_since_it_was_published_does_not_leave_with_it(tmp_path, platform, why, mode):
    """Neither with the first delivery nor with one after it; the file of the home stays as it was published."""
    home, there = tmp_path / "home", tmp_path / "there"
    google = settings_of(home, ads=Destination(platform=platform, url=f"file://{there}"))
    if platform == "klaviyo":
        ending, given = "csv", {}
        content = {"a": "a@x.com,,'=A,,\n", "b": "b@x.com,,,,\n", "c": ",+48600,C,,\n"}

        def whole(*ids: str) -> str:
            return ",".join(COLUMNS) + "\n" + "".join(content[id] for id in ids)
    else:
        ending, given = "json", {"columns": OF_GOOGLE, "identifiers": ("Email", "Phone")}
        objects = {"a": member("a@x.com"), "b": member("b@x.com", "+48601"), "c": member(None, "+48600")}

        def whole(*ids: str) -> str:
            return request(*(objects[id] for id in ids))

    for day, left in ((D1, ("a", "c")), (D2, ("c",))):
        target = f"data/audiences/{day}/all/loyal.{platform}.{ending}"
        (home / target).parent.mkdir(parents=True)
        (home / target).write_text(whole("a", "b", "c"))
        people = ("a a@x.com", f"b b@x.com {'-' if platform == 'klaviyo' else '+48601'}", "c - +48600")
        publish(home, *people, day=day, files=[target], platform=platform, mode=mode, **given)
        forget_customers(google, ["b"] if day == D1 else ["a", "b"], why)
        assert deliver_from(google)[0].failed is None
        assert (there / f"{day}/all/loyal.{platform}.{ending}").read_text() == whole(*left)
        assert (home / target).read_text() == whole("a", "b", "c")


def test_a_difference_of_requests_is_two_files_of_requests(tmp_path, monkeypatch):
    home, there = tmp_path / "home", tmp_path / "there"
    ads = settings_of(home, ads=Destination(platform="google_data_manager", url=f"file://{there}"))
    given = {"columns": OF_GOOGLE, "identifiers": ("Email", "Phone"), "platform": "google_data_manager", "mode": "diff"}
    monkeypatch.setattr(platforms()["google_data_manager"].header, "most_rows", 2)
    publish(home, "a a@x.com +48601 f l PL =1 G G", "b b@x.com", "c c@x.com", **given)
    deliver_from(ads)
    publish(home, "a a@x.com +48601 f l PL =1 G G", "c c@x.com", day=D2, **given)
    deliver_from(ads)
    found = {name.partition("data_manager-")[2]: text for name, text in listing(there).items() if "loyal" in name}
    (first, second, removed) = (found[name] for name in sorted(found, key=lambda name: (name.split("-")[0], name[-7:])))
    whole = {"givenName": "f", "familyName": "l", "regionCode": "PL", "postalCode": "=1"}
    anna = member("a@x.com", "+48601")
    anna["userData"]["userIdentifiers"].append({"address": whole})
    anna["consent"] = {"adUserData": "G", "adPersonalization": "G"}
    assert [first, second] == [request(anna, member("b@x.com")), request(member("c@x.com"))]
    assert removed == request(member("b@x.com"), are_removed=True)
    forget_customers(ads, ["c"])
    assert deliver_from(ads)[0].failed is None
    left = [text for name, text in listing(there).items() if "-added-" in name]
    assert sorted(left) == sorted([first, request()]), "who is forgotten leaves what was sent before"


def test_a_difference_is_two_files_and_free_texts_are_harmless(tmp_path):
    home, there = tmp_path / "home", tmp_path / "there"
    crm = settings_of(home, crm=Destination(platform="klaviyo", url=f"file://{there}"))
    publish(home, "a a@x.com - =1+1 Lodz 3", "b b@x.com", "c c@x.com", mode="diff")
    deliver_from(crm)
    publish(home, "a a@x.com - =1+1 Lodz 3", "c c@x.com", mode="diff", day=D2)
    deliver_from(crm)
    found = {name.rpartition("-")[0]: text for name, text in listing(there).items() if name.endswith(".csv")}
    assert found == {
        "2026-03-30/all/loyal.klaviyo-added": "Email,Phone Number,First Name,City,orders\na@x.com,,'=1+1,Lodz,3\n"
        "b@x.com,,,,\nc@x.com,,,,\n",
        "2026-03-31/all/loyal.klaviyo-removed": "Email,Phone Number\nb@x.com,\n",
    }


def test_a_difference_too_large_is_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(platforms()["klaviyo"].header, "most_bytes", 60)
    sender = files_of(tmp_path, f"file://{tmp_path}/there")
    list(
        sender.send(
            "all/loyal", None, "removed", [row(f"c{n}", {"Email": f"c{n}@x.com"}) for n in range(9)], D1, "k" * 64
        )
    )
    found = [text for name, text in sorted(listing(tmp_path / "there").items()) if name.endswith(".csv")]
    assert all(len(text) <= 60 for text in found)
    assert "".join(line for text in found for line in text.split()[2:]) == "".join(f"c{n}@x.com," for n in range(9))


def test_what_does_not_arrive_whole_is_sent_again_and_never_shown(tmp_path, monkeypatch):
    sender, cut = files_of(tmp_path, f"file://{tmp_path}/there"), []
    kind = fsspec.get_filesystem_class("file")
    put = kind.put_file

    def cuts(fs: Any, local: str, remote: str, **given: Any) -> None:
        put(fs, local, remote, **given)
        assert remote.endswith(".part")
        if len(cut) < 2:
            cut.append(Path(remote).write_text("half"))

    monkeypatch.setattr(kind, "put_file", cuts)
    list(sender.send("all/loyal", None, "removed", [row("a", {"Email": "a@x.com"})], D1, "k" * 64))
    found = listing(tmp_path / "there")
    assert len(cut) == 2 and not any(name.endswith(".part") for name in found)
    assert found["2026-03-30/all/loyal.klaviyo-removed-kkkkkkkk.csv"] == "Email,Phone Number\na@x.com,\n"


def sent(sender: Files, name: str) -> list[Answer]:
    return list(
        sender.send(
            "all/loyal", None, "removed", [Row(name, row(name, {"Email": name}).key, None, "erased")], D1, "k" * 64
        )
    )


def test_a_manifest_that_others_wrote_leads_nowhere(tmp_path):
    """Neither to a file that is removed, nor to one that is read or written again."""
    home, there, victim = tmp_path / "home", tmp_path / "there", tmp_path / "victim"
    victim.write_text("Email\na@x.com\n")
    target = "data/audiences/2026-03-30/all/loyal.klaviyo.csv"
    (home / target).parent.mkdir(parents=True)
    (home / target).write_text("Email\na@x.com\n")
    (there / "2026-03-30/all/loyal.klaviyo-partx").mkdir(parents=True)
    paths = ["2026-03-30/all/loyal.klaviyo-partx/../../../../victim", "/victim", "../victim", "2026-03-30//x", 7]
    manifest = {"files": [{"path": path, "bytes": 1, "sha256": "f"} for path in paths]}
    (there / "2026-03-30/manifest.json").write_text(json.dumps(manifest))
    crm = settings_of(home, crm=Destination(platform="klaviyo", url=f"file://{there}"))
    publish(home, "a a@x.com", files=[target])
    assert deliver_from(crm)[0].failed is None
    assert sent(files_of(home, f"file://{there}"), "a@x.com")
    assert victim.read_text() == "Email\na@x.com\n"
    told = [entry["path"] for entry in json.loads((there / "2026-03-30/manifest.json").read_text())["files"]]
    assert told == ["2026-03-30/all/loyal.klaviyo-removed-kkkkkkkk.csv", "2026-03-30/all/loyal.klaviyo.csv"]


def test_no_list_is_written_through_a_link_that_others_put_there(tmp_path):
    there, victim = tmp_path / "there", tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("mine")
    name = "2026-03-30/all/loyal.klaviyo-removed-kkkkkkkk.csv"
    (there / name).parent.mkdir(parents=True)
    for planted in (f"{name}.part", "2026-03-30/manifest.json.part"):
        (there / planted).symlink_to(victim / "file")
    assert sent(files_of(tmp_path, f"file://{there}"), "a@x.com")
    assert sorted(listing(there)) == [name, "2026-03-30/manifest.json"], "what somebody left half is removed"
    (there / name).unlink()
    for planted, leads in ((name, victim / "file"), ("2026-03-30/all", victim)):
        if (there / planted).is_dir():
            (there / planted).rename(there / "away")
        (there / planted).symlink_to(leads)
        with pytest.raises(DeliveryFailed, match="a link that leads out of"):
            sent(files_of(tmp_path, f"file://{there}"), "a@x.com")
    assert [(path.name, path.read_text()) for path in victim.iterdir()] == [("file", "mine")]


def test_the_manifest_of_a_store_comes_last_and_nothing_is_renamed(tmp_path, monkeypatch):
    """A store in memory, taken for one of objects."""
    monkeypatch.setattr(files, "_OF_OBJECTS", ("memory",))
    for module in ("pipeline.activation.destinations.files", "pipeline.sections.delivery"):
        monkeypatch.setattr(f"{module}.FOLDERS", ("memory",))
    fs, written = fsspec.filesystem("memory"), []
    sender = files_of(tmp_path, "memory://bucket/lists")
    for name in ("put_file", "pipe_file"):
        plain = getattr(type(fs), name)
        monkeypatch.setattr(type(fs), name, lambda self, *told, plain=plain, name=name, **given: (
            written.append((name, told[0 if name == "pipe_file" else 1])), plain(self, *told, **given)))  # fmt: skip
    list(sender.send("all/loyal", None, "removed", [row("a", {"Email": "a@x.com"})], D1, "k" * 64))
    assert [Path(path).name for _, path in written][-1] == "manifest.json"
    assert not any(".part" in path for path in fs.find("/bucket"))
    manifest = json.loads(fs.cat_file("/bucket/lists/2026-03-30/manifest.json"))
    assert [entry["bytes"] for entry in manifest["files"]] == [len("Email,Phone Number\na@x.com,\n")]
    fs.rm("/bucket", recursive=True)


def test_a_folder_that_cannot_be_written_is_told_without_what_is_in_the_files(tmp_path):
    waits: list[float] = []
    sender = files_of(tmp_path, f"file://{tmp_path}/there", waits=waits)
    (tmp_path / "there").write_text("a file")
    with pytest.raises(DeliveryFailed, match="cannot be written") as failure:
        list(sender.send("all/loyal", None, "removed", [row("a", {"Email": "a@x.com"})], D1, "k" * 64))
    assert "a@x.com" not in str(failure.value)
    assert "not a directory. Let it name a folder of this machine" in str(failure.value) and not waits


@pytest.mark.parametrize(
    ("destination", "said"),
    [
        ({"platform": "klavyio", "url": "file:///x"}, "there is no platform 'klavyio'"),
        ({"platform": "brevo", "url": "https://x.example", "lists": {"a": "b"}}, "brevo is not sent to over https"),
    ],
)
def test_destinations_that_there_are_not_are_told(tmp_path, destination, said):
    with pytest.raises(DeliveryFailed, match=said):
        sender_of(Settings(home=tmp_path), "crm", Destination(**destination))


def test_a_kind_of_folder_that_the_settings_do_not_know_is_never_opened(tmp_path):
    """Whatever fsspec knows: over ftp:// the password and the lists would go in clear."""
    open_to_all = Destination(platform="klaviyo", url="file:///x").model_copy(update={"url": "ftp://127.0.0.1:1/x"})
    with pytest.raises(DeliveryFailed, match=r"^ftp:// is no kind of address"):
        Files(open_to_all, platforms()["klaviyo"], tmp_path, lambda _: None)


def test_a_package_that_is_not_there_is_named(tmp_path, monkeypatch):
    def missing(*_: Any, **__: Any) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(DeliveryFailed, match=r"^s3:// needs packages .* pip install -e '\.\[s3\]'\.$"):
        files_of(tmp_path, "s3://bucket/lists")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ('url = "sftp://me:hidden@host/x"', "an address holds no password"),
        ('url = "http://crm.example"\nlists = {a = "b"}', "over https:// only"),
        ('url = "https://crm.example"', "lists says which list there"),
        ('url = "s3://bucket"\nlists = {a = "b"}', "lists says which list there"),
    ],
)
def test_settings_of_destinations_that_cannot_be_used_are_refused(tmp_path, told, said):
    (tmp_path / "perennial.toml").write_text(f'[destinations.crm]\nplatform = "klaviyo"\n{told}\n')
    with pytest.raises(SettingsError, match=said) as failure:
        load(tmp_path)
    assert "hidden" not in str(failure.value)


# ── the command, and the night ────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_says_what_happened_and_names_nobody(tmp_path, monkeypatch):
    (tmp_path / "perennial.toml").write_text(
        f'[destinations.files]\nplatform = "klaviyo"\nurl = "file://{tmp_path}/there"\n'
        '[destinations.crm]\nplatform = "klaviyo"\nurl = "https://crm.example"\nlists = {"all/loyal" = "L1"}\n'
    )
    monkeypatch.delenv("KLAVIYO_API_KEY", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("PERENNIAL_HOME", "")
    publish(tmp_path, "a secret@x.com", "b b@x.com", mode="diff")
    found = CliRunner().invoke(app, ["deliver", "--home", str(tmp_path)], env={"COLUMNS": "300"})
    assert found.exit_code == 1 and found.output.splitlines() == [
        "files, all/loyal: 2 added.",
        "crm, all lists: Klaviyo needs a private key; set KLAVIYO_API_KEY in the environment.",
    ]
    (tmp_path / "perennial.toml").write_text("")
    found = CliRunner().invoke(app, ["deliver", "--home", str(tmp_path)], env={"COLUMNS": "300"})
    assert (found.exit_code, found.output) == (0, "Nothing to send: no destinations are set (docs/activation.md).\n")


def test_a_night_delivers_where_destinations_are_set():
    key = AssetKey(["published", "deliveries"])
    for given, there in (({}, False), ({"crm": CRM}, True)):
        graph = build_defs(settings_of(Path("/nowhere"), **given)).resolve_asset_graph()
        assert (key in graph.get_all_asset_keys()) is there


@pytest.mark.parametrize(
    "page", ["http://127.0.0.1:1.example/next", "http://127.0.0.1:12/next", "https://example.com/"]
)
def test_a_next_page_at_another_address_is_not_asked_for(page):
    """An answer says where its next page is; the key goes nowhere else."""
    with pytest.raises(DeliveryFailed, match="another address"):
        Calls("http://127.0.0.1:1", {}, sleep=lambda _: None).call("GET", page)
