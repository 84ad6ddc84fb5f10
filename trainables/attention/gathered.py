"""Attention of blocks of queries over lists of key blocks that depend on nothing but the length.

Key blocks are gathered for the query blocks that name equally many, and each such group is one
SDPA call, so that the work is O(n · listed keys). A mask inside a group takes out empty slots and
what an exact pattern forbids; those pairs are computed, and accounted for. What depends on the
tokens is not for here.

Shapes: `T` rows, `C` blocks of `L` slots of all samples, `c` blocks of one sample, `G` query blocks
with `m` key blocks each, `D` width, `H` heads, `d` = D / H.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from trainables.attention.attention import Attention, Work, mean_clusters
from trainables.attention.block_layout import BlockLayout, BlockLists


class GatheredAttention(Attention):
    """Softmax attention over the key blocks that a subclass lists.

    Args:
        width: D.
        heads: H, a divisor of D.
        size: L, at least 1.
    """

    def __init__(self, width: int, heads: int, *, size: int) -> None:
        super().__init__(width, heads)
        self.size = size

    @abstractmethod
    def pattern(self, blocks: int) -> Tensor:
        """Return (c, c) bool on the CPU: the key blocks of each query block, its own among them."""

    def allowed(self, queries: Tensor, keys: Tensor) -> Tensor | None:
        """Say which pairs of listed blocks attend, or None for all of them.

        Args:
            queries: (G, L, 1) places in their samples. Those behind a sample's end are dropped
                later, but must see a token of their own block.
            keys: (G, 1, m · L) places.
        """
        return None

    def forward(self, rows: Tensor, lengths: Sequence[int]) -> Tensor:
        """Mix (T, D) rows inside their samples and project: (T, D)."""
        layout = BlockLayout.of(lengths, self.size, rows.device)
        lists = self.lists(layout)
        laid = layout.spread(self.qkv(rows))
        q = _heads(laid[..., : self.width], 1, self.heads)[0]  # (C, H, L, d)
        parts = [q[:0]]
        for queries, keys, _ in lists.split():
            gathered = laid[..., self.width :].index_select(0, keys.flatten())
            k, v = _heads(gathered.view(len(keys), -1, 2 * self.width), 2, self.heads)
            mask = self._mask(layout, queries, keys)
            asked = q.index_select(0, queries)
            parts.append(scaled_dot_product_attention(asked, k, v, attn_mask=mask))
        mixed = layout.collect(lists.join(parts).transpose(1, 2).flatten(2))
        found: Tensor = self.out(mixed)
        return found

    def lists(self, layout: BlockLayout) -> BlockLists:
        """List the key blocks of all samples' query blocks."""
        listed = {count: self.pattern(count).nonzero() for count in set(layout.counts)}
        first, pairs = 0, [torch.zeros(0, 2, dtype=torch.int64)]
        for count in layout.counts:
            pairs.append(listed[count] + first)
            first += count
        queries, keys = torch.cat(pairs).to(layout.places.device).unbind(1)
        return BlockLists.of(queries, keys, first)

    def work(self, rows: Tensor, lengths: Sequence[int]) -> Work:
        """Account for the listed blocks, whole, and the projections."""
        layout = BlockLayout.of(lengths, self.size, torch.device("cpu"))
        pairs = self.lists(layout).pairs * self.size**2
        return Work(
            pairs=pairs,
            flops=self.projection_flops(len(rows)) + 4 * pairs * self.width,
            clusters=mean_clusters([1] * len(lengths), lengths),
        )

    def _mask(self, layout: BlockLayout, queries: Tensor, keys: Tensor) -> Tensor | None:
        """Return what broadcasts to (G, H, L, m · L), True where a query attends to a key."""
        mask = self.allowed(
            layout.places[queries].unsqueeze(2), layout.places[keys].flatten(1).unsqueeze(1)
        )
        if layout.slots is not None:
            there = layout.valid[keys].flatten(1).unsqueeze(1)
            mask = there if mask is None else mask & there
        return None if mask is None else mask.unsqueeze(1)


def _heads(laid: Tensor, parts: int, heads: int) -> Tensor:
    """Turn (G, S, parts · D) into (parts, G, H, S, d)."""
    depth = laid.shape[-1] // (parts * heads)
    return laid.view(*laid.shape[:2], parts, heads, depth).permute(2, 0, 3, 1, 4)
