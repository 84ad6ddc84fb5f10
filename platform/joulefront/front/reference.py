"""The point from which a hypervolume is measured, chosen from what has been measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MARGIN = 0.1


def reference_point(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the worst value of each objective, and 10 % of the range beyond.

    The range is between the best and the worst value (|worst| where they are equal, and 1 where
    that is zero), after Ishibuchi et al., Evolutionary Computation 26(3), 2018: a reference on the
    worst value itself would give the ends of the front no volume.

    Args:
        points: Shape (n, m), n ≥ 1, minimised and finite.

    Returns:
        Shape (m,).
    """
    worst, best = points.max(axis=0), points.min(axis=0)
    spread = np.where(worst > best, worst - best, np.abs(worst))
    return np.asarray(worst + _MARGIN * np.where(spread > 0, spread, 1.0))
