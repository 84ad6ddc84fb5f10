"""Turn what trials say into rows of the store.

The recorder is the only writer of a study's tables. It decides nothing: it writes, makes durable
what counts as finished, and answers what a trial has been charged.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from joulefront.energy import emissions_grams
from joulefront.launch.agenda import Configuration, TrialPlan
from joulefront.launch.retries import OBJECTIVE_COMPONENTS, AttemptEnergy, fold_attempts
from joulefront.store import StoreWriter
from joulefront.trial.messages import ChargeRow, Closing, Event, Report

BILLED = ("cpu", "gpu", "setup")
"""Components that count against an energy budget: what the search itself spends."""


@dataclass(slots=True)
class _Attempt:
    number: int
    resumed_from: tuple[int, int] | None = None
    total: dict[str, float] = field(default_factory=dict)
    by_epoch: dict[int, dict[str, float]] = field(default_factory=dict)
    rows: Sequence[ChargeRow] = ()

    @property
    def host(self) -> str | None:
        return self.rows[0].host if self.rows else None

    def energy(self) -> AttemptEnergy:
        return AttemptEnergy(
            attempt=self.number,
            total=self.total,
            by_epoch=self.by_epoch,
            resumed_from=self.resumed_from,
        )


class Recorder:
    """Write the rows of a study's trials.

    Args:
        writer: Of the study's store.
        grid_intensity: Grams of CO2e a kilowatt-hour, or None if no country was given.
    """

    def __init__(self, writer: StoreWriter, grid_intensity: float | None) -> None:
        self._writer = writer
        self._intensity = grid_intensity
        self._attempts: dict[str, list[_Attempt]] = {}
        self.spent_joules = 0.0

    def start(
        self,
        configuration: Configuration,
        trial: TrialPlan,
        resumed_from: tuple[int, int] | None,
    ) -> None:
        """Write that an attempt has been handed out."""
        attempt = _Attempt(trial.attempt, resumed_from)
        self._attempts.setdefault(trial.trial_id, []).append(attempt)
        row = self._identity(configuration, trial, "start") | {
            "state": "running",
            "params_json": json.dumps(dict(configuration.parameters)),
            "sampler_attributes": json.dumps(dict(configuration.attributes)),
            "resumed_attempt": resumed_from[0] if resumed_from else None,
            "resumed_epoch": resumed_from[1] if resumed_from else None,
        }
        self._writer.append("trials", [row])

    def report(self, trial: TrialPlan, report: Report) -> None:
        """Write one epoch."""
        attempt = self._attempts[trial.trial_id][-1]
        attempt.total = _by_component(report.charges)
        attempt.by_epoch[report.epoch] = attempt.total
        attempt.rows = report.charges
        row: dict[str, Any] = {
            "time": time.time(),
            "trial_id": trial.trial_id,
            "attempt": trial.attempt,
            "epoch": report.epoch,
            "duration_seconds": report.duration_seconds,
            "energy_joules": _objective(attempt.total),
            **{f"energy_{name}_joules": attempt.total.get(name) for name in OBJECTIVE_COMPONENTS},
            "checkpoint": report.checkpoint,
        }
        self._writer.append("reports", [row | dict(report.metrics)])
        self.events(trial, report.events)

    def energies(self, trial: TrialPlan, closing: Closing) -> dict[str, Any]:
        """Return what a closing trial is charged, over all its attempts, as columns."""
        attempt = self._attempts[trial.trial_id][-1]
        attempt.rows = closing.charges or attempt.rows
        attempt.total = _by_component(attempt.rows)
        return {"duration_seconds": closing.duration_seconds} | self._energies(trial.trial_id)

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
        energies = self.energies(trial, closing)
        attempt = self._attempts[trial.trial_id][-1]
        self.spent_joules += sum(attempt.total.get(name, 0.0) for name in BILLED)
        self.events(trial, closing.events)
        if closing.state == "failed":
            details = {"failure": closing.failure, "traceback": closing.traceback, "retry": retry}
            self.events(trial, [Event(kind="trial_failed", details=details)])
        self._writer.append("energy", [self._energy_row(trial, row) for row in attempt.rows])
        row = self._identity(configuration, trial, "end") | dict(closing.metrics)
        row |= {"state": closing.state, "quality": closing.quality, "failure": closing.failure}
        self._writer.sync()
        self._writer.append("trials", [row | energies])
        self._writer.sync()

    def lost(
        self, configuration: Configuration, trial: TrialPlan, *, state: str, failure: str
    ) -> None:
        """Make durable that an attempt ended without a closing message.

        Its energy is that of its last report, unless its charges have been written already.
        """
        attempt = self._attempts[trial.trial_id][-1]
        self.spent_joules += sum(row.joules for row in attempt.rows if row.component in BILLED)
        self._writer.append("energy", [self._energy_row(trial, row) for row in attempt.rows])
        row = self._identity(configuration, trial, "end")
        row |= {"state": state, "failure": failure} | self._energies(trial.trial_id)
        self._writer.append("trials", [row])
        self._writer.sync()

    def events(self, trial: TrialPlan | None, events: Sequence[Event]) -> None:
        """Write events of a trial, or of the study."""
        rows = [
            {
                "time": time.time(),
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
        self, trial_id: str, attempts: Sequence[AttemptEnergy], unwritten: Sequence[ChargeRow]
    ) -> None:
        """Take over what earlier drivers have recorded of a trial.

        Args:
            trial_id: The trial.
            attempts: All of them, in order.
            unwritten: Charges of the last one that are in its reports only.
        """
        self._attempts[trial_id] = [
            _Attempt(
                number=attempt.attempt,
                resumed_from=attempt.resumed_from,
                total=dict(attempt.total),
                by_epoch={epoch: dict(parts) for epoch, parts in attempt.by_epoch.items()},
            )
            for attempt in attempts
        ]
        self._attempts[trial_id][-1].rows = unwritten

    def _identity(
        self, configuration: Configuration, trial: TrialPlan, kind: str
    ) -> dict[str, Any]:
        return {
            "time": time.time(),
            "kind": kind,
            "trial_id": trial.trial_id,
            "config_id": trial.config_id,
            "attempt": trial.attempt,
            "fold": trial.fold,
            "seed": trial.seed,
            "role": trial.role,
            "proposal_index": configuration.index,
            **{f"params.{name}": value for name, value in configuration.columns.items()},
        }

    def _energies(self, trial_id: str) -> dict[str, Any]:
        energy = fold_attempts([attempt.energy() for attempt in self._attempts[trial_id]])
        grams = None
        if self._intensity is not None:
            grams = emissions_grams(energy.joules, self._intensity)
        return {
            "energy_joules": energy.joules,
            **{
                f"energy_{component}_joules": energy.charged.get(component)
                for component in ("cpu", "gpu", "ram", "idle", "setup")
            },
            "energy_retried_joules": energy.retried,
            "emissions_grams": grams,
            "host": self._attempts[trial_id][-1].host,
        }

    def _energy_row(self, trial: TrialPlan, row: ChargeRow) -> dict[str, Any]:
        return {
            "time": time.time(),
            "trial_id": trial.trial_id,
            "attempt": trial.attempt,
            "host": row.host,
            "device": row.device,
            "component": row.component,
            "joules": row.joules,
            "provenance": row.provenance,
        }


def _by_component(rows: Sequence[ChargeRow]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for row in rows:
        totals[row.component] = totals.get(row.component, 0.0) + row.joules
    return totals


def _objective(components: Mapping[str, float]) -> float:
    return sum(components.get(component, 0.0) for component in OBJECTIVE_COMPONENTS)
