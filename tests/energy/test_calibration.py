from __future__ import annotations

import dataclasses
import random
import types
from contextlib import contextmanager

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from joulefront.energy import calibration as module
from joulefront.energy.calibration import (
    Counts,
    calibrate,
    calibrated,
    full_load,
    host_power_model,
)
from joulefront.energy.cpu import Cpu
from joulefront.energy.host_load import Load
from joulefront.energy.power import model_of

MODEL = model_of(Cpu(name="x", threads=8, threads_per_socket=8, threads_per_core=1, virtual=False))
RANGES = {"package-0": 262_143_328_850, "package-1": 1_000_000_007}
CORES = 8


class Machine:
    """A linear machine of two packages: watts = idle + slope x busy cores, on a clock of its own.

    Attributes:
        busy: Cores of ours and others that are busy from now on.
        noise: Of the power, relative to its mean, drawn for each step.
    """

    def __init__(self, idle_watts, slope, *, start=0, foreign=0.0, noise=0.0):
        self.idle_watts, self.slope, self.noise = idle_watts, slope, noise
        self.busy = self.foreign = foreign
        self._random = random.Random(0)
        self._ns = self._busy_ns = 0
        self._microjoules = {name: start % wraps_at for name, wraps_at in RANGES.items()}

    def read(self):
        return Counts(
            monotonic_ns=self._ns, busy_ns=self._busy_ns, microjoules=dict(self._microjoules)
        )

    def sleep(self, seconds):
        watts = (self.idle_watts + self.slope * self.busy) * self._random.uniform(
            1 - self.noise, 1 + self.noise
        )
        self._ns += round(seconds * 1e9)
        self._busy_ns += round(seconds * 1e9 * self.busy)
        for name, share in (("package-0", 0.75), ("package-1", 0.25)):
            count = self._microjoules[name] + round(share * watts * seconds * 1e6)
            self._microjoules[name] = count % RANGES[name]

    @contextmanager
    def load(self):
        self.busy = min(CORES, self.foreign + CORES)
        yield
        self.busy = self.foreign

    def calibrate(self, load=None):
        return calibrate(
            self.read, load or self.load, MODEL, ranges=RANGES, cores=CORES, sleep=self.sleep
        )


@given(
    st.floats(1.0, 500.0),
    st.floats(0.5, 50.0),
    st.floats(0.0, 0.7),
    st.integers(0, 10**12),
)
def test_a_linear_machine_is_recovered_wraps_and_strangers_or_not(idle, slope, foreign, start):
    model = Machine(idle, slope, foreign=foreign, start=start).calibrate()
    assert model.provenance == "calibrated"
    assert model.joules_per_cpu_second == pytest.approx(slope, rel=1e-4)
    assert model.idle_watts_per_core == pytest.approx(idle / CORES, rel=1e-3, abs=1e-3)
    assert model.ram_watts_per_gib == MODEL.ram_watts_per_gib


def test_the_source_tells_both_powers_and_the_residual():
    source = Machine(40.0, 10.0, noise=0.05).calibrate().source
    assert source.startswith("RAPL, calibrated: 4")
    assert "with 8.0 of 8 cores busy, residual " in source
    assert "residual 0.0%" in Machine(40.0, 10.0).calibrate().source


def test_noise_is_averaged():
    model = Machine(40.0, 10.0, noise=0.05).calibrate()
    assert model.joules_per_cpu_second == pytest.approx(10.0, rel=0.05)


def test_load_that_is_no_load_tells_no_slope():
    machine = Machine(40.0, 10.0)

    @contextmanager
    def none():
        yield

    refused = machine.calibrate(none)
    assert refused.joules_per_cpu_second == MODEL.joules_per_cpu_second
    assert refused.provenance == "modelled"
    assert refused.source == (
        f"{MODEL.source}; RAPL not calibrated: only 0.0 of 8 cores could be kept busy"
    )


def test_a_disturbed_idle_phase_is_refused():
    refused = Machine(40.0, 10.0, foreign=1.5).calibrate()
    assert refused.provenance == "modelled"
    assert "1.5 of 8 cores were busy in the idle phase" in refused.source


def test_a_machine_that_is_no_line_is_refused():
    assert "strays by" in Machine(40.0, 10.0, noise=0.5).calibrate().source
    assert "40 W idle, 24 W under load" in Machine(40.0, -2.0).calibrate().source


def test_two_readings_a_phase_are_enough():
    machine = Machine(40.0, 10.0)
    phases = []
    for busy in (0, CORES):
        machine.busy = busy
        before = machine.read()
        machine.sleep(1.0)
        phases.append([before, machine.read()])
    model = calibrated(*phases, MODEL, ranges=RANGES, cores=CORES)
    assert model.joules_per_cpu_second == pytest.approx(10.0, rel=1e-4)


def test_a_calibration_that_fails_ends_its_load():
    def spinning():
        return {
            child.pid
            for child in psutil.Process().children()
            if "getppid" in " ".join(child.cmdline())
        }

    with pytest.raises(KeyboardInterrupt), full_load(2):
        assert len(spinning()) == 2
        raise KeyboardInterrupt
    assert spinning() == set()


@pytest.fixture
def on_host(monkeypatch):
    calibrations = []

    def record(read, load, model, *, ranges, cores):
        calibrations.append((set(ranges), cores, set(read().microjoules)))
        return dataclasses.replace(model, provenance="calibrated")

    def install(*, scope="host", ranges=RANGES):
        machine = Machine(40.0, 10.0)
        load = types.SimpleNamespace(
            scope=scope, cores=CORES, read=lambda: Load(machine.read().busy_ns, None)
        )
        rapl = types.SimpleNamespace(ranges=ranges, read=lambda: machine.read().microjoules)
        monkeypatch.setattr(module, "HostLoad", lambda: load)
        monkeypatch.setattr(module, "Rapl", lambda: rapl)
        monkeypatch.setattr(module, "calibrate", record)
        module._measured.cache_clear()
        return calibrations

    yield install
    module._measured.cache_clear()


def test_a_host_with_rapl_is_calibrated_once_by_its_packages(on_host):
    calibrations = on_host(ranges=RANGES | {"dram-0": 2**32})
    assert host_power_model().provenance == "calibrated"
    assert host_power_model({"ram_watts_per_gib": 0.1}).ram_watts_per_gib == 0.1
    assert calibrations == [(RANGES.keys(), CORES, RANGES.keys())]


@pytest.mark.parametrize(("scope", "ranges"), [("host", {}), ("container", RANGES)])
def test_without_rapl_of_its_own_a_host_is_modelled(on_host, scope, ranges):
    calibrations = on_host(scope=scope, ranges=ranges)
    model = host_power_model()
    assert (model.provenance, calibrations) == ("modelled", [])
    assert ("a container does not see" in model.source) == bool(ranges)


def test_constants_that_are_given_need_no_calibration(on_host):
    calibrations = on_host()
    host_power_model({"joules_per_cpu_second": 2.0, "idle_watts_per_core": 1.0})
    assert calibrations == []


def test_load_is_bounded_in_time():
    before = set(psutil.Process().children())
    with full_load(1, seconds=0.0):
        (child,) = set(psutil.Process().children()) - before
        assert child.wait(timeout=30) == 0
