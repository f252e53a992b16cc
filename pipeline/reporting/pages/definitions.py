"""Definitions: what the words of the report mean, as docs/definitions.md has it."""

from __future__ import annotations

from typing import Any

from pipeline.reporting.definitions import definitions
from pipeline.reporting.facts import Report


def context(_: Report) -> dict[str, Any]:
    return {"chapters": definitions().chapters}
