"""What earlier studies measured, as history of this one: what of it fits, and why the rest not.

Pure: whoever reads the other studies' stores hands their configurations over, and only those that
were fully measured, of the same trainable on the same data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

from joulefront.search.observation import Observation
from joulefront.spec import StudySpec
from joulefront.spec.conditions import active, parents_first


@dataclass(frozen=True, kw_only=True, slots=True)
class PastConfiguration:
    """A configuration of another study."""

    study: str  # its directory, as the study file names it
    config_id: str
    params: Mapping[str, Any]  # searched there
    fixed: Mapping[str, Any]  # not searched there
    values: Mapping[str, float]  # every metric: means of its trials, as reported


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmStart:
    """What a search begins with."""

    observations: tuple[Observation, ...]  # indices -n to -1, in the order given
    taken: Mapping[str, int]  # configurations by study, 0 among them
    refused: Mapping[str, Mapping[str, int]]  # configurations by study and reason


def warm_observations(spec: StudySpec, past: Sequence[PastConfiguration]) -> WarmStart:
    """Return the configurations that this study could have proposed itself.

    A parameter is matched by its name, and its value must be one that the space here contains; what
    is fixed there counts as a value. What neither study searches must be fixed alike in both: a
    default is not known here.

    Args:
        spec: This study's.
        past: In any order of studies; the order is kept.
    """
    fitting: list[tuple[dict[str, Any], Mapping[str, float]]] = []
    taken = dict.fromkeys((one.study for one in past), 0)
    refused: dict[str, Counter[str]] = {study: Counter() for study in taken}
    for one in past:
        there = {**one.fixed, **one.params}
        if reason := _mismatch(spec, there) or _unmeasured(spec, one.values):
            refused[one.study][reason] += 1
            continue
        taken[one.study] += 1
        fitting.append(({name: there[name] for name in active(spec.space, there)}, one.values))
    observations = tuple(
        Observation(
            index=number - len(fitting),
            params=params,
            values=tuple(o.sign * float(values[o.metric]) for o in spec.objectives),
            state="complete",
            constraints=tuple(c.violation(values.get(c.metric, nan)) for c in spec.constraints),
            joules=float(values.get("energy_joules", nan)),
        )
        for number, (params, values) in enumerate(fitting)
    )
    return WarmStart(observations=observations, taken=taken, refused=refused)


def _mismatch(spec: StudySpec, there: Mapping[str, Any]) -> str:
    """Return why a configuration could not have been proposed here, or an empty text."""
    for name in parents_first(spec.space):
        if name not in active(spec.space, there):
            continue
        if name not in there:
            return f"{name} has no value there"
        if not spec.space[name].contains(there[name]):
            return f"{name} lies outside the space here"
    for name in sorted(there.keys() - spec.space.keys()):
        if name not in spec.fixed:
            return f"{name} is not set here"
        if type(spec.fixed[name]) is not type(there[name]) or spec.fixed[name] != there[name]:
            return f"{name} is fixed at another value here"
    unset = sorted(spec.fixed.keys() - there.keys())
    return f"{unset[0]} is not set there" if unset else ""


def _unmeasured(spec: StudySpec, values: Mapping[str, float]) -> str:
    for objective in spec.objectives:
        value = values.get(objective.metric)
        if value is None or not isfinite(value):
            return f"{objective.metric} was not measured there"
    return ""
