"""What DuckDB may use is a share of the container, not of the machine around it."""

import os
from pathlib import Path

import pytest

from pipeline.memory import available_bytes

PHYSICAL = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
GIB = 2**30
UNLIMITED = "9223372036854771712"


def machine(folder: Path, groups: str, **limits: str) -> int:
    """What is available to a process in these groups; `limits` are files by their place, `/` written as `__`."""
    (folder / "membership").write_text(groups)
    for place, limit in limits.items():
        file = folder / place.replace("__", "/").replace("_dot_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{limit}\n")
    return available_bytes(folder, folder / "membership")


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("0::/shop\n", {"shop__memory_dot_max": str(GIB)}, GIB),
        ("0::/\n", {"memory_dot_max": str(GIB)}, GIB),
        ("0::/shop\n", {"shop__memory_dot_max": "max"}, PHYSICAL),
        ("0::/pod/shop\n", {"pod__memory_dot_max": str(GIB), "pod__shop__memory_dot_max": "max"}, GIB),
        ("0::/elsewhere\n", {"memory_dot_max": str(GIB)}, GIB),  # inside a container the path is that of the host
        ("5:cpu,memory:/shop\n", {"memory__shop__memory_dot_limit_in_bytes": str(GIB)}, GIB),
        ("5:memory:/shop\n", {"memory__shop__memory_dot_limit_in_bytes": UNLIMITED}, PHYSICAL),
        ("5:cpu:/shop\n", {"memory__shop__memory_dot_limit_in_bytes": str(GIB)}, PHYSICAL),
    ],
)
def test_the_least_limit_counts(tmp_path: Path, groups: str, limits: dict[str, str], expected: int) -> None:
    assert machine(tmp_path, groups, **limits) == expected


def test_without_control_groups_it_is_the_machine(tmp_path: Path) -> None:
    assert available_bytes(tmp_path, tmp_path / "none") == PHYSICAL
