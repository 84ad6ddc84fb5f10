"""What many curves were at the same epochs: the only way in which curves may be compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from joulefront.stopping.curve import Curve

RECENT = 512
"""So many other curves, the last ones given, are looked at: a decision's time has a bound."""


def at_epochs(curves: Sequence[Curve], epochs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Objectives of each curve at each of some epochs.

    Args:
        curves: n of them, of m objectives each.
        epochs: Shape (k,), rising.

    Returns:
        Shape (n, k, m); NaN where a curve has no report of that epoch. Without curves m = 0.
    """
    if not curves:
        return np.empty((0, len(epochs), 0))
    reported = np.concatenate([curve.epochs for curve in curves])
    objectives = np.concatenate([curve.objectives for curve in curves])
    owners = np.repeat(np.arange(len(curves)), [len(curve.epochs) for curve in curves])
    places = np.searchsorted(epochs, reported).clip(max=len(epochs) - 1)
    wanted = epochs[places] == reported
    table = np.full((len(curves), len(epochs), objectives.shape[1]), np.nan)
    table[owners[wanted], places[wanted]] = objectives[wanted]
    return table
