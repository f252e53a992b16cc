"""The catalog: every table and audience there is, whoever declares it; ours, and what a home adds of its own.

A home's files lie in `<home>/sql/marts/<topic>/` and `<home>/sql/audiences/` and are like ours, but for two things:
they have names of their own, and their SQL reads tables and nothing else, since such files get passed around. Audiences
without SQL stand in `<home>/audiences.toml`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path, PurePosixPath
from typing import TypeVar

from pipeline.settings import SQL_FOLDER
from pipeline.tables.audiences import Audience, read_audience, read_audiences
from pipeline.tables.header import (
    AUDIENCES,
    PARAMETER_TABLES,
    PARTITION_COLUMN,
    HeaderError,
    Table,
    in_order,
    read_features,
    read_table,
    read_tables,
    require_one_file_each,
)
from pipeline.tables.inlining import inlined
from pipeline.tables.inputs import with_inputs
from pipeline.tables.named_audiences import AUDIENCES_FILE, named_audiences
from pipeline.tables.remembered import remembering
from pipeline.tables.safe_sql import unsafe
from pipeline.tables.sql_text import Refused

MARTS, SOURCES = "marts", "sources"
READABLE = ("marts", "staging")
"""Schemas that a home's own tables may read."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Catalog:
    """The tables of a home, each after the tables it reads, and its audiences."""

    tables: Mapping[str, Table]
    audiences: tuple[Audience, ...]

    @cached_property
    def published(self) -> list[Table]:
        """What analysts get: the tables with one partition per snapshot date."""
        return [table for table in self.tables.values() if table.is_partitioned]

    @cached_property
    def histories(self) -> list[Table]:
        """Tables in which a partition depends on earlier ones, and all that is built on them."""
        affected: set[str] = set()
        for table in self.tables.values():
            if table.is_history or table.reads & affected:
                affected.add(table.full_name)
        return [table for table in self.tables.values() if table.full_name in affected]


@cache
def ours() -> Catalog:
    """What every home has: `sql/` and the canonical inputs."""
    with remembering():
        return Catalog(in_order(with_inputs(read_tables(features=features()))), tuple(read_audiences()))


def tables() -> dict[str, Table]:
    """Our tables by full name; those of a home are in its `catalog_of`."""
    return dict(ours().tables)


@cache
def features() -> dict[str, Table]:
    """What tables and models may ask for any day, by full name: SELECTs that are not stored."""
    with remembering():
        return read_features()


def with_features(sql: str, instead: Mapping[str, str] | None = None) -> str:
    """A SELECT that Python asks, with the features it reads written in. Raises Refused for one that does not exist.

    `instead`: SELECTs by the names of features in whose place they are read, by other features as well: fewer rows of
    the same columns, where not all are asked for.
    """
    return _written_in(sql, tuple(sorted((instead or {}).items())))


@lru_cache(maxsize=256)
def _written_in(sql: str, instead: tuple[tuple[str, str], ...]) -> str:
    ours = {name: feature.declared_text for name, feature in features().items()}
    return inlined(sql, "a query", {**ours, **dict(instead)})


@cache
def catalog_of(home: Path) -> Catalog:
    """What a home has: ours and its own. Read once, so that a process works with the files it began with.

    Raises HeaderError that tells all that is wrong with the home's files.
    """
    folder = home / "sql"
    named = home / AUDIENCES_FILE
    if folder.resolve() == SQL_FOLDER or not (folder.is_dir() or named.is_file()):  # the project is a home, too
        return ours()
    return own_catalog(folder, f"{home.name}/sql", named)


def own_catalog(folder: Path, called: str, named: Path | None = None) -> Catalog:
    """Ours, the files of `folder`, which messages call `called`, and the audiences `named`. Raises HeaderError."""
    found: list[Table | Audience] = []
    paths = [path for path in sorted(folder.rglob("*.sql")) if not _is_hidden(path.relative_to(folder))]
    others = [path for path in paths if path.relative_to(folder).parts[0] != SOURCES]
    _for_each(others, lambda path: found.append(_read_own(path, folder, called)))
    own = [one for one in found if isinstance(one, Table)]
    require_one_file_each(own)
    known = {**ours().tables, **{table.full_name: table for table in own}}
    _for_each(found, lambda one: _require_own(one, known))
    audiences = (*ours().audiences, *(one for one in found if isinstance(one, Audience)))
    if named is not None and named.is_file():
        published = {name: table for name, table in known.items() if table.is_partitioned}
        of_file = named_audiences(named, f"{PurePosixPath(called).parent}/{AUDIENCES_FILE}", published, audiences)
        _for_each(of_file, lambda one: _require_own(one, known))
        audiences = (*audiences, *of_file)
    return Catalog(in_order(known.values()), audiences)


def _for_each(items: Iterable[Item], work: Callable[[Item], object]) -> None:
    """All of the items, then one HeaderError of all that was wrong."""
    wrong = []
    for item in items:
        try:
            work(item)
        except (HeaderError, Refused) as error:
            wrong.append(str(error))
    if wrong:
        raise HeaderError("\n".join(wrong))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _read_own(path: Path, folder: Path, called: str) -> Table | Audience:
    parts = path.relative_to(folder).parts
    if parts[0] == MARTS and len(parts) == 3:
        return read_table(path, folder, called, features())
    if parts[0] == AUDIENCES and len(parts) == 2:
        return read_audience(path, folder, called)
    raise HeaderError(
        f"{called}/{'/'.join(parts)}: nothing is looked for here. A home's own tables lie in sql/{MARTS}/<topic>/, its "
        f"audiences in sql/{AUDIENCES}/, its sources in sql/{SOURCES}/<source>/."
    )


def _require_own(one: Table | Audience, known: Mapping[str, Table]) -> None:
    """Raises HeaderError for a name of ours, and for SQL that does more than read tables."""
    if isinstance(one, Audience):
        _require_new(one, "an audience", ours().audiences)
        readable = {name for name, table in known.items() if table.is_partitioned}
        texts, may_read = {"": one.select, "values": one.header.values or ""}, "published tables"
    else:
        _require_new(one, "a table", [table for table in ours().tables.values() if table.schema == MARTS])
        _require_partitions(one)
        readable = {name for name in known if name.split(".")[0] in READABLE} | {*PARAMETER_TABLES, *features()}
        texts = {"": one.text or "", "with the features written in": one.select or "", **one.header.tests}
        texts["metrics"] = one.header.metrics or ""
        may_read = f"tables of the schemas {' and '.join(READABLE)}, features"
    for what, select in texts.items():
        found = unsafe(select, tables=readable, parameters=[PARTITION_COLUMN]) if select else None
        if found is not None:
            line = f", line {found.line + one.first_line - 1}" if found.line else ""
            place = f" ({what})" if what else line
            raise HeaderError(
                f"{one.file}{place}: the SELECT {found.what}{_meant(found.what, readable)}. What a home adds is a "
                f"SELECT that reads {may_read} and its own CTEs, with functions that look at nothing else and the "
                f"parameter ${PARTITION_COLUMN} (docs/own-sql.md)."
            )


def _require_new(one: Table | Audience, kind: str, of_us: Iterable[Table | Audience]) -> None:
    if one.name != one.name.lower():
        raise HeaderError(f"{one.file}: {one.name!r} cannot name {kind} of a home; write it in lower case.")
    for other in of_us:
        if other.name == one.name:
            raise HeaderError(
                f"{one.file}: Perennial has {kind} called {one.name}, in {other.file}; give yours another name."
            )


def _require_partitions(table: Table) -> None:
    header = table.header
    if table.select is None or header.incremental_by is not None:
        raise HeaderError(f"{table.file}: a table of a home is a SELECT, without computed_by or incremental_by.")
    if header.grain[0] != PARTITION_COLUMN or header.columns[PARTITION_COLUMN].type != "DATE":
        raise HeaderError(
            f"{table.file}: a table of a home has rows of a day: {PARTITION_COLUMN} is first in its grain."
        )


def _meant(what: str, readable: Iterable[str]) -> str:
    """The closest name of what may be read, where another is read."""
    close = difflib.get_close_matches(what.removeprefix("reads "), sorted(readable), n=1, cutoff=0.8)
    return f" (the closest is {close[0]})" if what.startswith("reads ") and close else ""
