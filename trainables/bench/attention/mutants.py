"""Attentions with one known fault, behind the names of honest ones. Not for any model.

What they compute is right: a masked product of all pairs is the same function as the blocks. Only
what it costs is not what the name says; and a gate without gradient learns no pattern.

Shapes: `T` rows, `B` samples, `N` rows of the longest, `H` heads, `d` = D / H.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from trainables.attention import ATTENTIONS
from trainables.attention.attention import Attention, pack
from trainables.attention.balanced import BalancedAttention
from trainables.attention.block_layout import BlockLayout
from trainables.attention.blocks import BlockPlan
from trainables.attention.cluster import ClusterAttention
from trainables.attention.clustered import ClusteredAttention
from trainables.attention.lspg import LearnedPatternAttention, Pattern
from trainables.attention.ragged import pad


class _Masked(ClusteredAttention):
    """All pairs of a sample are multiplied, those of two clusters in vain."""

    def forward(self, rows: Tensor, lengths: Sequence[int]) -> Tensor:
        """Mix (T, D) rows."""
        qkv, valid = self.heads_first(self.qkv(rows), lengths)
        label, _ = pad(_labels(self.plan(rows, lengths), rows)[:, None], lengths)
        together = label == label.transpose(1, 2)  # (B, N, N); empty slots have one another
        mixed: Tensor = self.out(pack(self._mix(qkv, together.unsqueeze(1)), valid))
        return mixed

    def _mix(self, qkv: Tensor, together: Tensor) -> Tensor:
        q, k, v = qkv.unbind()
        return scaled_dot_product_attention(q, k, v, attn_mask=together)


class MaskedBalanced(_Masked, BalancedAttention):
    """`balanced` as a masked dense product, by SDPA: the fastest that such a product can be."""


class MaskedCluster(_Masked, ClusterAttention):
    """`cluster` as a masked dense product, by SDPA."""


class ScoredBalanced(MaskedBalanced):
    """`balanced` as it is mostly published: n × n scores of each head in memory, then a mask."""

    def _mix(self, qkv: Tensor, together: Tensor) -> Tensor:
        q, k, v = qkv.unbind()
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        return scores.masked_fill(~together, -math.inf).softmax(-1) @ v


class DetachedPattern(LearnedPatternAttention):
    """`lspg` whose gate carries no gradient, so that its price λ moves nothing."""

    def pattern(self, q: Tensor, k: Tensor, layout: BlockLayout) -> Pattern:
        """Choose as LSPG does."""
        lists, probability, share = super().pattern(q, k, layout)
        return Pattern(lists, probability.detach(), share.detach())


MUTANTS: dict[str, type[Attention]] = {
    "balanced:masked": MaskedBalanced,
    "balanced:scored": ScoredBalanced,
    "cluster:masked": MaskedCluster,
    "lspg:detached": DetachedPattern,
}


@contextmanager
def posing(variant: str) -> Iterator[str]:
    """Register a mutant under the honest name, which is given, while entered."""
    name, _, fault = variant.partition(":")
    honest = ATTENTIONS[name]
    if fault:
        mutant = MUTANTS[variant]
        ATTENTIONS[name] = f"{mutant.__module__}:{mutant.__name__}"
    try:
        yield name
    finally:
        ATTENTIONS[name] = honest


def _labels(plan: BlockPlan, rows: Tensor) -> Tensor:
    """Return (T,) int64 numbers of the rows' blocks, from 1."""
    sizes = [size for count, size in plan.groups for _ in range(count)]
    numbers = torch.arange(1, len(sizes) + 1, device=rows.device)
    laid = numbers.repeat_interleave(torch.tensor(sizes, device=rows.device))
    if plan.order is None:
        return laid
    return torch.empty_like(laid).index_copy_(0, plan.order, laid)
