"""The sections of a study: frozen values that check themselves, with their defaults.

A value that cannot be raises `FieldError`, from a study file as from Python.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from typing import Any, Literal, get_args, get_type_hints

from joulefront.spec.checked import Checked, limited
from joulefront.spec.document import describe

ENERGY_METRICS = (
    "energy_joules",
    "energy_cpu_joules",
    "energy_gpu_joules",
    "inference_energy_joules_per_sample",
    "emissions_grams",
)
"""What the platform charges a trial, as far as it can be an objective."""

_USUAL_SHARE = 0.45

_NO_OBJECTIVES = {
    "energy_ram_joules": "memory's watts are a constant, so this tells speed, not energy",
    "energy_idle_joules": "idle watts are a constant, so this tells speed, not energy",
    "energy_total_joules": "memory is in it, whose watts are a constant: it tells speed as well",
    "energy_setup_joules": "set-up is on the study's bill",
    "energy_retried_joules": "retries are on the study's bill",
}


def metric_mistake(metric: str) -> tuple[str, str] | None:
    """Return what a metric's name must be, and the remedy, where the search cannot use it."""
    if not re.fullmatch(r"\S+", metric):
        return "must be a metric's name without spaces", ""
    if metric.startswith("test_"):
        must = "must not be a test_* metric: the search never sees the test fold"
        return must, f"take the validation metric {metric.removeprefix('test_')!r}"
    return None


@dataclass(frozen=True, slots=True)
class Objective(Checked):
    """A metric to optimise.

    Attributes:
        metric: Name under which the trainable reports it, or a cost the platform charges
            (`ENERGY_METRICS`). Never a `test_*` metric: the search must not see the test fold.
        direction: Stated once, here; inside, everything is minimised.
    """

    metric: str
    direction: Literal["maximise", "minimise"]

    def check(self) -> None:
        """Refuse names that are no metric's, those of the test fold, and what is no cost."""
        if mistake := metric_mistake(self.metric):
            raise self.error("metric", mistake[0], remedy=mistake[1])
        if self.metric in _NO_OBJECTIVES:
            must = f"must be a cost of the trained model; {_NO_OBJECTIVES[self.metric]}"
            raise self.error("metric", must, remedy="take energy_joules")

    @property
    def is_energy(self) -> bool:
        """Whether it is energy that the platform charges, or grams of it."""
        return self.metric in ENERGY_METRICS

    @property
    def sign(self) -> float:
        """Factor that turns the metric's value into one to minimise: -1.0 or +1.0."""
        return -1.0 if self.direction == "maximise" else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plateau(Checked):
    """An end where the search has ceased to gain: exactly one of `trials` and `watt_hours`."""

    gain: float = limited(MISSING, above=0)  # of the front's hypervolume, as a share of what it is
    trials: int | None = limited(None, at_least=1)  # less than that over the last n configurations
    watt_hours: float | None = limited(None, above=0)  # or over the last that were spent

    def check(self) -> None:
        """Refuse a plateau that is measured over nothing, or over two things."""
        if (self.trials is None) == (self.watt_hours is None):
            given = "none of them" if self.trials is None else "both"
            raise self.error("", "must give exactly one of trials, watt_hours", given=given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget(Checked):
    """When the search ends: at the first of these that is reached; at least one must be given."""

    trials: int | None = limited(None, at_least=1)  # configurations proposed, without replicates
    hours: float | None = limited(None, above=0)  # by the wall clock
    energy_wh: float | None = limited(None, above=0)  # watt-hours charged to all attempts together
    emissions_grams: float | None = limited(None, above=0)  # of CO2e, of the same
    plateau: Plateau | None = None
    strict: bool = False  # the trials that run when hours, energy or emissions end are stopped too

    def check(self) -> None:
        """Refuse a search without an end, and a strict one without an end that could be passed."""
        spent = (self.hours, self.energy_wh, self.emissions_grams)
        if all(end is None for end in (self.trials, *spent, self.plateau)):
            must = "must give at least one of trials, hours, energy_wh, emissions_grams, plateau"
            raise self.error("", must, given="none of them")
        if self.strict and all(end is None for end in spent):
            must = "must come with hours, energy_wh or emissions_grams, which running trials spend"
            raise self.error("strict", must)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search(Checked):
    """Who proposes the configurations; `auto` lets the platform choose.

    Points of `enqueue` are tried first; what one leaves out is drawn. `warm_start` names the
    directories of studies whose trials the search may learn from.
    """

    sampler: Literal["auto", "gp", "grid", "nsga2", "qmc", "random", "tpe"] = "auto"
    seed: int = limited(0, at_least=0)  # fixes every proposal, given the history
    concurrent: int | None = limited(None, at_least=1)  # trials at once; None: all that fit
    warm_start: tuple[str, ...] = ()
    enqueue: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)

    def check(self) -> None:
        """Copy the points; refuse what is no mapping, and studies named twice."""
        for index, point in enumerate(self.enqueue):
            if not isinstance(point, Mapping):
                must = "must be a mapping (parameter: value)"
                raise self.error(f"enqueue.{index}", must, given=describe(point))
        object.__setattr__(self, "enqueue", tuple(self.plain_copy("enqueue")))
        object.__setattr__(self, "warm_start", tuple(self.warm_start))
        for index, study in enumerate(self.warm_start):
            if not study.strip() or study in self.warm_start[:index]:
                must = "must be a study's directory, each once"
                raise self.error(f"warm_start.{index}", must, given=describe(study))


SAMPLERS: tuple[str, ...] = get_args(get_type_hints(Search)["sampler"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicates(Checked):
    """How often each configuration is evaluated.

    `allocate: none` is fold 0 with seed 0 only, `all` is each fold with each seed, and `front`
    evaluates again, up to that often, where it is most uncertain who is on the front.
    """

    folds: int = limited(1, at_least=1)  # outer folds, 0 to folds - 1
    seeds: int = limited(1, at_least=1)  # 0 to seeds - 1
    allocate: Literal["none", "all", "front"] = "none"
    share: float | None = limited(None, above=0)  # of the trials' joules, < 1; for `front` alone

    def check(self) -> None:
        """Refuse a share that is none or that nobody would read, and a front without replicates."""
        if self.share is not None and self.share >= 1:
            raise self.error("share", "must be below 1")
        if self.allocate != "front" and self.share is not None:
            raise self.error("share", "must be absent unless allocate is front")
        if self.allocate == "front" and self.folds * self.seeds < 2:
            must, given = "must leave a second evaluation where allocate is front", "1 fold, 1 seed"
            raise self.error("folds", must, given=given, remedy="as in folds: 5, or seeds: 3")

    @property
    def racing_share(self) -> float:
        """The part of the trials' joules that evaluates the front again: `share`, or 0.45."""
        return _USUAL_SHARE if self.share is None else self.share


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping(Checked):
    """Who ends a trial early: nobody, or a rule of `joulefront.stopping`."""

    rule: Literal["never", "dominated", "successive_halving"] = "never"
    min_epochs: int = limited(1, at_least=1)  # no trial ends before it reported so many epochs
    reduction: int = limited(3, at_least=2)  # successive halving: one in so many goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class PerTrial(Checked):
    """What one trial gets."""

    workers: int = limited(0, at_least=0)  # 0: the trial's own process; N: a group of N workers
    cpus: int = limited(1, at_least=1)  # cores of each process, and its threads
    gpus: float = limited(0.0, at_least=0)  # of each process: whole ones, or a share of one
    timeout_minutes: float | None = limited(None, above=0)  # of an attempt
    max_failures: int = limited(1, at_least=0)  # how often a failing trial is tried again

    def check(self) -> None:
        """Refuse shares of several GPUs."""
        if self.gpus > 1 and not self.gpus.is_integer():
            raise self.error("gpus", "must be whole GPUs, or a share of one below 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Power(Checked):
    """Constants of the machine that are known better than the platform's table has them."""

    joules_per_cpu_second: float | None = limited(None, above=0)  # dynamic energy
    idle_watts_per_core: float | None = limited(None, above=0)  # of one hardware thread
    ram_watts_per_gib: float | None = limited(None, above=0)  # of memory in use


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy(Checked):
    """Where the electricity comes from, and how well a charge must be known."""

    country: str | None = None  # ISO 3166-1 alpha-3 code; None and no grams leave emissions null
    grams_per_kwh: float | None = limited(None, above=0)  # of CO2e; wins over the country's
    quality: Literal["warn", "strict"] = "warn"  # strict: degraded trials are measured again
    allow_shared_gpu: bool = False  # charge a share of a GPU by the share that was reserved
    normalise: Literal["none", "reference"] = "none"  # reference: machines of several classes
    power: Power = field(default_factory=Power)

    def check(self) -> None:
        """Refuse what is not of a country code's form."""
        if self.country is not None and not re.fullmatch("[A-Z]{3}", self.country):
            raise self.error("country", "must be an ISO 3166 code of three capital letters")
