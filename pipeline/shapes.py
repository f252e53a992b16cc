"""Shapes: what a cell looks like, without what it says. Messages, logs and events show shapes, never cells.

A cell may be anything: a name that slipped into the wrong column, a card number. Its shape is enough to find the fault
("12,5O" is shown as "99,9X"), and the cell itself stands in the quarantine, for those who may open that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

LONGEST = 30
LONGEST_NAME = 40
MOST_NAMES = 20
_MOST_DIGITS = 4
_QUOTED = re.compile(r"(?<!\w)'.*'(?!\w)|\".*\"")
_LONG_NUMBER = re.compile(r"(?<!Line: )(?<!\d)\d{4,}")
_TYPES = {
    "and", "BIGINT", "BINARY", "BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "FLOAT", "INT", "INTEGER", "NULL", "SMALLINT",
    "STRING", "TIMESTAMP", "TIMESTAMP_NTZ", "TINYINT", "VARCHAR",
}  # fmt: skip
CURRENCIES = re.findall(
    r"[A-Z]+",
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
    CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD
    HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL
    LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR
    PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP
    TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
    """,
)
"""Codes of ISO 4217: the one kind of cell that may be said, since nobody is called so."""
_CLASSES = (
    ("\\p{Lu}", "X"), ("[\\p{Ll}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]", "x"), ("\\p{N}", "9"), ("[\\p{C}\\p{Zl}\\p{Zp}]", "·"),
)  # fmt: skip
"""Upper case, other letters, digits, and what would act on a terminal or end a line; the rest stays as it is."""


def shape(text: str) -> str:
    """The shape of a text: letters as x and X, digits as 9, the rest as it is; 30 characters at most."""
    return "".join(map(_class_of, text[:LONGEST])) + ("…" if len(text) > LONGEST else "")


def shape_sql(text: str) -> str:
    """SQL, of either engine: the shape of a VARCHAR expression; null where that is null."""
    shown = f"substring({text}, 1, {LONGEST})"
    for pattern, sign in _CLASSES:
        shown = f"regexp_replace({shown}, '{pattern}', '{sign}', 'g')"
    return f"({shown} || CASE WHEN length({text}) > {LONGEST} THEN '…' ELSE '' END)"


def without_shape_sql(reason: str) -> str:
    """SQL: a reason why a row does not fit without the shape of the cell, so that like comes to like.

    A shape may have quotes of its own, and so may what follows it (a setting to write): no shape is longer than this.
    """
    return f"""regexp_replace({reason}, '": ".{{0,{LONGEST + 1}}}" ', '" ')"""


def one_line(text: str) -> str:
    """A name as it may stand in a message: what would act on a terminal, or end a line, is a dot."""
    return text if text.isprintable() else "".join("·" if _acts(character) else character for character in text)


def shown_name(name: str) -> str:
    """A column's name, or the shape of what stands in its place: a file that is no export has data there."""
    looks_like_data = (
        len(name) > LONGEST_NAME
        or "@" in name
        or sum(character.isdecimal() for character in name) > _MOST_DIGITS
        or sum(name.count(sign) for sign in ":\\=") > 1
    )
    return shape(name) if looks_like_data else one_line(name)


def shown_names(names: Sequence[str]) -> str:
    """Names of columns in a message: the first twenty."""
    listed = ", ".join(f'"{shown_name(name)}"' for name in names[:MOST_NAMES])
    return listed if len(names) <= MOST_NAMES else f"{listed} and {len(names) - MOST_NAMES:,} more"


def counted(count: int, what: str) -> str:
    """'1 snapshot', '1,200 snapshots'."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _acts(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "C" or category in ("Zl", "Zp")


def currency_sql(text: str) -> str:
    """SQL, of either engine: a currency by its code, and what is no code of ISO 4217 by its shape."""
    codes = ", ".join(f"'{code}'" for code in CURRENCIES)
    return f"CASE WHEN {text} IN ({codes}) THEN {text} ELSE {shape_sql(text)} END"


def redacted(message: str) -> str:
    """What another program says of data without the data: its first line; quoted texts and long numbers as shapes."""
    first = (message.strip().splitlines() or [""])[0]
    quoted = _QUOTED.sub(_shape_of_quoted, first)
    return _LONG_NUMBER.sub(lambda found: shape(found[0]), quoted)


def _shape_of_quoted(found: re.Match[str]) -> str:
    """The shape between quotes; names of types, such as "DOUBLE" and "STRING", are no data and stay."""
    text = found[0]
    if _TYPES.issuperset(re.findall(r"\w+", text)):
        return text
    return text[0] + shape(text[1:-1]) + text[-1]


def _class_of(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Lu":
        return "X"
    if category[0] in "CN" or category in ("Zl", "Zp"):
        return "9" if category[0] == "N" else "·"
    return "x" if category[0] in "LM" else character
