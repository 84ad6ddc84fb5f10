from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn

from trainables.attention import load_attention
from trainables.attention.attention import Attention
from trainables.attention.options import AttentionOptions
from trainables.seeding import stream

WIDTH, HEADS = 16, 4


@pytest.fixture
def make_layer() -> Callable[..., Attention]:
    """Build a registered attention in float64, with weights large enough to matter."""

    def make(name: str, *, seed: int = 1, **values: object) -> Attention:
        options = {"width": WIDTH, "heads": HEADS, "tokens": 256, "clusters": 3, "block_size": 8}
        built = load_attention(name).build(AttentionOptions(**(options | values)))
        layer = built.double().eval()
        generator = stream(seed, "weights")
        layer.draw(generator)
        with torch.no_grad():
            for module in layer.modules():
                if isinstance(module, nn.Linear):
                    module.weight.normal_(0, 0.4, generator=generator)
                    if module.bias is not None:
                        module.bias.normal_(0, 0.4, generator=generator)
        return layer

    return make


@pytest.fixture
def make_rows() -> Callable[[Sequence[int]], Tensor]:
    def make(lengths: Sequence[int]) -> Tensor:
        generator = stream(sum(lengths), "rows")
        return torch.randn(sum(lengths), WIDTH, dtype=torch.float64, generator=generator)

    return make
