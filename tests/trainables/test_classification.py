from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.classification import binary_metrics


def test_a_known_table() -> None:
    labels = np.array([1, 1, 1, 0, 0, 0, 0, 0])
    scores = np.array([0.9, 0.5, 0.2, 0.6, 0.1, 0.2, 0.3, 0.4])
    metrics = binary_metrics(labels, scores)
    assert metrics["true_positives"] == 2
    assert metrics["false_negatives"] == 1
    assert metrics["false_positives"] == 1
    assert metrics["true_negatives"] == 4
    assert metrics["accuracy"] == pytest.approx(6 / 8)
    assert metrics["sensitivity"] == pytest.approx(2 / 3)
    assert metrics["specificity"] == pytest.approx(4 / 5)
    assert metrics["balanced_accuracy"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert metrics["f1"] == pytest.approx(4 / 6)


@given(people=st.integers(2, 200), data=st.data())
def test_equally_balanced_predictions_are_equal_to_the_last_bit(people: int, data) -> None:
    found = data.draw(st.integers(1, people - 1))
    moved = data.draw(st.integers(0, min(found, people - found)))

    def balanced(hits: int, rejections: int) -> float:
        labels = np.repeat([1, 0], people)
        right = np.arange(people)
        scores = np.concatenate([right < hits, right >= rejections]).astype(np.float64)
        return binary_metrics(labels, scores)["balanced_accuracy"]

    assert balanced(found, found) == balanced(found + moved, found - moved)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=30))
def test_agrees_with_counting_pairs(rows: list[tuple[bool, int]]) -> None:
    labels = np.array([label for label, _ in rows], dtype=np.int64)
    scores = np.array([score / 5 for _, score in rows])
    metrics = binary_metrics(labels, scores, threshold=0.5)
    hits = sum(label and score > 2 for label, score in rows)
    right = sum(label == (score > 2) for label, score in rows)
    assert metrics["true_positives"] == hits
    assert metrics["accuracy"] == pytest.approx(right / len(rows))
    pairs = [(p, n) for y, p in rows if y for z, n in rows if not z]
    if pairs:
        wins = sum((p > n) + 0.5 * (p == n) for p, n in pairs)
        assert metrics["roc_auc"] == pytest.approx(wins / len(pairs))
    else:
        assert math.isnan(metrics["roc_auc"])
        assert math.isnan(metrics["balanced_accuracy"])


def test_no_samples_is_nan_throughout() -> None:
    metrics = binary_metrics(np.array([], dtype=np.int64), np.array([]))
    assert all(math.isnan(metrics[name]) for name in ("accuracy", "roc_auc", "f1", "sensitivity"))
    assert metrics["true_positives"] == 0


@pytest.mark.parametrize(
    ("labels", "scores"),
    [([0, 1], [0.5]), ([0, 2], [0.1, 0.2]), ([0, 1], [0.1, np.nan]), ([[0, 1]], [[0.1, 0.2]])],
)
def test_refuses_what_cannot_be_scored(labels: list[int], scores: list[float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        binary_metrics(np.array(labels), np.array(scores))
