"""The energy of a trial that took more than one attempt: a pure function.

`energy_joules` is what it took to get the result: the final attempt's windows, and of earlier
attempts the part up to the checkpoint that was gone on from. What was spent beyond that bought
nothing and is the bill's `retried`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Components = Mapping[str, float]
"""Joules by component, such as {"cpu": 12.5, "gpu": 0.0}."""

OBJECTIVE_COMPONENTS = ("cpu", "gpu")


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptEnergy:
    """What one attempt spent.

    Attributes:
        attempt: Its number, from 1.
        total: At its end, or at its last report if it never closed.
        by_epoch: At each of its reports.
        resumed_from: (attempt, epoch) of the checkpoint it went on from.
    """

    attempt: int
    total: Components
    by_epoch: Mapping[int, Components] = field(default_factory=dict)
    resumed_from: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialEnergy:
    """What a trial is charged.

    Attributes:
        charged: Joules by component that led to the result.
        retried: Joules of earlier attempts that did not.
    """

    charged: Components
    retried: float

    @property
    def joules(self) -> float:
        """The objective `energy_joules`."""
        return sum(self.charged.get(component, 0.0) for component in OBJECTIVE_COMPONENTS)


def fold_attempts(attempts: Sequence[AttemptEnergy]) -> TrialEnergy:
    """Charge the last attempt, and of those before it what it went on from.

    A checkpoint whose own report was lost on the way counts as all that is known of its attempt.

    Args:
        attempts: In order, at least one.
    """
    by_number = {attempt.attempt: attempt for attempt in attempts}
    charged: dict[str, float] = dict(attempts[-1].total)
    source = attempts[-1].resumed_from
    while source is not None:
        earlier = by_number[source[0]]
        for component in OBJECTIVE_COMPONENTS:
            reached = earlier.by_epoch.get(source[1], earlier.total).get(component, 0.0)
            charged[component] = charged.get(component, 0.0) + reached
        source = earlier.resumed_from
    spent = sum(_objective(attempt.total) for attempt in attempts)
    retried = max(0.0, spent - _objective(charged))
    return TrialEnergy(charged=charged, retried=retried)


def _objective(components: Components) -> float:
    return sum(components.get(component, 0.0) for component in OBJECTIVE_COMPONENTS)
