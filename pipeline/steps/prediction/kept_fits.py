"""Kept fits: what a model came to on certain histories, so that a night fits only what is new.

A night that is made again, and tests that are made anew for a late order, ask for fits of histories that have not
changed. A fit is a function of its histories, of where its search begins and of our code. The fingerprint of these is
its key, so that late orders, a forgotten customer or another version are fitted anew.

The file holds parameters of models and their precision, and nothing of any customer. Who loses it loses time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from pipeline.models import fitting
from pipeline.models.beta_geometric import BGNBD, MBGNBD
from pipeline.models.equal_dropout import ExponentialNBD, GeometricBGNBD, GeometricMBGNBD
from pipeline.models.fitting import Fit
from pipeline.models.histories import Array, Histories
from pipeline.models.nbd import NBD
from pipeline.models.pareto_nbd import ParetoNBD
from pipeline.models.timing import TimingModel
from pipeline.steps.prediction import kept_file
from pipeline.steps.prediction.kept_file import KeptFile, fingerprint

MOST = 2_000
"""Fits that are kept, those used last: the tests of a month make some forty, and a night another ten."""
_MOST_BYTES = 1 << 26
"""A file that is larger, by far, is none of ours."""
_KINDS: dict[str, type[TimingModel]] = {
    kind.__name__: kind for kind in (BGNBD, MBGNBD, ParetoNBD, NBD, ExponentialNBD, GeometricBGNBD, GeometricMBGNBD)
}
_FLOATS, _WHOLE = ("log_likelihood", "customers", "penalty"), ("groups", "iterations", "start")
_TEXTS = ("status", "asked_for", "reason")


class KeptFits:
    """The fits of a home."""

    def __init__(self, file: Path | None) -> None:
        """Without a file nothing is kept."""
        self._kept = KeptFile(file, _made_by, MOST, _MOST_BYTES)
        self.save = self._kept.save

    def find(self, key: str) -> Fit | None:
        return self._kept.find(key, _fit_of)

    def keep(self, key: str, fit: Fit) -> None:
        self._kept.keep(key, _told(fit))


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
    versions = (np.__version__, scipy.__version__, *map(version, ("lifetimes", "autograd")))  # where it is the fitter
    return fingerprint(versions, (Path(__file__), Path(kept_file.__file__), *code_of_models()))


def code_of_models() -> list[Path]:
    return sorted(Path(fitting.__file__).parent.glob("*.py"))


def told_of(model: TimingModel) -> dict[str, str]:
    return {"model": type(model).__name__, "parameters": _digits(model.values)}


def model_of(told: Mapping[str, Any]) -> TimingModel:
    return _KINDS[told["model"]](*map(float, _array(told["parameters"])))


def _told(fit: Fit) -> dict[str, Any]:
    """Numbers as the digits of their bytes: nothing of them is lost, and none reads like somebody's id."""
    numbers = [float(getattr(fit, name)) for name in (*_FLOATS, *_WHOLE)]
    return {
        **told_of(fit.model),
        "covariance": None if fit.covariance is None else _digits(fit.covariance),
        "numbers": _digits(np.array(numbers)),
        **{name: getattr(fit, name) for name in _TEXTS},
    }


def _fit_of(told: Mapping[str, Any]) -> Fit:
    model = model_of(told)
    k = len(model.values)
    covariance = None if told["covariance"] is None else _array(told["covariance"]).reshape(k, k)
    numbers = dict(zip((*_FLOATS, *_WHOLE), _array(told["numbers"]).tolist(), strict=True))
    whole = {name: int(numbers[name]) for name in _WHOLE}
    return Fit(model=model, covariance=covariance, **{**numbers, **whole}, **{name: told[name] for name in _TEXTS})


def _digits(array: Array) -> str:
    return np.ascontiguousarray(array, dtype="<f8").tobytes().hex()


def _array(digits: str) -> Array:
    return np.frombuffer(bytes.fromhex(digits), dtype="<f8").astype(np.float64)
