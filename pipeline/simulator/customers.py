"""Who arrives when, buys when, for how much, and whom campaigns reach: drawn with numpy, a chunk of people at once.

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
from pipeline.simulator.shop import MOST_NIGHTS, Shop

CHUNK = 100_000
"""Customers drawn at once. Part of the truth: another size makes another shop."""
CAMPAIGN_DAYS = 14
"""Orders that a message makes are placed within so many days."""
_SENT_AFTER = 0.4  # of the day's orders
_HOURS = (1, 0, 0, 0, 0, 1, 2, 4, 6, 8, 9, 9, 10, 8, 8, 8, 9, 10, 11, 12, 13, 11, 7, 3)  # how busy, from midnight on
_CONSENT, _WITHDRAWN_AFTER_DAYS = 0.6, 1500.0
Numbers = NDArray[np.int64]
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

    @property
    def campaigns(self) -> Array:
        """The moments at which campaigns are sent, evenly spread over the history and none on its first day."""
        count = self.shop.years * self.shop.campaigns_per_year
        return np.floor((np.arange(count) + 0.5) * self.shop.days / count) + _SENT_AFTER

    def busy(self, days: Array) -> Array:
        return np.interp(days, self._days, self._busy)

    def calendar(self, busy: Array) -> Array:
        return np.interp(busy, self._busy, self._days)

    def arrivals(self, numbers: Numbers, of: float, rng: np.random.Generator) -> Array:
        """When the people with these numbers arrive, of so many until the last day; by number, each in a slot."""
        return np.interp((numbers + rng.random(len(numbers))) / of, self._arrived, self._days)

    def moments(self, days: Array) -> Moments:
        """To the second, in the shop's time; more of them in the evening than at night."""
        whole = np.floor(days)
        by_hour = np.concatenate([[0.0], np.cumsum(_HOURS)]) / np.sum(_HOURS)
        hours = np.interp(days - whole, by_hour, np.arange(25.0))
        seconds = whole * 86400 + np.minimum(np.floor(hours * 3600), 86399)
        moments: Moments = np.datetime64(self.shop.first_day, "us") + seconds.astype("timedelta64[s]")
        return moments


@dataclass(frozen=True)
class Drawn:
    """Frames of one chunk. A customer is a number from 0 on; guests have negative ones, leads those after the last."""

    people: pl.DataFrame
    """customer, registered_at, email_from, email_until (consent to e-mail; from is null where none was given); of
    customers also rate (per week), p_drop, mean_value, first_order_at, dropped_out_at."""
    orders: pl.DataFrame
    """customer, ordered_at, value, campaign (that made the order; else -1)."""
    messages: pl.DataFrame
    """customer, campaign, treated, responded: whether the message made an order."""


def draw(shop: Shop) -> Iterator[Drawn]:
    """Everybody of the shop, chunk by chunk."""
    calendar = Calendar(shop)
    for place, first in enumerate(range(0, calendar.people, CHUNK)):
        numbers = np.arange(first, min(first + CHUNK, calendar.people))
        yield _Chunk(calendar, numbers, np.random.default_rng([shop.seed, place])).draw()


@dataclass(frozen=True)
class _Made:
    """Orders that messages made: position of the customer in the chunk, moment, campaign."""

    who: Numbers
    when: Array
    campaign: Numbers


@dataclass(frozen=True)
class _Chunk:
    calendar: Calendar
    numbers: Numbers
    rng: np.random.Generator

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
        messages, made = self._campaigns(arrived, dropped, email_until)
        value_rate = self.rng.gamma(self._shop.spend.q, 1 / self._shop.spend.v, len(arrived))
        people = {
            "rate": traits.rate,
            "p_drop": traits.p_drop,
            "mean_value": self._shop.spend.p / value_rate,
            "first_order_at": self._moments(arrived),
            "dropped_out_at": self._moments(dropped),
        }
        orders = [
            self._orders(self.numbers[who], when, value_rate[who], np.full(len(who), -1)),
            self._orders(self.numbers[made.who], made.when, value_rate[made.who], made.campaign),
            self._guest_orders(),
        ]
        known = self._registered(self.numbers, registered, email_until).with_columns(**people)
        return Drawn(pl.concat([known, self._leads()], how="diagonal"), pl.concat(orders), messages)

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
        return np.where(self.rng.random(len(registered)) < _CONSENT, until, -np.inf)

    def _campaigns(self, arrived: Array, dropped: Array, email_until: Array) -> tuple[pl.DataFrame, _Made]:
        """Messages of all campaigns, and the orders they make."""
        messages, made = [], []
        for campaign, sent in enumerate(self.calendar.campaigns):
            audience = np.flatnonzero((arrived < sent) & (email_until > sent))
            lots, chances, delays = self.rng.random((3, len(audience)))
            treated, when = lots >= self._shop.control, sent + CAMPAIGN_DAYS * delays**2
            responded = treated & (chances < self._shop.response) & (when < dropped[audience])
            made.append(_Made(audience[responded], when[responded], np.full(int(responded.sum()), campaign)))
            messages.append(
                pl.DataFrame({"customer": self.numbers[audience], "treated": treated, "responded": responded})
                .with_columns(campaign=pl.lit(campaign))
            )  # fmt: skip
        columns = zip(*((one.who, one.when, one.campaign) for one in made), strict=True)
        return pl.concat(messages), _Made(*map(np.concatenate, columns))

    def _before_the_first_order(self, n: int) -> Array:
        """Days: most register at the till, the others look around for some weeks."""
        return np.where(self.rng.random(n) < 0.7, 1e-4, 20 * self.rng.random(n))

    def _orders(self, customers: Numbers, when: Array, value_rate: Array, campaign: Numbers) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "customer": customers,
                "ordered_at": self._moments(when),
                "value": self.rng.gamma(self._shop.spend.p, 1 / value_rate),
                "campaign": campaign,
            }
        )

    def _guest_orders(self) -> pl.DataFrame:
        numbers = _of_chunk(self.numbers, self._shop.guests)
        when = self.calendar.arrivals(numbers, self._shop.guests * self._shop.customers, self.rng)
        value_rate = self.rng.gamma(self._shop.spend.q, 1 / self._shop.spend.v, len(numbers))
        return self._orders(-1 - numbers, when, value_rate, np.full(len(numbers), -1))

    def _leads(self) -> pl.DataFrame:
        numbers = _of_chunk(self.numbers, self._shop.leads)
        registered = self.calendar.arrivals(numbers, self._shop.leads * self._shop.customers, self.rng)
        return self._registered(self.calendar.people + numbers, registered, self._email_until(registered))

    def _registered(self, numbers: Numbers, registered: Array, email_until: Array) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "customer": numbers,
                "registered_at": self._moments(registered),
                "email_from": self._moments(np.where(email_until > registered, registered, np.inf)),
                "email_until": self._moments(np.maximum(email_until, registered)),
            }
        )

    def _moments(self, days: Array) -> Moments:
        """Never, and what the end of the world hides, is null."""
        ends = self._shop.days + MOST_NIGHTS
        seen = days < ends
        return np.where(seen, self.calendar.moments(np.where(seen, days, 0.0)), np.datetime64("NaT", "us"))


def _of_chunk(numbers: Numbers, share: float) -> Numbers:
    """Numbers of the `share` as many people who come with these customers."""
    first, last = int(numbers[0] * share), int((numbers[-1] + 1) * share)
    return np.arange(first, last)
