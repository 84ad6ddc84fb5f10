"""Asynchronous multi-objective successive halving: rungs of epochs, of which a share goes on.

Schmucker et al., "Multi-objective Asynchronous Successive Halving", 2021 (arXiv 2106.12639),
section 4, with crowding distance (their NSGA-II variant) within a non-dominated rank. A deviation:
they pause a trial and may promote it later; here it goes on or ends when it reaches the rung.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from joulefront.front import crowding_distances, non_dominated_ranks
from joulefront.spec import Stopping
from joulefront.stopping.aligned import RECENT, at_epochs
from joulefront.stopping.curve import Curve


def successive_halving(
    curve: Curve,
    others: Sequence[Curve],
    finished: NDArray[np.float64],
    settings: Stopping,
) -> bool:
    """Whether the trial is beyond the best 1/`reduction` of those that reached the same rung.

    Rungs lie at `min_epochs` times the powers of `reduction`; at other epochs nobody ends. What
    the curves were at that epoch is compared, wherever they are now. Of n the best n / reduction
    go on, rounded up; ties go on. Beyond `RECENT` others the last ones given are compared.

    A NaN at the rung is not held against anybody: the trial goes on, and is left out of the
    comparison for others. An objective that the trial does not report at the rung at all, neither
    do any others, is not compared.
    """
    epoch = int(curve.epochs[-1])
    if not _is_rung(epoch, settings):
        return False
    points = at_epochs([curve, *others[-RECENT:]], np.array([epoch]))[:, 0]
    points = points[:, ~np.isnan(points).all(axis=0)]
    if points.shape[1] == 0 or np.isnan(points[0]).any():
        return False
    points = points[~np.isnan(points).any(axis=1)]
    ranks = non_dominated_ranks(points)
    peers = ranks == ranks[0]
    crowding = crowding_distances(points[peers])
    better = np.count_nonzero(ranks < ranks[0]) + np.count_nonzero(crowding > crowding[0])
    return bool(better >= -(-len(points) // settings.reduction))


def _is_rung(epoch: int, settings: Stopping) -> bool:
    rung = max(settings.min_epochs, 1)
    while rung < epoch:
        rung *= settings.reduction
    return rung == epoch
