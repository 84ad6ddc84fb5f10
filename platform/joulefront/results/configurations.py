"""From trials to configurations, and which of them are the front: pure functions on frames.

A configuration is what the search proposed; its trials are its replicates. It may be a member of
the front only if it is fully measured: each replicate the study asks for is complete, with finite
objectives. Trials that failed, were stopped early or gave NaN are counted and never measure it; nor
do degraded ones where the study's `energy.quality` is strict.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from joulefront.front import non_dominated
from joulefront.spec import Objective, StudySpec

STANDARD_ERROR = "_standard_error"
DEGRADED = "degraded"
_NOT_MEASURED = ("time", "attempt", "fold", "seed", "proposal_index", "on_front")


def replicates_requested(spec: StudySpec) -> int:
    """How many complete trials a configuration needs to be fully measured."""
    replicates = spec.replicates
    return replicates.folds * replicates.seeds if replicates.allocate == "all" else 1


def parameter_columns(frame: pd.DataFrame) -> list[str]:
    """The columns that hold hyperparameters."""
    return [column for column in frame.columns if column.startswith("params.")]


def metric_columns(trials: pd.DataFrame) -> list[str]:
    """The numeric columns that were measured: metrics, energy, durations."""
    return [
        column
        for column in trials.columns
        if column not in _NOT_MEASURED
        and not column.startswith("params.")
        and pd.api.types.is_numeric_dtype(trials[column])
        and not pd.api.types.is_bool_dtype(trials[column])
    ]


def minimised(frame: pd.DataFrame, objectives: Sequence[Objective]) -> NDArray[np.float64]:
    """The objectives of each row with shape (n, m), signed so that less is better."""
    columns = [objective.sign * _as_float(frame, objective.metric) for objective in objectives]
    return np.stack(columns, axis=1)


def configurations_of(
    trials: pd.DataFrame, provenance: pd.Series[str], spec: StudySpec
) -> pd.DataFrame:
    """Average the trials of each configuration.

    Args:
        trials: One row a trial, as the store folds them.
        provenance: Energy signature by trial id.
        spec: The study.

    Returns:
        One row a configuration in the order proposed: `config_id`, `params.*`, each objective
        and its standard error, `replicates` (complete trials), `fully_measured`, `on_front`,
        `competes`, `provenance` and `node_class` (" | " between different ones of its trials),
        `quality` ("degraded" if one of them is, "" if it is not known) and `quality_reasons`,
        `trial_ids` (of those that measure it, or of all while none does), `time` (end of its last
        complete trial), then the means and standard errors of all other metrics. Means skip absent
        values; a standard error is the sample's, over the root of n, and NaN for n = 1.
    """
    counted = trials[measured(trials, spec)]
    groups = counted.groupby("config_id", sort=False)
    metrics = metric_columns(trials)
    objectives = [objective.metric for objective in spec.objectives]
    ordered = [*objectives, *(metric for metric in metrics if metric not in objectives)]
    means = groups[metrics].mean().reindex(columns=ordered)
    errors = groups[metrics].sem().reindex(columns=ordered).add_suffix(STANDARD_ERROR)
    pairs = [column for pair in zip(means, errors, strict=True) for column in pair]
    first, others = pairs[: 2 * len(objectives)], pairs[2 * len(objectives) :]
    estimates = means.join(errors)

    proposed = trials.groupby("config_id", sort=False)
    frame = proposed[parameter_columns(trials)].first().join(estimates[first])
    frame["replicates"] = groups.size().reindex(frame.index, fill_value=0)
    different = counted.drop_duplicates(["config_id", "fold", "seed"]).groupby("config_id").size()
    different = different.reindex(frame.index, fill_value=0)
    frame["fully_measured"] = different >= replicates_requested(spec)
    frame["on_front"] = frame["competes"] = False
    described = _described(counted, provenance).reindex(frame.index, fill_value="")
    frame = frame.join(described)
    trial_ids = groups["trial_id"].agg(" ".join)
    frame["trial_ids"] = trial_ids.combine_first(proposed["trial_id"].agg(" ".join))
    frame["time"] = groups["time"].max().reindex(frame.index)
    frame = frame.join(estimates[others]).reset_index()
    frame["competes"] = competing(frame, spec)
    frame["on_front"] = on_front(frame, spec.objectives)
    return frame


def measured(trials: pd.DataFrame, spec: StudySpec) -> NDArray[np.bool_]:
    """Which trials count towards their configuration: complete, with finite objectives.

    Where `energy.quality` is strict, a degraded trial does not.
    """
    finite = np.isfinite(minimised(trials, spec.objectives)).all(axis=1)
    counted = trials["state"] == "complete"
    if spec.energy.quality == "strict":
        counted &= trials["quality"] != DEGRADED
    complete: NDArray[np.bool_] = counted.to_numpy(dtype=np.bool_)
    return complete & finite


def competing(configurations: pd.DataFrame, spec: StudySpec) -> NDArray[np.bool_]:
    """Which configurations compete for the front.

    They are fully measured. If energy or emissions are an objective, a modelled joule and a
    counted one must not be compared, nor those of two classes of nodes: then they share one
    provenance signature and, unless `energy.normalise` is "reference", one node class. It is the
    most frequent pair; of equals, the first by name.
    """
    chosen: NDArray[np.bool_] = configurations["fully_measured"].to_numpy(dtype=np.bool_)
    if spec.about_energy and chosen.any():
        kind = configurations["provenance"]
        if spec.energy.normalise == "none":
            kind = kind + "\n" + configurations["node_class"]
        chosen = chosen & (kind == kind[chosen].mode().iloc[0]).to_numpy(dtype=np.bool_)
    return chosen


def on_front(configurations: pd.DataFrame, objectives: Sequence[Objective]) -> NDArray[np.bool_]:
    """Which configurations are members of the front: they compete, and none dominates their means.

    Args:
        configurations: With `competes`.
        objectives: The study's.
    """
    competes = configurations["competes"].to_numpy(dtype=np.bool_)
    points = np.where(competes[:, None], minimised(configurations, objectives), np.nan)
    return non_dominated(points)


def _described(counted: pd.DataFrame, provenance: pd.Series[str]) -> pd.DataFrame:
    """How the trials of each configuration were measured, on what, and how well."""
    texts = counted[["node_class", "quality", "quality_reasons"]].fillna("")
    texts["provenance"] = counted["trial_id"].map(provenance).fillna("")
    ways = {
        "provenance": _different,
        "node_class": _different,
        "quality": _worst,
        "quality_reasons": _together,
    }
    return texts.groupby(counted["config_id"]).agg(ways)


def _different(texts: pd.Series[str]) -> str:
    return " | ".join(sorted(set(texts)))


def _together(reasons: pd.Series[str]) -> str:
    return ", ".join(reasons[reasons != ""])


def _worst(qualities: pd.Series[str]) -> str:
    found = set(qualities)
    return next((quality for quality in (DEGRADED, "") if quality in found), "good")


def _as_float(frame: pd.DataFrame, column: str) -> NDArray[np.float64]:
    if column not in frame.columns:
        return np.full(len(frame), np.nan)
    return pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
