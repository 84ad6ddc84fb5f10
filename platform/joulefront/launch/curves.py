"""The curves of a study's trials, as its stopping rule sees them, kept up to date.

A trial that failed, or whose attempt was lost, has no curve: cheap ends are no evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from joulefront.spec import StudySpec
from joulefront.stopping import Curve

State = Literal["running", "complete", "pruned"]


class Curves:
    """One curve a trial.

    Args:
        spec: The study; without a stopping rule nothing is kept.
    """

    def __init__(self, spec: StudySpec) -> None:
        self._kept = spec.stopping.rule != "never"
        self._objectives = spec.objectives
        self._fixed = spec.fixed
        self._rows: dict[str, list[tuple[int, tuple[float, ...]]]] = {}
        self._ended: dict[str, Curve] = {}

    def report(self, trial_id: str, epoch: int, row: Mapping[str, Any]) -> None:
        """Take in one epoch: metrics, and what has been spent up to it."""
        if not self._kept:
            return
        values = tuple(one.sign * _number(row.get(one.metric)) for one in self._objectives)
        rows = self._rows.setdefault(trial_id, [])
        while rows and rows[-1][0] >= epoch:
            rows.pop()
        rows.append((epoch, values))

    def end(self, trial_id: str, parameters: Mapping[str, Any], state: State | None) -> None:
        """Take in that a trial has ended; None drops its curve."""
        if state is None:
            self._rows.pop(trial_id, None)
        elif trial_id in self._rows:
            self._ended[trial_id] = self._curve(trial_id, parameters, state)
            del self._rows[trial_id]

    def running(self, trial_id: str, parameters: Mapping[str, Any]) -> Curve:
        """Return the curve of a trial that has reported."""
        return self._curve(trial_id, parameters, "running")

    def others(self, trial_id: str) -> Sequence[Curve]:
        """Return all curves but one: of trials that have ended, in that order, then of others."""
        running = [self._curve(other, {}, "running") for other in self._rows if other != trial_id]
        return [*self._ended.values(), *running]

    def _curve(self, trial_id: str, parameters: Mapping[str, Any], state: State) -> Curve:
        rows: Iterable[tuple[int, tuple[float, ...]]] = self._rows[trial_id]
        epochs, values = zip(*rows, strict=True)
        final = epochs[-1] if state == "complete" else {**self._fixed, **parameters}.get("epochs")
        return Curve(
            trial_id=trial_id,
            epochs=np.array(epochs, dtype=np.int64),
            objectives=np.array(values, dtype=np.float64),
            final_epoch=final if type(final) is int else None,
            state=state,
        )


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else float("nan")
