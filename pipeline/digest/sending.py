"""Digests of snapshots: made from the warehouse, sent once for a day by the night, at any time by hand."""

from __future__ import annotations

import datetime as dt
import os

import duckdb

from pipeline.digest.channels import send
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import PerennialError
from pipeline.home.locks import home_lock
from pipeline.home.opening import opened
from pipeline.reporting.digest import Digest, digest_of
from pipeline.reporting.facts import Query
from pipeline.settings import Settings
from pipeline.snapshots import chosen


class NoDigest(PerennialError):
    """A digest that cannot be made, or has nowhere to go."""


def digest(settings: Settings, day: dt.date | None = None) -> Digest:
    """The digest of a snapshot, the latest by default. Raises NoDigest, HomeBusy."""
    if settings.engine != "duckdb":
        raise NoDigest("A digest by hand reads the warehouse of DuckDB; on Spark the nightly run sends it.")
    with (
        home_lock(settings.home, f"digest-{os.getpid()}", settings.lock_wait_seconds),
        opened(settings, read_only=True) as connection,
    ):
        engine = DuckDBEngine(connection)
        try:
            return digest_of(engine.read, settings, chosen(engine.rows_by_day(), day, NoDigest, "snapshot"))
        except duckdb.CatalogException:
            raise NoDigest("An earlier version wrote this home, or nothing was published yet; run first.") from None


def send_by_hand(settings: Settings, day: dt.date | None = None) -> list[str]:
    """Send the digest of a snapshot, whether it was sent before or not. Raises NoDigest, DigestNotSent."""
    if not settings.digest.is_set:
        raise NoDigest(
            "The digest has nowhere to go: set digest.to, digest.sender and digest.smtp, or digest.webhook "
            "(docs/operations.md). `perennial digest --show` prints it."
        )
    return send(digest(settings, day), settings.digest)


def send_of_night(query: Query, settings: Settings, day: dt.date) -> list[str]:
    """Send the digest of a night, once for each day and on its days of the week; what was done, or why not.

    Raises DigestNotSent; then the next run of the day tries again.
    """
    morning = day + dt.timedelta(days=1)
    if settings.digest.weekdays and f"{morning:%A}".lower() not in settings.digest.weekdays:
        return [f"No digest today: it is sent on {', '.join(settings.digest.weekdays)}."]
    mark = settings.home / ".perennial" / "digest-sent"
    if mark.exists() and mark.read_text() >= str(day):
        return [f"The digest of {mark.read_text()} was sent before."]
    done = send(digest_of(query, settings, day), settings.digest)
    mark.parent.mkdir(mode=0o700, exist_ok=True)
    mark.write_text(str(day))
    return done
