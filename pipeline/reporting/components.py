"""The parts a page is put together from, as data: what the macros of components.html.j2 take. No HTML, no SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pipeline.notation import digits_of
from pipeline.reporting import words

Figure = dict[str, Any]
"""A Plotly figure as plain JSON values."""

Kind = Literal["text", "count", "number", "score", "money", "percent", "growth", "points", "date", "month", "mixed"]
"""How a value is shown. growth, points: a share, or a difference of two, with its sign. month: a date as 'Nov 2026'.
mixed: values are `Of` a kind of their own."""


@dataclass(frozen=True)
class Field:
    """A column of a table: its name in the CSV, its heading on the page, and how its values are shown."""

    name: str
    label: str
    kind: Kind = "text"

    @property
    def is_number(self) -> bool:
        """Whether its values stand on the right, below each other."""
        return self.kind not in ("text", "month")


@dataclass(frozen=True)
class Of:
    """A value of a column whose rows are of different kinds, with its own."""

    value: Any
    kind: Kind


class Missing(str):
    """What stands for a value that is not known; in a CSV nothing."""


class Linked(str):
    """A text of a table that leads to a page of the report, or to a file."""

    href: str
    is_file: bool

    @classmethod
    def to(cls, page: str | None, text: str) -> str:
        """Leading nowhere, where there is no page, it is a plain text."""
        return text if page is None else cls._made(f"{page}.html", text, is_file=False)

    @classmethod
    def to_file(cls, address: str, text: str) -> str:
        return cls._made(address, text, is_file=True)

    @classmethod
    def _made(cls, href: str, text: str, *, is_file: bool) -> str:
        made = cls(text)
        made.href, made.is_file = href, is_file
        return made


@dataclass(frozen=True)
class Grid:
    """A table as data. None is a value that is not known."""

    caption: str
    fields: tuple[Field, ...]
    rows: tuple[tuple[object, ...], ...]
    anchors: tuple[str, ...] = ()
    """Of the rows, if other pages lead to one."""


@dataclass(frozen=True)
class View:
    """One way to look at a chart; a chart with several can be switched between them."""

    key: str
    label: str
    sentence: str
    figure: Figure
    basis: str | None = None
    """What this view rests on, where that is not what the chart's other views rest on."""
    grid: Grid | None = None
    """Numbers of this view alone; either all views of a chart have them or none."""


@dataclass(frozen=True)
class Chart:
    """A figure with what it means, what it rests on, and its numbers as a table."""

    form: ClassVar[str] = "chart"
    id: str
    title: str
    basis: str
    views: tuple[View, ...]
    grid: Grid | None = None
    """The numbers of all views; None where each view has its own."""
    switch: str | None = None
    """Name of the switch that governs this chart; charts that share it change together."""
    legend: tuple[tuple[str, str], ...] = ()
    """Label and colour of what a reader must tell apart."""
    term: str = ""
    """Anchor of the definition that it rests on."""
    note: str = ""
    """How its table is to be read."""

    @property
    def grids(self) -> tuple[tuple[str, Grid], ...]:
        """Key of the view, "" for all of them, and the numbers that belong to it."""
        own = tuple((view.key, view.grid) for view in self.views if view.grid is not None)
        return own if self.grid is None else (("", self.grid), *own)

    @property
    def shown_basis(self) -> str:
        """What the view that is shown first rests on."""
        return self.views[0].basis or self.basis


@dataclass(frozen=True)
class KeyFigure:
    """One number that matters, with what it is to be read against."""

    label: str
    value: str
    context: str = ""


@dataclass(frozen=True)
class TableCard:
    """A table as a card of its own, with what it rests on and the published file that holds all of it."""

    form: ClassVar[str] = "table"
    id: str
    title: str
    sentence: str
    grid: Grid
    basis: str
    note: str = ""
    """How it is to be read; folded."""
    file: tuple[str, str] | None = None
    """Address and name."""
    rows_of_file: str = ""
    """Which rows of the file are meant, where it holds others."""
    hides_addresses: bool = False
    term: str = ""
    """Anchor of the definition that it rests on."""


@dataclass(frozen=True)
class KeyFigures:
    """Numbers that matter, side by side."""

    form: ClassVar[str] = "figures"
    figures: tuple[KeyFigure, ...]


@dataclass(frozen=True)
class Card:
    """Something with a name and a number that matters most, what is to be known of it, and where it leads."""

    title: str
    value: str
    text: str
    warning: str
    advice: str
    facts: tuple[tuple[str, str], ...]
    links: tuple[Linked, ...]
    colour: str = ""
    is_empty: bool = False


@dataclass(frozen=True)
class Cards:
    """Several of a kind, side by side."""

    form: ClassVar[str] = "cards"
    id: str
    cards: tuple[Card, ...]
    basis: str


@dataclass(frozen=True)
class Nothing:
    """What is said where there is nothing to show; false, so that a template can ask."""

    form: ClassVar[str] = "nothing"
    text: str

    def __bool__(self) -> bool:
        return False


Part = Chart | TableCard | KeyFigures | Cards | Nothing
"""What a chart file makes of a shop; the macro `show` puts any of them on a page."""


def grid(caption: str, fields: Sequence[Field], rows: Iterable[Sequence[object]], anchors: Sequence[str] = ()) -> Grid:
    return Grid(caption, tuple(fields), tuple(tuple(row) for row in rows), tuple(anchors))


def show(value: Any, kind: Kind, currency: str, digits: int | None = None) -> str:
    """A value of a table as the page shows it; `digits`: those of its column."""
    if value is None:
        return words.UNKNOWN
    if isinstance(value, Missing):
        return value
    match kind:
        case "count":
            return words.count(value)
        case "number":
            return words.number(value) if digits is None else words.decimals(value, digits)
        case "score":
            return words.decimals(value, 4)
        case "percent":
            return words.percent(value)
        case "growth":
            return words.change(value, words.percent)
        case "points":
            return words.change(value, words.points)
        case "date":
            return words.short_day(value)
        case "month":
            return words.month(value)
        case "money":
            return words.money(value, currency, digits)
        case "mixed":
            return show(value.value, value.kind, currency)
        case "text":
            return str(value)


def digits(grid: Grid, currency: str) -> tuple[int | None, ...]:
    """For each column how many decimals all of its values have, where their kind leaves that open."""
    columns = zip(*grid.rows, strict=True) if grid.rows else ([] for _ in grid.fields)
    return tuple(_digits(field.kind, column, currency) for field, column in zip(grid.fields, columns, strict=True))


def _digits(kind: Kind, column: Iterable[Any], currency: str) -> int | None:
    """Of money cents, unless whole units tell the smallest amount well enough."""
    if kind == "number":
        return max((words.places(value, 2) for value in column if value is not None), default=0)
    if kind != "money":
        return None
    sizes = [abs(value) for value in column if value]
    return 0 if not sizes or (max(sizes) >= 500 and min(sizes) >= 10) else digits_of(currency)


def raw(value: Any) -> str:
    """A value of a table as the CSV holds it: empty if not known."""
    if isinstance(value, Of):
        return raw(value.value)
    if value is None or isinstance(value, Missing):
        return ""
    if not isinstance(value, float):
        return str(value)
    text = f"{value:.6f}".rstrip("0").rstrip(".")  # never 4e-05, which not every reader takes for a number
    return "0" if text == "-0" else text
