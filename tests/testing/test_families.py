from __future__ import annotations

import math
import random
from itertools import pairwise

import numpy as np
import pytest

from joulefront.search import propose
from joulefront.testing.families import FAMILIES, FOLDS, Family


def some_params(problem: Family, count: int, seed: int = 0) -> list[dict[str, object]]:
    return [
        propose(problem.space, 2, sampler="random", seed=seed, index=i, history=[]).params
        for i in range(count)
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_trial_ends_at_its_truth_but_for_noise_of_mean_zero(family: str) -> None:
    problem = Family(family, 0)
    params = some_params(problem, 1)[0]
    ends = np.array(
        [
            [run.epochs[-1].metrics["error"], run.epochs[-1].joules]
            for seed in range(60)
            for fold in range(FOLDS)
            for run in [problem.run(params, fold=fold, seed=seed)]
        ]
    )
    effect = np.mean([problem._fold_effect("validation", fold) for fold in range(FOLDS)])
    error, joules = problem.truth(params)
    assert ends[:, 0].mean() - effect == pytest.approx(error, abs=0.005)
    assert ends[:, 1].mean() == pytest.approx(joules, rel=0.01)


def test_two_folds_share_a_fifth_of_the_variance() -> None:
    problem = Family("graph", 0)
    params = some_params(problem, 1)[0]
    ends = np.array(
        [
            [problem.run(params, fold=fold, seed=seed).tests["test_error"] for fold in (0, 1)]
            for seed in range(700)
        ]
    )
    assert np.corrcoef(ends.T)[0, 1] == pytest.approx(1 / FOLDS, abs=0.1)


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_better_than_the_true_front(family: str) -> None:
    problem = Family(family, 1)
    front = problem.front()
    assert all(a[0] > b[0] and a[1] < b[1] for a, b in pairwise(front))
    for params in some_params(problem, 400):
        error, joules = problem.truth(params)
        assert any(e <= error + 1e-9 and j <= joules * 1.1 for e, j in front)


@pytest.mark.parametrize("family", FAMILIES)
def test_energies_span_more_than_a_factor_of_twenty(family: str) -> None:
    problem = Family(family, 0)
    joules = [problem.truth(params)[1] for params in some_params(problem, 400)]
    assert max(joules) > 20 * min(joules)
    assert max(joules) < problem.reference[1]
    assert {type(parameter).__name__ for parameter in problem.space.values()} >= {"Choice", "Int"}


def test_a_run_is_a_pure_function_with_rising_costs() -> None:
    params = some_params(Family("transformer", 3), 1)[0]
    runs = [Family("transformer", 3).run(params, fold=2, seed=7) for _ in range(2)]
    shuffled = dict(random.Random(0).sample(list(params.items()), len(params)))
    assert runs[0] == runs[1] == Family("transformer", 3).run(shuffled, fold=2, seed=7)
    joules = [epoch.joules for epoch in runs[0].epochs]
    assert joules == sorted(joules) and len(joules) == 16
    assert all(math.isfinite(epoch.metrics["error"]) for epoch in runs[0].epochs)


def test_one_that_sees_the_test_fold_reports_it() -> None:
    problem = Family("graph", 0, sees_test=True)
    run = problem.run(some_params(problem, 1)[0], fold=0, seed=0)
    assert run.epochs[-1].metrics["error"] == run.tests["test_error"]
