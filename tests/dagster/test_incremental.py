"""Tables rebuilt by key are what they would be if rebuilt whole, whatever came, went, changed or broke before."""

import csv
import dataclasses
import datetime as dt
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from homes import FIRST_ORDER, Home
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from shop import all_tables, build, open_engine

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.engines.engine import TableRefused
from pipeline.engines.incremental import limited
from pipeline.ingest.exports import load_exports
from pipeline.ingest.load import Export
from pipeline.ingest.sources import Source, read_source
from pipeline.settings import SQL_FOLDER, Settings
from pipeline.steps.prediction.kept_file import KEPT
from pipeline.tables.header import HeaderError, Table, read_table

ORDERS, OCCASIONS = (all_tables()[name] for name in ("staging.orders", "staging.occasions"))
DAY = dt.date(2026, 1, 31)
COLUMNS = ("order_id", "customer_id", "ordered_at", "amount", "quantity", "kind", "status")
FULL = {"cancelled_orders_count": True}

lines = st.tuples(
    st.sampled_from(["o1", "o2", "o3", "o4", "o5"]),
    st.sampled_from(["anna", "bert", "cleo", ""]),
    st.sampled_from(["2026-01-01", "2026-01-02", "2026-01-03 23:59:59"]),
    st.sampled_from(["10", "-10", "7.50", "0"]),
    st.sampled_from(["1", "2", ""]),
    st.sampled_from(["sale", "sale", "refund", "charge"]),
    st.sampled_from(["", "paid", "cancelled"]),
)
nights = st.lists(
    st.one_of(
        st.lists(lines, min_size=1, max_size=8),  # an export more
        st.sampled_from(["cancelled orders count", "mapping", "newest file gone", "nothing"]),
    ),
    min_size=2,
    max_size=7,
)


@cache
def canonical() -> Source:
    return read_source(SQL_FOLDER / "sources" / "perennial" / "order_lines.sql")


class Nights:
    """A warehouse night after night: exports in a folder, settings, and the tables that are rebuilt by key."""

    def __init__(self, home: Path, engine: DuckDBEngine) -> None:
        self.engine = engine
        self.home = home
        self.folder = home / "data" / "exports" / "perennial"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.changed: dict[str, Any] = {}
        self._prepared: dict[str, Any] = {}

    def export(self, name: str, rows: list[tuple[str, ...]]) -> None:
        with (self.folder / name).open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *rows])

    def ingest(self, **changed: Any) -> None:
        self.changed |= changed
        settings = Settings(home=self.home, quarantine_limit=1, **self.changed)
        if self.changed != self._prepared:
            self.engine.prepare(settings, list(all_tables().values()))
            self._prepared = dict(self.changed)
        exports = [Export(path, canonical()) for path in sorted(self.folder.iterdir())]
        for outcome in load_exports(self.engine, settings, exports):
            assert not isinstance(outcome, Exception), outcome

    def build(self) -> None:
        build(self.engine, DAY, OCCASIONS.full_name)

    def night(self, **changed: Any) -> None:
        self.ingest(**changed)
        self.build()

    def differences(self) -> list[tuple[Any, ...]]:
        """Rows of the two tables that their SELECTs, read whole, do not give, and the other way round."""
        found = []
        for table in (ORDERS, OCCASIONS):
            columns = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in table.column_types().items())
            whole = f"SELECT {columns} FROM ({table.select}) AS whole"
            stands = f"SELECT {', '.join(table.column_types())} FROM {table.full_name}"
            found += self.engine.execute(f"({whole}) EXCEPT ALL ({stands})")
            found += self.engine.execute(f"({stands}) EXCEPT ALL ({whole})")
        return found

    def mark(self, order_id: str) -> None:
        """Put a value in that only rebuilding the order takes out."""
        self.engine.execute("UPDATE staging.orders SET items = 99 WHERE order_id = $order", {"order": order_id})

    def is_marked(self, order_id: str) -> bool:
        return bool(
            self.engine.scalar(
                "SELECT bool_or(items = 99) FROM staging.orders WHERE order_id = $order", {"order": order_id}
            )
        )


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Nights]:
    """Two orders of two customers are loaded and built."""
    with open_engine(Settings(home=tmp_path)) as engine:
        nights = Nights(tmp_path, engine)
        nights.export("first.csv", [line("a-1", "anna", "2026-01-01"), line("b-1", "bert", "2026-01-02")])
        nights.night()
        yield nights


def line(
    order: str, customer: str, day: str, amount: str = "10", kind: str = "sale", status: str = ""
) -> tuple[str, ...]:
    return (order, customer, day, amount, "1", kind, status)


@examples(max_examples=30)
@given(plan=nights, skipped=st.sets(st.integers(0, 6), max_size=3))
def test_whatever_happens_the_tables_are_what_their_selects_give(
    plan: list[Any], skipped: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In `skipped` nights the run dies between loading and building; the next one makes up for it."""
    home = tmp_path_factory.mktemp("nights")
    with open_engine(Settings(home=home)) as engine:
        nights = Nights(home, engine)
        for number, event in enumerate(plan):
            changed: dict[str, Any] = {}
            if isinstance(event, list):
                nights.export(f"{number}.csv", event)
            elif event == "cancelled orders count":
                changed = {"cancelled_orders_count": not nights.changed.get("cancelled_orders_count", False)}
            elif event == "mapping":
                before = nights.changed.get("duplicate_lines", {}).get("perennial", "keep")
                changed = {"duplicate_lines": {"perennial": "drop" if before == "keep" else "keep"}}
            elif event == "newest file gone":
                for path in sorted(nights.folder.iterdir())[-1:]:
                    path.unlink()
            nights.ingest(**changed)
            if number not in skipped:
                nights.build()
                assert nights.differences() == []
        nights.build()
        assert nights.differences() == []


def test_only_what_changed_is_built_again(shop: Nights) -> None:
    shop.mark("a-1")
    shop.export("second.csv", [line("b-2", "bert", "2026-01-03")])
    shop.night()
    assert shop.is_marked("a-1")
    assert shop.engine.scalar("SELECT count(*) FROM staging.orders") == 3
    # b-1 was not touched either, but bert's occasions are his orders', so they were made again from both.
    assert shop.engine.scalar("SELECT count(*) FROM staging.occasions WHERE customer_id = 'bert'") == 2


def test_a_setting_builds_everything_again(shop: Nights) -> None:
    shop.mark("a-1")
    shop.night(cancelled_orders_count=True)
    assert not shop.is_marked("a-1")
    assert shop.differences() == []


def test_a_full_run_builds_everything_again(tmp_path: Path) -> None:
    home = Home.made(tmp_path / "home")
    home.drop("1.csv", first=FIRST_ORDER, last=dt.date(2026, 2, 27))
    assert home.run("2026-02-27").success
    built = home.warehouse("SELECT * FROM staging.orders ORDER BY ALL")
    home.warehouse("UPDATE staging.orders SET items = 99")
    kept = [home.settings.warehouse_file.with_name(name) for name in KEPT]
    for file in kept:
        file.touch()
    assert home.run("2026-02-27").success
    assert {items for (items,) in home.warehouse("SELECT items FROM staging.orders")} == {99}
    assert home.run("2026-02-27", full=True).success
    assert home.warehouse("SELECT * FROM staging.orders ORDER BY ALL") == built
    assert not any(file.exists() for file in kept)


def test_an_order_that_changes_its_customer_leaves_the_old_ones_occasions(shop: Nights) -> None:
    shop.export("second.csv", [line("a-1", "cleo", "2026-01-05")])
    shop.night()
    assert shop.engine.execute("SELECT DISTINCT customer_id FROM staging.occasions ORDER BY 1") == [
        ("bert",),
        ("cleo",),
    ]


def test_an_order_that_is_gone_from_its_file_goes(shop: Nights) -> None:
    """The file is read again because its mapping changed; the copy of a line that is dropped halves the order."""
    shop.export("twice.csv", [line("c-1", "cleo", "2026-01-03")] * 2)
    shop.night()
    amount = "SELECT sum(amount) FROM staging.orders WHERE order_id = 'c-1'"
    assert shop.engine.scalar(amount) == 20
    shop.night(duplicate_lines={"perennial": "drop"})
    assert shop.engine.scalar(amount) == 10


def test_a_refused_table_keeps_what_waits_for_it(shop: Nights) -> None:
    shop.export("second.csv", [line("b-2", "bert", "2026-01-03")])
    shop.ingest()
    with pytest.raises(TableRefused, match="never"):
        shop.engine.write(with_test(ORDERS, "never", "SELECT order_id FROM staging.orders WHERE order_id = 'b-2'"))
    assert shop.engine.scalar("SELECT count(*) FROM staging.orders") == 2
    shop.build()
    assert shop.engine.scalar("SELECT count(*) FROM staging.orders") == 3
    assert shop.differences() == []


def test_checks_look_at_what_was_written_and_reconciliations_at_everything(shop: Nights) -> None:
    alone = with_test(ORDERS, "alone", "SELECT order_id FROM staging.orders WHERE items = 99")
    reconciles = with_test(
        ORDERS, "reconciles",
        "SELECT orders.order_id FROM staging.orders AS orders JOIN staging.order_lines AS lines "
        "ON lines.order_id = orders.order_id WHERE orders.items = 99",
    )  # fmt: skip
    for table, refused in ((alone, False), (reconciles, True)):
        shop.engine.write(table)  # its test is new to the engine, so it is built whole once
        shop.mark("a-1")
        shop.export("second.csv", [line("b-2", "bert", "2026-01-03")])
        shop.ingest()
        if refused:
            with pytest.raises(TableRefused, match="reconciles"):
                shop.engine.write(table)
        else:
            shop.engine.write(table)


def with_test(table: Table, name: str, sql: str) -> Table:
    header = table.header.model_copy(update={"tests": {name: sql}})
    return dataclasses.replace(table, header=header)


def test_limited_reads_the_rows_that_match_and_leaves_the_rest() -> None:
    sql = (
        "WITH lines AS (SELECT a FROM s.lines) SELECT lines.a FROM lines "
        "JOIN s.lines AS l ON l.a = lines.a JOIN s.x ON TRUE"
    )
    assert limited(sql, {"s.lines": "a IN (1)"}) == (
        "WITH lines AS (SELECT a FROM (SELECT * FROM s.lines WHERE a IN (1)) AS lines) SELECT lines.a FROM lines "
        "JOIN (SELECT * FROM s.lines WHERE a IN (1)) AS l ON l.a = lines.a JOIN s.x ON TRUE"
    )


@pytest.mark.parametrize(
    ("by", "sql", "message"),
    [
        ("b", "SELECT a FROM staging.order_lines", "not in the grain"),
        ("a", "SELECT l.a FROM s.lines AS l JOIN s.other AS o ON o.a = l.a", "from one table"),
    ],
)
def test_a_header_that_promises_too_much_is_refused(by: str, sql: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "staging" / "t.sql"
    file.parent.mkdir()
    columns = "columns: {a: {type: VARCHAR, meaning: A key}, b: {type: VARCHAR, meaning: Another}}"
    file.write_text(
        f"/*\ndescription: A table of tests.\ngrain: [a]\nincremental_by: {by}\nowner: team:data\n{columns}\n*/\n{sql}"
    )
    with pytest.raises(HeaderError, match=message):
        _ = read_table(file, tmp_path).incremental_source


def test_two_nights_publish_what_one_would(tmp_path: Path) -> None:
    """Two exports that overlap, loaded one a night; and both at once in another home."""
    exports = {"1.csv": (FIRST_ORDER, dt.date(2026, 2, 20)), "2.csv": (dt.date(2026, 2, 10), dt.date(2026, 2, 27))}
    nightly, at_once = Home.made(tmp_path / "nightly"), Home.made(tmp_path / "at once")
    for name, (first, last) in exports.items():
        for home in (nightly, at_once):
            home.drop(name, first=first, last=last)
        assert nightly.run(str(last)).success
    assert at_once.run("2026-02-27").success
    for table in ("customer_summary", "rfm_scores", "rfm_segments"):
        assert nightly.table(table, "2026-02-27").equals(at_once.table(table, "2026-02-27"))
    for table in ("orders", "occasions"):
        staged = f"SELECT * FROM staging.{table} ORDER BY ALL"
        assert nightly.warehouse(staged) == at_once.warehouse(staged)
