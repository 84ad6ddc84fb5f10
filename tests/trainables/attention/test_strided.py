from __future__ import annotations

import math

import pytest
import torch

from trainables.attention.strided import StridedAttention, stride_of
from trainables.bench.attention.oracles.strided import oracle


def test_the_stride_is_the_rounded_root() -> None:
    assert [stride_of(n) for n in (1, 2, 3, 16, 20, 21, 4096)] == [1, 1, 2, 4, 4, 5, 64]


@pytest.mark.parametrize("tokens", range(1, 31))
def test_every_length_equals_the_definition(tokens: int, make_layer, make_rows) -> None:
    layer, rows = make_layer("strided"), make_rows((tokens,))
    torch.testing.assert_close(
        layer(rows, (tokens,)), oracle(layer, rows).output, atol=1e-10, rtol=0
    )


def test_a_key_counts_once(make_rows) -> None:
    layer = StridedAttention(16, 4).double()
    with torch.no_grad():
        layer.qkv.weight[:16], layer.qkv.bias[:16] = 0, 0  # equal scores: a mean of the values
    rows = make_rows((25,))
    seen = [j for j in range(25) if abs(12 - j) < 5 or (12 - j) % 5 == 0]
    mean = layer.qkv(rows)[seen, 32:].mean(0)
    torch.testing.assert_close(layer(rows, (25,))[12], layer.out(mean))


def test_pairs_grow_as_n_to_the_three_halves(make_layer, make_rows) -> None:
    layer = make_layer("strided")
    few, many = (layer.work(make_rows((n,)), (n,)).pairs for n in (256, 4096))
    assert math.log(many / few, 16) == pytest.approx(1.5, abs=0.01)
