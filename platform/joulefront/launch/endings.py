"""Attempts that are over without a closing message: pruned, stopped, lost with a node, or failed.

What is told here is written once for each attempt, with the bill of what it has spent; whether the
trial is tried again is the agenda's decision.
"""

from __future__ import annotations

from joulefront.errors import StudyError
from joulefront.launch.agenda import Agenda
from joulefront.launch.curves import Curves
from joulefront.launch.plan import NodeEnd, TrialPlan
from joulefront.launch.recorder import Recorder
from joulefront.trial.messages import Event


class Endings:
    """Of the attempts of one study.

    Args:
        agenda: The plan.
        recorder: The store's writer.
        curves: Of the trials so far.
    """

    def __init__(self, agenda: Agenda, recorder: Recorder, curves: Curves) -> None:
        self._agenda = agenda
        self._recorder = recorder
        self._curves = curves
        self._pruned: dict[str, tuple[float, ...]] = {}
        self._stopped: set[str] = set()

    def expect_pruned(self, trial: TrialPlan, projected: tuple[float, ...], epoch: int) -> None:
        """Take in that the study's rule ends a trial, and where its objectives would have led."""
        self._pruned[trial.trial_id] = projected
        rule = self._agenda.spec.stopping.rule
        details = {"rule": rule, "epoch": epoch, "projected": list(projected)}
        self._recorder.events(trial, [Event(kind="trial_pruned", details=details)])

    def expect_stopped(self, trial_id: str) -> None:
        """Take in that a strict budget ends a trial."""
        self._stopped.add(trial_id)

    def forget(self, trial_id: str) -> None:
        """Take in that a trial has come to its end after all."""
        self._pruned.pop(trial_id, None)
        self._stopped.discard(trial_id)

    def end(
        self,
        trial: TrialPlan,
        failure: str | None,
        node: NodeEnd | None,
        *,
        out_of_memory: bool,
        stopping: bool,
    ) -> None:
        """Write down how an attempt ended.

        Args:
            trial: The trial.
            failure: What its process died of, if it did.
            node: The node that it was lost with, if that was so.
            out_of_memory: Whether it was ended for want of memory.
            stopping: Whether the study is being stopped.

        Raises:
            StudyError: If nothing comes of the study: its first trials have all failed.
        """
        if trial.trial_id in self._pruned:
            self._end_pruned(trial)
        elif trial.trial_id in self._stopped:
            self._end_stopped(trial)
        elif stopping:
            self._requeue(trial, "stopped by the user")
        elif node is None or not self._end_with_node(trial, node):
            reason = failure or "ended without a closing message"
            self._end_failed(trial, reason, out_of_memory=out_of_memory)

    def unbegun(self, trial: TrialPlan) -> None:
        """Write down that another trial does not leave the process: no failure of this one."""
        self._requeue(trial, "not begun: the trial before does not leave its process")

    def check_hope(self, reason: str) -> None:
        """Refuse to go on with a study of which nothing comes.

        Raises:
            StudyError: Its first trials have all failed, the last one for that reason.
        """
        if self._agenda.is_hopeless:
            raise StudyError(
                "a study must get some of its first configurations to their end",
                given=f"{self._agenda.failed_configurations} that failed, the last with: {reason}",
                remedy="`study logs STUDY TRIAL` tells more; what was stored stays",
            )

    def _requeue(self, trial: TrialPlan, reason: str) -> None:
        configuration = self._agenda.configuration_of(trial)
        self._recorder.lost(configuration, trial, state="stopped", failure=reason)
        self._agenda.requeue(trial.trial_id)

    def _end_pruned(self, trial: TrialPlan) -> None:
        configuration = self._agenda.configuration_of(trial)
        rule = self._agenda.spec.stopping.rule
        self._recorder.cut(configuration, trial, state="pruned", reason=f"stopping.rule: {rule}")
        joules = self._recorder.spent_on(trial.trial_id)
        self._agenda.prune(trial.trial_id, self._pruned.pop(trial.trial_id), joules=joules)
        self._curves.end(trial.trial_id, configuration.parameters, "pruned")
        self._recorder.forget(trial.trial_id)

    def _end_stopped(self, trial: TrialPlan) -> None:
        self._stopped.remove(trial.trial_id)
        configuration = self._agenda.configuration_of(trial)
        reason = self._agenda.end_reason or ""
        self._recorder.cut(configuration, trial, state="stopped", reason=reason)
        self._agenda.stop(trial.trial_id, joules=self._recorder.spent_on(trial.trial_id))

    def _end_with_node(self, trial: TrialPlan, node: NodeEnd) -> bool:
        """Have a trial go on elsewhere, without counting a failure; return whether it may."""
        kind = "preemption_notice" if node.notice else "node_lost"
        self._recorder.events(trial, [Event(kind=kind, details={"host": node.host})])
        if node.notice:
            self._agenda.requeue(trial.trial_id)
        elif not self._agenda.lose(trial.trial_id):
            return False
        reason = f"left {node.host}, which is to go" if node.notice else f"lost with {node.host}"
        configuration = self._agenda.configuration_of(trial)
        self._recorder.lost(configuration, trial, state="stopped", failure=reason)
        return True

    def _end_failed(self, trial: TrialPlan, reason: str, *, out_of_memory: bool) -> None:
        configuration = self._agenda.configuration_of(trial)
        joules = self._recorder.spent_on(trial.trial_id)
        retry = self._agenda.fail(
            trial.trial_id, retryable=True, out_of_memory=out_of_memory, joules=joules
        )
        self._recorder.failed(trial, reason, retry=retry, out_of_memory=out_of_memory)
        self._recorder.lost(configuration, trial, state="failed", failure=reason)
        self._curves.end(trial.trial_id, configuration.parameters, None)
        if not retry:
            self._recorder.forget(trial.trial_id)
        self.check_hope(reason)
