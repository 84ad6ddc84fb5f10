"""What a trial reserves, and how many trials fit."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from joulefront.spec import StudySpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """Reserved by one trial.

    Attributes:
        cpus: Over all its processes.
        processes: That do its work.
        gpus: Of each process: whole ones, or a share of one.
        is_group: The processes are a worker group's, and not the trial's own one.
    """

    cpus: int
    processes: int = 1
    gpus: float = 0.0
    is_group: bool = False

    @classmethod
    def of_trial(cls, spec: StudySpec) -> Resources:
        """Return what one trial of the study reserves."""
        each = spec.per_trial
        processes = max(1, each.workers)
        return cls(
            cpus=processes * each.cpus,
            processes=processes,
            gpus=each.gpus,
            is_group=each.workers > 0,
        )

    def fitting(self, nodes: Iterable[tuple[float, float]]) -> int:
        """Return how many such trials fit at once without sharing a core, at least 1.

        Args:
            nodes: CPUs and GPUs of each; a group may span several, a process may not.
        """
        held = sum(self._processes_on(cpus, int(gpus)) for cpus, gpus in nodes)
        return max(1, held // self.processes)

    def _processes_on(self, cpus: float, gpus: int) -> int:
        processes = int(cpus // (self.cpus // self.processes))
        return min(processes, self._holding(gpus)) if self.gpus else processes

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
