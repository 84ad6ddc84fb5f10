"""The lease on a study: one driver at a time, on whatever host.

    leases/<generation>.json          who drives the study, sealed; the last one counts
    requests/stop-<generation>.json   that the driver of this generation is to stop

A generation is taken by making its file exclusively, so of several callers one succeeds. Only its
holder replaces that file: with a greater `counter`, which says that it lives. It has lost the lease
once the next generation is there. Time is never compared between hosts: who waits for a holder to
expire counts seconds by its own monotonic clock while the file stays as it is.

Not here: what a driver does (`joulefront.launch`). A driver that was suspended may write rows for
about a second after it has been taken over; they fold to one trial, as late rows of workers do.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from joulefront.errors import LeaseLost, StoreReadError, StudyError
from joulefront.store.durable import seal, unsealed
from joulefront.store.places import Place, reading

EXPIRES_SECONDS = 30.0
"""A holder elsewhere that has not renewed its lease for so long may be taken over."""

_LOOK_SECONDS = 1.0  # from one look for the next generation to the next


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """A process that drives a study, or did.

    Attributes:
        host: Name of its host.
        boot: The boot of that host and the process namespace, in which `pid` and `started` mean
            something; "" where the system does not tell, and then only waiting helps.
        pid: Its process.
        started: When the process started, in clock ticks since that boot.
        since: When it took the lease, in seconds since 1970 by its wall clock: shown, not compared.
        counter: How often it has renewed the lease.
        released: Whether it has given the lease back.
    """

    host: str
    boot: str
    pid: int
    started: int
    since: float
    counter: int = 0
    released: bool = False

    @classmethod
    def this_process(cls) -> Holder:
        """This process, as of now."""
        return cls(
            host=socket.gethostname(),
            boot=_boot(),
            pid=os.getpid(),
            started=_started(os.getpid()) or 0,
            since=time.time(),
        )

    @property
    def is_here(self) -> bool:
        """Whether it can be told from here if the process lives."""
        return bool(self.boot) and self.boot == _boot()

    @property
    def is_over(self) -> bool:
        """Whether it certainly drives no more: it has released the lease, or is dead here."""
        return self.released or (self.is_here and _started(self.pid) != self.started)

    def __str__(self) -> str:
        """Name it to people."""
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"process {self.pid} on {self.host} since {since}"


class Lease:
    """The right to drive a study, which this process has; see `Lease.take`.

    Any thread may call any method.

    Args:
        place: Of the study.
        generation: That was taken.
        holder: This process.
        clock: Seconds that pass.

    Attributes:
        taken_from: The driver before, if it died or expired without having released the lease.
    """

    def __init__(
        self,
        place: Place,
        generation: int,
        holder: Holder,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place, self.generation, self.holder = place, generation, holder
        self.taken_from: Holder | None = None
        self._clock = clock
        self._looked = clock()
        self._lost = False

    @classmethod
    def take(
        cls,
        place: Place,
        *,
        wait: Callable[[Holder | None, float], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> Lease:
        """Take the lease on a study.

        Args:
            place: Of the study.
            wait: Called again and again, with the holder (None if its file is damaged) and the
                seconds left, while a holder of whom nothing is known may expire; it sleeps for a
                moment. None: such a holder is not waited for.
            clock: Seconds that pass.

        Raises:
            StudyError: Another process holds it.
            StoreReadError: The place cannot be read.
            StoreWriteError: The place cannot be written.
        """
        while True:
            generation = _last_generation(place)
            before = _outlive(place, generation, wait, clock) if generation else None
            holder = Holder.this_process()
            data = seal(dataclasses.asdict(holder))
            if place.publish(_file(generation + 1), data, exclusive=True):
                lease = cls(place, generation + 1, holder, clock)
                lease.taken_from = None if before is None or before.released else before
                return lease

    def check(self) -> None:
        """Make sure that the lease is still held; looks into the place at most once a second.

        Raises:
            LeaseLost: Another driver has taken the study over.
            StoreReadError: That cannot be told.
        """
        if not self._lost and self._clock() - self._looked >= _LOOK_SECONDS:
            now = self._clock()
            with reading(self._place, _file(self.generation + 1)):
                self._lost = self._place.exists(_file(self.generation + 1))
            self._looked = now
        if self._lost:
            raise LeaseLost(
                f"only one driver may write to {self._place.uri}",
                given=f"this one has lost the study to {last_holder(self._place)}",
                remedy="`study status` shows how far that one is",
            )

    def renew(self) -> None:
        """Say that this process lives.

        Raises:
            LeaseLost: Another driver has taken the study over.
            StoreReadError: The place cannot be read.
            StoreWriteError: The place refuses; to be tried again.
        """
        self.check()
        self._replace(counter=self.holder.counter + 1)

    def release(self) -> None:
        """Give the lease back, for anybody to take at once.

        Raises:
            StoreWriteError: The place refuses; the lease expires or the process ends by itself.
        """
        self._replace(released=True)

    def stop_requested(self) -> bool:
        """Whether somebody has asked this driver to stop.

        Raises:
            StoreReadError: That cannot be told.
        """
        name = _stop_file(self.generation)
        with reading(self._place, name):
            return self._place.exists(name)

    def _replace(self, **changes: int | bool) -> None:
        holder = dataclasses.replace(self.holder, **changes)  # type: ignore[arg-type]
        self._place.publish(_file(self.generation), seal(dataclasses.asdict(holder)))
        self.holder = holder


def last_holder(place: Place) -> Holder | None:
    """Who drives a study, or was the last to do so; None if nobody, or if that is damaged.

    Raises:
        StoreReadError: The place cannot be read.
    """
    generation = _last_generation(place)
    return _holder(_read(place, generation), generation) if generation else None


def request_stop(place: Place) -> Holder | None:
    """Ask the driver of a study to stop; return who was asked, None if nobody drives it.

    Raises:
        StoreReadError: The place cannot be read.
        StoreWriteError: It cannot be written.
    """
    generation = _last_generation(place)
    holder = last_holder(place)
    if holder is None or holder.is_over:
        return None
    place.publish(_stop_file(generation), seal({"time": time.time()}))
    return holder


def _outlive(
    place: Place,
    generation: int,
    wait: Callable[[Holder | None, float], None] | None,
    clock: Callable[[], float],
) -> Holder | None:
    """Return the holder of a generation once it is over or has expired; None if damaged.

    Raises:
        StudyError: It lives, or may live and is not to be waited for.
    """
    first, began = _read(place, generation), clock()
    seen = first
    while True:
        holder = _holder(seen, generation)
        if holder is not None and holder.is_over:
            return holder
        left = EXPIRES_SECONDS - (clock() - began)
        alive = seen != first or (holder is not None and holder.is_here)
        if alive or wait is None:
            raise StudyError(
                f"a study has one driver at a time: {place.uri}",
                given=f"it is driven by {holder or 'a process whose lease is damaged'}",
                remedy="`study stop` ends that one; if it is gone, --resume takes over",
            )
        if left <= 0:
            return holder
        wait(holder, left)
        seen = _read(place, generation)


def _file(generation: int) -> str:
    return f"leases/{generation:06d}.json"


def _stop_file(generation: int) -> str:
    return f"requests/stop-{generation:06d}.json"


def _last_generation(place: Place) -> int:
    """The last generation that was taken, 0 before the first."""
    with reading(place, "leases"):
        stems = [Path(name).stem for name, _ in place.entries("leases")]
    return max((int(stem) for stem in stems if stem.isdecimal()), default=0)


def _read(place: Place, generation: int) -> bytes:
    with reading(place, _file(generation)):
        return place.read(_file(generation))


def _holder(data: bytes, generation: int) -> Holder | None:
    try:
        return Holder(**unsealed(data, _file(generation)))
    except (StoreReadError, TypeError):
        return None


def _boot() -> str:
    """The boot of this host and this process namespace; "" where there is no /proc."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None if there is none, or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # from field 3 of proc_pid_stat(5) on
    return None if fields[0] in "ZX" else int(fields[19])
