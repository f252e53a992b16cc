"""Audiences as SQL files: `sql/audiences/<audience>.sql` says who, what is handed over of them, and on which terms.

A header and one SELECT, like a table, but nothing is stored: the rows become files when a snapshot is published. It
reads published tables, on DuckDB, so that it need not be portable. Nothing here runs SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from pipeline.sections.activation import Terms
from pipeline.settings import SQL_FOLDER
from pipeline.tables.header import (
    AUDIENCES,
    PARTITION_COLUMN,
    Column,
    Header,
    HeaderError,
    Table,
    bare,
    called,
    is_name,
    read_named,
    read_table,
    require_names,
    require_owner,
    text_of,
)
from pipeline.tables.platforms import platforms
from pipeline.tables.sql_text import tables_read, within
from pipeline.validation import told, written

ID = "customer_id"
FILE_NAME = "[a-z0-9][a-z0-9_-]{0,79}"
"""What folders and files of audiences are called: the same on every system."""
FileName = Annotated[str, written(FILE_NAME, "grid or repeat-due: lower-case letters, digits, _ and -")]

Names = Annotated[tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]


class Described(Terms):
    """What every audience says of itself, and on which terms it is handed over."""

    title: str = Field(min_length=3)
    owner: str
    advice: str | None = Field(None, description="What to do with these customers")
    catalogue: FileName | None = Field(None, description="Folder of the audience's files")
    value: str | None = Field(None, description="The column that says what a customer is worth")

    @field_validator("owner")
    @classmethod
    def owner_is_team_or_mail(cls, owner: str) -> str:
        return require_owner(owner)

    @field_validator("platforms")
    @classmethod
    def platforms_are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in names if name not in platforms()]:
            raise ValueError(f"there is no platform {unknown[0]!r}; there are {', '.join(platforms())}")
        return names

    @model_validator(mode="after")
    def consent_is_told(self) -> Self:
        own = [name for name in self.platforms if not platforms()[name].header.consent]
        if own and self.consent is None:
            raise ValueError(f"{own[0]} gets those who agreed: say to what, consent: {{purpose: …, channel: …}}")
        return self


@cache
def _of_customers() -> Mapping[str, Column]:
    """What is known of every customer, as its table documents it."""
    return read_table(SQL_FOLDER / "marts" / "activation" / "customer_360.sql").header.columns


class AudienceHeader(Described):
    """Who an audience is, what is handed over of its members, and on which terms."""

    description: str = Field(min_length=10)
    each: Names = Field((), description="One audience per value of this column, or of catalogue and column")
    values: str | None = Field(None, description="SELECT of the values of `each`, also of those without customers")
    ids_only: tuple[str, ...] = Field((), description="Columns that only files of ids have, and those of no platform")
    columns: dict[str, Column]

    @field_validator("columns", mode="before")
    @classmethod
    def known_columns_need_a_name_alone(cls, columns: Any) -> Any:
        """A name without anything is the column of that name of customer_360."""
        if not isinstance(columns, dict) or None not in columns.values():
            return columns
        known = _of_customers()
        if strange := [name for name, told in columns.items() if told is None and name not in known]:
            raise ValueError(f"{strange[0]} is no column of customer_360: tell its type and meaning")
        return {name: known[name] if told is None else told for name, told in columns.items()}

    @field_validator("columns")
    @classmethod
    def customers_are_named(cls, columns: dict[str, Column]) -> dict[str, Column]:
        if ID not in columns:
            raise ValueError(f"an audience hands over {ID}; add it to the columns")
        if columns[ID].type != "VARCHAR" or columns[ID].nullable:
            raise ValueError(f"{ID} is VARCHAR and never null")
        if PARTITION_COLUMN in columns:
            raise ValueError(f"{PARTITION_COLUMN} is the folder of the files; leave it out")
        return require_names(columns)

    @field_validator("each")
    @classmethod
    def each_is_one_or_two_columns(cls, each: tuple[str, ...]) -> tuple[str, ...]:
        if len(each) > 2 or len(set(each)) < len(each) or ID in each or not all(map(is_name, each)):
            raise ValueError("each is a column, or [catalogue, column] where the SELECT gives the catalogue as well")
        return each

    @field_validator("values")
    @classmethod
    def values_are_bare(cls, values: str | None) -> str | None:
        return None if values is None else bare(values)

    @model_validator(mode="after")
    def value_is_a_column(self) -> Self:
        if self.value is not None and self.value not in self.columns:
            raise ValueError(f"value names {self.value!r}, which is not among the columns")
        if missing := [name for name in self.ids_only if name not in self.columns]:
            raise ValueError(f"ids_only names {missing[0]!r}, which is not among the columns")
        return self

    @model_validator(mode="after")
    def files_have_a_place(self) -> Self:
        if (self.catalogue is None) != (len(self.each) == 2):
            raise ValueError("catalogue names the folder of the files; of two columns in each, the first does")
        if (self.values is None) != (not self.each):
            raise ValueError("each and values belong together: values lists the values of each")
        for name in self.each:
            if name in self.columns and (self.columns[name].type != "VARCHAR" or self.columns[name].nullable):
                raise ValueError(f"{name} names files, so it is VARCHAR and never null")
        return self


@dataclass(frozen=True, eq=False)
class Audience:
    """An audience, or one per value, as its file tells it."""

    name: str
    header: AudienceHeader
    select: str
    file: str
    first_line: int = 1
    """The line of the file in which the SELECT begins."""
    text: str = ""
    """Header and SELECT as they were read."""

    @property
    def columns(self) -> list[str]:
        """What is handed over."""
        return list(self.header.columns)

    @cached_property
    def reads(self) -> frozenset[str]:
        """Tables that the SELECT, and that of the values, read."""
        values = self.header.values
        return tables_read(self.select, self.file) | (tables_read(values, self.file) if values else frozenset())

    @cached_property
    def members(self) -> Table:
        """The rows of all audiences of the file as a table, by which they are checked: a customer once in each."""
        naming = {
            name: Column(type="VARCHAR", meaning="Names the file")
            for name in self.header.each
            if name not in self.header.columns
        }
        header = Header(
            description=self.header.description,
            grain=(*self.header.each, ID),
            owner=self.header.owner,
            columns=naming | self.header.columns,
        )
        return Table(AUDIENCES, self.name, header, self.select, self.file, self.first_line)

    def with_terms(self, terms: Terms | None) -> Self:
        """The same, on the terms that a home sets for it. Raises HeaderError where they do not go together."""
        if terms is None:
            return self
        if self.header.csv and "csv" in terms.model_fields_set and not terms.csv:
            raise HeaderError(f"setting deliver.{self.name}: pages may lead to its CSV; leave csv out.")
        joined = self.header.model_dump(exclude_unset=True) | terms.model_dump(exclude_unset=True)
        try:
            return replace(self, header=AudienceHeader.model_validate(joined))
        except ValidationError as error:
            first = told(error.errors()[0], AudienceHeader)
            raise HeaderError(f"setting deliver.{self.name}: {first}.") from None


def on_terms(audiences: Sequence[Audience], deliver: Mapping[str, Terms]) -> tuple[Audience, ...]:
    """The audiences on the terms that a home sets for them. Raises HeaderError, also for terms of one there is not."""
    names = [one.name for one in audiences]
    for unknown in sorted(deliver.keys() - set(names)):
        raise HeaderError(
            f"setting deliver.{unknown}: there is no such audience; there are {', '.join(sorted(names))}."
        )
    return tuple(one.with_terms(deliver.get(one.name)) for one in audiences)


def read_audience(path: Path, root: Path = SQL_FOLDER, folder: str = "sql") -> Audience:
    """The audience of a file below `root`, which messages call `folder`. Raises HeaderError or Refused."""
    file = called(path, root, folder)
    return audience_of(text_of(path, file), file, path.stem)


def audience_of(text: str, file: str, name: str) -> Audience:
    """The audience that a text tells of: its header and SELECT. Raises HeaderError or Refused."""
    header, select, first_line = read_named(AudienceHeader, text, file, name, "an audience")
    audience = Audience(name, header, select, file, first_line, text)
    with within(first_line):
        _ = audience.reads  # a SELECT that cannot be used is refused here
    return audience


def read_audiences(root: Path = SQL_FOLDER) -> list[Audience]:
    """All audiences, by name."""
    return [read_audience(path, root) for path in sorted(root.glob(f"{AUDIENCES}/*.sql"))]
