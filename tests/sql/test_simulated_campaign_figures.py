"""Campaigns of a synthetic shop of 40,000 customers, whole: the figures that its documentation gives, and the truth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from shop import build, open_engine

from pipeline.ingest.exports import find_exports, load_exports
from pipeline.settings import Settings
from pipeline.simulator.shop import Shop
from pipeline.simulator.writing import simulate

pytestmark = pytest.mark.long
DAY, BEFORE = dt.date(2026, 10, 31), dt.date(2026, 4, 30)
TABLES = (
    "campaign_funnel", "campaign_performance", "campaign_roi", "campaign_uplift", "campaign_uplift_segments",
    "channel_attribution", "channel_propensity", "engagement_gaps", "send_times",
)  # fmt: skip

Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop-of-40000")
    simulate(Shop(customers=40_000, years=3, seed=1), folder / "data", form="parquet")
    return folder


@pytest.fixture(scope="module")
def ask(home: Path) -> Iterator[Ask]:
    """Asks the tables of the last day, and preferences of half a year before."""
    settings = Settings(home=home)
    with open_engine(settings) as engine:
        for outcome in load_exports(engine, settings, find_exports(settings, {})):
            assert not isinstance(outcome, Exception), outcome
        build(engine, BEFORE, "marts.channel_propensity")
        build(engine, DAY, *(f"marts.{name}" for name in TABLES))
        yield lambda sql, day=DAY: engine.read(sql, {"day": day}).rows()


def truth(home: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(home / "data" / "truth" / f"{name}.parquet")


def of_day(columns: str, table: str, where: str = "TRUE", by: str = "") -> str:
    grouped = f"GROUP BY {by}" if by else ""
    return f"SELECT {columns} FROM marts.{table} WHERE snapshot_date = $day AND {where} {grouped}"


def test_how_much_there_is(ask: Ask) -> None:
    assert ask("SELECT count(*) FROM staging.order_lines") == [(497_799,)]
    assert ask("SELECT count(*) FROM staging.messages") == [(661_287,)]
    said = ask(of_day("status, count(*)", "campaign_uplift", "metric = 'conversion'", by="status"))
    assert dict(said) == {"known": 47, "running": 4}


def test_how_far_messages_came(ask: Ask) -> None:
    sums = "stage, sum(contacts)::BIGINT, sum(machine_contacts)::BIGINT"
    found = {stage: counts for stage, *counts in ask(of_day(sums, "campaign_funnel", by="stage"))}
    assert [found[stage][0] for stage in ("sent", "opened", "clicked", "bought")] == [
        216_106, 54_807, 19_437, 7_523,
    ]  # fmt: skip
    assert [found[stage][1] for stage in ("opened", "clicked")] == [55_792, 2_880]


def test_what_was_caused_is_found_and_what_is_ascribed_is_not_the_truth(ask: Ask, home: Path) -> None:
    """Clicks are credited with a quarter more than is true, opens and deliveries with what nobody caused."""
    earned = ask(of_day("campaign_id, revenue", "campaign_roi", "basis = 'incremental' AND revenue IS NOT NULL"))
    both = pl.DataFrame(earned, schema=["campaign_id", "found"], orient="row").join(
        truth(home, "campaigns"), on="campaign_id"
    )
    assert both.height == 39
    assert both["found"].sum() == pytest.approx(325_589, abs=1)
    assert float(both["extra_net_revenue"].sum()) == pytest.approx(306_806, abs=1)
    judged = ", ".join(f"'{name}'" for name in both["campaign_id"])
    where = f"model = 'last_touch' AND campaign_id IN ({judged})"
    ascribed = dict(ask(of_day("eligibility, sum(revenue)", "campaign_performance", where, by="eligibility")))
    assert ascribed["click"] == pytest.approx(390_541, abs=1)
    assert ascribed["delivered"] > ascribed["open"] > ascribed["click"] > 1.2 * 306_806


def test_one_mailing(ask: Ask, home: Path) -> None:
    columns = "treated, control, treated_mean, control_mean, effect, effect_low, effect_high"
    where = "campaign_id = 'newsletter-2026-06-17' AND metric = 'conversion'"
    ((treated, control, *shares),) = ask(of_day(columns, "campaign_uplift", where))
    assert (treated, control) == (11_485, 2_866)
    assert shares == pytest.approx([0.1135, 0.0893, 0.0241, 0.0118, 0.0357], abs=5e-5)
    made = truth(home, "campaigns").filter(campaign_id="newsletter-2026-06-17")
    assert made["extra_orders"][0] / made["treated"][0] == pytest.approx(0.0278, abs=5e-5)


def test_what_is_said_of_campaigns_and_segments(ask: Ask) -> None:
    known = "metric = 'conversion' AND status = 'known'"
    said = ask(of_day("says, count(*)", "campaign_uplift", known, by="says"))
    assert dict(said) == {"more": 27, "no_difference_shown": 20}
    where = "campaign_id = '(all)' AND metric = 'conversion' AND dimension = 'lifecycle'"
    found = ask(of_day("segment, round(100 * shrunk, 1)", "campaign_uplift_segments", where))
    assert dict(found) == {"active": 4.4, "first-time": 2.7, "lead": 1.9, "defecting": 1.2, "inactive": 0.5}


def test_models_share_out_the_same_orders(ask: Ask) -> None:
    found = dict(ask(of_day("model, round(conversions)::BIGINT", "channel_attribution", "channel = 'email'")))
    assert {model: found[model] for model in ("last_touch", "first_touch", "linear", "shapley", "markov1")} == {
        "last_touch": 5_491, "first_touch": 3_218, "linear": 4_419, "shapley": 4_163, "markov1": 4_501,
    }  # fmt: skip


def test_what_customers_differ_in(ask: Ask) -> None:
    found = ask(of_day("preference, round(rho, 3), differs", "preference_fit", "level = 'customer'"))
    told = {preference: (rho, differs) for preference, rho, differs in found if preference != "click"}
    assert told == {
        "order_channel": (0.210, True), "email_click": (0.041, True), "sms_click": (0.048, True),
        "push_click": (0.037, True), "daypart": (0.199, True), "weekday": (-0.002, False),
    }  # fmt: skip


NEXT_ORDERS = """
    WITH placed AS (
      SELECT order_id, min(customer_id) AS customer_id, min(ordered_at) AS ordered_at
      FROM staging.order_lines GROUP BY order_id
    ),
    ordered AS (
      SELECT placed.customer_id, channels.channel,
        row_number() OVER (PARTITION BY placed.customer_id ORDER BY placed.ordered_at, placed.order_id) AS place
      FROM placed
      JOIN marts.order_channels AS channels USING (order_id)
      WHERE channels.snapshot_date > $day AND placed.ordered_at::DATE > $day AND channels.channel <> 'unknown'
    ),
    told AS (FROM marts.channel_propensity WHERE snapshot_date = $day),
    own AS (
      SELECT customer_id, max(n) AS n, max(prior_weight) AS weight, max(channel) FILTER (rank = 1) AS likeliest
      FROM told GROUP BY customer_id
    ),
    judged AS (
      SELECT ordered.channel, own.likeliest = ordered.channel AS is_right, base.share AS base_share,
        coalesce(told.share, own.weight * base.share / (own.n + own.weight)) AS share
      FROM ordered
      JOIN own USING (customer_id)
      JOIN told AS base ON base.customer_id = '(all)' AND base.channel = ordered.channel
      LEFT JOIN told ON told.customer_id = ordered.customer_id AND told.channel = ordered.channel
      WHERE ordered.place = 1
    )
    SELECT count(*), avg(is_right::INT), (SELECT max(share) FROM told WHERE customer_id = '(all)'),
      -avg(ln(share)), -avg(ln(base_share))
    FROM judged
"""


def test_the_next_order_is_told_better_by_ones_own_channels(ask: Ask) -> None:
    """Of the first order in the half year after: the likeliest channel is more often right, the log loss is lower."""
    ((orders, right, commonest, loss, base_loss),) = ask(NEXT_ORDERS, BEFORE)
    assert orders > 5_000
    assert right > commonest
    assert loss < base_loss


def test_when_visitors_come_again(ask: Ask) -> None:
    columns = "group_name, p25_days, median_days, p75_days"
    found = ask(of_day(columns, "engagement_gaps", "group_name IN ('all', 'email')"))
    assert sorted(found) == [("all", 3, 8, 40), ("email", 3, 41, 187)]
