"""Independent uniform draws; the history is not looked at, and Optuna is not needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from joulefront.search.observation import History, Proposal, Space, stable_seed
from joulefront.search.unit_cube import UnitCube


def random_search(
    space: Space, objectives_count: int, *, seed: int, index: int, history: History
) -> Proposal:
    """Return proposal `index`, uniform over the space (over the logarithm with `log`)."""
    return Proposal(params=completed(space, {}, seed=seed, index=index), attributes={})


def completed(space: Space, given: Mapping[str, Any], *, seed: int, index: int) -> dict[str, Any]:
    """Return a configuration with the values given, the rest of it drawn.

    Args:
        space: Parameters by name.
        given: Values that lie in the space; those of inactive parameters are dropped.
        seed: The study's.
        index: Number of the proposal.
    """
    cube = UnitCube(space)
    point = np.random.default_rng(stable_seed(seed, index)).random(len(cube.names))
    known = np.array([name in given for name in cube.names])
    drawn = cube.decode(np.where(known, cube.encode(given), point))
    return {name: given.get(name, value) for name, value in drawn.items()}
