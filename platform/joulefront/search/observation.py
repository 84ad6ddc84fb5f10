"""What a sampler sees of a study and what it answers; no sampler, no Optuna."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Any, Literal, Protocol

from joulefront.spec.space import Parameter

State = Literal["complete", "running", "failed", "stopped"]
Space = Mapping[str, Parameter]

SAMPLER = "joulefront:sampler"
"""Attribute of a proposal of `auto`: which sampler it took."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """One configuration that was proposed before."""

    index: int  # number of the proposal, from 0; negative: of another study; none twice
    params: Mapping[str, Any]  # those of the space that are active
    values: tuple[float, ...] | None  # objectives, each minimised; imputed where it was stopped
    state: State  # a running one is known by its parameters, a failed one only as failed
    attributes: Mapping[str, Any] = field(default_factory=dict)  # what the sampler gave beside them
    constraints: tuple[float, ...] = ()  # by how much each is violated; at most 0 is feasible
    joules: float = nan  # spent on its trials so far
    trials: int = 1  # that they were spent on
    proposal_joules: float = nan  # spent on proposing it


History = Sequence[Observation]


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """A configuration to try."""

    params: dict[str, Any]  # in the order of the space
    attributes: dict[str, Any]  # what the sampler wants to see again; plain JSON values


class SpaceExhausted(Exception):
    """There is no configuration of that number: all of the grid were proposed."""


class Sampler(Protocol):
    """A pure function from the history to the next proposal."""

    def __call__(
        self, space: Space, objectives_count: int, *, seed: int, index: int, history: History
    ) -> Proposal:
        """Return proposal number `index`; `history` is ordered by index."""
        ...


def stable_seed(seed: int, index: int) -> int:
    """Return a seed below 2**32 for proposal `index`, the same in every process and release.

    With the study's seed alone, a sampler that is rebuilt after an interruption draws its first
    points again.
    """
    digest = hashlib.blake2b(f"{seed}:{index}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little")
