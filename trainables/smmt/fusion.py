"""Cascaded cross-attention: a learned query visits one modality after the other.

The query is one token of each sample. At each modality it attends to that modality's tokens
(pre-norm, residual) and passes an MLP; a sample without such tokens keeps its query exactly, as
in 3MT's public re-implementation. SMMT (arXiv 2512.14491) fixes neither the order nor the number
of layers.

Shapes: `B` samples, `T` tokens of all samples, `D` width, `H` heads, `d` = D / H.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from trainables.attention.ragged import Ragged


class FeedForward(nn.Sequential):
    """Layer norm, then an MLP with one hidden layer: (…, D) to (…, D)."""

    def __init__(self, width: int, ratio: int) -> None:
        super().__init__(
            nn.LayerNorm(width),
            nn.Linear(width, ratio * width),
            nn.GELU(),
            nn.Linear(ratio * width, width),
        )


class CrossAttention(nn.Module):
    """One step of the cascade.

    Args:
        width: D.
        heads: H.
        ratio: Hidden width of the MLP in units of D.
    """

    def __init__(self, width: int, heads: int, ratio: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_query, self.norm_tokens = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.feedforward = FeedForward(width, ratio)

    def forward(self, query: Tensor, tokens: Ragged) -> Tensor:
        """Let (B, D) queries attend to their samples' tokens: (B, D)."""
        there = [sample for sample, length in enumerate(tokens.lengths) if length]
        if not there:
            return query
        asked = torch.tensor(there, device=query.device)
        old = query.index_select(0, asked)
        mixed = self._attend(self.query(self.norm_query(old)), tokens)
        new = old + self.out(mixed)
        new = new + self.feedforward(new)
        return query.index_copy(0, asked, new.to(query.dtype))

    def _attend(self, q: Tensor, tokens: Ragged) -> Tensor:
        """Attend with one query a sample that has tokens; equal lengths go in one call."""
        lengths = [length for length in tokens.lengths if length]
        kv = self.key_value(self.norm_tokens(tokens.rows))
        if len(set(lengths)) == 1:
            return _attend_equal(q, kv, lengths[0], self.heads)
        parts = zip(torch.split(q, 1), torch.split(kv, lengths), lengths, strict=True)
        return torch.cat([_attend_equal(one, rows, n, self.heads) for one, rows, n in parts])


def _attend_equal(q: Tensor, kv: Tensor, length: int, heads: int) -> Tensor:
    """Attend with (B, D) queries to (B·length, 2D) keys and values: (B, D)."""
    samples, width = q.shape
    k, v = (
        one.view(samples, length, heads, width // heads).transpose(1, 2)  # (B, H, length, d)
        for one in kv.chunk(2, -1)
    )
    asked = q.view(samples, 1, heads, width // heads).transpose(1, 2)  # (B, H, 1, d)
    return scaled_dot_product_attention(asked, k, v).reshape(samples, width)


def aggregate(representations: Sequence[Tensor], present: Tensor, fallback: Tensor) -> Tensor:
    """Average the modalities that a sample has.

    The paper says "aggregated"; the mean is our reading: it does not grow with their number.

    Args:
        representations: M tensors (B, D).
        present: (B, M) bool.
        fallback: (B, D), what a sample without any modality gets.
    """
    weight = present.to(fallback.device, fallback.dtype).unsqueeze(-1)  # (B, M, 1)
    total = (torch.stack(list(representations), dim=1) * weight).sum(1)
    count = weight.sum(1)
    return torch.where(count > 0, total / count.clamp(min=1), fallback)
