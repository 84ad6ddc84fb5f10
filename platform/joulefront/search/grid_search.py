"""The full grid in an order drawn from the seed, each configuration once. No Optuna.

The order is random because a budget smaller than the grid would see but one corner of it
otherwise.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from joulefront.search.observation import History, Proposal, Space, SpaceExhausted, stable_seed
from joulefront.spec.conditions import active


def grid_search(
    space: Space, objectives_count: int, *, seed: int, index: int, history: History
) -> Proposal:
    """Return number `index` of the shuffled grid.

    Raises:
        SpaceExhausted: If the grid has no more than `index` configurations.
    """
    blocks = list(_blocks(space, {}))
    size = sum(block.size for block in blocks)
    if index >= size:
        raise SpaceExhausted(f"the grid has {size} configurations; number {index} was asked for")
    position = _shuffled(size, index, seed)
    for block in blocks:
        if position < block.size:
            break
        position -= block.size
    params = dict(block.chosen)
    for name, grid in block.grids.items():
        position, place = divmod(position, len(grid))
        params[name] = grid[place]
    return Proposal(params={name: params[name] for name in space if name in params}, attributes={})


@dataclass(frozen=True, slots=True)
class _Block:
    """The configurations that have the same choices wherever a condition asks for one."""

    chosen: dict[str, Any]
    grids: dict[str, tuple[Any, ...]]

    @property
    def size(self) -> int:
        return math.prod(len(grid) for grid in self.grids.values())


def _blocks(space: Space, chosen: dict[str, Any]) -> Iterator[_Block]:
    """Yield the blocks that have these choices among theirs."""
    present = active(space, chosen)
    parents = {parent for parameter in space.values() for parent in parameter.when or ()}
    for name in present:
        if name in parents and name not in chosen:
            for option in space[name].grid():
                yield from _blocks(space, {**chosen, name: option})
            return
    yield _Block(chosen, {name: space[name].grid() for name in sorted(set(present) - set(chosen))})


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
