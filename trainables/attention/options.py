"""What an attention may be built from. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Clusters = int | Literal["auto"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AttentionOptions:
    """What an attention may be built from; each takes what it needs.

    Attributes:
        width: D.
        heads: H, a divisor of D.
        tokens: The most tokens that a sample may have; for what is learned by position.
        clusters: Clusters of one sample, at least 1; "auto" leaves it to the attention's own rule.
        kmeans_iterations: Lloyd iterations, at least 0.
        block_size: Tokens of a leaf, chunk, window or block, at least 1.
        exact_clusters: Compute the clusters also where dense attention is faster.
    """

    width: int
    heads: int
    tokens: int = 4096
    clusters: Clusters = "auto"
    kmeans_iterations: int = 3
    block_size: int = 64
    exact_clusters: bool = False
