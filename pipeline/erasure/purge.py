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
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow as pa

from pipeline.activation.ledger import Barred, require_newest
from pipeline.activation.list_files import count_of, take_out
from pipeline.activation.withdrawing import leaving_by_file
from pipeline.durable import fsync
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.engines.spark.lake import Lake, is_in_lake
from pipeline.erasure.cells import CUSTOMERS, NAMES_ALONE, ORDERS, Column, Columns, Of, column_of, columns_of, judged
from pipeline.erasure.person import Person, sha256
from pipeline.erasure.words import Words
from pipeline.erasure.workbooks import records_of_workbook, rewrite_workbook
from pipeline.home.opening import opened
from pipeline.home.people import SUPPRESSED, people_attached, people_file, sweep, table_of
from pipeline.home.publishing import Publication
from pipeline.home.quarantine import remove_text
from pipeline.home.rewriting import rewrite, rewrite_file
from pipeline.ingest.readers.files import disk_is_full
from pipeline.ingest.tombstones import Tombstones, note_cases
from pipeline.places import AUDIENCES, QUARANTINE, is_for_platform, published_days
from pipeline.quoting import file_literal, quoted, text_literal
from pipeline.reporting.page import digest
from pipeline.reporting.words import shown_id
from pipeline.settings import Settings
from pipeline.steps.prediction.kept_file import forget_kept
from pipeline.tables.catalog import catalog_of
from pipeline.tables.inputs import INPUTS
from pipeline.tables.platforms import platforms

_PUBLISHED = ("data/marts", "data/audiences", "reports/out")
_NO_LOGS = (".lock", ".key")
_OF_SQLITE = ("-wal", "-shm", "-journal")
FORGOTTEN = "forgotten"


def purge_warehouse(settings: Settings, person: Person, tombstones: Tombstones) -> None:
    """Every table; lines of orders stay, as nobody's. What is made of them is made again by the next run."""
    forget_kept(settings)  # sums, but of a few customers some
    with opened(settings) as connection:
        engine = DuckDBEngine(connection)
        fill(engine, person)
        with engine.transaction():
            _make_lines_nobodys(engine, person, tombstones)
            for table, columns in _tables(engine).items():
                if table != "staging.order_lines" and (where := is_of_person(columns)):
                    _delete(engine, table, where)
            engine.rebuild_whole()
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
        ("erased_addresses", [*person.addresses, *person.phones]),
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
                f"EXISTS (SELECT 1 FROM temp.erased_addresses "
                f"WHERE contains(CAST(to_json({cell}) AS VARCHAR), CAST(to_json(value) AS VARCHAR)))"
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
    if changed or removed:
        _commit(settings, staged, changed)
    else:
        staged.discard()


def take_out_of_audiences(settings: Settings, customers: Collection[str], rows: Sequence[Barred]) -> None:
    """Who objects leaves the audiences of the newest day: files of ids by these, those for platforms by `rows`."""
    staged, changed = Publication(settings.home, "objections"), dict[str, tuple[int | None, str]]()
    staged.discard()  # of a time before
    # A day whose manifest somebody removed has its files all the same.
    dated = sorted(one.name for one in (settings.home / AUDIENCES).glob("????-??-??"))
    newest = {*dated[-1:], *map(str, published_days(settings.home)[-1:])}
    leaving, person = leaving_by_file(settings, rows), Person(customer_ids=tuple(customers))
    with closing(duckdb.connect()) as connection:
        engine = DuckDBEngine(connection)
        fill(engine, person)
        for path in _files(settings.home, sorted(f"{AUDIENCES}/{day}" for day in newest)):
            target = path.relative_to(settings.home).as_posix()
            if target in leaving:
                platform, identifiers = leaving[target]
                shutil.copyfile(path, staged.file(target))
                take_out(platforms()[platform].header, staged.file(target), identifiers)
                rows_left: int | None = count_of(platforms()[platform].header, staged.file(target))
            else:
                change = None if is_for_platform(path.name) else _OF_IDS.get(path.suffix)
                rows_left = change(engine, path, person, partial(staged.file, target)) if change else None
            if rows_left is not None:
                changed[target] = (rows_left, hashlib.sha256(staged.file(target).read_bytes()).hexdigest())
    if changed:
        _commit(settings, staged, changed)
    else:
        staged.discard()


def _commit(settings: Settings, staged: Publication, changed: Mapping[str, tuple[int | None, str]]) -> None:
    """Put these files in place, with the manifests that speak of them. `changed`: rows, where they are counted, and
    the sum."""
    manifests = []
    for manifest in sorted((settings.home / AUDIENCES).glob("*/manifest.json")):
        try:
            told = json.loads(manifest.read_text(encoding="utf-8"))
            touched = [one for one in told["files"] if one["path"] in changed]
        except (ValueError, LookupError, TypeError):
            continue  # one that cannot be read tells of no file, and keeps nobody in one
        for one in touched:
            rows, one["sha256"] = changed[one["path"]]
            one["rows"] = one["rows"] if rows is None else rows
        if touched:
            target = manifest.relative_to(settings.home).as_posix()
            staged.file(target).write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            manifests.append(target)
    staged.commit(last=manifests)


Target = Callable[[], Path]
Row = list[tuple[Column, str]]


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
    after = _without_shared(_without(before, person), path, person)
    if after == before:
        return None
    target().write_bytes(after)
    return sum(1 for _ in records_of(after.splitlines(keepends=True))) - 1


def _without(content: bytes, person: Person, columns: Columns = NAMES_ALONE) -> bytes:
    """A CSV without the records of a person; its header stays. What names others, too, stays without the person."""
    header, *records = records_of(content.splitlines(keepends=True)) if content else (b"",)
    table = Table.of(header, columns)
    return b"".join((header, *(_rest(record, table.judged(record, person), person) for record in records)))


def _without_shared(content: bytes, path: Path, person: Person) -> bytes:
    """A list for a platform without the person's row of an address that others have, too."""
    if (is_theirs := _telling_theirs(path, person)) is None:
        return content
    header, *records = records_of(content.splitlines(keepends=True)) or (b"",)
    table, sharing = Table.of(header), person.sharing

    def is_persons(record: bytes) -> bool:
        return table.judged(record, sharing) > Of.POSSIBLY and is_theirs(_cells(record, table.separator))

    return b"".join((header, *(one for one in records if not is_persons(one))))


def _telling_theirs(path: Path, person: Person) -> Callable[[Iterable[str]], bool] | None:
    """Whether a row of a list for a platform, of an address that others have as well, is the person's, by its cells:
    it names nobody's id, and each address once. Whose it is, names tell, or who of them is in the audience; of several,
    the first is taken. None where no row can be.
    """
    ids_file = path.with_name(f"{path.name.partition('.')[0]}.csv")
    if not person.shared or ids_file == path or not ids_file.is_file():
        return None
    header, *records = records_of(ids_file.read_bytes().splitlines(keepends=True)) or (b"",)
    table = Table.of(header)
    members = {
        cell for one in records for column, cell in _filled(table.columns, _cells(one, ",")) if column == "customer"
    }
    if members.isdisjoint(person.customer_ids):
        return None
    others = members & {*person.others}
    comes_first = not others or min(members & {*person.customer_ids}) < min(others)
    named, others_named = ({*names, *map(sha256, names)} for names in (person.names, person.names_of_others))

    def is_theirs(told: Iterable[str]) -> bool:
        cells = {cell.strip().lower() for cell in told}
        return cells.isdisjoint(others_named) and (comes_first or not cells.isdisjoint(named))

    return is_theirs


def _change_request(engine: DuckDBEngine, path: Path, person: Person, target: Target) -> int | None:
    """A list for a platform as the body of a request: its one list without the objects of the person.

    What is none, or is damaged, stays; the search tells if anything of the person is left in it.
    """
    if not is_for_platform(path.name):
        return None
    try:
        told = json.loads(path.read_bytes())
        name = next(key for key, value in told.items() if isinstance(value, list))
    except (ValueError, AttributeError, StopIteration, RecursionError):
        return None
    is_theirs, sharing = _telling_theirs(path, person), person.sharing

    def is_persons(row: Any) -> bool:
        line = json.dumps(row, ensure_ascii=False).encode()
        if object_judged(line, person) > Of.POSSIBLY:
            return True
        cells = [cell for _, cell in _leaves(row)]
        return is_theirs is not None and object_judged(line, sharing) > Of.POSSIBLY and is_theirs(cells)

    kept = [row for row in told[name] if not is_persons(row)]
    if len(kept) == len(told[name]):
        return None
    target().write_text(
        json.dumps(told | {name: kept}, separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return len(kept)


def _rest(record: bytes, found: Of, person: Person) -> bytes:
    """What stays of a record."""
    if found is Of.WHOLLY:
        return b""
    return person.in_text.sub(FORGOTTEN.encode(), record) if found is Of.PARTLY else record


def _change_text(engine: DuckDBEngine, path: Path, person: Person, target: Target) -> int | None:
    """Pages: whoever stands in a cell or a text of one is "forgotten" there, and nothing leads to their own page."""
    before = path.read_bytes()
    after = _link_to(person).sub(b"", before)
    after = _cell_of(person).sub(rb">" + FORGOTTEN.encode() + rb"<", after)
    after = person.in_text.sub(FORGOTTEN.encode(), after)
    if after == before:
        return None
    target().write_bytes(after)
    return -1


_OF_IDS = {".parquet": _change_parquet, ".csv": _change_csv}
_CHANGES = {".parquet": _change_parquet, ".csv": _change_csv, ".json": _change_request, ".html": _change_text}


def _cell_of(person: Person) -> re.Pattern[bytes]:
    ids = [re.escape(form.encode()) for one in person.customer_ids for form in (one, shown_id(one))]
    return re.compile(rb">(?:" + b"|".join(ids or [rb"(?!)"]) + rb")<")


def _link_to(person: Person) -> re.Pattern[bytes]:
    pages = [digest(one).encode() for one in person.customer_ids]
    return re.compile(rb' href="[^"]*-(?:' + b"|".join(pages or [rb"(?!)"]) + rb')\.html"')


@dataclass(frozen=True)
class Table:
    """What the header of a CSV tells: what separates cells, and what the columns hold."""

    separator: str
    columns: tuple[Column, ...]
    country: int | None
    """In which column is the country of a number that does not say it itself."""

    @classmethod
    def of(cls, header: bytes, columns: Columns = NAMES_ALONE) -> Self:
        separator = max(",;\t|", key=_text(header).count)
        names = [name.strip().lower() for name in _cells(header, separator)]
        country = names.index("country") if "country" in names else None
        return cls(separator, tuple(column_of(name, columns) for name in names), country)

    def judged(self, record: bytes, person: Person) -> Of:
        if not person.in_cells.may_stand_in(record):
            return Of.NOBODY
        try:
            record.decode()
        except UnicodeDecodeError:  # of an old program, which says nowhere in which letters
            if person.in_text.search(record):
                return Of.WHOLLY
        cells = _cells(record, self.separator)
        if not cells:
            return Of.PARTLY if person.in_text.search(record) else Of.NOBODY
        told = cells[self.country].strip().upper() if self.country is not None and self.country < len(cells) else ""
        country = told if len(told) == 2 else person.shop_country
        unknown: Column = "unknown"
        columns = (*self.columns, *[unknown] * (len(cells) - len(self.columns)))
        return max(judged(column, cell, person, country) for column, cell in zip(columns, cells, strict=False))


def object_judged(line: bytes, person: Person, columns: Columns = NAMES_ALONE) -> Of:
    """The same of an object of JSON lines, by its own keys."""
    if not person.in_cells.may_stand_in(line) and b"\\u" not in line:
        return Of.NOBODY
    try:
        told = json.loads(line)
    except ValueError:
        return Of.PARTLY if person.in_text.search(line) else Of.NOBODY
    found = [judged(_column_at(path, columns), cell, person, person.shop_country) for path, cell in _leaves(told)]
    return max(found, default=Of.NOBODY)


def rows_of(
    path: Path, columns: Columns, is_wanted: Callable[[Iterable[Column]], bool], may_be_wanted: Callable[[bytes], bool]
) -> Iterator[Row]:  # fmt: skip
    """What the cells of an export's records hold: of files with columns that are wanted, and where they are text of
    records that may be. Raises what reading may."""
    if path.suffix.lower() == ".parquet":
        with closing(duckdb.connect()) as connection:
            rows = f"read_parquet({file_literal(path)}, hive_partitioning = false)"
            found = connection.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {rows}")
            held = [column_of(one[0], columns) for one in connection.description or ()]
            while is_wanted(held) and (batch := found.fetchmany(10_000)):
                yield from (_filled(held, row) for row in batch)
    elif path.suffix.lower() == ".xlsx":
        for header, cells in records_of_workbook(path, partial(is_header, columns)):
            row = [(column_of(header.get(column, ""), columns), cell) for column, cell in cells.items()]
            if is_wanted(column for column, _ in row):
                yield row
    elif (found_text := text_of(path)) is not None:
        text = found_text[0]
        if _unpacking(path)[0].endswith(_OF_LINES):
            for line in filter(may_be_wanted, text.splitlines()):
                with suppress(ValueError):
                    yield [(_column_at(name, columns), cell) for name, cell in _leaves(json.loads(line))]
            return
        records = records_of(text.splitlines(keepends=True))
        table = Table.of(next(records, b""), columns)
        if not (is_wanted(table.columns) and may_be_wanted(text)):
            return
        for record in filter(may_be_wanted, records):
            yield _filled(table.columns, _cells(record, table.separator))


def _filled(held: Iterable[Column], cells: Iterable[str | None]) -> Row:
    return [(column, cell) for column, cell in zip(held, cells, strict=False) if cell]


def _leaves(told: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(where, what) of the values of an object; items of a list are where it is."""
    if isinstance(told, dict):
        for name, value in told.items():
            yield from _leaves(value, f"{path}.{name}" if path else name)
    elif isinstance(told, list):
        for value in told:
            yield from _leaves(value, path)
    elif told is not None:
        yield path, str(told)


def _column_at(path: str, columns: Columns) -> Column:
    """By its path, as sources name what is nested, else by its own name."""
    whole = column_of(path, columns)
    return column_of(path.rpartition(".")[2], columns) if whole == "unknown" else whole


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


def records_of(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines, several together where a cell that begins with a quote goes on; a quote elsewhere is an inch."""
    record = list[bytes]()
    for line in lines:
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
    named = re.compile(r'"([^"]*)":"([^"]*)"')
    for path in sorted((settings.home / QUARANTINE).glob("*.parquet")):
        with closing(duckdb.connect()) as connection:
            engine = DuckDBEngine(connection)
            rows = engine.execute(f"SELECT row_number, raw FROM read_parquet({file_literal(path)})")
            hit = [number for number, raw in rows if raw and (
                person.in_text.search(raw.encode())
                or any(judged(column_of(name), cell, person) > Of.POSSIBLY for name, cell in named.findall(raw))
            )]  # fmt: skip
        if hit:
            remove_text(path, hit)


def purge_logs(settings: Settings, person: Person) -> None:
    """Dagster's history and the logs of runs: addresses, and ids that are long enough to be words."""
    pattern = person.in_text
    folder = settings.home / ".dagster"
    if not folder.is_dir():
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


def _purge_sqlite(path: Path, pattern: Words) -> None:
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
    rewritten, of_file = [], columns_of(settings)
    for path in _files(settings.home, (settings.exports_folder.relative_to(settings.home).as_posix(),)):
        fresh = path.with_name(f".{path.name}.partial")
        rewritten_as = _REWRITTEN.get(path.suffix.lower(), _rewrite_text)
        try:
            if not rewritten_as(path, person, fresh, of_file(path)):
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


def text_of(path: Path) -> tuple[bytes, bytes] | None:
    """(text as UTF-8, mark of two bytes a character) of a file that is text, packed or not; None of any other."""
    name, unpack, _ = _unpacking(path)
    if not name.endswith((*_OF_LINES, ".csv", ".tsv", ".txt")):
        return None
    content = unpack(path.read_bytes())
    mark = next((one for one in WIDE if content.startswith(one)), b"")
    text = content[len(mark) :].decode(WIDE[mark]).encode() if mark else content
    return None if b"\0" in text else (text, mark)  # two bytes a character, and nothing says so


def _unpacking(path: Path) -> tuple[str, Callable[[bytes], bytes], Callable[[bytes], bytes]]:
    """(name without the ending of what packs it, how to unpack, how to pack)."""
    name = path.name.lower()
    ending = next((one for one in _PACKED if name.endswith(one)), "")
    return name.removesuffix(ending), *_PACKED.get(ending, (bytes, bytes))


def _rewrite_text(path: Path, person: Person, fresh: Path, columns: Columns) -> bool:
    """Whether anything had to go; then `fresh` is the file without it, packed and encoded as it was."""
    name, _, pack = _unpacking(path)
    if (found := text_of(path)) is None:
        return False
    text, mark = found
    if name.endswith(_OF_LINES):
        lines = text.splitlines(keepends=True)
        after = b"".join(_rest(line, object_judged(line, person, columns), person) for line in lines)
    else:
        after = _without(text, person, columns)
    if after == text:
        return False
    fresh.write_bytes(pack(mark + after.decode().encode(WIDE[mark]) if mark else after))
    return True


def _rewrite_parquet(path: Path, person: Person, fresh: Path, columns: Columns) -> bool:
    """The same of Parquet: cells are looked at one by one, since an export has addresses as somebody wrote them."""
    with closing(duckdb.connect()) as connection:
        engine = DuckDBEngine(connection)
        rows = f"read_parquet({file_literal(path)}, hive_partitioning = false) AS rows"
        engine.execute("CREATE TEMP TABLE cells (name VARCHAR, cell VARCHAR, rest VARCHAR)")
        gone, replaced = list[str](), list[str]()
        for name, kind in engine.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {rows})"):
            cell = f"CAST(rows.{quoted(name)} AS VARCHAR)"
            of_column = f"FROM cells WHERE name = {text_literal(name)}"
            found = {
                row[0]: judgement
                for row in engine.execute(f"SELECT DISTINCT {cell} FROM {rows} WHERE {cell} IS NOT NULL")
                if (judgement := cell_judged(name, row[0], person, columns)) > Of.POSSIBLY
            }
            for one, judgement in found.items():
                rest = person.in_text.sub(FORGOTTEN.encode(), one.encode()).decode()
                is_kept = judgement is Of.PARTLY and kind == "VARCHAR"
                engine.execute("INSERT INTO cells VALUES ($name, $cell, $rest)",
                               {"name": name, "cell": one, "rest": rest if is_kept else None})  # fmt: skip
            if found:
                gone.append(f"{cell} IN (SELECT cell {of_column} AND rest IS NULL)")
            if kind == "VARCHAR" and found:
                rest = f"(SELECT rest {of_column} AND cell = {cell})"
                replaced.append(f"coalesce({rest}, rows.{quoted(name)}) AS {quoted(name)}")
        if not gone:
            return False
        cells = f"* REPLACE ({', '.join(replaced)})" if replaced else "*"
        engine.export(f"SELECT {cells} FROM {rows} WHERE ({' OR '.join(gone)}) IS NOT TRUE", {}, fresh)
    return True


def _rewrite_workbook(path: Path, person: Person, fresh: Path, columns: Columns) -> bool:
    def is_of(header: Mapping[str, str], cells: Mapping[str, str]) -> bool:
        return workbook_judged(header, cells, person, columns) is Of.WHOLLY

    return rewrite_workbook(path, partial(is_header, columns), is_of, fresh)


def is_header(columns: Columns, cells: Iterable[str]) -> bool:
    """Whether a row of a workbook names columns of ids."""
    return any(column_of(cell, columns) in ("customer", "order") for cell in cells)


def workbook_judged(header: Mapping[str, str], cells: Mapping[str, str], person: Person, columns: Columns) -> Of:
    found = (cell_judged(header.get(column, ""), cell, person, columns) for column, cell in cells.items())
    return max(found, default=Of.NOBODY)


_REWRITTEN = {".parquet": _rewrite_parquet, ".xlsx": _rewrite_workbook}


def cell_judged(name: str, cell: str, person: Person, columns: Columns = NAMES_ALONE) -> Of:
    if not person.in_cells.may_stand_in(cell.encode()):
        return Of.NOBODY
    return judged(column_of(name, columns), cell, person, person.shop_country)


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
WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def _replace(fresh: Path, path: Path) -> None:
    fresh.chmod(path.stat().st_mode & 0o777)
    fsync(fresh)
    fresh.replace(path)
    fsync(path.parent)


def _files(home: Path, folders: Iterable[str]) -> list[Path]:
    found = [path for folder in folders for path in (home / folder).rglob("*")]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())
