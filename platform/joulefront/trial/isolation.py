"""Give a reused process the state of a fresh one before each trial.

Ray hands one actor process to trial after trial, which saves a second or two each. What a trial
may have left behind in the process is put back here: working directory, environment, random
generators, warnings filters, and torch's global switches. It does not reload modules: a trainable
that keeps state in its own module keeps it.
"""

from __future__ import annotations

import gc
import os
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def isolated(*, seed: int, threads: int) -> Iterator[None]:
    """Start from known global state, and leave none behind.

    Args:
        seed: For the global generators of random, NumPy and torch.
        threads: Of torch's pool.
    """
    environment, folder = dict(os.environ), os.getcwd()
    _seed_generators(seed)
    _reset_torch(seed, threads)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        os.chdir(folder)
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        _collect()


_frozen: list[bool] = []


def _collect() -> None:
    """Free what the trial left in cycles.

    With Ray and torch loaded a collection takes a fifth of a second, so that what the first trial
    leaves (the imported modules) is taken out of all later ones.
    """
    gc.collect()
    if not _frozen:
        gc.freeze()
        _frozen.append(True)


def _seed_generators(seed: int) -> None:
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed % 2**32)


def _reset_torch(seed: int, threads: int) -> None:
    """Reset torch's switches where torch is loaded; a fresh import has them so anyway."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "manual_seed"):
        return
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    torch.set_num_threads(threads)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    torch.use_deterministic_algorithms(False)
    torch.autograd.set_detect_anomaly(False)
    torch.backends.cudnn.benchmark = False
    torch.set_float32_matmul_precision("highest")
