"""Metrics of predictions pooled over the outer folds, so that small folds do not decide.

Each subject is scored once per seed, by the trial whose test side it was on. The folds of one
seed are pooled before a metric is taken; the metrics of several seeds are averaged, because
averaging scores first would measure an ensemble that nobody trained.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

POOLED_METRICS = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "roc_auc")


def pooled_metrics(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> dict[str, float]:
    """`POOLED_METRICS` of labels (n,), 0 or 1, and probabilities of class 1 (n,).

    From 0.5 on a score counts as class 1. What needs a class that is absent is NaN; equal scores
    count half in the area under the curve (Mann-Whitney).
    """
    positive, called = labels == 1, scores >= 0.5
    sensitivity, specificity = _share(called[positive]), _share(~called[~positive])
    return {
        "accuracy": _share(called == positive),
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "sensitivity": sensitivity,
        "specificity": specificity,
        "roc_auc": _area(positive, scores),
    }


def out_of_fold(trials: pd.DataFrame, predictions: pd.DataFrame) -> dict[str, float]:
    """Pool the predictions of one configuration.

    Args:
        trials: Its complete trials, with `trial_id`, `attempt`, `fold` and `seed`.
        predictions: `predictions` events of the study, with `trial_id`, `attempt` and `details`
            (JSON with `labels` and `scores` by subject).

    Returns:
        `POOLED_METRICS`, and the counts `subjects`, `folds` and `seeds` they rest on; NaN metrics
        and zero counts where no trial recorded predictions.
    """
    last = predictions.drop_duplicates(["trial_id", "attempt"], keep="last")
    joined = trials.merge(last[["trial_id", "attempt", "details"]], on=["trial_id", "attempt"])
    by_seed = [
        pool_folds([json.loads(details) for details in group["details"]])
        for _, group in joined.groupby("seed")
    ]
    averages = {
        name: float(np.mean([pooled[name] for pooled in by_seed])) if by_seed else float("nan")
        for name in POOLED_METRICS
    }
    return averages | {
        "subjects": max((pooled["subjects"] for pooled in by_seed), default=0),
        "folds": int(joined["fold"].nunique()),
        "seeds": len(by_seed),
    }


def pool_folds(folds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Pool the predictions of several folds: each has `labels` and `scores` by subject.

    A score that is constant inside every fold ranks nobody: its area under the curve is 0.5.

    Returns:
        `POOLED_METRICS`, and the counts `subjects` and `folds`.
    """
    labels, scores = _pool(folds)
    metrics: dict[str, Any] = dict(pooled_metrics(labels, scores))
    if all(len(set(fold["scores"].values())) <= 1 for fold in folds):
        metrics["roc_auc"] = 0.5
    return metrics | {"subjects": len(labels), "folds": len(folds)}


def _pool(
    folds: Sequence[Mapping[str, Any]],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    pairs = [
        (label, fold["scores"][subject])
        for fold in folds
        for subject, label in fold["labels"].items()
    ]
    labels, scores = zip(*pairs, strict=True) if pairs else ((), ())
    return np.array(labels, dtype=np.int64), np.array(scores, dtype=np.float64)


def _share(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean()) if hits.size else float("nan")


def _area(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Area under the ROC curve from the mid-ranks of the positive class."""
    positives = int(positive.sum())
    pairs = positives * (len(positive) - positives)
    if pairs == 0:
        return float("nan")
    ranks = pd.Series(scores).rank().to_numpy(dtype=np.float64)
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / pairs)
