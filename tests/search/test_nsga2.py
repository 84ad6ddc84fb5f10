from __future__ import annotations

import numpy as np

from joulefront.front import hypervolume
from joulefront.search import Observation, propose
from joulefront.search.nsga2 import POPULATION, _best
from joulefront.spec.space import Choice, Float

SPACE = {"x": Float(0.0, 1.0), "y": Float(0.0, 1.0), "kind": Choice(("a", "b"))}


def observation(index, values, constraints=()):
    return Observation(
        index=index, params={}, values=values, state="complete", constraints=constraints
    )


def test_population_is_feasible_first_then_by_rank_and_crowding():
    line = [observation(i, (i / 20, 1 - i / 20)) for i in range(21)]
    dominated = [observation(30, (2.0, 2.0))]
    infeasible = [
        observation(40, (-1.0, -1.0), (0.5, -1.0)),
        observation(41, (-2.0, -2.0), (0.1, float("nan"))),
    ]
    best = [o.index for o in _best([*infeasible, *dominated, *line[:10]])]
    assert set(best[:2]) == {0, 9}  # the ends of the front
    assert best[10:] == [30, 40, 41]
    assert len(_best(line)) == POPULATION


def reached(sampler, seed, counts):
    history = []
    for index in range(max(counts)):
        params = propose(SPACE, 2, sampler=sampler, seed=seed, index=index, history=history).params
        distance = 4 * (params["y"] - 0.3) ** 2 + (params["kind"] == "b")
        values = (params["x"] + distance, 1 - np.sqrt(params["x"]) + distance)
        history.append(Observation(index=index, params=params, values=values, state="complete"))
    values = np.array([o.values for o in history])
    return [hypervolume(values[:count], [3.0, 3.0]) for count in counts]


def test_it_is_random_until_there_is_a_population_and_better_than_random_after():
    ours, random = (
        np.mean([reached(name, seed, (POPULATION, 80)) for seed in range(5)], axis=0)
        for name in ("nsga2", "random")
    )
    assert ours[0] == random[0]
    assert ours[1] > random[1]
