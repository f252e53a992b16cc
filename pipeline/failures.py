"""Failures in the words of those who must mend them: what Dagster's events know of why a run failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dagster as dg

_OUR_OWN = {
    "HomeBusy", "HomeNotWritable", "SettingsError", "ExportError", "PublicationDamaged",
    "SparkUnavailable", "IdKeyError", "SparkFailed", "LakeNotWritable", "Refused",
}  # fmt: skip


def explain(events: Iterable[dg.DagsterEvent]) -> tuple[str, str]:
    """(message, trace) of the first failure: in our own words where we have some, else its innermost cause."""
    for event in events:
        data = event.event_specific_data
        error = getattr(data, "error", None)
        if error is None:
            continue
        trace = error.to_string()
        described = getattr(getattr(data, "user_failure_data", None), "description", None)
        if described:
            return described, trace
        while error.cause is not None and _name(error) not in _OUR_OWN:
            error = error.cause
        name = _name(error)
        message = error.message.strip().removeprefix(f"{error.cls_name}: ").removeprefix(f"{name}: ").strip()
        if name in _OUR_OWN:
            return message.split(": ", 1)[-1] if message.startswith("pipeline.") else message, trace
        where = f" in step {event.step_key.replace('__', '.')}" if event.step_key else ""
        unexpected = f"Unexpected error{where}: {name}: {message}"
        return f"{unexpected} Nothing was published. Run with --debug for the trace.", trace
    return "The run failed without an error; look at it with `make dev`.", ""


def told_by_us(error: BaseException) -> bool:
    """Whether an error is one of our own, whose message is made for people and holds no cell of a file."""
    return type(error).__name__ in _OUR_OWN


def _name(error: Any) -> str:
    return (error.cls_name or "").rsplit(".")[-1]
