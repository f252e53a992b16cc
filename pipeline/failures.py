"""Failures in the words of those who must fix them: what Dagster or an exception knows of why a run failed."""

from __future__ import annotations

import pkgutil
import re
import traceback
from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from pipeline.errors import PerennialError

# Faults of the machine that may strike anywhere, inside of DuckDB, SQLite, Polars or Python: what their text says is
# all that they have in common. The first that fits counts.
_OF_THE_MACHINE = (
    (
        r"No space left|ENOSPC|[Dd]isk quota exceeded|database or disk is full|disk I/O error|"
        r"[Ff]ailed to offload data block|Could not write .*temporary",
        "The disk is full, or cannot be written. What was published before is still in place. Make room (`perennial "
        "doctor` shows how much there is, `perennial prune` removes old snapshots), then run again.",
    ),
    (
        r"Read-only file system|unable to open database file|attempt to write a readonly database|Permission denied",
        "The home cannot be written. Change its owner, or choose another folder with --home; `perennial doctor` "
        "looks at it.",
    ),
    (
        r"\[Errno \d+\] (Not a directory|File exists|Is a directory|File name too long)",
        "In the home a file lies where a folder belongs, or a folder where a file does: data, reports, .perennial and "
        ".dagster are folders, perennial.toml is a file. Move it away, then run again.",
    ),
    (
        r"database is locked",
        "Dagster's history in .dagster was locked by another process for too long. Run again; `perennial doctor` says "
        "who uses the home.",
    ),
    (
        r"not a valid DuckDB database file|Corrupt database file|computed checksum|Corruption",
        "The warehouse is damaged: data/warehouse holds a file that DuckDB cannot read. Put it back from a backup. "
        "Without one, move it away and run again: it is made anew of the exports in the drop folder. What is published "
        "stays, but exports that lie there no more, and the history of earlier days, are in the backup alone.",
    ),
    (
        r"Could not set lock on file",
        "Another program has the warehouse open. Close it, then run again; tables to read meanwhile are the Parquet "
        "files below data/marts.",
    ),
)
_STOPPED = {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}
"""What somebody who ends a run (a signal, Ctrl-C, a button of the UI) makes of the step it is in."""
_INTERRUPTED = "Query interrupted"
"""What DuckDB says where a signal stops it within a statement."""
_QUALIFIED = re.compile(r"((?:pipeline|assets)(?:\.\w+)+): ")


def explain(events: Iterable[dg.DagsterEvent]) -> tuple[str, str]:
    """(message, trace) of the first failure: in our own words where we have some, else its innermost cause."""
    for event in events:
        data = event.event_specific_data
        error = getattr(data, "error", None)
        if error is None:
            continue
        described = getattr(getattr(data, "user_failure_data", None), "description", None)
        step = event.step_key.replace("__", ".") if event.step_key else None
        return described or _explanation(error, step), error.to_string()
    return "The run failed without an error; look at it with `make dev`.", ""


def told_by_us(error: BaseException) -> bool:
    """Whether an error is one of our own, whose message is made for people and holds no cell of a file."""
    return isinstance(error, PerennialError)


def of_the_machine(message: str) -> str | None:
    """What the text of an error says of the machine, in our words, with what to do; None where it says nothing."""
    return next((sentence for pattern, sentence in _OF_THE_MACHINE if re.search(pattern, message)), None)


def explain_exception(error: BaseException) -> str:
    """The same of an exception that no event told, such as one of Dagster's own storage."""
    return _explanation(SerializableErrorInfo.from_traceback(traceback.TracebackException.from_exception(error)), None)


def _explanation(error: SerializableErrorInfo, step: str | None) -> str:
    chain = list(_causes(error))
    for one in chain:
        if (own := _our_own(one)) is not None:
            return own
    for one in reversed(chain):
        if (sentence := of_the_machine(one.message)) is not None:
            return sentence
    where = f" in step {step}" if step else ""
    if any(_name(one) in _STOPPED or _message(one).startswith(_INTERRUPTED) for one in chain):
        return f"The run was stopped{where}. What was published before is still in place; run again."
    innermost = chain[-1]
    name, message = _name(innermost), _message(innermost).rstrip(".")
    nothing = "Nothing was published. " if step else ""
    return f"Unexpected error{where}: {name}: {message}. {nothing}Run with --debug for the trace."


def _causes(error: SerializableErrorInfo | None) -> Iterator[SerializableErrorInfo]:
    """From the outermost to what it began with."""
    while error is not None:
        yield error
        error = error.cause


def _our_own(error: SerializableErrorInfo) -> str | None:
    """The message of a PerennialError, of which Dagster keeps the qualified name and the text."""
    named = _QUALIFIED.match(error.message)
    if named is None:
        return None
    try:
        kind: Any = pkgutil.resolve_name(named[1])
    except (ImportError, AttributeError):  # a class that was renamed or removed since the run
        return None
    return _message(error) if isinstance(kind, type) and issubclass(kind, PerennialError) else None


def _name(error: SerializableErrorInfo) -> str:
    return (error.cls_name or "").rsplit(".")[-1]


def _message(error: SerializableErrorInfo) -> str:
    """The text without the name of the class in front."""
    return re.sub(rf"\A(?:\w+\.)*{re.escape(error.cls_name or '')}: ", "", error.message.strip())
