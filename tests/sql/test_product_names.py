"""marts.product_names: what the report and the audiences call a product."""

TABLE = "marts.product_names"


def test_the_name_is_that_of_the_list_else_of_most_lines(shop):
    # hat: two lines say Hat, one says HAT!. pan: the list has the last word. pot: no name. A refund names none.
    shop.orders("anna", "2026-01-05", "2026-01-06", product_id="hat", product_name=" Hat ")
    shop.orders("bert", "2026-02-05", product_id="hat", product_name="HAT!")
    shop.orders("bert", "2026-02-06", "2026-02-07", product_id="pan", product_name="Frying pan")
    shop.orders("bert", "2026-02-08", product_id="pot", product_name=" ")
    shop.line("r-1", on="2026-02-09", customer="bert", amount=-5, kind="refund", product_id="lid", product_name="Lid")
    shop.product("pan", product_name="Pan of iron").product("unsold", product_name="Nobody's")
    rows = shop.table(TABLE)
    assert rows.by("product_id", "product_name") == {"hat": "Hat", "pan": "Pan of iron", "pot": None}
    assert rows.by("product_id", "label") == {"hat": "Hat", "pan": "Pan of iron", "pot": "pot"}


def test_products_of_one_name_are_told_apart_by_their_ids(shop):
    shop.orders("anna", "2026-01-05", product_id="s", product_name="Shirt")
    shop.orders("anna", "2026-01-05", product_id="m", product_name="Shirt")
    shop.orders("anna", "2026-01-05", product_id="Shirt").orders("anna", "2027-01-01", product_id="later")
    labels = shop.table(TABLE).by("product_id", "label")
    assert labels == {"s": "Shirt (s)", "m": "Shirt (m)", "Shirt": "Shirt (Shirt)"}
