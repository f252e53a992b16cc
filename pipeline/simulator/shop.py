"""The synthetic shop: how large, how long, and every parameter of its truth."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipeline.errors import PerennialError
from pipeline.models.beta_geometric import BGNBD
from pipeline.models.gamma_gamma import GammaGamma
from pipeline.simulator.programmes import OUTREACH, Campaign, Outreach, campaigns_of

LAST_DAY = dt.date(2026, 10, 31)
EARLIEST, LATEST = dt.date(2000, 1, 1), dt.date(2098, 12, 31)  # last days that leave the history inside the contracts
MOST_YEARS = 20
TIMING, SPEND = BGNBD(r=0.8, alpha=8.0, a=0.7, b=3.3), GammaGamma(p=4.0, q=4.5, v=48.0)
MOST_NIGHTS = 31
"""The world goes on so many days after the last, so that asking for more nights does not change it."""


class SimulationRefused(PerennialError):
    """What was asked for cannot be made up or written; the message says why and what to do."""


@dataclass(frozen=True)
class Shop:
    """A synthetic shop. Shares are of 1, rates per week, money in the reporting currency.

    A customer arrives with a first order and then buys at a rate of their own, λ per week, times how busy the day is;
    after each repeat purchase they drop out for good with a probability of their own, p. λ is gamma distributed
    (`timing.r`, `timing.alpha`), p beta (`timing.a`, `timing.b`): the BG/NBD, in continuous time. The value of an order
    is gamma distributed with shape `spend.p` and a rate of their own, which is gamma (`spend.q`, `spend.v`).

    Raises SimulationRefused for sizes that cannot be.
    """

    customers: int
    """Customers with a first order up to the last day. Guests and leads come on top."""
    years: int = 3
    """Length of the history, which ends with the last day."""
    seed: int = 1
    last_day: dt.date = LAST_DAY

    timing: BGNBD = TIMING
    spend: GammaGamma = SPEND

    growth: float = 0.25
    """By how much more customers arrive than a year before."""
    months: tuple[float, ...] = (0.9, 0.85, 0.9, 0.95, 1.0, 0.95, 0.85, 0.85, 0.95, 1.05, 1.25, 1.6)
    """How busy a day is by month, January first; only ratios matter: the mean day of the history counts 1."""
    weekdays: tuple[float, ...] = (1.05, 1.0, 1.0, 1.0, 1.05, 0.9, 1.0)
    """The same by day of the week, Monday first."""

    guests: float = 0.1
    """Orders without a customer, per customer."""
    leads: float = 0.15
    """People who register and never buy, per customer."""

    products: int = 400
    """Product k is drawn with probability ln(1 + 1/k) / ln(1 + products): nearly Zipf's law."""
    together: float = 0.3
    """How often the second product of a basket whose first one has a partner is that partner."""
    refunded: float = 0.03
    """Orders of which something is sent back …"""
    refunded_whole: float = 0.35
    """… and of these, orders that are sent back whole."""
    coupons: float = 0.08
    """Orders with a coupon, a tenth off."""

    outreach: Outreach = OUTREACH
    """What the shop sends to its customers, and what that does."""

    def __post_init__(self) -> None:
        if self.customers < 1:
            raise SimulationRefused(f"A shop needs at least 1 customer, not {self.customers}.")
        if not 1 <= self.years <= MOST_YEARS:
            raise SimulationRefused(f"A history has 1 to {MOST_YEARS} years, not {self.years}.")
        if self.seed < 0:
            raise SimulationRefused(f"The seed is a whole number from 0 on, not {self.seed}.")
        if not EARLIEST <= self.last_day <= LATEST:
            raise SimulationRefused(f"The last day is from {EARLIEST} to {LATEST}, not {self.last_day}.")

    @property
    def first_day(self) -> dt.date:
        """The day `years` before the day after the last."""
        end = self.last_day + dt.timedelta(days=1)
        return end.replace(year=end.year - self.years, day=min(end.day, 28) if end.month == 2 else end.day)

    @property
    def days(self) -> int:
        """Length of the history."""
        return (self.last_day - self.first_day).days + 1

    @property
    def campaigns(self) -> tuple[Campaign, ...]:
        """By number."""
        return campaigns_of(self.outreach, self.first_day, self.days, MOST_NIGHTS)

    def day(self, number: int) -> dt.date:
        """The day with that number; the first has 0."""
        return self.first_day + dt.timedelta(days=number)
