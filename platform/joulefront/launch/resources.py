"""What a trial reserves, and how many trials fit."""

from __future__ import annotations

import os
from dataclasses import dataclass

from joulefront.spec import StudySpec

COORDINATION_CPUS = 0.001
"""Reserved by the actor of a trial whose work is done by a worker group."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """Reserved by one trial.

    Attributes:
        cpus: Over all its processes.
        processes: That do its work.
        gpus: Of each process: whole ones, or a share of one.
    """

    cpus: int
    processes: int = 1
    gpus: float = 0.0

    @classmethod
    def of_trial(cls, spec: StudySpec) -> Resources:
        """Return what one trial of the study reserves."""
        each = spec.per_trial
        processes = max(1, each.workers)
        return cls(cpus=processes * each.cpus, processes=processes, gpus=each.gpus)

    def fitting(self, cpus: float, gpus: float) -> int:
        """Return how many such trials fit at once without sharing a core, at least 1."""
        slots = int(cpus // self.cpus)
        if self.gpus:
            slots = min(slots, self._holding(int(gpus)) // self.processes)
        return max(1, slots)

    def _holding(self, gpus: int) -> int:
        """Return how many processes so many GPUs hold; a share lies within one GPU."""
        if self.gpus < 1:
            return gpus * int(1 / self.gpus + 1e-9)
        return int(gpus // self.gpus)


def local_cores() -> int:
    """Return the cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
