"""Who arrives when, buys when and for how much: drawn with numpy, a chunk of people at once.

The generator of a chunk is seeded by the shop's seed and the place of the chunk, never by what was drawn before. What
belongs here: draws that need a distribution. What does not: what an order looks like; `queries` makes it of hashes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.models.histories import Array
from pipeline.models.simulation import Traits, draw_traits, purchases
from pipeline.simulator.campaigns import DAY, NEVER, NO_CONSENT, Buyers, Numbers, World, consents, reach, recorded
from pipeline.simulator.programmes import CHANNELS
from pipeline.simulator.shop import MOST_NIGHTS, Shop

CHUNK = 100_000
"""Customers drawn at once. Part of the truth: another size makes another shop."""
_HOURS = (1, 0, 0, 0, 0, 1, 2, 4, 6, 8, 9, 9, 10, 8, 8, 8, 9, 10, 11, 12, 13, 11, 7, 3)  # how busy, from midnight on
_WITHDRAWN_AFTER_DAYS = 1500.0
_OF_CAMPAIGNS = 1  # the generator that draws them: without campaigns, everything else stays as it is
Moments = NDArray[np.datetime64]


@dataclass(frozen=True)
class Calendar:
    """How busy the days are. Moments are days since the start of the first day, with a fraction.

    Time runs faster on busy days: a process with a steady rate in `busy` time has the season in calendar time.
    """

    shop: Shop

    @cached_property
    def _days(self) -> Array:
        return np.arange(self.shop.days + MOST_NIGHTS + 1, dtype=np.float64)

    @cached_property
    def _weights(self) -> Array:
        days = [self.shop.day(number) for number in range(len(self._days) - 1)]
        weights = np.array([self.shop.months[day.month - 1] * self.shop.weekdays[day.weekday()] for day in days])
        return np.asarray(weights / weights[: self.shop.days].mean())

    @cached_property
    def _busy(self) -> Array:
        return np.concatenate([[0.0], self._weights.cumsum()])

    @cached_property
    def _arrived(self) -> Array:
        """The part of the shop's customers that have come by the start of each day; 1 at the end of the history."""
        growing = self._weights * (1 + self.shop.growth) ** (self._days[:-1] / 365.25)
        so_far = np.concatenate([[0.0], growing.cumsum()])
        return np.asarray(so_far / so_far[self.shop.days])

    @property
    def people(self) -> int:
        """Customers until the end of the world, which is some days after the end of the history."""
        return int(self.shop.customers * self._arrived[-1])

    def busy(self, days: Array) -> Array:
        return np.interp(days, self._days, self._busy)

    def calendar(self, busy: Array) -> Array:
        return np.interp(busy, self._busy, self._days)

    def arrivals(self, numbers: Numbers, of: float, rng: np.random.Generator) -> Array:
        """When the people with these numbers arrive, of so many until the last day; by number, each in a slot."""
        return np.interp((numbers + rng.random(len(numbers))) / of, self._arrived, self._days)

    @cached_property
    def hours(self) -> Array:
        """The part of a day's orders that was placed by each full hour (25,)."""
        return np.asarray(np.concatenate([[0.0], np.cumsum(_HOURS)]) / np.sum(_HOURS))

    def seconds(self, days: Array) -> Numbers:
        """Since the start of the first day, in the shop's time; more of them in the evening than at night."""
        whole = np.floor(days)
        hours = np.interp(days - whole, self.hours, np.arange(25.0))
        seconds = whole * DAY + np.minimum(np.floor(hours * 3600), DAY - 1)
        return np.asarray(seconds, dtype=np.int64)

    def moments(self, seconds: Numbers) -> Moments:
        moments: Moments = np.datetime64(self.shop.first_day, "us") + seconds.astype("timedelta64[s]")
        return moments


@dataclass(frozen=True)
class Drawn:
    """Frames of one chunk. A customer is a number from 0 on; guests have negative ones, leads those after the last."""

    people: pl.DataFrame
    """customer, registered_at, consent to each channel (such as email_from, email_until; from is null where none was
    given); of customers also rate (per week), p_drop, mean_value, first_order_at, dropped_out_at, and how they read."""
    orders: pl.DataFrame
    """customer, ordered_at, value; campaign and channel of the click the shop ascribes it to, made_by and made_step
    of the message that made it; all four -1 where there is none."""
    messages: pl.DataFrame
    """Those of `campaigns.Sent`, with customer."""
    visits: pl.DataFrame
    """Those of `campaigns.Sent`, with customer."""


def draw(shop: Shop) -> Iterator[Drawn]:
    """Everybody of the shop, chunk by chunk."""
    calendar = Calendar(shop)
    for place, first in enumerate(range(0, calendar.people, CHUNK)):
        numbers = np.arange(first, min(first + CHUNK, calendar.people))
        ours, theirs = (np.random.default_rng([shop.seed, place, *of]) for of in ((), (_OF_CAMPAIGNS,)))
        yield _Chunk(calendar, numbers, ours, theirs).draw()


@dataclass(frozen=True)
class _Chunk:
    calendar: Calendar
    numbers: Numbers
    rng: np.random.Generator
    rng_of_campaigns: np.random.Generator

    @property
    def _shop(self) -> Shop:
        return self.calendar.shop

    def draw(self) -> Drawn:
        """The order of the steps is the order in which the generator is asked: to change it changes every shop."""
        arrived = self.calendar.arrivals(self.numbers, self._shop.customers, self.rng)
        registered = arrived - self._before_the_first_order(len(arrived))
        email_until = self._email_until(registered)
        traits = draw_traits(self._shop.timing, len(arrived), self.rng)
        who, when = self._purchases(arrived, traits)
        dropped = self._dropped(arrived, traits)
        value_rate = self.rng.gamma(self._shop.spend.q, 1 / self._shop.spend.v, len(arrived))
        orders = self._orders(self.numbers[who], self._seconds(when), value_rate[who], self.rng)
        guests, leads = self._guest_orders(), self._leads()

        by_time = np.lexsort((who, when))
        buyers = Buyers(
            arrived=self._seconds(arrived),
            registered=self._seconds(registered),
            dropped=self._seconds(dropped),
            email_until=self._seconds(email_until),
            who=who[by_time],
            when=self._seconds(when[by_time]),
        )
        sent = reach(self._world, buyers, self.rng_of_campaigns)
        people = {
            "rate": traits.rate,
            "p_drop": traits.p_drop,
            "mean_value": self._shop.spend.p / value_rate,
            "first_order_at": self._moments(buyers.arrived),
            "dropped_out_at": self._moments(buyers.dropped),
        }
        known = self._registered(self.numbers, buyers.registered, sent.contacts.consent_until)
        known = known.with_columns(**people, **sent.contacts.columns())
        orders = pl.concat([orders, self._made(sent.made, value_rate), guests], how="diagonal")
        return Drawn(
            pl.concat([known, leads], how="diagonal"),
            self._ascribed(orders, sent.clicks),
            self._named(sent.messages),
            self._named(sent.visits),
        )

    @property
    def _world(self) -> World:
        shop = self._shop
        return World(shop.outreach, shop.campaigns, shop.first_day, shop.days + MOST_NIGHTS, self.calendar.hours)

    def _purchases(self, arrived: Array, traits: Traits) -> tuple[Numbers, Array]:
        """(position in the chunk, moment) of all orders of the model; the first of everybody come first."""
        start = self.calendar.busy(arrived)
        weeks_left = (self.calendar.busy(np.array([np.inf])) - start) / 7
        who, busy = [np.arange(len(arrived))], [start]
        for buyers, weeks in purchases(traits, weeks_left, self.rng):
            who.append(buyers)
            busy.append(start[buyers] + 7 * weeks)
        return np.concatenate(who), self.calendar.calendar(np.concatenate(busy))

    def _dropped(self, arrived: Array, traits: Traits) -> Array:
        gone = np.isfinite(traits.dies_at)
        when = np.full(len(arrived), np.inf)
        when[gone] = self.calendar.calendar(self.calendar.busy(arrived[gone]) + 7 * traits.dies_at[gone])
        return when

    def _email_until(self, registered: Array) -> Array:
        """When consent to e-mail ends; -inf = none was given. Most never withdraw it in time."""
        until = registered + self.rng.exponential(_WITHDRAWN_AFTER_DAYS, len(registered))
        return np.where(self.rng.random(len(registered)) < self._shop.outreach.consent[0], until, -np.inf)

    def _before_the_first_order(self, n: int) -> Array:
        """Days: most register at the till, the others look around for some weeks."""
        return np.where(self.rng.random(n) < 0.7, 1e-4, 20 * self.rng.random(n))

    def _orders(self, customers: Numbers, when: Numbers, value_rate: Array, rng: np.random.Generator) -> pl.DataFrame:
        value = rng.gamma(self._shop.spend.p, 1 / value_rate)
        return pl.DataFrame({"customer": customers, "second": when, "value": value})

    def _guest_orders(self) -> pl.DataFrame:
        numbers = _of_chunk(self.numbers, self._shop.guests)
        when = self.calendar.arrivals(numbers, self._shop.guests * self._shop.customers, self.rng)
        value_rate = self.rng.gamma(self._shop.spend.q, 1 / self._shop.spend.v, len(numbers))
        return self._orders(-1 - numbers, self._seconds(when), value_rate, self.rng)

    def _made(self, made: pl.DataFrame, value_rate: Array) -> pl.DataFrame:
        """Orders that messages made: as large as the others of these customers."""
        who = made["position"].to_numpy()
        when = made["when"].to_numpy().astype(np.int64)
        orders = self._orders(self.numbers[who], when, value_rate[who], self.rng_of_campaigns)
        return orders.with_columns(made_by=made["campaign"], made_step=made["step"])

    def _ascribed(self, orders: pl.DataFrame, clicks: pl.DataFrame) -> pl.DataFrame:
        """With the campaign and the channel that the shop records, and moments instead of seconds."""
        position = orders["customer"].to_numpy() - self.numbers[0]
        campaign, channel = recorded(position, orders["second"].to_numpy(), clicks)
        return orders.select(
            "customer",
            ordered_at=self._moments(orders["second"].to_numpy()),
            value="value",
            campaign=campaign,
            channel=channel,
            made_by=pl.col("made_by").fill_null(NEVER),
            made_step=pl.col("made_step").fill_null(NEVER),
        )

    def _leads(self) -> pl.DataFrame:
        numbers = _of_chunk(self.numbers, self._shop.leads)
        registered = self.calendar.arrivals(numbers, self._shop.leads * self._shop.customers, self.rng)
        email_until = self._seconds(self._email_until(registered))
        until = consents(self._world, email_until, self.rng_of_campaigns)
        return self._registered(self.calendar.people + numbers, self._seconds(registered), until)

    def _registered(self, numbers: Numbers, registered: Numbers, until: Numbers) -> pl.DataFrame:
        moments = {"registered_at": registered}
        for channel, ends in zip(CHANNELS, until, strict=True):
            moments[f"{channel}_from"] = np.where(ends > registered, registered, self._end)
            moments[f"{channel}_until"] = np.maximum(ends, registered)
        return pl.DataFrame({"customer": numbers} | {name: self._moments(when) for name, when in moments.items()})

    def _named(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(customer=pl.col("position").cast(pl.Int64) + int(self.numbers[0])).drop("position")

    @property
    def _end(self) -> int:
        """The second at which the world ends."""
        return (self._shop.days + MOST_NIGHTS) * DAY

    def _seconds(self, days: Array) -> Numbers:
        """Never is the end of the world; before all time is NO_CONSENT."""
        some = np.isfinite(days)
        seconds = np.minimum(self.calendar.seconds(np.where(some, days, 0.0)), self._end)
        return np.where(some, seconds, np.where(days > 0, self._end, NO_CONSENT))

    def _moments(self, seconds: Numbers) -> Moments:
        """What the end of the world hides is null."""
        seen = seconds < self._end
        return np.where(seen, self.calendar.moments(np.where(seen, seconds, 0)), np.datetime64("NaT", "us"))


def _of_chunk(numbers: Numbers, share: float) -> Numbers:
    """Numbers of the `share` as many people who come with these customers."""
    first, last = int(numbers[0] * share), int((numbers[-1] + 1) * share)
    return np.arange(first, last)
