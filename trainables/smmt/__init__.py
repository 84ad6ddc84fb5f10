"""SMMT, the sparse multimodal transformer (Lu & Tsai 2025, arXiv 2512.14491), as a trainable.

`Config` needs no torch; `train`, `describe_data` and `baselines` are imported when asked for
(PEP 562). `train` is in training.py: a module of its own name would take its place here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trainables.smmt.config import Config

if TYPE_CHECKING:
    from trainables.cohorts import baselines, describe_data
    from trainables.smmt.training import train

__all__ = ["Config", "baselines", "describe_data", "train"]

_LAZY = {
    "baselines": "trainables.cohorts",
    "describe_data": "trainables.cohorts",
    "train": "trainables.smmt.training",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
