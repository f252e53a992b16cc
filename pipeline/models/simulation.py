"""Made-up customers who behave exactly as a model says: what tests and `make validate` hold the models against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.models.beta_geometric import BGNBD, MBGNBD
from pipeline.models.gamma_gamma import GammaGamma
from pipeline.models.histories import Array
from pipeline.models.nbd import NBD
from pipeline.models.pareto_nbd import ParetoNBD
from pipeline.models.timing import TimingModel


@dataclass(frozen=True)
class Simulated:
    """Histories up to T (x, t_x; weeks), purchases in the weeks after it, and whether they lived at T; all (n,)."""

    x: Array
    t_x: Array
    T: Array
    later: Array
    alive: Array


def simulate(model: TimingModel, T: Array, after: float, rng: np.random.Generator) -> Simulated:
    """One customer per entry of T, watched for T and then for `after` weeks. In continuous time, all at once."""
    n = len(T)
    rate, dies_at, p_drop = _traits(model, n, rng)
    end = T + after
    now, x, t_x, later = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    if isinstance(model, MBGNBD):
        dies_at = np.where(rng.random(n) < p_drop, 0.0, dies_at)
    active = np.flatnonzero(dies_at > 0)
    while len(active):
        now[active] += rng.exponential(1 / rate[active])
        active = active[now[active] <= np.minimum(end, dies_at)[active]]
        seen = active[now[active] <= T[active]]
        x[seen] += 1
        t_x[seen] = now[seen]
        later[active] += now[active] > T[active]
        drops = active[rng.random(len(active)) < p_drop[active]]
        dies_at[drops] = now[drops]
        active = active[dies_at[active] > now[active]]
    return Simulated(x, t_x, T, later, (dies_at > T).astype(np.float64))


def simulate_spend(model: GammaGamma, x: Array, rng: np.random.Generator) -> Array:
    """Mean value of x > 0 occasions of each customer (n,)."""
    scale = rng.gamma(model.q, 1 / model.v, len(x))
    return np.asarray(rng.gamma(model.p * x, 1 / scale) / x)


def _traits(model: TimingModel, n: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """(purchase rate per week, week of dropping out, probability to drop out after a purchase) of n customers."""
    never, no_chance = np.full(n, np.inf), np.zeros(n)
    if isinstance(model, ParetoNBD):
        rate = rng.gamma(model.r, 1 / model.alpha, n)
        return rate, rng.exponential(1 / rng.gamma(model.s, 1 / model.beta, n)), no_chance
    if isinstance(model, BGNBD | MBGNBD):
        return rng.gamma(model.r, 1 / model.alpha, n), never, rng.beta(model.a, model.b, n)
    if isinstance(model, NBD):
        return rng.gamma(model.r, 1 / model.alpha, n), never, no_chance
    raise TypeError(f"{type(model).__name__} cannot be simulated")
