from __future__ import annotations

import math
from typing import get_args, get_type_hints

import pytest

from trainables.training import TrainingConfig
from trainables.training.schedules import rate_factor

SCHEDULES = get_args(get_type_hints(TrainingConfig)["schedule"])


def curve(schedule: str, warmup: float = 0.0, steps: int = 100) -> list[float]:
    return [rate_factor(step, steps, schedule, warmup) for step in range(steps)]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_it_rises_to_the_peak_once_and_never_again(schedule: str) -> None:
    factors = curve(schedule, warmup=0.1)
    assert factors[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert factors[9] == factors[10] == 1
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert all(0 < factor <= 1 for factor in factors)
    assert curve(schedule)[0] == 1


def test_the_shapes_at_half_time() -> None:
    halves = {schedule: curve(schedule)[50] for schedule in SCHEDULES}
    expected = {"constant": 1.0, "cosine": 0.5, "linear": 0.5, "polynomial": 0.5**0.9}
    assert halves == pytest.approx(expected)
    assert curve("cosine")[25] == pytest.approx((1 + math.cos(math.pi / 4)) / 2)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.99])
def test_a_training_of_one_step_takes_it(schedule: str, warmup: float) -> None:
    assert rate_factor(0, 1, schedule, warmup) == 1
