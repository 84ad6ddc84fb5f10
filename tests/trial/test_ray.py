"""The Ray side of a trial, as far as it can be told without a cluster."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
from joulefront.trial import Assignment, _group, _ray  # noqa: E402  # imports torch
from joulefront.trial.cores import Cores  # noqa: E402


def assignment(**changes) -> Assignment:
    fields = {"trainable": "m:f", "trial_id": "c0000-f0-s0", "config_id": "c0000"}
    return Assignment(**(fields | changes))


def test_a_trial_without_gpus_has_no_device_of_its_own():
    place = _ray._place(assignment(), [], Cores())
    assert (place.device, place.gpu_uuids, place.world_size) == ("cpu", (), 1)


@pytest.fixture
def visible(monkeypatch) -> list[torch.device]:
    """Two devices, whose properties torch would know."""

    def properties(device):
        return SimpleNamespace(uuid=f"uuid-of-{device.index}")

    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return [torch.device("cuda", 0), torch.device("cuda", 1)]


def test_a_trial_knows_the_gpus_that_ray_made_visible(visible):
    place = _ray._place(assignment(gpus=2), visible, Cores(), rank=1, world_size=2)
    assert (place.device, place.rank) == ("cuda:0", 1)
    assert place.gpu_uuids == ("GPU-uuid-of-0", "GPU-uuid-of-1")
    assert place.gpu_shares == {}


def test_a_fraction_of_a_gpu_is_a_share_of_it(visible):
    place = _ray._place(assignment(gpus=0.25), visible[:1], Cores())
    assert place.gpu_shares == {"GPU-uuid-of-0": 0.25}


def test_a_slice_is_a_share_of_its_device(visible, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-a,1")
    monkeypatch.setattr(_ray.GpuCounters, "shares", lambda _: {"MIG-a": 0.5})
    place = _ray._place(assignment(gpus=2), visible, Cores())
    assert place.gpu_uuids == ("MIG-a", "GPU-uuid-of-1")
    assert place.gpu_shares == {"MIG-a": 0.5}


def test_a_plain_loops_metrics_are_taken_as_far_as_they_are_scalars():
    metrics = {"loss": torch.tensor(0.5), "epoch": 1, "history": [1, 2], "note": "x"}
    assert _group._numbers(metrics) == {"loss": 0.5, "epoch": 1, "note": "x"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_real_gpu_is_found_by_the_counters():
    from joulefront.energy import ProcessCounters

    place = _ray._place(assignment(gpus=1), [torch.device("cuda", 0)], Cores())
    reading = ProcessCounters(gpu_uuids=place.gpu_uuids).read()
    assert all(value is not None for value in reading.gpu_millijoules.values())
