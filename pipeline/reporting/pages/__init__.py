"""The pages in Python, in the order of the navigation. Each is a module that says what its template shows.

Pages as files (`reports/pages/`) say themselves which page they follow.
"""

from __future__ import annotations

from pipeline.reporting.page import Page
from pipeline.reporting.pages import (
    calendar,
    comparison,
    glossary,
    lifecycle,
    overview,
    probability,
    rhythm,
    trust,
    value,
)

PAGES = (
    Page("index", "This week", overview.context, room="This week"),
    Page("lifecycle", "Lifecycle", lifecycle.context, room="Customers"),
    Page("rhythm", "Rhythm", rhythm.context, of_its_day=True, room="Retention"),
    Page("value", "Value", value.context, of_its_day=True, room="Value"),
    Page("probability", "Probability", probability.context, of_its_day=True, room="Value"),
    Page("calendar", "Calendar", calendar.context, of_its_day=True, room="Shop"),
    Page("comparison", "Comparison", comparison.context, of_its_day=True, room="Shop"),
    Page("trust", "Trust", trust.context, room="Trust"),
    Page("glossary", "Glossary", glossary.context, of_its_day=True, room="Glossary"),
)
