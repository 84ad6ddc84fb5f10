"""All processes of the host at one moment, in one pass. Whom they work for is `ownership.py`'s.

On Linux it reads `/proc/<pid>/stat`, 0.01 ms a process; elsewhere it asks psutil, which knows
nothing of children that have come and gone.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import psutil

from joulefront.energy.process_tree import PROC, TICK_NS

_STAT_BYTES = 1024
_CLOCK_ERROR_SECONDS = 1.0  # psutil's, which rounds the time of boot
PER_SECOND = 1_000_000_000 // TICK_NS
"""Clock ticks."""


class ProcessStat(NamedTuple):
    """One process. Times are in whole clock ticks, so that they add up as the kernel's do."""

    parent: int
    started: int  # clock ticks since boot: a reused pid is another process
    own_ns: int  # CPU time of all its threads
    reaped_ns: int  # CPU time of the children it has waited for, and of those they had
    name: str  # changes when it begins another program


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All processes, as they stand.

    Attributes:
        begun: Clock ticks since boot when the pass began: what lived then is in it.
        processes: By pid.
    """

    begun: int
    processes: Mapping[int, ProcessStat]

    @cached_property
    def _children(self) -> Mapping[int, Sequence[int]]:
        children = defaultdict(list)
        for pid, process in self.processes.items():
            children[process.parent].append(pid)
        return children

    def tree(self, pid: int) -> list[int]:
        """Return a process and its descendants; nothing if it is not there."""
        found = [pid] if pid in self.processes else []
        for parent in found:
            found.extend(child for child in self._children.get(parent, ()) if child not in found)
        return found

    def tree_ns(self, pid: int) -> int:
        """Return the CPU time of a process and all it started, as `Reading.cpu_ns` counts it."""
        members = [self.processes[member] for member in self.tree(pid)]
        return sum(member.own_ns + member.reaped_ns for member in members)


class ProcessTable(Protocol):
    """The processes of a host."""

    def snapshot(self) -> Snapshot:
        """Return all of them."""
        ...

    def started(self, pid: int) -> int | None:
        """Return when a process started, as in `ProcessStat`; None if there is none."""
        ...

    def arguments(self, pid: int) -> Sequence[str]:
        """Return its command line; empty for the kernel's own, and if it has ended."""
        ...


class ProcTable:
    """The processes that `/proc` shows.

    Args:
        proc: Where `/proc` is.
    """

    def __init__(self, proc: str = PROC) -> None:
        self._proc = proc

    def snapshot(self) -> Snapshot:
        """Return all of them; one that ends meanwhile may be missing."""
        begun = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // TICK_NS
        processes = {}
        for pid in map(int, filter(str.isdigit, os.listdir(self._proc))):
            process = self._stat(pid)
            if process:
                processes[pid] = process
        return Snapshot(begun=begun, processes=processes)

    def started(self, pid: int) -> int | None:
        """Return when a process started, in clock ticks since boot; None if there is none."""
        process = self._stat(pid)
        return process.started if process else None

    def arguments(self, pid: int) -> Sequence[str]:
        """Return its command line; empty for the kernel's own, and if it has ended."""
        try:
            with open(f"{self._proc}/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                return file.read().split("\0")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return ()

    def _stat(self, pid: int) -> ProcessStat | None:
        """Read proc_pid_stat(5); too few descriptors are an error, and no end of the process."""
        try:
            file = os.open(f"{self._proc}/{pid}/stat", os.O_RDONLY)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return None
        try:
            text = os.read(file, _STAT_BYTES)
        except ProcessLookupError:
            return None
        finally:
            os.close(file)
        end = text.rindex(b")")
        fields = text[end + 2 :].split(None, 20)
        return ProcessStat(
            int(fields[1]),
            int(fields[19]),
            (int(fields[11]) + int(fields[12])) * TICK_NS,
            (int(fields[13]) + int(fields[14])) * TICK_NS,
            text[text.index(b"(") + 1 : end].decode("utf-8", "replace"),
        )


class PsutilTable:
    """The processes that psutil shows; they are told apart by the wall clock at their start."""

    def snapshot(self) -> Snapshot:
        """Return all of them that this user may look at."""
        begun = int((time.time() - _CLOCK_ERROR_SECONDS) * PER_SECOND)
        processes = {}
        for process in psutil.process_iter(["ppid", "create_time", "cpu_times", "name"]):
            told = process.info
            times = told["cpu_times"]
            if times is not None:
                processes[process.pid] = ProcessStat(
                    told["ppid"] or 0,
                    int(told["create_time"] * PER_SECOND),
                    _ns(times.user + times.system),
                    _ns(times.children_user + times.children_system),
                    told["name"] or "",
                )
        return Snapshot(begun=begun, processes=processes)

    def started(self, pid: int) -> int | None:
        """Return when a process started, by the wall clock; None if there is none."""
        try:
            return int(psutil.Process(pid).create_time() * PER_SECOND)
        except psutil.Error:
            return None

    def arguments(self, pid: int) -> Sequence[str]:
        """Return its command line; empty if it has ended or is closed to us."""
        try:
            return psutil.Process(pid).cmdline()
        except (psutil.Error, OSError):
            return ()


def process_table() -> ProcessTable:
    """Return the table of this host."""
    return ProcTable() if os.path.exists(f"{PROC}/self/stat") else PsutilTable()


def _ns(seconds: float) -> int:
    return round(seconds * PER_SECOND) * TICK_NS
