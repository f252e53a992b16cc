"""The pages in Python, in the order of the navigation. Each is a module that says what its template shows.

Pages as files (`reports/pages/`) say themselves which page they follow.
"""

from __future__ import annotations

from pipeline.reporting.page import Page
from pipeline.reporting.pages import (
    calendar,
    classes,
    comparison,
    glossary,
    lifecycle,
    overview,
    probability,
    rfm,
    rhythm,
    segments,
    trust,
    value,
)

PAGES = (
    Page("index", "Overview", overview.context),
    Page("rfm", "RFM", rfm.context, of_its_day=True),
    Page("segments", "Segments", segments.context),
    Page("calendar", "Calendar", calendar.context, of_its_day=True),
    Page("classes", "Classes", classes.context),
    Page("comparison", "Comparison", comparison.context, of_its_day=True),
    Page("lifecycle", "Lifecycle", lifecycle.context),
    Page("rhythm", "Rhythm", rhythm.context, of_its_day=True),
    Page("value", "Value", value.context, of_its_day=True),
    Page("probability", "Probability", probability.context, of_its_day=True),
    Page("trust", "Trust", trust.context),
    Page("glossary", "Glossary", glossary.context, of_its_day=True),
)
