"""One study as it runs: the agenda, the recorder and the budgets together, still without Ray.

Whoever carries trials out (Tune, or a test) asks the conductor for assignments and tells it what
came of them. A trial counts as finished when its closing message is durable in the store, not
when its process says that it is done.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from joulefront.energy import emissions_grams
from joulefront.errors import ObjectiveError
from joulefront.launch.agenda import Agenda
from joulefront.launch.assigning import assignment_of
from joulefront.launch.curves import Curves
from joulefront.launch.endings import Endings
from joulefront.launch.growth import Growth
from joulefront.launch.plan import NodeEnd, TrialPlan
from joulefront.launch.recorder import Recorder
from joulefront.spec import StudySpec
from joulefront.stopping import Progress, end_of_search, project, should_stop
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
        curves: Of the trials so far.
        growth: Of the front so far.
        elapsed_seconds: What earlier drivers have used of `budget.hours`.
        searched_joules: What earlier drivers have spent themselves of `budget.energy_wh`.
        clock: Seconds that pass.
        cpu_clock: CPU seconds of this process.
    """

    def __init__(
        self,
        agenda: Agenda,
        recorder: Recorder,
        *,
        store: str | Path,
        header: Mapping[str, Any],
        curves: Curves | None = None,
        growth: Growth | None = None,
        elapsed_seconds: float = 0.0,
        searched_joules: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        self.agenda = agenda
        self._recorder = recorder
        self.store = store
        self._header = header
        self._curves = curves or Curves(agenda.spec)
        self._growth = growth or Growth(agenda.spec)
        self._clock, self._cpu_clock = clock, cpu_clock
        self._began = clock() - elapsed_seconds
        self._searched_joules = searched_joules
        self._began_cpu = cpu_clock()
        self._endings = Endings(agenda, recorder, self._curves)
        self._closed: set[str] = set()
        self._unreported: set[str] = set()
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
        return self._clock() - self._began

    @property
    def spent_joules(self) -> float:
        """Energy of all attempts that have ended, and of the search itself."""
        return self._recorder.spent_joules + self.search_joules

    @property
    def search_joules(self) -> float:
        """Energy of this process, in which proposals are made, and of the drivers before it."""
        own_seconds = self._cpu_clock() - self._began_cpu
        joules_per_second: float = self._header["power_model"]["joules_per_cpu_second"]
        return self._searched_joules + own_seconds * joules_per_second

    @property
    def finished(self) -> bool:
        """Whether the study has reached its end."""
        return self.agenda.finished

    def next_assignment(self) -> Assignment | None:
        """Start the next trial, or return None: at an end, or while stopping."""
        self._check_budget(self.spent_joules)
        trial = None if self.stopping else self.agenda.next_trial()
        if trial is None:
            return None
        checkpoint = self._checkpoint(trial)
        resumed_from = (checkpoint.attempt, checkpoint.epoch) if checkpoint else None
        configuration = self.agenda.configuration_of(trial)
        self._recorder.start(configuration, trial, resumed_from)
        return dataclasses.replace(
            assignment_of(trial, configuration, self.spec),
            store=str(self.store),
            power_model=self._header["power_model"],
            node_class=self._header.get("node_class") or "",  # absent in studies made before
            reference=self._header.get("reference"),
            checkpoint=checkpoint.uri if checkpoint else None,
            checkpoint_epoch=checkpoint.epoch if checkpoint else 0,
            checkpoint_metrics=checkpoint.metrics if checkpoint else {},
        )

    def receive(self, trial_id: str, message: Message) -> bool:
        """Take in what a trial says; return whether it is to be stopped there."""
        trial = self.agenda.trial(trial_id)
        if isinstance(message, Closing):
            self._close(trial, message)
            return False
        self.last_reports[trial_id] = message
        row = self._recorder.report(trial, message)
        self._curves.report(trial_id, message.epoch, row)
        return self._is_over_budget(trial_id) or self._is_pruned(trial, message.epoch)

    def ended(
        self,
        trial_id: str,
        failure: str | None,
        node: NodeEnd | None = None,
        *,
        out_of_memory: bool = False,
    ) -> None:
        """Take in that a trial's process is done with it.

        Args:
            trial_id: The trial.
            failure: What the process died of, if it did.
            node: The node that it was lost with, if that was so.
            out_of_memory: Whether it was ended for want of memory.

        Raises:
            StudyError: If nothing comes of the study: its first trials have all failed.
        """
        self.last_reports.pop(trial_id, None)
        if trial_id in self._closed:  # its next attempt may be running already
            self._closed.remove(trial_id)
            return
        trial = self.agenda.trial(trial_id)
        self._endings.end(trial, failure, node, out_of_memory=out_of_memory, stopping=self.stopping)

    def unbegun(self, trial_id: str) -> None:
        """Take in that another trial does not leave the process: no failure of this one."""
        self._endings.unbegun(self.agenda.trial(trial_id))

    def stop(self) -> None:
        """Hand out nothing more; what runs is stopped and can be resumed."""
        self.stopping = True

    def choose_reference(self, *, at_the_end: bool = False) -> None:
        """Choose and store the point from which hypervolumes are measured, if it is time."""
        if self._growth.choose_reference(at_the_end=at_the_end):
            details = dict(self._growth.reference or {})
            self._recorder.events(None, [Event(kind="reference_point", details=details)])

    def _close(self, trial: TrialPlan, closing: Closing) -> None:
        self._closed.add(trial.trial_id)
        self.last_reports.pop(trial.trial_id, None)
        self._endings.forget(trial.trial_id)
        configuration = self.agenda.configuration_of(trial)
        names = [objective.metric for objective in self.spec.objectives]
        row = dict(closing.metrics) | self._recorder.measured(trial, closing)
        if closing.state == "complete":
            try:
                values = objective_values(row, names)
            except ObjectiveError as error:
                closing = dataclasses.replace(
                    closing, state="failed", failure=str(error), retryable=False
                )
        failed = closing.state == "failed"
        joules = self._recorder.spent_on(trial.trial_id)
        retry = failed and self.agenda.fail(
            trial.trial_id,
            retryable=closing.retryable,
            out_of_memory=closing.out_of_memory,
            joules=joules,
        )
        self._recorder.close(configuration, trial, closing, retry=retry)
        self._curves.end(trial.trial_id, configuration.parameters, None if failed else "complete")
        if failed:
            if not retry:
                self._recorder.forget(trial.trial_id)
            if not self.stopping:
                self._endings.check_hope(closing.failure or "")
            return
        self.durations.append(closing.duration_seconds)
        if closing.quality == "good" or not self.agenda.remeasure(trial.trial_id):
            violations = self._violations(row)
            self.agenda.complete(trial.trial_id, values, violations=violations, joules=joules)
            self._recorder.forget(trial.trial_id)
            self._growth.learn(configuration, self.spent_joules)
            self.choose_reference()

    def _violations(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """Return by how much each constraint is violated; one without a value is violated."""
        values = [row.get(constraint.metric) for constraint in self.spec.constraints]
        for constraint, value in zip(self.spec.constraints, values, strict=True):
            if value is None and constraint.metric not in self._unreported:
                self._unreported.add(constraint.metric)
                details = {"metric": constraint.metric, "constraint": str(constraint)}
                self._recorder.events(None, [Event(kind="constraint_unknown", details=details)])
        return tuple(
            constraint.violation(math.nan if value is None else float(value))
            for constraint, value in zip(self.spec.constraints, values, strict=True)
        )

    def _is_over_budget(self, trial_id: str) -> bool:
        """Return whether a strict budget ends the trials that run."""
        if not self.spec.budget.strict:
            return False
        running = math.fsum(self._recorder.unbilled(name) for name in self.last_reports)
        self._check_budget(self.spent_joules + running)
        if self.agenda.is_spent:
            self._endings.expect_stopped(trial_id)
        return self.agenda.is_spent

    def _is_pruned(self, trial: TrialPlan, epoch: int) -> bool:
        """Return whether the study's rule ends a trial; replicates always run to their end."""
        if self.spec.stopping.rule == "never" or trial.role == "replicate":
            return False
        parameters = self.agenda.configuration_of(trial).parameters
        curve = self._curves.running(trial.trial_id, parameters)
        others = self._curves.others(trial.trial_id)
        if not should_stop(curve, others, self._growth.points(), self.spec.stopping):
            return False
        projected = tuple(project(curve, others).likely.tolist())
        self._endings.expect_pruned(trial, projected, epoch)
        return True

    def _checkpoint(self, trial: TrialPlan) -> Checkpoint | None:
        """Return what an attempt goes on from: nothing that was saved by a discarded one."""
        checkpoint = latest_checkpoint(self.store, trial.trial_id) if trial.attempt > 1 else None
        discarded = max(trial.discarded, default=0)
        return checkpoint if checkpoint and checkpoint.attempt > discarded else None

    def _check_budget(self, joules: float) -> None:
        intensity = self._header.get("grid_intensity_grams_per_kwh")
        plateau = self.spec.budget.plateau is not None
        progress = Progress(
            configurations=self.agenda.proposals,
            hours=self.elapsed_seconds / 3600,
            joules=joules,
            grams=math.nan if intensity is None else emissions_grams(joules, intensity),
            hypervolume=self._growth.hypervolume() if plateau else [],
            joules_at=self._growth.joules_at,
        )
        end = end_of_search(self.spec.budget, progress)
        if end is not None:
            self.agenda.end(end)
