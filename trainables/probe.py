"""What a trained model costs: parameters, operations, latency and memory.

To be called after the energy window has closed: every probe runs the model again. Not a measurement
of training, and not of energy.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import nn

WARM_UPS = 2  # calls before the first that is timed
_STATUS, _CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): writing 5 to clear_refs sets VmHWM to the current size


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable values."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def median_seconds(calls: Iterable[Callable[[], object]], device: torch.device) -> float:
    """Return the median duration of the calls, the first one made a few times before.

    Args:
        calls: At least one, such as one forward pass for each sample.
        device: A GPU is waited for.
    """
    timed = list(calls)
    for _ in range(WARM_UPS):
        timed[0]()
    durations = []
    for call in timed:
        wait_for(device)
        start = time.perf_counter()
        call()
        wait_for(device)
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)


def peak_memory_bytes(work: Callable[[], object], device: torch.device) -> int:
    """Return the peak memory while `work` runs once.

    On a GPU what torch allocated there; on a CPU the process's resident memory, interpreter and
    libraries included. Where the kernel cannot reset that peak it is the process's so far.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        work()
        return torch.cuda.max_memory_allocated(device)
    try:
        _CLEAR_REFS.write_text(_RESET_PEAK)
    except OSError:
        work()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    work()
    line = next(row for row in _STATUS.read_text().splitlines() if row.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def wait_for(device: torch.device) -> None:
    """Return when a GPU has done what it was given; at once on a CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
