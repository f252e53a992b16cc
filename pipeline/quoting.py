"""Quoting: names, texts and files of others as SQL. Every statement that is put together quotes by these."""

from __future__ import annotations

import glob
from pathlib import Path


def quoted(name: str) -> str:
    """A column name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def file_literal(path: Path) -> str:
    """SQL: a file that DuckDB is to read, this one only: `orders[1].csv` would else be a pattern for others."""
    return text_literal(glob.escape(str(path)))


def text_literal(value: object) -> str:
    """A text constant in SQL."""
    return "'" + str(value).replace("'", "''") + "'"
