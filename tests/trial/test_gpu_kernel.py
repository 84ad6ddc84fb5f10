from __future__ import annotations

import pytest

from joulefront.energy.reference import kernel_millijoules
from joulefront.trial.gpu_kernel import gpu_kernel


def test_the_kernel_runs_as_often_as_it_is_asked():
    counts = iter([0, 5, 10, 15])
    work = gpu_kernel("cpu", side=4, products=2, sums=1)
    assert kernel_millijoules(work, lambda: next(counts)) == 5


@pytest.mark.gpu
def test_the_kernel_takes_energy_on_a_device():
    import torch

    from joulefront.energy.gpu import GpuCounters

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    uuid = str(torch.cuda.get_device_properties(0).uuid)
    counters = GpuCounters([uuid])
    if counters.read()[uuid] is None:
        pytest.skip("no energy counter")
    assert kernel_millijoules(gpu_kernel(), lambda: counters.read()[uuid]) > 0
