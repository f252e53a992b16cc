"""The pages of a snapshot, in the order of the navigation. Each is a module that says what its template shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.reporting.facts import Report
from pipeline.reporting.pages import (
    calendar,
    classes,
    comparison,
    glossary,
    lifecycle,
    overview,
    probability,
    rfm,
    segments,
    trend,
    trust,
    value,
)


@dataclass(frozen=True)
class Page:
    """`name` is that of the file and of its template, `label` stands in the navigation."""

    name: str
    label: str
    context: Callable[[Report], dict[str, Any]]


PAGES = (
    Page("index", "Overview", overview.context),
    Page("rfm", "RFM", rfm.context),
    Page("segments", "Segments", segments.context),
    Page("calendar", "Calendar", calendar.context),
    Page("classes", "Classes", classes.context),
    Page("comparison", "Comparison", comparison.context),
    Page("lifecycle", "Lifecycle", lifecycle.context),
    Page("trend", "Trend", trend.context),
    Page("value", "Value", value.context),
    Page("probability", "Probability", probability.context),
    Page("trust", "Trust", trust.context),
    Page("glossary", "Glossary", glossary.context),
)
