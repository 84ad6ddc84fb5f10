"""From the windows of a process to charges: what an attempt costs, component by component.

Pure functions: no clock, no hardware, no state. A charge is made of the trial's own counters only,
so a neighbour cannot change it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from joulefront.energy.ledger import Window
from joulefront.energy.power import PowerModel

OBJECTIVE_COMPONENTS = ("cpu", "gpu")
_GIB = 1024**3


@dataclass(frozen=True, kw_only=True, slots=True)
class Charge:
    """Energy of one component of one device.

    Attributes:
        component: "cpu" (dynamic), "gpu", "ram", "idle"; "setup" and "inference" are dynamic
            energy outside the training windows, a charge each device.
        device: "cpu", "ram", or the UUID of a GPU.
        joules: Never negative; what is known, where `known` is False.
        provenance: "counter", "calibrated", "modelled", "normalised", or "constant" (times the
            duration: it tells speed only).
        shared: A share of a device that others may have used too.
        known: No counter was missing or fell back (was reset) in a window.
    """

    component: str
    device: str
    joules: float
    provenance: str
    shared: bool = False
    known: bool = True


def charge_windows(windows: Sequence[Window], model: PowerModel) -> tuple[Charge, ...]:
    """Charge the windows of one trial in one process.

    CPU, GPU and idle are additive: a window split in two costs the same.

    Args:
        windows: In any order, not overlapping. None at all cost nothing.
        model: Constants of the machine they were read on.

    Returns:
        One charge each for "cpu", "ram" and "idle", and one "gpu" a UUID.
    """
    ram = math.fsum(w.seconds * _memory_bytes(w) for w in windows) / _GIB
    idle = math.fsum(w.seconds * w.cores for w in windows)
    cpu = [_step(w.opened.cpu_ns, w.closed.cpu_ns, w.observed.actors_cpu_ns) for w in windows]
    readings = [reading for w in windows for reading in (w.opened, w.closed)]
    uuids = sorted({uuid for reading in readings for uuid in reading.gpu_millijoules})
    return (
        _counted("cpu", "cpu", cpu, model.joules_per_cpu_second * 1e-9, model.provenance),
        *(_gpu(uuid, windows, model) for uuid in uuids),
        _constant("ram", "ram", ram * model.ram_watts_per_gib),
        _constant("idle", "cpu", idle * model.idle_watts_per_core),
    )


def charge_attempt(
    call: Window, training: Sequence[Window], inference: Sequence[Window], model: PowerModel
) -> tuple[Charge, ...]:
    """Charge all that an attempt has done in one process.

    Args:
        call: From the call of `train` to its return.
        training: The windows in it that the objective is about; none at all stand for the whole
            call, inference included.
        inference: Windows that measured the trained model.
        model: Constants of the machine.

    Returns:
        The charges of the training windows; then "inference" and "setup" of each device: what the
        inference windows cost, and what was spent outside of all windows.
    """
    charges = charge_windows(training or [call], model)
    if not training:
        return charges
    inferred = dynamic(charge_windows(inference, model))
    seen = sum(w.observed.actors_cpu_ns for w in (*training, *inference))
    actors = max(seen, call.observed.actors_cpu_ns)  # a call too short to observe has windows
    whole = replace(call, observed=replace(call.observed, actors_cpu_ns=actors))
    inside = [*dynamic(charges), *inferred]
    outside = [
        replace(total, joules=max(0.0, total.joules - _joules_of(inside, total.device)))
        for total in dynamic(charge_windows([whole], model))
    ]
    return (
        *charges,
        *(replace(charge, component="inference") for charge in inferred if inference),
        *(replace(charge, component="setup") for charge in outside),
    )


def dynamic(charges: Iterable[Charge]) -> list[Charge]:
    """Return the charges of CPU and GPU."""
    return [charge for charge in charges if charge.component in OBJECTIVE_COMPONENTS]


def objective_joules(charges: Iterable[Charge]) -> float:
    """Return the energy that a trial is compared by: dynamic CPU and its own GPUs, in joules.

    NaN when one of them is not known: an energy that is known in part would look like a saving.
    """
    own = dynamic(charges)
    if not all(charge.known for charge in own):
        return math.nan
    return math.fsum(charge.joules for charge in own)


def _memory_bytes(window: Window) -> float:
    """Return the mean: the meter's proportional one, else that of the readings, taken linear."""
    if window.observed.memory_bytes is not None:
        return window.observed.memory_bytes
    return (window.opened.memory_bytes + window.closed.memory_bytes) / 2.0


def _gpu(uuid: str, windows: Sequence[Window], model: PowerModel) -> Charge:
    steps = []
    for window in windows:
        opened, closed = (r.gpu_millijoules.get(uuid) for r in (window.opened, window.closed))
        step = _step(opened, closed)
        steps.append(None if step is None else step * window.gpu_shares.get(uuid, 1.0))
    charge = _counted("gpu", uuid, steps, model.gpu_scale * 1e-3, "counter")
    shared = any(window.gpu_shares.get(uuid, 1.0) < 1.0 for window in windows)
    scaled = "counter" if model.gpu_scale == 1.0 else "normalised"
    return replace(charge, shared=shared, provenance=scaled)


def _step(opened: int | None, closed: int | None, more: int = 0) -> int | None:
    """Return what a counter rose by; None where it was absent or fell back."""
    if opened is None or closed is None or closed < opened:
        return None
    return closed - opened + more


def _counted(
    component: str,
    device: str,
    steps: Sequence[float | None],
    joules_per_count: float,
    provenance: str,
) -> Charge:
    return Charge(
        component=component,
        device=device,
        joules=math.fsum(step or 0 for step in steps) * joules_per_count,
        provenance=provenance,
        known=None not in steps,
    )


def _constant(component: str, device: str, joules: float) -> Charge:
    return Charge(component=component, device=device, joules=joules, provenance="constant")


def _joules_of(charges: Iterable[Charge], device: str) -> float:
    return math.fsum(charge.joules for charge in charges if charge.device == device)
