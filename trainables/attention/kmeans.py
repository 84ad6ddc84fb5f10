"""Deterministic K-Means of each sample's points, many samples at a time.

It draws no random numbers: the first centroids are tokens evenly spaced along the points' main
axis. It is plain Lloyd; sizes are not balanced, and a cluster may end empty.

Shapes: `B` samples, `N` points of the longest, `K` clusters of the most clustered, `d` coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from trainables.attention.axis import axis_flops, main_axis, project
from trainables.attention.options import Clusters
from trainables.attention.ragged import pad


def cluster_count(tokens: int, clusters: Clusters) -> int:
    """Return k for a sample: as asked, or max(1, round(log2 n)), clamped to [1, tokens].

    A sample without tokens counts as one cluster, which stays empty.
    """
    if tokens < 2:
        return 1
    wanted = round(math.log2(tokens)) if clusters == "auto" else clusters
    return max(1, min(wanted, tokens))


def cluster_rows(
    points: Tensor, lengths: Sequence[int], counts: Sequence[int], iterations: int
) -> Tensor:
    """Label packed points by cluster; no label is shared by two samples.

    Args:
        points: (T, d), sample after sample.
        lengths: Points of each sample.
        counts: Clusters of each sample, in [1, max(1, points)].
        iterations: Lloyd iterations.

    Returns:
        (T,) int64 labels, those of sample b between the sums of counts before and with it.
    """
    if len(points) == 0:
        return torch.zeros(0, dtype=torch.int64, device=points.device)
    clusters = torch.tensor(counts, device=points.device)
    padded, valid = pad(points, lengths)
    first = torch.cumsum(clusters, 0) - clusters
    return (kmeans(padded, valid, clusters, iterations) + first[:, None])[valid]


def kmeans_flops(
    lengths: Sequence[int], counts: Sequence[int], coordinates: int, iterations: int
) -> int:
    """Return the operations of the matrix products in `cluster_rows`, padding included."""
    points = len(lengths) * max(lengths, default=0)
    start = (
        axis_flops(len(lengths), max(lengths, default=0), coordinates) + 2 * points * coordinates
    )
    rounds = (2 * iterations + 1) * 2 * points * coordinates * max(counts, default=1)
    return start + rounds


def kmeans(points: Tensor, valid: Tensor, counts: Tensor, iterations: int) -> Tensor:
    """Assign points to the nearest centroid after `iterations` rounds of assigning and averaging.

    Ties go to the lower cluster number. A cluster left without points keeps its centroid, and may
    win points again; in the end it is empty, and simply is not computed.

    Args:
        points: (B, N, d); what `valid` excludes must be finite, and is labelled but never counted.
        valid: (B, N) bool.
        counts: (B,) clusters of each sample, in [1, N].
        iterations: At least 0; with 0 the first centroids decide.

    Returns:
        (B, N) int64 labels below the sample's count.
    """
    mask = valid.unsqueeze(-1).to(points.dtype)
    mean = (points * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1)
    points = (points - mean) * mask
    numbers = torch.arange(int(counts.max()), device=points.device)
    unused = (numbers >= counts[:, None]).unsqueeze(1)  # (B, 1, K)
    centroids = _first_centroids(points, valid, counts, numbers)
    labels = _nearest(points, centroids, unused)
    for _ in range(iterations):
        member = (labels.unsqueeze(-1) == numbers).to(points.dtype) * mask  # (B, N, K)
        size = member.sum(1).unsqueeze(-1)
        average = member.transpose(1, 2) @ points / size.clamp(min=1)
        centroids = torch.where(size > 0, average, centroids)
        labels = _nearest(points, centroids, unused)
    return labels


def _nearest(points: Tensor, centroids: Tensor, unused: Tensor) -> Tensor:
    half_norm = centroids.square().sum(-1).unsqueeze(1) / 2
    bias = half_norm.masked_fill(unused, math.inf)
    return torch.baddbmm(bias, points, centroids.transpose(1, 2), alpha=-1).argmin(-1)


def _first_centroids(points: Tensor, valid: Tensor, counts: Tensor, numbers: Tensor) -> Tensor:
    """Take the points in the middle of counts equal cuts along the main axis."""
    along = project(points, main_axis(points))
    order = along.masked_fill(~valid, math.inf).argsort(dim=1, stable=True)
    lengths = valid.sum(1, keepdim=True)
    places = (2 * numbers + 1) * lengths // (2 * counts[:, None])
    places = places.minimum((lengths - 1).clamp(min=0))
    chosen = order.gather(1, places).unsqueeze(-1)
    return points.gather(1, chosen.expand(-1, -1, points.shape[-1]))
