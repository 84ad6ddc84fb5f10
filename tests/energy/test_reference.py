from __future__ import annotations

import pytest

from joulefront.energy import reference
from joulefront.energy.cpu import Cpu
from joulefront.energy.power import model_of
from joulefront.energy.reference import kernel_cpu_seconds, kernel_millijoules, normalised
from joulefront.errors import JoulefrontError

MODEL = model_of(Cpu(name="x", threads=2, threads_per_socket=2, threads_per_core=1, virtual=True))
FIRST = {"kernel_cpu_seconds": 0.3, "joules_per_cpu_second": 4.0, "node_class": "first"}


def test_a_machine_half_as_fast_is_charged_half_a_cpu_second():
    model = normalised(MODEL, 0.6, FIRST)
    assert model.joules_per_cpu_second == pytest.approx(2.0)
    assert model.provenance == "normalised"
    assert model.source == (
        "normalised to first: a kernel takes 0.6 CPU-seconds here, 0.3 there; " + MODEL.source
    )


def test_the_same_work_costs_the_same_on_both():
    work = 17.0  # kernels
    there = work * FIRST["kernel_cpu_seconds"] * FIRST["joules_per_cpu_second"]
    here = work * 0.41 * normalised(MODEL, 0.41, FIRST).joules_per_cpu_second
    assert here == pytest.approx(there)


def test_gpu_joules_scale_with_the_kernel_s():
    first = FIRST | {"gpu_millijoules": 90_000.0}
    assert normalised(MODEL, 0.3, first, host_gpu_millijoules=60_000.0).gpu_scale == 1.5
    assert normalised(MODEL, 0.3, FIRST).gpu_scale == 1.0


@pytest.mark.parametrize(("there", "here"), [(None, 1.0), (1.0, None)])
def test_a_gpu_on_one_side_only_cannot_be_compared(there, here):
    with pytest.raises(JoulefrontError, match="on all nodes or on none"):
        normalised(MODEL, 0.3, FIRST | {"gpu_millijoules": there}, host_gpu_millijoules=here)


def test_the_kernel_takes_cpu_time(monkeypatch):
    monkeypatch.setattr(reference, "_PRODUCTS", 1)
    monkeypatch.setattr(reference, "_SUMS", 1)
    assert kernel_cpu_seconds() > 0.0


def test_a_gpu_s_kernel_is_the_median_after_a_run_that_warms_up():
    counts = iter([1_000, 1_100, 1_900, 2_020])
    runs = []
    assert kernel_millijoules(lambda: runs.append(1), lambda: next(counts)) == 120
    assert len(runs) == 4


def test_a_gpu_that_cannot_be_read_has_no_kernel():
    counts = iter([1_000, None, 1_900, 2_020])
    assert kernel_millijoules(lambda: None, lambda: next(counts)) is None
