"""The pages in Python, in the order of the navigation. Each is a module that says what its template shows.

Pages as files (`reports/pages/`) say themselves which page they follow.
"""

from __future__ import annotations

from pipeline.reporting.page import Page
from pipeline.reporting.pages import (
    calendar,
    classes,
    comparison,
    definitions,
    glossary,
    lifecycle,
    probability,
    rfm,
    rhythm,
    trust,
)

PAGES = (
    Page("rfm", "RFM", rfm.context, after="segments", of_its_day=True, room="Customers"),
    Page("lifecycle", "Lifecycle", lifecycle.context, after="rfm", room="Customers"),
    Page("classes", "Classes", classes.context, after="lifecycle", of_its_day=True, room="Customers"),
    Page("rhythm", "Rhythm", rhythm.context, of_its_day=True, room="Retention"),
    Page("probability", "Probability", probability.context, after="value", of_its_day=True, room="Value"),
    Page("calendar", "Calendar", calendar.context, of_its_day=True, room="Shop"),
    Page("comparison", "Comparison", comparison.context, of_its_day=True, room="Shop"),
    Page("trust", "Trust", trust.context, room="Trust"),
    Page("definitions", "Definitions", definitions.context, of_its_day=True, room="Definitions"),
    Page("glossary", "Data dictionary", glossary.context, of_its_day=True, room="Data dictionary"),
)
