"""What a study would run and cost, before it is launched.

The figures come from a real trial: the study's first one runs in this process for two epochs, or
to its end if it has no more. Nothing is stored. Where the trial's epochs are known, its time and
energy are scaled to all of them.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence

from joulefront.launch.display import expected_trials
from joulefront.launch.resources import Resources, local_cores
from joulefront.launch.retries import by_component, objective_joules
from joulefront.launch.study import study_path
from joulefront.launch.tryout import first_assignment, run_here
from joulefront.spec import StudySpec
from joulefront.trial.messages import ChargeRow, Message, Report

_EPOCHS = 2


class _Enough(BaseException):
    """The trial has run for as long as it takes to estimate it; no failure of the trial."""


class _Sampler:
    """Keep the messages of the first epochs, then end the trial."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, message: Message) -> None:
        self.messages.append(message)
        if isinstance(message, Report) and message.epoch == _EPOCHS:
            raise _Enough


def estimate(spec: StudySpec, store: str | None) -> str:
    """Return, in a few lines, what `study launch` would do.

    Raises:
        JoulefrontError: Whatever would make the first trial fail.
    """
    seconds, joules, measured = _first_trial(spec)
    trials = expected_trials(spec)
    each = Resources.of_trial(spec)
    concurrent = spec.search.concurrent or each.fitting([(local_cores(), 0)])
    lines = [
        f"{spec.name}: {spec.trainable} with sampler {spec.search.sampler}",
        f"space: {', '.join(spec.space)}",
        f"objectives: {', '.join(f'{o.direction} {o.metric}' for o in spec.objectives)}",
        f"would be stored in {study_path(spec, store)}",
        f"one trial: about {seconds:.2g} s and {joules / 3600:.3g} Wh ({measured})",
    ]
    if trials is None:
        lines.append("trials: until the budget ends")
    else:
        hours = trials * seconds / concurrent / 3600
        lines.append(
            f"{trials} trials, {concurrent} at once: about {hours:.2g} h "
            f"and {trials * joules / 3600:.3g} Wh"
        )
    return "\n".join(lines)


def _first_trial(spec: StudySpec) -> tuple[float, float, str]:
    """Return seconds and joules of a trial, and what they were taken from."""
    assignment = first_assignment(spec)
    sampler = _Sampler()
    with contextlib.suppress(_Enough), contextlib.redirect_stderr(io.StringIO()):
        run_here(assignment, sampler)
    reports = [message for message in sampler.messages if isinstance(message, Report)]
    last = sampler.messages[-1]
    if not isinstance(last, Report) or len(reports) < _EPOCHS:
        return last.duration_seconds, _joules(last.charges), "one whole trial, measured now"
    epochs = assignment.parameters.get("epochs", _EPOCHS)
    first = reports[0]
    more = epochs - 1
    seconds = first.duration_seconds + more * (last.duration_seconds - first.duration_seconds)
    per_epoch = _joules(last.charges) - _joules(first.charges)
    joules = _joules(first.charges) + more * per_epoch
    return seconds, joules, f"two epochs measured now, scaled to {epochs}"


def _joules(charges: Sequence[ChargeRow]) -> float:
    return objective_joules(by_component(charges))
