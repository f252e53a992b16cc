"""Known: who a person is, by all that a home holds of them, also from an earlier time.

What is told of customers now, what was sent of them, and rows of the drop folder that carry their id: an address of
last year still stands in lists of last year.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import duckdb

from pipeline.activation.ledger import is_kept, opened_ledger
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.erasure.cells import Column, columns_of
from pipeline.erasure.person import NotOnePerson, Person
from pipeline.erasure.purge import Row, rows_of
from pipeline.erasure.words import Words
from pipeline.home.people import CONTACTS, hashes_of
from pipeline.ingest import contacts
from pipeline.ingest.exports import dropped_files
from pipeline.ingest.tombstones import Kind
from pipeline.settings import Settings
from pipeline.tables.platforms import platforms

_Known = Literal["email", "phone", "hash"]
_CONTACTS = ", ".join(CONTACTS)
_NOW = (
    "SELECT customer_id, persons.* FROM staging.customers JOIN people.customers AS persons USING (file_id, row_number)"
)


@dataclass(frozen=True)
class Told:
    """An address, a number, or the hash of one, and of whom it was told."""

    customer_id: str
    kind: _Known
    value: str


def find_person(engine: DuckDBEngine, settings: Settings, kind: Kind, known_as: str) -> Person:
    """All that the home knows a person by; `people` has to be attached. `known_as`: canonical.

    An address that another customer has or had as well is not the person's alone, and stays with the other one. Raises
    NotOnePerson where `known_as` is such a one, LedgerUnusable.
    """
    ids = {known_as} if kind == "customer_id" else set[str]()
    if kind == "email" or kind == "phone":
        ids |= _named_by(engine, settings, kind, known_as)
        if len(ids) > 1:
            raise NotOnePerson(
                f"{len(ids):,} customers have this {kind}: name the one who asks to be forgotten by --id."
            )
    if kind == "email":  # shops that know people by their address, as it is or under the home's key
        ids |= {known_as}
        if engine.scalar("SELECT getvariable('id_key_inner') IS NOT NULL"):
            ids.add(engine.scalar("SELECT keyed($known_as)", {"known_as": known_as}))
    # messages may, where orders do not
    by_address = "SELECT alias_id FROM ingest.aliases WHERE customers = 1 AND list_contains($ids, customer_id)"
    ids |= {row[0] for row in engine.execute(by_address, {"ids": list(ids)})}
    now = _told_now(engine, ids)
    earlier = [*_sent(settings, ids), *_exported(settings, ids)]
    of_person = {(one.kind, one.value) for one in (*now, *earlier)} | {(kind, known_as)}
    addresses: set[tuple[str, str]] = {(what, value) for what, value in of_person if what in ("email", "phone")}
    others = [one for one in _held_now(engine, addresses) if one.customer_id not in ids]
    former = addresses - {(one.kind, one.value) for one in now}
    others += [one for one in _had(settings, former) if one.customer_id not in ids]
    others += [one for one in _hashed_now(engine, of_person) if one.customer_id not in ids]
    theirs = {(one.kind, one.value) for one in others}
    emails, phones = (
        tuple(sorted(value for one, value in addresses - theirs if one == what)) for what in ("email", "phone")
    )
    orders = "SELECT DISTINCT order_id FROM staging.order_lines WHERE list_contains($ids, customer_id) ORDER BY ALL"
    names, names_of_others = _names(engine, ids), _names(engine, {one.customer_id for one in others})
    hashes = {value for what, value in of_person - theirs if what == "hash"}
    shared = tuple(sorted(value for _, value in addresses & theirs))
    return Person(
        tuple(sorted(ids)), emails, phones,
        tuple(row[0] for row in engine.execute(orders, {"ids": sorted(ids)})),
        hashed=tuple(sorted(hashes - {*Person(shared=shared).sharing.hashes})),
        shared=shared, names=tuple(sorted(names)),
        others=tuple(sorted({one.customer_id for one in others})),
        names_of_others=tuple(sorted(names_of_others - names)),
        countries=(settings.country,) if settings.country else (),
    )  # fmt: skip


def _named_by(engine: DuckDBEngine, settings: Settings, kind: Literal["email", "phone"], known_as: str) -> set[str]:
    """The customers of an address: who has it, or is known by its hash, else who had it."""
    named = {(kind, known_as)}
    now = {one.customer_id for one in (*_held_now(engine, named), *_hashed_now(engine, named))}
    return now or {one.customer_id for one in _had(settings, {(kind, known_as)})}


def _told_now(engine: DuckDBEngine, ids: Iterable[str]) -> list[Told]:
    return _of_rows(engine.execute(
        f"SELECT customer_id, {_CONTACTS} FROM ({_NOW}) WHERE list_contains($ids, customer_id)", {"ids": list(ids)}
    ))  # fmt: skip


def _held_now(engine: DuckDBEngine, addresses: Iterable[tuple[str, str]]) -> list[Told]:
    values = [value for _, value in addresses]
    found = f"SELECT customer_id, {_CONTACTS} FROM ({_NOW}) WHERE list_has_any([{_CONTACTS}], $values::VARCHAR[])"
    return [one for one in _of_rows(engine.execute(found, {"values": values})) if one.value in values]


def _hashed_now(engine: DuckDBEngine, known: Iterable[tuple[str, str]]) -> list[Told]:
    """Who is known by the hash of one of these, of which it is told as well; and of whom one of these is the hash."""
    plain = [value for kind, value in known if kind in ("email", "phone")]
    hashes = [value for kind, value in known if kind == "hash"]
    given = f"SELECT customer_id, unnest([email_sha256, phone_sha256]) AS hash FROM ({_NOW})"
    told = f"SELECT unnest([email, phone]) AS value FROM ({_NOW}) WHERE len($hashes::VARCHAR[]) > 0"
    found = f"""
        SELECT customer_id, hash, NULL FROM ({given}) WHERE list_contains($hashes::VARCHAR[], hash)
        UNION
        SELECT customer_id, hash, value
        FROM ({given}) JOIN ({hashes_of("SELECT unnest($plain::VARCHAR[]) AS value")}) USING (hash)
        UNION
        SELECT customer_id, hash, NULL
        FROM (SELECT customer_id, unnest([email, phone]) AS value FROM ({_NOW})) JOIN ({hashes_of(told)}) USING (value)
        WHERE list_contains($hashes::VARCHAR[], hash)
        """
    rows = engine.execute(found, {"plain": plain, "hashes": hashes})
    of_hashes = [Told(customer, "hash", value) for customer, value, _ in rows]
    return of_hashes + [Told(customer, "email" if "@" in one else "phone", one) for customer, _, one in rows if one]


def _of_rows(rows: Iterable[tuple[str | None, ...]]) -> list[Told]:
    kinds: tuple[_Known, ...] = ("email", "phone", "hash", "hash")
    return [
        Told(str(customer), kind, value)
        for customer, *told in rows
        for kind, value in zip(kinds, told, strict=True)
        if value
    ]


def _names(engine: DuckDBEngine, ids: Iterable[str]) -> set[str]:
    found = f"SELECT first_name, last_name FROM ({_NOW}) WHERE list_contains($ids, customer_id)"
    return {name.strip().lower() for row in engine.execute(found, {"ids": list(ids)}) for name in row if name}


def _had(settings: Settings, addresses: set[tuple[str, str]]) -> list[Told]:
    """Of whom these were told in what was sent and in the drop folder."""
    if not addresses:
        return []
    values = [value for _, value in addresses]
    emails, phones = ([value for kind, value in addresses if kind == what] for what in ("email", "phone"))
    told = [
        *_sent(settings, None, values),
        *_exported(settings, None, Person(emails=tuple(emails), phones=tuple(phones))),
    ]
    return [one for one in told if (one.kind, one.value) in addresses]


def _sent(settings: Settings, ids: Iterable[str] | None, values: Iterable[str] = ()) -> Iterator[Told]:
    """Of the ledger of deliveries: what was sent of these customers, or of whom these addresses were."""
    if not is_kept(settings):
        return
    if ids is None:
        parts = [value.removeprefix("+") for value in values]
        where, given = "len(list_filter($told::VARCHAR[], lambda one: contains(identifiers, one))) > 0", {"told": parts}
    else:
        where, given = "list_contains($told, customer_id)", {"told": list(ids)}
    with opened_ledger(settings) as ledger:
        columns = "platform, customer_id, identifiers"
        rows = ledger.execute(
            f"SELECT DISTINCT {columns} FROM (SELECT {columns} FROM deliveries UNION ALL SELECT {columns} FROM before) "
            f"WHERE {where}",
            given,
        )
    for platform, customer, identifiers in rows:
        known = platforms().get(platform)
        for name, value in json.loads(identifiers).items() if known else ():
            column = known.header.columns.get(name) if known else None
            if value and column and column.kind == "hash":
                yield Told(customer, "hash", value)
            elif value and column and column.kind == "email" and (email := contacts.email(value)):
                yield Told(customer, "email", email)
            elif value and column and column.kind == "phone" and (
                phone := contacts.phone(f"+{value.removeprefix('+')}", None)
            ):  # fmt: skip
                yield Told(customer, "phone", phone)


def _exported(settings: Settings, ids: Iterable[str] | None, person: Person | None = None) -> Iterator[Told]:
    """Of rows of the drop folder: those that carry the ids, or the addresses of the person. What cannot be read is
    named by the search."""
    known = frozenset(ids or ())
    words = person.anywhere if person else Words((), {}, (), known)
    of_file = columns_of(settings)
    for path in dropped_files(settings.exports_folder):
        columns = of_file(path)
        try:
            for row in rows_of(path, columns, _tells_of_addresses, words.may_stand_in):
                told = list(_told_by(row, settings.country))
                yield from (one for one in told if not known or one.customer_id in known)
        except (OSError, EOFError, ValueError, IndexError, zlib.error, zipfile.BadZipFile, duckdb.Error):
            continue


def _tells_of_addresses(columns: Iterable[Column]) -> bool:
    held = {*columns}
    return "customer" in held and not held.isdisjoint(("email", "phone", "hash"))


def _told_by(row: Row, country: str | None) -> Iterator[Told]:
    customers = [cell.strip() for column, cell in row if column == "customer"]
    for customer in customers:
        for column, cell in row:
            value = (
                contacts.email(cell)
                if column == "email"
                else contacts.phone(cell, country)
                if column == "phone"
                else None
            )
            if value:
                yield Told(customer, "email" if column == "email" else "phone", value)
            elif column == "hash":
                yield Told(customer, "hash", cell.strip().lower())
