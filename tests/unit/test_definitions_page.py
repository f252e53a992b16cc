"""The page that says what the words mean, and what leads to it."""

from __future__ import annotations

import re

import pytest

from pipeline.reporting.chart_files import read_chart
from pipeline.reporting.definitions import definitions
from pipeline.reporting.page import read_pages
from pipeline.reporting.site import PAGES_FOLDER
from pipeline.tables.header import HeaderError
from tests.shop import all_tables

CHART = """/*
title: Orders
term: {term}
draw: table
columns: {{orders: }}
empty: None.
basis: n = 1
*/
SELECT 1::BIGINT AS orders
"""


def test_every_chapter_and_term_has_one_anchor() -> None:
    told = definitions()
    ids = [chapter.anchor for chapter in told.chapters]
    ids += [found for chapter in told.chapters for found in re.findall(r' id="([^"]*)"', chapter.html)]
    assert len(ids) == len(set(ids))
    assert told.terms - set(ids) == {"definitions"}  # the heading of the document
    assert {"rfm", "guest", "purchase-occasion", "key-figures", "uplift"} <= told.terms
    assert "content" not in ids  # which is the page's own


def test_a_link_leads_to_a_term_or_nowhere() -> None:
    text = "".join(chapter.html for chapter in definitions().chapters)
    links = re.findall(r'href="([^"]*)"', text)
    assert "#trend" in links
    assert {link.removeprefix("#") for link in links} <= definitions().terms
    assert "as differences" in text  # the document it leads to is not in the report


def test_markup_in_the_text_is_shown_and_not_obeyed(tmp_path, monkeypatch) -> None:
    file = tmp_path / "definitions.md"
    file.write_text("# D\n\nLead.\n\n## A <b>c</b>\n\n- **Term.** <script>x</script> & more\n")
    monkeypatch.setattr("pipeline.reporting.definitions._FILE", file)
    (chapter,) = definitions.__wrapped__().chapters
    assert "<script>" not in chapter.html and "&lt;script&gt;" in chapter.html
    assert 'id="term"' in chapter.html


def test_a_chart_names_a_term_that_is_there(tmp_path) -> None:
    path = tmp_path / "orders.sql"
    path.write_text(CHART.format(term="purchase-occasion"))
    assert read_chart(path, "orders.sql", all_tables()).header.term == "purchase-occasion"
    path.write_text(CHART.format(term="purchase-ocasion"))
    with pytest.raises(HeaderError, match="has no 'purchase-ocasion'; did you mean 'purchase-occasion'"):
        read_chart(path, "orders.sql", all_tables())


def test_charts_of_ours_lead_to_definitions() -> None:
    charts = [chart for page in read_pages((PAGES_FOLDER,), all_tables()) for chart in page.charts]
    named = [chart.id for chart in charts if chart.header.term]
    assert len(named) > 25, named  # each of them exists, or its file would have been refused
