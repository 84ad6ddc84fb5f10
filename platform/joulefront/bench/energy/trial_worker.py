"""A Ray actor that runs the bench's trials as a study's actors do, and keeps what they send."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from joulefront.trial._meter import RayHost
from joulefront.trial.assignment import Assignment, Place
from joulefront.trial.cores import leased_cores
from joulefront.trial.messages import Closing, Message
from joulefront.trial.runner import run_trial


class TrialWorker:
    """Runs one trial after another."""

    def run(self, text: str) -> dict[str, Any]:
        """Run an assignment, given as JSON, and return what it was charged and what is true."""
        assignment = Assignment.from_json(text)
        host: Any = _TimedHost(RayHost())
        sink = _Sink()
        with leased_cores(assignment.cpus) as cores, contextlib.suppress(Exception):
            threads = Place.threads_for(assignment.cpus)
            run_trial(assignment, Place(threads=threads, cores=cores), sink, host)
        closing = sink.messages[-1]
        assert isinstance(closing, Closing)
        if closing.state != "complete":
            raise RuntimeError(closing.traceback)
        joules = {row.component: row.joules for row in closing.charges}  # of one CPU, no GPU
        return {
            **closing.metrics,
            "joules": joules,
            "charged": joules["cpu"] / assignment.power_model["joules_per_cpu_second"],
            "reasons": closing.quality_reasons,
            "pinned": len(cores.ids),
            "calls": host.calls,
        }


class _Sink:
    """Keeps the messages."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, message: Message) -> None:
        self.messages.append(message)


class _TimedHost:
    """Takes the time that a trial's process spends in calls to the host's meter."""

    def __init__(self, host: Any) -> None:
        self._host = host
        self.calls: list[tuple[str, float]] = []

    def __getattr__(self, name: str) -> Any:
        def timed(*arguments: Any) -> Any:
            begun = time.perf_counter()
            try:
                return getattr(self._host, name)(*arguments)
            finally:
                self.calls.append((name, time.perf_counter() - begun))

        return timed
