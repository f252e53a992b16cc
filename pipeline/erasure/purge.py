"""Purge: a person leaves each place of a home. Every step may be stopped anywhere and taken again.

DuckDB keeps deleted text in free blocks: what was changed in one of its files is written again as a new file.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow as pa

from pipeline.activation.ledger import require_newest
from pipeline.durable import fsync
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.engines.spark.lake import Lake, is_in_lake
from pipeline.erasure.person import Person
from pipeline.erasure.workbooks import rewrite_workbook
from pipeline.home.opening import opened
from pipeline.home.people import SUPPRESSED, people_attached, people_file, sweep, table_of
from pipeline.home.publishing import Publication
from pipeline.home.rewriting import rewrite, rewrite_file
from pipeline.ingest.readers import disk_is_full
from pipeline.ingest.tombstones import Tombstones, note_cases
from pipeline.places import QUARANTINE
from pipeline.quoting import file_literal, quoted, text_literal
from pipeline.reporting.page import digest
from pipeline.reporting.words import shown_id
from pipeline.settings import Settings
from pipeline.tables.catalog import catalog_of
from pipeline.tables.inputs import INPUTS
from pipeline.tables.platforms import platforms

CUSTOMERS = frozenset({"customer_id", "guest_id", "account_id"})
ORDERS = frozenset({"order_id"})
_PUBLISHED = ("data/marts", "data/audiences", "reports/out")
_NO_LOGS = (".lock", ".key")
_OF_SQLITE = ("-wal", "-shm", "-journal")
FORGOTTEN = "forgotten"


def purge_warehouse(settings: Settings, person: Person, tombstones: Tombstones) -> None:
    """Every table; lines of orders stay, as nobody's. What is made of them is made again by the next run."""
    with opened(settings) as connection:
        engine = DuckDBEngine(connection)
        fill(engine, person)
        with engine.transaction():
            _make_lines_nobodys(engine, person, tombstones)
            for table, columns in _tables(engine).items():
                if table != "staging.order_lines" and (where := is_of_person(columns)):
                    _delete(engine, table, where)
            engine.execute("DELETE FROM pending.built")
            note_cases(engine, settings)
        if settings.engine == "spark":
            lake = Lake(engine, settings, [one for one in catalog_of(settings.home).tables.values() if is_in_lake(one)])
            lake.prepare()  # what was stopped before is swept away
            lake.take_out(is_of_person, "forget")
    rewrite(settings)


def _make_lines_nobodys(engine: DuckDBEngine, person: Person, tombstones: Tombstones) -> None:
    aliases = {order: tombstones.alias(order) for order in person.order_ids}
    engine.execute("CREATE OR REPLACE TEMP TABLE erased_orders (order_id VARCHAR, alias VARCHAR)")
    for order, alias in aliases.items():
        engine.execute("INSERT INTO temp.erased_orders VALUES ($order, $alias)", {"order": order, "alias": alias})
    engine.execute(
        "UPDATE staging.order_lines SET order_id = told.alias, customer_id = NULL, city = NULL "
        "FROM temp.erased_orders AS told WHERE told.order_id = order_lines.order_id"
    )
    engine.execute(
        "UPDATE ingest.files SET without_customer = (SELECT count(*) FROM staging.order_lines AS lines "
        "WHERE lines.file_id = files.file_id AND lines.customer_id IS NULL) WHERE input = 'order_lines'"
    )


def _delete(engine: DuckDBEngine, table: str, where: str) -> None:
    """Rows that leave an input were never read: the ledger says so in the same statement's transaction."""
    found = f"FROM {table} AS rows WHERE {where}"
    if table in {one.table.full_name for one in INPUTS.values()}:
        gone = f"SELECT file_id, count(DISTINCT row_number) AS rows, count(*) AS lines {found} GROUP BY file_id"
        engine.execute(
            f"UPDATE ingest.files SET rows_read = files.rows_read - gone.rows, accepted = files.accepted - gone.rows, "
            f"lines = files.lines - gone.lines FROM ({gone}) AS gone WHERE gone.file_id = files.file_id"
        )
    engine.execute(f"DELETE {found}")


def fill(engine: DuckDBEngine, person: Person) -> None:
    """Temporary tables of what is looked for, so that it is part of no statement."""
    for name, values in (
        ("erased_customers", person.customer_ids), ("erased_order_ids", person.order_ids),
        ("erased_addresses", person.addresses),
    ):  # fmt: skip
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT unnest($values::VARCHAR[]) AS value",
                       {"values": list(values)})  # fmt: skip


def is_of_person(columns: Mapping[str, str], customers: Iterable[str] = CUSTOMERS) -> str | None:
    """SQL over `rows`: whether a row is about the person; None of a table without text. Asked of the tables of `fill`.

    Ids are looked for in columns of ids, since 17 may be a product as well; addresses in every text.
    """
    conditions = []
    for name, kind in columns.items():
        if "VARCHAR" not in kind and "JSON" not in kind:
            continue
        cell = f"rows.{quoted(name)}"
        if kind != "VARCHAR":
            conditions.append(
                f"EXISTS (SELECT 1 FROM temp.erased_addresses WHERE contains(CAST({cell} AS VARCHAR), value))"
            )
            continue
        looked_for = ["addresses"]
        looked_for += ["customers"] * (name in customers) + ["order_ids"] * (name in ORDERS)
        conditions += [f"coalesce({cell} IN (SELECT value FROM temp.erased_{what}), FALSE)" for what in looked_for]
    return f"({' OR '.join(conditions)})" if conditions else None


def _tables(engine: DuckDBEngine) -> dict[str, dict[str, str]]:
    """schema.table -> columns and types, of the warehouse itself."""
    found: dict[str, dict[str, str]] = {}
    listed = (
        "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() "
        "JOIN duckdb_tables() USING (database_name, schema_name, table_name) WHERE database_name = current_database()"
    )
    for table, name, kind in engine.execute(listed):
        found.setdefault(table, {})[name] = kind
    return found


def purge_people(settings: Settings, person: Person) -> None:
    """Rows that no row of staging belongs to any more, and those that name the person elsewhere; it is noted that the
    case has begun. Raises LedgerUnusable where the ledger of deliveries is an older one: it may not know the person.
    """
    if not people_file(settings).exists():
        return
    with opened(settings) as connection:
        engine = DuckDBEngine(connection)
        fill(engine, person)
        with people_attached(engine, settings):  # staging first: a row there must have its person
            require_newest(engine, settings)
            note_cases(engine, settings)
            for one in INPUTS.values():
                columns = {name: one.header.columns[name].type for name in one.persons}
                if where := is_of_person(columns, ("value",)):
                    known = f"SELECT file_id, row_number FROM {table_of(one)} AS rows WHERE {where}"
                    others = f"SELECT file_id, row_number FROM {table_of(one)} AS rows WHERE NOT {where}"
                    with engine.transaction():
                        whole = f"(rows.file_id, rows.row_number) IN ({known} EXCEPT {others})"
                        _delete(engine, one.table.full_name, whole)
                    with engine.transaction():  # a cell may name others, too, whose no stays
                        engine.execute(f"DELETE FROM {table_of(one)} AS rows WHERE {where}")
            engine.execute(f"DELETE FROM {SUPPRESSED} WHERE customer_id IN (SELECT value FROM temp.erased_customers)")
            sweep(engine)
            engine.execute("CHECKPOINT people")
    rewrite_file(people_file(settings), settings)


def purge_published(settings: Settings, person: Person) -> None:
    """Tables, audiences and pages of every day, with the manifests that speak of them, in one publication."""
    staged, changed = Publication(settings.home, "forget"), dict[str, tuple[int | None, str]]()
    removed = False
    staged.discard()  # of a time before
    with closing(duckdb.connect()) as connection:
        engine = DuckDBEngine(connection)
        fill(engine, person)
        own = tuple(f"-{digest(one)}.html" for one in person.customer_ids)
        for path in _files(settings.home, _PUBLISHED):
            target = path.relative_to(settings.home).as_posix()
            if own and path.name.endswith(own):  # the person's own page
                staged.removes(target)
                removed = True
                continue
            change = _CHANGES.get(path.suffix)
            rows = change(engine, path, person, partial(staged.file, target)) if change else None
            if rows is not None:
                written = hashlib.sha256(staged.file(target).read_bytes()).hexdigest()
                changed[target] = (None if rows < 0 else rows, written)
    if not changed and not removed:
        staged.discard()
        return
    manifests = []
    for manifest in sorted((settings.home / "data" / "audiences").glob("*/manifest.json")):
        told = json.loads(manifest.read_text(encoding="utf-8"))
        touched = [one for one in told["files"] if one["path"] in changed]
        for one in touched:
            rows, one["sha256"] = changed[one["path"]]
            one["rows"] = one["rows"] if rows is None else rows
        if touched:
            target = manifest.relative_to(settings.home).as_posix()
            staged.file(target).write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            manifests.append(target)
    staged.commit(last=manifests)


Target = Callable[[], Path]


def _change_parquet(engine: DuckDBEngine, path: Path, person: Person, target: Target) -> int | None:
    source = f"read_parquet({file_literal(path)}, hive_partitioning = false) AS rows"
    columns = dict[str, str](engine.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {source})"))
    where = is_of_person(columns)
    if where is None or not engine.scalar(f"SELECT count(*) FROM {source} WHERE {where}"):
        return None
    return engine.export(f"SELECT * FROM {source} WHERE NOT {where}", {}, target())


def _change_csv(engine: DuckDBEngine, path: Path, person: Person, target: Target) -> int | None:
    """Records without the person; the others stay as they are, byte for byte."""
    before = path.read_bytes()
    after = _without(before, person)
    if after == before:
        return None
    target().write_bytes(after)
    return sum(1 for _ in _records(after)) - 1


def _without(content: bytes, person: Person) -> bytes:
    """A CSV without the records of a person; its header stays."""
    header, *records = _records(content) if content else (b"",)
    table = _Table.of(header)
    return b"".join((header, *(record for record in records if not table.is_of(record, person))))


def _change_text(engine: DuckDBEngine, path: Path, person: Person, target: Target) -> int | None:
    """Pages: whoever stands in a cell or a text of one is "forgotten" there, and nothing leads to their own page."""
    before = path.read_bytes()
    after = _link_to(person).sub(b"", before)
    after = _cell_of(person).sub(rb">" + FORGOTTEN.encode() + rb"<", after)
    if (pattern := person.in_text) is not None:
        after = pattern.sub(FORGOTTEN.encode(), after)
    if after == before:
        return None
    target().write_bytes(after)
    return -1


_CHANGES = {".parquet": _change_parquet, ".csv": _change_csv, ".html": _change_text}


def _cell_of(person: Person) -> re.Pattern[bytes]:
    ids = [re.escape(form.encode()) for one in person.customer_ids for form in (one, shown_id(one))]
    return re.compile(rb">(?:" + b"|".join(ids or [rb"(?!)"]) + rb")<")


def _link_to(person: Person) -> re.Pattern[bytes]:
    pages = [digest(one).encode() for one in person.customer_ids]
    return re.compile(rb' href="[^"]*-(?:' + b"|".join(pages or [rb"(?!)"]) + rb')\.html"')


@dataclass(frozen=True)
class _Table:
    """What the header of a CSV tells: what separates cells, and in which are ids of customers and of orders."""

    separator: str
    customers: tuple[int, ...]
    orders: tuple[int, ...]

    @classmethod
    def of(cls, header: bytes) -> Self:
        separator = max(",;\t|", key=_text(header).count)
        names = [name.strip().lower().replace(" ", "_") for name in _cells(header, separator)]
        of_platforms = {
            name.lower().replace(" ", "_")
            for one in platforms().values()
            for name, column in one.header.columns.items()
            if column.kind == "id"
        }
        customers, orders = (
            tuple(place for place, name in enumerate(names) if name in known)
            for known in (CUSTOMERS | of_platforms, ORDERS)
        )
        return cls(separator, customers, orders)

    def is_of(self, record: bytes, person: Person) -> bool:
        pattern = person.in_text
        if pattern is not None and pattern.search(record):
            return True
        cells = {place: cell.strip() for place, cell in enumerate(_cells(record, self.separator))}
        return any(cells.get(place) in person.customer_ids for place in self.customers) or any(
            cells.get(place) in person.order_ids for place in self.orders
        )


def _is_object_of(line: bytes, person: Person) -> bool:
    """The same of an object of JSON lines, by its own keys."""
    pattern = person.in_text
    if pattern is not None and pattern.search(line):
        return True
    try:
        told = json.loads(line)
    except ValueError:
        return False
    named = told.items() if isinstance(told, dict) else ()
    return any(
        str(cell) in (person.customer_ids if name.lower() in CUSTOMERS else person.order_ids)
        for name, cell in named
        if name.lower() in CUSTOMERS | ORDERS
    )


def _text(record: bytes) -> str:
    return record.decode("utf-8", "replace").removeprefix("\ufeff")


def _cells(record: bytes, separator: str) -> list[str]:
    try:
        return next(csv.reader([_text(record)], delimiter=separator), [])
    except csv.Error:  # a cell of more than 128 kB; the search tells of what is left
        return []


_CLOSED = re.compile(rb'(?:^|(?<=[,;\t|]))"(?:[^"]|"")*"(?=[,;\t|\r\n]|$)')
_OPEN = re.compile(rb'(?:^|[,;\t|])"')


_MOST_LINES = 100
"""Of a record; a quote that nothing closes for longer opens no cell."""


def _records(content: bytes) -> Iterator[bytes]:
    """Lines, several together where a cell that begins with a quote goes on; a quote elsewhere is an inch."""
    record = list[bytes]()
    for line in content.splitlines(keepends=True):
        record.append(line)
        whole = b"".join(record)
        if _OPEN.search(_CLOSED.sub(b"", whole)) is None:
            yield whole
            record = []
        elif len(record) == _MOST_LINES:
            yield from record
            record = []
    yield from record


def purge_quarantine(settings: Settings, person: Person) -> None:
    """The text of rows that do not fit; that there was such a row, and why, stays."""
    pattern = person.in_text
    for path in sorted((settings.home / QUARANTINE).glob("*.parquet")):
        with closing(duckdb.connect()) as connection:
            engine = DuckDBEngine(connection)
            rows = engine.execute(f"SELECT row_number, raw FROM read_parquet({file_literal(path)})")
            ids = {*person.customer_ids}
            hit = [number for number, raw in rows if raw and (
                (pattern and pattern.search(raw.encode())) or ids & {*re.findall(r'":"([^"]*)"', raw)}
            )]  # fmt: skip
            if not hit:
                continue
            fresh = path.with_name(f".{path.name}.partial")
            blank = "CASE WHEN list_contains($hit, row_number) THEN '' ELSE raw END AS raw"
            engine.export(
                f"SELECT row_number, reasons, {blank} FROM read_parquet({file_literal(path)}) ORDER BY row_number",
                {"hit": hit}, fresh,
            )  # fmt: skip
        _replace(fresh, path)


def purge_logs(settings: Settings, person: Person) -> None:
    """Dagster's history and the logs of runs: addresses, and ids that are long enough to be words."""
    pattern = person.in_text
    folder = settings.home / ".dagster"
    if pattern is None or not folder.is_dir():
        return
    for path in _files(settings.home, (".dagster", ".perennial")):
        if path.name.endswith(_OF_SQLITE):
            continue  # their database takes them in, and they may go at any time
        with path.open("rb") as file:
            is_database = file.read(16) == b"SQLite format 3\0"
        if is_database:
            _purge_sqlite(path, pattern)
        elif path.suffix not in _NO_LOGS and pattern.search(content := path.read_bytes()):
            fresh = path.with_name(f".{path.name}.partial")
            fresh.write_bytes(pattern.sub(FORGOTTEN.encode(), content))
            _replace(fresh, path)


def _purge_sqlite(path: Path, pattern: re.Pattern[bytes]) -> None:
    def cleaned(cell: Any) -> Any:
        if isinstance(cell, str):
            return pattern.sub(FORGOTTEN.encode(), cell.encode()).decode()
        return pattern.sub(FORGOTTEN.encode(), cell) if isinstance(cell, bytes) else cell

    with closing(sqlite3.connect(path, timeout=30)) as connection:
        connection.create_function("cleaned", 1, cleaned, deterministic=True)
        connection.execute("PRAGMA secure_delete = ON")
        changed = 0
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL")
        for (table,) in tables.fetchall():
            for _, name, *_ in connection.execute(f"PRAGMA table_info({quoted(table)})").fetchall():
                cell = quoted(name)
                changed += connection.execute(
                    f"UPDATE {quoted(table)} SET {cell} = cleaned({cell}) WHERE cleaned({cell}) IS NOT {cell}"
                ).rowcount
        connection.commit()
        if changed:
            connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def rewrite_exports(settings: Settings, person: Person) -> list[str]:
    """Take the records that name the person out of the files of the drop folder; returns what was rewritten.

    Of what is text, plain or as .gz or .zst, of Parquet and of workbooks: what is found as a word, and by columns of
    ids that are called as ours. The search finds what is left, also what cannot be read.
    """
    rewritten = []
    for path in _files(settings.home, (settings.exports_folder.relative_to(settings.home).as_posix(),)):
        fresh = path.with_name(f".{path.name}.partial")
        rewritten_as = _REWRITTEN.get(path.suffix.lower(), _rewrite_text)
        try:
            if not rewritten_as(path, person, fresh):
                continue
        except (OSError, EOFError, ValueError, IndexError, zlib.error, zipfile.BadZipFile, duckdb.Error) as error:
            fresh.unlink(missing_ok=True)
            if disk_is_full(error):
                raise
            continue
        os.utime(fresh, (path.stat().st_atime, path.stat().st_mtime))
        _replace(fresh, path)
        rewritten.append(path.relative_to(settings.home).as_posix())
    return rewritten


def _rewrite_text(path: Path, person: Person, fresh: Path) -> bool:
    """Whether anything had to go; then `fresh` is the file without it, packed and encoded as it was."""
    name = path.name.lower()
    ending = next((one for one in _PACKED if name.endswith(one)), "")
    name = name.removesuffix(ending)
    if not name.endswith((*_OF_LINES, ".csv", ".tsv", ".txt")):
        return False
    unpack, pack = _PACKED.get(ending, (bytes, bytes))
    content = unpack(path.read_bytes())
    mark = next((one for one in _WIDE if content.startswith(one)), b"")
    text = content[len(mark) :].decode(_WIDE[mark]).encode() if mark else content
    if b"\0" in text:
        return False  # two bytes a character, and nothing says so
    if name.endswith(_OF_LINES):
        after = b"".join(line for line in text.splitlines(keepends=True) if not _is_object_of(line, person))
    else:
        after = _without(text, person)
    if after == text:
        return False
    fresh.write_bytes(pack(mark + after.decode().encode(_WIDE[mark]) if mark else after))
    return True


def _rewrite_parquet(path: Path, person: Person, fresh: Path) -> bool:
    """The same of Parquet: cells are looked at one by one, since an export has addresses as somebody wrote them."""
    with closing(duckdb.connect()) as connection:
        engine = DuckDBEngine(connection)
        rows = f"read_parquet({file_literal(path)}, hive_partitioning = false) AS rows"
        engine.execute("CREATE TEMP TABLE cells (name VARCHAR, cell VARCHAR)")
        conditions = []
        for name, _ in engine.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {rows})"):
            cell = f"CAST(rows.{quoted(name)} AS VARCHAR)"
            cells = [row[0] for row in engine.execute(f"SELECT DISTINCT {cell} FROM {rows} WHERE {cell} IS NOT NULL")]
            if hit := [one for one in cells if _is_cell_of(name.lower(), one, person)]:
                engine.execute("INSERT INTO cells SELECT $name, unnest($hit)", {"name": name, "hit": hit})
                conditions.append(f"{cell} IN (SELECT cell FROM cells WHERE name = {text_literal(name)})")
        if not conditions:
            return False
        engine.export(f"SELECT * FROM {rows} WHERE ({' OR '.join(conditions)}) IS NOT TRUE", {}, fresh)
    return True


def _rewrite_workbook(path: Path, person: Person, fresh: Path) -> bool:
    def is_header(cells: Iterable[str]) -> bool:
        return any(_called(cell) in CUSTOMERS | ORDERS for cell in cells)

    def is_of(header: Mapping[str, str], cells: Mapping[str, str]) -> bool:
        return any(_is_cell_of(_called(header.get(column, "")), cell, person) for column, cell in cells.items())

    return rewrite_workbook(path, is_header, is_of, fresh)


def _called(cell: str) -> str:
    return cell.strip().lower().replace(" ", "_")


_REWRITTEN = {".parquet": _rewrite_parquet, ".xlsx": _rewrite_workbook}


def _is_cell_of(name: str, cell: str, person: Person) -> bool:
    ids = {**dict.fromkeys(CUSTOMERS, person.customer_ids), **dict.fromkeys(ORDERS, person.order_ids)}
    pattern = person.in_text
    return cell.strip() in ids.get(name, ()) or bool(pattern and pattern.search(cell.encode()))


def _unpack_zstd(packed: bytes) -> bytes:
    with pa.input_stream(pa.py_buffer(packed), compression="zstd") as stream:
        return bytes(stream.read())


def _pack_zstd(content: bytes) -> bytes:
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as stream:
        stream.write(content)
    return bytes(packed.getvalue().to_pybytes())


_OF_LINES = (".jsonl", ".ndjson")
_PACKED: Mapping[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    ".gz": (gzip.decompress, partial(gzip.compress, mtime=0)), ".zst": (_unpack_zstd, _pack_zstd),
}  # fmt: skip
_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def _replace(fresh: Path, path: Path) -> None:
    fresh.chmod(path.stat().st_mode & 0o777)
    fsync(fresh)
    fresh.replace(path)
    fsync(path.parent)


def _files(home: Path, folders: Iterable[str]) -> list[Path]:
    found = [path for folder in folders for path in (home / folder).rglob("*")]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())
