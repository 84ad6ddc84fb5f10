"""One study as it runs: the agenda, the recorder and the budgets together, still without Ray.

Whoever carries trials out (Tune, or a test) asks the conductor for assignments and tells it what
came of them. A trial counts as finished when its closing message is durable in the store, not
when its process says that it is done.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joulefront.errors import ObjectiveError
from joulefront.launch.agenda import Agenda, TrialPlan
from joulefront.launch.recorder import Recorder
from joulefront.spec import StudySpec
from joulefront.store import Checkpoint, latest_checkpoint
from joulefront.trial import Assignment, objective_values
from joulefront.trial.messages import Closing, Event, Message, Report

JOULES_PER_WATT_HOUR = 3600.0


class Conductor:
    """Hand out assignments and take in messages.

    Args:
        agenda: The plan, new or restored.
        recorder: The store's writer.
        store: The study directory.
        header: Of the study: each trial is told its power model, node class and reference.
        elapsed_seconds: What earlier drivers have used of `budget.hours`.
        searched_joules: What earlier drivers have spent themselves of `budget.energy_wh`.
    """

    def __init__(
        self,
        agenda: Agenda,
        recorder: Recorder,
        *,
        store: Path,
        header: Mapping[str, Any],
        elapsed_seconds: float = 0.0,
        searched_joules: float = 0.0,
    ) -> None:
        self.agenda = agenda
        self._recorder = recorder
        self.store = store
        self._header = header
        self._began = time.monotonic() - elapsed_seconds
        self._searched_joules = searched_joules
        self._began_cpu = time.process_time()
        self._closed: set[str] = set()
        self.last_reports: dict[str, Report] = {}
        self.durations: list[float] = []
        self.stopping = False

    @property
    def spec(self) -> StudySpec:
        """What the study is."""
        return self.agenda.spec

    @property
    def elapsed_seconds(self) -> float:
        """Time that drivers of this study have run, this one included."""
        return time.monotonic() - self._began

    @property
    def spent_joules(self) -> float:
        """Energy of all attempts that have ended, and of the search itself."""
        return self._recorder.spent_joules + self.search_joules

    @property
    def search_joules(self) -> float:
        """Energy of this process, in which proposals are made, and of the drivers before it."""
        own_seconds = time.process_time() - self._began_cpu
        joules_per_second: float = self._header["power_model"]["joules_per_cpu_second"]
        return self._searched_joules + own_seconds * joules_per_second

    @property
    def finished(self) -> bool:
        """Whether the study has reached its end."""
        return self.agenda.finished

    def next_assignment(self) -> Assignment | None:
        """Start the next trial, or return None: at an end, or while stopping."""
        self._check_budget()
        trial = None if self.stopping else self.agenda.next_trial()
        if trial is None:
            return None
        checkpoint = self._checkpoint(trial)
        resumed_from = (checkpoint.attempt, checkpoint.epoch) if checkpoint else None
        self._recorder.start(self.agenda.configuration_of(trial), trial, resumed_from)
        return dataclasses.replace(
            self.agenda.assignment(trial),
            store=str(self.store),
            power_model=self._header["power_model"],
            node_class=self._header.get("node_class") or "",  # absent in studies made before
            reference=self._header.get("reference"),
            checkpoint=str(checkpoint.path) if checkpoint else None,
            checkpoint_epoch=checkpoint.epoch if checkpoint else 0,
        )

    def receive(self, trial_id: str, message: Message) -> None:
        """Take in what a trial says."""
        trial = self.agenda.trial(trial_id)
        if isinstance(message, Report):
            self.last_reports[trial_id] = message
            self._recorder.report(trial, message)
        else:
            self._close(trial, message)

    def ended(self, trial_id: str, failure: str | None) -> None:
        """Take in that a trial's process is done with it.

        Args:
            trial_id: The trial.
            failure: What the process died of, if it did.
        """
        self.last_reports.pop(trial_id, None)
        if trial_id in self._closed:  # its next attempt may be running already
            self._closed.remove(trial_id)
            return
        trial = self.agenda.trial(trial_id)
        configuration = self.agenda.configuration_of(trial)
        if self.stopping:
            reason = "stopped by the user"
            self._recorder.lost(configuration, trial, state="stopped", failure=reason)
            self.agenda.requeue(trial_id)
            return
        reason = failure or "ended without a closing message"
        retry = self.agenda.fail(trial_id, retryable=True)
        details = {"failure": reason, "traceback": None, "retry": retry}
        self._recorder.events(trial, [Event(kind="trial_failed", details=details)])
        self._recorder.lost(configuration, trial, state="failed", failure=reason)

    def stop(self) -> None:
        """Hand out nothing more; what runs is stopped and can be resumed."""
        self.stopping = True

    def _close(self, trial: TrialPlan, closing: Closing) -> None:
        self._closed.add(trial.trial_id)
        configuration = self.agenda.configuration_of(trial)
        names = [objective.metric for objective in self.spec.objectives]
        if closing.state == "complete":
            row = dict(closing.metrics) | self._recorder.measured(trial, closing)
            try:
                values = objective_values(row, names)
            except ObjectiveError as error:
                closing = dataclasses.replace(
                    closing, state="failed", failure=str(error), retryable=False
                )
        failed = closing.state == "failed"
        retry = failed and self.agenda.fail(trial.trial_id, retryable=closing.retryable)
        self._recorder.close(configuration, trial, closing, retry=retry)
        if failed:
            return
        self.durations.append(closing.duration_seconds)
        if closing.quality == "good" or not self.agenda.remeasure(trial.trial_id):
            self.agenda.complete(trial.trial_id, values)

    def _checkpoint(self, trial: TrialPlan) -> Checkpoint | None:
        """Return what an attempt goes on from: nothing that was saved by a discarded one."""
        checkpoint = latest_checkpoint(self.store, trial.trial_id) if trial.attempt > 1 else None
        discarded = max(trial.discarded, default=0)
        return checkpoint if checkpoint and checkpoint.attempt > discarded else None

    def _check_budget(self) -> None:
        budget = self.spec.budget
        if budget.hours is not None and self.elapsed_seconds >= budget.hours * 3600:
            self.agenda.end(f"budget.hours: {budget.hours:g} h")
        if budget.energy_wh is not None:
            spent = self.spent_joules / JOULES_PER_WATT_HOUR
            if spent >= budget.energy_wh:
                self.agenda.end(f"budget.energy_wh: {spent:.3g} of {budget.energy_wh:g} Wh spent")
