"""What a simulated study reports, and what is true of it.

What is reported comes from the functions that results are made of. What is true comes from the
problem and from moocore, not from any front or hypervolume of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import moocore
import numpy as np
from numpy.typing import NDArray

from joulefront.front import (
    Estimates,
    estimate,
    membership_probability,
    non_dominated,
    reported_members,
)
from joulefront.testing.problem import Problem
from joulefront.testing.virtual import Simulated, VirtualTrial

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """The configurations that a study has fully measured, in the order proposed.

    Attributes:
        params: n of them.
        trials: The complete trials of each, in the order in which they began.
    """

    params: Sequence[Mapping[str, Any]]
    trials: Sequence[Sequence[VirtualTrial]]

    def means(self) -> Floats:
        """Return the mean objectives, shape (n, m)."""
        return np.array([np.mean([t.values for t in trials], axis=0) for trials in self.trials])

    def firsts(self) -> Floats:
        """Return the objectives of each one's first trial, shape (n, m)."""
        return np.array([trials[0].values for trials in self.trials])

    def tests(self) -> Floats:
        """Return the mean objectives on the test fold, shape (n, m)."""
        return np.array([np.mean([t.tests for t in trials], axis=0) for trials in self.trials])

    def truths(self, problem: Problem) -> Floats:
        """Return the true objectives, shape (n, m)."""
        return np.array([problem.truth(params) for params in self.params])

    def estimates(self, folds: int) -> Estimates:
        """Return what the platform estimates of each."""
        owners = np.repeat(np.arange(len(self.trials)), [len(trials) for trials in self.trials])
        flat = [trial for trials in self.trials for trial in trials]
        return estimate(
            np.array([trial.values for trial in flat]),
            owners,
            np.array([trial.fold for trial in flat]),
            configurations=len(self.trials),
            folds=folds,
        )


def measured(simulated: Simulated) -> Measured:
    """Return what has a complete trial."""
    trials: dict[str, list[VirtualTrial]] = {}
    for trial in simulated.trials:
        if trial.state == "complete":
            trials.setdefault(trial.config_id, []).append(trial)
    ordered = [trials[key] for key in sorted(trials, key=lambda key: (len(key), key))]
    return Measured(params=[one[0].params for one in ordered], trials=ordered)


def members_by_mean(known: Measured) -> Flags:
    """Return which a study without `allocate: front` reports, shape (n,)."""
    return non_dominated(known.means()) if known.trials else np.zeros(0, dtype=np.bool_)


def members_by_estimate(known: Measured, folds: int) -> tuple[Flags, Estimates, Floats]:
    """Return which a study with `allocate: front` reports, its estimates and probabilities."""
    estimates = known.estimates(folds)
    everyone = np.ones(len(known.trials), dtype=np.bool_)
    probability = membership_probability(estimates, everyone)
    return reported_members(estimates, probability, everyone), estimates, probability


def true_hypervolume(points: Floats, problem: Problem) -> float:
    """Measure points (n, m) against the problem's reference."""
    if not len(points):
        return 0.0
    return float(moocore.hypervolume(points, ref=list(problem.reference)))


def truly_members(truths: Floats) -> Flags:
    """Return which are on the true front of those given, ties included."""
    return np.asarray(moocore.is_nondominated(truths, keep_weakly=True), dtype=np.bool_)
