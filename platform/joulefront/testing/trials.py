"""A trial that runs in a test and remembers what a trainable told it."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joulefront.energy import ProcessCounters, power_model
from joulefront.energy.host import Host
from joulefront.trial import Assignment, Place, TrialContext
from joulefront.trial.messages import Event, Message, Report
from joulefront.trial.metering import AttemptMeter, registration_of


class RecordingTrial(TrialContext):
    """A `TrialContext` without a platform around it.

    Args:
        data: The study file's `data` section.
        seed: Of the trial.
        fold: Outer fold.
        parameters: Kept with the assignment; the trainable gets its Config from the caller.
        checkpoint: Folder to go on from.
        store: Folder that takes checkpoints; by default one that goes with this object.
        threads: For numerical libraries.

    Attributes:
        reports: Metrics of each `report`, in order.
        checkpoints: Folders that were kept in the store, in order.
        finished: Metrics of `finish`, empty until then.
    """

    def __init__(
        self,
        *,
        data: Mapping[str, Any] | None = None,
        seed: int = 0,
        fold: int = 0,
        parameters: Mapping[str, Any] | None = None,
        checkpoint: Path | None = None,
        store: Path | None = None,
        threads: int = 1,
    ) -> None:
        folder = store or self._own_folder()
        assignment = Assignment(
            trainable="tests:train",
            trial_id="c0000-f0-s0",
            config_id="c0000",
            fold=fold,
            seed=seed,
            parameters=dict(parameters or {}),
            data=dict(data or {}),
            store=str(folder),
            checkpoint=None if checkpoint is None else str(checkpoint),
        )
        place = Place(threads=threads)
        counters = ProcessCounters()
        meter = AttemptMeter(
            counters,
            power_model(),
            registration_of(assignment, place, counters.read()),
            host=Host(),
            host_name=place.host,
        )
        super().__init__(assignment, place, sink=self, meter=meter)
        self.messages: list[Message] = []
        self.reports: list[dict[str, Any]] = []
        self.checkpoints: list[Path] = []
        self.finished: dict[str, Any] = {}

    def _own_folder(self) -> Path:
        """Return a new folder, which goes when this object does."""
        folder = Path(tempfile.mkdtemp(prefix="joulefront-trial-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def send(self, message: Message) -> None:
        """Remember a message: this is the trial's own sink."""
        self.messages.append(message)
        if isinstance(message, Report):
            self.reports.append(dict(message.metrics))
            if message.checkpoint is not None:
                self.checkpoints.append(Path(message.checkpoint))

    def finish(self, metrics: Mapping[str, Any]) -> None:
        """Remember the closing metrics."""
        super().finish(metrics)
        self.finished = dict(metrics)

    @property
    def events(self) -> list[Event]:
        """Events up to now, sent or waiting."""
        sent = [event for message in self.messages for event in message.events]
        return [*sent, *self._events]

    @property
    def split(self) -> Mapping[str, Any]:
        """Subjects of the last recorded split by side."""
        return self._last("split")

    @property
    def predictions(self) -> Mapping[str, Any]:
        """The last recorded predictions: fold, labels and scores."""
        return self._last("predictions")

    def _last(self, kind: str) -> Mapping[str, Any]:
        return next((event.details for event in reversed(self.events) if event.kind == kind), {})
