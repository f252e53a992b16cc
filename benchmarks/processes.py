"""What a process costs: wall, processors and memory, with everything it starts, as the kernel (Linux) counts them."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY_SECONDS = 0.1
_TICKS, _PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Cost:
    """A process that has ended, and what it printed."""

    seconds: float
    cpu_seconds: float  # says more than `seconds` when something else uses the machine
    peak_gib: float
    printed: str
    code: int

    def __str__(self) -> str:
        return f"{self.seconds:>9.2f} s {self.cpu_seconds:>9.2f} s of processors {self.peak_gib:>7.2f} GiB"


class Failed(Exception):
    """A process that ended badly; the message holds what it printed last."""


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run it to its end. Raises Failed when it ends badly, after it has been measured all the same."""
    started = time.monotonic()
    process = subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **(environment or {})}
    )
    assert process.stdout is not None
    with _Watch(process.pid) as watch:
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # Children that were waited for are in the kernel's account, those that were not (a JVM) only in what was watched.
    cost = Cost(
        time.monotonic() - started,
        max(usage.ru_utime + usage.ru_stime, watch.cpu_seconds),
        max(usage.ru_maxrss * 1024, watch.peak_bytes) / 2**30,
        printed,
        process.returncode,
    )
    if cost.code:
        raise Failed(f"{' '.join(command)} ended with {cost.code} after {cost}:\n{printed[-3000:]}")
    return cost


class _Watch:
    """Looks at a process and its descendants ten times a second: memory of all at once, processor time of each."""

    def __init__(self, pid: int) -> None:
        self._pids, self._ticks, self._stop = {pid}, dict[int, int](), threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.peak_bytes = 0

    @property
    def cpu_seconds(self) -> float:
        return sum(self._ticks.values()) / _TICKS

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            family = self._family()
            self._ticks |= {pid: ticks for pid, (ticks, _) in family.items()}
            self.peak_bytes = max(self.peak_bytes, sum(resident for _, resident in family.values()))

    def _family(self) -> dict[int, tuple[int, int]]:
        """pid -> (ticks, resident bytes) of all that are known or have a known parent; once known, always known."""
        family = {}
        for pid, stat in sorted(_stats().items()):  # a child mostly has a greater number than its parent
            if pid in self._pids or int(stat[1]) in self._pids:
                self._pids.add(pid)
                family[pid] = (int(stat[11]) + int(stat[12]), int(stat[21]) * _PAGE)
        return family


def _stats() -> dict[int, list[str]]:
    """The fields of /proc/<pid>/stat that follow the name, which may itself hold blanks and brackets."""
    stats = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stats[int(folder.name)] = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # ended meanwhile
    return stats
