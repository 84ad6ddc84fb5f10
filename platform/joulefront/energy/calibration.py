"""Idle power and joules per CPU-second of this machine, measured with RAPL by idling and full load.

A line through two points: `P = P_idle + e_core × busy cores`. It is a mean over the load used here
(integer loops), and turbo and vector units bend it, so that the residual of a study's bill is not
nil. Where the phases do not tell the line, the model stays as it was and says why.
"""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from joulefront.energy.host_load import HostLoad
from joulefront.energy.power import PowerModel, overridden, power_model
from joulefront.energy.rapl import Rapl

_PERIOD_SECONDS = 1.0  # a counter must not wrap around twice in it at full load
_SAMPLES = 10  # of a phase, so that its unrest can be seen
_MOST_IDLE_LOAD = 0.1  # of all cores, by others, while the machine should be idle
_LEAST_DIFFERENCE = 0.5  # of all cores, between the phases
_MOST_RESIDUAL = 0.1  # of the power under load
_SPIN = """
import os, sys, time
parent, end = os.getppid(), time.monotonic() + float(sys.argv[1])
while time.monotonic() < end and os.getppid() == parent:
    sum(range(1_000_000))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Counters of the whole machine at one moment.

    Attributes:
        monotonic_ns: When.
        busy_ns: CPU time of everything on it.
        microjoules: RAPL counter of each CPU package, raw: wraps around.
    """

    monotonic_ns: int
    busy_ns: int
    microjoules: Mapping[str, int]


def host_power_model(given: Mapping[str, float] | None = None) -> PowerModel:
    """Return the power model of this machine: calibrated where RAPL can be read, else stated.

    The first call in a process calibrates, for 21 seconds.

    Args:
        given: What the study file says of it, see `overridden`.
    """
    given = given or {}
    settled = {"joules_per_cpu_second", "idle_watts_per_core"} <= given.keys()
    return overridden(power_model() if settled else _measured(), given)


@cache
def _measured() -> PowerModel:
    model, load, rapl = power_model(), HostLoad(), Rapl()
    packages = {name: at for name, at in rapl.ranges.items() if name.startswith("package")}
    if not packages:
        return model
    if load.scope != "host":
        return _refused(model, "a container does not see all of the load that RAPL measures")

    def read() -> Counts:
        return Counts(
            monotonic_ns=time.monotonic_ns(),
            busy_ns=load.read().busy_ns,
            microjoules=rapl.read(),
        )

    cores = load.cores
    return calibrate(read, lambda: full_load(cores), model, ranges=packages, cores=cores)


def calibrate(
    read: Callable[[], Counts],
    load: Callable[[], AbstractContextManager[None]],
    model: PowerModel,
    *,
    ranges: Mapping[str, int],
    cores: int,
    sleep: Callable[[float], None] = time.sleep,
) -> PowerModel:
    """Measure an idle phase and one under load, of ten seconds each.

    Args:
        read: Reads the machine's counters.
        load: Keeps the cores busy while it is entered.
        model: As it is known without.
        ranges: Where each RAPL counter wraps around, in microjoules.
        cores: Hardware threads of the machine.
        sleep: Waits.
    """

    def phase() -> list[Counts]:
        counts = [read()]
        for _ in range(_SAMPLES):
            sleep(_PERIOD_SECONDS)
            counts.append(read())
        return counts

    idle = phase()
    with load():
        sleep(_PERIOD_SECONDS)  # processes start, clocks settle
        return calibrated(idle, phase(), model, ranges=ranges, cores=cores)


def calibrated(
    idle: Sequence[Counts],
    load: Sequence[Counts],
    model: PowerModel,
    *,
    ranges: Mapping[str, int],
    cores: int,
) -> PowerModel:
    """Find idle power and joules per CPU-second from two phases; a pure function.

    The line is the one through the means of the phases; what others ran in the idle phase is
    taken off its power.

    Args:
        idle: Two readings at least, in order, while nothing much ran.
        load: The same while most cores were busy.
        model: As it is known without; its RAM is kept.
        ranges: As in `calibrate`.
        cores: The same.

    Returns:
        A model with provenance "calibrated", or `model` with the reason why not in its source.
    """
    idle_cores, idle_watts = _mean(idle, ranges)
    load_cores, load_watts = _mean(load, ranges)
    if idle_cores > _MOST_IDLE_LOAD * cores:
        return _refused(model, f"{idle_cores:.1f} of {cores} cores were busy in the idle phase")
    if load_cores - idle_cores < _LEAST_DIFFERENCE * cores:
        return _refused(model, f"only {load_cores:.1f} of {cores} cores could be kept busy")
    slope = (load_watts - idle_watts) / (load_cores - idle_cores)
    base = idle_watts - slope * idle_cores
    if slope <= 0.0 or base < 0.0:
        return _refused(model, f"{idle_watts:.3g} W idle, {load_watts:.3g} W under load")
    steps = [_mean(pair, ranges) for phase in (idle, load) for pair in pairwise(phase)]
    errors = [watts - (base + slope * busy) for busy, watts in steps]
    residual = math.sqrt(math.fsum(error**2 for error in errors) / len(errors)) / load_watts
    if residual > _MOST_RESIDUAL:
        return _refused(model, f"the power strays by {residual:.0%} from a line")
    return dataclasses.replace(
        model,
        joules_per_cpu_second=slope,
        idle_watts_per_core=base / cores,
        source=f"RAPL, calibrated: {base:.3g} W idle, {load_watts:.3g} W with {load_cores:.1f} of"
        f" {cores} cores busy, residual {residual:.1%}",
        provenance="calibrated",
    )


@contextmanager
def full_load(cores: int, seconds: float = 60.0) -> Iterator[None]:
    """Keep cores busy, a process each; they end with this process, or after `seconds`."""
    command = [sys.executable, "-I", "-S", "-c", _SPIN, str(seconds)]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.extend(subprocess.Popen(command) for _ in range(cores))
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def _mean(phase: Sequence[Counts], ranges: Mapping[str, int]) -> tuple[float, float]:
    """Return busy cores and watts from the first reading to the last."""
    microjoules = sum(
        (after.microjoules[name] - before.microjoules[name]) % wraps_at
        for before, after in pairwise(phase)
        for name, wraps_at in ranges.items()
    )
    first, last = phase[0], phase[-1]
    elapsed_ns = last.monotonic_ns - first.monotonic_ns
    return (last.busy_ns - first.busy_ns) / elapsed_ns, microjoules * 1e3 / elapsed_ns


def _refused(model: PowerModel, reason: str) -> PowerModel:
    return dataclasses.replace(model, source=f"{model.source}; RAPL not calibrated: {reason}")
