"""Where a host's meter reads its counters: all of the hardware in one place, for tests to replace.

It keeps nothing; what the counters mean is `host_meter.py`'s affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from joulefront.energy.gpu import GpuCounters, gpu_names
from joulefront.energy.host_load import HostLoad
from joulefront.energy.processes import ProcessTable, process_table
from joulefront.energy.proportional_memory import proportional_bytes
from joulefront.energy.rapl import Rapl


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """The counters of one host.

    Attributes:
        load: How busy it is, and how large.
        table: Its processes.
        memory: Returns the proportional memory of some processes in bytes.
        rapl: Its energy counters, if it has any.
        gpu_names: Name of each of its GPUs by UUID.
        gpus: Their energy counters.
    """

    load: HostLoad = field(default_factory=HostLoad)
    table: ProcessTable = field(default_factory=process_table)
    memory: Callable[[Iterable[int]], int | None] = proportional_bytes
    rapl: Rapl = field(default_factory=Rapl)
    gpu_names: Mapping[str, str]
    gpus: GpuCounters


def host_sources() -> Sources:
    """Return the counters of this host."""
    names = gpu_names()
    return Sources(gpu_names=names, gpus=GpuCounters(tuple(names)))
