"""Losses of a classifier: pure functions of logits, labels and class counts.

For each sample L = -Σ_c q_c w_c (1 - p_c)^γ log p_c, the mean over samples: q is the label with
smoothing ε (Szegedy et al. 2016), (1 - p)^γ the focal factor (Lin et al. 2017), w the class weights
(Cui et al. 2019, arXiv 1901.05555). The mean divides by B, not by Σ w as torch's does: a batch's
loss does not depend on which classes fell into it.

Shapes: `B` samples, `C` classes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor
from torch.nn.functional import one_hot

from trainables.training.config import TrainingConfig

_LEAST = 1e-12  # of 1 - p, whose power has no gradient at 0


def loss_of(config: TrainingConfig, counts: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss of (B, C) logits and (B,) labels.

    Args:
        config: Says which.
        counts: (C,) samples of each class on the training side.
    """
    gamma = config.focal_gamma if config.loss == "focal" else 0.0
    weights = class_weights(counts, _betas(config))
    return partial(
        classification_loss, weights=weights, gamma=gamma, smoothing=config.label_smoothing
    )


def classification_loss(
    logits: Tensor, labels: Tensor, *, weights: Tensor, gamma: float = 0.0, smoothing: float = 0.0
) -> Tensor:
    """Return the () mean loss in nats.

    Args:
        logits: (B, C).
        labels: (B,) int64.
        weights: (C,) w.
        gamma: γ; 0 is cross-entropy.
        smoothing: ε in [0, 1).
    """
    classes = logits.shape[1]
    log_p = logits.log_softmax(1)
    wanted = one_hot(labels, classes).to(log_p.dtype) * (1 - smoothing) + smoothing / classes
    if gamma:
        wanted = wanted * (-log_p.expm1()).clamp(min=_LEAST) ** gamma
    return -(wanted * weights * log_p).sum(1).mean()


def class_weights(counts: Tensor, beta: float) -> Tensor:
    """Return (C,) float32 weights w_c ∝ (1 - β) / (1 - β^n_c), scaled to Σ w = C.

    β = 0 weighs all classes alike; β → 1 is the inverse frequency 1 / n_c, taken at β = 1. A class
    without samples counts as having one.
    """
    there = counts.double().clamp(min=1)
    weights = 1 / there if beta == 1 else (1 - beta) / (1 - beta**there)
    return (weights * len(counts) / weights.sum()).float()


def _betas(config: TrainingConfig) -> float:
    return {"none": 0.0, "balanced": 1.0, "effective": config.effective_beta}[config.class_weights]
