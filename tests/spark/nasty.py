"""A synthetic shop in which everything that engines may see differently occurs, and the engines that work on it.

What belongs here: the shop, the same for the same seed, and homes on either engine. What does not: expectations.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.engines.duckdb import DuckDBEngine, connect
from pipeline.engines.spark.engine import SparkEngine
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.settings import Settings
from pipeline.tables.catalog import tables

FIRST, LAST = dt.date(2024, 1, 1), dt.date(2026, 3, 31)
DAYS = (dt.date(2026, 2, 28), dt.date(2026, 3, 31))
TOML: dict[str, Any] = {
    "timezone": "Europe/Warsaw",
    "first_snapshot": FIRST,
    "compare": "2024-10-01:2025-03-31,2025-10-01:2026-03-29",
    "need_stages": [
        {
            "rule": "ß",
            "anchor": ["p1*"],
            "exit": ["p399"],
            "anchor_age_days": 10,
            "stages": [
                {"stage": "one", "from_day": 0, "to_day": 200, "items": ["p2?", "kategorie 3*"]},
                {"stage": "two", "from_day": 200, "to_day": 900, "items": ["p3*", "haus*"]},
            ],
        }
    ],
    "holdout_share": 0.3,
    "deliver": {"segments": {"control_share": 0.2}},
    "rfm": {"recency": "lifecycle"},
    "lifecycle": {"scenarios": [{"name": "win back", "from": "defecting", "to": "active", "points": 5}]},
}
_ODD_NAMES = (
    "straße",
    "STRASSE",
    "İstanbul",
    "istanbul",
    "Ωmega",
    "ωMEGA",
    "🙂 smile",
    "عميل ١",
    "a b",
    "a  b",
    "O'Neill",
)
_CLOCK_CHANGES = ("2025-03-30T02:30:00", "2025-10-26T02:30:00", "2026-03-29T01:59:59", "2024-02-29T23:59:59")


def order_lines(orders: int = 8_000, seed: int = 7) -> pl.DataFrame:
    """About 20,000 lines of 1,100 customers in canonical columns, one of whom has a tenth of all orders."""
    dice = random.Random(seed)
    rows: list[dict[str, Any]] = []
    stays = {n: _stay(dice) for n in range(1_100)} | {0: (0, (LAST - FIRST).days)}
    for number in range(orders):
        customer = _customer(dice)
        moment = _moment(dice, *stays[customer or 0])
        order = {
            "order_id": f"o{number:05d}" if number % 50 else f"Bestellung №{number} ß",
            "customer_id": None if customer is None else _name(customer),
            "sales_channel": dice.choice(["web", "app", "store", None]),
            "status": "cancelled" if dice.random() < 0.03 else None,
        }
        order["store_id"] = f"Straße {number % 4}" if order["sales_channel"] == "store" else None
        order["region"] = None if number % 3 else f"Ω {number % 7}"
        order["source"], order["medium"] = ((" Google", "CPC"), ("ünï", "Newsletter ß"), (None, None))[number % 3]
        for line in range(1 + int(4 * dice.random() ** 1.3)):
            rows += _line(dice, order, moment, line)
        if dice.random() < 0.1:
            rows.append({**order, "ordered_at": moment, "kind": "charge", "amount": "4.90", "quantity": None})
    return pl.DataFrame(rows, schema_overrides={"ordered_at": pl.String}, infer_schema_length=None)


def collectors(customers: int = 330) -> pl.DataFrame:
    """Customers with three tastes, of whom each bought a dozen things on one day of the last months."""
    return pl.DataFrame(
        {
            "order_id": f"taste {number}", "customer_id": f"collector {number} ß", "line_id": str(line), "kind": "sale",
            "ordered_at": f"2026-02-{1 + number % 28:02d}T12:00:00", "amount": "5.00", "quantity": "1",
            "product_id": f"{taste}-{line:02d}", "category": f"{taste} ß",
        }
        for number in range(customers)
        for taste in [("straße", "Ωmega", "naïve")[number % 3]]
        for line in range(12)
    )  # fmt: skip


def climbers(customers: int = 240) -> pl.DataFrame:
    """Who bought a tea of the lowest third of six by price, then both of the middle one, some both of the highest."""

    def lines(number: int) -> list[tuple[str, int]]:
        """Day and number of the tea, from the cheapest on."""
        second = 2 + number // 2 % 2
        bought = [("2025-12-15", number % 2), ("2026-02-10", second), ("2026-03-10", 5 - second)]
        if number == 1:
            bought += [("2025-12-15", 4), ("2025-12-15", 5)]
        return bought + ([("2026-03-20", 4), ("2026-03-20", 5)] if number % 10 == 0 else [])

    return pl.DataFrame(
        {
            "order_id": f"tea {number} {day}", "customer_id": f"climber {number} ß", "line_id": str(tea),
            "kind": "sale", "ordered_at": f"{day}T12:00:00", "amount": f"{(5, 6, 8, 9, 10, 11)[tea]}.00",
            "quantity": "1", "product_id": f"thé-{tea}", "category": "Thé ß",
        }
        for number in range(customers)
        for day, tea in lines(number)
    )  # fmt: skip


def _customer(dice: random.Random) -> int | None:
    chance = dice.random()
    return 0 if chance < 0.1 else None if chance < 0.14 else int(1_100 * dice.random() ** 1.7)


def _name(customer: int) -> str:
    return _ODD_NAMES[customer - 1] if 0 < customer <= len(_ODD_NAMES) else f"c{customer:04d}"


def _stay(dice: random.Random) -> tuple[int, int]:
    """First and last day on which a customer buys; half of them are gone before the end, some only just."""
    span = (LAST - FIRST).days
    born = int(span * dice.random() ** 1.5)
    return born, span if dice.random() < 0.5 else born + int((span - born) * dice.random() ** 0.3)


def _moment(dice: random.Random, first: int, last: int) -> str:
    if dice.random() < 0.01:
        return dice.choice(_CLOCK_CHANGES)
    day = FIRST + dt.timedelta(days=first if dice.random() < 0.2 else int(first + (last - first) * dice.random()))
    return f"{day}T{dice.choice(['00:00:00', '12:00:00', '23:59:59'])}"  # few times: ties


def _line(dice: random.Random, order: dict[str, Any], moment: str, line: int) -> list[dict[str, Any]]:
    amount = dice.choice([0, 995, 995, 1000, 1999, dice.randrange(1, 90_000)])
    product = int(400 * dice.random() ** 2)
    sale = {
        **order, "ordered_at": moment, "kind": "sale", "line_id": str(line), "amount": f"{amount / 100:.2f}",
        "quantity": str(dice.choice([1, 1, 2, 3, "0.5"])),
        "product_id": f"p{product}" if dice.random() > 0.02 else None,
        "category": None if dice.random() < 0.05 else f"Kategorie {product % 7} ä",
        "unit_cost": f"{amount / 250:.4f}" if dice.random() < 0.9 else None,
    }  # fmt: skip
    if dice.random() > 0.06 or amount == 0:
        return [sale]
    later = dt.datetime.fromisoformat(moment) + dt.timedelta(days=dice.choice([0, 3, 45]))
    back = amount if dice.random() < 0.5 else amount // 3
    return [sale, {**sale, "ordered_at": later.isoformat(), "kind": "refund", "amount": f"{-back / 100:.2f}"}]


def write_exports(folder: Path, lines: pl.DataFrame) -> None:
    """Everything into a drop folder: order lines, and the inputs that a shop may leave out."""
    folder.mkdir(parents=True)
    lines.write_csv(folder / "order_lines.csv")
    customers = [name for name in lines["customer_id"].unique().sort() if name] + ["lead 1", "lead ß"]
    pl.DataFrame({"customer_id": customers, "registered_at": ["2024-01-05T10:00:00"] * len(customers)}).write_csv(
        folder / "customers.csv"
    )
    pl.DataFrame(
        {"kpi": ["revenue", "orders"], "period": ["2026-02", "2026-Q1"], "value": ["100000.5", "900"]}
    ).write_csv(folder / "targets.csv")
    pl.DataFrame(
        {
            "sector": ["music", "books"],
            "kpi": ["refund_share"] * 2,
            "period": ["2025", "2025"],
            "value": ["0.05", "0.07"],
        }
    ).write_csv(folder / "benchmarks.csv")
    numbers = range(0, 400, 3)
    pl.DataFrame(
        {
            "product_id": [f"p{number}" for number in numbers],
            "product_name": [f"Größe {number} 🙂" for number in numbers],
            "category": [f"Haus > Straße {number % 5} > ω" if number % 4 else None for number in numbers],
            "brand": ["İst" if number % 2 else None for number in numbers],
            "list_price": [f"{5 + number / 10:.2f}" if number % 10 else "0" for number in numbers],
            "sale_price": [f"{4 + number / 20:.4f}" if number % 5 == 0 else None for number in numbers],
            "unit_cost": [f"{number / 30:.4f}" if number % 2 else None for number in numbers],
            "in_stock": ["yes" if number % 7 else "no" for number in numbers],
            "recommendable": ["false" if number % 50 == 0 else "" for number in numbers],
        }
    ).write_csv(folder / "products.csv")
    seen, sources = range(900), ("Google", "naïve ß", None)
    often = [
        (customer, day) for customer in range(10) for day in range(0, (LAST - FIRST).days, 20)
    ]  # before most orders
    pl.DataFrame(
        {
            "visit_id": [f"v{number // 3}" for number in seen] + [f"w{customer} {day}" for customer, day in often],
            "customer_id": [None if number % 9 == 0 else _name(number // 9) for number in seen]
            + [_name(customer) for customer, _ in often],
            "happened_at": [
                f"2026-03-{1 + number % 31:02d}T{number % 8 * 3:02d}:{number % 60:02d}:00" for number in seen
            ]
            + [f"{FIRST + dt.timedelta(days=day)}T23:59:59" for _, day in often],
            "event": [("product_view", "add_to_cart", "purchase")[number % 3] for number in seen]
            + ["other"] * len(often),
            "product_id": [None if number % 3 == 2 else f"p{number % 400}" for number in seen] + [None] * len(often),
            "source": [sources[number % 3] for number in seen] + [sources[day % 3] for _, day in often],
            "medium": ["CPC" if number % 2 else None for number in seen]
            + ["E-Mail" if day % 40 else " " for _, day in often],
        }
    ).write_csv(folder / "web_events.csv")
    pl.DataFrame(
        {"campaign_id": ["ünï 🙂", "c2", "löt"], "channel": ["Email", "SMS", "email"],
         "sent_at": ["2026-03-01 09:30:00", None, "2025-10-26 02:30:00"], "campaign_type": ["mailing", "Rule", None],
         "control_share": [None, None, "0.25"], "audience": ["Global-v1", None, None],
         "cost": ["120.5", None, "80"], "window_days": [None, None, "60"]}
    ).write_csv(folder / "campaigns.csv")  # fmt: skip
    numbers = range(600)
    events = pl.DataFrame(
        {
            "campaign_id": ["ünï 🙂" if number % 3 else "c2" for number in numbers],
            "customer_id": [_name(number // 4) for number in numbers],
            "event": [("assigned", "sent", "opened", "clicked")[number % 4] for number in numbers],
            "happened_at": [None if number % 4 == 0 else f"2026-03-0{1 + number % 9}T23:59:59" for number in numbers],
            "is_machine": ["true" if number % 4 == 2 and number % 5 else "" for number in numbers],
            "group_name": "",
        }
    )
    drawn = pl.DataFrame(
        {
            "campaign_id": "löt", "customer_id": _name(number), "event": "assigned", "is_machine": "",
            "group_name": "treated" if number % 4 else "Control",
        }
        for number in range(1_100)
    )  # fmt: skip
    pl.concat([events, drawn], how="diagonal").write_csv(folder / "messages.csv")
    pl.DataFrame(
        {
            "customer_id": [_name(number // 2) for number in numbers],
            "channel": ["email" if number % 2 else "*" for number in numbers],
            "status": ["Granted" if number % 2 else "withdrawn" for number in numbers],
            "changed_at": [f"2026-02-{1 + number % 28:02d}T00:00:00" for number in numbers],
        }
    ).write_csv(folder / "consents.csv")
    pl.DataFrame({"customer_id": [_name(7)], "since": ["2026-03-01T00:00:00"]}).write_csv(folder / "objections.csv")
    pl.DataFrame(
        {
            "kind": ["customer_id", "Phone"],
            "value": [_name(9), "0048 600 123 456"],
            "since": ["2026-03-01T00:00:00"] * 2,
        }
    ).write_csv(folder / "suppressions.csv")
    pl.DataFrame({"kind": ["customer_id"], "value": [_name(11)], "requested_at": ["2026-03-01T00:00:00"]}).write_csv(
        folder / "erasures.csv"
    )


# Java compiles what it runs once and never again as little as it can, and 20,000 lines need no eight partitions.
QUICK = {
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=256m -Xmn384m",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=256m",
}


@contextmanager
def on_duckdb(home: Path, **settings: Any) -> Iterator[DuckDBEngine]:
    """The shop of a home, loaded, on DuckDB."""
    with _opened(Settings(home=home, **{**TOML, **settings})) as local:
        local.prepare(local_settings(home, **settings), list(tables().values()))
        _load(local, home, settings)
        yield local


@contextmanager
def on_spark(home: Path, master: str, **settings: Any) -> Iterator[SparkEngine]:
    """The shop of a home, loaded, on Spark; the session is closed in the end."""
    asked = settings.pop("spark", {})
    config = {**({} if "remote" in asked else QUICK), **asked.get("config", {})}  # a server has its own Java
    given = {"engine": "spark", "spark": {"master": master, **asked, "config": config}, **settings}
    _close_open_session()
    with _opened(local_settings(home, **given)) as local:
        engine = SparkEngine(local, local_settings(home, **given), "test")
        try:
            engine.prepare(list(tables().values()))
            _load(local, home, given)
            yield engine
        finally:
            engine.close()


def _close_open_session() -> None:
    """Whatever its master is, it would be taken over in place of the one that is asked for."""
    from pyspark.sql import SparkSession

    if (session := SparkSession.getActiveSession()) is not None:
        session.stop()


def local_settings(home: Path, **settings: Any) -> Settings:
    return Settings(home=home, **{**TOML, "memory_limit": "1GB", **settings})


@contextmanager
def _opened(settings: Settings) -> Iterator[DuckDBEngine]:
    connection = connect(settings.warehouse_file, settings)
    try:
        yield DuckDBEngine(connection)
    finally:
        connection.close()


def _load(local: DuckDBEngine, home: Path, settings: dict[str, Any]) -> None:
    of_home = local_settings(home, **settings)
    for outcome in load_exports(local, of_home, find_exports(of_home, {})):
        assert not isinstance(outcome, Exception), outcome
        assert outcome.quarantined == 0, outcome.message
    known_by_address = [(_name(3), _name(400), 1), (_name(5), _name(401), 2), (_name(5), _name(402), 2)]
    for alias in known_by_address:
        given = dict(zip(("alias", "customer", "customers"), alias, strict=True))
        local.execute("INSERT INTO ingest.aliases VALUES ($alias, $customer, $customers)", given)
