"""How the rows of a chart file are drawn: the kinds of drawing that a header can name, and a figure of each.

What belongs here: what any page may draw, from rows whose columns say what they are. What does not: what is drawn on
one page alone, and Plotly's details that several kinds share (`charts`). A figure that no kind covers is a function
registered with `named_figure`, and drawn with `{figure: name, with: {…}}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from pipeline.reporting import charts, components, words
from pipeline.reporting.charts import HeatCell, Series
from pipeline.reporting.components import Figure, Kind

ColumnKind = Literal[Kind, "customer"]
"""How the values of a column are shown. customer: an id, of an e-mail address its hash."""
Row = Mapping[str, Any]
Legend = tuple[tuple[str, str], ...]

COLOURS = {
    "accent": charts.ACCENT, "pale": charts.ACCENT_PALE, "unknown": charts.UNKNOWN, "ink": charts.INK,
    "muted": charts.MUTED, "soft": "var(--soft)", "band": "var(--accent-soft)", "heat": "var(--heat-middle)",
    **charts.EVOLUTION_COLOURS, **charts.DIRECTION_COLOURS,
    **{f"part-{n}": colour for n, colour in enumerate(charts.PART_COLOURS, start=1)},
}  # fmt: skip
_LINES = ("accent", "part-2", "part-3", "better")
_LEAST_ROWS = 3
_MODES: Mapping[Any, str] = {False: "group", "over": "overlay"}


@dataclass(frozen=True)
class Shown:
    """What a column of the rows is: its label, how its values are shown, and what they count."""

    label: str
    kind: ColumnKind
    unit: str | None = None
    by: str | None = None
    """Column that holds the kind of each row's value, where rows differ; `kind` is that of all, or text."""
    missing: str = words.UNKNOWN
    say: Callable[[Any], str] | None = None
    """What its values are called."""

    @property
    def is_text(self) -> bool:
        return self.kind in ("text", "month", "customer")

    @property
    def field_kind(self) -> Kind:
        return "text" if self.kind == "customer" else self.kind

    @property
    def digits(self) -> int:
        """Decimals of what is drawn."""
        return 4 if self.kind in ("percent", "score") else 2

    def value(self, row: Row, name: str) -> Any:
        """What a table holds: text as it is read, numbers and dates as they are."""
        value = row[name]
        if self.kind == "mixed" and self.by is not None:
            return components.Missing(self.missing) if value is None else components.Of(value, row[self.by])
        if value is None:
            missing = components.Missing(self.missing) if self.kind == "month" else self.missing
            return missing if self.is_text else None
        if isinstance(value, bool):
            return "yes" if value else "no"
        if self.say is not None:
            return self.called(value)
        return words.shown_id(value) if self.kind == "customer" else value

    def called(self, value: Any) -> str:
        return self.say(value) if self.say is not None else str(value)

    def text(self, row: Row, name: str, currency: str) -> str:
        """The same as a reader sees it beside a bar: '412 customers', '38,900 €'."""
        value = self.value(row, name)
        if self.kind == "count" and self.unit is not None and self.unit.endswith("s") and value is not None:
            return words.counted(value, self.unit.removesuffix("s"))
        return components.show(value, self.field_kind, currency)


@dataclass(frozen=True)
class Data:
    """Rows with what their columns are. `hover` says what a reader sees who points at a row's value of a column."""

    rows: Sequence[Row]
    columns: Mapping[str, Shown]
    currency: str
    hover: Callable[[Row, str, str], str] | None = None

    def text(self, row: Row, name: str) -> str:
        return self.columns[name].text(row, name, self.currency)

    def place(self, row: Row, name: str) -> str:
        """A value as the name of a place on an axis: without what it counts, which the axis says."""
        column = self.columns[name]
        return components.show(column.value(row, name), column.field_kind, self.currency)

    def pointed(self, row: Row, at: str, name: str, label: str) -> str:
        """`at` is the column that says where the value of the column `name` stands."""
        if self.hover is not None:
            return self.hover(row, name, label)
        return f"{charts.plain(self.place(row, at))}<br>{charts.plain(label)}: {charts.plain(self.text(row, name))}"

    def currency_of(self, *names: str) -> str | None:
        """The currency where the columns are amounts of money."""
        return self.currency if any(self.columns[name].kind == "money" for name in names) else None

    def only(self, flag: str | None) -> Data:
        """The rows that a column of BOOLEAN marks."""
        return self if flag is None else replace(self, rows=[row for row in self.rows if row[flag]])


class _Drawing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    columns_named: ClassVar[tuple[str, ...]]
    """Fields that hold names of columns."""

    @property
    def names(self) -> Iterator[str]:
        """The columns that the drawing reads."""
        for field in self.columns_named:
            value = getattr(self, field)
            yield from [] if value is None else [value] if isinstance(value, str) else list(value)

    def figure(self, data: Data) -> Figure:
        raise NotImplementedError

    def legend(self, data: Data, figure: Figure) -> Legend:
        """Name and colour of what must be told apart, where the header does not say it."""
        return charts.legend(figure)


class Look(BaseModel):
    """How a column is drawn, where its colour alone does not say it."""

    model_config = ConfigDict(extra="forbid")

    colour: str
    name: str | None = Field(None, description="In the legend; else the column's label")
    dash: bool = Field(False, description="Of a line: dashed")

    @model_validator(mode="before")
    @classmethod
    def colour_alone_will_do(cls, given: Any) -> Any:
        return {"colour": given} if isinstance(given, str) else given

    @field_validator("colour")
    @classmethod
    def colour_is_known(cls, colour: str) -> str:
        if colour not in COLOURS:
            raise ValueError(f"there is no colour {colour!r}; there are {', '.join(COLOURS)}")
        return colour


class _OfSeries(_Drawing):
    series: dict[str, Look] = Field(min_length=1, description="Columns that are drawn, each with its colour")

    def label(self, data: Data, name: str) -> str:
        return self.series[name].name or data.columns[name].label


class Bars(_OfSeries):
    """Horizontal bars, the first row on top."""

    columns_named = ("bars", "series", "only", "colour")
    bars: str = Field(description="Column that names the rows")
    colour: str | None = Field(None, description="Column of the rows' colours, where each has its own")
    stack: bool | Literal["share"] = Field(False, description="One bar a row; share: parts of the row's sum")
    only: str | None = Field(None, description="Column of BOOLEAN: rows that are drawn; the table has all")

    def figure(self, data: Data) -> Figure:
        data = data.only(self.only)
        share = self.stack == "share"
        series = []
        for name, look in self.series.items():
            label = self.label(data, name)
            values = [_share(row, name, self.series) if share else row[name] for row in data.rows]
            texts = [data.pointed(row, self.bars, name, label) for row in data.rows]
            digits = 4 if share else data.columns[name].digits
            colour = [COLOURS[row[self.colour]] for row in data.rows] if self.colour else COLOURS[look.colour]
            series.append(Series(label, colour, values, texts, digits=digits))
        labels = [data.place(row, self.bars) for row in data.rows]
        currency = None if share else data.currency_of(*self.series)
        figure = charts.horizontal_bars(labels, series, currency, mode="stack" if self.stack else "group")
        if share or all(data.columns[name].kind == "percent" for name in self.series):
            figure["layout"]["xaxis"] |= {"tickformat": ".0%"}
        return figure


class Dots(_Drawing):
    """A dot with its interval in each row, the first row on top."""

    columns_named = ("dots", "value", "band", "only")
    dots: str = Field(description="Column that names the rows")
    value: str
    band: tuple[str, str] = Field(description="Columns of the ends of the interval")
    beside: float | None = Field(None, description="A dotted line where there would be nothing to see: 1 of a ratio")
    title: str = Field("", description="What the dots measure, below the axis")
    only: str | None = Field(None, description="Column of BOOLEAN: rows that are drawn; the table has all")

    def figure(self, data: Data) -> Figure:
        data = data.only(self.only)
        column = data.columns[self.value]
        texts = [data.pointed(row, self.dots, self.value, column.label) for row in data.rows]
        in_points = column.kind == "points"
        values, low, high = (
            [row[name] * 100 if in_points and row[name] is not None else row[name] for row in data.rows]
            for name in (self.value, *self.band)
        )
        series = Series(column.label, COLOURS["accent"], values, texts, digits=4)
        labels = [data.place(row, self.dots) for row in data.rows]
        title, currency = f"{self.title}, in points" if in_points else self.title, data.currency_of(self.value)
        return charts.dots(labels, series, (low, high), self.beside, title, column.kind == "percent", currency)


class Columns(_OfSeries):
    """Columns side by side from left to right, such as months; what is unknown is grey."""

    columns_named = ("columns", "series", "paler", "target", "overlay", "only")
    columns: str = Field(description="Column that names the places; dates are an axis")
    stack: bool | Literal["share", "over"] = Field(
        False, description="share: the parts make up the whole, 100 %; over: the last in front of the others"
    )
    titles: tuple[str, str] = ("", "")
    only: str | None = Field(None, description="Column of BOOLEAN: rows that are drawn; the table has all")
    paler: str | None = Field(None, description="Column of BOOLEAN: what is not over")
    target: str | None = Field(None, description="Column whose value is a bar across")
    overlay: str | None = Field(None, description="Column of lists of (name, value): lines")

    def figure(self, data: Data) -> Figure:
        data = data.only(self.only)
        at, are_days = self.columns, data.columns[self.columns].kind == "date"
        labels = [f"{row[at]}" if are_days else charts.plain(data.place(row, at)) for row in data.rows]
        drawn = [name for name in self.series if any(row[name] for row in data.rows)] or list(self.series)[:1]
        series = [
            Series(
                self.label(data, name), COLOURS[look.colour], [row[name] for row in data.rows],
                [data.pointed(row, self.columns, name, self.label(data, name)) for row in data.rows],
                1 if self.paler is None else [0.45 if row[self.paler] else 1 for row in data.rows],
                data.columns[name].digits,
            )
            for name, look in self.series.items() if name in drawn
        ]  # fmt: skip
        aims = [] if self.target is None else [
            None if row[self.target] is None else charts.as_float(row[self.target], series[0].digits)
            for row in data.rows
        ]  # fmt: skip
        shares = self.stack == "share" or all(data.columns[name].kind == "percent" for name in self.series)
        return charts.upright_bars(
            labels, series, aims, _overlays(data, self.columns, self.overlay), mode=_MODES.get(self.stack, "relative"),
            currency=data.currency_of(*self.series), shares=shares, whole=self.stack == "share", are_days=are_days,
            titles=self.titles,
        )  # fmt: skip

    def legend(self, data: Data, figure: Figure) -> Legend:
        several = charts.legend(figure)
        lines = dict.fromkeys(name for name, _ in _overlays(data, self.columns, self.overlay))
        own = tuple((self.label(data, name), COLOURS[look.colour]) for name, look in self.series.items())
        return (*own, *((name, charts.INK) for name in lines)) if self.overlay else several


def _overlays(data: Data, at: str, overlay: str | None) -> list[tuple[str, dict[str, float]]]:
    """Name of each line, in the order of the alphabet, and its values by place."""
    lines: dict[str, dict[str, float]] = {}
    for row in data.rows:
        for point in (row[overlay] or ()) if overlay else ():
            lines.setdefault(point["name"], {})[charts.plain(data.place(row, at))] = point["value"]
    return sorted(lines.items())


class Areas(_Drawing):
    """Areas on top of each other from day to day, the last at the foot; of few days the table alone is shown."""

    columns_named = ("areas", "by", "value", "breaks")
    areas: str = Field(description="Column of days")
    by: str = Field(description="Column that says which area a row belongs to; rows of one are summed")
    value: str
    colours: dict[str, Look] = Field(min_length=1, description="Areas that are drawn, the first on top")
    breaks: str | None = Field(None, description="Column: a dotted line where its value changes")

    def figure(self, data: Data) -> Figure:
        sums = self._sums(data)
        days, currency = sorted({day for day, _ in sums}), data.currency_of(self.value)
        series = [
            Series(name, COLOURS[look.colour], [sums.get((day, name), 0) for day in days],
                   [self._pointed(data, sums, day, name) for day in days])
            for name, look in self.colours.items()
        ]  # fmt: skip
        return charts.areas(days, series[::-1], currency, self._breaks(data))

    def has_few_days(self, rows: Sequence[Row]) -> bool:
        """Whether something is known of so few days that an area between them would show what nobody has seen."""
        known = {row[self.areas] for row in rows if row[self.by] in self.colours and row[self.value] is not None}
        return len(known) <= charts.FEW_DAYS

    def legend(self, data: Data, figure: Figure) -> Legend:
        return tuple((name, COLOURS[look.colour]) for name, look in self.colours.items())

    def _sums(self, data: Data) -> dict[tuple[Any, str], Any]:
        sums: dict[tuple[Any, str], Any] = {}
        for row in data.rows:
            if row[self.by] in self.colours and row[self.value] is not None:
                place = row[self.areas], row[self.by]
                sums[place] = sums.get(place, 0) + row[self.value]
        return sums

    def _pointed(self, data: Data, sums: Mapping[tuple[Any, str], Any], day: Any, name: str) -> str:
        value = sums.get((day, name), 0)
        whole = sum(sums.get((day, other), 0) for other in self.colours)
        shown = data.text({self.value: value}, self.value)
        return f"{words.short_day(day)}<br>{charts.plain(name)}: {shown}, {words.percent(words.share_of(value, whole))}"

    def _breaks(self, data: Data) -> list[Any]:
        if self.breaks is None:
            return []
        by_day = sorted({row[self.areas]: row[self.breaks] for row in data.rows}.items())
        return [day for (_, before), (day, now) in pairwise(by_day) if before != now]


class Lines(_Drawing):
    """Lines over numbers, days or names; with `by` one for each value of a column, else one for each of `series`."""

    columns_named = ("lines", "by", "value", "series", "colour", "band", "shade")
    lines: str = Field(description="Column of what lies below")
    by: str | None = None
    value: str | None = Field(None, description="With by: the column that is drawn")
    colour: str | None = Field(None, description="With by: column of the lines' colours; pale ones are thin")
    series: dict[str, Look] = Field(default_factory=dict)
    band: tuple[str, str] | None = Field(None, description="Ends of the interval around the first line")
    shade: str | None = Field(None, description="Column of BOOLEAN: what is shaded, to the end")
    titles: tuple[str, str] = ("", "")

    @field_validator("series")
    @classmethod
    def by_or_series(cls, series: dict[str, Look], info: Any) -> dict[str, Look]:
        if bool(series) == (info.data.get("by") is not None and info.data.get("value") is not None):
            raise ValueError("lines have either by and value or series")
        return series

    def figure(self, data: Data) -> Figure:
        shown = self._by(data) if self.by else [
            charts.Line(look.name or data.columns[name].label, self._at(data.rows), [row[name] for row in data.rows],
                        [data.pointed(row, self.lines, name, data.columns[name].label) for row in data.rows],
                        COLOURS[look.colour], True, look.dash)
            for name, look in self.series.items()
        ]  # fmt: skip
        band = None
        if self.band is not None:
            first = [row for row in data.rows if self.by is None or row[self.by] == data.rows[0][self.by]]
            low, high = ([row[end] for row in first] for end in self.band)
            band = self._at(first), low, high
        value = self.value or next(iter(self.series))
        return charts.lines(
            shown, self.titles, currency=data.currency_of(value), shares=data.columns[value].kind == "percent",
            band=band, are_days=data.columns[self.lines].kind == "date", shade=self._shaded(data),
        )  # fmt: skip

    def _shaded(self, data: Data) -> tuple[Any, Any] | None:
        """From the last that is not to be shaded to the end."""
        at = self._at(data.rows)
        shaded = [place for place, row in enumerate(data.rows) if self.shade and row[self.shade]]
        return (at[max(0, shaded[0] - 1)], at[-1]) if shaded else None

    def legend(self, data: Data, figure: Figure) -> Legend:
        named = tuple((trace["name"], trace["line"]["color"]) for trace in figure["data"] if trace.get("name"))
        return tuple(dict.fromkeys(named)) if len(named) > 1 else ()

    def _by(self, data: Data) -> list[charts.Line]:
        assert self.by is not None and self.value is not None
        lines: dict[str, list[Row]] = {}
        for row in data.rows:
            lines.setdefault(data.place(row, self.by), []).append(row)
        found = []
        for place, (name, rows) in enumerate(lines.items()):
            colour = rows[0][self.colour] if self.colour else _LINES[place % len(_LINES)]
            texts = [data.pointed(row, self.lines, self.value, name) for row in rows]
            values = [row[self.value] for row in rows]
            found.append(charts.Line(name, self._at(rows), values, texts, COLOURS[colour], colour != "pale"))
        return found

    def _at(self, rows: Sequence[Row]) -> list[Any]:
        return [f"{row[self.lines]}" if hasattr(row[self.lines], "year") else row[self.lines] for row in rows]


class Heat(_Drawing):
    """Cells of two scales in the order in which the rows name them: from left to right, from top to bottom."""

    columns_named = ("heat", "value", "only")
    heat: tuple[str, str] = Field(description="Columns of the scale from left to right, and of that from top to bottom")
    value: str
    only: str | None = Field(None, description="Column of BOOLEAN: rows that are drawn; the table has all")
    titles: tuple[str, str] = ("", "")

    def figure(self, data: Data) -> Figure:
        data = data.only(self.only)
        across, down = (list(dict.fromkeys(data.place(row, name) for row in data.rows)) for name in self.heat)
        down.reverse()
        cells = [
            HeatCell(
                across.index(data.place(row, self.heat[0])), down.index(data.place(row, self.heat[1])),
                None if row[self.value] is None else float(row[self.value]), self._in_cell(data, row),
                data.pointed(row, self.heat[1], self.value, data.columns[self.value].label),
            )
            for row in data.rows
        ]  # fmt: skip
        height = 80 + 30 * max(_LEAST_ROWS, len(down))
        return charts.heatmap(across, down, cells, self.titles, height=height)

    def legend(self, data: Data, figure: Figure) -> Legend:
        return ()

    def _in_cell(self, data: Data, row: Row) -> str:
        """Short, and a share or an amount without its sign: there is no room on a phone."""
        value, kind = row[self.value], data.columns[self.value].kind
        if value is None:
            return ""
        if kind == "percent":
            return "<1" if 0 < value < 0.005 else f"{100 * value:.0f}"
        return words.short_count(value)


class Cards(_Drawing):
    """A card for each row; columns that are neither named here nor hidden are its facts, links stand at its foot."""

    columns_named = ("cards", "value", "advice", "rank")
    cards: str = Field(description="Column of the cards' names")
    value: str = Field(description="The number that matters most; a card of 0 is pale")
    advice: str | None = Field(None, description="Column of texts that say what to do")
    rank: str | None = Field(None, description="Column of the rows' ranks from 1 on, which colour the cards")


class Named(_Drawing):
    """A figure that a function of Python draws."""

    columns_named = ("names_given",)
    figure_name: str = Field(alias="figure")
    columns: dict[str, str] = Field(default_factory=dict, alias="with", description="Column for each of its arguments")

    @field_validator("figure_name")
    @classmethod
    def figure_is_registered(cls, name: str) -> str:
        if name not in NAMED:
            raise ValueError(f"there is no figure {name!r}; there are {', '.join(NAMED)}")
        return name

    @property
    def names_given(self) -> list[str]:
        return list(self.columns.values())

    def figure(self, data: Data) -> Figure:
        return NAMED[self.figure_name](data, **self.columns)

    def legend(self, data: Data, figure: Figure) -> Legend:
        return ()


NAMED: dict[str, Callable[..., Figure]] = {}
"""Figures of Python by the name that a header draws them with."""


def named_figure(function: Callable[..., Figure]) -> Callable[..., Figure]:
    """Make a function of (data, **columns) a figure that a chart file can name; columns come by the argument's name."""
    NAMED[function.__name__] = function
    return function


@named_figure
def waterfall(data: Data, step: str, amount: str) -> Figure:
    """From the first row to the last, which are totals, over the rows between, which are changes."""
    steps = [(data.place(row, step), row[amount]) for row in data.rows]
    return charts.waterfall((steps[0], steps[-1]), steps[1:-1], data.currency)


@named_figure
def sankey(data: Data, before: str, after: str, customers: str, rank_before: str, rank: str) -> Figure:
    """Customers from group to group, each with its rank; `before` is null for new ones."""
    return _flows(data, before, after, customers, rank_before, rank)


@named_figure
def sankey_of_moves(data: Data, before: str, after: str, customers: str, rank_before: str, rank: str) -> Figure:
    """The same without those who stayed where they were."""
    moved = [row for row in data.rows if row[before] != row[after]]
    return _flows(replace(data, rows=moved), before, after, customers, rank_before, rank)


def _flows(data: Data, before: str, after: str, customers: str, rank_before: str, rank: str) -> Figure:
    sides = ((before, rank_before), (after, rank))
    ranks = {row[name]: row[at] for row in data.rows for name, at in sides if row[name] is not None}
    return charts.migration([(row[before], row[after], row[customers]) for row in data.rows], ranks)


@named_figure
def calibration(data: Data, predicted: str, observed: str, low: str, high: str) -> Figure:
    """Shares that happened against their probability, with intervals; on the dotted line both are equal."""
    x, y, *ends = ([row[name] for row in data.rows] for name in (predicted, observed, low, high))
    return charts.calibration(x, y, ends[0], ends[1], [data.pointed(row, predicted, observed, "") for row in data.rows])


def _share(row: Row, name: str, parts: Mapping[str, object]) -> float | None:
    whole = sum(row[part] or 0 for part in parts)
    return None if row[name] is None else words.share_of(row[name], whole)


_MODELS: dict[str, type[_Drawing]] = {
    "bars": Bars, "dots": Dots, "columns": Columns, "areas": Areas, "lines": Lines, "heat": Heat, "cards": Cards,
    "figure": Named,
}  # fmt: skip


def _drawing_of(given: Any) -> str | None:
    if isinstance(given, str):
        return "word"
    return next((kind for kind in _MODELS if isinstance(given, dict) and kind in given), None)


# Without a figure: `table`, a card of its own, and `figures`, a key figure for each row.
Drawing = Annotated[
    Annotated[Literal["table", "figures"], Tag("word")]
    | Annotated[Bars, Tag("bars")]
    | Annotated[Dots, Tag("dots")]
    | Annotated[Columns, Tag("columns")]
    | Annotated[Areas, Tag("areas")]
    | Annotated[Lines, Tag("lines")]
    | Annotated[Heat, Tag("heat")]
    | Annotated[Cards, Tag("cards")]
    | Annotated[Named, Tag("figure")],
    Discriminator(
        _drawing_of,
        custom_error_type="drawing",
        custom_error_message=f"is none of table, figures, {{{', '.join(_MODELS)}: …}}",
    ),
]
