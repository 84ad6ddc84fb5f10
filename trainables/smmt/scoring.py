"""Run a model over a side, on all ranks together, and turn logits into metrics."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from trainables.classification import binary_metrics
from trainables.smmt.batch import Batch
from trainables.smmt.model import SMMT

BATCH = 32  # samples of one forward pass at evaluation


class Scores(NamedTuple):
    """Predictions for n samples.

    Attributes:
        logits: (n, 2) float32 on the CPU.
        kept_share: Share of image tokens that were computed; 1 where no sample has an image.
    """

    logits: Tensor
    kept_share: float

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(n,) probability of class 1."""
        found: NDArray[np.float64] = self.logits.double().softmax(1)[:, 1].numpy()
        return found


@torch.no_grad()
def predict(model: SMMT, batch: Batch, *, rank: int = 0, world_size: int = 1) -> Scores:
    """Score every sample once; each rank computes its share, and all get the whole."""
    model.eval()
    logits = torch.zeros(len(batch), 2, device=batch.labels.device)
    tokens = torch.zeros(2, device=batch.labels.device, dtype=torch.int64)
    for rows in torch.split(torch.arange(len(batch))[rank::world_size], BATCH):
        with autocast(batch.labels.device):
            output = model(batch.take(rows))
        logits[rows.to(logits.device)] = output.logits.float()
        tokens += torch.tensor([output.kept, output.offered], device=tokens.device)
    if world_size > 1:
        dist.all_reduce(logits)
        dist.all_reduce(tokens)
    kept, offered = tokens.tolist()
    return Scores(logits.cpu(), kept / offered if offered else 1.0)


def metrics_of(scores: Scores, batch: Batch) -> dict[str, float]:
    """Return loss in nats, the binary metrics (NaN where a logit is not finite) and kept_share."""
    labels = batch.labels.cpu()
    loss = float(cross_entropy(scores.logits, labels))
    probabilities = scores.probabilities
    finite = bool(np.isfinite(probabilities).all())
    found = binary_metrics(labels.numpy(), np.nan_to_num(probabilities))
    if not finite:
        found = dict.fromkeys(found, float("nan"))
    return {"loss": loss, **found, "kept_share": scores.kept_share}


def autocast(device: torch.device) -> torch.autocast:
    """Mixed precision (bfloat16) on a GPU; on a CPU nothing, where it is slower for this model."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")
