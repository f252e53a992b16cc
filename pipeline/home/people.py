"""People: who customers are, in a DuckDB file of its own that nothing but ingest and activation opens.

Rows are those of `staging`, by file and row: which of two exports counts is decided there alone. A row is written here
before its own is committed there, so that none is missing after a crash; those without one are removed by `sweep`.
So a row of staging without one here says that this file was removed, or is an older one: without it nobody knows who
must not be written to, and nothing leaves (`people_at_hand`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import PerennialError
from pipeline.quoting import quoted, text_literal
from pipeline.settings import Settings
from pipeline.shapes import counted
from pipeline.tables.inputs import HASHES, INPUTS, Input

FILE = Path("data", "people", "people.duckdb")
SUPPRESSED = "people.suppressed_customers"
"""Whose address or number a suppression named, also when they have another by now; the address itself is not kept."""
REMEMBERED = "catalog.suppressed_customers"
"""The same in the warehouse, so that neither file takes it along when it is lost."""
CASES = "people.erasure_cases"
"""The cases of erasure that have begun: their files lie elsewhere, and must not be lost unnoticed."""
GENERATION = "people.ledger_generation"
"""Which ledger of deliveries there is and how often it was written: an older one must not be taken for it."""
REFUSALS = " UNION ALL ".join(
    f"SELECT entries.file_id, entries.row_number, entries.kind, entries.entry, named.value "
    f"FROM {one.table.full_name} AS entries JOIN people.{quoted(one.name)} AS named USING (file_id, row_number)"
    for one in INPUTS.values()
    if any(column.contact == "kind" for column in one.header.columns.values())
)
"""SELECT: whom suppressions and requests of erasure name, by file and row; `people` has to be attached."""
CONTACTS = ("email", "phone", *HASHES)
"""Of a customer: address and number, and the hashes of whom the shop tells no more than these."""
COUNTRIES_CALLED = {"UK": "GB", "EL": "GR"}
"""What two countries are called as well -> their codes."""
_OF_SUPPRESSED = ("customer_id", "kind", "entry")
_BESIDE_INPUTS = {
    SUPPRESSED: dict.fromkeys(_OF_SUPPRESSED, "VARCHAR"),
    CASES: {"case_name": "VARCHAR"},
    GENERATION: {"id": "VARCHAR", "number": "BIGINT"},
}
_REMEDY = (
    "Restore it from the backup of the same night as the warehouse; or move it away, keep the exports it was read from "
    "in the drop folder, and run: they are read again."
)
OF_THE_MACHINE = ("Could not set lock", "No space left", "Permission denied", "Read-only file system")
"""What DuckDB says of a file that is whole, when the machine is at fault."""


class PeopleUnusable(PerennialError):
    """The file of people is there and none that can be read; the message says what is there instead."""


class PeopleLost(PerennialError):
    """Rows of staging whose persons are not in the file; the message names the exports they were read from."""


def people_file(settings: Settings) -> Path:
    return settings.home / FILE


def table_of(one: Input) -> str:
    """The personal columns of an input, once `people_attached`."""
    return f"people.{quoted(one.name)}"


@contextmanager
def people_attached(engine: DuckDBEngine, settings: Settings, read_only: bool = False) -> Iterator[None]:
    """The file within reach of SQL as `people`, and again out of it. Whoever asks holds the home.

    `read_only`: nothing is written; where there is no file, nobody is in it. Raises PeopleUnusable.
    """
    file = people_file(settings)
    _require_file(file)
    if not read_only:
        file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    is_read = read_only and file.exists()
    place, mode = (file, "READ_ONLY") if is_read else (":memory:" if read_only else file, "READ_WRITE")
    try:
        engine.execute(f"ATTACH {text_literal(str(place))} AS people ({mode})")
    except duckdb.Error as error:
        if any(text in str(error) for text in OF_THE_MACHINE):
            raise
        raise PeopleUnusable(f"{file} is damaged, or no file of DuckDB. {_REMEDY}") from None
    try:
        if is_read:
            _require_tables(engine, file)
        else:
            with engine.transaction():
                for table, columns in _BESIDE_INPUTS.items():
                    listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
                    engine.execute(f"CREATE TABLE IF NOT EXISTS {table} ({listed})")
                for one in _inputs():
                    _prepare(engine, one)
        yield
    finally:
        with suppress(duckdb.Error):  # after a full disk nothing can be said to the connection any more
            engine.execute("DETACH people")


@contextmanager
def people_at_hand(engine: DuckDBEngine, settings: Settings, read_only: bool = False) -> Iterator[None]:
    """The same for whoever hands over what is known of people: nothing is begun where some of it is lost.

    A home without persons gets no file. Raises PeopleUnusable, PeopleLost.
    """
    with people_attached(engine, settings, read_only or not people_file(settings).exists()):
        if missing := lost(engine):
            listed = "SELECT path FROM ingest.files WHERE list_contains($lost, file_id) ORDER BY path"
            paths = [row[0] for row in engine.execute(listed, {"lost": list(missing)})]
            raise PeopleLost(told_lost(paths, sum(missing.values())))
        yield


def lost(engine: DuckDBEngine) -> dict[str, int]:
    """file_id -> rows of staging whose persons are not in the file, which has to be attached."""
    found = dict[str, int]()
    for one in _inputs():
        found |= engine.execute(
            f"SELECT rows.file_id, count(*) FROM {one.table.full_name} AS rows "
            f"WHERE NOT EXISTS (SELECT 1 FROM {table_of(one)} AS known "
            f"WHERE known.file_id = rows.file_id AND known.row_number = rows.row_number) GROUP BY ALL"
        )
    return found


def told_lost(paths: Sequence[str], rows: int) -> str:
    """What is said of persons that are lost, of which exports, and what to do."""
    return (
        f"{FILE} lacks {counted(rows, 'row')} that the warehouse knows of, read from {', '.join(paths)}: it was "
        f"removed, or an older one was put back. Who must not be written to is not known without them, so no audience "
        f"is written. Put these exports into the drop folder and run, which reads them again; or restore the file from "
        f"the backup of the same night as the warehouse."
    )


def holds_persons(engine: DuckDBEngine) -> bool:
    """Whether staging has rows of which persons must be known."""
    return any(engine.scalar(f"SELECT 1 FROM {one.table.full_name} LIMIT 1") for one in _inputs())


def remember_suppressed(engine: DuckDBEngine, beside: str | None = None) -> None:
    """Note whom the refusals in force name, before rows of customers give way to others with other addresses.

    `beside`: SELECT of customer_id and CONTACTS of rows that are not in staging, and may never be.
    """
    if not engine.scalar(f"SELECT 1 FROM ({REFUSALS}) LIMIT 1"):
        return
    engine.execute(
        f"""
        INSERT INTO {SUPPRESSED}
        WITH told AS ({with_hashes(REFUSALS)}),
        persons AS (
          SELECT customers.customer_id, {", ".join(f"persons.{name}" for name in CONTACTS)}
          FROM staging.customers AS customers
          JOIN people.customers AS persons USING (file_id, row_number)
          {f"UNION ALL {beside}" if beside else ""}
        ),
        known AS (SELECT customer_id, unnest([{", ".join(CONTACTS)}]) AS value FROM persons)
        SELECT known.customer_id, told.kind, told.entry FROM known JOIN told USING (value)
        EXCEPT
        SELECT customer_id, kind, entry FROM {SUPPRESSED}
        """
    )


def hashes_of(told: str) -> str:
    """SELECT of `value` and each `hash` that a platform may ask for of it, of the addresses and numbers of a SELECT of
    `value`: SHA-256 of an address as it is kept, of one of Google's without dots and +tag, of a number with its + and
    without.
    """
    domain = "split_part(value, '@', -1)"
    name = "replace(split_part(split_part(value, '@', 1), '+', 1), '.', '')"
    return f"""
        SELECT DISTINCT value, sha256(form) AS hash
        FROM (
          SELECT value, unnest([
            value,
            CASE WHEN starts_with(value, '+') THEN substr(value, 2) END,
            CASE WHEN {domain} IN ('gmail.com', 'googlemail.com') THEN concat({name}, '@', {domain}) END
          ]) AS form
          FROM ({told}) AS told
          WHERE contains(value, '@') OR starts_with(value, '+')
        ) AS forms
        WHERE form IS NOT NULL
        """


def with_hashes(told: str) -> str:
    """SELECT of the same rows of kind, entry and value, and once more with each hash of the value in its place."""
    return f"""
        WITH refusals AS MATERIALIZED ({told})
        SELECT kind, entry, value FROM refusals
        UNION ALL
        SELECT refusals.kind, refusals.entry, hashes.hash
        FROM refusals JOIN ({hashes_of("SELECT value FROM refusals")}) AS hashes USING (value)
        """


def share_suppressed(engine: DuckDBEngine) -> None:
    """Give the warehouse what `people` remembers of who is suppressed, and the reverse: after a loss each has all."""
    columns = ", ".join(_OF_SUPPRESSED)
    engine.execute("CREATE SCHEMA IF NOT EXISTS catalog")
    listed = ", ".join(f"{name} VARCHAR" for name in _OF_SUPPRESSED)
    engine.execute(f"CREATE TABLE IF NOT EXISTS {REMEMBERED} ({listed})")
    for into, source in ((SUPPRESSED, REMEMBERED), (REMEMBERED, SUPPRESSED)):
        engine.execute(f"INSERT INTO {into} SELECT {columns} FROM {source} EXCEPT SELECT {columns} FROM {into}")


def suppressed_customers(engine: DuckDBEngine) -> str:
    """SELECT of all that is remembered of who is suppressed; `people` has to be attached."""
    columns = ", ".join(_OF_SUPPRESSED)
    in_warehouse = f" UNION SELECT {columns} FROM {REMEMBERED}" if engine.has(REMEMBERED) else ""
    return f"SELECT {columns} FROM {SUPPRESSED}{in_warehouse}"


def sweep(engine: DuckDBEngine) -> None:
    """Remove the rows that no row of staging belongs to: of files that are gone, given way or never committed."""
    with engine.transaction():
        for one in _inputs():
            engine.execute(
                f"DELETE FROM {table_of(one)} AS known WHERE NOT EXISTS (SELECT 1 FROM {one.table.full_name} AS rows "
                f"WHERE rows.file_id = known.file_id AND rows.row_number = known.row_number)"
            )


def _inputs() -> list[Input]:
    return [one for one in INPUTS.values() if one.persons]


def _require_file(file: Path) -> None:
    """Raises PeopleUnusable for what lies where the file belongs and is none."""
    if file.is_symlink():
        what = "is a link; the file itself belongs there, so that nobody else may open it"
    elif file.is_dir():
        what = "is a folder"
    elif file.exists() and not file.stat().st_size:
        what = "is empty"
    else:
        return
    raise PeopleUnusable(f"{file} {what}. {_REMEDY}")


def _require_tables(engine: DuckDBEngine, file: Path) -> None:
    listed = "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'people'"
    there = set(engine.execute(listed))
    needed = {(one.name, name) for one in _inputs() for name in ("file_id", "row_number", *one.persons)}
    needed |= {(table.partition(".")[2], name) for table, columns in _BESIDE_INPUTS.items() for name in columns}
    if needed - there:
        raise PeopleUnusable(
            f"{file} lacks tables or columns: an earlier version wrote it. Run first, which adds them."
        )


def _prepare(engine: DuckDBEngine, one: Input) -> None:
    engine.execute(f"CREATE TABLE IF NOT EXISTS {table_of(one)} (file_id VARCHAR, row_number BIGINT)")
    for name in one.persons:
        kind = one.header.columns[name].type
        engine.execute(f"ALTER TABLE {table_of(one)} ADD COLUMN IF NOT EXISTS {quoted(name)} {kind}")
