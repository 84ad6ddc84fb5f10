"""Units of columns, and numbers as people read them.

Values keep their stored units (SI); only what is printed or drawn is converted, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

JOULES_PER_WATT_HOUR = 3600.0

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
_STANDARD_ERROR = "_standard_error"
_READ_IN_WATT_HOURS_FROM = 360.0


def unit_of(column: str) -> str:
    """The unit of a column, read from its name; "1" for a column without one."""
    name = column.removesuffix(_STANDARD_ERROR)
    if name in _BY_NAME:
        return _BY_NAME[name]
    return next((unit for ending, unit in _BY_ENDING.items() if name.endswith(ending)), "1")


def units_of(columns: Iterable[str]) -> dict[str, str]:
    """The units of several columns by name."""
    return {column: unit_of(column) for column in columns}


def readable(column: str, largest: float) -> tuple[str, float]:
    """How a column is drawn: its label with the unit, and the factor its values are multiplied by.

    Args:
        column: Column name, such as "energy_joules".
        largest: Largest absolute value to be shown; from 360 J, which is 0.1 Wh, energy is shown
            in watt-hours. NaN counts as small.

    Returns:
        For example ("energy (Wh)", 1 / 3600). A column without unit keeps its name.
    """
    unit = unit_of(column)
    if unit == "1":
        return column, 1.0
    ending = next((ending for ending in _BY_ENDING if column.endswith(ending)), "")
    name = column if unit == "1/s" else (column.removesuffix(ending) or column)
    if unit == "J" and largest >= _READ_IN_WATT_HOURS_FROM:
        return f"{name} (Wh)", 1.0 / JOULES_PER_WATT_HOUR
    return f"{name} ({unit})", 1.0


def energy_text(joules: float) -> str:
    """Energy in both units, such as "0.412 Wh (1480 J)"."""
    return f"{number_text(joules / JOULES_PER_WATT_HOUR)} Wh ({number_text(joules)} J)"


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
