"""Products and events of the web shop: what each source makes of its export, and what becomes of bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from drop_folder import Home, counts

from pipeline.errors import ExportError

PRODUCTS = "product_id,product_name,category,list_price"
EVENTS = "visit_id,customer_id,happened_at,event,product_id"
SHOWN = ("product_id", "category", "list_price", "sale_price", "in_stock", "recommendable")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


# ── our own names ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_products_are_told_from_orders_by_their_columns_and_completed(home):
    header = f"{PRODUCTS},sale_price,sale_from,sale_until,unit_cost,in_stock,recommendable"
    home.lines(
        "orders.csv",
        "o1,anna,2026-01-02,10,p1,Hat",
        header="order_id,customer_id,ordered_at,amount,product_id,product_name",
    )
    home.lines(
        "products.csv", "p1,Hat,Home>Hats > Wool,20.00,15,2026-01-01,2026-01-31,8.5,yes,", "p2,Bag,,1.00,,,,,no,false",
        header=header,
    )  # fmt: skip
    assert [counts(found) for found in home.load().values()] == [(1, 1, 0, 0, 0), (2, 2, 0, 0, 0)]
    assert home.staged("products").rows("product_id", "category", "list_price", "unit_cost", "in_stock") == [
        ("p1", "Home > Hats > Wool", 20, 8.5, True), ("p2", None, 1, None, False),
    ]  # fmt: skip
    assert home.staged("products").by("product_id", "recommendable") == {"p1": True, "p2": False}
    assert home.staged("products").where(product_id="p1").rows("sale_price", "sale_from", "sale_until", "currency") == [
        (15, "2026-01-01T00:00:00", "2026-01-31T00:00:00", "EUR")
    ]
    # Prices of a list are nobody's money: the file has no orders, so no first and last one.
    assert home.ledger().where(input="products").one("last_ordered_at") is None


def test_the_latest_row_of_a_product_counts_in_whatever_file(home):
    header = f"{PRODUCTS},valid_from"
    home.lines("new.csv", "p1,Hat,,30,2026-03-01", "p2,Bag,,5,", header=header)
    home.load()
    home.lines("old.csv", "p1,Hat,,20,2026-01-01", "p2,Bag,,6,", header=header)
    home.load()
    # Of p2 nobody says since when: the row of the file that arrived later counts.
    assert home.staged("products").by("product_id", "list_price") == {"p1": 30, "p2": 6}


def test_bad_products_are_quarantined_with_their_reasons(home):
    header = f"{PRODUCTS},sale_from,sale_until,in_stock"
    home.lines(
        "products.csv",
        "p1,Hat,Home > Hats > Home,20,,,", "p2,Bag,Bags > Bags,20,,,", "p3,Cap,,20,2026-02-01,2026-01-01,",
        ",Box,,1,,,",
        "p5,Lid,,-1,,,", "p6,Pin,,1,,,soon", "p7,Pot,,1,,,", "p7,Pot,,2,,,", "p8,Jar,,3,,,", "p8,Jar,,3,,,",
        header=header,
    )  # fmt: skip
    assert counts(home.load()["products.csv"]) == (10, 2, 7, 0, 1)
    assert home.staged("products").by("product_id", "category") == {"p2": "Bags > Bags", "p8": None}
    assert home.reasons() == {
        1: 'column "category": a path in which a category lies within itself; correct the tree of categories in the '
        "shop",
        3: 'column "sale_until": the reduced price ends before it begins',
        4: 'column "product_id" is missing',
        5: 'column "list_price": "-9.9999" is not between 0 and 1,000,000,000',
        6: 'column "in_stock": "xxxx" is not true or false',
        7: 'column "product_id": "x9" stands in other rows with other values',
        8: 'column "product_id": "x9" stands in other rows with other values',
    }


def test_a_price_of_nothing_is_none_and_told(home):
    home.lines("products.csv", "p1,Hat,,0,0.00", "p2,Bag,,5,0", "p3,Cap,,5,4", header=f"{PRODUCTS},sale_price")
    (remark,) = home.load()["products.csv"].remarks
    assert home.staged("products").rows("product_id", "list_price", "sale_price") == [
        ("p1", None, None), ("p2", 5, None), ("p3", 5, 4),
    ]  # fmt: skip
    assert (remark.rows, remark.message) == (2, "prices of 0 are taken for none (2 rows).")


def test_a_feed_in_another_currency_is_refused_unless_a_rate_of_its_day_is_known(home):
    home.settings |= {"currency": "EUR", "quarantine_limit": 0.05}
    home.lines("products.csv", "p1,Hat,,20,usd,2026-01-05", "p2,Bag,,10,EUR,", header=f"{PRODUCTS},currency,valid_from")
    outcome = home.load()["products.csv"]
    assert outcome.status == "rejected"
    assert 'column "currency": "USD" is not the reporting currency EUR' in (outcome.example or "")
    home.drop("2026.csv", "date,currency,rate\n2026-01-05,USD,0.9\n", source="rates")
    home.load()
    assert home.staged("products").by("product_id", "list_price") == {"p1": 18, "p2": 10}


def test_an_export_of_orders_that_lacks_a_column_is_no_list_of_products(home):
    home.lines("orders.csv", "o1,anna,10,p1,Hat", header="order_id,customer_id,amount,product_id,product_name")
    with pytest.raises(ExportError, match='lacks "ordered_at"'):
        home.load()


def test_customers_of_orders_that_differ_from_the_export_of_customers_are_told(home):
    """Of four who ordered anna is known, 7 and Kim but for zeros and capitals, and nobody knows zoe."""
    lines = [f"o{n},{who},2026-01-0{n},10" for n, who in enumerate(("anna", "7", "Kim", "zoe", ""), 1)]
    home.lines("orders.csv", *lines, header="order_id,customer_id,ordered_at,amount")
    header = "customer_id,registered_at"
    home.lines("people.csv", "anna,2026-01-01", "007,2026-01-01", "kim,2026-01-01", header=header)
    home.load()
    told = "SELECT rows, message FROM ingest.remarks WHERE subject = 'unknown_customers'"
    ((rows, message),) = home.select(told).rows()
    assert rows == 2
    assert message.startswith("Of 4 customers with orders, 2 stand in no export of customers, but one there")
    home.lines("more.csv", "7,2026-01-01", "Kim,2026-01-01", header=header)
    home.settings["id_guard"] = {"perennial": False}  # 7 and 007 are two people, the shop says
    home.load()
    assert not home.select(told).rows()


# ── products that orders name otherwise ───────────────────────────────────────────────────────────────────────────────


def test_the_share_of_lines_whose_product_is_known_is_told_and_what_would_help(home):
    """Of four lines with a product p1 is known, P2 and 007 but for case and zeros, and nobody knows x."""
    header = "order_id,customer_id,ordered_at,amount,product_id"
    lines = [f"o{n},anna,2026-01-0{n},10,{product}" for n, product in enumerate(("p1", "P2", "007", "x", ""), 1)]
    home.lines("orders.csv", *lines, header=header)
    home.lines("products.csv", "p1,Hat,,20", "p2,Bag,,5", "7,Cap,,5", header=PRODUCTS)
    home.load()
    told = "SELECT rows, message FROM ingest.remarks WHERE subject = 'unknown_products'"
    assert home.select(told).rows() == [(
        3,
        "3 of 4 order lines with a product (75 %) name one that no export of products has; 2 of them differ from "
        "one in capital letters or leading zeros only. Such lines have no price, cost or stock of the list: export "
        "both with the same ids, or map them alike in a source of your own (docs/exports.md).",
    )]  # fmt: skip
    home.lines("more.csv", "P2,Bag,,5", "x,Box,,1", header=PRODUCTS)
    home.load()
    assert home.select(told).by("rows", "message").keys() == {1}
    home.settings["id_guard"] = {"perennial": False}  # 7 and 007 are two products, the shop says
    home.lines("rest.csv", "007,Cap,,5", header=PRODUCTS)
    home.load()
    assert not home.select(told).rows()


# ── shop systems ──────────────────────────────────────────────────────────────────────────────────────────────────────

SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,"
    "Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,"
    "Image Src,Image Position,Gift Card,Variant Image,Cost per item,Status"
)
SHOPIFY_SINCE = (
    "Title,URL handle,Description,Vendor,Product category,Type,Tags,Published on online store,Status,SKU,Option1 name,"
    "Option1 value,Price,Compare-at price,Cost per item,Inventory tracker,Inventory quantity,"
    "Continue selling when out of stock,Product image URL,Image position,Variant image URL,Gift card"
)


def test_shopify_variants_are_products_and_rows_of_pictures_are_copies(home):
    home.drop(
        "products_export_1.csv",
        "\n".join((
            SHOPIFY,
            "hat,Hat,<p>x</p>,Acme,Apparel > Hats,Wool,,TRUE,Size,S,H-S,shopify,3,deny,20.00,25.00,https://x/1.jpg,1,FALSE,,8.00,active",
            "hat,,,,,,,,,M,,shopify,0,deny,20.00,,https://x/2.jpg,2,,https://x/m.jpg,,",
            "hat,,,,,,,,,,,,,,,,https://x/3.jpg,3,,,,",
            "mug,Mug,,Acme,Uncategorized,Kitchen,,TRUE,Title,Default Title,,,,deny,9.50,9.50,,,FALSE,,,active",
            "card,Gift card,,Acme,,,,TRUE,Title,Default Title,GC,,,deny,50,,,,TRUE,,,active",
            "old,Old,,Acme,,,,TRUE,Title,Default Title,O,shopify,9,deny,5,,,,FALSE,,,archived",
        )) + "\n",
        source="shopify_orders",
    )  # fmt: skip
    assert counts(home.load()["products_export_1.csv"]) == (6, 5, 0, 0, 1)
    assert home.staged("products").rows(*SHOWN) == [
        ("GC", None, 50, None, True, False),
        ("H-S", "Apparel > Hats", 25, 20, True, True),
        ("Hat - M", "Apparel > Hats", 20, None, False, True),
        ("Mug", "Kitchen", 9.5, None, True, True),
        ("O", None, 5, None, False, True),
    ]
    assert home.staged("products").where(product_id="Hat - M").rows("product_name", "brand", "url", "image_url") == [
        ("Hat - M", "Acme", "/products/hat", "https://x/m.jpg")
    ]
    assert home.staged("products").where(product_id="H-S").rows("unit_cost", "image_url") == [(8, "https://x/1.jpg")]


def test_shopify_headings_since_2024_say_the_same(home):
    home.drop(
        "products.csv",
        f"{SHOPIFY_SINCE}\n"
        "Hat,hat,x,Acme,Apparel > Hats,Wool,,TRUE,Active,H-S,Size,S,20.00,25.00,8.00,shopify,0,TRUE,https://x/1.jpg,1,,FALSE\n"
        ",hat,,,,,,,,,,,,,,,,,https://x/2.jpg,2,,\n",
        source="shopify_orders",
    )
    assert counts(home.load()["products.csv"]) == (2, 1, 0, 0, 1)
    assert home.staged("products").rows(*SHOWN) == [("H-S", "Apparel > Hats", 25, 20, True, True)]


def test_woocommerce_variations_have_what_they_leave_out_from_their_parent(home):
    home.drop(
        "wc-product-export.csv",
        "\n".join((
            "ID,Type,SKU,Name,Published,Is featured?,Date sale price starts,Date sale price ends,In stock?,Stock,"
            "Sale price,Regular price,Categories,Tags,Images,Parent,Brands",
            '10,variable,HAT,Hat,1,0,,,1,,,,"Apparel > Hats\\, caps, Sale",,"https://x/1.jpg, https://x/2.jpg",,Acme',
            '11,variation,HAT-S,Hat - S,1,0,2026-01-01,2026-01-31,0,0,15,20,,,,HAT,',
            '12,variation,,Hat - M,1,0,,,1,3,,20,,,https://x/m.jpg,id:10,',
            '13,simple,MUG,Mug,-1,0,,,1,,,"9.5",Kitchen,,,,',
        )) + "\n",
        source="woocommerce_orders",
    )  # fmt: skip
    home.load()
    assert home.staged("products").rows(*SHOWN, "brand", "image_url") == [
        ("12", "Apparel > Hats, caps", 20, None, True, True, "Acme", "https://x/m.jpg"),
        ("HAT", "Apparel > Hats, caps", None, None, True, True, "Acme", "https://x/1.jpg"),
        ("HAT-S", "Apparel > Hats, caps", 20, 15, False, True, "Acme", "https://x/1.jpg"),
        ("MUG", "Kitchen", 9.5, None, False, True, None, None),
    ]
    assert home.staged("products").where(product_id="HAT-S").rows("sale_from", "sale_until") == [
        ("2026-01-01T00:00:00", "2026-01-31T00:00:00")
    ]


MERCHANT = (
    "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\tsale_price\tsale_price_effective_date\tbrand\t"
    "product_type\tgoogle_product_category\tcost_of_goods_sold\n"
)


def test_a_merchant_feed_is_read_with_its_currency_and_its_times(home):
    home.settings |= {"currency": "EUR", "timezone": "Europe/Berlin"}
    home.drop(
        "feed.tsv",
        MERCHANT + "H-S\tHat\tx\thttps://s/h\thttps://s/h.jpg\tin_stock\t25.00 EUR\t20.00 EUR\t"
        "2026-01-01T00:30+0100/2026-02-01T23:30-0800\tAcme\tHome > Hats, Sale\t173\t8.00 EUR\n"
        "M\tMug\tx\thttps://s/m\thttps://s/m.jpg\tout of stock\t9.50 EUR\t\t\t\t\tHome & Garden > Kitchen\t\n"
        "K\tKey\tx\thttps://s/k\thttps://s/k.jpg\tpreorder\t9.50 EUR\t\t\t\t\t5181\t\n",
        source="google_merchant",
    )
    home.load()
    assert home.staged("products").rows(*SHOWN) == [
        ("H-S", "Home > Hats", 25, 20, True, True),
        ("K", None, 9.5, None, False, True),
        ("M", "Home & Garden > Kitchen", 9.5, None, False, True),
    ]
    assert home.staged("products").where(product_id="H-S").rows("sale_from", "sale_until", "unit_cost", "url") == [
        ("2026-01-01T00:30:00", "2026-02-02T08:30:00", 8, "https://s/h")
    ]


def test_a_merchant_feed_in_another_currency_is_quarantined(home):
    home.settings |= {"currency": "EUR"}
    home.drop(
        "feed.tsv",
        MERCHANT + "H\tHat\tx\thttps://s\thttps://s\tin_stock\t25.00 USD\t\t\t\t\t\t\n",
        source="google_merchant",
    )
    assert counts(home.load()["feed.tsv"]) == (1, 0, 1, 0, 0)
    assert "the amount is marked USD, its row is in EUR" in home.reasons()[1]


def test_the_complete_journey_is_orders_and_products_by_its_columns(home):
    """A line without pieces is a charge, fuel is no goods; the price is what was paid and taken off, per piece."""
    header = "household_id,store_id,basket_id,product_id,quantity,sales_value,retail_disc,coupon_disc,"
    home.drop(
        "transactions.csv",
        f"{header}coupon_match_disc,week,transaction_timestamp\n"
        "900,330,31198570044,1095275,2,5.50,1.00,0,0.50,1,2017-01-01 11:53:26\n"
        "900,330,31198570044,1,0,0.25,0,0,0,1,2017-01-01 11:53:26\n"
        "900,330,31198570044,2,64,16.00,0,0,0,1,2017-01-01 11:53:26\n",
        source="complete_journey",
    )
    home.drop(
        "products.csv",
        "product_id,manufacturer_id,department,brand,product_category,product_type,package_size\n"
        "1095275,2,PASTRY,National,BREAD,BREAD:ITALIAN/FRENCH,20 OZ\n"
        "2,69,FUEL,Private,FUEL,GASOLINE-REG UNLEADED,\n"
        "1,69,MISCELLANEOUS,National,,,\n",
        source="complete_journey",
    )
    home.load()
    lines = home.staged("order_lines")
    assert lines.rows(
        "order_id", "customer_id", "product_id", "kind", "quantity", "unit_price", "amount", "discount"
    ) == [
        ("31198570044", "900", "1", "charge", 0, None, 0.25, 0),
        ("31198570044", "900", "1095275", "sale", 2, 3.5, 5.5, 1.5),
        ("31198570044", "900", "2", "sale", 64, 0.25, 16, 0),
    ]
    assert lines.where(product_id="2").rows("store_id", "ordered_on") == [("330", "2017-01-01")]
    assert home.staged("products").rows("product_id", "product_name", "category", "brand", "recommendable") == [
        ("1", None, None, "National", True),
        ("1095275", "BREAD:ITALIAN/FRENCH", "BREAD", "National", True),
        ("2", "GASOLINE-REG UNLEADED", "FUEL", "Private", False),
    ]


def test_campaigns_of_the_complete_journey_are_read_from_two_files(home):
    """Whoever was written to was so when the campaign started; its orders count until its coupons end."""
    home.drop(
        "campaign_descriptions.csv",
        "campaign_id,campaign_type,start_date,end_date\n"
        "18,Type A,2017-10-30,2017-12-24\n"
        "15,Type C,2017-09-20 00:00:00,2018-02-28 00:00:00\n"
        "7,Type B,2017-04-24,2017-04-24\n",
        source="complete_journey",
    )
    home.drop("campaigns.csv", "campaign_id,household_id\n18,900\n18,901\n18,900\n15,900\n", source="complete_journey")
    loaded = home.load()
    assert counts(loaded["campaign_descriptions.csv"]) == (3, 2, 1, 0, 0)  # a campaign that ends as it starts
    assert counts(loaded["campaigns.csv"]) == (4, 3, 0, 0, 1)
    assert home.staged("campaigns").rows("campaign_id", "campaign_name", "programme", "sent_on", "window_days") == [
        ("15", "Type C, campaign 15", "Type C", "2017-09-20", 161),
        ("18", "Type A, campaign 18", "Type A", "2017-10-30", 55),
    ]
    assert home.staged("messages").rows("campaign_id", "customer_id", "event", "group_name", "happened_on") == [
        ("15", "900", "assigned", "treated", None),
        ("18", "900", "assigned", "treated", None),
        ("18", "901", "assigned", "treated", None),
    ]


@pytest.mark.parametrize(
    "header", ["household_id,coupon_upc,campaign_id,redemption_date", "coupon_upc,product_id,campaign_id"]
)
def test_coupons_of_the_complete_journey_are_no_members_of_campaigns(home, header):
    home.drop("coupons.csv", f"{header}\n1,2,3,2017-01-01\n", source="complete_journey")
    with pytest.raises(ExportError, match=r"coupons\.csv is no export of source complete_journey"):
        home.load()


# ── events of the web shop ────────────────────────────────────────────────────────────────────────────────────────────


def test_events_come_in_daily_pieces_and_repeats_count_once(home):
    home.lines(
        "day1.csv",
        "v1,anna,2026-01-01 23:59:00,product_view,p1",
        "v2,,2026-01-01 10:00:00,Product_View,p1",
        header=EVENTS,
    )
    home.load()
    home.lines(
        "day2.csv", "v1,anna,2026-01-02 00:01:00,add_to_cart,p1", "v2,anna,2026-01-01 10:00:00,product_view,p1",
        "v1,anna,2026-01-02 00:01:00,add_to_cart,p1", header=EVENTS,
    )  # fmt: skip
    assert counts(home.load()["day2.csv"]) == (3, 2, 0, 0, 1)
    # v1 lies in both files and keeps its events; v2 was a guest until she logged in.
    assert home.staged("web_events").rows("visit_id", "customer_id", "event", "happened_on") == [
        ("v1", "anna", "add_to_cart", "2026-01-02"), ("v1", "anna", "product_view", "2026-01-01"),
        ("v2", "anna", "product_view", "2026-01-01"),
    ]  # fmt: skip
    assert home.ledger().where(input="web_events").rows("accepted", "superseded", "without_customer") == [
        (1, 1, 0), (2, 0, 0),
    ]  # fmt: skip


def test_events_nobody_knows_are_quarantined_and_what_is_personal_is_left(home):
    home.lines("events.csv", "v1,anna,2026-01-01,hover,p1,10.0.0.1", header=f"{EVENTS},ip")
    home.load()
    assert 'column "event"' in home.reasons()[1]
    assert "10.0.0.1" not in str(home.everything())
