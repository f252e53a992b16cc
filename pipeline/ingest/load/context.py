"""A load: one export file on its way into the warehouse, and what its steps know of it so far.

A file goes through temporary tables: `raw` (the file as it is, numbered), `given` and `export` (the columns of its
source, as they stand and normalised), `mapped` (canonical columns, typed; of a plain file a view), `filled` and
`completed` (with what follows), `problems` (one row per reason why a row does not fit), `left_out`, `excluded` and
`contested`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandera.polars as pa

from pipeline.dialect import Dialect
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import ExportError
from pipeline.ingest import spreadsheets
from pipeline.ingest.load.keys import with_rates
from pipeline.ingest.precedence import Arrival
from pipeline.ingest.recognise import Shown
from pipeline.ingest.sources import EXPORTED_AT, ROW_NUMBER, Source
from pipeline.ingest.tombstones import NOBODY, Tombstones
from pipeline.settings import Settings
from pipeline.shapes import one_line
from pipeline.statuses import PROBLEM
from pipeline.tables.inputs import Input

GUEST_ID = "guest_id"
"""What a SELECT may give beside the person: the id of an e-mail address, for rows that name no account."""


class Undecided(ExportError):
    """A file whose numbers or dates can be read in two ways; `shown` is what it shows all the same."""

    def __init__(self, message: str, shown: Shown) -> None:
        super().__init__(message)
        self.shown = shown


@dataclass(frozen=True)
class Export:
    """A file and the source it is an export of."""

    path: Path
    source: Source

    @property
    def name(self) -> str:
        """As it may stand in messages."""
        return one_line(self.path.name)


@dataclass(frozen=True)
class Remark:
    """What a person should look at in a file, and what stops nothing; kept in ingest.remarks."""

    subject: str
    message: str
    rows: int | None = None


@dataclass(frozen=True)
class Loaded:
    """What became of one file: its row in the ledger, and whether this run read it."""

    file: str
    source: str
    status: Literal["loaded", "rejected"]
    read_now: bool
    rows_read: int
    accepted: int
    quarantined: int
    superseded: int
    duplicates: int
    example: str | None = None
    dialect: str = ""
    remarks: tuple[Remark, ...] = ()
    unlimited: int = 0
    """Of the quarantined rows, those that do not count towards the limit; known of a file that was read now."""

    @property
    def message(self) -> str:
        """One line for the log; for a rejected file it says what to do."""
        if not self.read_now and self.status == "loaded":
            return f"{self.file}: loaded before, nothing new in it."
        written = f" ({self.dialect})" if self.dialect else ""
        counts = f"{self.file}{written}: {self.rows_read:,} rows read, {self.accepted:,} accepted"
        for count, word in (
            (self.superseded, "superseded by newer ones"),
            (self.duplicates, "exact copies dropped"),
        ):
            counts += f", {count:,} {word}" if count else ""
        if not self.quarantined:
            return counts + "."
        what_to_do = f" {self.example}" if self.status == "loaded" else ""  # a rejected file's is the error of the run
        return f"{counts}, {self.quarantined:,} quarantined.{what_to_do}"


@dataclass
class Load:
    """One file on its way into the warehouse: what is asked of it, then what each step has found out.

    What the file leaves open of its dialect, `siblings` decide, if they are given.
    """

    engine: DuckDBEngine
    settings: Settings
    export: Export
    input: Input
    file_id: str
    sha256: str
    own_key: str
    """What decides how the file is read, but for exchange rates; see `keys.mapping_key`."""
    rates: str | None
    arrival: Arrival
    guards_ids: bool
    id_key: str | None = None
    siblings: Shown | None = None
    tombstones: Tombstones = NOBODY

    # reading
    number: str = ""
    """SQL: the number of a row of `raw`."""
    found: dict[str, str] = field(default_factory=dict)
    """Raw column -> its name in the file."""
    marked: list[str] = field(default_factory=list)
    """Raw columns of money whose cells may carry the sign of a currency."""
    dialect: Dialect = field(default_factory=Dialect)
    shown: Shown = field(default_factory=Shown)
    by_siblings: bool = False

    # mapping
    outputs: dict[str, str] = field(default_factory=dict)
    """Columns that the source's SELECT gives, and their types."""
    stored: dict[str, str] = field(default_factory=dict)
    """Canonical columns of `mapped`, and their types; the others are null in every row."""
    has_several_lines: bool = False
    has_foreign_lines: bool = False

    # judging
    unlimited: int = 0
    """Rows that do not fit and do not count towards the limit."""
    exported_at: dt.datetime | None = None
    latest_at: dt.datetime | None = None
    remarks: list[Remark] = field(default_factory=list)

    @property
    def source(self) -> Source:
        return self.export.source

    @property
    def schema(self) -> pa.DataFrameSchema:
        return self.input.schema

    @property
    def staging(self) -> str:
        return self.input.table.full_name

    @property
    def mapping(self) -> str:
        return with_rates(self.own_key, self.rates) if self.has_foreign_lines else self.own_key

    def rejected_as(self, mapping: str) -> str:
        """A rejected file is tried again when the limit changes, too."""
        return f"{mapping} at {self.settings.quarantine_limit}"

    def current_mappings(self) -> list[str]:
        loaded = [self.own_key, with_rates(self.own_key, self.rates)]
        return loaded + [self.rejected_as(mapping) for mapping in loaded]

    def execute(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        always = {"file_id": self.file_id, "believed_until": self.arrival.believed_until}
        return self.engine.execute(sql, always | parameters)

    def remark(self, subject: str, message: str, rows: int | None = None) -> None:
        """Note, until the file is written, what a person should look at; once a subject."""
        self.remarks.append(Remark(subject, message, rows))

    def ids(self) -> list[str]:
        outputs = self.source.outputs
        return [name for name in self.schema.columns if spreadsheets.is_id(name) and name in outputs]

    def money_columns(self) -> list[str]:
        """Raw columns that hold numbers of a currency, or figures that may be such; quantities have no cents."""
        outputs = self.source.outputs
        money, counted = set[str](), set[str]()
        for name, column in self.input.header.columns.items():
            if name not in outputs:
                continue
            if column.unit == "currency" or column.may_be_money:
                money |= set(self.source.raw_columns_of(name))
            elif column.unit is not None:
                counted |= set(self.source.raw_columns_of(name))
        return sorted(raw for raw in money - counted if raw in self.found and self.source.kinds[raw] == "number")

    @property
    def not_kept(self) -> set[str]:
        """Raw columns that the quarantine does not keep."""
        return {name for name, column in self.source.header.raw.items() if not column.kept}

    @property
    def beside(self) -> list[str]:
        """The output columns that say something of the row and are none of its canonical ones."""
        return [name for name in self.outputs if name in (PROBLEM, GUEST_ID)]

    @property
    def persons(self) -> list[str]:
        """The columns of `mapped` that say whom a line is of."""
        return [name for name in (self.input.person, GUEST_ID) if name in {*self.stored, *self.beside}]

    @property
    def sells_to(self) -> str | None:
        """The column that names the buyer, where rows are of sales and the file has it."""
        return self.input.person if self.input.is_of_sales and self.input.person in self.stored else None

    def has(self, name: str) -> bool:
        """Whether a canonical column can hold anything: not if it is a raw column that the file lacks."""
        raw = self.source.passed_on(name)
        return name in self.outputs and (raw is None or raw in self.found)

    def of_the_file(self) -> dict[str, str]:
        """What the source tells of the file as a whole; it reaches `mapped`, and no staging table."""
        return {EXPORTED_AT: "TIMESTAMP"} if self.has(EXPORTED_AT) else {}

    def made_from(self, output: str) -> list[str]:
        """The raw columns that a canonical column is made from; none if the source does not give it."""
        return self.source.raw_columns_of(output) if output in self.source.outputs else []

    def is_text(self, column: str) -> bool:
        types: dict[str, str] = dict(self.execute("SELECT column_name, column_type FROM (DESCRIBE raw)"))
        return types[column] == "VARCHAR"

    def raw_columns(self) -> dict[str, list[str]]:
        """Canonical column -> raw columns present in this file it is made from."""
        names = [name for name in self.outputs if name != ROW_NUMBER]
        made_from = {name: self.source.raw_columns_of(name) for name in names}
        return {name: [raw for raw in raws if raw in self.found] for name, raws in made_from.items()}

    def counts(self) -> tuple[int, int]:
        """(rows read, rows that do not fit). Blank rows and totals that were left out are no rows."""
        read = self.execute(
            "SELECT (SELECT count(*) FROM raw) + (SELECT count(*) FROM malformed) - (SELECT count(*) FROM left_out)"
        )[0][0]
        return read, self.execute("SELECT count(DISTINCT row_number) FROM problems")[0][0]

    def fitting(self, table: str = "problems", number: str = "row_number") -> str:
        """SQL: whether a row is not in a table of rows. Mostly there are none in it, and then nothing is looked up."""
        if not self.execute(f"SELECT 1 FROM {table} LIMIT 1"):
            return "TRUE"
        return f"{number} NOT IN (SELECT row_number FROM {table})"

    def changed_at(self, of: str = "", believed_until: str = "$believed_until") -> str:
        """SQL: when a row says it was changed, null if it does not; a time after its file arrived is none."""
        column = self.input.changed_at
        if column is None:
            return "CAST(NULL AS TIMESTAMP)"
        return f"CASE WHEN {of}{column} <= {believed_until} THEN {of}{column} END"


def rows_as_text(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def as_tuple(columns: Sequence[str]) -> str:
    """SQL: columns to be compared together."""
    return columns[0] if len(columns) == 1 else f"({', '.join(columns)})"


def agree_in(columns: Sequence[str], one: str, other: str) -> str:
    """SQL: whether a row of one table agrees with a row of the other in the columns."""
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in columns)
