"""Cases: who asked when to be forgotten, how far it has come, and what proves it.

    data/erasures/<case>.case.json      tombstones, days, what is left to do; no word about who it is
    data/erasures/<case>.person.json    identifiers, for as long as the case is open

A case is named by the tombstone of what the person was named by, so that asking again goes on with it. It is
`requested` where an export tells of it (`ingest.requests`), `open` once it has begun, and `closed` in the end. It has
begun when its file is there, for good, with all of its tombstones: from then on nothing about the person is loaded.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.durable import fsync
from pipeline.erasure.person import Person
from pipeline.errors import PerennialError
from pipeline.ingest.tombstones import (
    FOLDER,
    a_month_after,
    case_file,
    cases,
    key_id,
    keys,
    older_tombstones,
    tombstone,
    write_case,
)
from pipeline.settings import Settings

_PERSON_ENDING = ".person.json"


class CaseDamaged(PerennialError):
    """An open case whose identifiers are gone."""


@dataclass(frozen=True)
class Deadline:
    """A case that is not closed: when it was asked for, and when it is due."""

    case: str
    state: str
    requested_on: dt.date
    due_on: dt.date

    def is_overdue(self, today: dt.date) -> bool:
        return self.due_on < today


def deadlines(settings: Settings) -> list[Deadline]:
    """The cases that are not closed, what is due first before the others."""
    found = [
        Deadline(
            case["case"], case["state"], dt.date.fromisoformat(case["requested_on"]),
            dt.date.fromisoformat(case["due_on"]),
        )
        for case in cases(settings)
        if case["state"] != "closed"
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.due_on, one.case))


def begin(settings: Settings, case: str, person: Person, requested_on: dt.date, today: dt.date) -> dict[str, Any]:
    """Write the case; first the identifiers, without which it could not be finished.

    Tombstones of an earlier time stay: what they stand for is nowhere known any more.
    """
    key = keys(settings)[0]
    before = next((one for one in cases(settings) if one["case"] == case), None)
    stones = [
        {"kind": kind, "value": tombstone(key, kind, one)} for kind, known in person.by_kind().items() for one in known
    ]
    values = {(stone["kind"], stone["value"]) for stone in stones}
    older = [stone for stone in older_tombstones(before) if (stone["kind"], stone["value"]) not in values]
    write_case(_person_file(settings, case), {kind: list(known) for kind, known in asdict(person).items()})
    told = {
        "case": case,
        "state": "open",
        "requested_on": str(requested_on),
        "due_on": str(a_month_after(requested_on)),
        "erased_on": str(today),
        "key_id": key_id(key),
        "tombstones": [*stones, *older],
        "left": {},
    }
    write_case(case_file(settings, case), told)
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
    write_case(case_file(settings, told["case"]), dict(told) | {"state": "closed"})
    _person_file(settings, told["case"]).unlink(missing_ok=True)
    fsync(settings.home / FOLDER)


def is_person_file(path: Path) -> bool:
    return path.name.endswith(_PERSON_ENDING) and path.parent.name == FOLDER.name


def _person_file(settings: Settings, case: str) -> Path:
    return settings.home / FOLDER / f"{case}{_PERSON_ENDING}"
