"""Requests: each request of erasure that an export tells of opens a case, which says when it is due.

A pure function of what stands in the warehouse and of the cases there are, and done after every load. Whom a request
names stands in `people` until `perennial forget` has worked through it; a case says no word of it. What was worked
through is not loaded again, since its tombstones are asked for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.ingest.contacts import email, phone
from pipeline.ingest.tombstones import (
    Kind,
    a_month_after,
    case_file,
    case_of,
    cases,
    key_id,
    keys,
    older_tombstones,
    write_case,
)
from pipeline.settings import Settings
from pipeline.shapes import counted

NO_KEY = "no_erasure_key"
_WAITING = """
    SELECT DISTINCT entries.kind, named.value, entries.requested_on, entries.file_id
    FROM staging.erasures AS entries
    JOIN people.erasures AS named USING (file_id, row_number)
    WHERE named.value IS NOT NULL
    ORDER BY entries.requested_on, entries.kind, named.value, entries.file_id
"""


@dataclass(frozen=True)
class Request:
    """Who asks to be forgotten, canonical, and since when."""

    kind: Kind
    known_as: str
    requested_on: dt.date
    file_id: str


def waiting(engine: DuckDBEngine) -> list[Request]:
    """The requests nobody has worked through, the oldest first; `people` has to be attached."""
    return [Request(_kind_of(kind, value), value, *rest) for kind, value, *rest in engine.execute(_WAITING)]


def _kind_of(kind: Kind, value: str) -> Kind:
    """What a request names is what it looks like; an address that is not written one way is a customer's id."""
    if email(value) == value:
        return "email"
    return "phone" if phone(value, None) == value else kind


def open_cases(engine: DuckDBEngine, settings: Settings, today: dt.date) -> None:
    """A case for each request that has none; without a key for them that is told of the file, and nothing is lost."""
    engine.execute("DELETE FROM ingest.remarks WHERE subject = $subject", {"subject": NO_KEY})
    requests = waiting(engine)
    if not keys(settings):
        for file_id, rows in _by_file(requests):
            engine.execute(
                "INSERT INTO ingest.remarks BY NAME "
                "SELECT $file_id AS file_id, $subject AS subject, $rows AS rows, $message AS message",
                {
                    "file_id": file_id, "subject": NO_KEY, "rows": rows,
                    "message": f"{counted(rows, 'request')} of erasure and no key to open a case with: nothing is sent "
                    f"to them, and they are not forgotten. Set PERENNIAL_ERASURE_KEYS (docs/erasure.md) and run again.",
                },
            )  # fmt: skip
        return
    for one in requests:
        _open_case(settings, one, today)


def _by_file(requests: list[Request]) -> Iterator[tuple[str, int]]:
    for file_id in sorted({one.file_id for one in requests}):
        yield file_id, sum(one.file_id == file_id for one in requests)


def _open_case(settings: Settings, one: Request, today: dt.date) -> None:
    """A closed case is opened again: the person has come back since, and asks once more."""
    name = case_of(settings, one.kind, one.known_as)
    before = next((case for case in cases(settings) if case["case"] == name), None)
    if before is not None and before["state"] != "closed":
        return
    requested_on = min(one.requested_on, today)
    told = {
        "case": name,
        "state": "requested",
        "requested_on": str(requested_on),
        "due_on": str(a_month_after(requested_on)),
        "key_id": key_id(keys(settings)[0]),
        "tombstones": older_tombstones(before),
        "left": {},
    }
    write_case(case_file(settings, name), told)
