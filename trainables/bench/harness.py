"""Call a trainable without the platform, and measure its energy window by other means.

Not a substitute for `study try`: nothing is checked and nothing is kept but the reports.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from trainables.flops import FlopCounter


class HarnessTrial:
    """A trial context, as far as a trainable can tell.

    Args:
        data: The `data` section.
        seed: The trial's seed.
        window: Opened and closed with the trial's energy window.
        threads: For torch.
    """

    fold, device, rank, world_size = 0, "cpu", 0, 1

    def __init__(
        self,
        *,
        data: Mapping[str, Any],
        seed: int,
        window: AbstractContextManager[object],
        threads: int = 1,
    ) -> None:
        self.data, self.seed, self.threads = data, seed, threads
        self._window = window
        self.reports: list[dict[str, Any]] = []
        self.finished: dict[str, Any] = {}

    def report(self, metrics: Mapping[str, Any], checkpoint: Path | None = None) -> None:
        """Keep an epoch's metrics."""
        self.reports.append(dict(metrics))

    def restored_checkpoint(self) -> None:
        """Start afresh."""

    def measured(self) -> AbstractContextManager[object]:
        """Measure what the platform would charge."""
        return self._window

    def inference(self, samples: int) -> AbstractContextManager[None]:
        """Measure nothing of it."""
        return nullcontext()

    def record_split(self, **sides: object) -> None:
        """Keep nothing."""

    def record_predictions(self, **predictions: object) -> None:
        """Keep nothing."""

    def finish(self, metrics: Mapping[str, Any]) -> None:
        """Keep the closing metrics."""
        self.finished.update(metrics)


class Window:
    """A window that can be read after it has closed: CPU-seconds of this process.

    Attributes:
        value: Sum over the times it was open.
    """

    def __init__(self) -> None:
        self.value = 0.0

    @contextmanager
    def cpu_seconds(self) -> Iterator[None]:
        """Add the process's user and system time, all threads."""
        start = time.process_time()
        yield
        self.value += time.process_time() - start

    @contextmanager
    def flops(self) -> Iterator[None]:
        """Add floating-point operations instead; CPU time is distorted meanwhile."""
        with FlopCounter() as counter:
            yield
        self.value += counter.get_total_flops()
