"""How long fronts and hypervolumes take, and how long the obvious algorithms would.

In CPU seconds of all threads, which a busy machine does not lengthen much.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from joulefront.front import hypervolume, non_dominated

_ROUNDS = 5
_FRONT_POINTS, _VOLUME_POINTS = 1_000_000, 100_000
_FEW = 2_000  # that the obvious algorithms can do, whose cost is known to grow with the square

Points = NDArray[np.float64]


def measure() -> list[dict[str, Any]]:
    """Take the time of both, several times each, on points that nobody has seen before."""
    rows = []
    for round_ in range(_ROUNDS):
        rng = np.random.default_rng(round_)
        cloud = rng.random((_FRONT_POINTS, 2))
        rows.append(_row("front_speed", "platform", _seconds(non_dominated, cloud), round_))
        square = _seconds(_all_pairs, cloud[:_FEW]) * (_FRONT_POINTS / _FEW) ** 2
        rows.append(_row("front_speed", "all pairs", square, round_))
        cloud = rng.random((_VOLUME_POINTS, 3))
        seconds = _seconds(partial(hypervolume, reference=np.ones(3)), cloud)
        rows.append(_row("hypervolume_speed", "platform", seconds, round_))
        square = _seconds(_slices, cloud[:_FEW]) * (_VOLUME_POINTS / _FEW) ** 2
        rows.append(_row("hypervolume_speed", "slices", square, round_))
    return rows


def _row(situation: str, variant: str, seconds: float, round_: int) -> dict[str, Any]:
    return {"situation": situation, "variant": variant, "seconds": seconds, "round": round_}


def _seconds(function: Callable[[Points], Any], points: Points) -> float:
    began = time.process_time()
    function(points)
    return time.process_time() - began


def _all_pairs(points: Points) -> NDArray[np.bool_]:
    return np.array([not (points < point).all(axis=1).any() for point in points])


def _slices(points: Points) -> float:
    """Add up areas between one point's third objective and the next one's, up to 1."""
    points = points[np.argsort(points[:, 2])]
    heights = np.diff(np.append(points[:, 2], 1.0))
    reference = np.ones(2)
    return math.fsum(
        hypervolume(points[: k + 1, :2], reference) * height for k, height in enumerate(heights)
    )
