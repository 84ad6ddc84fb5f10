"""The sampler of studies that name none: a stated rule, not a model of its own.

It takes the first of these that the study can afford, and writes which into the proposal:

1. `gp` while there are few observations and objectives,
2. `tpe` over a bounded history, which costs the same at 10,000 observations as at 200,
3. `nsga2`, which costs next to nothing.

A sampler is affordable while what its recent proposals cost, in joules, is below a fifth of what a
trial costs.
"""

from __future__ import annotations

import dataclasses
from math import isfinite
from statistics import median

from joulefront.search.bounded import bounded, is_told
from joulefront.search.observation import SAMPLER, History, Proposal, Space

AFFORDABLE = 0.2
"""The joules of a proposal as a share of those of the median trial."""

GP_OBSERVATIONS = 250
GP_OBJECTIVES = 4
TPE_OBSERVATIONS = 120

_RECENT = 5  # proposals whose cost is looked at
_WINDOW = 200  # observations that are looked at for costs


def automatic(
    space: Space, objectives_count: int, *, seed: int, index: int, history: History
) -> Proposal:
    """Return a proposal of the sampler that the rule above takes."""
    costs = history[-_WINDOW:]
    told = [observation for observation in history if is_told(observation)]
    few = len(told) < GP_OBSERVATIONS and objectives_count <= GP_OBJECTIVES
    if few and _affordable("gp", costs):
        from joulefront.search.gp import gp as chosen

        name, seen = "gp", history
    elif _affordable("tpe", costs):
        from joulefront.search.tpe import tpe as chosen

        running = [observation for observation in history if observation.state == "running"]
        kept = [*bounded(told, TPE_OBSERVATIONS), *running]
        name, seen = "tpe", sorted(kept, key=lambda observation: observation.index)
    else:
        from joulefront.search.nsga2 import nsga2 as chosen

        name, seen = "nsga2", history
    proposal = chosen(space, objectives_count, seed=seed, index=index, history=seen)
    return dataclasses.replace(proposal, attributes={**proposal.attributes, SAMPLER: name})


def _affordable(sampler: str, observations: History) -> bool:
    """Return whether a sampler's proposals cost little beside trials, as far as that is known.

    The median of the last five decides, so that no single one does, nor the first with its imports.
    """
    proposals = [
        o.proposal_joules
        for o in observations
        if o.attributes.get(SAMPLER) == sampler and isfinite(o.proposal_joules)
    ][-_RECENT:]
    trials = [o.joules / o.trials for o in observations if isfinite(o.joules) and o.joules > 0]
    if len(proposals) < _RECENT or not trials:
        return True
    return median(proposals) < AFFORDABLE * median(trials)
