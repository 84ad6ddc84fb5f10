"""Cores of this machine, each leased to one trial's process at a time.

A core is leased by binding an abstract Unix socket that is named after it: at most one process has
it, over all studies and Rays of the machine; the kernel frees it when the process dies, however it
dies; and nothing is written anywhere. Containers with a network of their own do not see each
other's leases. This knows nothing of Ray, and of no other process.
"""

from __future__ import annotations

import os
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from joulefront.energy.strangers import strange_threads

_NAME = "\0joulefront-core-{}"  # abstract: it begins with a zero byte
_SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
_THREADS = "/proc/self/task"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cores:
    """Where a process runs.

    Attributes:
        ids: Hardware threads that it is pinned to and has to itself; empty if it is not pinned.
        oversubscribed: It is not pinned, because too few were free.
    """

    ids: tuple[int, ...] = ()
    oversubscribed: bool = False


@contextmanager
def leased_cores(count: int) -> Iterator[Cores]:
    """Pin the calling thread, and all that work with it, to cores of their own.

    Those are all of the process but the ones that were there before its first trial, and all
    processes that they start. The cores are taken from those that the process may use, of different
    physical cores as far as there are any; if it may use fewer than `count`, all of them. Without
    abstract sockets (macOS) it is not pinned.
    """
    if sys.platform != "linux":
        yield Cores()
        return
    allowed = os.sched_getaffinity(0)
    leases = _lease(_apart(allowed), min(count, len(allowed)))
    if not leases:
        yield Cores(oversubscribed=True)
        return
    _held.update(leases.values())
    before = _set_affinity(lambda _: leases.keys())
    try:
        yield Cores(ids=tuple(sorted(leases)))
    finally:
        _set_affinity(lambda thread: before.get(thread, allowed))
        _close(leases.values())


_held: set[socket.socket] = set()


def _lease(cores: Iterable[int], count: int) -> dict[int, socket.socket]:
    """Return sockets for the first `count` cores that are free, for none if there are fewer."""
    leases: dict[int, socket.socket] = {}
    for core in cores:
        lease = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            lease.bind(_NAME.format(core))
        except OSError:
            lease.close()
            continue
        leases[core] = lease
        if len(leases) == count:
            return leases
    _close(leases.values())
    return {}


def _close(leases: Iterable[socket.socket]) -> None:
    for lease in list(leases):
        _held.discard(lease)
        lease.close()


if sys.platform == "linux":  # a child that outlives the process would keep its cores
    os.register_at_fork(after_in_child=lambda: _close(_held))


def _apart(cores: Iterable[int]) -> list[int]:
    """Put one hardware thread of each physical core first, then the second ones."""
    turns: Counter[str] = Counter()
    ranked = []
    for core in sorted(cores):
        siblings = _siblings(core)
        ranked.append((turns[siblings], core))
        turns[siblings] += 1
    return [core for _, core in sorted(ranked)]


@cache
def _siblings(core: int) -> str:
    try:
        return Path(_SIBLINGS.format(core)).read_text(encoding="ascii")
    except OSError:
        return str(core)


def _set_affinity(cores_of: Callable[[int], Iterable[int]]) -> dict[int, set[int]]:
    """Pin each thread, those that begin meanwhile too, and return what was allowed before."""
    before: dict[int, set[int]] = {}
    strange = strange_threads()
    while new := {int(name) for name in os.listdir(_THREADS)} - before.keys() - strange:
        for thread in new:
            before[thread] = set()
            with suppress(OSError):  # it has ended
                before[thread] = os.sched_getaffinity(thread)
                os.sched_setaffinity(thread, cores_of(thread))
    return {thread: cores for thread, cores in before.items() if cores}
