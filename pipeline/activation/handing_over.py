"""Handing over: the lists of a snapshot for the outbox, and how those of the folder differ from the day before.

Holds what people are reached by, in temporary tables and in the outbox only.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import polars as pl

from pipeline.activation.ledger import FOLDER, LISTS, ROWS, Listed, Outbox, differences, removes
from pipeline.activation.terms import BLOCKED, Asked, Gate, refused, withdrawn_by
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.quoting import quoted, text_literal
from pipeline.sections.activation import Consent, Mode
from pipeline.tables.audiences import ID
from pipeline.tables.platforms import Platform, platforms

FileFor = Callable[[str], Path]

ADDRESSED = ("email", "phone", "hash")
"""Kinds of columns in which an address may stand."""
CUSTOMER = "customer id"
"""The column of temp.file_rows that is in no file; with a blank, so that none of an audience is called so."""
_COLUMNS = ("platform", "audience", "customer_id", "identifiers", "cells", "content", "why")
_SENT = ("place", "platform", "audience", "customer_id", "identifiers", "content")
_OF_LIST = "platform = $platform AND audience = $audience"
_OF_MARKETING = tuple(
    Consent(purpose=purpose, channel=channel)
    for purpose, channel in itertools.product(("marketing", "own_similar"), ("email", "sms"))
)
"""What a list may have asked for whose platform asks for nothing itself."""


class HandingOver:
    """Takes one list after the other as it is written; `write` puts all of them into the outbox."""

    def __init__(self, engine: DuckDBEngine, sent: pl.DataFrame, day: dt.date) -> None:
        """`sent`: what the ledger holds, as of before the day (`Ledger.sent_before`)."""
        self._engine, self._day = engine, day
        self._lists = list[Listed]()
        for name, columns in (("sent", _SENT), ("outbox", _COLUMNS)):
            engine.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({', '.join(f'{one} VARCHAR' for one in columns)})")
        engine.insert("temp.sent", sent)

    def take(
        self, asked: Asked, platform: Platform, gate: Gate, rows: str, columns: Sequence[str], refused_now: str
    ) -> None:  # fmt: skip
        """The rows of temp.file_rows; and why those to whom the list was sent must not be on it, where they must not.

        `rows`: the table of those who agreed, `columns`: those of the file, `refused_now`: the table of
        addresses that must not be there any more.
        """
        header, given = platform.header, {"platform": platform.name, "audience": asked.name, "day": self._day}
        self._engine.execute(
            f"""
            INSERT INTO temp.outbox BY NAME
            SELECT $platform AS platform, $audience AS audience, *, sha256(cells) AS content FROM (
              SELECT {quoted(CUSTOMER)} AS customer_id, {_object(header.identifiers, filled=True)} AS identifiers,
                {_object(columns)} AS cells
              FROM temp.file_rows
            )
            """,
            given,
        )
        needed = header.consent or ((asked.audience.header.consent,) if asked.audience.header.consent else ())
        self._engine.execute(
            f"""
            INSERT INTO temp.outbox BY NAME
            SELECT $platform AS platform, $audience AS audience, {ID}, why FROM (
              SELECT {ID}, coalesce(
                {gate.barred()},
                CASE WHEN {ID} NOT IN (SELECT {ID} FROM {rows}) AND {ID} IN ({_withdrawn(needed)}) THEN 'withdrawn' END,
                CASE WHEN {ID} IN (SELECT {ID} FROM {rows} WHERE {BLOCKED}) THEN 'blocked_address' END,
                CASE WHEN is_refused THEN 'blocked_address' END
              ) AS why
              FROM ({_of_list(platform, refused_now)})
            ) WHERE why IS NOT NULL
            """,
            given,
        )

    def changes(self, asked: Asked, platform: Platform) -> dict[str, str]:
        """SQL of the rows that were added to the list of the folder or changed, and of those removed from it."""
        header, mode = platform.header, asked.audience.header.mode or "full"
        of_list = f"platform = {text_literal(platform.name)} AND audience = {text_literal(asked.name)}"
        sent = f"SELECT * FROM temp.sent WHERE place = '{FOLDER}' AND {of_list}"
        wanted = f"SELECT * FROM temp.outbox WHERE {of_list} AND identifiers IS NOT NULL"
        barred = f"SELECT {ID}, why FROM temp.outbox WHERE {of_list} AND identifiers IS NULL"
        self._engine.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE changes AS
            SELECT changed.*, barred.why
            FROM ({differences(sent, wanted)}) AS changed LEFT JOIN ({barred}) AS barred USING ({ID})
            """
        )
        cells = ", ".join(
            f"json_extract_string(identifiers, {text_literal(f'$.{quoted(name)}')}) AS {quoted(name)}"
            for name in header.identifiers
        )
        come = f"SELECT {ID} FROM temp.changes WHERE kind <> 'removed'"
        return {
            "removed": f"SELECT {cells} FROM temp.changes WHERE kind = 'removed' AND {removes(mode)} ORDER BY ALL",
            "added": f"SELECT * FROM temp.file_rows WHERE {quoted(CUSTOMER)} IN ({come})",
        }

    def counts(self, mode: Mode) -> tuple[int, int]:
        """Of the list whose `changes` were asked for last: how many came to it, and how many are taken off it."""
        came, left = self._engine.execute(
            f"SELECT count(*) FILTER (kind = 'added'), count(*) FILTER (kind = 'removed' AND {removes(mode)}) "
            f"FROM temp.changes"
        )[0]
        return came, left

    def enter(
        self, asked: Asked, platform: Platform, stopped: bool, columns: Sequence[str], texts: Sequence[str],
        files: Iterable[str], least: int,
    ) -> None:  # fmt: skip
        """Enter the list as it was written; `least`: how many it needs."""
        mode, given = asked.audience.header.mode, {"platform": platform.name, "audience": asked.name}
        rows = self._engine.scalar(
            f"SELECT sha256(coalesce(string_agg(identifiers || content, ',' ORDER BY identifiers), '')) "
            f"FROM temp.outbox WHERE {_OF_LIST} AND identifiers IS NOT NULL",
            given,
        )
        version = f"{rows[:16]}{'-stopped' if stopped else ''}"
        self._lists.append(Listed(
            platform.name, asked.name, mode, stopped, tuple(columns), tuple(texts), platform.header.identifiers,
            version, tuple(files), least,
        ))  # fmt: skip

    def write(self, gate: Gate, file: FileFor, refused_now: Callable[[Platform], str]) -> None:
        """The outbox; none where nothing is handed over, nor ever was. `refused_now`: as `take` gets it."""
        if not self._lists and not self._engine.scalar("SELECT count(*) FROM temp.sent"):
            return
        in_force = {(one.platform, one.audience) for one in self._lists}
        for platform, audience in self._engine.execute(
            "SELECT DISTINCT platform, audience FROM temp.sent ORDER BY ALL"
        ):
            if (platform, audience) not in in_force:
                self._bar(platform, audience, gate, refused_now)
        Outbox(self._day, tuple(self._lists)).write(file(LISTS))
        self._engine.export("SELECT * FROM temp.outbox", {}, file(ROWS))

    def _bar(self, platform: str, audience: str, gate: Gate, refused_now: Callable[[Platform], str]) -> None:
        """Who must not be on a list that is not in force any more. Nobody tells what its audience asked for."""
        known = platforms().get(platform)
        needed = (*known.header.consent, *known.header.consent_in_eea) if known and known.header.consent else ()
        of_list = _of_list(known, refused_now(known)) if known else _of_list(None, "")
        self._engine.execute(
            f"""
            INSERT INTO temp.outbox BY NAME
            SELECT $platform AS platform, $audience AS audience, {ID}, why FROM (
              SELECT {ID}, coalesce(
                {gate.barred()},
                CASE WHEN {refused(needed or _OF_MARKETING, ID)} THEN 'withdrawn' END,
                CASE WHEN is_refused THEN 'blocked_address' END
              ) AS why
              FROM ({of_list})
            ) WHERE why IS NOT NULL
            """,
            {"platform": platform, "audience": audience},
        )

    def close(self) -> None:
        for table in ("sent", "outbox", "changes"):
            self._engine.execute(f"DROP TABLE IF EXISTS temp.{table}")


def names_refused(platform: Platform, refused_now: str) -> str:
    """SQL over `identifiers`: whether one of these addresses, as the platform writes them, is among those refused."""
    named = [
        f"json_extract_string(identifiers, {text_literal(f'$.{quoted(name)}')}) IN "
        f"(SELECT {quoted(name)} FROM {refused_now} WHERE {quoted(name)} IS NOT NULL)"
        for name in platform.header.identifiers
        if platform.header.columns[name].kind in ADDRESSED
    ]
    return f"coalesce({' OR '.join(named) or 'FALSE'}, FALSE)"


def _of_list(platform: Platform | None, refused_now: str) -> str:
    """SQL: the customers who were sent, and whether one of the addresses they were sent by is refused by now."""
    is_refused = names_refused(platform, refused_now) if platform else "FALSE"
    return f"SELECT {ID}, bool_or({is_refused}) AS is_refused FROM temp.sent WHERE {_OF_LIST} GROUP BY {ID}"


def _object(columns: Sequence[str], filled: bool = False) -> str:
    """SQL: these columns as a JSON text, `filled`: without those that are null."""
    told = f"json_object({', '.join(f'{text_literal(name)}, {quoted(name)}' for name in columns)})"
    return f"CAST({f'json_merge_patch(json_object(), {told})' if filled else told} AS VARCHAR)"


def _withdrawn(needed: Iterable[Consent]) -> str:
    """SQL: who has withdrawn a consent that is needed. Of whom nothing is said any more, the export may be lost."""
    return " UNION ".join(map(withdrawn_by, needed)) or f"SELECT {ID} FROM temp.withdrawn WHERE FALSE"
