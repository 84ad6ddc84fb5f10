"""Packed rows laid out in blocks of one size, and lists of the blocks that each block attends to.

No block holds rows of two samples; a sample's last block may have empty slots. A query block names
its key blocks, each once, so that no key counts twice. Nothing is attended to here.

Shapes: `T` rows of all samples, `C` blocks of `L` slots of all samples, `P` pairs of a query block
and a key block, `G` query blocks with `m` key blocks each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor

from trainables.attention.ragged import sample_of_rows

MOST_PAIRS = 4096  # of blocks that are gathered at once: 70 MB of weights of blocks of 64


class BlockLayout(NamedTuple):
    """Where the rows are.

    Attributes:
        counts: Blocks of each sample; they add up to C.
        slots: (T,) int64, the slot of each row among C · L; None where row t is in slot t.
        places: (C, L) int64, each slot's place in its sample.
        valid: (C, L) bool, True where a row is.
    """

    counts: tuple[int, ...]
    slots: Tensor | None
    places: Tensor
    valid: Tensor

    @classmethod
    def of(cls, lengths: Sequence[int], size: int, device: torch.device) -> Self:
        """Lay samples of these lengths out in blocks of `size` slots, made on the host."""
        host = torch.device("cpu")
        counts, rows = [-(-length // size) for length in lengths], torch.tensor(lengths)
        first = torch.tensor(counts).cumsum(0) - torch.tensor(counts)  # block of each sample
        sample = sample_of_rows(counts, host)
        block = torch.arange(sum(counts)) - first[sample]
        places = block[:, None] * size + torch.arange(size)
        valid = places < rows[sample, None]
        slots = None if bool(valid.all()) else valid.flatten().nonzero().squeeze(1).to(device)
        return cls(tuple(counts), slots, places.to(device), valid.to(device))

    def spread(self, rows: Tensor) -> Tensor:
        """Lay (T, X) rows out: (C, L, X), zero in empty slots."""
        shape = (*self.places.shape, rows.shape[-1])
        if self.slots is None:
            return rows.view(shape)
        empty = rows.new_zeros(self.places.numel(), rows.shape[-1])
        return empty.index_copy(0, self.slots, rows).view(shape)

    def collect(self, laid: Tensor) -> Tensor:
        """Return the (T, X) rows of (C, L, X)."""
        rows = laid.reshape(-1, laid.shape[-1])
        return rows if self.slots is None else rows.index_select(0, self.slots)


class BlockLists(NamedTuple):
    """Which key blocks each query block is computed with.

    Attributes:
        queries: (C,) int64, all query blocks, those with fewest key blocks first.
        keys: (P,) int64, the key blocks of the first query block, of the second, …
        order: (P,) int64, where among the pairs that were given each of `keys` was.
        groups: (query blocks G, key blocks of each m) in that order.
    """

    queries: Tensor
    keys: Tensor
    order: Tensor
    groups: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, queries: Tensor, keys: Tensor, blocks: int) -> Self:
        """Group (P,) pairs of a query and a key block; each of C = `blocks` queries has a pair."""
        counts = torch.bincount(queries, minlength=blocks)
        by_count = torch.argsort(counts, stable=True)
        rank = torch.empty_like(by_count)
        rank[by_count] = torch.arange(blocks, device=queries.device)
        order = torch.argsort(rank[queries], stable=True)
        sizes, found = torch.unique_consecutive(counts[by_count], return_counts=True)
        groups = zip(found.tolist(), sizes.tolist(), strict=True)
        return cls(by_count, keys[order], order, tuple(groups))

    @property
    def pairs(self) -> int:
        """P."""
        return sum(blocks * count for blocks, count in self.groups)

    def split(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield (G,) query blocks, their (G, m) key blocks and those pairs' (G, m) order.

        A group comes in parts of at most MOST_PAIRS pairs, which bounds what is held at once.
        """
        first_query = first_pair = 0
        for blocks, count in self.groups:
            step = max(1, MOST_PAIRS // count)
            for done in range(0, blocks, step):
                queries = self.queries[first_query + done :][: min(step, blocks - done)]
                pairs = slice(first_pair + done * count, first_pair + (done + len(queries)) * count)
                shape = (len(queries), count)
                yield queries, self.keys[pairs].view(shape), self.order[pairs].view(shape)
            first_query, first_pair = first_query + blocks, first_pair + blocks * count

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        """Put (G, …) results of the groups back in the order of the blocks: (C, …)."""
        mixed = torch.cat(list(parts))
        return torch.zeros_like(mixed).index_copy(0, self.queries, mixed)
