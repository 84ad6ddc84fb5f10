"""What kind of machine this is, in words: joules of two kinds are not to be compared.

It names, and measures nothing; how fast a machine is tells `reference.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from joulefront.energy.cpu import Cpu, detect_cpu
from joulefront.energy.gpu import gpu_names
from joulefront.energy.power import plain_name


def node_class(gpus: Sequence[str] | None = None) -> str:
    """Return the class of this machine.

    Args:
        gpus: Name of each of its GPUs; None asks NVML.
    """
    return class_of(detect_cpu(), [*gpu_names().values()] if gpus is None else gpus)


def class_of(cpu: Cpu, gpus: Sequence[str] = ()) -> str:
    """Return the class of a described machine; a pure function.

    Such as "AMD EPYC (virtual)" or "Intel Xeon Gold 6248, 2 threads a core, 4 x NVIDIA
    A100-SXM4-40GB". How many threads a machine has is no part of it. The clock is where the name
    has no model number, as in clouds: it tells the generation.
    """
    name = plain_name(cpu.name)
    if not any(character.isdigit() for character in name) and "@" in cpu.name:
        name += " @" + cpu.name.partition("@")[2]
    parts = [f"{name} (virtual)" if cpu.virtual else name]
    if cpu.threads_per_core > 1:
        parts.append(f"{cpu.threads_per_core} threads a core")
    parts += [f"{count} x {gpu}" for gpu, count in sorted(Counter(gpus).items())]
    return ", ".join(parts)
