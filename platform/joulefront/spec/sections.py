"""The sections of a study: frozen values that check themselves, with their defaults.

A value that cannot be raises `FieldError`, from a study file as from Python.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, get_args, get_type_hints

from joulefront.spec.checked import Checked, limited

ENERGY_METRICS = (
    "energy_joules",
    "energy_cpu_joules",
    "energy_gpu_joules",
    "inference_energy_joules_per_sample",
    "emissions_grams",
)
"""What the platform charges a trial, as far as it can be an objective."""

_NO_OBJECTIVES = {
    "energy_ram_joules": "memory's watts are a constant, so this tells speed, not energy",
    "energy_idle_joules": "idle watts are a constant, so this tells speed, not energy",
    "energy_total_joules": "memory is in it, whose watts are a constant: it tells speed as well",
    "energy_setup_joules": "set-up is on the study's bill",
    "energy_retried_joules": "retries are on the study's bill",
}


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
        if not re.fullmatch(r"\S+", self.metric):
            raise self.error("metric", "must be a metric's name without spaces")
        if self.metric.startswith("test_"):
            must = "must not be a test_* metric: the search never sees the test fold"
            remedy = f"take the validation metric {self.metric.removeprefix('test_')!r}"
            raise self.error("metric", must, remedy=remedy)
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
class Budget(Checked):
    """When the search ends: at the first of these that is reached; at least one must be given."""

    NOT_BUILT = ("emissions_grams", "plateau", "strict")
    trials: int | None = limited(None, at_least=1)  # configurations proposed, without replicates
    hours: float | None = limited(None, above=0)  # by the wall clock
    energy_wh: float | None = limited(None, above=0)  # watt-hours charged to all attempts together

    def check(self) -> None:
        """Refuse a search without an end."""
        if self.trials is None and self.hours is None and self.energy_wh is None:
            must = "must give at least one of trials, hours, energy_wh"
            raise self.error("", must, given="none of them")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search(Checked):
    """Who proposes the configurations."""

    NOT_BUILT = ("sampler=nsga2", "sampler=qmc", "warm_start", "enqueue")
    sampler: Literal["auto", "gp", "grid", "random", "tpe"] = "auto"  # auto: the platform chooses
    seed: int = limited(0, at_least=0)  # fixes every proposal, given the history
    concurrent: int | None = limited(None, at_least=1)  # trials at once; None: all that fit


SAMPLERS: tuple[str, ...] = get_args(get_type_hints(Search)["sampler"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicates(Checked):
    """How often each configuration is evaluated: each fold with each seed, or fold 0, seed 0."""

    NOT_BUILT = ("allocate=front",)
    folds: int = limited(1, at_least=1)  # outer folds, 0 to folds - 1
    seeds: int = limited(1, at_least=1)  # 0 to seeds - 1
    allocate: Literal["none", "all"] = "none"  # none: fold 0, seed 0 only


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping(Checked):
    """Who ends a trial early: nobody."""

    NOT_BUILT = ("rule=dominated", "rule=successive_halving", "min_epochs")
    rule: Literal["never"] = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class PerTrial(Checked):
    """What one trial gets."""

    NOT_BUILT = ("timeout_minutes",)
    workers: int = limited(0, at_least=0)  # 0: the trial's own process; N: a group of N workers
    cpus: int = limited(1, at_least=1)  # cores of each process, and its threads
    gpus: float = limited(0.0, at_least=0)  # of each process: whole ones, or a share of one
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
