"""Reformer attention by its definition: tokens hashed, sorted and cut one by one, then n × n."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.attention.attention import Attention
from trainables.attention.reformer import Layout, ReformerAttention
from trainables.bench.attention.oracles.truth import Truth, masked_softmax, project


def oracle(layer: Attention, rows: Tensor) -> Truth:
    """Let a token attend to what some round puts in its bucket and in its chunk or the one before.

    To itself only where that is nothing. Keys at unit length come from the layer's projection.
    """
    if not isinstance(layer, ReformerAttention):
        raise TypeError(f"the layer must be a ReformerAttention, but is {type(layer).__name__}")
    queries, layout = project(layer, rows)[0].detach(), layer.layout(len(rows))
    allowed = rows.new_zeros(layer.heads, len(rows), len(rows), dtype=torch.bool)
    for head in range(layer.heads):
        for number in range(layout.rounds):
            rotations = layer.rotations[:, head, number]
            buckets = [_bucket(query, rotations, layout) for query in queries[head]]
            ranked = sorted(zip(buckets, range(len(rows)), strict=True))
            chunk = {token: rank // layout.size for rank, (_, token) in enumerate(ranked)}
            for i in range(len(rows)):
                for j in range(len(rows)):
                    near = chunk[i] - chunk[j] in (0, 1)
                    allowed[head, i, j] |= i != j and near and buckets[i] == buckets[j]
        for i in range(len(rows)):
            allowed[head, i, i] = not allowed[head, i].any()
    return masked_softmax(layer, rows, allowed)


def _bucket(query: Tensor, rotations: Tensor, layout: Layout) -> tuple[int, ...]:
    """Hash one query by each of two rotations, as far as there is more than one bucket."""
    hashes = []
    for rotation, count in zip(rotations, layout.factors, strict=True):
        turned = [float(query @ column) for column in rotation.T[: count // 2]]
        signed = [*turned, *(-one for one in turned)]
        hashes.append(signed.index(max(signed)) if signed else 0)
    return tuple(hashes)
