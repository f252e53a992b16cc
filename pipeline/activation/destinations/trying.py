"""Trying again: what fails and may pass is tried again after a while, longer and longer; then the rest is for the next
time.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count
from typing import TypeVar

from pipeline.activation.destinations.destination import DeliveryFailed
from pipeline.errors import PerennialError

TRIES = 6
LONGEST_WAIT = 300.0
"""Seconds; who is to wait longer goes on the next time."""

Done = TypeVar("Done")


class Passing(PerennialError):
    """What may pass: `said` of it, without anything of a person; `wait`: seconds that are asked for."""

    def __init__(self, said: str, wait: float | None = None) -> None:
        super().__init__(said)
        self.said, self.wait = said, wait


def tried(work: Callable[[], Done], place: str, sleep: Callable[[float], None]) -> Done:
    """The work, begun again where it raises Passing; `place` is named where it never passes. Raises DeliveryFailed."""
    for attempt in count(1):
        try:
            return work()
        except Passing as passing:
            wait = passing.wait
            if wait is None:
                wait = random.uniform(0.5, 1) * 2 ** (attempt - 1)  # noqa: S311 - so that not all come back at once
            if wait > LONGEST_WAIT:
                raise DeliveryFailed(
                    f"{place} asks to wait for {wait:,.0f} s; the rest is sent the next time."
                ) from None
            if attempt == TRIES:
                raise DeliveryFailed(
                    f"{place}: {passing.said}, {TRIES} times; the rest is sent the next time."
                ) from None
            sleep(wait)
    raise AssertionError
