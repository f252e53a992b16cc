"""Webhooks: one JSON object by POST to an address that is a secret, so that no message ever names it."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from pydantic import HttpUrl, Secret

_SECONDS = 10


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """What is meant for one address goes to no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def post(address: Secret[HttpUrl], body: Mapping[str, Any]) -> None:
    """Raises OSError, urllib.error.HTTPError among them, whose text does not name the address."""
    request = urllib.request.Request(  # noqa: S310 - pydantic has seen to it that this is http(s)
        str(address.get_secret_value()),
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with _OPENER.open(request, timeout=_SECONDS):
            pass
    except http.client.HTTPException as error:  # it breaks off in the middle of an answer, or that is none
        raise ConnectionError(type(error).__name__) from None
