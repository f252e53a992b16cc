"""lifetimes as the fitter of the timing models, for who wants the parameters that everyone knows.

The same weighted groups go in and the same `Fit` comes out: lifetimes searches, its parameters become our models, and
likelihood and covariance at that point are ours. What lifetimes cannot say, a status, is judged here: it stops at its
start without a word, and knows no customers who never drop out.
"""

from __future__ import annotations

import warnings
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from typing import Any

import numpy as np
from lifetimes import BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter
from lifetimes.utils import ConvergenceError

from pipeline.models import fitting
from pipeline.models.beta_geometric import BGNBD, MBGNBD
from pipeline.models.fitting import NO_DROPOUT_GAIN, Fit, hessian_of, robust_covariance
from pipeline.models.histories import Array, Histories
from pipeline.models.nbd import NBD
from pipeline.models.pareto_nbd import ParetoNBD
from pipeline.models.timing import TimingModel

_TOLERANCES = (1e-7, 1e-5)  # of the gradient; where rounding forbids the first, the second
_START = np.exp(0.1)  # of every parameter, in its own unit of time; Pareto/NBD starts at random
_SEED = 1


def fit(kind: type[TimingModel], histories: Histories) -> Fit:
    """Fit `kind` by lifetimes; unpenalised, because its penalty on θ² drives parameters to 0. NBD: see `fitting`."""
    plain = fitting.fit(NBD, histories)
    if kind is NBD:
        return plain
    values, reason = _searched(kind, histories)
    if reason:
        nothing = replace(plain, model=kind.of(values), log_likelihood=float("nan"), covariance=None, iterations=0)
        return replace(nothing, status="refused", asked_for=kind.name, reason=reason)
    model = kind.of(values)
    log_likelihood = float((histories.customers * model.log_likelihood(histories)[0]).sum())
    if log_likelihood - plain.log_likelihood <= NO_DROPOUT_GAIN:
        return replace(plain, status="no_dropout", asked_for=kind.name)
    covariance = _covariance(kind, values, histories)
    return Fit(
        model=model,
        status="converged" if covariance is not None else "refused",
        log_likelihood=log_likelihood,
        covariance=covariance,
        customers=histories.total,
        groups=len(histories.x),
        iterations=0,  # lifetimes does not tell
        start=0,
        penalty=0.0,
        asked_for=kind.name,
        reason="" if covariance is not None else "lifetimes stopped where the Hessian is not positive definite",
    )


def _searched(kind: type[TimingModel], histories: Histories) -> tuple[Array, str]:
    """(parameters with time in weeks, why there are none)."""
    reason = ""
    for tolerance in _TOLERANCES:
        try:
            values = _parameters(kind, histories, tolerance)
        except (ConvergenceError, ValueError, np.linalg.LinAlgError) as error:
            reason = f"lifetimes found no fit: {str(error).strip().splitlines()[0]}"
            continue
        if not (np.isfinite(values).all() and (values > 0).all()):
            return values, "the parameters that lifetimes found are not positive numbers"
        if kind is not ParetoNBD and np.allclose(values[2:], _START, rtol=1e-6):
            return values, "lifetimes stopped where it started"
        return values, ""
    return np.full(4, np.nan), reason


def _parameters(kind: type[TimingModel], histories: Histories, tolerance: float) -> Array:
    fitters = {BGNBD: BetaGeoFitter, MBGNBD: ModifiedBetaGeoFitter, ParetoNBD: ParetoNBDFitter}
    fitter: Any = fitters[kind](penalizer_coef=0.0)
    state = np.random.get_state()
    np.random.seed(_SEED)
    try:
        # It prints what it cannot fit, and warns of every step outside of the domain.
        with warnings.catch_warnings(), np.errstate(all="ignore"), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            fitter.fit(histories.x, histories.t_x, histories.T, weights=histories.customers, tol=tolerance)
    finally:
        np.random.set_state(state)
    return np.asarray([fitter.params_[name] for name in kind.names()], dtype=np.float64)


def _covariance(kind: type[TimingModel], values: Array, histories: Histories) -> Array | None:
    """Of the log parameters, as of our own fits; None where there is no maximum."""

    def objective(theta: Array) -> tuple[float, Array]:
        parameters = np.exp(theta)
        value, slopes = kind.of(parameters).log_likelihood(histories)
        slope = (histories.customers * slopes.T).sum(axis=1) / histories.total * parameters
        return -float((histories.customers * value).sum()) / histories.total, -slope

    hessian = hessian_of(objective, np.log(values))
    if not np.isfinite(hessian).all() or np.linalg.eigvalsh(hessian)[0] <= 0:
        return None
    return robust_covariance(kind.of(values), histories, hessian)
