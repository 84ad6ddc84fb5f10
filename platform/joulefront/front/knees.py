"""Rules that pick one member of a front. They disagree: whoever prints a pick prints its rule.

Each takes the front, shape (n, m), minimised and finite, n >= 1, and returns the index of a member,
the first of equal ones. Every objective is brought to 0 at its best and 1 at its worst value on the
front, so that units do not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from joulefront.front.contributions import hypervolume_contributions
from joulefront.front.domination import as_points


def chord(front: NDArray[np.float64]) -> int:
    """Pick the member farthest below the line, or plane, through the ends (Das, 1999).

    Structural Optimization 18, 107-115. Where the ends are the unit points, that is the member with
    the smallest sum of objectives.
    """
    return int(_scaled(front).sum(axis=1).argmin())


def utopia(front: NDArray[np.float64]) -> int:
    """Pick the member nearest to the point that is best in everything (Yu, 1973; p = 2).

    Management Science 19(8), 936-946.
    """
    return int(np.square(_scaled(front)).sum(axis=1).argmin())


def contribution(front: NDArray[np.float64]) -> int:
    """Pick the member that adds most hypervolume of its own (Beume, Naujoks & Emmerich, 2007).

    European J. Operational Research 181(3), 1653-1669. The reference lies 10 % beyond the worst
    values, as the study's.
    """
    scaled = _scaled(front)
    return int(hypervolume_contributions(scaled, np.full(scaled.shape[1], 1.1)).argmax())


KNEES: Mapping[str, Callable[[NDArray[np.float64]], int]] = {
    "chord": chord,
    "contribution": contribution,
    "utopia": utopia,
}


def _scaled(front: NDArray[np.float64]) -> NDArray[np.float64]:
    front = as_points(front)
    if len(front) == 0 or not np.isfinite(front).all():
        raise ValueError("a knee needs a front of at least one member with finite objectives")
    span = np.ptp(front, axis=0)
    return np.asarray((front - front.min(axis=0)) / np.where(span > 0, span, 1.0))
