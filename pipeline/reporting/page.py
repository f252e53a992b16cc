"""Pages as files: `reports/pages/<page>/page.html.j2` and its charts, and what a page is to the report.

The template begins with its front matter, YAML in a comment `{# … #}`: title, place in the navigation, and what the
page asks of the warehouse for all that it says. Below it is what stands under the page's heading.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.engines.duckdb import naming_the_file
from pipeline.reporting.chart_files import ChartFile, asks_for_all, make, names_parameter, read_chart, require_safe
from pipeline.reporting.components import Nothing, Part
from pipeline.reporting.definitions import definitions
from pipeline.reporting.dictionary import dictionary
from pipeline.reporting.facts import Report, audience_file, table_file
from pipeline.reporting.handover import consent_coverage, handed_over
from pipeline.reporting.predictions import Ask
from pipeline.reporting.quality import run_settings
from pipeline.reporting.templating import Texts, texts_in
from pipeline.reporting.week import Week
from pipeline.settings import PAGES_FOLDER
from pipeline.tables.header import HeaderError, Table, parse_header, read_yaml
from pipeline.validation import written

_FRONT_MATTER = re.compile(r"\A\{#(?P<yaml>.*?)#\}[ \t]*\n?(?P<body>.*)\Z", re.DOTALL)
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]*")
_LAYOUT = '{% extends "page.html.j2" %}{% block page %}'  # on the first line, so that lines keep their numbers

MOST_PAGES = 50
"""That one folder makes unless it says another number, the first values first."""
_LONGEST_SLUG, _CUT_SLUG, _DIGITS = 60, 50, 8

Row = Mapping[str, Any]
RoomName = Literal[
    "This week", "Customers", "Retention", "Value", "Shop", "Actions", "Trust", "Definitions", "Data dictionary"
]  # fmt: skip
"""What the navigation groups pages by, in its order."""
BESIDE: tuple[RoomName, ...] = ("Trust", "Definitions", "Data dictionary")
"""Rooms that stand small beside the others."""


@dataclass(frozen=True)
class Page:
    """`name` is that of the HTML file, `label` stands in the navigation, `context` fills the template.

    A page `of_its_day` shows partitions of its own day alone, of tables that do not compare with earlier ones; so it
    stays as it is when an earlier day is corrected.
    """

    name: str
    label: str
    context: Callable[[Report], dict[str, Any]]
    template: str
    after: str | None = None
    """The page it follows in the navigation; None: where it stands in the list, or at the end."""
    of_its_day: bool = False
    part_of: str | None = None
    """The page of the navigation that it belongs to, if it does not stand there itself."""
    room: RoomName | None = None
    """None: that of the page it follows, else the shop's."""


@dataclass(frozen=True)
class Room:
    """Pages that the navigation shows together, in order: name and label."""

    name: str
    pages: Mapping[str, str]

    @property
    def first(self) -> str:
        return next(iter(self.pages))

    @property
    def label(self) -> str:
        """Of a single page its own."""
        return self.name if len(self.pages) > 1 else self.pages[self.first]

    @property
    def is_beside(self) -> bool:
        return self.name in BESIDE


class PageHeader(BaseModel):
    """The front matter of a page."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(
        min_length=1, description="Heading of the page and its name in the navigation; with each a template"
    )
    heading: str = Field("", description="Heading where it is not the title; a template")
    lead: str = Field("", description="What the page is about; a template")
    after: str | None = Field(None, description="The page it follows in the navigation; else it is the last")
    room: RoomName | None = Field(None, description="Group of the navigation; else that of the page it follows")
    of_its_day: bool = Field(
        False,
        description="Whether it shows its own day alone, of tables that do not compare with earlier days; then it "
        "stays as it is when an earlier day is corrected",
    )
    let: dict[str, str] = Field(
        default_factory=dict, description="Name: SELECT of one row at most; of one column its value"
    )
    shared: dict[Annotated[str, written("[a-z][a-z0-9_]*", "members_of_all")], str] = Field(
        default_factory=dict, alias="with", description="Name: SELECT that several charts read as a table, no comments"
    )
    each: str | None = Field(None, description="Column of `values`: a page for each of its values, beside `after`")
    values: str = Field("", description="SELECT of the values, those that matter most first")
    most: int = Field(MOST_PAGES, ge=1, le=1000, description="How many of the values have a page")
    hide_values: bool = Field(
        False, description="Whether files are called by the value's MD5 alone, as ids of people are"
    )
    missing: str = Field("", description="Why there is nothing to show on the page, or nothing; a template")
    missing_title: str = "Nothing to show yet"

    @model_validator(mode="after")
    def several_pages_belong_to_one(self) -> Self:
        if bool(self.each) != bool(self.values):
            raise ValueError("each and values go together: the column, and the SELECT that has it")
        if self.each and (self.after is None or not _PARAMETER.fullmatch(self.each)):
            raise ValueError("each is a column in small letters, digits and _; after says which page leads to these")
        return self


@dataclass(frozen=True)
class PageFile:
    """A page as its folder tells it."""

    name: str
    file: str
    header: PageHeader
    body: str
    charts: tuple[ChartFile, ...]

    @property
    def template(self) -> str:
        return f"pages/{self.name}"

    @property
    def source(self) -> str:
        """The template, with the layout of all pages around it."""
        return f"{_LAYOUT}{self.body}{{% endblock %}}"

    def as_page(self) -> Page:
        return Page(
            self.name, self.header.title, self.context, self.template, self.header.after, self.header.of_its_day,
            room=self.header.room,
        )  # fmt: skip

    def pages(self, report: Report) -> dict[str, Page]:
        """Of a folder with `each`, the page of every value; the first values have pages if there are too many."""
        return self._pages_of(report, self._values(report))

    def page_for(self, report: Report, value: str) -> Page | None:
        """The page of one value, also of one that is not among the first; None where `values` does not have it."""
        assert self.header.each is not None
        wanted = f"SELECT * FROM ({self.header.values}) AS listed WHERE {self.header.each}::VARCHAR = $wanted LIMIT 1"
        with naming_the_file(self.file, None, "values"):
            found = report.ask(wanted, wanted=value).to_dicts()
        return self._pages_of(report, {value: found[0]})[value] if found else None

    def _pages_of(self, report: Report, rows: Mapping[str, Row]) -> dict[str, Page]:
        names = {value: digest(value) for value in rows} if self.header.hide_values else file_names(list(rows))
        shared = _Shared(report.ask, self.header.each or "", rows.values())
        return {
            value: Page(
                f"{self.name}-{names[value]}", self._title(report, row), partial(self.context, row=row, shared=shared),
                self.template, of_its_day=self.header.of_its_day, part_of=self.header.after,
            )
            for value, row in rows.items()
        }  # fmt: skip

    def _values(self, report: Report) -> dict[str, Row]:
        """Rows of `values` by the value that has a page."""
        assert self.header.each is not None
        with naming_the_file(self.file, None, "values"):
            frame = report.ask(self.header.values)
        if self.header.each not in frame.columns:
            raise HeaderError(f"{self.file}: values: the SELECT has no column {self.header.each!r}, which each names.")
        known = frame.filter(frame[self.header.each].is_not_null()).unique(self.header.each, maintain_order=True)
        return {str(row[self.header.each]): row for row in known.head(self.header.most).iter_rows(named=True)}

    def _title(self, report: Report, row: Row | None) -> str:
        if row is None:
            return self.header.title
        return self._say(texts_in(report.facts.currency), "title", self.header.title, {"each": row})

    def context(self, report: Report, row: Row | None = None, shared: _Shared | None = None) -> dict[str, Any]:
        """What the template is given, of a folder with `each` that of a row of `values`.

        Charts are made only where the page has something to show. `shared`: what is asked once for all rows.
        """
        texts = texts_in(report.facts.currency)
        asking = self._of(report, row, shared)
        given = self.given(asking, row)
        missing = self._say(texts, "missing", self.header.missing, given)
        given |= {"missing": missing}
        return {
            **given,
            "title": self._say(texts, "heading", self.header.heading, given) or self._title(report, row),
            "lead": self._say(texts, "lead", self.header.lead, given),
            "missing_title": self.header.missing_title,
            "charts": {} if missing else self.parts(asking, texts, given),
        }

    def given(self, report: Report, row: Row | None = None) -> dict[str, Any]:
        """What the texts of the page and of its charts can name."""
        facts = report.facts
        asked = {name: _row(report, select, self.file, f"let.{name}") for name, select in self.header.let.items()}
        own = {"facts": facts, "snapshot_date": facts.snapshot_date, "each": row}
        own |= {"audience": partial(audience_file, facts)}
        own |= {"handed_over": handed_over(report), "consent_coverage": consent_coverage(report), "week": Week(report)}
        own |= {"file_of": partial(table_file, report), "run": report.run, "run_settings": run_settings(report)}
        own |= {"definitions": definitions(), "dictionary": partial(dictionary, report.tables.values())}
        return {**own, **asked}

    def parts(self, report: Report, texts: Texts, given: Mapping[str, Any]) -> dict[str, Part | Nothing]:
        return {chart.name: make(chart, report, texts, given) for chart in self.charts}

    def without_rows(self, report: Report) -> dict[str, Part | Nothing]:
        """The charts of a warehouse in which there is nothing, to find what does not run."""
        row = None
        if self.header.each:
            self._values(report)
            row = {self.header.each: None}
        asking = self._of(report, row)
        return self.parts(asking, texts_in(report.facts.currency), self.given(asking, row))

    def _of(self, report: Report, row: Row | None, shared: _Shared | None = None) -> Report:
        """The report that is asked of one value."""
        if self.header.each is None or row is None:
            return report
        shared = shared or _Shared(report.ask, self.header.each, [row])
        return replace(report, ask=shared.of(row[self.header.each]))

    def _say(self, texts: Texts, field: str, template: str, values: Mapping[str, Any]) -> str:
        return texts.text(template, f"{self.file}: {field}", values)


class _Shared:
    """What the pages of a folder with `each` ask: by `$<each>` for a page, by `$<each>s` once for all of them.

    The rows of the second have a column `each`, by which each page has its own, in their order.
    """

    def __init__(self, ask: Ask, each: str, rows: Iterable[Row]) -> None:
        self._ask, self._each = ask, each
        self._values = [row[each] for row in rows]
        self._asked: dict[str, tuple[pl.DataFrame, dict[Any, pl.DataFrame]]] = {}

    def of(self, value: Any) -> Ask:
        """For the page of a value."""

        def ask(select: str, **others: Any) -> pl.DataFrame:
            if not asks_for_all(select, self._each):
                own = {self._each: value} if names_parameter(select, self._each) else {}
                return self._ask(select, **own, **others)  # what names no page is the same for all
            if select not in self._asked:
                self._asked[select] = self._split(select)
            all_rows, by_value = self._asked[select]
            return by_value[value] if value in by_value else all_rows.clear()

        return ask

    def _split(self, select: str) -> tuple[pl.DataFrame, dict[Any, pl.DataFrame]]:
        rows = self._ask(select, **{f"{self._each}s": self._values})
        if self._each not in rows.columns:
            return rows, {}  # which the chart is refused for, by its columns
        parts = rows.partition_by(self._each, as_dict=True, maintain_order=True)
        return rows, {key: part for (key,), part in parts.items()}


def _row(report: Report, select: str, file: str, field: str) -> Any:
    with naming_the_file(file, None, field):
        frame = report.ask(select)
    if frame.height > 1:
        raise HeaderError(f"{file}: {field}: the SELECT has {frame.height} rows; it may have one.")
    row = frame.row(0, named=True) if frame.height else None
    return row if row is None or len(row) > 1 else next(iter(row.values()))


def file_names(values: Sequence[str]) -> dict[str, str]:
    """What the page of each value is called, as files of audiences are: small letters, digits and _, and the start of
    the value's MD5 where that is shared, empty or long. A value may be written as another is called; both have more of
    their MD5, then.
    """
    slugs = {value: re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_") for value in values}
    shared = Counter(slugs.values())
    more = {0: _DIGITS, _DIGITS: 32}
    digits = {
        value: 0 if slug and shared[slug] == 1 and len(slug) <= _LONGEST_SLUG else _DIGITS
        for value, slug in slugs.items()
    }
    while True:
        names = {
            value: f"{slugs[value][:_CUT_SLUG] or 'value'}_{digest(value)[:number]}" if number else slugs[value]
            for value, number in digits.items()
        }
        taken = Counter(names.values())
        alike = {value: more[number] for value, number in digits.items() if taken[names[value]] > 1 and number in more}
        if not alike:
            return names
        digits |= alike


def digest(value: str) -> str:
    """What tells values apart in names of files without telling them."""
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


def page_folders(home: Path) -> tuple[Path, ...]:
    """Where pages are: ours, and those of a home that has its own."""
    own = home / "reports" / "pages"
    return (PAGES_FOLDER,) if own.resolve() == PAGES_FOLDER.resolve() else (PAGES_FOLDER, own)


def read_pages(folders: Iterable[Path], tables: Mapping[str, Table]) -> tuple[PageFile, ...]:
    """The pages of all folders.

    Raises HeaderError for a file that cannot be used, and for a page whose name is that of another.
    """
    pages: dict[str, PageFile] = {}
    for folder in folders:
        for path in sorted(folder.glob("*/page.html.j2")):
            page = _read_page(path, tables)
            if page.name in pages:
                raise HeaderError(f"{path.parent}: the report has a page {page.name!r} already; rename the folder.")
            pages[page.name] = page
        for path in sorted(folder.glob("*/*.sql")):
            if not (path.parent / "page.html.j2").exists():
                raise HeaderError(f"{path.parent}: has charts and no page.html.j2, which says where they stand.")
    for chart in chain.from_iterable(page.charts for page in pages.values()):
        _require_pages(chart, pages)
    return tuple(pages.values())


def _require_pages(chart: ChartFile, pages: Mapping[str, PageFile]) -> None:
    """What a column leads to must be there."""
    for name, column in chart.header.columns.items():
        if column.page is None or column.page.folder is None:
            continue
        folder = column.page.folder
        if folder not in pages or not pages[folder].header.each:
            raise HeaderError(f"{chart.file}: columns.{name}.page: there is no folder {folder!r} with each.")


def _read_page(path: Path, tables: Mapping[str, Table]) -> PageFile:
    name, file = path.parent.name, f"reports/pages/{path.parent.name}/{path.name}"
    if not _NAME.fullmatch(name):
        raise HeaderError(f"{file}: a page is called by small letters, digits, - and _, and begins with a letter.")
    text = path.read_text(encoding="utf-8")
    found = _FRONT_MATTER.match(text)
    if found is None:
        raise HeaderError(f"{file}: must begin with its front matter, {{# title: … #}}; docs/reports.md shows one.")
    header = parse_header(PageHeader, read_yaml(found["yaml"], file), text, file)
    if header.values:
        require_safe(header.values, f"{file}: values", tables)
    given = [header.each, f"{header.each}s"] if header.each else []
    for field, select in header.let.items():
        require_safe(select, f"{file}: let.{field}", tables, given)
    charts = [
        read_chart(chart, f"reports/pages/{name}/{chart.name}", tables, header.each, header.shared)
        for chart in sorted(path.parent.glob("*.sql"))
    ]
    lines_before = text[: found.start("body")].count("\n")
    return PageFile(name, file, header, "\n" * lines_before + found["body"], tuple(charts))


def in_navigation(pages: Sequence[Page]) -> tuple[Page, ...]:
    """Every page behind the one it is to follow; the others as they stand. Raises HeaderError for one that cannot."""
    following: dict[str | None, list[Page]] = {}
    for page in pages:
        following.setdefault(page.after, []).append(page)

    def walk(after: str | None) -> Iterator[Page]:
        for page in following.get(after, ()):
            yield page
            yield from walk(page.name)

    ordered = tuple(walk(None))
    for page in pages:
        if page not in ordered:
            raise HeaderError(
                f"reports/pages/{page.name}/page.html.j2: after: there is no page {page.after!r} to follow."
            )
    return ordered


def in_rooms(pages: Sequence[Page]) -> tuple[Room, ...]:
    """The rooms of the navigation that have pages, each with its own in their order."""
    by_name = {page.name: page for page in pages}

    def room_of(page: Page) -> RoomName:
        return page.room or (room_of(by_name[page.after]) if page.after else "Shop")

    rooms = {page.name: room_of(page) for page in pages}
    found = (
        Room(name, {page.name: page.label for page in pages if rooms[page.name] == name}) for name in get_args(RoomName)
    )
    return tuple(room for room in found if room.pages)
