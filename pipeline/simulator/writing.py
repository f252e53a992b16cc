"""Files of a synthetic shop: drawn into a scratch database, written beside their places, put there when all are done.

exports/perennial/     what a run loads; drop `exports` into the `data` folder of a home
nights/<day>/          the exports of later days, if asked for: like `exports`, to be dropped one by one
truth/                 what is true of the shop; no run may see it
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from pipeline.quoting import text_literal
from pipeline.simulator import campaign_files, queries
from pipeline.simulator.customers import Drawn, draw
from pipeline.simulator.queries import LINE_COLUMNS, Window
from pipeline.simulator.shop import MOST_NIGHTS, Shop, SimulationRefused

Format = Literal["csv", "parquet"]
FORMATS: dict[Format, str] = {"csv": "FORMAT csv, HEADER", "parquet": "FORMAT parquet, COMPRESSION zstd"}
_SOURCE = "perennial"
_LOOK_AROUND = 31  # days before the first one on which the first customers registered


@dataclass(frozen=True)
class File:
    """A file that was written; `name` is its path below the folder of the shop, `rows` is None if it has none."""

    name: str
    rows: int | None
    size: int


def simulate(
    shop: Shop, folder: Path, form: Format = "csv", nights: int = 0, replace: bool = False, *,
    with_other: bool = True, columns: Sequence[str] = LINE_COLUMNS, memory_limit: str = "2GiB", threads: int = 0,
) -> list[File]:  # fmt: skip
    """Make up the shop and write its files; the same shop gives the same bytes, whatever the machine.

    nights: later days whose exports are written too. replace: write into a folder that holds something; files of the
    same name are replaced, in whatever format they are, others stay. with_other: also products, events of the web shop
    and campaigns, their messages and consents. columns: those of the order lines. threads: 0 = all cores.
    Raises SimulationRefused for a folder or a number of nights that will not do, duckdb.Error and OSError for a full
    disk. Nothing of the shop is left in the folder then.
    """
    if not 0 <= nights <= MOST_NIGHTS:
        raise SimulationRefused(f"Exports of 0 to {MOST_NIGHTS} later days can be made, not of {nights}.")
    _check_folder(folder, replace)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".simulating-") as workshop:
        files = list(_write(shop, Path(workshop), form, nights, with_other, columns, memory_limit, threads))
        for file in files:
            _put_in_place(Path(workshop) / file.name, folder / file.name)
    return files


def _check_folder(folder: Path, replace: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise SimulationRefused(f"{folder} is no folder. Name another one.")
    if not replace and folder.is_dir() and any(folder.iterdir()):
        raise SimulationRefused(f"{folder} is not empty. Name another folder, or write into it with --force.")


def _put_in_place(made: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    for form in FORMATS:
        place.with_suffix(f".{form}").unlink(missing_ok=True)
    made.replace(place)


def _write(
    shop: Shop, workshop: Path, form: Format, nights: int, with_other: bool, columns: Sequence[str], memory_limit: str,
    threads: int,
) -> Iterator[File]:  # fmt: skip
    with _scratch(workshop, memory_limit, threads) as scratch:
        _draw_into(scratch, shop)
        for name, select in _selects(shop, nights, with_other, columns).items():
            path = workshop / f"{name}.{form}"
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = scratch.execute(f"COPY ({select}) TO {text_literal(path)} ({FORMATS[form]})").fetchall()[0][0]
            yield File(f"{name}.{form}", rows, path.stat().st_size)
    yield _parameters(shop, workshop)


@contextmanager
def _scratch(workshop: Path, memory_limit: str, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, Any] = {
        "memory_limit": memory_limit,
        "temp_directory": str(workshop / "spill"),
        # One thread alone would cut Parquet into other row groups than any number from two on.
        "threads": max(2, threads or os.cpu_count() or 2),
    }
    scratch = duckdb.connect(str(workshop / "scratch.duckdb"), config=config)
    try:
        scratch.execute("SET enable_progress_bar = false").fetchall()
        yield scratch
    finally:
        scratch.close()
        (workshop / "scratch.duckdb").unlink()
        shutil.rmtree(workshop / "spill", ignore_errors=True)


def _draw_into(scratch: duckdb.DuckDBPyConnection, shop: Shop) -> None:
    """Tables of what was drawn, orders in the order of time: an order's number is its place."""
    for macro in (*queries.macros(shop), *campaign_files.macros(shop)):
        scratch.execute(macro).fetchall()
    for number, drawn in enumerate(draw(shop)):
        for table in (field.name for field in dataclasses.fields(Drawn)):
            scratch.register("drawn", getattr(drawn, table))
            begin = f"INSERT INTO {table}" if number else f"CREATE TABLE {table} AS"
            scratch.execute(f"{begin} FROM drawn").fetchall()
            scratch.unregister("drawn")
    for statement in (
        "CREATE TABLE sorted_orders AS FROM orders ORDER BY ordered_at, customer, value",
        "DROP TABLE orders",
        "CREATE VIEW orders AS SELECT rowid + 1 AS number, * FROM sorted_orders",
        "CREATE TABLE sorted_messages AS FROM messages ORDER BY assigned, campaign, customer, step",
        "DROP TABLE messages",
        "CREATE VIEW messages AS SELECT rowid + 1 AS number, * FROM sorted_messages",
        "CREATE TABLE sorted_visits AS FROM visits ORDER BY second, customer, has_basket, campaign, channel",
        "DROP TABLE visits",
        "CREATE VIEW visits AS SELECT rowid + 1 AS number, * FROM sorted_visits",
        f"CREATE TABLE campaigns AS {campaign_files.campaigns(shop)}",
    ):
        scratch.execute(statement).fetchall()


def _selects(shop: Shop, nights: int, with_other: bool, columns: Sequence[str]) -> dict[str, str]:
    """Every file without its ending -> its rows."""
    history = Window(shop.first_day, shop.last_day)
    exports = f"exports/{_SOURCE}"
    selects = {
        f"{exports}/order_lines": queries.order_lines(shop, history, columns),
        f"{exports}/customers": queries.customers(Window(shop.day(-_LOOK_AROUND), shop.last_day)),
        f"{exports}/targets": queries.targets(shop, history),
        f"{exports}/benchmarks": queries.benchmarks(shop, history),
    }
    for night in range(1, nights + 1):
        day = shop.last_day + dt.timedelta(days=night)
        place, window = f"nights/{day}/{_SOURCE}", Window(day, day)
        selects[f"{place}/order_lines-{day}"] = queries.order_lines(shop, window, columns)
        selects[f"{place}/customers-{day}"] = queries.customers(window)
    if with_other:
        selects |= {
            f"{exports}/products": queries.catalogue(shop),
            f"{exports}/web_events": queries.web_events(history),
            f"{exports}/consents": campaign_files.consents(history),
            f"{exports}/campaigns": campaign_files.sent_campaigns(shop, history),
            f"{exports}/messages": campaign_files.sent_messages(shop, history),
        }
    members = campaign_files.true_members(shop, history)
    campaign_orders = campaign_files.true_campaign_orders(shop, history)
    return selects | {
        "truth/customers": queries.true_customers(history),
        "truth/affinities": queries.true_affinities(shop),
        "truth/contacts": campaign_files.true_contacts(history),
        "truth/members": members,
        "truth/campaigns": campaign_files.true_campaigns(campaign_orders, members),
        "truth/campaign_segments": campaign_files.true_campaign_segments(shop, campaign_orders, members),
        "truth/campaign_orders": campaign_orders,
    }


def _parameters(shop: Shop, workshop: Path) -> File:
    path = workshop / "truth" / "parameters.json"
    path.write_text(json.dumps(dataclasses.asdict(shop), indent=2, default=str) + "\n")
    return File("truth/parameters.json", None, path.stat().st_size)
