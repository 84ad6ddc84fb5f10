from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from trainables.attention.performer import PerformerAttention
from trainables.seeding import stream


def with_features(features: int, like: torch.nn.Module, seed: int) -> PerformerAttention:
    layer = PerformerAttention(16, 4, features=features).double()
    weights = {name: one for name, one in like.state_dict().items() if name != "omega"}
    layer.load_state_dict(weights, strict=False)
    layer.draw(stream(seed, "omega"))
    return layer


@pytest.mark.slow
def test_the_error_against_softmax_falls_with_the_root_of_the_features(
    make_layer, make_rows
) -> None:
    dense, rows = make_layer("dense"), 0.25 * make_rows((40,))
    truth, errors = dense(rows, (40,)), []
    for features in (32, 512, 8192):
        layers = [with_features(features, dense, seed) for seed in range(8)]
        squares = [(layer(rows, (40,)) - truth).square().mean() for layer in layers]
        errors.append(torch.stack(squares).mean().sqrt().item())
    assert errors[-1] < 0.02 * truth.std().item()
    for few, many in pairwise(errors):
        assert 2.5 < few / many < 6.5  # 4, but for chance


def test_directions_are_orthogonal_and_of_gaussian_lengths() -> None:
    omega = PerformerAttention(64, 8, features=4000).omega
    for block in omega.split(8):
        angles = torch.nn.functional.normalize(block, dim=1)
        torch.testing.assert_close(angles @ angles.T, torch.eye(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(omega.T @ omega / 4000, torch.eye(8), atol=0.1, rtol=0)
    assert omega.mean(0).abs().max() < 0.06


def test_the_default_is_d_log_d_features() -> None:
    assert PerformerAttention(128, 2).features == 266
    assert PerformerAttention(16, 4).features == 64
    assert PerformerAttention(3, 3).features == 64


@pytest.mark.parametrize("scale", [0.0, 30.0, 1000.0])
def test_it_neither_overflows_nor_divides_by_zero(scale, make_layer, make_rows) -> None:
    layer = make_layer("performer").float()
    rows = (scale * make_rows((7, 0, 20))).float().requires_grad_()
    mixed = layer(rows, (7, 0, 20))
    mixed.square().sum().backward()
    assert torch.isfinite(mixed).all()
    assert torch.isfinite(rows.grad).all()


def test_features_are_state_and_never_drawn_again(make_layer, make_rows) -> None:
    layer, rows = make_layer("performer").train(), make_rows((9,))
    omega = layer.state_dict()["omega"].clone()
    torch.testing.assert_close(layer(rows, (9,)), layer(rows, (9,)), rtol=0, atol=0)
    assert torch.equal(layer.omega, omega)


def test_work_grows_as_n(make_layer, make_rows) -> None:
    layer = make_layer("performer")
    once, twice = (layer.work(make_rows((n,)), (n,)) for n in (100, 200))
    assert (2 * once.pairs, 2 * once.flops) == (twice.pairs, twice.flops)
