"""Shapes: what a cell looks like, without what it says. Messages, logs and events show shapes, never cells.

A cell may be anything: a name that slipped into the wrong column, a card number. Its shape is enough to find the fault
("12,5O" is shown as "99,9X"), and the cell itself stands in the quarantine, for those who may open that.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

LONGEST = 30
LONGEST_NAME = 40
MOST_NAMES = 20
_MOST_DIGITS = 4
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


def _acts(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "C" or category in ("Zl", "Zp")


def _class_of(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Lu":
        return "X"
    if category[0] in "CN" or category in ("Zl", "Zp"):
        return "9" if category[0] == "N" else "·"
    return "x" if category[0] in "LM" else character
