"""What an attention must give for one sample, by its definition: slow, obvious, n × n.

An oracle shares nothing with what it judges but the parameters. Shapes: `n` rows of one sample,
`D` width, `H` heads, `d` = D / H.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from trainables.attention.attention import Attention


class Truth(NamedTuple):
    """The right answer for one sample.

    Attributes:
        output: (n, D), differentiable.
        allowed: (H, n, n) bool, True where a key reaches a query; None where keys are compressed.
    """

    output: Tensor
    allowed: Tensor | None


def project(layer: Attention, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys and values of (n, D) rows, (H, n, d) each."""
    split = layer.qkv(rows).view(len(rows), 3, layer.heads, layer.width // layer.heads)
    q, k, v = split.permute(1, 2, 0, 3)
    return q, k, v


def merge(layer: Attention, mixed: Tensor) -> Tensor:
    """Join the heads of (H, n, d) mixed values and project: (n, D)."""
    merged: Tensor = layer.out(mixed.transpose(0, 1).reshape(mixed.shape[1], layer.width))
    return merged


def masked_softmax(layer: Attention, rows: Tensor, allowed: Tensor) -> Truth:
    """Attend over every pair with -inf where (n, n) or (H, n, n) `allowed` is False."""
    q, k, v = project(layer, rows)
    allowed = allowed.expand(layer.heads, len(rows), len(rows))
    scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
    weights = scores.masked_fill(~allowed, -math.inf).softmax(-1)
    return Truth(merge(layer, weights @ v), allowed)


def dense_weights(layer: Attention, rows: Tensor) -> Tensor:
    """Return the (H, n, n) weights that the layer's queries and keys have in dense attention."""
    q, k, _ = project(layer, rows)
    return torch.softmax(q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]), -1)
