"""What a person sees while a study runs: one live table, or plain lines in a pipe."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table

from joulefront.launch.conductor import JOULES_PER_WATT_HOUR, Conductor
from joulefront.launch.plan import TrialPlan, TrialState
from joulefront.launch.retries import by_component, objective_joules
from joulefront.spec import StudySpec
from joulefront.spec.printable import printable
from joulefront.trial.messages import Report

_ENDED: Mapping[TrialState, str] = {
    "complete": "done",
    "pruned": "pruned",
    "stopped": "stopped",
    "failed": "failed",
}
_ROWS = 12
_PERIOD_SECONDS = 0.25


class Display(Protocol):
    """Show a study as it runs."""

    def note(self, text: str) -> None:
        """Show a line that stays."""
        ...

    def watching(self, conductor: Conductor) -> Any:
        """Return a context manager that yields a function to refresh the picture."""
        ...


class Silent:
    """Show nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""

    @contextmanager
    def watching(self, conductor: Conductor) -> Iterator[Any]:
        """Show nothing."""
        yield lambda: None


class PlainLines:
    """One line a trial that ends: for logs, pipes and files."""

    def note(self, text: str) -> None:
        """Print a line."""
        print(printable(text), flush=True)

    @contextmanager
    def watching(self, conductor: Conductor) -> Iterator[Any]:
        """Print a line for each trial as it ends."""
        shown: dict[str, tuple[int, str]] = {}

        def refresh() -> None:
            for trial in conductor.agenda.trials():
                state = (trial.attempt, trial.state)
                if trial.state in _ENDED and shown.get(trial.trial_id) != state:
                    shown[trial.trial_id] = state
                    print(_line(conductor, trial), flush=True)

        for trial in conductor.agenda.trials():
            shown[trial.trial_id] = (trial.attempt, trial.state)
        yield refresh
        refresh()


class LiveTable:
    """A table of the trials that run and those that ended last.

    Args:
        console: Of the terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def note(self, text: str) -> None:
        """Print a line above the table."""
        self._console.print(printable(text), highlight=False, markup=False)

    @contextmanager
    def watching(self, conductor: Conductor) -> Iterator[Any]:
        """Keep the table up to date, a few times a second at most."""
        last = 0.0
        with Live(console=self._console, auto_refresh=False, transient=True) as live:

            def refresh() -> None:
                nonlocal last
                if time.monotonic() - last >= _PERIOD_SECONDS:
                    last = time.monotonic()
                    live.update(study_table(conductor, self._console.width), refresh=True)

            yield refresh


def study_table(conductor: Conductor, width: int) -> Table:
    """Draw the study: running trials, the last that ended, and a closing line.

    Args:
        conductor: Of the study.
        width: Columns of the terminal; parameters get what the rest leaves.
    """
    objectives = [objective.metric for objective in conductor.spec.objectives]
    table = Table(
        title=f"{conductor.spec.name}: {progress_line(conductor)}",
        title_justify="left",
        box=None,
        pad_edge=False,
        width=min(width, 120),
    )
    table.add_column("trial", no_wrap=True)
    table.add_column("parameters", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("epoch", justify="right")
    for name in objectives:
        table.add_column(name, justify="right", overflow="ellipsis", max_width=17)
    if "energy_joules" not in objectives:
        table.add_column("energy", justify="right")
    trials = list(conductor.agenda.trials())
    running = [trial for trial in trials if trial.state == "running"]
    ended = [trial for trial in trials if trial.state in _ENDED]
    room = max(0, _ROWS - len(running))
    for trial in [*ended[len(ended) - min(room, len(ended)) :], *running]:
        table.add_row(*_cells(conductor, trial, objectives))
    return table


def progress_line(conductor: Conductor) -> str:
    """Say in one line how far the study is: trials, energy, time gone and to go, and its end."""
    agenda = conductor.agenda
    lost = {state: agenda.count(state) for state in _ENDED if state != "complete"}
    parts = [_done(conductor), *(f"{count} {state}" for state, count in lost.items() if count)]
    parts.append(f"{_watt_hours(conductor.spent_joules)} spent")
    parts.append(f"{_clock(conductor.elapsed_seconds)} gone")
    remaining = eta_seconds(conductor)
    if remaining is not None:
        parts.append(f"about {_clock(remaining)} to go")
    if agenda.end_reason is not None:
        parts.append(f"search ended by {agenda.end_reason}")
    return ", ".join(parts)


def expected_trials(spec: StudySpec) -> int | None:
    """Return how many trials a study will have; None where no budget says so, or a race decides."""
    replicates = spec.replicates
    if spec.budget.trials is None or replicates.allocate == "front":
        return None
    each = 1 if replicates.allocate == "none" else replicates.folds * replicates.seeds
    return spec.budget.trials * each


def eta_seconds(conductor: Conductor) -> float | None:
    """Return the time to go if no other trial ends early; None before the first has ended."""
    expected = expected_trials(conductor.spec)
    if expected is None or not conductor.durations:
        return None
    agenda = conductor.agenda
    left = expected - sum(agenda.count(state) for state in _ENDED)
    mean = math.fsum(conductor.durations) / len(conductor.durations)
    return max(0.0, left * mean / max(1, agenda.count("running")))


def _done(conductor: Conductor) -> str:
    """Count complete trials, and where the front is raced for, what they have measured."""
    agenda, spec = conductor.agenda, conductor.spec
    done = agenda.count("complete")
    if spec.replicates.allocate != "front":
        return f"{done}/{expected_trials(spec) or '?'} trials"
    configurations = f"{agenda.proposals}/{spec.budget.trials or '?'} configurations"
    again = sum(1 for t in agenda.trials() if (t.role, t.state) == ("replicate", "complete"))
    return f"{configurations}, {done} trials, {again} of them replicates"


def _cells(conductor: Conductor, trial: TrialPlan, objectives: list[str]) -> list[str]:
    report = conductor.last_reports.get(trial.trial_id)
    parameters = conductor.agenda.configuration_of(trial).parameters
    cells = [trial.trial_id, _parameters(parameters), _epoch(trial, report)]
    values: dict[str, Any] = dict(zip(objectives, _measured(trial), strict=False))
    if report is not None and not values:
        values = {name: report.metrics[name] for name in objectives if name in report.metrics}
        values.setdefault("energy_joules", _joules(report))
    cells += [_number(values.get(name)) for name in objectives]
    if "energy_joules" not in objectives:
        cells.append(_number(_joules(report) if report else None))
    return cells


def _measured(trial: TrialPlan) -> tuple[float, ...]:
    """Return a trial's objectives; those of a pruned one are projected, and minimised."""
    return trial.values if trial.state == "complete" and trial.values else ()


def _epoch(trial: TrialPlan, report: Report | None) -> str:
    return _ENDED.get(trial.state) or (str(report.epoch) if report else "-")


def _joules(report: Report) -> float:
    return objective_joules(by_component(report.charges))


def _line(conductor: Conductor, trial: TrialPlan) -> str:
    parameters = _parameters(conductor.agenda.configuration_of(trial).parameters)
    objectives = conductor.spec.objectives
    outcome = " ".join(
        f"{objective.metric}={_number(value)}"
        for objective, value in zip(objectives, _measured(trial), strict=False)
    ) or {"failed": "failed; see `study logs`"}.get(trial.state, trial.state)
    return f"{trial.trial_id}  {parameters}  {outcome}  ({progress_line(conductor)})"


def _parameters(parameters: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={_number(value)}" for name, value in parameters.items())


def _number(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _watt_hours(joules: float) -> str:
    return f"{joules / JOULES_PER_WATT_HOUR:.3g} Wh"


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
