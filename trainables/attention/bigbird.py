"""BigBird attention (Zaheer et al. 2020, arXiv 2007.14062): window, global and random blocks.

A block of queries attends to its own block and the two beside it, to the first and the last block
of its sample, which attend to all blocks, and to r random others (the form without extra tokens,
BigBird-ITC). Each block is attended to whole.

Decided here: the random blocks of a layer are a function of the layer's seed, which `draw` takes
from the model's generator and the state keeps, and of the sample's number of blocks; so they stay
the same in training, evaluation and after a restart. They are drawn anew for each query block from
those that it does not have already, and serve all heads. A sample of so few blocks that all are
listed gets dense attention, where the authors' code switches to it below 5 + 2r blocks.

Shapes: `L` tokens of a block, `c` blocks of a sample.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Self

import torch
from torch import Tensor

from trainables.attention.gathered import GatheredAttention
from trainables.attention.options import AttentionOptions
from trainables.seeding import stream


class BigBirdAttention(GatheredAttention):
    """Softmax attention over neighbouring, first, last and random blocks.

    Args:
        width: D.
        heads: H, a divisor of D.
        block: L, at least 1.
        random_blocks: r, at least 0.
    """

    seed: Tensor

    def __init__(self, width: int, heads: int, *, block: int = 64, random_blocks: int = 3) -> None:
        super().__init__(width, heads, size=block)
        self.random_blocks = random_blocks
        self.register_buffer("seed", torch.zeros((), dtype=torch.int64))

    @classmethod
    def build(cls, options: AttentionOptions) -> Self:
        """Build it with blocks of `options.block_size` tokens."""
        return cls(options.width, options.heads, block=options.block_size)

    def draw(self, generator: torch.Generator) -> None:
        """Draw the seed of the random blocks."""
        self.seed.random_(0, 2**31, generator=generator)

    def pattern(self, blocks: int) -> Tensor:
        """List window, global and random blocks."""
        return _pattern(blocks, self.random_blocks, int(self.seed))


@lru_cache(maxsize=1024)
def _pattern(blocks: int, random_blocks: int, seed: int) -> Tensor:
    place = torch.arange(blocks)
    ends = (place == 0) | (place == blocks - 1)
    listed = ((place[:, None] - place).abs() <= 1) | ends | ends[:, None]
    noise = torch.rand(blocks, blocks, generator=stream(seed, "random blocks", blocks))
    lots = noise.masked_fill(listed, -1).topk(min(random_blocks, blocks), dim=1).indices
    return listed.scatter(1, lots, True)
