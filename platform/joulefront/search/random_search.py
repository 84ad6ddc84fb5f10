"""Independent uniform draws, by Optuna's random sampler; the history is not looked at."""

from __future__ import annotations

from optuna.samplers import RandomSampler

from joulefront.search.observation import History, Proposal, Space, stable_seed
from joulefront.search.optuna_study import ask


def random_search(
    space: Space, objectives_count: int, *, seed: int, index: int, history: History
) -> Proposal:
    """Return proposal `index`, uniform over the space (over the logarithm with `log`)."""
    return ask(RandomSampler(seed=stable_seed(seed, index)), space, objectives_count, ())
