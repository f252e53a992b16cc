"""Random effects: what groups have in common, how much they truly differ, and each one's effect drawn towards the rest.

The best of several groups overstates: of seven that are equal, by more than one standard error. So the variance between
the groups is estimated (Paule & Mandel 1982), and each effect shrunk as far as it is noise. No randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

from pipeline.models.histories import Array


@dataclass(frozen=True)
class RandomEffects:
    """Of k groups: their mean and its standard error, the standard deviation tau between them, Cochran's Q, the chance
    of a Q at least so large if they did not differ (1 for a single group), and shrunk effects with their errors."""

    mean: float
    mean_error: float
    tau: float
    q: float
    p: float
    shrunk: Array
    shrunk_errors: Array


def random_effects(effects: Sequence[float], variances: Sequence[float]) -> RandomEffects:
    """`variances`: squared standard errors of the effects, each above 0; of one group at least."""
    e, v = np.asarray(effects, float), np.asarray(variances, float)
    more = len(e) - 1
    q = _q(e, v, 0.0)
    most = 2 * float(((e - e.mean()) ** 2).sum())  # by more than that, Q is below k − 1 for certain
    differ = more > 0 and q > more
    tau_squared = float(brentq(lambda t: _q(e, v, t) - more, 0.0, most, xtol=1e-300)) if differ else 0.0
    weights = 1 / (v + tau_squared)
    mean = float((weights * e).sum() / weights.sum())
    kept = tau_squared / (tau_squared + v)
    return RandomEffects(
        mean,
        float(weights.sum() ** -0.5),
        tau_squared**0.5,
        q,
        float(chi2.sf(q, more)) if more else 1.0,
        mean + kept * (e - mean),
        np.sqrt(kept * v + (1 - kept) ** 2 / weights.sum()),
    )


def _q(e: Array, v: Array, tau_squared: float) -> float:
    """Squared distances from the weighted mean, by variance; falls as tau_squared grows."""
    weights = 1 / (v + tau_squared)
    mean = (weights * e).sum() / weights.sum()
    return float((weights * (e - mean) ** 2).sum())
