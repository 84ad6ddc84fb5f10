"""Longformer attention (Beltagy et al. 2020, arXiv 2004.05150): a window and global tokens.

Token i attends to token j where |i − j| ≤ w / 2, and both ways where one of the two
is among the first g tokens of its sample, the global ones. The window is exact to the token; it is
computed in blocks of w / 2 tokens, three for each query block and those of the global tokens.

Deviations: global tokens share the projections of the window, where the paper gives them a second
set ("Linear Projections for Global Attention"), so that all attentions here have
equally many parameters. No dilation, and w is the same in all layers. The global tokens' blocks
are computed whole, for keys and queries alike, and masked.

Shapes: `T` rows, `L` = max(1, ⌊w / 2⌋), `c` blocks of a sample.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from trainables.attention.gathered import GatheredAttention
from trainables.attention.options import AttentionOptions


class LongformerAttention(GatheredAttention):
    """Softmax attention over neighbours and the first tokens.

    Args:
        width: D.
        heads: H, a divisor of D.
        window: w, at least 1; w / 2, rounded down, is what a token sees to each side.
        global_tokens: g, at least 0. One stands for the paper's classification token.
    """

    def __init__(self, width: int, heads: int, *, window: int = 64, global_tokens: int = 1) -> None:
        super().__init__(width, heads, size=max(1, window // 2))
        self.reach, self.global_tokens = window // 2, global_tokens

    @classmethod
    def build(cls, options: AttentionOptions) -> Self:
        """Build it with a window of `options.block_size` tokens."""
        return cls(options.width, options.heads, window=options.block_size)

    def pattern(self, blocks: int) -> Tensor:
        """List the block before, its own, the block behind, and those of global tokens."""
        place = torch.arange(blocks)
        first = place * self.size < self.global_tokens
        near = (place[:, None] - place).abs() <= 1
        return near | first | first[:, None]

    def allowed(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Allow the window and the global tokens."""
        near = (queries - keys).abs() <= self.reach
        return near | (queries < self.global_tokens) | (keys < self.global_tokens)
