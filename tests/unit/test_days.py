"""Which day is published when nobody asks for one: one rule for the command line, the schedule and the sensor."""

import datetime as dt
import os
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from shop import Shop, all_tables

from assets.common import daily_partitions
from pipeline.days import first_day, known_order_days, next_to_publish
from pipeline.definitions import build_defs
from pipeline.engines.duckdb import DuckDBEngine, connect
from pipeline.home.locks import home_lock
from pipeline.settings import Settings
from pipeline.steps.order_days import OrderDays, order_days

NIGHT = dt.datetime(2026, 3, 16, 2, tzinfo=dt.UTC)  # a Monday; Sunday the 15th has closed
SUNDAY = dt.date(2026, 3, 15)


def latest(shop: Shop, closed: str) -> str:
    shop._book()
    known = order_days(shop.engine, dt.date.fromisoformat(closed))
    assert known is not None
    return str(known.to_publish([]))


def every_day(first: str, last: str) -> list[str]:
    begin, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    return [str(begin + dt.timedelta(days=n)) for n in range((end - begin).days + 1)]


def test_a_quiet_sunday_ages_everybody(shop):
    # Orders until Saturday the 14th; the last closed day is the Sunday.
    assert latest(shop.orders("anna", *every_day("2026-03-01", "2026-03-14")), "2026-03-15") == "2026-03-15"


def test_three_quiet_days_are_nothing_in_any_shop_and_four_in_a_daily_one_are(shop):
    shop.orders("anna", *every_day("2026-03-01", "2026-03-10"))
    assert latest(shop, "2026-03-13") == "2026-03-13"
    assert latest(shop, "2026-03-14") == "2026-03-10"


def test_where_the_data_have_ended_a_later_day_that_is_published_is_published_again():
    day = dt.date.fromisoformat
    ended = OrderDays(day("2026-03-15"), day("2026-01-01"), day("2026-03-05"), longest_quiet=1)
    assert ended.to_publish([day("2026-02-28"), day("2026-03-05")]) == day("2026-03-05")
    again = ended.to_publish([day("2026-03-05"), day("2026-03-08"), day("2026-03-10"), day("2026-04-01")])
    assert again == day("2026-03-10"), "no day that is not over"
    assert "2026-03-10 was published before, so that day is published again. So nobody ages beyond 2026-03-10." in (
        ended.why(again)
    )
    going_on = OrderDays(day("2026-03-15"), day("2026-01-01"), day("2026-03-14"), longest_quiet=1)
    assert going_on.to_publish([day("2026-03-20")]) == day("2026-03-15")


def test_a_shop_may_be_quiet_as_long_as_it_was_before(shop):
    # Closed over Christmas: nothing from the 24th to the 2nd, ten days.
    shop.orders("anna", *every_day("2025-12-01", "2025-12-23"), *every_day("2026-01-03", "2026-02-10"))
    assert latest(shop, "2026-02-20") == "2026-02-20"
    assert latest(shop, "2026-02-21") == "2026-02-10"


def test_a_pause_of_years_ago_does_not_count(shop):
    shop.orders("anna", "2022-12-31", *every_day("2025-01-01", "2025-12-31"))
    assert latest(shop, "2026-01-03") == "2026-01-03"
    assert latest(shop, "2026-01-04") == "2025-12-31"


def test_data_that_ended_long_ago_keep_their_last_day_and_say_so(shop):
    shop.orders("anna", "2018-05-01", "2018-05-03")._book()
    known = order_days(shop.engine, SUNDAY)
    assert known is not None
    day = known.to_publish([])
    assert (known.have_ended, str(day), known.longest_quiet) == (True, "2018-05-03", 1)
    assert "The orders end on 2018-05-03, 2,873 days before the last closed day (2026-03-15)" in known.why(day)


def test_one_day_of_orders(shop):
    shop.orders("anna", "2026-03-12")
    assert latest(shop, "2026-03-15") == "2026-03-15"
    assert latest(shop, "2026-03-16") == "2026-03-12"


def test_an_order_dated_ahead_does_not_matter(shop):
    # Neither today's, nor one typed into 2099: without them the orders end on the 10th.
    shop.orders("anna", *every_day("2026-03-01", "2026-03-10"), "2026-03-16", "2099-01-01")
    assert latest(shop, "2026-03-12") == "2026-03-12"
    assert latest(shop, "2026-03-15") == "2026-03-10"


def test_without_an_order_there_is_no_day(shop):
    shop.orders("anna", "2099-01-01")._book()
    assert order_days(shop.engine, SUNDAY) is None


# ── the schedule reads it from the warehouse of the home ──────────────────────────────────────────────────────────────


@contextmanager
def warehouse(home: Path):
    """The warehouse file of a home, open to write as a run has it."""
    settings = Settings(home=home)
    connection = connect(settings.warehouse_file, settings)
    try:
        engine = DuckDBEngine(connection)
        engine.prepare(settings, list(all_tables().values()))
        yield Shop(home, engine)
    finally:
        connection.close()


def asked(home: Path) -> str:
    """What `every_night` asks for, or why for nothing."""
    schedule = build_defs(Settings(home=home)).resolve_schedule_def("every_night")
    answer = schedule(dg.build_schedule_context(scheduled_execution_time=NIGHT))
    if isinstance(answer, dg.SkipReason):
        return str(answer.skip_message)
    assert isinstance(answer, dg.RunRequest)
    assert answer.run_key == "2026-03-15"
    return str(answer.partition_key)


@pytest.fixture
def ended(tmp_path: Path) -> Path:
    """A home whose orders are all of 2018."""
    with warehouse(tmp_path) as shop:
        shop.orders("anna", "2018-05-01", "2018-05-03")._book()
    return tmp_path


def published(home: Path, day: str) -> None:
    manifest = home / "data" / "audiences" / day / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("{}")


def test_the_schedule_asks_for_the_last_closed_day(tmp_path):
    assert asked(tmp_path) == "2026-03-15"  # nothing is loaded yet: the run itself will see
    with warehouse(tmp_path) as shop:
        shop.orders("anna", *every_day("2026-03-01", "2026-03-14"))._book()
    published(tmp_path, "2026-03-14")
    assert asked(tmp_path) == "2026-03-15"


def test_where_the_data_have_ended_the_last_order_day_is_published_once(ended):
    assert asked(ended) == "2018-05-03"
    published(ended, "2018-05-03")
    assert asked(ended).startswith("2018-05-03 is published, and there is nothing newer. The orders end on 2018-05-03")


def test_an_export_that_nobody_has_read_may_go_on_with_them(ended):
    published(ended, "2018-05-03")
    file = ended / "data" / "exports" / "perennial" / "new.csv"
    file.parent.mkdir(parents=True)
    file.write_text("order_id,customer_id,ordered_at,amount\n1,anna,2026-03-14,10\n")
    assert asked(ended) == "2026-03-15"
    settings = Settings(home=ended)
    known = "INSERT INTO ingest.files (file_id, path) VALUES ('1', 'data/exports/perennial/new.csv')"
    with duckdb.connect(str(settings.warehouse_file)) as connection:
        connection.execute(known)
    os.utime(settings.warehouse_file, (file.stat().st_ctime + 1,) * 2)
    assert "nothing newer" in asked(ended)
    os.utime(settings.warehouse_file, (file.stat().st_ctime - 60,) * 2)
    assert asked(ended) == "2026-03-15"


def test_a_run_under_way_is_neither_waited_for_nor_disturbed(ended):
    with home_lock(ended, "a-run", 0):
        assert known_order_days(Settings(home=ended), SUNDAY) is None
        assert asked(ended) == "2026-03-15"
    assert known_order_days(Settings(home=ended), SUNDAY) is not None


def test_a_warehouse_that_cannot_be_read_stops_no_night(tmp_path):
    file = Settings(home=tmp_path).warehouse_file
    file.parent.mkdir(parents=True)
    duckdb.connect(str(file)).close()  # a first run that died before it made its tables
    assert asked(tmp_path) == "2026-03-15"
    file.write_bytes(b"no database")
    assert asked(tmp_path) == "2026-03-15"


def test_a_night_before_the_first_snapshot_is_left_out(tmp_path):
    settings = Settings(home=tmp_path, first_snapshot=dt.date(2026, 4, 1))
    assert next_to_publish(settings, NIGHT) == (
        '2026-03-15 is before the first snapshot, 2026-04-01. To publish it, set first_snapshot = "2026-03-15" in '
        "perennial.toml."
    )


# ── the first day ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_day_is_that_of_the_first_order_unless_it_is_set(ended, tmp_path_factory):
    assert first_day(Settings(home=ended)) == dt.date(2018, 5, 1)
    assert daily_partitions(Settings(home=ended)).get_first_partition_key() == "2018-05-01"
    assert first_day(Settings(home=ended, first_snapshot=dt.date(2020, 2, 2))) == dt.date(2020, 2, 2)
    assert first_day(Settings(home=tmp_path_factory.mktemp("new"))) == dt.date(1970, 1, 1)
