"""What every self-attention of this package is: its interface, its projections, its account.

An attention mixes packed rows (ragged.py) inside their samples. It is not a transformer block:
norm, residual and MLP are the model's.

Shapes: `T` rows of all samples, `B` samples, `N` rows of the longest, `D` width, `H` heads.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from trainables.attention.options import AttentionOptions
from trainables.attention.ragged import pad


class Work(NamedTuple):
    """What a forward pass computes.

    Attributes:
        pairs: Query-key pairs (or query-feature pairs, where keys are compressed) of one head, with
            those that are computed and then masked.
        flops: Floating-point operations of matrix products, projections and planning included,
            counted as `trainables.flops` counts them: a multiplication and an addition are two.
        clusters: Mean number of disjoint clusters of a sample that has rows; 1 where every token
            of a sample is in one, as in dense attention; NaN without rows.
    """

    pairs: int
    flops: int
    clusters: float


class Attention(nn.Module):
    """Multi-head self-attention over packed samples.

    Args:
        width: D.
        heads: H, a divisor of D.

    Attributes:
        expected_share: () expected share of the pairs that this attention lets be computed, with
            its gradient, as of the last forward pass; None where nothing of it is learned. A
            training loop multiplies it by its price λ.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.width, self.heads = width, heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.expected_share: Tensor | None = None

    @classmethod
    @abstractmethod
    def build(cls, options: AttentionOptions) -> Self:
        """Build the attention from the options it needs."""

    @abstractmethod
    def forward(self, rows: Tensor, lengths: Sequence[int]) -> Tensor:
        """Mix (T, D) rows inside their samples and project: (T, D)."""

    @abstractmethod
    def work(self, rows: Tensor, lengths: Sequence[int]) -> Work:
        """Account analytically for `forward(rows, lengths)` in evaluation; carries no gradient."""

    def draw(self, generator: torch.Generator) -> None:
        """Draw the initial values of parameters that belong to no linear map; most have none."""

    def padded(self, tokens: Tensor, valid: Tensor) -> Tensor:
        """Mix padded samples.

        Args:
            tokens: (B, N, D); what `valid` excludes is never read.
            valid: (B, N) bool.

        Returns:
            (B, N, D), zero where `valid` is False.
        """
        lengths = valid.sum(1).tolist()
        mixed = self(tokens[valid], lengths)
        found = tokens.new_zeros(tokens.shape)
        found[valid] = mixed.to(found.dtype)
        return found

    def projection_flops(self, rows: int) -> int:
        """Return the operations of the four projections of that many rows."""
        return 8 * rows * self.width**2

    def heads_first(self, qkv: Tensor, lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Lay (T, 3D) projected rows out by sample.

        Returns:
            (3, B, H, N, D / H) queries, keys and values, zero behind each sample's end, and (B, N)
            bool, True where a row is.
        """
        laid, valid = pad(qkv, lengths)
        shape = (*laid.shape[:2], 3, self.heads, self.width // self.heads)
        return laid.view(shape).permute(2, 0, 3, 1, 4), valid


def pack(mixed: Tensor, valid: Tensor) -> Tensor:
    """Return (T, D) rows of (B, H, N, D / H), without what `valid` (B, N) excludes."""
    samples, heads, longest, depth = mixed.shape
    rows = mixed.transpose(1, 2).reshape(samples, longest, heads * depth)
    return rows.flatten(0, 1) if bool(valid.all()) else rows[valid]


def mean_clusters(counts: Sequence[int], lengths: Sequence[int]) -> float:
    """Return the mean of `counts` over the samples that have rows; NaN if none has."""
    there = [count for count, length in zip(counts, lengths, strict=True) if length]
    return sum(there) / len(there) if there else float("nan")
