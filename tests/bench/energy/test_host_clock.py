from __future__ import annotations

import os
import time

import pytest

from joulefront.bench.energy import host_clock
from joulefront.bench.energy.host_clock import HostClock, own_seconds, process_seconds


def test_any_stretch_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_clock.time, "monotonic_ns", lambda: 2 * 10**9)
    monkeypatch.setattr(host_clock, "host_busy_seconds", lambda: 2.0)
    clock = HostClock()
    clock._readings = [(0, 0.0), (10**9, 1.0)]
    assert clock.busy_seconds(250_000_000, 750_000_000) == pytest.approx(0.5)


def test_the_host_is_busy_when_this_process_is() -> None:
    before, began = process_seconds(os.getpid()), own_seconds()
    with HostClock() as clock:
        opened_ns = time.monotonic_ns()
        while own_seconds() < began + 0.2:
            sum(range(1000))
        busy = clock.busy_seconds(opened_ns, time.monotonic_ns())
    assert busy > 0.1
    assert process_seconds(os.getpid()) - before > 0.1
