from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from joulefront.testing import RecordingTrial
from joulefront.trial import ObjectiveError
from trainables.classification import binary_metrics
from trainables.training import Side, TrainingConfig

BINARY = binary_metrics(np.array([0, 1]), np.array([0.0, 1.0])).keys()
EPOCH = {"train_loss", "loss", *BINARY, "kept_share", "samples_per_second"}
COSTS = {"parameters", "flops_per_sample", "latency_seconds", "peak_memory_bytes", "probed"}
TIMED = {"samples_per_second", "latency_seconds", "peak_memory_bytes"}


def untimed(metrics) -> dict[str, object]:
    return {name: value for name, value in metrics.items() if name not in TIMED}


def test_what_is_reported_and_finished(run, task) -> None:
    trial = run()
    assert [set(report) for report in trial.reports] == [EPOCH] * 3
    tested = {f"test_{name}" for name in ("loss", *BINARY, "kept_share")}
    assert set(trial.finished) == {*EPOCH, *tested, *COSTS, "kept_epoch", "mixed_precision"}
    assert all(math.isfinite(value) for value in trial.finished.values())
    assert trial.finished["probed"] == 12
    trial.send(trial.closing())
    assert trial.messages[-1].inference_energy_joules_per_sample > 0
    assert trial.split["test"] == sorted(task.test.subjects)
    assert trial.predictions["labels"] == {f"test{i}": i % 2 for i in range(10)}
    assert all(0 <= score <= 1 for score in trial.predictions["scores"].values())


def test_the_loss_falls(run, task) -> None:
    reports = run(TrainingConfig(epochs=8, learning_rate=0.05)).reports
    assert reports[-1]["train_loss"] < reports[0]["train_loss"] - 0.05


def test_a_used_process_gives_what_a_fresh_one_gives(run) -> None:
    first = run()
    torch.manual_seed(99)
    run(seed=5)
    second = run()
    assert list(map(untimed, first.reports)) == list(map(untimed, second.reports))
    assert untimed(first.finished) == untimed(second.finished)
    assert first.predictions == second.predictions
    assert list(map(untimed, run(seed=1).reports)) != list(map(untimed, first.reports))


def test_nothing_that_may_be_an_objective_comes_from_the_test_fold(run, task) -> None:
    other = task._replace(test=Side(task.test.subjects, task.validation.batch.take(range(10))))
    one, two = run(), run(given=other)
    assert one.finished["test_loss"] != two.finished["test_loss"]
    assert list(map(untimed, one.reports)) == list(map(untimed, two.reports))
    known = [name for name in untimed(one.finished) if not name.startswith("test_")]
    assert all(one.finished[name] == two.finished[name] for name in known)


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
@pytest.mark.parametrize("class_weights", ["none", "balanced", "effective"])
def test_more_than_two_classes(loss, class_weights, run, tasks) -> None:
    config = TrainingConfig(epochs=2, loss=loss, class_weights=class_weights, label_smoothing=0.1)
    trial = run(config, given=tasks(classes=4), classes=4)
    assert trial.finished["test_accuracy"] >= 0
    assert trial.predictions == {}


def test_a_loss_that_is_not_finite_is_reported_and_ends_the_trial(run, task) -> None:
    broken = replace(task.train.batch, values=task.train.batch.values * math.nan)
    bad = task._replace(train=Side(task.train.subjects, broken))
    with pytest.raises(ObjectiveError, match="training loss must stay finite; given: nan"):
        run(given=bad)


def test_the_window_opens_once_and_holds_every_report(run, monkeypatch) -> None:
    seen: list[str] = []
    measured = RecordingTrial.measured

    class Window:
        def __init__(self, inner: object) -> None:
            self.inner = inner

        def __enter__(self) -> None:
            seen.append("open")
            self.inner.__enter__()

        def __exit__(self, *error: object) -> None:
            seen.append("close")
            self.inner.__exit__(*error)

    def noting(name: str):
        method = getattr(RecordingTrial, name)

        def call(self, *given, **values):
            seen.append(name)
            return method(self, *given, **values)

        return call

    monkeypatch.setattr(RecordingTrial, "measured", lambda self: Window(measured(self)))
    for name in ("report", "inference", "finish"):
        monkeypatch.setattr(RecordingTrial, name, noting(name))
    run()
    assert seen == ["open", "report", "report", "report", "close", "inference", "finish"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_trains_in_mixed_precision(small, task) -> None:
    from joulefront.trial import Place
    from trainables.training import fit

    def moved(side: Side) -> Side:
        batch = side.batch
        tensors = {name: getattr(batch, name).cuda() for name in ("values", "there", "labels")}
        return Side(side.subjects, replace(batch, **tensors))

    class Seen(small):
        def forward(self, batch, generator=None):
            assert not self.training or generator.device.type == "cuda"
            output = super().forward(batch, generator)
            seen.add(output.logits.dtype)
            return output

    seen: set[torch.dtype] = set()
    given = task._replace(**{n: moved(getattr(task, n)) for n in ("train", "validation", "test")})
    trial = RecordingTrial()
    trial._place = Place(device="cuda:0")
    fit(TrainingConfig(epochs=1), trial, Seen().cuda(), given)
    assert seen == {torch.bfloat16}
    assert trial.finished["mixed_precision"] is True
    assert math.isfinite(trial.finished["test_loss"])
