from __future__ import annotations

import json
import sys
import types

import pytest

from joulefront.energy import inventory as module
from joulefront.energy.host_load import Load
from joulefront.energy.inventory import take_inventory
from joulefront.energy.sources import Sources


def sources(*, gpus=None, counts=None, ranges=None, steal_ns=0, scope="host"):
    load = types.SimpleNamespace(
        scope=scope, cores=4, memory_bytes=8 * 1024**3, read=lambda: Load(1, steal_ns)
    )
    return Sources(
        load=load,
        rapl=types.SimpleNamespace(ranges=ranges or {}),
        gpu_names=gpus or {},
        gpus=types.SimpleNamespace(read=lambda: counts or {}),
    )


def counters(**options):
    return {c.name: (c.found, c.note) for c in take_inventory(sources(**options)).counters}


class DividedNvml(types.ModuleType):
    """pynvml as far as it is asked for MIG: the device "GPU-mig" is divided, "GPU-old" cannot."""

    class NVMLError(Exception):
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid):
        return uuid

    def nvmlDeviceGetMigMode(self, handle):
        if handle == "GPU-old":
            raise self.NVMLError("Not Supported")
        return [int(handle == "GPU-mig"), 0]


def test_a_bare_machine_says_what_is_modelled():
    found = counters(steal_ns=None)
    assert found["RAPL"] == (
        False,
        "/sys/class/powercap is absent or closed: CPU joules are modelled",
    )
    assert found["GPU"] == (False, "NVML shows no device")
    assert found["steal"] == (False, "not told to a host here")
    assert found["host CPU time"][1] == "all of the host: 4 hardware threads, 8.0 GiB of memory"


def test_a_container_says_so():
    assert counters(scope="container")["host CPU time"][1].startswith("all of the container")


def test_domains_of_rapl():
    found = counters(ranges={"package-0": 262_143_328_850, "dram-0": 65_712_999_613})
    assert found["RAPL package-0"] == (True, "wraps at 262143 J; calibrates at launch")
    assert "RAPL dram-0" in found
    assert "RAPL" not in found


def test_devices_with_a_counter_divided_and_without(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", DividedNvml("pynvml"))
    names = {"GPU-mig": "NVIDIA A100-SXM4-40GB", "GPU-old": "Tesla V100-SXM2-16GB"}
    names["GPU-none"] = "Tesla P100-PCIE-16GB"
    found = counters(gpus=names, counts={"GPU-mig": 7, "GPU-old": 7, "GPU-none": None})
    assert found["GPU 0"] == (
        True,
        "NVIDIA A100-SXM4-40GB: MIG: one counter for all slices, shared",
    )
    assert found["GPU 1"] == (True, "Tesla V100-SXM2-16GB: energy counter")
    assert found["GPU 2"] == (
        False,
        "Tesla P100-PCIE-16GB: no energy counter, so its energy is unknown",
    )


@pytest.mark.parametrize("name", ["process clocks", "children"])
def test_the_fallback_is_marked_modelled(monkeypatch, name):
    monkeypatch.setattr(module, "has_proc", lambda: False)
    note = counters()[name][1]
    assert note.startswith("psutil") and note.endswith("modelled")


def test_this_machine_has_an_inventory_that_json_can_carry():
    inventory = take_inventory()
    values = json.loads(json.dumps(inventory.to_dict()))
    assert values["power_model"]["source"] == inventory.power_model.source
    assert values["codecarbon"].startswith("3.")
    assert values["countries"] > 200
    assert values["counters"][0]["name"] == "process clocks"
