"""Forget: a case from its beginning to its end. Whoever is stopped, or has something left to do, asks again."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.activation.ledger import forget_customers
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.engines.spark.lake import lake_folder
from pipeline.erasure import purge
from pipeline.erasure.cases import Deadline, begin, close, deadlines, person_of
from pipeline.erasure.cells import columns_of
from pipeline.erasure.known import find_person
from pipeline.erasure.person import NotOnePerson, Person
from pipeline.erasure.search import search
from pipeline.errors import PerennialError
from pipeline.home.locks import home_lock
from pipeline.home.migrations import migrate
from pipeline.home.modes import set_right
from pipeline.home.opening import opened
from pipeline.home.people import FILE, people_attached, people_file
from pipeline.home.publishing import recover
from pipeline.home.rewriting import remove_unfinished
from pipeline.ingest.identity import find_key, set_key
from pipeline.ingest.requests import Request, open_cases, waiting
from pipeline.ingest.tombstones import Kind, canonical, case_file, case_of, cases, find_tombstones, write_case
from pipeline.settings import Settings
from pipeline.tables.catalog import tables
from pipeline.tables.inputs import input_tables


class CannotForget(PerennialError):
    """What was named is no identifier, or the home is one in which nobody can be forgotten yet."""


@dataclass(frozen=True)
class Case:
    """How far a case has come. `left`: what still holds the person and what to do about it, by what it is. `possible`:
    exports with a word or a number that may be the person's and may be anything; nothing waits for them.
    """

    case: str
    due_on: str
    is_closed: bool
    left: dict[str, list[str]]
    possible: list[str] = field(default_factory=list)


def forget(
    settings: Settings, kind: Kind, told: str, requested_on: dt.date | None = None, with_exports: bool = False,
    after: Callable[[str], object] = lambda step: None,
) -> Case:  # fmt: skip
    """Forget who is named, holding the home; again, to go on with it, or to look whether anything has come back.

    `requested_on`: today unless given, or unless the case knows an earlier day. `with_exports`: records of the drop
    folder are rewritten. `after` is told each step that is done. Raises CannotForget, NotOnePerson, ErasureKeyError,
    CaseDamaged, LedgerUnusable, HomeBusy.
    """
    _require_engine(settings)
    known_as = canonical(kind, told, settings.country)
    if known_as is None:
        raise CannotForget(f"That is no {kind}: give an address, a number with the code of its country, or an id.")
    today = settings.today()
    if requested_on is not None and requested_on > today:
        raise CannotForget(f"{requested_on} is after today: name the day on which the request came.")
    with home_lock(settings.home, "forget", settings.lock_wait_seconds):
        recover(settings.home)
        remove_unfinished(settings)
        name = case_of(settings, kind, known_as)
        case = _case(settings, name)
        if case is None or case["state"] != "open":
            person = _found(settings, kind, known_as)
            case = begin(settings, name, person, _asked_on(case, requested_on, today), today)
        return _work_through(settings, case, with_exports, after)


def _require_engine(settings: Settings) -> None:
    if settings.engine == "spark" and settings.spark.order_lines:
        raise CannotForget(
            "Spark reads the order lines of this home itself (spark.order_lines), without looking who was forgotten: "
            "nobody can be forgotten in it. Take the person out of these files, put their order lines into the drop "
            "folder instead, remove spark.order_lines from the settings, delete data/warehouse/spark.duckdb and the "
            "lake, run, and give this command again."
        )


def _asked_on(case: dict[str, Any] | None, requested_on: dt.date | None, today: dt.date) -> dt.date:
    """The earliest day that is known of a request that waits."""
    given = requested_on or today
    waits = case is not None and case["state"] == "requested"
    return min(given, dt.date.fromisoformat(case["requested_on"])) if case is not None and waits else given


def _work_through(
    settings: Settings, case: dict[str, Any], with_exports: bool, after: Callable[[str], object]
) -> Case:  # fmt: skip
    """A case that has begun, to its end; the caller holds the home."""
    person = person_of(settings, case["case"])
    after("begun")
    sent = _purge(settings, person, after)
    if with_exports:
        purge.rewrite_exports(settings, person)
        after("exports")
    set_right(settings)
    return _judged(settings, case, person, sent)


def forget_all(
    settings: Settings, kind: str, place: str, requested_on: dt.date | None, with_exports: bool
) -> Iterator[Case]:
    """The same of all who are named in a file, one per line; `-` is the standard input."""
    for one in named_in(place):
        yield forget(settings, kind_of(kind), one, requested_on, with_exports)


def kind_of(name: str) -> Kind:
    """As the command line names it."""
    named: dict[str, Kind] = {"customer_id": "customer_id", "email": "email", "phone": "phone"}
    return named[name]


def named_in(place: str) -> list[str]:
    """Who is named in a file, one per line; `-` is the standard input. Raises CannotForget."""
    try:
        text = sys.stdin.read() if place == "-" else Path(place).expanduser().read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CannotForget(
            "There is no file of that name. People are named in a file, one per line, or by - on the standard input, "
            "so that no history of a shell keeps them."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CannotForget(f"{place} cannot be read as UTF-8 text ({type(error).__name__}).") from None
    told = [line.strip() for line in text.splitlines() if line.strip()]
    if not told:
        raise CannotForget("Nobody is named: give one identifier per line.")
    return told


def forget_open(settings: Settings, with_exports: bool) -> Iterator[Case | CannotForget]:
    """The same of every case that is not closed, what is due first before the others: begun ones, and the requests
    that exports tell of. What one is refused for, such as an address of several customers, stops no other.
    """
    _require_engine(settings)
    requests = {case_of(settings, one.kind, one.known_as): one for one in reversed(_requests(settings))}
    for deadline in deadlines(settings):
        yield _worked_through(settings, deadline, requests.get(deadline.case), with_exports)


def _worked_through(
    settings: Settings, deadline: Deadline, request: Request | None, with_exports: bool
) -> Case | CannotForget:  # fmt: skip
    if deadline.state == "open":
        with home_lock(settings.home, "forget", settings.lock_wait_seconds):
            recover(settings.home)
            remove_unfinished(settings)
            case = _case(settings, deadline.case)
            assert case is not None
            return _work_through(settings, case, with_exports, lambda step: None)
    if request is None:
        return CannotForget(
            f"Case {deadline.case}: whom it names is not in {FILE} any more. Put the export of requests into the drop "
            f"folder and run, which reads it again; or name the person by --id, --email or --phone."
        )
    kind, known_as, day = request.kind, request.known_as, deadline.requested_on
    try:
        return forget(settings, kind, known_as, day, with_exports)
    except NotOnePerson as error:
        return CannotForget(f"Case {deadline.case}: {error}")


def _requests(settings: Settings) -> list[Request]:
    """What waits; cases are opened for what an earlier load had no key for."""
    if not settings.warehouse_file.exists():
        return []
    with home_lock(settings.home, "forget", settings.lock_wait_seconds), opened(settings) as connection:
        engine = DuckDBEngine(connection)
        migrate(engine, settings)
        if engine.is_behind(input_tables()) or not people_file(settings).exists():
            return []
        with people_attached(engine, settings):
            open_cases(engine, settings, settings.today())
            return waiting(engine)


def _purge(settings: Settings, person: Person, after: Callable[[str], object]) -> list[str]:
    """The lists elsewhere that the person is still on: the next delivery takes them off."""
    if settings.warehouse_file.exists():
        purge.purge_warehouse(settings, person, find_tombstones(settings))
        after("warehouse")
        purge.purge_people(settings, person)
        after("people")
    purge.purge_published(settings, person)
    after("published")
    purge.purge_quarantine(settings, person)
    after("quarantine")
    purge.purge_logs(settings, person)
    after("logs")
    sent = forget_customers(settings, person.customer_ids)
    after("deliveries")
    return sorted({f"{one.audience} for {one.platform} at {one.place}" for one in sent})


def _case(settings: Settings, name: str) -> dict[str, Any] | None:
    return next((case for case in cases(settings) if case["case"] == name), None)


def _found(settings: Settings, kind: Kind, known_as: str) -> Person:
    if not settings.warehouse_file.exists():
        raise CannotForget("There is no warehouse in this home: nothing was loaded that could be forgotten.")
    with opened(settings) as connection:
        engine = DuckDBEngine(connection)
        migrate(engine, settings)
        if engine.is_behind([*input_tables(), tables()["ingest.aliases"]]):
            raise CannotForget("An earlier version wrote this home: run first, which upgrades it.")
        if (key := find_key(settings)) is not None:
            set_key(engine, key)
        with people_attached(engine, settings):
            return find_person(engine, settings, kind, known_as)


def _elsewhere(settings: Settings) -> list[Path]:
    """Folders of the home's that are not in it."""
    lake = lake_folder(settings)
    return [lake] if settings.engine == "spark" and not lake.resolve().is_relative_to(settings.home) else []


def _judged(
    settings: Settings, case: dict[str, Any], person: Person, sent: list[str]
) -> Case:  # fmt: skip
    """Look everywhere, write down what is left, and close the case where nothing is."""
    found = search(settings.home, person, settings.exports_folder, _elsewhere(settings), columns_of(settings))
    left = {
        "to be removed by perennial deliver": sent,
        "holding": found.holding,
        "unreadable": found.unreadable,
    }
    left = {what: names for what, names in left.items() if names}
    told = case | {
        "left": left,
        "proof": {
            "looked_for": {kind: len(known) for kind, known in person.by_kind().items()},
            "files_looked_into": found.looked_into,
            "ids_looked_for_in_columns_of_ids_alone": len(person.other_ids),
            "possible_and_not_removed": found.doubtful,
            "still_held_in": len(found.holding),
            "not_readable": len(found.unreadable),
        },
    }
    if left:
        write_case(case_file(settings, case["case"]), told)
    else:
        close(settings, told)
    return Case(case["case"], case["due_on"], not left, left, found.doubtful)
