"""HTTP: calls of an interface, tried again where it asks for that or is out of order.

Neither what is sent nor what is answered is ever part of a message: both hold people's addresses.
"""

from __future__ import annotations

import datetime as dt
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from pipeline.activation.destinations.destination import DeliveryFailed
from pipeline.activation.destinations.trying import Passing, tried
from pipeline.errors import PerennialError


class Refused(PerennialError):
    """What an interface does not take, and will not take if it is sent again: a status 4xx and its JSON."""

    def __init__(self, status: int, told: Mapping[str, Any]) -> None:
        super().__init__(f"status {status}")
        self.status, self.told = status, told


@dataclass
class Calls:
    """Calls of one interface. `is_passing` says of an answer 4xx that it will pass, so that it is tried again;
    `waits_for`, how many seconds headers of an answer ask for where there is no `Retry-After`.
    """

    base: str
    headers: Mapping[str, str]
    is_passing: Callable[[Mapping[str, Any]], bool] = lambda _: False
    sleep: Callable[[float], None] = time.sleep
    timeout: float = 60
    waits_for: Callable[[Message], float | None] = lambda _: None

    def call(
        self, method: str, path: str, body: bytes | None = None, holds: Mapping[str, type] | None = None
    ) -> dict[str, Any]:
        """The JSON of the answer, which holds these values of these types; None: it has nothing to say. Raises Refused,
        DeliveryFailed; also for an answer of another shape, as a page that tells of maintenance comes with status 200.
        """
        url = path if path.startswith(f"{self.base}/") else f"{self.base}{path}"
        if not path.startswith(("/", f"{self.base}/")):  # the next page of an answer
            raise DeliveryFailed(f"{self.base} sends us to another address; nothing is asked there.")
        request = urllib.request.Request(  # noqa: S310 - the setting sees to it that it is https, or this machine
            url, body, dict(self.headers), method=method
        )
        return tried(lambda: self._called(request, holds), self.base, self.sleep)

    def _called(self, request: urllib.request.Request, holds: Mapping[str, type] | None) -> dict[str, Any]:
        """The answer to one call. Raises Passing, Refused, DeliveryFailed."""
        try:
            with _OPENER.open(request, timeout=self.timeout) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            told, wait = _json(_rest_of(error)), _asked_to_wait(error.headers.get("Retry-After"))
            wait = self.waits_for(error.headers) if wait is None else wait
            if error.code < 400:
                raise DeliveryFailed(f"{self.base} sends us elsewhere ({error.code}); check the address.") from None
            if error.code in (401, 403):
                raise DeliveryFailed(
                    f"{self.base} does not let us in ({error.code}). Check the key in the environment, and what it "
                    f"may do."
                ) from None
            if error.code != 429 and error.code < 500 and not self.is_passing(told):
                raise Refused(error.code, told) from None
            raise Passing(f"it answers {error.code}", wait) from None
        except OSError as error:  # no connection, or none any more
            raise Passing(f"it cannot be reached ({type(getattr(error, 'reason', error)).__name__})") from None
        except http.client.HTTPException as error:  # it breaks off in the middle of an answer
            raise Passing(f"it answers nothing that can be read ({type(error).__name__})") from None
        told = _json(text)
        if text.strip() if holds is None else not all(isinstance(told.get(name), kind) for name, kind in holds.items()):
            raise Passing("it answers, but nothing that its interface would")
        return told


def _rest_of(error: urllib.error.HTTPError) -> bytes:
    """What an answer says beside its status. Raises Passing where it breaks off."""
    try:
        return error.read()
    except (OSError, http.client.HTTPException) as cut:
        raise Passing(f"it answers {error.code}, and breaks off ({type(cut).__name__})") from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Nobody is followed elsewhere with the key and people's addresses."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def _json(text: bytes) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _asked_to_wait(told: str | None) -> float | None:
    """Seconds of Retry-After, which is a number or a time; None where it is neither."""
    if told is None:
        return None
    try:
        return max(float(told), 0.0)
    except ValueError:
        pass
    try:
        return max((parsedate_to_datetime(told) - dt.datetime.now(dt.UTC)).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None
