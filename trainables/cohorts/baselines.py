"""What a study's trainable has to beat, on the very same outer folds: no search, no energy.

Each baseline learns from a fold's training and validation sides together, with the preprocessing of
preprocessing.py fitted there, and is scored once on all its out-of-fold predictions pooled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from trainables.classification import binary_metrics

from .cohort import Cohort
from .loading import load_cohort
from .options import DataOptions
from .preprocessing import Inputs, Preprocessing
from .splits import split_cohort

METRICS = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "roc_auc")
COMPONENTS = 20

Scorer = Callable[[Inputs, Inputs], NDArray[np.float64]]


def baselines(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Score the baselines that a `data` section's modalities allow.

    Returns:
        Rows of name, inputs, subjects (how many were scored: the image baseline leaves out those
        without an image) and the pooled `METRICS`.

    Raises:
        DataError: The section, or the cohort's files, cannot be used.
        SplitError: The folds cannot be made.
    """
    cohort = load_cohort(data)
    everybody = np.ones(len(cohort), dtype=np.bool_)
    clinical = cohort.numeric_names + cohort.categorical_names
    slices = tuple(f"{plane} slice" for plane in cohort.planes)
    components = f"logistic regression on {COMPONENTS} principal components"
    plan: list[tuple[str, tuple[str, ...], Scorer, NDArray[np.bool_]]]
    plan = [("majority class", ("none",), majority_scores, everybody)]
    plan += [("logistic regression", clinical, clinical_scores, everybody)] if clinical else []
    plan += [(components, slices, image_scores, cohort.image_present)] if slices else []
    rows = []
    for name, inputs, scorer, among in plan:
        scores = pooled_scores(cohort, data, scorer, among)[among]
        metrics = binary_metrics(cohort.labels[among], scores)
        if scorer is majority_scores:
            metrics["roc_auc"] = 0.5  # it ranks nobody, but a constant for each fold could seem to
        row = {"name": name, "inputs": ", ".join(inputs), "subjects": int(among.sum())}
        rows.append(row | {metric: metrics[metric] for metric in METRICS})
    return rows


def pooled_scores(
    cohort: Cohort, data: Mapping[str, Any], scorer: Scorer, among: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Out-of-fold scores of all outer folds.

    Args:
        cohort: What the `data` section describes.
        data: That section.
        scorer: From training and test inputs to a score of class 1 for each test row.
        among: (N,) rows to learn from and to score.

    Returns:
        (N,) scores in row order; NaN for the rows left out.
    """
    scores = np.full(len(cohort), np.nan)
    for fold in range(DataOptions.parse(data).folds):
        split = split_cohort(cohort, data, fold)
        train = split.development[among[split.development]]
        test = split.test[among[split.test]]
        preprocessing = Preprocessing.fit(cohort, train)
        if test.size:
            scores[test] = scorer(
                preprocessing.apply(cohort, train), preprocessing.apply(cohort, test)
            )
    return scores


def majority_scores(train: Inputs, test: Inputs) -> NDArray[np.float64]:
    """The training side's more frequent label for everybody; a tie counts as impaired."""
    return np.full(len(test.labels), float(2 * train.labels.sum() >= len(train.labels)))


def clinical_scores(train: Inputs, test: Inputs) -> NDArray[np.float64]:
    """Logistic regression (L2, C = 1) on scores, missingness and one-hot categories."""
    levels = train.categorical.max(axis=0, initial=-1)
    return _logistic(_clinical(train, levels), train.labels, _clinical(test, levels))


def image_scores(train: Inputs, test: Inputs) -> NDArray[np.float64]:
    """Logistic regression (L2, C = 1) on the images' first principal components, standardised."""
    flat, unseen = (side.images.reshape(len(side.labels), -1) for side in (train, test))
    components = min(COMPONENTS, len(flat) - 1)
    reduce = make_pipeline(
        PCA(components, svd_solver="randomized", iterated_power=4, random_state=0),
        StandardScaler(),
    )
    return _logistic(reduce.fit_transform(flat), train.labels, reduce.transform(unseen))


def _logistic(
    features: NDArray[Any], labels: NDArray[np.int64], unseen: NDArray[Any]
) -> NDArray[np.float64]:
    model = LogisticRegression(max_iter=2000).fit(features, labels)
    return np.asarray(model.predict_proba(unseen)[:, 1], dtype=np.float64)


def _clinical(side: Inputs, levels: NDArray[np.int64]) -> NDArray[np.float64]:
    columns = [side.numeric, side.numeric_missing]
    for column, highest in enumerate(levels):
        columns.append(side.categorical[:, column, None] == np.arange(highest + 1))
    return np.concatenate(columns, axis=1, dtype=np.float64)
