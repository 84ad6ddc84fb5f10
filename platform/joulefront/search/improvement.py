"""What an evaluation is expected to add to a front, in closed form for one and two objectives.

Objectives are independent given the point; each is normal, or lognormal where its logarithm is what
was modelled. Nothing here knows samplers or Gaussian processes.

Shapes: `N` candidates, `K` members of the front, `M` objectives, all minimised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from joulefront.front import non_dominated

Array = NDArray[np.float64]

BEYOND = 0.3
"""Share of the known values' range by which the reference lies beyond the worst of them."""

_DRAWS = 64


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of an objective at N candidates.

    Attributes:
        mean: Shape (N,), of the objective, or of its logarithm.
        deviation: Shape (N,), above 0, of the same.
        logarithmic: Whether they are those of the logarithm.
    """

    mean: Array
    deviation: Array
    logarithmic: bool = False

    def shortfall(self, bounds: Array) -> Array:
        """Return (N, K): the expectation of max(0, bound - value) for K bounds.

        Normal: Jones, Schonlau & Welch, 1998, eq. 15. Lognormal: as a put option's expected
        payment. A bound of at most 0 is never undercut by a lognormal value.
        """
        mean, deviation = self.mean[:, None], self.deviation[:, None]
        if not self.logarithmic:
            z = (bounds - mean) / deviation
            return np.asarray(deviation * (z * ndtr(z) + np.exp(-0.5 * z**2) / math.tau**0.5))
        z = (np.log(np.maximum(bounds, 1e-300)) - mean) / deviation
        expected = np.exp(mean + 0.5 * np.minimum(deviation, 3.0) ** 2)
        return np.asarray(np.maximum(bounds * ndtr(z) - expected * ndtr(z - deviation), 0.0))

    def draw(self, normal: Array) -> Array:
        """Return (N, S) values, given S standard normal numbers."""
        values = self.mean[:, None] + self.deviation[:, None] * normal
        return np.exp(values) if self.logarithmic else values


def expected_improvement(
    forecasts: list[Forecast], known: Array, rng: np.random.Generator
) -> Array:
    """Return (N,) what each candidate is expected to add to what is known, at least 0.

    One objective: the expected improvement on the best (Jones et al., 1998). Two: the expected gain
    of hypervolume, summed over the strips between neighbours on the front (Emmerich, Deutz &
    Klinkenberg, 2011; in the form of Yang et al., 2019). Three and more: the expected improvement
    of a randomly weighted Chebyshev distance from the best of each (Knowles, 2006), by 64 draws.

    Args:
        forecasts: One an objective.
        known: Shape (k, M), k >= 1: values that have been observed, dominated ones among them.
        rng: For the weights and the draws of three and more objectives.
    """
    if len(forecasts) == 1:
        return forecasts[0].shortfall(known.min(axis=0))[:, 0]
    if len(forecasts) == 2:
        return _gain_of_area(forecasts[0], forecasts[1], known)
    best = known.min(axis=0)
    spans = np.maximum(known.max(axis=0) - best, 1e-12)
    weights = rng.dirichlet(np.ones(len(forecasts))) / spans
    distances = _chebyshev((known - best) * weights)
    draws = [forecast.draw(rng.standard_normal(_DRAWS)) for forecast in forecasts]
    drawn = _chebyshev((np.stack(draws, axis=-1) - best) * weights)
    return np.asarray(np.maximum(distances.min() - drawn, 0.0).mean(axis=1))


def _gain_of_area(first: Forecast, second: Forecast, known: Array) -> Array:
    """Return the expected gain of area, up to somewhat beyond the worst known values."""
    reference = known.max(axis=0) + BEYOND * np.ptp(known, axis=0)
    front = np.unique(known[non_dominated(known)], axis=0)  # ascending in the first objective
    widths = first.shortfall(np.append(front[:, 0], reference[0]))
    heights = second.shortfall(np.append(reference[1], front[:, 1]))
    return np.asarray((np.diff(widths, axis=1, prepend=0.0) * heights).sum(axis=1))


def _chebyshev(weighted: Array) -> Array:
    return np.asarray(weighted.max(axis=-1) + 0.05 * weighted.sum(axis=-1))
