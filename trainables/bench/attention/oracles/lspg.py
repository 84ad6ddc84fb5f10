"""LSPG + CAO by its definition: the pattern score by score, the correction on n × n weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from trainables.attention.attention import Attention
from trainables.attention.lspg import LearnedPatternAttention
from trainables.bench.attention.oracles.truth import Truth, merge, project


def oracle(layer: Attention, rows: Tensor) -> Truth:
    """Choose blocks head by head, then correct, weigh and renormalise inside them."""
    if not isinstance(layer, LearnedPatternAttention):
        raise TypeError(f"the layer must be LSPG's, but is {type(layer).__name__}")
    q, k, v = project(layer, rows)
    mixed, allowed = [], []
    for head in range(layer.heads):
        gate = _gate(layer, head, q[head].detach(), k[head].detach())
        on = gate > 0
        scores = q[head] @ k[head].T / math.sqrt(q.shape[-1])
        relative = scores.masked_fill(~on, -math.inf).softmax(-1) * on.sum(-1, keepdim=True)
        bend = layer.strength[head].tanh() * (layer.gain[head] * (relative - 1)).tanh()
        weights = (relative + bend).clamp(min=0) * gate
        mixed.append(weights / weights.sum(-1, keepdim=True) @ v[head])
        allowed.append(on)
    return Truth(merge(layer, torch.stack(mixed)), torch.stack(allowed))


def _gate(layer: LearnedPatternAttention, head: int, q: Tensor, k: Tensor) -> Tensor:
    """Return (n, n): 0 where a block is off, otherwise 1 with the gradient of its probability."""
    cuts = range(0, len(q), layer.block)
    means = [
        (q[cut : cut + layer.block].mean(0), k[cut : cut + layer.block].mean(0)) for cut in cuts
    ]
    content = {
        (i, j): (layer.direction[head] * qi * kj).sum() / math.sqrt(len(qi))
        for i, (qi, _) in enumerate(means)
        for j, (_, kj) in enumerate(means)
        if i != j
    }
    centre = sum(content.values(), q.new_zeros(())) / max(1, len(content))
    gate = q.new_zeros(len(q), len(q))
    for i, row in enumerate(cuts):
        p = {
            j: torch.sigmoid(
                content[i, j] - centre + layer.level + (layer.near if abs(i - j) == 1 else 0)
            )
            for j in range(len(means))
            if j != i
        }
        worth = {j: one.item() for j, one in p.items()}
        best = sorted(worth, key=worth.__getitem__, reverse=True)[
            : round(1 + sum(worth.values())) - 1
        ]
        gate[row : row + layer.block, row : row + layer.block] = 1
        for j in best:
            column = cuts[j]
            weight = 1 + p[j] - p[j].detach()
            gate[row : row + layer.block, column : column + layer.block] = weight
    return gate
