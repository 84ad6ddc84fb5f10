"""Who proposes the next trial: samplers as pure functions of the history. No Ray.

Optuna is imported with the first proposal that needs it. To add a sampler: one file with a
function that fulfils `Sampler`, one line in `SAMPLERS`, one test file that
calls `joulefront.testing.samplers.check_sampler`.
"""

from __future__ import annotations

from joulefront.search.observation import (
    SAMPLER,
    Observation,
    Proposal,
    Sampler,
    SpaceExhausted,
    stable_seed,
)
from joulefront.search.propose import SAMPLERS, load_sampler, propose, propose_with
from joulefront.search.warm_start import PastConfiguration, WarmStart, warm_observations

__all__ = [
    "SAMPLER",
    "SAMPLERS",
    "Observation",
    "PastConfiguration",
    "Proposal",
    "Sampler",
    "SpaceExhausted",
    "WarmStart",
    "load_sampler",
    "propose",
    "propose_with",
    "stable_seed",
    "warm_observations",
]
