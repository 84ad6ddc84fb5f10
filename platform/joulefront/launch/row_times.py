"""The column "time" of a study's rows: a clock that never goes back and never jumps.

The order of rows, `budget.hours` after a resume and the front's growth are told by it, so it is the
wall clock as the driver found it, carried on by one that nobody sets, and always after the last row
of an earlier driver.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pyarrow.compute as pc

from joulefront.store import StudyStore


def row_clock(
    study: StudyStore,
    *,
    wall: Callable[[], float] = time.time,
    passing: Callable[[], float] | None = None,
) -> Callable[[], float]:
    """Return the clock of one driver.

    Args:
        study: Whose earlier rows count.
        wall: Seconds since 1970, read once.
        passing: Seconds that pass, while the machine sleeps too if it can tell them.
    """
    passing = passing or _seconds_since_boot
    latest = [pc.max(study.read(table, ["time"])["time"]).as_py() for table in ("trials", "events")]
    after = [time + 1e-6 for time in latest if time is not None]
    start = max([wall(), *after]) - passing()
    return lambda: start + passing()


def _seconds_since_boot() -> float:
    boot = getattr(time, "CLOCK_BOOTTIME", None)  # of Linux
    return time.monotonic() if boot is None else time.clock_gettime(boot)
