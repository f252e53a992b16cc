"""Locks: one run at a time in a home, and who it is.

Here belong the kernel's locks (flock) and nothing that needs cleaning up after a crash: the kernel drops them with the
process, kill -9 included. What is written in the lock files is for people; whether a lock is held the kernel says.

    .perennial/run.lock            held by the run that uses the home; never deleted, so that all lock the same inode
    .perennial/runs/<run_id>.lock  held by each run from before it waits until after it has let the home go
"""

import fcntl
import json
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.errors import PerennialError

POLL_SECONDS = 0.1
GLANCE_SECONDS = 0.1  # `holder` and `run_is_alive` look by taking a shared lock for microseconds; outlast them
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_log = logging.getLogger(__name__)
_held: set[int] = set()  # descriptors of the locks this process holds
_lent: dict[tuple[Path, int], int] = {}  # (lock file, thread) -> descriptor that the thread's next run may borrow


class HomeBusy(PerennialError):
    """Another run uses the home and did not finish in the time we were ready to wait."""


class HomeNotWritable(PerennialError, OSError):
    """The lock files cannot be written; says which folder and what to do."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, as far as it has said so (in the instant after taking it, it has not yet)."""

    run_id: str | None = None
    pid: int | None = None
    since: datetime | None = None

    def __str__(self) -> str:
        """'Run 1a2b3c4d (process 4242)', short enough for a sentence."""
        return f"Run {self.run_id[:8]} (process {self.pid})" if self.run_id else "Another run"

    def is_using(self, home: Path) -> str:
        """'Run 1a2b3c4d (process 4242) has been using <home> since 12:04:31', with the day if it was not today."""
        if self.since is None:
            return f"{self} is using {home}"
        since = self.since.astimezone()
        today = since.date() == datetime.now().astimezone().date()
        return f"{self} has been using {home} since {since:%H:%M:%S}" + ("" if today else f" on {since:%Y-%m-%d}")


@contextmanager
def home_lock(
    home: Path, run_id: str, wait_seconds: float, on_wait: Callable[[str], None] = _log.info
) -> Iterator[None]:
    """Use the home alone; wait up to `wait_seconds` for the run that uses it now, saying once by `on_wait` who that is.

    Raises HomeBusy when the time is over (also if this process itself holds the lock: a second run in one process is a
    second run), HomeNotWritable if the lock files cannot be written. Creates the home's lock folder if it is missing.
    Inside `home_lock_for_several`, it borrows that lock.
    """
    with _use(home, run_id, wait_seconds, on_wait):
        yield


@contextmanager
def home_lock_for_several(
    home: Path, name: str, wait_seconds: float, on_wait: Callable[[str], None] = _log.info
) -> Iterator[None]:
    """Use the home alone for several runs of this thread, one after the other, and nobody else's between them.

    As `home_lock`, but each `home_lock` that this thread takes meanwhile borrows the lock and gives it back. It is lent
    to one run at a time: one more beside that is a second run, and is refused as always.
    """
    with _use(home, name, wait_seconds, on_wait) as descriptor:
        _lent[_place(home)] = descriptor
        try:
            yield
        finally:
            _lent.pop(_place(home), None)


def holder(home: Path) -> Holder | None:
    """Who uses the home now; None if nobody does. Works on a read-only home and takes nothing away from anybody."""
    return _holder(_home_file(home))


def run_is_alive(home: Path, run_id: str) -> bool:
    """Whether a living process holds the run's own lock: it uses the home or waits for it."""
    return _holder(_run_file(home, run_id)) is not None


def sweep(home: Path) -> None:
    """Remove the lock files that dead runs left behind; those of living runs stay."""
    for path in _home_file(home).with_name("runs").glob("*.lock"):
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue  # its run has just finished
        try:
            # Unlinked only while locked and still the file of that name; a run that opened it just before then notices
            # in `_take` that the file it locked has lost its name, and starts again: no run holds a lock nobody sees.
            if _try(descriptor, fcntl.LOCK_EX) and _is_at(descriptor, path):
                path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


# ── How ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _use(home: Path, run_id: str, wait: float, on_wait: Callable[[str], None]) -> Iterator[int]:
    """The descriptor that holds the home."""
    own = _run_file(home, run_id)
    _make_folder(own.parent)
    # The run's own lock comes first: a run that waits is alive and must not be taken for dead by the one it waits for.
    with _lock(own, home, run_id, 0.0, on_wait) as own_descriptor:
        try:
            lent = _lent.pop(_place(home), None)
            taken = _lock(_home_file(home), home, run_id, wait, on_wait) if lent is None else _loan(lent, home, run_id)
            with taken as descriptor:
                yield descriptor
        finally:
            if own_descriptor in _held:  # not so in a forked child, which owns nothing
                own.unlink(missing_ok=True)


@contextmanager
def _loan(descriptor: int, home: Path, run_id: str) -> Iterator[int]:
    """The lock that this thread holds for several runs, in the name of one of them."""
    lender = os.pread(descriptor, 4096, 0)
    _write(descriptor, _said_by(run_id))
    try:
        yield descriptor
    finally:
        _write(descriptor, lender)
        if descriptor in _held:
            _lent[_place(home)] = descriptor


@contextmanager
def _lock(path: Path, home: Path, run_id: str, wait: float, on_wait: Callable[[str], None]) -> Iterator[int]:
    descriptor = _take(path, home, wait, on_wait)
    _held.add(descriptor)
    try:
        _write(descriptor, _said_by(run_id))
        yield descriptor
    finally:
        if descriptor in _held:
            _write(descriptor, b"")
            _held.remove(descriptor)
            os.close(descriptor)  # closing the only descriptor releases the lock


def _take(path: Path, home: Path, wait: float, on_wait: Callable[[str], None]) -> int:
    """An open descriptor that holds the lock on the file of that name."""
    start = time.monotonic()
    said = False
    while True:
        descriptor = _open(path)
        if _try(descriptor, fcntl.LOCK_EX) and _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)
        waited = time.monotonic() - start
        if waited >= max(wait, GLANCE_SECONDS):
            raise HomeBusy(_busy(home, _read(path), wait))
        if waited >= GLANCE_SECONDS and not said:
            on_wait(f"{_read(path).is_using(home)}; waiting up to {wait:.0f} s for it.")
            said = True
        time.sleep(POLL_SECONDS if said else GLANCE_SECONDS / 4)


def _busy(home: Path, by: Holder, waited: float) -> str:
    stop = f", or stop process {by.pid}" if by.pid else ""
    return f"{by.is_using(home)}; waited {waited:.0f} s. Wait for it{stop}."


def _holder(path: Path) -> Holder | None:
    """A shared lock is refused exactly while somebody holds the exclusive one; several may look at once."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return None if _try(descriptor, fcntl.LOCK_SH) else _read(path)
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _read(path: Path) -> Holder:
    try:
        said = json.loads(path.read_bytes())
        return Holder(str(said["run_id"]), int(said["pid"]), datetime.fromisoformat(said["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Holder()


def _said_by(run_id: str) -> bytes:
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    return json.dumps({"run_id": run_id, "pid": os.getpid(), "since": since}).encode()


def _write(descriptor: int, content: bytes) -> None:
    """For people only: on a full disk the lock counts all the same, and its holder stays 'another run'."""
    if descriptor in _held:
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, content, 0)


def _place(home: Path) -> tuple[Path, int]:
    """Where a loan lies: other threads do not find it, their runs are second runs."""
    return _home_file(home), threading.get_ident()


def _home_file(home: Path) -> Path:
    return home / ".perennial" / "run.lock"


def _run_file(home: Path, run_id: str) -> Path:
    if not RUN_ID.fullmatch(run_id):
        raise ValueError(f"{run_id!r} cannot name a lock file: letters, digits, '.', '_' and '-' only.")
    return home / ".perennial" / "runs" / f"{run_id}.lock"


def _make_folder(folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _not_writable(folder, error) from error


def _open(path: Path) -> int:
    """Close-on-exec, as always in Python: programs that we start do not keep the lock."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _not_writable(path.parent, error) from error


def _not_writable(folder: Path, error: OSError) -> HomeNotWritable:
    return HomeNotWritable(
        f"Cannot write to {folder} ({error.strerror}): a run keeps its locks there. "
        f"Give this user write access to it, or use another home."
    )


def _let_go_in_child() -> None:
    """A forked child shares our locks and would keep them when we die; closing its copies leaves ours as they are."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()
    _lent.clear()


os.register_at_fork(after_in_child=_let_go_in_child)
