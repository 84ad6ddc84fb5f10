"""Joules of unlike machines made comparable: what work would have cost on a reference machine.

A fixed kernel tells how many CPU-seconds a machine takes for the same work. `energy.normalise:
reference` then charges its CPU-seconds as those of the study's first host. Limits: one number
stands for all kinds of work, while a machine may be faster in products and slower in memory than
the reference; numerical libraries must be of the same version; GPUs are compared by one product.
Joules normalised this way order configurations, and are on no electricity bill.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import NotRequired, TypedDict

from joulefront.energy.power import PowerModel
from joulefront.errors import JoulefrontError

_SIDE = 512  # of the matrices; three of them fit into a cache
_PRODUCTS = 70
_LONG = 8 * 2**20  # numbers of a vector, 32 MiB: three of them fit into no cache
_SUMS = 60
_ROUNDS = 3


class Reference(TypedDict):
    """What the kernels cost on the reference machine, as `study.json` keeps it.

    Attributes:
        kernel_cpu_seconds: Of the CPU's kernel.
        joules_per_cpu_second: Of the machine's power model.
        node_class: Kind of machine.
        gpu_millijoules: Of the GPU's kernel; None without a GPU whose energy can be read.
    """

    kernel_cpu_seconds: float
    joules_per_cpu_second: float
    node_class: str
    gpu_millijoules: NotRequired[float | None]


def normalised(
    model: PowerModel,
    host_kernel_seconds: float,
    reference: Reference,
    *,
    host_gpu_millijoules: float | None = None,
) -> PowerModel:
    """Return a model that charges work on a host as the reference machine would.

    Args:
        model: Of the host.
        host_kernel_seconds: What `kernel_cpu_seconds` is on it.
        reference: Of the study's first host.
        host_gpu_millijoules: What `kernel_millijoules` is on the host.

    Raises:
        JoulefrontError: If only one of the two has a GPU whose energy can be read.
    """
    gpu_millijoules = reference.get("gpu_millijoules")
    if (host_gpu_millijoules is None) != (gpu_millijoules is None):
        raise JoulefrontError(
            "energy.normalise: reference must find a GPU energy counter on all nodes or on none",
            given=f"host {host_gpu_millijoules}, reference {gpu_millijoules} mJ",
            remedy="run the study on nodes of one class",
        )
    seconds = reference["kernel_cpu_seconds"]
    scale = 1.0
    if host_gpu_millijoules is not None and gpu_millijoules is not None:
        scale = gpu_millijoules / host_gpu_millijoules
    return dataclasses.replace(
        model,
        joules_per_cpu_second=reference["joules_per_cpu_second"] * seconds / host_kernel_seconds,
        gpu_scale=scale,
        source=f"normalised to {reference['node_class']}: a kernel takes {host_kernel_seconds:.3g}"
        f" CPU-seconds here, {seconds:.3g} there; {model.source}",
        provenance="normalised",
    )


def kernel_cpu_seconds() -> float:
    """Return the CPU-seconds of a fixed mix of float32 products and sums, on one thread.

    Products are bound by the core, sums by memory, about half of the time each: 0.3 s in all on a
    server of 2024. The median of three runs, after one that is not counted.
    """
    return statistics.median(_kernel_runs()[1:])


def kernel_millijoules(work: Callable[[], None], read: Callable[[], int | None]) -> float | None:
    """Return what a GPU's kernel costs: the median of three runs, after one that is not counted.

    Args:
        work: Runs the kernel, and returns when the GPU has done it.
        read: The GPU's energy counter, in millijoules; None where it cannot be read.
    """
    work()
    counts = [read()]
    for _ in range(_ROUNDS):
        work()
        counts.append(read())
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return None
    return statistics.median(after - before for before, after in pairwise(known))


def _kernel_runs() -> list[float]:
    import numpy as np
    from threadpoolctl import threadpool_limits

    left = np.random.default_rng(0).random((_SIDE, _SIDE), dtype=np.float32)
    product = np.empty_like(left)
    first, second, total = (np.ones(_LONG, np.float32) for _ in range(3))
    seconds = []
    with threadpool_limits(limits=1):
        for _ in range(1 + _ROUNDS):
            begun = time.process_time()
            for _ in range(_PRODUCTS):
                np.matmul(left, left, out=product)
            for _ in range(_SUMS):
                np.add(first, second, out=total)
            seconds.append(time.process_time() - begun)
    return seconds
