"""Spreadsheets: CSV that programs and people open, so that neither is harmed.

A spreadsheet runs a text that begins like a formula. Free text gets an apostrophe in front, which keeps it a text. Ids
and what platforms match by are never altered: nothing would find them. They are quoted instead, and counted.
"""

from __future__ import annotations

_BEGINS_LIKE_A_FORMULA = r"^[\s\p{Z}\p{C}]*[=+@＝＋－＠﹦﹢﹣﹫−-]|^[\t\r\n\x00]"
"""Also in full width, small or as a sign of mathematics, and behind blanks and signs that nobody sees; tab, line break
and NUL cut a cell in two."""

_CHANGED = r"^0\d+$|^\d{16,}$|^\d+(\.\d+)?[eE][+-]?\d+$|^\d{1,4}[./-]\d{1,2}([./-]\d{1,4})?$|^(?i:true|false)$"
"""What a spreadsheet takes for a number, a date or a truth value, and then writes otherwise: 007, 1e5, 3-4."""


def like_a_formula(column: str) -> str:
    """SQL: whether a text begins so that a spreadsheet may run it."""
    return f"regexp_matches({column}, '{_BEGINS_LIKE_A_FORMULA}')"


def changed_by_a_spreadsheet(column: str) -> str:
    """SQL: whether a spreadsheet would show and save an id as something else, unless it is imported as text."""
    return f"regexp_matches({column}, '{_CHANGED}')"


def harmless(column: str) -> str:
    """SQL: a free text as a spreadsheet may have it."""
    return f"CASE WHEN {like_a_formula(column)} THEN '''' || {column} ELSE {column} END"
