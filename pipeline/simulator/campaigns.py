"""Who gets which message of a synthetic shop, what they do with it, and which orders it makes: drawn day by day.

Each morning the shop knows what happened up to the evening before, as a nightly run does: who entered a segment, who
left a basket, who has not ordered since the last step. Everything of a chunk of customers is done at once. Seconds are
counted from the start of the first day; NEVER is what did not happen. What belongs here: lots. What does not: what may
be chosen (`programmes`), and rows of files (`campaign_files`).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.models.histories import Array
from pipeline.simulator.programmes import (
    CHANNELS,
    DAYPARTS,
    DAYS_TO_ORDER,
    INACTIVE_AFTER,
    LAPSING_AFTER,
    Campaign,
    Outreach,
    Programme,
)

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]
DAY = 86_400  # seconds
NEVER, NO_CONSENT = -1, -(2**40)
RECORDED_WITHIN = 5 * DAY
"""The shop ascribes an order to the campaign that was clicked last, if that was so many seconds before."""
_EMAIL = CHANNELS.index("email")
_LONG_AGO = -(10**6)  # a day before all history
_PART = DAY // DAYPARTS
_AT_HOME, _PROMPT, _CLICKED, _AT_ONCE = 0.7, 0.5, 0.8, 0.6  # shares: in the own daypart, soon after delivery, …


@dataclass(frozen=True)
class Buyers:
    """The customers of a chunk and the orders of the model. A customer is a position; orders lie in order of time."""

    arrived: Numbers
    registered: Numbers
    dropped: Numbers
    """Second of dropping out; beyond the end of the world for who does not."""
    email_until: Numbers
    """Second on which they take consent to e-mail back by themselves; NO_CONSENT where none was given."""
    who: Numbers
    when: Numbers


@dataclass(frozen=True)
class World:
    """What all chunks share."""

    outreach: Outreach
    campaigns: tuple[Campaign, ...]
    first_day: dt.date
    days: int
    hours: Array
    """The part of a day's orders that was placed by each full hour (25,)."""

    def time_of_day(self, chance: Array) -> Numbers:
        seconds: Numbers = (np.interp(chance, self.hours, np.arange(25.0)) * 3600).astype(np.int64)
        return seconds


@dataclass(frozen=True)
class Contacts:
    """What sets the customers of a chunk apart as readers; all (n,)."""

    held_out: Flags
    open_rate: Array
    daypart: Numbers
    reads_by: Numbers
    """Position in CHANNELS of the one they click most."""
    has_proxy: Flags
    has_scanner: Flags
    birthday: Numbers
    """Day of the year, 0 to 364."""
    consent_from: Numbers
    """(channels, n): second from which consent is valid."""
    consent_until: Numbers
    """(channels, n): second from which it is no longer; before `consent_from` where there is none."""

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Of a frame of customers."""
        names = ("held_out", "open_rate", "daypart", "reads_by", "has_proxy", "has_scanner")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Sent:
    """What a chunk got, and what came of it."""

    contacts: Contacts
    messages: pl.DataFrame
    """position, campaign, step, segment, treated, channel, responded, assigned (second), ordered and each event (second
    or NEVER)."""
    made: pl.DataFrame
    """Orders that messages made: position, when, campaign, step."""
    clicks: pl.DataFrame
    """Of people: position, when, campaign, channel."""
    visits: pl.DataFrame
    """Of the web shop, without an order: position, second, has_basket, campaign and channel of the click or NEVER."""


_EVENTS = (
    "sent", "bounced", "delivered", "opened", "machine_opened", "clicked", "bot_clicked", "unsubscribed", "complained",
)  # fmt: skip


_TYPES: dict[str, type[np.generic]] = dict.fromkeys(("position", "campaign", "assigned", "ordered", *_EVENTS), np.int32)
_TYPES |= dict.fromkeys(("segment", "step", "channel"), np.int8) | dict.fromkeys(("treated", "responded"), np.bool_)


def reach(world: World, buyers: Buyers, rng: np.random.Generator) -> Sent:
    """Go through all days of the world."""
    return _Chunk(world, buyers, rng).reach()


@dataclass
class _Chunk:
    """State as of the morning of the day that is drawn."""

    world: World
    buyers: Buyers
    rng: np.random.Generator
    batches: list[dict[str, Numbers]] = field(default_factory=list)
    later: dict[int, list[tuple[Campaign, int, int, Numbers, Numbers]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """Day -> steps that are due: campaign, step, day of the first message, positions, segments."""
    made_on: dict[int, list[Numbers]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        n = len(self.buyers.arrived)
        self.contacts = self._contacts(n)
        self.basket_who, self.basket_when = self._baskets()
        self.basket_cuts = _cuts(self.basket_when, self.world.days)
        self.orders, self.last = np.zeros(n, np.int64), np.full(n, _LONG_AGO)
        self.written = np.full((len(CHANNELS), n), _LONG_AGO)  # day of the last assignment on a channel
        self.years = {programme.name: np.zeros(n, np.int64) for programme in self.world.outreach.programmes}

    def reach(self) -> Sent:
        cuts = _cuts(self.buyers.when, self.world.days)
        for day in range(self.world.days):
            for campaign, step, who, segment in self._due(day):
                if len(who):
                    self._write(campaign, step, day, who, segment)
            for who in (self.buyers.who[cuts[day] : cuts[day + 1]], *self.made_on.pop(day, ())):
                np.add.at(self.orders, who, 1)
                self.last[who] = day
        return self._sent()

    # ── who is due ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _due(self, day: int) -> Iterator[tuple[Campaign, int, Numbers, Numbers]]:
        """(campaign, step, positions, segments) of what is to be sent today."""
        for campaign in (*self._mailings[day], *self._rules[(self.world.first_day + dt.timedelta(days=day)).year]):
            who = self._triggered(campaign.programme, day - campaign.programme.steps[0].after_days)
            if campaign.day is None:
                who = who[self.years[campaign.programme.name][who] != campaign.year]
            yield campaign, 0, who, self._segments(who, day)
        for campaign, step, begun, who, segment in self.later.pop(day, ()):
            still = self.last[who] < begun
            yield campaign, step, who[still], segment[still]

    @cached_property
    def _mailings(self) -> dict[int, list[Campaign]]:
        return _grouped((campaign.day, campaign) for campaign in self.world.campaigns if campaign.day is not None)

    @cached_property
    def _rules(self) -> dict[int, list[Campaign]]:
        return _grouped((campaign.year, campaign) for campaign in self.world.campaigns if campaign.day is None)

    def _triggered(self, programme: Programme, day: int) -> Numbers:
        """Positions of those for whom it begins on that day, of who has ordered before."""
        if programme.trigger == "days":
            return np.flatnonzero(self.orders > 0)
        if programme.trigger == "first_order":
            return np.flatnonzero(self.buyers.arrived // DAY == day)
        if programme.trigger == "birthday":
            of_year = (self.world.first_day + dt.timedelta(days=day)).timetuple().tm_yday - 1
            return np.flatnonzero((self.contacts.birthday == of_year) & (self.orders > 0))
        if programme.trigger == "silence":
            return np.flatnonzero(self.last == day - programme.silent_days)
        left = self.basket_who[self.basket_cuts[max(day - 1, 0)] : self.basket_cuts[max(day, 0)]]
        return np.unique(left[(self.last[left] < day - 1) & (self.orders[left] > 0)])

    def _segments(self, who: Numbers, day: int) -> Numbers:
        silent = day - self.last[who]
        recent = np.where(self.orders[who] == 1, 0, 1)
        return np.where(silent > INACTIVE_AFTER, 3, np.where(silent > LAPSING_AFTER, 2, recent))

    # ── what they get and do ──────────────────────────────────────────────────────────────────────────────────────────

    def _write(self, campaign: Campaign, step: int, day: int, who: Numbers, segment: Numbers) -> None:
        """Assign the members, send to those of them the lot has not left out, and draw what they do."""
        programme, channel = campaign.programme, CHANNELS.index(campaign.programme.steps[step].channel)
        at = int(day * DAY + programme.steps[step].hour * 3600) + self.rng.integers(0, 1800, len(who))
        free = (
            ~self.contacts.held_out[who]
            & (self.contacts.consent_from[channel, who] <= at)
            & (at < self.contacts.consent_until[channel, who])
            & (self.written[channel, who] < day)
        )
        who, at, segment = who[free], at[free], segment[free]
        self.written[channel, who] = day
        treated = self.rng.random(len(who)) >= programme.control if step == 0 else np.ones(len(who), dtype=bool)
        if step == 0:
            self.years[programme.name][who] = campaign.year
            for place, further in enumerate(programme.steps[1:], 1):
                due = day + further.after_days - programme.steps[0].after_days
                self.later[due].append((campaign, place, day, who[treated], segment[treated]))
        events, responded, ordered = self._reactions(programme, channel, who, at, segment, treated)
        self._withdraw(channel, who, events)
        seen = responded & (ordered < self.world.days * DAY)
        for on in np.unique(ordered[seen] // DAY):
            self.made_on[int(on)].append(who[seen & (ordered // DAY == on)])
        columns = {"position": who, "segment": segment, "treated": treated, "responded": responded, "assigned": at,
                   "ordered": np.where(seen, ordered, NEVER), **events}  # fmt: skip
        for name, number in (("campaign", campaign.number), ("step", step), ("channel", channel)):
            columns[name] = np.full(len(who), number)
        self.batches.append({name: column.astype(_TYPES[name]) for name, column in columns.items()})

    def _reactions(
        self, programme: Programme, channel: int, who: Numbers, at: Numbers, segment: Numbers, treated: Flags
    ) -> tuple[dict[str, Numbers], Flags, Numbers]:
        """The second of each event, whether the message makes an order, and when that is placed."""
        outreach, contacts = self.world.outreach, self.contacts
        u = iter(self.rng.random((15, len(who))))
        arrives = next(u) >= outreach.bounces[channel]
        delivered = at + 1 + (60 * next(u)).astype(np.int64)
        touched = delivered + 60 + self._delay(who, delivered + 60, next(u), next(u), next(u))
        clicked = touched + 10 + (110 * next(u)).astype(np.int64) if channel == _EMAIL else touched
        at_once, days = next(u) < _AT_ONCE, next(u)
        ordered = clicked + np.where(at_once, 1200 + 2400 * days, 9000 + (DAYS_TO_ORDER - 2.2) * DAY * days**2)
        ordered = ordered.astype(np.int64)
        alive = ordered < self.buyers.dropped[who] if outreach.own_response else np.ones(len(who), dtype=bool)
        factor = np.array(outreach.factors)[segment] if outreach.own_response else 1.0
        reached = treated & arrives
        responded = reached & alive & (next(u) < programme.response * factor)
        opens = reached & (responded | (next(u) < contacts.open_rate[who]))
        likes = np.where(contacts.reads_by[who] == channel, outreach.favourite, 0.5) if outreach.own_channels else 1.0
        clicks = (next(u) < outreach.clicks[channel] * likes) & (opens if channel == _EMAIL else reached)
        clicks |= responded & ((next(u) < _CLICKED) | (channel != _EMAIL))
        by_mail = reached & (channel == _EMAIL)
        seconds = {
            "sent": (treated, at),
            "bounced": (treated & ~arrives, delivered),
            "delivered": (reached, delivered),
            "opened": (opens & by_mail, touched),
            "machine_opened": (by_mail & contacts.has_proxy[who], delivered + 5 + (1500 * next(u)).astype(np.int64)),
            "clicked": (clicks, clicked),
            "bot_clicked": (by_mail & contacts.has_scanner[who], delivered + 2),
            "unsubscribed": (reached & (next(u) < outreach.unsubscribes), clicked + 30),
            "complained": (by_mail & (next(u) < outreach.complaints), touched + 20),
        }
        return {event: np.where(does, when, NEVER) for event, (does, when) in seconds.items()}, responded, ordered

    def _delay(self, who: Numbers, since: Numbers, kind: Array, home: Array, chance: Array) -> Numbers:
        """Seconds, at most a day: half look soon, the others at the next hour that is theirs."""
        prompt = np.minimum(-np.log1p(-chance) * 7200, DAY - 1).astype(np.int64)
        return np.where(kind < _PROMPT, prompt, (self._time_of_day(who, home, chance) - since) % DAY)

    def _time_of_day(self, who: Numbers, home: Array, chance: Array) -> Numbers:
        own = self.contacts.daypart[who] * _PART + (chance * _PART).astype(np.int64)
        at_home = (home < _AT_HOME) & self.world.outreach.own_dayparts
        return np.where(at_home, own, self.world.time_of_day(chance))

    def _withdraw(self, channel: int, who: Numbers, events: dict[str, Numbers]) -> None:
        until = self.contacts.consent_until[channel]
        for event in ("unsubscribed", "complained"):
            does = events[event] != NEVER
            until[who[does]] = np.minimum(until[who[does]], events[event][does])

    # ── before the first day and after the last ───────────────────────────────────────────────────────────────────────

    def _contacts(self, n: int) -> Contacts:
        outreach, hours = self.world.outreach, self.world.hours
        held_out = self.rng.random(n) < outreach.holdout
        rates = self.rng.beta(outreach.opens * outreach.alikeness, (1 - outreach.opens) * outreach.alikeness, n)
        parts = np.diff(hours[:: 24 // DAYPARTS])
        return Contacts(
            held_out=held_out,
            open_rate=rates if outreach.own_open_rates else np.full(n, outreach.opens),
            daypart=self.rng.choice(DAYPARTS, n, p=parts / parts.sum()),
            reads_by=self.rng.choice(len(CHANNELS), n, p=(0.5, 0.25, 0.25)),
            has_proxy=self.rng.random(n) < outreach.machine_opens,
            has_scanner=self.rng.random(n) < outreach.bot_clicks,
            birthday=self.rng.integers(0, 365, n),
            consent_from=np.tile(self.buyers.registered, (len(CHANNELS), 1)),
            consent_until=consents(self.world, self.buyers.email_until, self.rng),
        )

    def _baskets(self) -> tuple[Numbers, Numbers]:
        """Who fills and leaves one, some weeks after an order of the model, and when; in order of time."""
        after = self.rng.random((2, len(self.buyers.who)))
        some = after[0] < self.world.outreach.baskets
        who = self.buyers.who[some]
        day = self.buyers.when[some] // DAY + 1 + (40 * after[1][some]).astype(np.int64)
        when = day * DAY + self._time_of_day(who, *self.rng.random((2, len(who))))
        order = np.lexsort((who, when))
        return who[order], when[order]

    def _browsing(self) -> tuple[Numbers, Numbers]:
        """Up to two visits in the ten days before an order of the model."""
        who = np.repeat(self.buyers.who, many := self.rng.integers(0, 3, len(self.buyers.who)))
        day = np.repeat(self.buyers.when // DAY, many) - self.rng.integers(1, 11, len(who))
        return who, day * DAY + self._time_of_day(who, *self.rng.random((2, len(who))))

    def _sent(self) -> Sent:
        messages = pl.DataFrame(
            {
                name: np.concatenate([np.empty(0, of), *(batch[name] for batch in self.batches)])
                for name, of in _TYPES.items()
            }
        )
        clicks = messages.filter(pl.col("clicked") != NEVER).select("position", "campaign", "channel", when="clicked")
        made = messages.filter(pl.col("ordered") != NEVER).select("position", "campaign", "step", when="ordered")
        who, when = self._browsing()
        visits = [
            pl.DataFrame({"position": who, "second": when}).with_columns(has_basket=False),
            pl.DataFrame({"position": self.basket_who, "second": self.basket_when}).with_columns(has_basket=True),
            clicks.select("position", "campaign", "channel", second=pl.col("when") + 5, has_basket=False),
        ]
        return Sent(self.contacts, messages, made, clicks, _visits(visits))


def _visits(frames: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(frames, how="diagonal_relaxed").with_columns(pl.col("campaign", "channel").fill_null(NEVER))


def consents(world: World, email_until: Numbers, rng: np.random.Generator) -> Numbers:
    """(channels, n): until when each channel may be used by what they say at registration; the e-mail's is given."""
    lots = rng.random((len(CHANNELS), len(email_until)))
    until = np.where(lots < np.array(world.outreach.consent)[:, None], world.days * DAY, NO_CONSENT)
    until[_EMAIL] = email_until
    return until


def _cuts(seconds: Numbers, days: int) -> Numbers:
    """Where each day begins in moments that are in order; (days + 1,)."""
    return np.searchsorted(seconds, np.arange(days + 1) * DAY)


def recorded(who: Numbers, when: Numbers, clicks: pl.DataFrame) -> tuple[Numbers, Numbers]:
    """(campaign, channel) that the shop ascribes orders to: those of the last click shortly before, or NEVER."""
    if clicks.is_empty():
        return np.full(len(who), NEVER), np.full(len(who), NEVER)
    clicks = clicks.sort("position", "when", "campaign")
    position, clicked = clicks["position"].to_numpy(), clicks["when"].to_numpy()
    span = np.int64(2**32)  # seconds of a customer lie together
    last = np.searchsorted(position * span + clicked, who * span + when) - 1
    fits = (last >= 0) & (position[last] == who) & (when - clicked[last] <= RECORDED_WITHIN)
    campaign, channel = (np.where(fits, clicks[name].to_numpy()[last], NEVER) for name in ("campaign", "channel"))
    return campaign, channel


def _grouped(pairs: Iterable[tuple[int, Campaign]]) -> dict[int, list[Campaign]]:
    groups: dict[int, list[Campaign]] = defaultdict(list)
    for key, campaign in pairs:
        groups[key].append(campaign)
    return groups
