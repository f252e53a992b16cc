"""The rows of the files about campaigns as SQL over what was drawn: what a shop would export, and what is true.

`messages` has a number by time, `campaigns` one row per `programmes.Campaign`. What belongs here: SELECTs, written as
those of `queries`. What does not: lots; `campaigns` has drawn them.
"""

from __future__ import annotations

from pipeline.quoting import text_literal
from pipeline.simulator.campaigns import NEVER
from pipeline.simulator.programmes import CHANNELS, SEGMENTS, Campaign
from pipeline.simulator.queries import Window, order_lines
from pipeline.simulator.shop import Shop

ORIGINS = (("newsletter", "email"), ("sms", "sms"), ("app", "push"))
"""(source, medium) of a visit or an order that came by a message, by channel."""
_BOT_CLICKS = 3  # of a message, a second apart


def macros(shop: Shop) -> list[str]:
    """What the SELECTs share. A number that is NEVER has no name."""
    campaigns = shop.campaigns
    return [
        f"CREATE MACRO campaign_name(campaign) AS {_named([one.name for one in campaigns], 'campaign')}",
        f"CREATE MACRO campaign_coupon(campaign) AS {_named([_coupon(one) for one in campaigns], 'campaign')}",
        f"CREATE MACRO channel_name(channel) AS {_named(CHANNELS, 'channel')}",
        f"CREATE MACRO channel_source(channel) AS {_named([source for source, _ in ORIGINS], 'channel')}",
        f"CREATE MACRO channel_medium(channel) AS {_named([medium for _, medium in ORIGINS], 'channel')}",
        f"CREATE MACRO segment_name(segment) AS {_named(SEGMENTS, 'segment')}",
        f"CREATE MACRO moment(second) AS CASE WHEN second <> {NEVER} "
        f"THEN TIMESTAMP '{shop.first_day}' + to_seconds(second) END",
        "CREATE MACRO message_name(number) AS 'm' || lpad(number::VARCHAR, 9, '0')",
    ]


def campaigns(shop: Shop) -> str:
    """One row per campaign of the shop: what was chosen."""
    columns = (
        "campaign, campaign_id, campaign_name, campaign_type, programme, channel, sent_at, window_days, control_share, "
        "fixed_cost, coupon, response"
    )
    rows = [_row(shop, one) for one in shop.campaigns]
    if not rows:
        none = ", ".join(f"NULL AS {column}" for column in columns.split(", "))
        return f"SELECT {none} WHERE FALSE"
    return f"SELECT {columns} FROM (VALUES {', '.join(rows)}) AS chosen({columns})"


def _row(shop: Shop, campaign: Campaign) -> str:
    programme = campaign.programme
    first, title = programme.steps[0], programme.name.replace("-", " ").capitalize()
    sent_at, of = "NULL::TIMESTAMP", str(campaign.year)
    if campaign.day is not None:
        day, seconds = shop.day(campaign.day), int(first.hour * 3600)
        sent_at, of = f"TIMESTAMP '{day}' + to_seconds({seconds})", f"{day.day} {day:%B %Y}"
    coupon = "NULL" if programme.coupon is None else text_literal(_coupon(campaign))
    return (
        f"({campaign.number}, {text_literal(campaign.name)}, {text_literal(f'{title}, {of}')}, '{programme.kind}', "
        f"{text_literal(programme.name)}, '{first.channel}', {sent_at}, {programme.window_days}, {programme.control}, "
        f"{programme.cost}, {coupon}, {programme.response})"
    )


def _coupon(campaign: Campaign) -> str | None:
    coupon = campaign.programme.coupon
    return None if coupon is None else f"{coupon}-{campaign.year}"


# ── what a shop exports ───────────────────────────────────────────────────────────────────────────────────────────────


def sent_campaigns(shop: Shop, window: Window) -> str:
    """Those that have begun; messages are paid for as they are sent."""
    prices = f"{list(shop.outreach.prices)}[messages.channel + 1]"
    return f"""
    WITH begun AS (
      SELECT campaign, max(moment(assigned)) AS updated_at,
        sum(CASE WHEN sent <> {NEVER} THEN {prices} ELSE 0 END) AS paid
      FROM messages WHERE {window.holds("moment(assigned)")} GROUP BY campaign
    )
    SELECT campaign_id, campaign_name, campaign_type, programme, channel, sent_at, window_days, control_share,
      round(fixed_cost + paid, 2)::DECIMAL(18,2) AS cost, 'EUR' AS currency, coupon, updated_at
    FROM campaigns JOIN begun USING (campaign) ORDER BY campaign
    """


def sent_messages(shop: Shop, window: Window) -> str:
    """One row per event, in order of time. Control members have one row, `assigned`, and nothing else.

    The e-mail service tells of opens whether a machine did it, if it tells at all, and of clicks never.
    """
    told = "{}" if shop.outreach.machines_marked else "NULL::BOOLEAN"
    events = [
        ("assigned", f"CASE WHEN treated THEN {NEVER} ELSE assigned END", "NULL::BOOLEAN"),
        *((event, event, "NULL::BOOLEAN") for event in ("sent", "bounced", "delivered")),
        ("opened", "opened", told.format("FALSE")),
        ("opened", "machine_opened", told.format("TRUE")),
        ("clicked", "clicked", "NULL::BOOLEAN"),
        *(("clicked", f"CASE WHEN bot_clicked <> {NEVER} THEN bot_clicked + {place} ELSE {NEVER} END", "NULL::BOOLEAN")
          for place in range(_BOT_CLICKS)),
        *((event, event, "NULL::BOOLEAN") for event in ("unsubscribed", "complained")),
    ]  # fmt: skip
    listed = ", ".join(
        f"{{'place': {place}, 'event': '{event}', 'happened_at': moment({second}), 'is_machine': {machine}}}"
        for place, (event, second, machine) in enumerate(events)
    )
    return f"""
    WITH placed AS (
      SELECT number, campaign, customer, channel, treated, unnest([{listed}]) AS event FROM messages
    )
    SELECT campaign_name(campaign) AS campaign_id, customer_name(customer) AS customer_id, event.event AS event,
      event.happened_at AS happened_at, message_name(number) AS message_id,
      CASE WHEN treated THEN 'treated' ELSE 'control' END AS group_name, channel_name(channel) AS channel,
      event.is_machine AS is_machine
    FROM placed
    WHERE {window.holds("event.happened_at")}
    ORDER BY event.happened_at, number, event.place
    """


def consents(window: Window) -> str:
    """Each channel is granted when a customer registers, and taken back by an unsubscription or without any reason."""
    changes = [
        f"SELECT customer, '{channel}' AS channel, '{status}' AS status, {channel}_{end} AS changed_at, "
        f"'{source}' AS source FROM people WHERE {channel}_from IS NOT NULL"
        for channel in CHANNELS
        for status, end, source in (("granted", "from", "registration"), ("withdrawn", "until", "preferences"))
    ]
    return f"""
    WITH changes AS (
      {" UNION ALL ".join(changes)}
    )
    SELECT customer_name(customer) AS customer_id, 'marketing' AS purpose, channel, status, changed_at, source
    FROM changes
    WHERE changed_at < TIMESTAMP '{window.end}'
    ORDER BY customer, channel, changed_at
    """


# ── the truth ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def true_contacts(window: Window) -> str:
    """How customers read, and who is held out of everything."""
    return f"""
    SELECT customer_name(customer) AS customer_id, held_out AS is_held_out, open_rate, daypart AS best_daypart,
      channel_name(reads_by) AS best_channel, has_proxy, has_scanner
    FROM people WHERE {window.holds("first_order_at")} ORDER BY customer
    """


def true_members(shop: Shop, window: Window) -> str:
    """Who was assigned to what, in which segment they were that day, and whether that made orders, or a buyer.

    Who would have ordered in the window of the campaign anyway is no extra buyer, nor is who has sent everything back.
    """
    buyers = f"(FROM orders WHERE customer IN (SELECT customer FROM orders WHERE made_by <> {NEVER}))"
    return f"""
    WITH kept AS (
      SELECT order_id FROM ({order_lines(shop, window, ("order_id", "amount"), buyers)}) AS lines
      GROUP BY order_id HAVING sum(amount) > 0
    ),
    standing AS (
      SELECT customer, ordered_at, made_by FROM orders JOIN kept ON kept.order_id = order_name(orders.number)
    ),
    assigned AS (
      SELECT campaign, customer, bool_and(treated) AS treated, any_value(segment) AS segment,
        min(moment(assigned)) AS assigned_at, count(*) FILTER (WHERE {window.holds("moment(ordered)")}) AS extra_orders
      FROM messages WHERE {window.holds("moment(assigned)")}
      GROUP BY campaign, customer
    ),
    bought AS (
      SELECT campaign, customer, bool_and(made_by = campaign) AS is_extra_buyer
      FROM assigned JOIN campaigns USING (campaign) JOIN standing USING (customer)
      WHERE extra_orders > 0 AND ordered_at > coalesce(sent_at, assigned_at)
        AND date_diff('day', coalesce(sent_at, assigned_at)::DATE, ordered_at::DATE) <= window_days
      GROUP BY campaign, customer
    )
    SELECT campaign_name(campaign) AS campaign_id, customer_name(customer) AS customer_id, treated,
      segment_name(segment) AS segment, assigned_at, extra_orders, coalesce(is_extra_buyer, FALSE) AS is_extra_buyer
    FROM assigned LEFT JOIN bought USING (campaign, customer)
    ORDER BY campaign, customer
    """


def true_campaign_orders(shop: Shop, window: Window) -> str:
    """The orders there would not be without a message, and what they brought up to the end of the window."""
    lines = order_lines(shop, window, ("order_id", "amount", "kind"), orders=f"(FROM orders WHERE made_by <> {NEVER})")
    return f"""
    WITH paid AS (
      SELECT order_id, sum(amount) FILTER (WHERE kind = 'sale') AS revenue, sum(amount) AS net_revenue
      FROM ({lines}) AS lines GROUP BY order_id
    )
    SELECT order_id, campaign_name(made_by) AS campaign_id, customer_name(orders.customer) AS customer_id,
      message_name(messages.number) AS message_id, segment_name(segment) AS segment,
      revenue::DECIMAL(18,2) AS revenue, net_revenue::DECIMAL(18,2) AS net_revenue
    FROM orders
    JOIN paid ON paid.order_id = order_name(orders.number)
    JOIN messages ON messages.campaign = made_by AND messages.customer = orders.customer AND messages.step = made_step
    ORDER BY orders.number
    """


def true_campaigns(campaign_orders: str, members: str) -> str:
    """Per campaign, and what its messages made in the history."""
    return _made(campaign_orders, members, "campaign_id", "campaigns.response")


def true_campaign_segments(shop: Shop, campaign_orders: str, members: str) -> str:
    """Per campaign and segment of that day; `response` is what was planted there for who has not dropped out."""
    factor = "1"
    if shop.outreach.own_response:
        factor = f"{list(shop.outreach.factors)}[list_position({list(SEGMENTS)}, segment)]"
    return _made(campaign_orders, members, "campaign_id, segment", f"round(campaigns.response * {factor}, 6)")


def _made(campaign_orders: str, members: str, named: str, response: str) -> str:
    return f"""
    WITH made AS (
      SELECT {named}, count(*) AS extra_orders, sum(revenue) AS extra_revenue, sum(net_revenue) AS extra_net_revenue
      FROM ({campaign_orders}) AS campaign_orders GROUP BY {named}
    ),
    counted AS (
      SELECT {named}, count(*) AS members, count(*) FILTER (WHERE treated) AS treated,
        count(*) FILTER (WHERE is_extra_buyer) AS extra_buyers
      FROM ({members}) AS members GROUP BY {named}
    )
    SELECT {named}, {response} AS response, members, treated, coalesce(extra_orders, 0) AS extra_orders,
      extra_buyers, coalesce(extra_revenue, 0)::DECIMAL(18,2) AS extra_revenue,
      coalesce(extra_net_revenue, 0)::DECIMAL(18,2) AS extra_net_revenue
    FROM counted JOIN campaigns USING (campaign_id) LEFT JOIN made USING ({named})
    ORDER BY {named}
    """


def _named(names: list[str] | list[str | None] | tuple[str, ...], number: str) -> str:
    """The name with that number; none for NEVER, as no list has a place before its first."""
    listed = ", ".join("NULL" if name is None else text_literal(name) for name in names)
    return f"([{listed}]::VARCHAR[])[{number} + 1]"
