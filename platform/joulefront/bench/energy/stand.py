"""The test stand: a study with a ledger, Ray actors that run its trials, and the bench's own clock.

It observes and computes no figures: `statistics.py` does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from joulefront.bench.energy.host_clock import HostClock
from joulefront.bench.energy.trial_worker import TrialWorker
from joulefront.bench.energy.work import Config, here, release
from joulefront.energy import ProcessCounters, Window, power_model
from joulefront.store import StudyStore
from joulefront.trial.assignment import Assignment, Place
from joulefront.trial.metering import registration_of

_NS = 1e-9
_POLL_SECONDS = 0.05


@contextmanager
def stand_of(folder: Path, clock: HostClock) -> Iterator[Stand]:
    """Make a study in `folder`, and be its driver as `launch` is: its ledger is kept meanwhile."""
    from joulefront.trial._meter import attend_study

    store = StudyStore.create(folder, {"name": folder.name})
    counters = ProcessCounters()
    called = counters.read()
    driver = Assignment(trainable="", trial_id="", config_id="", attempt=0, store=str(folder))
    host = attend_study(store.path, registration_of(driver, Place(), called))
    try:
        yield Stand(store.path, clock)
    finally:
        host.closed(Window(opened=called, closed=counters.read(), cores=0))
        host.observe(called.monotonic_ns)  # waits until the last sample has been written


class Stand:
    """Runs trials of one study of the bench.

    Args:
        folder: Of the study.
        clock: The bench's own, running.

    Attributes:
        observations: A row for each trial that has run.
        model: The power model that they are charged by.
    """

    def __init__(self, folder: Path, clock: HostClock) -> None:
        self.observations: list[dict[str, Any]] = []
        self.model = power_model()
        self._folder = folder
        self._clock = clock

    def workers(self, count: int) -> list[Any]:
        """Start actors that run trials."""
        import ray

        return [ray.remote(TrialWorker).remote() for _ in range(count)]

    def meter(self) -> Any:
        """Return the host's meter."""
        import ray

        for actor in ray.util.list_named_actors(all_namespaces=True):
            if actor["name"].startswith("meter-"):
                return ray.get_actor(**actor)
        raise LookupError("no meter is running")

    def pid(self, actor: Any) -> int:
        """Return the process of an actor."""
        import ray

        return int(ray.get(actor.__ray_call__.remote(lambda _: os.getpid())))

    def run(
        self,
        situation: str,
        round_: int,
        parts: Sequence[tuple[Any, Config]],
        *,
        cpus: int = 1,
        during: Callable[[], None] | None = None,
        **columns: Any,
    ) -> list[dict[str, Any]]:
        """Run trials at once, and observe each of them.

        Args:
            situation: Name of the rows; of an endless part beside others "beside <situation>".
            round_: Of the rows.
            parts: An actor and what it does, for each trial. They meet before they begin.
            cpus: Cores of each trial.
            during: What the bench does when they have met; endless parts end when it has returned,
                else when another part is done.
            columns: More of the rows.
        """
        import ray

        number = len(self.observations)
        gate = self._folder / "gates" / str(number)
        gate.mkdir(parents=True)
        refs = [
            worker.run.remote(
                Assignment(
                    trainable="joulefront.bench.energy.work:train",
                    trial_id=f"{number}-{part}",
                    config_id=str(number),
                    parameters=asdict(config) | {"gate": str(gate), "party": len(parts)},
                    power_model=self.model.to_dict(),
                    cpus=cpus,
                    store=str(self._folder),
                ).to_json()
            )
            for part, (worker, config) in enumerate(parts)
        ]
        if during:
            while here(gate) < len(parts):
                time.sleep(_POLL_SECONDS)
            during()
            release(gate)
        found = ray.get(refs)
        beside = [config.endless and not during for _, config in parts]
        rows = [
            {"situation": f"beside {situation}" if aside else situation, "round": round_}
            | columns
            | row
            | {"all_trials": sum(other["truth"] for other in found)}
            | {"wall": (row["closed_ns"] - row["opened_ns"]) * _NS}
            | {"busy": self._clock.busy_seconds(row["opened_ns"], row["closed_ns"])}
            for row, aside in zip(found, beside, strict=True)
        ]
        self.observations += rows
        return rows
