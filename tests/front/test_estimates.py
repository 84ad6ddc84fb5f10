from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import stdtrit

from joulefront.front import Estimates, estimate

Floats = NDArray[np.float64]


def of_one(values: list[float], configuration: list[int], fold: list[int], folds: int) -> Estimates:
    return estimate(
        np.array(values)[:, None],
        np.array(configuration),
        np.array(fold),
        configurations=max(configuration) + 1,
        folds=folds,
    )


def by_dense_equations(
    values: Floats, configuration: NDArray[np.int64], fold: NDArray[np.int64], folds: int
) -> Floats:
    """Means of Henderson's equations written out, the variances by moments of dense projections."""
    n = configuration.max() + 1
    x, z = np.eye(n)[configuration], np.eye(folds)[fold]
    within = np.eye(len(values)) - x @ np.linalg.pinv(x)
    effects = np.linalg.pinv(within @ z) @ values
    both = np.hstack([x, z])
    residual = values - both @ np.linalg.pinv(both) @ values
    rank = np.linalg.matrix_rank(both)
    noise = residual @ residual / (len(values) - rank)
    variance = np.linalg.pinv(z.T @ within @ z)
    seen = max(effects @ effects - noise * np.trace(variance), 0)
    between = (seen + noise) / (rank - n + 1)
    ridge = np.diag(np.r_[np.zeros(n), np.full(folds, noise / between)])
    return np.linalg.solve(both.T @ both + ridge, both.T @ values)[:n]


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(2, 5))
def test_agrees_with_dense_mixed_model_equations(seed: int, folds: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    configuration = np.r_[np.arange(n), np.repeat(np.arange(2), folds + 1)]
    fold = np.r_[np.zeros(n, dtype=int), np.tile(np.r_[np.arange(folds), 1], 2)]
    values = rng.normal(size=n)[configuration] + rng.normal(size=folds)[fold]
    values += 0.3 * rng.normal(size=len(values))
    values[0] = -abs(values[0])
    values[-1] = abs(values[-1])  # two signs: the noise is of one size
    expected = by_dense_equations(values, configuration, fold, folds)
    found = estimate(values[:, None], configuration, fold, configurations=n, folds=folds)
    assert found.centre[:, 0] == pytest.approx(expected)  # too few for a trend


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 12), st.integers(1, 2))
def test_means_are_plain_where_all_ran_on_the_same_folds(
    seed: int, folds: int, n: int, seeds: int
) -> None:
    values = np.random.default_rng(seed).gamma(2.0, size=(n, folds * seeds, 2))
    configuration = np.repeat(np.arange(n), folds * seeds)
    fold = np.tile(np.arange(folds), n * seeds)
    found = estimate(values.reshape(-1, 2), configuration, fold, configurations=n, folds=folds)
    assert found.mean == pytest.approx(values.mean(axis=1))


def test_one_configuration_has_the_interval_of_nadeau_and_bengio() -> None:
    values = [0.3, 0.5, 0.4, 0.7, 0.6]
    found = of_one(values, [0] * 5, [0] * 5, folds=5)
    error = np.sqrt((1 / 5 + 1 / 4) * np.var(values, ddof=1))
    assert found.standard_error[0, 0] == pytest.approx(error)
    assert found.high[0, 0] == pytest.approx(np.mean(values) + stdtrit(4, 0.975) * error)
    assert found.low[0, 0] == pytest.approx(np.mean(values) - stdtrit(4, 0.975) * error)


def test_seeds_alone_have_the_usual_standard_error() -> None:
    found = of_one([1.0, 2.0, 4.0], [0, 0, 0], [0, 0, 0], folds=1)
    assert found.standard_error[0, 0] == pytest.approx(np.std([1, 2, 4], ddof=1) / np.sqrt(3))


def test_an_easy_fold_is_taken_off() -> None:
    """Fold 0 is easier by 1; two configurations ran on all folds, the third on fold 0 only."""
    difference = np.array([-2.0, 1.0, 1.0]) / 3
    noise = 1e-3 * np.array([1, -1, 0, -1, 1, 0])
    values = (np.r_[difference, difference - 5, difference[0] + 3] + np.r_[noise, 0]).tolist()
    found = of_one(values, [0, 0, 0, 1, 1, 1, 2], [0, 1, 2, 0, 1, 2, 0], folds=3)
    assert found.mean[:, 0] == pytest.approx([0, -5, 3], abs=3e-3)


def test_one_evaluation_takes_the_noise_of_the_others() -> None:
    found = of_one([1.0, 3.0, -4.0, 6.0], [0, 0, 1, 2], [0, 0, 0, 0], folds=1)
    assert found.standard_error[:, 0] == pytest.approx(np.sqrt([1.0, 2.0, 2.0]))
    assert found.count.tolist() == [2, 1, 1]


def test_nothing_is_known_of_the_noise_of_single_evaluations() -> None:
    found = of_one([1.0, 2.0], [0, 2], [0, 0], folds=5)
    assert found.mean[:, 0].tolist()[::2] == [1.0, 2.0]
    assert np.isnan(found.mean[1]).all()
    for unknown in (found.standard_error, found.low, found.high, found.spread):
        assert np.isnan(unknown).all()


def test_no_replicates_at_all() -> None:
    none = np.empty(0, dtype=np.int64)
    found = estimate(np.empty((0, 2)), none, none, configurations=2, folds=3)
    assert np.isnan(found.mean).all()
    assert found.count.tolist() == [0, 0]


def test_replicates_that_agree_exactly_leave_no_error() -> None:
    found = of_one([0.25, 0.25, 0.5], [0, 0, 1], [0, 0, 0], folds=1)
    assert found.standard_error[:, 0].tolist() == [0.0, 0.0]
    assert found.mean[:, 0].tolist() == [0.25, 0.5]


def test_folds_that_differ_without_any_noise() -> None:
    values = [0.0, 1.0, 2.0, 5.0, 6.0, 7.0, -1.0]
    found = of_one(values, [0, 0, 0, 1, 1, 1, 2], [0, 1, 2, 0, 1, 2, 0], folds=3)
    assert found.mean[:, 0] == pytest.approx([1.0, 6.0, 0.0])
    assert found.spread[:, 0] == pytest.approx(np.zeros(3), abs=1e-6)
    assert (found.standard_error > 0.5).all()


def test_noise_in_proportion_is_found() -> None:
    rng = np.random.default_rng(0)
    truth = 10.0 ** np.linspace(0, 3, 20)
    values = truth[:, None] * (1 + 0.05 * rng.standard_normal((20, 4)))
    found = of_one(values.ravel().tolist(), np.repeat(np.arange(20), 4).tolist(), [0] * 80, folds=1)
    assert found.standard_error[:, 0] / truth == pytest.approx(0.025, rel=0.3)


def test_noise_of_one_size_is_not_taken_for_proportional() -> None:
    rng = np.random.default_rng(0)
    truth = 10.0 ** np.linspace(0, 3, 20)
    values = truth[:, None] + 0.05 * rng.standard_normal((20, 4))
    found = of_one(values.ravel().tolist(), np.repeat(np.arange(20), 4).tolist(), [0] * 80, folds=1)
    assert found.standard_error[:, 0] == pytest.approx(0.025, rel=0.3)


def test_what_looked_best_once_is_drawn_back_more_than_what_was_checked() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(40, 2))
    configuration = np.r_[np.arange(40), np.repeat(np.arange(10), 4)]
    values = truth[configuration] + 0.5 * rng.standard_normal((80, 2))
    fold = np.zeros(80, dtype=int)
    found = estimate(values, configuration, fold, configurations=40, folds=1)
    plain = np.stack([values[configuration == row].mean(axis=0) for row in range(40)])
    drawn = np.abs(found.centre - plain)
    assert drawn[10:].mean() > 2 * drawn[:10].mean()
    assert np.square(found.centre - truth).mean() < np.square(plain - truth).mean()
    assert found.mean.tolist() == found.centre.tolist()


@pytest.mark.parametrize("factor", [1e-3, 1e6])
def test_units_do_not_matter(factor: float) -> None:
    rng = np.random.default_rng(2)
    configuration = np.r_[np.arange(30), np.arange(10)]
    fold = np.r_[np.zeros(30, dtype=int), np.full(10, 1)]
    values = 2 + 0.1 * rng.standard_normal((40, 2))
    one = estimate(values, configuration, fold, configurations=30, folds=2)
    other = estimate(values * factor, configuration, fold, configurations=30, folds=2)
    for name in ("mean", "standard_error", "low", "high", "spread"):
        assert getattr(other, name) == pytest.approx(getattr(one, name) * factor)


@pytest.mark.slow
def test_intervals_cover_the_truth_where_folds_are_correlated() -> None:
    """All configurations on all folds, whose errors have a part in common of 1 / folds."""
    rng, folds, n, covered = np.random.default_rng(3), 5, 12, []
    for _ in range(300):
        truth = rng.normal(size=(n, 1))
        shared = np.sqrt(1 / 5) * rng.normal() + np.sqrt(4 / 5) * rng.normal(size=folds)
        own = np.sqrt(1 / 5) * rng.normal(size=(n, 1)) + np.sqrt(4 / 5) * rng.normal(
            size=(n, folds)
        )
        values = truth + 0.3 * (shared + own)
        found = of_one(
            values.ravel().tolist(), np.repeat(np.arange(n), folds).tolist(), [*range(folds)] * n, 5
        )
        covered.append(((found.low <= truth) & (truth <= found.high)).mean())
    assert 0.93 < np.mean(covered) < 0.97


@pytest.mark.parametrize(
    ("values", "configuration", "fold", "message"),
    [
        (np.zeros(2), [0, 1], [0, 0], "shape"),
        (np.full((2, 1), np.nan), [0, 1], [0, 0], "finite"),
        (np.zeros((2, 1)), [0, 2], [0, 0], "configuration must be from 0 to 1"),
        (np.zeros((2, 1)), [0, 1], [0, 5], "fold must be from 0 to 4"),
        (np.zeros((2, 1)), [0], [0, 0], r"configuration must have shape \(2,\)"),
    ],
)
def test_what_does_not_fit_is_refused(
    values: Floats, configuration: list[int], fold: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        estimate(values, np.array(configuration), np.array(fold), configurations=2, folds=5)
