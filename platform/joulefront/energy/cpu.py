"""Which CPU this machine has, as far as its power model needs to know. It measures nothing."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_CPUINFO = "/proc/cpuinfo"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cpu:
    """The CPU of a machine.

    Attributes:
        name: As `/proc/cpuinfo` names it, else the architecture ("aarch64").
        threads: Hardware threads that the machine sees, over all sockets.
        threads_per_socket: Of one socket, as the machine sees it.
        threads_per_core: 2 with simultaneous multithreading.
        virtual: The machine is a virtual one, which may see a part of the socket only.
    """

    name: str
    threads: int
    threads_per_socket: int
    threads_per_core: int
    virtual: bool


def detect_cpu() -> Cpu:
    """Read `/proc/cpuinfo`; what it does not have (ARM, other systems) is the architecture's name.

    `platform.processor` would start a process to find out no more.
    """
    try:
        text = Path(_CPUINFO).read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    return parse_cpuinfo(text, name=platform.machine(), threads=os.cpu_count() or 1)


def describe_cpu() -> str:
    """Return the CPU's model name."""
    return detect_cpu().name


def parse_cpuinfo(text: str, *, name: str, threads: int) -> Cpu:
    """Read the text of `/proc/cpuinfo`.

    Args:
        text: Blocks of "key : value" lines, one a hardware thread; may be empty.
        name: Model name to take where the text has none (ARM, other systems).
        threads: Number of hardware threads to take where the text has none.
    """
    blocks = [
        dict(_key_and_value(line) for line in block.splitlines() if ":" in line)
        for block in text.split("\n\n")
    ]
    processors = [block for block in blocks if "processor" in block]
    first = processors[0] if processors else {}
    sockets = len({block.get("physical id", "0") for block in processors}) or 1
    threads = len(processors) or threads
    siblings = int(first.get("siblings", threads // sockets))
    return Cpu(
        name=first.get("model name", name) or "unknown CPU",
        threads=threads,
        threads_per_socket=max(1, siblings),
        threads_per_core=max(1, siblings // int(first.get("cpu cores", siblings) or siblings)),
        virtual="hypervisor" in first.get("flags", "").split(),
    )


def _key_and_value(line: str) -> tuple[str, str]:
    key, _, value = line.partition(":")
    return key.strip(), " ".join(value.split())
