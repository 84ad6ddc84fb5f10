"""CPU time and memory of this process and all that it started, at one moment.

This reads the operating system once and keeps nothing; `counters.py` makes a cumulative counter
of it. It knows nothing of joules. On Linux it walks `/proc/<pid>/task/*/children`, elsewhere it
asks psutil.

What is counted for each process is its own CPU clock (all threads, also those that have ended)
and the CPU time of the children that it has reaped. A process that detaches from the tree
(double fork) leaves it.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

PROC = "/proc"
_NS = 1_000_000_000
TICK_NS = _NS // os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeUsage:
    """What the process tree has used up to one moment."""

    clocks_ns: Mapping[int, int]  # by pid, each process's own CPU time
    reaped_ns: Mapping[int, int]  # by pid, that of the children it has reaped
    memory_bytes: int  # resident, plus what descendants hold beyond shared pages
    settled: bool  # no process was reaped while the tree was read: nothing is missed
    resolution_ns: int  # by how much `reaped_ns` may lag: most of it counts in clock ticks

    def spent_ns(self, pid: int) -> int:
        """Return what a process and the children it has reaped have used."""
        return self.clocks_ns[pid] + self.reaped_ns[pid]

    @property
    def cpu_ns(self) -> int:
        """CPU time of the whole tree; no process counts twice, one reaped meanwhile may miss."""
        return sum(map(self.spent_ns, self.clocks_ns))


def has_proc() -> bool:
    """Tell whether children can be listed and other processes' clocks read through `/proc`."""
    own = os.getpid()
    try:
        Path(PROC, str(own), "task", str(own), "children").read_bytes()
        _clock_ns(own)
    except OSError:
        return False
    return True


def read_proc() -> TreeUsage:
    """Read the tree through `/proc` (Linux).

    A process's reaped time is read before its children are: a child that is reaped in between is
    missed, and never counted twice. The clock of another process is the one that
    clock_getcpuclockid(3) names: `(~pid << 3) | 2`, in nanoseconds, zombies included.
    """
    own = os.getpid()
    reaped = {own: _reaped_ns(own)}
    clocks = {own: time.process_time_ns()}
    memory_bytes = _memory_bytes(own, with_shared=True)
    queue = list(_children(own)) if _has_children() else []
    while queue:
        pid = queue.pop()
        try:
            reaped_before_children = _reaped_ns(pid)
            clocks[pid] = _clock_ns(pid)
            reaped[pid] = reaped_before_children
            memory_bytes += _memory_bytes(pid, with_shared=False)
            queue.extend(_children(pid))
        except OSError:
            continue  # it has ended; its parent's reaped time now tells
    return TreeUsage(
        clocks_ns=clocks,
        reaped_ns=reaped,
        memory_bytes=memory_bytes,
        settled=all(_is_unchanged(pid, before) for pid, before in reaped.items()),
        resolution_ns=2 * TICK_NS * len(reaped),
    )


def read_psutil() -> TreeUsage:
    """Read the tree through psutil, in clock ticks; some 10 ms, since it scans all processes."""
    before, own = os.times(), psutil.Process()
    clocks = {own.pid: time.process_time_ns()}
    reaped = {own.pid: round((before.children_user + before.children_system) * _NS)}
    memory_bytes = own.memory_info().rss
    descendants = own.children(recursive=True)
    for process in descendants:
        try:
            times = process.cpu_times()
            memory = process.memory_info()
        except psutil.Error:
            continue
        clocks[process.pid] = round((times.user + times.system) * _NS)
        reaped[process.pid] = round((times.children_user + times.children_system) * _NS)
        memory_bytes += max(0, memory.rss - getattr(memory, "shared", 0))
    after = os.times()
    return TreeUsage(
        clocks_ns=clocks,
        reaped_ns=reaped,
        memory_bytes=memory_bytes,
        settled=(before.children_user, before.children_system)
        == (after.children_user, after.children_system),
        resolution_ns=4 * TICK_NS * (1 + len(descendants)),
    )


def _has_children() -> bool:
    """Ask the kernel in one call, which reaps nothing; listing them opens a file a thread."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _children(pid: int) -> set[int]:
    """Return the children of all threads of a process; a set, since threads hand them over."""
    tasks = f"{PROC}/{pid}/task"
    children: set[int] = set()
    for thread in os.listdir(tasks):
        try:
            children.update(map(int, Path(tasks, thread, "children").read_bytes().split()))
        except ProcessLookupError:
            continue
        except FileNotFoundError:
            if thread == str(pid):
                raise
    return children


def _clock_ns(pid: int) -> int:
    return time.clock_gettime_ns((~pid << 3) | 2)


def _reaped_ns(pid: int) -> int:
    """Return exact time for this process, else `cutime + cstime` of proc_pid_stat(5), in ticks."""
    if pid == os.getpid():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return round(usage.ru_utime * _NS) + round(usage.ru_stime * _NS)
    stat = Path(PROC, str(pid), "stat").read_bytes()
    fields = stat[stat.rindex(b")") + 2 :].split()
    return (int(fields[13]) + int(fields[14])) * TICK_NS


def _is_unchanged(pid: int, before_ns: int) -> bool:
    try:
        return _reaped_ns(pid) == before_ns
    except OSError:
        return False


def _memory_bytes(pid: int, *, with_shared: bool) -> int:
    """Return resident memory from proc_pid_statm(5); a torch library shared by all counts once."""
    _, resident, shared = Path(PROC, str(pid), "statm").read_bytes().split()[:3]
    return (int(resident) - (0 if with_shared else int(shared))) * _PAGE_BYTES
