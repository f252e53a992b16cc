"""Objections (art. 21 GDPR): when each came and is due, what it keeps a customer off, and where they still are.

An objection counts from the moment it is loaded: nobody has to be erased. What takes time is elsewhere, lists that were
sent before: an objection is done when the next delivery has taken the customer off them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.activation.ledger import elsewhere, forget_customers, stopped
from pipeline.activation.withdrawing import rows_to_leave
from pipeline.durable import fsync
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.erasure.purge import take_out_of_audiences
from pipeline.errors import ExportError, PerennialError
from pipeline.home.locks import home_lock
from pipeline.home.migrations import migrate
from pipeline.home.modes import set_right
from pipeline.home.opening import opened
from pipeline.home.people import hashes_of, people_at_hand
from pipeline.home.publishing import recover
from pipeline.home.rewriting import remove_unfinished
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.ingest.tombstones import Kind, a_month_after, canonical
from pipeline.settings import Settings
from pipeline.tables.inputs import INPUTS, input_tables

BY_HAND = Path("perennial.objections", "by-hand.csv")
"""In the drop folder: what was recorded from the command line."""
_TOLD = """
    WITH known AS (
      SELECT customer_id FROM staging.customers
      UNION
      SELECT customer_id FROM staging.order_lines WHERE customer_id IS NOT NULL
    )
    SELECT told.customer_id, min(told.since_on), bool_or(known.customer_id IS NOT NULL)
    FROM staging.objections AS told LEFT JOIN known ON known.customer_id = told.customer_id
    GROUP BY told.customer_id
    ORDER BY min(told.since_on), told.customer_id
"""


class CannotObject(PerennialError):
    """Nobody is known by what was named, or the home is one in which nothing can be recorded yet."""


@dataclass(frozen=True)
class Objection:
    """A customer's, of the day on which they first objected.

    `stops`: lists they were on and are kept off; `still_on`: lists elsewhere that the next delivery takes them off.
    `is_known`: whether there is an order or a row of customers with this id; else it protects nobody.
    """

    customer_id: str
    since: dt.date
    stops: tuple[str, ...]
    still_on: tuple[str, ...]
    is_known: bool

    @property
    def due_on(self) -> dt.date:
        return a_month_after(self.since)

    @property
    def is_done(self) -> bool:
        return self.is_known and not self.still_on

    def is_overdue(self, today: dt.date) -> bool:
        return not self.is_done and self.due_on < today


def find_objections(settings: Settings) -> list[Objection]:
    """All there are, the oldest first. Raises HomeBusy, LedgerUnusable, OutboxUnusable."""
    if not settings.warehouse_file.exists():
        return []
    with opened(settings, read_only=True) as connection:
        return objections_of(settings, DuckDBEngine(connection))


def objections_of(settings: Settings, engine: DuckDBEngine) -> list[Objection]:
    """The same of a warehouse that is open."""
    if not engine.has(INPUTS["objections"].table.full_name):
        return []
    told = engine.execute(_TOLD)
    customers = [row[0] for row in told]
    kept_off, still_on = stopped(settings, customers), elsewhere(settings, customers)
    return [
        Objection(customer, since, kept_off.get(customer, ()), still_on.get(customer, ()), known)
        for customer, since, known in told
    ]


def object_to(settings: Settings, kind: Kind, told: Sequence[str], since: dt.date | None = None) -> int:
    """Record objections of customers who are named by id, address or number, and load them; returns of how many.

    They stand in the drop folder as an export does, and count at once: what is delivered from now on is without them,
    and so are the audiences of the newest day, with whoever else has an address of theirs.
    `since`: today unless given. Raises CannotObject where one names nobody; then none is recorded. Whoever is stopped
    gives the command again, which does what is left.
    """
    today = settings.today()
    if since is not None and since > today:
        raise CannotObject(f"{since} is after today: name the day on which the objection came.")
    if settings.engine != "duckdb":
        raise CannotObject(f"With engine = spark, write customer_id,since to {BY_HAND} in the drop folder, and run.")
    with home_lock(settings.home, "objections", settings.lock_wait_seconds):
        recover(settings.home)
        remove_unfinished(settings)
        if not settings.warehouse_file.exists():
            raise CannotObject("There is no warehouse in this home: run first, so that it is known who customers are.")
        with opened(settings) as connection:
            engine = DuckDBEngine(connection)
            migrate(engine, settings)
            if engine.is_behind(input_tables()):
                raise CannotObject("An earlier version wrote this home: run first, which upgrades it.")
            customers = _customers(engine, settings, kind, told)
            file = settings.exports_folder / BY_HAND
            _write(file, customers, since or today)
            export = next(one for one in find_exports(settings, {}) if one.path == file)
            for outcome in load_exports(engine, settings, [export]):
                if isinstance(outcome, ExportError):
                    raise outcome
            with people_at_hand(engine, settings):
                rows = rows_to_leave(engine, settings, customers)
        take_out_of_audiences(settings, customers, rows)
        forget_customers(settings, customers, "objected", [one for one in rows if one.customer_id not in customers])
        set_right(settings)
    return len(customers)


def _customers(engine: DuckDBEngine, settings: Settings, kind: Kind, told: Sequence[str]) -> list[str]:
    """Everybody who is known by these: of an address that several have, all."""
    known_as = [canonical(kind, one, settings.country) for one in told]
    if None in known_as:
        raise CannotObject(f"Line {known_as.index(None) + 1} is no {kind}. Nothing was recorded.")
    with people_at_hand(engine, settings):
        query = (
            "SELECT customer_id FROM staging.customers WHERE customer_id = $one "
            "UNION SELECT customer_id FROM staging.order_lines WHERE customer_id = $one"
            if kind == "customer_id"
            else f"SELECT DISTINCT customer_id FROM staging.customers JOIN people.customers AS persons "
            f"USING (file_id, row_number) WHERE persons.{kind} = $one "
            f"OR persons.{kind}_sha256 IN (SELECT hash FROM ({hashes_of('SELECT $one AS value')}))"
        )
        found = [[row[0] for row in engine.execute(query, {"one": one})] for one in known_as]
    if [] in found:
        raise CannotObject(
            f"Line {found.index([]) + 1} names nobody of whom there is an order or a row of customers. Nothing was "
            f"recorded. An address that belongs to no customer goes into the input suppressions (docs/exports.md)."
        )
    return sorted({customer for several in found for customer in several})


def _write(file: Path, customers: Sequence[str], since: dt.date) -> None:
    """Whole or not at all, with what was recorded before."""
    told = pl.DataFrame({"customer_id": customers, "since": [str(since)] * len(customers)})
    if file.exists():
        try:
            told = pl.concat([pl.read_csv(file, infer_schema=False), told])
        except (pl.exceptions.PolarsError, UnicodeError):
            raise CannotObject(
                f"{file} was changed by hand, and is no CSV with the columns customer_id,since any more. Nothing was "
                f"recorded. Give it these columns again, or call it otherwise: objections.csv is read as well."
            ) from None
    file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    told.write_csv(partial)
    partial.chmod(0o600)
    fsync(partial)
    partial.replace(file)
    fsync(file.parent)
