"""The optimiser of all parameters that a model does not keep for itself."""

from __future__ import annotations

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from trainables.training.config import TrainingConfig
from trainables.training.model import Model

MOMENTUM = 0.9  # of sgd


def build_optimisers(model: Model, config: TrainingConfig) -> list[Optimizer]:
    """Return the loop's optimiser, then the model's own; their steps run fused."""
    own = model.own_optimisers()
    taken = {id(parameter) for optimiser in own for parameter in parameters_of(optimiser)}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in taken]
    rate, decay = config.learning_rate, config.weight_decay
    found: Optimizer
    if config.optimiser == "sgd":
        found = SGD(rest, lr=rate, momentum=MOMENTUM, weight_decay=decay, fused=True)
    else:
        kind = {"adam": Adam, "adamw": AdamW}[config.optimiser]
        found = kind(rest, lr=rate, weight_decay=decay, fused=True)
    return [found, *own]


def parameters_of(optimiser: Optimizer) -> list[nn.Parameter]:
    """Return the parameters that an optimiser steps."""
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]
