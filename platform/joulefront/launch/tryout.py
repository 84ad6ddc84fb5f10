"""Run one trial in this process, without Ray and without a store."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from threadpoolctl import threadpool_limits

from joulefront.launch.agenda import Agenda
from joulefront.launch.assigning import assignment_of
from joulefront.launch.header import study_grid_intensity, study_model
from joulefront.launch.retries import AttemptEnergy, by_component, fold_attempts
from joulefront.spec import StudySpec
from joulefront.trial import Assignment, Place, Sink, objective_values, run_trial
from joulefront.trial.messages import ChargeRow, Message, Report


class PrintingSink:
    """Print messages as they come.

    Args:
        grid_intensity: Grams of CO2e a kilowatt-hour, None if it is not known.

    Attributes:
        closing_row: Metrics of the closing message, with those that the platform measures.
    """

    def __init__(self, grid_intensity: float | None = None) -> None:
        self._intensity = grid_intensity
        self.closing_row: dict[str, object] = {}

    def send(self, message: Message) -> None:
        """Print one message, a metric a word."""
        metrics = "  ".join(f"{name}={_short(value)}" for name, value in message.metrics.items())
        if isinstance(message, Report):
            print(f"epoch {message.epoch}: {metrics}  [{_energy(message.charges)}]", flush=True)
            return
        print(f"{message.state} after {message.duration_seconds:.2f} s: {metrics}")
        print(f"energy: {_energy(message.charges)}")
        if message.quality_reasons:
            print(f"energy is degraded: {', '.join(message.quality_reasons)}")
        attempt = AttemptEnergy(attempt=1, total=by_component(message.charges))
        per_sample = message.inference_energy_joules_per_sample
        self.closing_row = dict(message.metrics) | {
            **fold_attempts([attempt]).columns(self._intensity),
            "inference_energy_joules_per_sample": per_sample,
            "duration_seconds": message.duration_seconds,
        }


def first_assignment(spec: StudySpec) -> Assignment:
    """Return the study's first trial as it would be handed out, for one process without GPU."""
    agenda = Agenda(spec)
    trial = agenda.next_trial()
    assert trial is not None, "a study proposes at least one trial"
    return dataclasses.replace(
        assignment_of(trial, agenda.configuration_of(trial), spec),
        workers=0,
        gpus=0.0,
        power_model=study_model(spec.energy).to_dict(),
    )


def run_here(assignment: Assignment, sink: Sink) -> None:
    """Run a trial in this process, with the threads that it would have in its own.

    NumPy is loaded already, so that its pool cannot be sized by the environment any more.
    """
    place = Place(threads=Place.threads_for(assignment.cpus))
    with threadpool_limits(limits=place.threads):
        run_trial(assignment, place, sink)


def try_trial(spec: StudySpec) -> None:
    """Run the study's first trial and print what it reports.

    Raises:
        ObjectiveError: If it ends without a finite value of an objective.
        Exception: Whatever the trainable raises.
    """
    assignment = first_assignment(spec)
    values = "  ".join(f"{name}={value}" for name, value in assignment.parameters.items())
    print(f"{assignment.trial_id}: {values}", flush=True)
    sink = PrintingSink(study_grid_intensity(spec.energy))
    run_here(assignment, sink)
    objective_values(sink.closing_row, assignment.objectives)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _energy(charges: Sequence[ChargeRow]) -> str:
    return ", ".join(f"{row.component} {row.joules:.3g} J ({row.provenance})" for row in charges)
