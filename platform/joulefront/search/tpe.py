"""The tree-structured Parzen estimator, by Optuna.

Bergstra et al., NeurIPS 2011; for several objectives Ozaki et al., JAIR 73 (2022). Running trials
count as bad ones (constant liar), which keeps parallel proposals apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optuna.samplers import TPESampler

from joulefront.search.observation import Observation, Proposal, stable_seed
from joulefront.search.optuna_study import ask
from joulefront.spec.space import Parameter


def tpe(
    space: Mapping[str, Parameter],
    objectives_count: int,
    *,
    seed: int,
    index: int,
    history: Sequence[Observation],
) -> Proposal:
    """Return proposal `index`; random until 10 observations are complete."""
    sampler = TPESampler(seed=stable_seed(seed, index))
    return ask(sampler, space, objectives_count, history)
