"""The rows of every file as SQL over what was drawn: `people`, `orders`, `visits`; of campaigns, see `campaign_files`.

Whatever needs no distribution of its own is a hash of (seed, what it is for, row), so that no thread and no order of
work changes a byte. Orders lie in the order of time and their SELECT keeps it: lines stream from the table into the
file without being sorted or held. A join would undo that, which is why products are macros. What belongs here:
SELECTs. What does not: where they are written.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.simulator.campaigns import NEVER
from pipeline.simulator.shop import Shop

MOST_LINES = 8
PARTNERS = {4: 41, 6: 54, 9: 67, 12: 80, 16: 93, 21: 106, 27: 119, 34: 132}
"""Product -> the product planted beside it."""
_LINE_VALUE = 22.0
_BACK = 100  # what a line that takes back another one has more in its number
_CATEGORIES = {
    "Kitchen": ("Teapot", "Skillet", "Cutting board", "Salad bowl", "Bread tin", "Pepper mill"),
    "Dining": ("Dinner plate", "Soup bowl", "Tumbler", "Carafe", "Napkin set", "Serving tray"),
    "Living": ("Cushion", "Throw", "Floor lamp", "Side table", "Wall clock", "Candle holder"),
    "Bedroom": ("Bed linen", "Pillow", "Blanket", "Night lamp", "Mattress cover", "Bedspread"),
    "Bathroom": ("Bath towel", "Soap dish", "Bath mat", "Mirror", "Laundry basket", "Shower shelf"),
    "Garden": ("Planter", "Watering can", "Lantern", "Garden chair", "Bird feeder", "Hammock"),
    "Office": ("Desk lamp", "Notebook", "Pen tray", "Paper basket", "Desk pad", "Book end"),
    "Storage": ("Wicker basket", "Shelf box", "Coat rack", "Shoe rack", "Storage jar", "Crate"),
}
_STYLES = ("Oak", "Linen", "Nordic", "Rustic", "Classic", "Stone", "Copper", "Coastal", "Terra", "Meadow")
_CHANNELS = ("web", "web", "web", "app", "app", "store", "marketplace")
_COUNTRIES = ("DE",) * 9 + ("AT",) * 3 + ("PL",) * 3 + ("FR",) * 2 + ("NL",) * 2 + ("CZ",)
_ORIGINS = (("google", "cpc"), ("google", "organic"), ("(direct)", "(none)"), ("instagram", "social"))

LINE_COLUMNS = (
    "order_id", "line_id", "customer_id", "ordered_at", "product_id", "product_name", "category", "quantity",
    "unit_price", "unit_cost", "amount", "discount", "currency", "sales_channel", "source", "medium", "campaign_id",
    "coupon", "country", "store_id", "kind",
)  # fmt: skip


def macros(shop: Shop) -> list[str]:
    """What the SELECTs share. A hash of several values mixes too little, so it is hashed again after the xor."""
    return [
        f"CREATE MACRO uniform(purpose, row) AS (({_hash(shop)} >> 12)::DOUBLE + 0.5) / 4503599627370496.0",  # 2^52
        f"CREATE MACRO number_below(most, purpose, row) AS ({_hash(shop)} % most::UBIGINT)::BIGINT",
        f"CREATE MACRO drawn_product(purpose, row) AS "
        f"least({shop.products}, floor(pow({shop.products + 1}, uniform(purpose, row))))::INTEGER",
        "CREATE MACRO list_price(product) AS floor(5 + exp(1.7 + 1.6 * uniform('price', product))) + 0.9",
        f"CREATE MACRO partner(product) AS CASE product {_whens(PARTNERS)} END",
        "CREATE MACRO customer_name(customer) AS "
        "CASE WHEN customer >= 0 THEN 'c' || lpad((customer + 1)::VARCHAR, 7, '0') END",
        "CREATE MACRO product_code(product) AS 'p' || repeat('0', 4 - length(product::VARCHAR)) || product",
        f"CREATE MACRO category_of(product) AS {_one_of(list(_CATEGORIES), 'product - 1')}",
        f"CREATE MACRO product_name(product) AS {_named()}",
        "CREATE MACRO cost_share(product) AS 0.35 + 0.35 * uniform('cost', product)",
        "CREATE MACRO order_name(number) AS 'o' || lpad(number::VARCHAR, 8, '0')",
        f"CREATE MACRO country_of(customer) AS {_one_of(_COUNTRIES, _drawn('country', 'customer'))}",
    ]


def catalogue(shop: Shop) -> str:
    return f"""
    SELECT product_code(product) AS product_id, product_name(product) AS product_name,
      category_of(product) AS category, list_price(product)::DECIMAL(18,2) AS list_price,
      round(list_price(product) * cost_share(product), 2)::DECIMAL(18,2) AS unit_cost
    FROM range(1, {shop.products + 1}) AS products(product) ORDER BY product
    """


@dataclass(frozen=True)
class Window:
    """What an export holds: orders of its days, whole, as known at the end of the last; and those refunded in them."""

    first: dt.date
    last: dt.date

    def holds(self, moment: str) -> str:
        return f"{moment} >= TIMESTAMP '{self.first}' AND {moment} < TIMESTAMP '{self.end}'"

    @property
    def end(self) -> dt.date:
        return self.last + dt.timedelta(days=1)


def order_lines(shop: Shop, window: Window, columns: Sequence[str], orders: str = "orders") -> str:
    """Columns of LINE_COLUMNS, of all `orders` or of a part of them.

    The lines of an order share its value in proportion to their list prices.
    """
    drawn = [f"drawn_product('product {place}', number)" for place in range(MOST_LINES)]
    drawn[1] = (
        f"CASE WHEN uniform('together', number) < {shop.together} THEN coalesce(partner({drawn[0]}), {drawn[1]}) "
        f"ELSE {drawn[1]} END"
    )
    return f"""
    WITH known AS (
      SELECT *, CASE WHEN uniform('refund', number) < {shop.refunded}
        THEN ordered_at + to_seconds(86400 * (2 + number_below(20, 'back', number))) END AS refunded_at
      FROM {orders}
    ),
    wanted AS (
      SELECT * FROM known
      WHERE ({window.holds("ordered_at")})
        OR (ordered_at < TIMESTAMP '{window.first}' AND {window.holds("refunded_at")})
    ),
    baskets AS (
      SELECT *,
        list_sort(list_distinct([{", ".join(drawn)}][
          1 : 1 + least({MOST_LINES - 1}, floor(-ln(uniform('size', number)) * value / {_LINE_VALUE}))
        ])) AS products,
        CASE WHEN campaign_coupon(made_by) IS NOT NULL THEN campaign_coupon(made_by)
          WHEN campaign_coupon(campaign) IS NOT NULL THEN campaign_coupon(campaign)
          WHEN uniform('coupon', number) < {shop.coupons} THEN 'TENTH' END AS coupon,
        CASE WHEN coupon IS NULL THEN 0 ELSE 0.1 END AS discount_share,
        uniform('whole', number) < {shop.refunded_whole} AS is_refunded_whole,
        CASE WHEN customer < 0 THEN -number ELSE customer END AS buyer,
        CASE WHEN customer < 0 OR uniform('loyal', number) > 0.8 THEN number ELSE customer END AS favourite
      FROM wanted
    ),
    dressed AS (
      SELECT *,
        list_sum(list_transform(products, lambda product: list_price(product))) AS list_total,
        CASE WHEN campaign >= 0 THEN 'web' ELSE {_one_of(_CHANNELS, _drawn("channel", "favourite"))} END
          AS sales_channel,
        {_drawn("origin", "number")} AS origin
      FROM baskets
    ),
    lines AS (
      SELECT *, unnest(products) AS product, generate_subscripts(products, 1) AS place
      FROM dressed
    ),
    priced AS (
      SELECT *, value * list_price(product) / list_total AS line_value,
        least(20, greatest(1, round(value / list_total)))::BIGINT AS pieces
      FROM lines
    ),
    sold AS (
      SELECT *,
        greatest(0.01, round(line_value / (1 - discount_share) / pieces, 2))::DECIMAL(18,2) AS unit_price
      FROM priced
    ),
    paid AS (
      SELECT *, (round(pieces * unit_price * discount_share, 2))::DECIMAL(18,2) AS taken_off
      FROM sold
    ),
    booked AS (
      SELECT *, unnest(CASE
        WHEN refunded_at < TIMESTAMP '{window.end}' AND (place = 1 OR is_refunded_whole) THEN ['sale', 'refund']
        ELSE ['sale']
      END) AS kind
      FROM paid
    ),
    signed AS (
      SELECT *, CASE WHEN kind = 'sale' THEN 1 ELSE -1 END AS sign
      FROM booked
    ),
    named AS (
      SELECT
        order_name(number) AS order_id,
        CASE WHEN kind = 'sale' THEN place ELSE {_BACK} + place END AS line_id,
        customer_name(customer) AS customer_id,
        CASE WHEN kind = 'sale' THEN ordered_at ELSE refunded_at END AS ordered_at,
        product_code(product) AS product_id,
        product_name(product) AS product_name,
        category_of(product) AS category,
        sign * pieces AS quantity,
        unit_price,
        round(unit_price * cost_share(product), 2)::DECIMAL(18,2) AS unit_cost,
        (sign * (pieces * unit_price - taken_off))::DECIMAL(18,2) AS amount,
        (sign * taken_off)::DECIMAL(18,2) AS discount,
        'EUR' AS currency,
        sales_channel,
        CASE WHEN campaign >= 0 THEN channel_source(channel) WHEN sales_channel IN ('web', 'app')
          THEN {_one_of([source for source, _ in _ORIGINS], "origin")} END AS source,
        CASE WHEN campaign >= 0 THEN channel_medium(channel) WHEN sales_channel IN ('web', 'app')
          THEN {_one_of([medium for _, medium in _ORIGINS], "origin")} END AS medium,
        campaign_name(campaign) AS campaign_id,
        coupon,
        country_of(buyer) AS country,
        CASE WHEN sales_channel = 'store' THEN 'store ' || (1 + number_below(5, 'store', buyer)) END AS store_id,
        kind
      FROM signed
    )
    SELECT {", ".join(columns)} FROM named
    """


def customers(window: Window) -> str:
    """Who registered in the window. The address is made up and personal, as real ones are."""
    return f"""
    SELECT customer_name(customer) AS customer_id, registered_at,
      customer_name(customer) || '@example.com' AS email, country_of(customer) AS country
    FROM people
    WHERE {window.holds("registered_at")}
    ORDER BY customer
    """


def targets(shop: Shop, history: Window) -> str:
    """Of the last twelve months and the next twelve: what was reached a year earlier, and two fifths more."""
    return f"""
    WITH months AS (
      SELECT strftime(ordered_at + INTERVAL 1 YEAR, '%Y-%m') AS period, sum(value) AS revenue, count(*) AS orders
      FROM orders
      WHERE {history.holds("ordered_at")} AND ordered_at >= TIMESTAMP '{history.end}' - INTERVAL 2 YEAR
      GROUP BY period
    )
    SELECT 'revenue' AS kpi, period, round(1.4 * revenue, -2)::BIGINT AS value, DATE '{shop.first_day}' AS updated_at
    FROM months
    UNION ALL
    SELECT 'orders', period, round(1.4 * orders)::BIGINT, DATE '{shop.first_day}'
    FROM months
    ORDER BY kpi, period
    """


def benchmarks(shop: Shop, history: Window) -> str:
    """A sector of which nobody knows more than a level, with a little season."""
    return f"""
    SELECT 'home and living' AS sector, kpi, strftime(month, '%Y-%m') AS period,
      round(level + 0.02 * sin(pi() * month(month) / 6), 3) AS value, DATE '{shop.first_day}' AS updated_at
    FROM range(TIMESTAMP '{shop.first_day}', TIMESTAMP '{history.end}', INTERVAL 1 MONTH) AS months(month)
    CROSS JOIN (VALUES ('repeat_share_of_buyers', 0.78), ('repeat_share_of_revenue', 0.82), ('refund_share', 0.04))
      AS figures(kpi, level)
    ORDER BY kpi, period
    """


def web_events(window: Window) -> str:
    """A visit that ends with seven of ten orders, the visits that were drawn, and one of each lead.

    Guests, of whom nothing was drawn, have looked around up to twice before. A basket that is left is a visit's own.
    Who did not come by a message came by some other way, and who ordered by that of the order.
    """
    return f"""
    WITH visits AS (
      SELECT number * 4 + unnest(range(1 + CASE WHEN customer < 0 THEN number_below(3, 'visits', number) ELSE 0 END))
          AS visit, customer, ordered_at AS seen_at, number AS order_number, campaign, channel, FALSE AS has_basket
      FROM orders
      WHERE {window.holds("ordered_at")} AND uniform('visited', number) < 0.7
      UNION ALL
      SELECT number * 4 + 3, customer, moment(second), NULL, campaign, channel, has_basket
      FROM visits
      UNION ALL
      SELECT -customer * 4 AS visit, customer, registered_at, NULL, {NEVER}, {NEVER}, FALSE
      FROM people WHERE first_order_at IS NULL AND {window.holds("registered_at")}
    ),
    begun AS (
      SELECT *, visit % 4 = 0 AND order_number IS NOT NULL AS buys,
        seen_at - to_seconds(CASE visit % 4 WHEN 0 THEN 600 WHEN 3 THEN 0
          ELSE 3600 + number_below(864000, 'before', visit) END) AS began_at
      FROM visits
    ),
    planned AS (
      SELECT *,
        CASE WHEN buys THEN {_drawn("origin", "order_number")} ELSE {_drawn("came by", "visit")} END AS origin,
        list_concat(
          list_resize(CAST([] AS VARCHAR[]), 1 + number_below(4, 'views', visit), 'product_view'),
          CASE WHEN buys THEN ['add_to_cart', 'checkout', 'purchase']
            WHEN has_basket THEN ['add_to_cart'] ELSE [] END
        ) AS events
      FROM begun
    ),
    placed AS (
      SELECT *, unnest(events) AS event, generate_subscripts(events, 1) AS place FROM planned
    )
    SELECT 'v' || hash(visit) AS visit_id, customer_name(customer) AS customer_id,
      began_at + to_seconds(45 * place) AS happened_at, event,
      CASE WHEN event IN ('product_view', 'add_to_cart')
        THEN product_code(drawn_product('viewed', visit * 8 + place)) END AS product_id,
      CASE WHEN event = 'purchase' THEN order_name(order_number) END AS order_id,
      coalesce(channel_source(channel), {_one_of([source for source, _ in _ORIGINS], "origin")}) AS source,
      coalesce(channel_medium(channel), {_one_of([medium for _, medium in _ORIGINS], "origin")}) AS medium,
      campaign_name(campaign) AS campaign_id
    FROM placed
    WHERE {window.holds("began_at")}
    ORDER BY happened_at, visit, place
    """


# ── the truth ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def true_customers(window: Window) -> str:
    """An expected year is that of the BG/NBD for a customer whose λ and p are known: (1 − exp(−λ p t)) / p."""
    return f"""
    WITH counted AS (
      SELECT customer, count(*) AS orders, count(*) FILTER (WHERE made_by >= 0) AS campaign_orders
      FROM orders WHERE customer >= 0 AND {window.holds("ordered_at")} GROUP BY customer
    ),
    judged AS (
      SELECT *, coalesce(dropped_out_at >= TIMESTAMP '{window.end}', TRUE) AS is_alive
      FROM people JOIN counted USING (customer)
    )
    SELECT customer_name(customer) AS customer_id, rate AS purchases_per_week, p_drop AS p_drop_out,
      mean_value AS expected_order_value, first_order_at,
      CASE WHEN NOT is_alive THEN dropped_out_at END AS dropped_out_at, is_alive,
      CASE WHEN is_alive THEN (1 - exp(-rate * p_drop * 365 / 7)) / p_drop ELSE 0 END AS expected_orders_365d,
      orders, campaign_orders
    FROM judged ORDER BY customer
    """


def true_affinities(shop: Shop) -> str:
    pairs = ", ".join(f"({product}, {partner})" for product, partner in PARTNERS.items())
    return f"""
    SELECT product_code(product) AS product_id, product_code(partner) AS partner_id, {shop.together} AS share
    FROM (VALUES {pairs}) AS pairs(product, partner) ORDER BY product
    """


def _hash(shop: Shop) -> str:
    return f"hash(xor(hash({shop.seed} || purpose), hash(row::BIGINT)))"


def _named() -> str:
    """A noun comes back in another style; no two products have the same name while styles last, then they count."""
    nouns = [names[place] for place in range(6) for names in _CATEGORIES.values()]  # categories in turn, like products
    turn = f"((product - 1) // {len(nouns)})"
    style = _one_of(_STYLES, f"({turn} + product)")
    count = f"CASE WHEN {turn} < {len(_STYLES)} THEN '' ELSE ' ' || (1 + {turn} // {len(_STYLES)}) END"
    return f"{style} || ' ' || {_one_of([noun.lower() for noun in nouns], 'product - 1')} || {count}"


def _drawn(purpose: str, row: str) -> str:
    return f"number_below(1000000, '{purpose}', {row})"


def _one_of(values: Sequence[str], number: str) -> str:
    return f"{list(values)}[1 + ({number}) % {len(values)}]"


def _whens(cases: Mapping[int, int]) -> str:
    return " ".join(f"WHEN {product} THEN {partner}" for product, partner in cases.items())
