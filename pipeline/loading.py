"""Loading: one export file on its way into the warehouse, all of it set-based.

A file goes through temporary tables: `raw` (the file as it is, numbered), `mapped` (canonical columns, typed),
`problems` (one row per reason why a row does not fit), and from these into the staging table of its input,
ingest.quarantine and the ledger ingest.files in one transaction. Which files there are is `exports`' business; how a
source maps, `sources`'; what a row must be, `contracts`'; how rows of an input come together, `inputs`'.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pipeline import oddities, spreadsheets
from pipeline.contracts import RowRule, row_rules, sql_type
from pipeline.dialects import (
    AmbiguousDialect,
    Dialect,
    Kind,
    Shown,
    minor_units,
    normalised,
    plain_columns,
    recognise,
)
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.inputs import INPUTS
from pipeline.readers import RawFile, read_raw
from pipeline.settings import Settings
from pipeline.sources import ROW_NUMBER, ExportError, Source, quoted, text_literal

Value = TypeVar("Value")
OFFSET = r"\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|UTC|GMT|[+-]\d\d(:?\d\d)?)$"
BESIDE_STAGING = ("ingest.quarantine", "ingest.remarks", "ingest.files")
_TO_THE_SECOND = "_____________:__:__"  # a time written so has no room for an offset, and is told faster
_CASTS = {"number": ("DECIMAL(38,9)", "a number"), "timestamp": ("TIMESTAMP", "a date")}
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
        return self.path.name


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

    @property
    def message(self) -> str:
        """One line for the log; for a rejected file it says what to do."""
        if not self.read_now and self.status == "loaded":
            return f"{self.file}: loaded before, nothing new in it."
        written = f" ({self.dialect})" if self.dialect else ""
        counts = f"{self.file}{written}: {self.rows_read:,} rows read, {self.accepted:,} accepted"
        for count, word in (
            (self.superseded, "superseded by a newer export"),
            (self.duplicates, "exact copies dropped"),
        ):
            counts += f", {count:,} {word}" if count else ""
        if not self.quarantined:
            return counts + "."
        what_to_do = f" {self.example}" if self.status == "loaded" else ""  # a rejected file's is the error of the run
        return f"{counts}, {self.quarantined:,} set aside.{what_to_do}"


class Load:
    """One file on its way into the warehouse. What it leaves open of its dialect, `siblings` decide, if they are given;
    `run` raises Undecided where neither does.
    """

    def __init__(
        self, engine: DuckDBEngine, settings: Settings, export: Export, file_id: str, sha256: str, rates: str | None,
        siblings: Shown | None = None,
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
        self._has_foreign_lines = False
        self._has_several_lines = False
        self._dialect = Dialect()
        self._siblings = siblings
        self._shown = Shown()
        self._by_siblings = False
        self._guards_ids = _of_source(settings.id_guard, export.source, True)
        self._remarks: list[Remark] = []

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
        return self._engine.execute(sql, {"file_id": self._file_id, **parameters})

    def _remark(self, subject: str, message: str, rows: int | None = None) -> None:
        """Note, until the file is written, what a person should look at; once a subject."""
        self._remarks.append(Remark(subject, message, rows))

    # reading and mapping

    def _read(self) -> None:
        """`given`: the columns of the source as they stand in the file. `export`: the same as its SELECT gets them."""
        header, name = self._source.header, self._export.name
        fixed = fixed_dialect(self._settings, self._source)
        scratch = self._settings.warehouse_file.parent / ".spill"
        file = read_raw(
            self._engine, self._export.path, header.reads == "lines", fixed, scratch,
            lambda cells: self._source.fit(cells)[0],
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
            raise Undecided(str(error), error.shown) from error
        self._dialect, self._shown, self._by_siblings = recognised.dialect, recognised.shown, recognised.by_siblings
        numbers = [self._found[raw] for raw, kind in kinds.items() if kind == "number"]
        as_they_are = plain_columns(self._engine, "raw", numbers) if self._dialect.is_plain_in_numbers else set()
        given, export = [], []
        for raw in header.raw:
            column = quoted(self._found[raw]) if raw in self._found else "CAST(NULL AS VARCHAR)"
            given.append(f"{column} AS {quoted(raw)}")
            kind = "text" if self._found.get(raw) in as_they_are else kinds.get(raw, "text")
            export.append(f"{normalised(self._dialect, kind, column)} AS {quoted(raw)}")
        for view, shown in (("given", given), ("export", export)):
            columns = ", ".join(shown)
            self._execute(
                f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT {self._number} AS row_number, {columns} FROM raw"
            )

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
        return {
            raw: kind
            for raw, kind in known.items()
            if types[self._found[raw]] == "VARCHAR" and not (kind == "number" and self._found[raw] in typed)
        }

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
        outputs = dict(self._execute(f"SELECT column_name, column_type FROM (DESCRIBE {sql})"))
        unknown = [name for name in outputs if name not in self._schema.columns and name != ROW_NUMBER]
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
            for name, declared in self._stored.items()
        ]
        self._execute(
            f"CREATE OR REPLACE TEMP TABLE mapped AS SELECT row_number, {', '.join(columns)} FROM ({sql}) AS source"
        )
        self._complete()
        self._check_lines()

    def _has(self, name: str) -> bool:
        """Whether a canonical column can hold anything: not if it is a raw column that the file lacks."""
        raw = self._source.passed_on(name)
        return name in self._outputs and (raw is None or raw in self._found)

    @property
    def _mapped(self) -> str:
        """SQL: `mapped` with all canonical columns, null where nothing is stored."""
        columns = [
            quoted(name) if name in self._stored else f"CAST(NULL AS {sql_type(column.dtype)}) AS {quoted(name)}"
            for name, column in self._schema.columns.items()
        ]
        return f"(SELECT row_number, {', '.join(columns)} FROM mapped) AS mapped"

    def _check_lines(self) -> None:
        """Every raw row has become a line, or one of each kind; more could not be told apart, fewer would be lost."""
        if self._source.keeps_rows:
            return
        rows, distinct = self._execute("SELECT count(*), count(DISTINCT row_number) FROM mapped")[0]
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
        rows = self._mapped
        for layer in self._input.filled:
            made = ", ".join(f"{sql.format(currency=self._settings.currency)} AS {name}" for name, sql in layer.items())
            rows = f"(SELECT * REPLACE ({made}) FROM {rows}) AS layer"
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
        self._execute(
            f"INSERT INTO problems SELECT DISTINCT row_number, 'currency', 'column \"currency\": \"' || currency || "
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
        self._date_undated()
        self._convert()
        shown = {name: self._found[raws[0]] for name, raws in raw_columns.items() if len(raws) == 1}
        rules = row_rules(self._schema, shown)
        if self._guards_ids:
            rules += spreadsheets.lost_id_rules([name for name in self._ids() if name in self._stored], shown)
        counts = ", ".join(f"count(*) FILTER (WHERE {rule.fails})" for rule in rules)
        failing = self._execute(f"SELECT {counts} FROM completed")[0]  # one pass; most rules fail nowhere
        for rule, count in zip(rules, failing, strict=True):
            if count:
                self._apply(rule, raw_columns.get(rule.column, []))
        if self._has_foreign_lines:
            self._find_foreign()
        if self._input.has_one_row_per_key:
            self._find_contradictions()

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
            self._remark("totals", f"rows left out because they hold the sums of the others: {sums:,}.", sums)
        self._forget_left_out()
        if "customer_id" in self._stored and self._input.money and not sums:
            oddities.guest_like_a_total(self._engine)

    def _forget_left_out(self) -> None:
        for table in ("mapped", "problems"):
            self._execute(f"DELETE FROM {table} WHERE row_number IN (SELECT row_number FROM left_out)")

    def _remark_on_rows(self) -> None:
        """What does not stop a file, and what a person would like to know before believing its figures."""
        _, bad = self._counts()
        amounts = self._made_from("amount") or self._made_from("unit_price")
        money = [raw for raw in self._money() if raw in amounts]
        if bad and self._input.money and (loss := oddities.biased_loss(self._engine, money)):
            self._remark("biased_loss", f"{bad:,} rows do not fit: {loss}.", bad)
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
                f"one customer has {share:.0%} of the rows that name one ({orders:,} orders): is that a person, or the "
                f"number of a till, a placeholder, or an id that a spreadsheet has rounded?",
            )

    def _made_from(self, output: str) -> list[str]:
        """The raw columns that a canonical column is made from; none if the source does not give it."""
        return self._source.raw_columns_of(output) if output in self._source.outputs else []

    def _is_text(self, column: str) -> bool:
        types = dict(self._execute("SELECT column_name, column_type FROM (DESCRIBE raw)"))
        return str(types[column]) == "VARCHAR"

    def _find_contradictions(self) -> None:
        """Rows that fit, agree in the key and differ in the rest: nobody can tell which of them is meant."""
        columns, key = ", ".join(map(quoted, self._schema.columns)), ", ".join(self._input.key)
        shown = " || ', ' || ".join(self._input.key)
        opening, ending = text_literal(f'column "{key}": "'), text_literal('" stands in other rows with other values')
        self._execute(
            f"""
            INSERT INTO problems
            WITH fitting AS (
              SELECT row_number, {columns} FROM completed WHERE row_number NOT IN (SELECT row_number FROM problems)
            ),
            different AS (SELECT DISTINCT {columns} FROM fitting)
            SELECT row_number, '{self._input.key[0]}', {opening} || {shown} || {ending}
            FROM fitting
            WHERE {_tuple(self._input.key)} IN (SELECT {key} FROM different GROUP BY {key} HAVING count(*) > 1)
            """
        )

    def _apply(self, rule: RowRule, raws: Sequence[str]) -> None:
        """Note the rows that break a rule, unless their column is known to be unreadable: that says it better."""
        self._execute(
            f"INSERT INTO problems SELECT row_number, '{rule.column}', {rule.reason} FROM completed WHERE {rule.fails} "
            f"AND row_number NOT IN ({_noted(rule.column, *raws)})"
        )

    def _find_unreadable_cells(self) -> None:
        """Cells of columns that the source declares as numbers or dates, whatever its SELECT makes of them."""
        for raw, column in self._source.header.raw.items():
            if raw not in self._found or column.type not in _CASTS:
                continue
            cast, kind = _CASTS[column.type]
            text = f"nullif(trim(CAST(given.{quoted(raw)} AS VARCHAR)), '')"
            unreadable = f"TRY_CAST(export.{quoted(raw)} AS {cast}) IS NULL AND {text} IS NOT NULL"
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
        kind = KINDS_OF[sql_type(self._schema.columns[name].dtype).split("(")[0]]
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

    def _counts(self) -> tuple[int, int]:
        """(rows read, rows that do not fit). Blank rows and totals that were left out are no rows."""
        read = self._execute(
            "SELECT (SELECT count(*) FROM raw) + (SELECT count(*) FROM malformed) - (SELECT count(*) FROM left_out)"
        )[0][0]
        return read, self._execute("SELECT count(DISTINCT row_number) FROM problems")[0][0]

    def _over_limit(self) -> bool:
        read, bad = self._counts()
        return bool(bad > self._settings.quarantine_limit * read)

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
        self._quarantine()
        self._record("rejected", self._rejected(self._mapping), read, 0, bad, 0, 0)

    def _accept(self) -> None:
        read, bad = self._counts()
        self._quarantine()
        self._execute(
            "CREATE OR REPLACE TEMP TABLE excluded AS "
            "SELECT row_number FROM problems UNION SELECT row_number FROM left_out"
        )
        duplicates = self._exclude_copies()
        superseded = self._resolve_contested_keys()
        accepted = self._insert_lines()
        self._note_rows()  # those taken from older files are among them
        self._record("loaded", self._mapping, read, accepted, bad, superseded, duplicates)

    def _quarantine(self) -> None:
        number, row = self._number, "raw"
        raw_text = "raw.line" if self._source.header.reads == "lines" else "CAST(to_json(raw) AS VARCHAR)"
        text = f"coalesce(malformed.text, {raw_text}, '')"
        if self._input.is_personal:  # what the source does not read is nobody's business here
            number, row = "given.row_number", "given"
            text = "CASE WHEN malformed.row_number IS NULL THEN CAST(to_json(given) AS VARCHAR) ELSE '' END"
        self._execute(
            f"""
            INSERT INTO ingest.quarantine (file_id, row_number, reasons, raw)
            WITH reasons AS (
              SELECT row_number, string_agg(DISTINCT reason, '; ' ORDER BY reason) AS reasons
              FROM problems GROUP BY row_number
            )
            SELECT $file_id, reasons.row_number, reasons.reasons, {text}
            FROM reasons
            LEFT JOIN malformed ON malformed.row_number = reasons.row_number
            LEFT JOIN {row} ON {number} = reasons.row_number
            ORDER BY reasons.row_number
            """
        )

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

    def _resolve_contested_keys(self) -> int:
        """A key is taken whole from the newest export that holds it. Returns how many rows of this file give way."""
        key, listed = _tuple(self._input.key), ", ".join(self._input.key)
        self._execute(
            f"""
            CREATE OR REPLACE TEMP TABLE contested AS
            SELECT DISTINCT {listed}, file_id
            FROM {self._staging}
            WHERE {key} IN (
              SELECT {listed} FROM completed WHERE row_number NOT IN (SELECT row_number FROM excluded))
            """
        )
        # A mended export ends when the broken one does: of two that end together, the one with fewer rows set aside.
        newer_first = "newest DESC NULLS LAST, quarantined, sha256 DESC, source DESC"
        newest, quarantined = self._execute(
            f"SELECT {self._input.newest}, (SELECT count(DISTINCT row_number) FROM problems) "
            "FROM completed WHERE row_number NOT IN (SELECT row_number FROM problems)"
        )[0]
        self._execute(
            f"""
            CREATE OR REPLACE TEMP TABLE newer AS
            WITH candidates AS (
              SELECT file_id, coalesce(newest, CAST(last_ordered_at AS VARCHAR)) AS newest, quarantined, sha256, source
              FROM ingest.files WHERE file_id IN (SELECT file_id FROM contested)
              UNION ALL
              SELECT $file_id, CAST($newest AS VARCHAR), $quarantined, $sha256, $source
            ),
            ordered AS (SELECT file_id, row_number() OVER (ORDER BY {newer_first}) AS place FROM candidates)
            SELECT file_id FROM ordered WHERE place < (SELECT place FROM ordered WHERE file_id = $file_id)
            """,
            newest=newest,
            quarantined=quarantined,
            sha256=self._sha256,
            source=self._source.name,
        )
        self._take_from_older()
        return int(
            self._execute(
                f"""
                INSERT INTO excluded
                SELECT DISTINCT row_number FROM completed
                WHERE row_number NOT IN (SELECT row_number FROM excluded)
                  AND {key} IN (SELECT {listed} FROM contested WHERE file_id IN (SELECT file_id FROM newer))
                """
            )[0][0]
        )

    def _take_from_older(self) -> None:
        """Remove contested keys from the older files that hold them, and carry the rows over in their ledger."""
        columns = (*self._input.key, "file_id")
        ours = f"SELECT {', '.join(columns)} FROM contested WHERE file_id NOT IN (SELECT file_id FROM newer)"
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
              {self._input.newest} AS newest, $decimal AS decimal, $dates AS dates
            FROM completed WHERE row_number NOT IN (SELECT row_number FROM problems)
            """,
            sha256=self._sha256,
            source=self._source.name,
            input=self._source.input,
            path=self._shown_path(),
            mapping=mapping,
            status=status,
            read=read,
            accepted=accepted,
            quarantined=quarantined,
            superseded=superseded,
            duplicates=duplicates,
            decimal=next(iter(self._shown.decimals), None),
            dates=next(iter(self._shown.dates), None),
        )
        for remark in self._remarks:
            self._execute(
                "INSERT INTO ingest.remarks BY NAME "
                "SELECT $file_id AS file_id, $subject AS subject, $rows AS rows, $message AS message",
                **asdict(remark),
            )

    def _shown_path(self) -> str:
        home = self._settings.home
        inside = self._export.path.is_relative_to(home)
        return self._export.path.relative_to(home).as_posix() if inside else self._export.name

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
            dialect=self._written_as(), remarks=tuple(Remark(*row) for row in remarks),
        )  # fmt: skip

    def _written_as(self) -> str:
        return f"{self._dialect}, as in other files of the source" if self._by_siblings else str(self._dialect)

    def _example(self, ledger: dict[str, Any]) -> str:
        """The first row set aside, where all of them are, and what to do."""
        row, reasons = self._execute(
            "SELECT row_number, reasons FROM ingest.quarantine WHERE file_id = $file_id ORDER BY row_number LIMIT 1"
        )[0]
        bad, read = ledger["quarantined"], ledger["rows_read"]
        target = quarantine_file(ledger["path"], self._file_id)
        first = f"{self._export.name}, row {row:,}, {reasons}. {bad:,} of {read:,} rows set aside in {target}"
        if ledger["status"] == "loaded":
            return f"{first}; fix the export and load it again, only the new rows will be taken."
        limit = self._settings.quarantine_limit
        return (
            f"{first}: more than {limit:.1%} (setting quarantine_limit), so nothing of the file was loaded. "
            f"Fix the export, its source, or the limit, and run again."
        )

    def _drop_temporaries(self) -> None:
        for view in ("completed", "filled", "export", "given"):
            self._execute(f"DROP VIEW IF EXISTS {view}")
        tables = (
            "raw", "malformed", "mapped", "problems", "left_out", "excluded", "contested", "newer", "objects",
            "day_rates",
        )  # fmt: skip
        for table in tables:
            self._execute(f"DROP TABLE IF EXISTS temp.{table}")


def _tuple(columns: Sequence[str]) -> str:
    """SQL: columns to be compared together."""
    return columns[0] if len(columns) == 1 else f"({', '.join(columns)})"


def _same(columns: Sequence[str], one: str, other: str) -> str:
    """SQL: whether a row of one table agrees with a row of the other in the columns."""
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in columns)


def _noted(*columns: str) -> str:
    """SQL: the rows that have a problem in one of the columns already."""
    names = ", ".join(text_literal(column) for column in columns)
    return f"SELECT row_number FROM problems WHERE column_name IN ({names})"


def _unreadable(column: str, text: str, kind: str) -> str:
    """SQL: what to say of a text that is not of its kind."""
    shown = f"left({text}, 60)"
    hint = f"CASE WHEN regexp_matches({shown}, '^[-+]?[0-9.,]*[oO][0-9.,oO]*$') THEN ' (letter O?)' ELSE '' END"
    serial = r"^\d{5}([.,]\d+)?$"
    if kind == "a date":
        says = "' (the serial number of a spreadsheet?)'"
        hint = f"CASE WHEN regexp_matches({shown}, '{serial}') THEN {says} ELSE '' END"
    opening, ending = text_literal(f'column "{column}": "'), text_literal(f'" is not {kind}')
    return f"{opening} || {shown} || {ending} || {hint}"


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
    has_offset = (
        f"length({column}) > 16 AND {column} NOT LIKE '{_TO_THE_SECOND}' AND regexp_matches({column}, '{OFFSET}')"
    )
    return f"CASE WHEN {has_offset} THEN {with_offset} ELSE {local} END"


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
    parts = [
        source.mapping, contract, _duplicate_lines(settings, source), settings.timezone, settings.currency, dialect,
        settings.rate_max_age_days, "timezone" in settings.model_fields_set,
        _of_source(settings.id_guard, source, True),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def with_rates(mapping: str, rates: str | None) -> str:
    """How a file was read that holds lines in other currencies: it is read again when the rates change."""
    return f"{mapping} rates {rates}"


def quarantine_file(path: str, file_id: str) -> str:
    """Where the quarantined rows of a file are published, relative to the home."""
    return f"data/quarantine/{Path(path).name.split('.')[0]}-{file_id[:8]}.parquet"


def fixed_dialect(settings: Settings, source: Source) -> Dialect:
    """What the settings, else the source say of how its files are written."""
    return _of_source(settings.dialects, source, Dialect()).over(source.header.dialect)


def _duplicate_lines(settings: Settings, source: Source) -> str:
    return _of_source(settings.duplicate_lines, source, source.header.duplicate_lines)


def _of_source(values: Mapping[str, Value], source: Source, otherwise: Value) -> Value:
    """A setting that is given per source: for one of its inputs, else for all of them."""
    return values.get(f"{source.name}.{source.input}", values.get(source.name, otherwise))
