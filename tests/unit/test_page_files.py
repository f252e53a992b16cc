"""Pages as files: every chart of ours over four shops, a page that a home adds, and what is refused."""

import datetime as dt
import hashlib
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from made_campaigns import make_up_campaigns
from made_predictions import predict
from made_products import make_up_products
from shop import RealShop, Shop, all_tables, open_engine

from pipeline.reporting import figures
from pipeline.reporting.chart_files import ChartHeader, ColumnSpec, shown_column, with_shared
from pipeline.reporting.components import Cards, KeyFigures, Nothing, Part, TableCard
from pipeline.reporting.facts import Query, Report, read_report
from pipeline.reporting.figures import Data, Look, Shown
from pipeline.reporting.page import (
    MOST_PAGES,
    Page,
    PageFile,
    digest,
    file_names,
    in_navigation,
    page_folders,
    read_pages,
)
from pipeline.reporting.site import OUT, RunCard, all_pages, build_site, page_of_value
from pipeline.settings import PAGES_FOLDER, Settings
from pipeline.tables import remembered, sql_text
from pipeline.tables.catalog import tables
from pipeline.tables.header import Header, HeaderError, Table

DAY = dt.date(2026, 4, 30)
RUN = RunCard("run-1", "2026-07-01 03:00 UTC", {"perennial": "1.0"}, {"timezone": "UTC"}, "EUR")
OURS = read_pages([PAGES_FOLDER], tables())
CHARTS = [(page, chart.name) for page in OURS for chart in page.charts]
BASIS = re.compile(
    r"(n = [\d,]+ [a-z ]+ · .*|orders )\d+ \w+ \d{4} (–|to) \d+ \w+ \d{4}( with [\d,]+)?"
    r"( · paler: not a whole period)?$"
)
UNSAID = re.compile(r"\b(None|nan|inf|NaN|Infinity|undefined)\b|[{}]")


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{WORD JOINER}", "")


# ── every chart of ours ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory, cdnow_master: RealShop) -> Iterator[dict[str, Report]]:
    """Four shops by name. Read only."""
    tellers: dict[str, Callable[[Shop], Shop]] = {
        "empty": lambda shop: shop,
        "one customer": lambda shop: shop.orders("anna@example.com", "2026-04-05"),
        "tiny": _tiny,
    }
    made: dict[str, Report] = {}
    with ExitStack() as engines:
        for name, tell in tellers.items():
            home = tmp_path_factory.mktemp(name.replace(" ", "_"))
            shop = tell(Shop(home, engines.enter_context(open_engine(Settings(home=home))))).snapshot(str(DAY))
            if name == "tiny":
                predict(shop.engine, DAY)
                make_up_products(shop.engine, DAY)
                make_up_campaigns(shop.engine, DAY)
                shop.engine.write(all_tables()["marts.activity_trend_summary"], DAY)
            made[name] = read_report(shop.engine.read, DAY, tables(), RUN)
        made["cdnow"] = read_report(cdnow_master.engine.read, dt.date(1998, 6, 30), tables(), RUN)
        yield made


def _tiny(shop: Shop) -> Shop:
    """Windows of 10 days: on 30 April Anna declines and Bert grows. A refund, a guest, targets and a benchmark."""
    shop.with_settings(trend={"window_days": 10})
    for month in ("02", "03"):
        days = (f"2026-{month}-{n:02d}" for n in (1, 9, 20))
        shop.orders("cleo", *days, amount=40, sales_channel="web", product_id="hat", category="Wear")
    shop.orders("anna@example.com", *(f"2026-04-{n:02d}" for n in (1, 11, 12, 13, 14)), amount=20)
    shop.orders("bert", *(f"2026-04-{n:02d}" for n in (1, 22, 23, 24, 25)), sales_channel="store", store_id="Graz")
    shop.refund("cleo-1", on="2026-04-02", amount=5).orders(None, "2026-04-03", amount=8)
    shop.target("revenue", "2026-03", 50).target("orders", "2026-Q2", 9).snapshot("2026-04-10")
    return _campaigns(shop).benchmark("toys", "repeat_share_of_buyers", "2026-03", 0.4)


def _campaigns(shop: Shop) -> Shop:
    """Spring holds six of twelve out, and Cleo clicks, comes and buys; nobody is left out of "Alone"."""
    at = "2026-03-08T09:00"
    shop.campaign("spring", sent=at, control_share=0.5, cost=Decimal(12), campaign_name="Spring <b>1</b>")
    shop.campaign("alone", sent=at, window_days=10)
    for name in ("cleo", "anna@example.com", "m1", "m2", "m3", "m4"):
        shop.message("spring", name, "sent", at=at).message("spring", name, "delivered", at=f"{at}:01")
    for name in ("bert", "k1", "k2", "k3", "k4", "k5"):
        shop.message("spring", name, "assigned", at=at, group_name="control")
    shop.message("spring", "cleo", "opened", at="2026-03-08T10:00", is_machine=False)
    shop.message("spring", "cleo", "clicked", at="2026-03-08T10:01").message("alone", "cleo", "sent", at=at)
    shop.message("spring", "m4", "unsubscribed", at="2026-03-09T10:00")
    shop.event("v1", "product_view", at="2026-03-08T10:02", customer="cleo")
    return shop.event("v2", "product_view", at="2026-02-02T19:00", customer="bert")  # a Monday, before any message


@pytest.mark.parametrize("shop", ["empty", "one customer", "tiny", "cdnow"])
@pytest.mark.parametrize("page", OURS, ids=[page.name for page in OURS])
def test_charts_say_what_they_show_and_what_they_rest_on(
    reports: Mapping[str, Report], page: PageFile, shop: str
) -> None:
    for context in contexts(page, reports[shop]):
        assert not UNSAID.search(context["title"]) and not UNSAID.search(context["lead"])
        if context["missing"]:
            assert context["missing"].endswith(".") and not UNSAID.search(context["missing"])
        for part in context["charts"].values():
            says_what_it_shows(part)


def contexts(page: PageFile, report: Report) -> list[dict[str, Any]]:
    """Of the page, or of the first of the pages that the folder makes."""
    made = page.pages(report).values() if page.header.each else [page.as_page()]
    return [one.context(report) for one in islice(made, 3)]


def says_what_it_shows(part: Part) -> None:
    if isinstance(part, Nothing):
        assert not part.text or (part.text.endswith(".") and not UNSAID.search(part.text)), part.text
        return
    if isinstance(part, KeyFigures):
        for figure in part.figures:
            assert figure.label and figure.value and not UNSAID.search(f"{figure.value} {figure.context}"), figure
        return
    assert BASIS.match(plain(part.basis)), part.basis
    if isinstance(part, Cards):
        for card in part.cards:
            said = [card.title, card.value, card.text, card.warning, card.advice, *chain.from_iterable(card.facts)]
            assert card.title and card.value and not UNSAID.search(" ".join(said)), card
        return
    grids = [("", part.grid)] if isinstance(part, TableCard) else part.grids
    for _, grid in grids:
        assert grid.caption and grid.rows and all(len(row) == len(grid.fields) for row in grid.rows)
        assert all(field.label and not UNSAID.search(field.label) for field in grid.fields)
        assert not any(isinstance(value, str) and UNSAID.search(value) for row in grid.rows for value in row)
    views = () if isinstance(part, TableCard) else part.views
    sentences = [part.sentence] if isinstance(part, TableCard) else [view.sentence for view in views]
    for sentence in sentences:
        assert sentence.endswith(".") or (isinstance(part, TableCard) and not sentence), sentence
        assert not UNSAID.search(sentence), sentence
    assert len({view.key for view in views}) == len(views) and (views or isinstance(part, TableCard))
    for view in views:
        drawn = json.dumps(view.figure)
        assert not re.search(r"\b(NaN|Infinity|None|nan)\b", drawn), drawn


def test_the_tiny_and_the_large_shop_have_something_of_everything(reports: Mapping[str, Report]) -> None:
    """Else the test above would look at nothing."""
    shown = {
        (page.name, name)
        for shop in ("tiny", "cdnow") for page in OURS
        for context in contexts(page, reports[shop])
        for name, part in context["charts"].items() if part
    }  # fmt: skip
    too_much_for_both = {
        ("comparison", "season"), ("calendar", "weekdays"),  # of two years, of eight weeks that differ by day
        ("trend", "moves"), ("trend", "movers"), ("channels", "channel_repeats"), ("campaign", "segments"),
        ("segment", "course"), ("customer", "chances"),
        ("probability", "alerts"), ("probability", "rising"), ("lifecycle", "moves"),  # of tenths and stages of thirty
        ("lifecycle", "projection"), ("rhythm", "drift"),  # of 13 months of moves, of three quarters of newcomers
    }  # fmt: skip
    assert shown | too_much_for_both == {(page.name, name) for page, name in CHARTS}


def said(report: Report, page: str, at: int = 0) -> dict[str, list[str]]:
    """The sentences of a page's charts, view by view; of a chart without rows what is said instead."""
    (found,) = (one for one in OURS if one.name == page)
    parts = contexts(found, report)[at]["charts"]
    return {
        name: [plain(part.text)] if isinstance(part, Nothing)
        else [plain(part.sentence)] if isinstance(part, TableCard)
        else [plain(view.sentence) for view in part.views]
        for name, part in parts.items() if not isinstance(part, KeyFigures)
    }  # fmt: skip


def test_what_is_said_of_products(reports: Mapping[str, Report]) -> None:
    # Cleo's hats: 6 × 40 = 240 of 240 + 100 (Anna) + 50 (Bert) + 8 − 5 = 393. The rest follows from what was made up.
    words = said(reports["tiny"], "products")
    assert words["best"] == [
        f"{item} brings most: €240.00 net in the last 365 days, 61.1% of all." for item in ("hat", "Wear")
    ]
    assert words["together"] == [
        "scarf and hat go together most: 40 baskets of 30 customers hold both, where 8 would be expected from how much "
        "each is bought and from the sizes of baskets. 1 pair of 3 that were tested go together."
    ]
    back, spent = words["first"]
    assert back == (
        "Of 1 item that at least 30 customers began with, 1 differs beyond chance. Most surely hat: 60.0% of its "
        "customers came back within 180 days, against 40.0% of others who began alike."
    )
    assert spent.endswith("spent €20.00 on average in the 180 days after, against €30.00 of others who began alike.")
    assert words["due"] == [
        "hat will be bought again by most: about 2 customers of the 3 who are watched for it, 1 of whom are due by "
        "their own gap."
    ]
    # Classes 0 to 2: 40, 35, 30 of 100 each; 5 to 7: 15, 10, 5.
    assert words["due_chance"][0].startswith(
        "Of those past twice their usual gap, 10.0% bought the item within 30 days; of those within it, 35.0%."
    )
    assert words["due_when"][0].startswith("1 pair of a customer and an item fall due in the next five weeks and 1 are")
    repeat, new, upgrades = words["lists"]
    assert "50.0% of what was bought stood among its ten" in repeat and "That is surely better." in repeat
    assert "The difference may be chance." in new and new.endswith("Published: what customers alike buy.")
    assert upgrades.startswith("What buyers of the cheaper buy later: 50.0% of what was bought stood among its ten")


def test_what_is_said_of_tastes(reports: Mapping[str, Report]) -> None:
    words = said(reports["tiny"], "taste")
    assert words["groups"] == [
        "5 customers fall into 3 groups. The largest, group 1 with 2 customers, is set apart by nothing that stands "
        "out."
    ]
    assert words["group_items"] == [
        "hat is more often bought by group 2: 40 of its 2 customers have it, where 15 were expected of as many "
        "purchases."
    ]
    assert words["stability"][0].startswith("3 groups: two halves of the customers lead to groupings of everybody that")
    assert words["next_categories"][0].startswith("Wear is the most likely next category of 2 customers, 66.7% of all")
    assert words["next_fit"][0].startswith(
        "What 250 customers bought next is predicted 10.0% better (log loss) with their own past"
    )
    assert words["needs"] == [
        "3 customers are in a stage of baby, most in first (2). 2 of them enter the next stage within 30 days."
    ]
    assert words["audiences"] == [
        "0 files: of each list with at least 100 customers, and of products, categories, places and channels of the "
        "first 20."
    ]


def test_what_is_said_of_campaigns(reports: Mapping[str, Report]) -> None:
    """Of Spring 1 of 6 bought and 0 of 6 of those held out: Newcombe's limits hold 0. Alone: 40 before, 40 after."""
    words = said(reports["tiny"], "campaigns")
    assert words["campaigns"] == [
        "Of 1 campaign that can be judged, 0 made more members buy; for 1, no difference to the control group is "
        "shown. 1 is without a control group, so their effect is unknown. Hold out one member in ten at random "
        "next time (group control)."
    ]
    assert words["uplift"][0].startswith("Of 1 campaign, none did better than its control group beyond chance.")
    assert words["before_after"][0].startswith("What these members spent after the campaign against before it.")
    assert words["segments"] == [
        "Segments differ. Begin with Lapsing: 4.5 points (3.0 points to 6.0 points) more of them bought than of "
        "those held out; of Active 2.0 points (0.5 points to 3.5 points).",
        "No difference between segments shown: all of them, from At risk to Champions, may have answered alike. Choose "
        "by what a customer is worth, not by this.",
    ]
    assert words["roi"] == [
        "1 campaign of 2 earned more than the cost even at the lower end of the interval, sure the most."
    ]
    assert words["programmes"] == [
        "Newsletter caused the most in Q2 2026: 2.0 points more of its members bought. Against the quarter before, 0 "
        "got better and 1 worse."
    ]
    assert words["responses"] == ["Expect 20.0% clicks of champions and 10.0% of at risk."]
    # Cleo is in both: 7 were written to, 1 came and bought.
    assert words["funnel"] == [
        "Of 7 members written to, 14.3% clicked and bought. Most are lost between delivered and opened, where 14.3% "
        "go on: try other senders, subjects and times."
    ]
    spring, alone = (said(reports["tiny"], "campaign", at) for at in (1, 0))
    assert spring["caused"][0].startswith(
        "No difference shown: 16.7% of those who got it bought, 0.0% of those held out: a difference of 16.7 points ("
    )
    assert spring["money"] == [
        "Too few members bought to tell by how much more they spent, and so what it earned. Attributed is not "
        "caused: some of it would have come anyway."
    ]
    assert spring["credit"][0].startswith(
        "By model it is €0 (as the shop recorded it) to €40.00 (last click): a question"
    )
    assert alone["caused"] == [
        "Nobody was held out at random, so its effect is unknown. Before/after, not causal: members spent ±0 "
        "against as many days before."
    ]
    assert alone["credit"] == ["No order followed a click on it within its window, and the shop attributes none to it."]


def test_what_is_said_of_channels(reports: Mapping[str, Report]) -> None:
    """Cleo's visit of 8 March, of which no source is recorded, comes before her orders of 9 and 20 March: 40 each."""
    words = said(reports["tiny"], "channels")
    assert words["attribution"][0].startswith(
        "Attributed, not caused, over all orders since 1 Feb 2026: no model knows which orders would have come anyway."
    )
    assert "differ most on" in words["attribution"][0]
    assert words["propensity"][0].startswith("Customers keep to no channel more than chance makes them: expect")


def test_what_is_said_of_engagement(reports: Mapping[str, Report]) -> None:
    words = said(reports["tiny"], "engagement")
    assert words["levels"][0].startswith("10 were last active three to six months ago.")
    assert words["gaps"][0].startswith(
        "Half of all visits are followed by another within 8 days, three quarters within 32"
    )
    assert words["times"] == [
        f"Most come {best}: 100.0%, where {even} would if all were alike (the bar across). Customers do not differ by "
        "more than chance: one time will do for all of them."
        for best, even in (("at 18–21 h", "12.5%"), ("on Mon", "14.3%"))
    ]
    assert words["clicks"][0].startswith(
        "Of the next message expect 15.0% clicks of customers who are engaged and 10.0% of those who are fading."
    )


def test_value_and_trust_say_the_same_of_the_ranges(reports: Mapping[str, Report]) -> None:
    """Of customers who are likely to spend nothing no range is judged, so they count in neither."""
    report = reports["tiny"]
    (value,) = (page for page in OURS if page.name == "value")
    (told,) = said(report, "trust")["intervals"]
    (basis,) = re.findall(r"held the spend of ([\d.]+%) of the customers", value.context(report)["charts"]["top"].basis)
    assert told.startswith(f"The published ranges held the spend of {basis} of the customers;")


def test_every_list_of_customers_leaves_out_who_objected() -> None:
    """In its own SELECT, or in the one that says for whom its page is written."""
    listing = [(page, chart) for page in OURS for chart in page.charts if "customer_id" in chart.header.columns]
    assert len(listing) >= 5
    told = {chart.file: chart.select + (page.header.values or "") for page, chart in listing}
    assert [file for file, text in told.items() if "staging.objections" not in text] == []


def test_where_there_is_nothing_the_input_that_is_missing_is_named(shop: Shop) -> None:
    shop.orders("anna", "2026-04-01", product_id="hat").snapshot(str(DAY))
    report = read_report(shop.engine.read, DAY, tables(), RUN)
    words = said(report, "products") | said(report, "taste")
    assert words["together"] == [
        "Fewer than two items are in 20 baskets of 10 customers, so no pair can be told from chance (1 basket)."
    ]
    assert words["due"] == ["No item has 30 buyers and 30 gaps between purchases of it, so nothing falls due."]
    assert words["next_categories"] == [
        "No order line names a category and there is no list of products that does, so nothing is said of the next one."
    ]
    assert words["needs"][0].startswith("There are no stages: no rules are written for them")


def empty_sections(page: str) -> list[str]:
    """Headings that nothing stands below."""
    until = r"(?:(?!</{0}>).)*</{0}>"
    title = rf'<div class="titled"><h2>({until.format("h2")})(?:\s|<a class="about"{until.format("a")})*</div>'
    heading = re.compile(
        rf'\s*<div class="heading"[^>]*>\s*{title}\s*(?:<p>{until.format("p")}\s*)?</div>\s*', re.DOTALL
    )
    found = (heading.fullmatch(part) for part in re.findall(r"<section[^>]*>(.*?)</section>", page, re.DOTALL))
    return [match[1].removesuffix("</h2>") for match in found if match]


def test_a_section_of_a_heading_alone_is_seen() -> None:
    head = '<div class="heading">\n<div class="titled"><h2>Who</h2>\n\n</div>\n<p>Why.</p>\n</div>'
    assert empty_sections(f"<section>\n{head}\n\n</section>") == ["Who"]
    assert empty_sections(f"<section>\n{head}\n<div>Anna</div></section>") == []


@pytest.mark.parametrize("shop", ["tiny", "cdnow"])
def test_pages_for_marketers_name_no_column_no_option_and_write_as_the_locale_does(
    reports: Mapping[str, Report], shop: str, tmp_path: Path
) -> None:
    report = reports[shop]

    def ask(select: str, given: Mapping[str, object]) -> pl.DataFrame:
        return report.ask(select, **{name: value for name, value in given.items() if name != "snapshot_date"})

    def file(target: str) -> Path:
        path = tmp_path / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    run = replace(RUN, locale="de")
    wanted = {page.name for page in OURS} - {"trust", "definitions", "glossary"}
    day = report.facts.snapshot_date
    build_site(ask, day, tables(), run, (), file, wanted=lambda one: one.name in wanted)
    for path in sorted(tmp_path.glob(f"{OUT}/{day}/*.html")):
        assert not empty_sections(path.read_text()), path.name
        text = html.unescape(re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", path.read_text(), flags=re.DOTALL))
        named = re.findall(r"(?<![\w/.@-])(?:--[a-z]\w+|[a-z]+(?:_[a-z0-9]+)+)(?!\w|\.\w)", text)
        assert not named, (path.name, set(named))
        english = re.findall(r"\d,\d{3}\b", text)
        assert not english, (path.name, english)


def test_what_a_page_s_text_links_to_is_on_the_other_page() -> None:
    """Such a link is shown only where there is something to lead to, which a small shop has not."""
    templates = PAGES_FOLDER.parent / "templates"
    shared = "".join(path.read_text() for path in templates.glob("*.j2"))
    links = [
        (page.name, *link) for page in OURS for link in re.findall(r'href="([a-z]+)\.html#([\w-]+)"', page.body)
    ]  # fmt: skip
    assert ("lifecycle", "trust", "trust-projection") in links
    for source, name, anchor in links:
        (target,) = (page for page in OURS if page.name == name)
        charts = {chart.id for chart in target.charts}
        assert anchor in charts or f'id="{anchor}"' in target.body + shared, (source, name, anchor)


def test_whoever_is_named_leads_to_a_page() -> None:
    """A customer in a table to the customer's page, where there is one, a segment to its own."""
    named = [
        (f"{page.name}/{chart.name}", name, spec)
        for page in OURS
        for chart in page.charts
        for name, spec in chart.header.columns.items()
        if name == "customer_id" and not spec.hidden
    ]
    assert len(named) >= 5
    assert [(chart, name) for chart, name, spec in named if not spec.page or spec.page.folder != "customer"] == []


# ── a page that a home adds ───────────────────────────────────────────────────────────────────────────────────────────

PAGE = """{#
title: Baskets
after: cohorts
lead: >-
  What an order is worth, and who brings most{% if today.orders %}, out of {{ today.orders|counted("order") }}
  {%- endif %}.
let:
  today: >-
    SELECT coalesce(sum(orders), 0)::BIGINT AS orders, min(first_purchase_on) AS first_on
    FROM marts.customer_summary WHERE snapshot_date = $snapshot_date
missing: "{% if not today.orders %}Nobody has bought yet.{% endif %}"
#}
<section>
{{ ui.show(charts.figures) }}
</section>

<section>
{{ ui.heading("By month") }}
{{ ui.show(charts.months) }}
{{ ui.show(charts.kinds) }}
{{ ui.show(charts.weekdays) }}
</section>

<section>
{{ ui.heading("Who brings most") }}
{{ ui.show(charts.best) }}
</section>
"""
FIGURES = """/*
draw: figures
columns:
  label: Figure
  value: {kind_by: kind}
  kind: {hidden: true}
  share: {hidden: true}
empty: Nobody has bought yet.
context: "{% if share is not none %}{{ share|percent }} of all{% endif %}"
*/
WITH customers AS (
  SELECT count(*) AS everybody, count(*) FILTER (orders > 1) AS again, sum(orders) AS orders, sum(revenue) AS revenue
  FROM marts.customer_summary
  WHERE snapshot_date = $snapshot_date
)
SELECT 'Customers' AS label, everybody::DOUBLE AS value, 'count' AS kind, NULL::DOUBLE AS share FROM customers
UNION ALL
SELECT 'Bought again', again, 'count', again / nullif(everybody, 0) FROM customers
UNION ALL
SELECT 'Revenue', revenue, 'money', NULL FROM customers
UNION ALL
SELECT 'Mean order value', revenue / nullif(orders, 0), 'money', NULL FROM customers
"""
MONTHS = """/*
title: Revenue by month
draw: {columns: month, series: {revenue: accent}}
columns:
  month: {label: Month, kind: month}
  revenue:
  orders:
let:
  best: max_by(rows, revenue)
  revenue: sum(revenue)
sentence: The best month was {{ best.month|month }} with {{ best.revenue|money }} of {{ revenue|money }}.
empty: No order has been booked yet.
basis: n = {{ today.orders|counted("order") }} · {{ today.first_on|span(snapshot_date) }}
*/
SELECT starts_on AS month, revenue, orders
FROM marts.revenue_calendar
WHERE snapshot_date = $snapshot_date AND period_kind = 'month'
ORDER BY starts_on
"""
KINDS = """/*
title: Once or more often
draw: {bars: bought, series: {customers: accent}}
columns:
  bought: Bought
  customers: {label: Customers, kind: count}
let:
  once: sum(customers) FILTER (bought = 'once')
sentence: "{{ once|counted('customer') }} bought once."
empty: Nobody has bought yet.
basis: n = {{ facts.customers.customers|counted("customer") }} · orders {{ facts.range }}
*/
SELECT CASE WHEN orders > 1 THEN 'more often' ELSE 'once' END AS bought, count(*) AS customers
FROM marts.customer_summary
WHERE snapshot_date = $snapshot_date
GROUP BY bought
ORDER BY bought
"""
WEEKDAYS = """/*
title: Revenue by day
draw: {columns: starts_on, series: {revenue: accent}}
columns:
  starts_on: Day
  revenue:
let: {revenue: sum(revenue)}
sentence: The days brought {{ revenue|money }} together.
empty: No order has been booked yet.
basis: n = {{ today.orders|counted("order") }} · {{ today.first_on|span(snapshot_date) }}
*/
SELECT starts_on, revenue
FROM marts.revenue_calendar
WHERE snapshot_date = $snapshot_date AND period_kind = 'day'
ORDER BY starts_on
"""
BEST = """/*
title: The best customers
draw: table
columns:
  customer_id: Customer
  orders:
  revenue:
let: {listed: count(*)}
sentence: "{{ listed|counted('customer') }} by revenue."
empty: Nobody has bought yet.
basis: n = {{ facts.customers.customers|counted("customer") }} · orders {{ facts.range }}
file: customer_summary
*/
SELECT customer_id, orders, revenue
FROM marts.customer_summary
WHERE snapshot_date = $snapshot_date
ORDER BY revenue DESC, customer_id
LIMIT 20
"""
BASKETS = {
    "page.html.j2": PAGE, "figures.sql": FIGURES, "months.sql": MONTHS, "kinds.sql": KINDS, "weekdays.sql": WEEKDAYS,
    "best.sql": BEST,
}  # fmt: skip


def write_page(home: Path, name: str = "baskets", **changed: str) -> Path:
    """A page of the home's own: Baskets, with the files that are changed."""
    folder = home / "reports" / "pages" / name
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in BASKETS.items():
        (folder / file).write_text(changed.get(file.split(".")[0], text), encoding="utf-8")
    return folder


def written(query: Query, home: Path, day: dt.date = DAY) -> dict[str, str]:
    def file(target: str) -> Path:
        path = home / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    build_site(query, day, tables(), RUN, (), file, page_folders(home))
    return {path.stem: path.read_text() for path in (home / OUT / str(day)).glob("*.html")}


def test_a_page_of_three_charts_a_list_and_four_figures_is_short_and_no_python() -> None:
    assert sum(text.count("\n") for text in BASKETS.values()) <= 160


def test_which_tables_charts_read_is_remembered_for_later_nights(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin_anew() -> None:
        store = remembered._Store(tmp_path / "remembered")
        monkeypatch.setattr(remembered, "_store", lambda: store)

    begin_anew()
    alone = "WHERE 'of this test alone' <> '' AND"  # no other test has read it
    write_page(tmp_path, months=MONTHS.replace("WHERE", alone, 1))
    shop.orders("bert", "2026-02-10", amount=40).snapshot(str(DAY))
    written(shop.engine.read, tmp_path)
    charts = [chart for page in read_pages(page_folders(tmp_path), tables()) for chart in page.charts]
    (months,) = (chart for chart in charts if alone in chart.select)
    begin_anew()
    monkeypatch.setattr(sql_text, "parse", lambda *_: pytest.fail("read again"))
    assert sql_text.tables_read(months.select, months.file) == {"marts.revenue_calendar"}


def test_a_home_has_a_page_of_its_own(shop: Shop, tmp_path: Path) -> None:
    write_page(tmp_path)
    # Anna 20 + 30 on two days, Bert 40 once: 90 of three orders; January 20, February 70.
    shop.orders("anna@example.com", "2026-01-05", amount=20).orders("anna@example.com", "2026-02-10", amount=30)
    shop.orders("bert", "2026-02-10", amount=40).snapshot(str(DAY))
    texts = written(shop.engine.read, tmp_path)
    text = plain(texts["baskets"])
    rooms, pages = (re.findall(r'<a href="(\w+)\.html"', part) for part in navigation_of(texts["cohorts"]))
    assert pages == ["rhythm", "cohorts", "baskets", "trend"], "in the room of the page that it follows, behind it"
    assert rooms == [
        "index", "segments", "rhythm", "value", "calendar", "actions", "trust", "definitions", "glossary",
    ]  # fmt: skip
    assert "What an order is worth, and who brings most, out of 3 orders." in text
    assert re.findall(r'<span class="value">([^<]*)</span>', text) == ["2", "1", "€90.00", "€30.00"]
    assert "50.0% of all" in text
    assert "The best month was Feb 2026 with €70.00 of €90.00." in text
    assert "1 customer bought once." in text
    assert "The days brought €90.00 together." in text
    assert "n = 3 orders · 5 Jan 2026 – 30 Apr 2026" in text
    assert "anna@example.com" not in text and "only the start of its SHA-256" in text
    assert "customer_summary/day=2026-04-30/customer_summary.parquet" in text
    # Headings come from the table's header, and from the name where it says none.
    assert re.findall(r'data-name="(?:orders|revenue)" class="number">([^<]*)<', text)[:2] == ["Revenue", "Orders"]
    assert not UNSAID.search(re.sub(r"<script.*?</script>|style=\"[^\"]*\"", "", text, flags=re.DOTALL))


def navigation_of(text: str) -> list[str]:
    """Its rooms, and the pages of the one that is open."""
    return re.findall(r"<ul[^>]*>(.*?)</ul>", text.split('<nav class="pages"')[1].split("</nav>")[0], re.DOTALL)


def test_a_page_chooses_its_room(shop: Shop, tmp_path: Path) -> None:
    write_page(tmp_path, page=PAGE.replace("after: cohorts", "room: Actions"))
    texts = written(shop.snapshot(str(DAY)).engine.read, tmp_path)
    _, pages = navigation_of(texts["baskets"])
    assert re.findall(r'<a href="(\w+)\.html"', pages) == ["actions", "baskets"]
    assert '<a href="segments.html">Customers</a>' in navigation_of(texts["index"])[0]


def test_a_page_with_nothing_to_show_says_so(shop: Shop, tmp_path: Path) -> None:
    write_page(tmp_path)
    shop.snapshot(str(DAY))
    text = written(shop.engine.read, tmp_path)["baskets"]
    assert "Nobody has bought yet." in text and "data-chart=" not in text


# ── a page for each value ─────────────────────────────────────────────────────────────────────────────────────────────

SHOPS = """{#
title: "Shop {{ each.store_id }}"
after: cohorts
each: store_id
values: >-
  SELECT store_id, count(*) AS lines FROM staging.order_lines GROUP BY store_id ORDER BY lines DESC, store_id
lead: "{{ each.lines|counted('line') }}, {{ spent|money }}."
let:
  spent: SELECT sum(amount) FROM staging.order_lines WHERE store_id = $store_id
#}
{{ ui.show(charts.lines) }}
"""
LINES = """/*
title: Lines
draw: table
columns:
  store_id: {hidden: true}
  place: {label: Place, page: {folder: shops, key: store_id}}
  amount: {label: Amount, kind: money}
empty: ""
basis: n = {{ each.lines|counted("line") }}
*/
SELECT store_id, 'in ' || store_id AS place, amount FROM staging.order_lines WHERE store_id = $store_id
"""
BEST_SHOPS = LINES.replace(" WHERE store_id = $store_id", "").replace("each.lines", "2")


def write_shops(home: Path, page: str = SHOPS, lines: str = LINES) -> None:
    folder = home / "reports" / "pages" / "shops"
    folder.mkdir(parents=True)
    (folder / "page.html.j2").write_text(page, encoding="utf-8")
    (folder / "lines.sql").write_text(lines, encoding="utf-8")


def test_a_folder_makes_a_page_for_each_value(shop: Shop, tmp_path: Path) -> None:
    write_shops(tmp_path)
    shop.orders("anna", "2026-01-05", "2026-01-06", amount=20, store_id="../Graz <1>")
    shop.orders("bert", "2026-01-05", amount=5, store_id="graz-1").orders(
        "cleo", "2026-01-05", amount=7, store_id="Łódź"
    )
    shop.orders("dora", "2026-01-05").snapshot(str(DAY))
    texts = written(shop.engine.read, tmp_path)
    made = {name: plain(text) for name, text in texts.items() if name.startswith("shops")}
    same = {f"shops-graz_1_{hashlib.md5(name.encode()).hexdigest()[:8]}" for name in ("../Graz <1>", "graz-1")}
    assert set(made) == {*same, "shops-d"}, "what is shared is told apart, an unknown shop has no page"
    graz = next(text for text in made.values() if "Graz &lt;1&gt;" in text)
    assert "<title>Shop ../Graz &lt;1&gt; ·" in graz and "2 lines, €40.00." in graz
    assert graz.count('">in ../Graz &lt;1&gt;</a>') == 2
    assert set(re.findall(r'<a href="(shops-\w+)\.html">in ', graz)) <= same
    assert '<a href="cohorts.html" aria-current="page">' in graz and "shops" not in texts["index"]
    assert 'data-page="cohorts"' in graz, "another day need not have the page"


OF_ALL = LINES.replace("= $store_id", "IN (SELECT unnest($store_ids)) ORDER BY amount DESC, store_id").replace(
    'basis: n = {{ each.lines|counted("line") }}', "let: {most: max(amount)}\nbasis: at most {{ most|money }}"
)


def test_a_chart_may_be_asked_once_for_all_pages(shop: Shop, tmp_path: Path) -> None:
    write_shops(tmp_path, lines=OF_ALL)
    shop.orders("anna", "2026-01-05", "2026-01-06", amount=20, store_id="a").orders(
        "anna", "2026-01-07", amount=30, store_id="a"
    )
    shop.orders("bert", "2026-01-05", amount=5, store_id="b").snapshot(str(DAY))
    asked: list[str] = []

    def ask(sql: str, parameters: Mapping[str, object]) -> pl.DataFrame:
        asked.extend([sql] if "$store_ids" in sql else [])
        return shop.engine.read(sql, parameters)

    texts = written(ask, tmp_path)
    assert len(asked) == 2, "the rows, and what let asks"
    cells = {name: re.findall(r"€[0-9.]+(?=</td>)", texts[f"shops-{name}"]) for name in "ab"}
    assert cells == {"a": ["€30.00", "€20.00", "€20.00"], "b": ["€5.00"]}
    assert "at most €30.00" in texts["shops-a"] and "at most €5.00" in texts["shops-b"]


def test_what_names_no_page_is_asked_once_for_all(shop: Shop, tmp_path: Path) -> None:
    asks, says = "  by_all: SELECT sum(amount) FROM staging.order_lines\n", "{{ by_all|money }}, {{ spent|"
    write_shops(tmp_path, SHOPS.replace("let:\n", f"let:\n{asks}").replace("{{ spent|", says))
    shop.orders("anna", "2026-01-05", amount=20, store_id="a").orders("bert", "2026-01-05", amount=5, store_id="b")
    shop.snapshot(str(DAY))
    asked: list[str] = []

    def ask(sql: str, parameters: Mapping[str, object]) -> pl.DataFrame:
        asked.append(sql)
        return shop.engine.read(sql, parameters)

    texts = written(ask, tmp_path)
    assert "€25.00, €20.00." in plain(texts["shops-a"]) and "€25.00, €5.00." in plain(texts["shops-b"])
    assert asked.count("SELECT sum(amount) FROM staging.order_lines") == 1


def test_a_text_leads_nowhere_where_there_is_no_page(shop: Shop, tmp_path: Path) -> None:
    write_shops(tmp_path, SHOPS.replace("GROUP BY store_id", "WHERE store_id <> 'b' GROUP BY store_id"))
    write_page(tmp_path, best=BEST_SHOPS)
    shop.orders("anna", "2026-01-05", store_id="a").orders("bert", "2026-01-05", store_id="b").snapshot(str(DAY))
    text = written(shop.engine.read, tmp_path)["baskets"]
    assert '<a href="shops-a.html">in a</a>' in text and "in b" in text and "shops-b" not in text


def test_a_folder_makes_so_many_pages_at_most(shop: Shop, tmp_path: Path) -> None:
    write_shops(tmp_path)
    for number in range(MOST_PAGES + 2):
        shop.orders("anna", "2026-01-05", store_id=f"s{number:02d}")
    shop.orders("anna", "2026-01-06", store_id="s51").snapshot(str(DAY))
    (page,) = [page for page in read_pages(page_folders(tmp_path), tables()) if page.name == "shops"]
    made = page.pages(read_report(shop.engine.read, DAY, tables(), RUN))
    assert list(made) == ["s51", *(f"s{number:02d}" for number in range(MOST_PAGES - 1))]


def test_pages_of_people_are_called_by_no_id_and_one_can_be_asked_for(shop: Shop, tmp_path: Path) -> None:
    write_shops(tmp_path, SHOPS.replace("each: store_id\n", "each: store_id\nmost: 1\nhide_values: true\n"))
    shop.orders("anna", "2026-01-05", "2026-01-06", store_id="anna@example.com", amount=5)
    shop.orders("bert", "2026-01-05", store_id="bert", amount=7).snapshot(str(DAY))
    report = read_report(shop.engine.read, DAY, tables(), RUN)
    (page,) = [page for page in read_pages(page_folders(tmp_path), tables()) if page.name == "shops"]
    called = {value: f"shops-{hashlib.md5(value.encode()).hexdigest()}" for value in ("anna@example.com", "bert")}
    assert {value: one.name for value, one in page.pages(report).items()} == {
        "anna@example.com": called["anna@example.com"]
    }
    asked = page.page_for(report, "bert")
    assert asked is not None and asked.name == called["bert"]
    assert plain(asked.context(report)["lead"]) == "1 line, €7.00."
    assert page.page_for(report, "nobody") is None
    target, text = page_of_value(shop.engine.read, DAY, tables(), RUN, page_folders(tmp_path), "shops", "bert") or (
        "",
        "",
    )
    assert target == f"{OUT}/{DAY}/{called['bert']}.html" and "<h1>Shop bert</h1>" in text


@pytest.mark.parametrize(
    ("page", "lines", "message"),
    [
        (SHOPS.replace("each: store_id\n", ""), LINES, "each and values go together"),
        (SHOPS.replace("after: cohorts\n", ""), LINES, "after says which page leads to these"),
        (SHOPS.replace("after: cohorts", "after: baskets"), LINES, "there is no page 'baskets' that could lead"),
        (SHOPS.replace("FROM staging.order_lines GROUP", "FROM people.contacts GROUP"), LINES,
         "page.html.j2: values: the SELECT reads people.contacts"),
        (SHOPS.replace("SELECT store_id, count", "SELECT store_id AS store, count"), LINES,
         "values: the SELECT has no column 'store_id'"),
        (SHOPS, LINES.replace("$store_id", "$place"), "lines.sql, line 11: the SELECT holds a parameter"),
        (SHOPS, OF_ALL.replace("  store_id: {hidden: true}\n", "").replace("page: {folder: shops, key: store_id}", ""),
         "lines.sql: columns: $store_ids asks for all pages at once, so store_id must be among"),
        (SHOPS, LINES.replace("key: store_id", "key: store"), "columns.place.page names 'store', which is not among"),
        (SHOPS, LINES.replace("folder: shops", "folder: trend"), "columns.place.page: there is no folder 'trend' with"),
    ],
)  # fmt: skip
def test_pages_of_values_that_cannot_be_made_are_refused(
    page: str, lines: str, message: str, two_customers: Query, tmp_path: Path
) -> None:
    write_shops(tmp_path, page, lines)
    assert message in refusal_of(two_customers, tmp_path)


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────────


def refusal_of(query: Query, home: Path) -> str:
    with pytest.raises(HeaderError) as refused:
        written(query, home)
    return str(refused.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        # SQL that reads anything but tables
        ({"kinds": KINDS.replace("marts.customer_summary", "read_csv('/etc/passwd')")},
         "kinds.sql, line 14: the SELECT reads read_csv()"),
        ({"kinds": KINDS.replace("marts.customer_summary", "'/etc/passwd'")}, "the SELECT reads /etc/passwd"),
        ({"kinds": KINDS.replace("marts.customer_summary", "people.contacts")}, "the SELECT reads people.contacts"),
        ({"kinds": KINDS.replace("count(*)", "getenv('HOME')")}, "the SELECT calls getenv()"),
        ({"kinds": KINDS[: KINDS.index("SELECT")] + "COPY marts.kpis TO 'x.csv'"}, "the SELECT is not a SELECT"),
        ({"kinds": KINDS[: KINDS.index("SELECT")] + "ATTACH 'other.duckdb'"}, "the SELECT is not a SELECT"),
        ({"kinds": KINDS + ";\nSELECT 1"}, "the SELECT holds 2 statements"),
        ({"kinds": KINDS.replace("sum(customers)", "(SELECT max(content) FROM read_text('/x')) + sum(customers)")},
         "kinds.sql (let): the SELECT reads read_text()"),
        ({"page": PAGE.replace("FROM marts.customer_summary", "FROM glob('/*')")},
         "page.html.j2: let.today: the SELECT reads glob()"),
        # headers
        ({"kinds": KINDS.replace("  customers: {label: Customers, kind: count}\n", "")},
         "draw names 'customers', which is not among the columns"),
        ({"kinds": KINDS.replace("AS customers", "AS people")},
         "kinds.sql: columns: the header and the SELECT must have the same; the SELECT lacks "
         "customers; the header lacks people."),
        ({"kinds": KINDS.replace("kind: count", "kind: pounds")}, "kinds.sql, line 6: columns.customers.kind:"),
        ({"kinds": KINDS.replace("accent", "mauve")}, "there is no colour 'mauve'"),
        ({"kinds": KINDS.replace("{bars: bought", "{pie: bought")},
         "kinds.sql, line 3: draw: is none of table, figures, {bars, dots, columns,"),
        ({"kinds": KINDS.replace("title: Once or more often\n", "")}, "title is missing"),
        ({"kinds": KINDS.replace("sentence:", "sentense:")}, "kinds.sql, line 9: sentense: there is no such field"),
        ({"kinds": KINDS.replace("{{ once|", "{{ twice|")}, "kinds.sql: sentence: 'twice' is undefined"),
        ({"kinds": KINDS.replace("|counted('customer')", "|pluralised")}, "No filter named 'pluralised'"),
        (
            {"weekdays": WEEKDAYS.replace("columns: starts_on, series: {revenue: accent}", "figure: almanac")},
            "there is no figure 'almanac'",
        ),
        ({"best": BEST.replace("file: customer_summary", "file: secrets")}, "there is no published table 'secrets'"),
        # pages
        ({"page": PAGE.replace("{#", "<!--")}, "page.html.j2: must begin with its front matter"),
        ({"page": PAGE.replace("lead:", "leed:", 1)}, "page.html.j2, line 4: leed: there is no such field"),
        ({"page": PAGE.replace("after: cohorts", "room: Attic")}, "page.html.j2, line 3: room: must be"),
        ({"page": PAGE.replace("after: cohorts", "after: nothing")}, "there is no page 'nothing' to follow"),
        ({"page": PAGE.replace("charts.months", "charts.weeks")}, "has no attribute 'weeks'"),
        (
            {"page": PAGE.replace("{{ ui.show(charts.weekdays) }}", "{% endfor %}")},
            "page.html.j2, line 21: Encountered unknown tag 'endfor'",
        ),
        ({"page": PAGE.replace("{{ ui.show(charts.best) }}", "{{ ''.__class__.__mro__ }}")}, "unsafe"),
        ({"page": PAGE.replace("WHERE snapshot_date", "GROUP BY customer_id, snapshot_date HAVING snapshot_date")},
         "page.html.j2: let.today: the SELECT has 2 rows"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_its_place(
    changed: dict[str, str], message: str, two_customers: Query, tmp_path: Path
) -> None:
    write_page(tmp_path, **changed)
    assert message in refusal_of(two_customers, tmp_path)


@pytest.fixture(scope="module")
def two_customers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Query]:
    home = tmp_path_factory.mktemp("two_customers")
    with open_engine(Settings(home=home)) as engine:
        Shop(home, engine).orders("anna", "2026-01-05").orders("bert", "2026-02-10").snapshot(str(DAY))
        yield engine.read


@pytest.mark.parametrize("name", ["trend", "index", "glossary"])
def test_a_name_of_ours_is_refused(two_customers: Query, tmp_path: Path, name: str) -> None:
    write_page(tmp_path, name)
    assert f"the report has a page '{name}' already; rename the folder." in refusal_of(two_customers, tmp_path)


def test_charts_without_a_page_are_refused(two_customers: Query, tmp_path: Path) -> None:
    (write_page(tmp_path) / "page.html.j2").unlink()
    assert "has charts and no page.html.j2" in refusal_of(two_customers, tmp_path)


def test_a_home_that_is_the_project_has_no_pages_twice() -> None:
    assert page_folders(PAGES_FOLDER.parent.parent) == (PAGES_FOLDER,)


def test_no_two_values_have_one_page_however_they_are_written() -> None:
    assert file_names(["Tea", "Coffee"]) == {"Tea": "tea", "Coffee": "coffee"}
    one = f"tea {digest('Tea')[:8]}"
    two = f"{one} {digest(one)[:8]}"
    values = ["Tea", "tea", one, two, f"tea {digest('Tea')}", f"{two} {digest(two)[:8]}", "", "?", "value"]
    names = file_names(values)
    assert len(set(names.values())) == len(values)
    assert names == file_names(values[::-1]), "whatever the order"


def test_pages_follow_the_page_they_name() -> None:
    def page(name: str, after: str | None = None) -> Page:
        return Page(name, name, lambda _: {}, "", after=after)

    pages = [page("a"), page("b"), page("d", "c"), page("c", "a"), page("z")]
    assert [one.name for one in in_navigation(pages)] == ["a", "c", "d", "b", "z"]
    with pytest.raises(HeaderError, match=r"x/page\.html\.j2: after: there is no page 'y'"):
        in_navigation([page("a"), page("x", "y"), page("y", "x")])
    assert [one.name for one in all_pages(OURS)] == [
        "calendar", "channels", "products", "taste", "campaigns", "engagement", "comparison", "actions", "definitions",
        "glossary", "index", "segments", "rfm", "lifecycle", "rhythm", "cohorts", "trend", "trust", "value",
        "probability",
    ]  # fmt: skip


# ── columns and drawings ──────────────────────────────────────────────────────────────────────────────────────────────


def table_with(name: str, **column: str) -> Table:
    days = {"type": "DATE", "meaning": "The day"}
    header = {"description": "Made up for a test.", "grain": ["snapshot_date"], "owner": "team:crm",
              "columns": {"snapshot_date": days, "mean_worth": {"meaning": "Made up", **column}}}  # fmt: skip
    return Table("marts", name, Header.model_validate(header), "SELECT 1", f"sql/marts/{name}.sql")


def test_what_a_column_is_comes_from_the_header_of_its_table() -> None:
    money = table_with("one", type="DOUBLE", unit="currency")
    named = table_with("two", type="DOUBLE", unit="currency", label="Worth")

    def shown(*read: Table, **said: str) -> Shown:
        return shown_column("mean_worth", ColumnSpec(**said), read, pl.Int64(), "worth.sql")  # type: ignore[arg-type]

    assert shown(money) == Shown("Mean worth", "money", "currency")
    assert shown(named) == Shown("Worth", "money", "currency")
    assert shown() == Shown("Mean worth", "count")  # of no table: by the type of the SELECT
    assert shown(named, label="Value", kind="percent") == Shown("Value", "percent", "currency")
    with pytest.raises(HeaderError, match=r"worth\.sql: columns\.mean_worth: .* its label \(Mean worth, Worth\)"):
        shown(money, named)
    assert shown(money, named, label="Worth").label == "Worth"


def test_charts_of_a_page_read_what_they_share_by_its_name() -> None:
    shared = {"a": "SELECT 1 AS x", "b": "SELECT x\n  FROM a"}
    told = "a AS (SELECT 1 AS x), b AS (SELECT x FROM a)"
    assert with_shared("SELECT x FROM b", shared) == f"WITH {told} SELECT x FROM b"
    own = "-- why\nWITH c AS (SELECT 2) SELECT x FROM c JOIN a ON TRUE"
    assert with_shared(own, shared) == own.replace("WITH ", "WITH a AS (SELECT 1 AS x), ")
    assert with_shared("SELECT 1 AS a", shared) == "SELECT 1 AS a"


def test_an_interval_is_two_columns_behind_its_own_shown_alike() -> None:
    share = {"label": "Share", "kind": "percent", "interval": ["low", "high", "90%"]}
    told = {"draw": "table", "title": "T", "basis": "n = 1", "columns": {"share": share, "orders": None}}
    columns = ChartHeader.model_validate(told).columns
    assert list(columns) == ["share", "low", "high", "orders"]
    assert [(columns[name].label, columns[name].kind) for name in ("low", "high")] == [
        ("90% interval: from", "percent"), ("to", "percent"),
    ]  # fmt: skip


COLUMNS = {
    "name": Shown("Name", "text"), "day": Shown("Day", "date"), "a": Shown("A", "count", "customers"),
    "b": Shown("B", "money"), "low": Shown("Low", "percent"), "share": Shown("Share", "percent"),
    "high": Shown("High", "percent"), "rank": Shown("Rank", "count"), "to": Shown("To", "text"),
}  # fmt: skip
_NAMES = ("name", "to", "day", "a", "b", "low", "share", "high", "rank")
ROWS = [
    dict(zip(_NAMES, row, strict=True))
    for row in [
        ("x", "x", dt.date(2026, 1, 5), 1, 10.0, 0.1, 0.2, 0.3, 1),
        ("y", "y", dt.date(2026, 1, 6), 3, -4.0, 0.2, None, None, 2),
        ("z", "x", dt.date(2026, 1, 12), 0, 6.0, 0.0, 0.0, 0.1, 1),
    ]
]
DATA = Data(ROWS, COLUMNS, "EUR")


def test_shares_of_a_row_add_up_and_nothing_has_none() -> None:
    bars = figures.Bars(bars="name", series={"a": Look(colour="accent"), "rank": Look(colour="pale")}, stack="share")
    drawn = bars.figure(Data([*ROWS, {**ROWS[0], "name": "none", "a": 0, "rank": 0}], COLUMNS, "EUR"))
    assert [list(trace["x"]) for trace in drawn["data"]] == [[0.5, 0.6, 0.0, None], [0.5, 0.4, 1.0, None]]
    assert drawn["data"][0]["hovertext"][0] == "x<br>A: 1 customer"
    assert drawn["layout"]["xaxis"]["tickformat"] == ".0%"


def test_a_line_has_its_interval_as_a_band_and_gaps_where_it_is_unknown() -> None:
    lines = figures.Lines(lines="day", series={"share": Look(colour="accent")}, band=("low", "high"))
    band, line = lines.figure(DATA)["data"]
    assert list(band["x"]) == ["2026-01-05", "2026-01-06", "2026-01-12", "2026-01-12", "2026-01-06", "2026-01-05"]
    assert list(band["y"]) == [0.3, None, 0.1, 0.0, 0.2, 0.1]
    assert list(line["y"]) == [0.2, None, 0.0]


def test_a_course_is_drawn_from_four_days_on() -> None:
    """A line between two days would show what nobody has seen."""
    colours = {"x": Look(colour="accent"), "y": Look(colour="pale")}
    areas = figures.Areas(areas="day", by="name", value="a", colours=colours)
    rows = [{**row, "day": dt.date(2026, 1, 1 + day)} for day in range(4) for row in ROWS[:2]]
    assert [areas.has_few_days(rows[: 2 * days]) for days in (1, 2, 3, 4)] == [True, True, True, False]
    unknown = [{**row, "a": None} if row["day"].day == 4 else row for row in rows]
    assert areas.has_few_days(unknown), "a day of which nothing is known is none"


def test_differences_of_shares_are_drawn_in_points() -> None:
    dots = figures.Dots(dots="name", value="share", band=("share", "share"), title="Difference")
    columns = {**COLUMNS, "share": replace(COLUMNS["share"], kind="points")}
    figure = dots.figure(Data(ROWS, columns, "EUR"))
    known = [100 * row["share"] for row in ROWS if row["share"] is not None]
    assert [value for value in figure["data"][0]["x"] if value is not None] == pytest.approx(known)
    axis = figure["layout"]["xaxis"]
    assert axis["title"]["text"] == "Difference, in points" and "%" not in axis["tickformat"]


def test_a_heat_map_reads_from_top_to_bottom_and_shows_what_is_unknown_grey() -> None:
    heat = figures.Heat(heat=("day", "name"), value="share").figure(DATA)
    assert list(heat["layout"]["yaxis"]["ticktext"]) == ["z", "y", "x"]  # the first row at the foot
    assert [list(row) for row in heat["data"][0]["z"]] == [[None, None, 0.0], [None, None, None], [0.2, None, None]]
    assert [note["text"] for note in heat["layout"]["annotations"]] == ["20", "", "0"]
    assert len(heat["layout"]["shapes"]) == 7  # of nine cells two are known


@pytest.mark.parametrize(
    ("name", "columns", "kind", "drawn"),
    [
        ("waterfall", {"step": "name", "amount": "b"}, "waterfall",
         lambda trace: list(trace["x"]) == [10.0, -4.0, 6.0]),
        ("sankey", {"before": "name", "after": "to", "customers": "a", "rank_before": "rank", "rank": "rank"}, "sankey",
         lambda trace: list(trace["link"]["value"]) == [1, 3, 0]),
    ],
)  # fmt: skip
def test_a_figure_of_python_is_drawn_by_its_name(
    name: str, columns: dict[str, str], kind: str, drawn: Callable[[dict[str, object]], bool]
) -> None:
    (trace,) = figures.Named.model_validate({"figure": name, "with": columns}).figure(DATA)["data"]
    assert trace["type"] == kind and drawn(trace), trace


def test_columns_are_what_their_tables_say(two_customers: Query, tmp_path: Path) -> None:
    write_page(tmp_path)
    (page,) = [page for page in read_pages(page_folders(tmp_path), tables()) if page.name == "baskets"]
    best = page.context(read_report(two_customers, DAY, tables(), RUN))["charts"]["best"]
    assert [(field.label, field.kind) for field in best.grid.fields] == [
        ("Customer", "text"), ("Orders", "count"), ("Revenue", "money"),
    ]  # fmt: skip
