"""Which configuration to evaluate once more, so that the front can be trusted.

Not here: when to do so instead of proposing another, and on which fold (launch/ decides that).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from joulefront.front import Estimates


def next_replicate(
    estimates: Estimates,
    probability: NDArray[np.float64],
    counts: NDArray[np.int64],
    *,
    most: int,
) -> int | None:
    """Choose the configuration whose next replicate makes what will be reported surest.

    The (n + 1)th replicate takes s² / (n (n + 1)) off the variance of a mean, and it matters by the
    probability that the configuration is reported at all. So what looks best is checked first, and
    what drops by it gives way to the next.

    Args:
        estimates: Of n configurations.
        probability: Shape (n,), by `membership_probability`; 0 for those that are not eligible.
        counts: Shape (n,), replicates begun so far, those that still run included.
        most: Most replicates of one configuration, folds × seeds.

    Returns:
        Its row, the first of equal ones; None where all that may be members have `most`
        replicates, or where replicates were found not to differ.
    """
    worth = np.where(counts < most, probability / np.maximum(counts * (counts + 1), 1), 0.0)
    if not (worth > 0).any() or (estimates.spread[worth > 0] == 0).all():
        return None
    return int(worth.argmax())
