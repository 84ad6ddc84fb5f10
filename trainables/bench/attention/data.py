"""What the layers of `study bench attention` are fed, and how they are built. Nothing is measured.

Rows are a mixture of 16 equally likely Gaussians. Every linear map keeps the variance of its input.

Shapes: `T` rows of all samples, `D` width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainables.attention import load_attention
from trainables.attention.attention import Attention
from trainables.attention.options import AttentionOptions
from trainables.bench.attention.mutants import MUTANTS
from trainables.seeding import stream

HEADS = {128: 4, 512: 8}
_GAUSSIANS = 16
_SPREAD = 0.5  # deviation inside a Gaussian; the means deviate by 1


def gaussian_rows(samples: int, tokens: int, width: int) -> Tensor:
    """Return (samples · tokens, D) float32 rows; each sample has Gaussians of its own."""
    generator = stream(0, "rows", samples, tokens, width)
    means = torch.randn(samples, _GAUSSIANS, width, generator=generator)
    drawn = torch.randint(_GAUSSIANS, (samples, tokens), generator=generator)
    noise = torch.randn(samples, tokens, width, generator=generator)
    centres = means[torch.arange(samples)[:, None], drawn]
    return (centres + _SPREAD * noise).flatten(0, 1)


def build_layer(variant: str, width: int, tokens: int, *, exact: bool = False) -> Attention:
    """Build an attention or, as in "balanced:masked", a mutant behind its name.

    Args:
        variant: A name of `ATTENTIONS` or of `MUTANTS`; with ":exact" it has no crossover.
        width: D.
        tokens: The most tokens of a sample.
        exact: Give it no crossover either.
    """
    name, _, fault = variant.partition(":")
    kind = MUTANTS.get(variant) or load_attention(name)
    layer = kind.build(
        AttentionOptions(
            width=width,
            heads=HEADS.get(width, 2),
            tokens=tokens,
            exact_clusters=exact or fault == "exact",
        )
    )
    generator = stream(0, "weights", width)
    with torch.no_grad():
        for module in layer.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_uniform_(module.weight, nonlinearity="linear", generator=generator)
                nn.init.zeros_(module.bias)
    layer.draw(generator)
    return layer
