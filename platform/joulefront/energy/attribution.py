"""From counters to charges: what the windows of a trial cost, component by component.

A pure function: no clock, no hardware, no state. A charge is made of the trial's own counters
only, so a neighbour cannot change it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from joulefront.energy.counters import Reading
from joulefront.energy.power import PowerModel

Quality = Literal["good", "degraded"]
_OBJECTIVE_COMPONENTS = frozenset({"cpu", "gpu"})
_GIB = 1024**3


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A stretch of a trial that is charged to it.

    Attributes:
        opened: Counters when it was opened.
        closed: Counters when it was closed, in the same process.
        cores: Hardware threads reserved for the trial.
    """

    opened: Reading
    closed: Reading
    cores: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Charge:
    """Energy of one component of one device.

    Attributes:
        component: "cpu" (dynamic), "gpu", "ram" or "idle".
        device: "cpu", "ram", or the UUID of a GPU.
        joules: Never negative. What is known, when the quality is "degraded".
        provenance: "counter", "modelled" or "constant" (a constant times the duration, which is
            speed and not efficiency).
        quality: "degraded" when a counter was missing or fell back in one of the windows.
    """

    component: str
    device: str
    joules: float
    provenance: str
    quality: Quality = "good"


def attribute(windows: Sequence[Window], model: PowerModel) -> tuple[Charge, ...]:
    """Charge the windows of one trial in one process.

    CPU, GPU and idle are additive: a window split in two costs the same. Memory is taken as
    linear between the two readings of a window.

    Args:
        windows: In any order, not overlapping. None at all cost nothing.
        model: Constants of the machine they were read on.

    Returns:
        One charge each for "cpu", "ram" and "idle", and one "gpu" a UUID.
    """
    steps = [_step(w.opened.cpu_ns, w.closed.cpu_ns) for w in windows]
    cpu_seconds = [_known(step) * 1e-9 for step in steps]
    seconds = [_seconds(window) for window in windows]
    ram = sum(
        s * (w.opened.memory_bytes + w.closed.memory_bytes) / 2.0 / _GIB
        for s, w in zip(seconds, windows, strict=True)
    )
    idle = sum(s * w.cores for s, w in zip(seconds, windows, strict=True))
    return (
        Charge(
            component="cpu",
            device="cpu",
            joules=sum(cpu_seconds) * model.joules_per_cpu_second,
            provenance=model.provenance,
            quality=_quality(steps),
        ),
        *(_gpu_charge(uuid, windows) for uuid in _gpu_uuids(windows)),
        Charge(
            component="ram",
            device="ram",
            joules=ram * model.ram_watts_per_gib,
            provenance="constant",
        ),
        Charge(
            component="idle",
            device="cpu",
            joules=idle * model.idle_watts_per_core,
            provenance="constant",
        ),
    )


def objective_joules(charges: Iterable[Charge]) -> float:
    """Return the energy that a trial is compared by: dynamic CPU and its own GPUs, in joules.

    NaN when one of them is degraded: an energy that is known in part would look like a saving.
    """
    own = [charge for charge in charges if charge.component in _OBJECTIVE_COMPONENTS]
    if any(charge.quality != "good" for charge in own):
        return math.nan
    return math.fsum(charge.joules for charge in own)


def _gpu_uuids(windows: Sequence[Window]) -> list[str]:
    return sorted({u for w in windows for r in (w.opened, w.closed) for u in r.gpu_millijoules})


def _gpu_charge(uuid: str, windows: Sequence[Window]) -> Charge:
    steps = [
        _step(w.opened.gpu_millijoules.get(uuid), w.closed.gpu_millijoules.get(uuid))
        for w in windows
    ]
    return Charge(
        component="gpu",
        device=uuid,
        joules=sum(_known(step) for step in steps) * 1e-3,
        provenance="counter",
        quality=_quality(steps),
    )


def _step(opened: int | None, closed: int | None) -> int | None:
    """Return how far a counter went; None when it was absent, or fell back (was reset)."""
    if opened is None or closed is None or closed < opened:
        return None
    return closed - opened


def _known(step: int | None) -> int:
    return 0 if step is None else step


def _quality(steps: Iterable[int | None]) -> Quality:
    return "degraded" if any(step is None for step in steps) else "good"


def _seconds(window: Window) -> float:
    return max(0, window.closed.monotonic_ns - window.opened.monotonic_ns) * 1e-9
