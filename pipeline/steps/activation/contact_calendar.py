"""Step `contact_calendar`: when to write to whom in the days ahead, within what a customer is asked to bear."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import get_args

import polars as pl

from pipeline.engines.engine import Engine
from pipeline.sections.activation import HOURS_OF_PART, WEEKDAYS, ContactChannel, Contacts, loud_dayparts, loud_hours
from pipeline.settings import Settings
from pipeline.tables.catalog import with_features

AHEAD_DAYS = 90
_CANDIDATES = """
WITH moments AS (
  SELECT order_number, back_p50_days
  FROM marts.key_moments
  WHERE snapshot_date = $snapshot_date AND cohort = 'all' AND is_main = TRUE AND status = 'known'
),
objected AS (
  SELECT customer_id
  FROM staging.objections
  WHERE since_on <= $snapshot_date
  GROUP BY customer_id
),
people AS (
  SELECT
    whole.customer_id,
    whole.best_contact_channel AS channel,
    whole.revenue_12_months,
    whole.next_need_stage,
    whole.next_need_from,
    whole.repeat_item,
    whole.repeat_due_on,
    whole.repeat_probability_30d,
    whole.next_purchase_from,
    whole.last_purchase_on + moments.back_p50_days::INTEGER AS half_back_on
  FROM marts.customer_360 AS whole
  LEFT JOIN moments ON moments.order_number = whole.occasions
  LEFT JOIN objected ON objected.customer_id = whole.customer_id
  WHERE whole.snapshot_date = $snapshot_date
    AND whole.best_contact_channel IS NOT NULL
    AND objected.customer_id IS NULL
    AND whole.is_held_out = FALSE
),
reasons AS (
  SELECT
    customer_id,
    channel,
    revenue_12_months,
    1 AS priority,
    'need_stage' AS reason,
    next_need_stage AS about,
    next_need_from AS due_on
  FROM people
  UNION ALL
  SELECT
    customer_id,
    channel,
    revenue_12_months,
    2 AS priority,
    'repeat_due' AS reason,
    repeat_item AS about,
    repeat_due_on AS due_on
  FROM people
  CROSS JOIN params.settings AS settings
  WHERE repeat_probability_30d >= settings.audience_due_probability
  UNION ALL
  SELECT
    customer_id,
    channel,
    revenue_12_months,
    3 AS priority,
    'next_purchase' AS reason,
    CAST(NULL AS VARCHAR) AS about,
    next_purchase_from AS due_on
  FROM people
  UNION ALL
  SELECT
    customer_id,
    channel,
    revenue_12_months,
    4 AS priority,
    'half_back' AS reason,
    CAST(NULL AS VARCHAR) AS about,
    half_back_on AS due_on
  FROM people
)
SELECT customer_id, channel, revenue_12_months, priority, reason, about, due_on
FROM reasons
WHERE due_on > $snapshot_date AND due_on <= $snapshot_date + 90
"""
_SENT = """
SELECT
  messages.customer_id,
  coalesce(messages.channel, campaigns.channel) AS channel,
  messages.happened_on,
  count(DISTINCT messages.message_id) AS messages
FROM features.customer_messages AS messages
LEFT JOIN staging.campaigns AS campaigns ON campaigns.campaign_id = messages.campaign_id
WHERE messages.event = 'sent' AND messages.happened_on <= $snapshot_date AND messages.happened_on > $snapshot_date - 365
GROUP BY messages.customer_id, coalesce(messages.channel, campaigns.channel), messages.happened_on
"""

_TIMES = """
SELECT times.scope, times.id, times.part, times.rank
FROM marts.send_times AS times
LEFT JOIN marts.customer_360 AS whole
  ON whole.customer_id = times.id AND times.scope = 'contact' AND whole.snapshot_date = $snapshot_date
WHERE times.snapshot_date = $snapshot_date
  AND times.dimension = 'daypart'
  AND (times.scope = 'base' OR whole.best_contact_channel IS NOT NULL)
"""


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    return {"candidates": _CANDIDATES, "sent": with_features(_SENT), "times": _TIMES}


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """The contacts of the next 90 days."""
    candidates = engine.read(queries()["candidates"], {"snapshot_date": day})
    if candidates.is_empty():
        return {}
    due = _one_a_day(candidates, settings.contacts.quiet, day)
    since = day - dt.timedelta(settings.contacts.days)
    sent = engine.read(queries()["sent"], {"snapshot_date": day}).filter(pl.col("happened_on") > since)
    kept = within_caps(due, sent.join(due, on="customer_id", how="semi"), settings.contacts)
    log(f"{day}: {kept.height:,} contacts are planned; caps leave out {due.height - kept.height:,}.")
    place = pl.col("contact_on").rank("ordinal").over("customer_id").cast(pl.Int32)
    timed = with_hours(kept, engine.read(queries()["times"], {"snapshot_date": day}), settings.contacts)
    return {"contact_calendar": timed.with_columns(place=place).drop("priority")}


def with_hours(contacts: pl.DataFrame, times: pl.DataFrame, caps: Contacts) -> pl.DataFrame:
    """With from_hour, to_hour and hours_of: the likeliest part of the day that is not quiet, of the customer, else of
    all, else the longest time that is not quiet. `times`: scope (contact or base), id, part, rank.
    """
    channels: tuple[ContactChannel, ...] = get_args(ContactChannel)
    loud = pl.DataFrame(
        [(channel, part) for channel in channels for part in loud_dayparts(caps.quiet_hours.get(channel))],
        schema={"channel": pl.String, "part": pl.Int32}, orient="row",
    )  # fmt: skip
    spans = pl.DataFrame(
        [
            (channel, *max(loud_hours(caps.quiet_hours.get(channel)), key=lambda span: span[1] - span[0]))
            for channel in channels
        ],
        schema={"channel": pl.String, "since": pl.Int32, "until": pl.Int32}, orient="row",
    )  # fmt: skip
    first = (
        times.with_columns(pl.col("part").cast(pl.Int32)).join(loud, on="part").sort("rank", "part")
        .unique(["scope", "id", "channel"], keep="first", maintain_order=True)
    )  # fmt: skip
    own = first.filter(pl.col("scope") == "contact").select("channel", customer_id="id", own="part")
    of_all = first.filter(pl.col("scope") == "base").select("channel", of_all="part")
    start = pl.coalesce("own", "of_all") * HOURS_OF_PART
    return (
        contacts.join(own, on=["customer_id", "channel"], how="left")
        .join(of_all, on="channel", how="left")
        .join(spans, on="channel", how="left")
        .with_columns(
            from_hour=pl.coalesce(start, "since"),
            to_hour=pl.coalesce(start + HOURS_OF_PART, "until"),
            hours_of=pl.when(pl.col("own").is_not_null())
            .then(pl.lit("customer"))
            .when(pl.col("of_all").is_not_null())
            .then(pl.lit("all"))
            .otherwise(pl.lit("settings")),
        )
        .drop("own", "of_all", "since", "until")
    )


def _one_a_day(candidates: pl.DataFrame, quiet: Sequence[str], day: dt.date) -> pl.DataFrame:
    """With contact_on, the first day from due_on on that is not quiet; of a customer's reasons on it the first."""
    days = candidates.select("due_on").unique()
    moved = days.with_columns(
        contact_on=pl.Series([_not_quiet(on, quiet) for on in days["due_on"].to_list()], dtype=pl.Date)
    )
    return (
        candidates.join(moved, on="due_on")
        .filter(pl.col("contact_on") <= day + dt.timedelta(AHEAD_DAYS))
        .sort("priority", "due_on", "about")
        .unique(["customer_id", "contact_on"], keep="first", maintain_order=True)
    )


def _not_quiet(on: dt.date, quiet: Sequence[str]) -> dt.date:
    while WEEKDAYS[on.weekday()] in quiet:
        on += dt.timedelta(1)
    return on


def within_caps(due: pl.DataFrame, sent: pl.DataFrame, caps: Contacts) -> pl.DataFrame:
    """The contacts that caps allow: day by day, on each the customers with the most revenue of 12 months first.

    What was sent counts, and what was planned for earlier days. `sent`: customer_id, channel, happened_on, messages.
    """
    most = pl.col("channel").replace_strict({"email": caps.email, "sms": caps.sms, "push": caps.push})
    borne = sent.select("customer_id", "channel", "messages", on="happened_on")
    kept = [due.clear()]
    for (on,), asked in due.sort("contact_on").group_by("contact_on", maintain_order=True):
        borne = borne.filter(pl.col("on") > on - dt.timedelta(caps.days))
        recent = (
            borne.join(asked.select("customer_id", by="channel"), on="customer_id")
            .group_by("customer_id")
            .agg(in_all=pl.sum("messages"), alike=pl.col("messages").filter(pl.col("channel") == pl.col("by")).sum())
        )
        fits = (
            asked.join(recent, on="customer_id", how="left")
            .filter(pl.col("in_all").fill_null(0) < caps.most, pl.col("alike").fill_null(0) < most)
            .sort("revenue_12_months", "customer_id", descending=[True, False], nulls_last=True)
            .select(due.columns)
            .head(asked.height if caps.most_a_day is None else caps.most_a_day)
        )
        kept.append(fits)
        borne = pl.concat([borne, fits.select("customer_id", "channel", messages=pl.lit(1, pl.Int64), on="contact_on")])
    return pl.concat(kept)
