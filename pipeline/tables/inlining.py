"""Features: the SELECTs of `sql/features/`, which are never stored. Who reads one has it written in, as a CTE in front.

So what several tables say stands in one file, and an engine need not know of it. One that does may ask a text for its
features one by one, to compute once what many texts have in common (`engines.kept`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from sqlglot import exp

from pipeline.tables.emptiness import Without, rows_without, with_known
from pipeline.tables.remembered import remembered
from pipeline.tables.sql_text import Refused, parse, real_tables, table_name, written

FEATURES = "features"
"""Their schema, and their folder below sql/."""


@dataclass(frozen=True)
class Part:
    """A SELECT in which features stand as the names of CTEs."""

    sql: str
    features: frozenset[str]
    """Features that it reads itself, as features.name."""
    tables: frozenset[str]
    """What else it reads, schema.table."""
    without: Without
    """Without the rows of which of these, and of which features, it has none."""

    def as_plain(self) -> dict[str, Any]:
        """In the types of JSON."""
        return {
            "sql": self.sql,
            "features": sorted(self.features),
            "tables": sorted(self.tables),
            "without": [sorted(tables) for tables in self.without],
        }

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Part:
        without = frozenset(map(frozenset, plain["without"]))
        return cls(plain["sql"], frozenset(plain["features"]), frozenset(plain["tables"]), without)


class WithFeatures(str):
    """A SELECT with the features it reads written in, which an engine may also ask for them one by one."""

    def __new__(cls, last: Part, features: Mapping[str, Part]) -> WithFeatures:
        """`last` is the SELECT, `features` has those it reads and those that they read, each after what it reads."""
        made = super().__new__(cls, with_ctes({name: part.sql for name, part in features.items()}, last.sql))
        made.last, made.features = last, features
        return made

    last: Part
    features: Mapping[str, Part]

    @property
    def tables(self) -> frozenset[str]:
        """Tables that it and its features read."""
        return self.last.tables.union(*(part.tables for part in self.features.values()))

    @cached_property
    def without(self) -> Without:
        """Without the rows of which tables it has none."""
        known: dict[str, Without] = {}
        for name, part in self.features.items():
            known[name] = with_known(part.without, known)
        return with_known(self.last.without, known)

    def alone(self, feature: str) -> WithFeatures:
        """One of its features as a SELECT of its own."""
        needed = {feature}
        for name, part in reversed(list(self.features.items())):
            needed |= part.features if name in needed else set()
        below = {name: part for name, part in self.features.items() if name in needed - {feature}}
        return WithFeatures(self.features[feature], below)


def with_ctes(features: Mapping[str, str], select: str, tables: Collection[str] = ()) -> str:
    """The SELECT with these features, features.name -> SELECT, as CTEs in front of its own.

    `tables`: those that stand in a table. Who reads one twice reads the table twice, and no copy of it is made.
    """
    if not features:
        return select
    hints = dict.fromkeys(tables, "NOT MATERIALIZED ")
    ctes = ",\n".join(f"{_cte_name(name)} AS {hints.get(name, '')}(\n{sql}\n)" for name, sql in features.items())
    if select.startswith("WITH "):
        return f"WITH {ctes},\n{select.removeprefix('WITH ')}"
    return f"WITH {ctes}\n{select}"


def inlined(sql: str, file: str, features: Mapping[str, str]) -> str:
    """The SELECT with the features it reads, and those that these read, each once; as it stands where it reads none.

    `features` maps "features.name" to the SELECT as it is written, none of them reading itself by any way. Raises
    Refused for one that does not exist.
    """
    if FEATURES not in sql.lower():
        return sql
    last = _remembered("part", sql, lambda: _part(parse(sql, file), file))
    written_in: dict[str, Part] = {}
    _write_in(last, file, features, written_in)
    return WithFeatures(last, written_in) if written_in else sql


def reading(sql: str, file: str) -> tuple[frozenset[str], Without]:
    """Tables that a SELECT reads, schema.table, and without the rows of which of them it has none. Raises Refused."""

    def read() -> Any:
        tree = parse(sql, file)
        tables = sorted({table_name(table) for table in real_tables(tree, file)})
        return [tables, [sorted(names) for names in rows_without(tree)]]

    tables, without = remembered("reading", sql, read)
    return frozenset(tables), frozenset(map(frozenset, without))


def _write_in(part: Part, file: str, features: Mapping[str, str], written_in: dict[str, Part]) -> None:
    """Give `written_in` the features that a part reads and that it lacks, each after those it reads itself."""
    for name in sorted(part.features):
        if name in written_in:
            continue
        if name not in features:
            raise Refused(file, name, f"one of {', '.join(sorted(features))}", "is no file of sql/features/")
        feature = _feature(features[name], name)
        _write_in(feature, name, features, written_in)
        written_in[name] = feature


def _part(tree: exp.Query, file: str) -> Part:
    """The tree, which is changed, reading CTEs in the place of features."""
    own, tables, without = set[str](), set[str](), rows_without(tree)
    for table in real_tables(tree, file):
        name = table_name(table)
        if table.db.lower() != FEATURES:
            tables.add(name)
            continue
        own.add(name)
        _read(table, _cte_name(name))
    return Part(written(tree, pretty=True), frozenset(own), frozenset(tables), without)


@lru_cache(maxsize=256)
def _feature(select: str, name: str) -> Part:
    """A feature as its readers get it, read and written once: a dozen tables read the same."""

    def read() -> Part:
        feature = parse(select, name)
        _set_apart(feature, name)
        return _part(feature, name)

    return _remembered("feature", f"{name}\n{select}", read)


def _remembered(kind: str, text: str, read: Callable[[], Part]) -> Part:
    found = remembered(kind, text, lambda: read().as_plain())
    return Part.of_plain(found)


def _set_apart(feature: exp.Query, name: str) -> None:
    """Its own CTEs get names that no reader has: all CTEs of a text need names of their own."""
    own = {cte.alias.lower(): f"{_cte_name(name)}__{cte.alias}" for cte in feature.find_all(exp.CTE)}
    for table in list(feature.find_all(exp.Table)):
        if not table.db and table.name.lower() in own:
            _read(table, own[table.name.lower()])
    for cte in feature.find_all(exp.CTE):
        cte.args["alias"].set("this", exp.to_identifier(own[cte.alias.lower()]))


def _read(table: exp.Table, name: str) -> None:
    """Another table under the same name."""
    table.set("alias", table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name)))
    table.set("this", exp.to_identifier(name))
    table.set("db", None)


def _cte_name(feature: str) -> str:
    return feature.replace(".", "__")
