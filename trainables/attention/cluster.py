"""Cluster-sparse attention: exact softmax attention inside each token's own K-Means cluster.

SMMT (Lu & Tsai 2025, arXiv 2512.14491, section III-B): queries are clustered, token i attends to
token j when their queries lie in one cluster, and the assignment serves all heads. Decided here
where the paper is silent: clusters are made for each sample and layer, from queries averaged over
the heads; k is clamped to [1, n]; no gradient flows through the assignment, all others do.

What it is not: O(n log n). k equal clusters compute n²/k pairs, n²/log2 n with the paper's k.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import linear

from trainables.attention.blocks import (
    AttentionOptions,
    BlockAttention,
    BlockPlan,
    Clusters,
    plan_blocks,
    plan_samples,
)
from trainables.attention.kmeans import cluster_count, cluster_rows


class ClusterAttention(BlockAttention):
    """Softmax attention inside K-Means clusters of head-averaged queries.

    Args:
        width: D.
        heads: H, a divisor of D.
        clusters: Clusters of one sample; clamped to [1, n]. With 1 it is dense attention.
        iterations: Lloyd iterations.
    """

    def __init__(self, width: int, heads: int, *, clusters: Clusters, iterations: int) -> None:
        super().__init__(width, heads)
        self.clusters, self.iterations = clusters, iterations

    @classmethod
    def build(cls, options: AttentionOptions) -> Self:
        """Build it."""
        return cls(
            options.width,
            options.heads,
            clusters=options.clusters,
            iterations=options.kmeans_iterations,
        )

    @torch.no_grad()
    def plan(self, rows: Tensor, lengths: Sequence[int]) -> BlockPlan:
        """Cluster the head-averaged queries of (T, D) rows, sample by sample."""
        if all(cluster_count(length, self.clusters) == 1 for length in lengths):
            return plan_samples(lengths, rows.device)
        with torch.autocast(rows.device.type, enabled=False):
            queries = self._mean_queries(rows)
            return plan_blocks(cluster_rows(queries, lengths, self.clusters, self.iterations))

    def _mean_queries(self, rows: Tensor) -> Tensor:
        """Return (T, d) queries averaged over heads: one narrow projection, not H of them."""
        weight = self.qkv.weight[: self.width].view(self.heads, -1, self.width).mean(0)
        bias = self.qkv.bias[: self.width].view(self.heads, -1).mean(0)
        return linear(rows.to(weight.dtype), weight, bias)
