"""Longformer attention by its definition, pair by pair."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.attention.attention import Attention
from trainables.attention.longformer import LongformerAttention
from trainables.bench.attention.oracles.truth import Truth, masked_softmax


def oracle(layer: Attention, rows: Tensor) -> Truth:
    """Let a token attend to its window and the global tokens, and these to all."""
    if not isinstance(layer, LongformerAttention):
        raise TypeError(f"the layer must be Longformer's, but is {type(layer).__name__}")
    allowed = torch.zeros(len(rows), len(rows), dtype=torch.bool, device=rows.device)
    for i in range(len(rows)):
        for j in range(len(rows)):
            within = abs(i - j) <= layer.reach
            allowed[i, j] = within or min(i, j) < layer.global_tokens
    return masked_softmax(layer, rows, allowed)
