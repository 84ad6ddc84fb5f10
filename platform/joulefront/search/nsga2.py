"""Steady-state NSGA-II with a small population: cheap at any length of the history.

Deb et al., IEEE Trans. Evolutionary Computation 6(2), 2002, with its constrained domination. Here
every proposal is one child of the population of that moment (the best 16 of what is kept of the
history), so there are no generations to wait for or to store. With 50, Optuna's default, it is no
better than random below 120 trials.
"""

from __future__ import annotations

import math

import numpy as np

from joulefront.front import crowding_distances, non_dominated_ranks
from joulefront.search.bounded import bounded, is_told
from joulefront.search.observation import History, Observation, Proposal, Space, stable_seed
from joulefront.search.random_search import random_search
from joulefront.search.unit_cube import UnitCube

POPULATION = 16
_MOST = 200
_CROSSOVER = 0.9
_STEP = 0.2  # of a mutated coordinate


def nsga2(
    space: Space, objectives_count: int, *, seed: int, index: int, history: History
) -> Proposal:
    """Return proposal `index`; random until a population is told."""
    told = [observation for observation in history if is_told(observation)]
    if len(told) < POPULATION:
        return random_search(space, objectives_count, seed=seed, index=index, history=history)
    population = _best(bounded(told, _MOST))
    rng = np.random.default_rng(stable_seed(seed, index))
    cube = UnitCube(space)
    # The population is ordered, so that the first of two is the winner of their tournament.
    mother, father = (
        np.array(cube.encode(population[rng.integers(POPULATION, size=2).min()].params))
        for _ in range(2)
    )
    mixed = rng.random(len(mother)) < (0.5 if rng.random() < _CROSSOVER else 0.0)
    child = cube.mutate(np.where(mixed, father, mother)[None], _STEP, rng)[0]
    return Proposal(params=cube.decode(child), attributes={})


def _best(observations: list[Observation]) -> list[Observation]:
    """Return the population, best first: feasible before infeasible, then by rank and crowding."""
    violations = np.array(
        [
            math.fsum(math.inf if math.isnan(v) else max(v, 0.0) for v in o.constraints)
            for o in observations
        ]
    )
    values = np.array([observation.values for observation in observations], dtype=np.float64)
    ranks = non_dominated_ranks(values)
    crowding = np.zeros(len(values))
    for rank in range(int(ranks.max()) + 1):
        crowding[ranks == rank] = crowding_distances(values[ranks == rank])
    order = np.lexsort((-crowding, ranks, violations))
    return [observations[i] for i in order[:POPULATION]]
