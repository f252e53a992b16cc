"""Sources: how a shop's export becomes a canonical input. `sql/sources/<source>/<input>.sql`, the user's own first.

A source is a header (which raw columns the export has) and one SELECT over `export`, the file as it is, with its
`row_number`. It may rename, cut and cast; what it leaves out is null. Where a row of the export holds more than goods
(an order's postage, what was paid back) the SELECT returns one line of each kind for it: sale, charge, refund.
Reading files is `exports`' work.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, Self

import duckdb
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlglot import exp
from sqlglot.lineage import Node, lineage

from pipeline.dialect import Dialect, Kind
from pipeline.engines.portable import lint
from pipeline.errors import ExportError
from pipeline.ingest.nested import path_of
from pipeline.settings import Settings
from pipeline.statuses import IS_GIFT_CARD, STANDING, Fault, GiftCards, Statuses
from pipeline.tables.header import HeaderError, parse_header, split_header, text_of
from pipeline.tables.inputs import HASHED_FOR, HASHES, INPUTS, ORDERS
from pipeline.tables.platforms import platforms
from pipeline.tables.rules import sql_type
from pipeline.tables.safe_sql import unsafe

ROW_NUMBER = "row_number"
FILE_NAME, FOLDER_NAME = "file_name", "folder_name"
"""What `export` has beside the columns of the file where the header asks for it."""
EXPORTED_AT = "exported_at"
"""An output about the file, not the row: when it was exported, the latest of all rows. Every input may have it."""
_OF_ONE_ROW = (
    exp.Column, exp.Identifier, exp.Alias, exp.Literal, exp.Null, exp.Boolean, exp.Cast, exp.TryCast, exp.DataType,
    exp.DataTypeParam, exp.Binary, exp.Neg, exp.Not, exp.Paren, exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Trim,
    exp.Lower, exp.Upper,
)  # fmt: skip
_KIND_OF: dict[str, Kind] = {
    "DECIMAL": "number", "DOUBLE": "number", "BIGINT": "number", "INTEGER": "number", "TIMESTAMP": "timestamp",
    "DATE": "timestamp",
}  # fmt: skip


_SURELY_DATA = re.compile(
    r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T].*)?|[^@\s]+@[^@\s]+\.[^@\s]+"
    r"|[^\w\s]?\s?-?\d[\d.,' ]*[.,]\d{1,2}(\s?\D{1,3})?"
)
_NUMBER = re.compile(r"-?\d+")


class SourceRefused(ExportError, HeaderError):
    """A source whose SQL does more than map an export; the message names the file, the line and what it is."""


class RawColumn(BaseModel):
    """A column of the export: other names it goes by, and whether the export is of this source without it."""

    model_config = ConfigDict(extra="forbid")

    aliases: tuple[str, ...] = ()
    required: bool = False
    meaning: str | None = None
    type: Kind | None = Field(
        None,
        description="number and timestamp: text comes to the SELECT as 1234.56 and 2025-12-31 14:05:00 whatever the "
        "dialect; email: only as an id made of the trimmed address in lower case with the home's key. Else seen from "
        "the SELECT",
    )
    kept: bool = Field(True, description="Whether the quarantine keeps the cell, where only what is read is kept")


class SourceHeader(BaseModel):
    """What an export of this source looks like."""

    model_config = ConfigDict(extra="forbid")

    description: str = Field(min_length=10)
    owner: str = "team:data"
    reads: Literal["table", "lines"] = "table"
    duplicate_lines: Literal["keep", "drop"] = "keep"
    dialect: Dialect = Dialect()
    raw: dict[str, RawColumn] = Field(min_length=1)
    one_of: tuple[tuple[str, ...], ...] = Field((), description="Groups of columns of which one must be complete")
    foreign: tuple[str, ...] = Field(
        (), description="Columns by which a file is seen to be of another input, whatever else it has"
    )
    nested: bool = Field(
        False, description="Whether names reach into columns that hold objects or lists: `profile.email`, `items[0].id`"
    )
    may_be_null: tuple[str, ...] = Field(
        (), description="Outputs that the SELECT leaves null on purpose, whatever the raw columns hold"
    )
    reads_name: bool = Field(
        False,
        description="Whether the SELECT gets file_name and folder_name; a file is then another under another name",
    )
    statuses: Statuses | None = Field(None, description="What the words for the state of an order mean")
    gift_cards: GiftCards | None = Field(None, description="How gift cards that are sold are known")
    problems: dict[str, Fault] = Field(
        default_factory=dict, description="What the SELECT may say of a row in its column `problem`"
    )
    hashed_for: tuple[str, ...] = Field(
        (),
        description="Platforms as whose rules ask for it email_sha256 and phone_sha256 were made; no other gets them",
    )
    whole_orders: bool = Field(False, description="Whether an order with a row that does not fit is quarantined whole")

    @model_validator(mode="after")
    def words_are_of_columns(self) -> Self:
        of = [self.statuses.column] if self.statuses else []
        of += self.gift_cards.columns if self.gift_cards else ()
        for name in of:
            if name not in self.raw:
                raise ValueError(f"{name!r} is none of the columns of raw: {', '.join(self.raw)}")
        for made in {STANDING, IS_GIFT_CARD, FILE_NAME, FOLDER_NAME} & {name.lower() for name in self.raw}:
            raise ValueError(f"a column of raw cannot be called {made!r}: the SELECT gets another one by this name")
        return self


@dataclass(frozen=True)
class Source:
    """One SELECT that maps the exports of a shop system to a canonical input."""

    name: str
    input: str
    header: SourceHeader
    select: str
    file: str
    first_line: int = 1
    """The line of the file in which the SELECT begins."""

    def explained(self, error: Exception) -> ExportError:
        """An error in its SELECT, found when it was run, with file and line, and without what a cell held."""
        message = str(error)
        line = re.search(r"^LINE (\d+):", message, re.MULTILINE)
        where = f", line {self.first_line + int(line[1]) - 1}" if line else ""
        first = (message.strip().splitlines() or [type(error).__name__])[0]
        if isinstance(error, duckdb.DataError | duckdb.InvalidInputException):
            first = f"{first.partition(':')[0]}: a value of the file cannot be what it makes of it; use TRY_CAST."
        return ExportError(f"{self.file}{where}: this SELECT cannot be used. {first}")

    @property
    def label(self) -> str:
        """What it is called where its input must be told, too: orders go without saying."""
        return self.name if self.input == ORDERS else f"{self.name}.{self.input}"

    @property
    def mapping(self) -> str:
        """Identity of the mapping: changes with its text."""
        return hashlib.sha256(f"{self.header.model_dump_json()}{self.select}".encode()).hexdigest()

    @cached_property
    def outputs(self) -> set[str]:
        """The canonical columns that the SELECT gives."""
        return set(lint.parse(self.select, self.file).named_selects)

    def raw_columns_of(self, output: str) -> list[str]:
        """The raw columns that an output column is made from."""
        return list(_raw_columns_of(output, self.select, tuple(self.header.raw)))

    def passed_on(self, output: str) -> str | None:
        """The raw column that an output column is, renamed or cast and nothing else; None for any other output."""
        return _passed_on(output, self.select, tuple(self.header.raw))

    @property
    def kinds(self) -> dict[str, Kind]:
        """What each raw column holds: what the header says, else what the canonical column it is passed on to needs."""
        passed: dict[str, Kind] = dict.fromkeys(self.header.raw, "text")
        for output, column in INPUTS[self.input].schema.columns.items():
            raw = self.passed_on(output)
            kind = _KIND_OF.get(sql_type(column.dtype).split("(")[0])
            if raw is not None and kind is not None:
                passed[raw] = kind
        if (raw := self.passed_on(EXPORTED_AT)) is not None:
            passed[raw] = "timestamp"
        return {name: column.type or passed[name] for name, column in self.header.raw.items()}

    @cached_property
    def keeps_rows(self) -> bool:
        """Whether the SELECT is seen to return each row of `export` once; other SELECTs are counted after."""
        select = lint.parse(self.select, self.file)
        clauses = {name for name, value in select.args.items() if value}
        source = select.args.get("from_")
        return (
            clauses <= {"expressions", "from_"}
            and source is not None
            and source.sql(lint.DIALECT).lower() == "from export"
            and ROW_NUMBER in (made.sql(lint.DIALECT) for made in select.expressions)
            and select.named_selects.count(ROW_NUMBER) == 1
            and all(isinstance(node, _OF_ONE_ROW) for made in select.expressions for node in made.walk())
        )

    @cached_property
    def renamed(self) -> dict[str, str]:
        """Output -> raw column, of a SELECT that is seen to give each row of `export` once, and of it columns as they
        are, under these or other names; of any other SELECT nothing.
        """
        made = [one.unalias() for one in lint.parse(self.select, self.file).expressions]
        if not self.keeps_rows or not all(isinstance(one, exp.Column) for one in made):
            return {}
        passed = {name: self.passed_on(name) for name in self.outputs - {ROW_NUMBER}}
        known = {name: raw for name, raw in passed.items() if raw is not None}
        return known if len(known) == len(passed) else {}

    def resolve(self, columns: Sequence[str], file: str) -> dict[str, str]:
        """Raw column -> the name it has in this file (aliases, case and blanks forgiven).

        Raises ExportError when a required column is absent, naming the closest present one.
        """
        found = self.present(columns)
        if missing := self._lacking(found):
            raise ExportError(self._missing(missing, columns, file))
        return found

    def fit(self, columns: Sequence[str]) -> tuple[bool, int]:
        """(whether a file with these columns is an export of this source, how many of the columns it needs it has)."""
        if self.is_foreign(columns):
            return False, 0
        found = self.present(columns)
        needed = {raw for raw, column in self.header.raw.items() if column.required}
        groups = [len(group) for group in self.header.one_of if set(group) <= found.keys()]
        return not self._lacking(found), len(needed & found.keys()) + max(groups, default=0)

    def is_foreign(self, columns: Sequence[str]) -> bool:
        """Whether a file with these columns is of another input, whatever else it has."""
        return bool({name.strip().lower() for name in columns} & {name.lower() for name in self.header.foreign})

    def present(self, columns: Sequence[str]) -> dict[str, str]:
        """Raw column -> the name it has among these, for all that are there."""
        present = {name.strip().strip("\ufeff").lower(): name for name in columns}

        def there(name: str) -> str | None:
            path = path_of(name) if self.header.nested else None
            is_inside = path is not None and path.column.lower() in present
            return present.get(name.lower()) or (name if is_inside else None)

        found = {}
        for raw, column in self.header.raw.items():
            match = next(filter(None, map(there, (raw, *column.aliases))), None)
            if match is not None:
                found[raw] = match
        return found

    def _lacking(self, found: Mapping[str, str]) -> list[str]:
        missing = [raw for raw, column in self.header.raw.items() if column.required and raw not in found]
        if self.header.one_of and not any(set(group) <= found.keys() for group in self.header.one_of):
            missing.append(" or ".join(" and ".join(group) for group in self.header.one_of))
        return missing

    def _missing(self, missing: Sequence[str], columns: Sequence[str], file: str) -> str:
        if looks_like_data(columns) and not self.present(columns):
            return (
                f"{file} has no header line, it seems: its first line looks like data. Add one that names the columns."
            )
        hints = []
        taken = set(self.present(columns).values())
        free = [column for column in columns if column not in taken and looks_like_a_name(column)]
        for name in missing:
            close = closest(name, free)
            hints.append(f'"{name}"' + (f' (the closest is "{close}")' if close else ""))
        return (
            f"{file} is no export of source {self.label}: it lacks {', '.join(hints)}. It has {self._listed(columns)}. "
            f"Put it into the folder of a source that knows them (`perennial inspect` names it), rename the columns, "
            f"or map them in a source of your own (docs/exports.md)."
        )

    def _listed(self, columns: Sequence[str]) -> str:
        """The columns of a file in a message. Those this source does not know are not named: without its header line,
        the first row of a file is taken for names."""
        if not columns:
            return "no columns"
        known = {name.lower() for raw, column in self.header.raw.items() for name in (raw, *column.aliases)}
        named = [f'"{name}"' for name in columns if name.strip().strip("\ufeff").lower() in known]
        others = len(columns) - len(named)
        unknown = f"{others} that this source does not know (`perennial inspect` lists them)"
        return " and ".join(([", ".join(named)] if named else []) + ([unknown] if others else []))


@cache
def _passed_on(output: str, select: str, raw: tuple[str, ...]) -> str | None:
    node = _lineages(select, raw).get(output.lower())
    if node is None:
        return None
    while node.downstream:
        made = node.expression.unalias()
        while isinstance(made, exp.TryCast | exp.Trim):
            made = made.this
        if not isinstance(made, exp.Column) or len(node.downstream) != 1:
            return None
        node = node.downstream[0]
    known = {name.lower(): name for name in raw}
    return known.get(_leaf_name(node))


@cache
def _lineages(select: str, raw: tuple[str, ...]) -> dict[str, Node]:
    """Of all output columns at once: what is the same for all is done once, and for all exports of a folder."""
    beside = (ROW_NUMBER, STANDING, IS_GIFT_CARD, FILE_NAME, FOLDER_NAME)
    schema = {"export": dict.fromkeys((*beside, *raw), "VARCHAR")}
    return lineage(None, select, schema=schema, dialect="duckdb")


def _leaf_name(leaf: Node) -> str:
    """The column of `export."profile.email"`; what is no column has no point."""
    return (leaf.name.partition(".")[2] or leaf.name).strip('"').lower()


@cache
def _raw_columns_of(output: str, select: str, raw: tuple[str, ...]) -> tuple[str, ...]:
    known = {name.lower(): name for name in raw}
    names = (_leaf_name(leaf) for leaf in _lineages(select, raw)[output.lower()].walk() if not leaf.downstream)
    return tuple(sorted({known[name] for name in names if name in known}))


def find_sources(folders: Iterable[Path], names: Container[str] | None = None) -> dict[str, Source]:
    """Sources by "<source>.<input>", all or those of these names; in an earlier folder they hide those of a later one.

    Raises HeaderError for one that cannot be used, SourceRefused for one that may not.
    """
    found: dict[str, Source] = {}
    for label, path in _files(folders):
        if label not in found and (names is None or path.parent.name in names or label in names):
            found[label] = read_source(path)
    return found


def _files(folders: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Labels, "<source>.<input>", each with its file."""
    for folder in folders:
        if not folder.is_dir():
            raise ExportError(f"{folder} is no folder; setting sources_folder must name one.")
        for path in sorted(folder.glob("*/*.sql")):
            yield f"{path.parent.name}.{path.stem}", path


def read_source(path: Path) -> Source:
    file = "/".join(path.parts[-3:])
    return _source(path.parent.name, path.stem, file, text_of(path, file))


@cache
def _source(name: str, input: str, file: str, text: str) -> Source:
    """Cached, because reading the SQL of a source takes as long as loading a small file."""
    if input not in INPUTS:
        raise HeaderError(f"{file}: {input} is no input. A source's files are named {', '.join(INPUTS)}.")
    data, below = split_header(text, file)
    header = parse_header(SourceHeader, data, text, file)
    if below is None:
        raise HeaderError(f"{file}: a source needs a SELECT below its header.")
    select = below.rstrip("; \n\t\r")
    _require_safe(select, header, file, text[: text.index(below)].count("\n"))
    try:
        outputs = lint.parse(select, file)
    except lint.Refused as refused:
        raise SourceRefused(str(refused)) from refused
    if not isinstance(outputs, exp.Select) or ROW_NUMBER not in outputs.named_selects:
        raise HeaderError(f"{file}: the SELECT must pass on row_number, so that each row can be traced to its export.")
    _require_hashes_for_platforms(header, outputs.named_selects, file)
    first_line = text[: text.index(select)].count("\n") + 1
    return Source(name, input, header, select, file, first_line)


def _require_hashes_for_platforms(header: SourceHeader, outputs: Sequence[str], file: str) -> None:
    """Raises HeaderError where nobody says for whom hashes are, or where they are for none that takes any."""
    hashes = [name for name in HASHES if name in outputs]
    taking = [name for name, platform in platforms().items() if platform.header.takes_hashes]
    if HASHED_FOR in outputs:
        raise HeaderError(f"{file}: {HASHED_FOR} stands in the header, not in the SELECT.")
    if hashes and not header.hashed_for:
        raise HeaderError(
            f"{file}: {hashes[0]} is a hash; say in the header by whose rules it was made, such as "
            f"hashed_for: [meta]. Platforms that take hashes are {', '.join(taking)}."
        )
    if header.hashed_for and not hashes:
        raise HeaderError(f"{file}: hashed_for is of {' and '.join(HASHES)}, and the SELECT gives neither.")
    if strange := [name for name in header.hashed_for if name not in taking]:
        raise HeaderError(
            f"{file}: hashed_for names {strange[0]!r}; platforms that take hashes are {', '.join(taking)}."
        )


def _require_safe(select: str, header: SourceHeader, file: str, lines_before: int) -> None:
    """Raises SourceRefused, with the line of the file, for SQL that does anything but map the export."""
    found = unsafe(select, header.raw)
    if found is not None:
        line = f", line {found.line + lines_before}" if found.line else ""
        raise SourceRefused(
            f"{file}{line}: the source {found.what}. A source is one SELECT that reads FROM export and its own CTEs, "
            f"with functions that look at nothing else (docs/exports.md)."
        )


def choose(sources: Mapping[str, Source], name: str) -> list[Source]:
    """What is called `name`: "<source>" for all inputs it maps, or "<source>.<input>" for one.

    Raises ExportError that lists what there is.
    """
    if name in sources:
        return [sources[name]]
    found = [source for source in sources.values() if name == source.name]
    if found:
        return sorted(found, key=lambda source: list(INPUTS).index(source.input))
    raise _no_source(name, {source.name for source in sources.values()})


_BY_SOURCE = (
    "dialects", "duplicate_lines", "exported_at", "charge_products", "statuses", "link_guests", "id_guard",
)  # fmt: skip
"""Settings that are given for a source, or for one of its inputs."""
_RATES = "rates"
"""What a table of exchange rates is called where its dialect is set."""


def require_sources_of_settings(settings: Settings) -> None:
    """Raises ExportError where a setting names a source that there is not: it would do nothing, without a word."""
    labels = [label for label, _ in _files(settings.sources_folders)]
    sources = {label.partition(".")[0] for label in labels}
    for setting in _BY_SOURCE:
        given = getattr(settings, setting)
        for name in given if isinstance(given, dict) else ():
            if name not in sources | {*labels, _RATES}:
                raise _no_source(name, sources, f" which {setting} in perennial.toml names")


def require_sources(folders: Iterable[Path], names: Iterable[str]) -> None:
    """Whether there are sources of these names, told by the names of their files; none is read.

    Raises ExportError that lists what there is.
    """
    files = dict(_files(folders))
    known = {path.parent.name for path in files.values()}
    for name in names:
        if name not in known | files.keys():
            raise _no_source(name, known)


def _no_source(name: str, known: Iterable[str], where: str = "") -> ExportError:
    names = sorted(known)
    close = closest(name, names)
    hint = f" Did you mean {close}?" if close else ""
    return ExportError(
        f"There is no source {name!r}{where}.{hint} Known are {', '.join(names)}; docs/exports.md tells how to add one."
    )


def looks_like_a_name(column: str) -> bool:
    """Whether what stands in a header may be said aloud: letters and few digits, no address, number or date."""
    return len(column) <= 40 and "@" not in column and sum(character.isdigit() for character in column) <= 3


def looks_like_data(header: Sequence[str]) -> bool:
    """Whether what stands in the place of a header is a row: a date or an address in it, or a number with decimals, and
    another such cell or number. Years alone may be names."""
    cells = [cell.strip() for cell in header]
    surely = sum(bool(_SURELY_DATA.fullmatch(cell)) for cell in cells)
    return surely > 0 and surely + sum(bool(_NUMBER.fullmatch(cell)) for cell in cells) > 1


def closest(name: str, names: Iterable[str]) -> str | None:
    by_key = {"".join(filter(str.isalnum, n.lower())): n for n in names}
    found = difflib.get_close_matches("".join(filter(str.isalnum, name.lower())), list(by_key), n=1, cutoff=0.5)
    return by_key[found[0]] if found else None
