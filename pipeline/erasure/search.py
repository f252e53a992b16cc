"""Search: every file of a home, and what is inside of packed ones and databases, for what a person is known by."""

from __future__ import annotations

import gzip
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import duckdb
import pyarrow as pa

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.erasure.cases import is_person_file
from pipeline.erasure.person import Person
from pipeline.erasure.purge import fill, is_of_person
from pipeline.erasure.workbooks import cells_of
from pipeline.quoting import file_literal, quoted, text_literal


class _Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...
    def close(self) -> None: ...


_BLOCK, _OVERLAP = 1 << 22, 1 << 10
_TEXTS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".html", ".toml", ".log", ".err", ".out", ".sql", ".md")


@dataclass
class Found:
    """Files in which the person still stands, and those that nobody could look into; relative to the home."""

    looked_into: int = 0
    holding: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    """Exports that hold an id that may be something else."""


def search(home: Path, person: Person, exports: Path, elsewhere: Iterable[Path] = ()) -> Found:
    """The identifiers of open cases are not looked at; links are not followed. `exports`: the drop folder;
    `elsewhere`: folders of the home that do not lie in it."""
    found = Found()
    for path in sorted(path for folder in (home, *elsewhere) for path in folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or is_person_file(path):
            continue
        name = (path.relative_to(home) if path.is_relative_to(home) else path).as_posix()
        found.looked_into += 1
        try:
            if _holds(path, person):
                found.holding.append(name)
            elif path.is_relative_to(exports) and _may_hold(path, person):
                found.doubtful.append(name)
        except FileNotFoundError:  # SQLite's own files go with the connection
            continue
        except (
            OSError, EOFError, ValueError, IndexError, zlib.error, zipfile.BadZipFile, duckdb.Error, sqlite3.Error,
            pa.ArrowException,
        ):  # fmt: skip
            found.unreadable.append(name)
    return found


def _holds(path: Path, person: Person) -> bool:
    anywhere, in_text = person.anywhere, person.in_text
    name = path.name.lower()
    with path.open("rb") as file:
        head = file.read(16)
    if _has(path.open("rb"), in_text if name.endswith(_TEXTS) else anywhere):
        return True  # also what is left in blocks that nothing uses
    if (unpacked := _unpacked(path, head)) is not None:
        return _has(unpacked, in_text)
    if head[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(path) as archive:
            return any(_has(archive.open(member), in_text) for member in archive.namelist())
    if head[:4] == b"PAR1":
        return _parquet_holds(path, person)
    if head[8:12] == b"DUCK":
        return _duckdb_holds(path, person)
    return head == b"SQLite format 3\0" and _sqlite_holds(path, in_text)


def _may_hold(path: Path, person: Person) -> bool:
    """Whether an export that is text holds a word, and any other a cell, that is one of the ids in doubt."""
    if not person.other_ids:
        return False
    ids = b"|".join(re.escape(one.encode()) for one in person.other_ids)
    words = re.compile(rb"(?<![0-9A-Za-z])(?:" + ids + rb")(?![0-9A-Za-z])")
    with path.open("rb") as file:
        head = file.read(4)
    if (unpacked := _unpacked(path, head)) is not None:
        return _has(unpacked, words)
    if head == b"PAR1":
        with closing(duckdb.connect()) as connection:
            rows = f"read_parquet({file_literal(path)}, hive_partitioning = false)"
            given = {"ids": person.other_ids}
            return bool(connection.execute(
                f"SELECT count(*) FROM {rows} AS rows WHERE len(list_intersect(list_transform("
                f"json_keys(to_json(rows)), name -> json_extract_string(to_json(rows), name)), $ids)) > 0",
                given,
            ).fetchall()[0][0])  # fmt: skip
    if head == b"PK\x03\x04":
        return not {*person.other_ids}.isdisjoint(cell.strip() for cell in cells_of(path))
    return _has(path.open("rb"), words)


def _unpacked(path: Path, head: bytes) -> _Readable | None:
    """What is inside of a file that is packed; None of others."""
    if head[:2] == b"\x1f\x8b":
        return gzip.open(path)
    if head[:4] == b"\x28\xb5\x2f\xfd":
        return cast(_Readable, pa.input_stream(str(path), compression="zstd"))
    return None


def _has(file: _Readable, pattern: re.Pattern[bytes] | None) -> bool:
    with closing(file):
        before = b""
        while pattern is not None and (block := file.read(_BLOCK)):
            if pattern.search(before + block):
                return True
            before = block[-_OVERLAP:]
    return False


def _parquet_holds(path: Path, person: Person) -> bool:
    with closing(duckdb.connect()) as connection:
        return any(_rows_hold(connection, f"read_parquet({file_literal(path)}, hive_partitioning = false)", person))


def _duckdb_holds(path: Path, person: Person) -> bool:
    with closing(duckdb.connect()) as connection:
        connection.execute(f"ATTACH {text_literal(str(path))} AS looked_at (READ_ONLY)")
        listed = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'looked_at'"
        tables = connection.execute(listed).fetchall()
        return any(
            hit
            for schema, table in tables
            for hit in _rows_hold(connection, f"looked_at.{quoted(schema)}.{quoted(table)}", person)
        )


def _rows_hold(connection: duckdb.DuckDBPyConnection, rows: str, person: Person) -> Iterator[bool]:
    """By columns of ids, and by what addresses look like in any text."""
    engine = DuckDBEngine(connection)
    fill(engine, person)
    described = connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {rows})").fetchall()
    columns = dict[str, str](described)
    if where := is_of_person(columns):
        yield bool(engine.scalar(f"SELECT count(*) FROM {rows} AS rows WHERE {where}"))
    if (pattern := person.in_text) is None:
        return
    for name, kind in columns.items():
        if "VARCHAR" in kind or "JSON" in kind or "BLOB" in kind:
            cursor = connection.execute(f"SELECT DISTINCT CAST({quoted(name)} AS VARCHAR) FROM {rows}")
            while cells := cursor.fetchmany(100_000):
                yield any(cell and pattern.search(cell.encode()) for (cell,) in cells)


def _sqlite_holds(path: Path, pattern: re.Pattern[bytes] | None) -> bool:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in connection.execute(f"SELECT * FROM {quoted(table.decode())}"):
                if pattern is not None and any(isinstance(cell, bytes) and pattern.search(cell) for cell in row):
                    return True
    return False
