"""What several fronts, such as those of one study with several seeds, reach at least so often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def attainment_surfaces(
    fronts: Sequence[NDArray[np.float64]], percentiles: Sequence[float] = (25.0, 50.0, 75.0)
) -> list[NDArray[np.float64]]:
    """Find the surfaces that a share of the fronts attains: dominates, or touches.

    By moocore's empirical attainment function (Fonseca, Guerreiro, Lopez-Ibanez & Paquete, EMO
    2011), for two and three objectives.

    Args:
        fronts: Each of shape (n, m), minimised and finite; the same m of 2 or 3 throughout.
        percentiles: Of the fronts, above 0 and up to 100. A small one is reached by few fronts.

    Returns:
        For each percentile the corners of its surface, shape (k, m), ordered by the first
        objective; k = 0 where too few fronts have points.

    Raises:
        ValueError: There is no front, a percentile is out of range, or a front is not finite or
            has another number of columns.
    """
    widths = {front.shape[1:] for front in fronts}
    if len(widths) != 1 or not widths <= {(2,), (3,)}:
        raise ValueError(f"fronts must have shape (n, m) with one m of 2 or 3, but got {widths}")
    if not all(0 < percentile <= 100 for percentile in percentiles):
        raise ValueError(f"percentiles must be above 0 and up to 100, but got {percentiles}")
    points = np.concatenate(fronts)
    if not np.isfinite(points).all():
        raise ValueError("fronts must be finite")
    filled = [front for front in fronts if len(front)]
    # Empty fronts attain nothing: of the others a larger share is asked for.
    shares = [percentile * len(fronts) / max(len(filled), 1) for percentile in percentiles]
    surfaces = [points[:0] for _ in percentiles]
    for index, share in enumerate(shares):
        if filled and share <= 100:
            import moocore

            sets = np.repeat(np.arange(len(filled)), [len(front) for front in filled])
            corners = moocore.eaf(points, sets=sets, percentiles=[share])[:, :-1]
            surfaces[index] = corners[np.argsort(corners[:, 0], kind="stable")]
    return surfaces
