"""Tombstones: by what a person who was forgotten is known again, and by nobody who lacks the key.

A tombstone is HMAC-SHA-256 of `forget:v1:<kind>:<canonical>`. The key comes from the environment and never lies in the
home: all telephone numbers can be tried in minutes by whoever has hash and key. Each case of `perennial forget` is a
file that holds its tombstones, when what is told of the person was erased, and no word about who it was.
"""

from __future__ import annotations

import calendar
import datetime as dt
import hashlib
import hmac
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from pipeline.durable import fsync
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import PerennialError
from pipeline.home.people import CASES
from pipeline.ingest.contacts import email, phone
from pipeline.settings import Settings
from pipeline.shapes import counted

Kind = Literal["customer_id", "email", "phone", "order_id", "hash"]
KINDS: tuple[Kind, ...] = ("customer_id", "email", "phone")
"""By what people are named; orders are known by theirs only, and hashes follow from addresses and numbers."""
FOLDER = Path("data", "erasures")
NOTED = "catalog.erasure_cases"
"""The cases that have begun, in the warehouse; `people` notes them as well: each tells when the folder is lost, also
together with the other."""
_ENDING = ".case.json"
_BLOCK = 64  # bytes of a block of SHA-256: RFC 2104 pads the key to it, and hashes a longer one


class ErasureKeyError(PerennialError):
    """The key of the tombstones is not there, or is another one."""


def canonical(kind: Kind, told: str, country: str | None = None) -> str | None:
    """An identifier in the one way in which it is known; None if it cannot be one of its kind."""
    if kind == "email":
        return email(told)
    return phone(told, country) if kind == "phone" else told.strip() or None


def tombstone(key: bytes, kind: Kind, known_as: str) -> str:
    """`known_as`: canonical."""
    return hmac.digest(key, f"forget:v1:{kind}:{known_as}".encode(), "sha256").hex()


def tombstone_sql(place: int, kind: Kind, text: str) -> str:
    """SQL: `tombstone` of a text by the so-many-th of the keys that `hand_over` gave the connection."""
    inner = f"unhex(sha256({_half(place, 'inner')} || encode('forget:v1:{kind}:' || {text})))"
    return f"sha256({_half(place, 'outer')} || {inner})"


def hand_over(engine: DuckDBEngine, stones: Tombstones) -> None:
    """The keys as variables of the connection, part of no statement; the tombstones as `temp.tombstones`."""
    for place, key in enumerate(stones.keys):
        padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        for half, mask in (("inner", 0x36), ("outer", 0x5C)):
            value = bytes(byte ^ mask for byte in padded)
            engine.execute(f"SET VARIABLE erasure_key_{place}_{half} = $value", {"value": value})
    engine.execute("CREATE OR REPLACE TEMP TABLE tombstones (kind VARCHAR, value VARCHAR, erased_on DATE)")
    rows = [(kind, value, day) for (kind, value), day in stones.erased_on.items()]
    schema = {"kind": pl.String, "value": pl.String, "erased_on": pl.Date}
    engine.insert("temp.tombstones", pl.DataFrame(rows, schema=schema, orient="row"))


def _half(place: int, half: str) -> str:
    """Without the key there is no answer: null would know nobody again."""
    return f"coalesce(getvariable('erasure_key_{place}_{half}')::BLOB, error('a key of tombstones is not set')::BLOB)"


def key_id(key: bytes) -> str:
    """By what a key is known in a case; it tells nothing of the key."""
    return hashlib.sha256(b"perennial erasure key" + key).hexdigest()[:8]


def keys(settings: Settings) -> list[bytes]:
    """The keys there are, that of new cases first; the others look up older ones."""
    given = settings.erasure_keys.get_secret_value() if settings.erasure_keys is not None else ""
    return [key.strip().encode() for key in given.split(",") if key.strip()]


@dataclass(frozen=True)
class Tombstones:
    """Those of all cases: (kind, tombstone) -> the last day whose rows are erased."""

    keys: Sequence[bytes]
    erased_on: Mapping[tuple[str, str], dt.date]

    def __bool__(self) -> bool:
        return bool(self.erased_on)

    def alias(self, order_id: str) -> str:
        """An order of somebody who was forgotten: the same in every export, and nobody's. With the oldest key."""
        return f"erased-{tombstone(self.keys[-1], 'order_id', order_id)[:16]}"


NOBODY = Tombstones((), {})


def find_tombstones(settings: Settings) -> Tombstones:
    """Raises ErasureKeyError where a case was made with a key that is not there: who was forgotten would come back."""
    known = {key_id(key): key for key in keys(settings)}
    found = dict[tuple[str, str], dt.date]()
    for case in cases(settings):
        stones = older_tombstones(case)
        for made_with in (case["key_id"], *(stone["key_id"] for stone in stones)):
            if made_with not in known:
                raise ErasureKeyError(
                    f"{case_file(settings, case['case'])} was made with the key {made_with}, which is not among "
                    f"PERENNIAL_ERASURE_KEYS. Without it nobody can tell who was forgotten, and they would come back "
                    f"with the next export. Set the variable to the key, or to several with commas between them, and "
                    f"run again."
                )
        for stone in stones:
            key = (stone["kind"], stone["value"])
            found[key] = max(found.get(key, dt.date.min), dt.date.fromisoformat(stone["erased_on"]))
    return Tombstones(list(known.values()), found)


def case_of(settings: Settings, kind: Kind, known_as: str) -> str:
    """The name of the case of an identifier: an older one that knows it, else that of a new one. Raises ErasureKeyError
    where there is no key."""
    known = keys(settings)
    if not known:
        raise ErasureKeyError(
            "There is no key for tombstones. Set PERENNIAL_ERASURE_KEYS to a text that nobody can guess, such as "
            "`openssl rand -hex 32` makes, and keep it outside the home, for every run of it: by it those are known "
            "again who were forgotten."
        )
    names = [tombstone(key, kind, known_as)[:16] for key in known]
    return next((name for name in names if case_file(settings, name).exists()), names[0])


def case_file(settings: Settings, case: str) -> Path:
    return settings.home / FOLDER / f"{case}{_ENDING}"


def cases(settings: Settings) -> list[dict[str, Any]]:
    """What the files of all cases say. Raises ErasureKeyError for one that cannot be read."""
    found = []
    for file in sorted((settings.home / FOLDER).glob(f"*{_ENDING}")):
        try:
            found.append(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise ErasureKeyError(
                f"{file} cannot be read ({type(error).__name__}). It tells who was forgotten: restore it from the "
                "backup."
            ) from None
    return found


def require_cases(engine: DuckDBEngine, settings: Settings) -> None:
    """Raises ErasureKeyError where the file of a case that has begun is gone: who was forgotten would come back.

    The warehouse notes them, and `people` where that is attached.
    """
    tables = [table for table in _noting(engine) if table != NOTED or engine.has(NOTED)]
    noted = {name for table in tables for (name,) in engine.execute(f"SELECT case_name FROM {table}")}
    if missing := sorted(noted - {case["case"] for case in cases(settings)}):
        raise ErasureKeyError(
            f"{FOLDER} lacks {counted(len(missing), 'case')} of people who were forgotten, such as {missing[0]}: it "
            f"was removed, or an older one was put back. They would come back with the next export. Restore the folder "
            f"from the backup; where there is none, forget these people again, named as they were then."
        )


def note_cases(engine: DuckDBEngine, settings: Settings) -> None:
    """Note the cases that have begun, in the warehouse, and in `people` where that is attached."""
    begun = [case["case"] for case in cases(settings) if case["state"] != "requested"]
    if begun:
        engine.execute("CREATE SCHEMA IF NOT EXISTS catalog")
        engine.execute(f"CREATE TABLE IF NOT EXISTS {NOTED} (case_name VARCHAR)")
        for table in _noting(engine):
            engine.execute(
                f"INSERT INTO {table} SELECT unnest($begun::VARCHAR[]) EXCEPT SELECT case_name FROM {table}",
                {"begun": begun},
            )


def _noting(engine: DuckDBEngine) -> list[str]:
    attached = engine.scalar("SELECT 1 FROM duckdb_databases() WHERE database_name = 'people'")
    return [NOTED, CASES] if attached else [NOTED]


def older_tombstones(case: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """Those of a case, each with its day and key, so that they outlive that the case is opened again."""
    if case is None:
        return []
    of_case = {name: case[name] for name in ("erased_on", "key_id") if name in case}
    return [of_case | stone for stone in case["tombstones"]]


def write_case(file: Path, told: Mapping[str, Any]) -> None:
    """Whole or not at all, on disk for good, and for the owner alone."""
    file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as written:
        json.dump(told, written, indent=2, ensure_ascii=False)
        written.write("\n")
    fsync(partial)
    partial.replace(file)
    fsync(file.parent)


def a_month_after(day: dt.date) -> dt.date:
    """The same day of the next month, else its last: the time that art. 12 GDPR gives."""
    year, month = (day.year, day.month + 1) if day.month < 12 else (day.year + 1, 1)
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
