"""What attention computes in a forward pass, by its own account: `Attention.work`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from torch import Tensor, nn

from trainables.attention.attention import Attention, Work


def attention_costs(
    attentions: Sequence[Attention], forward: Callable[[], object]
) -> dict[str, float]:
    """Account for what these attentions compute in `forward`.

    Returns:
        clusters_effective: Clusters of a sample, mean over the attentions; 1 if it was dense.
        attention_pairs_share: Pairs computed over those of dense attention, Σ n²; above 1 where
            padding is computed too. Both are NaN if no attention was given a row.
    """
    works: list[Work] = []
    dense = 0

    def account(module: nn.Module, inputs: tuple[Tensor, tuple[int, ...]], _: Any) -> None:
        nonlocal dense
        rows, lengths = inputs
        if isinstance(module, Attention) and len(rows):
            works.append(module.work(rows, lengths))
            dense += sum(length**2 for length in lengths)

    hooks = [attention.register_forward_hook(account) for attention in attentions]
    forward()
    for hook in hooks:
        hook.remove()
    unknown = float("nan")
    return {
        "clusters_effective": fmean(work.clusters for work in works) if works else unknown,
        "attention_pairs_share": sum(work.pairs for work in works) / dense if works else unknown,
    }
