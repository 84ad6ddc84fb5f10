"""An analytic toy: a learning curve and a FLOP count by formula, and a little real work.

Its accuracy and FLOPs are functions of its hyperparameters alone, so a study of it can be compared
digit by digit with another; its energy is real, because it multiplies matrices in proportion to
its FLOPs. It is not a model of anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from joulefront.trial import TrialContext


@dataclass(frozen=True, kw_only=True)
class Config:
    """Hyperparameters of the toy."""

    width: int = 64  # units a layer, 8 … 512; cost grows with its square
    depth: int = 2  # layers, 1 … 8; cost grows with it
    learning_rate: float = 1e-2  # 1e-4 … 1; best near 1e-2, a little lower for deep nets
    activation: Literal["relu", "tanh"] = "relu"  # tanh costs 0.02 of accuracy
    epochs: int = 3  # reports, at least 1
    work: float = 1.0  # matrix work done per FLOP counted; 0 does none


def train(config: Config, trial: TrialContext) -> None:
    """Report a saturating curve, one point an epoch, and multiply matrices in between and after."""
    rng = np.random.default_rng(trial.seed)
    matrix = rng.standard_normal((config.width, config.width)) / math.sqrt(config.width)
    products = round(config.work * config.depth * _PRODUCTS)
    with trial.measured():
        for epoch in range(1, config.epochs + 1):
            for _ in range(products):
                matrix = np.tanh(matrix @ matrix)
            trial.report({"accuracy": accuracy(config, epoch), "loss": 1 - accuracy(config, epoch)})
    with trial.inference(samples=_PRODUCTS * config.width):  # each row passes `depth` layers
        for _ in range(products):
            np.tanh(matrix @ matrix)
    trial.finish({"flops": flops(config), "parameters": config.depth * config.width**2})


_PRODUCTS = 20


def accuracy(config: Config, epoch: int) -> float:
    """Return the accuracy after an epoch: a capacity limit, approached at the rate's quality.

    Args:
        config: The hyperparameters.
        epoch: From 1.
    """
    capacity = 1 - 0.45 * math.exp(-0.35 * math.log2(config.width * config.depth) + 1)
    best_rate = 1e-2 / config.depth**0.5
    mismatch = math.log10(config.learning_rate / best_rate)
    speed = math.exp(-(mismatch**2))
    penalty = 0.02 if config.activation == "tanh" else 0.0
    return 0.5 + (capacity - 0.5 - penalty) * (1 - math.exp(-1.5 * speed * epoch))


def flops(config: Config) -> float:
    """Return the floating-point operations of the trial's counted matrix products."""
    return float(2 * config.epochs * config.depth * _PRODUCTS * config.width**3)
