"""Tables as SQL files: `sql/<schema>/<table>.sql` is one header comment and one SELECT.

The header (YAML in a leading /* … */) is the documentation, the contract and the tests of the table; the SELECT tells
which tables it reads. A table that Python writes has a header and no SELECT. Nothing here runs SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipeline.errors import PerennialError
from pipeline.places import FOLDER_COLUMN
from pipeline.settings import SQL_FOLDER
from pipeline.tables.emptiness import MAY_HAVE_ROWS, Without
from pipeline.tables.inlining import FEATURES, WithFeatures, inlined, reading
from pipeline.tables.sql_text import within
from pipeline.validation import told, written

PARTITION_COLUMN = "snapshot_date"
PARAMETER_TABLES = ("params.settings", "params.days")
"""Views that every engine has beside the tables."""
RENAMED_COLUMNS = {
    "marts.survival_curves": {FOLDER_COLUMN: "silent_days"},
    **{
        f"marts.{name}": {"value_at_stake": "revenue_12_months"}
        for name in ("contact_calendar", "customer_360", "discount_bands", "segment_events")
    },
}
"""Table -> old name of a column -> its name now: what older versions stored is read, and upgraded, by this."""
OF_EVERY_TABLE = ("keys_unique", "columns_fit")
"""The tests that every table has."""
INPUT_FOLDER = "inputs"
AUDIENCES = "audiences"
PLATFORMS = "platforms"
# libyaml where PyYAML was built with it, as its wheels are: ten times as fast over all headers.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_HEADER = re.compile(r"\A\s*/\*(?P<yaml>.*?)\*/(?P<sql>.*)\Z", re.DOTALL)
_AFTER = re.compile(r"""(?:[;\s]|--[^\n'"]*(?:\n|\Z))+\Z""")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ColumnType = Annotated[
    str,
    written(
        r"VARCHAR|BOOLEAN|INTEGER|BIGINT|DOUBLE|DATE|TIMESTAMP|DECIMAL\(\d+,\s?\d+\)",
        "VARCHAR, BOOLEAN, INTEGER, BIGINT, DOUBLE, DATE, TIMESTAMP or DECIMAL(18,2)",
    ),
]


Model = TypeVar("Model", bound=BaseModel)


class HeaderError(PerennialError):
    """A SQL file whose header cannot be used; the message names the file and the line or field."""


def bare(select: str) -> str:
    """A SELECT without what may follow it, and would harm it in brackets: semicolons and comments."""
    return _AFTER.sub("", select.strip())


def is_name(text: str) -> bool:
    """Whether SQL takes it for a name without quotes: letters without accents, digits and _, no digit first."""
    return _NAME.fullmatch(text) is not None


def require_names(columns: dict[str, Column]) -> dict[str, Column]:
    """Raises ValueError for a column whose name would need quotes somewhere."""
    for name in columns:
        if not is_name(name):
            raise ValueError(f"{name!r} cannot name a column; use letters, digits and _")
    if len({name.lower() for name in columns}) < len(columns):
        raise ValueError("two columns have the same name but for capitals; SQL takes them for one")
    return columns


def require_owner(owner: str) -> str:
    """Raises ValueError for what Dagster would not take for an owner."""
    if not re.fullmatch(r"team:[A-Za-z0-9_-]+|[^@\s]+@[^@\s]+\.[^@\s]+", owner):
        raise ValueError("an owner is 'team:name' or an e-mail address")
    return owner


class Column(BaseModel):
    """One documented column: what it means, in which unit, and which values it may take."""

    model_config = ConfigDict(extra="forbid")

    type: ColumnType
    meaning: str = Field(min_length=3)
    unit: str | None = None
    label: str | None = Field(None, description="Heading on pages; else the name, in words")
    nullable: bool = False
    min: float | None = None
    max: float | None = None
    values: tuple[str | int, ...] | None = None


class Header(BaseModel):
    """What a table is: one row per `grain`, kept by `owner`, with these columns; tests return bad rows."""

    model_config = ConfigDict(extra="forbid")

    description: str = Field(min_length=10)
    grain: tuple[str, ...] = Field(min_length=1)
    owner: str
    columns: dict[str, Column] = Field(min_length=1)
    tests: dict[str, str] = Field(default_factory=dict)
    metrics: str | None = Field(None, description="SELECT of name and value: figures of a day that Dagster plots")
    incremental_by: str | None = Field(None, description="Key of which all rows follow from the key's rows it reads")
    computed_by: str | None = Field(None, description="Step of `pipeline.steps.computed` that makes it")
    reads: tuple[str, ...] = Field((), description="Tables that step reads; of a SELECT they are seen")
    keep: bool = Field(False, description="A feature that many read: an engine may compute it once for all of them")

    @field_validator("owner")
    @classmethod
    def owner_is_team_or_mail(cls, owner: str) -> str:
        return require_owner(owner)

    @field_validator("columns")
    @classmethod
    def columns_are_names(cls, columns: dict[str, Column]) -> dict[str, Column]:
        return require_names(columns)

    @field_validator("tests")
    @classmethod
    def tests_have_names(cls, tests: dict[str, str]) -> dict[str, str]:
        for name in tests:
            if not is_name(name) or name in OF_EVERY_TABLE:
                raise ValueError(f"{name!r} cannot name a test; use letters, digits and _, no {OF_EVERY_TABLE}")
        return {name: bare(sql) for name, sql in tests.items()}

    @field_validator("metrics")
    @classmethod
    def metrics_are_bare(cls, metrics: str | None) -> str | None:
        return None if metrics is None else bare(metrics)

    @model_validator(mode="after")
    def grain_is_documented(self) -> Self:
        for key in self.grain:
            if key not in self.columns:
                raise ValueError(f"grain names {key!r}, which is not among the columns")
            if self.columns[key].nullable:
                raise ValueError(f"grain column {key!r} must not be nullable")
        if self.incremental_by is not None and self.incremental_by not in self.grain:
            raise ValueError(f"incremental_by names {self.incremental_by!r}, which is not in the grain")
        return self

    @model_validator(mode="after")
    def folders_are_no_column(self) -> Self:
        if {PARTITION_COLUMN, FOLDER_COLUMN} <= self.columns.keys():
            raise ValueError(f"a published table has no column {FOLDER_COLUMN!r}: its folders are called so")
        return self

    @model_validator(mode="after")
    def reads_are_of_a_step(self) -> Self:
        if self.reads and self.computed_by is None:
            raise ValueError("reads is for tables with computed_by; what a SELECT reads is seen from it")
        return self


@dataclass(frozen=True, eq=False)
class Table:
    """A table of the warehouse as its file tells it."""

    schema: str
    name: str
    header: Header
    select: str | None
    """What an engine runs: the SELECT of the file with the features that it reads written in."""
    file: str
    first_line: int = 1
    """The line of the file in which the SELECT begins."""
    topic: str = ""
    """The folder of the file: `sql/marts/rfm/rfm_scores.sql` is of the topic rfm, though of the schema marts."""
    text: str | None = None
    """The SELECT as it stands in the file, where it reads features."""

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def is_ours(self) -> bool:
        """Whether its file came with Perennial; messages call the folder of a home by the home's name."""
        return self.file.startswith("sql/")

    @property
    def is_partitioned(self) -> bool:
        return PARTITION_COLUMN in self.header.columns

    @cached_property
    def reads(self) -> frozenset[str]:
        """Tables the SELECT, or the step that computes the table, reads, without itself."""
        return self._all_reads - {self.full_name}

    @property
    def is_history(self) -> bool:
        """Whether a partition depends on the earlier partitions of its own table."""
        return self.full_name in self._all_reads

    @cached_property
    def incremental_source(self) -> str | None:
        """The table whose changed keys say which rows to rebuild (`engines.incremental`); None: always all rows."""
        if self.header.incremental_by is None:
            return None
        sources = [name for name in self._all_reads if not name.startswith("params.")]
        if self.is_partitioned or len(sources) != 1:
            raise HeaderError(f"{self.file}: incremental_by needs a SELECT from one table, and no snapshot_date.")
        return sources[0]

    @property
    def without(self) -> Without:
        """Without the rows of which tables its SELECT has none."""
        return self._reading[1]

    @property
    def _all_reads(self) -> frozenset[str]:
        return self._reading[0]

    @cached_property
    def _reading(self) -> tuple[frozenset[str], Without]:
        if isinstance(self.select, WithFeatures):
            return self.select.tables, self.select.without
        if self.select is None:
            return frozenset(self.header.reads), MAY_HAVE_ROWS
        return reading(self.select, self.file)

    @property
    def declared_select(self) -> str:
        """The SELECT with the columns and types of the header. Its lines stay where they are."""
        return self.declared(self.select)

    @property
    def declared_text(self) -> str:
        """The same of the SELECT as it stands in the file: features are tables to it."""
        return self.declared(self.text or self.select)

    def declared(self, select: str | None) -> str:
        """A SELECT of its columns, in the types of the header."""
        types = self.column_types().items()
        columns = ", ".join(f'CAST(selected."{name}" AS {kind}) AS "{name}"' for name, kind in types)
        return f"SELECT {columns} FROM ({select}\n) AS selected"  # behind a comment, too

    def column_types(self) -> dict[str, str]:
        return {name: column.type for name, column in self.header.columns.items()}


def split_header(text: str, file: str) -> tuple[dict[str, Any], str | None]:
    """The header as plain data, and the SQL below it (None if there is none)."""
    match = _HEADER.match(text)
    if match is None:
        raise HeaderError(f"{file}: must begin with a header comment /* … */; docs/sql.md shows one.")
    data = read_yaml(match["yaml"], file)
    return data, bare(match["sql"]) or None


def read_yaml(text: str, file: str) -> dict[str, Any]:
    """The fields of a header. `text` begins in the file's first line, so that lines are those of the file."""
    try:
        data = yaml.load(text, _LOADER)  # noqa: S506 - a safe one either way
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise HeaderError(f"{file}, line {line}: the header is not readable YAML: {error.problem}.") from error
    if not isinstance(data, dict):
        raise HeaderError(f"{file}: the header must be a list of `name: value` lines.")
    return data


def parse_header(model: type[Model], data: Mapping[str, Any], text: str, file: str) -> Model:
    """The header as `model`; errors name the file, the line of the field, and what is wrong with it."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [
            f"{file}{_line_of(p['loc'][:-1] if p['type'] == 'missing' else p['loc'], text)}: "
            f"{'.'.join(map(str, p['loc'])) or 'header'}: {told(p, model)}"
            for p in error.errors()
        ]
        raise HeaderError("\n".join(problems)) from error


def text_of(path: Path, file: str) -> str:
    """The text of a SQL file. Raises HeaderError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")  # editors of Windows put a mark in front
    except UnicodeDecodeError as error:
        raise HeaderError(f"{file}: is not UTF-8 text (byte {error.start:,}). Save it as UTF-8.") from error
    except OSError as error:
        raise HeaderError(f"{file}: cannot be read: {error.strerror}.") from error


def read_named(model: type[Model], text: str, file: str, name: str, what: str) -> tuple[Model, str, int]:
    """Of the text of a header and a SELECT, `what` in messages, in a file that is called `file`: the header, the SELECT
    and the line in which that begins. Raises HeaderError.
    """
    data, select = split_header(text, file)
    header = parse_header(model, data, text, file)
    if select is None:
        raise HeaderError(f"{file}: {what} needs a SELECT below its header.")
    if not is_name(name) or name != name.lower():
        raise HeaderError(f"{file}: {name!r} cannot name {what}; use lower-case letters, digits and _.")
    return header, select, text[: text.index(select)].count("\n") + 1


def called(path: Path, root: Path, folder: str) -> str:
    """What messages call a file below `root`, which they call `folder`."""
    return f"{folder}/{path.relative_to(root).as_posix()}"


def read_table(
    path: Path, root: Path = SQL_FOLDER, folder: str = "sql", features: Mapping[str, Table] | None = None
) -> Table:
    """The table of a file below `root`, which messages call `folder`, with the features it reads written in.

    Without `features` its SELECT is left as it stands. Raises HeaderError or Refused for a file that cannot be used.
    """
    file = f"{folder}/{path.relative_to(root).as_posix()}"
    text = text_of(path, file)
    data, select = split_header(text, file)
    header = parse_header(Header, data, text, file)
    if select is not None and header.computed_by is not None:
        raise HeaderError(f"{file}: has a SELECT, so it is not computed_by anything; remove one.")
    first_line = text[: text.index(select)].count("\n") + 1 if select else 1
    schema, *topic = path.relative_to(root).parts[:-1]
    if header.keep and schema != FEATURES:
        raise HeaderError(f"{file}: keep is for features; a table is stored anyway.")
    for name in (schema, *topic, path.stem):
        if not is_name(name):
            raise HeaderError(f"{file}: {name!r} cannot name a table or a folder of tables; use letters, digits and _.")
    table = Table(schema, path.stem, header, select, file, first_line, "".join(topic[:1]) or schema)
    with within(first_line):  # a SELECT that cannot be used is refused here, and read once
        if features is not None:
            table = _with_features(table, features)
            _require_day(table)
        _ = table.reads
    return table


def _with_features(table: Table, features: Mapping[str, Table]) -> Table:
    if table.select is None:
        return table
    select = inlined(table.select, table.file, {name: feature.declared_text for name, feature in features.items()})
    return replace(table, select=select, text=table.select)


def _require_day(table: Table) -> None:
    """A table of all days is built without one: what it reads as of a day would be empty, and nobody told."""
    if "$snapshot_date" in (table.select or "") and not table.is_partitioned:
        raise HeaderError(
            f"{table.file}: its SELECT, or a feature it reads, asks for $snapshot_date; then the table has a row for "
            f"each day, and its header and SELECT need the column {PARTITION_COLUMN}."
        )


def read_tables(root: Path = SQL_FOLDER, features: Mapping[str, Table] | None = None) -> dict[str, Table]:
    """All tables by full name, in an order in which each comes after the tables it reads.

    `features` are those of `read_features`, where they have been read already.
    Raises HeaderError or Refused for a file that cannot be used, HeaderError for tables that read in a circle and for
    two files of one table.
    """
    not_stored = {"sources", INPUT_FOLDER, AUDIENCES, PLATFORMS, FEATURES}
    files = sorted(path for path in root.rglob("*.sql") if path.relative_to(root).parts[0] not in not_stored)
    features = read_features(root) if features is None else features
    tables = [read_table(path, root, features=features) for path in files]
    require_one_file_each(tables)
    return in_order(tables)


def require_one_file_each(tables: Iterable[Table]) -> None:
    """Raises HeaderError that names both files of a table."""
    files: dict[str, str] = {}
    for table in tables:
        if (other := files.setdefault(table.full_name, table.file)) != table.file:
            raise HeaderError(f"{table.file}: {table.full_name} is in {other} already; rename one of the files.")


def read_features(root: Path = SQL_FOLDER) -> dict[str, Table]:
    """SELECTs that are asked for any day and never stored, by full name, each after those it reads.

    Raises HeaderError or Refused as `read_tables` does.
    """
    features = in_order(read_table(path, root) for path in sorted(root.glob(f"{FEATURES}/*.sql")))
    for feature in features.values():
        if feature.is_history:
            raise HeaderError(f"{feature.file}: reads itself; a feature is not stored, so it has no earlier rows.")
    return {name: _with_features(feature, features) for name, feature in features.items()}


def in_order(tables: Iterable[Table]) -> dict[str, Table]:
    by_name = {table.full_name: table for table in tables}
    graph = {name: sorted(table.reads & by_name.keys()) for name, table in by_name.items()}
    try:
        return {name: by_name[name] for name in TopologicalSorter(graph).static_order()}
    except CycleError as error:
        raise HeaderError(f"tables read each other in a circle: {' → '.join(error.args[1])}.") from error


def _line_of(location: tuple[int | str, ...], text: str) -> str:
    """', line n' of the innermost named field of a validation error, as far as it can be found in the text."""
    position, line = 0, 0
    for part in location:
        found = re.compile(rf"(?m)^\s*(?:[^#\n]*[{{,]\s*)?{re.escape(str(part))}\s*:").search(text, position)
        if found is None:
            break
        position, line = found.start(), text.count("\n", 0, found.end()) + 1
    return f", line {line}" if line else ""
