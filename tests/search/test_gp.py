from __future__ import annotations

from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from joulefront.front import hypervolume
from joulefront.search import Observation, propose
from joulefront.search.gp import STARTUP
from joulefront.spec.space import Choice, Float, Int
from joulefront.testing.samplers import SPACE, synthetic_history

PLANE = {"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)}


def ask(history, space=SPACE, objectives_count=2, index=50):
    return propose(space, objectives_count, sampler="gp", seed=0, index=index, history=history)


def study(objective, count, space=PLANE, objectives_count=2, *, sampler="gp", **known):
    history = []
    for index in range(count):
        params = propose(
            space, objectives_count, sampler=sampler, seed=1, index=index, history=history
        ).params
        values = tuple(objective(**params))
        extra = {name: value(**params) for name, value in known.items()}
        history.append(
            Observation(index=index, params=params, values=values, state="complete", **extra)
        )
    return history


def test_thread_count_neither_changes_a_proposal_nor_is_changed_by_it():
    history = synthetic_history(60)
    one = ask(history)
    with threadpool_limits(limits=2, user_api="blas"):
        before = [pool["num_threads"] for pool in threadpool_info()]
        assert ask(history) == one
        assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_global_random_state_is_left_alone():
    before = np.random.get_state()[1].tolist()
    ask(synthetic_history(20))
    assert np.random.get_state()[1].tolist() == before


def test_it_is_quasi_random_until_enough_are_told():
    known = synthetic_history(STARTUP)  # none of them failed
    start = propose(SPACE, 2, sampler="qmc", seed=0, index=50, history=())
    assert ask(known[: STARTUP - 1]).params == start.params
    assert ask(known).params != start.params


def test_it_finds_a_front_with_fewer_trials_than_random():
    def objective(x, y):
        return x + (y - 0.3) ** 2, 1.0 - np.sqrt(x) + 3 * (y - 0.3) ** 2

    reached = [
        hypervolume(np.array([o.values for o in study(objective, 20, sampler=name)]), [2.0, 4.0])
        for name in ("gp", "random")
    ]
    assert reached[0] > reached[1]


@pytest.mark.parametrize("objectives_count", [1, 3])
def test_any_number_of_objectives(objectives_count):
    def objective(x, y):
        return ((x - 0.7) ** 2 + (y - 0.2) ** 2, x, y)[:objectives_count]

    best = min(o.values[0] for o in study(objective, 20, objectives_count=objectives_count))
    assert best < 0.02


def test_constraints_are_kept_to():
    history = study(
        lambda x, y: (x, (y - 0.5) ** 2),
        24,
        constraints=lambda x, y: (0.6 - x,),
    )
    model_based = history[STARTUP:]
    feasible = [o for o in model_based if o.params["x"] >= 0.6]
    assert len(feasible) > 0.7 * len(model_based)
    assert min(o.params["x"] for o in feasible) < 0.65


@pytest.mark.parametrize("violation", [(1.0,), (nan,), (inf,)])
def test_nothing_feasible_nor_known_of_violations(violation):
    history = [replace(o, constraints=violation) for o in synthetic_history(20)]
    history[3] = replace(history[3], constraints=())
    assert list(ask(history).params) == list(SPACE)


def test_joules_are_spared():
    def objective(x, y):
        return ((x - 0.5) ** 2,)

    below, above = (
        np.mean([o.params["y"] for o in study(objective, 16, objectives_count=1, joules=joules)])
        for joules in (lambda x, y: 1.0 + 50.0 * y, lambda x, y: 51.0 - 50.0 * y)
    )
    assert below < 0.4
    assert above > 0.6


def test_replicates_do_not_make_a_configuration_dear():
    history = [replace(o, joules=o.joules * 3, trials=3) for o in synthetic_history(20)]
    assert ask(history) == ask(synthetic_history(20))


def test_all_of_a_small_space_is_tried_before_anything_is_repeated():
    space = {"n": Int(1, 4), "c": Choice(("a", "b", "c"))}
    history = study(lambda n, c: (n, 5 - n + (c == "b")), 12, space)
    assert len({tuple(o.params.values()) for o in history[STARTUP:]}) == 12 - STARTUP
    assert ask(history, space).params in [o.params for o in history]


def test_order_of_the_space_does_not_change_the_values():
    history = synthetic_history(20)
    turned = dict(reversed(SPACE.items()))
    assert ask(history, turned).params == ask(history).params
