from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainables.classification import binary_metrics
from trainables.cohorts import Cohort, baselines, split_cohort
from trainables.cohorts import baselines as exported
from trainables.cohorts.baselines import clinical_scores, majority_scores, score_fold
from trainables.cohorts.preprocessing import Inputs, Preprocessing

SMALL = {"subjects": 40, "image_size": 16, "folds": 2}


def pooled(row: dict[str, Any]) -> dict[str, float]:
    labels = [label for fold in row["folds"] for label in fold["labels"].values()]
    scores = [score for fold in row["folds"] for score in fold["scores"].values()]
    return binary_metrics(np.array(labels), np.array(scores))


def test_rows() -> None:
    assert exported is baselines
    rows = baselines(SMALL)
    assert [row["name"].split()[0] for row in rows] == ["majority", "logistic", "logistic"]
    assert [sum(len(fold["labels"]) for fold in row["folds"]) for row in rows] == [40, 40, 36]
    assert all(row.keys() == {"name", "inputs", "folds"} for row in rows)
    assert pooled(rows[0])["balanced_accuracy"] == 0.5
    assert pooled(rows[1])["roc_auc"] > 0.7
    assert [row["inputs"] for row in baselines(SMALL | {"inputs": ["categorical"]})] == [
        "none",
        "sex, apoe",
    ]
    json.dumps(rows)


def test_scores_come_from_outside_the_fold(make_cohort: Callable[..., Cohort]) -> None:
    cohort, data = make_cohort(), {"folds": 4}
    seen: list[tuple[set[str], set[str]]] = []

    def scorer(train: Inputs, test: Inputs) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        seen.append((set(train.subjects), set(test.subjects)))
        return np.arange(len(test.labels), dtype=np.float64)

    among = cohort.image_present
    for fold in range(4):
        scored = score_fold(cohort, data, fold, scorer, among)
        split = split_cohort(cohort, data, fold)
        train, test = seen[fold]
        assert train == {cohort.subjects[row] for row in split.development if among[row]}
        assert test == {cohort.subjects[row] for row in split.test if among[row]}
        assert scored["scores"].keys() == scored["labels"].keys() == test


def test_majority_and_unseen_levels(make_cohort: Callable[..., Cohort]) -> None:
    categorical = np.zeros((40, 1), dtype=np.int64)
    categorical[39] = 2  # a level that the training side has never seen
    cohort = make_cohort(categorical=categorical)
    preprocessing = Preprocessing.fit(cohort, np.arange(30))
    train = preprocessing.apply(cohort, np.arange(30))
    test = preprocessing.apply(cohort, np.arange(30, 40))
    assert majority_scores(train, test).tolist() == [1.0] * 10  # a tie
    fewer = preprocessing.apply(cohort, np.arange(0, 30, 2))
    assert majority_scores(fewer, test).tolist() == [0.0] * 10
    assert np.isfinite(clinical_scores(train, test)).all()


def test_near_the_known_figures_on_the_real_folder(real_oasis: Path) -> None:
    data = {"cohort": "oasis1", "root": str(real_oasis), "planes": ["axial"]}
    majority, clinical, axial = map(pooled, baselines(data))
    assert majority["accuracy"] == 0.5
    assert clinical["roc_auc"] == pytest.approx(0.90, abs=0.03)
    assert clinical["accuracy"] == pytest.approx(0.80, abs=0.05)
    assert axial["roc_auc"] == pytest.approx(0.73, abs=0.05)
