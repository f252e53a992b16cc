"""A person: by what a home knows them, found from one identifier, and what of it can be looked for in any file."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from pipeline.erasure.words import Words
from pipeline.errors import PerennialError
from pipeline.ingest.tombstones import Kind
from pipeline.reporting.words import shown_id

LEAST_DISTINCT = 6
"""Characters from which an id with a letter and a digit in it is looked for in any text. Others are looked for in
columns of ids alone: 10001 may be anybody's postal code, price or order, and martin a first name."""


class NotOnePerson(PerennialError):
    """An identifier that several customers have; the message says how many, and what to name instead."""


@dataclass(frozen=True)
class Person:
    """Identifiers of one person, canonical."""

    customer_ids: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    order_ids: tuple[str, ...] = ()
    hashed: tuple[str, ...] = ()
    """SHA-256 of what platforms were told, or the shop tells of the person, where that itself is not known."""
    shared: tuple[str, ...] = ()
    """Addresses and numbers that another customer has as well."""
    names: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """The ids of the customers of `shared`."""
    names_of_others: tuple[str, ...] = ()
    """Names of these that are none of the person's."""
    countries: tuple[str, ...] = ()
    """The shop's, if it is known."""

    @property
    def shop_country(self) -> str | None:
        return next(iter(self.countries), None)

    @property
    def sharing(self) -> Person:
        """Whoever has the addresses that are shared."""
        emails = tuple(one for one in self.shared if "@" in one)
        return Person(emails=emails, phones=tuple(one for one in self.shared if one not in emails))

    def by_kind(self) -> dict[Kind, tuple[str, ...]]:
        return {
            "customer_id": self.customer_ids, "email": self.emails, "phone": self.phones, "order_id": self.order_ids,
            "hash": tuple(self.hashes),
        }  # fmt: skip

    @property
    def hashes(self) -> list[str]:
        """As platforms are told of addresses and numbers: what `home.people.hashes_of` makes in SQL."""
        told = [*self.emails, *self.phones, *(phone.removeprefix("+") for phone in self.phones)]
        for email in self.emails:
            name, _, domain = email.partition("@")
            if domain in ("gmail.com", "googlemail.com"):
                told.append(f"{name.partition('+')[0].replace('.', '')}@{domain}")
        return list(dict.fromkeys([*self.hashed, *map(sha256, told)]))

    @property
    def addresses(self) -> list[str]:
        """What is nobody else's, whatever stands around it."""
        told = [*self.emails, *(one for one in self.customer_ids if "@" in one)]
        return [*told, *filter(None, map(_in_ascii, told)), *self.hashes]

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
    def anywhere(self) -> Words:
        """Addresses and numbers in whatever file."""
        return Words(self.addresses, self._numbers, ())

    @cached_property
    def in_text(self) -> Words:
        """The same in a text, and ids that are nothing else."""
        return Words(self.addresses, self._numbers, self.distinct_ids)

    @cached_property
    def in_cells(self) -> Words:
        """The same, and all other ids, of which nothing is sure."""
        return Words(self.addresses, self._numbers, self.distinct_ids, self.other_ids)

    @cached_property
    def traces(self) -> Words:
        """Addresses alone."""
        return Words(self.addresses, {}, ())

    @cached_property
    def known(self) -> dict[str, frozenset[str]]:
        """What a whole cell may be, by what it is: ids in composed characters, digits of numbers in all their forms,
        and ids that are nothing else in small letters.
        """
        digits = {
            form
            for national, codes in self._numbers.items()
            for code in codes
            for form in (national, f"0{national}", f"{code}{national}", f"00{code}{national}", f"{code}0{national}")
        }
        return {
            "customer": frozenset(map(nfc, self.customer_ids)),
            "order": frozenset(map(nfc, self.order_ids)),
            "email": frozenset(self.emails) | frozenset(one for one in self.customer_ids if "@" in one),
            "digits": frozenset(digits),
            "distinct": frozenset(nfc(one).lower() for one in self.distinct_ids),
            "doubtful": frozenset(map(nfc, self.other_ids)),
        }

    @property
    def _numbers(self) -> dict[str, list[str]]:
        """National digits -> the codes of the countries."""
        import phonenumbers

        found = dict[str, list[str]]()
        for phone in self.phones:
            number = phonenumbers.parse(phone)
            national = phonenumbers.national_significant_number(number)
            found.setdefault(national, []).append(str(number.country_code))
        return found


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _is_distinct(one: str) -> bool:
    has_both = any(map(str.isalpha, one)) and any(map(str.isdigit, one))
    return len(one) >= LEAST_DISTINCT and has_both


def _in_ascii(email: str) -> str | None:
    """The address with its domain as mail servers write it, xn--…, where that differs."""
    name, _, domain = email.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError:
        return None
    return None if ascii_domain == domain else f"{name}@{ascii_domain}"
