"""What one host spent while a study ran on it, by account; a pure function of its samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from joulefront.energy.charges import Charge
from joulefront.energy.ledger import HostFacts, Row, Sample, boots
from joulefront.energy.power import PowerModel

ACCOUNTS = ("trials", "search", "platform", "other", "idle", "residual")
"""What the total of a host is made of."""

COMPONENTS = ("cpu", "gpu", "ram")
_LONGEST_GAP = 30  # periods between two samples; in a longer one the study did not run
_GIB = 1024**3


@dataclass(frozen=True, kw_only=True, slots=True)
class HostBill:
    """What one host spent while the study ran on it.

    Attributes:
        seconds: Time between its samples.
        joules: By account of `ACCOUNTS` and "total", their sum; then by component: "cpu", "gpu"
            and "ram".
        provenance: Of the total, by component.
    """

    seconds: float
    joules: Mapping[str, Mapping[str, float]]
    provenance: Mapping[str, str]


@dataclass(slots=True)
class _Rise:
    """What a host's counters rose by, over all stretches in which it was sampled."""

    seconds: float = 0.0
    busy: float = 0.0  # CPU-seconds, as are the next four
    search: float = 0.0
    trials: float = 0.0
    platform: float = 0.0
    other: float = 0.0
    package: float = 0.0  # joules, as are the next two
    dram: float = 0.0
    gpu: float = 0.0


def host_bill(rows: Sequence[Row], model: PowerModel, charges: Iterable[Charge]) -> HostBill:
    """Add up the samples of one host.

    The total of the CPU is RAPL's where it has been read, else `P_idle + joules per CPU-second ×
    busy time`; that of memory is RAPL's, else a constant times time; that of GPUs their counters.
    "platform" is what Ray and the meter used, and the trials' processes beyond their attempts.

    Args:
        rows: Of the host; the last "host" row counts.
        model: Of the host.
        charges: Of all attempts on it.
    """
    facts = HostFacts.from_dict([row for row in rows if row.kind == "host"][-1].details)
    rise = _rise(rows, facts)
    known = list(charges)
    cpu_trials = _joules(known, lambda c: c.device == "cpu" and c.component != "idle")
    per_second = model.joules_per_cpu_second
    idle = model.idle_watts_per_core * facts.cores * rise.seconds
    constant_ram = model.ram_watts_per_gib * facts.memory_bytes / _GIB * rise.seconds
    measured = {
        "trials": cpu_trials,
        "search": rise.search * per_second,
        "platform": (rise.platform + rise.trials) * per_second - cpu_trials,
        "other": rise.other * per_second,
        "idle": idle,
    }
    by_component = {
        "cpu": _closed(measured, rise.package or idle + rise.busy * per_second),
        "gpu": _shared(_joules(known, _is_gpu), rise.gpu),
        "ram": _shared(_joules(known, lambda c: c.component == "ram"), rise.dram or constant_ram),
    }
    return HostBill(
        seconds=rise.seconds,
        joules={
            account: {name: part.get(account, 0.0) for name, part in by_component.items()}
            for account in ("total", *ACCOUNTS)
        },
        provenance={
            "cpu": "counter" if rise.package else model.provenance,
            "gpu": "counter",
            "ram": "counter" if rise.dram else "constant",
        },
    )


def _closed(accounts: Mapping[str, float], total: float) -> dict[str, float]:
    residual = total - math.fsum(accounts.values())
    return {**accounts, "residual": residual, "total": total}


def _shared(trials: float, total: float) -> dict[str, float]:
    """Take as idle what the trials were not charged of a device's or the memory's total."""
    return _closed({"trials": trials, "idle": max(0.0, total - trials)}, total)


def _rise(rows: Sequence[Row], facts: HostFacts) -> _Rise:
    """Add up what the counters rose by from sample to sample.

    A meter's own sums begin anew when it is started again; what happened while there was none is
    in the host's busy time only, and becomes residual.
    """
    boot_of = boots(rows)
    samples = [(row, Sample.from_dict(row.details)) for row in rows if row.kind == "sample"]
    longest = _LONGEST_GAP * facts.period_seconds
    rise = _Rise()
    for (before, a), (after, b) in pairwise(samples):
        seconds = (after.monotonic_ns - before.monotonic_ns) * 1e-9
        if boot_of.get(before.meter) != boot_of.get(after.meter) or not 0.0 <= seconds <= longest:
            continue
        rise.seconds += seconds
        rise.busy += (b.busy_ns - a.busy_ns) * 1e-9
        rise.gpu += _gpu_joules(a, b)
        for domain, end in b.rapl_microjoules.items():
            joules = _unwrapped(a.rapl_microjoules.get(domain), end, facts.rapl_ranges.get(domain))
            if domain.startswith("dram"):
                rise.dram += joules
            else:
                rise.package += joules
        if before.meter == after.meter:
            rise.search += (b.search_ns - a.search_ns) * 1e-9
            rise.trials += (b.trials_ns - a.trials_ns) * 1e-9
            rise.platform += (b.platform_ns - a.platform_ns) * 1e-9
            rise.other += (b.other_ns - a.other_ns) * 1e-9
    return rise


def _unwrapped(begin: int | None, end: int, wrap: int | None) -> float:
    """Return joules between two values of a RAPL counter, which wraps around at most once."""
    if begin is None:
        return 0.0
    return (end - begin if end >= begin else end - begin + (wrap or 0)) * 1e-6


def _gpu_joules(before: Sample, after: Sample) -> float:
    total = 0
    for uuid, end in after.gpu_millijoules.items():
        begin = before.gpu_millijoules.get(uuid)
        if begin is not None and end is not None:
            total += max(0, end - begin)
    return total * 1e-3


def _is_gpu(charge: Charge) -> bool:
    return charge.device not in ("cpu", "ram")


def _joules(charges: Iterable[Charge], chosen: Callable[[Charge], bool]) -> float:
    return math.fsum(charge.joules for charge in charges if chosen(charge))
