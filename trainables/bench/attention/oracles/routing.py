"""Routing attention by its definition: centroid by centroid, each over the whole n × n matrix."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from trainables.attention.attention import Attention
from trainables.attention.routing import RoutingAttention
from trainables.bench.attention.oracles.truth import Truth, merge, project


def oracle(layer: Attention, rows: Tensor) -> Truth:
    """Average, over the centroids that took a query, what it gets from the keys they took."""
    if not isinstance(layer, RoutingAttention):
        raise TypeError(f"the layer must be a RoutingAttention, but is {type(layer).__name__}")
    q, k, v = project(layer, rows)
    count, size = layer.routes(len(rows))
    allowed = rows.new_zeros(layer.heads, len(rows), len(rows), dtype=torch.bool)
    mixed = []
    for head in range(layer.heads):
        got: list[list[Tensor]] = [[] for _ in rows]
        scores = q[head] @ k[head].T / math.sqrt(q.shape[-1])
        for centroid in layer.centroids[head, :count]:
            keys = _nearest(k[head].detach(), centroid, size)
            for i in _nearest(q[head].detach(), centroid, size):
                allowed[head, i, keys] = True
                got[i].append(scores[i, keys].softmax(-1) @ v[head, keys])
        none = torch.zeros_like(v[head, 0])
        mixed.append(torch.stack([sum(each, none) / max(1, len(each)) for each in got]))
    return Truth(merge(layer, torch.stack(mixed)), allowed)


def _nearest(points: Tensor, centroid: Tensor, size: int) -> list[int]:
    """Return the tokens of the greatest cosine, the earlier first where two are equal."""
    cosine = [float(point @ centroid / point.norm()) for point in points]
    return sorted(range(len(cosine)), key=lambda i: (-cosine[i], i))[:size]
