"""Attention inside disjoint clusters by its definition, for whatever made the clusters.

Which tokens share a cluster is read from the layer's plan: K-Means and bisection have slow
counterparts of their own in their tests.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.attention.attention import Attention
from trainables.attention.blocks import BlockAttention
from trainables.bench.attention.oracles.truth import Truth, masked_softmax


def oracle(layer: Attention, rows: Tensor) -> Truth:
    """Let a token attend to the tokens of its cluster."""
    if not isinstance(layer, BlockAttention):
        raise TypeError(f"the layer must plan blocks, but is {type(layer).__name__}")
    label = torch.empty(len(rows), dtype=torch.int64)
    order, groups = layer.plan(rows, [len(rows)])
    waiting = (order if order is not None else torch.arange(len(rows))).tolist()
    cluster = 0
    for count, size in groups:
        for _ in range(count):
            label[waiting[:size]] = cluster
            waiting, cluster = waiting[size:], cluster + 1
    label = label.to(rows.device)
    return masked_softmax(layer, rows, label[:, None] == label[None, :])
