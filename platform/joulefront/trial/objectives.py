"""Whether a trial has ended with all that the search needs of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from joulefront.errors import ObjectiveError


def objective_values(row: Mapping[str, Any], objectives: Sequence[str]) -> tuple[float, ...]:
    """Return the objectives of a trial that has ended.

    Args:
        row: Its metrics, and what the platform has measured.
        objectives: Names, in the study's order.

    Raises:
        ObjectiveError: If one is missing, is no number, or is not finite.
    """
    return tuple(_value(row, name) for name in objectives)


def _value(row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    numbers = (key for key, known in row.items() if isinstance(known, (int, float)))
    raise ObjectiveError(
        f"objective {name} must end as a finite number",
        given="no such metric" if value is None else repr(value),
        remedy=f"the trial has {', '.join(sorted(numbers)) or 'reported nothing'}",
    )
