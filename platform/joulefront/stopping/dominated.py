"""Ends a trial whose best imaginable end is worse than what the study has already."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from joulefront.spec import Stopping
from joulefront.stopping.curve import Curve
from joulefront.stopping.projection import project


def dominated(
    curve: Curve,
    others: Sequence[Curve],
    finished: NDArray[np.float64],
    settings: Stopping,
) -> bool:
    """Whether a finished configuration dominates even the optimistic projection of `curve`.

    An objective that cannot be judged before the end, or of a curve that has no finished one to
    compare with, is -inf there, and a trial with such an objective is never ended.
    """
    optimistic = project(curve, others).optimistic
    if not np.isfinite(optimistic).all():
        return False
    at_most = (finished <= optimistic).all(axis=1)
    return bool((at_most & (finished < optimistic).any(axis=1)).any())
