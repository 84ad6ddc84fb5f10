from __future__ import annotations

import numpy as np
import optuna
import pytest

pytest.importorskip("ray.tune.search.optuna")

from joulefront.bench.search.judging import truly_members
from joulefront.bench.search.peer import simulate_peer, tune_domain
from joulefront.search import propose
from joulefront.spec.space import Choice, Float, Int
from joulefront.testing.families import FAMILIES, Family


@pytest.mark.parametrize(
    "parameter",
    [
        Choice(("a", "b")),
        Int(1, 6),
        Int(16, 256, log=True),
        Int(32, 128, step=16),
        Float(0.0, 0.8),
        Float(1e-5, 1e-1, log=True),
        Float(0.0, 0.75, step=0.05),
    ],
)
def test_tune_draws_from_the_same_values(parameter: Choice | Int | Float) -> None:
    drawn = [tune_domain(parameter).sample() for _ in range(300)]
    for value in drawn:
        parameter.contains(value) if hasattr(parameter, "contains") else None
    if isinstance(parameter, Choice):
        assert set(drawn) == set(parameter.options)
    else:
        assert parameter.low <= min(drawn) and max(drawn) <= parameter.high
        if parameter.step is None and isinstance(parameter, Int) and not parameter.log:
            assert set(drawn) == set(range(parameter.low, parameter.high + 1))


@pytest.mark.parametrize("family", FAMILIES)
def test_its_front_is_what_none_of_its_trials_dominates(family: str) -> None:
    problem = Family(family, 0)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    simulated, best = simulate_peer(problem, trials=12, seed=1)
    values = np.array([trial.values for trial in simulated.trials])
    expected = [simulated.trials[i].values for i in np.flatnonzero(truly_members(values))]
    assert sorted(trial.values for trial in best) == sorted(expected)
    assert all(trial.state == "complete" and trial.epochs == 16 for trial in simulated.trials)
    for trial in simulated.trials:
        assert set(trial.params) == set(problem.space)
    assert simulated.search_cpu_seconds > 0


def test_it_pays_for_every_joule_of_its_trials() -> None:
    problem = Family("graph", 2)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    simulated, _ = simulate_peer(problem, trials=5, seed=0)
    runs = [problem.run(trial.params, fold=0, seed=0) for trial in simulated.trials]
    own = 3.6 * simulated.search_cpu_seconds
    assert simulated.joules - own == pytest.approx(sum(run.epochs[-1].joules for run in runs))
    params = propose(problem.space, 2, sampler="random", seed=0, index=0, history=[]).params
    assert set(params) == set(simulated.trials[0].params)
