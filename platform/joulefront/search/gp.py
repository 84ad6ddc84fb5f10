"""Gaussian processes with log expected (hypervolume) improvement, by Optuna.

Ament et al., NeurIPS 2023; Daulton et al., NeurIPS 2020. Running trials are part of the
acquisition function. The fit runs on one torch thread, so a proposal does not depend on how many
threads the process has; it may differ in the last digits between processor types and between
releases of torch. To keep OpenMP from starting idle threads, whoever starts the process sets
OMP_NUM_THREADS=1 before torch is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from optuna.samplers import GPSampler

from joulefront.search.observation import History, Proposal, Space, stable_seed
from joulefront.search.optuna_study import ask

STARTUP = 10


def gp(space: Space, objectives_count: int, *, seed: int, index: int, history: History) -> Proposal:
    """Return proposal `index`; random until 10 observations are complete.

    It takes 0.25 s with 20 observations and 1.4 s with 250 (two objectives, one core), and some
    2 s more for the import of torch with the first that is not random.
    """
    sampler = GPSampler(seed=stable_seed(seed, index), n_startup_trials=STARTUP)
    if sum(observation.state == "complete" for observation in history) < STARTUP:
        return ask(sampler, space, objectives_count, history)
    with _one_torch_thread():
        return ask(sampler, space, objectives_count, history)


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
