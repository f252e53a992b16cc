"""Sources: how a shop's export becomes a canonical input. `sql/sources/<source>/<input>.sql`, the user's own first.

A source is a header (which raw columns the export has) and one SELECT over `export`, the file as it is, with its
`row_number`. It may rename, cut and cast; what it leaves out is null. Reading files is `exports`' work.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sqlglot
from pydantic import BaseModel, ConfigDict, Field
from sqlglot import exp
from sqlglot.lineage import lineage

from pipeline.engines import dialect
from pipeline.sql import HeaderError, parse_header, split_header

ROW_NUMBER = "row_number"


class ExportError(Exception):
    """An export that cannot be used; the message names the file, what is wrong and what to do."""


class RawColumn(BaseModel):
    """A column of the export: other names it goes by, and whether the export is of this source without it."""

    model_config = ConfigDict(extra="forbid")

    aliases: tuple[str, ...] = ()
    required: bool = False
    meaning: str | None = None


class SourceHeader(BaseModel):
    """What an export of this source looks like."""

    model_config = ConfigDict(extra="forbid")

    description: str = Field(min_length=10)
    owner: str = "team:data"
    reads: Literal["table", "lines"] = "table"
    duplicate_lines: Literal["keep", "drop"] = "keep"
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
    def mapping(self) -> str:
        """Identity of the mapping: changes with its text."""
        return hashlib.sha256(f"{self.header.model_dump_json()}{self.select}".encode()).hexdigest()

    def raw_columns_of(self, output: str) -> list[str]:
        """The raw columns that an output column is made from."""
        schema = {"export": dict.fromkeys((ROW_NUMBER, *self.header.raw), "VARCHAR")}
        node = lineage(output, self.select, schema=schema, dialect="duckdb")
        known = {name.lower(): name for name in self.header.raw}
        leaves = (leaf for leaf in node.walk() if not leaf.downstream)
        return sorted(
            {known[name] for leaf in leaves if (name := leaf.name.split(".")[-1].strip('"').lower()) in known}
        )

    def resolve(self, columns: Sequence[str], file: str) -> dict[str, str]:
        """Raw column -> the name it has in this file (aliases, case and blanks forgiven).

        Raises ExportError when a required column is absent, naming the closest present one.
        """
        present = {name.strip().strip("\ufeff").lower(): name for name in columns}
        found = {}
        for raw, column in self.header.raw.items():
            match = next((present[n.lower()] for n in (raw, *column.aliases) if n.lower() in present), None)
            if match is not None:
                found[raw] = match
        missing = [raw for raw, column in self.header.raw.items() if column.required and raw not in found]
        if self.header.one_of and not any(set(group) <= found.keys() for group in self.header.one_of):
            missing.append(" or ".join(" and ".join(group) for group in self.header.one_of))
        if missing:
            raise ExportError(self._missing(missing, columns, file))
        return found

    def _missing(self, missing: Sequence[str], columns: Sequence[str], file: str) -> str:
        hints = []
        for name in missing:
            close = closest(name, columns)
            hints.append(f'"{name}"' + (f' (the closest is "{close}")' if close else ""))
        listed = ", ".join(f'"{name}"' for name in columns[:40])
        return (
            f"{file} is no export of source {self.name}: it lacks {', '.join(hints)}. It has {listed}. "
            f"Rename the columns, or map them in a source of your own (docs/exports.md)."
        )


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
    data, select = split_header(text, file)
    header = parse_header(SourceHeader, data, text, file)
    if select is None:
        raise HeaderError(f"{file}: a source needs a SELECT below its header.")
    dialect.parse(select, file)
    outputs = sqlglot.parse_one(select, read="duckdb")
    if not isinstance(outputs, exp.Select) or ROW_NUMBER not in outputs.named_selects:
        raise HeaderError(f"{file}: the SELECT must pass on row_number, so that each row can be traced to its export.")
    return Source(path.parent.name, path.stem, header, select, file)


def choose(sources: dict[str, Source], name: str) -> Source:
    """The source called `name`, "<source>" or "<source>.<input>". Raises ExportError that lists what there is."""
    matches = [source for key, source in sources.items() if name in (key, source.name)]
    if len(matches) == 1:
        return matches[0]
    names = sorted({source.name for source in sources.values()})
    if matches:
        raise ExportError(
            f"Source {name} maps several inputs; write {' or '.join(f'{s.name}.{s.input}' for s in matches)}."
        )
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
