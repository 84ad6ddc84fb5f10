"""What the model is fed: tensors of one side of a split, and batches of them.

Shapes: `B` samples, `P` planes, `S` pixels a side, `F` numeric and `C` categorical columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from trainables.cohorts.preprocessing import Inputs, Preprocessing
from trainables.training.batches import take_rows

MODALITIES = ("categorical", "numeric", "image")  # order of the cascade: SMMT's caption of Fig 2


class InputShape(NamedTuple):
    """What the tokenisers must know of a cohort; a modality it lacks has no columns.

    Attributes:
        planes: P, 0 without images.
        image_size: S.
        numeric: F.
        levels: Number of levels of each of the C categorical columns.
    """

    planes: int
    image_size: int
    numeric: int
    levels: tuple[int, ...]

    @classmethod
    def of(cls, preprocessing: Preprocessing, image_size: int) -> InputShape:
        """Read it from what the preprocessing was fitted on."""
        return cls(
            planes=len(preprocessing.planes),
            image_size=image_size,
            numeric=len(preprocessing.numeric_names),
            levels=tuple(len(levels) for levels in preprocessing.categorical_levels),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples of one side.

    Attributes:
        images: (B, P, S, S) float32.
        numeric: (B, F) float32.
        numeric_missing: (B, F) bool.
        categorical: (B, C) int64, -1 where missing.
        present: (B, 3) bool on the CPU, whether a sample has each of `MODALITIES`.
        labels: (B,) int64.
    """

    images: Tensor
    numeric: Tensor
    numeric_missing: Tensor
    categorical: Tensor
    present: Tensor
    labels: Tensor

    @classmethod
    def of(cls, inputs: Inputs, device: torch.device) -> Batch:
        """Move a whole side to the device; a modality without a value at all is absent."""
        present = np.stack(
            [
                (inputs.categorical >= 0).any(axis=1),
                (~inputs.numeric_missing).any(axis=1),
                inputs.image_present,
            ],
            axis=1,
        )
        return cls(
            images=torch.from_numpy(inputs.images).to(device),
            numeric=torch.from_numpy(inputs.numeric).to(device),
            numeric_missing=torch.from_numpy(inputs.numeric_missing).to(device),
            categorical=torch.from_numpy(inputs.categorical).to(device),
            present=torch.from_numpy(present),
            labels=torch.from_numpy(inputs.labels).to(device),
        )

    def take(self, rows: Tensor | Sequence[int]) -> Batch:
        """Return the samples at these positions."""
        return take_rows(self, rows)

    def __len__(self) -> int:
        return len(self.labels)
