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
    allowed = [_reached(layer, head, queries[head], layout) for head in range(layer.heads)]
    return masked_softmax(layer, rows, torch.tensor(allowed, device=rows.device))


def _reached(
    layer: ReformerAttention, head: int, queries: Tensor, layout: Layout
) -> list[list[bool]]:
    """Say for each of n queries of a head which of the n keys reach it."""
    tokens = range(len(queries))
    reached = [[False for _ in tokens] for _ in tokens]
    for number in range(layout.rounds):
        rotations = layer.rotations[:, head, number]
        buckets = [_bucket(query, rotations, layout) for query in queries]
        ranked = sorted(zip(buckets, tokens, strict=True))
        chunk = {token: rank // layout.size for rank, (_, token) in enumerate(ranked)}
        for i in tokens:
            for j in tokens:
                near = chunk[i] - chunk[j] in (0, 1)
                reached[i][j] |= i != j and near and buckets[i] == buckets[j]
    for i in tokens:
        reached[i][i] = not any(reached[i])
    return reached


def _bucket(query: Tensor, rotations: Tensor, layout: Layout) -> tuple[int, ...]:
    """Hash one query by each of two rotations, as far as there is more than one bucket."""
    hashes = []
    for rotation, count in zip(rotations, layout.factors, strict=True):
        turned = (query @ rotation[:, : count // 2]).tolist()
        signed = [*turned, *(-one for one in turned)]
        hashes.append(signed.index(max(signed)) if signed else 0)
    return tuple(hashes)
