"""Balanced attention: exact softmax attention inside equal leaves of a bisection of the queries.

SMMT's cluster attention with other clusters (clustered.py): leaves of one fixed size instead of
log2 n unequal ones, so that attention and clustering together are O(n log n), which the paper
claims of its own and which k = log2 n clusters are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from torch import Tensor

from trainables.attention.bisection import bisect_rows, bisection_flops, leaf_count
from trainables.attention.blocks import BlockPlan
from trainables.attention.clustered import ClusteredAttention
from trainables.attention.options import AttentionOptions, Clusters


class BalancedAttention(ClusteredAttention):
    """Softmax attention inside equal leaves of head-averaged queries.

    Args:
        width: D.
        heads: H, a divisor of D.
        clusters: Leaves of one sample; "auto" = n / leaf_size, rounded.
        leaf_size: Tokens of a leaf where `clusters` is "auto".
        exact: Make the leaves below the crossover too.
    """

    crossover = 192  # tokens: 1.07 to 1.14 × as fast as dense there, widths 64 to 512, one thread

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        clusters: Clusters = "auto",
        leaf_size: int = 64,
        exact: bool = False,
    ) -> None:
        super().__init__(width, heads, clusters=clusters, exact=exact)
        self.leaf_size = leaf_size

    @classmethod
    def build(cls, options: AttentionOptions) -> Self:
        """Build it."""
        return cls(
            options.width,
            options.heads,
            clusters=options.clusters,
            leaf_size=options.block_size,
            exact=options.exact_clusters,
        )

    def cluster_count(self, tokens: int) -> int:
        """Return the number of leaves."""
        auto = self.clusters == "auto"
        return leaf_count(tokens, tokens / self.leaf_size if auto else float(self.clusters))

    def partition(
        self, queries: Tensor, lengths: Sequence[int], counts: Sequence[int]
    ) -> BlockPlan:
        """Bisect (T, d) queries, sample by sample."""
        return bisect_rows(queries, lengths, counts)

    def partition_flops(self, lengths: Sequence[int], counts: Sequence[int]) -> int:
        """Return the operations of the bisection, padded."""
        return bisection_flops(lengths, counts, self.width // self.heads)
