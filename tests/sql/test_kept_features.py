"""Features that the engine keeps: nobody can tell but by the time."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipeline.engines import kept
from pipeline.settings import Settings
from pipeline.tables.catalog import features, with_features
from tests.shop import Shop, all_tables, days_before, open_engine

DAY = dt.date(2026, 12, 31)
OCCASIONS = with_features("SELECT customer_id, occasion_on FROM features.standing_occasions ORDER BY ALL")
LINES = with_features("SELECT order_id, category FROM features.recent_lines ORDER BY ALL")
ITEMS = with_features("SELECT item FROM features.item_occasions")
PRODUCTS = with_features("SELECT product_id FROM features.customer_products")


def kept_tables(shop: Shop) -> list[str]:
    """Features of the kept tables there are, oldest first."""
    names = shop.engine.execute("SELECT table_name FROM duckdb_tables() WHERE temporary ORDER BY table_oid")
    return [name.split("_", 2)[2] for (name,) in names]


def occasions(shop: Shop, day: dt.date = DAY) -> list[tuple[str, dt.date]]:
    return shop.engine.read(OCCASIONS, {"snapshot_date": day}).rows()


def a_shop_with_products(home: Path) -> dict[str, pl.DataFrame]:
    """All tables of a shop of forty customers and twelve products in three categories."""
    with open_engine(Settings(home=home)) as engine:
        shop = Shop(home, engine)
        for customer in range(40):
            for visit in range(1 + customer % 5):
                on = days_before(5 + 37 * visit + customer)
                for item in range(1 + (customer + visit) % 3):
                    number = (customer * 5 + visit * 3 + item * 7) % 12
                    shop.line(
                        f"{customer}-{visit}", on=on, customer=f"c{customer}", amount=5 + number,
                        product_id=f"p{number}", category=f"k{number % 3}", sales_channel="web", region="North",
                    )  # fmt: skip
        shop.refund("7-1", on=days_before(2), amount=5).product("p3", category="k9").registered("lead")
        shop.snapshot(str(DAY))
        return {name: shop.show(name, str(DAY)).frame for name in all_tables()}


def test_every_table_is_the_same_with_and_without_kept_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_kept = a_shop_with_products(tmp_path)
    monkeypatch.setattr(kept, "kept_features", frozenset)
    without = a_shop_with_products(tmp_path)
    assert without["marts.recommendations"].height > 100
    for name, frame in without.items():
        order = list(all_tables()[name].header.grain)
        assert_frame_equal(with_kept[name].sort(order), frame.sort(order), check_exact=True)


def read_as_written(shop: Shop, table: str) -> None:
    """What writing the table asks; it would not be asked where a table that it needs has no rows, as few have here."""
    shop.engine.read(all_tables()[table].select or "", {"snapshot_date": DAY})


def test_a_feature_is_computed_once_for_all_who_read_it_on_a_day(shop: Shop) -> None:
    shop.orders("anna", "2026-12-01", product_id="p", category="k").table("staging.orders")
    read_as_written(shop, "marts.next_categories")
    assert kept_tables(shop) == ["item_occasions", "customer_categories"]  # and not what these read, which nobody asked
    for name in ("marts.attribute_segments", "marts.next_categories", "marts.attribute_segments"):
        read_as_written(shop, name)
    assert kept_tables(shop) == ["item_occasions", "customer_categories", "recent_lines", "price_bands"]


def test_who_reads_a_kept_feature_twice_makes_no_copy_of_it(shop: Shop) -> None:
    shop.orders("anna", "2026-12-01", "2026-12-05").table("staging.occasions")
    twice = with_features("""
        SELECT early.customer_id, late.occasion_on
        FROM features.standing_occasions AS early
        JOIN features.standing_occasions AS late ON late.customer_id = early.customer_id
        WHERE early.occasion_on < late.occasion_on
    """)
    parameters = {"snapshot_date": DAY}
    assert shop.engine.read(twice, parameters).rows() == [("anna", dt.date(2026, 12, 5))]
    plan = str(shop.engine.execute("EXPLAIN " + shop.engine._kept.reading(twice, parameters)))
    assert plan.count("standing_occasions") == 2 and "CTE" not in plan


def test_a_kept_feature_is_let_go_when_nothing_to_come_reads_it(shop: Shop) -> None:
    read = {name: [all_tables()[name].select or ""] for name in ("marts.next_categories", "marts.first_purchase_value")}
    shop.engine.expect(lambda: read | {"a step": [OCCASIONS, LINES], "another": ["SELECT 1"]})
    shop.orders("anna", "2026-12-01", product_id="p", category="k").table("staging.occasions")
    shop.engine.finished("another")
    read_as_written(shop, "marts.next_categories")
    read_as_written(shop, "marts.first_purchase_value")
    assert set(kept_tables(shop)) == {"item_occasions", "customer_categories", "standing_occasions"}
    shop.engine.finished("marts.next_categories")
    assert set(kept_tables(shop)) == {"standing_occasions"}
    shop.engine.finished("marts.first_purchase_value")
    assert set(kept_tables(shop)) == {"standing_occasions"}  # the step is still to come
    shop.engine.finished("a step")
    assert kept_tables(shop) == []
    assert len(occasions(shop)) == 1  # made anew for who asks all the same


def test_what_a_kept_feature_to_come_is_made_of_is_not_let_go(shop: Shop) -> None:
    shop.engine.expect(lambda: {"items": [ITEMS], "products": [PRODUCTS]})
    shop.orders("anna", "2026-12-01", product_id="p", category="k").table("staging.orders")
    shop.engine.read(ITEMS, {"snapshot_date": DAY})
    shop.engine.finished("items")
    assert kept_tables(shop) == ["item_occasions"]  # products are made of items
    shop.engine.read(PRODUCTS, {"snapshot_date": DAY})
    shop.engine.finished("nothing that is expected")
    assert kept_tables(shop) == ["customer_products"]


def test_what_a_kept_feature_is_made_of_is_kept_too_where_others_to_come_read_it(shop: Shop) -> None:
    shop.engine.expect(lambda: {"products": [PRODUCTS], "items": [ITEMS]})
    shop.orders("anna", "2026-12-01", product_id="p", category="k").table("staging.orders")
    shop.engine.read(PRODUCTS, {"snapshot_date": DAY})
    assert kept_tables(shop) == ["item_occasions", "customer_products"]
    shop.engine.read(PRODUCTS, {"snapshot_date": dt.date(2026, 11, 30)})  # a day on which methods are tried
    assert kept_tables(shop) == ["item_occasions", "customer_products", "customer_products"]
    shop.engine.finished("what is tried")
    assert kept_tables(shop) == ["item_occasions", "customer_products"]  # of that day nobody else asks


def test_what_one_select_reads_is_made_once(shop: Shop) -> None:
    """Also where it reads it by another kept feature, of a day on which methods are tried: the lowest comes first."""
    both = with_features(
        "SELECT item FROM features.item_occasions UNION ALL SELECT product_id FROM features.customer_products"
    )
    shop.engine.expect(lambda: {"both": [both]})
    shop.orders("anna", "2026-12-01", product_id="p", category="k").table("staging.occasions")
    shop.engine.read(OCCASIONS, {"snapshot_date": DAY})
    earlier = dt.date(2026, 12, 15)
    assert sorted(shop.engine.read(both, {"snapshot_date": earlier}).rows()) == [("k",), ("p",), ("p",)]
    assert kept_tables(shop) == ["standing_occasions", "item_occasions", "customer_products"]


def test_it_is_not_where_nothing_else_reads_it(shop: Shop) -> None:
    shop.engine.expect(lambda: {"products": [PRODUCTS], "again": [PRODUCTS], "items": [ITEMS]})
    shop.orders("anna", "2026-12-01", product_id="p", category="k").table("staging.orders")
    shop.engine.finished("items")
    shop.engine.read(PRODUCTS, {"snapshot_date": DAY})
    assert kept_tables(shop) == ["customer_products"]


def test_a_kept_feature_is_as_of_the_day_that_is_asked_for(shop: Shop) -> None:
    shop.orders("anna", "2026-12-01", "2026-12-10").table("staging.occasions")
    assert len(occasions(shop)) == 2
    assert len(occasions(shop, dt.date(2026, 12, 9))) == 1
    assert len(occasions(shop, dt.date(2026, 11, 30))) == 0
    assert len(occasions(shop)) == 2
    assert kept_tables(shop) == ["standing_occasions"] * kept.MOST


def test_what_was_written_since_is_in_a_kept_feature(shop: Shop) -> None:
    shop.orders("anna", "2026-12-01").table("staging.occasions")
    assert len(occasions(shop)) == 1
    shop.orders("anna", "2026-12-02").table("staging.occasions")
    assert len(occasions(shop)) == 2
    shop.engine.execute("DELETE FROM staging.occasions WHERE occasion_on = DATE '2026-12-01'")
    assert occasions(shop) == [("anna", dt.date(2026, 12, 2))]
    shop.engine.execute('UPDATE "staging"."occasions" SET customer_id = \'berta\'')
    assert occasions(shop) == [("berta", dt.date(2026, 12, 2))]


def test_so_is_what_was_written_to_a_table_of_a_feature_below_it(shop: Shop) -> None:
    items = with_features("SELECT item FROM features.item_occasions WHERE level = 'category' ORDER BY ALL")
    shop.orders("anna", "2026-12-01", product_id="p", category="k").table("staging.orders")
    assert shop.engine.read(items, {"snapshot_date": DAY}).rows() == [("k",)]
    shop.product("p", category="k of the list").booked()
    assert shop.engine.read(items, {"snapshot_date": DAY}).rows() == [("k of the list",)]
    assert shop.engine.read(LINES, {"snapshot_date": DAY}).rows() == [("anna-1", "k of the list")]


def test_a_write_that_is_taken_back_leaves_no_trace(shop: Shop) -> None:
    shop.orders("anna", "2026-12-01").table("staging.occasions")
    with pytest.raises(RuntimeError), shop.engine.transaction():
        shop.engine.execute("DELETE FROM staging.occasions")
        assert occasions(shop) == []
        raise RuntimeError
    assert len(occasions(shop)) == 1
    with shop.engine.transaction():
        assert len(occasions(shop)) == 1


def test_another_text_of_a_feature_is_another_feature(shop: Shop) -> None:
    columns = ", ".join(features()["features.standing_occasions"].header.columns)
    fewer = f"SELECT {columns} FROM staging.occasions WHERE customer_id > 'b'"
    narrower = with_features(
        "SELECT customer_id FROM features.standing_occasions", {"features.standing_occasions": fewer}
    )
    shop.orders("anna", "2026-12-01").orders("berta", "2026-12-01").table("staging.occasions")
    assert len(occasions(shop)) == 2
    assert shop.engine.read(narrower, {"snapshot_date": DAY}).rows() == [("berta",)]
    assert len(occasions(shop)) == 2


def test_kept_features_are_not_in_the_file_of_the_warehouse(tmp_path: Path) -> None:
    """So what a run that dies has kept is gone with it, and nobody can find it published."""
    settings, file = Settings(home=tmp_path), tmp_path / "warehouse.duckdb"
    with open_engine(settings, file=file) as engine:
        shop = Shop(tmp_path, engine)
        shop.orders("anna", "2026-12-01").table("staging.occasions")
        assert len(occasions(shop)) == 1
        assert kept_tables(shop) == ["standing_occasions"]
    with open_engine(settings, file=file) as engine:
        assert kept_tables(Shop(tmp_path, engine)) == []
        assert engine.execute("SELECT DISTINCT database_name FROM duckdb_tables()") == [("warehouse",)]
