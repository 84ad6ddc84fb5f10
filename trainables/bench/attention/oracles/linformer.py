"""Linformer attention by its definition: every compressed key and value summed up by itself."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from trainables.attention.attention import Attention
from trainables.attention.linformer import LinformerAttention
from trainables.bench.attention.oracles.truth import Truth, merge, project


def oracle(layer: Attention, rows: Tensor) -> Truth:
    """Let every token attend to each learned mixture of the sample's tokens."""
    if not isinstance(layer, LinformerAttention):
        raise TypeError(f"the layer must be a LinformerAttention, but is {type(layer).__name__}")
    q, k, v = project(layer, rows)
    compressed = []
    for weights, tokens in ((layer.keys, k), (layer.values, v)):
        mixtures = [
            sum((weight[i] * tokens[:, i] for i in range(len(rows))), torch.zeros_like(q[:, 0]))
            for weight in weights
        ]
        compressed.append(torch.stack(mixtures, 1))  # (H, r, d)
    keys, values = compressed
    scores = q @ keys.transpose(1, 2) / math.sqrt(q.shape[-1])
    return Truth(merge(layer, scores.softmax(-1) @ values), None)
