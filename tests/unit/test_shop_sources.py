"""The exports of shop systems: what their totals become. Fixtures are written by hand, totals worked out beside."""

from __future__ import annotations

import hashlib
import hmac
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from shop import Rows, open_engine

from pipeline.ingest.exports import find_exports, load_exports
from pipeline.ingest.sources import find_sources
from pipeline.settings import SQL_FOLDER, Settings

KEY = "0f" * 32


def sha(address: str) -> str:
    """The id that an address becomes."""
    return hmac.new(bytes.fromhex(KEY), address.encode(), hashlib.sha256).hexdigest()


class Loader:
    """A warehouse in memory, into which one file after the other is loaded."""

    def __init__(self, home: Path, engine: Any, **settings: Any) -> None:
        self.home, self.engine, self.settings = home, engine, Settings(home=home, id_key=KEY, **settings)

    def load(self, source: str, text: str | bytes, name: str = "orders.csv") -> str:
        path = self.home / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        (outcome,) = load_exports(self.engine, self.settings, find_exports(self.settings, {source: [str(path)]}))
        if isinstance(outcome, Exception):
            raise outcome
        for test in ("reconciliation", "lines_are_there", "quarantine_is_there"):
            assert not self.engine.execute(LEDGER_TESTS[test]), test
        return outcome.message

    def lines(self) -> Rows:
        return Rows(self.engine.read("SELECT * FROM staging.order_lines ORDER BY row_number, kind DESC"))

    def revenue(self) -> dict[str, Decimal]:
        return dict(self.engine.execute("SELECT order_id, sum(amount) FROM staging.order_lines GROUP BY order_id"))

    def reasons(self) -> dict[int, str]:
        return dict(self.engine.execute("SELECT row_number, reasons FROM ingest.quarantine"))


def _ledger_tests() -> dict[str, str]:
    from pipeline.tables.catalog import tables

    return dict(tables()["ingest.files"].header.tests)


LEDGER_TESTS = _ledger_tests()


@pytest.fixture
def shop(tmp_path):
    with open_engine(Settings(home=tmp_path)) as engine:
        yield Loader(tmp_path, engine, quarantine_limit=1.0)


# ── Shopify ───────────────────────────────────────────────────────────────────────────────────────────────────────────

SHOPIFY = (
    "Name,Email,Financial Status,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,"
    "Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Shipping City,Shipping Province,"
    "Shipping Country,Cancelled at,Refunded Amount,Vendor,Id,Source,Lineitem discount"
)


def shopify(*rows: dict[str, str]) -> str:
    names = SHOPIFY.split(",")
    unknown = {name for row in rows for name in row} - set(names)
    assert not unknown, unknown
    return "\n".join([SHOPIFY, *(",".join(row.get(name, "") for name in names) for row in rows)]) + "\n"


def order(name: str, email: str, total: str, **more: str) -> dict[str, str]:
    """The first row of an order."""
    fields = {
        "Name": name, "Email": email, "Financial Status": "paid", "Currency": "EUR", "Subtotal": total, "Shipping": "0",
        "Taxes": "0", "Total": total, "Created at": "2026-03-01 10:00:00 +0100", "Refunded Amount": "0.00",
        "Lineitem quantity": "1", "Lineitem name": "Mug", "Lineitem price": total, "Lineitem sku": "MUG",
        "Lineitem discount": "0.00", "Source": "web",
    }  # fmt: skip
    return fields | {name.replace("_", " "): value for name, value in more.items()}


def item(name: str, product: str, quantity: str, price: str, sku: str = "") -> dict[str, str]:
    """A further row of an order: only its name and the line item."""
    return {
        "Name": name, "Lineitem name": product, "Lineitem quantity": quantity, "Lineitem price": price,
        "Lineitem sku": sku, "Lineitem discount": "0.00",
    }  # fmt: skip


def test_shopify_order_fields_are_filled_down_and_the_total_is_split_by_kind(shop):
    # Two teas at 10.00 and a cup at 30.00 are 50.00; the code takes 10 % off: Subtotal 45.00. Postage 5.00 and taxes
    # 4.50 come on top: Total 54.50. Shares of 45.00 by weight 20 : 30 are 18.00 and 27.00; the charge is 9.50.
    shop.load(
        "shopify_orders",
        shopify(
            order(
                "#1001", " Ann@Example.com ", "54.50", Subtotal="45.00", Shipping="5.00", Taxes="4.50",
                Discount_Code="SPRING", Lineitem_quantity="2", Lineitem_name="Tea", Lineitem_price="10.00",
                Lineitem_sku="TEA", Shipping_Country="PL", Shipping_City="Toruń",
            ),
            item("#1001", "Cup", "1", "30.00"),
        ),
    )  # fmt: skip
    ann = sha("ann@example.com")
    assert shop.lines().rows("row_number", "kind", "line_id", "product_id", "quantity", "amount", "discount") == [
        (1, "charge", "charge", None, None, Decimal("9.50"), None),
        (1, "sale", "1", "TEA", Decimal("2"), Decimal("18.00"), Decimal("2.00")),
        (2, "sale", "2", "Cup", Decimal("1"), Decimal("27.00"), Decimal("3.00")),
    ]
    same = ("order_id", "customer_id", "ordered_at", "coupon", "country", "city", "sales_channel", "status")
    assert set(shop.lines().rows(*same)) == {
        ("#1001", ann, "2026-03-01T09:00:00", "SPRING", "PL", "Toruń", "web", "paid")  # UTC is the shop's zone here
    }
    assert shop.revenue() == {"#1001": Decimal("54.50")}


def test_shopify_discounts_are_shared_to_the_last_cent(shop):
    # Three lines of 1.00 and a Subtotal of 2.00: thirds of 2.00, rounded as running totals .67, 1.33, 2.00.
    first = order("#1", "a@x.org", "2.00", Lineitem_price="1.00")
    shop.load("shopify_orders", shopify(first, item("#1", "A", "1", "1.00"), item("#1", "B", "1", "1.00")))
    assert [row[1] for row in shop.lines().rows("row_number", "amount")] == [
        Decimal("0.67"), Decimal("0.66"), Decimal("0.67"),
    ]  # fmt: skip
    assert shop.revenue() == {"#1": Decimal("2.00")}


def test_shopify_refunds_cancellations_and_orders_never_paid(shop):
    shop.load(
        "shopify_orders",
        shopify(
            order("#1", "a@x.org", "20.00", Refunded_Amount="5.00", Financial_Status="partially_refunded"),
            order("#2", "b@x.org", "30.00", Refunded_Amount="30.00", Financial_Status="refunded",
                  Cancelled_at="2026-03-04 09:00:00 +0100"),
            order("#3", "c@x.org", "40.00", Financial_Status="voided"),
            order("#4", "d@x.org", "50.00", Financial_Status="pending"),
            order("#5", "e@x.org", "60.00", Financial_Status="pending", Cancelled_at="2026-03-02 09:00:00 +0100"),
        ),
    )  # fmt: skip
    # 20 − 5; refunded whole; voided: no money came; pending still counts, as in the admin; cancelled unpaid: none.
    assert shop.revenue() == {"#1": 15, "#2": 0, "#3": 0, "#4": 50, "#5": 0}
    refunds = shop.lines().where(kind="refund")
    assert refunds.rows("order_id", "ordered_at", "amount") == [
        ("#1", "2026-03-01T09:00:00", Decimal("-5.00")),
        ("#2", "2026-03-04T08:00:00", Decimal("-30.00")),
        ("#3", "2026-03-01T09:00:00", Decimal("-40.00")),
        ("#5", "2026-03-02T08:00:00", Decimal("-60.00")),
    ]
    assert shop.lines().where(kind="sale").by("order_id", "status") == {
        "#1": "partially_refunded", "#2": "cancelled", "#3": "cancelled", "#4": "pending", "#5": "cancelled",
    }  # fmt: skip


def test_shopify_customers_are_ids_or_hashes_never_addresses(shop):
    text = shopify(order("#1", "Ann@x.org", "1.00"), order("#2", " ann@X.ORG", "1.00"), order("#3", "", "1.00"))
    with_id = "\n".join(
        line + ("," + extra) for line, extra in zip(text.splitlines(), ["Customer ID", "", "", "77"], strict=True)
    )
    shop.load("shopify_orders", with_id)
    customers = shop.lines().by("order_id", "customer_id")
    assert customers == {"#1": sha("ann@x.org"), "#2": sha("ann@x.org"), "#3": "77"}
    assert "@" not in str(shop.engine.execute("SELECT * FROM staging.order_lines"))


def test_a_shopify_row_without_an_item_and_cells_that_cannot_be_read(shop):
    # Row 2 has no item: it holds nothing but must be accounted for. Row 3's refund is no number, row 4's price neither.
    shop.load(
        "shopify_orders",
        shopify(
            order("#1", "a@x.org", "10.00"),
            {"Name": "#1"},
            order("#2", "b@x.org", "10.00", Refunded_Amount="1O.00"),
            order("#3", "c@x.org", "10.00", Lineitem_price="ten", Subtotal="10.00"),
        ),
    )
    assert shop.lines().rows("row_number", "kind", "amount") == [(1, "sale", Decimal("10.00")), (2, "charge", 0)], (
        shop.reasons()
    )
    assert shop.reasons() == {
        3: 'column "Refunded Amount": "9X.99" is not a number (letter O?)',
        4: 'column "Lineitem price": "xxx" is not a number',
    }


def test_a_shopify_export_saved_by_a_polish_spreadsheet_says_the_same(shop):
    plain = shopify(
        order("#1", "a@x.org", "1234.50", Subtotal="1200.00", Lineitem_price="600.00", Lineitem_quantity="2",
              Created_at="2026-03-31 10:00"),
    )  # fmt: skip
    shop.load("shopify_orders", plain)
    expected = shop.lines().rows("row_number", "kind", "amount", "ordered_at")
    text = plain.replace(",", ";").replace("2026-03-31 10:00", "31.03.2026 10:00")
    text = text.replace("1234.50", "1 234,50").replace("1200.00", "1 200,00").replace("600.00", "600,00")
    text = text.replace("0.00", "0,00")
    message = shop.load("shopify_orders", text.encode("cp1250"), "zapisane.csv")
    assert "decimal comma" in message and "day before month" in message
    again = Rows(shop.lines().frame.filter(shop.lines().frame["original_currency"].is_null()))
    assert again.rows("row_number", "kind", "amount", "ordered_at") == expected


# ── WooCommerce ───────────────────────────────────────────────────────────────────────────────────────────────────────

WOO = (
    "order_id,order_number,date,status,shipping_total,tax_total,order_total,refunded_total,order_currency,customer_id,"
    "billing_email,shipping_country,item_id,item_product_id,item_name,item_sku,item_quantity,item_subtotal,item_total,"
    "item_total_tax,item_refunded,coupon_items"
)


def test_woocommerce_lines_charges_and_refunds_make_the_order_total(shop):
    # Order 7: 2 × 10.00 with 1.60 tax and 1 × 5.00 with 0.40, the coupon took 5.00 off the first: lines 16.20 and 5.40
    # (15.00 + 1.20, 5.00 + 0.40). Postage 4.00 without tax: total 25.60, so the charge is 4.00. 5.40 were paid back.
    # Order 8 of a guest is cancelled and brings nothing; order 9 of a guest stands.
    rows = [
        "7,7,2026-03-01 10:00:00,completed,4.00,1.60,25.60,5.40,EUR,12,ann@x.org,PL,71,3,Tea,TEA,2,20.00,15.00,1.20,"
        "0,code:spring|amount:5.00",
        "7,7,2026-03-01 10:00:00,completed,4.00,1.60,25.60,5.40,EUR,12,ann@x.org,PL,72,4,Cup,,1,5.00,5.00,0.40,5.40,",
        "8,8,2026-03-02 10:00:00,wc-cancelled,0,0,30.00,0,EUR,0,Bert@x.org,PL,81,3,Tea,TEA,3,30.00,30.00,0,0,",
        "9,9,2026-03-03 10:00:00,processing,0,0,10.00,,EUR,,bert@X.org,PL,91,3,Tea,TEA,1,10.00,10.00,0,,",
    ]
    shop.load("woocommerce_orders", "\n".join([WOO, *rows]))
    columns = ("row_number", "kind", "line_id", "product_id", "amount", "discount")
    assert shop.lines().where(order_id="7").rows(*columns) == [
        (1, "charge", "charge", None, Decimal("4.00"), None),
        (1, "refund", "refund", None, Decimal("-5.40"), None),
        (1, "sale", "71", "TEA", Decimal("16.20"), Decimal("5.00")),
        (2, "sale", "72", "4", Decimal("5.40"), Decimal("0.00")),
    ]
    assert shop.revenue() == {"7": Decimal("20.20"), "8": 0, "9": 10}
    sales = Rows(shop.lines().where(kind="sale").frame.unique("order_id"))
    assert sales.by("order_id", "customer_id") == {"7": "12", "8": sha("bert@x.org"), "9": sha("bert@x.org")}
    assert sales.by("order_id", "status") == {"7": "completed", "8": "cancelled", "9": "processing"}
    assert shop.lines().where(line_id="71").one("coupon") == "spring"


# ── Magento ───────────────────────────────────────────────────────────────────────────────────────────────────────────

MAGENTO = (
    '"ID","Purchase Point","Purchase Date","Bill-to Name","Grand Total (Base)","Grand Total (Purchased)","Status",'
    '"Customer Email","Subtotal","Shipping and Handling","Total Refunded"'
)


def test_magento_orders_are_a_sale_a_charge_and_a_refund(shop):
    rows = [
        '"000000001","Main Website\n  Main Store","Mar 5, 2026 03:04:05 PM","Ann","36.3900","36.39","complete",'
        '"ann@x.org","29.0000","5.0000",""',
        '"000000002","Main Website","Mar 6, 2026 09:00:00 AM","Bert","20.0000","20.00","closed","b@x.org","15","5",""',
        '"000000003","Main Website","Mar 7, 2026 09:00:00 AM","Cleo","20.0000","20","canceled","c@x.org","20","0",""',
        '"000000004","Main Website","Mar 8, 2026 09:00:00 AM","Dora","20.000","20","complete","d@x.org","20","0","7.5"',
    ]
    message = shop.load("magento_orders", "\n".join([MAGENTO, *rows]))
    assert "names of months" in message
    assert shop.lines().where(order_id="000000001").rows("kind", "amount", "ordered_at", "sales_channel") == [
        ("charge", Decimal("5.00"), "2026-03-05T15:04:05", "Main Website Main Store"),
        ("sale", Decimal("31.39"), "2026-03-05T15:04:05", "Main Website Main Store"),
    ]
    assert shop.revenue() == {
        "000000001": Decimal("36.39"), "000000002": 0, "000000003": 0, "000000004": Decimal("12.50"),
    }  # fmt: skip
    assert shop.lines().where(order_id="000000004", kind="sale").one("customer_id") == sha("d@x.org")


# ── what holds for all of them ────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_with_several_lines_per_row_gives_way_whole(shop):
    first = order("#1", "a@x.org", "15.00", Subtotal="10.00", Lineitem_price="10.00", Refunded_Amount="3.00")
    shop.load("shopify_orders", shopify(first), "march.csv")
    later = order("#2", "b@x.org", "5.00", Created_at="2026-04-01 10:00:00 +0200")
    shop.load("shopify_orders", shopify(first | {"Refunded Amount": "15.00"}, later), "april.csv")
    ledger = Rows(shop.engine.read("SELECT * FROM ingest.files"))
    assert ledger.rows("path", "accepted", "lines", "superseded") == [("april.csv", 2, 4, 0), ("march.csv", 0, 0, 1)]
    assert shop.revenue() == {"#1": 0, "#2": 5}


@pytest.mark.parametrize("name", ["shopify_orders", "woocommerce_orders", "magento_orders"])
def test_a_shop_source_tells_where_its_field_list_comes_from_and_hides_addresses(name):
    source = find_sources([SQL_FOLDER / "sources"])[f"{name}.order_lines"]
    assert "field list: " in source.header.description
    assert "email" in source.kinds.values()
    assert "http" not in source.header.description
