"""Which points no other point dominates.

Not here: directions (the caller turns every objective into one to be minimised), and the question
which trials may take part at all (results/ decides that).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MANY, _SAMPLE = 4096, 1024


def as_points(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points as a float64 array of shape (n, m) with m >= 1.

    Raises:
        ValueError: The array has not two dimensions, or no columns.
    """
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"points must have shape (n, m) with m >= 1, but got {array.shape}")
    return array


def non_dominated(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mark the points that no other point dominates.

    A point dominates another if it is at most as large in every column and smaller in at least
    one. Equal points do not dominate each other, so all duplicates of a member are members.

    Two columns are done by one sort and a running minimum, O(n log n), of what a sample does not
    already dominate; three and more by moocore (Kung, Luccio & Preparata, JACM 22, 1975).

    Args:
        points: Shape (n, m), minimised in every column. Infinities order as usual: -inf is the
            best value there is, +inf the worst, and a row with +inf is a member only where
            nothing dominates it.

    Returns:
        Shape (n,). A row with a NaN is never a member and dominates nothing; n = 0 gives an
        empty array.

    Raises:
        ValueError: `points` has not the shape (n, m) with m >= 1.
    """
    points = as_points(points)
    members = np.zeros(len(points), dtype=np.bool_)
    usable = np.flatnonzero(~np.isnan(points).any(axis=1))
    if len(usable) == 0:
        return members
    points = points[usable]
    if points.shape[1] == 1:
        members[usable] = points[:, 0] == points[:, 0].min()
    elif points.shape[1] == 2:
        if len(points) > _MANY:
            hopeful = ~_beaten_by(points[:: len(points) // _SAMPLE], points)
            usable, points = usable[hopeful], points[hopeful]
        members[usable] = _two_columns(points)
    else:
        members[usable] = _many_columns(points)
    return members


def _beaten_by(sample: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which (n, 2) points one of the sample dominates with a smaller first column; no NaN."""
    front = sample[_two_columns(sample)]
    front = front[np.argsort(front[:, 0])]
    floor = np.concatenate([[np.inf], front[:, 1]])
    before = np.searchsorted(front[:, 0], points[:, 0], side="left")
    beaten: NDArray[np.bool_] = (before > 0) & (floor[before] <= points[:, 1])
    return beaten


def _two_columns(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Non-domination of (n, 2) points without NaN, n >= 1.

    Sorted by the first column, then by the second, a distinct point is dominated exactly if an
    earlier one is at most as large in the second column.
    """
    order = np.lexsort((points[:, 1], points[:, 0]))
    ordered = points[order]
    first_of_its_kind = np.ones(len(points), dtype=np.bool_)
    first_of_its_kind[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    seconds = ordered[first_of_its_kind, 1]
    distinct = np.ones(len(seconds), dtype=np.bool_)
    distinct[1:] = seconds[1:] < np.minimum.accumulate(seconds)[:-1]
    members = np.empty(len(points), dtype=np.bool_)
    members[order] = distinct[np.cumsum(first_of_its_kind) - 1]
    return members


def _many_columns(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Non-domination of (n, m) points without NaN by moocore, which is only loaded here.

    Infinities are taken out by order, which is all that domination knows.
    """
    import moocore

    if np.isinf(points).any():
        points = in_order(points)
    members: NDArray[np.bool_] = moocore.is_nondominated(points, keep_weakly=True)
    return members


def in_order(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The place of each value in its column, equal ones sharing theirs: finite, (n, m), no NaN."""
    columns = [np.unique(column, return_inverse=True)[1] for column in points.T]
    return np.stack(columns, axis=1).astype(np.float64)
