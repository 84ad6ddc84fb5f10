"""Self-attention over ragged rows: who attends to whom, and nothing of any model.

An attention is a module `forward(rows, lengths) -> rows` that never pairs tokens of two samples.
Adding one is a file, a line below and a test file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainables.attention.blocks import BlockAttention

__all__ = ["ATTENTIONS", "load_attention"]

ATTENTIONS = {
    "cluster": "trainables.attention.cluster:ClusterAttention",
    "dense": "trainables.attention.dense:DenseAttention",
}


def load_attention(name: str) -> type[BlockAttention]:
    """Import the attention of that name.

    Raises:
        ValueError: If no attention has that name.
    """
    if name not in ATTENTIONS:
        raise ValueError(f"attention must be one of {', '.join(ATTENTIONS)}, but got {name!r}")
    module, attribute = ATTENTIONS[name].split(":")
    found: type[BlockAttention] = getattr(import_module(module), attribute)
    return found
