"""Speak to the processes of trials now and then, so that a connection that has died is noticed.

Tune asks a process for the next report and waits. If the network is cut meanwhile, and the other
side gives the connection up (after 20 s with something unsent), nothing tells this side once the
network is back: Ray 2.60 would look after 5 minutes, and wait 2 more. Whatever is sent is answered
with a reset, on which Ray fails the call that waits, and the trial goes on from its checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from ray.tune.experiment import Trial

_SECONDS = 10.0  # between two knocks; nobody reads what is answered, after the next report


class Knocking:
    """At the processes of one study's trials."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, trials: Iterable[Trial]) -> None:
        """Knock at those that have a process, if it is time to."""
        now = time.monotonic()
        if now - self._last < _SECONDS:
            return
        self._last = now
        for trial in trials:
            if trial.temporary_state.ray_actor is not None:
                trial.temporary_state.ray_actor.__ray_ready__.remote()
