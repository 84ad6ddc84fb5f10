"""Proposal number i of a study, a pure function of (seed, i, history, running set).

Nothing is kept between calls, so an interrupted study goes on as if it had not been.
"""

from __future__ import annotations

import importlib
from itertools import pairwise
from operator import attrgetter

from joulefront.errors import JoulefrontError
from joulefront.search.observation import History, Proposal, Sampler, Space
from joulefront.spec.nearest import remedy

SAMPLERS = {
    "auto": "joulefront.search.automatic:automatic",
    "gp": "joulefront.search.gp:gp",
    "grid": "joulefront.search.grid_search:grid_search",
    "nsga2": "joulefront.search.nsga2:nsga2",
    "qmc": "joulefront.search.qmc:qmc",
    "random": "joulefront.search.random_search:random_search",
    "tpe": "joulefront.search.tpe:tpe",
}


def propose(
    space: Space, objectives_count: int, *, sampler: str, seed: int, index: int, history: History
) -> Proposal:
    """Return the configuration to try as number `index`.

    The same arguments give the same answer in every process. A proposal may repeat an earlier
    one: that is a replicate, not an error.

    Args:
        space: Parameters by name.
        objectives_count: How many values a complete observation has.
        sampler: A name in `SAMPLERS`.
        seed: The study's.
        index: Number of the proposal, from 0.
        history: All proposals that have been made, running ones included, in any order.

    Raises:
        JoulefrontError: If there is no sampler of that name.
        SpaceExhausted: If the sampler has no configuration of that number.
    """
    if sampler not in SAMPLERS:
        raise JoulefrontError(
            "search.sampler must be a known sampler",
            given=repr(sampler),
            remedy=remedy(sampler, SAMPLERS),
        )
    chosen = load_sampler(SAMPLERS[sampler])
    return propose_with(chosen, space, objectives_count, seed=seed, index=index, history=history)


def propose_with(
    sampler: Sampler,
    space: Space,
    objectives_count: int,
    *,
    seed: int,
    index: int,
    history: History,
) -> Proposal:
    """Do what `propose` does with a sampler that need not be registered."""
    ordered = sorted(history, key=attrgetter("index"))
    if any(one.index == other.index for one, other in pairwise(ordered)):
        raise ValueError("each observation must have an index of its own")
    return sampler(space, objectives_count, seed=seed, index=index, history=ordered)


def load_sampler(reference: str) -> Sampler:
    """Import a sampler by its "module:Object"."""
    module, _, attribute = reference.partition(":")
    sampler: Sampler = getattr(importlib.import_module(module), attribute)
    return sampler
