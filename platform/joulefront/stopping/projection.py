"""Where a curve will end: bounds from its own course and from curves that have ended.

No law of learning curves is assumed. What a curve still has to gain is bounded by what finished
curves gained from the same epoch on (a conformal bound: among n exchangeable gains and a new one,
the new one is the least with probability 1 / (n + 1); Vovk, Gammerman & Shafer, Algorithmic
Learning in a Random World, 2005, section 2.2). The optimistic bound lies lower the less an epoch
has told of the ends of the finished, and lower still where the curve's own trend does. What was
spent goes on at the curve's own rate, almost linearly: by the ratios, last epoch to this one, of
the finished curves.

The bounds are marginal ones. They hold for curves like those that finished: one that stands still
and then falls as none before it did is projected too high.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from joulefront.stopping.aligned import RECENT, at_epochs
from joulefront.stopping.curve import Curve

_OUTSIDE = 0.1  # probability on either side of the bounds
_FEWEST = round(1 / _OUTSIDE) - 1  # finished curves whose least gain is a bound of that probability
_WINDOW = 2  # reports that are averaged against noise
_STRETCH = 2.5  # of the optimistic gain, because a curve is judged at many reports
_STRETCH_AT_FIRST = 1.25  # and this much more where no trend is known
_TREND = 4  # reports through which a line is drawn
_DAMPING = 0.5  # share of the line's way that a trend is believed to go on
_SIMILAR = 1.0  # difference in log joules at which a finished curve counts exp(-1/2)
_LEAST_WEIGHT = 0.01

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Projection:
    """Objectives at a trial's last epoch, minimised, each of shape (m,).

    Attributes:
        optimistic: Lower with probability 0.1; -inf where nothing can be said.
        expected: The median; NaN where nothing can be said.
        pessimistic: Higher with probability 0.1; where nothing can be said the worst value that a
            finished curve or this one has had, and +inf where there is none.
    """

    optimistic: Floats
    expected: Floats
    pessimistic: Floats

    @property
    def likely(self) -> Floats:
        """What to take for the end: `expected`, or `pessimistic` where nothing can be said."""
        return np.where(np.isnan(self.expected), self.pessimistic, self.expected)


def project(curve: Curve, others: Sequence[Curve]) -> Projection:
    """Project the objectives of `curve` to its last epoch.

    Only complete curves that reported both its latest epoch and its last one are compared with,
    nine at least; the more so, the nearer what they had spent by then. An objective counts as
    spent if it is positive and rises in all of them.

    Args:
        curve: With any number of reports. One that is not finite in an objective which
            the curve has reported otherwise is passed over. Where `final_epoch` is None, the
            longest complete curve's is taken; from the last epoch on the last finite values are
            the projection.
        others: In any order; beyond `RECENT` the last ones given count.

    Returns:
        Never NaN in either bound. An objective that is never finite cannot be judged.
    """
    m = curve.objectives.shape[1]
    ended = [other for other in others[-RECENT:] if other.state == "complete"]
    ended.sort(key=lambda other: other.trial_id)  # sums of floats depend on their order
    bounds = np.stack([np.full(m, -np.inf), np.full(m, np.nan), _worst(curve, ended)])
    judged = np.flatnonzero(np.isfinite(curve.objectives).any(axis=0))
    rows = np.flatnonzero(np.isfinite(curve.objectives[:, judged]).all(axis=1))
    longest = max((int(other.epochs[-1]) for other in ended if len(other.epochs)), default=None)
    final = curve.final_epoch or longest
    if final is not None and len(judged) and len(rows):
        epochs, own = curve.epochs[rows], curve.objectives[rows][:, judged]
        if epochs[-1] >= final:
            bounds[:, judged] = own[-1]
        else:
            _judge(bounds, judged, epochs, own, final, ended)
    return Projection(optimistic=bounds[0], expected=bounds[1], pessimistic=bounds[2])


def _worst(curve: Curve, ended: Sequence[Curve]) -> Floats:
    rows = [other.objectives[-1:] for other in ended] + [curve.objectives[-1:]]
    values = np.concatenate(rows)
    worst: Floats = np.where(np.isnan(values), -np.inf, values).max(axis=0, initial=-np.inf)
    return np.where(np.isneginf(worst), np.inf, worst)


def _judge(
    bounds: Floats,
    judged: NDArray[np.intp],
    epochs: NDArray[np.int64],
    own: Floats,
    final: int,
    ended: Sequence[Curve],
) -> None:
    """Fill the columns `judged` of `bounds` from finite reports `own` at `epochs`."""
    window = epochs[-_WINDOW:]
    table = at_epochs(ended, np.append(window, final))
    table = table[:, :, judged] if ended else np.empty((0, len(window) + 1, len(judged)))
    table = table[np.isfinite(table).all(axis=(1, 2))]
    if len(table) < _FEWEST:
        return
    spent = (own > 0).all(axis=0) & (np.diff(own, axis=0) > 0).all(axis=0)
    spent &= (table[:, 0] > 0).all(axis=0) & (np.diff(table, axis=1) > 0).all(axis=(0, 1))
    for column in np.flatnonzero(spent):
        ratios = np.log(table[:, -1, column] / table[:, -2, column])
        bounds[:, judged[column]] = own[-1, column] * np.exp(_ratio_bounds(ratios))
    distances = np.log(table[:, -2, spent]) - np.log(own[-1, spent])
    weights = np.exp(-0.5 * (distances / _SIMILAR) ** 2).prod(axis=1) + _LEAST_WEIGHT
    for column in np.flatnonzero(~spent):
        level = own[-_WINDOW:, column].mean()
        levels, ends = table[:, :-1, column].mean(axis=1), table[:, -1, column]
        gains = _gain_bounds(ends - levels, weights, _OUTSIDE * _foretold(levels, ends))
        stretch = _STRETCH * _STRETCH_AT_FIRST if len(epochs) == 1 else _STRETCH
        gains[0] = gains[1] + stretch * (gains[0] - gains[1])
        slope = _slope(epochs[-_TREND:], own[-_TREND:, column])
        gains[0] = min(gains[0], _DAMPING * slope * (final - epochs[-1]))
        bounds[:, judged[column]] = level + gains


def _ratio_bounds(ratios: Floats) -> Floats:
    """Predict a log ratio from (n,) others, n >= 2, by Student's t."""
    n = len(ratios)
    half = stdtrit(n - 1, 1 - _OUTSIDE) * ratios.std(ddof=1) * np.sqrt(1 + 1 / n)
    bounds: Floats = ratios.mean() + np.array([-half, 0.0, half])
    return bounds


def _gain_bounds(gains: Floats, weights: Floats, outside: float) -> Floats:
    """Weighted quantiles of (n,) gains, as far outside as their effective number demands.

    `outside` is the probability below the least of the three, `_OUTSIDE` that above the greatest.
    """
    order = np.argsort(gains, kind="stable")
    cumulated = np.cumsum(weights[order]) / weights.sum()
    effective = weights.sum() ** 2 / (weights**2).sum()
    below, above = (max(share - 1 / (effective + 1), 0.0) for share in (outside, _OUTSIDE))
    places = np.searchsorted(cumulated, [below, 0.5, 1 - above]).clip(max=len(gains) - 1)
    bounds: Floats = gains[order][places]
    return bounds


def _slope(epochs: NDArray[np.int64], values: Floats) -> float:
    """Slope of the least squares line; 0.0 through fewer than two reports."""
    centred = epochs - epochs.mean()
    return float(centred @ values / max(float(centred @ centred), 1e-300))


def _foretold(levels: Floats, ends: Floats) -> float:
    """Spearman's rank correlation of (n,) levels at an epoch with where they ended, 0 if negative.

    The less an epoch tells of the end, the less can a curve be judged by it: what is best then has
    gained most.
    """
    ranks = [values.argsort().argsort() - (len(values) - 1) / 2 for values in (levels, ends)]
    return max(float(ranks[0] @ ranks[1] / (ranks[0] @ ranks[0])), 0.0)
