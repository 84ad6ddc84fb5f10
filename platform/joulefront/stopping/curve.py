"""The learning curve of a trial, which is all that a stopping rule sees of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """The objectives of one trial, epoch by epoch.

    Attributes:
        trial_id: Of the trial.
        values: One tuple a reported epoch, one minimised value an objective.
        finished: Whether the trial has reached its last epoch.
    """

    trial_id: str
    values: tuple[tuple[float, ...], ...]
    finished: bool


class StoppingRule(Protocol):
    """A pure function of curves."""

    def __call__(self, curve: Curve, others: Sequence[Curve]) -> bool:
        """Return True if the trial of `curve` should end now, given all other trials' curves."""
        ...
