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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
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
    try:
        with warnings.catch_warnings(), _torch_reset(seed, threads):
            yield
    finally:
        os.chdir(folder)
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        collect()


_frozen: list[bool] = []


def collect() -> None:
    """Free what is left in cycles.

    With Ray and torch loaded a collection takes a fifth of a second, so that what there is after
    the first two (modules, and what the first trial has had imported) is taken out of later ones.
    """
    gc.collect()
    if len(_frozen) < 2:
        gc.freeze()
        _frozen.append(True)


def _seed_generators(seed: int) -> None:
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed % 2**32)


@contextmanager
def _torch_reset(seed: int, threads: int) -> Iterator[None]:
    """Reset torch's switches, now or as soon as somebody imports it."""
    if hasattr(sys.modules.get("torch"), "manual_seed"):
        _reset_torch(seed, threads)
        yield
        return
    finder = _AfterTorch(lambda: _reset_torch(seed, threads))
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        finder.leave()


class _AfterTorch(MetaPathFinder):
    """Call something once, after the first import of torch.

    Args:
        then: What to call.
    """

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then

    def leave(self) -> None:
        """Look for nothing any more."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Find torch as everybody else would, and have something follow its import."""
        if name != "torch":
            return None
        self.leave()
        found = find_spec(name)
        if found is not None and found.loader is not None:
            execute = found.loader.exec_module

            def execute_and_call(module: ModuleType) -> None:
                execute(module)
                self._then()

            found.loader.exec_module = execute_and_call  # type: ignore[method-assign]
        return found


def _reset_torch(seed: int, threads: int) -> None:
    torch: Any = sys.modules["torch"]
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
