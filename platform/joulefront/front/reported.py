"""Which configurations a study reports as its front."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from joulefront.front.domination import non_dominated
from joulefront.front.estimates import Estimates

_LIKELY = 0.5


def reported_members(
    estimates: Estimates, probability: NDArray[np.float64], eligible: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Mark the configurations that make up the front.

    Where all eligible configurations have equally many replicates, they are those whose means no
    other's mean dominates. Where replicates were spent on some, only those that are more likely
    members than not are left, or the likeliest alone where there is none; of these, again, those
    whose means none dominates.

    Args:
        estimates: Of n configurations.
        probability: Shape (n,), by `membership_probability` among the same `eligible`.
        eligible: Shape (n,), which may be members.

    Returns:
        Shape (n,); with at least one member where an eligible configuration was evaluated.
    """
    chosen = eligible & (estimates.count > 0)
    if len(np.unique(estimates.count[chosen])) > 1:
        chosen &= probability >= min(_LIKELY, float(probability[chosen].max()))
    return non_dominated(np.where(chosen[:, None], estimates.mean, np.nan))
