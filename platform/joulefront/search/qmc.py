"""A scrambled Sobol sequence by index; the history is not looked at.

Owen, 1998, by scipy. It covers a space more evenly than independent draws; any part of it does.
"""

from __future__ import annotations

from scipy.stats.qmc import Sobol

from joulefront.search.observation import History, Proposal, Space, stable_seed
from joulefront.search.unit_cube import UnitCube


def qmc(
    space: Space, objectives_count: int, *, seed: int, index: int, history: History
) -> Proposal:
    """Return point `index` of the study's sequence, without the parameters that are not active."""
    cube = UnitCube(space)
    sequence = Sobol(len(cube.names), rng=stable_seed(seed, 0))
    if index:  # it cannot be sent forward by none
        sequence.fast_forward(index)
    return Proposal(params=cube.decode(sequence.random()[0]), attributes={})
