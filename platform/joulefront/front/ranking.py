"""The order of points by non-domination and by how lonely they are.

Deb, Pratap, Agarwal & Meyarivan (NSGA-II), IEEE Trans. Evolutionary Computation 6(2), 2002.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from joulefront.front.domination import as_points, in_order


def non_dominated_ranks(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rank points by the front that they are on: 0, then 1 once front 0 is taken away, and so on.

    By moocore: O(n log n) for two columns (Jensen, IEEE Trans. Evolutionary Computation 7(5),
    2003), front by front for more.

    Args:
        points: Shape (n, m), minimised in every column; infinities order as usual.

    Returns:
        Shape (n,). Equal points share a rank; rows with a NaN share the one after all others.
    """
    points = as_points(points)
    usable = ~np.isnan(points).any(axis=1)
    ranks = np.zeros(len(points), dtype=np.int64)
    if usable.any():
        import moocore

        ranks[usable] = moocore.pareto_rank(in_order(points[usable]))
        ranks[~usable] = ranks.max() + 1
    return ranks


def crowding_distances(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure how far apart the neighbours of each point are, summed over the columns.

    Args:
        points: Shape (n, m), finite, of one front.

    Returns:
        Shape (n,), in units of each column's range; infinite at the ends of a column, of which
        equal values take the places in the order given.
    """
    points = as_points(points)
    distances = np.zeros(len(points))
    for column in points.T:
        order = np.argsort(column, kind="stable")
        ordered = column[order]
        gaps = np.full(len(points), np.inf)
        span = np.ptp(ordered) if len(points) else 0.0
        gaps[1:-1] = (ordered[2:] - ordered[:-2]) / (span or 1.0)
        distances[order] += gaps
    return distances
