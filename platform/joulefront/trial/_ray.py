"""Carry a trial on Ray: every trial goes through a trainer of Ray Train.

`per_trial.workers: 0` is Train's local mode, inside the trial's own Tune actor, which is reused:
about 10 ms a trial. It loads torch only where the trainable does, or for a GPU: torch is half of
what the start of a process costs. `workers: N` is a worker group in a placement group of its own,
which costs seconds, and pays where a trial needs several GPUs. Local mode must report through
`ray.tune` (`ray.train.report` raises inside a Tune session), a group through `ray.train`.
"""

from __future__ import annotations

import contextlib
import math
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ray import train, tune
from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

from joulefront.energy.gpu import GpuCounters
from joulefront.energy.host import Host
from joulefront.errors import JoulefrontError
from joulefront.trial._meter import RayHost
from joulefront.trial._nodes import OWN_NODE, NodeLeft
from joulefront.trial.assignment import ASSIGNMENT, Assignment, Place
from joulefront.trial.cores import Cores, leased_cores
from joulefront.trial.messages import MESSAGE, Message, Report, encode
from joulefront.trial.runner import run_trial

if TYPE_CHECKING:
    import torch


def tune_trial(config: Mapping[str, Any]) -> None:
    """Run the assignment in `config`: the function trainable that Tune calls."""
    assignment = Assignment.from_json(config[ASSIGNMENT])
    if assignment.workers == 0:
        _run_locally(assignment)
    else:
        from joulefront.trial._group import run_group

        run_group(assignment, _run_rank)


class TuneSink:
    """Send messages from the trial's Tune actor to the driver."""

    def __init__(self) -> None:
        self._stopped = False

    def send(self, message: Message) -> None:
        """Wait until Tune has taken the message.

        Raises:
            SystemExit: If Tune stops the trial there. Any later message, such as a `finally`
                might send, raises it too: Ray would wait for an answer to it.
            _Leaving: If the node is to leave, and the message had a checkpoint to go on from.
        """
        if self._stopped:
            sys.exit(0)
        try:
            tune.report({MESSAGE: encode(message)})
        except SystemExit:
            self._stopped = True
            raise
        if isinstance(message, Report) and message.moves:
            self._stopped = True
            raise _Leaving


class _Leaving(BaseException):
    """Ends an attempt on a node that is to leave; a trainable's `except Exception` lets it by."""


class TrainSink:
    """Send messages from a rank of a worker group; a barrier over the ranks."""

    def send(self, message: Message) -> None:
        """Wait until every rank has sent its message of this round."""
        train.report({MESSAGE: encode(message)})


def _run_locally(assignment: Assignment) -> None:
    if OWN_NODE.is_leaving():  # this process was here for an earlier trial
        raise _own_node_left()
    try:
        with (
            contextlib.suppress(JoulefrontError),  # told in the closing message; process is sound
            leased_cores(assignment.cpus) as cores,
        ):
            place = _place(assignment, _own_devices(assignment.gpus), cores)
            DataParallelTrainer(
                lambda: run_trial(assignment, place, TuneSink(), _host(assignment)),
                scaling_config=train.ScalingConfig(num_workers=0, use_gpu=assignment.gpus > 0),
            ).fit()
    except _Leaving:
        raise _own_node_left() from None


def _own_devices(gpus: float) -> list[torch.device]:
    """Return the devices that Ray has made visible to this process."""
    if not gpus:
        return []
    import torch

    return [torch.device("cuda", i) for i in range(math.ceil(gpus))]


def _own_node_left() -> NodeLeft:
    return NodeLeft(socket.gethostname(), notice=True)


def _run_rank(config: Mapping[str, Any]) -> None:
    assignment = Assignment.from_json(config[ASSIGNMENT])
    context = train.get_context()
    devices = []
    if assignment.gpus:
        from ray.train.torch import get_devices

        devices = get_devices()
    with leased_cores(assignment.cpus) as cores:
        place = _place(
            assignment,
            devices,
            cores,
            rank=context.get_world_rank(),
            world_size=context.get_world_size(),
        )
        run_trial(assignment, place, TrainSink(), _host(assignment))


def _host(assignment: Assignment) -> Host:
    """Return the host's meter; a trial without a store has no ledger."""
    return RayHost() if assignment.store else Host()


def _place(
    assignment: Assignment,
    devices: list[torch.device],
    cores: Cores,
    *,
    rank: int = 0,
    world_size: int = 1,
) -> Place:
    """Describe this process; its own devices are those that Ray has made visible to it."""
    uuids = tuple(map(_uuid, devices))
    return Place(
        rank=rank,
        world_size=world_size,
        device=str(devices[0]) if devices else "cpu",
        threads=Place.threads_for(assignment.cpus),
        cores=cores,
        gpu_uuids=uuids,
        gpu_shares=_shares(uuids, assignment.gpus),
        preempted=OWN_NODE.is_leaving,
    )


def _uuid(device: torch.device) -> str:
    """Return a device's name in NVML; a MIG slice can be made visible by its name only."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    name = visible[device.index] if device.index < len(visible) else ""
    if name.startswith("MIG-"):
        return name
    import torch

    return f"GPU-{torch.cuda.get_device_properties(device).uuid}"


def _shares(uuids: Sequence[str], gpus: float) -> dict[str, float]:
    """Return what is reserved of each device that is not reserved as a whole."""
    slices = GpuCounters(uuids).shares()
    shares = {uuid: min(1.0, gpus) * slices.get(uuid, 1.0) for uuid in uuids}
    return {uuid: share for uuid, share in shares.items() if share < 1.0}
