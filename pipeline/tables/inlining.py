"""Features: the SELECTs of `sql/features/`, which are never stored. Who reads one has it written in, as a CTE in front.

So what several tables say stands in one file, and an engine need not know of it. One that does may ask a text for its
features one by one, to compute once what many texts have in common (`engines.kept`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

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

    def alone(self, feature: str) -> WithFeatures:
        """One of its features as a SELECT of its own."""
        needed = {feature}
        for name, part in reversed(list(self.features.items())):
            needed |= part.features if name in needed else set()
        below = {name: part for name, part in self.features.items() if name in needed - {feature}}
        return WithFeatures(self.features[feature], below)


def with_ctes(features: Mapping[str, str], select: str) -> str:
    """The SELECT with these features, features.name -> SELECT, as CTEs in front of its own."""
    if not features:
        return select
    ctes = ",\n".join(f"{_cte_name(name)} AS (\n{sql}\n)" for name, sql in features.items())
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
    last = _part(parse(sql, file), file)
    written_in: dict[str, Part] = {}
    _write_in(last, file, features, written_in)
    return WithFeatures(last, written_in) if written_in else sql


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
    own, tables = set[str](), set[str]()
    for table in real_tables(tree, file):
        name = table_name(table)
        if table.db.lower() != FEATURES:
            tables.add(name)
            continue
        own.add(name)
        _read(table, _cte_name(name))
    return Part(written(tree, pretty=True), frozenset(own), frozenset(tables))


@lru_cache(maxsize=256)
def _feature(select: str, name: str) -> Part:
    """A feature as its readers get it, read and written once: a dozen tables read the same."""
    feature = parse(select, name)
    _set_apart(feature, name)
    return _part(feature, name)


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
