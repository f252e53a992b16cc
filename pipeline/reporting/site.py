"""Writes the report: the pages of one snapshot, the assets that all snapshots share, and the entrance.

Everything but the run card is a function of the partition, so that the same partition gives the same bytes. Customers
appear in numbers and by id, never by name.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import jinja2

from pipeline.notation import writing_in
from pipeline.reporting.facts import Coverage, HandedOver, Query, Report, RunCard, read_report
from pipeline.reporting.page import Page, PageFile, Room, in_navigation, in_rooms, read_pages
from pipeline.reporting.templating import make_environment
from pipeline.settings import PAGES_FOLDER, TEMPLATES_FOLDER
from pipeline.tables.header import HeaderError, Table
from pipeline.tables.remembered import remembering

__all__ = [
    "OUT",
    "RunCard",
    "all_pages",
    "build_entrance",
    "build_site",
    "make_environment",
    "page_file",
    "page_of_value",
    "try_pages",
]

OUT = "reports/out"


def build_site(
    query: Query,
    snapshot_date: dt.date,
    tables: Mapping[str, Table],
    run: RunCard,
    snapshots: Collection[dt.date],
    file: Callable[[str], Path],
    page_folders: Iterable[Path] = (PAGES_FOLDER,),
    wanted: Callable[[Page], bool] = lambda _: True,
    handed_over: Sequence[HandedOver] = (),
    consents: Sequence[Coverage] = (),
) -> list[str]:
    """Write the `wanted` pages of `snapshot_date`, the assets that all snapshots share, and the entrance.

    Returns their targets. `snapshots` are all published snapshot dates, this one included or not. `file` gives the path
    to write for a target, which is a posix path relative to the home. `page_folders` hold the pages that are files.
    `handed_over`: what was written of audiences that have terms. `consents`: who agreed to what, day by day.
    Raises HeaderError.
    """
    files, environment = _read(page_folders, tables, run)
    with writing_in(run.locale), remembering():
        report = replace(read_report(query, snapshot_date, tables, run), handed_over=handed_over, consents=consents)
        texts = _pages(environment, files, report, wanted)
    for target, text in texts.items():
        file(target).write_text(text, encoding="utf-8")
    entrance = build_entrance({*snapshots, snapshot_date}, run.currency, file)
    assets = _assets()
    for target, source in assets.items():
        shutil.copyfile(source, file(target))
    return [*texts, *entrance, *assets]


def try_pages(
    query: Query, snapshot_date: dt.date, tables: Mapping[str, Table], run: RunCard, page_folders: Iterable[Path],
    wanted: Callable[[Page], bool],
) -> None:  # fmt: skip
    """Make the `wanted` pages of a snapshot, and write none. Raises HeaderError, SelectRefused."""
    files, environment = _read(page_folders, tables, run)
    with writing_in(run.locale):
        _pages(environment, files, read_report(query, snapshot_date, tables, run), wanted)


def page_of_value(
    query: Query, snapshot_date: dt.date, tables: Mapping[str, Table], run: RunCard, page_folders: Iterable[Path],
    folder: str, value: str,
) -> tuple[str, str] | None:  # fmt: skip
    """Target and text of the page that a folder makes for a value, among its first or not; None where there is none."""
    files, environment = _read(page_folders, tables, run)
    with writing_in(run.locale):
        report, navigation, _ = _linked(files, read_report(query, snapshot_date, tables, run))
        (file,) = (one for one in files if one.name == folder)
        page = file.page_for(report, value)
        return None if page is None else (page_file(page, snapshot_date), _text(environment, page, navigation, report))


def _read(
    page_folders: Iterable[Path], tables: Mapping[str, Table], run: RunCard
) -> tuple[tuple[PageFile, ...], jinja2.Environment]:
    files = read_pages(page_folders, tables)
    return files, make_environment(run.currency, {page.template: page.source for page in files})


def build_entrance(snapshots: Collection[dt.date], currency: str, file: Callable[[str], Path]) -> list[str]:
    """Write what names all snapshots: the entrance, and the list that every page shows; return their targets."""
    dates = sorted(snapshots)
    entrance = make_environment(currency).get_template("latest.html.j2").render(dates=dates[::-1])
    texts = {
        f"{OUT}/index.html": entrance,
        f"{OUT}/assets/snapshots.js": f"window.perennialSnapshots = {json.dumps([f'{d}' for d in dates])};\n",
    }
    for target, text in texts.items():
        file(target).write_text(text, encoding="utf-8")
    return list(texts)


def all_pages(files: Iterable[PageFile]) -> tuple[Page, ...]:
    """The pages in the order of the navigation; none of those with `each`."""
    known = [page.as_page() for page in files if not page.header.each]
    for page in files:
        if page.header.each and page.header.after not in {one.name for one in known}:
            raise HeaderError(f"{page.file}: after: there is no page {page.header.after!r} that could lead to these.")
    return in_navigation(known)


def page_file(page: Page, snapshot_date: dt.date) -> str:
    return f"{OUT}/{snapshot_date}/{page.name}.html"


def _pages(
    environment: jinja2.Environment, files: Sequence[PageFile], report: Report, wanted: Callable[[Page], bool]
) -> dict[str, str]:
    """Target and text of the pages that are wanted."""
    report, navigation, every = _linked(files, report)
    if shared := [name for name, number in Counter(page.name for page in every).items() if number > 1]:
        raise HeaderError(f"reports/pages: two pages of the report would be called {shared[0]!r}; rename a folder.")
    return {
        page_file(page, report.facts.snapshot_date): _text(environment, page, navigation, report)
        for page in every
        if wanted(page)
    }


def _linked(files: Sequence[PageFile], report: Report) -> tuple[Report, Sequence[Room], list[Page]]:
    """The report that knows all pages, the navigation, which names all but those of single values, and the pages."""
    pages = all_pages(files)
    navigation = in_rooms(pages)
    several = {file.name: file.pages(report) for file in files if file.header.each}
    every = [*pages, *chain.from_iterable(of_values.values() for of_values in several.values())]
    plain: dict[str | None, dict[str, str]] = {None: {page.name: page.name for page in every}}
    report = replace(report, pages_of=plain | {
        folder: {value: page.name for value, page in of_values.items()} for folder, of_values in several.items()
    })  # fmt: skip
    return report, navigation, every


def _text(environment: jinja2.Environment, page: Page, navigation: Sequence[Room], report: Report) -> str:
    facts = report.facts
    given = {"facts": facts, "snapshot_date": facts.snapshot_date, "is_empty": facts.is_empty, **page.context(report)}
    try:
        return environment.get_template(page.template).render(
            page=page.part_of or page.name, label=page.label, rooms=navigation, **given
        )
    except jinja2.TemplateError as error:
        line = f", line {error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
        raise HeaderError(f"reports/{page.template}/page.html.j2{line}: {error}") from error


def _assets() -> dict[str, Path]:
    """Target and source of what all pages share. Plotly's script is found without importing Plotly."""
    plotly = find_spec("plotly")
    if plotly is None or plotly.origin is None:
        raise FileNotFoundError("plotly is not installed: python -m pip install -r requirements.lock")
    own = TEMPLATES_FOLDER / "assets"
    return {
        f"{OUT}/assets/plotly.min.js": Path(plotly.origin).parent / "package_data" / "plotly.min.js",
        f"{OUT}/assets/app.js": own / "app.js",
        f"{OUT}/assets/style.css": own / "style.css",
    }
