from __future__ import annotations

import math
from functools import partial

import pytest
import torch

from joulefront.testing import RecordingTrial
from trainables.attention import ATTENTIONS
from trainables.flops import count_flops
from trainables.sequence_length import LEAST_PASSES, Config, build_layer, train

SMALL = {"tokens": 96, "width": 16, "heads": 2, "block_size": 8, "seconds": 0.0}


def _measured(attention: str, **changes: object) -> dict[str, float]:
    trial = RecordingTrial()
    train(Config(attention=attention, **(SMALL | changes)), trial)
    assert trial.closing().inference_energy_joules_per_sample >= 0
    (metrics,) = trial.reports
    return metrics


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_every_attention_is_measured(attention: str) -> None:
    metrics = _measured(attention)
    assert metrics["sequence_length"] == 96
    assert metrics["latency_seconds"] > 0
    assert metrics["peak_memory_bytes"] > 2**20
    assert metrics["parameters"] >= 3 * 16 * 16  # reformer shares queries and keys
    assert 96 <= metrics["pairs"] <= 96 * 96 * 4
    config = Config(attention=attention, **SMALL)
    layer = build_layer(config, 0).eval()
    rows = torch.randn(96, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        counted = count_flops(partial(layer, rows, [96]))
    assert metrics["flops"] == pytest.approx(counted, rel=0.5)  # other rows, other clusters


def test_what_is_known_of_dense_attention() -> None:
    metrics = _measured("dense")
    assert metrics["pairs"] == 96**2
    assert metrics["clusters_effective"] == 1
    assert metrics["flops"] == 8 * 96 * 16**2 + 4 * 96**2 * 16


def test_clusters_are_made_below_the_crossover_only_if_asked_for() -> None:
    assert _measured("balanced")["clusters_effective"] > 1
    assert _measured("balanced", exact_clusters=False)["clusters_effective"] == 1


def test_passes_fill_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []

    def median(calls: list[object], device: torch.device) -> float:
        counts.append(len(calls))
        return 0.01

    monkeypatch.setattr("trainables.sequence_length.median_seconds", median)
    for seconds in (0.0, 0.25):
        _measured("dense", seconds=seconds)
    assert counts == [1, LEAST_PASSES, 1, 25]


def test_the_seed_decides_the_weights() -> None:
    before = torch.get_rng_state()
    config = Config(**SMALL)
    first, again, other = (build_layer(config, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["qkv.weight"], other["qkv.weight"])
    assert not first["out.bias"].any()
    assert first["qkv.weight"].std().item() == pytest.approx(math.sqrt(1 / 16), rel=0.15)
    torch.set_rng_state(before)


@pytest.mark.parametrize("change", [{"attention": "dence"}, {"tokens": 0}, {"block_size": 0}])
def test_refusals(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        Config(**change)
