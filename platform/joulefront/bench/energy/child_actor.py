"""A Ray actor that a trial creates to burn CPU time: no child of the trial's process.

It imports next to nothing, so that what it takes is its work.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_BEFORE = time.process_time()  # used by the process before Ray gave it anything of ours to do


def burn(seconds: float) -> None:
    """Use CPU time in this process."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(1000))


class ChildActor:
    """Uses CPU time in a process that is no child of the trial's."""

    def burn(self, seconds: float, since: float) -> float:
        """Work, and return all CPU-seconds that this process has used for the trial.

        Args:
            seconds: How much to use up.
            since: Seconds since boot when the trial opened its window. A process that Ray has
                started later than that was started for this actor.
        """
        burn(seconds)
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        started = ticks / os.sysconf("SC_CLK_TCK")
        return time.process_time() - (0.0 if started >= since else _BEFORE)
