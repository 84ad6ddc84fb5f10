"""What a checkpoint holds, and how a training goes on from it.

- model.pt: the weights that would be kept if the training ended here.
- training.pt: progress, optimisers, and the last weights where those are others.
- config.json, preprocessing.json: what else it takes to open the model again.

The .pt files load with `weights_only`. Nothing random is in them: see learner.py.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch

from trainables.training.learner import Learner
from trainables.training.progress import Progress
from trainables.training.task import Fitted

_COUNTED = ("epochs_done", "kept_epoch", "kept_loss", "metrics")


def save(folder: Path, learner: Learner, progress: Progress, preprocessing: Fitted) -> None:
    """Write a checkpoint into an empty folder."""
    last = learner.model.state_dict()
    kept = last if progress.weights is None else progress.weights
    training = {
        "progress": {name: getattr(progress, name) for name in _COUNTED},
        "optimisers": [optimiser.state_dict() for optimiser in learner.optimisers],
        "last": None if progress.kept_epoch == progress.epochs_done else last,
    }
    torch.save(kept, folder / "model.pt")
    torch.save(training, folder / "training.pt")
    _write_json(folder / "config.json", dataclasses.asdict(learner.config))
    _write_json(folder / "preprocessing.json", preprocessing.to_dict())


def restore(folder: Path | None, learner: Learner) -> Progress:
    """Give model and optimisers the state of a checkpoint; without a folder leave them as new."""
    if folder is None:
        return Progress()
    kept = _load(folder / "model.pt", learner.device)
    training = _load(folder / "training.pt", learner.device)
    learner.model.load_state_dict(training["last"] or kept)
    for optimiser, state in zip(learner.optimisers, training["optimisers"], strict=True):
        optimiser.load_state_dict(state)
    return Progress(**training["progress"], weights=kept if learner.config.patience else None)


def _load(path: Path, device: torch.device) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    return found


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
