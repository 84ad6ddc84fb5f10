from __future__ import annotations

import sys
import types

import pytest

from joulefront.energy import ProcessCounters, Window, attribute, objective_joules
from joulefront.energy.cpu import Cpu
from joulefront.energy.gpu import GpuCounters
from joulefront.energy.power import model_of

MODEL = model_of(Cpu(name="x", threads=2, threads_per_socket=2, threads_per_core=1, virtual=True))


class ReplayedNvml(types.ModuleType):
    """pynvml as far as it is used, replaying counters; an exhausted or None reading is an error."""

    class NVMLError(Exception):
        pass

    def __init__(self, recorded, *, driver=True):
        super().__init__("pynvml")
        self._recorded = {uuid: iter(values) for uuid, values in recorded.items()}
        self._driver = driver

    def nvmlInit(self):
        if not self._driver:
            raise self.NVMLError("driver not loaded")

    def nvmlDeviceGetHandleByUUID(self, uuid):
        if uuid not in self._recorded:
            raise self.NVMLError("not found")
        return uuid

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        value = next(self._recorded[handle])
        if value is None:
            raise self.NVMLError("GPU is lost")
        return value


@pytest.fixture
def replay(monkeypatch):
    def install(recorded, **options):
        monkeypatch.setitem(sys.modules, "pynvml", ReplayedNvml(recorded, **options))

    return install


def windows_of(counters):
    return [Window(opened=counters.read(), closed=counters.read(), cores=1)]


def test_recorded_counters_are_charged_by_uuid(replay):
    replay({"GPU-a": [1_000, 251_000], "GPU-b": [7, 8], "GPU-other": []})
    charges = attribute(windows_of(ProcessCounters(["GPU-a", "GPU-b"])), MODEL)
    gpus = {c.device: c.joules for c in charges if c.component == "gpu"}
    assert gpus == {"GPU-a": 250.0, "GPU-b": 0.001}
    assert {c.provenance for c in charges if c.component == "gpu"} == {"counter"}
    assert objective_joules(charges) >= 250.001


def test_a_gpu_that_is_lost_reads_none_and_degrades_its_charge_only(replay):
    replay({"GPU-a": [10, None], "GPU-b": [10, 20]})
    windows = windows_of(ProcessCounters(["GPU-a", "GPU-b"]))
    assert windows[0].closed.gpu_millijoules == {"GPU-a": None, "GPU-b": 20}
    qualities = {c.device: c.quality for c in attribute(windows, MODEL) if c.component == "gpu"}
    assert qualities == {"GPU-a": "degraded", "GPU-b": "good"}


def test_a_uuid_without_prefix_is_torch_s(replay):
    replay({"GPU-a": [10]})
    assert GpuCounters(["a"]).read() == {"a": 10}


@pytest.mark.parametrize("driver", [True, False])
def test_a_gpu_that_was_asked_for_and_is_not_there_reads_none(replay, driver):
    replay({}, driver=driver)
    assert GpuCounters(["GPU-a"]).read() == {"GPU-a": None}


def test_without_the_package_a_gpu_reads_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert GpuCounters(["GPU-a"]).read() == {"GPU-a": None}


def test_no_gpus_is_a_null_object_that_loads_nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert GpuCounters(()).read() == {}
