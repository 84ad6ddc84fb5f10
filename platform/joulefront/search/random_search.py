"""Independent uniform draws, by Optuna's random sampler; the history is not looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optuna.samplers import RandomSampler

from joulefront.search.observation import Observation, Proposal, stable_seed
from joulefront.search.optuna_study import ask
from joulefront.spec.space import Parameter


def random_search(
    space: Mapping[str, Parameter],
    objectives_count: int,
    *,
    seed: int,
    index: int,
    history: Sequence[Observation],
) -> Proposal:
    """Return proposal `index`, uniform over the space (over the logarithm with `log`)."""
    return ask(RandomSampler(seed=stable_seed(seed, index)), space, objectives_count, ())
