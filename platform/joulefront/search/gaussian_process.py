"""Gaussian process regression on a few hundred points at most; no torch, no search.

Matérn-5/2 with a length scale for each parameter, fitted by maximum a posteriori with the priors of
Optuna's `GPSampler`. At the sizes of a search (20 to 100 points) a fit takes milliseconds, where
that of a general library takes a tenth of a second: the search's own joules are part of its bill.

Shapes: `N` points, `W` features, `D` parameters.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

Array = NDArray[np.float64]

_LEAST_NOISE = 1e-6  # of the standardised values' variance
_START_NOISE = 1e-2
_WIDEST = 7.0  # bound of the logarithm of an inverse squared length scale


class GaussianProcess:
    """A posterior over functions, given noisy values at points.

    Rasmussen & Williams, Gaussian Processes for Machine Learning, 2006, algorithm 2.1, eq. 5.9.

    Args:
        features: Shape (N, W), each within about [0, 1].
        values: Shape (N,), finite. They are standardised; constant values are fitted as they are.
        parameter_of_feature: Shape (W,), which of the D parameters each feature belongs to:
            features of one parameter share a length scale.
    """

    def __init__(
        self, features: Array, values: Array, parameter_of_feature: NDArray[np.int64]
    ) -> None:
        self._mean = float(values.mean())
        self._deviation = max(float(values.std()), 1e-12)
        targets = (values - self._mean) / self._deviation
        weights, self._scale, self._noise = _fit(features, targets, parameter_of_feature)
        self._root_weights = np.sqrt(weights[parameter_of_feature])
        self._condition(features * self._root_weights, targets)

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Return mean and standard deviation (n,) of the noise-free function at features (n, W)."""
        cross = self._covariance(features * self._root_weights)
        half = solve_triangular(self._factor, cross.T, lower=True, check_finite=False)
        variance = np.maximum(self._scale - (half * half).sum(axis=0), 1e-12)
        mean = cross @ self._weighted
        return mean * self._deviation + self._mean, np.sqrt(variance) * self._deviation

    def believe(self, features: Array, at_least: Array | None = None) -> None:
        """Take what is expected at features (n, W) as if it had been observed there.

        Ginsbourger, Le Riche & Carraro, 2010 (kriging believer): the mean stays, and the
        uncertainty near these points goes. Where `at_least` (n,) is given, nothing better is taken.
        """
        points = features * self._root_weights
        expected = self._covariance(points) @ self._weighted
        if at_least is not None:
            expected = np.maximum(expected, (at_least - self._mean) / self._deviation)
        self._condition(
            np.concatenate([self._points, points]), np.concatenate([self._targets, expected])
        )

    def _condition(self, points: Array, targets: Array) -> None:
        self._points, self._targets = points, targets
        covariance = self._covariance(points)
        np.fill_diagonal(covariance, self._scale + self._noise)
        self._factor = cholesky(covariance, lower=True, check_finite=False)
        self._weighted = cho_solve((self._factor, True), targets, check_finite=False)

    def _covariance(self, points: Array) -> Array:
        """Return (n, N): the prior covariance of weighted points with those observed."""
        known = self._points
        squared = (points**2).sum(axis=1)[:, None] + (known**2).sum(axis=1) - 2 * points @ known.T
        root = np.sqrt(5 * np.maximum(squared, 0.0))
        return np.asarray(self._scale * (1 + root + root**2 / 3) * np.exp(-root))


def _fit(
    features: Array, targets: Array, parameter_of_feature: NDArray[np.int64]
) -> tuple[Array, float, float]:
    """Return inverse squared length scales (D,), the signal's and the noise's variance."""
    squares = (features[:, None] - features[None]) ** 2
    count = int(parameter_of_feature[-1]) + 1
    distances = np.stack(
        [squares[..., parameter_of_feature == p].sum(axis=-1).ravel() for p in range(count)]
    )
    start = np.concatenate([np.zeros(count + 1), [math.log(_START_NOISE)]])
    found = minimize(
        _loss,
        start,
        args=(distances, targets),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-_WIDEST, _WIDEST)] * count + [(-5.0, 4.0), (-12.0, 1.0)],
        options={"gtol": 1e-2, "maxiter": 60},
    )
    weights, scale, noise = np.split(np.exp(found.x), [count, count + 1])
    return weights, float(scale[0]), float(noise[0]) + _LEAST_NOISE


def _loss(logarithms: Array, distances: Array, targets: Array) -> tuple[float, Array]:
    """Return the negative log posterior of the kernel's parameters, and its gradient.

    Args:
        logarithms: Shape (D + 2,): of the weights, the signal's variance, the noise's variance.
        distances: Shape (D, N * N): squared distances along each parameter.
        targets: Shape (N,), standardised.
    """
    size = len(targets)
    weights, (scale, extra) = np.exp(logarithms[:-2]), np.exp(logarithms[-2:])
    noise = extra + _LEAST_NOISE
    root = np.sqrt(5 * (weights @ distances)).reshape(size, size)
    decay = np.exp(-root)
    kernel = (1 + root + root**2 / 3) * decay
    covariance = scale * kernel
    np.fill_diagonal(covariance, scale + noise)
    factor = cholesky(covariance, lower=True, check_finite=False)
    inverse = cho_solve((factor, True), np.eye(size), check_finite=False)
    weighted = inverse @ targets
    loss = np.log(np.diag(factor)).sum() + 0.5 * targets @ weighted
    slope = 0.5 * (inverse - np.outer(weighted, weighted))  # of the loss by the covariance
    by_distance = (slope * (-5 / 6 * scale) * (1 + root) * decay).ravel()
    gradient = np.concatenate(
        [
            weights * (distances @ by_distance) + 0.1 * (weights - 1 / weights),
            [(slope * kernel).sum() * scale + scale - 1],
            [np.trace(slope) * extra + (30 - 0.1 / noise) * extra],
        ]
    )
    prior = (0.1 * (weights + 1 / weights)).sum() + scale - math.log(scale)
    prior += 30 * noise - 0.1 * math.log(noise)
    return float(loss + prior), gradient
