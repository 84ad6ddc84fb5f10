"""Which configuration a study evaluates again under `replicates.allocate: front`, and when to stop.

The race is decided anew from what is known, so that it goes on after an interruption as it would
have. What is uncertain is `joulefront.front`'s affair, whom to choose `joulefront.search.racing`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from joulefront.front import estimate, membership_probability
from joulefront.launch.observations import is_feasible, is_measured
from joulefront.launch.plan import Configuration, TrialPlan
from joulefront.search.racing import next_replicate
from joulefront.spec import StudySpec


def share_is_spent(trials: Sequence[TrialPlan], share: float) -> bool:
    """Return whether the replicates have had their share of the trials' joules.

    A trial that runs counts as what those that ended took on average; where no energy is known,
    trials are counted.
    """
    ended = [trial.joules for trial in trials if trial.joules > 0]
    usual = math.fsum(ended) / len(ended) if ended else 1.0
    costs = [trial.joules if trial.joules > 0 else usual for trial in trials]
    again = (cost for cost, t in zip(costs, trials, strict=True) if t.role == "replicate")
    return math.fsum(again) >= share * math.fsum(costs)


def next_in_race(configurations: Sequence[Configuration], spec: StudySpec) -> Configuration | None:
    """Return the configuration that is to be evaluated once more, or None where none is in doubt.

    Only fully measured ones that meet the constraints take part.
    """
    taking_part = [one for one in configurations if is_measured(one, spec) and is_feasible(one)]
    if not taking_part:
        return None
    signs = np.array([objective.sign for objective in spec.objectives])
    rows = [
        (row, trial)
        for row, one in enumerate(taking_part)
        for trial in one.trials
        if trial.state == "complete"
    ]
    estimates = estimate(
        np.array([trial.values for _, trial in rows], dtype=np.float64) * signs,
        np.array([row for row, _ in rows]),
        np.array([trial.fold for _, trial in rows]),
        configurations=len(taking_part),
        folds=spec.replicates.folds,
    )
    begun = np.array([sum(t.state != "failed" for t in one.trials) for one in taking_part])
    chosen = next_replicate(
        estimates,
        membership_probability(estimates),
        begun,
        most=spec.replicates.folds * spec.replicates.seeds,
    )
    return None if chosen is None else taking_part[chosen]
