from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from trainables.flops import count_flops

SAMPLES, TOKENS, WIDTH, HEADS = 2, 128, 96, 4
ATTENTION = 4 * SAMPLES * TOKENS**2 * WIDTH


def qkv() -> list[torch.Tensor]:
    shape = (SAMPLES, HEADS, TOKENS, WIDTH // HEADS)
    return [torch.randn(shape, requires_grad=True) for _ in range(3)]


def test_attention_forward_is_counted_on_a_cpu() -> None:
    q, k, v = qkv()
    counted = count_flops(lambda: scaled_dot_product_attention(q, k, v))
    assert counted == ATTENTION == 12_582_912


def test_attention_backward_is_counted_on_a_cpu() -> None:
    q, k, v = qkv()
    counted = count_flops(lambda: scaled_dot_product_attention(q, k, v).sum().backward())
    assert counted == ATTENTION * 7 // 2 == 44_040_192


def test_an_encoder_layer_counts_its_analytic_number() -> None:
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, dropout=0.0, batch_first=True)
    rows = SAMPLES * TOKENS
    linear = 2 * rows * WIDTH * (3 * WIDTH + WIDTH + 2 * 4 * WIDTH)
    counted = count_flops(lambda: layer.train()(torch.randn(SAMPLES, TOKENS, WIDTH)))
    assert counted == ATTENTION + linear == 69_206_016
