"""How probable it is that no other configuration truly dominates one.

Not here: what is reported (reported.py), and what is evaluated next (search/).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from joulefront.front.domination import non_dominated
from joulefront.front.estimates import Estimates

_SURE = 5.0  # standard deviations beyond which a draw is not expected


def membership_probability(
    estimates: Estimates,
    eligible: NDArray[np.bool_] | None = None,
    *,
    draws: int = 256,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Draw the true objectives many times and count how often each configuration is on the front.

    Each draw is normal around `centre` by `spread`, independent between configurations and between
    objectives: errors that all share leave domination as it is.

    Args:
        estimates: Of n configurations.
        eligible: Shape (n,), which may be members and dominate others; all by default.
        draws: How many; the error of a probability p is sqrt(p (1 - p) / draws), at most 0.03.
        seed: Of the draws; equal arguments give equal probabilities.

    Returns:
        Shape (n,): 0 where not eligible or not evaluated. While no error is known, 1 for those that
        none dominates and 0 for the rest.
    """
    centre, spread = estimates.centre, np.nan_to_num(estimates.spread)
    able = ~np.isnan(centre).any(axis=1)
    rows = np.flatnonzero(able if eligible is None else able & eligible)
    probability = np.zeros(len(centre))
    if len(rows) == 0:
        return probability
    best, worst = centre[rows] - _SURE * spread[rows], centre[rows] + _SURE * spread[rows]
    hopeless = (worst[non_dominated(worst)][:, None] < best).all(axis=2).any(axis=0)
    rows = rows[~hopeless]
    noise = np.random.default_rng(seed).standard_normal((draws, len(rows), centre.shape[1]))
    drawn = centre[rows] + spread[rows] * noise
    if centre.shape[1] == 2 and spread[rows].any(axis=1).all():
        probability[rows] = _two_columns(drawn).mean(axis=0)
    else:
        probability[rows] = np.mean([non_dominated(points) for points in drawn], axis=0)
    return probability


def _two_columns(drawn: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Non-domination within each of many clouds at once: (d, n, 2) -> (d, n), no two points equal.

    As in domination.py, by a running minimum along the sorted first column.
    """
    order = np.lexsort((drawn[..., 1], drawn[..., 0]), axis=1)
    seconds = np.take_along_axis(drawn[..., 1], order, axis=1)
    below = np.ones(order.shape, dtype=np.bool_)
    below[:, 1:] = seconds[:, 1:] < np.minimum.accumulate(seconds, axis=1)[:, :-1]
    members = np.empty_like(below)
    np.put_along_axis(members, order, below, axis=1)
    return members
