"""Threads: independent pieces of a night computed at the same time, with the same result as one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pipeline.models.purchase_classifier import THREADS

Given = TypeVar("Given")
Found = TypeVar("Found")


def side_by_side(function: Callable[[Given], Found], given: Sequence[Given], alone: bool = False) -> list[Found]:
    """The function of each, in their order, by as many threads as there are processors, or by this one (`alone`).

    numpy lets others compute meanwhile. BLAS and OpenMP keep to one thread: over matrices as small as these their
    threads only wait for each other, and sums of several differ in their last digits. The engine is not to be asked
    inside: its connection belongs to one thread. Nor may `function` import anything: of two threads that import parts
    of a package, such as scikit-learn, one can find it half made. What it needs stands at the top of its module.
    """

    def one_thread(one: Given) -> Found:
        with THREADS.limit(limits=1):  # of OpenMP every thread has its own
            return function(one)

    if alone:
        return list(map(one_thread, given))
    with THREADS.limit(limits=1), ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one_thread, given))
