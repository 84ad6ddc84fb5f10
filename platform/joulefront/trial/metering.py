"""The energy windows of one attempt in one process.

This keeps readings, tells the host's meter of them, and asks `joulefront.energy` what they cost. It
neither reads hardware itself nor knows a power model from the inside.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from joulefront.energy import (
    Charge,
    Observed,
    Policy,
    PowerModel,
    Reading,
    Registration,
    Window,
    charge_attempt,
    charge_windows,
    degradations,
    foreign_share,
    objective_joules,
)
from joulefront.energy.host import Host
from joulefront.energy.ledger import Purpose
from joulefront.energy.processes import process_table
from joulefront.errors import TrainableError
from joulefront.trial.assignment import Assignment, Place
from joulefront.trial.messages import ChargeRow

_LONG_NS = 1_000_000_000  # a shorter window has no sample in it: nobody is asked about it
_PATIENCE_NS = 5_000_000_000  # between two questions at reports


class Counters(Protocol):
    """Cumulative counters of a process and everything it started."""

    def read(self) -> Reading:
        """Return the counters as they stand."""
        ...


def registration_of(assignment: Assignment, place: Place, called: Reading) -> Registration:
    """Say who this process is and what it may use.

    Args:
        assignment: Of the attempt.
        place: Of this process.
        called: Its counters, with which the attempt begins.
    """
    pid = os.getpid()
    return Registration(
        study=assignment.store or "",
        trial_id=assignment.trial_id,
        attempt=assignment.attempt,
        rank=place.rank,
        pid=pid,
        started=process_table().started(pid) or 0,
        cores=assignment.cpus,
        core_ids=place.cores.ids,
        oversubscribed=place.cores.oversubscribed,
        gpu_shares=dict.fromkeys(place.gpu_uuids, 1.0) | dict(place.gpu_shares),
        called=called,
    )


class AttemptMeter:
    """Open and close the windows of an attempt, and charge them.

    What lies outside the windows (imports, data, probes) can be told as "setup", because the
    registration has the counters of when `train` was called. The host's meter is asked what this
    process cannot see when a window of a second or more closes, at the end if as much lies outside
    the windows, and at a report every 5 seconds at most.

    Args:
        counters: Where readings come from.
        model: Joules per CPU-second and the constants.
        registration: Who is charged.
        host: The host's meter; it is told of the registration here.
        host_name: For the charges.
    """

    def __init__(
        self,
        counters: Counters,
        model: PowerModel,
        registration: Registration,
        *,
        host: Host,
        host_name: str,
    ) -> None:
        self._counters = counters
        self._model = model
        self._registration = registration
        self._host = host
        self._host_name = host_name
        self._windows: dict[Purpose, list[Window]] = {"training": [], "inference": []}
        self._open: tuple[Purpose, Reading] | None = None
        self._call: Window | None = None
        self._samples = 0
        self._seen = Observed()
        self._asked_ns = registration.called.monotonic_ns
        host.register(registration)

    @contextmanager
    def window(self, purpose: Purpose = "training") -> Iterator[None]:
        """Charge what happens inside to the trial.

        Raises:
            TrainableError: If a window is open already.
        """
        if self._open is not None:
            raise TrainableError(
                "trial.measured() and trial.inference() must be closed before one is opened again",
                remedy="leave the first with-block first",
            )
        opened = self._counters.read()
        self._open = (purpose, opened)
        self._seen = Observed()
        self._host.window_opened(opened, purpose)
        try:
            yield
        finally:
            window = self._window(opened, ends=True)
            self._windows[purpose].append(window)
            self._open, self._seen = None, Observed()
            self._host.window_closed(window, purpose)

    @contextmanager
    def inference(self, samples: int) -> Iterator[None]:
        """Charge what happens inside to `samples` samples of inference, and not to the training."""
        if samples < 1:
            raise TrainableError(
                "trial.inference() must be told how many samples are scored, at least 1",
                given=str(samples),
            )
        with self.window("inference"):
            yield
        self._samples += samples

    def charges(self) -> tuple[ChargeRow, ...]:
        """Return what the training windows cost up to now, with "inference" and "setup" beside it.

        A trainable that has opened none yet is charged from the call of `train`.
        """
        windows = list(self._windows["training"])
        if self._open is not None and self._open[0] == "training":
            windows.append(self._window(self._open[1], ends=False))
        elif not windows:
            windows.append(self._window(self._registration.called, ends=False))
        call = replace(windows[-1], opened=self._registration.called)
        inference = self._windows["inference"]
        return self._rows(charge_attempt(call, windows, inference, self._model))

    def close(self) -> Window:
        """End the attempt, the first time it is called, and return all of it as one window."""
        if self._call is None:
            measured = [*self._windows["training"], *self._windows["inference"]]
            known_ns = sum(w.closed.monotonic_ns - w.opened.monotonic_ns for w in measured)
            self._call = self._window(self._registration.called, ends=True, known_ns=known_ns)
            self._host.closed(self._call)
        return self._call

    def final_charges(self) -> tuple[ChargeRow, ...]:
        """Return the charges of the ended attempt, with "inference" and "setup" beside it."""
        training, inference = self._windows["training"], self._windows["inference"]
        return self._rows(charge_attempt(self.close(), training, inference, self._model))

    def inference_joules_per_sample(self) -> float | None:
        """Return dynamic CPU and GPU energy ÷ samples; None without an inference window.

        NaN if a counter was missing.
        """
        if not self._samples:
            return None
        charges = charge_windows(self._windows["inference"], self._model)
        return objective_joules(charges) / self._samples

    def degradations(self) -> tuple[str, ...]:
        """Return what makes the energy of the ended attempt untrustworthy."""
        oversubscribed = self._registration.oversubscribed
        return degradations(self._measured(), Policy(), oversubscribed=oversubscribed)

    def foreign_share(self) -> float:
        """Return the CPU time of strangers in the ended attempt's windows ÷ its own."""
        return foreign_share(self._measured())

    def _measured(self) -> Sequence[Window]:
        return self._windows["training"] or [self.close()]

    def _window(self, opened: Reading, *, ends: bool, known_ns: int = 0) -> Window:
        closed = self._counters.read()
        return Window(
            opened=opened,
            closed=closed,
            cores=self._registration.cores,
            gpu_shares=self._registration.gpu_shares,
            observed=self._observe(opened, closed, ends=ends, known_ns=known_ns),
        )

    def _observe(self, opened: Reading, closed: Reading, *, ends: bool, known_ns: int) -> Observed:
        """Ask the host's meter, or repeat what it said of this window last.

        Args:
            opened: Counters at its beginning.
            closed: Counters now.
            ends: It is the end of it.
            known_ns: How much of it the meter has been asked about before.
        """
        due = ends or closed.monotonic_ns - self._asked_ns >= _PATIENCE_NS
        if due and closed.monotonic_ns - opened.monotonic_ns - known_ns >= _LONG_NS:
            self._seen = self._host.observe(opened.monotonic_ns)
            self._asked_ns = closed.monotonic_ns
        return self._seen

    def _rows(self, charges: Sequence[Charge]) -> tuple[ChargeRow, ...]:
        return tuple(
            ChargeRow(
                host=self._host_name,
                device=charge.device,
                component=charge.component,
                joules=charge.joules,
                provenance=charge.provenance,
                shared=charge.shared,
                known=charge.known,
            )
            for charge in charges
        )
