"""What a CPU-second, an idle core and a gibibyte of memory cost on this machine: a stated model.

Nothing is measured here; `calibration.py` does, where it can. A node draws `P_idle + e_core × busy`
with `P_idle = 0.1 × TDP` and `e_core = 0.9 × TDP / threads`, which is CodeCarbon's load model
(3.3.2: `TDP × (0.1 + 0.9 load³)`) made linear, so that a trial's charge does not depend on its
neighbours' load. Only ratios between trials on machines of one kind are evidence.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from joulefront.energy.bundled import cpu_power_table
from joulefront.energy.cpu import Cpu, detect_cpu

WATTS_PER_UNKNOWN_THREAD = 4.0  # CodeCarbon 3.3.2, core/cpu.py, DEFAULT_POWER_PER_CORE
RAM_WATTS_PER_GIB = 3.0 / 8.0  # CodeCarbon, external/ram.py: 3 W per 8 GB; proportional to use
IDLE_SHARE = 0.1  # of the TDP
OVERRIDES = ("joules_per_cpu_second", "idle_watts_per_core", "ram_watts_per_gib")
_THREADS_PER_LENT_CORE = 2  # a virtual machine may hide that its CPUs are hyperthreads

_NOISE = re.compile(r"\(r\)|\(tm\)|\bcpu\b|\bprocessor\b|@.*|\b\d+-core\b|\bwith radeon.*", re.I)
_CORES = re.compile(r"\b(\d+)-core\b", re.I)


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerModel:
    """Constants of one machine."""

    joules_per_cpu_second: float  # dynamic energy
    idle_watts_per_core: float  # of one reserved hardware thread, busy or not
    ram_watts_per_gib: float  # of resident memory
    tdp_watts: float  # thermal design power of the hardware threads that this machine sees
    source: str  # where the power comes from and what was assumed, in words
    provenance: str = "modelled"  # how the CPU's joules came about
    gpu_scale: float = 1.0  # joules to charge per joule of a GPU's counter; see `reference.py`

    def to_dict(self) -> dict[str, Any]:
        """Return a plain mapping that JSON can carry."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PowerModel:
        """Read what `to_dict` returned."""
        return cls(**values)


def power_model() -> PowerModel:
    """Return the power model of this machine, offline."""
    return model_of(detect_cpu())


def model_of(cpu: Cpu) -> PowerModel:
    """Return the power model of a described CPU; a pure function."""
    watts_per_thread, source = _watts_per_thread(cpu)
    return PowerModel(
        joules_per_cpu_second=(1.0 - IDLE_SHARE) * watts_per_thread,
        idle_watts_per_core=IDLE_SHARE * watts_per_thread,
        ram_watts_per_gib=RAM_WATTS_PER_GIB,
        tdp_watts=watts_per_thread * cpu.threads,
        source=source,
    )


def overridden(model: PowerModel, given: Mapping[str, float]) -> PowerModel:
    """Put what a study file says of the machine's power in place of a model's constants.

    Args:
        model: Of the machine.
        given: Any of joules_per_cpu_second, idle_watts_per_core and ram_watts_per_gib.
    """
    if not given:
        return model
    values: dict[str, Any] = {**given, "source": f"{_listed(given)} given in the study file"}
    if len(given) < len(OVERRIDES):
        values["source"] += f"; else {model.source}"
    if "joules_per_cpu_second" in given:
        values["provenance"] = "modelled"
    return dataclasses.replace(model, **values)


def _listed(given: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {given[name]:g}" for name in OVERRIDES if name in given)


def _watts_per_thread(cpu: Cpu) -> tuple[float, str]:
    """Spread the TDP of a socket over its hardware threads, never over those of a part of it."""
    assumed = f"{WATTS_PER_UNKNOWN_THREAD:g} W per hardware thread are assumed, as CodeCarbon does"
    found = find_tdp(cpu.name)
    if found is None:
        return WATTS_PER_UNKNOWN_THREAD, f"{cpu.name} is not in CodeCarbon's CPU table: {assumed}"
    row, tdp = found
    origin = f"{row}, {tdp:g} W per socket in CodeCarbon's CPU table"
    if named := _CORES.search(cpu.name):
        per_core = _THREADS_PER_LENT_CORE if cpu.virtual else cpu.threads_per_core
        threads = int(named[1]) * per_core
        note = " (assumed: the machine is virtual)" if cpu.virtual else ""
        return tdp / threads, f"{origin}, over {named[1]} cores of {per_core} threads{note}"
    if cpu.virtual:
        watts = min(WATTS_PER_UNKNOWN_THREAD, tdp / cpu.threads)
        return watts, (
            f"{origin}; how much of the socket this virtual machine was lent is unknown, so at "
            f"most {assumed}"
        )
    threads = cpu.threads_per_socket
    return tdp / threads, f"{origin}, over the {threads} threads of a socket"


@cache
def find_tdp(cpu_name: str) -> tuple[str, float] | None:
    """Look up a model name: (row of the table, watts of one socket), None if it is not there.

    A row fits when each of its words stands in the name, two at least and one of them with a
    digit; the row with most words wins ("Xeon E5-2670 v3" over "Xeon E5-2670"). Rows that fit as
    well and disagree on the power are no answer. CodeCarbon's fuzzy match takes the same rows
    for full names, but also answers for words in common.
    """
    words = _words(cpu_name)
    best: list[tuple[str, float]] = []
    best_length = 2
    for name, tdp in cpu_power_table():
        row_words = _words(name)
        if len(row_words) < best_length or not row_words <= words:
            continue
        if not any(character.isdigit() for word in row_words for character in word):
            continue
        if len(row_words) > best_length:
            best, best_length = [], len(row_words)
        best.append((name, tdp))
    return best[0] if best and len({tdp for _, tdp in best}) == 1 else None


def plain_name(cpu_name: str) -> str:
    """Return a model name without marks, clock and number of cores: "Intel Xeon Gold 6248"."""
    return " ".join(_NOISE.sub(" ", cpu_name).split())


def _words(name: str) -> frozenset[str]:
    return frozenset(plain_name(name.lower()).split())
