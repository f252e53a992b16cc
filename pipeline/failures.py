"""Failures in the words of those who must mend them: what Dagster's events know of why a run failed."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

_OUR_OWN = {
    "HomeBusy", "HomeNotWritable", "SettingsError", "ExportError", "PublicationDamaged",
    "SparkUnavailable", "SparkFailed", "LakeNotWritable", "Refused",
}  # fmt: skip


def explain(events: Iterable[dg.DagsterEvent]) -> tuple[str, str]:
    """(message, trace) of the first failure: its innermost cause, in its own words when they are ours."""
    for event in events:
        data = event.event_specific_data
        error = getattr(data, "error", None)
        if error is None:
            continue
        trace = error.to_string()
        described = getattr(getattr(data, "user_failure_data", None), "description", None)
        if described:
            return described, trace
        while error.cause is not None:
            error = error.cause
        name = (error.cls_name or "").rsplit(".")[-1]
        message = error.message.strip().removeprefix(f"{error.cls_name}: ").removeprefix(f"{name}: ").strip()
        if name in _OUR_OWN:
            return message.split(": ", 1)[-1] if message.startswith("pipeline.") else message, trace
        where = f" in step {event.step_key.replace('__', '.')}" if event.step_key else ""
        unexpected = f"Unexpected error{where}: {name}: {message}"
        return f"{unexpected} Nothing was published. Run with --debug for the trace.", trace
    return "The run failed without an error; look at it with `make dev`.", ""
