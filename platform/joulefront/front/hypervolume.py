"""The volume that a set of points dominates, up to a reference point.

Not here: the choice of the reference point (results/ makes it and says what it took), and
approximations for many objectives.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from joulefront.front.domination import as_points, non_dominated


def hypervolume(points: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """Measure what the points dominate within the box below the reference point.

    Two columns are summed as rectangles of the sorted front; three and more are done by moocore
    (dimension sweep; Fonseca, Paquete & Lopez-Ibanez, CEC 2006).

    Args:
        points: Shape (n, m), minimised in every column. A row with a NaN, and one that is not
            smaller than the reference in every column, adds nothing.
        reference: Shape (m,), finite.

    Returns:
        The volume in the product of the columns' units: 0.0 without points, infinite if a
        counted row holds -inf.

    Raises:
        ValueError: The shapes do not fit, or the reference is not finite.
    """
    points, reference = checked(points, reference)
    points = points[(points < reference).all(axis=1)]
    if len(points) == 0:
        return 0.0
    if np.isneginf(points).any():
        return float("inf")
    if points.shape[1] == 1:
        return float(reference[0] - points.min())
    if points.shape[1] == 2:
        front = points[non_dominated(points)]
        front = front[np.argsort(front[:, 0])]
        ceilings = np.concatenate([reference[1:], front[:-1, 1]])
        return float(((reference[0] - front[:, 0]) * (ceilings - front[:, 1])).sum())
    import moocore

    return float(moocore.hypervolume(points, ref=reference))


def hypervolume_history(
    points: NDArray[np.float64], reference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Measure the hypervolume after each point, in the order given.

    With two columns each point adds the part that is its own, O(n log n + n·front) in all; with
    more, the volume is measured anew after each point that the earlier ones do not dominate.

    Args:
        points: Shape (n, m), minimised; rows that count for nothing as in `hypervolume`.
        reference: Shape (m,), finite.

    Returns:
        Shape (n,), never decreasing; element k belongs to the first k + 1 points.

    Raises:
        ValueError: The shapes do not fit, or the reference is not finite.
    """
    points, reference = checked(points, reference)
    history = np.zeros(len(points))
    inside = np.asarray((points < reference).all(axis=1))
    infinite = np.flatnonzero(inside & np.isneginf(points).any(axis=1))
    if len(infinite):
        history[infinite[0] :] = np.inf
        inside[infinite[0] :] = False
    counted = np.flatnonzero(inside)
    if points.shape[1] == 2:
        history[counted] = _own_rectangles(points[counted], reference)
    else:
        history[counted] = _measured_anew(points[counted], reference)
    return np.maximum.accumulate(history)


def checked(
    points: NDArray[np.float64], reference: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of shape (n, m) and a finite reference of shape (m,), or a ValueError."""
    points, reference = as_points(points), np.asarray(reference, dtype=np.float64)
    if reference.shape != (points.shape[1],):
        raise ValueError(
            f"reference must have length {points.shape[1]}, but has shape {reference.shape}"
        )
    if not np.isfinite(reference).all():
        raise ValueError(f"reference must be finite, but is {reference.tolist()}")
    return points, reference


def _own_rectangles(
    points: NDArray[np.float64], reference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Running hypervolume of finite (n, 2) points below the reference, by each point's own part.

    `firsts` rises and `seconds` falls: together they are the front so far.
    """
    firsts: list[float] = []
    seconds: list[float] = []
    right_end, ceiling = reference.tolist()
    history, volume = np.empty(len(points)), 0.0
    for index, (first, second) in enumerate(points.tolist()):
        at = bisect_left(firsts, first)
        top = seconds[at - 1] if at else ceiling
        end, left = at, first
        while top > second and end < len(firsts) and seconds[end] >= second:
            volume += (firsts[end] - left) * (top - second)
            left, top, end = firsts[end], seconds[end], end + 1
        right = firsts[end] if end < len(firsts) else right_end
        volume += (right - left) * max(top - second, 0.0)
        if end > at or top > second:
            firsts[at:end], seconds[at:end] = [first], [second]
        history[index] = volume
    return history


def _measured_anew(
    points: NDArray[np.float64], reference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Running hypervolume of finite (n, m) points below the reference."""
    front = points[:0]
    history, volume = np.empty(len(points)), 0.0
    for index, point in enumerate(points):
        if not (front <= point).all(axis=1).any():
            front = np.vstack([front[~(point <= front).all(axis=1)], point])
            volume = hypervolume(front, reference)
        history[index] = volume
    return history
