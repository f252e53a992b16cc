"""How likely a customer is to buy an item on the next occasion: own frequency, drawn towards the rate of everybody.

p = (w + m·q) / (W + m): W the weighted occasions of the customer, w those with the item, q the rate of the item, m how
many occasions the rate counts for. What is here: the log loss of pairs that never occurred, which are nearly all.
"""

from __future__ import annotations

import numpy as np

from pipeline.models.histories import Array

LEAST = 1e-4
"""Probabilities are judged inside [LEAST, 1 − LEAST]: of an item that nobody expected the loss stays finite."""
_STEPS = 4_000


def bounded(p: Array) -> Array:
    return np.clip(p, LEAST, 1 - LEAST)


def loss_of_never(rates: Array, weights: Array, prior_weight: float) -> Array:
    """−Σ ln(1 − p) over all items, were none of them ever bought, for each weight W. Shape of `weights`.

    It depends on W and m through the share m / (W + m) alone; it is read off a curve over that share, straight between
    4,000 points, which is exact to about 1e-6.
    """
    shares = np.linspace(0, 1, _STEPS + 1)
    curve = np.array([-np.log1p(-bounded(share * rates)).sum() for share in shares])
    return np.asarray(np.interp(prior_weight / (weights + prior_weight), shares, curve))
