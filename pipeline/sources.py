"""Sources: how a shop's export becomes a canonical input. `sql/sources/<source>/<input>.sql`, the user's own first.

A source is a header (which raw columns the export has) and one SELECT over `export`, the file as it is, with its
`row_number`. It may rename, cut and cast; what it leaves out is null. Where a row of the export holds more than goods
(an order's postage, what was paid back) the SELECT returns one line of each kind for it: sale, charge, refund.
Reading files is `exports`' work.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

import sqlglot
from pydantic import BaseModel, ConfigDict, Field
from sqlglot import exp
from sqlglot.lineage import Node, lineage

from pipeline.contracts import sql_type
from pipeline.dialects import Dialect, Kind
from pipeline.engines import dialect
from pipeline.inputs import INPUTS, ORDERS
from pipeline.sql import HeaderError, parse_header, split_header

ROW_NUMBER = "row_number"
_OF_ONE_ROW = (
    exp.Column, exp.Identifier, exp.Alias, exp.Literal, exp.Null, exp.Boolean, exp.Cast, exp.TryCast, exp.DataType,
    exp.DataTypeParam, exp.Binary, exp.Neg, exp.Not, exp.Paren, exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Trim,
    exp.Lower, exp.Upper,
)  # fmt: skip
_KIND_OF: dict[str, Kind] = {"DECIMAL": "number", "DOUBLE": "number", "TIMESTAMP": "timestamp"}


class ExportError(Exception):
    """An export that cannot be used; the message names the file, what is wrong and what to do."""


class RawColumn(BaseModel):
    """A column of the export: other names it goes by, and whether the export is of this source without it."""

    model_config = ConfigDict(extra="forbid")

    aliases: tuple[str, ...] = ()
    required: bool = False
    meaning: str | None = None
    type: Kind | None = Field(
        None,
        description="number and timestamp: text comes to the SELECT as 1234.56 and 2025-12-31 14:05:00 whatever the "
        "dialect; email: only as the SHA-256 of the trimmed address in lower case. Else seen from the SELECT",
    )


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


@dataclass(frozen=True)
class Source:
    """One SELECT that maps the exports of a shop system to a canonical input."""

    name: str
    input: str
    header: SourceHeader
    select: str
    file: str

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
        return set(dialect.parse(self.select, self.file).named_selects)

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
        return {name: column.type or passed[name] for name, column in self.header.raw.items()}

    @cached_property
    def keeps_rows(self) -> bool:
        """Whether the SELECT is seen to return each row of `export` once; other SELECTs are counted after."""
        select = dialect.parse(self.select, self.file)
        clauses = {name for name, value in select.args.items() if value}
        source = select.args.get("from_")
        return (
            clauses <= {"expressions", "from_"}
            and source is not None
            and source.sql(dialect.DIALECT).lower() == "from export"
            and ROW_NUMBER in (made.sql(dialect.DIALECT) for made in select.expressions)
            and select.named_selects.count(ROW_NUMBER) == 1
            and all(isinstance(node, _OF_ONE_ROW) for made in select.expressions for node in made.walk())
        )

    def resolve(self, columns: Sequence[str], file: str) -> dict[str, str]:
        """Raw column -> the name it has in this file (aliases, case and blanks forgiven).

        Raises ExportError when a required column is absent, naming the closest present one.
        """
        found = self._present(columns)
        if missing := self._lacking(found):
            raise ExportError(self._missing(missing, columns, file))
        return found

    def fit(self, columns: Sequence[str]) -> tuple[bool, int]:
        """(whether a file with these columns is an export of this source, how many of the columns it needs it has)."""
        found = self._present(columns)
        needed = {raw for raw, column in self.header.raw.items() if column.required}
        groups = [len(group) for group in self.header.one_of if set(group) <= found.keys()]
        return not self._lacking(found), len(needed & found.keys()) + max(groups, default=0)

    def _present(self, columns: Sequence[str]) -> dict[str, str]:
        present = {name.strip().strip("\ufeff").lower(): name for name in columns}
        found = {}
        for raw, column in self.header.raw.items():
            match = next((present[n.lower()] for n in (raw, *column.aliases) if n.lower() in present), None)
            if match is not None:
                found[raw] = match
        return found

    def _lacking(self, found: Mapping[str, str]) -> list[str]:
        missing = [raw for raw, column in self.header.raw.items() if column.required and raw not in found]
        if self.header.one_of and not any(set(group) <= found.keys() for group in self.header.one_of):
            missing.append(" or ".join(" and ".join(group) for group in self.header.one_of))
        return missing

    def _missing(self, missing: Sequence[str], columns: Sequence[str], file: str) -> str:
        hints = []
        for name in missing:
            close = closest(name, columns)
            hints.append(f'"{name}"' + (f' (the closest is "{close}")' if close else ""))
        listed = ", ".join(f'"{name}"' for name in columns[:40])
        return (
            f"{file} is no export of source {self.label}: it lacks {', '.join(hints)}. It has {listed}. "
            f"Rename the columns, or map them in a source of your own (docs/exports.md)."
        )


@cache
def _passed_on(output: str, select: str, raw: tuple[str, ...]) -> str | None:
    if output not in dialect.parse(select, "").named_selects:
        return None
    node = _lineage(output, select, raw)
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
def _lineage(output: str, select: str, raw: tuple[str, ...]) -> Node:
    schema = {"export": dict.fromkeys((ROW_NUMBER, *raw), "VARCHAR")}
    return lineage(output, select, schema=schema, dialect="duckdb")


def _leaf_name(leaf: Node) -> str:
    return leaf.name.split(".")[-1].strip('"').lower()


@cache
def _raw_columns_of(output: str, select: str, raw: tuple[str, ...]) -> tuple[str, ...]:
    """Cached: tracing two dozen columns takes longer than loading a small file, and a folder holds hundreds."""
    known = {name.lower(): name for name in raw}
    names = (_leaf_name(leaf) for leaf in _lineage(output, select, raw).walk() if not leaf.downstream)
    return tuple(sorted({known[name] for name in names if name in known}))


def find_sources(folders: Iterable[Path]) -> dict[str, Source]:
    """Sources by "<source>.<input>"; in an earlier folder they hide those of a later one. Raises HeaderError."""
    found: dict[str, Source] = {}
    for folder in folders:
        if not folder.is_dir():
            raise ExportError(f"{folder} is no folder; setting sources_folder must name one.")
        for path in sorted(folder.glob("*/*.sql")):
            found.setdefault(f"{path.parent.name}.{path.stem}", read_source(path))
    return found


def read_source(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    file = "/".join(path.parts[-3:])
    if path.stem not in INPUTS:
        raise HeaderError(f"{file}: {path.stem} is no input. A source's files are named {', '.join(INPUTS)}.")
    data, select = split_header(text, file)
    header = parse_header(SourceHeader, data, text, file)
    if select is None:
        raise HeaderError(f"{file}: a source needs a SELECT below its header.")
    dialect.parse(select, file)
    outputs = sqlglot.parse_one(select, read="duckdb")
    if not isinstance(outputs, exp.Select) or ROW_NUMBER not in outputs.named_selects:
        raise HeaderError(f"{file}: the SELECT must pass on row_number, so that each row can be traced to its export.")
    return Source(path.parent.name, path.stem, header, select, file)


def choose(sources: Mapping[str, Source], name: str) -> list[Source]:
    """What is called `name`: "<source>" for all inputs it maps, or "<source>.<input>" for one.

    Raises ExportError that lists what there is.
    """
    if name in sources:
        return [sources[name]]
    found = [source for source in sources.values() if name == source.name]
    if found:
        return sorted(found, key=lambda source: list(INPUTS).index(source.input))
    names = sorted({source.name for source in sources.values()})
    close = closest(name, names)
    hint = f" Did you mean {close}?" if close else ""
    raise ExportError(
        f"There is no source {name!r}.{hint} Known are {', '.join(names)}; docs/exports.md tells how to add one."
    )


def closest(name: str, names: Iterable[str]) -> str | None:
    by_key = {"".join(filter(str.isalnum, n.lower())): n for n in names}
    found = difflib.get_close_matches("".join(filter(str.isalnum, name.lower())), list(by_key), n=1, cutoff=0.5)
    return by_key[found[0]] if found else None


def quoted(name: str) -> str:
    """A column name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: object) -> str:
    """A text constant in SQL."""
    return "'" + str(value).replace("'", "''") + "'"
