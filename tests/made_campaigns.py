"""What a shop of thousands of visitors has and a tiny one has not, for pages to show: days between visits, click rates.

What belongs here: rows of the tables of campaigns, made up. What does not: expectations, and anything that claims to be
a result.
"""

import datetime as dt

from made_products import fill

from pipeline.engines.duckdb import DuckDBEngine


def make_up_campaigns(engine: DuckDBEngine, day: dt.date) -> None:
    """Of a day whose tables are there."""
    _gaps(engine, day)
    _engagement(engine, day)
    _segments(engine, day)


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
