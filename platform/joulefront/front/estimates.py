"""What is known of each configuration from its replicates: mean, standard error, 95 % interval.

Replicates are outer folds, seeds, or both. They make four troubles that this file takes care of: a
configuration that ran on an easy fold looks better than one that did not; training sets of folds
overlap, so that their results are correlated and the usual standard error is too small; most
configurations ran once, so that their own replicates say nothing of their noise; and those that
look best were partly lucky (the winner's curse).

An objective is described by y = μ(configuration) + b(fold) + noise, with b a random effect that all
configurations share, and solved by Henderson's mixed-model equations (Biometrics 31, 1975), the
variances by moments. The noise is pooled over all configurations; where all values have one sign
and it makes the replicates likelier (Box & Cox, JRSS B 26, 1964), b and the noise are proportional
to the configuration's mean, as those of energy are. Training sets that overlap add s² / (folds - 1)
to the variance of every mean (Nadeau & Bengio, Machine Learning 52, 2003: s² n_test / n_train),
which no replicate can reduce. Against the curse, means are drawn towards the trend of all
configurations (empirical Bayes; Efron & Morris, JASA 70, 1975) by the share that noise has in what
they differ by from it.

Not here: who is on the front (membership.py, reported.py), and what to evaluate next (search/).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_LEAST_SPREAD = 0.25  # of what is seen beside the trend, at least so much is taken to be real
_PRIOR_FOLDS = 1.0  # folds are taken to differ as if so many more were seen to do so by the noise
_EVIDENCE = 4.0  # twice the log likelihood that proportional noise must gain


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimates:
    """One row a configuration, one column an objective, minimised; NaN where nothing is known."""

    mean: Floats  # (n, m): plain means where replicates are equal in number, else the centre
    standard_error: Floats  # (n, m), of the mean, against what new subjects would give
    low: Floats  # (n, m), of the 95 % interval
    high: Floats  # (n, m)
    count: Integers  # (n,), replicates
    centre: Floats  # (n, m), the mean drawn towards the trend: what is believed of it
    spread: Floats  # (n, m), standard deviation of that, without the error all configurations share


def estimate(
    values: Floats,
    configuration: Integers,
    fold: Integers,
    *,
    configurations: int,
    folds: int,
) -> Estimates:
    """Estimate every configuration's objectives from all replicates of all configurations.

    Args:
        values: Shape (r, m), one row a replicate, minimised and finite.
        configuration: Shape (r,), from 0 to configurations - 1.
        fold: Shape (r,), from 0 to folds - 1.
        configurations: How many there are, n.
        folds: Into how many the subjects are split, so that a fold tests 1 / folds of them; 1 where
            replicates differ by seed only.

    Returns:
        The mean is the plain mean where all configurations have equally many replicates on the same
        folds. Errors are NaN while too few have two for noise to be told from folds;
        configurations without replicates are NaN throughout.

    Raises:
        ValueError: The shapes do not fit, a value is not finite, or a number is out of range.
    """
    values = np.asarray(values, dtype=np.float64)
    configuration = np.asarray(configuration, dtype=np.int64)
    fold = np.asarray(fold, dtype=np.int64)
    _check(values, configuration, fold, configurations, folds)
    cells = np.bincount(configuration * folds + fold, minlength=configurations * folds)
    runs = cells.reshape(configurations, folds)
    fits = [_likelier(column, configuration, fold, runs) for column in values.T]
    plain, own, common, quantile = (np.stack(arrays, axis=1) for arrays in zip(*fits, strict=True))
    centre, spread = _drawn_to_trend(plain, own)
    count = runs.sum(axis=1)
    equal = len(np.unique(count[count > 0])) <= 1
    mean = plain if equal else centre
    error = np.hypot(own if equal else spread, common)
    return Estimates(
        mean=mean,
        standard_error=error,
        low=mean - quantile * error,
        high=mean + quantile * error,
        count=count,
        centre=centre,
        spread=spread,
    )


def _check(
    values: Floats, configuration: Integers, fold: Integers, configurations: int, folds: int
) -> None:
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(f"values must have shape (r, m) with m >= 1, but got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("values must be finite: leave out what failed")
    for name, numbers, end in (
        ("configuration", configuration, configurations),
        ("fold", fold, folds),
    ):
        if numbers.shape != (len(values),):
            raise ValueError(f"{name} must have shape ({len(values)},), but got {numbers.shape}")
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < end:
            raise ValueError(f"{name} must be from 0 to {end - 1}")


def _likelier(
    values: Floats, configuration: Integers, fold: Integers, runs: Integers
) -> tuple[Floats, ...]:
    """Fit noise of one size and, where it can be, proportional noise, and return the likelier.

    One size needs no evidence: noise that is taken to be proportional and is not makes the best
    values of an objective look too sure.
    """
    with np.errstate(invalid="ignore"):
        plain = np.bincount(configuration, values, minlength=len(runs)) / runs.sum(axis=1)
    fits = [_fit(values, plain, np.ones(len(plain)), configuration, fold, runs)]
    if len(values) and ((values > 0).all() or (values < 0).all()):
        fits.append(_fit(values, plain, np.abs(plain), configuration, fold, runs))
    proportional = len(fits) > 1 and fits[1][0] < fits[0][0] - _EVIDENCE
    return fits[1 if proportional else 0][1]


def _fit(
    values: Floats,
    plain: Floats,
    scale: Floats,
    configuration: Integers,
    fold: Integers,
    runs: Integers,
) -> tuple[float, tuple[Floats, ...]]:
    """Solve one objective's mixed model with b and noise in units of `scale`.

    Returns:
        Twice the negative log likelihood of what differs within configurations; then, each of shape
        (n,): the mean without fold effects, its own standard error, the standard error that all
        configurations share (the folds seen are not all there could be), and the quantile of
        Student's t with Satterthwaite's degrees of freedom (Biometrics Bulletin 2, 1946).
    """
    count, folds = runs.sum(axis=1), runs.shape[1]
    run, seen = count > 0, runs.any(axis=0)
    share = runs / np.maximum(count, 1)[:, None]  # (n, folds)
    away = (values - plain[configuration]) / scale[configuration]
    information = np.diag(runs.sum(axis=0)) - runs.T @ share  # on b, the configurations swept out
    right = np.bincount(fold, away, minlength=folds)
    inverse = np.linalg.pinv(information, hermitian=True)
    links = round(float(np.trace(inverse @ information)))  # folds that are compared with others
    effects = inverse @ right
    freedom = len(values) - int(run.sum()) - links
    noise = max(float(away @ away - effects @ right), 0.0) / freedom if freedom > 0 else np.nan
    between = 0.0  # variance of b
    if links and freedom > 0:
        squares = max(float(effects @ effects - noise * np.trace(inverse)), 0.0)
        between = (squares + _PRIOR_FOLDS * noise) / (links + _PRIOR_FOLDS)
    solved = np.zeros((folds, folds))
    if between > 0:
        solved = np.linalg.pinv(information + noise / between * np.eye(folds), hermitian=True)
    mean = plain - scale * (share @ (solved @ right))

    overlap = 1 / (folds - 1) if folds > 1 else 0.0
    unequal = share - seen / max(int(seen.sum()), 1)
    contrast = np.einsum("nf,fg,ng->n", unequal, solved, unequal)
    own = np.full(len(count), np.nan)
    own[run] = noise * (1 / count[run] + overlap + contrast[run])
    common = between * (1 / (links + 1) + overlap)
    with np.errstate(invalid="ignore", divide="ignore"):
        degrees = (own + common) ** 2 / (own**2 / max(freedom, 1) + common**2 / max(links, 1))
    quantile = stdtrit(np.nan_to_num(degrees, nan=max(freedom, 1)), 0.975)
    unlikely = -np.inf
    if noise > 0:
        typical = np.average(np.log(scale[configuration]), weights=1 - 1 / count[configuration])
        unlikely = float(freedom * (np.log(noise) + 2 * typical))
    return unlikely, (mean, scale * np.sqrt(own), scale * np.sqrt(common), quantile)


def _drawn_to_trend(mean: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Draw means towards what configurations that are like them in the other objectives have.

    The trend of an objective is quadratic in the ranks of the others. Beside it configurations lie
    as halves of two normal distributions, one better and one worse than its median, since what is
    best crowds at the front while failures lie anywhere; the spread of each half without the noise
    is its prior.

    Returns:
        Mean and standard deviation of the posterior, both (n, m), the latter with what the prior's
        own error adds (Morris, JASA 78, 1983, in its main term); as given while there are fewer
        than six configurations for each coefficient of the trend, or where no error is known.
    """
    centre, spread = mean.copy(), error.copy()
    known = np.flatnonzero(np.isfinite(mean).all(axis=1) & np.isfinite(error).all(axis=1))
    if len(known) < 6 * (2 * mean.shape[1] - 1):
        return centre, spread
    ranks = mean[known].argsort(axis=0).argsort(axis=0) / (len(known) - 1) - 0.5
    for column in range(mean.shape[1]):
        others = np.delete(ranks, column, axis=1)
        terms = np.hstack([np.ones((len(known), 1)), others, others**2])
        values, variance = mean[known, column], error[known, column] ** 2
        beside = values - terms @ np.linalg.lstsq(terms, values)[0]
        beside -= np.median(beside)
        for half in (beside < 0, beside > 0):
            if not half.any():
                continue
            seen = float((beside[half] ** 2).mean())
            real = max(seen - float(np.median(variance)), _LEAST_SPREAD * seen)
            drawn = variance[half] / (variance[half] + real)
            centre[known[half], column] -= drawn * beside[half]
            unsure = 2 / max(int(half.sum()) - 2, 1) * (drawn * beside[half]) ** 2
            spread[known[half], column] = np.sqrt(variance[half] * (1 - drawn) + unsure)
    return centre, spread
