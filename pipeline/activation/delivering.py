"""Delivering: what is in the outbox to all destinations of the home, and what became of it.

Removals go first. What was acknowledged is in the ledger at once, so that whoever dies sends the rest the next time.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import duckdb

from pipeline.activation.destinations.destination import DeliveryFailed, Sender
from pipeline.activation.destinations.files import Files
from pipeline.activation.destinations.klaviyo import Klaviyo
from pipeline.activation.destinations.meta import Meta
from pipeline.activation.ledger import (
    Ledger,
    Listed,
    compact,
    idempotency_key,
    is_kept,
    note_newest,
    opened_ledger,
    require_newest,
)
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import PerennialError
from pipeline.home.locks import home_lock
from pipeline.home.people import people_attached, people_file
from pipeline.home.publishing import recover
from pipeline.sections.activation import Mode
from pipeline.sections.delivery import Destination
from pipeline.settings import Settings
from pipeline.shapes import counted
from pipeline.tables.platforms import platforms

INTERFACES: Mapping[str, Callable[[Destination], Sender]] = {"klaviyo": Klaviyo, "meta": Meta}
Open = Callable[[str, Destination], Sender]


@dataclass
class Delivered:
    """What became of a list: how many were added, updated, removed, and rejected; and what a person should know."""

    destination: str
    audience: str
    counts: Counter[str] = field(default_factory=Counter)
    held: str | None = None
    failed: str | None = None

    def __str__(self) -> str:
        """'crm, grid/loyal: 12 added, 3 removed, 1 rejected'; no customer and no address."""
        told = ", ".join(f"{self.counts[kind]:,} {kind}" for kind in _KINDS if self.counts[kind])
        if not (told or self.held or self.failed):
            told = "nothing to send"
        return " ".join(
            filter(None, (f"{self.destination}, {self.audience}:", told and f"{told}.", self.held, self.failed))
        )


_KINDS = ("removed", "added", "updated", "rejected", "not taken, nobody says which")


def deliver(settings: Settings, force: bool = False, open: Open | None = None) -> list[Delivered]:
    """`perennial deliver`: as a run does it after it has published. `force`: lists that shrank by over half, too.

    Raises HomeBusy, HomeNotWritable, PublicationDamaged, LedgerUnusable, OutboxUnusable.
    """
    with home_lock(settings.home, f"deliver-{os.getpid()}", settings.lock_wait_seconds):
        recover(settings.home)
        return deliver_from(settings, force, open)


def deliver_from(settings: Settings, force: bool = False, open: Open | None = None) -> list[Delivered]:
    """The same for who holds the home."""
    if not is_kept(settings):
        return []
    opened, said, are_gone = open or partial(sender_of, settings), list[Delivered](), False
    if people_file(settings).exists():
        with duckdb.connect() as connection, people_attached(engine := DuckDBEngine(connection), settings):
            require_newest(engine, settings)
    with opened_ledger(settings) as ledger:
        for name, destination in settings.destinations.items():
            said += _to(ledger, name, destination, force, opened)
        said += _out_of_reach(ledger, settings)
        are_gone = ledger.finish() or any(one.counts["removed"] for one in said)
    if are_gone:
        compact(settings)
    note_newest(settings)
    return said


def sender_of(settings: Settings, name: str, destination: Destination) -> Sender:
    """The destination of a setting. Raises DeliveryFailed."""
    if destination.platform not in platforms():
        raise DeliveryFailed(
            f"setting destinations.{name}: there is no platform {destination.platform!r}; there are "
            f"{', '.join(platforms())}."
        )
    if not destination.is_interface:
        return Files(destination, platforms()[destination.platform], settings.home)
    if destination.platform not in INTERFACES:
        raise DeliveryFailed(
            f"setting destinations.{name}: {destination.platform} is not sent to over https://, only "
            f"{' and '.join(INTERFACES)} are; name a folder it reads, such as sftp://host/folder."
        )
    return INTERFACES[destination.platform](destination)


def _to(ledger: Ledger, name: str, destination: Destination, force: bool, open: Open) -> Iterator[Delivered]:
    all_lists = Delivered(name, "all lists")
    with _failing(all_lists):
        sender = open(name, destination)
        lists = _lists(ledger, destination, sender)
    if all_lists.failed:
        yield all_lists
        return
    failed = None
    for audience, listed in lists.items():
        one = Delivered(name, audience, failed=failed)
        if failed is None:
            with _failing(one):
                _send(ledger, destination, sender, one, listed, force)
            failed = one.failed
        yield one


def _out_of_reach(ledger: Ledger, settings: Settings) -> Iterator[Delivered]:
    """Lists at places that no setting names any more, where somebody on them must not be."""
    for platform, place, audience in ledger.lists_elsewhere():
        if any(one.platform == platform and _reaches(one, place, audience) for one in settings.destinations.values()):
            continue
        must = len(ledger.plan(platform, place, audience, None, "full").removed)
        if must:
            yield Delivered(place, audience, failed=(
                f"{counted(must, 'customer')} must leave this list, and no destination is set for it any more. Set it "
                f"again, and `perennial deliver`."
            ))  # fmt: skip


def _reaches(destination: Destination, place: str, audience: str) -> bool:
    if not destination.is_interface:
        return place == destination.url
    list_id = destination.lists.get(audience)
    return bool(list_id) and place.startswith(f"{destination.url}/") and place.endswith(f"/{list_id}")


@contextmanager
def _failing(one: Delivered) -> Iterator[None]:
    """Whatever goes wrong at one destination keeps nothing from the others. The words of a library may hold what was
    sent; of its errors only the kind and the place are told.
    """
    try:
        yield
    except PerennialError as failure:
        one.failed = str(failure)
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        one.failed = (
            f"It failed unexpectedly ({type(error).__name__}, {Path(at.filename).name}, line {at.lineno}); the rest is "
            f"sent the next time."
        )


def _lists(ledger: Ledger, destination: Destination, sender: Sender) -> Mapping[str, Listed | None]:
    """The lists in force that the destination takes; and those that are there and in force no more."""
    lists = ledger.outbox.lists if ledger.outbox else ()
    found: dict[str, Listed | None] = {
        one.audience: one for one in lists if one.platform == destination.platform and sender.place(one.audience)
    }
    there = [one for one in ledger.lists_elsewhere() if one[0] == destination.platform]
    return {audience: None for _, place, audience in there if place == sender.place(audience)} | found


def _send(
    ledger: Ledger, destination: Destination, sender: Sender, one: Delivered, listed: Listed | None, force: bool
) -> None:  # fmt: skip
    place, day = sender.place(one.audience), ledger.outbox.day if ledger.outbox else dt.date.min
    assert place is not None
    of_list = (destination.platform, place, one.audience)
    mode: Mode = (listed.mode if listed else None) or ("diff" if destination.is_interface else "full")
    plan = ledger.plan(*of_list, listed, mode, force)
    if plan.held:
        one.held = (
            f"Held: {counted(plan.held, 'customer')} of {plan.before:,} would be removed, over half of the list. If an "
            f"export is missing, give it and run again; if the list is right, `perennial deliver --force`."
        )
    elif plan.too_few is not None and listed is not None:
        one.held = (
            f"Held: since it was published so many have left that the list has {counted(plan.too_few, 'customer')} and "
            f"needs {listed.least:,}. Nobody is added until the next run."
        )
    updated = set(plan.updated)
    for kind, rows in plan.in_order():
        content = hashlib.sha256("".join(f"{row.key}{row.cells}" for row in rows).encode()).hexdigest()
        key = idempotency_key(*of_list, ledger.version(listed), day, kind, content)
        if kind != "removed":
            ledger.begin(*of_list, rows)
        for answer in sender.send(one.audience, listed, kind, rows, day, key):
            ledger.record(*of_list, listed, kind, answer.rows, answer.refused)
            one.counts.update(
                "updated" if row in updated else kind for row in answer.rows if row.key not in answer.refused
            )
            one.counts["rejected"] += len(answer.refused)
            one.counts[_KINDS[-1]] += answer.unnamed
        ledger.note_done(key, *of_list)
