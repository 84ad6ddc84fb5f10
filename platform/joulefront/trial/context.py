"""The trial as a trainable sees it.

`TrialContext` knows neither Ray nor torch: what it has to say goes through a `Sink`, which is
Tune's report, Train's report, or a terminal. It checks what a trainable says, counts its epochs
and keeps its energy windows; it never decides whether a trial goes on.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

from joulefront.errors import JoulefrontError, SplitError, TrainableError
from joulefront.store import SCHEMAS, fetched, patiently, save_checkpoint
from joulefront.trial.assignment import Assignment, Place
from joulefront.trial.memory import is_out_of_memory
from joulefront.trial.messages import Closing, Event, Message, MetricValue, Report
from joulefront.trial.metering import AttemptMeter

PLATFORM_METRICS = frozenset({"epoch", *SCHEMAS["trials"].names})
"""Columns of the platform's own, which a trainable may not report."""


class Sink(Protocol):
    """Where the messages of a trial go."""

    def send(self, message: Message) -> None:
        """Hand over one message; may wait until it has arrived."""
        ...


class TrialContext:
    """One attempt of one trial, from the inside.

    Args:
        assignment: What to do.
        place: Where this process stands.
        sink: Where messages go.
        meter: The attempt's energy windows.
        node_class: Kind of machine that this is.
        first_epoch: The epoch of the restored checkpoint, 0 without one.
    """

    def __init__(
        self,
        assignment: Assignment,
        place: Place,
        *,
        sink: Sink,
        meter: AttemptMeter,
        node_class: str = "",
        first_epoch: int = 0,
    ) -> None:
        self._assignment = assignment
        self._place = place
        self._sink = sink
        self._meter = meter
        self._node_class = node_class
        self._epoch = first_epoch
        self._called = time.monotonic()
        self._metrics: dict[str, MetricValue] = dict(assignment.checkpoint_metrics)
        self._events: list[Event] = []
        self._finished = False
        self._scratch = ExitStack()
        self._restored: Path | None = None

    @property
    def seed(self) -> int:
        """Seed of every random number the trainable draws."""
        return self._assignment.seed

    @property
    def fold(self) -> int:
        """Outer fold, from 0, whose test side this trial scores."""
        return self._assignment.fold

    @property
    def data(self) -> Mapping[str, Any]:
        """The study file's `data` section as given."""
        return self._assignment.data

    @property
    def device(self) -> str:
        """The CPU as "cpu", or this process's CUDA device."""
        return self._place.device

    @property
    def threads(self) -> int:
        """Threads that numerical libraries may use."""
        return self._place.threads

    @property
    def rank(self) -> int:
        """Rank of this process in the trial's worker group, 0 without one."""
        return self._place.rank

    @property
    def world_size(self) -> int:
        """Processes in the trial's worker group, 1 without one."""
        return self._place.world_size

    @property
    def preempted(self) -> bool:
        """Whether this process's node has had notice to leave, as spot instances have.

        Save a checkpoint with the next report then: the attempt ends there, and another one goes
        on from it on another node. Without a checkpoint it runs until the node is gone. It is
        cheap to ask, and may differ between the ranks of a worker group.
        """
        return self._place.preempted()

    def report(self, metrics: Mapping[str, Any], checkpoint: Path | None = None) -> None:
        """Report one epoch.

        In a worker group every rank must call this equally often; rank 0's metrics count.

        Args:
            metrics: Numbers, truth values or text by name; NaN is kept as it is.
            checkpoint: Folder whose files are copied into the store before the report counts.

        Raises:
            TrainableError: If a metric is no scalar, or has a name that the platform measures.
        """
        self._metrics = _scalars(metrics)
        self._epoch += 1
        self._sink.send(
            Report(
                epoch=self._epoch,
                metrics=self._metrics,
                charges=self._meter.charges(),
                duration_seconds=self._elapsed(),
                checkpoint=self._keep(checkpoint),
                preempted=self.preempted,
                events=self._take_events(),
            )
        )

    def restored_checkpoint(self) -> Path | None:
        """Return the folder to go on from, or None for a fresh start.

        Where that was saved after the last epoch, nothing is left to report: its metrics count.
        """
        if self._assignment.checkpoint is not None and self._restored is None:
            self._restored = self._scratch.enter_context(fetched(self._assignment.checkpoint))
        return self._restored

    def release(self) -> None:
        """Remove what was fetched for this attempt."""
        self._scratch.close()

    def measured(self) -> AbstractContextManager[None]:
        """Charge what happens inside to the trial, and nothing else.

        Open it after imports, data and one warm-up step; close it before any probe. A trainable
        that never opens it is charged from the call of `train` to its return.
        """
        return self._meter.window()

    def inference(self, samples: int) -> AbstractContextManager[None]:
        """Measure what the trained model costs a sample: `inference_energy_joules_per_sample`.

        It is dynamic CPU and GPU energy, and no part of `energy_joules` where there is a window of
        the training. Open it after that, as often as you like; a GPU must have ended its work when
        it closes.

        Args:
            samples: That pass through the model inside, repeated ones counted each time. Less than
                0.2 s of work in all is lost in noise.

        Raises:
            TrainableError: If a window is open already, or there are no samples.
        """
        return self._meter.inference(samples)

    def record_split(
        self, *, train: Iterable[str], validation: Iterable[str], test: Iterable[str]
    ) -> None:
        """Keep the subjects of each side with the trial.

        Raises:
            SplitError: If a subject stands on two sides.
        """
        sides = {"train": sorted(train), "validation": sorted(validation), "test": sorted(test)}
        seen: dict[str, str] = {}
        for side, subjects in sides.items():
            for subject in subjects:
                if seen.setdefault(subject, side) != side:
                    raise SplitError(
                        "a subject must stand on one side of a split",
                        given=f"{subject!r} in {seen[subject]} and in {side}",
                        remedy="group rows by subject before splitting",
                    )
        self._events.append(Event(kind="split", details={"fold": self.fold} | sides))

    def record_predictions(self, labels: Mapping[str, int], scores: Mapping[str, float]) -> None:
        """Keep the scores of the outer test fold, so that folds can be pooled.

        Args:
            labels: True class, 0 or 1, by subject.
            scores: Probability of class 1, by subject.

        Raises:
            TrainableError: If the two do not name the same subjects.
        """
        if labels.keys() != scores.keys():
            raise TrainableError(
                "labels and scores must name the same subjects",
                given=f"{len(labels)} labels and {len(scores)} scores",
            )
        details = {
            "fold": self.fold,
            "labels": {subject: int(label) for subject, label in labels.items()},
            "scores": {subject: float(score) for subject, score in scores.items()},
        }
        self._events.append(Event(kind="predictions", details=details))

    def finish(self, metrics: Mapping[str, Any]) -> None:
        """Add what is measured once, after the window: `test_*` and cost metrics.

        Raises:
            TrainableError: If called twice, or with a metric that `report` would refuse.
        """
        if self._finished:
            raise TrainableError("trial.finish() must be called once", given="a second call")
        self._finished = True
        self._metrics = self._metrics | _scalars(metrics)

    def closing(self) -> Closing:
        """Return the closing message of an attempt whose `train` has returned."""
        return self._closing("complete")

    def fail(self, error: BaseException, traceback: str) -> None:
        """Send the closing message of an attempt that has raised."""
        known = isinstance(error, JoulefrontError)
        closing = self._closing("failed")
        self._sink.send(
            dataclasses.replace(
                closing,
                failure=str(error) if known else f"{type(error).__name__}: {error}",
                retryable=not known,
                out_of_memory=is_out_of_memory(error),
                traceback=traceback,
            )
        )

    def _closing(self, state: Literal["complete", "failed"]) -> Closing:
        meter = self._meter
        return Closing(
            state=state,
            metrics=self._metrics,
            charges=meter.final_charges(),
            duration_seconds=self._elapsed(),
            quality_reasons=meter.degradations(),
            foreign_cpu_share=meter.foreign_share(),
            node_class=self._node_class,
            inference_energy_joules_per_sample=meter.inference_joules_per_sample(),
            events=self._take_events(),
        )

    def _keep(self, checkpoint: Path | None) -> str | None:
        assignment = self._assignment
        if checkpoint is None or assignment.store is None or self.rank != 0:
            return None
        whose = (assignment.store, assignment.trial_id, assignment.attempt, self._epoch)
        save = partial(save_checkpoint, *whose, checkpoint, self._metrics)
        return patiently(save, tell=print)

    def _elapsed(self) -> float:
        return time.monotonic() - self._called

    def _take_events(self) -> tuple[Event, ...]:
        events, self._events = tuple(self._events), []
        return events


def _scalars(metrics: Mapping[str, Any]) -> dict[str, MetricValue]:
    """Turn NumPy and torch scalars into Python's, and refuse everything else."""
    checked: dict[str, MetricValue] = {}
    for name, value in metrics.items():
        if name in PLATFORM_METRICS:
            raise TrainableError(
                "a trainable must not report what the platform measures",
                given=f"metric {name!r}",
                remedy="give it another name",
            )
        scalar = value.item() if getattr(value, "shape", None) == () else value
        if not isinstance(scalar, (bool, int, float, str)):
            raise TrainableError(
                "a metric must be a number, a truth value or text",
                given=f"{name} = {type(value).__name__}",
            )
        checked[name] = scalar
    return checked
