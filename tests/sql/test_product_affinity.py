"""marts.product_affinity and its fit: pairs by hand, what chance alone gives, and the published figures."""

import datetime as dt
from hashlib import md5

import complete_journey
import numpy as np
import polars as pl
import pytest
from scipy.stats import hypergeom
from shop import RealShop, Rows, Shop, build, days_before, open_engine, real_shop

from pipeline.models.affinity import expected_first, false_discovery_rates
from pipeline.settings import Settings
from pipeline.simulator.queries import PARTNERS
from pipeline.simulator.shop import Shop as Simulated
from pipeline.simulator.writing import simulate
from pipeline.steps.computed import compute_of
from pipeline.tables.catalog import features

AFFINITY, FIT = "marts.product_affinity", "marts.product_affinity_fit"
END = "2026-12-31"


def buy(shop, customer, on, *products, **others):
    """One order of these products."""
    order = f"{customer}-{on}"
    for product in products:
        shop.line(order, on=on, customer=customer, product_id=product, **others)


def tea_and_bread(shop):
    """Forty baskets of forty customers: tea with a cup, or bread alone."""
    for number in range(20):
        buy(shop, f"t{number}", "2026-12-01", "tea", "cup")
        buy(shop, f"b{number}", "2026-12-01", "bread")
    return shop


def said_by(shop, day=END):
    """What the step says of the shop as it is booked."""
    shop.table("staging.orders")
    said = []
    compute_of("affinity")(shop.engine, shop.engine.settings, dt.date.fromisoformat(day), said.append)
    return said


# ── by hand ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pair_by_hand(shop):
    """
    N = 40, S1 = 20 · 2 + 20 = 60, S2 = 20 · 2 = 40: E = 20 · 20 · 40 / 60² = 4.4444, lift (20 + 10) / (4.4444 + 10),
    its lower end 30 · (1 − 1/270 − 1.645 / (3√30))³ / 14.4444. Three items, three pairs that could have been.
    """
    rows = tea_and_bread(shop).table(AFFINITY, END)
    names = ("level", "scope", "item", "other", "rank", "baskets", "customers", "support", "confidence", "lift_raw")
    assert rows.rows(*names) == [
        ("product", "basket", "cup", "tea", 1, 20, 20, 0.5, 1.0, 2.0),
        ("product", "basket", "tea", "cup", 1, 20, 20, 0.5, 1.0, 2.0),
    ]
    tea = rows.where(item="tea")
    low = 30 * (1 - 1 / 270 - 1.645 / (3 * 30**0.5)) ** 3 / (40 / 9 + 10)
    high = 30 * (1 - 1 / 270 + 1.645 / (3 * 30**0.5)) ** 3 / (40 / 9 + 10)
    assert tea.rows("expected", "lift", "lift_low", "lift_high") == [
        tuple(pytest.approx(value) for value in (40 / 9, 30 / (40 / 9 + 10), low, high))
    ]
    at_least_20 = 1 - sum(np.exp(-40 / 9) * (40 / 9) ** k / float(np.prod(np.arange(1.0, k + 1))) for k in range(20))
    assert tea.one("q_value") == pytest.approx(3 * at_least_20, rel=1e-5)
    assert tea.one("is_complementary") is True


def test_what_it_rests_on(shop):
    fit = tea_and_bread(shop).table(FIT, END).where(scope="basket", level="product")
    assert fit.rows("status", "counted", "left_out", "size_limit", "size_sum", "size_pairs", "items", "tests") == [
        ("ok", 40, 0, 100, 60, 40, 3, 3)
    ]
    assert fit.one("size_factor") == pytest.approx(40 * 40 / 60**2)
    assert fit.rows("pairs", "significant", "complementary") == [(1, 1, 1)]


def test_categories_that_are_not_exported_are_told(shop):
    fit = tea_and_bread(shop).table(FIT, END).where(scope="basket", level="category")
    assert fit.rows("status", "counted", "items", "tests", "pairs", "size_limit", "size_factor") == [
        ("not_exported", 0, 0, 0, 0, None, None)
    ]
    assert len(shop.show(AFFINITY, END).where(level="category")) == 0
    assert said_by(shop) == [
        f"{END}: product pairs: 1 go together, of 1 that were seen 5 times in 40 baskets; 3 could have been.",
        f"{END}: no line names a category, so nothing is known of which ones go together.",
        f"{END}: product pairs: 0 follow one another, of 0 that were seen 5 times in 0 occasions; 0 could have been.",
        f"{END}: no line names a category, so nothing is known of which ones follow one another.",
    ]


def test_a_shop_without_orders(shop):
    assert set(shop.table(FIT, END).rows("level", "status")) == {
        ("product", "not_exported"),
        ("category", "not_exported"),
    }


def test_categories_pair_like_products(shop):
    for number in range(20):
        for product, category in (("mug", "cups"), ("glass", "cups"), ("assam", "tea")):
            buy(shop, f"c{number}", "2026-12-01", product, category=category)
    pair = shop.table(AFFINITY, END).where(level="category", item="cups")
    # Two products of a category are one category of the basket.
    assert pair.rows("other", "baskets", "support") == [("tea", 20, 1.0)]


def test_one_customer_does_not_make_a_complement(shop):
    """A pair of 20 baskets, 17 of them of one customer, has four customers: seen often, but by too few."""
    for number in range(17):
        buy(shop, "anna", days_before(number), "tea", "cup")
    for number in range(3):
        buy(shop, f"both{number}", "2026-12-01", "tea", "cup")
    for number in range(10):
        buy(shop, f"t{number}", "2026-12-01", "tea")
        buy(shop, f"c{number}", "2026-12-01", "cup")
        for day in range(30):
            buy(shop, f"b{number}", days_before(day), "bread")
    tea = shop.table(AFFINITY, END).where(item="tea")
    assert tea.rows("other", "baskets", "customers", "is_complementary") == [("cup", 20, 4, False)]
    assert tea.one("q_value") < 0.001 and tea.one("lift_low") > 1.2


@pytest.mark.parametrize(
    ("customers", "baskets_each", "items"), [(10, 2, 2), (9, 3, 0), (19, 1, 0)], ids=["enough", "customers", "baskets"]
)
def test_an_item_needs_20_baskets_of_10_customers(shop, customers, baskets_each, items):
    for number in range(customers):
        for day in range(baskets_each):
            buy(shop, f"c{number}", days_before(day), "tea", "cup")
    fit = shop.table(FIT, END).where(scope="basket", level="product")
    assert fit.rows("items", "status") == [(items, "ok" if items else "insufficient_data")]


def test_only_the_last_365_days_count(shop):
    for number in range(20):
        buy(shop, f"new{number}", days_before(364), "tea", "cup")
        buy(shop, f"old{number}", days_before(365), "tea", "cup")
        buy(shop, f"next{number}", days_before(-1), "tea", "cup")
    assert shop.table(FIT, END).where(scope="basket", level="product").one("counted") == 20


def test_baskets_above_the_limit_are_left_out(shop):
    shop.with_settings(affinity={"largest_basket": 2})
    tea_and_bread(shop)
    buy(shop, "caterer", "2026-12-02", "tea", "cup", "bread")
    fit = shop.table(FIT, END).where(scope="basket", level="product")
    assert fit.rows("counted", "left_out", "size_limit") == [(40, 1, 2)]
    assert shop.show(AFFINITY, END).where(item="tea").one("baskets") == 20


@pytest.mark.parametrize(("most", "limit", "kept"), [(600_000_000, 100, 3), (2_000, 50, 2), (600, 20, 1), (1, 20, 1)])
def test_too_many_pairs_lower_the_limit(shop, most, limit, kept):
    """Baskets of 2, 25 and 60 items hold 2, 600 and 3,540 ordered pairs; 20 is the lowest limit."""
    for size in (2, 25, 60):
        buy(shop, f"c{size}", "2026-12-01", *(f"p{product:02d}" for product in range(size)))
    shop.table("staging.orders")
    query = features()["features.basket_pairs"].declared_select
    rows = Rows(shop.engine.read(query.replace("600000000", str(most)), {"snapshot_date": dt.date(2026, 12, 31)}))
    assert rows.rows("level", "baskets", "kept", "size_limit", "one", "together") == [
        ("product", 3, kept, limit, "", None)
    ]


def test_a_basket_of_5000_lines(shop):
    """Twelve and a half million pairs, of one order: it is left out and told, as its customer is of the sequences."""
    tea_and_bread(shop)
    buy(shop, "caterer", "2026-12-02", *(f"p{number:04d}" for number in range(4_997)), "tea", "cup", "bread")
    assert shop.table(AFFINITY, END).where(item="tea", scope="basket").rows("other", "baskets") == [("cup", 20)]
    fit = shop.show(FIT, END).where(level="product")
    assert fit.rows("scope", "counted", "left_out", "items") == [("basket", 40, 1, 3), ("sequence", 0, 1, 0)]


def test_the_20_best_of_each_item_and_ties_by_what_was_bought_lately(shop):
    """One hub in 22 pairs that are seen alike: first those bought in the last 90 days, then by id."""
    for number in range(20):
        for spoke in range(22):
            on = days_before(10 if spoke in (7, 21) else 200)
            buy(shop, f"c{number}-{spoke}", on, "hub", f"spoke{spoke:02d}")
    rows = shop.table(AFFINITY, END)
    hub = rows.where(item="hub").by("rank", "other")
    assert [hub[rank] for rank in (1, 2, 3, 20)] == ["spoke07", "spoke21", "spoke00", "spoke18"]
    assert len(hub) == 20
    assert rows.where(item="spoke20").rows("other", "rank") == [("hub", 1)]


# ── one after the other ───────────────────────────────────────────────────────────────────────────────────────────────


def phones(shop):
    """
    100 customers bought a phone 200 days ago and 100 a book, all alone on a day; 40 of the first and 5 of the second
    bought a case 150 days ago. So that 100 customers have a case, 55 bought only that, 300 days ago.
    """
    for number in range(100):
        buy(shop, f"p{number}", days_before(200), "phone")
        buy(shop, f"b{number}", days_before(200), "book")
    for customer in (*(f"p{number}" for number in range(40)), *(f"b{number}" for number in range(5))):
        buy(shop, customer, days_before(150), "case")
    for number in range(55):
        buy(shop, f"c{number}", days_before(300), "case")
    return shop


def test_a_sequence_by_hand(shop):
    """
    All occasions have one item, so strata are months. In the month of the phones 45 of 200 occasions of customers who
    have no case are followed by one within 90 days: 22.5 of the 100 phones would be. Six ordered pairs of three items.
    """
    rows = phones(shop).table(AFFINITY, END).where(scope="sequence")
    assert rows.rows("item", "other", "customers", "baskets", "support", "lift_raw") == [
        ("book", "case", 5, None, None, None), ("phone", "case", 40, None, None, None),
    ]  # fmt: skip
    phone = rows.where(item="phone")
    assert phone.rows("confidence", "expected", "lift", "is_complementary") == [
        (0.4, 22.5, pytest.approx(50 / 32.5), False)
    ]
    assert phone.one("lift_low") == pytest.approx(50 * (1 - 1 / 450 - 1.645 / (3 * 50**0.5)) ** 3 / 32.5, rel=1e-6)
    fit = shop.show(FIT, END).where(scope="sequence", level="product")
    names = ("counted", "items", "tests", "pairs", "left_out", "size_limit", "share_drawn")
    assert fit.rows(*names) == [(300, 3, 6, 2, 0, 300, 1.0)]


def test_who_has_the_other_already_is_not_watched(shop):
    phones(shop)
    for number in range(10):
        buy(shop, f"p{60 + number}", days_before(280), "case")  # in no month of phones
    # 10 of the 200 occasions, and of the 100 phones, are of customers with a case: 90 · 45 / 190.
    phone = shop.table(AFFINITY, END).where(scope="sequence", item="phone")
    assert phone.one("expected") == pytest.approx(90 * 45 / 190)
    assert phone.one("confidence") == pytest.approx(40 / 90)


@pytest.mark.parametrize(("most", "share"), [(45, 1.0), (44, 0.5), (1, 0.0625)])
def test_of_customers_with_too_many_pairs_a_part_is_drawn(shop, monkeypatch, most, share):
    """45 customers have a pair of items each; a sixteenth is the least."""
    monkeypatch.setattr("pipeline.steps.products.sequences.MOST_DRAWN", most)
    phones(shop)
    fit = shop.table(FIT, END).where(scope="sequence", level="product")
    digits = {1.0: "g", 0.5: "8", 0.0625: "1"}
    names = [f"{kind}{number}" for kind, of in (("p", 100), ("b", 100), ("c", 55)) for number in range(of)]
    drawn = [name for name in names if md5(name.encode()).hexdigest() < digits[share]]
    occasions = len(drawn) + sum(name in drawn for name in (*names[:40], *names[100:105]))
    assert fit.rows("share_drawn", "counted", "left_out") == [(share, occasions, 0)]


def test_a_purchase_of_the_same_day_or_after_90_days_does_not_follow(shop):
    for number in range(120):
        buy(shop, f"p{number}", days_before(200), "phone")
        later = {0: 200, 1: 110, 2: 109}[number % 3]
        buy(shop, f"p{number}", days_before(later), "case")
    phone = shop.table(AFFINITY, END).where(scope="sequence", item="phone")
    assert phone.rows("customers", "confidence") == [(40, 0.5)]


# ── which of them first ───────────────────────────────────────────────────────────────────────────────────────────────

MONTHS = ("2026-01-10", "2026-06-10")


def tea_before_cups(shop, tea_first):
    """
    Forty baskets of tea and a cup in November, of customers who each had one of them in January and the other in June:
    `tea_first` of them the tea. Others have neither or one: bread, and as many cups as tea in each month.
    """
    for number in range(40):
        first, second = ("tea", "cup") if number < tea_first else ("cup", "tea")
        for product, on in ((first, MONTHS[0]), (second, MONTHS[1])):
            buy(shop, f"t{number}", on, product)
        buy(shop, f"t{number}", "2026-11-10", "tea", "cup")
        buy(shop, f"b{number}", "2026-11-10", "bread")
    for number in range(40 - tea_first):
        buy(shop, f"one{number}", MONTHS[0], "tea")
        buy(shop, f"two{number}", MONTHS[1], "cup")
    for number in range(tea_first):
        buy(shop, f"one{number}", MONTHS[0], "cup")
        buy(shop, f"two{number}", MONTHS[1], "tea")
    return shop


@pytest.mark.parametrize(("tea_first", "first"), [(32, "tea"), (8, "cup"), (24, None)])
def test_what_is_bought_first_against_even_calendars(shop, tea_first, first):
    """Of both items 40 are bought first in January and 40 in June: half would begin with tea."""
    pair = tea_before_cups(shop, tea_first).table(AFFINITY, END).where(scope="basket")
    assert pair.rows("item", "other", "first_item") == [("cup", "tea", first), ("tea", "cup", first)]


def test_what_is_sold_longer_is_no_first(shop):
    """All forty begin with tea, since cups are sold from June on: the calendars say so of everybody."""
    for number in range(40):
        buy(shop, f"t{number}", MONTHS[0], "tea")
        buy(shop, f"t{number}", MONTHS[1], "tea", "cup")
        buy(shop, f"b{number}", MONTHS[1], "bread")
    pair = shop.table(AFFINITY, END).where(scope="basket", item="tea")
    assert pair.rows("other", "is_complementary", "first_item") == [("cup", True, None)]


def test_the_share_that_calendars_make_begin_with_the_one():
    """
    One: 3 first purchases in the first month, 1 in the third. Other: 1, 2 and 1. Before: 3 · (2 + 1) = 9; after:
    1 · 1 + 2 · 1 = 3. And two items of one month each, the same: nothing is known, so a half.
    """
    one, other = np.array([[3, 0, 1], [4, 0, 0]]), np.array([[1, 2, 1], [4, 0, 0]])
    assert expected_first(one, other).tolist() == [0.75, 0.5]


# ── chance, and planted pairs ─────────────────────────────────────────────────────────────────────────────────────────


def test_popular_items_in_big_baskets_are_no_discovery(shop):
    """Small and big baskets of items drawn by popularity: raw lifts far above 1, and nothing that goes together."""
    dice = np.random.default_rng(5)
    popularity = 1 / np.arange(10.0, 70.0)
    for number in range(1_000):
        size = dice.choice([1, 2, 3, 12])
        drawn = dice.choice(60, size=size, replace=False, p=popularity / popularity.sum())
        buy(shop, f"c{number % 400}", days_before(number % 300), *(f"p{product:02d}" for product in drawn))
    fit = shop.table(FIT, END).where(scope="basket", level="product")
    assert fit.rows("tests", "significant", "complementary") == [(1770, 0, 0)]
    assert fit.one("pairs") > 1_000 and fit.one("size_factor") > 1.5
    assert shop.show(AFFINITY, END).frame["lift_raw"].median() > 1.4


@pytest.mark.parametrize("together", [0.3, 0.0], ids=["planted", "not planted"])
def test_pairs_that_the_simulator_plants_are_found_and_no_others(tmp_path, together):
    """Eight pairs in 80,000 orders; with none planted there is nothing to find."""
    shop = Simulated(8_000, products=400, together=together)
    simulate(shop, tmp_path / "shop", "parquet", with_other=False)
    exports = tmp_path / "shop" / "exports" / "perennial" / "order_lines.parquet"
    with real_shop(Settings(home=tmp_path), "perennial", exports, shop.last_day, AFFINITY) as simulated:
        pairs, fit = (simulated.table(name).where(scope="basket", level="product") for name in (AFFINITY, FIT))
    planted = {(f"p{one:04d}", f"p{other:04d}") for one, other in PARTNERS.items()} if together else set()
    found = set(pairs.where(is_complementary=True).rows("item", "other"))
    assert found == planted | {(other, one) for one, other in planted}
    assert fit.one("significant") == fit.one("complementary") == len(planted), "no false pair at q = .05 either"


# ── the published figures ─────────────────────────────────────────────────────────────────────────────────────────────

COLUMNS = ("counted", "size_sum", "size_pairs", "items", "tests", "pairs", "significant", "complementary")


@pytest.fixture(scope="module")
def retail(tmp_path_factory, online_retail_file):
    """Online Retail with the charges of the definitions, which take three stock codes for goods that are none."""
    goods = {"uci_online_retail": {"exempt": ["23444", "23574", "PADS"]}}
    settings = Settings(home=tmp_path_factory.mktemp("retail"), charge_products=goods)
    with real_shop(settings, "uci_online_retail", online_retail_file, dt.date(2011, 12, 9), AFFINITY) as shop:
        yield shop


def test_online_retail(retail):
    fit = retail.table(FIT).where(scope="basket", level="product")
    assert fit.rows(*COLUMNS) == [(17_430, 342_389, 11_990_020, 2_383, 2_838_153, 314_013, 31_312, 16_802)]
    assert fit.one("left_out") == 17_631 - 17_430
    assert fit.one("size_factor") == pytest.approx(1.7827, abs=1e-4)


def test_the_order_of_purchase_in_online_retail_is_mostly_the_calendar(retail):
    """Of 13,620 pairs, an even split would not make the order of 1,474, the calendars not that of 98."""
    rows = retail.table(AFFINITY).where(scope="basket", level="product", is_complementary=True)
    pairs = {(*sorted(pair), first) for *pair, first in rows.rows("item", "other", "first_item")}
    assert len(pairs) == 13_620
    assert sum(first is not None for _, _, first in pairs) == 98


def fishers(shop, level):
    """Pairs that Fisher's test calls more than chance at q = .05; it knows no sizes of baskets."""
    names = ("together", "one_baskets", "other_baskets", "kept", "items")
    sql = f"SELECT {', '.join(names)} FROM ({features()['features.basket_pairs'].select}) AS pairs "
    pairs = shop.select(f"{sql} WHERE level = '{level}' AND one <> ''").frame
    together, one, other, kept, items = (pairs[name].cast(pl.Float64).to_numpy() for name in names)
    chances = hypergeom.sf(together - 1, kept, one, other)
    return int((false_discovery_rates(chances, int(items[0] * (items[0] - 1) / 2)) <= 0.05).sum())


def test_fishers_test_finds_three_times_as_many_in_online_retail(retail):
    """102,174 pairs, where 31,312 are more than the sizes make."""
    assert fishers(retail, "product") == pytest.approx(102_174, rel=1e-3)


def test_first_pairs_of_online_retail(retail):
    rows = retail.table(AFFINITY).where(scope="basket", level="product", rank=1)
    best = rows.frame.sort("lift_low", "item", descending=[True, False])
    assert best.select("item", "other").rows()[:5] == [
        ("23171", "23172"), ("23172", "23171"), ("21086", "21094"), ("21094", "21086"), ("23170", "23171"),
    ]  # fmt: skip
    assert best["lift_low"].to_list()[2:5:2] == [pytest.approx(11.2355, abs=1e-4), pytest.approx(11.0588, abs=1e-4)]
    first = rows.where(item="23171")
    assert first.rows("baskets", "customers") == [(188, 138)]
    assert first.rows("confidence", "lift_raw", "expected", "lift", "lift_low") == [
        tuple(pytest.approx(value, rel=1e-4) for value in (0.7611, 63.174, 5.3051, 12.9368, 11.4625))
    ]
    assert rows.where(item="23172").one("confidence") == pytest.approx(0.8952, abs=1e-4)


@pytest.fixture(scope="module")
def grocer(tmp_path_factory):
    """Complete Journey up to the end of 2017."""
    day = dt.date(2017, 12, 31)
    with open_engine(Settings(home=tmp_path_factory.mktemp("grocer")), complete_journey.files()) as engine:
        complete_journey.load(engine)
        build(engine, day, AFFINITY)
        yield RealShop(engine, day)


@pytest.mark.long
def test_categories_of_complete_journey(grocer):
    fit = grocer.table(FIT).where(scope="basket", level="category")
    assert fit.rows(*COLUMNS) == [(140_972, 1_056_663, 16_330_784, 285, 40_470, 29_177, 6_541, 3_813)]
    assert fit.one("size_factor") == pytest.approx(2.0619, abs=1e-4)
    assert fishers(grocer, "category") == pytest.approx(20_378, rel=1e-3)
    rows = grocer.table(AFFINITY).where(scope="basket", level="category")
    cats = rows.where(item="CAT FOOD", other="CAT LITTER")
    assert cats.one("baskets") == 740
    assert cats.rows("expected", "lift", "lift_low") == [
        tuple(pytest.approx(value, rel=1e-4) for value in (95.771, 7.0908, 6.6703))
    ]
    babies = rows.where(item="BABY HBC", other="DIAPERS & DISPOSABLES")
    assert babies.rows("baskets", "expected", "lift") == [
        (622, pytest.approx(84.7476, rel=1e-4), pytest.approx(6.6704, rel=1e-4))
    ]


@pytest.mark.long
def test_nothing_goes_together_in_shuffled_baskets_of_complete_journey(grocer, tmp_path):
    """20,000 baskets keep their sizes; what is in them is drawn by popularity. Fisher's test finds 18,228 pairs."""
    baskets = grocer.select(
        """
        SELECT order_id, customer_id, category FROM staging.order_lines
        WHERE order_id IN (
          SELECT order_id FROM staging.order_lines GROUP BY order_id ORDER BY md5(order_id) LIMIT 20000
        )
        GROUP BY ALL
        """
    ).frame
    popular = baskets.group_by("category").len().sort("category")
    sizes = baskets.group_by("order_id", "customer_id").len().sort("order_id")
    dice, shares = np.random.default_rng(3), popular["len"].to_numpy() / baskets.height
    with open_engine(Settings(home=tmp_path)) as engine:
        shop = Shop(tmp_path, engine)
        for order, customer, size in sizes.iter_rows():
            drawn = dice.choice(popular.height, size=size, replace=False, p=shares)
            for place in drawn:
                shop.line(order, on="2026-12-01", customer=customer, category=popular["category"][int(place)])
        fit = shop.table(FIT, END).where(scope="basket", level="category")
    assert fit.one("pairs") > 20_000
    assert fit.rows("significant", "complementary") == [(0, 0)]
