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
    Page("rfm", "RFM", rfm.context),
    Page("segments", "Segments", segments.context),
    Page("calendar", "Calendar", calendar.context),
    Page("classes", "Classes", classes.context),
    Page("comparison", "Comparison", comparison.context),
    Page("lifecycle", "Lifecycle", lifecycle.context),
    Page("rhythm", "Rhythm", rhythm.context),
    Page("value", "Value", value.context),
    Page("probability", "Probability", probability.context),
    Page("trust", "Trust", trust.context),
    Page("glossary", "Glossary", glossary.context),
)
