"""Linformer attention (Wang et al. 2020, arXiv 2006.04768): keys and values of low rank.

Keys and values of a sample are projected along the sequence from n tokens to r by learned E and F,
shared by the heads (the paper's headwise sharing, section 4); queries attend to those r. Pairs of
tokens are never formed, so what a token attends to has no pattern.

Deviations: the paper has one fixed n; here a sample of n tokens uses the first n columns, so what
lies behind its end adds nothing. Samples shorter than r cost more than dense attention. E and F
start Xavier-distributed with gain 1 / √2, as in the authors' code (fairseq, examples/linformer),
but normal, not uniform; the paper's N(0, 1 / r) would make values √(n / r) times larger.

Shapes: `T` rows, `B` samples, `N` rows of the longest, `D` width, `H` heads, `d` = D / H.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from trainables.attention.attention import Attention, Work, mean_clusters, pack
from trainables.attention.options import AttentionOptions
from trainables.seeding import stream


class LinformerAttention(Attention):
    """Softmax attention over r learned mixtures of a sample's tokens.

    Args:
        width: D.
        heads: H, a divisor of D.
        tokens: The most tokens that a sample may have.
        rank: r, clamped to [1, tokens].
    """

    def __init__(self, width: int, heads: int, *, tokens: int, rank: int = 64) -> None:
        super().__init__(width, heads)
        self.tokens, self.rank = tokens, max(1, min(rank, tokens))
        self.keys = nn.Parameter(torch.empty(self.rank, tokens))  # E
        self.values = nn.Parameter(torch.empty(self.rank, tokens))  # F
        self.draw(stream(0, "linformer"))

    @classmethod
    def build(cls, options: AttentionOptions) -> Self:
        """Build it for samples of at most `options.tokens`."""
        return cls(options.width, options.heads, tokens=options.tokens)

    def draw(self, generator: torch.Generator) -> None:
        """Draw E and F."""
        for projection in (self.keys, self.values):
            nn.init.xavier_normal_(projection, gain=0.5**0.5, generator=generator)

    def forward(self, rows: Tensor, lengths: Sequence[int]) -> Tensor:
        """Mix (T, D) rows inside their samples and project: (T, D).

        Raises:
            ValueError: If a sample has more than `tokens` rows.
        """
        longest = max(lengths, default=0)
        if longest > self.tokens:
            raise ValueError(
                f"a sample must have at most {self.tokens} tokens, for which the projections are "
                f"learned, but one has {longest}; build the attention with more tokens"
            )
        (q, k, v), valid = self.heads_first(self.qkv(rows), lengths)
        k, v = self.keys[:, :longest] @ k, self.values[:, :longest] @ v  # (B, H, r, d)
        mixed: Tensor = self.out(pack(scaled_dot_product_attention(q, k, v), valid))
        return mixed

    def work(self, rows: Tensor, lengths: Sequence[int]) -> Work:
        """Account for compression and attention, padding included."""
        pairs = len(lengths) * max(lengths, default=0) * self.rank
        return Work(
            pairs=pairs,
            flops=self.projection_flops(len(rows)) + 8 * pairs * self.width,
            clusters=mean_clusters([1] * len(lengths), lengths),
        )
