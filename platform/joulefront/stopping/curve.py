"""One trial's objectives over its epochs, as far as they are known: what stopping rules look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """The reports of one trial.

    Attributes:
        trial_id: Of the trial.
        epochs: Shape (k,), rising from 1; k = 0 before the first report.
        objectives: Shape (k, m), minimised; energy is what was spent up to that epoch. NaN where
            an objective is only known at the end.
        final_epoch: The last that the trial will have; None where nobody knows.
        state: "complete" only if the last row is a full-fidelity value.
    """

    trial_id: str
    epochs: NDArray[np.int64]
    objectives: NDArray[np.float64]
    final_epoch: int | None
    state: Literal["running", "complete", "pruned"]
