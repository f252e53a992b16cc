"""Meta: people are added to a custom audience and removed from it, by hashes. Changes take up to a day there."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.message import Message
from typing import Any
from urllib.parse import quote, urlencode

from pipeline.activation.destinations.destination import Answer, DeliveryFailed
from pipeline.activation.destinations.http import Calls, Refused
from pipeline.activation.ledger import Kind, Listed, Row
from pipeline.sections.delivery import Destination

MOST_ROWS = 10_000
_SCHEMA = {
    "email": "EMAIL", "phone": "PHONE", "fn": "FN", "ln": "LN", "ct": "CT", "st": "ST", "zip": "ZIP",
    "country": "COUNTRY", "value": "LOOKALIKE_VALUE",
}  # fmt: skip
_PASSING = {1, 2, 4, 17, 32, 341, 613, 80003, 80004}
"""Codes of errors that are over after a while: an interface out of order, or too many calls (80003: of audiences)."""
_USAGE = "X-Business-Use-Case-Usage"


class Meta:
    """Custom audiences. `address`: https://graph.facebook.com/v25.0"""

    def __init__(self, destination: Destination, sleep: Callable[[float], None] = time.sleep) -> None:
        token = destination.secret("META_ACCESS_TOKEN")
        if not token:
            name = destination.credential or "META_ACCESS_TOKEN"
            raise DeliveryFailed(f"Meta needs an access token; set {name} in the environment.")
        self._destination, self._token = destination, token
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self._calls = Calls(destination.url, headers, _is_passing, sleep, waits_for=_shut_out)

    def place(self, audience: str) -> str | None:
        list_id = self._destination.lists.get(audience)
        return f"{self._destination.url}/{list_id}" if list_id else None

    def send(
        self, audience: str, listed: Listed | None, kind: Kind, rows: Sequence[Row], day: dt.date, key: str
    ) -> Iterator[Answer]:  # fmt: skip
        path = f"/{quote(self._destination.lists[audience], safe='')}/users"
        parts = [rows[first : first + MOST_ROWS] for first in range(0, len(rows), MOST_ROWS)]
        for number, part in enumerate(parts, start=1):
            session = {
                "session_id": int(key[:15], 16), "batch_seq": number, "last_batch_flag": number == len(parts),
                "estimated_num_total": len(rows),
            }  # fmt: skip
            yield self._users("DELETE" if kind == "removed" else "POST", path, part, session)

    def _users(self, method: str, path: str, rows: Sequence[Row], session: Mapping[str, Any]) -> Answer:
        told = [row.identifiers if row.cells is None else json.loads(row.cells) for row in rows]
        columns = [name for name in _SCHEMA if any(cells.get(name) is not None for cells in told)]
        data = [["" if cells.get(name) is None else cells[name] for name in columns] for cells in told]
        payload = {"schema": [_SCHEMA[name] for name in columns], "data": data}
        fields = {"payload": json.dumps(payload), "session": json.dumps(session), "access_token": self._token}
        try:
            answer = self._calls.call(method, path, urlencode(fields).encode(), {"num_received": int})
        except Refused as error:  # of the whole call; people who are not taken are counted in an answer
            raise DeliveryFailed(
                f"{self._destination.url} refuses the audience (error {_code(error.told)}); check its id, what the "
                f"token may do, and in the Audience Manager whether it is restricted."
            ) from None
        return _answer(rows, answer)


def _answer(rows: Sequence[Row], told: Mapping[str, Any]) -> Answer:
    """Of entries that are invalid, samples are named; the others were sent, and may be there."""
    samples = told.get("invalid_entry_samples") or {}
    invalid = {str(entry): str(why) for entry, why in dict(samples).items()} if isinstance(samples, dict) else {}
    refused = {
        row.key: next(invalid[value] for value in row.identifiers.values() if value in invalid)
        for row in rows
        if any(value in invalid for value in row.identifiers.values())
    }
    return Answer(rows, refused, max(int(told.get("num_invalid_entries") or 0) - len(refused), 0))


def _shut_out(headers: Message) -> float | None:
    """Seconds until calls are taken again: {"<id>": [{"estimated_time_to_regain_access": minutes, …}, …], …}."""
    try:
        told = json.loads(headers.get(_USAGE) or "{}")
        minutes = [
            float(use.get("estimated_time_to_regain_access") or 0) for uses in told.values() for use in uses
        ]  # fmt: skip
    except (ValueError, TypeError, AttributeError):
        return None
    return max(minutes, default=0) * 60 or None


def _code(told: Mapping[str, Any]) -> int:
    error = told.get("error")
    return int(error.get("code", 0)) if isinstance(error, dict) else 0


def _is_passing(told: Mapping[str, Any]) -> bool:
    error = told.get("error")
    return isinstance(error, dict) and (bool(error.get("is_transient")) or _code(told) in _PASSING)
