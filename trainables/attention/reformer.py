"""Reformer attention (Kitaev et al. 2020, arXiv 2001.04451): pairs that a hash brings together.

Queries and keys are shared: a key is its query at unit length. In each round random rotations R
hash a query x to argmax([xR; -xR]); tokens are sorted by (bucket, position) and cut in chunks, and
a token attends to the keys of its bucket in its chunk and the one before. Rounds are merged by
logsumexp. A pair that several rounds find counts once (the first finds it, the authors' second
strategy), so the result is exactly softmax attention over the union of the rounds. A token attends
to itself only when that leaves it nothing else. Not causal, and not reversible layers.

Decided here: n / chunk buckets as the product of two hashes, as in the authors' code for long
sequences, so that hashing is O(n^1.5) and not O(n²); a sample of one chunk has one bucket and one
round, hence dense attention but for itself; chunks of a sample are of one size, at most
`chunk`; the first chunk has none before it (the authors' code wraps around). Scores are divided by
√d. The rotations are drawn once for each head and are state; the authors draw them in each step.

Shapes: `T` rows, `G` samples of one length n, `D` width, `H` heads, `d` = D / H, `R` rounds, `C`
chunks of `L` slots, `W` slots of a chunk and the one before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, pad

from trainables.attention.attention import Attention, Work, mean_clusters, pack
from trainables.attention.by_length import mix_by_length
from trainables.attention.options import AttentionOptions
from trainables.seeding import stream

ITSELF = -1e4  # added to a token's score of itself; half precision holds it, and exp of it is 0
EMPTY = -9  # position and place of an empty slot; far enough from 0 to be in no token's reach


class SharedQueriesKeys(nn.Linear):
    """(T, D) rows to (T, 3D) queries, keys and values; a key is its query at unit length."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, 2 * width)
        self.heads = heads

    def forward(self, rows: Tensor) -> Tensor:
        """Project once for queries and keys, once for values."""
        queries, values = super().forward(rows).chunk(2, dim=-1)
        shape = (len(rows), self.heads, queries.shape[-1] // self.heads)
        keys = normalize(queries.reshape(shape), dim=-1).flatten(1)
        return torch.cat([queries, keys, values], dim=-1)


class Layout(NamedTuple):
    """How a sample is hashed and cut."""

    rounds: int  # R
    factors: tuple[int, int]  # buckets of the two hashes, even or 1
    chunks: int  # C
    size: int  # L
    reach: int  # W


class ReformerAttention(Attention):
    """Softmax attention between tokens that a locality-sensitive hash brings together.

    Args:
        width: D.
        heads: H, a divisor of D.
        tokens: The most tokens expected in a sample; longer ones get no more buckets.
        chunk: The most tokens of a chunk.
        rounds: R.
    """

    rotations: Tensor  # (2, H, R, d, half of the most buckets of one hash)

    def __init__(
        self, width: int, heads: int, *, tokens: int, chunk: int = 64, rounds: int = 4
    ) -> None:
        super().__init__(width, heads)
        self.qkv = SharedQueriesKeys(width, heads)
        self.chunk, self.rounds = chunk, rounds
        half = math.ceil(math.sqrt(tokens / chunk) / 2)
        self.register_buffer("rotations", torch.empty(2, heads, rounds, width // heads, half))
        self.draw(stream(0, "reformer"))

    @classmethod
    def build(cls, options: AttentionOptions) -> Self:
        """Build it with chunks of `options.block_size`."""
        return cls(options.width, options.heads, tokens=options.tokens, chunk=options.block_size)

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Draw the rotations."""
        self.rotations.normal_(generator=generator)

    def projection_flops(self, rows: int) -> int:
        """Return the operations of three projections, since queries and keys share one."""
        return 6 * rows * self.width**2

    def layout(self, tokens: int) -> Layout:
        """Return the layout of a sample with that many tokens, at least 1."""
        chunks = math.ceil(tokens / self.chunk)
        size = math.ceil(tokens / chunks)
        if chunks == 1:
            return Layout(1, (1, 1), 1, size, size)
        most, wanted = 2 * self.rotations.shape[-1], tokens / self.chunk
        first = min(most, max(2, 2 * round(math.sqrt(wanted) / 2)))
        second = min(most, max(1, 2 * round(wanted / first / 2)))
        return Layout(self.rounds, (first, second), chunks, size, 2 * size)

    def forward(self, rows: Tensor, lengths: Sequence[int]) -> Tensor:
        """Mix (T, D) rows inside their samples and project: (T, D)."""
        qkv, valid = self.heads_first(self.qkv(rows), lengths)
        mixed: Tensor = self.out(pack(mix_by_length(qkv, lengths, self._mix), valid))
        return mixed

    def _mix(self, qkv: Tensor) -> Tensor:
        """Mix (3, G, H, n, d)."""
        layout = self.layout(qkv.shape[3])
        with torch.no_grad(), torch.autocast(qkv.device.type, enabled=False):
            buckets = self.buckets(qkv[0], layout)
            order = buckets.argsort(dim=-1, stable=True)  # (G, H, R, n)
            rank = order.argsort(dim=-1)
            penalty = _penalty(buckets, order, rank, layout)
        shape = (*order.shape, qkv.shape[-1])
        queries, keys, values = (_take(part, order.flatten(2)).view(shape) for part in qkv)
        queries = _chunks(queries / math.sqrt(qkv.shape[-1]), layout)
        values = _windows(values, layout).transpose(-1, -2)
        scores = queries @ _windows(keys, layout) + penalty
        mixed = _take((scores.softmax(-1) @ values).flatten(3, 4), rank)
        mass = scores.logsumexp(-1).flatten(3).gather(-1, rank)
        return (mass.softmax(2).unsqueeze(-1) * mixed).sum(2)

    def buckets(self, queries: Tensor, layout: Layout) -> Tensor:
        """Hash (G, H, n, d) queries: (G, H, R, n) int64."""
        points = queries.unsqueeze(2).to(self.rotations.dtype)
        bucket = torch.zeros_like(points[..., 0], dtype=torch.int64).repeat(1, 1, layout.rounds, 1)
        for rotation, count in zip(self.rotations, layout.factors, strict=True):
            if count > 1:
                turned = points @ rotation[..., : count // 2]
                bucket = bucket * count + torch.cat([turned, -turned], -1).argmax(-1)
        return bucket

    def work(self, rows: Tensor, lengths: Sequence[int]) -> Work:
        """Account for hashes, chunks and projections, masked pairs and empty slots included."""
        pairs = hashed = 0
        buckets = []
        for length in lengths:
            layout = self.layout(length) if length else Layout(0, (1, 1), 0, 0, 0)
            pairs += layout.rounds * layout.chunks * layout.size * layout.reach
            columns = sum(count // 2 for count in layout.factors)
            hashed += layout.rounds * length * columns
            buckets.append(math.prod(layout.factors))
        return Work(
            pairs=pairs,
            flops=self.projection_flops(len(rows)) + (4 * pairs + 2 * hashed) * self.width,
            clusters=mean_clusters(buckets, lengths),
        )


def _penalty(buckets: Tensor, order: Tensor, rank: Tensor, layout: Layout) -> Tensor:
    """Return (G, H, R, C, L, W): 0 where a round is the first to find a pair, ITSELF or -inf."""
    place = buckets * (layout.chunks + 1) + rank // layout.size
    found = []
    for number in range(layout.rounds):
        own = order[:, :, number, None].expand(-1, -1, number + 1, -1)
        ahead = _differences(place[:, :, : number + 1].gather(-1, own), layout)
        met = (ahead == 0) | (ahead == 1)  # one bucket, and one chunk or the chunk before
        found.append(met[:, :, -1] & ~met[:, :, :-1].any(2))
    penalty = torch.zeros((), device=order.device).masked_fill(~torch.stack(found, 2), -math.inf)
    return penalty.masked_fill_(_differences(order, layout) == 0, ITSELF)


def _differences(numbers: Tensor, layout: Layout) -> Tensor:
    """Subtract from each slot's number those of its window: (G, H, R, n) to (G, H, R, C, L, W)."""
    column = numbers.unsqueeze(-1).int()
    return _chunks(column, layout, EMPTY) - _windows(column, layout, EMPTY)


def _chunks(rows: Tensor, layout: Layout, fill: int = 0) -> Tensor:
    """Cut (..., n, d) into (..., C, L, d)."""
    spare = layout.chunks * layout.size - rows.shape[-2]
    padded = pad(rows, (0, 0, 0, spare), value=fill)
    return padded.view(*rows.shape[:-2], layout.chunks, layout.size, rows.shape[-1])


def _windows(rows: Tensor, layout: Layout, fill: int = 0) -> Tensor:
    """Lay each chunk of (..., n, d) behind the one before: (..., C, d, W)."""
    spare = layout.chunks * layout.size - rows.shape[-2]
    padded = pad(rows, (0, 0, layout.reach - layout.size, spare), value=fill)
    return padded.unfold(-2, layout.reach, layout.size)


def _take(rows: Tensor, index: Tensor) -> Tensor:
    """Return (..., m, d): of (..., n, d) rows those that (..., m) names."""
    depth = rows.shape[-1]
    start = torch.arange(0, rows[..., 0].numel(), rows.shape[-2], device=index.device)
    flat = (index.flatten(0, -2) + start[:, None]).flatten()
    return rows.reshape(-1, depth).index_select(0, flat).view(*index.shape, depth)
