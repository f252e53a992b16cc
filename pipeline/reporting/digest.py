"""The digest of a snapshot: the sentences of its first screen and the list of whom to act on, as a short text.

Like the report it holds numbers only, no customer and no address. The links lead to the published report, where the
settings say at which address people open it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipeline.notation import writing_in
from pipeline.reporting.facts import Query, Report, RunCard, read_report
from pipeline.reporting.templating import make_environment
from pipeline.reporting.week import Week
from pipeline.settings import Settings
from pipeline.tables.catalog import catalog_of


@dataclass(frozen=True)
class Digest:
    """What is sent of a snapshot; `plain` and `html` say the same."""

    subject: str
    plain: str
    html: str


def report_of(query: Query, settings: Settings, day: dt.date) -> Report:
    """What is known of a snapshot, for what is told of it outside of its pages."""
    return read_report(
        query,
        day,
        catalog_of(settings.home).tables,
        RunCard("", "", {}, settings.analytic(), settings.currency, settings.locale, settings.name),
    )


def digest_of(query: Query, settings: Settings, day: dt.date) -> Digest:
    """The digest of a snapshot, numbers written as the report writes them."""
    with writing_in(settings.locale):
        return _digest(report_of(query, settings, day), settings)


def _digest(report: Report, settings: Settings) -> Digest:
    week, facts, address = Week(report), report.facts, settings.digest.report_address
    given = {
        "name": settings.name or settings.home.name,
        "facts": facts,
        "answers": week.answers,
        "todo": week.todo,
        "link": f"{address.rstrip('/')}/{facts.snapshot_date}/index.html" if address else None,
    }
    environment = make_environment(report.run.currency)
    subject, _, plain = environment.get_template("digest.txt.j2").render(given).partition("\n")
    return Digest(subject, plain.lstrip("\n"), environment.get_template("digest.html.j2").render(given))
