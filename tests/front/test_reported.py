from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from joulefront.front import (
    Estimates,
    estimate,
    hypervolume,
    membership_probability,
    non_dominated,
    reported_members,
)
from joulefront.search.racing import next_replicate

ALL = np.ones(4, dtype=np.bool_)
MEAN = np.array([[0.0, 3.0], [1.0, 2.0], [2.0, 1.0], [2.0, 2.5]])
FOLDS, SEEDS = 5, 2


def counted(count: list[int]) -> Estimates:
    return Estimates(
        mean=MEAN,
        standard_error=MEAN,
        low=MEAN,
        high=MEAN,
        count=np.array(count),
        centre=MEAN,
        spread=MEAN,
    )


def test_equally_many_replicates_are_judged_by_their_means() -> None:
    probability = np.array([0.1, 0.2, 0.3, 0.4])
    found = reported_members(counted([2, 2, 2, 2]), probability, ALL)
    assert found.tolist() == [True, True, True, False]


def test_what_is_not_eligible_does_not_count() -> None:
    eligible = np.array([True, False, False, True])
    found = reported_members(counted([2, 1, 2, 2]), np.zeros(4), eligible)
    assert found.tolist() == [True, False, False, True]


def test_raced_configurations_need_to_be_likely() -> None:
    found = reported_members(counted([3, 1, 2, 1]), np.array([0.9, 0.6, 0.4, 0.1]), ALL)
    assert found.tolist() == [True, True, False, False]


def test_the_likeliest_stands_where_none_is_likely() -> None:
    found = reported_members(counted([3, 1, 2, 1]), np.array([0.1, 0.2, 0.4, 0.0]), ALL)
    assert found.tolist() == [False, False, True, False]


def test_nobody_is_reported_where_nobody_is_eligible() -> None:
    assert not reported_members(counted([1, 1, 2, 1]), np.ones(4), ~ALL).any()
    assert not reported_members(counted([0, 0, 0, 0]), np.zeros(4), ALL).any()


def raced(seed: int) -> tuple[Estimates, NDArray[np.float64], NDArray[np.float64]]:
    """60 random configurations, then half as many replicates, on correlated folds."""
    rng, n, correlation = np.random.default_rng(seed), 60, 1 / FOLDS
    x = rng.random((n, 4))
    error = 0.06 + 0.25 * np.exp(-2.5 * x[:, 0]) + 0.25 * (x[:, 1:] ** 2).mean(axis=1)
    truth = np.stack([error, 10 ** (1.5 * x[:, 0] + 0.4 * x[:, 1])], axis=1)
    size = np.stack([np.full(n, 0.015), 0.02 * truth[:, 1]], axis=1)  # of both kinds of error

    def errors(*shape: int) -> NDArray[np.float64]:
        together = np.sqrt(correlation) * rng.standard_normal((*shape[:-2], 1, 2))
        return np.asarray(
            together + np.sqrt(1 - correlation) * rng.standard_normal((*shape[:-2], shape[-2], 2))
        )

    of_folds, own = errors(FOLDS, 2), errors(n, FOLDS * SEEDS, 2)
    rows, numbers = list(range(n)), [0] * n
    for _ in range(n // 2 + 1):
        fold = np.array(numbers) % FOLDS
        values = truth[rows] + size[rows] * (of_folds[fold] + own[rows, numbers])
        estimates = estimate(values, np.array(rows), fold, configurations=n, folds=FOLDS)
        probability = membership_probability(estimates)
        row = next_replicate(estimates, probability, estimates.count, most=FOLDS * SEEDS)
        assert row is not None
        rows.append(row)
        numbers.append(int(estimates.count[row]))
    return estimates, probability, truth


def test_a_raced_front_can_be_trusted() -> None:
    """The figures of `study bench search`, which measures them on more and harder studies."""
    corner, eligible = np.array([0.6, 100.0]), np.ones(60, dtype=np.bool_)
    figures, inside, brier, base = [], [], [], []
    for seed in range(12):
        estimates, probability, truth = raced(seed)
        found, true = reported_members(estimates, probability, eligible), non_dominated(truth)
        volume = hypervolume(truth[found], corner)
        figures.append(
            [
                hypervolume(estimates.mean[found], corner) / volume - 1,
                (found & true).sum() / found.sum(),
                (found & true).sum() / true.sum(),
                volume / hypervolume(truth, corner),
            ]
        )
        inside.append(((estimates.low <= truth) & (truth <= estimates.high))[found].mean(axis=0))
        brier.append(np.square(probability - true).mean())
        base.append(true.mean() * (1 - true.mean()))
    overstatement, precision, recall, share = np.mean(figures, axis=0)
    assert abs(overstatement) < 0.03
    assert precision > 0.75
    assert recall > 0.5
    assert share > 0.97
    assert (np.mean(inside, axis=0) > 0.88).all()
    assert np.mean(brier) < np.mean(base)
