"""LSPG + CAO: attention over learned blocks, and a learned correction of its weights.

After Alwash et al. 2025 (doi 10.18280/isi.301112), with the faults of the print repaired. A sample
is cut into blocks of L tokens. The learnable sparse pattern generator decides for each head which
key blocks a query block attends to, from the means of the blocks' queries and keys: (n / L)²
scores, where Algorithm 1 scores all n² pairs first. The other blocks are never multiplied, where
the print sets their scores to 0, which softmax still counts.

Pattern (network, estimator and budget are not in the paper). Block j is on for block i with the
probability p = sigmoid(level + near · [|i − j| = 1] + content), where content is the product of
both means, weighted by `direction` and centred over the sample: `level` sets how many blocks are
on, `direction` which. The own block, always on, and those beside it, favoured by `near`, are the
local part; all others are the global one. A query block keeps its round(Σ p) best blocks, in
training as in evaluation, without random draws, so that the share computed is the share expected.
The weights of a kept block carry the factor 1 + p − stop(p): a straight-through gradient, which a
block that is off has not. Means are detached: queries and keys learn from attention only.

Price: `expected_share` is the mean p over the pairs of tokens, and λ × it the loss that the paper's
Eq 2 means. As in SMMT's gate, Adam would normalise λ away, so the parameter named `level` is for
plain SGD with momentum (0.4 and 0.9: half of the blocks are off after about 3 / λ steps); under
Adam at 1e-3 it would take 2,000 steps whatever λ is. All other parameters are for Adam.

Critical attention optimiser. Eq 3, A' = A + β tanh(Φ(A, θ)), is not row-stochastic, may be negative
and refills what was dropped. Here M is A in units of the mean weight of the m keys that reach the
query, A' ∝ max(0, M + β tanh(γ (M − 1))) inside the mask, renormalised, with β = tanh(strength) in
(−1, 1) and γ of each head: β > 0 sharpens, to exact zeros below the mean, and β < 0 flattens.

Weights of blocks that are on are held in memory: with all on, n² of each head. Shapes: `T` rows,
`B` samples, `C` blocks of `L` slots, `c` blocks of the longest sample, `P` pairs of blocks that are
on, `G` query blocks with `m` key blocks each, `H` heads, `d` = D / H.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from trainables.attention.attention import Attention, Work, mean_clusters
from trainables.attention.block_layout import BlockLayout, BlockLists
from trainables.attention.options import AttentionOptions
from trainables.attention.ragged import pad
from trainables.seeding import stream


class Pattern(NamedTuple):
    """What is computed.

    Attributes:
        lists: Key blocks of each query block; block i of head h has the number i · H + h.
        probability: (P,) p of the pairs, in the order of `lists.order`.
        share: () expected share of the pairs of tokens, mean over heads; differentiable.
    """

    lists: BlockLists
    probability: Tensor
    share: Tensor


class LearnedPatternAttention(Attention):
    """Softmax attention over learned blocks, corrected inside them.

    Args:
        width: D.
        heads: H, a divisor of D.
        block: L, at least 1.
        openness: p before the first step of a block that is not beside and of mean content; in
            (0, 1).
    """

    def __init__(self, width: int, heads: int, *, block: int = 64, openness: float = 0.9) -> None:
        super().__init__(width, heads)
        self.block, self.openness = block, openness
        self.level = nn.Parameter(torch.empty(()))
        self.near = nn.Parameter(torch.empty(()))
        self.direction = nn.Parameter(torch.empty(heads, width // heads))
        self.strength = nn.Parameter(torch.empty(heads))
        self.gain = nn.Parameter(torch.empty(heads))
        self.draw(stream(0, "lspg"))

    @classmethod
    def build(cls, options: AttentionOptions) -> Self:
        """Build it with blocks of `options.block_size` tokens."""
        return cls(options.width, options.heads, block=options.block_size)

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Set pattern and optimiser to where they start; they need no chance."""
        self.level.fill_(math.log(self.openness / (1 - self.openness)))
        self.near.fill_(1.0)
        self.direction.fill_(1.0)
        self.strength.fill_(0.1)
        self.gain.fill_(1.0)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the last share behind: tensors with a graph can be neither copied nor pickled."""
        return self.__dict__ | {"expected_share": None}

    def forward(self, rows: Tensor, lengths: Sequence[int]) -> Tensor:
        """Mix (T, D) rows inside their samples and project: (T, D)."""
        layout = BlockLayout.of(lengths, self.block, rows.device)
        q, k, v = self._blocks(rows, layout)
        lists, probability, self.expected_share = self.pattern(q, k, layout)
        gate = 1 + probability - probability.detach()
        there = layout.valid.repeat_interleave(self.heads, 0)  # (C · H, L)
        q, kv = q.flatten(0, 1), torch.cat([k, v], -1).flatten(0, 1)
        parts = [q[:0]]
        for queries, keys, order in lists.split():
            asked, head = q.index_select(0, queries), queries % self.heads
            seen = kv.index_select(0, keys.flatten()).view(len(keys), -1, kv.shape[-1])
            parts.append(self._attend(asked, seen, there[keys], gate[order], head))
        mixed = lists.join(parts).view(-1, self.heads, self.block, q.shape[-1])
        found: Tensor = self.out(layout.collect(mixed.transpose(1, 2).flatten(2)))
        return found

    def pattern(self, q: Tensor, k: Tensor, layout: BlockLayout) -> Pattern:
        """Choose from (C, H, L, d) queries and keys; what is in empty slots must be zero."""
        with torch.autocast(q.device.type, enabled=False):
            rows = layout.valid.sum(1, keepdim=True).to(self.level.dtype)
            means = torch.stack([q, k], 1).detach().to(rows.dtype).sum(3).flatten(1) / rows
            laid, valid = pad(torch.cat([means, rows], 1), layout.counts)
            heads = laid[..., :-1].reshape(*valid.shape, 2, self.heads, q.shape[-1])
            real = (valid.unsqueeze(2) & valid.unsqueeze(1)).unsqueeze(1)  # (B, 1, c, c)
            own = torch.eye(valid.shape[1], dtype=torch.bool, device=q.device)
            scores = self.scores(heads.permute(2, 0, 3, 1, 4), real & ~own)
            probability = self.probability(scores, own) * real
            pairs = laid[..., -1:] * laid[..., -1].unsqueeze(1)  # (B, c, c) of tokens
            share = (probability.mean(1) * pairs).sum() / pairs.sum().clamp(min=1)
        wanted = probability.detach().sum(-1, keepdim=True).round()
        ranked = scores.detach().masked_fill(own, math.inf).masked_fill(~real, -math.inf)
        rank = ranked.argsort(dim=-1, descending=True, stable=True).argsort(-1)
        sample, query, head, key = (rank < wanted).transpose(1, 2).nonzero().unbind(1)
        first = torch.tensor([0, *accumulate(layout.counts)], device=q.device)[sample]
        queries, keys = ((first + place) * self.heads + head for place in (query, key))
        lists = BlockLists.of(queries, keys, len(q) * self.heads)
        return Pattern(lists, probability[sample, head, query, key], share)

    def scores(self, means: Tensor, others: Tensor) -> Tensor:
        """Return (B, H, c, c) log-odds.

        Args:
            means: (2, B, H, c, d) of the blocks' queries and keys.
            others: (B, 1, c, c) bool, pairs of two blocks of the sample.
        """
        content = (means[0] * self.direction.unsqueeze(1)) @ means[1].transpose(-1, -2)
        content = content / math.sqrt(means.shape[-1])
        total = (content * others).sum((2, 3), keepdim=True)
        centred = content - total / others.sum((2, 3), keepdim=True).clamp(min=1)
        place = torch.arange(means.shape[3], device=means.device)
        beside = (place[:, None] - place).abs() == 1
        return centred + self.near * beside + self.level

    def probability(self, scores: Tensor, own: Tensor) -> Tensor:
        """Return p of (B, H, c, c) log-odds, 1 where (c, c) `own` is."""
        return scores.sigmoid().masked_fill(own, 1.0)

    def correct(self, weights: Tensor, keys: Tensor, head: Tensor) -> Tensor:
        """Apply the critical attention optimiser, before its renormalisation.

        Args:
            weights: (G, L, K) softmax; what becomes of keys outside the mask must be dropped.
            keys: (G, 1, 1), how many of the K keys are in the mask.
            head: (G,) int64.
        """
        bend, gain = (one[head].view(-1, 1, 1) for one in (self.strength.tanh(), self.gain))
        lifted = torch.addcmul(-gain, weights, gain * keys).tanh()
        return torch.addcmul(weights, lifted, bend / keys).relu()

    @torch.no_grad()
    def work(self, rows: Tensor, lengths: Sequence[int]) -> Work:
        """Account for the blocks that are on, whole, for the scores and the projections."""
        layout = BlockLayout.of(lengths, self.block, rows.device)
        q, k, _ = self._blocks(rows, layout)
        pairs = self.pattern(q, k, layout).lists.pairs * self.block**2
        scores = 2 * len(lengths) * max(layout.counts, default=0) ** 2 * self.width
        mixing = 2 * pairs * (2 * self.width // self.heads + 1)  # 1: the sum of the weights
        return Work(
            pairs=-(-pairs // self.heads),
            flops=self.projection_flops(len(rows)) + scores + mixing,
            clusters=mean_clusters([1] * len(lengths), lengths),
        )

    def _blocks(self, rows: Tensor, layout: BlockLayout) -> tuple[Tensor, Tensor, Tensor]:
        """Return (C, H, L, d) queries, keys and values, zero in empty slots."""
        laid = torch.unflatten(layout.spread(self.qkv(rows)), -1, (3, self.heads, -1))
        q, k, v = laid.permute(2, 0, 3, 1, 4)
        return q, k, v

    def _attend(self, q: Tensor, kv: Tensor, there: Tensor, gate: Tensor, head: Tensor) -> Tensor:
        """Mix (G, m · L, 2d) keys and values; queries (G, L, d), there (G, m, L), gate (G, m)."""
        (k, v), seen = kv.chunk(2, -1), there.flatten(1).unsqueeze(1)  # (G, 1, K)
        scores = q / math.sqrt(q.shape[-1]) @ k.transpose(1, 2)
        weights = scores.masked_fill(~seen, -math.inf).softmax(-1)
        weights = self.correct(weights, seen.sum(-1, keepdim=True), head)
        mass = (there * gate.unsqueeze(2)).flatten(1).unsqueeze(2).to(v.dtype)  # (G, K, 1)
        mixed = weights @ torch.cat([v * mass, mass], -1)
        return mixed[..., :-1] / mixed[..., -1:]
