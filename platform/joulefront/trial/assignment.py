"""What one attempt of one trial is told to do, and where it finds itself.

An `Assignment` travels from the driver to the worker as JSON text, so that nothing is pickled on
the way and a line of it can be read in a log. A `Place` is made on the worker.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from joulefront.energy.reference import Reference
from joulefront.trial.cores import Cores

ASSIGNMENT = "joulefront_assignment"
"""Key of a Tune or Train configuration under which an assignment travels."""

Role = Literal["search", "replicate", "enqueued"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """One attempt of one trial.

    Attributes:
        trainable: "module:function" or "path/to/file.py:function".
        trial_id: Unique in the study; names its folders.
        config_id: The configuration it belongs to; replicates share one.
        attempt: 1 for the first try.
        role: Why it runs.
        fold: Outer fold whose test side this trial scores.
        seed: Seed of every random number the trainable draws.
        parameters: The study's `fixed` values and the proposed ones.
        data: The study file's `data` section as given.
        objectives: Metrics without which the trial has failed.
        power_model: `PowerModel.to_dict()`, stated once for the study.
        node_class: Of the machine that the power model is about; empty: of whichever it runs on.
        reference: The machine that energy is normalised to, as `study.json` has it, if it is.
        workers: Ray Train workers; 0 runs inside the trial's own actor.
        cpus: Reserved cores of each process.
        gpus: Reserved GPUs of each process: whole ones, or a share of one.
        allow_shared_gpu: Energy may be an objective on a share of a GPU.
        store: Study directory for checkpoints and logs; None stores nothing.
        checkpoint: Folder of an earlier attempt to go on from.
        checkpoint_epoch: After which epoch that was saved.
        checkpoint_metrics: Which were reported with it.
    """

    trainable: str
    trial_id: str
    config_id: str
    attempt: int = 1
    role: Role = "search"
    fold: int = 0
    seed: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    objectives: tuple[str, ...] = ()
    power_model: Mapping[str, Any] = field(default_factory=dict)
    node_class: str = ""
    reference: Reference | None = None
    workers: int = 0
    cpus: int = 1
    gpus: float = 0.0
    allow_shared_gpu: bool = False
    store: str | None = None
    checkpoint: str | None = None
    checkpoint_epoch: int = 0
    checkpoint_metrics: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the text that `from_json` reads back to an equal assignment."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Assignment:
        """Read what `to_json` wrote."""
        values = json.loads(text)
        values["objectives"] = tuple(values["objectives"])
        return cls(**values)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where an attempt runs.

    Attributes:
        rank: Of this process in the trial's worker group.
        world_size: Processes of the group; 1 without a group.
        device: "cpu", or a CUDA device such as "cuda:0".
        threads: What numerical libraries may use: the reserved cores, as far as there are any.
        cores: Those that it is pinned to.
        gpu_uuids: Its devices.
        gpu_shares: Of those that it does not have to itself, by UUID.
        host: Name of the machine.
        preempted: Tells whether its node has had notice to leave.
    """

    rank: int = 0
    world_size: int = 1
    device: str = "cpu"
    threads: int = 1
    cores: Cores = field(default_factory=Cores)
    gpu_uuids: tuple[str, ...] = ()
    gpu_shares: Mapping[str, float] = field(default_factory=dict)
    host: str = field(default_factory=socket.gethostname)
    preempted: Callable[[], bool] = bool  # never

    @staticmethod
    def threads_for(cpus: int) -> int:
        """Return min(reserved, available) cores, at least 1."""
        return max(1, min(cpus, len(os.sched_getaffinity(0)) if _HAS_AFFINITY else cpus))


_HAS_AFFINITY = hasattr(os, "sched_getaffinity")
