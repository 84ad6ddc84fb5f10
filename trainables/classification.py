"""Metrics of a two-class prediction: a pure function of labels and scores.

Not a loss, and no knowledge of folds: whoever pools predictions over folds concatenates them first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score


def binary_metrics(
    labels: NDArray[Any], scores: NDArray[Any], *, threshold: float = 0.5
) -> dict[str, float]:
    """Score predictions of the positive class.

    A share whose denominator is empty is NaN: `sensitivity` without positives, `specificity`
    without negatives, `balanced_accuracy` and `roc_auc` unless both classes are there, everything
    for no samples at all. F1 is 2TP / (2TP + FP + FN), 0 where there are positives or false alarms
    but no hit, NaN where there is nothing to find and nothing was found. Ties count half in
    `roc_auc`. Each share is one division of whole numbers, so that what is equal is equal to the
    last bit: else rounding would put a trial on a front that costs more and is no better.

    Args:
        labels: (n,) of 0 and 1.
        scores: (n,) finite probabilities of class 1, or another score that `threshold` suits.
        threshold: A score of at least this predicts class 1.

    Returns:
        accuracy, balanced_accuracy, sensitivity, specificity, roc_auc, f1, true_positives,
        true_negatives, false_positives, false_negatives; the counts as floats.

    Raises:
        ValueError: The shapes differ, a label is neither 0 nor 1, or a score is not finite.
    """
    truth, score = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != score.shape:
        raise ValueError(f"labels and scores must be (n,), but got {truth.shape=}, {score.shape=}")
    if not np.isin(truth, (0, 1)).all():
        raise ValueError(f"labels must be 0 or 1, but got {np.unique(truth)[:5]}")
    if not np.isfinite(score).all():
        raise ValueError(f"scores must be finite, but {int((~np.isfinite(score)).sum())} are not")
    positive, called = truth == 1, score >= threshold
    hits = float((positive & called).sum())
    rejections = float((~positive & ~called).sum())
    false_alarms = float((~positive & called).sum())
    misses = float((positive & ~called).sum())
    positives, negatives = hits + misses, rejections + false_alarms
    both = positives > 0 and negatives > 0
    return {
        "accuracy": _share(hits + rejections, float(truth.size)),
        "balanced_accuracy": _share(
            hits * negatives + rejections * positives, 2 * positives * negatives
        ),
        "sensitivity": _share(hits, positives),
        "specificity": _share(rejections, negatives),
        "roc_auc": float(roc_auc_score(positive, score)) if both else float("nan"),
        "f1": _share(2 * hits, 2 * hits + false_alarms + misses),
        "true_positives": hits,
        "true_negatives": rejections,
        "false_positives": false_alarms,
        "false_negatives": misses,
    }


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
