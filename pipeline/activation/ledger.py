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
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self
from uuid import uuid4
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from pipeline.durable import fsync
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import PerennialError
from pipeline.home.people import GENERATION, OF_THE_MACHINE, people_attached, people_file
from pipeline.home.rewriting import rewrite_file
from pipeline.quoting import file_literal, text_literal
from pipeline.sections.activation import Mode
from pipeline.settings import Settings

FILE = Path("data", "people", "deliveries.duckdb")
OUTBOX = "data/people/outbox"
LISTS, ROWS = f"{OUTBOX}.json", f"{OUTBOX}.parquet"
FOLDER = "folder"
"""The place of what is published in the home itself."""
Kind = Literal["removed", "added"]
_SENT = """platform VARCHAR, place VARCHAR, audience VARCHAR, customer_id VARCHAR, identifiers VARCHAR, content VARCHAR,
version VARCHAR, first_sent TIMESTAMP, last_sent TIMESTAMP, state VARCHAR, reason VARCHAR"""
_KEYS = "SELECT key FROM told"
_OF_LIST = "platform = $platform AND place = $place AND audience = $audience"
_OF_THE_LAST_TIME = f"""
SELECT identifiers FROM deliveries WHERE {_OF_LIST} AND version =
(SELECT max_by(version, last_sent) FROM deliveries WHERE {_OF_LIST} AND state = 'delivered')
"""
_RESTORE = f"Restore {FILE}, {LISTS} and {ROWS} from the backup of the same night"
_ANEW = (
    f"{_RESTORE}. Without one nobody knows any more who was sent where: take everybody off the lists at the "
    f"destinations by hand, move these three files away, and run, which sends the lists anew."
)


class LedgerUnusable(PerennialError):
    """The ledger is lost, or no file that can be read; the message says how to go on."""


class OutboxUnusable(PerennialError):
    """A file of the outbox is missing or damaged; the message names it."""

    def __init__(self, file: str, what: str) -> None:
        super().__init__(
            f"{file} {what}. {_RESTORE}; or move {LISTS} and {ROWS} away, keep {FILE}, and run, which writes both anew."
        )


@dataclass(frozen=True)
class Listed:
    """A list of the outbox: an audience as a platform wants it, and the files that hold it.

    `version` is the same as long as its rows are. `stopped`: there are too few, so that nobody is added. `least`: how
    many it needs, since some of them may object before it is sent.
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
    least: int = 0

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
        """What is in place; None where no list was ever published. Raises OutboxUnusable."""
        file, rows = settings.home / LISTS, settings.home / ROWS
        if not (file.exists() or rows.exists()):
            return None
        for name, one in ((LISTS, file), (ROWS, rows)):
            if not one.is_file():
                raise OutboxUnusable(name, "is missing")
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            return cls(dt.date.fromisoformat(told["day"]), tuple(map(Listed.told, told["lists"])))
        except (ValueError, LookupError, TypeError, AttributeError):
            raise OutboxUnusable(LISTS, "is damaged") from None

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


@dataclass(frozen=True)
class Row:
    """Somebody on a list. `key`: the identifiers as JSON; `cells`: the whole row as JSON, none of who is removed."""

    customer_id: str
    key: str
    cells: str | None = None
    why: str | None = None
    """Why somebody must not be on a list; none of who is only on it no more."""

    @property
    def identifiers(self) -> dict[str, str]:
        return dict(json.loads(self.key))


@dataclass(frozen=True)
class Plan:
    """What is to be sent of a list, in this order; how many removals are held because it shrank too much; and how many
    are left of it, where nobody is added since these are too few.
    """

    removed: tuple[Row, ...]
    added: tuple[Row, ...]
    updated: tuple[Row, ...]
    held: int = 0
    before: int = 0
    too_few: int | None = None

    def in_order(self) -> Iterator[tuple[Kind, tuple[Row, ...]]]:
        """Removals first; who is new and who has another attribute are sent alike."""
        if self.removed:
            yield "removed", self.removed
        if self.added or self.updated:
            yield "added", (*self.added, *self.updated)


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
    """The ledger of a home, which the caller holds; up to date with what is published.

    Raises LedgerUnusable, OutboxUnusable.
    """
    file = settings.home / FILE
    require_ledger(settings)
    file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    with ExitStack() as opened:
        with _telling_of_damage():
            connection = opened.enter_context(duckdb.connect(str(file), config={"threads": settings.threads or 2}))
            file.chmod(0o600)
            ledger = Ledger(connection, settings)
            ledger.follow()
        yield ledger


def require_ledger(settings: Settings) -> None:
    """Raises LedgerUnusable where the ledger is lost, OutboxUnusable.

    The ledger is made before the first outbox is: where this one is alone, it is no longer known who is on which list.
    """
    file, outbox = settings.home / FILE, Outbox.of(settings)
    if outbox and not file.exists():
        raise LedgerUnusable(f"{FILE} is lost: {LISTS}, of {outbox.day}, says that lists were delivered. {_ANEW}")
    if file.is_dir() or (file.exists() and not file.stat().st_size):
        raise LedgerUnusable(f"{FILE} is {'a folder' if file.is_dir() else 'empty'}. {_ANEW}")


def require_newest(engine: DuckDBEngine, settings: Settings) -> None:
    """Raises LedgerUnusable where the ledger was written less often than `people`, which has to be attached, has noted:
    it is an older one, which does not know who was sent where since. One that was begun anew is another one.
    """
    noted = engine.execute(f"SELECT id, number FROM {GENERATION}")
    if not noted or not (settings.home / FILE).exists():
        return
    (before,), now = noted, _generation(settings)
    if now is None or (now[0] == before[0] and now[1] < before[1]):
        raise LedgerUnusable(f"{FILE} is an older one, put back from a backup: more was delivered since. {_ANEW}")


def note_newest(settings: Settings) -> None:
    """Note how often the ledger was written, for `require_newest`; neither file may be open."""
    now = _generation(settings)
    if now is None or not people_file(settings).exists():
        return
    with duckdb.connect() as connection:
        engine = DuckDBEngine(connection)
        with people_attached(engine, settings), engine.transaction():
            engine.execute(f"DELETE FROM {GENERATION}")
            engine.execute(f"INSERT INTO {GENERATION} VALUES ($id, $number)", {"id": now[0], "number": now[1]})


def _generation(settings: Settings) -> tuple[str, int] | None:
    """Which ledger it is, and how often it was written; None where only an earlier version did it."""
    with _telling_of_damage(), duckdb.connect(str(settings.home / FILE), read_only=True) as connection:
        engine = DuckDBEngine(connection)
        rows = engine.execute("SELECT id, number FROM generation") if engine.has("main.generation") else []
    return rows[0] if rows else None


@contextmanager
def _telling_of_damage() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if any(text in str(error) for text in OF_THE_MACHINE):
            raise
        raise LedgerUnusable(f"{FILE} is damaged, or no file of DuckDB. {_ANEW}") from None


def is_kept(settings: Settings) -> bool:
    """Whether anything was ever handed over."""
    return (settings.home / FILE).exists() or (settings.home / LISTS).exists()


def deliver_to_folder(settings: Settings) -> None:
    """Bring the ledger up to date with what has just been published."""
    if is_kept(settings):
        with opened_ledger(settings):
            pass


def compact(settings: Settings) -> None:
    """Write the ledger again: DuckDB keeps what was deleted in free blocks. The file must be closed."""
    file = settings.home / FILE
    with duckdb.connect(str(file)) as connection:
        connection.execute("CHECKPOINT").fetchall()
    rewrite_file(file, settings)
    file.chmod(0o600)


@dataclass(frozen=True)
class Barred:
    """A row of a list in force that must leave it, for an address that somebody refused."""

    platform: str
    audience: str
    customer_id: str
    identifiers: str


def forget_customers(
    settings: Settings, customers: Sequence[str], why: Literal["erased", "objected"] = "erased",
    barred: Sequence[Barred] = (),
) -> list[Sent]:  # fmt: skip
    """These leave outbox and folder at once; from everywhere else they are removed by the next delivery.

    `barred`: rows of others that leave their list alike. Of who objected, the ledger keeps what a list of the folder
    holds until its next files name it among the removed. Returns what is to be removed elsewhere; when
    `sent_identifiers` finds none of it any more, that is acknowledged.
    """
    if not is_kept(settings):
        return []
    given = {"customers": list(customers), "folder": FOLDER, "why": why}
    of_these = "list_contains($customers, customer_id)"
    with opened_ledger(settings) as ledger:
        with ledger.transaction():
            told = "SELECT unnest($customers::VARCHAR[]), $why::VARCHAR"
            ledger.execute(f"INSERT INTO leaving {told} EXCEPT SELECT customer_id, why FROM leaving", given)
            lists = ledger.outbox.lists if ledger.outbox and why == "objected" else ()
            given["in_force"] = [f"{one.platform} {one.audience}" for one in lists]
            to_be_named = "list_contains($in_force::VARCHAR[], platform || ' ' || audience)"
            ledger.execute(f"DELETE FROM before WHERE {of_these} AND NOT {to_be_named}", given)
            gone = f"{of_these} AND ((place = $folder AND NOT {to_be_named}) OR state = 'rejected')"
            ledger.execute(f"DELETE FROM deliveries WHERE {gone}", given)
            if why == "objected":
                ledger.name_anew(customers, barred)
        ledger.take_from_outbox(customers, why, barred)
        left = ledger.sent_identifiers(customers)
        ledger.finish()
    compact(settings)
    return left


def sent_identifiers(settings: Settings, customers: Sequence[str]) -> list[Sent]:
    """Which identifiers of these customers were sent where and not removed since; whoever asks holds the home."""
    if not is_kept(settings):
        return []
    with opened_ledger(settings) as ledger:
        return ledger.sent_identifiers(customers)


def elsewhere(settings: Settings, customers: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Customer -> the lists beside the folder of the home that they are on, or may be; nothing is changed for it.

    Raises LedgerUnusable.
    """
    if not (settings.home / FILE).exists():
        return {}
    require_ledger(settings)
    listed = "audience || ' for ' || platform || ' at ' || place"
    with _telling_of_damage(), duckdb.connect(str(settings.home / FILE), read_only=True) as connection:
        found = DuckDBEngine(connection).execute(
            f"SELECT customer_id, list(DISTINCT {listed} ORDER BY {listed}) FROM deliveries "
            f"WHERE place <> $folder AND state <> 'rejected' AND list_contains($customers, customer_id) "
            f"GROUP BY customer_id",
            {"folder": FOLDER, "customers": list(customers)},
        )
    return {customer: tuple(lists) for customer, lists in found}


def stopped(settings: Settings, customers: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Customer -> the lists in force that they are kept off because they objected. Raises OutboxUnusable."""
    if Outbox.of(settings) is None:
        return {}
    listed = "audience || ' for ' || platform"
    try:
        with duckdb.connect() as connection:
            found = DuckDBEngine(connection).execute(
                f"SELECT customer_id, list(DISTINCT {listed} ORDER BY {listed}) "
                f"FROM read_parquet({file_literal(settings.home / ROWS)}) "
                f"WHERE identifiers IS NULL AND why = 'objected' AND list_contains($customers, customer_id) "
                f"GROUP BY customer_id",
                {"customers": list(customers)},
            )
    except duckdb.Error:
        raise OutboxUnusable(ROWS, "is damaged") from None
    return {customer: tuple(lists) for customer, lists in found}


class Ledger:
    """What was sent where. States: queued (sending has begun), delivered, rejected (with a reason)."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self._connection, self._settings, self._engine = connection, settings, DuckDBEngine(connection)
        self.execute(f"CREATE TABLE IF NOT EXISTS deliveries ({_SENT})")
        # The rows of the folder as they were before its day, so that a day published again differs from the same.
        self.execute(f"CREATE TABLE IF NOT EXISTS before ({_SENT})")
        # Who must be removed from everywhere, whatever the lists say.
        self.execute("CREATE TABLE IF NOT EXISTS leaving (customer_id VARCHAR, why VARCHAR)")
        self.execute(
            "CREATE TABLE IF NOT EXISTS done (key VARCHAR, platform VARCHAR, place VARCHAR, audience VARCHAR, day DATE)"
        )
        self.execute("CREATE TABLE IF NOT EXISTS generation (id VARCHAR, number BIGINT)")
        if not self.execute("SELECT id FROM generation"):
            self.execute("INSERT INTO generation VALUES ($id, 0)", {"id": uuid4().hex})
        self.outbox = Outbox.of(settings)
        empty = "SELECT NULL::VARCHAR AS platform, NULL::VARCHAR AS audience, NULL::VARCHAR AS customer_id, " \
            "NULL::VARCHAR AS identifiers, NULL::VARCHAR AS cells, NULL::VARCHAR AS content, NULL::VARCHAR AS why " \
            "WHERE FALSE"  # fmt: skip
        rows = f"SELECT * FROM read_parquet({file_literal(settings.home / ROWS)})" if self.outbox else empty
        try:
            self.execute(f"CREATE OR REPLACE TEMP VIEW outbox AS {rows}")
        except duckdb.Error:
            raise OutboxUnusable(ROWS, "is damaged") from None

    def execute(self, sql: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return self._engine.execute(sql, parameters)

    def transaction(self) -> AbstractContextManager[None]:
        return self._engine.transaction()

    def follow(self) -> None:
        """Take what is published for delivered to the folder of the home. Does nothing the second time."""
        with self.transaction():
            for one in self.outbox.lists if self.outbox else ():
                self._follow(one)
            # Ids may change, identifiers are whose they are now: so that whoever is to be forgotten is found.
            self.execute(
                "UPDATE deliveries SET customer_id = outbox.customer_id FROM outbox "
                "WHERE outbox.platform = deliveries.platform AND outbox.audience = deliveries.audience "
                "AND outbox.identifiers = deliveries.identifiers AND outbox.customer_id <> deliveries.customer_id"
            )

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
        return self._engine.read(found, {"day": day})

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

    def lists_elsewhere(self) -> list[tuple[str, str, str]]:
        """(platform, place, audience) of the lists beside the folder on which somebody is."""
        found = "SELECT DISTINCT platform, place, audience FROM deliveries WHERE place <> $folder ORDER BY ALL"
        return [(platform, place, audience) for platform, place, audience in self.execute(found, {"folder": FOLDER})]

    def last_sent_elsewhere(self) -> dict[tuple[str, str], dt.date]:
        """(platform, audience) -> the day in the shop on which any place beside the folder last got rows of it."""
        found = self.execute(
            "SELECT platform, audience, max(last_sent) FROM deliveries WHERE place <> $folder AND state = 'delivered' "
            "GROUP BY ALL",
            {"folder": FOLDER},
        )
        zone = ZoneInfo(self._settings.timezone)
        return {
            (platform, audience): at.replace(tzinfo=dt.UTC).astimezone(zone).date() for platform, audience, at in found
        }

    def plan(
        self, platform: str, place: str, audience: str, listed: Listed | None, mode: Mode, force: bool = False
    ) -> Plan:  # fmt: skip
        """What is to be sent to a place. Of a list that is not in force any more, only who must not be on any."""
        given = {"platform": platform, "place": place, "audience": audience, "version": self.version(listed)}
        # What is queued may be there or not, and is sent again; so is all of a list that is not sent as a difference.
        known = "state = 'delivered'" if mode == "diff" else "state = 'delivered' AND version = $version"
        sent = f"""
        SELECT customer_id, identifiers, CASE WHEN {known} THEN content END AS content
        FROM deliveries WHERE {_OF_LIST} AND state IN ('delivered', 'queued')
        """
        wanted = f"""
        SELECT * FROM outbox WHERE platform = $platform AND audience = $audience AND identifiers IS NOT NULL
        AND customer_id NOT IN (SELECT customer_id FROM leaving) AND {listed is not None}
        """
        # In full, who left stays in the ledger; what may shrink is the list as it was sent the last time.
        is_there = f"identifiers IN ({_OF_THE_LAST_TIME})" if mode == "full" else "identifiers IS NOT NULL"
        found = self.execute(
            f"""
            SELECT changed.kind, changed.customer_id, changed.identifiers, rows.cells, barred.why,
              changed.kind = 'removed' AND changed.{is_there}
            FROM ({differences(sent, wanted)}) AS changed
            LEFT JOIN ({wanted}) AS rows ON changed.kind <> 'removed' AND rows.identifiers = changed.identifiers
            LEFT JOIN (
              SELECT customer_id, coalesce(min(why) FILTER (why = 'erased'), min(why)) AS why FROM (
                SELECT customer_id, why FROM outbox
                WHERE platform = $platform AND audience = $audience AND identifiers IS NULL
                UNION ALL FROM leaving
              ) GROUP BY customer_id
            ) AS barred ON barred.customer_id = changed.customer_id
            ORDER BY changed.identifiers
            """,
            given,
        )
        of = {kind: [Row(*row) for told, *row, _, _ in found if told == kind] for kind in ("added", "updated")}
        gone = [
            (Row(customer, key, None, why), was_there)
            for kind, customer, key, _, why, was_there in found
            if kind == "removed"
        ]
        must = [row for row, _ in gone if row.why]
        there_are = self.execute(f"SELECT count(*) FROM ({wanted})", given)[0][0]
        too_few = there_are if listed and not listed.stopped and there_are < listed.least else None
        stopped = listed is None or listed.stopped or too_few is not None
        is_left_alone = listed is None or (mode == "full" and stopped)
        left = [row for row, was_there in gone if not row.why and was_there and not is_left_alone]
        before = self.execute(f"SELECT count(*) FROM ({sent}) WHERE {is_there}", given)[0][0]
        base = before - sum(was_there for row, was_there in gone if row.why)
        after = base - len(left) if stopped else there_are
        if left and 2 * after < base and not force:
            return Plan(tuple(must), (), (), len(left), before, too_few)
        left = [] if mode == "full" else left
        come = ((), ()) if stopped else (tuple(of["added"]), tuple(of["updated"]))
        return Plan((*must, *left), *come, 0, before, too_few)

    def version(self, listed: Listed | None) -> str:
        """What rows of a list are sent as: of the day, too, so that a list sent in full is so once a day."""
        return f"{self.outbox.day}/{listed.version}" if self.outbox and listed else ""

    def begin(self, platform: str, place: str, audience: str, rows: Sequence[Row]) -> None:
        """Say, before anything is sent, that these may be there from now on."""
        known = f"SELECT identifiers FROM deliveries WHERE {_OF_LIST} AND state <> 'rejected'"
        given = {"platform": platform, "place": place, "audience": audience, "now": _now()}
        with self.transaction(), self._told(rows):
            self._count()
            self.execute(
                f"DELETE FROM deliveries WHERE {_OF_LIST} AND state = 'rejected' AND identifiers IN ({_KEYS})", given
            )
            self.execute(
                f"INSERT INTO deliveries SELECT $platform, $place, $audience, customer_id, key, NULL, NULL, $now, "
                f"$now, 'queued', NULL FROM told WHERE key NOT IN ({known})",
                given,
            )

    def record(
        self, platform: str, place: str, audience: str, listed: Listed | None, kind: Kind, rows: Sequence[Row],
        refused: Mapping[str, str],
    ) -> None:  # fmt: skip
        """Take these for answered: `refused` says why some were not taken, by their key. All or nothing."""
        given = {"platform": platform, "place": place, "audience": audience, "now": _now(),
                 "version": self.version(listed)}  # fmt: skip
        taken = f"{_OF_LIST} AND identifiers IN ({_KEYS})"
        with self.transaction():
            self._count()
            with self._told([row for row in rows if row.key not in refused]):
                if kind == "removed":
                    self.execute(f"DELETE FROM deliveries WHERE {taken}", given)
                else:
                    self.execute(
                        f"UPDATE deliveries SET state = 'delivered', reason = NULL, last_sent = $now, "
                        f"version = $version, content = sha256(told.cells), customer_id = told.customer_id FROM told "
                        f"WHERE {_OF_LIST} AND identifiers = told.key",
                        given,
                    )
            # What is refused and was there before is there still.
            state = "state" if kind == "removed" else "CASE WHEN state = 'delivered' THEN state ELSE 'rejected' END"
            with self._told([row for row in rows if row.key in refused], refused):
                self.execute(
                    f"UPDATE deliveries SET state = {state}, reason = told.reason, last_sent = $now FROM told "
                    f"WHERE {_OF_LIST} AND identifiers = told.key",
                    given,
                )

    def _count(self) -> None:
        """One more writing, in the transaction of it."""
        self.execute("UPDATE generation SET number = number + 1")

    def finish(self) -> bool:
        """Forget who had to leave and is nowhere any more; whether anybody did."""
        nowhere = "customer_id NOT IN (SELECT customer_id FROM deliveries)"
        gone = self.execute(f"SELECT count(*) FROM leaving WHERE {nowhere}")[0][0]
        self.execute(f"DELETE FROM leaving WHERE {nowhere}")
        return bool(gone)

    def name_anew(self, customers: Sequence[str], barred: Sequence[Barred]) -> None:
        """What the folder holds of these counts as sent before its day: a day that is published again names them among
        the removed, since whoever takes in its files has had them already.
        """
        rows = {(one.platform, one.audience, one.identifiers) for one in barred}
        columns = ("platform", "audience", "identifiers")
        self._connection.register("barred", pl.DataFrame(sorted(rows), dict.fromkeys(columns, pl.String), orient="row"))
        row = ", ".join(columns)
        self.execute(
            f"INSERT INTO before SELECT * REPLACE (NULL AS content) FROM deliveries WHERE place = $folder "
            f"AND (list_contains($customers, customer_id) OR ({row}) IN (SELECT ({row}) FROM barred)) "
            f"AND ({row}) NOT IN (SELECT ({row}) FROM before)",
            {"folder": FOLDER, "customers": list(customers)},
        )
        self._connection.unregister("barred")

    def take_from_outbox(self, customers: Sequence[str], why: str, barred: Sequence[Barred]) -> None:
        """Write the outbox again without these customers and rows. Who objected, and whose address is refused, must
        leave the list from now on; of who is erased nothing stays.
        """
        if self.outbox is None:
            return
        file = self._settings.home / ROWS
        fresh = file.with_name(f".{file.name}.rewriting")
        names = ("platform", "audience", "customer_id", "identifiers")
        refused = pl.DataFrame(
            {name: [getattr(one, name) for one in barred] for name in names}, schema=dict.fromkeys(names, pl.String)
        )
        self._connection.register("refused", refused)
        of_these = "list_contains($customers, customer_id)"
        is_refused = f"({', '.join(names)}) IN (SELECT ({', '.join(names)}) FROM refused)"
        rest = f"""
            SELECT * FROM outbox WHERE NOT {of_these} AND coalesce(NOT {is_refused}, TRUE)
            UNION ALL BY NAME
            SELECT DISTINCT platform, audience, customer_id,
              CASE WHEN {of_these} THEN $why ELSE 'blocked_address' END AS why
            FROM outbox
            WHERE $why <> 'erased' AND ({of_these} OR coalesce({is_refused}, FALSE))
            """
        given = {"customers": list(customers), "why": why}
        self.execute(f"CREATE OR REPLACE TEMP TABLE kept AS {rest}", given)
        self._connection.unregister("refused")
        self.execute(f"COPY kept TO {text_literal(fresh)} (FORMAT parquet)")
        self.execute("DROP TABLE kept")
        fresh.chmod(0o600)
        fsync(fresh)
        fresh.replace(file)
        fsync(file.parent)

    @contextmanager
    def _told(self, rows: Sequence[Row], reasons: Mapping[str, str] | None = None) -> Iterator[None]:
        """The rows as the table `told`."""
        columns = {
            "customer_id": [row.customer_id for row in rows],
            "key": [row.key for row in rows],
            "cells": [row.cells for row in rows],
            "reason": [(reasons or {}).get(row.key) for row in rows],
        }
        self._connection.register("told", pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)))
        try:
            yield
        finally:
            self._connection.unregister("told")

    def note_done(self, key: str, platform: str, place: str, audience: str) -> None:
        day = self.outbox.day if self.outbox else None
        given = {"key": key, "platform": platform, "place": place, "audience": audience, "day": day}
        self.execute(f"DELETE FROM done WHERE {_OF_LIST} AND day < $day", given)
        self.execute("INSERT INTO done VALUES ($key, $platform, $place, $audience, $day)", given)

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
