from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from joulefront.testing import RecordingTrial
from joulefront.trial import ObjectiveError
from trainables.classification import binary_metrics
from trainables.cohorts import Preprocessing
from trainables.smmt import Config
from trainables.smmt import train as smmt_train
from trainables.smmt.batch import Batch
from trainables.smmt.learner import load_model
from trainables.smmt.scoring import predict
from trainables.smmt.task import Side, Task

CONFIG = Config(width=16, heads=2, layers=1, batch_size=4, epochs=3, sparsity_penalty=0.1)
CONFUSION = binary_metrics(np.array([0, 1]), np.array([0.0, 1.0]))


@pytest.fixture
def task(shape, make_batch) -> Task:
    def side(name: str, samples: int, seed: int) -> Side:
        return Side(tuple(f"{name}{i}" for i in range(samples)), make_batch(samples, seed=seed))

    preprocessing = Preprocessing(
        planes=("axial", "coronal"),
        image_mean=(0.0, 0.0),
        image_deviation=(1.0, 1.0),
        numeric_names=("a", "b", "c"),
        numeric_mean=(0.0, 0.0, 0.0),
        numeric_deviation=(1.0, 1.0, 1.0),
        categorical_names=("d", "e"),
        categorical_levels=(("0", "1"), ("0", "1", "2")),
    )
    return Task(
        train=side("t", 14, 1),
        validation=side("v", 6, 2),
        test=side("e", 6, 3),
        preprocessing=preprocessing,
        shape=shape,
    )


@pytest.fixture
def run(task, monkeypatch, tmp_path):
    def call(config: Config = CONFIG, *, given: Task = task, **values: object) -> RecordingTrial:
        monkeypatch.setattr("trainables.smmt.training.load_task", lambda *_: given)
        trial = RecordingTrial(store=tmp_path / f"store{len(list(tmp_path.iterdir()))}", **values)
        smmt_train(config, trial)
        return trial

    return call


def learnt(trial: RecordingTrial) -> list[dict[str, object]]:
    timed = "samples_per_second"
    return [{k: v for k, v in report.items() if k != timed} for report in trial.reports]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "model.pt", weights_only=True)


def assert_same_weights(one: Path, other: Path) -> None:
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_what_is_reported_and_finished(run) -> None:
    trial = run()
    per_epoch = {"train_loss", "loss", *CONFUSION, "kept_share", "samples_per_second"}
    assert [set(report) for report in trial.reports] == [per_epoch] * 3
    assert set(trial.finished) == {
        "test_loss",
        *(f"test_{name}" for name in CONFUSION),
        "parameters",
        "flops_per_sample",
        "latency_seconds",
        "peak_memory_bytes",
        "clusters_effective",
        "test_kept_share",
    }
    assert all(math.isfinite(value) for value in trial.finished.values())
    assert trial.finished["flops_per_sample"] > 0
    trial.close()
    assert trial.messages[-1].inference_energy_joules_per_sample > 0
    assert trial.split["test"] == [f"e{i}" for i in range(6)]
    assert trial.predictions["labels"] == {f"e{i}": i % 2 for i in range(6)}
    assert all(0 <= score <= 1 for score in trial.predictions["scores"].values())


def test_a_used_process_gives_what_a_fresh_one_gives(run) -> None:
    first = run()
    torch.manual_seed(99)
    np.random.seed(99)
    run(replace(CONFIG, attention="dense"), seed=5)
    second = run()
    assert learnt(first) == learnt(second)
    assert first.predictions == second.predictions
    assert_same_weights(first.checkpoints[-1], second.checkpoints[-1])
    assert learnt(run(seed=1)) != learnt(first)


@pytest.mark.parametrize("done", [1, 2, 3])
def test_going_on_equals_never_having_stopped(run, done) -> None:
    whole = run()
    first = run(replace(CONFIG, epochs=done))
    rest = run(checkpoint=first.checkpoints[-1])
    assert learnt(first) + learnt(rest) == learnt(whole)
    assert rest.predictions == whole.predictions
    if rest.checkpoints:
        assert_same_weights(rest.checkpoints[-1], whole.checkpoints[-1])
    else:  # killed after its last epoch: what may be an objective must be there all the same
        validated = {"loss", *CONFUSION, "kept_share"}
        last = whole.reports[-1]
        assert {name: rest.finished[name] for name in validated} == {n: last[n] for n in validated}


def test_nothing_that_may_be_an_objective_comes_from_the_test_fold(run, task, make_batch) -> None:
    other = task._replace(test=task.test._replace(batch=make_batch(6, seed=9)))
    one, two = run().finished, run(given=other).finished
    assert one["test_loss"] != two["test_loss"]
    timed = ("latency_seconds", "peak_memory_bytes")
    free = [name for name in one if not name.startswith("test_") and name not in timed]
    assert {name: one[name] for name in free} == {name: two[name] for name in free}


def test_the_test_fold_is_not_seen_before_the_end(run, task) -> None:
    other = task._replace(test=Side(task.test.subjects, task.validation.batch))
    assert learnt(run(given=other)) == learnt(run())


def test_a_checkpoint_opens_again_without_unpickling(run, task) -> None:
    trial = run()
    folder = trial.checkpoints[-1]
    model, preprocessing = load_model(folder)
    assert preprocessing == task.preprocessing
    scores = predict(model, task.test.batch).probabilities
    assert scores.tolist() == list(trial.predictions["scores"].values())
    assert json.loads((folder / "config.json").read_text())["sparsity_penalty"] == 0.1
    assert torch.load(folder / "training.pt", weights_only=True)["epochs_done"] == 3


def test_checkpoints_come_every_so_often_and_at_the_end(run) -> None:
    assert len(run().messages) == 3
    trial = run(replace(CONFIG, epochs=5, checkpoint_every=2))
    kept = [message.epoch for message in trial.messages if message.checkpoint]
    assert kept == [2, 4, 5]


def test_a_loss_that_is_not_finite_is_reported_and_ends_the_trial(run, task) -> None:
    broken = replace(task.train.batch, images=task.train.batch.images * math.nan)
    bad = task._replace(train=Side(task.train.subjects, broken))
    with pytest.raises(ObjectiveError, match="training loss must stay finite; given: nan"):
        run(given=bad)


def test_the_window_opens_once_and_holds_every_report(run, monkeypatch) -> None:
    seen: list[str] = []
    measured, report, finish = (
        RecordingTrial.measured,
        RecordingTrial.report,
        RecordingTrial.finish,
    )

    class Window:
        def __init__(self, inner: object) -> None:
            self.inner = inner

        def __enter__(self) -> None:
            seen.append("open")
            self.inner.__enter__()

        def __exit__(self, *error: object) -> None:
            seen.append("close")
            self.inner.__exit__(*error)

    def noting(name: str, method):
        def call(self, *given, **values):
            seen.append(name)
            return method(self, *given, **values)

        return call

    monkeypatch.setattr(RecordingTrial, "measured", lambda self: Window(measured(self)))
    monkeypatch.setattr(RecordingTrial, "report", noting("report", report))
    monkeypatch.setattr(RecordingTrial, "finish", noting("finish", finish))
    run()
    assert seen == ["open", "report", "report", "report", "close", "finish"]


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
