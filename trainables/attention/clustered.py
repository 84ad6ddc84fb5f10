"""Attention inside clusters of head-averaged queries, whatever makes the clusters.

SMMT (Lu & Tsai 2025, arXiv 2512.14491, section III-B): queries are clustered, token i attends to
token j when their queries lie in one cluster, and the assignment serves all heads. Decided here
where the paper is silent: clusters are made for each sample and layer, from queries averaged over
the heads; k is clamped to [1, n]; no gradient flows through the assignment, all others do. A sample
below `crossover` tokens, where dense attention is as fast, is one cluster, unless `exact` is set.

Shapes: `T` rows, `D` width, `H` heads, `d` = D / H.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import linear

from trainables.attention.attention import Work
from trainables.attention.blocks import BlockAttention, BlockPlan, plan_samples
from trainables.attention.options import Clusters


class ClusteredAttention(BlockAttention):
    """Softmax attention inside clusters.

    Args:
        width: D.
        heads: H, a divisor of D.
        clusters: Clusters of one sample, clamped to [1, n]; with 1 it is dense attention.
        exact: Make the clusters below the crossover too.
    """

    crossover: ClassVar[int]

    def __init__(self, width: int, heads: int, *, clusters: Clusters, exact: bool) -> None:
        super().__init__(width, heads)
        self.clusters, self.exact = clusters, exact

    @abstractmethod
    def cluster_count(self, tokens: int) -> int:
        """Return the number of clusters of a sample, in [1, max(1, tokens)]."""

    @abstractmethod
    def partition(
        self, queries: Tensor, lengths: Sequence[int], counts: Sequence[int]
    ) -> BlockPlan:
        """Plan one block for each cluster.

        Args:
            queries: (T, d) head-averaged queries, sample after sample.
            lengths: Queries of each sample.
            counts: Clusters of each sample, in [1, max(1, queries)].
        """

    @abstractmethod
    def partition_flops(self, lengths: Sequence[int], counts: Sequence[int]) -> int:
        """Return the operations of `partition`."""

    def counts(self, lengths: Sequence[int]) -> list[int]:
        """Return the number of clusters that each sample is cut into."""
        small = 0 if self.exact else self.crossover
        return [1 if length < small else self.cluster_count(length) for length in lengths]

    @torch.no_grad()
    def plan(self, rows: Tensor, lengths: Sequence[int]) -> BlockPlan:
        """Cluster the head-averaged queries of (T, D) rows, sample by sample."""
        counts = self.counts(lengths)
        if max(counts, default=1) == 1:
            return plan_samples(lengths, rows.device)
        with torch.autocast(rows.device.type, enabled=False):
            return self.partition(self.mean_queries(rows), lengths, counts)

    def mean_queries(self, rows: Tensor) -> Tensor:
        """Return (T, d) queries averaged over heads: one narrow projection, not H of them."""
        weight = self.qkv.weight[: self.width].view(self.heads, -1, self.width).mean(0)
        bias = self.qkv.bias[: self.width].view(self.heads, -1).mean(0)
        return linear(rows.to(weight.dtype), weight, bias)

    def work(self, rows: Tensor, lengths: Sequence[int]) -> Work:
        """Account for the blocks, the clustering and the projections."""
        work, counts = super().work(rows, lengths), self.counts(lengths)
        if max(counts, default=1) == 1:
            return work
        queries = 2 * len(rows) * self.width * (self.width // self.heads)
        return work._replace(flops=work.flops + queries + self.partition_flops(lengths, counts))
