"""Features: the SELECTs of `sql/features/`, which are never stored. Who reads one has it written in, as a CTE in front.

So what several tables say stands in one file, and neither engine knows of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sqlglot import exp

from pipeline.tables.sql_text import Refused, parse, real_tables, table_name, written

FEATURES = "features"
"""Their schema, and their folder below sql/."""


def inlined(sql: str, file: str, features: Mapping[str, str]) -> str:
    """The SELECT with the features it reads, and those that these read, each once; as it stands where it reads none.

    `features` maps "features.name" to the SELECT as it is written, none of them reading itself by any way. Raises
    Refused for one that does not exist.
    """
    if FEATURES not in sql.lower():
        return sql
    tree = parse(sql, file)
    ctes: dict[str, exp.CTE] = {}
    _inline(tree, file, features, ctes)
    if not ctes:
        return sql
    own = tree.args.get("with_")
    tree.set("with_", exp.With(expressions=[*ctes.values(), *(own.expressions if own else ())]))
    return written(tree, pretty=True)


def _inline(tree: exp.Query, file: str, features: Mapping[str, str], ctes: dict[str, exp.CTE]) -> None:
    """Let the tree read CTEs in the place of features, and add to `ctes` those that it lacks."""
    for table in real_tables(tree, file):
        if table.db.lower() != FEATURES:
            continue
        name = table_name(table)
        if name not in features:
            raise Refused(file, name, f"one of {', '.join(sorted(features))}", "is no file of sql/features/")
        if name not in ctes:
            feature = _feature(features[name], name).copy()
            _inline(feature, name, features, ctes)
            ctes[name] = exp.CTE(this=feature, alias=exp.TableAlias(this=exp.to_identifier(_cte_name(name))))
        _read(table, _cte_name(name))


@lru_cache(maxsize=256)
def _feature(select: str, name: str) -> exp.Query:
    """A feature as its readers get it, read once: a dozen tables read the same. Copy it to change it."""
    feature = parse(select, name)
    _set_apart(feature, name)
    return feature


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
