"""A person: by what a home knows them, found from one identifier, and what of it can be looked for in any file."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import PerennialError
from pipeline.ingest.tombstones import Kind
from pipeline.reporting.words import shown_id

LEAST_DISTINCT = 6
"""Characters from which an id with a letter in it is looked for in any text. Others are looked for in columns of ids
alone: 10001 may be anybody's postal code, price or order."""
_BYTEWISE = ("utf-8", "cp1250", "cp1252", "iso-8859-2")
"""Encodings in which a sign of ASCII is one byte: UTF-8, and what old programs write instead."""
_SEPARATORS = {
    "utf-8": rb"(?:[ ./()\xa0-]|\xc2\xa0|\xe2\x80[\x80-\x8f\xaf])*",
    "utf-16-le": rb"(?:[ ./()\xa0-]\x00|[\x00-\x0f\x2f]\x20)*",
    "utf-16-be": rb"(?:\x00[ ./()\xa0-]|\x20[\x00-\x0f\x2f])*",
}
"""Between the digits of a number, by encoding: also blanks that do not break."""
_BESIDE = {
    "utf-8": (rb"(?<![0-9A-Za-z])", rb"(?![0-9A-Za-z])"),
    "utf-16-le": (rb"(?<![0-9A-Za-z]\x00)", rb"(?![0-9A-Za-z]\x00)"),
    "utf-16-be": (rb"(?<!\x00[0-9A-Za-z])", rb"(?!\x00[0-9A-Za-z])"),
}
"""What a word must not have before and behind it."""


class NotOnePerson(PerennialError):
    """An identifier that several customers have; the message says how many, and what to name instead."""


@dataclass(frozen=True)
class Person:
    """Identifiers of one person, canonical."""

    customer_ids: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    order_ids: tuple[str, ...] = ()

    def by_kind(self) -> dict[Kind, tuple[str, ...]]:
        return {
            "customer_id": self.customer_ids, "email": self.emails, "phone": self.phones, "order_id": self.order_ids
        }  # fmt: skip

    @property
    def hashes(self) -> list[str]:
        """As platforms are told of addresses and numbers."""
        told = [*self.emails, *self.phones, *(phone.removeprefix("+") for phone in self.phones)]
        for email in self.emails:
            name, _, domain = email.partition("@")
            if domain in ("gmail.com", "googlemail.com"):
                told.append(f"{name.partition('+')[0].replace('.', '')}@{domain}")
        return [hashlib.sha256(text.encode()).hexdigest() for text in told]

    @property
    def addresses(self) -> list[str]:
        """What is nobody else's, whatever stands around it."""
        told = [*self.emails, *(one for one in self.customer_ids if "@" in one)]
        return [*told, *filter(None, map(_in_ascii, told)), *self.phones, *self.hashes]

    @property
    def distinct_ids(self) -> list[str]:
        """Ids that are nothing else, wherever they stand."""
        ids = [one for one in (*self.customer_ids, *self.order_ids) if _is_distinct(one)]
        return ids + [shown for one in ids if (shown := shown_id(one)) != one]

    @property
    def other_ids(self) -> list[str]:
        """Ids that may be something else where the column does not say."""
        return [one for one in (*self.customer_ids, *self.order_ids) if not _is_distinct(one)]

    @cached_property
    def anywhere(self) -> re.Pattern[bytes] | None:
        """Addresses and numbers, as bytes of whatever file: numbers however they are divided."""
        forms = [form for encoding in _SEPARATORS for form in _written(self.addresses, encoding)]
        forms += [
            between.join(re.escape(digit.encode(encoding)) for digit in number)
            for number in _national(self.phones)
            for encoding, between in _SEPARATORS.items()
        ]
        return re.compile(b"|".join(forms), re.IGNORECASE) if forms else None

    @cached_property
    def in_text(self) -> re.Pattern[bytes] | None:
        """The same in a text, and ids that are long enough, as words."""
        ids = self.distinct_ids
        words = [
            before + b"(?:" + b"|".join(forms) + b")" + behind
            for encoding, (before, behind) in _BESIDE.items()
            if (forms := _written(ids, encoding))
        ]
        addresses = self.anywhere
        forms = words + ([addresses.pattern] if addresses else [])
        return re.compile(b"|".join(forms), re.IGNORECASE) if forms else None


def _is_distinct(one: str) -> bool:
    return len(one) >= LEAST_DISTINCT and any(character.isalpha() for character in one)


def _written(texts: Iterable[str], encoding: str) -> list[bytes]:
    """Patterns of texts in an encoding, composed and not; utf-8 stands for all of one byte a sign. What is not ASCII
    is in capital letters, too, since a pattern of bytes does not know which are the same.
    """
    found = dict[bytes, None]()
    for text in texts:
        cases = (text,) if text.isascii() else (text, text.lower(), text.upper())
        for form in {unicodedata.normalize(kind, case): None for case in cases for kind in ("NFC", "NFD")}:
            for one in _BYTEWISE if encoding == "utf-8" else (encoding,):
                with suppress(UnicodeEncodeError):
                    found[re.escape(form.encode(one))] = None
    return list(found)


def _in_ascii(email: str) -> str | None:
    """The address with its domain as mail servers write it, xn--…, where that differs."""
    name, _, domain = email.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError:
        return None
    return None if ascii_domain == domain else f"{name}@{ascii_domain}"


def _national(phones: Iterable[str]) -> list[str]:
    import phonenumbers

    return [phonenumbers.national_significant_number(phonenumbers.parse(phone)) for phone in phones]


def find_person(engine: DuckDBEngine, kind: Kind, known_as: str) -> Person:
    """All that the home knows a person by; `people` has to be attached. `known_as`: canonical.

    An address that another customer has as well is not the person's alone, and stays with the other one. Raises
    NotOnePerson where `known_as` is such a one.
    """
    ids = {known_as} if kind == "customer_id" else set[str]()
    if kind != "customer_id":
        of_address = (
            f"SELECT DISTINCT customer_id FROM staging.customers JOIN people.customers AS persons "
            f"USING (file_id, row_number) WHERE persons.{kind} = $known_as"
        )
        ids |= {row[0] for row in engine.execute(of_address, {"known_as": known_as})}
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
    customers = sorted(ids)
    addresses = {"email": {known_as} if kind == "email" else set(), "phone": {known_as} if kind == "phone" else set()}
    for name, found in addresses.items():
        found |= {
            row[0]
            for row in engine.execute(
                f"SELECT persons.{name} FROM staging.customers JOIN people.customers AS persons "
                f"USING (file_id, row_number) WHERE persons.{name} IS NOT NULL GROUP BY persons.{name} "
                f"HAVING bool_and(list_contains($ids, customer_id))",
                {"ids": customers},
            )
        }
    orders = "SELECT DISTINCT order_id FROM staging.order_lines WHERE list_contains($ids, customer_id) ORDER BY ALL"
    return Person(
        tuple(customers), tuple(sorted(addresses["email"])), tuple(sorted(addresses["phone"])),
        tuple(row[0] for row in engine.execute(orders, {"ids": customers})),
    )  # fmt: skip
