"""Files of lists: rows as a platform takes them in, as CSV or as bodies of requests (JSON), written and rewritten.

Whoever calls gives a file that is small enough for the platform.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.quoting import file_literal, quoted, text_literal
from pipeline.tables.platforms import PlatformHeader

_Tree = dict[str, Any]
"""Keys of an object -> what is below them; at its ends the names of columns. A key of a list ends with []."""


def write_list(
    engine: DuckDBEngine, header: PlatformHeader, rows: str, columns: Iterable[str], are_removed: bool, file: Path
) -> int:  # fmt: skip
    """Write the rows of a SELECT of these columns in its order; returns how many."""
    if header.request is None:
        return engine.export(rows, {}, file, separator=header.separator)
    object_of_row = _object(_tree(header, columns))
    objects = f"SELECT {object_of_row} AS object, row_number() OVER () AS place FROM ({rows}) AS rows"
    engine.export(_body(header, objects, are_removed), {}, file)
    return int(engine.scalar(f"SELECT count(*) FROM ({rows}) AS rows"))


def take_out(header: PlatformHeader, file: Path, leaving: Sequence[Mapping[str, str]]) -> bool:
    """Write a list of who is on it again without these, by their identifiers; whether any was in it. Each is known by
    the first identifier they have, of which a list has each once.
    """

    def is_kept(names: Sequence[str]) -> str:
        named = [
            f"coalesce({quoted(name)} IN (SELECT value FROM named WHERE name = {text_literal(name)}), FALSE)"
            for name in names
        ]
        return f"NOT ({' OR '.join(named) or 'FALSE'})"

    return _rewrite(header, file, leaving, is_kept)


def keep_only(header: PlatformHeader, file: Path, staying: Sequence[Mapping[str, str]]) -> bool:
    """The same with nobody but these; whether anybody else was in it."""

    def is_kept(names: Sequence[str]) -> str:
        return f"coalesce({', '.join(map(quoted, names))}, NULL) IN (SELECT value FROM named)"

    return _rewrite(header, file, staying, is_kept)


def count_of(header: PlatformHeader, file: Path) -> int:
    """How many are on a list."""
    with duckdb.connect() as connection:
        return int(DuckDBEngine(connection).scalar(f"SELECT count(*) FROM ({_rows_of(header, file)}) AS rows"))


def _rewrite(
    header: PlatformHeader, file: Path, people: Sequence[Mapping[str, str]], is_kept: Callable[[Sequence[str]], str]
) -> bool:  # fmt: skip
    """`is_kept`: SQL over the identifiers that the file has, and over `named`, the first that each of these has."""
    first = [next(((name, one[name]) for name in header.identifiers if one.get(name)), None) for one in people]
    named = pl.DataFrame(
        [one for one in first if one], schema=dict.fromkeys(("name", "value"), pl.String), orient="row"
    )
    with duckdb.connect() as connection:
        connection.register("named", named)
        engine, rows = DuckDBEngine(connection), _rows_of(header, file)
        there = {row[0] for row in engine.execute(f"SELECT column_name FROM (DESCRIBE {rows})")}
        where = is_kept([name for name in header.identifiers if name in there])
        engine.execute(f"CREATE TABLE rest AS SELECT * FROM ({rows}) AS rows WHERE {where}")
        before, after = (engine.scalar(f"SELECT count(*) FROM {one}") for one in (f"({rows}) AS rows", "rest"))
        if before == after:
            return False
        rest = "SELECT * FROM rest" if header.request is None else _body(header, "SELECT * FROM rest", False)
        engine.export(rest, {}, file, separator=header.separator)
    return True


def _rows_of(header: PlatformHeader, file: Path) -> str:
    """SQL: the rows of a file. Of a request: each object, its place, and the identifiers in it."""
    if header.request is None:
        return (
            f"SELECT * FROM read_csv({file_literal(file)}, delim = {text_literal(header.separator)}, quote = '\"', "
            f"escape = '\"', header = true, all_varchar = true)"
        )
    found = ", ".join(
        f"json_extract_string(object, {text_literal(_path(header, name))})[1] AS {quoted(name)}"
        if "[]" in _at(header, name)
        else f"json_extract_string(object, {text_literal(_path(header, name))}) AS {quoted(name)}"
        for name in header.identifiers
    )
    listed = f"json_extract(content, {text_literal(f'$.{header.request.rows}[*]')})"
    return f"""
    SELECT object, place, {found}
    FROM (SELECT unnest({listed}) AS object, generate_subscripts({listed}, 1) AS place
    FROM read_text({file_literal(file)})) AS objects
    """


def _body(header: PlatformHeader, objects: str, are_removed: bool) -> str:
    """SQL: one row, the body of a request with the objects of a SELECT of object and place."""
    assert header.request is not None
    beside = header.request.beside | ({} if are_removed else header.request.of_added)
    told = "".join(f", CAST({text_literal(json.dumps(one))} AS JSON) AS {quoted(name)}" for name, one in beside.items())
    listed = f"coalesce(list(CAST(object AS JSON) ORDER BY place), []) AS {quoted(header.request.rows)}"
    return f"SELECT {listed}{told} FROM ({objects}) AS objects"


def _at(header: PlatformHeader, name: str) -> str:
    at = header.columns[name].at
    assert at is not None
    return at


def _path(header: PlatformHeader, name: str) -> str:
    return f"$.{_at(header, name).replace('[]', '[*]')}"


def _tree(header: PlatformHeader, columns: Iterable[str]) -> _Tree:
    found: _Tree = {}
    for name in columns:
        *above, last = _at(header, name).split(".")
        below = found
        for key in above:
            below = below.setdefault(key, {})
        below[last] = name
    return found


def _object(tree: _Tree) -> str:
    """SQL: the object of a tree, without what is null; null where all of it is."""
    told = ", ".join(f"{text_literal(key.removesuffix('[]'))}, {_value(key, below)}" for key, below in tree.items())
    return _unless_empty(tree, f"json_merge_patch(json_object(), json_object({told}))")


def _value(key: str, below: _Tree | str) -> str:
    if isinstance(below, str):
        return quoted(below)
    if not key.endswith("[]"):
        return _object(below)
    objects = ", ".join(_object({one: of_one}) for one, of_one in below.items())
    return _unless_empty(below, f"to_json(list_filter([{objects}], lambda one: one IS NOT NULL))")


def _unless_empty(tree: _Tree, value: str) -> str:
    return f"CASE WHEN coalesce({', '.join(_columns(tree))}, NULL) IS NOT NULL THEN {value} END"


def _columns(tree: _Tree) -> list[str]:
    return [
        name for below in tree.values() for name in ([quoted(below)] if isinstance(below, str) else _columns(below))
    ]
