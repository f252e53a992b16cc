"""The campaigns of a synthetic shop: touches come before orders, and what a message caused is found again."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2
from test_simulator import LINES, ask

from pipeline.simulator.customers import draw
from pipeline.simulator.programmes import CHANNELS, PROGRAMMES, SEGMENTS, Outreach, Programme, ProgrammeRefused, Step
from pipeline.simulator.shop import Shop
from pipeline.simulator.writing import simulate

WORLD = Shop(customers=20_000, seed=3)
VISITS = '"exports/perennial/web_events"'
CAMPAIGNS, MESSAGES, CONSENTS = (f'"exports/perennial/{name}"' for name in ("campaigns", "messages", "consents"))
ORDERS = (
    f"(SELECT order_id, any_value(customer_id) AS customer_id, min(ordered_at) AS ordered_at FROM {LINES} GROUP BY 1)"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    simulate(WORLD, folder, form="parquet")
    return folder


def ask_one(folder: Path, sql: str) -> tuple[Any, ...]:
    (row,) = ask(folder, sql)
    return row


def outcomes(assigned: str) -> str:
    """Members, each with the orders in the window of their campaign, whatever made them."""
    return f"""
    SELECT {assigned}, members.treated, members.customer_id,
      count(orders.order_id) AS orders, count(orders.order_id) > 0 AS bought
    FROM "truth/members" AS members
    JOIN {CAMPAIGNS} AS campaigns USING (campaign_id)
    LEFT JOIN {ORDERS} AS orders ON orders.customer_id = members.customer_id AND orders.ordered_at > assigned_at
      AND date_diff('day', assigned_at::DATE, orders.ordered_at::DATE) <= window_days
    GROUP BY {assigned}, members.treated, members.customer_id, members.campaign_id
    """


# ── touches and orders ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_touch_comes_before_every_order_it_makes(world: Path) -> None:
    orders, untouched, late, outside = ask_one(
        world,
        f"""
        WITH touches AS (
          SELECT message_id, min(happened_at) FILTER (event = 'sent') AS sent_at,
            min(happened_at) FILTER (event = 'clicked' OR event = 'opened' AND NOT is_machine) AS touched_at
          FROM {MESSAGES} GROUP BY message_id
        )
        SELECT count(*), count(*) FILTER (touched_at IS NULL), count(*) FILTER (touched_at >= ordered_at),
          count(*) FILTER (date_diff('day', members.assigned_at::DATE, ordered_at::DATE) > window_days)
        FROM "truth/campaign_orders" AS made
        JOIN {ORDERS} AS orders USING (order_id)
        JOIN touches USING (message_id)
        JOIN {CAMPAIGNS} AS campaigns USING (campaign_id)
        JOIN "truth/members" AS members ON members.campaign_id = made.campaign_id
          AND members.customer_id = made.customer_id
        """,
    )
    assert orders > 3_000
    assert (untouched, late, outside) == (0, 0, 0)


def test_what_the_shop_records_is_the_last_click_and_not_the_truth(world: Path) -> None:
    recorded, unclicked, made, both = ask_one(
        world,
        f"""
        WITH recorded AS (
          SELECT DISTINCT order_id, campaign_id FROM {LINES} WHERE campaign_id IS NOT NULL
        ),
        clicked AS (
          SELECT DISTINCT order_id FROM recorded JOIN {ORDERS} AS orders USING (order_id)
          JOIN {MESSAGES} AS clicks ON clicks.customer_id = orders.customer_id
            AND clicks.campaign_id = recorded.campaign_id AND event = 'clicked'
            AND ordered_at > happened_at AND ordered_at <= happened_at + INTERVAL 5 DAY
        )
        SELECT (SELECT count(*) FROM recorded), (SELECT count(*) FROM recorded ANTI JOIN clicked USING (order_id)),
          (SELECT count(*) FROM "truth/campaign_orders"),
          (SELECT count(*) FROM recorded JOIN "truth/campaign_orders" USING (order_id, campaign_id))
        """,
    )
    assert unclicked == 0
    assert both < 0.9 * recorded, "orders that would have come anyway are ascribed to a campaign too"
    assert both < 0.95 * made, "and not all that a campaign makes"


def test_what_happens_to_a_message_happens_in_order(world: Path) -> None:
    wrong = ask(
        world,
        f"""
        WITH told AS (
          SELECT message_id, max(campaign_id) AS campaign_id, any_value(channel) AS channel,
            count(*) FILTER (event = 'sent') AS sents, count(*) FILTER (event = 'delivered') AS deliveries,
            count(*) FILTER (event = 'bounced') AS bounces, count(*) FILTER (event = 'opened') AS opens,
            count(*) FILTER (event NOT IN ('sent', 'bounced')) AS further,
            min(happened_at) FILTER (event = 'sent') AS sent_at,
            min(happened_at) FILTER (event = 'delivered') AS delivered_at,
            min(happened_at) FILTER (event NOT IN ('sent', 'bounced', 'delivered')) AS touched_at,
            min(happened_at) FILTER (event = 'bounced') AS bounced_at
          FROM {MESSAGES} WHERE group_name = 'treated' GROUP BY message_id
        )
        SELECT * FROM told JOIN {CAMPAIGNS} AS campaigns USING (campaign_id)
        WHERE sents <> 1 OR bounces + deliveries > 1 OR bounces > 0 AND further > 0 OR deliveries = 0 AND further > 0
          OR coalesce(delivered_at, bounced_at) <= told.sent_at OR touched_at <= delivered_at
          OR told.sent_at < campaigns.sent_at OR opens > 0 AND told.channel <> 'email'
        """,
    )
    assert wrong == []


def test_campaigns_overlap(world: Path) -> None:
    at_once, orders = ask_one(
        world,
        f"""
        WITH running AS (
          SELECT orders.order_id, count(DISTINCT campaign_id) AS campaigns
          FROM {ORDERS} AS orders
          JOIN "truth/members" AS members ON members.customer_id = orders.customer_id AND treated
            AND ordered_at > assigned_at
          JOIN {CAMPAIGNS} AS campaigns USING (campaign_id)
          WHERE date_diff('day', assigned_at::DATE, ordered_at::DATE) <= window_days
          GROUP BY orders.order_id
        )
        SELECT count(*) FILTER (campaigns > 1), count(*) FROM running
        """,
    )
    assert at_once > 0.1 * orders > 500


# ── who gets what ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_is_held_out_gets_nothing(world: Path) -> None:
    (share,) = ask_one(world, 'SELECT avg(is_held_out::INT) FROM "truth/contacts"')
    assert share == pytest.approx(WORLD.outreach.holdout, abs=0.006)
    for file in (MESSAGES, '"truth/members"', '"truth/campaign_orders"'):
        members = ask_one(
            world, f'SELECT count(*) FROM {file} JOIN "truth/contacts" USING (customer_id) WHERE is_held_out'
        )
        assert members == (0,), file


def test_control_members_are_drawn_by_lot_and_have_one_row(world: Path) -> None:
    groups = ask(
        world,
        f"""
        SELECT group_name, count(DISTINCT (campaign_id, customer_id)), count(*), list_sort(list(DISTINCT event))
        FROM {MESSAGES} GROUP BY group_name ORDER BY group_name
        """,
    )
    (_, held, rows, events), (_, sent, *_) = groups
    assert (rows, events) == (held, ["assigned"])
    assert ask_one(world, 'SELECT count(*) FILTER (NOT treated), count(*) FILTER (treated) FROM "truth/members"') == (
        held, sent,
    )  # fmt: skip
    for share, planned, members in ask(
        world,
        f"""
        SELECT 1 - treated / members, control_share::DOUBLE, members
        FROM "truth/campaigns" JOIN {CAMPAIGNS} USING (campaign_id) WHERE members > 100
        """,
    ):
        assert abs(share - planned) < 4 * (planned * (1 - planned) / members) ** 0.5


def test_nobody_gets_a_message_without_consent_on_its_channel(world: Path) -> None:
    sent, without, channels = ask_one(
        world,
        f"""
        WITH valid AS (
          SELECT customer_id, channel, min(changed_at) FILTER (status = 'granted') AS granted_at,
            coalesce(min(changed_at) FILTER (status = 'withdrawn'), TIMESTAMP '2100-01-01') AS withdrawn_at
          FROM {CONSENTS} GROUP BY customer_id, channel
        )
        SELECT count(*), count(*) FILTER (granted_at IS NULL OR happened_at < granted_at
          OR happened_at >= withdrawn_at), count(DISTINCT channel)
        FROM {MESSAGES} AS messages LEFT JOIN valid USING (customer_id, channel) WHERE event IN ('sent', 'assigned')
        """,
    )
    assert sent > 100_000
    assert (without, channels) == (0, len(CHANNELS))
    told, withdrawn = ask_one(
        world,
        f"""
        SELECT count(*), count(consents.customer_id) FROM {MESSAGES} AS messages
        LEFT JOIN {CONSENTS} AS consents ON consents.customer_id = messages.customer_id
          AND consents.channel = messages.channel AND status = 'withdrawn' AND changed_at <= happened_at
        WHERE event IN ('unsubscribed', 'complained')
        """,
    )
    assert told == withdrawn > 200


def test_rules_and_workflows_begin_with_what_triggers_them(world: Path) -> None:
    before = f"""
        SELECT programme, date_diff('day', max(ordered_at)::DATE, assigned_at::DATE) AS silent,
          date_diff('day', min(ordered_at)::DATE, assigned_at::DATE) AS known
        FROM "truth/members" AS members JOIN {CAMPAIGNS} USING (campaign_id)
        JOIN {ORDERS} AS orders ON orders.customer_id = members.customer_id AND ordered_at::DATE < assigned_at::DATE
        GROUP BY programme, campaign_id, members.customer_id, assigned_at
    """
    found = dict(
        ask(world, f"SELECT programme, (min(silent), max(silent), min(known), max(known)) FROM ({before}) GROUP BY 1")
    )
    assert found["win-back"][:2] == (120, 120)
    assert found["welcome"][2:] == (3, 3)
    missing = f"""
        SELECT count(*), count(*) FILTER (NOT EXISTS (
          FROM {VISITS} AS visits WHERE event = 'add_to_cart' AND visits.customer_id = members.customer_id
            AND happened_at::DATE = assigned_at::DATE - 1
        )) FROM "truth/members" AS members WHERE campaign_id LIKE 'abandoned-basket-%'
    """
    baskets, unfounded = ask_one(world, missing)
    assert baskets > 5_000
    assert unfounded < 0.001 * baskets, "a basket filled just before midnight"
    birthdays = """
        SELECT max(days), max(times) FROM (
          SELECT count(DISTINCT strftime(assigned_at, '%m-%d')) AS days, count(*) - count(DISTINCT campaign_id) AS times
          FROM "truth/members" WHERE campaign_id LIKE 'birthday-%' GROUP BY customer_id
        )
    """
    assert ask_one(world, birthdays) == (2, 0), "the day after it in leap years"


# ── machines ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_machines_open_the_share_of_e_mails_that_was_set_and_are_marked_if_told(world: Path, tmp_path: Path) -> None:
    shares = f"""
        SELECT count(DISTINCT message_id) FILTER (is_machine) / count(DISTINCT message_id) FILTER (event = 'delivered'),
          count(DISTINCT message_id) FILTER (NOT is_machine) / count(DISTINCT message_id) FILTER (event = 'delivered'),
          count(is_machine) FILTER (event <> 'opened'), count(*) FILTER (event = 'opened' AND is_machine IS NULL)
        FROM {MESSAGES} WHERE channel = 'email'
    """
    machine, human, beside, unmarked = ask_one(world, shares)
    assert machine == pytest.approx(WORLD.outreach.machine_opens, abs=0.015)
    assert human == pytest.approx(WORLD.outreach.opens, abs=0.03)
    assert (beside, unmarked) == (0, 0)
    silent = Outreach(machine_opens=0.75, machines_marked=False)
    simulate(Shop(customers=2_000, seed=3, outreach=silent), tmp_path)
    told, opened = ask_one(
        tmp_path,
        f"""
        SELECT count(is_machine), count(DISTINCT message_id) FILTER (event = 'opened')
          / count(DISTINCT message_id) FILTER (event = 'delivered') FROM {MESSAGES} WHERE channel = 'email'
        """,
    )
    assert told == 0
    assert opened == pytest.approx(1 - 0.25 * (1 - silent.opens), abs=0.03)


def test_bots_click_within_seconds_and_people_never(world: Path) -> None:
    quick, slow, bursts = ask_one(
        world,
        f"""
        WITH clicks AS (
          SELECT message_id, customer_id, happened_at, min(happened_at) FILTER (event = 'delivered')
            OVER (PARTITION BY message_id) AS delivered_at, event
          FROM {MESSAGES}
        ),
        messages AS (
          SELECT message_id, customer_id,
            count(*) FILTER (happened_at <= delivered_at + INTERVAL 10 SECOND) AS quick,
            count(*) FILTER (happened_at > delivered_at + INTERVAL 10 SECOND) AS slow
          FROM clicks WHERE event = 'clicked' GROUP BY ALL
        )
        SELECT avg(has_scanner::INT) FILTER (quick > 0), max(slow), list_sort(list(DISTINCT quick))
        FROM messages JOIN "truth/contacts" USING (customer_id)
        """,
    )
    assert (quick, slow, bursts) == (1, 1, [0, 3])


# ── what a message caused ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_lift_of_every_segment_is_the_truth(world: Path) -> None:
    """Extra orders per treated member, found by comparing with the control group, against what messages made."""
    found = ask(
        world,
        f"""
        WITH outcomes AS ({outcomes("members.campaign_id, members.segment")}),
        arms AS (
          SELECT campaign_id, segment, treated, avg(orders) AS mean, var_samp(orders) / count(*) AS variance,
            count(*) AS members
          FROM outcomes GROUP BY campaign_id, segment, treated HAVING count(*) > 20
        ),
        compared AS (
          SELECT segment, sum(sent.members * (sent.mean - held.mean)) / sum(sent.members) AS lift,
            sqrt(sum(sent.members ** 2 * (sent.variance + held.variance))) / sum(sent.members) AS error,
            sum(truth.extra_orders) / sum(sent.members) AS planted
          FROM arms AS sent
          JOIN arms AS held USING (campaign_id, segment)
          JOIN "truth/campaign_segments" AS truth USING (campaign_id, segment)
          WHERE sent.treated AND NOT held.treated GROUP BY segment
        )
        SELECT segment, lift, error, planted FROM compared
        """,
    )
    planted = {segment: truth for segment, _, _, truth in found}
    assert planted["regular"] > planted["new"] > planted["inactive"]
    assert planted["regular"] > planted["lapsing"] > planted["inactive"]
    for segment, lift, error, truth in found:
        assert error < truth / 2, segment
        assert abs(lift - truth) < 3 * error, segment


def test_the_truth_adds_up_to_the_cent(world: Path) -> None:
    """Per segment, per campaign and per order, and as the exports have the lines of these orders."""
    sums = "sum(extra_orders), sum(extra_revenue), sum(extra_net_revenue)"
    by_segment, by_campaign = (
        ask_one(world, f'SELECT {sums} FROM "truth/{file}"') for file in ("campaign_segments", "campaigns")
    )
    orders = ask_one(world, 'SELECT count(*), sum(revenue), sum(net_revenue) FROM "truth/campaign_orders"')
    lines = ask_one(
        world,
        f"""
        SELECT count(DISTINCT order_id), sum(amount) FILTER (kind = 'sale'), sum(amount)
        FROM {LINES} SEMI JOIN "truth/campaign_orders" USING (order_id)
        """,
    )
    assert by_segment == by_campaign == orders == lines
    assert ask_one(world, 'SELECT sum(extra_orders) FROM "truth/members"') == (orders[0],)


def test_extra_buyers_are_those_who_would_not_have_bought_in_the_window(world: Path) -> None:
    """From the exports: members with an order that was not sent back whole, and none that would be there anyway."""
    standing = f"(SELECT order_id FROM {LINES} GROUP BY order_id HAVING sum(amount) > 0)"
    bought = f"""
        SELECT members.campaign_id, members.customer_id, bool_and(made.order_id IS NOT NULL) AS is_extra
        FROM "truth/members" AS members
        JOIN {CAMPAIGNS} AS campaigns USING (campaign_id)
        JOIN (FROM {ORDERS} SEMI JOIN {standing} USING (order_id)) AS orders
          ON orders.customer_id = members.customer_id AND ordered_at > coalesce(sent_at, assigned_at)
          AND ordered_at::DATE - coalesce(sent_at, assigned_at)::DATE <= window_days
        LEFT JOIN "truth/campaign_orders" AS made
          ON made.order_id = orders.order_id AND made.campaign_id = members.campaign_id
        GROUP BY members.campaign_id, members.customer_id
    """
    told = 'SELECT campaign_id, customer_id FROM "truth/members" WHERE is_extra_buyer'
    counted = f"SELECT campaign_id, customer_id FROM ({bought}) WHERE is_extra"
    for one, other in ((told, counted), (counted, told)):
        assert ask(world, f"{one} EXCEPT {other}") == []
    made, buyers, told_by_campaign, told_by_segment = ask_one(
        world,
        """
        SELECT count(*) FILTER (extra_orders > 0), count(*) FILTER (is_extra_buyer),
          (SELECT sum(extra_buyers) FROM "truth/campaigns"), (SELECT sum(extra_buyers) FROM "truth/campaign_segments")
        FROM "truth/members"
        """,
    )
    assert buyers == told_by_campaign == told_by_segment
    assert 0.75 * made < buyers < 0.9 * made, "a sixth would have ordered anyway"


def test_a_campaign_costs_what_its_messages_cost(world: Path) -> None:
    wrong = ask(
        world,
        f"""
        WITH sent AS (
          SELECT campaign_id, count(*) FILTER (channel = 'email') AS mails, count(*) FILTER (channel = 'sms') AS texts
          FROM {MESSAGES} WHERE event = 'sent' GROUP BY campaign_id
        )
        SELECT campaign_id, cost, mails, texts FROM {CAMPAIGNS} JOIN sent USING (campaign_id)
        WHERE abs(cost::DOUBLE - 0.002 * mails - 0.07 * texts
          - CASE programme WHEN 'newsletter' THEN 250 WHEN 'sale' THEN 80 WHEN 'app-news' THEN 40
            WHEN 'win-back' THEN 150 ELSE 120 END) > 0.006
        """,
    )
    assert wrong == []


def test_a_shop_that_never_writes_has_the_same_orders_but_for_those_that_messages_make() -> None:
    shop = Shop(customers=3_000, seed=4)
    silent = dataclasses.replace(shop, outreach=Outreach(programmes=()))
    ((with_them,), (without,)) = (list(draw(one)) for one in (shop, silent))
    columns = ("customer", "ordered_at", "value")
    assert without.messages.is_empty()
    assert with_them.orders.filter(pl.col("made_by") < 0).select(columns).equals(without.orders.select(columns))
    assert with_them.orders.filter(pl.col("made_by") >= 0).height > 200


def test_a_shop_that_never_writes_is_a_shop(tmp_path: Path) -> None:
    simulate(Shop(customers=200, outreach=Outreach(programmes=())), tmp_path)
    for file in (CAMPAIGNS, MESSAGES, '"truth/campaign_segments"', '"truth/members"'):
        assert ask(tmp_path, f"FROM {file}") == []


# ── what is planted, and what is not ──────────────────────────────────────────────────────────────────────────────────


def reached(outreach: Outreach) -> pl.DataFrame:
    """Messages that were delivered, with what is true of the contact."""
    (drawn,) = draw(Shop(customers=20_000, seed=8, outreach=outreach))
    contacts = drawn.people.select("customer", "open_rate", "daypart", "reads_by")
    return drawn.messages.filter(pl.col("delivered") >= 0).join(contacts, on="customer")


def p_of(counts: pl.DataFrame) -> float:
    """Chance of differences this large between rows of (yes, n) if all had one rate."""
    yes, n = counts["yes"].to_numpy(), counts["n"].to_numpy()
    rate = yes.sum() / n.sum()
    return float(chi2.sf((((yes - n * rate) ** 2) / (n * rate * (1 - rate))).sum(), len(n) - 1))


def by(frame: pl.DataFrame, key: pl.Expr | str, yes: pl.Expr) -> pl.DataFrame:
    return frame.group_by(key).agg(yes=yes.sum(), n=pl.len())


@pytest.fixture(scope="module")
def planted() -> pl.DataFrame:
    return reached(Outreach())


@pytest.fixture(scope="module")
def alike() -> pl.DataFrame:
    off = Outreach(own_response=False, own_open_rates=False, own_dayparts=False, own_channels=False)
    return reached(off)


def test_segments_respond_differently_only_if_planted(planted: pl.DataFrame, alike: pl.DataFrame) -> None:
    newsletters = pl.col("campaign") < sum(one.programme.name == "newsletter" for one in Shop(1).campaigns)
    responses = [by(frame.filter(newsletters), "segment", pl.col("responded")) for frame in (planted, alike)]
    assert p_of(responses[0]) < 1e-9
    assert p_of(responses[1]) > 0.01
    assert responses[1]["yes"].sum() / responses[1]["n"].sum() == pytest.approx(PROGRAMMES[0].response, rel=0.05)
    assert responses[1]["segment"].n_unique() == len(SEGMENTS)


def test_contacts_open_differently_only_if_planted(planted: pl.DataFrame, alike: pl.DataFrame) -> None:
    opened = (pl.col("opened") >= 0) & ~pl.col("responded")
    mails = (pl.col("channel") == 0) & ~pl.col("responded")
    assert p_of(by(planted.filter(mails), "customer", opened)) < 1e-9
    assert p_of(by(alike.filter(mails), "customer", opened)) > 0.01
    known = planted.filter(mails).with_columns(tenth=(pl.col("open_rate") * 10).floor())
    for tenth, yes, n in by(known, "tenth", opened).filter(pl.col("n") > 2_000).rows():
        assert yes / n == pytest.approx((tenth + 0.5) / 10, abs=0.03)


def test_contacts_open_at_their_own_time_only_if_planted(planted: pl.DataFrame, alike: pl.DataFrame) -> None:
    part = pl.col("opened") % 86400 // 10800
    for frame, is_planted in ((planted, True), (alike, False)):
        opens = frame.filter(pl.col("opened") >= 0).with_columns(part=part)
        base = {number: (opens["part"] == number).mean() for number in range(8)}
        own = {
            number: (opens.filter(pl.col("daypart") == number)["part"] == number).mean()
            for number in (2, 3, 4, 5, 6, 7)
        }
        gains = np.array([own[number] - base[number] for number in own])
        assert (gains > 0.15).all() if is_planted else (abs(gains) < 0.03).all()


def test_contacts_click_in_their_own_channel_only_if_planted(planted: pl.DataFrame, alike: pl.DataFrame) -> None:
    for channel in range(len(CHANNELS)):
        of = pl.col("channel") == channel, ~pl.col("responded")
        clicked = pl.col("clicked") >= 0
        counts = [by(frame.filter(*of), pl.col("reads_by") == channel, clicked) for frame in (planted, alike)]
        assert p_of(counts[0]) < 1e-9, channel
        assert p_of(counts[1]) > 0.01, channel


def test_a_programme_whose_orders_come_after_its_window_is_refused() -> None:
    with pytest.raises(ProgrammeRefused, match="late: orders of its last message come up to 6 days after it"):
        Programme("late", "silence", (Step("email", 9), Step("sms", 9, 7)), 0.1, 12)


def test_addresses_are_of_a_domain_that_nobody_can_own(world: Path) -> None:
    assert ask_one(
        world, "SELECT count(*) FILTER (email NOT LIKE 'c%@example.com') FROM \"exports/perennial/customers\""
    ) == (0,)
