"""The cost of one attention layer's forward pass at one sequence length, as a trainable.

Nothing is trained: a study of it lays the attentions of the registry beside each other over the
length of a sequence. Weights and rows are random, so that what depends on them (clusters, learned
masks) is that of Gaussian rows and of an untrained layer.

Shapes: `N` tokens of the one sample, `D` width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import nn

from joulefront.trial import TrialContext
from trainables.attention import ATTENTIONS, load_attention
from trainables.attention.attention import Attention
from trainables.attention.options import AttentionOptions
from trainables.probe import WARM_UPS, count_parameters, median_seconds, peak_memory_bytes
from trainables.seeding import stream

LEAST_PASSES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """The layer and its input.

    Raises:
        ValueError: If a value is outside its range.
    """

    attention: str = "dense"  # a name in trainables.attention.ATTENTIONS
    tokens: int = 1024  # N; ≥ 1
    width: int = 128  # D; ≥ 1, a multiple of heads
    heads: int = 4  # ≥ 1
    clusters: int | Literal["auto"] = "auto"  # of a sample; auto = the attention's own rule
    kmeans_iterations: int = 3  # ≥ 0
    block_size: int = 64  # tokens of a leaf, chunk, window or block; ≥ 1
    exact_clusters: bool = True  # false: dense attention below an attention's crossover
    seconds: float = 0.5  # how long passes are timed, three at least; ≥ 0.2 for the energy's sake

    def __post_init__(self) -> None:
        for name in ("tokens", "width", "heads", "block_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, but got {getattr(self, name)!r}")
        if self.attention not in ATTENTIONS:
            names = ", ".join(ATTENTIONS)
            raise ValueError(f"attention must be one of {names}, but got {self.attention!r}")


@torch.no_grad()
def train(config: Config, trial: TrialContext) -> None:
    """Build the layer, pass Gaussian rows through it in evaluation, and report what that took."""
    torch.set_num_threads(trial.threads)
    device = torch.device(trial.device)
    layer = build_layer(config, trial.seed).to(device).eval()
    rows = torch.randn(config.tokens, config.width, generator=stream(trial.seed, "rows")).to(device)
    lengths = [config.tokens]
    forward = partial(layer, rows, lengths)
    memory = peak_memory_bytes(forward, device)
    passes = max(LEAST_PASSES, math.ceil(config.seconds / median_seconds([forward], device)))
    with trial.inference(samples=WARM_UPS + passes):
        latency = median_seconds([forward] * passes, device)
    work = layer.work(rows, lengths)
    trial.report(
        {
            "sequence_length": config.tokens,
            "latency_seconds": latency,
            "peak_memory_bytes": memory,
            "flops": work.flops,
            "pairs": work.pairs,
            "clusters_effective": work.clusters,
            "parameters": count_parameters(layer),
        }
    )


def build_layer(config: Config, seed: int) -> Attention:
    """Build an untrained layer: linear maps that keep the variance of their input, biases 0."""
    options = AttentionOptions(
        width=config.width,
        heads=config.heads,
        tokens=config.tokens,
        clusters=config.clusters,
        kmeans_iterations=config.kmeans_iterations,
        block_size=config.block_size,
        exact_clusters=config.exact_clusters,
    )
    layer, generator = load_attention(config.attention).build(options), stream(seed, "weights")
    with torch.no_grad():
        for module in layer.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_uniform_(module.weight, nonlinearity="linear", generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
    layer.draw(generator)
    return layer
