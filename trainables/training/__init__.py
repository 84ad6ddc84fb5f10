"""The training loop of every model here: one `fit`, which the model knows nothing of.

Frozen: later models and the recorded curves build on these names, their arguments and the metrics.

- A trainable's `Config` inherits `TrainingConfig` (no torch), a dataclass as that one is.
- Its model inherits `Model`: `forward(batch, generator)` gives an `Output`; it may have a price,
  shares that it counts, optimisers of its own and costs of its own. It draws from the generator
  that it is given and from no other, so that a trial that goes on equals one that never stopped.
- Its samples are a `Batch`, whose tensors lie on the device as a whole side; `take_rows` is a
  `take` for dataclasses of tensors.
- `train` loads a `Task` (`load_task` where the samples are a cohort's), builds the model from
  `stream(trial.seed, "weights")`, moves it to `trial.device` and calls `fit`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trainables.training.config import TrainingConfig

if TYPE_CHECKING:
    from trainables.training.batches import Batch, take_rows
    from trainables.training.loop import fit
    from trainables.training.model import Model, Output
    from trainables.training.task import Side, Task, load_task

__all__ = [
    "Batch",
    "Model",
    "Output",
    "Side",
    "Task",
    "TrainingConfig",
    "fit",
    "load_task",
    "take_rows",
]

_LAZY = {
    "Batch": "batches",
    "Model": "model",
    "Output": "model",
    "Side": "task",
    "Task": "task",
    "fit": "loop",
    "load_task": "task",
    "take_rows": "batches",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
