"""How much of a trained model's dense attention clusters of its own queries keep, at equal k.

SMMT is trained with dense attention on slices. In its closing forward passes over validation
samples the rows that enter each attention over image tokens are kept, and clustered by the trained
queries. Random clusters of equal size are what chance keeps.

Shapes: `n` rows of one sample, `H` heads, `D` width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn

from joulefront.trial import TrialContext
from trainables.attention import load_attention
from trainables.attention.attention import Attention
from trainables.attention.options import AttentionOptions
from trainables.bench.attention.definition import CLUSTERED, mass_kept
from trainables.bench.attention.oracles import load_oracle
from trainables.bench.attention.oracles.truth import dense_weights
from trainables.bench.harness import HarnessTrial
from trainables.cohorts.options import DataOptions
from trainables.seeding import stream
from trainables.smmt import Config, train

CHANCE = ("random", "random again")
BEST = "best"  # each query's n / k heaviest keys: what no equal clusters can surpass


def real_slices() -> dict[str, Any]:
    """Return the `data` of OASIS-1's axial slices, or of the synthetic cohort if it is not here."""
    real = {"cohort": "oasis1", "planes": ["axial"]}
    there = DataOptions.parse(real).root.is_dir()
    return real if there else {"cohort": "synthetic_ad", "subjects": 240}


class _Tap(HarnessTrial):
    """Keeps what enters the attentions while the trial measures inference."""

    def __init__(self, least: int, **arguments: Any) -> None:
        super().__init__(**arguments, window=nullcontext())
        self._least = least
        self.taken: dict[Attention, list[Tensor]] = {}

    @contextmanager
    def inference(self, samples: int) -> Iterator[None]:
        """Look at the forward passes inside; the first one of each attention counts."""
        handle = nn.modules.module.register_module_forward_pre_hook(self._look)
        try:
            yield
        finally:
            handle.remove()

    def _look(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if isinstance(module, Attention) and module not in self.taken:
            rows, lengths = inputs
            long = [one.detach() for one in rows.split(list(lengths)) if len(one) >= self._least]
            if long:
                self.taken[module] = long


@torch.no_grad()
def keep(
    *, data: Mapping[str, Any], config: Mapping[str, Any], clusters: int, samples: int
) -> Iterator[dict[str, Any]]:
    """Train, then observe the `mass` kept of each sample in each layer, mean over heads.

    Args:
        data: The `data` section.
        config: Of SMMT; its attention is dense.
        clusters: k; sequences below 2k tokens are not those of images.
        samples: At most so many of each layer.
    """
    trial = _Tap(2 * clusters, data=data, seed=0)
    with torch.enable_grad():
        train(Config(**config, attention="dense"), cast(TrialContext, trial))
    generator = stream(0, "random clusters")
    for place, (layer, sequences) in enumerate(trial.taken.items()):
        for sample, rows in enumerate(sequences[:samples]):
            weights = dense_weights(layer, rows)
            row = {"layer": place, "sample": sample, "tokens": len(rows), "clusters": clusters}
            row |= {"cohort": data["cohort"], "epochs": config["epochs"]}
            masks = {name: _allowed(name, layer, rows, clusters) for name in CLUSTERED}
            for name in CHANCE:
                lots = torch.randperm(len(rows), generator=generator) * clusters // len(rows)
                masks[name] = lots[:, None] == lots
            best = weights.topk(len(rows) // clusters).indices
            masks[BEST] = torch.zeros_like(weights, dtype=torch.bool).scatter(-1, best, True)
            for name, allowed in masks.items():
                share = float(allowed.double().mean())
                found = {"pairs_share": share, "mass": mass_kept(weights, allowed)}
                yield {"situation": "mass", "variant": name, **row, **found}


def _allowed(name: str, trained: Attention, rows: Tensor, clusters: int) -> Tensor:
    """Return (H, n, n) bool: what clusters of the trained queries let through."""
    options = AttentionOptions(
        width=trained.width, heads=trained.heads, clusters=clusters, exact_clusters=True
    )
    layer = load_attention(name).build(options)
    layer.qkv, layer.out = trained.qkv, trained.out
    return torch.as_tensor(load_oracle(name)(layer, rows).allowed)
