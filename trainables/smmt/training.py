"""Train SMMT on one fold, and open what it saved. The loop is trainables/training's."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from joulefront.trial import TrialContext
from trainables.cohorts import Preprocessing
from trainables.seeding import stream
from trainables.smmt.batch import Batch, InputShape
from trainables.smmt.config import Config
from trainables.smmt.model import SMMT
from trainables.training import fit, load_task


def train(config: Config, trial: TrialContext) -> None:
    """Train and score one trial.

    Args:
        config: Hyperparameters.
        trial: Where to learn, what from, and where to say how it went.

    Raises:
        DataError: If the cohort cannot be read.
        SplitError: If a side cannot be scored.
        TrainableError: If the pictures cannot be cut into patches.
        ObjectiveError: If the training loss is no longer finite.
    """
    task = load_task(config, trial, Batch.of)
    shape = InputShape.of(task.preprocessing, image_size=task.train.batch.images.shape[-1])
    model = SMMT(config, shape, stream(trial.seed, "weights"))
    fit(config, trial, model.to(trial.device), task)


def load_model(folder: Path) -> tuple[SMMT, Preprocessing]:
    """Rebuild a saved model for evaluation, on the CPU.

    Args:
        folder: A checkpoint: see trainables/training/checkpoints.py.
    """
    config = Config(**json.loads((folder / "config.json").read_text()))
    preprocessing = Preprocessing.from_dict(json.loads((folder / "preprocessing.json").read_text()))
    weights = torch.load(folder / "model.pt", map_location="cpu", weights_only=True)
    patches = weights.get("tokenisers.image.row", torch.empty(0)).shape[0]
    shape = InputShape.of(preprocessing, image_size=patches * config.patch_size)
    model = SMMT(config, shape, stream(0, "weights"))
    model.load_state_dict(weights)
    return model.eval(), preprocessing
