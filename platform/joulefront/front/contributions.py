"""What each point adds to the hypervolume that no other point adds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from joulefront.front.hypervolume import checked


def hypervolume_contributions(
    points: NDArray[np.float64], reference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Measure by how much the hypervolume would fall without each point, by moocore.

    Args:
        points: Shape (n, m), minimised in every column.
        reference: Shape (m,), finite.

    Returns:
        Shape (n,): 0 for dominated points, for each of several equal ones, and for rows that hold
        a NaN or an infinity or are not smaller than the reference in every column.

    Raises:
        ValueError: The shapes do not fit, or the reference is not finite.
    """
    points, reference = checked(points, reference)
    contributions = np.zeros(len(points))
    counted = np.isfinite(points).all(axis=1) & (points < reference).all(axis=1)
    if counted.any():
        import moocore

        if len(reference) == 1:  # moocore wants two columns: one that multiplies by 1
            points, reference = np.pad(points, ((0, 0), (0, 1))), np.append(reference, 1.0)
        contributions[counted] = moocore.hv_contributions(
            points[counted], ref=reference, ignore_dominated=False
        )
    return contributions
