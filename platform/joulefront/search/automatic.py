"""The sampler of studies that name none: a stated rule, not a model of its own."""

from __future__ import annotations

from joulefront.search.observation import History, Proposal, Space

GP_OBJECTIVES = 2
GP_OBSERVATIONS = 250


def automatic(
    space: Space, objectives_count: int, *, seed: int, index: int, history: History
) -> Proposal:
    """Return a proposal of `gp` up to two objectives and 250 observations, else of `tpe`.

    Gaussian processes find more with few observations; their cost grows with the number of
    observations, and that of the hypervolume with the number of objectives.
    """
    if objectives_count <= GP_OBJECTIVES and len(history) < GP_OBSERVATIONS:
        from joulefront.search.gp import gp as chosen
    else:
        from joulefront.search.tpe import tpe as chosen
    return chosen(space, objectives_count, seed=seed, index=index, history=history)
