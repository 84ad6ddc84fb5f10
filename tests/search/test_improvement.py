from __future__ import annotations

import numpy as np
import pytest

from joulefront.front import hypervolume
from joulefront.search.improvement import BEYOND, Forecast, expected_improvement

MEANS = np.array([0.3, 0.6, 1.4])
DEVIATIONS = np.array([0.05, 0.4, 0.2])
RNG = np.random.default_rng(0)


def forecast(logarithmic=False):
    return Forecast(MEANS, DEVIATIONS, logarithmic)


@pytest.mark.parametrize("logarithmic", [False, True])
def test_shortfall_is_an_expectation(logarithmic):
    bounds = np.array([0.2, 1.0, 2.5])
    drawn = forecast(logarithmic).draw(RNG.standard_normal(200_000))
    expected = [[np.maximum(b - row, 0).mean() for b in bounds] for row in drawn]
    assert forecast(logarithmic).shortfall(bounds) == pytest.approx(np.array(expected), abs=5e-3)


def test_no_lognormal_value_is_below_zero():
    assert not forecast(logarithmic=True).shortfall(np.array([-1.0, 0.0])).any()


@pytest.mark.parametrize("logarithmic", [False, True])
def test_gain_of_area_is_that_of_hypervolume(logarithmic):
    known = np.array([[0.2, 2.0], [0.5, 1.2], [1.0, 0.9], [1.1, 2.2], [0.5, 1.2]])
    reference = known.max(axis=0) + BEYOND * np.ptp(known, axis=0)
    first, second = forecast(), Forecast(MEANS[::-1], DEVIATIONS, logarithmic)
    gains = expected_improvement([first, second], known, RNG)
    base = hypervolume(known, reference)
    draws = [f.draw(RNG.standard_normal((1, 1000))) for f in (first, second)]
    for gain, pairs in zip(gains, np.stack(draws, axis=-1), strict=True):
        added = [hypervolume(np.vstack([known, pair]), reference) - base for pair in pairs]
        error = np.std(added) / np.sqrt(len(added))
        assert gain == pytest.approx(np.mean(added), abs=4 * error + 1e-9)


def test_one_objective_improves_on_the_best():
    known = np.array([[1.0], [0.7]])
    gains = expected_improvement([forecast()], known, RNG)
    assert gains == pytest.approx(forecast().shortfall(np.array([0.7]))[:, 0])


def test_three_objectives_prefer_what_dominates():
    known = np.array([[0.5, 0.5, 0.5], [1.0, 0.2, 0.9]])
    means = np.array([0.2, 2.0])
    forecasts = [Forecast(means, np.full(2, 0.05)) for _ in range(3)]
    better, worse = expected_improvement(forecasts, known, RNG)
    assert better > 0.0
    assert worse == 0.0
