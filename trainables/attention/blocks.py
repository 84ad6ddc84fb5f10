"""Exact softmax attention inside disjoint blocks of rows, one SDPA call for each block size.

The blocks are a sample's rows (dense attention) or a cluster of them. Rows are gathered once, so
that each block is contiguous and blocks of one size are neighbours; what lies outside a row's
block is never multiplied. On a CPU there is no mask and no padding; a GPU, where calls are dear,
pads blocks of similar size together. An empty sample has no block, hence no NaN.

Shapes: `T` rows, `B` samples, `D` width, `H` heads, `d` = D / H, `G` blocks of `L` rows.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from trainables.attention.attention import Attention, Work
from trainables.attention.ragged import pad, sample_of_rows

Group = tuple[int, int]
"""Blocks, and rows of each."""


class BlockPlan(NamedTuple):
    """Which rows attend to one another.

    Attributes:
        order: (T,) int64, the row at each place of the gathered layout; None when rows stay.
        groups: (blocks G, rows of each L) in the order of the layout, L ascending.
    """

    order: Tensor | None
    groups: tuple[Group, ...]

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


def attend_blocks(qkv: Tensor, groups: Sequence[Group], heads: int) -> Tensor:
    """Attend inside each block.

    Args:
        qkv: (T, 3D) queries, keys and values in the plan's layout.
        groups: The plan's groups.
        heads: H.

    Returns:
        (T, D) mixed values in the same layout.
    """
    if not groups:
        return qkv[:, : qkv.shape[-1] // 3]
    if len(groups) == 1:
        return _attend_equal(qkv, groups[0][0], heads)
    calls = buckets(groups, qkv.device)
    parts = torch.split(qkv, [sum(count * size for count, size in call) for call in calls])
    pairs = zip(parts, calls, strict=True)
    return torch.cat([_attend_bucket(part, call, heads) for part, call in pairs])


def buckets(groups: Sequence[Group], device: torch.device) -> list[list[Group]]:
    """Say which groups share a call: none on a CPU, where padding costs more than calling.

    Elsewhere sizes up to one power of two are padded to the longest of them.
    """
    if device.type == "cpu":
        return [[group] for group in groups]
    return [list(call) for _, call in groupby(groups, lambda group: (group[1] - 1).bit_length())]


def _attend_bucket(qkv: Tensor, groups: Sequence[Group], heads: int) -> Tensor:
    """Attend inside blocks of unlike sizes in one call, padded: (T, D)."""
    if len(groups) == 1:
        return _attend_equal(qkv, groups[0][0], heads)
    laid, valid = pad(qkv, [size for count, size in groups for _ in range(count)])
    blocks, longest = valid.shape
    q, k, v = (
        one.view(blocks, longest, heads, -1).transpose(1, 2)  # (G, H, L, d)
        for one in laid.chunk(3, -1)
    )
    mixed = scaled_dot_product_attention(q, k, v, attn_mask=valid[:, None, None, :])
    return mixed.transpose(1, 2).flatten(2)[valid]


def _attend_equal(qkv: Tensor, blocks: int, heads: int) -> Tensor:
    """Attend inside each of that many equal blocks of (T, 3D) rows: (T, D)."""
    q, k, v = (
        one.view(blocks, len(qkv) // blocks, heads, -1).transpose(1, 2)  # (G, H, L, d)
        for one in qkv.chunk(3, -1)
    )
    return scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(len(qkv), -1)


class _Permute(torch.autograd.Function):
    """Gather all rows in another order and, backward, in the old one: `index_select` scatters."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, order: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(back)
        return rows.index_select(0, order)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient.index_select(0, *ctx.saved_tensors), None, None


def _permute(rows: Tensor, order: Tensor, back: Tensor) -> Tensor:
    permuted: Tensor = _Permute.apply(rows, order, back)  # type: ignore[no-untyped-call]
    return permuted


class BlockAttention(Attention):
    """Softmax attention inside the disjoint blocks that a subclass plans."""

    @abstractmethod
    def plan(self, rows: Tensor, lengths: Sequence[int]) -> BlockPlan:
        """Decide which of the (T, D) rows attend to one another; carries no gradient."""

    def forward(self, rows: Tensor, lengths: Sequence[int]) -> Tensor:
        """Mix (T, D) rows inside their blocks and project: (T, D)."""
        order, groups = self.plan(rows, lengths)
        if order is None:
            mixed: Tensor = self.out(attend_blocks(self.qkv(rows), groups, self.heads))
            return mixed
        back = torch.empty_like(order)
        back[order] = torch.arange(len(order), device=order.device)
        gathered = _permute(rows, order, back)
        return _permute(
            self.out(attend_blocks(self.qkv(gathered), groups, self.heads)), back, order
        )

    @torch.no_grad()
    def work(self, rows: Tensor, lengths: Sequence[int]) -> Work:
        """Account for the blocks and the projections; a plan's own products are a subclass's."""
        plan = self.plan(rows, lengths)
        calls = buckets(plan.groups, rows.device)
        pairs = sum(count * call[-1][1] ** 2 for call in calls for count, _ in call)
        samples = sum(length > 0 for length in lengths)
        return Work(
            pairs=pairs,
            flops=self.projection_flops(len(rows)) + 4 * pairs * self.width,
            clusters=plan.blocks / samples if samples else float("nan"),
        )
