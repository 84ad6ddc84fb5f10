"""A request for a proposal, and what came of it: all that a proposal depends on, frozen.

A request can be carried out in any thread, at any time: it is a pure function of what it holds.
Points that the study file gives come first; the sampler is asked after them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from joulefront.search import Observation, Proposal, propose
from joulefront.search.random_search import completed
from joulefront.spec import StudySpec


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeProposal:
    """A proposal, and the CPU time that it took."""

    proposal: Proposal
    cpu_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposalRequest:
    """What proposal number `index` depends on.

    Attributes:
        index: From 0.
        spec: The study.
        history: What the sampler sees.
    """

    index: int
    spec: StudySpec
    history: tuple[Observation, ...]

    @property
    def is_enqueued(self) -> bool:
        """Whether the study file gives this configuration, or a part of it."""
        return self.index < len(self.spec.search.enqueue)

    def run(self) -> MadeProposal:
        """Make the proposal.

        Raises:
            SpaceExhausted: If the sampler has no configuration of that number.
        """
        began = time.thread_time()
        proposal = self._enqueued() if self.is_enqueued else self._proposed()
        return MadeProposal(proposal=proposal, cpu_seconds=time.thread_time() - began)

    def _proposed(self) -> Proposal:
        search = self.spec.search
        return propose(
            self.spec.space,
            len(self.spec.objectives),
            sampler=search.sampler,
            seed=search.seed,
            index=self.index,
            history=self.history,
        )

    def _enqueued(self) -> Proposal:
        """Draw at random what a point leaves open."""
        search = self.spec.search
        point = search.enqueue[self.index]
        params = completed(self.spec.space, point, seed=search.seed, index=self.index)
        return Proposal(params=params, attributes={})


Proposer = Callable[[ProposalRequest], MadeProposal]


def run_now(request: ProposalRequest) -> MadeProposal:
    """Carry out a request: the proposer of an agenda that has no other."""
    return request.run()
