"""A condition that a metric must meet for a configuration to count: "sensitivity >= 0.6"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Literal

from joulefront.spec.checked import Checked, FieldError
from joulefront.spec.document import describe
from joulefront.spec.sections import metric_mistake

_FORM = re.compile(r"(?P<metric>[^\s<>=]+)\s*(?P<operator>>=|<=)\s*(?P<bound>\S+)")


@dataclass(frozen=True, slots=True)
class Constraint(Checked):
    """A bound on a metric's last value; a study file writes it as text, as `str` returns it.

    Attributes:
        metric: Name under which the trainable reports it, or what the platform measures. Never a
            `test_*` metric.
        operator: On which side of the bound the metric must lie.
        bound: In the metric's unit; itself allowed.
    """

    metric: str
    operator: Literal[">=", "<="]
    bound: float

    def check(self) -> None:
        """Refuse names that are no metric's, and those of the test fold."""
        if mistake := metric_mistake(self.metric):
            raise self.error("metric", mistake[0], remedy=mistake[1])

    @classmethod
    def parse(cls, text: object) -> Constraint:
        """Return the constraint that a study file writes as text.

        Raises:
            FieldError: It is not "metric >= number" or "metric <= number", or names a metric that
                cannot be bound.
        """
        found = _FORM.fullmatch(text.strip()) if isinstance(text, str) else None
        try:
            if found:
                return cls(found["metric"], found["operator"], float(found["bound"]))  # type: ignore[arg-type]
        except ValueError:
            pass
        must, remedy = (
            "must be 'metric >= number' or 'metric <= number'",
            "as in sensitivity >= 0.6",
        )
        raise FieldError(cls.__name__, "", must, given=describe(text), remedy=remedy)

    def violation(self, value: float) -> float:
        """Return by how much a value misses the bound, in the metric's unit.

        At most 0 where the constraint holds; infinite for NaN, which meets no bound.
        """
        if math.isnan(value):
            return math.inf
        return self.bound - value if self.operator == ">=" else value - self.bound

    def written(self) -> Any:
        """Return it as text."""
        return str(self)

    def __str__(self) -> str:
        """Return the text from which `parse` makes it again."""
        short = f"{self.bound:g}"
        bound = short if float(short) == self.bound else repr(self.bound)
        return f"{self.metric} {self.operator} {bound}"


def check_constraints(constraints: tuple[Constraint, ...]) -> None:
    """Refuse a metric bound twice on one side, and bounds that leave no value between them.

    Raises:
        FieldError: At "constraints.INDEX", of the later one.
    """
    for index, later in enumerate(constraints):
        for earlier in constraints[:index]:
            if earlier.metric != later.metric:
                continue
            if earlier.operator == later.operator:
                must = f"a metric must stand once with {later.operator}"
            elif max(earlier.violation(later.bound), later.violation(earlier.bound)) > 0:
                must = "must leave values that meet both bounds of a metric"
            else:
                continue
            given, place = f"{earlier} and {later}", f"constraints.{index}"
            raise FieldError("StudySpec", place, must, given=given, remedy="take one out")
