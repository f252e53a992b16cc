"""The shops of `perennial demo`: a real one of long ago and a synthetic one of today.

What belongs here: where a demo's exports come from, its settings and its days. What does not: running it; `cli` does
that as with any shop.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pipeline.errors import PerennialError


class DemoNotThere(PerennialError):
    """What a demo runs on is missing; the message says what to do."""


@dataclass(frozen=True)
class Demo:
    """A shop to look at. Two snapshots, so that the report can tell what changed."""

    folder: str
    """Below data/ of the project."""
    settings: str
    snapshots: tuple[dt.date, dt.date]
    exports: Callable[[Path], dict[str, list[str]]]
    """The files for a home, source -> paths; empty where they lie in its drop folder."""


def _cdnow(_: Path) -> dict[str, list[str]]:
    """The file that lifetimes ships; found without importing lifetimes, whose datasets module needs pkg_resources."""
    spec = find_spec("lifetimes")
    if spec is None or spec.origin is None:
        raise DemoNotThere("The demo reads a file of the package lifetimes, which is not installed. Run `make run`.")
    return {"cdnow": [str(Path(spec.origin).parent / "datasets" / "CDNOW_master.txt")]}


def _made_up(home: Path) -> dict[str, list[str]]:
    """The same files every time, so that a second demo loads nothing again."""
    import duckdb

    from pipeline.simulator.shop import Shop
    from pipeline.simulator.writing import simulate

    try:
        simulate(Shop(customers=4_000, years=3, seed=11), home / "data", replace=True)
    except (OSError, duckdb.Error) as error:
        raise DemoNotThere(f"The synthetic shop cannot be written: {error}. Choose another folder: --home.") from None
    return {}


CDNOW = Demo(
    "demo",
    '# CDNOW: a music shop, 1997-1998\ncurrency = "USD"\n',
    (dt.date(1998, 5, 31), dt.date(1998, 6, 30)),
    _cdnow,
)
SHOP = Demo(
    "demo-shop",
    "# A synthetic shop for home and living (docs/simulator.md)\n"
    'compare = "2025-04-01:2025-09-30,2026-04-01:2026-09-30"\n',
    (dt.date(2026, 9, 30), dt.date(2026, 10, 31)),
    _made_up,
)
