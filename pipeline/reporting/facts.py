"""What the pages of one snapshot are made of: the facts that several of them need, read from the warehouse once.

What only one page shows, that page asks for itself (`Report.ask`). Aggregates only: no frame has a row per customer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import polars as pl

from pipeline import places
from pipeline.reporting import prediction_queries, prediction_words, queries, words
from pipeline.reporting.predictions import Ask, Predictions, read_predictions
from pipeline.sections.analysis import Clv
from pipeline.tables.header import Table

Query = Callable[[str, Mapping[str, object]], pl.DataFrame]
"""Runs a SELECT on the warehouse with `$name` parameters."""

MAIN_CATALOGUE = "grid"
"""The one that the report speaks of where the setting says nothing else."""

_CATALOGUE = "SELECT catalogue FROM params.settings"  # of this process alone, so it need not be portable


@dataclass(frozen=True)
class RunCard:
    """The run that made the pages: the only part of them that differs when the same partition is made again."""

    run_id: str
    finished_at: str
    versions: Mapping[str, str]
    settings: Mapping[str, object]
    currency: str
    locale: str = "en"
    shop: str = ""
    """Name of the shop, as titles have it."""


@dataclass(frozen=True)
class Facts:
    """The shop on one snapshot date. What is said of `before` is None on the first snapshot."""

    snapshot_date: dt.date
    currency: str
    lines: Mapping[str, Any]
    customers: Mapping[str, Any]
    unknown_season: str
    """Why sizes of predictions may be far off; empty where the season is known."""
    untested: str
    """Which published models could not be tested; empty where all were."""
    predictions: Predictions
    clv: Clv
    """Horizon, discount and margin of the predicted value."""
    shop: str = ""
    """Name of the shop, for titles; empty if it has not been told."""
    season: str = ""
    """Whether the season is in the predictions, and how; empty where there are none."""
    catalogue: str = MAIN_CATALOGUE
    """Whose segments the report speaks of."""

    @property
    def is_empty(self) -> bool:
        """Whether nobody has bought yet."""
        return not self.customers["customers"]

    @property
    def basis(self) -> str:
        """What a statement about all customers rests on."""
        return f"n = {words.counted(self.customers['customers'], 'customer')} · orders {self.range}"

    @property
    def range(self) -> str:
        return words.span(self.lines["first_on"], self.snapshot_date)

    @property
    def last_year(self) -> str:
        return words.span(self.snapshot_date - dt.timedelta(days=364), self.snapshot_date)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What has to be said beside every number that is predicted."""
        return tuple(text for text in (self.unknown_season, self.untested) if text)

    def money(self, amount: words.Number | None) -> str:
        return words.money(amount, self.currency)


@dataclass(frozen=True)
class HandedOver:
    """An audience with terms, for a platform or as ids alone: whom each step took of its members, the last is who is in
    the files, which are posix paths relative to the home.

    `channels`: those of the consents it takes. `value`: what those in the files are worth, `is_money` or else.
    `changes`: how many came to the list since the day before, and how many are taken off it. `sent_on`: the day on
    which a place beside the home last got rows of it.
    """

    audience: str
    platform: str | None
    steps: Mapping[str, int]
    files: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    value: float | None = None
    is_money: bool = False
    changes: tuple[int, int] | None = None
    sent_on: dt.date | None = None


CONSENT_STATES = ("agreed", "withdrawn", "never_told", "objected", "suppressed")
"""Whoever is suppressed or has objected is in no other state, whatever they said before."""


@dataclass(frozen=True)
class Coverage:
    """How many customers and leads agreed on a day to a purpose and a channel; each is in one of the states."""

    day: dt.date
    purpose: str
    channel: str
    states: Mapping[str, int]

    @property
    def customers(self) -> int:
        return sum(self.states.values())


@dataclass(frozen=True)
class Report:
    """All that a page may draw on."""

    facts: Facts
    ask: Ask
    run: RunCard
    tables: Mapping[str, Table]
    pages_of: Mapping[str | None, Mapping[str, str]] = field(default_factory=dict)
    """Of each folder that makes several pages: the page of each value; of None: all others, by their own names."""
    handed_over: Sequence[HandedOver] = ()
    """What was published of audiences that have terms."""
    consents: Sequence[Coverage] = ()
    """Who agreed to what, on the day and on the days before."""


def read_report(query: Query, snapshot_date: dt.date, tables: Mapping[str, Table], run: RunCard) -> Report:
    ask = _as_of(query, snapshot_date)
    clock = ask(prediction_queries.SEASON)
    facts = Facts(
        snapshot_date=snapshot_date,
        currency=run.currency,
        lines=_only_row(ask(queries.LINES)),
        customers=_only_row(ask(queries.CUSTOMERS)),
        unknown_season=_unknown_season(clock),
        untested=_untested(ask(prediction_queries.CHAMPIONS)),
        predictions=read_predictions(ask, snapshot_date),
        clv=_clv(run),
        season=_season(clock),
        shop=run.shop,
        catalogue=ask(_CATALOGUE).item(),
    )
    return Report(facts, _as_of(query, snapshot_date, published=list(facts.predictions.published)), run, tables)


def _clv(run: RunCard) -> Clv:
    given = run.settings.get("clv")
    return Clv.model_validate(given if isinstance(given, Mapping) else {})


def _unknown_season(clock: pl.DataFrame) -> str:
    unknown = clock.filter(status="season_unknown")
    if unknown.is_empty():
        return ""
    return prediction_words.unknown_season_sentence(unknown["horizon_days"].to_list(), clock["recent_ratio"][0])


def _season(clock: pl.DataFrame) -> str:
    rows = clock.to_dicts()
    horizons = [
        prediction_words.Ahead(
            row["horizon_days"], row["factor"], row["basis"] in ("a year ago", "held at the limit"),
            row["basis"] == "held at the limit", row["expected"], row["actual"],
        )
        for row in rows
    ]  # fmt: skip
    return prediction_words.clock_sentence(horizons, rows[0]["recent_ratio"]) if rows else ""


def _untested(champions: pl.DataFrame) -> str:
    names = [
        prediction_words.target_name(target, days)
        for target, days, score in champions.select("target", "horizon_days", "score").iter_rows()
        if score is None
    ]
    return prediction_words.untested_sentence(names) if names else ""


def _as_of(query: Query, snapshot_date: dt.date, **given: object) -> Ask:
    """What the report asks of its day. What several pages ask is asked once."""
    known: dict[str, pl.DataFrame] = {}

    def ask(sql: str, **others: object) -> pl.DataFrame:
        parameters = {"snapshot_date": snapshot_date, **given, **others}
        asked = f"{sql} {parameters}"
        if asked not in known:
            known[asked] = query(sql, parameters)
        return known[asked]

    return ask


def _only_row(frame: pl.DataFrame) -> dict[str, Any]:
    return frame.row(0, named=True)


def table_file(report: Report, table: str) -> str:
    """Address of a published table, relative to the page."""
    return f"../../../{places.table_file(table, report.facts.snapshot_date)}"


def audience_file(facts: Facts, catalogue: str, audience: str) -> str:
    """Address of the CSV of an audience, relative to the page."""
    folder = f"../../../{places.audience_folder(facts.snapshot_date)}"
    return f"{folder}/{quote(catalogue, safe='')}/{quote(audience, safe='')}.csv"
