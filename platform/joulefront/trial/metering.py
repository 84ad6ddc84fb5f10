"""The energy windows of one attempt in one process.

This keeps readings and asks `joulefront.energy` what they cost. It neither reads hardware itself
nor knows a power model from the inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from joulefront.energy import PowerModel, Reading, Window, attribute
from joulefront.errors import TrainableError
from joulefront.trial.messages import ChargeRow


class Counters(Protocol):
    """Cumulative counters of a process and everything it started."""

    def read(self) -> Reading:
        """Return the counters as they stand."""
        ...


class AttemptMeter:
    """Open and close the windows of an attempt, and charge them.

    The first reading is taken when the meter is made, so that what lies outside the windows
    (imports, data, probes) can be told as "setup".

    Args:
        counters: Where readings come from.
        model: Joules per CPU-second and the constants.
        cores: Reserved cores, for the idle share that is reported apart.
        host: Name of the machine, for the charges.

    Attributes:
        degraded: Whether a counter could not be read, so that a charge is too low.
    """

    def __init__(self, counters: Counters, model: PowerModel, *, cores: int, host: str) -> None:
        self._counters = counters
        self._model = model
        self._cores = cores
        self._host = host
        self._called = counters.read()
        self._opened: Reading | None = None
        self._windows: list[Window] = []
        self.degraded = False

    @contextmanager
    def window(self) -> Iterator[None]:
        """Charge what happens inside to the trial.

        Raises:
            TrainableError: If a window is open already.
        """
        if self._opened is not None:
            raise TrainableError(
                "trial.measured() must be closed before it is opened again",
                remedy="leave the first with-block first",
            )
        self._opened = self._counters.read()
        try:
            yield
        finally:
            self._windows.append(self._window(self._opened, self._counters.read()))
            self._opened = None

    def charges(self) -> tuple[ChargeRow, ...]:
        """Return what the windows cost up to now.

        A trainable that has opened none yet is charged from the call of `train`.
        """
        windows = list(self._windows)
        if self._opened is not None:
            windows.append(self._window(self._opened, self._counters.read()))
        elif not windows:
            windows.append(self._window(self._called, self._counters.read()))
        return self._charge(windows)

    def final_charges(self) -> tuple[ChargeRow, ...]:
        """Return the charges of the attempt, with "setup" for all that lies outside its windows."""
        whole_call = [self._window(self._called, self._counters.read())]
        windows = self._windows or whole_call
        outside = self._spent(whole_call) - self._spent(windows)
        setup = ChargeRow(
            host=self._host,
            device="host",
            component="setup",
            joules=max(0.0, outside),
            provenance=self._model.provenance,
        )
        return (*self._charge(windows), setup)

    def _window(self, opened: Reading, closed: Reading) -> Window:
        return Window(opened=opened, closed=closed, cores=self._cores)

    def _spent(self, windows: Sequence[Window]) -> float:
        charges = attribute(windows, self._model)
        return sum(charge.joules for charge in charges if charge.component in ("cpu", "gpu"))

    def _charge(self, windows: Sequence[Window]) -> tuple[ChargeRow, ...]:
        charges = attribute(windows, self._model)
        self.degraded = self.degraded or any(charge.quality != "good" for charge in charges)
        return tuple(
            ChargeRow(
                host=self._host,
                device=charge.device,
                component=charge.component,
                joules=charge.joules,
                provenance=charge.provenance,
            )
            for charge in charges
        )
