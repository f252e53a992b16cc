"""The figures of DEFINITIONS on Complete Journey, as of 31 October 2017: what comes next."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from complete_journey import TYPE, complete_journey
from scipy.stats import hypergeom
from shop import all_tables, build
from sklearn.metrics import roc_auc_score

from pipeline.models.affinity import expected_together, false_discovery_rates, more_than_expected
from pipeline.models.next_items import LEAST
from pipeline.steps.prediction.churn_horizon import churn_horizon
from pipeline.steps.products import next_categories, recommendations
from pipeline.tables.catalog import features

DAY = dt.date(2017, 10, 31)
LATER = dt.date(2018, 12, 31)
LISTED = dt.date(2017, 11, 30)
QUARTERS = ("gap_p25_days", "gap_p50_days", "gap_p75_days")


@pytest.fixture(scope="module")
def groceries(tmp_path_factory):
    with complete_journey(tmp_path_factory.mktemp("journey"), DAY, "marts.next_categories") as shop:
        yield shop


def test_what_is_bought(groceries):
    bought = groceries.select(
        """
        SELECT count(*) AS lines, count(DISTINCT customer_id) AS customers, count(DISTINCT order_id) AS orders,
          count(DISTINCT product_id) AS products, count(DISTINCT category) AS categories, sum(amount)::DOUBLE AS amount
        FROM staging.order_lines
        """
    )
    assert bought.rows() == [(1_441_085, 2_467, 141_053, 67_826, 300, 4_182_472.0)]


def test_weekly_shoppers_have_churned_after_30_days(groceries):
    build(groceries.engine, DAY, "staging.occasions")
    found = churn_horizon(groceries.engine, DAY, dt.date(2017, 7, 1), None)
    assert (found.days, found.before, found.decided_on) == (30, 30, DAY)
    shares = {of.days: of.share for of in found.evidence}
    assert shares == pytest.approx({30: 0.17, 60: 0.09, 90: 0.06, 180: 0.02}, abs=0.01)


def test_the_weight_of_the_shop(groceries):
    fit = groceries.table("marts.next_category_fit")
    chosen = fit.where(is_chosen=True)
    assert chosen.rows("origin", "customers", "prior_weight", "status") == [("2017-10-01", 2_022, 7, "ok")]
    assert chosen.one("log_loss") == pytest.approx(30.338, abs=0.002)


def test_how_good_the_probabilities_are(groceries):
    losses = next_categories.losses_at(groceries.engine, LATER, DAY)
    assert losses.by_weight[7] == pytest.approx(31.373, abs=0.002)
    assert losses.by_weight[5] == pytest.approx(31.364, abs=0.002)
    assert losses.naive == pytest.approx(35.376, abs=0.002)


def test_the_likeliest_category(groceries):
    """How often it comes, and how often it should."""
    found = groceries.select(
        """
        WITH first_again AS (
          SELECT customer_id, min(ordered_on) AS again_on
          FROM staging.order_lines
          WHERE ordered_on > $snapshot_date
          GROUP BY customer_id
        ),
        bought AS (
          SELECT DISTINCT lines.customer_id, lines.category
          FROM staging.order_lines AS lines
          JOIN first_again ON first_again.customer_id = lines.customer_id AND first_again.again_on = lines.ordered_on
        )
        SELECT
          count(*) AS customers,
          avg(predicted.probability) AS said,
          avg(CASE WHEN bought.category IS NULL THEN 0.0 ELSE 1.0 END) AS came
        FROM marts.next_categories AS predicted
        JOIN first_again USING (customer_id)
        LEFT JOIN bought USING (customer_id, category)
        WHERE predicted.snapshot_date = $snapshot_date AND predicted.rank = 1
        """
    )
    assert found.one("customers") == 2_228
    assert found.one("came") == pytest.approx(0.4776, abs=0.002)
    assert found.one("said") == pytest.approx(0.4176, abs=0.002)


def test_a_household(groceries):
    """With m = 5 and a weight of 15.468225 the household buys bread with .618395; with m = 7 it is drawn further."""
    row = groceries.table("marts.next_categories").where(customer_id="1", rank=1)
    assert row.rows("category", "occasions_with", "occasions") == [("BAKED BREAD/BUNS/ROLLS", 28, 36)]
    rate = row.one("base_rate")
    assert rate == pytest.approx(0.279496, abs=1e-6)
    own = 0.618395 * (15.468225 + 5) - 5 * rate
    assert row.one("probability") == pytest.approx((own + 7 * rate) / (15.468225 + 7), abs=1e-5)


def likeliest(weight, places=10):
    """The SELECT of the likeliest categories, with a weight of the shop in the place of the one that was chosen."""
    select = all_tables()["marts.next_categories"].select or ""
    select = select.replace("is_chosen", f"prior_weight = {weight}").replace("rank <= 3", f"rank <= {places}")
    return select.replace("place <= 3", f"place <= {places}")


def test_a_household_by_a_weight_of_five(groceries):
    asked = f"SELECT category, probability FROM ({likeliest(5)}) AS ten WHERE customer_id = '1' AND rank <= 5"
    assert groceries.select(asked).by("category", "probability") == pytest.approx(
        {
            "BAKED BREAD/BUNS/ROLLS": 0.618395,
            "BAG SNACKS": 0.478764,
            "REFRGRATD JUICES/DRNKS": 0.430685,
            "FLUID MILK PRODUCTS": 0.426033,
            "CHEESE": 0.423728,
        },
        abs=1e-6,
    )


@pytest.fixture(scope="module")
def next_baskets(groceries):
    """Every customer who bought again, with every category: what they bought before, and what first of all since."""
    sql = f"SELECT * FROM ({features()['features.item_occasions'].select}) AS asked WHERE level = 'category'"
    bought = groceries.engine.read(sql, {"snapshot_date": LATER})
    bought = bought.with_columns(age=(pl.lit(DAY) - pl.col("occasion_on")).dt.total_days())
    before = bought.filter(pl.col("age") >= 0)
    after = bought.filter(pl.col("age") < 0).join(before, on="customer_id", how="semi")
    truth = after.filter(pl.col("occasion_on") == pl.col("occasion_on").min().over("customer_id"))
    popular = before.group_by("item").agg(popular=(pl.col("age") < 90).sum())
    own = before.group_by("customer_id", "item").agg(own=pl.len(), decayed=(0.5 ** (pl.col("age") / 90)).sum())
    occasions = before.group_by("customer_id").agg(occasions=pl.col("occasion_on").n_unique())
    pairs = truth.select("customer_id").unique().join(popular, how="cross").join(occasions, on="customer_id")
    return pairs.join(own, on=("customer_id", "item"), how="left").fill_null(0), truth


def test_naive_ways_to_name_the_next_basket(next_baskets):
    """Popular in 90 days; own occasions; own occasions of half the weight after 90 days; with the shop's rate."""
    pairs, truth = next_baskets

    def recall(score):
        ranked = pairs.sort(score, "popular", "item", descending=[True, True, False], maintain_order=True)
        ten = ranked.group_by("customer_id", maintain_order=True).head(10).select("customer_id", "item", hit=1)
        found = truth.join(ten, on=("customer_id", "item"), how="left")
        return found.group_by("customer_id").agg(pl.col("hit").fill_null(0).mean())["hit"].mean()

    figures = [recall(score) for score in ("popular", "own", "decayed")]
    assert figures == pytest.approx([0.2377, 0.3395, 0.3454], abs=0.0005)


def test_a_share_of_own_occasions_is_no_probability(next_baskets):
    """With what was never bought at 0 and what always was at 1, but for the bounds that all have: worse than the shop's
    rate for everybody (35.376), as who has bought once would have to buy the same again."""
    pairs, truth = next_baskets
    share = (pl.col("own") / pl.col("occasions")).clip(LEAST, 1 - LEAST)
    both = pairs.join(truth.select("customer_id", "item", came=True), on=("customer_id", "item"), how="left")
    loss = both.select(-pl.when("came").then(share).otherwise(1 - share).log().sum()).item()
    assert loss / truth["customer_id"].n_unique() == pytest.approx(38.469, abs=0.002)


# ── what chance alone brings together ─────────────────────────────────────────────────────────────────────────────────


def test_chance_is_what_the_sizes_of_baskets_make_it(groceries):
    """20,000 baskets keep their sizes, and what is in them is drawn by popularity: pairs are as often together as is
    expected of them, and none stands out. Fisher's test, which knows no sizes, finds more than half of them."""
    baskets = groceries.select(
        """
        SELECT order_id, category FROM staging.order_lines
        WHERE order_id IN (
          SELECT order_id FROM staging.order_lines GROUP BY order_id ORDER BY md5(order_id) LIMIT 20000
        )
        GROUP BY order_id, category
        """
    ).frame
    popular = baskets.group_by("category").len().sort("category")["len"].to_numpy()
    sizes = baskets.group_by("order_id").len().sort("order_id")["len"].to_numpy()
    dice = np.random.default_rng(3)
    has = np.zeros((len(sizes), len(popular)))
    for row, size in zip(has, sizes, strict=True):
        row[dice.choice(len(popular), size=size, replace=False, p=popular / popular.sum())] = 1
    has = has[:, has.sum(axis=0) >= 20]
    places = np.triu_indices(has.shape[1], 1)
    together, each = (has.T @ has)[places], has.sum(axis=0)
    one, other = each[places[0]], each[places[1]]
    expected = expected_together(one, other, sizes.sum(), (sizes * (sizes - 1)).sum())
    assert together.sum() / expected.sum() == pytest.approx(1.009, abs=0.003)
    assert (false_discovery_rates(more_than_expected(together, expected)) <= 0.05).sum() == 0
    fisher = hypergeom.sf(together - 1, len(sizes), one, other)
    assert (false_discovery_rates(fisher) <= 0.05).mean() == pytest.approx(18_228 / 31_125, abs=0.03)


# ── how long items last, with kinds of products as items ──────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    with complete_journey(folder, DAY, "marts.replenishment_due", product=TYPE) as shop:
        yield shop


def test_how_long_items_last(kinds):
    rows = kinds.table("marts.replenishment_products").where(level="product")
    assert len(rows) == 978
    assert rows.frame["gap_p50_days"].null_count() == 172
    by_item = {item: rest for item, *rest in rows.rows("item", "buyers", "gaps", *QUARTERS)}
    assert by_item["FLUID MILK WHITE ONLY"] == [2_146, 26_063, 6, 10, 21]
    assert by_item["BANANAS"] == [1_753, 12_761, 7, 13, 30]
    assert by_item["SHREDDED CHEESE"] == [1_704, 8_111, 11, 23, 56]


def test_who_buys_them_next(kinds):
    """Against what was bought in the 30 days that followed: by the chance more come true than by the due date."""
    pairs = kinds.select(
        """
        WITH bought AS (
          SELECT DISTINCT customer_id, product_id AS item
          FROM staging.order_lines
          WHERE ordered_on > $snapshot_date AND ordered_on <= $snapshot_date + 30
        )
        SELECT due.customer_id, due.item, due.due_status = 'due' AS is_due, due.probability_30d AS p,
          due.mean_gap_days AS gap, CASE WHEN bought.item IS NULL THEN 0 ELSE 1 END AS came
        FROM marts.replenishment_due AS due
        LEFT JOIN bought USING (customer_id, item)
        WHERE due.snapshot_date = $snapshot_date AND due.level = 'product' AND due.purchases > 1
        """
    ).frame
    assert pairs.height == 167_641
    came = pairs["came"].to_numpy()
    assert came.mean() == pytest.approx(0.2511, abs=1e-4)
    due = pairs.filter("is_due")
    assert due.height == pytest.approx(34_237, abs=40)  # half a day is rounded up here
    assert due["came"].mean() == pytest.approx(0.4296, abs=0.003)
    as_many = pairs.sort("p", "customer_id", "item", descending=[True, False, False]).head(due.height)
    assert as_many["came"].mean() == pytest.approx(0.5364, abs=0.003)
    p = pairs["p"].to_numpy()
    own = np.clip(1 - np.exp(-30 / pairs["gap"].to_numpy()), 0.001, 0.999)
    chances = {"cells": p, "the same for all": came.mean(), "own gap": own}
    losses = {name: -np.log(np.where(came == 1, one, 1 - one)).mean() for name, one in chances.items()}
    assert losses == pytest.approx({"cells": 0.4913, "the same for all": 0.5636, "own gap": 0.867}, abs=0.002)
    assert roc_auc_score(came, p) == pytest.approx(0.7284, abs=0.002)


# ── what is recommended, with categories as products ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("weight", "share"), [(7, 0.3478), (5, 0.3505)])
def test_the_ten_likeliest_categories(groceries, weight, share):
    """Share of the first occasion's categories that the ten likeliest name."""
    recall = groceries.select(
        f"""
        WITH again AS (
          SELECT customer_id, min(ordered_on) AS again_on
          FROM staging.order_lines
          WHERE ordered_on > $snapshot_date
          GROUP BY customer_id
        ),
        bought AS (
          SELECT DISTINCT lines.customer_id, lines.category
          FROM staging.order_lines AS lines
          JOIN again ON again.customer_id = lines.customer_id AND again.again_on = lines.ordered_on
        ),
        named AS ({likeliest(weight)})
        SELECT count(DISTINCT customer_id) AS customers, avg(share) AS recall
        FROM (
          SELECT bought.customer_id, avg(CASE WHEN named.category IS NULL THEN 0.0 ELSE 1.0 END) AS share
          FROM bought
          JOIN (SELECT DISTINCT customer_id FROM named) AS known USING (customer_id)
          LEFT JOIN named USING (customer_id, category)
          GROUP BY bought.customer_id
        ) AS shares
        """
    )
    assert recall.one("customers") == 2_228
    assert recall.one("recall") == pytest.approx(share, abs=0.0005)


def test_new_categories_are_found_as_well_as_by_the_best_naive_list(tmp_path):
    with complete_journey(tmp_path, LISTED, "marts.recommendation_validation", product="product_category") as shop:
        rows = shop.table("marts.recommendation_validation")
    assert set(rows.rows("origin", "list", "status")) == {
        ("2017-10-31", "repeat", "ok"),
        ("2017-10-31", "cross_sell", "ok"),
        ("2017-10-31", "up_sell", "insufficient_data"),  # a category is no price band above another
    }
    recall = {
        (name, method): value for name, method, value in rows.where(metric="recall_10").rows("list", "method", "value")
    }
    assert recall["repeat", "personal_frequency"] > 1.2 * recall["repeat", "popular_30d"]
    naive = max(recall["cross_sell", method] for method in ("popular_30d", "popular_90d"))
    assert recall["cross_sell", "similar_customers"] > naive
    difference = rows.where(list="cross_sell", metric="recall_10_difference")
    assert difference.one("value") == pytest.approx(recall["cross_sell", "similar_customers"] - naive)
    assert difference.one("is_published")


@pytest.mark.long
def test_upgrades_are_found_as_well_as_by_the_best_naive_list(groceries):
    """Products one price band above those of the last 180 days, on the first occasion after the day: the shares that
    docs/definitions.md tells."""
    judged = recommendations.judged_at(groceries.engine, LATER, DAY, 2_228)
    sums = judged.filter(list="up_sell").group_by("method").agg(pl.sum("recall_10", "customers"))
    recall = {method: total / customers for method, total, customers in sums.rows()}
    assert recall == pytest.approx({"upgrades": 0.071, "popular_30d": 0.062, "popular_90d": 0.054}, abs=0.002)
