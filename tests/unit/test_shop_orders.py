"""What orders of shop systems are: statuses, orders cut or named twice, guests with an account, gift cards.

Small files written by hand, the right money worked out beside them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from itertools import permutations
from pathlib import Path

import pytest
from drop_folder import Home
from shop import build

from pipeline.errors import ExportError
from pipeline.ingest.inspection import inspect
from pipeline.ingest.sources import HeaderError, find_sources
from pipeline.settings import SQL_FOLDER, SettingsError, load
from pipeline.statuses import STANDINGS, gift_card_sql, is_shown, status_word, status_word_sql

SHOPIFY, WOO, MAGENTO = "shopify_orders", "woocommerce_orders", "magento_orders"
SOURCES = find_sources([SQL_FOLDER / "sources"])
DOCS = Path(__file__).parents[2] / "docs" / "exports.md"

WOO_HEADER = (
    "order_id,date,status,order_total,refunded_total,customer_id,billing_email,item_name,item_quantity,item_total"
)
MAGENTO_HEADER = "ID,Purchase Date,Grand Total (Base),Status,Customer Email,Total Refunded"
SHOPIFY_HEADER = (
    "Name,Email,Financial Status,Subtotal,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Id,"
    "Refunded Amount,Customer ID"
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


def drop(home: Home, source: str, header: str, *rows: str, name: str = "orders.csv") -> None:
    home.drop(name, "\n".join((header, *rows)) + "\n", source)


def revenue(home: Home) -> dict[str, Decimal]:
    return home.select("SELECT order_id, sum(amount) AS amount FROM staging.order_lines GROUP BY ALL").by(
        "order_id", "amount"
    )


def occasions(home: Home) -> dict[str, int]:
    """Customer -> orders that stand."""
    build(home.engine, dt.date(2026, 12, 31), "staging.orders")
    return home.select(
        "SELECT customer_id, sum(orders) AS orders FROM staging.orders GROUP BY ALL HAVING sum(orders) > 0"
    ).by("customer_id", "orders")


def first(name: str, email: str, total: str, created: str = "2026-03-01", **more: str) -> str:
    """The first row of a Shopify order: one tea at `price`, else at the total."""
    fields = {"status": "paid", "price": total, "id": "", "refunded": "0", "customer": "", "product": "Tea"} | more
    return (
        f"{name},{email},{fields['status']},{total},{total},{created} 10:00:00,1,{fields['product']},{fields['price']},"
        f"{fields['id']},{fields['refunded']},{fields['customer']}"
    )


def further(name: str, product: str, price: str, created: str = "") -> str:
    return f"{name},,,,,{created},1,{product},{price},,,"


# ── statuses ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_status_is_the_same_word_as_slug_and_as_label(home):
    written = (
        "Pending payment",
        "wc-pending-payment",
        " PENDING_PAYMENT ",
        "pending - payment",
        "Pending\u00a0payment",
    )
    assert {status_word(text) for text in written} == {"pending_payment"}
    for text in written:
        assert home.engine.scalar(f"SELECT {status_word_sql('text')} FROM (SELECT $text AS text)", {"text": text}) == (
            "pending_payment"
        )


def test_woocommerce_orders_that_never_stood_bring_nothing_and_no_customer(home):
    # What an attempt, a draft and an order refunded by hand (refunded_total 0) bring is nothing; one on hold stands.
    statuses = ("Pending payment", "failed", "draft", "wc-checkout-draft", "Cancelled", "refunded")
    rows = [f"{n},2026-03-0{n} 10:00,{status},10,0,{n},p{n}@x.org,Tea,1,10" for n, status in enumerate(statuses, 1)]
    drop(home, WOO, WOO_HEADER, *rows, "8,2026-03-08 10:00,On hold,10,0,8,p8@x.org,Tea,1,10")
    home.load()
    assert revenue(home) == {**{str(n): 0 for n in range(1, 7)}, "8": 10}
    assert occasions(home) == {"8": 1}
    assert home.remarks() == {}


def test_woocommerce_refunds_written_negative_and_an_order_of_a_fee_only(home):
    # 80 less 30 paid back are 50; a fee of 15 without an item is a charge, and its customer bought nothing.
    drop(
        home,
        WOO,
        WOO_HEADER,
        "1,2026-03-01,completed,80,-30,1,a@x.org,Tea,1,80",
        "2,2026-03-02,completed,15,0,2,b@x.org,,,",
    )
    home.load()
    assert revenue(home) == {"1": 50, "2": 15}
    assert home.order_lines().where(order_id="2").rows("kind", "amount") == [("charge", Decimal("15.00"))]
    assert occasions(home) == {"1": 1}


def test_magento_statuses_by_its_own_states(home):
    # Never paid at the gateway or canceled: nothing. Under review, suspected or on hold: placed, and stands. Closed
    # with a refund of exactly 0: nothing was paid back; closed and no refund named: all was.
    rows = ("pending_payment,", "Pending PayPal,", "Canceled,", "Suspected Fraud,", "holded,", "payment_review,0.0000")
    rows += ("closed,0.0000", "Closed,", "paypal_reversed,0.0000")
    made = [
        f"{n},2026-03-0{n} 10:00:00,70.0000,{row.split(',')[0]},p{n}@x.org,{row.split(',')[1]}"
        for n, row in enumerate(rows, 1)
    ]
    drop(home, MAGENTO, MAGENTO_HEADER, *made)
    home.load()
    assert revenue(home) == {str(n): 70 if n in (4, 5, 6, 7) else 0 for n in range(1, 10)}
    assert len(occasions(home)) == 4


def test_an_unknown_status_counts_and_is_told_until_a_setting_says_what_it_is(home):
    rows = [f"{n},2026-03-0{n},packing,10,0,{n},p{n}@x.org,Tea,1,10" for n in (1, 2, 5)]
    rows += [f"{n},2026-03-06,Zbigniewa Statusowa,10,0,6,z@x.org,Tea,1,10" for n in (6, 7, 8)]
    rows += [
        "3,2026-03-03,Anna Kowalska 600 123 456,10,0,3,c@x.org,Tea,1,10",
        "4,2026-03-04,a@b.org,10,0,4,d@x.org,Tea,1,10",
    ]
    drop(home, WOO, WOO_HEADER, *rows)
    home.load()
    assert sum(revenue(home).values()) == 80
    told = home.remarks()["unknown_status"]
    assert '"packing" (3 rows)' in told and "[statuses.woocommerce_orders]" in told
    assert "zbigniewa" not in told.lower() and "one shaped like Xxxxxxxxx Xxxxxxxxx (3 rows)" in told
    assert "Anna" not in told and "a@b" not in told and "Xxxx Xxxxxxxx 999 999 999 (1 row)" in told
    home.settings["statuses"] = {WOO: {"Packing": "never_stood"}}
    home.load()
    assert revenue(home) == dict.fromkeys("125", 0) | dict.fromkeys("34678", 10)
    assert "packing" not in home.remarks()["unknown_status"]


def test_inspect_tells_an_unknown_status(tmp_path):
    path = tmp_path / "orders.csv"
    rows = [f"{n},2026-03-01,at the depot,10,0,{n},p{n}@x.org,Tea,1,10" for n in (1, 2, 3)]
    path.write_text("\n".join((WOO_HEADER, *rows)) + "\n")
    found = inspect(path, load(tmp_path))
    assert found.loaded is not None
    assert ['"at_the_depot" (3 rows)' in remark.message for remark in found.loaded.remarks] == [True]


@pytest.mark.parametrize(("word", "shown"), [
    ("packing", True), ("w magazynie", True), ("awaiting_fulfilment", True), ("zapłacone", True), ("lvl2", False),
    ("a@b.org", False), ("x" * 31, False), ("=cmd", False), ("", False),
])  # fmt: skip
def test_a_status_is_named_only_when_it_can_be_no_persons(word, shown):
    assert is_shown(word, 3, 2, 100) is shown


@pytest.mark.parametrize(("rows", "customers", "of", "shown"), [
    (3, 2, 600, True), (2, 2, 2, False), (3, 1, 3, False), (3, 2, 601, False), (5, 5, 1000, True),
])  # fmt: skip
def test_a_status_is_named_only_when_orders_of_several_customers_have_it(rows, customers, of, shown):
    assert is_shown("packing", rows, customers, of) is shown


def test_a_source_of_ones_own_may_say_what_its_statuses_are(home):
    header = (
        "{order: {}, customer: {}, day: {}, money: {}, state: {}}\nstatuses: {column: state, never_stood: [storniert]}"
    )
    home.own_source(
        'SELECT row_number, "order" AS order_id, customer AS customer_id, day AS ordered_at, money AS amount, '
        "CASE WHEN standing = 'never_stood' THEN 'cancelled' ELSE state END AS status FROM export",
        raw=header,
    )
    drop(
        home,
        "own",
        "order,customer,day,money,state",
        "1,a,2026-01-01,5,Storniert",
        *(f"{n},{customer},2026-01-02,5,bezahlt" for n, customer in ((2, "b"), (3, "b"), (4, "c"))),
        name="a.csv",
    )
    home.load()
    assert occasions(home) == {"b": 2, "c": 1}
    assert '"bezahlt" (3 rows)' in home.remarks()["unknown_status"]


def test_statuses_of_a_source_that_has_none_cannot_be_set(home):
    home.settings["statuses"] = {"perennial": {"paid": "stands"}}
    home.lines("orders.csv", "1,a,2026-01-01,5")
    with pytest.raises(ExportError, match=r"has no block `statuses`.*\[statuses\.perennial\]"):
        home.load()


def test_a_standing_that_there_is_not_is_refused(tmp_path):
    (tmp_path / "perennial.toml").write_text('[statuses.woocommerce_orders]\npacking = "counts"\n')
    with pytest.raises(SettingsError, match=r"statuses.woocommerce_orders.packing"):
        load(tmp_path)


@pytest.mark.parametrize("block", [
    "statuses: {column: nowhere, stands: [paid]}", "statuses: {column: state, stands: [paid], refunded: [paid]}",
    "statuses: {column: state, stands: [Paid]}", "gift_cards: {columns: [nowhere]}",
])  # fmt: skip
def test_blocks_of_a_header_that_cannot_be_meant_are_refused(home, block):
    home.own_source("SELECT row_number FROM export", raw=f"{{state: {{}}}}\n{block}")
    home.drop("a.csv", "state\npaid\n", "own")
    with pytest.raises(HeaderError, match=r"own/order_lines.sql"):
        home.find()


@pytest.mark.parametrize("name", [SHOPIFY, WOO, MAGENTO])
def test_the_docs_have_the_table_of_statuses_that_the_source_has(name):
    statuses = SOURCES[f"{name}.order_lines"].header.statuses
    assert statuses is not None
    docs = DOCS.read_text()
    rows = [
        f"| `{standing}` | {meaning} | {', '.join(f'`{word}`' for word in getattr(statuses, standing))} |"
        for standing, meaning in STANDINGS.items()
        if getattr(statuses, standing)
    ]
    missing = [row for row in rows if row not in docs]
    assert rows
    assert not missing, "docs/exports.md lacks:\n" + "\n".join(missing)


# ── money of Magento ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_magento_refunds_are_in_the_currency_of_the_order(home):
    # 1,150 SEK are 100 EUR: 575 SEK paid back are 50 EUR. Without the column Purchased both are the base currency.
    header = "ID,Purchase Date,Grand Total (Base),Grand Total (Purchased),Status,Customer Email,Total Refunded"
    drop(
        home,
        MAGENTO,
        header,
        "1,2026-03-01,100.00,1150.00,closed,a@x.org,1150.00",
        "2,2026-03-02,100.00,1150.00,complete,b@x.org,575.00",
    )
    drop(home, MAGENTO, MAGENTO_HEADER, "3,2026-03-03,100.00,complete,c@x.org,-30.00", name="base.csv")
    home.load()
    assert revenue(home) == {"1": 0, "2": 50, "3": 70}


# ── orders of Shopify that are cut, doubled or named alike ────────────────────────────────────────────────────────────

CUT = (
    first("#1", "a@x.org", "20"),
    first("#2", "b@x.org", "60", price="20"),
    further("#2", "Mug", "25"),
    further("#2", "Jug", "15"),
)
LAST = first("#3", "c@x.org", "20")


def test_a_shopify_order_cut_between_two_files_keeps_its_total(home):
    # 20 + 60 + 20; the second file's two rows without a first row are quarantined and do not count towards the limit.
    home.settings["quarantine_limit"] = 0.05
    drop(home, SHOPIFY, SHOPIFY_HEADER, *CUT[:2], name="1.csv")
    drop(home, SHOPIFY, SHOPIFY_HEADER, *CUT[2:], LAST, name="2.csv")
    loaded = home.load()
    assert revenue(home) == {"#1": 20, "#2": 60, "#3": 20}
    assert (loaded["2.csv"].status, loaded["2.csv"].quarantined, loaded["2.csv"].accepted) == ("loaded", 2, 1)
    assert {reason[:36] for reason in home.reasons().values()} == {"the first row of this order, with it"}
    assert set(home.remarks()) == {"items_missing", "cut_between_files"}
    assert inspect(home.path / "data/exports/shopify_orders/2.csv", home.now(), SHOPIFY).problem is None


def test_a_shopify_order_whose_first_row_is_in_the_second_file(home):
    # Exported or sorted the other way round, the first file ends with rows whose first row comes later.
    drop(home, SHOPIFY, SHOPIFY_HEADER, CUT[0], CUT[3], CUT[2], name="1.csv")
    drop(home, SHOPIFY, SHOPIFY_HEADER, CUT[1], LAST, name="2.csv")
    home.load()
    assert revenue(home) == {"#1": 20, "#2": 60, "#3": 20}


def test_a_shopify_order_that_is_cut_in_one_file_and_whole_in_another_counts_once(home):
    drop(home, SHOPIFY, SHOPIFY_HEADER, *CUT[2:], LAST, name="part.csv")
    drop(home, SHOPIFY, SHOPIFY_HEADER, *CUT, name="whole.csv")
    home.load()
    assert revenue(home) == {"#1": 20, "#2": 60, "#3": 20}
    assert home.order_lines().where(order_id="#2").by("product_name", "amount") == {"Tea": 20, "Mug": 25, "Jug": 15}


def test_a_refunded_shopify_order_that_is_cut_brings_nothing_and_no_customer(home):
    refunded = first("#2", "b@x.org", "60", price="20", status="refunded", refunded="60")
    drop(home, SHOPIFY, SHOPIFY_HEADER, CUT[0], refunded, name="1.csv")
    drop(home, SHOPIFY, SHOPIFY_HEADER, further("#2", "Mug", "40", "2026-03-01 10:00:00"), LAST, name="2.csv")
    home.load()
    assert revenue(home) == {"#1": 20, "#2": 0, "#3": 20}
    assert len(occasions(home)) == 2


def test_a_shopify_file_whose_orders_all_lack_their_first_row_is_rejected(home):
    home.settings["quarantine_limit"] = 0.05
    rows = [further(f"#{n}", "Mug", "5") for n in range(1, 6)]
    drop(home, SHOPIFY, SHOPIFY_HEADER, *rows)
    assert home.load()["orders.csv"].status == "rejected"


def test_shopify_rows_in_any_order_within_a_file_are_the_same_order(home):
    for number, rows in enumerate(permutations(CUT[1:])):
        drop(home, SHOPIFY, SHOPIFY_HEADER, *rows, name=f"{number}.csv")
    home.load()
    assert revenue(home) == {"#2": 60}
    assert home.reasons() == {}


def test_two_shopify_orders_of_one_name_are_two_by_their_id(home):
    # The old one of 2024 has two rows, 3 × 100 and a cup of 5 in one; its further row stands right below it.
    old = first("#1001", "old@x.org", "105", "2024-03-05", price="100", id="111")
    new = first("#1001", "new@x.org", "50", "2025-12-05", id="222")
    drop(home, SHOPIFY, SHOPIFY_HEADER, old, further("#1001", "Cup", "5"), CUT[0], new)
    home.load()
    assert revenue(home) == {"#1001 2024-03-05": 105, "#1001": 50, "#1": 20}
    assert len(occasions(home)) == 3
    assert home.order_lines().where(product_name="Cup").one("ordered_on") == "2024-03-05"


def test_two_shopify_orders_of_one_name_without_an_id_are_told_apart_by_their_time(home):
    drop(
        home,
        SHOPIFY,
        SHOPIFY_HEADER,
        first("#1", "a@x.org", "10", "2024-03-05"),
        first("#1", "b@x.org", "20", "2025-03-05"),
    )
    home.load()
    assert revenue(home) == {"#1 2024-03-05": 10, "#1": 20}


def test_a_row_that_may_belong_to_either_order_of_its_name_quarantines_both(home):
    old, new = first("#9", "a@x.org", "10", "2024-03-05", id="1"), first("#9", "b@x.org", "20", "2025-03-05", id="2")
    drop(home, SHOPIFY, SHOPIFY_HEADER, further("#9", "Cup", "5"), LAST, old, new)
    home.load()
    assert revenue(home) == {"#3": 20}
    assert sorted(home.reasons()) == [1, 3, 4] and all(
        "several orders bear this name" in r for r in home.reasons().values()
    )


def test_a_shopify_order_with_two_totals_or_twice_in_a_file_is_quarantined_whole(home):
    twice = first("#4", "d@x.org", "30")
    drop(
        home,
        SHOPIFY,
        SHOPIFY_HEADER,
        first("#5", "e@x.org", "10"),
        first("#5", "e@x.org", "11", product="Cup"),
        twice,
        LAST,
        twice,
    )
    home.load()
    assert revenue(home) == {"#3": 20}
    assert [home.reasons()[row].split(";")[0] for row in (1, 2, 3, 5)] == [
        "the rows of this order name different totals", "the rows of this order name different totals",
        "this order stands in the file more than once", "this order stands in the file more than once",
    ]  # fmt: skip


def test_a_total_that_a_spreadsheet_filled_down_counts_once(home):
    rows = [first("#6", "f@x.org", "60", price="20"), first("#6", "f@x.org", "60", price="40", product="Mug")]
    drop(home, SHOPIFY, SHOPIFY_HEADER, *rows)
    home.load()
    assert revenue(home) == {"#6": 60}


def test_a_row_that_cannot_be_read_takes_its_order_along(home):
    # The first row holds charge and refund of the order: without it the rest would be counted wrong in silence.
    drop(home, SHOPIFY, SHOPIFY_HEADER, first("#2", "b@x.org", "60", price="20", refunded="1O"), *CUT[2:], LAST)
    home.load()
    assert revenue(home) == {"#3": 20}
    assert home.reasons()[2] == home.reasons()[3] == "another row of its order does not fit"


def test_orders_of_one_name_in_two_files_years_apart_are_told(home):
    drop(home, SHOPIFY, SHOPIFY_HEADER, first("#1", "a@x.org", "10", "2024-03-05", id="1"), name="before.csv")
    drop(home, SHOPIFY, SHOPIFY_HEADER, first("#1", "b@x.org", "20", "2025-03-05", id="2"), name="after.csv")
    home.load()
    assert "1 order stands under the same id in another file" in home.remarks()["reused_order_ids"]


# ── a WooCommerce order in parts ──────────────────────────────────────────────────────────────────────────────────────

WOO_FEES = f"{WOO_HEADER},shipping_total,shipping_tax_total,fee_total,tax_total,item_total_tax"


def test_a_woocommerce_order_cut_between_two_files_keeps_its_total(home):
    # 40 + 60 of goods and 5 of postage: either part alone says 105, of which 5 are postage, and 20 were paid back.
    for name, item in (("1.csv", "Tea,1,40"), ("2.csv", "Cup,1,60")):
        drop(home, WOO, WOO_FEES, f"1,2026-03-01,completed,105,20,7,a@x.org,{item},5,0,0,0,0", name=name)
    loaded = home.load()
    assert revenue(home) == {"1": 85}
    assert home.order_lines().where(kind="charge").rows("amount") == [(Decimal("5.00"),)]
    assert [remark.subject for one in loaded.values() for remark in one.remarks] == [
        "items_missing", "items_missing", "undecided",
    ]  # fmt: skip
    assert occasions(home) == {"7": 1}


def test_rows_of_a_woocommerce_order_with_different_totals_are_quarantined(home):
    drop(home, WOO, WOO_HEADER, *(f"1,2026-03-01,completed,{total},0,7,a@x.org,Tea{total},1,40" for total in (80, 90)))
    home.load()
    assert revenue(home) == {}
    assert set(home.reasons()) == {1, 2}


# ── guests who have an account ────────────────────────────────────────────────────────────────────────────────────────


def guest(number: int, email: str, customer: str = "") -> str:
    return first(f"#{number}", email, "10", f"2026-03-{number:02}", customer=customer)


def customers(home: Home) -> dict[str, str]:
    return home.order_lines().by("order_id", "customer_id")


@pytest.mark.parametrize("order", list(permutations(("guest.csv", "account.csv", "later.csv"))))
def test_a_guest_is_the_account_of_the_address_whatever_is_loaded_first(home, order):
    files = {
        "guest.csv": [guest(1, "ann@x.org"), guest(2, "bert@x.org")],
        "account.csv": [guest(3, " Ann@X.org", "7")],
        "later.csv": [guest(4, "ann@x.org"), guest(5, "cleo@x.org", "8")],
    }
    for name in order:
        drop(home, SHOPIFY, SHOPIFY_HEADER, *files[name], name=name)
        home.load()
    found = customers(home)
    assert (found["#1"], found["#3"], found["#4"], found["#5"]) == ("7", "7", "7", "8")
    assert len(found["#2"]) == 64
    assert occasions(home)["7"] == 3


def test_what_a_link_changes_is_rebuilt(home):
    drop(home, SHOPIFY, SHOPIFY_HEADER, guest(1, "ann@x.org"), name="guest.csv")
    home.load()
    (before,) = occasions(home)
    drop(home, SHOPIFY, SHOPIFY_HEADER, guest(3, "ann@x.org", "7"), name="account.csv")
    home.load()
    assert occasions(home) == {"7": 2} and before != "7"
    assert home.select("SELECT DISTINCT customer_id FROM staging.orders").rows() == [("7",)]


def test_an_address_with_two_accounts_stays_a_guest_and_is_counted(home):
    drop(home, SHOPIFY, SHOPIFY_HEADER, guest(1, "ann@x.org"), guest(2, "ann@x.org", "7"), name="one.csv")
    home.load()
    assert customers(home)["#1"] == "7"
    drop(home, SHOPIFY, SHOPIFY_HEADER, guest(3, "ann@x.org", "8"), name="two.csv")
    home.load()
    assert len(customers(home)["#1"]) == 64
    assert "1 addresses, 1 rows" in home.remarks()["guests_of_several_accounts"]


def test_guests_stay_guests_where_the_setting_says_so(home):
    drop(home, SHOPIFY, SHOPIFY_HEADER, guest(1, "ann@x.org"), guest(2, "ann@x.org", "7"))
    home.load()
    for setting, linked in ((False, False), (True, True), ({SHOPIFY: False}, False), ({WOO: False}, True)):
        home.settings["link_guests"] = setting
        home.load()
        assert (customers(home)["#1"] == "7") is linked, setting


def test_accounts_of_another_source_are_other_accounts(home):
    drop(home, SHOPIFY, SHOPIFY_HEADER, guest(1, "ann@x.org"))
    drop(
        home,
        WOO,
        WOO_HEADER,
        "1,2026-03-01,completed,10,0,7,ann@x.org,Tea,1,10",
        "2,2026-03-02,completed,10,0,0,ann@x.org,Tea,1,10",
    )
    drop(
        home,
        MAGENTO,
        f"{MAGENTO_HEADER},Customer ID",
        "M1,2026-03-03,10,complete,bo@x.org,,",
        "M2,2026-03-04,10,complete,bo@x.org,,5",
    )
    home.load()
    found = customers(home)
    assert len(found["#1"]) == 64 and (found["2"], found["M1"]) == ("7", "5")


# ── gift cards ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_gift_card_that_is_sold_is_owed_and_the_goods_it_pays_for_count(home):
    # Card 100: nothing yet. Tea for 100 paid by it: 100. Tea 20 and a card 50 in one order: 20.
    card = first("#1", "a@x.org", "100", product="Gift Card - 100 EUR")
    both = first("#3", "c@x.org", "70", price="20")
    drop(home, SHOPIFY, SHOPIFY_HEADER, card, first("#2", "b@x.org", "100"), both, further("#3", "Gift card", "50"))
    home.load()
    assert revenue(home) == {"#1": 0, "#2": 100, "#3": 20}
    assert home.order_lines().where(order_id="#1").rows("kind", "amount", "product_name") == [
        ("charge", 0, "Gift Card - 100 EUR")
    ]
    assert sorted(occasions(home).values()) == [1, 1]


def test_a_gift_card_that_is_paid_back_takes_nothing_from_revenue(home):
    drop(
        home,
        SHOPIFY,
        SHOPIFY_HEADER,
        first("#1", "a@x.org", "100", product="Gift card", status="refunded", refunded="100"),
    )
    home.load()
    assert revenue(home) == {"#1": 0}


def test_gift_cards_are_known_by_a_setting(home):
    drop(
        home,
        SHOPIFY,
        SHOPIFY_HEADER,
        first("#1", "a@x.org", "100", product="Bon 100"),
        first("#2", "b@x.org", "50", product="Gift card"),
    )
    home.settings["gift_card_products"] = ("bon *",)
    home.load()
    assert revenue(home) == {"#1": 0, "#2": 50}
    home.settings["gift_card_products"] = ()
    home.load()
    assert revenue(home) == {"#1": 100, "#2": 50}


def test_woocommerce_goods_paid_by_gift_card_count_once(home):
    # A card 100 and postage 5 bought: 5. Goods 100 paid with it, 5 postage paid in money: order_total is 5, worth 105.
    drop(
        home, WOO, WOO_FEES, "1,2026-03-01,completed,105,0,7,a@x.org,Gift card,1,100,5,0,0,0,0",
        "2,2026-03-02,completed,5,0,8,b@x.org,Tea,1,100,5,0,0,0,0",
    )  # fmt: skip
    home.load()
    assert revenue(home) == {"1": 5, "2": 105}
    assert occasions(home) == {"8": 1}


@pytest.mark.parametrize(("name", "is_card"), [
    ("Gift Card", True), ("Gift Card - $50.00", True), ("Christmas gift card", True), ("E-Gift Card", True),
    ("Geschenkgutschein 50 €", True), ("Gift card holder", False), ("Tea gift box", False),
    ("Wallet (gift card)", False),
])  # fmt: skip
def test_what_is_called_a_gift_card_by_default(home, name, is_card):
    cards = SOURCES[f"{SHOPIFY}.order_lines"].header.gift_cards
    assert cards is not None
    sql = gift_card_sql(["name"], cards.patterns)
    assert home.engine.scalar(f"SELECT {sql} FROM (SELECT $name AS name)", {"name": name}) is is_card


# ── what a source says of its rows ────────────────────────────────────────────────────────────────────────────────────

OWN = (
    'SELECT row_number, "order" AS order_id, customer AS customer_id, day AS ordered_at, money AS amount, '
    "{problem} AS problem FROM export"
)
RAW = (
    "{order: {}, customer: {}, day: {}, money: {}}\n"
    "problems: {test_order: {reason: an order that the shop made as a test}}"
)


def test_a_source_may_quarantine_a_row_for_a_reason_of_its_own(home):
    home.own_source(OWN.format(problem="CASE WHEN customer = 'test' THEN 'test_order' END"), raw=RAW)
    drop(home, "own", "order,customer,day,money", "1,test,2026-01-01,5", "2,b,2026-01-02,7", name="a.csv")
    home.load()
    assert home.reasons() == {1: "an order that the shop made as a test"}
    assert revenue(home) == {"2": 7}


def test_a_source_gives_names_of_problems_and_never_a_cell(home):
    home.own_source(OWN.format(problem="customer"), raw=RAW)
    drop(home, "own", "order,customer,day,money", "1,anna,2026-01-01,5", name="a.csv")
    with pytest.raises(ExportError, match=r"names in the header's block `problems` \(test_order\)") as error:
        home.load()
    assert "anna" not in str(error.value)
