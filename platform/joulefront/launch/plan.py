"""The units of a study's plan: a configuration, and the trials that measure it.

They are what `Agenda` moves about; nothing here decides anything.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from joulefront.spec import Choice, Parameter

TrialState = Literal["queued", "running", "complete", "failed", "pruned", "stopped"]
Role = Literal["search", "replicate", "enqueued"]

_LONGEST_DELAY = 60.0  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeEnd:
    """How a node ended an attempt on it.

    Attributes:
        host: Name of its host.
        notice: It had notice to leave, and the attempt moved off it; otherwise it is gone.
    """

    host: str
    notice: bool


@dataclass(slots=True)
class TrialPlan:
    """One trial of a configuration.

    Attributes:
        proposal_index: Of the proposal that asked for it; for other replicates, the first's.
        values: Objectives as measured, in the study's order and directions; where the trial was
            pruned, their projection, minimised.
        violations: Of the study's constraints, at most 0 where they hold.
        joules: Spent on all its attempts.
        attempt: Of the last try; 0 before the first.
        failures: Attempts that failed by themselves; those lost with a driver or a node do not
            count.
        memory_failures: Those of them that were out of memory.
        nodes_lost: Attempts that were lost with their node.
        not_before: On the agenda's clock, when it may be tried again.
        discarded: Attempts that were complete, but measured so badly that they were repeated.
    """

    trial_id: str
    config_id: str
    fold: int
    seed: int
    role: Role
    proposal_index: int
    state: TrialState = "queued"
    attempt: int = 0
    failures: int = 0
    memory_failures: int = 0
    nodes_lost: int = 0
    not_before: float = -math.inf
    discarded: list[int] = field(default_factory=list)
    values: tuple[float, ...] | None = None
    violations: tuple[float, ...] = ()
    joules: float = 0.0

    @property
    def delay_seconds(self) -> float:
        """How long it waits, after its last failure, until it is tried again."""
        return min(2.0 ** min(self.failures - 2, 10), _LONGEST_DELAY) if self.failures > 1 else 0.0


@dataclass(slots=True)
class Configuration:
    """Parameters and the trials that measure them.

    Attributes:
        index: Of the configuration, from 0.
        proposal_index: Of the proposal that it was first proposed in.
        parameters: The active ones of the space.
        attributes: What the sampler wants to see again with it.
        trials: In the order in which they run.
        columns: The parameters as one column each can hold them: text where a choice mixes types.
    """

    index: int
    proposal_index: int
    parameters: Mapping[str, Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    trials: list[TrialPlan] = field(default_factory=list)
    columns: Mapping[str, Any] = field(default_factory=dict)

    @property
    def config_id(self) -> str:
        """Name of the configuration, such as "c0007"."""
        return config_id(self.index)


def config_id(index: int) -> str:
    """Return the name of configuration number `index`."""
    return f"c{index:04d}"


def key_of(parameters: Mapping[str, Any]) -> str:
    """Return a text that is equal for equal parameters only."""
    return json.dumps(dict(parameters), sort_keys=True)


def column(parameter: Parameter, value: Any) -> Any:
    """Return a parameter's value as its column holds it."""
    mixed = isinstance(parameter, Choice) and len({type(o) for o in parameter.options}) > 1
    return str(value) if mixed else value
