"""How a study's front grows while it runs: what its ends are judged by.

The reference point is chosen once, from the first configurations, and stored with the study: a
hypervolume that is measured from another point each time cannot tell growth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from joulefront.front import hypervolume_history, reference_point
from joulefront.launch.observations import is_feasible, mean_objectives
from joulefront.launch.plan import Configuration
from joulefront.spec import StudySpec

ENOUGH = 10
"""Fully measured configurations from which the reference point is chosen, or all at the end."""


class Growth:
    """The fully measured, feasible configurations of a study, in the order of their ends.

    Args:
        spec: The study.

    Attributes:
        reference: Value by metric in its own direction; None until it has been chosen.
        joules_at: What had been spent when each configuration was measured.
    """

    def __init__(self, spec: StudySpec) -> None:
        self._spec = spec
        self._points: dict[int, tuple[float, ...]] = {}
        self._array: NDArray[np.float64] | None = None
        self.joules_at: list[float] = []
        self.reference: Mapping[str, float] | None = None

    def learn(self, configuration: Configuration, joules: float) -> None:
        """Take in what a configuration's trials have measured, if that is all of it.

        Args:
            configuration: Of which a trial has just been completed.
            joules: Spent by the study up to then.
        """
        point = mean_objectives(configuration, self._spec)
        if point is None or not is_feasible(configuration):
            return
        if configuration.index not in self._points:
            self.joules_at.append(max([joules, *self.joules_at[-1:]]))
        self._points[configuration.index] = point
        self._array = None

    def points(self) -> NDArray[np.float64]:
        """Return the objectives as they are known now, minimised: shape (n, m)."""
        if self._array is None:
            points = np.array(list(self._points.values()), dtype=np.float64)
            self._array = points.reshape(-1, len(self._spec.objectives))
        return self._array

    def choose_reference(self, *, at_the_end: bool = False) -> bool:
        """Choose the reference point if it is time; return whether it was."""
        least = 1 if at_the_end else ENOUGH
        if self.reference is not None or len(self._points) < least:
            return False
        pairs = zip(self._spec.objectives, reference_point(self.points()), strict=True)
        self.reference = {one.metric: float(one.sign * value) for one, value in pairs}
        return True

    def hypervolume(self) -> Sequence[float]:
        """Return it after each configuration; nothing before there is a reference point."""
        if self.reference is None:
            return []
        corner = [one.sign * self.reference[one.metric] for one in self._spec.objectives]
        return list(hypervolume_history(self.points(), np.array(corner)))
