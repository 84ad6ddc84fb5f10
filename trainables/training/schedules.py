"""The learning rate over a training: a pure function of the step, so that it is never stored.

- constant: 1.
- cosine: (1 + cos πx) / 2 (Loshchilov & Hutter 2017, arXiv 1608.03983, without restarts).
- linear: 1 - x.
- polynomial: (1 - x)^0.9, as in ADDFormer's public code.

x runs from 0 at the end of the warm-up to 1 behind the last step.
"""

from __future__ import annotations

import math
from collections.abc import Callable

_SHAPES: dict[str, Callable[[float], float]] = {
    "constant": lambda x: 1.0,
    "cosine": lambda x: (1 + math.cos(math.pi * x)) / 2,
    "linear": lambda x: 1 - x,
    "polynomial": lambda x: (1 - x) ** 0.9,
}


def rate_factor(step: int, steps: int, schedule: str, warmup_share: float = 0.0) -> float:
    """Return what the peak learning rate is multiplied by, in (0, 1].

    Args:
        step: From 0 to steps - 1.
        steps: Of the whole training.
        schedule: A name from above.
        warmup_share: Share of the steps in which the rate rises linearly; its last one has 1.
    """
    rising = round(warmup_share * steps)
    if step < rising:
        return (step + 1) / rising
    return _SHAPES[schedule]((step - rising) / (steps - rising))
