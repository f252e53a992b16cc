"""Threads of a night import nothing: of two that import parts of one package, one can find it half made."""

import subprocess
import sys

NIGHT = """
import sys
import threading


class Imports:
    of_threads = []

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if threading.current_thread() is not threading.main_thread():
            cls.of_threads.append(name)


sys.meta_path.insert(0, Imports)

import pipeline.steps.prediction.rows
import numpy as np
from pipeline.models.histories import Histories
from pipeline.models.purchase_classifier import train
from pipeline.models.purchase_counts import train as count
from pipeline.models.validation import fit_recency_logistic
from pipeline.steps.prediction.known import KINDS, Known
from pipeline.steps.prediction.threads import side_by_side
from pipeline.settings import Settings

dice = np.random.default_rng(1)
features, bought = dice.random((400, 5)), (dice.random(400) < 0.4).astype(float)
x, T = dice.poisson(2.0, 400).astype(float), np.full(400, 50.0)
histories = Histories(x, np.where(x > 0, 40 * dice.random(400), 0.0), T, np.ones(400))


def fitters():
    for fitter in ("perennial", "lifetimes"):
        night = Known.__new__(Known)
        night.settings = Settings(clv={"fitter": fitter})
        yield night._fitter()


of_perennial, of_lifetimes = fitters()
work = [
    lambda: train(features, bought, np.arange(len(bought)) % 5).predict(features),
    lambda: count(features, 2 * bought).predict(features),
    lambda: fit_recency_logistic(features[:, 0], bought, np.ones(400)).predict(features[:, 0]),
    *(lambda kind=kind: of_perennial(kind, histories, None) for kind in KINDS),
]
assert len(side_by_side(lambda job: job(), work)) == len(work)
assert len(side_by_side(lambda job: job(), [lambda: of_lifetimes(KINDS[0], histories, None)], alone=True)) == 1
print(*Imports.of_threads)
Imports.of_threads.clear()
side_by_side(lambda name: __import__(name), ["cmd"])
assert "cmd" in Imports.of_threads  # an import would have been seen
"""


def test_the_threads_of_a_night_import_nothing(tmp_path):
    done = subprocess.run([sys.executable, "-c", NIGHT], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
