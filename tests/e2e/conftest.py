"""Processes of their own that need not import anything any more."""

import multiprocessing
from typing import Any

import pytest

IMPORTED = ["homes", "pipeline.runs", "pipeline.steps.prediction.rows"]
"""Not `pipeline.cli`, which looks at its surroundings when it is imported."""


@pytest.fixture(scope="session")
def forks() -> Any:
    """Forks of a server that has imported what a run needs, which takes as long as a night of a small shop."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context
