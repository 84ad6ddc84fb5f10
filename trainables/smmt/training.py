"""Train SMMT on one fold: the loop between the trial's energy window and its reports.

Everything random comes from the trial's seed. The validation side is scored after every epoch; the
outer fold once, after the window has closed.
"""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path

import torch

from joulefront.trial import ObjectiveError, TrialContext
from trainables.smmt.config import Config
from trainables.smmt.costs import measure_costs, measure_inference
from trainables.smmt.learner import Learner
from trainables.smmt.scoring import metrics_of, predict
from trainables.smmt.task import Task, load_task


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
    torch.set_num_threads(trial.threads)
    device = torch.device(trial.device)
    task = load_task(trial.data, trial.fold, device)
    trial.record_split(
        train=task.train.subjects, validation=task.validation.subjects, test=task.test.subjects
    )
    learner = Learner(
        config,
        task.shape,
        seed=trial.seed,
        device=device,
        rank=trial.rank,
        world_size=trial.world_size,
    )
    done = learner.restore(trial.restored_checkpoint())
    learner.warm_up(task.train.batch)
    with trial.measured():
        for epoch in range(done, config.epochs):
            _run_epoch(learner, task, trial, epoch)
    _finish(learner, task, trial, reported=done < config.epochs)


def _run_epoch(learner: Learner, task: Task, trial: TrialContext, epoch: int) -> None:
    start = time.perf_counter()
    train_loss = learner.train_epoch(task.train.batch, epoch)
    seconds = time.perf_counter() - start
    side = task.validation.batch
    scores = predict(learner.model, side, rank=trial.rank, world_size=trial.world_size)
    metrics = {
        "train_loss": train_loss,
        **metrics_of(scores, side),
        "samples_per_second": len(task.train.batch) / seconds,
    }
    epochs_done = epoch + 1
    if trial.rank == 0 and _is_due(learner.config, epochs_done):
        with tempfile.TemporaryDirectory() as folder:
            learner.save(Path(folder), epochs_done=epochs_done, preprocessing=task.preprocessing)
            trial.report(metrics, checkpoint=Path(folder))
    else:
        trial.report(metrics)
    if not math.isfinite(train_loss):
        raise ObjectiveError(
            "the training loss must stay finite",
            given=f"{train_loss} in epoch {epochs_done}",
            remedy="lower learning_rate",
        )


def _is_due(config: Config, epochs_done: int) -> bool:
    return epochs_done == config.epochs or epochs_done % config.checkpoint_every == 0


def _finish(learner: Learner, task: Task, trial: TrialContext, *, reported: bool) -> None:
    """Score the outer fold once, and probe what the model costs on the validation side.

    An attempt that went on after the last epoch has reported nothing: it is validated here.
    """
    known = {}
    if not reported:
        seen = task.validation.batch
        again = predict(learner.model, seen, rank=trial.rank, world_size=trial.world_size)
        known = metrics_of(again, seen)
    subjects, side = task.test
    scores = predict(learner.model, side, rank=trial.rank, world_size=trial.world_size)
    labels = side.labels.tolist()
    trial.record_predictions(
        labels=dict(zip(subjects, labels, strict=True)),
        scores=dict(zip(subjects, scores.probabilities.tolist(), strict=True)),
    )
    tested = {f"test_{name}": value for name, value in metrics_of(scores, side).items()}
    measure_inference(learner, task.validation.batch, trial)
    trial.finish({**known, **tested, **measure_costs(learner, task.validation.batch)})
