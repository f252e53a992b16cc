"""Cells: whether one of a table is of a person, by what its column holds.

What a column holds is known from the source that reads the file, else by its name where it is one of ours. A cell is
read as ingest reads it: an id whole, an address or a number in the one way in which it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pipeline.erasure.person import Person, nfc
from pipeline.erasure.words import Is
from pipeline.ingest import contacts
from pipeline.ingest.sources import Source, find_sources
from pipeline.settings import Settings
from pipeline.tables.inputs import INPUTS
from pipeline.tables.platforms import platforms

Column = Literal["customer", "order", "email", "phone", "hash", "named", "other", "unknown"]
"""`named`: cells that name anybody, as lists of refusals do. `hash`: of an address or a number. `other`: known to hold
none of these."""
Columns = Mapping[str, Column]
"""Columns of files by their names, as `called` has them; what is not among them is told by the name alone."""

NAMES_ALONE: Columns = MappingProxyType({})

CUSTOMERS = frozenset({"customer_id", "guest_id", "account_id"})
ORDERS = frozenset({"order_id"})
_TELLING: tuple[Column, ...] = ("named", "customer", "order", "email", "phone", "hash", "other", "unknown")
"""What tells most first."""
_OF_CONTACTS: Mapping[str, Column] = {"email": "email", "phone": "phone", "kind": "named", "hash": "hash"}
_OF_PHONES = re.compile(r"phone|telefon|msisdn|whatsapp|(?:^|_)(?:tel|mobile|gsm|sms|handy)(?:_|$)")
_OF_EMAILS = re.compile(r"e_?mail|(?:^|_)mail(?:_|$)")
_PARTS = re.compile(r"[;,|\n\r\t&\[\]]|/(?!\d{1,4}(?:\D|$))|\s{2,}|\s+(?=[+]|00)")


class Of(IntEnum):
    """What of a cell is the person's. Of a cell that names others, too, it is a part."""

    NOBODY = 0
    POSSIBLY = 1
    PARTLY = 2
    WHOLLY = 3


def called(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().strip("\ufeff").strip().lower())


def column_of(name: str, columns: Columns = NAMES_ALONE) -> Column:
    """What a column holds."""
    name = called(name)
    known = columns.get(name, "unknown")
    if known == "unknown":
        known = _ours().get(name, "unknown")
    if known == "unknown":
        known = "phone" if _OF_PHONES.search(name) else "email" if _OF_EMAILS.search(name) else "unknown"
    return known


def columns_of(settings: Settings) -> Callable[[Path], Columns]:
    """Of an export: what its source makes of each of its columns."""
    found = dict[str, Columns]()

    def of_file(path: Path) -> Columns:
        if not path.is_relative_to(settings.exports_folder):
            return {}
        name = path.relative_to(settings.exports_folder).parts[0].partition(".")[0]
        if name not in found:
            found[name] = _of_sources(find_sources(settings.sources_folders, [name]).values())
        return found[name]

    return of_file


def _of_sources(sources: Iterable[Source]) -> dict[str, Column]:
    """Where the inputs of a source differ, what tells most."""
    found = dict[str, Column]()
    for source in sources:
        for output in source.outputs:
            kind = _of_output(source.input, output)
            for raw in source.raw_columns_of(output):
                column = source.header.raw[raw]
                for name in (raw, *column.aliases):
                    name, told = called(name), "email" if column.type == "email" else kind
                    found[name] = min(found.get(name, "unknown"), told, key=_TELLING.index)
    return found


def _of_output(input: str, name: str) -> Column:
    if name in CUSTOMERS:
        return "customer"
    if name in ORDERS:
        return "order"
    column = INPUTS[input].header.columns.get(name)
    return _OF_CONTACTS[column.contact] if column and column.contact else "other"


@cache
def _ours() -> dict[str, Column]:
    """Columns of our inputs and of the files for platforms."""
    found = dict[str, Column]()
    for name, one in INPUTS.items():
        for column in one.header.columns:
            found[column] = min(found.get(column, "unknown"), _of_output(name, column), key=_TELLING.index)
    of_platforms: Mapping[str, Column] = {"id": "customer", "email": "email", "phone": "phone"}
    for platform in platforms().values():
        for name, of_file in platform.header.columns.items():
            if (kind := of_platforms.get(of_file.kind)) is not None:
                found.setdefault(called(name), kind)
    return found | dict.fromkeys(CUSTOMERS, "customer") | dict.fromkeys(ORDERS, "order")


def judged(column: Column, cell: str, person: Person, country: str | None = None) -> Of:
    """`country`: of which numbers are that do not say so themselves."""
    text = nfc(cell.strip())
    if column == "order":
        return Of.WHOLLY if text in person.known["order"] else Of.NOBODY
    if column in ("customer", "named") and text in person.known["customer"]:
        return Of.WHOLLY
    if column in ("customer", "named", "email", "phone"):
        mine, others = _named(text, person, country)
        if mine:
            return Of.PARTLY if others else Of.WHOLLY
        return Of.WHOLLY if person.anywhere.search(text.encode(), explicit=True) and "@" not in text else Of.NOBODY
    return _in_text("other" if column == "hash" else column, text, person)


def _in_text(column: Column, text: str, person: Person) -> Of:
    content = text.encode()
    if column == "unknown" and text.lower() in person.known["distinct"]:
        return Of.WHOLLY
    if person.anywhere.search(content, explicit=column == "other"):
        _, others = _named(text, person, None)
        return Of.PARTLY if any("@" in one for one in others) else Of.WHOLLY
    if column == "other":
        return Of.NOBODY
    if person.in_text.search(content):
        return Of.PARTLY
    if text in person.known["doubtful"] or person.anywhere.search(content, Is.POSSIBLY):
        return Of.POSSIBLY
    return Of.NOBODY


def _named(text: str, person: Person, country: str | None) -> tuple[set[str], set[str]]:
    """Addresses and numbers of a cell: the person's, and those of others."""
    mine, others = set[str](), set[str]()
    one = contacts.email(text) if "@" in text else None
    told = [one] if one else [contacts.email(part) or part for part in contacts.addresses_in(text)]
    for address in told:
        (mine if address in person.known["email"] else others).add(address)
    for part in _PARTS.split(contacts.without_addresses(text)):
        digits = re.sub(r"\D", "", part)
        if len(digits) < 6:
            continue
        number = contacts.phone(part, country)
        is_mine = number in person.phones if number else digits in person.known["digits"]
        (mine if is_mine else others).add(number or digits)
    return mine, others
