"""Run a model over a side, on all ranks together, and turn logits into metrics.

Shapes: `n` samples of a side, `C` classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from trainables.classification import binary_metrics
from trainables.training.batches import Batch
from trainables.training.model import Model

BATCH = 32  # samples of one forward pass at evaluation


class Scores(NamedTuple):
    """Predictions for n samples.

    Attributes:
        logits: (n, C) float32 on the CPU.
        shares: The model's own, by name.
    """

    logits: Tensor
    shares: Mapping[str, float]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(n, C)."""
        found: NDArray[np.float64] = self.logits.double().softmax(1).numpy()
        return found


@torch.no_grad()
def predict(
    model: Model, batch: Batch, precision: str = "auto", *, rank: int = 0, world_size: int = 1
) -> Scores:
    """Score every sample once; each rank computes its share, and all get the whole."""
    model.eval()
    device = batch.labels.device
    logits = torch.zeros(len(batch), model.classes, device=device)
    counts = torch.zeros(len(model.shares), 2, device=device, dtype=torch.int64)
    for rows in torch.split(torch.arange(len(batch))[rank::world_size], BATCH):
        with autocast(device, precision):
            output = model(batch.take(rows))
        logits[rows.to(device)] = output.logits.float()
        counts += torch.tensor(output.counts, device=device, dtype=torch.int64).view_as(counts)
    if world_size > 1:
        dist.all_reduce(logits)
        dist.all_reduce(counts)
    shares = {
        name: part / whole if whole else 1.0
        for name, (part, whole) in zip(model.shares, counts.tolist(), strict=True)
    }
    return Scores(logits.cpu(), shares)


def metrics_of(scores: Scores, labels: Tensor) -> dict[str, float]:
    """Return `loss`, plain cross-entropy in nats whatever is trained, and the metrics of a side.

    With two classes those of `binary_metrics`, else `accuracy` and `balanced_accuracy`, the mean
    recall of the classes that are there; NaN where a logit is not finite. The shares come last.
    """
    loss = float(cross_entropy(scores.logits, labels.cpu()))
    truth, probabilities = labels.cpu().numpy(), np.nan_to_num(scores.probabilities)
    if scores.logits.shape[1] == 2:
        found = binary_metrics(truth, probabilities[:, 1])
    else:
        hits = probabilities.argmax(1) == truth
        recalls = [hits[truth == label].mean() for label in np.unique(truth)]
        found = {"accuracy": float(hits.mean()), "balanced_accuracy": float(np.mean(recalls))}
    if not scores.logits.isfinite().all():
        found = dict.fromkeys(found, float("nan"))
    return {"loss": loss, **found, **scores.shares}


def is_mixed(device: torch.device, precision: str) -> bool:
    """Whether to compute in bfloat16 where that is safe; on a CPU it is slower for small models."""
    return precision == "bf16" or (precision == "auto" and device.type == "cuda")


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Mixed precision, or nothing where it is not wanted."""
    mixed = is_mixed(device, precision)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=mixed)
