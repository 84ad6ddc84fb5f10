"""The energy of a trial, over all its attempts, as the store's columns: pure functions.

`energy_joules` is what it took to get the result: the final attempt's windows, and of earlier
attempts the part up to the checkpoint that was gone on from. What was spent beyond that bought
nothing and is the bill's `retried`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from joulefront.energy import emissions_grams
from joulefront.trial.messages import ChargeRow

Components = Mapping[str, float]
"""Joules by component, such as {"cpu": 12.5, "gpu": 0.0}."""

OBJECTIVE_COMPONENTS = ("cpu", "gpu")
CARRIED = (*OBJECTIVE_COMPONENTS, "ram")
"""Components that a trial which went on from a checkpoint is charged of the attempt before."""

_COLUMNS = (*CARRIED, "idle", "setup")


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
        return objective_joules(self.charged)

    def columns(self, grid_intensity: float | None) -> dict[str, float | None]:
        """Return the columns of a trial's row.

        Args:
            grid_intensity: Grams of CO2e a kilowatt-hour, None if it is not known.
        """
        grams = None if grid_intensity is None else emissions_grams(self.joules, grid_intensity)
        return {
            "energy_joules": self.joules,
            **{f"energy_{component}_joules": self.charged.get(component) for component in _COLUMNS},
            "energy_total_joules": self.joules + self.charged.get("ram", 0.0),
            "energy_inference_joules": self.charged.get("inference"),
            "energy_retried_joules": self.retried,
            "emissions_grams": grams,
        }


def fold_attempts(attempts: Sequence[AttemptEnergy]) -> TrialEnergy:
    """Charge the last attempt, and of those before it what it went on from.

    A checkpoint whose own report was lost on the way counts as all that is known of its attempt.

    Args:
        attempts: In order, at least one.
    """
    by_number = {attempt.attempt: attempt for attempt in attempts}
    carried: dict[str, float] = {}
    source = attempts[-1].resumed_from
    while source is not None:
        earlier = by_number[source[0]]
        for component in CARRIED:
            reached = earlier.by_epoch.get(source[1], earlier.total).get(component, 0.0)
            carried[component] = carried.get(component, 0.0) + reached
        source = earlier.resumed_from
    charged = dict(attempts[-1].total)
    for component, joules in carried.items():
        charged[component] = charged.get(component, 0.0) + joules
    spent = sum(objective_joules(attempt.total) for attempt in attempts[:-1])
    retried = max(0.0, spent - objective_joules(carried))
    return TrialEnergy(charged=charged, retried=retried)


def by_component(rows: Iterable[ChargeRow]) -> dict[str, float]:
    """Add up charges over hosts and devices; NaN where a counter was missing."""
    totals: dict[str, float] = {}
    for row in rows:
        joules = row.joules if row.known else math.nan
        totals[row.component] = totals.get(row.component, 0.0) + joules
    return totals


def objective_joules(components: Components) -> float:
    """Return the dynamic energy of CPU and GPU."""
    return sum(components.get(component, 0.0) for component in OBJECTIVE_COMPONENTS)
