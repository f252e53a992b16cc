"""The pages of a snapshot, in the order of the navigation. Each is a module that says what its template shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.reporting.facts import Report
from pipeline.reporting.pages import (
    calendar,
    classes,
    cohorts,
    comparison,
    glossary,
    lifecycle,
    overview,
    probability,
    rfm,
    rhythm,
    segments,
    trend,
    trust,
    value,
)


@dataclass(frozen=True)
class Page:
    """`name` is that of the file and of its template, `label` stands in the navigation.

    A page `of_its_day` shows partitions of its own day alone, of tables that do not compare with earlier ones; so it
    stays as it is when an earlier day is corrected.
    """

    name: str
    label: str
    context: Callable[[Report], dict[str, Any]]
    of_its_day: bool = False


PAGES = (
    Page("index", "Overview", overview.context),
    Page("rfm", "RFM", rfm.context, of_its_day=True),
    Page("segments", "Segments", segments.context),
    Page("calendar", "Calendar", calendar.context, of_its_day=True),
    Page("classes", "Classes", classes.context),
    Page("comparison", "Comparison", comparison.context, of_its_day=True),
    Page("trend", "Trend", trend.context),
    Page("lifecycle", "Lifecycle", lifecycle.context),
    Page("rhythm", "Rhythm", rhythm.context, of_its_day=True),
    Page("cohorts", "Cohorts", cohorts.context, of_its_day=True),
    Page("value", "Value", value.context, of_its_day=True),
    Page("probability", "Probability", probability.context, of_its_day=True),
    Page("trust", "Trust", trust.context),
    Page("glossary", "Glossary", glossary.context, of_its_day=True),
)
