"""Strided attention of the Sparse Transformer (Child et al. 2019, arXiv 1904.10509), for encoders.

Token i attends to token j where |i − j| < s or (i − j) mod s = 0, with the stride s = round(√n) of
the sample. The sample is read as a table of rows of s tokens: the local part is computed against
three rows, the strided part inside a column, and one softmax is over both, with a token's own key
taken out of the column. About 4 n^1.5 pairs, a quarter of them masked.

Deviations: the paper's models generate, so theirs is causal; this one looks both ways. It is the
paper's merged head ("Factorized attention heads"), not one pattern for each head or layer. The
weights are held in memory, 4 n^1.5 of each head.

Shapes: `B` samples of n tokens, `R` = ⌈n / s⌉ rows of the table, `H` heads, `d` = D / H.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import pad

from trainables.attention.attention import Attention, Work, mean_clusters, pack
from trainables.attention.by_length import mix_by_length
from trainables.attention.options import AttentionOptions


def stride_of(tokens: int) -> int:
    """Return s for a sample of at least one token."""
    return max(1, round(math.sqrt(tokens)))


class StridedAttention(Attention):
    """Softmax attention over neighbours and every s-th token."""

    @classmethod
    def build(cls, options: AttentionOptions) -> Self:
        """Build it; its stride is each sample's own, and `options.block_size` means nothing."""
        return cls(options.width, options.heads)

    def forward(self, rows: Tensor, lengths: Sequence[int]) -> Tensor:
        """Mix (T, D) rows inside their samples and project: (T, D)."""
        qkv, valid = self.heads_first(self.qkv(rows), lengths)
        mixed: Tensor = self.out(pack(mix_by_length(qkv, lengths, _mix), valid))
        return mixed

    def work(self, rows: Tensor, lengths: Sequence[int]) -> Work:
        """Account for three rows of the table and a column for each of its cells."""
        pairs = 0
        for length in filter(None, lengths):
            stride = stride_of(length)
            depth = -(-length // stride)
            pairs += depth * stride * (3 * stride + depth)
        return Work(
            pairs=pairs,
            flops=self.projection_flops(len(rows)) + 4 * pairs * self.width,
            clusters=mean_clusters([1] * len(lengths), lengths),
        )


def _mix(qkv: Tensor) -> Tensor:
    """Mix (3, B, H, n, d) samples of one length: (B, H, n, d)."""
    tokens = qkv.shape[3]
    stride = stride_of(tokens)
    q, k, v = torch.unflatten(pad(qkv, (0, 0, 0, -tokens % stride)), 3, (-1, stride))
    near, far = _allowed(tokens, stride, qkv.device)
    local = (q @ _beside(k).transpose(-1, -2)).masked_fill(~near, -math.inf)
    strided = (_columns(q) @ _columns(k).transpose(-1, -2)).masked_fill(~far, -math.inf)
    scores = torch.cat([local, _columns(strided)], -1)  # (B, H, R, s, 3s + R)
    weights = (scores / math.sqrt(q.shape[-1])).softmax(-1)
    local, strided = weights[..., : 3 * stride], weights[..., 3 * stride :]
    mixed = local @ _beside(v) + _columns(_columns(strided) @ _columns(v))
    found: Tensor = mixed.flatten(2, 3)[:, :, :tokens]
    return found


def _columns(table: Tensor) -> Tensor:
    """Turn rows of a table into columns and back: (B, H, R, s, x) to (B, H, s, R, x)."""
    return table.transpose(2, 3)


def _beside(table: Tensor) -> Tensor:
    """Join each row with the one before and the one behind: (B, H, R, s, d) to (B, H, R, 3s, d)."""
    wide = pad(table, (0, 0, 0, 0, 1, 1))
    return torch.cat([wide[:, :, :-2], table, wide[:, :, 2:]], 3)


def _allowed(tokens: int, stride: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return (R, s, 3s) bool of the local part and (s, R, R) of the columns.

    Cells behind the sample's end, which are dropped later, see at least the first of their column.
    """
    cell = torch.arange(-(-tokens // stride) * stride, device=device).view(-1, stride)
    beside = cell[:, :1] - stride + torch.arange(3 * stride, device=device)  # (R, 3s)
    beside = beside.unsqueeze(1)
    near = ((beside - cell.unsqueeze(2)).abs() < stride) & (beside >= 0) & (beside < tokens)
    column = cell.T
    far = (column.unsqueeze(1) != column.unsqueeze(2)) & (column < tokens).unsqueeze(1)
    return near, far
