"""A trial that is a worker group: Train's controller, its ranks, and how the group is ended.

The group has a placement group of its own, which Ray leaves behind where the controller dies, and
holds its cores for as long as the controller lives. It is therefore never Tune that stops a trial:
the controller is told so (`_group_ends.py`), and ends itself and the group within a second. The
ranks' code is `_ray.py`'s.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import cache
from typing import Any

import ray
from ray import train, tune
from ray.exceptions import RayActorError
from ray.train import UserCallback
from ray.train.torch import TorchTrainer
from ray.train.v2._internal.execution.callback import ControllerCallback
from ray.util.queue import Empty, Queue

from joulefront.trial._group_ends import PROCESS_DIED, RankLost, forget_stop, is_told_to_stop
from joulefront.trial._nodes import NodeLeft, node_left
from joulefront.trial._rendezvous import OneAddress
from joulefront.trial.assignment import ASSIGNMENT, Assignment
from joulefront.trial.messages import MESSAGE, Report, decode, encode, merge

_TRAIN = {
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.05",  # 2 s: a report would cost 1.6 s
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",  # one process more; the ranks look themselves
}
_NOT_NEEDED = frozenset({"DatasetsCallback", "PlacementGroupCleanerCallback"})
"""Of Train's callbacks: the first is for Ray Data, the second leaves 600 MB on the head."""

_LOOK_SECONDS = 0.25


def run_group(assignment: Assignment, run_rank: Callable[[Mapping[str, Any]], None]) -> None:
    """Run a trial's worker group from the trial's Tune actor until it ends.

    Args:
        assignment: Of the trial.
        run_rank: What each rank does with a configuration that holds the assignment.

    Raises:
        NodeLeft: If a node has taken ranks with it, or is to leave.
        Exception: What else ended the group, unless it was told to end.
    """
    for name, value in _TRAIN.items():
        os.environ.setdefault(name, value)
    resources = {"CPU": float(assignment.cpus), "GPU": float(assignment.gpus)}
    context = tune.get_context()
    tune_id = context.get_trial_id()
    trainer = _Trainer(
        run_rank,
        train_loop_config={ASSIGNMENT: assignment.to_json()},
        torch_config=OneAddress(),
        scaling_config=train.ScalingConfig(
            num_workers=assignment.workers,
            use_gpu=assignment.gpus > 0,
            resources_per_worker={name: n for name, n in resources.items() if n},
        ),
        run_config=train.RunConfig(
            name=f"{assignment.trial_id}-{assignment.attempt}",
            storage_path=context.get_trial_dir(),
            callbacks=[GroupReport(_messages(), tune_id), _EndWhenTold(tune_id)],
        ),
    )
    try:
        _forward(_messages(), tune_id, _begun(trainer.fit))
    except Exception as error:
        if forget_stop(tune_id):
            return
        raise _node_left(error) or _lost_rank(error) or error from None


@cache
def _messages() -> Queue:
    """Return the queue between controllers and this process, which all its trials share."""
    return Queue(actor_options={"num_cpus": 0})


def _begun(fit: Callable[[], Any]) -> Future[Any]:
    """Begin to run a group in a thread, which dies with the process."""
    fitted: Future[Any] = Future()

    def run() -> None:
        try:
            fitted.set_result(fit())
        except BaseException as error:
            fitted.set_exception(error)

    threading.Thread(target=run, name="group", daemon=True).start()
    return fitted


def _forward(messages: Queue, tune_id: str, fitted: Future[Any]) -> None:
    """Report to Tune what the group says, all of it, until the group has ended.

    Raises:
        Exception: What ended the group.
        SystemExit: If Tune stops the trial.
    """
    while True:
        has_ended = fitted.done()
        try:
            sender, text = messages.get(timeout=_LOOK_SECONDS)
            if sender == tune_id:
                tune.report({MESSAGE: text})
        except Empty:
            if has_ended:
                break
    fitted.result()


class GroupReport(UserCallback):
    """Send what the ranks of a group report as one message, with everybody's energy.

    Ray's own callback forwards rank 0's metrics only, and Tune may lose the last of them, or hang,
    where the group ends soon after: two threads then write into a queue that holds one item.

    Args:
        messages: Where to.
        tune_id: Of Tune's trial.
    """

    def __init__(self, messages: Queue, tune_id: str) -> None:
        self._messages = messages
        self._tune_id = tune_id
        self._plain: Report | None = None

    def after_report(
        self, run_context: Any, metrics: list[dict[str, Any]], checkpoint: Any | None
    ) -> None:
        """Merge the ranks' messages.

        An unmodified Train loop's metrics become a report, and its last ones those of the closing
        message.

        Raises:
            NodeLeft: If a rank's node is to leave, and there is a checkpoint to go on from.
        """
        if all(MESSAGE in values for values in metrics):
            message = merge([decode(values[MESSAGE]) for values in metrics])
            if self._plain is not None:
                message = dataclasses.replace(message, metrics=self._plain.metrics)
        else:
            epoch = self._plain.epoch + 1 if self._plain else 1
            message = self._plain = Report(epoch=epoch, metrics=_numbers(metrics[0]))
        self._messages.put((self._tune_id, encode(message)))
        if isinstance(message, Report) and message.moves:
            raise NodeLeft("a node of its worker group", notice=True)


class _EndWhenTold(ControllerCallback):
    """In the controller's process: end it and its group when `stop_group` says so."""

    def __init__(self, tune_id: str) -> None:
        self._tune_id = tune_id

    def after_controller_start(self, train_run_context: Any) -> None:
        """Begin to look."""
        controller = ray.get_runtime_context().current_actor
        threading.Thread(target=self._look, args=(controller,), daemon=True).start()

    def _look(self, controller: Any) -> None:
        ended = threading.Event()
        while not is_told_to_stop(self._tune_id):
            ended.wait(_LOOK_SECONDS)
        controller.abort.remote()


class _Trainer(TorchTrainer):
    """Without what starts a process for each trial that nobody needs here."""

    def _create_default_callbacks(self) -> list[Any]:
        callbacks = super()._create_default_callbacks()
        return [c for c in callbacks if type(c).__name__ not in _NOT_NEEDED]


def _node_left(error: Exception) -> NodeLeft | None:
    """Return which node has ended a group, None if none has."""
    ends = [*_failures(error).values(), getattr(error, "controller_failure", None), error]
    return next((left for left in map(node_left, ends) if left), None)


def _lost_rank(error: Exception) -> Exception | None:
    """Return what to say of a rank that has died, None if none has; Ray says a page."""
    lost = [rank for rank, end in _failures(error).items() if isinstance(end, RayActorError)]
    return RankLost(f"rank {lost[0]}: {PROCESS_DIED}") if lost else None


def _failures(error: Exception) -> dict[int, Exception]:
    """Return what ended each rank that has failed."""
    failures: dict[int, Exception] = getattr(error, "worker_failures", {})
    return {
        rank: getattr(failure, "health_check_failure", failure)
        for rank, failure in failures.items()
    }


def _numbers(metrics: Mapping[str, Any]) -> dict[str, Any]:
    scalars = {k: v.item() if hasattr(v, "item") else v for k, v in metrics.items()}
    return {k: v for k, v in scalars.items() if isinstance(v, (bool, int, float, str))}
