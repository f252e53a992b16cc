"""Klaviyo: profiles are imported onto a list and taken off it. Nobody is ever subscribed or unsubscribed by this.

Subscribing would lift what people have said themselves, unsubscriptions and reports of spam among it.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from pipeline.activation.destinations.destination import Answer, DeliveryFailed
from pipeline.activation.destinations.http import Calls, Refused
from pipeline.activation.ledger import Kind, Listed, Row
from pipeline.sections.delivery import Destination

REVISION = "2026-04-15"
MOST_PROFILES, MOST_BYTES = 10_000, 4_500_000
"""Of one import; the interface takes 5 MB."""
MOST_NAMED, MOST_REMOVED = 100, 1_000
"""On a page of an answer; in one removal."""
POLL_SECONDS, POLLS = 5.0, 240
_IMPORTS = "/api/profile-bulk-import-jobs"
_ATTRIBUTES = {
    "Email": "email", "Phone Number": "phone_number", "First Name": "first_name", "Last Name": "last_name",
}  # fmt: skip
_LOCATION = {"City": "city", "Region": "region", "Zip Code": "zip", "Country": "country"}


class Klaviyo:
    """Lists of an account. `address`: https://a.klaviyo.com"""

    def __init__(self, destination: Destination, sleep: Callable[[float], None] = time.sleep) -> None:
        key = destination.secret("KLAVIYO_API_KEY")
        if not key:
            name = destination.credential or "KLAVIYO_API_KEY"
            raise DeliveryFailed(f"Klaviyo needs a private key; set {name} in the environment.")
        headers = {
            "Authorization": f"Klaviyo-API-Key {key}",
            "revision": REVISION,
            "Accept": "application/vnd.api+json",
            "Content-Type": "application/vnd.api+json",
        }
        self._destination, self._sleep = destination, sleep
        self._calls = Calls(destination.url, headers, sleep=sleep)

    def place(self, audience: str) -> str | None:
        list_id = self._destination.lists.get(audience)
        return f"{self._destination.url}/lists/{list_id}" if list_id else None

    def send(
        self, audience: str, listed: Listed | None, kind: Kind, rows: Sequence[Row], day: dt.date, key: str
    ) -> Iterator[Answer]:  # fmt: skip
        list_id = self._destination.lists[audience]
        if kind == "removed":
            for batch in _parts(rows, MOST_NAMED):
                yield self._remove(list_id, batch)
        else:
            for batch in _small_enough(rows):
                yield self._import(list_id, batch)

    def _import(self, list_id: str, rows: Sequence[Row]) -> Answer:
        refused: dict[str, str] = {}
        while left := [row for row in rows if row.key not in refused]:
            try:
                job = self._part(self._calls.call("POST", _IMPORTS, _body(list_id, left), {"data": dict}), "id", str)
            except Refused as error:
                if error.status == 404:
                    raise self._no_such_list("POST", error) from None
                named = _named_by_place(error.told.get("errors", []), left)
                refused |= named or dict.fromkeys((row.key for row in left), f"refused ({error.status})")
                continue
            failed, unnamed = self._failed(job, left)
            return Answer(rows, refused | failed, unnamed)
        return Answer(rows, refused)

    def _failed(self, job: str, rows: Sequence[Row]) -> tuple[dict[str, str], int]:
        """Waits until an import is done; who was not taken, and why, and of how many it is not said who they are."""
        path = f"{_IMPORTS}/{quote(job, safe='')}"
        for _ in range(POLLS):
            told = self._part(self._call("GET", path, holds={"data": dict}), "attributes", dict)
            if told.get("status") == "complete":
                failed = int(told.get("failed_count") or 0)
                named = self._errors(f"{path}/import-errors?page%5Bsize%5D={MOST_NAMED}", rows) if failed else {}
                return named, max(failed - len(named), 0)
            if told.get("status") == "cancelled":
                return dict.fromkeys((row.key for row in rows), "the import was cancelled"), 0
            self._sleep(POLL_SECONDS)
        raise DeliveryFailed(f"{self._destination.url}: an import takes too long; it is sent again the next time.")

    def _errors(self, path: str, rows: Sequence[Row]) -> dict[str, str]:
        by_identifier = {value.lower(): row.key for row in rows for value in row.identifiers.values()}
        refused: dict[str, str] = {}
        page: str | None = path
        while page:
            told = self._call("GET", page, holds={"data": list})
            for error in told["data"]:
                found = error.get("attributes", {})
                payload = found.get("original_payload") or {}
                payload = payload.get("attributes", payload)
                reason = str(found.get("title") or found.get("code") or "refused")
                for name in ("email", "phone_number"):
                    if key := by_identifier.get(str(payload.get(name, "")).lower()):
                        refused[key] = reason
                refused |= _named_by_place([found], rows)
            page = told.get("links", {}).get("next")
        return refused

    def _remove(self, list_id: str, rows: Sequence[Row]) -> Answer:
        """Whoever has no profile there is not on the list, either."""
        ids = set[str]()
        for column, name in (("Email", "email"), ("Phone Number", "phone_number")):
            values = [row.identifiers[column] for row in rows if next(iter(row.identifiers)) == column]
            if values:
                ids |= self._profiles(name, values)
        for part in _parts(sorted(ids), MOST_REMOVED):
            body = json.dumps({"data": [{"type": "profile", "id": id} for id in part]}).encode()
            self._call("DELETE", f"/api/lists/{quote(list_id, safe='')}/relationships/profiles", body)
        return Answer(rows)

    def _profiles(self, name: str, values: Sequence[str]) -> set[str]:
        """The ids of the profiles with these addresses or numbers."""
        asked = {
            "filter": f"any({name},[{','.join(json.dumps(value, ensure_ascii=False) for value in values)}])",
            "fields[profile]": name, "page[size]": "100",
        }  # fmt: skip
        page: str | None = f"/api/profiles?{urlencode(asked)}"
        found = set[str]()
        while page:
            told = self._call("GET", page, holds={"data": list})
            found |= {profile["id"] for profile in told["data"]}
            page = told.get("links", {}).get("next")
        return found

    def _call(
        self, method: str, path: str, body: bytes | None = None, holds: Mapping[str, type] | None = None
    ) -> dict[str, Any]:
        """A call that does not depend on single people: what is refused is a fault of the settings."""
        try:
            return self._calls.call(method, path, body, holds)
        except Refused as error:
            raise self._no_such_list(method, error, path.partition("?")[0]) from None

    def _part(self, told: Mapping[str, Any], name: str, kind: type) -> Any:
        """A value of the data of an answer. Raises DeliveryFailed where there is none of its type."""
        if not isinstance(value := told["data"].get(name), kind):
            raise DeliveryFailed(f"{self._destination.url} answers, but nothing that its interface would.")
        return value

    def _no_such_list(self, method: str, error: Refused, path: str = _IMPORTS) -> DeliveryFailed:
        return DeliveryFailed(f"{self._destination.url} answers {error.status} to {method} {path}; check the list.")


def _profile(row: Row) -> dict[str, Any]:
    cells: Mapping[str, Any] = {
        name: value for name, value in json.loads(row.cells or "{}").items() if value is not None
    }
    attributes: dict[str, Any] = {told: cells[name] for name, told in _ATTRIBUTES.items() if name in cells}
    if location := {told: cells[name] for name, told in _LOCATION.items() if name in cells}:
        attributes["location"] = location
    if properties := {n: value for n, value in cells.items() if n not in _ATTRIBUTES and n not in _LOCATION}:
        attributes["properties"] = properties
    return {"type": "profile", "attributes": attributes}


def _body(list_id: str, rows: Sequence[Row]) -> bytes:
    return json.dumps({
        "data": {
            "type": "profile-bulk-import-job",
            "attributes": {"profiles": {"data": [_profile(row) for row in rows]}},
            "relationships": {"lists": {"data": [{"type": "list", "id": list_id}]}},
        }
    }, ensure_ascii=False).encode()  # fmt: skip


def _named_by_place(errors: Sequence[Mapping[str, Any]], rows: Sequence[Row]) -> dict[str, str]:
    """Whom errors name by their place in what was sent, /data/attributes/profiles/data/3/attributes/email."""
    named = {}
    for error in errors:
        parts = str(error.get("source", {}).get("pointer", "")).split("/profiles/data/")
        place = parts[1].split("/")[0] if len(parts) == 2 else ""
        if place.isdecimal() and int(place) < len(rows):
            named[rows[int(place)].key] = str(error.get("title") or error.get("code") or "refused")
    return named


def _parts(rows: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for first in range(0, len(rows), most):
        yield rows[first : first + most]


def _small_enough(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Batches that the interface takes, by number and by size."""
    batch, size = list[Row](), 0
    for row in rows:
        more = len(json.dumps(_profile(row), ensure_ascii=False).encode()) + 2
        if batch and (len(batch) == MOST_PROFILES or size + more > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += more
    if batch:
        yield batch
