"""Turn what trials say into rows of the store.

The recorder is the only writer of a study's tables. It decides nothing: it writes, makes durable
what counts as finished, and answers what a trial has been charged.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from joulefront.launch.attempts import Attempt, billed_joules
from joulefront.launch.billing import Billed, StudyBill
from joulefront.launch.plan import Configuration, TrialPlan
from joulefront.launch.retries import CARRIED, AttemptEnergy, fold_attempts, objective_joules
from joulefront.store import PatientWriter, StoreWriter
from joulefront.trial.messages import ChargeRow, Closing, Event, Report


class Recorder:
    """Write the rows of a study's trials.

    Args:
        writer: Of the study's store.
        bill: Of the study, for attempts that end without a word.
        grid_intensity: Grams of CO2e a kilowatt-hour, or None if it was not given.
        time_of_rows: Seconds since 1970 for the column "time".
    """

    def __init__(
        self,
        writer: StoreWriter | PatientWriter,
        bill: StudyBill,
        grid_intensity: float | None,
        time_of_rows: Callable[[], float] = time.time,
    ) -> None:
        self._writer = writer
        self._bill = bill
        self._time = time_of_rows
        self._intensity = grid_intensity
        self._attempts: dict[str, list[Attempt]] = {}
        self.spent_joules = 0.0

    def start(
        self,
        configuration: Configuration,
        trial: TrialPlan,
        resumed_from: tuple[int, int] | None,
    ) -> None:
        """Write that an attempt has been handed out."""
        attempt = Attempt(trial.attempt, resumed_from)
        self._attempts.setdefault(trial.trial_id, []).append(attempt)
        row = self._identity(configuration, trial, "start") | {
            "state": "running",
            "params_json": json.dumps(dict(configuration.parameters)),
            "sampler_attributes": json.dumps(dict(configuration.attributes)),
            "resumed_attempt": resumed_from[0] if resumed_from else None,
            "resumed_epoch": resumed_from[1] if resumed_from else None,
        }
        self._writer.append("trials", [row])
        self._writer.flush()

    def report(self, trial: TrialPlan, report: Report) -> dict[str, Any]:
        """Write one epoch; return its metrics and what the trial has spent up to there."""
        attempt = self._attempts[trial.trial_id][-1]
        attempt.take(report.charges)
        attempt.by_epoch[report.epoch] = attempt.total
        row: dict[str, Any] = {
            "time": self._time(),
            "trial_id": trial.trial_id,
            "attempt": trial.attempt,
            "epoch": report.epoch,
            "duration_seconds": report.duration_seconds,
            "energy_joules": objective_joules(attempt.total),
            **{f"energy_{name}_joules": attempt.total.get(name) for name in CARRIED},
            "checkpoint": report.checkpoint,
        }
        self._writer.append("reports", [row | dict(report.metrics)])
        self.events(trial, report.events)
        attempt.metrics = report.metrics
        return dict(report.metrics) | self._energies(trial.trial_id)

    def measured(self, trial: TrialPlan, closing: Closing) -> dict[str, Any]:
        """Return what the platform has measured of a closing trial, as columns."""
        attempt = self._attempts[trial.trial_id][-1]
        attempt.take(closing.charges or attempt.rows)
        return self._energies(trial.trial_id) | {
            "duration_seconds": closing.duration_seconds,
            "inference_energy_joules_per_sample": closing.inference_energy_joules_per_sample,
            "quality": closing.quality,
            "quality_reasons": ", ".join(closing.quality_reasons),
            "foreign_cpu_share": closing.foreign_cpu_share,
            "node_class": closing.node_class,
        }

    def close(
        self, configuration: Configuration, trial: TrialPlan, closing: Closing, *, retry: bool
    ) -> None:
        """Make an attempt's end durable.

        Args:
            configuration: Which the trial measures.
            trial: The trial.
            closing: How the attempt ended.
            retry: Whether a failed trial will be tried again.
        """
        measured = self.measured(trial, closing)
        self.events(trial, closing.events)
        if closing.state == "failed":
            self.failed(
                trial,
                closing.failure,
                traceback=closing.traceback,
                retry=retry,
                out_of_memory=closing.out_of_memory,
            )
        self._write_energy(trial)
        row = self._identity(configuration, trial, "end") | dict(closing.metrics)
        row |= {"state": closing.state, "failure": closing.failure}
        self._writer.sync()
        self._writer.append("trials", [row | measured])
        self._writer.sync()

    def failed(
        self,
        trial: TrialPlan,
        failure: str | None,
        *,
        retry: bool,
        out_of_memory: bool,
        traceback: str | None = None,
    ) -> None:
        """Write that an attempt has failed, and whether and after what wait there is another."""
        details: dict[str, Any] = {"failure": failure, "traceback": traceback, "retry": retry}
        details["out_of_memory"] = out_of_memory
        if retry:
            details["after_seconds"] = trial.delay_seconds
        self.events(trial, [Event(kind="trial_failed", details=details)])

    def lost(
        self,
        configuration: Configuration,
        trial: TrialPlan,
        *,
        state: str,
        failure: str,
        billed: Billed | None = None,
    ) -> None:
        """Make durable that an attempt ended without a closing message.

        Its energy is what the ledger (`billed`, where that has been read already) or its last
        report tells, whichever is later and tells more, unless its charges have been written.
        """
        attempt = self._attempts[trial.trial_id][-1]
        rows, degradations = billed or self._bill.attempt(trial.trial_id, trial.attempt)
        if not attempt.written:
            attempt.take(max(rows, attempt.rows, key=billed_joules))
            self._write_energy(trial)
        reasons = dict.fromkeys(["process lost", *degradations])
        row = {"failure": failure, "quality": "degraded", "quality_reasons": ", ".join(reasons)}
        self._end(configuration, trial, row | {"state": state})

    def cut(
        self, configuration: Configuration, trial: TrialPlan, *, state: str, reason: str
    ) -> None:
        """Make durable that a trial was ended at its last report, whose metrics stay with it."""
        attempt = self._attempts[trial.trial_id][-1]
        self._write_energy(trial)
        row = dict(attempt.metrics) | {"state": state, "failure": reason, "quality": "good"}
        self._end(configuration, trial, row)

    def spent_on(self, trial_id: str) -> float:
        """Return the joules of all attempts of a trial that count against a budget."""
        return math.fsum(attempt.billed_joules for attempt in self._attempts[trial_id])

    def energies_at(self, trial_id: str, epoch: int) -> dict[str, Any]:
        """Return what a trial had been charged when its latest attempt reported an epoch."""
        *earlier, last = (attempt.energy() for attempt in self._attempts[trial_id])
        then = replace(last, total=last.by_epoch[epoch])
        return fold_attempts([*earlier, then]).columns(self._intensity)

    def unbilled(self, trial_id: str) -> float:
        """Return the joules of a trial's latest attempt that no budget has been charged yet."""
        attempt = self._attempts[trial_id][-1]
        return 0.0 if attempt.written else attempt.billed_joules

    def forget(self, trial_id: str) -> None:
        """Drop what was kept of a trial that will not run again."""
        del self._attempts[trial_id]

    def events(self, trial: TrialPlan | None, events: Sequence[Event]) -> None:
        """Write events of a trial, or of the study."""
        rows = [
            {
                "time": self._time(),
                "trial_id": trial.trial_id if trial else None,
                "attempt": trial.attempt if trial else None,
                "kind": event.kind,
                "details": json.dumps(event.details),
            }
            for event in events
        ]
        if rows:
            self._writer.append("events", rows)

    def sync(self) -> None:
        """Make everything written so far durable."""
        self._writer.sync()

    def adopt(
        self,
        trial_id: str,
        attempts: Sequence[AttemptEnergy],
        unwritten: Sequence[ChargeRow] | None,
    ) -> None:
        """Take over what earlier drivers have recorded of a trial.

        Args:
            trial_id: The trial.
            attempts: All of them, in order.
            unwritten: Charges of the last one that are in its reports only; None if all of its
                charges have been written.
        """
        self._attempts[trial_id] = [
            Attempt(
                number=attempt.attempt,
                resumed_from=attempt.resumed_from,
                total=dict(attempt.total),
                by_epoch={epoch: dict(parts) for epoch, parts in attempt.by_epoch.items()},
            )
            for attempt in attempts
        ]
        last = self._attempts[trial_id][-1]
        last.rows, last.written = unwritten or (), unwritten is None

    def _identity(
        self, configuration: Configuration, trial: TrialPlan, kind: str
    ) -> dict[str, Any]:
        return {
            "time": self._time(),
            "kind": kind,
            "trial_id": trial.trial_id,
            "config_id": trial.config_id,
            "attempt": trial.attempt,
            "fold": trial.fold,
            "seed": trial.seed,
            "role": trial.role,
            "proposal_index": trial.proposal_index,
            **{f"params.{name}": value for name, value in configuration.columns.items()},
        }

    def _end(self, configuration: Configuration, trial: TrialPlan, row: Mapping[str, Any]) -> None:
        identity = self._identity(configuration, trial, "end")
        self._writer.append("trials", [identity | dict(row) | self._energies(trial.trial_id)])
        self._writer.sync()

    def _energies(self, trial_id: str) -> dict[str, Any]:
        """Return what a trial is charged over all its attempts, as columns."""
        attempts = self._attempts[trial_id]
        energy = fold_attempts([attempt.energy() for attempt in attempts])
        return {"host": attempts[-1].host} | energy.columns(self._intensity)

    def _write_energy(self, trial: TrialPlan) -> None:
        attempt = self._attempts[trial.trial_id][-1]
        self.spent_joules += billed_joules(attempt.rows)
        of = {"time": self._time(), "trial_id": trial.trial_id, "attempt": trial.attempt}
        names = ("host", "device", "component", "joules", "provenance", "shared")
        rows = [of | {name: getattr(row, name) for name in names} for row in attempt.rows]
        self._writer.append("energy", rows)
        attempt.written = True
