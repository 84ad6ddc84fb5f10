from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from trainables.seeding import stream
from trainables.training import TrainingConfig
from trainables.training.losses import class_weights, classification_loss, loss_of


def sample(classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    logits = 2 * torch.randn(9, classes, generator=stream(0, "logits"), dtype=torch.float64)
    return logits, torch.arange(9) % classes


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.5])
def test_equals_the_formula_sample_by_sample(gamma: float, smoothing: float) -> None:
    logits, labels = sample()
    weights = torch.tensor([0.5, 1.0, 1.5], dtype=torch.float64)
    total = 0.0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        norm = sum(math.exp(value) for value in row)
        for place, value in enumerate(row):
            p = math.exp(value) / norm
            wanted = smoothing / 3 + (1 - smoothing) * (place == label)
            total -= wanted * weights[place].item() * (1 - p) ** gamma * math.log(p)
    found = classification_loss(logits, labels, weights=weights, gamma=gamma, smoothing=smoothing)
    assert found.item() == pytest.approx(total / 9, rel=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_focal_without_gamma_and_weights_is_cross_entropy(smoothing: float) -> None:
    logits, labels = sample()
    config = TrainingConfig(loss="focal", focal_gamma=0.0, label_smoothing=smoothing)
    found = loss_of(config, torch.tensor([3, 3, 3]))(logits, labels)
    expected = cross_entropy(logits, labels, label_smoothing=smoothing)
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=0)


def test_the_weights_of_safn() -> None:
    weights = class_weights(torch.tensor([456, 106]), 0.999)
    assert weights.tolist() == pytest.approx([0.431, 1.569], abs=5e-4)


def test_the_ends_of_beta() -> None:
    counts = torch.tensor([30, 10])
    assert class_weights(counts, 0.0).tolist() == [1, 1]
    assert class_weights(counts, 1.0).tolist() == [0.5, 1.5]
    nearly = class_weights(counts, 1 - 1e-7)
    torch.testing.assert_close(nearly, class_weights(counts, 1.0), rtol=1e-4, atol=0)
    assert class_weights(torch.tensor([5, 0]), 1.0).isfinite().all()


@pytest.mark.parametrize(
    ("chosen", "weights"),
    [("none", [1, 1]), ("balanced", [0.5, 1.5]), ("effective", [0.505, 1.495])],
)
def test_the_config_chooses_the_weights(chosen: str, weights: list[float]) -> None:
    loss = loss_of(TrainingConfig(class_weights=chosen), torch.tensor([30, 10]))
    assert loss.keywords["weights"].tolist() == pytest.approx(weights, abs=2e-3)
    assert loss.keywords["gamma"] == 0


@pytest.mark.parametrize("gamma", [0.5, 1.5])
def test_gradients_at_certainty_are_finite(gamma: float) -> None:
    logits = torch.tensor([[200.0, -200.0], [200.0, -200.0]], requires_grad=True)
    labels = torch.tensor([0, 1])
    classification_loss(logits, labels, weights=torch.ones(2), gamma=gamma).backward()
    assert logits.grad.isfinite().all()


def test_the_gradient_is_that_of_the_formula() -> None:
    logits, labels = sample()
    logits.requires_grad_()
    weights = torch.tensor([0.5, 1.0, 1.5], dtype=torch.float64)

    def loss(given: torch.Tensor) -> torch.Tensor:
        return classification_loss(given, labels, weights=weights, gamma=1.5, smoothing=0.1)

    assert torch.autograd.gradcheck(loss, logits)
