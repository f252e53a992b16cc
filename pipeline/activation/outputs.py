"""Outputs of a snapshot: its tables and audiences as files, and the manifest that lists them.

Files are written where `file(target)` says, aside from what readers see; putting them in place is `publishing`'s work.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.activation.coverage import CONSENTS, as_entry
from pipeline.activation.handing_over import HandingOver
from pipeline.activation.platforms import Writer
from pipeline.activation.terms import MEMBERS, Asked, Gate, Waterfall
from pipeline.engines.checks import check_columns, doubled_keys
from pipeline.engines.duckdb import DuckDBEngine, naming_the_file
from pipeline.errors import PerennialError
from pipeline.places import audience_folder, table_file
from pipeline.quoting import file_literal, quoted
from pipeline.reporting.facts import Coverage
from pipeline.settings import Settings
from pipeline.shapes import counted, shape
from pipeline.tables.audiences import FILE_NAME, ID, Audience
from pipeline.tables.formulas import harmless, like_a_formula
from pipeline.tables.header import PARTITION_COLUMN, Table
from pipeline.tables.platforms import platforms

FileFor = Callable[[str], Path]

MOST_FILES = 1_000
_MANIFEST = "manifest.json"
_MADE_WITH = ("inputs", "settings", "settings_fingerprint", "versions")


class AudienceRefused(PerennialError):
    """An audience whose rows cannot be handed over; the message names the file and what to do."""


@dataclass(frozen=True)
class Output:
    """One published file."""

    path: str
    rows: int
    sha256: str
    ids_like_formulas: int = 0
    """Ids in a CSV that begin as a formula does; they stand there unaltered."""


@dataclass(frozen=True)
class Before:
    """What was published of a day before: its files that are still there, by path, and what they were made with."""

    files: Mapping[str, Output]
    made_with: Mapping[str, Any]


def published_before(home: Path, day: dt.date) -> Before | None:
    """As the manifest in place tells it; None if there is none to go by, or if other versions wrote the files."""
    try:
        content = json.loads((home / audience_folder(day) / _MANIFEST).read_text(encoding="utf-8"))
        formulas = content["ids_like_formulas"]
        files = [Output(**entry, ids_like_formulas=formulas.get(entry["path"], 0)) for entry in content["files"]]
        made_with = {name: content[name] for name in _MADE_WITH}
    except (OSError, ValueError, LookupError, TypeError):
        return None
    if made_with["versions"] != versions():
        return None
    return Before({one.path: one for one in files if (home / one.path).exists()}, made_with)


def tables_published(home: Path, day: dt.date) -> list[str]:
    """The Parquet files that the manifest of a day lists: tables and audiences; none where it cannot be read."""
    try:
        files = json.loads((home / audience_folder(day) / _MANIFEST).read_text(encoding="utf-8"))["files"]
        return [entry["path"] for entry in files if entry["path"].endswith(".parquet")]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def write_tables(engine: DuckDBEngine, tables: Iterable[Table], day: dt.date, file: FileFor) -> list[Output]:
    """The partition of `day` of each table as one Parquet file, sorted by its key: equal rows are equal bytes."""
    outputs = []
    for table in tables:
        grain = [key for key in table.header.grain if key != PARTITION_COLUMN] or [PARTITION_COLUMN]
        keys = ", ".join(map(quoted, grain))
        columns = ", ".join(map(quoted, table.header.columns))  # of a table made by an older version, in this order
        sql = f"SELECT {columns} FROM {table.full_name} WHERE snapshot_date = $snapshot_date ORDER BY {keys}"
        outputs.append(_export(engine, sql, {"snapshot_date": day}, table_file(table.name, day), file))
    return outputs


def write_audiences(
    engine: DuckDBEngine, audiences: Iterable[Audience], day: dt.date, file: FileFor, holdout_share: float = 0.0,
    only: str | None = None, is_preview: bool = False, handing: HandingOver | None = None,
) -> tuple[list[Output], list[Waterfall]]:  # fmt: skip
    """Each audience as Parquet of ids, and as CSV if it asks for that, one without customers as a file without rows;
    and for its platforms as these want it, for which the people must be attached. Beside the files, who was left out
    of those that have terms.

    `holdout_share`: share of all customers who are in none. `only`: the one audience, by catalogue and name.
    `is_preview`: what platforms would get is counted, and no address is written to the disk. `handing`: takes what
    platforms get, if it is delivered with that, and writes the outbox. Raises
    AudienceRefused where a customer is missing, null or there twice, or a file has no name of its own; SelectRefused.
    """
    outputs, waterfalls, written_by = list[Output](), list[Waterfall](), dict[str, str]()
    gate, folder = Gate(engine, day, holdout_share), audience_folder(day)
    with closing(Writer(engine, gate, is_preview, handing)) as writer:
        for audience in audiences:
            with _members(engine, audience, day):
                for target, values in _targets(engine, audience, day).items():
                    asked = Asked(audience, target.removeprefix(f"{folder}/"), values)
                    if only not in (None, asked.name):
                        continue
                    if (other := written_by.setdefault(target, audience.file)) != audience.file:
                        raise AudienceRefused(
                            f"{audience.file}: {other} writes {target} already; use another catalogue."
                        )
                    written, left_out = _write_asked(engine, gate, writer, asked, target, file)
                    outputs, waterfalls = outputs + written, waterfalls + left_out
        if handing is not None:
            handing.write(gate, file, lambda platform: writer.refused(platform, None))
    return outputs, waterfalls


def _write_asked(
    engine: DuckDBEngine, gate: Gate, writer: Writer, asked: Asked, target: str, file: FileFor
) -> tuple[list[Output], list[Waterfall]]:
    left_out = gate.left_out_of_ids(asked)
    outputs, waterfalls = _write_audience(engine, asked, left_out, target, file), list[Waterfall]()
    if gate.has_terms(asked):
        steps = f"SELECT {left_out} FROM {MEMBERS} WHERE {asked.where}"
        waterfalls.append(_valued(engine, asked, left_out, gate.counted(asked, None, steps, asked.parameters)))
    for name in asked.audience.header.platforms:
        written, waterfall = writer.write(asked, platforms()[name], target, file)
        outputs += [_output(one.target, one.rows, file(one.target), one.ids_like_formulas) for one in written]
        waterfalls.append(waterfall)
    return outputs, waterfalls


def _valued(engine: DuckDBEngine, asked: Asked, left_out: str, told: Waterfall) -> Waterfall:
    """With the channel of its consent, and what those in the files of ids are worth."""
    header = asked.audience.header
    worth = None
    if header.value:
        (worth,) = engine.execute(
            f"SELECT sum(CAST({quoted(header.value)} AS DOUBLE)) FROM {MEMBERS} "
            f"WHERE {asked.where} AND {left_out} IS NULL",
            asked.parameters,
        )[0]
    return replace(
        told, channels=(header.consent.channel,) if header.consent else (), value=worth, is_money=asked.is_money
    )


@contextmanager
def _members(engine: DuckDBEngine, audience: Audience, day: dt.date) -> Iterator[None]:
    """The members of all audiences of a file as a table, joined once and not once per file, and checked."""
    table = audience.members
    made = f"CREATE OR REPLACE TEMP TABLE audience_members AS {table.declared_select}"
    with naming_the_file(audience.file, audience.first_line):
        engine.execute(made, {"snapshot_date": day})
    if twice := len(engine.execute(doubled_keys(table, MEMBERS))):
        raise AudienceRefused(
            f"{audience.file}: {counted(twice, 'customer')} of an audience in it more than once; select each {ID} once."
        )
    columns = check_columns(table, f"{MEMBERS} AS written", engine.execute)
    if not columns.passed:
        raise AudienceRefused(f"{audience.file}: {columns.message}")
    yield
    engine.execute(f"DROP TABLE {MEMBERS}")


def _targets(engine: DuckDBEngine, audience: Audience, day: dt.date) -> dict[str, tuple[str, ...]]:
    """Each audience of the file: its path without an ending -> its values of `each`."""
    header, folder = audience.header, audience_folder(day)
    if not header.each:
        return {f"{folder}/{header.catalogue}/{audience.name}": ()}
    names = ", ".join(map(quoted, header.each))
    listed = f"SELECT DISTINCT {names} FROM ({header.values}) AS listed ORDER BY {names}"
    unlisted = f"SELECT count(*) FROM {MEMBERS} WHERE ({names}) NOT IN ({listed})"
    with naming_the_file(audience.file, None, "the SELECT of values"):
        found = engine.execute(listed, {"snapshot_date": day})
        left_out = engine.scalar(unlisted, {"snapshot_date": day})
    if len(found) > MOST_FILES:
        raise AudienceRefused(f"{audience.file}: {len(found):,} audiences of one file; it may make {MOST_FILES:,}.")
    for value in {str(value) for values in found for value in values}:
        if re.fullmatch(FILE_NAME, value) is None:
            raise AudienceRefused(
                f"{audience.file}: a value of {' or '.join(header.each)} cannot name a file ({shape(value)}); make it "
                f"of lower-case letters, digits, _ and - in the SELECT, such as replace(lower(name), ' ', '_')."
            )
    if left_out:
        raise AudienceRefused(f"{audience.file}: {left_out:,} rows are of no value that `values` lists; list them all.")
    return {"/".join((folder, *filter(None, (header.catalogue,)), *values)): values for values in found}


def _write_audience(engine: DuckDBEngine, asked: Asked, left_out: str, target: str, file: FileFor) -> list[Output]:
    """The Parquet file, and the CSV from that: members are looked for and put in order once."""
    audience = asked.audience
    plain = ", ".join(map(quoted, audience.columns))
    # The order stands outermost: inside a subquery, a large file may lose it.
    of_these = f"SELECT {plain} FROM {MEMBERS} WHERE {asked.where} AND {left_out} IS NULL"
    members = f"SELECT {plain} FROM ({of_these}) AS members ORDER BY members.{ID}"
    parquet = _export(engine, members, asked.parameters, f"{target}.parquet", file)
    if not audience.header.csv:
        return [parquet]
    return [parquet, _as_csv(engine, audience, file(parquet.path), f"{target}.csv", file)]


def _as_csv(engine: DuckDBEngine, audience: Audience, parquet: Path, target: str, file: FileFor) -> Output:
    """What a spreadsheet opens without calculating: every text but the ids begins harmlessly."""
    kinds = audience.members.column_types()
    safe = ", ".join(
        f"{harmless(quoted(name))} AS {quoted(name)}" if kinds[name] == "VARCHAR" and name != ID else quoted(name)
        for name in audience.columns
    )
    written = f"read_parquet({file_literal(parquet)}, hive_partitioning = false)"
    like_formulas = engine.scalar(f"SELECT count(*) FROM {written} WHERE {like_a_formula(ID)}")
    return _export(engine, f"SELECT {safe} FROM {written}", {}, target, file, like_formulas)


def write_manifest(
    engine: DuckDBEngine, settings: Settings, day: dt.date, outputs: Iterable[Output], file: FileFor,
    made_with: Mapping[str, Any] | None = None, waterfalls: Iterable[Waterfall] = (),
    consents: Iterable[Coverage] = (),
) -> str:  # fmt: skip
    """What was published for `day`, from which files, with which settings and versions; returns its target.

    Holds no clock and no run: the same partition gives the same bytes. `made_with`: what most of it was made with, if
    that was not now.
    """
    listed = sorted(outputs, key=lambda output: output.path)
    content = {
        "snapshot_date": str(day),
        "files": [{"path": one.path, "rows": one.rows, "sha256": one.sha256} for one in listed],
        "ids_like_formulas": {one.path: one.ids_like_formulas for one in listed if one.ids_like_formulas},
        "terms": [
            {"audience": one.audience, "platform": one.platform, "members": one.members, **one.steps}
            | ({"hashed_for_others": one.hashed_for_others} if one.hashed_for_others else {})
            for one in waterfalls
        ],
        CONSENTS: [as_entry(one) for one in consents],
        **(made_with or _made_with(engine, settings)),
    }
    target = f"{audience_folder(day)}/{_MANIFEST}"
    file(target).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return target


def _made_with(engine: DuckDBEngine, settings: Settings) -> dict[str, Any]:
    inputs = engine.read(
        "SELECT path, source, input, sha256, rows_read, accepted FROM ingest.files ORDER BY source, input, sha256"
    )
    values = (inputs.to_dicts(), settings.analytic(), settings.fingerprint(), versions())
    return dict(zip(_MADE_WITH, values, strict=True))


def versions() -> dict[str, str]:
    return {"perennial": __version__, **{name: version(name) for name in ("dagster", "duckdb", "polars", "plotly")}}


def _export(
    engine: DuckDBEngine, sql: str, parameters: Mapping[str, Any], target: str, file: FileFor,
    ids_like_formulas: int = 0,
) -> Output:  # fmt: skip
    path = file(target)
    rows = engine.export(sql, parameters, path, quote=(ID,) if ids_like_formulas else ())
    return _output(target, rows, path, ids_like_formulas)


def _output(target: str, rows: int, path: Path, ids_like_formulas: int = 0) -> Output:
    with path.open("rb") as written:
        return Output(target, rows, hashlib.file_digest(written, "sha256").hexdigest(), ids_like_formulas)
