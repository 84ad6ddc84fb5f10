"""What can be counted on this machine, and what is assumed instead, in words.

It reads each counter once, and charges nothing.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from joulefront.energy.bundled import grid_table
from joulefront.energy.node_class import node_class
from joulefront.energy.power import PowerModel, power_model
from joulefront.energy.process_tree import has_proc
from joulefront.energy.rapl import POWERCAP
from joulefront.energy.run_queue import RunQueue
from joulefront.energy.sources import Sources, host_sources


class Counter(NamedTuple):
    """A counter that the platform would use."""

    name: str
    found: bool
    note: str  # how it is read, or what is done without


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """What this machine has.

    Attributes:
        node_class: Kind of machine.
        counters: Of processes, of the host, and of energy.
        power_model: Constants of what has no counter.
        codecarbon: Version of the package whose tables are read.
        countries: How many grid intensities it has.
    """

    node_class: str
    counters: tuple[Counter, ...]
    power_model: PowerModel
    codecarbon: str
    countries: int

    def to_dict(self) -> dict[str, Any]:
        """Return a plain mapping that JSON can carry."""
        return asdict(self) | {"counters": [counter._asdict() for counter in self.counters]}


def take_inventory(sources: Sources | None = None) -> Inventory:
    """Look at this machine.

    Args:
        sources: Its counters.
    """
    sources = sources or host_sources()
    return Inventory(
        node_class=node_class(tuple(sources.gpu_names.values())),
        counters=(*_of_processes(), *_of_host(sources), *_of_rapl(sources), *_of_gpus(sources)),
        power_model=power_model(),
        codecarbon=importlib.metadata.version("codecarbon"),
        countries=len(grid_table()),
    )


def _of_processes() -> list[Counter]:
    if has_proc():
        clocks, children = "/proc, nanoseconds, all threads", "alive and reaped, through /proc"
    else:
        clocks = children = "psutil, clock ticks: all that follows from it is modelled"
    waits = RunQueue(os.getpid()).wait_ns() is not None
    return [
        Counter("process clocks", True, clocks),
        Counter("children", True, children),
        Counter(
            "run-queue wait",
            waits,
            "schedstat, each thread" if waits else "without it a busy machine is not flagged",
        ),
    ]


def _of_host(sources: Sources) -> list[Counter]:
    load = sources.load
    steals = load.read().steal_ns is not None
    scope = f"all of the {load.scope}: {load.cores} hardware threads"
    memory = f"{load.memory_bytes / 1024**3:.1f} GiB of memory"
    return [
        Counter("host CPU time", True, f"{scope}, {memory}"),
        Counter("steal", steals, "/proc/stat" if steals else f"not told to a {load.scope} here"),
    ]


def _of_rapl(sources: Sources) -> list[Counter]:
    ranges = sources.rapl.ranges
    if not ranges:
        return [Counter("RAPL", False, f"{POWERCAP} is absent or closed: CPU joules are modelled")]
    return [
        Counter(f"RAPL {name}", True, f"wraps at {wraps_at / 1e6:.0f} J; calibrates at launch")
        for name, wraps_at in ranges.items()
    ]


def _of_gpus(sources: Sources) -> list[Counter]:
    if not sources.gpu_names:
        return [Counter("GPU", False, "NVML shows no device")]
    counts = sources.gpus.read()
    return [
        Counter(f"GPU {number}", counts[uuid] is not None, f"{name}: {_gpu(uuid, counts)}")
        for number, (uuid, name) in enumerate(sources.gpu_names.items())
    ]


def _gpu(uuid: str, counts: dict[str, int | None]) -> str:
    if counts[uuid] is None:
        return "no energy counter, so its energy is unknown"
    return "MIG: one counter for all slices, shared" if _is_divided(uuid) else "energy counter"


def _is_divided(uuid: str) -> bool:
    """Tell whether a device that NVML has shown is in MIG mode."""
    nvml = importlib.import_module("pynvml")
    try:
        current, _ = nvml.nvmlDeviceGetMigMode(nvml.nvmlDeviceGetHandleByUUID(uuid))
    except nvml.NVMLError:
        return False
    return bool(current)
