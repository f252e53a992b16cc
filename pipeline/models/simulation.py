"""Synthetic customers who behave exactly as a model says: what tests and `make validate` hold the models against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.models.beta_geometric import BGNBD, MBGNBD
from pipeline.models.equal_dropout import ExponentialNBD, GeometricBGNBD, GeometricMBGNBD
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


@dataclass(frozen=True)
class Traits:
    """Of n customers: purchases per week, probability to drop out after one, week of dropping out (inf = not yet)."""

    rate: Array
    p_drop: Array
    dies_at: Array


def simulate(model: TimingModel, T: Array, after: float, rng: np.random.Generator) -> Simulated:
    """One customer per entry of T, watched for T and then for `after` weeks. In continuous time, all at once."""
    n = len(T)
    traits = draw_traits(model, n, rng)
    x, t_x, later = np.zeros(n), np.zeros(n), np.zeros(n)
    for buyers, weeks in purchases(traits, T + after, rng):
        before = weeks <= T[buyers]
        seen = buyers[before]
        x[seen] += 1
        t_x[seen] = weeks[before]
        later[buyers] += ~before
    return Simulated(x, t_x, T, later, (traits.dies_at > T).astype(np.float64))


def purchases(traits: Traits, end: Array, rng: np.random.Generator) -> Iterator[tuple[NDArray[np.intp], Array]]:
    """Rounds of repeat purchases: in the k-th, who makes a k-th one before their `end` (n,), and in which week.

    `traits.dies_at` becomes the moment of the purchase after which a customer drops out, as soon as that is yielded.
    """
    now = np.zeros(len(end))
    active = np.flatnonzero(traits.dies_at > 0)
    while len(active):
        now[active] += rng.exponential(1 / traits.rate[active])
        active = active[now[active] <= np.minimum(end, traits.dies_at)[active]]
        drops = active[rng.random(len(active)) < traits.p_drop[active]]
        traits.dies_at[drops] = now[drops]
        yield active, now[active]
        active = active[traits.dies_at[active] > now[active]]


def simulate_spend(model: GammaGamma, x: Array, rng: np.random.Generator) -> Array:
    """Mean value of x > 0 occasions of each customer (n,)."""
    scale = rng.gamma(model.q, 1 / model.v, len(x))
    return np.asarray(rng.gamma(model.p * x, 1 / scale) / x)


def draw_traits(model: TimingModel, n: int, rng: np.random.Generator) -> Traits:
    """What sets n customers apart. Raises TypeError for a model nobody has taught it."""
    never, no_chance = np.full(n, np.inf), np.zeros(n)
    if isinstance(model, ParetoNBD):
        rate = rng.gamma(model.r, 1 / model.alpha, n)
        return Traits(rate, no_chance, rng.exponential(1 / rng.gamma(model.s, 1 / model.beta, n)))
    if isinstance(model, BGNBD | MBGNBD | GeometricBGNBD | GeometricMBGNBD):
        rate = rng.gamma(model.r, 1 / model.alpha, n)
        p_drop = rng.beta(model.a, model.b, n) if isinstance(model, BGNBD | MBGNBD) else no_chance + model.p_drop
        traits = Traits(rate, p_drop, never)
        if model.first_chance:
            traits.dies_at[rng.random(n) < traits.p_drop] = 0.0
        return traits
    if isinstance(model, ExponentialNBD):
        return Traits(rng.gamma(model.r, 1 / model.alpha, n), no_chance, rng.exponential(1 / model.mu, n))
    if isinstance(model, NBD):
        return Traits(rng.gamma(model.r, 1 / model.alpha, n), no_chance, never)
    raise TypeError(f"{type(model).__name__} cannot be simulated")
