"""The sections of a study: frozen values that check themselves, with their defaults.

A value that cannot be raises `FieldError`, from a study file as from Python.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from joulefront.spec.document import describe
from joulefront.spec.fields import FieldError, check_at_least, check_types
from joulefront.spec.nearest import remedy

SAMPLERS = ("auto", "gp", "grid", "random", "tpe")
_NOT_BUILT = {"sampler": ("nsga2", "qmc"), "allocate": ("front",)}


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric to optimise.

    Attributes:
        metric: Name under which the trainable reports it, or a cost the platform charges
            (`energy_joules`). Never a `test_*` metric: the search must not see the test fold.
        direction: Stated once, here; inside, everything is minimised.
    """

    metric: str
    direction: Literal["maximise", "minimise"]

    def __post_init__(self) -> None:
        check_types(self)
        if not self.metric or re.search(r"\s", self.metric) or not self.metric.isprintable():
            must = "must be a metric's name without spaces"
            raise FieldError(self, "metric", must, given=describe(self.metric))
        if self.metric.startswith("test_"):
            raise FieldError(
                self,
                "metric",
                "must not be a test_* metric: the search never sees the test fold",
                given=describe(self.metric),
                remedy=f"take the validation metric {self.metric.removeprefix('test_')!r}",
            )

    @property
    def sign(self) -> float:
        """Factor that turns the metric's value into one to minimise: -1.0 or +1.0."""
        return -1.0 if self.direction == "maximise" else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """When the search ends: at the first of these that is reached; at least one must be given.

    Attributes:
        trials: Configurations proposed by the search, replicates not counted.
        hours: Wall-clock hours.
        energy_wh: Watt-hours that all attempts together are charged.
    """

    trials: int | None = None
    hours: float | None = None
    energy_wh: float | None = None

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, trials=1)
        for name in ("hours", "energy_wh"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise FieldError(self, name, "must be above 0", given=describe(value))
        if self.trials is None and self.hours is None and self.energy_wh is None:
            must = "must give at least one of trials, hours, energy_wh"
            raise FieldError(self, "", must, given="none of them")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Who proposes the configurations.

    Attributes:
        sampler: One of `SAMPLERS`; "auto" lets the platform choose.
        seed: Fixes every proposal, given the history.
        concurrent: Trials at once; None for as many as the resources hold.
    """

    sampler: str = "auto"
    seed: int = 0
    concurrent: int | None = None

    def __post_init__(self) -> None:
        check_types(self)
        _check_built(self, "sampler", SAMPLERS)
        check_at_least(self, seed=0, concurrent=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicates:
    """How often each configuration is evaluated.

    Attributes:
        folds: Outer folds, 0 to folds - 1.
        seeds: Seeds, 0 to seeds - 1.
        allocate: "all" runs every fold with every seed; "none" runs fold 0, seed 0 only.
    """

    folds: int = 1
    seeds: int = 1
    allocate: Literal["none", "all"] = "none"

    def __post_init__(self) -> None:
        _check_built(self, "allocate", ("all", "none"))
        check_types(self)
        check_at_least(self, folds=1, seeds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """Who ends a trial early: nobody."""

    rule: Literal["never"] = "never"

    def __post_init__(self) -> None:
        if isinstance(self.rule, str) and self.rule != "never":
            raise FieldError(
                self,
                "rule",
                f"the stopping rule {self.rule!r} is not built yet",
                given=describe(self.rule),
                remedy="nearest valid name: never",
            )
        check_types(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerTrial:
    """What one trial gets.

    Attributes:
        workers: 0 runs it in the trial's own process; N in a group of N workers.
        cpus: CPU cores per process, and its threads.
        gpus: GPUs per process, whole ones.
        timeout_minutes: Must be None.
        max_failures: How often a failing trial is tried again.
    """

    workers: int = 0
    cpus: int = 1
    gpus: int = 0
    timeout_minutes: float | None = None
    max_failures: int = 1

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, workers=0, cpus=1, gpus=0, max_failures=0)
        if self.timeout_minutes is not None:
            must = "timeout_minutes is not built yet"
            shown = describe(self.timeout_minutes)
            raise FieldError(self, "timeout_minutes", must, given=shown, remedy="take it out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Where the electricity comes from.

    Attributes:
        country: ISO 3166-1 alpha-3 code; None leaves emissions null.
    """

    country: str | None = None

    def __post_init__(self) -> None:
        check_types(self)
        if self.country is not None and not re.fullmatch("[A-Z]{3}", self.country):
            upper = self.country.upper()
            raise FieldError(
                self,
                "country",
                "must be an ISO 3166 code of three capital letters",
                given=describe(self.country),
                remedy=f"nearest valid name: {upper}" if re.fullmatch("[A-Z]{3}", upper) else "",
            )


def _check_built(owner: Search | Replicates, name: str, built: tuple[str, ...]) -> None:
    value = getattr(owner, name)
    if value in _NOT_BUILT[name]:
        must = f"the {name} {value!r} is not built yet"
        hint = f"valid names: {', '.join(built)}"
        raise FieldError(owner, name, must, given=describe(value), remedy=hint)
    if isinstance(value, str) and value not in built:
        must = f"must be one of {', '.join(built)}"
        raise FieldError(owner, name, must, given=describe(value), remedy=remedy(value, built))
