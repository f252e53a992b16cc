"""Contacts: addresses and numbers in the one way in which they are kept. Nothing is looked up."""

from __future__ import annotations

import unicodedata

LONGEST = 320


def email(told: str) -> str | None:
    """An address trimmed, in lower case and in composed characters; None if it cannot be one."""
    from email_validator import EmailNotValidError, validate_email

    text = told.strip()
    if len(text) > LONGEST:
        return None
    try:
        valid = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return None
    return unicodedata.normalize("NFC", valid.normalized).lower()


def phone(told: str, country: str | None) -> str | None:
    """A number as E.164, +48600123456; None if it is not a valid one.

    `country`: the two letters of ISO 3166 of the country it is one of if it does not say so itself, by + or 00.
    """
    import phonenumbers

    text = unicodedata.normalize("NFKC", told).strip()
    if text.startswith("00"):
        text = f"+{text[2:]}"
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
