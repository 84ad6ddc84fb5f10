"""From the rows of one host to what each process of the study did: its call and its windows.

A process that never closed is taken up to the last sample that saw it. No joules here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from joulefront.energy.counters import Reading
from joulefront.energy.ledger import Observed, Purpose, Registration, Row, Sample, Window


@dataclass(slots=True, kw_only=True)
class Process:
    """One attempt in one process, as its ledger tells it.

    Attributes:
        registration: Who it is.
        call: From the call of `train` to its return, or to the last sample of it.
        windows: Those that were closed, and one that was lost with the process, by purpose.
        closed: It said itself that the attempt was over.
    """

    registration: Registration
    call: Window
    windows: dict[Purpose, list[Window]] = field(
        default_factory=lambda: {"training": [], "inference": []}
    )
    closed: bool = False

    @property
    def measured(self) -> Sequence[Window]:
        """The windows that its objective is about."""
        return self.windows["training"] or [self.call]


@dataclass(slots=True)
class _Open:
    """What is known of a process that has not closed yet."""

    process: Process
    actors_ns: int = 0  # at the last sample
    window: tuple[Purpose, Reading, int] | None = None  # the open one; its actors' time till then


def processes(rows: Sequence[Row]) -> list[Process]:
    """Return the trials' processes of one host in the order in which they were registered.

    Args:
        rows: Of one host, in the order of writing. A registration that a restarted meter has
            repeated counts once; rows of a process that was never registered are left out.
    """
    known: dict[str, _Open] = {}
    for row in rows:
        if row.kind == "open" and row.trial_id:
            registration = Registration.from_dict(row.details)
            known.setdefault(registration.key, _Open(_begun(registration)))
        elif row.kind == "sample":
            _follow(known, row.monotonic_ns, Sample.from_dict(row.details))
        elif row.key in known:
            _note(known[row.key], row.kind, row.details)
    for found in known.values():
        _lose(found)
    return [found.process for found in known.values()]


def _begun(registration: Registration) -> Process:
    opened = registration.called
    call = Window(
        opened=opened,
        closed=opened,
        cores=registration.cores,
        gpu_shares=registration.gpu_shares,
        lost=True,
    )
    return Process(registration=registration, call=call)


def _note(found: _Open, kind: str, details: Mapping[str, object]) -> None:
    process = found.process
    if kind == "window_open":
        opened = Reading(**details["opened"])  # type: ignore[arg-type]
        found.window = (details["purpose"], opened, found.actors_ns)  # type: ignore[assignment]
        return
    window = Window.from_dict(details["window"])  # type: ignore[arg-type]
    if kind == "window":
        process.windows[details["purpose"]].append(window)  # type: ignore[index]
        found.window = None
    else:
        process.call, process.closed = window, True


def _follow(known: Mapping[str, _Open], monotonic_ns: int, sample: Sample) -> None:
    """Take the calls of open processes up to a sample."""
    for key, (cpu_ns, actors_ns, memory_bytes) in sample.processes.items():
        found = known.get(key)
        if found is None or found.process.closed:
            continue
        call = found.process.call
        closed = Reading(
            monotonic_ns=monotonic_ns,
            cpu_ns=max(cpu_ns, call.closed.cpu_ns),
            gpu_millijoules={
                uuid: sample.gpu_millijoules.get(uuid) for uuid in call.opened.gpu_millijoules
            },
            memory_bytes=call.closed.memory_bytes if memory_bytes is None else memory_bytes,
        )
        observed = Observed(actors_cpu_ns=actors_ns)
        found.actors_ns = actors_ns
        found.process.call = replace(call, closed=closed, observed=observed)


def _lose(found: _Open) -> None:
    """End the window that was open when a process was last seen."""
    if found.process.closed or found.window is None:
        return
    purpose, opened, actors_ns = found.window
    call = found.process.call
    seen = call.closed if call.closed.monotonic_ns > opened.monotonic_ns else opened
    seen = replace(seen, cpu_ns=max(seen.cpu_ns, opened.cpu_ns))
    observed = Observed(actors_cpu_ns=max(0, found.actors_ns - actors_ns))
    window = replace(call, opened=opened, closed=seen, observed=observed, lost=True)
    found.process.windows[purpose].append(window)
