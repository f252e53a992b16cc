"""Memory that this process may use: where a container limits it, less than the machine has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def available_bytes(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """Physical memory, or the least limit of the control groups (v2 and v1) that this process is in."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *_limits(cgroups, membership)])


def _limits(cgroups: Path, membership: Path) -> Iterator[int]:
    """The limits along the path from the process's own group to the root; a group without one says `max` (v2) or a
    number beyond all memory (v1)."""
    for line in _read(membership).splitlines():
        _, controllers, group = line.split(":", 2)
        unified = not controllers
        if not unified and "memory" not in controllers.split(","):
            continue
        top = cgroups if unified else cgroups / "memory"
        name = "memory.max" if unified else "memory.limit_in_bytes"
        inside = top / group.lstrip("/")
        # A container often sees its own group as the root, whatever path it is told to be in.
        for folder in (inside, *(parent for parent in inside.parents if parent.is_relative_to(top))):
            limit = _read(folder / name).strip()
            if limit.isdigit():
                yield int(limit)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
