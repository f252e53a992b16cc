"""Search: every file of a home, and what is inside of packed ones and databases, for what a person is known by."""

from __future__ import annotations

import gzip
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, cast

import duckdb
import pyarrow as pa

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.erasure.cases import is_person_file
from pipeline.erasure.cells import Columns, Of, column_of
from pipeline.erasure.person import Person
from pipeline.erasure.purge import (
    WIDE,
    Table,
    cell_judged,
    fill,
    is_header,
    is_of_person,
    object_judged,
    records_of,
    workbook_judged,
)
from pipeline.erasure.words import Is
from pipeline.erasure.workbooks import CELLS, records_of_workbook
from pipeline.quoting import file_literal, quoted, text_literal


class _Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...
    def close(self) -> None: ...


_BLOCK, _OVERLAP = 1 << 22, 1 << 10
_TABLES, _OBJECTS = (".csv", ".tsv", ".txt"), (".jsonl", ".ndjson")
_TEXTS = (".json", ".html", ".toml", ".log", ".err", ".out", ".sql", ".md")


@dataclass
class Found:
    """Files in which the person still stands, and those that nobody could look into; relative to the home."""

    looked_into: int = 0
    holding: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    """Exports with an id or a number that may be something else: a word, a date, an amount."""


def search(
    home: Path, person: Person, exports: Path, elsewhere: Iterable[Path] = (),
    columns_of: Callable[[Path], Columns] = lambda path: {},
) -> Found:  # fmt: skip
    """The identifiers of open cases are not looked at; links are not followed. `exports`: the drop folder;
    `elsewhere`: folders of the home that do not lie in it; `columns_of`: what is known of the columns of a file."""
    found = Found()
    for path in sorted(path for folder in (home, *elsewhere) for path in folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or is_person_file(path):
            continue
        name = (path.relative_to(home) if path.is_relative_to(home) else path).as_posix()
        found.looked_into += 1
        try:
            judgement = _judged(path, person, columns_of(path))
            if judgement > Of.POSSIBLY:
                found.holding.append(name)
            elif judgement is Of.POSSIBLY and path.is_relative_to(exports):
                found.doubtful.append(name)
        except FileNotFoundError:  # SQLite's own files go with the connection
            continue
        except (
            OSError, EOFError, ValueError, IndexError, zlib.error, zipfile.BadZipFile, duckdb.Error, sqlite3.Error,
            pa.ArrowException,
        ):  # fmt: skip
            found.unreadable.append(name)
    return found


def _judged(path: Path, person: Person, columns: Columns) -> Of:
    """As the purge judges it: what this finds, that takes away."""
    name = path.name.lower()
    for ending in (".gz", ".zst"):
        name = name.removesuffix(ending)
    with path.open("rb") as file:
        head = file.read(16)
    if name.endswith((*_TABLES, *_OBJECTS)):
        return _of_records(path, head, name.endswith(_OBJECTS), person, columns)
    if (unpacked := _unpacked(path, head)) is not None:
        return _of_text(unpacked, person)
    if name.endswith(_TEXTS):
        return _of_text(path.open("rb"), person)
    if head[:4] == b"PK\x03\x04":
        return _of_archive(path, person, columns)
    if head[:4] == b"PAR1":
        return _of_parquet(path, person, columns)
    if head[8:12] == b"DUCK":
        return _of_duckdb(path, person)
    if head == b"SQLite format 3\0":
        return _of_sqlite(path, person)
    return _of_text(path.open("rb"), person, is_text=False)


def _of_records(path: Path, head: bytes, are_objects: bool, person: Person, columns: Columns) -> Of:
    def opened() -> _Readable:
        return _unpacked(path, head) or path.open("rb")

    may_stand = person.in_cells.may_stand_in
    if not (are_objects or _any(opened(), lambda block, *_: may_stand(block))):
        return Of.NOBODY
    with closing(opened()) as file:
        start = file.read(1 << 12)
        mark = next((one for one in WIDE if start.startswith(one)), b"")
        if b"\0" in start and not mark:
            return _of_text(opened(), person)
        if mark:
            text = (start + file.read())[len(mark) :].decode(WIDE[mark], "replace")
            lines: Iterable[bytes] = text.encode().splitlines(keepends=True)
        else:
            lines = _lines(start, file)
        if are_objects:
            return _most(object_judged(line, person, columns) for line in lines)
        records = records_of(lines)
        if (header := next(records, None)) is None:
            return Of.NOBODY
        table = Table.of(header, columns)
        # of a file without a header its first line is a record
        return max(_most(table.judged(one, person) for one in records), table.judged(header, person))


def _of_archive(path: Path, person: Person, columns: Columns) -> Of:
    """Of a workbook cells are judged by their columns; its other parts, and any other archive, as text."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        of_cells = {one for one in names if one.startswith(CELLS)}
        found = _most(_of_text(archive.open(one), person, one not in of_cells) for one in names)
    if found > Of.POSSIBLY or not of_cells:
        return found
    rows = records_of_workbook(path, partial(is_header, columns))
    return max(found, _most(workbook_judged(header, cells, person, columns) for header, cells in rows))


def _most(judgements: Iterable[Of]) -> Of:
    """The gravest, which nothing is worse than."""
    found = Of.NOBODY
    for one in judgements:
        found = max(found, one)
        if found > Of.POSSIBLY:
            break
    return found


def _lines(start: bytes, file: _Readable) -> Iterator[bytes]:
    rest = start
    while block := file.read(_BLOCK):
        *whole, rest = (rest + block).splitlines(keepends=True)
        yield from whole
    yield from rest.splitlines(keepends=True)


def _unpacked(path: Path, head: bytes) -> _Readable | None:
    """What is inside of a file that is packed; None of others."""
    if head[:2] == b"\x1f\x8b":
        return gzip.open(path)
    if head[:4] == b"\x28\xb5\x2f\xfd":
        return cast(_Readable, pa.input_stream(str(path), compression="zstd"))
    return None


def _any(file: _Readable, test: Callable[[bytes, int, int | None], bool]) -> bool:
    """Whether the test passes for any block, between which bytes of it: what is nearer to an end is seen whole in
    another one."""
    with closing(file):
        before, block = b"", file.read(_BLOCK)
        while block:
            after = file.read(_BLOCK)
            content = before + block
            first, last = _OVERLAP // 2 if before else 0, len(content) - _OVERLAP // 2 if after else None
            if test(content, first, last):
                return True
            before, block = content[-_OVERLAP:], after
    return False


def _of_text(file: _Readable, person: Person, is_text: bool = True) -> Of:
    """Of what is no text, such as workbooks' parts, a number counts only with the code of its country."""
    words, found = person.in_text if is_text else person.anywhere, Of.NOBODY

    def is_held(block: bytes, first: int, last: int | None) -> bool:
        nonlocal found
        if words.search(block, Is.SURELY, not is_text, first, last):
            found = Of.PARTLY
        elif found is Of.NOBODY and person.in_cells.search(block, Is.POSSIBLY, False, first, last):
            found = Of.POSSIBLY
        return found is Of.PARTLY

    _any(file, is_held)
    return found


def _of_blocks(path: Path, person: Person, cells: Iterable[str]) -> Of:
    """What is left in blocks of a database that nothing uses, an address also where it is glued to what stood beside
    it: unless it stands in one of the cells, which are somebody else's."""
    words, traces = person.anywhere, person.traces
    if _any(path.open("rb"), lambda block, first, last: words.search(block, Is.SURELY, True, first, last)):
        return Of.PARTLY
    is_there = _any(path.open("rb"), lambda block, *_: traces.may_stand_in(block))
    is_left = is_there and not any(traces.may_stand_in(cell.encode()) for cell in cells)
    return Of.PARTLY if is_left else Of.NOBODY


def _of_parquet(path: Path, person: Person, columns: Columns) -> Of:
    with closing(duckdb.connect()) as connection:
        rows = f"read_parquet({file_literal(path)}, hive_partitioning = false)"
        return _most(_of_rows(connection, rows, person, columns))


def _of_duckdb(path: Path, person: Person) -> Of:
    with closing(duckdb.connect()) as connection:
        connection.execute(f"ATTACH {text_literal(str(path))} AS looked_at (READ_ONLY)")
        listed = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'looked_at'"
        tables = [
            f"looked_at.{quoted(schema)}.{quoted(name)}" for schema, name in connection.execute(listed).fetchall()
        ]
        found = _most(one for rows in tables for one in _of_rows(connection, rows, person, {}))
        if found > Of.POSSIBLY:
            return found
        cells = (cell for rows in tables for _, cell in _cells(connection, rows, {}))
        return max(found, _of_blocks(path, person, cells))


def _of_rows(connection: duckdb.DuckDBPyConnection, rows: str, person: Person, columns: Columns) -> Iterator[Of]:
    """By columns of ids, and by what addresses look like in any text."""
    engine = DuckDBEngine(connection)
    fill(engine, person)
    if where := is_of_person(_types(connection, rows)):
        is_there = engine.scalar(f"SELECT count(*) FROM {rows} AS rows WHERE {where}")
        yield Of.WHOLLY if is_there else Of.NOBODY
    for name, cell in _cells(connection, rows, columns):
        yield cell_judged(name, cell, person, columns)


def _cells(connection: duckdb.DuckDBPyConnection, rows: str, columns: Columns) -> Iterator[tuple[str, str]]:
    """(column, text), each once, of columns that hold texts or ids."""
    for name, kind in _types(connection, rows).items():
        is_id = column_of(name, columns) in ("customer", "order")
        if is_id or "VARCHAR" in kind or "JSON" in kind or "BLOB" in kind:
            cursor = connection.cursor().execute(f"SELECT DISTINCT CAST({quoted(name)} AS VARCHAR) FROM {rows}")
            while cells := cursor.fetchmany(100_000):
                yield from ((name, cell) for (cell,) in cells if cell)


def _types(connection: duckdb.DuckDBPyConnection, rows: str) -> dict[str, str]:
    described = connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {rows})").fetchall()
    return dict(described)


def _of_sqlite(path: Path, person: Person) -> Of:
    def cells() -> Iterator[bytes]:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f"SELECT * FROM {quoted(table.decode())}"):
                yield from (cell for cell in row if isinstance(cell, bytes))

    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        if any(person.in_text.search(cell) for cell in cells()):
            return Of.PARTLY
        return _of_blocks(path, person, (cell.decode(errors="replace") for cell in cells()))
