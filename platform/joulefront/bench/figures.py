"""What a bench promises: figures with what they must reach, and mutants that must miss it.

A mutant is the measured thing with one known fault. Where it does not miss the reach too, the
figure shows nothing. How observations are made is each bench's own affair.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from joulefront.bench.tables import format_table

Row = Mapping[str, Any]
Rows = Sequence[Row]
Judged = TypeVar("Judged")
"""What a statistic reads from observations: a variant's name, or a function of a row."""


@dataclass(frozen=True, slots=True)
class Figure(Generic[Judged]):
    """One line of the table.

    Attributes:
        key: Its name in the JSON file.
        meaning: For people.
        reach: Between what it must lie; None: printed for comparison.
        statistic: How observations become the number; NaN where nothing was observed.
        judged: What is judged.
        fault: Of the mutant, in words.
        mutant: The same with that fault; None: there is none.
    """

    key: str
    meaning: str
    reach: tuple[float, float] | None
    statistic: Callable[[Rows, Judged], float]
    judged: Judged
    fault: str = ""
    mutant: Judged | None = None

    def value(self, rows: Rows) -> float:
        """Return the number; NaN where nothing was observed."""
        return self.statistic(rows, self.judged)

    def mutant_value(self, rows: Rows) -> float:
        """Return the number of the mutant; NaN without one."""
        return math.nan if self.mutant is None else self.statistic(rows, self.mutant)

    def is_reached(self, value: float) -> bool:
        """Tell whether a number lies within the reach; NaN never does."""
        return self.reach is None or self.reach[0] <= value <= self.reach[1]


def figure_values(figures: Sequence[Figure[Any]], rows: Rows) -> dict[str, float]:
    """Return every figure by its key."""
    return {figure.key: figure.value(rows) for figure in figures}


def figure_table(figures: Sequence[Figure[Any]], rows: Rows) -> str:
    """Return a figure a line, and what its mutant reads."""
    header = ["figure", "key", "value", "reach", "", "mutant", "", "its fault"]
    return format_table(header, [_line(figure, rows) for figure in figures])


def _line(figure: Figure[Any], rows: Rows) -> list[Any]:
    value = figure.value(rows)
    if figure.reach is None:
        return [figure.meaning, figure.key, value, "", "", "", "", ""]
    mutant = figure.mutant_value(rows)
    verdict = "ok" if figure.is_reached(value) else "missed"
    caught = "not caught" if figure.is_reached(mutant) else "missed"
    reach = _interval(*figure.reach)
    return [figure.meaning, figure.key, value, reach, verdict, mutant, caught, figure.fault]


def _interval(low: float, high: float) -> str:
    if low == high:
        return f"{low:g}"
    if math.isinf(high):
        return f"≥ {low:g}"
    return f"{low:g}–{high:g}" if low and math.isfinite(low) else f"≤ {high:g}"
