"""Exact softmax attention inside disjoint blocks of rows, one SDPA call for each block size.

The blocks are a sample's rows (dense attention) or a cluster of them. Rows are gathered once, so
that each block is contiguous and blocks of one size are neighbours; what lies outside a row's
block is never multiplied. There is no mask and no padding, hence no NaN for an empty sample.

Shapes: `T` rows, `B` samples, `D` width, `H` heads, `d` = D / H, `G` blocks of `L` rows.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from trainables.attention.ragged import sample_of_rows

Clusters = int | Literal["auto"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AttentionOptions:
    """What an attention may be built from; each takes what it needs.

    Attributes:
        width: D.
        heads: H, a divisor of D.
        clusters: Clusters of one sample, at least 1; "auto" = max(1, round(log2 n)).
        kmeans_iterations: Lloyd iterations, at least 0.
    """

    width: int
    heads: int
    clusters: Clusters = "auto"
    kmeans_iterations: int = 3


class BlockPlan(NamedTuple):
    """Which rows attend to one another.

    Attributes:
        order: (T,) int64, the row at each place of the gathered layout; None when rows stay.
        groups: (blocks G, rows of each L) in the order of the layout, L ascending.
    """

    order: Tensor | None
    groups: tuple[tuple[int, int], ...]

    @property
    def blocks(self) -> int:
        """Number of blocks that hold a row."""
        return sum(count for count, _ in self.groups)


def plan_blocks(labels: Tensor) -> BlockPlan:
    """Plan the blocks of rows that carry the same label.

    Args:
        labels: (T,) int64, at least 0. Rows keep their order inside a block.
    """
    sizes = torch.bincount(labels)
    by_size = torch.argsort(sizes, stable=True)
    place = torch.empty_like(by_size)
    place[by_size] = torch.arange(len(by_size), device=labels.device)
    order = torch.argsort(place[labels], stable=True)
    counted = torch.unique_consecutive(sizes[by_size], return_counts=True)
    groups = zip(counted[1].tolist(), counted[0].tolist(), strict=True)
    return BlockPlan(order, tuple((count, size) for count, size in groups if size))


def plan_samples(lengths: Sequence[int], device: torch.device) -> BlockPlan:
    """Plan one block for each sample; samples of one length need no gather."""
    if len(set(lengths)) == 1:
        return BlockPlan(None, ((len(lengths), lengths[0]),) if lengths[0] else ())
    return plan_blocks(sample_of_rows(lengths, device))


def attend_blocks(qkv: Tensor, groups: Sequence[tuple[int, int]], heads: int) -> Tensor:
    """Attend inside each block.

    Args:
        qkv: (T, 3D) queries, keys and values in the plan's layout.
        groups: The plan's groups.
        heads: H.

    Returns:
        (T, D) mixed values in the same layout.
    """
    width = qkv.shape[-1] // 3
    mixed = []
    parts = torch.split(qkv, [count * size for count, size in groups])
    for part, (count, size) in zip(parts, groups, strict=True):
        blocks = part.view(count, size, 3, heads, width // heads)
        q, k, v = blocks.permute(2, 0, 3, 1, 4).unbind(0)  # (G, H, L, d) each
        out = scaled_dot_product_attention(q, k, v)
        mixed.append(out.transpose(1, 2).reshape(count * size, width))
    return torch.cat(mixed) if mixed else qkv[:, :width]


class BlockAttention(nn.Module):
    """Multi-head self-attention inside the blocks that a subclass plans.

    Args:
        width: D.
        heads: H, a divisor of D.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.width, self.heads = width, heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    @classmethod
    @abstractmethod
    def build(cls, options: AttentionOptions) -> Self:
        """Build the attention from the options it needs."""

    @abstractmethod
    def plan(self, rows: Tensor, lengths: Sequence[int]) -> BlockPlan:
        """Decide which of the (T, D) rows attend to one another; carries no gradient."""

    def forward(self, rows: Tensor, lengths: Sequence[int]) -> Tensor:
        """Mix (T, D) rows inside their blocks and project: (T, D)."""
        order, groups = self.plan(rows, lengths)
        if order is None:
            mixed: Tensor = self.out(attend_blocks(self.qkv(rows), groups, self.heads))
            return mixed
        gathered = rows.index_select(0, order)
        mixed = self.out(attend_blocks(self.qkv(gathered), groups, self.heads))
        back = torch.empty_like(order)
        back[order] = torch.arange(len(order), device=order.device)
        return mixed.index_select(0, back)
