from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from joulefront.front import Estimates, membership_probability, non_dominated

Floats = NDArray[np.float64]


def known(centre: Floats, spread: Floats | float, count: list[int] | None = None) -> Estimates:
    centre = np.asarray(centre, dtype=np.float64)
    spread = np.broadcast_to(np.asarray(spread, dtype=np.float64), centre.shape)
    return Estimates(
        mean=centre,
        standard_error=spread,
        low=centre - 2 * spread,
        high=centre + 2 * spread,
        count=np.array(count or [1] * len(centre)),
        centre=centre,
        spread=spread,
    )


def by_many_draws(estimates: Estimates, eligible: NDArray[np.bool_], draws: int) -> Floats:
    rng, counted = np.random.default_rng(1), np.zeros(len(eligible))
    for _ in range(draws):
        drawn = estimates.centre + estimates.spread * rng.standard_normal(estimates.centre.shape)
        counted += non_dominated(np.where(eligible[:, None], drawn, np.nan))
    return counted / draws


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_agrees_with_drawing_everything(columns: int) -> None:
    rng = np.random.default_rng(columns)
    estimates = known(rng.random((40, columns)), rng.uniform(0.001, 0.2, (40, columns)))
    eligible = rng.random(40) < 0.8
    expected = by_many_draws(estimates, eligible, 1000)
    found = membership_probability(estimates, eligible, draws=2000)
    assert found == pytest.approx(expected, abs=0.07)
    assert not found[~eligible].any()


def test_of_two_alike_in_one_objective_each_is_best_half_of_the_time() -> None:
    found = membership_probability(known([[0.0], [0.0], [9.0]], 0.1), draws=4000)
    assert found == pytest.approx([0.5, 0.5, 0.0], abs=0.04)


@pytest.mark.parametrize("spread", [np.nan, 0.0])
def test_without_known_error_it_is_the_front_of_the_means(spread: float) -> None:
    centre = np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [np.nan, np.nan]])
    assert membership_probability(known(centre, spread)).tolist() == [1, 1, 1, 0, 0]


def test_an_objective_without_noise_keeps_its_ties() -> None:
    centre = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 50.0]])
    found = membership_probability(known(centre, [0.0, 1.0]), draws=4000)
    assert found == pytest.approx([0.5, 0.5, 0.0], abs=0.04)


def test_who_is_not_eligible_dominates_nobody() -> None:
    estimates = known([[0.0, 0.0], [1.0, 1.0]], 0.01)
    assert membership_probability(estimates, np.array([False, True])).tolist() == [0, 1]


def test_nobody_is_eligible() -> None:
    estimates = known([[0.0, 0.0]], 0.01)
    assert membership_probability(estimates, np.array([False])).tolist() == [0.0]
    assert membership_probability(known(np.empty((0, 2)), 0.1)).tolist() == []


def test_equal_arguments_give_equal_probabilities() -> None:
    estimates = known(np.random.default_rng(0).random((30, 2)), 0.2)
    first, again = membership_probability(estimates), membership_probability(estimates)
    assert first.tolist() == again.tolist()
    assert first.tolist() != membership_probability(estimates, seed=1).tolist()
