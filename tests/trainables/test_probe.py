from __future__ import annotations

import torch
from torch import nn

from trainables.probe import WARM_UPS, count_parameters, median_seconds, peak_memory_bytes

CPU = torch.device("cpu")


def test_parameters_are_those_that_learn() -> None:
    layer = nn.Linear(3, 5)
    assert count_parameters(layer) == 20
    layer.bias.requires_grad_(False)
    assert count_parameters(layer) == 15


def test_the_first_call_is_repeated_and_every_call_timed() -> None:
    calls: list[int] = []
    work = [lambda number=number: calls.append(number) for number in range(3)]
    assert median_seconds(work, CPU) >= 0
    assert calls == [0] * WARM_UPS + [0, 1, 2]


def test_the_peak_is_that_of_the_work_not_of_the_past() -> None:
    size = 256 * 2**20
    high = peak_memory_bytes(lambda: torch.ones(size, dtype=torch.uint8), CPU)
    low = peak_memory_bytes(lambda: None, CPU)
    assert high - low > 0.9 * size
