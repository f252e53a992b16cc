"""What is printed is literal: no escape sequence, line break, markup or emoji of a name or of data is acted on."""

from __future__ import annotations

import io
import logging

import pytest
from drop_folder import HEADER
from rich.table import Table
from rich.text import Text

from pipeline.errors import ExportError
from pipeline.progress import ProgressHandler
from pipeline.shapes import one_line, shown_name, shown_names
from pipeline.terminal import Terminal

NASTY = "a\x1b[31mred\x07\r\x9b1m :x: root:x:0:0 [bold]b[/bold] \u202e[link=http://x.org]y[/link]"


def printed(*what: object, **options: object) -> str:
    file = io.StringIO()
    Terminal(file=file, width=200, force_terminal=True, color_system="truecolor").print(*what, **options)
    return file.getvalue()


def grid(text: str) -> Table:
    table = Table(text, box=None)
    table.add_row(text)
    return table


@pytest.mark.parametrize("wrapped", [str, Text, grid], ids=["text", "styled", "table"])
def test_names_and_data_are_printed_as_they_are(wrapped):
    shown = printed(wrapped(NASTY), soft_wrap=True)
    for sign in ("\x1b[31m", "\x07", "\x9b", "\u202e", "❌"):
        assert sign not in shown
    assert ":x: root:x:0:0 [bold]b[/bold]" in shown


def test_our_own_styles_and_line_breaks_stay():
    assert printed("one\ntwo", style="bold") == "\x1b[1mone\x1b[0m\n\x1b[1mtwo\x1b[0m\n"


def test_the_progress_of_a_run_is_literal_too():
    file = io.StringIO()
    handler = ProgressHandler(Terminal(file=file, width=200))
    handler.emit(logging.LogRecord("x", logging.WARNING, "", 0, NASTY, None, None))
    assert "\x1b" not in file.getvalue() and ":x:" in file.getvalue()


def test_a_name_is_one_line():
    assert one_line("zamówienia.csv") == "zamówienia.csv"
    assert one_line("a\nb\r\tc\u2028d\x1b[1m") == "a·b··c·d·[1m"
    assert str(ExportError("a\nb.csv is empty")) == "a·b.csv is empty"


def test_a_file_whose_name_would_act_is_loaded_and_told_harmlessly(home):
    home.drop("a\n✓ forged\x1b[31m.csv", f"{HEADER}\no1,anna,2026-01-02,10\n")
    (loaded,) = home.load().values()
    assert loaded.message.startswith("a·✓ forged·[31m.csv: 1 rows read") or "a·✓ forged·[31m.csv" in loaded.message
    assert home.ledger().one("path").endswith("a·✓ forged·[31m.csv")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Lineitem quantity", "Lineitem quantity"),
        ("Purchase Date (dd/mm/yyyy)", "Purchase Date (dd/mm/yyyy)"),
        ("meta:_billing_vat", "meta:_billing_vat"),
        ("Address 2", "Address 2"),
        ("root:x:0:0:root:/root:/bin/bash", "xxxx:x:9:9:xxxx:/xxxx:/xxx/xxx…"),
        ("anna.kowalska@example.com", "xxxx.xxxxxxxx@xxxxxxx.xxx"),
        ("+48 600 123 456", "+99 999 999 999"),
        ("k" * 41, "x" * 30 + "…"),
        ("a\x1b[31m", "a·[31m"),
    ],
)
def test_a_column_is_named_as_far_as_it_is_plausible(name, shown):
    assert shown_name(name) == shown


def test_twenty_columns_are_named():
    assert shown_names([f"c{n}" for n in range(25)]).endswith('"c19" and 5 more')


@pytest.fixture
def home(tmp_path):
    from contextlib import ExitStack

    from drop_folder import Home

    with ExitStack() as opened:
        yield Home(tmp_path, opened)
