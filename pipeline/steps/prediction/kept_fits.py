"""Kept fits: what a model came to on certain histories, so that a night fits only what is new.

The origins that a night is tested on lie 30 days apart, and so do those of the years before them: most of tonight's
histories were fitted 30 nights ago. A fit is a function of its histories, of where its search begins and of our code.
The fingerprint of these is its key, so that late orders, a forgotten customer or another version are fitted anew.

The file holds parameters of models and their precision, and nothing of any customer. Who loses it loses time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from pipeline.durable import fsync
from pipeline.models import fitting
from pipeline.models.beta_geometric import BGNBD, MBGNBD
from pipeline.models.equal_dropout import ExponentialNBD, GeometricBGNBD, GeometricMBGNBD
from pipeline.models.fitting import Fit
from pipeline.models.histories import Array, Histories
from pipeline.models.nbd import NBD
from pipeline.models.pareto_nbd import ParetoNBD
from pipeline.models.timing import TimingModel

MOST = 2_000
"""Fits that are kept, those used last: a night makes some ten, and asks for one of another night within half a year."""
_MOST_BYTES = 1 << 26
"""A file that is larger, by far, is none of ours."""
_KINDS: dict[str, type[TimingModel]] = {
    kind.__name__: kind for kind in (BGNBD, MBGNBD, ParetoNBD, NBD, ExponentialNBD, GeometricBGNBD, GeometricMBGNBD)
}
_FLOATS, _WHOLE = ("log_likelihood", "customers", "penalty"), ("groups", "iterations", "start")
_TEXTS = ("status", "asked_for", "reason")


class KeptFits:
    """The fits of a home, read when the first is asked for."""

    def __init__(self, file: Path | None) -> None:
        """Without a file nothing is kept."""
        self._file = file
        self._known: dict[str, dict[str, Any]] | None = None
        self._used: dict[str, dict[str, Any]] = {}

    def find(self, key: str) -> Fit | None:
        if self._known is None:
            self._known = self._read()
        told = self._known.get(key)
        if told is None:
            return None
        self._used[key] = told
        return _fit_of(told)

    def keep(self, key: str, fit: Fit) -> None:
        self._used[key] = _told(fit)

    def save(self) -> None:
        """Those that were used come first from now on. The file is whole at every moment: the old one or the new.

        Where it cannot be written, nothing is kept: no night fails for that.
        """
        if self._file is None or not self._used or not self._file.parent.is_dir():
            return
        known = self._used | {key: told for key, told in (self._known or {}).items() if key not in self._used}
        kept = dict(list(known.items())[:MOST])
        if list(kept.items()) == list((self._known or {}).items()):
            return
        partial = self._file.with_name(f"{self._file.name}.partial")
        with suppress(OSError):
            partial.unlink(missing_ok=True)  # of somebody who died, or a link that leads elsewhere
            with partial.open("x", encoding="ascii") as file:
                json.dump({"made_by": _made_by(), "sum": _sum_of(kept), "fits": kept}, file)
            partial.chmod(0o600)
            fsync(partial)
            partial.replace(self._file)

    def _read(self) -> dict[str, dict[str, Any]]:
        """Nothing where there is no file, where it is damaged, or where other code made it."""
        try:
            if self._file is None or self._file.stat().st_size > _MOST_BYTES:
                return {}
            told = json.loads(self._file.read_text(encoding="ascii"))
            fits = {key: dict(fit) for key, fit in told["fits"].items()}
            return fits if (told["made_by"], told["sum"]) == (_made_by(), _sum_of(fits)) else {}
        except (OSError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
            return {}


def key_of(kind: type[TimingModel], histories: Histories, start: TimingModel | None, fitter: str) -> str:
    """Fingerprint of all that a fit follows from but the code."""
    told = hashlib.sha256(f"{kind.__name__} {fitter} {start!r}".encode())
    for array in (histories.x, histories.t_x, histories.T, histories.customers):
        told.update(str(array.shape).encode())
        told.update(np.ascontiguousarray(array, dtype=np.float64).tobytes())
    return told.hexdigest()


@cache
def _made_by() -> str:
    """Fingerprint of the code that fits and keeps: all of our models, and the libraries whose numbers they take."""
    of_lifetimes = " ".join(version(name) for name in ("lifetimes", "autograd"))  # where it is the fitter
    told = hashlib.sha256(f"{np.__version__} {scipy.__version__} {of_lifetimes}".encode())
    for file in (Path(__file__), *sorted(Path(fitting.__file__).parent.glob("*.py"))):
        told.update(file.read_bytes())
    return told.hexdigest()


def _sum_of(fits: Mapping[str, Any]) -> str:
    """By which it is seen that nothing of them is damaged: a digit that is another one is a number, too."""
    return hashlib.sha256(json.dumps(fits).encode()).hexdigest()


def _told(fit: Fit) -> dict[str, Any]:
    """Numbers as the digits of their bytes: nothing of them is lost, and none reads like somebody's id."""
    numbers = [float(getattr(fit, name)) for name in (*_FLOATS, *_WHOLE)]
    return {
        "model": type(fit.model).__name__,
        "parameters": _digits(fit.model.values),
        "covariance": None if fit.covariance is None else _digits(fit.covariance),
        "numbers": _digits(np.array(numbers)),
        **{name: getattr(fit, name) for name in _TEXTS},
    }


def _fit_of(told: Mapping[str, Any]) -> Fit:
    model = _KINDS[told["model"]](*map(float, _array(told["parameters"])))
    k = len(model.values)
    covariance = None if told["covariance"] is None else _array(told["covariance"]).reshape(k, k)
    numbers = dict(zip((*_FLOATS, *_WHOLE), _array(told["numbers"]).tolist(), strict=True))
    whole = {name: int(numbers[name]) for name in _WHOLE}
    return Fit(model=model, covariance=covariance, **{**numbers, **whole}, **{name: told[name] for name in _TEXTS})


def _digits(array: Array) -> str:
    return np.ascontiguousarray(array, dtype="<f8").tobytes().hex()


def _array(digits: str) -> Array:
    return np.frombuffer(bytes.fromhex(digits), dtype="<f8").astype(np.float64)
