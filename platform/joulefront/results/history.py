"""Hypervolume over the course of a study, against trials and against energy spent.

The reference point is part of the answer: two hypervolumes can be compared only if they share it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from joulefront.front import hypervolume_contributions, hypervolume_history
from joulefront.front import reference_point as choose
from joulefront.results.configurations import minimised
from joulefront.spec import Objective


def reference_point(
    configurations: pd.DataFrame, objectives: Sequence[Objective]
) -> dict[str, float]:
    """Choose a reference point from the configurations that compete for the front.

    Returns:
        `front.reference_point` by metric, in the objective's own direction; NaN if none competes.
    """
    points = minimised(configurations[configurations["competes"]], objectives)
    corner = choose(points) if len(points) else [float("nan")] * len(objectives)
    pairs = zip(objectives, corner, strict=True)
    return {objective.metric: float(objective.sign * value) for objective, value in pairs}


def contributions_of(
    configurations: pd.DataFrame, objectives: Sequence[Objective], reference: Mapping[str, float]
) -> pd.Series[float]:
    """What each member adds to the hypervolume that no other member adds; NaN for the others."""
    members = configurations[configurations["on_front"]]
    added = pd.Series(np.nan, configurations.index)
    if len(members):
        points, corner = minimised(members, objectives), _corner(objectives, reference)
        added[members.index] = hypervolume_contributions(points, corner)
    return added


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
    corner = _corner(objectives, reference)
    if np.isnan(corner).any():
        history["hypervolume"] = 0.0
    else:
        points = _completed_by_each_trial(ended, configurations, objectives)
        history["hypervolume"] = hypervolume_history(points, corner)
    return history


def _corner(objectives: Sequence[Objective], reference: Mapping[str, float]) -> NDArray[np.float64]:
    return np.array([objective.sign * reference[objective.metric] for objective in objectives])


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
