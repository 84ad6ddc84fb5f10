"""How far a training is, when it is over, and which weights are kept: early stopping.

Without patience the last weights are kept. With it those of the epoch with the lowest validation
loss, the first of equal ones; a trial is over when that many epochs in a row brought no lower one.
The loss looked at is the reported `loss`, plain cross-entropy, whatever loss is trained. A trial's
closing metrics are those of the epoch whose weights are kept, so that an objective belongs to the
model that is tested and saved.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from trainables.training.config import TrainingConfig


@dataclass(slots=True)
class Progress:
    """Where a training stands between two epochs.

    Attributes:
        epochs_done: Epochs behind it.
        kept_epoch: The epoch whose weights are kept, from 1; 0 before the first.
        kept_loss: Its validation loss; infinite where it was NaN.
        metrics: What it reported.
        weights: Its state dict, or None where that is the model's own.
    """

    epochs_done: int = 0
    kept_epoch: int = 0
    kept_loss: float = math.inf
    metrics: dict[str, float] = field(default_factory=dict)
    weights: dict[str, Tensor] | None = None

    def is_over(self, config: TrainingConfig) -> bool:
        """Whether no further epoch is to be run."""
        waited = self.epochs_done - self.kept_epoch
        return self.epochs_done >= config.epochs or 0 < config.patience <= waited

    def is_due(self, config: TrainingConfig) -> bool:
        """Whether the epoch that has just ended is to leave a checkpoint."""
        return self.is_over(config) or self.epochs_done % config.checkpoint_every == 0

    def record(self, metrics: Mapping[str, float], model: nn.Module, patience: int) -> None:
        """Count an epoch, and keep its weights if they are to be kept."""
        self.epochs_done += 1
        loss = metrics["loss"]
        if patience and self.kept_epoch and not loss < self.kept_loss:
            return
        self.kept_epoch, self.metrics = self.epochs_done, dict(metrics)
        self.kept_loss = math.inf if math.isnan(loss) else loss
        if patience:
            self.weights = {name: value.clone() for name, value in model.state_dict().items()}
