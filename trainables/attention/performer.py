"""Performer attention (Choromanski et al. 2021, arXiv 2009.14794): softmax by random features.

FAVOR+: exp(q · k / √d) is the mean over orthogonal Gaussian ω of φ(q) φ(k), with positive
φ(x) = exp(ω · x - ‖x‖² / 2) / √m at x = q / d^¼ or k / d^¼, so that D⁻¹ φ(Q) (φ(K)ᵀ V) is softmax
attention, nearly, and linear in n. Not low rank in the sequence: nothing here depends on positions.

How it is computed: with z_f = log Σ_j φ_f(k_j), that product equals softmax_f(log φ_f(q) + z_f)
times softmax_j(log φ_f(k_j))ᵀ V, where ‖q‖², √m and every stabiliser cancel. It can neither
overflow nor divide by zero, so the public code's ε, which changes the result, is left out.

Deviation: ω is drawn once and is state; the public code draws it anew every 1,000 steps.

Shapes: `T` rows, `B` samples, `N` rows of the longest, `D` width, `H` heads, `d` = D / H,
`m` features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from trainables.attention.attention import Attention, Work, mean_clusters, pack
from trainables.attention.options import AttentionOptions
from trainables.seeding import stream


class PerformerAttention(Attention):
    """Softmax attention through positive orthogonal random features.

    Args:
        width: D.
        heads: H, a divisor of D.
        features: m; None = d ln d, the paper's order (theorem 4), and 64 at least.
    """

    omega: Tensor  # (m, d), shared by the heads

    def __init__(self, width: int, heads: int, *, features: int | None = None) -> None:
        super().__init__(width, heads)
        depth = width // heads
        self.features = features or max(64, round(depth * math.log(depth)))
        self.register_buffer("omega", torch.empty(self.features, depth))
        self.draw(stream(0, "performer"))

    @classmethod
    def build(cls, options: AttentionOptions) -> Self:
        """Build it with the default number of features."""
        return cls(options.width, options.heads)

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Draw ω: orthogonal directions, d at a time, with the lengths of Gaussian vectors."""
        for block in torch.split(self.omega, self.omega.shape[1]):
            lengths = torch.empty_like(block).normal_(generator=generator).norm(dim=1, keepdim=True)
            nn.init.orthogonal_(block, generator=generator)
            block.mul_(lengths)

    def forward(self, rows: Tensor, lengths: Sequence[int]) -> Tensor:
        """Mix (T, D) rows inside their samples and project: (T, D)."""
        (q, k, v), valid = self.heads_first(self.qkv(rows), lengths)
        scale = q.shape[-1] ** -0.25
        log_q = q * scale @ self.omega.T  # (B, H, N, m)
        log_k = k * scale @ self.omega.T - (k * scale).square().sum(-1, keepdim=True) / 2
        absent = ~valid[:, None, :, None]
        log_k = log_k.masked_fill(absent, torch.finfo(log_k.dtype).min)
        summary = log_k.softmax(-2).transpose(-1, -2) @ v  # (B, H, m, d)
        weights = (log_q + log_k.logsumexp(-2, keepdim=True)).softmax(-1)
        mixed: Tensor = self.out(pack(weights @ summary, valid))
        return mixed

    def work(self, rows: Tensor, lengths: Sequence[int]) -> Work:
        """Account for features of queries and keys, their summary and its use, with padding."""
        pairs = len(lengths) * max(lengths, default=0) * self.features
        return Work(
            pairs=pairs,
            flops=self.projection_flops(len(rows)) + 8 * pairs * self.width,
            clusters=mean_clusters([1] * len(lengths), lengths),
        )
