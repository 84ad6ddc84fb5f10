"""Floating-point operations of torch code, counted with what torch 2.13 leaves out on a CPU.

`FlopCounterMode` has no formula for scaled-dot-product attention on a CPU and counts it as zero
(pytorch#195460); the two operators, forward and backward, are registered here. Matrix products,
convolutions and attention are counted, K-Means' products of points and centroids too. Norms,
softmax, minima and sorting are not, so CPU time belongs next to these numbers. A counted step takes
up to four times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils import flop_counter

_FORMULAS: Any = flop_counter  # torch leaves its formulas untyped


class FlopCounter(flop_counter.FlopCounterMode):
    """Count operations while it is entered; `get_total_flops()` gives their number."""

    def __init__(self) -> None:
        super().__init__(
            display=False,
            custom_mapping={
                torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
                torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: (
                    _attention_backward
                ),
            },
        )


def count_flops(work: Callable[[], object]) -> int:
    """Run `work` once and return its floating-point operations, backward passes included."""
    with FlopCounter() as counter:
        work()
    return int(counter.get_total_flops())


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return int(_FORMULAS.sdpa_flop_count(query, key, value))


def _attention_backward(gradient: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return int(_FORMULAS.sdpa_backward_flop_count(gradient, query, key, value))
