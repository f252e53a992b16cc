"""The figures of DEFINITIONS on the two public data sets: what everybody who knows them expects to see."""

import datetime as dt
from decimal import Decimal

import pytest
from shop import real_shop

from pipeline.settings import SQL_FOLDER, Settings

SUMMARY_TOTALS = """
    SELECT count(*) AS customers, sum(occasions)::BIGINT AS occasions, sum(revenue) AS revenue
    FROM marts.customer_summary WHERE snapshot_date = $snapshot_date
"""
REVENUE_OF = """
    SELECT
      CASE
        WHEN lines.customer_id IS NULL THEN 'guests'
        WHEN summary.customer_id IS NULL THEN 'no occasion'
        ELSE 'customers'
      END AS who,
      count(DISTINCT lines.customer_id) AS customers,
      sum(lines.amount) AS revenue
    FROM staging.order_lines AS lines
    LEFT JOIN marts.customer_summary AS summary
      ON summary.customer_id = lines.customer_id AND summary.snapshot_date = $snapshot_date
    GROUP BY ALL
"""
LEDGER = "SELECT rows_read, accepted, quarantined, superseded, duplicates, without_customer FROM ingest.files"


# ── CDNOW ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_cdnow_is_read_whole(cdnow_master):
    assert cdnow_master.select(LEDGER).rows() == [(69_659, 69_659, 0, 0, 0, 0)]


def test_cdnow_keeps_its_exact_copies(cdnow_master):
    copies = """
        SELECT sum(copies - 1)::BIGINT AS surplus
        FROM (SELECT count(*) AS copies FROM staging.order_lines GROUP BY order_id, quantity, amount) AS grouped
    """
    assert cdnow_master.select(copies).one("surplus") == 255


def test_cdnow_customers_occasions_revenue(cdnow_master):
    assert cdnow_master.select(SUMMARY_TOTALS).rows() == [(23_570, 67_591, Decimal("2500315.63"))]


def test_cdnow_first_and_last_day(cdnow_master):
    days = cdnow_master.select("SELECT min(ordered_on) AS first, max(ordered_on) AS last FROM staging.order_lines")
    assert days.rows() == [("1997-01-01", "1998-06-30")]


def test_cdnow_frequency_scores(cdnow_master):
    # 1 → 1, 2 → 3, 3–4 → 4, 5 and more → 5; nobody has 2: half of all customers ordered once.
    scores = cdnow_master.table("marts.rfm_thresholds").where(measure="frequency", scale="score")
    ranges = {step: (lowest, highest) for step, lowest, highest in scores.rows("step", "lowest", "highest")}
    most = cdnow_master.select("SELECT max(occasions) AS most FROM marts.customer_summary").one("most")
    assert ranges == {1: (1, 1), 2: (None, None), 3: (2, 2), 4: (3, 4), 5: (5, most)}
    once = scores.by("step", "customers")[1]
    assert round(100 * once / 23_570, 1) == 51.1


def test_cdnow_has_nobody_in_the_cells_of_new_customers(cdnow_master):
    # With 41 and 51 empty as DEFINITIONS says, "new" and "promising" are groups without members.
    cells = cdnow_master.table("marts.rfm_crosstab").where(pair="RF", second_score=1)
    assert {r: n for r, n in cells.rows("first_score", "customers") if r >= 4} == {4: 0, 5: 0}


def test_cdnow_shares_of_the_grid(cdnow_master):
    shares = cdnow_master.shares("grid")
    few = shares.pop("cant_lose")
    assert few < 0.1
    assert shares == {
        "hibernating": 36.8, "champions": 17.5, "about_to_sleep": 14.3, "loyal": 13.8, "potential_loyalist": 10.3,
        "need_attention": 4.0, "at_risk": 3.2,
    }  # fmt: skip
    assert len(cdnow_master.table("marts.rfm_segments").where(catalogue="grid", segment="cant_lose")) == 6


def test_cdnow_lifecycle_limits(cdnow_master):
    found = cdnow_master.table("marts.lifecycle_thresholds")
    columns = ("customer_kind", "defecting_days", "defecting_status", "inactive_days", "inactive_status")
    assert found.rows(*columns) == [("one-time", 49, "learnt", 209, "learnt"), ("repeat", 94, "learnt", 256, "learnt")]
    low, high = (found.by("customer_kind", f"defecting_{end}") for end in ("low", "high"))
    assert low["one-time"] < 49 < high["one-time"] and low["repeat"] < 94 < high["repeat"]
    assert found.by("customer_kind", "silences") == {"one-time": 23_570, "repeat": 44_021}


# ── Online Retail, by the built-in source ─────────────────────────────────────────────────────────────────────────────


def test_online_retail_is_read_whole(online_retail):
    assert online_retail.select(LEDGER).rows() == [(541_909, 541_909, 0, 0, 0, 135_080)]


def test_online_retail_orders_and_customers(online_retail):
    counts = (
        "SELECT count(DISTINCT order_id) AS orders, count(DISTINCT customer_id) AS customers FROM staging.order_lines"
    )
    assert online_retail.select(counts).rows() == [(25_900, 4_372)]


def test_online_retail_cancellations(online_retail):
    cancelled = (
        "SELECT count(*) AS lines, count(DISTINCT order_id) AS orders FROM staging.order_lines WHERE order_id LIKE 'C%'"
    )
    assert online_retail.select(cancelled).rows() == [(9_288, 3_836)]
    kinds = "SELECT DISTINCT kind FROM staging.order_lines WHERE order_id LIKE 'C%'"
    assert online_retail.select(kinds).rows() == [("refund",)]


def test_online_retail_orders_of_charges_only(online_retail):
    orders = """
        SELECT order_id FROM staging.order_lines WHERE customer_id IS NOT NULL
        GROUP BY order_id HAVING count(*) FILTER (WHERE kind <> 'charge') = 0
    """
    assert len(online_retail.select(orders)) == 131


def test_online_retail_customers_and_occasions(online_retail):
    # 4,339 and 16,766 with orders of charges only, which are no occasions.
    customers, occasions, _ = online_retail.select(SUMMARY_TOTALS).rows()[0]
    assert (customers, occasions) == (4_335, 16_680)


def test_online_retail_revenue_reconciles(online_retail):
    who = {name: (customers, revenue) for name, customers, revenue in online_retail.select(REVENUE_OF).rows()}
    assert who["guests"] == (0, Decimal("1447682.12"))
    assert who["customers"][0] == 4_335
    assert who["no occasion"][0] == 37
    assert who["customers"][1] + who["no occasion"][1] == Decimal("8300065.81")
    assert sum(revenue for _, revenue in who.values()) == Decimal("9747747.93")
    assert online_retail.select(SUMMARY_TOTALS).one("revenue") == who["customers"][1]


# ── Online Retail, by a source of the user's own that counts charges as sales ─────────────────────────────────────────


@pytest.fixture(scope="module")
def online_retail_with_charges(tmp_path_factory, online_retail_file):
    """The built-in mapping without its line on charges, in a folder of the user's own: it hides the built-in one."""
    home = tmp_path_factory.mktemp("own_source")
    built_in = (SQL_FOLDER / "sources" / "uci_online_retail" / "order_lines.sql").read_text()
    lines = built_in.splitlines(keepends=True)
    own = "".join(line for line in lines if "THEN 'charge'" not in line)
    assert own != built_in
    folder = home / "sources" / "uci_online_retail"
    folder.mkdir(parents=True)
    (folder / "order_lines.sql").write_text(own)
    settings = Settings(home=home, sources_folder="sources")
    with real_shop(settings, "uci_online_retail", online_retail_file, dt.date(2011, 12, 9)) as shop:
        yield shop


def test_the_published_counts_need_charges_as_sales(online_retail_with_charges):
    customers, occasions, revenue = online_retail_with_charges.select(SUMMARY_TOTALS).rows()[0]
    assert (customers, occasions) == (4_339, 16_766)
    assert revenue == Decimal("8300065.81") + Decimal("10411.24")


def test_the_published_customers_with_cancellations_only(online_retail_with_charges):
    who = {
        name: (customers, revenue) for name, customers, revenue in online_retail_with_charges.select(REVENUE_OF).rows()
    }
    assert who["no occasion"] == (33, Decimal("-10411.24"))
    assert who["guests"] == (0, Decimal("1447682.12"))


def test_the_published_shares_of_the_grid(online_retail_with_charges):
    assert online_retail_with_charges.shares("grid") == {
        "hibernating": 32.0, "champions": 12.7, "about_to_sleep": 11.4, "loyal": 15.5, "potential_loyalist": 11.6,
        "need_attention": 2.6, "at_risk": 7.3, "cant_lose": 1.2, "promising": 4.0, "new": 1.5,
    }  # fmt: skip


def test_online_retail_lifecycle_limits_are_not_reached(online_retail):
    found = online_retail.table("marts.lifecycle_thresholds")
    columns = ("defecting_days", "defecting_status", "inactive_days", "inactive_status")
    assert found.rows(*columns) == [(180, "not_reached", 365, "not_reached")] * 2
