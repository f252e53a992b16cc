"""Platforms as SQL files: `sql/platforms/<platform>.sql` says how a file looks that a system takes in.

A header and one SELECT from `people`: one row per person who may be told of, as the platform wants it written. It runs
on DuckDB when a snapshot is published; nothing here runs SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.sections.activation import Consent
from pipeline.settings import SQL_FOLDER
from pipeline.tables.header import PLATFORMS, called, read_named, text_of
from pipeline.validation import written

Kind = Literal["hash", "email", "phone", "country", "id", "number", "date", "text"]

PATTERNS: dict[Kind, str] = {
    "hash": r"[0-9a-f]{64}",
    "email": r"[^@\s,;\"]+@[^@\s,;\"]+",
    "phone": r"\+?[1-9]\d{6,14}",
    "country": r"[A-Za-z]{2}",
    "number": r"-?\d+(\.\d+)?",
    "date": r"\d{4}-\d{2}-\d{2}",
}
"""What a cell must be, whole; it is never altered. Texts get an apostrophe where a spreadsheet would run them."""


class PlatformColumn(BaseModel):
    """A column of the file."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    meaning: str = Field(min_length=3)
    value: bool = Field(
        False, description="Whether it is the audience's column `value`, which the SELECT does not give"
    )
    at: Annotated[str | None, written(r"\w+(\[\])?(\.\w+(\[\])?)*", "data.ids[].email")] = Field(
        None,
        description="Where it stands in the object of a row, as data.ids[].email; a list has an object per key below",
    )


class Request(BaseModel):
    """A file that is the body of a request to an interface: JSON, with an object for each row in one list."""

    model_config = ConfigDict(extra="forbid")

    rows: str = Field(min_length=1, description="Key of the list of rows")
    beside: dict[str, Any] = Field(default_factory=dict, description="What else a request holds")
    of_added: dict[str, Any] = Field(
        default_factory=dict, description="What it holds besides, unless it says who is removed"
    )


class PlatformHeader(BaseModel):
    """How a file looks that a platform takes in."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=2)
    description: str = Field(min_length=10)
    owner: str = "team:crm"
    consent: tuple[Consent, ...] = Field((), description="What it needs in any case, instead of the audience's own")
    consent_in_eea: tuple[Consent, ...] = Field(
        (), description="What it needs besides, of people in the European Economic Area, Britain and Switzerland"
    )
    identifiers: tuple[str, ...] = Field(
        min_length=1, description="Columns of which a row needs one; the first that is there is in the file once"
    )
    attributes: Literal["none", "as_named", "capitals"] = Field(
        "none", description="Whether the audience's columns follow, and how they are called"
    )
    separator: str = Field(",", min_length=1, max_length=1)
    at_least: int = Field(0, ge=0, description="People below which the platform takes nothing")
    most_bytes: int | None = Field(None, gt=0, description="Bytes above which a file is written in parts")
    most_rows: int | None = Field(None, gt=0, description="Rows above which a file is written in parts")
    by_value: bool = Field(False, description="Whether rows are in the order of value, the largest first")
    request: Request | None = Field(None, description="How the file looks, if it is no CSV but the body of a request")
    columns: dict[str, PlatformColumn] = Field(min_length=1)

    @model_validator(mode="after")
    def identifiers_are_columns(self) -> Self:
        if missing := [name for name in self.identifiers if name not in self.columns]:
            raise ValueError(f"identifiers names {missing[0]!r}, which is not among the columns")
        return self

    @model_validator(mode="after")
    def a_request_says_where_its_columns_stand(self) -> Self:
        strange = [name for name, column in self.columns.items() if (column.at is None) != (self.request is None)]
        if strange:
            raise ValueError(f"columns.{strange[0]}: `at` belongs to every column of a request, and to no other")
        if self.request and self.attributes != "none":
            raise ValueError("attributes: a request has columns of its own only")
        return self

    @property
    def takes_hashes(self) -> bool:
        """Whether it is told of addresses and numbers as hashes, which may be given as such."""
        return any(self.columns[name].kind == "hash" for name in self.identifiers)

    @property
    def ending(self) -> str:
        """Of a file's name."""
        return "json" if self.request else "csv"


@dataclass(frozen=True, eq=False)
class Platform:
    """A platform, as its file tells it."""

    name: str
    header: PlatformHeader
    select: str
    file: str


def read_platform(path: Path, root: Path = SQL_FOLDER) -> Platform:
    """The platform of a file. Raises HeaderError."""
    file = called(path, root, "sql")
    header, select, _ = read_named(PlatformHeader, text_of(path, file), file, path.stem, "a platform")
    return Platform(path.stem, header, select, file)


@cache
def platforms() -> dict[str, Platform]:
    """All platforms by name."""
    return {path.stem: read_platform(path) for path in sorted((SQL_FOLDER / PLATFORMS).glob("*.sql"))}
