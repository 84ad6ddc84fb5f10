from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from joulefront.results.pooled import POOLED_METRICS, pooled_metrics

PREDICTIONS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0])),
    min_size=2,
    max_size=30,
)


@given(PREDICTIONS.filter(lambda pairs: len({label for label, _ in pairs}) == 2))
def test_agrees_with_scikit_learn(pairs: list[tuple[int, float]]) -> None:
    labels, scores = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    metrics = pooled_metrics(labels, scores)
    assert metrics["roc_auc"] == pytest.approx(roc_auc_score(labels, scores))
    assert metrics["balanced_accuracy"] == pytest.approx(
        balanced_accuracy_score(labels, scores >= 0.5)
    )


def test_what_needs_an_absent_class_is_nan() -> None:
    metrics = pooled_metrics(np.array([1, 1]), np.array([0.9, 0.1]))
    assert metrics["sensitivity"] == metrics["accuracy"] == 0.5
    assert all(math.isnan(metrics[m]) for m in ("specificity", "balanced_accuracy", "roc_auc"))


def predictions(fold: int, scores: dict[str, float], labels: dict[str, int]) -> dict:
    return {
        "kind": "predictions",
        "trial_id": f"c1-f{fold}-s0",
        "details": {"fold": fold, "labels": labels, "scores": scores},
    }


def test_folds_are_pooled_before_a_metric_is_taken(make_study) -> None:
    trial = {"config": "c1", "balanced_accuracy": 0.5, "energy_joules": 1.0}
    study = make_study(
        [trial | {"fold": 0}, trial | {"fold": 1}],
        folds=2,
        events=[
            predictions(0, {"a": 0.9, "b": 0.8}, {"a": 1, "b": 0}),
            predictions(1, {"c": 0.3, "d": 0.1}, {"c": 1, "d": 0}),
        ],
    )
    assert study.out_of_fold("c1") == {
        "accuracy": 0.5,
        "balanced_accuracy": 0.5,
        "sensitivity": 0.5,
        "specificity": 0.5,
        "roc_auc": 0.75,
        "subjects": 4,
        "folds": 2,
        "seeds": 1,
    }


def test_predictions_of_lost_attempts_do_not_count(make_study) -> None:
    lost = predictions(0, {"a": 0.1}, {"a": 1})
    kept = predictions(0, {"a": 0.9}, {"a": 1}) | {"attempt": 2}
    study = make_study(
        [{"config": "c1", "attempt": 2, "balanced_accuracy": 0.5, "energy_joules": 1.0}],
        events=[lost, kept],
    )
    assert study.out_of_fold("c1")["accuracy"] == 1.0


def test_without_predictions_metrics_are_nan(make_study) -> None:
    study = make_study([{"config": "c1", "balanced_accuracy": 0.5, "energy_joules": 1.0}])
    metrics = study.out_of_fold("c1")
    assert all(math.isnan(metrics[name]) for name in POOLED_METRICS)
    assert metrics["subjects"] == 0
