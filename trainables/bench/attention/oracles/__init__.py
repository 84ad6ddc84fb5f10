"""The attentions' oracles by name; one for each line of `trainables.attention.ATTENTIONS`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.attention.attention import Attention
    from trainables.bench.attention.oracles.truth import Truth

__all__ = ["ORACLES", "Oracle", "load_oracle"]

Oracle = Callable[["Attention", "Tensor"], "Truth"]

ORACLES = {
    "balanced": "trainables.bench.attention.oracles.clusters:oracle",
    "bigbird": "trainables.bench.attention.oracles.bigbird:oracle",
    "cluster": "trainables.bench.attention.oracles.clusters:oracle",
    "dense": "trainables.bench.attention.oracles.dense:oracle",
    "linformer": "trainables.bench.attention.oracles.linformer:oracle",
    "longformer": "trainables.bench.attention.oracles.longformer:oracle",
    "lspg": "trainables.bench.attention.oracles.lspg:oracle",
    "performer": "trainables.bench.attention.oracles.performer:oracle",
    "reformer": "trainables.bench.attention.oracles.reformer:oracle",
    "routing": "trainables.bench.attention.oracles.routing:oracle",
    "strided": "trainables.bench.attention.oracles.strided:oracle",
}


def load_oracle(name: str) -> Oracle:
    """Import the oracle of that name."""
    module, attribute = ORACLES[name].split(":")
    found: Oracle = getattr(import_module(module), attribute)
    return found
