"""Train a model on one fold: the loop between the trial's energy window and its reports.

Everything random comes from the trial's seed. The validation side is scored after every epoch; the
outer fold once, after the window has closed, with the weights that are kept.
"""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from joulefront.trial import ObjectiveError, TrialContext
from trainables.training.batches import Batch
from trainables.training.checkpoints import restore, save
from trainables.training.config import TrainingConfig
from trainables.training.costs import measure_costs, measure_inference
from trainables.training.learner import Learner
from trainables.training.model import Model
from trainables.training.progress import Progress
from trainables.training.scoring import Scores, is_mixed, metrics_of, predict
from trainables.training.task import Task


def fit(config: TrainingConfig, trial: TrialContext, model: Model, task: Task[Any, Any]) -> None:
    """Train and score one trial.

    Args:
        config: Hyperparameters.
        trial: Where to learn, and where to say how it went.
        model: On the trial's device; changed in place.
        task: What to learn from, on the same device.

    Raises:
        ObjectiveError: If the training loss is no longer finite.
    """
    torch.set_num_threads(trial.threads)
    train, validation, test, _ = task
    trial.record_split(train=train.subjects, validation=validation.subjects, test=test.subjects)
    learner = Learner(config, model, train.batch, trial)
    progress = restore(trial.restored_checkpoint(), learner)
    learner.warm_up()
    with trial.measured():
        while not progress.is_over(config):
            _run_epoch(learner, progress, task, trial)
    if progress.weights is not None:
        model.load_state_dict(progress.weights)
    _finish(learner, progress, task, trial)


def _run_epoch(
    learner: Learner, progress: Progress, task: Task[Any, Any], trial: TrialContext
) -> None:
    start = time.perf_counter()
    train_loss = learner.train_epoch(progress.epochs_done)
    seconds = time.perf_counter() - start
    side = task.validation.batch
    metrics = {
        "train_loss": train_loss,
        **metrics_of(_predict(learner, side), side.labels),
        "samples_per_second": len(task.train.batch) / seconds,
    }
    progress.record(metrics, learner.model, learner.config.patience)
    if trial.rank == 0 and progress.is_due(learner.config):
        with tempfile.TemporaryDirectory() as folder:
            save(Path(folder), learner, progress, task.preprocessing)
            trial.report(metrics, checkpoint=Path(folder))
    else:
        trial.report(metrics)
    if not math.isfinite(train_loss):
        raise ObjectiveError(
            "the training loss must stay finite",
            given=f"{train_loss} in epoch {progress.epochs_done}",
            remedy="lower learning_rate",
        )


def _finish(
    learner: Learner, progress: Progress, task: Task[Any, Any], trial: TrialContext
) -> None:
    """Score the outer fold once, and probe what the model costs on the validation side.

    The metrics of the kept epoch are told again: they are not the last reported ones after an early
    stop, and an attempt that went on after the last epoch has reported none.
    """
    subjects, side = task.test
    scores = _predict(learner, side)
    if learner.model.classes == 2:  # which is what the platform keeps
        labels, ones = side.labels.tolist(), scores.probabilities[:, 1].tolist()
        trial.record_predictions(
            labels=dict(zip(subjects, labels, strict=True)),
            scores=dict(zip(subjects, ones, strict=True)),
        )
    tested = {f"test_{name}": value for name, value in metrics_of(scores, side.labels).items()}
    measure_inference(learner, task.validation.batch, trial)
    costs = measure_costs(learner, task.validation.batch)
    mixed = is_mixed(learner.device, learner.config.precision)
    known = {"kept_epoch": progress.kept_epoch, "mixed_precision": mixed}
    trial.finish({**progress.metrics, **known, **tested, **costs})


def _predict(learner: Learner, side: Batch) -> Scores:
    ranks = {"rank": learner.rank, "world_size": learner.world_size}
    return predict(learner.model, side, learner.config.precision, **ranks)
