"""Performer attention by its definition: the n × n matrix of products of positive features.

Without a stabiliser, so the norms of queries and keys must be moderate.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from trainables.attention.attention import Attention
from trainables.attention.performer import PerformerAttention
from trainables.bench.attention.oracles.truth import Truth, merge, project


def oracle(layer: Attention, rows: Tensor) -> Truth:
    """Weigh every pair of tokens by φ(q) φ(k), and divide by a query's sum of weights."""
    if not isinstance(layer, PerformerAttention):
        raise TypeError(f"the layer must be a PerformerAttention, but is {type(layer).__name__}")
    q, k, v = project(layer, rows)
    weights = _features(q, layer.omega) @ _features(k, layer.omega).transpose(1, 2)  # (H, n, n)
    return Truth(merge(layer, weights / weights.sum(-1, keepdim=True) @ v), None)


def _features(tokens: Tensor, omega: Tensor) -> Tensor:
    x = tokens / tokens.shape[-1] ** 0.25
    features = [torch.exp(x @ one - (x**2).sum(-1) / 2) / math.sqrt(len(omega)) for one in omega]
    return torch.stack(features, -1)
