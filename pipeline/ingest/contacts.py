"""Contacts: addresses and numbers in the one way in which they are kept. Nothing is looked up."""

from __future__ import annotations

import re
import unicodedata

import polars as pl

from pipeline.home.people import COUNTRIES_CALLED

LONGEST = 320
_NAMED = re.compile(r"[^<>]*<([^<>]+)>[\s'\",;.]*")
"""A name and behind it the address: Anna Kowalska <anna@example.com>."""
_BESIDE = re.compile(r"^(?i:mailto:)?[\s'\"]+|^(?i:mailto:)|[\s'\",;.]+$")
"""What stands around an address in lists, and cannot begin or end one."""
_PLAIN = r"^[A-Za-z0-9]+([._+-][A-Za-z0-9]+)*@([A-Za-z0-9]+(-[A-Za-z0-9]+)*\.)+[A-Za-z]{2,}$"
_LONGEST_PLAIN = 64
"""At most as long as either part of an address may be."""
_ABROAD = re.compile(r"^[^\d+]*00(?=[^\d]*[1-9])")


def email(told: str) -> str | None:
    """An address trimmed, in lower case and in composed characters; None if it cannot be one.

    A name before it, mailto: and characters that nobody sees are no part of it; a domain is in its own letters.
    """
    from email_validator import EmailNotValidError, validate_email

    text = _seen(told)
    if named := _NAMED.fullmatch(text):
        text = named[1].strip()
    text = _BESIDE.sub("", text)
    if len(text) > LONGEST:
        return None
    try:
        valid = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return None
    return unicodedata.normalize("NFC", valid.normalized).lower()


def emails(told: pl.Series) -> pl.Series:
    """The same of many texts. One that is plain is in order as it stands, and is not taken apart."""
    from email_validator import SPECIAL_USE_DOMAIN_NAMES

    last = f"(?i)[.@]({'|'.join(map(re.escape, SPECIAL_USE_DOMAIN_NAMES))})$"
    is_plain = told.str.contains(_PLAIN) & (told.str.len_bytes() <= _LONGEST_PLAIN) & ~told.str.contains(last)
    others = pl.Series([email(text) for text in told.filter(~is_plain)], dtype=pl.String)
    return told.str.to_lowercase().scatter((~is_plain).arg_true(), others)


def phone(told: str, country: str | None) -> str | None:
    """A number as E.164, +48600123456; None if it is not a valid one.

    `country`: the two letters of ISO 3166 of the country it is one of if it does not say so itself, by + or 00.
    """
    import phonenumbers

    text = _ABROAD.sub("+", " ".join(_seen(told).split()))
    try:
        number = phonenumbers.parse(text, COUNTRIES_CALLED.get(country or "", country))
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def named(kind: str, told: str, country: str | None) -> tuple[str, list[str]]:
    """(kind, identifiers) of a cell that may name anybody, as lists of refusals do; none where it can name nobody.

    What it says it is comes first. Else it is what it looks like: an address, a number, several of them, or an id. A
    customer id that is an address names the address as well, since nobody can tell which is meant.
    """
    text = _seen(told)
    if kind not in ("email", "phone"):
        beside = email(text) if "@" in text else phone(text, None) if text.startswith("+") else None
        return kind, list(dict.fromkeys(filter(None, (told.strip(), beside))))
    addresses = addresses_in(text)
    one = (email(text) if len(addresses) == 1 else None) if "@" in text else phone(text, country)
    if one is not None:
        return "email" if "@" in one else "phone", [one]
    emails = {known_as for address in addresses if (known_as := email(address))}
    parts = _BETWEEN.split(without_addresses(text))
    phones = {known_as for part in parts if (known_as := phone(part, country))}
    if emails or phones:
        return "email" if emails else "phone", sorted(emails | phones)
    return ("customer_id", [text]) if _ID.fullmatch(text) else (kind, [])


def addresses_in(text: str) -> list[str]:
    """What looks like an address, as it stands."""
    return _ADDRESS.findall(text)


def without_addresses(text: str) -> str:
    """The rest, in which numbers may stand."""
    return _ADDRESS.sub(";", text)


_ADDRESS = re.compile(r"[^\s<>;,|\"'()/]+@[^\s<>;,|\"'()/]+")
_BETWEEN = re.compile(r"[;,|/\n\r\t&]|\s{2,}|\s+(?=[+]|00)")
"""What stands between two numbers of a cell."""
_ID = re.compile(r"(?![+\d().-]{7,}$)[^\s@]+")
"""A word that is no address, and no number that lacks the code of its country."""


def _seen(told: str) -> str:
    """A text without characters that nobody sees (of no width, marks of direction) and blanks around it, and signs of
    full width as the usual ones."""
    seen = "".join(sign for sign in told if unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFKC", seen).strip()
