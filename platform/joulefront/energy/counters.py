"""Cumulative counters of this process, all that it started, and the GPUs it was given.

Raw counters only: what they cost is `attribution.py`'s affair. Nothing is sampled between two
readings, so how often one reads cannot change what a trial is charged.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from joulefront.energy import process_tree
from joulefront.energy.gpu import GpuCounters
from joulefront.energy.host_load import HostLoad
from joulefront.energy.process_tree import TreeUsage, has_proc, read_proc, read_psutil
from joulefront.energy.run_queue import RunQueue
from joulefront.energy.strangers import strange_threads

_ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The counters as they stand."""

    monotonic_ns: int  # time of the reading, of the system's monotonic clock
    cpu_ns: int  # of the process, its reaped children and its live descendants
    gpu_millijoules: Mapping[str, int | None]  # by UUID; None where it could not be read
    memory_bytes: int  # resident memory of the process and its descendants at this moment
    wait_ns: int | None = (
        None  # its threads were ready and had no core, Ray's left out; None: untold
    )
    busy_ns: int | None = None  # CPU time of the whole host, or of the container it is
    steal_ns: int | None = None  # what the hypervisor took from the host, over all cores


class ProcessCounters:
    """Counters of the calling process, all its threads and all processes it starts.

    Children count while they live and after they were reaped, and never twice. Limits: a child
    that ends while the process ignores SIGCHLD is known up to the last reading before; so is one
    that leaves the tree by a double fork. A read takes about 0.05 ms, and 0.001 ms a thread;
    with children 0.01 ms more a thread of the process and 0.07 ms a child.

    Args:
        gpu_uuids: The GPUs of the trial, whole devices.
    """

    def __init__(self, gpu_uuids: Sequence[str] = ()) -> None:
        self._read_tree: Callable[[], TreeUsage] = read_proc if has_proc() else read_psutil
        self._gpus = GpuCounters(gpu_uuids)
        proc = process_tree.PROC
        self._run_queue = RunQueue(os.getpid(), proc=proc, without=strange_threads())
        self._host = HostLoad(proc=proc)
        self._last: TreeUsage | None = None
        self._cpu_ns = 0
        self._owed_ns = 0

    def read(self) -> Reading:
        """Return the counters as they stand; `cpu_ns` never falls."""
        usage = self._read_tree()
        for _ in range(_ATTEMPTS - 1):
            if usage.settled:
                break
            usage = self._read_tree()
        self._cpu_ns += usage.cpu_ns if self._last is None else self._growth_ns(self._last, usage)
        self._last = usage
        load = self._host.read()
        return Reading(
            monotonic_ns=time.monotonic_ns(),
            cpu_ns=self._cpu_ns,
            gpu_millijoules=self._gpus.read(),
            memory_bytes=usage.memory_bytes,
            wait_ns=self._run_queue.wait_ns(),
            busy_ns=load.busy_ns,
            steal_ns=load.steal_ns,
        )

    def _growth_ns(self, before: TreeUsage, after: TreeUsage) -> int:
        """Return what the tree has used since; what left it unreaped hides nothing of the rest.

        A process that was reaped comes back in its parent's reaped time, which counts but for what
        was known of it. Where less comes back, it left the tree; unless that is the clock tick's
        rounding, or its parent was read too early: then the rest is owed.
        """
        own = sum(
            max(0, clock - before.clocks_ns.get(pid, 0)) for pid, clock in after.clocks_ns.items()
        )
        reaped = sum(
            max(0, spent - before.reaped_ns.get(pid, 0)) for pid, spent in after.reaped_ns.items()
        )
        gone = sum(map(before.spent_ns, before.clocks_ns.keys() - after.clocks_ns.keys()))
        known = gone + self._owed_ns
        owed = max(0, known - reaped)
        departed = after.settled and owed > after.resolution_ns
        self._owed_ns = 0 if departed else owed
        return own + max(0, reaped - known)
