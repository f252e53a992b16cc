"""A tiny shop for tests: a few orders written by hand, and every table computed from them. And two real ones.

What belongs here: words to tell a small story with. What does not: expectations, they stand in the tests.
"""

import datetime as dt
import importlib.util
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import polars as pl

from pipeline.engines.duckdb import DuckDBEngine, confine, open_file
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.settings import Settings
from pipeline.steps.computed import compute_of, tables_of
from pipeline.tables.catalog import ours
from pipeline.tables.header import Table
from pipeline.tables.inputs import INPUTS
from pipeline.tables.rules import polars_type

MEMORY = Path(":memory:")
Money = float | str | Decimal

ONLINE_RETAIL = Path(__file__).resolve().parents[2] / "shared" / "data" / "online_retail.parquet"
# By path, because the package's own reader needs pkg_resources.
CDNOW = Path(str(importlib.util.find_spec("lifetimes").origin)).parent / "datasets" / "CDNOW_master.txt"


def days_before(number: int, day: str = "2026-12-31") -> str:
    """A day so many days before another one; negative: after it."""
    return (dt.date.fromisoformat(day) - dt.timedelta(days=number)).isoformat()


@cache
def all_tables() -> dict[str, Table]:
    """Every table of the house, each after the tables it reads."""
    return dict(ours().tables)


@contextmanager
def open_engine(settings: Settings, named: Iterable[Path] = (), file: Path = MEMORY) -> Iterator[DuckDBEngine]:
    """An engine on an empty warehouse in memory, or on a file, confined to the home and the files named.

    On one thread unless the settings say more: a second one costs a fifth more where tables have ten rows, and the
    other tests have that core.
    """
    connection = open_file(file, settings.model_copy(update={"threads": settings.threads or 1}))
    try:
        confine(connection, settings, named)
        engine = DuckDBEngine(connection)
        engine.prepare(settings, list(all_tables().values()))
        yield engine
    finally:
        connection.close()


def build(engine: DuckDBEngine, snapshot_date: dt.date, *names: str) -> None:
    """The tables named, and what they are made of, for a snapshot date; all if none is named. As a run writes them.

    But for the prediction: what the models say is told by the tests that need it, or computed where it is asked for.
    """
    needed = _with_upstream(names or tuple(all_tables()))
    done = {"prediction"}
    for name, table in all_tables().items():
        step = table.header.computed_by
        if name not in needed or step in done:
            continue
        if table.select is not None:
            engine.write(table, snapshot_date if table.is_partitioned else None)
        elif step is not None:
            done.add(step)
            frames = compute_of(step)(engine, engine.settings, snapshot_date, lambda _: None)
            for written in tables_of(step):
                engine.write_frame(written, snapshot_date, frames.get(written.name, pl.DataFrame()))


def _with_upstream(names: tuple[str, ...]) -> set[str]:
    needed = set(names)
    for name, table in reversed(all_tables().items()):
        if name in needed:
            needed |= table.reads
    return needed


class Rows:
    """Rows of a table, made easy to compare: days are shown as text, amounts compare with plain numbers."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame

    def __len__(self) -> int:
        return self.frame.height

    def where(self, **values: Any) -> "Rows":
        """The rows that hold these values."""
        return Rows(self.frame.filter([pl.col(name) == value for name, value in values.items()]))

    def by(self, key: str, column: str) -> dict[Any, Any]:
        """{key: value of the column}; the key must be one."""
        pairs = self.rows(key, column)
        found = dict(pairs)
        assert len(found) == len(pairs), f"{key} is no key here: {pairs}"
        return found

    def by_customer(self, column: str) -> dict[str, Any]:
        return self.by("customer_id", column)

    def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        """The rows, or these columns of them, sorted."""
        frame = self.frame.select(columns) if columns else self.frame
        return sorted((tuple(map(_plain, row)) for row in frame.iter_rows()), key=str)

    def one(self, column: str) -> Any:
        """The value of a column in the only row."""
        assert self.frame.height == 1, f"{self.frame.height} rows, not one"
        return _plain(self.frame[column][0])


class Shop:
    """A shop whose orders are told line by line."""

    def __init__(self, home: Path, engine: DuckDBEngine) -> None:
        self.home = home
        self.engine = engine
        self._orders: Counter[str] = Counter()
        self._exported: dict[str, list[dict[str, Any]]] = {name: [] for name in INPUTS}
        self._written: Counter[str] = Counter()

    def orders(self, customer: str | None, *days: str, amount: Money = 10, **others: Any) -> Self:
        """One order of one sale line on each day: `anna-1`, `anna-2`, … in the order told."""
        for day in days:
            self._orders[str(customer)] += 1
            self.line(f"{customer}-{self._orders[str(customer)]}", on=day, customer=customer, amount=amount, **others)
        return self

    def line(
        self, order_id: str, *, on: str, customer: str | None, amount: Money = 10, kind: str = "sale",
        quantity: Money | None = 1, **others: Any,
    ) -> Self:  # fmt: skip
        """One line of an order, as it would come out of an export."""
        moment = dt.datetime.fromisoformat(on)
        return self._tell(
            "order_lines", ordered_on=moment.date(), order_id=order_id, customer_id=customer, ordered_at=moment,
            kind=kind, currency="EUR", amount=Decimal(str(amount)),
            quantity=None if quantity is None else Decimal(str(quantity)), **others,
        )  # fmt: skip

    def refund(self, order_id: str, *, on: str, amount: Money) -> Self:
        """Money back for an order told before: `amount` is how much, a positive number."""
        lines = self._exported["order_lines"]
        customer = next(line["customer_id"] for line in lines if line["order_id"] == order_id)
        return self.line(order_id, on=on, customer=customer, amount=-Decimal(str(amount)), kind="refund", quantity=None)

    def charge(self, order_id: str, *, on: str, customer: str | None, amount: Money) -> Self:
        """Postage or a fee."""
        return self.line(order_id, on=on, customer=customer, amount=amount, kind="charge", quantity=None)

    def registered(self, customer: str, *, on: str | None = None) -> Self:
        """A customer the shop knows, since that day or since nobody knows when, as the export `customers` tells it."""
        moment = None if on is None else dt.datetime.fromisoformat(on)
        day = None if moment is None else moment.date()
        return self._tell("customers", customer_id=customer, registered_at=moment, registered_on=day)

    def target(self, kpi: str, period: str, value: float) -> Self:
        """What the shop wants a key figure to be."""
        return self._tell("targets", kpi=kpi, period=period, value=value)

    def benchmark(self, sector: str, kpi: str, period: str, value: float) -> Self:
        """What a key figure is in a sector."""
        return self._tell("benchmarks", sector=sector, kpi=kpi, period=period, value=value)

    def product(self, product_id: str, *, recommendable: bool = True, **others: Any) -> Self:
        """A product of the shop's list."""
        prices = {name: Decimal(str(others.pop(name))) for name in INPUTS["products"].money if name in others}
        return self._tell(
            "products", product_id=product_id, recommendable=recommendable, currency="EUR", **prices, **others
        )

    def event(self, visit: str, event: str, *, at: str, customer: str | None = None, **others: Any) -> Self:
        """What a visitor of the web shop did."""
        moment = dt.datetime.fromisoformat(at)
        return self._tell(
            "web_events", event_id=f"{visit} {event} {at} {others.get('product_id')}", visit_id=visit, event=event,
            customer_id=customer, happened_at=moment, happened_on=moment.date(), **others,
        )  # fmt: skip

    def message(self, campaign: str, customer: str, event: str, *, at: str, **others: Any) -> Self:
        """What became of a message, or who was assigned to a campaign."""
        moment = dt.datetime.fromisoformat(at)
        row = {"message_id": f"{campaign} {customer}", "group_name": "treated", **others}
        return self._tell(
            "messages", event_id=f"{row['message_id']} {event} {at}", campaign_id=campaign, customer_id=customer,
            event=event, happened_at=moment, happened_on=moment.date(), **row,
        )  # fmt: skip

    def campaign(self, campaign: str, *, sent: str | None = None, channel: str = "email", **others: Any) -> Self:
        """A mailing, or what `campaign_type` says."""
        moment = None if sent is None else dt.datetime.fromisoformat(sent)
        row = {"campaign_name": campaign, "campaign_type": "mailing", "programme": campaign, "window_days": 5, **others}
        return self._tell(
            "campaigns", campaign_id=campaign, channel=channel, currency="EUR", sent_at=moment,
            sent_on=None if moment is None else moment.date(), **row,
        )  # fmt: skip

    def consent(
        self, customer: str, status: str, *, on: str, channel: str = "email", purpose: str = "marketing"
    ) -> Self:
        """A consent that was given or taken back."""
        moment = dt.datetime.fromisoformat(on)
        return self._tell(
            "consents", customer_id=customer, purpose=purpose, channel=channel, status=status, changed_at=moment,
            changed_on=moment.date(),
        )  # fmt: skip

    def objection(self, customer: str, *, on: str) -> Self:
        """An objection to direct marketing."""
        moment = dt.datetime.fromisoformat(on)
        return self._tell("objections", customer_id=customer, since=moment, since_on=moment.date())

    def suppression(self, customer: str, *, on: str) -> Self:
        """A customer to whom nothing is sent; the table knows of whom by a key only."""
        moment = dt.datetime.fromisoformat(on)
        return self._tell(
            "suppressions", kind="customer_id", entry=sha256(customer.encode()).hexdigest(), since=moment,
            since_on=moment.date(),
        )  # fmt: skip

    def erasure(self, customer: str, *, on: str) -> Self:
        """A request to be forgotten; the table knows of whom by a key only."""
        moment = dt.datetime.fromisoformat(on)
        return self._tell(
            "erasures", kind="customer_id", entry=sha256(customer.encode()).hexdigest(), requested_at=moment,
            requested_on=moment.date(),
        )  # fmt: skip

    def _tell(self, into: str, **row: Any) -> Self:
        rows = self._exported[into]
        rows.append({"file_id": "by-hand", "row_number": len(rows) + 1, **row})
        return self

    def with_settings(self, **settings: Any) -> Self:
        """Change settings, as the next run would find them."""
        self.engine.prepare(Settings(home=self.home, **settings), list(all_tables().values()))
        return self

    def emptied(self) -> Self:
        """The same shop without a past, for tests that run many examples."""
        self._orders.clear()
        self._written.clear()
        for rows in self._exported.values():
            rows.clear()
        with self.engine.transaction():
            for name in all_tables():
                self.engine.execute(f"DELETE FROM {name}")
            self.engine.execute("DELETE FROM catalog.partitions")
        return self

    def booked(self) -> Self:
        """What was told stands in the staging tables of the inputs; nothing is built from it."""
        self._book()
        return self

    def snapshot(self, snapshot_date: str, *names: str) -> Self:
        """Build the tables named for this date, with all that they are made of; all tables if none is named."""
        self._book()
        build(self.engine, dt.date.fromisoformat(snapshot_date), *names)
        return self

    def table(self, name: str, snapshot_date: str = "2026-12-31") -> Rows:
        """Build a table for this date, with all that it is made of, and show it."""
        return self.snapshot(snapshot_date, name).show(name, snapshot_date)

    def show(self, name: str, snapshot_date: str) -> Rows:
        """A table (the partition of this date) as it stands."""
        where = " WHERE snapshot_date = $snapshot_date" if all_tables()[name].is_partitioned else ""
        day = dt.date.fromisoformat(snapshot_date)
        return Rows(self.engine.read(f"SELECT * FROM {name}{where}", {"snapshot_date": day}))

    def failing_checks(self, name: str, snapshot_date: str) -> set[str]:
        """Names of the table's checks that fail on what stands in it now."""
        day = dt.date.fromisoformat(snapshot_date)
        return {check.name for check in self.engine.check(all_tables()[name], day) if not check.passed}

    def _book(self) -> None:
        """Put what was told since the last time into the staging tables of the inputs."""
        for name, rows in self._exported.items():
            new = rows[self._written[name] :]
            self._written[name] = len(rows)
            if new:
                table = INPUTS[name].table
                schema = {column: polars_type(kind) for column, kind in table.column_types().items()}
                self.engine.insert(table.full_name, pl.DataFrame(new, schema=schema))
                numbers = [row["row_number"] for row in new]
                self.engine.note_changes(table.full_name, "list_contains($numbers, row_number)", {"numbers": numbers})


@dataclass(frozen=True)
class RealShop:
    """A public data set, loaded through its source, with all tables built for its last day."""

    engine: DuckDBEngine
    snapshot_date: dt.date

    def table(self, name: str) -> Rows:
        return self.select(f"SELECT * FROM {name} WHERE snapshot_date = $snapshot_date")

    def select(self, sql: str) -> Rows:
        return Rows(self.engine.read(sql, {"snapshot_date": self.snapshot_date}))

    def shares(self, catalogue: str) -> dict[str, float]:
        """Customers of each segment in % of all, to a tenth of a point."""
        sizes = self.select(
            f"""
            SELECT segment, round(100 * count(*) / sum(count(*)) OVER (), 1) AS share
            FROM marts.rfm_segments
            WHERE snapshot_date = $snapshot_date AND catalogue = '{catalogue}'
            GROUP BY segment
            """
        )
        return sizes.by("segment", "share")


@contextmanager
def real_shop(settings: Settings, source: str, path: Path, snapshot_date: dt.date, *names: str) -> Iterator[RealShop]:
    """Load a file as a run does, and build the tables named, or all, for one date."""
    with open_engine(settings, [path.resolve()]) as engine:
        for outcome in load_exports(engine, settings, find_exports(settings, {source: [str(path)]})):
            assert not isinstance(outcome, Exception), outcome
            assert outcome.status == "loaded", outcome.message
        build(engine, snapshot_date, *names)
        yield RealShop(engine, snapshot_date)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value
