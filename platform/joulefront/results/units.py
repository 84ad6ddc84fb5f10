"""Units of columns, and numbers as people read them.

Values keep their stored units (SI); only what is printed or drawn is converted, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from joulefront.spec import Objective

_JOULES_PER_WATT_HOUR = 3600.0
_READ_IN_WATT_HOURS_FROM = 360.0
_LOG_FROM = 20.0  # greatest over least value of a cost
_ESTIMATES = ("_standard_error", "_low", "_high")
_BY_ENDING = {
    "_joules": "J",
    "_seconds": "s",
    "_grams": "g",
    "_watts": "W",
    "_bytes": "B",
    "_per_second": "1/s",
}
_BY_NAME = {
    "joules": "J",
    "time": "s since 1970-01-01 UTC",
    "emissions_grams": "g CO2e",
    "flops_per_sample": "FLOP",
}


def unit_of(column: str) -> str:
    """The unit of a column, read from its name; "1" for a column without one."""
    name = column
    for ending in _ESTIMATES:
        name = name.removesuffix(ending)
    if name in _BY_NAME:
        return _BY_NAME[name]
    return next((unit for ending, unit in _BY_ENDING.items() if name.endswith(ending)), "1")


def units_of(columns: Iterable[str]) -> dict[str, str]:
    """The units of several columns by name."""
    return {column: unit_of(column) for column in columns}


def readable(column: str, largest: float) -> tuple[str, float]:
    """How a column is drawn: its label with the unit, and the factor its values are multiplied by.

    From a `largest` absolute value of 360 J, which is 0.1 Wh, energy is shown in watt-hours; NaN
    counts as small. For example ("energy (Wh)", 1 / 3600); without a unit, the column's name.
    """
    unit = unit_of(column)
    if unit == "1":
        return column, 1.0
    ending = next((ending for ending in _BY_ENDING if column.endswith(ending)), "")
    name = column if unit == "1/s" else (column.removesuffix(ending) or column)
    if unit == "J" and largest >= _READ_IN_WATT_HOURS_FROM:
        return f"{name} (Wh)", 1.0 / _JOULES_PER_WATT_HOUR
    return f"{name} ({unit})", 1.0


@dataclass(frozen=True, slots=True)
class Axis:
    """How a column is drawn along an axis: `factor` turns stored values into the label's unit."""

    column: str
    label: str
    factor: float = 1.0
    log: bool = False

    def scaled(self, frame: pd.DataFrame) -> pd.Series[float]:
        """The column's values in the label's unit; text as it is."""
        return frame[self.column] if self.factor == 1.0 else frame[self.column] * self.factor


def objective_axis(objective: Objective, values: pd.Series[float]) -> Axis:
    """The axis of an objective, whose label says unit, direction and scale.

    The scale is logarithmic for a cost, which is minimised and has a unit, whose values are all
    positive and differ by more than a factor of 20.
    """
    label, factor = readable(objective.metric, values.abs().max())
    cost = objective.direction == "minimise" and unit_of(objective.metric) != "1"
    log = bool(cost and 0 < values.min() * _LOG_FROM < values.max())
    label = f"{label}, {objective.direction}" + (", log scale" if log else "")
    return Axis(objective.metric, label, factor, log)


def energy_text(joules: float) -> str:
    """Energy in both units, such as "0.412 Wh (1480 J)"."""
    return f"{number_text(joules / _JOULES_PER_WATT_HOUR)} Wh ({number_text(joules)} J)"


def number_text(value: object, digits: int = 4) -> str:
    """A value in few characters: floats to `digits` significant ones, an absent value as "-"."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float) and 10.0**digits <= abs(value) < 1e7:
        return f"{value:.0f}"
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def estimate_text(mean: float, standard_error: float) -> str:
    """A mean with its standard error, or alone where there is only one replicate."""
    if math.isnan(standard_error):
        return number_text(mean)
    return f"{number_text(mean)} ± {number_text(standard_error, 2)}"
