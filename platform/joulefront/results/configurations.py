"""From trials to configurations, and which of them are the front: pure functions on frames.

A configuration is what the search proposed; its trials are its replicates. It may be a member of
the front only if it is fully measured (each replicate the study asks for is complete, with finite
objectives) and feasible (the study's constraints hold). Trials that failed, were stopped early or
gave NaN are counted and never measure it; nor do degraded ones where the study's `energy.quality`
is strict.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from joulefront.front import (
    Estimates,
    estimate,
    membership_probability,
    non_dominated,
    reported_members,
)
from joulefront.spec import Objective, StudySpec

STANDARD_ERROR, LOW, HIGH = "_standard_error", "_low", "_high"
DEGRADED = "degraded"
_NOT_MEASURED = ("time", "attempt", "fold", "seed", "proposal_index", "on_front")


def replicates_requested(spec: StudySpec) -> int:
    """How many complete trials a configuration needs to be fully measured: 1 under `front`."""
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


def column_of(frame: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """A column as numbers: NaN where it holds none, and throughout where it is absent."""
    if column not in frame.columns:
        return np.full(len(frame), np.nan)
    return pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def minimised(frame: pd.DataFrame, objectives: Sequence[Objective]) -> NDArray[np.float64]:
    """The objectives of each row with shape (n, m), signed so that less is better."""
    columns = [objective.sign * column_of(frame, objective.metric) for objective in objectives]
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
        One row a configuration in the order proposed: `config_id`, `params.*`, each objective with
        its standard error and 95 % interval (`_standard_error`, `_low`, `_high`), `replicates`
        (complete trials), `fully_measured`, `feasible` (False while a bound metric is not known),
        `on_front`, `competes`, `membership`, `provenance` and `node_class` (" | " between different
        ones of its trials), `quality` ("degraded" if one of them is, "" if it is not known) and
        `quality_reasons`, `trial_ids` (of those that measure it, or of all while none does), `time`
        (end of its last complete trial), then the means and standard errors of all other metrics.

        Means skip absent values. The errors of objectives are those of `joulefront.front.estimate`
        among the fully measured configurations, which knows that folds are correlated; so are their
        means where `replicates.allocate` is front. Where nothing is replicated, errors, intervals
        and `membership` are NaN. All other standard errors are the sample's, over the root of n,
        NaN for n = 1.
    """
    counted = trials[measured(trials, spec)]
    groups = counted.groupby("config_id", sort=False)
    metrics = metric_columns(trials)
    objectives = [objective.metric for objective in spec.objectives]
    others = [metric for metric in metrics if metric not in objectives]
    means = groups[metrics].mean().reindex(columns=[*objectives, *others])
    errors = groups[metrics].sem().reindex(columns=means.columns).add_suffix(STANDARD_ERROR)
    intervals = pd.DataFrame(
        np.nan, means.index, [metric + end for metric in objectives for end in (LOW, HIGH)]
    )
    first = [m + end for m in objectives for end in ("", STANDARD_ERROR, LOW, HIGH)]
    rest = [m + end for m in others for end in ("", STANDARD_ERROR)]
    summaries = means.join([errors, intervals])

    proposed = trials.groupby("config_id", sort=False)
    frame = proposed[parameter_columns(trials)].first().join(summaries[first])
    frame["replicates"] = groups.size().reindex(frame.index, fill_value=0)
    different = counted.drop_duplicates(["config_id", "fold", "seed"]).groupby("config_id").size()
    different = different.reindex(frame.index, fill_value=0)
    frame["fully_measured"] = different >= replicates_requested(spec)
    frame["feasible"] = frame["on_front"] = frame["competes"] = False
    frame["membership"] = np.nan
    described = _described(counted, provenance).reindex(frame.index, fill_value="")
    frame = frame.join(described)
    trial_ids = groups["trial_id"].agg(" ".join)
    frame["trial_ids"] = trial_ids.combine_first(proposed["trial_id"].agg(" ".join))
    frame["time"] = groups["time"].max().reindex(frame.index)
    frame = frame.join(summaries[rest]).reset_index()
    estimates = _estimates(counted, frame, spec)
    _describe(frame, estimates, spec)
    frame["feasible"] = feasible(frame, spec)
    frame["competes"] = competes = competing(frame, spec)
    probability = membership_probability(estimates, competes)
    if np.isfinite(estimates.standard_error).any():
        frame["membership"] = np.where(competes, probability, np.nan)
    if spec.replicates.allocate == "front":
        frame["on_front"] = reported_members(estimates, probability, competes)
    else:
        points = minimised(frame, spec.objectives)
        frame["on_front"] = non_dominated(np.where(competes[:, None], points, np.nan))
    return frame


def _estimates(counted: pd.DataFrame, frame: pd.DataFrame, spec: StudySpec) -> Estimates:
    """What the trials of the fully measured configurations say of each row of the frame."""
    rows = pd.Series(
        frame.index[frame["fully_measured"]], frame["config_id"][frame["fully_measured"]]
    )
    used = counted[counted["config_id"].isin(rows.index)]
    fold = used["fold"].to_numpy(dtype=np.int64)
    return estimate(
        minimised(used, spec.objectives),
        used["config_id"].map(rows).to_numpy(dtype=np.int64),
        fold,
        configurations=len(frame),
        folds=max(spec.replicates.folds, int(fold.max(initial=0)) + 1),
    )


def _describe(frame: pd.DataFrame, estimates: Estimates, spec: StudySpec) -> None:
    """Write errors and intervals of the objectives into the frame, and means under `front`."""
    for column, objective in enumerate(spec.objectives):
        metric, sign = objective.metric, objective.sign
        if spec.replicates.allocate == "front":
            known = pd.Series(sign * estimates.mean[:, column], frame.index)
            frame[metric] = known.fillna(frame[metric])
        errors = pd.Series(estimates.standard_error[:, column], frame.index)
        frame[metric + STANDARD_ERROR] = errors.fillna(frame[metric + STANDARD_ERROR])
        reach = (estimates.high - estimates.low)[:, column] / 2
        frame[metric + LOW], frame[metric + HIGH] = frame[metric] - reach, frame[metric] + reach


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


def feasible(configurations: pd.DataFrame, spec: StudySpec) -> NDArray[np.bool_]:
    """Which configurations' means meet all constraints of the study; none that is NaN does."""
    holds = np.ones(len(configurations), dtype=np.bool_)
    for constraint in spec.constraints:
        values = column_of(configurations, constraint.metric)
        holds &= np.array([constraint.violation(value) <= 0 for value in values], dtype=np.bool_)
    return holds


def competing(configurations: pd.DataFrame, spec: StudySpec) -> NDArray[np.bool_]:
    """Which configurations compete for the front.

    They are fully measured and feasible. If energy or emissions are an objective, a modelled joule
    and a counted one must not be compared, nor those of two classes of nodes: then they share one
    provenance signature and, unless `energy.normalise` is "reference", one node class. It is the
    most frequent pair; of equals, the first by name.
    """
    chosen = configurations["fully_measured"] & configurations["feasible"]
    if spec.about_energy and chosen.any():
        kind = configurations["provenance"]
        if spec.energy.normalise == "none":
            kind = kind + "\n" + configurations["node_class"]
        chosen &= kind == kind[chosen].mode().iloc[0]
    return chosen.to_numpy(dtype=np.bool_)


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
    return ", ".join(filter(None, reasons))


def _worst(qualities: pd.Series[str]) -> str:
    found = set(qualities)
    return next((quality for quality in (DEGRADED, "") if quality in found), "good")
