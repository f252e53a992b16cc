"""Opening a home's warehouse: everybody goes through here, and waits for other programs that have the file open.

The home lock keeps runs apart; it is unknown to an analyst's notebook. DuckDB lets one process write a file or several
read it, so a single open reader keeps a run out.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipeline.engines.duckdb import confine, open_file
from pipeline.errors import PerennialError
from pipeline.home.locks import HomeBusy
from pipeline.settings import Settings

POLL_SECONDS = 0.2
_HELD_BY = re.compile(r"lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")

_log = logging.getLogger(__name__)


class NothingLoaded(PerennialError):
    """A home in which nothing has run yet."""


class WarehouseBusy(HomeBusy):
    """Another program has the warehouse open and did not close it in the time we were ready to wait."""


@contextmanager
def opened(
    settings: Settings, read_only: bool = False, wait_seconds: float | None = None,
    on_wait: Callable[[str], None] = _log.info, confined: bool = True,
) -> Iterator[duckdb.DuckDBPyConnection]:  # fmt: skip
    """The warehouse, closed whatever happens; the caller holds the home.

    Waits `wait_seconds` (default: the setting lock_wait_seconds) for a program that has it open, saying once by
    `on_wait` who that is. Raises WarehouseBusy when the time is over, NothingLoaded where there is nothing to read. A
    connection that is not `confined` to the home must be, before SQL that is not ours runs on it.
    """
    if read_only and not settings.warehouse_file.exists():
        raise NothingLoaded(f"Nothing has been loaded in {settings.home} yet: perennial run does it.")
    connection = _connect(
        settings, read_only, settings.lock_wait_seconds if wait_seconds is None else wait_seconds, on_wait
    )
    if confined:
        confine(connection, settings)
    try:
        yield connection
    finally:
        connection.close()


def _connect(
    settings: Settings, read_only: bool, wait: float, on_wait: Callable[[str], None]
) -> duckdb.DuckDBPyConnection:
    file, start, said = settings.warehouse_file, time.monotonic(), False
    while True:
        try:
            return open_file(file, settings, read_only)
        except duckdb.IOException as error:
            if "Could not set lock" not in str(error):
                raise
            who = _holder(file, str(error))
        if time.monotonic() - start >= wait:
            raise WarehouseBusy(
                f"{who} has the warehouse open ({file}), and DuckDB does not let us in beside it; waited {wait:.0f} s. "
                f"Close it there and run again. To read tables while runs go on, read the published Parquet files: "
                f"{settings.home / 'data' / 'marts'}/<table>/*/*.parquet."
            )
        if not said:
            on_wait(f"{who} has the warehouse open; waiting up to {wait:.0f} s for it to be closed.")
            said = True
        time.sleep(min(POLL_SECONDS, wait))


def _holder(file: Path, message: str) -> str:
    """'duckdb (process 4242)': as DuckDB says, else as the kernel knows it."""
    held = _HELD_BY.search(message)
    if held is not None:
        return f"{Path(held['program']).name} (process {held['pid']})"
    pids = _pids_with_locks(file)
    return " and ".join(f"{_program(pid)} (process {pid})" for pid in pids) or "Another program"


def _pids_with_locks(file: Path) -> list[int]:
    """Processes that hold a lock on the file, where the system lists locks (Linux)."""
    try:
        inode = file.stat().st_ino
        locks = [line.split() for line in Path("/proc/locks").read_text(encoding="ascii").splitlines()]
    except OSError:
        return []
    held = {int(lock[4]) for lock in locks if "->" not in lock and lock[5].rpartition(":")[2] == str(inode)}
    return sorted(pid for pid in held if pid > 0)


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return "A program"
