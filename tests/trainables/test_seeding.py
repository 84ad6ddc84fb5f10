from __future__ import annotations

import torch

from trainables.seeding import stream


def draw(*purpose: str | int, seed: int = 0) -> list[float]:
    return torch.rand(4, generator=stream(seed, *purpose)).tolist()


def test_a_stream_is_a_function_of_seed_and_purpose() -> None:
    assert draw("order", 3) == draw("order", 3)
    others = [draw("order", 4), draw("noise", 3), draw("order", 3, seed=1), draw("order", 3, 0)]
    assert draw("order", 3) not in others


def test_the_global_generator_is_left_alone() -> None:
    state = torch.random.get_rng_state()
    draw("order")
    assert torch.equal(state, torch.random.get_rng_state())
