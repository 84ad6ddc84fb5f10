from __future__ import annotations

import math

import pytest
import torch

from trainables.training import TrainingConfig
from trainables.training.progress import Progress
from trainables.training.scoring import metrics_of, predict


def losses(trial) -> list[float]:
    return [report["loss"] for report in trial.reports]


IMPATIENT = TrainingConfig(epochs=12, batch_size=4, learning_rate=0.3, patience=2)


def test_it_stops_after_so_many_epochs_without_a_better_loss(run) -> None:
    seen = losses(run(IMPATIENT))
    best = seen.index(min(seen))
    assert len(seen) == best + 1 + IMPATIENT.patience < IMPATIENT.epochs


def test_the_closing_metrics_are_those_of_the_kept_weights(run, task, small) -> None:
    trial = run(IMPATIENT)
    seen = losses(trial)
    kept = seen.index(min(seen))
    assert kept < len(seen) - 1
    assert trial.finished["kept_epoch"] == kept + 1
    assert trial.closing().metrics.items() >= trial.reports[kept].items()
    model = small()
    model.load_state_dict(torch.load(trial.checkpoints[-1] / "model.pt", weights_only=True))
    for side, prefix in ((task.validation.batch, ""), (task.test.batch, "test_")):
        for name, value in metrics_of(predict(model, side), side.labels).items():
            assert trial.finished[prefix + name] == value, name


def test_without_patience_the_last_weights_are_kept(run) -> None:
    trial = run(TrainingConfig(epochs=12, batch_size=4, learning_rate=0.3))
    assert len(trial.reports) == trial.finished["kept_epoch"] == 12
    assert trial.finished.items() >= trial.reports[-1].items()


@pytest.mark.parametrize(
    ("seen", "kept", "run_for"),
    [
        ([3.0, 2.0, 2.0, 2.5], 2, 4),
        ([math.nan, math.nan, math.nan], 1, 3),
        ([math.nan, 5.0, 6.0, 4.0], 4, 6),
        ([1.0, math.nan, math.inf], 1, 3),
    ],
)
def test_ties_and_nan_are_no_improvement(seen, kept, run_for, small) -> None:
    config, progress = TrainingConfig(epochs=20, patience=2), Progress()
    for loss in [*seen, *[9.0] * 9]:
        if progress.is_over(config):
            break
        progress.record({"loss": loss}, small(), config.patience)
    assert (progress.kept_epoch, progress.epochs_done) == (kept, run_for)
