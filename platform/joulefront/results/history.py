"""Hypervolume over the course of a study, against trials and against energy spent.

The reference point is part of the answer: two hypervolumes can be compared only if they share it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from joulefront.front import hypervolume_history
from joulefront.results.configurations import minimised
from joulefront.spec import Objective

_MARGIN = 0.1


def reference_point(
    configurations: pd.DataFrame, objectives: Sequence[Objective]
) -> dict[str, float]:
    """Choose a reference point: the worst measured value of each objective, and 10 % beyond.

    The 10 % are of the range between best and worst measured value (of |worst| where they are
    equal, and 0.1 where that is zero), after Ishibuchi et al., Evolutionary Computation 26(3),
    2018: a reference on the worst value itself would give the ends of the front no volume.

    Returns:
        Value by metric in the objective's own direction, over the configurations that compete for
        the front; NaN where none does.
    """
    points = minimised(configurations[configurations["competes"]], objectives)
    if len(points) == 0:
        return {objective.metric: float("nan") for objective in objectives}
    worst, best = points.max(axis=0), points.min(axis=0)
    spread = np.where(worst > best, worst - best, np.abs(worst))
    beyond = worst + _MARGIN * np.where(spread > 0, spread, 1.0)
    return {
        objective.metric: float(objective.sign * value)
        for objective, value in zip(objectives, beyond, strict=True)
    }


def history_of(
    trials: pd.DataFrame,
    configurations: pd.DataFrame,
    spent: pd.Series[float],
    objectives: Sequence[Objective],
    reference: Mapping[str, float],
) -> pd.DataFrame:
    """Hypervolume after each trial that has ended, whatever its end.

    Args:
        trials: One row a trial.
        configurations: One row a configuration.
        spent: Joules by trial id, over all attempts.
        objectives: The study's.
        reference: Value by metric in its own direction; a NaN gives hypervolume 0 throughout.

    Returns:
        Columns `trials` (1, 2, ...), `trial_id`, `state`, `time`, `energy_joules` (spent up to
        there) and `hypervolume`, in the order in which the trials ended. A configuration counts
        from the end of its last replicate.
    """
    ended = trials[trials["state"] != "running"].sort_values("time", kind="stable")
    history = ended[["trial_id", "state", "time"]].reset_index(drop=True)
    history.insert(0, "trials", np.arange(1, len(history) + 1))
    joules = history["trial_id"].map(spent).fillna(0.0).to_numpy(dtype=np.float64)
    history["energy_joules"] = joules.cumsum()
    corner = np.array([objective.sign * reference[objective.metric] for objective in objectives])
    if np.isnan(corner).any():
        history["hypervolume"] = 0.0
    else:
        points = _completed_by_each_trial(ended, configurations, objectives)
        history["hypervolume"] = hypervolume_history(points, corner)
    return history


def _completed_by_each_trial(
    ended: pd.DataFrame, configurations: pd.DataFrame, objectives: Sequence[Objective]
) -> NDArray[np.float64]:
    """Minimised objectives of the configuration that each trial completed; NaN where it did not."""
    competing = configurations[configurations["competes"]]
    positions = {trial_id: row for row, trial_id in enumerate(ended["trial_id"])}
    points = np.full((len(ended), len(objectives)), np.nan)
    for trial_ids, point in zip(
        competing["trial_ids"], minimised(competing, objectives), strict=True
    ):
        points[max(positions[trial_id] for trial_id in trial_ids.split())] = point
    return points
