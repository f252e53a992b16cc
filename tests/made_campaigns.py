"""What a shop of thousands of visitors has and a tiny one has not, for pages to show: days between visits, click rates.

What belongs here: rows of the tables of campaigns, made up. What does not: expectations, and anything that claims to be
a result.
"""

import datetime as dt

import polars as pl
from made_products import fill, put
from shop import all_tables

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.tables.rules import polars_type


def make_up_campaigns(engine: DuckDBEngine, day: dt.date) -> None:
    """Of a day whose tables are there."""
    _gaps(engine, day)
    _engagement(engine, day)
    _segments(engine, day)
    _earned(engine, day)
    _programmes(engine, day)
    _answers(engine, day)


def _gaps(engine: DuckDBEngine, day: dt.date) -> None:
    """Half come again within 8 days, of e-mails within 40; the engaged within 5."""
    groups = [
        ("all", "all", 8, 100), ("channel", "email", 40, 40), ("channel", "unknown", 7, 60),
        ("level", "engaged", 5, 90),
    ]  # fmt: skip
    rows = [
        {"grouping": grouping, "group_name": name, "is_selected": grouping == "level", "p25_days": 2,
         "median_days": days, "median_low": days - 2, "median_high": days + 2, "p75_days": 4 * days, "gaps": gaps,
         "ended": gaps - 20, "censored": 20}
        for grouping, name, days, gaps in groups
    ]  # fmt: skip
    fill(engine, day, "engagement_gaps", *rows)


def _engagement(engine: DuckDBEngine, day: dt.date) -> None:
    """Ten engaged customers click 8 of 40 messages, ten who lapse 2 of 40."""
    rows = [
        {"customer_id": f"{level}{n}", "level": level, "clicked": 1 if n < clickers else 0, "opened": 2,
         "click_rate": rate, "recency_days": days}
        for level, rate, clickers, days in (("engaged", 0.15, 8, 20), ("lapsing", 0.1, 2, 120))
        for n in range(10)
    ]  # fmt: skip
    fill(
        engine, day, "engagement", *rows, delivered=4, actions_365d=2, base_click_rate=0.125, prior_weight=20.0,
        explore=False,
    )  # fmt: skip


def _segments(engine: DuckDBEngine, day: dt.date) -> None:
    """By lifecycle the campaigns did most for the lapsing; by group nothing is shown. Half of it is noise."""
    told = [
        ("lifecycle", "active", 0.01, "segments_differ"), ("lifecycle", "defecting", 0.06, "segments_differ"),
        ("grid", "champions", 0.02, "no_difference_shown"), ("grid", "at_risk", 0.03, "no_difference_shown"),
    ]  # fmt: skip
    rows = [
        {"dimension": dimension, "segment": segment, "effect": effect, "effect_low": effect - 0.01,
         "effect_high": effect + 0.01, "shrunk": (effect + 0.03) / 2, "shrunk_low": effect / 2,
         "shrunk_high": (effect + 0.06) / 2, "says": says, "p_holm": 0.01 if says == "segments_differ" else 0.5}
        for dimension, segment, effect, says in told
    ]  # fmt: skip
    fill(
        engine, day, "campaign_uplift_segments", *rows, campaign_id="(all)", arm="treated", metric="conversion",
        treated=50, control=50, mean=0.03, mean_low=0.02, mean_high=0.04, tau=0.01, q=3.0, p_value=0.01,
    )  # fmt: skip


def _earned(engine: DuckDBEngine, day: dt.date) -> None:
    """Of two campaigns that cost 100, one left 50 to 250 and the other something between a loss of 150 and 50."""
    rows = [
        {"campaign_id": name, "revenue": profit + 100, "revenue_low": profit, "revenue_high": profit + 200,
         "gain": profit + 100, "profit": profit, "profit_low": profit - 100, "profit_high": profit + 100,
         "roi": profit / 100, "allowable": (profit + 100) / 50, "worth_it": profit > 100}
        for name, profit in (("sure", 150.0), ("unsure", -50.0))
    ]  # fmt: skip
    common = {
        "snapshot_date": day, "basis": "incremental", "status": "known", "is_final": True, "contacts": 50,
        "margin": 1.0, "is_gross": True, "cost": 100.0, "orders": 10.0, "cost_per_order": 10.0, "cost_per_contact": 2.0,
        "allowable_basis": "measured",
    }  # fmt: skip
    kinds = {name: polars_type(kind) for name, kind in all_tables()["marts.campaign_roi"].column_types().items()}
    told = [dict.fromkeys(kinds) | common | row for row in rows]
    engine.insert("marts.campaign_roi", pl.DataFrame(told, schema=kinds))  # beside those of the shop itself


def _programmes(engine: DuckDBEngine, day: dt.date) -> None:
    """The newsletter caused 2 points in its last quarter and 5 in the one before; of the birthday nothing is shown."""
    told = [
        ("newsletter", "2026-Q1", 0.05, None),
        ("newsletter", "2026-Q2", 0.02, "less"),
        ("birthday", "2026-Q1", 0.0, None),
    ]
    rows = [
        {"programme": programme, "quarter": quarter, "mean": mean, "mean_low": mean - 0.01, "mean_high": mean + 0.01,
         "change": -0.03 if says else None, "change_low": -0.05 if says else None,
         "change_high": -0.01 if says else None, "says": says or "not_known"}
        for programme, quarter, mean, says in told
    ]  # fmt: skip
    put(
        engine, day, "programme_comparison", *rows, metric="conversion", campaigns=2, treated=400, control=100, tau=0.0,
        q=1.0, p_value=0.3,
    )  # fmt: skip


def _answers(engine: DuckDBEngine, day: dt.date) -> None:
    """Champions click twice as often as those at risk; 60 members each."""
    rows = [
        {"segment": segment, "metric": metric, "responses": round(60 * share), "share": share, "share_low": share / 2,
         "share_high": share + 0.1, "shrunk_share": share, "prior_weight": 20.0}
        for segment, clicked in (("champions", 0.2), ("at_risk", 0.1), ("(all)", 0.15))
        for metric, share in (("opened", 0.4), ("clicked", clicked), ("bought", clicked / 2))
    ]  # fmt: skip
    fill(engine, day, "campaign_segments", *rows, programme="newsletter", contacts=60)
