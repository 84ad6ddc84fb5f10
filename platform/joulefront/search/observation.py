"""What a sampler sees of a study and what it answers; no sampler, no Optuna."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from joulefront.spec.space import Parameter

State = Literal["complete", "running", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """One configuration that was proposed before.

    Attributes:
        index: Number of the proposal, from 0. No two observations share one.
        params: Value by parameter name, all of the space's.
        values: Objectives, each minimised (its sign applied); None unless complete.
        state: A "running" one is known by its parameters, a "failed" one only as failed.
        attributes: What the sampler answered beside the parameters.
    """

    index: int
    params: Mapping[str, Any]
    values: tuple[float, ...] | None
    state: State
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """A configuration to try.

    Attributes:
        params: Value by parameter name, in the order of the space.
        attributes: What the sampler wants to see again with its observation; plain JSON values.
    """

    params: dict[str, Any]
    attributes: dict[str, Any]


class SpaceExhausted(Exception):
    """There is no configuration of that number: all of the grid were proposed."""


class Sampler(Protocol):
    """A pure function from the history to the next proposal."""

    def __call__(
        self,
        space: Mapping[str, Parameter],
        objectives_count: int,
        *,
        seed: int,
        index: int,
        history: Sequence[Observation],
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
