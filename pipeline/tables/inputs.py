"""Inputs: the canonical inputs of the house, `sql/inputs/<input>.sql`, each a header and nothing below it.

The header is the contract of the exports: which columns there are and what may stand in them, which rows belong
together, which of two files counts, what follows from the columns that are given. The pandera schema, the row rules in
SQL and the staging table are made from it; loading knows no input by its name. Whoever adds an input adds a file.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pandera.polars as pa
import sqlglot
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipeline.quoting import text_literal
from pipeline.sections.exports import ChargeProducts
from pipeline.settings import SQL_FOLDER, Settings
from pipeline.tables.header import (
    INPUT_FOLDER,
    Column,
    ColumnType,
    Header,
    HeaderError,
    Table,
    parse_header,
    split_header,
)
from pipeline.tables.rules import EARLIEST, LATEST, RowRule, polars_type
from pipeline.tables.sql_text import DIALECT, first_error
from pipeline.validation import written

LEDGER = "ingest.files"
ORDERS = "order_lines"
"""The input without which there is nothing."""
HASHES, HASHED_FOR = ("email_sha256", "phone_sha256"), "hashed_for"
"""Of customers: what is a hash already, and for which platforms it was made."""
_ORIGIN = {
    "file_id": Column(type="VARCHAR", meaning="File the row came in (ingest.files)"),
    "row_number": Column(type="BIGINT", unit="data rows", min=1, meaning="Position of the row in that file"),
}
_FILLINGS = {"currency": "EUR", "is_charge": "FALSE", "is_product": "FALSE"}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


_FIRST_BIRTH = dt.date(1900, 1, 1)


class InputColumn(BaseModel):
    """A canonical column: its type, what it means, and what may stand in it. Moments lie between 1970 and 2100; dates
    of persons, who may be older than that, from 1900 on.
    """

    model_config = ConfigDict(extra="forbid")

    type: ColumnType
    meaning: str = Field(min_length=3)
    unit: str | None = None
    required: bool = Field(False, description="Whether a completed row must have it")
    min: int | float | None = None
    max: int | float | None = None
    length: tuple[int, int] | None = Field(None, description="Fewest and most characters")
    pattern: str | None = Field(None, description="Regular expression that a text matches from its start")
    otherwise: str | None = Field(None, description="What a message says of a text that does not match the pattern")
    values: tuple[str | int, ...] | None = None
    may_be_money: bool = Field(False, description="Whether a cell may carry the sign of a currency; unit currency does")
    inside_key: bool = Field(False, description="Whether an id counts inside its key only: 1, 2, 3 in each")
    personal: bool = Field(False, description="Whether it tells who somebody is: kept in `people`, and nowhere else")
    keyed: bool = Field(False, description="Whether it is made of a personal one with the home's key: keyed(…)")
    contact: Literal["email", "phone", "kind", "hash"] | None = Field(
        None,
        description="What the text must be to be kept at all; `kind`: what the row's column of this name says; `hash`: "
        "the SHA-256 of an address or a number",
    )

    @model_validator(mode="after")
    def checks_fit_the_type(self) -> Self:
        texts, limits = (self.length, self.pattern), (self.min, self.max)
        if self.type != "VARCHAR" and any(given is not None for given in texts):
            raise ValueError("length and pattern are for VARCHAR")
        if self.type in ("VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP") and any(given is not None for given in limits):
            raise ValueError("min and max are for numbers")
        if self.otherwise is not None and self.pattern is None:
            raise ValueError("otherwise is what is said of a text that does not match pattern: give one")
        if self.contact and not self.personal:
            raise ValueError("by an address or a number somebody is known: say `personal: true`")
        if self.personal and self.required:
            raise ValueError("a personal column may be empty: what is not known of a person is no fault of the row")
        return self

    @field_validator("pattern")
    @classmethod
    def pattern_can_be_read(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"is no regular expression: {error}") from None
        return pattern

    @property
    def documented(self) -> Column:
        """As the staging table documents it."""
        return Column(
            type=self.type, meaning=self.meaning, unit=self.unit, nullable=not self.required, values=self.values
        )

    @property
    def contract(self) -> pa.Column:
        """As pandera checks it, and `rules.row_rules` compiles it."""
        return pa.Column(
            polars_type(self.type), self._checks(), nullable=not self.required, description=self.meaning,
            metadata={"unit": self.unit},
        )  # fmt: skip

    def _checks(self) -> list[pa.Check]:
        checks = []
        first = _FIRST_BIRTH if self.personal else EARLIEST.date()
        always = {"TIMESTAMP": (EARLIEST, LATEST), "DATE": (first, LATEST.date())}
        low, high = always.get(self.type, (self.min, self.max))
        if low is not None and high is not None:
            checks.append(pa.Check.in_range(low, high))
        elif low is not None:
            checks.append(pa.Check.ge(low))
        elif high is not None:
            checks.append(pa.Check.le(high))
        if self.length is not None:
            checks.append(pa.Check.str_length(*self.length))
        if self.pattern is not None:
            checks.append(pa.Check.str_matches(self.pattern, description=self.otherwise))
        if self.values is not None:
            checks.append(pa.Check.isin(self.values))
        return checks


class Derived(Column):
    """A column of the staging table that no export gives: its SQL over the completed row, or what another column was
    before it was converted.
    """

    sql: str | None = None
    before_conversion: str | None = None

    @model_validator(mode="after")
    def is_made_of_one(self) -> Self:
        if (self.sql is None) == (self.before_conversion is None):
            raise ValueError("give either sql or before_conversion")
        if self.before_conversion is not None and not self.nullable:
            raise ValueError("what a column was before it was converted is null where nothing was: nullable: true")
        return self

    @property
    def documented(self) -> Column:
        return Column(**self.model_dump(exclude={"sql", "before_conversion"}))


class Turned(BaseModel):
    """What if all rows break a rule: then that is how the shop writes them, and they are turned negative."""

    model_config = ConfigDict(extra="forbid")

    where: str = Field(description="SQL: the rows meant, whether they break the rule or not")
    subject: Annotated[str, written(_NAME.pattern, "quantities")] = Field(
        description="Subject of the remark (ingest.remarks)"
    )
    says: str = Field(description="The remark; {rows} tells how many")


class Rule(BaseModel):
    """A check of a completed row beyond those of its columns: `fails` is true of a row that does not fit."""

    model_config = ConfigDict(extra="forbid")

    column: str
    fails: str
    reason: str = Field(min_length=10)
    turned: Turned | None = None


class Sign(BaseModel):
    """A column that some shops write negative: if all rows of a file do, it is turned; if some do, that is told."""

    model_config = ConfigDict(extra="forbid")

    where: str = Field(description="SQL over the mapped row: where the sign tells")
    negative: str = Field(description="The remark where it was turned; {rows} tells how many")
    mixed: str = Field(description="The remark where signs differ; {positive} and {negative} tell how many")


class Told(BaseModel):
    """What a person should know of a file without any row of it being wrong."""

    model_config = ConfigDict(extra="forbid")

    where: str = Field(description="SQL over the mapped row: which rows are meant")
    says: str = Field(description="The remark; {rows} tells how many")


class InDoubt(BaseModel):
    """Rows that may be somebody's no: they count as one, and are told, where anything else of them cannot be read."""

    model_config = ConfigDict(extra="forbid")

    of: tuple[str, ...] = Field(min_length=1, description="Who said it; a row without is quarantined as any other")
    unless: str = Field("FALSE", description="SQL over the completed row: which rows are certainly none")
    reads: dict[str, str | None] = Field(
        default_factory=dict,
        description="Columns -> what stands for a value that does not fit; null: it is taken as not given. "
        "A time that cannot be read is that at which the file arrived",
    )
    says: str = Field(description="The remark; {rows} tells how many")


class OnePerRow(BaseModel):
    """Lines of a row of the export that are one line after all, as the postage of an order and another charge."""

    model_config = ConfigDict(extra="forbid")

    where: str = Field(description="SQL: which lines")
    sum: str = Field(description="The column that is added up")
    first_by: str = Field(description="The other columns are those of the line that is first by this one")


class InputHeader(BaseModel):
    """What an input is. SQL expressions speak of the canonical columns; `filling` gives what stands in braces."""

    model_config = ConfigDict(extra="forbid")

    description: str = Field(min_length=10)
    owner: str = "team:data"
    place: int = Field(100, description="Where it is listed among the inputs; those of one place by their names")
    thing: Annotated[str, written("[a-z][a-z ]*", "order line")] = Field(
        description="What a key is, in messages: order, for orders"
    )
    key: tuple[str, ...] = Field(
        min_length=1, description="Rows that agree in it are one thing, taken whole from one export"
    )
    newest_by: Literal["file", "row"] = Field(
        description="What is newer: what the newest file tells, or the row with the latest time in `changed_at`"
    )
    moment: str = Field(description="The column with the time of what a row tells")
    changed_at: str | None = Field(None, description="The column with the time at which a row was last changed")
    person: str | None = Field(None, description="The column with the id of the person that a row is of")
    grain: tuple[str, ...] = Field((), description="What is unique in the table where a key has several rows")
    columns: dict[str, InputColumn] = Field(min_length=1)
    filled: tuple[dict[str, str], ...] = Field(
        (), description="Columns made from others where they are not given, one layer upon the other"
    )
    derived: dict[str, Derived] = Field(default_factory=dict)
    one_per_row: OnePerRow | None = None
    money: tuple[str, ...] = Field(
        (), description="Columns in the currency of the row, which are converted; the first is the amount that counts"
    )
    currency: str | None = Field(None, description="The column that says of what currency the money of a row is")
    signs: dict[str, Sign] = Field(default_factory=dict)
    told: dict[str, Told] = Field(default_factory=dict)
    in_doubt: InDoubt | None = None
    borrows_moment: str | None = Field(
        None, description="Rows that take the earliest moment of their key in the file if they have none of their own"
    )
    rules: dict[str, Rule] = Field(default_factory=dict)
    gives: str | None = Field(None, description="What there is only with an export of it; none: nothing goes without")
    personal: bool = Field(False, description="Whether exports hold columns of persons that no source reads")

    @model_validator(mode="after")
    def columns_can_be_made(self) -> Self:
        for name in [name for name in (*self.columns, *self.derived) if not _NAME.fullmatch(name)]:
            raise ValueError(f"{name!r} is no name of a column: small letters, digits and _ only")
        if taken := {*self.columns} & {*_ORIGIN, *self.derived}:
            raise ValueError(f"{sorted(taken)[0]!r} is a column that the table has already")
        return self

    @model_validator(mode="after")
    def names_are_columns(self) -> Self:
        known = {*self.columns, *self.derived}
        named = {
            "key": self.key, "moment": (self.moment,), "changed_at": (self.changed_at,) if self.changed_at else (),
            "money": self.money, "filled": [name for layer in self.filled for name in layer],
            "rules": [rule.column for rule in self.rules.values()], "signs": self.signs,
            "person": (self.person,) if self.person else (), "currency": (self.currency,) if self.currency else (),
            "in_doubt": (*self.in_doubt.of, *self.in_doubt.reads) if self.in_doubt else (),
            "one_per_row": (self.one_per_row.sum, self.one_per_row.first_by) if self.one_per_row else (),
            "before_conversion": [made.before_conversion for made in self.derived.values() if made.before_conversion],
        }  # fmt: skip
        for field, names in named.items():
            for name in names:
                if name not in self.columns:
                    raise ValueError(f"{field} names {name!r}, which is not among the columns")
        for name in self.grain:
            if name not in {*known, *_ORIGIN}:
                raise ValueError(f"grain names {name!r}, which is no column of the table")
        for name in self.key:
            if not self.columns[name].required:
                raise ValueError(f"key column {name!r} must be required")
        if any(column.personal for column in self.columns.values()) and not self.personal:
            raise ValueError("exports with personal columns are personal: say `personal: true`")
        return self

    @model_validator(mode="after")
    def precedence_is_whole(self) -> Self:
        if (self.newest_by == "row") != (self.changed_at is not None):
            raise ValueError("newest_by: row needs changed_at, the column that tells it; newest_by: file has none")
        if self.changed_at is not None and self.grain:
            raise ValueError("newest_by: row is for inputs with one row per key, so grain is left out")
        for name in {*([self.moment]), *([self.changed_at] if self.changed_at else [])}:
            if self.columns[name].type != "TIMESTAMP":
                raise ValueError(f"{name!r} tells a time, so its type is TIMESTAMP")
        if bool(self.money) != (self.currency is not None):
            raise ValueError("money needs currency, the column that says of what currency a row is, and the reverse")
        for made in self.derived.values():
            if made.before_conversion not in (None, self.currency, *self.money):
                raise ValueError("before_conversion names a column that is neither money nor currency")
        return self

    @model_validator(mode="after")
    def remarks_can_be_said(self) -> Self:
        counts = {"rows": "1 row", "positive": "1 row", "negative": "1 row"}
        texts = [(rule.turned.says, ["rows"]) for rule in self.rules.values() if rule.turned]
        texts += [(sign.negative, ["rows"]) for sign in self.signs.values()]
        texts += [(told.says, ["rows"]) for told in self.told.values()]
        texts += [(self.in_doubt.says, ["rows"])] if self.in_doubt else []
        texts += [(sign.mixed, ["positive", "negative"]) for sign in self.signs.values()]
        for text, known in texts:
            try:
                text.format(**{name: counts[name] for name in known})
            except (KeyError, IndexError, ValueError):
                raise ValueError(f"in braces there may be {' and '.join(known)} only: {text}") from None
        return self

    @model_validator(mode="after")
    def sql_speaks_of_columns(self) -> Self:
        given, completed = {*self.columns}, {*self.columns, *self.derived}
        said = [(sql.format(**_FILLINGS), given) for layer in self.filled for sql in layer.values()]
        said += [(sign.where, given) for sign in self.signs.values()]
        said += [(told.where, given) for told in self.told.values()]
        said += [(self.in_doubt.unless, given)] if self.in_doubt else []
        said += [(self.one_per_row.where, given)] if self.one_per_row else []
        said += [(self.borrows_moment, completed)] if self.borrows_moment else []
        said += [(made.sql, completed) for made in self.derived.values() if made.sql]
        for rule in self.rules.values():
            said += [(rule.fails, completed)] + ([(rule.turned.where, completed)] if rule.turned else [])
        for sql, known in said:
            _require_columns(sql, known)
        return self

    @field_validator("filled")
    @classmethod
    def braces_are_known(cls, layers: tuple[dict[str, str], ...]) -> tuple[dict[str, str], ...]:
        for sql in [sql for layer in layers for sql in layer.values()]:
            try:
                sql.format(**_FILLINGS)
            except (KeyError, IndexError, ValueError):
                raise ValueError(f"in braces there may be {', '.join(_FILLINGS)} only: {sql}") from None
        return layers


def _require_columns(sql: str, known: Container[str]) -> None:
    """Raises ValueError for SQL that cannot be read, or speaks of other columns."""
    try:
        tree = sqlglot.parse_one(sql, read=DIALECT)
    except SqlglotError as error:
        raise ValueError(f"cannot be read as SQL: {first_error(error)}: {sql}") from None
    for column in tree.find_all(exp.Column):
        if column.name not in known:
            raise ValueError(f"there is no column {column.name!r}: {sql}")


@dataclass(frozen=True)
class Input:
    """A canonical input: its name and its header, and what follows from these."""

    name: str
    header: InputHeader
    file: str

    @property
    def description(self) -> str:
        return self.header.description

    @property
    def key(self) -> tuple[str, ...]:
        return self.header.key

    @property
    def moment(self) -> str:
        return self.header.moment

    @property
    def changed_at(self) -> str | None:
        """The column by which the latest row of a key counts, wherever it stands; None: the newest file counts."""
        return self.header.changed_at

    @property
    def grain(self) -> tuple[str, ...]:
        return self.header.grain

    @property
    def filled(self) -> tuple[Mapping[str, str], ...]:
        return self.header.filled

    @property
    def derived(self) -> Mapping[str, str]:
        """Columns that no export gives -> their SQL over the completed row, which holds what was converted itself."""
        return {name: made.sql or name for name, made in self.header.derived.items()}

    @property
    def before_conversion(self) -> Mapping[str, str]:
        """Columns of the completed row that keep what another one was before it was converted -> that one."""
        kept = {name: made.before_conversion for name, made in self.header.derived.items()}
        return {name: of for name, of in kept.items() if of is not None}

    @property
    def person(self) -> str | None:
        return self.header.person

    @property
    def has_guests(self) -> bool:
        """Whether a row may be of a person that nobody knows."""
        return self.person is not None and not self.header.columns[self.person].required

    @property
    def line_of_row(self) -> tuple[str, ...]:
        """What tells lines of one row of an export apart."""
        return tuple(name for name in self.grain if name not in _ORIGIN)

    @property
    def amount(self) -> str | None:
        """The money that counts."""
        return next(iter(self.header.money), None)

    @property
    def is_of_sales(self) -> bool:
        """Whether the money of a row was somebody's, paid at its moment; prices of products are nobody's."""
        return bool(self.header.money) and self.person is not None

    @property
    def currency(self) -> str | None:
        return self.header.currency

    def type_of(self, column: str) -> str:
        """The SQL type of a column of the staging table."""
        return self.table.header.columns[column].type

    def things(self, count: int) -> str:
        """So many keys, in a message."""
        return f"1 {self.header.thing}" if count == 1 else f"{count:,} {self.header.thing}s"

    @property
    def borrows_moment(self) -> str | None:
        return self.header.borrows_moment

    @property
    def gives(self) -> str | None:
        """What there is only with an export of it, as a phrase; None for orders, without which there is nothing."""
        return self.header.gives

    @property
    def is_personal(self) -> bool:
        """Whether only columns that the source reads are kept, also in quarantine."""
        return self.header.personal

    @property
    def reading(self) -> dict[str, Any]:
        """What of the header decides how a file is read: all but what only documents it."""
        header = self.header.model_dump(mode="json", exclude={"description", "owner", "place", "gives"})
        for column in (*header["columns"].values(), *header["derived"].values()):
            del column["meaning"]
        return header

    @property
    def has_one_row_per_key(self) -> bool:
        return not self.grain

    @property
    def money(self) -> Mapping[str, str]:
        """Columns in the currency of the row, and their types."""
        return {name: self.header.columns[name].type for name in self.header.money}

    @cached_property
    def rules(self) -> tuple[RowRule, ...]:
        return tuple(
            RowRule(rule.column, name, rule.fails, text_literal(f'column "{rule.column}": {rule.reason}'))
            for name, rule in self.header.rules.items()
        )

    @cached_property
    def schema(self) -> pa.DataFrameSchema:
        """The contract of its columns, made from the header."""
        return pa.DataFrameSchema(
            name=self.name, columns={name: column.contract for name, column in self.header.columns.items()}
        )

    @cached_property
    def stored(self) -> tuple[str, ...]:
        """The columns that stand in staging: all that are not personal."""
        return tuple(name for name, column in self.header.columns.items() if not column.personal)

    @cached_property
    def persons(self) -> tuple[str, ...]:
        """The personal columns: they stand in `people`."""
        return tuple(name for name, column in self.header.columns.items() if column.personal)

    @property
    def is_keyed(self) -> bool:
        """Whether loading it needs the home's key."""
        return any(column.keyed for column in self.header.columns.values())

    @cached_property
    def table(self) -> Table:
        """staging.<name>, written by ingest, documented by its contract."""
        derived = {name: made.documented for name, made in self.header.derived.items()}
        canonical = {name: self.header.columns[name].documented for name in self.stored}
        grain = self.grain or self.key
        header = Header(
            description=self.description, grain=grain, owner=self.header.owner, columns=_ORIGIN | derived | canonical
        )
        return Table("staging", self.name, header, None, self.file, topic="staging")


def read_input(path: Path) -> Input:
    """The input of a file. Raises HeaderError, with file, line and field, for one that cannot be used."""
    text = path.read_text(encoding="utf-8")
    file = f"sql/{INPUT_FOLDER}/{path.name}"
    data, below = split_header(text, file)
    if below is not None:
        raise HeaderError(f"{file}: an input is a header only; the SELECT is in sql/sources/<source>/{path.name}.")
    if not _NAME.fullmatch(path.stem):
        raise HeaderError(f"{file}: an input is named by small letters, digits and _ only.")
    return Input(path.stem, parse_header(InputHeader, data, text, file), file)


def read_inputs(folder: Path = SQL_FOLDER / INPUT_FOLDER) -> dict[str, Input]:
    """All inputs of a folder by name, in the order in which they are listed. Raises HeaderError."""
    inputs = sorted(map(read_input, folder.glob("*.sql")), key=lambda one: (one.header.place, one.name))
    return {one.name: one for one in inputs}


INPUTS: dict[str, Input] = read_inputs()


def filling(settings: Settings, charges: ChargeProducts) -> dict[str, str]:
    """What stands for the names in braces in `filled`: the reporting currency, and which products are charges."""
    return {
        "currency": settings.currency, "is_charge": charges.matches("add"), "is_product": charges.matches("exempt"),
    }  # fmt: skip


def input_tables() -> list[Table]:
    """The staging tables that ingest fills."""
    return [one.table for one in INPUTS.values()]


def with_inputs(written: Mapping[str, Table]) -> list[Table]:
    """All tables: those that have files, the staging tables, and the ledger with what it says of every input."""
    return [*{**written, LEDGER: _knowing_inputs(written[LEDGER])}.values(), *input_tables()]


def _knowing_inputs(ledger: Table) -> Table:
    """Its inputs by name, and two tests that go over all their tables."""
    header = ledger.header
    named = header.columns["input"].model_copy(update={"values": tuple(INPUTS)})
    tests = {"lines_are_there": _lines_are_there(), "a_key_has_one_row": _a_key_has_one_row()}
    known = {"columns": header.columns | {"input": named}, "tests": header.tests | tests}
    return replace(ledger, header=header.model_copy(update=known))


def _lines_are_there() -> str:
    staged = "\nUNION ALL ".join(f"SELECT file_id FROM {table.full_name}" for table in input_tables())
    return f"""SELECT files.file_id, files.lines AS expected, count(lines.file_id) AS lines
FROM {LEDGER} AS files
LEFT JOIN (
{staged}
) AS lines ON lines.file_id = files.file_id
GROUP BY files.file_id, files.lines
HAVING count(lines.file_id) <> files.lines"""


def _a_key_has_one_row() -> str:
    """Order lines are told apart by file and row, which reading gives: what is left are the inputs of one row a key."""
    return "\nUNION ALL\n".join(_keys_twice(one) for one in INPUTS.values() if one.has_one_row_per_key)


def _keys_twice(one: Input) -> str:
    key = " || ' ' || ".join(f"CAST({name} AS VARCHAR)" for name in one.key)
    return f"""SELECT '{one.name}' AS input, {key} AS row_key
FROM {one.table.full_name} GROUP BY {", ".join(one.key)} HAVING count(*) > 1"""


def optional_inputs() -> dict[str, str]:
    """Inputs that a shop may leave out -> what it then goes without."""
    return {name: one.gives for name, one in INPUTS.items() if one.gives is not None}


def switched_off(given: Container[str]) -> list[str]:
    """What there is not, and for want of which input, when exports of these were loaded."""
    return [f"{gives} (no export of {name})" for name, gives in optional_inputs().items() if name not in given]
