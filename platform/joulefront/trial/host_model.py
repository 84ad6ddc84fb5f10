"""The power model that an attempt is charged with in this process. No Ray; torch only for a GPU.

It is the study's on a machine of the study's class, the machine's own on another, and with
`energy.normalise: reference` one that charges work as the study's first host would.
"""

from __future__ import annotations

from functools import cache

from joulefront.energy import PowerModel, power_model
from joulefront.energy.gpu import GpuCounters
from joulefront.energy.node_class import node_class
from joulefront.energy.reference import kernel_cpu_seconds, kernel_millijoules, normalised
from joulefront.trial.assignment import Assignment, Place
from joulefront.trial.gpu_kernel import gpu_kernel

own_class = cache(node_class)


def host_model(assignment: Assignment, place: Place) -> PowerModel:
    """Return the model for an attempt; normalising times a kernel once a process.

    Raises:
        JoulefrontError: If only one of this machine and the reference has a GPU energy counter.
    """
    known = assignment.node_class in ("", own_class())
    model = PowerModel.from_dict(assignment.power_model) if known else power_model()
    reference = assignment.reference
    if reference is None:
        return model
    if known:  # of one class: a kernel's noise must not tell two of them apart
        seconds, millijoules = reference["kernel_cpu_seconds"], reference.get("gpu_millijoules")
    else:
        seconds = _kernel_seconds()
        millijoules = gpu_millijoules(place.device, *place.gpu_uuids[:1])
    return normalised(model, seconds, reference, host_gpu_millijoules=millijoules)


_kernel_seconds = cache(kernel_cpu_seconds)


@cache
def gpu_millijoules(device: str, uuid: str | None = None) -> float | None:
    """Return what the reference kernel costs on a GPU; None without one, or without its counter."""
    if uuid is None:
        return None
    counters = GpuCounters([uuid])
    return kernel_millijoules(gpu_kernel(device), lambda: counters.read()[uuid])
