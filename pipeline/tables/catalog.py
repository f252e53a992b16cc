"""The catalog: every table of the warehouse, whoever declares it, in the order in which they can be built."""

from __future__ import annotations

from functools import cache

from pipeline.tables.header import Table, in_order, read_queries, read_tables
from pipeline.tables.inlining import inlined
from pipeline.tables.inputs import input_tables


@cache
def tables() -> dict[str, Table]:
    """All tables by full name: those of `sql/` and the canonical inputs, each after the tables it reads."""
    return in_order([*read_tables().values(), *input_tables()])


@cache
def features() -> dict[str, Table]:
    """What tables and models may ask for any day, by full name: SELECTs that are not stored."""
    return read_queries()


def with_features(sql: str) -> str:
    """A SELECT that Python asks, with the features it reads written in. Raises Refused for one that does not exist."""
    return inlined(sql, "a query", {name: feature.declared_text for name, feature in features().items()})


def published_tables() -> list[Table]:
    """What analysts get: the tables with one partition per snapshot date."""
    return [table for table in tables().values() if table.is_partitioned]


def history_tables() -> list[Table]:
    """Tables in which a partition depends on earlier ones, and all that is built on them."""
    affected: set[str] = set()
    for table in tables().values():
        if table.is_history or table.reads & affected:
            affected.add(table.full_name)
    return [table for table in tables().values() if table.full_name in affected]
