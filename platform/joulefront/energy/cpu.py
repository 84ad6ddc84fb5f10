"""Which CPU this machine has, as far as its power model needs to know. It measures nothing."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Cpu:
    """The CPU of a machine."""

    name: str  # as `/proc/cpuinfo` has it, else the architecture ("aarch64")
    threads: int  # hardware threads that the machine sees, over all sockets
    threads_per_socket: int  # of one socket, as the machine sees it
    threads_per_core: int  # 2 with simultaneous multithreading
    virtual: bool  # a virtual machine, which may see a part of the socket only


def detect_cpu() -> Cpu:
    """Read `/proc/cpuinfo`; what it does not have (ARM, other systems) is the architecture's name.

    `platform.processor` would start a process to find out no more.
    """
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    return parse_cpuinfo(text, name=platform.machine(), threads=os.cpu_count() or 1)


def parse_cpuinfo(text: str, *, name: str, threads: int) -> Cpu:
    """Read the text of `/proc/cpuinfo`.

    Args:
        text: Blocks of "key : value" lines, one a hardware thread; may be empty.
        name: Model name to take where the text has none (ARM, other systems).
        threads: Number of hardware threads to take where the text has none.
    """
    blocks = []
    for block in text.split("\n\n"):
        pairs = (line.split(":", 1) for line in block.splitlines() if ":" in line)
        blocks.append({key.strip(): " ".join(value.split()) for key, value in pairs})
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
