"""Charts as SQL files: `reports/pages/<page>/<chart>.sql` is a header (what is drawn and said) and one SELECT.

The rows of the SELECT are the table below the chart, and its CSV, as they are. The header says how they are drawn, and
what is said of them: a template over aggregates of the rows (`let`), over the rows themselves, and over what the page
asked. Report SQL runs on DuckDB only, so it need not be portable; it may read the tables of the warehouse and nothing
else, whoever wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self, get_args

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.engines.duckdb import naming_the_file
from pipeline.quoting import quoted
from pipeline.reporting import charts, components, figures, words
from pipeline.reporting.components import (
    Card,
    Cards,
    Chart,
    Grid,
    KeyFigure,
    KeyFigures,
    Linked,
    Nothing,
    Part,
    TableCard,
    View,
)
from pipeline.reporting.definitions import definitions
from pipeline.reporting.facts import Report, audience_file, table_file
from pipeline.reporting.figures import COLOURS, ColumnKind, Data, Drawing, Look, Row, Shown
from pipeline.reporting.sentences import SENTENCES
from pipeline.reporting.templating import Texts
from pipeline.tables.header import PARTITION_COLUMN, Column, HeaderError, Table, parse_header, split_header
from pipeline.tables.safe_sql import unsafe
from pipeline.tables.sql_text import Refused, tables_read

PERSONAL = "people"
"""The schema that no page may read."""
SELECTED = "rows"
"""What an aggregate of `let` calls the rows; `max_by(rows, day)` is the row of the latest day."""
PUBLISHED = "published"
"""Parameter of every SELECT: 'target/model' of the published models, as they were tested."""
_KEY_FIGURE = ("label", "value")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_BEGIN = re.compile(r"(?P<comments>(\s*--[^\n]*\n)*\s*)(?P<ctes>WITH\s)?")


class PageSpec(BaseModel):
    """The page that a text leads to."""

    model_config = ConfigDict(extra="forbid")

    folder: str | None = Field(None, description="Of pages with `each`; without it the value is the name of the page")
    key: str = Field(description="Column whose value has the page, if any has")


class AudienceSpec(BaseModel):
    """The audience whose CSV a text leads to."""

    model_config = ConfigDict(extra="forbid")

    folder: str = Field(description="Catalogue of the audience; a template")
    key: str = Field(description="Column that names the audience; where it is null there is no link")


class ColumnSpec(BaseModel):
    """A column of the SELECT, where its name alone does not say what it is."""

    model_config = ConfigDict(extra="forbid")

    label: str | None = Field(
        None, description="Heading; a template of the view's values. Else from the table's header"
    )
    kind: ColumnKind | None = Field(None, description="How its values are shown. Else from the table's header")
    kind_by: str | None = Field(None, description="Column that holds the kind, where rows differ")
    missing: str = Field(words.UNKNOWN, description="What is shown of a text where there is none")
    say: str | None = Field(None, description="Filter that says its values, or the names of those that are spread")
    page: PageSpec | None = Field(None, description="The page that it leads to, where there is one")
    audience: AudienceSpec | None = Field(None, description="The audience whose file it leads to")
    interval: tuple[str, ...] | None = Field(
        None, min_length=2, max_length=3,
        description="Columns of the ends of its interval, and how sure that is if not 95%; they stand behind it",
    )  # fmt: skip
    anchor: bool = Field(False, description="Its values are the anchors of the rows, so that other pages lead to one")
    hidden: bool = Field(False, description="For the drawing or the sentence only: not in the table")
    spread: bool = Field(False, description="A list of (name, value): a column for every name")

    @model_validator(mode="before")
    @classmethod
    def a_label_alone_will_do(cls, given: Any) -> Any:
        """And nothing at all."""
        return {"label": given} if isinstance(given, str) else {} if given is None else given

    @field_validator("say")
    @classmethod
    def say_is_a_filter(cls, say: str | None) -> str | None:
        if say is not None and say not in SENTENCES:
            raise ValueError(f"there is no filter {say!r}")
        return say

    @property
    def is_link(self) -> bool:
        return self.page is not None or self.audience is not None


class ViewSpec(BaseModel):
    """One way to look at a chart that has several."""

    model_config = ConfigDict(extra="forbid")

    label: str
    draw: Drawing
    sentence: str = Field(min_length=1)
    when: str | None = Field(None, description="Name of `let`: the view is there only where that is true")


class EachSpec(BaseModel):
    """A view for every value of a column, with the rows that have it."""

    model_config = ConfigDict(extra="forbid")

    key: str
    label: str


class FileSpec(BaseModel):
    """The published table that holds all rows."""

    model_config = ConfigDict(extra="forbid")

    table: str
    where: str = Field("", description="Which of its rows are meant")

    @model_validator(mode="before")
    @classmethod
    def a_table_alone_will_do(cls, given: Any) -> Any:
        return {"table": given} if isinstance(given, str) else given


class ChartHeader(BaseModel):
    """What a chart is. Templates are in braces: `{{ moved|count }} of {{ tested|counted("customer") }} …`."""

    model_config = ConfigDict(extra="forbid")

    title: str = ""
    draw: Drawing | None = None
    columns: dict[str, ColumnSpec] = Field(min_length=1, description="Columns of the table, in its order")
    hidden: list[str] = Field(default_factory=list, description="Further columns, for the drawing or the sentence only")
    let: dict[str, str] = Field(default_factory=dict, description="Name: aggregate of the rows, in SQL")
    sentence: str = Field("", description="What the chart shows, in a sentence; a template")
    basis: str = Field("", description="What it rests on; a template")
    empty: str = Field("", description="What is said where the SELECT has no rows; a template")
    hover: str | None = Field(None, description="Template of a row: what a reader sees who points at it")
    context: str = Field("", description="Template of a row: what a key figure is to be read against")
    legend: dict[str, Look] | None = None
    views: dict[str, ViewSpec] = Field(default_factory=dict)
    each: EachSpec | None = None
    switch: str | None = Field(
        None, description="Name of a switch that governs all charts with it; ui.switch_of(…) places it on the page"
    )
    term: str = Field("", description="Anchor of the definition that the title leads to")
    note: str = Field("", description="How the table is to be read, a template; folded, of cards a warning")
    file: FileSpec | None = None

    @model_validator(mode="after")
    def hidden_are_columns(self) -> Self:
        for name in self.hidden:
            if name in self.columns:
                raise ValueError(f"hidden names {name!r}, which is among the columns")
            self.columns[name] = ColumnSpec(hidden=True)
        return self

    @model_validator(mode="after")
    def intervals_are_columns(self) -> Self:
        told: dict[str, ColumnSpec] = {}
        for name, spec in self.columns.items():
            told[name] = spec
            if spec.interval is not None:
                low, high, *sure = spec.interval
                ends = ((low, f"{sure[0] if sure else '95%'} interval: from"), (high, "to"))
                told |= {end: ColumnSpec(label=label, kind=spec.kind, kind_by=spec.kind_by) for end, label in ends}
        self.columns = told
        return self

    @model_validator(mode="after")
    def is_drawn_once(self) -> Self:
        if (self.draw is None) == (not self.views):
            raise ValueError("has either draw or views, which have one each")
        return self

    @model_validator(mode="after")
    def says_what_it_must(self) -> Self:
        is_cards = isinstance(self.draw, figures.Cards)
        wanted = {"figures": ("columns",), "table": ("title", "basis")}.get(f"{self.draw}", ("title", "basis"))
        wanted = ("basis",) if is_cards else wanted
        for name in wanted:
            if not getattr(self, name):
                raise ValueError(f"{name} is missing")
        if self.draw is not None and not isinstance(self.draw, str) and not is_cards and not self.sentence:
            raise ValueError("sentence is missing")
        return self

    @model_validator(mode="after")
    def columns_are_there(self) -> Self:
        named = {"each": [self.each.key, self.each.label] if self.each else []}
        for place, drawing in [("draw", self.draw), *((f"views.{key}", view.draw) for key, view in self.views.items())]:
            named[place] = names_of(drawing)
        named |= {name: [spec.kind_by] for name, spec in self.columns.items() if spec.kind_by}
        named |= {f"columns.{name}.page": [spec.page.key] for name, spec in self.columns.items() if spec.page}
        named |= {
            f"columns.{name}.audience": [spec.audience.key] for name, spec in self.columns.items() if spec.audience
        }
        for place, names in named.items():
            for name in names:
                if name not in self.columns:
                    raise ValueError(f"{place} names {name!r}, which is not among the columns")
        return self


def names_of(drawing: Any) -> list[str]:
    """The columns that a drawing reads."""
    if drawing is None or isinstance(drawing, str):
        return list(_KEY_FIGURE) if drawing == "figures" else []
    return list(drawing.names)


@dataclass(frozen=True)
class ChartFile:
    """A chart as its file tells it."""

    page: str
    name: str
    file: str
    header: ChartHeader
    select: str
    first_line: int
    """Of the SELECT in the file."""
    of_all: str | None = None
    """Of a chart that is asked once for all pages of its folder: the column that tells whose page a row is for."""

    @property
    def id(self) -> str:
        return f"{self.page}-{self.name}"

    @property
    def aggregates(self) -> str | None:
        """The SELECT of `let`, one row or one for each value of `each`, of each page; None without `let`."""
        if not self.header.let:
            return None
        keys = {"__key": self.header.each.key} if self.header.each else {}
        keys |= {self.of_all: self.of_all} if self.of_all else {}
        told = [f"{SELECTED}.{quoted(column)} AS {quoted(name)}" for name, column in keys.items()]
        told += [f"({sql}) AS {quoted(name)}" for name, sql in self.header.let.items()]
        group = f" GROUP BY {', '.join(f'{SELECTED}.{quoted(column)}' for column in keys.values())}" if keys else ""
        return f"SELECT {', '.join(told)} FROM ({self.select}) AS {SELECTED}{group}"


def asks_for_all(select: str, each: str) -> bool:
    """Whether a SELECT of a folder with `each` asks for all of its pages at once, by `$<each>s`."""
    return names_parameter(select, f"{each}s")


def names_parameter(select: str, name: str) -> bool:
    return re.search(rf"\${name}\b", select) is not None


def with_shared(select: str, shared: Mapping[str, str]) -> str:
    """The SELECT with those of its page's SELECTs that it reads as CTEs on its first line: lines keep their numbers.

    One that is shared may read those before it.
    """
    needed: list[str] = []
    text = select
    for name, sql in reversed(list(shared.items())):
        if re.search(rf"\b(FROM|JOIN)\s+{name}\b", text):
            needed.insert(0, f"{name} AS ({' '.join(sql.split())})")
            text += sql
    begin = _BEGIN.match(select)
    if not needed or begin is None:
        return select
    return f"{begin['comments']}WITH {', '.join(needed)}{', ' if begin['ctes'] else ' '}{select[begin.end() :]}"


def read_chart(
    path: Path, file: str, tables: Mapping[str, Table], each: str | None = None, shared: Mapping[str, str] | None = None
) -> ChartFile:
    """Raises HeaderError, which names the file and the line, for a file that cannot be used.

    `each`: what its folder has a page for; its SELECT may use `$<each>`, or `$<each>s` of all pages. `shared`: SELECTs
    of the page that it may read by their names.
    """
    if not _NAME.fullmatch(path.stem):
        raise HeaderError(f"{file}: a chart is called by small letters, digits and _, and begins with a letter.")
    text = path.read_text(encoding="utf-8")
    data, select = split_header(text, file)
    if select is None:
        raise HeaderError(f"{file}: has no SELECT below its header.")
    lines_before = text[: text.index(select)].count("\n")
    select = with_shared(select.rstrip().removesuffix(";"), shared or {})
    header = parse_header(ChartHeader, data, text, file)
    of_all = each if each and asks_for_all(select, each) else None
    if of_all and of_all not in header.columns:
        raise HeaderError(f"{file}: columns: ${each}s asks for all pages at once, so {each} must be among the columns.")
    given = [each, f"{each}s"] if each else []
    chart = ChartFile(path.parent.name, path.stem, file, header, select, lines_before + 1, of_all)
    require_safe(select, file, tables, given, lines_before)
    if chart.aggregates:
        require_safe(chart.aggregates, f"{file} (let)", tables, given)
    if header.term and header.term not in definitions().terms:
        near = get_close_matches(header.term, definitions().terms, n=1)
        meant = f"; did you mean {near[0]!r}" if near else ""
        raise HeaderError(f"{file}: term: docs/definitions.md has no {header.term!r}{meant}.")
    if header.file is not None and not _is_published(tables, header.file.table):
        raise HeaderError(f"{file}: file: there is no published table {header.file.table!r}.")
    return chart


def _is_published(tables: Mapping[str, Table], name: str) -> bool:
    return any(table.name == name and table.is_partitioned for table in tables.values())


def require_safe(
    select: str, file: str, tables: Mapping[str, Table], given: Sequence[str] = (), lines_before: int | None = None
) -> None:
    """Raises HeaderError for SQL that is not one SELECT from tables of the warehouse."""
    readable = [name for name, table in tables.items() if table.schema != PERSONAL]
    found = unsafe(
        select, tables=[*readable, "params.settings", "params.days"], parameters=[PARTITION_COLUMN, PUBLISHED, *given]
    )
    if found is None:
        return
    line = f", line {found.line + lines_before}" if found.line and lines_before is not None else ""
    raise HeaderError(
        f"{file}{line}: the SELECT {found.what}. Pages read tables of the warehouse, with ${PARTITION_COLUMN} and with "
        "functions that look at nothing else (docs/reports.md)."
    )


def make(chart: ChartFile, report: Report, texts: Texts, given: Mapping[str, Any]) -> Part:
    """The chart of a shop on a day, or what is said where there is nothing to draw. `given`: what the page knows."""
    return _Maker(chart, report, texts, given).part()


class _Maker:
    def __init__(self, chart: ChartFile, report: Report, texts: Texts, given: Mapping[str, Any]) -> None:
        self._chart, self._header, self._report, self._texts, self._given = chart, chart.header, report, texts, given
        self._currency = report.facts.currency

    def part(self) -> Part:
        with naming_the_file(self._chart.file, self._chart.first_line):
            frame = self._report.ask(self._chart.select)
        self._require_columns(frame)
        rows = frame.to_dicts()
        if not rows:
            return Nothing(self._say("empty", self._header.empty, {}))
        shown = self._shown(frame)
        if self._header.draw == "figures":
            return KeyFigures(tuple(self._key_figure(row, shown) for row in rows))
        drawings: list[Any] = [self._header.draw, *(view.draw for view in self._header.views.values())]
        draw = next(one for one in drawings if one is not None)
        if draw == "table" or _is_short(draw, rows):
            return self._table(rows, shown)
        if isinstance(self._header.draw, figures.Cards):
            return self._cards(self._header.draw, rows, shown)
        return self._drawn(rows, shown)

    # ── what is said ──────────────────────────────────────────────────────────────────────────────────────────────

    def _say(self, field: str, template: str, values: Mapping[str, Any]) -> str:
        return self._texts.text(template, f"{self._chart.file}: {field}", {**self._given, **values}) if template else ""

    def _basis(self, rows: Iterable[Row], values: Mapping[str, Any]) -> str:
        """Of a chart; with what paler columns are, where there are any."""
        drawings = (self._header.draw, *(view.draw for view in self._header.views.values()))
        flags = [one.paler for one in drawings if isinstance(one, figures.Columns) and one.paler]
        paler = " · paler: not a whole period" if any(row[flag] for flag in flags for row in rows) else ""
        return self._say("basis", self._header.basis, values) + paler

    def _let(self, key: Any = None) -> dict[str, Any]:
        """The aggregates of the rows, or of those of one value of `each`."""
        if not self._aggregates:
            return {}
        found = self._aggregates
        values = found[0] if self._header.each is None else next(row for row in found if row["__key"] == key)
        return {name: value for name, value in values.items() if name != "__key"}

    @cached_property
    def _aggregates(self) -> list[dict[str, Any]]:
        """What `let` asks, one row or one per value of `each`; empty where it asks nothing."""
        if self._chart.aggregates is None:
            return []
        with naming_the_file(self._chart.file, None, "what let asks"):
            return self._report.ask(self._chart.aggregates).to_dicts()

    # ── columns ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _require_columns(self, frame: pl.DataFrame) -> None:
        declared = list(self._header.columns)
        if set(frame.columns) == set(declared):
            return
        lacking = [name for name in declared if name not in frame.columns]
        unknown = [name for name in frame.columns if name not in declared]
        raise HeaderError(
            f"{self._chart.file}: columns: the header and the SELECT must have the same"
            + (f"; the SELECT lacks {', '.join(lacking)}" if lacking else "")
            + (f"; the header lacks {', '.join(unknown)}" if unknown else "")
            + "."
        )

    def _shown(self, frame: pl.DataFrame) -> dict[str, Shown]:
        read = _tables_of(self._chart, self._report.tables)
        return {
            name: shown_column(name, spec, read, frame.schema[name], self._chart.file)
            for name, spec in self._header.columns.items()
        }

    def _of_view(self, shown: Mapping[str, Shown], rows: list[dict[str, Any]], values: Mapping[str, Any]) -> Any:
        """Labels rendered, and one kind for a column whose rows are all of one."""
        found = {}
        for name, column in shown.items():
            kinds = {row[column.by] for row in rows} if column.by else {column.kind}
            if unknown := kinds - set(get_args(ColumnKind)) - set(get_args(components.Kind)):
                raise HeaderError(f"{self._chart.file}: columns.{name}: {column.by} holds {unknown}, which is no kind.")
            label = self._say(f"columns.{name}", column.label, values) if "{" in column.label else column.label
            kind: Any = kinds.pop() if len(kinds) == 1 else "mixed"
            found[name] = Shown(label, kind, column.unit, column.by, column.missing, column.say)
        return found

    # ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _key_figure(self, row: Row, shown: Mapping[str, Shown]) -> KeyFigure:
        value = self._of_view(shown, [dict(row)], row)["value"]
        return KeyFigure(
            str(row["label"]),
            components.show(row["value"], value.field_kind, self._currency),
            self._say("context", self._header.context, row),
        )

    def _table(self, rows: list[dict[str, Any]], shown: Mapping[str, Shown]) -> TableCard:
        values = {"rows": rows, **self._let()}
        shown = self._of_view(shown, rows, values)
        customers = [name for name, column in shown.items() if column.kind == "customer"]
        file, views = self._header.file, self._header.views
        sentence = self._header.sentence or next((view.sentence for view in views.values()), "")
        return TableCard(
            id=self._chart.id,
            title=self._say("title", self._header.title, values),
            sentence=self._say("sentence", sentence, values),
            grid=self._grid(rows, shown, values),
            basis=self._say("basis", self._header.basis, values),
            note=self._say("note", self._header.note, values),
            file=(table_file(self._report, file.table), f"{file.table}.parquet") if file else None,
            rows_of_file=file.where if file else "",
            term=self._header.term,
            hides_addresses=any("@" in str(row[name]) for row in rows for name in customers),
        )

    def _cards(self, draw: figures.Cards, rows: list[dict[str, Any]], shown: Mapping[str, Shown]) -> Cards:
        values = {"rows": rows, **self._let()}
        cells = {name: self._cell_of(name, self._header.columns[name], column) for name, column in shown.items()}
        kinds = self._of_view(shown, rows, values)
        named = {draw.cards, draw.value, draw.advice, draw.rank}
        told = [name for name, spec in self._header.columns.items() if name not in named and not spec.hidden]
        ranks = max((row[draw.rank] for row in rows), default=1) if draw.rank else 1

        def card(row: Row) -> Card:
            own = {**values, **row, "row": row}
            found = {name: cells[name](row) for name in told}
            return Card(
                title=str(row[draw.cards]),
                value=components.show(row[draw.value], kinds[draw.value].field_kind, self._currency),
                text=self._say("context", self._header.context, own),
                warning=self._say("note", self._header.note, own),
                advice=str(row[draw.advice] or "") if draw.advice else "",
                facts=tuple((kinds[name].label, kinds[name].text(row, name, self._currency)) for name in told
                            if not self._header.columns[name].is_link),
                links=tuple(link for link in found.values() if isinstance(link, Linked)),
                colour=charts.group_colour(str(row[draw.cards]), row[draw.rank], ranks) if draw.rank else "",
                is_empty=not row[draw.value],
            )  # fmt: skip

        return Cards(self._chart.id, tuple(card(row) for row in rows), self._say("basis", self._header.basis, values))

    def _drawn(self, rows: list[dict[str, Any]], shown: Mapping[str, Shown]) -> Chart:
        views = self._views_of_values(rows, shown) if self._header.each else self._views_of_drawings(rows, shown)
        values = {"rows": rows, **({} if self._header.each else self._let())}
        legend: dict[str, str] = {}
        for _, entries in views:
            legend |= {name: colour for name, colour in entries if name not in legend}
        return Chart(
            id=self._chart.id,
            title=self._say("title", self._header.title, values),
            basis=views[0][0].basis or self._basis(rows, values),
            views=tuple(view for view, _ in views),
            grid=None if self._header.each else self._grid(rows, self._of_view(shown, rows, values), values),
            legend=tuple(legend.items()) if self._header.legend is None else self._legend(values),
            term=self._header.term,
            note=self._say("note", self._header.note, values),
            switch=self._header.switch,
        )

    def _views_of_drawings(self, rows: list[dict[str, Any]], shown: Mapping[str, Shown]) -> list[tuple[View, Any]]:
        values = {"rows": rows, **self._let()}
        data = self._data(rows, self._of_view(shown, rows, values), values)
        if self._header.draw is not None:
            return [self._view("all", "All", self._header.draw, self._header.sentence, data, values)]
        return [
            self._view(key, view.label, view.draw, view.sentence, data, values)
            for key, view in self._header.views.items()
            if (view.when is None or values[view.when]) and not _is_short(view.draw, rows)
        ]

    def _views_of_values(self, rows: list[dict[str, Any]], shown: Mapping[str, Shown]) -> list[tuple[View, Any]]:
        each, views = self._header.each, []
        assert each is not None
        for key in dict.fromkeys(row[each.key] for row in rows):
            own = [row for row in rows if row[each.key] == key]
            values = {**own[0], "rows": own, **self._let(key)}
            columns = self._of_view(shown, own, values)
            data = self._data(own, columns, values)
            view, legend = self._view(
                str(key), str(own[0][each.label]), self._header.draw, self._header.sentence, data, values
            )
            grid = self._grid(own, columns, values)
            basis = self._basis(own, values)
            views.append((View(view.key, view.label, view.sentence, view.figure, basis, grid), legend))
        return views

    def _view(
        self, key: str, label: str, drawing: Any, sentence: str, data: Data, values: Mapping[str, Any]
    ) -> tuple[View, figures.Legend]:
        figure = drawing.figure(data)
        return View(key, label, self._say("sentence", sentence, values), figure), drawing.legend(data, figure)

    def _data(self, rows: list[dict[str, Any]], columns: Mapping[str, Shown], values: Mapping[str, Any]) -> Data:
        if self._header.hover is None:
            return Data(rows, columns, self._currency)
        render = self._texts.hover(self._header.hover, f"{self._chart.file}: hover")

        def hover(row: Row, name: str, label: str) -> str:
            text = columns[name].text(row, name, self._currency)
            return render({**self._given, **values, **row, "series": label, "value": row[name], "shown": text})

        return Data(rows, columns, self._currency, hover)

    def _legend(self, values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        """As the header has it, without the entries that come out empty."""
        assert self._header.legend is not None
        said = {self._say("legend", name, values): COLOURS[look.colour] for name, look in self._header.legend.items()}
        return tuple((name, colour) for name, colour in said.items() if name)

    def _grid(self, rows: list[dict[str, Any]], columns: Mapping[str, Shown], values: Mapping[str, Any]) -> Grid:
        fields: list[components.Field] = []
        cells: list[Callable[[Row], Any]] = []
        for name, spec in self._header.columns.items():
            if spec.spread:
                for number, entry in enumerate(_names_in(rows, name), start=1):
                    fields.append(
                        components.Field(f"{name}_{number}", columns[name].called(entry), columns[name].field_kind)
                    )
                    cells.append(_one_of(name, entry))
            elif not spec.hidden:
                fields.append(components.Field(name, columns[name].label, columns[name].field_kind))
                cells.append(self._cell_of(name, spec, columns[name]))
        caption = self._say("title", self._header.title, values)
        if self._header.each:
            caption += f": {rows[0][self._header.each.label]}"
        anchors = [str(row[name]) for name, spec in self._header.columns.items() if spec.anchor for row in rows]
        return components.grid(caption, fields, [[cell(row) for cell in cells] for row in rows], anchors)

    def _cell_of(self, name: str, spec: ColumnSpec, column: Shown) -> Callable[[Row], Any]:
        def text(row: Row) -> str:
            return str(column.value(row, name))

        if spec.audience is not None:
            folder, audience = self._say(f"columns.{name}.audience", spec.audience.folder, {}), spec.audience.key
            return lambda row: (
                text(row)
                if row[audience] is None
                else Linked.to_file(audience_file(self._report.facts, folder, str(row[audience])), text(row))
            )
        if spec.page is not None:
            key, pages = spec.page.key, self._report.pages_of.get(spec.page.folder, {})
            return lambda row: Linked.to(pages.get(str(row[key])), text(row))
        return lambda row: column.value(row, name)


def _is_short(draw: Any, rows: Sequence[Row]) -> bool:
    return isinstance(draw, figures.Areas) and draw.has_few_days(rows)


def _names_in(rows: Iterable[Row], name: str) -> list[str]:
    return sorted({point["name"] for row in rows for point in row[name] or ()})


def _one_of(name: str, entry: str) -> Callable[[Row], Any]:
    return lambda row: next((point["value"] for point in row[name] or () if point["name"] == entry), None)


# ── what a column is ──────────────────────────────────────────────────────────────────────────────────────────────────


def _tables_of(chart: ChartFile, tables: Mapping[str, Table]) -> list[Table]:
    return [tables[name] for name in sorted(_tables_read(chart.select, chart.file)) if name in tables]


@cache  # nights of a range read the same pages
def _tables_read(select: str, file: str) -> frozenset[str]:
    try:
        return tables_read(select, file)
    except Refused as refused:
        raise HeaderError(str(refused)) from refused


def shown_column(name: str, spec: ColumnSpec, tables: Iterable[Table], kind: pl.DataType, file: str) -> Shown:
    """What the chart's header says of a column; what it does not say, the headers of the tables that have it say."""
    declared = {table.full_name: table.header.columns[name] for table in tables if name in table.header.columns}
    labels = {column.label or in_words(name) for column in declared.values()} or {in_words(name)}
    kinds = {_kind_of(name, column) for column in declared.values()} or {_kind_of_type(kind)}
    for what, found in (("label", labels), ("kind", kinds)):
        if len(found) > 1 and getattr(spec, what) is None and not spec.hidden and spec.kind_by is None:
            raise HeaderError(
                f"{file}: columns.{name}: {', '.join(declared)} differ on its {what} ({', '.join(sorted(found))}); "
                f"say it here."
            )
    units = {column.unit for column in declared.values()}
    return Shown(
        spec.label if spec.label is not None else min(labels),
        spec.kind or min(kinds),
        units.pop() if len(units) == 1 else None,
        spec.kind_by,
        spec.missing,
        SENTENCES[spec.say] if spec.say else None,
    )


def in_words(name: str) -> str:
    """'mean_order_value' as a heading: 'Mean order value'."""
    return name.replace("_", " ").capitalize()


def _kind_of(name: str, column: Column) -> ColumnKind:
    if name == "customer_id":
        return "customer"
    if column.unit == "currency":
        return "money"
    if column.unit == "share":
        return "percent"
    by_type: dict[str, ColumnKind] = {"DATE": "date", "BIGINT": "count", "INTEGER": "count", "DOUBLE": "number"}
    return by_type.get(column.type, "number" if column.type.startswith("DECIMAL") else "text")


def _kind_of_type(kind: pl.DataType) -> ColumnKind:
    """Of a column that no table has: whole numbers are counts, DECIMAL is money."""
    if isinstance(kind, pl.Decimal):
        return "money"
    return "count" if kind.is_integer() else "number" if kind.is_float() else "date" if kind == pl.Date else "text"
