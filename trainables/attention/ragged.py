"""Samples of unequal length, packed: the rows of all samples one after the other, no padding.

Shapes: `T` rows of all samples together, `B` samples, `N` rows of the longest sample, `D` width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Ragged(NamedTuple):
    """Tokens of B samples.

    Attributes:
        rows: (T, D) tokens, sample after sample.
        lengths: Tokens of each sample, 0 where it has none; they add up to T.
    """

    rows: Tensor
    lengths: tuple[int, ...]


def sample_of_rows(lengths: Sequence[int], device: torch.device) -> Tensor:
    """Return (T,) int64: the sample that each row belongs to."""
    counts = torch.tensor(lengths, device=device)
    return torch.repeat_interleave(torch.arange(len(lengths), device=device), counts)


def pad(rows: Tensor, lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Lay rows out by sample.

    Returns:
        (B, N, D) rows with zeros behind each sample's end, and (B, N) bool, True where a row is.
    """
    longest = max(lengths, default=0)
    counts = torch.tensor(lengths, device=rows.device)
    valid = torch.arange(longest, device=rows.device) < counts[:, None]
    if all(length == longest for length in lengths):
        return rows.view(len(lengths), longest, rows.shape[-1]), valid
    padded = rows.new_zeros(len(lengths), longest, rows.shape[-1])
    padded[valid] = rows
    return padded, valid
