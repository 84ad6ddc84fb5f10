"""What a host's meter writes down: raw counters and who used them, row by row.

A ledger is a sequence of rows in the order of writing, of one study, of any number of hosts. It
holds counters only and no joules: `attribution.py` is the pure function from the one to the other,
so that a recorded ledger gives the same bill on any machine at any time. Times are the host's
monotonic clock; a step of the wall clock moves nothing.

    host          who measures: a meter has begun (again) on a host
    open          a process has begun an attempt of a trial, or drives the study
    window_open   it has opened an energy window
    sample        the host's counters, about once a second
    window        the window has been closed
    close         the attempt has ended in that process
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from joulefront.energy.counters import Reading

Purpose = Literal["training", "inference"]


class _Plain:
    """Plain mappings of a dataclass and back; readings in it are read as such."""

    def to_dict(self) -> dict[str, Any]:
        """Return a plain mapping that JSON can carry."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` returned."""
        readers = {"Reading": Reading, "Observed": Observed}
        fields = {f.name: str(f.type) for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
        return cls(
            **{
                name: readers[fields[name]](**value) if fields[name] in readers else value
                for name, value in values.items()
                if name in fields
            }
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """What the host's meter saw of a window that the trial's own process cannot see.

    Attributes:
        actors_cpu_ns: CPU time of the Ray actors that the trial created, while it was open.
        foreign_cpu_ns: CPU time of strangers meanwhile: neither of the study nor of its Ray.
        coverage: Share of the window in which the host was sampled; None where nobody looked: no
            meter, or a window too short for a sample.
        memory_bytes: Mean proportional memory of the process tree; None: take the readings'.
        actors_elsewhere: Actors of the trial on other hosts, whose energy nobody charges to it.
    """

    actors_cpu_ns: int = 0
    foreign_cpu_ns: int = 0
    coverage: float | None = None
    memory_bytes: int | None = None
    actors_elsewhere: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Window(_Plain):
    """A stretch of an attempt in one process that is charged to it.

    Attributes:
        opened: Counters when it was opened.
        closed: The same when it was closed, in the same process.
        cores: Hardware threads reserved for the process.
        gpu_shares: Share of each device that was reserved, by UUID; a device that is absent was
            reserved as a whole.
        observed: What the host's meter adds.
        lost: The process died in it: `closed` is the last sample of it.
    """

    opened: Reading
    closed: Reading
    cores: int
    gpu_shares: Mapping[str, float] = field(default_factory=dict)
    observed: Observed = field(default_factory=Observed)
    lost: bool = False

    @property
    def seconds(self) -> float:
        """How long it was open."""
        return max(0, self.closed.monotonic_ns - self.opened.monotonic_ns) * 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration(_Plain):
    """A process that works for a study.

    Attributes:
        study: Directory of the study, which is where the ledger goes.
        trial_id: Its trial; "" for the driver of the study.
        attempt: Of the trial; 0 for the driver.
        rank: In the trial's worker group.
        pid: Of the process.
        started: When the process started, in clock ticks since boot: a reused pid is another one.
        cores: Reserved hardware threads.
        core_ids: Those it is pinned to; empty if it is not.
        oversubscribed: Not enough cores were free to pin it.
        gpu_shares: Share reserved of each of its devices, by UUID.
        called: Counters when the attempt began in it.
    """

    study: str
    trial_id: str
    attempt: int
    rank: int
    pid: int
    started: int
    cores: int
    core_ids: tuple[int, ...] = ()
    oversubscribed: bool = False
    gpu_shares: Mapping[str, float] = field(default_factory=dict)
    called: Reading

    @property
    def key(self) -> str:
        """Names it among all of its study, such as "c0003-f0-s0/1/0"."""
        return f"{self.trial_id}/{self.attempt}/{self.rank}"


@dataclass(frozen=True, kw_only=True, slots=True)
class HostFacts(_Plain):
    """What does not change while a meter runs.

    Attributes:
        boot_id: Of the running kernel: counters of another boot are others.
        scope: "host", or "container" where its cgroup is all that can be seen.
        cores: Hardware threads in that scope.
        node_class: Kind of machine: joules of two classes are not comparable.
        memory_bytes: In that scope.
        power_model: `PowerModel.to_dict()` of the host.
        rapl_ranges: Where each RAPL counter wraps around, in microjoules, by domain.
        gpus: Name of each device by UUID.
        period_seconds: Between samples.
    """

    boot_id: str
    scope: str
    cores: int
    node_class: str
    memory_bytes: int
    power_model: Mapping[str, Any]
    rapl_ranges: Mapping[str, int] = field(default_factory=dict)
    gpus: Mapping[str, str] = field(default_factory=dict)
    period_seconds: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample(_Plain):
    """The counters of a host at one moment. All of them are cumulative, memory apart.

    Attributes:
        busy_ns: CPU time of everything in the host's scope.
        steal_ns: What the hypervisor took, over all cores; None where it is not told.
        rapl_microjoules: By domain, raw: wraps around.
        gpu_millijoules: By UUID; None where a device could not be read.
        search_ns: CPU time of this study's drivers, since the meter began.
        trials_ns: Of the processes that ever were registered for a trial of this study, with their
            descendants and the actors they created, inside and outside of their attempts.
        platform_ns: Of Ray and the meter.
        other_ns: Of all other processes, those of other studies among them.
        processes: By the key of its registration, [cpu_ns, actors_cpu_ns, memory_bytes]:
            cumulative CPU time of the process and its descendants as in `Reading`, that of the
            actors it created since it was registered, and proportional memory where it was read.
    """

    busy_ns: int
    steal_ns: int | None = None
    rapl_microjoules: Mapping[str, int] = field(default_factory=dict)
    gpu_millijoules: Mapping[str, int | None] = field(default_factory=dict)
    search_ns: int
    trials_ns: int
    platform_ns: int
    other_ns: int
    processes: Mapping[str, tuple[int, int, int | None]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row of a ledger, as the store's table "ledger" has it.

    Attributes:
        kind: One of those in the module's docstring.
        host: Name of the machine.
        meter: The meter that wrote it: changes when a meter is started again.
        monotonic_ns: When, by the host's monotonic clock.
        trial_id: Of "open", "window_open", "window" and "close".
        attempt: The same.
        details: `to_dict` of what the kind is about; "window_open" has {"rank", "purpose",
            "opened"}, "window" {"rank", "purpose", "window"}, "close" {"rank", "window"}: the
            whole call as one window.
    """

    kind: str
    host: str
    meter: str
    monotonic_ns: int
    trial_id: str | None = None
    attempt: int | None = None
    details: Mapping[str, Any]

    def to_columns(self) -> dict[str, Any]:
        """Return the row as the store's columns."""
        columns = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return columns | {"details": json.dumps(self.details, separators=(",", ":"))}

    @property
    def key(self) -> str:
        """`Registration.key` of the process that it is about; none of "host" and "sample"."""
        return f"{self.trial_id}/{self.attempt}/{self.details.get('rank')}"

    @classmethod
    def from_columns(cls, columns: Mapping[str, Any]) -> Row:
        """Read what `to_columns` returned; columns that are none of a row's are left out."""
        values = {field.name: columns[field.name] for field in dataclasses.fields(cls)}
        return cls(**values | {"details": json.loads(columns["details"])})


def boots(rows: Sequence[Row]) -> dict[str, str]:
    """Return the boot of its host in which each meter ran, in the order of the meters' beginning.

    Args:
        rows: A meter that never said who it is, by a "host" row, is absent.
    """
    return {row.meter: row.details["boot_id"] for row in rows if row.kind == "host"}
