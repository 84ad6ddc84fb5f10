from __future__ import annotations

import torch

from trainables.attention import blocks
from trainables.attention.blocks import attend_blocks, buckets

GROUPS = [(2, 1), (1, 3), (3, 4), (2, 7)]
CUDA = torch.device("cuda")


def test_a_gpu_pads_sizes_up_to_one_power_of_two_together() -> None:
    assert buckets(GROUPS, CUDA) == [[(2, 1)], [(1, 3), (3, 4)], [(2, 7)]]
    assert buckets(GROUPS, torch.device("cpu")) == [[group] for group in GROUPS]


def test_padded_calls_give_what_exact_calls_give(monkeypatch) -> None:
    rows = sum(count * size for count, size in GROUPS)
    qkv = torch.randn(rows, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    qkv.requires_grad_()
    exact = attend_blocks(qkv, GROUPS, 2)
    monkeypatch.setattr(blocks, "buckets", lambda groups, device: buckets(groups, CUDA))
    padded = attend_blocks(qkv, GROUPS, 2)
    torch.testing.assert_close(padded, exact)
    weight = torch.linspace(-1, 1, exact.numel(), dtype=exact.dtype).view(exact.shape)
    gradients = [torch.autograd.grad((out * weight).sum(), qkv)[0] for out in (exact, padded)]
    torch.testing.assert_close(*gradients)
