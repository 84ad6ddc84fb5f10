"""Mixing samples of one length at a time, for layouts that depend on the length. No padding.

Shapes: `B` samples, `G` of them of one length n, `N` rows of the longest, `H` heads, `d` = D / H.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def mix_by_length(qkv: Tensor, lengths: Sequence[int], mix: Callable[[Tensor], Tensor]) -> Tensor:
    """Call `mix` once for each length that occurs.

    Args:
        qkv: (3, B, H, N, d) queries, keys and values.
        lengths: Rows of each sample; 0 is skipped.
        mix: From (3, G, H, n, d), n ≥ 1, to (G, H, n, d).

    Returns:
        (B, H, N, d) mixed values, zero behind each sample's end.
    """
    sizes = sorted(set(lengths) - {0})
    if not sizes:
        return qkv[2]
    if len(set(lengths)) == 1:
        return mix(qkv)
    mixed = torch.zeros_like(qkv[2])
    for size in sizes:
        samples = [sample for sample, length in enumerate(lengths) if length == size]
        chosen = torch.tensor(samples, device=qkv.device)
        found = mix(qkv.index_select(1, chosen)[:, :, :, :size])
        mixed[chosen, :, :size] = found.to(mixed.dtype)
    return mixed
