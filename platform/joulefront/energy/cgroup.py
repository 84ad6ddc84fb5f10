"""The cgroup that holds a container: what it has used and what it may use. Versions 1 and 2.

Where everything of the host can be seen, nobody asks it: see `host_load.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")


class Cgroup:
    """The container's own cgroup, as seen from inside.

    In a cgroup namespace that is the root of the mounted tree, whatever sub-group this process is
    in; else the process's own path in it.

    Args:
        proc: Where `/proc` is.
        root: Where the cgroups are mounted.
    """

    def __init__(self, *, proc: str = "/proc", root: str = "/sys/fs/cgroup") -> None:
        self._root = Path(root)
        self._unified = (self._root / "cgroup.controllers").exists()
        lines = _read(Path(proc, "self", "cgroup"), str.splitlines) or []
        fields = [line.split(":", 2) for line in lines]
        self._paths = {name: path for _, names, path in fields for name in names.split(",")}

    @property
    def name(self) -> str:
        """Its folder, which is all there is to tell it from others outside of its namespace."""
        return str(self._folder("cpuacct"))

    def busy_ns(self) -> int | None:
        """Return the CPU time of all that ever ran in it; None if it cannot be read."""
        if self._unified:
            stat = _read(self._folder("cpu") / "cpu.stat", lambda text: dict(_pairs(text)))
            return int(stat["usage_usec"]) * 1000 if stat else None
        return _read(self._folder("cpuacct") / "cpuacct.usage", int)

    def cores(self) -> int | None:
        """Return how many hardware threads it may keep busy; None without a limit."""
        cpu, cpuset = self._folder("cpu"), self._folder("cpuset")
        if self._unified:
            limits = [_read(cpu / "cpu.max", _quota)]
            limits.append(_read(cpuset / "cpuset.cpus.effective", _count))
        else:
            quota = _read(cpu / "cpu.cfs_quota_us", str.strip)
            period = _read(cpu / "cpu.cfs_period_us", str.strip)
            limits = [_quota(f"{quota} {period}") if quota and period else None]
            limits.append(_read(cpuset / "cpuset.cpus", _count))
        return min((limit for limit in limits if limit), default=None)

    def memory_bytes(self) -> int | None:
        """Return how much memory it may hold; None without a limit (version 1 has a huge one)."""
        file = "memory.max" if self._unified else "memory.limit_in_bytes"
        return _read(self._folder("memory") / file, int)

    def _folder(self, controller: str) -> Path:
        if self._unified:
            if (self._root / "cgroup.type").exists():  # every group has one but the host's first
                return self._root
            return self._root / self._paths.get("", "/").lstrip("/")
        mounted = self._root / controller
        own = mounted / self._paths.get(controller, "/").lstrip("/")
        return own if own.exists() else mounted


def _read(path: Path, parse: Callable[[str], _T]) -> _T | None:
    """Parse a file; None where it is absent, closed to us, or says "max"."""
    try:
        return parse(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(key, value) for key, _, value in (line.partition(" ") for line in text.splitlines())]


def _quota(text: str) -> int | None:
    """Return the hardware threads that a quota and a period allow; "max" and -1 are no limit."""
    quota, period = map(int, text.split())
    return math.ceil(quota / period) if quota > 0 else None


def _count(text: str) -> int:
    """Return how many CPUs a list such as "0-3,8" names."""
    ranges = [part.split("-") for part in text.strip().split(",") if part]
    return sum(int(ends[-1]) - int(ends[0]) + 1 for ends in ranges)
