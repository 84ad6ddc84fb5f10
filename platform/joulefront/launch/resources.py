"""What a trial reserves, and how many trials fit."""

from __future__ import annotations

import os
from dataclasses import dataclass

from joulefront.spec import StudySpec

COORDINATION_CPUS = 0.001
"""Reserved by the actor of a trial whose work is done by a worker group."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """Reserved by one trial, over all its processes."""

    cpus: int
    gpus: int

    @classmethod
    def of_trial(cls, spec: StudySpec) -> Resources:
        """Return what one trial of the study reserves."""
        processes = max(1, spec.per_trial.workers)
        return cls(cpus=processes * spec.per_trial.cpus, gpus=processes * spec.per_trial.gpus)

    def fitting(self, cpus: float, gpus: float) -> int:
        """Return how many such trials fit at once, at least 1."""
        slots = int(cpus // self.cpus)
        if self.gpus:
            slots = min(slots, int(gpus // self.gpus))
        return max(1, slots)


def local_cores() -> int:
    """Return the cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
