"""lifetimes as the fitter: on CDNOW it ends where ours does, and what it cannot fit has a status all the same."""

import numpy as np
import pytest

from pipeline.models import lifetimes_fitter
from pipeline.models.beta_geometric import BGNBD, MBGNBD
from pipeline.models.fitting import fit
from pipeline.models.histories import Histories
from pipeline.models.nbd import NBD
from pipeline.models.pareto_nbd import ParetoNBD
from pipeline.models.simulation import simulate
from pipeline.steps.prediction.inputs import cohort, groups_of, histories_of

KINDS = (BGNBD, MBGNBD, ParetoNBD)


@pytest.fixture(scope="session")
def cdnow(cdnow_master):
    """Every fifth customer of the master file: lifetimes takes its time over all."""
    day = cdnow_master.snapshot_date
    return histories_of(groups_of(cohort(cdnow_master.engine, day, day).frame.gather_every(5)))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_both_fitters_end_in_the_same_place(cdnow, kind):
    theirs, ours = lifetimes_fitter.fit(kind, cdnow), fit(kind, cdnow)
    assert (theirs.status, theirs.reason, type(theirs.model)) == ("converged", "", kind)
    np.testing.assert_allclose(theirs.model.values, ours.model.values, rtol=1e-3)
    np.testing.assert_allclose(theirs.standard_errors, ours.standard_errors, rtol=1e-3)
    assert theirs.log_likelihood == pytest.approx(ours.log_likelihood, abs=0.01)
    assert (theirs.customers, theirs.groups) == (ours.customers, ours.groups)


def test_twice_is_the_same(cdnow):
    # Its Pareto/NBD starts at random; what others draw from the same generator is left as it was.
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    first, second = (lifetimes_fitter.fit(ParetoNBD, cdnow) for _ in range(2))
    assert np.random.random() == expected
    np.testing.assert_array_equal(first.model.values, second.model.values)


@pytest.mark.parametrize("kind", [BGNBD, MBGNBD], ids=lambda kind: kind.name)
def test_customers_who_never_drop_out_end_with_a_status(kind, capsys):
    rng = np.random.default_rng(5)
    world = simulate(NBD(0.9, 9.0), rng.uniform(30, 60, 3000), 0, rng)
    found = lifetimes_fitter.fit(kind, Histories.of(world.x, world.t_x, world.T))
    assert found.status in {"no_dropout", "refused"}
    assert (found.status == "no_dropout") == isinstance(found.model, NBD)
    assert bool(found.reason) == (found.status == "refused")
    assert capsys.readouterr().out == ""


def test_the_nbd_is_ours():
    histories = Histories.of([0, 1, 2, 5], [0, 3, 8, 9], [10, 10, 10, 10], [50, 20, 10, 5])
    theirs, ours = lifetimes_fitter.fit(NBD, histories), fit(NBD, histories)
    np.testing.assert_array_equal(theirs.model.values, ours.model.values)
