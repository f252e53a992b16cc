"""Loading: one export file on its way into the warehouse, all of it set-based.

A file goes through temporary tables: `raw` (the file as it is, numbered), `mapped` (canonical columns, typed),
`problems` (one row per reason why a row does not fit), and from these into the staging table of its input,
ingest.quarantine and the ledger ingest.files in one transaction. Which files there are is `exports`' business; how a
source maps, `sources`'; what a row must be, `contracts`'; how rows of an input come together, `inputs`'.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import duckdb

from pipeline.dialect import (
    SIGN_OF_CURRENCY,
    SIGNS,
    TO_THE_SECOND,
    WITH_OFFSET,
    WITHOUT_OFFSET,
    Dialect,
    Kind,
    ends_as_a_time,
    is_sign_of,
    minor_units,
)
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import ExportError
from pipeline.home.quarantine import name_rows, scratch_folder, write_rows
from pipeline.ingest import oddities, spreadsheets
from pipeline.ingest.identity import makes_ids
from pipeline.ingest.precedence import BELIEVED, FILES, OLDEST_FIRST, arrival_of, shown_path
from pipeline.ingest.readers import RawFile, read_raw
from pipeline.ingest.recognise import AmbiguousDialect, Shown, normalised, plain_columns, recognise
from pipeline.ingest.sizes import limits_of
from pipeline.ingest.sources import EXPORTED_AT, ROW_NUMBER, Source
from pipeline.names import time_in
from pipeline.places import quarantine_file
from pipeline.quoting import quoted, text_literal
from pipeline.settings import ChargeProducts, Settings
from pipeline.shapes import CURRENCIES, currency_sql, one_line, shape, shape_sql, shown_name
from pipeline.statuses import (
    IS_GIFT_CARD,
    PROBLEM,
    STANDING,
    UNKNOWN,
    gift_card_sql,
    is_shown,
    standing_sql,
    status_word_sql,
)
from pipeline.tables.inputs import INPUTS, filling
from pipeline.tables.rules import RowRule, row_rules, sql_type

Value = TypeVar("Value")
GUEST_ID = "guest_id"
"""What a SELECT may give beside customer_id: the id of an e-mail address, for orders that name no account."""
BESIDE_STAGING = ("ingest.quarantine", "ingest.remarks", "ingest.identities", "ingest.files")
_BESIDE_CANONICAL = (ROW_NUMBER, EXPORTED_AT, PROBLEM, GUEST_ID)
_RULES = 2
"""Raised where this code would read a file otherwise than before: files that are at hand are then read again."""
_TOP_WORDS = 5
_SAME_ORDER_DAYS = 2  # exports of one order may differ by a time zone, not by more
_CASTS = {"number": ("DECIMAL(38,9)", "a number"), "timestamp": ("TIMESTAMP", "a date")}
_EMAIL = r"regexp_full_match(customer_id, '[^@\s]+@[^@\s]+\.[^@\s]+')"
_PHONE = "regexp_full_match(customer_id, '(\\+|00)[0-9][0-9 ()./-]{6,18}')"
_PERSONAL_IDS = (
    ("an e-mail address", "map the column with `type: email` in a source of your own (docs/exports.md)"),
    ("a phone number", "export the shop's own customer ids instead"),
)
_FORMAT_HINT = 'a format such as dates = "{}" below [dialects.<source>] in perennial.toml tells how to read it'
_DATE_HINTS = (
    (r"^\d{5}([.,]\d+)?$", "the serial number of a spreadsheet?"),
    (r"^\d{8}$", _FORMAT_HINT.format("%Y%m%d")),
    (r"^\d{8}[ T]?\d", _FORMAT_HINT.format("%Y%m%d%H%M%S")),
    (r"^\d{1,4}([./-] ?\d{1,4}){2},? +\d{1,2}[.]\d\d", _FORMAT_HINT.format("%d.%m.%Y %H.%M")),
    (r"^(\d{1,4}([./-] ?\d{1,4}){2},? +)?\d{1,2} ?h", _FORMAT_HINT.format("%d/%m/%Y %Hh%M")),
    (r":\d\d(\.\d+)? ?[^0-9 ]", "behind a time nothing is read but an offset such as Z or +01:00; a zone is set by "
     "timezone below [dialects.<source>] in perennial.toml"),
)  # fmt: skip
"""What may help to read a text that is no date, by its form."""
KINDS_OF = {"TIMESTAMP": "a date", "DECIMAL": "a number", "DOUBLE": "a number", "BIGINT": "a number"}


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


class Load:
    """One file on its way into the warehouse. What it leaves open of its dialect, `siblings` decide, if they are given;
    `run` raises Undecided where neither does.
    """

    def __init__(
        self, engine: DuckDBEngine, settings: Settings, export: Export, file_id: str, sha256: str, rates: str | None,
        id_key: str | None = None, siblings: Shown | None = None,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._settings = settings
        self._export = export
        self._source = export.source
        self._input = INPUTS[export.source.input]
        self._schema = self._input.schema
        self._staging = self._input.table.full_name
        self._file_id = file_id
        self._sha256 = sha256
        self._key = mapping_key(settings, export.source)
        self._rates = rates
        self._arrival = arrival_of(engine, file_id)
        self._id_key = id_key if makes_ids(export.source) else None
        self._has_foreign_lines = False
        self._has_several_lines = False
        self._dialect = Dialect()
        self._siblings = siblings
        self._shown = Shown()
        self._by_siblings = False
        self._guards_ids = _of_source(settings.id_guard, export.source, True)
        self._remarks: list[Remark] = []
        self._unlimited = 0

    def run(self) -> Loaded:
        before = self._ledger()
        if before is not None and before["mapping"] in self._current_mappings():
            return self._outcome(before, read_now=False)
        try:
            self._read()
            self._map()
            self._refuse_damaged_ids()
            self._find_problems()
            self._leave_out()
            self._find_age()
            self._look_at_customer_ids()
            self._remark_on_rows()
            with self._engine.transaction():
                self._forget()
                if self._over_limit():
                    self._reject()
                else:
                    self._accept()
        finally:
            self._drop_temporaries()
        after = self._ledger()
        assert after is not None
        name_rows(self._settings, self._file_id, after["mapping"], after["path"])
        return self._outcome(after, read_now=True)

    @property
    def _mapping(self) -> str:
        return with_rates(self._key, self._rates) if self._has_foreign_lines else self._key

    def _rejected(self, mapping: str) -> str:
        """A rejected file is tried again when the limit changes, too."""
        return f"{mapping} at {self._settings.quarantine_limit}"

    def _current_mappings(self) -> list[str]:
        loaded = [self._key, with_rates(self._key, self._rates)]
        return loaded + [self._rejected(mapping) for mapping in loaded]

    def _execute(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        always = {"file_id": self._file_id, "believed_until": self._arrival.believed_until}
        return self._engine.execute(sql, always | parameters)

    def _remark(self, subject: str, message: str, rows: int | None = None) -> None:
        """Note, until the file is written, what a person should look at; once a subject."""
        self._remarks.append(Remark(subject, message, rows))

    # reading and mapping

    def _read(self) -> None:
        """`given`: the columns of the source as they stand in the file. `export`: the same as its SELECT gets them."""
        header, name = self._source.header, self._export.name
        fixed = fixed_dialect(self._settings, self._source)
        file = read_raw(
            self._engine, self._export.path, header.reads == "lines", fixed, scratch_folder(self._settings),
            limits_of(self._settings), lambda cells: self._source.fit(cells)[0],
        )  # fmt: skip
        self._number, self._found = file.number, self._resolve(file)
        types = dict(self._execute("SELECT column_name, column_type FROM (DESCRIBE raw)"))
        kinds = self._undo(types, file.typed)
        shown_as = {self._found[raw]: kind for raw, kind in kinds.items()}
        try:
            recognised = recognise(
                self._engine, "raw", shown_as, fixed.over(file.dialect), name, self._source.label,
                [self._found[raw] for raw in self._money() if raw in kinds], minor_units(self._settings.currency),
                self._siblings,
            )  # fmt: skip
        except AmbiguousDialect as error:
            raise Undecided(str(error), error.shown) from None
        self._dialect, self._shown, self._by_siblings = recognised.dialect, recognised.shown, recognised.by_siblings
        numbers = [self._found[raw] for raw, kind in kinds.items() if kind == "number"]
        as_they_are = plain_columns(self._engine, "raw", numbers) if self._dialect.is_plain_in_numbers else set()
        self._marked = [
            raw for raw in self._money() if kinds.get(raw) == "number" and self._found[raw] not in as_they_are
        ]
        given, export = [], []
        for raw in header.raw:
            column = quoted(self._found[raw]) if raw in self._found else "CAST(NULL AS VARCHAR)"
            given.append(f"{column} AS {quoted(raw)}")
            kind = "text" if self._found.get(raw) in as_they_are else kinds.get(raw, "text")
            export.append(f"{normalised(self._dialect, kind, column)} AS {quoted(raw)}")
        export += self._meanings()
        for view, shown in (("given", given), ("export", export)):
            columns = ", ".join(shown)
            self._execute(
                f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT {self._number} AS row_number, {columns} FROM raw"
            )

    def _meanings(self) -> list[str]:
        """SQL: what a SELECT gets beside the columns of the file; see `statuses`."""
        header, made = self._source.header, list[str]()
        changed = _of_source(self._settings.statuses, self._source, {})
        if changed and header.statuses is None:
            raise ExportError(
                f"setting statuses: source {self._source.label} has no block `statuses` in its header that it could "
                f"change; take [statuses.{self._source.name}] out, or add the block (docs/exports.md)."
            )
        if header.statuses is not None:
            word = "CAST(NULL AS VARCHAR)"
            if header.statuses.column in self._found:
                word = status_word_sql(quoted(self._found[header.statuses.column]))
            made.append(f"{standing_sql(word, header.statuses.meanings(changed))} AS {STANDING}")
        if header.gift_cards is not None:
            columns = [quoted(self._found[name]) for name in header.gift_cards.columns if name in self._found]
            patterns = self._settings.gift_card_products
            made.append(
                f"{gift_card_sql(columns, header.gift_cards.patterns if patterns is None else patterns)} "
                f"AS {IS_GIFT_CARD}"
            )
        return made

    def _tell_unknown_statuses(self) -> None:
        """Words nobody has explained: which, how often, what they count as, and the setting that decides."""
        statuses = self._source.header.statuses
        if statuses is None or statuses.column not in self._found:
            return
        column = quoted(statuses.column)
        known = statuses.meanings(_of_source(self._settings.statuses, self._source, {}))
        counted = self._execute(
            f"WITH people AS (SELECT row_number, min({self._person}) AS person FROM mapped GROUP BY row_number) "
            f"SELECT {status_word_sql('given.' + column)} AS word, count(*), min(given.{column}), "
            "count(DISTINCT person), (SELECT count(*) FROM given) "
            "FROM given LEFT JOIN people ON people.row_number = given.row_number GROUP BY word "
            "HAVING word IS NOT NULL AND NOT list_contains($known, word) ORDER BY 2 DESC, 1",
            known=list(known),
        )
        if not counted:
            return
        shown = [word for word, rows, _, people, of in counted if is_shown(word, rows, people, of)]
        words = [f'"{word}"' if word in shown else f"one shaped like {shape(told)}" for word, _, told, *_ in counted]
        named = [f"{word} ({_rows(rows)})" for word, (_, rows, *_) in zip(words, counted, strict=True)][:_TOP_WORDS]
        more = f" and {len(counted) - _TOP_WORDS} more" if len(counted) > _TOP_WORDS else ""
        example = next(iter(shown), "status")
        self._remark(
            "unknown_status",
            f'column "{self._found[statuses.column]}": unknown statuses {", ".join(named)}{more}. Such orders count as '
            f"orders that stand. Say what they are below [statuses.{self._source.name}] in perennial.toml, such as "
            f'"{example}" = "{UNKNOWN}", or never_stood, or refunded.',
            sum(rows for _, rows, *_ in counted),
        )

    @property
    def _person(self) -> str:
        """SQL: whom a line of `mapped` is of, else its order; null where it says neither."""
        key = next((name for name in self._input.key if name in self._stored), "NULL")
        named = [name for name in ("customer_id", GUEST_ID) if name in {*self._stored, *self._beside}]
        return f"coalesce({', '.join(named)})" if named else key

    def _resolve(self, file: RawFile) -> dict[str, str]:
        """Raw column -> its name in the file; what stands above the header is told."""
        above = file.title_lines
        if above:
            self._remark("preamble", oddities.preamble(above, file.header_line), above)
        try:
            return self._source.resolve(file.columns, self._export.name)
        except ExportError as error:
            if not above:
                raise
            raise ExportError(f"{error} Line {file.header_line:,} was taken for the header.") from None

    def _undo(self, types: dict[str, str], typed: frozenset[str]) -> dict[str, Kind]:
        """Undo in `raw` what a spreadsheet did to its cells; returns the kinds of the columns that are text now.

        `typed` are columns of text in which the file has numbers of its own, whatever they look like.
        """
        known = {raw: kind for raw, kind in self._source.kinds.items() if raw in self._found}
        for raw, kind in known.items():
            name = self._found[raw]
            if kind == "timestamp" and types[name] in ("DOUBLE", "FLOAT", "BIGINT", "INTEGER"):
                self._execute(f"ALTER TABLE raw ALTER {quoted(name)} TYPE VARCHAR")
                types[name] = "VARCHAR"
        if self._source.header.reads == "table":
            texts = [name for name in self._found.values() if types[name] == "VARCHAR"]
            spreadsheets.unwrap(self._engine, texts)
            if self._guards_ids:
                ids = {raw for name in self._ids() for raw in self._source.raw_columns_of(name)}
                columns = [self._found[raw] for raw in known if raw in ids and known[raw] in ("text", "email")]
                spreadsheets.mend_ids(self._engine, columns, types)
            self._empty_placeholders(known, types)
        return {
            raw: kind
            for raw, kind in known.items()
            if kind == "email"
            or (types[self._found[raw]] == "VARCHAR" and not (kind == "number" and self._found[raw] in typed))
        }

    def _empty_placeholders(self, known: Mapping[str, Kind], types: Mapping[str, str]) -> None:
        """In columns of ids, what only says that there is no value becomes none, and what nobody sees goes."""
        named = {raw: name for name in reversed(self._ids()) for raw in self._source.raw_columns_of(name)}
        columns = {
            self._found[raw]: name
            for raw, name in named.items()
            if raw in known and known[raw] in ("text", "email") and types[self._found[raw]] in spreadsheets.HOLDS_TEXT
        }
        spreadsheets.drop_invisible(self._engine, [name for name in columns if types[name] == "VARCHAR"])
        emptied = spreadsheets.empty_placeholders(self._engine, columns)
        if emptied:
            listed = ", ".join(f'{rows:,} in column "{shown_name(name)}"' for name, rows in emptied.items())
            self._remark(
                "placeholders",
                f"cells that say there is no value (such as NULL, N/A, #REF!, ####) were read as empty: {listed}. A "
                f"row without a customer is a guest's; one without an order is quarantined.",
                sum(emptied.values()),
            )

    def _ids(self) -> list[str]:
        outputs = self._source.outputs
        return [name for name in self._schema.columns if spreadsheets.is_id(name) and name in outputs]

    def _money(self) -> list[str]:
        """Raw columns that hold numbers of a currency, or figures that may be such; quantities have no cents."""
        outputs = self._source.outputs
        made = {name: set(self._source.raw_columns_of(name)) for name in self._schema.columns if name in outputs}
        money = {
            raw
            for name, raws in made.items()
            for raw in raws
            if (self._schema.columns[name].metadata or {}).get("unit") == "currency" or name == "value"
        }
        return sorted(
            raw for raw in money - made.get("quantity", set())
            if raw in self._found and self._source.kinds[raw] == "number"
        )  # fmt: skip

    def _refuse_damaged_ids(self) -> None:
        """An id that lost its zeros or digits is another one: such a file is refused whole."""
        if not self._guards_ids or self._source.header.reads != "table":
            return
        siblings = (
            f"SELECT * FROM {self._staging} WHERE file_id IN (SELECT file_id FROM ingest.files "
            f"WHERE status = 'loaded' AND source = {text_literal(self._source.name)} AND file_id <> '{self._file_id}')"
        )
        stored = [name for name in self._ids() if name in self._stored and name != "line_id"]
        if reason := spreadsheets.damage(self._engine, "mapped", stored, siblings):
            raise ExportError(
                f"{self._export.name}, {reason}: {spreadsheets.REMEDY}. If the shop has such ids, write "
                f"{self._source.name} = false below [id_guard] in perennial.toml."
            )

    def _map(self) -> None:
        """`mapped`: the lines of each raw row, canonical columns in canonical types; what cannot be read is null."""
        sql = self._source.select
        with self._source_told():
            described = dict[str, str](self._execute(f"SELECT column_name, column_type FROM (DESCRIBE {sql}\n)"))
        # DuckDB may spell a column as the file does; SQL does not tell capital letters from small ones.
        spelt = {name.lower(): name for name in (*self._schema.columns, *_BESIDE_CANONICAL)}
        outputs = {spelt.get(name.lower(), name): kind for name, kind in described.items()}
        unknown = [name for name in outputs if name not in (*self._schema.columns, *_BESIDE_CANONICAL)]
        if unknown:
            known = ", ".join(self._schema.columns)
            raise ExportError(
                f"{self._source.file}: {', '.join(unknown)} is no column of {self._source.input} ({known})."
            )
        zones = (self._dialect.timezone or self._settings.timezone, self._settings.timezone)
        self._outputs = outputs
        self._stored = {
            name: sql_type(column.dtype)
            for name, column in self._schema.columns.items()
            if not column.nullable or self._has(name)
        }
        columns = [
            f"{_canonical(name, outputs.get(name), declared, *zones)} AS {quoted(name)}"
            for name, declared in (self._stored | self._of_the_file()).items()
        ]
        columns += [f"{_trimmed(f'CAST(source.{name} AS VARCHAR)')} AS {name}" for name in self._beside]
        with self._source_told():
            self._execute(
                f"CREATE OR REPLACE TEMP TABLE mapped AS "
                f"SELECT row_number, {', '.join(columns)} FROM (\n{sql}\n) AS source"
            )
        self._turn_discounts()
        self._complete()
        self._check_lines()
        self._check_problems()
        self._tell_unknown_statuses()

    @property
    def _beside(self) -> list[str]:
        """The output columns that say something of the row and are none of its canonical ones."""
        return [name for name in self._outputs if name in (PROBLEM, GUEST_ID)]

    def _check_problems(self) -> None:
        """A text of a SELECT could hold a cell: it gives names, and the header has the texts."""
        if PROBLEM not in self._outputs:
            return
        known = list(self._source.header.problems)
        strange = f"{PROBLEM} IS NOT NULL AND NOT list_contains($known, {PROBLEM})"
        if self._execute(f"SELECT count(*) FROM mapped WHERE {strange}", known=known)[0][0]:
            raise ExportError(
                f"{self._source.file}: column {PROBLEM} of the SELECT must be null or one of the names in the header's "
                f"block `problems` ({', '.join(known) or 'there is none'})."
            )

    @contextmanager
    def _source_told(self) -> Iterator[None]:
        """What DuckDB says of the source's SELECT is the source's, and no fault of the program."""
        try:
            yield
        except (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError) as error:
            raise self._source.told(error) from error

    def _has(self, name: str) -> bool:
        """Whether a canonical column can hold anything: not if it is a raw column that the file lacks."""
        raw = self._source.passed_on(name)
        return name in self._outputs and (raw is None or raw in self._found)

    def _of_the_file(self) -> dict[str, str]:
        """What the source tells of the file as a whole; it reaches `mapped`, and no staging table."""
        return {EXPORTED_AT: "TIMESTAMP"} if self._has(EXPORTED_AT) else {}

    @property
    def _mapped(self) -> str:
        """SQL: `mapped` with all canonical columns, null where nothing is stored."""
        columns = [
            quoted(name) if name in self._stored else f"CAST(NULL AS {sql_type(column.dtype)}) AS {quoted(name)}"
            for name, column in self._schema.columns.items()
        ]
        if GUEST_ID in self._outputs:
            columns = [
                name.replace('"customer_id"', f"coalesce(customer_id, {GUEST_ID}) AS customer_id") for name in columns
            ]
        return f"(SELECT row_number, {', '.join(columns)} FROM mapped) AS mapped"

    def _check_lines(self) -> None:
        """Every raw row has become a line, or one of each kind; more could not be told apart, fewer would be lost."""
        if self._source.keeps_rows:
            return
        rows, distinct = self._execute("SELECT count(*), count(DISTINCT row_number) FROM completed")[0]
        expected = self._execute("SELECT count(*) FROM raw")[0][0]
        if distinct != expected:
            raise ExportError(
                f"{self._source.file}: the SELECT must return each row once; {expected:,} became {distinct:,}."
            )
        if rows == distinct:
            return
        if self._input.has_one_row_per_key:
            raise ExportError(
                f"{self._source.file}: the SELECT must return each row once; {distinct:,} became {rows:,}."
            )
        self._has_several_lines = True
        kinds, orders = self._execute(
            "SELECT count(DISTINCT (row_number, kind)), count(DISTINCT (row_number, coalesce(order_id, ''))) "
            "FROM completed"
        )[0]
        if kinds != rows or orders != distinct:
            raise ExportError(
                f"{self._source.file}: the SELECT must return each row once, or one line of each kind (sale, charge, "
                f"refund) for it, all of one order; {expected:,} rows became {rows:,} lines of {kinds:,} kinds."
            )

    def _complete(self) -> None:
        """`completed`: what follows from the other columns is filled in, layer upon layer."""
        charges = _of_source(self._settings.charge_products, self._source, ChargeProducts())
        given = filling(self._settings, charges)
        rows = self._mapped
        for layer in self._input.filled:
            made = ", ".join(f"{sql.format(**given)} AS {name}" for name, sql in layer.items())
            rows = f"(SELECT * REPLACE ({made}) FROM {rows}) AS layer"
        if self._input.grain and charges.add and not self._source.keeps_rows:
            rows = _charges_of_a_row_are_one(rows)
        self._execute(f"CREATE OR REPLACE TEMP VIEW filled AS SELECT * FROM {rows}")
        originals = ", CAST(NULL AS DECIMAL(18,2)) AS original_amount, CAST(NULL AS VARCHAR) AS original_currency"
        self._execute(
            f"CREATE OR REPLACE TEMP VIEW completed AS SELECT *{originals if self._input.money else ''} FROM filled"
        )

    def _convert(self) -> None:
        """Lines in other currencies into the reporting currency, at the latest rate on or before their day.

        A line without such a rate keeps its currency, which the rules then refuse.
        """
        if not self._input.money:
            return
        reporting = self._settings.currency
        self._has_foreign_lines = bool(
            self._execute("SELECT count(*) FROM filled WHERE currency <> $reporting", reporting=reporting)[0][0]
        )
        if not self._has_foreign_lines or self._rates is None:
            return
        self._execute(
            """
            CREATE OR REPLACE TEMP TABLE day_rates AS
            WITH wanted AS (
              SELECT DISTINCT currency, CAST(ordered_at AS DATE) AS day FROM filled WHERE currency <> $reporting
            ),
            offered AS (
              SELECT wanted.currency, wanted.day, rates.rate,
                row_number() OVER (PARTITION BY wanted.currency, wanted.day ORDER BY rates.day DESC) AS place
              FROM wanted JOIN rates
                ON rates.currency = wanted.currency
                AND rates.day <= wanted.day AND wanted.day <= rates.day + $days
            )
            SELECT currency, day, rate FROM offered WHERE place = 1
            """,
            reporting=reporting,
            days=self._settings.rate_max_age_days,
        )
        converted = ", ".join(
            f"CASE WHEN rate IS NULL THEN filled.{name} ELSE TRY_CAST(filled.{name} * rate AS {kind}) END AS {name}"
            for name, kind in self._input.money.items()
        )
        self._execute(
            f"""
            CREATE OR REPLACE TEMP VIEW completed AS
            SELECT
              filled.* REPLACE (
                {converted}, CASE WHEN rate IS NULL THEN filled.currency ELSE '{reporting}' END AS currency),
              CASE WHEN rate IS NOT NULL THEN filled.amount END AS original_amount,
              CASE WHEN rate IS NOT NULL THEN filled.currency END AS original_currency
            FROM filled
            LEFT JOIN day_rates
              ON day_rates.currency = filled.currency AND day_rates.day = CAST(filled.ordered_at AS DATE)
            """
        )

    def _find_foreign(self) -> None:
        """What is still in another currency has no rate."""
        reporting, days = self._settings.currency, self._settings.rate_max_age_days
        missing = f"is not the reporting currency {reporting}"
        if self._rates is not None:
            missing += f", and no exchange rate of its day or up to {days} days before is given"
        shown = currency_sql("currency")
        self._execute(
            f"INSERT INTO problems SELECT DISTINCT row_number, 'currency', 'column \"currency\": \"' || {shown} || "
            f"'\" {missing}' FROM completed WHERE currency <> $currency",
            currency=reporting,
        )

    def _date_undated(self) -> None:
        """A refund without a date falls on its order's day; one whose date cannot be read stays a problem."""
        if self._input.borrows_moment is None:
            return
        moment, key = self._input.moment, ", ".join(self._input.key)
        undated = (
            f"{moment} IS NULL AND {self._input.borrows_moment} "
            f"AND row_number NOT IN (SELECT row_number FROM problems WHERE column_name = '{moment}')"
        )
        if self._execute(f"SELECT count(*) FROM completed WHERE {undated}")[0][0]:
            self._execute(
                f"""
                UPDATE mapped SET {moment} = dated.{moment}
                FROM (SELECT {key}, min({moment}) AS {moment} FROM mapped GROUP BY {key}) AS dated
                WHERE {_same(self._input.key, "mapped", "dated")} AND mapped.{moment} IS NULL
                  AND mapped.row_number IN (SELECT row_number FROM completed WHERE {undated})
                """
            )

    # what does not fit

    def _find_problems(self) -> None:
        """`problems`: (row_number, column_name, reason), all reasons of all rows that do not fit."""
        self._execute(
            "CREATE OR REPLACE TEMP TABLE problems AS "
            "SELECT row_number, CAST(NULL AS VARCHAR) AS column_name, reason FROM malformed"
        )
        raw_columns = self._raw_columns()
        self._find_unreadable_cells()
        for name in self._columns_with_nulls():
            if not any(self._source.header.raw[raw].type in _CASTS for raw in raw_columns[name]):
                self._find_unreadable(name, raw_columns[name])
        self._find_foreign_signs()
        self._find_what_the_source_says()
        self._date_undated()
        self._convert()
        shown = {name: self._found[raws[0]] for name, raws in raw_columns.items() if len(raws) == 1}
        rules = [*row_rules(self._schema, shown), *self._input.rules]
        if self._guards_ids:
            rules += spreadsheets.lost_id_rules([name for name in self._ids() if name in self._stored], shown)
        rules += spreadsheets.nested_id_rules([name for name in self._ids() if name in self._stored], shown)
        counts = ", ".join(f"count(*) FILTER (WHERE {rule.fails})" for rule in rules)
        failing = self._execute(f"SELECT {counts} FROM completed")[0]  # one pass; most rules fail nowhere
        for rule, count in zip(rules, failing, strict=True):
            if count and rule.check == "refund_adds" and self._turn_refunds():
                continue
            if count:
                self._apply(rule, raw_columns.get(rule.column, []))
        if self._has_foreign_lines:
            self._find_foreign()
        if self._input.has_one_row_per_key:
            self._find_contradictions()
        if self._source.header.whole_orders:
            self._find_rest_of_orders()

    def _find_foreign_signs(self) -> None:
        """Amounts with the sign or code of another currency than their row's: "$" beside "€" is no euro."""
        reporting = text_literal(self._settings.currency)
        for raw in self._marked:
            made = {name for name in self._schema.columns if raw in self._made_from(name)}
            of_row = "any_value(currency)" if made & set(self._input.money) else reporting
            cells = (
                f"SELECT given.row_number, coalesce(filled.currency, {reporting}) AS currency, "
                f"unnest(regexp_extract_all(given.{quoted(raw)}, {text_literal(SIGN_OF_CURRENCY)})) AS sign "
                f"FROM given JOIN (SELECT row_number, {of_row} AS currency FROM filled GROUP BY row_number) AS filled "
                f"ON filled.row_number = given.row_number JOIN export ON export.row_number = given.row_number "
                f"WHERE export.{quoted(raw)} IS NOT NULL AND regexp_matches(given.{quoted(raw)}, '[^-+0-9., ]')"
            )
            pairs = self._execute(f"SELECT DISTINCT sign, currency FROM ({cells}) AS cells ORDER BY ALL")
            foreign = [(sign, currency) for sign, currency in pairs if not is_sign_of(sign, currency)]
            if foreign and len(pairs) == 1 and not self._knows_currency:
                self._remark(
                    f"marked_{raw}",
                    f'column "{self._found[raw]}": amounts are marked {_sign(foreign[0][0])}, and counted as '
                    f"{self._settings.currency}, since the setting currency is not given: set it to the shop's.",
                )
                continue
            for sign, currency in foreign:
                shown = _sign(sign)
                known = currency if currency in CURRENCIES else shape(currency)
                self._execute(
                    "INSERT INTO problems SELECT DISTINCT row_number, $raw, $reason FROM "
                    f"({cells}) AS cells WHERE sign = $sign AND currency = $currency",
                    raw=raw,
                    sign=sign,
                    currency=currency,
                    reason=f'column "{self._found[raw]}": the amount is marked {shown}, its row is in {known}: give '
                    f"rows a column currency, or export amounts without signs",
                )

    @property
    def _knows_currency(self) -> bool:
        """Whether the file or the settings say of what currency amounts are; else it is the default one's."""
        return self._has("currency") or "currency" in self._settings.model_fields_set

    def _remark_on_rounding(self) -> None:
        """Decimals that the contract does not keep: no fault of a row, but sums may differ by them."""
        types = dict[str, str](self._execute("SELECT column_name, column_type FROM (DESCRIBE raw)"))
        for name, kind in self._stored.items():
            raw = self._source.passed_on(name) if name in self._outputs and kind.startswith("DECIMAL") else None
            if raw is None or raw not in self._found or not _may_have_decimals(types[self._found[raw]]):
                continue
            digits = int(kind.rstrip(")").split(",")[1])
            number = f"TRY_CAST({quoted(raw)} AS DECIMAL(38,9))"
            rounded = f"{number} <> round({number}, {digits})"
            if types[self._found[raw]] == "VARCHAR":  # most texts are too short, which is seen faster
                rounded = f"CASE WHEN {quoted(raw)} LIKE '%.{'_' * (digits + 1)}%' THEN {rounded} ELSE FALSE END"
            rows = self._execute(f"SELECT count(*) FILTER (WHERE {rounded}) FROM export")[0][0]
            if rows:
                lost = "; currencies with three decimals (such as KWD) lose their third" if digits == 2 else ""
                self._remark(
                    f"rounded_{name}",
                    f'column "{self._found[raw]}": {rows:,} numbers with more than {digits} decimals were rounded to '
                    f"{digits}{lost}.",
                    rows,
                )

    def _turn_refunds(self) -> bool:
        """Where every refund of the file is written positive, that is how the shop writes them: they are turned."""
        if self._execute("SELECT count(*) FROM completed WHERE kind = 'refund' AND amount < 0")[0][0]:
            return False
        rows = self._execute("SELECT count(DISTINCT row_number) FROM completed WHERE kind = 'refund' AND amount > 0")
        turned = ", ".join(
            f"CASE WHEN kind = 'refund' THEN -abs({name}) ELSE {name} END AS {name}"
            for name in ("amount", "original_amount")
        )
        definition = self._execute("SELECT sql FROM duckdb_views() WHERE view_name = 'completed'")[0][0]
        query = definition.rstrip().rstrip(";").split(" AS ", 1)[1]
        self._execute(f"CREATE OR REPLACE TEMP VIEW completed AS SELECT * REPLACE ({turned}) FROM ({query}) AS written")
        self._remark(
            "positive_refunds",
            f"all refunds are written with positive amounts ({_rows(rows[0][0])}); they were turned negative.",
            rows[0][0],
        )
        return True

    def _turn_discounts(self) -> None:
        """Where every discount on goods sold is written negative, it is taken off all the same; if only some are, that
        is told, for they raise the amount.
        """
        made_of = {"discount", "quantity", "unit_price"}
        if not made_of <= self._stored.keys() or self._source.passed_on("discount") is None:
            return  # what a source computes has the sign it means
        sold = "quantity * unit_price > 0"
        negative, positive = self._execute(
            f"SELECT count(*) FILTER (WHERE discount < 0 AND {sold}), count(*) FILTER (WHERE discount > 0 AND {sold}) "
            "FROM mapped"
        )[0]
        if negative and positive:
            self._remark(
                "mixed_discounts",
                f"discounts are positive in {_rows(positive)} and negative in {_rows(negative)}, where they raise the "
                f"amount: is that meant?",
                negative,
            )
        elif negative:
            self._execute("UPDATE mapped SET discount = -discount")
            self._remark(
                "negative_discounts",
                f"all discounts are written negative ({_rows(negative)}); they were taken off, not added.",
                negative,
            )

    def _find_what_the_source_says(self) -> None:
        """Rows of which the SELECT itself names a fault: quarantined, or only told."""
        if PROBLEM not in self._outputs:
            return
        for name, fault in self._source.header.problems.items():
            if fault.quarantined:
                self._execute(
                    f"INSERT INTO problems SELECT DISTINCT row_number, '{PROBLEM}', $reason FROM mapped "
                    f"WHERE {PROBLEM} = $name",
                    reason=fault.reason,
                    name=name,
                )
            counted = self._execute(
                f"SELECT count(DISTINCT row_number) FROM mapped WHERE {PROBLEM} = $name", name=name
            )[0][0]
            if counted and not (fault.quarantined and fault.limited):
                self._remark(name, f"{fault.reason} ({_rows(counted)})", counted)
            if fault.quarantined and not fault.limited:
                self._unlimited += counted

    def _find_rest_of_orders(self) -> None:
        """An order of which a row does not fit would be counted in part, which is wrong in silence."""
        self._execute(
            """
            INSERT INTO problems
            SELECT DISTINCT row_number, 'order_id', 'another row of its order does not fit'
            FROM mapped
            WHERE row_number NOT IN (SELECT row_number FROM problems)
              AND order_id IN (
                SELECT order_id FROM mapped WHERE row_number IN (SELECT row_number FROM problems)
              )
            """
        )

    def _leave_out(self) -> None:
        """`left_out`: blank rows, and totals that are certain. They are no rows of the table, and are told."""
        self._execute("CREATE OR REPLACE TEMP TABLE left_out (row_number BIGINT)")
        columns = list(dict(self._execute("SELECT column_name, column_type FROM (DESCRIBE raw)")))
        columns = [name for name in columns if f"raw.{name}" != self._number]
        id = next((name for name in self._input.key if spreadsheets.is_id(name)), None)
        if id is None or self._source.header.reads != "table":
            return
        if self._execute("SELECT count(*) FROM problems")[0][0]:
            if blank := oddities.blank_rows(self._engine, columns, self._number):
                self._remark("blank_rows", f"blank rows left out: {blank:,}.", blank)
            self._forget_left_out()
        numbers = [raw for raw, kind in self._source.kinds.items() if kind == "number" and raw in self._found]
        amounts = self._made_from("amount")
        rows = oddities.Rows(id, numbers, amounts)
        if sums := oddities.totals(self._engine, rows, columns, self._number):
            self._remark("totals", f"rows left out because they hold sums of others: {sums:,}.", sums)
        self._forget_left_out()
        if "customer_id" in self._stored and self._input.money and not sums:
            oddities.guest_like_a_total(self._engine)

    def _forget_left_out(self) -> None:
        for table in ("mapped", "problems"):
            self._execute(f"DELETE FROM {table} WHERE row_number IN (SELECT row_number FROM left_out)")

    def _remark_on_rows(self) -> None:
        """What does not stop a file, and what a person would like to know before believing its figures."""
        self._remark_on_rounding()
        _, bad = self._counts()
        amounts = self._made_from("amount") or self._made_from("unit_price")
        money = [raw for raw in self._money() if raw in amounts]
        if bad and self._input.money and (loss := oddities.biased_loss(self._engine, money)):
            self._remark("biased_loss", f"{_rows(bad)} {'does' if bad == 1 else 'do'} not fit: {loss}.", bad)
        if "timezone" not in self._settings.model_fields_set and not self._dialect.timezone:
            moments = [
                self._found[raw]
                for raw in self._made_from(self._input.moment)
                if raw in self._found and self._is_text(self._found[raw])
            ]
            if behind := oddities.one_offset(self._engine, moments):
                self._remark(
                    "time_zone",
                    f"all times are {behind}, and no time zone is set: days are those of UTC. Set timezone to the "
                    f"shop's (UTC, if it is meant).",
                )
        if "customer_id" in self._stored and self._input.money and (leading := oddities.leading_customer(self._engine)):
            share, orders = leading
            self._remark(
                "leading_customer",
                f"one customer has {share * 100:.0f} % of the rows that name one ({orders:,} orders): is that a "
                f"person, or the number of a till, a placeholder, or an id that a spreadsheet has rounded?",
            )

        if "customer_id" in self._stored and self._input.money and (few := oddities.stand_ins(self._engine)):
            listed = ", ".join(f'"{word}" ({orders:,} orders)' for word, orders in few)
            self._remark(
                "stand_ins",
                f"customers that may be no persons: {listed}. If that stands for guests, leave the cell empty in the "
                f"export, or write nullif(…) in a source of your own (docs/exports.md).",
                sum(orders for _, orders in few),
            )

    def _made_from(self, output: str) -> list[str]:
        """The raw columns that a canonical column is made from; none if the source does not give it."""
        return self._source.raw_columns_of(output) if output in self._source.outputs else []

    def _is_text(self, column: str) -> bool:
        types: dict[str, str] = dict(self._execute("SELECT column_name, column_type FROM (DESCRIBE raw)"))
        return types[column] == "VARCHAR"

    def _find_contradictions(self) -> None:
        """Rows that fit, agree in the key and differ in the rest: nobody can tell which of them is meant.

        Unless each tells when it was changed: then those of the latest time are meant, and must agree.
        """
        columns, key = ", ".join(map(quoted, self._schema.columns)), ", ".join(self._input.key)
        shown = shape_sql(f"concat_ws(', ', {key})")
        opening, ending = text_literal(f'column "{key}": "'), text_literal('" stands in other rows with other values')
        self._execute(
            f"""
            INSERT INTO problems
            WITH fitting AS (
              SELECT row_number, {columns}, {self._changed_at()} AS row_told_at
              FROM completed WHERE row_number NOT IN (SELECT row_number FROM problems)
            ),
            latest AS (
              SELECT * FROM fitting
              QUALIFY row_told_at IS NULL OR row_told_at = max(row_told_at) OVER (PARTITION BY {key})
            ),
            different AS (SELECT DISTINCT {columns} FROM latest)
            SELECT row_number, '{self._input.key[0]}', {opening} || {shown} || {ending}
            FROM fitting
            WHERE {_tuple(self._input.key)} IN (SELECT {key} FROM different GROUP BY {key} HAVING count(*) > 1)
            """
        )

    def _find_age(self) -> None:
        """What tells the age of the file, beside its arrival: when it was exported, and its latest row."""
        self._exported_at = self._told_by_a_column() or self._told_by_its_name()
        if self._exported_at is not None and self._exported_at > self._arrival.believed_until:
            self._exported_at = None
            self._remark(
                "exported_later",
                "says that it was exported more than a day after it arrived; its arrival counts instead.",
            )
        moment = self._input.moment
        self._latest_at = self._execute(
            f"SELECT max({moment}) FROM completed "
            f"WHERE {moment} <= $believed_until AND row_number NOT IN (SELECT row_number FROM problems)"
        )[0][0]
        if self._input.changed_at is None:
            return
        later = f"SELECT count(*) FROM completed WHERE {self._input.changed_at} > $believed_until"
        if rows := self._execute(later)[0][0]:
            self._remark(
                "changed_later",
                f"{self._input.changed_at} is more than a day after the file arrived in {rows:,} of its rows, which "
                f"count as of their file instead.",
                rows,
            )

    def _told_by_a_column(self) -> dt.datetime | None:
        if not self._of_the_file():
            return None
        given = [f"nullif(trim(CAST(given.{quoted(raw)} AS VARCHAR)), '')" for raw in self._raw_columns()[EXPORTED_AT]]
        unreadable = f"mapped.{EXPORTED_AT} IS NULL AND coalesce(NULL, {', '.join(given)}) IS NOT NULL"
        told: dt.datetime | None
        told, rows = self._execute(
            f"SELECT max(mapped.{EXPORTED_AT}), count(*) FILTER (WHERE {unreadable if given else False}) "
            f"FROM mapped JOIN given ON given.row_number = mapped.row_number"
        )[0]
        if rows:
            self._remark("exported_unreadable", f"{EXPORTED_AT} cannot be read in {rows:,} of its rows.", rows)
        return told

    def _told_by_its_name(self) -> dt.datetime | None:
        pattern = _of_source(self._settings.exported_at, self._source, "")
        told = time_in(self._export.name, pattern, ZoneInfo(self._settings.timezone)) if pattern else None
        if pattern and told is None:
            self._remark(
                "exported_unnamed",
                f"its name does not hold the time of the export as {pattern} (setting exported_at); "
                f"its arrival counts instead.",
            )
        return told

    def _apply(self, rule: RowRule, raws: Sequence[str]) -> None:
        """Note the rows that break a rule, unless their column is known to be unreadable, or the source says why."""
        self._execute(
            f"INSERT INTO problems SELECT row_number, '{rule.column}', {rule.reason} FROM completed WHERE {rule.fails} "
            f"AND row_number NOT IN ({_noted(rule.column, *raws, PROBLEM)})"
        )

    def _find_unreadable_cells(self) -> None:
        """Cells of columns that the source declares as numbers or dates, whatever its SELECT makes of them."""
        for raw, column in self._source.header.raw.items():
            if raw not in self._found or column.type not in _CASTS:
                continue
            cast, kind = _CASTS[column.type]
            text = f"nullif(trim(CAST(given.{quoted(raw)} AS VARCHAR)), '')"
            read = f"TRY_CAST(export.{quoted(raw)} AS {cast}) IS NOT NULL"
            if cast == "TIMESTAMP" and self._is_text(self._found[raw]):
                read += f" AND {ends_as_a_time(f'export.{quoted(raw)}')}"
            unreadable = f"({read}) IS NOT TRUE AND {text} IS NOT NULL"
            self._execute(
                f"INSERT INTO problems SELECT given.row_number, {text_literal(raw)}, "
                f"{_unreadable(self._found[raw], text, kind)} "
                f"FROM given JOIN export ON export.row_number = given.row_number WHERE {unreadable}"
            )

    def _raw_columns(self) -> dict[str, list[str]]:
        """Canonical column -> raw columns present in this file it is made from."""
        names = [name for name in self._outputs if name != ROW_NUMBER]
        made_from = {name: self._source.raw_columns_of(name) for name in names}
        return {name: [raw for raw in raws if raw in self._found] for name, raws in made_from.items()}

    def _columns_with_nulls(self) -> list[str]:
        typed = [name for name, kind in self._stored.items() if name in self._outputs and kind != "VARCHAR"]
        if not typed:
            return []
        counts = self._execute(f"SELECT {', '.join(f'count(*) - count({quoted(n)})' for n in typed)} FROM mapped")[0]
        return [name for name, nulls in zip(typed, counts, strict=True) if nulls]

    def _find_unreadable(self, name: str, raws: list[str]) -> None:
        """A typed column is unreadable where it is null although the raw columns it is made from are not blank."""
        if not raws:
            return
        texts = [f"nullif(trim(CAST(given.{quoted(raw)} AS VARCHAR)), '')" for raw in raws]
        text = f"concat_ws(' ', {', '.join(texts)})"
        kind = KINDS_OF[self._stored[name].split("(")[0]]
        self._execute(
            f"INSERT INTO problems SELECT mapped.row_number, '{name}', "
            f"{_unreadable(', '.join(self._found[raw] for raw in raws), text, kind)} "
            f"FROM ({self._rows_without(name)}) AS mapped JOIN given ON given.row_number = mapped.row_number "
            f"WHERE coalesce({', '.join(texts)}) IS NOT NULL AND mapped.row_number NOT IN ({_noted(*raws)})"
        )

    def _rows_without(self, name: str) -> str:
        """SQL: the raw rows of which no line has a value in the column; postage, say, has no quantity of its own."""
        if not self._has_several_lines:
            return f"SELECT row_number FROM mapped WHERE {quoted(name)} IS NULL"
        return f"SELECT row_number FROM mapped GROUP BY row_number HAVING count({quoted(name)}) = 0"

    def _look_at_customer_ids(self) -> None:
        """Ids that are addresses or numbers of people would stand in every table: say so, and hash nothing unasked."""
        if not self._has("customer_id"):
            return
        filled, *personal = self._execute(
            f"SELECT count(customer_id), count(*) FILTER (WHERE contains(customer_id, '@') AND {_EMAIL}), "
            f"count(*) FILTER (WHERE (prefix(customer_id, '+') OR prefix(customer_id, '00')) AND {_PHONE}) "
            "FROM completed"
        )[0]
        for rows, (what, remedy) in zip(personal, _PERSONAL_IDS, strict=True):
            if rows and rows >= 0.5 * filled:
                self._remark(
                    "personal_ids",
                    f"{_rows(rows)} with {what} for the customer, which then stands in every table and audience; "
                    f"{remedy}.",
                    rows,
                )

    def _counts(self) -> tuple[int, int]:
        """(rows read, rows that do not fit). Blank rows and totals that were left out are no rows."""
        read = self._execute(
            "SELECT (SELECT count(*) FROM raw) + (SELECT count(*) FROM malformed) - (SELECT count(*) FROM left_out)"
        )[0][0]
        return read, self._execute("SELECT count(DISTINCT row_number) FROM problems")[0][0]

    def _over_limit(self) -> bool:
        read, bad = self._counts()
        return bool(bad - self._unlimited > self._settings.quarantine_limit * read)

    # writing

    def _forget(self) -> None:
        """Take out what an earlier reading of this file left."""
        self._note_rows()
        for table in (self._staging, *BESIDE_STAGING):
            self._execute(f"DELETE FROM {table} WHERE file_id = $file_id")

    def _note_rows(self) -> None:
        """What is made of the rows of this file must be made again."""
        self._engine.note_changes(self._staging, "file_id = $file_id", {"file_id": self._file_id})

    def _reject(self) -> None:
        """Too much does not fit: nothing of the file is loaded, what does not fit is kept to be looked at."""
        read, bad = self._counts()
        self._quarantine(self._rejected(self._mapping))
        self._record("rejected", self._rejected(self._mapping), read, 0, bad, 0, 0)

    def _accept(self) -> None:
        read, bad = self._counts()
        self._quarantine(self._mapping)
        self._execute(
            "CREATE OR REPLACE TEMP TABLE excluded AS "
            "SELECT row_number FROM problems UNION SELECT row_number FROM left_out"
        )
        superseded = self._exclude_outdated()
        duplicates = self._exclude_copies()
        superseded += self._resolve_contested_keys()
        accepted = self._insert_lines()
        self._note_identities()
        self._note_rows()  # those taken from older files are among them
        self._record("loaded", self._mapping, read, accepted, bad, superseded, duplicates)

    def _quarantine(self, mapping: str) -> None:
        """The reasons into the warehouse, the rows with their text into a file that nobody else may read."""
        if not self._execute("SELECT count(*) FROM problems")[0][0]:
            return
        number, row = self._number, "raw"
        raw_text = "raw.line" if self._source.header.reads == "lines" else self._as_json("raw")
        text = f"coalesce(malformed.text, {raw_text}, '')"
        if self._input.is_personal:  # what the source does not read is nobody's business here
            number, row = "given.row_number", "given"
            text = f"CASE WHEN malformed.row_number IS NULL THEN {self._as_json('given')} ELSE '' END"
        self._execute(
            """
            INSERT INTO ingest.quarantine (file_id, row_number, reasons)
            SELECT $file_id, row_number, string_agg(DISTINCT reason, '; ' ORDER BY reason)
            FROM problems GROUP BY row_number ORDER BY row_number
            """
        )
        rows = f"""
            SELECT reasons.row_number, reasons.reasons, {text} AS raw
            FROM ingest.quarantine AS reasons
            LEFT JOIN malformed ON malformed.row_number = reasons.row_number
            LEFT JOIN {row} ON {number} = reasons.row_number
            WHERE reasons.file_id = $file_id
            """
        write_rows(self._engine, self._settings, self._file_id, mapping, rows)

    def _as_json(self, table: str) -> str:
        """SQL: a row as JSON, column by column: the table's name as a value is a column where the file has such one."""
        columns = [row[0] for row in self._execute(f"SELECT column_name FROM (DESCRIBE {table})")]
        cells = ", ".join(f"{quoted(name)} := {table}.{quoted(name)}" for name in columns)
        return f"CAST(to_json(struct_pack({cells})) AS VARCHAR)"

    def _exclude_copies(self) -> int:
        """Drop what is there twice, where it may be there once only or source or settings say so; returns how many."""
        if self._input.has_one_row_per_key:
            rows, number, columns = "completed", "row_number", ", ".join(self._input.key)
        elif _duplicate_lines(self._settings, self._source) == "drop":
            rows, number, columns = "raw", self._number, ", ".join(quoted(name) for name in self._found.values())
        else:
            return 0
        return int(
            self._execute(
                f"""
                INSERT INTO excluded
                SELECT row_number
                FROM (
                  SELECT {number} AS row_number, row_number() OVER (PARTITION BY {columns} ORDER BY {number}) AS copy
                  FROM {rows} WHERE {number} NOT IN (SELECT row_number FROM excluded)
                ) AS numbered
                WHERE copy > 1
                """
            )[0][0]
        )

    def _exclude_outdated(self) -> int:
        """Drop rows of which this file itself tells a later state; returns how many."""
        if self._input.changed_at is None:
            return 0
        key = ", ".join(self._input.key)
        return int(
            self._execute(
                f"""
                INSERT INTO excluded
                SELECT row_number
                FROM (SELECT row_number, {key}, {self._changed_at()} AS row_told_at FROM completed) AS told
                WHERE row_number NOT IN (SELECT row_number FROM excluded)
                QUALIFY row_told_at < max(row_told_at) OVER (PARTITION BY {key})
                """
            )[0][0]
        )

    def _changed_at(self, of: str = "", believed_until: str = "$believed_until") -> str:
        """SQL: when a row says it was changed, null if it does not; a time after its file arrived is none."""
        column = self._input.changed_at
        if column is None:
            return "CAST(NULL AS TIMESTAMP)"
        return f"CASE WHEN {of}{column} <= {believed_until} THEN {of}{column} END"

    def _tell_reused_keys(self) -> None:
        """An order that another file holds under its id, of another customer and with a day far off, is probably
        another order of that name. Where rows are of whole orders, the day alone tells.
        """
        if not self._input.money:
            return
        key, moment = self._input.key[0], self._input.moment
        other = "" if self._source.header.whole_orders else "AND ours.customer IS DISTINCT FROM theirs.customer"
        reused = self._execute(
            f"""
            WITH ours AS (
              SELECT {key}, min({moment}) AS moment, max(customer_id) AS customer FROM completed
              WHERE row_number NOT IN (SELECT row_number FROM excluded) AND {key} IN (SELECT {key} FROM contested)
              GROUP BY {key}
            ),
            theirs AS (
              SELECT {key}, file_id, min({moment}) AS moment, max(customer_id) AS customer FROM {self._staging}
              WHERE ({key}, file_id) IN (SELECT {key}, file_id FROM contested) GROUP BY {key}, file_id
            )
            SELECT count(DISTINCT ours.{key}) FROM ours JOIN theirs ON theirs.{key} = ours.{key}
            WHERE abs(date_diff('day', ours.moment, theirs.moment)) > {_SAME_ORDER_DAYS} {other}
            """
        )[0][0]
        if reused:
            orders, they = ("1 order stands", "it") if reused == 1 else (f"{reused:,} orders stand", "they")
            self._remark(
                "reused_order_ids",
                f"{orders} under the same id in another file with a day more than {_SAME_ORDER_DAYS} days off; {they} "
                f"may be another order, as after a shop began to count anew. Only the newest is kept: export both in "
                f"one file, or give one of them other ids (such as the year before the number).",
                reused,
            )

    def _tell_backup(self) -> None:
        """A file that counts as the newer only by its arrival, and whose latest row is older, may be an old backup."""
        if self._exported_at is not None or self._latest_at is None or self._input.changed_at is not None:
            return
        listed = ", ".join(self._input.key)
        contents = [f"CAST({quoted(name)} AS {sql_type(c.dtype)})" for name, c in self._schema.columns.items()]
        content = f"sum(CAST(hash({', '.join(contents)}) AS HUGEINT)) AS content"
        taken = f"{_tuple(self._input.key)} IN (SELECT {listed} FROM contested WHERE NOT is_newer)"
        changed = self._execute(
            f"""
            WITH ours AS (
              SELECT {listed}, {content} FROM completed
              WHERE row_number NOT IN (SELECT row_number FROM excluded) AND {taken} GROUP BY {listed}
            ),
            theirs AS (SELECT {listed}, file_id, {content} FROM {self._staging} WHERE {taken} GROUP BY ALL)
            SELECT count(DISTINCT {_tuple([f"ours.{name}" for name in self._input.key])})
            FROM ours
            JOIN theirs ON {_same(self._input.key, "theirs", "ours")} AND ours.content <> theirs.content
            JOIN ingest.files AS files
              ON files.file_id = theirs.file_id AND files.latest_at > CAST($latest_at AS TIMESTAMP)
            JOIN ingest.arrivals AS arrivals
              ON arrivals.file_id = theirs.file_id AND arrivals.arrived_at < CAST($arrived_at AS TIMESTAMP)
            """,
            latest_at=self._latest_at,
            arrived_at=self._arrival.arrived_at,
        )[0][0]
        if changed:
            what = "1 order" if changed == 1 else f"{changed:,} orders"
            self._remark(
                "older_backup",
                f"it arrived later than a file whose latest row is newer than its own, and tells {what} otherwise; "
                f"these count as it tells them. If it is an old backup, remove it, or let a column or its name tell "
                f"when it was exported (exported_at).",
                changed,
            )

    def _resolve_contested_keys(self) -> int:
        """A key is taken whole from one export, the newest by row or by file. Returns how many rows here give way."""
        self._find_contested()
        if not self._execute("SELECT count(*) FROM contested")[0][0]:
            return 0
        self._tell_undecided()
        self._tell_reused_keys()
        self._tell_backup()
        self._take_from_older()
        return int(
            self._execute(
                f"""
                INSERT INTO excluded
                SELECT DISTINCT row_number FROM completed
                WHERE row_number NOT IN (SELECT row_number FROM excluded)
                  AND {_tuple(self._input.key)} IN (SELECT {", ".join(self._input.key)} FROM contested WHERE is_newer)
                """
            )[0][0]
        )

    def _find_contested(self) -> None:
        """`contested`: keys of this file that another one holds, and whether that one is newer.

        A row counts as of its own time, else as of its file's; of equal times the files decide (`precedence`). Where
        also these arrived together, so that only names and rows tell them apart, it `is_undecided`.
        """
        key, listed = self._input.key, ", ".join(self._input.key)
        of_theirs = [f"theirs.{name}" for name in key]
        theirs_at = self._changed_at("theirs.", f"arrivals.seen_at + INTERVAL {BELIEVED.days} DAY")
        left = "FROM completed WHERE row_number NOT IN (SELECT row_number FROM excluded)"
        self._execute(
            f"""
            CREATE OR REPLACE TEMP TABLE contested AS
            WITH held AS (
              SELECT {", ".join(of_theirs)}, theirs.file_id, max({theirs_at}) AS row_told_at
              FROM {self._staging} AS theirs JOIN ingest.arrivals AS arrivals ON arrivals.file_id = theirs.file_id
              WHERE {_tuple(of_theirs)} IN (SELECT {listed} {left})
              GROUP BY ALL
            ),
            given AS (
              SELECT {listed}, max({self._changed_at()}) AS row_told_at
              {left} AND {_tuple(key)} IN (SELECT {listed} FROM held)
              GROUP BY ALL
            ),
            candidates AS (
              {FILES} WHERE files.file_id IN (SELECT file_id FROM held)
              UNION ALL
              SELECT $file_id, coalesce(CAST($exported_at AS TIMESTAMP), CAST($arrived_at AS TIMESTAMP)),
                CAST($arrived_at AS TIMESTAMP), $place, CAST($latest_at AS TIMESTAMP), $name, $sha256, $source
            ),
            ranked AS (SELECT *, row_number() OVER (ORDER BY {OLDEST_FIRST}) AS rank FROM candidates)
            SELECT
              {", ".join(f"held.{name}" for name in key)}, held.file_id,
              (coalesce(held.row_told_at, theirs.told_at), theirs.rank)
                > (coalesce(given.row_told_at, ours.told_at), ours.rank) AS is_newer,
              theirs.told_at = ours.told_at AND theirs.arrived_at = ours.arrived_at
                AND coalesce(held.row_told_at = given.row_told_at, TRUE) AS is_undecided
            FROM held
            JOIN given ON {_same(key, "given", "held")}
            JOIN ranked AS theirs ON theirs.file_id = held.file_id
            JOIN ranked AS ours ON ours.file_id = $file_id
            """,
            exported_at=self._exported_at,
            arrived_at=self._arrival.arrived_at,
            place=self._arrival.place,
            latest_at=self._latest_at,
            name=self._arrival.name,
            sha256=self._sha256,
            source=self._source.name,
        )

    def _tell_undecided(self) -> None:
        """Remark on keys of which two files tell different things and nothing says which of them is newer."""
        key, listed = self._input.key, ", ".join(self._input.key)
        typed = [f"CAST({quoted(name)} AS {sql_type(c.dtype)})" for name, c in self._schema.columns.items()]
        content = f"sum(CAST(hash({', '.join(typed)}) AS HUGEINT)) AS content"
        told = f"count(*) AS lines, min(row_number) AS first_row, {content}"
        undecided = f"{_tuple(key)} IN (SELECT {listed} FROM contested WHERE is_undecided)"
        found = self._execute(
            f"""
            WITH ours AS (
              SELECT {listed}, {told} FROM completed
              WHERE row_number NOT IN (SELECT row_number FROM excluded) AND {undecided} GROUP BY {listed}
            ),
            theirs AS (
              SELECT {listed}, file_id, {told} FROM {self._staging} WHERE {undecided} GROUP BY {listed}, file_id
            )
            SELECT count(*) OVER (), CAST(sum(ours.lines) OVER () AS BIGINT), ours.first_row, theirs.first_row,
              files.path, contested.is_newer
            FROM ours
            JOIN theirs ON {_same(key, "theirs", "ours")}
            JOIN contested ON {_same(key, "contested", "ours")} AND contested.file_id = theirs.file_id
            JOIN ingest.files AS files ON files.file_id = theirs.file_id
            WHERE ours.lines <> theirs.lines OR ours.content <> theirs.content
            ORDER BY ours.first_row LIMIT 1
            """
        )
        for keys, lines, our_row, their_row, path, is_newer in found:
            other = Path(path).name
            self._remark(
                "undecided",
                f"files that arrived together with it tell {keys:,} of its {listed} otherwise (row {our_row:,} here, "
                f"row {their_row:,} of {other}), and nothing says which is newer; {other if is_newer else 'this file'} "
                f"counts, by the numbers in the names, else by the latest row. Let a column or its name tell when "
                f"a file was exported (exported_at), or load one after the other.",
                lines,
            )

    def _take_from_older(self) -> None:
        """Remove contested keys from the older files that hold them, and carry the rows over in their ledger."""
        columns = (*self._input.key, "file_id")
        ours = f"SELECT {', '.join(columns)} FROM contested WHERE NOT is_newer"
        self._execute(
            f"""
            UPDATE ingest.files AS files SET
              accepted = accepted - lost.rows,
              lines = files.lines - lost.lines,
              superseded = superseded + lost.rows,
              without_customer = without_customer - lost.guests
            FROM (
              SELECT
                lines.file_id, count(*) AS lines, count(DISTINCT lines.row_number) AS rows,
                {self._guests("lines.")} AS guests
              FROM {self._staging} AS lines JOIN ({ours}) AS ours USING ({", ".join(columns)}) GROUP BY lines.file_id
            ) AS lost
            WHERE files.file_id = lost.file_id
            """
        )
        self._execute(f"DELETE FROM {self._staging} WHERE {_tuple(columns)} IN ({ours})")

    def _guests(self, of: str = "") -> str:
        """SQL: how many rows name no customer, where rows are of customers and need not name one."""
        column = self._schema.columns.get("customer_id")
        if column is None or not column.nullable:
            return "count(NULL)"
        return f"count(DISTINCT {of}row_number) FILTER (WHERE {of}customer_id IS NULL)"

    def _insert_lines(self) -> int:
        """Write the lines of the rows that are left; returns how many rows these are."""
        derived = {name: made.sql for name, made in self._input.derived.items()}
        given = derived | {name: quoted(name) for name in self._schema.columns}
        keep = "WHERE row_number NOT IN (SELECT row_number FROM excluded)"
        if not self._execute("SELECT count(*) FROM excluded")[0][0]:
            keep = ""
        lines = self._execute(
            f"INSERT INTO {self._staging} (file_id, row_number, {', '.join(map(quoted, given))}) "
            f"SELECT $file_id, row_number, {', '.join(given.values())} FROM completed {keep}"
        )[0][0]
        if self._has_several_lines:
            return int(self._execute(f"SELECT count(DISTINCT row_number) FROM completed {keep}")[0][0])
        return int(lines)

    def _note_identities(self) -> None:
        """What guests can be linked by: for each row the id of its address, and its account if it names one."""
        if GUEST_ID not in self._outputs:
            return
        account = "customer_id" if "customer_id" in self._stored else "CAST(NULL AS VARCHAR)"
        self._execute(
            f"INSERT INTO ingest.identities (file_id, row_number, guest_id, account_id) "
            f"SELECT DISTINCT $file_id, row_number, {GUEST_ID}, {account} FROM mapped "
            f"WHERE {GUEST_ID} IS NOT NULL AND row_number NOT IN (SELECT row_number FROM excluded)"
        )

    def _record(
        self, status: str, mapping: str, read: int, accepted: int, quarantined: int, superseded: int, duplicates: int
    ) -> None:
        ordered_at = "ordered_at" if "ordered_at" in self._schema.columns else "CAST(NULL AS TIMESTAMP)"
        self._execute(
            f"""
            INSERT INTO ingest.files BY NAME
            SELECT
              $file_id AS file_id, $sha256 AS sha256, $source AS source, $input AS input, $path AS path,
              $mapping AS mapping, $status AS status, $read AS rows_read, $accepted AS accepted,
              $quarantined AS quarantined, $superseded AS superseded, $duplicates AS duplicates,
              (SELECT count(*) FROM {self._staging} WHERE file_id = $file_id) AS lines,
              (SELECT {self._guests()} FROM {self._staging} WHERE file_id = $file_id) AS without_customer,
              min({ordered_at}) AS first_ordered_at, max({ordered_at}) AS last_ordered_at,
              CAST($exported_at AS TIMESTAMP) AS exported_at, CAST($latest_at AS TIMESTAMP) AS latest_at,
              $id_key AS id_key, $decimal AS decimal, $dates AS dates
            FROM completed WHERE row_number NOT IN (SELECT row_number FROM problems)
            """,
            sha256=self._sha256,
            source=self._source.name,
            input=self._source.input,
            path=shown_path(self._settings, self._export.path),
            mapping=mapping,
            id_key=self._id_key,
            status=status,
            read=read,
            accepted=accepted,
            quarantined=quarantined,
            superseded=superseded,
            duplicates=duplicates,
            exported_at=self._exported_at,
            latest_at=self._latest_at,
            decimal=next(iter(self._shown.decimals), None),
            dates=next(iter(self._shown.dates), None),
        )
        for remark in self._remarks:
            self._execute(
                "INSERT INTO ingest.remarks BY NAME "
                "SELECT $file_id AS file_id, $subject AS subject, $rows AS rows, $message AS message",
                **asdict(remark),
            )

    def _ledger(self) -> dict[str, Any] | None:
        rows = self._engine.read(
            "SELECT * FROM ingest.files WHERE file_id = $file_id", {"file_id": self._file_id}
        ).to_dicts()
        return rows[0] if rows else None

    def _outcome(self, ledger: dict[str, Any], read_now: bool) -> Loaded:
        counts = {name: ledger[name] for name in ("rows_read", "accepted", "quarantined", "superseded", "duplicates")}
        example = self._example(ledger) if ledger["quarantined"] else None
        remarks = self._execute(
            "SELECT subject, message, rows FROM ingest.remarks WHERE file_id = $file_id ORDER BY subject"
        )
        return Loaded(
            self._export.name, self._source.label, ledger["status"], read_now, **counts, example=example,
            dialect=self._written_as(), remarks=tuple(Remark(*row) for row in remarks), unlimited=self._unlimited,
        )  # fmt: skip

    def _written_as(self) -> str:
        return f"{self._dialect}, as in other files of the source" if self._by_siblings else str(self._dialect)

    def _example(self, ledger: dict[str, Any]) -> str:
        """The first row quarantined, where all of them are, and what to do."""
        row, reasons = self._execute(
            "SELECT row_number, reasons FROM ingest.quarantine WHERE file_id = $file_id ORDER BY row_number LIMIT 1"
        )[0]
        bad, read = ledger["quarantined"], ledger["rows_read"]
        target = quarantine_file(ledger["path"], self._file_id)
        first = f"{self._export.name}, row {row:,}, {reasons}. {bad:,} of {read:,} rows quarantined in {target}"
        if ledger["status"] == "loaded":
            return f"{first}; correct them in the shop and export them again: what the new file holds counts then."
        limit = self._settings.quarantine_limit
        return (
            f"{first}: more than {limit * 100:.1f} % (setting quarantine_limit), so nothing of the file was loaded. "
            f"Fix the export, its source, or the limit, and run again."
        )

    def _drop_temporaries(self) -> None:
        for view in ("completed", "filled", "export", "given"):
            self._execute(f"DROP VIEW IF EXISTS {view}")
        tables = (
            "raw", "malformed", "mapped", "problems", "left_out", "excluded", "contested", "objects", "day_rates",
        )  # fmt: skip
        for table in tables:
            self._execute(f"DROP TABLE IF EXISTS temp.{table}")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _tuple(columns: Sequence[str]) -> str:
    """SQL: columns to be compared together."""
    return columns[0] if len(columns) == 1 else f"({', '.join(columns)})"


def _sign(sign: str) -> str:
    """A sign or code of a currency in a message; anything else by its shape."""
    return sign if sign in SIGNS or sign in CURRENCIES else shape(sign)


def _same(columns: Sequence[str], one: str, other: str) -> str:
    """SQL: whether a row of one table agrees with a row of the other in the columns."""
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in columns)


def _noted(*columns: str) -> str:
    """SQL: the rows that have a problem in one of the columns already."""
    names = ", ".join(text_literal(column) for column in columns)
    return f"SELECT row_number FROM problems WHERE column_name IN ({names})"


def _unreadable(column: str, text: str, kind: str) -> str:
    """SQL: what to say of a text that is not of its kind."""
    hint = (
        f"CASE WHEN regexp_matches({text}, '^[-+]?[0-9.,]*[oO][0-9.,oO]*$') THEN ' (letter O?)' "
        f"WHEN regexp_matches({text}, '[0-9][eE][-+]?[0-9]') "
        f"THEN ' that has kept its digits: a spreadsheet has rounded it; {spreadsheets.REMEDY}' ELSE '' END"
    )
    if kind == "a date":
        hints = " ".join(f"WHEN regexp_matches({text}, '{pattern}') THEN ' ({says})'" for pattern, says in _DATE_HINTS)
        hint = f"CASE {hints} ELSE '' END"
    opening, ending = text_literal(f'column "{column}": "'), text_literal(f'" is not {kind}')
    return f"{opening} || {shape_sql(text)} || {ending} || {hint}"


def _may_have_decimals(kind: str) -> bool:
    """Whether a column of a type may hold more decimals than it means; a FLOAT always does."""
    return kind in ("VARCHAR", "DOUBLE") or (kind.startswith("DECIMAL") and not kind.endswith(",0)"))


def _canonical(name: str, output_type: str | None, declared: str, written_in: str, zone: str) -> str:
    """A source's output column in its canonical type, null where it cannot be read. Blank text is null.

    Times without an offset are of the zone `written_in`; all become times of `zone`, the shop's.
    """
    if output_type is None:
        return f"CAST(NULL AS {declared})"
    column = f"source.{quoted(name)}"
    if declared == "VARCHAR":
        return _trimmed(f"CAST({column} AS VARCHAR)")
    if declared != "TIMESTAMP":
        return f"TRY_CAST({column} AS {declared})"
    if output_type == "TIMESTAMP WITH TIME ZONE":
        return f"timezone({text_literal(zone)}, {column})"
    local = f"TRY_CAST({column} AS TIMESTAMP)"
    if written_in != zone:
        local = f"timezone({text_literal(zone)}, timezone({text_literal(written_in)}, {local}))"
    if output_type != "VARCHAR":
        return local
    # DuckDB reads +0100 and +01:00 only where nothing stands between time and offset.
    close = f"regexp_replace({column}, '\\s+([+-]\\d\\d(:?\\d\\d)?)$', '\\1')"
    with_offset = f"timezone({text_literal(zone)}, TRY_CAST({close} AS TIMESTAMPTZ))"
    return (
        f"CASE WHEN {column} LIKE '{TO_THE_SECOND}' OR NOT contains({column}, ':') THEN {local} "
        f"WHEN regexp_matches({column}, '{WITH_OFFSET}') THEN {with_offset} "
        f"WHEN regexp_matches({column}, '{WITHOUT_OFFSET}') THEN {local} END"
    )


def _charges_of_a_row_are_one(rows: str) -> str:
    """SQL: where a product became a charge and its row brings another (the order's postage), one charge of both."""
    same = "PARTITION BY row_number, CASE WHEN kind = 'charge' THEN 'charge' ELSE 'other' END"
    total = (
        f"CASE WHEN count(*) OVER ({same}) = count(amount) OVER ({same}) "
        f"THEN TRY_CAST(sum(amount) OVER ({same}) AS DECIMAL(18,2)) END"
    )
    return (
        f"(SELECT * REPLACE (CASE WHEN kind = 'charge' THEN {total} ELSE amount END AS amount) FROM {rows} "
        f"QUALIFY kind IS DISTINCT FROM 'charge' OR row_number() OVER ({same} ORDER BY product_id NULLS LAST) = 1) "
        f"AS charged"
    )


def _trimmed(text: str) -> str:
    """SQL: the text without blanks around it, null if nothing is left.

    Most texts have none; seeing that costs a third of making a trimmed copy. Blanks beyond ASCII are left to `trim`.
    """
    may_change = f"{text} = '' OR prefix({text}, ' ') OR suffix({text}, ' ') OR strlen({text}) <> length({text})"
    return f"CASE WHEN {may_change} THEN nullif(trim({text}), '') ELSE {text} END"


def mapping_key(settings: Settings, source: Source) -> str:
    """What decides how a file is read besides the file: its source's SQL, the contract, the settings of ingest."""
    contract = {
        name: (sql_type(c.dtype), c.nullable, [str(x) for x in c.checks])
        for name, c in INPUTS[source.input].schema.columns.items()
    }
    dialect = _of_source(settings.dialects, source, Dialect()).model_dump(exclude_none=True)
    cards = settings.gift_card_products if source.header.gift_cards else None
    parts = [
        _RULES, source.mapping, contract, _duplicate_lines(settings, source), settings.timezone, settings.currency,
        dialect,
        settings.rate_max_age_days, _of_source(settings.exported_at, source, ""),
        _of_source(settings.charge_products, source, ChargeProducts()).model_dump(),
        _of_source(settings.statuses, source, {}), cards, sorted({"timezone", "currency"} & settings.model_fields_set),
        _of_source(settings.id_guard, source, True),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def with_rates(mapping: str, rates: str | None) -> str:
    """How a file was read that holds lines in other currencies: it is read again when the rates change."""
    return f"{mapping} rates {rates}"


def fixed_dialect(settings: Settings, source: Source) -> Dialect:
    """What the settings, else the source say of how its files are written."""
    return _of_source(settings.dialects, source, Dialect()).over(source.header.dialect)


def _duplicate_lines(settings: Settings, source: Source) -> str:
    return _of_source(settings.duplicate_lines, source, source.header.duplicate_lines)


def _of_source(values: Mapping[str, Value], source: Source, otherwise: Value) -> Value:
    """A setting that is given per source: for one of its inputs, else for all of them."""
    return values.get(f"{source.name}.{source.input}", values.get(source.name, otherwise))
