"""Cluster-sparse attention: exact softmax attention inside each token's own K-Means cluster.

SMMT's own (clustered.py says what the paper leaves open): k = log2 n unequal clusters.

What it is not: O(n log n). k equal clusters compute n²/k pairs, n²/log2 n with the paper's k.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from torch import Tensor

from trainables.attention.blocks import BlockPlan, plan_blocks
from trainables.attention.clustered import ClusteredAttention
from trainables.attention.kmeans import cluster_count, cluster_rows, kmeans_flops
from trainables.attention.options import AttentionOptions, Clusters


class ClusterAttention(ClusteredAttention):
    """Softmax attention inside K-Means clusters of head-averaged queries.

    Args:
        width: D.
        heads: H, a divisor of D.
        clusters: Clusters of one sample; "auto" = max(1, round(log2 n)).
        iterations: Lloyd iterations.
        exact: Make the clusters below the crossover too.
    """

    crossover = 256  # tokens: 0.99 to 1.15 × as fast as dense there, widths 64 to 512, one thread

    def __init__(
        self, width: int, heads: int, *, clusters: Clusters, iterations: int, exact: bool = False
    ) -> None:
        super().__init__(width, heads, clusters=clusters, exact=exact)
        self.iterations = iterations

    @classmethod
    def build(cls, options: AttentionOptions) -> Self:
        """Build it."""
        return cls(
            options.width,
            options.heads,
            clusters=options.clusters,
            iterations=options.kmeans_iterations,
            exact=options.exact_clusters,
        )

    def cluster_count(self, tokens: int) -> int:
        """Return k, see `kmeans.cluster_count`."""
        return cluster_count(tokens, self.clusters)

    def partition(
        self, queries: Tensor, lengths: Sequence[int], counts: Sequence[int]
    ) -> BlockPlan:
        """Cluster (T, d) queries by K-Means, sample by sample."""
        return plan_blocks(cluster_rows(queries, lengths, counts, self.iterations))

    def partition_flops(self, lengths: Sequence[int], counts: Sequence[int]) -> int:
        """Return the operations of K-Means, which pads samples to the longest."""
        return kmeans_flops(lengths, counts, self.width // self.heads, self.iterations)
