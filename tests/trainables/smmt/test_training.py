from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from joulefront.testing import RecordingTrial
from joulefront.trial import TrainableError
from trainables.cohorts import Preprocessing, load_cohort, split_cohort
from trainables.smmt import Config, train
from trainables.smmt.batch import Batch
from trainables.smmt.training import load_model
from trainables.training import load_task
from trainables.training.learner import Learner
from trainables.training.scoring import predict

DATA = {"cohort": "synthetic_ad", "subjects": 40, "seed": 0, "image_size": 32}
CONFIG = Config(width=16, heads=2, layers=1, patch_size=8, epochs=2, sparsity_penalty=0.1)


@pytest.fixture(scope="module")
def trial() -> RecordingTrial:
    trained = RecordingTrial(data=DATA)
    train(CONFIG, trained)
    return trained


def test_what_smmt_alone_says_of_itself(trial) -> None:
    for report in trial.reports:
        assert 0 < report["kept_share"] < 1
    assert trial.finished.keys() >= {"clusters_effective", "attention_pairs_share"}
    assert 0 < trial.finished["test_kept_share"] < 1
    assert all(math.isfinite(value) for value in trial.finished.values())


def test_a_checkpoint_opens_again_without_unpickling(trial) -> None:
    folder = trial.checkpoints[-1]
    model, preprocessing = load_model(folder)
    cohort = load_cohort(DATA)
    split = split_cohort(cohort, DATA, 0)
    assert preprocessing == Preprocessing.fit(cohort, split.train)
    inputs = preprocessing.apply(cohort, split.test)
    scores = predict(model, Batch.of(inputs, torch.device("cpu")))
    expected = trial.predictions["scores"]
    assert dict(zip(inputs.subjects, scores.probabilities[:, 1].tolist(), strict=True)) == expected
    assert json.loads((folder / "config.json").read_text())["sparsity_penalty"] == 0.1


class FragileTrial(RecordingTrial):
    def report(self, metrics, checkpoint=None) -> None:
        super().report(metrics, checkpoint)
        raise KeyboardInterrupt


def test_going_on_equals_never_having_stopped(trial) -> None:
    first = FragileTrial(data=DATA)
    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, first)
    rest = RecordingTrial(data=DATA, checkpoint=first.checkpoints[-1])
    train(CONFIG, rest)
    timed = "samples_per_second"
    (again,), last = rest.reports, trial.reports[-1]
    assert {**again, timed: 0} == {**last, timed: 0}
    assert rest.predictions == trial.predictions
    assert_same_weights(rest.checkpoints[-1], trial.checkpoints[-1])


def assert_same_weights(one: Path, other: Path) -> None:
    first, second = (torch.load(path / "model.pt", weights_only=True) for path in (one, other))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
def test_the_gate_follows_the_penalty_in_a_hundred_steps(make_model, make_batch) -> None:
    levels = []
    for penalty in (0.0, 0.1, 1.0):
        model = make_model(sparsity_penalty=penalty, attention="dense", batch_size=4)
        learner = Learner(model.config, model, make_batch(80), RecordingTrial(seed=3))
        for epoch in range(5):
            learner.train_epoch(epoch)
        levels.append(model.levels()[0].item())
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > 1.5
    assert levels[-1] < -3


def test_a_share_of_the_training_side_is_learnt_from(trial) -> None:
    config = Config(train_share=0.5)
    task = load_task(config, RecordingTrial(data=DATA), Batch.of)
    assert set(task.train.subjects) < set(trial.split["train"])
    assert sorted(task.validation.subjects) == trial.split["validation"]


def test_a_picture_that_cannot_be_cut_ends_the_trial() -> None:
    with pytest.raises(TrainableError, match="patch_size must divide"):
        train(Config(patch_size=16), RecordingTrial(data=DATA | {"image_size": 40}))


def test_modalities_without_a_value_are_absent() -> None:
    from trainables.cohorts import Inputs

    inputs = Inputs(
        subjects=("a", "b"),
        labels=np.array([0, 1]),
        images=np.zeros((2, 1, 8, 8), dtype=np.float32),
        image_present=np.array([True, False]),
        numeric=np.zeros((2, 2), dtype=np.float32),
        numeric_missing=np.array([[True, True], [True, False]]),
        categorical=np.array([[-1], [0]]),
    )
    present = Batch.of(inputs, torch.device("cpu")).present
    assert present.tolist() == [[False, False, True], [True, True, False]]
