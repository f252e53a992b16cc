"""The ledger: which identifiers of whom were sent where, in a DuckDB file beside that of the people.

Beside it lies the outbox, the lists that are in force: it is published with the files of its snapshot, in one commit.
The ledger follows it: publishing is delivery to the folder of the home, and everything else is sent from the outbox.
So whoever dies in between leaves both as they were, or a ledger that the next `Ledger.follow` brings up to date.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

import duckdb
import polars as pl

from pipeline.quoting import file_literal
from pipeline.settings import Mode, Settings

FILE = Path("data", "people", "deliveries.duckdb")
OUTBOX = "data/people/outbox"
LISTS, ROWS = f"{OUTBOX}.json", f"{OUTBOX}.parquet"
FOLDER = "folder"
"""The place of what is published in the home itself."""
Kind = Literal["removed", "added", "updated"]
_SENT = """platform VARCHAR, place VARCHAR, audience VARCHAR, customer_id VARCHAR, identifiers VARCHAR, content VARCHAR,
version VARCHAR, first_sent TIMESTAMP, last_sent TIMESTAMP, state VARCHAR, reason VARCHAR"""
_OF_LIST = "platform = $platform AND place = $place AND audience = $audience"


@dataclass(frozen=True)
class Listed:
    """A list of the outbox: an audience as a platform wants it, and the files that hold it.

    `version` is the same as long as its rows are. `stopped`: there are too few, so that nobody is added.
    """

    platform: str
    audience: str
    mode: Mode | None
    stopped: bool
    columns: tuple[str, ...]
    texts: tuple[str, ...]
    identifiers: tuple[str, ...]
    version: str
    files: tuple[str, ...]

    @classmethod
    def told(cls, told: Mapping[str, Any]) -> Self:
        """As JSON, which has no tuples, tells it."""
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in told.items()
        }
        return cls(**given)


@dataclass(frozen=True)
class Outbox:
    """The lists in force, as of the newest day."""

    day: dt.date
    lists: tuple[Listed, ...]

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """What is in place; None where no list was ever published."""
        file = settings.home / LISTS
        if not file.exists():
            return None
        told = json.loads(file.read_text(encoding="utf-8"))
        return cls(dt.date.fromisoformat(told["day"]), tuple(map(Listed.told, told["lists"])))

    def write(self, file: Path) -> None:
        told = {"day": str(self.day), "lists": [asdict(one) for one in self.lists]}
        file.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Sent:
    """Identifiers of a customer that were, or may have been, sent to a place."""

    platform: str
    place: str
    audience: str
    customer_id: str
    identifiers: dict[str, str]
    first_sent: dt.datetime
    last_sent: dt.datetime
    state: str
    reason: str | None


def differences(sent: str, wanted: str) -> str:
    """SQL: how a list differs from what was sent, a row per identifiers; those of a removal are the ones sent then.

    Somebody whose identifiers changed is removed by the old ones and added by the new.
    """
    return f"""
    SELECT sent.customer_id, sent.identifiers, 'removed' AS kind
    FROM ({sent}) AS sent ANTI JOIN ({wanted}) AS wanted ON wanted.identifiers = sent.identifiers
    UNION ALL
    SELECT wanted.customer_id, wanted.identifiers, CASE WHEN sent.identifiers IS NULL THEN 'added' ELSE 'updated' END
    FROM ({wanted}) AS wanted LEFT JOIN ({sent}) AS sent ON wanted.identifiers = sent.identifiers
    WHERE sent.content IS DISTINCT FROM wanted.content
    """


def idempotency_key(platform: str, place: str, audience: str, version: str, day: dt.date, kind: str, part: str) -> str:
    """The same for whatever is sent twice."""
    told = "\x1f".join((platform, place, audience, version, str(day), kind, part))
    return hashlib.sha256(told.encode()).hexdigest()


@contextmanager
def opened_ledger(settings: Settings) -> Iterator[Ledger]:
    """The ledger of a home, which the caller holds; up to date with what is published."""
    file = settings.home / FILE
    file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    with duckdb.connect(str(file), config={"threads": settings.threads or 2}) as connection:
        file.chmod(0o600)
        ledger = Ledger(connection, settings)
        ledger.follow()
        yield ledger


def is_kept(settings: Settings) -> bool:
    """Whether anything was ever handed over."""
    return (settings.home / FILE).exists() or (settings.home / LISTS).exists()


def deliver_to_folder(settings: Settings) -> None:
    """Bring the ledger up to date with what has just been published."""
    if is_kept(settings):
        with opened_ledger(settings):
            pass


def sent_identifiers(settings: Settings, customers: Sequence[str]) -> list[Sent]:
    """Which identifiers of these customers were sent where and not removed since; whoever asks holds the home."""
    if not is_kept(settings):
        return []
    with opened_ledger(settings) as ledger:
        return ledger.sent_identifiers(customers)


class Ledger:
    """What was sent where. States: queued (sending has begun), delivered, rejected (with a reason)."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self._connection, self._settings = connection, settings
        self.execute(f"CREATE TABLE IF NOT EXISTS deliveries ({_SENT})")
        # The rows of the folder as they were before its day, so that a day published again differs from the same.
        self.execute(f"CREATE TABLE IF NOT EXISTS before ({_SENT})")
        self.execute(
            "CREATE TABLE IF NOT EXISTS done (key VARCHAR, platform VARCHAR, place VARCHAR, audience VARCHAR, day DATE)"
        )
        self.outbox = Outbox.of(settings)
        empty = "SELECT NULL::VARCHAR AS platform, NULL::VARCHAR AS audience, NULL::VARCHAR AS customer_id, " \
            "NULL::VARCHAR AS identifiers, NULL::VARCHAR AS cells, NULL::VARCHAR AS content, NULL::VARCHAR AS why " \
            "WHERE FALSE"  # fmt: skip
        rows = f"SELECT * FROM read_parquet({file_literal(settings.home / ROWS)})" if self.outbox else empty
        self.execute(f"CREATE OR REPLACE TEMP VIEW outbox AS {rows}")

    def execute(self, sql: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        given = {name: value for name, value in (parameters or {}).items() if f"${name}" in sql}
        return self._connection.execute(sql, given).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.execute("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    def follow(self) -> None:
        """Take what is published for delivered to the folder of the home. Does nothing the second time."""
        for one in self.outbox.lists if self.outbox else ():
            with self.transaction():
                self._follow(one)

    def sent_before(self, day: dt.date) -> pl.DataFrame:
        """What was sent and not removed, a row per place and identifiers; of the folder, before this day."""
        columns = "place, platform, audience, customer_id, identifiers, content"
        of_day = f"SELECT platform, audience FROM done WHERE place = '{FOLDER}' AND day = $day"
        found = f"""
            SELECT {columns} FROM deliveries
            WHERE state IN ('delivered', 'queued') AND (place <> '{FOLDER}' OR (platform, audience) NOT IN ({of_day}))
            UNION ALL
            SELECT {columns} FROM before WHERE (platform, audience) IN ({of_day})
            """
        frame: pl.DataFrame = self._connection.sql(found, params={"day": day}).pl()
        return frame

    def sent_identifiers(self, customers: Sequence[str]) -> list[Sent]:
        """Identifiers of these customers that were, or may have been, sent and not removed since."""
        found = self.execute(
            """
            SELECT platform, place, audience, customer_id, identifiers, first_sent, last_sent, state, reason
            FROM deliveries WHERE list_contains($customers, customer_id)
            ORDER BY platform, place, audience, customer_id, identifiers
            """,
            {"customers": list(customers)},
        )
        return [
            Sent(platform, place, audience, customer, json.loads(identifiers), *rest)
            for platform, place, audience, customer, identifiers, *rest in found
        ]

    def _follow(self, one: Listed) -> None:
        assert self.outbox is not None
        day, mode = self.outbox.day, one.mode or "full"
        key = idempotency_key(one.platform, FOLDER, one.audience, one.version, day, f"published {mode}", "")
        given = {"platform": one.platform, "place": FOLDER, "audience": one.audience, "day": day, "key": key,
                 "version": one.version, "now": _now()}  # fmt: skip
        known = self.execute(f"SELECT key, day FROM done WHERE {_OF_LIST}", given)
        if any(known_key == key or known_day > day for known_key, known_day in known):
            return
        if all(known_day < day for _, known_day in known):
            self.execute(f"DELETE FROM before WHERE {_OF_LIST}", given)
            self.execute(f"INSERT INTO before SELECT * FROM deliveries WHERE {_OF_LIST}", given)
        self.execute(f"DELETE FROM deliveries WHERE {_OF_LIST}", given)
        self.execute(f"INSERT INTO deliveries {_published(mode, one.stopped)}", given)
        self.execute(f"DELETE FROM done WHERE {_OF_LIST}", given)
        self.execute("INSERT INTO done VALUES ($key, $platform, $place, $audience, $day)", given)


def removes(mode: Mode) -> str:
    """SQL over `why`: whether somebody who is gone is removed.

    Who must not be on a list is so in every mode; one that is sent in full removes nobody else.
    """
    return "why IS NOT NULL" if mode == "full" else "TRUE"


def _published(mode: Mode, stopped: bool) -> str:
    """SQL: the rows of a list of the folder, once its files are in place."""
    wanted = "SELECT * FROM outbox WHERE platform = $platform AND audience = $audience AND identifiers IS NOT NULL"
    barred = "SELECT * FROM outbox WHERE platform = $platform AND audience = $audience AND identifiers IS NULL"
    base = f"SELECT * FROM before WHERE {_OF_LIST}"
    is_sent_again = "TRUE" if mode != "diff" else "sent.content IS DISTINCT FROM wanted.content"
    of_wanted = f"""
    SELECT wanted.platform, $place, wanted.audience, wanted.customer_id, wanted.identifiers,
      CASE WHEN {stopped} THEN sent.content ELSE wanted.content END,
      CASE WHEN {is_sent_again} AND NOT {stopped} THEN $version ELSE sent.version END,
      coalesce(sent.first_sent, $now),
      CASE WHEN {is_sent_again} AND NOT {stopped} THEN $now ELSE sent.last_sent END,
      'delivered', NULL
    FROM ({wanted}) AS wanted LEFT JOIN ({base}) AS sent ON sent.identifiers = wanted.identifiers
    WHERE sent.identifiers IS NOT NULL OR NOT {stopped}
    """
    stays = f"""
    SELECT sent.* FROM ({base}) AS sent
    ANTI JOIN ({wanted}) AS wanted ON wanted.identifiers = sent.identifiers
    LEFT JOIN ({barred}) AS barred ON barred.customer_id = sent.customer_id
    WHERE NOT ({removes(mode)})
    """
    return f"{of_wanted} UNION ALL {stays}"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)
