"""Kept verdicts: what the tests of models came to, so that they are made once a month and not every night.

Models are tested as of the last month's end, and all that a test follows from is known then: the lines, orders and
occasions up to that day as they stand now, the horizons, the fitter and our code. The fingerprint of these is the key.
A late order, a refund of a day before, a forgotten customer, another setting or version are tested anew.

The file holds figures of models and sums over customers, and nothing of any one of them. Who loses it loses time.
"""

from __future__ import annotations

import datetime as dt
import json
import zlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.steps.prediction.holdouts import Standings
from pipeline.steps.prediction.inputs import queries
from pipeline.steps.prediction.kept_file import KeptFile, fingerprint
from pipeline.steps.prediction.kept_fits import code_of_models, model_of, told_of
from pipeline.steps.prediction.known import Known
from pipeline.steps.prediction.verdicts import Verdict, Verdicts

MOST = 12
"""Months that are kept, those used last."""
_MOST_BYTES = 1 << 26
TOLD = ("lines that count", "orders that count", "occasions that count")
"""What tests follow from, of `queries`."""


class KeptVerdicts:
    """The verdicts of a home."""

    def __init__(self, file: Path | None) -> None:
        """Without a file nothing is kept."""
        self._kept = KeptFile(file, _made_by, MOST, _MOST_BYTES)
        self.save = self._kept.save

    def find(self, key: str) -> Verdicts | None:
        return self._kept.find(key, _verdicts_of)

    def keep(self, key: str, verdicts: Verdicts) -> Verdicts:
        """And what will be found of them: a night that makes them goes on with the same as one that finds them."""
        told = _told(verdicts)
        self._kept.keep(key, told)
        return _verdicts_of(told)


def key_of(known: Known) -> str:
    """Fingerprint of all that tests follow from but the code."""
    rows = [known.engine.digest(queries()[name], {"snapshot_date": known.day}) for name in TOLD]
    return fingerprint([str(known.day), *rows, *map(str, known.horizons.values()), known.settings.clv.fitter])


@cache
def _made_by() -> str:
    """Fingerprint of the code that tests and keeps: models, this package, its queries, and libraries that compute."""
    libraries = ("numpy", "scipy", "scikit-learn", "polars", "duckdb", "lifetimes", "autograd")
    files = (*code_of_models(), *sorted(Path(__file__).parent.glob("*.py")))
    return fingerprint([*map(version, libraries), *queries().values()], files)


def _told(verdicts: Verdicts) -> str:
    """As digits: in them nothing reads like somebody's id."""
    told = {
        "day": verdicts.day.isoformat(),
        "of": {target: _told_of(verdict) for target, verdict in verdicts.of.items()},
        "learner": verdicts.learner,
        "tracked": None if verdicts.tracked is None else told_of(verdicts.tracked),
        "fits": verdicts.fits,
    }
    return zlib.compress(json.dumps(told, default=_plain).encode()).hex()


def _told_of(verdict: Verdict) -> dict[str, Any]:
    standings = {**vars(verdict.standings), "baselines": sorted(verdict.standings.baselines)}
    return {**vars(verdict), "standings": standings, "origin": verdict.origin.isoformat()}


def _verdicts_of(digits: str) -> Verdicts:
    told = json.loads(zlib.decompress(bytes.fromhex(digits)))
    return Verdicts(
        dt.date.fromisoformat(told["day"]),
        {target: _verdict_of(one) for target, one in told["of"].items()},
        told["learner"],
        None if told["tracked"] is None else model_of(told["tracked"]),
        told["fits"],
    )


def _verdict_of(told: Mapping[str, Any]) -> Verdict:
    standings = Standings(**{**told["standings"], "baselines": frozenset(told["standings"]["baselines"])})
    return Verdict(**{**told, "standings": standings, "origin": dt.date.fromisoformat(told["origin"])})


def _plain(number: Any) -> Any:
    """Of numpy's numbers those of Python."""
    return number.item()
