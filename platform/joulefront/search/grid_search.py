"""The full grid in an order drawn from the seed, each configuration once. No Optuna.

The order is random because a budget smaller than the grid would see but one corner of it
otherwise.
"""

from __future__ import annotations

import math
import random

from joulefront.search.observation import History, Proposal, Space, SpaceExhausted, stable_seed


def grid_search(
    space: Space, objectives_count: int, *, seed: int, index: int, history: History
) -> Proposal:
    """Return number `index` of the shuffled grid.

    Raises:
        SpaceExhausted: If the grid has no more than `index` configurations.
    """
    grids = {name: space[name].grid() for name in sorted(space)}
    size = math.prod(len(grid) for grid in grids.values())
    if index >= size:
        raise SpaceExhausted(f"the grid has {size} configurations; number {index} was asked for")
    position = _shuffled(size, index, seed)
    params = {}
    for name, grid in grids.items():
        position, place = divmod(position, len(grid))
        params[name] = grid[place]
    return Proposal(params={name: params[name] for name in space}, attributes={})


def _shuffled(size: int, index: int, seed: int) -> int:
    """Return element `index` of a random permutation of `range(size)`.

    The first `index` swaps of a Fisher-Yates shuffle, of which only the moved elements are kept:
    grids may be larger than memory.
    """
    generator = random.Random(stable_seed(seed, 0))
    moved: dict[int, int] = {}
    for place in range(index + 1):
        other = generator.randrange(place, size)
        moved[place], moved[other] = moved.get(other, other), moved.get(place, place)
    return moved[index]
