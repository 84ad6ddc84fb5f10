"""What a study is: one frozen value that checks itself, made of the sections in `sections.py`.

Nothing here knows YAML, files or trainables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from keyword import iskeyword
from typing import Any

from joulefront.spec.checked import Checked
from joulefront.spec.conditions import check_conditions
from joulefront.spec.constraint import Constraint, check_constraints
from joulefront.spec.document import describe, from_plain
from joulefront.spec.enqueue import check_points
from joulefront.spec.sections import (
    Budget,
    Energy,
    Objective,
    PerTrial,
    Replicates,
    Search,
    Stopping,
)
from joulefront.spec.space import Parameter

_SAFE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?")
_REFERENCE = re.compile(r"(?:.+\.py|[^\W\d]\w*(?:\.[^\W\d]\w*)*):[^\W\d]\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySpec(Checked):
    """One study, checked. Its mappings are copies of what was given and must not be changed."""

    name: str  # of the study and of its folder
    trainable: str  # package.module:function or path/to/file.py:function
    space: Mapping[str, Parameter]  # what is searched, by name; at least one
    objectives: tuple[Objective, ...]  # at least one, no metric twice
    budget: Budget
    data: Mapping[str, Any] = field(default_factory=dict)  # handed to the trainable as it is
    fixed: Mapping[str, Any] = field(default_factory=dict)  # for its Config, not searched
    constraints: tuple[Constraint, ...] = ()  # what a configuration must meet to be on the front
    search: Search = field(default_factory=Search)
    replicates: Replicates = field(default_factory=Replicates)
    stopping: Stopping = field(default_factory=Stopping)
    per_trial: PerTrial = field(default_factory=PerTrial)
    energy: Energy = field(default_factory=Energy)

    def check(self) -> None:
        """Copy the mappings, and refuse names that cannot be or stand twice."""
        for name in ("data", "fixed"):
            object.__setattr__(self, name, self.plain_copy(name))
        object.__setattr__(self, "space", dict(self.space))
        for name in ("objectives", "constraints"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not _SAFE_NAME.fullmatch(self.name):
            must = "must be a folder's name of letters, digits, '.', '_' and '-', at most 100"
            raise self.error("name", must)
        if not _REFERENCE.fullmatch(self.trainable):
            must = "must be package.module:function or path/to/file.py:function"
            raise self.error("trainable", must)
        self._check_space()
        metrics = [objective.metric for objective in self.objectives]
        if not metrics:
            raise self.error("objectives", "must have at least one objective", given="none")
        for index, metric in enumerate(metrics):
            if metric in metrics[:index]:
                must = "a metric must be one objective only"
                raise self.error(f"objectives.{index}.metric", must, given=f"{metric} again")
        check_constraints(self.constraints)
        self._check_energy()

    @property
    def about_energy(self) -> bool:
        """Whether an objective is energy that the platform charges."""
        return any(objective.is_energy for objective in self.objectives)

    @classmethod
    def from_dict(cls, written: Mapping[str, Any], *, source: str = "study") -> StudySpec:
        """Return the study that `to_dict` wrote, or any mapping of a study file's form.

        Paths in it are not looked for: it may come from another machine.

        Raises:
            SpecError: As `load_study`, with `source` for the file and no lines.
        """
        from joulefront.spec.read import read_study

        return read_study(from_plain(written, file=source))

    def _check_space(self) -> None:
        if not self.space:
            raise self.error("space", "must have at least one parameter", given="none")
        for section in ("space", "fixed"):
            for name in getattr(self, section):
                if not name.isidentifier() or iskeyword(name):
                    must = "must be the name of a Config field"
                    raise self.error(f"{section}.{name}", must, given=describe(name))
        for name, parameter in self.space.items():
            if not isinstance(parameter, Parameter):
                must = "must be a Float, Int or Choice"
                raise self.error(f"space.{name}", must, given=describe(parameter))
            if name in self.fixed:
                must = "a name must stand in space or in fixed, not in both"
                raise self.error(f"fixed.{name}", must, given=name, remedy="remove one of them")
        check_conditions(self.space, self.fixed)
        points = check_points(self.search.enqueue, self.space, self.fixed)
        object.__setattr__(self, "search", replace(self.search, enqueue=points))

    def _check_energy(self) -> None:
        energy, gpus = self.energy, self.per_trial.gpus
        emissions = "emissions_grams"
        in_grams = {
            f"objectives.{i}.metric": o.metric == emissions for i, o in enumerate(self.objectives)
        }
        in_grams |= {
            f"constraints.{i}": c.metric == emissions for i, c in enumerate(self.constraints)
        }
        in_grams["budget.emissions_grams"] = self.budget.emissions_grams is not None
        for place, grams in in_grams.items():
            if grams and not (energy.country or energy.grams_per_kwh):
                must = "must come with energy.country or energy.grams_per_kwh"
                raise self.error(place, must, given=emissions)
        if gpus % 1 and self.about_energy and not energy.allow_shared_gpu:
            must = "must be whole GPUs where energy is an objective: a share's energy is a guess"
            remedy = "energy.allow_shared_gpu charges it by the share that was reserved"
            raise self.error("per_trial.gpus", must, given=f"{gpus:g}", remedy=remedy)
