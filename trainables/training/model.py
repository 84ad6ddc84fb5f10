"""What the loop knows of a model.

Shapes: `B` samples, `C` classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


class Output(NamedTuple):
    """What a forward pass gives.

    Attributes:
        logits: (B, C).
        penalty: () what is added to the loss in training, already multiplied by its λ.
        counts: Part and whole of each of the model's `shares`, in this batch.
    """

    logits: Tensor
    penalty: Tensor | float = 0.0
    counts: Sequence[tuple[int, int]] = ()


class Model(nn.Module):
    """A classifier that `fit` can train. A base class: a Protocol cannot ask for an `nn.Module`.

    Attributes:
        classes: C; labels are 0 to C - 1.
        shares: Names of the metrics that an `Output` counts, such as kept_share: sum of the parts
            over sum of the wholes of a side, 1 where the wholes are 0.
    """

    classes: int = 2
    shares: tuple[str, ...] = ()

    def forward(self, batch: Any, generator: torch.Generator | None = None) -> Output:
        """Classify a `Batch`.

        Args:
            batch: Of this model's own kind.
            generator: The only source of chance; None at evaluation, where nothing is drawn.
        """
        raise NotImplementedError

    def own_optimisers(self) -> list[Optimizer]:
        """Return new optimisers of the parameters that the loop's is to leave alone.

        They have neither schedule nor clipping.
        """
        return []

    def costs(self, batch: Any) -> dict[str, float]:
        """Return what this model alone can say of the cost of a forward pass over a `Batch`."""
        return {}
