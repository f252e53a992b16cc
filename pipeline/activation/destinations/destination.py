"""What every destination is: somewhere that takes the rows of a list, or says why not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.activation.ledger import Kind, Listed, Row
from pipeline.errors import PerennialError


class DeliveryFailed(PerennialError):
    """Nothing more can be sent to a destination now; what was not acknowledged is sent again the next time.

    The message names no customer and no address.
    """


@dataclass(frozen=True)
class Answer:
    """What a destination said of some rows: taken, but for those of which `refused` says why not, by their key."""

    rows: Sequence[Row]
    refused: Mapping[str, str] = field(default_factory=dict)
    unnamed: int = 0
    """How many more were not taken, where the destination does not say which."""


class Sender(Protocol):
    """A destination, ready to send."""

    def place(self, audience: str) -> str | None:
        """What the ledger calls the place of a list; None where the destination does not take it."""

    def send(
        self, audience: str, listed: Listed | None, kind: Kind, rows: Sequence[Row], day: dt.date, key: str
    ) -> Iterator[Answer]:  # fmt: skip
        """Send rows, answer by answer. `key` is the same for the same rows. Raises DeliveryFailed."""
