"""What a synthetic shop sends, when, to whom, and what is true of those who get it: every parameter, and the campaigns.

A programme is what a marketer sets up once; a campaign is what is measured: one sending of a mailing, one calendar year
of a rule or a workflow. What belongs here: choices. What does not: who draws which lot; `campaigns` does that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.errors import PerennialError

Channel = Literal["email", "sms", "push"]
CHANNELS: tuple[Channel, ...] = ("email", "sms", "push")
Trigger = Literal["days", "birthday", "basket", "silence", "first_order"]
SEGMENTS = ("new", "regular", "lapsing", "inactive")
"""By orders up to the evening before: `new` one and `regular` more, the last at most 90 days ago; `lapsing` at most 180
days ago; `inactive` longer."""
LAPSING_AFTER, INACTIVE_AFTER = 90, 180  # days
DAYPARTS = 8
"""Parts of three hours, from midnight on."""
DAYS_TO_ORDER = 6
"""An order that a message makes is placed before so many days are over, whatever the hours of the steps."""


class ProgrammeRefused(PerennialError):
    """A programme that cannot be; the message says why."""


@dataclass(frozen=True)
class Step:
    """A message of a programme: so many days after it began, on this channel, at this hour of the day."""

    channel: Channel
    hour: float
    after_days: int = 0


@dataclass(frozen=True)
class Programme:
    """What begins it, what it sends and what that does.

    A mailing is sent on the days of `every`; a rule writes once and a workflow in steps to who meets the trigger, at
    most once in a calendar year. Later steps go to those who have not ordered since the first.

    Raises ProgrammeRefused where a step's orders would come after the window, which is what a campaign is measured by.
    """

    name: str
    trigger: Trigger
    steps: tuple[Step, ...]
    response: float
    """Chance that a message makes an order that would not be placed, before the factor of the member's segment."""
    window_days: int
    """Orders that it makes are placed within so many days of the first message."""
    every: int = 0
    """Of `days`: mailings a year, evenly spread."""
    shift: int = 0
    """Of `days`: so many days later than an even spread would have them. Windows of programmes overlap by that."""
    silent_days: int = 0
    """Of `silence`: days since the last order on which a customer enters the segment."""
    control: float = 0.2
    """Part of the members, drawn by lot, that gets no message of the campaign."""
    cost: float = 0.0
    """Of a campaign, in the reporting currency; messages cost besides."""
    coupon: str | None = None

    def __post_init__(self) -> None:
        if not self.steps or self.steps[-1].after_days + DAYS_TO_ORDER > self.window_days:
            raise ProgrammeRefused(
                f"Programme {self.name}: orders of its last message come up to {DAYS_TO_ORDER} days after it. "
                "Make window_days longer."
            )

    @property
    def kind(self) -> str:
        """As a shop would call it: mailing, rule or workflow."""
        return "mailing" if self.trigger == "days" else "rule" if len(self.steps) == 1 else "workflow"


PROGRAMMES = (
    Programme("newsletter", "days", (Step("email", 9.5),), 0.04, 14, every=4, cost=250),
    Programme("sale", "days", (Step("sms", 12),), 0.04, 10, every=4, shift=3, cost=80, coupon="SALE"),
    Programme("app-news", "days", (Step("push", 18),), 0.02, 7, every=4, shift=5, cost=40),
    Programme("birthday", "birthday", (Step("email", 8),), 0.03, 7, cost=120, coupon="BIRTHDAY"),
    Programme("abandoned-basket", "basket", (Step("email", 10),), 0.1, 7, cost=120),
    Programme("welcome", "first_order", (Step("email", 11, 3), Step("email", 11, 17)), 0.02, 28, cost=120),
    Programme(
        "win-back", "silence", (Step("email", 10), Step("sms", 17, 7)), 0.06, 14,
        silent_days=120, control=0.3, cost=150, coupon="COMEBACK",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Outreach:
    """What is true of messages and of those who get them. Shares are of 1; by channel means in the order of CHANNELS.

    Four switches take a planted difference away and nothing else: the same people get the same messages.
    """

    programmes: tuple[Programme, ...] = PROGRAMMES
    """None: a shop that never writes."""
    holdout: float = 0.05
    """Customers, drawn by lot, who get no message of any programme, ever."""
    consent: tuple[float, ...] = (0.6, 0.2, 0.25)
    """By channel: customers who consent to it when they register."""

    own_response: bool = True
    """Switch: who has dropped out never responds, and the others respond by segment. Off: everybody alike."""
    factors: tuple[float, ...] = (1.0, 1.75, 0.75, 0.25)
    """By segment, in the order of SEGMENTS: how many times as likely a message makes an order."""
    own_open_rates: bool = True
    """Switch: the chance to open is beta distributed with mean `opens` and size `alikeness`. Off: `opens` for all."""
    opens: float = 0.3
    alikeness: float = 5.0
    own_dayparts: bool = True
    """Switch: a contact has a daypart of their own, in which most visits fall. Off: all are alike."""
    own_channels: bool = True
    """Switch: a contact clicks more in one channel than in the others."""
    clicks: tuple[float, ...] = (0.15, 0.08, 0.08)
    """By channel, chance to click: an e-mail that was opened, or a delivered message of another channel."""
    favourite: float = 2.0
    """How many times as likely a contact clicks in their own channel; in the others, half."""

    machine_opens: float = 0.4
    """Contacts whose mail program opens every e-mail, soon after it is delivered."""
    machines_marked: bool = True
    """Whether the shop's e-mail service tells which opens are a machine's. It never tells so of clicks."""
    bot_clicks: float = 0.02
    """Contacts whose security software clicks every link of an e-mail, seconds after it is delivered."""
    bounces: tuple[float, ...] = (0.012, 0.006, 0.03)
    """By channel: messages that are not delivered."""
    unsubscribes: float = 0.003
    """Messages that were delivered after which consent to the channel is withdrawn …"""
    complaints: float = 0.0003
    """… and after which it is, with a complaint."""
    prices: tuple[float, ...] = (0.002, 0.07, 0.0)
    """By channel: cost of a message, in the reporting currency."""
    baskets: float = 0.3
    """Baskets that are filled and left, per order of the model."""


OUTREACH = Outreach()


@dataclass(frozen=True)
class Campaign:
    """A sending of a mailing, or a year of a rule or a workflow; `number` is its place in `campaigns_of`."""

    number: int
    programme: Programme
    day: int | None
    """Of a mailing: the day it is sent, 0 for the first of the history."""
    year: int
    name: str
    """Unique, such as newsletter-2025-03 or birthday-2025."""


def campaigns_of(outreach: Outreach, first: dt.date, days: int, further: int) -> tuple[Campaign, ...]:
    """Mailings of the days of the history; rules of every year that it or the `further` days after it have a part in.

    By programme, and then by time.
    """
    planned: list[tuple[Programme, int | None, int, str]] = []
    for programme in outreach.programmes:
        if programme.trigger == "days":
            for sent in _sent(programme, days):
                on = first + dt.timedelta(days=sent)
                planned.append((programme, sent, on.year, f"{programme.name}-{on:%Y-%m-%d}"))
        else:
            last = first + dt.timedelta(days=days + further - 1)
            for year in range(first.year, last.year + 1):
                planned.append((programme, None, year, f"{programme.name}-{year}"))
    return tuple(Campaign(number, *one) for number, one in enumerate(planned))


def _sent(programme: Programme, days: int) -> Iterator[int]:
    count = round(days * programme.every / 365.25)
    for place in range(count):
        sent = int((place + 0.5) * days / count) + programme.shift
        if sent < days:
            yield sent
