"""What the bench itself knows of the machine, by Linux's counters, not by `joulefront.energy`."""

from __future__ import annotations

import os
import resource
import threading
import time
from pathlib import Path
from typing import Self

import numpy as np

_TICK_SECONDS = 1.0 / os.sysconf("SC_CLK_TCK")
_PERIOD_SECONDS = 0.1


def host_busy_seconds() -> float:
    """Return CPU time of all there is: of the host's /proc/stat, in a container of its cgroup."""
    second = Path("/proc/2/comm")
    if not second.exists() or second.read_text() != "kthreadd\n":
        return _container_seconds()
    user, nice, system, _, _, irq, softirq = Path("/proc/stat").read_text().split()[1:8]
    return sum(map(int, (user, nice, system, irq, softirq))) * _TICK_SECONDS


def _container_seconds() -> float:
    version_1 = Path("/sys/fs/cgroup/cpuacct/cpuacct.usage")
    if version_1.exists():
        return int(version_1.read_text()) * 1e-9
    return int(Path("/sys/fs/cgroup/cpu.stat").read_text().split()[1]) * 1e-6


def process_seconds(pid: int) -> float:
    """Return CPU time of a process with all its threads, in ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_SECONDS


def own_seconds(who: int = resource.RUSAGE_SELF) -> float:
    """Return CPU time of this process, or of the children that it has reaped."""
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


class HostClock:
    """Follows the busy time of the host ten times a second, so that any stretch can be asked for.

    A context manager: it reads from entry to exit, in a thread.
    """

    def __init__(self) -> None:
        self._readings: list[tuple[int, float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._read()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def busy_seconds(self, opened_ns: int, closed_ns: int) -> float:
        """Return the busy time between two moments of the monotonic clock, both followed."""
        self._read()
        times, busy = zip(*sorted(self._readings), strict=True)
        opened, closed = np.interp([opened_ns, closed_ns], times, busy)
        return float(closed - opened)

    def _follow(self) -> None:
        while not self._over.wait(_PERIOD_SECONDS):
            self._read()

    def _read(self) -> None:
        before = time.monotonic_ns()
        busy = host_busy_seconds()
        self._readings.append(((before + time.monotonic_ns()) // 2, busy))
