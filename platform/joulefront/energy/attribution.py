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
    """A stretch of a trial that is charged to it."""

    opened: Reading  # counters when it was opened
    closed: Reading  # the same when it was closed, in the same process
    cores: int  # hardware threads reserved for the trial

    @property
    def seconds(self) -> float:
        """How long it was open."""
        return max(0, self.closed.monotonic_ns - self.opened.monotonic_ns) * 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Charge:
    """Energy of one component of one device."""

    component: str  # "cpu" (dynamic), "gpu", "ram" or "idle"
    device: str  # "cpu", "ram", or the UUID of a GPU
    joules: float  # never negative; what is known, when the quality is "degraded"
    provenance: str  # "counter", "modelled" or "constant" (times the duration: speed only)
    quality: Quality = "good"  # "degraded": a counter was missing or fell back in a window


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
    ram = sum(w.seconds * (w.opened.memory_bytes + w.closed.memory_bytes) for w in windows)
    idle = sum(w.seconds * w.cores for w in windows)
    readings = [reading for w in windows for reading in (w.opened, w.closed)]
    uuids = sorted({uuid for reading in readings for uuid in reading.gpu_millijoules})
    cpu = [(w.opened.cpu_ns, w.closed.cpu_ns) for w in windows]
    per_cpu_ns = model.joules_per_cpu_second * 1e-9
    return (
        _counted("cpu", "cpu", cpu, per_cpu_ns, model.provenance),
        *(
            _counted("gpu", uuid, [_gpu_steps(w, uuid) for w in windows], 1e-3, "counter")
            for uuid in uuids
        ),
        _constant("ram", "ram", ram / 2.0 / _GIB * model.ram_watts_per_gib),
        _constant("idle", "cpu", idle * model.idle_watts_per_core),
    )


def objective_joules(charges: Iterable[Charge]) -> float:
    """Return the energy that a trial is compared by: dynamic CPU and its own GPUs, in joules.

    NaN when one of them is degraded: an energy that is known in part would look like a saving.
    """
    own = [charge for charge in charges if charge.component in _OBJECTIVE_COMPONENTS]
    if any(charge.quality != "good" for charge in own):
        return math.nan
    return math.fsum(charge.joules for charge in own)


def _counted(
    component: str,
    device: str,
    ends: Sequence[tuple[int | None, int | None]],
    joules_per_count: float,
    provenance: str,
) -> Charge:
    """Charge a counter by its values at both ends of each window.

    A window in which it was absent, or fell back (was reset), adds nothing and degrades the charge.
    """
    steps = [
        None if opened is None or closed is None or closed < opened else closed - opened
        for opened, closed in ends
    ]
    return Charge(
        component=component,
        device=device,
        joules=sum(step or 0 for step in steps) * joules_per_count,
        provenance=provenance,
        quality="degraded" if None in steps else "good",
    )


def _gpu_steps(window: Window, uuid: str) -> tuple[int | None, int | None]:
    return window.opened.gpu_millijoules.get(uuid), window.closed.gpu_millijoules.get(uuid)


def _constant(component: str, device: str, joules: float) -> Charge:
    return Charge(component=component, device=device, joules=joules, provenance="constant")
