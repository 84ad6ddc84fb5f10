from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad

from joulefront.search.gaussian_process import GaussianProcess, _loss

RNG = np.random.default_rng(0)
POINTS = RNG.random((24, 3))
VALUES = np.sin(5 * POINTS[:, 0]) + POINTS[:, 1] ** 2 + 0.05 * RNG.standard_normal(24)
OWN = np.arange(3)


def matern(one, other, weights):
    r = np.sqrt(5 * np.sum(weights * (one - other) ** 2))
    return (1 + r + r**2 / 3) * np.exp(-r)


def test_gradient_of_the_loss():
    distances = np.stack([(x[:, None] - x[None]).ravel() ** 2 for x in POINTS.T])
    targets = (VALUES - VALUES.mean()) / VALUES.std()
    for seed in range(5):
        at = np.random.default_rng(seed).uniform(-2, 1, 5)
        error = check_grad(
            lambda x: _loss(x, distances, targets)[0],
            lambda x: _loss(x, distances, targets)[1],
            at,
        )
        assert error < 1e-4


def test_prediction_is_that_of_the_textbook():
    model = GaussianProcess(POINTS, VALUES, OWN)
    weights, scale, noise = model._root_weights**2, model._scale, model._noise
    mean, deviation = VALUES.mean(), VALUES.std()
    new = np.random.default_rng(1).random((7, 3))
    kernel = [[scale * matern(a, b, weights) for b in POINTS] for a in POINTS]
    inverse = np.linalg.inv(np.array(kernel) + noise * np.eye(24))
    cross = np.array([[scale * matern(a, b, weights) for b in POINTS] for a in new])
    expected = cross @ inverse @ ((VALUES - mean) / deviation) * deviation + mean
    spread = np.sqrt(scale - np.diag(cross @ inverse @ cross.T)) * deviation
    predicted = model.predict(new)
    assert predicted[0] == pytest.approx(expected, abs=1e-6)
    assert predicted[1] == pytest.approx(spread, rel=1e-4)


def test_it_learns_which_parameter_matters():
    model = GaussianProcess(POINTS, VALUES, OWN)
    new = np.random.default_rng(2).random((200, 3))
    truth = np.sin(5 * new[:, 0]) + new[:, 1] ** 2
    assert np.sqrt(np.mean((model.predict(new)[0] - truth) ** 2)) < 0.2 * truth.std()
    assert model._root_weights[2] < model._root_weights[0]


def test_believing_keeps_the_mean_and_takes_the_uncertainty():
    model = GaussianProcess(POINTS, VALUES, OWN)
    tried = np.array([[0.5, 0.5, 0.5], [0.9, 0.1, 0.2]])
    mean, deviation = model.predict(tried)
    model.believe(tried)
    after = model.predict(tried)
    assert after[0] == pytest.approx(mean, abs=1e-6)
    assert (after[1] < deviation).all()


@pytest.mark.parametrize("values", [np.zeros(8), np.full(8, 1e12), np.array([0.0] * 7 + [1e9])])
def test_values_without_information(values):
    mean, deviation = GaussianProcess(POINTS[:8], values, OWN).predict(POINTS)
    assert np.isfinite(mean).all()
    assert (deviation > 0).all()


def test_repeated_points_and_a_single_one():
    repeated = GaussianProcess(np.repeat(POINTS[:2], 6, axis=0), VALUES[:12], OWN)
    assert np.isfinite(repeated.predict(POINTS)[0]).all()
    assert GaussianProcess(POINTS[:1], VALUES[:1], OWN).predict(POINTS[:1])[0] == VALUES[:1]
