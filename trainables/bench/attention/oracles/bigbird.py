"""BigBird attention by its definition, block by block."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.attention.attention import Attention
from trainables.attention.bigbird import BigBirdAttention
from trainables.bench.attention.oracles.truth import Truth, masked_softmax
from trainables.seeding import stream


def oracle(layer: Attention, rows: Tensor) -> Truth:
    """Let a block attend to window, ends and the random blocks with the highest lots."""
    if not isinstance(layer, BigBirdAttention):
        raise TypeError(f"the layer must be BigBird's, but is {type(layer).__name__}")
    allowed = torch.zeros(len(rows), len(rows), dtype=torch.bool, device=rows.device)
    size = layer.size
    blocks = (len(rows) + size - 1) // size
    generator = stream(int(layer.seed), "random blocks", blocks)
    lots = torch.rand(blocks, blocks, generator=generator).tolist()
    for i in range(blocks):
        ends = {0, blocks - 1}
        listed = set(range(blocks)) if i in ends else {i - 1, i, i + 1} | ends
        free = sorted(set(range(blocks)) - listed, key=lambda j: -lots[i][j])
        for j in listed | set(free[: layer.random_blocks]):
            allowed[i * size : (i + 1) * size, j * size : (j + 1) * size] = True
    return masked_softmax(layer, rows, allowed)
