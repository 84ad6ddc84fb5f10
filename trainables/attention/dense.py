"""Dense attention: each token attends to every token of its sample. The baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from torch import Tensor

from trainables.attention.blocks import BlockAttention, BlockPlan, plan_samples
from trainables.attention.options import AttentionOptions


class DenseAttention(BlockAttention):
    """Softmax attention over all tokens of a sample; one SDPA call when lengths are equal."""

    @classmethod
    def build(cls, options: AttentionOptions) -> Self:
        """Build it; clusters and iterations mean nothing here."""
        return cls(options.width, options.heads)

    def plan(self, rows: Tensor, lengths: Sequence[int]) -> BlockPlan:
        """Plan one block for each sample."""
        return plan_samples(lengths, rows.device)
