"""Cases: who asked when to be forgotten, how far it has come, and what proves it.

    data/erasures/<case>.case.json      tombstones, days, what is left to do; no word about who it is
    data/erasures/<case>.person.json    identifiers, for as long as the case is open

A case is named by the tombstone of what the person was named by, so that asking again goes on with it. It has begun
when its file is there, for good, with all of its tombstones: from then on nothing about the person is loaded.
"""

from __future__ import annotations

import calendar
import datetime as dt
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.durable import fsync
from pipeline.erasure.person import Person
from pipeline.errors import PerennialError
from pipeline.ingest.tombstones import FOLDER, ErasureKeyError, Kind, case_file, key_id, keys, tombstone
from pipeline.settings import Settings

_PERSON_ENDING = ".person.json"


class CaseDamaged(PerennialError):
    """An open case whose identifiers are gone."""


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


def begin(settings: Settings, case: str, person: Person, requested_on: dt.date, today: dt.date) -> dict[str, Any]:
    """Write the case; first the identifiers, without which it could not be finished."""
    key = keys(settings)[0]
    write(_person_file(settings, case), {kind: list(known) for kind, known in asdict(person).items()})
    told = {
        "case": case,
        "state": "open",
        "requested_on": str(requested_on),
        "due_on": str(a_month_after(requested_on)),
        "erased_on": str(today),
        "key_id": key_id(key),
        "tombstones": [
            {"kind": kind, "value": tombstone(key, kind, one)}
            for kind, known in person.by_kind().items()
            for one in known
        ],
        "left": {},
    }
    write(case_file(settings, case), told)
    return told


def person_of(settings: Settings, case: str) -> Person:
    """Raises CaseDamaged."""
    try:
        told = json.loads(_person_file(settings, case).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CaseDamaged(
            f"{_person_file(settings, case)} cannot be read ({type(error).__name__}), and case {case} is open: restore "
            f"it, or remove {case_file(settings, case)} and ask again."
        ) from None
    return Person(**{kind: tuple(known) for kind, known in told.items()})


def close(settings: Settings, told: Mapping[str, Any]) -> None:
    """The case first: identifiers that are left over are removed by whoever asks again."""
    write(case_file(settings, told["case"]), dict(told) | {"state": "closed"})
    _person_file(settings, told["case"]).unlink(missing_ok=True)
    fsync(settings.home / FOLDER)


def is_person_file(path: Path) -> bool:
    return path.name.endswith(_PERSON_ENDING) and path.parent.name == FOLDER.name


def write(file: Path, told: Mapping[str, Any]) -> None:
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


def _person_file(settings: Settings, case: str) -> Path:
    return settings.home / FOLDER / f"{case}{_PERSON_ENDING}"
