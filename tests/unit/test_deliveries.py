"""Deliveries: what is added to a list and removed from it, what the ledger says, and who is held back."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from drop_folder import Home

from pipeline.activation.handing_over import HandingOver
from pipeline.activation.ledger import FILE, FOLDER, LISTS, ROWS, forget_customers, opened_ledger, sent_identifiers
from pipeline.activation.outputs import write_audiences
from pipeline.activation.withdrawing import rows_to_leave
from pipeline.erasure.purge import take_out_of_audiences
from pipeline.home.people import people_attached
from pipeline.home.publishing import MARKER, STAGING, Publication, recover
from pipeline.places import audience_folder
from pipeline.sections.activation import Consent, Terms
from pipeline.settings import SQL_FOLDER
from pipeline.tables.audiences import Audience, read_audience

D1, D2, D3 = (dt.date(2026, 3, day) for day in (29, 30, 31))
LOYAL = """/*
title: Loyal
description: Everybody who registered, and on which day of the month.
owner: team:crm
catalogue: all
consent: {{purpose: marketing, channel: email}}
platforms: [{platforms}]
{terms}columns:
  customer_id: {{type: VARCHAR, meaning: Customer of the shop}}
  day:         {{type: BIGINT, meaning: Day of the month}}
*/
SELECT customer_id, day(registered_on) AS day FROM staging.customers
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


def loyal(home: Home, mode: str = "diff", platforms: str = "email_list", **terms: int) -> Audience:
    lines = [f"mode: {mode}", *(f"{name}: {value}" for name, value in terms.items())]
    file = home.path / "own" / "loyal.sql"
    file.parent.mkdir(exist_ok=True)
    file.write_text(LOYAL.format(platforms=platforms, terms="".join(f"{line}\n" for line in lines)))
    return read_audience(file, home.path)


def members(home: Home, *people: str, withdrawn: tuple[str, ...] = (), objected: tuple[str, ...] = ()) -> None:
    """The customers of today as `id address [day]`, all of whom agreed but those who have withdrawn; as if loaded."""
    told = [[*one.split(), "1"][:3] for one in people]
    words = [(id, "granted", dt.date(2026, 1, 1)) for id, _, _ in told]
    words += [(id, "withdrawn", dt.date(2026, 2, 1)) for id in withdrawn]
    engine = home.engine
    with people_attached(engine, home.now()):
        for table in ("staging.customers", "people.customers", "staging.consents", "staging.objections"):
            engine.execute(f"DELETE FROM {table}")
        for row, (id, address, day) in enumerate(told):
            given = {"id": id, "row": row, "address": address, "day": dt.date(2026, 1, int(day))}
            engine.execute(
                "INSERT INTO staging.customers (file_id, row_number, customer_id, registered_on) "
                "VALUES ('f', $row, $id, $day)",
                given,
            )
            engine.execute(
                "INSERT INTO people.customers (file_id, row_number, email) VALUES ('f', $row, $address)", given
            )
        for id, status, day in words:
            engine.execute(
                "INSERT INTO staging.consents (customer_id, purpose, channel, status, changed_at, changed_on) "
                "VALUES ($id, 'marketing', 'email', $status, $day, $day)",
                {"id": id, "status": status, "day": day},
            )
        for id in objected:
            engine.execute(
                "INSERT INTO staging.objections (customer_id, since_on) VALUES ($id, '2026-02-01')", {"id": id}
            )


def stage(home: Home, audience: Audience | list[Audience], day: dt.date) -> Publication:
    """The files of a day, written and not yet in place."""
    staged = Publication(home.path, f"run-{day}")
    staged.owns(audience_folder(day))
    with opened_ledger(home.now()) as ledger:
        sent = ledger.sent_before(day)
    with people_attached(home.engine, home.now()), closing(HandingOver(home.engine, sent, day)) as handing:
        audiences = audience if isinstance(audience, list) else [audience]
        write_audiences(home.engine, audiences, day, staged.file, handing=handing)
    return staged


def publish(home: Home, audience: Audience, day: dt.date) -> dict[str, list[str]]:
    """Publish a day; which addresses its files for platforms hold, by what their names end with."""
    stage(home, audience, day).commit()
    with opened_ledger(home.now()):
        pass
    return files(home, day)


def files(home: Home, day: dt.date) -> dict[str, list[str]]:
    found = sorted((home.path / audience_folder(day) / "all").glob("loyal.email_list*.csv"))
    return {path.name.split(".")[1].removeprefix("email_list"): addresses(path.read_text()) for path in found}


def addresses(text: str) -> list[str]:
    return [row["email"].split("@")[0] for row in csv.DictReader(io.StringIO(text))]


def held(home: Home, place: str = FOLDER) -> dict[str, str]:
    """Identifier -> whose, of what the ledger says was delivered to a place."""
    with opened_ledger(home.now()) as ledger:
        found = ledger.execute(
            "SELECT json_extract_string(identifiers, '$.email'), customer_id FROM deliveries "
            "WHERE place = $place AND state = 'delivered'",
            {"place": place},
        )
    return {address.split("@")[0]: customer for address, customer in found}


# ── the folder of the home ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_difference_is_who_came_who_left_and_who_has_another_address(home):
    audience = loyal(home)
    members(home, "a a@x.com", "b b@x.com", "c c@x.com")
    assert publish(home, audience, D1) == {"-added": ["a", "b", "c"]}
    members(home, "a a@x.com", "b new@x.com", "d d@x.com")
    assert publish(home, audience, D2) == {"-removed": ["b", "c"], "-added": ["new", "d"]}
    assert held(home) == {"a": "a", "new": "b", "d": "d"}
    members(home, "a a@x.com 2", "b new@x.com", "d d@x.com")
    assert publish(home, audience, D3) == {"-added": ["a"]}, "another attribute is an update, and nobody is removed"
    assert held(home) == {"a": "a", "new": "b", "d": "d"}


@pytest.mark.parametrize(("mode", "left"), [("full", 1), ("diff", 2), ("replace", 2)])
def test_of_a_list_it_is_counted_what_it_is_worth_and_who_came_and_left(home, mode, left):
    audience = loyal(home, mode)
    audience = replace(audience, header=audience.header.model_copy(update={"value": "day"}))
    members(home, "a a@x.com 5", "b b@x.com", "c c@x.com")
    publish(home, audience, D1)
    members(home, "a a@x.com 4", "d d@x.com 20", "c c@x.com", withdrawn=("c",))
    with opened_ledger(home.now()) as ledger:
        sent = ledger.sent_before(D2)
    with people_attached(home.engine, home.now()), closing(HandingOver(home.engine, sent, D2)) as handing:
        (home.path / "out").mkdir()
        _, (ids, tool) = write_audiences(
            home.engine, [audience], D2, lambda target: home.path / "out" / Path(target).name, handing=handing
        )
    assert (ids.channels, ids.value, ids.changes, ids.is_money) == (("email",), 24, None, False)
    assert (tool.channels, tool.value, tool.changes) == (("email",), 24, (1, left))


def test_the_same_day_once_more_differs_from_the_same_day_before(home):
    audience = loyal(home)
    members(home, "a a@x.com", "b b@x.com")
    publish(home, audience, D1)
    members(home, "b b@x.com", "c c@x.com")
    first = publish(home, audience, D2)
    before = ledger_rows(home)
    assert publish(home, audience, D2) == first == {"-removed": ["a"], "-added": ["c"]}
    assert ledger_rows(home) == before, "a repeat is a no-op"
    members(home, "b b@x.com", "d d@x.com")
    assert publish(home, audience, D2) == {"-removed": ["a"], "-added": ["d"]}
    assert held(home) == {"b": "b", "d": "d"}


def ledger_rows(home: Home) -> list[tuple]:
    with opened_ledger(home.now()) as ledger:
        return sorted(ledger.execute("SELECT * FROM deliveries"))


def test_in_full_nobody_is_removed_but_who_must_not_be_told(home):
    audience = loyal(home, "full")
    members(home, "a a@x.com", "b b@x.com", "c c@x.com", "d d@x.com")
    assert publish(home, audience, D1) == {"": ["a", "b", "c", "d"]}
    members(home, "a a@x.com", "c c@x.com", "d d@x.com", withdrawn=("c",), objected=("d",))
    assert publish(home, audience, D2) == {"-removed": ["c", "d"], "": ["a"]}
    assert held(home) == {"a": "a", "b": "b"}


def test_what_is_taken_back_by_an_address_is_taken_back_by_everybody_who_has_it(home):
    audience = loyal(home, "full")
    members(home, "a a@x.com", "b b@x.com", "c c@x.com")
    assert publish(home, audience, D1) == {"": ["a", "b", "c"]}
    home.engine.execute("INSERT INTO ingest.aliases VALUES ('id of b@x.com', 'b', 2), ('id of b@x.com', 'c', 2)")
    members(home, "a a@x.com", "b b@x.com", "c c@x.com", withdrawn=("id of b@x.com",))
    assert publish(home, audience, D2) == {"-removed": ["b", "c"], "": ["a"]}


def test_a_consent_by_an_address_is_that_of_the_one_customer_who_has_it(home):
    members(home, "a a@x.com", "b b@x.com", "c c@x.com", withdrawn=("a", "b", "c"))
    home.engine.execute(
        "INSERT INTO ingest.aliases VALUES "
        "('id of a@x.com', 'a', 1), ('id of b@x.com', 'b', 2), ('id of b@x.com', 'c', 2)"
    )
    for address in "ab":
        home.engine.execute(
            f"INSERT INTO staging.consents (customer_id, purpose, channel, status, changed_at, changed_on) VALUES "
            f"('id of {address}@x.com', 'marketing', 'email', 'granted', DATE '2026-02-02', DATE '2026-02-02')"
        )
    assert publish(home, loyal(home, "full"), D1) == {"": ["a"]}


@pytest.mark.parametrize("platform", ["klaviyo", "push_list", "gone"])
def test_of_a_list_that_is_no_longer_in_force_who_said_no_is_removed_and_nobody_else(home, platform):
    members(home, *(f"{one} {one}@x.com" for one in "abcd"))
    publish(home, loyal(home), D1)
    with opened_ledger(home.now()) as ledger:
        ledger.execute(
            "INSERT INTO deliveries SELECT $platform, 'https://crm/L1', audience, customer_id, identifiers, content, "
            "version, first_sent, last_sent, state, reason FROM deliveries",
            {"platform": platform},
        )
    members(home, *(f"{one} {one}@x.com" for one in "abc"), withdrawn=("a",), objected=("b",))
    publish(home, loyal(home), D2)
    with opened_ledger(home.now()) as ledger:
        plan = ledger.plan(platform, "https://crm/L1", "all/loyal", None, "diff")
        left = [row.customer_id for row in plan.removed]
    assert left == (["b"] if platform == "push_list" else ["a", "b"]), "a yes to push is not taken back"


def test_in_full_an_older_address_that_is_refused_by_now_is_removed(home):
    """a and b have new addresses since; the old one of a is suppressed, that of c is now one of d, who objects."""
    audience = loyal(home, "full")
    members(home, "a a@x.com", "b b@x.com", "c c@x.com")
    publish(home, audience, D1)
    members(home, "a new-a@x.com", "b new-b@x.com", "c new-c@x.com", "d c@x.com", objected=("d",))
    with people_attached(home.engine, home.now()):
        home.engine.execute("INSERT INTO staging.suppressions (file_id, row_number, kind) VALUES ('s', 0, 'email')")
        home.engine.execute("INSERT INTO people.suppressions (file_id, row_number, value) VALUES ('s', 0, 'a@x.com')")
    assert publish(home, audience, D2) == {"-removed": ["a", "c"], "": ["new-a", "new-b", "new-c"]}
    assert held(home) == {"new-a": "a", "b": "b", "new-b": "b", "new-c": "c"}


def test_of_a_list_that_is_no_longer_in_force_an_older_address_that_is_refused_is_removed(home):
    members(home, "a a@x.com", "b b@x.com")
    publish(home, loyal(home), D1)
    with opened_ledger(home.now()) as ledger:
        ledger.execute("UPDATE deliveries SET place = 'sftp://partner', audience = 'all/gone'")
    members(home, "b b@x.com", "z a@x.com", objected=("z",))
    publish(home, loyal(home), D2)
    with opened_ledger(home.now()) as ledger:
        plan = ledger.plan("email_list", "sftp://partner", "all/gone", None, "full")
    assert [row.identifiers for row in plan.removed] == [{"email": "a@x.com"}]


def test_a_list_that_replaces_the_one_before_leaves_nobody_behind(home):
    audience = loyal(home, "replace")
    members(home, "a a@x.com", "b b@x.com")
    publish(home, audience, D1)
    members(home, "b b@x.com", "c c@x.com")
    assert publish(home, audience, D2) == {"": ["b", "c"]}
    assert held(home) == {"b": "b", "c": "c"}


@pytest.mark.parametrize("mode", ["diff", "replace"])
def test_removals_go_out_although_too_few_are_left_for_the_rest(home, mode):
    members(home, "a a@x.com", "b b@x.com", "c c@x.com")
    publish(home, loyal(home, mode, minimum_size=3), D1)
    members(home, "a a@x.com", "d d@x.com")
    assert publish(home, loyal(home, mode, minimum_size=3), D2) == {"-removed": ["b", "c"]}
    assert held(home) == {"a": "a"}, "d was never delivered"


def test_an_address_that_another_customer_takes_over_stays(home):
    audience = loyal(home)
    members(home, "a a@x.com", "b b@x.com")
    publish(home, audience, D1)
    members(home, "z a@x.com", "b b@x.com")
    assert publish(home, audience, D2) == {}
    assert held(home) == {"a": "z", "b": "b"}


def test_whoever_dies_before_the_files_are_in_place_has_delivered_nothing(home):
    audience = loyal(home)
    members(home, "a a@x.com", "b b@x.com")
    first = publish(home, audience, D1)
    before, outbox = ledger_rows(home), (home.path / ROWS).read_bytes()
    members(home, "b b@x.com")
    stage(home, audience, D2)  # and killed
    recover(home.path)
    assert ledger_rows(home) == before and (home.path / ROWS).read_bytes() == outbox
    assert files(home, D1) == first and files(home, D2) == {}


def test_whoever_dies_between_two_files_is_completed_and_then_delivered(home, monkeypatch):
    audience = loyal(home)
    members(home, "a a@x.com", "b b@x.com")
    publish(home, audience, D1)
    members(home, "b b@x.com", "c c@x.com")
    staged, move, moved = stage(home, audience, D2), Path.replace, []

    def dies(path: Path, target: Path) -> Path:
        if MARKER not in path.name and moved:
            raise OSError("killed")
        moved.extend([] if MARKER in path.name else [path])
        return move(path, target)

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(OSError, match="killed"):
        staged.commit()
    monkeypatch.setattr(Path, "replace", move)
    assert any((home.path / STAGING).iterdir())
    recover(home.path)
    assert held(home) == {"b": "b", "c": "c"} and files(home, D2) == {"-removed": ["a"], "-added": ["c"]}


def test_the_ledger_is_for_its_owner_alone_and_says_what_was_sent_where(home):
    members(home, "a a@x.com", "b b@x.com")
    publish(home, loyal(home, platforms="email_list, klaviyo"), D1)
    assert (home.path / FILE).stat().st_mode & 0o777 == 0o600
    found = sent_identifiers(home.now(), ["a", "nobody"])
    assert [(one.platform, one.place, one.audience, one.customer_id, one.identifiers, one.state) for one in found] == [
        ("email_list", FOLDER, "all/loyal", "a", {"email": "a@x.com"}, "delivered"),
        ("klaviyo", FOLDER, "all/loyal", "a", {"Email": "a@x.com"}, "delivered"),
    ]
    assert all(one.first_sent == one.last_sent for one in found)


def test_a_home_that_hands_nothing_over_has_no_ledger(home):
    assert sent_identifiers(home.now(), ["a"]) == [] and not (home.path / FILE).exists()
    assert not (home.path / LISTS).exists()


def test_an_older_day_that_is_delivered_late_changes_nothing(home):
    audience = loyal(home)
    members(home, "a a@x.com")
    publish(home, audience, D2)
    before = ledger_rows(home)
    members(home, "b b@x.com")
    publish(home, audience, D1)
    assert ledger_rows(home) == before


def object_at_once(home: Home, *customers: str) -> None:
    """As the command does it, once the objections are loaded."""
    with people_attached(home.engine, home.now()):
        rows = rows_to_leave(home.engine, home.now(), customers)
    take_out_of_audiences(home.now(), customers, rows)
    others = [one for one in rows if one.customer_id not in customers]
    forget_customers(home.now(), customers, "objected", others)


OBJECTORS = {
    "diff": ({"-added": ["b"]}, {"-removed": ["a", "both"]}, {}),
    "full": ({"": ["b"]}, {"-removed": ["a", "both"], "": ["b"]}, {"": ["b"]}),
    "replace": ({"": ["b"]}, {"": ["b"]}, {"": ["b"]}),
}


@pytest.mark.parametrize("mode", OBJECTORS)
def test_who_objects_at_once_is_named_once_by_the_next_files_and_comes_back_by_none(home, mode):
    """Dora objects, and Cleo's row has her address."""
    audience, at_once, next_day, later = loyal(home, mode), *OBJECTORS[mode]
    people = ("a a@x.com", "b b@x.com", "cleo both@x.com", "dora both@x.com")
    members(home, *people)
    assert [sorted(one) for one in publish(home, audience, D1).values()] == [["a", "b", "both"]]
    members(home, *people, objected=("a", "dora"))
    for _ in range(2):  # the command may be given again
        object_at_once(home, "a", "dora")
        assert files(home, D1) == at_once
    assert publish(home, audience, D2) == next_day
    assert held(home) == {"b": "b"}
    assert publish(home, audience, D3) == later


@pytest.mark.parametrize("mode", ["diff", "full"])
def test_a_day_that_is_published_again_names_who_objected_since(home, mode):
    audience, (_, next_day, later) = loyal(home, mode), OBJECTORS[mode]
    again = {"-added": ["b"]} | next_day if mode == "diff" else next_day
    people = ("a a@x.com", "b b@x.com", "cleo both@x.com", "dora both@x.com")
    members(home, *people)
    publish(home, audience, D1)
    members(home, *people, objected=("a", "dora"))
    object_at_once(home, "a", "dora")
    assert publish(home, audience, D1) == again, "whoever took in the files of before takes them off again"
    assert publish(home, audience, D1) == again
    assert publish(home, audience, D2) == later
    assert held(home) == {"b": "b"}


def test_addresses_are_out_of_reach_of_sql_afterwards(home):
    members(home, "a a@x.com")
    publish(home, loyal(home), D1)
    names = {name for (name,) in home.engine.execute("SELECT table_name FROM duckdb_tables() WHERE temporary")}
    assert not names & {"outbox", "sent", "changes", "file_rows", "told"}


# ── a purchase ends one campaign and begins another ───────────────────────────────────────────────────────────────────


def fill(home: Home, table: str, day: dt.date, *rows: dict[str, object]) -> None:
    """Rows of a table for a day; what nobody reads is not there."""
    for row in rows:
        told = {"snapshot_date": day} | row
        columns, values = ", ".join(told), ", ".join(f"${name}" for name in told)
        home.engine.execute(f"INSERT INTO marts.{table} ({columns}) VALUES ({values})", told)


def test_a_purchase_takes_from_one_list_and_adds_to_another_with_what_goes_with_it(home):
    """Anna and Bert are gone. On the 30th Anna buys a teapot: tea and cups go with it, and tea she has already."""
    members(home, "anna a@x.com", "bert b@x.com")
    for day, last_on, stage_of_anna in ((D1, dt.date(2025, 6, 1), "inactive"), (D2, D2, "active")):
        bought = {"customer_id": "anna", "dimension": "product"}
        fill(
            home, "attribute_segments", day, bought | {"attribute": "tea", "last_on": dt.date(2025, 6, 1), "spend": 5},
            bought | {"attribute": "teapot", "last_on": last_on, "spend": 40},
            bought | {"attribute": "towel", "last_on": last_on, "spend": 60},
            bought | {"customer_id": "bert", "attribute": "teapot", "last_on": dt.date(2025, 6, 1), "spend": 40},
        )  # fmt: skip
        pair = {"level": "product", "scope": "basket", "item": "teapot", "is_complementary": True}
        fill(
            home, "product_affinity", day, pair | {"other": "cup", "lift_low": 2.0},
            pair | {"other": "tea", "lift_low": 3.0}, pair | {"other": "tray", "lift_low": 1.5, "scope": "sequence"},
            pair | {"other": "cup", "lift_low": 2.5, "scope": "sequence"},
            pair | {"other": "soap", "lift_low": 9.0, "is_complementary": False},
        )  # fmt: skip
        fill(home, "product_names", day, {"product_id": "teapot", "label": "Teapot of iron"},
             {"product_id": "cup", "label": "=Cup"})  # fmt: skip
        for customer, stage_of in (("anna", stage_of_anna), ("bert", "inactive")):
            of = {"customer_id": customer}
            fill(home, "lifecycle_stages", day, of | {"stage": stage_of})
            fill(home, "customer_summary", day, of | {"last_purchase_on": D1, "orders": 1, "revenue": 40})
            fill(
                home, "recommendations", day, of | {"list": "win_back", "slot": 1, "product_id": "tea", "is_new": False}
            )
    terms = Terms(
        platforms=("email_list",), consent=Consent(purpose="marketing", channel="email"), mode="diff"
    )  # fmt: skip
    audiences = [
        read_audience(SQL_FOLDER / "audiences" / f"{name}.sql").with_terms(terms)
        for name in ("win_back", "after_purchase")
    ]

    def changes(day: dt.date) -> dict[str, list[dict[str, str]]]:
        stage(home, audiences, day).commit()
        folder = home.path / audience_folder(day)
        found = sorted(folder.glob("*/*.email_list*.csv"))
        return {
            f"{path.parent.name}/{path.name.replace('.email_list', '').removesuffix('.csv')}": list(
                csv.DictReader(path.open(encoding="utf-8", newline=""))
            )
            for path in found
        }

    first = changes(D1)
    assert {name: [row["email"] for row in rows] for name, rows in first.items()} == {
        "win_back/inactive-added": ["a@x.com", "b@x.com"],
    }  # fmt: skip
    second = changes(D2)
    assert {name: [row["email"] for row in rows] for name, rows in second.items()} == {
        "win_back/inactive-removed": ["a@x.com"], "after_purchase/complements-added": ["a@x.com"],
    }  # fmt: skip
    (anna,) = second["after_purchase/complements-added"]
    told = ("bought_on", "product_id", "label", "complement_1", "label_1", "complement_2", "label_2", "complement_3")
    assert [anna[name] for name in told] == [
        "2026-03-30", "teapot", "Teapot of iron", "cup", "'=Cup", "tray", "tray", "",
    ]  # fmt: skip
