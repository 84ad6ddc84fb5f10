"""Routing attention (Roy et al. 2021, arXiv 2003.05997): each centroid mixes its nearest tokens.

Queries and keys at unit length are compared with k centroids of each head (spherical K-Means). A
centroid takes its w = ⌈n / k⌉ nearest queries and, apart from them, its w nearest keys (the
paper's form without causal mask; algorithm 1), and these queries attend to these keys. Clusters are
of one size, so they are no partition: a query in several gets the mean of what they give, one in
none gets zero, as in the public code (lucidrains/routing-transformer). In training the centroids
then move towards the mean direction of their nearest queries and keys. All heads route; the paper
leaves half of them local, which a model can add.

Deviations: unit length instead of layer norm, and for routing only, so that k = 1 is dense
attention (both as in the public code); centroids stay at unit length, and one without members
stays; no commitment loss; a sample of n tokens uses the first k = √n of the centroids where the
paper, with one n, has one k. Centroids are persistent buffers and change in training only, after
they were used; under DDP, rank 0's are everybody's.

Shapes: `T` rows, `G` samples of one length n, `D` width, `H` heads, `d` = D / H, `K` centroids, `k`
of them used, `w` tokens of each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import normalize, scaled_dot_product_attention

from trainables.attention.attention import Attention, Work, mean_clusters, pack
from trainables.attention.by_length import mix_by_length
from trainables.attention.options import AttentionOptions, Clusters
from trainables.seeding import stream


class RoutingAttention(Attention):
    """Softmax attention between the queries and the keys nearest to each centroid.

    Args:
        width: D.
        heads: H, a divisor of D.
        tokens: The most tokens expected in a sample; K = √tokens where `clusters` is "auto".
        clusters: Centroids that a sample uses, clamped to [1, min(n, K)]; "auto" = √n.
        decay: λ of the moving average: what a training step leaves of a centroid.
    """

    centroids: Tensor  # (H, K, d)

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        tokens: int,
        clusters: Clusters = "auto",
        decay: float = 0.999,
    ) -> None:
        super().__init__(width, heads)
        self.clusters, self.decay = clusters, decay
        count = max(1, round(math.sqrt(tokens)) if clusters == "auto" else clusters)
        self.register_buffer("centroids", torch.empty(heads, count, width // heads))
        self.draw(stream(0, "routing"))

    @classmethod
    def build(cls, options: AttentionOptions) -> Self:
        """Build it."""
        return cls(options.width, options.heads, tokens=options.tokens, clusters=options.clusters)

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Draw the centroids' directions."""
        self.centroids.normal_(generator=generator)
        self.centroids.copy_(normalize(self.centroids, dim=-1))

    def routes(self, tokens: int) -> tuple[int, int]:
        """Return k and w of a sample with that many tokens, at least 1."""
        wanted = round(math.sqrt(tokens)) if self.clusters == "auto" else tokens
        count = max(1, min(wanted, self.centroids.shape[1], tokens))
        return count, math.ceil(tokens / count)

    def forward(self, rows: Tensor, lengths: Sequence[int]) -> Tensor:
        """Mix (T, D) rows inside their samples and project: (T, D)."""
        qkv, valid = self.heads_first(self.qkv(rows), lengths)
        members = torch.zeros_like(self.centroids)
        mixed = mix_by_length(qkv, lengths, lambda part: self._route(part, members))
        if self.training:
            self._follow(members)
        projected: Tensor = self.out(pack(mixed, valid))
        return projected

    def _route(self, qkv: Tensor, members: Tensor) -> Tensor:
        """Mix (3, G, H, n, d); in training add queries and keys to their centroids' `members`."""
        samples, heads, tokens, depth = qkv.shape[1:]
        count, size = self.routes(tokens)
        with torch.no_grad(), torch.autocast(qkv.device.type, enabled=False):
            points = normalize(qkv[:2].to(self.centroids.dtype), dim=-1)
            likeness = points @ self.centroids[:, :count].transpose(1, 2)  # (2, G, H, n, k)
            if self.training:
                _gather_members(points, likeness.argmax(-1), members)
            nearest = likeness.topk(size, dim=-2).indices.transpose(-1, -2)  # (2, G, H, k, w)
            start = torch.arange(samples * heads, device=qkv.device) * tokens
            asking, asked = (nearest + start.view(samples, heads, 1, 1)).flatten(1)
        rows = qkv.flatten(1, 3)  # (3, G · H · n, d)
        shape = (samples, heads * count, size, depth)
        chosen = zip(rows, (asking, asked, asked), strict=True)
        q, k, v = (part.index_select(0, index).view(shape) for part, index in chosen)
        out = scaled_dot_product_attention(q, k, v).reshape(-1, depth)
        total = torch.zeros_like(rows[0], dtype=out.dtype).index_add(0, asking, out)
        times = out.new_zeros(len(total), 1).index_add(0, asking, out.new_ones(len(asking), 1))
        return (total / times.clamp(min=1)).view(samples, heads, tokens, depth)

    @torch.no_grad()
    def _follow(self, members: Tensor) -> None:
        """Move centroids towards (H, K, d) sums of their members."""
        moved = normalize(self.centroids.lerp(normalize(members, dim=-1), 1 - self.decay), dim=-1)
        self.centroids.copy_(moved)

    def work(self, rows: Tensor, lengths: Sequence[int]) -> Work:
        """Account for routing, attention and projections."""
        routes = [self.routes(length) if length else (0, 0) for length in lengths]
        pairs = sum(count * size**2 for count, size in routes)
        compared = sum(
            2 * length * count for length, (count, _) in zip(lengths, routes, strict=True)
        )
        return Work(
            pairs=pairs,
            flops=self.projection_flops(len(rows)) + (4 * pairs + 2 * compared) * self.width,
            clusters=mean_clusters([count for count, _ in routes], lengths),
        )


def _gather_members(points: Tensor, nearest: Tensor, members: Tensor) -> None:
    """Add (2, G, H, n, d) points to the rows of (H, K, d) that (2, G, H, n) `nearest` names."""
    heads, count, depth = members.shape
    start = torch.arange(heads, device=points.device)[:, None] * count
    members.view(-1, depth).index_add_(0, (nearest + start).flatten(), points.reshape(-1, depth))
