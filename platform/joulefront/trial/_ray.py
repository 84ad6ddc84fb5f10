"""Carry a trial on Ray: every trial goes through `ray.train.torch.TorchTrainer`.

`per_trial.workers: 0` is Train's local mode, inside the trial's own Tune actor, which is reused:
about 10 ms a trial. `workers: N` is a worker group in a placement group of its own, which costs
seconds, and pays where a trial needs several GPUs. Local mode must report through `ray.tune`
(`ray.train.report` raises inside a Tune session), a group through `ray.train`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from ray import train, tune
from ray.experimental import internal_kv
from ray.train.torch import TorchTrainer, get_devices
from ray.tune.integration.ray_train import TuneReportCallback

from joulefront.energy.gpu import GpuCounters
from joulefront.energy.host import Host, NoHost
from joulefront.errors import JoulefrontError
from joulefront.trial._meter import RayHost
from joulefront.trial._nodes import OWN_NODE, NodeLeft
from joulefront.trial.assignment import Assignment, Place
from joulefront.trial.cores import Cores, leased_cores
from joulefront.trial.messages import Message, Report, decode, encode, merge
from joulefront.trial.runner import run_trial

MESSAGE = "joulefront_message"
"""Key of a Tune or Train report under which a message travels."""

ASSIGNMENT = "joulefront_assignment"
"""Key of a Tune configuration under which an assignment travels."""

_TORCHRUN = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def tune_trial(config: Mapping[str, Any]) -> None:
    """Run the assignment in `config`: the function trainable that Tune calls."""
    assignment = Assignment.from_json(config[ASSIGNMENT])
    if assignment.workers == 0:
        _run_locally(assignment)
    else:
        _run_group(assignment)


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
        if _moves(message):
            self._stopped = True
            raise _Leaving


class _Leaving(BaseException):
    """Ends an attempt on a node that is to leave; a trainable's `except Exception` lets it by."""


def _moves(message: Message) -> bool:
    """Return whether an attempt is to end here and go on elsewhere."""
    return isinstance(message, Report) and message.preempted and message.checkpoint is not None


class TrainSink:
    """Send messages from a rank of a worker group; a barrier over the ranks."""

    def send(self, message: Message) -> None:
        """Wait until every rank has sent its message of this round."""
        train.report({MESSAGE: encode(message)})


def stop_group(tune_id: str) -> None:
    """Have the worker group of one of Tune's trials end at its next report.

    If Tune stopped the trial itself, the group would keep its resources: Ray's cleaner of
    placement groups asks the dashboard, and there may be none.
    """
    internal_kv._internal_kv_put(_stop_key(tune_id), b"")


def _stop_key(tune_id: str) -> bytes:
    return f"joulefront/stop/{tune_id}".encode()


class GroupReport(TuneReportCallback):
    """Forward what the ranks of a group report as one message, with everybody's energy.

    Ray's own callback forwards rank 0's metrics only.

    Args:
        tune_id: Of Tune's trial.
    """

    def __init__(self, tune_id: str) -> None:
        super().__init__()
        self._tune_id = tune_id
        self._plain: Report | None = None

    def after_report(
        self, run_context: Any, metrics: list[dict[str, Any]], checkpoint: Any | None
    ) -> None:
        """Merge the ranks' messages.

        An unmodified Train loop's metrics become a report, and its last ones those of the closing
        message.

        Raises:
            InterruptedError: If the group is to stop; Train then ends it and frees its resources.
        """
        if internal_kv._internal_kv_exists(_stop_key(self._tune_id)):
            raise InterruptedError
        if all(MESSAGE in values for values in metrics):
            message = merge([decode(values[MESSAGE]) for values in metrics])
            if self._plain is not None:
                message = dataclasses.replace(message, metrics=self._plain.metrics)
        else:
            epoch = self._plain.epoch + 1 if self._plain else 1
            message = self._plain = Report(epoch=epoch, metrics=_numbers(metrics[0]))
        super().after_report(run_context, [{MESSAGE: encode(message)}], None)


def _numbers(metrics: Mapping[str, Any]) -> dict[str, Any]:
    scalars = {k: v.item() if hasattr(v, "item") else v for k, v in metrics.items()}
    return {k: v for k, v in scalars.items() if isinstance(v, (bool, int, float, str))}


def _run_locally(assignment: Assignment) -> None:
    for variable in _TORCHRUN:
        os.environ.pop(variable, None)
    devices = [torch.device("cuda", i) for i in range(math.ceil(assignment.gpus))]
    if OWN_NODE.is_leaving():  # this process was here for an earlier trial
        raise _own_node_left()
    try:
        with (
            contextlib.suppress(JoulefrontError),  # told in the closing message; process is sound
            leased_cores(assignment.cpus) as cores,
        ):
            place = _place(assignment, devices, cores)
            TorchTrainer(
                lambda: run_trial(assignment, place, TuneSink(), _host(assignment)),
                scaling_config=train.ScalingConfig(num_workers=0, use_gpu=assignment.gpus > 0),
            ).fit()
    except _Leaving:
        raise _own_node_left() from None


def _own_node_left() -> NodeLeft:
    return NodeLeft(socket.gethostname(), notice=True)


def _run_group(assignment: Assignment) -> None:
    resources = {"CPU": float(assignment.cpus), "GPU": float(assignment.gpus)}
    context = tune.get_context()
    trainer = TorchTrainer(
        _run_rank,
        train_loop_config={ASSIGNMENT: assignment.to_json()},
        scaling_config=train.ScalingConfig(
            num_workers=assignment.workers,
            use_gpu=assignment.gpus > 0,
            resources_per_worker={name: n for name, n in resources.items() if n},
        ),
        run_config=train.RunConfig(
            name=f"{assignment.trial_id}-{assignment.attempt}",
            storage_path=context.get_trial_dir(),
            callbacks=[GroupReport(context.get_trial_id())],
        ),
    )
    try:
        trainer.fit()
    except Exception:
        if not internal_kv._internal_kv_del(_stop_key(context.get_trial_id())):
            raise


def _run_rank(config: Mapping[str, Any]) -> None:
    assignment = Assignment.from_json(config[ASSIGNMENT])
    context = train.get_context()
    with leased_cores(assignment.cpus) as cores:
        place = _place(
            assignment,
            get_devices() if assignment.gpus else [],
            cores,
            rank=context.get_world_rank(),
            world_size=context.get_world_size(),
        )
        run_trial(assignment, place, TrainSink(), _host(assignment))


def _host(assignment: Assignment) -> Host:
    """Return the host's meter; a trial without a store has no ledger."""
    return RayHost() if assignment.store else NoHost()


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
    return f"GPU-{torch.cuda.get_device_properties(device).uuid}"


def _shares(uuids: Sequence[str], gpus: float) -> dict[str, float]:
    """Return what is reserved of each device that is not reserved as a whole."""
    slices = GpuCounters(uuids).shares()
    shares = {uuid: min(1.0, gpus) * slices.get(uuid, 1.0) for uuid in uuids}
    return {uuid: share for uuid, share in shares.items() if share < 1.0}
