"""A run that is killed by kill -9 right before or right after one of its commits, whichever is asked for.

The process kills itself, so the moment is exact. What belongs here: the kinds of commits and where they are. What does
not: what has to be true afterwards.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from homes import Home, run_alone

DAY_BEFORE, DAY = "2026-02-27", "2026-02-28"
MART, COMPUTED, HISTORY = "marts.customer_summary", "marts.purchase_gaps", "marts.segment_changes"
MANIFEST = f"data/audiences/{DAY}/manifest.json"

When = Literal["before", "after"]


@dataclass(frozen=True)
class Kind:
    """A kind of commit, and how to see from outside whether it has happened in a home."""

    name: str
    has_happened: Callable[[Home], bool]


def _rows(table: str, where: str) -> Callable[[Home], bool]:
    return lambda home: home.warehouse(f"SELECT count(*) FROM {table} WHERE {where}") != [(0,)]


def _has_marker(home: Home) -> bool:
    return any(home.folder.glob("data/.staging/*/COMMIT.json"))


KINDS = (
    Kind("ingest", _rows("ingest.files", "path LIKE '%more.csv' AND status = 'loaded'")),
    Kind("incremental", _rows("staging.orders", "order_id LIKE '2-%'")),
    Kind("mart", _rows(MART, f"snapshot_date = DATE '{DAY}'")),
    Kind("computed", _rows(COMPUTED, f"snapshot_date = DATE '{DAY}'")),
    Kind("history", _rows(HISTORY, f"snapshot_date = DATE '{DAY}'")),
    Kind("publication marker", _has_marker),
    Kind("manifest", lambda home: (home.folder / MANIFEST).exists()),
    Kind("retention", lambda home: not _rows(MART, f"snapshot_date = DATE '{DAY_BEFORE}'")(home)),
)
"""In the order in which a night comes to them."""


def run_until_killed(folder: str, kind: str, when: When) -> None:
    """The night of DAY in a process that does nothing else; where the moment does not come, it just ends."""

    def reached(now: When) -> None:
        if now == when:
            _note(Path(folder)).write_text(f"{when} {kind}")  # somebody else may kill as well, for want of memory
            os.kill(os.getpid(), signal.SIGKILL)

    _arm(kind, reached)
    run_alone(folder, DAY)


def killed_itself(home: Home) -> str:
    """When the last run that killed itself did so, such as "before ingest"; asked again, it is forgotten."""
    note = _note(home.folder)
    found = note.read_text() if note.exists() else ""
    note.unlink(missing_ok=True)
    return found


def _note(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.killed")


def _arm(kind: str, reached: Callable[[When], None]) -> None:
    """Have `reached` called right before and right after the commit."""
    from pipeline.engines.duckdb import DuckDBEngine
    from pipeline.home import publishing
    from pipeline.ingest import exports

    if kind == "publication marker":
        _around(publishing, "_write_marker", lambda staging, plan: MANIFEST in plan.manifests, reached)
    elif kind == "manifest":
        _around(publishing, "_put", lambda home, staging, targets: targets == [MANIFEST], reached)
    else:
        owner, name, is_meant = {
            "ingest": (exports, "load_file", lambda engine, settings, export, *_: export.name == "more.csv"),
            "incremental": (DuckDBEngine, "write", lambda engine, table, day: table.full_name == "staging.orders"),
            "mart": (DuckDBEngine, "write", lambda engine, table, day: (table.full_name, day) == (MART, _day())),
            "computed": (DuckDBEngine, "write_frame", lambda engine, table, *_: table.full_name == COMPUTED),
            "history": (DuckDBEngine, "write", lambda engine, table, day: (table.full_name, day) == (HISTORY, _day())),
            "retention": (DuckDBEngine, "drop_days", lambda engine, days: True),
        }[kind]
        _at_commits_within(owner, name, is_meant, reached)


def _day() -> dt.date:
    return dt.date.fromisoformat(DAY)


def _around(owner: Any, name: str, is_meant: Callable[..., bool], reached: Callable[[When], None]) -> None:
    original = getattr(owner, name)

    def wrapped(*given: Any) -> Any:
        if not is_meant(*given):
            return original(*given)
        reached("before")
        found = original(*given)
        reached("after")
        return found

    setattr(owner, name, wrapped)


def _at_commits_within(owner: Any, name: str, is_meant: Callable[..., bool], reached: Callable[[When], None]) -> None:
    """Around the COMMIT of the transaction that the call makes: all its statements have been executed by then."""
    from pipeline.engines.duckdb import DuckDBEngine

    original, transaction = getattr(owner, name), DuckDBEngine.transaction

    @contextmanager
    def watched(engine: DuckDBEngine) -> Iterator[None]:
        with transaction(engine):
            yield
            reached("before")
        reached("after")

    def wrapped(*given: Any) -> Any:
        if not is_meant(*given):
            return original(*given)
        DuckDBEngine.transaction = watched  # type: ignore[method-assign]
        try:
            return original(*given)
        finally:
            DuckDBEngine.transaction = transaction  # type: ignore[method-assign]

    setattr(owner, name, wrapped)
