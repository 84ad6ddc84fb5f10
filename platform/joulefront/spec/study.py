"""What a study is: one frozen value that checks itself, made of the sections in `sections.py`.

Nothing here knows YAML, files or trainables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from keyword import iskeyword
from typing import Any

from joulefront.spec.document import describe
from joulefront.spec.fields import FieldError, check_types, plain_copy
from joulefront.spec.sections import (
    Budget,
    Energy,
    Objective,
    PerTrial,
    Replicates,
    Search,
    Stopping,
)
from joulefront.spec.space import Choice, Float, Int, Parameter

_SAFE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySpec:
    """One study, checked. Its mappings are copies of what was given and must not be changed.

    Attributes:
        name: Name of the study and of its folder.
        trainable: "package.module:function" or "path/to/file.py:function".
        space: What is searched, by name; at least one parameter.
        objectives: At least one; no metric twice.
        budget: When the search ends.
        data: Handed to the trainable as it is.
        fixed: Values for the trainable's Config that are not searched.
        search: Who proposes.
        replicates: Folds and seeds.
        stopping: Who ends a trial early.
        per_trial: Resources and retries.
        energy: Country of the electricity.

    Raises:
        FieldError: Something cannot be.
    """

    name: str
    trainable: str
    space: Mapping[str, Parameter]
    objectives: tuple[Objective, ...]
    budget: Budget
    data: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    search: Search = field(default_factory=Search)
    replicates: Replicates = field(default_factory=Replicates)
    stopping: Stopping = field(default_factory=Stopping)
    per_trial: PerTrial = field(default_factory=PerTrial)
    energy: Energy = field(default_factory=Energy)

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("data", "fixed"):
            object.__setattr__(self, name, plain_copy(self, name, getattr(self, name)))
        object.__setattr__(self, "space", dict(self.space))
        object.__setattr__(self, "objectives", tuple(self.objectives))
        _check_names(self)
        _check_objectives(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the study as a study file writes it, ready for JSON; what is None is left out."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "data": plain_copy(self, "data", self.data),
            "fixed": plain_copy(self, "fixed", self.fixed),
            "space": {name: parameter.to_dict() for name, parameter in self.space.items()},
            "objectives": [_section(objective) for objective in self.objectives],
            "search": _section(self.search),
            "replicates": _section(self.replicates),
            "stopping": _section(self.stopping),
            "budget": _section(self.budget),
            "per_trial": _section(self.per_trial),
            "energy": _section(self.energy),
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any], *, source: str = "study") -> StudySpec:
        """Return the study that `to_dict` wrote, or any mapping of a study file's form.

        Paths in it are not looked for: it may come from another machine.

        Args:
            written: As a study file, in plain values.
            source: Stands in errors where a file's name would.

        Raises:
            SpecError: As `load_study`, without lines.
        """
        from joulefront.spec.document import from_plain
        from joulefront.spec.read import read_study

        return read_study(from_plain(written, file=source))


def _section(
    section: Objective | Budget | Search | Replicates | Stopping | PerTrial | Energy,
) -> dict[str, Any]:
    values = {field.name: getattr(section, field.name) for field in fields(section)}
    return {name: value for name, value in values.items() if value is not None}


def _check_names(spec: StudySpec) -> None:
    if not _SAFE_NAME.fullmatch(spec.name):
        must = "must be a folder's name of letters, digits, '.', '_' and '-', at most 100"
        raise FieldError(spec, "name", must, given=describe(spec.name))
    file, colon, function = spec.trainable.rpartition(":")
    dotted = all(part.isidentifier() for part in file.split("."))
    if not colon or not function.isidentifier() or not (file.endswith(".py") or dotted):
        must = "must be package.module:function or path/to/file.py:function"
        raise FieldError(spec, "trainable", must, given=describe(spec.trainable))
    for section in ("space", "fixed"):
        for name in getattr(spec, section):
            if not isinstance(name, str) or not name.isidentifier() or iskeyword(name):
                must = "must be the name of a Config field"
                raise FieldError(spec, f"{section}.{name}", must, given=describe(name))
    if not spec.space:
        raise FieldError(spec, "space", "must have at least one parameter", given="none")
    for name, parameter in spec.space.items():
        if not isinstance(parameter, Float | Int | Choice):
            must = "must be a Float, Int or Choice"
            raise FieldError(spec, f"space.{name}", must, given=describe(parameter))
        if name in spec.fixed:
            must = "a name must stand in space or in fixed, not in both"
            raise FieldError(spec, f"fixed.{name}", must, given=name, remedy="remove one of them")


def _check_objectives(spec: StudySpec) -> None:
    if not spec.objectives:
        raise FieldError(spec, "objectives", "must have at least one objective", given="none")
    seen: set[str] = set()
    for index, objective in enumerate(spec.objectives):
        if not isinstance(objective, Objective):
            must = "must be an Objective"
            raise FieldError(spec, f"objectives.{index}", must, given=describe(objective))
        if objective.metric in seen:
            must = "a metric must be one objective only"
            shown = f"{objective.metric} again"
            raise FieldError(spec, f"objectives.{index}.metric", must, given=shown)
        seen.add(objective.metric)
