"""Customer lifetime value against the reference, against written-out formulas, and against simulated customers."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import betaprime

from pipeline.models.beta_geometric import BGNBD, MBGNBD
from pipeline.models.clv import (
    Horizon,
    discounted_purchases,
    relative_variance,
    spend_factor,
    standard_error,
    value_interval,
)
from pipeline.models.equal_dropout import ExponentialNBD, GeometricBGNBD, GeometricMBGNBD
from pipeline.models.fitting import Fit, fit
from pipeline.models.gamma_gamma import GammaGamma, Spenders, SpendFit, fit_spend
from pipeline.models.histories import Histories
from pipeline.models.nbd import NBD
from pipeline.models.pareto_nbd import ParetoNBD
from pipeline.models.simulation import simulate, simulate_spend

BG = BGNBD(0.2425945, 4.4136019, 0.7929199, 2.4258881)
MBG = MBGNBD(0.525, 6.183, 0.891, 1.614)
PARETO = ParetoNBD(0.55315, 10.57633, 0.60625, 11.67150)
MODELS = (
    BG, MBG, PARETO, NBD(0.385, 12.07),
    ExponentialNBD(0.55, 10.6, 0.02), GeometricBGNBD(0.24, 4.4, 0.25), GeometricMBGNBD(0.53, 6.2, 0.4),
)  # fmt: skip
SPEND = GammaGamma(6.25, 3.74, 15.44)
YEAR = Horizon()
ONE = tuple(np.array([value]) for value in (2.0, 30.43, 38.86))  # sample customer 1, whose mean repeat spend follows
MEAN_SPEND = 22.345


def name_of(value):
    return getattr(value, "name", None)


def customers(n, seed=4):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 12, n).astype(float)
    T = np.round(rng.uniform(1, 120, n))
    return x, np.where(x > 0, T * rng.uniform(0, 1, n), 0.0), T


# ── the mean ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_reference_customer():
    orders = BG.expected_purchases(YEAR.weeks, *ONE)[0]
    total = SPEND.v + 2 * MEAN_SPEND
    spend = spend_factor(SPEND, ONE[0])[0] * total
    assert round(orders, 4) == 1.5621
    assert spend == pytest.approx(24.66, abs=0.01)
    assert spend == pytest.approx(SPEND.expected_spend(ONE[0], np.array([MEAN_SPEND]))[0], rel=1e-12)
    assert spend * orders == pytest.approx(38.52, abs=0.01)
    assert spend * discounted_purchases(BG, YEAR, *ONE)[0] == pytest.approx(36.86, abs=0.01)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_every_month_is_discounted_from_its_middle(model):
    histories = customers(50)
    ends = [k * 365 / 12 / 7 for k in range(7)]
    path = [np.zeros(50)] + [model.expected_purchases(end, *histories) for end in ends[1:]]
    by_hand = sum((path[k] - path[k - 1]) * 1.2 ** -((k - 0.5) / 12) for k in range(1, 7))
    np.testing.assert_allclose(discounted_purchases(model, Horizon(6, 0.2), *histories), by_hand, rtol=1e-10)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_without_a_discount_it_is_the_expected_number(model):
    histories = customers(50)
    expected = model.expected_purchases(YEAR.weeks, *histories)
    np.testing.assert_allclose(discounted_purchases(model, Horizon(12, 0.0), *histories), expected, rtol=1e-12)


def test_an_unknown_mean_spend_is_that_of_all():
    # What the module tells its caller to put in place of m for repeat purchases worth nothing.
    x = np.array([1.0, 4.0, 30.0])
    np.testing.assert_allclose(spend_factor(SPEND, x) * (SPEND.v + x * SPEND.mean_spend), SPEND.mean_spend, rtol=1e-12)


# ── its standard error ────────────────────────────────────────────────────────────────────────────────────────────────


def fits_of(model: object, seed: int, n: int = 3000) -> tuple[Fit, SpendFit]:
    rng = np.random.default_rng(seed)
    world = simulate(model, rng.uniform(30, 100, n), 0, rng)
    x = world.x[world.x > 0]
    spend = fit_spend(Spenders(x, simulate_spend(SPEND, x, rng), np.ones_like(x)))
    return fit(type(model), Histories.of(world.x, world.t_x, world.T)), spend


def test_the_standard_error_of_one_parameter_is_its_own():
    # NBD expects (r + x) / (α + T) · t: by ln r the slope is r / (α + T) · t, by ln α it is −α (r + x) / (α + T)² · t.
    model, (x, _, T) = NBD(0.9, 9.0), customers(40)
    covariance = np.array([[0.01, 0.004], [0.004, 0.02]])
    by_r, by_alpha = 0.9 / (9 + T) * 26, -9 * (0.9 + x) / (9 + T) ** 2 * 26
    by_hand = np.sqrt(0.01 * by_r**2 + 2 * 0.004 * by_r * by_alpha + 0.02 * by_alpha**2)
    found = standard_error(model, covariance, lambda other: other.expected_purchases(26, x, x, T))
    np.testing.assert_allclose(found, by_hand, rtol=1e-6)


def test_the_standard_error_of_clv_is_the_spread_over_worlds():
    # 40 worlds of the same truth: what the fits say of their error against how much their predictions differ.
    truth, groups = (
        BGNBD(0.6, 5.0, 0.9, 2.5),
        (np.array([0.0, 3.0, 8.0]), np.array([0.0, 30.0, 55.0]), np.full(3, 60.0)),
    )
    totals = SPEND.v + groups[0] * np.array([0.0, 25.0, 60.0])
    values, errors = [], []
    for seed in range(40):
        timing, spend = fits_of(truth, seed)
        u = spend.model.v / (totals - SPEND.v + spend.model.v)
        value = (
            spend_factor(spend.model, groups[0]) * discounted_purchases(timing.model, YEAR, *groups) * spend.model.v / u
        )
        variance = relative_variance(timing, spend, YEAR, *groups)
        values.append(value)
        errors.append(value * np.sqrt(variance[:, 0] + variance[:, 1] * u + variance[:, 2] * u**2))
    ratio = np.mean(errors, axis=0) / np.std(values, axis=0, ddof=1)
    assert (np.abs(ratio - 1) < 0.35).all(), ratio  # the spread of 40 is itself known to ±11 %: three times that


def test_the_error_of_spend_is_that_of_central_differences():
    timing, spend = fits_of(BGNBD(0.6, 5.0, 0.9, 2.5), 1)
    x, t_x, T, m = np.array([0.0, 3.0]), np.array([0.0, 30.0]), np.full(2, 60.0), np.array([0.0, 25.0])
    variance = relative_variance(timing, spend, YEAR, x, t_x, T)
    model, step = spend.model, 1e-5
    logs = np.log([model.p, model.q, model.v])
    slopes = np.column_stack(
        [
            np.log(GammaGamma(*np.exp(logs + step * unit)).expected_spend(x, m))
            - np.log(GammaGamma(*np.exp(logs - step * unit)).expected_spend(x, m))
            for unit in np.eye(3)
        ]
    ) / (2 * step)  # fmt: skip
    of_spend = np.einsum("ni,ij,nj->n", slopes, spend.covariance, slopes)
    discounted = discounted_purchases(timing.model, YEAR, x, t_x, T)
    error = standard_error(timing.model, timing.covariance, lambda other: discounted_purchases(other, YEAR, x, t_x, T))
    u = model.v / (model.v + x * m)
    found = variance[:, 0] + variance[:, 1] * u + variance[:, 2] * u**2
    np.testing.assert_allclose(found, of_spend + (error / discounted) ** 2, rtol=1e-6)


# ── the interval ──────────────────────────────────────────────────────────────────────────────────────────────────────


def world_with_spend(model, n, seed):
    """Histories of n customers, the value of their repeat purchases, and of those in the year after."""
    rng = np.random.default_rng(seed)
    world = simulate(model, rng.integers(20, 120, n).astype(float), YEAR.weeks, rng)
    orders = world.x + world.later
    totals, before = np.zeros(n), np.where(world.later > 0, 0.0, 1.0)
    buys = orders > 0
    totals[buys] = simulate_spend(SPEND, orders[buys], rng) * orders[buys]
    # Of a gamma distributed total, the part of the first x of all purchases is beta distributed and independent of it.
    both = (world.x > 0) & (world.later > 0)
    before[both] = rng.beta(SPEND.p * world.x[both], SPEND.p * world.later[both])
    return world, totals * before, totals * (1 - before)


@pytest.mark.parametrize(
    "model",
    [BGNBD(1.5, 9.0, 0.2, 3.0), MBGNBD(1.5, 9.0, 0.2, 3.0), ParetoNBD(1.5, 9.0, 0.5, 60.0), NBD(1.5, 9.0)],
    ids=name_of,
)
def test_eight_of_ten_intervals_hold_what_was_spent(model):
    world, past, future = world_with_spend(model, 200_000, 8)
    low, high = value_interval(model, SPEND, Horizon(12, 0.0), world.x, world.t_x, world.T)
    total = SPEND.v + past
    holds = (future >= low * total) & (future <= high * total)
    nothing = model.purchases_pmf(YEAR.weeks, 0, world.x, world.t_x, world.T)[:, 0]
    can_be_80 = nothing <= 0.8  # beyond, spending nothing alone has more than 80 %
    assert can_be_80.mean() > 0.3
    assert abs(holds[can_be_80].mean() - 0.8) < 0.015
    assert (low[~can_be_80] == 0).all() and (high[~can_be_80] == 0).all()
    # Not only on average: among the newest, the silent, those who buy often.
    for some in (world.x == 0, world.x >= 5, world.T - world.t_x > 20, nothing < 0.1):
        some = some & can_be_80
        if some.sum() > 5000:
            assert abs(holds[some].mean() - 0.8) < 0.025, some.sum()
    equal_tails = nothing < 0.1
    assert abs((future < low * total)[equal_tails].mean() - 0.1) < 0.015


def test_the_interval_inverts_the_written_out_distribution():
    x, t_x, T = (np.array(values) for values in ([2.0, 9.0, 0.0], [30.43, 38.0, 0.0], [38.86, 38.86, 4.0]))
    pmf = BG.purchases_pmf(YEAR.weeks, 400, x, t_x, T)
    low, high = value_interval(BG, SPEND, Horizon(12, 0.0), x, t_x, T)

    def chance_of_at_most(factor, row):
        counts = np.arange(1, 401)
        return pmf[row, 0] + pmf[row, 1:] @ betaprime.cdf(factor, SPEND.p * counts, SPEND.q + SPEND.p * x[row])

    assert pmf[0, 0] > 0.1 and low[0] == 0  # starts at nothing, so that 80 % lie below its end
    assert chance_of_at_most(high[0], 0) == pytest.approx(0.8, abs=1e-3)
    assert pmf[1, 0] < 0.1
    assert chance_of_at_most(low[1], 1) == pytest.approx(0.1, abs=1e-3)
    assert chance_of_at_most(high[1], 1) == pytest.approx(0.9, abs=1e-3)
    assert low[2] == 0 and chance_of_at_most(high[2], 2) == pytest.approx(0.8, abs=1e-3)


def test_the_interval_is_discounted_as_the_mean_is():
    histories = customers(30)
    plain = value_interval(BG, SPEND, Horizon(12, 0.0), *histories)
    discounted = value_interval(BG, SPEND, YEAR, *histories)
    ratio = discounted_purchases(BG, YEAR, *histories) / BG.expected_purchases(YEAR.weeks, *histories)
    for one, other in zip(plain, discounted, strict=True):
        np.testing.assert_allclose(other, one * ratio, rtol=1e-12)


def test_a_customer_with_thousands_of_purchases_has_an_interval_around_the_mean():
    x, t_x, T = np.array([3000.0]), np.array([149.9]), np.array([150.0])
    model = NBD(0.9, 9.0)
    low, high = value_interval(model, SPEND, Horizon(12, 0.0), x, t_x, T)
    mean = spend_factor(SPEND, x)[0] * model.expected_purchases(YEAR.weeks, x, t_x, T)[0]
    assert 0.9 * mean < low[0] < mean < high[0] < 1.1 * mean


# ── all together ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_factor_of_a_group_depends_on_the_other_groups():
    timing, spend = fits_of(BGNBD(0.6, 5.0, 0.9, 2.5), 1)
    everybody = customers(300)
    order = np.random.default_rng(1).permutation(300)
    shuffled = tuple(column[order] for column in everybody)
    for factor in (
        lambda *of: discounted_purchases(timing.model, YEAR, *of),
        lambda *of: relative_variance(timing, spend, YEAR, *of),
        lambda *of: np.column_stack(value_interval(timing.model, spend.model, YEAR, *of)),
    ):
        whole = factor(*everybody)
        assert len(whole) == 300 and np.isfinite(whole).all()
        np.testing.assert_allclose(factor(*shuffled), whole[order], rtol=1e-9, atol=1e-12)
    low, high = value_interval(timing.model, spend.model, YEAR, *everybody)
    # Split off, a group keeps its interval but for the fineness of the table, which the rest of its x sets.
    _, alone = value_interval(timing.model, spend.model, YEAR, *(column[:1] for column in everybody))
    np.testing.assert_allclose(alone, high[:1], rtol=5e-3)
    assert (low <= high).all()


def test_a_fit_without_a_covariance_has_no_standard_error():
    timing, spend = fits_of(NBD(0.9, 9.0), 1)
    spend = SpendFit(spend.model, "refused", 0.0, None, 1, 1, 1, 0, 0.0, "for the test")
    assert np.isnan(relative_variance(timing, spend, YEAR, *customers(3))).all()


# ── the number of purchases behind it ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_the_distribution_of_purchases_agrees_with_its_own_mean_and_chance(model):
    histories = customers(200)
    pmf = model.purchases_pmf(26, 500, *histories)
    assert (pmf >= 0).all()
    np.testing.assert_allclose(pmf.sum(axis=1), 1, rtol=1e-9)
    np.testing.assert_allclose(pmf @ np.arange(501), model.expected_purchases(26, *histories), rtol=1e-8)
    np.testing.assert_allclose(1 - pmf[:, 0], model.probability_of_purchase(26, *histories), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(model.purchases_pmf(26, 3, *histories), pmf[:, :4], rtol=1e-12)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_simulated_customers_buy_as_often_as_the_distribution_says(model):
    world = simulate(model, np.full(400_000, 30.0), 26, np.random.default_rng(21))
    for x in range(4):
        here = world.x == x
        pmf = model.purchases_pmf(26, 5, world.x[here], world.t_x[here], world.T[here])
        for n in range(6):
            seen = world.later[here] == n
            error = (seen - pmf[:, n]).mean() / max(np.sqrt((pmf[:, n] * (1 - pmf[:, n])).mean() / here.sum()), 1e-9)
            assert abs(error) < 4, (x, n, error)  # 96 cells in all: 4, not 3


def test_the_distribution_of_pareto_nbd_is_its_integral():
    # n purchases: gone at a moment in between or not at all, at rates integrated by scipy instead of by our nodes.
    from scipy.stats import nbinom

    x, T, weeks = np.array([3.0]), np.array([20.0]), 40.0
    R, A, B = PARETO.r + 3, PARETO.alpha + 20, PARETO.beta + 20

    def density(moment, n):
        return PARETO.s / B * (B / (B + moment)) ** (PARETO.s + 1) * nbinom.pmf(n, R, A / (A + moment))

    found = PARETO.pmf_while_alive(weeks, 6, x, T)[0]
    for n in range(7):
        stays = (B / (B + weeks)) ** PARETO.s * nbinom.pmf(n, R, A / (A + weeks))
        assert found[n] == pytest.approx(stays + quad(density, 0, weeks, args=(n,), epsabs=1e-13)[0], rel=1e-9)


def test_thousands_of_purchases_do_not_underflow():
    pmf = NBD(0.9, 0.001).purchases_pmf(52, 6000, np.array([3000.0]), np.array([40.0]), np.array([40.0]))
    assert pmf.sum() == pytest.approx(1, rel=1e-9)
