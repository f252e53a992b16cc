"""Forget: a case from its beginning to its end. Whoever is stopped, or has something left to do, asks again."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.activation.ledger import forget_customers
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.erasure import purge
from pipeline.erasure.cases import begin, case_of, close, person_of, write
from pipeline.erasure.person import Person, find_person
from pipeline.erasure.search import search
from pipeline.errors import PerennialError
from pipeline.home.locks import home_lock
from pipeline.home.migrations import migrate
from pipeline.home.modes import set_right
from pipeline.home.opening import opened
from pipeline.home.people import people_attached
from pipeline.home.publishing import recover
from pipeline.home.rewriting import remove_unfinished
from pipeline.ingest.identity import find_key, set_key
from pipeline.ingest.tombstones import Kind, canonical, case_file, cases, find_tombstones
from pipeline.settings import Settings
from pipeline.tables.catalog import tables
from pipeline.tables.inputs import input_tables


class CannotForget(PerennialError):
    """What was named is no identifier, or the home is one in which nobody can be forgotten yet."""


@dataclass(frozen=True)
class Case:
    """How far a case has come. `left`: what still holds the person and what to do about it, by what it is."""

    case: str
    due_on: str
    is_closed: bool
    left: dict[str, list[str]]


def forget(
    settings: Settings, kind: Kind, told: str, requested_on: dt.date | None = None, with_exports: bool = False,
    after: Callable[[str], object] = lambda step: None, exports_checked: bool = False,
) -> Case:  # fmt: skip
    """Forget who is named, holding the home; again, to go on with it, or to look whether anything has come back.

    `requested_on`: today unless given. `with_exports`: records of the drop folder are rewritten. `after` is told each
    step that is done. `exports_checked`: somebody has looked into the exports in which an id may be something else.
    Raises CannotForget, NotOnePerson, ErasureKeyError, CaseDamaged, HomeBusy.
    """
    if settings.engine != "duckdb":
        raise CannotForget("Nobody can be forgotten on Spark yet: its lake is not written again. Use engine = duckdb.")
    known_as = canonical(kind, told, settings.country)
    if known_as is None:
        raise CannotForget(f"That is no {kind}: give an address, a number with the code of its country, or an id.")
    today = dt.datetime.now(ZoneInfo(settings.timezone)).date()
    if requested_on is not None and requested_on > today:
        raise CannotForget(f"{requested_on} is after today: name the day on which the request came.")
    with home_lock(settings.home, "forget", settings.lock_wait_seconds):
        recover(settings.home)
        remove_unfinished(settings)
        name = case_of(settings, kind, known_as)
        case = _open_case(settings, name)
        if case is None or case["state"] == "closed":
            person = _found(settings, kind, known_as)
            case = begin(settings, name, person, requested_on or today, today)
        person = person_of(settings, name)
        after("begun")
        sent = _purge(settings, person, after)
        if with_exports:
            purge.rewrite_exports(settings, person)
            after("exports")
        set_right(settings)
        return _judged(settings, case, person, sent, exports_checked)


def forget_all(
    settings: Settings, kind: str, place: str, requested_on: dt.date | None, with_exports: bool, exports_checked: bool
) -> Iterator[Case]:
    """The same of all who are named in a file, one per line; `-` is the standard input."""
    named: dict[str, Kind] = {"customer_id": "customer_id", "email": "email", "phone": "phone"}
    try:
        text = sys.stdin.read() if place == "-" else Path(place).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotForget(f"{place} cannot be read as UTF-8 text ({type(error).__name__}).") from None
    told = [line.strip() for line in text.splitlines() if line.strip()]
    if not told:
        raise CannotForget("Nobody is named: give one identifier per line.")
    for one in told:
        yield forget(settings, named[kind], one, requested_on, with_exports, exports_checked=exports_checked)


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


def _open_case(settings: Settings, name: str) -> dict[str, Any] | None:
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
            return find_person(engine, kind, known_as)


def _judged(
    settings: Settings, case: dict[str, Any], person: Person, sent: list[str], exports_checked: bool
) -> Case:  # fmt: skip
    """Look everywhere, write down what is left, and close the case where nothing is."""
    found = search(settings.home, person, settings.exports_folder)
    left = {
        "to be removed by perennial deliver": sent,
        "holding": found.holding,
        "unreadable": found.unreadable,
        "to be looked into (the id may be something else there), then --exports-checked": (
            [] if exports_checked else found.doubtful
        ),
    }
    left = {what: names for what, names in left.items() if names}
    told = case | {
        "left": left,
        "proof": {
            "looked_for": {kind: len(known) for kind, known in person.by_kind().items()},
            "files_looked_into": found.looked_into,
            "ids_looked_for_in_columns_of_ids_alone": len(person.other_ids),
            "exports_checked_by_hand": found.doubtful if exports_checked else [],
            "still_held_in": len(found.holding),
            "not_readable": len(found.unreadable),
        },
    }
    if left:
        write(case_file(settings, case["case"]), told)
    else:
        close(settings, told)
    return Case(case["case"], case["due_on"], not left, left)
