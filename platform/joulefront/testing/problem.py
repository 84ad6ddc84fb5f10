"""What a problem is: a trainable whose every trial is known, for studies on a virtual clock.

Problems themselves are in `families.py` and `recorded.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from joulefront.spec import Objective
from joulefront.spec.space import Parameter


@dataclass(frozen=True, kw_only=True, slots=True)
class Epoch:
    """What a trial reports at the end of an epoch; joules and seconds are since it began."""

    metrics: Mapping[str, float]
    joules: float
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One trial from its first to its last epoch, and its `test_*` metrics."""

    epochs: Sequence[Epoch]
    tests: Mapping[str, float] = field(default_factory=dict)


class Problem(Protocol):
    """A trainable whose every trial is known.

    Attributes:
        name: Of the problem.
        space: Parameters by name.
        objectives: What a study of it searches for.
        reference: A fixed point for hypervolumes, objectives minimised.
        epochs: Of every trial.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def space(self) -> Mapping[str, Parameter]: ...  # noqa: D102
    @property
    def objectives(self) -> tuple[Objective, ...]: ...  # noqa: D102
    @property
    def reference(self) -> tuple[float, ...]: ...  # noqa: D102
    @property
    def epochs(self) -> int: ...  # noqa: D102

    def run(self, params: Mapping[str, Any], *, fold: int, seed: int) -> Run:
        """Return a trial; the same arguments give the same."""
        ...

    def truth(self, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Return the objectives without noise, minimised."""
        ...
