"""Writes the report: the pages of one snapshot, the assets that all snapshots share, and the entrance.

Everything but the run card is a function of the partition, so that the same partition gives the same bytes. Customers
appear in numbers and by id, never by name.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Collection, Mapping
from importlib.util import find_spec
from pathlib import Path

import jinja2

from pipeline.reporting import components, words
from pipeline.reporting.facts import Query, Report, RunCard, read_report
from pipeline.reporting.pages import PAGES, Page
from pipeline.settings import TEMPLATES_FOLDER
from pipeline.tables.header import Table

__all__ = ["OUT", "RunCard", "build_entrance", "build_site", "page_file"]

OUT = "reports/out"


def build_site(
    query: Query,
    snapshot_date: dt.date,
    tables: Mapping[str, Table],
    run: RunCard,
    snapshots: Collection[dt.date],
    file: Callable[[str], Path],
    pages: Collection[Page] = PAGES,
) -> list[str]:
    """Write `pages` of `snapshot_date`, the assets all snapshots share, and the entrance; return their targets.

    `snapshots` are all published snapshot dates, this one included or not. `file` gives the path to write for a target,
    which is a posix path relative to the home.
    """
    environment = make_environment(run.currency)
    texts = _pages(environment, read_report(query, snapshot_date, tables, run), pages)
    for target, text in texts.items():
        file(target).write_text(text, encoding="utf-8")
    entrance = build_entrance({*snapshots, snapshot_date}, run.currency, file)
    assets = _assets()
    for target, source in assets.items():
        shutil.copyfile(source, file(target))
    return [*texts, *entrance, *assets]


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


def page_file(page: Page, snapshot_date: dt.date) -> str:
    return f"{OUT}/{snapshot_date}/{page.name}.html"


def _pages(environment: jinja2.Environment, report: Report, pages: Collection[Page]) -> dict[str, str]:
    """Target and text of the pages."""
    facts = report.facts
    navigation = {page.name: page.label for page in PAGES}
    return {
        page_file(page, facts.snapshot_date): environment.get_template(f"{page.name}.html.j2").render(
            page=page.name,
            pages=navigation,
            facts=facts,
            snapshot_date=facts.snapshot_date,
            is_empty=facts.is_empty,
            **page.context(report),
        )
        for page in pages
    }


def make_environment(currency: str) -> jinja2.Environment:
    """Autoescaping, strict templates with the filters that show values."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": words.count,
        "percent": words.percent,
        "money": lambda amount: words.money(amount, currency),
        "day": words.day,
        "things": words.things,
        "show": lambda value, kind: components.show(value, kind, currency),
        "raw": components.raw,
        "chart_data": lambda chart: [
            {"key": view.key, "sentence": view.sentence, "basis": view.basis or chart.basis, "figure": view.figure}
            for view in chart.views
        ],
    }
    return environment


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
