"""A search space as the unit cube: one coordinate a parameter, and what a model sees of it.

Numbers have an order, also where they are the options of a choice (0.0003, 0.001, 0.003): such a
choice is searched by the rank of its options, so that what is learnt of one tells something of its
neighbours. Options that are not all numbers have no order. A parameter that is not active lies in
the middle, where it makes no difference between two configurations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from joulefront.search.observation import Space
from joulefront.spec.conditions import active, parents_first
from joulefront.spec.space import Choice, Float, Int, Parameter

Array = NDArray[np.float64]

_MIDDLE = 0.5
_BELOW_ONE = 1.0 - 2.0**-53


def ascending(choice: Choice) -> tuple[Any, ...]:
    """Return the options as they are searched: numbers in ascending order, others as given."""
    if is_ordered(choice):
        return tuple(sorted(choice.options))
    return choice.options


def is_ordered(parameter: Parameter) -> bool:
    """Return whether neighbouring values are alike: a range, or a choice of numbers only."""
    return not isinstance(parameter, Choice) or all(
        isinstance(option, int | float) and not isinstance(option, bool)
        for option in parameter.options
    )


class UnitCube:
    """The coordinates of a space, each in [0, 1): by name, so the space's order is no matter.

    Shapes: `D` parameters, `N` points, `W` features (one a parameter that is ordered, one an option
    otherwise).

    Attributes:
        names: Of the D coordinates, sorted.
        parameter_of_feature: Shape (W,): the coordinate that a feature belongs to.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self.names = sorted(space)
        self._axes = [_axis(space[name]) for name in self.names]
        widths = [1 if axis.ordered else axis.count for axis in self._axes]
        self.parameter_of_feature = np.repeat(np.arange(len(widths)), widths)

    def encode(self, params: Mapping[str, Any]) -> list[float]:
        """Return the D coordinates of a configuration; those it has not are in the middle."""
        return [
            axis.coordinate(params[name]) if name in params else _MIDDLE
            for name, axis in zip(self.names, self._axes, strict=True)
        ]

    def decode(self, point: Array) -> dict[str, Any]:
        """Return the configuration at D coordinates: active parameters, in the space's order."""
        params = {
            name: axis.value(min(max(float(x), 0.0), _BELOW_ONE))
            for name, axis, x in zip(self.names, self._axes, point, strict=True)
        }
        return {name: params[name] for name in active(self._space, params)}

    def snap(self, points: Array) -> Array:
        """Move points (N, D) to the nearest that stand for a configuration, each for its own."""
        clipped = np.clip(points, 0.0, _BELOW_ONE)
        columns = [axis.snap(x) for axis, x in zip(self._axes, clipped.T, strict=True)]
        column = dict(zip(self.names, columns, strict=True))
        present: dict[str, NDArray[np.bool_]] = {}
        for name in parents_first(self._space):
            present[name] = np.ones(len(points), dtype=np.bool_)
            for parent, options in (self._space[name].when or {}).items():
                axis = self._axes[self.names.index(parent)]
                met = np.isin(column[parent], [axis.coordinate(option) for option in options])
                present[name] &= present[parent] & met
            column[name] = np.where(present[name], column[name], _MIDDLE)
        return np.stack([column[name] for name in self.names], axis=1)

    def features(self, points: Array) -> Array:
        """Return (N, W) for snapped points (N, D): two options without order are 1 apart."""
        columns = []
        for axis, x in zip(self._axes, points.T, strict=True):
            if axis.ordered:
                columns.append(x[:, None])
            else:
                columns.append(np.eye(axis.count)[(x * axis.count).astype(int)] * math.sqrt(0.5))
        return np.concatenate(columns, axis=1)

    def mutate(
        self, points: Array, scale: float, rng: np.random.Generator, *, share: float = 0.0
    ) -> Array:
        """Return (N, D) snapped points near those given: one coordinate of each is changed.

        Beside that one, each other is with probability `share`.
        A continuous one moves by a normal step of `scale`, an ordered one by at least a level, and
        one without order is drawn anew.
        """
        chosen = rng.random(points.shape) < share
        chosen[np.arange(len(points)), rng.integers(points.shape[1], size=len(points))] = True
        steps = scale * rng.standard_normal(points.shape)
        moved = points + steps + np.sign(steps) * [axis.half_level for axis in self._axes]
        drawn = rng.random(points.shape)
        anew = np.array([not axis.ordered for axis in self._axes])
        return self.snap(np.where(chosen, np.where(anew, drawn, moved), points))


class _Levels:
    """Values of their own interval each, of equal length."""

    def __init__(self, values: Sequence[Any], *, ordered: bool) -> None:
        self._values = values
        self.count = len(values)
        self.ordered = ordered
        self.half_level = 0.5 / self.count

    def coordinate(self, value: Any) -> float:
        """Return the middle of a value's interval; a number's that is nearest."""
        if self.ordered:
            rank = min(range(self.count), key=lambda i: abs(self._values[i] - value))
        else:
            rank = self._values.index(value)
        return (rank + 0.5) / self.count

    def value(self, x: float) -> Any:
        """Return the value at a coordinate in [0, 1)."""
        return self._values[int(x * self.count)]

    def snap(self, x: Array) -> Array:
        """Move coordinates to the middles of their intervals."""
        return np.asarray((np.floor(x * self.count) + 0.5) / self.count)


class _Interval:
    """A range without steps, or its logarithm; an integer owns half a unit on either side."""

    count = 1
    ordered = True

    def __init__(self, range_: Float | Int) -> None:
        self._range = range_
        self._whole = isinstance(range_, Int)
        margin = 0.5 if self._whole else 0.0
        low, high = range_.low - margin, range_.high + margin
        self._low, self._high = (math.log(low), math.log(high)) if range_.log else (low, high)
        self.half_level = 0.5 / (range_.high - range_.low + 1) if self._whole else 0.0

    def coordinate(self, value: Any) -> float:
        """Return where a value lies."""
        if self._low == self._high:
            return _MIDDLE
        return ((math.log(value) if self._range.log else value) - self._low) / self._width

    def value(self, x: float) -> Any:
        """Return the value at a coordinate in [0, 1)."""
        value = self._low + x * self._width
        value = math.exp(value) if self._range.log else value
        value = round(value) if self._whole else value
        return min(max(value, self._range.low), self._range.high)

    def snap(self, x: Array) -> Array:
        """Move coordinates of integers to where the integer lies."""
        if self._low == self._high:
            return np.full_like(x, _MIDDLE)
        if not self._whole:
            return x
        values = self._low + x * self._width
        values = np.round(np.exp(values) if self._range.log else values)
        values = np.clip(values, self._range.low, self._range.high)
        return np.asarray(
            ((np.log(values) if self._range.log else values) - self._low) / self._width
        )

    @property
    def _width(self) -> float:
        return self._high - self._low


def _axis(parameter: Parameter) -> _Levels | _Interval:
    if isinstance(parameter, Choice):
        return _Levels(ascending(parameter), ordered=is_ordered(parameter))
    if parameter.step is not None:
        return _Levels(parameter.grid(), ordered=True)
    return _Interval(parameter)
