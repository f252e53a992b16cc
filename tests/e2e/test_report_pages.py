"""Every page of the report in a real browser: drawn, readable, usable without a mouse, and alone with its disk.

Screenshots are made where REPORT_SCREENSHOTS names a folder for them.
"""

import csv
import datetime as dt
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from browser import DESKTOP, PHONE, Opened, Theme, chromium, opened
from homes import Home
from made_predictions import predict
from playwright.sync_api import Browser
from shop import CDNOW, build, real_shop

from pipeline.reporting.page import read_pages
from pipeline.reporting.site import RunCard, all_pages, build_site
from pipeline.settings import PAGES_FOLDER, Settings
from pipeline.tables.catalog import tables

PAGES = all_pages(read_pages([PAGES_FOLDER], tables()))
TINY_DAYS = ("2026-02-27", "2026-02-28")
CDNOW_DAYS = (dt.date(1998, 5, 31), dt.date(1998, 6, 30))
FOCUSABLE = "a[href], button, input, summary, [tabindex='0']"
LIMIT = 3_000_000


@dataclass(frozen=True)
class BuiltReport:
    """A report on disk and its snapshot dates, oldest first."""

    home: Path
    dates: tuple[str, ...]

    def page(self, name: str, date: str | None = None) -> Path:
        return self.home / "reports" / "out" / (date or self.dates[-1]) / f"{name}.html"

    @property
    def pages(self) -> list[Path]:
        return sorted((self.home / "reports" / "out").rglob("*.html"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> BuiltReport:
    """Two nights of a small shop, made by the real job; its folder and its export have names that need care."""
    home = Home.made(tmp_path_factory.mktemp("tiny") / "Żółty sklep #1")
    home.drop("orders & <b>returns<b> 100%.csv", unreadable=1)
    for day in TINY_DAYS:
        assert home.run(day).success
    return BuiltReport(home.folder, TINY_DAYS)


@pytest.fixture(scope="session")
def cdnow(tmp_path_factory: pytest.TempPathFactory) -> BuiltReport:
    """CDNOW, 23,570 customers, at two month ends; the pages only."""
    home = tmp_path_factory.mktemp("cdnow_report")
    run = RunCard("cdnow", "1998-07-01 03:00 UTC", {"perennial": "1.0"}, {"timezone": "UTC"}, "USD")

    def file(target: str) -> Path:
        path = home / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    with real_shop(Settings(home=home, currency="USD"), "cdnow", CDNOW, CDNOW_DAYS[0]) as shop:
        build(shop.engine, CDNOW_DAYS[1])
        for day in CDNOW_DAYS:
            predict(shop.engine, day)
            build_site(shop.engine.read, day, tables(), run, CDNOW_DAYS, file)
    return BuiltReport(home, tuple(str(day) for day in CDNOW_DAYS))


@pytest.fixture(scope="module")
def reports(tiny: BuiltReport, cdnow: BuiltReport) -> dict[str, BuiltReport]:
    return {"tiny": tiny, "cdnow": cdnow}


@pytest.fixture(scope="module")
def browser(reports: dict[str, BuiltReport]) -> Iterator[Browser]:
    """Started after the reports are made: Playwright's event loop and a run do not meet."""
    with chromium() as started:
        yield started


def photograph(page: Opened, name: str) -> None:
    if folder := os.environ.get("REPORT_SCREENSHOTS"):
        page.photograph(Path(folder), name)


# ── the judge ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("<script>console.warn('careful')</script>", "console: careful"),
        ("<script>undefinedFunction()</script>", "error: undefinedFunction is not defined"),
        ("<script src='missing.js'></script>", "not found: file:"),
        ("<script src='https://example.com/x.js'></script>", "asks the network for https://example.com/x.js"),
        ("<div style='width: 2000px'>wide</div>", "wider than the window by"),
        ("<figure data-chart='empty'><div class='chart'></div></figure>", "chart empty is not drawn"),
        (
            "<figure data-chart='cut'><div class='chart' style='width: 200px; overflow: hidden'><svg class='main-svg' "
            "width='200' height='200'><g class='bars'><path d='M0 0H9V9Z'/></g><text x='180' y='50'>too long to be "
            "seen</text></svg></div></figure>",
            "text cut off in cut: too long to be seen",
        ),
        ("<p style='color: #bbb; background: #fff'>pale</p>", "axe color-contrast"),
    ],
)
def test_a_fault_is_seen(browser: Browser, tmp_path: Path, fault: str, told: str) -> None:
    page = tmp_path / "page.html"
    head = "<!doctype html><html lang='en' data-drawn><meta charset='utf-8'><title>Faulty</title>"
    page.write_text(f"{head}<link rel='icon' href='data:,'><main><h1>Faulty</h1>{fault}</main></html>")
    with opened(browser, page, patience=2_000) as found:  # a chart that is missing is waited for in vain
        assert any(problem.startswith(told) for problem in found.problems()), found.problems()
    page.write_text(f"{head}<link rel='icon' href='data:,'><main><h1>Sound</h1></main></html>")
    with opened(browser, page) as sound:
        assert sound.problems() == []


# ── every page ────────────────────────────────────────────────────────────────────────────────────────────────────────


LOOKS: list[tuple[str, int, list[Theme]]] = [
    ("cdnow", DESKTOP, ["light", "dark"]), ("cdnow", PHONE, ["light", "dark"]),
    ("tiny", DESKTOP, ["dark"]), ("tiny", PHONE, ["light"]),
]  # fmt: skip


@pytest.mark.parametrize(("shop", "width", "themes"), LOOKS)
@pytest.mark.parametrize("name", [page.name for page in PAGES])
def test_a_page_has_no_problems(
    browser: Browser, reports: dict[str, BuiltReport], shop: str, name: str, width: int, themes: list[Theme]
) -> None:
    """Opened once for each width, since that decides how charts are drawn; the theme may change at any time."""
    with opened(browser, reports[shop].page(name), width, themes[0]) as page:
        for theme in themes:
            page.turn(theme)
            photograph(page, f"{shop}-{name}-{width}-{theme}")
            assert page.problems() == [], theme


@pytest.mark.parametrize("name", [page.name for page in PAGES])
def test_a_page_can_be_printed(browser: Browser, cdnow: BuiltReport, name: str) -> None:
    with opened(browser, cdnow.page(name), 700, "dark") as page:
        page.page.emulate_media(media="print", color_scheme="dark")
        page.page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
        page.settle()
        photograph(page, f"cdnow-{name}-print")
        assert page.problems() == []
        assert page.page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.page.locator("nav:visible, button:not(.sort):visible, fieldset:visible").count() == 0


@pytest.mark.parametrize("shop", ["tiny", "cdnow"])
def test_no_page_is_heavy(reports: dict[str, BuiltReport], shop: str) -> None:
    sizes = {str(page): page.stat().st_size for page in reports[shop].pages}
    assert len([page for page in sizes if "/segment-" not in page and "/customer-" not in page]) == 2 * len(PAGES) + 1
    assert max(sizes.values()) < LIMIT / 3, sizes  # 23,570 customers, 365 days: far from the limit


def test_a_table_alone_is_there_without_javascript(browser: Browser, cdnow: BuiltReport) -> None:
    with opened(browser, cdnow.page("rfm"), javascript=False) as page:
        assert page.page.locator("noscript .note").is_visible()
        chart = page.page.locator("#rfm-grid")
        chart.locator("summary").click()
        assert chart.locator("tbody tr:visible").count() == 20  # nobody has the score of two order days
        assert page.page.locator("fieldset:visible, button:visible").count() == 0, "shows what does nothing"


class _Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.targets += [value for key in ("href", "src") if (value := given.get(key))]
        self.ids |= {value} if (value := given.get("id")) else set()


def test_every_link_leads_somewhere(tiny: BuiltReport) -> None:
    seen = {page.resolve(): _Links(page.read_text()) for page in tiny.pages}
    for page, links in seen.items():
        for target in links.targets:
            if target.startswith("data:"):
                continue
            address, fragment = urldefrag(target)
            file = (page.parent / unquote(address)).resolve() if address else page
            assert file.is_file(), f"{page.name}: {target}"
            # "all" is only a word that keeps the entrance from going on to the latest snapshot.
            assert not fragment or fragment == "all" or fragment in seen[file].ids, f"{page.name}: {target}"


# ── parts that move ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_chart_has_a_switch_of_its_own(browser: Browser, cdnow: BuiltReport) -> None:
    with opened(browser, cdnow.page("segments")) as page:
        flows = page.page.locator("#segments-moves .sankey-link")
        moves_only = flows.count()
        page.page.locator("#segments-moves").get_by_role("radio", name="Everybody").check()
        page.page.wait_for_function(
            f"() => document.querySelectorAll('#segments-moves .sankey-link').length > {moves_only}"
        )
        # The other chart has not moved.
        assert page.page.locator("#segments-profiles").get_by_role("radio", name="Size and value").is_checked()
        assert page.said == []


CHARTS = {
    "index": ["index-months"],
    "rfm": ["rfm-grid"],
    "segments": ["segments-profiles", "segments-moves"],
    "comparison": ["comparison-revenue", "comparison-groups"],
    "lifecycle": ["lifecycle-stages", "lifecycle-projection"],
    "value": ["value-concentration", "value-segments", "value-bridge"],
    "probability": ["probability-activity", "probability-propensity"],
    "trust": ["trust-expectation", "trust-tracking"],
}


@pytest.mark.parametrize(("name", "charts"), CHARTS.items(), ids=list(CHARTS))
def test_a_chart_s_numbers_can_be_read_and_taken_away(
    browser: Browser, cdnow: BuiltReport, name: str, charts: list[str]
) -> None:
    with opened(browser, cdnow.page(name)) as page:
        for chart in charts:
            figure = page.page.locator(f"#{chart}")
            figure.locator("summary").click()
            shown = figure.locator("tbody tr")
            assert shown.first.is_visible()
            with page.page.expect_download() as download:
                figure.get_by_role("button", name=re.compile("Download CSV")).click()
            assert download.value.suggested_filename == f"perennial-1998-06-30-{chart}.csv"
            text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
            header, *rows = list(csv.reader(io.StringIO(text)))
            assert len(rows) == shown.count() > 0
            assert all(re.fullmatch(r"[a-z][a-z_0-9]*", column) for column in header), header
            numbers = [cell for row in rows for cell in row[1:] if re.search(r"\d", cell)]
            assert numbers and all(re.fullmatch(r"-?\d+(\.\d+)?", cell) for cell in numbers), numbers[:5]
        assert page.said == []


def test_one_switch_governs_the_calendar_with_its_tables(browser: Browser, cdnow: BuiltReport) -> None:
    with opened(browser, cdnow.page("calendar")) as page:
        names = ("revenue", "effects", "orders")
        figures = [page.page.locator(f"#calendar-{name}") for name in names]
        for figure in figures:
            figure.locator("summary").click()
            assert figure.locator("tbody tr:visible").count() == 18  # January 1997 to June 1998
        months = [figure.locator(".sentence").inner_text() for figure in figures]
        page.page.get_by_role("radio", name="Days").check()
        page.page.wait_for_function(
            "() => document.querySelector('#calendar-revenue .basis').textContent.includes('Jul')"
        )
        for figure, earlier in zip(figures, months, strict=True):
            assert figure.locator("tbody tr:visible").count() == 20
            figure.get_by_role("button", name="Show all 365 rows").click()
            assert figure.locator("tbody tr:visible").count() == 365
            assert figure.locator(".basis").inner_text() == "n = 26,977 orders · 1 Jul 1997 – 30 Jun 1998"
            assert figure.locator(".sentence").inner_text() != earlier
        with page.page.expect_download() as download:
            figures[1].get_by_role("button", name=re.compile("Download CSV")).click()
        assert download.value.suggested_filename == "perennial-1998-06-30-calendar-effects-day.csv"
        rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_bytes().decode("utf-8-sig"))))
        assert rows[0] == ["starts_on", "is_complete", "order_number_effect", "order_value_effect", "other_effect"]
        assert (len(rows), rows[-1][0]) == (366, "1998-06-30")
        assert page.said == []


def test_all_numbers_of_a_calendar_are_there_without_javascript(browser: Browser, cdnow: BuiltReport) -> None:
    with opened(browser, cdnow.page("calendar"), javascript=False) as page:
        chart = page.page.locator("#calendar-orders")
        chart.locator("summary").click()
        assert chart.locator("caption:visible").all_inner_texts() == [
            "Orders and their value: Months", "Orders and their value: Weeks", "Orders and their value: Days",
        ]  # fmt: skip


def test_the_open_page_is_in_sight_on_a_phone(browser: Browser, cdnow: BuiltReport) -> None:
    for name in ("index", "comparison", "glossary"):
        with opened(browser, cdnow.page(name), PHONE) as page:
            box = page.page.locator(".pages [aria-current]").bounding_box()
            assert box is not None
            assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE, (name, box)


def test_a_colour_that_is_not_drawn_is_not_explained(browser: Browser, cdnow: BuiltReport) -> None:
    """The key follows the view, not the chart."""
    with opened(browser, cdnow.page("calendar")) as page:
        key = page.page.locator("#calendar-effects .legend li:visible")
        assert key.all_inner_texts() == ["Number of orders", "Order value"]  # CDNOW has no refunds
        page.page.evaluate(
            """() => {
              const script = document.querySelector("#calendar-effects script");
              const views = JSON.parse(script.textContent);
              views[1].figure.data.splice(1, 1);
              script.textContent = JSON.stringify(views);
              document.dispatchEvent(new Event("DOMContentLoaded"));
            }"""
        )
        page.page.get_by_role("radio", name="Weeks").check()
        page.page.wait_for_function(
            "() => !document.querySelector('#calendar-effects [data-name=\"Order value\"]').checkVisibility()"
        )
        assert key.all_inner_texts() == ["Number of orders"]


def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless(browser: Browser, cdnow: BuiltReport) -> None:
    with opened(browser, cdnow.page("segments")) as page:
        figure = page.page.locator("#segments-profiles")
        page.page.evaluate(
            """() => { document.querySelector('#segments-profiles tbody th').textContent = '=HYPERLINK("x","y")'; }"""
        )
        with page.page.expect_download() as download:
            figure.get_by_role("button", name=re.compile("Download CSV")).click()
        rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_bytes().decode("utf-8-sig"))))
        assert rows[1][0] == """'=HYPERLINK("x","y")"""


def test_the_theme_can_be_chosen_and_is_remembered(browser: Browser, cdnow: BuiltReport) -> None:
    with opened(browser, cdnow.page("index"), theme="light") as page:
        ground = "() => getComputedStyle(document.body).backgroundColor"
        bar = "() => getComputedStyle(document.querySelector('#index-months .bars path')).fill"
        before = page.page.evaluate(ground), page.page.evaluate(bar)
        page.page.get_by_role("button", name="Switch between light and dark").click()
        page.page.wait_for_function(f"() => ({bar})() !== '{before[1]}'")
        after = page.page.evaluate(ground), page.page.evaluate(bar)
        assert before[0] != after[0]
        assert page.said == []
        page.page.get_by_role("link", name="Customers", exact=True).click()
        page.settle()
        assert page.page.evaluate(ground) == after[0]


def test_one_gets_from_the_entrance_to_every_page_and_snapshot(browser: Browser, tiny: BuiltReport) -> None:
    with opened(browser, tiny.page("index")) as page:
        page.page.goto((tiny.home / "reports" / "out" / "index.html").as_uri())
        page.page.wait_for_url("**/2026-02-28/index.html")
        page.page.get_by_role("link", name="Customers", exact=True).click()
        page.page.get_by_role("link", name="Earlier snapshot, 27 Feb 2026").click()
        page.page.wait_for_url("**/2026-02-27/segments.html")
        page.settle()
        newer = page.page.locator("[data-newer]")
        assert newer.inner_text() == "There is a newer snapshot: 28 Feb 2026."
        page.page.locator(".snapshots summary").click()
        assert page.page.locator(".snapshots li a[aria-current]").inner_text() == "27 Feb 2026"
        assert page.said == []
        page.page.keyboard.press("Escape")
        newer.get_by_role("link").click()
        page.page.wait_for_url("**/2026-02-28/segments.html")


def test_the_list_of_snapshots_can_be_kept_open(browser: Browser, tiny: BuiltReport) -> None:
    with opened(browser, tiny.page("index"), PHONE) as page:
        page.page.goto((tiny.home / "reports" / "out" / "index.html").as_uri() + "#all")
        page.page.wait_for_selector("html[data-drawn]", state="attached")
        assert page.page.locator("main li a").all_inner_texts() == ["28 February 2026", "27 February 2026"]
        assert page.said == []


def test_a_term_can_be_found_in_the_definitions(browser: Browser, cdnow: BuiltReport) -> None:
    with opened(browser, cdnow.page("definitions")) as page:
        page.page.get_by_label("Find a term").fill("purchase occasion.")
        assert page.page.locator("[data-column]:visible").first.get_attribute("id") == "purchase-occasion"
        assert page.page.locator("[data-found]").inner_text() == "1 definition"
        assert page.said == []


def test_a_table_is_sorted_and_searched(browser: Browser, cdnow: BuiltReport) -> None:
    """By raw values, what is not known last; the row that is shown first comes back with the search."""
    with opened(browser, cdnow.page("calendar")) as page:
        chart = page.page.locator("#calendar-effects")
        page.page.get_by_role("radio", name="Weeks").check()
        chart.locator("summary").click()
        table, found = chart.locator("table:visible"), chart.locator("[role=status]:not(:empty)")
        rows = table.locator("tbody tr:visible")
        assert rows.count() == 20
        head = table.get_by_role("columnheader", name="Number of orders")
        head.get_by_role("button").focus()
        page.page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "descending"
        assert found.inner_text() == "Sorted by Number of orders, descending."
        chart.get_by_role("button", name=re.compile("Show all .* rows")).click()
        values = [cell.get_attribute("data-value") for cell in table.locator("tbody tr td:nth-child(3)").all()]
        known = [float(value) for value in values if value]
        assert known == sorted(known, reverse=True) and known[0] > known[-1]
        assert "" in values and values.index("") == len(known), "what is not known stands last"
        head.get_by_role("button").click()
        values = [cell.get_attribute("data-value") for cell in table.locator("tbody tr td:nth-child(3)").all()]
        assert [float(value) for value in values if value] == sorted(known) and values[-1] == ""
        chart.get_by_role("searchbox").locator("visible=true").fill("Dec 1997")
        assert 3 <= rows.count() <= 5 and found.inner_text() == f"{rows.count()} rows"
        assert page.said == []


def test_a_column_can_be_found_in_the_dictionary(browser: Browser, cdnow: BuiltReport) -> None:
    with opened(browser, cdnow.page("glossary")) as page:
        assert page.page.locator("[data-column]:visible").count() == 0, "tables are folded"
        page.page.get_by_label("Find a table or a column").fill("sample_ratio_p")
        assert page.page.locator("[data-column]:visible dt code").all_inner_texts() == ["sample_ratio_p"]
        assert page.page.locator("[data-found]").inner_text() == "1 column"
        assert page.said == []


# ── without a mouse ───────────────────────────────────────────────────────────────────────────────────────────────────

# What has the focus, and whether it can be seen that it has: the outline may be on the label of a hidden radio button.
_FOCUS = """
() => {
  const active = document.activeElement;
  if (!active || active === document.body) return null;
  const shown = active.matches('input[type=radio]') ? active.nextElementSibling : active;
  const style = getComputedStyle(shown), box = shown.getBoundingClientRect();
  return {
    name: active.outerHTML.slice(0, 90),
    visible: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
      && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}
"""


@pytest.mark.parametrize(
    "name",
    ["index", "rfm", "segments", "calendar", "comparison", "lifecycle", "value", "probability", "trust"],
)
def test_the_keyboard_reaches_everything_and_the_focus_is_seen(browser: Browser, cdnow: BuiltReport, name: str) -> None:
    with opened(browser, cdnow.page(name)) as page:
        groups = page.page.evaluate(
            "() => new Set([...document.querySelectorAll('input[type=radio]')].map(i => i.name)).size"
        )
        others = page.page.locator(f":is({FOCUSABLE}):not([type=radio]):visible").count()
        reached: list[str] = []
        for _ in range(others + groups + 5):
            page.page.keyboard.press("Tab")
            focus = page.page.evaluate(_FOCUS)
            if focus is None:
                break
            assert focus["visible"], f"the focus cannot be seen on {focus['name']}"
            reached.append(focus["name"])
        assert len(reached) >= others + groups, reached
        assert "skip" in reached[0]


def test_the_skip_link_and_the_arrow_keys_work(browser: Browser, cdnow: BuiltReport) -> None:
    with opened(browser, cdnow.page("rfm")) as page:
        page.page.keyboard.press("Tab")
        page.page.keyboard.press("Enter")
        page.page.keyboard.press("Tab")  # from the skip link into the content: what the chart's term means
        page.page.keyboard.press("Tab")  # then its switch
        page.page.keyboard.press("ArrowRight")
        page.page.wait_for_function(
            "() => document.querySelector('#rfm-grid .sentence').textContent.includes('brought most')"
        )
        assert page.page.get_by_role("radio", name="Revenue").is_checked()


def test_a_screen_reader_is_told_what_a_chart_means(browser: Browser, cdnow: BuiltReport) -> None:
    with opened(browser, cdnow.page("index")) as page:
        picture = page.page.get_by_role("img", name=re.compile("^Revenue by month The best month was Mar 1997"))
        assert picture.count() == 1
        assert page.page.get_by_role("button", name="Download CSV of Revenue by month").count() == 1


def test_this_week_fits_a_screen(browser: Browser, cdnow: BuiltReport) -> None:
    with opened(browser, cdnow.page("index")) as page:
        page.page.set_viewport_size({"width": 1280, "height": 800})
        box = page.page.locator(".week").bounding_box()
        assert box is not None and box["y"] + box["height"] <= 800
