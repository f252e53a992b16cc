"""The pages in Python, in the order of the navigation. Each is a module that says what its template shows.

Pages as files (`reports/pages/`) say themselves which page they follow.
"""

from __future__ import annotations

from pipeline.reporting.page import Page
from pipeline.reporting.pages import (
    calendar,
    comparison,
    definitions,
    glossary,
    trust,
)

PAGES = (
    Page("calendar", "Calendar", calendar.context, of_its_day=True, room="Shop"),
    Page("comparison", "Comparison", comparison.context, of_its_day=True, room="Shop"),
    Page("trust", "Trust", trust.context, room="Trust"),
    Page("definitions", "Definitions", definitions.context, of_its_day=True, room="Definitions"),
    Page("glossary", "Data dictionary", glossary.context, of_its_day=True, room="Data dictionary"),
)
