"""Fitting by maximum likelihood: the search all models share, and what is done when a fit is none.

A fit is a fact with a status, never a crash: `converged`; `no_dropout` (dropout explains nothing, the NBD is given);
`equal_dropout` (customers do not differ in how they drop out: the model of one dropout is given); `penalised` (held by
a small penalty); `refused` (no usable maximum, with the reason).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import ThreadpoolController

from pipeline.models.histories import Array, Histories
from pipeline.models.nbd import NBD
from pipeline.models.timing import TimingModel

Status = Literal["converged", "no_dropout", "equal_dropout", "penalised", "refused"]
Objective = Callable[[Array], tuple[float, Array]]

PENALTIES = (0.0, 1e-4, 1e-3)
NO_DROPOUT_GAIN = EDGE_LOSS = 0.5
"""Log-likelihood: what dropout must explain, and what a model of one dropout may miss of the edge it stands for."""
SKETCHES = (1_500, 15_000)
"""Groups with which a search goes on before it sees all, where these are at least four times as many."""
_THREADS = ThreadpoolController()  # of BLAS, which scipy has loaded by now; a search for it each time is dear
_BOUND = 18.0  # of a log parameter: how far a search may go
_EDGE = 8.0  # of one in units of the mean age: beyond, it says what 0 or infinity would, and slopes are mere rounding
_FINE = 1e-13
_ROUGH = 1e-10  # relative gain at which a search that is polished or refined anyway gives up
_REFINEMENTS = 30
_BLOCK = 16_384
_STARTS: dict[tuple[str, ...], tuple[tuple[float, ...], ...]] = {
    ("r", "alpha"): ((1.0, 1.0), (0.3, 0.3)),
    ("r", "alpha", "a", "b"): ((1.0, 1.0, 1.0, 1.0), (0.3, 0.3, 0.5, 2.0), (3.0, 3.0, 0.2, 1.0)),
    ("r", "alpha", "s", "beta"): ((1.0, 1.0, 1.0, 1.0), (0.5, 0.3, 0.5, 0.3), (3.0, 3.0, 0.3, 3.0)),
    ("r", "alpha", "mu"): ((1.0, 1.0, 1.0), (0.3, 0.3, 1.0)),
    ("r", "alpha", "odds"): ((1.0, 1.0, 0.3), (0.3, 0.3, 0.1)),
}
"""By parameters, in units of the mean age of the customers."""


@dataclass(frozen=True)
class Minimum:
    """Where a search ended: point, value, gradient, Hessian there; which start led to it, after how many iterations."""

    point: Array
    value: float
    gradient: Array
    hessian: Array
    start: int
    iterations: int
    moved: bool

    @property
    def is_proper(self) -> bool:
        """A finite point inside the bounds with a positive definite Hessian."""
        finite = bool(np.isfinite(self.point).all() and np.isfinite(self.hessian).all())
        return (
            finite and bool((np.abs(self.point) < _BOUND - 1).all()) and bool(np.linalg.eigvalsh(self.hessian)[0] > 0)
        )

    @property
    def is_inside(self) -> bool:
        """Proper, and away from the edges that the parameters of a timing model have."""
        return self.is_proper and bool((np.abs(self.point) < _EDGE).all())


@dataclass(frozen=True)
class Fit:
    """A fitted timing model.

    `covariance` is that of the log parameters (k, k), by `sandwich`; None where it does not exist.
    `log_likelihood` is that of all customers, without penalty. `start` is the place in the list of starts.
    """

    model: TimingModel
    status: Status
    log_likelihood: float
    covariance: Array | None
    customers: float
    groups: int
    iterations: int
    start: int
    penalty: float
    asked_for: str
    reason: str = ""

    @property
    def standard_errors(self) -> Array | None:
        """Of the parameters, by the delta method: θ · se(ln θ)."""
        return None if self.covariance is None else self.model.values * np.sqrt(np.diag(self.covariance))

    @property
    def aic(self) -> float:
        return 2 * len(self.model.values) - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        return float(len(self.model.values) * np.log(self.customers) - 2 * self.log_likelihood)


@dataclass(frozen=True)
class Prepared:
    """Histories with what the fits of every kind to them share: sketches, and the fit without dropout."""

    customers: _Customers
    plain: Fit

    @classmethod
    def of(cls, histories: Histories) -> Prepared:
        customers = _Customers.of(histories)
        return cls(customers, _attempt(NBD, customers, 0.0, None))


def fit(kind: type[TimingModel], histories: Histories | Prepared, last: TimingModel | None = None) -> Fit:
    """Fit `kind`; `last` (parameters of an earlier fit) is one more place to start from.

    Unpenalised first. Where that has no proper maximum because customers drop out alike, the model of one dropout is
    the fit. Otherwise it is tried again with c · Σ(ln θ)² added to the mean negative log-likelihood, which holds all
    parameters away from 0 and infinity alike.
    """
    prepared = histories if isinstance(histories, Prepared) else Prepared.of(histories)
    customers, plain = prepared.customers, prepared.plain
    if kind is NBD and last is None and plain.status != "refused":
        return plain
    attempts = []
    for penalty in PENALTIES:
        attempt = _attempt(kind, customers, penalty, last)
        if kind.dropout_parameter and attempt.log_likelihood - plain.log_likelihood <= NO_DROPOUT_GAIN and not penalty:
            return replace(plain, status="no_dropout", asked_for=kind.name)
        if attempt.status != "refused":
            return attempt
        if kind.equal_dropout and not penalty:
            equal = _attempt(kind.equal_dropout, customers, 0.0, None)
            if equal.status == "converged" and attempt.log_likelihood - equal.log_likelihood <= EDGE_LOSS:
                return replace(equal, status="equal_dropout", asked_for=kind.name)
        attempts.append(attempt)
    return attempts[0]


def minimise(objective: Objective, starts: Sequence[Array], precision: float = _FINE) -> Minimum:
    """The lowest minimum reached from the starts, polished by Newton's method so that it does not depend on them.

    `precision`: relative gain at which the search before the polish gives up, such as on its way along a ridge.
    On one thread: BLAS gets 4 × 4 matrices here, over which its threads only wait for each other, most of the time.
    """
    best: tuple[float, int, Array, int] | None = None
    for place, start in enumerate(starts):
        with _THREADS.limit(limits=1):
            found = minimize(
                objective,
                start,
                jac=True,
                method="L-BFGS-B",
                bounds=[(-_BOUND, _BOUND)] * len(start),
                options={"maxiter": 500, "ftol": precision, "gtol": 1e-8},
            )
        if np.isfinite(found.fun) and (best is None or found.fun < best[0] - 1e-12):
            best = (float(found.fun), place, found.x, int(found.nit))
    if best is None:
        nothing = np.full(len(starts[0]), np.nan)
        return Minimum(nothing, np.inf, nothing, np.diag(nothing), 0, 0, False)
    value, place, point, iterations = best
    point, hessian = _polished(objective, point)
    value, gradient = objective(point)
    moved = bool(np.abs(point - starts[place]).max() > 1e-6)
    return Minimum(point, value, gradient, hessian, place, iterations, moved)


def refine(objective: Objective, sketch: Minimum) -> Minimum | None:
    """The minimum next to that of a similar objective (the likelihood of a sketch), whose Hessian shows the way.

    Quasi-Newton steps (BFGS, Nocedal & Wright 2006, eq. 6.19) until the parameters stand still, far below what moves a
    prediction. None where they do not lead down all the way: then the whole search is due.
    """
    if not sketch.is_proper:
        return None
    point, bent = sketch.point, sketch.hessian
    value, gradient = objective(point)
    for iteration in range(1, _REFINEMENTS + 1):
        step = -np.linalg.solve(bent, gradient)
        new_value, new_gradient = objective(point + step)
        if not np.isfinite(new_value) or new_value > value + 1e-12 * abs(value):
            return None
        turn = new_gradient - gradient
        point, value, gradient = point + step, new_value, new_gradient
        if np.abs(step).max() < 1e-9:
            hessian = _hessian_beside(objective, point, gradient)
            iterations = sketch.iterations + iteration
            return replace(sketch, point=point, value=value, gradient=gradient, hessian=hessian, iterations=iterations)
        if turn @ step > 0:
            bent = (
                bent + np.outer(turn, turn) / (turn @ step) - np.outer(bent @ step, bent @ step) / (step @ bent @ step)
            )
    return None


def hessian_of(objective: Objective, point: Array) -> Array:
    """Central differences of the gradient, made symmetric."""
    step = 1e-4
    columns = [
        (objective(point + step * unit)[1] - objective(point - step * unit)[1]) / (2 * step)
        for unit in np.eye(len(point))
    ]
    matrix = np.column_stack(columns)
    return np.asarray((matrix + matrix.T) / 2)


def sandwich(hessian: Array, parts: Iterable[tuple[Array, Array]]) -> Array:
    """Covariance of the log parameters (k, k): H⁻¹ (Σ s sᵀ) H⁻¹; Huber (1967), White (1982, theorem 3.2).

    H: minus the second derivatives of the log-likelihood of all. s: the slopes of that of one customer; they come in
    parts (customers (n,), slopes (n, k)). Where customers behave exactly as the model says this equals H⁻¹, the inverse
    information. Real ones do not, and then it is still how much the estimates of shops like this one would differ,
    which H⁻¹ understates.
    """
    bread = np.linalg.inv(hessian)
    meat = sum(np.einsum("n,ni,nj->ij", customers, slopes, slopes) for customers, slopes in parts)
    return np.asarray(bread @ meat @ bread)


def robust_covariance(model: TimingModel, histories: Histories, hessian: Array, pull: Array | float = 0.0) -> Array:
    """`sandwich` of a timing model; `hessian` is that of the mean over customers, by the log parameters.

    `pull`: slope of a penalty, taken off that of each customer, so that they still add up to nothing.
    """
    parts = (
        (block.customers, model.log_likelihood(block)[1] * model.values - pull) for block in histories.blocks(_BLOCK)
    )
    return sandwich(hessian * histories.total, parts)


def _hessian_beside(objective: Objective, point: Array, gradient: Array) -> Array:
    """The same by differences to one side, from the gradient at the point: half the evaluations, error about 1e-6."""
    step = 1e-6
    matrix = np.column_stack([(objective(point + step * unit)[1] - gradient) / step for unit in np.eye(len(point))])
    return np.asarray((matrix + matrix.T) / 2)


def _polished(objective: Objective, point: Array) -> tuple[Array, Array]:
    """Newton steps while they go down and the Hessian is positive definite."""
    value, gradient = objective(point)
    hessian = hessian_of(objective, point)
    for _ in range(8):
        if not np.isfinite(hessian).all() or np.linalg.eigvalsh(hessian)[0] <= 0:
            break
        step = np.linalg.solve(hessian, gradient)
        candidate = point - step
        if np.abs(candidate).max() > _BOUND:
            break
        new_value, new_gradient = objective(candidate)
        if not np.isfinite(new_value) or new_value > value + 1e-13 * abs(value):
            break
        point, value, gradient = candidate, new_value, new_gradient
        if np.abs(step).max() < 1e-10:
            break
        hessian = hessian_of(objective, point)
    return point, hessian


@dataclass(frozen=True)
class _Customers:
    """The histories of a fit: as they are, and in units of the mean age, from the coarsest sketch of them to all."""

    histories: Histories
    unit: float
    scaled: tuple[Histories, ...]

    @classmethod
    def of(cls, histories: Histories) -> _Customers:
        unit = float(np.average(histories.T, weights=histories.customers)) or 1.0
        scaled = histories.in_units_of(unit)
        sketches = [scaled.binned(groups) for groups in SKETCHES if 4 * groups <= len(scaled.x)]
        return cls(histories, unit, (*sketches, scaled))


def _attempt(kind: type[TimingModel], customers: _Customers, penalty: float, last: TimingModel | None) -> Fit:
    unit = customers.unit
    in_weeks = np.log(unit) * kind.powers_of_time()

    def objective_of(part: Histories, penalty: float) -> Objective:
        blocks, total = part.blocks(_BLOCK), part.total

        def objective(theta: Array) -> tuple[float, Array]:
            parameters = np.exp(theta)
            model, mean, slope = kind.of(parameters), 0.0, np.zeros_like(theta)
            for block in blocks:
                with np.errstate(all="ignore"):
                    value, slopes = model.log_likelihood(block)
                # Not by BLAS: the sums of its threads differ between machines, and its threads wait for each other.
                mean += float((block.customers * value).sum()) / total
                slope += (block.customers * slopes.T).sum(axis=1) / total * parameters
            if not np.isfinite(mean) or not np.isfinite(slope).all():
                return np.inf, np.zeros_like(theta)
            natural = theta + in_weeks
            return -mean + penalty * float(natural @ natural), -slope + 2 * penalty * natural

        return objective

    starts = [np.log(np.array(values)) for values in _STARTS[kind.names()]]
    if last is not None and type(last) is kind:
        starts.insert(0, np.log(last.values) - in_weeks)
    first, *finer = (objective_of(part, penalty) for part in customers.scaled)
    found = minimise(first, starts, _ROUGH if finer else _FINE)
    for place, objective in enumerate(finer, start=1):
        found = _led_to(objective, found, starts, is_all=place == len(finer))
    return _judged(kind, found, customers.histories, unit, in_weeks, penalty)


def _led_to(objective: Objective, sketch: Minimum, starts: Sequence[Array], is_all: bool) -> Minimum:
    """The minimum of an objective next to that of a coarser sketch of the same customers.

    Where a sketch leads out of bounds, a finer one is searched from every start. Where that does, too, so do all: along
    that ridge there is nothing that a search could find again.
    """
    if not np.isfinite(sketch.point).all():
        return minimise(objective, starts)
    if not sketch.is_inside:
        return replace(sketch, value=objective(sketch.point)[0]) if is_all else minimise(objective, starts, _ROUGH)
    found = refine(objective, sketch)
    if found is not None:
        return found
    found = minimise(objective, [sketch.point], _ROUGH)
    return replace(found, start=sketch.start, iterations=sketch.iterations + found.iterations, moved=sketch.moved)


def _judged(
    kind: type[TimingModel], found: Minimum, histories: Histories, unit: float, in_weeks: Array, penalty: float
) -> Fit:
    status: Status = "penalised" if penalty else "converged"
    reason, covariance, natural = "", None, found.point + in_weeks
    if not np.isfinite(found.point).all():
        status, reason = "refused", "the likelihood is not finite at any start"
    elif not found.moved:
        status, reason = "refused", "the search stopped where it started"
    elif not found.is_inside:
        status, reason = (
            "refused",
            "no maximum inside: a parameter runs to 0 or infinity, or the Hessian is not definite",
        )
    else:
        covariance = robust_covariance(kind.of(np.exp(natural)), histories, found.hessian, 2 * penalty * natural)
    shrinkage = penalty * float(natural @ natural)
    # Times in other units change the density of t by unit^-x: put back, so that fits of all units compare.
    jacobian = float(histories.customers @ histories.x) * np.log(unit)
    return Fit(
        model=kind.of(np.exp(natural)),
        status=status,
        log_likelihood=-(found.value - shrinkage) * histories.total - jacobian,
        covariance=covariance,
        customers=histories.total,
        groups=len(histories.x),
        iterations=found.iterations,
        start=found.start,
        penalty=penalty,
        asked_for=kind.name,
        reason=reason,
    )
