"""Spreadsheets: CSV that programs and people open, so that neither is harmed.

A spreadsheet runs a text that begins like a formula. Free text gets an apostrophe in front, which keeps it a text. Ids
and what platforms match by are never altered: nothing would find them. They are quoted instead, and counted.
"""

from __future__ import annotations

_BEGINS_LIKE_A_FORMULA = r"^[\s\p{Z}\p{Cf}]*[=+@＝＋－＠-]|^[\t\r\n\x00]"
"""Also in full width, and behind blanks and signs that nobody sees; tab, line break and NUL cut a cell in two."""


def like_a_formula(column: str) -> str:
    """SQL: whether a text begins so that a spreadsheet may run it."""
    return f"regexp_matches({column}, '{_BEGINS_LIKE_A_FORMULA}')"


def harmless(column: str) -> str:
    """SQL: a free text as a spreadsheet may have it."""
    return f"CASE WHEN {like_a_formula(column)} THEN '''' || {column} ELSE {column} END"
