from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from trainables.classification import binary_metrics
from trainables.training.scoring import BATCH, Scores, metrics_of, predict


def test_a_side_is_scored_as_one_batch_would_be(small, points) -> None:
    side, model = points(2 * BATCH + 3), small().train()
    scores = predict(model, side)
    assert not model.training
    torch.testing.assert_close(scores.logits, model(side).logits.detach())
    assert scores.shares == {"kept_share": int(side.there.sum()) / len(side)}
    assert scores.probabilities.sum(1) == pytest.approx(np.ones(len(side)))


def test_a_share_of_nothing_is_whole(small, points) -> None:
    class Empty(small):
        def forward(self, batch, generator=None):
            return super().forward(batch, generator)._replace(counts=((0, 0),))

    assert predict(Empty(), points(5)).shares == {"kept_share": 1.0}


def test_two_classes_have_the_binary_metrics(small, points) -> None:
    side = points(20)
    scores = predict(small(), side)
    found = metrics_of(scores, side.labels)
    expected = binary_metrics(side.labels.numpy(), scores.probabilities[:, 1])
    assert {name: found[name] for name in expected} == expected
    assert found["loss"] == pytest.approx(cross_entropy(scores.logits, side.labels).item())
    assert found.keys() == {"loss", *expected, "kept_share"}


def test_more_classes_have_the_mean_recall() -> None:
    logits = torch.tensor([[9.0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 9, 0]])
    found = metrics_of(Scores(logits, {}), torch.tensor([0, 0, 0, 1]))
    assert found["accuracy"] == 0.75
    assert found["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_logit_that_is_not_finite_makes_all_metrics_nan(classes: int) -> None:
    logits = torch.zeros(4, classes)
    logits[0, 0] = math.nan
    found = metrics_of(Scores(logits, {"kept_share": 0.5}), torch.arange(4) % 2)
    assert found.pop("kept_share") == 0.5
    assert all(math.isnan(value) for value in found.values())
