"""Audiences without SQL: those that `audiences.toml` of a home names, by conditions on columns and by other audiences.

Each is written as the text of an audience file, header and SELECT, and read as such a file is: what comes afterwards
knows no other kind.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Self

import duckdb
import yaml
from pydantic import Field, ValidationError, model_validator

from pipeline import validation
from pipeline.errors import PerennialError
from pipeline.quoting import quoted, text_literal
from pipeline.tables.audiences import FILE_NAME, ID, Audience, Described, FileName, audience_of
from pipeline.tables.header import PARTITION_COLUMN, Column, HeaderError, Table, is_name, text_of
from pipeline.tables.sql_text import tables_read

AUDIENCES_FILE = "audiences.toml"
WHOLE = "customer_360"
"""The table whose columns need no name of a table: everybody is in it once."""

_ORDER = ("<", "<=", ">", ">=", "between")
OPERATORS = ("=", "!=", *_ORDER, "in", "is known", "is unknown")
_MEANT = {
    "==": "=", "<>": "!=", "≠": "!=", "=<": "<=", "≤": "<=", "=>": ">=", "≥": ">=", "is null": "is unknown",
    "is not null": "is known", "is not known": "is unknown", "is empty": "is unknown", "not in": "in, below none_of",
}  # fmt: skip
"""What others call an operator."""
_CONDITION = re.compile(
    r"(?P<column>[A-Za-z_]\w*(?:\.\w+)?)\s*"
    r"(?:(?P<sign>[=<>!≥≤≠~]+)|(?P<known>is\s+(?:known|unknown)\Z)|(?P<word>(?:is\s+not\s+\w+|(?:is|not)\s+\w+|[a-z]+)\b))"
    r"\s*(?P<value>.*)",
    re.IGNORECASE | re.DOTALL,
)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_DAY = re.compile(r"day(?:\s*(?P<sign>[+-])\s*(?P<days>\d{1,5}))?")
_ITEM = re.compile(r"""\s*('[^']*'|"[^"]*"|[^,]*?)\s*(?:,|\Z)""")
_NUMBERS = ("INTEGER", "BIGINT", "DOUBLE", "DECIMAL")

Conditions = Annotated[tuple[str, ...], Field(min_length=1)]


class NamedAudience(Described):
    """Who is in it: whoever fulfils all of `all_of`, one at least of `any_of`, and none of `none_of`.

    Each is a condition on a column, or another audience by catalogue and name.
    """

    description: str | None = Field(None, min_length=10)
    owner: str = "team:crm"
    catalogue: FileName = Field("own", description="Folder of the audience's files")
    csv: bool = True
    all_of: Conditions | None = None
    any_of: Conditions | None = None
    none_of: Conditions | None = None
    columns: tuple[str, ...] = Field((), description="What is handed over, beside the columns of its conditions")
    cap: int | None = Field(None, ge=1, description="How many members there are at most: those with the highest value")

    @model_validator(mode="after")
    def somebody_is_meant(self) -> Self:
        if not (self.all_of or self.any_of or self.none_of):
            raise ValueError("say who is in it, by all_of, any_of or none_of")
        if self.cap is not None and self.value is None:
            raise ValueError("cap takes those with the highest value: name the column, value = …")
        return self

    @property
    def lists(self) -> dict[str, Sequence[str]]:
        return {"all_of": self.all_of or (), "any_of": self.any_of or (), "none_of": self.none_of or ()}


class _Wrong(PerennialError):
    """What is wrong with a field: its name, and the words."""


@dataclass(frozen=True)
class Member:
    """Another audience: the file that tells of it, and which of its rows are its members, as SQL."""

    audience: Audience
    where: str


def named_audiences(
    path: Path, called: str, tables: Mapping[str, Table], others: Sequence[Audience]
) -> tuple[Audience, ...]:  # fmt: skip
    """The audiences of `audiences.toml`, which messages call `called`. Raises HeaderError of all that is wrong.

    `tables`: what may be asked of customers, by full name; `others`: the audiences that there are already.
    """
    try:
        told = tomllib.loads(text_of(path, called))
    except tomllib.TOMLDecodeError as error:
        raise HeaderError(f"{called} is not readable TOML: {error}. Fix that line.") from error
    return _Compiler(called, told, tables, others).all()


@dataclass
class _Compiler:
    """Reads one file. An audience may name another of the file, so that they are made as they are asked for."""

    called: str
    told: Mapping[str, Any]
    tables: Mapping[str, Table]
    others: Sequence[Audience]
    made: dict[str, Audience] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.customers = {
            table.name: table for table in self.tables.values() if table.header.grain == (PARTITION_COLUMN, ID)
        }
        self.members = dict(_fixed_names(self.others, self.tables))
        self.entries = {name: entry for name in self.told if (entry := self._entry(name)) is not None}
        self.own = {f"{entry.catalogue}/{name}": name for name, entry in self.entries.items()}

    def all(self) -> tuple[Audience, ...]:
        for name in self.entries:
            try:
                self._audience(name, ())
            except _Wrong as wrong:
                self._say(name, *wrong.args)
        if self.wrong:
            raise HeaderError("\n".join(self.wrong))
        return tuple(self.made[name] for name in self.entries)

    def _say(self, name: str, place: str, words: str) -> None:
        self.wrong.append(f"{self.called}, audience {name}{f', {place}' if place else ''}: {words}.")

    def _entry(self, name: str) -> NamedAudience | None:
        """As it is told; None, and what is wrong with it is noted, where it cannot be used."""
        given = self.told[name]
        if not isinstance(given, dict):
            self.wrong.append(f"{self.called}: {name} stands outside of an audience; begin one with [name].")
            return None
        if not is_name(name) or re.fullmatch(FILE_NAME, name) is None:
            self._say(name, "", "this cannot name an audience; use lower-case letters, digits and _, a letter first")
            return None
        try:
            entry = NamedAudience.model_validate(given)
        except ValidationError as error:
            for problem in error.errors():
                self._say(name, ".".join(map(str, problem["loc"])), validation.told(problem, NamedAudience))
            return None
        taken = [one.file for one in self.others if one.name == name]
        taken += [self.members[key].audience.file for key in [f"{entry.catalogue}/{name}"] if key in self.members]
        if taken:
            self._say(name, "", f"{taken[0]} has an audience of this name already; give yours another")
            return None
        return entry

    def _audience(self, name: str, within: tuple[str, ...]) -> Audience:
        """The audience of a name; `within`: those that are being made, and ask for it."""
        if name in self.made:
            return self.made[name]
        if name in within:
            raise _Wrong("", f"it is said by itself: {' → '.join((*within[within.index(name) :], name))}")
        entry, select = self.entries[name], _Select(self.customers, partial(self._member, within=(*within, name)))
        told = {place: [select.term(place, term) for term in terms] for place, terms in entry.lists.items()}
        for column in entry.columns:
            select.hand_over("columns", column)
        value = select.value(entry.value) if entry.value else None
        header = {
            "title": entry.title,
            "description": entry.description or _description(entry),
            "owner": entry.owner,
            **entry.model_dump(mode="json", exclude_unset=True, include={*_TERMS, "advice"}),
            "catalogue": entry.catalogue,
            "csv": entry.csv,
            **({"value": value} if value else {}),
            "columns": {column: one.model_dump(mode="json", exclude_defaults=True) for column, one in select.columns()},
        }
        prose = yaml.safe_dump(header, sort_keys=False, allow_unicode=True, width=1_000, default_flow_style=None)
        # Prose may hold what would end the comment.
        text = f"/*\n{prose.replace('*/', '* /')}*/\n{select.sql(told, value, entry.cap)}\n"
        self.made[name] = audience_of(text, f"{self.called}, audience {name}", name)
        return self.made[name]

    def _member(self, place: str, name: str, within: tuple[str, ...]) -> Member:
        """The audience that a term names by catalogue and name."""
        if name in self.members:
            return self.members[name]
        if name in self.own:
            return Member(self._audience(self.own[name], within), "TRUE")
        known = [*self.members, *self.own]
        meant = [one for one in known if one.split("/")[1] == name] or _close(name, known)
        catalogues = ", ".join(sorted({one.split("/")[0] for one in known}))
        raise _Wrong(
            place,
            f"there is no audience {name!r} that can be named here{_did_you_mean(meant)}. Write catalogue/name, of the "
            f"catalogues {catalogues}; for others, such as products, write a condition on a column",
        )


_TERMS = ("consent", "platforms", "minimum_size", "control_share", "mode")


@dataclass
class _Select:
    """The SELECT of an audience, as its terms are read."""

    customers: Mapping[str, Table]
    member: Callable[[str, str], Member]
    of_tables: dict[str, Table] = field(default_factory=dict)
    handed: dict[str, tuple[Table, str]] = field(default_factory=dict)
    ctes: dict[str, Audience] = field(default_factory=dict)

    def term(self, place: str, term: str) -> str:
        """A term as SQL that is true or false, never null."""
        term = term.strip()
        if re.fullmatch(r"[^\s=<>!]+/[^\s=<>!]+|[\w-]+", term):
            found = self.member(place, term)
            self.ctes[f"of_{found.audience.name}"] = found.audience
            return f"{WHOLE}.{ID} IN (SELECT {ID} FROM of_{found.audience.name} WHERE {found.where})"
        match = _CONDITION.fullmatch(term)
        if match is None:
            raise _Wrong(place, f"{term!r} is neither an audience, catalogue/name, nor a condition, column op value")
        table, name = self._column(place, match["column"])
        column = table.header.columns[name]
        self._hand_over(table, name)
        operator, wrong = _operator(match), partial(_wrong, place, term)
        sql = _condition(f"{table.name}.{name}", column, operator, match["value"].strip(), wrong)
        return sql if operator.startswith("is ") else f"coalesce({sql}, FALSE)"

    def hand_over(self, place: str, column: str) -> str:
        """What a column that is handed over is called."""
        return self._hand_over(*self._column(place, column))

    def value(self, told: str) -> str:
        """What the column is called by which customers are put in order."""
        table, name = self._column("value", told)
        if not table.header.columns[name].type.startswith(_NUMBERS):
            raise _Wrong("value", f"{told!r} is no number; name a column such as revenue")
        return self._hand_over(table, name)

    def _hand_over(self, table: Table, name: str) -> str:
        called = name
        if self.handed.get(name, (table, name))[0] is not table:
            called = f"{table.name}_{name}"
        if name != ID:
            self.handed[called] = (table, name)
        return called if name != ID else ID

    def _column(self, place: str, told: str) -> tuple[Table, str]:
        table, _, name = told.rpartition(".")
        known = {
            f"{one.name}.{column}" if one.name != WHOLE else column: (one, column)
            for one in self.customers.values()
            for column in one.header.columns
            if column != PARTITION_COLUMN
        }
        key = name if table in ("", WHOLE) else told
        if key not in known:
            same = [] if table else [one for one in known if one.split(".")[-1] == name]
            raise _Wrong(place, f"there is no column {told!r}{_did_you_mean(same or _close(told, known))}. Columns are "
                                f"those of {WHOLE} (docs/definitions.md), or of another table with a row per customer, "
                                f"table.column")  # fmt: skip
        found = known[key]
        self.of_tables[found[0].name] = found[0]
        return found

    def columns(self) -> Iterator[tuple[str, Column]]:
        """The columns of the header. Not everybody is in other tables, so that theirs may be null."""
        yield ID, self.customers[WHOLE].header.columns[ID]
        for called, (table, name) in self.handed.items():
            column = table.header.columns[name]
            yield called, column if table.name == WHOLE else column.model_copy(update={"nullable": True})

    def sql(self, told: Mapping[str, Sequence[str]], value: str | None, cap: int | None) -> str:
        ctes = ",\n".join(f"{name} AS (\n{one.select}\n)" for name, one in self.ctes.items())
        shown = [
            f"{table.name}.{name}" + (f" AS {called}" if called != name else "")
            for called, (table, name) in self.handed.items()
        ]
        joins = [
            f"LEFT JOIN marts.{name} AS {name}\n"
            f"  ON {name}.{PARTITION_COLUMN} = {WHOLE}.{PARTITION_COLUMN} AND {name}.{ID} = {WHOLE}.{ID}"
            for name in self.of_tables
            if name != WHOLE
        ]
        conditions = [
            f"{WHOLE}.{PARTITION_COLUMN} = ${PARTITION_COLUMN}",
            *told["all_of"],
            *([f"({' OR '.join(told['any_of'])})"] if told["any_of"] else []),
            *(f"NOT {one}" if one.startswith("coalesce(") else f"NOT ({one})" for one in told["none_of"]),
        ]
        lines = [
            *([f"WITH {ctes}"] if ctes else []),
            "SELECT",
            ",\n".join(f"  {column}" for column in [f"{WHOLE}.{ID}", *shown]),
            f"FROM marts.{WHOLE} AS {WHOLE}",
            *joins,
            "WHERE " + "\n  AND ".join(conditions),
        ]
        if value is not None and cap is not None:
            table, name = self.handed[value]
            lines += [f"ORDER BY {table.name}.{name} DESC NULLS LAST, {WHOLE}.{ID}", f"LIMIT {cap}"]
        return "\n".join(lines)


def _operator(match: re.Match[str]) -> str:
    return " ".join((match["sign"] or match["known"] or match["word"] or "").lower().split())


def _condition(
    column: str, about: Column, operator: str, value: str, wrong: Callable[[str], _Wrong]
) -> str:  # fmt: skip
    """SQL of one comparison, by the type and the values of the column."""
    if operator not in OPERATORS:
        meant = [_MEANT[operator]] if operator in _MEANT else _close(operator, OPERATORS)
        raise wrong(f"there is no operator {operator!r}{_did_you_mean(meant)}; there are {', '.join(OPERATORS)}")
    if operator.startswith("is "):
        return f"{column} IS {'NOT ' if operator == 'is known' else ''}NULL"
    if operator in _ORDER and about.type in ("VARCHAR", "BOOLEAN"):
        raise wrong(f"{operator} compares numbers and days; of this column write =, != or in")
    if operator == "between":
        low, *high = re.split(r"\s+and\s+", value, flags=re.IGNORECASE)
        if len(high) != 1:
            raise wrong("write between … and …")
        first, last = (_literal(about, one, wrong) for one in (low, high[0]))
        if about.type.startswith(_NUMBERS) and float(low) > float(high[0]):
            raise wrong("nothing is between these; write the smaller one first")
        return f"{column} BETWEEN {first} AND {last}"
    if operator == "in":
        return f"{column} IN ({', '.join(_literal(about, one, wrong) for one in _items(value))})"
    return f"{column} {'<>' if operator == '!=' else operator} {_literal(about, value, wrong)}"


def _items(value: str) -> list[str]:
    """The values between commas; a comma inside of quotes is none."""
    found, place = [], 0
    while place <= len(value) and (match := _ITEM.match(value, place)):
        found.append(match[1])
        place = match.end() + (match.end() == len(value) and not match[0].endswith(","))
    return found


def _literal(about: Column, told: str, wrong: Callable[[str], _Wrong]) -> str:
    """A value as SQL, of the column's type."""
    if not told:
        raise wrong("a value is missing")
    if about.type.startswith(_NUMBERS):
        return _number(about, told, wrong)
    if about.type == "BOOLEAN":
        if told.lower() not in ("true", "false"):
            raise wrong(f"{told!r} is neither true nor false")
        return told.upper()
    if about.type == "DATE":
        return _day(told, wrong)
    if about.type != "VARCHAR":
        raise wrong("points of time are not compared; only is known and is unknown are")
    if told[0] in "'\"":
        if len(told) < 2 or told[-1] != told[0]:
            raise wrong(f"the quote {told[0]} is not closed")
        told = told[1:-1]
    if about.values and told not in about.values:
        known = [str(one) for one in about.values]
        raise wrong(f"the column never is {told!r}{_did_you_mean(_close(told, known))}; it is {', '.join(known)}")
    return text_literal(told)


def _number(about: Column, told: str, wrong: Callable[[str], _Wrong]) -> str:
    if not _NUMBER.fullmatch(told):
        raise wrong(f"{told!r} is no number; write it plainly, such as 1500 or 0.25")
    low, high = about.min, about.max
    if (low is not None and float(told) < low) or (high is not None and float(told) > high):
        raise wrong(f"the column is {_range(low, high)}, never {told}")
    return told


def _range(low: float | None, high: float | None) -> str:
    parts = (("at least", low), ("at most", high))
    return " and ".join(f"{words} {bound:g}" for words, bound in parts if bound is not None)


def _day(told: str, wrong: Callable[[str], _Wrong]) -> str:
    if match := _DAY.fullmatch(told.lower()):
        return f"${PARTITION_COLUMN}" + (f" {match['sign']} {match['days']}" if match["days"] else "")
    try:
        return f"DATE '{dt.date.fromisoformat(told)}'"
    except ValueError:
        raise wrong(f"{told!r} is no day; write YYYY-MM-DD, or day, day + 7, day - 30, from the snapshot's") from None


def _wrong(place: str, term: str, words: str) -> _Wrong:
    return _Wrong(place, f"{term!r}: {words}")


def _description(entry: NamedAudience) -> str:
    """The conditions in words."""
    words = {"all_of": "all of", "any_of": "one of", "none_of": "none of"}
    told = [f"{words[place]} ({', '.join(terms)})" for place, terms in entry.lists.items() if terms]
    return f"Customers with {'; '.join(told)}."


def _close(told: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(told, list(known), n=1, cutoff=0.6)


def _did_you_mean(meant: Sequence[str]) -> str:
    return f"; did you mean {' or '.join(meant)}" if meant else ""


def _fixed_names(audiences: Iterable[Audience], tables: Mapping[str, Table]) -> Iterator[tuple[str, Member]]:
    """The audiences whose names are known before anybody has bought: a name that is mistaken can be told."""
    constant = {name: table for name, table in tables.items() if table.select is not None and not table.reads}
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute("SET enable_external_access = false; CREATE SCHEMA marts")
        for audience in audiences:
            header = audience.header
            if header.values is None:
                yield f"{header.catalogue}/{audience.name}", Member(audience, "TRUE")
                continue
            needed = tables_read(header.values, audience.file)
            if not needed <= constant.keys():
                continue
            for name in needed:
                _ask(connection, f"CREATE TABLE IF NOT EXISTS {name} AS {constant[name].declared_select}")
            names = ", ".join(map(quoted, header.each))
            for values in _ask(connection, f"SELECT DISTINCT {names} FROM ({header.values}) AS listed ORDER BY ALL"):
                where = " AND ".join(
                    f"{name} = {text_literal(value)}" for name, value in zip(header.each, values, strict=True)
                )
                yield "/".join((*filter(None, (header.catalogue,)), *map(str, values))), Member(audience, where)


def _ask(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    day = {PARTITION_COLUMN: dt.date(2024, 2, 29)} if f"${PARTITION_COLUMN}" in sql else None
    return connection.execute(sql, day).fetchall()
