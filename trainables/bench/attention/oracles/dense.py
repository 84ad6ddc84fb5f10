"""Dense attention by its definition."""

from __future__ import annotations

from torch import Tensor

from trainables.attention.attention import Attention
from trainables.bench.attention.oracles.truth import Truth, masked_softmax


def oracle(layer: Attention, rows: Tensor) -> Truth:
    """Let every token attend to every token."""
    return masked_softmax(layer, rows, rows.new_ones(len(rows), len(rows)).bool())
