"""Hyperparameter studies in which energy is a first-class objective.

`Study` and `launch_study` are imported when they are asked for (PEP 562): importing this package
loads neither Ray nor torch, and nothing else of the platform.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from joulefront.launch import launch_study
    from joulefront.results import Study

__all__ = ["Study", "__version__", "launch_study"]

__version__ = "0.1.0"

_LAZY = {"Study": "joulefront.results", "launch_study": "joulefront.launch"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
