"""What ends a study's search: which of its budgets is reached first.

Not here: measuring what was spent, and ending trials that still run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from joulefront.spec import Budget

_JOULES_PER_WATT_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a search has come.

    Attributes:
        configurations: Proposed or enqueued up to now, without replicates.
        hours: By the wall clock.
        joules: Spent by all attempts and proposals.
        grams: Of CO2e; NaN where the country's electricity is not known.
        hypervolume: After each fully measured configuration, in the order of their ends.
        joules_at: What was spent when each of these ended; as long, never falling.
    """

    configurations: int
    hours: float
    joules: float
    grams: float
    hypervolume: Sequence[float]
    joules_at: Sequence[float]


@dataclass(frozen=True, slots=True)
class End:
    """Why a search ends.

    Attributes:
        kind: The budget that was reached, as in the study file: "budget.trials".
        text: What to tell people.
    """

    kind: str
    text: str


def end_of_search(budget: Budget, progress: Progress) -> End | None:
    """Return the first reached of trials, hours, energy_wh, emissions_grams, plateau, or None.

    A budget that is not given is never reached, nor is one in grams that are NaN.
    """
    watt_hours = progress.joules / _JOULES_PER_WATT_HOUR
    limits: dict[str, tuple[float, float | None, str]] = {
        "trials": (progress.configurations, budget.trials, "configurations were proposed"),
        "hours": (progress.hours, budget.hours, "hours have passed"),
        "energy_wh": (watt_hours, budget.energy_wh, "Wh are spent"),
        "emissions_grams": (progress.grams, budget.emissions_grams, "g of CO2e are emitted"),
    }
    for name, (reached, limit, what) in limits.items():
        if limit is not None and reached >= limit:
            return End(f"budget.{name}", f"{reached:.6g} of {limit:.6g} {what}")
    return _end_by_plateau(budget, progress)


def _end_by_plateau(budget: Budget, progress: Progress) -> End | None:
    """Compare the hypervolume with what it was, once the study has lasted that long.

    A hypervolume of zero, infinity or NaN is no plateau.
    """
    plateau, history = budget.plateau, progress.hypervolume
    if plateau is None or not len(history):
        return None
    if plateau.trials is not None:
        before = len(history) - plateau.trials
        over = f"the last {plateau.trials} configurations"
    else:
        assert plateau.watt_hours is not None  # exactly one of them is given
        since = progress.joules - plateau.watt_hours * _JOULES_PER_WATT_HOUR
        before = int(np.searchsorted(progress.joules_at, since, side="right"))
        over = f"the last {plateau.watt_hours:g} Wh"
    if before < 1:
        return None
    now, then = history[-1], history[before - 1]
    if not now - then < plateau.gain * now < np.inf:
        return None
    gained = f"grew by {(now - then) / now:.3g} of itself over {over}"
    return End("budget.plateau", f"the hypervolume {gained}, less than {plateau.gain:g}")
