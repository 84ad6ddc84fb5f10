"""Whom each process of a host works for: a trial, the search, Ray, or none of a study's.

A process belongs to what it was registered as, else to whom its parent belongs to. Ray's own
processes are known by their command lines, which name its session: another Ray of the host is a
stranger. Below a trial nobody is asked, since a forked child shows its parent's command line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from joulefront.energy.processes import PER_SECOND, ProcessStat, Snapshot

_ANY_RAY = ("ray::", "/ray/_private/", "/ray/dashboard/", "/ray/autoscaler/", "/ray/core/src/ray/")


class Instance(NamedTuple):
    """A process; a pid alone may be used again."""

    pid: int
    started: int


class Owner(NamedTuple):
    """Whom CPU time is counted for.

    Attributes:
        kind: "trial" and "actor" work for a trial of a study, "search" drives it.
        study: Of these three.
        process: The registered process of a trial; of an actor, the one that created it.
    """

    kind: Literal["trial", "actor", "search", "platform", "other"]
    study: str = ""
    process: Instance | None = None


PLATFORM = Owner("platform")
OTHER = Owner("other")


class Ownership:
    """Who is registered, and what follows for all others.

    Args:
        arguments: Returns a process's command line; asked once for each program it runs, but
            again in its first second, when it may not show one yet.
        session: Name of the Ray session that is the platform's; "" takes every Ray for it.
    """

    def __init__(self, arguments: Callable[[int], Sequence[str]], session: str = "") -> None:
        self._arguments = arguments
        self._marks = (session,) if session else _ANY_RAY
        self._registered: dict[Instance, Owner] = {}
        self._is_ray: dict[tuple[int, int, str], bool] = {}

    def register(self, process: Instance, owner: Owner) -> None:
        """Let a process and its descendants belong to an owner as long as it lives."""
        self._registered[process] = owner

    def adopt(self, actor: Instance, creator: Instance) -> None:
        """Let a Ray actor belong to the trial whose process has created it."""
        if actor not in self._registered and creator in self._registered:
            study = self._registered[creator].study
            self._registered[actor] = Owner("actor", study, creator)

    def owners(self, snapshot: Snapshot) -> dict[int, Owner]:
        """Return the owner of each process in a snapshot."""
        processes = snapshot.processes
        self._forget(processes)
        owners: dict[int, Owner] = {}

        def owner_of(pid: int) -> Owner:
            process = processes.get(pid)
            if process is None:
                return OTHER
            if pid not in owners:
                owners[pid] = OTHER  # ends a circle, which reused pids could make
                owner = self._registered.get(Instance(pid, process.started))
                if owner is None:
                    owner = owner_of(process.parent)
                    if owner.kind in ("other", "search") and self._runs_ray(pid, snapshot):
                        owner = PLATFORM
                owners[pid] = owner
            return owners[pid]

        for pid in processes:
            owner_of(pid)
        return owners

    def _runs_ray(self, pid: int, snapshot: Snapshot) -> bool:
        process = snapshot.processes[pid]
        key = (pid, process.started, process.name)
        if key in self._is_ray:
            return self._is_ray[key]
        told = self._arguments(pid)
        is_ray = any(mark in argument for argument in told for mark in self._marks)
        if process.started < snapshot.begun - PER_SECOND:
            self._is_ray[key] = is_ray
        return is_ray

    def _forget(self, processes: Mapping[int, ProcessStat]) -> None:
        """Forget those that have ended."""
        alive = {Instance(pid, process.started) for pid, process in processes.items()}
        self._registered = {p: o for p, o in self._registered.items() if p in alive}
        self._is_ray = {k: v for k, v in self._is_ray.items() if Instance(*k[:2]) in alive}
