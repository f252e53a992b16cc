"""Forgetting: the person is nowhere, the totals stay, and whoever is stopped halfway goes on."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import pkgutil
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import duckdb
import fastexcel
import polars as pl
import pytest
import xlsxwriter
from pydantic import Secret
from test_destinations import publish

from pipeline.activation.delivering import deliver_from
from pipeline.activation.ledger import FILE as DELIVERIES
from pipeline.activation.ledger import FOLDER as FOLDER_OF_HOME
from pipeline.activation.ledger import LedgerUnusable, Row, opened_ledger
from pipeline.doctor import _begun_cases, _objections
from pipeline.engines.duckdb import DuckDBEngine, connect
from pipeline.engines.spark.lake import Lake, is_in_lake
from pipeline.erasure.cases import deadlines, person_of
from pipeline.erasure.forget import CannotForget, Case, forget, forget_open
from pipeline.erasure.objections import CannotObject, find_objections, object_to
from pipeline.erasure.person import NotOnePerson, Person
from pipeline.erasure.purge import _pack_zstd, _unpack_zstd
from pipeline.erasure.search import search
from pipeline.home.migrations import migrate
from pipeline.home.opening import opened
from pipeline.home.people import people_file
from pipeline.home.publishing import Publication, recover
from pipeline.home.rewriting import remove_unfinished
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.ingest.load import Loaded
from pipeline.ingest.tombstones import FOLDER, ErasureKeyError, a_month_after, cases, find_tombstones
from pipeline.settings import Settings
from pipeline.steps.prediction.kept_file import VERDICTS
from pipeline.tables.catalog import ours

KEY = "example-key-do-not-use"
TABLES = [
    one
    for one in ours().tables.values()
    if one.schema in ("ingest", "staging") or one.name in ("rfm_scores", "control_members")
]
STEPS = ("begun", "warehouse", "people", "published", "quarantine", "logs", "deliveries", "exports")
SECRETS = (b"anna-0017", b"anna@x.example", b"ANNA@", b"600123456", b"600 123 456", b"Kowalska", b"o-1001", b"o-1002")


def page_of(customer: str) -> str:
    """What the page of a customer is called."""
    return f"customer-{hashlib.md5(customer.encode()).hexdigest()}.html"


class World:
    """A shop in which Anna, Bert and Cleo have ordered, and Anna stands in every corner."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.settings = Settings(home=home, country="PL", quarantine_limit=1.0, erasure_keys=Secret(KEY), threads=1)

    @classmethod
    def made(cls, home: Path) -> World:
        self = cls(home)
        self.export("orders.csv", "order_id,customer_id,ordered_at,amount,city", "o-1001,anna-0017,2026-01-02,10,Łódź",
            "o-1002,anna-0017,2026-01-03,much,Łódź", "o-2001,bert-0018,2026-01-02,20,Łódź",
            "o-1003,anna-0017,2026-01-04,30,Łódź", "o-3001,7,2026-01-05,40,Łódź")  # fmt: skip
        self.export("people.csv", "customer_id,registered_at,email,phone,first_name,last_name",
            "anna-0017,2026-01-01,Anna@x.example,600 123 456,Anna,Kowalska",
            "bert-0018,2026-01-01,bert@x.example,601 123 456,Bert,Nowak")  # fmt: skip
        self.export("not.csv", "kind,value,reason,since", "email,anna@x.example,bounced,2026-01-01",
            "email,bert@x.example,bounced,2026-01-01")  # fmt: skip
        self.load()
        with closing(connect(self.settings.warehouse_file, self.settings)) as connection:
            connection.execute(
                "INSERT INTO marts.rfm_scores BY NAME SELECT DATE '2026-01-31' AS snapshot_date, unnest(['anna-0017', "
                "'bert-0018']) AS customer_id"
            )
        self.publish()
        self.log()
        return self

    def copied(self, home: Path) -> World:
        shutil.copytree(self.home, home)
        return World(home)

    def export(self, name: str, *lines: str) -> Path:
        file = self.home / "data" / "exports" / "perennial" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{line}\n" for line in lines).encode()
        file.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        return file

    def load(self) -> list[Loaded]:
        with closing(connect(self.settings.warehouse_file, self.settings)) as connection:
            engine = DuckDBEngine(connection)
            migrate(engine, self.settings)
            engine.prepare(self.settings, TABLES)
            outcomes = list(load_exports(engine, self.settings, find_exports(self.settings, {})))
        assert all(isinstance(one, Loaded) for one in outcomes), outcomes
        return outcomes  # type: ignore[return-value]

    def publish(self) -> None:
        day = self.home / "data" / "audiences" / "2026-01-31"
        table = self.home / "data" / "marts" / "rfm_scores" / "day=2026-01-31" / "rfm_scores.parquet"
        page = self.home / "reports" / "out" / "2026-01-31" / "index.html"
        for file in (day / "x", table, page):
            file.parent.mkdir(parents=True)
        pl.DataFrame({"customer_id": ["anna-0017", "bert-0018"]}).write_parquet(table)
        (day / "all.csv").write_text("customer_id,worth\nanna-0017,10\nbert-0018,20\n")
        hashed = [hashlib.sha256(mail.encode()).hexdigest() for mail in ("anna@x.example", "bert@x.example")]
        (day / "all.meta.csv").write_text("email,value\n" + "".join(f"{one},1\n" for one in hashed))
        both = ("anna-0017", "bert-0018")
        page.write_text("".join(f'<td><a href="{page_of(one)}">{one}</a></td>' for one in both))
        for customer in both:
            (page.parent / page_of(customer)).write_text(f"<title>{customer} · 31 January</title>")
        files = [table, day / "all.csv", day / "all.meta.csv"]
        told = [
            {
                "path": file.relative_to(self.home).as_posix(), "rows": 2,
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            }
            for file in files
        ]  # fmt: skip
        (day / "manifest.json").write_text(json.dumps({"files": told}))

    def log(self) -> None:
        history = self.home / ".dagster" / "history"
        history.mkdir(parents=True)
        with closing(sqlite3.connect(history / "runs.db")) as connection:
            connection.execute("CREATE TABLE events (id INTEGER, event TEXT)")
            connection.execute("""INSERT INTO events VALUES (1, '{"says": "anna-0017 of anna@x.example"}')""")
            connection.commit()
        (history / "1.err").write_text("a line\nanna@x.example said no\n")

    def forget(self, **more: object) -> Case:
        return forget(self.settings, "customer_id", "anna-0017", **more)  # type: ignore[arg-type]

    def holding(self) -> list[str]:
        """Where any word about Anna still stands, as bytes; packed files are looked into by `search`."""
        return [
            path.relative_to(self.home).as_posix()
            for path in sorted(self.home.rglob("*"))
            if path.is_file() and any(word in path.read_bytes() for word in SECRETS)
        ]

    def read(self, sql: str) -> list[tuple[object, ...]]:
        with closing(duckdb.connect(str(self.settings.warehouse_file), read_only=True)) as connection:
            return connection.execute(sql).fetchall()

    def totals(self) -> tuple[object, ...]:
        return self.read("SELECT sum(amount), count(*), count(DISTINCT order_id) FROM staging.order_lines")[0]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.made(tmp_path_factory.mktemp("made"))


@pytest.fixture
def world(made: World, tmp_path: Path) -> World:
    return made.copied(tmp_path / "home")


def assert_forgotten(world: World, before: tuple[object, ...]) -> None:
    assert world.holding() == []
    assert world.totals() == before
    left = world.read("SELECT customer_id, city FROM staging.order_lines ORDER BY ALL")
    assert left == [("7", "Łódź"), ("bert-0018", "Łódź"), (None, None), (None, None)]
    assert world.read("SELECT customer_id FROM marts.rfm_scores") == [("bert-0018",)]
    with closing(duckdb.connect(str(people_file(world.settings)), read_only=True)) as connection:
        assert connection.execute("SELECT first_name FROM customers").fetchall() == [("Bert",)]
        assert connection.execute("SELECT value FROM suppressions").fetchall() == [("bert@x.example",)]
    told = json.loads((world.home / "data" / "audiences" / "2026-01-31" / "manifest.json").read_text())
    for one in told["files"]:
        assert one["rows"] == 1 and one["sha256"] == hashlib.sha256((world.home / one["path"]).read_bytes()).hexdigest()
    page = world.home / "reports" / "out" / "2026-01-31" / "index.html"
    assert page.read_text() == f'<td><a>forgotten</a></td><td><a href="{page_of("bert-0018")}">bert-0018</a></td>'
    assert {path.name for path in page.parent.iterdir()} == {"index.html", page_of("bert-0018")}
    with closing(sqlite3.connect(world.home / ".dagster" / "history" / "runs.db")) as connection:
        assert connection.execute("SELECT event FROM events").fetchall() == [('{"says": "forgotten of forgotten"}',)]


def open_cases(world: World) -> list[Person]:
    return [person_of(world.settings, told["case"]) for told in cases(world.settings) if told["state"] == "open"]


def test_a_person_is_nowhere_any_more_and_the_totals_stay(world):
    before = world.totals()
    assert before[0] == 100
    case = world.forget(with_exports=True)
    assert case.is_closed and not case.left
    assert_forgotten(world, before)
    (proof,) = (world.home / FOLDER).glob("*")
    told = json.loads(proof.read_text())
    assert told["state"] == "closed" and told["proof"]["looked_for"] == {
        "customer_id": 1, "email": 1, "phone": 1, "order_id": 2, "hash": 3,
    }  # fmt: skip
    world.load()
    world.forget(with_exports=True)
    assert_forgotten(world, before)


def test_exports_that_are_left_keep_the_case_open_and_are_named(world):
    before = world.totals()
    case = world.forget()
    assert not case.is_closed
    assert case.left == {"holding": [f"data/exports/perennial/{name}.csv" for name in ("not", "orders", "people")]}
    world.load()
    assert world.totals() == before and world.read("SELECT count(*) FROM staging.customers") == [(1,)]
    assert world.forget(with_exports=True).is_closed
    assert_forgotten(world, before)


def test_lists_elsewhere_keep_the_case_open_until_they_are_left(world):
    """What was put into the folder of the home is taken back at once."""
    deliver_anna_and_bert(world)
    case = world.forget(with_exports=True)
    assert case.left["to be removed by perennial deliver"] == ["grid/loyal for klaviyo at crm"]
    assert case.left["holding"] == ["data/people/deliveries.duckdb"]
    with opened_ledger(world.settings) as ledger:
        leaving = ledger.execute("SELECT customer_id, place FROM leaving JOIN deliveries USING (customer_id)")
        assert leaving == [("anna-0017", "crm")]
        ledger.execute("DELETE FROM deliveries WHERE customer_id = 'anna-0017'", {})  # as the delivery does
    assert world.forget(with_exports=True).is_closed
    assert world.holding() == []
    with opened_ledger(world.settings) as ledger:
        assert len(ledger.sent_identifiers(["bert-0018"])) == 2


def deliver_anna_and_bert(world: World) -> None:
    """As if both were on a list of the home and on one elsewhere."""
    with opened_ledger(world.settings) as ledger:
        for place in (FOLDER_OF_HOME, "crm"):
            for customer, address in (("anna-0017", "anna@x.example"), ("bert-0018", "bert@x.example")):
                ledger.execute(
                    "INSERT INTO deliveries BY NAME SELECT 'klaviyo' AS platform, $place AS place, "
                    "'grid/loyal' AS audience, $customer AS customer_id, $identifiers AS identifiers, "
                    "'' AS content, 'delivered' AS state",
                    {"place": place, "customer": customer, "identifiers": json.dumps({"Email": address})},
                )  # fmt: skip


def test_an_objection_counts_at_once_and_is_done_when_the_lists_elsewhere_are_left(world):
    deliver_anna_and_bert(world)
    assert find_objections(world.settings) == []
    assert object_to(world.settings, "email", ["Anna@x.example", "bert@x.example "], dt.date(2026, 1, 31)) == 2
    assert object_to(world.settings, "customer_id", ["7"]) == 1
    of_anna, of_bert, of_seven = find_objections(world.settings)
    assert (of_anna.customer_id, str(of_anna.since), str(of_anna.due_on)) == ("anna-0017", "2026-01-31", "2026-02-28")
    assert of_anna.still_on == ("grid/loyal for klaviyo at crm",) and of_anna.is_overdue(dt.date(2026, 3, 1))
    assert not of_anna.is_overdue(dt.date(2026, 2, 28)) and of_seven.is_done
    with opened_ledger(world.settings) as ledger:
        leaving = ledger.execute("SELECT customer_id, why, place FROM leaving JOIN deliveries USING (customer_id)")
        assert sorted(leaving) == [("anna-0017", "objected", "crm"), ("bert-0018", "objected", "crm")]
        ledger.execute("DELETE FROM deliveries WHERE customer_id = 'anna-0017'", {})  # as the delivery does
    assert [one.is_done for one in find_objections(world.settings)] == [True, False, True]
    assert world.totals()[0] == 100 and of_bert.is_known, "nobody is erased"
    world.load()
    assert len(find_objections(world.settings)) == 3


def test_who_objects_leaves_what_is_published_and_the_row_of_who_has_the_address_as_well(world):
    """Dora has Emil's address, and the list one row of it, which is his."""
    world.export("more.csv", "customer_id,registered_at,email", "cleo-0019,2026-01-01,cleo@x.example",
        "emil-0018,2026-01-01,emil@x.example", "dora-0020,2026-01-01,emil@x.example")  # fmt: skip
    world.load()
    day = world.home / "data" / "audiences" / "2026-01-31"
    ids, target, manifest = day / "all.csv", day / "all.klaviyo.csv", day / "manifest.json"
    ids.write_text("customer_id,worth\ncleo-0019,10\nemil-0018,20\n")
    target.write_text("Email,orders\ncleo@x.example,1\nemil@x.example,2\n")
    told = json.loads(manifest.read_text())
    told["files"].append({"path": target.relative_to(world.home).as_posix(), "rows": 2, "sha256": "-"})
    manifest.write_text(json.dumps(told))
    both = ("cleo-0019 cleo@x.example", "emil-0018 emil@x.example")
    publish(world.home, *both, day=dt.date(2026, 1, 31), files=[target.relative_to(world.home).as_posix()])
    with opened_ledger(world.settings) as ledger:
        ledger.execute("INSERT INTO deliveries SELECT * REPLACE ('crm' AS place) FROM deliveries")

    def removed() -> list[tuple[str, str | None]]:
        with opened_ledger(world.settings) as ledger:
            assert ledger.outbox is not None
            plan = ledger.plan("klaviyo", "crm", "all/loyal", ledger.outbox.lists[0], "full")
        return [(row.customer_id, row.why) for row in plan.removed]

    assert removed() == []
    object_to(world.settings, "customer_id", ["dora-0020"])
    assert target.read_text() == "Email,orders\ncleo@x.example,1\n"
    assert ids.read_text() == "customer_id,worth\ncleo-0019,10\nemil-0018,20\n", "he has not objected"
    assert removed() == [("emil-0018", "blocked_address")]
    object_to(world.settings, "email", ["cleo@x.example"])
    assert target.read_text().splitlines() == ["Email,orders"]
    assert ids.read_text() == "customer_id,worth\nemil-0018,20\n"
    assert removed() == [("cleo-0019", "objected"), ("emil-0018", "blocked_address")]
    for one in json.loads(manifest.read_text())["files"]:
        if (file := world.home / one["path"]) in (ids, target):
            assert one["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
            assert one["rows"] == len(file.read_text().splitlines()) - 1
    (of_cleo,) = [one for one in find_objections(world.settings) if one.customer_id == "cleo-0019"]
    assert of_cleo.stops == ("all/loyal for klaviyo",), "told at once, and not by the next run"


OBJECTING = [
    *(("pathlib.Path.replace", number) for number in range(5)),
    *(("pipeline.durable.os.fsync", number) for number in (1, 5, 9)),
    *(("pipeline.engines.duckdb.DuckDBEngine.execute", number) for number in (20, 140)),
]


def test_whoever_is_killed_while_recording_objections_gives_the_command_again(world, monkeypatch):
    """Wherever that was: all is as if nobody had been killed, the sums of the files in the manifest as well."""
    publish(world.home, "anna-0017 anna@x.example", "bert-0018 bert@x.example", day=dt.date(2026, 1, 31))
    deliver_anna_and_bert(world)
    day = world.home / "data" / "audiences" / "2026-01-31"
    stopped = [
        stopped_at(monkeypatch, place, number, lambda: object_to(world.settings, "customer_id", ["anna-0017"]))
        for place, number in OBJECTING
    ]
    assert sum(stopped) > 4
    assert object_to(world.settings, "customer_id", ["anna-0017"]) == 1
    assert (day / "all.csv").read_text() == "customer_id,worth\nbert-0018,20\n"
    for one in json.loads((day / "manifest.json").read_text())["files"]:
        if "audiences" in one["path"]:
            assert one["sha256"] == hashlib.sha256((world.home / one["path"]).read_bytes()).hexdigest(), one["path"]
    (anna,) = find_objections(world.settings)
    assert (anna.stops, anna.still_on) == (("all/loyal for klaviyo",), ("grid/loyal for klaviyo at crm",))
    with opened_ledger(world.settings) as ledger:
        assert ledger.execute("SELECT customer_id, why FROM leaving") == [("anna-0017", "objected")]


def test_an_objection_first_finishes_a_publication_that_was_stopped(world):
    """Else its files came back over those without who objects."""
    target = "data/audiences/2026-01-31/all.csv"
    staged = Publication(world.home, "night")
    staged.file(target).write_text("customer_id,worth\nanna-0017,11\nbert-0018,21\n")
    with pytest.MonkeyPatch.context() as killed:
        killed.setattr("pipeline.home.publishing._carry_out", lambda *_: None)
        staged.commit()
    object_to(world.settings, "customer_id", ["anna-0017"])
    assert (world.home / target).read_text() == "customer_id,worth\nbert-0018,21\n"
    assert recover(world.home) == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"files": [{}]}'])
def test_a_manifest_that_cannot_be_read_keeps_nobody_in_a_file(world, content):
    day = world.home / "data" / "audiences" / "2026-01-31"
    (day / "manifest.json").write_text(content)
    object_to(world.settings, "customer_id", ["anna-0017"])
    assert (day / "all.csv").read_text() == "customer_id,worth\nbert-0018,20\n"
    assert (day / "manifest.json").read_text() == content


def test_objections_that_were_changed_by_hand_are_told_of_and_kept(world):
    file = world.settings.exports_folder / "perennial.objections" / "by-hand.csv"
    file.parent.mkdir(parents=True)
    file.write_text("customer_id;since;by\nbert-0018;2026-01-05;letter\n")
    with pytest.raises(CannotObject, match=r"by-hand.csv was changed by hand, .* columns customer_id,since"):
        object_to(world.settings, "customer_id", ["anna-0017"])
    assert "bert-0018;2026-01-05" in file.read_text() and find_objections(world.settings) == []


def test_an_objection_that_names_nobody_is_not_recorded_and_one_of_an_export_is_told_of(world):
    with pytest.raises(CannotObject, match=r"Line 2 names nobody .* suppressions"):
        object_to(world.settings, "email", ["anna@x.example", "nobody@x.example"])
    with pytest.raises(CannotObject, match="Line 1 is no phone"):
        object_to(world.settings, "phone", ["12"])
    with pytest.raises(CannotObject, match="after today"):
        object_to(world.settings, "customer_id", ["7"], dt.date(2999, 1, 1))
    assert find_objections(world.settings) == []
    world.export("objections.csv", "customer_id,since", "stranger-1,2026-01-05")
    world.load()
    (one,) = find_objections(world.settings)
    assert not one.is_known and one.is_overdue(dt.date(2026, 2, 6)) and not one.is_overdue(dt.date(2026, 2, 5))
    with opened(world.settings, read_only=True) as connection:
        (finding,) = _objections(world.settings, DuckDBEngine(connection))
    assert finding.status == "warn" and "0 of customers who are still on a list elsewhere" in finding.message


def test_whoever_is_stopped_after_a_step_goes_on(world):
    """Each time one step later: what is before it is done again."""
    before = world.totals()
    for step in STEPS:

        def stop(done: str, last: str = step) -> None:
            if done == last:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            world.forget(with_exports=True, after=stop)
        assert [person.customer_ids for person in open_cases(world)] == [("anna-0017",)]
    assert world.forget(with_exports=True).is_closed
    assert_forgotten(world, before)


PLACES = ("pathlib.Path.replace", "pipeline.durable.os.fsync", "pipeline.engines.duckdb.DuckDBEngine.execute")


def stopped_at(
    monkeypatch: pytest.MonkeyPatch, place: str, number: int, command: Callable[[], object]
) -> bool:  # fmt: skip
    """Whether something was stopped: the so-many-th call of what writes."""
    module, _, name = place.rpartition(".")
    target = pkgutil.resolve_name(module)
    real, calls = getattr(target, name), iter(range(number))

    def counted(*given: object, **named: object) -> object:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return real(*given, **named)

    with monkeypatch.context() as broken:
        broken.setattr(target, name, counted)
        try:
            command()
        except KeyboardInterrupt:
            return True
    return False


def test_whoever_is_killed_anywhere_goes_on(world, monkeypatch):
    before = world.totals()
    points = [(PLACES[2], 1), (PLACES[0], 0), (PLACES[1], 1), (PLACES[2], 3), (PLACES[1], 0), (PLACES[2], 10),
              (PLACES[2], 25), (PLACES[2], 45), (PLACES[2], 60), (PLACES[0], 2), (PLACES[1], 3),
              (PLACES[2], 100), (PLACES[2], 130), (PLACES[0], 4), (PLACES[1], 6), (PLACES[0], 7), (PLACES[1], 12),
              (PLACES[0], 9)]  # fmt: skip
    stopped = [stopped_at(monkeypatch, *point, partial(world.forget, with_exports=True)) for point in points]
    assert sum(stopped) >= 12, "with those after each step twenty; else there is nothing to stop any more"
    assert world.forget(with_exports=True).is_closed
    assert_forgotten(world, before)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("place", PLACES)
def test_whoever_is_killed_at_every_point_goes_on(made, tmp_path, monkeypatch, place):
    number, was_stopped = 0, True
    while was_stopped:
        world = made.copied(tmp_path / str(number))
        before = world.totals()
        was_stopped = stopped_at(monkeypatch, place, number, partial(world.forget, with_exports=True))
        assert world.forget(with_exports=True).is_closed
        assert_forgotten(world, before)
        number += 1
    assert number > 3


def test_requests_of_an_export_are_worked_through_and_one_that_names_several_stops_no_other(world):
    """Anna asks by her address, somebody by a number that two have: the request of the latter stays, and is told."""
    world.export("more.csv", "customer_id,registered_at,phone", "cleo-0019,2026-01-01,601 123 456")
    world.export(
        "tickets.csv", "kind,value,requested_at", "phone,601 123 456,2026-01-05", "mail,ANNA@x.example,2026-01-07"
    )
    world.load()
    before = world.totals()
    refused, of_anna = forget_open(world.settings, with_exports=True)
    assert isinstance(refused, CannotForget) and "2 customers have this phone" in str(refused)
    assert isinstance(of_anna, Case) and of_anna.is_closed and of_anna.due_on == "2026-02-07"
    assert world.holding() == [] and world.totals() == before
    world.load()
    assert [str(one.requested_on) for one in deadlines(world.settings)] == ["2026-01-05"]
    assert len(list(forget_open(world.settings, with_exports=False))) == 1


def test_who_is_named_beside_the_person_stays_suppressed(world):
    world.export("both.csv", "kind,value,since", "email,anna@x.example; dora@x.example,2026-01-01")
    world.load()
    world.forget()
    with closing(duckdb.connect(str(people_file(world.settings)), read_only=True)) as connection:
        left = connection.execute("SELECT value FROM suppressions ORDER BY ALL").fetchall()
    assert left == [("bert@x.example",), ("dora@x.example",)]
    assert world.read("SELECT count(*) FROM staging.suppressions") == [(2,)]


def test_whom_was_forgotten_before_stays_so_when_the_case_is_opened_again(world):
    """The second time only the id is known any more: the tombstones of the address and the number stay."""
    world.forget()
    stones = find_tombstones(world.settings).erased_on
    assert world.forget(with_exports=True).is_closed
    world.forget(with_exports=True)
    assert find_tombstones(world.settings).erased_on.keys() == stones.keys() and len(stones) == 8


def test_a_folder_of_cases_that_is_gone_stops_the_load(world):
    """The people's file knows that there was a case, else Anna would come back with the next export."""
    world.forget()
    kept = world.home / "kept"
    (world.home / FOLDER).rename(kept)
    with pytest.raises(ErasureKeyError, match=r"data/erasures lacks 1 case of people who were forgotten.*Restore"):
        world.load()
    assert world.read("SELECT count(*) FROM staging.customers") == [(1,)]
    kept.rename(world.home / FOLDER)
    world.load()
    shutil.rmtree(world.home / FOLDER)
    assert not world.forget().is_closed, "named as then, the case is the same"
    world.load()


@pytest.mark.parametrize("lost", [("erasures",), ("erasures", "people")])
def test_cases_that_are_lost_with_the_people_are_noticed(world, lost):
    """The warehouse notes them as well: else Anna's export, sent once more, would bring her back."""
    world.forget()
    for folder in lost:
        (world.home / "data" / folder).rename(world.home / folder)
    with pytest.raises(ErasureKeyError, match=r"data/erasures lacks 1 case of people who were forgotten.*Restore"):
        world.load()
    with closing(connect(world.settings.warehouse_file, world.settings)) as connection:
        (finding,) = _begun_cases(world.settings, DuckDBEngine(connection))
    assert (finding.status, finding.subject) == ("fail", "erasures") and "lacks 1 case" in finding.message
    for folder in lost:
        shutil.rmtree(world.home / "data" / folder, ignore_errors=True)
        (world.home / folder).rename(world.home / "data" / folder)
    world.load()
    assert world.read("SELECT customer_id FROM staging.customers") == [("bert-0018",)]


def test_an_older_ledger_of_deliveries_is_told_and_nobody_is_forgotten_by_it(world):
    with opened_ledger(world.settings) as ledger:
        ledger.begin("klaviyo", "crm", "grid/loyal", [])
    older = (world.home / DELIVERIES).read_bytes()
    with opened_ledger(world.settings) as ledger:
        ledger.begin("klaviyo", "crm", "grid/loyal", [Row("anna-0017", '{"Email": "anna@x.example"}')])
    deliver_from(world.settings)
    newer = (world.home / DELIVERIES).read_bytes()
    (world.home / DELIVERIES).write_bytes(older)
    with pytest.raises(LedgerUnusable, match="is an older one, put back from a backup"):
        deliver_from(world.settings)
    with pytest.raises(LedgerUnusable, match="is an older one"):
        world.forget()
    (world.home / DELIVERIES).write_bytes(newer)
    assert world.forget(with_exports=True).left["to be removed by perennial deliver"]


def test_a_later_order_is_one_of_a_new_customer(world):
    world.forget(with_exports=True)
    tomorrow = dt.date.today() + dt.timedelta(days=1)
    world.export("later.csv", "order_id,customer_id,ordered_at,amount", f"o-9,anna-0017,{tomorrow},5",
        "o-1001,anna-0017,2026-01-02,10")  # fmt: skip
    world.load()
    orders = world.read("SELECT order_id, customer_id FROM staging.order_lines WHERE amount IN (5, 10) ORDER BY amount")
    assert orders[0] == ("o-9", "anna-0017") and orders[1][1] is None and len(orders) == 2


def test_an_address_names_its_customer_and_one_of_several_names_nobody(world):
    world.export("more.csv", "customer_id,registered_at,email,phone", "cleo-0019,2026-01-01,cleo@x.example,601 123 456")
    world.load()
    with pytest.raises(NotOnePerson, match="2 customers have this phone"):
        forget(world.settings, "phone", "+48 601 123 456")
    forget(world.settings, "email", " BERT@x.example")
    (bert,) = open_cases(world)
    assert "bert-0018" in bert.customer_ids
    assert bert.emails == ("bert@x.example",) and bert.phones == (), "the number is Cleo's as well"
    world.load()
    with closing(duckdb.connect(str(people_file(world.settings)), read_only=True)) as connection:
        assert ("+48601123456",) in connection.execute("SELECT phone FROM customers").fetchall()


def hashed_export(world: World, name: str, *lines: str) -> None:
    """Customers of a source of the shop's own that tells hashes for Meta and nothing else."""
    source = world.home / "sources" / "partner" / "customers.sql"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(
        "/*\ndescription: Customers as a partner tells them.\nraw: {id: {}, since: {}, m: {}}\nhashed_for: [meta]\n*/\n"
        "SELECT row_number, id AS customer_id, since AS registered_at, m AS email_sha256 FROM export\n"
    )
    world.settings = world.settings.model_copy(update={"sources_folder": world.home / "sources"})
    file = world.home / "data" / "exports" / "partner" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in ("id,since,m", *lines)))


def test_who_is_known_by_the_hash_of_the_address_alone_is_forgotten_by_the_address(world):
    of_dora, of_emil = (hashlib.sha256(mail.encode()).hexdigest() for mail in ("dora@gmail.com", "emil@x.example"))
    hashed_export(world, "1.csv", f"dora-0020,2026-01-01,{of_dora.upper()}", f"emil-0021,2026-01-01,{of_emil}")
    world.load()
    kept = world.settings.warehouse_file.with_name(VERDICTS)
    kept.touch()
    case = forget(world.settings, "email", "Do.Ra+shop@gmail.com", with_exports=True)
    assert case.is_closed, case.left
    assert not kept.exists()
    hashes = "SELECT email_sha256 FROM customers WHERE email_sha256 IS NOT NULL"
    with closing(duckdb.connect(str(people_file(world.settings)), read_only=True)) as connection:
        assert connection.execute(hashes).fetchall() == [(of_emil,)]
    assert of_dora not in (world.home / "data/exports/partner/1.csv").read_text().lower()
    hashed_export(world, "2.csv", f"dora-0020,2026-01-01,{of_dora}", f"other-0022,2026-01-01,{of_dora}",
        f"emil-0021,2026-01-01,{of_emil}")  # fmt: skip
    world.load()
    assert world.read("SELECT customer_id FROM staging.customers WHERE customer_id LIKE '%-002%'") == [("emil-0021",)]


def test_a_hash_of_the_address_of_another_customer_stays_with_them(world):
    of_bert = hashlib.sha256(b"bert@x.example").hexdigest()
    hashed_export(world, "1.csv", f"dora-0020,2026-01-01,{of_bert}")
    world.load()
    with pytest.raises(NotOnePerson, match="2 customers have this email"):
        forget(world.settings, "email", "bert@x.example")
    forget(world.settings, "customer_id", "dora-0020")
    (dora,) = open_cases(world)
    assert (dora.emails, dora.hashes) == ((), [])
    assert world.read("SELECT customer_id FROM staging.customers ORDER BY ALL") == [("anna-0017",), ("bert-0018",)]


def test_messages_that_know_a_person_by_the_address_alone_go_as_well(world):
    sent = {"camp_id": 7, "event": "delivered", "ts_event": 1_772_366_400}
    file = world.home / "data" / "exports" / "brevo" / "sent.jsonl"
    file.parent.mkdir()
    names = ("anna@x.example", "bert@x.example")
    file.write_text("".join(json.dumps({**sent, "email": name, "id": n}) + "\n" for n, name in enumerate(names)))
    world.load()
    assert world.read("SELECT customer_id, customers FROM ingest.aliases ORDER BY ALL") == [
        ("anna-0017", 1), ("bert-0018", 1),
    ]  # fmt: skip
    assert world.forget(with_exports=True).is_closed
    assert world.read("SELECT customer_id FROM ingest.aliases") == [("bert-0018",)]
    bert = "SELECT alias_id FROM ingest.aliases"
    assert world.read("SELECT customer_id FROM staging.messages") == world.read(bert)
    world.load()
    assert world.read("SELECT customer_id FROM staging.messages") == world.read(bert)


def test_ids_that_may_be_anything_are_looked_for_in_columns_of_ids_alone(world):
    """10001 is a customer, the postal code of another, and an order of a third: only the customer is forgotten."""
    world.export("numbers.csv", "order_id,customer_id,ordered_at,amount,city", "20001,10001,2026-01-02,10,Łódź",
        "10001,10002,2026-01-02,10,Łódź", "20003,10003,2026-01-02,10001,Łódź")  # fmt: skip
    world.export("places.csv", "customer_id,registered_at,zip,last_name", "10001,2026-01-01,00-950,Lis",
        "10003,2026-01-01,10001,Bąk")  # fmt: skip
    world.load()
    before = world.totals()
    case = forget(world.settings, "customer_id", "10001", with_exports=True)
    exports = world.home / "data" / "exports" / "perennial"
    assert (exports / "numbers.csv").read_text().splitlines()[1:] == [
        "10001,10002,2026-01-02,10,Łódź", "20003,10003,2026-01-02,10001,Łódź"
    ]  # fmt: skip
    assert (exports / "places.csv").read_text().splitlines()[1:] == ["10003,2026-01-01,10001,Bąk"]
    assert world.totals() == before
    assert world.read("SELECT DISTINCT customer_id FROM staging.customers WHERE customer_id LIKE '100%'") == [
        ("10003",)
    ]
    assert case.is_closed and not case.possible, "postal codes, amounts and orders are known to be something else"


def test_what_may_be_an_id_in_a_column_nobody_knows_is_told_and_stops_nothing(world):
    path = world.export("beside.csv", "order_id,customer_id,ordered_at,amount,agent", "20002,10002,2026-01-02,10,10001",
        "20001,10001,2026-01-02,10,7")  # fmt: skip
    world.load()
    case = forget(world.settings, "customer_id", "10001", with_exports=True)
    assert case.is_closed and case.possible == ["data/exports/perennial/beside.csv"]
    assert path.read_text().splitlines()[1:] == ["20002,10002,2026-01-02,10,10001"]
    (proof,) = (world.home / FOLDER).glob("*")
    assert json.loads(proof.read_text())["proof"]["possible_and_not_removed"] == case.possible


def test_a_quote_inside_a_cell_joins_no_records(world):
    path = world.export("inches.csv", "order_id,customer_id,ordered_at,amount,product_name",
        'p-2001,dora-0021,2026-01-02,10,Pipe 5" blue', "p-2002,anna-0017,2026-01-02,10,Tap",
        'p-2003,emil-0022,2026-01-02,10,Pipe 6" red', 'p-2004,anna-0017,2026-01-02,10,"Tap,\nlong"')  # fmt: skip
    world.load()
    world.forget(with_exports=True)
    assert [line.partition(",")[0] for line in path.read_text().splitlines()] == ["order_id", "p-2001", "p-2003"]


def test_what_a_rewriting_that_was_stopped_has_left_goes(world):
    left = [world.home / "data" / folder for folder in (
        "people/.people.duckdb.rewriting", "people/.deliveries.duckdb.rewriting", "people/.outbox.parquet.rewriting",
        "people/.deliveries.duckdb.rewriting.wal", "warehouse/.perennial.duckdb.rewriting",
    )]  # fmt: skip
    for path in left:
        path.write_bytes(b"anna@x.example")
    remove_unfinished(world.settings)
    assert not any(path.exists() for path in left)
    assert people_file(world.settings).exists() and world.settings.warehouse_file.exists()


def test_cells_with_separators_stay_whole_and_exports_of_two_bytes_a_character_lose_their_record(world):
    commas = world.export("cells.csv", "product_name,order_id,customer_id,ordered_at,amount",
        '"Tap; long, blue",20001,10001,2026-01-02,10', '"Tap;;;;;;",20002,10002,2026-01-02,10')  # fmt: skip
    wide = world.export("wide.csv", "")
    text = "order_id,customer_id,ordered_at,amount\nq-0001,anna-0017,2026-01-02,10\nq-0002,bert-0018,2026-01-02,10\n"
    wide.write_bytes(text.encode("utf-16"))
    world.load()
    assert forget(world.settings, "customer_id", "10001", with_exports=True).is_closed
    assert [line.split(",")[-3] for line in commas.read_text().splitlines()[1:]] == ["10002"]
    world.forget(with_exports=True)
    assert wide.read_bytes() == text.replace("q-0001,anna-0017,2026-01-02,10\n", "").encode("utf-16")


def test_exports_are_written_again_as_they_were_packed(world):
    """The record goes, its neighbours stay; what is no text that we can read stays whole, and is named."""
    lines = ["q-0001,anna-0017,2026-01-02,10\n", "q-0002,bert-0018,2026-01-02,10\n"]
    text = "order_id,customer_id,ordered_at,amount\n" + "".join(lines)
    folder = world.home / "data" / "exports" / "perennial"
    (folder / "a.csv.zst").write_bytes(_pack_zstd(text.encode()))
    (folder / "b.txt.gz").write_bytes(gzip.compress(text.encode("utf-16")))
    (folder / "c.csv").write_bytes(b"\xfe\xff" + text.encode("utf-16-be"))
    (folder / "damaged.csv.zst").write_bytes(_pack_zstd(text.encode())[:30])
    (folder / "damaged.csv.gz").write_bytes(gzip.compress(text.encode())[:30])
    at = [dt.datetime(2026, 1, 2)] * 3
    table = {"Order_ID": [1, 10001, 3], "note": ["of ANNA@x.example", None, "bert"], "at": at,
             "phones": [[], ["600-123-456"], ["601"]]}  # fmt: skip
    pl.DataFrame(table).write_parquet(folder / "d.parquet")
    case = world.forget(with_exports=True)
    assert case.left == {"unreadable": [f"data/exports/perennial/damaged.csv.{end}" for end in ("gz", "zst")]}
    rest = text.replace(lines[0], "")
    assert _unpack_zstd((folder / "a.csv.zst").read_bytes()).decode() == rest
    assert gzip.decompress((folder / "b.txt.gz").read_bytes()).decode("utf-16") == rest
    assert (folder / "c.csv").read_bytes() == b"\xfe\xff" + rest.encode("utf-16-be")
    left = pl.read_parquet(folder / "d.parquet")
    assert left.rows() == [(3, "bert", dt.datetime(2026, 1, 2), ["601"])]
    assert left.schema == pl.DataFrame(table).schema


def workbook(world: World, name: str, *rows: tuple[object, ...], formula: str | None = None) -> Path:
    """Rows in the first sheet; the second counts them."""
    file = world.home / "data" / "exports" / "perennial" / name
    with xlsxwriter.Workbook(file) as book:
        sheet, notes = book.add_worksheet("people"), book.add_worksheet("notes")
        for place, row in enumerate(rows):
            sheet.write_row(place, 0, row)
        if formula:
            sheet.write_formula(1, len(rows[0]), formula, None, 5)
        notes.write_row(0, 0, ["Nowak", "bert-0018"])
        notes.write_formula(1, 0, "=COUNTA(people!A:A)", None, 4)
    return file


PEOPLE = ("Customer ID", "email", "phone", "last_name")
ANNA, BERT = ("anna-0017", "Anna@x.example", 48600123456, "Kowalska"), ("bert-0018", "bert@x.example", None, "Nowak")


def test_records_leave_a_workbook_and_the_rest_of_it_stays(world):
    file = workbook(world, "people.xlsx", PEOPLE, ANNA, BERT, ("c", None, "600 123 456", "Nowak"))
    with zipfile.ZipFile(file) as before:
        parts = {name: before.read(name) for name in before.namelist()}
    assert "data/exports/perennial/people.xlsx" in world.forget().left["holding"]
    assert world.forget(with_exports=True).is_closed
    with zipfile.ZipFile(file) as after:
        assert after.testzip() is None
        left = {name: after.read(name) for name in after.namelist()}
    assert list(left) == list(parts)
    changed = {name for name in parts if left[name] != parts[name]}
    assert changed == {"xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"}
    assert not any(word.lower() in part.lower() for word in SECRETS for part in left.values())
    people = fastexcel.read_excel(file).load_sheet("people", header_row=None).to_polars()
    assert [row for row in people.rows() if any(row)] == [PEOPLE, BERT]
    notes = fastexcel.read_excel(file).load_sheet("notes", header_row=None).to_polars()
    assert notes.row(0) == ("Nowak", "bert-0018") and b"COUNTA(people!A:A)" in left["xl/worksheets/sheet2.xml"]


def test_an_id_that_may_be_anything_leaves_a_workbook_by_its_column(world):
    file = workbook(world, "orders.xlsx", ("order_id", "customer_id", "amount"), (900, 7, 8), (901, 8, 7))
    case = forget(world.settings, "customer_id", "7")
    assert "data/exports/perennial/orders.xlsx" in case.left["holding"]
    forget(world.settings, "customer_id", "7", with_exports=True)
    rows = fastexcel.read_excel(file).load_sheet("people", header_row=None).to_polars().rows()
    assert [row for row in rows if any(row)] == [("order_id", "customer_id", "amount"), ("901", "8", "7")]


def test_a_workbook_with_formulas_in_a_record_is_named_and_left(world):
    file = workbook(world, "people.xlsx", PEOPLE, ANNA, BERT, formula="=LEN(B2)")
    before = file.read_bytes()
    assert world.forget(with_exports=True).left == {"holding": ["data/exports/perennial/people.xlsx"]}
    assert file.read_bytes() == before


def test_records_of_a_parquet_export_go_by_its_columns_of_ids_too(world):
    folder = world.home / "data" / "exports" / "perennial"
    pl.DataFrame({"customer_id": [7, 8], "amount": [8, 7]}).write_parquet(folder / "e.parquet")
    forget(world.settings, "customer_id", "7", with_exports=True)
    assert pl.read_parquet(folder / "e.parquet").rows() == [(8, 7)]


@pytest.mark.parametrize("text", ["+48 600 123 456", "600\u00a0123\u00a0456", "600\u2009123\u2009456", "(600)123-456"])
def test_a_number_is_found_however_it_is_divided(text):
    assert Person(phones=("+48600123456",)).in_text.search(f"x;{text};y".encode())


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "cp1250", "cp1252", "utf-8"])
@pytest.mark.parametrize(
    "text", ["+48 600 123 456", "600\u00a0123-456", "zo\u00eb@x.example", "ZO\u00cb@X.example", "Zo\u00eb-17"]
)
def test_identifiers_are_found_in_every_encoding(encoding, text):
    person = Person(customer_ids=("zo\u00eb-17",), emails=("zo\u00eb@x.example",), phones=("+48600123456",))
    assert person.in_text.search(f"x;{text};y".encode(encoding))
    assert not person.in_text.search(f"x;a{text[:-1]}7;y".encode(encoding)), "another one"


def test_what_is_not_composed_is_the_same_address():
    assert Person(emails=("zo\u00eb@x.example",)).in_text.search("zoe\u0308@x.example".encode())


def test_an_address_is_found_as_mail_servers_write_it():
    assert Person(emails=("anna@münchen.de",)).in_text.search(b"x;anna@xn--mnchen-3ya.de;y")


def test_what_cannot_be_is_refused_before_anything_is_written(world):
    with pytest.raises(CannotForget, match="That is no email"):
        forget(world.settings, "email", "no address")
    with pytest.raises(CannotForget, match="after today"):
        world.forget(requested_on=dt.date(2999, 1, 1))
    without = world.settings.model_copy(update={"erasure_keys": None})
    with pytest.raises(ErasureKeyError, match="openssl"):
        forget(without, "customer_id", "anna-0017")
    assert not (world.home / FOLDER).exists()


def test_search_looks_into_what_is_packed(tmp_path):
    anna = Person(customer_ids=("anna-0017",), emails=("anna@x.example",), phones=("+48600123456",))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"x,600-123-456\n"))
    pl.DataFrame({"told": ["of ANNA@x.example"]}).write_parquet(tmp_path / "b.parquet")
    with closing(duckdb.connect()) as connection:
        connection.execute(f"COPY (SELECT 'anna-0017' AS a) TO '{tmp_path}/c.csv.zst' (FORMAT csv, COMPRESSION zstd)")
        connection.execute(f"ATTACH '{tmp_path}/d.duckdb' AS d")
        connection.execute("CREATE TABLE d.t AS SELECT 'a long text of anna-0017 in the middle' AS told")
    with closing(sqlite3.connect(tmp_path / "e.db")) as connection:
        connection.execute("CREATE TABLE t AS SELECT 'anna-0017' AS told")
        connection.commit()
    (tmp_path / "i.csv.zst").write_bytes(_pack_zstd(bytes(range(256)))[:40])
    (tmp_path / "f.txt").write_bytes("anna@x.example".encode("utf-16-le"))
    (tmp_path / "g.txt").write_text("anna-00171 and hanna-0017")
    (tmp_path / "h.csv.gz").write_bytes(gzip.compress(b"x" * 1000)[:20])
    found = search(tmp_path, anna, tmp_path / "data" / "exports")
    assert found.holding == ["a.csv.gz", "b.parquet", "c.csv.zst", "d.duckdb", "e.db", "f.txt"]
    assert found.unreadable == ["h.csv.gz", "i.csv.zst"] and found.looked_into == 9


@pytest.mark.parametrize(
    ("requested", "due"), [("2026-01-31", "2026-02-28"), ("2026-12-15", "2027-01-15"), ("2028-01-30", "2028-02-29")]
)
def test_a_month_is_given(requested, due):
    assert a_month_after(dt.date.fromisoformat(requested)) == dt.date.fromisoformat(due)


def test_on_spark_the_partitions_of_the_lake_are_written_again(tmp_path, monkeypatch):
    """Without Spark: its tables are Parquet, which DuckDB reads and writes. Stopped in between, it goes on."""
    world = World(tmp_path / "home")
    world.settings = world.settings.model_copy(update={"engine": "spark"})
    world.export("orders.csv", "order_id,customer_id,ordered_at,amount,city", "o-1001,anna-0017,2026-01-02,10,Łódź",
        "o-2001,bert-0018,2026-01-02,20,Łódź")  # fmt: skip
    lake_tables = [ours().tables["marts.rfm_scores"], ours().tables["staging.orders"]]
    days = (dt.date(2026, 1, 31), dt.date(2026, 2, 28))
    with closing(connect(world.settings.warehouse_file, world.settings)) as connection:
        engine = DuckDBEngine(connection)
        migrate(engine, world.settings)
        engine.prepare(world.settings, [one for one in TABLES if not is_in_lake(one)])
        assert all(
            isinstance(one, Loaded) for one in load_exports(engine, world.settings, find_exports(world.settings, {}))
        )
        lake = Lake(engine, world.settings, lake_tables)
        lake.prepare()
        for table, day, ids in (
            (lake_tables[0], days[0], ("anna-0017", "bert-0018")), (lake_tables[0], days[1], ("bert-0018",)),
            (lake_tables[1], None, ("anna-0017", "bert-0018")),
        ):  # fmt: skip
            folder = lake.new_folder(table, day, "one")
            folder.mkdir(parents=True)
            pl.DataFrame({"customer_id": ids}).write_parquet(folder / "p.parquet")
            lake.commit(table, day, folder, len(ids))
        inputs = lake.root / "inputs" / "customers-1.parquet"
        inputs.parent.mkdir()
        pl.DataFrame({"customer_id": ["anna-0017"]}).write_parquet(inputs)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for place in ("pipeline.engines.spark.lake.fsync_tree", "pipeline.engines.spark.lake.shutil.rmtree"):
        with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
            broken.setattr(place, killed)
            world.forget(with_exports=True)
    assert world.forget(with_exports=True).is_closed
    assert world.holding() == []
    with closing(connect(world.settings.warehouse_file, world.settings)) as connection:
        rows = connection.execute("SELECT customer_id FROM marts.rfm_scores").fetchall()
        assert rows == [("bert-0018",)] * 2
        assert connection.execute("SELECT customer_id FROM staging.orders").fetchall() == [("bert-0018",)]
        assert connection.execute("SELECT count(*), sum(amount) FROM staging.order_lines").fetchall()[0][0] == 2
        catalog = connection.execute("SELECT day, row_count FROM catalog.partitions ORDER BY day").fetchall()
        assert catalog == [(days[0], 1), (days[1], 1), (None, 1)]


def test_order_lines_that_spark_reads_itself_are_told_with_what_to_do(world):
    spark = world.settings.spark.model_copy(update={"order_lines": "/data/orders"})
    world.settings = world.settings.model_copy(update={"engine": "spark", "spark": spark})
    with pytest.raises(CannotForget, match=r"spark\.order_lines.*drop folder"):
        world.forget()
