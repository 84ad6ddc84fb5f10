"""Memory of processes in which what they share counts once: the proportional set size (PSS).

Dear: the kernel walks the pages, 4 ms for a process that has loaded torch. `process_tree.py` has
the cheap resident memory of every reading.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import psutil

from joulefront.energy.process_tree import PROC


def proportional_bytes(pids: Iterable[int], *, proc: str = PROC) -> int | None:
    """Return the memory of some processes; None if none of them lives.

    Where the kernel does not tell PSS, or not to us, it is resident without shared memory.
    """
    known = [size for pid in pids if (size := _bytes(pid, proc)) is not None]
    return sum(known) if known else None


def _bytes(pid: int, proc: str) -> int | None:
    try:
        for line in Path(proc, str(pid), "smaps_rollup").read_bytes().splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    except ProcessLookupError:
        return None
    except OSError:
        pass
    try:
        memory = psutil.Process(pid).memory_info()
    except psutil.Error:
        return None
    return max(0, memory.rss - getattr(memory, "shared", 0))
