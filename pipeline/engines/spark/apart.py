"""What Spark would compute over and over: it writes a CTE in wherever it is read, and what that one reads again.

DuckDB computes a CTE once. On Spark a chain of CTEs, each reading the one before it twice, reads the table 2, 4, 8, …
times, and is planned for longer than it runs. So a CTE that is read more than once and reads much itself becomes a
statement of its own. What belongs here: which CTEs these are. Where their rows are kept is the engine's affair.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from sqlglot import exp
from sqlglot.transforms import move_ctes_to_top_level

MUCH = 4
"""Tables, each counted as often as Spark would read it: a CTE of fewer is sooner read again than kept."""


class Apart(NamedTuple):
    """A SELECT that is computed first: those after it read its rows as the view `name`. One text has one name."""

    name: str
    text: str


class InSteps(NamedTuple):
    """A SELECT, and what is computed before it, one after the other."""

    apart: list[Apart]
    text: str


def in_steps(tree: exp.Query, written: Callable[[exp.Query], str]) -> InSteps:
    """A SELECT in Spark's words, which is changed; `written` gives the text of one. All its CTEs have other names."""
    tree = move_ctes_to_top_level(tree)
    if (first := tree.args.get("with_")) is None:
        return InSteps([], written(tree))
    ctes = {cte.alias: cte for cte in first.pop().expressions}
    reads = {name: _reads(cte.this) for name, cte in ctes.items()}
    times = sum((reads[name] for name in _needed(_reads(tree), reads)), _reads(tree))
    apart: dict[str, Apart] = {}
    inside: dict[str, exp.CTE] = {}
    weights: dict[str, int] = {}  # of what is written in; all else that is read is one table
    for name, cte in ctes.items():
        weight = sum(count * weights.get(read, 1) for read, count in reads[name].items())
        _read_apart(cte.this, apart)
        if times[name] > 1 and weight >= MUCH and not cte.args["alias"].columns:
            text = written(_whole(cte.this, inside))
            apart[name] = Apart(f"{name}__{hashlib.sha256(text.encode()).hexdigest()[:12]}", text)
        else:
            inside[name], weights[name] = cte, weight
    _read_apart(tree, apart)
    return InSteps(list(apart.values()), written(_whole(tree, inside)))


def _reads(query: exp.Query) -> Counter[str]:
    return Counter(table.name for table in query.find_all(exp.Table))


def _read_apart(query: exp.Query, apart: Mapping[str, Apart]) -> None:
    """Let the query read views in the place of CTEs; every table in it has an alias."""
    for table in query.find_all(exp.Table):
        if table.name in apart:
            table.set("this", exp.to_identifier(apart[table.name].name))


def _needed(read: Iterable[str], reads: Mapping[str, Counter[str]]) -> set[str]:
    """Of the CTEs, each after what it reads, those that are read, and those that these read."""
    needed = set[str]()
    for name in reversed(list(reads)):
        if name in read or any(name in reads[reader] for reader in needed):
            needed.add(name)
    return needed


def _whole(query: exp.Query, ctes: Mapping[str, exp.CTE]) -> exp.Query:
    """The query, which is changed, with those of the CTEs in front that it reads, itself or by another of them.

    The same CTE may stand in front of several: its parent is the last of them, which the text does not depend on.
    """
    needed = _needed(_reads(query), {name: _reads(cte.this) for name, cte in ctes.items()})
    if needed:
        query.set("with_", exp.With(expressions=[cte for name, cte in ctes.items() if name in needed]))
    return query
