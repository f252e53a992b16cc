"""The page of one customer on demand, beside those of the first hundred that every report has."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import PerennialError
from pipeline.home.locks import home_lock
from pipeline.home.opening import opened
from pipeline.reporting.page import page_folders
from pipeline.reporting.site import OUT, RunCard, page_of_value
from pipeline.settings import Settings
from pipeline.snapshots import chosen
from pipeline.tables.catalog import catalog_of

FOLDER = "customer"
"""Of `reports/pages`."""


class NoSuchCustomer(PerennialError):
    """A customer that a snapshot does not have, or no snapshot."""


def write_customer_page(settings: Settings, customer_id: str, day: dt.date | None = None) -> Path:
    """Write the page into the published report of a day, or of the latest, and return its path.

    Its name is the MD5 of the id. It stays until that day is published again. Raises NoSuchCustomer.
    """
    catalog = catalog_of(settings.home)
    with (
        home_lock(settings.home, f"customer-{os.getpid()}", settings.lock_wait_seconds),
        opened(settings, read_only=True) as connection,
    ):
        engine = DuckDBEngine(connection)
        days = [one for one in engine.rows_by_day() if (settings.home / OUT / str(one)).is_dir()]
        day = chosen(days, day, NoSuchCustomer, "report")
        if engine.is_behind(catalog.tables.values()):
            raise NoSuchCustomer("An earlier version wrote this home, or its tables have changed since; run first.")
        run = RunCard("", "", {}, settings.analytic(), settings.currency, settings.locale, settings.name)
        folders = page_folders(settings.home)
        made = page_of_value(engine.read, day, catalog.tables, run, folders, FOLDER, customer_id)
    if made is None:
        raise NoSuchCustomer(
            f"Nobody with this id had ordered by {day}, or they have objected since. Ids stand in the column "
            f"customer_id of tables and audiences."
        )
    target, text = made
    path = settings.home / target
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
    return path
