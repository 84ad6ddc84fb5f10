"""CodeCarbon around the same work, as its documentation has it: one machine-mode tracker a trial.

What makes its numbers irreproducible is kept out: configuration files, environment variables, and
the second that its first start takes. It is the offline class, which calls nobody.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_JOULES_PER_KWH = 3.6e6


@dataclass(slots=True)
class Tracked:
    """What CodeCarbon says of the CPU, in joules; NaN until it has said so, or where it failed."""

    joules: float = math.nan


@contextmanager
def tracked(on: bool) -> Iterator[Tracked]:
    """Follow what happens inside, if `on`. Its start and end lie outside."""
    found = Tracked()
    if not on:
        yield found
        return
    logging.getLogger("codecarbon").disabled = True
    from codecarbon import OfflineEmissionsTracker

    with tempfile.TemporaryDirectory(prefix="joulefront-bench-") as empty, contextlib.chdir(empty):
        for name in [name for name in os.environ if name.startswith("CODECARBON_")]:
            del os.environ[name]
        os.environ["HOME"] = empty  # the trial's runner puts back what it was
        tracker = OfflineEmissionsTracker(
            country_iso_code="TWN",
            tracking_mode="machine",
            measure_power_secs=1,
            output_methods=[],
            log_level="critical",
        )
    tracker.start()
    try:
        yield found
    finally:
        tracker.stop()
        data = getattr(tracker, "final_emissions_data", None)
        if data is not None:
            found.joules = data.cpu_energy * _JOULES_PER_KWH
