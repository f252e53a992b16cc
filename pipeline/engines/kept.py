"""Kept features: what many SELECTs of a day read is computed once, and not in each of them.

A feature whose header says `keep: true` becomes a table of the run (temporary on DuckDB, files on Spark) when it is
first asked for with certain parameters. Whoever asks for the same again is given that table in the place of the CTE.
The same means: the same text, the same values of its parameters, and since then no statement of this connection that
wrote to a table that it reads, itself or by a feature below it. So nobody can tell the difference but by the time.

A run that says what it will ask for (`expect`), and which of that is done (`finished`), has a table for as long as
something to come reads it. What a kept feature is made of is then kept as well, where others to come read that, too.
These tables are of the connection, which is a run's. They never enter the file of the warehouse, what does not fit into
memory goes where all else is spilled, and nothing of a run that dies is left to the next one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from functools import cache
from typing import Any, NamedTuple, Protocol

from pipeline.tables.catalog import features
from pipeline.tables.emptiness import has_rows
from pipeline.tables.header import Table
from pipeline.tables.inlining import WithFeatures, with_ctes

Made = tuple[str, tuple[Any, ...], tuple[int, ...]]
"""What a kept table was made of: its SELECT, the values of its parameters, the versions of the tables it reads."""

Asked = Mapping[str, Iterable[str]]
"""SELECTs by the name of the table or the step that asks them."""

MOST = 2
"""Tables of one feature at a time: as of the day, and as of an earlier one on which methods are tried."""
_PARAMETER = re.compile(r"\$([a-z_]\w*)")
_WRITTEN = re.compile(
    r"\b(?:INTO|DELETE\s+FROM|UPDATE|TRUNCATE|COPY|(?:TABLE|VIEW)(?:\s+IF(?:\s+NOT)?\s+EXISTS)?)"
    r'\s+"?([a-z_]\w*)"?\s*\.\s*"?([a-z_]\w*)',
    re.IGNORECASE,
)


class Keeper(Protocol):
    """An engine that can have the rows of a feature at hand as `temp.<table>`, and let them go again."""

    def keep_feature(self, table: str, feature: str, select: str, parameters: Mapping[str, Any]) -> None: ...

    def let_go(self, table: str) -> None: ...

    def is_empty(self, table: str) -> bool:
        """Whether a table, schema.table, is known to have no rows."""


class KeptTable(NamedTuple):
    """Its name, and the snapshot date that it was made for."""

    name: str
    day: Any


class Kept:
    """The kept tables of a connection."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._versions: Counter[str] = Counter()
        self._empty: dict[str, tuple[int, bool]] = {}
        """Table -> its version when it was looked at, and whether it was empty."""
        self._tables: dict[str, dict[Made, KeptTable]] = {}
        """Feature -> its tables; the one that was not asked for the longest comes first."""
        self._made = 0
        self._expect: Callable[[], Asked] = dict
        self._finished = set[str]()
        self._latest: Any = None
        """The latest snapshot date that was asked for: the day of the run. Methods are tried on earlier ones."""

    def expect(self, asked: Callable[[], Asked]) -> None:
        """What this connection will be asked for. It is looked at once, and not before there is a table to let go."""
        self._expect = cache(asked)

    def finished(self, name: str) -> None:
        """This one asks for nothing any more: what nobody to come reads is let go, and what was of an earlier day."""
        self._finished.add(name)
        for tables in self._tables.values():
            for made, table in list(tables.items()):
                if table.day not in (None, self._latest):
                    self._keeper.let_go(tables.pop(made).name)
        present = {feature for feature, tables in self._tables.items() if tables}
        if present and self._expect():
            for feature in self._tables.keys() - self._looked_for(present):
                self._let_go(feature)

    def _looked_for(self, present: Set[str]) -> set[str]:
        """Kept features that SELECTs to come will read, themselves or to make one that is not `present`."""
        to_come = [selects for name, selects in self._expect().items() if name not in self._finished]
        return set[str]().union(*(_read_by(select, present) for selects in to_come for select in selects))

    def note(self, statement: str) -> None:
        """A statement is about to run: the tables that it writes, makes or drops are others from now on."""
        self.changed(f"{schema}.{table}".lower() for schema, table in _WRITTEN.findall(statement))

    def changed(self, tables: Iterable[str]) -> None:
        """These tables, schema.table, are others from now on."""
        self._versions.update(tables)

    def let_all_go(self) -> None:
        for feature in list(self._tables):
            self._let_go(feature)

    def _let_go(self, feature: str) -> None:
        for table in self._tables.pop(feature).values():
            self._keeper.let_go(table.name)

    def reading(self, select: str, parameters: Mapping[str, Any], make: bool = True) -> str:
        """The SELECT, reading kept tables in the place of features that are kept.

        Without `make` only those that are there: one made inside a transaction would go if that is rolled back.
        """
        if not isinstance(select, WithFeatures):
            return select
        day = parameters.get("snapshot_date")
        self._latest = max(filter(None, (self._latest, day)), default=None)
        empty = self._empty_features(select) if make else frozenset()
        return self._reading(select, parameters, kept_features() if make else frozenset(), empty)

    def may_have_rows(self, table: Table) -> bool:
        """Of a partition. What a home's own files say is always asked, so that their faults are told.

        Not to be asked in a transaction.
        """
        return not table.is_partitioned or not table.is_ours or has_rows(table.without, self._is_empty)

    def _is_empty(self, table: str) -> bool:
        version = self._versions[table]
        looked = self._empty.get(table)
        if looked is None or looked[0] != version:
            looked = self._empty[table] = version, self._keeper.is_empty(table)
        return looked[1]

    def _empty_features(self, select: WithFeatures) -> frozenset[str]:
        """Features of the SELECT that certainly have no rows."""
        empty = set[str]()
        for name, part in select.features.items():
            if not has_rows(part.without, lambda table: table in empty or self._is_empty(table)):
                empty.add(name)
        return frozenset(empty)

    def _reading(
        self, select: WithFeatures, parameters: Mapping[str, Any], makes: Set[str], empty: Set[str] = frozenset()
    ) -> str:
        """`makes`: features of which a table is made where there is none; the lowest first, that the others read it.

        What `empty` names has no rows, and nobody needs to plan how none are found.
        """
        needed, kept = set(select.last.features), list[str]()
        for name, part in reversed(list(select.features.items())):
            if name not in needed or name in empty:
                continue
            if name in kept_features() and (name in makes or self._table(select, name, parameters, frozenset())):
                kept.append(name)
            else:
                needed |= part.features
        tables = {name: self._table(select, name, parameters, makes) for name in reversed(kept)}
        ctes = {
            name: _no_rows(name) if name in empty else part.sql
            for name, part in select.features.items()
            if name in needed
        }
        for name, table in tables.items():
            ctes[name] = f"SELECT {', '.join(features()[name].header.columns)} FROM {table}"
        return with_ctes(ctes, select.last.sql, tables)

    def _table(self, select: WithFeatures, name: str, parameters: Mapping[str, Any], makes: Set[str]) -> str | None:
        """The table of a feature; where there is none, made if it is one of `makes`."""
        feature, tables = select.alone(name), self._tables.setdefault(name, {})
        values = tuple(parameters.get(asked) for asked in sorted(set(_PARAMETER.findall(feature))))
        made = (str(feature), values, tuple(self._versions[read] for read in sorted(feature.tables)))
        table = tables.pop(made, None)
        if table is None and name in makes:
            while len(tables) >= MOST:
                self._keeper.let_go(tables.pop(next(iter(tables))).name)
            shared = self._shared(name, parameters)
            asked = self._reading(feature, parameters, shared, self._empty_features(feature))
            self._made += 1
            table = KeptTable(f"kept_{self._made}_{name.partition('.')[2]}", parameters.get("snapshot_date"))
            self._keeper.keep_feature(table.name, name, asked, parameters)
        if table is None:
            return None
        tables[made] = table
        return f"temp.{table.name}"

    def _shared(self, name: str, parameters: Mapping[str, Any]) -> set[str]:
        """Kept features that others than the one being made will ask for. Of an earlier day nobody else does."""
        if parameters.get("snapshot_date") != self._latest:
            return set()
        return self._looked_for({feature for feature, tables in self._tables.items() if tables} | {name})


def _no_rows(feature: str) -> str:
    """The feature where it has no rows: its columns and their types."""
    columns = [f"CAST(NULL AS {kind}) AS {name}" for name, kind in features()[feature].column_types().items()]
    return f"SELECT {', '.join(columns)} WHERE FALSE"


def _read_by(select: str, present: Set[str]) -> set[str]:
    """Kept features that the SELECT will read, itself or to make one that is not present."""
    if not isinstance(select, WithFeatures):
        return set()
    needed, found = set(select.last.features), set[str]()
    for name, part in reversed(list(select.features.items())):
        if name in needed:
            found |= {name} & kept_features()
            needed |= set() if name in kept_features() & present else part.features
    return found


@cache
def kept_features() -> frozenset[str]:
    """Names of the features that are kept, as features.name."""
    return frozenset(name for name, feature in features().items() if feature.header.keep)
