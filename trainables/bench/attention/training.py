"""What attention does to a training: an epoch of SMMT, and a price on LSPG's learned pattern.

Not a study of accuracy. Both take turns over their variants in this process, one thread.

Shapes: `B` samples, `N` tokens, `D` width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from joulefront.trial import TrialContext
from trainables.bench.attention.cost import one_thread
from trainables.bench.attention.data import build_layer
from trainables.bench.attention.mutants import posing
from trainables.bench.harness import HarnessTrial, Window
from trainables.seeding import stream
from trainables.smmt import Config, train

_SAMPLES, _WIDTH, _BLOCKS, _BLOCK = 8, 32, 8, 64


def time_epochs(
    *, data: Mapping[str, Any], config: Mapping[str, Any], rounds: int, variants: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Observe the CPU-seconds of the energy window of a trial, in rounds over the variants.

    The first round comes first in the process, pays for what is done once, and is thrown away.
    """
    with one_thread():
        for round_ in range(-1, rounds):
            for variant in variants:
                seconds = _window_seconds(data, config, variant)
                if round_ >= 0:
                    row = {"situation": "epoch", "variant": variant, "round": round_}
                    yield row | {"seconds": seconds}


def _window_seconds(data: Mapping[str, Any], config: Mapping[str, Any], variant: str) -> float:
    window = Window()
    with posing(variant) as name:
        trial = HarnessTrial(data=data, seed=0, window=window.cpu_seconds())
        train(Config(**{**config, "attention": name}), cast(TrialContext, trial))
    return window.value


def learn_pattern(
    *, variants: Sequence[str], penalties: Sequence[float], steps: int
) -> Iterator[dict[str, Any]]:
    """Observe the `flops` of a forward pass and the `loss` after a short training at each λ.

    The toy: does the mean of a sample's first block point up or down along one coordinate?
    """
    with one_thread():
        for variant in variants:
            for penalty in penalties:
                found = _learn(variant, penalty, steps)
                row = {"situation": "pattern", "variant": variant, "penalty": penalty}
                yield row | found


def _learn(variant: str, penalty: float, steps: int) -> dict[str, float]:
    tokens = _BLOCKS * _BLOCK
    lengths = [tokens] * _SAMPLES
    layer, generator = build_layer(variant, _WIDTH, tokens), stream(0, "toy")
    head = nn.Parameter(torch.zeros(_WIDTH, 2))
    labels = torch.arange(_SAMPLES) % 2
    rows = torch.randn(_SAMPLES, tokens, _WIDTH, generator=generator)
    rows[:, :_BLOCK, 0] += (2.0 * labels - 1)[:, None]
    rows = rows.flatten(0, 1)
    named = dict(layer.named_parameters())
    level = named.pop("level")
    optimisers = [
        torch.optim.SGD([level], lr=0.4, momentum=0.9),  # as lspg.py asks for
        torch.optim.Adam([*named.values(), head], lr=1e-3),
    ]
    loss = torch.zeros(())
    for _ in range(steps):
        mixed = layer(rows, lengths).view(_SAMPLES, tokens, _WIDTH).mean(1)
        loss = cross_entropy(mixed @ head, labels)
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss + penalty * torch.as_tensor(layer.expected_share))
        for optimiser in optimisers:
            optimiser.step()
    return {"loss": loss.item(), "flops": layer.eval().work(rows, lengths).flops}
