from __future__ import annotations

import sys
import types

import pytest

from joulefront.energy import ProcessCounters, Window, charge_windows, objective_joules
from joulefront.energy.cpu import Cpu
from joulefront.energy.gpu import GpuCounters, gpu_names
from joulefront.energy.power import model_of

MODEL = model_of(Cpu(name="x", threads=2, threads_per_socket=2, threads_per_core=1, virtual=True))
SLICE_SIZES = {0: 14, 2: 42, 4: 98}  # multiprocessors by profile, as an A100 has them


class ReplayedNvml(types.ModuleType):
    """pynvml as far as it is used, replaying counters; an exhausted or None reading is an error.

    A slice is named "MIG-<device>-<profile>".
    """

    NVML_GPU_INSTANCE_PROFILE_COUNT = 5
    NVML_ERROR_NOT_SUPPORTED = 3

    class NVMLError(Exception):
        pass

    def __init__(self, recorded, *, driver=True, sizes=SLICE_SIZES):
        super().__init__("pynvml")
        self._recorded = {uuid: iter(values) for uuid, values in recorded.items()}
        self._driver = driver
        self._sizes = sizes
        self.looked_up = 0

    def nvmlInit(self):
        if not self._driver:
            raise self.NVMLError("driver not loaded")

    def nvmlDeviceGetCount(self):
        return len(self._recorded)

    def nvmlDeviceGetHandleByIndex(self, index):
        return list(self._recorded)[index]

    def nvmlDeviceGetUUID(self, handle):
        return handle

    def nvmlDeviceGetName(self, handle):
        return f"NVIDIA {handle}"

    def nvmlDeviceGetHandleByUUID(self, uuid):
        self.looked_up += 1
        if uuid not in self._recorded and not uuid.startswith("MIG-"):
            raise self.NVMLError("not found")
        return uuid

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, handle):
        return "GPU-" + handle.split("-")[1]

    def nvmlDeviceGetAttributes_v2(self, handle):
        return types.SimpleNamespace(multiprocessorCount=SLICE_SIZES[int(handle[-1])])

    def nvmlDeviceGetGpuInstanceProfileInfo(self, handle, profile):
        if profile not in self._sizes:
            raise self.NVMLError("not supported")
        return types.SimpleNamespace(multiprocessorCount=self._sizes[profile])

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        value = next(self._recorded[handle], None)
        if value is None:
            raise self.NVMLError("GPU is lost")
        return value


@pytest.fixture
def replay(monkeypatch):
    def install(recorded, **options):
        nvml = ReplayedNvml(recorded, **options)
        monkeypatch.setitem(sys.modules, "pynvml", nvml)
        return nvml

    return install


def windows_of(counters):
    return [Window(opened=counters.read(), closed=counters.read(), cores=1)]


def test_recorded_counters_are_charged_by_uuid(replay):
    replay({"GPU-a": [1_000, 251_000], "GPU-b": [7, 8], "GPU-other": []})
    charges = charge_windows(windows_of(ProcessCounters(["GPU-a", "GPU-b"])), MODEL)
    gpus = {c.device: c.joules for c in charges if c.component == "gpu"}
    assert gpus == {"GPU-a": 250.0, "GPU-b": 0.001}
    assert {c.provenance for c in charges if c.component == "gpu"} == {"counter"}
    assert objective_joules(charges) >= 250.001


def test_a_gpu_that_is_lost_reads_none_and_leaves_the_others_alone(replay):
    replay({"GPU-a": [10, None], "GPU-b": [10, 20]})
    windows = windows_of(ProcessCounters(["GPU-a", "GPU-b"]))
    assert windows[0].closed.gpu_millijoules == {"GPU-a": None, "GPU-b": 20}
    known = {c.device: c.known for c in charge_windows(windows, MODEL) if c.component == "gpu"}
    assert known == {"GPU-a": False, "GPU-b": True}


def test_a_lost_gpu_is_looked_up_again_at_each_reading(replay):
    nvml = replay({"GPU-a": [10, None, None, 40, 50]})
    counters = GpuCounters(["GPU-a"])
    assert [counters.read()["GPU-a"] for _ in range(5)] == [10, None, None, 40, 50]
    assert nvml.looked_up == 3


def test_a_slice_reads_its_device_and_says_its_share(replay):
    replay({"GPU-a": range(100, 200, 10), "GPU-b": [5]})
    counters = GpuCounters(["MIG-a-2", "GPU-b"])
    assert counters.read() == {"MIG-a-2": 100, "GPU-b": 5}
    assert counters.shares() == {"MIG-a-2": pytest.approx(42 / 98)}
    whole = GpuCounters(["MIG-a-4"])
    assert whole.shares() == {"MIG-a-4": 1.0}


def test_a_slice_whose_share_is_not_told_reads_none(replay):
    replay({"GPU-a": [100]}, sizes={})
    counters = GpuCounters(["MIG-a-2"])
    assert (counters.read(), counters.shares()) == ({"MIG-a-2": None}, {})


def test_names_of_all_gpus_of_the_host(replay, monkeypatch):
    replay({"GPU-a": [], "GPU-b": []})
    assert gpu_names() == {"GPU-a": "NVIDIA GPU-a", "GPU-b": "NVIDIA GPU-b"}
    replay({"GPU-a": []}, driver=False)
    assert gpu_names() == {}
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpu_names() == {}


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
