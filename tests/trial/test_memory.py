from __future__ import annotations

import pytest

from joulefront.trial.memory import is_out_of_memory


class OutOfMemoryError(RuntimeError):
    """As torch's and Ray's are named."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("Training failed due to worker errors:\n[Rank 1]\nMemoryError: no room"),
        OutOfMemoryError("CUDA error"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("Task was killed due to the node running low on memory."),
    ],
)
def test_a_want_of_memory_is_known(error):
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", [ValueError("no memory of that"), RuntimeError("OOM killer?")])
def test_guesses_are_not(error):
    assert not is_out_of_memory(error)
