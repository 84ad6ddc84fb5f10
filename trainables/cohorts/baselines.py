"""What a study's trainable has to beat, on the very same outer folds: no search, no energy.

Each baseline learns from a fold's training and validation sides together, with the preprocessing of
preprocessing.py fitted there. Which folds are pooled is decided by who shows them: those that the
study has run.
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

from trainables.cohorts.cohort import Cohort
from trainables.cohorts.loading import load_cohort
from trainables.cohorts.options import DataOptions
from trainables.cohorts.preprocessing import Inputs, Preprocessing
from trainables.cohorts.splits import split_cohort

COMPONENTS = 20

Scorer = Callable[[Inputs, Inputs], NDArray[np.float64]]


def baselines(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Score the baselines that a `data` section's modalities allow, fold by fold.

    Returns:
        A row a baseline: name, inputs, and `folds`, each with its number, and labels and scores by
        subject, as a trial records its predictions. The image baseline leaves out those without an
        image.

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
    return [
        {
            "name": name,
            "inputs": ", ".join(inputs),
            "folds": [
                score_fold(cohort, data, fold, scorer, among)
                for fold in range(DataOptions.parse(data).folds)
            ],
        }
        for name, inputs, scorer, among in plan
    ]


def score_fold(
    cohort: Cohort,
    data: Mapping[str, Any],
    fold: int,
    scorer: Scorer,
    among: NDArray[np.bool_],
) -> dict[str, Any]:
    """Score the test side of one outer fold.

    Args:
        cohort: What the `data` section describes.
        data: That section.
        fold: From 0.
        scorer: From training and test inputs to a score of class 1 for each test row.
        among: (N,) rows to learn from and to score.

    Returns:
        fold, labels and scores by subject.
    """
    split = split_cohort(cohort, data, fold)
    train = split.development[among[split.development]]
    test = split.test[among[split.test]]
    preprocessing = Preprocessing.fit(cohort, train)
    unseen = preprocessing.apply(cohort, test)
    scores = scorer(preprocessing.apply(cohort, train), unseen) if test.size else np.empty(0)
    return {
        "fold": fold,
        "labels": dict(zip(unseen.subjects, unseen.labels.tolist(), strict=True)),
        "scores": dict(zip(unseen.subjects, scores.tolist(), strict=True)),
    }


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
