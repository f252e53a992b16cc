"""The chain of visits: against one worked by hand, and against paths that were walked."""

import numpy as np
import polars as pl
import pytest

from pipeline.models.attribution import Chain
from pipeline.steps.campaigns.attribution import chain_of

# Paths: A, order; A B, order; B, none.
STEPS = pl.DataFrame(
    [("(start)", "A", 2), ("(start)", "B", 1), ("A", "(order)", 1), ("A", "B", 1), ("B", "(order)", 1),
     ("B", "(no order)", 1)],
    schema=["origin", "target", "paths"], orient="row",
)  # fmt: skip


def test_by_hand():
    """2/3 · (1/2 + 1/2 · 1/2) + 1/3 · 1/2 = 2/3. Without A 1/3 · 1/2, without B 2/3 · 1/2."""
    chain = chain_of(STEPS, ["A", "B"])
    assert chain.chance_of_order() == pytest.approx(2 / 3)
    assert [chain.chance_of_order(without) for without in (0, 1)] == pytest.approx([1 / 6, 1 / 3])
    assert chain.removals() == pytest.approx([3 / 4, 1 / 2])


def test_channels_that_bring_no_orders_lose_none_by_their_removal():
    steps = pl.concat(
        [STEPS, pl.DataFrame({"origin": ["(start)", "C"], "target": ["C", "(no order)"], "paths": [5, 5]})]
    )
    assert chain_of(steps, ["A", "B", "C"]).removals() == pytest.approx([3 / 4, 1 / 2, 0])
    assert Chain(np.ones(2), np.zeros((2, 2)), np.zeros(2), np.ones(2)).removals().tolist() == [0, 0]


def drawn_chain() -> Chain:
    """Five channels with loops of every length."""
    random = np.random.default_rng(5)
    counts = random.integers(1, 50, size=(5, 8))
    return Chain(counts[:, 0], counts[:, 1:6], counts[:, 6], counts[:, 7])


def test_a_visit_by_the_same_channel_again_changes_nothing():
    chain = drawn_chain()
    without_loops = Chain(chain.starts, chain.moves * (1 - np.eye(5)), chain.orders, chain.losses)
    assert chain.removals() == pytest.approx(without_loops.removals())


def test_removal_is_what_walked_paths_lose():
    """100,000 paths, of which those through a channel are lost from there on: standard errors are below .002."""
    chain = drawn_chain()
    random = np.random.default_rng(17)
    left = np.column_stack([chain.moves, chain.orders, chain.losses])
    shares = left.cumsum(axis=1) / left.sum(axis=1, keepdims=True)
    at = np.searchsorted(chain.starts.cumsum() / chain.starts.sum(), random.random(100_000))
    seen = np.zeros((len(at), 5), bool)
    while (walking := np.flatnonzero(at < 5)).size:
        seen[walking, at[walking]] = True
        at[walking] = (random.random(walking.size)[:, None] > shares[at[walking]]).sum(axis=1)
    ordered = at == 5
    assert chain.chance_of_order() == pytest.approx(ordered.mean(), abs=0.007)
    lost = [(ordered & seen[:, channel]).sum() / ordered.sum() for channel in range(5)]
    assert chain.removals() == pytest.approx(lost, abs=0.01)
