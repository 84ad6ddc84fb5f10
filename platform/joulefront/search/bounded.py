"""The part of a long history that a proposal needs: the front, and what was tried last.

What a model costs grows with what it is told. Far from the front, old observations say least.
"""

from __future__ import annotations

import math

import numpy as np

from joulefront.front import crowding_distances, non_dominated
from joulefront.search.observation import History, Observation


def is_told(observation: Observation) -> bool:
    """Return whether it has values to learn from: all of them finite, measured or imputed."""
    values = observation.values
    if values is None or observation.state not in ("complete", "stopped"):
        return False
    return all(map(math.isfinite, values))


def is_feasible(observation: Observation) -> bool:
    """Return whether no constraint is known to be violated; one that is NaN is."""
    return all(violation <= 0 for violation in observation.constraints)


def bounded(told: History, most: int) -> list[Observation]:
    """Return at most so many observations, in their order.

    Args:
        told: With finite values, ordered by index.
        most: At least 2. Up to half of them are on the front of the feasible (the least crowded,
            where there are more), the others the most recent.
    """
    if len(told) <= most:
        return list(told)
    feasible = np.flatnonzero([is_feasible(observation) for observation in told]).tolist()
    values = np.array([told[i].values for i in feasible], dtype=np.float64)
    kept = np.zeros(len(told), dtype=np.bool_)
    if feasible:
        front = np.array(feasible)[members := non_dominated(values)]
        lonely = np.argsort(-crowding_distances(values[members]), kind="stable")
        kept[front[lonely[: most // 2]]] = True
    recent = np.flatnonzero(~kept)[-(most - int(kept.sum())) :]
    kept[recent] = True
    return [told[i] for i in np.flatnonzero(kept).tolist()]
