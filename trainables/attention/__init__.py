"""Self-attention over ragged rows: who attends to whom, and nothing of any model.

An attention is a module `forward(rows, lengths) -> rows` that never pairs tokens of two samples
(attention.py). Adding one is a file, a line below, an oracle in
bench/attention/oracles and a test file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainables.attention.attention import Attention

__all__ = ["ATTENTIONS", "load_attention"]

ATTENTIONS = {
    "balanced": "trainables.attention.balanced:BalancedAttention",
    "bigbird": "trainables.attention.bigbird:BigBirdAttention",
    "cluster": "trainables.attention.cluster:ClusterAttention",
    "dense": "trainables.attention.dense:DenseAttention",
    "linformer": "trainables.attention.linformer:LinformerAttention",
    "longformer": "trainables.attention.longformer:LongformerAttention",
    "lspg": "trainables.attention.lspg:LearnedPatternAttention",
    "performer": "trainables.attention.performer:PerformerAttention",
    "reformer": "trainables.attention.reformer:ReformerAttention",
    "routing": "trainables.attention.routing:RoutingAttention",
    "strided": "trainables.attention.strided:StridedAttention",
}


def load_attention(name: str) -> type[Attention]:
    """Import the attention of that name.

    Raises:
        ValueError: If no attention has that name.
    """
    if name not in ATTENTIONS:
        raise ValueError(f"attention must be one of {', '.join(ATTENTIONS)}, but got {name!r}")
    module, attribute = ATTENTIONS[name].split(":")
    found: type[Attention] = getattr(import_module(module), attribute)
    return found
