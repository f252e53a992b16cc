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
    overview,
    rfm,
    segments,
    trust,
)

PAGES = (
    Page("index", "This week", overview.context, room="This week"),
    Page("segments", "Segments", segments.context, room="Customers"),
    Page("rfm", "RFM", rfm.context, of_its_day=True, room="Customers"),
    Page("classes", "Classes", classes.context, room="Customers"),
    Page("calendar", "Calendar", calendar.context, of_its_day=True, room="Shop"),
    Page("comparison", "Comparison", comparison.context, of_its_day=True, room="Shop"),
    Page("trust", "Trust", trust.context, room="Trust"),
    Page("glossary", "Glossary", glossary.context, of_its_day=True, room="Glossary"),
)
